/* jargon compare: two systems on the same references, paired, overall and by group. */
#include "eval/compare.h"
#include "src/cmd/evaluation.h"
#include "src/cmd/verb.h"

int verb_compare(int argc, char **argv) {
  Status status = OK;
  Evaluation evaluation;
  Reports reports = {0};
  evaluation_init(&evaluation);
  const Option own[] = {
      {"before", OPTION_TEXT, &evaluation.before, "A", "what the one system recognised", .required = true,
       .positional = true},
      {"hyp", OPTION_TEXT, &evaluation.hyp, "B",
       "what the other recognised; the references and metadata are here unless --ref is given",
       .required = true, .positional = true}};
  enum { OWN = sizeof own / sizeof *own };
  Option table[OWN + EVALUATION_OPTIONS + REPORTS_OPTIONS + 1] = {0};
  int count = evaluation_options(&evaluation, table);
  count += reports_options(&reports, table + count);
  for (int i = 0; i < OWN; i++) table[count + i] = own[i];
  Options options = {
      "compare", "compares two systems, paired: what got worse, what better, what is too small to tell",
      "jargon compare old.jsonl new.jsonl --by domain,gender --pairs --json compared.json", table};
  TRY(options_parse(&options, argc, argv));
  TRY(reports_check(&reports));
  TRY(evaluation_run(&evaluation));
  TRY(reports_write(&reports, &evaluation));
  compare_print(stdout, evaluation.document, terminal_width());
done:
  evaluation_free(&evaluation);
  options_free(&options);
  return verb_end("compare", status);
}

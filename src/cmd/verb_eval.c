/* jargon eval: scores transcripts against references, overall and by group. */
#include "eval/report.h"
#include "eval/sclite.h"
#include "src/cmd/evaluation.h"
#include "src/cmd/verb.h"

int verb_eval(int argc, char **argv) {
  Status status = OK;
  const char *sclite = NULL;
  Evaluation evaluation;
  Reports reports = {0};
  evaluation_init(&evaluation);
  const Option own[] = {
      {"hyp", OPTION_TEXT, &evaluation.hyp, "FILE",
       "what was recognised, and the references unless --ref is given", .required = true, .positional = true},
      {"before", OPTION_TEXT, &evaluation.before, "FILE", "what another system recognised, shown beside"},
      {"sclite", OPTION_TEXT, &sclite, "PREFIX", "write sclite's reports PREFIX.sys, .raw, .pra and .dtl"}};
  enum { OWN = sizeof own / sizeof *own };
  Option table[OWN + EVALUATION_OPTIONS + REPORTS_OPTIONS + 1] = {0};
  int count = evaluation_options(&evaluation, table);
  count += reports_options(&reports, table + count);
  for (int i = 0; i < OWN; i++) table[count + i] = own[i];
  Options options = {"eval", "scores transcripts: rates overall and by group, with intervals",
                     "jargon eval transcripts.jsonl --by domain,accent,gender --pairs --html page.html",
                     table};
  TRY(options_parse(&options, argc, argv));
  TRY(reports_check(&reports));
  if (sclite && reports.redact)
    TRY(fail(ERR_USAGE, "--sclite writes the words, which --redact forbids: give one of them"));
  TRY(evaluation_run(&evaluation));
  if (sclite)
    TRY(sclite_write(sclite, &evaluation.hypotheses, &evaluation.alignments, evaluation.speaker,
                     evaluation.hyp));
  TRY(reports_write(&reports, &evaluation));
  report_print(stdout, evaluation.document, terminal_width());
done:
  evaluation_free(&evaluation);
  options_free(&options);
  return verb_end("eval", status);
}

/* jargon eval: scores transcripts against references, overall and by group. */
#include "eval/html.h"
#include "eval/markdown.h"
#include "eval/redact.h"
#include "eval/report.h"
#include "eval/sclite.h"
#include "eval/scores_json.h"
#include "eval/utterances_json.h"
#include "src/base/options.h"
#include "src/cmd/evaluation.h"
#include "src/cmd/verb.h"

int verb_eval(int argc, char **argv) {
  Status status = OK;
  const char *json = NULL, *html = NULL, *markdown = NULL, *sclite = NULL;
  bool utterances = false, redact = false;
  Evaluation evaluation;
  evaluation_init(&evaluation);
  const Option own[] = {
      {"hyp", OPTION_TEXT, &evaluation.hyp, "FILE",
       "what was recognised, and the references unless --ref is given", .required = true, .positional = true},
      {"before", OPTION_TEXT, &evaluation.before, "FILE", "what another system recognised, shown beside"},
      {"json", OPTION_TEXT, &json, "FILE", "write every figure there as well"},
      {"utterances", OPTION_BOOL, &utterances, NULL, "--json: write the aligned utterances too"},
      {"html", OPTION_TEXT, &html, "FILE", "write one page with plots and every utterance, for any browser"},
      {"markdown", OPTION_TEXT, &markdown, "FILE", "write a model card"},
      {"sclite", OPTION_TEXT, &sclite, "PREFIX", "write sclite's reports PREFIX.sys, .raw, .pra and .dtl"},
      {"redact", OPTION_BOOL, &redact, NULL,
       "write every figure and no word of text or path; values of the keys in --by stay, speakers become "
       "numbers"}};
  enum { OWN = sizeof own / sizeof *own };
  Option table[OWN + EVALUATION_OPTIONS + 1] = {0};
  int count = evaluation_options(&evaluation, table);
  for (int i = 0; i < OWN; i++) table[count + i] = own[i];
  Options options = {"eval", "scores transcripts: rates overall and by group, with intervals",
                     "jargon eval transcripts.jsonl --by domain,accent,gender --pairs --html page.html",
                     table};
  TRY(options_parse(&options, argc, argv));
  if (sclite && redact)
    TRY(fail(ERR_USAGE, "--sclite writes the words, which --redact forbids: give one of them"));
  TRY(evaluation_run(&evaluation));
  json_t *document = evaluation.document;
  if (utterances || html) TRY(utterances_json(document, &evaluation.hypotheses, &evaluation.alignments));
  if (redact) document_redact(document);
  if (html) TRY(html_write(html, document));
  if (markdown) TRY(markdown_write(markdown, document));
  if (!utterances) json_object_del(document, "utterances");
  if (json) TRY(scores_write(json, document));
  if (sclite)
    TRY(sclite_write(sclite, &evaluation.hypotheses, &evaluation.alignments, evaluation.speaker,
                     evaluation.hyp));
  report_print(stdout, document, terminal_width());
done:
  evaluation_free(&evaluation);
  options_free(&options);
  return verb_end("eval", status);
}

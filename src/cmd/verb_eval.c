/* jargon eval: scores transcripts against references, overall and by group. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "eval/alignments.h"
#include "eval/html.h"
#include "eval/markdown.h"
#include "eval/redact.h"
#include "eval/report.h"
#include "eval/scores_json.h"
#include "eval/utterances_json.h"
#include "src/base/options.h"
#include "src/cmd/verb.h"

/* Columns of the terminal, or COLUMNS; 0 when the output is not a terminal. */
static int terminal_width(void) {
  struct winsize window;
  const char *columns = getenv("COLUMNS");
  if (columns && atoi(columns) > 0) return atoi(columns);
  return isatty(1) && ioctl(1, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

int verb_eval(int argc, char **argv) {
  Status status = OK;
  const char *hyp = NULL, *ref = NULL, *before = NULL, *json = NULL, *html = NULL, *markdown = NULL,
             *costs_name = "plain", *speaker = "speaker";
  const char *normalize = "basic", *format = "auto", *ref_format = "auto", *before_format = "auto",
             *missing = "refuse";
  StringList by = {0}, match = {0};
  Thresholds thresholds = THRESHOLDS;
  Gaps gaps = {0};
  bool pairs = false, utterances = false, redact = false;
  int replicates = 10000, seed = 1;
  Option table[] = {
      {"hyp", OPTION_TEXT, &hyp, "FILE", "what was recognised, and the references unless --ref is given",
       .required = true, .positional = true},
      {"ref", OPTION_TEXT, &ref, "FILE",
       "references and metadata; matched by id, by audio_filepath and offset, by times or line by line"},
      {"before", OPTION_TEXT, &before, "FILE", "what another system recognised, shown beside"},
      {"format", OPTION_TEXT, &format, "NAME", "the form of the hypotheses; auto: by name and content",
       .choices = RECORD_FORMATS},
      {"ref-format", OPTION_TEXT, &ref_format, "NAME", "the form of the references",
       .choices = RECORD_FORMATS},
      {"before-format", OPTION_TEXT, &before_format, "NAME", "the form of --before's file",
       .choices = RECORD_FORMATS},
      {"missing", OPTION_TEXT, &missing, "WHAT",
       "a reference without a hypothesis: refuse, or score as empty", .choices = "refuse|empty"},
      {"by", OPTION_LIST, &by, "KEYS", "metadata keys to group by; domain*gender groups by both"},
      {"pairs", OPTION_BOOL, &pairs, NULL, "group by every two of those keys as well"},
      {"normalize", OPTION_TEXT, &normalize, "NAME", "how both texts are normalised: basic, none"},
      {"costs", OPTION_TEXT, &costs_name, "NAME", "alignment costs: plain 1, 1, 1; sclite 4, 3, 3",
       .choices = "plain|sclite"},
      {"speaker", OPTION_TEXT, &speaker, "KEY", "the metadata key that names the speaker"},
      {"match", OPTION_LIST, &match, "KEYS",
       "metadata keys in which matched utterances of two groups agree; seconds and words they always do"},
      {"least-speakers", OPTION_INT, &thresholds.least_speakers, "N",
       "fewer real speakers get no interval, no rank and no gap", .min = 3, .max = 1000},
      {"gap", OPTION_REAL, &thresholds.gap, "SHARE",
       "the gap in WER that speakers are planned for: 0.05 is 5 points", .min = 0.001, .max = 1},
      {"replicates", OPTION_INT, &replicates, "N", "bootstrap replicates", .min = 1000, .max = 1000000},
      {"seed", OPTION_INT, &seed, "N", "of the bootstrap", .min = 0, .max = 2147483647},
      {"json", OPTION_TEXT, &json, "FILE", "write every figure there as well"},
      {"utterances", OPTION_BOOL, &utterances, NULL, "--json: write the aligned utterances too"},
      {"html", OPTION_TEXT, &html, "FILE", "write one page with plots and every utterance, for any browser"},
      {"markdown", OPTION_TEXT, &markdown, "FILE", "write a model card"},
      {"redact", OPTION_BOOL, &redact, NULL,
       "write every figure and no word of text or path; values of the keys in --by stay, speakers become "
       "numbers"},
      {0}};
  Options options = {"eval", "scores transcripts: rates overall and by group, with intervals",
                     "jargon eval transcripts.jsonl --by domain,accent,gender --pairs --html page.html",
                     table};
  Hypotheses hypotheses = {0};
  Slices slices = {0};
  Alignments alignments = {0};
  PairSums *sums = NULL;
  Normalizer *normalizer = NULL;
  json_t *document = NULL;
  TRY(options_parse(&options, argc, argv));
  Bootstrap bootstrap = {(uint64_t)seed, replicates};
  const AlignCosts *costs = align_costs(costs_name);
  TRY(normalizer_new(&normalizer, normalize));
  HypothesesFiles files = {.hyp = hyp,
                           .ref = ref,
                           .before = before,
                           .hyp_format = record_format(format),
                           .ref_format = record_format(ref_format),
                           .before_format = record_format(before_format),
                           .missing_empty = strcmp(missing, "empty") == 0};
  TRY(hypotheses_read(&hypotheses, &files));
  TRY(hypotheses_score(&hypotheses, normalizer, costs));
  TRY(slices_make(&slices, &hypotheses, by.items, by.count, pairs, speaker));
  TRY(alignments_make(&alignments, &hypotheses, normalizer, costs));
  sums = alignments_pairs(&alignments);
  cells_measure(&slices, &hypotheses, sums, &bootstrap, &thresholds);
  gaps_make(&gaps, &slices, &hypotheses, match.items, match.count, &bootstrap, &thresholds);
  ScoresSettings settings = {"jargon " JARGON_VERSION,
                             hyp,
                             ref,
                             before,
                             normalizer_version(normalizer),
                             speaker,
                             costs,
                             &bootstrap,
                             &thresholds};
  TRY(scores_json(&document, &(Scores){&settings, &slices, &gaps}));
  if (utterances || html) TRY(utterances_json(document, &hypotheses, &alignments));
  if (redact) document_redact(document);
  if (html) TRY(html_write(html, document));
  if (markdown) TRY(markdown_write(markdown, document));
  if (!utterances) json_object_del(document, "utterances");
  if (json) TRY(scores_write(json, document));
  report_print(stdout, document, terminal_width());
done:
  json_decref(document);
  gaps_free(&gaps);
  free(sums);
  alignments_free(&alignments);
  slices_free(&slices);
  hypotheses_free(&hypotheses);
  normalizer_free(normalizer);
  options_free(&options);
  return verb_end("eval", status);
}

#include "src/cmd/evaluation.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "eval/scores_json.h"
#include "src/cmd/verb.h"

int terminal_width(void) {
  struct winsize window;
  const char *columns = getenv("COLUMNS");
  if (columns && atoi(columns) > 0) return atoi(columns);
  return isatty(1) && ioctl(1, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

void evaluation_init(Evaluation *evaluation) {
  *evaluation = (Evaluation){.format = "auto",
                             .ref_format = "auto",
                             .before_format = "auto",
                             .missing = "refuse",
                             .normalize = "basic",
                             .costs = "plain",
                             .speaker = "speaker",
                             .thresholds = THRESHOLDS,
                             .replicates = 10000,
                             .seed = 1};
}

int evaluation_options(Evaluation *e, Option *table) {
  const Option shared[] = {
      {"ref", OPTION_TEXT, &e->ref, "FILE",
       "references and metadata; matched by id, by audio_filepath and offset, by times or line by line"},
      {"format", OPTION_TEXT, &e->format, "NAME", "the form of the hypotheses; auto: by name and content",
       .choices = RECORD_FORMATS},
      {"ref-format", OPTION_TEXT, &e->ref_format, "NAME", "the form of the references",
       .choices = RECORD_FORMATS},
      {"before-format", OPTION_TEXT, &e->before_format, "NAME", "the form of the other system's file",
       .choices = RECORD_FORMATS},
      {"missing", OPTION_TEXT, &e->missing, "WHAT",
       "a reference without a hypothesis: refuse, or score as empty", .choices = "refuse|empty"},
      {"by", OPTION_LIST, &e->by, "KEYS", "metadata keys to group by; domain*gender groups by both"},
      {"pairs", OPTION_BOOL, &e->pairs, NULL, "group by every two of those keys as well"},
      {"normalize", OPTION_TEXT, &e->normalize, "NAME", "how both texts are normalised: basic, none"},
      {"costs", OPTION_TEXT, &e->costs, "NAME", "alignment costs: plain 1, 1, 1; sclite 4, 3, 3",
       .choices = "plain|sclite"},
      {"speaker", OPTION_TEXT, &e->speaker, "KEY", "the metadata key that names the speaker"},
      {"match", OPTION_LIST, &e->match, "KEYS",
       "metadata keys in which matched utterances of two groups agree; seconds and words they always do"},
      {"least-speakers", OPTION_INT, &e->thresholds.least_speakers, "N",
       "fewer real speakers get no interval, no rank and no gap", .min = 3, .max = 1000},
      {"gap", OPTION_REAL, &e->thresholds.gap, "SHARE",
       "the gap in WER that speakers are planned for: 0.05 is 5 points", .min = 0.001, .max = 1},
      {"replicates", OPTION_INT, &e->replicates, "N", "bootstrap replicates", .min = 1000, .max = 1000000},
      {"seed", OPTION_INT, &e->seed, "N", "of the bootstrap", .min = 0, .max = 2147483647}};
  enum { COUNT = sizeof shared / sizeof *shared };
  _Static_assert((int)COUNT <= (int)EVALUATION_OPTIONS, "the verbs' tables have room");
  memcpy(table, shared, sizeof shared);
  return COUNT;
}

/* The figures and the document; what they are made from does not outlive them. */
static Status evaluation_measure(Evaluation *e, const AlignCosts *costs) {
  Status status = OK;
  Slices slices = {0};
  Gaps gaps = {0};
  Models models = {0};
  Bootstrap bootstrap = {(uint64_t)e->seed, e->replicates};
  PairSums *pairs = alignments_pairs(&e->alignments);
  TRY(slices_make(&slices, &e->hypotheses, e->by.items, e->by.count, e->pairs, e->speaker));
  cells_measure(&slices, &e->hypotheses, pairs, &bootstrap, &e->thresholds);
  gaps_make(&gaps, &slices, &e->hypotheses, e->match.items, e->match.count, &bootstrap, &e->thresholds);
  models_make(&models, &slices, &e->hypotheses, &e->thresholds);
  ScoresSettings settings = {.tool = "jargon " JARGON_VERSION,
                             .hyp = e->hyp,
                             .ref = e->ref,
                             .before = e->before,
                             .normalizer = normalizer_version(e->normalizer),
                             .speaker = e->speaker,
                             .costs = costs,
                             .bootstrap = &bootstrap,
                             .thresholds = &e->thresholds};
  TRY(scores_json(&e->document,
                  &(Scores){.settings = &settings, .slices = &slices, .gaps = &gaps, .models = &models}));
done:
  models_free(&models);
  gaps_free(&gaps);
  slices_free(&slices);
  free(pairs);
  return status;
}

Status evaluation_run(Evaluation *e) {
  Status status = OK;
  const AlignCosts *costs = align_costs(e->costs);
  HypothesesFiles files = {.hyp = e->hyp,
                           .ref = e->ref,
                           .before = e->before,
                           .hyp_format = record_format(e->format),
                           .ref_format = record_format(e->ref_format),
                           .before_format = record_format(e->before_format),
                           .missing_empty = strcmp(e->missing, "empty") == 0};
  TRY(normalizer_new(&e->normalizer, e->normalize));
  TRY(hypotheses_read(&e->hypotheses, &files));
  TRY(hypotheses_score(&e->hypotheses, e->normalizer, costs));
  TRY(alignments_make(&e->alignments, &e->hypotheses, e->normalizer, costs));
  TRY(evaluation_measure(e, costs));
done:
  return status;
}

void evaluation_free(Evaluation *e) {
  json_decref(e->document);
  alignments_free(&e->alignments);
  hypotheses_free(&e->hypotheses);
  normalizer_free(e->normalizer);
}

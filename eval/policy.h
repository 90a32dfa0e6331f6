/* What a release is held to: a YAML mapping of rules by name.
 *
 *   whole corpus:   {measure: wer, at_most: 0.12}
 *   women:          {measure: wer, where: {gender: female}, at_most: 0.15, judge: interval}
 *   gender gap:     {measure: gap, by: gender, at_most: 0.04}
 *   medicine terms: {measure: jargon_recall, domain: medicine, at_least: 0.85}
 *   no regression:  {measure: regression, at_most: 0.002}
 *
 * measure: wer, cer, speaker_wer; gap (the largest difference of WER between two values of `by`), gap_ratio;
 * jargon_recall, jargon_precision, jargon_f1, jargon_wer; regression (WER less the deployed model's).
 * where: metadata key to value, the group that it is about; of wer, cer, speaker_wer, regression. domain: of
 * the jargon measures; without it everything. judge: estimate (the figure itself decides; so unless given) or
 * interval (its whole interval has to lie on one side of the limit, else the rule is undecided). A group, a
 * domain or a gap without an interval is too small to tell; the whole corpus, judged by its estimate, is what
 * it is. */
#ifndef JARGON_EVAL_POLICY_H
#define JARGON_EVAL_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/status.h"

typedef enum Measure {
  MEASURE_WER,
  MEASURE_CER,
  MEASURE_SPEAKER_WER,
  MEASURE_GAP,
  MEASURE_GAP_RATIO,
  MEASURE_JARGON_RECALL,
  MEASURE_JARGON_PRECISION,
  MEASURE_JARGON_F1,
  MEASURE_JARGON_WER,
  MEASURE_REGRESSION,
  MEASURES,
} Measure;

enum { POLICY_WHERE_MOST = 4 };

typedef struct Rule {
  char *name;
  int line;
  Measure measure;
  char *by, *domain; /* NULL: not given */
  char *where_keys[POLICY_WHERE_MOST], *where_values[POLICY_WHERE_MOST];
  int where_count;
  bool at_least, by_interval;
  double limit;
} Rule;

typedef struct Policy {
  Rule *rules;
  int count;
} Policy;

const char *measure_name(Measure measure);

/* A wrong policy is ERR_DATA with file and line. The caller frees, after an error too. */
Status policy_read(Policy *policy, const char *path);
Status policy_parse(Policy *policy, const char *name, const char *text, size_t size);
void policy_free(Policy *policy);

/* The group that a rule needs slices of, "gender*accent"; NULL: none. The caller frees. */
char *rule_group(const Rule *rule);

#endif

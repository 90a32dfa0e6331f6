#include "eval/gate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/fields.h"

/* One rule's outcome. */
typedef struct Finding {
  double value;          /* NAN: there is none */
  double low, high;      /* NAN: no interval */
  const char *too_small; /* why there is no interval where one is asked for; NULL */
  char *about;           /* what the value is of, where the rule does not say; NULL */
  Verdict verdict;
  char *reason;
} Finding;

const char *verdict_name(Verdict verdict) {
  static const char *const names[] = {"holds", "undecided", "broken"};
  return names[verdict];
}

static void interval_take(Finding *finding, const json_t *object, const char *key) {
  Interval interval = {NAN, NAN};
  field_interval(object, key, &interval);
  finding->low = interval.low, finding->high = interval.high;
}

static bool has_keys(const json_t *keys, char *const *wanted, int count) {
  if ((int)json_array_size(keys) != count) return false;
  for (int k = 0; k < count; k++) {
    bool found = false;
    for (int i = 0; i < count; i++) {
      const char *key = json_string_value(json_array_get(keys, (size_t)i));
      found |= key && strcmp(key, wanted[k]) == 0;
    }
    if (!found) return false;
  }
  return true;
}

/* The cell of the rule's group; *cell NULL when the slice is there and nobody is in the group. */
static Status cell_find(const json_t **cell, const Rule *rule, const json_t *document) {
  size_t s, c;
  const json_t *slice, *one;
  *cell = NULL;
  json_array_foreach(json_object_get(document, "slices"), s, slice) {
    if (!has_keys(json_object_get(slice, "keys"), rule->where_keys, rule->where_count)) continue;
    json_array_foreach(json_object_get(slice, "cells"), c, one) {
      bool same = true;
      for (int k = 0; k < rule->where_count; k++) {
        const char *value =
            json_string_value(json_object_get(json_object_get(one, "values"), rule->where_keys[k]));
        same = same && value && strcmp(value, rule->where_values[k]) == 0;
      }
      if (same) *cell = one;
    }
    return OK;
  }
  char *group = rule_group(rule);
  Status status = fail(ERR_DATA, "rule \"%s\": the scores have no slice %s", rule->name, group ? group : "");
  free(group);
  return status;
}

static void find_rate(Finding *finding, const Rule *rule, const json_t *cell) {
  finding->value = field_number(cell, measure_name(rule->measure));
  if (rule->measure == MEASURE_WER) interval_take(finding, cell, "interval");
}

static Status find_regression(Finding *finding, const Rule *rule, const json_t *cell,
                              const json_t *deployed) {
  const json_t *before = json_object_get(cell, "before");
  if (!deployed && !before)
    return fail(ERR_DATA, "rule \"%s\": nothing is known of the deployed model; give --before or --deployed",
                rule->name);
  if (!deployed) {
    finding->value = field_number(before, "difference");
    interval_take(finding, before, "difference_interval");
    if (isfinite(finding->low)) finding->too_small = NULL;
    return OK;
  }
  const json_t *other;
  Status status = cell_find(&other, rule, deployed);
  if (status != OK) return fail_in(status, "the deployed model's scores");
  if (json_integer_value(json_object_get(other, "words")) !=
      json_integer_value(json_object_get(cell, "words")))
    return fail(ERR_DATA,
                "rule \"%s\": the deployed model's scores have %lld words in that group and these %lld: they "
                "are not of the same references",
                rule->name, json_integer_value(json_object_get(other, "words")),
                json_integer_value(json_object_get(cell, "words")));
  interval_take(finding, cell, "interval");
  finding->value = field_number(cell, "wer") - field_number(other, "wer");
  finding->low -= field_number(other, "wer"), finding->high -= field_number(other, "wer");
  return OK;
}

static const char *name_of(const json_t *values, const char *key) {
  const char *name = json_string_value(json_object_get(values, key));
  return name ? name : "unknown";
}

/* The largest gap, from the better group to the worse. */
static Status find_gap(Finding *finding, const Rule *rule, const json_t *document) {
  bool ratio = rule->measure == MEASURE_GAP_RATIO;
  size_t g;
  const json_t *gap;
  json_array_foreach(json_object_get(document, "gaps"), g, gap) {
    const json_t *a = json_object_get(gap, "a"), *b = json_object_get(gap, "b");
    if (!has_keys(json_object_get(gap, "keys"), &rule->by, 1)) continue;
    double difference = field_number(gap, "difference"),
           value = ratio ? field_number(gap, "ratio") : difference;
    bool turned = difference < 0;
    if (turned) value = ratio ? 1 / value : -value;
    if (isnan(value) || !(isnan(finding->value) || value > finding->value)) continue;
    interval_take(finding, gap, ratio ? "ratio_interval" : "difference_interval");
    if (turned) {
      double low = finding->low;
      finding->low = ratio ? 1 / finding->high : -finding->high;
      finding->high = ratio ? 1 / low : -low;
    }
    finding->value = value;
    free(finding->about);
    finding->about = xprintf("%s against %s", name_of(turned ? b : a, rule->by),
                             json_is_null(turned ? a : b) ? "the rest" : name_of(turned ? a : b, rule->by));
  }
  if (isnan(finding->value)) finding->too_small = "no two groups have speakers enough";
  return OK;
}

static Status find_jargon(Finding *finding, const Rule *rule, const json_t *document) {
  size_t d;
  const json_t *domain, *jargon = json_object_get(document, "jargon");
  if (!jargon)
    return fail(ERR_DATA, "rule \"%s\": the scores have no jargon; give --terms or --mine", rule->name);
  json_array_foreach(json_object_get(jargon, "domains"), d, domain) {
    const char *name = json_string_value(json_object_get(domain, "domain"));
    bool all = json_is_true(json_object_get(domain, "all"));
    if (rule->domain ? all || !name || strcmp(name, rule->domain) != 0 : !all) continue;
    finding->value = field_number(domain, measure_name(rule->measure) +
                                              (rule->measure == MEASURE_JARGON_WER ? 0 : strlen("jargon_")));
    if (rule->measure == MEASURE_JARGON_RECALL) interval_take(finding, domain, "recall_interval");
    if (rule->domain || rule->by_interval) finding->too_small = field_text(domain, "no_interval");
    return OK;
  }
  finding->too_small = "the references have no such domain";
  return OK;
}

static Status find(Finding *finding, const Rule *rule, const json_t *document, const json_t *deployed) {
  Status status = OK;
  const json_t *cell;
  if (rule->by) return find_gap(finding, rule, document);
  if (rule->measure >= MEASURE_JARGON_RECALL && rule->measure <= MEASURE_JARGON_WER)
    return find_jargon(finding, rule, document);
  TRY(cell_find(&cell, rule, document));
  if (!cell) {
    finding->too_small = "nobody is in this group";
    return OK;
  }
  if (rule->where_count || rule->by_interval) finding->too_small = field_text(cell, "no_interval");
  if (rule->measure == MEASURE_REGRESSION) return find_regression(finding, rule, cell, deployed);
  find_rate(finding, rule, cell);
done:
  return status;
}

static void decide(Finding *finding, const Rule *rule) {
  const char *limit = rule->at_least ? "at least" : "at most";
  bool value_holds = rule->at_least ? finding->value >= rule->limit : finding->value <= rule->limit;
  bool low_holds = rule->at_least ? finding->low >= rule->limit : finding->low <= rule->limit;
  bool high_holds = rule->at_least ? finding->high >= rule->limit : finding->high <= rule->limit;
  bool interval = isfinite(finding->low) && isfinite(finding->high);
  char *about = finding->about ? xprintf(" (%s)", finding->about) : xstrdup("");
  if (finding->too_small || isnan(finding->value) || (rule->by_interval && !interval)) {
    finding->verdict = VERDICT_UNDECIDED;
    finding->reason = xprintf("too small to tell%s: %s", about,
                              finding->too_small ? finding->too_small : "there is no such figure");
  } else if (rule->by_interval && low_holds != high_holds) {
    finding->verdict = VERDICT_UNDECIDED;
    finding->reason = xprintf("%.4g%s; the interval %.4g to %.4g has the limit, %s %.4g, inside",
                              finding->value, about, finding->low, finding->high, limit, rule->limit);
  } else {
    finding->verdict = (rule->by_interval ? low_holds : value_holds) ? VERDICT_HOLDS : VERDICT_BROKEN;
    finding->reason = xprintf("%.4g%s; the limit is %s %.4g", finding->value, about, limit, rule->limit);
  }
  free(about);
}

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *finding_json(const Finding *finding, const Rule *rule) {
  json_t *where = json_object(), *interval = json_null();
  for (int k = 0; k < rule->where_count; k++)
    json_object_set_new(where, rule->where_keys[k], json_string(rule->where_values[k]));
  if (isfinite(finding->low) && isfinite(finding->high))
    interval = json_pack("[f, f]", finding->low, finding->high);
  return json_pack("{s:s, s:i, s:s, s:o, s:s?, s:s?, s:s, s:s, s:f, s:o, s:o, s:s?, s:s, s:s}", "name",
                   rule->name, "line", rule->line, "measure", measure_name(rule->measure), "where", where,
                   "by", rule->by, "domain", rule->domain, "judge",
                   rule->by_interval ? "interval" : "estimate", "limit_is",
                   rule->at_least ? "at_least" : "at_most", "limit", rule->limit, "value",
                   number(finding->value), "interval", interval, "about", finding->about, "verdict",
                   verdict_name(finding->verdict), "reason", finding->reason);
}

/* Scores of two evaluations can be compared only when made alike. */
static Status check_alike(const json_t *document, const json_t *deployed) {
  static const char *const same[] = {"schema", "normalization", "costs", "speaker_key"};
  for (size_t i = 0; deployed && i < sizeof same / sizeof *same; i++)
    if (!json_equal(json_object_get(document, same[i]), json_object_get(deployed, same[i])))
      return fail(ERR_DATA, "the deployed model's scores differ in \"%s\": score it again in the same way",
                  same[i]);
  return OK;
}

Status gate_check(json_t **result, const Policy *policy, const char *policy_name, const json_t *document,
                  const json_t *deployed, Verdict *worst) {
  Status status = OK;
  json_t *rules = json_array();
  *worst = VERDICT_HOLDS;
  *result = NULL;
  TRY(check_alike(document, deployed));
  for (int r = 0; r < policy->count; r++) {
    Finding finding = {.value = NAN, .low = NAN, .high = NAN};
    status = find(&finding, &policy->rules[r], document, deployed);
    if (status == OK) {
      decide(&finding, &policy->rules[r]);
      json_array_append_new(rules, finding_json(&finding, &policy->rules[r]));
      if (finding.verdict > *worst) *worst = finding.verdict;
    }
    free(finding.about), free(finding.reason);
    if (status != OK) TRY(fail_in(status, "%s:%d", policy_name, policy->rules[r].line));
  }
  *result = json_pack("{s:s, s:s, s:s, s:O}", "schema", "jargon-gate-1", "policy", policy_name, "verdict",
                      verdict_name(*worst), "rules", rules);
  if (!*result) TRY(fail(ERR_DATA, "%s: a name is not valid UTF-8, which JSON needs", policy_name));
done:
  json_decref(rules);
  return status;
}

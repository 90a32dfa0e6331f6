#include "eval/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "src/base/file.h"
#include "src/base/settings.h"

enum { POLICY_FILE_MOST = 64 * 1024 };

static const char *const NAMES[MEASURES] = {"wer",        "cer",           "speaker_wer",      "gap",
                                            "gap_ratio",  "jargon_recall", "jargon_precision", "jargon_f1",
                                            "jargon_wer", "regression"};
static const char *const FIELDS[] = {"measure", "at_most", "at_least", "by", "domain", "judge", "where"};
enum { FIELD_COUNT = sizeof FIELDS / sizeof *FIELDS };

const char *measure_name(Measure measure) { return NAMES[measure]; }

static bool about_groups(Measure measure) {
  return measure <= MEASURE_SPEAKER_WER || measure == MEASURE_REGRESSION;
}
static bool about_gaps(Measure measure) { return measure == MEASURE_GAP || measure == MEASURE_GAP_RATIO; }
static bool about_jargon(Measure measure) {
  return measure >= MEASURE_JARGON_RECALL && measure <= MEASURE_JARGON_WER;
}

/* A rule while it is read. */
typedef struct Reading {
  const char *name; /* of the file */
  Rule *rule;
  bool has_measure, has_limit;
} Reading;

static Status read_measure(Reading *reading, const Setting *setting) {
  for (int m = 0; m < MEASURES; m++)
    if (strcmp(NAMES[m], setting->value) == 0) {
      reading->rule->measure = (Measure)m;
      reading->has_measure = true;
      return OK;
    }
  const char *near = setting_nearest(setting->value, NAMES, MEASURES);
  return fail(ERR_DATA, "%s:%d: there is no measure \"%s\"; did you mean %s?", reading->name, setting->line,
              setting->value, near ? near : "wer, gap, jargon_recall or regression");
}

static Status read_limit(Reading *reading, const Setting *setting, bool at_least) {
  char *end;
  double limit = strtod(setting->value, &end);
  if (*end || end == setting->value || !isfinite(limit))
    return fail(ERR_DATA, "%s:%d: \"%s\" is not a number (0.12 is 12 %%)", reading->name, setting->line,
                setting->value);
  if (reading->has_limit)
    return fail(ERR_DATA, "%s:%d: a rule has one limit: at_most or at_least", reading->name, setting->line);
  reading->has_limit = true;
  reading->rule->limit = limit;
  reading->rule->at_least = at_least;
  return OK;
}

static Status read_where(Reading *reading, const Setting *setting, const char *key) {
  Rule *rule = reading->rule;
  if (rule->where_count == POLICY_WHERE_MOST)
    return fail(ERR_DATA, "%s:%d: `where` has at most %d keys", reading->name, setting->line,
                POLICY_WHERE_MOST);
  if (!*key || strchr(key, '*'))
    return fail(ERR_DATA, "%s:%d: `where` names metadata keys, without '*'", reading->name, setting->line);
  rule->where_keys[rule->where_count] = xstrdup(key);
  rule->where_values[rule->where_count++] = xstrdup(setting->value);
  return OK;
}

static Status read_field(Reading *reading, const Setting *setting, const char *field) {
  Rule *rule = reading->rule;
  if (setting->item)
    return fail(ERR_DATA, "%s:%d: %s takes one value, not a list", reading->name, setting->line, field);
  if (strcmp(field, "measure") == 0) return read_measure(reading, setting);
  if (strcmp(field, "at_most") == 0) return read_limit(reading, setting, false);
  if (strcmp(field, "at_least") == 0) return read_limit(reading, setting, true);
  if (strncmp(field, "where.", 6) == 0) return read_where(reading, setting, field + 6);
  if (strcmp(field, "by") == 0 && strchr(setting->value, '*'))
    return fail(ERR_DATA, "%s:%d: a gap is between the values of one key", reading->name, setting->line);
  if (strcmp(field, "by") == 0) return rule->by = xstrdup(setting->value), OK;
  if (strcmp(field, "domain") == 0) return rule->domain = xstrdup(setting->value), OK;
  if (strcmp(field, "judge") == 0 && strcmp(setting->value, "estimate") == 0) return OK;
  if (strcmp(field, "judge") == 0 && strcmp(setting->value, "interval") == 0)
    return rule->by_interval = true, OK;
  if (strcmp(field, "judge") == 0)
    return fail(ERR_DATA, "%s:%d: judge is `estimate` or `interval`", reading->name, setting->line);
  const char *near = setting_nearest(field, FIELDS, FIELD_COUNT);
  return fail(ERR_DATA, "%s:%d: a rule has no \"%s\"; did you mean %s?", reading->name, setting->line, field,
              near ? near : "measure, at_most, at_least, where, by, domain or judge");
}

/* What does not fit together. */
static Status rule_check(const Reading *reading) {
  const Rule *rule = reading->rule;
  const char *wrong = NULL;
  if (!reading->has_measure)
    wrong = "it has no measure";
  else if (!reading->has_limit)
    wrong = "it has no limit; give at_most or at_least";
  else if (rule->where_count && !about_groups(rule->measure))
    wrong = "`where` belongs to wer, cer, speaker_wer and regression";
  else if (!rule->by != !about_gaps(rule->measure))
    wrong = rule->by ? "`by` belongs to gap and gap_ratio" : "a gap needs `by`, the metadata key";
  else if (rule->domain && !about_jargon(rule->measure))
    wrong = "`domain` belongs to the jargon measures; write where: {domain: ...}";
  else if (rule->by_interval && (rule->measure == MEASURE_CER || rule->measure == MEASURE_SPEAKER_WER ||
                                 (about_jargon(rule->measure) && rule->measure != MEASURE_JARGON_RECALL)))
    wrong = "this measure has no interval to judge by";
  if (!wrong) return OK;
  return fail(ERR_DATA, "%s:%d: rule \"%s\": %s", reading->name, rule->line, rule->name, wrong);
}

static Status rules_take(Policy *policy, const char *name, const Settings *settings) {
  Status status = OK;
  Reading reading = {.name = name};
  policy->rules = xcalloc((size_t)settings->count, sizeof(Rule));
  for (int s = 0; s < settings->count; s++) {
    const Setting *setting = &settings->items[s];
    const char *dot = strchr(setting->key, '.');
    size_t length = dot ? (size_t)(dot - setting->key) : 0;
    if (!length)
      TRY(fail(ERR_DATA,
               "%s:%d: \"%s\" is no rule; write NAME: {measure: ..., at_most: ...}, the name without '.'",
               name, setting->line, setting->key));
    if (!reading.rule || strncmp(reading.rule->name, setting->key, length) != 0 ||
        reading.rule->name[length]) {
      if (reading.rule) TRY(rule_check(&reading));
      Rule *rule = &policy->rules[policy->count++];
      *rule = (Rule){.name = xprintf("%.*s", (int)length, setting->key), .line = setting->line};
      reading = (Reading){name, rule, false, false};
    }
    TRY(read_field(&reading, setting, dot + 1));
  }
  if (!reading.rule) TRY(fail(ERR_DATA, "%s:1: there is no rule", name));
  TRY(rule_check(&reading));
done:
  return status;
}

/* An empty rule or `where` would not be among the settings, and so a promise be forgotten. */
static Status refuse_empty(const char *name, const char *text, size_t size) {
  Status status = OK;
  yaml_parser_t parser;
  yaml_event_t event;
  yaml_event_type_t last = YAML_NO_EVENT;
  if (!yaml_parser_initialize(&parser)) return fail(ERR_MEMORY, "out of memory reading %s", name);
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
  while (status == OK && last != YAML_STREAM_END_EVENT && yaml_parser_parse(&parser, &event)) {
    if ((last == YAML_MAPPING_START_EVENT && event.type == YAML_MAPPING_END_EVENT) ||
        (last == YAML_SEQUENCE_START_EVENT && event.type == YAML_SEQUENCE_END_EVENT))
      status = fail(ERR_DATA, "%s:%zu: nothing between the brackets", name, event.start_mark.line + 1);
    last = event.type;
    yaml_event_delete(&event);
  }
  yaml_parser_delete(&parser);
  return status;
}

Status policy_parse(Policy *policy, const char *name, const char *text, size_t size) {
  Settings settings = {0};
  *policy = (Policy){0};
  Status status = settings_parse(&settings, name, text, size);
  if (status == ERR_USAGE) return fail(ERR_DATA, "%s", fail_text());
  if (status == OK) status = refuse_empty(name, text, size);
  if (status == OK) status = rules_take(policy, name, &settings);
  settings_free(&settings);
  return status;
}

Status policy_read(Policy *policy, const char *path) {
  char *text = NULL;
  size_t size;
  *policy = (Policy){0};
  Status status = file_read(path, POLICY_FILE_MOST, &text, &size);
  if (status == OK) status = policy_parse(policy, path, text, size);
  free(text);
  return status;
}

void policy_free(Policy *policy) {
  for (int r = 0; r < policy->count; r++) {
    Rule *rule = &policy->rules[r];
    for (int k = 0; k < rule->where_count; k++) free(rule->where_keys[k]), free(rule->where_values[k]);
    free(rule->name), free(rule->by), free(rule->domain);
  }
  free(policy->rules);
  *policy = (Policy){0};
}

char *rule_group(const Rule *rule) {
  if (rule->by) return xstrdup(rule->by);
  if (!rule->where_count) return NULL;
  char *group = xstrdup(rule->where_keys[0]);
  for (int k = 1; k < rule->where_count; k++) {
    char *longer = xprintf("%s*%s", group, rule->where_keys[k]);
    free(group), group = longer;
  }
  return group;
}

/* jargon gate: holds scores against a policy, so that a release pipeline can stop. */
#include <stdlib.h>
#include <string.h>

#include "eval/gate.h"
#include "eval/scores_json.h"
#include "src/base/file.h"
#include "src/cmd/evaluation.h"
#include "src/cmd/verb.h"

enum { GATE_BROKEN = 10, GATE_UNDECIDED = 11 };

static const size_t SCORES_LIMIT = (size_t)1 << 30; /* bytes of a file */

/* A document that `jargon eval --json` wrote. */
static Status document_read(json_t **document, const char *path) {
  Status status = OK;
  char *text = NULL;
  size_t size;
  json_error_t error;
  TRY(file_read(path, SCORES_LIMIT, &text, &size));
  *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
  if (!*document) TRY(fail(ERR_DATA, "%s:%d: %s", path, error.line, error.text));
  const char *schema = json_string_value(json_object_get(*document, "schema"));
  if (!schema || strcmp(schema, "jargon-eval-2") != 0)
    TRY(fail(ERR_DATA, "%s: no scores of schema jargon-eval-2; `jargon eval --json` writes them", path));
done:
  free(text);
  return status;
}

/* Adds the groups that the rules speak of; the texts are the caller's to free. */
static char **groups_add(Evaluation *evaluation, const Policy *policy) {
  char **groups = xcalloc((size_t)policy->count, sizeof *groups);
  int count = 0;
  for (int r = 0; r < policy->count; r++) {
    groups[count] = rule_group(&policy->rules[r]);
    count += groups[count] != NULL;
  }
  evaluation->more = (StringList){(const char **)groups, count};
  return groups;
}

static void result_print(const json_t *result) {
  const json_t *rules = json_object_get(result, "rules");
  for (size_t i = 0; i < json_array_size(rules); i++) {
    const json_t *rule = json_array_get(rules, i);
    printf("%-9s  %s: %s\n", json_string_value(json_object_get(rule, "verdict")),
           json_string_value(json_object_get(rule, "name")),
           json_string_value(json_object_get(rule, "reason")));
  }
}

/* Scores are as they were made: what says how to make them goes with transcripts alone. */
static Status sources_check(const Evaluation *e, const char *scores, const char *deployed) {
  if (!scores == !e->hyp) return fail(ERR_USAGE, "give transcripts to score, or --scores FILE");
  if (deployed && e->before) return fail(ERR_USAGE, "--before and --deployed: give one of them");
  const struct {
    const char *name;
    bool given;
  } making[] = {{"ref", e->ref},
                {"before", e->before},
                {"by", e->by.count},
                {"pairs", e->pairs},
                {"match", e->match.count},
                {"normalize", e->normalize},
                {"costs", e->costs},
                {"as", e->as},
                {"terms", e->terms},
                {"mine", e->mine},
                {"vocabulary", e->vocabulary}};
  for (size_t i = 0; scores && i < sizeof making / sizeof *making; i++)
    if (making[i].given)
      return fail(ERR_USAGE,
                  "--%s and --scores: the scores are made already; give transcripts, or leave --%s out",
                  making[i].name, making[i].name);
  return OK;
}

int verb_gate(int argc, char **argv) {
  Status status = OK;
  const char *policy_file = NULL, *scores = NULL, *deployed_file = NULL, *json = NULL;
  Evaluation evaluation;
  Policy policy = {0};
  json_t *deployed = NULL, *result = NULL;
  char **groups = NULL;
  Verdict worst = VERDICT_HOLDS;
  evaluation_init(&evaluation);
  const Option own[] = {
      {"policy", OPTION_TEXT, &policy_file, "FILE", "the rules, as YAML; see eval/README.md",
       .required = true, .positional = true},
      {"hyp", OPTION_TEXT, &evaluation.hyp, "FILE",
       "what was recognised, and the references unless --ref is given", .positional = true},
      {"scores", OPTION_TEXT, &scores, "FILE", "instead of transcripts: the scores that eval --json wrote"},
      {"before", OPTION_TEXT, &evaluation.before, "FILE",
       "what the deployed model recognised: regression is measured paired"},
      {"deployed", OPTION_TEXT, &deployed_file, "FILE",
       "instead of --before: the deployed model's scores on the same references"},
      {"json", OPTION_TEXT, &json, "FILE", "write each rule's outcome there as well"}};
  enum { OWN = sizeof own / sizeof *own };
  Option table[OWN + EVALUATION_OPTIONS + 1] = {0};
  int count = evaluation_options(&evaluation, table);
  for (int i = 0; i < OWN; i++) table[count + i] = own[i];
  Options options = {
      "gate",
      "holds scores against a policy. Exit code 0: every rule holds; 10: a rule is broken; 11: none is, "
      "but some are about groups too small to tell",
      "jargon gate policy.yaml new.jsonl --before deployed.jsonl --terms terms.txt", table};
  TRY(options_parse(&options, argc, argv));
  TRY(policy_read(&policy, policy_file));
  TRY(sources_check(&evaluation, scores, deployed_file));
  if (scores) {
    TRY(document_read(&evaluation.document, scores));
  } else {
    groups = groups_add(&evaluation, &policy);
    TRY(evaluation_run(&evaluation));
  }
  if (deployed_file) TRY(document_read(&deployed, deployed_file));
  TRY(gate_check(&result, &policy, policy_file, evaluation.document, deployed, &worst));
  if (json) TRY(scores_write(json, result));
  result_print(result);
done:
  for (int g = 0; g < evaluation.more.count; g++) free(groups[g]);
  free(groups);
  json_decref(result), json_decref(deployed);
  policy_free(&policy);
  evaluation_free(&evaluation);
  options_free(&options);
  if (status != OK) return verb_end("gate", status);
  return worst == VERDICT_BROKEN ? GATE_BROKEN : worst == VERDICT_UNDECIDED ? GATE_UNDECIDED : 0;
}

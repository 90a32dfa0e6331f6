/* Policies and the gate: what is refused, and how each kind of rule comes out. */
#include "tests/unit/support.h"

#include "eval/gate.h"

static void refuse(const char *text, const char *said) {
  Policy policy;
  assert_fails(policy_parse(&policy, "p.yaml", text, strlen(text)), ERR_DATA, said);
  policy_free(&policy);
}

static void bad_policies(void **state) {
  (void)state;
  refuse("", "p.yaml:1: there is no rule");
  refuse("a: 1\n", "p.yaml:1: \"a\" is no rule");
  refuse("a: {measure: wer, at_most: 1}\nb: {}\n", "p.yaml:2: nothing between the brackets");
  refuse("a: {measure: wer, where: {}, at_most: 1}\n", "p.yaml:1: nothing between the brackets");
  refuse("a:\n  measure: wre\n  at_most: 1\n", "p.yaml:2: there is no measure \"wre\"; did you mean wer?");
  refuse("a: {measure: wer}\n", "p.yaml:1: rule \"a\": it has no limit");
  refuse("a: {at_most: 1}\n", "it has no measure");
  refuse("a:\n  measure: wer\n  at_most: 1\n  at_least: 0\n", "p.yaml:4: a rule has one limit");
  refuse("a: {measure: wer, at_most: 12%}\n", "\"12%\" is not a number");
  refuse("a: {measure: wer, at_most: nan}\n", "not a number");
  refuse("a: {measure: wer, at_mots: 1}\n", "a rule has no \"at_mots\"; did you mean at_most?");
  refuse("a: {measure: gap, at_most: 1}\n", "a gap needs `by`");
  refuse("a: {measure: wer, by: gender, at_most: 1}\n", "`by` belongs to gap");
  refuse("a: {measure: gap, by: a*b, at_most: 1}\n", "the values of one key");
  refuse("a: {measure: gap, by: g, where: {x: y}, at_most: 1}\n", "`where` belongs to");
  refuse("a: {measure: wer, domain: x, at_most: 1}\n", "`domain` belongs to");
  refuse("a: {measure: cer, judge: interval, at_most: 1}\n", "no interval to judge by");
  refuse("a: {measure: wer, judge: maybe, at_most: 1}\n", "judge is `estimate` or `interval`");
  refuse("a: {measure: [wer], at_most: 1}\n", "takes one value");
  refuse("a: {measure: wer, where: {a: 1, b: 1, c: 1, d: 1, e: 1}, at_most: 1}\n", "at most 4 keys");
  refuse("a: {measure: wer\n", "not valid YAML");
}

static void groups(void **state) {
  (void)state;
  Policy policy;
  const char text[] = "a: {measure: wer, at_most: 1}\nb: {measure: gap, by: g, at_most: 1}\n"
                      "c: {measure: wer, where: {g: x, h: y}, at_most: 0.5}\n";
  const char *expected[] = {NULL, "g", "g*h"};
  assert_ok(policy_parse(&policy, "p.yaml", text, strlen(text)));
  assert_int_equal(policy.count, 3);
  assert_int_equal(policy.rules[2].line, 3);
  for (int r = 0; r < 3; r++) {
    char *group = rule_group(&policy.rules[r]);
    if (expected[r])
      assert_string_equal(group, expected[r]);
    else
      assert_null(group);
    free(group);
  }
  policy_free(&policy);
}

static json_t *json(const char *text) {
  json_error_t error;
  json_t *value = json_loads(text, 0, &error);
  if (!value) fail_msg("%s", error.text);
  return value;
}

static const char DOCUMENT[] =
    "{\"schema\": \"jargon-eval-2\", \"normalization\": \"basic-1\", \"costs\": {}, \"speaker_key\": \"s\", "
    "\"slices\": ["
    " {\"keys\": [], \"cells\": [{\"values\": {}, \"words\": 1000, \"wer\": 0.1, \"cer\": 0.05, "
    "\"speaker_wer\": 0.11,"
    "   \"interval\": null, \"no_interval\": \"no known speaker\","
    "   \"before\": {\"difference\": 0.01, \"difference_interval\": null}}]},"
    " {\"keys\": [\"g\"], \"cells\": ["
    "   {\"values\": {\"g\": \"x\"}, \"words\": 600, \"wer\": 0.08, \"interval\": [0.06, 0.1], "
    "\"no_interval\": null,"
    "    \"before\": {\"difference\": -0.02, \"difference_interval\": [-0.03, -0.01]}},"
    "   {\"values\": {\"g\": \"y\"}, \"words\": 400, \"wer\": 0.13, \"interval\": null, \"no_interval\": "
    "\"too few "
    "speakers\"}]}],"
    " \"gaps\": [{\"keys\": [\"g\"], \"a\": {\"g\": \"x\"}, \"b\": {\"g\": \"z\"}, \"difference\": -0.04,"
    "   \"difference_interval\": [-0.06, -0.02], \"ratio\": 0.5, \"ratio_interval\": [0.4, 0.8]},"
    "  {\"keys\": [\"g\"], \"a\": {\"g\": \"w\"}, \"b\": {\"g\": \"z\"}, \"difference\": 0.03,"
    "   \"difference_interval\": [0.01, 0.05], \"ratio\": 1.2, \"ratio_interval\": [1.1, 1.3]}],"
    " \"jargon\": {\"domains\": ["
    "  {\"domain\": null, \"all\": true, \"recall\": 0.8, \"f1\": 0.7, \"recall_interval\": [0.7, 0.9], "
    "\"no_interval\": "
    "null},"
    "  {\"domain\": \"m\", \"all\": false, \"recall\": 0.6, \"f1\": 0.5, \"jargon_wer\": 0.3, "
    "\"recall_interval\": null,"
    "   \"no_interval\": \"too few speakers\"}]}}";

/* What the gate says of DOCUMENT (and a deployed model's) by one rule. */
static Status check(const char *rule, const char *deployed_text, json_t **result, Verdict *worst) {
  Policy policy;
  json_t *document = json(DOCUMENT), *deployed = deployed_text ? json(deployed_text) : NULL;
  assert_ok(policy_parse(&policy, "p.yaml", rule, strlen(rule)));
  Status status = gate_check(result, &policy, "p.yaml", document, deployed, worst);
  json_decref(document), json_decref(deployed);
  policy_free(&policy);
  return status;
}

/* `said` is a part of the reason. */
static void judge_with(const char *rule, const char *deployed, Verdict wanted, const char *said) {
  Verdict worst;
  json_t *result;
  assert_ok(check(rule, deployed, &result, &worst));
  const json_t *one = json_array_get(json_object_get(result, "rules"), 0);
  const char *reason = json_string_value(json_object_get(one, "reason"));
  if (worst != wanted || !strstr(reason, said)) fail_msg("%s: %s: %s", rule, verdict_name(worst), reason);
  assert_string_equal(json_string_value(json_object_get(one, "verdict")), verdict_name(wanted));
  json_decref(result);
}

static void judge(const char *rule, Verdict wanted, const char *said) {
  judge_with(rule, NULL, wanted, said);
}

static void rates(void **state) {
  (void)state;
  judge("r: {measure: wer, at_most: 0.1}", VERDICT_HOLDS, "0.1; the limit is at most 0.1");
  judge("r: {measure: wer, at_most: 0.09}", VERDICT_BROKEN, "0.1; the limit is at most 0.09");
  judge("r: {measure: wer, at_most: 0.2, judge: interval}", VERDICT_UNDECIDED, "no known speaker");
  judge("r: {measure: cer, at_most: 0.04}", VERDICT_BROKEN, "0.05;");
  judge("r: {measure: speaker_wer, at_most: 0.11}", VERDICT_HOLDS, "0.11;");
  judge("r: {measure: wer, where: {g: x}, at_most: 0.07}", VERDICT_BROKEN, "0.08;");
  judge("r: {measure: wer, where: {g: x}, at_most: 0.09, judge: interval}", VERDICT_UNDECIDED,
        "0.06 to 0.1 has the limit");
  judge("r: {measure: wer, where: {g: x}, at_most: 0.11, judge: interval}", VERDICT_HOLDS, "0.08;");
  judge("r: {measure: wer, where: {g: x}, at_most: 0.05, judge: interval}", VERDICT_BROKEN, "0.08;");
  judge("r: {measure: wer, where: {g: y}, at_most: 0.5}", VERDICT_UNDECIDED,
        "too small to tell: too few speakers");
  judge("r: {measure: wer, where: {g: nobody}, at_most: 0.5}", VERDICT_UNDECIDED, "nobody is in this group");
}

static void gaps(void **state) {
  (void)state;
  judge("r: {measure: gap, by: g, at_most: 0.05}", VERDICT_HOLDS, "0.04 (z against x)");
  judge("r: {measure: gap, by: g, at_most: 0.035}", VERDICT_BROKEN, "0.04 (z against x)");
  judge("r: {measure: gap, by: g, at_most: 0.05, judge: interval}", VERDICT_UNDECIDED, "0.02 to 0.06");
  judge("r: {measure: gap_ratio, by: g, at_most: 1.9}", VERDICT_BROKEN, "2 (z against x)");
  judge("r: {measure: gap_ratio, by: g, at_most: 2, judge: interval}", VERDICT_UNDECIDED, "1.25 to 2.5");
  judge("r: {measure: gap, by: other, at_most: 0.05}", VERDICT_UNDECIDED, "no two groups");
}

static void jargon(void **state) {
  (void)state;
  judge("r: {measure: jargon_recall, at_least: 0.8}", VERDICT_HOLDS, "0.8; the limit is at least 0.8");
  judge("r: {measure: jargon_recall, at_least: 0.85}", VERDICT_BROKEN, "0.8;");
  judge("r: {measure: jargon_recall, at_least: 0.65, judge: interval}", VERDICT_HOLDS, "0.8;");
  judge("r: {measure: jargon_f1, at_least: 0.75}", VERDICT_BROKEN, "0.7;");
  judge("r: {measure: jargon_wer, domain: m, at_most: 0.5}", VERDICT_UNDECIDED, "too few speakers");
  judge("r: {measure: jargon_recall, domain: none, at_least: 0.5}", VERDICT_UNDECIDED, "no such domain");
}

#define DEPLOYED(words)                                                                                      \
  "{\"schema\": \"jargon-eval-2\", \"normalization\": \"basic-1\", \"costs\": {}, \"speaker_key\": \"s\", "  \
  "\"slices\": [{\"keys\": [], \"cells\": [{\"values\": {}, \"words\": " words ", \"wer\": 0.12}]}]}"

static void regression(void **state) {
  (void)state;
  judge("r: {measure: regression, at_most: 0.005}", VERDICT_BROKEN, "0.01;");
  judge("r: {measure: regression, where: {g: x}, at_most: -0.005, judge: interval}", VERDICT_HOLDS, "-0.02;");
  judge_with("r: {measure: regression, at_most: 0}", DEPLOYED("1000"), VERDICT_HOLDS, "-0.02;");
}

static void mismatch(const char *rule, const char *deployed, const char *said) {
  Verdict worst;
  json_t *result;
  assert_fails(check(rule, deployed, &result, &worst), ERR_DATA, said);
  assert_null(result);
}

static void refusals(void **state) {
  (void)state;
  mismatch("\nr: {measure: wer, where: {h: x}, at_most: 1}", NULL,
           "p.yaml:2: rule \"r\": the scores have no slice h");
  mismatch("r: {measure: regression, at_most: 1}",
           "{\"schema\": \"jargon-eval-2\", \"normalization\": \"none-1\"}", "differ in \"normalization\"");
  mismatch("r: {measure: regression, at_most: 1}", DEPLOYED("999"), "not of the same references");
  mismatch("r: {measure: regression, where: {g: y}, at_most: 1}", NULL,
           "nothing is known of the deployed model");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_policies), cmocka_unit_test(groups), cmocka_unit_test(rates),
      cmocka_unit_test(gaps),         cmocka_unit_test(jargon), cmocka_unit_test(regression),
      cmocka_unit_test(refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

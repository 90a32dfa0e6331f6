/* Policies: any bytes are either rules or a refusal with file and line. */
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/policy.h"

FUZZ_TEXTS(
    "whole corpus: {measure: wer, at_most: 0.12}\nwomen: {measure: wer, where: {gender: female}, at_most: "
    "0.15, "
    "judge: interval}\ngender gap: {measure: gap, by: gender, at_most: 0.04}\n",
    "medicine:\n  measure: jargon_recall\n  domain: medicine\n  at_least: 0.85\nno regression:\n  measure: "
    "regression\n  where:\n    domain: x\n    accent: y\n  at_most: 2e-3\n")

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Policy policy;
  Status status = policy_parse(&policy, "fuzz.yaml", (const char *)data, size);
  if (status != OK && (status != ERR_DATA || strncmp(fail_text(), "fuzz.yaml", 9) != 0)) abort();
  if (status == OK && !policy.count) abort();
  for (int r = 0; r < policy.count; r++) {
    if (status == OK && !isfinite(policy.rules[r].limit)) abort();
    free(rule_group(&policy.rules[r]));
  }
  fuzz_accepted += status == OK;
  policy_free(&policy);
  return 0;
}

/* What tests of transcripts that are matched share: files of their texts, and which texts became pairs. */
#ifndef JARGON_TESTS_UNIT_MATCHED_H
#define JARGON_TESTS_UNIT_MATCHED_H

#include "tests/unit/support.h"

#include "eval/hypotheses.h"

static Hypotheses hypotheses;

static const char *put(const char *name, const char *text) {
  const char *path = in_folder(name);
  assert_ok(file_write(path, text, strlen(text)));
  return path;
}

/* Frees the hypotheses. */
static void assert_pairs(int count, const char *const pairs[][2]) {
  assert_int_equal(hypotheses.count, count);
  for (int i = 0; i < count; i++) {
    assert_string_equal(hypotheses.items[i].reference->text, pairs[i][0]);
    assert_string_equal(hypotheses.items[i].text, pairs[i][1]);
  }
  hypotheses_free(&hypotheses);
}

#endif

/* What the fuzz targets of the readers of transcripts share: any bytes as one format. What is read is in
 * order, can be matched with itself and aligned; what is refused names file and line. */
#ifndef JARGON_TESTS_FUZZ_RECORDS_H
#define JARGON_TESTS_FUZZ_RECORDS_H

#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/alignment.h"

/* "path:12: ", or that there is nothing in the file. */
static bool names_line(const char *path) {
  const char *at = strstr(fail_text(), path);
  if (!at) return false;
  at += strlen(path);
  return !strncmp(at, " has no utterance", 17) || !strncmp(at, " has no segment in the time of", 30) ||
         !strncmp(at, ": every segment is to be ignored", 32) ||
         (*at == ':' && isdigit((unsigned char)at[1]));
}

static void records_check(const Records *records) {
  int line = 0;
  bool sorted = records->format != RECORD_CTM;
  if (!records->count) abort();
  for (int i = 0; i < records->count; i++) {
    const Record *record = &records->items[i];
    if (!record->utterance.text || record->utterance.line < 1 || !(record->utterance.offset >= 0)) abort();
    if (sorted && record->utterance.line < line) abort();
    line = record->utterance.line;
    if (!record->reference && !record->recognised && records->format != RECORD_MANIFEST) abort();
    for (int w = 0; w < record->word_count; w++)
      if (!record->words[w].text) abort();
  }
}

/* Its tables are read once. */
static const Normalizer *english_normalizer(void) {
  static Normalizer *english;
  if (!english && normalizer_new(&english, "english") != OK) abort();
  return english;
}

/* Two files matched and aligned, under sclite's rules or (as NULL) none. */
static void fuzz_score(HypothesesFiles files, const char *as) {
  Hypotheses hypotheses;
  ScliteRules rules;
  Normalizer *normalizer;
  if (as && sclite_rules_parse(&rules, as) != OK) abort();
  if (as) files.as = &rules;
  if (normalizer_new(&normalizer, "none") != OK) abort();
  Status status = hypotheses_read(&hypotheses, &files);
  if (status == OK) status = hypotheses_score(&hypotheses, normalizer, &ALIGN_SCLITE);
  if (status != OK && status != ERR_DATA) abort();
  if (status != OK && !names_line(files.hyp) && !names_line(files.ref)) abort();
  for (int i = 0; status == OK && i < hypotheses.count; i++) {
    Alignment alignment;
    if (alignment_make(&alignment, &hypotheses.items[i], false, normalizer, &ALIGN_SCLITE) != OK) abort();
    alignment_free(&alignment);
    if (as) continue;
    if (alignment_make(&alignment, &hypotheses.items[i], false, english_normalizer(), &ALIGN_PLAIN) != OK)
      abort();
    alignment_free(&alignment);
  }
  hypotheses_free(&hypotheses);
  normalizer_free(normalizer);
}

/* An stm or ctm file with one of the other form. */
static HypothesesFiles fuzz_times(const char *path, RecordFormat format) {
  static char other[PATH_MAX];
  static const char stm[] = "f1 A s 0 1 one\nf1 A s 1 2.5 two\nf1 A s 2.5 4 three\nf1 B s 0 9 four\n";
  static const char ctm[] =
      "f1 A 0.25 0.5 one\nf1 A 1 0.5 two\nf1 A * * <ALT_BEGIN>\nf1 A 1 3 b\nf1 A * * <ALT>\n"
      "f1 A * * <ALT_END>\nf1 A 5 1 uh\n";
  if (!*other) {
    snprintf(other, sizeof other, "%s/other", fuzz_folder());
    const char *text = format == RECORD_STM ? ctm : stm;
    fuzz_put(other, (const uint8_t *)text, strlen(text));
  }
  bool reference = format == RECORD_STM;
  return (HypothesesFiles){.hyp = reference ? other : path,
                           .ref = reference ? path : other,
                           .hyp_format = RECORD_CTM,
                           .ref_format = RECORD_STM,
                           .missing_empty = true};
}

static void fuzz_records(const uint8_t *data, size_t size, RecordFormat format) {
  const char *path = fuzz_file(data, size);
  Records records;
  Status status = records_read(&records, path, format);
  if (status == OK) records_check(&records);
  if (status != OK && status != ERR_DATA) abort();
  if (status != OK && !names_line(path)) abort();
  fuzz_accepted += status == OK;
  records_free(&records);
  if (status != OK) return;
  static const char *const rules[] = {NULL, "sclite -D -F -m ref hyp", "sclite -D -c NOASCII DH -i wsj",
                                      "sclite -c"};
  for (int k = 0; k < 4; k++) {
    fuzz_score((HypothesesFiles){.hyp = path, .ref = path, .hyp_format = format, .ref_format = format},
               rules[k]);
    if (format == RECORD_STM || format == RECORD_CTM) fuzz_score(fuzz_times(path, format), rules[k]);
  }
}

#define FUZZ_RECORDS(format, ...)                                                                            \
  FUZZ_TEXTS(__VA_ARGS__)                                                                                    \
  int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {                                             \
    fuzz_records(data, size, format);                                                                        \
    return 0;                                                                                                \
  }

#endif

/* What the fuzz targets of the readers of transcripts share: any bytes as one format. What is read is in
 * order, can be matched with itself and aligned; what is refused names file and line. */
#ifndef JARGON_TESTS_FUZZ_RECORDS_H
#define JARGON_TESTS_FUZZ_RECORDS_H

#include "tests/fuzz/fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "eval/alignment.h"

/* "path:12: ", or that there is nothing in the file. */
static void refusal_check(const char *path) {
  const char *at = strstr(fail_text(), path);
  if (!at) abort();
  at += strlen(path);
  if (!strncmp(at, " has no utterance", 17) || !strncmp(at, ": every segment is to be ignored", 32)) return;
  if (*at != ':' || !isdigit((unsigned char)at[1])) abort();
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

/* Matched with itself and aligned, under sclite's rules or (as NULL) none. */
static void fuzz_score(const char *path, RecordFormat format, const char *as) {
  Hypotheses hypotheses;
  ScliteRules rules;
  HypothesesFiles files = {.hyp = path, .ref = path, .hyp_format = format, .ref_format = format};
  Normalizer *normalizer;
  if (as && sclite_rules_parse(&rules, as) != OK) abort();
  if (as) files.as = &rules;
  if (normalizer_new(&normalizer, "none") != OK) abort();
  Status status = hypotheses_read(&hypotheses, &files);
  if (status == OK) status = hypotheses_score(&hypotheses, normalizer, &ALIGN_SCLITE);
  if (status != OK && status != ERR_DATA) abort();
  if (status != OK) refusal_check(path);
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

static void fuzz_records(const uint8_t *data, size_t size, RecordFormat format) {
  const char *path = fuzz_file(data, size);
  Records records;
  Status status = records_read(&records, path, format);
  if (status == OK) records_check(&records);
  if (status != OK && status != ERR_DATA) abort();
  if (status != OK) refusal_check(path);
  fuzz_accepted += status == OK;
  records_free(&records);
  if (status != OK) return;
  static const char *const rules[] = {NULL, "sclite -D -F", "sclite -D -c NOASCII DH", "sclite -c"};
  for (int k = 0; k < 4; k++) fuzz_score(path, format, rules[k]);
}

#define FUZZ_RECORDS(format, ...)                                                                            \
  FUZZ_TEXTS(__VA_ARGS__)                                                                                    \
  int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {                                             \
    fuzz_records(data, size, format);                                                                        \
    return 0;                                                                                                \
  }

#endif

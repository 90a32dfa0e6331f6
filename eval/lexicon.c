#include "eval/lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "eval/records.h"
#include "src/text/unicode.h"

void lexicon_take(Lexicon *lexicon, char *text) {
  size_t most = strlen(text) / 2 + 1;
  uint32_t *ids = xcalloc(most, sizeof *ids);
  *lexicon = (Lexicon){.texts = text};
  word_ids_init(&lexicon->words, most);
  lexicon->total = word_ids_split(&lexicon->words, text, ids);
  lexicon->counts = xcalloc(lexicon->words.count, sizeof *lexicon->counts);
  for (int64_t i = 0; i < lexicon->total; i++) lexicon->counts[ids[i]]++;
  free(ids);
}

Status lexicon_read(Lexicon *lexicon, const char *path, const Normalizer *normalizer) {
  Status status = OK;
  Records records = {0};
  Buffer all = {0};
  *lexicon = (Lexicon){0};
  TRY(records_read(&records, path, RECORD_AUTO));
  buffer_append(&all, "", 0);
  for (int i = 0; i < records.count; i++) {
    const Record *record = &records.items[i];
    const char *text = record->reference ? record->reference : record->recognised;
    char *clean = NULL;
    if (!text) continue;
    status = normalizer_apply(normalizer, text, &clean);
    if (status != OK) TRY(fail_in(status, "%s:%d", path, record->utterance.line));
    buffer_append(&all, clean, strlen(clean));
    buffer_append(&all, " ", 1);
    free(clean);
  }
  lexicon_take(lexicon, all.data);
  all.data = NULL;
  if (!lexicon->total) TRY(fail(ERR_DATA, "%s: no word is left after normalisation", path));
done:
  free(all.data);
  records_free(&records);
  return status;
}

int64_t lexicon_count(const Lexicon *lexicon, const char *word) {
  int64_t id = word_ids_find(&lexicon->words, word, strlen(word));
  return id < 0 ? 0 : lexicon->counts[id];
}

void lexicon_free(Lexicon *lexicon) {
  word_ids_free(&lexicon->words);
  free(lexicon->counts), free(lexicon->texts);
  *lexicon = (Lexicon){0};
}

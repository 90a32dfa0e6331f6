#include "eval/sclite.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "eval/read.h"
#include "eval/word_ids.h"
#include "src/base/file.h"
#include "src/text/unicode.h"

/* ---- .pra ---- */

static int columns_of(const char *text) {
  int columns = 0;
  for (; *text; text += utf8_length(text)) columns++;
  return columns;
}

static void repeat(FILE *stream, char c, int count) {
  while (count-- > 0) fputc(c, stream);
}

/* A word in its column of `width` and a space. */
static void cell(FILE *stream, const char *text, bool shout, int width) {
  for (const char *at = text; *at; at++) fputc(shout ? toupper((unsigned char)*at) : *at, stream);
  repeat(stream, ' ', width - columns_of(text) + 1);
}

static void row(FILE *stream, const Alignment *alignment, const int *widths, bool of_reference, bool shouts) {
  for (int k = 0; k < alignment->count; k++) {
    const AlignedWord *word = &alignment->words[k];
    const char *text = of_reference ? word->ref : word->hyp;
    bool gap = word->op == (of_reference ? ALIGN_INS : ALIGN_DEL);
    if (gap) {
      repeat(stream, '*', widths[k]);
      fputc(' ', stream);
    } else {
      cell(stream, text, shouts && word->op != ALIGN_MATCH, widths[k]);
    }
  }
  fputc('\n', stream);
}

static const char *field(const ScliteItem *item, const char *key) {
  return json_string_value(json_object_get(item->item->reference->fields, key));
}

/* What an stm file says of its segments. */
static void segment_print(FILE *stream, const ScliteItem *item) {
  char key[32];
  const char *label, *recording = field(item, "recording"), *channel = field(item, "channel");
  for (int i = 1; snprintf(key, sizeof key, "label%d", i), (label = field(item, key)); i++)
    fprintf(stream, "%s%s", i == 1 ? "Labels: <" : ",", label);
  if (field(item, "label1")) fputs(">\n", stream);
  if (recording && channel) fprintf(stream, "File: %s\nChannel: %s\n", recording, channel);
}

static void item_print(FILE *stream, const ScliteItem *item, bool case_sensitive) {
  const Alignment *alignment = &item->alignment;
  AlignCounts counts = alignment->counts;
  int *widths = xcalloc((size_t)alignment->count, sizeof *widths);
  for (int k = 0; k < alignment->count; k++) {
    int ref = columns_of(alignment->words[k].ref), hyp = columns_of(alignment->words[k].hyp);
    widths[k] = ref > hyp ? ref : hyp;
  }
  fprintf(stream, "id: (%s)\n", item->id);
  segment_print(stream, item);
  fprintf(stream, "Scores: (#C #S #D #I) %lld %lld %lld %lld\n", (long long)counts.match,
          (long long)counts.sub, (long long)counts.del, (long long)counts.ins);
  if (case_sensitive) fputs("Attributes: Case_sensitve \n", stream); /* as sclite spells it */
  if (alignment->count) {
    fputs("REF:  ", stream);
    row(stream, alignment, widths, true, !case_sensitive);
    fputs("HYP:  ", stream);
    row(stream, alignment, widths, false, !case_sensitive);
    fputs("Eval: ", stream);
    for (int k = 0; k < alignment->count; k++) {
      fputc(" SID"[alignment->words[k].op], stream);
      repeat(stream, ' ', widths[k]);
    }
    fputc('\n', stream);
  }
  fputc('\n', stream);
  free(widths);
}

void sclite_alignments(FILE *stream, const Sclite *sclite) {
  fprintf(stream, "\n\n\t\tDUMP OF SYSTEM ALIGNMENT STRUCTURE\n\nSystem name:   %s\n\nSpeakers: \n",
          sclite->title);
  for (int s = 0; s < sclite->speaker_count; s++) fprintf(stream, "%5d:  %s\n", s, sclite->speakers[s]);
  fputc('\n', stream);
  for (int s = 0; s < sclite->speaker_count; s++) {
    int count = 0;
    for (int i = 0; i < sclite->count; i++) count += sclite->items[i].speaker == s;
    fprintf(stream, "Speaker sentences%4d:  %s   #utts: %d\n", s, sclite->speakers[s], count);
    for (int i = 0; i < sclite->count; i++)
      if (sclite->items[i].speaker == s) item_print(stream, &sclite->items[i], sclite->case_sensitive);
  }
  fputc('\n', stream);
}

/* ---- making ---- */

static void speakers_find(Sclite *sclite, const char *key) {
  WordIds ids;
  int *seen = xcalloc((size_t)sclite->count, sizeof *seen);
  word_ids_init(&ids, (size_t)sclite->count);
  sclite->speakers = xcalloc((size_t)sclite->count, sizeof(char *));
  for (int i = 0; i < sclite->count; i++) {
    ScliteItem *item = &sclite->items[i];
    const char *name = field(item, key);
    if (!name || !*name) name = "unknown";
    item->speaker = (int)word_ids_get(&ids, name, strlen(name));
    if (item->speaker == sclite->speaker_count) sclite->speakers[sclite->speaker_count++] = xstrdup(name);
    bool segment = field(item, "recording") && field(item, "channel");
    item->id =
        item->item->id && !segment ? xstrdup(item->item->id) : xprintf("%s-%03d", name, seen[item->speaker]);
    seen[item->speaker]++;
  }
  word_ids_free(&ids);
  free(seen);
}

static const char *parenthesised(const char *word, RecordBlock **blocks) {
  char *text = xprintf("(%s)", word);
  const char *kept = block_text(blocks, text, strlen(text));
  free(text);
  return kept;
}

/* The alignment as sclite shows it: a word that need not be said in its parentheses. */
static Alignment shown(const Alignment *alignment, RecordBlock **blocks) {
  Alignment copy = *alignment;
  size_t size = (size_t)copy.count * sizeof *copy.words;
  copy.words = memcpy(block_take(blocks, size), copy.words, size);
  for (int k = 0; k < copy.count; k++) {
    AlignedWord *word = &copy.words[k];
    if (word->optional) word->ref = parenthesised(word->ref, blocks);
    if (word->hyp_optional) word->hyp = parenthesised(word->hyp, blocks);
  }
  return copy;
}

static void table_sys(FILE *stream, const Sclite *sclite) { sclite_table(stream, sclite, true); }
static void table_raw(FILE *stream, const Sclite *sclite) { sclite_table(stream, sclite, false); }

static Status part_write(const char *prefix, const char *suffix, const Sclite *sclite,
                         void (*print)(FILE *stream, const Sclite *sclite)) {
  Status status = OK;
  AtomicFile file = {0};
  char *path = xprintf("%s%s", prefix, suffix);
  TRY(atomic_open(&file, path));
  print(file.stream, sclite);
  TRY(atomic_commit(&file));
done:
  if (status != OK) atomic_abort(&file);
  free(path);
  return status;
}

Status sclite_write(const char *prefix, const Hypotheses *hypotheses, const Alignments *alignments,
                    const char *speaker, const char *title) {
  Status status = OK;
  RecordBlock *blocks = NULL;
  const ScliteRules *as = hypotheses->items[0].as;
  Sclite sclite = {.title = title,
                   .case_sensitive = as && as->case_sensitive,
                   .characters = as && as->characters,
                   .items = xcalloc((size_t)hypotheses->count, sizeof(ScliteItem)),
                   .count = hypotheses->count};
  for (int i = 0; i < sclite.count; i++) {
    sclite.items[i].item = &hypotheses->items[i];
    sclite.items[i].alignment = shown(&alignments->hyp[i], &blocks);
  }
  speakers_find(&sclite, speaker);
  TRY(part_write(prefix, ".sys", &sclite, table_sys));
  TRY(part_write(prefix, ".raw", &sclite, table_raw));
  TRY(part_write(prefix, ".pra", &sclite, sclite_alignments));
  TRY(part_write(prefix, ".dtl", &sclite, sclite_details));
done:
  for (int i = 0; i < sclite.count; i++) free(sclite.items[i].id);
  for (int s = 0; s < sclite.speaker_count; s++) free(sclite.speakers[s]);
  free(sclite.items), free(sclite.speakers);
  blocks_free(blocks);
  return status;
}

#include "eval/sclite_rules.h"

#include <stdlib.h>
#include <string.h>

#include "eval/read.h"
#include "src/text/unicode.h"

/* ---- switches ---- */

/* behind: the letter of the switch before, whose word this may be. */
static bool one_switch(ScliteRules *rules, const char *name, char behind) {
  const struct {
    const char *name;
    bool *on;
    char of; /* the switch that the word follows; 0: itself one */
  } known[] = {{"-s", &rules->case_sensitive, 0},
               {"-D", &rules->optional, 0},
               {"-F", &rules->fragments, 0},
               {"-c", &rules->characters, 0},
               {"NOASCII", &rules->keep_ascii, 'c'},
               {"DH", &rules->drop_hyphens, 'c'},
               {"-m", NULL, 0},
               {"ref", &rules->reduce_ref, 'm'},
               {"hyp", &rules->reduce_hyp, 'm'},
               {"-i", NULL, 0},
               {"spu_id", NULL, 'i'},
               {"swb", NULL, 'i'},
               {"rm", NULL, 'i'},
               {"wsj", &rules->short_speakers, 'i'},
               {"atis", &rules->short_speakers, 'i'}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, name) || (known[i].of && known[i].of != behind)) continue;
    if (known[i].on) *known[i].on = true;
    return true;
  }
  return false;
}

Status sclite_rules_parse(ScliteRules *rules, const char *as) {
  Status status = OK;
  char behind = 0;
  bool reduces = false;
  char *copy = xstrdup(as), *rest = copy, *word = word_next(&rest);
  *rules = (ScliteRules){0};
  if (!word || strcmp(word, "sclite"))
    TRY(fail(ERR_USAGE, "--as: \"%s\" is not sclite and its switches, as in --as \"sclite -D\"", as));
  while ((word = word_next(&rest))) {
    if (!one_switch(rules, word, behind))
      TRY(fail(ERR_USAGE,
               "--as: sclite's %s is not known here; these are: -s, -D, -F, -c [NOASCII] [DH], -m [ref] "
               "[hyp], -i IDS",
               word));
    if (*word == '-') behind = word[1];
    reduces |= behind == 'm';
  }
  if (reduces && !rules->reduce_hyp) rules->reduce_ref = true;
done:
  free(copy);
  return status;
}

/* ---- words ---- */

/* A word without its tag and backslashes, in place; returns its length. */
static size_t tag_drop(char *word, size_t length) {
  size_t used = 0;
  for (size_t i = 0; i < length && (word[i] != ';' || (i && word[i - 1] == '\\')); i++)
    if (word[i] != '\\') word[used++] = word[i];
  return used > 1 && word[used - 1] == '*' ? used - 1 : used;
}

/* The characters of a word as words, optional ones if it is. */
static void characters_append(const ScliteRules *rules, Buffer *out, const char *word, size_t length) {
  bool optional = rules->optional && network_optional(word, length);
  const char *at = word + optional, *end = word + length - optional;
  bool first = true, joins = false; /* joins: the last character was an ASCII one that stays with the next */
  for (int bytes; at < end; at += bytes) {
    bytes = utf8_length(at);
    if (rules->drop_hyphens && *at == '-' && length > 1) continue;
    bool ascii = rules->keep_ascii && !(*at & 0x80), starts = first || !(ascii && joins);
    if (starts && !first) buffer_append(out, optional ? ") " : " ", optional ? 2 : 1);
    if (starts && optional) buffer_append(out, "(", 1);
    buffer_append(out, at, (size_t)bytes);
    joins = ascii, first = false;
  }
  if (optional && !first) buffer_append(out, ")", 1);
}

/* The length of the mark or word at the text's beginning; within braces "/" ends a word. */
static size_t piece_length(const char *text, int depth) {
  size_t length = strcspn(text, depth ? " \t\r\n{}/" : " \t\r\n{}");
  return length ? length : 1;
}

/* Alone A-Z, as in sclite. */
static void case_fold(char *text, size_t length) {
  for (size_t i = 0; i < length; i++)
    if (text[i] >= 'A' && text[i] <= 'Z') text[i] = (char)(text[i] + ('a' - 'A'));
}

static char *text_rewrite(const ScliteRules *rules, RecordBlock **blocks, const char *text) {
  Buffer out = {0};
  int depth = 0;
  char *copy = xstrdup(text);
  buffer_append(&out, "", 0);
  for (char *at = copy; *(at += strspn(at, " \t\r\n"));) {
    size_t length = piece_length(at, depth);
    char *piece = at;
    at += length;
    depth += *piece == '{' ? 1 : *piece == '}' && depth ? -1 : 0;
    if (!rules->case_sensitive) case_fold(piece, length);
    length = tag_drop(piece, length);
    if (out.used) buffer_append(&out, " ", 1);
    if (rules->characters)
      characters_append(rules, &out, piece, length);
    else
      buffer_append(&out, piece, length);
  }
  char *kept = block_text(blocks, out.data, out.used);
  free(out.data), free(copy);
  return kept;
}

/* ---- records ---- */

static const char *name_fold(RecordBlock **blocks, const char *name) {
  if (!name) return NULL;
  size_t length = strlen(name);
  char *copy = block_text(blocks, name, length);
  case_fold(copy, length);
  return copy;
}

/* Of NIST's files all metadata is names. */
static void fields_fold(Records *records, Record *record) {
  const char *key;
  json_t *value;
  void *next;
  json_object_foreach_safe(record->utterance.fields, next, key, value) {
    record_field(record, key, name_fold(&records->blocks, json_string_value(value)));
  }
}

void sclite_rules_apply(const ScliteRules *rules, Records *records) {
  RecordBlock **blocks = &records->blocks;
  bool nist = records->format == RECORD_TRN || records->format == RECORD_STM || records->format == RECORD_CTM;
  for (int i = 0; i < records->count; i++) {
    Record *record = &records->items[i];
    if (record->reference) record->reference = text_rewrite(rules, blocks, record->reference);
    if (record->recognised) record->recognised = text_rewrite(rules, blocks, record->recognised);
    for (int w = 0; w < record->word_count; w++)
      record->words[w].text = text_rewrite(rules, blocks, record->words[w].text);
    if (rules->short_speakers && records->format == RECORD_TRN)
      record_field(record, "speaker", block_text(blocks, record->id, strnlen(record->id, 3)));
    if (rules->case_sensitive) continue;
    record->id = name_fold(blocks, record->id);
    record->recording = name_fold(blocks, record->recording);
    record->channel = name_fold(blocks, record->channel);
    if (nist) fields_fold(records, record);
  }
}

NetworkMarks sclite_rules_marks(const ScliteRules *rules) {
  return rules->optional ? NETWORK_OPTIONAL : NETWORK_ALTERNATIVES;
}

bool sclite_rules_special(const ScliteRules *rules, const char *text) {
  return strpbrk(text, rules->optional ? "{}(@" : "{}@") || (rules->fragments && strchr(text, '-'));
}

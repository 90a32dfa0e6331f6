#include "src/text/normalize.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "src/text/rewrite.h"
#include "src/text/rules.h"
#include "src/text/unicode.h"

struct Normalizer {
  const char *name, *version;
  bool fold;    /* NFKC, case folded, punctuation to spaces */
  Rules *rules; /* NULL: none beyond that */
};

static const Normalizer known[] = {{"none", "none-1", false, NULL}, {"basic", "basic-1", true, NULL}};
enum { KNOWN = sizeof known / sizeof *known };

static Status new_of_rules(Normalizer **out, const char *path) {
  Status status = OK;
  Rules *rules = NULL;
  TRY(rules_read(&rules, path));
  TRY(rules_check(rules));
  *out = xcalloc(1, sizeof **out);
  **out = (Normalizer){.name = "rules", .version = rules_version(rules), .rules = rules};
  rules = NULL;
done:
  rules_free(rules);
  return status;
}

Status normalizer_new(Normalizer **out, const char *name) {
  for (int i = 0; i < KNOWN; i++)
    if (!strcmp(name, known[i].name) || !strcmp(name, known[i].version)) {
      *out = xcalloc(1, sizeof **out);
      **out = known[i];
      return OK;
    }
  if (!strcmp(name, "english") || !strcmp(name, "english-1")) return new_of_rules(out, NULL);
  if (strchr(name, '/') || strchr(name, '.')) return new_of_rules(out, name);
  return fail(
      ERR_USAGE,
      "there is no normalisation '%s'; the known ones are none, basic, english, and the path of a file of "
      "rules (with a '/' or a '.')",
      name);
}

void normalizer_free(Normalizer *normalizer) {
  if (normalizer) rules_free(normalizer->rules);
  free(normalizer);
}

const char *normalizer_version(const Normalizer *normalizer) { return normalizer->version; }

static bool is_apostrophe(int32_t codepoint) {
  return codepoint == '\'' || codepoint == 0x2019 || codepoint == 0x2018 || codepoint == 0x02BC;
}

/* Letters, marks and numbers. */
static bool is_word(int32_t codepoint) {
  if (is_apostrophe(codepoint)) return false; /* U+02BC counts as a letter */
  utf8proc_category_t category = utf8proc_category(codepoint);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO;
}

static int32_t codepoint_at(const char *text, size_t size) {
  utf8proc_int32_t codepoint = 0;
  if (size) utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size, &codepoint);
  return codepoint;
}

/* Appends the text's words, which white space alone or punctuation as well parts. */
static Status words_append(bool fold, const char *text, Buffer *words) {
  Status status = OK;
  utf8proc_uint8_t *folded = NULL;
  if (fold) {
    if (utf8proc_map((const utf8proc_uint8_t *)text, 0, &folded,
                     UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                         UTF8PROC_CASEFOLD | UTF8PROC_IGNORE) < 0)
      TRY(fail(ERR_DATA, "the text cannot be put into normalisation form KC"));
    text = (const char *)folded;
  }
  size_t size = strlen(text);
  int32_t before =
      0; /* the character before this one, as written: an apostrophe inside a word stands between two */
  bool gap = true;
  for (size_t at = 0; at < size;) {
    int32_t codepoint = codepoint_at(text + at, size - at);
    at += (size_t)utf8_length(text + at);
    bool keep = !unicode_is_space(codepoint);
    if (fold && !is_word(codepoint)) {
      keep = is_apostrophe(codepoint) && is_word(before) && is_word(codepoint_at(text + at, size - at));
      if (keep) codepoint = '\'';
    }
    before = codepoint;
    if (keep && gap && words->used) buffer_append(words, " ", 1);
    if (keep) buffer_append_codepoint(words, codepoint);
    gap = !keep;
  }
done:
  free(folded);
  return status;
}

/* How many words stand behind the first `used` bytes. */
static int words_since(const Buffer *words, size_t used) {
  int count = !used && words->used;
  for (size_t i = used; i < words->used; i++) count += words->data[i] == ' ';
  return count;
}

Status normalizer_trace(const Normalizer *normalizer, const char *const *pieces, int count, char **out,
                        WordSource **sources) {
  Status status = OK;
  Buffer words = {0};
  WordSource *list = NULL;
  int made = 0;
  for (int p = 0; p < count; p++) TRY(utf8_check(pieces[p], strlen(pieces[p])));
  if (normalizer->rules) return rules_apply(normalizer->rules, pieces, count, out, sources);
  buffer_append(&words, "", 0);
  for (int p = 0; p < count; p++) {
    size_t used = words.used;
    TRY(words_append(normalizer->fold, pieces[p], &words));
    int more = sources ? words_since(&words, used) : 0;
    if (more) list = xrealloc(list, (size_t)(made + more), sizeof *list);
    while (more--) list[made++] = (WordSource){p, p};
  }
  *out = words.data, words.data = NULL;
  if (sources) *sources = list, list = NULL;
done:
  free(words.data), free(list);
  return status;
}

Status normalizer_apply(const Normalizer *normalizer, const char *text, char **out) {
  return normalizer_trace(normalizer, &text, 1, out, NULL);
}

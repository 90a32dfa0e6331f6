#include "eval/terms.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/file.h"
#include "src/text/unicode.h"

static int text_words(const char *text) {
  int words = *text != 0;
  for (; *text; text++) words += *text == ' ';
  return words;
}

/* The bytes of one line as a string, the caller's to free. */
static Status line_text(const char *name, int line, const char *data, size_t size, char **text) {
  if (memchr(data, 0, size)) return fail(ERR_DATA, "%s:%d: a zero byte: this is no text file", name, line);
  if (utf8_check(data, size) != OK) return fail(ERR_DATA, "%s:%d: %s", name, line, fail_text());
  while (size && (data[size - 1] == '\r' || data[size - 1] == ' ')) size--;
  *text = xcalloc(size + 1, 1);
  memcpy(*text, data, size);
  return OK;
}

static Status line_parse(Terms *terms, const char *name, int line, char *text, const Normalizer *normalizer) {
  char *tab = strchr(text, '\t'), *clean = NULL;
  if (tab) *tab++ = 0;
  if (tab && strchr(tab, '\t'))
    return fail(ERR_DATA, "%s:%d: two tabs; a line is a term, or a term, a tab and its domain", name, line);
  if (tab && !*tab)
    return fail(ERR_DATA, "%s:%d: nothing after the tab; leave it out, or name the domain", name, line);
  Status status = normalizer_apply(normalizer, text, &clean);
  if (status != OK) return fail(status, "%s:%d: %s", name, line, fail_text());
  int words = text_words(clean);
  if (words == 0 || words > TERMS_WORDS_MOST) {
    free(clean);
    return words
               ? fail(ERR_DATA, "%s:%d: %d words; a term has at most %d", name, line, words, TERMS_WORDS_MOST)
               : fail(ERR_DATA, "%s:%d: nothing is left of the term \"%s\" after normalisation", name, line,
                      text);
  }
  terms->items[terms->count++] = (Term){clean, words, tab ? xstrdup(tab) : NULL, NAN};
  return OK;
}

static int by_term(const void *left, const void *right) {
  const Term *a = left, *b = right;
  int order = strcmp(a->text, b->text);
  return order ? order : strcmp(a->domain ? a->domain : "", b->domain ? b->domain : "");
}

static void terms_unique(Terms *terms) {
  int kept = 0;
  qsort(terms->items, (size_t)terms->count, sizeof *terms->items, by_term);
  for (int i = 0; i < terms->count; i++) {
    if (kept && by_term(&terms->items[kept - 1], &terms->items[i]) == 0)
      free(terms->items[i].text), free(terms->items[i].domain);
    else
      terms->items[kept++] = terms->items[i];
  }
  terms->count = kept;
}

Status terms_parse(Terms *terms, const char *name, const char *data, size_t size,
                   const Normalizer *normalizer) {
  Status status = OK;
  char *text = NULL;
  int line = 0, lines = 1;
  const char *end = data + size;
  for (const char *at = data; (at = memchr(at, '\n', (size_t)(end - at))); at++) lines++;
  *terms = (Terms){xcalloc((size_t)lines, sizeof(Term)), 0};
  if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) data += 3;
  for (const char *next; data < end; data = next) {
    const char *stop = memchr(data, '\n', (size_t)(end - data));
    next = stop ? stop + 1 : end;
    TRY(line_text(name, ++line, data, (size_t)((stop ? stop : end) - data), &text));
    if (*text && *text != '#') TRY(line_parse(terms, name, line, text, normalizer));
    free(text), text = NULL;
  }
  if (!terms->count) TRY(fail(ERR_DATA, "%s: no term", name));
  terms_unique(terms);
done:
  free(text);
  return status;
}

Status terms_read(Terms *terms, const char *path, const Normalizer *normalizer) {
  char *data = NULL;
  size_t size;
  *terms = (Terms){0};
  Status status = file_read(path, TERMS_FILE_MOST, &data, &size);
  if (status == OK) status = terms_parse(terms, path, data, size, normalizer);
  free(data);
  return status;
}

static int by_score(const void *left, const void *right) {
  const Term *a = left, *b = right;
  if (a->score != b->score) return a->score > b->score ? -1 : 1;
  return strcmp(a->text, b->text);
}

/* The words of the references with that domain. */
static void domain_words(Lexicon *lexicon, const Alignments *alignments, const Column *domains, int domain) {
  Buffer all = {0};
  buffer_append(&all, "", 0);
  for (int i = 0; i < alignments->count; i++) {
    if (domains->ids[i] != domain) continue;
    const Alignment *alignment = &alignments->hyp[i];
    for (int w = 0; w < alignment->count; w++) {
      if (alignment->words[w].op == ALIGN_INS) continue;
      buffer_append(&all, alignment->words[w].ref, strlen(alignment->words[w].ref));
      buffer_append(&all, " ", 1);
    }
  }
  lexicon_take(lexicon, all.data);
}

/* z of the difference of the word's log odds here and in general text. */
static double log_odds(double here, double here_all, double general, double general_all) {
  double prior = TERMS_PRIOR * (here + general) / (here_all + general_all);
  double a = here + prior, b = general + prior;
  double difference = log(a / (here_all + TERMS_PRIOR - a)) - log(b / (general_all + TERMS_PRIOR - b));
  return difference / sqrt(1 / a + 1 / b);
}

static void domain_mine(Terms *terms, const Alignments *alignments, const Column *domains, int domain,
                        const Lexicon *general) {
  Lexicon here;
  int found = 0;
  domain_words(&here, alignments, domains, domain);
  Term *list = xcalloc(here.words.count, sizeof *list);
  for (uint32_t id = 0; id < here.words.count; id++) {
    char *word = xprintf("%.*s", (int)here.words.lengths[id], here.words.texts[id]);
    double count = (double)here.counts[id], other = (double)lexicon_count(general, word);
    double score = log_odds(count, (double)here.total, other, (double)general->total);
    bool rare = other <= 1 || other / (double)general->total <= TERMS_GENERAL_MOST;
    if (count >= 2 && rare && score >= TERMS_SCORE_LEAST)
      list[found++] =
          (Term){word, 1, domain < domains->count ? xstrdup(domains->values[domain]) : NULL, score};
    else
      free(word);
  }
  qsort(list, (size_t)found, sizeof *list, by_score);
  terms->items = xrealloc(terms->items, (size_t)(terms->count + found), sizeof *terms->items);
  for (int i = 0; i < found; i++) {
    if (i < TERMS_MINED_MOST)
      terms->items[terms->count++] = list[i];
    else
      free(list[i].text), free(list[i].domain);
  }
  free(list);
  lexicon_free(&here);
}

void terms_mine(Terms *terms, const Alignments *alignments, const Column *domains, const Lexicon *general) {
  *terms = (Terms){0};
  for (int domain = 0; domain < domains->count + (domains->count == 0); domain++)
    domain_mine(terms, alignments, domains, domain, general);
}

void terms_free(Terms *terms) {
  for (int i = 0; i < terms->count; i++) free(terms->items[i].text), free(terms->items[i].domain);
  free(terms->items);
  *terms = (Terms){0};
}

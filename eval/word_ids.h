/* Equal words get equal ids, from 0 in the order they come: an open-addressing table of the distinct ones. */
#ifndef JARGON_EVAL_WORD_IDS_H
#define JARGON_EVAL_WORD_IDS_H

#include <stddef.h>
#include <stdint.h>

typedef struct WordIds {
  const char **texts; /* borrowed from the caller */
  uint32_t *lengths;
  uint64_t *slots; /* a word's hash without the low half, and 1 + its id; 0: free */
  uint32_t mask, count;
} WordIds;

/* For at most `most` words. */
void word_ids_init(WordIds *ids, size_t most);
void word_ids_free(WordIds *ids);

uint32_t word_ids_get(WordIds *ids, const char *text, size_t length);

/* The same, but -1 for a word that has none. */
int64_t word_ids_find(const WordIds *ids, const char *text, size_t length);

/* The ids of the words of a text, separated by single or more spaces; returns how many. */
int word_ids_split(WordIds *ids, const char *text, uint32_t *out);

#endif

/* From one piece of text (pretokenize.h) to token ids.
 *
 * BPE (Sennrich et al. 2016, arXiv 1508.07909): characters, then always the merge of lowest rank, the leftmost first.
 * Unigram (Kudo 2018, arXiv 1804.10959): the sequence of tokens with the greatest sum of scores, by Viterbi's algorithm;
 * a character without a token scores ten less than the worst token. */
#ifndef JARGON_TEXT_SEGMENT_H
#define JARGON_TEXT_SEGMENT_H

#include "src/text/token_table.h"

typedef struct Segmenter {
  TokenTable table;
  PairMap merges;        /* BPE: left id, right id -> rank */
  int32_t *merged;       /* rank -> id */
  double *scores;        /* Unigram: of each id; NULL: BPE */
  double unknown_score;
  int32_t unknown;       /* id for characters without a token; -1: they are an error */
  bool fuse_unknown;     /* neighbouring unknown characters of a piece become one token */
  bool byte_fallback;    /* they become the tokens <0x00> .. <0xFF> of their bytes instead */
  int32_t bytes[256];
} Segmenter; /* zeroed, then filled by the reader of the file */

void segmenter_free(Segmenter *segmenter);

/* What a call appends to, and scratch that further calls use again. Zeroed at first; free with segmentation_free(). */
typedef struct Segmentation {
  int32_t *ids;
  int count, size;
  int unknown;    /* characters without a token so far */
  void *work;
  size_t work_size;
} Segmentation;

Status segment(const Segmenter *segmenter, const char *text, size_t size, Segmentation *out);
void segmentation_append(Segmentation *segmentation, int32_t id);
void segmentation_free(Segmentation *segmentation);

#endif

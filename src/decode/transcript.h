/* From the best class of each frame to words with times and confidence: collapse repeats, drop blanks, decode
 * (best-path decoding: Graves et al. 2006).
 *
 * times       A token's frames are the run of frames where it is the best class. A word begins with the first frame of
 *             its first token and ends after the last frame of its last token; frame t is the time from t to t + 1
 *             times frame_seconds. CTC puts a token somewhere within its sound, so ends tend to be early.
 * confidence  of a token: the greatest posterior of its frames; of a word: the least of its tokens (the weakest link;
 *             among the aggregations of Laptev & Ginsburg 2022, arXiv 2212.08703); of the utterance: the mean of its
 *             words, and without words the mean posterior of its frames. Raw posteriors are too sure of themselves:
 *             compare them with each other, not with error rates. */
#ifndef JARGON_DECODE_TRANSCRIPT_H
#define JARGON_DECODE_TRANSCRIPT_H

#include <stdint.h>

#include "src/base/status.h"
#include "src/text/tokenizer.h"

typedef struct Word {
  char *text;
  double start, end; /* seconds from the utterance's beginning */
  float confidence;  /* 0 .. 1 */
} Word;

typedef struct Transcript {
  char *text;       /* the words, single spaces between them */
  Word *words;
  int count;
  float confidence; /* of the whole utterance */
} Transcript;

/* best and log_probability (T), blank's id, seconds of one frame. Special tokens give nothing, like the blank. */
Transcript transcript_greedy(const int32_t *best, const float *log_probability, int T, int blank, double frame_seconds,
                             const Tokenizer *tokenizer);
void transcript_free(Transcript *transcript);

/* Moves the words of `more`, whose time 0 is at `seconds`, behind those of `transcript`, which end there at the latest;
 * `more` is freed. The utterance's confidence stays a mean over all words. */
void transcript_append(Transcript *transcript, Transcript *more, double seconds);

#endif

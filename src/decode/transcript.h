/* From the best class of each frame to words with times and confidence: collapse repeats, drop blanks, decode. */
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
  char *text;
  Word *words;
  int count;
  float confidence; /* of the whole utterance */
} Transcript;

/* best and log_probability (T), blank's id, seconds of one frame. */
Transcript transcript_greedy(const int32_t *best, const float *log_probability, int T, int blank, double frame_seconds,
                             const Tokenizer *tokenizer);
void transcript_free(Transcript *transcript);

#endif

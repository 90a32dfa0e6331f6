/* Transcripts in the forms that people exchange.
 *
 *   text   one line an utterance
 *   jsonl  the manifest's line with every key it had, and pred_text, confidence, words [{word, start, end, confidence}]
 *   srt    SubRip, and vtt, WebVTT: cues of at most 42 characters and 5 seconds; of one recording
 *   ctm    NIST: recording, channel, begin, duration, word, confidence
 *   stm    NIST: recording, channel, speaker, begin, end, text
 *   trn    NIST: text (utterance)
 *
 * Times are those of the recording: the utterance's offset is added. */
#ifndef JARGON_DECODE_OUTPUT_H
#define JARGON_DECODE_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "src/decode/transcript.h"

#define OUTPUT_FORMATS "text|jsonl|srt|vtt|ctm|stm|trn"

typedef enum OutputFormat {
  OUTPUT_TEXT,
  OUTPUT_JSONL,
  OUTPUT_SRT,
  OUTPUT_VTT,
  OUTPUT_CTM,
  OUTPUT_STM,
  OUTPUT_TRN,
} OutputFormat;

typedef struct Output {
  FILE *stream; /* borrowed */
  OutputFormat format;
  double doubt;  /* text: words of less confidence are marked; 0: none */
  bool terminal; /* text: marked by underlining, not by brackets */
  int cues;      /* written so far; 0 at first */
} Output;

typedef struct OutputItem {
  const char *audio;   /* names the recording: its last part without the extension */
  const json_t *fields; /* the manifest's line; NULL: none, jsonl makes one */
  double offset, duration;
  const Transcript *transcript;
} OutputItem;

/* The format of that name, one of OUTPUT_FORMATS. */
OutputFormat output_format(const char *name);

/* Before the first item; then each item. Errors of writing are left to the stream's error flag. */
void output_begin(Output *output);
void output_write(Output *output, const OutputItem *item);

#endif

/* Files of transcripts, references or hypotheses, in the forms that people and systems write:
 *
 * - manifest: NeMo: JSON lines with text, pred_text or both; perhaps "words" [{word, start, end, confidence}]
 * - trn: NIST: text (id)
 * - stm: NIST: recording, channel, speaker, begin, end, <labels>, text
 * - ctm: NIST: recording, channel, begin, duration, word, confidence
 * - kaldi: id text; utt2spk and spk2gender beside the file become metadata; or the data folder itself
 * - whisper: JSON of one recording with segments, their words when there; or a folder of such files
 * - csv: RFC 4180 (or tabs), columns named by the header
 * - text: one utterance a line; an empty line is an empty utterance
 *
 * In references of trn, stm and ctm "{ a / b c / @ }" are alternatives and "(uh)" is a word that need not be
 * said.
 */
#ifndef JARGON_EVAL_RECORDS_H
#define JARGON_EVAL_RECORDS_H

#include "src/corpus/manifest.h"

#define RECORD_FORMATS "auto|manifest|trn|stm|ctm|kaldi|whisper|csv|text"

typedef enum RecordFormat {
  RECORD_AUTO,
  RECORD_MANIFEST,
  RECORD_TRN,
  RECORD_STM,
  RECORD_CTM,
  RECORD_KALDI,
  RECORD_WHISPER,
  RECORD_CSV,
  RECORD_TEXT,
} RecordFormat;

/* A word as recognised, not normalised. */
typedef struct HypWord {
  const char *text;
  double start, end; /* seconds of the recording; NAN: unknown */
  double confidence; /* NAN: unknown; 0..1 from most systems, but ctm files may carry other scores */
  bool glued;        /* nothing stands between it and the word before: Whisper's " $40" ",000" */
} HypWord;

typedef struct Record {
  Utterance utterance;   /* text: what the format has as its one text; fields: the metadata, may be NULL */
  const char *id;        /* NULL: the format or line has none */
  const char *recording; /* name without folder and extension; NULL: not known */
  const char *channel;   /* stm, ctm; NULL: not known */
  const char *reference, *recognised; /* the texts; NULL: the line has not that one */
  HypWord *words;                     /* of `recognised`; NULL: the format or line has none */
  int word_count;
  bool ignored;      /* stm: IGNORE_TIME_SEGMENT_IN_SCORING */
  bool alternatives; /* ctm: some words are between "{", "/" and "}", which came as <ALT_BEGIN>, <ALT>,
                        <ALT_END> */
} Record;

typedef struct Records {
  char *path;
  RecordFormat format;
  Record *items;
  int count;
  /* what the items point into */
  Manifest manifest;
  struct RecordBlock *blocks;
} Records;

/* The format of that name, one of RECORD_FORMATS. */
RecordFormat record_format(const char *name);
const char *record_format_name(RecordFormat format);

/* Reads and checks the whole file; RECORD_AUTO: by name and content. A bad line is ERR_DATA with file and
 * line, and so is a file without any. The caller frees, after an error too. */
Status records_read(Records *records, const char *path, RecordFormat format);

/* The same, of a file that may have no line. */
Status records_read_any(Records *records, const char *path, RecordFormat format);
void records_free(Records *records);

#endif

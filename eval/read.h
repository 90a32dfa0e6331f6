/* What the readers of records.h share. */
#ifndef JARGON_EVAL_READ_H
#define JARGON_EVAL_READ_H

#include "eval/records.h"

enum { READ_LINE_LIMIT = 1 << 24 }; /* bytes of one line */

typedef struct RecordBlock {
  struct RecordBlock *next;
  char *data;
  size_t used, size;
} RecordBlock;

/* Memory that lives as long as the list; 16-byte aligned and zeroed, or a copy of `length` bytes with a NUL.
 */
void *block_take(RecordBlock **blocks, size_t bytes);
char *block_text(RecordBlock **blocks, const char *text, size_t length);
void blocks_free(RecordBlock *blocks);

/* A text file in memory, given out line by line. */
typedef struct Lines {
  const char *path;
  char *at, *end;
  int line; /* the one given last, from 1 */
} Lines;

/* The file, which `records` then owns; its bytes are valid UTF-8 without NUL. A byte-order mark is passed
 * over. */
Status lines_open(Lines *lines, Records *records, const char *path);

/* The next line, without its end and ended by NUL; *text NULL: there is none. */
Status lines_next(Lines *lines, char **text);

/* Opens the file and calls `line` for each of its lines, until one is no good. */
Status lines_each(Records *records, const char *path,
                  Status (*line)(Records *records, const Lines *lines, char *text, void *context),
                  void *context);

/* ERR_DATA "path:line: ..." */
#define fail_line(lines, ...) fail_at((lines)->path, (lines)->line, __VA_ARGS__)
Status fail_at(const char *path, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__
#define fail_at(...) status_known((fail_at)(__VA_ARGS__), ERR_DATA)
#endif

/* The next word of a line, ended by NUL; *rest moves behind it. NULL: there is none. */
char *word_next(char **rest);

/* A number of seconds, 0 .. 1e7; false: it is not one. */
bool seconds_parse(const char *text, double *seconds);

Record *record_add(Records *records, int line);

/* The one text of a line that may be a reference or what was recognised. */
void record_text(Record *record, char *text);

/* Metadata: one more key of the record (a later value of the same key replaces it). */
void record_field(Record *record, const char *key, const char *value);

/* src/text/names.h: of a recording's path, of an utterance's audio and offset, and a name that a file gives.
 */
const char *record_recording(Records *records, const char *path);
const char *record_audio_id(Records *records, const Utterance *utterance);
const char *record_name(Records *records, const char *name);

Status read_manifest(Records *records);
Status read_text(Records *records);
Status read_trn(Records *records);
Status read_kaldi(Records *records);
Status read_stm(Records *records);
Status read_ctm(Records *records);
Status read_csv(Records *records);
Status read_whisper(Records *records);

/* The format by the name and content of the file or folder. */
Status format_detect(const char *path, RecordFormat *format);

/* The list [{"word" or "text", "start", "end", "confidence", "probability" or "score"}] behind record->words,
 * which has room for it. */
Status read_words(Record *record, const json_t *list);

#endif

/* NIST's trn, stm and ctm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/read.h"
#include "src/text/unicode.h"

static bool is_comment(const char *text) { return !text[strspn(text, " \t")] || !strncmp(text, ";;", 2); }

/* ---- trn ---- */

/* "speaker-number", or "speaker_number" without any "-": the part before it, as metadata. */
static void speaker_of_id(Records *records, Record *record) {
  const char *end = strchr(record->id, '-');
  if (!end) end = strchr(record->id, '_');
  if (!end || end == record->id) return;
  record_field(record, "speaker", block_text(&records->blocks, record->id, (size_t)(end - record->id)));
}

/* Cuts "(id)" off the end of a line. NULL: there is none. */
static char *id_cut(char *text) {
  char *end = text + strlen(text);
  while (end > text && (end[-1] == ' ' || end[-1] == '\t')) end--;
  if (end == text || end[-1] != ')') return NULL;
  end[-1] = 0;
  char *open = strrchr(text, '(');
  if (!open || !open[1] || strpbrk(open, " \t")) {
    end[-1] = ')';
    return NULL;
  }
  *open = 0;
  return open + 1;
}

static Status trn_line(Records *records, const Lines *lines, char *text, void *context) {
  (void)context;
  if (is_comment(text)) return OK;
  char *id = id_cut(text);
  if (!id) return fail_line(lines, "a trn line must end in \"(id)\"");
  Record *record = record_add(records, lines->line);
  record->id = id;
  record_text(record, text);
  speaker_of_id(records, record);
  return OK;
}

Status read_trn(Records *records) { return lines_each(records, records->path, trn_line, NULL); }

/* ---- stm ---- */

enum { LABELS_MOST = 1000 };

/* "<o,,male>": each label is metadata: label1, label2, ... in their order; an empty one is unknown. */
static Status labels_take(Records *records, const Lines *lines, Record *record, char *labels) {
  char key[32], *rest = labels + 1, *label;
  labels[strlen(labels) - 1] = 0;
  for (int i = 1; (label = strsep(&rest, ",")); i++) {
    if (i > LABELS_MOST) return fail_line(lines, "more than %d labels", LABELS_MOST);
    snprintf(key, sizeof key, "label%d", i);
    record_field(record, key, block_text(&records->blocks, label, strlen(label)));
  }
  return OK;
}

/* The mark of a segment that is not scored; sclite also takes it without "_". */
static bool is_ignored(const char *text) {
  size_t length = strcspn(text, " \t");
  return !text[length + strspn(text + length, " \t")] &&
         ((length == 30 && !strncasecmp(text, "ignore_time_segment_in_scoring", length)) ||
          (length == 26 && !strncasecmp(text, "ignoretimesegmentinscoring", length)));
}

static Status stm_line(Records *records, const Lines *lines, char *text, void *context) {
  const char *field[5];
  double begin, end;
  (void)context;
  if (is_comment(text)) return OK;
  for (int k = 0; k < 5; k++) {
    field[k] = word_next(&text);
    if (!field[k])
      return fail_line(lines, "an stm line has recording, channel, speaker, begin, end and text");
  }
  if (!seconds_parse(field[3], &begin) || !seconds_parse(field[4], &end))
    return fail_line(lines, "begin and end must be seconds, not \"%s\" and \"%s\"", field[3], field[4]);
  if (end < begin) return fail_line(lines, "the segment ends (%g) before it begins (%g)", end, begin);
  Record *record = record_add(records, lines->line);
  record->recording = record_name(records, field[0]), record->channel = field[1];
  record->utterance.offset = begin, record->utterance.duration = end - begin;
  record_field(record, "speaker", field[2]);
  record_field(record, "recording", field[0]);
  record_field(record, "channel", field[1]);
  text += strspn(text, " \t");
  size_t length = strcspn(text, " \t");
  Status status =
      *text == '<' && text[length - 1] == '>' ? labels_take(records, lines, record, word_next(&text)) : OK;
  if (status != OK) return status;
  record_text(record, text);
  char *id = xprintf("%s-%s-%.3f-%.3f", field[0], field[1], begin, end);
  record->id = block_text(&records->blocks, id, strlen(id));
  free(id);
  record->ignored = is_ignored(text);
  record->words = block_take(&records->blocks, sizeof *record->words); /* as a hypothesis: one long word */
  *record->words = (HypWord){text, begin, end, NAN, false};
  record->word_count = 1;
  return OK;
}

Status read_stm(Records *records) { return lines_each(records, records->path, stm_line, NULL); }

/* ---- ctm ---- */

typedef struct CtmWord {
  const char *recording, *channel;
  HypWord word;
  int line;
  char mark; /* of alternatives: '{', '/' or '}'; 0: a word */
} CtmWord;

/* "<ALT_BEGIN>" and its companions as the marks that trn and stm have. */
static const char *alternative_mark(const char *word) {
  static const char *const MARKS[][2] = {{"<ALT_BEGIN>", "{"}, {"<ALT>", "/"}, {"<ALT_END>", "}"}};
  for (int i = 0; i < 3; i++)
    if (strcasecmp(word, MARKS[i][0]) == 0) return MARKS[i][1];
  return NULL;
}

/* A duration; where writers rounded begin and end it may be slightly negative. */
static bool duration_parse(const char *text, double *seconds) {
  bool negative = *text == '-';
  if (!seconds_parse(text + negative, seconds) || (negative && *seconds > 0.1)) return false;
  if (negative) *seconds = -*seconds;
  return true;
}

static Status ctm_word(const Lines *lines, char *text, CtmWord *out) {
  const char *field[6];
  for (int k = 0; k < 6; k++) {
    field[k] = word_next(&text);
    if (!field[k] && k < 5)
      return fail_line(lines, "a ctm line has recording, channel, begin, duration and word");
  }
  double begin = NAN, duration = NAN, confidence = NAN;
  const char *mark = alternative_mark(field[4]);
  if (!mark && (!seconds_parse(field[2], &begin) || !duration_parse(field[3], &duration)))
    return fail_line(lines, "begin and duration must be seconds, not \"%s\" and \"%s\"", field[2], field[3]);
  char *end = NULL;
  if (field[5] && strcasecmp(field[5], "NA")) confidence = strtod(field[5], &end);
  if (end && (end == field[5] || *end || !isfinite(confidence)))
    return fail_line(lines, "the confidence must be a number or NA, not \"%s\"", field[5]);
  *out = (CtmWord){field[0],
                   field[1],
                   {mark ? mark : field[4], begin, begin + duration, confidence, false},
                   lines->line,
                   mark ? *mark : 0};
  return OK;
}

/* Alternatives of one channel, not nested. `begin`: the word that began those that the last word is in; NULL:
 * none. */
static Status mark_check(const Lines *lines, const CtmWord *word, const CtmWord *begin) {
  if (begin && (strcmp(begin->recording, word->recording) || strcmp(begin->channel, word->channel)))
    return fail_line(lines, "another recording or channel within the alternatives that began in line %d",
                     begin->line);
  if (begin && word->mark == '{')
    return fail_line(lines,
                     "<ALT_BEGIN> within the alternatives that began in line %d: a ctm file cannot nest them",
                     begin->line);
  if (!begin && word->mark && word->mark != '{')
    return fail_line(lines, "alternatives begin with <ALT_BEGIN>");
  return OK;
}

/* A mark has the time where it stands: that of the word behind "{", else the end of the one before it. */
static void marks_time(CtmWord *words, int count) {
  for (int i = 0; i < count; i++) {
    if (!words[i].mark) continue;
    HypWord *mark = &words[i].word;
    bool before = words[i].mark == '{' && i + 1 < count && !words[i + 1].mark;
    mark->start = before ? words[i + 1].word.start : i ? words[i - 1].word.end : 0;
    mark->end = mark->start;
  }
}

static int by_recording(const void *left, const void *right) {
  const CtmWord *a = left, *b = right;
  int order = strcmp(a->recording, b->recording);
  if (!order) order = strcmp(a->channel, b->channel);
  return order ? order : a->line - b->line;
}

/* One record: words of one channel of a recording, in the order of the file. */
static void ctm_record(Records *records, CtmWord *words, int count, bool alone) {
  Record *record = record_add(records, words[0].line);
  Buffer text = {0};
  record->recording = record_name(records, words[0].recording), record->channel = words[0].channel;
  record->words = block_take(&records->blocks, (size_t)count * sizeof *record->words);
  record->word_count = count;
  buffer_append(&text, "", 0);
  marks_time(words, count);
  for (int i = 0; i < count; i++) {
    record->alternatives |= words[i].mark != 0;
    record->words[i] = words[i].word;
    if (i) buffer_append(&text, " ", 1);
    buffer_append(&text, words[i].word.text, strlen(words[i].word.text));
  }
  record_text(record, block_text(&records->blocks, text.data, text.used));
  record_field(record, "recording", words[0].recording);
  text.used = 0;
  buffer_append(&text, record->recording, strlen(record->recording));
  if (!alone) {
    buffer_append(&text, "-", 1);
    buffer_append(&text, record->channel, strlen(record->channel));
  }
  record->id = block_text(&records->blocks, text.data, text.used);
  free(text.data);
}

/* The words of the file so far. */
typedef struct CtmFile {
  CtmWord *words;
  int count, room, begin; /* begin: the one that began the alternatives that are open; -1: none */
} CtmFile;

static Status ctm_line(Records *records, const Lines *lines, char *text, void *context) {
  CtmFile *file = context;
  (void)records;
  if (is_comment(text)) return OK;
  CtmWord word;
  Status status = ctm_word(lines, text, &word);
  if (status == OK) status = mark_check(lines, &word, file->begin < 0 ? NULL : &file->words[file->begin]);
  if (status != OK) return status;
  if (word.mark && word.mark != '/') file->begin = word.mark == '{' ? file->count : -1;
  if (file->count == file->room)
    file->words = xrealloc(file->words, (size_t)(file->room += file->room / 2 + 256), sizeof *file->words);
  file->words[file->count++] = word;
  return OK;
}

Status read_ctm(Records *records) {
  Status status = OK;
  CtmFile file = {.begin = -1};
  TRY(lines_each(records, records->path, ctm_line, &file));
  CtmWord *words = file.words;
  if (file.begin >= 0) TRY(fail_at(records->path, words[file.begin].line, "<ALT_BEGIN> without <ALT_END>"));
  if (file.count) qsort(words, (size_t)file.count, sizeof *words, by_recording);
  for (int start = 0, end; start < file.count; start = end) {
    CtmWord *first = &words[start];
    for (end = start + 1; end < file.count && !strcmp(words[end].recording, first->recording) &&
                          !strcmp(words[end].channel, first->channel);)
      end++;
    bool alone = (start == 0 || strcmp(words[start - 1].recording, first->recording)) &&
                 (end == file.count || strcmp(words[end].recording, first->recording));
    ctm_record(records, first, end - start, alone);
  }
done:
  free(file.words);
  return status;
}

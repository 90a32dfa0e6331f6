/* NIST's stm and ctm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/read.h"
#include "src/text/unicode.h"

static bool is_comment(const char *text) { return !text[strspn(text, " \t")] || !strncmp(text, ";;", 2); }

/* ---- stm ---- */

/* "<o,f0,male>": each label is metadata: label1, label2, ... in their order. */
static void labels_take(Records *records, Record *record, char *labels) {
  char key[32], *rest = labels + 1, *label;
  labels[strlen(labels) - 1] = 0;
  for (int i = 1; (label = strsep(&rest, ",")) && i < 1000; i++) {
    snprintf(key, sizeof key, "label%d", i);
    if (*label) record_field(record, key, block_text(&records->blocks, label, strlen(label)));
  }
}

/* The mark of a segment that is not scored; sclite also takes it without "_". */
static bool is_ignored(const char *text) {
  size_t length = strcspn(text, " \t");
  return !text[length + strspn(text + length, " \t")] &&
         ((length == 30 && !strncasecmp(text, "ignore_time_segment_in_scoring", length)) ||
          (length == 26 && !strncasecmp(text, "ignoretimesegmentinscoring", length)));
}

static Status stm_line(Records *records, const Lines *lines, char *text) {
  const char *field[5];
  double begin, end;
  for (int k = 0; k < 5; k++) {
    field[k] = word_next(&text);
    if (!field[k])
      return fail_line(lines, "an stm line has recording, channel, speaker, begin, end and text");
  }
  if (!seconds_parse(field[3], &begin) || !seconds_parse(field[4], &end))
    return fail_line(lines, "begin and end must be seconds, not \"%s\" and \"%s\"", field[3], field[4]);
  if (end < begin) return fail_line(lines, "the segment ends (%g) before it begins (%g)", end, begin);
  Record *record = record_add(records, lines->line);
  record->recording = field[0], record->channel = field[1];
  record->utterance.offset = begin, record->utterance.duration = end - begin;
  record_field(record, "speaker", field[2]);
  record_field(record, "recording", field[0]);
  record_field(record, "channel", field[1]);
  text += strspn(text, " \t");
  size_t length = strcspn(text, " \t");
  if (*text == '<' && text[length - 1] == '>') labels_take(records, record, word_next(&text));
  record->utterance.text = text;
  record->reference = record->recognised = text;
  char id[512];
  snprintf(id, sizeof id, "%s-%s-%.3f-%.3f", field[0], field[1], begin, end);
  record->id = block_text(&records->blocks, id, strlen(id));
  record->ignored = is_ignored(text);
  record->words = block_take(&records->blocks, sizeof *record->words); /* as a hypothesis: one long word */
  *record->words = (HypWord){text, begin, end, NAN, false};
  record->word_count = 1;
  return OK;
}

Status read_stm(Records *records) {
  Status status = OK;
  Lines lines;
  char *text;
  TRY(lines_open(&lines, records, records->path));
  for (;;) {
    TRY(lines_next(&lines, &text));
    if (!text) break;
    if (!is_comment(text)) TRY(stm_line(records, &lines, text));
  }
done:
  return status;
}

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

static Status ctm_line(const Lines *lines, char *text, CtmWord *out) {
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
  record->recording = words[0].recording, record->channel = words[0].channel;
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
  record->utterance.text = block_text(&records->blocks, text.data, text.used);
  record->reference = record->recognised = record->utterance.text;
  record_field(record, "recording", record->recording);
  text.used = 0;
  buffer_append(&text, record->recording, strlen(record->recording));
  if (!alone) {
    buffer_append(&text, "-", 1);
    buffer_append(&text, record->channel, strlen(record->channel));
  }
  record->id = block_text(&records->blocks, text.data, text.used);
  free(text.data);
}

Status read_ctm(Records *records) {
  Status status = OK;
  Lines lines;
  char *text;
  CtmWord *words = NULL;
  int count = 0, room = 0, begin = -1; /* of alternatives */
  TRY(lines_open(&lines, records, records->path));
  for (;;) {
    TRY(lines_next(&lines, &text));
    if (!text) break;
    if (is_comment(text)) continue;
    if (count == room) words = xrealloc(words, (size_t)(room += room / 2 + 256), sizeof *words);
    CtmWord *word = &words[count];
    TRY(ctm_line(&lines, text, word));
    TRY(mark_check(&lines, word, begin < 0 ? NULL : &words[begin]));
    if (word->mark && word->mark != '/') begin = word->mark == '{' ? count : -1;
    count++;
  }
  if (begin >= 0) TRY(fail_at(records->path, words[begin].line, "<ALT_BEGIN> without <ALT_END>"));
  if (count) qsort(words, (size_t)count, sizeof *words, by_recording);
  for (int start = 0, end; start < count; start = end) {
    CtmWord *first = &words[start];
    for (end = start + 1; end < count && !strcmp(words[end].recording, first->recording) &&
                          !strcmp(words[end].channel, first->channel);)
      end++;
    bool alone = (start == 0 || strcmp(words[start - 1].recording, first->recording)) &&
                 (end == count || strcmp(words[end].recording, first->recording));
    ctm_record(records, first, end - start, alone);
  }
done:
  free(words);
  return status;
}

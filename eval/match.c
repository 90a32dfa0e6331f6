#include "eval/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "eval/read.h"
#include "src/text/unicode.h"

enum { NAMED = 5 }; /* of the lines without a partner, so many are named */

/* ---- by id, or by audio and offset ---- */

/* What identifies a line, and its place in the file. */
typedef struct Key {
  const char *name;
  long long offset; /* in 0.1 ms */
  int item;
  bool fold; /* case does not matter */
} Key;

typedef enum KeyKind { KEY_ID, KEY_ID_FOLDED, KEY_AUDIO, KEY_AUDIO_WRITTEN } KeyKind;

static bool is_id(KeyKind kind) { return kind == KEY_ID || kind == KEY_ID_FOLDED; }

static int key_compare(const Key *a, const Key *b) {
  int order = a->fold ? strcasecmp(a->name, b->name) : strcmp(a->name, b->name);
  return order ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

static int by_key(const void *left, const void *right) {
  const Key *a = left, *b = right;
  int order = key_compare(a, b);
  return order ? order : a->item - b->item;
}

static const char *key_text(const Key *key, KeyKind kind, char text[256]) {
  if (is_id(kind))
    snprintf(text, 256, "%s", key->name);
  else
    snprintf(text, 256, "%s, offset %g", key->name, (double)key->offset / 1e4);
  return text;
}

/* The keys of all lines, sorted; a repeated one is ERR_DATA. *keys is the caller's to free. */
static Status keys_sorted(const Records *records, KeyKind kind, Key **keys) {
  char text[256];
  *keys = xcalloc((size_t)records->count, sizeof **keys);
  bool sorted = true;
  for (int i = 0; i < records->count; i++) {
    const Record *record = &records->items[i];
    const char *name = is_id(kind) ? record->id : record->utterance.audio;
    if (kind == KEY_AUDIO_WRITTEN) {
      const char *written = json_string_value(json_object_get(record->utterance.fields, "audio_filepath"));
      if (written) name = written;
    }
    (*keys)[i] =
        (Key){name, is_id(kind) ? 0 : llround(record->utterance.offset * 1e4), i, kind == KEY_ID_FOLDED};
    sorted &= i == 0 || key_compare(&(*keys)[i - 1], &(*keys)[i]) <= 0;
  }
  if (!sorted) qsort(*keys, (size_t)records->count, sizeof **keys, by_key);
  for (int i = 1; i < records->count; i++) {
    const Key *first = &(*keys)[i - 1], *again = &(*keys)[i];
    if (key_compare(first, again) == 0)
      return fail_at(records->path, records->items[again->item].utterance.line,
                     "the same utterance (%s) as line %d: each must come once", key_text(again, kind, text),
                     records->items[first->item].utterance.line);
  }
  return OK;
}

/* The lines of `with` that `without` lacks: `count` of them, the first ones in `first`. */
static Status fail_unmatched(const Records *with, const Records *without, const Key *first, int count,
                             KeyKind kind, bool references) {
  char text[256];
  Buffer names = {0};
  buffer_append(&names, "", 0);
  for (int i = 0; i < count && i < NAMED; i++) {
    const char *name = key_text(&first[i], kind, text);
    if (i) buffer_append(&names, "; ", 2);
    buffer_append(&names, name, strlen(name));
  }
  Status status = fail_at(with->path, with->items[first[0].item].utterance.line,
                          "%s has no line for this utterance%s (%s%s)%s", without->path,
                          count > 1 ? " and others" : "", names.data, count > NAMED ? "; ..." : "",
                          references ? "; --missing empty scores it as empty" : "");
  free(names.data);
  return status;
}

static Status match_keys(const Records *ref, const Records *hyp, KeyKind kind, bool missing_empty,
                         Partner *partners) {
  Status status = OK;
  Key *left = NULL, *right = NULL, lone_left[NAMED], lone_right[NAMED];
  int lefts = 0, rights = 0, i = 0, j = 0;
  TRY(keys_sorted(ref, kind, &left));
  TRY(keys_sorted(hyp, kind, &right));
  while (i < ref->count || j < hyp->count) {
    int order = i == ref->count ? 1 : j == hyp->count ? -1 : key_compare(&left[i], &right[j]);
    if (order < 0) {
      bool ignored = ref->items[left[i].item].ignored;
      if (!ignored && lefts < NAMED) lone_left[lefts] = left[i];
      lefts += !ignored;
    } else if (order > 0) {
      if (rights < NAMED) lone_right[rights] = right[j];
      rights++;
    } else {
      const Record *found = &hyp->items[right[j].item];
      partners[left[i].item] = (Partner){found->recognised, found->words, found->word_count, false};
    }
    i += order <= 0, j += order >= 0;
  }
  if (rights) TRY(fail_unmatched(hyp, ref, lone_right, rights, kind, false));
  if (lefts && !missing_empty) TRY(fail_unmatched(ref, hyp, lone_left, lefts, kind, true));
done:
  free(left), free(right);
  return status;
}

/* ---- by times ---- */

/* A reference's segment, or a recognised word (or line) of a recording. */
typedef struct Span {
  const char *recording, *channel;
  double start, end; /* of a word: its middle, which decides where it belongs */
  const HypWord *word;
  int item, line;
  bool fold;    /* case does not matter in the names */
  bool joined;  /* a word that stays with the one before */
  bool outside; /* of the common time: left out */
} Span;

static int channel_compare(const Span *a, const Span *b) {
  int order = a->fold ? strcasecmp(a->recording, b->recording) : strcmp(a->recording, b->recording);
  if (order) return order;
  return a->fold ? strcasecmp(a->channel, b->channel) : strcmp(a->channel, b->channel);
}

static int by_span(const void *left, const void *right) {
  const Span *a = left, *b = right;
  int order = channel_compare(a, b);
  if (order) return order;
  if (a->start != b->start) return a->start < b->start ? -1 : 1;
  return (a->item > b->item) - (a->item < b->item);
}

static bool has_channels(const Records *records) {
  for (int i = 0; i < records->count; i++)
    if (!records->items[i].channel) return false;
  return true;
}

static Span *segments_of(const Records *ref, bool channels, bool fold) {
  Span *spans = xcalloc((size_t)ref->count, sizeof *spans);
  for (int i = 0; i < ref->count; i++) {
    const Utterance *one = &ref->items[i].utterance;
    spans[i] = (Span){.recording = ref->items[i].recording,
                      .channel = channels ? ref->items[i].channel : "",
                      .start = one->offset,
                      .end = one->offset + one->duration,
                      .item = i,
                      .line = one->line,
                      .fold = fold};
  }
  qsort(spans, (size_t)ref->count, sizeof *spans, by_span);
  return spans;
}

static double middle(const HypWord *word) { return word->start + (word->end - word->start) / 2; }

static bool is_mark(const HypWord *word) {
  return word->text[0] && strchr("{/}", word->text[0]) && !word->text[1];
}

/* How many words from `first` on stay together: one, or those of alternatives with their marks. *latest: the
 * last of their middles. */
static int together(const Record *record, int first, double *latest) {
  const HypWord *words = &record->words[first];
  int count = 1, left = record->word_count - first;
  *latest = middle(words);
  if (!record->alternatives || strcmp(words->text, "{")) return 1;
  while (count < left && strcmp(words[count].text, "}")) {
    if (!is_mark(&words[count])) *latest = fmax(*latest, middle(&words[count]));
    count++;
  }
  return count < left ? count + 1 : count;
}

static Span *words_of(const Records *hyp, bool channels, bool fold, int *count) {
  size_t most = 0;
  for (int i = 0; i < hyp->count; i++) most += (size_t)hyp->items[i].word_count;
  Span *spans = xcalloc(most, sizeof *spans);
  *count = 0;
  for (int i = 0; i < hyp->count; i++) {
    const Record *record = &hyp->items[i];
    double start = 0, latest = 0;
    for (int w = 0, end = 0; w < record->word_count; w++) {
      bool joined = w < end;
      if (!joined) start = record->words[w].start, end += together(record, w, &latest);
      const char *channel = channels ? record->channel : "";
      spans[*count] = (Span){.recording = record->recording,
                             .channel = channel,
                             .start = start,
                             .end = latest,
                             .word = &record->words[w],
                             .item = *count,
                             .line = record->utterance.line,
                             .fold = fold,
                             .joined = joined};
      ++*count;
    }
  }
  qsort(spans, (size_t)*count, sizeof *spans, by_span);
  return spans;
}

/* ---- sclite -m ---- */

/* Segments that end before the first word or begin behind the last. */
static void segments_reduce(Span *segments, int count, const Span *words, int word_count) {
  for (int s = 0; s < count && word_count; s++)
    segments[s].outside = words[0].word->start >= (float)segments[s].end ||
                          words[word_count - 1].word->end <= (float)segments[s].start;
}

/* Words outside the time from the first segment to the last of those that are left; of alternatives one word
 * inside is enough. */
static void words_reduce(const Span *segments, int count, Span *words, int word_count) {
  float begin = INFINITY, end = -INFINITY;
  for (int s = 0; s < count; s++) {
    if (segments[s].outside) continue;
    begin = fminf(begin, (float)segments[s].start), end = fmaxf(end, (float)segments[s].end);
  }
  for (int first = 0, next; first < word_count; first = next) {
    bool inside = false;
    for (next = first; next == first || (next < word_count && words[next].joined); next++) {
      const HypWord *word = words[next].word;
      bool mark = is_mark(word) && next + 1 < word_count && (words[next].joined || words[next + 1].joined);
      inside |= !mark && word->start <= end && word->end >= begin;
    }
    for (int w = first; w < next; w++) words[w].outside = !inside;
  }
}

/* ---- one channel ---- */

/* Of words[0 .. count - 1] those inside become the partner. */
static void partner_join(Partner *partner, const Span *words, int count, RecordBlock **blocks) {
  Buffer text = {0};
  HypWord *list = block_take(blocks, (size_t)count * sizeof *list);
  int kept = 0;
  buffer_append(&text, "", 0);
  for (int i = 0; i < count; i++) {
    if (words[i].outside) continue;
    const HypWord *word = words[i].word;
    list[kept++] = *word;
    if (kept > 1 && !word->glued) buffer_append(&text, " ", 1);
    buffer_append(&text, word->text, strlen(word->text));
  }
  *partner = (Partner){block_text(blocks, text.data, text.used), list, kept, false};
  free(text.data);
}

/* A segment's end is rounded to single precision, as in sclite, so that a word with its middle just there
 * falls alike. */
static void channel_match(Span *segments, int count, Span *words, int word_count, const ScliteRules *as,
                          Partner *partners, RecordBlock **blocks) {
  int at = 0;
  if (as && as->reduce_ref) segments_reduce(segments, count, words, word_count);
  if (as && as->reduce_hyp) words_reduce(segments, count, words, word_count);
  for (int s = 0; s < count; s++) {
    int from = at;
    Partner *partner = &partners[segments[s].item];
    if (segments[s].outside) {
      partner->outside = true;
      continue;
    }
    while (at < word_count && (s == count - 1 || words[at].end < (float)segments[s].end)) at++;
    partner_join(partner, &words[from], at - from, blocks);
  }
}

static Status fail_no_segment(const Records *ref, const Records *hyp, const Span *word) {
  return fail_at(hyp->path, word->line, "%s has no segment of recording %s%s%s", ref->path, word->recording,
                 *word->channel ? ", channel " : "", word->channel);
}

/* In an stm and a ctm file the case of names does not matter, as in sclite. */
static Status match_times(const Records *ref, const Records *hyp, bool missing_empty, const ScliteRules *as,
                          Partner *partners, RecordBlock **blocks) {
  Status status = OK;
  bool channels = has_channels(ref) && has_channels(hyp);
  bool fold = ref->format == RECORD_STM && hyp->format == RECORD_CTM;
  int word_count, at = 0, last;
  Span *segments = segments_of(ref, channels, fold), *words = words_of(hyp, channels, fold, &word_count);
  for (int start = 0, end; start < ref->count; start = end, at = last) {
    const Span *first = &segments[start];
    for (end = start + 1; end < ref->count && channel_compare(first, &segments[end]) == 0;) end++;
    if (at < word_count && channel_compare(&words[at], first) < 0) TRY(fail_no_segment(ref, hyp, &words[at]));
    for (last = at; last < word_count && channel_compare(&words[last], first) == 0;) last++;
    if (last == at && !missing_empty)
      TRY(fail_at(ref->path, first->line,
                  "%s has no word of recording %s%s%s; --missing empty scores it as empty", hyp->path,
                  first->recording, *first->channel ? ", channel " : "", first->channel));
    channel_match(&segments[start], end - start, &words[at], last - at, as, partners, blocks);
  }
  if (at < word_count) TRY(fail_no_segment(ref, hyp, &words[at]));
done:
  free(segments), free(words);
  return status;
}

/* ---- line by line ---- */

static Status match_order(const Records *ref, const Records *hyp, Partner *partners) {
  if (ref->count != hyp->count) {
    const Records *longer = ref->count > hyp->count ? ref : hyp, *shorter = longer == ref ? hyp : ref;
    return fail_at(longer->path, longer->items[shorter->count].utterance.line,
                   "%s has %d utterances and %s %d: plain text is matched line by line", ref->path,
                   ref->count, hyp->path, hyp->count);
  }
  for (int i = 0; i < ref->count; i++)
    partners[i] = (Partner){hyp->items[i].recognised, hyp->items[i].words, hyp->items[i].word_count, false};
  return OK;
}

/* ---- the choice ---- */

/* The first line that has no id (or audio), or -1. */
static int first_without(const Records *records, KeyKind kind) {
  for (int i = 0; i < records->count; i++)
    if (!(kind == KEY_ID ? records->items[i].id : records->items[i].utterance.audio)) return i;
  return -1;
}

/* One file with both texts; utterances that name their audio must come once. */
static Status match_itself(const Records *both, Partner *partners) {
  Status status = OK;
  Key *keys = NULL;
  TRY(match_order(both, both, partners));
  if (first_without(both, KEY_AUDIO) < 0) TRY(keys_sorted(both, KEY_AUDIO, &keys));
done:
  free(keys);
  return status;
}

static bool has_segments(const Records *ref) {
  for (int i = 0; i < ref->count; i++)
    if (!ref->items[i].recording || ref->items[i].utterance.duration < 0) return false;
  return true;
}

static bool has_timed_words(const Records *hyp) {
  if (hyp->format != RECORD_CTM && hyp->format != RECORD_WHISPER && hyp->format != RECORD_STM) return false;
  for (int i = 0; i < hyp->count; i++)
    for (int w = 0; w < hyp->items[i].word_count; w++)
      if (!isfinite(hyp->items[i].words[w].start) || !isfinite(hyp->items[i].words[w].end)) return false;
  return true;
}

Status match_records(const Records *ref, const Records *hyp, bool missing_empty, const ScliteRules *as,
                     Partner *partners, RecordBlock **blocks) {
  for (int i = 0; i < hyp->count; i++)
    if (!hyp->items[i].recognised)
      return fail_at(hyp->path, hyp->items[i].utterance.line,
                     "the key \"pred_text\" is missing; `jargon transcribe` writes such a file");
  if (ref == hyp) return match_itself(ref, partners);
  if (ref->format == RECORD_TEXT || hyp->format == RECORD_TEXT) return match_order(ref, hyp, partners);
  if (has_segments(ref) && has_timed_words(hyp) && !(ref->format == RECORD_STM && hyp->format == RECORD_STM))
    return match_times(ref, hyp, missing_empty, as, partners, blocks);
  if (first_without(ref, KEY_AUDIO) < 0 && first_without(hyp, KEY_AUDIO) < 0) {
    if (match_keys(ref, hyp, KEY_AUDIO, missing_empty, partners) == OK) return OK;
    memset(partners, 0, (size_t)ref->count * sizeof *partners);
    return match_keys(ref, hyp, KEY_AUDIO_WRITTEN, missing_empty, partners);
  }
  const Records *both[2] = {ref, hyp};
  for (int k = 0; k < 2; k++) {
    int bad = first_without(both[k], KEY_ID);
    if (bad >= 0)
      return fail_at(both[k]->path, both[k]->items[bad].utterance.line,
                     "no id and no audio_filepath, by which the lines of %s and %s are matched", ref->path,
                     hyp->path);
  }
  if (ref->format != RECORD_TRN || hyp->format != RECORD_TRN)
    return match_keys(ref, hyp, KEY_ID, missing_empty, partners);
  if (match_keys(ref, hyp, KEY_ID, false, partners) == OK) return OK;
  memset(partners, 0, (size_t)ref->count * sizeof *partners);
  return match_keys(ref, hyp, KEY_ID_FOLDED, missing_empty, partners); /* as in sclite */
}

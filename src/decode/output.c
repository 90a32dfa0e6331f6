#include "src/decode/output.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/text/names.h"
#include "src/text/unicode.h"

OutputFormat output_format(const char *name) {
  static const char *const names[] = {"text", "jsonl", "srt", "vtt", "ctm", "stm", "trn"};
  for (int i = 0; i <= OUTPUT_TRN; i++)
    if (!strcmp(name, names[i])) return (OutputFormat)i;
  assert(!"one of OUTPUT_FORMATS");
  return OUTPUT_TEXT;
}

/* ---- text ---- */

static void write_text(const Output *output, const OutputItem *item) {
  const char *mark = output->terminal ? "\033[4m" : "[", *end = output->terminal ? "\033[0m" : "]";
  for (int i = 0; i < item->transcript->count; i++) {
    const Word *word = &item->transcript->words[i];
    bool doubtful = (double)word->confidence < output->doubt;
    fprintf(output->stream, "%s%s%s%s", i ? " " : "", doubtful ? mark : "", word->text, doubtful ? end : "");
  }
  fputc('\n', output->stream);
}

/* ---- JSON lines ---- */

static json_t *rounded(double value) { return json_real(round(value * 1000) / 1000); }

static void write_jsonl(const Output *output, const OutputItem *item) {
  const Transcript *transcript = item->transcript;
  json_t *line = item->fields ? json_copy((json_t *)item->fields)
                              : json_pack("{sssf}", "audio_filepath", item->audio, "duration", item->duration);
  json_t *words = json_array();
  for (int i = 0; i < transcript->count; i++) {
    const Word *word = &transcript->words[i];
    json_array_append_new(words, json_pack("{sssososo}", "word", word->text, "start", rounded(item->offset + word->start),
                                           "end", rounded(item->offset + word->end), "confidence",
                                           rounded((double)word->confidence)));
  }
  json_object_set_new(line, "pred_text", json_string(transcript->text));
  json_object_set_new(line, "confidence", rounded((double)transcript->confidence));
  json_object_set_new(line, "words", words);
  json_dumpf(line, output->stream, JSON_COMPACT | JSON_REAL_PRECISION(15));
  fputc('\n', output->stream);
  json_decref(line);
}

/* ---- subtitles ---- */

static const double CUE_SECONDS = 5, CUE_GAP = 1; /* a pause that long begins a new cue */
enum { CUE_CHARACTERS = 42 };                     /* of a line, as broadcasters have it */

static int characters(const char *text) {
  int count = 0;
  for (; *text; text += utf8_length(text)) count++;
  return count;
}

/* The end of the cue that begins with word `begin`. */
static int cue_end(const Transcript *transcript, int begin) {
  int end = begin, length = 0;
  for (; end < transcript->count; end++) {
    const Word *word = &transcript->words[end];
    length += characters(word->text) + (end > begin);
    if (end > begin && (length > CUE_CHARACTERS || word->end - transcript->words[begin].start > CUE_SECONDS ||
                        word->start - transcript->words[end - 1].end > CUE_GAP))
      break;
  }
  return end;
}

static void write_clock(FILE *stream, double seconds, char point) {
  long long ms = llround(seconds * 1000);
  fprintf(stream, "%02lld:%02lld:%02lld%c%03lld", ms / 3600000, ms / 60000 % 60, ms / 1000 % 60, point, ms % 1000);
}

static void write_escaped(FILE *stream, const char *text) {
  for (; *text; text++) {
    if (*text == '<' || *text == '>' || *text == '&')
      fprintf(stream, "&%s;", *text == '<' ? "lt" : *text == '>' ? "gt" : "amp");
    else
      fputc(*text, stream);
  }
}

static void write_cues(Output *output, const OutputItem *item) {
  const Transcript *transcript = item->transcript;
  bool vtt = output->format == OUTPUT_VTT;
  for (int begin = 0, end; begin < transcript->count; begin = end) {
    end = cue_end(transcript, begin);
    fprintf(output->stream, "%s%d\n", output->cues ? "\n" : "", output->cues + 1);
    output->cues++;
    write_clock(output->stream, item->offset + transcript->words[begin].start, vtt ? '.' : ',');
    fputs(" --> ", output->stream);
    write_clock(output->stream, item->offset + transcript->words[end - 1].end, vtt ? '.' : ',');
    for (int i = begin; i < end; i++) {
      fputc(i == begin ? '\n' : ' ', output->stream);
      if (vtt)
        write_escaped(output->stream, transcript->words[i].text);
      else
        fputs(transcript->words[i].text, output->stream);
    }
    fputc('\n', output->stream);
  }
}

/* ---- NIST's ---- */

static void write_ctm(const Output *output, const OutputItem *item) {
  char *name = recording_name(item->audio);
  for (int i = 0; i < item->transcript->count; i++) {
    const Word *word = &item->transcript->words[i];
    fprintf(output->stream, "%s 1 %.2f %.2f %s %.3f\n", name, item->offset + word->start, word->end - word->start,
            word->text, (double)word->confidence);
  }
  free(name);
}

static void write_stm(const Output *output, const OutputItem *item) {
  const char *speaker = json_string_value(json_object_get(item->fields, "speaker"));
  char *name = recording_name(item->audio);
  fprintf(output->stream, "%s 1 ", name);
  free(name);
  for (const char *at = speaker && *speaker ? speaker : "unknown"; *at; at++)
    fputc(isspace((unsigned char)*at) ? '_' : *at, output->stream);
  fprintf(output->stream, " %.2f %.2f %s\n", item->offset, item->offset + item->duration, item->transcript->text);
}

static void write_trn(const Output *output, const OutputItem *item) {
  char *name = utterance_name(item->audio, item->offset);
  fprintf(output->stream, "%s (%s)\n", item->transcript->text, name);
  free(name);
}

void output_begin(Output *output) {
  if (output->format == OUTPUT_VTT) fputs("WEBVTT\n\n", output->stream);
}

void output_write(Output *output, const OutputItem *item) {
  switch (output->format) {
  case OUTPUT_TEXT: write_text(output, item); break;
  case OUTPUT_JSONL: write_jsonl(output, item); break;
  case OUTPUT_SRT:
  case OUTPUT_VTT: write_cues(output, item); break;
  case OUTPUT_CTM: write_ctm(output, item); break;
  case OUTPUT_STM: write_stm(output, item); break;
  case OUTPUT_TRN: write_trn(output, item); break;
  }
}

#include "src/decode/transcript.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A run of frames with one class that is neither blank nor special. */
typedef struct Token {
  int32_t id;
  int begin, end; /* frames begin .. end - 1 */
  float confidence;
} Token;

/* Assigns the tokens (room for T) and returns their number. */
static int collapse(const int32_t *best, const float *log_probability, int T, int blank, const Tokenizer *tokenizer,
                    Token *tokens) {
  int count = 0;
  for (int t = 0; t < T; t++) {
    if (best[t] == blank || tokenizer_is_special(tokenizer, best[t])) continue;
    if (t == 0 || best[t] != best[t - 1]) tokens[count++] = (Token){.id = best[t], .begin = t};
    Token *token = &tokens[count - 1];
    token->end = t + 1;
    token->confidence = fmaxf(token->confidence, expf(log_probability[t]));
  }
  return count;
}

static Word make_word(const Token *tokens, int count, double frame_seconds, const Tokenizer *tokenizer) {
  Word word = {.start = tokens[0].begin * frame_seconds,
               .end = tokens[count - 1].end * frame_seconds,
               .confidence = 1};
  int32_t *ids = xcalloc((size_t)count, sizeof *ids);
  for (int i = 0; i < count; i++) {
    ids[i] = tokens[i].id;
    word.confidence = fminf(word.confidence, tokens[i].confidence);
  }
  word.text = tokenizer_decode(tokenizer, ids, count);
  size_t blanks = strspn(word.text, " ");
  if (blanks) memmove(word.text, word.text + blanks, strlen(word.text + blanks) + 1);
  free(ids);
  return word;
}

/* The words' texts with spaces between them. */
static char *join(const Word *words, int count) {
  size_t size = 1;
  for (int i = 0; i < count; i++) size += strlen(words[i].text) + 1;
  char *text = xcalloc(size, 1), *end = text;
  for (int i = 0; i < count; i++) {
    if (i) *end++ = ' ';
    end = stpcpy(end, words[i].text);
  }
  return text;
}

static float mean_confidence(const Word *words, int count) {
  double sum = 0;
  for (int i = 0; i < count; i++) sum += (double)words[i].confidence;
  return (float)(sum / count);
}

Transcript transcript_greedy(const int32_t *best, const float *log_probability, int T, int blank, double frame_seconds,
                             const Tokenizer *tokenizer) {
  Transcript transcript = {0};
  Token *tokens = xcalloc((size_t)T, sizeof *tokens);
  int count = collapse(best, log_probability, T, blank, tokenizer, tokens);
  transcript.words = xcalloc((size_t)count, sizeof *transcript.words);
  for (int begin = 0, end; begin < count; begin = end) {
    for (end = begin + 1; end < count && !tokenizer_begins_word(tokenizer, tokens[end].id);) end++;
    Word word = make_word(tokens + begin, end - begin, frame_seconds, tokenizer);
    if (word.text[0])
      transcript.words[transcript.count++] = word;
    else
      free(word.text); /* a boundary mark alone */
  }
  transcript.text = join(transcript.words, transcript.count);
  double sum = 0;
  for (int t = 0; t < T; t++) sum += exp((double)log_probability[t]);
  transcript.confidence = T ? (float)(sum / T) : 0;
  if (transcript.count) transcript.confidence = mean_confidence(transcript.words, transcript.count);
  free(tokens);
  return transcript;
}

void transcript_free(Transcript *transcript) {
  for (int i = 0; i < transcript->count; i++) free(transcript->words[i].text);
  free(transcript->words);
  free(transcript->text);
  *transcript = (Transcript){0};
}

void transcript_append(Transcript *transcript, Transcript *more, double seconds) {
  size_t count = (size_t)transcript->count + (size_t)more->count;
  transcript->words = xrealloc(transcript->words, count, sizeof *transcript->words);
  if (transcript->count && transcript->words[transcript->count - 1].end > seconds)
    transcript->words[transcript->count - 1].end = seconds; /* its last frame goes on behind the window */
  for (int i = 0; i < more->count; i++) {
    Word *word = &transcript->words[transcript->count++];
    *word = more->words[i];
    word->start += seconds;
    word->end += seconds;
  }
  if (more->count || !transcript->text) {
    free(transcript->text);
    transcript->text = join(transcript->words, transcript->count);
    transcript->confidence =
        transcript->count ? mean_confidence(transcript->words, transcript->count) : more->confidence;
  }
  more->count = 0; /* the words have moved */
  transcript_free(more);
}

#include "src/train/evaluate.h"

#include <math.h>
#include <stdlib.h>

#include "eval/rates.h"
#include "src/decode/transcript.h"

double score_wer(const Score *score) {
  double rate = rates_error(score->words);
  return isnan(rate) ? 0 : 100 * rate;
}

static Status score_text(const Normalizer *normalizer, const char *reference, const char *transcript,
                         Score *score) {
  Status status = OK;
  AlignCounts counts;
  char *ref = NULL, *hyp = NULL;
  TRY(normalizer_apply(normalizer, reference, &ref));
  TRY(normalizer_apply(normalizer, transcript, &hyp));
  TRY(rates_words(&ALIGN_PLAIN, ref, hyp, &counts));
  align_add(&score->words, counts);
done:
  free(ref);
  free(hyp);
  return status;
}

static Status score_batch(Model *model, const SpeechBatch *batch, const Normalizer *normalizer,
                          const Tokenizer *tokenizer, float *nll, Score *scores) {
  const Speech *dev = batch->speech;
  const ModelConfig *config = model_config(model);
  ModelOutput output;
  Status status = model_infer(model, &batch->model, &output, nll);
  for (int u = 0; u < batch->model.U && status == OK; u++) {
    int i = batch->items[u], first = output.frame_offsets[u], frames = output.frame_offsets[u + 1] - first;
    Score *score = &scores[dev->corpus[i]];
    Transcript transcript = transcript_greedy(output.best + first, output.log_probability + first, frames,
                                              config->vocab_size - 1, model_frame_seconds(config), tokenizer);
    status = score_text(normalizer, corpus_text(dev->corpora[dev->corpus[i]], dev->place[i]), transcript.text,
                        score);
    transcript_free(&transcript);
    if (!isfinite(nll[u])) continue;
    score->nll += (double)nll[u];
    score->labels += speech_labels(dev, i);
  }
  return status;
}

/* The utterances from `first` on that make one batch. */
static int fill(const Speech *dev, int first, double seconds) {
  int64_t limit = (int64_t)(seconds * 16000), sum = dev->samples[first];
  int end = first + 1;
  while (end < dev->count && sum + dev->samples[end] <= limit) sum += dev->samples[end++];
  return end - first;
}

Status evaluate(Model *model, const Speech *dev, const Normalizer *normalizer, const Tokenizer *tokenizer,
                double seconds, const volatile sig_atomic_t *stop, Score *scores) {
  Status status = OK;
  SpeechBounds bounds = speech_bounds(dev, seconds, 1);
  SpeechBatch batch;
  int32_t *items = xcalloc((size_t)dev->count, sizeof *items);
  float *nll = xcalloc((size_t)bounds.utterances, sizeof *nll);
  batch_new(&batch, dev, &bounds);
  for (int c = 0; c < dev->corpus_count; c++) scores[c] = (Score){0};
  for (int i = 0; i < dev->count; i++) items[i] = i;
  for (int first = 0, count; first < dev->count; first += count) {
    if (*stop) TRY(fail(ERR_STOPPED, "stopped while scoring the dev set"));
    count = fill(dev, first, seconds);
    batch_read(&batch, items + first, count);
    TRY(batch_wait(&batch));
    TRY(score_batch(model, &batch, normalizer, tokenizer, nll, scores));
  }
done:
  batch_free(&batch);
  free(items);
  free(nll);
  return status;
}

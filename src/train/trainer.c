#include "src/train/trainer.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/base/file.h"
#include "src/base/progress.h"
#include "src/model/model_dir.h"
#include "src/train/evaluate.h"
#include "src/train/log.h"
#include "src/train/session.h"

typedef struct Trainer {
  Session session;
  Log log;
  Progress progress;
  BatchOrder order; /* of state.epoch */
  bool ordered;
  int ahead;     /* batch of the order that is in session.batches[ahead % 2], read or being read; -1: none */
  double loss;   /* of the last line of the log */
  Score *scores; /* of dev, one a corpus */
} Trainer;

static volatile sig_atomic_t stop;

static void on_signal(int number) {
  (void)number;
  stop = 1;
}

/* The step in progress is finished and saved; a second signal ends the program at once. */
static void catch_signals(void) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
  stop = 0;
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One step */

static void batch_begin(Trainer *trainer, int batch) {
  const int32_t *offsets = trainer->order.offsets;
  batch_read(&trainer->session.batches[batch % 2], trainer->order.items + offsets[batch],
             offsets[batch + 1] - offsets[batch]);
  trainer->ahead = batch;
}

/* The batch in memory, while the one after it is being read. */
static Status batch_take(Trainer *trainer, int batch, const SpeechBatch **out) {
  if (trainer->ahead != batch) batch_begin(trainer, batch);
  SpeechBatch *taken = &trainer->session.batches[batch % 2];
  Status status = batch_wait(taken);
  if (status == OK && batch + 1 < trainer->order.batches) batch_begin(trainer, batch + 1);
  *out = taken;
  return status;
}

static int64_t count_labels(const Trainer *trainer, int first, int end) {
  int64_t labels = 0;
  for (int i = trainer->order.offsets[first]; i < trainer->order.offsets[end]; i++)
    labels += speech_labels(&trainer->session.speech, trainer->order.items[i]);
  return labels;
}

/* Forward and backward over batches first .. end - 1: accumulates gradients, adds to *audio (seconds). */
static Status accumulate(Trainer *trainer, int first, int end, int64_t labels, double *audio) {
  Status status = OK;
  Session *session = &trainer->session;
  const TrainSettings *s = session->settings;
  ModelTraining training = {.seed = (uint64_t)s->seed,
                            .step = (uint32_t)session->state.step,
                            .loss_scale = 1 / (float)(labels ? labels : 1),
                            .augment = {s->freq_masks, s->freq_width, s->time_masks, (float)s->time_ratio},
                            .tally = session->tally};
  for (int b = first; b < end; b++) {
    const SpeechBatch *batch;
    TRY(batch_take(trainer, b, &batch));
    TRY(model_train_batch(session->model, &batch->model, &training, NULL));
    *audio += (double)batch->sample_count / 16000;
  }
done:
  return status;
}

/* The update from the accumulated gradients. Whether there is one is decided where they are. */
static void update(Session *session, int64_t labels, int64_t batches) {
  const TrainSettings *s = session->settings;
  const Backend *k = session->backend;
  Model *model = session->model;
  Stream *stream = model_stream(model);
  float *weights = model_weights(model), *gradients = model_gradients(model);
  void *cast = model_weights_cast(model);
  int params = model_param_count(model);
  AdamwConfig config = {(float)schedule_rate(&session->schedule, (int)session->state.step + 1),
                        (float)s->beta1, (float)s->beta2, (float)s->epsilon, (float)s->clip};
  k->gradient_norm(stream, session->norm, gradients, session->segments, params);
  k->tally_step(stream, session->tally, session->norm, (TallyStepInfo){labels, batches, s->max_skipped});
  k->tally_keep(stream, session->tally, model_buffers(model), session->kept, model_buffer_floats(model));
  k->adamw_step(stream, weights, cast == weights ? NULL : cast, session->moment1, session->moment2, gradients,
                session->norm, session->tally, session->segments, params, config);
}

/* Hands the step to the device; does not wait for it. */
static Status step(Trainer *trainer) {
  Status status = OK;
  Session *session = &trainer->session;
  TrainState *state = &session->state;
  double audio = 0;
  int64_t tracked = *model_batches_tracked(session->model);
  if (!trainer->ordered) trainer->order = session_order(session, (int)state->epoch);
  trainer->ordered = true;
  int first = (int)state->batch, end = first + session->settings->accumulate;
  if (end > trainer->order.batches) end = trainer->order.batches;
  int64_t labels = count_labels(trainer, first, end);
  session->backend->memory_zero(model_stream(session->model), model_gradients(session->model),
                                model_weight_count(session->model) * sizeof(float));
  TRY(accumulate(trainer, first, end, labels, &audio));
  update(session, labels, *model_batches_tracked(session->model) - tracked);
  state->interval_audio += audio;
  state->step++;
  state->batch = end;
  if (end == trainer->order.batches) {
    state->epoch++;
    state->batch = 0;
    batch_order_free(&trainer->order);
    trainer->ordered = false;
    trainer->ahead = -1;
  }
done:
  return status;
}

/* Waits for the steps under way, and ends the run when too many were skipped. */
static Status settle(Session *session) {
  const TrainState *state = &session->state;
  int most = session->settings->max_skipped;
  session_count(session);
  if (state->skipped_in_row < most) return OK;
  return fail(ERR_DATA,
              "loss or gradient was not finite in %d steps in a row, up to step %lld: lower learning_rate "
              "(%g) or raise "
              "warmup; the last checkpoint is kept",
              most, (long long)(state->step - state->skipped_in_row + most),
              session->settings->learning_rate);
}

/* After a step: score, log, save */

static bool finished(const Session *session) { return session->state.step >= session->schedule.total; }

/* Whether what is done every so many steps is due; at the end it always is. */
static bool turn_of(const Session *session, int steps) {
  return finished(session) || session->state.step % steps == 0;
}

static bool score_due(const Session *session) {
  const TrainState *state = &session->state;
  int every = session->settings->eval_every;
  return session->dev.count && state->evaluated < state->step &&
         (finished(session) || (every ? state->step % every == 0 : state->batch == 0));
}

static Score score_sum(const Trainer *trainer) {
  Score sum = {0};
  for (int c = 0; c < trainer->session.dev.corpus_count; c++) {
    align_add(&sum.words, trainer->scores[c].words);
    sum.nll += trainer->scores[c].nll;
    sum.labels += trainer->scores[c].labels;
  }
  return sum;
}

static Status save_model(Session *session, const char *name) {
  char *path = path_join(session->settings->out, name);
  Status status = model_save(session->model, path, session->tokenizer_path);
  free(path);
  return status;
}

/* Scores dev and keeps the model when it is the best so far. */
static Status score(Trainer *trainer) {
  Status status = OK;
  Session *session = &trainer->session;
  TrainState *state = &session->state;
  TRY(evaluate(session->model, &session->dev, session->normalizer, session->tokenizer,
               session->settings->batch_seconds, &stop, trainer->scores));
  Score sum = score_sum(trainer);
  double wer = score_wer(&sum), loss = score_loss(&sum);
  if (wer < state->best_wer || (wer == state->best_wer && loss < state->best_loss)) {
    TRY(save_model(session, "best"));
    state->best_wer = wer;
    state->best_loss = loss;
    state->best_step = state->step;
  }
  state->evaluated = state->step;
done:
  return status;
}

static json_t *dev_line(const Trainer *trainer, int c) {
  const Score *one = &trainer->scores[c];
  return json_pack("{ss sf sf}", "corpus", trainer->session.settings->dev.items[c], "loss", score_loss(one),
                   "wer", score_wer(one));
}

static Status write_line(Trainer *trainer, bool scored) {
  Session *session = &trainer->session;
  TrainState *state = &session->state;
  double epoch = (double)state->epoch;
  if (trainer->ordered) epoch += (double)state->batch / trainer->order.batches;
  json_t *line = json_pack("{sI sf}", "step", (json_int_t)state->step, "epoch", epoch);
  bool any = state->interval_steps > 0; /* else all were skipped: null */
  trainer->loss = state->interval_nll / (double)(state->interval_labels ? state->interval_labels : 1);
  json_object_set_new(line, "loss", any ? json_real(trainer->loss) : json_null());
  if (scored) {
    Score sum = score_sum(trainer);
    json_object_set_new(line, "dev_loss", json_real(score_loss(&sum)));
    json_object_set_new(line, "dev_wer", json_real(score_wer(&sum)));
    json_t *each = json_array();
    for (int c = 0; c < session->dev.corpus_count; c++) json_array_append_new(each, dev_line(trainer, c));
    json_object_set_new(line, "dev", each);
  }
  json_object_set_new(line, "learning_rate", json_real(schedule_rate(&session->schedule, (int)state->step)));
  json_object_set_new(line, "gradient_norm",
                      any ? json_real(state->interval_norm / (double)state->interval_steps) : json_null());
  json_object_set_new(line, "skipped", json_integer((json_int_t)state->skipped));
  json_object_set_new(line, "hours_per_hour", json_real(state->interval_audio / state->interval_seconds));
  json_object_set_new(line, "seconds", json_real(state->seconds));
  session_interval_begin(session);
  state->logged = state->step;
  return log_write(&trainer->log, line);
}

static Status save(Trainer *trainer) {
  Status status = OK;
  Session *session = &trainer->session;
  TRY(log_sync(&trainer->log));
  session->state.log_length = trainer->log.length;
  session_download(session);
  TRY(checkpoint_save(session->settings->out, &session->state, &session->host, session->identity));
done:
  return status;
}

static void show(Trainer *trainer) {
  const TrainState *state = &trainer->session.state;
  char extra[96];
  int length = snprintf(extra, sizeof extra, "loss %.3f", trainer->loss);
  if (isfinite(state->best_wer))
    snprintf(extra + length, sizeof extra - (size_t)length, ", dev WER %.2f %%", state->best_wer);
  progress_update(&trainer->progress, (double)state->step, extra);
}

/* Whether something is due after the step for which its results must be here. */
static bool due(const Session *session) {
  const TrainSettings *s = session->settings;
  return score_due(session) || turn_of(session, s->log_every) || turn_of(session, s->save_every);
}

/* What is due after a step; everything here is done again, to the same bits, when a kill comes before the
 * save. */
static Status conclude(Trainer *trainer) {
  Status status = OK;
  Session *session = &trainer->session;
  TrainState *state = &session->state;
  const TrainSettings *s = session->settings;
  bool scored = score_due(session);
  if (scored) TRY(score(trainer));
  if (state->logged < state->step && (scored || turn_of(session, s->log_every)))
    TRY(write_line(trainer, scored));
  if (finished(session)) TRY(save_model(session, "last"));
  if (turn_of(session, s->save_every)) TRY(save(trainer));
  show(trainer);
done:
  return status;
}

static Status loop(Trainer *trainer) {
  Status status = OK;
  Session *session = &trainer->session;
  TrainState *state = &session->state;
  progress_start(&trainer->progress, "train", "steps", session->schedule.total);
  show(trainer);
  double last = now();
  if (score_due(session)) status = conclude(trainer); /* it was stopped while scoring */
  while (status == OK && !finished(session)) {
    if (stop) {
      status = fail(ERR_STOPPED, "stopped");
      break;
    }
    double start = now();
    TRY(step(trainer));
    if (due(session)) TRY(settle(session));
    double t = now();
    state->interval_seconds += t - start;
    state->seconds += t - last;
    last = t;
    status = conclude(trainer);
  }
  if (status == ERR_STOPPED) {
    TRY(settle(session));
    TRY(save(trainer));
    status = fail(ERR_STOPPED, "stopped at step %lld of %d, saved in %s; the same command goes on from there",
                  (long long)state->step, session->schedule.total, session->settings->out);
  }
done:
  progress_end(&trainer->progress);
  return status;
}

/* The run */

/* Loads the latest checkpoint, if any, and opens the log at its length. */
static Status resume(Trainer *trainer) {
  Status status = OK;
  Session *session = &trainer->session;
  const TrainSettings *s = session->settings;
  char *before = NULL, *notice = NULL, *difference = NULL;
  bool found;
  TRY(checkpoint_load(s->out, &found, &session->state, &session->host, &before, &notice));
  if (notice) fprintf(stderr, "train: %s; going back to the checkpoint before\n", notice);
  if (found) {
    difference = identity_difference(before, session->identity);
    if (difference && !s->resume_anyway)
      TRY(fail(ERR_USAGE,
               "%s holds another run: %s; give the same settings, another --out, or --resume-anyway", s->out,
               difference));
    if (difference) fprintf(stderr, "train: resuming anyway: %s\n", difference);
  }
  session_upload(session);
  TRY(log_open(&trainer->log, s->out, found ? session->state.log_length : 0));
done:
  free(before);
  free(notice);
  free(difference);
  return status;
}

static void report(const Trainer *trainer, const char *what) {
  const TrainState *state = &trainer->session.state;
  const char *out = trainer->session.settings->out;
  fprintf(stderr, "train: %s: %lld steps, %lld skipped, %.0f s; the last model is %s/last", what,
          (long long)state->step, (long long)state->skipped, state->seconds, out);
  if (isfinite(state->best_wer))
    fprintf(stderr, ", the best is %s/best: dev WER %.2f %%, step %lld", out, state->best_wer,
            (long long)state->best_step);
  fputc('\n', stderr);
}

static Status run(Trainer *trainer, const char *all) {
  Status status = OK;
  Session *session = &trainer->session;
  const TrainSettings *s = session->settings;
  char *settings_path = path_join(s->out, "settings.yaml");
  trainer->ahead = -1;
  trainer->scores = xcalloc((size_t)session->dev.corpus_count, sizeof *trainer->scores);
  TRY(resume(trainer));
  if (finished(session) && !score_due(session)) {
    report(trainer, "this run is finished already");
    goto done;
  }
  TRY(file_write(settings_path, all, strlen(all)));
  fprintf(stderr, "train: %.2f M weights, %s, %s; step %lld of %d\n",
          (double)model_weight_count(session->model) / 1e6,
          backend_choice(session->settings->device, session->backend), backend_describe(session->backend),
          (long long)session->state.step, session->schedule.total);
  catch_signals();
  TRY(loop(trainer));
  report(trainer, "finished");
done:
  free(settings_path);
  return status;
}

Status train(const TrainSettings *settings, const char *identity, const char *all) {
  Status status = OK;
  Trainer trainer = {0};
  int lock = -1;
  TRY(folder_make(settings->out));
  TRY(folder_lock(settings->out, &lock));
  folder_sweep(settings->out, "settings.yaml.tmp-*"); /* left by a run that was killed */
  TRY(session_open(&trainer.session, settings, identity));
  TRY(run(&trainer, all));
done:
  session_close(&trainer.session); /* waits for the reading thread, which reads the order */
  batch_order_free(&trainer.order);
  log_close(&trainer.log);
  free(trainer.scores);
  if (lock >= 0) folder_unlock(lock);
  return status;
}

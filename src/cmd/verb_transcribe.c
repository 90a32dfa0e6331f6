/* jargon transcribe: audio to text with word times and confidence. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/audio/audio.h"
#include "src/base/file.h"
#include "src/base/options.h"
#include "src/base/progress.h"
#include "src/cmd/verb.h"
#include "src/corpus/corpus.h"
#include "src/corpus/manifest.h"
#include "src/decode/output.h"
#include "src/decode/recognizer.h"
#include "src/model/model_dir.h"

static const double FILE_SECONDS = 4 * 3600; /* longest recording: it is held in memory */

/* One recording, or a part of one. */
typedef struct Source {
  const char *audio;
  json_t *fields;          /* the manifest's line; NULL: a file given by name */
  double offset, duration; /* seconds; duration < 0: to the end */
} Source;

typedef struct Job {
  Source *sources;
  int count;
  Manifest manifest;
  Corpus *corpus;      /* where samples come from; NULL: audio files */
  AudioReader *reader; /* stays open from one part of a file to the next */
  const char *reading; /* its path */
  Output output;
  Progress progress;
  double seconds; /* of audio, transcribed */
  bool skip_bad;
  int skipped;
} Job;

/* ---- what to transcribe ---- */

static void list_files(Job *job, const StringList *files) {
  job->sources = xcalloc((size_t)files->count, sizeof *job->sources);
  for (; job->count < files->count; job->count++)
    job->sources[job->count] = (Source){.audio = files->items[job->count], .duration = -1};
}

static void list_manifest(Job *job) {
  job->sources = xcalloc((size_t)job->manifest.count, sizeof *job->sources);
  for (; job->count < job->manifest.count; job->count++) {
    const Utterance *item = &job->manifest.items[job->count];
    job->sources[job->count] = (Source){item->audio, json_incref(item->fields), item->offset, item->duration};
  }
}

static Status list_corpus(Job *job) {
  int count = corpus_count(job->corpus);
  job->sources = xcalloc((size_t)count, sizeof *job->sources);
  for (; job->count < count; job->count++) {
    Source *source = &job->sources[job->count];
    source->fields = json_loads(corpus_metadata(job->corpus, job->count), 0, NULL);
    source->audio = json_string_value(json_object_get(source->fields, "audio_filepath"));
    source->offset = json_number_value(json_object_get(source->fields, "offset"));
    source->duration = (double)corpus_samples(job->corpus, job->count) / AUDIO_RATE;
    if (!source->audio)
      return fail(ERR_DATA, "%s: utterance %d has no audio_filepath", corpus_path(job->corpus), job->count);
  }
  return OK;
}

static Status list_sources(Job *job, const StringList *files, const char *manifest, const char *corpus) {
  Status status = OK;
  int given = (files->count > 0) + !!manifest + !!corpus;
  if (given != 1)
    TRY(fail(ERR_USAGE, "%s: give audio files, or --manifest, or --corpus",
             given ? "more than one kind of input" : "nothing to transcribe"));
  if (files->count) list_files(job, files);
  if (manifest) {
    TRY(manifest_read(&job->manifest, manifest, MANIFEST_FREE, job->skip_bad));
    for (int i = 0; i < job->manifest.bad_count; i++)
      fprintf(stderr, "jargon transcribe: skipped %s\n", job->manifest.bad[i]);
    job->skipped = job->manifest.bad_count;
    list_manifest(job);
  }
  if (corpus) {
    TRY(corpus_open(&job->corpus, corpus));
    TRY(list_corpus(job));
  }
  if (job->output.format == OUTPUT_SRT || job->output.format == OUTPUT_VTT)
    for (int i = 1; i < job->count; i++)
      if (strcmp(job->sources[i].audio, job->sources[0].audio))
        TRY(fail(ERR_USAGE, "subtitles are of one recording, and here are %s and %s: one call each",
                 job->sources[0].audio, job->sources[i].audio));
done:
  return status;
}

static double total_seconds(const Job *job) {
  double total = 0;
  for (int i = 0; i < job->count; i++) total += job->sources[i].duration < 0 ? NAN : job->sources[i].duration;
  return isnan(total) ? 0 : total; /* 0: unknown */
}

/* ---- in and out ---- */

static Status read_source(Job *job, int i, int16_t **samples, int64_t *count) {
  Status status = OK;
  const Source *source = &job->sources[i];
  if (job->corpus) {
    *count = corpus_samples(job->corpus, i);
    *samples = xcalloc((size_t)*count, sizeof **samples);
    return corpus_read(job->corpus, i, *samples);
  }
  if (!job->reading || strcmp(job->reading, source->audio)) {
    audio_close(job->reader);
    job->reader = NULL;
    job->reading = NULL;
    TRY(audio_open(&job->reader, source->audio, FILE_SECONDS));
    job->reading = source->audio;
  }
  TRY(audio_next(job->reader, source->offset, source->duration, samples, count));
done:
  return status;
}

static Status write_transcript(void *context, void *recording, const Transcript *transcript) {
  Job *job = context;
  const Source *source = recording;
  output_write(&job->output,
               &(OutputItem){source->audio, source->fields, source->offset, source->duration, transcript});
  if (ferror(job->output.stream)) return fail(ERR_IO, "cannot write the transcripts");
  job->seconds += source->duration;
  progress_update(&job->progress, job->seconds, NULL);
  return OK;
}

static Status transcribe(Job *job, Recognizer *recognizer) {
  Status status = OK;
  int16_t *samples = NULL;
  int64_t count = 0;
  progress_start(&job->progress, "transcribe", "s", total_seconds(job));
  progress_update(&job->progress, 0, NULL);
  output_begin(&job->output);
  for (int i = 0; i < job->count; i++) {
    status = read_source(job, i, &samples, &count);
    if (status != OK && job->skip_bad) {
      fprintf(stderr, "jargon transcribe: skipped %s\n", fail_text());
      job->skipped++;
      status = OK;
    } else if (status == OK) {
      job->sources[i].duration = (double)count / AUDIO_RATE;
      status = recognizer_add(recognizer, samples, count, &job->sources[i]);
    }
    free(samples);
    samples = NULL;
    if (status != OK) goto done;
  }
  TRY(recognizer_finish(recognizer));
  if (fflush(job->output.stream)) TRY(fail(ERR_IO, "cannot write the transcripts"));
done:
  progress_end(&job->progress);
  return status;
}

static void job_free(Job *job) {
  for (int i = 0; i < job->count; i++) json_decref(job->sources[i].fields);
  free(job->sources);
  manifest_free(&job->manifest);
  corpus_close(job->corpus);
  audio_close(job->reader);
}

static Status open_model(const char *path, const char *device, const char *precision, Model **model,
                         Tokenizer **tokenizer) {
  Status status = OK;
  char *json = path_join(path, "tokenizer.json");
  const Backend *backend;
  TRY(backend_select(&backend, device, precision));
  TRY(model_load(model, path, backend));
  TRY(tokenizer_load(tokenizer, json));
done:
  free(json);
  return status;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void report(const Job *job, double seconds, const char *device) {
  int count = job->count - (job->skipped - job->manifest.bad_count);
  fprintf(stderr, "jargon transcribe: %d recording%s, %.2f h in %.1f s (%.0f hours per hour), %s", count,
          count == 1 ? "" : "s", job->seconds / 3600, seconds, job->seconds / seconds, device);
  if (job->skip_bad) fprintf(stderr, ", %d skipped", job->skipped);
  fputc('\n', stderr);
}

int verb_transcribe(int argc, char **argv) {
  Status status = OK;
  const char *model_path = NULL, *out = NULL, *format = "text", *manifest = NULL, *corpus = NULL;
  const char *device = "auto", *precision = "f32";
  int threads = 0;
  StringList files = {0};
  RecognizerSettings settings = {.batch_seconds = 120, .max_seconds = 30, .done = write_transcript};
  Job job = {0};
  AtomicFile file = {0};
  Model *model = NULL;
  Tokenizer *tokenizer = NULL;
  Recognizer *recognizer = NULL;
  Option table[] = {
      {"model", OPTION_TEXT, &model_path, "DIR", "model directory", .required = true},
      {"audio", OPTION_LIST, &files, "FILE", "audio files", .positional = true},
      {"manifest", OPTION_TEXT, &manifest, "FILE", "manifest of what to transcribe, instead of files"},
      {"corpus", OPTION_TEXT, &corpus, "DIR", "packed corpus, instead of files"},
      {"out", OPTION_TEXT, &out, "FILE", "where to write; else the terminal"},
      {"format", OPTION_TEXT, &format, "FORMAT", "form of the transcripts", .choices = OUTPUT_FORMATS},
      {"doubt", OPTION_REAL, &job.output.doubt, "CONFIDENCE",
       "text: underline (in a file: bracket) words of less confidence", .max = 1},
      {"max-seconds", OPTION_REAL, &settings.max_seconds, "SECONDS",
       "longer recordings are cut into windows at quiet places", .min = 1, .max = 3600},
      {"batch-seconds", OPTION_REAL, &settings.batch_seconds, "SECONDS", "most audio in a batch", .min = 1,
       .max = 1e5},
      {"skip-bad", OPTION_BOOL, &job.skip_bad, NULL, "list and leave out bad audio instead of stopping"},
      {"device", OPTION_TEXT, &device, "NAME", "where to compute", .choices = "auto|cpu|cuda"},
      {"precision", OPTION_TEXT, &precision, "TYPE", "of activations", .choices = "f32|bf16"},
      {"threads", OPTION_INT, &threads, "N", "of the CPU; 0: all cores", .max = 1024},
      {0}};
  Options options = {
      "transcribe", "turns audio into text with word times and confidence",
      "jargon transcribe --model work/run/best interview.wav\n"
      "  jargon transcribe --model work/run/best --manifest dev.jsonl --format jsonl --out dev.out.jsonl",
      table};
  TRY(options_parse(&options, argc, argv));
  if (threads) omp_set_num_threads(threads);
  job.output.format = output_format(format);
  job.output.terminal = !out && isatty(STDOUT_FILENO);
  settings.context = &job;
  if (job.output.doubt > 0 && job.output.format != OUTPUT_TEXT)
    TRY(fail(ERR_USAGE, "--doubt marks words of --format text, not of %s: leave it out", format));
  TRY(list_sources(&job, &files, manifest, corpus));
  TRY(open_model(model_path, device, precision, &model, &tokenizer));
  TRY(recognizer_new(&recognizer, model, tokenizer, &settings));
  if (out) TRY(atomic_open(&file, out));
  job.output.stream = out ? file.stream : stdout;
  double begun = now();
  TRY(transcribe(&job, recognizer));
  if (out) TRY(atomic_commit(&file));
  report(&job, now() - begun, backend_choice(device, model_backend(model)));
done:
  atomic_abort(&file);
  recognizer_free(recognizer);
  model_free(model);
  tokenizer_free(tokenizer);
  job_free(&job);
  options_free(&options);
  return verb_end("transcribe", status);
}

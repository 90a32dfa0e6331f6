/* NeMo manifests: JSON lines with audio_filepath, duration (seconds), text, optional offset (seconds); every further
 * key is metadata and becomes a slice (speaker, gender, accent, domain, ...). */
#ifndef JARGON_CORPUS_MANIFEST_H
#define JARGON_CORPUS_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/status.h"

typedef struct Utterance {
  char *audio;     /* path, resolved against the manifest's folder; NULL when absent and allowed */
  double offset;   /* seconds */
  double duration; /* seconds; < 0: to the end of the file (not with MANIFEST_TRAIN) */
  char *text;      /* "" when absent and allowed */
  json_t *fields;  /* the whole object as read */
  int line;        /* in the manifest, from 1 */
} Utterance;

typedef struct Manifest {
  char *path;
  Utterance *items;
  int count;
  uint64_t hash; /* XXH3 of the file's bytes */
  char **bad;    /* with skip_bad: one message a refused line, "file:line: reason" */
  int bad_count;
} Manifest;

typedef enum ManifestUse {
  MANIFEST_TRAIN,      /* audio, duration and text required, text not empty */
  MANIFEST_FREE,       /* duration and text optional: transcription */
  MANIFEST_TEXT,       /* text required, audio optional and not looked for: scoring */
  MANIFEST_SCORE,      /* text and audio optional, not looked for: references and transcripts */
} ManifestUse;

/* Reads and checks every line; empty lines are passed over. Without skip_bad the first bad line is ERR_DATA with file
 * and line; so is, always, a manifest without a good line. The caller frees with manifest_free(), after an error too. */
Status manifest_read(Manifest *manifest, const char *path, ManifestUse use, bool skip_bad);
void manifest_free(Manifest *manifest);

#endif

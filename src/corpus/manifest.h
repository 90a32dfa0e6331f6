/* NeMo manifests: JSON lines with audio_filepath, duration (seconds), text, optional offset (seconds); every further
 * key is metadata and becomes a slice (speaker, gender, accent, domain, ...). */
#ifndef JARGON_CORPUS_MANIFEST_H
#define JARGON_CORPUS_MANIFEST_H

#include <jansson.h>
#include <stdbool.h>

#include "src/base/status.h"

typedef struct Utterance {
  char *audio;     /* path, resolved against the manifest's folder */
  double offset;   /* seconds */
  double duration; /* seconds; < 0: to the end of the file (only with MANIFEST_FREE) */
  char *text;      /* "" when absent and allowed */
  json_t *fields;  /* the whole object as read */
  int line;        /* in the manifest, from 1 */
} Utterance;

typedef struct Manifest {
  char *path;
  Utterance *items;
  int count;
  char **bad; /* with skip_bad: one message a refused line, "file:line: reason" */
  int bad_count;
} Manifest;

typedef enum ManifestUse {
  MANIFEST_TRAIN,     /* audio, duration and text required */
  MANIFEST_FREE,      /* duration and text optional: transcription */
  MANIFEST_TEXT,      /* text required, audio optional: scoring */
} ManifestUse;

/* Reads and checks every line. Without skip_bad the first bad line is ERR_DATA with file and line. */
Status manifest_read(Manifest *manifest, const char *path, ManifestUse use, bool skip_bad);
void manifest_free(Manifest *manifest);

#endif

/* Audio files to 16 kHz mono 16-bit samples: libsndfile reads, soxr resamples, channels are averaged. */
#ifndef JARGON_AUDIO_AUDIO_H
#define JARGON_AUDIO_AUDIO_H

#include <stdint.h>

#include "src/base/status.h"

enum { AUDIO_RATE = 16000 };

/* Reads `duration` seconds from `offset` (duration < 0: to the end) of the file; *samples is the caller's to free.
 * An offset or duration beyond the file's end (tolerance 20 ms), a header that promises more than the file holds, or
 * more than limit_seconds is ERR_DATA; what cannot be opened is ERR_IO. */
Status audio_read(const char *path, double offset, double duration, double limit_seconds, int16_t **samples,
                  int64_t *count);

/* The same for many parts of one file in ascending order of offset: the file is decoded once, in sequence. */
typedef struct AudioReader AudioReader;
Status audio_open(AudioReader **out, const char *path, double limit_seconds);
Status audio_next(AudioReader *reader, double offset, double duration, int16_t **samples, int64_t *count);
void audio_close(AudioReader *reader);

#endif

/* Audio files to 16 kHz mono 16-bit samples: libsndfile decodes, channels are averaged, soxr resamples (HQ, the whole
 * file as one stream, so a part's samples do not depend on which parts were asked for), values are rounded and clipped.
 * What libsndfile does not know (m4a, video) is decoded by a child process when ffmpeg is on the PATH.
 *
 * Compressed formats are decoded in sequence, never sought in: libsndfile's seeks in Vorbis, Opus and MP3 are inexact.
 * Errors: ERR_IO for what cannot be opened; ERR_DATA for a part beyond the end (tolerance 20 ms: it is then shorter),
 * longer than the limit or empty, and for a file that ends before its header says or holds NaN. */
#ifndef JARGON_AUDIO_AUDIO_H
#define JARGON_AUDIO_AUDIO_H

#include <stdint.h>

#include "src/base/status.h"

enum { AUDIO_RATE = 16000 };

/* Reads `duration` seconds from `offset` (duration < 0: to the end) of the file, at most limit_seconds of them;
 * *samples is the caller's to free. */
Status audio_read(const char *path, double offset, double duration, double limit_seconds, int16_t **samples,
                  int64_t *count);

/* The same for many parts of one file; limit_seconds holds for each part. Parts in ascending order of offset are
 * decoded in one go (they may overlap); going back decodes from the beginning again. */
typedef struct AudioReader AudioReader;
Status audio_open(AudioReader **out, const char *path, double limit_seconds);
Status audio_next(AudioReader *reader, double offset, double duration, int16_t **samples, int64_t *count);

/* Decodes what is left and checks it against the header: parts of a damaged file may be out of place. *seconds becomes
 * the file's length. */
Status audio_finish(AudioReader *reader, double *seconds);
void audio_close(AudioReader *reader);

#endif

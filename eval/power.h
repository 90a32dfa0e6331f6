/* How large a gap a study can show, and how many speakers it needs for that.
 *
 * The WER of n speakers has the variance sd^2 / n, sd being the spread of the speakers' parts in it
 *
 *   part_s = n (errors_s - WER words_s) / words        (Taylor linearisation; new speakers as the old ones)
 *
 * and that of the group it is compared with the variance `rest`. A two-sided test at 5 % finds a gap g with
 * the probability `power` when
 *
 *   g >= (t_0.975 + t_power) sqrt(sd^2 / n + rest)
 *
 * with Student's t of Welch's degrees of freedom (Cohen 1988, chapter 2; Welch 1947). */
#ifndef JARGON_EVAL_POWER_H
#define JARGON_EVAL_POWER_H

#include <stdbool.h>

enum { POWER_SPEAKERS_MOST = 1000000 };

typedef struct Power {
  double speaker_sd;
  bool of_all;       /* speaker_sd is of all speakers, because the cell has too few */
  double detectable; /* the smallest gap that shows; NAN where the cell or the rest has too few speakers for
                        one */
  int needed;        /* speakers for the gap asked for, the least number at least; 0: no number up to
                        POWER_SPEAKERS_MOST is enough, or the rest has too few */
} Power;

/* The variance of a group's WER, and its degrees of freedom. */
typedef struct PowerRest {
  double variance, freedom;
} PowerRest;

double power_detectable(double speaker_sd, int speakers, PowerRest rest, double power);
int power_speakers(double speaker_sd, double gap, PowerRest rest, double power);

#endif

#include "eval/power.h"

#include <math.h>

#include "eval/distributions.h"

double power_detectable(double speaker_sd, int speakers, PowerRest rest, double power) {
  if (speakers < 2 || !isfinite(speaker_sd) || !isfinite(rest.variance)) return NAN;
  double own = speaker_sd * speaker_sd / speakers, sum = own + rest.variance;
  if (sum == 0) return 0;
  double welch = own * own / (speakers - 1);
  if (rest.variance > 0) welch += rest.variance * rest.variance / rest.freedom;
  double freedom = sum * sum / welch;
  return (student_upper(0.025, freedom) + student_upper(1 - power, freedom)) * sqrt(sum);
}

/* The detectable gap falls with every speaker: halve. */
int power_speakers(double speaker_sd, double gap, PowerRest rest, double power) {
  int low = 1, high = POWER_SPEAKERS_MOST; /* low is too few; high is enough, or nothing is */
  if (!(power_detectable(speaker_sd, high, rest, power) <= gap)) return 0;
  while (high - low > 1) {
    int middle = low + (high - low) / 2;
    *(power_detectable(speaker_sd, middle, rest, power) <= gap ? &high : &low) = middle;
  }
  return high;
}

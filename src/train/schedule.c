#include "src/train/schedule.h"

#include <math.h>

double schedule_rate(const Schedule *schedule, int step) {
  if (step <= schedule->warmup) return schedule->peak * step / schedule->warmup;
  if (step >= schedule->total) return schedule->floor;
  double share = (double)(step - schedule->warmup) / (schedule->total - schedule->warmup);
  return schedule->floor + (schedule->peak - schedule->floor) * 0.5 * (1 + cos(M_PI * share));
}

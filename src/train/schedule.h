/* The learning rate: linear warm-up, then half a cosine down to a floor (Loshchilov and Hutter 2016, arXiv
 * 1608.03983). step <= warmup   peak step / warmup after            floor + (peak - floor) (1 + cos(pi (step
 * - warmup) / (total - warmup))) / 2 */
#ifndef JARGON_TRAIN_SCHEDULE_H
#define JARGON_TRAIN_SCHEDULE_H

typedef struct Schedule {
  double peak, floor; /* rates */
  int warmup, total;  /* steps; warmup <= total */
} Schedule;

/* The rate of a step, from 1; the floor at and after `total`. */
double schedule_rate(const Schedule *schedule, int step);

#endif

/* Counter-based random bits: a function of their coordinates, the same on every backend (Salmon et al. 2011,
 * "Parallel random numbers: as easy as 1, 2, 3", for the idea; the mixer is the finaliser of Stafford's variant 13
 * of MurmurHash3 for 64 bits and Wellons' lowbias32 for 32). */
#ifndef JARGON_KERNELS_RANDOM_H
#define JARGON_KERNELS_RANDOM_H

#include "kernels/types.h"

JARGON_INLINE uint64_t random_mix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

JARGON_INLINE uint32_t random_mix32(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352du;
  x = (x ^ (x >> 15)) * 0x846ca68bu;
  return x ^ (x >> 16);
}

/* The key of one frame of one utterance at one site and step. */
JARGON_INLINE uint64_t random_row(uint64_t seed, uint32_t step, uint32_t site, uint32_t utterance, uint32_t frame) {
  uint64_t key = random_mix64(seed + 0x9e3779b97f4a7c15u);
  key = random_mix64(key ^ ((uint64_t)step << 32 | site));
  return random_mix64(key ^ ((uint64_t)utterance << 32 | frame));
}

/* 32 bits for one channel of that frame. */
JARGON_INLINE uint32_t random_bits(uint64_t row, uint32_t channel) {
  return random_mix32(random_mix32(channel + (uint32_t)row) + (uint32_t)(row >> 32));
}

/* Kept when random_bits() >= this: drops with probability p (0 <= p < 1). */
JARGON_INLINE uint32_t random_threshold(float p) { return (uint32_t)((double)p * 4294967296.0); }

#endif

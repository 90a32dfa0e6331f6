/* References with alternatives and optional words, as NIST's trn and stm files write them:
 *
 *   "i've { um / uh / @ } as far as (uh) i'm concerned"
 *
 * One alternative of a group is said ("@": nothing); groups nest. A word in parentheses need not be said. The
 * reference is a graph of words without cycles, and the alignment of least cost over all its paths:
 *
 *   D(a, j) = min over the arcs p before a:  D(p, j-1) + sub [word of a != hyp_j],  D(p, j) + gap;  D(a, j-1)
 * + gap
 *
 * As in sclite -D an optional word that was not said counts as correct and costs gap - 1. Passing an arc of
 * "@" costs 0.001, and so does, beside the gap, taking a word as inserted there. Ties are broken as sclite
 * breaks them: of the paths into (a, j) first a match or substitution, then an insertion, then a deletion (of
 * "@": insertion first), and of several p the first written. Found by experiment on Debian's sctk:
 * tests/golden/make_sclite.py repeats it. */
#ifndef JARGON_EVAL_NETWORK_H
#define JARGON_EVAL_NETWORK_H

#include <stdbool.h>

#include "eval/align.h"
#include "src/text/normalize.h"

enum { NETWORK_CELLS = 1 << 26 }; /* arcs times words of the hypothesis; larger is ERR_DATA */

typedef struct NetworkArc {
  int from, to;
  int word;      /* index into words; -1: nothing is said */
  bool optional; /* need not be said */
} NetworkArc;

typedef struct Network {
  NetworkArc *arcs; /* those into a node before those out of it */
  int arc_count, nodes;
  char **words; /* normalised */
  int word_count;
} Network;

/* The graph of a text, each piece of it normalised alone. Braces that do not match are ERR_DATA. */
Status network_make(Network *network, const char *text, const Normalizer *normalizer);
void network_free(Network *network);

/* The steps of the best path, from the first on: op and the word of the network (-1: insertion). An optional
 * word that was not said is a match that uses no word of the hypothesis: `unsaid`. */
typedef struct NetworkStep {
  AlignOp op;
  int word;
  bool unsaid;
} NetworkStep;

/* ref: ids of network->words, hyp: ids of the m words; *steps is the caller's to free. */
Status network_align(const Network *network, const AlignCosts *costs, const uint32_t *ref,
                     const uint32_t *hyp, int m, NetworkStep **steps, int *count);

#endif

/* References with alternatives and optional words, as NIST's trn and stm files write them:
 *
 *   "i've { um / uh / @ } as far as (uh) i'm concerned"
 *
 * One alternative of a group is said ("@": nothing); groups nest. A word in parentheses need not be said. The
 * reference is a graph of words without cycles, and the alignment is of least cost over all its paths:
 *
 *   D(v, j) = min over arcs u -> v:  D(u, j-1) + sub [word != hyp_j],  D(u, j) + gap;  and D(v, j-1) + gap
 *
 * an arc of "@" costs nothing. As in sclite -D, an optional word that was not said counts as correct, though
 * the alignment that leaves it out pays a deletion. Of equal costs, walking back from the end: a match or
 * substitution, then an insertion, then a deletion; of equal arcs the first written. */
#ifndef JARGON_EVAL_NETWORK_H
#define JARGON_EVAL_NETWORK_H

#include <stdbool.h>

#include "eval/align.h"
#include "src/text/normalize.h"

enum { NETWORK_CELLS = 1 << 26 }; /* nodes times words of the hypothesis; larger is ERR_DATA */

typedef struct NetworkArc {
  int from, to;
  int word;      /* index into words; -1: nothing is said */
  bool optional; /* need not be said */
} NetworkArc;

typedef struct Network {
  NetworkArc *arcs; /* in the order of `to` */
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

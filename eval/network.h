/* Texts with alternatives and optional words, as NIST's trn, stm and ctm files write them:
 *
 *   "i've { um / uh / @ } as far as (uh) i'm concerned"
 *
 * One alternative of a group is said ("@": nothing); groups nest. A word in parentheses need not be said. A
 * text is a graph of words without cycles, and the alignment of two is the one of least cost over all their
 * paths. With p before arc a of the reference and q before arc b of the hypothesis:
 *
 *   D(a, b) = min(D(p, q) + sub [word of a != word of b],  D(a, q) + gap,  D(p, b) + gap)
 *
 * As in sclite -D an optional word that was not said counts as correct and costs gap - 1, and so does one of
 * the hypothesis that is not in the reference. Passing an arc of "@" costs 0.001. Ties are broken as sclite
 * breaks them: of the ways into (a, b) first a match or substitution, then an insertion, then a deletion, and
 * of several p and q the first written. tests/golden/make_sclite.py compares with Debian's sctk. */
#ifndef JARGON_EVAL_NETWORK_H
#define JARGON_EVAL_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#include "eval/align.h"
#include "src/text/normalize.h"

enum { NETWORK_CELLS = 1 << 26 }; /* arcs of the one times arcs of the other; more is ERR_DATA */

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

/* What has a meaning in a text beside its words. */
typedef enum NetworkMarks {
  NETWORK_PLAIN,
  NETWORK_ALTERNATIVES,
  NETWORK_OPTIONAL /* and alternatives */
} NetworkMarks;

/* Whether a text's word is in parentheses: with NETWORK_OPTIONAL it need not be said. */
bool network_optional(const char *word, size_t length);

/* The graph of a text, each piece of it normalised alone. Braces that do not match are ERR_DATA. */
Status network_make(Network *network, const char *text, const Normalizer *normalizer, NetworkMarks marks);
void network_free(Network *network);

/* A step of the best path: the words of the two networks, -1: none. An optional word without its partner is a
 * match. */
typedef struct NetworkStep {
  AlignOp op;
  int ref, hyp;
} NetworkStep;

/* The steps, from the first on; *steps is the caller's to free. fragments: as in sclite -F a word that begins
 * or ends with a hyphen is the same as one that ends or begins with the rest of it. */
Status network_align(const Network *ref, const Network *hyp, const AlignCosts *costs, bool fragments,
                     NetworkStep **steps, int *count);

#endif

/* The alignment of two networks. */
#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/network.h"
#include "eval/word_ids.h"

/* The arcs of one network by the node that they lead to. */
typedef struct Side {
  const Network *network;
  uint32_t *ids;          /* of the words */
  bool *fragments;        /* which words are some */
  int *into, *first_into; /* the arcs into node v: into[first_into[v] .. first_into[v + 1]] */
  int start;              /* stands for the beginning as if it were an arc, behind the last one */
} Side;

/* Costs by arc of the reference and arc of the hypothesis: of the best path that ends with both. In single
 * precision, as sclite has them: its choice between paths that cost the same depends on how sums are rounded.
 */
typedef struct Grid {
  Side ref, hyp;
  const AlignCosts *costs;
  bool fragments;
  float *cost;
} Grid;

static const float SILENCE = 0.001f; /* passing "@" */

/* The cell before another one, and what the path costs through it. */
typedef struct Back {
  float cost;
  int a, b;
} Back;

static const NetworkArc *arc_of(const Side *side, int arc) { return &side->network->arcs[arc]; }

static float *cell(const Grid *grid, int a, int b) {
  return grid->cost + (size_t)a * (size_t)(grid->hyp.start + 1) + b;
}

/* As in sclite an optional word that begins with a hyphen is none. */
static bool is_fragment(const char *word, bool optional) {
  return word[strlen(word) - 1] == '-' || (*word == '-' && !optional);
}

static void side_make(Side *side, const Network *network, WordIds *ids) {
  size_t words = (size_t)network->word_count + 1, nodes = (size_t)network->nodes + 1;
  *side = (Side){network,
                 xcalloc(words, sizeof(uint32_t)),
                 xcalloc(words, sizeof(bool)),
                 xcalloc((size_t)network->arc_count + 1, sizeof(int)),
                 xcalloc(nodes, sizeof(int)),
                 network->arc_count};
  for (int w = 0; w < network->word_count; w++)
    side->ids[w] = word_ids_get(ids, network->words[w], strlen(network->words[w]));
  int *first = side->first_into, *next = xcalloc(nodes, sizeof *next);
  for (int a = 0; a < network->arc_count; a++) first[network->arcs[a].to + 1]++;
  for (int v = 0; v < network->nodes; v++) first[v + 1] += first[v];
  for (int a = 0; a < network->arc_count; a++) {
    int to = network->arcs[a].to, word = network->arcs[a].word;
    side->into[first[to] + next[to]++] = a;
    if (word >= 0) side->fragments[word] = is_fragment(network->words[word], network->arcs[a].optional);
  }
  free(next);
}

static void side_free(Side *side) {
  free(side->ids), free(side->fragments), free(side->into), free(side->first_into);
}

/* The arcs before a node: those into it, or the beginning. */
static const int *arcs_before(const Side *side, int node, int *count) {
  *count = node ? side->first_into[node + 1] - side->first_into[node] : 1;
  return node ? side->into + side->first_into[node] : &side->start;
}

/* ---- costs ---- */

static bool ends_with(const char *text, size_t length, const char *end, size_t end_length) {
  return length >= end_length && !memcmp(text + length - end_length, end, end_length);
}

/* `part` is a fragment: *same tells whether `other` begins or ends with it. */
static bool fragment_compare(const char *part, const char *other, bool *same) {
  size_t length = strlen(part), other_length = strlen(other);
  if (length < 2 || (*part != '-' && part[length - 1] != '-')) return false;
  *same =
      *part == '-' ? ends_with(other, other_length, part + 1, length - 1) : !strncmp(part, other, length - 1);
  return true;
}

static bool words_same(const Grid *grid, int ref, int hyp) {
  if (grid->ref.ids[ref] == grid->hyp.ids[hyp]) return true;
  if (!grid->fragments || !(grid->ref.fragments[ref] || grid->hyp.fragments[hyp])) return false;
  const char *left = grid->ref.network->words[ref], *right = grid->hyp.network->words[hyp];
  bool same = false;
  return (fragment_compare(left, right, &same) || fragment_compare(right, left, &same)) && same;
}

/* Arcs a and b as a match or substitution; FLT_MAX: nothing is said in one of them. */
static float pair_cost(const Grid *grid, int a, int b) {
  int ref = arc_of(&grid->ref, a)->word, hyp = arc_of(&grid->hyp, b)->word;
  return ref < 0 || hyp < 0 ? FLT_MAX : words_same(grid, ref, hyp) ? 0 : grid->costs->sub;
}

/* An arc without a partner. */
static float alone_cost(const Grid *grid, const NetworkArc *arc) {
  return arc->word < 0 ? SILENCE : (float)(grid->costs->gap - arc->optional);
}

/* The row of arc a of the reference. before: room for a row, the least over the arcs before a. */
static void row_fill(const Grid *grid, int a, float *before) {
  const Side *hyp = &grid->hyp;
  int start = hyp->start, count;
  float *cost = cell(grid, a, 0), deletion = 0;
  for (int b = 0; b <= start; b++) before[b] = FLT_MAX;
  if (a < grid->ref.start) {
    const int *p = arcs_before(&grid->ref, arc_of(&grid->ref, a)->from, &count);
    for (int i = 0; i < count; i++)
      for (int b = 0; b <= start; b++) before[b] = fminf(before[b], *cell(grid, p[i], b));
    deletion = alone_cost(grid, arc_of(&grid->ref, a));
  }
  cost[start] = a < grid->ref.start ? before[start] + deletion : 0;
  for (int b = 0; b < start; b++) {
    const NetworkArc *arc = arc_of(hyp, b);
    const int *q = arcs_before(hyp, arc->from, &count);
    float insertion = cost[q[0]], pair = before[q[0]];
    for (int k = 1; k < count; k++)
      insertion = fminf(insertion, cost[q[k]]), pair = fminf(pair, before[q[k]]);
    cost[b] = fminf(insertion + alone_cost(grid, arc), before[b] + deletion);
    if (a < grid->ref.start) cost[b] = fminf(cost[b], pair + pair_cost(grid, a, b));
  }
}

/* Arcs into a node come before those out of it; the beginning before all. */
static void grid_fill(Grid *grid) {
  float *before = xcalloc((size_t)grid->hyp.start + 1, sizeof *before);
  row_fill(grid, grid->ref.start, before);
  for (int a = 0; a < grid->ref.start; a++) row_fill(grid, a, before);
  free(before);
}

/* The cell a step back in each of the three ways; of equal ones the first. Without such a cell: FLT_MAX. */
static void steps_back(const Grid *grid, int a, int b, Back *pair, Back *insertion, Back *deletion) {
  const Side *ref = &grid->ref, *hyp = &grid->hyp;
  int before_a = 0, before_b = 0;
  const int *p = a < ref->start ? arcs_before(ref, arc_of(ref, a)->from, &before_a) : NULL;
  const int *q = b < hyp->start ? arcs_before(hyp, arc_of(hyp, b)->from, &before_b) : NULL;
  *pair = *insertion = *deletion = (Back){FLT_MAX, -1, -1};
  for (int k = 0; k < before_b; k++)
    if (*cell(grid, a, q[k]) < insertion->cost) *insertion = (Back){*cell(grid, a, q[k]), a, q[k]};
  for (int i = 0; i < before_a; i++) {
    if (*cell(grid, p[i], b) < deletion->cost) *deletion = (Back){*cell(grid, p[i], b), p[i], b};
    for (int k = 0; k < before_b; k++)
      if (*cell(grid, p[i], q[k]) < pair->cost) *pair = (Back){*cell(grid, p[i], q[k]), p[i], q[k]};
  }
}

/* The last step into (a, b). */
static Back best_back(const Grid *grid, int a, int b) {
  Back pair, insertion, deletion;
  steps_back(grid, a, b, &pair, &insertion, &deletion);
  if (b < grid->hyp.start) insertion.cost += alone_cost(grid, arc_of(&grid->hyp, b));
  if (a < grid->ref.start) deletion.cost += alone_cost(grid, arc_of(&grid->ref, a));
  if (pair.a >= 0) pair.cost += pair_cost(grid, a, b);
  if (pair.cost < FLT_MAX && pair.cost <= insertion.cost && pair.cost <= deletion.cost) return pair;
  return deletion.cost < insertion.cost ? deletion : insertion;
}

/* ---- the path ---- */

/* Of the arcs into both last nodes the pair to end with. */
static Back best_last(const Grid *grid) {
  int refs, hyps;
  const int *p = arcs_before(&grid->ref, grid->ref.network->nodes - 1, &refs);
  const int *q = arcs_before(&grid->hyp, grid->hyp.network->nodes - 1, &hyps);
  Back best = {FLT_MAX, -1, -1};
  for (int i = 0; i < refs; i++)
    for (int k = 0; k < hyps; k++)
      if (*cell(grid, p[i], q[k]) < best.cost) best = (Back){*cell(grid, p[i], q[k]), p[i], q[k]};
  return best;
}

/* The step from `back` to (a, b); false: nothing is said in it. */
static bool step_make(const Grid *grid, int a, int b, Back back, NetworkStep *step) {
  const NetworkArc *ref = back.a == a ? NULL : arc_of(&grid->ref, a);
  const NetworkArc *hyp = back.b == b ? NULL : arc_of(&grid->hyp, b);
  *step = (NetworkStep){ALIGN_MATCH, ref ? ref->word : -1, hyp ? hyp->word : -1};
  if (ref && hyp) {
    if (!words_same(grid, ref->word, hyp->word)) step->op = ALIGN_SUB;
    return true;
  }
  const NetworkArc *alone = ref ? ref : hyp;
  assert(alone);
  if (!alone->optional) step->op = ref ? ALIGN_DEL : ALIGN_INS;
  return alone->word >= 0;
}

static void path_walk(const Grid *grid, NetworkStep **steps, int *count) {
  int most = grid->ref.network->word_count + grid->hyp.network->word_count, at = most;
  *steps = xcalloc((size_t)most + 1, sizeof **steps); /* the first is room for a step that is none */
  Back here = best_last(grid);
  while (here.a < grid->ref.start || here.b < grid->hyp.start) {
    Back back = best_back(grid, here.a, here.b);
    at -= step_make(grid, here.a, here.b, back, &(*steps)[at]);
    here = back;
  }
  *count = most - at;
  memmove(*steps, *steps + at + 1, (size_t)*count * sizeof **steps);
}

Status network_align(const Network *ref, const Network *hyp, const AlignCosts *costs, bool fragments,
                     NetworkStep **steps, int *count) {
  size_t refs = (size_t)ref->arc_count + 1, hyps = (size_t)hyp->arc_count + 1;
  if (refs * hyps > NETWORK_CELLS)
    return fail(ERR_DATA,
                "%d words with alternatives against %d: too long to align; cut the recording into segments",
                ref->word_count, hyp->word_count);
  WordIds ids;
  word_ids_init(&ids, (size_t)(ref->word_count + hyp->word_count) + 1);
  Grid grid = {.costs = costs, .fragments = fragments, .cost = xcalloc(refs * hyps, sizeof(float))};
  side_make(&grid.ref, ref, &ids);
  side_make(&grid.hyp, hyp, &ids);
  grid_fill(&grid);
  path_walk(&grid, steps, count);
  side_free(&grid.ref), side_free(&grid.hyp);
  word_ids_free(&ids);
  free(grid.cost);
  return OK;
}

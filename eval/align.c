#include "eval/align.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const AlignCosts ALIGN_PLAIN = {"plain", 1, 1};
const AlignCosts ALIGN_SCLITE = {"sclite", 4, 3};

const AlignCosts *align_costs(const char *name) {
  const AlignCosts *known[] = {&ALIGN_PLAIN, &ALIGN_SCLITE};
  for (int i = 0; i < 2; i++)
    if (!strcmp(known[i]->name, name)) return known[i];
  return NULL;
}

void align_add(AlignCounts *sum, AlignCounts counts) {
  sum->match += counts.match;
  sum->sub += counts.sub;
  sum->ins += counts.ins;
  sum->del += counts.del;
}

enum {
  LANES = 32,    /* cells computed at once; arrays have that much room past their end */
  OUTSIDE = 100, /* a difference that never wins: the neighbour is outside the band */
  FIRST_SLACK =
      30, /* diagonals the first band has on both sides: one group of lanes when lengths are equal */
  TRACE_AT_ONCE = 1 << 20 /* bytes of trace up to which nothing is recomputed */
};

/* The table: row i of 0..n is the reference's, column j of 0..m the hypothesis's, anti-diagonal k = i + j.
 * The band has the diagonals low <= j - i <= high. The state of anti-diagonal k, by row: h[i] = D(i, j) -
 * D(i, j-1),  v[i] = D(i, j) - D(i-1, j),  j = k - i. */
typedef struct Table {
  int n, m, low, high;
  int top, bottom; /* the rows computed: 1..n, or fewer when a part is recomputed */
  int8_t sub, gap;
  uint32_t *ref,
      *hyp; /* with room at the end; hyp is reversed, so that both run with i along an anti-diagonal */
  int8_t *h, *h_next, *v;
  int width;      /* most cells of an anti-diagonal, in whole groups of lanes */
  int block;      /* anti-diagonals between two saved states */
  int8_t *saved;  /* per block 2 (width + 2): h, then v; NULL: one block */
  uint8_t *trace; /* the operations, trace_width a row of `block` anti-diagonals */
  int trace_width;
} Table;

static int max_int(int a, int b) { return a > b ? a : b; }
static int min_int(int a, int b) { return a < b ? a : b; }

/* Rows of anti-diagonal k (2 <= k) inside the band, without row 0 and column 0. From one k to the next both
 * grow by 0 or 1. The shifts round down, whatever the sign. */
static int first_row(const Table *t, int k) {
  return max_int(t->top, max_int(k - t->m, (k - t->high + 1) >> 1));
}
static int last_row(const Table *t, int k) { return min_int(t->bottom, min_int(k - 1, (k - t->low) >> 1)); }
static int whole_lanes(int cells) { return (cells + LANES - 1) / LANES * LANES; }

/* `count` cells, a multiple of LANES. With z = D(i, j) - D(i-1, j-1):  h = z - v of the left cell,
 * v = z - h of the upper one. */
static inline __attribute__((always_inline)) void
cells(const uint32_t *restrict ref, const uint32_t *restrict hyp, const int8_t *restrict upper,
      int8_t *restrict h, int8_t *restrict v, uint8_t *restrict trace, int count, int8_t sub, int8_t gap) {
  for (int at = 0; at < count; at += LANES) {
    for (int c = at; c < at + LANES; c++) {
      int8_t diagonal = ref[c] == hyp[c] ? 0 : sub;
      int8_t insertion = (int8_t)(v[c] + gap), deletion = (int8_t)(upper[c] + gap);
      int8_t z = diagonal < insertion ? diagonal : insertion;
      z = z < deletion ? z : deletion;
      h[c] = (int8_t)(z - v[c]);
      v[c] = (int8_t)(z - upper[c]);
      if (trace) trace[c] = z == diagonal ? ALIGN_SUB : z == insertion ? ALIGN_INS : ALIGN_DEL;
    }
  }
}

/* The state goes from anti-diagonal `from` - 1 to `to`, with or without a trace of `from` .. `to`. Returns
 * D(last_row, .) on `to` minus that on `from` - 1. */
static int64_t sweep(Table *t, int from, int to, uint8_t *trace) {
  int64_t cost = 0;
  int last_before = last_row(t, from - 1);
  for (int k = from; k <= to; k++) {
    int first = first_row(t, k), last = last_row(t, k), count = whole_lanes(last - first + 1);
    const uint32_t *ref = t->ref + first - 1, *hyp = t->hyp + t->m - k + first;
    if (trace) {
      cells(ref, hyp, t->h + first - 1, t->h_next + first, t->v + first, trace, count, t->sub, t->gap);
      trace += t->trace_width;
    } else {
      cells(ref, hyp, t->h + first - 1, t->h_next + first, t->v + first, NULL, count, t->sub, t->gap);
    }
    /* What the next anti-diagonal reads beyond both ends: the margin of the table, or the outside of the
     * band. */
    t->h_next[first - 1] = first == 1 ? t->gap : OUTSIDE;
    t->v[last + 1] = last == k - 1 ? t->gap : OUTSIDE;
    int8_t *swap = t->h;
    t->h = t->h_next, t->h_next = swap;
    cost += last > last_before ? t->v[last] : t->h[last];
    last_before = last;
  }
  return cost;
}

static void state_copy(Table *t, int k, int block, int save) {
  int8_t *saved = t->saved + (size_t)block * 2 * (size_t)(t->width + 2);
  int row = k < 2 ? 0 : first_row(t, k) - 1;
  size_t rows = (size_t)(k < 2 ? 2 : last_row(t, k) + 2 - row);
  int8_t *pair[2] = {t->h + row, t->v + row};
  for (int i = 0; i < 2; i++, saved += t->width + 2)
    memcpy(save ? saved : pair[i], save ? pair[i] : saved, rows);
}

/* One sweep over the whole table, with states saved or, when it is small, traced. Returns D(n, m). */
static int64_t table_cost(Table *t) {
  int total = t->n + t->m;
  int64_t cost = t->gap; /* D(0, 1) */
  t->width = whole_lanes(min_int(min_int(t->n, t->m), (t->high - t->low) / 2 + 1));
  t->top = 1, t->bottom = t->n;
  t->h[0] = t->v[1] = t->gap;
  free(t->saved), t->saved = NULL;
  free(t->trace), t->trace = NULL;
  if ((int64_t)total * t->width <= TRACE_AT_ONCE) {
    t->block = total, t->trace_width = t->width;
    t->trace = xcalloc((size_t)total, (size_t)t->width);
    return cost + sweep(t, 2, total, t->trace);
  }
  t->block = 2 * (int)sqrt(total);
  t->saved = xcalloc((size_t)(total / t->block + 1), 2 * (size_t)(t->width + 2));
  for (int k = 2, block = 0; k <= total; k += t->block, block++) {
    state_copy(t, k - 1, block, 1);
    cost += sweep(t, k, min_int(k + t->block - 1, total), NULL);
  }
  return cost;
}

/* Widens the band until no path that leaves it can be as cheap as the best one in it. */
static void table_fill(Table *t) {
  int shift = t->m - t->n, whole = min_int(t->n, t->m);
  for (int slack = min_int(FIRST_SLACK, whole);;) {
    t->low = min_int(0, shift) - slack, t->high = max_int(0, shift) + slack;
    int64_t cost = table_cost(t);
    if (slack == whole || cost < (int64_t)t->gap * (abs(shift) + 2 * (slack + 1))) return;
    int enough = (int)(cost / (2 * t->gap)) - abs(shift) / 2 + 1; /* `cost` is at least the least */
    slack = min_int(whole, min_int(4 * slack, enough));
  }
}

static void count_op(AlignCounts *counts, AlignOp op, uint8_t **path) {
  int64_t *of[] = {&counts->match, &counts->sub, &counts->ins, &counts->del};
  ++*of[op];
  if (*path) *--*path = (uint8_t)op;
}

static void walk_back(Table *t, AlignCounts *counts, uint8_t **path) {
  int i = t->n, j = t->m;
  for (int block = (t->n + t->m - 2) / t->block; i && j; block--) {
    int start = 2 + block * t->block;
    if (t->saved) {
      t->trace_width = whole_lanes(t->block + 1);
      if (!t->trace) t->trace = xcalloc((size_t)t->block, (size_t)t->trace_width);
      t->top = 1, t->bottom = t->n;
      state_copy(t, start - 1, block, 0);
      t->top = max_int(1, i - t->block),
      t->bottom = i; /* the path is in there, and so is all that it depends on */
      sweep(t, start, min_int(start + t->block - 1, t->n + t->m), t->trace);
    }
    while (i && j && i + j >= start) {
      AlignOp op =
          t->trace[(size_t)(i + j - start) * (size_t)t->trace_width + (size_t)(i - first_row(t, i + j))];
      if (op == ALIGN_SUB && t->ref[i - 1] == t->hyp[t->m - j]) op = ALIGN_MATCH;
      count_op(counts, op, path);
      i -= op != ALIGN_INS;
      j -= op != ALIGN_DEL;
    }
  }
  for (; j; j--) count_op(counts, ALIGN_INS, path);
  for (; i; i--) count_op(counts, ALIGN_DEL, path);
}

Status align(const AlignCosts *costs, const uint32_t *ref, int n, const uint32_t *hyp, int m,
             AlignCounts *counts, uint8_t *path, int *length) {
  assert(costs->gap > 0 && costs->gap <= 20 && costs->sub > 0 && costs->sub <= 2 * costs->gap && n >= 0 &&
         m >= 0);
  if (max_int(n, m) > ALIGN_LONGEST)
    return fail(ERR_DATA, "%d items against %d: at most %d can be aligned; cut the recording into utterances",
                n, m, ALIGN_LONGEST);
  Table t = {.sub = costs->sub, .gap = costs->gap};
  uint8_t *end = path ? path + n + m : NULL, *at = end;
  *counts = (AlignCounts){0};
  for (; n && m && ref[n - 1] == hyp[m - 1]; n--, m--) count_op(counts, ALIGN_MATCH, &at);
  t.n = n, t.m = m;
  if (n && m) {
    size_t rows = (size_t)n + 2 + LANES;
    int8_t *states = xcalloc(3, rows);
    t.h = states, t.h_next = states + rows, t.v = states + 2 * rows;
    t.ref = xcalloc((size_t)n + LANES, sizeof *t.ref);
    t.hyp = xcalloc((size_t)m + LANES, sizeof *t.hyp);
    memcpy(t.ref, ref, (size_t)n * sizeof *ref);
    for (int j = 0; j < m; j++) t.hyp[j] = hyp[m - 1 - j];
    table_fill(&t);
    walk_back(&t, counts, &at);
    free(states);
    free(t.ref), free(t.hyp), free(t.saved), free(t.trace);
  } else {
    for (; m; m--) count_op(counts, ALIGN_INS, &at);
    for (; n; n--) count_op(counts, ALIGN_DEL, &at);
  }
  if (path) {
    *length = (int)(end - at);
    memmove(path, at, (size_t)*length);
  }
  return OK;
}

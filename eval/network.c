#include "eval/network.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/seams.h"

enum { DEEPEST = 32 }; /* nested groups */

/* ---- from the text ---- */

typedef struct Parser {
  Network *network;
  const Normalizer *normalizer;
  char *rest; /* what is still to be read */
  int arc_room, word_room, depth;
} Parser;

static void arc_add(Parser *parser, int from, int to, int word, bool optional) {
  Network *network = parser->network;
  if (network->arc_count == parser->arc_room)
    network->arcs =
        xrealloc(network->arcs, (size_t)(parser->arc_room += parser->arc_room + 64), sizeof(NetworkArc));
  network->arcs[network->arc_count++] = (NetworkArc){from, to, word, optional};
}

/* Words of `text`, normalised, behind node *at. */
static Status words_add(Parser *parser, const char *text, bool optional, int *at) {
  char *normal = NULL;
  Network *network = parser->network;
  Status status = normalizer_apply(parser->normalizer, text, &normal);
  if (status != OK) return status;
  char *rest = normal, *word;
  while ((word = strsep(&rest, " "))) {
    if (!*word) continue;
    if (network->word_count == parser->word_room)
      network->words =
          xrealloc(network->words, (size_t)(parser->word_room += parser->word_room + 64), sizeof(char *));
    network->words[network->word_count] = xstrdup(word);
    arc_add(parser, *at, network->nodes, network->word_count++, optional);
    *at = network->nodes++;
  }
  free(normal);
  return OK;
}

/* The next word or mark of the text; its length in *length, 0: there is none. Braces, and "/" within them,
 * need no space around. */
static char *token(Parser *parser, size_t *length) {
  char *start = parser->rest + strspn(parser->rest, " \t\r\n");
  *length = strcspn(start, parser->depth ? " \t\r\n{}/" : " \t\r\n{}");
  if (!*length && *start) *length = 1;
  return start;
}

static bool is_mark(const char *start, size_t length) { return length == 1 && strchr("{}/@", *start); }

static bool is_optional(const char *start, size_t length) {
  return length > 2 && *start == '(' && start[length - 1] == ')';
}

/* Plain words up to the next mark or optional word: they are normalised together. */
static Status run_add(Parser *parser, char *start, int *at) {
  char *end = start;
  size_t length;
  for (;;) {
    char *next = token(parser, &length);
    if (!length || is_mark(next, length) || is_optional(next, length)) break;
    parser->rest = end = next + length;
  }
  char kept = *end;
  *end = 0;
  Status status = words_add(parser, start, false, at);
  *end = kept;
  return status;
}

static Status sequence_add(Parser *parser, int *at);

/* Behind "{": the alternatives and "}". The last arcs of each lead to a node of their own. */
static Status group_add(Parser *parser, int *at) {
  Status status = OK;
  Network *network = parser->network;
  int start = *at, ends = 0, room = 0, *end = NULL, first = network->arc_count;
  size_t length;
  if (++parser->depth > DEEPEST) TRY(fail(ERR_DATA, "more than %d nested alternatives", DEEPEST));
  for (;;) {
    int branch = start;
    TRY(sequence_add(parser, &branch));
    if (ends == room) end = xrealloc(end, (size_t)(room += room + 8), sizeof *end);
    end[ends++] = branch;
    if (branch == start) arc_add(parser, start, -1, -1, false);
    char *mark = token(parser, &length);
    if (!length) TRY(fail(ERR_DATA, "\"{\" without \"}\""));
    parser->rest = mark + length;
    if (*mark == '}') break;
  }
  *at = network->nodes++;
  for (int a = first; a < network->arc_count; a++) {
    NetworkArc *arc = &network->arcs[a];
    for (int i = 0; i < ends && arc->to != *at; i++)
      if (arc->to < 0 || (arc->to == end[i] && end[i] != start)) arc->to = *at;
  }
  parser->depth--;
done:
  free(end);
  return status;
}

/* Words and groups up to "/", "}" or the end. */
static Status sequence_add(Parser *parser, int *at) {
  Status status = OK;
  for (;;) {
    size_t length;
    char *start = token(parser, &length);
    if (!length) break;
    if (is_mark(start, length)) {
      if (*start == '}' || (*start == '/' && parser->depth)) {
        if (!parser->depth) TRY(fail(ERR_DATA, "\"}\" without \"{\""));
        break;
      }
      parser->rest = start + length;
      if (*start == '{') TRY(group_add(parser, at));
      if (*start == '/') TRY(words_add(parser, "/", false, at));
    } else if (is_optional(start, length)) {
      char kept = start[length - 1];
      start[length - 1] = 0;
      status = words_add(parser, start + 1, true, at);
      start[length - 1] = kept;
      TRY(status);
      parser->rest = start + length;
    } else {
      TRY(run_add(parser, start, at));
    }
  }
done:
  return status;
}

Status network_make(Network *network, const char *text, const Normalizer *normalizer) {
  *network = (Network){.nodes = 1};
  char *copy = NULL;
  Status status = seams_close(text, normalizer, &copy);
  if (status != OK) return status;
  Parser parser = {network, normalizer, copy, 0, 0, 0};
  int last = 0;
  status = sequence_add(&parser, &last);
  free(copy);
  return status;
}

void network_free(Network *network) {
  for (int i = 0; i < network->word_count; i++) free(network->words[i]);
  free(network->words), free(network->arcs);
  *network = (Network){0};
}

/* ---- alignment ---- */

/* Costs by arc and word of the hypothesis: of the best path that ends with the arc. The row behind the last
 * arc's stands for the beginning. In single precision, as sclite has them: its choice between paths that cost
 * the same depends on how their sums are rounded. */
typedef struct Grid {
  const Network *network;
  const AlignCosts *costs;
  const uint32_t *ref, *hyp;
  int m;
  float *cost;
  int *into, *first_into; /* the arcs into each node: into[first_into[v] ...] */
} Grid;

static const double SILENCE = 0.001; /* passing "@", and what an insertion costs more there */

static float *row(const Grid *grid, int arc) { return grid->cost + (size_t)arc * (size_t)(grid->m + 1); }

/* An arc with the hypothesis's j-th word: "@" takes it as an insertion. */
static double pair_cost(const Grid *grid, int arc, int j) {
  int word = grid->network->arcs[arc].word;
  return word < 0 ? grid->costs->gap + SILENCE : grid->ref[word] == grid->hyp[j - 1] ? 0 : grid->costs->sub;
}

static double leave_cost(const Grid *grid, int arc) {
  const NetworkArc *one = &grid->network->arcs[arc];
  return one->word < 0 ? SILENCE : grid->costs->gap - one->optional;
}

static void into_find(Grid *grid) {
  const Network *network = grid->network;
  int *first = grid->first_into, *next = xcalloc((size_t)network->nodes, sizeof *next);
  for (int a = 0; a < network->arc_count; a++) first[network->arcs[a].to + 1]++;
  for (int v = 0; v < network->nodes; v++) first[v + 1] += first[v];
  for (int a = 0; a < network->arc_count; a++) {
    int to = network->arcs[a].to;
    grid->into[first[to] + next[to]++] = a;
  }
  free(next);
}

/* The arcs before a node: those into it, or the beginning. */
static const int *arcs_before(const Grid *grid, int node, int *count) {
  *count = node ? grid->first_into[node + 1] - grid->first_into[node] : 1;
  return node ? grid->into + grid->first_into[node] : &grid->network->arc_count;
}

/* Arcs into a node come before those out of it. */
static void grid_fill(Grid *grid) {
  int count, last = grid->network->arc_count;
  float gap = grid->costs->gap;
  for (int j = 1; j <= grid->m; j++) row(grid, last)[j] = row(grid, last)[j - 1] + gap;
  for (int a = 0; a < last; a++) {
    const int *before = arcs_before(grid, grid->network->arcs[a].from, &count);
    float *cost = row(grid, a);
    double leave = leave_cost(grid, a);
    for (int j = 0; j <= grid->m; j++) cost[j] = FLT_MAX;
    for (int k = 0; k < count; k++) {
      const float *from = row(grid, before[k]);
      for (int j = 0; j <= grid->m; j++) {
        cost[j] = fminf(cost[j], (float)(from[j] + leave));
        if (j) cost[j] = fminf(cost[j], (float)(from[j - 1] + pair_cost(grid, a, j)));
      }
    }
    for (int j = 1; j <= grid->m; j++)
      if (cost[j - 1] + gap < cost[j]) cost[j] = cost[j - 1] + gap;
  }
}

/* Of the arcs into the last node the one to end with. */
static int best_last(const Grid *grid) {
  int count, best;
  const int *arcs = arcs_before(grid, grid->network->nodes - 1, &count);
  best = arcs[0];
  for (int k = 1; k < count; k++)
    if (row(grid, arcs[k])[grid->m] < row(grid, best)[grid->m]) best = arcs[k];
  return best;
}

/* The step into (a, j), which moves back; false: it neither says nor hears a word. */
static bool step_back(const Grid *grid, int *a, int *j, NetworkStep *step) {
  int arc = *a, count, last = grid->network->arc_count,
      word = arc < last ? grid->network->arcs[arc].word : -1;
  float cost = row(grid, arc)[*j];
  bool insertion = *j && row(grid, arc)[*j - 1] + (float)grid->costs->gap == cost;
  if (word < 0 && insertion) goto insert;
  assert(arc < last);
  const int *before = arcs_before(grid, grid->network->arcs[arc].from, &count);
  for (int k = 0; *j && k < count; k++)
    if ((float)(row(grid, before[k])[*j - 1] + pair_cost(grid, arc, *j)) == cost) {
      bool same = pair_cost(grid, arc, *j) == 0;
      *step = (NetworkStep){word < 0 ? ALIGN_INS : same ? ALIGN_MATCH : ALIGN_SUB, word, false};
      *a = before[k], --*j;
      return true;
    }
  if (insertion) goto insert;
  for (int k = 0; k < count; k++)
    if ((float)(row(grid, before[k])[*j] + leave_cost(grid, arc)) == cost) {
      bool optional = grid->network->arcs[arc].optional;
      *step = (NetworkStep){optional ? ALIGN_MATCH : ALIGN_DEL, word, optional};
      *a = before[k];
      return word >= 0;
    }
  assert(!"a cost comes from somewhere");
insert:
  *step = (NetworkStep){ALIGN_INS, -1, false};
  --*j;
  return true;
}

Status network_align(const Network *network, const AlignCosts *costs, const uint32_t *ref,
                     const uint32_t *hyp, int m, NetworkStep **steps, int *count) {
  size_t arcs = (size_t)network->arc_count + 1, columns = (size_t)m + 1;
  if (arcs * columns > NETWORK_CELLS)
    return fail(ERR_DATA,
                "%d words with alternatives against %d: too long to align; cut the recording into segments",
                network->word_count, m);
  Grid grid = {network, costs, ref, hyp, m, NULL, NULL, NULL};
  grid.cost = xcalloc(arcs * columns, sizeof *grid.cost);
  grid.into = xcalloc(arcs, sizeof *grid.into);
  grid.first_into = xcalloc((size_t)network->nodes + 1, sizeof *grid.first_into);
  into_find(&grid);
  grid_fill(&grid);
  int j = m, most = network->word_count + m, at = most;
  *steps = xcalloc((size_t)most + 1, sizeof **steps); /* the first is room for a step that is none */
  for (int a = best_last(&grid); a < network->arc_count || j;) at -= step_back(&grid, &a, &j, &(*steps)[at]);
  *count = most - at;
  memmove(*steps, *steps + at + 1, (size_t)*count * sizeof **steps);
  free(grid.cost), free(grid.into), free(grid.first_into);
  return OK;
}

#include "eval/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

/* The next word of the text; its length in *length, 0: there is none. */
static char *token(Parser *parser, size_t *length) {
  char *start = parser->rest + strspn(parser->rest, " \t\r\n");
  *length = strcspn(start, " \t\r\n");
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

/* Behind "{": the alternatives and "}". */
static Status group_add(Parser *parser, int *at) {
  Status status = OK;
  int start = *at, ends = 0, room = 0, *end = NULL;
  size_t length;
  if (++parser->depth > DEEPEST) TRY(fail(ERR_DATA, "more than %d nested alternatives", DEEPEST));
  for (;;) {
    int branch = start;
    TRY(sequence_add(parser, &branch));
    if (ends == room) end = xrealloc(end, (size_t)(room += room + 8), sizeof *end);
    end[ends++] = branch;
    char *mark = token(parser, &length);
    if (!length) TRY(fail(ERR_DATA, "\"{\" without \"}\""));
    parser->rest = mark + length;
    if (*mark == '}') break;
  }
  *at = parser->network->nodes++;
  for (int i = 0; i < ends; i++) arc_add(parser, end[i], *at, -1, false);
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
  char *copy = xstrdup(text);
  Parser parser = {network, normalizer, copy, 0, 0, 0};
  int last = 0;
  Status status = sequence_add(&parser, &last);
  free(copy);
  return status;
}

void network_free(Network *network) {
  for (int i = 0; i < network->word_count; i++) free(network->words[i]);
  free(network->words), free(network->arcs);
  *network = (Network){0};
}

/* ---- alignment ---- */

typedef struct Grid {
  const Network *network;
  const AlignCosts *costs;
  const uint32_t *ref, *hyp;
  int m;
  int32_t *cost; /* nodes by m + 1 */
  int *first_in; /* of each node: its first arc; nodes + 1 */
} Grid;

static int32_t *row(const Grid *grid, int node) { return grid->cost + (size_t)node * (size_t)(grid->m + 1); }

/* An arc's costs: of its word against the hypothesis's j-th (from 1), and of leaving it out. */
static int32_t pair_cost(const Grid *grid, const NetworkArc *arc, int j) {
  return grid->ref[arc->word] == grid->hyp[j - 1] ? 0 : grid->costs->sub;
}
static int32_t leave_cost(const Grid *grid, const NetworkArc *arc) {
  return arc->word < 0 ? 0 : grid->costs->gap;
}

static void grid_fill(Grid *grid) {
  const int32_t gap = grid->costs->gap, far = INT32_MAX / 2;
  for (int node = 0; node < grid->network->nodes; node++) {
    int32_t *to = row(grid, node);
    for (int j = 0; j <= grid->m; j++) to[j] = node ? far : j * gap;
    for (int a = grid->first_in[node]; a < grid->first_in[node + 1]; a++) {
      const NetworkArc *arc = &grid->network->arcs[a];
      const int32_t *from = row(grid, arc->from), leave = leave_cost(grid, arc);
      for (int j = 0; j <= grid->m; j++) {
        if (from[j] + leave < to[j]) to[j] = from[j] + leave;
        if (j && arc->word >= 0 && from[j - 1] + pair_cost(grid, arc, j) < to[j])
          to[j] = from[j - 1] + pair_cost(grid, arc, j);
      }
    }
    for (int j = 1; j <= grid->m; j++)
      if (to[j - 1] + gap < to[j]) to[j] = to[j - 1] + gap;
  }
}

/* The step into (node, j) that the rule of ties takes; moves both back. false: nothing was said or
 * recognised. */
static bool step_back(const Grid *grid, int *node, int *j, NetworkStep *step) {
  const NetworkArc *arcs = grid->network->arcs;
  int first = grid->first_in[*node], end = grid->first_in[*node + 1];
  int32_t cost = row(grid, *node)[*j];
  for (int a = first; a < end; a++) {
    if (arcs[a].word < 0 && row(grid, arcs[a].from)[*j] == cost) {
      *node = arcs[a].from;
      return false;
    }
    if (*j && arcs[a].word >= 0 && row(grid, arcs[a].from)[*j - 1] + pair_cost(grid, &arcs[a], *j) == cost) {
      bool same = grid->ref[arcs[a].word] == grid->hyp[*j - 1];
      *step = (NetworkStep){same ? ALIGN_MATCH : ALIGN_SUB, arcs[a].word, false};
      *node = arcs[a].from, --*j;
      return true;
    }
  }
  if (*j && row(grid, *node)[*j - 1] + grid->costs->gap == cost) {
    *step = (NetworkStep){ALIGN_INS, -1, false};
    --*j;
    return true;
  }
  for (int a = first; a < end; a++)
    if (arcs[a].word >= 0 && row(grid, arcs[a].from)[*j] + leave_cost(grid, &arcs[a]) == cost) {
      *step = (NetworkStep){arcs[a].optional ? ALIGN_MATCH : ALIGN_DEL, arcs[a].word, arcs[a].optional};
      *node = arcs[a].from;
      return true;
    }
  assert(!"a cell has a predecessor");
  return false;
}

Status network_align(const Network *network, const AlignCosts *costs, const uint32_t *ref,
                     const uint32_t *hyp, int m, NetworkStep **steps, int *count) {
  if ((int64_t)network->nodes * (m + 1) > NETWORK_CELLS)
    return fail(ERR_DATA,
                "%d words with alternatives against %d: too long to align; cut the recording into segments",
                network->word_count, m);
  Grid grid = {network, costs, ref, hyp, m, NULL, NULL};
  grid.cost = xcalloc((size_t)network->nodes * (size_t)(m + 1), sizeof *grid.cost);
  grid.first_in = xcalloc((size_t)network->nodes + 1, sizeof *grid.first_in);
  for (int a = 0; a < network->arc_count; a++) grid.first_in[network->arcs[a].to + 1]++;
  for (int node = 0; node < network->nodes; node++) grid.first_in[node + 1] += grid.first_in[node];
  grid_fill(&grid);
  int node = network->nodes - 1, j = m, most = network->word_count + m, at = most;
  *steps = xcalloc((size_t)most, sizeof **steps);
  while (node || j)
    if (step_back(&grid, &node, &j, &(*steps)[at - 1])) at--;
  *count = most - at;
  memmove(*steps, *steps + at, (size_t)*count * sizeof **steps);
  free(grid.cost), free(grid.first_in);
  return OK;
}

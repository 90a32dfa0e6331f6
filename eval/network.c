#include "eval/network.h"

#include <stdlib.h>
#include <string.h>

#include "eval/seams.h"

enum { DEEPEST = 32 }; /* nested groups */

typedef struct Parser {
  Network *network;
  const Normalizer *normalizer;
  NetworkMarks marks;
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

bool network_optional(const char *word, size_t length) {
  return length > 2 && *word == '(' && word[length - 1] == ')';
}

static bool is_optional(const Parser *parser, const char *start, size_t length) {
  return parser->marks == NETWORK_OPTIONAL && network_optional(start, length);
}

/* Plain words up to the next mark or optional word: they are normalised together. */
static Status run_add(Parser *parser, char *start, int *at) {
  char *end = start;
  size_t length;
  for (;;) {
    char *next = token(parser, &length);
    if (!length || is_mark(next, length) || is_optional(parser, next, length)) break;
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
    } else if (is_optional(parser, start, length)) {
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

Status network_make(Network *network, const char *text, const Normalizer *normalizer, NetworkMarks marks) {
  *network = (Network){.nodes = 1};
  char *copy = NULL;
  Status status = OK;
  if (marks == NETWORK_OPTIONAL)
    status = seams_close(text, normalizer, &copy);
  else
    copy = xstrdup(text);
  if (status != OK) return status;
  Parser parser = {network, normalizer, marks, copy, 0, 0, 0};
  int last = 0;
  status = marks == NETWORK_PLAIN ? words_add(&parser, copy, false, &last) : sequence_add(&parser, &last);
  free(copy);
  return status;
}

void network_free(Network *network) {
  for (int i = 0; i < network->word_count; i++) free(network->words[i]);
  free(network->words), free(network->arcs);
  *network = (Network){0};
}

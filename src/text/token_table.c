#include "src/text/token_table.h"

#include <stdlib.h>
#include <string.h>

void token_table_reserve(TokenTable *table, int count) {
  *table = (TokenTable){.count = count, .nodes = 1, .nodes_size = 64};
  table->tokens = xcalloc((size_t)count, sizeof *table->tokens);
  table->special = xcalloc((size_t)count, sizeof *table->special);
  table->node_token = xcalloc((size_t)table->nodes_size, sizeof *table->node_token);
  table->node_token[0] = -1;
}

void token_table_free(TokenTable *table) {
  for (int i = 0; i < table->count; i++) free(table->tokens[i]);
  free(table->tokens);
  free(table->special);
  free(table->node_token);
  pair_map_free(&table->children);
  *table = (TokenTable){0};
}

static int32_t child(TokenTable *table, int32_t node, char byte) {
  int32_t next = pair_map_get(&table->children, node, (unsigned char)byte);
  if (next >= 0) return next;
  if (table->nodes == table->nodes_size) {
    table->nodes_size *= 2;
    table->node_token = xrealloc(table->node_token, (size_t)table->nodes_size, sizeof *table->node_token);
  }
  table->node_token[table->nodes] = -1;
  pair_map_put(&table->children, node, (unsigned char)byte, table->nodes);
  return table->nodes++;
}

Status token_table_add(TokenTable *table, const char *text, int64_t id) {
  if (!text[0]) return fail(ERR_DATA, "the token with id %lld is empty", (long long)id);
  if (id < 0 || id >= table->count)
    return fail(ERR_DATA, "the id %lld of '%s' is outside 0 .. %d", (long long)id, text, table->count - 1);
  if (table->tokens[id])
    return fail(ERR_DATA, "'%s' and '%s' have the same id %lld", table->tokens[id], text, (long long)id);
  int32_t node = 0;
  for (const char *at = text; *at; at++) node = child(table, node, *at);
  if (table->node_token[node] >= 0)
    return fail(ERR_DATA, "'%s' has the ids %d and %lld", text, (int)table->node_token[node], (long long)id);
  table->node_token[node] = (int32_t)id;
  table->tokens[id] = xstrdup(text);
  return OK;
}

int32_t token_table_find(const TokenTable *table, const char *text, size_t size) {
  int32_t node = 0;
  for (size_t i = 0; i < size && node >= 0; i++)
    node = pair_map_get(&table->children, node, (unsigned char)text[i]);
  return node < 0 ? -1 : table->node_token[node];
}

int32_t token_table_step(const TokenTable *table, int32_t node, char byte, int32_t *token) {
  int32_t next = pair_map_get(&table->children, node, (unsigned char)byte);
  *token = next < 0 ? -1 : table->node_token[next];
  if (*token >= 0 && table->special[*token]) *token = -1;
  return next;
}

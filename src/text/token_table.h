/* Tokens by id and ids by text: a trie over the tokens' bytes. */
#ifndef JARGON_TEXT_TOKEN_TABLE_H
#define JARGON_TEXT_TOKEN_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/status.h"
#include "src/text/pair_map.h"

enum { TOKENS_MAX = 1 << 20 };

typedef struct TokenTable {
  char **tokens;       /* NULL: no token has this id yet */
  bool *special;       /* never made from text: <unk>, <pad> */
  int count;           /* ids 0 .. count - 1 */
  PairMap children;    /* node, byte -> node; node 0 is the empty text */
  int32_t *node_token; /* node -> id, -1: none */
  int nodes, nodes_size;
} TokenTable; /* zeroed, then token_table_reserve() */

/* Makes room for ids 0 .. count - 1. */
void token_table_reserve(TokenTable *table, int count);
void token_table_free(TokenTable *table);

/* An empty text, an id outside the table, an id or a text that is taken: ERR_DATA. */
Status token_table_add(TokenTable *table, const char *text, int64_t id);

int32_t token_table_find(const TokenTable *table, const char *text, size_t size); /* -1: no such token */

/* One step in the trie: the next node and, through *token, the id of the text so far (-1: none, or special).
 * -1: no token goes on so. */
int32_t token_table_step(const TokenTable *table, int32_t node, char byte, int32_t *token);

#endif

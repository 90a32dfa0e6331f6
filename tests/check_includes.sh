#!/bin/sh
# Fails on an include that points upward: cmd -> train -> {model, corpus, decode, eval} -> {audio, text} ->
# kernels, base. Layers point only downward, so there is no cycle between them either; kernels/ includes nothing of src/.
grep -rHo --include='*.c' --include='*.h' --include='*.cc' '^#include "[^"]*"' kernels src eval | awk -F'[:"]' '
  function layer(path) {
    if (path ~ /^src\/cmd\//) return 5
    if (path ~ /^src\/train\//) return 4
    if (path ~ /^(src\/(model|corpus|decode)|eval)\//) return 3
    if (path ~ /^src\/(audio|text)\//) return 2
    if (path ~ /^(src\/base|kernels)\//) return 1
    return -1
  }
  { from = layer($1); to = layer($3); seen++
    if (to < 0 || to > from || ($1 ~ /^kernels\// && $3 !~ /^kernels\//)) { print $1 " must not include " $3; bad = 1 } }
  END { if (!seen) print "no include was found"; exit bad || !seen }'

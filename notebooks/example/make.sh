#!/bin/sh
# The notebook's example: two made-up systems on the same made-up words, scored by group.  make.sh [FOLDER]
set -e
jargon=$(realpath "${BUILD:-build}/jargon")
out=$(realpath "${1:-notebooks/example}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 tests/browser/corpus.py "$work" 600
cd "$work"
"$jargon" eval other.jsonl --ref hyp.jsonl --by gender,accent,domain --json "$out/model_a.json" >/dev/null
"$jargon" eval hyp.jsonl --by gender,accent,domain --json "$out/model_b.json" >/dev/null

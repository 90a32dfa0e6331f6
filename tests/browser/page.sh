#!/bin/sh
# The page of jargon eval --html in a headless Chromium: what it draws, filters, sorts and plays, in both widths and colour
# schemes, with hostile text, without a network, and with 10,000 utterances. Pictures are kept in $PICTURES when it is set.
set -e
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
  echo "no Chromium here: apt-get install chromium, then make browser"
  exit 77
fi
jargon=${BUILD:-build}/jargon
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 tests/browser/corpus.py "$work/plain" 400
python3 tests/browser/corpus.py "$work/hostile" 400 hostile
python3 tests/browser/corpus.py "$work/many" 10000
for kind in plain hostile many; do
  in=$work/$kind
  "$jargon" eval "$in/hyp.jsonl" --before "$in/other.jsonl" --by gender,accent,domain --pairs --normalize none --replicates 1000 \
    --terms "$in/terms.txt" --vocabulary "$in/vocabulary.txt" \
    --json "$in/scores.json" --utterances --html "$in/page.html" >"$in/table.txt"
done
"$jargon" eval "$work/plain/hyp.jsonl" --replicates 1000 --html "$work/plain/bare.html" >/dev/null
"$jargon" eval "$work/plain/hyp.jsonl" --by gender --terms "$work/plain/terms.txt" --replicates 1000 --redact --html "$work/plain/redacted.html" >/dev/null
timeout 800 python3 tests/browser/test_page.py "$work"

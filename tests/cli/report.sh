#!/bin/sh
# The reports of jargon eval: the page needs nothing beside it and takes no text for markup; the card's tables hold; the
# terminal's table keeps to its width; and with --redact no word, path or speaker of the input is in any of them.
set -e
jargon=${BUILD:-build}/jargon
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 tests/browser/corpus.py "$work/plain" 300
python3 tests/browser/corpus.py "$work/hostile" 300 hostile
for kind in plain hostile; do
  in=$work/$kind
  COLUMNS=80 "$jargon" eval "$in/hyp.jsonl" --before "$in/other.jsonl" --by gender,accent,domain --pairs --normalize none \
    --replicates 1000 --terms "$in/terms.txt" --vocabulary "$in/vocabulary.txt" \
    --html "$in/page.html" --markdown "$in/card.md" --json "$in/scores.json" --utterances >"$in/table.txt"
  python3 tests/cli/check_report.py shape "$in"
done

# The whole of --redact, with the speaker as a key of its own and of pairs.
in=$work/plain out=$work/redacted
mkdir "$out"
"$jargon" eval "$in/hyp.jsonl" --before "$in/other.jsonl" --by gender,speaker,domain --pairs --replicates 1000 --redact \
  --terms "$in/terms.txt" --vocabulary "$in/vocabulary.txt" \
  --html "$out/page.html" --markdown "$out/card.md" --json "$out/scores.json" --utterances >"$out/table.txt" 2>"$out/errors.txt"
python3 tests/cli/check_report.py redacted "$in" "$out"

# The other verb that writes reports.
"$jargon" compare "$in/other.jsonl" "$in/hyp.jsonl" --ref "$in/hyp.jsonl" --by gender,speaker --replicates 1000 --redact \
  --html "$work/compared.html" >"$work/compared.txt"
if grep -l zq "$work/compared.html" "$work/compared.txt"; then
  echo "jargon compare --redact wrote words or names"
  exit 1
fi

# Nothing half-written, and the file named, when a report cannot be written.
if "$jargon" eval "$in/hyp.jsonl" --replicates 1000 --html "$work/absent/page.html" >/dev/null 2>"$work/error"; then
  echo "a page in a folder that is not there was not refused"
  exit 1
elif [ $? != 74 ] || ! grep -q "absent/page.html" "$work/error"; then
  cat "$work/error"
  exit 1
fi

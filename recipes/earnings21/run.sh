#!/bin/sh
# Seven recognisers on earnings calls (Earnings-21, Del Rio et al. 2021, arXiv 2104.11348): a full report for each,
# every one compared with the best, and one page to read.
# Usage: sh recipes/earnings21/run.sh PAIRS [OUT]     (from the repository's root, after make)
# PAIRS: the folder with pairs.jsonl, one line a call and system: utt_id, system, domain, ref, hyp, edit_distance, duration.
set -eu
PAIRS=${1:?"usage: sh recipes/earnings21/run.sh PAIRS [OUT]"} OUT=${2:-earnings21} BUILD=${BUILD:-build}
jargon=$BUILD/jargon
mkdir -p "$OUT"
began=$(date +%s.%N)

# One manifest a system. A call is its own "speaker": the calls are what is drawn for the intervals.
python3 - "$PAIRS/pairs.jsonl" "$OUT" <<'PY'
import json, sys
lines = {}
for line in open(sys.argv[1]):
    pair = json.loads(line)
    lines.setdefault(pair["system"], []).append(json.dumps(
        {"id": pair["utt_id"], "text": pair["ref"], "pred_text": pair["hyp"], "duration": pair["duration"],
         "call": pair["utt_id"], "domain": pair["domain"], "expected_errors": pair["edit_distance"]}) + "\n")
for system in lines:
    open(f"{sys.argv[2]}/{system}.jsonl", "w").writelines(lines[system])
PY

systems=$(cd "$OUT" && ls ./*.jsonl | sed 's|^\./||; s|\.jsonl$||')
for system in $systems; do
  echo "== $system"
  start=$(date +%s.%N)
  "$jargon" eval "$OUT/$system.jsonl" --speaker call --by domain --json "$OUT/$system.json" --html "$OUT/$system.html" \
    --markdown "$OUT/$system.md" --sclite "$OUT/$system" >"$OUT/$system.txt"
  sed -n 1,2p "$OUT/$system.txt"
  echo "   $(echo "$(date +%s.%N) $start" | awk '{printf "%.1f", $1 - $2}') s"
done

# The errors are those that the corpus's makers counted.
best=$(python3 - "$OUT" $systems <<'PY'
import json, sys
out, rates = sys.argv[1], {}
for system in sys.argv[2:]:
    cell = json.load(open(f"{out}/{system}.json"))["slices"][0]["cells"][0]
    errors = cell["substitutions"] + cell["deletions"] + cell["insertions"]
    expected = sum(json.loads(line)["expected_errors"] for line in open(f"{out}/{system}.jsonl"))
    if errors != expected:
        sys.exit(f"{system}: {errors} errors, but the corpus says {expected}")
    rates[system] = cell["wer"]
print(min(rates, key=rates.get))
PY
)
echo "== errors of every system are those of pairs.jsonl; the best is $best"

for system in $systems; do
  [ "$system" = "$best" ] && continue
  "$jargon" compare "$OUT/$best.jsonl" "$OUT/$system.jsonl" --speaker call --by domain --json "$OUT/$best-$system.json" \
    --html "$OUT/$best-$system.html" >"$OUT/$best-$system.txt"
  echo "== $best against $system" && sed -n 1,9p "$OUT/$best-$system.txt"
done
echo "$(echo "$(date +%s.%N) $began" | awk '{printf "%.1f", $1 - $2}') s in all; reports in $OUT"

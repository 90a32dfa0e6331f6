#!/bin/sh
# jargon compare and jargon gate: what got worse is named, and the exit codes that --help promises.
set -e
jargon=${BUILD:-build}/jargon
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 30 speakers, every other one a woman, three unknown ones in a group of their own; the new system errs on every fifth word
# of women's speech and hardly at all on others', the old one on every tenth of everybody's.
python3 - "$work" <<'END'
import json
import sys

words = "the gini index of income fell again in the north".split()
files = {name: open(f"{sys.argv[1]}/{name}.jsonl", "w") for name in ("old", "new")}
for i in range(330):
    speaker = i % 33
    group = "x" if speaker >= 30 else "fm"[speaker % 2]
    wrong = {"old": [i % 10], "new": [i % 10, (i + 5) % 10] if group == "f" else [i % 10] if i % 50 == 0 else []}
    if speaker == i % 7:
        wrong = {"old": [], "new": []}
    for name, out in files.items():
        text = [w if k not in wrong[name] else "wrong" for k, w in enumerate(words)]
        line = {"audio_filepath": f"{i}.wav", "duration": 4.0, "text": " ".join(words), "pred_text": " ".join(text),
                "speaker": f"s{speaker}", "gender": group, "domain": "poverty"}
        out.write(json.dumps(line) + "\n")
END
printf 'gini index\tpoverty\n' >"$work/terms.txt"

expect() { # code, words of the output, command...
  wanted=$1 said=$2
  shift 2
  code=0
  "$@" >"$work/out" 2>&1 || code=$?
  if [ "$code" != "$wanted" ] || ! grep -q -- "$said" "$work/out"; then
    echo "exit $code instead of $wanted, or not said: $said"
    echo "$*"
    cat "$work/out"
    exit 1
  fi
}
policy() { printf "$1" >"$work/policy.yaml"; }
gate() { expect "$1" "$2" "$jargon" gate "$work/policy.yaml" "$work/new.jsonl" --before "$work/old.jsonl" --replicates 1000 \
  --terms "$work/terms.txt" --json "$work/gate.json"; }

expect 0 "^worse" env COLUMNS=200 "$jargon" compare "$work/old.jsonl" "$work/new.jsonl" --by gender --replicates 1000 \
  --json "$work/compared.json"
awk '/^worse/ {part = "worse"} /^better/ {part = "better"} /^too small/ {part = "small"} / f  / {print part} / m  / {print part}
  / x  / {print part}' "$work/out" >"$work/parts"
[ "$(tr '\n' ' ' <"$work/parts")" = "worse better small " ] || { cat "$work/out"; exit 1; }
python3 - "$work/compared.json" <<'END'
import json
import sys

document = json.load(open(sys.argv[1]))
women = next(c for s in document["slices"] if s["keys"] == ["gender"] for c in s["cells"] if c["values"]["gender"] == "f")
before = women["before"]
assert before["difference"] > 0.05 and before["difference_interval"][0] > 0 and before["q"] < 0.05, before
assert before["improvement_probability"] == 0 and before["mapsswe"]["z"] > 3, before
END

policy 'all: {measure: wer, at_most: 0.2}\nterms: {measure: jargon_recall, at_least: 0.5}\n'
gate 0 "^holds  *terms"
policy 'all: {measure: wer, at_most: 0.2}\ngap: {measure: gap, by: gender, at_most: 0.05}\n'
gate 10 "^broken  *gap: 0.1.*(f against m)"
policy 'women: {measure: regression, where: {gender: f}, at_most: 0.01, judge: interval}\n'
gate 10 "^broken  *women"
policy 'few: {measure: wer, where: {gender: x}, at_most: 0.5}\nall: {measure: wer, at_most: 0.2}\n'
gate 11 "^undecided  *few: too small to tell: too few speakers"
grep -q '"verdict": "undecided"' "$work/gate.json"
policy 'few: {measure: wer, where: {gender: x}, at_most: 0.5}\nall: {measure: wer, at_most: 0.01}\n'
gate 10 "^broken  *all"
policy 'all: {measure: wer, at_most: 0.2}\nb:\n  mesure: wer\n'
gate 65 "policy.yaml:3: a rule has no \"mesure\"; did you mean measure?"
policy 'r: {measure: wer, where: {accent: x}, at_most: 0.5}\n'
gate 64 "no line has the metadata key \"accent\""
policy 'r: {measure: wer, at_most: 0.5}\n'
expect 64 "give transcripts to score, or --scores" "$jargon" gate "$work/policy.yaml"
expect 64 "^jargon gate: --normalize and --scores" "$jargon" gate "$work/policy.yaml" --scores "$work/compared.json" --normalize english
expect 64 "^jargon gate: --before and --scores" "$jargon" gate "$work/policy.yaml" --scores "$work/compared.json" --before "$work/old.jsonl"
expect 64 "^jargon gate: --before and --deployed" "$jargon" gate "$work/policy.yaml" "$work/new.jsonl" \
  --before "$work/old.jsonl" --deployed "$work/compared.json"
for verb in "eval" "compare $work/old.jsonl"; do
  expect 64 '--utterances is of --json' "$jargon" $verb "$work/new.jsonl" --utterances --replicates 1000
done
expect 64 '--ref-format is of --ref' "$jargon" eval "$work/new.jsonl" --ref-format trn
expect 64 '--before-format is of --before' "$jargon" eval "$work/new.jsonl" --before-format trn
expect 65 "gate.json: no scores of schema" "$jargon" gate "$work/policy.yaml" --scores "$work/gate.json"
policy 'r: {measure: wer, where: {gender: m}, at_most: 0.5}\n'
expect 0 "^holds  *r" "$jargon" gate "$work/policy.yaml" --scores "$work/compared.json"
expect 0 "Exit code 0: every rule holds; 10: a" "$jargon" gate --help

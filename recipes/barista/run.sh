#!/bin/sh
# The demo's model, which never heard a person, transferred to an hour of real coffee orders: dev WER before, after, and
# of the same model trained on the orders alone.
# Usage: sh recipes/barista/run.sh SOURCE [DEMO [OUT]]     (from the repository's root, after `make demo`)
#   SOURCE  the folder with the orders' manifest.jsonl
#   DEMO    the demo's folder [demo]
#   OUT     where to work [work/barista]; the same again goes on where it stopped
set -eu
SOURCE=${1:?"usage: run.sh SOURCE [DEMO [OUT]]; SOURCE is the folder with the orders' manifest.jsonl"}
DEMO=${2:-demo} OUT=${3:-work/barista} jargon=${BUILD:-build}/jargon here=recipes/barista
[ -e "$DEMO/pretrained/last" ] || { echo "run.sh: $DEMO/pretrained/last is not there: run make demo first" >&2; exit 64; }
mkdir -p "$OUT"
[ -e "$OUT/manifests/dev.jsonl" ] || python3 data/barista/prepare.py "$SOURCE" --out "$OUT/manifests"
for part in train dev; do "$jargon" pack --out "$OUT/$part" "$OUT/manifests/$part.jsonl"; done
fit() { # VERB NAME OPTION...
  verb=$1 name=$2
  shift 2
  "$jargon" "$verb" --config $here/train.yaml --corpus "$OUT/train" --dev "$OUT/dev" --out "$OUT/$name" "$@"
}
fit adapt adapted --from "$DEMO/pretrained/last"
fit train scratch --preset recipes/presets/demo.yaml --tokenizer "$DEMO/tokenizer.json"
transcribe() { # NAME MODEL
  "$jargon" transcribe --model "$2" --manifest "$OUT/manifests/dev.jsonl" --format jsonl --out "$OUT/$1.jsonl"
}
transcribe before "$DEMO/pretrained/last"
transcribe after "$OUT/adapted/best"
transcribe scratch "$OUT/scratch/best"
echo "Before and after the transfer:"
"$jargon" eval --before "$OUT/before.jsonl" "$OUT/after.jsonl" --json "$OUT/transfer.json"
echo "From scratch, and after the transfer:"
"$jargon" eval --before "$OUT/scratch.jsonl" "$OUT/after.jsonl" --json "$OUT/scratch.json"

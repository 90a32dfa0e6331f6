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
common="--config $here/train.yaml --corpus $OUT/train --dev $OUT/dev"
"$jargon" adapt $common --from "$DEMO/pretrained/last" --out "$OUT/adapted"
"$jargon" train $common --preset recipes/presets/demo.yaml --tokenizer "$DEMO/tokenizer.json" --out "$OUT/scratch"
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

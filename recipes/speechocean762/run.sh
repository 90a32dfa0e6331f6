#!/bin/sh
# Read English of Mandarin speakers, children and adults (OpenSLR 101): preparation, training, dev WER by gender and age.
# Usage: sh recipes/speechocean762/run.sh SOURCE [OUT [START]]     (from the repository's root, after `make`)
#   SOURCE  the unpacked original (WAVE/ train/ test/), or a folder with a manifest.jsonl
#   OUT     where to work [work/speechocean762]; the same again goes on where it stopped
#   START   model directory to start from, for instance demo/pretrained/last; without it training is from scratch
set -eu
SOURCE=${1:?"usage: run.sh SOURCE [OUT [START]]; SOURCE is the corpus's folder"}
OUT=${2:-work/speechocean762} START=${3:-} jargon=${BUILD:-build}/jargon here=recipes/speechocean762
mkdir -p "$OUT"
[ -e "$OUT/manifests/dev.jsonl" ] || python3 data/speechocean762/prepare.py "$SOURCE" --out "$OUT/manifests"
for part in train dev; do "$jargon" pack --out "$OUT/$part" "$OUT/manifests/$part.jsonl"; done
if [ "$START" ]; then
  "$jargon" adapt --config $here/train.yaml --from "$START" --corpus "$OUT/train" --dev "$OUT/dev" --out "$OUT/run"
else
  [ -e "$OUT/tokenizer.json" ] ||
    "$jargon" vocab --kind bpe --size 128 --out "$OUT/tokenizer.json" "$OUT/manifests/train.jsonl"
  "$jargon" train --config $here/train.yaml --preset recipes/presets/demo.yaml --tokenizer "$OUT/tokenizer.json" \
    --corpus "$OUT/train" --dev "$OUT/dev" --out "$OUT/run"
fi
"$jargon" transcribe --model "$OUT/run/best" --manifest "$OUT/manifests/dev.jsonl" --format jsonl --out "$OUT/dev.hyp.jsonl"
"$jargon" eval "$OUT/dev.hyp.jsonl" --by gender,age_group --pairs --json "$OUT/scores.json"

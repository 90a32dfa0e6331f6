#!/bin/sh
# The demo: a synthetic interview corpus, a small Conformer-CTC pretrained on it, transferred to three domains, and the
# word error rates before and after.  Usage: sh recipes/demo/run.sh [OUT [SEED]]     (from the repository's root)
# Every stage is skipped when its result is there: an interrupted demo goes on where it stopped.
set -eu
OUT=${1:-demo} SEED=${2:-808} BUILD=${BUILD:-build}
here=recipes/demo
jargon=$BUILD/jargon
began=$(date +%s)

stage() { # title, result, command...: prints the title and the time taken, skips what is done
  title=$1 result=$2
  shift 2
  if [ -e "$result" ]; then echo "== $title: done before ($result)" && return; fi
  echo "== $title"
  stage_began=$(date +%s)
  "$@"
  echo "   $(($(date +%s) - stage_began)) s"
}

corpus() { python3 data/interviews/make.py --seed "$SEED" --out "$OUT/corpus.part" --speak "$BUILD/speak" && mv "$OUT/corpus.part" "$OUT/corpus"; }
vocabulary() { "$jargon" vocab --kind bpe --size 128 --out "$OUT/tokenizer.json" "$OUT/corpus/general.train.jsonl"; }
pack() {
  "$jargon" pack --out "$OUT/packed.general" "$OUT/corpus/general.train.jsonl"
  "$jargon" pack --out "$OUT/packed.domains" "$OUT/corpus/medicine.train.jsonl" "$OUT/corpus/poverty.train.jsonl" "$OUT/corpus/ruby.train.jsonl"
  "$jargon" pack --out "$OUT/packed.dev" "$OUT/corpus/dev.jsonl"
  : >"$OUT/packed.done"
}
pretrain() {
  "$jargon" train --config "$here/pretrain.yaml" --corpus "$OUT/packed.general" --tokenizer "$OUT/tokenizer.json" \
    --seed "$SEED" --out "$OUT/pretrained"
}
adapt() {
  "$jargon" adapt --config "$here/adapt.yaml" --from "$OUT/pretrained/last" --corpus "$OUT/packed.domains" \
    --replay "$OUT/packed.general" --dev "$OUT/packed.dev" --seed "$SEED" --out "$OUT/adapted"
}
transcribe() {
  for set in test offgrammar flite; do
    "$jargon" transcribe --model "$OUT/pretrained/last" --manifest "$OUT/corpus/$set.jsonl" --format jsonl --out "$OUT/$set.before.jsonl"
    "$jargon" transcribe --model "$OUT/adapted/best" --manifest "$OUT/corpus/$set.jsonl" --format jsonl --out "$OUT/$set.after.jsonl"
  done
  : >"$OUT/transcribed"
}

mkdir -p "$OUT"
echo "Jargon demo, seed $SEED, in $OUT/ (synthetic speech by espeak-ng: see data/interviews/DATASHEET.md)"
stage "1/6 interviews: sentences from grammars, spoken" "$OUT/corpus" corpus
stage "2/6 vocabulary" "$OUT/tokenizer.json" vocabulary
stage "3/6 packing" "$OUT/packed.done" pack
stage "4/6 pretraining on general interviews" "$OUT/pretrained/last" pretrain
stage "5/6 transfer to medicine, poverty, ruby" "$OUT/adapted/last" adapt
stage "6/6 transcribing the test sets with both models" "$OUT/transcribed" transcribe

echo
echo "Word error rates of unseen sentences by unseen voices, before and after the transfer:"
"$jargon" eval --before "$OUT/test.before.jsonl" --by domain,accent,gender --json "$OUT/test.json" --html "$OUT/report.html" \
  --mine "$OUT/corpus/general.train.txt" "$OUT/test.after.jsonl"
echo
echo "The honest figures: hand-written sentences outside the grammar, and another synthesiser's voices (flite):"
"$jargon" eval --before "$OUT/offgrammar.before.jsonl" --by domain --json "$OUT/offgrammar.json" "$OUT/offgrammar.after.jsonl"
"$jargon" eval --before "$OUT/flite.before.jsonl" --by domain --json "$OUT/flite.json" "$OUT/flite.after.jsonl"
echo
echo "Demo done in $(($(date +%s) - began)) s. Model: $OUT/adapted/best  Report: $OUT/report.html  Log: $OUT/adapted/log.jsonl"

#!/bin/sh
# Four minutes of the demo's speech and a tokenizer of them, for check.sh's loss curves: speech.sh FOLDER, from the
# repository's root. Made by the demo's own programs, as recipes/demo/run.sh makes its ten hours.
set -eu
BUILD=${BUILD:-build} to=$1
rm -rf "$to"
python3 data/interviews/make.py --seed 808 --out "$to" --speak "$BUILD/speak" --hours 0.068 --minutes-per-domain 0.1 \
  --test-speakers 1 --dev-speakers 1 --sentences-per-speaker 1 --flite-sentences 0 >&2
mv "$to/audio/general.train" "$to/kept"
rm -rf "$to/audio" "$to/espeak-ng-data" "$to"/[dmoprt]*.jsonl "$to"/*.txt "$to/script.tsv"
mkdir "$to/audio" && mv "$to/kept" "$to/audio/general.train"
"$BUILD/jargon" vocab --kind bpe --size 128 --out "$to/tokenizer.json" "$to/general.train.jsonl" >&2

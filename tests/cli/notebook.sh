#!/bin/sh
# The notebooks run, every cell, on the example in the tree and on one made anew; and refuse what cannot be compared.
set -e
for python in python3 /usr/bin/python3 ''; do
  [ -z "$python" ] || ! "$python" -c 'import matplotlib' 2>/dev/null || break
done
[ "$python" ] || { echo "no matplotlib here: apt-get install python3-matplotlib, then make notebook"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MPLCONFIGDIR="$work"
notebook=notebooks/compare_slices.ipynb

"$python" notebooks/run.py $notebook "$work" >"$work/kept"
grep -q "cells run, 2 figures" "$work/kept"
sh notebooks/example/make.sh "$work"
SCORES_A=$work/model_a.json SCORES_B=$work/model_b.json "$python" notebooks/run.py $notebook >"$work/anew"
cmp "$work/kept" "$work/anew" || { echo "the example in the tree is not what make.sh makes"; exit 1; }

# What it prints is what the documents say.
python3 - "$work" <<'END'
import json, sys
folder = sys.argv[1]
text = open(folder + "/kept").read()
a, b = (json.load(open(f"{folder}/model_{name}.json"))["slices"] for name in "ab")
assert f"model B: WER {100 * b[0]['cells'][0]['wer']:.2f} %" in text
for part, other in zip(a, b):
    for x, y in zip(part["cells"], other["cells"]):
        assert f"{100 * x['wer']:8.2f}{100 * y['wer']:8.2f}{100 * (y['wer'] - x['wer']):+8.2f}" in text, x["values"]
END

# Two documents of different references are not compared.
sed 's/"utterances": [0-9]*/"utterances": 7/' "$work/model_b.json" >"$work/other.json"
if SCORES_A=$work/model_a.json SCORES_B=$work/other.json "$python" notebooks/run.py $notebook >/dev/null 2>"$work/error"; then
  echo "documents of different references were compared"
  exit 1
fi
grep -q "not scored alike" "$work/error"

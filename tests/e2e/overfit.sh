# pack, vocab, train, transcribe, eval: a tiny corpus is learned by heart, to no word error.
. tests/support.sh
make_corpus
rate() { # FILE: word error rate over all, in percent of its eval --json
  python3 -c 'import json, sys
cell = json.load(open(sys.argv[1]))["slices"][0]["cells"][0]
assert cell["utterances"] == 24 and cell["words"] == 60, cell
print("%.2f" % (100 * cell["wer"]))' "$1"
}

train untrained --steps 1 --warmup 1 --learning-rate 1e-9 2>/dev/null
train run --epochs 60 freq_masks=0 time_masks=0 model.dropout=0 model.attention_dropout=0 2>train.err
check 'the best model scored 0 on dev' grep -q 'run/best: dev WER 0.00 %' train.err
for model in untrained/last run/best run/last; do
  name=$(echo "$model" | tr / .)
  check "transcribe with $model" "$jargon" transcribe --model "$model" --manifest wav/manifest.jsonl --format jsonl --out "$name.jsonl"
  check "eval of $model" "$jargon" eval "$name.jsonl" --json "$name.json"
done
check 'the untrained model knows nothing' awk "BEGIN { exit !($(rate untrained.last.json) >= 90) }"
check 'the best model has WER 0' test "$(rate run.best.json)" = 0.00
check 'the last model has WER 0' test "$(rate run.last.json)" = 0.00

# The same words by every other way in: the packed corpus, files by name, one by one
"$jargon" transcribe --model run/best --corpus corpus --format text --out corpus.txt 2>/dev/null
"$jargon" transcribe --model run/best wav/*.wav >files.txt 2>/dev/null
for file in wav/*.wav; do "$jargon" transcribe --model run/best "$file" 2>/dev/null; done >single.txt
python3 -c 'import json
for line in open("wav/manifest.jsonl"): print(json.loads(line)["text"])' >reference.txt
for text in corpus files single; do check "$text.txt is the reference" cmp reference.txt $text.txt; done
finish

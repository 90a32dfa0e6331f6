# best/ holds the model that scored best on dev, not the last one, and the message says which.
. tests/support.sh
make_corpus
train base --steps 120 2>/dev/null
# It learns to say "deb" to everything: the longer the worse
sed 's/"text": "[^"]*"/"text": "deb"/' wav/manifest.jsonl >wav/wrong.jsonl
"$jargon" pack --out wrong wav/wrong.jsonl >/dev/null
"$jargon" adapt --from base/best --corpus wrong --dev corpus --out run --steps 40 --eval-every 4 --learning-rate 3e-3 --warmup 30 \
  --batch-seconds 8 2>train.err
check 'best is what the log says' python3 -c 'import json, re
rows = [json.loads(line) for line in open("run/log.jsonl")]
scored = [row for row in rows if "dev_wer" in row]
best = min(scored, key=lambda row: (row["dev_wer"], row["dev_loss"]))
step, wer = re.search(r"dev WER ([\d.]+) %, step (\d+)", open("train.err").read()).groups()[::-1]
print([(row["step"], row["dev_wer"]) for row in scored], step, wer)
assert len(scored) == 10
assert int(step) == best["step"] and abs(float(wer) - best["dev_wer"]) < 0.006
assert scored[-1]["dev_wer"] > best["dev_wer"] + 20, "the last one is the best: this test shows nothing"
open("best.wer", "w").write("%.2f" % best["dev_wer"])
open("last.wer", "w").write("%.2f" % scored[-1]["dev_wer"])'
cat out
for model in best last; do
  "$jargon" transcribe --model run/$model --corpus corpus --format jsonl --out $model.jsonl 2>/dev/null
  "$jargon" eval $model.jsonl --json $model.json >/dev/null
  check "run/$model has the rate in the log" python3 -c 'import json, sys
rate = "%.2f" % (100 * json.load(open(sys.argv[1] + ".json"))["slices"][0]["cells"][0]["wer"])
assert rate == open(sys.argv[1] + ".wer").read(), rate' $model
done
finish

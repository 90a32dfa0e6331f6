# A run is not resumed with other settings, data or vocabulary than it began with, unless told.
. tests/support.sh
make_corpus
train run --steps 20 2>/dev/null
again() { # pattern, setting...
  pattern=$1
  shift
  expect 64 "^jargon train: run holds another run: $pattern; give the same settings, another --out, or --resume-anyway" \
    train run "$@"
}
again 'was .steps: 20., is now .steps: 30.' --steps 30
again 'was .learning_rate: 0.003., is now .learning_rate: 0.001.' --steps 20 --learning-rate 0.001
again 'was .seed: 0., is now .seed: 3.' --steps 20 --seed 3
again '.*dropout.*' --steps 20 model.dropout=0.2
again 'was .epochs: 0., is now .epochs: 4.' --epochs 4
python3 "$root/tests/e2e/tiny_corpus.py" wav2 24 2
"$jargon" pack --out corpus2 wav2/manifest.jsonl >/dev/null
again 'new is .content of corpus: [0-9a-f]*.' --steps 20 --corpus corpus2
again 'new is .content of dev: [0-9a-f]*.' --steps 20 --dev corpus2
sed 's/"version": "1.0"/"version":  "1.0"/' tokenizer.json >other.json
again 'was .content of tokenizer: .*' --steps 20 --tokenizer other.json
expect 0 'this run is finished already' train run --steps 20 --threads 2 --log-every 7 --save-every 9 # bits do not change
mv corpus moved
ln -s moved corpus
expect 0 'this run is finished already' train run --steps 20 # the same content elsewhere
rm corpus
ln -s corpus2 corpus
again 'was .content of corpus: [0-9a-f]*., is now .content of corpus: [0-9a-f]*.' --steps 20
rm corpus
ln -s moved corpus
cp run/last/model.safetensors before
expect 0 'resuming anyway: was .steps: 20., is now .steps: 30.' train run --steps 30 --resume-anyway
check 'it went on for ten steps' grep -q '"step":30,' run/log.jsonl
check 'once each' test "$(wc -l <run/log.jsonl)" = "$(sed 's/,.*//' run/log.jsonl | sort -u | wc -l)"
check 'with other weights' sh -c '! cmp -s before run/last/model.safetensors'
finish

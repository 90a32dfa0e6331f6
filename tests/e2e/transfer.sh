# adapt: frozen parameters keep their bits, replay has its share, another vocabulary restarts the head alone.
. tests/support.sh
make_corpus
python3 "$root/tests/e2e/tiny_corpus.py" wav2 12 2
"$jargon" pack --out corpus2 wav2/manifest.jsonl >/dev/null
train base --steps 40 2>/dev/null
adapt() { # OUT, SETTING...
  out=$1
  shift
  "$jargon" adapt --from base/last --corpus corpus2 --out "$out" --batch-seconds 4 --warmup 1 --learning-rate 1e-3 "$@"
}
tensors() { python3 "$root/tests/e2e/tensors.py" "$1/last/model.safetensors" base/last/model.safetensors; }

# Frozen: not by gradient, decay or moments. Others do change.
adapt frozen --steps 5 --freeze 'encoder.layers.*' --freeze 'encoder.subsampling.*' --weight-decay 0.1 2>/dev/null
tensors frozen >frozen.tensors
check 'frozen: encoder parameters' sh -c "! grep '^[^s].* encoder' frozen.tensors | grep -v 'running_\|num_batches'"
check 'there are frozen ones' test "$(grep -c '^same encoder' frozen.tensors)" -gt 20
check 'the head was trained' test "$(grep -c '^other ctc_head' frozen.tensors)" = 2
adapt head --steps 5 --freeze 'ctc_head.*' 2>/dev/null
tensors head >head.tensors
check 'frozen: the head' test "$(grep -c '^same ctc_head' head.tensors)" = 2
check 'the encoder was trained' test "$(grep -c '^other encoder' head.tensors)" -gt 20

# Replay: so many seconds per second of the corpus, in every epoch (12 utterances, 18 s of audio)
steps_of() { tail -n 1 "$1/log.jsonl" | sed 's/.*"step":\([0-9]*\),.*/\1/'; }
seconds=$(python3 -c 'import json; print(sum(json.loads(l)["duration"] for l in open("wav2/manifest.jsonl")))')
for share in 0 1 3; do
  adapt replay$share --epochs 2 --batch-seconds 6 --replay corpus --replay-share $share 2>/dev/null
  steps=$(steps_of replay$share)
  check "replay share $share: $steps steps" \
    awk "BEGIN { least = 2 * $seconds * (1 + $share) / 6; exit !($steps >= least && $steps <= 1.5 * least + 2) }"
done
adapt plain --epochs 2 --batch-seconds 6 2>/dev/null
check 'replay share 0 is no replay' test "$(steps_of replay0)" = "$(steps_of plain)"

# Another vocabulary: of another size, and of the same size with other letters
"$jargon" vocab --kind bpe --size 12 --out pieces.json wav/manifest.jsonl >/dev/null
echo 'vwx xyz zwv' >letters.txt
"$jargon" vocab --kind char --size 20 --out letters.json letters.txt >/dev/null
adapt pieces --steps 1 --learning-rate 1e-30 --weight-decay 0 --tokenizer pieces.json 2>adapt.err
check 'it says so' grep -q 'the vocabulary is not that of base/last: the CTC head starts anew' adapt.err
tensors pieces >pieces.tensors
check 'the head has another size' test "$(grep -c '^new ctc_head' pieces.tensors)" = 2
check 'the encoder is the old one' sh -c "! grep '^[^s].* encoder' pieces.tensors | grep -v 'running_\|num_batches'"
check 'the new tokeniser is in the model' cmp pieces.json pieces/last/tokenizer.json
adapt letters --steps 1 --learning-rate 1e-30 --weight-decay 0 --tokenizer letters.json 2>adapt.err
check 'it says so for the same size' grep -q 'the CTC head starts anew' adapt.err
tensors letters >letters.tensors
check 'same size, other letters: the head starts anew all the same' grep -q '^other ctc_head.weight' letters.tensors
check 'the encoder is the old one there too' sh -c "! grep '^[^s].* encoder' letters.tensors | grep -v 'running_\|num_batches'"
adapt same --steps 1 --learning-rate 1e-30 --weight-decay 0 2>adapt.err
tensors same >same.tensors
check 'the same vocabulary: the head stays' test "$(grep -c '^same ctc_head' same.tensors)" = 2
finish

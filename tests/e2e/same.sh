# The same bits: of two runs, on one core or several, with either width of vectors. Batches accumulated are one batch.
. tests/support.sh
make_corpus
settings="--steps 30 --log-every 1 --eval-every 10"
log() { sed 's/"hours_per_hour.*//' "$1/log.jsonl"; }
OMP_NUM_THREADS=1 train one $settings 2>/dev/null
OMP_NUM_THREADS=1 train again $settings 2>/dev/null
OMP_NUM_THREADS=2 train two $settings 2>/dev/null
OMP_NUM_THREADS=1 train three $settings --threads 3 2>/dev/null
OMP_NUM_THREADS=2 JARGON_CPU=avx2 train narrow $settings 2>/dev/null
log one >one.log
check 'the log has 30 lines' test "$(wc -l <one.log)" = 30
for run in again two three narrow; do
  check "$run: weights" cmp one/last/model.safetensors $run/last/model.safetensors
  log $run >$run.log
  check "$run: every loss" cmp one.log $run.log
done
train other $settings --seed 1 2>/dev/null
check 'another seed: other weights' sh -c '! cmp -s one/last/model.safetensors other/last/model.safetensors'
OMP_NUM_THREADS=1 "$jargon" transcribe --model one/last --manifest wav/manifest.jsonl --format jsonl --out a.jsonl 2>/dev/null
OMP_NUM_THREADS=2 "$jargon" transcribe --model one/last --manifest wav/manifest.jsonl --format jsonl --batch-seconds 3 --out b.jsonl 2>/dev/null
check 'transcripts and confidences, whatever the threads and batches' cmp a.jsonl b.jsonl

# The whole corpus in one batch, and in several accumulated: the same loss and gradient but for the batch norms, which see
# a part at a time. (Taken per batch instead of over the whole step, the loss would be several times as large.)
train whole --steps 1 --warmup 1 --log-every 1 --batch-seconds 60 --accumulate 1 model.dropout=0 model.attention_dropout=0 2>/dev/null
train parts --steps 1 --warmup 1 --log-every 1 --batch-seconds 10 --accumulate 9 model.dropout=0 model.attention_dropout=0 2>/dev/null
check 'one step is one epoch of both' test "$(grep -h -o '"epoch":1.0,' whole/log.jsonl parts/log.jsonl | wc -l)" = 2
check 'loss and gradient norm agree' python3 -c 'import json
a, b = (json.loads(open(run + "/log.jsonl").readline()) for run in ("whole", "parts"))
print(a, b)
assert abs(a["loss"] / b["loss"] - 1) < 0.02, "loss"
assert abs(a["gradient_norm"] / b["gradient_norm"] - 1) < 0.1, "gradient norm"'
finish

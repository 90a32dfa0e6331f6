# Files that cannot be read or written: exit code 74, nothing half-written, and what was there before stays whole.
. tests/support.sh
make_corpus
train run --steps 12 >/dev/null 2>&1
"$jargon" transcribe --model run/best --manifest wav/manifest.jsonl --format jsonl --out hyp.jsonl 2>/dev/null

# Not there
expect 74 '^jargon pack: cannot open nope.jsonl: No such file' "$jargon" pack --out p nope.jsonl
expect 74 '^jargon vocab: cannot open nope.txt' "$jargon" vocab --out x nope.txt
expect 74 '^jargon train: cannot open nope.yaml' train bad --steps 20 --preset nope.yaml
expect 74 '^jargon train: cannot open nope.json' train bad --steps 20 --tokenizer nope.json
expect 74 '^jargon train: wav is not a packed corpus \(.jargon pack. makes one' train bad --steps 20 --corpus wav
expect 74 '^jargon adapt: wav is not a model directory \(.jargon train. writes one' \
  "$jargon" adapt --from wav --corpus corpus --out bad --steps 3
expect 74 '^jargon transcribe: nope is not a model directory' "$jargon" transcribe --model nope wav/0000.wav
expect 74 '^jargon transcribe: cannot open nope.wav' "$jargon" transcribe --model run/best --out t.txt wav/0000.wav nope.wav
expect 74 '^jargon eval: cannot open nope.jsonl' "$jargon" eval nope.jsonl
check 'no transcript is left of a failed run' sh -c '! ls t.txt* 2>/dev/null'

# Not to be written
echo hello >file
expect 74 '^jargon pack: file is not a folder' "$jargon" pack --out file wav/manifest.jsonl
expect 74 '^jargon train: cannot make the folder file/run: Not a directory' train file/run --steps 20
expect 74 '^jargon vocab: cannot write nowhere/x: No such file' "$jargon" vocab --kind char --out nowhere/x wav/manifest.jsonl
expect 74 '^jargon vocab: cannot write wav: it is a folder' "$jargon" vocab --kind char --out wav wav/manifest.jsonl
expect 74 '^jargon transcribe: cannot write wav: it is a folder' "$jargon" transcribe --model run/best --out wav wav/0000.wav
expect 74 '^jargon eval: cannot write nowhere/x' "$jargon" eval hyp.jsonl --json nowhere/x
for command in '--help' 'pack --help' 'pack --out corpus wav/manifest.jsonl' 'eval hyp.jsonl' 'transcribe --model run/best wav/0000.wav'; do
  expect 74 '^jargon.*: cannot write (to the standard output|the transcripts)' sh -c "exec '$jargon' $command >/dev/full"
done

# A disk that is full from the Nth write on, for every N
full() { # under, command...: runs it with the disk full at each point until it succeeds
  under=$1 n=1
  shift
  while [ $n -lt 400 ]; do
    code=0
    FAULT_UNDER="$work/$under" FAULT_DO=full FAULT_AT=$n LD_PRELOAD="$bin/tests/e2e/faults.so" "$@" >out 2>err || code=$?
    [ $code != 0 ] || break
    checks=$((checks + 1))
    if [ $code != 74 ] || ! grep -q '^jargon.*: cannot \|No space left' err; then
      complain "full disk at write $n: exit code $code: $*"
    fi
    left=$(ls -A | grep -E "^$under\.(tmp|jargon)" || true)
    [ -z "$left" ] || complain "full disk at write $n leaves $left: $*"
    "$after"
    n=$((n + $step))
  done
  check "$1 $2 was run with a full disk at more than one point" test $n -gt $((2 * step))
}
look_packed() { ! ls packed 2>/dev/null | grep -q tmp || complain "packed has $(ls packed | grep tmp) after write $n"; }
look_run() {
  for model in run2/best run2/last; do
    [ ! -e $model ] || check "$model loads after a full disk at write $n" "$jargon" transcribe --model $model wav/0000.wav
  done
  for checkpoint in run2/checkpoint-*.h5; do
    [ ! -e "$checkpoint" ] || check "$checkpoint is whole after write $n" "$bin/tests/e2e/checkpoint_print" "$checkpoint"
  done
  rm -rf run2
}
nothing() { :; }
step=1 after=nothing; full v.json "$jargon" vocab --kind char --size 20 --out v.json wav/manifest.jsonl
step=1 after=nothing; full t.txt "$jargon" transcribe --model run/best --out t.txt wav/0000.wav
step=1 after=nothing; full s.json "$jargon" eval hyp.jsonl --json s.json
step=5 after=look_packed; full packed "$jargon" pack --out packed --quiet wav/manifest.jsonl
check 'the corpus packed after the disk had room again' cmp packed/shard-00000.h5 corpus/shard-00000.h5
step=10 after=look_run; full run2 "$jargon" train --preset preset.yaml --tokenizer tokenizer.json --corpus corpus --dev corpus \
  --out run2 --batch-seconds 8 --warmup 1 --epochs 2 --save-every 4
finish

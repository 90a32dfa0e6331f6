# Sourced by the scripts in tests/cli and tests/e2e, from the repository's root: a scratch folder, the program, and checks.
#
#   expect CODE 'pattern' command...   runs it; its exit code must be CODE, and a line of stderr match the pattern
#                                      (grep -E; '': stderr must be empty). Output in $work/out and $work/err.
#   check 'what' command...            the command must succeed
set -eu
BUILD=${BUILD:-build}
root=$(pwd -P)
case $BUILD in /*) bin=$BUILD ;; *) bin=$root/$BUILD ;; esac
jargon=$bin/jargon
[ -w /dev/shm ] && [ -z "${TMPDIR:-}" ] && TMPDIR=/dev/shm && export TMPDIR # thousands of fsyncs
work=$(cd "$(mktemp -d)" && pwd -P)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT HUP
failures=0 checks=0
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"  # the models are tiny
export ASAN_OPTIONS="verify_asan_link_order=0:${ASAN_OPTIONS:-}" # faults.so comes before AddressSanitizer's library

complain() {
  failures=$((failures + 1))
  echo "FAILED: $1"
  sed 's/^/   stdout: /' "$work/out" | head -n 5
  sed 's/^/   stderr: /' "$work/err" | head -n 12
}

expect() {
  wanted=$1 pattern=$2
  shift 2
  code=0
  checks=$((checks + 1))
  "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
  if [ "$code" != "$wanted" ]; then
    complain "exit code $code instead of $wanted: $*"
  elif [ -z "$pattern" ] && [ -s "$work/err" ]; then
    complain "something on stderr: $*"
  elif [ -n "$pattern" ] && ! grep -qE -e "$pattern" "$work/err"; then
    complain "no line like '$pattern': $*"
  fi
}

check() {
  what=$1
  shift
  checks=$((checks + 1))
  "$@" >"$work/out" 2>"$work/err" </dev/null || complain "$what"
}

finish() {
  echo "$checks checks, $failures failed"
  [ "$failures" = 0 ] && [ "$checks" -gt 0 ]
}

# A corpus of tones (24 utterances) in ./wav and packed in ./corpus, tokenizer.json and a tiny preset.
make_corpus() {
  python3 "$root/tests/e2e/tiny_corpus.py" wav 24 1
  "$jargon" pack --out corpus wav/manifest.jsonl >/dev/null
  "$jargon" vocab --kind char --size 20 --out tokenizer.json wav/manifest.jsonl >/dev/null
  cat >preset.yaml <<END
hidden_size: 32
num_hidden_layers: 1
num_attention_heads: 2
intermediate_size: 64
conv_kernel_size: 7
subsampling_factor: 4
subsampling_conv_channels: 8
dropout: 0.1
activation_dropout: 0
attention_dropout: 0.1
layerdrop: 0
END
}

# train OUT [SETTING...]: a short run on that corpus.
train() {
  out=$1
  shift
  "$jargon" train --preset preset.yaml --tokenizer tokenizer.json --corpus corpus --dev corpus --out "$out" \
    --batch-seconds 8 --learning-rate 3e-3 --warmup 10 "$@"
}
cd "$work"

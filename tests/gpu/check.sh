#!/bin/sh
# The CUDA backend on a GPU, from the repository's root or from the folder that make gpu-bundle makes:
#
#   tests/gpu/check.sh correct [TEST...]   operations and the whole model against the references, in f32 and bf16 (or only the
#                                          tests named: ops/test_gemm bits); the same bits; the CPU's loss curve
#   tests/gpu/check.sh sanitize [TOOL...]  memcheck, racecheck, initcheck on small shapes
#   tests/gpu/check.sh bench [PART...]     of kernels, model, torch, parakeet, compile: times, floors, PyTorch beside (compile:
#                                          both of PyTorch's models under torch.compile)
#
# README.md here has the calls for a machine that is lent by the half hour.
# Every finding is a JSON line in $OUT/STAGE.jsonl (build/gpu unless OUT is set), written when it is found. A stage ends within
# eight minutes (SECONDS_LIMIT=470): it says what found no time. Exit code: 0, 1 when a check failed or did not run, 77 without
# a GPU. JARGON_CUDA may name the emulated library (tests/cuda_on_cpu), on which correct runs what it can: set
# JARGON_OPS_SMALL=1 then.
stage=${1:-}
case $stage in correct | sanitize | bench) shift ;; *) sed -n '3,9s/^# *//p' "$0" >&2 && exit 64 ;; esac
OUT=${OUT:-build/gpu}
mkdir -p "$OUT" && OUT=$(cd "$OUT" && pwd -P) || exit 74
. tests/support.sh # stays in $work from here on; $root, $bin, $jargon, make_corpus, train
cd "$root"
set +e
deadline=$(($(date +%s) + ${SECONDS_LIMIT:-470}))
results=$OUT/$stage.jsonl
: >"$results"
log=$work/log
cores=$(nproc)

# The bundle's libraries, those of the compiler only where the machine has none; cuBLASLt from CUDA or from PyTorch's packages.
ours=
[ ! -d lib ] || ours=$root/lib
for library in lib/compiler/*; do
  [ ! -e "$library" ] || ldconfig -p | grep -q "^[[:space:]]*${library##*/} " || ours=$ours:$root/lib/compiler
done
for folder in /usr/local/cuda/lib64 /usr/local/cuda-13*/lib64 \
  "$(python3 -c 'import nvidia.cu13 as n; print(list(n.__path__)[0] + "/lib")' 2>/dev/null)" \
  "$(python3 -c 'import nvidia.cublas as n; print(list(n.__path__)[0] + "/lib")' 2>/dev/null)"; do
  [ ! -e "$folder/libcublasLt.so.13" ] || { ours=${ours:+$ours:}$folder && break; }
done
cudnn=
for folder in /usr/local/cuda/lib64 /usr/local/cuda-13*/lib64 /usr/lib/x86_64-linux-gnu \
  "$(python3 -c 'import nvidia.cudnn as n; print(list(n.__path__)[0] + "/lib")' 2>/dev/null)"; do
  [ ! -e "$folder/libcudnn.so.9" ] || { cudnn=$folder/libcudnn.so.9 && break; }
done
own() { LD_LIBRARY_PATH=$ours${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"; }
jargon_own() { own timeout -k 5 100 "$bin/jargon" "$@"; }

quote() { tr -c '[:print:]' ' ' | sed 's/[\\"]/\\&/g'; }
finding() { # NAME RESULT SECONDS [TEXT]: one line, written at once
  printf '{"stage": "%s", "name": "%s", "result": "%s", "seconds": %s, "text": "%s"}\n' "$stage" "$1" "$2" "$3" \
    "$(printf %s "${4:-}" | quote)" >>"$results"
  echo "$2  $1 ($3 s) $(printf %s "${4:-}" | tail -c 300)"
}
left() { echo $((deadline - $(date +%s))); }
count() { grep -c "\"result\": \"$1\"" "$results"; }
abreast() { # COUNT FUNCTION NAME...: FUNCTION of each name, COUNT at a time, each with a log of its own
  workers=$1 function=$2
  shift 2
  for worker in $(seq "$workers"); do
    (
      log=$work/log.$worker at=0
      for name in "$@"; do
        [ $((at % workers + 1)) != "$worker" ] || $function "$name"
        at=$((at + 1))
      done
    ) &
  done
  wait
}
attempt() { # NAME LIMIT command...: ok, or the exit code and the output's end; its output stays in $log
  title=$1 limit=$2
  shift 2
  : >"$log" # of what does not run, nothing is left to be taken for its output
  [ "$(left)" -gt 3 ] || { finding "$title" 'not run' 0 'no time left'; return 1; }
  [ "$limit" -lt "$(left)" ] || limit=$(left)
  start=$(date +%s)
  own timeout -k 5 "$limit" "$@" >"$log" 2>&1
  code=$?
  took=$(($(date +%s) - start))
  case $code in
  0) finding "$title" ok $took "$(grep -a largest "$log" | tail -n 12)" ;;
  124) finding "$title" 'out of time' $took "$(tail -n 4 "$log")" ;;
  *) finding "$title" "exit $code" $took "$(tail -n 12 "$log")" ;;
  esac
  return $code
}
same() { # NAME FILE FILE: the same bytes
  if [ -s "$2" ] && cmp -s "$2" "$3"; then finding "$1" ok 0; else finding "$1" different 0 "$(cmp "$2" "$3" 2>&1)"; fi
}

export JARGON_CUDA="${JARGON_CUDA:-$bin/libjargon_cuda.so}"
device=$(own "$bin/tests/bench/gpu_model" device cuda 2>&1) || {
  case $device in *'build it again'* | *'build both'*)
    finding library failed 0 "$device"
    exit 1 ;;
  esac
  finding device skipped 0 "$device" >/dev/null
  echo "check.sh $stage: no GPU to run on: $device"
  exit 77
}
case $device in *emulated*) emulated=yes cudnn=$JARGON_CUDA ;; *) emulated= ;; esac
[ -z "$emulated" ] || [ "$stage" = correct ] || { echo "check.sh $stage: only on a GPU, and this is the emulator" && exit 77; }
finding device note 0 "$device; $(nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null)"
export JARGON_OPS_DEVICE=cuda
unset JARGON_CUDNN JARGON_GEMM # only where they are asked for

abreast_at_most() { [ "$cores" -lt "$1" ] && echo "$cores" || echo "$1"; }
operations() { # names of the tests that run on a GPU, in the order that finds most early
  for program in "$bin"/tests/ops/test_* "$bin"/tests/cuda_on_cpu/test_model; do
    case $program in *.o | *.d | */test_math | */test_product) continue ;; esac
    [ ! -x "$program" ] || echo "${program#"$bin"/tests/}"
  done
}

attempt_cudnn() { # NAME LIMIT command...: the same with cuDNN's convolutions, where there is cuDNN
  title="$1, cuDNN" limit=$2
  shift 2
  [ "$cudnn" ] || { finding "$title" skipped 0 'no libcudnn.so.9 in CUDA, the system or PyTorch'; return 1; }
  attempt "$title" "$limit" env JARGON_CUDNN="$cudnn" LD_LIBRARY_PATH="${cudnn%/*}:$ours${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$@"
}

attempt_own() { # NAME LIMIT command...: the same with our own products
  title="$1, own products" limit=$2
  shift 2
  attempt "$title" "$limit" env JARGON_GEMM=own "$@"
}

# Twice, killed halfway through its writes and resumed, alone and in batches of any size: the same bits. f32 and bf16.
determinism() {
  precision=$1 steps=300 # on a GPU until it writes words
  [ -z "$emulated" ] || steps=4
  pretrain() ( # RUN: faults.so counts its writes; killed at write $2
    cd "$work" && jargon=jargon_own
    export FAULT_UNDER="$work/$1-$precision" FAULT_LOG="$work/writes-$1" LD_PRELOAD="$bin/tests/e2e/faults.so"
    [ -z "${2:-}" ] || export FAULT_DO=kill FAULT_AT="$2"
    train "$1-$precision" --steps $steps --warmup 2 --save-every $((steps / 4)) --log-every 1 --device cuda \
      --precision "$precision" >"$work/log" 2>&1
  )
  for run in one two; do
    rm -f "$work/writes-$run"
    pretrain $run || finding "train $run $precision" failed 0 "$(tail -n 5 "$work/log")"
  done
  same "the same run twice, $precision" "$work/one-$precision/last/model.safetensors" "$work/two-$precision/last/model.safetensors"
  [ -s "$work/writes-two" ] || { finding "writes, $precision" 'not counted' 0 'faults.so wrote none down' && return; }
  pretrain killed $(($(wc -l <"$work/writes-two") / 2))
  [ $? = 137 ] && ls "$work/killed-$precision"/checkpoint-* >/dev/null 2>&1 ||
    finding "killed, $precision" 'not after a checkpoint' 0 "$(tail -n 3 "$work/log")"
  pretrain killed
  same "killed and resumed, $precision" "$work/one-$precision/last/model.safetensors" "$work/killed-$precision/last/model.safetensors"
  for seconds in 1 3 120; do
    own "$jargon" transcribe --model "$work/one-$precision/last" --manifest "$work/wav/manifest.jsonl" --format jsonl \
      --device cuda --precision "$precision" --batch-seconds $seconds --out "$work/$seconds.jsonl" 2>"$work/log" ||
      finding "transcribe, $precision" failed 0 "$(tail -n 3 "$work/log")"
  done
  words=$(grep -c '"word": *"[a-e]' "$work/1.jsonl")
  result=ok && [ "$words" -gt 0 ] || result='all are empty'
  [ -z "$emulated" ] || result=note # after four steps
  finding "transcripts with words, $precision" "$result" 0 "$words of $(wc -l <"$work/1.jsonl")"
  same "alone and 3 s a batch, $precision" "$work/1.jsonl" "$work/3.jsonl"
  same "alone and all in one batch, $precision" "$work/1.jsonl" "$work/120.jsonl"
}

# The demo's pretraining, on four minutes of its speech: the loss of every step on the GPU beside the CPU's.
curve() {
  speech=$root/speech # in the bundle
  if [ ! -e "$speech/tokenizer.json" ]; then
    speech=$work/speech
    attempt 'speech of the demo' 60 env BUILD="$bin" sh tests/gpu/speech.sh "$speech" || return
  fi
  attempt 'pack the speech' 60 "$jargon" pack --out "$work/packed" "$speech/general.train.jsonl" || return
  steps=200 seconds=20 warmup=200
  [ -z "$emulated" ] || { steps=12 seconds=2 warmup=6; }
  for run in cpu.f32 cuda.f32 cuda.bf16; do
    attempt "pretrain $run" 110 env OMP_NUM_THREADS="$cores" "$jargon" train --config "$root/recipes/demo/pretrain.yaml" \
      --tokenizer "$speech/tokenizer.json" --corpus "$work/packed" --dev "$work/packed" --out "$work/curve.$run" --seed 808 \
      --steps $steps --warmup $warmup --batch-seconds $seconds --log-every 1 --eval-every $steps --device ${run%.*} \
      --precision ${run#*.} || return
  done
  for run in cuda.f32 cuda.bf16; do
    text=$(python3 - "$work/curve.cpu.f32/log.jsonl" "$work/curve.$run/log.jsonl" ${run#*.} $steps <<'PY'
import json, sys
a, b = ([json.loads(line)["loss"] for line in open(name) if '"loss"' in line] for name in sys.argv[1:3])
off = [abs(x - y) / max(abs(x), 0.1) for x, y in zip(a, b)]
most, mean = {"f32": (1e-3, 0.01), "bf16": (3e-2, 0.05)}[sys.argv[3]]  # a learning rate 10 % off makes 0.03
steps = int(sys.argv[4])
print("steps %d, first loss %.4f and %.4f, last %.4f and %.4f, mean difference %.2e, largest of the first ten %.2e; every tenth: "
      % (len(off), a[0], b[0], a[-1], b[-1], sum(off) / len(off), max(off[:10])) + " ".join("%.3f/%.3f" % p for p in zip(a[::10], b[::10])))
sys.exit(not (len(a) == len(b) == steps and a[-1] < a[0] and max(off[:10]) < most and sum(off) / len(off) < mean))
PY
    )
    if [ $? = 0 ]; then finding "loss curve, $run" ok 0 "$text"; else finding "loss curve, $run" apart 0 "$text"; fi
  done
}

operation() { # NAME: of a test, with both kinds of convolutions and of products where it has any
  attempt "$1" 100 "$bin/tests/$1"
  case $1 in */test_conv2d | */test_model) attempt_cudnn "$1" 100 "$bin/tests/$1" ;; esac
  case $1 in */test_gemm | */test_model) attempt_own "$1" 100 "$bin/tests/$1" ;; esac
}

correct() { # several tests at a time: each leaves the GPU idle while its reference is computed
  abreast "$(abreast_at_most 6)" operation $(printf '%s\n' ${*:-$(operations)} | grep -vx -e bits -e curve)
  case " ${*:-bits} " in *' bits '*)
    (cd "$work" && jargon=jargon_own && make_corpus) >"$log" 2>&1
    [ -s "$work/tokenizer.json" ] || { finding corpus failed 0 "$(tail -n 3 "$log")" && return; }
    determinism f32
    determinism bf16 ;;
  esac
  case " ${*:-curve} " in *' curve '*) [ "$emulated$#" = yes0 ] || curve ;; esac
}

sanitizer() { # NAME: of a test, under $kind
  attempt "$kind $1" 100 "$tool" --tool "$kind" --error-exitcode 99 --print-limit 5 "$bin/tests/$1"
  case $1 in */test_gemm)
    attempt_own "$kind $1" 100 "$tool" --tool "$kind" --error-exitcode 99 --print-limit 5 \
      "$bin/tests/$1" ;;
  esac
}

sanitize() {
  tool=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
  [ "$tool" ] || { finding compute-sanitizer 'not run' 0 'compute-sanitizer is not on this machine'; return; }
  export JARGON_OPS_SMALL=1
  for kind in ${*:-memcheck racecheck initcheck}; do
    abreast "$(abreast_at_most 6)" sanitizer $(operations)
  done
}

# Lines of JSON from a program's output go to the results as they are: [FIELDS to add].
lines() { grep -a '^{' "$log" | sed "s/^{/{\"stage\": \"bench\", ${1:-}/" | tee -a "$results"; }

kernels() { # NAME FIELDS attempt [WORD]: operations at the sizes of the table in kernels/README.md, with floors, in both precisions
  for precision in bf16 f32; do
    # shellcheck disable=SC2086
    $3 "$1, $precision" 60 "$bin/tests/bench/kernels" cuda $precision 0.2 $letters ${4:-} || continue
    # shellcheck disable=SC2086
    python3 "$root/tests/bench/gpu_floors.py" $letters <"$log" >"$work/floors" && mv "$work/floors" "$log" && lines "$2" ||
      finding "$1, $precision" 'no floors' 0
  done
}

peer() { # own|parakeet MODE LIMIT: PyTorch on every size; what it printed counts also when it was stopped
  for size in $sizes; do
    attempt "torch $1 $2 ${size%%:*}" "$3" env -u OMP_NUM_THREADS LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}" python3 \
      tests/bench/peer_torch.py "recipes/presets/${size%%:*}.yaml" "$work/plan.${size%%:*}" --impl "$1" --modes "$2"
    lines
  done
}

bench() {
  parts=${*:-kernels model torch parakeet compile}
  sizes="s:2400:2 m:1200:4 l:600:8" # audio a batch, batches
  for size in $sizes; do
    seconds=${size#*:}
    own "$bin/tests/bench/gpu_model" plan ${seconds%:*} ${size##*:} >"$work/plan.${size%%:*}"
  done
  for part in $parts; do
    case $part in
    kernels)
      letters=$(python3 "$root/tests/bench/kernel_floors.py" --letters)
      kernels kernels '' attempt
      kernels kernels '"products": "own", ' attempt_own
      kernels kernels '"convolutions": "cuDNN", ' attempt_cudnn conv2d ;;
    model)
      for what in train infer; do
        for size in $sizes; do
          attempt "ours $what ${size%%:*}" 45 "$bin/tests/bench/gpu_model" $what recipes/presets/${size%%:*}.yaml \
            "$work/plan.${size%%:*}" cuda bf16 5 && lines
        done
      done ;;
    torch) peer own bf16 60 ;;
    parakeet) peer parakeet bf16 60 ;;
    compile) peer own compile 110; peer parakeet compile 110 ;;
    *) finding "$part" 'not run' 0 'there are kernels, model, torch, parakeet, compile' ;;
    esac
  done
}

$stage "$@"
good=$(count ok)
bad=$(($(grep -c '"result": "' "$results") - good - $(count note) - $(count skipped)))
echo "check.sh $stage: $good ok, $bad not; $results"
[ "$bad" = 0 ] && [ "$good" -gt 0 ]

# tests/gpu/check.sh without a GPU says so and does nothing; the emulated backend runs through it; the bundle is whole.
. tests/support.sh
export OUT="$work/findings" BUILD="$bin"
cd "$root"
expect 64 'correct \[TEST' sh tests/gpu/check.sh
expect 64 'sanitize' sh tests/gpu/check.sh everything
for stage in correct sanitize bench; do
  JARGON_CUDA=$work/nothing.so expect 77 '' sh tests/gpu/check.sh $stage
  cp "$work/out" "$work/said"
  check "$stage says why" grep -q "^check.sh $stage: no GPU to run on: no CUDA backend: .*nothing.so" "$work/said"
  check "$stage leaves one line" grep -q '"result": "skipped".*no CUDA backend' "$OUT/$stage.jsonl"
done
JARGON_CUDA=$work/nothing.so JARGON_CUDNN=$work/nothing.so expect 77 '' "$bin/tests/bench/gpu_model" device auto
cp "$work/out" "$work/said"
check 'auto with cuDNN named and no CUDA is no CPU' grep -q '^no CUDA backend: .*nothing.so' "$work/said"
JARGON_CUDA=$work/nothing.so JARGON_GEMM=own expect 77 '' "$bin/tests/bench/gpu_model" device auto
cp "$work/out" "$work/said"
check 'auto with our own products and no CUDA is no CPU' grep -q '^no CUDA backend: .*nothing.so' "$work/said"

model=$bin/tests/bench/gpu_model preset=recipes/presets/demo.yaml
seq 100 355 >"$work/most"
(cat "$work/most" && echo 99) >"$work/batches"
(echo 100 && seq -s ' ' 100000) >"$work/long"
(echo 100 && echo 100 0) >"$work/nothing"
(echo 100 && echo 100 2o0) >"$work/letter"
printf '\n' >"$work/empty"
for case in batches:257:.more.than.256.batches long:2:.the.line.is.longer nothing:2:.0.frames letter:2:.column.6: 'empty has no batch'; do
  expect 65 "^gpu_model: .*/$case" "$model" infer $preset "$work/$(echo "${case%%:*}" | cut -d' ' -f1)" cpu f32 1
done
expect 64 'precision fp16 is none of' "$model" infer $preset "$work/most" cpu fp16 1
expect 64 'usage: ' "$model" infer $preset "$work/most" cpu f32 1s
expect 64 'usage: ' "$model" plan 600 257

emulated=$bin/emulated-plain/libjargon_cuda.so
if [ -e "$emulated" ]; then
  export JARGON_OPS_SMALL=1
  JARGON_CUDA=$emulated expect 0 '' sh tests/gpu/check.sh correct ops/test_softmax
  check 'a finding' grep -q '"name": "ops/test_softmax", "result": "ok".*softmax backward on cuda bf16' "$OUT/correct.jsonl"
  JARGON_CUDA=$emulated expect 0 '' sh tests/gpu/check.sh correct ops/test_conv2d
  for name in ops/test_conv2d 'ops/test_conv2d, cuDNN'; do
    check "a finding of $name" grep -q "\"name\": \"$name\", \"result\": \"ok\"" "$OUT/correct.jsonl"
  done
  JARGON_CUDA=$emulated JARGON_CUDNN=$emulated expect 0 '' "$bin/tests/bench/gpu_model" device cuda
  cp "$work/out" "$work/said"
  check 'the device with cuDNN' grep -q ', cuDNN 9.0.0 for convolutions$' "$work/said"
  JARGON_CUDA=$emulated expect 0 '' sh tests/gpu/check.sh correct ops/test_gemm
  for name in ops/test_gemm 'ops/test_gemm, own products'; do
    check "a finding of $name" grep -q "\"name\": \"$name\", \"result\": \"ok\"" "$OUT/correct.jsonl"
  done
  JARGON_CUDA=$emulated JARGON_OPS_DEVICE=cuda expect 0 "no fixed order of sums for N=7, K=5 \(the input's gradient\): ours" \
    "$bin/tests/ops/test_gemm"
  for gemm in '' own; do
    JARGON_CUDA=$emulated JARGON_GEMM=$gemm expect 0 '' "$bin/tests/bench/gpu_model" device cuda
    cp "$work/out" "$work/said$gemm"
  done
  check 'the device with cuBLASLt' grep -q ', cuBLASLt 13.0.1 for products$' "$work/said"
  check 'the device with our own products' grep -q ', our own products$' "$work/saidown"
  for device in cuda auto; do # who names a way that there is not gets an error
    JARGON_CUDA=$emulated JARGON_GEMM=owl expect 77 '' "$bin/tests/bench/gpu_model" device $device
    cp "$work/out" "$work/said"
    check "$device with other products" grep -q '^JARGON_GEMM: "owl"' "$work/said"
  done
  for device in cuda auto; do # who names cuDNN gets that or an error
    JARGON_CUDA=$emulated JARGON_CUDNN=$work/nothing.so expect 77 '' "$bin/tests/bench/gpu_model" device $device
    cp "$work/out" "$work/said"
    check "$device without the cuDNN that is named" grep -q '^JARGON_CUDNN: .*nothing.so' "$work/said"
  done
  # The benchmark has a line for every row of the table of kernels/README.md, at the row's sizes or at others.
  small='U=2 T=3 C=8 F=16 H=2 D=4 K=5 V=9 S=1 N=3840 B=8 G=4 P=5000'
  for gemm in '' own; do
    # shellcheck disable=SC2086
    JARGON_CUDA=$emulated JARGON_GEMM=$gemm expect 0 '' "$bin/tests/bench/kernels" cuda bf16 0 $small
    # shellcheck disable=SC2086
    python3 tests/bench/gpu_floors.py $small <"$work/out" >>"$work/lines" || rm -f "$work/lines"
  done
  check 'every row of the table' python3 -c 'import json, sys
sys.path.insert(0, "tests/bench")
from kernel_floors import ROWS
wanted = {row[0] for row in ROWS if len(row) > 1 and not row[0].startswith("with cuDNN")}
lines = [json.loads(line) for line in open(sys.argv[1])]
assert len(lines) == len(wanted) and {line["operation"] for line in lines} == wanted, wanted ^ {l["operation"] for l in lines}
assert all(line["over_floor"] > 1 and line["precision"] == "bf16" for line in lines)
add = next(line for line in lines if line["operation"] == "add")
assert add["bytes"] == 3 * 2 * 2 * 3 * 8, add' "$work/lines"
  expect 64 'no letter X' "$bin/tests/bench/kernels" cpu f32 0 $small X=3
  expect 64 'the letter U is missing' "$bin/tests/bench/kernels" cpu f32 0 T=3
  JARGON_CUDA=$emulated expect 1 '' sh tests/gpu/check.sh correct ops/test_nothing
  check 'a failure' grep -q '"name": "ops/test_nothing", "result": "exit 127"' "$OUT/correct.jsonl"
  JARGON_CUDA=$emulated SECONDS_LIMIT=0 expect 1 '' sh tests/gpu/check.sh correct ops/test_softmax
  check 'no time' grep -q '"name": "ops/test_softmax", "result": "not run"' "$OUT/correct.jsonl"
  sed 's/StreamNew stream_new;/StreamNew stream_mew;/' "$emulated" >"$work/other.so" # of another build
  JARGON_CUDA=$work/other.so expect 1 '' sh tests/gpu/check.sh correct ops/test_softmax
  check 'of another build' grep -q '"name": "library", "result": "failed".*build both from the same sources' "$OUT/correct.jsonl"
  JARGON_CUDA=$emulated expect 0 '' sh tests/gpu/check.sh correct ops/test_softmax ops/test_layernorm ops/test_memory
  check 'several at a time' test "$(grep -c '"name": "ops/.*"result": "ok"' "$OUT/correct.jsonl")" = 3
  JARGON_CUDA=$emulated expect 77 '' sh tests/gpu/check.sh bench
  check 'all findings are JSON' python3 -c 'import json, sys
for name in sys.argv[1:]:
    for line in open(name): json.loads(line)' "$OUT/correct.jsonl" "$OUT/sanitize.jsonl"
fi

if [ ! -e "$bin/libjargon_cuda.so" ]; then
  finish && echo 'no libjargon_cuda.so (make cuda): the bundle was not made' && exit 77
fi
expect 0 '' sh tests/gpu/bundle.sh "$work/bundle"
cd "$work/bundle"
wanted='build/jargon build/libjargon_cuda.so build/tests/e2e/faults.so build/tests/bench/gpu_model build/tests/bench/kernels tests/gpu/check.sh tests/support.sh
  tests/bench/peer_torch.py tests/bench/gpu_floors.py tests/bench/kernel_floors.py tests/e2e/tiny_corpus.py
  speech/general.train.jsonl speech/tokenizer.json recipes/demo/pretrain.yaml recipes/presets/demo.yaml recipes/presets/s.yaml recipes/presets/m.yaml recipes/presets/l.yaml'
for source in "$root"/tests/ops/test_*.c; do
  case $source in */test_math.c | */test_product.c) continue ;; esac
  name=${source#"$root"/} wanted="$wanted build/${name%.c}"
done
for file in $wanted; do
  check "the bundle has $file" test -s "$file"
  check "FILES lists $file" grep -qx "./$file" FILES
done
# With the system's libraries out of the way but for glibc's, every program finds all it needs in the bundle.
find build -type f ! -name libjargon_cuda.so | while read -r program; do
  LD_LIBRARY_PATH=$PWD/lib:$PWD/lib/compiler ldd "$program" | grep '=>' | grep -v "=> $PWD/lib/" | grep -vE '=> .*/lib(c|m|dl|rt|pthread|resolv)\.so\.' ||
    continue
done >outside || :
check "nothing from outside: $(head -n 3 outside)" test ! -s outside
JARGON_CUDA=$work/nothing.so BUILD=build expect 77 '' sh tests/gpu/check.sh correct
finish

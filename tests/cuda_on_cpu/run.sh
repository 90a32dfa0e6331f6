#!/bin/sh
# Runs every test of the operations, and of the whole model, on the emulated CUDA backend: run.sh LIBRARY [ORDER]. One line
# a test that fails, then the counts. PRELOAD is a sanitizer's runtime; a test has TEST_TIMEOUT seconds.
BUILD=${BUILD:-build}
export JARGON_CUDA=$1 JARGON_EMULATOR_ORDER=${2:-fwd} JARGON_OPS_DEVICE=cuda JARGON_OPS_SMALL=${JARGON_OPS_SMALL:-1}
export OMP_NUM_THREADS=1
kind=${1%/*} kind=${kind##*/}
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() { # NAME: a test; where its convolutions are cuDNN's: NAME cudnn; where its products are ours: NAME own
  cudnn= gemm=
  case ${2:-} in cudnn) cudnn=$JARGON_CUDA ;; own) gemm=own ;; esac
  LD_PRELOAD=${PRELOAD:-} JARGON_CUDNN=$cudnn JARGON_GEMM=$gemm timeout "${TEST_TIMEOUT:-300}" "$BUILD/tests/$1" >"$log" 2>&1
  code=$?
  case $code in
  0) passed=$((passed + 1)) ;;
  *) failed=$((failed + 1)) && echo "FAIL  $* ($kind, $JARGON_EMULATOR_ORDER, exit $code)" && tail -n 25 "$log" | sed 's/^/      | /' ;;
  esac
}
for source in tests/ops/test_*.c tests/cuda_on_cpu/test_*.c; do
  name=${source#tests/} name=${name%.c}
  case $name in ops/test_math | ops/test_product) continue ;; esac # of the CPU backend alone
  run "$name"
  case $name in */test_conv2d | */test_model) run "$name" cudnn ;; esac
  case $name in */test_gemm | */test_model) run "$name" own ;; esac
done
echo "$kind, $JARGON_EMULATOR_ORDER: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

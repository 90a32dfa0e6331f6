#!/bin/sh
# make emulate: every CUDA kernel on the CPU with address and undefined-behaviour checks and, beside that, with race checks,
# in three schedules each; then the planted mistakes. Says at the end how many kernels there are and how long it took.
BUILD=${BUILD:-build}
failed=0 start=$(date +%s)
check() { # kind: every test in three schedules
  for order in fwd rev rand; do
    sh tests/cuda_on_cpu/run.sh "$BUILD/emulated-$1/libjargon_cuda.so" $order || failed=1
  done
  return $failed
}
library() { gcc -print-file-name="lib$1.so"; }
# Leaks are the test programs' own, for make asan; a test asks for more memory than there is.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1
export TEST_TIMEOUT="${TEST_TIMEOUT:-900}" # both at once, on two cores
PRELOAD="$(library asan) $(library ubsan)" check asan &
asan=$!
PRELOAD=$(library tsan) check tsan || failed=1
wait $asan || failed=1
checked=$(date +%s)
sh tests/cuda_on_cpu/planted.sh || failed=1
kernels=$(cat kernels/cuda/*.cu kernels/cuda/*.cuh | tr '\n' ' ' | grep -oE '__global__ +void[^{;]*_kernel\(' | wc -l)
echo "$kernels kernels: checked in $((checked - start)) s, mistakes planted in $(($(date +%s) - checked)) s"
exit $failed

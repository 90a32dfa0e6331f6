#!/bin/sh
# make emulate: every CUDA kernel on the CPU with address and undefined-behaviour checks and with race checks, in three
# schedules each; then the planted mistakes.
BUILD=${BUILD:-build}
failed=0
check() { # kind, libraries of the sanitizer
  for order in fwd rev rand; do
    echo "$1:"
    sh tests/cuda_on_cpu/run.sh "$BUILD/emulated-$1/libjargon_cuda.so" $order || failed=1
  done
}
library() { gcc -print-file-name="lib$1.so"; }
# Leaks are the test programs' own, for make asan; a test asks for more memory than there is.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 TSAN_OPTIONS=halt_on_error=1:allocator_may_return_null=1
PRELOAD="$(library asan) $(library ubsan)" check asan
PRELOAD=$(library tsan) check tsan
sh tests/cuda_on_cpu/planted.sh || failed=1
exit $failed

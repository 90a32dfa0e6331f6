#!/bin/sh
# Runs every test of the operations on the emulated CUDA backend: run.sh LIBRARY [ORDER]. One line a test that fails or is
# skipped, then the counts. JARGON_OPS_SMALL=1 and PRELOAD (a sanitizer's runtime) are the caller's to set.
BUILD=${BUILD:-build}
export JARGON_CUDA=$1 JARGON_EMULATOR_ORDER=${2:-fwd} JARGON_OPS_DEVICE=cuda
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for source in tests/ops/test_*.c; do
  name=${source#tests/} name=${name%.c}
  case $name in ops/test_math) continue ;; esac # of the CPU backend alone
  LD_PRELOAD=${PRELOAD:-} timeout 300 "$BUILD/tests/$name" >"$log" 2>&1
  code=$?
  case $code in
  0) passed=$((passed + 1)) ;;
  77) skipped=$((skipped + 1)) && echo "SKIP  $name: $(tail -n 1 "$log")" ;;
  *) failed=$((failed + 1)) && echo "FAIL  $name (exit $code)" && tail -n 25 "$log" | sed 's/^/      | /' ;;
  esac
done
echo "emulated CUDA, $JARGON_EMULATOR_ORDER: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

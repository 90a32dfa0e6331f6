#!/bin/sh
# Runs every test program and script (or the kinds named: ops emulated unit golden data cli browser e2e), one line each, and closes with
# the counts. Fails when a test fails, and when none ran.  BUILD names the build folder.
BUILD=${BUILD:-build}
export BUILD
kinds=${*:-ops emulated unit golden data cli browser e2e}
passed=0 failed=0 skipped=0 broken=
log=$(mktemp)
trap 'rm -f "$log"' EXIT

run() { # name, command...
  name=$1
  shift
  start=$(date +%s.%N)
  timeout "${TEST_TIMEOUT:-900}" "$@" >"$log" 2>&1 </dev/null
  code=$?
  took=$(echo "$(date +%s.%N) $start" | awk '{printf "%.1f s", $1 - $2}')
  case $code in
  0) passed=$((passed + 1)) && echo "ok    $name ($took)" ;;
  77) skipped=$((skipped + 1)) && echo "SKIP  $name: $(tail -n 1 "$log")" ;;
  *)
    failed=$((failed + 1)) broken="$broken $name"
    echo "FAIL  $name (exit $code, $took)"
    tail -n 40 "$log" | sed 's/^/      | /'
    ;;
  esac
}

[ "${1:-}" ] || run check_includes sh tests/check_includes.sh
for kind in $kinds; do
  for source in tests/"$kind"/test_*.c; do
    [ -e "$source" ] && name=${source#tests/} && name=${name%.c} && run "$name" "$BUILD/tests/$name"
  done
  [ "$kind" != emulated ] || for order in fwd rev rand; do # every test of the operations and of the whole model
    run "emulated CUDA $order" sh tests/cuda_on_cpu/run.sh "$BUILD/emulated-plain/libjargon_cuda.so" $order
  done
  for script in tests/"$kind"/*.sh; do
    [ -e "$script" ] && name=${script#tests/} && run "${name%.sh}" sh "$script"
  done
done
[ -z "$broken" ] || echo "failed:$broken"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

# The runner of the tests: it fails when a test fails and when none ran, and counts what it did; CI's command is make test.
. tests/support.sh
mkdir -p place/tests/cli place/tests/e2e
cp "$root/tests/run.sh" place/tests/
cd place
run() { BUILD=none sh tests/run.sh "$@"; }
counts() { check "the last line is '$1'" test "$(tail -n 1 ../last)" = "$1"; }
keep() { cp ../out ../last; }

expect 1 '' run cli
keep
counts '0 passed, 0 failed, 0 skipped'
echo 'exit 0' >tests/cli/good.sh
expect 0 '' run cli
keep
counts '1 passed, 0 failed, 0 skipped'
echo 'echo no microphone here; exit 77' >tests/cli/skipped.sh
expect 0 '' run cli
keep
counts '1 passed, 0 failed, 1 skipped'
check 'the reason for skipping is shown' grep -q '^SKIP  cli/skipped: no microphone here$' ../last
expect 1 '' run e2e
echo 'echo the reason; exit 3' >tests/e2e/bad.sh
expect 1 '' run cli e2e
keep
counts '1 passed, 1 failed, 1 skipped'
check 'the failed one is named, with its output' grep -q '| the reason$' ../last
check 'the failed one is named at the end' grep -qx 'failed: e2e/bad' ../last
echo 'sleep 5' >tests/e2e/bad.sh
TEST_TIMEOUT=0.2 expect 1 '' run e2e
mkdir tests/unit
: >tests/unit/test_missing.c # a program that was not built
expect 1 '' run unit
rm tests/cli/good.sh
expect 1 '' run cli # all skipped: nothing was tested
cd "$root"
check 'make test ends with the code of the runner' sh -c "make --no-print-directory -n test ONLY= | tail -n 1 | grep -q 'sh tests/run.sh *$'"
MAKEFLAGS='' make -n BUILD="$BUILD" SANITIZE= -W kernels/cuda/ctc.cu programs >"$work/plan"
check 'make programs makes the emulated library anew where a kernel is new' grep -q 'LD .*emulated-plain/libjargon_cuda.so' "$work/plan"
check 'CI runs make test and stops at an error' sh -c "grep -qx 'set -e' .ci/run && grep -qx 'make test' .ci/run"
finish

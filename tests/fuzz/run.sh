#!/bin/sh
# Every fuzzer: RUNS mutated inputs each (10000), of seeds in the tree and of their own. A crash, a leak, an input that
# takes more than 20 seconds of the processor or a block of more than 1 GiB fails it. ONLY names some: ONLY="audio yaml". BUILD names a
# build folder made with AddressSanitizer (`make fuzz`).
BUILD=${BUILD:-build-asan} RUNS=${RUNS:-10000}
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LSAN_OPTIONS="suppressions=$PWD/tests/leaks.txt:print_suppressions=0"
export ASAN_OPTIONS=abort_on_error=1:max_allocation_size_mb=1024:allocator_may_return_null=0:detect_leaks=1
export UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1 OMP_NUM_THREADS=1

# fuzz_config tells presets from config.json by the first byte.
for preset in recipes/presets/*.yaml; do { printf '\0'; cat "$preset"; } >"$work/config-$(basename "$preset")"; done
for config in tests/golden/*/*/config.json; do
  { printf '\001'; cat "$config"; } >"$work/config-$(basename "$(dirname "$config")")"
done

seeds_of() {
  case $1 in
  config) echo "$work"/config-* ;;
  safetensors) echo tests/golden/parakeet/*/model.safetensors ;;
  yaml) echo recipes/presets/*.yaml recipes/demo/*.yaml ;;
  tokenizer) ls tests/golden/tokenizer/*.json 2>/dev/null ;;
  esac
}

for source in tests/fuzz/fuzz_*.c; do
  name=$(basename "$source" .c)
  case " ${ONLY:-${name#fuzz_}} " in *" ${name#fuzz_} "*) ;; *) continue ;; esac
  start=$(date +%s)
  timeout "${FUZZ_TIMEOUT:-3600}" "$BUILD/tests/fuzz/$name" RUNS="$RUNS" $(seeds_of "${name#fuzz_}") \
    >"$work/log" 2>&1 </dev/null
  code=$?
  if [ $code = 0 ]; then
    passed=$((passed + 1))
    echo "ok    $(grep '0 crashes$' "$work/log") ($(($(date +%s) - start)) s)"
  else
    failed=$((failed + 1))
    echo "FAIL  $name (exit $code)"
    tail -n 60 "$work/log" | sed 's/^/      | /'
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]

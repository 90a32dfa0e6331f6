#!/bin/sh
# Times the operations and the training steps of the demo's model and of preset S on this machine, and writes
# tests/bench/results/cpu-DATE.jsonl: a line with device, date, commit and command, then one line a measurement.
# Usage: make bench [CORPUS=packed corpus]     (the demo's general speech unless given)
set -eu
BUILD=${BUILD:-build} CORPUS=${CORPUS:-demo/packed.general}
[ -e "$CORPUS" ] || { echo "make bench: $CORPUS is not there: run make demo first, or name a packed corpus, CORPUS=DIR" >&2; exit 64; }
results=tests/bench/results/cpu-$(date +%Y-%m-%d).jsonl
mkdir -p tests/bench/results
{
  printf '{"device": "%s, %s cores", "date": "%s", "commit": "%s", "command": "make bench CORPUS=%s", "load": "%s"}\n' \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(date -u +%FT%TZ)" \
    "$(git describe --always --dirty)" "$CORPUS" "$(cut -d ' ' -f 1 /proc/loadavg)"
  for preset in demo s; do
    for threads in 1 $(nproc); do OMP_NUM_THREADS=$threads "$BUILD/tests/bench/step" "recipes/presets/$preset.yaml" "$CORPUS" 10; done
  done
  for test in "$BUILD"/tests/ops/test_*; do
    case $test in *.o | *.d) continue ;; esac
    OMP_NUM_THREADS=1 JARGON_OPS_DEVICE=cpu JARGON_OPS_BENCH=1 "$test" 2>/dev/null | grep '^{' || true
  done
} >"$results.tmp"
mv "$results.tmp" "$results"
echo "$results"
python3 - "$results" <<'PYTHON'
import json, sys
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r.get("bench") == "step":
        parts = ", ".join(f"{k[:-3]} {v / r['ms_a_step']:.0%}" for k, v in r.items()
                          if k.endswith("_ms") and v / r["ms_a_step"] >= 0.005)
        print(f"{r['preset']}, {r['threads']} thread(s): {r['ms_a_step']:.0f} ms a step of {r['batch_seconds']} s, "
              f"{r['times_real_time']:.0f} times real time, products {r['products_gflops']:.0f} of "
              f"{r['ceiling_gflops']:.0f} GFLOP/s; {parts}")
PYTHON

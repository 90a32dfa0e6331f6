# What crosses the bus in training on a GPU (emulated): samples and labels go up; nothing comes back, and the host waits for
# nothing, but at a line of the log, a score and a checkpoint. Two runs that differ by eight such steps are compared.
. tests/support.sh
emulated=$bin/emulated-plain/libjargon_cuda.so
[ -e "$emulated" ] || { echo "no $emulated" && exit 77; }
make_corpus
export JARGON_CUDA="$emulated"
for steps in 4 12; do
  export JARGON_EMULATOR_TRAFFIC="$work/traffic.$steps"
  expect 0 'finished' train run.$steps --device cuda --steps $steps --log-every 1000 --save-every 1000 --eval-every 1000 --warmup 1
  check 'one line of the log' test "$(wc -l <run.$steps/log.jsonl)" = 1
done
read -r _ up _ down _ waits <traffic.4
read -r _ more_up _ more_down _ more_waits <traffic.12
echo "8 steps: $((more_up - up)) bytes up, $((more_down - down)) down, $((more_waits - waits)) waits"
check 'a run brings its sums and its model back' test "$down" -gt 1000 -a "$waits" -gt 3
check 'a step brings nothing back' test "$more_down" = "$down"
check 'a step waits for nothing' test "$more_waits" = "$waits"
check 'samples go up' test $((more_up - up)) -gt $((8 * 4 * 32000))
check 'little else goes up' test $((more_up - up)) -lt $((8 * (8 * 32000 + 4096)))
finish

# SIGTERM and SIGINT save and end with 143; the same command goes on to the same bits. One run at a time in a folder.
# It may stop between two lines of the log, whose sums go on.
. tests/support.sh
make_corpus
settings="--steps 150 --log-every 7 --save-every 1000 --eval-every 40"
train whole $settings 2>/dev/null
lines() { cat "$1/log.jsonl" 2>/dev/null | wc -l; }

stop_run() { # SIGNAL: starts the run, lets it do a step or more, stops it
  before=$(lines run)
  "$jargon" train --preset preset.yaml --tokenizer tokenizer.json --corpus corpus --dev corpus --out run \
    --batch-seconds 8 --learning-rate 3e-3 --warmup 10 $settings 2>run.err &
  pid=$!
  while kill -0 $pid 2>/dev/null && [ "$(lines run)" -le "$before" ]; do sleep 0.01; done
  [ "$1" != TERM ] || { # while it stands still: a second run is refused
    kill -STOP $pid
    expect 75 '^jargon train: another run is using the folder run; wait for it or stop it' train run $settings
    kill -CONT $pid
  }
  kill -"$1" $pid 2>/dev/null || :
  code=0
  wait $pid || code=$?
  check "SIG$1 ends the run with 143, not $code" test $code = 143
  step=$(sed -n 's/.*stopped at step \([0-9]*\) of 150, saved in run; the same command goes on from there$/\1/p' run.err)
  check "SIG$1: the message says where it stopped" test -n "$step"
  check "SIG$1: a checkpoint of that step" test -e "run/checkpoint-$(printf %08d "$step").h5"
}
stop_run TERM
stop_run INT
stop_run TERM
expect 0 "; step $step of 150" train run $settings
for file in best/model.safetensors last/model.safetensors; do
  check "$file is that of the run never stopped" cmp "whole/$file" "run/$file"
done
for run in whole run; do
  "$bin/tests/e2e/checkpoint_print" $run/checkpoint-00000150.h5 | grep -v '^seconds\|^log_length' >$run.state
  sed 's/"hours_per_hour.*//' $run/log.jsonl >$run.log
done
check 'the checkpoint too' cmp whole.state run.state
check 'and every line of the log, once' cmp whole.log run.log
expect 0 'this run is finished already: 150 steps' train run $settings
check 'a finished run is not touched again' cmp run.state whole.state

mkdir packing
expect 75 '^jargon pack: another run is using the folder packing' flock packing/.lock "$jargon" pack --out packing wav/manifest.jsonl
finish

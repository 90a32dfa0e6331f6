# Steps whose loss or gradient is not finite are left out and counted, change nothing, and after max_skipped in a row the
# run stops with an error. A learning rate of 1e9 makes every step after the first such a step.
. tests/support.sh
make_corpus
absurd="--learning-rate 1e9 --warmup 0 --steps 40 --log-every 1 --save-every 1 --eval-every 1000 --max-skipped 4"
expect 65 '^jargon train: loss or gradient was not finite in 4 steps in a row, up to step [0-9]+: lower learning_rate .1e.09. or raise warmup; the last checkpoint is kept' \
  train run $absurd
first=$(grep -c '"skipped":0' run/log.jsonl)
check 'steps before were not skipped' test "$first" -ge 1
check 'three are in the log as skipped (the fourth ends the run)' test "$(grep -c '"loss":null.*"skipped":[123],' run/log.jsonl)" = 3
check 'each step once' test "$(sed 's/.*"step":\([0-9]*\),.*/\1/' run/log.jsonl | tr '\n' ' ')" = "$(seq -s ' ' 1 $((first + 3))) "
expect 65 'not finite in 2 steps in a row' train two $absurd --max-skipped 2
state() { "$bin/tests/e2e/checkpoint_print" "two/checkpoint-$(printf %08d "$1").h5"; }
state "$first" | grep '^weights\|^moment\|^buffers\|^batches_tracked' >a
state $((first + 1)) | grep '^weights\|^moment\|^buffers\|^batches_tracked' >b
state $((first + 1)) >b.state
check 'a skipped step changes neither weights, moments nor averages' cmp a b
check 'the checkpoint counts them' grep -qx 'skipped_in_row 1' b.state
# Gone on with, the count goes on too: one more and it stops at the same step
cp run/log.jsonl before
expect 65 "not finite in 4 steps in a row, up to step $((first + 4)):" train run $absurd
check 'nothing was written twice' cmp before run/log.jsonl
finish

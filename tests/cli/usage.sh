# Wrong command lines: exit code 64, and a message with what is wrong, where, and what to do.
. tests/support.sh
make_corpus
run="$jargon train --preset preset.yaml --tokenizer tokenizer.json --corpus corpus --out run"

expect 64 '^jargon pack: MANIFEST is missing: .*--help' "$jargon" pack --out p
expect 64 '^jargon pack: --out needs a value, DIR' "$jargon" pack --out
expect 64 "^jargon pack: --max-seconds: 'abc' is not a number" "$jargon" pack --out p --max-seconds abc wav/manifest.jsonl
expect 64 '^jargon pack: max_seconds: 1e9 is out of range; give 0.01 to 3600' "$jargon" pack --out p max_seconds=1e9 x
expect 64 "^jargon pack: --skip-bad: 'maybe' is neither yes nor no" "$jargon" pack --out p --skip-bad=maybe x
expect 64 "^jargon vocab: --kind: 'foo' is none of bpe.unigram.char" "$jargon" vocab --kind foo --out x x
expect 64 "^jargon vocab: --size: '1.5' is not a whole number" "$jargon" vocab --size 1.5 --out x x
expect 64 "no normalisation 'foo'; the known ones are" "$jargon" vocab --normalize foo --out x wav/manifest.jsonl

expect 64 'how long to train is missing: give --epochs or --steps' $run
expect 64 'both --epochs and --steps are given: leave one out' $run --epochs 1 --steps 1
expect 64 'warmup is 500 steps, but the whole run has 3' $run --steps 3
expect 64 'seed: -4 is out of range; give 0 to 2147483647' $run --steps 3 --seed -4
expect 64 'extra: one argument too many; see .jargon train --help' $run --steps 3 extra
expect 64 "corpus: 'corpus,' has an empty item" $run --steps 3 --corpus corpus,
expect 64 "model: the model has no setting 'nope'; .*hidden_size" $run --steps 3 model.nope=1
expect 64 "model: hidden_size is 'x'; it must be a whole number" $run --steps 3 model.hidden_size=x
expect 64 'with the model.\* settings given: hidden_size is 33; it must be even' $run --steps 3 model.hidden_size=33
expect 64 'model.hidden_size is written without the dashes' $run --steps 3 --model.hidden_size=32
expect 64 "device: 'gpu' is none of auto.cpu.cuda" $run --steps 3 --device gpu
expect 64 'precision bf16: the CPU backend computes in f32 only: choose' $run --steps 3 --device cpu --precision bf16
expect 64 "pattern 'nope\*' matches no parameter; names look like 'encoder" $run --steps 3 --freeze 'nope*'
expect 64 'every parameter is frozen; nothing is left to train' $run --steps 3 --freeze '*'
expect 64 "lr_rule 'x' is not PATTERN=SCALE" $run --steps 3 --lr-rule x
check 'a refused run leaves nothing but its lock' test "$(ls -A run)" = .lock

expect 64 'nothing to transcribe: give audio files, or --manifest, or --corpus' "$jargon" transcribe --model m
expect 64 'more than one kind of input: give audio' "$jargon" transcribe --model m --corpus corpus wav/0000.wav
expect 64 "format: 'json' is none of text" "$jargon" transcribe --model m --format json wav/0000.wav
expect 64 '--doubt marks words of --format text, not of ctm' "$jargon" transcribe --model m --format ctm --doubt 0.5 wav/0000.wav
expect 64 'subtitles are of one recording, and here are .*0000.wav and .*0001.wav' \
  "$jargon" transcribe --model m --format srt wav/0000.wav wav/0001.wav
expect 64 'replicates: 3 is out of range; give 1000 to 1000000' "$jargon" eval x --replicates 3
finish

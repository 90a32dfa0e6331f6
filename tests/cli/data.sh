# Bad content: exit code 65, the file and the place in it; nothing is left behind.
. tests/support.sh
make_corpus
train run --steps 12 >/dev/null 2>&1
manifest() { printf '%s\n' "$1" >m.jsonl; }
refused() { # pattern, line of a manifest
  manifest "$2"
  expect 65 "^jargon pack: $1" "$jargon" pack --out packed m.jsonl
}
refused 'm.jsonl:1: column' '{'
refused 'm.jsonl:1: not a JSON object' '[]'
refused 'm.jsonl:1: the key "text" is missing' '{"audio_filepath": "wav/0000.wav", "duration": 1.12}'
refused 'm.jsonl:1: cannot find the audio file wav/nope.wav' '{"audio_filepath": "wav/nope.wav", "duration": 1, "text": "a"}'
refused 'm.jsonl:1: the utterance has 99.00 s; accepted are 0.1 to 40' \
  '{"audio_filepath": "wav/0000.wav", "duration": 99, "text": "a"}'
refused 'm.jsonl:1: wav/0000.wav ends at 1.13 s, before the part' \
  '{"audio_filepath": "wav/0000.wav", "duration": 39, "text": "a"}'
refused 'm.jsonl:1: tokenizer.json is not audio that libsndfile knows; install ffmpeg' \
  '{"audio_filepath": "tokenizer.json", "duration": 1, "text": "a"}'
refused 'm.jsonl has no utterance' ''
check 'no shard is left of refused manifests' test -z "$(ls packed | grep -v source.json)"
manifest '{"audio_filepath": "wav/0000.wav", "duration": 1.12875, "text": "bad ebb"}'
expect 0 '' "$jargon" pack --out packed m.jsonl
expect 65 'packed holds a corpus packed from other manifests.*give another --out, or remove' \
  "$jargon" pack --out packed wav/manifest.jsonl
printf '{"audio_filepath": "wav/nope.wav", "duration": 1, "text": "a"}\n' >>m.jsonl
expect 0 '^jargon pack: skipped m.jsonl:2: cannot find' "$jargon" pack --out half --skip-bad m.jsonl

: >empty.txt
printf 'abc\n\377\376\n' >latin.txt
expect 65 '^jargon vocab: empty.txt: no text is left' "$jargon" vocab --out x empty.txt
expect 65 '^jargon vocab: latin.txt:2: the text is not UTF-8 at byte 0 .0xFF.' "$jargon" vocab --out x latin.txt
expect 65 '^jargon vocab: wav/0000.wav is not a text file' "$jargon" vocab --out x wav/0000.wav
expect 65 'cannot make a vocabulary of 4000 tokens: .*set it to a value <=' "$jargon" vocab --size 4000 --out x wav/manifest.jsonl
check 'no vocabulary is left' test ! -e x

expect 65 '^jargon train: preset.yaml:1:' train bad --steps 20 --tokenizer preset.yaml
cp -r corpus damaged
printf x | dd of=damaged/shard-00000.h5 bs=1 seek=5000 conv=notrunc 2>/dev/null
expect 65 'damaged/shard-00000.h5 is damaged .*; remove it and pack again' train begun --steps 20 --corpus damaged
cp -r corpus cut
truncate -s 9000 cut/shard-00000.h5
expect 65 'cut/shard-00000.h5 is damaged .its size is not that in corpus.json' train bad --steps 20 --corpus cut
printf '{' >cut/corpus.json
expect 65 'cut/corpus.json:1' train bad --steps 20 --corpus cut
check 'no run was begun' test "$(ls -A bad)" = .lock

expect 65 'tokenizer.json is not audio' "$jargon" transcribe --model run/best --out t.txt wav/0000.wav tokenizer.json
check 'no transcript is left of a failed run' sh -c '! ls t.txt* 2>/dev/null'
expect 0 'skipped tokenizer.json is not audio' "$jargon" transcribe --model run/best --skip-bad wav/0000.wav tokenizer.json
cp -r run/best broken
truncate -s 5000 broken/model.safetensors
expect 65 '^jargon transcribe: broken/model.safetensors' "$jargon" transcribe --model broken wav/0000.wav
cp run/best/model.safetensors broken/
sed -i 's/"hidden_size": 32/"hidden_size": 64/' broken/config.json
expect 65 'broken/model.safetensors: tensor .* has the shape .*; the configuration needs' \
  "$jargon" transcribe --model broken wav/0000.wav
expect 65 '^jargon eval: wav/manifest.jsonl:1: the key "pred_text" is missing; .jargon transcribe. writes' \
  "$jargon" eval wav/manifest.jsonl
expect 65 '^jargon eval: tokenizer.json:1' "$jargon" eval tokenizer.json
for checkpoint in run/checkpoint-*; do truncate -s 5000 "$checkpoint"; done
expect 65 'no checkpoint can be used: .*is not a whole checkpoint; remove them to begin anew' train run --steps 12
finish

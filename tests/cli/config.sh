# The configuration file: read, overridden by the command line, written down with the run; mistakes named with their line.
. tests/support.sh
make_corpus

cat >run.yaml <<'END'
preset: preset.yaml
tokenizer: tokenizer.json
corpus: [corpus]
dev:
  - corpus
epochs: 1
learning_rate: 0.003
warmup: 2
batch_seconds: 9
model:
  dropout: 0.2
  hidden_size: 32
END
expect 0 'finished: ' "$jargon" train --config run.yaml --out one batch_seconds=8 --warmup 1 model.dropout=0.3
check 'settings.yaml: from the file' grep -q '^learning_rate: 0.003$' one/settings.yaml
check 'settings.yaml: name=value wins' grep -q '^batch_seconds: 8$' one/settings.yaml
check 'settings.yaml: --name wins' grep -q '^warmup: 1$' one/settings.yaml
check 'settings.yaml: the last model setting wins' grep -q '^model.dropout: "0.3"$' one/settings.yaml
check 'config.json: the setting arrives' grep -q '"dropout": 0.3' one/last/config.json
expect 0 'finished: ' "$jargon" train --config one/settings.yaml --out two
check 'settings.yaml read back gives the same model' cmp one/last/model.safetensors two/last/model.safetensors

mistake() { # pattern, text of the file
  printf -- "$2" >bad.yaml
  expect 64 "^jargon train: bad.yaml:$1" "$jargon" train --config bad.yaml --preset preset.yaml --tokenizer tokenizer.json \
    --corpus corpus --steps 3 --out bad
}
mistake '2: lerning_rate is no setting of .jargon train.; did you mean learning-rate' 'seed: 1\nlerning_rate: 3\n'
mistake "2: learning_rate: 'fast' is not a number" 'seed: 1\nlearning_rate: fast\n'
mistake '1: seed takes one value, not a list' 'seed: [1, 2]\n'
mistake '2: seed is given twice' 'seed: 1\nseed: 2\n'
mistake '3: not valid YAML' 'seed: 1\n bad\n x: {\n'
mistake "3: model: the model has no setting 'hiden'" 'seed: 1\nmodel:\n  hiden: 3\n'
mistake "2: model: hidden_size is 'big'; it must be a whole number" 'model:\n  hidden_size: big\n'
mistake '1: ' '- a\n- b\n'
printf 'hidden_size: 32\nhiden: 3\n' >bad.yaml
expect 65 "^jargon train: bad.yaml:2: the model has no setting 'hiden'" \
  "$jargon" train --config run.yaml --out bad --preset bad.yaml
expect 74 '^jargon train: cannot open missing.yaml' "$jargon" train --config missing.yaml
check 'no run was begun' test ! -e bad/settings.yaml
finish

# Every verb's help has an example and its options; `jargon` alone lists the verbs.
. tests/support.sh

expect 64 'Usage: jargon VERB' "$jargon"
verbs=$("$jargon" --help | sed -n 's/^  \([a-z]*\) .*/\1/p')
check 'the verbs' sh -c "echo '$verbs' | tr '\n' ' ' | grep -q '^pack vocab train adapt transcribe eval '"
for verb in $verbs; do
  expect 64 "^  $verb +[a-z]" "$jargon"
  expect 0 '' "$jargon" "$verb" --help
  cp out help
  check "$verb --help: example" grep -q "^  jargon $verb " help
  check "$verb --help: usage" grep -q "^Usage: jargon $verb \[OPTION" help
  check "$verb --help: configuration file" grep -q -- '--config=FILE' help
  check "$verb --help: 100 columns at most" awk 'length > 100 { exit 1 }' help
  expect 64 'is missing: .*; see `jargon '"$verb"' --help`' "$jargon" "$verb"
  expect 64 "^jargon $verb: --nonsense is no setting of .jargon $verb." "$jargon" "$verb" --nonsense
  expect 64 "^jargon $verb: --halp is no setting.*did you mean help" "$jargon" "$verb" --halp
  expect 64 "^jargon $verb: nonsense is no setting" "$jargon" "$verb" nonsense=3
  expect 64 "^jargon $verb: -x is no option; options have long names" "$jargon" "$verb" -x
  expect 64 "^jargon $verb: --config needs a value, FILE" "$jargon" "$verb" --config
done
expect 0 '' "$jargon" --help
cp out help
check "--help lists the verbs" grep -q '^  transcribe ' help
expect 0 '' "$jargon" --version
expect 64 "no verb 'trian'; did you mean train" "$jargon" trian
expect 64 "no verb 'zzzzzz'; see .jargon --help" "$jargon" zzzzzz
finish

#!/bin/sh
# jargon eval --as "sclite ...": the reports are sclite's own (tests/golden/sclite), the document says what was done, and
# what sclite's rules do not go with is refused.
. tests/support.sh

golden=$root/tests/golden/sclite
for set in "rules:ref.trn:hyp.trn:-D -F" "cased:ref.trn:hyp.trn:-s" "timed:stm:ctm:-D -F"; do
  name=${set%%:*} rest=${set#*:}
  ref=${rest%%:*} rest=${rest#*:}
  hyp=${rest%%:*} switches=${rest#*:}
  cp "$golden/$name.$ref" "$golden/$name.$hyp" "$work"
  expect 0 '' sh -c 'cd "$1" && exec "$2" eval "$3" --ref "$4" --as "sclite $5" --replicates 1000 --sclite out --json out.json' \
    - "$work" "$jargon" "$name.$hyp" "$name.$ref" "$switches"
  for report in sys raw pra dtl; do
    check "$name.$report is sclite's" cmp -s "$work/out.$report" "$golden/$name.$report"
  done
  check "the rules are in the document" grep -q "\"normalization\": \"sclite $switches\"" "$work/out.json"
  check "and sclite's costs" grep -q '"substitution": 4' "$work/out.json"
done

printf 'r 1 s 0.0 1.0 <o,,male> a b\n' >labels.stm
printf 'r 1 0.1 0.1 a\nr 1 0.3 0.1 b\n' >labels.ctm
expect 0 '' "$jargon" eval labels.ctm --ref labels.stm --as sclite --sclite labels --replicates 1000
check "an empty label is none that ends them" grep -qx 'Labels: <o,,male>' labels.pra
ref=$golden/rules.ref.trn hyp=$golden/rules.hyp.trn
expect 64 'these are: -s, -D, -F, -c' "$jargon" eval "$hyp" --ref "$ref" --as "sclite -T"
expect 64 'is not sclite and its switches' "$jargon" eval "$hyp" --ref "$ref" --as asclite
for own in '--normalize english' '--normalize basic' '--costs plain'; do
  expect 64 "^jargon eval: $own and --as: .*give one of them" "$jargon" eval "$hyp" --ref "$ref" --as sclite $own
done
expect 0 '' "$jargon" eval "$hyp" --ref "$ref" --as sclite --normalize none --costs sclite --replicates 1000
expect 64 'want a normalisation' "$jargon" eval "$hyp" --ref "$ref" --as sclite --vocabulary "$ref"
expect 65 'timed.ctm:1: what was recognised has alternatives' "$jargon" eval "$golden/timed.ctm" --ref "$golden/timed.stm"
expect 0 '' "$jargon" compare "$hyp" "$ref" --ref "$ref" --as "sclite -D -F" --replicates 1000 --json "$work/compared.json"
check "a reference is like itself" grep -q '"wer": 0.0,' "$work/compared.json"
finish

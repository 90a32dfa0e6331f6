# Packing killed anywhere and gone on with gives the bytes of packing never stopped; so do more threads.
. tests/support.sh
make_corpus
BIN=$bin check 'killed with kill -9' python3 "$root/tests/e2e/pack.py" "${KILLS:-10}"
cat out
OMP_NUM_THREADS=3 "$jargon" pack --out threads --shard-mib 1 wav/manifest.jsonl >/dev/null
for file in packed/*; do check "$file is the same with three threads" cmp "$file" "threads/${file##*/}"; done
finish

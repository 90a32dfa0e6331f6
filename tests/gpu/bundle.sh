#!/bin/sh
# Makes the folder that make gpu-bundle names: bundle.sh FOLDER. Laid out as the repository, so that tests/gpu/check.sh runs
# in it as it does here: programs without symbols, the libraries they need that are neither glibc's nor CUDA's,
# presets, scripts, some of the demo's speech. Prints its size, and fails above 57 MB: with the sources it must stay under 64 on
# the way to a lent machine.
set -eu
BUILD=${BUILD:-build} to=$1 most=57
[ -e "$BUILD/libjargon_cuda.so" ] || { echo "gpu-bundle: no $BUILD/libjargon_cuda.so: make cuda makes it where nvcc is" >&2; exit 77; }
rm -rf "$to"
mkdir -p "$to/build" "$to/lib/compiler" "$to/recipes" "$to/tests"
for source in jargon.c libjargon_cuda.so.cu tests/e2e/faults.so.c tests/bench/gpu_model.c tests/bench/kernels.c tests/ops/test_*.c tests/cuda_on_cpu/test_*.c; do
  case $source in */test_math.c | */test_product.c) continue ;; esac # of the CPU alone
  program=$BUILD/${source%.c*}
  [ -f "$program" ] || { echo "gpu-bundle: $program is not built" >&2; exit 1; }
  copy=$to/build/${program#"$BUILD"/}
  mkdir -p "${copy%/*}"
  cp "$program" "$copy"
  strip "$copy"
done
# Every program's own list, as the linker finds it here; CUDA's library is left out of what is searched.
find "$to/build" -type f ! -name libjargon_cuda.so -exec ldd {} + | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u | while read -r library; do
  case ${library##*/} in
  libc.so.* | libm.so.* | libdl.so.* | libpthread.so.* | librt.so.* | libresolv.so.* | ld-linux*) ;;
  libstdc++.so.* | libgcc_s.so.* | libgomp.so.*) cp -L "$library" "$to/lib/compiler/" ;;
  *) cp -L "$library" "$to/lib/" ;;
  esac
done
cp -R recipes/presets recipes/demo "$to/recipes/"
cp -R tests/gpu "$to/tests/"
mkdir -p "$to/tests/e2e" "$to/tests/bench"
cp tests/support.sh "$to/tests/"
cp tests/e2e/tiny_corpus.py "$to/tests/e2e/"
cp tests/bench/*.py "$to/tests/bench/"
BUILD=$BUILD sh tests/gpu/speech.sh "$to/speech" 2>"$to.log" || { cat "$to.log" >&2 && exit 1; }
rm -f "$to.log"
(cd "$to" && find . -type f | sort >FILES)
size=$(du -sm "$to" | cut -f 1)
echo "$to: $(wc -l <"$to/FILES") files, $size MB"
[ "$size" -lt $most ] || { echo "gpu-bundle: more than $most MB" >&2; exit 1; }

#!/bin/sh
# Plants each mistake of planted.txt in a copy of its kernels and runs the test of the operation on it, emulated, in three
# schedules, then with a race check: the test must fail in one of them. Needs both libraries of the emulator and the
# tests: planted.sh [WORD], only lines that have the word.
BUILD=${BUILD:-build}
EMULATOR=tests/cuda_on_cpu
export JARGON_OPS_DEVICE=cuda JARGON_OPS_SMALL=1 OMP_NUM_THREADS=1
work=$BUILD/planted
caught=0 missed=0
mkdir -p "$work"

build() { # plain | tsan: the library with the planted file in place of the right one
  flags="-O1" && [ "$1" = tsan ] && flags="-O1 -DEMULATOR_TSAN -fsanitize=thread"
  # shellcheck disable=SC2086
  g++ -std=c++17 -g -fPIC -fvisibility=hidden -fno-strict-aliasing -w -I"$work" -I"$BUILD/emulated" -I$EMULATOR/include \
    -I. $flags -c -o "$work/$unit.o" "$work/$unit.cc" &&
    g++ $flags -shared -o "$work/libjargon_cuda.so" "$work/$unit.o" \
      $(ls "$BUILD/emulated-$1"/kernels/cuda/*.o | grep -v "/$unit\.o$") "$BUILD/emulated-$1/$EMULATOR"/*.o
}

fails() { # kind, order
  preload= && [ "$1" = tsan ] && preload=$(gcc -print-file-name=libtsan.so)
  library=$PWD/$work/libjargon_cuda.so cudnn= gemm=
  case $file in *cudnn*) cudnn=$library ;; *_own*) gemm=own ;; esac
  LD_PRELOAD=$preload JARGON_CUDA=$library JARGON_CUDNN=$cudnn JARGON_GEMM=$gemm JARGON_EMULATOR_ORDER=$2 TSAN_OPTIONS=halt_on_error=1 \
    timeout 300 "$BUILD/tests/ops/test_$test" >"$work/log" 2>&1
  code=$?
  [ $code != 0 ] && [ $code != 77 ]
}

plant() { # in kernels/cuda/$file, which is $unit.cu or a header that it includes
  rm -rf "$work/kernels" && mkdir -p "$work/kernels/cuda"
  sed -E "$script" "kernels/cuda/$file" >"$work/planted"
  if cmp -s "$work/planted" "kernels/cuda/$file"; then echo "MISSED  $file, $what: nothing is planted, mend planted.txt" && return 1; fi
  cp "$BUILD/emulated/kernels/cuda/$unit.cc" "$work/$unit.cc"
  target=$work/$unit.cc
  case $file in *.cuh) target=$work/kernels/cuda/$file ;; esac
  python3 $EMULATOR/rewrite.py "$work/planted" >"$target"
  for kind in plain tsan; do
    build $kind || return 1
    for order in fwd rev rand; do
      fails $kind $order || continue
      echo "caught  $file, $what ($kind, $order): $(grep -m1 -E 'ERROR: |emulat|WARNING: Thread' "$work/log" | cut -c1-150)"
      return 0
    done
  done
  echo "MISSED  $file, $what"
  return 1
}

grep -v '^#' $EMULATOR/planted.txt | grep -e "${1:-.}" >"$work/list"
while read -r file test rest; do
  case $file in
  *.cuh:*) unit=${file#*:} file=${file%%:*} ;;
  *) unit=$file file=$file.cu ;;
  esac
  what=${rest%%: *} script=${rest#*: }
  if plant; then caught=$((caught + 1)); else missed=$((missed + 1)); fi
done <"$work/list"
echo "planted mistakes: $caught caught, $missed missed"
[ "$missed" = 0 ] && [ "$caught" -gt 0 ]

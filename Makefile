# Jargon: the front doors. `make help` lists them.
BUILD ?= build
CC = gcc
CXX = g++
MARCH ?= x86-64-v3
OPT ?= -O3
SANITIZE ?=
WARN = -Wall -Wextra -Wno-missing-field-initializers -Wpointer-arith -Wshadow -Wvla
CFLAGS = -std=gnu11 $(OPT) -g -march=$(MARCH) -fno-math-errno -fno-trapping-math -fopenmp $(WARN) -Wstrict-prototypes $(SANITIZE)
CXXFLAGS = -std=c++17 $(OPT) -g -march=$(MARCH) -Wall -Wextra $(SANITIZE)
HDF5_CFLAGS := $(shell pkg-config --cflags hdf5-serial 2>/dev/null || echo -I/usr/include/hdf5/serial)
HDF5_LIBS := $(shell pkg-config --libs hdf5-serial 2>/dev/null || echo -L/usr/lib/x86_64-linux-gnu/hdf5/serial -lhdf5)
CPPFLAGS = -I. -D_GNU_SOURCE $(HDF5_CFLAGS) -MMD -MP
LDLIBS = $(HDF5_LIBS) -lsndfile -lsoxr -lkissfft-float -ljansson -lyaml -lutf8proc -lsentencepiece \
         -lsentencepiece_train -lxxhash -ldl -lm -lstdc++

# What the two commands of the README need: Debian 12's own packages.
PACKAGES = gcc g++ pkg-config python3 libsndfile1-dev libsoxr-dev libkissfft-dev libhdf5-dev \
           libjansson-dev libyaml-dev libsentencepiece-dev libutf8proc-dev libxxhash-dev libespeak-ng-dev \
           espeak-ng-data flite libcmocka-dev
NOTEBOOK_PACKAGES = python3-matplotlib
LINT_PACKAGES = clang-tidy cppcheck clang-format

LIB_SRC := $(wildcard kernels/*.c kernels/cpu/*.c src/base/*.c src/audio/*.c src/text/*.c src/corpus/*.c src/model/*.c \
             src/train/*.c src/decode/*.c eval/*.c src/cmd/evaluation.c src/cmd/verb_*.c) $(wildcard src/text/*.cc)
EMBEDDED := $(BUILD)/eval/page/page.o $(BUILD)/src/text/rule_tables.o
LIB_OBJ := $(patsubst %,$(BUILD)/%.o,$(basename $(LIB_SRC))) $(EMBEDDED)
TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/ops/test_*.c tests/unit/test_*.c tests/golden/test_*.c tests/cuda_on_cpu/test_*.c))
OPS_COMMON := $(patsubst %,$(BUILD)/%.o,$(basename $(filter-out tests/ops/test_%,$(wildcard tests/ops/*.c)) $(wildcard tests/ops/*.cc)))
FUZZERS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))
HELPERS := $(BUILD)/tests/e2e/faults.so $(BUILD)/tests/e2e/checkpoint_print
BENCHES := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/*.c))

.DEFAULT_GOAL := all
.PHONY: help deps all demo test programs fuzzers gpu-check gpu-bundle browser notebook bench asan tsan fuzz lint format sizes install clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

deps: ## install the Debian packages the build needs (only when some are missing; as root or through sudo)
	@missing=$$(dpkg-query -W -f '$${db:Status-Status} $${binary:Package}\n' $(PACKAGES) 2>&1 | \
	    sed -n 's/^not-installed //p; s/.*no packages found matching //p'); \
	if [ -n "$$missing" ]; then \
	  echo "installing: "$$missing; \
	  as=; [ "$$(id -u)" = 0 ] || as=sudo; \
	  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq --no-install-recommends \
	    $$missing >$${TMPDIR:-/tmp}/jargon-apt.log 2>&1 || { tail -5 $${TMPDIR:-/tmp}/jargon-apt.log; \
	    echo "make deps: apt-get could not install: $$missing"; exit 1; }; \
	fi

demo: deps ## the main job: corpus, pretraining, transfer to three domains, error rates before and after (8 minutes)
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD) all
	@BUILD=$(BUILD) sh recipes/demo/run.sh $(DEMO)

test: deps ## build and run every test
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD) programs
	@BUILD=$(BUILD) sh tests/run.sh $(ONLY)

all: $(BUILD)/jargon $(BUILD)/speak
	@:

fuzzers: $(FUZZERS)

# All that tests/run.sh runs. The emulated library has a sanitizer's build of its own: make emulate.
programs: all $(TESTS) $(HELPERS) $(FUZZERS) $(BENCHES) $(if $(SANITIZE),,$(BUILD)/emulated-plain/libjargon_cuda.so)

cuda: deps ## the CUDA backend, libjargon_cuda.so beside the program: needs nvcc (CUDA 12 or later), no GPU
	@[ -n "$(NVCC)" ] || { echo "make cuda: no nvcc: install the CUDA toolkit (https://developer.nvidia.com/cuda-downloads)"; exit 1; }
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD) all $(BUILD)/libjargon_cuda.so

emulate: deps ## every CUDA kernel on the CPU: three schedules, memory, undefined behaviour, races; then planted mistakes
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD) programs $(BUILD)/emulated-asan/libjargon_cuda.so $(BUILD)/emulated-tsan/libjargon_cuda.so
	@BUILD=$(BUILD) sh tests/cuda_on_cpu/emulate.sh

gpu-check: cuda programs ## the CUDA backend on this machine's GPU: correct, then sanitize, then bench (tests/gpu/check.sh)
	@for stage in correct sanitize bench; do BUILD=$(BUILD) sh tests/gpu/check.sh $$stage || exit; done

gpu-bundle: cuda programs ## a folder with all that tests/gpu/check.sh needs on a machine that has CUDA 13 and PyTorch
	@BUILD=$(BUILD) sh tests/gpu/bundle.sh $(BUILD)/gpu-bundle

browser: all ## the evaluation's page in a headless Chromium: drawing, filters, keyboard, hostile text, 10,000 utterances
	@BUILD=$(BUILD) sh tests/run.sh browser

notebook: ## run the notebooks, on their example and on one made anew (installs python3-matplotlib)
	@$(MAKE) --no-print-directory deps PACKAGES="$(PACKAGES) $(NOTEBOOK_PACKAGES)"
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD) all
	@BUILD=$(BUILD) sh tests/cli/notebook.sh

bench: programs ## time operations and training steps on this machine; JSON lines into tests/bench/results/
	@BUILD=$(BUILD) sh tests/bench/run.sh

asan: deps ## the C tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)-asan OPT=-O1 \
	    SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" programs
	@LSAN_OPTIONS="suppressions=$$PWD/tests/leaks.txt:print_suppressions=0" BUILD=$(BUILD)-asan sh tests/run.sh ops unit golden cli

# libgomp is not instrumented, so OpenMP has one thread here: what is watched is the thread that reads batches, the
# corpus under several readers, errors by thread. A fixed address space (setarch -R): ThreadSanitizer asks for it.
TSAN_TESTS = unit/test_base unit/test_corpus unit/test_speech
tsan: deps ## the tests that run threads under ThreadSanitizer
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)-tsan OPT=-O1 SANITIZE="-fsanitize=thread -fno-omit-frame-pointer" \
	    $(TSAN_TESTS:%=$(BUILD)-tsan/tests/%)
	@for test in $(TSAN_TESTS); do echo "tsan  $$test"; OMP_NUM_THREADS=1 TSAN_OPTIONS=halt_on_error=1:exitcode=66 \
	    setarch -R $(BUILD)-tsan/tests/$$test >$(BUILD)-tsan/log 2>&1 || { tail -60 $(BUILD)-tsan/log; exit 1; }; done; \
	    echo "$(words $(TSAN_TESTS)) passed, 0 failed"

fuzz: deps ## every parser against mutated input under AddressSanitizer (RUNS=10000 inputs each)
	@$(MAKE) --no-print-directory -j2 BUILD=$(BUILD)-asan OPT=-O1 \
	    SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" fuzzers
	@BUILD=$(BUILD)-asan sh tests/fuzz/run.sh

lint: ## clang-tidy, cppcheck and the layer check; a warning is an error
	@command -v clang-tidy cppcheck >/dev/null || { echo "make lint: install $(LINT_PACKAGES) first"; exit 1; }
	@sh tests/check_includes.sh
	@cppcheck --quiet --enable=warning,performance,portability --inline-suppr --suppress=missingIncludeSystem \
	    --suppress=normalCheckLevelMaxBranches --error-exitcode=1 -j2 -I. -D_GNU_SOURCE --std=c11 $(filter %.c,$(LIB_SRC)) src/cmd/main.c
	@printf '%s\n' $(filter %.c,$(LIB_SRC)) src/cmd/main.c | \
	    xargs -P2 -n4 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$$@" 2>/dev/null \
	    -- -std=gnu11 -I. -D_GNU_SOURCE $(HDF5_CFLAGS) -fopenmp -march=$(MARCH)' lint

format: ## clang-format over the sources
	@clang-format -i $$(git ls-files '*.c' '*.h' '*.cc' '*.cu' '*.cuh')

sizes: ## lines of each source file, the longest first
	@git ls-files '*.c' '*.h' '*.cc' '*.cu' '*.py' '*.sh' | xargs wc -l | sort -rn | head -25

install: all ## copy the program, and the CUDA backend if it is built, to $(PREFIX)/bin
	install -D $(BUILD)/jargon $(DESTDIR)$(PREFIX)/bin/jargon
	[ ! -e $(BUILD)/libjargon_cuda.so ] || install $(BUILD)/libjargon_cuda.so $(DESTDIR)$(PREFIX)/bin/
PREFIX ?= /usr/local

clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan

# Each library: compile and link a program that calls it; one line each, found or missing.
define PROBES
audio files|libsndfile1-dev|sndfile.h|sf_version_string()|-lsndfile
resampling|libsoxr-dev|soxr.h|soxr_version()|-lsoxr
FFT|libkissfft-dev|kissfft/kiss_fftr.h|kiss_fftr_alloc(512,0,0,0)|-lkissfft-float
HDF5|libhdf5-dev|hdf5.h|H5open()|$(HDF5_CFLAGS) $(HDF5_LIBS)
JSON|libjansson-dev|jansson.h|json_object()|-ljansson
YAML|libyaml-dev|yaml.h|yaml_get_version_string()|-lyaml
Unicode|libutf8proc-dev|utf8proc.h|utf8proc_version()|-lutf8proc
hashing|libxxhash-dev|xxhash.h|XXH3_64bits("",0)|-lxxhash
speech synthesis (demo)|libespeak-ng-dev|espeak-ng/speak_lib.h|espeak_Info(0)|-lespeak-ng
tests|libcmocka-dev|stdarg.h stddef.h stdint.h setjmp.h cmocka.h|_cmocka_run_group_tests|-lcmocka
endef
export PROBES
$(BUILD)/probed: Makefile
	@mkdir -p $(@D); echo "$$PROBES" | while IFS='|' read -r name package headers call libs; do \
	  { for header in $$headers; do echo "#include <$$header>"; done; echo "int main(void) { return !($$call); }"; } >$(BUILD)/probe.c; \
	  if $(CC) -w $(BUILD)/probe.c -o $(BUILD)/probe $$libs 2>$(BUILD)/probe.log; then echo "  found   $$name"; \
	  else echo "  MISSING $$name: apt-get install $$package, or run make deps"; head -3 $(BUILD)/probe.log; exit 1; fi; done
	@command -v nvcc >/dev/null && echo "  found   nvcc: make cuda builds the CUDA backend" || \
	  echo "  absent  nvcc (optional): the CPU backend alone"
	@touch $@
$(LIB_OBJ) $(BUILD)/src/cmd/main.o $(BUILD)/speak: | $(BUILD)/probed

$(BUILD)/jargon: $(BUILD)/src/cmd/main.o $(BUILD)/libjargon.a
	@echo "  LD    $@"
	@$(CC) $(SANITIZE) -fopenmp -o $@ $^ $(LDLIBS)

$(BUILD)/speak: data/interviews/speak.c
	@echo "  CC    $@"; mkdir -p $(@D)
	@$(CC) -std=gnu11 -O2 -g -Wall -Wextra -o $@ $< -lespeak-ng -lsndfile -lsoxr -lpthread -lm

$(BUILD)/libjargon.a: $(LIB_OBJ)
	@rm -f $@ && ar rcs $@ $^

# The page of jargon eval --html, as C: style, script and the HTML around the data.
$(BUILD)/eval/page/page.c: $(wildcard eval/page/*)
	@echo "  PAGE  $@"; mkdir -p $(@D)
	@python3 eval/page/embed.py eval/page >$@.new && mv $@.new $@

# The tables of the english normalisation, as C.
$(BUILD)/src/text/rule_tables.c: $(wildcard eval/normalization/english/*.txt) eval/normalization/embed.py
	@echo "  RULES $@"; mkdir -p $(@D)
	@python3 eval/normalization/embed.py eval/normalization >$@.new && mv $@.new $@

$(EMBEDDED): %.o: %.c
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.c
	@echo "  CC    $<"; mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Their multiply-adds are fused by the optimiser, on which their bits depend: at -O1 it leaves some apart.
$(BUILD)/kernels/cpu/product_avx2.o $(BUILD)/kernels/cpu/product_avx512.o: override OPT = -O3

$(BUILD)/%.o: %.cc
	@echo "  CXX   $<"; mkdir -p $(@D)
	@$(CXX) $(CPPFLAGS) $(CXXFLAGS) -c -o $@ $<

# The CUDA backend: a library of its own, opened at run time.
NVCC ?= $(shell command -v nvcc 2>/dev/null || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
NVCC_FLAGS = -std=c++17 -O3 -lineinfo -I. -Xcompiler -fPIC,-fvisibility=hidden,-Wall -Werror all-warnings \
             -Xptxas --warn-on-spills,--warn-on-local-memory-usage \
             -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90a,code=sm_90a -gencode arch=compute_90,code=compute_90
CUDA_OBJ := $(patsubst %.cu,$(BUILD)/cuda/%.o,$(wildcard kernels/cuda/*.cu))
$(BUILD)/cuda/%.o: %.cu
	@echo "  NVCC  $<"; mkdir -p $(@D)
	@$(NVCC) $(NVCC_FLAGS) -MD -MP -MF $(@:.o=.d) -c -o $@ $<
$(BUILD)/libjargon_cuda.so: $(CUDA_OBJ)
	@echo "  LD    $@"
	@$(NVCC) -shared -o $@ $^ -lcublasLt -ldl -Xlinker -z,defs,-rpath,'$$ORIGIN:$(patsubst %/bin/nvcc,%/lib64,$(realpath $(NVCC)))'

# The CUDA backend's very sources for the emulator (tests/cuda_on_cpu): plain, and checked by the sanitizers.
EMULATOR := tests/cuda_on_cpu
comma := ,
EMULATED_CU := $(wildcard kernels/cuda/*.cu)
EMULATED_CUH := $(patsubst %,$(BUILD)/emulated/%,$(wildcard kernels/cuda/*.cuh))
EMULATED_FLAGS = -std=c++17 -g -fPIC -fvisibility=hidden -fno-strict-aliasing -Wall -Wextra -Wno-unknown-pragmas -I$(BUILD)/emulated \
                 -I$(EMULATOR)/include -I. -MMD -MP
EMULATED_plain = -O2
EMULATED_asan = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined \
                -fsanitize-sections=emulated_shared
EMULATED_tsan = -O1 -DEMULATOR_TSAN -fsanitize=thread
$(BUILD)/emulated/%.cc: %.cu $(EMULATOR)/rewrite.py
	@mkdir -p $(@D); python3 $(EMULATOR)/rewrite.py $< >$@
$(BUILD)/emulated/%.cuh: %.cuh $(EMULATOR)/rewrite.py
	@mkdir -p $(@D); python3 $(EMULATOR)/rewrite.py $< >$@
define EMULATED_RULES
$(BUILD)/emulated-$(1)/%.o: $(BUILD)/emulated/%.cc $(EMULATED_CUH)
	@echo "  EMU   $$*.cu ($(1))"; mkdir -p $$(@D)
	@$$(CXX) $$(EMULATED_FLAGS) $$(EMULATED_$(1)) -c -o $$@ $$<
$(BUILD)/emulated-$(1)/$(EMULATOR)/%.o: $(EMULATOR)/%.cc $(EMULATED_CUH)
	@mkdir -p $$(@D)
	@$$(CXX) $$(EMULATED_FLAGS) $$(filter-out -fsanitize=thread,$$(EMULATED_$(1))) -c -o $$@ $$<
$(BUILD)/emulated-$(1)/libjargon_cuda.so: $(EMULATED_CU:%.cu=$(BUILD)/emulated-$(1)/%.o) \
    $(patsubst %.cc,$(BUILD)/emulated-$(1)/%.o,$(wildcard $(EMULATOR)/*.cc))
	@echo "  LD    $$@"
	@$$(CXX) $$(EMULATED_$(1)) -shared $$(if $$(filter plain,$(1)),-Wl$$(comma)-z$$(comma)defs) -o $$@ $$^
endef
$(foreach kind,plain asan tsan,$(eval $(call EMULATED_RULES,$(kind))))
.PRECIOUS: $(BUILD)/emulated/%.cc $(BUILD)/emulated/%.cuh

$(filter $(BUILD)/tests/ops/%,$(TESTS)): $(BUILD)/tests/ops/%: $(BUILD)/tests/ops/%.o $(OPS_COMMON) $(BUILD)/libjargon.a
	@$(CC) $(SANITIZE) -fopenmp -o $@ $^ -lcmocka $(LDLIBS)

$(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/driver.o $(BUILD)/libjargon.a
	@$(CC) $(SANITIZE) -fopenmp -o $@ $^ $(LDLIBS)

$(BUILD)/tests/e2e/faults.so: tests/e2e/faults.c
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -g $(WARN) -shared -fPIC -o $@ $< -ldl

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libjargon.a
	@$(CC) $(SANITIZE) -fopenmp -o $@ $^ -lcmocka $(LDLIBS)

.PRECIOUS: $(BUILD)/%.o
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

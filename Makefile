# Jargon: front doors. `make help` lists them.
BUILD ?= build
CC = gcc
CXX = g++
MARCH ?= x86-64-v3
OPT ?= -O3
SANITIZE ?=
WARN = -Wall -Wextra -Wpointer-arith -Wshadow -Wstrict-prototypes -Wvla -Werror=implicit-function-declaration
CFLAGS = -std=gnu11 $(OPT) -g -march=$(MARCH) -fno-math-errno -fno-trapping-math -fopenmp $(WARN) $(SANITIZE)
CXXFLAGS = -std=c++17 $(OPT) -g -march=$(MARCH) -Wall -Wextra $(SANITIZE)
HDF5_CFLAGS := $(shell pkg-config --cflags hdf5-serial 2>/dev/null || echo -I/usr/include/hdf5/serial)
HDF5_LIBS := $(shell pkg-config --libs hdf5-serial 2>/dev/null || echo -L/usr/lib/x86_64-linux-gnu/hdf5/serial -lhdf5)
CPPFLAGS = -I. -D_GNU_SOURCE $(HDF5_CFLAGS) -MMD -MP
LDLIBS = $(HDF5_LIBS) -lsndfile -lsoxr -lkissfft-float -ljansson -lyaml -lutf8proc -lsentencepiece \
         -lsentencepiece_train -lxxhash -ldl -lm -lstdc++

LIB_SRC := $(wildcard kernels/*.c kernels/cpu/*.c src/base/*.c src/audio/*.c src/text/*.c src/corpus/*.c src/model/*.c \
             src/train/*.c src/decode/*.c src/interop/*.c eval/*.c src/cmd/verb_*.c) $(wildcard src/text/*.cc)
LIB_OBJ := $(patsubst %.cc,$(BUILD)/%.o,$(patsubst %.c,$(BUILD)/%.o,$(LIB_SRC)))
TEST_BIN := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/ops/test_*.c tests/unit/test_*.c tests/golden/test_*.c))
OPS_COMMON := $(patsubst %.c,$(BUILD)/%.o,$(filter-out tests/ops/test_%,$(wildcard tests/ops/*.c)))

.PHONY: all help
all: $(BUILD)/jargon $(BUILD)/speak

$(BUILD)/jargon: $(BUILD)/src/cmd/main.o $(BUILD)/libjargon.a
	$(CC) $(SANITIZE) -fopenmp -o $@ $^ $(LDLIBS)

$(BUILD)/speak: data/interviews/speak.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -o $@ $< -lespeak-ng -lsndfile -lsoxr -lpthread -lm

$(BUILD)/libjargon.a: $(LIB_OBJ)
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.cc
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(CXXFLAGS) -c -o $@ $<

$(BUILD)/tests/ops/%: $(BUILD)/tests/ops/%.o $(OPS_COMMON) $(BUILD)/libjargon.a
	$(CC) $(SANITIZE) -fopenmp -o $@ $^ -lcmocka $(LDLIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libjargon.a
	$(CC) $(SANITIZE) -fopenmp -o $@ $^ -lcmocka $(LDLIBS)

tests-build: $(TEST_BIN) all

.PRECIOUS: $(BUILD)/%.o
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

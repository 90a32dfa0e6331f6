/* Runs a fuzz target without libFuzzer:  fuzz_NAME [RUNS=10000] [ONLY=17] [SEEDFILE...]   Each run mutates a
 * seed by a generator that depends on the run's number alone, so that a crash is found again by its number.
 * An input that takes more than 20 seconds of the processor counts as a crash. */
#include "tests/fuzz/fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "kernels/random.h"

enum { ROOM = 1 << 20, SEEDS = 64, SECONDS = 20 };

typedef struct Seed {
  uint8_t *bytes;
  size_t size;
} Seed;

long fuzz_accepted;
static Seed seeds[SEEDS];
static int seed_count;
static volatile long current;
static char folder[32];

const char *fuzz_file(const uint8_t *data, size_t size) {
  static char path[32];
  static int fd = -1;
  if (fd < 0 && (fd = memfd_create("fuzz", MFD_CLOEXEC)) < 0) abort();
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
  return path;
}

static void remove_folder(void) {
  char command[64];
  snprintf(command, sizeof command, "/bin/rm -rf %s", folder);
  if (system(command)) fprintf(stderr, "cannot remove %s\n", folder);
}

const char *fuzz_folder(void) {
  if (!folder[0]) {
    strcpy(folder, "/tmp/jargon-fuzz-XXXXXX");
    if (!mkdtemp(folder)) abort();
    atexit(remove_folder);
  }
  return folder;
}

size_t fuzz_load(const char *path, uint8_t *data, size_t room) {
  FILE *stream = fopen(path, "rb");
  if (!stream) perror(path), exit(74);
  size_t size = fread(data, 1, room, stream);
  fclose(stream);
  return size;
}

void fuzz_put(const char *path, const uint8_t *data, size_t size) {
  FILE *stream = fopen(path, "wb");
  if (!stream || fwrite(data, 1, size, stream) != size || fclose(stream)) abort();
}

size_t fuzz_text(const char *text, uint8_t *data, size_t room) {
  size_t size = strlen(text);
  if (size > room) abort();
  memcpy(data, text, size);
  return size;
}

static void add_seed(const uint8_t *data, size_t size) {
  if (seed_count == SEEDS) fprintf(stderr, "more than %d seeds\n", SEEDS), exit(64);
  seeds[seed_count] = (Seed){malloc(size ? size : 1), size};
  memcpy(seeds[seed_count++].bytes, data, size);
}

/* ---- mutation ---- */

typedef struct Dice {
  uint64_t key;
  uint32_t next;
} Dice;

static uint32_t below(Dice *dice, size_t n) {
  return (uint32_t)(random_bits(dice->key, dice->next++) % (n ? n : 1));
}

/* Half of all places are near the beginning: headers are there. */
static size_t place(Dice *dice, size_t size) {
  return below(dice, below(dice, 2) && size > 256 ? 256 : size);
}

/* Replaces `out` bytes at `at` by `in` bytes of `text`. */
static size_t replace(uint8_t *data, size_t size, size_t at, size_t out, const void *text, size_t in) {
  if (size - out + in > ROOM) return size;
  memmove(data + at + in, data + at + out, size - at - out);
  memcpy(data + at, text, in);
  return size - out + in;
}

static size_t edge(Dice *dice, uint8_t *data, size_t size) {
  static const int64_t edges[] = {0,         1,         -1,        2,         127,
                                  128,       255,       256,       32767,     32768,
                                  65535,     65536,     INT32_MAX, INT32_MIN, (int64_t)UINT32_MAX,
                                  INT64_MAX, INT64_MIN, 1 << 20,   1 << 30};
  int64_t value = edges[below(dice, sizeof edges / sizeof *edges)];
  size_t width = (size_t)1 << below(dice, 4), at = place(dice, size);
  if (at + width > size) return size;
  if (below(dice, 2)) value = (int64_t)__builtin_bswap64((uint64_t)value) >> (64 - 8 * width);
  memcpy(data + at, &value, width);
  return size;
}

/* A number in digits becomes another. */
static size_t digits(Dice *dice, uint8_t *data, size_t size) {
  static const char *const numbers[] = {
      "-1",   "0",    "1e999", "99999999999999999999", "2147483648", "0.5",     "NaN",
      "null", "\"\"", "[]",    "9223372036854775807",  "-0",         "1048577", ""};
  const char *number = numbers[below(dice, sizeof numbers / sizeof *numbers)];
  size_t at = below(dice, size), end;
  while (at < size && (data[at] < '0' || data[at] > '9')) at++;
  for (end = at; end < size && data[end] >= '0' && data[end] <= '9';) end++;
  return replace(data, size, at, end - at, number, strlen(number));
}

static size_t mutate_once(Dice *dice, uint8_t *data, size_t size) {
  static uint8_t block[ROOM];
  size_t at = place(dice, size), length = 1 + below(dice, below(dice, 2) ? 16 : size - at);
  if (length > size - at) length = size - at;
  const Seed *other = &seeds[below(dice, (size_t)seed_count)];
  switch (size ? below(dice, 10) : 9) {
  case 0:
  case 1:
    data[at] ^= (uint8_t)(1 << below(dice, 8));
    return size;
  case 2:
    data[at] = (uint8_t)below(dice, 256);
    return size;
  case 3:
    return edge(dice, data, size);
  case 4:
    return digits(dice, data, size);
  case 5:
    return replace(data, size, at, length, "", 0); /* a block less */
  case 6:                                          /* a block twice */
    memcpy(block, data + at, length);
    return replace(data, size, place(dice, size), 0, block, length);
  case 7: /* a block somewhere else */
    memcpy(block, data + at, length);
    at = place(dice, size - length);
    return replace(data, size, at, length, block, length);
  case 8:
    return below(dice, 4) ? size : at; /* cut */
  default: {                           /* on with another seed */
    size_t from = below(dice, other->size);
    return replace(data, size, at, size - at, other->bytes + from, other->size - from);
  }
  }
}

static void run(long number) {
  static uint8_t data[ROOM];
  Dice dice = {.key = random_row(1, (uint32_t)number, 0, 0, 0)};
  const Seed *seed = &seeds[number % seed_count];
  size_t size = seed->size;
  memcpy(data, seed->bytes, size);
  if (number >= seed_count) /* the seeds themselves come first */
    for (uint32_t left = 1 + below(&dice, 6); left > 0; left--) size = mutate_once(&dice, data, size);
  uint8_t *exact = malloc(size ? size : 1); /* its own block: an overrun is seen */
  memcpy(exact, data, size);
  current = number;
  setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = SECONDS}, NULL);
  LLVMFuzzerTestOneInput(exact, size);
  setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL);
  free(exact);
}

static void die(int signal_number) {
  char text[96];
  int length = snprintf(text, sizeof text, "\n%s at input %ld: again with ONLY=%ld\n",
                        signal_number == SIGPROF ? "TIMEOUT" : "CRASH", current, current);
  if (write(STDERR_FILENO, text, (size_t)length) < 0) _exit(1);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

int main(int argc, char **argv) {
  static uint8_t seed[ROOM];
  long runs = 1000, only = -1;
  for (int i = 1; i < argc; i++) {
    if (!strncmp(argv[i], "RUNS=", 5))
      runs = atol(argv[i] + 5);
    else if (!strncmp(argv[i], "ONLY=", 5))
      only = atol(argv[i] + 5);
    else
      add_seed(seed, fuzz_load(argv[i], seed, ROOM));
  }
  size_t size;
  for (int number = 0; fuzz_seed && (size = fuzz_seed(number, seed, ROOM)) > 0; number++)
    add_seed(seed, size);
  if (!seed_count) return fprintf(stderr, "%s: no seed\n", argv[0]), 64;
  signal(SIGPROF, die), signal(SIGABRT, die);
  for (long number = only < 0 ? 0 : only; number < (only < 0 ? runs + seed_count : only + 1); number++)
    run(number);
  const char *name = strrchr(argv[0], '/');
  printf("%s: %ld mutated inputs from %d seeds, %ld accepted, 0 crashes\n", name ? name + 1 : argv[0], runs,
         seed_count, fuzz_accepted);
  for (int i = 0; i < seed_count; i++) free(seeds[i].bytes);
  return 0;
}

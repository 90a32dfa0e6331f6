/* Runs a fuzz target without libFuzzer:  fuzz_NAME SEEDFILE... RUNS=10000   Each run changes a few bytes of a seed file,
 * by a generator that depends on the run's number alone, so that a crash is found again by its number. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv) {
  long runs = 1000;
  for (int i = 1; i < argc; i++)
    if (strncmp(argv[i], "RUNS=", 5) == 0) runs = atol(argv[i] + 5);
  int files = 0;
  for (int i = 1; i < argc; i++) {
    if (strncmp(argv[i], "RUNS=", 5) == 0) continue;
    FILE *stream = fopen(argv[i], "rb");
    if (!stream) return perror(argv[i]), 74;
    static uint8_t seed[1 << 20], data[1 << 20];
    size_t size = fread(seed, 1, sizeof seed, stream);
    fclose(stream);
    files++;
    LLVMFuzzerTestOneInput(seed, size);
    for (long run = 0; run < runs; run++) {
      uint64_t key = random_row(1, (uint32_t)run, 0, (uint32_t)i, 0);
      memcpy(data, seed, size);
      size_t kept = random_bits(key, 0) % 8 ? size : size ? random_bits(key, 1) % size : 0;
      for (uint32_t k = 0; kept && k < 1 + random_bits(key, 2) % 8; k++)
        data[random_bits(key, 10 + 2 * k) % kept] = (uint8_t)random_bits(key, 11 + 2 * k);
      uint8_t *exact = malloc(kept ? kept : 1); /* its own block: an overrun is seen */
      memcpy(exact, data, kept);
      LLVMFuzzerTestOneInput(exact, kept);
      free(exact);
    }
  }
  printf("%s: %ld inputs, 0 crashes\n", argv[0], (runs + 1) * files);
  return files == 0;
}

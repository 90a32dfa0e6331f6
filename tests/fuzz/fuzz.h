/* What a fuzz target and its driver know of each other. A target is libFuzzer's LLVMFuzzerTestOneInput(): it
 * takes any bytes and must come back; it counts what was accepted, so that a fuzzer whose inputs all fail at
 * once is seen. */
#ifndef JARGON_TESTS_FUZZ_FUZZ_H
#define JARGON_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target that makes its own seeds defines this: writes seed `number` of at most `room` bytes and returns
 * its size; 0: there are no more. */
__attribute__((weak)) size_t fuzz_seed(int number, uint8_t *data, size_t room);

extern long fuzz_accepted;

/* The path of a file with these bytes, in memory, valid until the next call. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* A folder of the fuzzer's own, removed at its end. */
const char *fuzz_folder(void);

/* Writes a file of these bytes, without fsync: thousands of times. */
void fuzz_put(const char *path, const uint8_t *data, size_t size);

/* The file's size, its bytes in `data`; for fuzz_seed(). */
size_t fuzz_load(const char *path, uint8_t *data, size_t room);

/* fuzz_seed() of texts. */
size_t fuzz_text(const char *text, uint8_t *data, size_t room);
#define FUZZ_TEXTS(...)                                                                                      \
  size_t fuzz_seed(int number, uint8_t *data, size_t room) {                                                 \
    static const char *const texts[] = {__VA_ARGS__};                                                        \
    return number < (int)(sizeof texts / sizeof *texts) ? fuzz_text(texts[number], data, room) : 0;          \
  }

#endif

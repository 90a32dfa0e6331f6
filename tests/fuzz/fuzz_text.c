/* Fuzz target: any bytes as plain text. */
#include "tests/fuzz/records.h"

FUZZ_RECORDS(RECORD_TEXT, "one caf\xc3\xa9\n\ntwo\r\n", "\xef\xbb\xbfx")

/* Fuzz target: any bytes as a trn file. */
#include "tests/fuzz/records.h"

FUZZ_RECORDS(RECORD_TRN, ";; note\nhow { many / @ / { a / b } c } words (uh) (anna-001)\n(x_2)\n",
             "a caf\xc3\xa9 (b-1)\r\n\n/ } (c)",
             "A;tag b\\;c;x;y (Uh-) {-a/@} d* (S-1)\n{{a / (b)} c/d} -d (S-2)\n")

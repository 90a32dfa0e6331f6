/* Fuzz target: any bytes as a ctm file. */
#include "tests/fuzz/records.h"

FUZZ_RECORDS(
    RECORD_CTM,
    ";; note\nf1 A 0 0.5 one 0.75\nf1 A * * <ALT_BEGIN>\nf1 A 1 0.5 two -3\nf1 A * * <ALT>\nf1 A * * "
    "<ALT_END>\nf1 B 0 1 b NA\n",
    "f2 A 0.5 0.25 caf\xc3\xa9\r\n",
    "f1 A 0 0.5 The;tag\nf1 A 1 -0.01 (uh-)\nf1 A * * <ALT_BEGIN>\nf1 A 2 1 a\\;b*\nf1 A * * "
    "<ALT>\nf1 A 3 1 -X\nf1 A * * <ALT_END>\n")

/* Fuzz target: any bytes as the text file of a Kaldi data folder. */
#include "tests/fuzz/records.h"

FUZZ_RECORDS(RECORD_KALDI, "u1 one two\nu2\n\tu3  caf\xc3\xa9\r\n")

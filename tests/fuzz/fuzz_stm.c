/* Fuzz target: any bytes as an stm file. */
#include "tests/fuzz/records.h"

FUZZ_RECORDS(RECORD_STM,
             ";; LABEL \"o\" \"all\" \"all\"\nf1 A s1 0.5 1.25 <o,,male> a { b / @ } (uh)\nf1 A s2 1.25 3 "
             "IGNORE_TIME_SEGMENT_IN_SCORING\nf2 B s2 0 1e3\n",
             "r 1 sp 0 1 one\r\n\nr 1 sp 1 2 two\n",
             "f A s 0 1 twenty (uh) three { hundred / thousand } (and) five { u / @ } s\n",
             "F A S 0 1 <O> The;tag {a;b/(-C) / @} d*\nF A s 1 2 (Uh-) caf\xc3\x89\n")

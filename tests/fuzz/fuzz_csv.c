/* Fuzz target: any bytes as a CSV file. */
#include "tests/fuzz/records.h"

FUZZ_RECORDS(RECORD_CSV,
             "id,text,pred_text,duration,\"the \"\"key\"\"\"\r\nu1,\"a, "
             "\"\"b\"\"\nc\",d,1.5,k\r\nu2,,\"\",,\n\nu3,x,y,,z",
             "path\tsentence\taccents\nclips/one.mp3\ta, b\twelsh\n", "text,audio\ncaf\xc3\xa9,a.wav")

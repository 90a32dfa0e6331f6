/* Fuzz target: any bytes as a manifest with what was recognised. */
#include "tests/fuzz/records.h"

FUZZ_RECORDS(RECORD_MANIFEST,
             "{\"audio_filepath\": \"x/a.wav\", \"text\": \"one\", \"pred_text\": \"won\", \"words\": "
             "[{\"word\": \"won\", "
             "\"start\": 0.1, \"end\": 0.2, \"confidence\": 0.5}]}\n{\"utt_id\": \"u\", \"text\": \"two\", "
             "\"pred_text\": \"caf\\u00e9 to\", \"duration\": 1}\n")

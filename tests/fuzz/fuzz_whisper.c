/* Fuzz target: any bytes as JSON of Whisper. */
#include "tests/fuzz/records.h"

FUZZ_RECORDS(
    RECORD_WHISPER,
    "{\"text\": \" One\", \"segments\": [\n{\"start\": 0, \"end\": 1, \"text\": \" One two.\", \"words\": "
    "[{\"word\": \" One\", \"start\": 0, \"end\": 0.5, \"probability\": 0.9}, {\"text\": \"two\"}]},\n"
    "{\"start\": 1, \"end\": 2, \"text\": \" Three\"}]}",
    "{\"transcription\": [{\"offsets\": {\"from\": 500, \"to\": 1500}, \"text\": \"caf\\u00e9\"}]}")

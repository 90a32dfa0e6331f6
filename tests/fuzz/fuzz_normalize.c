/* Files of rules: any bytes are rules or a refusal with the file's name; with what is accepted a text is
 * normalised. */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "src/text/rewrite.h"

size_t fuzz_seed(int number, uint8_t *data, size_t room) {
  static const char own[] =
      "version = mine-1\nbase = english\n[words]\ncolour = colour\n[phrases]\nx ray = xray\n";
  size_t size = 0;
  if (number == 0) size = sizeof own - 1, memcpy(data, own, size);
  int table = number - 1;
  if (number > 0 && table < 4) { /* all four tables; each has its sections, the version stands before */
    const char *text = RULE_TABLES[table].text;
    size = strlen(text);
    static const char version[] = "version = x\n";
    if (size + sizeof version > room) return 0;
    memcpy(data, version, sizeof version - 1);
    memcpy(data + sizeof version - 1, text, size);
    size += sizeof version - 1;
  }
  return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const text =
      "Mr. X won't pay $2.50m, um, twenty twenty three x-ray & 3 1/2 U.S. colour he's been 5% \xc3\xa9 1st";
  Rules *rules = NULL;
  char *out;
  Status status = rules_parse(&rules, "fuzz.txt", (const char *)data, size);
  if (status == OK) {
    if (rules_apply(rules, &text, 1, &out, NULL) == OK)
      free(out);
    else if (!strstr(fail_text(), "do not settle"))
      abort();
    status = rules_check(rules);
  }
  if (status != OK && (status != ERR_DATA || !strstr(fail_text(), ".txt:"))) abort();
  fuzz_accepted += status == OK;
  rules_free(rules);
  return 0;
}

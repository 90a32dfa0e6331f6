#include "src/text/names.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/status.h"

void name_clean(char *name) {
  if (!strncmp(name, ";;", 2)) name[0] = name[1] = '_';
  for (; *name; name++)
    if (isspace((unsigned char)*name) || *name == '(' || *name == ')') *name = '_';
}

char *recording_name(const char *path) {
  const char *slash = strrchr(path, '/');
  char *name = xstrdup(slash ? slash + 1 : path), *dot = strrchr(name, '.');
  if (dot && dot > name) *dot = 0;
  name_clean(name);
  return name;
}

char *utterance_name(const char *path, double offset) {
  char *name = recording_name(path);
  if (!(offset > 0)) return name;
  char *longer = xprintf("%s-%lld", name, llround(offset * 1000));
  free(name);
  return longer;
}

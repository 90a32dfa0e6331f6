#include "src/train/groups.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* Sets the rate of every parameter that matches. */
static Status apply_rule(AdamwSegment *segments, const Param *const *params, int count, const char *pattern,
                         double scale, char **report) {
  int matched = 0;
  size_t weights = 0;
  for (int i = 0; i < count; i++) {
    if (fnmatch(pattern, params[i]->name, 0) != 0) continue;
    segments[i].lr_scale = (float)scale;
    weights += params[i]->count;
    matched++;
  }
  if (!matched)
    return fail(ERR_USAGE, "the pattern '%s' matches no parameter; names look like '%s'", pattern,
                params[0]->name);
  char *more = scale == 0 ? xprintf("%s%s: frozen: %d tensors, %.3f M weights\n", *report, pattern, matched,
                                    (double)weights / 1e6)
                          : xprintf("%s%s: learning rate x %g: %d tensors, %.3f M weights\n", *report,
                                    pattern, scale, matched, (double)weights / 1e6);
  free(*report);
  *report = more;
  return OK;
}

static Status apply_rate(AdamwSegment *segments, const Param *const *params, int count, const char *rule,
                         char **report) {
  Status status = OK;
  char *pattern = xstrdup(rule), *equals = strrchr(pattern, '='), *end = NULL;
  double scale = -1;
  if (equals) {
    *equals = 0;
    scale = strtod(equals + 1, &end);
  }
  if (!equals || end == equals + 1 || *end || !(scale >= 0 && scale <= 1000))
    TRY(fail(ERR_USAGE, "lr_rule '%s' is not PATTERN=SCALE with a scale of 0 to 1000", rule));
  TRY(apply_rule(segments, params, count, pattern, scale, report));
done:
  free(pattern);
  return status;
}

Status groups_make(AdamwSegment *segments, const Param *const *params, int count, const GroupRules *rules,
                   char **report) {
  Status status = OK;
  *report = xstrdup("");
  for (int i = 0; i < count; i++)
    segments[i] =
        (AdamwSegment){params[i]->offset, params[i]->count, 1, params[i]->decay ? (float)rules->decay : 0};
  for (int i = 0; i < rules->rates.count; i++)
    TRY(apply_rate(segments, params, count, rules->rates.items[i], report));
  for (int i = 0; i < rules->freeze.count; i++)
    TRY(apply_rule(segments, params, count, rules->freeze.items[i], 0, report));
  bool moving = false;
  for (int i = 0; i < count; i++) moving |= segments[i].lr_scale > 0;
  if (!moving) TRY(fail(ERR_USAGE, "every parameter is frozen; nothing is left to train"));
done:
  if (status != OK) {
    free(*report);
    *report = NULL;
  }
  return status;
}

#include "src/model/params.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/random.h"

int params_add(Params *params, const char *prefix, const char *name, const int64_t shape[4], ParamInit init,
               float scale, bool decay) {
  params->items = xrealloc(params->items, (unsigned long)params->count + 1, sizeof *params->items);
  Param *param = &params->items[params->count];
  *param = (Param){.name = xprintf("%s.%s", prefix, name),
                   .offset = params->floats,
                   .count = 1,
                   .init = init,
                   .init_scale = scale,
                   .decay = decay};
  for (; param->ndim < 4 && shape[param->ndim] > 0; param->ndim++) {
    param->shape[param->ndim] = shape[param->ndim];
    param->count *= (size_t)shape[param->ndim];
  }
  params->floats += (param->count + PARAM_ALIGN - 1) / PARAM_ALIGN * PARAM_ALIGN;
  return params->count++;
}

void params_free(Params *params) {
  for (int i = 0; i < params->count; i++) free(params->items[i].name);
  free(params->items);
  *params = (Params){0};
}

int params_find(const Params *params, const char *name) {
  for (int i = 0; i < params->count; i++)
    if (strcmp(params->items[i].name, name) == 0) return i;
  return PARAM_NONE;
}

static uint32_t name_hash(const char *name) { /* FNV-1a */
  uint32_t hash = 2166136261u;
  for (; *name; name++) hash = (hash ^ (uint8_t)*name) * 16777619u;
  return hash;
}

/* Uniform in (0, 1), never 0 or 1. */
static double uniform(uint64_t row, uint32_t channel) {
  return (random_bits(row, channel) + 0.5) / 4294967296.0;
}

static void param_init(const Param *param, float *values, uint64_t seed) {
  uint32_t hash = name_hash(param->name);
  for (size_t i = 0; i < param->count; i++) {
    uint64_t row = random_row(seed, 0, hash, (uint32_t)(i >> 32), (uint32_t)(i >> 16));
    uint32_t channel = 2 * (uint32_t)(i & 0xffff);
    switch (param->init) {
    case INIT_ZERO:
      values[i] = 0;
      break;
    case INIT_ONE:
      values[i] = 1;
      break;
    case INIT_UNIFORM:
      values[i] = (float)(param->init_scale * (2 * uniform(row, channel) - 1));
      break;
    case INIT_NORMAL: /* Box and Muller 1958 */
      values[i] = (float)(param->init_scale * sqrt(-2 * log(uniform(row, channel))) *
                          cos(2 * M_PI * uniform(row, channel + 1)));
      break;
    }
  }
}

void params_init(const Params *params, float *values, uint64_t seed) {
  memset(values, 0, params->floats * sizeof *values);
  for (int i = 0; i < params->count; i++)
    param_init(&params->items[i], values + params->items[i].offset, seed);
}

const char *shape_text(const int64_t *shape, int ndim, char *out, size_t size) {
  size_t used = (size_t)snprintf(out, size, "(");
  for (int i = 0; i < ndim && used < size; i++)
    used += (size_t)snprintf(out + used, size - used, i ? ", %lld" : "%lld", (long long)shape[i]);
  if (used < size) snprintf(out + used, size - used, ")");
  return out;
}

/* The list of a model's parameters (or buffers): declared once, by name, while the modules are built. Offsets
 * are in floats within one contiguous array; each parameter begins on a multiple of PARAM_ALIGN, the gaps
 * stay 0. */
#ifndef JARGON_MODEL_PARAMS_H
#define JARGON_MODEL_PARAMS_H

#include "src/model/model.h"

enum { PARAM_ALIGN = 64, PARAM_NONE = -1 };

typedef struct Params {
  Param *items;
  int count;
  size_t floats; /* length of the array, gaps included */
} Params;

/* Registers "<prefix>.<name>" and returns its index. Unused dimensions of `shape` are 0. `scale` is the
 * standard deviation or the bound of the random initial values. */
int params_add(Params *params, const char *prefix, const char *name, const int64_t shape[4], ParamInit init,
               float scale, bool decay);
void params_free(Params *params);

/* The index of a name, or PARAM_NONE. */
int params_find(const Params *params, const char *name);

/* Fills values (params->floats, host memory) with initial values: a function of seed and name. */
void params_init(const Params *params, float *values, uint64_t seed);

/* "(96, 1, 3, 3)": for messages. */
const char *shape_text(const int64_t *shape, int ndim, char *out, size_t size);

#endif

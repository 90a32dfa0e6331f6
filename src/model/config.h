/* The fields of ModelConfig by name: config.json and preprocessor_config.json are read and written by this
 * table, and presets and `model.<key>=<value>` settings (src/model/preset.h) use the same names. */
#ifndef JARGON_MODEL_CONFIG_H
#define JARGON_MODEL_CONFIG_H

#include <stdio.h>

#include "src/base/status.h"
#include "src/model/model.h"

/* Sets one field from text ("hidden_size", "144"). An unknown key or a bad value is ERR_USAGE. */
Status model_config_set(ModelConfig *config, const char *key, const char *value);

/* Every field as "name: value", a line each, as a preset has it. */
void model_config_print(const ModelConfig *config, FILE *stream);

/* Read <folder>/config.json and <folder>/preprocessor_config.json, and check the whole. */
Status config_read(ModelConfig *config, const char *folder);
/* Writes both. */
Status config_write(const ModelConfig *config, const char *folder);

#endif

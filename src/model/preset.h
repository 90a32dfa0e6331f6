/* A preset: a flat YAML file of model settings by their configuration names (`hidden_size: 144`); the
 * settings that are absent keep the defaults of model_config_default(). */
#ifndef JARGON_MODEL_PRESET_H
#define JARGON_MODEL_PRESET_H

#include "src/model/config.h"

/* Assigns *config. Errors name file and line. */
Status preset_read(ModelConfig *config, const char *path);

#endif

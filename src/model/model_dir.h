/* The native model directory, Hugging Face's layout of ParakeetForCTC:
 *   config.json  model.safetensors (metadata format: pt)  preprocessor_config.json  tokenizer.json
 * Every file is suspect until parsed; a directory is written aside and renamed into place as a whole. */
#ifndef JARGON_MODEL_MODEL_DIR_H
#define JARGON_MODEL_MODEL_DIR_H

#include "src/base/status.h"
#include "src/model/model.h"

/* Reads config.json and preprocessor_config.json. */
Status model_dir_config(ModelConfig *config, const char *path);

/* Config and weights. A tensor that is missing, of another shape or type, or unknown is ERR_DATA by name. */
Status model_load(Model **out, const char *path, const Backend *backend);

/* Into an existing model: takes the tensors whose names and shapes agree, leaves the others as they are and
 * lists them in *left (one name a line, the caller's to free; NULL: any difference is an error). For transfer
 * to another vocabulary. */
Status model_load_weights(Model *model, const char *path, char **left);

/* Writes the directory. tokenizer_json: path of the tokenizer.json to put in it. An existing model at
 * `path` is replaced, and at no instant is there none (on a file system without renameat2's exchange, such as
 * NFS, for the moment between two renames the old one stands beside it as `path`.jargon-old). A directory that
 * is neither a model nor empty is ERR_USAGE. */
Status model_save(Model *model, const char *path, const char *tokenizer_json);

#endif

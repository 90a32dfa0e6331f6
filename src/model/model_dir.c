#include "src/model/model_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/file.h"
#include "src/model/config.h"
#include "src/model/conformer.h"
#include "src/model/safetensors.h"

enum { TOKENIZER_LIMIT = 1 << 26 };

/* Beside "norm.running_mean" stands a counter, "norm.num_batches_tracked"; NULL for other buffers. The caller
 * frees. */
static char *counter_name(const char *buffer) {
  const char *mean = "running_mean", *at = strstr(buffer, mean);
  if (!at || at[strlen(mean)]) return NULL;
  return xprintf("%.*snum_batches_tracked", (int)(at - buffer), buffer);
}

Status model_dir_config(ModelConfig *config, const char *path) {
  Status status = config_read(config, path);
  return status == ERR_IO ? fail_in(status, "%s is not a model directory (`jargon train` writes one)", path)
                          : status;
}

/* ---- reading ---- */

typedef const Param *ParamAt(const Model *model, int index);

/* Collects the names that were left; with `names` NULL a difference is an error. */
typedef struct Left {
  char **names;
} Left;

static Status left_add(const Left *left, const char *name, Status why) {
  if (why == OK || !left->names) return why;
  char *longer = xprintf("%s%s\n", *left->names, name);
  free(*left->names);
  *left->names = longer;
  return OK;
}

static Status tensor_compare(const Safetensors *file, const Param *param, const Tensor *tensor) {
  char here[128], there[128];
  if (!tensor) return fail(ERR_DATA, "%s: tensor %s is missing", file->path, param->name);
  if (tensor->ndim == param->ndim &&
      memcmp(tensor->shape, param->shape, sizeof *param->shape * (size_t)param->ndim) == 0)
    return OK;
  return fail(ERR_DATA, "%s: tensor %s has the shape %s; the configuration needs %s", file->path, param->name,
              shape_text(tensor->shape, tensor->ndim, there, sizeof there),
              shape_text(param->shape, param->ndim, here, sizeof here));
}

/* Reads the tensors of `count` parameters into values. */
static Status params_read(const Safetensors *file, const Model *model, ParamAt *param_at, int count,
                          float *values, const Left *left) {
  for (int i = 0; i < count; i++) {
    const Param *param = param_at(model, i);
    const Tensor *tensor = safetensors_find(file, param->name);
    Status differs = tensor_compare(file, param, tensor);
    Status status = differs == OK ? safetensors_floats(file, tensor, values + param->offset)
                                  : left_add(left, param->name, differs);
    if (status != OK) return status;
  }
  return OK;
}

/* Whether the model has a place for a tensor of that name. */
static bool name_known(const Model *model, const char *name) {
  for (int i = 0; i < model_param_count(model); i++)
    if (strcmp(model_param(model, i)->name, name) == 0) return true;
  for (int i = 0; i < model_buffer_count(model); i++) {
    const char *buffer = model_buffer(model, i)->name;
    char *counter = counter_name(buffer);
    bool found = strcmp(buffer, name) == 0 || (counter && strcmp(counter, name) == 0);
    free(counter);
    if (found) return true;
  }
  return false;
}

static Status unknown_check(const Safetensors *file, const Model *model, const Left *left) {
  for (int i = 0; i < file->count; i++) {
    const char *name = file->tensors[i].name;
    if (name_known(model, name)) continue;
    Status status =
        left_add(left, name, fail(ERR_DATA, "%s: tensor %s has no place in the model", file->path, name));
    if (status != OK) return status;
  }
  return OK;
}

/* All batch norms count the same batches: the first counter stands for all. */
static Status counter_read(const Safetensors *file, const Model *model, int64_t *batches) {
  for (int i = 0; i < model_buffer_count(model); i++) {
    char *name = counter_name(model_buffer(model, i)->name);
    const Tensor *tensor = name ? safetensors_find(file, name) : NULL;
    free(name);
    if (!tensor) continue;
    if (tensor_count(tensor) != 1)
      return fail(ERR_DATA, "%s: tensor %s must be one number", file->path, tensor->name);
    return safetensors_int64(file, tensor, batches);
  }
  return OK;
}

Status model_load_weights(Model *model, const char *path, char **left_names) {
  Status status = OK;
  Safetensors file = {.fd = -1};
  char *weights_path = path_join(path, "model.safetensors");
  float *weights = xcalloc(model_weight_count(model), sizeof *weights);
  float *buffers = xcalloc(model_buffer_floats(model), sizeof *buffers);
  Left left = {left_names};
  int64_t batches = *model_batches_tracked(model);
  if (left_names) *left_names = xstrdup("");
  TRY(safetensors_open(&file, weights_path));
  model_weights_get(model, weights);
  model_buffers_get(model, buffers);
  TRY(params_read(&file, model, model_param, model_param_count(model), weights, &left));
  TRY(params_read(&file, model, model_buffer, model_buffer_count(model), buffers, &left));
  TRY(unknown_check(&file, model, &left));
  TRY(counter_read(&file, model, &batches));
  model_weights_set(model, weights);
  model_buffers_set(model, buffers);
  *model_batches_tracked(model) = batches;
done:
  if (status != OK && left_names) {
    free(*left_names);
    *left_names = NULL;
  }
  safetensors_close(&file);
  free(weights_path);
  free(weights);
  free(buffers);
  return status;
}

/* Whether the weights are those of the configuration, before any memory is taken for a model that may be
 * absurd. */
static Status weights_check(const ModelConfig *config, const char *path) {
  Status status = OK;
  Safetensors file = {.fd = -1};
  Params params = {0}, buffers = {0};
  Conformer conformer = conformer_build(&params, &buffers, config);
  char *weights_path = path_join(path, "model.safetensors");
  TRY(safetensors_open(&file, weights_path));
  for (int i = 0; i < params.count; i++)
    TRY(tensor_compare(&file, &params.items[i], safetensors_find(&file, params.items[i].name)));
done:
  safetensors_close(&file);
  free(weights_path);
  conformer_free(&conformer);
  params_free(&params);
  params_free(&buffers);
  return status;
}

Status model_load(Model **out, const char *path, const Backend *backend) {
  ModelConfig config;
  Model *model = NULL;
  Status status = OK;
  TRY(model_dir_config(&config, path));
  TRY(weights_check(&config, path));
  TRY(model_new(&model, &config, backend, 0));
  TRY(model_load_weights(model, path, NULL));
  *out = model;
  model = NULL;
done:
  model_free(model);
  return status;
}

/* ---- writing ---- */

static Tensor tensor_of(const Param *param, const float *values) {
  Tensor tensor = {
      .name = param->name, .type = TENSOR_F32, .ndim = param->ndim, .data = values + param->offset};
  memcpy(tensor.shape, param->shape, sizeof param->shape);
  return tensor;
}

static Status weights_write(Model *model, const char *path) {
  int count = 0, params = model_param_count(model), buffers = model_buffer_count(model), counters = 0;
  float *weights = xcalloc(model_weight_count(model), sizeof *weights);
  float *values = xcalloc(model_buffer_floats(model), sizeof *values);
  Tensor *tensors = xcalloc((unsigned long)params + 2 * (unsigned long)buffers, sizeof *tensors);
  char **names = xcalloc((unsigned long)buffers, sizeof *names);
  model_weights_get(model, weights);
  model_buffers_get(model, values);
  for (int i = 0; i < params; i++) tensors[count++] = tensor_of(model_param(model, i), weights);
  for (int i = 0; i < buffers; i++) {
    tensors[count++] = tensor_of(model_buffer(model, i), values);
    char *counter = counter_name(model_buffer(model, i)->name);
    if (!counter) continue;
    names[counters++] = counter;
    tensors[count++] = (Tensor){.name = counter, .type = TENSOR_I64, .data = model_batches_tracked(model)};
  }
  Status status = safetensors_write(path, tensors, count);
  while (counters > 0) free(names[--counters]);
  free(names);
  free(tensors);
  free(values);
  free(weights);
  return status;
}

static Status tokenizer_copy(const char *from, const char *to) {
  char *text;
  size_t size;
  Status status = file_read(from, TOKENIZER_LIMIT, &text, &size);
  if (status != OK) return status;
  status = file_write(to, text, size);
  free(text);
  return status;
}

/* Removes a folder of files, if it is there. */
static Status folder_remove(const char *path) {
  DIR *folder = opendir(path);
  if (!folder) return errno == ENOENT ? OK : fail(ERR_IO, "cannot open %s: %s", path, strerror(errno));
  for (struct dirent *entry; (entry = readdir(folder));)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
  return rmdir(path) == 0 ? OK : fail(ERR_IO, "cannot remove %s: %s", path, strerror(errno));
}

/* Puts the finished folder `fresh` in the place of `path`, in one exchange of names; then removes the old
 * one. A file system that cannot exchange (NFS) gets two renames: a crash between them leaves the old model
 * under `old`. */
static Status folder_replace(const char *fresh, const char *path) {
  Status status = OK;
  char *old = xprintf("%s.jargon-old", path), *copy = xstrdup(path);
  const char *to_remove = fresh;
  int wrong = renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE);
  if (wrong && errno == ENOENT) {
    wrong = rename(fresh, path);
  } else if (wrong && (errno == EINVAL || errno == ENOSYS)) {
    TRY(folder_remove(old));
    to_remove = old;
    wrong = rename(path, old) || rename(fresh, path);
  }
  if (wrong) TRY(fail(ERR_IO, "cannot rename %s to %s: %s", fresh, path, strerror(errno)));
  TRY(folder_sync(dirname(copy)));
  TRY(folder_remove(to_remove));
done:
  free(copy);
  free(old);
  return status;
}

/* `path` without slashes at its end and, where it is there, without symbolic links. What is there must be a
 * model or empty, because it will be removed. */
static Status target_resolve(const char *path, char **target) {
  *target = realpath(path, NULL);
  if (!*target) {
    *target = xstrdup(path);
    for (size_t n = strlen(*target); n > 1 && (*target)[n - 1] == '/'; n--) (*target)[n - 1] = 0;
    return OK;
  }
  char *config = path_join(*target, "config.json");
  struct dirent **entries;
  int count = scandir(*target, &entries, NULL, NULL);
  for (int i = 0; i < count; i++) free(entries[i]);
  if (count >= 0) free(entries);
  bool replaceable = count == 2 || access(config, F_OK) == 0; /* "." and ".." */
  free(config);
  return replaceable
             ? OK
             : fail(ERR_USAGE, "%s is there and is not a model directory: save to another place", path);
}

Status model_save(Model *model, const char *path, const char *tokenizer_json) {
  Status status = OK;
  char *target, *fresh = NULL, *weights = NULL, *tokenizer = NULL;
  TRY(target_resolve(path, &target));
  fresh = xprintf("%s.jargon-new", target);
  weights = path_join(fresh, "model.safetensors");
  tokenizer = path_join(fresh, "tokenizer.json");
  TRY(folder_remove(fresh)); /* left by a run that was killed */
  TRY(folder_make(fresh));
  TRY(config_write(model_config(model), fresh));
  TRY(weights_write(model, weights));
  if (tokenizer_json) TRY(tokenizer_copy(tokenizer_json, tokenizer));
  TRY(folder_sync(fresh));
  TRY(folder_replace(fresh, target));
done:
  free(tokenizer);
  free(weights);
  free(fresh);
  free(target);
  return status;
}

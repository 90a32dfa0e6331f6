#include "src/text/pretokenize.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "src/text/charsmap.h"

typedef enum StepKind {
  STEP_FORM, /* NFC, NFD, NFKC, NFKD */
  STEP_LOWERCASE,
  STEP_STRIP,
  STEP_PREPEND,
  STEP_REPLACE,
  STEP_SPACES, /* runs of at least two spaces replaced */
  STEP_CHARSMAP,
  STEP_WHITESPACE_SPLIT,
  STEP_METASPACE,
} StepKind;

typedef struct Step {
  StepKind kind;
  utf8proc_option_t form;  /* STEP_FORM */
  bool left, right;        /* STEP_STRIP */
  char *pattern, *content; /* STEP_REPLACE, STEP_SPACES, STEP_PREPEND; Metaspace's mark is the content */
  bool prepend, split;     /* STEP_METASPACE */
  Charsmap *charsmap;
} Step;

enum { STEPS_MAX = 32, CONTENT_MAX = 32 /* bytes */, GROWTH_MAX = 32, SPARE = 1 << 16 };

typedef struct StepList {
  Step steps[STEPS_MAX];
  int count;
} StepList;

struct Pretokenizer {
  StepList normalize, split;
};

/* ---- reading ---- */

static Status get_text(const json_t *object, const char *key, char **out) {
  const char *text = json_string_value(json_object_get(object, key));
  if (!text) return fail(ERR_DATA, "'%s' must be a string", key);
  if (strlen(text) > CONTENT_MAX) return fail(ERR_DATA, "'%s' has more than %d bytes", key, CONTENT_MAX);
  *out = xstrdup(text);
  return OK;
}

static Status get_bool(const json_t *object, const char *key, bool *out) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_boolean(value)) return fail(ERR_DATA, "'%s' must be true or false", key);
  *out = json_is_true(value);
  return OK;
}

static Status read_form(const char *type, Step *step) {
  static const struct {
    const char *type;
    int form;
  } forms[] = {{"NFC", UTF8PROC_COMPOSE},
               {"NFD", UTF8PROC_DECOMPOSE},
               {"NFKC", UTF8PROC_COMPOSE | UTF8PROC_COMPAT},
               {"NFKD", UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT}};
  for (int i = 0; i < 4; i++)
    if (!strcmp(type, forms[i].type)) {
      *step = (Step){.kind = STEP_FORM, .form = (utf8proc_option_t)(forms[i].form | UTF8PROC_STABLE)};
      return OK;
    }
  return fail(ERR_DATA, "the type '%s' is not supported", type);
}

static Status read_replace(const json_t *object, Step *step) {
  const json_t *pattern = json_object_get(object, "pattern");
  const char *regex = json_string_value(json_object_get(pattern, "Regex"));
  Status status = OK;
  if (regex && strcmp(regex, " {2,}"))
    TRY(fail(ERR_DATA, "Replace: the regular expression '%s' is not supported", regex));
  step->kind = regex ? STEP_SPACES : STEP_REPLACE;
  if (!regex) TRY(get_text(pattern, "String", &step->pattern));
  if (!regex && !step->pattern[0]) TRY(fail(ERR_DATA, "Replace: the pattern is empty"));
  TRY(get_text(object, "content", &step->content));
done:
  return status;
}

static Status read_normalizer(const json_t *object, const char *type, Step *step) {
  Status status = OK;
  if (!strcmp(type, "Lowercase")) {
    step->kind = STEP_LOWERCASE;
  } else if (!strcmp(type, "Strip")) {
    step->kind = STEP_STRIP;
    TRY(get_bool(object, "strip_left", &step->left));
    TRY(get_bool(object, "strip_right", &step->right));
  } else if (!strcmp(type, "Prepend")) {
    step->kind = STEP_PREPEND;
    TRY(get_text(object, "prepend", &step->content));
  } else if (!strcmp(type, "Replace")) {
    TRY(read_replace(object, step));
  } else if (!strcmp(type, "Precompiled")) {
    step->kind = STEP_CHARSMAP;
    const char *base64 = json_string_value(json_object_get(object, "precompiled_charsmap"));
    if (!base64) TRY(fail(ERR_DATA, "'precompiled_charsmap' must be a string"));
    TRY(charsmap_new(&step->charsmap, base64));
  } else {
    TRY(read_form(type, step));
  }
done:
  return status;
}

static Status read_metaspace(const json_t *object, Step *step) {
  Status status = OK;
  step->kind = STEP_METASPACE;
  step->split = true;
  TRY(get_text(object, "replacement", &step->content));
  if (!step->content[0] || step->content[utf8_length(step->content)])
    TRY(fail(ERR_DATA, "Metaspace: 'replacement' must be one character"));
  if (json_object_get(object, "split")) TRY(get_bool(object, "split", &step->split));
  const char *scheme = json_string_value(json_object_get(object, "prepend_scheme"));
  if (!scheme) { /* files from before the schemes */
    TRY(get_bool(object, "add_prefix_space", &step->prepend));
  } else if (!strcmp(scheme, "always") || !strcmp(scheme, "never")) {
    step->prepend = !strcmp(scheme, "always");
  } else {
    TRY(fail(ERR_DATA, "Metaspace: the prepend scheme '%s' is not supported", scheme));
  }
done:
  return status;
}

static Status read_pre_tokenizer(const json_t *object, const char *type, Step *step) {
  if (!strcmp(type, "Metaspace")) return read_metaspace(object, step);
  step->kind = STEP_WHITESPACE_SPLIT;
  return strcmp(type, "WhitespaceSplit") ? fail(ERR_DATA, "the type '%s' is not supported", type) : OK;
}

/* One object, or a Sequence of them under `members`. */
static Status read_steps(StepList *list, const json_t *object, const char *members,
                         Status (*read)(const json_t *, const char *, Step *)) {
  if (!object || json_is_null(object)) return OK;
  const char *type = json_string_value(json_object_get(object, "type"));
  if (!type) return fail(ERR_DATA, "'type' must be a string");
  if (strcmp(type, "Sequence")) {
    if (list->count == STEPS_MAX) return fail(ERR_DATA, "more than %d steps", STEPS_MAX);
    return read(object, type, &list->steps[list->count++]);
  }
  const json_t *array = json_object_get(object, members), *item;
  if (!json_is_array(array)) return fail(ERR_DATA, "Sequence: '%s' must be an array", members);
  size_t i;
  json_array_foreach(array, i, item) {
    Status status = read_steps(list, item, members, read);
    if (status != OK) return status;
  }
  return OK;
}

Status pretokenizer_new(Pretokenizer **out, const json_t *normalizer, const json_t *pre_tokenizer) {
  Pretokenizer *made = xcalloc(1, sizeof *made);
  Status status = read_steps(&made->normalize, normalizer, "normalizers", read_normalizer);
  if (status != OK) status = fail_in(status, "normalizer");
  if (status == OK) {
    status = read_steps(&made->split, pre_tokenizer, "pretokenizers", read_pre_tokenizer);
    if (status != OK) status = fail_in(status, "pre_tokenizer");
  }
  if (status == OK)
    *out = made;
  else
    pretokenizer_free(made);
  return status;
}

static void free_steps(StepList *list) {
  for (int i = 0; i < list->count; i++) {
    free(list->steps[i].pattern);
    free(list->steps[i].content);
    charsmap_free(list->steps[i].charsmap);
  }
}

void pretokenizer_free(Pretokenizer *pretokenizer) {
  if (!pretokenizer) return;
  free_steps(&pretokenizer->normalize);
  free_steps(&pretokenizer->split);
  free(pretokenizer);
}

/* ---- normalizers: text to text ---- */

static int32_t codepoint_at(const char *text, size_t size) {
  utf8proc_int32_t codepoint = 0;
  utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size, &codepoint);
  return codepoint;
}

static void put_form(const Step *step, const char *text, size_t size, Buffer *out) {
  utf8proc_uint8_t *mapped = NULL;
  utf8proc_ssize_t length =
      utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)size, &mapped, step->form);
  if (length >= 0)
    buffer_append(out, (const char *)mapped, (size_t)length);
  else /* out of memory alone: the text is valid UTF-8 */
    buffer_append(out, text, size);
  free(mapped);
}

static void put_lowercase(const char *text, size_t size, Buffer *out) {
  for (size_t at = 0; at < size; at += (size_t)utf8_length(text + at)) {
    int32_t codepoint = codepoint_at(text + at, size - at);
    buffer_append_codepoint(out, utf8proc_tolower(codepoint));
    if (codepoint == 0x130)
      buffer_append_codepoint(out, 0x307); /* the only one whose lower case is two: i, dot above */
  }
}

static void put_stripped(const Step *step, const char *text, size_t size, Buffer *out) {
  size_t begin = 0, end = 0; /* end: after the last character that is no space */
  for (size_t at = 0; at < size; at += (size_t)utf8_length(text + at)) {
    bool space = unicode_is_space(codepoint_at(text + at, size - at));
    if (space && step->left && begin == at) begin += (size_t)utf8_length(text + at);
    if (!space) end = at + (size_t)utf8_length(text + at);
  }
  if (!step->right) end = size;
  if (end > begin) buffer_append(out, text + begin, end - begin);
}

static void put_replaced(const Step *step, const char *text, size_t size, Buffer *out) {
  size_t length = step->kind == STEP_REPLACE ? strlen(step->pattern) : 0;
  for (size_t at = 0; at < size;) {
    if (step->kind == STEP_SPACES)
      for (length = 0; at + length < size && text[at + length] == ' ';) length++;
    bool found = step->kind == STEP_SPACES ? length >= 2
                                           : length <= size - at && !memcmp(text + at, step->pattern, length);
    if (found)
      buffer_append(out, step->content, strlen(step->content));
    else
      buffer_append(out, text + at, 1);
    at += found ? length : 1;
  }
}

static void normalize(const Step *step, const char *text, size_t size, Buffer *out) {
  switch (step->kind) {
  case STEP_FORM:
    put_form(step, text, size, out);
    break;
  case STEP_LOWERCASE:
    put_lowercase(text, size, out);
    break;
  case STEP_STRIP:
    put_stripped(step, text, size, out);
    break;
  case STEP_CHARSMAP:
    charsmap_apply(step->charsmap, text, size, out);
    break;
  case STEP_PREPEND:
    if (size) buffer_append(out, step->content, strlen(step->content));
    buffer_append(out, text, size);
    break;
  default:
    put_replaced(step, text, size, out);
  }
}

/* ---- pre-tokenizers: piece to pieces ---- */

static void pieces_clear(Pieces *pieces) {
  pieces->text.used = 0;
  pieces->count = 0;
}

/* What was appended to the text since the last cut becomes a piece. */
static void pieces_cut(Pieces *pieces) {
  size_t begin = pieces->count ? pieces->ends[pieces->count - 1] : 0;
  if (pieces->text.used == begin) return;
  if (pieces->count == pieces->size) {
    pieces->size = pieces->size * 2 + 16;
    pieces->ends = xrealloc(pieces->ends, (size_t)pieces->size, sizeof *pieces->ends);
  }
  pieces->ends[pieces->count++] = pieces->text.used;
}

static void split_whitespace(const char *text, size_t size, Pieces *out) {
  for (size_t at = 0; at < size; at += (size_t)utf8_length(text + at)) {
    if (unicode_is_space(codepoint_at(text + at, size - at)))
      pieces_cut(out);
    else
      buffer_append(&out->text, text + at, (size_t)utf8_length(text + at));
  }
  pieces_cut(out);
}

/* Spaces become marks; a piece begins at each mark, and the first one with a mark if it is to be prepended.
 */
static void split_metaspace(const Step *step, const char *text, size_t size, Pieces *out) {
  size_t mark = strlen(step->content);
  for (size_t at = 0; at < size;) {
    bool space = text[at] == ' ',
         is_mark = space || (mark <= size - at && !memcmp(text + at, step->content, mark));
    if (is_mark && step->split) pieces_cut(out);
    if (is_mark || (at == 0 && step->prepend)) buffer_append(&out->text, step->content, mark);
    size_t length = (size_t)utf8_length(text + at);
    if (!is_mark) buffer_append(&out->text, text + at, length);
    at += length;
  }
  pieces_cut(out);
}

Status pretokenizer_apply(const Pretokenizer *pretokenizer, const char *text, size_t size, Pieces *pieces) {
  Status status = OK;
  Pieces next = {0}, swap;
  pieces_clear(pieces);
  buffer_append(&pieces->text, text, size);
  for (int i = 0; i < pretokenizer->normalize.count; i++) {
    pieces_clear(&next);
    buffer_append(&next.text, "", 0);
    normalize(&pretokenizer->normalize.steps[i], pieces->text.data, pieces->text.used, &next.text);
    swap = *pieces, *pieces = next, next = swap;
    if (pieces->text.used / GROWTH_MAX > size + SPARE)
      TRY(fail(ERR_DATA, "the tokenizer's normalizer makes %zu bytes of %zu", pieces->text.used, size));
  }
  pieces_cut(pieces);
  for (int i = 0; i < pretokenizer->split.count; i++) {
    const Step *step = &pretokenizer->split.steps[i];
    pieces_clear(&next);
    for (int p = 0; p < pieces->count; p++) {
      size_t begin = p ? pieces->ends[p - 1] : 0;
      const char *piece = pieces->text.data + begin;
      if (step->kind == STEP_WHITESPACE_SPLIT)
        split_whitespace(piece, pieces->ends[p] - begin, &next);
      else
        split_metaspace(step, piece, pieces->ends[p] - begin, &next);
    }
    swap = *pieces, *pieces = next, next = swap;
  }
done:
  pieces_free(&next);
  return status;
}

void pieces_free(Pieces *pieces) {
  free(pieces->text.data);
  free(pieces->ends);
  *pieces = (Pieces){0};
}

#include "eval/utterances_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/slices.h"

/* Metadata is what is none of these. */
static const char *const NOT_METADATA[] = {"audio_filepath", "duration",    "offset",     "text",
                                           "pred_text",      "words",       "confidence", "id",
                                           "utt_id",         "utterance_id"};
enum { NOT_METADATA_COUNT = sizeof NOT_METADATA / sizeof *NOT_METADATA };

static json_t *metadata_json(const json_t *fields) {
  json_t *meta = json_object(), *value;
  const char *key;
  json_object_foreach((json_t *)fields, key, value) {
    bool other = json_is_object(value) || json_is_array(value);
    for (int i = 0; i < NOT_METADATA_COUNT; i++) other |= strcmp(key, NOT_METADATA[i]) == 0;
    if (other) continue;
    char *text = metadata_text(value);
    json_object_set_new(meta, key, text ? json_string(text) : json_null());
    free(text);
  }
  return meta;
}

/* The alignment into `out`. first_ref: NULL for the system itself; for the other one the first's words of the
 * reference, which it repeats only when it was aligned with other alternatives. */
static void alignment_json(json_t *out, const Alignment *alignment, const json_t *first_ref) {
  static const char OPS[] = {[ALIGN_MATCH] = '=', [ALIGN_SUB] = 'S', [ALIGN_INS] = 'I', [ALIGN_DEL] = 'D'};
  json_t *ref = json_array(), *hyp = json_array(), *confidence = json_array();
  char *path = xcalloc((size_t)alignment->count + 1, 1);
  bool known = false;
  for (int i = 0; i < alignment->count; i++) {
    const AlignedWord *word = &alignment->words[i];
    path[i] = OPS[word->op];
    if (word->op != ALIGN_INS) json_array_append_new(ref, json_string(word->ref));
    if (word->op == ALIGN_DEL) continue;
    double sure = word->confidence;
    json_array_append_new(hyp, json_string(word->hyp));
    json_array_append_new(confidence, isfinite(sure) ? json_real(sure) : json_null());
    known |= isfinite(sure);
  }
  if (!json_equal(ref, first_ref)) json_object_set(out, "ref", ref);
  json_object_set(out, "hyp", hyp);
  json_object_set_new(out, "path", json_string(path));
  if (!first_ref && known) json_object_set(out, "confidence", confidence);
  json_decref(ref), json_decref(hyp), json_decref(confidence);
  free(path);
}

static json_t *item_json(const Hypothesis *item) {
  const Utterance *reference = item->reference;
  json_t *out = json_pack("{s:s?, s:s?, s:f, s:o, s:o}", "id", item->id, "audio", reference->audio, "offset",
                          reference->offset, "duration",
                          reference->duration >= 0 ? json_real(reference->duration) : json_null(), "meta",
                          metadata_json(reference->fields));
  return out;
}

Status utterances_json(json_t *document, const Hypotheses *hypotheses, const Alignments *alignments) {
  json_t *list = json_array();
  for (int i = 0; i < hypotheses->count; i++) {
    json_t *out = item_json(&hypotheses->items[i]);
    if (!out) {
      json_decref(list);
      return fail(ERR_DATA, "a path or id is not valid UTF-8, which JSON needs");
    }
    json_array_append_new(list, out);
    alignment_json(out, &alignments->hyp[i], NULL);
    if (!alignments->before) continue;
    json_t *before = json_object();
    alignment_json(before, &alignments->before[i], json_object_get(out, "ref"));
    json_object_set_new(out, "before", before);
  }
  json_object_set_new(document, "utterances", list);
  return OK;
}

#include "eval/jargon_json.h"

#include <math.h>

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static json_t *text_or_null(const char *text) { return text ? json_string(text) : json_null(); }

/* Adds the keys of `more`, and lets go of it. */
static void extend(json_t *object, json_t *more) {
  json_object_update(object, more);
  json_decref(more);
}

static json_t *counts_json(TermCounts counts, int64_t reference) {
  return json_pack("{s:I, s:I, s:o, s:o, s:o}", "hypothesis", (json_int_t)counts.hypothesis, "correct",
                   (json_int_t)counts.correct, "recall", number(counts_recall(counts, reference)),
                   "precision", number(counts_precision(counts)), "f1", number(counts_f1(counts, reference)));
}

static json_t *errors_json(JargonErrors errors, int64_t jargon, int64_t other) {
  return json_pack("{s:I, s:o, s:I, s:o}", "jargon_errors", (json_int_t)errors.jargon, "jargon_wer",
                   number(jargon ? (double)errors.jargon / (double)jargon : NAN), "other_errors",
                   (json_int_t)errors.other, "other_wer",
                   number(other ? (double)errors.other / (double)other : NAN));
}

static json_t *domain_json(const JargonDomain *domain, bool before) {
  json_t *interval = json_null();
  if (!domain->no_interval) interval = json_pack("[f, f]", domain->recall.low, domain->recall.high);
  json_t *out =
      json_pack("{s:o, s:b, s:i, s:I, s:o, s:o, s:I, s:I}", "domain", text_or_null(domain->domain), "all",
                domain->all, "terms", domain->terms, "reference", (json_int_t)domain->reference,
                "recall_interval", interval, "no_interval", text_or_null(domain->no_interval), "jargon_words",
                (json_int_t)domain->jargon_words, "other_words", (json_int_t)domain->other_words);
  extend(out, counts_json(domain->hyp, domain->reference));
  extend(out, errors_json(domain->hyp_errors, domain->jargon_words, domain->other_words));
  if (!before) return out;
  json_t *other = counts_json(domain->before, domain->reference);
  extend(other, errors_json(domain->before_errors, domain->jargon_words, domain->other_words));
  json_object_set_new(out, "before", other);
  return out;
}

static json_t *term_json(const TermScore *score, bool before) {
  json_t *confusions = json_array();
  for (int c = 0; c < score->confusion_count; c++)
    json_array_append_new(confusions, json_pack("{s:s, s:I}", "text", score->confusions[c].text, "count",
                                                (json_int_t)score->confusions[c].count));
  json_t *out = json_pack("{s:o, s:s, s:o, s:I, s:o}", "domain", text_or_null(score->term->domain), "term",
                          score->term->text, "score", number(score->term->score), "reference",
                          (json_int_t)score->reference, "confusions", confusions);
  extend(out, counts_json(score->hyp, score->reference));
  if (before) json_object_set_new(out, "before", counts_json(score->before, score->reference));
  return out;
}

json_t *jargon_json(const Jargon *jargon, const char *source, const char *domain_key, bool before) {
  json_t *domains = json_array(), *terms = json_array();
  for (int d = 0; d < jargon->domain_count; d++)
    json_array_append_new(domains, domain_json(&jargon->domains[d], before));
  for (int t = 0; t < jargon->term_count; t++)
    json_array_append_new(terms, term_json(&jargon->terms[t], before));
  return json_pack("{s:s, s:s, s:o, s:o}", "source", source, "domain_key", domain_key, "domains", domains,
                   "terms", terms);
}

json_t *vocabulary_json(const Unknowns *unknowns, const char *file, const Lexicon *vocabulary) {
  json_t *domains = json_array();
  for (int d = 0; d < unknowns->count; d++) {
    const Unknown *unknown = &unknowns->domains[d];
    json_t *examples = json_array();
    for (int e = 0; e < unknown->example_count; e++)
      json_array_append_new(examples, json_pack("{s:s, s:I}", "word", unknown->examples[e].text, "count",
                                                (json_int_t)unknown->examples[e].count));
    json_array_append_new(
        domains,
        json_pack("{s:o, s:b, s:I, s:I, s:o, s:i, s:o}", "domain", text_or_null(unknown->domain), "all",
                  unknown->all, "words", (json_int_t)unknown->words, "unknown", (json_int_t)unknown->unknown,
                  "rate", number(unknown->words ? (double)unknown->unknown / (double)unknown->words : NAN),
                  "distinct_unknown", unknown->distinct, "examples", examples));
  }
  return json_pack("{s:s, s:I, s:o}", "file", file, "size", (json_int_t)vocabulary->words.count, "domains",
                   domains);
}

json_t *confidence_json(const Confidence *confidence) {
  json_t *bins = json_array(), *review = json_array();
  for (int b = 0; b < confidence->bin_count; b++) {
    const ConfidenceBin *bin = &confidence->bins[b];
    json_array_append_new(bins, json_pack("{s:f, s:f, s:I, s:f, s:I}", "low", bin->low, "high", bin->high,
                                          "words", (json_int_t)bin->words, "confidence", bin->mean, "correct",
                                          (json_int_t)bin->correct));
  }
  for (int s = 0; s < CONFIDENCE_SHARES; s++) {
    const ConfidenceShare *share = &confidence->shares[s];
    json_array_append_new(review, json_pack("{s:f, s:I, s:I}", "share", share->share, "words",
                                            (json_int_t)share->words, "errors", (json_int_t)share->errors));
  }
  return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "words",
                   (json_int_t)confidence->words, "without", (json_int_t)confidence->without, "accuracy",
                   number(confidence->accuracy), "mean", number(confidence->mean), "ece",
                   number(confidence->ece), "nce", number(confidence->nce), "bins", bins, "review", review,
                   "errors", (json_int_t)confidence->errors, "deletions", (json_int_t)confidence->deletions);
}

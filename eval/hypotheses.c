#include "eval/hypotheses.h"

#include <stdlib.h>
#include <string.h>

#include "eval/alignment.h"
#include "eval/match.h"
#include "eval/read.h"
#include "src/text/unicode.h"

/* The texts of one system, for each reference. */
static Status partners_take(Hypotheses *hypotheses, const Records *ref, const Records *hyp,
                            bool missing_empty, bool before) {
  Status status = OK;
  Partner *partners = xcalloc((size_t)ref->count, sizeof *partners);
  TRY(match_records(ref, hyp, missing_empty, partners, &hypotheses->blocks));
  Hypothesis *item = hypotheses->items;
  for (int i = 0; i < ref->count; i++) {
    if (ref->items[i].ignored) continue;
    const char *text = partners[i].text ? partners[i].text : "";
    if (before) {
      item->before = text;
    } else {
      hypotheses->missing += !partners[i].text;
      item->text = text;
      item->words = partners[i].words, item->word_count = partners[i].word_count;
    }
    item++;
  }
done:
  free(partners);
  return status;
}

static Status items_make(Hypotheses *hypotheses, const Records *ref) {
  bool markup = ref->format == RECORD_TRN || ref->format == RECORD_STM || ref->format == RECORD_CTM;
  hypotheses->items = xcalloc((size_t)ref->count, sizeof(Hypothesis));
  for (int i = 0; i < ref->count; i++) {
    Record *record = &ref->items[i];
    if (record->ignored) continue;
    if (!record->reference)
      return ref == &hypotheses->reference
                 ? fail_at(ref->path, record->utterance.line, "the key \"text\" is missing")
                 : fail_at(
                       ref->path, record->utterance.line,
                       "no reference (\"text\") beside what was recognised; give the references with --ref");
    record->utterance.text = (char *)record->reference;
    hypotheses->items[hypotheses->count++] =
        (Hypothesis){.reference = &record->utterance,
                     .id = record->id,
                     .alternatives = markup && strpbrk(record->reference, "{(@") != NULL};
  }
  return hypotheses->count ? OK : fail(ERR_DATA, "%s: every segment is to be ignored", ref->path);
}

/* A table of hypotheses alone may call its column "text". */
static void only_text_is_recognised(Records *records) {
  for (int i = 0; records->format == RECORD_CSV && i < records->count; i++)
    if (!records->items[i].recognised) records->items[i].recognised = records->items[i].reference;
}

Status hypotheses_read(Hypotheses *hypotheses, const HypothesesFiles *files) {
  Status status = OK;
  *hypotheses = (Hypotheses){0};
  Records *ref = files->ref ? &hypotheses->reference : &hypotheses->recognised;
  if (files->ref) TRY(records_read(&hypotheses->reference, files->ref, files->ref_format));
  TRY(records_read(&hypotheses->recognised, files->hyp, files->hyp_format));
  if (files->before) TRY(records_read(&hypotheses->before, files->before, files->before_format));
  if (ref == &hypotheses->recognised && ref->format != RECORD_MANIFEST && ref->format != RECORD_CSV)
    TRY(fail(ERR_USAGE, "%s has what was recognised alone; give the references with --ref", files->hyp));
  if (files->ref) only_text_is_recognised(&hypotheses->recognised);
  if (files->before) only_text_is_recognised(&hypotheses->before);
  TRY(items_make(hypotheses, ref));
  TRY(partners_take(hypotheses, ref, &hypotheses->recognised, files->missing_empty, false));
  if (files->before) TRY(partners_take(hypotheses, ref, &hypotheses->before, files->missing_empty, true));
done:
  return status;
}

/* With alternatives in the reference: its characters are those of the alternatives that the words chose. */
static Status score_alternatives(const Hypothesis *item, bool before, const Normalizer *normalizer,
                                 const AlignCosts *costs, Rates *rates) {
  Alignment alignment;
  Buffer ref = {0}, hyp = {0};
  Status status = alignment_make(&alignment, item, before, normalizer, costs);
  if (status == OK) {
    buffer_append(&ref, "", 0);
    buffer_append(&hyp, "", 0);
    for (int i = 0; i < alignment.count; i++) {
      const AlignedWord *word = &alignment.words[i];
      bool unsaid = word->op == ALIGN_MATCH && !*word->hyp;
      if (*word->ref && !unsaid) {
        if (ref.used) buffer_append(&ref, " ", 1);
        buffer_append(&ref, word->ref, strlen(word->ref));
      }
      if (*word->hyp) {
        if (hyp.used) buffer_append(&hyp, " ", 1);
        buffer_append(&hyp, word->hyp, strlen(word->hyp));
      }
    }
    rates->words = alignment.counts;
    status = rates_characters(costs, ref.data, hyp.data, &rates->characters);
  }
  free(ref.data), free(hyp.data);
  alignment_free(&alignment);
  return status;
}

static Status item_score(Hypothesis *item, const Normalizer *normalizer, const AlignCosts *costs) {
  Status status = OK;
  char *ref = NULL, *text = NULL;
  if (item->alternatives) {
    TRY(score_alternatives(item, false, normalizer, costs, &item->rates));
    if (item->before) TRY(score_alternatives(item, true, normalizer, costs, &item->before_rates));
    return OK;
  }
  TRY(normalizer_apply(normalizer, item->reference->text, &ref));
  TRY(normalizer_apply(normalizer, item->text, &text));
  TRY(rates_score(costs, ref, text, &item->rates));
  if (item->before) {
    free(text), text = NULL;
    TRY(normalizer_apply(normalizer, item->before, &text));
    TRY(rates_score(costs, ref, text, &item->before_rates));
  }
done:
  free(ref), free(text);
  return status;
}

Status hypotheses_score(Hypotheses *hypotheses, const Normalizer *normalizer, const AlignCosts *costs) {
  Status status = OK;
  int first_bad = hypotheses->count;
  char *why = NULL; /* errors are recorded per thread: the first line's is carried over */
#pragma omp parallel for schedule(dynamic, 64)
  for (int i = 0; i < hypotheses->count; i++) {
    Status one = item_score(&hypotheses->items[i], normalizer, costs);
    if (one == OK) continue;
#pragma omp critical(hypotheses_score)
    if (i < first_bad) {
      free(why);
      first_bad = i, status = one, why = xstrdup(fail_text());
    }
  }
  if (status != OK) {
    const Records *lines = hypotheses->reference.path ? &hypotheses->reference : &hypotheses->recognised;
    fail(status, "%s:%d: %s", lines->path, hypotheses->items[first_bad].reference->line, why);
  }
  free(why);
  return status;
}

void hypotheses_free(Hypotheses *hypotheses) {
  free(hypotheses->items);
  records_free(&hypotheses->reference);
  records_free(&hypotheses->recognised);
  records_free(&hypotheses->before);
  blocks_free(hypotheses->blocks);
  *hypotheses = (Hypotheses){0};
}

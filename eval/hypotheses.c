#include "eval/hypotheses.h"

#include <stdlib.h>
#include <string.h>

#include "eval/alignment.h"
#include "eval/match.h"
#include "eval/read.h"
#include "src/text/unicode.h"

/* What one system recognised, as the text of an item. */
static void partner_put(Hypothesis *item, const Partner *partner, bool before) {
  const char *text = partner->text ? partner->text : "";
  bool special = item->as && sclite_rules_special(item->as, text);
  if (before) {
    item->before = text;
    item->before_alternatives |= special;
  } else {
    item->text = text;
    item->alternatives |= special;
    item->words = partner->words, item->word_count = partner->word_count;
  }
}

/* The texts of one system, for each reference; the items of those outside its time go. */
static Status partners_take(Hypotheses *hypotheses, const Records *ref, const Records *hyp,
                            const HypothesesFiles *files, bool before) {
  Status status = OK;
  Partner *partners = xcalloc((size_t)ref->count, sizeof *partners);
  TRY(match_records(ref, hyp, files->missing_empty, files->as, partners, &hypotheses->blocks));
  const Hypothesis *item = hypotheses->items;
  Hypothesis *kept = hypotheses->items;
  for (int i = 0; i < ref->count; i++) {
    if (ref->items[i].ignored) continue;
    if (!partners[i].outside) {
      *kept = *item;
      partner_put(kept++, &partners[i], before);
      hypotheses->missing += !before && !partners[i].text;
    }
    item++;
  }
  hypotheses->count = (int)(kept - hypotheses->items);
  if (!hypotheses->count) TRY(fail(ERR_DATA, "%s has no segment in the time of %s", ref->path, hyp->path));
done:
  free(partners);
  return status;
}

static Status items_make(Hypotheses *hypotheses, const Records *ref, const ScliteRules *as) {
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
    bool special = as ? sclite_rules_special(as, record->reference)
                      : markup && strpbrk(record->reference, "{(@") != NULL;
    hypotheses->items[hypotheses->count++] = (Hypothesis){.reference = &record->utterance,
                                                          .id = record->id,
                                                          .alternatives = special,
                                                          .before_alternatives = special,
                                                          .as = as};
  }
  return hypotheses->count ? OK : fail(ERR_DATA, "%s: every segment is to be ignored", ref->path);
}

/* A table of hypotheses alone may call its column "text". */
static void only_text_is_recognised(Records *records) {
  for (int i = 0; records->format == RECORD_CSV && i < records->count; i++)
    if (!records->items[i].recognised) records->items[i].recognised = records->items[i].reference;
}

/* hypothesis: it may be empty where missing ones are, and have alternatives for sclite alone. */
static Status read_one(Records *records, const char *path, RecordFormat format, const HypothesesFiles *files,
                       bool hypothesis) {
  Status status = OK;
  bool may_be_empty = hypothesis && files->ref && files->missing_empty;
  TRY(may_be_empty ? records_read_any(records, path, format) : records_read(records, path, format));
  for (int i = 0; hypothesis && !files->as && i < records->count; i++)
    if (records->items[i].alternatives)
      TRY(fail_at(
          path, records->items[i].utterance.line,
          "what was recognised has alternatives (<ALT_BEGIN>): leave one of them, or score as sclite does "
          "with --as sclite"));
  if (files->as) sclite_rules_apply(files->as, records);
done:
  return status;
}

Status hypotheses_read(Hypotheses *hypotheses, const HypothesesFiles *files) {
  Status status = OK;
  *hypotheses = (Hypotheses){0};
  Records *ref = files->ref ? &hypotheses->reference : &hypotheses->recognised;
  if (files->ref) TRY(read_one(&hypotheses->reference, files->ref, files->ref_format, files, false));
  TRY(read_one(&hypotheses->recognised, files->hyp, files->hyp_format, files, true));
  if (files->before) TRY(read_one(&hypotheses->before, files->before, files->before_format, files, true));
  if (files->before && files->as && (files->as->reduce_ref || files->as->reduce_hyp))
    TRY(fail(ERR_USAGE, "sclite's -m cuts to the time of one system: it cannot compare two"));
  if (ref == &hypotheses->recognised && ref->format != RECORD_MANIFEST && ref->format != RECORD_CSV)
    TRY(fail(ERR_USAGE, "%s has what was recognised alone; give the references with --ref", files->hyp));
  if (files->ref) only_text_is_recognised(&hypotheses->recognised);
  if (files->before) only_text_is_recognised(&hypotheses->before);
  TRY(items_make(hypotheses, ref, files->as));
  TRY(partners_take(hypotheses, ref, &hypotheses->recognised, files, false));
  if (files->before) TRY(partners_take(hypotheses, ref, &hypotheses->before, files, true));
done:
  return status;
}

static void word_append(Buffer *text, const char *word) {
  if (!*word) return;
  if (text->used) buffer_append(text, " ", 1);
  buffer_append(text, word, strlen(word));
}

/* With alternatives: the characters are those of the alternatives that the words chose. */
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
      bool unsaid = word->op == ALIGN_MATCH && (!*word->hyp || !*word->ref);
      if (!unsaid) word_append(&ref, word->ref), word_append(&hyp, word->hyp);
    }
    rates->words = alignment.counts;
    status = rates_characters(costs, ref.data, hyp.data, &rates->characters);
  }
  free(ref.data), free(hyp.data);
  alignment_free(&alignment);
  return status;
}

static Status score_one(const Hypothesis *item, bool before, const Normalizer *normalizer,
                        const AlignCosts *costs, Rates *rates) {
  Status status = OK;
  char *ref = NULL, *text = NULL;
  if (before ? item->before_alternatives : item->alternatives) {
    TRY(score_alternatives(item, before, normalizer, costs, rates));
  } else {
    TRY(normalizer_apply(normalizer, item->reference->text, &ref));
    TRY(normalizer_apply(normalizer, before ? item->before : item->text, &text));
    TRY(rates_score(costs, ref, text, rates));
  }
  if (item->as && item->as->characters) rates->characters = rates->words; /* the words are characters */
done:
  free(ref), free(text);
  return status;
}

static Status item_score(Hypothesis *item, const Normalizer *normalizer, const AlignCosts *costs) {
  Status status = score_one(item, false, normalizer, costs, &item->rates);
  if (status == OK && item->before) status = score_one(item, true, normalizer, costs, &item->before_rates);
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

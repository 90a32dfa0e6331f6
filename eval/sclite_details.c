/* sclite's .dtl: sentences and words in percent, then what was taken for what, most frequent first. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/sclite.h"

typedef struct Entry {
  const char *ref, *hyp;
  int count;
} Entry;

typedef struct List {
  Entry *items;
  int count, total;
} List;

static int by_words(const void *left, const void *right) {
  const Entry *a = left, *b = right;
  int order = strcmp(a->ref, b->ref);
  return order ? order : strcmp(a->hyp, b->hyp);
}

static int by_count(const void *left, const void *right) {
  const Entry *a = left, *b = right;
  return a->count != b->count ? (a->count < b->count) - (a->count > b->count) : by_words(left, right);
}

/* Entries of one operation; `ref` and `hyp` say which of the two words count. */
static List list_make(const Sclite *sclite, AlignOp op, bool ref, bool hyp) {
  List list = {NULL, 0, 0};
  for (int i = 0; i < sclite->count; i++)
    for (int k = 0; k < sclite->items[i].alignment.count; k++)
      list.total += sclite->items[i].alignment.words[k].op == op;
  list.items = xcalloc((size_t)list.total, sizeof *list.items);
  for (int i = 0; i < sclite->count; i++)
    for (int k = 0; k < sclite->items[i].alignment.count; k++) {
      const AlignedWord *word = &sclite->items[i].alignment.words[k];
      if (word->op == op) list.items[list.count++] = (Entry){ref ? word->ref : "", hyp ? word->hyp : "", 1};
    }
  qsort(list.items, (size_t)list.count, sizeof *list.items, by_words);
  int kept = 0;
  for (int i = 0; i < list.count; i++) {
    if (kept && by_words(&list.items[kept - 1], &list.items[i]) == 0)
      list.items[kept - 1].count++;
    else
      list.items[kept++] = list.items[i];
  }
  list.count = kept;
  qsort(list.items, (size_t)list.count, sizeof *list.items, by_count);
  return list;
}

static void list_print(FILE *stream, const Sclite *sclite, const char *heading, AlignOp op, bool ref,
                       bool hyp) {
  List list = list_make(sclite, op, ref, hyp);
  fprintf(stream, "%-33sTotal                 (%d)\n%33sWith >=  1 occurrences (%d)\n\n", heading, list.count,
          "", list.count);
  for (int i = 0; i < list.count; i++)
    fprintf(stream, "%4d: %4d  ->  %s%s%s\n", i + 1, list.items[i].count, list.items[i].ref,
            ref && hyp ? " ==> " : "", list.items[i].hyp);
  fprintf(stream, "     -------\n     %5d\n\n", list.total);
  free(list.items);
}

/* To one decimal, halves rounded up, as sclite does. */
static double percent(int64_t part, int64_t whole) {
  return whole ? floor(1000.0 * (double)part / (double)whole + 0.5) / 10 : 0;
}

static void sentences_print(FILE *stream, const Sclite *sclite) {
  int wrong = 0, with[4] = {0};
  for (int i = 0; i < sclite->count; i++) {
    AlignCounts counts = sclite->items[i].alignment.counts;
    wrong += align_errors(counts) > 0;
    with[ALIGN_SUB] += counts.sub > 0;
    with[ALIGN_DEL] += counts.del > 0;
    with[ALIGN_INS] += counts.ins > 0;
  }
  int all = sclite->count;
  fprintf(stream,
          "SENTENCE RECOGNITION PERFORMANCE\n\n sentences                                        %4d\n", all);
  fprintf(stream, " with errors                            %5.1f%%   (%4d)\n\n", percent(wrong, all), wrong);
  fprintf(stream, "   with substitions                     %5.1f%%   (%4d)\n", percent(with[ALIGN_SUB], all),
          with[ALIGN_SUB]);
  fprintf(stream, "   with deletions                       %5.1f%%   (%4d)\n", percent(with[ALIGN_DEL], all),
          with[ALIGN_DEL]);
  fprintf(stream, "   with insertions                      %5.1f%%   (%4d)\n\n\n",
          percent(with[ALIGN_INS], all), with[ALIGN_INS]);
}

static void words_print(FILE *stream, const Sclite *sclite) {
  AlignCounts sum = {0};
  for (int i = 0; i < sclite->count; i++) align_add(&sum, sclite->items[i].alignment.counts);
  int64_t ref = align_reference(sum), errors = align_errors(sum), hyp = sum.match + sum.sub + sum.ins;
  fprintf(stream, "WORD RECOGNITION PERFORMANCE\n\n");
  fprintf(stream, "Percent Total Error       =  %5.1f%%   (%4lld)\n\n", percent(errors, ref),
          (long long)errors);
  fprintf(stream, "Percent Correct           =  %5.1f%%   (%4lld)\n\n", percent(sum.match, ref),
          (long long)sum.match);
  fprintf(stream, "Percent Substitution      =  %5.1f%%   (%4lld)\n", percent(sum.sub, ref),
          (long long)sum.sub);
  fprintf(stream, "Percent Deletions         =  %5.1f%%   (%4lld)\n", percent(sum.del, ref),
          (long long)sum.del);
  fprintf(stream, "Percent Insertions        =  %5.1f%%   (%4lld)\n", percent(sum.ins, ref),
          (long long)sum.ins);
  fprintf(stream, "Percent Word Accuracy     =  %5.1f%%\n\n\n", 100 - percent(errors, ref));
  fprintf(stream, "Ref. words                =           (%4lld)\n", (long long)ref);
  fprintf(stream, "Hyp. words                =           (%4lld)\n", (long long)hyp);
  fprintf(stream, "Aligned words             =           (%4lld)\n\n", (long long)(ref + sum.ins));
}

void sclite_details(FILE *stream, const Sclite *sclite) {
  fprintf(stream, "DETAILED OVERALL REPORT FOR THE SYSTEM: %s\n\n", sclite->title);
  sentences_print(stream, sclite);
  words_print(stream, sclite);
  list_print(stream, sclite, "CONFUSION PAIRS", ALIGN_SUB, true, true);
  fputs("\n\n", stream);
  list_print(stream, sclite, "INSERTIONS", ALIGN_INS, false, true);
  fputs("\n\n", stream);
  list_print(stream, sclite, "DELETIONS", ALIGN_DEL, true, false);
  fputs("\n\n", stream);
  list_print(stream, sclite, "SUBSTITUTIONS", ALIGN_SUB, true, false);
  fputs("\n* NOTE: The 'Substitution' words are those reference words\n"
        "        for which the recognizer supplied an incorrect word.\n\n\n",
        stream);
  list_print(stream, sclite, "FALSELY RECOGNIZED", ALIGN_SUB, false, true);
  fputs("\n* NOTE: The 'Falsely Recognized' words are those hypothesis words\n"
        "        which the recognizer incorrectly substituted for a reference word.\n\n",
        stream);
}

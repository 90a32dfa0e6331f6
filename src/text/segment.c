#include "src/text/segment.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "src/text/unicode.h"

void segmenter_free(Segmenter *segmenter) {
  token_table_free(&segmenter->table);
  pair_map_free(&segmenter->merges);
  free(segmenter->merged);
  free(segmenter->scores);
  *segmenter = (Segmenter){0};
}

void segmentation_free(Segmentation *segmentation) {
  free(segmentation->ids);
  free(segmentation->work);
  *segmentation = (Segmentation){0};
}

static void *work_of(Segmentation *out, size_t bytes) {
  if (bytes > out->work_size) {
    out->work = xrealloc(out->work, bytes, 2);
    out->work_size = bytes * 2;
  }
  return out->work;
}

void segmentation_append(Segmentation *out, int32_t id) {
  if (out->count == out->size) {
    out->size = out->size * 2 + 64;
    out->ids = xrealloc(out->ids, (size_t)out->size, sizeof *out->ids);
  }
  out->ids[out->count++] = id;
}

static Status no_token(const char *text) {
  return fail(ERR_DATA, "'%.*s' is not in the vocabulary, and the tokenizer has no unknown token", utf8_length(text),
              text);
}

/* ---- BPE ---- */

typedef struct Symbol {
  int32_t id;         /* -1: merged into the one before */
  int32_t left, right; /* neighbours; -1: none */
} Symbol;

/* A merge that was possible when it was queued; stale when the ids have changed since. */
typedef struct Merge {
  int32_t rank, at, left_id, right_id;
} Merge;

typedef struct MergeHeap {
  Merge *items;
  int count;
} MergeHeap;

static bool merge_before(const Merge *a, const Merge *b) {
  return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(MergeHeap *heap, Merge merge) {
  int at = heap->count++;
  for (; at && merge_before(&merge, &heap->items[(at - 1) / 2]); at = (at - 1) / 2)
    heap->items[at] = heap->items[(at - 1) / 2];
  heap->items[at] = merge;
}

static Merge heap_pop(MergeHeap *heap) {
  Merge top = heap->items[0], last = heap->items[--heap->count];
  int at = 0;
  for (int next; (next = 2 * at + 1) < heap->count; at = next) {
    if (next + 1 < heap->count && merge_before(&heap->items[next + 1], &heap->items[next])) next++;
    if (!merge_before(&heap->items[next], &last)) break;
    heap->items[at] = heap->items[next];
  }
  heap->items[at] = last;
  return top;
}

static void queue_merge(const Segmenter *segmenter, MergeHeap *heap, const Symbol *symbols, int32_t at) {
  if (at < 0 || symbols[at].right < 0) return;
  int32_t left = symbols[at].id, right = symbols[symbols[at].right].id;
  int32_t rank = pair_map_get(&segmenter->merges, left, right);
  if (rank >= 0) heap_push(heap, (Merge){rank, at, left, right});
}

/* The characters' ids; *count may be less (unknown ones fused) or more (bytes) than the characters. */
static Status characters(const Segmenter *segmenter, const char *text, size_t size, Symbol *symbols, int *count,
                         int *unknown) {
  int n = 0;
  bool after_unknown = false;
  for (size_t at = 0; at < size;) {
    size_t length = (size_t)utf8_length(text + at);
    int32_t id = token_table_find(&segmenter->table, text + at, length);
    if (id >= 0 && segmenter->table.special[id]) id = -1;
    if (id >= 0) {
      symbols[n++].id = id;
    } else if (segmenter->byte_fallback) {
      for (size_t i = 0; i < length; i++) symbols[n++].id = segmenter->bytes[(unsigned char)text[at + i]];
    } else {
      if (segmenter->unknown < 0) return no_token(text + at);
      if (!(after_unknown && segmenter->fuse_unknown)) symbols[n++].id = segmenter->unknown;
      ++*unknown;
    }
    after_unknown = id < 0;
    at += length;
  }
  for (int i = 0; i < n; i++) symbols[i].left = i - 1, symbols[i].right = i + 1 < n ? i + 1 : -1;
  *count = n;
  return OK;
}

static Status segment_bpe(const Segmenter *segmenter, const char *text, size_t size, Segmentation *out) {
  /* Every symbol queues at most one merge at first, every merge made at most two more. */
  Symbol *symbols = work_of(out, size * (sizeof(Symbol) + 3 * sizeof(Merge)));
  MergeHeap heap = {.items = (Merge *)(symbols + size)};
  int count = 0;
  Status status = characters(segmenter, text, size, symbols, &count, &out->unknown);
  if (status != OK) return status;
  for (int i = 0; i < count; i++) queue_merge(segmenter, &heap, symbols, i);
  while (heap.count) {
    Merge merge = heap_pop(&heap);
    Symbol *left = &symbols[merge.at];
    if (left->id != merge.left_id || left->right < 0 || symbols[left->right].id != merge.right_id) continue;
    Symbol *right = &symbols[left->right];
    left->id = segmenter->merged[merge.rank];
    left->right = right->right;
    right->id = -1;
    if (left->right >= 0) symbols[left->right].left = merge.at;
    queue_merge(segmenter, &heap, symbols, left->left);
    queue_merge(segmenter, &heap, symbols, merge.at);
  }
  for (int i = 0; i < count; i++)
    if (symbols[i].id >= 0) segmentation_append(out, symbols[i].id);
  return OK;
}

/* ---- Unigram ---- */

/* The best path to a byte position: its score, and its last token. */
typedef struct Best {
  double score;
  int32_t begin, id; /* begin -1: no path yet */
} Best;

static void improve(Best *best, double score, int32_t begin, int32_t id) {
  if (best->begin < 0 || score > best->score) *best = (Best){score, begin, id};
}

static void append_unknown(const Segmenter *segmenter, const char *text, size_t size, bool fuse, Segmentation *out) {
  if (segmenter->byte_fallback) {
    for (size_t i = 0; i < size; i++) segmentation_append(out, segmenter->bytes[(unsigned char)text[i]]);
    return;
  }
  out->unknown++;
  if (!fuse) segmentation_append(out, segmenter->unknown);
}

static Status segment_unigram(const Segmenter *segmenter, const char *text, size_t size, Segmentation *out) {
  Best *best = work_of(out, (size + 1) * sizeof *best);
  for (size_t i = 0; i <= size; i++) best[i].begin = -1;
  best[0].score = 0;
  for (size_t at = 0; at < size; at += (size_t)utf8_length(text + at)) {
    size_t length = (size_t)utf8_length(text + at);
    bool known = false; /* the character alone is a token */
    int32_t node = 0, id;
    for (size_t end = at; end < size; end++) {
      node = token_table_step(&segmenter->table, node, text[end], &id);
      if (node < 0) break;
      if (id < 0) continue;
      improve(&best[end + 1], best[at].score + segmenter->scores[id], (int32_t)at, id);
      known |= end + 1 == at + length;
    }
    if (known) continue;
    if (segmenter->unknown < 0 && !segmenter->byte_fallback) return no_token(text + at);
    improve(&best[at + length], best[at].score + segmenter->unknown_score, (int32_t)at, -1);
  }
  /* Turn the path round: best[begin].score is done with and holds the end of the token that begins there. */
  for (int32_t end = (int32_t)size; end > 0; end = best[end].begin) best[best[end].begin].score = end;
  bool after_unknown = false;
  for (size_t at = 0; at < size;) {
    size_t end = (size_t)best[at].score;
    if (best[end].id >= 0)
      segmentation_append(out, best[end].id);
    else
      append_unknown(segmenter, text + at, end - at, after_unknown && segmenter->fuse_unknown, out);
    after_unknown = best[end].id < 0;
    at = end;
  }
  return OK;
}

Status segment(const Segmenter *segmenter, const char *text, size_t size, Segmentation *out) {
  if (size > INT_MAX / 64) return fail(ERR_DATA, "a word of %zu bytes is too long to be one", size);
  return segmenter->scores ? segment_unigram(segmenter, text, size, out)
                           : segment_bpe(segmenter, text, size, out);
}

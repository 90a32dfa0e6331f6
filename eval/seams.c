#include "eval/seams.h"

#include <stdlib.h>
#include <string.h>

#include "eval/network.h"
#include "src/text/unicode.h"

enum {
  BRANCHES_MOST = 64,
  DRAWN_LEAST = 8,
  DRAWN_MOST = 16
}; /* words of a plain stretch that are drawn in */

/* A stretch of the text: each way to say it, and as it was written. */
typedef struct Stretch {
  char **ways, *written;
  int count;
  bool plain;  /* words alone */
  bool closed; /* a group that is not looked into */
  bool drawn;  /* of several */
} Stretch;

typedef struct Stretches {
  Stretch *items;
  int count, room;
} Stretches;

static const char SPACES[] = " \t\r\n";

static char *text_copy(const char *text, size_t length) {
  char *copy = xcalloc(length + 1, 1);
  return memcpy(copy, text, length);
}

/* Without the spaces around it. */
static void way_add(Stretch *stretch, const char *text, size_t length) {
  size_t before = strspn(text, SPACES);
  if (before > length) before = length;
  text += before, length -= before;
  while (length && strchr(SPACES, text[length - 1])) length--;
  stretch->ways = xrealloc(stretch->ways, (size_t)stretch->count + 1, sizeof *stretch->ways);
  stretch->ways[stretch->count++] = text_copy(text, length);
}

static void stretch_free(Stretch *stretch) {
  for (int w = 0; w < stretch->count; w++) free(stretch->ways[w]);
  free(stretch->ways), free(stretch->written);
  *stretch = (Stretch){0};
}

static void stretches_free(Stretches *all) {
  for (int i = 0; i < all->count; i++) stretch_free(&all->items[i]);
  free(all->items);
}

/* The stretch of these bytes, without a way so far. */
static Stretch *stretch_add(Stretches *all, const char *text, size_t length) {
  if (all->count == all->room)
    all->items = xrealloc(all->items, (size_t)(all->room += all->room + 16), sizeof *all->items);
  Stretch *stretch = &all->items[all->count++];
  *stretch = (Stretch){.written = text_copy(text, length)};
  return stretch;
}

/* ---- from the text ---- */

/* Bytes from "{" to behind its "}", or all. */
static size_t group_length(const char *text) {
  size_t at = 0;
  for (int depth = 0; text[at]; at++) {
    depth += text[at] == '{';
    depth -= text[at] == '}';
    if (!depth) return at + 1;
  }
  return at;
}

/* "{ a / b c / @ }"; one with others or optional words inside is closed. */
static void group_read(Stretch *stretch) {
  const char *at = stretch->written + 1;
  size_t length = strlen(at);
  stretch->closed = strpbrk(at, "{(") || !length || at[length - 1] != '}';
  for (bool last = stretch->closed; !last; at += length + 1) {
    length = strcspn(at, "/}");
    last = at[length] == '}';
    way_add(stretch, at, length);
    char *way = stretch->ways[stretch->count - 1];
    if (!strcmp(way, "@")) *way = 0;
  }
}

/* Bytes of plain words up to the next mark or optional word, spaces behind them left out. */
static size_t plain_length(const char *text) {
  size_t end = 0, at = 0;
  for (;;) {
    at += strspn(text + at, SPACES);
    size_t length = strcspn(text + at, " \t\r\n{}");
    if (!length || network_optional(text + at, length) || (length == 1 && strchr("/@", text[at]))) return end;
    end = at += length;
  }
}

static void stretches_read(Stretches *all, const char *text) {
  while (*(text += strspn(text, SPACES))) {
    size_t length = plain_length(text);
    Stretch *stretch;
    if (length) {
      stretch = stretch_add(all, text, length);
      way_add(stretch, text, length);
      stretch->plain = true;
    } else if (*text == '(') {
      length = strcspn(text, " \t\r\n{}");
      stretch = stretch_add(all, text, length);
      way_add(stretch, text + 1, length - 2);
      way_add(stretch, "", 0);
    } else if (*text == '{') {
      length = group_length(text);
      group_read(stretch_add(all, text, length));
    } else { /* "@", "/" or "}" alone */
      length = 1;
      stretch_add(all, text, length)->closed = true;
    }
    text += length;
  }
}

/* ---- whether they are normalised alike together and apart ---- */

/* "a b" of two texts; the caller frees. */
static char *joined(const char *a, const char *b) { return xprintf("%s%s%s", a, *a && *b ? " " : "", b); }

static char *normal(const Normalizer *normalizer, const char *text, Status *status) {
  char *out = NULL;
  if (*status == OK) *status = normalizer_apply(normalizer, text, &out);
  return out ? out : xstrdup("");
}

static bool apart(const Normalizer *normalizer, const char *a, const char *b, Status *status) {
  char *both = joined(a, b), *together = normal(normalizer, both, status);
  char *left = normal(normalizer, a, status), *right = normal(normalizer, b, status);
  char *singly = joined(left, right);
  bool same = strcmp(together, singly) == 0;
  free(both), free(together), free(left), free(right), free(singly);
  return same;
}

/* What follows stretch `i`, as far as normalisation leaves something of it; the caller frees. */
static char *following(const Stretches *all, int i, const Normalizer *normalizer, Status *status) {
  char *text = xstrdup("");
  for (bool nothing = true; nothing && ++i < all->count && !all->items[i].closed;) {
    char *longer = joined(text, all->items[i].ways[0]), *left = normal(normalizer, longer, status);
    nothing = !*left;
    free(text), free(left);
    text = longer;
  }
  return text;
}

/* Whether `one` and stretch `i`, and what follows them, are normalised alike together and apart. */
static bool stretches_apart(const Stretch *one, const Stretches *all, int i, const Normalizer *normalizer,
                            Status *status) {
  const Stretch *other = &all->items[i];
  if (one->closed || other->closed) return true;
  char *next = following(all, i, normalizer, status);
  bool same = true;
  for (int a = 0; a < one->count && same; a++)
    for (int b = 0; b < other->count && same; b++) {
      char *right = joined(other->ways[b], next);
      same = apart(normalizer, one->ways[a], right, status);
      free(right);
    }
  free(next);
  return same;
}

/* ---- drawing in ---- */

/* Bytes of the first `words` words. */
static size_t words_length(const char *text, int words) {
  size_t end = 0;
  while (words--) {
    end += strspn(text + end, SPACES);
    end += strcspn(text + end, SPACES);
  }
  return end;
}

static int words_count(const char *text) {
  int count = 0;
  for (; *(text += strspn(text, SPACES)); text += strcspn(text, SPACES)) count++;
  return count;
}

/* Of a long plain stretch all but the words next to the mark are parted off, into a stretch of their own
 * before or behind it, where normalisation lets them be. */
static void part_off(Stretches *all, int i, bool head, const Normalizer *normalizer, Status *status) {
  Stretch *stretch = &all->items[i];
  int count = stretch->plain ? words_count(stretch->ways[0]) : 0;
  for (int words = DRAWN_LEAST; words <= DRAWN_MOST && words < count; words++) {
    size_t at = words_length(stretch->ways[0], head ? count - words : words);
    char *left = text_copy(stretch->ways[0], at), *right = xstrdup(stretch->ways[0] + at);
    bool clean = apart(normalizer, left, right, status);
    if (clean) {
      stretch_free(stretch_add(all, "", 0)); /* room */
      stretch = &all->items[i];
      stretch_free(stretch);
      memmove(stretch + 1, stretch, (size_t)(all->count - 1 - i) * sizeof *stretch);
      for (int k = 0; k < 2; k++) {
        stretch[k] = (Stretch){.plain = true};
        way_add(&stretch[k], k ? right : left, strlen(k ? right : left));
        stretch[k].written = xstrdup(stretch[k].ways[0]);
      }
    }
    free(left), free(right);
    if (clean) return;
  }
}

/* Stretch i + 1 becomes part of stretch i. */
static void draw_in(Stretches *all, int i) {
  Stretch *one = &all->items[i], *other = one + 1;
  Stretch both = {.written = joined(one->written, other->written), .drawn = true};
  for (int a = 0; a < one->count; a++)
    for (int b = 0; b < other->count; b++) {
      char *way = joined(one->ways[a], other->ways[b]);
      way_add(&both, way, strlen(way));
      free(way);
    }
  stretch_free(one), stretch_free(other);
  *one = both;
  memmove(other, other + 1, (size_t)(--all->count - i - 1) * sizeof *other);
}

static void stretches_close(Stretches *all, const Normalizer *normalizer, Status *status) {
  for (int i = 0; *status == OK && i + 1 < all->count;) {
    Stretch *one = &all->items[i];
    if (one->count * one[1].count > BRANCHES_MOST || stretches_apart(one, all, i + 1, normalizer, status)) {
      i++;
      continue;
    }
    int count = all->count;
    part_off(all, i, true, normalizer, status);
    i += all->count - count;
    part_off(all, i + 1, false, normalizer, status);
    draw_in(all, i);
  }
}

/* ---- back to a text ---- */

static bool all_alike(const Stretch *stretch, const Normalizer *normalizer, Status *status) {
  bool alike = true;
  for (int w = 1; w < stretch->count && alike; w++) {
    char *first = normal(normalizer, stretch->ways[0], status);
    char *other = normal(normalizer, stretch->ways[w], status);
    alike = strcmp(first, other) == 0;
    free(first), free(other);
  }
  return alike;
}

static void stretch_write(const Stretch *stretch, const Normalizer *normalizer, Buffer *out, Status *status) {
  if (out->used) buffer_append(out, " ", 1);
  bool marks = false; /* a word with a slash would be two within braces */
  for (int w = 0; w < stretch->count; w++) marks |= strchr(stretch->ways[w], '/') != NULL;
  if (stretch->drawn && all_alike(stretch, normalizer, status)) {
    buffer_append(out, stretch->ways[0], strlen(stretch->ways[0]));
  } else if (!stretch->drawn || marks) {
    buffer_append(out, stretch->written, strlen(stretch->written));
  } else {
    for (int w = 0; w < stretch->count; w++) {
      const char *way = *stretch->ways[w] ? stretch->ways[w] : "@";
      buffer_append(out, w ? " / " : "{ ", w ? 3 : 2);
      buffer_append(out, way, strlen(way));
    }
    buffer_append(out, " }", 2);
  }
}

Status seams_close(const char *text, const Normalizer *normalizer, char **out) {
  Status status = OK;
  Stretches all = {0};
  Buffer closed = {0};
  stretches_read(&all, text);
  stretches_close(&all, normalizer, &status);
  buffer_append(&closed, "", 0);
  for (int i = 0; i < all.count; i++) stretch_write(&all.items[i], normalizer, &closed, &status);
  stretches_free(&all);
  if (status == OK)
    *out = closed.data;
  else
    free(closed.data);
  return status;
}

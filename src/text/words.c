#include "src/text/words.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

struct TextBlock {
  TextBlock *next;
  size_t used, size;
  char bytes[];
};

char *words_room(WordList *list, size_t size) {
  TextBlock *block = list->blocks;
  if (!block || block->used + size > block->size) {
    size_t room = size > 4096 ? size : 4096;
    block = xrealloc(NULL, 1, sizeof *block + room);
    *block = (TextBlock){.next = list->blocks, .size = room};
    list->blocks = block;
  }
  block->used += size;
  return block->bytes + block->used - size;
}

void words_add(WordList *list, Word word) {
  if (list->count == list->size) {
    list->size = list->size ? list->size * 2 : 64;
    list->items = xrealloc(list->items, (size_t)list->size, sizeof *list->items);
  }
  list->items[list->count++] = word;
}

void words_trace(const WordList *in, int from, int to, WordList *out, int mark) {
  for (; mark < out->count; mark++) {
    Word *word = &out->items[mark];
    for (int i = word->first ? to : from; i < to; i++) {
      const Word *source = &in->items[i];
      if (!word->first || source->first < word->first) word->first = source->first;
      if (source->last > word->last) word->last = source->last;
    }
  }
}

void words_free(WordList *list) {
  for (TextBlock *block = list->blocks, *next; block; block = next) {
    next = block->next;
    free(block);
  }
  free(list->items);
  *list = (WordList){0};
}

/* ---- before the scan: characters beyond ASCII ---- */

/* Letters, and marks after them; numbers of other scripts count as letters. */
static bool is_letter(int32_t codepoint) {
  utf8proc_category_t category = utf8proc_category(codepoint);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO &&
          category != UTF8PROC_CATEGORY_ME);
}

/* Symbols and letters by their rules, all kinds of apostrophe and minus as ASCII has them. */
static void replace_symbols(const Rules *rules, const char *text, Buffer *out) {
  while (*text) {
    size_t length = (size_t)utf8_length(text);
    int32_t codepoint = 0;
    const Rule *rule = NULL;
    if (*text & 0x80) {
      utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &codepoint);
      rule = rules_find(rules, text, length);
    }
    if (rule && rule->roles & (ROLE_SYMBOL | ROLE_LETTER)) {
      bool apart = rule->roles & ROLE_SYMBOL;
      buffer_append(out, " ", apart);
      rule_text_append(out, &rule->to);
      buffer_append(out, " ", apart);
    } else if (codepoint == 0x2019 || codepoint == 0x2018 || codepoint == 0x02BC || codepoint == 0xFF07)
      buffer_append(out, "'", 1);
    else if (codepoint == 0x2212)
      buffer_append(out, "-", 1);
    else
      buffer_append(out, text, length);
    text += length;
  }
}

/* Appends form KC without the accents on Latin letters, which English texts write or leave out. */
static Status fold(const Rules *rules, const char *text, Buffer *out) {
  Status status = OK;
  utf8proc_uint8_t *apart = NULL, *together = NULL;
  Buffer plain = {0};
  buffer_append(&plain, "", 0);
  replace_symbols(rules, text, &plain);
  const int shared = UTF8PROC_NULLTERM | UTF8PROC_STABLE;
  if (utf8proc_map((const utf8proc_uint8_t *)plain.data, 0, &apart,
                   shared | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE) < 0)
    TRY(fail(ERR_DATA, "the text cannot be put into normalisation form KD"));
  plain.used = 0;
  bool latin = false;
  for (const char *c = (const char *)apart; *c; c += utf8_length(c)) {
    int32_t codepoint;
    utf8proc_iterate((const utf8proc_uint8_t *)c, utf8_length(c), &codepoint);
    bool accent = codepoint >= 0x300 && codepoint <= 0x36F;
    if (accent && latin) continue;
    latin = (codepoint | 32) >= 'a' && (codepoint | 32) <= 'z';
    buffer_append(&plain, c, (size_t)utf8_length(c));
  }
  buffer_append(&plain, "", 0);
  if (utf8proc_map((const utf8proc_uint8_t *)plain.data, 0, &together, shared | UTF8PROC_COMPOSE) < 0)
    TRY(fail(ERR_DATA, "the text cannot be put into normalisation form KC"));
  replace_symbols(rules, (const char *)together, out);
done:
  free(apart);
  free(together);
  free(plain.data);
  return status;
}

/* ---- the scan ---- */

typedef struct Scan {
  const Rules *rules;
  const char *text;
  size_t at;
  char *made; /* where the next word goes: there is room for twice the text */
  WordList *out;
  int piece; /* that `at` stands in, counted from 1 */
} Scan;

static bool is_ascii_letter(char c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Bytes of the letter at `text`; 0: none there. */
static size_t letter_length(const char *text) {
  if (is_ascii_letter(*text)) return 1;
  if (!(*text & 0x80)) return 0;
  int32_t codepoint;
  size_t length = (size_t)utf8_length(text);
  utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &codepoint);
  return is_letter(codepoint) ? length : 0;
}

static char before(const Scan *scan, size_t at) { return at ? scan->text[at - 1] : ' '; }

static bool after_word(const Scan *scan, size_t at) {
  char c = before(scan, at);
  return is_ascii_letter(c) || is_digit(c) || c & 0x80;
}

static size_t fold_letter(const char *from, size_t length, char *to) {
  if (length == 1) return *to = (char)(*from | 32), 1;
  int32_t codepoint;
  utf8proc_iterate((const utf8proc_uint8_t *)from, (utf8proc_ssize_t)length, &codepoint);
  if (codepoint == 0xDF || codepoint == 0x1E9E) return to[0] = to[1] = 's', 2;
  codepoint = utf8proc_tolower(codepoint);
  return (size_t)utf8proc_encode_char(codepoint == 0x3C2 ? 0x3C3 : codepoint, (utf8proc_uint8_t *)to);
}

static void push(Scan *scan, const char *text, size_t length, uint32_t flags) {
  words_add(scan->out, (Word){text, rules_find(scan->rules, text, length), (uint32_t)length, flags,
                              scan->piece, scan->piece});
}

/* Letters with the apostrophes inside them, folded into `to`; returns the bytes read. */
static size_t read_letters(const char *text, char *to, size_t *made) {
  size_t at = 0, length;
  *made = 0;
  while ((length = letter_length(text + at))) {
    *made += fold_letter(text + at, length, to + *made);
    at += length;
    if (text[at] == '\'' && letter_length(text + at + 1)) to[(*made)++] = text[at++];
  }
  return at;
}

/* The ending is put on the word before ("it 's", "do n't"). */
static void join(Scan *scan, const char *ending, size_t length) {
  Word *last = &scan->out->items[--scan->out->count];
  char *text = words_room(scan->out, last->length + length);
  memcpy(text, last->text, last->length);
  memcpy(text + last->length, ending, length);
  int first = last->first;
  push(scan, text, last->length + length, last->flags & ~(uint32_t)WORD_STOP);
  last->first = first;
}

static bool joins(const Scan *scan, const char *text, size_t length, size_t start) {
  const Rule *rule = rules_find(scan->rules, text, length);
  if (!rule || !(rule->roles & ROLE_JOINED) || !scan->out->count || start < 2 || scan->text[start - 1] != ' ')
    return false;
  const Word *last = &scan->out->items[scan->out->count - 1];
  char c = scan->text[start - 2];
  return (is_ascii_letter(c) || c & 0x80) && !(last->flags & (WORD_DIGITS | WORD_SYMBOL)) &&
         !memchr(last->text, '\'', last->length);
}

static void scan_letters(Scan *scan) {
  const char *text = scan->text + scan->at;
  size_t start = scan->at, made;
  char *word = scan->made;
  uint32_t flags = is_ascii_letter(*text) && !(*text & 32) ? WORD_CAPITAL : 0;
  scan->at += read_letters(text, word, &made);
  if (scan->text[scan->at] == '.') flags |= WORD_STOP;
  if (before(scan, start) == '.' && start > 1 && is_ascii_letter(scan->text[start - 2]))
    flags |= WORD_AFTER_STOP;
  if (is_digit(before(scan, start))) flags |= WORD_AFTER_DIGITS;
  if (joins(scan, word, made, start))
    join(scan, word, made);
  else
    push(scan, word, made, flags);
  scan->made += made;
}

/* An apostrophe outside words: of 'cause, of 's after a space, or a quotation mark. */
static void scan_apostrophe(Scan *scan) {
  size_t start = scan->at++, made;
  if (after_word(scan, start) || !letter_length(scan->text + scan->at)) return;
  char *word = scan->made;
  word[0] = '\'';
  size_t read = read_letters(scan->text + scan->at, word + 1, &made);
  const Rule *rule = rules_find(scan->rules, word, made + 1);
  if (joins(scan, word, made + 1, start))
    join(scan, word, made + 1);
  else if (rule && rule->roles & ROLE_WORD)
    push(scan, word, made + 1, 0);
  else
    return; /* the letters are read again, as a word of their own */
  scan->at += read;
  scan->made += made + 1;
}

/* Bytes of the digits from `at` on. */
static size_t digits(const char *text) {
  size_t n = 0;
  while (is_digit(text[n])) n++;
  return n;
}

/* 1/2 and the like, where the rules know it. */
static bool scan_fraction(Scan *scan, size_t whole) {
  const char *text = scan->text + scan->at;
  if (text[whole] != '/' || before(scan, scan->at) == '/') return false;
  size_t length = whole + 1 + digits(text + whole + 1);
  const Rule *rule = rules_find(scan->rules, text, length);
  if (!rule || !(rule->roles & ROLE_FRACTION) || text[length] == '/' || letter_length(text + length))
    return false;
  words_add(scan->out, word_of_rule(rule));
  scan->at += length;
  return true;
}

/* th of 5th, s of 1990s and 1990's; 0: no ending there. */
static size_t ending_length(const Scan *scan, const char *text, char *ending) {
  size_t skip = *text == '\'' && (text[1] | 32) == 's', made, read;
  if (!letter_length(text + skip) || letter_length(text + skip) > 1) return 0;
  for (read = 0; read < 2 && is_ascii_letter(text[skip + read]); read++)
    ending[read] = (char)(text[skip + read] | 32);
  made = read;
  const Rule *rule = rules_find(scan->rules, ending, made);
  char next = text[skip + read];
  if (!rule || !(rule->roles & ROLE_ENDING) || letter_length(text + skip + read) || is_digit(next)) return 0;
  return skip + read;
}

/* 1,234.5; 10:30 as 1030; 10:00 as 10; .5 as 0.5; 2.7.1 as it stands. */
static void scan_number(Scan *scan) {
  const char *text = scan->text + scan->at;
  size_t at = 0, made = 0, whole = digits(text), n;
  if (whole && scan_fraction(scan, whole)) return;
  char *word = scan->made, ending[2];
  if (!whole) word[made++] = '0';
  memcpy(word + made, text, whole);
  at += whole, made += whole;
  if (whole && whole <= 3)
    while (text[at] == ',' && digits(text + at + 1) == 3)
      memcpy(word + made, text + at + 1, 3), at += 4, made += 3;
  bool time = whole && whole <= 2 && at == whole && text[at] == ':' && digits(text + at + 1) == 2 &&
              text[at + 3] != ':' && before(scan, scan->at) != ':';
  if (time) {
    if (memcmp(text + at + 1, "00", 2)) memcpy(word + made, text + at + 1, 2), made += 2;
    at += 3;
  } else {
    while (text[at] == '.' && (n = digits(text + at + 1)))
      memcpy(word + made, text + at, n + 1), at += n + 1, made += n + 1;
  }
  size_t length = memchr(word, '.', made) ? 0 : ending_length(scan, text + at, ending);
  if (length) {
    size_t skip = text[at] == '\'';
    memcpy(word + made, ending, length - skip);
    at += length, made += length - skip;
  }
  scan->at += at;
  push(scan, word, made, WORD_DIGITS);
  scan->made += made;
}

/* [laughter], <unk>: an annotation, not speech. */
static bool scan_annotation(Scan *scan) {
  const char *text = scan->text + scan->at;
  if (*text != '[' && *text != '<') return false;
  if (*text == '<' && text[1] != '/' && !letter_length(text + 1)) return false;
  size_t length = 1 + strcspn(text + 1, "[]<>");
  if (text[length] != (*text == '[' ? ']' : '>')) return false;
  scan->at += length + 1;
  return true;
}

static void scan_symbol(Scan *scan) {
  const char *text = scan->text + scan->at;
  size_t length = (size_t)utf8_length(text);
  const Rule *rule = rules_find(scan->rules, text, length);
  const Rule *minus = rules_grammar(scan->rules, GRAMMAR_MINUS);
  if (rule && rule->currency)
    words_add(scan->out, (Word){text, rule, (uint32_t)length, WORD_SYMBOL});
  else if (rule && rule->roles & ROLE_SYMBOL)
    for (int i = 0; i < rule->to.count; i++) words_add(scan->out, word_of_rule(rule->to.words[i]));
  else if (*text == '-' && minus && !after_word(scan, scan->at) && before(scan, scan->at) != '-') {
    size_t next = (size_t)utf8_length(text + 1);
    const Rule *sign = rules_find(scan->rules, text + 1, next);
    if (is_digit(text[1]) || (text[1] == '.' && is_digit(text[2])) || (text[1] && sign && sign->currency))
      words_add(scan->out, word_of_rule(minus));
  }
  scan->at += length;
}

/* One word, or what is none, behind which scan->at then stands. */
static void scan_next(Scan *scan) {
  const char *c = scan->text + scan->at;
  if (*c == ' ')
    scan->at++;
  else if (letter_length(c))
    scan_letters(scan);
  else if (is_digit(*c) || (*c == '.' && is_digit(c[1]) && !after_word(scan, scan->at)))
    scan_number(scan);
  else if (*c == '\'')
    scan_apostrophe(scan);
  else if (!scan_annotation(scan))
    scan_symbol(scan);
}

/* Appends the piece as words are scanned in it. */
static Status piece_append(const Rules *rules, const char *piece, Buffer *text) {
  size_t length = strlen(piece), ascii = 0;
  while (ascii < length && !(piece[ascii] & 0x80)) ascii++;
  if (ascii < length) return fold(rules, piece, text);
  buffer_append(text, piece, length);
  return OK;
}

Status words_scan(const Rules *rules, const char *const *pieces, int count, WordList *out) {
  Status status = OK;
  Buffer text = {0};
  size_t *ends = xcalloc((size_t)count, sizeof *ends);
  buffer_append(&text, "", 0);
  for (int p = 0; p < count; p++) {
    if (p) buffer_append(&text, " ", 1);
    TRY(piece_append(rules, pieces[p], &text));
    ends[p] = text.used;
  }
  char *kept = words_room(out, text.used + 1);
  memcpy(kept, text.data, text.used + 1);
  Scan scan = {rules, kept, 0, words_room(out, 2 * text.used + 8), out, 1};
  while (kept[scan.at]) {
    int mark = out->count;
    while (scan.piece < count && scan.at >= ends[scan.piece - 1]) scan.piece++;
    scan_next(&scan);
    for (; mark < out->count; mark++)
      if (!out->items[mark].first) out->items[mark].first = out->items[mark].last = scan.piece;
  }
done:
  free(text.data), free(ends);
  return status;
}

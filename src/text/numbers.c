#include "src/text/numbers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ATOMS_MOST = 32, DIGITS_MOST = 15 };
#define VALUE_MOST INT64_C(1000000000000000)

typedef enum Kind { CARDINAL, ORDINAL, PLURAL } Kind;

/* mantissa / 10^decimals, read from the words before `end`. */
typedef struct Number {
  int64_t mantissa;
  int decimals, end;
  Kind kind;
  bool spelled, scaled, oh; /* oh: "oh five", which only follows another number */
  const char *verbatim;     /* digits to be written as they stand: 007, 2.7.1 */
  int verbatim_length;
} Number;

typedef struct Reader {
  const Rules *rules;
  const WordList *in;
  WordList *out;
} Reader;

static const Rule NOTHING;

static const Rule *rule_at(const Reader *reader, int i) {
  if (i < 0 || i >= reader->in->count || !reader->in->items[i].rule) return &NOTHING;
  return reader->in->items[i].rule;
}

static bool is(const Reader *reader, int i, Grammar grammar) {
  return rule_at(reader, i)->grammar == grammar;
}

static bool has(const Reader *reader, int i, Role role) { return rule_at(reader, i)->roles & role; }

/* A word of digits alone, or with a point. */
static bool in_digits(const Reader *reader, int i) {
  if (i < 0 || i >= reader->in->count) return false;
  const Word *word = &reader->in->items[i];
  if (word->text[0] < '0' || word->text[0] > '9') return false;
  for (uint32_t c = 0; c < word->length; c++)
    if ((word->text[c] < '0' || word->text[c] > '9') && word->text[c] != '.') return false;
  return true;
}

/* 0 to 9, said or written; -1: no single digit. */
static int digit_at(const Reader *reader, int i) {
  const Rule *rule = rule_at(reader, i);
  if (rule->roles & ROLE_NUMBER && rule->value < 10) return (int)rule->value;
  if (rule->grammar == GRAMMAR_OH) return 0;
  if (in_digits(reader, i) && reader->in->items[i].length == 1) return reader->in->items[i].text[0] - '0';
  return -1;
}

/* ---- one number ---- */

static bool read_digits(const Reader *reader, int i, Number *out) {
  if (!in_digits(reader, i)) return false;
  const Word *word = &reader->in->items[i];
  int points = 0, count = 0;
  *out = (Number){.end = i + 1, .verbatim = word->text, .verbatim_length = (int)word->length};
  for (uint32_t c = 0; c < word->length; c++)
    if (word->text[c] == '.')
      points++;
    else if (++count <= DIGITS_MOST)
      out->mantissa = out->mantissa * 10 + word->text[c] - '0', out->decimals += points == 1;
  if (points > 1 || count > DIGITS_MOST) out->mantissa = -1; /* known by its text alone */
  return true;
}

/* 1 to 99 in words: twenty, twenty three, nineteen, seven. */
static bool read_small(const Reader *reader, int i, int64_t *value, int *end) {
  const Rule *rule = rule_at(reader, i);
  if (!(rule->roles & ROLE_NUMBER) || rule->value < 1) return false;
  *value = rule->value, *end = i + 1;
  const Rule *next = rule_at(reader, i + 1);
  if (*value >= 20 && *value % 10 == 0 && next->roles & ROLE_NUMBER && next->value >= 1 && next->value <= 9)
    *value += next->value, ++*end;
  return true;
}

/* second is an ordinal after tens only in a date: "twenty second" may be a length of time. */
static bool ordinal_is_sure(const Reader *reader, int first, int i) {
  return rule_at(reader, i)->ordinal != 2 || has(reader, first - 1, ROLE_MONTH) ||
         is(reader, i + 1, GRAMMAR_OF);
}

/* An ordinal that ends a number: (twenty) first, (hundred and) fifth, (two) thousandth is `scale`. */
static bool read_ordinal_below(const Reader *reader, int first, int i, int64_t limit, int64_t *value,
                               int *end) {
  const Rule *rule = rule_at(reader, i), *next = rule_at(reader, i + 1);
  if (rule->roles & ROLE_NUMBER && rule->value >= 20 && rule->value % 10 == 0 && next->roles & ROLE_ORDINAL &&
      next->ordinal >= 1 && next->ordinal <= 9 && limit >= 100 && ordinal_is_sure(reader, first, i + 1)) {
    *value = rule->value + next->ordinal, *end = i + 2;
    return true;
  }
  if (!(rule->roles & ROLE_ORDINAL) || rule->ordinal < 1 || rule->ordinal >= limit || rule->ordinal >= 100)
    return false;
  if (first != i && !ordinal_is_sure(reader, first, i)) return false;
  *value = rule->ordinal, *end = i + 1;
  return true;
}

/* Digits after "point": single ones, or one number below 100; then perhaps again, as in versions. */
static bool read_point(const Reader *reader, int i, Number *number) {
  if (!is(reader, i, GRAMMAR_POINT) || number->decimals || number->mantissa < 0) return false;
  int64_t value;
  int end = i + 1, count = 0;
  Number after = *number;
  for (int digit; count < DIGITS_MOST && (digit = digit_at(reader, end)) >= 0; end++, count++) {
    if (is(reader, end, GRAMMAR_OH) && digit_at(reader, end + 1) < 0 && count == 0 &&
        reader->in->items[end].length == 1)
      break;
    after.mantissa = after.mantissa * 10 + digit, after.decimals++;
    if (after.mantissa > VALUE_MOST) return false;
  }
  if (!count && read_small(reader, end, &value, &end))
    after.mantissa = after.mantissa * 100 + value, after.decimals = 2, count = 2;
  Number written;
  if (!count && read_digits(reader, i + 1, &written) && written.mantissa >= 0 && !written.decimals &&
      written.verbatim_length <= 6) {
    for (int d = 0; d < written.verbatim_length; d++) after.mantissa *= 10;
    after.mantissa += written.mantissa, after.decimals = written.verbatim_length;
    count = after.decimals, end = i + 2;
  }
  if (!count || after.mantissa > VALUE_MOST) return false;
  after.end = end, after.verbatim = NULL;
  *number = after;
  return true;
}

/* "two point seven point one": a version, known by its text alone. */
static void read_version(const Reader *reader, Number *number) {
  char text[96];
  int64_t unit = 1;
  if (!number->decimals || number->mantissa < 0 || !is(reader, number->end, GRAMMAR_POINT)) return;
  for (int d = 0; d < number->decimals; d++) unit *= 10;
  int length = snprintf(text, sizeof text, "%" PRId64 ".%0*" PRId64, number->mantissa / unit,
                        number->decimals, number->mantissa % unit);
  int end = number->end, digit;
  while (is(reader, end, GRAMMAR_POINT) && (digit = digit_at(reader, end + 1)) >= 0 && length < 80) {
    length += snprintf(text + length, sizeof text - (size_t)length, ".%d", digit);
    end += 2;
  }
  if (end == number->end) return;
  char *kept = words_room(reader->out, (size_t)length);
  number->verbatim = memcpy(kept, text, (size_t)length);
  number->verbatim_length = length, number->mantissa = -1, number->decimals = 0, number->end = end;
}

/* Times a power of ten; false: too large. */
static bool scale_by(Number *number, int64_t scale) {
  if (number->mantissa < 0) return false;
  while (scale > 1 && number->decimals) scale /= 10, number->decimals--;
  if (number->mantissa > VALUE_MOST / scale) return false;
  number->mantissa *= scale;
  while (number->decimals && number->mantissa % 10 == 0) number->mantissa /= 10, number->decimals--;
  number->scaled = true, number->verbatim = NULL;
  return true;
}

/* "and a half", "1/2" after a whole number. */
static void read_mixed(const Reader *reader, Number *number) {
  const Rule *rule = rule_at(reader, number->end);
  int64_t hundredths = rule->roles & ROLE_FRACTION ? rule->hundredths : 0;
  int words = 1;
  for (int m = 0; m < rule->mixed_count && !hundredths; m++) {
    const Phrase *mixed = &rule->mixed[m];
    int k = 0;
    while (k < mixed->count && number->end + 1 + k < reader->in->count &&
           rule_at(reader, number->end + 1 + k) == mixed->rest[k])
      k++;
    if (k == mixed->count) hundredths = mixed->value, words = k + 1;
  }
  if (!hundredths || number->decimals || number->mantissa < 0 || number->mantissa > VALUE_MOST / 100) return;
  number->mantissa = number->mantissa * 100 + hundredths, number->decimals = 2, number->end += words;
  if (hundredths % 10 == 0) number->mantissa /= 10, number->decimals = 1;
  number->verbatim = NULL;
}

/* The first part of a number, below the first scale: 250, 2.5, two hundred and fifty, nineteen hundred, two
 * and a half. */
static bool read_head(const Reader *reader, int i, Number *out) {
  int64_t value, more;
  int end, next;
  if (read_digits(reader, i, out)) {
    if (!out->decimals) read_mixed(reader, out);
    if (out->verbatim && read_point(reader, out->end, out)) read_version(reader, out);
    return true;
  }
  *out = (Number){.spelled = true};
  if (has(reader, i, ROLE_NUMBER) && rule_at(reader, i)->value == 0) {
    out->end = i + 1;
    if (read_point(reader, i + 1, out)) read_version(reader, out);
    return true;
  }
  if (is(reader, i, GRAMMAR_A) && rule_at(reader, i + 1)->scale) /* a hundred, a million */
    value = 1, end = i + 1;
  else if (!read_small(reader, i, &value, &end))
    return false;
  if (rule_at(reader, end)->scale == 100) {
    value *= 100, end++;
    next = end + is(reader, end, GRAMMAR_AND);
    if (read_ordinal_below(reader, i, next, 100, &more, &next))
      value += more, end = next, out->kind = ORDINAL;
    else if (read_small(reader, next, &more, &next) && rule_at(reader, next)->scale != 100)
      value += more, end = next;
  }
  out->mantissa = value, out->end = end;
  if (out->kind == CARDINAL && !is(reader, i, GRAMMAR_A)) {
    read_mixed(reader, out);
    if (!out->decimals && read_point(reader, out->end, out)) read_version(reader, out);
  }
  return true;
}

/* The rest after a scale: (two thousand) and nineteen, (two million) five hundred thousand. */
static void read_tail(const Reader *reader, int first, int64_t scale, Number *number) {
  while (number->kind == CARDINAL && !number->decimals) {
    int next = number->end + is(reader, number->end, GRAMMAR_AND), end;
    int64_t more;
    Number part;
    if (read_ordinal_below(reader, first, next, scale, &more, &end)) {
      number->mantissa += more, number->end = end, number->kind = ORDINAL;
      return;
    }
    if (!has(reader, next, ROLE_NUMBER) || !read_head(reader, next, &part) || part.decimals || !part.mantissa)
      return;
    int64_t by = rule_at(reader, part.end)->scale;
    if (by == 100 || (by && by >= scale)) return;
    if (by) scale_by(&part, by), part.end++;
    if (part.mantissa >= scale || number->mantissa > VALUE_MOST - part.mantissa) return;
    number->mantissa += part.mantissa, number->end = part.end, number->kind = part.kind;
    if (!by) return;
    scale = by;
  }
}

/* Ordinals that are a number by themselves or end one: fifth, twenty first, two hundredth. */
static bool read_whole_ordinal(const Reader *reader, int i, Number *out) {
  int64_t value;
  int end;
  if (!read_ordinal_below(reader, i, i, 100, &value, &end)) return false;
  *out = (Number){.mantissa = value, .end = end, .kind = ORDINAL, .spelled = true};
  return true;
}

static bool read_plural(const Reader *reader, int i, Number *out) {
  const Rule *rule = rule_at(reader, i);
  if (!(rule->roles & ROLE_PLURAL) || rule->plural >= 100) return false;
  *out = (Number){.mantissa = rule->plural, .end = i + 1, .kind = PLURAL, .spelled = true};
  return true;
}

static bool read_number(const Reader *reader, int i, Number *out) {
  if (is(reader, i, GRAMMAR_HALF) && is(reader, i + 1, GRAMMAR_A) && rule_at(reader, i + 2)->scale) {
    *out = (Number){.mantissa = 5, .decimals = 1, .spelled = true};
    int64_t scale = rule_at(reader, i + 2)->scale;
    out->end = i + 3;
    return scale_by(out, scale);
  }
  if (read_whole_ordinal(reader, i, out) || read_plural(reader, i, out)) return true;
  if (!read_head(reader, i, out)) return false;
  int64_t scale;
  while (out->kind == CARDINAL && (scale = rule_at(reader, out->end)->scale)) {
    bool spelled = out->spelled;
    if (!scale_by(out, scale)) break;
    out->end++;
    if (spelled || !out->decimals) read_tail(reader, i, scale, out);
    if (scale == 100) continue; /* 5 hundred thousand */
    break;
  }
  const Rule *last = rule_at(reader, out->end);
  if (out->kind == CARDINAL && out->spelled && !out->decimals && last->roles & ROLE_ORDINAL &&
      last->ordinal >= 100 && scale_by(out, last->ordinal)) /* two hundredth */
    out->end++, out->kind = ORDINAL;
  else if (out->kind == CARDINAL && out->spelled && !out->decimals && out->mantissa >= 10 &&
           out->mantissa < 100 && last->plural == 100) /* eighteen hundreds */
    out->mantissa *= 100, out->end++, out->kind = PLURAL;
  return true;
}

/* ---- writing ---- */

static void write_text(const Reader *reader, const char *text, int length) {
  char *kept = words_room(reader->out, (size_t)length);
  memcpy(kept, text, (size_t)length);
  const Rule *rule = rules_find(reader->rules, kept, (size_t)length);
  if (rule && rule->roles & ROLE_WORD && rule->to.count == 1)
    words_add(reader->out, word_of_rule(rule->to.words[0]));
  else
    words_add(reader->out, (Word){kept, rule, (uint32_t)length, WORD_DIGITS, 0, 0});
}

static const char *ordinal_ending(int64_t value) {
  if (value / 10 % 10 == 1) return "th";
  return value % 10 == 1 ? "st" : value % 10 == 2 ? "nd" : value % 10 == 3 ? "rd" : "th";
}

static void write_number(const Reader *reader, const Number *number) {
  char text[64];
  int length;
  if (number->verbatim) {
    write_text(reader, number->verbatim, number->verbatim_length);
    return;
  }
  int64_t unit = 1;
  for (int d = 0; d < number->decimals; d++) unit *= 10;
  length = snprintf(text, sizeof text, "%" PRId64, number->mantissa / unit);
  if (number->decimals)
    length += snprintf(text + length, sizeof text - (size_t)length, ".%0*" PRId64, number->decimals,
                       number->mantissa % unit);
  length += snprintf(text + length, sizeof text - (size_t)length, "%s",
                     number->kind == ORDINAL  ? ordinal_ending(number->mantissa)
                     : number->kind == PLURAL ? "s"
                                              : "");
  write_text(reader, text, length);
}

/* ---- money ---- */

/* Cents as two decimals; 2.00 is 2, 0.50 is 50 cents. */
static void write_money(const Reader *reader, Number number, const Currency *currency) {
  const Rule *one = currency->one, *many = currency->many;
  if (number.mantissa >= 0 && number.decimals && number.decimals <= 2 && number.mantissa < VALUE_MOST / 10) {
    if (number.decimals == 1) number.mantissa *= 10, number.decimals = 2;
    number.verbatim = NULL;
    if (number.mantissa % 100 == 0)
      number.mantissa /= 100, number.decimals = 0;
    else if (number.mantissa < 100 && currency->cent)
      number.decimals = 0, one = currency->cent, many = currency->cents;
  }
  bool single = number.mantissa == 1 && !number.decimals;
  write_number(reader, &number);
  words_add(reader->out, word_of_rule(single ? one : many));
}

/* The amount that begins at the number; `currency` from a symbol before it, or NULL. */
static int read_money(const Reader *reader, Number number, const Currency *currency) {
  int end = number.end;
  int64_t scale = rule_at(reader, end)->letter_scale;
  if (currency && scale && reader->in->items[end].flags & WORD_AFTER_DIGITS && scale_by(&number, scale))
    end++;
  const Rule *word = rule_at(reader, end);
  if (word->roles & ROLE_CURRENCY && word->currency &&
      !(end < reader->in->count && reader->in->items[end].flags & WORD_SYMBOL)) {
    if (!currency || currency == word->currency) currency = word->currency, end++;
  } else if (!currency && word->roles & ROLE_CENT && word->currency) {
    write_number(reader, &number);
    words_add(reader->out, word_of_rule(number.mantissa == 1 && !number.decimals ? word->currency->cent
                                                                                 : word->currency->cents));
    return end + 1;
  }
  if (!currency) return -1;
  Number cents;
  int next = end + is(reader, end, GRAMMAR_AND);
  if (!number.decimals && number.mantissa >= 0 && !number.scaled && currency->cent &&
      read_number(reader, next, &cents) && cents.kind == CARDINAL && !cents.decimals && cents.mantissa >= 1 &&
      cents.mantissa < 100 &&
      (rule_at(reader, cents.end) == currency->cent || rule_at(reader, cents.end) == currency->cents)) {
    number.mantissa = number.mantissa * 100 + cents.mantissa, number.decimals = 2, number.verbatim = NULL;
    end = cents.end + 1;
  }
  write_money(reader, number, currency);
  return end;
}

/* ---- numbers one after another ---- */

/* Three digits or more said one by one, "oh" inside them; the last may begin a larger number instead. */
static int read_digit_string(const Reader *reader, int i) {
  int end = i, count;
  if (is(reader, i, GRAMMAR_OH)) return 0;
  while (digit_at(reader, end) >= 0 && (!is(reader, end, GRAMMAR_OH) || (digit_at(reader, end + 1) >= 0)))
    end++;
  if (end > i && (rule_at(reader, end)->scale || is(reader, end, GRAMMAR_POINT))) end--;
  count = end - i;
  bool oh = false;
  for (int k = i; k < end; k++) oh |= is(reader, k, GRAMMAR_OH);
  return count >= 3 && (!oh || !is(reader, end - 1, GRAMMAR_OH)) ? count : 0;
}

static void write_digit_string(const Reader *reader, int i, int count) {
  char *text = words_room(reader->out, (size_t)count);
  for (int k = 0; k < count; k++) text[k] = (char)('0' + digit_at(reader, i + k));
  words_add(reader->out,
            (Word){text, rules_find(reader->rules, text, (size_t)count), (uint32_t)count, WORD_DIGITS, 0, 0});
}

static bool pairs(const Number *a, const Number *b) {
  if (!a->spelled || !b->spelled || a->decimals || b->decimals || a->scaled || b->scaled ||
      a->kind != CARDINAL || a->oh || a->verbatim || b->verbatim)
    return false;
  if (a->mantissa < 1 || a->mantissa > 99) return false;
  return b->oh ? a->mantissa >= 10 : b->mantissa >= 10 && b->mantissa <= 99;
}

static bool read_atom(const Reader *reader, int i, Number *out) {
  if (is(reader, i, GRAMMAR_OH) && digit_at(reader, i + 1) > 0) {
    *out = (Number){.mantissa = digit_at(reader, i + 1), .end = i + 2, .spelled = true, .oh = true};
    return true;
  }
  return read_number(reader, i, out);
}

/* Years and the like: numbers below 100 that follow each other are joined by two from the right (q one |
 * twenty nineteen). Returns where it ended. */
static int write_run(const Reader *reader, int i, bool *joined) {
  Number atoms[ATOMS_MOST];
  bool taken[ATOMS_MOST] = {0};
  int count = 0, end = i;
  while (count < ATOMS_MOST && !(count && read_digit_string(reader, end)) &&
         read_atom(reader, end, &atoms[count]) && (count || !atoms[count].oh)) {
    end = atoms[count].end;
    bool alone =
        atoms[count++].kind != CARDINAL || has(reader, end, ROLE_CURRENCY) || has(reader, end, ROLE_CENT);
    if (alone) break;
  }
  if (!count) return i;
  for (int k = count - 1; k > 0; k--)
    if (pairs(&atoms[k - 1], &atoms[k])) {
      atoms[k].mantissa += 100 * atoms[k - 1].mantissa, atoms[k].oh = false, atoms[k].verbatim = NULL;
      taken[--k] = true;
      *joined = true;
    }
  for (int k = 0, from = i; k < count; k++) {
    if (taken[k]) continue;
    int mark = reader->out->count;
    if (atoms[k].oh) { /* no number for it to follow */
      for (int w = atoms[k].end - 2; w < atoms[k].end; w++) words_add(reader->out, reader->in->items[w]);
      from = atoms[k].end;
      continue;
    }
    int after = read_money(reader, atoms[k], NULL);
    if (after >= 0 && k == count - 1) end = after;
    if (after < 0) write_number(reader, &atoms[k]);
    words_trace(reader->in, from, k == count - 1 ? end : atoms[k].end, reader->out, mark);
    from = atoms[k].end;
  }
  *joined |= end - i > 1;
  return end;
}

/* ".5 percent" said without a zero. */
static int write_bare_point(const Reader *reader, int i) {
  Number number = {.spelled = true};
  if (!is(reader, i, GRAMMAR_POINT) || has(reader, i - 1, ROLE_NUMBER) || !read_point(reader, i, &number))
    return i;
  if (!rule_at(reader, number.end)->scale && !is(reader, number.end, GRAMMAR_PERCENT)) return i;
  int64_t scale = rule_at(reader, number.end)->scale;
  if (scale && scale_by(&number, scale)) number.end++;
  int after = read_money(reader, number, NULL);
  if (after < 0) write_number(reader, &number);
  return after < 0 ? number.end : after;
}

static bool begins_number(const Reader *reader, int i) {
  Number number;
  return (i < reader->in->count && reader->in->items[i].flags & WORD_SYMBOL) ||
         read_number(reader, i, &number);
}

/* One word or number from `i` on. */
static int rewrite_at(const Reader *reader, int i, bool *joined) {
  const Word *word = &reader->in->items[i];
  Number number;
  int count, end;
  if (!word->rule && !(word->flags & WORD_DIGITS)) return words_add(reader->out, *word), i + 1;
  if (word->flags & WORD_SYMBOL) {
    if (read_number(reader, i + 1, &number) && number.kind == CARDINAL)
      return *joined = true, read_money(reader, number, word->rule->currency);
    return i + 1; /* a symbol before no number says nothing */
  }
  if (is(reader, i, GRAMMAR_MINUS) && begins_number(reader, i + 1)) {
    words_add(reader->out, word_of_rule(rules_grammar(reader->rules, GRAMMAR_MINUS)));
    return i + 1;
  }
  if ((count = read_digit_string(reader, i)) > 0) {
    write_digit_string(reader, i, count);
    return *joined = true, i + count;
  }
  if ((end = write_bare_point(reader, i)) > i || (end = write_run(reader, i, joined)) > i) return end;
  if (word->rule && word->rule->roles & ROLE_FRACTION) {
    for (int k = 0; k < word->rule->to.count; k++)
      words_add(reader->out, word_of_rule(word->rule->to.words[k]));
    *joined = true;
  } else {
    words_add(reader->out, *word);
  }
  return i + 1;
}

bool numbers_rewrite(const Rules *rules, const WordList *in, WordList *out) {
  const Reader reader = {rules, in, out};
  bool joined = false;
  for (int i = 0, end; i < in->count; i = end) {
    int mark = out->count;
    end = rewrite_at(&reader, i, &joined);
    words_trace(in, i, end, out, mark);
  }
  return joined;
}

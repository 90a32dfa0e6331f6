/* How sclite of NIST's SCTK reads its files, by the switches that it was given: `--as "sclite -D -F"`.
 *
 * Words are what stands between white space, letters A-Z become a-z (in the names of speakers and recordings
 * as well), ";" and what follows it in a word are a tag and dropped ("\;" is a semicolon), and so is one "*"
 * at a word's end. Both texts may have alternatives { a / b / @ }; a word in parentheses is a word like any
 * other, unless -D. */
#ifndef JARGON_EVAL_SCLITE_RULES_H
#define JARGON_EVAL_SCLITE_RULES_H

#include "eval/network.h"
#include "eval/records.h"

typedef struct ScliteRules {
  bool case_sensitive; /* -s: case is kept */
  bool optional;       /* -D: a word in parentheses need not be said */
  bool fragments;      /* -F: "frag-" is right for "fragment", and "-ment" */
  bool characters;     /* -c: the words are the characters */
  bool keep_ascii;     /* -c NOASCII: but ASCII ones stay together */
  bool drop_hyphens;   /* -c DH */
  bool reduce_ref;     /* -m, -m ref: of stm and ctm, segments without any time in common with the words go */
  bool reduce_hyp;     /* -m hyp: and words without any in common with the segments */
  bool short_speakers; /* -i wsj, -i atis: of trn, the first three letters of an id are the speaker */
} ScliteRules;

/* "sclite" and its switches, separated by spaces; others than these are ERR_USAGE. */
Status sclite_rules_parse(ScliteRules *rules, const char *as);

/* Rewrites the texts and names of all records. */
void sclite_rules_apply(const ScliteRules *rules, Records *records);

/* What the marks of such a text mean. */
NetworkMarks sclite_rules_marks(const ScliteRules *rules);

/* A text, rewritten, that has to be aligned as a network: it has marks, or fragments that count. */
bool sclite_rules_special(const ScliteRules *rules, const char *text);

#endif

/* One table of options per verb makes the parser, --help, the configuration file and the printed settings.
 *
 * A value is given as --batch-seconds 60, as batch_seconds=60, or in a YAML file (--config FILE) as
 * batch_seconds: 60; the command line wins over the file. '-' and '_' in a name are the same. In YAML a
 * mapping `model: {layers: 4}` is model.layers. A bare argument goes to the positional options in the table's
 * order; one that looks like key=value and is a file is written ./key=value, or after "--".
 *
 *   const char *out = NULL;
 *   double seconds = 60;
 *   StringList files = {0};
 *   Option table[] = {
 *       {"out", OPTION_TEXT, &out, "DIR", "folder to write", .required = true},
 *       {"max-seconds", OPTION_REAL, &seconds, "SECONDS", "longest utterance", .min = 0.1, .max = 3600},
 *       {"manifest", OPTION_LIST, &files, "FILE", "manifests to read", .positional = true},
 *       {0}};
 *   Options options = {"pack", "packs manifests", "jargon pack --out corpus train.jsonl", table};
 *   TRY(options_parse(&options, argc, argv));  ...  done: options_free(&options); */
#ifndef JARGON_BASE_OPTIONS_H
#define JARGON_BASE_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "src/base/status.h"

typedef struct StringList {
  const char **items;
  int count;
} StringList;

typedef enum OptionType {
  OPTION_BOOL = 1, /* bool: --skip-bad, --skip-bad=no; yes, no, true, false */
  OPTION_INT,      /* int */
  OPTION_REAL,     /* double */
  OPTION_TEXT,     /* const char *; NULL: not given */
  OPTION_LIST,     /* StringList: a,b, or given several times, or a YAML sequence; replaces the file's */
  OPTION_GROUP,    /* StringList of "key=value" for every setting called name.key, in the order given */
} OptionType;

typedef struct Option {
  const char *name;
  OptionType type;
  void *value;         /* holds the default before options_parse() and the value after it */
  const char *metavar; /* what stands for the value in --help: "DIR" */
  const char *help;
  double min, max;     /* OPTION_INT, OPTION_REAL: the accepted range; both 0: any */
  const char *choices; /* OPTION_TEXT: the accepted values, "bpe|unigram|char" */
  bool required, positional;
  bool neutral; /* says where and how fast, never what is computed: paths, threads, intervals of saving */
} Option;

typedef struct Options {
  const char *verb, *summary; /* summary: what the verb does, in one line */
  const char *example;        /* one command, or a few lines */
  const Option *table;        /* ends with a zeroed entry */
  StringList group_lines;     /* of the OPTION_GROUP's items: "file:line: ", or "" */
  void **owned;               /* texts and lists given by the user, freed by options_free() */
  int owned_count;
} Options;

/* argv[0] is the verb. --help prints the help and exits 0. Everything wrong is ERR_USAGE (a configuration
 * file that cannot be read: ERR_IO). */
Status options_parse(Options *options, int argc, char **argv);
void options_free(Options *options); /* the values are no longer valid */

/* Where an item of the table's OPTION_GROUP (one at most) was given: "train.yaml:3: ", or "" for the command
 * line. */
const char *options_group_line(const Options *options, int item);

/* Prints the settings as a YAML file that --config reads back: every option that has a value; without
 * `neutral` the neutral ones are left out. */
void options_print(const Options *options, FILE *stream, bool neutral);

#endif

#include "src/base/options.h"

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/settings.h"

/* What the command line says, in its order; applied after the configuration file. */
typedef struct Given {
  const Option *option; /* NULL: key=value */
  const char *text;
} Given;

typedef struct Line {
  Options *options;
  const char *config;
  Given *given;
  int count;
  StringList bare;
  const char *refused; /* the argument argp stopped at */
  bool help;
  bool again[256]; /* by place in the table: a list already replaced by the command line */
} Line;

enum { KEY_HELP = 998, KEY_CONFIG, KEY_FIRST }; /* argp's keys: KEY_FIRST + place in the table */

static void *own(Options *options, void *block) {
  options->owned = xrealloc(options->owned, (size_t)options->owned_count + 1, sizeof *options->owned);
  return options->owned[options->owned_count++] = block;
}

static int table_size(const Options *options) {
  int n = 0;
  while (options->table[n].name) n++;
  return n;
}

/* Applying one value. `where` begins the error: "train.yaml:3: epochs" or "--epochs". */

static Status parse_number(const Option *option, const char *where, const char *text) {
  char *end;
  bool whole = option->type == OPTION_INT, bounded = option->min != 0 || option->max != 0;
  double value;
  errno = 0;
  if (whole) {
    long integer = strtol(text, &end, 10);
    if (errno || integer < INT_MIN || integer > INT_MAX) end = (char *)text;
    value = (double)integer;
  } else {
    value = strtod(text, &end);
    if (!isfinite(value)) end = (char *)text;
  }
  if (end == text || *end || isspace((unsigned char)text[0]))
    return fail(ERR_USAGE, "%s: '%s' is not a %snumber", where, text, whole ? "whole " : "");
  if (bounded && (value < option->min || value > option->max))
    return fail(ERR_USAGE,
                whole ? "%s: %s is out of range; give %.0f to %.0f" : "%s: %s is out of range; give %g to %g",
                where, text, option->min, option->max);
  if (whole)
    *(int *)option->value = (int)value;
  else
    *(double *)option->value = value;
  return OK;
}

static Status parse_bool(const Option *option, const char *where, const char *text) {
  bool yes = !strcmp(text, "yes") || !strcmp(text, "true");
  if (!yes && strcmp(text, "no") != 0 && strcmp(text, "false") != 0)
    return fail(ERR_USAGE, "%s: '%s' is neither yes nor no", where, text);
  *(bool *)option->value = yes;
  return OK;
}

static Status parse_text(Options *options, const Option *option, const char *where, const char *text) {
  if (option->choices) {
    size_t length = strlen(text);
    const char *at = option->choices;
    while (at && (strncmp(at, text, length) != 0 || (at[length] != '|' && at[length]))) {
      at = strchr(at, '|');
      if (at) at++;
    }
    if (!at) return fail(ERR_USAGE, "%s: '%s' is none of %s", where, text, option->choices);
  }
  *(const char **)option->value = own(options, xstrdup(text));
  return OK;
}

/* `own` keeps every array a list ever had: appending makes a new one. */
static void list_add(Options *options, StringList *list, const char *item) {
  const char **items = own(options, xcalloc((size_t)list->count + 1, sizeof *items));
  if (list->count) memcpy(items, list->items, (size_t)list->count * sizeof *items);
  items[list->count] = own(options, xstrdup(item));
  *list = (StringList){items, list->count + 1};
}

static Status parse_list(Options *options, const Option *option, const char *where, const char *text) {
  char *copy = own(options, xstrdup(text)), *rest = copy, *item;
  while ((item = strsep(&rest, ","))) {
    if (!*item) return fail(ERR_USAGE, "%s: '%s' has an empty item", where, text);
    list_add(options, option->value, item);
  }
  return OK;
}

static Status apply(Options *options, const Option *option, const char *where, const char *text) {
  switch (option->type) {
  case OPTION_BOOL:
    return parse_bool(option, where, text);
  case OPTION_INT:
  case OPTION_REAL:
    return parse_number(option, where, text);
  case OPTION_TEXT:
    return parse_text(options, option, where, text);
  case OPTION_LIST:
    return parse_list(options, option, where, text);
  case OPTION_GROUP:
    break;
  }
  return fail(ERR_USAGE, "%s is a group of settings; give %s.KEY=VALUE", where, option->name);
}

/* The option of a key; for a group ("model.layers") *member is "layers", else NULL. */
static const Option *find(const Options *options, const char *key, const char **member) {
  *member = NULL;
  for (const Option *option = options->table; option->name; option++) {
    size_t length = strlen(option->name);
    if (option->type == OPTION_GROUP && !strncmp(key, option->name, length) && key[length] == '.') {
      *member = key + length + 1;
      return option;
    }
    if (setting_same_key(option->name, key)) return option;
  }
  return NULL;
}

static Status unknown(const Options *options, const char *where, const char *key) {
  int n = table_size(options);
  const char **names = xcalloc((size_t)n + 2, sizeof *names);
  for (int i = 0; i < n; i++) names[i] = options->table[i].name;
  names[n] = "config";
  names[n + 1] = "help";
  const char *near = setting_nearest(key, names, n + 2);
  Status status = near ? fail(ERR_USAGE, "%s%s is no setting of `jargon %s`; did you mean %s?", where, key,
                              options->verb, near)
                       : fail(ERR_USAGE, "%s%s is no setting of `jargon %s`; see `jargon %s --help`", where,
                              key, options->verb, options->verb);
  free(names);
  return status;
}

/* `where` says which line of the configuration file it is; "" for the command line. */
static void add_member(Options *options, const Option *group, const char *where, const char *member,
                       const char *value) {
  char *pair = xprintf("%s=%s", member, value);
  list_add(options, group->value, pair);
  list_add(options, &options->group_lines, where);
  free(pair);
}

const char *options_group_line(const Options *options, int item) { return options->group_lines.items[item]; }

static Status apply_file(Options *options, const char *path) {
  Settings settings;
  Status status = settings_read(&settings, path);
  char *where = NULL;
  if (status != OK) return status;
  for (int i = 0; i < settings.count; i++) {
    const Setting *setting = &settings.items[i];
    const char *member;
    const Option *option = find(options, setting->key, &member);
    free(where);
    where = xprintf("%s:%d: ", path, setting->line);
    if (!option) TRY(unknown(options, where, setting->key));
    if (member && !setting->item) {
      add_member(options, option, where, member, setting->value);
      continue;
    }
    free(where);
    where = xprintf("%s:%d: %s", path, setting->line, setting->key);
    if (setting->item && option->type != OPTION_LIST)
      TRY(fail(ERR_USAGE, "%s takes one value, not a list", where));
    if (option->type == OPTION_LIST) {
      StringList *list = option->value; /* replaces the default at its first item */
      if (i == 0 || strcmp(settings.items[i - 1].key, setting->key) != 0) *list = (StringList){0};
      if (setting->item)
        list_add(options, list, setting->value);
      else
        TRY(apply(options, option, where, setting->value));
    } else
      TRY(apply(options, option, where, setting->value));
  }
done:
  free(where);
  settings_free(&settings);
  return status;
}

/* The command line */

/* "key=value" with a key of letters, digits, '.', '-' and '_' (so ./a=b.wav is a file). */
static size_t key_length(const char *text) {
  size_t n = 0;
  if (!isalpha((unsigned char)text[0])) return 0;
  while (isalnum((unsigned char)text[n]) || (text[n] && strchr(".-_", text[n]))) n++;
  return text[n] == '=' ? n : 0;
}

static void line_add(Line *line, const Option *option, const char *text) {
  line->given = xrealloc(line->given, (size_t)line->count + 1, sizeof *line->given);
  line->given[line->count++] = (Given){option, text};
}

static error_t on_argument(int key, char *text, struct argp_state *state) {
  Line *line = state->input;
  if (key == KEY_CONFIG)
    line->config = text;
  else if (key == KEY_HELP)
    line->help = true;
  else if (key == ARGP_KEY_ERROR)
    line->refused = state->argv[state->next - 1];
  else if (key >= KEY_FIRST && key < KEY_FIRST + table_size(line->options))
    line_add(line, &line->options->table[key - KEY_FIRST], text ? text : "yes");
  else if (key == ARGP_KEY_ARG && !state->quoted && key_length(text))
    line_add(line, NULL, text);
  else if (key == ARGP_KEY_ARG)
    list_add(line->options, &line->bare, text);
  else
    return ARGP_ERR_UNKNOWN;
  return 0;
}

/* What stands for the value in messages. */
static const char *value_name(const Option *option) {
  if (option->type == OPTION_BOOL) return "yes|no";
  if (option->metavar && option->metavar[0]) return option->metavar;
  return option->choices ? option->choices : "VALUE";
}

/* argp says only where it stopped: find out why. */
static Status refused(const Options *options, const char *argument) {
  const char *member;
  size_t length = strcspn(argument, "=");
  char *name = xstrdup(argument);
  name[length] = 0;
  Status status;
  const Option *option = strncmp(name, "--", 2) == 0 ? find(options, name + 2, &member) : NULL;
  if (strncmp(name, "--", 2) != 0)
    status = fail(ERR_USAGE, "%s is no option; options have long names, see `jargon %s --help`", name,
                  options->verb);
  else if (!strcmp(name, "--config") || (option && option->type != OPTION_GROUP))
    status = fail(ERR_USAGE, "%s needs a value, %s", name, option ? value_name(option) : "FILE");
  else if (option)
    status = fail(ERR_USAGE, "%s is written without the dashes: %s=VALUE", name, name + 2);
  else
    status = unknown(options, "--", name + 2);
  free(name);
  return status;
}

static char *format_number(double value) {
  char *text = NULL;
  for (int digits = 6; digits <= 17; digits++) {
    free(text);
    text = xprintf("%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  return text;
}

/* The help of one option: its text, range or choices, and default. */
static char *describe(const Option *option) {
  char *range = NULL, *value = NULL;
  if (option->min != 0 || option->max != 0) {
    char *low = format_number(option->min), *high = format_number(option->max);
    range = option->type == OPTION_INT ? xprintf(", %.0f to %.0f", option->min, option->max)
                                       : xprintf(", %s to %s", low, high);
    free(low), free(high);
  } else
    range = option->choices ? xprintf(", %s", option->choices) : xstrdup("");
  switch (option->type) {
  case OPTION_BOOL:
    value = xstrdup(*(bool *)option->value ? "yes" : "no");
    break;
  case OPTION_INT:
    value = xprintf("%d", *(int *)option->value);
    break;
  case OPTION_REAL:
    value = format_number(*(double *)option->value);
    break;
  case OPTION_TEXT:
    value = xstrdup(*(const char **)option->value ? *(const char **)option->value : "");
    break;
  default:
    value = xstrdup("");
  }
  char *text = option->required                  ? xprintf("%s%s (required)", option->help, range)
               : value[0] && strcmp(value, "no") ? xprintf("%s%s (default %s)", option->help, range, value)
                                                 : xprintf("%s%s", option->help, range);
  free(range), free(value);
  return text;
}

static Status read_line(Line *line, int argc, char **argv) {
  Options *options = line->options;
  int n = table_size(options);
  struct argp_option *list = own(options, xcalloc((size_t)n + 3, sizeof *list));
  char *arguments = xstrdup("");
  list[0] = (struct argp_option){"config", KEY_CONFIG, "FILE", 0, "YAML file of settings, `name: value`", -2};
  list[1] = (struct argp_option){"help", KEY_HELP, NULL, 0, "print this and exit", -1};
  for (int i = 0; i < n; i++) {
    const Option *option = &options->table[i];
    char *help = own(options, describe(option));
    if (option->positional) {
      char *more =
          xprintf("%s %s%s", arguments, value_name(option), option->type == OPTION_LIST ? "..." : "");
      free(arguments);
      arguments = more;
    }
    if (option->type == OPTION_GROUP)
      list[i + 2] = (struct argp_option){
          own(options, xprintf("%s.KEY=VALUE", option->name)), 0, NULL, OPTION_DOC, help, i + 1};
    else
      list[i + 2] = (struct argp_option){option->name,
                                         KEY_FIRST + i,
                                         value_name(option),
                                         option->type == OPTION_BOOL ? OPTION_ARG_OPTIONAL : 0,
                                         help,
                                         i + 1};
  }
  char *usage = own(options, xprintf("[NAME=VALUE...]%s", arguments));
  char *doc =
      own(options, xprintf("%c%s%s\vEvery option can also be written NAME=VALUE, or as a line `NAME: VALUE` "
                           "of the --config file; the command line wins.",
                           toupper((unsigned char)options->summary[0]), options->summary + 1, "."));
  free(arguments);
  struct argp argp = {list, on_argument, usage, doc, NULL, NULL, NULL};
  if (argp_parse(&argp, argc, argv, ARGP_NO_ERRS | ARGP_NO_HELP | ARGP_IN_ORDER, NULL, line) != 0)
    return refused(options, line->refused);
  if (line->help) {
    argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK,
              own(options, xprintf("jargon %s", options->verb)));
    printf("\nExample:\n  %s\n", options->example);
    exit(OK);
  }
  return OK;
}

/* A list on the command line replaces the one of the file, at its first mention. */
static void begin_list(Line *line, const Option *option) {
  size_t place = (size_t)(option - line->options->table);
  if (option->type == OPTION_LIST && !line->again[place]) *(StringList *)option->value = (StringList){0};
  line->again[place] = true;
}

static Status apply_pair(Line *line, const char *pair) {
  const char *member;
  size_t length = key_length(pair);
  char *key = own(line->options, xstrdup(pair));
  key[length] = 0;
  const Option *option = find(line->options, key, &member);
  if (!option) return unknown(line->options, "", key);
  if (member) {
    add_member(line->options, option, "", member, pair + length + 1);
    return OK;
  }
  begin_list(line, option);
  return apply(line->options, option, key, pair + length + 1);
}

static Status apply_bare(Line *line) {
  const Option *option = line->options->table;
  for (int i = 0; i < line->bare.count; i++) {
    while (option->name && !option->positional) option++;
    if (!option->name)
      return fail(ERR_USAGE, "%s: one argument too many; see `jargon %s --help`", line->bare.items[i],
                  line->options->verb);
    if (option->type == OPTION_LIST) { /* takes all that are left; a name may hold a comma */
      begin_list(line, option);
      list_add(line->options, option->value, line->bare.items[i]);
    } else {
      Status status = apply(line->options, option, value_name(option), line->bare.items[i]);
      if (status != OK) return status;
      option++;
    }
  }
  return OK;
}

static bool has_value(const Option *option) {
  switch (option->type) {
  case OPTION_TEXT:
    return *(const char **)option->value != NULL;
  case OPTION_LIST:
  case OPTION_GROUP:
    return ((StringList *)option->value)->count > 0;
  default:
    return true;
  }
}

Status options_parse(Options *options, int argc, char **argv) {
  Status status = OK;
  Line line = {.options = options};
  char *where = NULL;
  if (table_size(options) > (int)sizeof line.again) abort();
  TRY(read_line(&line, argc, argv));
  if (line.config) TRY(apply_file(options, line.config));
  for (int i = 0; i < line.count; i++) {
    const Given *given = &line.given[i];
    if (!given->option) {
      TRY(apply_pair(&line, given->text));
      continue;
    }
    begin_list(&line, given->option);
    free(where);
    where = xprintf("--%s", given->option->name);
    TRY(apply(options, given->option, where, given->text));
  }
  TRY(apply_bare(&line));
  for (const Option *option = options->table; option->name; option++)
    if (option->required && !has_value(option))
      TRY(fail(ERR_USAGE, "%s%s is missing: %s; see `jargon %s --help`", option->positional ? "" : "--",
               option->positional ? value_name(option) : option->name, option->help, options->verb));
done:
  free(where);
  free(line.given);
  return status;
}

void options_free(Options *options) {
  for (int i = 0; i < options->owned_count; i++) free(options->owned[i]);
  free(options->owned);
  options->owned = NULL;
  options->owned_count = 0;
}

static void print_text(FILE *stream, const char *text) {
  fputc('"', stream);
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      fprintf(stream, "\\%c", c);
    else if (c < 32 || c == 127)
      fprintf(stream, "\\x%02x", c);
    else
      fputc(c, stream);
  }
  fputc('"', stream);
}

static void print_key(FILE *stream, const char *name) {
  for (; *name; name++) fputc(*name == '-' ? '_' : *name, stream);
}

static void print_group(FILE *stream, const char *name, const StringList *list) {
  for (int i = 0; i < list->count; i++) {
    size_t length = strcspn(list->items[i], "=");
    bool last = true; /* the last mention of a key wins */
    for (int j = i + 1; j < list->count; j++)
      if (!strncmp(list->items[i], list->items[j], length + 1)) last = false;
    if (!last) continue;
    fprintf(stream, "%s.%.*s: ", name, (int)length, list->items[i]);
    print_text(stream, list->items[i] + length + 1);
    fputc('\n', stream);
  }
}

void options_print(const Options *options, FILE *stream, bool neutral) {
  for (const Option *option = options->table; option->name; option++) {
    if (!has_value(option) || (option->neutral && !neutral)) continue;
    if (option->type == OPTION_GROUP) {
      print_group(stream, option->name, option->value);
      continue;
    }
    print_key(stream, option->name);
    fputs(": ", stream);
    if (option->type == OPTION_BOOL)
      fputs(*(bool *)option->value ? "yes" : "no", stream);
    else if (option->type == OPTION_INT)
      fprintf(stream, "%d", *(int *)option->value);
    else if (option->type == OPTION_REAL) {
      char *number = format_number(*(double *)option->value);
      fputs(number, stream);
      free(number);
    } else if (option->type == OPTION_TEXT)
      print_text(stream, *(const char **)option->value);
    else {
      const StringList *list = option->value;
      for (int i = 0; i < list->count; i++) {
        fputs(i ? ", " : "[", stream);
        print_text(stream, list->items[i]);
      }
      fputc(']', stream);
    }
    fputc('\n', stream);
  }
}

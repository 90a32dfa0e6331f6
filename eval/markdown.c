#include "eval/markdown.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/fields.h"
#include "src/base/file.h"

enum { TERMS_SHOWN = 20, SMALL_SHOWN = 40 };

/* Text from the data: what Markdown or HTML would take for markup is escaped, control characters become
 * spaces. */
static void put_text(FILE *out, const char *text) {
  for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
    if (*at == '<')
      fputs("&lt;", out);
    else if (*at == '&')
      fputs("&amp;", out);
    else if (*at < ' ' || *at == 0x7f)
      fputc(' ', out);
    else {
      if (strchr("\\`*_{}[]()#+!|~>-", *at)) fputc('\\', out);
      fputc(*at, out);
    }
  }
}

static void put_owned(FILE *out, char *text) {
  if (text) put_text(out, text);
  free(text);
}

/* A rate is written in per cent, a difference of rates in points with its sign. */
typedef enum Unit { RATE, POINTS } Unit;

static void put_figure(FILE *out, const json_t *object, const char *key, Unit unit) {
  double figure = field_number(object, key);
  if (isfinite(figure))
    fprintf(out, unit == POINTS ? "%+.2f" : "%.2f %%", 100 * figure);
  else
    fputs("–", out);
}

static void put_file(FILE *out, const json_t *files, const char *key, const char *before) {
  const char *path = field_text(files, key);
  if (path) fputs(before, out), put_text(out, path);
}

/* The interval of one, or why there is none. */
static void put_interval(FILE *out, const json_t *object, const char *key, Unit unit) {
  Interval interval;
  const char *why = field_text(object, "no_interval");
  if (field_interval(object, key, &interval))
    fprintf(out, unit == POINTS ? "%+.2f to %+.2f" : "%.2f to %.2f", 100 * interval.low, 100 * interval.high);
  else
    fputs(why ? why : "–", out);
}

static void put_p(FILE *out, const json_t *object, const char *key) {
  double p = field_number(object, key);
  if (!isfinite(p))
    fputs("–", out);
  else
    fprintf(out, p < 0.001 ? "< 0.001" : "%.3f", p);
}

static double most_q(const json_t *document) {
  return field_number(json_object_get(document, "thresholds"), "false_discovery_rate");
}

static void headline(FILE *out, const json_t *document) {
  const json_t *all = document_all(document), *before = json_object_get(all, "before");
  const char *hyp = field_text(json_object_get(document, "files"), "hyp");
  fputs("# Model card: word error rates", out);
  if (hyp) fputs(" of ", out), put_text(out, strrchr(hyp, '/') ? strrchr(hyp, '/') + 1 : hyp);
  fputs("\n\n**Word error rate ", out);
  put_figure(out, all, "wer", RATE);
  fputs(json_is_array(json_object_get(all, "interval")) ? "** (95 % interval: " : "** (no interval: ", out);
  put_interval(out, all, "interval", RATE);
  fprintf(out, "), over %lld words in %lld utterances of %lld known speakers. Character error rate ",
          field_count(all, "words"), field_count(all, "utterances"), field_count(all, "speakers"));
  put_figure(out, all, "cer", RATE);
  fputs("; mean of the speakers' rates ", out);
  put_figure(out, all, "speaker_wer", RATE);
  fprintf(out, ".\nSubstitutions %lld, deletions %lld, insertions %lld.\n", field_count(all, "substitutions"),
          field_count(all, "deletions"), field_count(all, "insertions"));
  if (!before) return;
  fputs("\nThe other system: ", out);
  put_figure(out, before, "wer", RATE);
  fputs("; this system minus that one ", out);
  put_figure(out, before, "difference", POINTS);
  fputs(" points (", out);
  if (json_is_array(json_object_get(before, "difference_interval"))) {
    fputs("95 % interval: ", out), put_interval(out, before, "difference_interval", POINTS);
    fputs("; p ", out), put_p(out, before, "p"), fputs(", bootstrap by speaker).\n", out);
  } else {
    const char *why = field_text(all, "no_interval");
    fprintf(out, "no interval: %s).\n", why ? why : "every speaker has the same difference");
  }
}

static void put_speakers(FILE *out, const char *before, const json_t *cell, const char *behind) {
  long long speakers = field_count(cell, "speakers");
  fprintf(out, "%s%lld speaker%s%s", before, speakers, speakers == 1 ? "" : "s", behind);
}

/* The values of each single key: those with an interval, or those without. */
static void list_values(FILE *out, const json_t *document, bool enough) {
  size_t s, c;
  json_t *slice, *cell;
  int lines = 0;
  json_array_foreach(json_object_get(document, "slices"), s, slice) {
    if (json_array_size(json_object_get(slice, "keys")) != 1) continue;
    int listed = 0;
    json_array_foreach(json_object_get(slice, "cells"), c, cell) {
      if (json_is_array(json_object_get(cell, "interval")) != enough) continue;
      if (!listed++) {
        fputs("- ", out);
        put_owned(out, keys_name(json_object_get(slice, "keys")));
        fputs(": ", out);
      } else {
        fputs(", ", out);
      }
      put_owned(out, group_name(json_object_get(cell, "values")));
      if (!enough) put_speakers(out, " (", cell, ")");
    }
    if (listed) fputc('\n', out);
    lines += listed > 0;
  }
  if (!lines) fputs("- none\n", out);
}

static void intended_use(FILE *out, const json_t *document) {
  double rate = field_number(document_all(document), "wer");
  fputs("\n## Intended use\n\nTranscribing speech like that scored here. ", out);
  if (rate > 0) fprintf(out, "About one word in %.0f is wrong, so a person checks what matters. ", 1 / rate);
  if (json_array_size(json_object_get(document, "slices")) < 2) {
    fputs("No groups were scored (`--by`): for whom it works better or worse is not known.\n", out);
    return;
  }
  fputs("Groups with enough speakers for a rate to be stated:\n\n", out);
  list_values(out, document, true);
  fputs("\nNot shown to work for: groups absent from this page, and those that are too small to conclude "
        "from:\n\n",
        out);
  list_values(out, document, false);
}

static void slice_table(FILE *out, const json_t *slice, bool compared, double most) {
  size_t c;
  json_t *cell;
  fputs("\n### By ", out);
  put_owned(out, keys_name(json_object_get(slice, "keys")));
  fprintf(out, "\n\n| group | utterances | speakers | words | WER | 95 %% interval | rank |%s\n",
          compared ? " before | change | q |" : "");
  fprintf(out, "| --- | ---: | ---: | ---: | ---: | --- | ---: |%s\n",
          compared ? " ---: | ---: | ---: |" : "");
  json_array_foreach(json_object_get(slice, "cells"), c, cell) {
    const json_t *before = json_object_get(cell, "before");
    long long rank = field_count(cell, "rank");
    fputs("| ", out);
    put_owned(out, group_name(json_object_get(cell, "values")));
    fprintf(out, " | %lld | %lld | %lld | ", field_count(cell, "utterances"), field_count(cell, "speakers"),
            field_count(cell, "words"));
    put_figure(out, cell, "wer", RATE), fputs(" | ", out), put_interval(out, cell, "interval", RATE);
    if (rank)
      fprintf(out, " | %lld |", rank);
    else
      fputs(" | – |", out);
    if (before) {
      fputc(' ', out), put_figure(out, before, "wer", RATE), fputs(" | ", out),
          put_figure(out, before, "difference", POINTS);
      fputs(field_number(before, "q") <= most ? " \\* | " : " | ", out), put_p(out, before, "q"),
          fputs(" |", out);
    }
    fputc('\n', out);
  }
}

static void gap_rows(FILE *out, const json_t *document) {
  size_t g, significant = 0;
  json_t *gap, *gaps = json_object_get(document, "gaps");
  double most = most_q(document);
  json_array_foreach(gaps, g, gap) { significant += field_number(gap, "q") <= most; }
  if (!json_array_size(gaps)) return;
  fprintf(out, "\n### Gaps\n\n%zu of %zu gaps between groups are significant (q at most %g).", significant,
          json_array_size(gaps), most);
  fputs(" A gap that is not significant is not shown to be absent: see the limits.\n", out);
  if (!significant) return;
  fputs("\n| groups | points | 95 % interval | ratio | q | matched utterances, points |\n| --- | ---: | --- "
        "| ---: | ---: | "
        "---: |\n",
        out);
  json_array_foreach(gaps, g, gap) {
    if (!(field_number(gap, "q") <= most)) continue;
    const json_t *other = json_object_get(gap, "b");
    double ratio = field_number(gap, "ratio");
    fputs("| ", out);
    put_owned(out, group_name(json_object_get(gap, "a"))), fputs(" against ", out);
    put_owned(out, json_is_object(other) ? group_name(other) : xstrdup("the rest"));
    fputs(" | ", out), put_figure(out, gap, "difference", POINTS), fputs(" | ", out);
    put_interval(out, gap, "difference_interval", POINTS);
    fprintf(out, isfinite(ratio) ? " | %.2f | " : " | – | ", ratio);
    put_p(out, gap, "q"), fputs(" | ", out);
    put_figure(out, json_object_get(gap, "matched"), "difference", POINTS), fputs(" |\n", out);
  }
}

static void fairness(FILE *out, const json_t *document) {
  const json_t *slices = json_object_get(document, "slices");
  bool compared = json_object_get(document_all(document), "before");
  if (json_array_size(slices) < 2) return;
  fputs("\n## Fairness\n\nWord error rate by group; rank 1 is the lowest. Groups of fewer than ", out);
  fprintf(out, "%lld known speakers get no interval and no rank; unknown is not a group and has no rank.\n",
          field_count(json_object_get(document, "thresholds"), "least_speakers"));
  if (compared)
    fprintf(out, "Change is this system minus the other in points; \\* significant (q at most %g).\n",
            most_q(document));
  for (size_t s = 1; s < json_array_size(slices); s++)
    slice_table(out, json_array_get(slices, s), compared, most_q(document));
  gap_rows(out, document);
}

static void terms_table(FILE *out, const json_t *terms) {
  if (!json_array_size(terms)) return;
  fputs("\nThe terms missed most:\n\n| term | spoken | recognised | recall | written instead |\n| --- | ---: "
        "| ---: | ---: | "
        "--- |\n",
        out);
  for (size_t t = 0; t < json_array_size(terms) && t < TERMS_SHOWN; t++) {
    const json_t *term = json_array_get(terms, t),
                 *first = json_array_get(json_object_get(term, "confusions"), 0);
    const char *name = field_text(term, "term"), *instead = field_text(first, "text");
    fputs("| ", out);
    if (name)
      put_text(out, name);
    else
      fprintf(out, "term %zu", t + 1);
    fprintf(out, " | %lld | %lld | ", field_count(term, "reference"), field_count(term, "correct"));
    put_figure(out, term, "recall", RATE), fputs(" | ", out);
    if (first && instead && *instead)
      put_text(out, instead);
    else
      fputs(first ? instead ? "nothing" : "not shown" : "–", out);
    if (first) fprintf(out, " (%lld×)", field_count(first, "count"));
    fputs(" |\n", out);
  }
}

static void jargon(FILE *out, const json_t *document) {
  const json_t *part = json_object_get(document, "jargon");
  size_t d;
  json_t *domain;
  if (!part) return;
  fputs("\n## Jargon\n\n| domain | terms | spoken | recall | 95 % interval | precision | F1 | WER on their "
        "words | WER on the "
        "rest |\n| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |\n",
        out);
  json_array_foreach(json_object_get(part, "domains"), d, domain) {
    const char *name = field_text(domain, "domain");
    fputs("| ", out), put_text(out, json_is_true(json_object_get(domain, "all")) ? "all"
                                    : name                                       ? name
                                                                                 : "unknown");
    fprintf(out, " | %lld | %lld | ", field_count(domain, "terms"), field_count(domain, "reference"));
    put_figure(out, domain, "recall", RATE), fputs(" | ", out),
        put_interval(out, domain, "recall_interval", RATE), fputs(" | ", out);
    put_figure(out, domain, "precision", RATE), fputs(" | ", out), put_figure(out, domain, "f1", RATE),
        fputs(" | ", out);
    put_figure(out, domain, "jargon_wer", RATE), fputs(" | ", out),
        put_figure(out, domain, "other_wer", RATE), fputs(" |\n", out);
  }
  terms_table(out, json_object_get(part, "terms"));
}

static void confidence(FILE *out, const json_t *document) {
  const json_t *part = json_object_get(document, "confidence"), *review;
  if (!part) return;
  double nce = field_number(part, "nce");
  fprintf(out, "\n## Confidence\n\nExpected calibration error %.4f; normalised cross\\-entropy ",
          field_number(part, "ece"));
  fprintf(out, isfinite(nce) ? "%.3f" : "–", nce);
  fprintf(out, "; over %lld recognised words.\n", field_count(part, "words"));
  review = json_object_get(part, "review");
  for (size_t r = 0; r < json_array_size(review); r++) {
    const json_t *one = json_array_get(review, r);
    if (!field_count(part, "errors")) break;
    fprintf(out, "%sThe least confident %g %% of the words hold %.1f %% of all errors.\n", r ? "" : "\n",
            100 * field_number(one, "share"),
            100 * field_number(one, "errors") / field_number(part, "errors"));
  }
}

/* A cell without an interval, and how many more speakers it would need. */
static void small_cell(FILE *out, const json_t *document, const json_t *slice, const json_t *cell) {
  const json_t *thresholds = json_object_get(document, "thresholds"), *power = json_object_get(cell, "power");
  double gap = 100 * field_number(thresholds, "gap");
  fputs("  - ", out), put_owned(out, group_name(json_object_get(cell, "values")));
  fputs(" (", out), put_owned(out, keys_name(json_object_get(slice, "keys")));
  put_speakers(out, "): ", cell, ""), fprintf(out, ", %lld words", field_count(cell, "words"));
  if (json_is_null(power))
    fputs("; not a group: its metadata is unknown", out);
  else if (json_is_integer(json_object_get(power, "more")))
    fprintf(out, "; %lld more to show a gap of %g points", field_count(power, "more"), gap);
  else
    fprintf(out, "; no number of them shows a gap of %g points, the rest is too small", gap);
  fputc('\n', out);
}

static void small_cells(FILE *out, const json_t *document) {
  size_t s, c;
  json_t *slice, *cell;
  int small = 0;
  json_array_foreach(json_object_get(document, "slices"), s, slice) {
    json_array_foreach(json_object_get(slice, "cells"), c, cell) {
      if (!s || json_is_array(json_object_get(cell, "interval"))) continue;
      if (!small++) fputs("- Too small to conclude from:\n", out);
      if (small <= SMALL_SHOWN) small_cell(out, document, slice, cell);
    }
  }
  if (small > SMALL_SHOWN)
    fprintf(out, "  - and %d more, which the tables above show.\n", small - SMALL_SHOWN);
}

static void limits(FILE *out, const json_t *document) {
  const json_t *all = document_all(document);
  fputs("\n## Limits\n\n", out);
  fprintf(out, "- Sample: %lld utterances, %lld words, %lld known speakers", field_count(all, "utterances"),
          field_count(all, "words"), field_count(all, "speakers"));
  if (isfinite(field_number(all, "minutes"))) fprintf(out, ", %.1f minutes", field_number(all, "minutes"));
  fputs(". The intervals are about other speakers like these, not about other kinds of speech.\n", out);
  small_cells(out, document);
  if (field_count(all, "unknown_speaker"))
    fprintf(out, "- %lld utterances name no speaker: together they are one block, and no speaker.\n",
            field_count(all, "unknown_speaker"));
  if (field_count(all, "empty_references"))
    fprintf(out, "- %lld references are empty: the %lld words recognised there count as insertions.\n",
            field_count(all, "empty_references"), field_count(all, "empty_insertions"));
  fputs("- A word error rate counts wrong words, not how much a mistake matters.\n", out);
  fputs("- Metadata is as given; groups differ in more than their names (see the matched comparison and the "
        "models in the "
        "JSON document).\n",
        out);
}

static void method(FILE *out, const json_t *document) {
  const json_t *costs = json_object_get(document, "costs"),
               *bootstrap = json_object_get(document, "bootstrap"),
               *files = json_object_get(document, "files");
  fputs("\n## How it was scored\n\n", out);
  put_file(out, files, "hyp", "- Transcripts: "), put_file(out, files, "ref", "; references: ");
  put_file(out, files, "before", "; the other system: ");
  if (field_text(files, "hyp")) fputs(".\n", out);
  fputs("- Made by ", out), put_text(out, field_text(document, "tool"));
  fputs("; text of both sides normalised by ", out), put_text(out, field_text(document, "normalization"));
  fprintf(out, ".\n- Alignment costs %s: substitution %lld, insertion %lld, deletion %lld; ties %s.\n",
          field_text(costs, "name"), field_count(costs, "substitution"), field_count(costs, "insertion"),
          field_count(costs, "deletion"), field_text(costs, "ties"));
  fprintf(out, "- Intervals: 95 %%, %s, %lld replicates, seed %lld; speakers named by ",
          field_text(bootstrap, "method"), field_count(bootstrap, "replicates"),
          field_count(bootstrap, "seed"));
  put_text(out, field_text(document, "speaker_key"));
  fputs(".\n- q is p after the correction of Benjamini and Hochberg over all comparisons of its kind.\n",
        out);
  if (json_object_get(document, "redacted"))
    fputs("- Redacted: no word of text, no path, no name of a speaker.\n", out);
}

Status markdown_write(const char *path, const json_t *document) {
  Status status = OK;
  AtomicFile file = {0};
  TRY(atomic_open(&file, path));
  headline(file.stream, document);
  intended_use(file.stream, document);
  fairness(file.stream, document);
  jargon(file.stream, document);
  confidence(file.stream, document);
  limits(file.stream, document);
  method(file.stream, document);
  TRY(atomic_commit(&file));
done:
  atomic_abort(&file);
  return status;
}

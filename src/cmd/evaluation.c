#include "src/cmd/evaluation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "eval/html.h"
#include "eval/jargon_json.h"
#include "eval/markdown.h"
#include "eval/redact.h"
#include "eval/scores_json.h"
#include "eval/utterances_json.h"
#include "src/cmd/verb.h"

int terminal_width(void) {
  struct winsize window;
  const char *columns = getenv("COLUMNS");
  if (columns && atoi(columns) > 0) return atoi(columns);
  return isatty(1) && ioctl(1, TIOCGWINSZ, &window) == 0 ? window.ws_col : 0;
}

void evaluation_init(Evaluation *evaluation) {
  *evaluation = (Evaluation){.format = "auto",
                             .ref_format = "auto",
                             .before_format = "auto",
                             .missing = "refuse",
                             .speaker = "speaker",
                             .domain_key = "domain",
                             .thresholds = THRESHOLDS,
                             .replicates = 10000,
                             .seed = 1};
}

int evaluation_options(Evaluation *e, Option *table) {
  const Option shared[] = {
      {"ref", OPTION_TEXT, &e->ref, "FILE",
       "references and metadata; matched by id, by audio_filepath and offset, by times or line by line"},
      {"format", OPTION_TEXT, &e->format, "NAME", "the form of the hypotheses; auto: by name and content",
       .choices = RECORD_FORMATS},
      {"ref-format", OPTION_TEXT, &e->ref_format, "NAME", "the form of the references",
       .choices = RECORD_FORMATS},
      {"before-format", OPTION_TEXT, &e->before_format, "NAME", "the form of the other system's file",
       .choices = RECORD_FORMATS},
      {"missing", OPTION_TEXT, &e->missing, "WHAT",
       "a reference without a hypothesis: refuse, or score as empty", .choices = "refuse|empty"},
      {"by", OPTION_LIST, &e->by, "KEYS", "metadata keys to group by; domain*gender groups by both"},
      {"pairs", OPTION_BOOL, &e->pairs, NULL, "group by every two of those keys as well"},
      {"normalize", OPTION_TEXT, &e->normalize, "NAME",
       "how both texts are normalised: none, basic, english, or the path of a file of rules; basic unless "
       "given"},
      {"costs", OPTION_TEXT, &e->costs, "NAME",
       "alignment costs: plain 1, 1, 1 (unless given); sclite 4, 3, 3", .choices = "plain|sclite"},
      {"as", OPTION_TEXT, &e->as, "SCLITE",
       "score as NIST's sclite does, with its own rules of words, marks and costs: --as \"sclite -D -F\"; of "
       "its switches -s, -D, -F, -c, -m and -i are known"},
      {"speaker", OPTION_TEXT, &e->speaker, "KEY", "the metadata key that names the speaker"},
      {"match", OPTION_LIST, &e->match, "KEYS",
       "metadata keys in which matched utterances of two groups agree, beside seconds and words; the "
       "domain's unless given"},
      {"least-speakers", OPTION_INT, &e->thresholds.least_speakers, "N",
       "fewer real speakers get no interval, no rank and no gap", .min = 3, .max = 1000},
      {"gap", OPTION_REAL, &e->thresholds.gap, "SHARE",
       "the gap in WER that speakers are planned for: 0.05 is 5 points", .min = 0.001, .max = 1},
      {"terms", OPTION_TEXT, &e->terms, "FILE",
       "terms of the field, one a line, after a tab the domain each belongs to: how they are recognised"},
      {"mine", OPTION_TEXT, &e->mine, "FILE",
       "instead of --terms: general text; words frequent in a domain and rare there are its terms"},
      {"vocabulary", OPTION_TEXT, &e->vocabulary, "FILE",
       "training text or a list of words: how many words of the references it lacks"},
      {"domain-key", OPTION_TEXT, &e->domain_key, "KEY", "the metadata key that names the domain"},
      {"replicates", OPTION_INT, &e->replicates, "N", "bootstrap replicates", .min = 1000, .max = 1000000},
      {"seed", OPTION_INT, &e->seed, "N", "of the bootstrap", .min = 0, .max = 2147483647}};
  enum { COUNT = sizeof shared / sizeof *shared };
  _Static_assert((int)COUNT <= (int)EVALUATION_OPTIONS, "the verbs' tables have room");
  memcpy(table, shared, sizeof shared);
  return COUNT;
}

static Status set_part(json_t *document, const char *name, json_t *part) {
  if (!part) return fail(ERR_DATA, "a name in the part \"%s\" is not valid UTF-8, which JSON needs", name);
  json_object_set_new(document, name, part);
  return OK;
}

static Status add_jargon(Evaluation *e, const Column *domains, const Slices *slices,
                         const Bootstrap *bootstrap) {
  Status status = OK;
  Terms terms = {0};
  Lexicon general = {0};
  Jargon jargon = {0};
  if (e->terms && e->mine) TRY(fail(ERR_USAGE, "--terms and --mine: give one of them"));
  if (!e->terms && !e->mine) return OK;
  if (e->terms) {
    TRY(terms_read(&terms, e->terms, e->normalizer));
  } else {
    TRY(lexicon_read(&general, e->mine, e->normalizer));
    terms_mine(&terms, &e->alignments, domains, &general);
  }
  jargon_make(&jargon, &terms, &e->alignments, domains, slices, bootstrap, &e->thresholds);
  TRY(set_part(e->document, "jargon",
               jargon_json(&jargon, e->terms ? e->terms : "mined", e->domain_key, e->alignments.before)));
done:
  jargon_free(&jargon);
  lexicon_free(&general);
  terms_free(&terms);
  return status;
}

static Status add_vocabulary(Evaluation *e, const Column *domains) {
  Status status = OK;
  Lexicon vocabulary = {0};
  Unknowns unknowns = {0};
  if (!e->vocabulary) return OK;
  TRY(lexicon_read(&vocabulary, e->vocabulary, e->normalizer));
  unknowns_make(&unknowns, &vocabulary, &e->alignments, domains);
  TRY(set_part(e->document, "vocabulary", vocabulary_json(&unknowns, e->vocabulary, &vocabulary)));
done:
  unknowns_free(&unknowns);
  lexicon_free(&vocabulary);
  return status;
}

/* Scores that are no probabilities (some ctm files have them) cost this part alone. */
static Status add_confidence(Evaluation *e) {
  Confidence confidence;
  if (confidence_make(&confidence, &e->alignments) != OK) {
    fprintf(stderr, "no figures on confidence: %s\n", fail_text());
    return OK;
  }
  return confidence.words ? set_part(e->document, "confidence", confidence_json(&confidence)) : OK;
}

/* More groups than the user's --by: those that a policy speaks of. */
static StringList groups_of(const Evaluation *e, const char **room) {
  int count = 0;
  for (int g = 0; g < e->by.count + e->more.count; g++) {
    const char *group = g < e->by.count ? e->by.items[g] : e->more.items[g - e->by.count];
    bool known = false;
    for (int k = 0; k < count; k++) known |= strcmp(room[k], group) == 0;
    if (!known) room[count++] = group;
  }
  return (StringList){room, count};
}

/* The figures and the document; what they are made from does not outlive them. */
static Status evaluation_measure(Evaluation *e, const AlignCosts *costs) {
  Status status = OK;
  Slices slices = {0};
  Gaps gaps = {0};
  Models models = {0};
  Column domains = {0};
  Bootstrap bootstrap = {(uint64_t)e->seed, e->replicates};
  PairSums *pairs = alignments_pairs(&e->alignments);
  const char **room = xcalloc((size_t)(e->by.count + e->more.count), sizeof *room);
  StringList groups = groups_of(e, room);
  TRY(slices_make(&slices, &e->hypotheses, groups.items, groups.count, e->pairs, e->speaker));
  cells_measure(&slices, &e->hypotheses, pairs, &bootstrap, &e->thresholds);
  column_make(&domains, e->domain_key, &e->hypotheses);
  StringList exact = e->match;
  if (!exact.count && domains.count) exact = (StringList){&e->domain_key, 1};
  gaps_make(&gaps, &slices, &e->hypotheses, exact.items, exact.count, &bootstrap, &e->thresholds);
  models_make(&models, &slices, &e->hypotheses, &e->thresholds);
  ScoresSettings settings = {.tool = "jargon " JARGON_VERSION,
                             .hyp = e->hyp,
                             .ref = e->ref,
                             .before = e->before,
                             .normalizer = e->as ? e->as : normalizer_version(e->normalizer),
                             .speaker = e->speaker,
                             .costs = costs,
                             .bootstrap = &bootstrap,
                             .thresholds = &e->thresholds};
  TRY(scores_json(&e->document,
                  &(Scores){.settings = &settings, .slices = &slices, .gaps = &gaps, .models = &models}));
  TRY(add_jargon(e, &domains, &slices, &bootstrap));
  TRY(add_vocabulary(e, &domains));
  TRY(add_confidence(e));
done:
  column_free(&domains);
  models_free(&models);
  gaps_free(&gaps);
  slices_free(&slices);
  free(pairs), free(room);
  return status;
}

/* sclite's rules are words between spaces, with marks, at its costs. */
static Status rules_take(Evaluation *e) {
  Status status = sclite_rules_parse(&e->rules, e->as);
  if (status != OK) return status;
  if (e->normalize && strcmp(e->normalize, "none"))
    return fail(ERR_USAGE, "--normalize %s and --as: sclite has rules of its own; give one of them",
                e->normalize);
  if (e->costs && strcmp(e->costs, "sclite"))
    return fail(ERR_USAGE, "--costs %s and --as: sclite has costs of its own; give one of them", e->costs);
  if (e->terms || e->mine || e->vocabulary)
    return fail(ERR_USAGE, "figures on terms and vocabulary want a normalisation: leave --as out");
  e->normalize = "none", e->costs = "sclite";
  return OK;
}

Status evaluation_run(Evaluation *e) {
  Status status = OK;
  if (!e->ref && strcmp(e->ref_format, "auto"))
    TRY(fail(ERR_USAGE, "--ref-format is of --ref: give that too"));
  if (!e->before && strcmp(e->before_format, "auto"))
    TRY(fail(ERR_USAGE, "--before-format is of --before: give that too"));
  if (e->as) TRY(rules_take(e));
  if (!e->normalize) e->normalize = "basic";
  if (!e->costs) e->costs = "plain";
  const AlignCosts *costs = align_costs(e->costs);
  HypothesesFiles files = {.hyp = e->hyp,
                           .ref = e->ref,
                           .before = e->before,
                           .hyp_format = record_format(e->format),
                           .ref_format = record_format(e->ref_format),
                           .before_format = record_format(e->before_format),
                           .missing_empty = strcmp(e->missing, "empty") == 0,
                           .as = e->as ? &e->rules : NULL};
  TRY(normalizer_new(&e->normalizer, e->normalize));
  TRY(hypotheses_read(&e->hypotheses, &files));
  TRY(hypotheses_score(&e->hypotheses, e->normalizer, costs));
  TRY(alignments_make(&e->alignments, &e->hypotheses, e->normalizer, costs));
  TRY(evaluation_measure(e, costs));
done:
  return status;
}

void evaluation_free(Evaluation *e) {
  json_decref(e->document);
  alignments_free(&e->alignments);
  hypotheses_free(&e->hypotheses);
  normalizer_free(e->normalizer);
}

int reports_options(Reports *reports, Option *table) {
  const Option own[] = {
      {"json", OPTION_TEXT, &reports->json, "FILE", "write every figure there as well"},
      {"utterances", OPTION_BOOL, &reports->utterances, NULL, "--json: write the aligned utterances too"},
      {"html", OPTION_TEXT, &reports->html, "FILE",
       "write one page with plots and every utterance, for any browser"},
      {"markdown", OPTION_TEXT, &reports->markdown, "FILE", "write a model card"},
      {"redact", OPTION_BOOL, &reports->redact, NULL,
       "write every figure and no word of text or path; values of the keys in --by stay, speakers become "
       "numbers"}};
  enum { COUNT = sizeof own / sizeof *own };
  _Static_assert((int)COUNT == (int)REPORTS_OPTIONS, "the verbs' tables have room");
  memcpy(table, own, sizeof own);
  return COUNT;
}

Status reports_check(const Reports *reports) {
  if (reports->utterances && !reports->json)
    return fail(ERR_USAGE, "--utterances is of --json: give that too");
  return OK;
}

Status reports_write(const Reports *reports, Evaluation *e) {
  Status status = OK;
  if (reports->utterances || reports->html) TRY(utterances_json(e->document, &e->hypotheses, &e->alignments));
  if (reports->redact) document_redact(e->document);
  if (reports->html) TRY(html_write(reports->html, e->document));
  if (reports->markdown) TRY(markdown_write(reports->markdown, e->document));
  if (!reports->utterances) json_object_del(e->document, "utterances");
  if (reports->json) TRY(scores_write(reports->json, e->document));
done:
  return status;
}

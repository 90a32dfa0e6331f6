/* Reading the parts of an evaluation's document (eval/README.md), for the reports made from it. */
#ifndef JARGON_EVAL_FIELDS_H
#define JARGON_EVAL_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "eval/bootstrap.h"

/* NAN where it is null or absent. */
double field_number(const json_t *object, const char *key);

/* 0 where it is null or absent. */
long long field_count(const json_t *object, const char *key);

/* NULL where it is null or absent. */
const char *field_text(const json_t *object, const char *key);

bool field_interval(const json_t *object, const char *key, Interval *interval);

/* The cell with everything. */
const json_t *document_all(const json_t *document);

/* "medicine / unknown" of {"domain": "medicine", "gender": null}; "all" without values. The caller frees. */
char *group_name(const json_t *values);

/* "domain / gender" of ["domain", "gender"]. The caller frees. */
char *keys_name(const json_t *keys);

/* "15.14", or "-" for NAN; the caller frees. signed: "+1.05". */
char *percent_text(double rate);
char *points_text(double difference);

/* "14.41-15.93"; differences: "-2.19 to +0.08". NULL when there is none. The caller frees. */
char *interval_text(const json_t *object, const char *key, bool difference);

#endif

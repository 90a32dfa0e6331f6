/* The reports' parts: tables for the terminal, relative paths, redaction, escaping. */
#include "tests/unit/support.h"

#include <jansson.h>
#include <unistd.h>

#include "eval/html.h"
#include "eval/markdown.h"
#include "eval/redact.h"
#include "eval/report.h"
#include "eval/text_table.h"
#include "src/base/file.h"

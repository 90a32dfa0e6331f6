/* jargon pack: manifests and their audio into a packed corpus. */
#include <stdio.h>

#include "src/base/options.h"
#include "src/cmd/verb.h"
#include "src/corpus/corpus.h"

int verb_pack(int argc, char **argv) {
  Status status = OK;
  StringList manifests = {0};
  int shard_mib = 2048;
  PackSettings settings = {.min_seconds = 0.1, .max_seconds = 40};
  PackResult result = {0};
  Option table[] = {{"out", OPTION_TEXT, &settings.out, "DIR",
                     "folder of the packed corpus; an interrupted run goes on there", .required = true},
                    {"manifest", OPTION_LIST, &manifests, "MANIFEST", "NeMo manifests, packed in this order",
                     .required = true, .positional = true},
                    {"skip-bad", OPTION_BOOL, &settings.skip_bad, NULL,
                     "list and leave out bad lines and audio instead of stopping"},
                    {"min-seconds", OPTION_REAL, &settings.min_seconds, "SECONDS",
                     "shorter utterances are bad", .min = 0.01, .max = 3600},
                    {"max-seconds", OPTION_REAL, &settings.max_seconds, "SECONDS",
                     "longer utterances are bad", .min = 0.01, .max = 3600},
                    {"shard-mib", OPTION_INT, &shard_mib, "MIB", "most bytes of a file of the corpus",
                     .min = 1, .max = 2048},
                    {"quiet", OPTION_BOOL, &settings.quiet, NULL, "no progress line"},
                    {0}};
  Options options = {"pack", "checks manifests and packs their audio into a corpus",
                     "jargon pack --out corpus/train train.jsonl more.jsonl", table};
  TRY(options_parse(&options, argc, argv));
  settings.manifests = manifests.items;
  settings.manifest_count = manifests.count;
  settings.shard_bytes = (int64_t)shard_mib << 20;
  TRY(corpus_pack(&settings, &result));
  for (int i = 0; i < result.skipped; i++) fprintf(stderr, "jargon pack: skipped %s\n", result.reasons[i]);
  printf("%s: %d utterances, %.2f h", settings.out, result.utterances, result.hours);
  if (settings.skip_bad) printf(", %d skipped", result.skipped);
  printf(", %d %s\n", result.shards, result.shards == 1 ? "shard" : "shards");
done:
  pack_result_free(&result);
  options_free(&options);
  return verb_end("pack", status);
}

/* Readers of transcripts in every form, what they refuse, and how references and hypotheses are matched. */
#include "tests/unit/matched.h"

#include <math.h>

#include "eval/alignment.h"
#include "eval/read.h"

static Records records;

static Status read_as(const char *name, const char *text) {
  return records_read(&records, put(name, text), RECORD_AUTO);
}

static const char *field(int item, const char *key) {
  const char *value = json_string_value(json_object_get(records.items[item].utterance.fields, key));
  return value ? value : "";
}

static void assert_record(int item, const char *id, const char *text) {
  assert_true(item < records.count);
  if (id) assert_string_equal(records.items[item].id, id);
  assert_string_equal(records.items[item].utterance.text, text);
}

static void text_lines(void **state) {
  (void)state;
  assert_ok(read_as("a.txt", "\xef\xbb\xbfone two\r\n\nthree"));
  assert_int_equal(records.count, 3);
  assert_int_equal(records.format, RECORD_TEXT);
  assert_record(0, NULL, "one two");
  assert_record(1, NULL, "");
  assert_record(2, NULL, "three");
  assert_int_equal(records.items[2].utterance.line, 3);
  records_free(&records);
}

static void trn(void **state) {
  (void)state;
  assert_ok(read_as("a.trn", ";; note\none (two) three (anna-001)\n\n{ a / @ } (s_2) \n(x)\ny (a_b-c_1)\n"));
  assert_int_equal(records.count, 4);
  assert_record(0, "anna-001", "one (two) three ");
  assert_string_equal(field(0, "speaker"), "anna");
  assert_record(1, "s_2", "{ a / @ } ");
  assert_string_equal(field(1, "speaker"), "s");
  assert_record(2, "x", "");
  assert_string_equal(field(2, "speaker"), "");
  assert_string_equal(field(3, "speaker"), "a_b"); /* as in sclite */
  records_free(&records);
}

static void stm(void **state) {
  (void)state;
  assert_ok(read_as("a.stm",
                    ";; LABEL \"O\" \"all\" \"all\"\nf1 A s1 1.50 3 <o,,male> one  (two)\nf1 A s2 3 4\n"
                    "f1 B s2 3 4 IGNORE_TIME_SEGMENT_IN_SCORING\n"));
  assert_int_equal(records.count, 3);
  assert_record(0, NULL, "one  (two)");
  assert_string_equal(field(0, "speaker"), "s1");
  assert_string_equal(field(0, "label1"), "o");
  assert_string_equal(field(0, "label2"), "");
  assert_string_equal(field(0, "label3"), "male");
  assert_string_equal(records.items[0].channel, "A");
  assert_float_equal(records.items[0].utterance.offset, 1.5, 0);
  assert_float_equal(records.items[0].utterance.duration, 1.5, 0);
  assert_record(1, NULL, "");
  assert_true(records.items[2].ignored && !records.items[0].ignored);
  records_free(&records);
  char *name = xprintf("%0600d", 1), *text = xprintf("%s A s 0 1 a\n%s A s 1 2 b\n", name, name);
  assert_ok(read_as("a.stm", text)); /* ids as long as it takes */
  assert_string_not_equal(records.items[0].id, records.items[1].id);
  records_free(&records);
  free(name), free(text);
  char commas[1001] = {0};
  memset(commas, ',', sizeof commas - 1);
  text = xprintf("f A s 0 1 <%s> a\n", commas);
  assert_fails(read_as("a.stm", text), ERR_DATA, "a.stm:1: more than 1000 labels");
  records_free(&records);
  free(text);
}

static void ctm(void **state) {
  (void)state;
  assert_ok(read_as("a.ctm", "f2 A 0.5 0.25 three NA\n;; note\nf1 A 0 0.5 one 0.75\nf1 A * * <ALT_BEGIN>\n"
                             "f1 A 1 0.5 two -3\nf1 A * * <ALT>\nf1 A * * <ALT_END>\nf1 B 0 1 b\n"));
  assert_int_equal(records.count, 3);
  assert_record(0, "f1-A", "one { two / }");
  assert_int_equal(records.items[0].word_count, 5);
  assert_float_equal(records.items[0].words[0].end, 0.5, 0);
  assert_float_equal(records.items[0].words[0].confidence, 0.75, 0);
  assert_float_equal(records.items[0].words[2].confidence, -3, 0);
  assert_record(1, "f1-B", "b");
  assert_record(2, "f2", "three");
  assert_true(isnan(records.items[2].words[0].confidence));
  records_free(&records);
}

static void kaldi(void **state) {
  (void)state;
  put("utt2spk", "u1 s1\nu2 s2\n");
  put("spk2gender", "s1 f\n");
  put("text", "u1 one two\nu2\n");
  for (int whole = 0; whole < 2; whole++) {
    assert_ok(records_read(&records, whole ? test_folder : in_folder("text"), RECORD_AUTO));
    assert_int_equal(records.count, 2);
    assert_record(0, "u1", "one two");
    assert_string_equal(field(0, "speaker"), "s1");
    assert_string_equal(field(0, "gender"), "f");
    assert_record(1, "u2", "");
    assert_string_equal(field(1, "gender"), "");
    records_free(&records);
  }
  put("utt2spk", "u1 s1\n");
  assert_fails(records_read(&records, in_folder("text"), RECORD_AUTO), ERR_DATA,
               "text:2: utt2spk has no speaker for u2");
  records_free(&records);
}

static void whisper(void **state) {
  (void)state;
  assert_ok(read_as("call.json",
                    "{\"text\": \" One two. Three\", \"language\": \"en\", \"segments\": [\n"
                    "{\"start\": 0, \"end\": 1, \"text\": \" One two.\", \"words\": [{\"word\": \" One\", "
                    "\"start\": 0, \"end\": 0.5, \"probability\": 0.9}, {\"word\": \" two.\", \"start\": "
                    "0.5, \"end\": 1, \"probability\": 0.4}]}, {\"start\": 1, \"end\": 2, \"text\": \" "
                    "Three\"}]}"));
  assert_int_equal(records.format, RECORD_WHISPER);
  assert_record(0, "call", " One two.  Three");
  assert_int_equal(records.items[0].word_count, 3);
  assert_float_equal(records.items[0].words[1].confidence, 0.4, 0);
  assert_string_equal(records.items[0].words[2].text, " Three");
  assert_float_equal(records.items[0].words[2].end, 2, 0);
  records_free(&records);
  assert_ok(read_as("cpp.json",
                    "{\"transcription\": [{\"offsets\": {\"from\": 500, \"to\": 1500}, \"text\": \"x\"}]}"));
  assert_float_equal(records.items[0].words[0].end, 1.5, 1e-9);
  records_free(&records);
  assert_ok(records_read(&records, test_folder, RECORD_AUTO)); /* both, by name */
  assert_int_equal(records.count, 2);
  assert_record(1, "cpp", "x");
  records_free(&records);
}

static void csv(void **state) {
  (void)state;
  assert_ok(read_as("a.csv",
                    "id,Text,pred_text,duration,\"the \"\"key\"\"\"\r\nu1,\"a, \"\"b\"\"\nc\",d,1.5,k\r\n"
                    "u2,,\"\",,\n\nu3,x,y,,z"));
  assert_int_equal(records.count, 3);
  assert_record(0, "u1", "a, \"b\"\nc");
  assert_string_equal(records.items[0].recognised, "d");
  assert_string_equal(field(0, "the \"key\""), "k");
  assert_float_equal(records.items[0].utterance.duration, 1.5, 0);
  assert_float_equal(records.items[1].utterance.duration, -1, 0);
  assert_string_equal(records.items[1].recognised, "");
  assert_int_equal(records.items[1].utterance.line, 4);
  assert_int_equal(records.items[2].utterance.line, 6);
  assert_string_equal(field(2, "the \"key\""), "z");
  records_free(&records);
  assert_ok(read_as("a.tsv", "path\tsentence\taccents\nclips/one.mp3\ta, b\twelsh\n"));
  assert_record(0, "one", "a, b");
  assert_string_equal(field(0, "accents"), "welsh");
  records_free(&records);
}

static void manifest(void **state) {
  (void)state;
  assert_ok(read_as("m.jsonl",
                    "{\"audio_filepath\": \"x/a.wav\", \"text\": \"one\", \"pred_text\": \"won\", \"words\": "
                    "[{\"word\": \"won\", \"start\": 0.1, \"end\": 0.2, \"confidence\": 0.5}]}\n"
                    "{\"utt_id\": \"u\", \"text\": \"two\", \"words\": 2}\n"));
  assert_record(0, "a", "one");
  assert_string_equal(records.items[0].recognised, "won");
  assert_float_equal(records.items[0].words[0].confidence, 0.5, 0);
  assert_record(1, "u", "two");
  assert_null(records.items[1].recognised);
  records_free(&records);
}

static void refusals(void **state) {
  (void)state;
  static const char *const bad[][3] = {
      {"a.trn", "one (a-1)\nno id\n", "a.trn:2: a trn line must end in"},
      {"a.trn", "one (a 1)\n", "a.trn:1: a trn line must end in"},
      {"a.trn", "\n", "a.trn has no utterance"},
      {"a.trn", "one (a)\nt\xc3(b)\n", "a.trn:2: not UTF-8 (byte 0xc3, offset 9)"},
      {"a.stm", "f A s 1\n", "a.stm:1: an stm line has"},
      {"a.stm", "f A s 1 x y\n", "a.stm:1: begin and end must be seconds"},
      {"a.stm", "f A s 1 nan y\n", "a.stm:1: begin and end must be seconds"},
      {"a.stm", "f A s 2 1 y\n", "a.stm:1: the segment ends (1) before"},
      {"a.ctm", "f A 1 1\n", "a.ctm:1: a ctm line has"},
      {"a.ctm", "f A 1 -1 w\n", "a.ctm:1: begin and duration"},
      {"a.ctm", "f A -0.01 1 w\n", "a.ctm:1: begin and duration"},
      {"a.ctm", "f A 1 1 w\nf A * * <ALT>\n", "a.ctm:2: alternatives begin with <ALT_BEGIN>"},
      {"a.ctm", "f A * * <ALT_BEGIN>\nf A 1 1 w\nf A * * <Alt_Begin>\n",
       "a.ctm:3: <ALT_BEGIN> within the alternatives that began in line 1"},
      {"a.ctm", "f A * * <ALT_BEGIN>\nf B 1 1 w\n", "a.ctm:2: another recording or channel within"},
      {"a.ctm", "f A 1 1 w\nf A * * <ALT_BEGIN>\nf A 1 1 w\n", "a.ctm:2: <ALT_BEGIN> without <ALT_END>"},
      {"a.ctm", "f A 1 1 w 0.5\nf A 1 1 w x\n", "a.ctm:2: the confidence must be a number"},
      {"a.csv", "id,text\na\n", "a.csv:2: 1 fields, but the first line names 2"},
      {"a.csv", "id,text\na,\"b\n\n", "a.csv:2: a quoted field without"},
      {"a.csv", "id,text\na,\"b\"c\n", "a.csv:2: column 2: text behind"},
      {"a.csv", "id,speaker\na,b\n", "a.csv:1: the first line must name"},
      {"a.csv", "id,text,ref\na,b,c\n", "a.csv:1: the columns text and ref mean the same"},
      {"a.csv", "text,duration\na,b\n", "a.csv:2: duration must be seconds"},
      {"a.json", "{\n\"segments\": [{}]}", "a.json:1: segment 1 must have \"text\""},
      {"a.json", "{\n\"segments\": [\n}", "a.json:3: column 1"},
      {"a.json", "{\"segments\": 1}", "a.json:1: no list"},
      {"a.json", "{\"segments\": [{\"text\": \"x\", \"words\": [{}]}]}",
       "a.json:1: segment 1: \"words\": item 1"},
      {"a.jsonl", "{\"text\": \"x\", \"pred_text\": 1}", "a.jsonl:1: \"pred_text\" must be a string"},
      {"a.jsonl", "{\"text\": \"x\"}\n{\"text\": }", "a.jsonl:2: column"},
  };
  for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
    assert_fails(read_as(bad[k][0], bad[k][1]), ERR_DATA, bad[k][2]);
    records_free(&records);
  }
  assert_ok(file_write(in_folder("z.txt"), "a\nb\0c\n", 6));
  assert_fails(records_read(&records, in_folder("z.txt"), RECORD_AUTO), ERR_DATA, "z.txt:2: a NUL byte");
  records_free(&records);
  assert_fails(read_as("unknown", "one two\n"), ERR_USAGE, "say it with --format");
  records_free(&records);
  assert_fails(records_read(&records, in_folder("none.trn"), RECORD_AUTO), ERR_IO, "cannot open");
  records_free(&records);
}

/* ---- matching ---- */

static Status match(const char *ref_name, const char *ref, const char *hyp_name, const char *hyp,
                    bool empty) {
  const char *path = put(ref_name, ref);
  return hypotheses_read(&hypotheses,
                         &(HypothesesFiles){.ref = path, .hyp = put(hyp_name, hyp), .missing_empty = empty});
}

static void by_id(void **state) {
  (void)state;
  assert_ok(match("r.trn", "one (a-1)\ntwo (a-2)\n", "h.trn", "too (a-2)\nwon (a-1)\n", false));
  assert_pairs(2, (const char *const[][2]){{"one ", "won "}, {"two ", "too "}});
  assert_ok(match("r.trn", "one (a-1)\ntwo (a-2)\n", "h.trn", "too (A-2)\nwon (a-1)\n", false));
  assert_pairs(2, (const char *const[][2]){{"one ", "won "}, {"two ", "too "}});
  assert_ok(match("r.trn", "one (a-1)\ntwo (A-1)\n", "h.trn", "too (A-1)\nwon (a-1)\n", false));
  assert_pairs(2, (const char *const[][2]){{"one ", "won "}, {"two ", "too "}});
  assert_fails(match("r.trn", "one (a-1)\n", "h.csv", "id,text\nA-1,won\n", false), ERR_DATA, "(A-1)");
  hypotheses_free(&hypotheses);
  assert_ok(match("r.trn", "one (a-1)\n", "h.csv", "id,text\na-1,won\n", false));
  assert_pairs(1, (const char *const[][2]){{"one ", "won"}});
  assert_ok(match("r.jsonl", "{\"audio_filepath\": \"x/a-1.wav\", \"text\": \"one\"}", "h.trn", "won (a-1)\n",
                  false));
  assert_pairs(1, (const char *const[][2]){{"one", "won "}});
  assert_fails(match("r.trn", "one (a-1)\ntwo (a-2)\nx (a-3)\n", "h.trn", "won (a-1)\n", false), ERR_DATA,
               "r.trn:2: ");
  assert_non_null(strstr(fail_text(), "(a-2; a-3)"));
  hypotheses_free(&hypotheses);
  assert_fails(match("r.trn", "one (a-1)\n", "h.trn", "x (a-9)\nwon (a-1)\n", true), ERR_DATA, "h.trn:1: ");
  hypotheses_free(&hypotheses);
  assert_fails(match("r.trn", "one (a-1)\n", "h.trn", "x (a-1)\nwon (a-1)\n", true), ERR_DATA,
               "h.trn:2: the same utterance (a-1) as line 1");
  hypotheses_free(&hypotheses);
  assert_ok(match("r.trn", "one (a-1)\ntwo (a-2)\n", "h.trn", "won (a-1)\n", true));
  assert_int_equal(hypotheses.missing, 1);
  assert_pairs(2, (const char *const[][2]){{"one ", "won "}, {"two ", ""}});
}

/* What transcribe calls recordings and utterances is what they are called here. */
static void by_names_of_audio(void **state) {
  (void)state;
  static const char refs[] =
      "{\"audio_filepath\": \"x/a (1).wav\", \"duration\": 2, \"text\": \"one\"}\n"
      "{\"audio_filepath\": \"x/a (1).wav\", \"offset\": 1.5, \"duration\": 2, \"text\": \"two\"}\n";
  assert_ok(match("r.jsonl", refs, "h.trn", "too (a__1_-1500)\nwon (a__1_)\n", false));
  assert_pairs(2, (const char *const[][2]){{"one", "won "}, {"two", "too "}});
  assert_ok(match("r.jsonl", refs, "h.ctm", "a__1_ 1 0 0.5 won\na__1_ 1 3 0.5 too\n", false));
  assert_pairs(2, (const char *const[][2]){{"one", "won"}, {"two", "too"}});
  assert_ok(match("r.jsonl", refs, "h.ctm", "a_(1) 1 0 0.5 won\na_(1) 1 3 0.5 too\n", false));
  assert_pairs(2, (const char *const[][2]){{"one", "won"}, {"two", "too"}});
  assert_ok(match("r.csv", "path,offset,text\nx/a (1).wav,1.5,one\n", "h.trn", "won (a__1_-1500)\n", false));
  assert_pairs(1, (const char *const[][2]){{"one", "won "}});
}

static void by_order_and_audio(void **state) {
  (void)state;
  assert_ok(match("r.txt", "one\n\ntwo\n", "h.txt", "won\nx\ntoo\n", false));
  assert_pairs(3, (const char *const[][2]){{"one", "won"}, {"", "x"}, {"two", "too"}});
  assert_fails(match("r.txt", "one\ntwo\n", "h.txt", "won\n", false), ERR_DATA, "r.txt:2: ");
  hypotheses_free(&hypotheses);
  static const char audio[] = "{\"audio_filepath\": \"a.wav\", \"offset\": 1.5, \"text\": \"one\"}\n"
                              "{\"audio_filepath\": \"a.wav\", \"text\": \"two\"}\n";
  assert_ok(match("r.jsonl", audio, "h.jsonl",
                  "{\"audio_filepath\": \"a.wav\", \"pred_text\": \"too\"}\n"
                  "{\"audio_filepath\": \"a.wav\", \"offset\": 1.50001, \"pred_text\": \"won\"}\n",
                  false));
  assert_pairs(2, (const char *const[][2]){{"one", "won"}, {"two", "too"}});
  assert_fails(match("r.jsonl", audio, "h.jsonl", audio, false), ERR_DATA, "\"pred_text\" is missing");
  hypotheses_free(&hypotheses);
  assert_fails(hypotheses_read(&hypotheses, &(HypothesesFiles){.hyp = in_folder("r.txt")}), ERR_USAGE,
               "--ref");
  hypotheses_free(&hypotheses);
}

static void by_times(void **state) {
  (void)state;
  static const char stm_text[] =
      "f1 A s1 0 2 one\nf1 A s2 3 4 IGNORE_TIME_SEGMENT_IN_SCORING\nf1 A s1 5 6 two\n"
      "f1 B s3 0 9 other\n";
  assert_ok(match(
      "r.stm", stm_text, "h.ctm",
      "f1 A 0.0 0.2 a 0.5\nf1 A 1.8 0.4 b\nf1 A 3.5 0.1 dropped\nf1 A 4.5 0.1 c\nf1 A 8 1 d\nf1 B 1 1 e\n",
      false));
  assert_int_equal(hypotheses.items[1].word_count, 2);
  assert_string_equal(hypotheses.items[1].words[1].text, "d"); /* behind the last segment: the last one's */
  assert_float_equal(hypotheses.items[0].words[0].confidence, 0.5, 0);
  /* b's middle is where the first segment ends: not in it but in the next, which is ignored */
  assert_pairs(3, (const char *const[][2]){{"one", "a"}, {"two", "c d"}, {"other", "e"}});
  assert_ok(match("r.stm", "f A s 0 1 IgnoreTimeSegmentInScoring \nf A s 1 2 one\n", "h.ctm",
                  "f A 0 0.5 x\nf A 1 0.5 y\n", false));
  assert_pairs(1, (const char *const[][2]){{"one", "y"}});
  assert_ok(match("r.stm", "F1 a s 0 9 one\nf1 A s 9 12 two\n", "h.ctm", "f1 a 8 2 x\nF1 A 1 1 y\n", false));
  assert_pairs(2, (const char *const[][2]){{"one", "y"}, {"two", "x"}});
  assert_fails(match("r.stm", stm_text, "h.ctm", "f1 A 0 1 a\n", false), ERR_DATA, "r.stm:4: ");
  assert_non_null(strstr(fail_text(), "has no word of recording f1, channel B"));
  hypotheses_free(&hypotheses);
  assert_fails(match("r.stm", stm_text, "h.ctm", "f1 A 0 1 a\nf1 B 0 1 a\nf2 A 0 1 a\n", false), ERR_DATA,
               "h.ctm:3: ");
  hypotheses_free(&hypotheses);
  assert_ok(match("r.jsonl",
                  "{\"audio_filepath\": \"f1.wav\", \"offset\": 1, \"duration\": 1, \"text\": \"one\"}\n"
                  "{\"audio_filepath\": \"f1.wav\", \"offset\": 0, \"duration\": 1, \"text\": \"two\"}\n",
                  "f1.json",
                  "{\"segments\": [{\"start\": 0, \"end\": 0.5, \"text\": \"x y\"}, {\"start\": 1, \"end\": "
                  "1.5, \"text\": \"z\"}]}",
                  false));
  assert_pairs(2, (const char *const[][2]){{"one", "z"}, {"two", "x y"}});
}

typedef struct ExpectedWord {
  AlignOp op;
  const char *ref, *hyp;
  double confidence; /* NAN: none */
} ExpectedWord;

/* Of the one utterance; frees the hypotheses. */
static void assert_alignment(const char *normalization, int count, const ExpectedWord *expected) {
  Normalizer *normalizer;
  Alignment alignment;
  assert_ok(normalizer_new(&normalizer, normalization));
  assert_ok(alignment_make(&alignment, &hypotheses.items[0], false, normalizer, &ALIGN_PLAIN));
  for (int k = 0; k < alignment.count && k < count; k++) {
    const AlignedWord *word = &alignment.words[k];
    assert_string_equal(word->ref, expected[k].ref);
    assert_string_equal(word->hyp, expected[k].hyp);
    assert_int_equal(word->op, expected[k].op);
    assert_int_equal(word->optional, expected[k].op == ALIGN_MATCH && !*expected[k].hyp);
    assert_int_equal(isnan(word->confidence), isnan(expected[k].confidence));
    if (!isnan(word->confidence)) assert_float_equal(word->confidence, expected[k].confidence, 0);
  }
  assert_int_equal(alignment.count, count);
  alignment_free(&alignment);
  normalizer_free(normalizer);
  hypotheses_free(&hypotheses);
}

/* The words of a hypothesis in an alignment, through normalisation. */
static void words_of_alignments(void **state) {
  (void)state;
  Normalizer *normalizer;
  assert_ok(match("r.stm", "f A s 0 9 the { Gini / genie } (uh) x-ray\n", "h.ctm",
                  "f A 0 1 The 0.9\nf A 1 1 , 0.1\nf A 2 1 Genie 0.5\nf A 3 1 X-ray 0.25\n", false));
  assert_true(hypotheses.items[0].alternatives);
  assert_ok(normalizer_new(&normalizer, "basic"));
  assert_ok(hypotheses_score(&hypotheses, normalizer, &ALIGN_PLAIN));
  assert_int_equal(align_errors(hypotheses.items[0].rates.words), 0);
  assert_int_equal(hypotheses.items[0].rates.words.match, 5);
  assert_int_equal(hypotheses.items[0].rates.characters.match, 15); /* the genie x ray */
  normalizer_free(normalizer);
  assert_alignment("basic", 5,
                   (const ExpectedWord[]){{ALIGN_MATCH, "the", "the", 0.9},
                                          {ALIGN_MATCH, "genie", "genie", 0.5},
                                          {ALIGN_MATCH, "uh", "", NAN},
                                          {ALIGN_MATCH, "x", "x", 0.25},
                                          {ALIGN_MATCH, "ray", "ray", 0.25}});
}

/* Words that english makes of several, parts or drops: the least confidence of those that each was made of.
 */
static void confidences_through_english(void **state) {
  (void)state;
  assert_ok(
      match("r.stm", "f A s 0 9 in 2023 he will not pay 20 dollars\n", "h.ctm",
            "f A 0 1 in 0.9\nf A 1 1 twenty 0.8\nf A 2 1 um 0.01\nf A 3 1 twenty 0.3\nf A 4 1 three 0.7\n"
            "f A 5 1 he 0.9\nf A 6 1 won't 0.6\nf A 7 1 pay\nf A 7.5 0.1 twenty 0.4\nf A 8 0.1 dollars\n",
            false));
  assert_alignment("english", 8,
                   (const ExpectedWord[]){{ALIGN_MATCH, "in", "in", 0.9},
                                          {ALIGN_MATCH, "2023", "2023", 0.3},
                                          {ALIGN_MATCH, "he", "he", 0.9},
                                          {ALIGN_MATCH, "will", "will", 0.6},
                                          {ALIGN_MATCH, "not", "not", 0.6},
                                          {ALIGN_MATCH, "pay", "pay", NAN},
                                          {ALIGN_MATCH, "20", "20", NAN}, /* one of its two words has none */
                                          {ALIGN_MATCH, "dollars", "dollars", NAN}});
  /* of two numbers that follow each other neither takes from the other */
  assert_ok(match("r.stm", "f A s 0 9 20 2023\n", "h.ctm",
                  "f A 0 1 twenty 0.1\nf A 1 1 twenty 0.2\nf A 2 1 twenty 0.6\nf A 3 1 three 0.7\n", false));
  assert_alignment(
      "english", 2,
      (const ExpectedWord[]){{ALIGN_MATCH, "20", "20", 0.1}, {ALIGN_MATCH, "2023", "2023", 0.2}});
  /* Whisper's words carry the spaces before them */
  assert_ok(match("r.jsonl", "{\"audio_filepath\": \"f.wav\", \"duration\": 9, \"text\": \"$40,000 now\"}\n",
                  "f.json",
                  "{\"segments\": [{\"start\": 0, \"end\": 2, \"text\": \" $40,000 now\", \"words\": ["
                  "{\"word\": \" $40\", \"start\": 0, \"end\": 1, \"probability\": 0.5},"
                  "{\"word\": \",000\", \"start\": 1, \"end\": 1.5, \"probability\": 0.25},"
                  "{\"word\": \" now\", \"start\": 1.5, \"end\": 2, \"probability\": 1}]}]}",
                  false));
  assert_alignment("english", 3,
                   (const ExpectedWord[]){{ALIGN_MATCH, "40000", "40000", 0.25},
                                          {ALIGN_MATCH, "dollars", "dollars", 0.25},
                                          {ALIGN_MATCH, "now", "now", 1}});
  /* a text that says more than its words */
  assert_ok(match("r.jsonl", "{\"audio_filepath\": \"f.wav\", \"text\": \"a b c\"}\n", "h.jsonl",
                  "{\"audio_filepath\": \"f.wav\", \"pred_text\": \"a b c\", \"words\": ["
                  "{\"word\": \"a\", \"confidence\": 0.5}, {\"word\": \"c\", \"confidence\": 0.75}]}\n",
                  false));
  assert_alignment("basic", 3,
                   (const ExpectedWord[]){{ALIGN_MATCH, "a", "a", 0.5},
                                          {ALIGN_MATCH, "b", "b", NAN},
                                          {ALIGN_MATCH, "c", "c", 0.75}});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_setup, folder_teardown)
int main(void) {
  const struct CMUnitTest tests[] = {TEST(text_lines),
                                     TEST(trn),
                                     TEST(stm),
                                     TEST(ctm),
                                     TEST(kaldi),
                                     TEST(whisper),
                                     TEST(csv),
                                     TEST(manifest),
                                     TEST(refusals),
                                     TEST(by_id),
                                     TEST(by_names_of_audio),
                                     TEST(by_order_and_audio),
                                     TEST(by_times),
                                     TEST(words_of_alignments),
                                     TEST(confidences_through_english)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

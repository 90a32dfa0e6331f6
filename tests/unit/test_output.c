/* Transcripts in every form: the very bytes, escapes, odd names and times. */
#include "tests/unit/support.h"

#include <math.h>

#include "src/decode/output.h"

static Word words[8];
static Transcript transcript;

/* Words "text start end confidence" of one transcript. */
static void put_words(int count, const char *const *texts, const double (*times)[3]) {
  static char joined[512];
  joined[0] = 0;
  for (int i = 0; i < count; i++) {
    words[i] = (Word){(char *)texts[i], times[i][0], times[i][1], (float)times[i][2]};
    strcat(strcat(joined, i ? " " : ""), texts[i]);
  }
  transcript = (Transcript){joined, words, count, count ? 0.75f : 0.5f};
}

/* What two items of that format give, the caller's to free. */
__attribute__((noinline)) static char *written(Output output, const OutputItem *items, int count) {
  char *text = NULL;
  size_t size;
  output.stream = open_memstream(&text, &size);
  output_begin(&output);
  for (int i = 0; i < count; i++) output_write(&output, &items[i]);
  fclose(output.stream);
  return text;
}

static void expect(Output output, const OutputItem *items, int count, const char *right) {
  char *text = written(output, items, count);
  if (strcmp(text, right)) fail_msg("\n%s\nis not\n%s", text, right);
  free(text);
}

static const char *const TEXTS[] = {"the", "caf\xc3\xa9", "<b>&--></b>"};
static const double TIMES[][3] = {{0.04, 0.2, 0.9}, {0.28, 1.0049, 0.35}, {1.2, 1.2396, 1}};

static void every_format(void **state) {
  (void)state;
  put_words(3, TEXTS, TIMES);
  json_t *fields = json_pack("{sssfsfss}", "audio_filepath", "/data/talk one.wav", "offset", 12.5, "duration",
                             2.0, "speaker", "Ann Lee");
  const OutputItem item = {"/data/talk one.wav", fields, 12.5, 2, &transcript};
  expect((Output){.format = OUTPUT_TEXT}, &item, 1, "the caf\xc3\xa9 <b>&--></b>\n");
  expect((Output){.format = OUTPUT_TEXT, .doubt = 0.5}, &item, 1, "the [caf\xc3\xa9] <b>&--></b>\n");
  expect((Output){.format = OUTPUT_TEXT, .doubt = 0.5, .terminal = true}, &item, 1,
         "the \033[4mcaf\xc3\xa9\033[0m <b>&--></b>\n");
  expect((Output){.format = OUTPUT_SRT}, &item, 1,
         "1\n00:00:12,540 --> 00:00:13,740\nthe caf\xc3\xa9 <b>&--></b>\n");
  expect((Output){.format = OUTPUT_VTT}, &item, 1,
         "WEBVTT\n\n1\n00:00:12.540 --> 00:00:13.740\nthe caf\xc3\xa9 &lt;b&gt;&amp;--&gt;&lt;/b&gt;\n");
  expect((Output){.format = OUTPUT_CTM}, &item, 1,
         "talk_one 1 12.54 0.16 the 0.900\ntalk_one 1 12.78 0.72 caf\xc3\xa9 0.350\ntalk_one 1 13.70 0.04 "
         "<b>&--></b> 1.000\n");
  expect((Output){.format = OUTPUT_STM}, &item, 1,
         "talk_one 1 Ann_Lee 12.50 14.50 the caf\xc3\xa9 <b>&--></b>\n");
  expect((Output){.format = OUTPUT_TRN}, &item, 1, "the caf\xc3\xa9 <b>&--></b> (talk_one-12500)\n");
  json_decref(fields);
}

static void json_lines(void **state) {
  (void)state;
  put_words(2, TEXTS, TIMES);
  json_t *fields = json_pack("{sssfsfsss[i]}", "audio_filepath", "a.wav", "offset", 0.1, "duration", 2.5,
                             "pred_text", "old", "n", 1);
  const OutputItem items[] = {{"a.wav", fields, 0.1, 2.5, &transcript},
                              {"b \"q\".wav", NULL, 0, 2, &transcript}};
  char *text = written((Output){.format = OUTPUT_JSONL}, items, 2), *second = strchr(text, '\n') + 1;
  second[-1] = 0;
  json_t *line = json_loads(text, 0, NULL);
  assert_non_null(line);
  assert_string_equal(json_string_value(json_object_get(line, "audio_filepath")), "a.wav");
  assert_true(json_real_value(json_object_get(line, "offset")) == 0.1);
  assert_int_equal(json_array_size(json_object_get(line, "n")), 1);
  assert_string_equal(json_string_value(json_object_get(line, "pred_text")), "the caf\xc3\xa9");
  assert_true(json_real_value(json_object_get(line, "confidence")) == 0.75);
  const json_t *list = json_object_get(line, "words"), *word = json_array_get(list, 1);
  assert_int_equal(json_array_size(list), 2);
  assert_string_equal(json_string_value(json_object_get(word, "word")), "caf\xc3\xa9");
  assert_true(json_real_value(json_object_get(word, "start")) == 0.38); /* the recording's time */
  assert_true(json_real_value(json_object_get(word, "end")) == 1.105);  /* three digits */
  assert_true(json_real_value(json_object_get(word, "confidence")) == 0.35);
  assert_string_equal(json_string_value(json_object_get(fields, "pred_text")),
                      "old"); /* the caller's is as it was */
  json_decref(line);
  line = json_loads(second, 0, NULL);
  assert_string_equal(json_string_value(json_object_get(line, "audio_filepath")), "b \"q\".wav");
  assert_true(json_real_value(json_object_get(line, "duration")) == 2);
  json_decref(line);
  assert_null(strchr(strchr(second, '\n') + 1, '\n')); /* one line each */
  json_decref(fields);
  free(text);
}

static void nothing_said(void **state) {
  (void)state;
  put_words(0, NULL, NULL);
  const OutputItem item = {"a.wav", NULL, 0, 2, &transcript};
  expect((Output){.format = OUTPUT_TEXT}, &item, 1, "\n");
  expect((Output){.format = OUTPUT_SRT}, &item, 1, "");
  expect((Output){.format = OUTPUT_VTT}, &item, 1, "WEBVTT\n\n");
  expect((Output){.format = OUTPUT_CTM}, &item, 1, "");
  expect((Output){.format = OUTPUT_STM}, &item, 1, "a 1 unknown 0.00 2.00 \n");
  expect((Output){.format = OUTPUT_TRN}, &item, 1, " (a)\n");
  expect(
      (Output){.format = OUTPUT_JSONL}, &item, 1,
      "{\"audio_filepath\":\"a.wav\",\"duration\":2.0,\"pred_text\":\"\",\"confidence\":0.5,\"words\":[]}\n");
}

/* Subtitles: 42 characters (not bytes), 5 seconds, a pause of more than one. */
static void cues(void **state) {
  (void)state;
  static const char *const long_texts[] = {
      "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
      "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9",
      "012345678901234567890", "x", "0123456789012345678901234567890123456789012345"};
  static const double times[][3] = {{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {3, 4, 1}};
  put_words(4, long_texts, times); /* 20 + 1 + 21 = 42; then x; then one word that is too long for a line */
  const OutputItem item = {"a.wav", NULL, 0, 4, &transcript};
  char *text = written((Output){.format = OUTPUT_SRT}, &item, 1);
  assert_non_null(strstr(text, "1\n00:00:00,000 --> 00:00:02,000\n\xc3\xa9"));
  assert_non_null(
      strstr(text, "\n\n2\n00:00:02,000 --> 00:00:03,000\nx\n\n3\n00:00:03,000 --> 00:00:04,000\n0123"));
  free(text);
  static const char *const short_texts[] = {"a", "b", "c", "d", "e"};
  static const double pauses[][3] = {{0, 0.1, 1}, {1.1, 1.2, 1}, {2.21, 2.3, 1}, {3, 4, 1}, {5, 7.22, 1}};
  put_words(5, short_texts, pauses);
  const OutputItem two[] = {{"a.wav", NULL, 0, 8, &transcript}, {"a.wav", NULL, 3599.9996, 8, &transcript}};
  expect((Output){.format = OUTPUT_VTT}, two, 2,
         "WEBVTT\n\n1\n00:00:00.000 --> 00:00:01.200\na b\n\n2\n00:00:02.210 --> 00:00:04.000\nc d\n\n"
         "3\n00:00:05.000 --> 00:00:07.220\ne\n\n" /* c to e would be 5.01 s */
         "4\n01:00:00.000 --> 01:00:01.200\na b\n\n5\n01:00:02.210 --> 01:00:04.000\nc d\n\n"
         "6\n01:00:05.000 --> 01:00:07.220\ne\n");
}

static void odd_times(void **state) {
  (void)state;
  static const char *const texts[] = {"x"};
  static const double times[][3] = {{0.9996, 360000.0004, 1}};
  put_words(1, texts, times);
  const OutputItem item = {"a.wav", NULL, 0, 8, &transcript};
  expect((Output){.format = OUTPUT_SRT}, &item, 1, "1\n00:00:01,000 --> 100:00:00,000\nx\n");
  expect((Output){.format = OUTPUT_CTM}, &item, 1, "a 1 1.00 359999.00 x 1.000\n");
}

/* A recording's name is one field, whatever it was called, and in trn it stands in parentheses. */
static void odd_names(void **state) {
  (void)state;
  static const char *const texts[] = {"x"}, *const names[][2] = {
                                                {"talk (1).wav", "talk__1_"},
                                                {"/a b/c d.e.flac", "c_d.e"},
                                                {"noext", "noext"},
                                                {"/x/.hidden", ".hidden"},
                                                {"a\tb\n.wav", "a_b_"},
                                                {"\xc3\xa9.wav", "\xc3\xa9"},
                                                {";;comment.wav", "__comment"},
                                            };
  static const double times[][3] = {{0, 1, 1}};
  put_words(1, texts, times);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const OutputItem item = {names[i][0], NULL, 0, 2, &transcript};
    char *ctm = xprintf("%s 1 0.00 1.00 x 1.000\n", names[i][1]),
         *stm = xprintf("%s 1 unknown 0.00 2.00 x\n", names[i][1]);
    char *trn = xprintf("x (%s)\n", names[i][1]);
    expect((Output){.format = OUTPUT_CTM}, &item, 1, ctm);
    expect((Output){.format = OUTPUT_STM}, &item, 1, stm);
    expect((Output){.format = OUTPUT_TRN}, &item, 1, trn);
    free(ctm), free(stm), free(trn);
  }
}

static void formats_by_name(void **state) {
  (void)state;
  static const char *const names[] = {"text", "jsonl", "srt", "vtt", "ctm", "stm", "trn"};
  char all[64] = "";
  for (int i = 0; i <= OUTPUT_TRN; i++) {
    assert_int_equal(output_format(names[i]), i);
    strcat(strcat(all, i ? "|" : ""), names[i]);
  }
  assert_string_equal(all, OUTPUT_FORMATS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_format),    cmocka_unit_test(json_lines),
      cmocka_unit_test(nothing_said),    cmocka_unit_test(cues),
      cmocka_unit_test(odd_times),       cmocka_unit_test(odd_names),
      cmocka_unit_test(formats_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* speak: reads a script of interviews aloud with espeak-ng, one 16 kHz mono WAV per interview.
 *
 * A program of its own: espeak-ng is GPL-3 and is linked here and nowhere else.
 *
 * espeak's output for an utterance depends on what the process said before it. So every interview is spoken by a
 * fresh child of a parent that never speaks: its bytes are a function of its lines in the script alone, whatever the
 * number of jobs. Children report each utterance's place through shared memory; the parent writes the manifests last. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <espeak-ng/speak_lib.h>
#include <sndfile.h>
#include <soxr.h>

enum { EX_USAGE_ = 64, EX_DATA_ = 65, EX_MEMORY_ = 71, EX_IO_ = 74 };
enum { RATE = 16000, MARGIN = RATE / 10 };   /* a segment takes 0.1 s of the pause on either side */

static const char *HELP =
    "usage: speak [--jobs N] SCRIPT OUTDIR\n"
    "       speak --espeak-data\n"
    "\n"
    "Reads SCRIPT aloud: one WAV (16 kHz, mono, 16 bit) per interview under OUTDIR, and NeMo manifests there.\n"
    "SCRIPT is tab-separated, its first line names the columns, each further line is an utterance. Lines in a row\n"
    "with the same `audio` are one interview. Columns that must be there:\n"
    "  manifest  manifest to write the line to, relative to OUTDIR\n"
    "  audio     WAV to write, relative to OUTDIR\n"
    "  voice     espeak voice and variant, e.g. en-us+m3; it must exist\n"
    "  pitch rate range   espeak's: 0-100, words a minute 80-450, 0-100\n"
    "  shift     0.8 to 1.25: formants and pitch are multiplied by it, a shorter or longer throat\n"
    "  gain noise         dB; noise below full scale, e.g. -60\n"
    "  tilt      -0.9 to 0.9: y[n] = x[n] + tilt x[n-1], the colour of a microphone\n"
    "  pause     ms of silence before the utterance, at least 250\n"
    "  say text  what espeak is given, and what the manifest's `text` says\n"
    "Other columns (speaker, gender, accent, ...) go into the manifest as strings.\n"
    "\n"
    "  --jobs N       interviews spoken at a time (default: the number of cores); the bytes do not depend on it\n"
    "  --espeak-data  print the folder of espeak's voices; ESPEAK_DATA_PATH names another one's parent\n"
    "  --help\n"
    "\n"
    "example: build/speak --jobs 2 corpus/script.tsv corpus\n"
    "Exit codes: 64 usage, 65 bad script, 71 out of memory, 74 input/output.\n";

static _Noreturn void die(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
static _Noreturn void die(int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fputs("speak: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    fflush(NULL);
    _exit(code);
}

static void *must_alloc(void *p, size_t n) {
    void *q = realloc(p, n ? n : 1);
    if (!q) die(EX_MEMORY_, "out of memory (%zu bytes)", n);
    return q;
}

/* ---- the script ---- */

enum { MANIFEST, AUDIO, VOICE, PITCH, SPEED, RANGE, SHIFT, GAIN, NOISE, TILT, PAUSE, SAY, TEXT, KNOWN };
static const struct { const char *name; double low, high; } COLUMNS[KNOWN] = {   /* low < high: a number */
    {"manifest", 0, 0}, {"audio", 0, 0}, {"voice", 0, 0}, {"pitch", 0, 100}, {"rate", 80, 450}, {"range", 0, 100},
    {"shift", 0.8, 1.25},
    {"gain", -60, 20}, {"noise", -120, -10}, {"tilt", -0.9, 0.9}, {"pause", 250, 60000}, {"say", 0, 0}, {"text", 0, 0}};
enum { MAX_COLUMNS = 64 };

typedef struct { char **field; int line; } Utterance;            /* field[c] points into the script's text */
typedef struct { size_t first, count; } Interview;
typedef struct { int64_t offset, length; } Place;                /* samples */

static struct {
    const char *path;
    char *text;
    char *name[MAX_COLUMNS];
    int columns, at[KNOWN];                                      /* at[k]: where the known column k is */
    Utterance *utterances;
    Interview *interviews;
    size_t utterance_count, interview_count;
} script;

static const char *field(size_t u, int known) { return script.utterances[u].field[script.at[known]]; }
static double number(size_t u, int known) { return strtod(field(u, known), NULL); }

static int split(char *line, char **fields) {
    int n = 0;
    for (char *f = line; f; n++) {
        char *tab = strchr(f, '\t');
        if (tab) *tab++ = 0;
        if (n < MAX_COLUMNS) fields[n] = f;
        f = tab;
    }
    return n;
}

static bool path_is_safe(const char *p) {
    return *p && *p != '/' && strcmp(p, "..") && strncmp(p, "../", 3) && !strstr(p, "/../") && p[strlen(p) - 1] != '/';
}

static void check_utterance(size_t u) {
    int line = script.utterances[u].line;
    for (int k = 0; k < KNOWN; k++) {
        const char *value = field(u, k);
        if (!*value) die(EX_DATA_, "%s:%d: %s is empty", script.path, line, COLUMNS[k].name);
        if (COLUMNS[k].low < COLUMNS[k].high) {
            char *end;
            double x = strtod(value, &end);
            if (*end || !(x >= COLUMNS[k].low && x <= COLUMNS[k].high))
                die(EX_DATA_, "%s:%d: %s is '%s', expected a number from %g to %g", script.path, line,
                    COLUMNS[k].name, value, COLUMNS[k].low, COLUMNS[k].high);
        }
    }
    if (!path_is_safe(field(u, AUDIO)) || !path_is_safe(field(u, MANIFEST)))
        die(EX_DATA_, "%s:%d: audio and manifest must be paths inside the output folder", script.path, line);
}

static void read_script(const char *path) {
    script.path = path;
    FILE *f = fopen(path, "rb");
    struct stat st;
    if (!f || fstat(fileno(f), &st)) die(EX_IO_, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode)) die(EX_IO_, "%s: not a regular file", path);
    size_t size = (size_t)st.st_size;
    script.text = must_alloc(NULL, size + 1);
    if (fread(script.text, 1, size, f) != size) die(EX_IO_, "%s: cannot be read", path);
    fclose(f);
    script.text[size] = 0;
    if (memchr(script.text, 0, size)) die(EX_DATA_, "%s: holds a zero byte", path);

    size_t room = 0;
    int number_of_line = 0;
    for (char *line = script.text; *line; ) {
        char *next = line + strcspn(line, "\n");
        if (*next) *next++ = 0;
        number_of_line++;
        for (char *c = line; *c; c++)
            if ((unsigned char)*c < 32 && *c != '\t')
                die(EX_DATA_, "%s:%d: control character %d", path, number_of_line, *c);
        char *fields[MAX_COLUMNS];
        int n = split(line, fields);
        if (number_of_line == 1) {
            if (n > MAX_COLUMNS) die(EX_DATA_, "%s:1: more than %d columns", path, MAX_COLUMNS);
            script.columns = n;
            memcpy(script.name, fields, sizeof fields[0] * (size_t)n);
            for (int k = 0; k < KNOWN; k++) {
                script.at[k] = -1;
                for (int c = 0; c < n; c++)
                    if (!strcmp(fields[c], COLUMNS[k].name)) script.at[k] = c;
                if (script.at[k] < 0) die(EX_DATA_, "%s:1: no column '%s'", path, COLUMNS[k].name);
            }
        } else {
            if (n != script.columns)
                die(EX_DATA_, "%s:%d: %d columns, the first line has %d", path, number_of_line, n, script.columns);
            if (script.utterance_count == room) {
                room = room ? 2 * room : 1024;
                script.utterances = must_alloc(script.utterances, room * sizeof *script.utterances);
                script.interviews = must_alloc(script.interviews, room * sizeof *script.interviews);
            }
            size_t u = script.utterance_count++;
            script.utterances[u].line = number_of_line;
            script.utterances[u].field = must_alloc(NULL, (size_t)n * sizeof(char *));
            memcpy(script.utterances[u].field, fields, (size_t)n * sizeof(char *));
            check_utterance(u);
            if (u == 0 || strcmp(field(u, AUDIO), field(u - 1, AUDIO)))
                script.interviews[script.interview_count++] = (Interview){u, 0};
            Interview *interview = &script.interviews[script.interview_count - 1];
            interview->count++;
            for (int k = VOICE; k <= TILT; k++)
                if (strcmp(field(u, k), field(interview->first, k)))
                    die(EX_DATA_, "%s:%d: %s changes inside interview %s", path, number_of_line, COLUMNS[k].name,
                        field(u, AUDIO));
        }
        line = next;
    }
    if (!script.utterance_count) die(EX_DATA_, "%s: no utterances", path);
}

static int by_audio(const void *a, const void *b) {
    return strcmp(field(((const Interview *)a)->first, AUDIO), field(((const Interview *)b)->first, AUDIO));
}

static void check_interviews_distinct(void) {
    size_t n = script.interview_count;
    Interview *sorted = must_alloc(NULL, n * sizeof *sorted);
    memcpy(sorted, script.interviews, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_audio);
    for (size_t i = 1; i < n; i++)
        if (!by_audio(&sorted[i - 1], &sorted[i]))
            die(EX_DATA_, "%s:%d: interview %s is in two places", script.path,
                script.utterances[sorted[i].first].line, field(sorted[i].first, AUDIO));
    free(sorted);
}

/* ---- files: temporary name, fsync, rename, fsync of the folder ---- */

static char *join(const char *folder, const char *name, const char *suffix) {
    char *path;
    if (asprintf(&path, "%s/%s%s", folder, name, suffix) < 0) die(EX_MEMORY_, "out of memory");
    return path;
}

static void make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        if (mkdir(path, 0777) && errno != EEXIST) die(EX_IO_, "%s: %s", path, strerror(errno));
        *slash = '/';
    }
}

static void sync_folder_of(const char *path) {
    char *folder = strdup(path);
    if (!folder) die(EX_MEMORY_, "out of memory");
    *strrchr(folder, '/') = 0;
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    if (fd < 0 || fsync(fd)) die(EX_IO_, "%s: %s", folder, strerror(errno));
    close(fd);
    free(folder);
}

static int create(char *temporary) {
    make_folders(temporary);
    int fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) die(EX_IO_, "%s: %s", temporary, strerror(errno));
    return fd;
}

static void publish(int fd, char *temporary, char *path) {
    if (fsync(fd) || close(fd) || rename(temporary, path)) die(EX_IO_, "%s: %s", path, strerror(errno));
    free(temporary);
    free(path);
}

/* ---- one interview, in a child ---- */

typedef struct { int16_t *samples; size_t count, room; } Sound;

static void sound_add(Sound *s, const int16_t *samples, size_t n) {   /* NULL: silence */
    if (s->count + n > s->room) {
        s->room = 2 * (s->count + n);
        s->samples = must_alloc(s->samples, s->room * sizeof *s->samples);
    }
    if (samples) memcpy(s->samples + s->count, samples, n * sizeof *samples);
    else memset(s->samples + s->count, 0, n * sizeof *s->samples);
    s->count += n;
}

static Sound heard;   /* what espeak said in the present utterance, at its own rate */

static int on_samples(short *wav, int n, espeak_EVENT *events) {
    (void)events;
    if (wav && n > 0) sound_add(&heard, wav, (size_t)n);
    return 0;
}

static void set_parameter(espeak_PARAMETER which, size_t u, int known, double scale) {
    if (espeak_SetParameter(which, (int)lround(number(u, known) * scale), 0) != EE_OK)
        die(EX_DATA_, "%s:%d: espeak refuses %s %s", script.path, script.utterances[u].line, COLUMNS[known].name,
            field(u, known));
}

/* espeak takes "en-gb+nosuch" for "en-gb" without a word, so the variant's file is looked for first. */
static void set_voice(size_t u) {
    const char *voice = field(u, VOICE), *plus = strchr(voice, '+'), *data;
    int line = script.utterances[u].line;
    espeak_Info(&data);
    if (plus) {
        char *file = join(data, "voices/!v/", plus + 1);
        if (strchr(plus, '/') || access(file, R_OK))
            die(EX_DATA_, "%s:%d: espeak has no variant '%s' (%s)", script.path, line, plus + 1, file);
        free(file);
    }
    if (espeak_SetVoiceByName(voice) != EE_OK)
        die(EX_DATA_, "%s:%d: espeak has no voice '%s'", script.path, line, voice);
}

static uint64_t random_state;
static uint64_t random_next(void) {   /* splitmix64 */
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static double noise_next(void) {      /* near normal, variance 1: the sum of four uniform numbers */
    uint64_t z = random_next();
    int sum = (int)(z & 0xffff) + (int)(z >> 16 & 0xffff) + (int)(z >> 32 & 0xffff) + (int)(z >> 48);
    return (sum - 131070) * (1.7320508075688772 / 65536);
}

static void colour(Sound *s, size_t u) {   /* microphone, gain, noise */
    double tilt = number(u, TILT), gain = pow(10, number(u, GAIN) / 20), level = 32768 * pow(10, number(u, NOISE) / 20);
    double norm = gain / (1 + fabs(tilt)), before = 0;
    random_state = 0xcbf29ce484222325u;
    for (const char *c = field(u, AUDIO); *c; c++) random_state = (random_state ^ (unsigned char)*c) * 0x100000001b3u;
    for (size_t i = 0; i < s->count; i++) {
        double x = s->samples[i], y = norm * (x + tilt * before) + level * noise_next();
        before = x;
        y = y > 32767 ? 32767 : y < -32768 ? -32768 : y;
        s->samples[i] = (int16_t)lrint(y);
    }
}

static void write_wav(const Sound *s, const char *outdir, const char *name) {
    char *path = join(outdir, name, ""), *temporary = join(outdir, name, ".tmp");
    int fd = create(temporary);
    SF_INFO info = {.samplerate = RATE, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
    SNDFILE *wav = sf_open_fd(fd, SFM_WRITE, &info, SF_FALSE);
    if (!wav) die(EX_IO_, "%s: %s", path, sf_strerror(NULL));
    if (sf_write_short(wav, s->samples, (sf_count_t)s->count) != (sf_count_t)s->count)
        die(EX_IO_, "%s: %s", path, sf_strerror(wav));
    if (sf_close(wav)) die(EX_IO_, "%s: cannot be closed", path);
    publish(fd, temporary, path);
}

static void speak_interview(const Interview *interview, int espeak_rate, const char *outdir, Place *places) {
    size_t first = interview->first;
    Sound all = {0};
    set_voice(first);
    double shift = number(first, SHIFT), from_rate = espeak_rate * shift;   /* played faster, so spoken slower */
    set_parameter(espeakPITCH, first, PITCH, 1);
    set_parameter(espeakRATE, first, SPEED, 1 / shift);
    set_parameter(espeakRANGE, first, RANGE, 1);
    for (size_t u = first; u < first + interview->count; u++) {
        const char *say = field(u, SAY);
        heard.count = 0;
        if (espeak_Synth(say, strlen(say) + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, NULL, NULL) != EE_OK ||
            espeak_Synchronize() != EE_OK || !heard.count)
            die(EX_DATA_, "%s:%d: espeak cannot say '%s'", script.path, script.utterances[u].line, say);
        size_t room = (size_t)((double)heard.count * RATE / from_rate) + 64, done = 0;
        sound_add(&all, NULL, (size_t)(number(u, PAUSE) * RATE / 1000));
        size_t start = all.count;
        sound_add(&all, NULL, room);
        soxr_io_spec_t io = soxr_io_spec(SOXR_INT16_I, SOXR_INT16_I);
        io.flags = SOXR_NO_DITHER;   /* its dither starts from the clock */
        soxr_quality_spec_t quality = soxr_quality_spec(SOXR_MQ, 0);
        soxr_runtime_spec_t one = soxr_runtime_spec(1);
        soxr_error_t error = soxr_oneshot(from_rate, RATE, 1, heard.samples, heard.count, NULL,
                                          all.samples + start, room, &done, &io, &quality, &one);
        if (error) die(EX_DATA_, "%s:%d: resampling: %s", script.path, script.utterances[u].line, error);
        all.count = start + done;
        places[u] = (Place){(int64_t)start - MARGIN, (int64_t)done + 2 * MARGIN};
    }
    sound_add(&all, NULL, RATE / 4);
    colour(&all, first);
    write_wav(&all, outdir, field(first, AUDIO));
}

/* ---- manifests ---- */

static void print_json(FILE *f, const char *s) {   /* the script has no control characters */
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '"' || *s == '\\') fputc('\\', f);
        fputc(*s, f);
    }
    fputc('"', f);
}

static const char *relative(const char *audio, const char *manifest) {   /* audio as seen from the manifest's folder */
    const char *slash = strrchr(manifest, '/');
    size_t n = slash ? (size_t)(slash - manifest) + 1 : 0;
    if (strncmp(audio, manifest, n))
        die(EX_DATA_, "%s: %s must lie in a folder of manifest %s", script.path, audio, manifest);
    return audio + n;
}

static void write_manifest(const char *name, const char *outdir, const Place *places) {
    char *path = join(outdir, name, ""), *temporary = join(outdir, name, ".tmp");
    int fd = create(temporary);
    FILE *f = fdopen(dup(fd), "w");
    if (!f) die(EX_IO_, "%s: %s", path, strerror(errno));
    for (size_t u = 0; u < script.utterance_count; u++) {
        if (strcmp(field(u, MANIFEST), name)) continue;
        fputs("{\"audio_filepath\": ", f);
        print_json(f, relative(field(u, AUDIO), name));
        fprintf(f, ", \"offset\": %.7g, \"duration\": %.7g, \"text\": ", (double)places[u].offset / RATE,
                (double)places[u].length / RATE);
        print_json(f, field(u, TEXT));
        for (int c = 0; c < script.columns; c++) {
            bool is_known = false;
            for (int k = 0; k < KNOWN; k++) is_known |= script.at[k] == c && !(k >= VOICE && k <= RANGE);
            if (is_known) continue;
            bool is_number = c == script.at[PITCH] || c == script.at[SPEED] || c == script.at[RANGE];
            fprintf(f, ", \"%s\": ", script.name[c]);
            if (is_number) fprintf(f, "%ld", lround(strtod(script.utterances[u].field[c], NULL)));
            else print_json(f, script.utterances[u].field[c]);
        }
        fputs("}\n", f);
    }
    bool bad = ferror(f);
    if (fclose(f) || bad) die(EX_IO_, "%s: cannot be written", path);
    publish(fd, temporary, path);
}

static void write_manifests(const char *outdir, const Place *places) {
    for (size_t u = 0; u < script.utterance_count; u++) {
        bool is_new = true;
        for (size_t v = u; v-- > 0 && is_new; )
            is_new = strcmp(field(v, MANIFEST), field(u, MANIFEST));
        if (is_new) write_manifest(field(u, MANIFEST), outdir, places);
    }
    char *path = join(outdir, field(0, MANIFEST), "");
    sync_folder_of(path);
    free(path);
}

/* ---- the parent ---- */

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void show_progress(size_t done, double audio, double wall, bool tty) {
    size_t all = script.interview_count;
    double rate = audio / fmax(wall, 1e-3), left = done ? wall * (double)(all - done) / (double)done : 0;
    fprintf(stderr, "%sspeak: %zu of %zu interviews, %.1f min of audio, %.0f times real time, %.0f s left%s",
            tty ? "\r" : "", done, all, audio / 60, rate, left, tty && done < all ? "   " : "   \n");
    fflush(stderr);
}

static int speak_all(int jobs, int espeak_rate, const char *outdir, Place *places) {
    size_t started = 0, done = 0;
    int running = 0, code = 0;
    double begin = seconds(), shown = begin;
    bool tty = isatty(STDERR_FILENO);
    pid_t *pids = must_alloc(NULL, script.interview_count * sizeof *pids);
    while (done < script.interview_count) {
        while (!code && running < jobs && started < script.interview_count) {
            pid_t pid = fork();
            if (pid < 0) die(EX_IO_, "fork: %s", strerror(errno));
            if (pid == 0) {
                speak_interview(&script.interviews[started], espeak_rate, outdir, places);
                _exit(0);
            }
            pids[started++] = pid;
            running++;
        }
        if (!running) break;
        int status;
        pid_t pid = wait(&status);
        if (pid < 0) die(EX_IO_, "wait: %s", strerror(errno));
        running--;
        done++;
        if (status && !code) {
            code = WIFEXITED(status) ? WEXITSTATUS(status) : EX_IO_;
            for (size_t i = 0; i < started && WIFSIGNALED(status); i++)
                if (pids[i] == pid)
                    fprintf(stderr, "speak: %s: killed by signal %d\n",
                            field(script.interviews[i].first, AUDIO), WTERMSIG(status));
        }
        double now = seconds(), audio = 0;
        if (!code && (done == script.interview_count || now - shown > (tty ? 0.2 : 5))) {
            for (size_t u = 0; u < script.utterance_count; u++) audio += (double)places[u].length / RATE;
            show_progress(done, audio, now - begin, tty);
            shown = now;
        }
    }
    free(pids);
    return code;
}

static int start_espeak(void) {   /* returns its sample rate */
    int rate = espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 500, NULL, espeakINITIALIZE_DONT_EXIT);
    if (rate <= 0) die(EX_IO_, "espeak-ng cannot start: is espeak-ng-data installed?");
    espeak_SetSynthCallback(on_samples);
    return rate;
}

static int print_espeak_data(void) {
    const char *data;
    start_espeak();
    espeak_Info(&data);
    return puts(data) < 0 || fflush(stdout) ? EX_IO_ : 0;
}

int main(int argc, char **argv) {
    long jobs = sysconf(_SC_NPROCESSORS_ONLN);
    const char *words[2];
    int n = 0;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help")) return fputs(HELP, stdout) < 0 || fflush(stdout) ? EX_IO_ : 0;
        if (!strcmp(argv[i], "--espeak-data")) return print_espeak_data();
        if (!strcmp(argv[i], "--jobs")) {
            char *end = "x";
            jobs = i + 1 < argc ? strtol(argv[++i], &end, 10) : 0;
            if (*end || jobs < 1 || jobs > 1024) die(EX_USAGE_, "--jobs takes a number from 1 to 1024");
        } else if (argv[i][0] == '-') die(EX_USAGE_, "unknown option '%s' (try --help)", argv[i]);
        else if (n == 2) die(EX_USAGE_, "too many arguments (try --help)");
        else words[n++] = argv[i];
    }
    if (n < 2) die(EX_USAGE_, "needs SCRIPT and OUTDIR (try --help)");
    read_script(words[0]);
    check_interviews_distinct();

    int espeak_rate = start_espeak();
    size_t bytes = script.utterance_count * sizeof(Place);
    Place *places = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (places == MAP_FAILED) die(EX_MEMORY_, "out of memory (%zu bytes)", bytes);
    int code = speak_all((int)jobs, espeak_rate, words[1], places);
    if (code) return code;
    write_manifests(words[1], places);
    return 0;
}

/* Errors that a user, a file or the machine can cause.
 *
 * A function that can fail so returns a Status.  fail() records what, where and what to do; TRY() passes a
 * failure up to the label `done:`, where one place frees.  Only src/cmd prints the text and exits with the code.
 * A programmer's mistake is an assert, kept on in every build. */
#ifndef JARGON_BASE_STATUS_H
#define JARGON_BASE_STATUS_H

/* The values are the program's exit codes (sysexits.h, and 128 + SIGTERM). */
typedef enum Status {
  OK = 0,
  ERR_USAGE = 64,    /* the command line or a setting is wrong */
  ERR_DATA = 65,     /* a file's content is wrong */
  ERR_MEMORY = 71,   /* out of memory */
  ERR_IO = 74,       /* reading or writing failed */
  ERR_LOCKED = 75,   /* another run holds the folder */
  ERR_STOPPED = 143, /* stopped by SIGTERM, after saving */
} Status;

/* Records the error's text for this thread (replacing an earlier one) and returns `code`. */
Status fail(Status code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

/* Puts "context: " before the recorded text and returns `code`: the caller knows the file, the callee the fault. */
Status fail_in(Status code, const char *format, ...) __attribute__((format(printf, 2, 3), cold));

#ifdef __clang_analyzer__ /* which does not look into status.c: the result is the code */
static inline Status status_known(Status status, Status code) { return (void)status, code; }
#define fail(code, ...) status_known((fail)(code, __VA_ARGS__), code)
#define fail_in(code, ...) status_known((fail_in)(code, __VA_ARGS__), code)
#endif

/* The recorded text of this thread; "" before any failure. */
const char *fail_text(void);

/* In a function with `Status status = OK;` and a label `done:`. */
#define TRY(call)                                                                                            \
  do {                                                                                                       \
    status = (call);                                                                                         \
    if (status != OK) goto done;                                                                             \
  } while (0)

/* Allocation that never returns NULL: out of memory ends the program with exit code 71 and a message. */
void *xcalloc(unsigned long count, unsigned long size);
void *xrealloc(void *old, unsigned long count, unsigned long size); /* the old block stays valid until it succeeds */
char *xstrdup(const char *text);
char *xprintf(const char *format, ...) __attribute__((format(printf, 1, 2))); /* the caller frees */

#endif

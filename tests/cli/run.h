/* run.h - starts vx86 in a directory of its own and keeps what it writes, for the tests of the program from outside. */
#ifndef VX86_TEST_CLI_RUN_H
#define VX86_TEST_CLI_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RUN_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct run {
    const char *program;
    char directory[64]; /* the working directory of every run */
    unsigned failures;
};

struct run_result {
    int status;  /* exit status; 128 + number when a signal ended it */
    bool killed; /* by a signal */
    unsigned ms;
    char out[65536], err[65536];
};

/* Makes the directory; leaves the test on failure. */
void run_init(struct run *run, const char *program);
/* Removes it; returns what main() returns. */
int run_fini(struct run *run);

void run_file(struct run *run, const char *name, const void *data, size_t bytes);
/* A file of `bytes` zeros with `code` at its start and the boot signature at 510. */
void run_boot_disk(struct run *run, const char *name, const void *code, size_t code_bytes, size_t bytes);

/* Starts vx86 with the words of `args` (split at spaces); standard input is /dev/null, or `terminal` for all three when
 * not NULL. Output goes to the files out.<slot> and err.<slot>. */
pid_t run_start(struct run *run, const char *args, unsigned slot, const char *terminal);
/* The same without terminal; `prepare(opaque)` runs in the child just before vx86 does, with its descriptors 0 to 2 in
 * place: to close or limit what the case is about. */
pid_t run_start_in(struct run *run, const char *args, unsigned slot, void (*prepare)(void *opaque), void *opaque);
/* Waits at most 20 s (then kills) and collects. */
void run_finish(struct run *run, pid_t pid, unsigned slot, struct run_result *result);
/* Both; slot 0. */
void run_once(struct run *run, const char *args, struct run_result *result);

/* Waits up to 10 s for `text` in err.<slot>. */
bool run_wait_for(struct run *run, unsigned slot, const char *text);

/* Prints what failed and counts it, unless `ok`. */
void run_check(struct run *run, bool ok, const char *args, const struct run_result *result, const char *what);

bool run_matches(const char *text, const char *extended_pattern);
unsigned run_lines(const char *text);

#endif

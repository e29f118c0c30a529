/* emulator.h - a child process with a console: started, talked to, timed from outside.
 *
 * Times are the host's, taken when output arrives: a guest's clock may lie. CPU time is that of the whole process, all
 * threads, user and system; under load from other programs it says more than wall time.
 * Thread rule: one thread. */
#ifndef VX86_BENCH_EMULATOR_H
#define VX86_BENCH_EMULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

enum { EMULATOR_TEXT_MAX = 256 << 10, EMULATOR_LINE_MAX = 256 };

struct moment {
    double wall_s, cpu_s;
};

struct emulator {
    pid_t pid; /* 0: not running */
    int in, out;
    bool ended; /* its output is closed */
    FILE *log;  /* all output, for whom a failure interests; not owned */
    struct moment started, arrived;
    size_t length, used; /* text[used .. length) has not been looked at */
    char text[EMULATOR_TEXT_MAX];
};

/* Runs `command` by sh -c; its standard error goes to `log`, which may be NULL. False, with errno, if that fails. */
bool emulator_start(struct emulator *emulator, const char *command, FILE *log);

/* Waits until one of `count` texts appears behind what was found before and goes on behind it. Gives the index of the
 * first one to appear and its time of arrival, -1 after `timeout_s` or when the output ends. */
int emulator_find(struct emulator *emulator, const char *const *texts, unsigned count, double timeout_s,
                  struct moment *when);

/* The rest of the line behind the last text found, without its end. */
bool emulator_rest_of_line(struct emulator *emulator, double timeout_s, char line[EMULATOR_LINE_MAX]);

/* Types text. False if nobody reads. */
bool emulator_type(struct emulator *emulator, const char *text);

struct moment emulator_now(const struct emulator *emulator);

struct emulator_memory {
    double peak_mib; /* largest resident set ever; a page that is mapped twice counts twice */
    double now_mib;  /* proportional set now; counts every page once */
};
bool emulator_memory(const struct emulator *emulator, struct emulator_memory *memory);

/* Waits for its end, kills it after `timeout_s`. False if it had to be killed. */
bool emulator_wait(struct emulator *emulator, double timeout_s);

#endif

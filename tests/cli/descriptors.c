/* descriptors.c - vx86 started with standard descriptors closed, in all eight combinations: whatever takes their
 * numbers, nothing is written into it.
 *
 * Usage: descriptors VX86 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guests.h"
#include "json_check.h"

static void close_some(void *opaque)
{
    unsigned closed = *(const unsigned *)opaque;
    for (int fd = 0; fd < 3; fd++)
        if (closed >> fd & 1)
            close(fd);
}

static size_t file_bytes(const char *name, char *bytes, size_t room)
{
    FILE *file = fopen(name, "r");
    size_t count = file != NULL ? fread(bytes, 1, room, file) : 0;
    if (file != NULL)
        fclose(file);
    return count;
}

static void closed(struct run *run, const char *args, unsigned which)
{
    static struct run_result result;
    static char before[65536], after[65536], text[65536];
    char what[64];
    size_t bytes = file_bytes("hello.img", before, sizeof before);
    unlink("stats.json");
    unlink("line.txt");
    run_finish(run, run_start_in(run, args, 1, close_some, &which), 1, &result);
    snprintf(what, sizeof what, "closed descriptors %u: exit status", which);
    run_check(run, result.status == 0 && !result.killed, args, &result, what);
    snprintf(what, sizeof what, "closed descriptors %u: standard output", which);
    bool to_file = strstr(args, "file:") != NULL;
    run_check(run, strcmp(result.out, to_file || (which & 2) ? "" : "ok") == 0, args, &result, what);
    snprintf(what, sizeof what, "closed descriptors %u: standard error", which);
    run_check(run, (which & 4) ? result.err[0] == '\0' : strstr(result.err, "vx86: engine") != NULL, args, &result,
              what);
    snprintf(what, sizeof what, "closed descriptors %u: the image has changed", which);
    run_check(run, file_bytes("hello.img", after, sizeof after) == bytes && memcmp(before, after, bytes) == 0, args,
              &result, what);
    snprintf(what, sizeof what, "closed descriptors %u: the files", which);
    text[file_bytes("stats.json", text, sizeof text - 1)] = '\0';
    bool good = json_is_valid(text);
    text[file_bytes("line.txt", text, sizeof text - 1)] = '\0';
    good &= strcmp(text, "ok") == 0;
    run_check(run, !to_file || good, args, &result, what);
}

int main(int argc, char **argv)
{
    static const char *const args[] = {
        "--log debug hello.img",
        "--log debug --snapshot hello.img",
        "--log debug --engine interp hello.img",
        "--log debug --stats=json --stats-file stats.json --serial file:line.txt hello.img",
    };
    struct run run;
    if (argc != 2)
        return fprintf(stderr, "usage: descriptors VX86\n"), 1;
    run_init(&run, argv[1]);
    guests_make(&run);
    for (size_t i = 0; i < RUN_ARRAY_LEN(args); i++)
        for (unsigned which = 0; which < 8; which++)
            closed(&run, args[i], which);
    return run_fini(&run);
}

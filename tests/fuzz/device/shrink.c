/* shrink.c - the shortest program that still dies, by leaving out parts: each try is a process of its own. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

void program_cut(struct program *program, unsigned first, unsigned count)
{
    memmove(&program->op[first], &program->op[first + count], (program->count - first - count) * sizeof(struct op));
    program->count -= count;
}

/* In the child: it says nothing, leaves no core, and does not run for ever. */
static void be_quiet(void)
{
    if (freopen("/dev/null", "w", stderr) == NULL)
        _exit(3);
    setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    setrlimit(RLIMIT_CPU, &(struct rlimit){ 60, 60 });
}

bool program_dies(const struct program *program, bool (*run)(const struct program *))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        be_quiet();
        _exit(run(program) ? 0 : 1);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    return status != 0;
}

void program_shrink(struct program *program, bool (*run)(const struct program *))
{
    static struct program shorter;
    for (unsigned part = program->count / 2; part > 0; part /= 2)
        for (unsigned first = 0; first + part <= program->count;) {
            shorter = *program;
            program_cut(&shorter, first, part);
            if (program_dies(&shorter, run))
                *program = shorter;
            else
                first += part;
        }
}

/* runner.c - main() of a test program without Criterion: each test in a child process, one summary at the end.
 *
 *   test_mmu_walk [SUITE/NAME]     a pattern of fnmatch()
 *
 * Exit status 0: at least one test has run and none has failed. */
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 1, SKIPPED = 77 };

static struct runner_test *tests;
static bool failed;

void runner_add(struct runner_test *test)
{
    struct runner_test **at = &tests;
    while (*at != NULL)
        at = &(*at)->next;
    *at = test;
}

void runner_failed(bool fatal, const char *file, int line, const char *what, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fflush(stdout);
    fprintf(stderr, "[----] %s:%d: %s", file, line, fmt[1] == '\0' ? what : "");
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    failed = true;
    if (fatal)
        exit(FAILED);
}

void runner_skip(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "[SKIP]");
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(SKIPPED);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The status that the child ends with; it is killed after `seconds` unless that is 0. */
static int wait_for(pid_t child, double seconds)
{
    int status = 0;
    double end_s = now_s() + seconds;
    if (seconds == 0) {
        waitpid(child, &status, 0);
        return status;
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (now_s() > end_s) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            break;
        }
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    }
    return status;
}

static int run(const struct runner_test *test)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        test->run();
        exit(failed ? FAILED : 0);
    }
    return child > 0 ? wait_for(child, test->options.timeout * RUNNER_PATIENCE) : FAILED << 8;
}

int main(int argc, char **argv)
{
    unsigned run_count = 0, bad = 0, skipped = 0;
    for (const struct runner_test *test = tests; test != NULL; test = test->next) {
        char name[256];
        snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
        if (argc > 1 && fnmatch(argv[1], name, 0) != 0)
            continue;
        int status = run(test);
        if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
            skipped++;
            continue;
        }
        run_count++;
        if (status == 0)
            continue;
        bad++;
        fprintf(stderr, "[FAIL] %s%s\n", name, WIFSIGNALED(status) ? ", by a signal" : "");
    }
    printf("[====] Synthesis: Tested: %u | Passing: %u | Failing: %u | Skipped: %u\n", run_count, run_count - bad, bad,
           skipped);
    return bad == 0 && run_count > 0 ? 0 : 1;
}

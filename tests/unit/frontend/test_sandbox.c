/* The sandbox: the list of what it lets through, and that nothing else gets through in any thread. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

/* ---- the list: whoever makes it longer says so here -------------------------------------------------------------- */

static const char always[] =
    "brk munmap mremap madvise mmap mprotect futex clone set_robust_list rseq sched_getaffinity getpid gettid "
    "prctl prctl capset exit exit_group rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait tgkill kill "
    "clock_gettime clock_nanosleep nanosleep timer_create timer_settime timer_delete getrandom getrusage sysinfo "
    "read readv write writev pread64 pwrite64 lseek fdatasync fallocate fstat close pipe2 poll restart_syscall fcntl "
    "fcntl ioctl "
    "ioctl ioctl ioctl ioctl ioctl ioctl";

static void check_list(unsigned needs, const char *extra)
{
    char list[1024] = "", expected[1024];
    const char *name;
    for (unsigned n = 0; (name = sandbox_call(needs, n)) != NULL; n++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", n != 0 ? " " : "", name);
    if (list[0] == '\0')
        cr_skip_test("this build has no sandbox");
    snprintf(expected, sizeof expected, "%s%s", always, extra);
    cr_assert_str_eq(list, expected);
}

Test(sandbox, list)
{
    check_list(0, "");
    check_list(SANDBOX_FILES, " open openat newfstatat ftruncate fcntl");
    check_list(SANDBOX_CLIENTS, " accept4 setsockopt sendto");
    check_list(SANDBOX_REMOVES, " unlink");
}

static void skip_without_filters(void)
{
    if (sandbox_call(0, 0) == NULL)
        cr_skip_test("this build has no sandbox");
#ifdef RUNNER_EMULATED
    cr_skip_test("qemu-user has no filters of system calls");
#endif
}

/* ---- what a thread finds that tries ------------------------------------------------------------------------------ */

static long try_openat(void)
{
    return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}
static long try_openat2(void)
{
    return syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", &(uint64_t[3]){ 0 }, 24);
}
#ifdef SYS_open /* newer architectures do not have these */
static long try_open(void)
{
    return syscall(SYS_open, "/etc/passwd", O_RDONLY);
}
static long try_creat(void)
{
    return syscall(SYS_creat, "/tmp/vx86-sandbox", 0600);
}
static long try_unlink(void)
{
    return syscall(SYS_unlink, "/tmp/vx86-sandbox");
}
#endif
static long try_fork(void)
{
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static long try_clone3(void)
{
    return syscall(SYS_clone3, &(uint64_t[11]){ 0 }, 88);
}
static long try_kill(void)
{
    return syscall(SYS_kill, getppid(), 0);
}
static long try_tgkill(void)
{
    return syscall(SYS_tgkill, 1, 1, 0);
}
static long try_exec_page(void)
{
    return syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static long try_make_exec(void)
{
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
static long try_memfd(void)
{
    return syscall(SYS_memfd_create, "x", 0);
}
static long try_sti(void)
{
    return ioctl(STDIN_FILENO, TIOCSTI, "x");
}
static long try_unshare(void)
{
    return syscall(SYS_unshare, 0x10000000);
}
static long try_mount(void)
{
    return syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, 0);
}
static long try_perf(void)
{
    return syscall(SYS_perf_event_open, 0, 0, 0, 0, 0);
}
static long try_uring(void)
{
    return syscall(SYS_io_uring_setup, 1, 0);
}
static long try_dumpable(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static long try_execve(void)
{
    return syscall(SYS_execve, "/bin/true", (char *[]){ "true", NULL }, NULL);
}
static long try_execveat(void)
{
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", (char *[]){ "true", NULL }, NULL, 0);
}
static long try_socket(void)
{
    return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}
static long try_ptrace(void)
{
    return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
}
static long try_vm_read(void)
{
    return syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0);
}
static long try_vm_write(void)
{
    return syscall(SYS_process_vm_writev, getppid(), 0, 0, 0, 0, 0);
}

#define ROW(name, killed, error)         \
    {                                    \
#name, try_##name, killed, error \
    }
static const struct attempt {
    const char *name;
    long (*try)(void);
    bool killed;
    int error;
} attempts[] = {
#ifdef SYS_open
    ROW(open, false, EPERM),   ROW(creat, false, EPERM),   ROW(unlink, false, EPERM),
#endif
    ROW(openat, false, EPERM), ROW(openat2, false, EPERM), ROW(fork, false, EPERM),      ROW(clone3, false, ENOSYS),
    ROW(kill, false, EPERM),   ROW(tgkill, false, EPERM),  ROW(exec_page, false, EPERM), ROW(make_exec, false, EPERM),
    ROW(memfd, false, EPERM),  ROW(sti, false, EPERM),     ROW(unshare, false, EPERM),   ROW(mount, false, EPERM),
    ROW(perf, false, EPERM),   ROW(uring, false, EPERM),   ROW(dumpable, false, EPERM),  ROW(execve, true, 0),
    ROW(execveat, true, 0),    ROW(socket, true, 0),       ROW(ptrace, true, 0),         ROW(vm_read, true, 0),
    ROW(vm_write, true, 0),
};

enum { REFUSED = 10, GOT_THROUGH, WRONG_ERROR, NOT_ENTERED };

/* Waits for the sandbox, then tries. */
struct prisoner {
    const struct attempt *attempt;
    atomic_bool *entered;
};

static void *try_it(void *opaque)
{
    struct prisoner *prisoner = opaque;
    while (!atomic_load(prisoner->entered))
        ;
    long result = prisoner->attempt->try();
    _exit(result != -1 ? GOT_THROUGH : errno == prisoner->attempt->error ? REFUSED : WRONG_ERROR);
}

/* In a child: the thread that tries is there before the sandbox, comes after it, or is the one that enters it. */
static void prison(const struct attempt *attempt, unsigned place)
{
    static atomic_bool entered;
    struct prisoner prisoner = { attempt, &entered };
    pthread_t thread;
    struct vx_log *log = vx_log_create(stderr);
    if (place == 0 && pthread_create(&thread, NULL, try_it, &prisoner) != 0)
        _exit(NOT_ENTERED);
    if (sandbox_enter(&(struct sandbox_config){ .log = log, .directory = -1, .insist = true }) != VX_ERR_OK)
        _exit(NOT_ENTERED);
    atomic_store(&entered, true);
    if (place == 1 && pthread_create(&thread, NULL, try_it, &prisoner) != 0)
        _exit(NOT_ENTERED);
    if (place == 2)
        try_it(&prisoner);
    pthread_join(thread, NULL);
}

Test(sandbox, nothing_gets_through, .timeout = 60)
{
    static const char *const places[] = { "an older thread", "a younger thread", "the thread that enters" };
    skip_without_filters();
    for (size_t i = 0; i < VX_ARRAY_LEN(attempts); i++)
        for (unsigned place = 0; place < 3; place++) {
            int status = 0;
            pid_t child = fork();
            if (child == 0) {
                prison(&attempts[i], place);
                _exit(NOT_ENTERED);
            }
            cr_assert_eq(waitpid(child, &status, 0), child);
            bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
            bool refused = WIFEXITED(status) && WEXITSTATUS(status) == REFUSED;
            cr_assert(attempts[i].killed ? killed : refused, "%s from %s: status %x", attempts[i].name, places[place],
                      (unsigned)status);
        }
}

/* ---- what the user has asked for --------------------------------------------------------------------------------- */

static void enter(unsigned needs, const char *directory)
{
    struct sandbox_config config = { .log = vx_log_create(stderr), .needs = needs, .directory = -1, .insist = true };
    if (directory != NULL)
        config.directory = open(directory, O_RDONLY | O_DIRECTORY);
    if (sandbox_enter(&config) != VX_ERR_OK)
        _exit(NOT_ENTERED);
}

static int exit_of(void (*run)(void))
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        run();
        _exit(GOT_THROUGH);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void files_anywhere(void)
{
    enter(SANDBOX_FILES, NULL);
    if (open("/etc/passwd", O_RDONLY) < 0)
        _exit(REFUSED);
}

static void files_below(void)
{
    enter(SANDBOX_FILES, "/tmp");
    if (open("/etc/passwd", O_RDONLY) < 0)
        _exit(REFUSED);
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1;
}

Test(sandbox, files)
{
    skip_without_filters();
    cr_assert_eq(exit_of(files_anywhere), GOT_THROUGH);
    if (has_landlock())
        cr_assert_eq(exit_of(files_below), REFUSED);
}

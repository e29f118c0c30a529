/* limits.c - a host that gives less: every limit of `ulimit`, full disks, disks that fail, no executable memory. Each
 * is one sentence that says what is true and what helps; the run goes on where it can, and ends with status 1 where
 * not.
 *
 * Usage: limits VX86 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fault.h"
#include "guests.h"

#define MIB (1ull << 20)

/* ---- ulimit ------------------------------------------------------------------------------------------------------ */

struct limit {
    int which;
    rlim_t value;
};

static void set_limit(void *opaque)
{
    const struct limit *limit = opaque;
    if (setrlimit(limit->which, &(struct rlimit){ limit->value, limit->value }) != 0)
        _exit(126);
}

static void run_limited(struct run *run, const char *args, int which, rlim_t value, struct run_result *result)
{
    struct limit limit = { which, value };
    run_finish(run, run_start_in(run, args, 1, set_limit, &limit), 1, result);
}

/* Those under which a run goes on as ever. */
static void harmless(struct run *run)
{
    static const struct limit rows[] = {
        { RLIMIT_CORE, 0 },  { RLIMIT_MEMLOCK, 0 }, { RLIMIT_STACK, 1 << 16 }, { RLIMIT_STACK, 1 << 18 },
        { RLIMIT_NICE, 0 },  { RLIMIT_RTPRIO, 0 },  { RLIMIT_SIGPENDING, 0 },  { RLIMIT_MSGQUEUE, 0 },
        { RLIMIT_LOCKS, 0 }, { RLIMIT_RSS, 4096 },  { RLIMIT_CPU, 100 },
    };
    static struct run_result result;
    char what[64];
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++) {
        snprintf(what, sizeof what, "limit %d is harmless", rows[i].which);
        run_limited(run, "--snapshot hello.img", rows[i].which, rows[i].value, &result);
        run_check(run, result.status == 0 && strcmp(result.out, "ok") == 0 && run_lines(result.err) == 1,
                  "--snapshot hello.img", &result, what);
    }
    run_limited(run, "busy.img", RLIMIT_CPU, 1, &result);
    run_check(run, result.killed && result.status == 128 + SIGKILL, "busy.img", &result,
              "the host ends it, as it said");
}

/* Whether a run was refused in one line, with a remedy that matches, or has done its work. */
static bool refused_or_done(const struct run_result *result, const char *remedy)
{
    if (result->status == 1)
        return !result->killed && run_lines(result->err) == 1 && strncmp(result->err, "vx86: ", 6) == 0 &&
               run_matches(result->err, remedy);
    return result->status == 0 && strcmp(result->out, "ok") == 0;
}

/* More and more of it, from too little for the C library (status 127, or a signal: not vx86's word) to enough. */
static void ever_more(struct run *run, const char *args, int which, const rlim_t *values, const char *remedy)
{
    static struct run_result result;
    unsigned refused = 0, done = 0;
    for (; *values != 0; values++) {
        run_limited(run, args, which, *values, &result);
        if (refused + done == 0 && (result.status == 127 || result.killed))
            continue;
        run_check(run, refused_or_done(&result, remedy), args, &result, remedy);
        refused += result.status == 1;
        done += result.status == 0;
    }
    run_check(run, refused != 0 && done != 0, args, &result, "some should be too little, some enough");
}

static void ulimits(struct run *run)
{
    static const rlim_t files[] = { 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 0 };
    static const rlim_t memory[] = { 12 * MIB,  20 * MIB,  30 * MIB,  50 * MIB,  100 * MIB, 250 * MIB,  300 * MIB,
                                     320 * MIB, 340 * MIB, 360 * MIB, 400 * MIB, 600 * MIB, 1000 * MIB, 0 };
    static const rlim_t data[] = { 65536, MIB, 4 * MIB, 8 * MIB, 12 * MIB, 16 * MIB, 24 * MIB, 48 * MIB, 500 * MIB, 0 };
    static const rlim_t sizes[] = { 8192, MIB, 100 * MIB, 300 * MIB, 0 };
    ever_more(run, "--snapshot hello.img", RLIMIT_NOFILE, files, "raise the limit of files \\(ulimit -n\\)\n$");
    ever_more(run, "--gdb-run --gdb 0 hello.img", RLIMIT_NOFILE, files, "raise the limit of files \\(ulimit -n\\)\n$");
    ever_more(run, "hello.img", RLIMIT_AS, memory, "ulimit -v");
    ever_more(run, "hello.img", RLIMIT_DATA, data, "ulimit -v|ulimit -d");
    ever_more(run, "--snapshot hello.img", RLIMIT_FSIZE, sizes, "File too large; .*\\(ulimit -f\\)\n$");
}

/* The limit of processes does not bind root: the n-th thread is refused in another way. */
static void threads(struct run *run, const char *args)
{
    static struct run_result result;
    unsigned calls, after = 0;
    do {
        struct fault_later later = { .call = { SYS_clone3, SYS_clone }, .error = EAGAIN, .after = after };
        fault_later_init(&later);
        pid_t pid = run_start_in(run, args, 1, fault_later_install, &later);
        calls = fault_later_serve(&later);
        run_finish(run, pid, 1, &result);
        bool refused =
            result.status == 1 &&
            run_matches(
                result.err,
                "(^|\nvx86: sandbox: [^\n]*\n)vx86: the host refuses the thread 'vx86 [a-z]+': Resource temporarily "
                "unavailable; raise the limit of processes \\(ulimit -u\\) [^\n]*\n$");
        run_check(run, calls > after ? refused : result.status == 0, args, &result, "a thread that cannot be had");
    } while (calls > after++);
    run_check(run, calls >= 4, args, &result, "there should be more threads");
}

/* ---- what is written --------------------------------------------------------------------------------------------- */

struct output {
    const char *path; /* NULL: a pipe in which nobody reads */
    off_t at;
    rlim_t limit; /* 0: none */
};

static void set_output(void *opaque)
{
    const struct output *output = opaque;
    int ends[2] = { -1, -1 };
    if (output->path == NULL && pipe(ends) != 0)
        _exit(126);
    close(ends[0]);
    int fd = output->path != NULL ? open(output->path, O_WRONLY | O_CREAT, 0600) : ends[1];
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || (output->at != 0 && lseek(fd, output->at, SEEK_SET) < 0))
        _exit(126);
    if (output->limit != 0)
        set_limit(&(struct limit){ RLIMIT_FSIZE, output->limit });
}

static void outputs(struct run *run)
{
    static const struct output full = { "/dev/full", 0, 0 }, nobody = { NULL, 0, 0 },
                               limited = { "limited", 300 * MIB, 300 * MIB }, none = { "/dev/null", 0, 0 };
    static const struct {
        const char *args;
        const struct output *output;
        int status;
        const char *err;
    } rows[] = {
        { "hello.img", &full, 1,
          "serial output is lost from here on: No space left on device; make room on that disk\n$" },
        { "hello.img", &nobody, 1, "serial output is lost from here on: Broken pipe; nobody takes it\n$" },
        { "hello.img", &limited, 1,
          "lost from here on: File too large; raise the limit of file sizes \\(ulimit -f\\)\n$" },
        { "--serial file:/dev/full hello.img", &none, 1,
          "serial output is lost from here on: No space left on device" },
        { "--timeout 1 talk.img", &nobody, 124, "serial output is lost from here on: Broken pipe" },
        { "--stats-file /dev/full hello.img", &none, 1,
          "--stats-file: /dev/full: could not be written: No space left on device; make room on that disk\n$" },
        { "--debug-script trace-full hello.img", &none, 1,
          "the debugger's trace is not complete: No space left on device; make room on that disk\n$" },
        { "--help", &full, 1,
          "^vx86: standard output cannot be written: No space left on device; make room on that disk\n$" },
        { "--man", &limited, 1, "^vx86: standard output cannot be written: File too large; raise the limit of file" },
    };
    static const char script[] = "trace-file /dev/full\ntrace insns\nstep 100\ntrace off\n";
    static struct run_result result;
    run_file(run, "trace-full", script, sizeof script - 1);
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++) {
        run_finish(run, run_start_in(run, rows[i].args, 1, set_output, (void *)rows[i].output), 1, &result);
        run_check(run, result.status == rows[i].status && !result.killed, rows[i].args, &result, "status");
        run_check(run, run_matches(result.err, rows[i].err), rows[i].args, &result, rows[i].err);
    }
}

/* ---- disks that fail --------------------------------------------------------------------------------------------- */

/* Reads a sector three times and writes it, by INT 13h, where its CHS address says, and powers off. */
static void make_disk_user(struct run *run, const char *name, uint8_t cylinder, uint8_t head, uint8_t sector,
                           size_t bytes)
{
    const uint8_t code[] = {
        0x31, 0xDB, 0x8E, 0xC3, 0xB7,   0x80,     0xBD, 3,    0,    /* xor bx, bx; mov es, bx; mov bh, 80h; mov bp, 3 */
        0xB8, 0x01, 0x02, 0xB9, sector, cylinder, 0xBA, 0x80, head, /* mov ax, 201h; mov cx, ...; mov dx, ... */
        0xCD, 0x13, 0x4D, 0x75, 0xF2,                               /* int 13h; dec bp; jnz $-12 */
        0xB8, 0x01, 0x03, 0xB9, sector, cylinder, 0xBA, 0x80, head, /* mov ax, 301h ... */
        0xCD, 0x13, 0xBA, 0x04, 0x06,   0xB8,     0,    0x20, 0xEF, 0xF4, /* int 13h; power off */
    };
    run_boot_disk(run, name, code, sizeof code, bytes);
}

static void disks(struct run *run)
{
    static const struct {
        struct fault fault[3];
        const char *args;
        int status;
        const char *err;
    } rows[] = {
        { { { 0, 0, { { FAULT_ALWAYS, 0, 0 } } } }, "user.img", 0, "^[^\n]*\n$" },
        { { { SYS_pread64, EIO, { { FAULT_EQUALS, 3, 33280 } } } },
          "user.img",
          0,
          "block: user\\.img: reading at byte 33280: (Input/output|I/O) error\n.*"
          "vx86: user\\.img: [0-9]+ reads failed, the guest was told: (Input/output|I/O) error\n$" },
        { { { SYS_pwrite64, ENOSPC, { { FAULT_ALWAYS, 0, 0 } } } },
          "user.img",
          0,
          "user\\.img: 1 write failed, the guest was told: No space left on device\n$" },
        { { { SYS_pread64, EIO, { { FAULT_EQUALS, 3, 33280 } } }, { SYS_pwrite64, EIO, { { FAULT_ALWAYS, 0, 0 } } } },
          "user.img",
          0,
          "user\\.img: [0-9]+ reads and 1 write failed, the guest was told: (Input/output|I/O) error\n$" },
        { { { SYS_pread64, EIO, { { FAULT_EQUALS, 3, 33280 } } }, { SYS_pwrite64, EIO, { { FAULT_ALWAYS, 0, 0 } } } },
          "--snapshot user.img",
          0,
          "user\\.img: [0-9]+ reads and 1 write failed, the guest was told: (Input/output|I/O) error\n$" },
        { { { SYS_pread64, EIO, { { FAULT_EQUALS, 3, 0 } } } },
          "user.img",
          1,
          "^vx86: user\\.img: cannot be read: (Input/output|I/O) error; [^\n]*\n$" },
    };
    static struct run_result result;
    make_disk_user(run, "user.img", 0, 1, 3, 65536);
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++) {
        run_finish(run, run_start_in(run, rows[i].args, 1, fault_install, (void *)rows[i].fault), 1, &result);
        run_check(run, result.status == rows[i].status && !result.killed, rows[i].args, &result, "status");
        run_check(run, run_matches(result.err, rows[i].err), rows[i].args, &result, rows[i].err);
    }
    make_disk_user(run, "far.img", 0x51, 4, 0x15, 64 * MIB); /* byte 40 Mi */
    run_limited(run, "-m 1M far.img", RLIMIT_FSIZE, 36 * MIB, &result);
    run_check(run,
              result.status == 0 &&
                  run_matches(result.err, "far\\.img: 1 write failed, the guest was told: File too large\n$"),
              "-m 1M far.img", &result, "a write beyond the limit of file sizes");
}

/* ---- no executable memory, no memory files ----------------------------------------------------------------------- */

#define NO_EXEC                               \
    {                                         \
        SYS_mmap, EACCES,                     \
        {                                     \
            { FAULT_HAS_BITS, 2, PROT_EXEC }, \
            {                                 \
                FAULT_HAS_BITS, 3, MAP_SHARED \
            }                                 \
        }                                     \
    }
#define NO_MEMFD                   \
    {                              \
        SYS_memfd_create, ENOSYS,  \
        {                          \
            {                      \
                FAULT_ALWAYS, 0, 0 \
            }                      \
        }                          \
    }
/* By the C library's choice of system call. */
#ifdef SYS_open
#define NO_TEMPORARY_BY_OPEN              \
    {                                     \
        SYS_open, EROFS,                  \
        {                                 \
            {                             \
                FAULT_HAS_BITS, 1, O_EXCL \
            }                             \
        }                                 \
    }
#else
#define NO_TEMPORARY_BY_OPEN NO_TEMPORARY
#endif
#define NO_TEMPORARY                      \
    {                                     \
        SYS_openat, EROFS,                \
        {                                 \
            {                             \
                FAULT_HAS_BITS, 2, O_EXCL \
            }                             \
        }                                 \
    }

static void memory(struct run *run)
{
    static const struct {
        struct fault fault[4];
        const char *args;
        int status;
        const char *out, *err;
    } rows[] = {
        { { NO_EXEC },
          "hello.img",
          0,
          "ok",
          "^vx86: the translator cannot run: this system allows no executable memory \\([^)]*\\); the interpreter runs "
          "the "
          "guest, which is slower \\(--engine bt insists\\)\nvx86: engine interp, [^\n]*\n$" },
        { { NO_EXEC }, "--engine interp hello.img", 0, "ok", "^vx86: engine interp, [^\n]*\n$" },
        { { NO_EXEC },
          "--engine bt hello.img",
          1,
          "",
          "^vx86: bt: cannot have a translation cache of 32768 KiB: this system allows no executable memory "
          "[^\n]*\n$" },
        { { NO_EXEC },
          "--lockstep hello.img",
          1,
          "",
          "^vx86: --lockstep [^\n]* needs --engine bt, but this system allows no executable memory[^\n]*\n$" },
        { { NO_EXEC },
          "--debug-script wants-bt hello.img",
          1,
          "^.*wants-bt:1: the engine stays as it is",
          "this system allows no executable memory" },
        { { NO_EXEC }, "--debug-script nothing hello.img", 0, "ok", "vx86: engine interp" },
        { { NO_MEMFD }, "hello.img", 0, "ok", "^vx86: engine bt, [^\n]*\n$" },
        { { NO_MEMFD }, "--snapshot --engine bt hello.img", 0, "ok", "^vx86: engine bt, [^\n]*\n$" },
        { { NO_MEMFD, NO_EXEC }, "hello.img", 0, "ok", "vx86: engine interp" },
        { { NO_MEMFD, NO_TEMPORARY, NO_TEMPORARY_BY_OPEN },
          "hello.img",
          1,
          "",
          "^vx86: mmu: cannot get [0-9]+ MiB of host memory for the guest: Read-only file system; [^\n]*\n$" },
        { { NO_MEMFD, { SYS_fallocate, ENOSPC, { { FAULT_ALWAYS, 0, 0 } } } },
          "hello.img",
          1,
          "",
          "^vx86: mmu: cannot get [0-9]+ MiB of host memory for the guest: No space left on device; [^\n]*\n$" },
        { { { SYS_eventfd2, ENOSYS, { { FAULT_ALWAYS, 0, 0 } } } },
          "--gdb-run --gdb 0 hello.img",
          0,
          "ok",
          "engine bt" },
    };
    static struct run_result result;
    run_file(run, "wants-bt", "engine bt\n", 10);
    run_file(run, "nothing", "", 0);
    for (size_t i = 0; i < RUN_ARRAY_LEN(rows); i++) {
        run_finish(run, run_start_in(run, rows[i].args, 1, fault_install, (void *)rows[i].fault), 1, &result);
        run_check(run, result.status == rows[i].status && !result.killed, rows[i].args, &result, "status");
        run_check(run, run_matches(result.out, rows[i].out), rows[i].args, &result, rows[i].out);
        run_check(run, run_matches(result.err, rows[i].err), rows[i].args, &result, rows[i].err);
    }
}

int main(int argc, char **argv)
{
    struct run run;
    if (argc != 2)
        return fprintf(stderr, "usage: limits VX86\n"), 1;
    run_init(&run, argv[1]);
    guests_make(&run);
    harmless(&run);
    ulimits(&run);
    threads(&run, "--snapshot hello.img");
    threads(&run, "--gdb-run --gdb 0 hello.img");
    outputs(&run);
    disks(&run);
    memory(&run);
    return run_fini(&run);
}

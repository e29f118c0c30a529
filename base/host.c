/* host.c - the part of vx86/host.h that POSIX settles, and what every host must fulfil. */
#include "vx86/host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "host_private.h"
#include "vx86/blocking.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* Guest memory and registers are copied to host integers byte for byte everywhere. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vx86 needs a little-endian host");
_Static_assert(sizeof(void *) == 8, "vx86 needs a 64-bit host");

#define NS_PER_SEC  1000000000ull
#define STACK_BYTES (2u << 20)

uint64_t vx_host_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t vx_host_random(void)
{
    uint64_t value;
    VX_ASSERT(getentropy(&value, sizeof value) == 0);
    return value;
}

struct timespec host_timespec(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SEC), .tv_nsec = (long)(ns % NS_PER_SEC) };
}

void vx_host_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    /* Some hosts refuse times that do not fit their own counters: a century is as good as for ever. */
    if (deadline_ns > 100ull * 365 * 86400 * NS_PER_SEC)
        pthread_cond_wait(cond, mutex);
    else
        host_cond_wait_timed(cond, mutex, deadline_ns);
}

/* ---- threads and processes -------------------------------------------------------------------------------------- */

struct thread_start {
    char name[16];
    void *(*fn)(void *);
    void *arg;
};

static void *begin_thread(void *opaque)
{
    struct thread_start start = *(struct thread_start *)opaque;
    free(opaque);
    host_name_thread(start.name);
    vx_host_drop_capabilities();
    return start.fn(start.arg);
}

/* The stack is as large as threads need, whatever `ulimit -s` says of the main thread's. */
static int create_thread(pthread_t *thread, struct thread_start *start)
{
    pthread_attr_t attr;
    int error = pthread_attr_init(&attr);
    if (error != 0)
        return error;
    error = pthread_attr_setstacksize(&attr, STACK_BYTES);
    if (error == 0)
        error = pthread_create(thread, &attr, begin_thread, start);
    pthread_attr_destroy(&attr);
    return error;
}

/* What a thread's own instructions raise: whoever blocks these is ended by them without a handler's word. */
static const int taken_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, VX_BLOCKING_SIGNAL };

bool vx_host_thread_start(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg)
{
    struct thread_start *start = calloc(1, sizeof *start);
    sigset_t blocked, old;
    if (start == NULL)
        return false;
    for (size_t i = 0; i + 1 < sizeof start->name && name[i] != '\0'; i++)
        start->name[i] = name[i];
    start->fn = fn;
    start->arg = arg;
    sigfillset(&blocked);
    for (size_t i = 0; i < VX_ARRAY_LEN(taken_signals); i++)
        sigdelset(&blocked, taken_signals[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &old);
    int error = create_thread(thread, start);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (error == 0)
        return true;
    free(start);
    errno = error;
    return false;
}

void vx_host_raise(int number)
{
    vx_host_signal_thread(vx_host_thread_self(), number);
}

void vx_host_abort(void)
{
    vx_host_raise(SIGABRT);
    abort();
}

static uint64_t ns_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * NS_PER_SEC + (uint64_t)time.tv_usec * 1000u;
}

struct vx_host_usage vx_host_usage(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return (struct vx_host_usage){ 0 };
    return (struct vx_host_usage){ (uint64_t)usage.ru_maxrss * host_maxrss_unit, ns_of(usage.ru_utime),
                                   ns_of(usage.ru_stime) };
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

int host_temporary_file(const char *folder)
{
    char path[64];
    if (snprintf(path, sizeof path, "%s/vx86-XXXXXX", folder) >= (int)sizeof path)
        return -1;
    int fd = mkstemp(path);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static int sized(int fd, uint64_t bytes)
{
    if (fd >= 0 && ftruncate(fd, (off_t)bytes) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* What is mapped must have its room from the start: where it is missing later, an access ends the process. */
static int unnamed_for_mapping(const char *name, unsigned way, uint64_t bytes, unsigned use)
{
    int fd = sized(host_unnamed_file(name, way, use), bytes);
    if (fd < 0 || way == 0 || bytes == 0 || (use & VX_HOST_FILE_WRITTEN) != 0 || host_make_room(fd, bytes))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int vx_host_unnamed_file(const char *name, uint64_t bytes, unsigned use)
{
    int fd = -1;
    for (unsigned way = 0; fd < 0 && way < HOST_UNNAMED_WAYS; way++)
        fd = unnamed_for_mapping(name, way, bytes, use);
    if (fd >= 0 && fcntl(fd, F_SETFD, use & VX_HOST_FILE_INHERITED ? 0 : FD_CLOEXEC) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

void *vx_host_reserve(size_t before, size_t bytes, size_t after)
{
    const size_t align = VX_HOST_HUGE_BYTES, all = before + bytes + after + align;
    uint8_t *at = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    uint8_t *base = at + before + (align - (uintptr_t)(at + before) % align) % align;
    size_t head = (size_t)(base - before - at), tail = all - head - before - bytes - after;
    if (head != 0)
        munmap(at, head);
    if (tail != 0)
        munmap(base + bytes + after, tail);
    return base;
}

/* MAP_FAILED, with errno. */
static void *map_aligned(size_t bytes, int protection, int fd)
{
    void *at = vx_host_reserve(0, bytes, 0);
    if (at == NULL)
        return MAP_FAILED;
    void *mapped = mmap(at, bytes, protection, MAP_SHARED | MAP_FIXED, fd, 0);
    if (mapped == MAP_FAILED) {
        int error = errno;
        munmap(at, bytes);
        errno = error;
        return MAP_FAILED;
    }
    vx_host_ask_huge_pages(mapped, bytes);
    return mapped;
}

static bool map_both(struct vx_host_code *code, int fd)
{
    code->rw = map_aligned(code->bytes, PROT_READ | PROT_WRITE, fd);
    code->rx = map_aligned(code->bytes, PROT_READ | PROT_EXEC, fd);
    if (code->rw != MAP_FAILED && code->rx != MAP_FAILED)
        return true;
    int error = errno;
    if (code->rw != MAP_FAILED)
        munmap(code->rw, code->bytes);
    if (code->rx != MAP_FAILED)
        munmap(code->rx, code->bytes);
    errno = error;
    return false;
}

/* Why there is no code memory: `mapped`, a file could be had but not be mapped. */
static const char *no_code(int error, bool mapped)
{
    switch (error) {
    case ENOMEM: return "there is not enough address space or memory for it";
    case EMFILE:
    case ENFILE: return "too many files are open";
    case EFBIG: return "the limit of file sizes is too low for it";
    case ENOSPC: return "there is no room for it";
    default:
        return mapped ? "this system allows no executable memory (a policy such as SELinux, MDWE or seccomp)"
                      : "this system gives no memory that can be mapped twice";
    }
}

bool host_code_from_file(struct vx_host_code *code, const char **why)
{
    int reason = 0;
    bool mapped = false;
    for (unsigned way = 0; way < HOST_UNNAMED_WAYS; way++) {
        int fd = unnamed_for_mapping("vx86 translation cache", way, code->bytes, 0);
        if (fd < 0) {
            reason = reason == 0 ? errno : reason;
            continue;
        }
        bool ok = map_both(code, fd);
        reason = errno;
        mapped = true;
        close(fd); /* the mappings keep it */
        if (ok)
            return true;
    }
    *why = no_code(reason, mapped);
    errno = reason;
    return false;
}

void vx_host_code_destroy(struct vx_host_code *code)
{
    if (code->rw != NULL)
        munmap(code->rw, code->bytes);
    if (code->rx != NULL)
        munmap(code->rx, code->bytes);
    *code = (struct vx_host_code){ 0 };
}

void vx_host_code_settle(const struct vx_host_code *code, size_t off, size_t bytes)
{
    size_t mask = (size_t)sysconf(_SC_PAGESIZE) - 1;
    size_t from = (off + mask) & ~mask, to = (off + bytes) & ~mask;
    if (to > from)
        (void)madvise(code->rw + from, to - from, MADV_DONTNEED);
}

int64_t vx_host_next_data(int fd, int64_t off)
{
    struct stat stat;
    off_t at = lseek(fd, (off_t)off, SEEK_DATA);
    if (at >= 0 || errno == ENXIO || fstat(fd, &stat) != 0)
        return at;
    return off < stat.st_size ? off : -1;
}

/* ---- processor -------------------------------------------------------------------------------------------------- */

bool vx_host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4])
{
    regs[0] = regs[1] = regs[2] = regs[3] = 0;
#if defined(__x86_64__)
    return __get_cpuid_count(leaf, subleaf, &regs[0], &regs[1], &regs[2], &regs[3]) != 0;
#else
    (void)leaf, (void)subleaf;
    return false;
#endif
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

void vx_host_waker_fini(struct vx_host_waker *waker)
{
    close(waker->fd);
    if (waker->write_fd != waker->fd)
        close(waker->write_fd);
}

void vx_host_waker_wake(const struct vx_host_waker *waker)
{
    uint64_t one = 1; /* what an eventfd takes; a full pipe has woken already */
    if (write(waker->write_fd, &one, sizeof one) < 0)
        return;
}

void vx_host_waker_clear(const struct vx_host_waker *waker)
{
    uint64_t said[8];
    while (read(waker->fd, said, sizeof said) == (ssize_t)sizeof said)
        continue;
}

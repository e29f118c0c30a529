/* host_linux.c - vx86/host.h on Linux. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host_private.h"

#ifndef sigev_notify_thread_id /* glibc leaves it out */
#define sigev_notify_thread_id _sigev_un._tid
#endif

const uint64_t host_maxrss_unit = 1024;

/* ---- time ------------------------------------------------------------------------------------------------------- */

void vx_host_precise_sleep(void)
{
    prctl(PR_SET_TIMERSLACK, 1000ul, 0ul, 0ul, 0ul);
}

static void on_alarm(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    int error = errno;
    if (info->si_code == SI_TIMER) {
        const struct vx_host_alarm *alarm = info->si_value.sival_ptr;
        alarm->ring(alarm->opaque);
    }
    errno = error;
}

/* SIGURG: ignored by default, passed on by debuggers, used by nobody else here. */
bool vx_host_alarm_init(struct vx_host_alarm *alarm)
{
    struct sigaction action = { .sa_sigaction = on_alarm, .sa_flags = SA_SIGINFO | SA_RESTART };
    struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG };
    sigset_t set;
    timer_t timer;
    event.sigev_value.sival_ptr = alarm;
    event.sigev_notify_thread_id = gettid();
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGURG, &action, NULL) != 0 || timer_create(CLOCK_MONOTONIC, &event, &timer) != 0)
        return false;
    alarm->timer = timer;
    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return true;
}

void vx_host_alarm_fini(struct vx_host_alarm *alarm)
{
    vx_host_alarm_set(alarm, UINT64_MAX); /* what is pending for this thread comes before this returns */
    timer_delete(alarm->timer);
}

void vx_host_alarm_set(struct vx_host_alarm *alarm, uint64_t at_ns)
{
    struct itimerspec at = { 0 };
    if (at_ns != UINT64_MAX)
        at.it_value = host_timespec(at_ns != 0 ? at_ns : 1); /* 0 disarms */
    timer_settime(alarm->timer, TIMER_ABSTIME, &at, NULL);
}

bool vx_host_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

void host_cond_wait_timed(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    struct timespec until = host_timespec(deadline_ns);
    pthread_cond_timedwait(cond, mutex, &until);
}

/* ---- threads and processes -------------------------------------------------------------------------------------- */

void host_name_thread(const char *name)
{
    prctl(PR_SET_NAME, (unsigned long)name, 0ul, 0ul, 0ul);
}

uint64_t vx_host_thread_self(void)
{
    return (uint64_t)syscall(SYS_gettid);
}

void vx_host_signal_thread(uint64_t thread, int number)
{
    syscall(SYS_tgkill, getpid(), (pid_t)thread, number);
}

int vx_host_wait_signal(const sigset_t *set, uint64_t until_ns)
{
    for (;;) {
        uint64_t now_ns = vx_host_now_ns();
        struct timespec left = host_timespec(until_ns > now_ns ? until_ns - now_ns : 0);
        int number = until_ns == UINT64_MAX ? sigwaitinfo(set, NULL) : sigtimedwait(set, NULL, &left);
        if (number > 0)
            return number;
        if (errno == EAGAIN)
            return 0;
    }
}

void vx_host_drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
    syscall(SYS_capset, &header, none); /* giving up is never refused */
}

bool vx_host_die_with_parent(void)
{
    return prctl(PR_SET_PDEATHSIG, (unsigned long)SIGKILL, 0ul, 0ul, 0ul) == 0;
}

bool vx_host_own_network(void)
{
    return unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

double vx_host_child_cpu_s(int pid)
{
    clockid_t clock;
    struct timespec used;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) != 0)
        return -1;
    return (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
}

/* The number of KiB behind `key` in a file of a process. */
static bool kib_of(int pid, const char *name, const char *key, uint64_t *bytes)
{
    char path[64], line[256];
    bool found = false;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        found = strncmp(line, key, strlen(key)) == 0;
        if (found)
            *bytes = strtoull(line + strlen(key), NULL, 10) * 1024;
    }
    fclose(file);
    return found;
}

bool vx_host_child_memory(int pid, struct vx_host_memory *memory)
{
    return kib_of(pid, "status", "VmHWM:", &memory->peak) && kib_of(pid, "smaps_rollup", "Pss:", &memory->now);
}

bool vx_host_program_path(char *path, size_t room)
{
    ssize_t length = readlink("/proc/self/exe", path, room - 1);
    if (length < 0 || (size_t)length >= room - 1)
        return false;
    path[length] = '\0';
    return true;
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

void vx_host_one_heap(void)
{
#ifdef M_ARENA_MAX /* glibc */
    mallopt(M_ARENA_MAX, 1);
#endif
}

int host_unnamed_file(const char *name, unsigned way, unsigned use)
{
    (void)use; /* all are for every use */
    static const char *const folders[HOST_UNNAMED_WAYS] = { NULL, "/dev/shm", "/tmp", "/var/tmp" };
    return way == 0 ? memfd_create(name, MFD_CLOEXEC) : host_temporary_file(folders[way]);
}

bool host_make_room(int fd, uint64_t bytes)
{
    errno = posix_fallocate(fd, 0, (off_t)bytes);
    return errno == 0;
}

bool vx_host_code_create(size_t bytes, struct vx_host_code *code, const char **why)
{
    size_t mask = (size_t)sysconf(_SC_PAGESIZE) - 1;
    *code = (struct vx_host_code){ .bytes = (bytes + mask) & ~mask };
    if (host_code_from_file(code, why))
        return true;
    *code = (struct vx_host_code){ 0 };
    return false;
}

void vx_host_ask_huge_pages(void *at, size_t bytes)
{
    (void)madvise(at, bytes, MADV_HUGEPAGE); /* a kernel without them */
}

bool vx_host_grants_huge_pages(void)
{
    char policy[80] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "re");
    if (file == NULL)
        return false;
    if (fgets(policy, sizeof policy, file) == NULL)
        policy[0] = '\0';
    fclose(file);
    return strchr(policy, '[') != NULL && strstr(policy, "[never]") == NULL && strstr(policy, "[deny]") == NULL;
}

uint64_t vx_host_mappings_max(void)
{
    unsigned long count = 65530; /* what the kernel begins with */
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file == NULL)
        return count;
    if (fscanf(file, "%lu", &count) != 1)
        count = 65530;
    fclose(file);
    return count;
}

/* ---- processor -------------------------------------------------------------------------------------------------- */

bool vx_host_gs_base_is_free(void)
{
#if defined(__x86_64__)
    const unsigned long fsgsbase = 2; /* of AT_HWCAP2: the kernel allows it */
    return (getauxval(AT_HWCAP2) & fsgsbase) != 0;
#else
    return false;
#endif
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

int vx_host_socket(int domain, int type, bool blocking)
{
    return socket(domain, type | SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK), 0);
}

bool vx_host_socket_pair(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

int vx_host_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

bool vx_host_pipe(int ends[2])
{
    return pipe2(ends, O_CLOEXEC) == 0;
}

bool vx_host_peer_gone(int fd)
{
    struct pollfd poll_fd = { fd, POLLRDHUP, 0 };
    return poll(&poll_fd, 1, 0) > 0;
}

bool vx_host_waker_init(struct vx_host_waker *waker)
{
    waker->fd = waker->write_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (waker->fd >= 0)
        return true;
    int ends[2]; /* a host that forbids eventfd() */
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return false;
    waker->fd = ends[0];
    waker->write_fd = ends[1];
    return true;
}

int vx_host_sync_data(int fd)
{
    return fdatasync(fd);
}

int vx_host_punch_hole(int fd, uint64_t off_bytes, uint64_t bytes)
{
    return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off_bytes, (off_t)bytes);
}

/* Locks of the open file description, where flock() would not reach a network's server. */
int vx_host_lock_file(int fd, bool exclusive)
{
    struct flock whole = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
    return fcntl(fd, F_OFD_SETLK, &whole) == 0 ? 0 : errno;
}

/* host_macos.c - vx86/host.h on macOS. Written from Apple's documentation; not yet run on a Mac. */
#include <errno.h>
#include <fcntl.h>
#include <libproc.h>
#include <mach-o/dyld.h>
#include <mach/mach.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host_private.h"

const uint64_t host_maxrss_unit = 1;

/* ---- time ------------------------------------------------------------------------------------------------------- */

void vx_host_precise_sleep(void) {}

/* There are no timers of one thread. */
bool vx_host_alarm_init(struct vx_host_alarm *alarm)
{
    (void)alarm;
    return false;
}

void vx_host_alarm_fini(struct vx_host_alarm *alarm)
{
    (void)alarm;
}

void vx_host_alarm_set(struct vx_host_alarm *alarm, uint64_t at_ns)
{
    (void)alarm, (void)at_ns;
}

bool vx_host_cond_init(pthread_cond_t *cond)
{
    return pthread_cond_init(cond, NULL) == 0;
}

void host_cond_wait_timed(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns)
{
    uint64_t now_ns = vx_host_now_ns();
    struct timespec span = host_timespec(deadline_ns > now_ns ? deadline_ns - now_ns : 0);
    pthread_cond_timedwait_relative_np(cond, mutex, &span);
}

/* ---- threads and processes -------------------------------------------------------------------------------------- */

void host_name_thread(const char *name)
{
    pthread_setname_np(name);
}

uint64_t vx_host_thread_self(void)
{
    return (uint64_t)(uintptr_t)pthread_self();
}

void vx_host_signal_thread(uint64_t thread, int number)
{
    pthread_kill((pthread_t)(uintptr_t)thread, number);
}

/* There is no sigtimedwait(): what is pending is looked at every few milliseconds. */
int vx_host_wait_signal(const sigset_t *set, uint64_t until_ns)
{
    static const struct timespec step = { .tv_nsec = 5000000 };
    int number = 0;
    while (until_ns != UINT64_MAX && vx_host_now_ns() < until_ns) {
        sigset_t pending;
        sigpending(&pending);
        for (number = 1; number < NSIG; number++)
            if (sigismember(&pending, number) == 1 && sigismember(set, number) == 1)
                return sigwait(set, &number) == 0 ? number : 0;
        nanosleep(&step, NULL);
    }
    return until_ns == UINT64_MAX && sigwait(set, &number) == 0 ? number : 0;
}

void vx_host_drop_capabilities(void) {}

bool vx_host_die_with_parent(void)
{
    return false;
}

bool vx_host_own_network(void)
{
    return false;
}

double vx_host_child_cpu_s(int pid)
{
    struct proc_taskinfo info;
    if (proc_pidinfo(pid, PROC_PIDTASKINFO, 0, &info, sizeof info) != (int)sizeof info)
        return -1;
    return (double)(info.pti_total_user + info.pti_total_system) * 1e-9;
}

bool vx_host_child_memory(int pid, struct vx_host_memory *memory)
{
    rusage_info_current info;
    if (proc_pid_rusage(pid, RUSAGE_INFO_CURRENT, (rusage_info_t *)&info) != 0)
        return false;
    *memory = (struct vx_host_memory){ .peak = info.ri_lifetime_max_phys_footprint, .now = info.ri_phys_footprint };
    return true;
}

bool vx_host_program_path(char *path, size_t room)
{
    uint32_t size = (uint32_t)room;
    return _NSGetExecutablePath(path, &size) == 0;
}

/* ---- memory ----------------------------------------------------------------------------------------------------- */

static int shared_memory(void)
{
    char name[32];
    snprintf(name, sizeof name, "/vx86-%08x%08x", (unsigned)getpid(), (unsigned)vx_host_now_ns());
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    if (fd >= 0)
        shm_unlink(name);
    return fd;
}

void vx_host_one_heap(void) {}

int host_unnamed_file(const char *name, unsigned way, unsigned use)
{
    static const char *const folders[HOST_UNNAMED_WAYS] = { NULL, "/tmp", "/var/tmp", "." };
    (void)name;
    if (way == 0)
        return use & VX_HOST_FILE_WRITTEN ? -1 : shared_memory(); /* which can be mapped only */
    return host_temporary_file(folders[way]);
}

bool host_make_room(int fd, uint64_t bytes)
{
    fstore_t room = { .fst_flags = F_ALLOCATEALL, .fst_posmode = F_PEOFPOSMODE, .fst_length = (off_t)bytes };
    return fcntl(fd, F_PREALLOCATE, &room) == 0;
}

/* The second view is a remapping of the first one's pages. A process with the hardened runtime needs the entitlement
 * com.apple.security.cs.allow-unsigned-executable-memory for it. */
bool vx_host_code_create(size_t bytes, struct vx_host_code *code, const char **why)
{
    size_t mask = (size_t)sysconf(_SC_PAGESIZE) - 1;
    vm_address_t second = 0;
    vm_prot_t current, most;
    *code = (struct vx_host_code){ .bytes = (bytes + mask) & ~mask };
    *why = "there is not enough address space or memory for it";
    void *first = mmap(NULL, code->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (first == MAP_FAILED)
        return false;
    *why = "this system allows no executable memory (is vx86 signed without the entitlement for it?)";
    kern_return_t error = vm_remap(mach_task_self(), &second, code->bytes, 0, VM_FLAGS_ANYWHERE, mach_task_self(),
                                   (vm_address_t)(uintptr_t)first, FALSE, &current, &most, VM_INHERIT_NONE);
    if (error == KERN_SUCCESS && mprotect((void *)(uintptr_t)second, code->bytes, PROT_READ | PROT_EXEC) != 0) {
        munmap((void *)(uintptr_t)second, code->bytes);
        error = KERN_PROTECTION_FAILURE;
    }
    if (error != KERN_SUCCESS) {
        munmap(first, code->bytes);
        *code = (struct vx_host_code){ 0 };
        return false;
    }
    code->rw = first;
    code->rx = (uint8_t *)(uintptr_t)second;
    return true;
}

/* Not for memory that is shared. */
void vx_host_ask_huge_pages(void *at, size_t bytes)
{
    (void)at, (void)bytes;
}

bool vx_host_grants_huge_pages(void)
{
    return false;
}

/* The system names no limit. */
uint64_t vx_host_mappings_max(void)
{
    return UINT32_MAX;
}

/* ---- processor -------------------------------------------------------------------------------------------------- */

/* GS is the C library's. */
bool vx_host_gs_base_is_free(void)
{
    return false;
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

static int kept_private(int fd, bool blocking)
{
    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && (blocking || fcntl(fd, F_SETFL, O_NONBLOCK) == 0))
        return fd;
    close(fd);
    return -1;
}

int vx_host_socket(int domain, int type, bool blocking)
{
    return kept_private(socket(domain, type, 0), blocking);
}

bool vx_host_socket_pair(int ends[2])
{
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return false;
    if (kept_private(ends[0], false) >= 0) {
        if (kept_private(ends[1], true) >= 0)
            return true;
        close(ends[0]);
    } else {
        close(ends[1]);
    }
    return false;
}

int vx_host_accept(int listener)
{
    return kept_private(accept(listener, NULL, NULL), false);
}

static bool private_pipe(int ends[2], bool blocking)
{
    if (pipe(ends) != 0)
        return false;
    if (kept_private(ends[0], blocking) >= 0) {
        if (kept_private(ends[1], blocking) >= 0)
            return true;
        close(ends[0]);
    } else {
        close(ends[1]);
    }
    return false;
}

bool vx_host_pipe(int ends[2])
{
    return private_pipe(ends, true);
}

bool vx_host_peer_gone(int fd)
{
    struct pollfd poll_fd = { fd, 0, 0 };
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLHUP) != 0;
}

bool vx_host_waker_init(struct vx_host_waker *waker)
{
    int ends[2];
    if (!private_pipe(ends, false))
        return false;
    waker->fd = ends[0];
    waker->write_fd = ends[1];
    return true;
}

/* fsync() leaves the data in the drive's cache. */
int vx_host_sync_data(int fd)
{
    return fcntl(fd, F_FULLFSYNC) == 0 ? 0 : fsync(fd);
}

int vx_host_punch_hole(int fd, uint64_t off_bytes, uint64_t bytes)
{
    fpunchhole_t hole = { .fp_offset = (off_t)off_bytes, .fp_length = (off_t)bytes };
    return fcntl(fd, F_PUNCHHOLE, &hole);
}

int vx_host_lock_file(int fd, bool exclusive)
{
    return flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 ? 0 : errno;
}

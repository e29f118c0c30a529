/* host.h - all that differs between the hosts on which vx86 runs, on one page.
 *
 * base/host.c has what POSIX settles, base/host_linux.c and base/host_macos.c the rest; no other file asks which
 * system it is compiled for. Functions that make something return -1, NULL or false where the host does not grant it,
 * with errno set; the caller says what that means to the user. Thread rule: none, there is no shared state. */
#ifndef VX86_HOST_H
#define VX86_HOST_H

#include <pthread.h>
#include <signal.h>

#include "vx86/compiler.h"

/* ---- time, randomness -------------------------------------------------------------------------------------------- */

/* A clock that never goes back, in nanoseconds. */
uint64_t vx_host_now_ns(void);

/* 64 bits of the host's entropy, fit for keys. */
uint64_t vx_host_random(void);

/* Asks the host to wake the calling thread close to its deadlines, where it can. */
void vx_host_precise_sleep(void);

/* An alarm of one thread: at a host-monotonic time it interrupts the thread and calls ring(opaque) there, in a signal
 * handler (SIGURG). What that may do is what a handler may: atomic stores. A rare one too many comes when the time was
 * changed just then. False: the host has no such thing, or no more of them. */
struct vx_host_alarm {
    void (*ring)(void *opaque);
    void *opaque;
    /* private */
    void *timer;
};
/* For the calling thread; ring and opaque are set. */
VX_MUST_USE bool vx_host_alarm_init(struct vx_host_alarm *alarm);
/* By that thread, or after its end. */
void vx_host_alarm_fini(struct vx_host_alarm *alarm);
/* At vx_host_now_ns() == at_ns, once, soon if that has gone by; UINT64_MAX: not. ring() may call it, too. */
void vx_host_alarm_set(struct vx_host_alarm *alarm, uint64_t at_ns);

/* Waits until signalled or until vx_host_now_ns() >= deadline_ns (UINT64_MAX: for ever). May return early. The
 * condition comes from vx_host_cond_init(). */
VX_MUST_USE bool vx_host_cond_init(pthread_cond_t *cond);
void vx_host_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *mutex, uint64_t deadline_ns);

/* ---- threads and processes -------------------------------------------------------------------------------------- */

/* Starts a thread in which all signals are blocked but VX_BLOCKING_SIGNAL and those that the thread's own instructions
 * raise. `name` (up to 15 characters) is what tools show. For vx_thread_start() (vx86/thread.h), which says what has
 * gone wrong. */
VX_MUST_USE bool vx_host_thread_start(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg);

/* Names the calling thread for vx_host_signal_thread(), which sends it a signal while it runs. */
uint64_t vx_host_thread_self(void);
void vx_host_signal_thread(uint64_t thread, int number);
/* Sends a signal to the calling thread; ends the process by SIGABRT. In a sandbox too, whatever the C library's raise()
 * and abort() do. Both may be called in handlers. */
void vx_host_raise(int number);
_Noreturn void vx_host_abort(void);

/* Waits for one of the signals in `set` (blocked in all threads) and takes it: its number, or 0 when
 * vx_host_now_ns() >= until_ns (UINT64_MAX: never) comes first. */
int vx_host_wait_signal(const sigset_t *set, uint64_t until_ns);

/* The calling thread has no capabilities (Linux) from now on; nor have threads that it starts. Every thread that
 * vx_host_thread_start() starts begins so. */
void vx_host_drop_capabilities(void);

/* In a child after fork(): end with the parent, however that ends. Where the host cannot promise it: false. */
bool vx_host_die_with_parent(void);

/* In a child after fork(): a network of its own, so that what it runs reaches nobody. False where that is refused. */
bool vx_host_own_network(void);

/* Processor time that a running child has used, in seconds; negative: the host does not tell. */
double vx_host_child_cpu_s(int pid);

/* Memory of a running child, in bytes: most ever, and now, with its part of what it shares if the host tells that.
 * False: the host tells nothing. */
struct vx_host_memory {
    uint64_t peak, now;
};
VX_MUST_USE bool vx_host_child_memory(int pid, struct vx_host_memory *memory);

/* Path of the running program. */
VX_MUST_USE bool vx_host_program_path(char *path, size_t room);

/* Of this process: most bytes resident ever, and processor time. */
struct vx_host_usage {
    uint64_t peak_bytes, user_ns, system_ns;
};
struct vx_host_usage vx_host_usage(void);

/* ---- memory ----------------------------------------------------------------------------------------------------- */

/* Before any thread: all threads allocate from one heap. Heaps of their own would grow by system calls of their own,
 * and the C library would read files of the host's about them. */
void vx_host_one_heap(void);

/* A file without a name, `bytes` long, that can be mapped shared: guest memory, what a child is handed, what a disk has
 * no other place for. The ways are tried in turn: memory without a name, a shared memory object, a temporary file.
 * Returns its descriptor. */
enum vx_host_file_use {
    VX_HOST_FILE_WRITTEN = 1,   /* pread() and pwrite() work on it too */
    VX_HOST_FILE_INHERITED = 2, /* it stays open on exec */
};
int vx_host_unnamed_file(const char *name, uint64_t bytes, unsigned use);

/* Huge pages: what is mapped shared at a multiple of VX_HOST_HUGE_BYTES, and asked for, gets them where the host's
 * policy allows that (Linux: /sys/kernel/mm/transparent_hugepage/shmem_enabled, "never" on most). */
#define VX_HOST_HUGE_BYTES (2u << 20)
/* Address space for such a mapping of `bytes`, with `before` bytes before it and `after` behind, inaccessible all of
 * it; NULL, with errno. Page sizes divide the numbers. munmap() gives it back. */
void *vx_host_reserve(size_t before, size_t bytes, size_t after);
void vx_host_ask_huge_pages(void *at, size_t bytes);
/* Does this host grant them? */
bool vx_host_grants_huge_pages(void);

/* Code memory: the same bytes twice, written through one view and run through the other. */
struct vx_host_code {
    uint8_t *rw, *rx;
    size_t bytes; /* whole pages */
};
/* False with *why (static storage) a reason that a user understands. */
VX_MUST_USE bool vx_host_code_create(size_t bytes, struct vx_host_code *code, const char **why);
void vx_host_code_destroy(struct vx_host_code *code);
/* The bytes from `off` on will hardly be written any more: their pages need not be present in the view for writing. */
void vx_host_code_settle(const struct vx_host_code *code, size_t off, size_t bytes);

/* Where an unnamed file goes on with bytes that were ever written, from `off` on; -1 behind the last. A host that keeps
 * no account of it takes all bytes for written. */
int64_t vx_host_next_data(int fd, int64_t off);

/* How many mappings a process may have. */
uint64_t vx_host_mappings_max(void);

/* ---- processor -------------------------------------------------------------------------------------------------- */

/* CPUID of an x86 host: eax, ebx, ecx, edx. All zero, and false, for leaves beyond the host's and on other hosts. */
bool vx_host_cpuid(uint32_t leaf, uint32_t subleaf, uint32_t regs[4]);

/* May user code of an x86-64 host load GS's base (WRGSBASE), and is it free for that? */
bool vx_host_gs_base_is_free(void);

/* ---- faults (hosts of x86-64 only) ------------------------------------------------------------------------------- */

/* What SIGSEGV, SIGBUS, SIGFPE or SIGILL mean, in a handler with SA_SIGINFO. */
enum vx_host_fault_kind {
    VX_HOST_FAULT_OTHER, /* memory behind the end of its file, ... */
    VX_HOST_FAULT_SENT,  /* a process has sent the signal: it does not come again by itself */
    VX_HOST_FAULT_PAGE,  /* memory is not mapped, or not for this access */
    VX_HOST_FAULT_INSN, /* the instruction itself, on operands that are accessible: #DE, #GP, #SS, #AC, #MF, #XM, #UD */
};
struct vx_host_fault {
    enum vx_host_fault_kind kind;
    bool write;   /* of a PAGE */
    uint64_t lin; /* of a PAGE: the address accessed */
};
struct vx_host_fault vx_host_fault(int sig, const siginfo_t *info, const void *context);

/* Registers of the interrupted thread, with which it goes on when the handler returns. */
enum vx_host_reg { VX_HOST_RIP, VX_HOST_R8, VX_HOST_R9 };
uint64_t vx_host_reg(const void *context, enum vx_host_reg reg);
void vx_host_set_reg(void *context, enum vx_host_reg reg, uint64_t value);

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

/* All are closed on exec. */
int vx_host_socket(int domain, int type, bool blocking);
/* Two stream sockets joined to each other; [0] does not block. */
VX_MUST_USE bool vx_host_socket_pair(int ends[2]);
/* A waiting connection of a listening socket, not blocking. */
int vx_host_accept(int listener);
VX_MUST_USE bool vx_host_pipe(int ends[2]);
/* Has the peer of a socket hung up, though what it sent last may not be read yet? */
bool vx_host_peer_gone(int fd);

/* Wakes a thread that waits in poll() for `fd` to become readable. */
struct vx_host_waker {
    int fd, write_fd; /* equal where one descriptor serves both */
};
VX_MUST_USE bool vx_host_waker_init(struct vx_host_waker *waker);
void vx_host_waker_fini(struct vx_host_waker *waker);
void vx_host_waker_wake(const struct vx_host_waker *waker);
/* Takes back all that was said so far. */
void vx_host_waker_clear(const struct vx_host_waker *waker);

/* Everything written so far is on stable storage when it returns 0; else -1 with errno. */
int vx_host_sync_data(int fd);

/* The bytes of a range inside an open file or block device read as zeros afterwards and take no room: 0, or -1 with
 * errno where the host, the file system or the device cannot (nothing has changed then). */
int vx_host_punch_hole(int fd, uint64_t off_bytes, uint64_t bytes);

/* Locks a whole open file against other openers, without waiting: 0, or an errno value. The lock belongs to the open
 * file and ends with it. */
int vx_host_lock_file(int fd, bool exclusive);

#endif

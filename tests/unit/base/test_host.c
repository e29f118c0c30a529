/* test_host.c - what vx86/host.h promises of whichever host this is. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vx86/host.h"

Test(host, time_goes_on)
{
    uint64_t before = vx_host_now_ns();
    usleep(2000);
    cr_expect_geq(vx_host_now_ns() - before, 2000000);
    cr_expect_neq(vx_host_random(), vx_host_random());
}

Test(host, room_for_mappings)
{
    const size_t page = 65536, bytes = 5 << 20; /* page: of any host */
    uint8_t *at = vx_host_reserve(page, bytes, 2 * page);
    cr_assert(at != NULL && (uintptr_t)at % VX_HOST_HUGE_BYTES == 0);
    int fd = vx_host_unnamed_file("test", bytes, 0);
    cr_assert(mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == at);
    vx_host_ask_huge_pages(at, bytes);
    memset(at, 0x5A, bytes);
    cr_expect(at[0] == 0x5A && at[bytes - 1] == 0x5A);
    cr_expect_eq(munmap(at - page, page + bytes + 2 * page), 0);
    close(fd);
    (void)vx_host_grants_huge_pages();
    errno = 0;
    cr_expect(vx_host_reserve(0, SIZE_MAX / 4 / VX_HOST_HUGE_BYTES * VX_HOST_HUGE_BYTES, 0) == NULL && errno == ENOMEM);
}

Test(host, unnamed_files)
{
    for (unsigned use = 0; use <= (VX_HOST_FILE_WRITTEN | VX_HOST_FILE_INHERITED); use++) {
        int fd = vx_host_unnamed_file("test", 3 << 20, use);
        cr_assert_geq(fd, 0);
        cr_expect_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, use & VX_HOST_FILE_INHERITED ? 0 : FD_CLOEXEC);
        uint8_t *at = mmap(NULL, 3 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        cr_assert_neq(at, MAP_FAILED);
        at[2 << 20] = 1;
        int64_t data = vx_host_next_data(fd, 0);
        cr_expect(data >= 0 && data <= 2 << 20, "data at %lld", (long long)data);
        cr_expect_lt(vx_host_next_data(fd, 3 << 20), 0);
        if (use & VX_HOST_FILE_WRITTEN)
            cr_expect(pwrite(fd, "ab", 2, 4096) == 2 && at[4097] == 'b');
        munmap(at, 3 << 20);
        close(fd);
    }
}

/* A file without holes to tell of: all of it counts as data, up to its end. */
Test(host, data_of_what_cannot_seek)
{
    int ends[2];
    cr_assert(vx_host_pipe(ends));
    cr_expect_lt(vx_host_next_data(ends[0], 0), 0);
    close(ends[0]);
    close(ends[1]);
}

Test(host, code_memory_has_two_views)
{
    struct vx_host_code code;
    const char *why = NULL;
    cr_assert(vx_host_code_create(100000, &code, &why), "%s", why);
    cr_expect(code.bytes >= 100000 && code.bytes % (size_t)sysconf(_SC_PAGESIZE) == 0);
    memset(code.rw, 0x5A, code.bytes);
    cr_expect_eq(code.rx[code.bytes - 1], 0x5A);
    vx_host_code_settle(&code, 1, code.bytes - 1);
    cr_expect(code.rx[99999] == 0x5A && code.rw[99999] == 0x5A);
    vx_host_code_destroy(&code);
    cr_expect_null(code.rw);
}

Test(host, wakers)
{
    struct vx_host_waker waker;
    cr_assert(vx_host_waker_init(&waker));
    struct pollfd poll_fd = { waker.fd, POLLIN, 0 };
    cr_expect_eq(poll(&poll_fd, 1, 0), 0);
    for (unsigned i = 0; i < 20; i++)
        vx_host_waker_wake(&waker);
    cr_expect_eq(poll(&poll_fd, 1, 1000), 1);
    vx_host_waker_clear(&waker);
    cr_expect_eq(poll(&poll_fd, 1, 0), 0);
    vx_host_waker_fini(&waker);
}

static volatile sig_atomic_t raised;

static void on_signal(int number)
{
    raised = number;
}

Test(host, signals_to_this_thread)
{
    signal(SIGUSR1, on_signal);
    vx_host_raise(SIGUSR1);
    cr_expect_eq(raised, SIGUSR1);
    raised = 0;
    vx_host_signal_thread(vx_host_thread_self(), SIGUSR1);
    cr_expect_eq(raised, SIGUSR1);
}

Test(host, a_peer_that_has_gone)
{
    int ends[2];
    char byte;
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    cr_expect_not(vx_host_peer_gone(ends[0]));
    cr_assert_eq(write(ends[1], "x", 1), 1);
    close(ends[1]);
    cr_expect(vx_host_peer_gone(ends[0]));
    cr_expect_eq(read(ends[0], &byte, 1), 1);
    close(ends[0]);
}

Test(host, locks)
{
    int fd = vx_host_unnamed_file("test", 4096, VX_HOST_FILE_WRITTEN), other;
    char path[64];
    cr_assert_geq(fd, 0);
    snprintf(path, sizeof path, "/dev/fd/%d", fd);
    other = open(path, O_RDWR);
    cr_assert_eq(vx_host_lock_file(fd, true), 0);
    if (other >= 0) {
        int error = vx_host_lock_file(other, false);
        cr_expect(error == EAGAIN || error == EACCES || error == EWOULDBLOCK, "%s", strerror(error));
        close(fd);
        cr_expect_eq(vx_host_lock_file(other, false), 0);
        close(other);
    }
}

Test(host, of_this_process)
{
    char path[1024];
    cr_assert(vx_host_program_path(path, sizeof path));
    cr_expect_eq(access(path, X_OK), 0, "%s", path);
    volatile uint8_t *touched = malloc(8 << 20);
    for (size_t i = 0; i < 8 << 20; i += 1024)
        touched[i] = 1;
    cr_expect_gt(vx_host_usage().peak_bytes, 6 << 20); /* kernels count in steps */
    free((void *)touched);
    cr_expect_gt(vx_host_mappings_max(), 1000);
}

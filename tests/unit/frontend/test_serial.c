/* test_serial.c - the serial back ends on pipes and a pseudo terminal, with a pretended UART. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "serial_queue.h"
#include "serial_rig.h"
#include "terminal_raw.h"

/* Until the user has left, or long enough. */
static void run_until_left(struct rig *rig)
{
    for (unsigned i = 0; i < 400 && rig->leaves == 0; i++) {
        vx_loop_wait(rig->loop, vx_host_now_ns() + 50000000);
        vx_loop_run_posted(rig->loop);
    }
}

/* A pipe's bytes all arrive, Ctrl-A x among them, in order, however slowly the guest takes them; then its end is
 * nothing special. */
Test(serial, pipe_back_pressure)
{
    struct rig *rig = calloc(1, sizeof *rig);
    uint8_t *sent = malloc(INPUT_BYTES);
    cr_assert(pipe(rig->in) == 0 && pipe(rig->out) == 0);
    fcntl(rig->in[1], F_SETPIPE_SZ, 1 << 20);
    for (unsigned i = 0; i < INPUT_BYTES; i++)
        sent[i] = (uint8_t)(i * 7 % 251);
    memcpy(sent + 100, "\001x\001d\001\001x", 7);
    cr_assert_eq(write(rig->in[1], sent, INPUT_BYTES), INPUT_BYTES);
    close(rig->in[1]);
    set_up(rig, "stdio", rig->in[0], rig->out[1]);
    rig->room = 16;
    run_until(rig, INPUT_BYTES);
    cr_assert_eq(rig->count, INPUT_BYTES, "%zu bytes", rig->count);
    cr_assert(memcmp(sent, rig->got, INPUT_BYTES) == 0 && rig->leaves == 0);
    rig->chr->ops->write(rig->chr->opaque, (const uint8_t *)"out\n", 4);
    char text[8];
    cr_assert_eq(read(rig->out[0], text, sizeof text), 4);
    cr_assert(memcmp(text, "out\n", 4) == 0);
    tear_down(rig);
    free(sent);
    free(rig);
}

/* In a pipe the prefix, where it is wanted, takes effect in its turn: what stands before it reaches the guest first. */
Test(serial, pipe_prefix_in_order)
{
    struct rig *rig = calloc(1, sizeof *rig);
    cr_assert(pipe(rig->in) == 0 && pipe(rig->out) == 0);
    rig->escape = true;
    set_up(rig, "stdio", rig->in[0], rig->out[1]);
    cr_assert_eq(write(rig->in[1], "ab\001a\001zc\001x", 9), 9);
    rig->room = 2;
    for (unsigned i = 0; i < 5; i++) {
        vx_loop_wait(rig->loop, vx_host_now_ns() + 20000000);
        vx_loop_run_posted(rig->loop);
    }
    cr_assert(rig->count == 2 && rig->leaves == 0);
    rig->room = 16;
    rig->chr->ops->can_receive(rig->chr->opaque);
    run_until(rig, 4);
    cr_assert(rig->count == 4 && memcmp(rig->got, "ab\001c", 4) == 0 && rig->leaves == 1);
    tear_down(rig);
    free(rig);
}

static int open_pty(int *slave)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    *slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    cr_assert(*slave >= 0);
    return master;
}

/* What the terminal shows, until it has been quiet for a while. */
static void take_all(int master, char *text, size_t room)
{
    struct pollfd fd = { .fd = master, .events = POLLIN };
    size_t at = 0;
    while (at + 1 < room && poll(&fd, 1, 100) == 1) {
        ssize_t got = read(master, text + at, room - 1 - at);
        cr_assert_gt(got, 0);
        at += (size_t)got;
    }
    text[at] = '\0';
}

static bool is_raw(int fd)
{
    struct termios t;
    return tcgetattr(fd, &t) == 0 && !(t.c_lflag & (ICANON | ECHO | ISIG));
}

/* A terminal is raw meanwhile; Ctrl-A x works though the guest takes nothing; no second user is let in. */
Test(serial, terminal)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct serial *second;
    int slave, master = open_pty(&slave);
    cr_assert(!is_raw(slave));
    rig->escape = true;
    set_up(rig, "stdio", slave, slave);
    cr_assert(is_raw(slave));
    cr_assert_eq(serial_create(&(struct serial_config){ .log = rig->log,
                                                        .loop = rig->loop,
                                                        .spec = "stdio",
                                                        .option = "--serial",
                                                        .port = "COM1",
                                                        .in_fd = slave,
                                                        .out_fd = slave },
                               &second),
                 VX_ERR_LOCKED);
    cr_assert_eq(write(master, "ls\r\003\001h\001x", 8), 8);
    run_until_left(rig);
    cr_assert(rig->leaves == 1 && rig->count == 0);
    rig->room = 16;
    rig->chr->ops->can_receive(rig->chr->opaque);
    cr_assert(rig->count == 4 && memcmp(rig->got, "ls\r\003", 4) == 0);
    char text[512];
    take_all(master, text, sizeof text);
    cr_assert_not_null(strstr(text, "leave vx86"));
    tear_down(rig);
    cr_assert(!is_raw(slave));
    free(rig);
}

/* Where no key is vx86's, Ctrl-A x is the guest's. */
Test(serial, terminal_without_escape)
{
    struct rig *rig = calloc(1, sizeof *rig);
    int slave, master = open_pty(&slave);
    set_up(rig, "stdio", slave, slave);
    rig->room = 16;
    cr_assert_eq(write(master, "a\001x\001a\001\001", 7), 7);
    run_until(rig, 7);
    cr_assert(rig->leaves == 0 && rig->count == 7 && memcmp(rig->got, "a\001x\001a\001\001", 7) == 0);
    tear_down(rig);
    free(rig);
}

/* Whatever ends the process, the terminal is itself again. */
Test(serial, terminal_restored_on_every_exit)
{
    static const int signals[] = { 0, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGABRT, SIGSEGV, SIGBUS };
    for (size_t i = 0; i < VX_ARRAY_LEN(signals); i++) {
        int slave, status, master = open_pty(&slave);
        pid_t child = fork();
        if (child == 0) {
            setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
            for (size_t s = 1; s < VX_ARRAY_LEN(signals); s++)
                signal(signals[s], SIG_DFL);
            if (terminal_raw_enter(slave, slave) != VX_ERR_OK || !is_raw(slave))
                _exit(99);
            if (signals[i] == 0)
                exit(7);
            raise(signals[i]);
            _exit(98);
        }
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_expect(signals[i] == 0 ? WIFEXITED(status) && WEXITSTATUS(status) == 7
                                  : WIFSIGNALED(status) && WTERMSIG(status) == signals[i],
                  "signal %d: status %x", signals[i], (unsigned)status);
        cr_expect(!is_raw(slave), "signal %d", signals[i]);
        char text[512];
        take_all(master, text, sizeof text);
        cr_expect(strncmp(text, "\033[22;0t", 7) == 0 && strstr(text, "\033[?1049l") != NULL &&
                  strstr(text, "\033[23;0t") != NULL);
        close(slave);
        close(master);
    }
}

/* What is pasted into a terminal arrives whole, though the guest is slower than the paste. */
Test(serial, terminal_paste)
{
    struct rig *rig = calloc(1, sizeof *rig);
    int slave, master = open_pty(&slave);
    set_up(rig, "stdio", slave, slave);
    send_and_compare(rig, master);
    tear_down(rig);
    free(rig);
}

/* Ctrl-A x is found behind a paste of which the guest has taken nothing. */
Test(serial, terminal_prefix_behind_paste)
{
    struct rig *rig = calloc(1, sizeof *rig);
    int slave, master = open_pty(&slave);
    uint8_t text[1000];
    memset(text, 'x', sizeof text);
    rig->escape = true;
    set_up(rig, "stdio", slave, slave);
    for (unsigned i = 0; i < 100; i++) {
        cr_assert_eq(write(master, text, sizeof text), sizeof text);
        vx_loop_wait(rig->loop, vx_host_now_ns() + 20000000);
        vx_loop_run_posted(rig->loop);
    }
    cr_assert_eq(write(master, "\001x", 2), 2);
    run_until_left(rig);
    cr_assert(rig->leaves == 1 && rig->count == 0);
    rig->room = 16;
    rig->chr->ops->can_receive(rig->chr->opaque);
    run_until(rig, 100 * sizeof text);
    cr_assert_eq(rig->count, 100 * sizeof text);
    tear_down(rig);
    free(rig);
}

/* A full queue takes no more until bytes have left it, and keeps their order through every move. */
Test(serial, queue)
{
    struct serial_queue queue = { 0 };
    size_t in = 0, out = 0;
    while (serial_queue_reserve(&queue))
        serial_queue_add(&queue, (uint8_t)(in++ % 251));
    cr_assert_geq(in, SERIAL_QUEUE_MAX_BYTES);
    bool equal = true;
    while (queue.count != 0) {
        size_t n = queue.count < 5000 ? queue.count : 5000;
        for (size_t i = 0; i < n; i++)
            equal &= queue.bytes[queue.at + i] == (uint8_t)(out++ % 251);
        serial_queue_drop(&queue, n);
        for (size_t i = 0; i < 1000 && in < 3 * SERIAL_QUEUE_MAX_BYTES && serial_queue_reserve(&queue); i++)
            serial_queue_add(&queue, (uint8_t)(in++ % 251));
    }
    cr_assert(equal && in == out, "%zu in, %zu out", in, out);
    cr_assert_leq(queue.room, 4096);
    serial_queue_fini(&queue);
}

/* ------------------------------------------------------------------------------------------------------------------ */

Test(serial, file_none_and_nonsense)
{
    struct rig *rig = calloc(1, sizeof *rig);
    static const struct {
        const char *spec;
        vx_err err;
    } bad[] = {
        { "stdoi", VX_ERR_BAD_ARGUMENT },
        { "file:", VX_ERR_BAD_ARGUMENT },
        { "", VX_ERR_BAD_ARGUMENT },
        { "pipe:", VX_ERR_BAD_ARGUMENT },
        { "unix:", VX_ERR_BAD_ARGUMENT },
        { "pty:", VX_ERR_BAD_ARGUMENT },
        { "stdio ", VX_ERR_BAD_ARGUMENT },
        { "pipe:/nonexistent/x", VX_ERR_ACCESS },
        { "unix:/nonexistent/x", VX_ERR_ACCESS },
        { "unix:/nonexistent/x,server", VX_ERR_ACCESS },
        { "tcp:127.0.0.1", VX_ERR_ACCESS },
        { "tcp:127.0.0.1:65536,server", VX_ERR_ACCESS },
        { "tcp:127.0.0.1:1x", VX_ERR_ACCESS },
        { "tcp:::1:80", VX_ERR_ACCESS },
        { "tcp:127.0.0.1:1", VX_ERR_ACCESS },
        { "file:/nonexistent/x", VX_ERR_ACCESS },
        { "file:/", VX_ERR_ACCESS },
    };
    char path[] = "/tmp/vx86-serial-XXXXXX", spec[64], text[16] = "";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    snprintf(spec, sizeof spec, "file:%s", path);
    set_up(rig, spec, -1, -1);
    rig->chr->ops->write(rig->chr->opaque, (const uint8_t *)"boot\r\n", 6);
    cr_assert_null(rig->chr->ops->can_receive);
    cr_assert(read(fd, text, sizeof text) == 6 && strcmp(text, "boot\r\n") == 0);
    unlink(path);
    for (size_t i = 0; i < VX_ARRAY_LEN(bad); i++) {
        struct serial *serial;
        cr_expect_eq(
            serial_create(
                &(struct serial_config){
                    .log = rig->log, .loop = rig->loop, .spec = bad[i].spec, .option = "--serial", .port = "COM1" },
                &serial),
            bad[i].err, "%s", bad[i].spec);
    }
    tear_down(rig);
    set_up(rig, "none", -1, -1);
    cr_assert_null(rig->chr);
    tear_down(rig);
    free(rig);
}

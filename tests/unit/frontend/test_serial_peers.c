/* test_serial_peers.c - the serial back ends whose other end comes and goes: sockets, FIFOs, a pty. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "serial_rig.h"
#include "vx86/socket.h"

static void run_a_while(struct rig *rig)
{
    for (unsigned i = 0; i < 10; i++) {
        vx_loop_wait(rig->loop, vx_host_now_ns() + 20000000);
        vx_loop_run_posted(rig->loop);
    }
}

static void say(struct rig *rig, const char *text)
{
    rig->chr->ops->write(rig->chr->opaque, (const uint8_t *)text, strlen(text));
}

static bool hears(int fd, const char *text)
{
    char got[64];
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    return poll(&ready, 1, 10000) == 1 && read(fd, got, sizeof got) == (ssize_t)strlen(text) &&
           memcmp(got, text, strlen(text)) == 0;
}

/* One connection after the other; what the guest says while nobody is there is gone, and costs nothing. */
Test(serial_peers, unix_server)
{
    struct rig *rig = calloc(1, sizeof *rig);
    char folder[] = "/tmp/vx86-serial-XXXXXX", path[64], spec[96];
    struct stat st;
    signal(SIGPIPE, SIG_IGN);
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/line", folder);
    snprintf(spec, sizeof spec, "unix:%s,server", path);
    set_up(rig, spec, -1, -1);
    cr_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600 && serial_listens(rig->serial));
    say(rig, "nobody");
    for (unsigned turn = 0; turn < 3; turn++) {
        int peer = vx_socket_connect_path(path);
        cr_assert_geq(peer, 0);
        run_a_while(rig);
        say(rig, "login: ");
        cr_assert(hears(peer, "login: "));
        rig->count = 0;
        rig->room = 16;
        cr_assert_eq(write(peer, "root\001x\n", 7), 7);
        run_until(rig, 7);
        cr_assert(memcmp(rig->got, "root\001x\n", 7) == 0 && rig->leaves == 0);
        close(peer);
        say(rig, "gone");
        run_a_while(rig);
        say(rig, "gone");
    }
    cr_assert(!serial_lost_output(rig->serial));
    tear_down(rig);
    unlink(path);
    rmdir(folder);
    free(rig);
}

/* A peer that reads nothing costs the guest a second once, and is served again when it reads. */
Test(serial_peers, stalled_peer)
{
    struct rig *rig = calloc(1, sizeof *rig);
    char folder[] = "/tmp/vx86-serial-XXXXXX", path[64], spec[96], dump[4096];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/line", folder);
    snprintf(spec, sizeof spec, "unix:%s", path);
    int listener = vx_socket_listen_path(path);
    cr_assert_geq(listener, 0);
    set_up(rig, spec, -1, -1);
    int peer = vx_host_accept(listener);
    cr_assert_geq(peer, 0);
    uint64_t start = vx_host_now_ns();
    memset(dump, 'x', sizeof dump);
    for (unsigned i = 0; i < 4096; i++)
        rig->chr->ops->write(rig->chr->opaque, (const uint8_t *)dump, sizeof dump);
    cr_assert_lt(vx_host_now_ns() - start, PATIENCE_NS);
    while (read(peer, dump, sizeof dump) > 0)
        continue;
    say(rig, "again");
    cr_assert(hears(peer, "again") && !serial_lost_output(rig->serial));
    send_and_compare(rig, peer);
    tear_down(rig);
    unlink(path);
    rmdir(folder);
    free(rig);
}

Test(serial_peers, tcp)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct sockaddr_in address = { 0 };
    socklen_t size = sizeof address;
    char spec[64];
    int listener = vx_socket_listen_tcp("127.0.0.1:0");
    cr_assert(listener >= 0 && getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    snprintf(spec, sizeof spec, "tcp:127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    set_up(rig, spec, -1, -1);
    struct pollfd ready = { .fd = listener, .events = POLLIN };
    cr_assert_eq(poll(&ready, 1, 10000), 1);
    int peer = vx_host_accept(listener);
    cr_assert_geq(peer, 0);
    say(rig, "ok\r\n");
    cr_assert(hears(peer, "ok\r\n"));
    send_and_compare(rig, peer);
    tear_down(rig);
    free(rig);
}

/* The FIFOs stay open while their other sides come and go. */
Test(serial_peers, fifos)
{
    struct rig *rig = calloc(1, sizeof *rig);
    char folder[] = "/tmp/vx86-serial-XXXXXX", in[64], out[64], spec[64];
    cr_assert_not_null(mkdtemp(folder));
    snprintf(in, sizeof in, "%s/line.in", folder);
    snprintf(out, sizeof out, "%s/line.out", folder);
    snprintf(spec, sizeof spec, "pipe:%s/line", folder);
    cr_assert(mkfifo(in, 0600) == 0 && mkfifo(out, 0600) == 0);
    set_up(rig, spec, -1, -1);
    int reader = open(out, O_RDONLY), writer = open(in, O_WRONLY);
    say(rig, "ok");
    cr_assert(hears(reader, "ok"));
    close(writer);
    writer = open(in, O_WRONLY);
    send_and_compare(rig, writer);
    tear_down(rig);
    unlink(in);
    unlink(out);
    rmdir(folder);
    free(rig);
}

/* A pty's user may come late and go; both directions carry every byte. */
Test(serial_peers, pty)
{
    struct rig *rig = calloc(1, sizeof *rig);
    FILE *log = tmpfile();
    char text[128] = "";
    set_up_on(rig, "pty", -1, -1, log);
    rewind(log);
    cr_assert_not_null(fgets(text, sizeof text, log));
    text[strcspn(text, "\n")] = '\0';
    const char *name = strstr(text, "/dev/");
    cr_assert_not_null(name, "%s", text);
    say(rig, "early\n");
    int user = open(name, O_RDWR | O_NOCTTY);
    cr_assert(user >= 0 && hears(user, "early\n"));
    close(user);
    user = open(name, O_RDWR | O_NOCTTY);
    cr_assert_geq(user, 0);
    send_and_compare(rig, user);
    close(user);
    tear_down(rig);
    fclose(log);
    free(rig);
}

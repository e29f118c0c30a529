/* serial_rig.h - a serial back end with a pretended UART, and whoever sends to it. */
#ifndef VX86_TESTS_SERIAL_RIG_H
#define VX86_TESTS_SERIAL_RIG_H

#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serial.h"
#include "vx86/host.h"

enum { INPUT_BYTES = 50000, PASTE_BYTES = 1 << 20 };
#define PATIENCE_NS 20000000000ull /* on a busy machine */

struct rig {
    struct vx_log *log;
    struct vx_loop *loop;
    struct serial *serial;
    struct vx_char *chr;
    int in[2], out[2]; /* pipes: [1] is written */
    size_t room;       /* what the UART takes */
    uint8_t got[PASTE_BYTES + 16];
    size_t count;
    unsigned leaves;
    bool escape;
};

static inline size_t uart_receive(void *device, const uint8_t *bytes, size_t count)
{
    struct rig *rig = device;
    size_t take = count < rig->room ? count : rig->room;
    if (take > sizeof rig->got - rig->count)
        take = sizeof rig->got - rig->count;
    memcpy(rig->got + rig->count, bytes, take);
    rig->count += take;
    rig->room -= take;
    return take;
}

static const struct vx_char_device_ops uart_ops = { .receive = uart_receive };

static inline void on_leave(void *opaque)
{
    ((struct rig *)opaque)->leaves++;
}

static inline void set_up_on(struct rig *rig, const char *spec, int in_fd, int out_fd, FILE *log)
{
    rig->log = vx_log_create(log);
    cr_assert_eq(vx_loop_create(rig->log, &rig->loop), VX_ERR_OK);
    cr_assert_eq(serial_create(&(struct serial_config){ .log = rig->log,
                                                        .loop = rig->loop,
                                                        .spec = spec,
                                                        .option = "--serial",
                                                        .port = "COM1",
                                                        .in_fd = in_fd,
                                                        .out_fd = out_fd,
                                                        .escape = rig->escape,
                                                        .leave = on_leave,
                                                        .opaque = rig },
                               &rig->serial),
                 VX_ERR_OK);
    rig->chr = serial_char(rig->serial);
    if (rig->chr != NULL)
        vx_char_attach(rig->chr, &uart_ops, rig);
}

static inline void set_up(struct rig *rig, const char *spec, int in_fd, int out_fd)
{
    set_up_on(rig, spec, in_fd, out_fd, stderr);
}

static inline void tear_down(struct rig *rig)
{
    serial_destroy(rig->serial);
    vx_loop_destroy(rig->loop);
    vx_log_destroy(rig->log);
}

/* Runs posted work until `done` bytes arrived, or gives up. */
static inline void run_until(struct rig *rig, size_t done)
{
    uint64_t end = vx_host_now_ns() + PATIENCE_NS;
    while (rig->count < done && vx_host_now_ns() < end) {
        vx_loop_wait(rig->loop, vx_host_now_ns() + 20000000);
        vx_loop_run_posted(rig->loop);
        while (rig->room == 0) { /* the guest reads its FIFO */
            rig->room = 16;
            rig->chr->ops->can_receive(rig->chr->opaque);
        }
    }
}

struct sending {
    int fd;
    const uint8_t *bytes;
};

static inline void *send_all(void *opaque)
{
    const struct sending *sending = opaque;
    for (size_t at = 0; at < PASTE_BYTES;) {
        ssize_t done = write(sending->fd, sending->bytes + at, PASTE_BYTES - at);
        struct pollfd fd = { .fd = sending->fd, .events = POLLOUT };
        if (done > 0)
            at += (size_t)done;
        else if (poll(&fd, 1, 10000) != 1)
            break;
    }
    return NULL;
}

/* Sends PASTE_BYTES of all values through `fd` while the guest takes 16 at a time: nothing is lost or overtakes. */
static inline void send_and_compare(struct rig *rig, int fd)
{
    uint8_t *sent = malloc(PASTE_BYTES);
    struct sending sending = { fd, sent };
    pthread_t sender;
    for (size_t i = 0; i < PASTE_BYTES; i++)
        sent[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16);
    cr_assert_eq(pthread_create(&sender, NULL, send_all, &sending), 0);
    for (unsigned i = 0; i < 50; i++) { /* the guest is busy elsewhere */
        vx_loop_wait(rig->loop, vx_host_now_ns() + 5000000);
        vx_loop_run_posted(rig->loop);
    }
    rig->room = 16;
    rig->chr->ops->can_receive(rig->chr->opaque);
    run_until(rig, PASTE_BYTES);
    pthread_join(sender, NULL);
    cr_assert(rig->count == PASTE_BYTES && memcmp(sent, rig->got, PASTE_BYTES) == 0, "%zu bytes", rig->count);
    free(sent);
}

#endif

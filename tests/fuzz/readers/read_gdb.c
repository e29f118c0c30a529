/* read_gdb.c - what a GDB client sends. The way to the client (frontend/gdb/gdb_link.c) is replaced by the input: the
 * first byte says whether it is the bytes as they come (R) or bodies of packets, a line each, which get their frame. */
#include <stdlib.h>
#include <string.h>

#include "gdb_private.h"
#include "readers.h"

struct state {
    struct machine_rig *rig;
    struct vx_log *log;
    struct gdb *gdb;
    uint8_t stream[2 * INPUT_BYTES + 8];
    size_t bytes;
};

/* ---- the way to the client */

struct gdb_link {
    struct vx_work work; /* first: the work is the link */
    struct gdb_link_config config;
    const struct state *state;
    size_t at;
    bool connected, armed, posted;
};

static bool is_over(const struct gdb_link *link)
{
    return link->at == link->state->bytes;
}

static void run_ready(struct vx_work *work)
{
    struct gdb_link *link = (struct gdb_link *)work;
    link->posted = false;
    if (!link->armed)
        return;
    link->armed = false;
    link->config.ready(link->config.opaque);
}

/* spec: the state, in this replacement. */
vx_err gdb_link_create(const struct gdb_link_config *config, struct gdb_link **out)
{
    struct gdb_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return VX_ERR_NO_MEMORY;
    link->config = *config;
    link->state = (const struct state *)(const void *)config->spec;
    link->work.fn = run_ready;
    *out = link;
    return VX_ERR_OK;
}

void gdb_link_destroy(struct gdb_link *link)
{
    link->armed = false;
    if (link->posted)
        vx_loop_run_posted(link->config.loop);
    free(link);
}

bool gdb_link_is_stdio(const struct gdb_link *link)
{
    (void)link;
    return false;
}

bool gdb_link_connected(const struct gdb_link *link)
{
    return link->connected;
}

bool gdb_link_accept(struct gdb_link *link)
{
    bool is_new = !link->connected && !is_over(link);
    link->connected |= is_new;
    return is_new;
}

void gdb_link_hang_up(struct gdb_link *link)
{
    link->connected = false;
}

/* At the end of the input the run ends. */
bool gdb_link_wait(struct gdb_link *link)
{
    if (!is_over(link))
        return true;
    vx_machine_stop(machine_rig_machine(link->state->rig), 0);
    return false;
}

/* In portions, as a network gives them. */
long gdb_link_receive(struct gdb_link *link, uint8_t *bytes, size_t room)
{
    size_t left = link->state->bytes - link->at, count = 1 + link->at % 97;
    if (left == 0)
        return -1;
    count = count < left ? count : left;
    count = count < room ? count : room;
    memcpy(bytes, link->state->stream + link->at, count);
    link->at += count;
    return (long)count;
}

bool gdb_link_send(struct gdb_link *link, const char *bytes, size_t count)
{
    volatile char sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = (char)(sum + bytes[i]);
    return link->connected;
}

void gdb_link_watch(struct gdb_link *link, bool at_once)
{
    link->armed = true;
    if (link->posted || (is_over(link) && !at_once))
        return;
    link->posted = true;
    vx_loop_post(link->config.loop, &link->work);
}

void gdb_link_unwatch(struct gdb_link *link)
{
    link->armed = false;
}

/* ---- the reader */

static const char *const words[] = { "g",
                                     "G",
                                     "p8",
                                     "P0=78563412",
                                     "m600,4",
                                     "M600,2:3412",
                                     "X602,1:a",
                                     "c",
                                     "s",
                                     "vCont;c",
                                     "Z0,ffff0004,1",
                                     "z0,ffff0004,1",
                                     "Z2,500,2",
                                     "qCRC:0,100",
                                     "qSearch:memory:0;1000;a",
                                     "qXfer:features:read:target.xml:0,2000",
                                     "qRcmd,696e666f",
                                     "QStartNoAckMode",
                                     "D",
                                     "k",
                                     "R",
                                     "\n",
                                     "+",
                                     "-",
                                     "$",
                                     "#",
                                     "#00",
                                     "\3",
                                     "}",
                                     "*",
                                     ",",
                                     ":",
                                     ";",
                                     "ffffffff",
                                     NULL };

static bool seed(unsigned n, struct input *out)
{
    static const char *const sessions[] = {
        "P\nqSupported:swbreak+;hwbreak+\n?\nHg1\nqXfer:features:read:target.xml:0,2000\ng\np8\nP0=78563412\nm600,4\n",
        "P\nM600,2:3412\nX602,3:abc\nqCRC:0,100\nqSearch:memory:0;1000;abc\nqRcmd,696e666f\nvCont?\nvMustReplyEmpty\n",
        "P\nZ0,ffff0004,1\nc\ns\nvCont;s:1;c\nz0,ffff0004,1\nZ2,500,2\nc\nz2,500,2\nZ3,500,1\nZ4,500,4\nC05\nD\n",
        "P\nQStartNoAckMode\nqAttached\nqfThreadInfo\nqsThreadInfo\nT1\nHc-1\nc\n",
        "R+$g#67+$?#3f\3$c#63\3-+$m600,4#8a$k#6b",
        "RGET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    };
    if (n < VX_ARRAY_LEN(sessions))
        input_text(out, sessions[n]);
    return n < VX_ARRAY_LEN(sessions);
}

static void add_packet(struct state *state, const uint8_t *body, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum = 0;
    state->stream[state->bytes++] = '$';
    for (size_t i = 0; i < bytes; i++)
        sum = (uint8_t)(sum + (state->stream[state->bytes++] = body[i]));
    state->stream[state->bytes++] = '#';
    state->stream[state->bytes++] = (uint8_t)digits[sum >> 4];
    state->stream[state->bytes++] = (uint8_t)digits[sum & 15];
}

static void make_stream(struct state *state, const uint8_t *at, size_t bytes)
{
    state->bytes = 0;
    if (bytes == 0 || at[0] == 'R') {
        memcpy(state->stream, at, bytes);
        state->bytes = bytes;
        return;
    }
    for (size_t i = 0; i < bytes && state->bytes + (bytes - i) + 8 < sizeof state->stream;) {
        const uint8_t *end = memchr(at + i, '\n', bytes - i);
        size_t length = end != NULL ? (size_t)(end - at) - i : bytes - i;
        add_packet(state, at + i, length);
        i += length + 1;
    }
}

static void *create(struct vx_log *log)
{
    struct state *state = calloc(1, sizeof *state);
    if (state == NULL)
        abort();
    state->log = log;
    state->rig = machine_rig_create(log);
    return state;
}

static void destroy(void *opaque)
{
    struct state *state = opaque;
    machine_rig_destroy(state->rig);
    free(state);
}

static void read_input(void *opaque, const uint8_t *at, size_t bytes)
{
    struct state *state = opaque;
    struct gdb *gdb;
    make_stream(state, at, bytes);
    struct gdb_config config = { .log = state->log,
                                 .loop = machine_rig_loop(state->rig),
                                 .machine = machine_rig_machine(state->rig),
                                 .spec = (const char *)state };
    if (gdb_create(&config, &gdb) != VX_ERR_OK)
        abort();
    machine_rig_run(state->rig);
    gdb_destroy(gdb);
}

const struct reader reader_gdb = {
    .name = "gdb", .words = words, .renew = 512, .create = create, .destroy = destroy, .seed = seed, .read = read_input
};

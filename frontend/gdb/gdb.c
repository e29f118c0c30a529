/* gdb.c - the front: the guest has stopped, the client is told and asked, the guest goes on.
 *
 *   stopped() -> stop reply -> packets, one command each, until one lets the guest go -> watch the client
 *   while the guest runs:  something comes -> ready(): interrupt byte or new client -> vx_debug_request_stop()
 *
 *   I1  `attached` is true while we are the front. Without a client that is so only from the start (or a client's
 *       disappearance) until a client lets the guest go. */
#include <stdlib.h>
#include <string.h>

#include "gdb_private.h"

/* GDB's numbers of signals. */
enum { SIGNAL_INT = 2, SIGNAL_TRAP = 5, SIGNAL_SEGV = 11 };

bool gdb_stop_requested(const struct gdb *gdb)
{
    return (atomic_load(&gdb->vcpu->attention) & VX_ATTN_STOP) != 0;
}

static bool cancelled(void *opaque)
{
    return gdb_stop_requested(opaque);
}

/* ---- replies ----------------------------------------------------------------------------------------------------- */

/* A client's step is one of its program: interrupts wait until it goes on, and INT n is run with its handler, since
 * GDB cannot tell a handler from the function that it was called in. */
static void step_as_clients_expect(struct gdb *gdb)
{
    vx_debug_set_hold_interrupts(gdb->debug, true);
    vx_debug_set_step_over_int(gdb->debug, true);
}

void gdb_end_session(struct gdb *gdb)
{
    gdb_link_hang_up(gdb->link);
    gdb_points_forget(gdb);
    gdb->raw_at = gdb->raw_count = 0;
    gdb->known = false;
    gdb->packet.state = GDB_IDLE;
    gdb->has_reply = gdb->awaits_stop = false;
    gdb->no_ack = gdb->swbreak = gdb->hwbreak = gdb->physical = gdb->extended = false;
    if (gdb->attached)
        step_as_clients_expect(gdb);
}

/* The client is gone; the guest stands or runs as it did. */
static void lost(struct gdb *gdb)
{
    gdb_end_session(gdb);
    if (gdb_link_is_stdio(gdb->link) || gdb->killed) {
        gdb->going = true;
        vx_machine_stop(gdb->config.machine, 0);
    }
}

void gdb_send(struct gdb *gdb)
{
    gdb_reply_end(&gdb->reply);
    gdb->has_reply = true;
    if (!gdb_link_send(gdb->link, gdb->reply.frame, gdb->reply.length))
        lost(gdb);
}

void gdb_ok(struct gdb *gdb)
{
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, "OK");
    gdb_send(gdb);
}

void gdb_error(struct gdb *gdb, unsigned number)
{
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, "E%02x", number);
    gdb_send(gdb);
}

static void say_watch(struct gdb *gdb, const struct gdb_point *point)
{
    static const char *const names[] = { ['2' - '2'] = "watch", ['3' - '2'] = "rwatch", ['4' - '2'] = "awatch" };
    uint64_t lin = gdb->stop.lin;
    if (lin < point->lin || lin >= point->lin + point->bytes) /* the access began before it */
        lin = point->lin;
    gdb_reply_text(&gdb->reply, "%s:%x;", names[point->type - '2'], (unsigned)lin);
}

static unsigned signal_of(enum vx_stop_cause cause)
{
    return cause == VX_CAUSE_REQUEST ? SIGNAL_INT : cause == VX_CAUSE_SHUTDOWN ? SIGNAL_SEGV : SIGNAL_TRAP;
}

void gdb_report_stop(struct gdb *gdb)
{
    const struct gdb_point *point =
        gdb->stop.cause == VX_CAUSE_POINT ? gdb_point_of(gdb, gdb->stop.point.number) : NULL;
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, "T%02x", signal_of(gdb->stop.cause));
    if (point != NULL && point->type >= '2')
        say_watch(gdb, point);
    else if (point != NULL && point->type == '0' && gdb->swbreak)
        gdb_reply_text(&gdb->reply, "swbreak:;");
    else if (point != NULL && point->type == '1' && gdb->hwbreak)
        gdb_reply_text(&gdb->reply, "hwbreak:;");
    gdb_reply_text(&gdb->reply, "thread:1;");
    gdb->awaits_stop = false;
    gdb_send(gdb);
}

/* ---- stopped ----------------------------------------------------------------------------------------------------- */

static void stopped(void *opaque, const struct vx_debug_stop *stop);

/* Points with conditions, and traces, can only come from monitor commands. */
static bool condition(void *opaque, const struct vx_debug_stop *stop)
{
    const struct gdb *gdb = opaque;
    const struct vx_debug_front *monitor = gdb->config.monitor_front;
    return monitor == NULL || monitor->condition(gdb->config.monitor_front_opaque, stop);
}

static void trace(void *opaque)
{
    const struct gdb *gdb = opaque;
    if (gdb->config.monitor_front != NULL)
        gdb->config.monitor_front->trace(gdb->config.monitor_front_opaque);
}

static void access_seen(void *opaque, enum vx_space space, uint64_t address, unsigned bytes, unsigned access,
                        uint64_t value)
{
    const struct gdb *gdb = opaque;
    if (gdb->config.monitor_front != NULL)
        gdb->config.monitor_front->access(gdb->config.monitor_front_opaque, space, address, bytes, access, value);
}

static void event(void *opaque, enum vx_debug_event event_kind, uint64_t value, uint64_t detail)
{
    const struct gdb *gdb = opaque;
    if (gdb->config.monitor_front != NULL)
        gdb->config.monitor_front->event(gdb->config.monitor_front_opaque, event_kind, value, detail);
}

static const struct vx_debug_front front = {
    .stopped = stopped, .condition = condition, .trace = trace, .access = access_seen, .event = event
};

static void acknowledge(struct gdb *gdb, char sign)
{
    if (!gdb->no_ack && !gdb_link_send(gdb->link, &sign, 1))
        lost(gdb);
}

static void take_packet(struct gdb *gdb)
{
    acknowledge(gdb, '+');
    if (gdb->packet.too_long)
        gdb_error(gdb, GDB_E_LONG);
    else
        gdb_execute(gdb);
}

static void take_byte(struct gdb *gdb, uint8_t byte)
{
    switch (gdb_packet_feed(&gdb->packet, byte)) {
    case GDB_PACKET: take_packet(gdb); return;
    case GDB_DAMAGED: acknowledge(gdb, '-'); return;
    case GDB_RESEND:
        if (gdb->has_reply && !gdb->no_ack && !gdb_link_send(gdb->link, gdb->reply.frame, gdb->reply.length))
            lost(gdb);
        return;
    case GDB_INTERRUPT: /* it stands already */
    case GDB_NOTHING: return;
    }
}

/* A browser, or whatever else tries ports, does not begin with an acknowledgement, a packet or an interrupt: what it
 * sends further on is never looked at. */
static bool speaks_gdb(struct gdb *gdb)
{
    gdb->known = gdb_link_is_stdio(gdb->link) || memchr("+-$\3", gdb->raw[0], 4) != NULL;
    if (gdb->known)
        return true;
    vx_log_warn(gdb->config.log, VX_LOG_GENERAL, "gdb: a client that does not speak GDB's protocol was turned away");
    gdb_end_session(gdb);
    return false;
}

/* Refills gdb->raw; false when nothing is there now. */
static bool receive(struct gdb *gdb)
{
    if (gdb->raw_at < gdb->raw_count)
        return true;
    long n = gdb_link_receive(gdb->link, gdb->raw, sizeof gdb->raw);
    if (n < 0)
        lost(gdb);
    gdb->raw_at = 0;
    gdb->raw_count = n > 0 ? (size_t)n : 0;
    return n > 0 && (gdb->known || speaks_gdb(gdb));
}

static void converse(struct gdb *gdb)
{
    do { /* what is there first: it may have come while the guest ran */
        gdb_link_accept(gdb->link);
        while (!gdb->going && gdb_link_connected(gdb->link) && receive(gdb))
            take_byte(gdb, gdb->raw[gdb->raw_at++]);
    } while (!gdb->going && gdb_link_wait(gdb->link));
}

static void stopped(void *opaque, const struct vx_debug_stop *stop)
{
    struct gdb *gdb = opaque;
    gdb->stop = *stop;
    gdb->going = false;
    if (gdb->awaits_stop)
        gdb_report_stop(gdb);
    gdb_link_unwatch(gdb->link);
    converse(gdb);
    gdb_link_watch(gdb->link, gdb->raw_at < gdb->raw_count);
}

/* ---- the guest runs ---------------------------------------------------------------------------------------------- */

static void attach(struct gdb *gdb)
{
    gdb->attached = true;
    vx_debug_set_front(gdb->debug, &front, gdb);
    step_as_clients_expect(gdb);
}

void gdb_detach(struct gdb *gdb)
{
    if (gdb->attached) {
        vx_debug_set_front(gdb->debug, NULL, NULL);
        vx_debug_set_hold_interrupts(gdb->debug, false);
        vx_debug_set_step_over_int(gdb->debug, false);
    }
    gdb->attached = false;
    gdb->going = true;
}

/* The debugger's own command line may have the guest. */
static void new_client(struct gdb *gdb)
{
    if (!gdb->attached && vx_debug_has_front(gdb->debug)) {
        vx_log_warn(gdb->config.log, VX_LOG_GENERAL, "gdb: turned away: another debugger has the guest");
        gdb_link_hang_up(gdb->link);
        return;
    }
    attach(gdb);
    vx_debug_request_stop(gdb->debug);
}

/* Packets that come meanwhile stay in gdb->raw for stopped(); keeps I1 of gdb_private.h. */
static void listen_to_client(struct gdb *gdb)
{
    bool known = gdb->known;
    while (receive(gdb) && gdb->packet.state == GDB_IDLE && gdb->raw[gdb->raw_at] != '$')
        if (gdb_packet_feed(&gdb->packet, gdb->raw[gdb->raw_at++]) == GDB_INTERRUPT)
            vx_debug_request_stop(gdb->debug);
    if (!gdb_link_connected(gdb->link))
        gdb_detach(gdb);
    else if (!known && gdb->known)
        new_client(gdb);
    else if (gdb->raw_at < gdb->raw_count) /* a client that does not wait: its packet wants an answer */
        vx_debug_request_stop(gdb->debug);
}

static void ready(void *opaque)
{
    struct gdb *gdb = opaque;
    if (gdb_link_connected(gdb->link))
        listen_to_client(gdb);
    gdb_link_accept(gdb->link);
    gdb_link_watch(gdb->link, false);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

vx_err gdb_create(const struct gdb_config *config, struct gdb **out)
{
    struct gdb *gdb = calloc(1, sizeof *gdb);
    if (gdb == NULL)
        return VX_ERR_NO_MEMORY;
    gdb->config = *config;
    gdb->debug = vx_machine_debug(config->machine);
    gdb->vcpu = vx_machine_vcpu(config->machine);
    vx_err err = gdb_link_create(&(struct gdb_link_config){ .log = config->log,
                                                            .loop = config->loop,
                                                            .spec = config->spec,
                                                            .ready = ready,
                                                            .cancelled = cancelled,
                                                            .opaque = gdb },
                                 &gdb->link);
    if (err != VX_ERR_OK) {
        free(gdb);
        return err;
    }
    if (!config->run || gdb_link_is_stdio(gdb->link))
        attach(gdb);
    if (config->run)
        gdb_link_watch(gdb->link, false);
    else
        vx_debug_stop_at_start(gdb->debug);
    *out = gdb;
    return VX_ERR_OK;
}

void gdb_destroy(struct gdb *gdb)
{
    if (gdb == NULL)
        return;
    gdb_detach(gdb);
    gdb_link_destroy(gdb->link);
    free(gdb);
}

/* gdb_private.h - what the files of the GDB stub share.
 *
 *   gdb.c            the front: a stop, packets, the guest goes on; clients come and go: start reading here
 *   gdb_link.c       sockets: listen, accept, bytes in and out, and the thread that watches while the guest runs
 *   gdb_packet.c     $...#xx: framing, checksums, acknowledgement
 *   gdb_command.c    one packet: the table of commands
 *   gdb_query.c      ... those that begin with q and Q
 *   gdb_points.c     ... Z and z
 *   gdb_memory.c     ... m, M, X, qCRC, qSearch
 *   gdb_registers.c  ... g, G, p, P and the target description
 *
 *   I1  Packets are taken only inside stopped(): while the guest runs nothing is answered but the interrupt byte.
 *   I2  Everything from the client has a length that is checked; what is not understood gets the empty reply, what is
 *       wrong an error reply, and the guest stays as it was. */
#ifndef VX86_FRONTEND_GDB_PRIVATE_H
#define VX86_FRONTEND_GDB_PRIVATE_H

#include <stdatomic.h>

#include "gdb.h"

#define GDB_PACKET_MAX 16384 /* bytes between $ and #, both ways; told as PacketSize */

/* ---- gdb_packet.c ------------------------------------------------------------------------------------------------ */

enum gdb_input { GDB_NOTHING, GDB_PACKET, GDB_INTERRUPT, GDB_RESEND, GDB_DAMAGED };

struct gdb_packet {
    enum { GDB_IDLE, GDB_BODY, GDB_SUM_HIGH, GDB_SUM_LOW } state;
    char body[GDB_PACKET_MAX + 1]; /* terminated for text commands; binary ones go by `length` */
    size_t length;
    bool too_long; /* more came than fits: body is cut */
    uint8_t sum;
    char given[3]; /* checksum digits */
};

/* Takes one byte. PACKET: `body` is complete and its checksum is right; DAMAGED: it was not. */
enum gdb_input gdb_packet_feed(struct gdb_packet *packet, uint8_t byte);

/* A reply as it grows. What does not fit is dropped and `full` set. */
struct gdb_reply {
    char frame[2 * GDB_PACKET_MAX + 8]; /* '$' first */
    size_t length;
    bool full;
};

void gdb_reply_begin(struct gdb_reply *reply);
void gdb_reply_text(struct gdb_reply *reply, const char *format, ...) VX_PRINTF(2, 3);
void gdb_reply_hex(struct gdb_reply *reply, const void *bytes, size_t count);
/* With the protocol's escapes. */
void gdb_reply_binary(struct gdb_reply *reply, const void *bytes, size_t count);
/* Adds '#' and the checksum. */
void gdb_reply_end(struct gdb_reply *reply);

/* Parsing: each moves *at behind what it took and returns false when it is not there. */
bool gdb_take_hex(const char **at, uint64_t *value); /* up to 16 digits */
bool gdb_take_char(const char **at, char c);
bool gdb_take_word(const char **at, const char *word);
/* Exactly `count` bytes of two digits each. */
bool gdb_take_bytes(const char **at, void *bytes, size_t count);
/* Undoes the escapes of binary data in place; returns the new length. */
size_t gdb_unescape(char *data, size_t length);

/* ---- gdb_link.c -------------------------------------------------------------------------------------------------- */

struct gdb_link;

struct gdb_link_config {
    struct vx_log *log;
    struct vx_loop *loop;
    const char *spec;
    void (*ready)(void *opaque); /* machine thread, guest running: something has come; call gdb_link_watch() again */
    bool (*cancelled)(void *opaque);
    void *opaque;
};

VX_MUST_USE vx_err gdb_link_create(const struct gdb_link_config *config, struct gdb_link **out);
void gdb_link_destroy(struct gdb_link *link);
bool gdb_link_is_stdio(const struct gdb_link *link);
bool gdb_link_connected(const struct gdb_link *link);
/* Takes a client if one waits and there is none; a second one is turned away, or waits until a first one that has hung
 * up is read to its end. Returns whether there is a new one. */
bool gdb_link_accept(struct gdb_link *link);
void gdb_link_hang_up(struct gdb_link *link);
/* Sleeps until a client or a byte comes; false when cancelled() says so. */
bool gdb_link_wait(struct gdb_link *link);
/* What has come: bytes, 0 for nothing yet, -1 when the client is gone. */
long gdb_link_receive(struct gdb_link *link, uint8_t *bytes, size_t room);
/* False when the client is gone, or does not read and cancelled() says so. */
bool gdb_link_send(struct gdb_link *link, const char *bytes, size_t count);
/* The guest runs: ready() is called once, when something comes or `at_once`. */
void gdb_link_watch(struct gdb_link *link, bool at_once);
void gdb_link_unwatch(struct gdb_link *link);

/* ---- the stub ---------------------------------------------------------------------------------------------------- */

struct gdb_point {
    char type; /* '0' to '4' */
    uint64_t lin, bytes;
    unsigned number; /* of the core's point */
};

struct gdb {
    struct gdb_config config;
    struct vx_debug *debug;
    struct vx_vcpu *vcpu;
    struct gdb_link *link;

    uint8_t raw[1024]; /* received and not looked at */
    size_t raw_at, raw_count;
    struct gdb_packet packet;
    struct gdb_reply reply;
    bool has_reply; /* `reply` is what a client may want again */

    struct vx_debug_stop stop; /* why the guest stands */
    bool known;                /* the client has begun as GDB does */
    bool attached;             /* we are the debugger's front */
    bool going;                /* leave stopped() */
    bool awaits_stop;          /* the client was told nothing since it let the guest go */
    bool no_ack, swbreak, hwbreak;
    bool physical; /* m, M, X and the like are of physical memory */
    bool extended; /* what is killed may be run again */
    bool killed;   /* ... and is, so far */
    struct gdb_point *point;
    unsigned points, room;
};

/* gdb.c */
void gdb_send(struct gdb *gdb);
void gdb_ok(struct gdb *gdb);
void gdb_error(struct gdb *gdb, unsigned number);
/* The reply of '?' and of everything that lets the guest go, when it has stopped. */
void gdb_report_stop(struct gdb *gdb);
/* Hangs up and forgets what this client has asked for, points included. */
void gdb_end_session(struct gdb *gdb);
/* The guest runs on without a debugger; after gdb_end_session(). */
void gdb_detach(struct gdb *gdb);
bool gdb_stop_requested(const struct gdb *gdb);

/* Error numbers of replies: those of errno by tradition. */
enum { GDB_E_SYNTAX = 22, GDB_E_ADDRESS = 14, GDB_E_MEMORY = 12, GDB_E_LONG = 7, GDB_E_REFUSED = 1 };

/* gdb_command.c: carries out gdb->packet. */
void gdb_execute(struct gdb *gdb);
/* Each gets what stands behind the command's name. */
void gdb_query(struct gdb *gdb);
void gdb_point_insert(struct gdb *gdb, const char *at);
void gdb_point_remove(struct gdb *gdb, const char *at);
void gdb_points_forget(struct gdb *gdb);
const struct gdb_point *gdb_point_of(const struct gdb *gdb, unsigned number);
void gdb_memory_read(struct gdb *gdb, const char *at);
void gdb_memory_write(struct gdb *gdb, const char *at);
void gdb_memory_write_binary(struct gdb *gdb, const char *at);
void gdb_memory_crc(struct gdb *gdb, const char *at);
void gdb_memory_search(struct gdb *gdb, const char *at);
void gdb_registers_read(struct gdb *gdb, const char *at);
void gdb_registers_write(struct gdb *gdb, const char *at);
void gdb_register_read(struct gdb *gdb, const char *at);
void gdb_register_write(struct gdb *gdb, const char *at);
/* The target description as text, to be freed; NULL without memory. */
char *gdb_description(const struct gdb *gdb, size_t *bytes);

#endif

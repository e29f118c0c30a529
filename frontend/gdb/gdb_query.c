/* gdb_query.c - q and Q packets: what both ends can do, threads, the target description, monitor commands. */
#include <stdlib.h>
#include <string.h>

#include "gdb_private.h"

static void text(struct gdb *gdb, const char *words)
{
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, "%s", words);
    gdb_send(gdb);
}

static void supported(struct gdb *gdb, const char *at)
{
    gdb->swbreak = strstr(at, "swbreak+") != NULL;
    gdb->hwbreak = strstr(at, "hwbreak+") != NULL;
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, "PacketSize=%x;QStartNoAckMode+;qXfer:features:read+;swbreak+;hwbreak+;vContSupported+",
                   GDB_PACKET_MAX);
    gdb_send(gdb);
}

static void no_ack(struct gdb *gdb, const char *at)
{
    (void)at;
    gdb_ok(gdb); /* this one is still acknowledged */
    gdb->no_ack = true;
}

static void attached(struct gdb *gdb, const char *at)
{
    (void)at;
    text(gdb, "1"); /* quitting lets the guest run on */
}

static void current_thread(struct gdb *gdb, const char *at)
{
    (void)at;
    text(gdb, "QC1");
}

static void first_threads(struct gdb *gdb, const char *at)
{
    (void)at;
    text(gdb, "m1");
}

static void more_threads(struct gdb *gdb, const char *at)
{
    (void)at;
    text(gdb, "l");
}

static void thread_extra(struct gdb *gdb, const char *at)
{
    char line[64];
    (void)at;
    int n = snprintf(line, sizeof line, "CPU 0, %s", gdb->vcpu->halted ? "halted" : "running");
    gdb_reply_begin(&gdb->reply);
    gdb_reply_hex(&gdb->reply, line, (size_t)n);
    gdb_send(gdb);
}

/* The part of the description that the client wants: l and the rest, or m and there is more. */
static void describe(struct gdb *gdb, const char *at)
{
    uint64_t off, bytes;
    size_t total;
    if (!gdb_take_hex(&at, &off) || !gdb_take_char(&at, ',') || !gdb_take_hex(&at, &bytes) || *at != '\0') {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    char *description = gdb_description(gdb, &total);
    if (description == NULL || off > total) {
        free(description);
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    if (bytes > GDB_PACKET_MAX / 2)
        bytes = GDB_PACKET_MAX / 2;
    bool last = bytes >= total - off;
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, last ? "l" : "m");
    gdb_reply_binary(&gdb->reply, description + off, last ? total - off : (size_t)bytes);
    free(description);
    gdb_send(gdb);
}

/* ---- stepping, in the packets of another emulator that editors and scripts send ---------------------------------- */

/* ENABLE: `s` steps, which it always does. NOIRQ: interrupts wait meanwhile. NOTIMER: timers do, which needs nothing:
 * guest time stands still between steps. */
enum { SSTEP_ENABLE = 1, SSTEP_NOIRQ = 2, SSTEP_NOTIMER = 4 };

static void sstep_bits(struct gdb *gdb, const char *at)
{
    (void)at;
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, "ENABLE=%x,NOIRQ=%x,NOTIMER=%x", SSTEP_ENABLE, SSTEP_NOIRQ, SSTEP_NOTIMER);
    gdb_send(gdb);
}

static void sstep(struct gdb *gdb, const char *at)
{
    (void)at;
    gdb_reply_begin(&gdb->reply);
    gdb_reply_text(&gdb->reply, "0x%x",
                   (unsigned)(SSTEP_ENABLE | SSTEP_NOTIMER | (vx_debug_hold_interrupts(gdb->debug) ? SSTEP_NOIRQ : 0)));
    gdb_send(gdb);
}

static void set_sstep(struct gdb *gdb, const char *at)
{
    uint64_t bits;
    (void)gdb_take_word(&at, "0x");
    if (!gdb_take_hex(&at, &bits) || *at != '\0' || !(bits & SSTEP_ENABLE) ||
        (bits & ~(uint64_t)(SSTEP_ENABLE | SSTEP_NOIRQ | SSTEP_NOTIMER)) != 0) {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    vx_debug_set_hold_interrupts(gdb->debug, (bits & SSTEP_NOIRQ) != 0);
    gdb_ok(gdb);
}

/* ---- memory by physical address, in the same emulator's packets -------------------------------------------------- */

static void physical_mode(struct gdb *gdb, const char *at)
{
    (void)at;
    text(gdb, gdb->physical ? "1" : "0");
}

static void set_physical_mode(struct gdb *gdb, const char *at)
{
    if (strcmp(at, "0") != 0 && strcmp(at, "1") != 0) {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    gdb->physical = *at == '1';
    gdb_ok(gdb);
}

/* ---- monitor ----------------------------------------------------------------------------------------------------- */

/* What a command says, in packets of its own before the reply. */
static void show(struct gdb *gdb, const char *said, size_t bytes)
{
    enum { PIECE = 2048 };
    for (size_t done = 0; done < bytes; done += PIECE) {
        gdb_reply_begin(&gdb->reply);
        gdb_reply_text(&gdb->reply, "O");
        gdb_reply_hex(&gdb->reply, said + done, bytes - done < PIECE ? bytes - done : PIECE);
        gdb_send(gdb);
    }
}

static void monitor(struct gdb *gdb, const char *at)
{
    char line[1024], *said = NULL;
    size_t length = strlen(at) / 2, bytes = 0;
    if (length >= sizeof line || !gdb_take_bytes(&at, line, length) || *at != '\0' ||
        memchr(line, '\0', length) != NULL) {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    line[length] = '\0';
    FILE *out = gdb->config.monitor != NULL ? open_memstream(&said, &bytes) : NULL;
    if (out == NULL) {
        text(gdb, "");
        return;
    }
    gdb->config.monitor(gdb->config.opaque, line, out); /* what was wrong has been said */
    fclose(out);
    show(gdb, said, bytes);
    free(said);
    gdb_ok(gdb);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(struct gdb *gdb, const char *at);
} table[] = {
    { "qSupported", supported },
    { "QStartNoAckMode", no_ack },
    { "qAttached", attached },
    { "qCRC:", gdb_memory_crc },
    { "qC", current_thread },
    { "qfThreadInfo", first_threads },
    { "qsThreadInfo", more_threads },
    { "qThreadExtraInfo,", thread_extra },
    { "qXfer:features:read:target.xml:", describe },
    { "qRcmd,", monitor },
    { "qSearch:memory:", gdb_memory_search },
    { "qqemu.sstepbits", sstep_bits },
    { "qqemu.sstep", sstep },
    { "Qqemu.sstep=", set_sstep },
    { "qqemu.PhyMemMode", physical_mode },
    { "Qqemu.PhyMemMode:", set_physical_mode },
};

void gdb_query(struct gdb *gdb)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        const char *at = gdb->packet.body;
        if (gdb_take_word(&at, table[i].name)) {
            table[i].run(gdb, at);
            return;
        }
    }
    text(gdb, "");
}

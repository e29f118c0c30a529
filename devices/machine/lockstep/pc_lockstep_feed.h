/* pc_lockstep_feed.h - what the world does to the leader's CPU, in order, so that the follower meets the same world.
 *
 * Two kinds of entries. *Accesses* are made by the CPU (ports, MMIO, inputs, INTA ...): the follower must make the same
 * ones in the same order, gets the leader's answers, and what it writes is held against what the leader wrote. *News*
 * come from outside (mappings, A20, bytes and registers written by devices, levels of INTR and NMI, resets): they are
 * applied to the follower as soon as the access before them has been made.
 *
 *   I1  An access that a device answers by doing news stands before them, although its answer is known later.
 *   I2  Block transfers of string I/O are streams of items: the follower may take them in other portions. */
#ifndef VX86_MACHINE_PC_LOCKSTEP_FEED_H
#define VX86_MACHINE_PC_LOCKSTEP_FEED_H

#include "vx86/cpu.h"

enum feed_kind {
    FEED_PORT_READ, /* accesses */
    FEED_PORT_WRITE,
    FEED_MMIO_READ,
    FEED_MMIO_WRITE,
    FEED_INPUT,
    FEED_ACK,
    FEED_APIC_BASE,
    FEED_SET_TSC_DEADLINE,
    FEED_FERR,
    FEED_SMIACT,
    FEED_MAP, /* news */
    FEED_A20,
    FEED_MEMORY,
    FEED_INTR,
    FEED_NMI,
    FEED_SMI,
    FEED_RESET,
    FEED_REGISTER,
}; /* feed_describe() has their names */

struct feed_entry {
    uint8_t kind;
    uint8_t size;   /* bytes of an access, of one item */
    uint32_t count; /* items of a port access, pages of FEED_MAP, bytes of FEED_MEMORY */
    uint64_t where; /* port, physical address, enum vx_vcpu_input, enum vx_gpr, FEED_MEMORY: offset into the backing */
    uint64_t value; /* answer or what was written; FEED_MAP: read page and, shifted by 32, write page */
    size_t data;    /* items and bytes: where they are in `bytes` */
};

struct feed {
    struct feed_entry *entry;
    size_t count, capacity;
    size_t next;   /* the first that the follower has not had */
    uint32_t item; /* items of it that it has had: I2 */
    uint8_t *bytes;
    size_t bytes_used, bytes_capacity;
};

void feed_init(struct feed *feed);
void feed_fini(struct feed *feed);
/* Forgets everything, when the follower has had everything. */
void feed_clear(struct feed *feed);

/* ---- the leader's side; aborts when out of memory. Returns the entry's number, since entries move. */
size_t feed_add(struct feed *feed, enum feed_kind kind, uint64_t where, unsigned size, uint64_t value);
/* Takes back the last entry, an access that was not made. */
void feed_drop(struct feed *feed, size_t at);
/* Gives entry `at` its items. */
void feed_set_items(struct feed *feed, size_t at, const void *data, size_t bytes, uint32_t count);

/* ---- the follower's side */
/* The news that are next, or NULL where an access or nothing is; feed_pass() goes on behind it. */
const struct feed_entry *feed_news(const struct feed *feed);
void feed_pass(struct feed *feed);
/* The access that is next if it is this one, else NULL. */
const struct feed_entry *feed_match(const struct feed *feed, enum feed_kind kind, uint64_t where, unsigned size);
/* Of a port access that matched: the items not yet had, at most `max`; feed_took() goes on behind n of them. */
const uint8_t *feed_items(const struct feed *feed, size_t max, size_t *n);
void feed_took(struct feed *feed, size_t n);

/* "read of port 3F8h, 1 byte", for reports; the entry may be NULL: "nothing". */
void feed_describe(const struct feed_entry *entry, char *text, size_t bytes);

#endif

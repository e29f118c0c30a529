/* device.h - random programs against the chips of a whole PC: ports, memory, PCI configuration, DMA, time.
 *
 *     gen_*.c         scenes: a chip used as its driver would, with mistakes; chips.def has a row for each chip
 *     mutate.c        a program from others
 *     rig.c           the PC, by the bus, under a fake clock: the fast way
 *     card.c          a PCI card in it, since none of the board has an interrupt pin
 *     guest.c guest.S the same program by a guest, under both engines, which must end alike
 *     text.c          programs as files
 *     shrink.c        the shortest program that still dies
 *     main.c          one program after the other, watched
 *
 * A program is a list of operations (ops.def) and decides everything: it begins on a new machine, and what it reads
 * matters to OP_POLL alone. */
#ifndef VX86_TESTS_FUZZ_DEVICE_H
#define VX86_TESTS_FUZZ_DEVICE_H

#include <stdio.h>

#include "cover.h"
#include "rng.h"
#include "vx86/machine.h"
#include "watch.h"

enum op_kind {
#define OP(name, word) OP_##name,
#include "ops.def"
#undef OP
    OP_KINDS
};

struct op {
    uint8_t kind, size;
    uint16_t count;
    uint32_t at, value, memory;
};

enum { OPS_MAX = 1200 };

struct program {
    unsigned count;
    struct op op[OPS_MAX];
};

enum host_event {
    HOST_KEY,     /* set 1 code, bit 31: released */
    HOST_POINTER, /* x, y, wheel, buttons: signed bytes */
    HOST_PLACE,   /* an absolute pointer: x in 15..0, y in 23..8 */
    HOST_SERIAL,  /* bits 0: which port; 15..8 how many; 23..16 the first byte */
    HOST_DREQ,    /* channel in 2..0; bytes that its device will move in 23..8 */
    HOST_POWER_BUTTON,
    HOST_REFRESH, /* of the display */
    HOST_END,     /* of a guest's program; in guest.c */
    HOST_EVENTS
};

enum cpu_event {
    CPU_CLI,
    CPU_STI,
    CPU_HALT,      /* waits for interrupts, 1: by HLT; by the bus: one is taken, if there is one */
    CPU_APIC_BASE, /* IA32_APIC_BASE gets the value */
    CPU_FERR,      /* level: by the bus only, as the three that follow */
    CPU_SMIACT,
    CPU_INTA,
    CPU_EVENTS
};

/* ---- programs */

/* From a number alone. */
void program_make(struct program *program, uint64_t seed, uint64_t number);
/* Another one from `one`, with parts of `other`. */
void program_mutate(struct program *program, const struct program *one, const struct program *other, struct rng *rng);
/* Takes out ops [first, first + count). */
void program_cut(struct program *program, unsigned first, unsigned count);
void program_write(const struct program *program, FILE *out);
/* False, with a line on stderr: that is no program. */
bool program_read(struct program *program, FILE *in, const char *name);

/* ---- the PC */

enum {
    RAM_BYTES = 4 << 20,
    DISK_BYTES = 1 << 20,
    SMALL_DISK_BYTES = 300 * 512,
    CD_BYTES = 300 * 2048,
    FLOPPY_BYTES = 160 << 10
};
enum { DISKS = 4, PEERS = 8, CARD_SLOT = 5 };
#define HOST_PORT 0xFE00u /* + 4 * enum host_event: where a guest program asks for what comes from outside */
/* What a guest needs for itself. */
enum { GUEST_CODE = 0x8000, GUEST_CODE_BYTES = 0x2000, GUEST_OPS = 0x200000 };

struct rig;

struct rig_config {
    enum vx_engine engine;
    bool guest;       /* a counted clock; else a fake one, and nobody executes anything */
    unsigned variant; /* of the translator: 0 as it is, 1 with windows where the host can, 2 under stress */
    FILE *messages;
    struct watch *watch;
};

struct rig *rig_create(const struct rig_config *config);
void rig_destroy(struct rig *rig);
/* Carries the program out by the bus. False, with a line on stderr: a round trip has changed something, or an access
 * took longer than any should. */
bool rig_run(struct rig *rig, const struct program *program);
/* CPU time of the access that took longest so far. */
uint64_t rig_longest_ns(const struct rig *rig);
/* What comes from outside. */
void rig_host_event(struct rig *rig, enum host_event event, uint32_t value);
/* The first member of a chip in which the two differ, their clocks and RAM; false: they are alike. */
bool rigs_differ(struct rig *a, struct rig *b, char *where, size_t bytes);

/* Has guests carry it out, one under each engine. False, with a line on stderr: they did not end alike. *finished: all
 * of it, before their time was up. */
bool guest_run_both(const struct program *program, FILE *messages, struct watch *watch, bool *finished);

/* ---- shrinking: `dies` runs a program in a process of its own */

bool program_dies(const struct program *program, bool (*run)(const struct program *));
void program_shrink(struct program *program, bool (*run)(const struct program *));

#endif

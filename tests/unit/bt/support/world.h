/* world.h - what world.c (the image of memory) and start.c (the state of the CPU) share. */
#ifndef VX86_TESTS_BT_WORLD_H
#define VX86_TESTS_BT_WORLD_H

#include "diff.h"

struct world {
    uint8_t image[RIG_RAM];
    uint32_t offset[PIECES_MAX + 1];
};

/* Entries of the GDT. */
enum {
    DESC_FLAT_CODE0 = 1,
    DESC_FLAT_DATA0,
    DESC_TSS,
    DESC_FLAT_CODE3,
    DESC_FLAT_DATA3,
    DESC_CODE,
    DESC_STACK,
    DESC_RANDOM,
    DESC_LDT = DESC_RANDOM + 16,
    DESC_GATE,                       /* three call gates: 32 bit, with parameters, 16 bit */
    DESC_CODE_SHORT = DESC_GATE + 3, /* the program's code under another limit */
    DESC_CODE_ALIAS,                 /* the program's code as data */
    DESC_COUNT = 32,
};

enum { WORLD_VECTORS = 64, WORLD_END_VECTOR = 47, WORLD_INTR_VECTOR = 33, WORLD_TSS_LIMIT = 0x68 + 0x40 };

uint32_t setup_stack_offset(const struct setup *setup);
/* x87, MMX and SSE state that the setup's seed gives. */
void setup_start_fp(struct vx_vcpu *vcpu, const struct setup *setup);

/* ---- the parts that a world is made of, for worlds of other kinds; `at`: where in memory */
void world_put32(struct world *w, uint32_t at, uint32_t value);
void world_put64(struct world *w, uint32_t at, uint64_t value);
void world_copy(struct world *w, uint32_t at, const uint8_t *from, const uint8_t *end);
void world_desc(struct world *w, uint32_t at, uint32_t base, uint32_t limit, unsigned attr);
void world_gate(struct world *w, uint32_t at, uint16_t sel, uint32_t off, unsigned attr, unsigned params);
/* What DS, ES and FS of programs without flat segments may be. */
void world_random_desc(struct world *w, uint32_t at, const struct setup *setup, struct rng *rng);
void world_stack_desc(struct world *w, uint32_t at, const struct setup *setup, struct rng *rng);
/* Low bits of the page-table entry for a linear page, and the frame that it leads to. */
uint32_t world_page_bits(uint32_t page, const struct setup *setup, struct rng *rng);
uint32_t world_frame_of(uint32_t page, struct rng *rng);
void world_data(struct world *w, const struct setup *setup);
/* Brings the rig's memory into the image's state. */
void world_restore(const struct world *w, struct rig *rig);

#endif

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

#endif

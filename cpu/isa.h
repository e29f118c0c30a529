/* isa.h - what cpu/ knows of the rows of isa.def besides the public "vx86/isa.h". */
#ifndef VX86_CPU_ISA_H
#define VX86_CPU_ISA_H

#include <limits.h>

#include "cpu_model.h"

/* What the form of an encoding says: the bytes behind its opcode, and the state that MMX and SSE use. */
enum isa_shape {
    ISA_MODRM = 1u << 1,
    ISA_MEM = 1u << 2,    /* ... of memory alone */
    ISA_REG = 1u << 3,    /* ... of a register alone */
    ISA_NAMES = 1u << 4,  /* ... of a register whatever its mod field says */
    ISA_IMM1 = 1u << 5,   /* bytes of immediate: 1 */
    ISA_IMM2 = 1u << 6,   /* 2 */
    ISA_IMMZ = 1u << 7,   /* the operand size */
    ISA_OFFSET = 1u << 8, /* the address size */
    ISA_XMM = 1u << 9,    /* needs SSE state: CR4.OSFXSR */
    ISA_MMX = 1u << 10,   /* enters MMX state: #MF, TOP = 0, tags valid */
    ISA_LOW = 1u << 11,   /* MMX with a 32-bit memory operand */
};

/* How F3h, F2h and 66h tell encodings apart; the column of a row is the set of those that it has. */
enum isa_prefix { ISA_NP, ISA_66, ISA_F3, ISA_F2 };

/* A group is no encoding itself but a name for those that follow. */
enum isa_kind { ISA_ENCODING, ISA_GROUP, ISA_PREFIX_BYTE };

/* A row of isa.def. */
struct isa_row {
    struct vx_isa_row known; /* what others see */
    const char *form;        /* "(Eb,Gb)" */
    uint16_t shape;          /* enum isa_shape */
    uint8_t map, opcode;
    uint8_t prefixes;    /* bit n: enum isa_prefix n */
    uint8_t at_mask, at; /* the bits of ModRM that it has */
    bool lock;           /* with a memory operand */
    uint8_t kind;        /* enum isa_kind */
};

#define ISA_NONE UINT_MAX

enum { ISA_MAPS = 4 };

extern const struct isa_row isa_rows[];
extern const unsigned isa_row_count;

/* The number of the row that an encoding belongs to; ISA_NONE: no model has it. */
unsigned isa_find(const struct vx_isa_insn *insn);

/* enum isa_shape of what has these bytes, legal or not. */
unsigned isa_shape(unsigned map, uint8_t opcode, uint8_t modrm);

bool isa_is_prefix(uint8_t byte);

#endif

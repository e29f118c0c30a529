/* moo.h - the MOO format of recorded single instructions, and the flags that are defined after each.
 *
 * Source: SingleStepTests/80286 "MOO format". Chunks of 4-byte tag, u32 length, payload; "MOO " opens a file of one
 * opcode, "META" names it, "TEST" holds one vector. Everything from a file is checked before it is used. */
#ifndef VX86_TEST_CONFORMANCE_MOO_H
#define VX86_TEST_CONFORMANCE_MOO_H

#include "vx86/compiler.h"

enum {
    REG_AX,
    REG_BX,
    REG_CX,
    REG_DX,
    REG_CS,
    REG_SS,
    REG_DS,
    REG_ES,
    REG_SP,
    REG_BP,
    REG_SI,
    REG_DI,
    REG_IP,
    REG_FLAGS,
    REGS
};

#define MOO_RAM_MAX 4096

/* In FINA a register or byte that did not change has INIT's value, or is not listed. */
struct moo_state {
    uint16_t reg[REGS];
    uint32_t ram_count;
    struct {
        uint32_t address;
        uint8_t value;
    } ram[MOO_RAM_MAX];
};

struct moo_vector {
    char name[80];
    uint8_t bytes[32];
    uint32_t byte_count;
    bool has_exception;
    uint8_t exception;
    struct moo_state init, fina;
};

struct moo_reader {
    const uint8_t *at, *end;
};

/* Takes a chunk off the reader; `tag` gets its name. False at the end, or where the rest is damaged. */
VX_MUST_USE bool moo_take_chunk(struct moo_reader *reader, char tag[5], struct moo_reader *body);
/* A TEST chunk's payload. False when it is damaged. */
VX_MUST_USE bool moo_parse_vector(struct moo_reader body, struct moo_vector *vector);
/* A META chunk's payload: "F7.4 MUL" or the like. */
void moo_parse_name(struct moo_reader body, char name[16]);

/* Defined flags by opcode ([0] one byte, [1] 0F) and reg; all where the metadata says nothing. */
struct moo_masks {
    uint16_t flags[2][256][8];
};

/* From the text of the metadata; false when there is none in it. */
VX_MUST_USE bool moo_parse_masks(const char *text, struct moo_masks *masks);

#endif

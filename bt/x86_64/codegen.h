/* codegen.h - the unit whose code is being emitted, and what all emitters build with: sites, counts, call-outs, code
 * out of line. */
#ifndef VX86_BT_CODEGEN_H
#define VX86_BT_CODEGEN_H

#include "asm.h"
#include "insn.h"
#include "stubs.h"

/* Out-of-line code, emitted behind the unit's body. */
struct cold {
    enum { COLD_MEM, COLD_INSN, COLD_EXIT, COLD_UNSHARED } kind;
    uint32_t from;   /* buffer offset of the rel32 that leads here */
    uint32_t resume; /* COLD_MEM: buffer offset where the access follows */
    uint8_t lin_reg; /* COLD_MEM: where the linear address is */
    bool rcx_in_r11; /* guest ECX has to be brought back first */
    uint32_t info;
    bool fip_due; /* as in struct cg, at the jump to here */
    uint64_t fip;
    uint8_t insn; /* index of the guest instruction */
    uint8_t exit; /* COLD_EXIT: which */
};

enum { COLD_MAX = BT_TU_MAX * 6, SITE_MAX = BT_TU_MAX * 4 };

/* Host registers whose 32-bit sum with the displacement is a linear address. H_NONE: no such register. */
struct cg_address {
    uint8_t base, index, scale;
    int32_t disp;
};

struct cg {
    struct bt_asm a;
    struct bt_tu *tu;
    uint32_t mode;
    const struct bt_insn *in;      /* being emitted */
    unsigned index;                /* its number in the unit */
    uint32_t start[BT_TU_MAX + 2]; /* buffer offset of each instruction, of the tail, of the cold part */
    bool fp_live;                  /* area->fp_away is known to be 0 here */
    bool after_sti;                /* the one before was STI */
    bool in_shadow;                /* the instruction being emitted runs in STI's shadow */
    bool poll_if;                  /* IF may have become 1: look at the next boundary */
    uint8_t shares_open;           /* slots whose probe has been emitted */
    uint8_t r9_share;              /* the slot that r9 holds, SHARE_NONE */
    int32_t share_disp;            /* displacement of the operand behind OPERAND_SHARE */
    struct cg_address window;      /* the operand behind OPERAND_WINDOW */
    bool jcc_polled;               /* the poll of the closing Jcc has been emitted */
    bool counted;                  /* exact counts: vcpu->retired has all of the unit's instructions from here on */
    bool fip_due;                  /* `fip` is yet to be told */
    uint64_t fip;                  /* eip of the last x87 instruction that is not a control instruction */
    unsigned insns;                /* instructions of the unit */
    unsigned exits;
    /* up to here: of one unit, and zero when it begins */
    const struct vx_bt_config *config;
    const struct bt_stubs *stub;
    const struct bt_draft *draft;
    struct cold cold[COLD_MAX];
    unsigned cold_count;
    struct bt_site site[SITE_MAX];
    unsigned site_count;
    bool full; /* too much for the tables: make a shorter unit */
    uint8_t buffer[BT_FRAGMENT_MAX];
};

/* In the place of an address register: the operand is [r9 + cg->share_disp], gs:[cg->window]. */
enum { OPERAND_SHARE = 0xFE, OPERAND_WINDOW = 0xFD };

/* Does the present instruction access memory through the window? */
static inline bool cg_window(const struct cg *cg)
{
    return (cg->mode & MODE_WINDOW) && !cg->in->soft;
}

/* An instruction that takes part in a share cannot be done by C and the unit gone on with: its slot would stay unset.
 * */
static inline bool cg_has_share(const struct bt_insn *in)
{
    return in->share_mem != SHARE_NONE || in->share_stack != SHARE_NONE;
}

/* Code out of line for the current instruction. */
struct cold *cg_cold(struct cg *cg);
/* The code from buffer offset `start` to here is a site. */
void cg_site(struct cg *cg, uint32_t start, enum bt_site_kind kind, uint64_t eip);
/* Jump to a call-out of the current instruction, out of line, from the rel32 at `from`. */
void cg_cold_insn(struct cg *cg, uint32_t from, bool rcx_in_r11);

/* The number of an instruction in the unit, and of what is done and not counted at the boundary before `eip` (exact
 * counts, see emit_count.c). */
unsigned cg_number(const struct cg *cg, const struct bt_insn *in);
uint8_t cg_done(const struct cg *cg, uint64_t eip);
/* reg = eip, as code of 32-bit guests has it. */
static inline void emit_eip(struct cg *cg, unsigned reg, uint64_t eip)
{
    x_mov_imm32(&cg->a, reg, (uint32_t)eip);
}
/* vcpu->retired += n. */
void emit_count(struct cg *cg, unsigned n);
/* Stores FIP if it is due (and leaves it due for other paths), see emit_x87.c. */
void emit_fip(struct cg *cg);
/* All instructions of the unit are done, on every path from here: counts them, tells FIP. */
void emit_unit_done(struct cg *cg);
/* Calls a call-out stub at the instruction `in`, having told count and FIP. Changes no register. */
void emit_call_c(struct cg *cg, const struct bt_insn *in, uint32_t stub);
/* Call-out: the interpreter executes the current instruction, then the unit goes on. `stub` is insn or rep. */
void emit_interp(struct cg *cg, const struct bt_insn *in, uint32_t stub);
/* Leaves for good: the interpreter executes the current instruction. */
void emit_interp_end(struct cg *cg, const struct bt_insn *in);

#endif

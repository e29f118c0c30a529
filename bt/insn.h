/* insn.h - decoded guest instructions as the translator sees them: mode, lowering, operands, shared probes.
 *
 * Made by decode.c and lower.c, marked by share.c, read by the emitters. */
#ifndef VX86_BT_INSN_H
#define VX86_BT_INSN_H

#include "unit.h"
#include "vx86/isa.h"

/* Everything that changes what guest bytes mean or what may be assumed about them. */
enum bt_mode {
    MODE_CS32 = 1u << 0,
    MODE_SS32 = 1u << 1,
    MODE_FLAT = 1u << 2, /* CS, DS, ES, SS: base 0, limit 4 GiB, usual rights */
    MODE_USER = 1u << 3, /* CPL 3: user view of memory */
    MODE_CPL0 = 1u << 4,
    MODE_PROTECTED = 1u << 5, /* PE and not VM */
    MODE_IOPL_OK = 1u << 6,   /* CPL <= IOPL: CLI, STI, IN, OUT need no check */
    MODE_X87_OK = 1u << 7,    /* no EM, no TS */
    MODE_SSE_OK = 1u << 8,    /* X87_OK and CR4.OSFXSR */
    MODE_FS_WIDE = 1u << 9,   /* FS: limit 4 GiB, usual rights: only its base is added */
    MODE_GS_WIDE = 1u << 10,  /* the same for GS; only told apart at CPL 3 */
    MODE_PAGING = 1u << 11,
    MODE_UNSHARED = 1u << 12,    /* not of the vCPU: a shared probe missed, see share.c */
    MODE_FP_OPERANDS = 1u << 13, /* FOP and FDP have to be kept, see emit_x87.c */
    MODE_REAL_DATA = 1u << 14,   /* not protected, and a load of DS or ES changes nothing but its selector and base */
    MODE_WINDOW = 1u << 15,      /* GS:0 on the host is linear address 0 of the view, see window.h */
};
/* Not translated at all: TF, armed breakpoints, alignment checks. */
#define MODE_SLOW UINT32_MAX

/* How an instruction is lowered; one emitter each. cpu/isa.def says which instruction has which, lower.c what the mode
 * makes of it. */
enum bt_lower {
#define VX_LOWERING(id) L_##id,
#include "vx86/lowerings.def"
#undef VX_LOWERING
};

bool bt_ends_unit(uint8_t lower);

#define REG_NONE 0xFF

/* One decoded guest instruction, reduced to what lowering needs. Register numbers are the guest's (0..7). */
struct bt_insn {
    uint64_t eip;
    uint8_t bytes[15];
    uint8_t len;
    uint8_t lower; /* enum bt_lower */
    uint8_t map;   /* 0 one-byte, 1: 0F, 2: 0F38, 3: 0F3A */
    uint8_t opcode;
    uint8_t mandatory; /* mandatory prefix 66/F2/F3 or 0 */
    uint8_t rep;       /* F2/F3 as REP, or 0 */
    bool has_modrm;
    uint8_t mod, reg, rm;
    uint8_t op_bytes; /* operand size: 1, 2, 4 */
    uint8_t addr_bytes;
    uint8_t imm_off, imm_bytes; /* all immediate bytes, copied as they are */
    int64_t imm;
    bool reg_is_gpr8, reg_is_gpr, rm_is_gpr8, rm_is_gpr; /* what ModRM.reg / a register ModRM.rm name */
    bool mem;                                            /* has a ModRM (or moffs) memory operand */
    uint8_t mem_seg; /* enum vx_segment, override applied (also for strings, XLAT) */
    uint8_t mem_base, mem_index, mem_scale;
    int32_t mem_disp;
    uint8_t mem_bytes; /* 0: not accessed */
    bool mem_write, mem_read;
    bool soft;                                  /* its memory operands are probed, though the mode has a window */
    uint8_t gpr_written;                        /* bit set of the registers that it writes */
    uint8_t share_mem, share_stack;             /* shares of the operand and of the stack slot, SHARE_NONE */
    int32_t share_mem_delta, share_stack_delta; /* base register's present value minus the share's */
};

static inline uint64_t bt_next_eip(const struct bt_insn *in)
{
    return vx_off_wrap(in->eip + in->len);
}

enum { SHARE_NONE = 0xFF, SHARE_SLOTS = 4 };

/* A range of memory around a base register that one probe covers. */
struct bt_share {
    int32_t lo; /* relative to the register's value when followed from */
    uint32_t bytes;
    bool write;
};

/* The unit that is being made: what decoding and sharing have found, for the emitters. */
struct bt_draft {
    uint32_t mode;
    bool fp_pointers_always; /* the CPU model's rule, see vx_cpu_fp_pointers_always() */
    struct bt_insn insns[BT_TU_MAX];
    struct bt_share share[SHARE_SLOTS];
    uint8_t *hva[TU_PAGES]; /* host addresses of the pages of its bytes */
    unsigned pages;         /* 1 or 2 */
    bool page_full;         /* the instruction behind the last one reaches into the next page */
};

#endif

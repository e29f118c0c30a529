/* verify_impl.h - inside the verifier.
 *
 * Data flow: verify_decode.c (bytes to struct vf_insn) -> verify_flow.c (successors, an order in which every
 * instruction comes after all that lead to it) -> verify.c (walks that order with a struct vf_state) -> verify_step.c,
 * verify_mem.c, verify_exit.c (what each instruction does to the state, and whether it may) ; verify_guest.c knows the
 * guest's side.
 *
 * Values are terms: equal terms are equal values on every way that leads here. A term is built by what the code
 * computes, so the probe needs no pattern of instructions, only the right arithmetic: the tag of page(x) plus page(x +
 * n - 1) is a MISS of (x, n); where JRCXZ has found it zero, the addend of page(x) may be loaded and stands for n
 * accessible bytes.
 *
 *   I1  Terms are hash-consed: same operator and operands, same number.
 *   I2  Fragments have no loops (RULE_LOOP), so one pass in topological order is exact and ends.
 *   I3  A term's `bits` bound its value: below 2^bits.
 *   I4  A term that may have been derived from an address of this process, or from memory that is not the guest's, is
 *       marked `host`. */
#ifndef VX86_BT_VERIFY_IMPL_H
#define VX86_BT_VERIFY_IMPL_H

#include <capstone/capstone.h>
#include <inttypes.h>

#include "callout.h"
#include "regs.h"
#include "stubs.h"
#include "verify.h"

/* ---- instructions */

enum vf_kind {
    K_NATIVE,
    K_MOV,
    K_MOVZX,
    K_MOVSX,
    K_LEA,
    K_NOT,
    K_SHRX,
    K_SHLX,
    K_SARX,
    K_RORX,
    K_JRCXZ,
    K_JMP,
    K_CALL,
    K_JCC,
    K_SETCC,
    K_LAHF,
    K_SAHF,
    K_NOP,
    K_COUNT,
    K_IMUL,
    K_POPF,
    K_CMPS,
};

enum {
    VF_FLAGS = 1,
    VF_FAULTS = 2,
    VF_GUEST = 4,
    VF_FP = 8,
    VF_PUSH = 16, /* these three: where the stack is accessed */
    VF_POP = 32,
    VF_LEAVE = 64,
    VF_STACK = VF_PUSH | VF_POP | VF_LEAVE,
};
enum { VF_NO_REG = 0xFF, VF_RIP = 0xFE, VF_OPERANDS = 3 };

enum {
    VF_XMM_ENTRIES = X86_REG_XMM0 + H_XMM_ENTRIES,
    VF_XMM_JC_HITS = X86_REG_XMM0 + H_XMM_JC_HITS,
    VF_XMM_ONES = X86_REG_XMM0 + H_XMM_ONES
};

struct vf_def {
    uint8_t kind, written, attributes;
    uint8_t implicit; /* bit set of guest registers */
};

enum vf_op_kind { OP_NONE, OP_REG, OP_IMM, OP_MEM };

struct vf_op {
    uint8_t kind;
    uint8_t size; /* bytes of the register or the access */
    uint8_t reg;  /* number of a general register; VF_NO_REG: another kind of register */
    bool high;    /* AH, CH, DH, BH; reg is 0 to 3 then */
    bool odd;     /* memory through a segment override or with other than 64-bit (guest: 16 or 32-bit) registers */
    bool window;  /* host: memory through GS, with 32-bit addresses */
    uint8_t base, index, scale;
    uint8_t address_bytes; /* guest code: of a memory operand */
    uint8_t seg;           /* memory: enum vx_segment of an override, VF_NO_REG */
    int64_t value;         /* immediate, displacement, branch target as an offset from the code's start */
    int32_t relative;      /* guest code: a branch target's distance from the next instruction */
    uint32_t other;        /* Capstone's number of a register of another kind */
};

struct vf_insn {
    uint32_t off;
    uint16_t id; /* x86_insn */
    uint8_t len, ops;
    bool known;    /* def is filled in */
    bool prefixed; /* LOCK, REP */
    struct vf_def def;
    struct vf_op op[VF_OPERANDS];
};

/* ---- terms */

enum vf_term_op {
    T_OPAQUE, /* c: serial number; b: 1 of the host */
    T_CONST,  /* c */
    T_OFF,    /* (a + c) mod 2^32 */
    T_ADD,    /* (a + b << c) mod 2^32 */
    T_LOW,    /* a mod 2^c */
    T_SX16,
    T_NOT,  /* 32 bits */
    T_LOAD, /* c bytes of guest memory at a, by instruction b */
    T_OWN,  /* of the unit's own bytes: c: offset | bytes << 16 */
    T_SHR,  /* 32-bit shifts of a by c */
    T_SHL,
    T_SAR,
    T_TAG,     /* tag of page(a); c: 1 write */
    T_ADDEND,  /* of a; c: bytes | write << 16 */
    T_HVA,     /* a (an addend) + its linear address + c */
    T_FIELD,   /* vCPU field at offset c; a: epoch, b: the vCPU where it is nothing of the guest's */
    T_JCENTRY, /* jump cache entry for eip a */
    T_JCROT,   /* the entry with halves exchanged */
    T_CACHE,   /* address of the cache */
    T_JCTARGET,
    T_LAST,    /* a + c in 64 bits: the last byte of an access at offset a */
    T_AFTER,   /* ~a, of a T_LAST */
    T_ROOM,    /* a - b: a segment's limit as the area has it, a T_LAST */
    T_OVER,    /* the sign of a T_ROOM */
    T_ENTERED, /* the unit's count of entries as it was, plus c */
    T_COUNT,
};

typedef uint32_t vf_term;

struct vf_node {
    uint8_t op, bits;
    bool host; /* I4 */
    vf_term a, b;
    uint64_t c;
    vf_term next; /* in the bucket */
};

enum { VF_TERM_BUCKETS = 1 << 12 };

struct vf_terms {
    struct vf_node *node; /* [0] is no term */
    uint32_t count, cap;
    uint64_t serial;
    vf_term bucket[VF_TERM_BUCKETS];
};

/* ---- states */

enum { VF_SLOTS = BT_FRAME_BYTES / 8, VF_LIMITS = 2, VF_BEFORE = 0xFFFF };

struct vf_state {
    vf_term reg[16];
    vf_term slot[VF_SLOTS]; /* 0: not known */
    uint8_t slot_bytes[VF_SLOTS];
    uint64_t clean; /* bytes of the frame that hold nothing of the host's */
    vf_term flags;
    vf_term hit;              /* a probe or jump-cache difference known to be zero and still valid */
    vf_term epoch;            /* changes when C has run */
    vf_term segments;         /* changes when C may have loaded a segment register */
    vf_term selector;         /* stored into the segment register that the instruction loads, 0: not yet */
    vf_term stored;           /* to guest memory, by the present guest instruction, last */
    vf_term limit[VF_LIMITS]; /* T_ROOMs known not to be negative, of the present guest instruction */
    uint16_t insn;            /* guest instruction that the code belongs to, insns: behind the last */
    bool fp_live;
    bool committed;   /* the instruction has changed memory or the vCPU */
    bool by_c;        /* C has done the instruction */
    bool own;         /* it has run as itself */
    bool based;       /* the segment register's base is that of `selector` */
    bool entered;     /* the unit has counted this entry */
    uint16_t checked; /* self-check: bytes compared so far */
};

/* A guest instruction as its bytes say. */
struct vf_guest {
    struct vf_insn insn;
    bool decoded; /* by Capstone */
    uint64_t eip, next;
    uint16_t written; /* guest registers */
    bool flags;
    bool has_target;
    uint64_t target;
    uint8_t op_bytes, address_bytes, seg; /* by mode and prefixes; seg: of an override, VF_NO_REG */
    bool entered;                         /* the state below is valid */
    struct vf_state entry;
};

/* ---- flow */

enum { VF_NONE = UINT32_MAX };

struct vf_point {
    uint32_t succ[2]; /* indices; [1] of a branch: taken, of mem_slow: C has done the instruction */
    uint16_t preds;
    uint8_t colour;
    bool has_state;
};

struct bt_verifier {
    const struct vx_bt_config *config;
    const struct bt_code *code;
    const struct bt_stubs *stub;
    csh host, guest32; /* 16-bit guest code is decoded in a 32-bit form, see vf_normalise() */
    cs_insn *scratch;
    struct vf_memo *memo[2]; /* of host code, of guest code in 32-bit form */
    struct vf_def *defs;     /* by x86_insn */
    bool *defined;
    struct vf_terms terms;
    vf_term vcpu, tlb, frame, twelve, cache; /* what r15, r13, rsp, r12 hold */

    const struct bt_claim *claim;
    struct vf_guest *guest;        /* BT_TU_MAX + 1 */
    uint8_t bytes[BT_TU_MAX * 15]; /* the unit's guest bytes */
    uint32_t count, cap;
    struct vf_insn *insn;
    struct vf_point *point;
    struct vf_state *state; /* parallel to insn; valid where point.has_state */
    uint32_t *at;           /* offset to index, VF_NONE: no instruction begins there; BT_FRAGMENT_MAX + 1 */
    uint32_t *order;        /* topological */
    uint32_t *stack;
    uint32_t order_count;
    struct bt_verdict *verdict;
};

/* ---- verify.c */
/* Notes the violation (the first one counts); always false. */
bool vf_fail(struct bt_verifier *v, enum bt_rule rule, const struct vf_insn *in, const char *format, ...)
    VX_PRINTF(4, 5);

/* ---- verify_decode.c */
bool vf_decoder_open(struct bt_verifier *v);
void vf_decoder_close(struct bt_verifier *v);
/* One host instruction at code[off]; false: it does not decode within `bytes`. */
bool vf_decode_host(struct bt_verifier *v, const uint8_t *code, uint32_t bytes, uint32_t off, struct vf_insn *in);
/* One guest instruction; op values of branches are offsets from its start. */
bool vf_decode_guest(struct bt_verifier *v, bool wide, const uint8_t *bytes, unsigned len, struct vf_insn *in);
/* Writes the guest instruction as 32-bit code with each prefix once to out[VF_NORMALISED_BYTES]; returns its length. */
enum { VF_NORMALISED_BYTES = 32 };
unsigned vf_normalise(bool wide, const uint8_t *bytes, unsigned len, uint8_t *out);
/* Does it write memory through operand `op`? */
bool vf_writes(const struct vf_insn *in, unsigned op);

/* ---- verify_memo.c */
struct vf_memo;
size_t vf_memo_bytes(void); /* of a struct vf_memo, zeroed: empty */
/* The instruction at code[0], if its bytes have been kept; `off` and branch targets are those of code at offset 0. */
bool vf_memo_find(struct vf_memo *memo, const uint8_t *code, size_t bytes, struct vf_insn *in);
void vf_memo_keep(struct vf_memo *memo, const uint8_t *code, const struct vf_insn *in);

/* ---- verify_term.c */
void vf_terms_reset(struct vf_terms *t);
vf_term vf_term_make(struct vf_terms *t, enum vf_term_op op, vf_term a, vf_term b, uint64_t c, unsigned bits);
vf_term vf_opaque(struct vf_terms *t, unsigned bits);
/* An unknown value of the host's (I4), and one that is made of `a` and `b`. */
vf_term vf_opaque_host(struct vf_terms *t, unsigned bits);
vf_term vf_opaque_of(struct vf_terms *t, vf_term a, vf_term b, unsigned bits);
vf_term vf_const(struct vf_terms *t, uint64_t c);
vf_term vf_off32(struct vf_terms *t, vf_term a, uint32_t c);
vf_term vf_add32(struct vf_terms *t, vf_term a, vf_term b, unsigned scale);
vf_term vf_low(struct vf_terms *t, vf_term a, unsigned bits);
static inline const struct vf_node *vf_at(const struct bt_verifier *v, vf_term term)
{
    return &v->terms.node[term];
}
static inline bool vf_is_host(const struct bt_verifier *v, vf_term term)
{
    return vf_at(v, term)->host;
}
/* Is it a page's table index, and of which linear address? */
bool vf_is_index(const struct bt_verifier *v, vf_term term, vf_term *lin);
/* Is it zero exactly when `bytes` at `lin` may be read (written)? */
bool vf_is_miss(const struct bt_verifier *v, vf_term term, vf_term *lin, uint32_t *bytes, bool *write);
/* Is it zero exactly when the jump cache has a unit for this eip? */
bool vf_is_jc_miss(const struct bt_verifier *v, vf_term term, vf_term *eip);

/* ---- verify_flow.c */
/* Decodes the whole fragment and finds the order; false: verdict is set. */
bool vf_flow(struct bt_verifier *v);
/* The stub at cache offset `off`: 0 if there is none. */
enum vf_stub {
    STUB_NONE,
    STUB_MEM_SLOW,
    STUB_SHARE_SLOW,
    STUB_INSN,
    STUB_REP,
    STUB_SEG,
    STUB_RDTSC,
    STUB_PORT,
    STUB_INT,
    STUB_IRET,
    STUB_SYSENTER,
    STUB_SYSEXIT,
    STUB_FP_LOAD,
    STUB_EXIT_DIRECT,
    STUB_EXIT_INDIRECT,
    STUB_EXIT_INTERP,
    STUB_EXIT_BOUNDARY,
    STUB_EXIT_BUDGET,
    STUB_EXIT_STALE
};
enum vf_stub vf_stub_at(const struct bt_verifier *v, uint32_t off);

/* ---- verify_guest.c */
bool vf_guest_decode(struct bt_verifier *v);
/* The guest instruction whose code the offset is part of; tu->insns: behind the last, VF_BEFORE: in front of the first.
 * */
unsigned vf_insn_at(const struct bt_verifier *v, uint32_t off);
/* The state is that before the guest instruction, everything still to be done. */
bool vf_at_start(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in);
/* The guest instruction is done: nothing has changed but what it may change. */
bool vf_at_end(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in);
/* Goes on at offset `off` of the body: in the same guest instruction, or at the start of the next. */
bool vf_advance(struct bt_verifier *v, struct vf_state *s, uint32_t off, const struct vf_insn *in);
/* C has executed the present guest instruction. */
void vf_done_by_c(struct bt_verifier *v, struct vf_state *s);

/* ---- verify_mem.c */
struct vf_access {
    const struct vf_op *op;
    unsigned bytes;
    bool write;
    vf_term value;  /* stored; 0: not followed */
    vf_term result; /* loaded */
};
bool vf_memory(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, struct vf_access *access);
const struct bt_site *vf_site_of(const struct bt_verifier *v, uint32_t off);

/* ---- verify_operand.c */
/* May the guest instruction make this access at `lin`: is it an operand's, and has it been held against its segment's
 * limit? */
bool vf_operand_address(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in,
                        const struct vf_access *access, vf_term lin);
/* Where the guest's indirect branch goes. */
vf_term vf_branch_target(struct bt_verifier *v, const struct vf_state *s, const struct vf_guest *g);
/* Has the host instruction the operands of the guest's, as which it runs? */
bool vf_operands_match(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in);
/* Has the guest instruction been done: memory stored, registers as they should be so far as that is followed? */
bool vf_results(struct bt_verifier *v, const struct vf_state *s, const struct vf_insn *in);

/* ---- verify_segment.c */
/* Does the guest instruction load a segment register by itself, in the unit's mode? */
bool vf_loads_segment(const struct bt_verifier *v, const struct vf_guest *g);
/* A store into the vCPU's segment register `seg`: its selector or its base. */
bool vf_segment_store(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in, unsigned seg, bool base,
                      vf_term value);

/* ---- verify_step.c */
/* One instruction; branches and calls only so far as they compute. */
bool vf_step(struct bt_verifier *v, struct vf_state *s, const struct vf_insn *in);

/* ---- verify_exit.c */
/* A branch, jump or call: checks it, and makes the states of its successors (out[k] for succ[k]). */
bool vf_leave(struct bt_verifier *v, const struct vf_state *s, uint32_t index, struct vf_state out[2]);

#endif

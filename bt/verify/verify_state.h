/* verify_state.h - inside the verifier: terms, states, what it holds.
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
#ifndef VX86_BT_VERIFY_STATE_H
#define VX86_BT_VERIFY_STATE_H

#include "stubs.h"
#include "verify_claim.h"
#include "verify_insn.h"

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

static inline const struct vf_node *vf_at(const struct bt_verifier *v, vf_term term)
{
    return &v->terms.node[term];
}
static inline bool vf_is_host(const struct bt_verifier *v, vf_term term)
{
    return vf_at(v, term)->host;
}

#endif

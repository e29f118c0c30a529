/* fragments.h - small guest programs and the fragments that the translator makes of them, for tests of the verifier. */
#ifndef VX86_TESTS_BT_FRAGMENTS_H
#define VX86_TESTS_BT_FRAGMENTS_H

#include "rig.h"

enum fragment_id {
    FRAGMENT_MEMORY, /* loads, stores, shared probes, PUSH and POP, DIV, a backward Jcc */
    FRAGMENT_REAL,   /* 16-bit code through segments with limits */
    FRAGMENT_FP,     /* x87 and SSE, an indirect jump */
    FRAGMENT_SYSTEM, /* flags, IN, REP, high bytes, RET */
    FRAGMENT_LOOP,   /* LOOP and its two exits */
    FRAGMENT_SELF,   /* compares its own bytes */
    FRAGMENT_UNITS,  /* counts how often it is entered */
    FRAGMENT_BYTES,  /* MUL and DIV of bytes, which leave EDX, with operands that share a probe through it */
    FRAGMENT_WINDOW, /* the same loads and stores as FRAGMENT_MEMORY, through a window */
    FRAGMENT_COUNT,
};

/* Makes the fragment with a fresh rig; its claim is bt_claim_of(rig->bt, the unit returned). */
struct bt_tu *fragment_make(struct rig *rig, enum fragment_id id);
/* The same without a verifier. */
struct bt_tu *fragment_make_plain(struct rig *rig, enum fragment_id id);

#endif

/* verify_term.h - terms made and recognised. */
#ifndef VX86_BT_VERIFY_TERM_H
#define VX86_BT_VERIFY_TERM_H

#include "verify_state.h"

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
/* Is it a page's table index, and of which linear address? */
bool vf_is_index(const struct bt_verifier *v, vf_term term, vf_term *lin);
/* Is it zero exactly when `bytes` at `lin` may be read (written)? */
bool vf_is_miss(const struct bt_verifier *v, vf_term term, vf_term *lin, uint32_t *bytes, bool *write);
/* Is it zero exactly when the jump cache has a unit for this eip? */
bool vf_is_jc_miss(const struct bt_verifier *v, vf_term term, vf_term *eip);

#endif

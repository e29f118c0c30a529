/* verify_term.c - terms: values of the abstract interpretation, hash-consed (I1 of verify_state.h). */
#include "verify_term.h"

#include <stdlib.h>

static void grow(struct vf_terms *t)
{
    t->cap = t->cap == 0 ? 4096 : t->cap * 2;
    t->node = realloc(t->node, t->cap * sizeof *t->node);
    VX_ASSERT(t->node != NULL);
}

void vf_terms_reset(struct vf_terms *t)
{
    if (t->cap == 0)
        grow(t);
    memset(t->bucket, 0, sizeof t->bucket);
    t->node[0] = (struct vf_node){ .op = T_COUNT };
    t->count = 1;
}

/* I4. Constants of more than 32 bits are addresses; T_LOAD's and T_TAG's operands say where from, not what. */
static bool is_of_host(const struct vf_terms *t, enum vf_term_op op, vf_term a, vf_term b, unsigned bits)
{
    switch (op) {
    case T_OPAQUE: return b != 0;
    case T_CONST: return bits > 32;
    case T_LOAD:
    case T_OWN:
    case T_TAG: return false;
    case T_ADDEND:
    case T_HVA:
    case T_JCENTRY:
    case T_JCROT:
    case T_CACHE:
    case T_ENTERED:
    case T_JCTARGET: return true;
    default: return t->node[a].host || t->node[b].host;
    }
}

vf_term vf_term_make(struct vf_terms *t, enum vf_term_op op, vf_term a, vf_term b, uint64_t c, unsigned bits)
{
    uint64_t h = ((uint64_t)op << 56 ^ (uint64_t)a << 32 ^ b ^ c << 17) * 0x9E3779B97F4A7C15ull;
    vf_term *head = &t->bucket[h >> 52];
    for (vf_term at = *head; at != 0; at = t->node[at].next) {
        const struct vf_node *node = &t->node[at];
        if (node->op == op && node->a == a && node->b == b && node->c == c && node->bits == bits)
            return at;
    }
    if (t->count >= t->cap)
        grow(t);
    t->node[t->count] = (struct vf_node){ .op = (uint8_t)op,
                                          .bits = (uint8_t)bits,
                                          .host = is_of_host(t, op, a, b, bits),
                                          .a = a,
                                          .b = b,
                                          .c = c,
                                          .next = *head };
    *head = t->count;
    return t->count++;
}

vf_term vf_opaque(struct vf_terms *t, unsigned bits)
{
    return vf_term_make(t, T_OPAQUE, 0, 0, ++t->serial, bits);
}

vf_term vf_opaque_host(struct vf_terms *t, unsigned bits)
{
    return vf_term_make(t, T_OPAQUE, 0, 1, ++t->serial, bits);
}

vf_term vf_opaque_of(struct vf_terms *t, vf_term a, vf_term b, unsigned bits)
{
    return t->node[a].host || t->node[b].host ? vf_opaque_host(t, bits) : vf_opaque(t, bits);
}

vf_term vf_const(struct vf_terms *t, uint64_t c)
{
    return vf_term_make(t, T_CONST, 0, 0, c, c == 0 ? 0 : 64 - (unsigned)__builtin_clzll(c));
}

/* Splits into a base and what is added to it modulo 2^32; the base of a constant is term 0. */
static vf_term split(const struct vf_terms *t, vf_term a, uint32_t *c)
{
    const struct vf_node *node = &t->node[a];
    *c = 0;
    if (node->op == T_CONST && !node->host) {
        *c = (uint32_t)node->c;
        return 0;
    }
    if (node->op != T_OFF)
        return a;
    *c = (uint32_t)node->c;
    return node->a;
}

vf_term vf_off32(struct vf_terms *t, vf_term a, uint32_t c)
{
    uint32_t inner;
    vf_term base = split(t, a, &inner);
    c += inner;
    if (base == 0)
        return vf_const(t, c);
    if (c == 0)
        return vf_low(t, base, 32);
    bool negated_bit = c == 2 && t->node[base].op == T_NOT && t->node[t->node[base].a].bits <= 1; /* 1 - bit */
    return vf_term_make(t, T_OFF, base, 0, c, negated_bit ? 1 : 32);
}

vf_term vf_add32(struct vf_terms *t, vf_term a, vf_term b, unsigned scale)
{
    uint32_t ca, cb;
    a = split(t, a, &ca);
    b = split(t, b, &cb);
    uint32_t c = ca + (cb << scale);
    if (b == 0)
        return a == 0 ? vf_const(t, c) : vf_off32(t, a, c);
    if (a == 0 && scale == 0)
        return vf_off32(t, b, c);
    if (scale == 0 && a > b) {
        vf_term swap = a;
        a = b;
        b = swap;
    }
    return vf_off32(t, vf_term_make(t, T_ADD, a, b, scale, 32), c);
}

vf_term vf_low(struct vf_terms *t, vf_term a, unsigned bits)
{
    const struct vf_node *node = &t->node[a];
    if (node->bits <= bits)
        return a;
    if (node->op == T_CONST && node->host)
        return vf_opaque_host(t, bits);
    if (node->op == T_CONST)
        return vf_const(t, node->c & ((1ull << bits) - 1));
    if (node->op == T_LOW && node->c > bits)
        a = node->a;
    else if (node->op == T_OFF && bits < 32) { /* what is added counts modulo 2^bits only */
        uint64_t c = node->c & ((1ull << bits) - 1);
        a = c == 0 ? node->a : vf_term_make(t, T_OFF, node->a, 0, c, 32);
    }
    return vf_term_make(t, T_LOW, a, 0, bits, bits);
}

/* ---- the shapes of the probe */

static bool is_page(const struct bt_verifier *v, vf_term term, vf_term *lin)
{
    const struct vf_node *node = vf_at(v, term);
    *lin = node->a;
    return node->op == T_SHR && node->c == VX_PAGE_SHIFT && vf_at(v, node->a)->bits <= 32;
}

bool vf_is_index(const struct bt_verifier *v, vf_term term, vf_term *lin)
{
    const struct vf_node *node = vf_at(v, term);
    if (node->op == T_LOW && node->c == 16)
        return is_page(v, node->a, lin);
    return node->bits <= 16 && is_page(v, term, lin);
}

bool vf_is_miss(const struct bt_verifier *v, vf_term term, vf_term *lin, uint32_t *bytes, bool *write)
{
    const struct vf_node *sum = vf_at(v, term);
    vf_term tag = sum->a, page = sum->b, last;
    if (sum->op != T_ADD || sum->c != 0)
        return false;
    if (vf_at(v, tag)->op != T_TAG) {
        tag = sum->b;
        page = sum->a;
    }
    if (vf_at(v, tag)->op != T_TAG || !is_page(v, page, &last))
        return false;
    *lin = vf_at(v, tag)->a;
    *write = vf_at(v, tag)->c != 0;
    uint32_t first_c, last_c;
    if (split(&v->terms, *lin, &first_c) != split(&v->terms, last, &last_c) || last_c - first_c >= VX_PAGE_BYTES)
        return false;
    *bytes = last_c - first_c + 1;
    return true;
}

/* The entry's low half and the eip's base (0: the eip is constant) make the sum's base. */
static bool is_entry_plus(const struct bt_verifier *v, vf_term entry, vf_term eip_base, uint32_t c, vf_term *eip)
{
    const struct vf_node *node = vf_at(v, entry);
    if (entry != 0 && node->op == T_LOW)
        node = vf_at(v, node->a);
    if (entry == 0 || node->op != T_JCENTRY)
        return false;
    uint32_t eip_c;
    *eip = node->a;
    return split(&v->terms, *eip, &eip_c) == eip_base && eip_c == c;
}

bool vf_is_jc_miss(const struct bt_verifier *v, vf_term term, vf_term *eip)
{
    uint32_t c;
    vf_term base = split(&v->terms, term, &c);
    const struct vf_node *sum = vf_at(v, base);
    if (is_entry_plus(v, base, 0, c, eip))
        return true;
    return base != 0 && sum->op == T_ADD && sum->c == 0 &&
           (is_entry_plus(v, sum->a, sum->b, c, eip) || is_entry_plus(v, sum->b, sum->a, c, eip));
}

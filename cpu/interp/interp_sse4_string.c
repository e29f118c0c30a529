/* interp_sse4_string.c - PCMPESTRM, PCMPESTRI, PCMPISTRM, PCMPISTRI (SDM 1 "String and Text Processing
 * Instructions"; SDM 2 "Imm8 Control Byte Operation for PCMPESTRI / PCMPESTRM / PCMPISTRI / PCMPISTRM").
 *
 *     imm8   7  6    5:4       3:2          1:0
 *            0  out  polarity  aggregation  elements: unsigned bytes, unsigned words, signed bytes, signed words
 *
 *   I1  The first operand (ModRM.reg) is the set, range or needle, the second (ModRM.rm) the text. */
#include "interp_sse.h"

enum { ANY, RANGES, EACH, ORDERED }; /* aggregation */

struct strings {
    int32_t a[16], b[16]; /* elements of first and second operand */
    unsigned count;       /* elements in a register: 16 or 8 */
    unsigned length_a, length_b;
};

static void take_elements(int32_t out[16], const union vec *v, uint8_t imm)
{
    for (unsigned i = 0; i < (imm & 1 ? 8u : 16u); i++) {
        switch (imm & 3) {
        case 0: out[i] = v->b[i]; break;
        case 1: out[i] = v->w[i]; break;
        case 2: out[i] = (int8_t)v->b[i]; break;
        default: out[i] = (int16_t)v->w[i]; break;
        }
    }
}

/* Up to the first zero. */
static unsigned implicit_length(const int32_t elements[16], unsigned count)
{
    unsigned n = 0;
    while (n < count && elements[n] != 0)
        n++;
    return n;
}

/* The magnitude of EAX or EDX, at most all elements. */
static unsigned explicit_length(uint64_t reg, unsigned count)
{
    int64_t value = (int32_t)reg;
    if (value < 0)
        value = -value;
    return value > count ? count : (unsigned)value;
}

/* Elements equal; where one is behind its string's end, what the aggregation makes of that. */
static bool pair_holds(const struct strings *t, unsigned aggregation, unsigned i, unsigned j)
{
    bool valid_a = j < t->length_a, valid_b = i < t->length_b;
    if (valid_a && valid_b)
        return t->a[j] == t->b[i];
    switch (aggregation) {
    case EACH: return !valid_a && !valid_b;
    case ORDERED: return !valid_a;
    default: return false;
    }
}

static bool in_ranges(const struct strings *t, unsigned i)
{
    for (unsigned j = 0; j + 1 < t->length_a && i < t->length_b; j += 2)
        if (t->b[i] >= t->a[j] && t->b[i] <= t->a[j + 1])
            return true;
    return false;
}

static bool in_set(const struct strings *t, unsigned i)
{
    for (unsigned j = 0; j < t->count; j++)
        if (pair_holds(t, ANY, i, j))
            return true;
    return false;
}

/* Does the needle stand at i, as far as the register shows? */
static bool stands_at(const struct strings *t, unsigned i)
{
    for (unsigned j = 0; i + j < t->count; j++)
        if (!pair_holds(t, ORDERED, i + j, j))
            return false;
    return true;
}

static uint32_t aggregate(const struct strings *t, unsigned aggregation)
{
    uint32_t result = 0;
    for (unsigned i = 0; i < t->count; i++) {
        bool holds = aggregation == ANY      ? in_set(t, i)
                     : aggregation == RANGES ? in_ranges(t, i)
                     : aggregation == EACH   ? pair_holds(t, EACH, i, i)
                                             : stands_at(t, i);
        result |= (uint32_t)holds << i;
    }
    return result;
}

/* imm 5:4: as it is, negated, as it is, negated where the second string is valid. */
static uint32_t polarise(const struct strings *t, uint32_t result, uint8_t imm)
{
    uint32_t all = (1u << t->count) - 1, valid = (1u << t->length_b) - 1;
    switch (imm >> 4 & 3) {
    case 1: return result ^ all;
    case 3: return result ^ valid;
    default: return result;
    }
}

static void store_index(struct simd *s, const struct strings *t, uint32_t result, bool last)
{
    unsigned index = t->count;
    if (result != 0)
        index = last ? 31 - (unsigned)__builtin_clz(result) : (unsigned)__builtin_ctz(result);
    s->cpu->gpr[VX_RCX] = index;
}

static void store_mask(struct simd *s, const struct strings *t, uint32_t result, bool expand)
{
    union vec mask = { .q = { expand ? 0 : result, 0 } };
    unsigned size = 16 / t->count;
    for (unsigned i = 0; expand && i < t->count; i++)
        memset(mask.b + i * size, result >> i & 1 ? 0xFF : 0, size);
    simd_set_xmm(s->cpu, 0, &mask);
}

/* 0F 3A 60..63: bit 0 of the opcode: index, not mask; bit 1: implicit lengths. The operand need not be aligned. */
bool simd_do_pcmpstr(struct simd *s)
{
    struct insn *in = s->in;
    union vec a = simd_reg(s), b = simd_xmm(s->cpu, in->rm);
    struct strings t;
    uint8_t imm;
    if (!insn_imm8(in, &imm) || (in->mod != 3 && !insn_read_bytes(in, in->seg, in->off, &b, 16, 1)))
        return false;
    bool implicit = in->opcode & 2;
    t.count = imm & 1 ? 8 : 16;
    take_elements(t.a, &a, imm);
    take_elements(t.b, &b, imm);
    t.length_a = implicit ? implicit_length(t.a, t.count) : explicit_length(s->cpu->gpr[VX_RAX], t.count);
    t.length_b = implicit ? implicit_length(t.b, t.count) : explicit_length(s->cpu->gpr[VX_RDX], t.count);
    uint32_t result = polarise(&t, aggregate(&t, imm >> 2 & 3), imm);
    if (in->opcode & 1)
        store_index(s, &t, result, imm & 0x40);
    else
        store_mask(s, &t, result, imm & 0x40);
    s->cpu->eflags = (s->cpu->eflags & ~(uint32_t)VX_FL_ARITH) | (result != 0 ? VX_FL_CF : 0u) |
                     (t.length_b < t.count ? VX_FL_ZF : 0u) | (t.length_a < t.count ? VX_FL_SF : 0u) |
                     (result & 1 ? VX_FL_OF : 0u);
    return true;
}

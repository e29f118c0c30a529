/* state.c - what a program starts with: registers, flags, segments, FP images, data. */
#include "hostfuzz.h"

#include <string.h>

uint32_t hf_value(struct hf_rng *rng)
{
    static const uint32_t ends[] = { 0,      1,      2,      3,       0x7F,       0x80,       0xFF,      0x100,
                                     0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF };
    uint64_t r = hf_random(rng);
    uint32_t value = (uint32_t)(r >> 32);
    switch (r & 7) {
    case 0:
    case 1: return ends[(r >> 8) % (sizeof ends / sizeof ends[0])];
    case 2: return value >> (r >> 8 & 31);
    case 3: return (uint32_t)((int32_t)value >> (r >> 8 & 31));
    case 4: return (value & 1 ? ~0u : 0) ^ 1u << (r >> 8 & 31);
    default: return value;
    }
}

/* A double extended real: all classes, the odd ones too. */
static void put_extended(uint8_t *at, struct hf_rng *rng)
{
    static const uint16_t exponents[] = { 0,      1,      2,      0x3FFE, 0x3FFF, 0x4000,
                                          0x7FFE, 0x7FFF, 0x3F81, 0x407E, 0x3C01, 0x43FE };
    uint64_t r = hf_random(rng), mantissa = hf_random(rng);
    uint16_t exponent = (uint16_t)(r >> 16 & 0x7FFF);
    switch (r & 7) {
    case 0: exponent = exponents[(r >> 8 & 0xFF) % (sizeof exponents / sizeof exponents[0])]; break;
    case 1:
    case 2:
    case 3: exponent = (uint16_t)(0x3FFF - 64 + (r >> 8 & 0x7F)); break;
    case 4: exponent = (uint16_t)(0x3FFF - 4 + (r >> 8 & 7)); break;
    default: break;
    }
    switch (r >> 32 & 7) {
    case 0: mantissa = 0; break;
    case 1: mantissa = UINT64_MAX; break;
    case 2: mantissa &= UINT64_MAX << (r >> 40 & 63); break;
    case 3: mantissa = 1ull << (r >> 40 & 63); break;
    default: break;
    }
    if ((r >> 48 & 15) != 0) /* the integer bit as it should be */
        mantissa = exponent != 0 ? mantissa | 1ull << 63 : mantissa & ~(1ull << 63);
    exponent |= (uint16_t)(r >> 63 << 15);
    memcpy(at, &mantissa, 8);
    memcpy(at + 8, &exponent, 2);
}

static uint32_t random_single(struct hf_rng *rng)
{
    static const uint32_t odd[] = { 0,          0x80000000, 0x3F800000, 0xBF800000, 0x7F800000, 0xFF800000,
                                    0x7FC00000, 0xFFC00000, 0x7F800001, 0x7F7FFFFF, 0x00800000, 0x007FFFFF,
                                    0x00000001, 0x4F000000, 0xCF000000, 0x5F000000, 0x3F000000, 0x4B000000 };
    uint64_t r = hf_random(rng);
    if ((r & 3) == 0)
        return odd[(r >> 8 & 0xFF) % (sizeof odd / sizeof odd[0])];
    if ((r & 3) == 1)
        return (uint32_t)(r >> 32 & 0x807FFFFF) | (uint32_t)(127 - 16 + (r >> 8 & 31)) << 23;
    return (uint32_t)(r >> 32);
}

static uint64_t random_double(struct hf_rng *rng)
{
    static const uint64_t odd[] = { 0,
                                    1ull << 63,
                                    0x3FF0000000000000,
                                    0xBFF0000000000000,
                                    0x7FF0000000000000,
                                    0xFFF0000000000000,
                                    0x7FF8000000000000,
                                    0x7FF0000000000001,
                                    0x7FEFFFFFFFFFFFFF,
                                    0x0010000000000000,
                                    0x000FFFFFFFFFFFFF,
                                    1,
                                    0x41E0000000000000,
                                    0xC1E0000000000000,
                                    0x43E0000000000000,
                                    0x3FE0000000000000,
                                    0x36A0000000000000,
                                    0x47EFFFFFF0000000 };
    uint64_t r = hf_random(rng), bits = hf_random(rng);
    if ((r & 3) == 0)
        return odd[(r >> 8 & 0xFF) % (sizeof odd / sizeof odd[0])];
    if ((r & 3) == 1)
        return (bits & 0x800FFFFFFFFFFFFF) | (uint64_t)(1023 - 32 + (r >> 8 & 63)) << 52;
    return bits;
}

/* `bytes` of mixed contents: integers, reals of all formats. */
static void put_mixture(uint8_t *at, unsigned bytes, struct hf_rng *rng)
{
    while (bytes >= 16) {
        for (unsigned i = 0; i < 16; i += 8) {
            uint64_t value = hf_random(rng);
            switch (hf_below(rng, 4)) {
            case 0: value = random_single(rng) | (uint64_t)random_single(rng) << 32; break;
            case 1: value = random_double(rng); break;
            case 2: value = hf_value(rng) | (uint64_t)hf_value(rng) << 32; break;
            default: break;
            }
            memcpy(at + i, &value, 8);
        }
        if (hf_one_in(rng, 4))
            put_extended(at + hf_below(rng, 6), rng);
        at += 16;
        bytes -= 16;
    }
}

static void put_fx(uint8_t *fx, struct hf_rng *rng)
{
    uint64_t r = hf_random(rng);
    uint16_t control = 0x037F, status = 0;
    uint32_t mxcsr = 0x1F80;
    uint8_t tags = 0;
    if (r & 1) /* rounding and precision */
        control = (uint16_t)(0x037F & ~0x0F00) | (uint16_t)(r >> 8 & 0xF00);
    if ((r >> 1 & 7) == 0) /* some exceptions unmasked */
        control &= (uint16_t) ~(r >> 24 & 0x3F);
    if ((r >> 4 & 3) == 0)
        status = (uint16_t)(r >> 32 & (r >> 6 & 1 ? 0x477F : 0x4700));
    status |= (uint16_t)((r >> 48 & 7) << 11);
    if (status & ~control & 0x3F)
        status |= 0x8080;
    if (r >> 7 & 1)
        mxcsr = (mxcsr & ~0x6000u) | (hf_random(rng) & 0xE07F);
    if (hf_one_in(rng, 8))
        mxcsr &= ~(hf_below(rng, 64) << 7);
    tags = r >> 52 & 3 ? (uint8_t)hf_random(rng) : r >> 54 & 1 ? 0 : 0xFF;
    memset(fx, 0, 512);
    memcpy(fx, &control, 2);
    memcpy(fx + 2, &status, 2);
    fx[4] = tags;
    memcpy(fx + 24, &mxcsr, 4);
    for (unsigned i = 0; i < 8; i++)
        put_extended(fx + 32 + 16 * i, rng);
    put_mixture(fx + 160, 128, rng);
}

/* A register: an address of data (`data`: of its first byte) as often as anything else. */
static uint32_t register_value(struct hf_rng *rng, uint32_t data)
{
    if (hf_one_in(rng, 2))
        return data + hf_below(rng, 16) * (HF_DATA_BYTES / 16) + hf_below(rng, hf_one_in(rng, 2) ? 64 : 512);
    return hf_value(rng);
}

static uint16_t random_selector(struct hf_rng *rng)
{
    uint16_t sel = HF_SEL_LDT(1 + hf_below(rng, HF_LDT_SELF_CODE16 - 1));
    if (sel == HF_SEL_LDT(5) || sel == HF_SEL_LDT(6))
        return hf_one_in(rng, 2) ? 0 : HF_SEL_DATA;
    return sel;
}

static void put_segments(struct hf_state *state, bool code16, struct hf_rng *rng)
{
    uint16_t data = code16 ? HF_SEL_LDT(HF_LDT_DATA16) : HF_SEL_DATA;
    for (unsigned i = 0; i < 6; i++)
        state->seg[i] = data;
    state->seg[1] = code16 ? HF_SEL_LDT(HF_LDT_CODE16) : HF_SEL_CODE32;
    if (hf_one_in(rng, 8)) {
        state->seg[0] = random_selector(rng);
        state->seg[3] = random_selector(rng);
        state->seg[4] = random_selector(rng);
        state->seg[5] = random_selector(rng);
        uint16_t ss = random_selector(rng);
        if ((ss & ~3u) != 0 && ss != HF_SEL_LDT(4))
            state->seg[2] = ss;
    }
}

/* Registers, and in 16-bit code segments too, for a program that writes to itself. */
static void point_to_program(struct hf_state *state, const struct hf_program *p, struct hf_rng *rng)
{
    for (unsigned i = 0; i < 8; i++) {
        if (!hf_one_in(rng, 3))
            state->gpr[i] = state->eip + hf_below(rng, p->bytes + 24u) - (hf_one_in(rng, 2) ? 0 : hf_below(rng, 64));
    }
    if (!p->code16)
        return;
    for (unsigned i = 0; i < 6; i++)
        state->seg[i] = HF_SEL_LDT(i == 1 ? HF_LDT_SELF_CODE16 : HF_LDT_SELF_DATA16);
}

void hf_state_make(struct hf_state *state, const struct hf_batch *batch, unsigned program, unsigned n)
{
    const struct hf_program *p = &batch->program[program];
    unsigned index =
        p->place == HF_PLACE_EDGE ? program / 2 : program * HF_STATES + n; /* both halves of a pair get the same */
    struct hf_rng rng = hf_seeded(batch->seed, batch->number * 2 + 1, index);
    static const uint32_t code16_base[] = { [HF_PLACE_CODE] = HF_CODE16, [HF_PLACE_SELF] = HF_SELF };
    uint32_t data = p->code16 ? 0 : HF_DATA;
    for (unsigned i = 0; i < 8; i++)
        state->gpr[i] = register_value(&rng, data);
    if (hf_one_in(&rng, 4))
        state->gpr[1] = hf_below(&rng, 40); /* counts */
    if (!hf_one_in(&rng, 8))
        state->gpr[4] =
            data + HF_DATA_BYTES / 2 + 4 * hf_below(&rng, 64) + (hf_one_in(&rng, 8) ? hf_below(&rng, 4) : 0);
    state->eip = p->lin - (p->code16 ? code16_base[p->place] : 0);
    uint64_t r = hf_random(&rng);
    state->eflags = 0x202 | (uint32_t)(r & 0x8D5) | (uint32_t)(r >> 32 & 0x200000);
    if (hf_one_in(&rng, 4))
        state->eflags |= 0x400;
    if (hf_one_in(&rng, 16))
        state->eflags |= 0x40000;
    put_segments(state, p->code16, &rng);
    if (p->code16 && p->place == HF_PLACE_EDGE)
        state->seg[1] = HF_SEL_LDT(HF_LDT_CODE16_FLAT);
    if (p->place == HF_PLACE_SELF)
        point_to_program(state, p, &rng);
    put_fx(state->fx, &rng);
    if (hf_one_in(&rng, 24) && state->seg[2] == HF_SEL_DATA)
        state->eflags |= 0x100; /* single-step: native.S wants a 32-bit stack for that */
}

void hf_data_make(uint8_t *data, struct hf_rng *rng)
{
    put_mixture(data, HF_DATA_ALL_BYTES, rng);
    for (unsigned i = 0; i < 512; i++) { /* and pointers into itself */
        uint32_t pointer = HF_DATA + hf_below(rng, HF_DATA_BYTES);
        memcpy(data + hf_below(rng, HF_DATA_ALL_BYTES - 4), &pointer, 4);
    }
}

/* interp_x87_move.c - loads and stores: real, integer and BCD operands, FXCH, FCMOVcc, FFREE.
 *
 * A store computes first, then writes memory (which may fault with nothing changed), then commits flags and pops. */
#include "interp_x87.h"

/* Pushes a converted value, or the default NaN on stack overflow. */
static bool push_result(struct x87 *x, struct fp_num n)
{
    if (!x87_is_empty(x->cpu, 7)) {
        x->env.flags = 0; /* the stack comes before the operand */
        if (x87_overflow(x))
            x87_push(x->cpu, fp_pack_f80(fp_default_nan()));
    } else if (!(x->env.flags & ~x->env.masks & FP_IE)) { /* a denormal is loaded even when unmasked */
        x87_push(x->cpu, fp_pack_f80(n));
    }
    x87_finish(x, 0, 0);
    return true;
}

static bool load_real(struct x87 *x, unsigned size)
{
    struct insn *in = x->in;
    uint64_t raw;
    if (!insn_read(in, in->seg, in->off, size, &raw))
        return false;
    struct fp_num n = size == 4 ? fp_unpack_f32((uint32_t)raw) : fp_unpack_f64(raw);
    x->env.precision = 64;
    return push_result(x, fp_convert(&x->env, &fp_extended, n, true));
}

/* FLD m80 and FLD ST(i) move bits: no operand is invalid. */
static bool push_image(struct x87 *x, struct fp_f80 image)
{
    if (!x87_is_empty(x->cpu, 7)) {
        if (x87_overflow(x))
            x87_push(x->cpu, fp_pack_f80(fp_default_nan()));
    } else {
        x87_push(x->cpu, image);
    }
    x87_finish(x, 0, 0);
    return true;
}

static bool load_f80(struct x87 *x)
{
    struct insn *in = x->in;
    uint8_t raw[10];
    struct fp_f80 image;
    if (!insn_read_bytes(in, in->seg, in->off, raw, sizeof raw, 1))
        return false;
    memcpy(&image.sig, raw, 8);
    memcpy(&image.se, raw + 8, 2);
    return push_image(x, image);
}

static bool load_int(struct x87 *x, unsigned size)
{
    struct insn *in = x->in;
    uint64_t raw;
    if (!insn_read(in, in->seg, in->off, size, &raw))
        return false;
    int64_t value = size == 2 ? (int16_t)raw : size == 4 ? (int32_t)raw : (int64_t)raw;
    return push_result(x, fp_from_int(value));
}

/* What an unmasked exception keeps from being stored is still checked as a write: memory faults come first. */
static bool write_or_probe(struct x87 *x, bool store, const void *raw, unsigned bytes)
{
    struct insn *in = x->in;
    if (!store)
        return insn_probe_write(in, in->seg, in->off, bytes);
    if (bytes == 10)
        return insn_write_bytes(in, in->seg, in->off, raw, bytes, 1);
    uint64_t value = 0;
    memcpy(&value, raw, bytes);
    return insn_write(in, in->seg, in->off, bytes, value);
}

static void finish_store(struct x87 *x, bool stored, bool pop)
{
    if (stored && pop)
        x87_pop(x->cpu);
    x87_finish(x, 0, 0);
}

/* FST m32, m64: unlike register results, one that over- or underflows unmasked is not stored at all. */
static bool store_real(struct x87 *x, unsigned size, bool pop)
{
    struct fp_num n = fp_default_nan();
    bool store;
    if (x87_is_empty(x->cpu, 0)) {
        store = x87_underflow(x);
    } else {
        n = fp_convert(&x->env, size == 4 ? &fp_single : &fp_double, x87_number(x->cpu, 0), false);
        store = !x87_blocked(x);
        if (x->env.flags & ~x->env.masks & (FP_OE | FP_UE)) {
            x->env.flags &= (uint8_t)~FP_PE;
            x->env.up = store = false;
        }
    }
    uint64_t raw = size == 4 ? fp_pack_f32(n) : fp_pack_f64(n);
    if (!write_or_probe(x, store, &raw, size))
        return false;
    finish_store(x, store, pop);
    return true;
}

static bool store_f80(struct x87 *x)
{
    struct fp_f80 image = x87_image(x->cpu, 0);
    bool store = true;
    if (x87_is_empty(x->cpu, 0)) {
        store = x87_underflow(x);
        image = fp_pack_f80(fp_default_nan());
    }
    uint8_t raw[10];
    memcpy(raw, &image.sig, 8);
    memcpy(raw + 8, &image.se, 2);
    if (!write_or_probe(x, store, raw, sizeof raw))
        return false;
    finish_store(x, store, true);
    return true;
}

static bool store_int(struct x87 *x, unsigned size, bool pop)
{
    int64_t value = INT64_MIN >> (64 - 8 * size); /* the integer indefinite */
    bool store;
    if (x87_is_empty(x->cpu, 0)) {
        store = x87_underflow(x);
    } else {
        value = fp_to_int(&x->env, x87_number(x->cpu, 0), 8 * size);
        store = !x87_blocked(x);
    }
    if (!write_or_probe(x, store, &value, size))
        return false;
    finish_store(x, store, pop);
    return true;
}

/* FISTTP. */
static bool store_truncated(struct x87 *x, unsigned size)
{
    x->env.rc = FP_RC_ZERO;
    return store_int(x, size, true);
}

static bool load_bcd(struct x87 *x)
{
    struct insn *in = x->in;
    uint8_t raw[10];
    if (!insn_read_bytes(in, in->seg, in->off, raw, sizeof raw, 1))
        return false;
    uint64_t value = 0;
    for (int i = 8; i >= 0; i--)
        value = value * 100 + (raw[i] >> 4) * 10u + (raw[i] & 15);
    return push_result(x, fp_make(raw[9] >> 7, 63, value));
}

/* 18 digits and a sign byte; the packed BCD indefinite is FFFFC000000000000000h. */
static void encode_bcd(bool sign, uint64_t value, uint8_t raw[10])
{
    for (int i = 0; i < 9; i++, value /= 100)
        raw[i] = (uint8_t)(value % 10 | (value / 10 % 10) << 4);
    raw[9] = sign ? 0x80 : 0;
}

static bool store_bcd(struct x87 *x)
{
    static const uint8_t indefinite[10] = { 0, 0, 0, 0, 0, 0, 0, 0xC0, 0xFF, 0xFF };
    uint8_t raw[10];
    bool store;
    memcpy(raw, indefinite, sizeof raw);
    if (x87_is_empty(x->cpu, 0)) {
        store = x87_underflow(x);
    } else {
        struct fp_num n = x87_number(x->cpu, 0);
        uint64_t value;
        if (fp_is_finite(&n) && fp_round_to_u64(&x->env, &n, &value) && value < UINT64_C(1000000000000000000)) {
            encode_bcd(n.sign, value, raw);
        } else {
            x->env.flags = FP_IE;
            x->env.up = false;
        }
        store = !x87_blocked(x);
    }
    if (!write_or_probe(x, store, raw, sizeof raw))
        return false;
    finish_store(x, store, true);
    return true;
}

bool x87_load_store_mem(struct x87 *x)
{
    switch ((x->in->opcode & 7) << 4 | x->in->reg) {
    case 0x10: return load_real(x, 4);
    case 0x12: return store_real(x, 4, false);
    case 0x13: return store_real(x, 4, true);
    case 0x30: return load_int(x, 4);
    case 0x32: return store_int(x, 4, false);
    case 0x33: return store_int(x, 4, true);
    case 0x35: return load_f80(x);
    case 0x37: return store_f80(x);
    case 0x50: return load_real(x, 8);
    case 0x52: return store_real(x, 8, false);
    case 0x53: return store_real(x, 8, true);
    case 0x70: return load_int(x, 2);
    case 0x72: return store_int(x, 2, false);
    case 0x73: return store_int(x, 2, true);
    case 0x74: return load_bcd(x);
    case 0x75: return load_int(x, 8);
    case 0x76: return store_bcd(x);
    case 0x77: return store_int(x, 8, true);
    case 0x31: return store_truncated(x, 4);
    case 0x51: return store_truncated(x, 8);
    case 0x71: return store_truncated(x, 2);
    default: return insn_ud(x->in);
    }
}

static bool load_sti(struct x87 *x, unsigned i)
{
    if (x87_is_empty(x->cpu, i)) {
        if (x87_underflow(x))
            x87_push(x->cpu, fp_pack_f80(fp_default_nan()));
        x87_finish(x, 0, 0);
        return true;
    }
    return push_image(x, x87_image(x->cpu, i));
}

static bool store_sti(struct x87 *x, unsigned i, bool pop)
{
    bool store = true;
    struct fp_f80 image = x87_image(x->cpu, 0);
    if (x87_is_empty(x->cpu, 0)) {
        store = x87_underflow(x);
        image = fp_pack_f80(fp_default_nan());
    }
    if (store)
        x87_store(x->cpu, i, image);
    finish_store(x, store, pop);
    return true;
}

/* D9 D8: FSTP that takes an empty ST(0) without exception, storing nothing. */
static bool store_sti_unchecked(struct x87 *x, unsigned i)
{
    if (!x87_is_empty(x->cpu, 0))
        x87_store(x->cpu, i, x87_image(x->cpu, 0));
    finish_store(x, true, true);
    return true;
}

static bool exchange(struct x87 *x, unsigned i)
{
    struct fp_f80 a = x87_image(x->cpu, 0), b = x87_image(x->cpu, i);
    bool store = true;
    if (x87_is_empty(x->cpu, 0) || x87_is_empty(x->cpu, i)) {
        store = x87_underflow(x);
        a = x87_is_empty(x->cpu, 0) ? fp_pack_f80(fp_default_nan()) : a;
        b = x87_is_empty(x->cpu, i) ? fp_pack_f80(fp_default_nan()) : b;
    }
    if (store) {
        x87_store(x->cpu, 0, b);
        x87_store(x->cpu, i, a);
    }
    x87_finish(x, 0, 0);
    return true;
}

static bool conditional_move(struct x87 *x, unsigned condition, unsigned i, bool negate)
{
    static const uint8_t flags[4] = { VX_FL_CF, VX_FL_ZF, VX_FL_CF | VX_FL_ZF, VX_FL_PF };
    bool taken = ((x->cpu->eflags & flags[condition]) != 0) != negate;
    if (x87_is_empty(x->cpu, 0) || x87_is_empty(x->cpu, i)) {
        if (x87_underflow(x))
            x87_store(x->cpu, 0, fp_pack_f80(fp_default_nan()));
        x87_finish(x, 0, 0);
    } else if (taken) {
        x87_store(x->cpu, 0, x87_image(x->cpu, i));
    }
    return true;
}

bool x87_load_store_reg(struct x87 *x)
{
    struct insn *in = x->in;
    unsigned i = in->rm;
    switch ((in->opcode & 7) << 4 | in->reg) {
    case 0x10: return load_sti(x, i);
    case 0x11:
    case 0x51:
    case 0x71: return exchange(x, i);
    case 0x12:
        if (i != 0)
            return insn_ud(in);
        return true; /* FNOP */
    case 0x13: return store_sti_unchecked(x, i);
    case 0x53:
    case 0x72:
    case 0x73: return store_sti(x, i, true);
    case 0x52: return store_sti(x, i, false);
    case 0x50:
        x87_free(x->cpu, i);
        x87_finish(x, 0, 0);
        return true;
    case 0x70: /* FFREEP */
        x87_free(x->cpu, i);
        x87_pop(x->cpu);
        x87_finish(x, 0, 0);
        return true;
    default: return conditional_move(x, in->reg, i, in->opcode == 0xDB);
    }
}

/* interp_x87_env.c - x87 control words and the environment and state images (FLDENV, FNSTENV, FRSTOR, FNSAVE) in their
 * four layouts.
 *
 * SDM 1 "x87 FPU State Image in Memory": fields are 16 or 32 bits apart by operand size; real mode and VM86 hold 20- or
 * 32-bit linear pointers with the opcode in between, protected mode selector:offset.
 *
 *     field       0    1    2    3           4                    5           6
 *     protected   FCW  FSW  FTW  FIP         FCS (| FOP << 16)    FDP         FDS
 *     real        FCW  FSW  FTW  FIP[15:0]   FIP[31:16] | FOP     FDP[15:0]   FDP[31:16] << 12 */
#include "interp_x87.h"

#define ENV_FIELDS     7
#define ENV_MAX_BYTES  (ENV_FIELDS * 4)
#define SAVE_MAX_BYTES (ENV_MAX_BYTES + 80)

static bool is_protected(const struct vx_vcpu *cpu)
{
    return !vx_real_mode(cpu) && !vx_vm86(cpu);
}

/* Reserved halves of the first fields read as ones. */
static unsigned put_field(uint8_t *image, unsigned width, unsigned n, uint32_t value)
{
    if (width == 2) {
        uint16_t v = (uint16_t)value;
        memcpy(image + 2 * n, &v, 2);
    } else {
        memcpy(image + 4 * n, &value, 4);
    }
    return width * (n + 1);
}

static uint32_t get_field(const uint8_t *image, unsigned width, unsigned n)
{
    uint32_t value = 0;
    memcpy(&value, image + width * n, width);
    return value;
}

static unsigned build_env(const struct vx_vcpu *cpu, unsigned width, uint8_t *image)
{
    uint32_t fip = fx_get32(cpu, FX_FIP), fdp = fx_get32(cpu, FX_FDP);
    uint32_t fcs = fx_get16(cpu, FX_FCS), fds = fx_get16(cpu, FX_FDS), fop = fx_get16(cpu, FX_FOP) & 0x7FF;
    put_field(image, width, 0, 0xFFFF0000u | fx_get16(cpu, FX_FCW));
    put_field(image, width, 1, 0xFFFF0000u | fx_get16(cpu, FX_FSW));
    put_field(image, width, 2, 0xFFFF0000u | vx_x87_tags(cpu));
    if (is_protected(cpu)) {
        put_field(image, width, 3, fip);
        put_field(image, width, 4, fop << 16 | fcs);
        put_field(image, width, 5, fdp);
        return put_field(image, width, 6, 0xFFFF0000u | fds);
    }
    uint32_t ip_lin = (fcs << 4) + fip, dp_lin = (fds << 4) + fdp;
    put_field(image, width, 3, ip_lin & 0xFFFF);
    put_field(image, width, 4, (ip_lin >> 16) << 12 | fop);
    put_field(image, width, 5, dp_lin & 0xFFFF);
    return put_field(image, width, 6, (dp_lin >> 16) << 12);
}

static void load_control(struct vx_vcpu *cpu, uint16_t fcw)
{
    fx_set16(cpu, FX_FCW, (fcw & 0x1F3F) | 0x40);
}

/* Status with another TOP, without moving registers: the slots are about to be replaced or stay in stack order. */
static void load_env(struct vx_vcpu *cpu, unsigned width, const uint8_t *image)
{
    uint16_t fsw = (uint16_t)get_field(image, width, 1);
    load_control(cpu, (uint16_t)get_field(image, width, 0));
    x87_set_top(cpu, fsw >> FSW_TOP_SHIFT & 7);
    fx_set16(cpu, FX_FSW, fsw | (fx_get16(cpu, FX_FSW) & FSW_ES));
    vx_x87_set_tags(cpu, (uint16_t)get_field(image, width, 2));
    uint32_t f3 = get_field(image, width, 3), f4 = get_field(image, width, 4);
    uint32_t f5 = get_field(image, width, 5), f6 = get_field(image, width, 6);
    if (is_protected(cpu)) {
        fx_set32(cpu, FX_FIP, f3);
        fx_set16(cpu, FX_FCS, (uint16_t)f4);
        fx_set32(cpu, FX_FDP, f5);
        fx_set16(cpu, FX_FDS, (uint16_t)f6);
        fx_set16(cpu, FX_FOP, (uint16_t)(f4 >> 16 & 0x7FF)); /* the 16-bit layout has none: 0 */
    } else {
        fx_set32(cpu, FX_FIP, (f3 & 0xFFFF) | (f4 >> 12 & 0xFFFF) << 16);
        fx_set16(cpu, FX_FCS, 0);
        fx_set32(cpu, FX_FDP, (f5 & 0xFFFF) | (f6 >> 12 & 0xFFFF) << 16);
        fx_set16(cpu, FX_FDS, 0);
        fx_set16(cpu, FX_FOP, (uint16_t)(f4 & 0x7FF));
    }
    x87_hide_selectors(cpu);
    x87_update_summary(cpu);
}

static bool store_env(struct x87 *x)
{
    uint8_t image[ENV_MAX_BYTES];
    unsigned bytes = build_env(x->cpu, x->in->op_size, image);
    if (!insn_write_bytes(x->in, x->in->seg, x->in->off, image, bytes, 1))
        return false;
    fx_set16(x->cpu, FX_FCW, fx_get16(x->cpu, FX_FCW) | FP_ALL);
    x87_update_summary(x->cpu);
    return true;
}

static bool restore_env(struct x87 *x)
{
    uint8_t image[ENV_MAX_BYTES];
    if (!insn_read_bytes(x->in, x->in->seg, x->in->off, image, ENV_FIELDS * x->in->op_size, 1))
        return false;
    load_env(x->cpu, x->in->op_size, image);
    return true;
}

static bool save(struct x87 *x)
{
    uint8_t image[SAVE_MAX_BYTES];
    unsigned bytes = build_env(x->cpu, x->in->op_size, image);
    for (unsigned i = 0; i < 8; i++, bytes += 10)
        memcpy(image + bytes, x->cpu->fx + FX_ST + 16 * i, 10);
    if (!insn_write_bytes(x->in, x->in->seg, x->in->off, image, bytes, 1))
        return false;
    x87_init(x->cpu);
    return true;
}

static bool restore(struct x87 *x)
{
    uint8_t image[SAVE_MAX_BYTES];
    unsigned bytes = ENV_FIELDS * x->in->op_size;
    if (!insn_read_bytes(x->in, x->in->seg, x->in->off, image, bytes + 80, 1))
        return false;
    load_env(x->cpu, x->in->op_size, image);
    memset(x->cpu->fx + FX_ST, 0, 128);
    for (unsigned i = 0; i < 8; i++, bytes += 10)
        memcpy(x->cpu->fx + FX_ST + 16 * i, image + bytes, 10);
    return true;
}

static bool load_control_word(struct x87 *x)
{
    uint64_t value;
    if (!insn_read(x->in, x->in->seg, x->in->off, 2, &value))
        return false;
    load_control(x->cpu, (uint16_t)value);
    x87_update_summary(x->cpu);
    return true;
}

bool x87_control_mem(struct x87 *x)
{
    struct insn *in = x->in;
    switch ((in->opcode & 7) << 4 | in->reg) {
    case 0x14: return restore_env(x);
    case 0x15: return load_control_word(x);
    case 0x16: return store_env(x);
    case 0x17: return insn_write(in, in->seg, in->off, 2, fx_get16(x->cpu, FX_FCW));
    case 0x54: return restore(x);
    case 0x56: return save(x);
    case 0x57: return insn_write(in, in->seg, in->off, 2, fx_get16(x->cpu, FX_FSW));
    default: return insn_ud(in);
    }
}

/* test_fp_step.c - x87, MMX and SSE instructions through the whole interpreter: operands that fault half way leave
 * everything as it was, alignment counts from the linear address, and an unmasked x87 error reaches the guest by #MF or
 * by FERR#. */
#include <criterion/criterion.h>

#include "interp_rig.h"
#include "interp_x87.h"

#define DATA_END 0xA000u /* first offset beyond DS's limit */

static void load_code(struct interp_rig *rig, const uint8_t *code, unsigned bytes)
{
    memcpy(rig->ram + RIG_CODE, code, bytes);
    rig->cpu->rip = RIG_CODE;
}

/* Flat, with SSE on, all x87 registers valid with TOP = 3, and DS ending at DATA_END. */
static void prepare(struct interp_rig *rig)
{
    rig_flat(rig, 0);
    struct vx_vcpu *cpu = rig->cpu;
    VX_ASSERT(vx_cpu_write_cr(cpu, 4, VX_CR4_OSFXSR | VX_CR4_OSXMMEXCPT));
    VX_ASSERT(vx_cpu_write_cr(cpu, 0, cpu->cr0 | VX_CR0_NE));
    cpu->seg[VX_DS].limit = DATA_END - 1;
    for (unsigned i = 0; i < 288; i++)
        cpu->fx[i] = (uint8_t)(i * 7);
    fx_set16(cpu, FX_FCW, 0x037F);
    fx_set16(cpu, FX_FSW, 3 << FSW_TOP_SHIFT);
    cpu->fx[FX_FTW] = 0xFF;
    fx_set32(cpu, FX_MXCSR, 0x1F80);
    memset(rig->ram + DATA_END - 0x400, 0x5A, 0x800);
}

Test(fp_step, faults_change_nothing)
{
    static const struct {
        const char *name;
        uint8_t code[6], count;
        uint32_t offset; /* in ESI and EDI */
        uint8_t vector;
    } rows[] = {
        { "fld m64", { 0xDD, 0x06 }, 2, DATA_END - 4, VX_GP },
        { "fstp m80", { 0xDB, 0x3E }, 2, DATA_END - 8, VX_GP },
        { "fistp m64", { 0xDF, 0x3E }, 2, DATA_END - 7, VX_GP },
        { "fbstp", { 0xDF, 0x36 }, 2, DATA_END - 9, VX_GP },
        { "fnsave", { 0xDD, 0x36 }, 2, DATA_END - 107, VX_GP },
        { "fnsave16", { 0x66, 0xDD, 0x36 }, 3, DATA_END - 93, VX_GP },
        { "frstor", { 0xDD, 0x26 }, 2, DATA_END - 107, VX_GP },
        { "fnstenv", { 0xD9, 0x36 }, 2, DATA_END - 27, VX_GP },
        { "movq mm", { 0x0F, 0x6F, 0x06 }, 3, DATA_END - 4, VX_GP },
        { "paddb mm", { 0x0F, 0xFC, 0x06 }, 3, DATA_END - 4, VX_GP },
        { "movups load", { 0x0F, 0x10, 0x06 }, 3, DATA_END - 15, VX_GP },
        { "movups store", { 0x0F, 0x11, 0x06 }, 3, DATA_END - 15, VX_GP },
        { "movaps misaligned", { 0x0F, 0x28, 0x06 }, 3, DATA_END - 0x3F8, VX_GP },
        { "pxor misaligned", { 0x66, 0x0F, 0xEF, 0x06 }, 4, DATA_END - 0x3FF, VX_GP },
        { "fxsave misaligned", { 0x0F, 0xAE, 0x06 }, 3, DATA_END - 0x3F8, VX_GP },
        { "fxsave, state inside", { 0x0F, 0xAE, 0x06 }, 3, DATA_END - 0x120, VX_GP },
        { "fxrstor, state inside", { 0x0F, 0xAE, 0x0E }, 3, DATA_END - 0x120, VX_GP },
        { "fxrstor beyond", { 0x0F, 0xAE, 0x0E }, 3, DATA_END - 0x100, VX_GP },
        { "ldmxcsr", { 0x0F, 0xAE, 0x16 }, 3, DATA_END - 3, VX_GP },
        { "clflush", { 0x0F, 0xAE, 0x3E }, 3, DATA_END, VX_GP },
        { "maskmovq", { 0x0F, 0xF7, 0xC2 }, 3, DATA_END - 1, VX_GP },
        { "maskmovdqu", { 0x66, 0x0F, 0xF7, 0xC2 }, 4, DATA_END - 1, VX_GP },
        { "movnti", { 0x0F, 0xC3, 0x06 }, 3, DATA_END - 2, VX_GP },
        { "lock fld", { 0xF0, 0xD9, 0x06 }, 3, 0x9000, VX_UD },
        { "lock addps", { 0xF0, 0x0F, 0x58, 0x06 }, 4, 0x9000, VX_UD },
    };
    struct interp_rig rig;
    const char *bad = NULL;
    cr_assert(rig_init(&rig));
    for (unsigned row = 0; row < VX_ARRAY_LEN(rows); row++) {
        uint8_t fx[512], memory[0x800];
        prepare(&rig);
        memset(rig.cpu->fx + FX_XMM + 32, 0xFF, 16);   /* XMM2 and MM2: masks of MASKMOV */
        memset(rig.cpu->fx + FX_ST + 16 * 7, 0xFF, 8); /* R2 = ST(7) when TOP is 3 */
        load_code(&rig, rows[row].code, rows[row].count);
        rig.cpu->gpr[VX_RSI] = rig.cpu->gpr[VX_RDI] = rows[row].offset;
        memcpy(fx, rig.cpu->fx, sizeof fx);
        memcpy(memory, rig.ram + DATA_END - 0x400, sizeof memory);
        vx_interp_step(rig.cpu);
        if (rig.cpu->rip != RIG_HANDLERS + 16u * rows[row].vector || memcmp(fx, rig.cpu->fx, sizeof fx) != 0 ||
            memcmp(memory, rig.ram + DATA_END - 0x400, sizeof memory) != 0)
            bad = rows[row].name;
    }
    rig_fini(&rig);
    cr_assert(bad == NULL, "%s", bad);
}

/* A segment base that is not a multiple of 16: the linear address decides. */
Test(fp_step, alignment_is_linear)
{
    static const uint8_t movaps[] = { 0x0F, 0x28, 0x06 };
    struct interp_rig rig;
    cr_assert(rig_init(&rig));
    prepare(&rig);
    rig.cpu->seg[VX_DS].base = 8;
    rig.cpu->gpr[VX_RSI] = 0x9008;
    load_code(&rig, movaps, sizeof movaps);
    vx_interp_step(rig.cpu);
    bool loaded = rig.cpu->rip == RIG_CODE + 3 && rig.cpu->fx[FX_XMM] == rig.ram[0x9010];
    rig.cpu->gpr[VX_RSI] = 0x9010;
    rig.cpu->rip = RIG_CODE;
    vx_interp_step(rig.cpu);
    bool refused = rig.cpu->rip == RIG_HANDLERS + 16 * VX_GP;
    rig_fini(&rig);
    cr_assert(loaded && refused);
}

static void ferr_to_intr(void *opaque, bool level)
{
    vx_vcpu_set_intr(((struct interp_rig *)opaque)->cpu, level);
}

static int irq13_vector(void *opaque)
{
    (void)opaque;
    return 0x75;
}

/* FLDZ; FLD1; FDIV ST, ST(1) with ZM clear; then FWAIT at RIG_CODE + 6. */
static const uint8_t divide_by_zero[] = { 0xD9, 0xEE, 0xD9, 0xE8, 0xD8, 0xF1, 0x9B, 0x90 };

Test(fp_step, mf_at_the_next_waiting_instruction)
{
    struct interp_rig rig;
    cr_assert(rig_init(&rig));
    prepare(&rig);
    rig.cpu->fx[FX_FTW] = 0;
    fx_set16(rig.cpu, FX_FCW, 0x037B);
    load_code(&rig, divide_by_zero, sizeof divide_by_zero);
    for (unsigned i = 0; i < 3; i++)
        vx_interp_step(rig.cpu);
    bool deferred = rig.cpu->rip == RIG_CODE + 6 && fx_get32(rig.cpu, FX_FIP) == RIG_CODE + 4;
    vx_interp_step(rig.cpu);
    uint32_t pushed;
    memcpy(&pushed, rig.ram + (uint32_t)rig.cpu->gpr[VX_RSP], 4);
    bool delivered = rig.cpu->rip == RIG_HANDLERS + 16 * VX_MF && pushed == RIG_CODE + 6;
    rig_fini(&rig);
    cr_assert(deferred && delivered);
}

Test(fp_step, ferr_interrupts_the_waiting_instruction)
{
    struct interp_rig rig;
    cr_assert(rig_init(&rig));
    prepare(&rig);
    struct vx_vcpu_ops ops = *rig.cpu->ops;
    ops.ferr = ferr_to_intr;
    ops.ack_interrupt = irq13_vector;
    rig.cpu->ops = &ops;
    VX_ASSERT(vx_cpu_write_cr(rig.cpu, 0, rig.cpu->cr0 & ~(uint64_t)VX_CR0_NE));
    rig.cpu->fx[FX_FTW] = 0;
    fx_set16(rig.cpu, FX_FCW, 0x037B);
    rig.cpu->iflag = 1;
    load_code(&rig, divide_by_zero, sizeof divide_by_zero);
    for (unsigned i = 0; i < 4; i++)
        vx_interp_step(rig.cpu);
    bool waiting = rig.cpu->rip == RIG_CODE + 6 && rig.cpu->intr_line;
    bool taken = vx_cpu_take_events(rig.cpu);
    uint32_t pushed;
    memcpy(&pushed, rig.ram + (uint32_t)rig.cpu->gpr[VX_RSP], 4);
    taken = taken && rig.cpu->rip == RIG_HANDLERS + 16 * (0x75 & 31) && pushed == RIG_CODE + 6;
    static const uint8_t fnclex[] = { 0xDB, 0xE2 }; /* the handler's: FERR# falls with the summary bit */
    load_code(&rig, fnclex, sizeof fnclex);
    vx_interp_step(rig.cpu);
    bool dropped = !rig.cpu->intr_line;
    rig_fini(&rig);
    cr_assert(waiting && taken && dropped);
}

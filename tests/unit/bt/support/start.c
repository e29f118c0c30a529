/* start.c - brings a vCPU into the state that a setup describes, by the transitions that real software would use. */
#include "world_map.h"

#include "world.h"

uint32_t setup_code_eip0(const struct setup *setup)
{
    return setup->flat ? WORLD_CODE : 0;
}

uint32_t setup_data_offset(const struct setup *setup, struct rng *rng)
{
    uint32_t off = rng_below(rng, 8) << VX_PAGE_SHIFT;
    off += one_in(rng, 3) ? VX_PAGE_BYTES - 1 - rng_below(rng, 20) : rng_below(rng, VX_PAGE_BYTES);
    return setup->flat ? WORLD_DATA + off : off;
}

/* Usually the middle of the stack; now and then at a page's edge, or where a 16-bit SP wraps. */
uint32_t setup_stack_offset(const struct setup *setup)
{
    struct rng rng = rng_seeded(setup->seed ^ 5);
    uint32_t off = 0xA000 - 4 * rng_below(&rng, 64);
    switch (rng_below(&rng, 12)) {
    case 0: off = 0x9000 + rng_below(&rng, 16); break;
    case 1: off = 0xA000 - rng_below(&rng, 16); break;
    case 2: off = setup->flat ? off : rng_below(&rng, 16); break;
    default: break;
    }
    return setup->flat ? WORLD_STACK + off : off;
}

void world_restore(const struct world *w, struct rig *rig)
{
    if (!vx_pmap_a20(rig->pmap))
        vx_pmap_set_a20(rig->pmap, true);
    for (uint32_t page = 0; page < RIG_PAGES; page++) {
        const uint8_t *want = w->image + page * VX_PAGE_BYTES;
        if (memcmp(vx_pmap_page_hva(rig->pmap, page), want, VX_PAGE_BYTES) != 0)
            vx_pmap_write(rig->pmap, page * VX_PAGE_BYTES, want, VX_PAGE_BYTES);
    }
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void set_control(struct vx_vcpu *vcpu, const struct setup *setup)
{
    struct rng rng = rng_seeded(setup->seed ^ 6);
    uint64_t cr0 = VX_CR0_ET | (one_in(&rng, 8) ? 0 : VX_CR0_NE) | (one_in(&rng, 2) ? VX_CR0_MP : 0) |
                   (one_in(&rng, 10) ? VX_CR0_TS : 0) | (one_in(&rng, 24) ? VX_CR0_EM : 0) |
                   (one_in(&rng, 2) ? VX_CR0_WP : 0) | (setup->align_check ? VX_CR0_AM : 0);
    uint64_t cr4 = (one_in(&rng, 12) ? 0 : VX_CR4_OSFXSR) | (one_in(&rng, 8) ? 0 : VX_CR4_OSXMMEXCPT) |
                   (one_in(&rng, 2) ? VX_CR4_PGE : 0) | (one_in(&rng, 2) ? VX_CR4_PSE : 0) |
                   (one_in(&rng, 4) ? VX_CR4_DE : 0) | (one_in(&rng, 8) ? VX_CR4_TSD : 0);
    if (setup->kind != SETUP_REAL)
        cr0 |= VX_CR0_PE;
    must(vx_cpu_write_cr(vcpu, 0, cr0 & ~(uint64_t)VX_CR0_TS)); /* paging and TS: when the tables are in place */
    if (setup->kind != SETUP_REAL && setup->paging != PAGING_OFF) {
        bool pae = setup->paging == PAGING_PAE;
        must(vx_cpu_write_msr(vcpu, 0xC0000080, pae ? VX_EFER_NXE : 0));
        must(vx_cpu_write_cr(vcpu, 4, cr4 | (pae ? VX_CR4_PAE : 0)));
        must(vx_cpu_write_cr(vcpu, 3, WORLD_TABLES));
        cr0 |= VX_CR0_PG;
    } else {
        must(vx_cpu_write_cr(vcpu, 4, cr4));
    }
    must(vx_cpu_write_cr(vcpu, 0, cr0));
}

static uint32_t start_flags(const struct setup *setup)
{
    struct rng rng = rng_seeded(setup->seed ^ 7);
    uint32_t flags = (uint32_t)rng_next(&rng) & (VX_FL_ARITH | VX_FL_ID);
    flags |= (one_in(&rng, 4) ? VX_FL_DF : 0u) | (one_in(&rng, 2) ? VX_FL_IF : 0u) | (one_in(&rng, 4) ? VX_FL_AC : 0u);
    flags |= (uint32_t)setup->iopl << VX_FL_IOPL_SHIFT | (setup->single_step ? VX_FL_TF : 0u);
    if (setup->interrupts)
        flags |= VX_FL_IF;
    return flags | VX_FL_1 | (setup->kind == SETUP_VM86 ? VX_FL_VM : 0u);
}

/* Selectors for ES, CS, SS, DS, FS, GS. */
static void choose_selectors(const struct setup *setup, uint16_t sel[VX_SEG_COUNT])
{
    struct rng rng = rng_seeded(setup->seed ^ 8);
    if (setup->kind != SETUP_PROTECTED) {
        for (unsigned i = 0; i < VX_SEG_COUNT; i++)
            sel[i] = (uint16_t)((WORLD_DATA >> 4) + rng_below(&rng, 0x200));
        sel[VX_CS] = WORLD_CODE >> 4;
        sel[VX_SS] = WORLD_STACK >> 4;
        sel[VX_GS] = WORLD_CODE >> 4;
        sel[VX_FS] = one_in(&rng, 4) ? 0xFFFF : sel[VX_FS];
        return;
    }
    if (setup->flat) {
        for (unsigned i = 0; i < VX_SEG_COUNT; i++)
            sel[i] = setup->cpl == 0 ? DESC_FLAT_DATA0 * 8 : DESC_FLAT_DATA3 * 8 + 3;
        sel[VX_CS] = setup->cpl == 0 ? DESC_FLAT_CODE0 * 8 : DESC_FLAT_CODE3 * 8 + 3;
        sel[VX_FS] = (uint16_t)((DESC_RANDOM + rng_below(&rng, 16)) * 8 + setup->cpl);
        return;
    }
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        sel[i] = one_in(&rng, 20) ? 0 : (uint16_t)((DESC_RANDOM + rng_below(&rng, 16)) * 8 + setup->cpl);
    sel[VX_CS] = (uint16_t)(DESC_CODE * 8 + setup->cpl);
    sel[VX_SS] = (uint16_t)(DESC_STACK * 8 + setup->cpl);
    sel[VX_GS] = (uint16_t)(DESC_CODE_ALIAS * 8 + setup->cpl);
}

/* DS, ES, FS, GS; what cannot be loaded becomes null. */
static void load_data_segments(struct vx_vcpu *vcpu, const uint16_t sel[VX_SEG_COUNT])
{
    static const enum vx_segment data[] = { VX_ES, VX_DS, VX_FS, VX_GS };
    for (unsigned i = 0; i < VX_ARRAY_LEN(data); i++)
        if (!vx_cpu_load_seg(vcpu, data[i], sel[data[i]]))
            must(vx_cpu_load_seg(vcpu, data[i], 0));
}

static void start_real(struct rig *rig, const struct setup *setup, const uint16_t sel[VX_SEG_COUNT], uint32_t eip)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    struct rng rng = rng_seeded(setup->seed ^ 9);
    must(vx_cpu_far_jump(vcpu, sel[VX_CS], eip, 0));
    must(vx_cpu_load_seg(vcpu, VX_SS, sel[VX_SS]));
    load_data_segments(vcpu, sel);
    vx_set_eflags_raw(vcpu, start_flags(setup));
    if (one_in(&rng, 6)) /* limits that protected mode left behind */
        vcpu->seg[VX_DS].limit = vcpu->seg[VX_FS].limit = one_in(&rng, 2) ? UINT32_MAX : 0x17FFF;
    if (one_in(&rng, 6))
        vx_pmap_set_a20(rig->pmap, false);
    vcpu->idtr = (struct vx_table_reg){ 0, 0x3FF };
}

static void enter_flat(struct vx_vcpu *vcpu)
{
    vcpu->gdtr = (struct vx_table_reg){ WORLD_GDT, DESC_COUNT * 8 - 1 };
    vcpu->idtr = (struct vx_table_reg){ WORLD_IDT, WORLD_VECTORS * 8 - 1 };
    vcpu->tr =
        (struct vx_seg){ .base = WORLD_TSS, .limit = WORLD_TSS_LIMIT, .sel = DESC_TSS * 8, .attr = VX_ATTR_P | 0xB };
    vcpu->ldtr = (struct vx_seg){ .base = WORLD_LDT, .limit = 63, .sel = DESC_LDT * 8, .attr = VX_ATTR_P | 2 };
    must(vx_cpu_far_jump(vcpu, FLAT_CODE, WORLD_CODE, 0));
    must(vx_cpu_load_seg(vcpu, VX_SS, FLAT_DATA));
    must(vx_cpu_load_seg(vcpu, VX_DS, FLAT_DATA));
}

/* By IRET from ring 0, to VM86 mode too. */
static void start_protected(struct rig *rig, const struct setup *setup, const uint16_t sel[VX_SEG_COUNT], uint32_t eip)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    uint32_t frame[9] = { eip,        sel[VX_CS], start_flags(setup), setup_stack_offset(setup), sel[VX_SS], sel[VX_ES],
                          sel[VX_DS], sel[VX_FS], sel[VX_GS] };
    enter_flat(vcpu);
    vcpu->gpr[VX_RSP] = WORLD_STACK0 - sizeof frame;
    vx_pmap_write(rig->pmap, WORLD_STACK0 - sizeof frame, frame, sizeof frame);
    must(vx_cpu_iret(vcpu, 4, 0));
    if (setup->kind == SETUP_VM86)
        return;
    if (setup->cpl == 0)
        must(vx_cpu_load_seg(vcpu, VX_SS, sel[VX_SS]));
    load_data_segments(vcpu, sel);
}

static uint64_t interesting(struct rng *rng)
{
    static const uint64_t values[] = { 0,
                                       0x3FF0000000000000,
                                       0x7FF0000000000000,
                                       0xFFF8000000000001,
                                       0x7FF0000000000001,
                                       0x000FFFFFFFFFFFFF,
                                       0x3F8000007F800000,
                                       0x8000000000000000,
                                       0x4330000000000001,
                                       0x7F8000010080FFFF };
    uint64_t r = rng_next(rng);
    return r & 1 ? values[(r >> 8) % VX_ARRAY_LEN(values)] : r * 0x2545F4914F6CDD1Dull;
}

/* x87 registers with exponents of all kinds; 63 of 64 are encodings that the CPU itself makes. */
static void start_st(uint8_t *st, struct rng *rng)
{
    static const uint16_t exponents[] = {
        0, 1, 0x3FFF, 0x4000, 0x7FFE, 0x7FFF, 0xBFFF, 0xFFFF, 0x8000, 0x403E, 0x3FC0
    };
    uint16_t exponent = one_in(rng, 3) ? exponents[rng_below(rng, VX_ARRAY_LEN(exponents))]
                                       : (uint16_t)(0x3FC0 + rng_below(rng, 0x80) + (one_in(rng, 2) ? 0x8000 : 0));
    uint64_t mantissa = one_in(rng, 4) ? 1ull << 63 : rng_next(rng);
    if (!one_in(rng, 64))
        mantissa = (exponent & 0x7FFF) != 0 ? mantissa | 1ull << 63 : mantissa & ~(1ull << 63);
    memcpy(st, &mantissa, 8);
    memcpy(st + 8, &exponent, 2);
}

void setup_start_fp(struct vx_vcpu *vcpu, const struct setup *setup)
{
    static const uint8_t precisions[] = { 0, 2, 3, 3 };
    struct rng rng = rng_seeded(setup->seed ^ 10);
    uint16_t fcw = (uint16_t)(0x40 | rng_below(&rng, 4) << 10 | (unsigned)precisions[rng_below(&rng, 4)] << 8);
    uint32_t mxcsr = rng_below(&rng, 4) << 13 | (one_in(&rng, 4) ? 0x8040 : 0) | rng_below(&rng, 64);
    fcw |= setup->fp_exceptions ? (uint16_t)rng_below(&rng, 64) : 0x3F;
    mxcsr |= setup->fp_exceptions ? rng_below(&rng, 64) << 7 : 0x1F80;
    uint16_t fsw = (uint16_t)((rng_below(&rng, 8) << 11 | (rng_next(&rng) & 0x4700)) | (rng_below(&rng, 64) & fcw));
    memcpy(vcpu->fx, &fcw, 2);
    memcpy(vcpu->fx + 2, &fsw, 2);
    vcpu->fx[4] = one_in(&rng, 2) ? 0xFF : (uint8_t)rng_next(&rng);
    memcpy(vcpu->fx + 24, &mxcsr, 4);
    for (unsigned i = 0; i < 8; i++)
        start_st(vcpu->fx + 32 + 16 * i, &rng);
    for (unsigned i = 160; i < 288; i += 8) {
        uint64_t value = interesting(&rng);
        memcpy(vcpu->fx + i, &value, 8);
    }
}

static void start_registers(struct vx_vcpu *vcpu, const struct setup *setup)
{
    static const uint8_t pointers[] = { VX_RBX, VX_RBP, VX_RSI, VX_RDI };
    struct rng rng = rng_seeded(setup->seed ^ 11);
    for (unsigned i = 0; i < 8; i++)
        vcpu->gpr[i] = one_in(&rng, 3) ? rng_below(&rng, 5) - 2u : (uint32_t)rng_next(&rng);
    for (unsigned i = 0; i < VX_ARRAY_LEN(pointers); i++)
        vcpu->gpr[pointers[i]] = setup_data_offset(setup, &rng);
    vcpu->gpr[VX_RSP] = setup_stack_offset(setup);
}

void world_start(const struct world *w, struct rig *rig, const struct program *program)
{
    const struct setup *setup = &program->setup;
    struct vx_vcpu *vcpu = rig->vcpu;
    uint16_t sel[VX_SEG_COUNT];
    uint32_t eip = setup_code_eip0(setup) + program->start;
    world_restore(w, rig);
    vx_cpu_reset(vcpu, false);
    choose_selectors(setup, sel);
    set_control(vcpu, setup);
    if (setup->kind == SETUP_REAL)
        start_real(rig, setup, sel, eip);
    else
        start_protected(rig, setup, sel, eip);
    vcpu->inhibit = VX_INHIBIT_NONE;
    vcpu->intr_line = false;
    vcpu->nmi_pending = false;
    start_registers(vcpu, setup);
    setup_start_fp(vcpu, setup);
    atomic_store(&vcpu->attention, 0);
}

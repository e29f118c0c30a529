/* priv_world.c - guest memory of a random privileged program (priv_map.h), and the state at the dispatcher's door. */
#include "priv.h"

extern const uint8_t pf_handlers32[], pf_handlers32_end[], pf_dispatch32[], pf_routines[], pf_routines_end[],
    pf_handlers16[], pf_handlers16_end[];

enum {
    ATTR_DATA = VX_ATTR_P | VX_ATTR_S | 3,
    ATTR_CODE = VX_ATTR_P | VX_ATTR_S | 0xB,
    ATTR_FLAT = VX_ATTR_G | VX_ATTR_DB
};
enum { ATTR_TSS16 = VX_ATTR_P | 1, ATTR_TSS32 = VX_ATTR_P | 9, ATTR_LDT = VX_ATTR_P | 2 };
enum { GATE_TASK = VX_ATTR_P | 5, GATE_CALL16 = VX_ATTR_P | 4, GATE_CALL32 = VX_ATTR_P | 0xC };
enum {
    GATE_INT16 = VX_ATTR_P | 6,
    GATE_TRAP16 = VX_ATTR_P | 7,
    GATE_INT32 = VX_ATTR_P | 0xE,
    GATE_TRAP32 = VX_ATTR_P | 0xF
};
enum { ROUTINE_RETF, ROUTINE_RETF8, ROUTINE_RETF16, ROUTINE_IRET, ROUTINE_IRET16, ROUTINE_TASK, ROUTINE_FAULT_TASK };

static unsigned dpl(unsigned level)
{
    return level << 5;
}

static uint32_t dispatcher(void)
{
    return PF_HANDLERS + (uint32_t)(pf_dispatch32 - pf_handlers32);
}

static uint32_t routine(unsigned n)
{
    return PF_ROUTINES + 16 * n;
}

/* ---- descriptor tables */

/* What the generators of unit/bt/support expect (world.h). */
static void known_descs(struct world *w, uint32_t gdt, const struct setup *setup, struct rng *rng)
{
    unsigned code = ATTR_CODE | (setup->code32 ? VX_ATTR_DB : 0) | dpl(setup->cpl);
    world_desc(w, gdt + SEL_CODE0, 0, UINT32_MAX, ATTR_FLAT | ATTR_CODE);
    world_desc(w, gdt + SEL_DATA0, 0, UINT32_MAX, ATTR_FLAT | ATTR_DATA);
    world_desc(w, gdt + SEL_TSS, PF_TSS, WORLD_TSS_LIMIT, ATTR_TSS32);
    world_desc(w, gdt + 8 * DESC_FLAT_CODE3, 0, UINT32_MAX, ATTR_FLAT | ATTR_CODE | dpl(3));
    world_desc(w, gdt + 8 * DESC_FLAT_DATA3, 0, UINT32_MAX, ATTR_FLAT | ATTR_DATA | dpl(3));
    world_desc(w, gdt + 8 * DESC_CODE, PF_CODE, one_in(rng, 4) ? PF_CODE_BYTES - 1 : 0xFFFF, code);
    world_stack_desc(w, gdt + 8 * DESC_STACK, setup, rng);
    for (unsigned i = DESC_RANDOM; i < DESC_LDT; i++)
        world_random_desc(w, gdt + 8 * i, setup, rng);
    world_desc(w, gdt + SEL_LDT, PF_LDT, 32 * 8 - 1, ATTR_LDT);
    world_gate(w, gdt + 8 * DESC_GATE, SEL_CODE0, routine(ROUTINE_RETF), GATE_CALL32 | dpl(3), 0);
    world_gate(w, gdt + 8 * (DESC_GATE + 1), SEL_CODE0, routine(ROUTINE_RETF8), GATE_CALL32 | dpl(3), 2);
    world_gate(w, gdt + 8 * (DESC_GATE + 2), SEL_CODE0, routine(ROUTINE_RETF16), GATE_CALL16 | dpl(3), 0);
    world_desc(w, gdt + 8 * DESC_CODE_SHORT, setup->flat ? 0 : PF_CODE, setup->flat ? PF_CODE + 0x1800 : 0x1800,
               code | (setup->flat ? VX_ATTR_G : 0));
    world_desc(w, gdt + 8 * DESC_CODE_ALIAS, PF_CODE, PF_CODE_BYTES - 1, ATTR_DATA | dpl(setup->cpl));
    world_desc(w, gdt + 8 * (DESC_CODE_ALIAS + 1), PF_DATA, 0xFFFF, (ATTR_DATA | dpl(3)) & ~(unsigned)VX_ATTR_P);
    world_put64(w, gdt + 8 * (DESC_COUNT - 1), rng_next(rng));
}

static void ring_descs(struct world *w, uint32_t gdt, const struct setup *setup)
{
    unsigned code = ATTR_CODE | (setup->code32 ? VX_ATTR_DB : 0), stack = ATTR_DATA | (setup->stack32 ? VX_ATTR_DB : 0);
    world_desc(w, gdt + SEL_CODE16, 0, 0xFFFF, ATTR_CODE);
    world_desc(w, gdt + SEL_DATA16, 0, 0xFFFF, ATTR_DATA);
    for (unsigned ring = 0; ring < 4; ring++) {
        world_desc(w, gdt + 8 * (PF_DESC_FLAT_CODE + ring), 0, UINT32_MAX, ATTR_FLAT | ATTR_CODE | dpl(ring));
        world_desc(w, gdt + 8 * (PF_DESC_FLAT_DATA + ring), 0, UINT32_MAX, ATTR_FLAT | ATTR_DATA | dpl(ring));
        world_desc(w, gdt + 8 * (PF_DESC_CODE + ring), PF_CODE, 0xFFFF, code | dpl(ring));
        world_desc(w, gdt + 8 * (PF_DESC_STACK + ring), PF_STACK, 0xFFFF, stack | dpl(ring));
    }
    world_desc(w, gdt + 8 * PF_DESC_CONFORMING, 0, UINT32_MAX, ATTR_FLAT | ATTR_CODE | 4);
}

/* Tasks that may be called: mostly alike in all blocks, some of 16 bits. */
static bool task_is_16(unsigned task)
{
    return task >= 5 && task < PF_TASKS_COUNT;
}

static void task_descs(struct world *w, uint32_t gdt, const struct pf_program *p, struct rng *rng)
{
    for (unsigned i = 0; i <= PF_TASKS_COUNT; i++) {
        unsigned limit = task_is_16(i) ? 0x2B : one_in(rng, 8) ? 0x67 : 0x88;
        if (i < PF_TASKS_COUNT && one_in(rng, 24))
            limit -= 1 + rng_below(rng, 8);
        world_desc(w, gdt + SEL_TASKS + 8 * i, PF_TASKS + PF_TASK_STEP * i, limit,
                   (task_is_16(i) ? ATTR_TSS16 : ATTR_TSS32) | dpl(i < 3 ? 3 : 0));
    }
    uint16_t task = (uint16_t)(SEL_TASKS + 8 * rng_below(rng, PF_TASKS_COUNT));
    world_gate(w, gdt + 8 * PF_DESC_TASK_GATE, task, 0, GATE_TASK | dpl(3), 0);
    uint32_t gate = gdt + 8 * PF_DESC_GATE;
    unsigned ring = rng_below(rng, 4);
    world_gate(w, gate, (uint16_t)(8 * (PF_DESC_FLAT_CODE + ring)), PF_CODE + pf_any_piece(p, rng),
               GATE_CALL32 | dpl(3), one_in(rng, 4));
    ring = rng_below(rng, 4);
    world_gate(w, gate + 8, (uint16_t)(8 * (PF_DESC_CODE + ring)), pf_any_piece(p, rng), GATE_CALL16 | dpl(3),
               rng_below(rng, 4));
    world_gate(w, gate + 16, 8 * PF_DESC_CONFORMING, PF_CODE + pf_any_piece(p, rng),
               GATE_CALL32 | dpl(rng_below(rng, 4)), rng_below(rng, 32));
}

static void make_gdts(struct world *w, const struct pf_program *p)
{
    for (unsigned i = 0; i < p->blocks; i++) {
        const struct setup *setup = &p->block[i].program.setup;
        struct rng rng = rng_seeded(setup->seed ^ 1);
        uint32_t gdt = PF_GDT + PF_GDT_BYTES * i;
        known_descs(w, gdt, setup, &rng);
        ring_descs(w, gdt, setup);
        task_descs(w, gdt, p, &rng);
    }
    memcpy(w->image + PF_LDT, w->image + PF_GDT + 8 * DESC_RANDOM, 16 * 8);
    memcpy(w->image + PF_LDT + 16 * 8, w->image + PF_GDT + 8 * PF_DESC_FLAT_CODE, 16 * 8);
}

/* ---- vectors */

/* Vectors 48 to 63, and sometimes those of exceptions, lead by gates of all kinds. */
static void odd_gate(struct world *w, uint32_t at, unsigned vector, const struct pf_program *p, struct rng *rng)
{
    unsigned level = dpl(one_in(rng, 4) ? rng_below(rng, 4) : 3), kind = rng_below(rng, 8);
    uint32_t handler = PF_HANDLERS + 16 * vector;
    switch (kind) {
    case 0:
        world_gate(w, at, (uint16_t)(SEL_TASKS + 8 * rng_below(rng, PF_TASKS_COUNT)), 0, GATE_TASK | level, 0);
        break;
    case 1:
        world_gate(w, at, SEL_CODE0, routine(ROUTINE_IRET16), (one_in(rng, 2) ? GATE_INT16 : GATE_TRAP16) | level, 0);
        break;
    case 2: world_gate(w, at, SEL_CODE0, handler, GATE_TRAP32 | level, 0); break;
    case 3: world_gate(w, at, 8 * PF_DESC_CONFORMING, handler, GATE_INT32 | level, 0); break;
    case 4:
        world_gate(w, at, (uint16_t)(8 * (PF_DESC_FLAT_CODE + rng_below(rng, 4))), PF_CODE + pf_any_piece(p, rng),
                   (one_in(rng, 2) ? GATE_INT32 : GATE_TRAP32) | level, 0);
        break;
    case 5: world_gate(w, at, SEL_CODE0, routine(ROUTINE_IRET), GATE_TRAP32 | level, 0); break;
    case 6: world_gate(w, at, (uint16_t)rng_next(rng), handler, GATE_INT32 | level, 0); break;
    default:
        world_gate(w, at, SEL_CODE0, handler, (GATE_INT32 | level) & ~(unsigned)(one_in(rng, 4) ? VX_ATTR_P : 0), 0);
        break;
    }
}

static void make_vectors(struct world *w, const struct pf_program *p, struct rng *rng)
{
    for (unsigned v = 0; v < WORLD_VECTORS; v++) {
        unsigned level = v == 3 || v == 4 || v >= 32 ? 3 : 0;
        uint32_t handler = PF_HANDLERS + 16 * v;
        for (unsigned table = 0; table < 2; table++) {
            uint32_t at = (table == 0 ? PF_IDT : PF_IDT_ALT) + 8 * v;
            bool odd = v >= 48 || (v != 8 && v != 47 && table == 1 && one_in(rng, 6));
            if (odd)
                odd_gate(w, at, v, p, rng);
            else if (v == 8)
                world_gate(w, at, SEL_TASKS + 8 * PF_TASKS_COUNT, 0, GATE_TASK, 0);
            else
                world_gate(w, at, SEL_CODE0, handler, GATE_INT32 | dpl(level), 0);
        }
        world_put32(w, 4 * v, PF_HANDLERS16 + 16 * v);
    }
}

/* ---- tasks */

static void make_main_tss(struct world *w, struct rng *rng)
{
    static const uint32_t stacks[] = { PF_STACK0, PF_STACK1, PF_STACK2 };
    for (unsigned ring = 0; ring < 3; ring++) {
        world_put32(w, PF_TSS + 4 + 8 * ring, stacks[ring]);
        world_put32(w, PF_TSS + 8 + 8 * ring, 8 * (PF_DESC_FLAT_DATA + ring) | ring);
    }
    world_put32(w, PF_TSS + 0x64, 0x680000);
    for (unsigned i = 0; i < 0x40; i++)
        w->image[PF_TSS + 0x68 + i] = one_in(rng, 2) ? 0 : (uint8_t)rng_next(rng);
    w->image[PF_TSS + WORLD_TSS_LIMIT] = 0xFF;
}

static void put_task32(struct world *w, uint32_t at, const struct pf_program *p, struct rng *rng)
{
    unsigned ring = one_in(rng, 3) ? 3 : rng_below(rng, 4);
    uint16_t data = (uint16_t)(8 * (PF_DESC_FLAT_DATA + ring) | ring);
    bool vm86 = one_in(rng, 10), service = one_in(rng, 3);
    memcpy(w->image + at, w->image + PF_TSS, 0x1C);
    world_put32(w, at + 0x1C, PF_ROOT_A);
    world_put32(w, at + 0x20, service ? routine(ROUTINE_TASK) : (vm86 ? 0 : PF_CODE) + pf_any_piece(p, rng));
    world_put32(w, at + 0x24,
                VX_FL_1 | (vm86 ? VX_FL_VM : 0u) | (one_in(rng, 2) ? VX_FL_IF : 0u) |
                    (one_in(rng, 4) ? VX_FL_IOPL : 0u));
    for (unsigned i = 0; i < 8; i++)
        world_put32(w, at + 0x28 + 4 * i, PF_DATA + rng_below(rng, 0x8000));
    world_put32(w, at + 0x38, PF_STACK + 0xB000 - 0x100 * rng_below(rng, 16));
    uint32_t code = vm86 ? PF_CODE >> 4 : service ? SEL_CODE0 : 8u * (PF_DESC_FLAT_CODE + ring) | ring;
    if (service && !vm86)
        data = SEL_DATA0;
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        world_put32(w, at + 0x48 + 4 * i, i == VX_CS ? code : vm86 ? PF_DATA >> 4 : data);
    if (one_in(rng, 12))
        world_put32(w, at + 0x48 + 4 * rng_below(rng, 6), rng_below(rng, 0x200));
    world_put32(w, at + 0x60, one_in(rng, 4) ? 0 : SEL_LDT);
    world_put32(w, at + 0x64, 0x680000 | (one_in(rng, 16) ? 1 : 0)); /* T: debug trap */
    w->image[at + 0x88] = 0xFF;
}

static void put_task16(struct world *w, uint32_t at, const struct pf_program *p, struct rng *rng)
{
    unsigned ring = one_in(rng, 2) ? 3 : 0;
    uint16_t tss[22] = {
        0, 0xFF00, 8 * PF_DESC_STACK, 0xEF00, 8 * (PF_DESC_STACK + 1) | 1, 0xE700, 8 * (PF_DESC_STACK + 2) | 2
    };
    tss[7] = (uint16_t)pf_any_piece(p, rng);
    tss[8] = (uint16_t)(VX_FL_1 | (rng_next(rng) & (VX_FL_ARITH | VX_FL_IOPL)));
    for (unsigned i = 9; i < 17; i++)
        tss[i] = (uint16_t)rng_below(rng, 0x8000);
    tss[13] = (uint16_t)(0xB000 - 0x100 * rng_below(rng, 16));
    for (unsigned i = 17; i < 21; i++)
        tss[i] = (uint16_t)(8 * ((i == 18 ? PF_DESC_CODE : PF_DESC_STACK) + ring) | ring);
    tss[21] = SEL_LDT;
    world_copy(w, at, (const uint8_t *)tss, (const uint8_t *)(tss + 22));
}

static void make_tasks(struct world *w, const struct pf_program *p, struct rng *rng)
{
    make_main_tss(w, rng);
    for (unsigned i = 0; i < PF_TASKS_COUNT; i++)
        if (task_is_16(i))
            put_task16(w, PF_TASKS + PF_TASK_STEP * i, p, rng);
        else
            put_task32(w, PF_TASKS + PF_TASK_STEP * i, p, rng);
    uint32_t df = PF_TSS_DF;
    memcpy(w->image + df, w->image + PF_TSS, 0x1C);
    world_put32(w, df + 0x20, dispatcher());
    world_put32(w, df + 0x24, VX_FL_1);
    world_put32(w, df + 0x38, PF_STACK_DF);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        world_put32(w, df + 0x48 + 4 * i, i == VX_CS ? SEL_CODE0 : SEL_DATA0);
    world_put32(w, df + 0x64, 0x680000);
}

/* ---- blocks and code */

static void choose_selectors(const struct setup *setup, uint16_t sel[VX_SEG_COUNT])
{
    struct rng rng = rng_seeded(setup->seed ^ 8);
    if (setup->kind != SETUP_PROTECTED) {
        for (unsigned i = 0; i < VX_SEG_COUNT; i++)
            sel[i] = (uint16_t)((PF_DATA >> 4) + rng_below(&rng, 0x200));
        sel[VX_CS] = PF_CODE >> 4;
        sel[VX_SS] = PF_STACK >> 4;
        return;
    }
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        sel[i] = setup->flat ? (uint16_t)(8 * (PF_DESC_FLAT_DATA + setup->cpl) | setup->cpl)
                             : (uint16_t)((DESC_RANDOM + rng_below(&rng, 16)) * 8 | setup->cpl);
    sel[VX_CS] = (uint16_t)(8 * (setup->flat ? PF_DESC_FLAT_CODE + setup->cpl : DESC_CODE) | setup->cpl);
    if (!setup->flat) {
        sel[VX_SS] = (uint16_t)(8 * (one_in(&rng, 2) ? DESC_STACK : PF_DESC_STACK + setup->cpl) | setup->cpl);
        sel[VX_GS] = (uint16_t)(8 * DESC_CODE_ALIAS | setup->cpl);
    }
}

static uint32_t start_flags(const struct setup *setup)
{
    struct rng rng = rng_seeded(setup->seed ^ 7);
    uint32_t flags = (uint32_t)rng_next(&rng) & (VX_FL_ARITH | VX_FL_ID);
    flags |= (one_in(&rng, 4) ? VX_FL_DF : 0u) | (one_in(&rng, 2) ? VX_FL_IF : 0u) | (one_in(&rng, 4) ? VX_FL_AC : 0u);
    flags |= (uint32_t)setup->iopl << VX_FL_IOPL_SHIFT | (setup->single_step ? VX_FL_TF : 0u);
    return flags | VX_FL_1 | (setup->kind == SETUP_VM86 ? VX_FL_VM : 0u);
}

static void put_control(struct world *w, uint32_t row, const struct pf_block *block, uint32_t cr4_legal)
{
    static const uint32_t roots[3][2] = { { 0, 0 }, { PF_ROOT_A, PF_ROOT_B }, { PF_ROOT_PAE_A, PF_ROOT_PAE_B } };
    const struct setup *setup = &block->program.setup;
    struct rng rng = rng_seeded(setup->seed ^ 6);
    bool pae = setup->paging == PAGING_PAE;
    uint32_t cr0 = VX_CR0_ET | (one_in(&rng, 8) ? 0 : VX_CR0_NE) | (one_in(&rng, 2) ? VX_CR0_MP : 0) |
                   (one_in(&rng, 10) ? VX_CR0_TS : 0) | (one_in(&rng, 24) ? VX_CR0_EM : 0) |
                   (one_in(&rng, 2) ? VX_CR0_WP : 0) | (setup->align_check ? VX_CR0_AM : 0);
    uint32_t cr4 = (one_in(&rng, 12) ? 0 : VX_CR4_OSFXSR) | (one_in(&rng, 8) ? 0 : VX_CR4_OSXMMEXCPT) |
                   (one_in(&rng, 2) ? VX_CR4_PGE : 0) | (one_in(&rng, 4) ? 0 : VX_CR4_PSE) |
                   (one_in(&rng, 4) ? VX_CR4_DE : 0) | (one_in(&rng, 8) ? VX_CR4_TSD : 0) |
                   (one_in(&rng, 4) ? VX_CR4_VME : 0) | (one_in(&rng, 8) ? VX_CR4_PVI : 0) |
                   (one_in(&rng, 12) ? VX_CR4_UMIP : 0);
    if (setup->kind != SETUP_REAL)
        cr0 |= VX_CR0_PE;
    if (setup->paging != PAGING_OFF)
        cr0 |= VX_CR0_PG;
    world_put32(w, row + B_CR0, cr0);
    world_put32(w, row + B_CR3, roots[setup->paging][block->root]);
    world_put32(w, row + B_CR4, (cr4 | (pae ? VX_CR4_PAE : 0)) & cr4_legal);
    world_put32(w, row + B_EFER, pae && !one_in(&rng, 8) ? VX_EFER_NXE : 0);
}

static unsigned kind_of(const struct pf_block *block)
{
    const struct setup *setup = &block->program.setup;
    if (setup->kind == SETUP_REAL)
        return block->old_limits ? 4 : 3;
    return setup->kind == SETUP_VM86 ? 2 : setup->cpl != 0;
}

static void put_registers(struct world *w, uint32_t row, const struct setup *setup)
{
    static const uint8_t pointers[] = { VX_RBX, VX_RBP, VX_RSI, VX_RDI };
    struct rng rng = rng_seeded(setup->seed ^ 11);
    for (unsigned i = 0; i < 8; i++)
        world_put32(w, row + B_REGS + 4 * i, one_in(&rng, 3) ? rng_below(&rng, 5) - 2u : (uint32_t)rng_next(&rng));
    for (unsigned i = 0; i < VX_ARRAY_LEN(pointers); i++)
        world_put32(w, row + B_REGS + 4u * pointers[i], setup_data_offset(setup, &rng));
}

static void put_block(struct world *w, const struct pf_program *p, unsigned index, uint32_t cr4_legal)
{
    const struct pf_block *block = &p->block[index];
    const struct setup *setup = &block->program.setup;
    uint32_t row = PF_BLOCKS + PF_BLOCK_STEP * index;
    uint16_t sel[VX_SEG_COUNT];
    choose_selectors(setup, sel);
    put_control(w, row, block, cr4_legal);
    world_put32(w, row + B_KIND, kind_of(block));
    world_put32(w, row + B_EIP, setup_code_eip0(setup) + block->program.start);
    world_put32(w, row + B_CS, sel[VX_CS]);
    world_put32(w, row + B_EFLAGS, start_flags(setup));
    world_put32(w, row + B_ESP, setup_stack_offset(setup));
    world_put32(w, row + B_SS, sel[VX_SS]);
    world_put32(w, row + B_ES, sel[VX_ES] | (uint32_t)sel[VX_DS] << 16);
    world_put32(w, row + B_FS, sel[VX_FS] | (uint32_t)sel[VX_GS] << 16);
    world_put64(w, row + B_GDTR, (uint64_t)(PF_GDT + PF_GDT_BYTES * index) << 16 | (PF_GDT_BYTES - 1));
    bool odd = rng_below(&(struct rng){ setup->seed | 1 }, 4) == 0;
    world_put64(w, row + B_IDTR, (uint64_t)(odd ? PF_IDT_ALT : PF_IDT) << 16 | (WORLD_VECTORS * 8 - 1));
    put_registers(w, row, setup);
}

static void put_next(struct world *w, uint32_t at, uint32_t next)
{
    memcpy(w->image + PF_NEXT + 2 * at, &next, 2);
}

/* A relative byte that cannot reach its target leads to the next instruction. */
static uint32_t fixup_value(const struct pf_program *p, unsigned block, unsigned piece, uint32_t at)
{
    const struct fixup *fix = &p->block[block].program.piece[piece].fix;
    uint32_t target = pf_piece_at(p, block, fix->target);
    if (fix->absolute)
        return setup_code_eip0(&p->block[block].program.setup) + target + (uint32_t)fix->add;
    uint32_t distance = target - (at + fix->at + fix->bytes);
    return fix->bytes == 1 && distance != (uint32_t)(int8_t)distance ? 0 : distance;
}

/* Dropped pieces are NOPs, so that everything stays in its place. */
static void put_code(struct world *w, const struct pf_program *p, unsigned block)
{
    const struct program *program = &p->block[block].program;
    uint32_t at = program->start;
    for (unsigned i = 0; i < program->count; i++) {
        const struct piece *piece = &program->piece[i];
        if (piece->dropped) {
            memset(w->image + PF_CODE + at, 0x90, piece->len);
        } else {
            memcpy(w->image + PF_CODE + at, piece->bytes, piece->len);
            uint32_t value = fixup_value(p, block, i, at);
            memcpy(w->image + PF_CODE + at + piece->fix.at, &value, piece->fix.bytes);
        }
        for (unsigned k = 0; k < piece->len; k++)
            put_next(w, at + k, at + piece->len);
        at += piece->len;
    }
}

/* Between the blocks: INT 47, the end of each. The other version differs in a byte here and there. */
static void make_code(struct world *w, const struct pf_program *p, struct rng *rng)
{
    for (uint32_t at = 0; at < PF_CODE_BYTES; at++) {
        w->image[PF_CODE + at] = at & 1 ? WORLD_END_VECTOR : 0xCD;
        put_next(w, at, 0xFFFF);
    }
    for (unsigned i = 0; i < p->blocks; i++) {
        put_code(w, p, i);
        uint32_t end = pf_piece_at(p, i, p->block[i].program.count);
        w->image[PF_CODE + end] = 0xCD;
        w->image[PF_CODE + end + 1] = WORLD_END_VECTOR;
    }
    memcpy(w->image + PF_CODE_ALT, w->image + PF_CODE, PF_CODE_BYTES);
    for (unsigned i = 0; i < 400; i++)
        w->image[PF_CODE_ALT + rng_below(rng, PF_CODE_BYTES)] ^= (uint8_t)(1u << rng_below(rng, 8));
}

static void make_pads(struct world *w)
{
    for (uint32_t k = 0; k < 16; k++) {
        uint8_t *page = w->image + PF_DATA + (k << VX_PAGE_SHIFT);
        memcpy(page + PF_PAD, (const uint8_t[]){ 0xB0, (uint8_t)(0x11 * k), 0xC3 }, 3);
        memcpy(page, (const uint8_t[]){ (uint8_t)(0x80 + k), 0xC3 }, 2);
        page[VX_PAGE_MASK] = 0xB0;
    }
}

void pf_world_build(struct world *w, const struct pf_program *p, uint32_t cr4_legal)
{
    struct rng rng = rng_seeded(p->block[0].program.setup.seed ^ 20);
    memset(w->image, 0, sizeof w->image);
    world_copy(w, PF_HANDLERS, pf_handlers32, pf_handlers32_end);
    world_copy(w, PF_ROUTINES, pf_routines, pf_routines_end);
    world_copy(w, PF_HANDLERS16, pf_handlers16, pf_handlers16_end);
    make_gdts(w, p);
    make_vectors(w, p, &rng);
    make_tasks(w, p, &rng);
    pf_page_tables(w, p, &rng);
    world_data(w, &p->block[0].program.setup);
    make_pads(w);
    for (unsigned i = 0; i < p->blocks; i++)
        put_block(w, p, i, cr4_legal);
    make_code(w, p, &rng);
    world_put32(w, V_TURNS, p->turns);
    memcpy(w->image + V_ORDER, p->order, p->turns);
    world_put64(w, V_IVT, 0x3FF);
    world_put64(w, V_GDT0, (uint64_t)PF_GDT << 16 | (PF_GDT_BYTES - 1));
    world_put64(w, V_IDT_ALT, (uint64_t)PF_IDT_ALT << 16 | (WORLD_VECTORS * 8 - 1));
}

/* Flat ring 0 without paging, whatever the tables say. */
void pf_world_start(const struct world *w, struct rig *rig, const struct pf_program *p)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    world_restore(w, rig);
    vx_cpu_reset(vcpu, false);
    vcpu->gdtr = (struct vx_table_reg){ PF_GDT, PF_GDT_BYTES - 1 };
    vcpu->idtr = (struct vx_table_reg){ PF_IDT, WORLD_VECTORS * 8 - 1 };
    if (!vx_cpu_write_cr(vcpu, 0, VX_CR0_PE | VX_CR0_ET))
        abort();
    vcpu->seg[VX_CS] = (struct vx_seg){ .limit = UINT32_MAX, .sel = SEL_CODE0, .attr = ATTR_FLAT | ATTR_CODE };
    vcpu->rip = dispatcher();
    setup_start_fp(vcpu, &p->block[0].program.setup);
    vcpu->inhibit = VX_INHIBIT_NONE;
    vcpu->intr_line = false;
    vcpu->nmi_pending = false;
    vcpu->retired = 0;
    rig->vector = -1;
    atomic_store(&vcpu->attention, 0);
}

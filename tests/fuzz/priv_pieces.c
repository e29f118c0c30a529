/* priv_pieces.c - pieces about the system architecture: tables, paging, control registers, modes, rings, tasks, VM86,
 * debug registers, events, and stores into code that the generators of unit/bt/support do not make. Each piece is made
 * for the state that its block begins in; when it runs in another one it is just other code, or faults. */
#include "gen.h"
#include "priv.h"

static bool ring0(const struct gen *g)
{
    return g->setup->kind == SETUP_PROTECTED && g->setup->cpl == 0;
}

/* EIP of the byte under construction, plus `add`. */
static uint32_t here(const struct gen *g, unsigned add)
{
    return setup_code_eip0(g->setup) + g->at + g->piece->len + add;
}

static unsigned address_bytes(const struct gen *g)
{
    return g->setup->code32 ? 4 : 2;
}

static void put2(struct gen *g, unsigned a, unsigned b)
{
    put(g, a);
    put(g, b);
}

static void put_push16(struct gen *g, uint32_t value) /* of the code's operand size */
{
    put(g, 0x68);
    put_value(g, value, address_bytes(g));
}

static void put_push32(struct gen *g, uint32_t value)
{
    put_op_size(g, true);
    put(g, 0x68);
    put_value(g, value, 4);
}

/* DS becomes the flat segment, until it is popped. */
static void put_flat_ds(struct gen *g)
{
    put(g, 0x1E);
    put2(g, 0x6A, SEL_DATA0);
    put(g, 0x1F);
}

/* ModRM and displacement of a linear address, DS flat; put_addr_size() has been called. */
static void put_lin(struct gen *g, unsigned reg, uint32_t lin)
{
    put(g, reg << 3 | 5);
    put_value(g, lin, 4);
}

/* Far jump of the code's own size to right behind itself. */
static void put_jump_on(struct gen *g, uint16_t sel)
{
    uint32_t eip = here(g, 1 + address_bytes(g) + 2);
    put(g, 0xEA);
    put_value(g, eip, address_bytes(g));
    put_value(g, sel, 2);
}

/* ---- paging */

static uint32_t table_of(struct gen *g)
{
    bool second = chance(g, 2);
    if (g->setup->paging == PAGING_PAE)
        return second ? PF_PT_PAE_B : PF_PT_PAE_A;
    return second ? PF_PT_B : PF_PT_A;
}

/* A page of data, or of code but not the piece's own (nor the next). */
static uint32_t editable_page(struct gen *g)
{
    uint32_t own = (PF_CODE + g->at) >> VX_PAGE_SHIFT, page;
    do
        page = chance(g, 4) ? (PF_CODE >> VX_PAGE_SHIFT) + pick(g, 4) : (PF_DATA >> VX_PAGE_SHIFT) + pick(g, 16);
    while (page == own || page == own + 1 || pf_global_page(page));
    return page;
}

/* Where else the page may lead: another frame of data, or the other version of the code. */
static uint32_t other_frame(struct gen *g, uint32_t page)
{
    if (page < PF_STACK >> VX_PAGE_SHIFT)
        return 4; /* toggles between PF_CODE and PF_CODE_ALT */
    return 1u << pick(g, 4);
}

static void gen_pte(struct gen *g)
{
    static const uint8_t bits[] = { 1, 1, 2, 2, 4, 0x20, 0x40, 0x60 };
    uint32_t page = editable_page(g), pae = g->setup->paging == PAGING_PAE;
    uint32_t entry = PF_SEEN(table_of(g)) + page * (pae ? 8 : 4);
    unsigned bit = bits[pick(g, sizeof bits)];
    if (!ring0(g) || g->setup->paging == PAGING_OFF) {
        g->overflow = true;
        return;
    }
    put_flat_ds(g);
    put_addr_size(g, true);
    switch (pick(g, pae ? 6 : 5)) {
    case 0:
    case 1: /* AND: a bit less */
        put(g, 0x80);
        put_lin(g, 4, entry);
        put(g, ~bit & 0xFF);
        break;
    case 2: /* OR */
        put(g, 0x80);
        put_lin(g, 1, entry);
        put(g, bit);
        break;
    case 3: /* all rights back */
        put(g, 0x80);
        put_lin(g, 1, entry);
        put(g, 7);
        break;
    case 4: /* XOR: another frame */
        put_op_size(g, true);
        put(g, 0x81);
        put_lin(g, 6, entry);
        put_value(g, other_frame(g, page) << VX_PAGE_SHIFT, 4);
        break;
    default: /* NX */
        put(g, 0x80);
        put_lin(g, 6, entry + 7);
        put(g, 0x80);
        break;
    }
    put_addr_size(g, true);
    put2(g, 0x0F, 0x01);
    put_lin(g, 7, page << VX_PAGE_SHIFT | pick(g, VX_PAGE_BYTES));
    put(g, 0x1F); /* POP DS */
}

static uint32_t root_of(const struct gen *g, bool second)
{
    if (g->setup->paging == PAGING_PAE)
        return second ? PF_ROOT_PAE_B : PF_ROOT_PAE_A;
    return second ? PF_ROOT_B : PF_ROOT_A;
}

static void gen_cr3(struct gen *g)
{
    unsigned reg = pick(g, 4);
    put_mov_imm(g, reg, root_of(g, chance(g, 2)));
    put(g, 0x0F), put2(g, 0x22, 0xD8 | reg);
    put_mov_imm(g, reg, setup_data_offset(g->setup, &g->rng)); /* not a way to the tables */
}

/* ---- control registers */

static void put_toggle(struct gen *g, unsigned n, uint32_t bits)
{
    put(g, 0x0F), put2(g, 0x20, 0xC0 | n << 3);
    put_op_size(g, true);
    put(g, 0x35); /* XOR EAX, imm32 */
    put_value(g, bits, 4);
    put(g, 0x0F), put2(g, 0x22, 0xC0 | n << 3);
}

static void gen_control(struct gen *g)
{
    static const uint32_t cr0[] = { VX_CR0_WP, VX_CR0_WP, VX_CR0_WP, VX_CR0_TS,
                                    VX_CR0_AM, VX_CR0_CD, VX_CR0_PG, VX_CR0_NE };
    static const uint32_t cr4[] = { VX_CR4_PGE,  VX_CR4_PGE, VX_CR4_PSE,    VX_CR4_TSD, VX_CR4_DE,
                                    VX_CR4_UMIP, VX_CR4_VME, VX_CR4_OSFXSR, VX_CR4_PVI };
    switch (pick(g, 8)) {
    case 0:
    case 1: put_toggle(g, 0, cr0[pick(g, VX_ARRAY_LEN(cr0))]); break;
    case 2:
    case 3:
    case 4: put_toggle(g, 4, cr4[pick(g, VX_ARRAY_LEN(cr4))]); break;
    case 5:
        if (chance(g, 4))
            put_toggle(g, 4, chance(g, 2) ? VX_CR4_SMEP : VX_CR4_SMAP);
        else
            put(g, 0x0F), put2(g, 0x01, 0xCA + pick(g, 2)); /* CLAC, STAC */
        break;
    case 6: /* EFER.NXE */
        put_mov_imm(g, VX_RCX, 0xC0000080);
        put2(g, 0x0F, 0x32);
        put_op_size(g, true);
        put(g, 0x35);
        put_value(g, VX_EFER_NXE, 4);
        put2(g, 0x0F, 0x30);
        break;
    default: /* LMSW, CLTS, WBINVD */
        if (chance(g, 2)) {
            put_mov_imm(g, VX_RAX, pick(g, 16) | (chance(g, 4) ? 0 : 1));
            put(g, 0x0F), put2(g, 0x01, 0xF0);
        } else {
            put2(g, 0x0F, chance(g, 2) ? 0x06 : 0x09);
        }
        break;
    }
}

/* ---- tables */

static void gen_tables(struct gen *g)
{
    uint32_t row = PF_BLOCKS + PF_BLOCK_STEP * pick(g, 2);
    switch (pick(g, 5)) {
    case 0: /* LGDT, LIDT: of some block */
    case 1:
        put_flat_ds(g);
        put_addr_size(g, true);
        put_op_size(g, true);
        put2(g, 0x0F, 0x01);
        if (chance(g, 2))
            put_lin(g, 2, row + B_GDTR);
        else
            put_lin(g, 3, chance(g, 2) ? V_IDT_ALT : row + B_IDTR);
        put(g, 0x1F); /* POP DS */
        break;
    case 2: /* LLDT */
        put_mov_imm(g, VX_RAX, chance(g, 4) ? pick(g, 0x200) : chance(g, 4) ? 0 : SEL_LDT);
        put(g, 0x0F), put2(g, 0x00, 0xD0);
        break;
    case 3: /* LTR */
        put_mov_imm(g, VX_RAX, chance(g, 3) ? pick(g, 0x200) : SEL_TASKS + 8 * pick(g, PF_TASKS_COUNT));
        put(g, 0x0F), put2(g, 0x00, 0xD8);
        break;
    default: /* a byte of a descriptor's access rights or base */
        put_flat_ds(g);
        put_addr_size(g, true);
        put(g, 0x80);
        put_lin(g, 6, PF_GDT + PF_GDT_BYTES * pick(g, 2) + 8 * (DESC_RANDOM + pick(g, 16)) + pick(g, 8));
        put(g, 1u << pick(g, 8));
        put(g, 0x1F); /* POP DS */
        break;
    }
}

/* ---- tasks and rings */

static void gen_task(struct gen *g)
{
    if (chance(g, 4)) { /* IRET with NT */
        put_op_size(g, true);
        put(g, 0x9C);
        put_op_size(g, true);
        put_addr_size(g, true);
        put(g, 0x81), put2(g, 0x0C, 0x24); /* OR dword [ESP], NT */
        put_value(g, VX_FL_NT, 4);
        put_op_size(g, true);
        put(g, 0x9D);
        put(g, 0xCF);
        return;
    }
    uint16_t sel = chance(g, 3) ? PF_DESC_TASK_GATE * 8 : (uint16_t)(SEL_TASKS + 8 * pick(g, PF_TASKS_COUNT));
    put(g, chance(g, 3) ? 0x9A : 0xEA);
    put_value(g, pick(g, 0x10000), address_bytes(g));
    put_value(g, sel | pick(g, 4), 2);
}

static uint16_t ring_selector(const struct gen *g, bool code, unsigned ring)
{
    unsigned first =
        g->setup->flat ? (code ? PF_DESC_FLAT_CODE : PF_DESC_FLAT_DATA) : (code ? PF_DESC_CODE : PF_DESC_STACK);
    return (uint16_t)((first + ring) * 8 | ring);
}

/* IRET or RETF to a ring further out, going on behind. */
static void gen_outer(struct gen *g)
{
    unsigned ring = g->setup->cpl + pick(g, 4u - g->setup->cpl);
    bool iret = chance(g, 2);
    put_push16(g, ring_selector(g, false, ring));
    put(g, 0x54); /* PUSH ESP */
    if (iret)
        put(g, 0x9C);
    put_push16(g, ring_selector(g, true, ring));
    put_push16(g, here(g, 1 + address_bytes(g) + 1));
    put(g, iret ? 0xCF : 0xCB);
}

static void gen_inner(struct gen *g)
{
    switch (pick(g, 4)) {
    case 0: /* through gates to pieces */
    case 1:
        put(g, chance(g, 8) ? 0xEA : 0x9A);
        put_value(g, pick(g, 0x10000), address_bytes(g));
        put_value(g, (PF_DESC_GATE + pick(g, 3)) * 8 | pick(g, 4), 2);
        break;
    case 2: put2(g, 0xCD, 0x30 + pick(g, 16)); break;
    default: /* a conforming segment */
        if (g->setup->flat)
            put_jump_on(g, PF_DESC_CONFORMING * 8 | g->setup->cpl);
        else
            g->overflow = true;
        break;
    }
}

static void gen_fast_call(struct gen *g)
{
    static const uint32_t msr[] = { 0x174, 0x175, 0x176 };
    uint32_t value[] = { SEL_CODE0, PF_STACK0 - 0x200, PF_CODE + g->at };
    if (ring0(g) && chance(g, 3)) {
        unsigned which = pick(g, 3);
        put_mov_imm(g, VX_RCX, msr[which]);
        put_mov_imm(g, VX_RAX, value[which]);
        put(g, 0x99); /* CDQ */
        put2(g, 0x0F, 0x30);
    } else if (ring0(g)) {
        put_op_size(g, true);
        put2(g, 0x89, 0xE1); /* MOV ECX, ESP */
        put_mov_imm(g, VX_RDX, PF_CODE + g->at + g->piece->len + (g->setup->code32 ? 7 : 8));
        put2(g, 0x0F, 0x35);
    } else {
        put2(g, 0x0F, 0x34);
    }
}

/* ---- modes */

static void gen_to_vm86(struct gen *g)
{
    uint32_t flags = VX_FL_VM | VX_FL_1 | (chance(g, 2) ? VX_FL_IOPL : 0u) | (chance(g, 2) ? VX_FL_IF : 0u);
    if (!ring0(g)) {
        g->overflow = true;
        return;
    }
    for (unsigned i = 0; i < 4; i++) { /* GS, FS, DS, ES */
        put_op_size(g, true);
        put2(g, 0x6A, pick(g, 256)); /* low or high memory */
    }
    put_push32(g, PF_STACK >> 4);
    put_push32(g, 0x8000 + 2 * pick(g, 0x1000));
    put_push32(g, flags);
    put_push32(g, PF_CODE >> 4);
    put_push32(g, g->at + g->piece->len + (g->setup->code32 ? 6 : 8));
    put_op_size(g, true);
    put(g, 0xCF);
}

/* MOV EAX, CR0; AND or OR; MOV CR0, EAX */
static void put_protection(struct gen *g, bool on)
{
    put(g, 0x0F), put2(g, 0x20, 0xC0);
    put_op_size(g, true);
    put(g, on ? 0x0D : 0x25);
    put_value(g, on ? VX_CR0_PE | (chance(g, 4) ? VX_CR0_PG : 0u) : 0x7FFFFFFE, 4);
    put(g, 0x0F), put2(g, 0x22, 0xC0);
}

/* LIDT or LGDT from a table register's image inside the piece. */
static void put_table_register(struct gen *g, unsigned reg, uint32_t base, uint32_t limit)
{
    put2(g, 0xEB, 6);
    uint32_t image = here(g, 0);
    put_value(g, limit, 2);
    put_value(g, base, 4);
    put(g, 0x66);
    put(g, 0x2E), put2(g, 0x0F, 0x01);
    put(g, reg << 3 | 6);
    put_value(g, image, 2);
}

/* Between the modes, in 16-bit code that is based alike in both: there and back, with or without the far jumps. */
static void gen_mode_switch(struct gen *g)
{
    bool real = g->setup->kind == SETUP_REAL;
    if (g->setup->code32 || (!real && !ring0(g)) || g->setup->flat) {
        g->overflow = true;
        return;
    }
    if (real)
        put_table_register(g, 2, PF_GDT, PF_GDT_BYTES - 1);
    else if (chance(g, 2))
        put_table_register(g, 3, 0, 0x3FF);
    put_protection(g, real);
    uint16_t sel[2] = { PF_CODE >> 4, PF_DESC_CODE * 8 };
    if (chance(g, 2))
        put_jump_on(g, sel[real]);
    if (real && chance(g, 2)) { /* a segment with another limit for real mode */
        put_mov_imm(g, VX_RAX, chance(g, 2) ? SEL_DATA0 : (DESC_RANDOM + pick(g, 16)) * 8);
        put2(g, 0x8E, 0xC0 | (chance(g, 2) ? VX_ES : VX_FS) << 3);
    } else {
        static const uint8_t stores[] = { 0x89, 0x8B, 0x01, 0x31 };
        put(g, stores[pick(g, 4)]);
        put_modrm(g, pick(g, 4), RM_ANY);
    }
    if (chance(g, 4))
        return; /* stays there */
    put_protection(g, !real);
    put_jump_on(g, sel[!real]);
}

/* ---- debug registers, events */

static void gen_debug(struct gen *g)
{
    uint32_t lin = chance(g, 2) ? PF_CODE + g->at + pick(g, 200) : PF_DATA + pick(g, 0x8000);
    unsigned n = pick(g, 4), len = pick(g, 4);
    unsigned kind = lin < PF_DATA ? 0 : pick(g, 4);
    put_mov_imm(g, VX_RAX, lin);
    put(g, 0x0F), put2(g, 0x23, 0xC0 | n << 3);
    put_mov_imm(g, VX_RAX, (2u << 2 * n) | (kind | len << 2) << (16 + 4 * n) | (chance(g, 12) ? 1u << 13 : 0));
    put(g, 0x0F), put2(g, 0x23, 0xF8);
}

static void gen_event(struct gen *g)
{
    switch (pick(g, 4)) {
    case 0: /* INTR */
        put2(g, 0xB0, 0x21 + pick(g, 0x1E));
        put2(g, 0xE6, RIG_PORT_INTR);
        break;
    case 1: put2(g, 0xE6, RIG_PORT_NMI); break;
    case 2:
        put(g, 0xFB);
        if (chance(g, 2))
            put(g, 0xF4);
        break;
    default: /* TF */
        put(g, 0x9C);
        put_addr_size(g, true);
        put(g, 0x80), put(g, 0x4C), put2(g, 0x24, 1), put(g, 1); /* OR byte [ESP + 1], 1 */
        put(g, 0x9D);
        break;
    }
}

/* ---- stores into code */

static uint32_t alias_base(const struct gen *g)
{
    return g->setup->paging == PAGING_PAE ? 0x200000 : 0x400000;
}

static void gen_code_store(struct gen *g)
{
    uint32_t lin = PF_CODE + (chance(g, 3) ? VX_PAGE_BYTES * (1 + pick(g, 3)) - pick(g, 4) : g->at + pick(g, 160));
    if (!g->setup->flat) {
        g->overflow = true;
        return;
    }
    if (g->setup->paging != PAGING_OFF && chance(g, 3))
        lin += alias_base(g);
    put_addr_size(g, true);
    switch (pick(g, 4)) {
    case 0: /* INC, DEC byte */
        put(g, 0xFE);
        put_lin(g, pick(g, 2), lin);
        break;
    case 1:
        put(g, 0xC7);
        put_lin(g, 0, lin);
        put_value(g, chance(g, 2) ? 0x90909090 : (uint32_t)rng_next(&g->rng), 4);
        break;
    case 2: /* a byte of the other version */
        put(g, 0x8A), put_lin(g, 0, (lin & 0x3FFF) + PF_CODE_ALT);
        put(g, 0x88), put_lin(g, 0, lin);
        break;
    default: /* many */
        g->piece->len = 0;
        put_mov_imm(g, VX_RSI, (lin & 0x3FFF) + PF_CODE_ALT);
        put_mov_imm(g, VX_RDI, lin);
        put_mov_imm(g, VX_RCX, pick(g, 48));
        put2(g, 0xF3, chance(g, 2) ? 0xA4 : 0xA5);
        break;
    }
}

/* ---- */

static const struct {
    void (*make)(struct gen *);
    unsigned weight;
    bool for_ring0; /* of little use elsewhere */
} kinds[] = {
    { gen_pte, 14, true },         { gen_cr3, 5, true },      { gen_control, 10, true }, { gen_tables, 6, true },
    { gen_task, 6, false },        { gen_outer, 5, false },   { gen_inner, 8, false },   { gen_fast_call, 4, false },
    { gen_to_vm86, 3, true },      { gen_debug, 2, true },    { gen_event, 8, false },   { gen_code_store, 12, false },
    { gen_mode_switch, 8, false }, { pf_gen_pad, 10, false },
};

void pf_gen_privileged(struct gen *g)
{
    unsigned total = 0, i = 0;
    for (unsigned k = 0; k < VX_ARRAY_LEN(kinds); k++)
        total += kinds[k].weight;
    unsigned at = pick(g, total);
    for (; at >= kinds[i].weight; i++)
        at -= kinds[i].weight;
    if (kinds[i].for_ring0 && !ring0(g) && !chance(g, 6))
        g->overflow = true;
    else
        kinds[i].make(g);
}

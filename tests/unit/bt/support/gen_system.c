/* gen_system.c - pieces about segments, flags, ports, privilege, floating point, and code that changes itself. */
#include "gen.h"

#include "world.h"
#include "world_map.h"

static unsigned address_bytes(const struct gen *g)
{
    return g->setup->code32 ? 4 : 2;
}

static void put_absolute(struct gen *g, unsigned reg, uint32_t off)
{
    put(g, reg << 3 | (g->setup->code32 ? 5 : 6));
    put_value(g, off, address_bytes(g));
}

/* ---- segments */

static uint16_t random_selector(struct gen *g)
{
    if (g->setup->kind != SETUP_PROTECTED)
        return (uint16_t)((WORLD_DATA >> 4) + pick(g, 0x200));
    if (chance(g, 12))
        return (uint16_t)pick(g, 4);
    if (chance(g, 8))
        return (uint16_t)(pick(g, 10) * 8 + 4 + pick(g, 4)); /* in the LDT, or beyond its end */
    return (uint16_t)((chance(g, 3) ? pick(g, DESC_COUNT + 2) : DESC_RANDOM + pick(g, 16)) * 8 +
                      (chance(g, 8) ? pick(g, 4) : g->setup->cpl));
}

/* Selectors that are there, into a register or onto the stack, then into a segment register. */
static void put_segment_load(struct gen *g)
{
    static const uint8_t pops[] = { 0x07, 0x1F, 0x17 };
    uint16_t sel = random_selector(g);
    if (chance(g, 3)) {
        put(g, 0x68);
        put_value(g, sel, address_bytes(g));
        if (chance(g, 2))
            put(g, 0x0F), put(g, chance(g, 2) ? 0xA1 : 0xA9);
        else
            put(g, pops[pick(g, chance(g, 4) ? 3 : 2)]);
        return;
    }
    static const uint8_t segments[] = { VX_ES, VX_DS, VX_FS, VX_GS };
    put_mov_imm(g, VX_RAX, sel);
    put(g, 0x8E);
    put(g, 0xC0 | (unsigned)segments[pick(g, 4)] << 3);
}

static void put_verify(struct gen *g)
{
    put_mov_imm(g, VX_RAX, random_selector(g));
    put(g, 0x0F);
    if (chance(g, 2)) {
        put(g, 0x02 + pick(g, 2)); /* LAR, LSL */
        put(g, 0xC0 | pick(g, 4) << 3);
    } else {
        put(g, 0x00);
        put(g, 0xC0 | (4 + pick(g, 2)) << 3); /* VERR, VERW */
    }
}

void gen_segment(struct gen *g)
{
    switch (pick(g, 4)) {
    case 0: put_any_form(g, segment_forms, segment_form_count); break;
    case 1: put_verify(g); break;
    default: put_segment_load(g); break;
    }
}

/* ---- flags */

static void put_popf(struct gen *g)
{
    uint32_t flags = (uint32_t)rng_next(&g->rng) & (VX_FL_ARITH | VX_FL_IF | VX_FL_DF);
    flags |= (chance(g, 4) ? VX_FL_IOPL : 0u) | (chance(g, 6) ? VX_FL_AC : 0u) | (chance(g, 6) ? VX_FL_ID : 0u) |
             (chance(g, 16) ? VX_FL_NT : 0u) | (chance(g, 16) ? VX_FL_RF | VX_FL_VM : 0u);
    if (g->setup->single_step)
        flags |= VX_FL_TF;
    put(g, 0x68);
    put_value(g, flags, address_bytes(g));
    put(g, 0x9D);
}

void gen_flags(struct gen *g)
{
    static const uint8_t plain[] = { 0xFA, 0xFB, 0xFC, 0xFD, 0x9C, 0xF5, 0xF8, 0xF9, 0x9F };
    switch (pick(g, 4)) {
    case 0: put_popf(g); break;
    case 1: /* PUSHF, POPF */
        put(g, 0x9C);
        put(g, 0x9D);
        break;
    case 2: /* what follows is in the shadow */
        put(g, 0xFB);
        if (chance(g, 2))
            put(g, 0xFA);
        break;
    default: put(g, plain[pick(g, sizeof plain)]); break;
    }
}

/* ---- privilege */

/* MOV EAX, CRn; change a bit or none; MOV CRn, EAX */
static void put_cr_change(struct gen *g, unsigned n, uint32_t toggle)
{
    put(g, 0x0F), put(g, 0x20), put(g, 0xC0 | n << 3);
    put_op_size(g, true);
    put(g, 0x35); /* XOR EAX, imm32 */
    put_value(g, toggle, 4);
    put(g, 0x0F), put(g, 0x22), put(g, 0xC0 | n << 3);
}

static void put_control_change(struct gen *g)
{
    static const uint32_t cr0[] = { VX_CR0_TS, VX_CR0_TS, VX_CR0_EM, VX_CR0_MP, VX_CR0_WP, VX_CR0_NE, VX_CR0_CD, 0 };
    static const uint32_t cr4[] = { VX_CR4_PGE, VX_CR4_TSD, VX_CR4_DE, VX_CR4_OSFXSR, VX_CR4_OSXMMEXCPT, 0, 1u << 31 };
    switch (pick(g, 3)) {
    case 0: put_cr_change(g, 0, cr0[pick(g, VX_ARRAY_LEN(cr0))]); break;
    case 1: put_cr_change(g, 3, 0); break;
    default: put_cr_change(g, 4, cr4[pick(g, VX_ARRAY_LEN(cr4))]); break;
    }
}

static void put_msr(struct gen *g)
{
    static const uint32_t msrs[] = { 0x10, 0x1B, 0x174, 0x175, 0x176, 0x277, 0xC0000080, 0x8B, 0x1234 };
    put_mov_imm(g, VX_RCX, msrs[pick(g, VX_ARRAY_LEN(msrs))]);
    put(g, 0x0F);
    put(g, 0x32);
    if (chance(g, 4))
        put(g, 0x0F), put(g, 0x30); /* WRMSR of what it was */
}

void gen_system(struct gen *g)
{
    static const uint8_t vectors[] = { 0x20, 0x22, 0x2E, 0x03, 0x04, 0x0D, 0x30, 0x3F, 0x40, 0x80, 0x21, 0x00 };
    switch (pick(g, 8)) {
    case 0: put_control_change(g); break;
    case 1: put_msr(g); break;
    case 2: /* INT n */
        put(g, 0xCD);
        put(g, vectors[pick(g, sizeof vectors)]);
        break;
    case 3: put(g, 0xCC); break;
    case 4: /* CPUID */
        put_mov_imm(g, VX_RAX, chance(g, 2) ? pick(g, 12) : 0x80000000 + pick(g, 9));
        put(g, 0x0F), put(g, 0xA2);
        break;
    default: put_any_form(g, system_forms, system_form_count); break;
    }
}

/* ---- far transfers */

static uint16_t code_selector(struct gen *g)
{
    if (g->setup->kind != SETUP_PROTECTED)
        return WORLD_CODE >> 4;
    if (chance(g, 6))
        return random_selector(g);
    if (chance(g, 4))
        return (uint16_t)(DESC_CODE_SHORT * 8 + g->setup->cpl);
    if (g->setup->flat)
        return g->setup->cpl == 0 ? DESC_FLAT_CODE0 * 8 : DESC_FLAT_CODE3 * 8 + 3;
    return (uint16_t)(DESC_CODE * 8 + g->setup->cpl);
}

static void put_push_imm(struct gen *g, uint32_t value)
{
    put(g, 0x68);
    put_value(g, value, address_bytes(g));
}

void gen_far(struct gen *g)
{
    int ahead = 1 + (int)pick(g, 5);
    switch (pick(g, 5)) {
    case 0: /* JMP, CALL ptr16:16/32 */
        put(g, chance(g, 2) ? 0xEA : 0x9A);
        put_target(g, address_bytes(g), true, 0, ahead);
        put_value(g, code_selector(g), 2);
        break;
    case 1: /* CALL through a gate; real mode: nowhere in particular, so not there */
        if (g->setup->kind != SETUP_PROTECTED) {
            g->overflow = true;
            break;
        }
        put(g, chance(g, 6) ? 0xEA : 0x9A);
        put_value(g, (uint32_t)rng_next(&g->rng), address_bytes(g));
        put_value(g, (DESC_GATE + pick(g, 3)) * 8 + pick(g, 4), 2);
        break;
    case 2: /* RETF, with and without release */
        put_push_imm(g, code_selector(g));
        put(g, 0x68);
        put_target(g, address_bytes(g), true, 0, ahead);
        put(g, chance(g, 3) ? 0xCA : 0xCB);
        if (g->piece->bytes[g->piece->len - 1] == 0xCA)
            put_value(g, pick(g, 12), 2);
        break;
    case 3: /* IRET */
        put(g, 0x9C);
        put_push_imm(g, code_selector(g));
        put(g, 0x68);
        put_target(g, address_bytes(g), true, 0, ahead);
        put(g, 0xCF);
        break;
    default: /* through memory: what is there leads anywhere */
        put(g, 0xFF);
        put_modrm(g, chance(g, 2) ? 3 : 5, chance(g, 8) ? RM_REG : RM_MEM);
        break;
    }
}

/* ---- ports */

void gen_io(struct gen *g)
{
    static const uint8_t in_out[] = { 0xEC, 0xED, 0xEE, 0xEF }, strings[] = { 0x6C, 0x6D, 0x6E, 0x6F };
    switch (pick(g, 4)) {
    case 0: /* IN, OUT imm8 */
        put(g, 0xE4 + pick(g, 4));
        put(g, chance(g, 8) ? 0x92 : pick(g, 256));
        break;
    case 1:
        put_mov_imm(g, VX_RDX, chance(g, 4) ? pick(g, 0x10000) : pick(g, 0x220));
        if (chance(g, 4))
            put(g, 0x66);
        put(g, in_out[pick(g, 4)]);
        break;
    case 2: /* the A20 gate */
        put(g, 0xB0);
        put(g, pick(g, 4));
        put(g, 0xE6);
        put(g, 0x92);
        break;
    default: /* INS, OUTS */
        put_mov_imm(g, VX_RDX, pick(g, 0x220));
        if (chance(g, 2)) {
            put_mov_imm(g, VX_RCX, pick(g, 24));
            put(g, 0xF3);
        }
        put(g, strings[pick(g, 4)]);
        break;
    }
}

/* ---- floating point */

static void put_store_zeros(struct gen *g, uint32_t off, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        put_op_size(g, true);
        put(g, 0xC7);
        put_absolute(g, 0, off + 4 * i);
        put_value(g, 0, 4);
    }
}

/* FNSTENV or FNSAVE, then the pointers in the image overwritten: what is stored there is not compared. */
static void put_x87_image(struct gen *g)
{
    uint32_t off = setup_data_offset(g->setup, &g->rng);
    put_op_size(g, true);
    put(g, chance(g, 2) ? 0xD9 : 0xDD);
    put_absolute(g, 6, off);
    put_store_zeros(g, off + 12, 4);
}

static void put_fxsave(struct gen *g)
{
    uint32_t off = setup_data_offset(g->setup, &g->rng) & ~15u;
    put(g, 0x0F), put(g, 0xAE);
    put_absolute(g, 0, off);
    put_op_size(g, false);
    put(g, 0xC7);
    put_absolute(g, 0, off + 6);
    put_value(g, 0, 2);
    put_store_zeros(g, off + 8, 4);
}

void gen_x87(struct gen *g)
{
    switch (pick(g, 24)) {
    case 0:
    case 1:
        if (g->setup->align_check)
            g->overflow = true;
        else if (chance(g, 2))
            put_x87_image(g);
        else
            put_fxsave(g);
        break;
    case 2: /* FXRSTOR */
        put(g, 0x0F), put(g, 0xAE);
        put_absolute(g, 1, setup_data_offset(g->setup, &g->rng) & ~15u);
        break;
    case 3: put(g, 0xDB), put(g, chance(g, 2) ? 0xE3 : 0xE2); break; /* FNINIT, FNCLEX */
    default: put_any_form(g, x87_forms, x87_form_count); break;
    }
}

void gen_sse(struct gen *g)
{
    static const uint8_t mandatory[] = { 0, 0, 0x66, 0x66, 0xF2, 0xF3 };
    uint8_t prefix = mandatory[pick(g, sizeof mandatory)];
    if (prefix != 0)
        put(g, prefix);
    put_any_form(g, sse_forms, sse_form_count);
}

/* ---- self-modification */

/* The prefix through which the setup reaches its code for writing. */
static void put_code_override(struct gen *g)
{
    if (g->setup->kind != SETUP_PROTECTED)
        put(g, 0x2E);
    else if (!g->setup->flat)
        put(g, 0x65);
}

/* A store into the piece's own later bytes, then the instruction that it changes: the immediate of MOV AL, or the
 * opcode of INC and DEC; the store replaces, adds to, or counts up what is there. */
void gen_self_modify(struct gen *g)
{
    static const uint8_t harmless[] = {
        0x40, 0x42, 0x43, 0x48, 0x4A, 0x4B, 0x90, 0xF8, 0xF9, 0xF5
    }; /* not ECX: loops */
    bool opcode = chance(g, 3);
    unsigned kind = pick(g, 3), fix_at;
    put_code_override(g);
    put(g, kind == 0 ? 0xC6 : kind == 1 && !opcode ? 0x80 : opcode ? 0xC6 : 0xFE);
    bool imm = g->piece->bytes[g->piece->len - 1] != 0xFE;
    put(g, g->setup->code32 ? 5 : 6);
    fix_at = g->piece->len;
    put_target(g, address_bytes(g), true, 0, 0);
    if (imm)
        put(g, opcode ? harmless[pick(g, sizeof harmless)] : pick(g, 256));
    for (unsigned n = pick(g, 3); n > 0; n--)
        put(g, harmless[pick(g, sizeof harmless)]); /* something between */
    unsigned at = g->piece->len + (opcode ? 0 : 1);
    put(g, opcode ? harmless[pick(g, sizeof harmless)] : 0xB0);
    if (!opcode)
        put(g, pick(g, 256));
    g->piece->fix.at = (uint8_t)fix_at;
    g->piece->fix.add = (int8_t)at;
}

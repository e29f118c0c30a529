/* test_sys_hostile.c - random code over random descriptor tables, gates, task-state segments and page tables: nothing a
 * guest does may crash or hang the processor's implementation or leave its state inconsistent. Best run with the
 * sanitizers. */
#include "sys_world.h"

#include <stdlib.h>

enum { SEEDS = 400, STEPS = 3000, PAGE_DIR = 0x40000, PAGE_TABLE = 0x41000 };

static uint64_t next(uint64_t *rng)
{
    *rng ^= *rng << 13;
    *rng ^= *rng >> 7;
    *rng ^= *rng << 17;
    return *rng;
}

static uint32_t below(uint64_t *rng, uint32_t bound)
{
    return (uint32_t)(next(rng) >> 33) % bound;
}

/* Mostly sensible descriptors, so that the interesting paths are reached; some noise. */
static uint64_t random_desc(uint64_t *rng)
{
    static const uint16_t limits[] = { 0xFFFF, 0x67, 0x2B, 0xFFF, 0, 0xFFFF, 0xFFFF, 0x80 };
    if (below(rng, 8) == 0)
        return next(rng);
    unsigned type = below(rng, 32), attr = VX_ATTR_P | type | DPL(below(rng, 4));
    if (below(rng, 12) == 0)
        attr &= ~(unsigned)VX_ATTR_P;
    if (type < 16 && (type & 4)) /* a gate */
        return world_gate_bits((uint16_t)(below(rng, 40) << 3 | below(rng, 4)), W_CODE + below(rng, 0x1000), attr,
                               below(rng, 4));
    if (below(rng, 2))
        attr |= VX_ATTR_DB;
    uint32_t base = below(rng, 3) ? 0 : below(rng, 16) << 12;
    uint32_t limit = limits[below(rng, VX_ARRAY_LEN(limits))];
    if (below(rng, 2))
        return world_desc_bits(base, UINT32_MAX, attr | VX_ATTR_G);
    return world_desc_bits(base, limit, attr);
}

static void random_tables(struct world *w, uint64_t *rng)
{
    world_tables(w);
    for (unsigned i = G_LDT; i < G_ENTRIES; i++)
        world_put(w, W_GDT + i * 8, 8, random_desc(rng));
    for (unsigned i = 0; i < 32; i++)
        world_put(w, W_LDT + i * 8, 8, random_desc(rng));
    for (unsigned i = 0; i < 256; i++) {
        static const uint8_t types[] = { 5, 6, 7, 14, 15, 14, 14, 12 };
        unsigned type = types[below(rng, VX_ARRAY_LEN(types))], attr = VX_ATTR_P | type | DPL(below(rng, 4));
        unsigned index = below(rng, 4) ? G_CODE : type == 5 ? G_TSS + below(rng, 3) : below(rng, G_ENTRIES);
        world_idt(w, i, SEL(index, below(rng, 4)), W_CODE + below(rng, 0x1000), attr);
    }
    for (uint32_t at = W_TSS; at < W_TSS16 + 0x100; at += 4) {
        bool selector = below(rng, 2);
        world_put(w, at, 4, selector ? (uint32_t)(below(rng, 20) << 3 | below(rng, 4)) : W_CODE + below(rng, 0x2000));
    }
    for (unsigned i = 0; i < 1024; i++)
        world_put(w, PAGE_TABLE + i * 4, 4, below(rng, 16) ? (i & 255) << 12 | 7 : (uint32_t)next(rng));
    world_put(w, PAGE_DIR, 4, PAGE_TABLE | 7);
    world_put(w, PAGE_DIR + 4, 4, (uint32_t)next(rng));
}

/* Privileged and transfer instructions often, the rest by chance. */
static void random_code(struct world *w, uint64_t *rng)
{
    static const char *const pieces[] = {
        "\xCF",         "\xCB",         "\xCA",         "\xCD",         "\xCC",         "\xCE",         "\xEA",
        "\x9A",         "\x8E\xD8",     "\x8E\xD0",     "\x8E\xC1",     "\x0F\x00\xD8", "\x0F\x00\xD1", "\x0F\x20\xC0",
        "\x0F\x22\xC0", "\x0F\x22\xD8", "\x0F\x22\xE0", "\x0F\x01",     "\x0F\x23\xF8", "\x9D",         "\x9C",
        "\xFA",         "\xFB",         "\x0F\x34",     "\x0F\x35",     "\x0F\xA2",     "\x0F\x30",     "\x0F\x32",
        "\xFF\x1C",     "\xFF\x2C",     "\x0F\xB2",     "\xC5",         "\x1F",         "\x17",         "\xF1",
        "\x66",         "\x67",         "\x0F\x02\xC0", "\x0F\x03\xC0", "\x63\xC0",     "\xE6\x80",     "\xC8",
        "\xB8",         "\x53",         "\x50",         "\x60",         "\x61",         "\xF3\xA4",     "\x89\x04\x24",
    };
    for (uint32_t at = W_CODE; at < W_CODE + 0x2000;) {
        if (below(rng, 3) == 0) {
            world_put(w, at++, 1, next(rng));
            continue;
        }
        const char *piece = pieces[below(rng, VX_ARRAY_LEN(pieces))];
        size_t length = strlen(piece);
        vx_pmap_write(w->pmap, at, piece, length);
        at += (uint32_t)length;
    }
}

static void random_start(struct world *w, uint64_t *rng)
{
    struct vx_vcpu *cpu = w->cpu;
    unsigned mode = below(rng, 6);
    if (mode == 5)
        world_vm86(w, below(rng, 4));
    else
        world_protected(w, mode & 3);
    if (below(rng, 2)) {
        cpu->cpl = 0;
        cr_assert(vx_cpu_write_cr(cpu, 3, PAGE_DIR) && vx_cpu_write_cr(cpu, 0, 0x80000001u));
        cpu->cpl = mode == 5 ? 3 : mode & 3;
    }
    for (unsigned i = 0; i < 8; i++)
        if (i != VX_RSP)
            cpu->gpr[i] = below(rng, 2) ? below(rng, 0x200) : (uint32_t)next(rng);
    if (mode != 5)
        vx_set_eflags_raw(cpu, (uint32_t)next(rng) & ~(uint32_t)(VX_FL_VM | VX_FL_TF));
}

/* NULL when the state is one that a processor can be in. */
static const char *inconsistency(const struct vx_vcpu *cpu)
{
    const struct vx_paging *paging = vx_mmu_paging(cpu->mmu);
    uint32_t pg = 0x80000001u | VX_CR0_WP;
    for (unsigned i = 0; i < 8; i++)
        if (cpu->gpr[i] >> 32)
            return "a register is wider than 32 bits";
    if (cpu->rip >> 32 || cpu->cpl > 3 || cpu->iflag > 1 || cpu->dflag > 1)
        return "rip, cpl, iflag or dflag out of range";
    if (!(cpu->eflags & 2) || (cpu->eflags & (VX_FL_IF | VX_FL_DF | 0xFFC08028u)))
        return "fixed bits of eflags";
    if (vx_real_mode(cpu) && (cpu->cpl != 0 || vx_vm86(cpu)))
        return "real mode with a CPL or VM";
    if (vx_vm86(cpu) && cpu->cpl != 3)
        return "VM86 below CPL 3";
    if (((uint32_t)cpu->cr0 & 0x80000000u) && !(cpu->cr0 & VX_CR0_PE))
        return "paging without protection";
    if (((paging->cr0 ^ cpu->cr0) & pg) || paging->cr3 != cpu->cr3 || paging->cr4 != cpu->cr4 ||
        paging->efer != cpu->efer)
        return "the mmu works with other control registers";
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        if (vx_vm86(cpu) && (cpu->seg[i].base != (uint32_t)cpu->seg[i].sel << 4 || cpu->seg[i].limit != 0xFFFF))
            return "a VM86 segment that is none";
    return NULL;
}

static void run_seed(struct world *w, uint64_t seed)
{
    uint64_t rng = seed * 0x9E3779B97F4A7C15ull + 1;
    struct vx_vcpu *cpu = w->cpu;
    random_tables(w, &rng);
    random_code(w, &rng);
    random_start(w, &rng);
    for (unsigned step = 0; step < STEPS; step++) {
        uint64_t event = next(&rng);
        w->next_vector = (int)(event >> 8 & 0xFF);
        cpu->nmi_pending |= (event & 63) == 0;
        vx_vcpu_set_intr(cpu, (event & 15) == 1);
        vx_cpu_take_events(cpu);
        if (cpu->shutdown || cpu->halted || (event >> 16 & 1023) == 0)
            random_start(w, &rng);
        vx_interp_step(cpu);
        const char *what = inconsistency(cpu);
        cr_assert_null(what, "seed %lu step %u: %s", (unsigned long)seed, step, what);
    }
}

Test(hostile, random_privileged_code)
{
    const char *more = getenv("VX86_HOSTILE_SEEDS"); /* for long runs */
    unsigned long seeds = more != NULL ? strtoul(more, NULL, 0) : SEEDS;
    struct world *w = world_create();
    for (unsigned long seed = 0; seed < seeds; seed++)
        run_seed(w, seed);
    static const uint8_t reached[] = { VX_DE, VX_DB, VX_UD, VX_DF, VX_TS, VX_NP, VX_SEG_SS, VX_GP, VX_PF };
    for (size_t i = 0; i < VX_ARRAY_LEN(reached); i++)
        cr_assert_neq(w->stats.exceptions_by_vector[reached[i]], 0, "vector %u never came: the test has lost its teeth",
                      reached[i]);
    for (unsigned v = 0; v < 20; v++)
        printf("%u:%lu ", v, (unsigned long)w->stats.exceptions_by_vector[v]);
    printf("\n");
    world_destroy(w);
}

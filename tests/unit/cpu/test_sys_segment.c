/* test_sys_segment.c - segment register loads in every mode, LLDT and LTR, limit checks. */
#include "sys_world.h"

/* The rules once more, from the manual's text rather than from segment.c: which of the 32 types (S:type) may go where.
 */
static const char ss_types[] = "................"
                               "..WW..WW........"; /* writable data */
static const char data_types[] = "................"
                                 "DDDDDDDD..CC..cc"; /* data; readable code, conforming in small */

struct load {
    enum vx_segment which;
    unsigned type, dpl, rpl, cpl;
    bool present;
};

static uint32_t expected(const struct load *load, uint16_t sel)
{
    uint32_t gp = FAULT(VX_GP, sel & 0xFFFC);
    if (load->which == VX_SS) {
        if (ss_types[load->type] == '.' || load->rpl != load->cpl || load->dpl != load->cpl)
            return gp;
        return load->present ? W_OK : FAULT(VX_SEG_SS, sel & 0xFFFC);
    }
    if (data_types[load->type] == '.')
        return gp;
    if (data_types[load->type] != 'c' && (load->dpl < load->cpl || load->dpl < load->rpl))
        return gp;
    return load->present ? W_OK : FAULT(VX_NP, sel & 0xFFFC);
}

static bool load_matches(struct world *w, const struct load *load)
{
    enum vx_segment which = load->which;
    uint16_t sel = SEL(G_TEST, load->rpl);
    unsigned attr = (load->present ? VX_ATTR_P : 0) | DPL(load->dpl) | load->type;
    world_desc(w, G_TEST, 0x12345678, 0xABCDE, attr);
    world_protected(w, load->cpl);
    struct vx_seg before = w->cpu->seg[which];
    uint32_t got = world_outcome(w, vx_cpu_load_seg(w->cpu, which, sel));
    uint32_t want = expected(load, sel);
    unsigned in_memory = world_get(w, W_GDT + G_TEST * 8 + 5, 1);
    const struct vx_seg *seg = &w->cpu->seg[which];
    bool ok = got == want && in_memory == (want == W_OK ? attr | 1u : attr);
    if (want == W_OK)
        ok = ok && seg->sel == sel && seg->base == 0x12345678 && seg->limit == 0xABCDE &&
             (seg->attr & 0xFF) == (attr | 1) && !seg->unusable;
    else
        ok = ok && memcmp(seg, &before, sizeof(before)) == 0;
    if (!ok)
        printf("segment %d type %02x dpl %u rpl %u cpl %u p %d: %x, expected %x, byte %02x\n", which, load->type,
               load->dpl, load->rpl, load->cpl, load->present, got, want, in_memory);
    return ok;
}

Test(segment, load_matrix)
{
    static const enum vx_segment which[] = { VX_ES, VX_SS, VX_DS, VX_FS, VX_GS };
    struct world *w = world_create();
    unsigned bad = 0;
    for (unsigned i = 0; i < VX_ARRAY_LEN(which); i++)
        for (unsigned n = 0; n < 32 * 4 * 4 * 4 * 2; n++)
            bad += !load_matches(w, &(struct load){ which[i], n & 31, n >> 5 & 3, n >> 7 & 3, n >> 9 & 3, n >> 11 });
    cr_assert_eq(bad, 0);
    world_destroy(w);
}

Test(segment, null_and_limits)
{
    static const struct {
        enum vx_segment which;
        uint16_t sel;
        uint16_t ldt_limit;
        uint32_t want;
        bool unusable;
    } rows[] = {
        { VX_DS, 0, 0xFF, W_OK, true },
        { VX_ES, 3, 0xFF, W_OK, true },
        { VX_SS, 0, 0xFF, FAULT(VX_GP, 0), false },
        { VX_SS, 3, 0xFF, FAULT(VX_GP, 0), false },
        { VX_DS, SEL(G_ENTRIES, 0), 0xFF, FAULT(VX_GP, G_ENTRIES * 8), false },
        { VX_DS, 0xFFFF, 0xFF, FAULT(VX_GP, 0xFFFC), false },
        { VX_DS, 0x04 | 8, 0xF, W_OK, false }, /* LDT entry 1, just inside */
        { VX_DS, 0x04 | 8, 0xE, FAULT(VX_GP, 0xC), false },
        { VX_GS, 0x04 | 16, 0xF, FAULT(VX_GP, 0x14), false },
    };
    struct world *w = world_create();
    world_put(w, W_LDT + 8, 8, world_desc_bits(0x5000, 0xFFF, VX_ATTR_P | VX_ATTR_S | 3));
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        world_protected(w, 0);
        w->cpu->ldtr.limit = rows[i].ldt_limit;
        uint32_t got = world_outcome(w, vx_cpu_load_seg(w->cpu, rows[i].which, rows[i].sel));
        cr_assert_eq(got, rows[i].want, "row %zu: %x", i, got);
        cr_assert_eq(w->cpu->seg[rows[i].which].unusable, rows[i].unusable, "row %zu", i);
    }
    world_destroy(w);
}

Test(segment, real_and_vm86)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    cr_assert(vx_cpu_write_cr(cpu, 0, 0));
    cr_assert(vx_cpu_load_seg(cpu, VX_ES, 0xB800));
    cr_assert(cpu->seg[VX_ES].base == 0xB8000 && cpu->seg[VX_ES].limit == UINT32_MAX, "unreal mode keeps the limit");
    seg_set_null(&cpu->seg[VX_FS], 0);
    cr_assert(vx_cpu_load_seg(cpu, VX_FS, 0xFFFF));
    cr_assert(cpu->seg[VX_FS].base == 0xFFFF0 && cpu->seg[VX_FS].limit == 0xFFFF && !cpu->seg[VX_FS].unusable);
    world_vm86(w, 3);
    cr_assert(vx_cpu_load_seg(cpu, VX_DS, 0x1234));
    cr_assert(cpu->seg[VX_DS].base == 0x12340 && cpu->seg[VX_DS].limit == 0xFFFF && cpu->seg[VX_DS].attr == 0xF3);
    world_destroy(w);
}

Test(segment, lldt_ltr)
{
    static const struct {
        bool tr;
        uint16_t sel;
        unsigned attr;
        uint32_t want;
    } rows[] = {
        { false, 0, 0, W_OK },
        { false, SEL(G_TEST, 0), VX_ATTR_P | VX_SYS_LDT, W_OK },
        { false, SEL(G_TEST, 0) | 4, VX_ATTR_P | VX_SYS_LDT, FAULT(VX_GP, G_TEST * 8 | 4) },
        { false, SEL(G_TEST, 2), VX_SYS_LDT, FAULT(VX_NP, G_TEST * 8) },
        { false, SEL(G_TEST, 0), VX_ATTR_P | VX_SYS_TSS32, FAULT(VX_GP, G_TEST * 8) },
        { false, SEL(G_TEST, 0), A_DATA, FAULT(VX_GP, G_TEST * 8) },
        { true, 0, 0, FAULT(VX_GP, 0) },
        { true, 3, 0, FAULT(VX_GP, 0) },
        { true, SEL(G_TEST, 0), VX_ATTR_P | VX_SYS_TSS32, W_OK },
        { true, SEL(G_TEST, 0), VX_ATTR_P | VX_SYS_TSS16, W_OK },
        { true, SEL(G_TEST, 0), VX_ATTR_P | VX_SYS_TSS32_BUSY, FAULT(VX_GP, G_TEST * 8) },
        { true, SEL(G_TEST, 0), VX_SYS_TSS32, FAULT(VX_NP, G_TEST * 8) },
        { true, SEL(G_TEST, 0) | 4, VX_ATTR_P | VX_SYS_TSS32, FAULT(VX_GP, G_TEST * 8 | 4) },
        { true, SEL(G_ENTRIES, 0), 0, FAULT(VX_GP, G_ENTRIES * 8) },
    };
    struct world *w = world_create();
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        world_protected(w, 0);
        world_desc(w, G_TEST, 0x7000, 0x67, rows[i].attr);
        bool ok = rows[i].tr ? seg_load_tr(w->cpu, rows[i].sel) : seg_load_ldtr(w->cpu, rows[i].sel);
        uint32_t got = world_outcome(w, ok);
        cr_assert_eq(got, rows[i].want, "row %zu: %x", i, got);
        unsigned type = world_get(w, W_GDT + G_TEST * 8 + 5, 1) & 15;
        unsigned want_type = rows[i].tr && ok ? (rows[i].attr | VX_TSS_BUSY) & 15 : rows[i].attr & 15;
        cr_assert_eq(type, want_type, "row %zu: busy bit", i);
        if (ok && rows[i].tr)
            cr_assert(w->cpu->tr.base == 0x7000 && (w->cpu->tr.attr & VX_TSS_BUSY), "row %zu", i);
    }
    world_destroy(w);
}

Test(segment, limits)
{
    static const struct {
        uint32_t limit;
        unsigned attr;
        uint32_t off, size;
        bool inside;
    } rows[] = {
        { 0xFFFF, 0x93, 0xFFFF, 1, true },
        { 0xFFFF, 0x93, 0xFFFF, 2, false },
        { 0xFFFF, 0x93, 0xFFFC, 4, true },
        { 0xFFFF, 0x93, 0x10000, 1, false },
        { 0, 0x93, 0, 1, true },
        { 0, 0x93, 0, 2, false },
        { UINT32_MAX, 0x93, UINT32_MAX, 4, true }, /* wraps */
        { 0xFFF, 0x97, 0xFFF, 1, false },
        { 0xFFF, 0x97, 0x1000, 1, true },
        { 0xFFF, 0x97, 0xFFFF, 1, true },
        { 0xFFF, 0x97, 0xFFFF, 2, false },
        { 0xFFF, 0x97, 0x10000, 1, false },
        { 0xFFF, 0x4097, 0x10000, 1, true },
        { 0xFFF, 0x4097, UINT32_MAX, 1, true },
        { 0xFFF, 0x4097, UINT32_MAX, 2, false },
        { UINT32_MAX, 0x4097, UINT32_MAX, 1, false },
        { 0xFFF, 0x9F, 0xFFF, 1, true }, /* conforming code is not expand-down */
        { 0xFFF, 0x82, 0xFFF, 1, true },
        { 0xFFF, 0x8B, 0x1000, 1, false },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct vx_seg seg = { .limit = rows[i].limit, .attr = (uint16_t)rows[i].attr };
        cr_assert_eq(seg_in_limit(&seg, rows[i].off, rows[i].size), rows[i].inside, "row %zu", i);
        seg.unusable = true;
        cr_assert_not(seg_in_limit(&seg, rows[i].off, rows[i].size), "row %zu unusable", i);
    }
}

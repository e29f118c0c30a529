/* test_isa_simd.c - SSE3 to SSE4.2, AES and PCLMULQDQ against the host: every encoding of isa.def that came after SSE2,
 * in register and memory forms, with every immediate that matters, over random and special operands. */
#include "sse_host.h"

#include "cpu_model.h"
#include "isa_form.h"

struct listed {
    uint8_t map, prefix, opcode, feature;
    uint16_t shape;
};

static const struct listed listed[] = {
#define SIMD(code, p, at, name, form, feature, lowering, handler, lane) \
    { ISA_MAP, ISA_##p, code, VX_F_##feature, ISA_SHAPE(form) },
#include "isa.def"
};

static struct encoding encode(const struct listed *row, uint8_t modrm, unsigned immediate)
{
    static const uint8_t prefixes[4] = { 0, 0x66, 0xF3, 0xF2 };
    static const uint8_t escapes[4] = { [2] = 0x38, [3] = 0x3A };
    struct encoding e = { .length = 0 };
    if (row->prefix != ISA_NP)
        e.bytes[e.length++] = prefixes[row->prefix];
    e.bytes[e.length++] = 0x0F;
    if (row->map != 1)
        e.bytes[e.length++] = escapes[row->map];
    e.bytes[e.length++] = row->opcode;
    e.bytes[e.length++] = modrm;
    if (row->map == 3)
        e.bytes[e.length++] = (uint8_t)immediate;
    return e;
}

static bool host_has(enum vx_cpu_feature feature)
{
    struct vx_cpu_model one = { .features = 1ull << feature };
    char dropped[80];
    vx_cpu_model_fit_host(&one, dropped, sizeof dropped);
    return dropped[0] == 0;
}

/* Every immediate of the string instructions; of others, enough. */
static unsigned next_immediate(const struct listed *row, unsigned immediate)
{
    if (row->map != 3)
        return 256;
    return immediate + (row->opcode >= 0x60 && row->opcode <= 0x63 ? 1 : immediate < 32 ? 1 : 13);
}

static void compare_row(struct tally *tally, struct golden *golden, const struct listed *row, unsigned count)
{
    static const uint8_t forms[] = { 0xC0, 0xC1, 0xC8, 0xC9, 0x06, 0x0E };
    unsigned variants = 0;
    for (unsigned imm = 0; imm < 256; imm = next_immediate(row, imm))
        variants++;
    for (unsigned i = 0; i < VX_ARRAY_LEN(forms); i++) {
        bool memory_form = forms[i] < 0xC0;
        if (row->shape & (memory_form ? ISA_REG : ISA_MEM))
            continue;
        for (unsigned imm = 0; imm < 256; imm = next_immediate(row, imm)) {
            struct encoding e = encode(row, forms[i], imm);
            tally_encoding(tally, golden, &e, memory_form, count / variants + 32);
        }
    }
}

/* The old ones are test_fp_sse.c's. */
static bool is_newer(unsigned feature)
{
    return feature != VX_F_MMX && feature != VX_F_SSE && feature != VX_F_SSE2;
}

/* The rows of one feature in a map. Returns how many there are. */
static unsigned compare_feature(struct tally *tally, unsigned map, unsigned feature, unsigned count)
{
    struct golden golden = { 0 };
    unsigned compared = 0;
    char group[40];
    for (size_t i = 0; i < VX_ARRAY_LEN(listed); i++) {
        if (listed[i].map != map || listed[i].feature != feature)
            continue;
        compare_row(tally, &golden, &listed[i], count);
        compared++;
    }
    snprintf(group, sizeof group, "isa_simd map %u feature %.16s", map, cpu_feature_rows[feature].name);
    if (compared != 0)
        golden_check(&golden, group);
    return compared;
}

static void compare_map(unsigned map, unsigned count)
{
    struct tally tally = { 0 };
    unsigned compared = 0;
    catch_signals();
    for (unsigned feature = 0; feature < VX_F_COUNT; feature++)
        if (is_newer(feature) && host_has((enum vx_cpu_feature)feature))
            compared += compare_feature(&tally, map, feature, count);
    cr_assert(tally.bad == 0, "%u differences from the host, the first: %s", tally.bad, tally.first);
    if (host_has(VX_F_SSE4_2))
        cr_assert(compared > 8, "%u", compared);
}

Test(isa_simd, map_0f)
{
    compare_map(1, 4000);
}
Test(isa_simd, map_0f38)
{
    compare_map(2, 600);
}
Test(isa_simd, map_0f3a)
{
    compare_map(3, 1500);
}

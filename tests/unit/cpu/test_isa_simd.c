/* test_isa_simd.c - SSE3 to SSE4.2, AES and PCLMULQDQ against the host: every encoding of interp_sse.def that came after
 * SSE2, in register and memory forms, with every immediate that matters, over random and special operands. */
#if defined(__x86_64__)

#include "sse_host.h"

#include "cpu_model.h"

enum { NP, P66, PF3, PF2 };
enum { X = 0, M = 0, LOW = 0, MEM = 1, REG = 2 };

struct listed {
    uint8_t prefix, opcode, feature, forms;
};

#define SIMD(p, code, feature, attributes, handler, lane) { p, code, VX_F_##feature, attributes },
#define BOTH(code, feature, feature_xmm, handler, lane) \
    { NP, code, VX_F_##feature, 0 }, { P66, code, VX_F_##feature_xmm, 0 },
static const struct listed map_0f[] = {
#define SIMD_0F
#include "interp_sse.def"
#undef SIMD_0F
};
static const struct listed map_0f38[] = {
#define SIMD_0F38
#include "interp_sse.def"
#undef SIMD_0F38
};
static const struct listed map_0f3a[] = {
#define SIMD_0F3A
#include "interp_sse.def"
#undef SIMD_0F3A
};
#undef SIMD
#undef BOTH

static struct encoding encode(const struct listed *row, uint8_t escape, uint8_t modrm, unsigned immediate)
{
    static const uint8_t prefixes[4] = { 0, 0x66, 0xF3, 0xF2 };
    struct encoding e = { .length = 0 };
    if (row->prefix != NP)
        e.bytes[e.length++] = prefixes[row->prefix];
    e.bytes[e.length++] = 0x0F;
    if (escape != 0)
        e.bytes[e.length++] = escape;
    e.bytes[e.length++] = row->opcode;
    e.bytes[e.length++] = modrm;
    if (escape == 0x3A)
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
static unsigned next_immediate(uint8_t escape, uint8_t opcode, unsigned immediate)
{
    if (escape != 0x3A)
        return 256;
    return immediate + (opcode >= 0x60 && opcode <= 0x63 ? 1 : immediate < 32 ? 1 : 13);
}

static void compare_row(struct tally *tally, const struct listed *row, uint8_t escape, unsigned count)
{
    static const uint8_t forms[] = { 0xC0, 0xC1, 0xC8, 0xC9, 0x06, 0x0E };
    unsigned variants = 0;
    for (unsigned imm = 0; imm < 256; imm = next_immediate(escape, row->opcode, imm))
        variants++;
    for (unsigned i = 0; i < VX_ARRAY_LEN(forms); i++) {
        bool memory_form = forms[i] < 0xC0;
        if (row->forms & (memory_form ? REG : MEM))
            continue;
        for (unsigned imm = 0; imm < 256; imm = next_immediate(escape, row->opcode, imm)) {
            struct encoding e = encode(row, escape, forms[i], imm);
            tally_encoding(tally, &e, memory_form, count / variants + 32);
        }
    }
}

static void compare_map(const struct listed *rows, size_t n, uint8_t escape, unsigned count)
{
    struct tally tally = { 0 };
    unsigned compared = 0;
    catch_signals();
    for (size_t i = 0; i < n; i++) {
        enum vx_cpu_feature feature = (enum vx_cpu_feature)rows[i].feature;
        if (feature == VX_F_MMX || feature == VX_F_SSE || feature == VX_F_SSE2 || !host_has(feature))
            continue; /* the old ones are test_fp_sse.c's */
        compare_row(&tally, &rows[i], escape, count);
        compared++;
    }
    cr_assert(tally.bad == 0, "%u differences from the host, the first: %s", tally.bad, tally.first);
    if (host_has(VX_F_SSE4_2))
        cr_assert(compared > 8, "%u", compared);
}

Test(isa_simd, map_0f)
{
    compare_map(map_0f, VX_ARRAY_LEN(map_0f), 0, 4000);
}
Test(isa_simd, map_0f38)
{
    compare_map(map_0f38, VX_ARRAY_LEN(map_0f38), 0x38, 600);
}
Test(isa_simd, map_0f3a)
{
    compare_map(map_0f3a, VX_ARRAY_LEN(map_0f3a), 0x3A, 1500);
}

#endif

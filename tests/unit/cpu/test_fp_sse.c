/* test_fp_sse.c - every MMX, SSE and SSE2 encoding against the host: registers, x87 tags and TOP, MXCSR, EFLAGS,
 * memory, and whether it faults and with what, over random and special operands, roundings, DAZ, FTZ and exception
 * masks. */
#include "sse_host.h"

#include "isa_form.h"

static bool has_immediate(uint8_t opcode)
{
    return (opcode >= 0x70 && opcode <= 0x73) || opcode == 0xC2 || (opcode >= 0xC4 && opcode <= 0xC6);
}

/* Encodings that a newer host has and this CPU has not are left out; that they are #UD here is tested below. */
static bool is_listed(unsigned prefix, uint8_t opcode, bool memory_form)
{
    static const struct {
        uint8_t map, prefix, opcode;
        uint16_t shape;
    } table[] = {
#define SIMD(code, p, at, name, form, feature, lowering, handler, lane) { ISA_MAP, ISA_##p, code, ISA_SHAPE(form) },
#include "isa.def"
    };
    for (unsigned i = 0; i < VX_ARRAY_LEN(table); i++)
        if (table[i].map == 1 && table[i].prefix == prefix && table[i].opcode == opcode)
            return !(table[i].shape & (memory_form ? ISA_REG : ISA_MEM));
    return false;
}

static struct encoding encode(unsigned prefix, uint8_t opcode, uint8_t modrm, uint8_t immediate)
{
    static const uint8_t prefixes[4] = { 0, 0x66, 0xF3, 0xF2 };
    struct encoding e = { .length = 0 };
    if (prefix != 0)
        e.bytes[e.length++] = prefixes[prefix];
    e.bytes[e.length++] = 0x0F;
    e.bytes[e.length++] = opcode;
    if (opcode != 0x77)
        e.bytes[e.length++] = modrm;
    if (has_immediate(opcode))
        e.bytes[e.length++] = immediate;
    return e;
}

static void compare_opcode(struct tally *tally, struct golden *golden, uint8_t opcode, uint8_t modrm, bool memory_form,
                           unsigned count)
{
    static const uint8_t immediates[] = {
        0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 17, 0x1B, 31, 32, 63, 64, 0x93, 0xE4, 0xFF
    };
    unsigned variants = has_immediate(opcode) ? VX_ARRAY_LEN(immediates) : 1;
    for (unsigned prefix = 0; prefix < 4; prefix++) {
        if (!is_listed(prefix, opcode, memory_form))
            continue;
        for (unsigned i = 0; i < variants; i++) {
            struct encoding e = encode(prefix, opcode, modrm, immediates[i]);
            tally_encoding(tally, golden, &e, memory_form, count / variants + 64);
        }
    }
}

static void compare_opcodes(const char *group, unsigned from, unsigned to, unsigned count)
{
    struct tally tally = { 0 };
    struct golden golden = { 0 };
    catch_signals();
    for (unsigned opcode = from; opcode <= to; opcode++) {
        if (opcode >= 0x71 && opcode <= 0x73) { /* ModRM.reg is part of the opcode */
            for (unsigned modrm = 0xC0; modrm < 0x100; modrm++)
                if ((modrm & 7) < 2)
                    compare_opcode(&tally, &golden, (uint8_t)opcode, (uint8_t)modrm, false, count / 4);
            continue;
        }
        static const uint8_t forms[] = { 0xC0, 0xC1, 0xC8, 0xC9, 0x06, 0x0E };
        for (unsigned i = 0; i < VX_ARRAY_LEN(forms); i++)
            compare_opcode(&tally, &golden, (uint8_t)opcode, forms[i], forms[i] < 0xC0, count);
    }
    cr_assert(tally.bad == 0, "%u differences from the host, the first: %s", tally.bad, tally.first);
    golden_check(&golden, group);
}

Test(fp_sse, moves)
{
    compare_opcodes("fp_sse moves", 0x10, 0x17, 500);
}
Test(fp_sse, moves_and_scalar_conversions)
{
    compare_opcodes("fp_sse moves_and_scalar_conversions", 0x28, 0x2F, 2000);
}
Test(fp_sse, arithmetic)
{
    compare_opcodes("fp_sse arithmetic", 0x50, 0x5F, 4000);
}
Test(fp_sse, packed_60)
{
    compare_opcodes("fp_sse packed_60", 0x60, 0x7F, 1000);
}
Test(fp_sse, compare_and_shuffle)
{
    compare_opcodes("fp_sse compare_and_shuffle", 0xC2, 0xC6, 4000);
}
Test(fp_sse, packed_d0)
{
    compare_opcodes("fp_sse packed_d0", 0xD1, 0xE5, 1000);
}
Test(fp_sse, conversions_e6)
{
    compare_opcodes("fp_sse conversions_e6", 0xE6, 0xE6, 10000);
}
Test(fp_sse, packed_e0)
{
    compare_opcodes("fp_sse packed_e0", 0xE7, 0xFE, 1000);
}

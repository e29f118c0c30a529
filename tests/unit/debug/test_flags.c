/* test_flags.c - which flags instructions read and write, and which of those written die: examples checked by hand. */
#include <criterion/criterion.h>
#include <string.h>

#include "flag_letters.h"
#include "vx86/debug.h"

enum { INSNS_MAX = 8 };

enum { ALL = VX_FL_ARITH, NOT_C = ALL & ~C };

struct expected {
    uint32_t read, written, dead, exact;
};

static const struct sequence {
    const char *what;
    bool code16;
    uint8_t bytes[32];
    unsigned length;
    struct expected insn[INSNS_MAX];
    unsigned count;
} sequences[] = {
    { "an addition before an addition is in vain, the last one is not",
      .bytes = { 0x01, 0xC8, 0x01, 0xD8, 0xEB, 0x00 }, /* add eax, ecx; add eax, ebx; jmp */
      .length = 6, .insn = { { 0, ALL, ALL, ALL }, { 0, ALL, 0, 0 }, { 0, 0, 0, 0 } }, .count = 3 },
    { "INC leaves CF alone, so the addition's is needed", .bytes = { 0x01, 0xC8, 0x40 }, /* add eax, ecx; inc eax */
      .length = 3, .insn = { { 0, ALL, NOT_C, NOT_C }, { 0, NOT_C, 0, 0 } }, .count = 2 },
    { "a load between them may fault and show them",
      .bytes = { 0x01, 0xC8, 0x8B, 0x1E, 0x01, 0xD8 }, /* add eax, ecx; mov ebx, [esi]; add eax, ebx */
      .length = 6, .insn = { { 0, ALL, ALL, 0 }, { 0, 0, 0, 0 }, { 0, ALL, 0, 0 } }, .count = 3 },
    { "an addition to memory may itself fault, behind it nothing is seen of what was",
      .bytes = { 0x31, 0xC0, 0x01, 0x06, 0x31, 0xC9 }, /* xor eax, eax; add [esi], eax; xor ecx, ecx */
      .length = 6, .insn = { { 0, ALL, ALL, 0 }, { 0, ALL, ALL, ALL }, { 0, ALL, 0, 0 } }, .count = 3 },
    { "ADC reads CF", .bytes = { 0x01, 0xC8, 0x11, 0xDA }, /* add eax, ecx; adc edx, ebx */
      .length = 4, .insn = { { 0, ALL, NOT_C, NOT_C }, { C, ALL, 0, 0 } }, .count = 2 },
    { "CMP, SETL, TEST: SETL reads SF and OF",
      .bytes = { 0x39, 0xC8, 0x0F, 0x9C, 0xC2, 0x85, 0xDB }, /* cmp eax, ecx; setl dl; test ebx, ebx */
      .length = 7, .insn = { { 0, ALL, ALL & ~(S | O), ALL & ~(S | O) }, { S | O, 0, 0, 0 }, { 0, ALL, 0, 0 } },
      .count = 3 },
    { "a shift by CL perhaps writes nothing",
      .bytes = { 0x01, 0xC8, 0xD3, 0xE0, 0x31, 0xDB }, /* add eax, ecx; shl eax, cl; xor ebx, ebx */
      .length = 6, .insn = { { 0, ALL, ALL, ALL }, { 0, ALL, ALL, ALL }, { 0, ALL, 0, 0 } }, .count = 3 },
    { "... so what was before it is needed where the sequence ends", .bytes = { 0x01, 0xC8, 0xD3, 0xE0 }, .length = 4,
      .insn = { { 0, ALL, 0, 0 }, { 0, ALL, 0, 0 } }, .count = 2 },
    { "a shift by 4 writes", .bytes = { 0x01, 0xC8, 0xC1, 0xE0, 0x04 }, .length = 5,
      .insn = { { 0, ALL, ALL, ALL }, { 0, ALL, 0, 0 } }, .count = 2 },
    { "a rotate writes CF and OF alone", .bytes = { 0x01, 0xC8, 0xD1, 0xC0 }, /* add eax, ecx; rol eax, 1 */
      .length = 4, .insn = { { 0, ALL, C | O, C | O }, { 0, C | O, 0, 0 } }, .count = 2 },
    { "Jcc reads what its condition has; everything is needed behind it",
      .bytes = { 0x39, 0xC8, 0x76, 0x00 }, /* cmp eax, ecx; jbe */
      .length = 4, .insn = { { 0, ALL, 0, 0 }, { C | Z, 0, 0, 0 } }, .count = 2 },
    { "DIV may fault; NOT, MOV and LEA have nothing to do with flags",
      .bytes = { 0x31, 0xD2, 0xF7, 0xD0, 0x89, 0xC3, 0x8D, 0x04, 0x1B, 0xF7, 0xF1 },
      .length = 11, /* xor edx, edx; not eax; mov ebx, eax; lea eax, [ebx+ebx]; div ecx */
      .insn = { { 0, ALL, ALL, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, ALL, 0, 0 } }, .count = 5 },
    { "PUSHF reads all, LAHF all but OF, 16-bit code", .code16 = true,
      .bytes = { 0x01, 0xC8, 0x9F, 0x01, 0xC8, 0x9C }, /* add ax, cx; lahf; add ax, cx; pushf */
      .length = 6, .insn = { { 0, ALL, O, O }, { ALL & ~O, 0, 0, 0 }, { 0, ALL, 0, 0 }, { ALL, 0, 0, 0 } },
      .count = 4 },
    { "REPE CMPSB perhaps writes, and reads ZF of its own making", .bytes = { 0x31, 0xC0, 0xF3, 0xA6 }, .length = 4,
      .insn = { { 0, ALL, 0, 0 }, { 0, ALL, 0, 0 } }, .count = 2 },
};

static void check(const struct sequence *sequence)
{
    struct vx_disassembler how = { .code32 = !sequence->code16 };
    struct vx_flag_use use[INSNS_MAX];
    unsigned at = 0;
    for (unsigned i = 0; i < sequence->count; i++)
        at += vx_flag_use(&how, sequence->bytes + at, sequence->length - at, &use[i]);
    cr_assert_eq(at, sequence->length, "%s: %u bytes", sequence->what, at);
    vx_flag_liveness(use, sequence->count);
    for (unsigned i = 0; i < sequence->count; i++) {
        const struct expected *expected = &sequence->insn[i];
        cr_expect(use[i].read == expected->read && use[i].written == expected->written &&
                      use[i].dead == expected->dead && use[i].dead_exact == expected->exact,
                  "%s: instruction %u reads %x, writes %x, dead %x, for certain %x", sequence->what, i, use[i].read,
                  use[i].written, use[i].dead, use[i].dead_exact);
    }
}

Test(flags, sequences)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(sequences); i++)
        check(&sequences[i]);
}

Test(flags, no_instruction)
{
    static const uint8_t nothing[] = { 0x0F, 0xFF };
    struct vx_disassembler how = { .code32 = true };
    struct vx_flag_use use;
    cr_expect_eq(vx_flag_use(&how, nothing, 0, &use), 0u, "no byte");
    cr_expect_eq(vx_flag_use(&how, nothing, 1, &use), 0u, "half of one");
    cr_expect(use.can_fault && use.read == 0 && use.written == 0);
}

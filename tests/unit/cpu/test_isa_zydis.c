/* test_isa_zydis.c - isa.def against a decoder of somebody else's: the length of every encoding, legal here or not, and
 * of every row its name and its operands, in 16-bit and 32-bit code. */
#include <criterion/criterion.h>

#include "isa.h"

#if __has_include(<Zydis/Zydis.h>)

#include <Zydis/Zydis.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* An encoding as bytes, with what decided about them. */
struct sample {
    struct vx_isa_insn insn;
    bool code32, prefix_67;
    uint8_t bytes[24];
    unsigned prefixes, opcode_at, modrm_at; /* where the first byte of each is */
};

static ZydisDecoder decoders[2];

static void init_decoders(void)
{
    ZydisDecoderInit(&decoders[0], ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
    ZydisDecoderInit(&decoders[1], ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    for (unsigned i = 0; i < 2; i++) { /* what newer CPUs made of 0F 1A, 0F 1B and 0F 1E is a NOP here */
        ZydisDecoderEnableMode(&decoders[i], ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE);
        ZydisDecoderEnableMode(&decoders[i], ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
        ZydisDecoderEnableMode(&decoders[i], ZYDIS_DECODER_MODE_CLDEMOTE, ZYAN_FALSE);
    }
}

/* Writes the bytes; `sib` follows ModRM, and where there is none it is part of what follows. */
static void put_bytes(struct sample *s, uint8_t sib)
{
    unsigned n = 0;
    memset(s->bytes, 0, sizeof s->bytes);
    if (s->insn.prefix_66)
        s->bytes[n++] = 0x66;
    if (s->prefix_67)
        s->bytes[n++] = 0x67;
    if (s->insn.rep != 0)
        s->bytes[n++] = s->insn.rep;
    if (s->insn.map > 0)
        s->bytes[n++] = 0x0F;
    if (s->insn.map > 1)
        s->bytes[n++] = s->insn.map == 2 ? 0x38 : 0x3A;
    s->opcode_at = n;
    s->bytes[n++] = s->insn.opcode;
    s->modrm_at = n;
    s->bytes[n++] = s->insn.modrm;
    s->bytes[n] = sib;
}

/* Bytes of ModRM, SIB and displacement (SDM 2 "Addressing-Mode Encoding of ModR/M and SIB Bytes"). */
static unsigned modrm_bytes(uint8_t modrm, uint8_t sib, bool address32)
{
    unsigned mod = modrm >> 6, rm = modrm & 7;
    if (mod == 3)
        return 1;
    if (!address32)
        return 1 + (mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
    bool has_sib = rm == 4;
    return 1 + has_sib + (mod == 1 ? 1 : mod == 2 || (has_sib ? sib & 7 : rm) == 5 ? 4 : 0);
}

static unsigned length_of(const struct sample *s)
{
    unsigned shape = isa_shape(s->insn.map, s->insn.opcode, s->insn.modrm);
    bool operand32 = s->code32 != s->insn.prefix_66, address32 = s->code32 != s->prefix_67;
    unsigned bytes = s->modrm_at;
    if (shape & ISA_NAMES)
        bytes += 1;
    else if (shape & ISA_MODRM)
        bytes += modrm_bytes(s->insn.modrm, s->bytes[s->modrm_at + 1], address32);
    return bytes + (shape & ISA_IMM1 ? 1 : 0) + (shape & ISA_IMM2 ? 2 : 0) +
           (shape & ISA_IMMZ ? operand32 ? 4 : 2 : 0) + (shape & ISA_OFFSET ? address32 ? 4 : 2 : 0);
}

static void print_sample(const struct sample *s, char *text, size_t room)
{
    unsigned n = (unsigned)snprintf(text, room, "%d-bit:", s->code32 ? 32 : 16);
    for (unsigned i = 0; i < s->modrm_at + 3; i++)
        n += (unsigned)snprintf(text + n, room - n, " %02X", s->bytes[i]);
}

/* ---- lengths ----------------------------------------------------------------------------------------------------- */

/* Instructions that Zydis knows and no model here has, longer than what their opcode is elsewhere. */
static const struct {
    uint8_t map, opcode;
    const char *reason;
} other_lengths[] = {
    { 1, 0x78, "EXTRQ and INSERTQ of SSE4a have two immediate bytes" },
    { 1, 0xA6, "VIA's PadLock has ModRM" },
    { 1, 0xA7, "VIA's PadLock" },
};

static bool has_other_length(const struct vx_isa_insn *insn)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(other_lengths); i++)
        if (other_lengths[i].map == insn->map && other_lengths[i].opcode == insn->opcode)
            return true;
    return false;
}

struct tally {
    unsigned compared, legal, bad;
    char first[160];
};

static void compare_length(struct tally *tally, const struct sample *s)
{
    ZydisDecodedInstruction z;
    bool legal = vx_isa_find(&s->insn) != NULL;
    ZyanStatus status = ZydisDecoderDecodeInstruction(&decoders[s->code32], NULL, s->bytes, sizeof s->bytes, &z);
    tally->legal += legal;
    if (ZYAN_FAILED(status) ? !legal : z.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY)
        return;
    tally->compared++;
    unsigned length = length_of(s);
    if (!ZYAN_FAILED(status) && (z.length == length || (!legal && has_other_length(&s->insn))))
        return;
    char text[80];
    print_sample(s, text, sizeof text);
    if (tally->bad++ == 0)
        snprintf(tally->first, sizeof tally->first, "%s: %u bytes here, %u there", text, length,
                 ZYAN_FAILED(status) ? 0 : z.length);
}

static void compare_opcode(struct tally *tally, uint8_t map, uint8_t opcode)
{
    static const uint8_t reps[] = { 0, 0xF3, 0xF2 };
    static const uint8_t sibs[] = { 0x00, 0x25, 0xE5 };
    for (unsigned set = 0; set < 3 * 8; set++) {
        struct sample s = { .insn = { .map = map, .opcode = opcode, .rep = reps[set / 8], .prefix_66 = set & 1 },
                            .prefix_67 = set & 2,
                            .code32 = set & 4 };
        for (unsigned modrm = 0; modrm < 256; modrm++) {
            s.insn.modrm = (uint8_t)modrm;
            for (unsigned i = 0; i < VX_ARRAY_LEN(sibs); i++) {
                put_bytes(&s, sibs[i]);
                compare_length(tally, &s);
            }
        }
    }
}

Test(isa_zydis, lengths)
{
    struct tally tally = { 0 };
    init_decoders();
    for (unsigned map = 0; map < ISA_MAPS; map++) {
        for (unsigned opcode = 0; opcode < 256; opcode++) {
            bool leads_on = map == 0 ? opcode == 0x0F : map == 1 && (opcode == 0x38 || opcode == 0x3A);
            if (!leads_on && !(map == 0 && isa_is_prefix((uint8_t)opcode)))
                compare_opcode(&tally, (uint8_t)map, (uint8_t)opcode);
        }
    }
    cr_assert_eq(tally.bad, 0, "%u of %u differ, the first: %s", tally.bad, tally.compared, tally.first);
    cr_assert(tally.legal > 1000000 && tally.compared > tally.legal / 2, "%u, %u", tally.legal, tally.compared);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* How a name ends there and here. */
static const char *const endings[][2] = {
    { "NBE", "A" }, { "NB", "AE" }, { "NZ", "NE" }, { "Z", "E" }, { "NLE", "G" }, { "NL", "GE" },
};

/* Where the names differ otherwise. */
static const char *const spellings[][2] = {
    { "CALL", "CALLF" },
    { "JMP", "JMPF" },
    { "RET", "RETF" },
    { "FWAIT", "WAIT" },
    { "CWDE", "CBW" },
    { "CDQ", "CWD" },
    { "JECXZ", "JCXZ" },
    { "FENI8087_NOP", "FNENI" },
    { "FDISI8087_NOP", "FNDISI" },
    { "FSETPM287_NOP", "FNSETPM" },
    { "FSTPNCE", "FSTP1" },
    { "MOVHLPS", "MOVLPS" }, /* one row with its memory form */
    { "MOVLHPS", "MOVHPS" },
    { "PREFETCH", "PREFETCHW" }, /* an AMD's, by reg field; the register form */
    { "NOP", "PREFETCHW" },
    { "TZCNT", "BSF" }, /* older CPUs ignore the prefix */
    { "LZCNT", "BSR" },
};

static bool same_ending(const char *there, const char *here)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(endings); i++) {
        size_t off = strlen(there) - strlen(endings[i][0]);
        if (strlen(there) > strlen(endings[i][0]) && strcmp(there + off, endings[i][0]) == 0 &&
            strncmp(there, here, off) == 0 && strcmp(here + off, endings[i][1]) == 0)
            return true;
    }
    return false;
}

/* The operand's size may stand behind the name there (MOVSB, PUSHFD), its register (MOV-CR) or, where x87 has an
 * opcode several times, a digit (FCOM2) behind the name here. */
static bool same_name(const char *there, const char *here)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(spellings); i++)
        if (strcmp(there, spellings[i][0]) == 0 && strcmp(here, spellings[i][1]) == 0)
            return true;
    size_t length = strcspn(here, "-"), behind = strlen(there);
    if (strncmp(there, here, length) == 0)
        return behind == length || (behind == length + 1 && strchr("BWD", there[length]) != NULL);
    if (behind + 1 == length && isdigit((unsigned char)here[behind]))
        return strncmp(there, here, behind) == 0;
    return same_ending(there, here);
}

/* An encoding that the row is found for: its prefix, its ModRM. False: it has none, being shadowed by later ones. */
static bool sample_of(unsigned row, bool code32, bool memory, struct sample *s)
{
    static const struct {
        uint8_t rep;
        bool p66;
    } prefixes[] = { { 0, false }, { 0, true }, { 0xF3, false }, { 0xF2, false } };
    const struct isa_row *r = &isa_rows[row];
    for (unsigned p = 0; p < VX_ARRAY_LEN(prefixes); p++) {
        for (unsigned modrm = memory ? 0 : 0xC0; modrm < (memory ? 0xC0u : 0x100u); modrm++) {
            *s = (struct sample){ .insn = { .map = r->map,
                                            .opcode = r->opcode,
                                            .modrm = (uint8_t)modrm,
                                            .rep = prefixes[p].rep,
                                            .prefix_66 = prefixes[p].p66 },
                                  .code32 = code32 };
            if (isa_find(&s->insn) != row)
                continue;
            put_bytes(s, 0);
            return true;
        }
    }
    return false;
}

static void compare_name(struct tally *tally, unsigned row, const struct sample *s)
{
    ZydisDecodedInstruction z;
    char name[24];
    if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&decoders[s->code32], NULL, s->bytes, sizeof s->bytes, &z)))
        return;
    tally->compared++;
    snprintf(name, sizeof name, "%s", ZydisMnemonicGetString(z.mnemonic));
    for (char *at = name; *at != 0; at++)
        *at = (char)toupper((unsigned char)*at);
    if (!same_name(name, isa_rows[row].known.name) && tally->bad++ == 0)
        snprintf(tally->first, sizeof tally->first, "map %u opcode %02X ModRM %02X: %s here, %s there", s->insn.map,
                 s->insn.opcode, s->insn.modrm, isa_rows[row].known.name, name);
}

Test(isa_zydis, names)
{
    struct tally tally = { 0 };
    struct sample s;
    init_decoders();
    for (unsigned row = 0; row < isa_row_count; row++)
        for (unsigned form = 0; form < 4; form++)
            if (sample_of(row, form & 1, form & 2, &s))
                compare_name(&tally, row, &s);
    cr_assert_eq(tally.bad, 0, "%u of %u differ, the first: %s", tally.bad, tally.compared, tally.first);
    cr_assert(tally.compared > 2 * isa_row_count, "%u", tally.compared);
}

#endif

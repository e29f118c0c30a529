/* interp_length.c - how long an instruction is, for faults that come after the fetch of its last byte.
 *
 * What finds length knows nothing of legality: an instruction that no CPU model has, or has not in this form, is
 * fetched to its last byte before it is refused, and a fault of that fetch comes first (SDM 3A "Priority Among
 * Concurrent Events"). The handlers refuse as early as they can; here the instruction is measured again from its first
 * byte. */
#include "interp_operand.h"

static bool fetch_byte(struct insn *in, uint8_t *value)
{
    return insn_fetch_slow(in, value, 1);
}

static bool skip_bytes(struct insn *in, unsigned count)
{
    uint8_t byte;
    while (count-- != 0) {
        if (!fetch_byte(in, &byte))
            return false;
    }
    return true;
}

static bool has_modrm(unsigned map, uint8_t opcode)
{
    if (map >= 2)
        return true;
    if (map == 1) {
        switch (opcode) {
        case 0x04 ... 0x0C:
        case 0x0E:
        case 0x24 ... 0x27:
        case 0x30 ... 0x3F:
        case 0x77:
        case 0x7A:
        case 0x7B:
        case 0x80 ... 0x8F:
        case 0xA0 ... 0xA2:
        case 0xA6 ... 0xAA:
        case 0xC8 ... 0xCF: return false;
        default: return true;
        }
    }
    switch (opcode) {
    case 0x00 ... 0x3F: return !(opcode & 4);
    case 0x62:
    case 0x63:
    case 0x69:
    case 0x6B:
    case 0x80 ... 0x8F:
    case 0xC0:
    case 0xC1:
    case 0xC4 ... 0xC7:
    case 0xD0 ... 0xD3:
    case 0xD8 ... 0xDF:
    case 0xF6:
    case 0xF7:
    case 0xFE:
    case 0xFF: return true;
    default: return false;
    }
}

/* Bytes behind opcode, ModRM and displacement. */
static unsigned immediate_bytes(unsigned map, uint8_t opcode, uint8_t modrm, const struct insn *in)
{
    unsigned z = in->op_size;
    if (map == 1) {
        if ((opcode & 0xF0) == 0x80)
            return z;
        return (opcode & 0xFC) == 0x70 || opcode == 0xA4 || opcode == 0xAC || opcode == 0xBA || opcode == 0xC2 ||
               (opcode >= 0xC4 && opcode <= 0xC6);
    }
    if (map != 0)
        return map == 3;
    switch (opcode) {
    case 0x00 ... 0x3F: return (opcode & 7) == 4 ? 1 : (opcode & 7) == 5 ? z : 0;
    case 0x68:
    case 0x69:
    case 0x81:
    case 0xA9:
    case 0xB8 ... 0xBF:
    case 0xC7:
    case 0xE8:
    case 0xE9: return z;
    case 0x6A:
    case 0x6B:
    case 0x70 ... 0x7F:
    case 0x80:
    case 0x82:
    case 0x83:
    case 0xA8:
    case 0xB0 ... 0xB7:
    case 0xC0:
    case 0xC1:
    case 0xC6:
    case 0xCD:
    case 0xD4:
    case 0xD5:
    case 0xE0 ... 0xE7:
    case 0xEB: return 1;
    case 0xF6: return (modrm & 0x30) == 0;
    case 0xF7: return (modrm & 0x30) == 0 ? z : 0;
    case 0xA0 ... 0xA3: return in->addr_size;
    case 0x9A:
    case 0xEA: return z + 2;
    case 0xC2:
    case 0xCA: return 2;
    case 0xC8: return 3;
    default: return 0;
    }
}

/* names_registers: MOV CR and DR, whose ModRM has no memory form. */
static bool skip_modrm(struct insn *in, bool names_registers, uint8_t *modrm)
{
    uint8_t sib = 0;
    if (!fetch_byte(in, modrm))
        return false;
    unsigned mod = *modrm >> 6, rm = *modrm & 7;
    if (mod == 3 || names_registers)
        return true;
    if (in->addr_size == 2)
        return skip_bytes(in, mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
    if (rm == 4 && !fetch_byte(in, &sib))
        return false;
    bool absolute = mod == 0 && (rm == 4 ? sib & 7 : rm) == 5;
    return skip_bytes(in, mod == 1 ? 1 : mod == 2 || absolute ? 4 : 0);
}

static bool is_prefix(uint8_t byte)
{
    return byte == 0x26 || byte == 0x2E || byte == 0x36 || byte == 0x3E || (byte >= 0x64 && byte <= 0x67) ||
           byte == 0xF0 || (byte & 0xFE) == 0xF2;
}

static bool fetch_whole(struct insn *in)
{
    uint8_t byte, modrm = 0;
    unsigned map = 0;
    do {
        if (!fetch_byte(in, &byte))
            return false;
    } while (is_prefix(byte));
    if (byte == 0x0F) {
        map = 1;
        if (!fetch_byte(in, &byte))
            return false;
        if (byte == 0x38 || byte == 0x3A) {
            map = byte == 0x38 ? 2 : 3;
            if (!fetch_byte(in, &byte))
                return false;
        }
    }
    if (has_modrm(map, byte) && !skip_modrm(in, map == 1 && (byte & 0xFC) == 0x20, &modrm))
        return false;
    return skip_bytes(in, immediate_bytes(map, byte, modrm, in));
}

bool insn_fetch_whole(struct insn *in)
{
    struct insn before = *in;
    in->next_eip = in->start_eip;
    in->fetch = in->fetch_end;
    if (!fetch_whole(in))
        return false;
    in->next_eip = before.next_eip;
    in->fetch = before.fetch;
    return true;
}

/* lower.c - what the mode, REP and the operands make of the lowering that isa.def gives an instruction.
 *
 * To make an instruction run as itself, give its row MODRM, PLAIN or OPREG there; with INTERP it goes to the
 * interpreter, and the statistics count it by opcode. */
#include "lower.h"

bool bt_ends_unit(uint8_t lower)
{
    switch (lower) {
    case L_INTERP_END:
    case L_JMP:
    case L_JCC:
    case L_LOOP:
    case L_CALL:
    case L_RET:
    case L_JMP_RM:
    case L_CALL_RM:
    case L_INT:
    case L_IRET:
    case L_SYSENTER:
    case L_SYSEXIT: return true;
    default: return false;
    }
}

uint8_t bt_lower_of(const struct vx_isa_row *row, const struct bt_insn *in, uint32_t mode)
{
    bool x87 = in->map == 0 && (in->opcode == 0x9B || (in->opcode & 0xF8) == 0xD8);
    if (x87 && !(mode & MODE_X87_OK))
        return L_INTERP_END;
    switch (row->lowering) {
    case L_MMX: return mode & MODE_X87_OK ? L_SSE : L_INTERP_END;
    case L_SSE: return mode & MODE_SSE_OK ? L_SSE : L_INTERP_END;
    case L_STRING: return in->rep != 0 ? L_REP : L_STRING;
    case L_BT_RM: return in->mod == 3 ? L_MODRM : L_BT_RM;
    case L_OPREG: return in->map == 1 && in->op_bytes == 2 ? L_INTERP : L_OPREG; /* BSWAP r16: undefined */
    case L_CLI:
    case L_STI: return mode & MODE_IOPL_OK ? row->lowering : L_INTERP_END;
    default: return row->lowering;
    }
}

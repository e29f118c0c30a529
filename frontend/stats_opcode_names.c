/* stats_opcode_names.c - what an opcode is called, as in SDM 2 "Opcode Map": one line a row of the map, one word an
 * opcode. Groups that a ModRM byte divides keep the map's name; SSE opcodes have the name without a prefix; - is
 * undefined. */
#include <string.h>

#include "stats_report.h"

#define JCC(p)                                                                                                         \
    p "O " p "NO " p "B " p "AE " p "E " p "NE " p "BE " p "A " p "S " p "NS " p "P " p "NP " p "L " p "GE " p "LE " p \
      "G"
#define X3(w) w " " w " " w
#define X4(w) X3(w) " " w
#define X6(w) X3(w) " " X3(w)
#define X8(w) X4(w) " " X4(w)

static const char *const rows[2][16] = {
    {
        X6("ADD") " PUSH POP " X6("OR") " PUSH 0F",
        X6("ADC") " PUSH POP " X6("SBB") " PUSH POP",
        X6("AND") " ES: DAA " X6("SUB") " CS: DAS",
        X6("XOR") " SS: AAA " X6("CMP") " DS: AAS",
        X8("INC") " " X8("DEC"),
        X8("PUSH") " " X8("POP"),
        "PUSHA POPA BOUND ARPL FS: GS: 66 67 PUSH IMUL PUSH IMUL INS INS OUTS OUTS",
        JCC("J"),
        X4("GRP1") " TEST TEST XCHG XCHG " X4("MOV") " MOV LEA MOV-Sw GRP1A",
        "NOP " X6("XCHG") " XCHG CBW CWD CALLF WAIT PUSHF POPF SAHF LAHF",
        X4("MOV") " MOVS MOVS CMPS CMPS TEST TEST STOS STOS LODS LODS SCAS SCAS",
        X8("MOV") " " X8("MOV"),
        "GRP2 GRP2 RET RET LES LDS GRP11 GRP11 ENTER LEAVE RETF RETF INT3 INT INTO IRET",
        X4("GRP2") " AAM AAD SALC XLAT " X8("x87"),
        "LOOPNE LOOPE LOOP JCXZ IN IN OUT OUT CALL JMP JMPF JMP IN IN OUT OUT",
        "LOCK INT1 REPNE REP HLT CMC GRP3 GRP3 CLC STC CLI STI CLD STD GRP4 GRP5",
    },
    {
        "GRP6 GRP7 LAR LSL - - CLTS - INVD WBINVD - UD2 - PREFETCHW - -",
        "MOVUPS MOVUPS MOVLPS MOVLPS UNPCKLPS UNPCKHPS MOVHPS MOVHPS GRP16 " X6("NOP") " NOP",
        "MOV-CR MOV-DR MOV-CR MOV-DR - - - - MOVAPS MOVAPS CVTPI2PS MOVNTPS CVTTPS2PI CVTPS2PI UCOMISS COMISS",
        "WRMSR RDTSC RDMSR RDPMC SYSENTER SYSEXIT - GETSEC 38 - 3A - - - - -",
        JCC("CMOV"),
        "MOVMSKPS SQRTPS RSQRTPS RCPPS ANDPS ANDNPS ORPS XORPS ADDPS MULPS CVTPS2PD CVTDQ2PS SUBPS MINPS DIVPS MAXPS",
        "PUNPCKLBW PUNPCKLWD PUNPCKLDQ PACKSSWB PCMPGTB PCMPGTW PCMPGTD PACKUSWB PUNPCKHBW PUNPCKHWD PUNPCKHDQ "
        "PACKSSDW "
        "PUNPCKLQDQ PUNPCKHQDQ MOVD MOVQ",
        "PSHUFW GRP12 GRP13 GRP14 PCMPEQB PCMPEQW PCMPEQD EMMS - - - - HADDPD HSUBPD MOVD MOVQ",
        JCC("J"),
        JCC("SET"),
        "PUSH-FS POP-FS CPUID BT SHLD SHLD - - PUSH-GS POP-GS RSM BTS SHRD SHRD GRP15 IMUL",
        "CMPXCHG CMPXCHG LSS BTR LFS LGS MOVZX MOVZX POPCNT UD1 GRP8 BTC BSF BSR MOVSX MOVSX",
        "XADD XADD CMPPS MOVNTI PINSRW PEXTRW SHUFPS GRP9 " X8("BSWAP"),
        "ADDSUBPD PSRLW PSRLD PSRLQ PADDQ PMULLW MOVQ PMOVMSKB PSUBUSB PSUBUSW PMINUB PAND PADDUSB PADDUSW PMAXUB "
        "PANDN",
        "PAVGB PSRAW PSRAD PAVGW PMULHUW PMULHW CVTPD2DQ MOVNTQ PSUBSB PSUBSW PMINSW POR PADDSB PADDSW PMAXSW PXOR",
        "LDDQU PSLLW PSLLD PSLLQ PMULUDQ PMADDWD PSADBW MASKMOVQ PSUBB PSUBW PSUBD PSUBQ PADDB PADDW PADDD UD0",
    },
};

void stats_opcode_name(const struct vx_stats_opcode *opcode, char *text, size_t room)
{
    text[0] = '\0';
    if (opcode->map >= VX_ARRAY_LEN(rows))
        return;
    const char *word = rows[opcode->map][opcode->opcode >> 4];
    for (unsigned skip = opcode->opcode & 15; skip > 0; skip--)
        word += strcspn(word, " ") + 1;
    snprintf(text, room, "%.*s", (int)strcspn(word, " "), word);
}

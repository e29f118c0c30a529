/* isa.h - what cpu/ knows of legality besides the public "vx86/isa.h". */
#ifndef VX86_CPU_ISA_H
#define VX86_CPU_ISA_H

#include "cpu_model.h"

/* Opcodes of the 0F map outside interp_sse.def whose feature does not hang on prefix or ModRM. */
struct isa_two_byte_row {
    uint8_t feature; /* enum vx_cpu_feature */
    bool listed;     /* else: a group, MMX or SSE, or #UD; ask vx_isa_feature() */
};
extern const struct isa_two_byte_row isa_two_byte[256];

/* LOCK is for read-modify-writes of memory only (SDM 2 "LOCK"). An opcode without ModRM has modrm 0 and none of it. */
bool isa_lock_legal(const struct vx_isa_insn *insn);

#endif

/* isa.h - which instructions a CPU model has: its features, and the table of the instruction set, cpu/isa.def.
 *
 * Both engines ask here before they believe their own decoder: the translator because Zydis knows more instructions
 * than the guest's CPU, the interpreter for what depends on the model.
 *
 *     prefixes, map, opcode, ModRM --vx_isa_find()--> row: feature --vx_cpu_has()--> legal, or #UD
 *
 * Not here: what depends on the CPU's state and not on its model (ARPL in real mode, RSM outside SMM, SSE while
 * CR4.OSFXSR is clear, privilege).
 * Sources: SDM 2 "Instruction Set Reference", "Opcode Map", "LOCK"; where silicon departs from it, tests/unit/cpu/
 * test_isa_legal.c has the evidence. Thread rule: any thread; models do not change. */
#ifndef VX86_ISA_H
#define VX86_ISA_H

#include "vx86/compiler.h"

struct vx_cpu_model;

enum vx_cpu_feature {
#define VX_CPU_FEATURE(id, name, word, bit, needs, runs, ours) VX_F_##id,
#include "vx86/cpu_features.def"
#undef VX_CPU_FEATURE
    VX_F_COUNT,
    VX_F_NEVER = VX_F_COUNT, /* of encodings that no model here has */
};

bool vx_cpu_has(const struct vx_cpu_model *model, enum vx_cpu_feature feature);

/* One encoding: what decides about its legality. Segment and address size prefixes never do. */
struct vx_isa_insn {
    uint8_t map; /* 0 one-byte, 1: 0F, 2: 0F 38, 3: 0F 3A */
    uint8_t opcode;
    uint8_t modrm; /* 0 for an opcode without */
    uint8_t rep;   /* the last of F2h and F3h among the prefixes, or 0 */
    bool prefix_66;
    bool lock;
};

/* What a row of isa.def tells others about an instruction. */
struct vx_isa_row {
    const char *name;
    uint8_t feature;  /* enum vx_cpu_feature: VX_F_I386 for what every model has */
    uint8_t lowering; /* what the translator does with it: number of its line in lowerings.def */
};

/* The row that the encoding belongs to; NULL: it raises #UD on all models, a LOCK where none may stand among them. F2h
 * and F3h go before 66h, as in silicon; where an opcode does not use them they are ignored. */
const struct vx_isa_row *vx_isa_find(const struct vx_isa_insn *insn);

/* False: #UD on this model. */
bool vx_isa_legal(const struct vx_cpu_model *model, const struct vx_isa_insn *insn);

/* What an opcode is called: a group has a name of its own, MMX and SSE that of the first prefix, "-" is undefined. ""
 * where isa.def has nothing. */
const char *vx_isa_name(unsigned map, uint8_t opcode);

/* What the statistics count an opcode as when it is interpreted: counters callout_* of stats.def. */
enum vx_isa_callout {
    VX_CALLOUT_OTHER,
    VX_CALLOUT_IO,
    VX_CALLOUT_SEGMENT,
    VX_CALLOUT_TRANSFER,
    VX_CALLOUT_CONTROL,
    VX_CALLOUT_STRING,
};
enum vx_isa_callout vx_isa_callout(unsigned map, uint8_t opcode);

#endif

/* interpret.c - one instruction by the interpreter, and under which kind of call-out it counts. */
#include "interpret.h"

#include "vx86/isa.h"

enum { COLD_INSNS_MAX = 64 };

/* The call-out counter that an interpreted opcode belongs to. */
static uint64_t *callout_counter(struct vx_stats *stats, unsigned opcode)
{
    switch (vx_isa_callout(opcode >> 8, (uint8_t)opcode)) {
    case VX_CALLOUT_IO: return &stats->callout_io;
    case VX_CALLOUT_SEGMENT: return &stats->callout_segment;
    case VX_CALLOUT_TRANSFER: return &stats->callout_transfer;
    case VX_CALLOUT_CONTROL: return &stats->callout_control;
    case VX_CALLOUT_STRING: return &stats->callout_string;
    default: return &stats->callout_other;
    }
}

void bt_interpret(struct vx_bt_cpu *cpu)
{
    struct vx_vcpu *vcpu = cpu->vcpu;
    struct vx_stats *stats = cpu->stats;
    uint64_t lin = vx_cs_lin(vcpu);
    enum vx_part was = vx_split_to(&stats->split, VX_PART_INTERPRETER);
    vx_interp_step(vcpu);
    vx_split_to(&stats->split, was);
    unsigned opcode = vx_interp_last_opcode(vcpu) & 0x3FF;
    vx_trace(cpu->bt->log, bt_interp, lin, opcode);
    stats->interp_steps++;
    stats->interp_by_opcode[opcode >> 8][opcode & 0xFF]++;
    ++*callout_counter(stats, opcode);
}

void bt_interpret_cold(struct vx_bt_cpu *cpu)
{
    uint64_t before = cpu->vcpu->retired;
    enum vx_part was = vx_split_to(&cpu->stats->split, VX_PART_INTERPRETER);
    vx_interp_block(cpu->vcpu, COLD_INSNS_MAX);
    vx_split_to(&cpu->stats->split, was);
    cpu->stats->cold_insns += cpu->vcpu->retired - before;
}

/* interpret.c - one instruction by the interpreter, and under which kind of call-out it counts. */
#include "interpret.h"

/* The call-out counter that an interpreted opcode belongs to. */
static uint64_t *callout_kind(struct vx_stats *stats, unsigned opcode)
{
    switch (opcode) {
    case 0x6C ... 0x6F:
    case 0xE4 ... 0xE7:
    case 0xEC ... 0xEF: return &stats->callout_io;
    case 0x17:
    case 0x8E:
    case 0xC4:
    case 0xC5:
    case 0x1B2:
    case 0x1B4:
    case 0x1B5: return &stats->callout_segment;
    case 0x9A:
    case 0xCA ... 0xCF:
    case 0xEA:
    case 0x134:
    case 0x135: return &stats->callout_transfer;
    case 0x100:
    case 0x101:
    case 0x106:
    case 0x120 ... 0x123:
    case 0x130:
    case 0x132: return &stats->callout_control;
    case 0xA4 ... 0xA7:
    case 0xAA ... 0xAF: return &stats->callout_string;
    default: return &stats->callout_other;
    }
}

void bt_interpret(struct vx_bt_cpu *cpu)
{
    struct vx_vcpu *vcpu = cpu->vcpu;
    struct vx_stats *stats = cpu->stats;
    uint64_t lin = vx_cs_lin(vcpu);
    vx_interp_step(vcpu);
    unsigned opcode = vx_interp_last_opcode(vcpu) & 0x3FF;
    vx_trace(cpu->bt->log, bt_interp, lin, opcode);
    stats->interp_steps++;
    stats->interp_by_opcode[opcode >> 8][opcode & 0xFF]++;
    ++*callout_kind(stats, opcode);
}

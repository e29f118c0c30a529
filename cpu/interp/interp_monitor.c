/* interp_monitor.c - MONITOR and MWAIT (SDM 2 "MONITOR", "MWAIT").
 *
 * MONITOR remembers a line of memory and what is in it. MWAIT waits like HLT while that stands and interrupts are
 * enabled; else it is over at once, which software must expect at any time. A store that leaves the line's bytes as
 * they were goes unnoticed until the next interrupt. */
#include "cpu_private.h"
#include "interp_operand.h"
#include "interp_table.h"

enum { MWAIT_BREAK_ON_MASKED = 1 }; /* ECX bit 0: masked interrupts wake too */

/* At CPL 0, and while IA32_MISC_ENABLE has not switched both off. */
static bool allowed(const struct vx_vcpu *cpu)
{
    uint64_t off = cpu_model_misc_enable_writable(cpu->model) & ~cpu->msr.misc_enable;
    return cpu->cpl == 0 && !(off & MISC_ENABLE_MONITOR);
}

bool interp_monitor(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    struct vx_monitor *m = &cpu->monitor;
    uint64_t off = get_reg(cpu, VX_RAX, in->addr_size), lin, phys;
    if (!allowed(cpu))
        return insn_ud(in);
    if (get_reg(cpu, VX_RCX, 4) != 0)
        return insn_gp0(in);
    if (!insn_seg_check(in, in->seg, off, 1, VX_ACCESS_READ, &lin) ||
        !vx_mmu_translate(cpu->mmu, lin, VX_ACCESS_READ, in->view, &phys))
        return false;
    m->phys = phys & ~(uint64_t)(sizeof m->line - 1);
    const uint8_t *line = vx_pmap_read_ptr(cpu->mmu->pmap, m->phys);
    m->armed = line != NULL;
    if (m->armed)
        memcpy(m->line, line, sizeof m->line);
    return true;
}

bool interp_mwait(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    struct vx_monitor *m = &cpu->monitor;
    if (!allowed(cpu))
        return insn_ud(in);
    if (get_reg(cpu, VX_RCX, 4) & ~(uint32_t)MWAIT_BREAK_ON_MASKED)
        return insn_gp0(in);
    const uint8_t *line = m->armed ? vx_pmap_read_ptr(cpu->mmu->pmap, m->phys) : NULL;
    m->armed = false;
    if (line == NULL || !cpu->iflag || memcmp(line, m->line, sizeof m->line) != 0)
        return true;
    cpu->halted = true;
    insn_mode_changed(in);
    return true;
}

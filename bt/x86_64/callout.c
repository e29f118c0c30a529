/* callout.c - the C side of call-outs from translated code.
 *
 * Compiled for general registers only: until bt_fp_home() has run, the host's FPU and SSE registers hold the guest's
 * state (fp_away in area.h), so nothing here may use them, and nothing of another folder is called before. */
#include "callout.h"

#include "callout_string.h"
#include "fp_state.h"
#include "interpret.h"
#include "state.h"

/* Is CS what the running unit was made for? A handler may be at the very offset where the unit would go on. */
static bool same_code(const struct vx_bt_cpu *cpu)
{
    const struct vx_seg *cs = &cpu->vcpu->seg[VX_CS];
    return cs->base == cpu->jc.current->view.cs_base && cs->limit == cpu->jc.current->view.cs_limit;
}

/* Must the boundary behind the instruction be looked at by C: is there an event, a shadow, another state? */
static bool wants_out(const struct vx_bt_cpu *cpu)
{
    const struct vx_vcpu *vcpu = cpu->vcpu;
    if (cpu->bt->config.exact_count && vcpu->retired + BT_TU_MAX > vcpu->retire_limit) /* it may have been moved */
        return true;
    return vcpu->inhibit != VX_INHIBIT_NONE || cpu->must_exit || vcpu->halted || vcpu->shutdown ||
           (vcpu->intr_line && vcpu->iflag) || atomic_load_explicit(&vcpu->attention, memory_order_relaxed) != 0;
}

static uint64_t leave(struct vx_bt_cpu *cpu, uint64_t eip, enum bt_exit_kind why)
{
    cpu->area->exit_kind = why;
    cpu->departures.callout_eip = eip;
    return CALLOUT_EXIT;
}

/* After C has executed the instruction between eip and next_eip on the vCPU: may the unit go on? next_eip UINT64_MAX:
 * never. A handler may stand at next_eip, but what the unit knows of the state there holds behind a completed
 * instruction only. */
static uint64_t after_insn(struct vx_bt_cpu *cpu, uint64_t eip, uint64_t next_eip, uint64_t info)
{
    struct vx_vcpu *vcpu = cpu->vcpu;
    const uint32_t mine = cpu->mode & ~(uint32_t)MODE_UNSHARED;
    enum bt_exit_kind why;
    if (vcpu->rip != next_eip || vx_interp_last_raised(vcpu)) {
        why = EXIT_ELSEWHERE;
    } else if (wants_out(cpu)) {
        why = EXIT_WANTED;
    } else if (!same_code(cpu) || bt_mode_of(vcpu) != mine) {
        why = EXIT_STATE;
    } else {
        bt_sync(cpu, mine);
        if (info & MEM_FP_LIVE)
            bt_fp_load(vcpu);
        return CALLOUT_NEXT;
    }
    bt_host_flags_from_vcpu(vcpu); /* bt_execute() takes them from there */
    return leave(cpu, eip, why);
}

uint64_t bt_callout_insn(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t info, uint64_t eip, uint64_t unused)
{
    (void)unused;
    bt_fp_home(vcpu);
    bt_host_flags_to_vcpu(vcpu);
    vcpu->rip = eip;
    bt_interpret(bt_cpu_of(vcpu));
    return after_insn(bt_cpu_of(vcpu), eip, next_eip, info);
}

uint64_t bt_callout_rep(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t info, uint64_t eip, uint64_t unused)
{
    (void)unused;
    struct vx_bt_cpu *cpu = bt_cpu_of(vcpu);
    if ((info & REP_SIZE) != 0 && bt_rep_fast(vcpu, info, eip, (uint32_t)(next_eip - eip))) {
        cpu->stats->callout_string++;
        vcpu->retired++;
        return CALLOUT_NEXT;
    }
    bt_fp_home(vcpu);
    bt_host_flags_to_vcpu(vcpu);
    vcpu->rip = eip;
    uint64_t retired = vcpu->retired; /* passed: what stands here by then is another instruction */
    do
        bt_interpret(cpu);
    while (vcpu->rip == eip && vcpu->retired == retired &&
           atomic_load_explicit(&vcpu->attention, memory_order_relaxed) == 0 && !vcpu->shutdown && !cpu->must_exit);
    return after_insn(cpu, eip, next_eip, info);
}

static uint64_t fault(struct vx_vcpu *vcpu, uint64_t eip)
{
    bt_host_flags_to_vcpu(vcpu);
    vcpu->rip = eip;
    vx_cpu_deliver_fault(vcpu);
    vcpu->retired++;
    return after_insn(bt_cpu_of(vcpu), eip, UINT64_MAX, 0);
}

static void release_stack(struct vx_vcpu *vcpu, uint32_t bytes, uint32_t mode)
{
    uint32_t esp = (uint32_t)vcpu->gpr[VX_RSP], mask = (mode & MODE_SS32) ? UINT32_MAX : 0xFFFF;
    vcpu->gpr[VX_RSP] = (esp & ~mask) | ((esp + bytes) & mask);
}

uint64_t bt_callout_seg(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t info, uint64_t eip, uint64_t sel)
{
    struct vx_bt_cpu *cpu = bt_cpu_of(vcpu);
    bt_fp_home(vcpu);
    cpu->stats->callout_segment++;
    vcpu->inhibit = VX_INHIBIT_NONE; /* an STI before this one held events back until here, whichever way it goes on */
    if (!vx_cpu_load_seg(vcpu, info & SEG_REG, (uint16_t)sel))
        return fault(vcpu, eip);
    release_stack(vcpu, (uint32_t)info >> SEG_POP_SHIFT & 7, cpu->mode);
    vcpu->retired++;
    bool attention = atomic_load_explicit(&vcpu->attention, memory_order_relaxed) != 0;
    if (attention || cpu->must_exit || bt_mode_of(vcpu) != (cpu->mode & ~(uint32_t)MODE_UNSHARED)) {
        vcpu->rip = next_eip;
        return leave(cpu, eip, attention || cpu->must_exit ? EXIT_WANTED : EXIT_STATE);
    }
    bt_sync_segments(cpu);
    if (info & MEM_FP_LIVE)
        bt_fp_load(vcpu);
    return CALLOUT_NEXT;
}

/* RDTSC; RDTSCP where `tscp`. False: it is the interpreter's (#GP). */
static bool read_tsc(struct vx_vcpu *vcpu, uint64_t info, bool tscp)
{
    if ((vcpu->cr4 & VX_CR4_TSD) && vcpu->cpl != 0)
        return false;
    bt_fp_home(vcpu);
    bt_cpu_of(vcpu)->stats->callout_other++;
    uint64_t tsc = vx_cpu_rdtsc(vcpu);
    vcpu->retired++;
    vcpu->gpr[VX_RAX] = (uint32_t)tsc;
    vcpu->gpr[VX_RDX] = tsc >> 32;
    if (tscp)
        vcpu->gpr[VX_RCX] = (uint32_t)vcpu->msr.tsc_aux;
    if (info & MEM_FP_LIVE)
        bt_fp_load(vcpu);
    return true;
}

uint64_t bt_callout_rdtsc(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t info, uint64_t eip, uint64_t unused)
{
    (void)unused;
    return read_tsc(vcpu, info, false) ? CALLOUT_NEXT : bt_callout_insn(vcpu, next_eip, info, eip, 0);
}

uint64_t bt_callout_rdtscp(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t info, uint64_t eip, uint64_t unused)
{
    (void)unused;
    return read_tsc(vcpu, info, true) ? CALLOUT_NEXT : bt_callout_insn(vcpu, next_eip, info, eip, 0);
}

static void access_port(struct vx_vcpu *vcpu, uint16_t port, unsigned size, bool out)
{
    uint64_t *rax = &vcpu->gpr[VX_RAX];
    const uint32_t mask = UINT32_MAX >> (32 - 8 * size);
    if (out) {
        vcpu->ops->port_write(vcpu->ops_opaque, port, size, (uint32_t)*rax & mask);
        return;
    }
    uint32_t value = vcpu->ops->port_read(vcpu->ops_opaque, port, size);
    *rax = ((uint32_t)*rax & ~mask) | (value & mask);
}

/* What is at a port may ask for the next boundary or take the code away, but changes nothing of the vCPU that the unit
 * relies on. */
uint64_t bt_callout_port(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t info, uint64_t eip, uint64_t port)
{
    struct vx_bt_cpu *cpu = bt_cpu_of(vcpu);
    unsigned size = info & PORT_SIZE;
    bt_fp_home(vcpu);
    bt_host_flags_to_vcpu(vcpu);
    cpu->stats->callout_io++;
    vcpu->rip = eip;
    vcpu->inhibit = VX_INHIBIT_NONE;
    if (!(cpu->mode & MODE_IOPL_OK) && !vx_cpu_io_allowed(vcpu, (uint16_t)port, size))
        return fault(vcpu, eip);
    access_port(vcpu, (uint16_t)port, size, (info & PORT_OUT) != 0);
    vcpu->retired++;
    if (wants_out(cpu)) {
        vcpu->rip = next_eip;
        return leave(cpu, eip, EXIT_WANTED);
    }
    bt_sync_intr(cpu);
    if (info & MEM_FP_LIVE)
        bt_fp_load(vcpu);
    return CALLOUT_NEXT;
}

uint64_t bt_callout_int(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t vector, uint64_t eip, uint64_t unused)
{
    (void)unused;
    bt_fp_home(vcpu);
    bt_host_flags_to_vcpu(vcpu);
    bt_cpu_of(vcpu)->stats->callout_transfer++;
    vcpu->rip = eip;
    if (!vx_cpu_software_int(vcpu, (uint8_t)vector, VX_INT_N, (uint32_t)next_eip))
        vx_cpu_deliver_fault(vcpu);
    vcpu->retired++;
    return after_insn(bt_cpu_of(vcpu), eip, UINT64_MAX, 0);
}

uint64_t bt_callout_iret(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t op_bytes, uint64_t eip, uint64_t unused)
{
    (void)unused;
    bt_fp_home(vcpu);
    bt_host_flags_to_vcpu(vcpu);
    bt_cpu_of(vcpu)->stats->callout_transfer++;
    vcpu->rip = eip;
    vcpu->inhibit = VX_INHIBIT_NONE;
    if (!vx_cpu_iret(vcpu, (unsigned)op_bytes, (uint32_t)next_eip))
        vx_cpu_deliver_fault(vcpu);
    vcpu->retired++;
    return after_insn(bt_cpu_of(vcpu), eip, UINT64_MAX, 0);
}

static uint64_t fast_call(struct vx_vcpu *vcpu, uint64_t eip, bool (*transfer)(struct vx_vcpu *vcpu))
{
    bt_fp_home(vcpu);
    bt_host_flags_to_vcpu(vcpu);
    bt_cpu_of(vcpu)->stats->callout_transfer++;
    vcpu->rip = eip;
    vcpu->inhibit = VX_INHIBIT_NONE;
    if (!transfer(vcpu))
        vx_cpu_deliver_fault(vcpu);
    vcpu->retired++;
    return after_insn(bt_cpu_of(vcpu), eip, UINT64_MAX, 0);
}

uint64_t bt_callout_sysenter(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t info, uint64_t eip, uint64_t unused)
{
    (void)next_eip, (void)info, (void)unused;
    return fast_call(vcpu, eip, vx_cpu_sysenter);
}

uint64_t bt_callout_sysexit(struct vx_vcpu *vcpu, uint64_t next_eip, uint64_t info, uint64_t eip, uint64_t unused)
{
    (void)next_eip, (void)info, (void)unused;
    return fast_call(vcpu, eip, vx_cpu_sysexit);
}

static void count_access(struct vx_stats *stats, uint64_t info)
{
    if ((info & (MEM_READ | MEM_WRITE)) == (MEM_READ | MEM_WRITE))
        stats->callout_rmw++;
    else if (info & MEM_WRITE)
        stats->callout_store++;
    else
        stats->callout_load++;
}

/* May the instruction raise something that precedes its #PF and leaves the page's A and D bits alone? The #GP of a
 * misaligned
 * 16-byte operand, the #MF of an earlier x87 error (FSW.ES), an unmasked x87 exception that keeps a store from
 * happening. */
static bool faults_before_memory(const struct vx_vcpu *vcpu, uint64_t lin, uint64_t info)
{
    bool misaligned = (info & MEM_BYTES) == 16 && (lin & 15) != 0;
    bool error_pending = (vcpu->fx[2] & 0x80) != 0, unmasked = (~vcpu->fx[0] & 0x3F) != 0;
    return misaligned || ((info & MEM_FP_LIVE) && (error_pending || (unmasked && (info & MEM_WRITE))));
}

/* The range of a share (see share.c, I3): filled only as far as the access that is about to come may do it itself. */
uint64_t bt_callout_share(struct vx_vcpu *vcpu, uint64_t lin, uint64_t info, uint64_t eip, uint64_t unused)
{
    (void)unused;
    struct vx_bt_cpu *cpu = bt_cpu_of(vcpu);
    unsigned bytes = info & MEM_BYTES;
    enum vx_view view = vx_view_of(vcpu);
    bt_fp_home(vcpu);
    cpu->stats->callout_share++;
    if ((lin & VX_PAGE_MASK) + bytes <= VX_PAGE_BYTES) {
        const struct vx_tlb *tlb = vcpu->mmu->tlb[view];
        vx_mmu_prefill(vcpu->mmu, lin, view);
        uint8_t *hva = vx_tlb_probe(tlb, (info & MEM_WRITE) ? tlb->write_tag : tlb->read_tag, lin, bytes);
        if (hva != NULL) {
            if (info & MEM_FP_LIVE)
                bt_fp_load(vcpu);
            return (uint64_t)(uintptr_t)hva;
        }
    }
    cpu->area->exit_value = eip;
    cpu->area->exit_kind = EXIT_UNSHARED;
    return CALLOUT_EXIT;
}

uint64_t bt_callout_mem(struct vx_vcpu *vcpu, uint64_t lin, uint64_t info, uint64_t eip, uint64_t unused)
{
    (void)unused;
    struct vx_bt_cpu *cpu = bt_cpu_of(vcpu);
    bt_fp_home(vcpu);
    count_access(cpu->stats, info);
    enum vx_access access = (info & MEM_WRITE) ? VX_ACCESS_WRITE : VX_ACCESS_READ;
    uint8_t *hva = NULL;
    if (!faults_before_memory(vcpu, lin, info) &&
        !vx_mmu_direct(vcpu->mmu, lin, info & MEM_BYTES, access, vx_view_of(vcpu), &hva))
        return fault(vcpu, eip);
    if (hva != NULL) {
        if (info & MEM_FP_LIVE)
            bt_fp_load(vcpu);
        return (uint64_t)(uintptr_t)hva;
    }
    bt_host_flags_to_vcpu(vcpu);
    vcpu->rip = eip;
    bt_interpret(cpu);
    unsigned length = (unsigned)(info >> MEM_LEN_SHIFT);
    return after_insn(cpu, eip, length == 0 ? UINT64_MAX : vx_off_wrap(eip + length), info);
}

/* Stands before every call-out where time is split. */
uint64_t bt_callout_timed(struct vx_vcpu *vcpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d, bt_callout *function)
{
    struct vx_split *split = &bt_cpu_of(vcpu)->stats->split;
    enum vx_part was = vx_split_to(split, VX_PART_CALLOUTS);
    uint64_t answer = function(vcpu, a, b, c, d);
    vx_split_to(split, was);
    return answer;
}

/* Stands before every call-out when instructions are counted exactly: vcpu->retired is exact while C runs. Going on in
 * the unit takes back what the unit will add when it ends. */
uint64_t bt_callout_counted(struct vx_vcpu *vcpu, uint64_t a, uint64_t b, uint64_t c, uint64_t d, bt_callout *function)
{
    uint32_t done = bt_area(vcpu)->unit_done;
    vcpu->retired += done;
    uint64_t answer = bt_callout_timed(vcpu, a, b, c, d, function);
    if (answer != CALLOUT_EXIT)
        vcpu->retired -= answer == CALLOUT_NEXT ? done + 1 : done;
    return answer;
}

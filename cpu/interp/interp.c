/* interp.c - the reference interpreter: fetch, decode, the step around one instruction, the run loop.
 *
 * A step: look up the mode and rare states (debug, alignment) -> fetch and decode -> handler -> rip := next_eip ->
 * traps; or, when any of them fails, deliver mmu->fault at the instruction's own address. The run loop opens a code
 * window on the way, and while it lasts goes from handler to handler.
 *
 *   I1  rip stays at the instruction until its handler has succeeded. In a window it follows when the next one begins.
 *   I2  Code is read from guest memory anew at every step: self-modifying code needs no care here.
 *   I3  The shadow in force is taken from vcpu->inhibit before the handler runs; what is there afterwards was cast
 *       by it. */
#include "debug_registers.h"
#include "interp_operand.h"
#include "interp_table.h"

#include "cpu_private.h"
#include "isa.h"

/* Opens the window (I4 of interp.h) around EIP: what the page and CS's limit have of it; none when the shadow does not
 * have the page or CS ends before EIP. */
static void open_window(struct insn *in, uint64_t eip)
{
    const struct vx_seg *cs = &in->cpu->seg[VX_CS];
    uint64_t lin = vx_lin_wrap(cs->base + eip), before = lin & VX_PAGE_MASK, after = VX_PAGE_BYTES - before;
    const uint8_t *hva = vx_tlb_probe(in->tlb, in->tlb->fetch_tag, lin, 1);
    in->window_bytes = 0;
    if (hva == NULL || eip > cs->limit)
        return;
    if (before > eip)
        before = eip;
    if (cs->limit - eip < after)
        after = cs->limit - eip + 1;
    in->window = hva - before;
    in->window_eip = eip - before;
    in->window_bytes = (uint32_t)(before + after);
    in->window_epoch = in->cpu->mmu->map_epoch;
    const struct vx_vcpu_debug *debug = in->cpu->debug;
    if (VX_UNLIKELY(debug != NULL) && debug->stops_in(debug->opaque, lin - before, in->window, in->window_bytes))
        in->window_bytes = 0;
}

/* Sets [fetch, fetch_end) for an instruction at EIP: empty when the window does not have it. */
INTERP_INLINE bool fetch_from_window(struct insn *in, uint64_t eip)
{
    uint64_t at = eip - in->window_eip;
    if (VX_UNLIKELY(at >= in->window_bytes || in->window_epoch != in->cpu->mmu->map_epoch))
        return false;
    uint64_t bytes = in->window_bytes - at;
    in->fetch = in->window + at;
    in->fetch_end = in->fetch + (bytes < INSN_BYTES_MAX ? bytes : INSN_BYTES_MAX);
    return true;
}

/* Base and index registers of the 16-bit forms; rm 6 with mod 0 is a displacement alone. */
static bool decode_address16(struct insn *in)
{
    static const uint8_t base[8] = { VX_RBX, VX_RBX, VX_RBP, VX_RBP, VX_RSI, VX_RDI, VX_RBP, VX_RBX };
    static const uint8_t index[8] = { VX_RSI, VX_RDI, VX_RSI, VX_RDI };
    struct vx_vcpu *cpu = in->cpu;
    uint32_t disp = 0, off = 0;
    bool absolute = in->mod == 0 && in->rm == 6;
    if (in->mod == 1 ? !fetch_simm8(in, &disp) : (in->mod == 2 || absolute) && !fetch_imm(in, 2, &disp))
        return false;
    if (!absolute) {
        off = (uint32_t)cpu->gpr[base[in->rm]];
        if (in->rm < 4)
            off += (uint32_t)cpu->gpr[index[in->rm]];
        if (base[in->rm] == VX_RBP && !in->seg_override)
            in->seg = VX_SS;
    }
    in->off = (off + disp) & 0xFFFF;
    return true;
}

INTERP_INLINE bool decode_address32(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t disp = 0, off = 0;
    unsigned base = in->rm;
    if (base == 4) {
        if (!insn_imm8(in, &in->sib))
            return false;
        base = in->sib & 7;
        unsigned index = in->sib >> 3 & 7;
        if (index != 4)
            off = (uint32_t)cpu->gpr[index] << (in->sib >> 6);
    }
    bool absolute = in->mod == 0 && base == 5;
    if (in->mod == 1 ? !fetch_simm8(in, &disp) : (in->mod == 2 || absolute) && !fetch_imm(in, 4, &disp))
        return false;
    if (!absolute) {
        off += (uint32_t)cpu->gpr[base];
        if ((base == VX_RSP || base == VX_RBP) && !in->seg_override)
            in->seg = VX_SS;
    }
    in->off = off + disp;
    return true;
}

INTERP_INLINE bool decode_modrm(struct insn *in, bool names_registers)
{
    uint8_t modrm;
    if (!insn_imm8(in, &modrm))
        return false;
    in->modrm = modrm;
    in->mod = modrm >> 6;
    in->reg = modrm >> 3 & 7;
    in->rm = modrm & 7;
    if (in->mod == 3)
        return true;
    if (VX_UNLIKELY(names_registers)) {
        in->mod = 3;
        return true;
    }
    return in->addr_size == 4 ? decode_address32(in) : decode_address16(in);
}

/* Prefixes in any order, the last of a kind counts; *opcode is the first byte that is none. */
static bool decode_prefixes(struct insn *in, uint8_t *opcode)
{
    unsigned code_size = in->op_size;
    do {
        switch (*opcode) {
        case 0x26:
        case 0x2E:
        case 0x36:
        case 0x3E:
            in->seg = *opcode >> 3 & 3;
            in->seg_override = true;
            break;
        case 0x64:
        case 0x65:
            in->seg = *opcode & 7;
            in->seg_override = true;
            break;
        case 0x66:
            in->prefix_66 = true;
            in->op_size = (uint8_t)(6 - code_size);
            break;
        case 0x67: in->addr_size = (uint8_t)(6 - code_size); break;
        case 0xF0: in->lock = true; break;
        default: in->rep = *opcode; break;
        }
        if (!insn_imm8(in, opcode))
            return false;
    } while (interp_opcodes[0][*opcode].form == FORM_PREFIX);
    return true;
}

/* An opcode that not every model has in every form, or one that is locked. */
static __attribute__((noinline)) bool run_checked(struct insn *in, const struct opcode *op)
{
    const struct vx_cpu_model *model = in->cpu->model;
    if (!in->lock && op->check != CHECK_ROW)
        return cpu_model_has(model, (enum vx_cpu_feature)op->check) ? op->run[in->op_size >> 2](in) : insn_ud(in);
    const struct vx_isa_insn encoding = { .map = in->map,
                                          .opcode = in->opcode,
                                          .modrm = op->form != FORM_NONE ? in->modrm : 0,
                                          .rep = in->rep,
                                          .prefix_66 = in->prefix_66,
                                          .lock = in->lock };
    unsigned row = isa_find(&encoding);
    if (row == ISA_NONE || !cpu_model_has(model, (enum vx_cpu_feature)isa_rows[row].known.feature))
        return insn_ud(in);
    return interp_row_handlers[row][in->op_size >> 2](in);
}

/* From behind the opcode on. */
INTERP_INLINE bool execute_opcode(struct insn *in, const struct opcode *op)
{
    if (op->form != FORM_NONE && !decode_modrm(in, op->form == FORM_REG))
        return false;
    if (VX_UNLIKELY(in->lock | op->check))
        return run_checked(in, op);
    return op->run[in->op_size >> 2](in);
}

/* The maps 0F, 0F 38 and 0F 3A. */
static bool execute_map(struct insn *in)
{
    in->map = 1;
    if (!insn_imm8(in, &in->opcode))
        return false;
    if (in->opcode == 0x38 || in->opcode == 0x3A) {
        in->map = in->opcode == 0x38 ? 2 : 3;
        if (!insn_imm8(in, &in->opcode))
            return false;
    }
    const struct opcode *op = &interp_opcodes[in->map][in->opcode];
    return op->run[0] != NULL ? execute_opcode(in, op) : insn_ud(in);
}

INTERP_INLINE bool execute(struct insn *in)
{
    uint8_t opcode;
    if (!insn_imm8(in, &opcode))
        return false;
    const struct opcode *op = &interp_opcodes[0][opcode];
    if (op->form == FORM_PREFIX) {
        if (!decode_prefixes(in, &opcode))
            return false;
        op = &interp_opcodes[0][opcode];
    }
    if (opcode == 0x0F)
        return execute_map(in);
    in->opcode = opcode;
    return execute_opcode(in, op);
}

/* TF, RF, AC or an enabled breakpoint: false when an instruction breakpoint hits. RF lasts for one instruction. */
static bool begin_rare(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    bool resume = cpu->eflags & VX_FL_RF;
    cpu->eflags &= ~(uint32_t)VX_FL_RF;
    in->single_step = cpu->eflags & VX_FL_TF;
    in->task = cpu->tr.sel;
    in->no_step_trap = in->branched = false; /* instructions that were not single-stepped may have left them */
    in->align_check = (cpu->eflags & VX_FL_AC) && (cpu->cr0 & VX_CR0_AM) && cpu->cpl == 3;
    in->watch = (cpu->dr[7] & DR7_ENABLES) && dr_watches_data(cpu);
    in->careful = in->align_check || in->watch;
    if (in->shadow != VX_INHIBIT_SS)
        cpu->debug_hits = 0;
    if (!(cpu->dr[7] & DR7_ENABLES) || resume || in->shadow == VX_INHIBIT_SS)
        return true;
    return dr_insn_breakpoint(cpu);
}

/* Not behind a task switch, whose new task has a T bit for that; with BTF behind taken branches only (SDM 3B
 * "Single-Stepping on Branches"). */
static bool step_traps(const struct insn *in)
{
    const struct vx_vcpu *cpu = in->cpu;
    bool switched = in->branched && cpu->tr.sel != in->task;
    return in->single_step && !in->no_step_trap && !switched &&
           (in->branched || !(cpu->msr.debugctl & VX_DEBUGCTL_BTF));
}

/* Debug traps after an instruction. Of a MOV SS the single-step trap is lost, while its data breakpoints wait for the
 * end of the next instruction; if that one faults they are lost too. A trap wakes from the HLT it belongs to. */
static void end_rare(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    cpu->debug_hits |= in->dr6_hits;
    if (cpu->inhibit == VX_INHIBIT_SS)
        return;
    uint32_t dr6 = cpu->debug_hits | (step_traps(in) ? DR6_BS : 0);
    cpu->debug_hits = 0;
    if (dr6 == 0)
        return;
    cpu->dr[6] |= dr6;
    cpu->halted = false;
    insn_fault(in, VX_DB);
    vx_cpu_deliver_fault(cpu);
}

/* What an instruction starts with, from the vCPU's state (I3). */
static void begin_insn(struct insn *in)
{
    static const uint8_t none[1];
    struct vx_vcpu *cpu = in->cpu;
    in->start_eip = in->next_eip = cpu->rip;
    in->view = vx_view_of(cpu);
    in->tlb = cpu->mmu->tlb[in->view];
    in->prefixes = 0;
    in->op_size = in->addr_size = cpu->seg[VX_CS].attr & VX_ATTR_DB ? 4 : 2;
    in->seg = VX_DS;
    in->window_prefixes = in->prefixes;
    in->shadow = cpu->inhibit;
    cpu->inhibit = VX_INHIBIT_NONE;
    open_window(in, in->start_eip);
    if (!fetch_from_window(in, in->start_eip))
        in->fetch = in->fetch_end = none;
}

static void end_insn(struct insn *in, bool done)
{
    if (done)
        in->cpu->rip = insn_return_eip(in);
    else
        vx_cpu_deliver_fault(in->cpu);
    in->cpu->retired++;
}

static void step_rare(struct insn *in)
{
    bool done = begin_rare(in) && execute(in);
    end_insn(in, done);
    if (done)
        end_rare(in);
    in->careful = in->align_check = in->watch = in->single_step = false;
    in->dr6_hits = 0;
    insn_mode_changed(in);
}

/* Executes one instruction from the vCPU's state, delivers what it raises. Leaves a window only if the state lasts. */
static void step(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    begin_insn(in);
    cpu_ring_note(cpu);
    if ((cpu->eflags & (VX_FL_TF | VX_FL_RF | VX_FL_AC)) | (cpu->dr[7] & DR7_ENABLES)) {
        step_rare(in);
        return;
    }
    bool done = execute(in);
    end_insn(in, done);
    if (!done || in->shadow != VX_INHIBIT_NONE)
        insn_mode_changed(in);
}

/* Has `retired` come to where it must stop? `until` is the caller's end; an instruction may have moved the limit. */
static bool at_limit(const struct vx_vcpu *cpu, uint64_t until)
{
    return cpu->retired >= until || cpu->retired >= cpu->retire_limit;
}

/* Executes instructions from the window until it closes, attention is wanted or a limit is reached. */
/* Of what stands behind the instruction that has been fetched from the window. */
INTERP_INLINE uint64_t eip_behind_fetch(const struct insn *in)
{
    return in->window_eip + (uint64_t)(in->fetch - in->window);
}

/* `straight`: only to the first transfer of control. */
INTERP_INLINE void run_window(struct insn *in, uint64_t until, bool straight)
{
    struct vx_vcpu *cpu = in->cpu;
    in->next_eip = cpu->rip;
    while (!at_limit(cpu, until) && atomic_load_explicit(&cpu->attention, memory_order_relaxed) == 0) {
        uint64_t eip = in->next_eip;
        if (!fetch_from_window(in, eip))
            break;
        cpu->rip = in->start_eip = eip;
        in->prefixes = in->window_prefixes;
        cpu_ring_note(cpu);
        bool done = execute(in);
        if (VX_UNLIKELY(!done))
            vx_cpu_deliver_fault(cpu);
        cpu->retired++;
        if (VX_UNLIKELY(!done)) {
            insn_mode_changed(in);
            return;
        }
        if (straight && in->next_eip != eip_behind_fetch(in))
            break;
    }
    cpu->rip = insn_return_eip(in);
}

static bool stopped(const struct vx_vcpu *cpu)
{
    return cpu->halted || cpu->shutdown;
}

static enum vx_stop stop_reason(const struct vx_vcpu *cpu)
{
    return cpu->shutdown ? VX_STOP_SHUTDOWN : cpu->halted ? VX_STOP_HALT : VX_STOP_BUDGET;
}

enum vx_stop vx_interp_step(struct vx_vcpu *vcpu)
{
    struct insn in = { .cpu = vcpu };
    if (!stopped(vcpu)) {
        vcpu->last_raised = false;
        step(&in);
        vcpu->last_opcode = (uint16_t)(in.map << 8 | in.opcode);
    }
    return stop_reason(vcpu);
}

INTERP_INLINE enum vx_stop run(struct vx_vcpu *vcpu, uint64_t max_insns, bool straight)
{
    struct insn in = { .cpu = vcpu };
    uint64_t start = vcpu->retired, until = max_insns < VX_RETIRE_NONE - start ? start + max_insns : VX_RETIRE_NONE;
    while (!at_limit(vcpu, until) && !stopped(vcpu)) {
        /* A shadow is for one instruction, which therefore runs first. */
        if (VX_UNLIKELY(atomic_load_explicit(&vcpu->attention, memory_order_relaxed) != 0) &&
            vcpu->inhibit == VX_INHIBIT_NONE)
            return VX_STOP_ATTENTION;
        if (VX_UNLIKELY(vcpu->debug != NULL) && vcpu->debug->stops_here(vcpu->debug->opaque))
            return VX_STOP_DEBUG;
        step(&in);
        if (in.window_bytes != 0 && (!straight || vcpu->rip == eip_behind_fetch(&in)))
            run_window(&in, until, straight);
        if (straight)
            break;
    }
    return stopped(vcpu) ? stop_reason(vcpu) : VX_STOP_BUDGET;
}

enum vx_stop vx_interp_run(struct vx_vcpu *vcpu, uint64_t max_insns)
{
    uint64_t start = vcpu->retired;
    enum vx_stop why = run(vcpu, max_insns, false);
    vcpu->stats->interp_insns += vcpu->retired - start;
    return why;
}

enum vx_stop vx_interp_block(struct vx_vcpu *vcpu, uint64_t max_insns)
{
    return run(vcpu, max_insns, true);
}

unsigned vx_interp_last_opcode(const struct vx_vcpu *vcpu)
{
    return vcpu->last_opcode;
}

bool vx_interp_last_raised(const struct vx_vcpu *vcpu)
{
    return vcpu->last_raised;
}

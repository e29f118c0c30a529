/* stubs.c - the host code between C and translated code, made once at offset 0 of the cache.
 *
 *     enter(vcpu, address)   saves C's registers, loads the guest's, jumps to a unit
 *     leave                  r8, r9: what and why; saves the guest's registers, returns to C
 *     exit_*                 leave with a reason
 *     mem_slow               r8 lin, r9 info, r10 eip -> C; then back to the access (return address) with r9 = addend,
 *                            or 5 bytes further when C did the whole instruction, or out
 *     share_slow             the same for a shared probe; C never does the instruction
 *     insn, rep, seg, ...    r8 next eip, r9 info, r10 eip, r11 selector (seg) or port -> C; back, or out
 *     fp_load                brings the guest's x87/MMX/SSE state into the host
 *
 * While events are counted, the counters go in and out with the guest's registers. */
#include "stubs.h"

#include "asm.h"
#include "callout.h"
#include "code.h"

static const uint8_t guest_gprs[] = { VX_RAX, VX_RCX, VX_RDX, VX_RBX, VX_RSP, VX_RBP, VX_RSI, VX_RDI };

static int32_t gpr_disp(unsigned reg)
{
    return (int32_t)(offsetof(struct vx_vcpu, gpr) + 8 * reg);
}

static void lahf_seto(struct bt_asm *a)
{
    a8(a, 0x9F); /* lahf */
    a8(a, 0x0F);
    a8(a, 0x90); /* seto al */
    a8(a, 0xC0);
    asm_mem(a, false, 0x66, 0x89, H_RAX, H_VCPU, H_NONE, 0, AREA(flags16));
}

static void store_counters(struct bt_asm *a, const struct vx_bt_config *config)
{
    if (!config->count)
        return;
    x_store_xmm64(a, H_VCPU, AREA(entries), H_XMM_ENTRIES);
    x_store_xmm64(a, H_VCPU, AREA(jc_hits), H_XMM_JC_HITS);
}

static void load_counters(struct bt_asm *a, const struct vx_bt_config *config)
{
    if (!config->count)
        return;
    x_load_xmm64(a, H_XMM_ENTRIES, H_VCPU, AREA(entries));
    x_load_xmm64(a, H_XMM_JC_HITS, H_VCPU, AREA(jc_hits));
    x_ones_xmm(a, H_XMM_ONES);
}

static void store_guest(struct bt_asm *a, const struct vx_bt_config *config)
{
    store_counters(a, config);
    for (unsigned i = 0; i < sizeof guest_gprs; i++)
        x_store64(a, H_VCPU, gpr_disp(guest_gprs[i]), host_of(guest_gprs[i]));
    lahf_seto(a);
}

static void load_guest(struct bt_asm *a)
{
    x_load_zx16(a, H_RAX, H_VCPU, AREA(flags16));
    a8(a, 0x04); /* add al, 7Fh: sets OF when AL is 1 */
    a8(a, 0x7F);
    a8(a, 0x9E); /* sahf */
    for (unsigned i = 0; i < sizeof guest_gprs; i++)
        x_load64(a, host_of(guest_gprs[i]), H_VCPU, gpr_disp(guest_gprs[i]));
}

static const uint8_t callee_saved[] = { H_RBP, H_RBX, H_R12, H_R13, H_R14, H_R15 };

static void push_pop(struct bt_asm *a, unsigned reg, bool push)
{
    if (reg >= 8)
        a8(a, 0x41);
    a8(a, (push ? 0x50 : 0x58) + (reg & 7));
}

static void return_to_c(struct bt_asm *a)
{
    x_load64(a, H_RSP, H_VCPU, AREA(host_rsp));
    x_lea64(a, H_RSP, H_RSP, H_NONE, 0, BT_FRAME_BYTES + 8);
    for (unsigned i = sizeof callee_saved; i-- > 0;)
        push_pop(a, callee_saved[i], false);
    a8(a, 0xC3);
}

static void make_enter(struct bt_asm *a, const struct vx_bt_config *config)
{
    for (unsigned i = 0; i < sizeof callee_saved; i++)
        push_pop(a, callee_saved[i], true);
    x_lea64(a, H_RSP, H_RSP, H_NONE, 0, -(BT_FRAME_BYTES + 8)); /* 16-byte aligned in translated code */
    x_mov64(a, H_R15, H_RDI);
    x_mov64(a, H_R8, H_RSI);
    x_store64(a, H_VCPU, AREA(host_rsp), H_RSP);
    x_load64(a, H_TLB, H_VCPU, AREA(tlb));
    x_mov_imm32(a, H_TWELVE, VX_PAGE_SHIFT);
    load_counters(a, config);
    load_guest(a);
    a8(a, 0x41); /* jmp r8 */
    a8(a, 0xFF);
    a8(a, 0xE0);
}

static void make_leave(struct bt_asm *a, const struct vx_bt_config *config)
{
    store_guest(a, config);
    x_store64(a, H_VCPU, AREA(exit_value), H_R8);
    x_store64(a, H_VCPU, AREA(exit_kind), H_R9);
    return_to_c(a);
}

static void make_exit(struct bt_asm *a, uint32_t leave, enum bt_exit_kind kind)
{
    x_mov_imm32(a, H_R9, kind);
    x_jmp_rel32(a, leave);
}

/* call-out: C function (vcpu, r8, r9, r10, r11) -> rax = CALLOUT_EXIT, CALLOUT_NEXT or (memory) a host address. */
static void make_callout(struct bt_asm *a, const struct vx_bt_config *config, bt_callout *function, bool memory)
{
    uint64_t address = (uint64_t)(uintptr_t)function;
    bt_callout_wrapper *wrapper = config->exact_count  ? bt_callout_counted
                                  : config->time_split ? bt_callout_timed
                                                       : NULL;
    store_guest(a, config);
    x_store64(a, H_VCPU, AREA(exit_value), H_R8);
    x_mov64(a, H_RDI, H_R15);
    x_mov64(a, H_RSI, H_R8);
    x_mov32(a, H_RDX, H_R9);
    x_mov32(a, H_RCX, H_R10);
    x_mov32(a, H_R8, H_R11);
    x_lea64(a, H_RSP, H_RSP, H_NONE, 0, -8); /* aligned again */
    if (wrapper != NULL) {
        x_mov_imm64(a, H_R9, address);
        address = (uint64_t)(uintptr_t)wrapper;
    }
    x_mov_imm64(a, H_RAX, address);
    a8(a, 0xFF); /* call rax */
    a8(a, 0xD0);
    load_counters(a, config);
    x_lea64(a, H_RSP, H_RSP, H_NONE, 0, 8);
    x_mov64(a, H_RCX, H_RAX);
    uint32_t to_exit = x_jrcxz(a);
    if (memory) {
        x_lea64(a, H_RCX, H_RCX, H_NONE, 0, -1);
        uint32_t to_next = x_jrcxz(a);
        x_load64(a, H_R8, H_VCPU, AREA(exit_value));
        x_mov64(a, H_R9, H_RAX);
        asm_rr(a, true, 0x29, H_R8, H_R9); /* sub r9, r8: addend; flags are reloaded below */
        load_guest(a);
        a8(a, 0xC3);
        x_here(a, to_next);
        x_load64(a, H_RAX, H_RSP, 0);
        x_lea64(a, H_RAX, H_RAX, H_NONE, 0, 5);
        x_store64(a, H_RSP, 0, H_RAX);
    }
    load_guest(a);
    a8(a, 0xC3);
    x_here(a, to_exit);
    return_to_c(a); /* C has left the state in the vCPU */
}

static void make_fp_load(struct bt_asm *a, const struct vx_bt_config *config)
{
    store_counters(a, config);
    for (int32_t at = 0; at < 24; at += 8) {
        x_load64(a, H_R8, H_VCPU, VCPU(fx) + at);
        x_store64(a, H_VCPU, AREA(fp_last) + at, H_R8);
        x_store64(a, H_VCPU, AREA(fp_kept) + at, H_R8);
    }
    asm_mem(a, false, 0, 0x0FAE, 1, H_VCPU, H_NONE, 0, VCPU(fx)); /* fxrstor */
    load_counters(a, config);
    asm_mem(a, true, 0, 0xC7, 0, H_VCPU, H_NONE, 0, AREA(fp_away));
    a32(a, 0);
    a8(a, 0xC3);
}

void bt_stubs_make(struct bt_stubs *stub, uint8_t *code, const struct vx_bt_config *config)
{
    struct bt_asm a = { .buf = code, .cap = BT_STUB_BYTES };
    a.len = 64; /* offset 0 means "none" */
    stub->enter = a.len;
    make_enter(&a, config);
    stub->leave = a.len;
    make_leave(&a, config);
    stub->exit_direct = a.len;
    make_exit(&a, stub->leave, EXIT_DIRECT);
    stub->exit_indirect = a.len;
    make_exit(&a, stub->leave, EXIT_INDIRECT);
    stub->exit_interp = a.len;
    make_exit(&a, stub->leave, EXIT_INTERP);
    stub->exit_boundary = a.len;
    make_exit(&a, stub->leave, EXIT_BOUNDARY);
    stub->exit_budget = a.len;
    make_exit(&a, stub->leave, EXIT_BUDGET);
    stub->exit_stale = a.len;
    make_exit(&a, stub->leave, EXIT_STALE);
    stub->mem_slow = a.len;
    make_callout(&a, config, bt_callout_mem, true);
    stub->share_slow = a.len;
    make_callout(&a, config, bt_callout_share, true);
    stub->insn = a.len;
    make_callout(&a, config, bt_callout_insn, false);
    stub->rep = a.len;
    make_callout(&a, config, bt_callout_rep, false);
    stub->seg = a.len;
    make_callout(&a, config, bt_callout_seg, false);
    stub->rdtsc = a.len;
    make_callout(&a, config, bt_callout_rdtsc, false);
    stub->rdtscp = a.len;
    make_callout(&a, config, bt_callout_rdtscp, false);
    stub->port = a.len;
    make_callout(&a, config, bt_callout_port, false);
    stub->software_int = a.len;
    make_callout(&a, config, bt_callout_int, false);
    stub->iret = a.len;
    make_callout(&a, config, bt_callout_iret, false);
    stub->sysenter = a.len;
    make_callout(&a, config, bt_callout_sysenter, false);
    stub->sysexit = a.len;
    make_callout(&a, config, bt_callout_sysexit, false);
    stub->fp_load = a.len;
    make_fp_load(&a, config);
    VX_ASSERT(!a.overflow);
}

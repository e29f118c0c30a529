/* interp_system.c - group 7 (SGDT SIDT LGDT LIDT SMSW LMSW INVLPG), CLTS, MOV CR and DR, CLI STI HLT, INVD WBINVD,
 * MSRs, RDTSC RDPMC RDRAND CPUID, SYSENTER SYSEXIT, and the opcodes that are #UD by definition. */
#include "flags.h"
#include "interp_operand.h"
#include "interp_table.h"
#include "smm.h"
#include "virtual_if.h"

static bool needs_cpl0(struct insn *in)
{
    if (in->cpu->cpl != 0)
        return insn_gp0(in);
    return true;
}

/* SGDT, SIDT, SMSW: hidden from user mode by CR4.UMIP. */
static bool umip_allows(struct insn *in)
{
    return !(in->cpu->cr4 & VX_CR4_UMIP) || needs_cpl0(in);
}

/* Limit, then 32 bits of base whatever the operand size (386 and later): a word and a dword to alignment checks. */
static bool store_table(struct insn *in, const struct vx_table_reg *table)
{
    uint64_t base_off = (in->off + 2) & size_mask(in->addr_size);
    return umip_allows(in) && insn_probe_write(in, in->seg, in->off, 2) && insn_probe_write(in, in->seg, base_off, 4) &&
           insn_write(in, in->seg, in->off, 2, table->limit) &&
           insn_write(in, in->seg, base_off, 4, (uint32_t)table->base);
}

bool interp_sgdt(struct insn *in)
{
    return store_table(in, &in->cpu->gdtr);
}
bool interp_sidt(struct insn *in)
{
    return store_table(in, &in->cpu->idtr);
}

/* With a 16-bit operand the base has 24 bits. */
static bool load_table(struct insn *in, struct vx_table_reg *table)
{
    uint8_t image[6];
    uint32_t base;
    if (!needs_cpl0(in) || !insn_read_bytes(in, in->seg, in->off, image, sizeof(image), 1))
        return false;
    memcpy(&table->limit, image, 2);
    memcpy(&base, image + 2, 4);
    table->base = in->op_size == 4 ? base : base & 0xFFFFFFu;
    return true;
}

bool interp_lgdt(struct insn *in)
{
    return load_table(in, &in->cpu->gdtr);
}
bool interp_lidt(struct insn *in)
{
    return load_table(in, &in->cpu->idtr);
}

bool interp_smsw(struct insn *in)
{
    uint32_t cr0 = (uint32_t)in->cpu->cr0;
    if (!umip_allows(in))
        return false;
    if (in->mod != 3)
        return mem_write(in, in->seg, in->off, 2, cr0 & 0xFFFF);
    set_reg(in->cpu, in->rm, in->op_size, cr0);
    return true;
}

/* PE, MP, EM, TS; LMSW cannot clear PE. */
bool interp_lmsw(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint32_t value;
    if (!needs_cpl0(in) || !read_rm(in, 2, &value))
        return false;
    uint64_t bits = VX_CR0_MP | VX_CR0_EM | VX_CR0_TS;
    insn_mode_changed(in);
    return vx_cpu_write_cr(cpu, 0, (cpu->cr0 & ~bits) | (value & (bits | VX_CR0_PE)));
}

bool interp_invlpg(struct insn *in)
{
    if (!needs_cpl0(in))
        return false;
    vx_mmu_invlpg(in->cpu->mmu, in->cpu->seg[in->seg].base + in->off);
    return true;
}

/* Not for user mode: #UD, not #GP. */
static bool set_ac(struct insn *in, bool ac)
{
    if (in->cpu->cpl != 0)
        return insn_ud(in);
    insn_mode_changed(in);
    flags_write(in->cpu, ac ? VX_FL_AC : 0, VX_FL_AC);
    return true;
}

bool interp_clac(struct insn *in)
{
    return set_ac(in, false);
}
bool interp_stac(struct insn *in)
{
    return set_ac(in, true);
}

bool interp_clts(struct insn *in)
{
    insn_mode_changed(in);
    return needs_cpl0(in) && vx_cpu_write_cr(in->cpu, 0, in->cpu->cr0 & ~(uint64_t)VX_CR0_TS);
}

bool interp_mov_rd_cd(struct insn *in)
{
    uint64_t value;
    if (!vx_cpu_read_cr(in->cpu, in->reg, &value))
        return false;
    set_reg(in->cpu, in->rm, 4, (uint32_t)value);
    return true;
}

bool interp_mov_cd_rd(struct insn *in)
{
    insn_mode_changed(in);
    return vx_cpu_write_cr(in->cpu, in->reg, get_reg(in->cpu, in->rm, 4));
}

bool interp_mov_rd_dd(struct insn *in)
{
    uint64_t value;
    if (!vx_cpu_read_dr(in->cpu, in->reg, &value))
        return false;
    set_reg(in->cpu, in->rm, 4, (uint32_t)value);
    return true;
}

bool interp_mov_dd_rd(struct insn *in)
{
    insn_mode_changed(in);
    return vx_cpu_write_dr(in->cpu, in->reg, get_reg(in->cpu, in->rm, 4));
}

/* In VM86 mode CPL is 3, so one rule serves every mode: CPL <= IOPL. */
static bool iopl_allows(const struct insn *in)
{
    return in->cpu->cpl <= vx_iopl(in->cpu);
}

bool interp_cli(struct insn *in)
{
    if (iopl_allows(in))
        in->cpu->iflag = 0;
    else if (vif_stands_in(in->cpu))
        vif_clear(in->cpu);
    else
        return insn_gp0(in);
    return true;
}

/* The shadow is cast only when IF was clear; VIF casts none. */
bool interp_sti(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    if (!iopl_allows(in))
        return vif_stands_in(cpu) ? vif_set(cpu) : insn_gp0(in);
    if (!cpu->iflag) {
        cpu->inhibit = VX_INHIBIT_STI;
        insn_mode_changed(in);
        cpu->iflag = 1;
        if (cpu->intr_line)
            vx_vcpu_raise(cpu, VX_ATTN_INTR);
    }
    return true;
}

bool interp_hlt(struct insn *in)
{
    if (!needs_cpl0(in))
        return false;
    in->cpu->halted = true;
    insn_mode_changed(in);
    return true;
}

/* INVD, WBINVD: caches are always coherent here. */
bool interp_invd(struct insn *in)
{
    return needs_cpl0(in);
}

bool interp_rdmsr(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint64_t value;
    if (!needs_cpl0(in) || !vx_cpu_read_msr(cpu, get_reg(cpu, VX_RCX, 4), &value))
        return false;
    set_reg(cpu, VX_RAX, 4, (uint32_t)value);
    set_reg(cpu, VX_RDX, 4, (uint32_t)(value >> 32));
    return true;
}

bool interp_wrmsr(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint64_t value = (uint64_t)get_reg(cpu, VX_RDX, 4) << 32 | get_reg(cpu, VX_RAX, 4);
    insn_mode_changed(in);
    return needs_cpl0(in) && vx_cpu_write_msr(cpu, get_reg(cpu, VX_RCX, 4), value);
}

bool interp_rdtsc(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    if (cpu->cr4 & VX_CR4_TSD && !needs_cpl0(in))
        return false;
    uint64_t value = vx_cpu_rdtsc(cpu);
    set_reg(cpu, VX_RAX, 4, (uint32_t)value);
    set_reg(cpu, VX_RDX, 4, (uint32_t)(value >> 32));
    return true;
}

/* RDRAND and RDSEED: there is always a number. */
bool interp_rdrand(struct insn *in)
{
    struct vx_vcpu *cpu = in->cpu;
    uint64_t value = cpu->ops->input(cpu->ops_opaque, VX_INPUT_RANDOM);
    set_reg(cpu, in->rm, in->op_size, (uint32_t)value & size_mask(in->op_size));
    cpu->eflags = (cpu->eflags & ~(uint32_t)VX_FL_ARITH) | VX_FL_CF;
    return true;
}

/* The processor's number as its system has told it. */
bool interp_rdpid(struct insn *in)
{
    set_reg(in->cpu, in->modrm & 7, 4, (uint32_t)in->cpu->msr.tsc_aux);
    return true;
}

bool interp_rdtscp(struct insn *in)
{
    if (!interp_rdtsc(in))
        return false;
    set_reg(in->cpu, VX_RCX, 4, (uint32_t)in->cpu->msr.tsc_aux);
    return true;
}

/* CPUID reports no performance counters, so every index is out of range. */
bool interp_rdpmc(struct insn *in)
{
    return insn_gp0(in);
}

bool interp_cpuid(struct insn *in)
{
    vx_cpu_cpuid(in->cpu);
    return true;
}

bool interp_sysenter(struct insn *in)
{
    insn_mode_changed(in);
    in->branched = true;
    if (!vx_cpu_sysenter(in->cpu))
        return false;
    in->next_eip = in->cpu->rip;
    return true;
}

bool interp_sysexit(struct insn *in)
{
    insn_mode_changed(in);
    in->branched = true;
    if (!vx_cpu_sysexit(in->cpu))
        return false;
    in->next_eip = in->cpu->rip;
    return true;
}

bool interp_rsm(struct insn *in)
{
    insn_mode_changed(in);
    if (!smm_resume(in->cpu))
        return false;
    in->next_eip = in->cpu->rip;
    return true;
}

/* UD0, UD1, UD2. */
bool interp_ud(struct insn *in)
{
    return insn_ud(in);
}

/* msr.c - model-specific registers (SDM 4, "Architectural MSRs").
 *
 * Whatever the model's CPUID does not announce raises #GP(0), as does an index that is not here; the latter is logged
 * once per index in class cpu at level debug. MTRRs and PAT are state without effect: guest memory types do not change
 * what the emulated machine does. */
#include "cpu_model.h"
#include "cpu_private.h"
#include "creg.h"
#include "fault.h"

enum msr_index {
    MSR_P5_MC_ADDR = 0,
    MSR_P5_MC_TYPE = 1,
    MSR_TSC = 0x10,
    MSR_PLATFORM_ID = 0x17,
    MSR_APIC_BASE = 0x1B,
    MSR_EBL_CR_POWERON = 0x2A,
    MSR_FEATURE_CONTROL = 0x3A,
    MSR_TSC_ADJUST = 0x3B,
    MSR_SPEC_CTRL = 0x48,
    MSR_PRED_CMD = 0x49,
    MSR_BIOS_UPDT_TRIG = 0x79,
    MSR_BIOS_SIGN_ID = 0x8B,
    MSR_MTRRCAP = 0xFE,
    MSR_ARCH_CAPABILITIES = 0x10A,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17A,
    MSR_MCG_CTL = 0x17B,
    MSR_MISC_ENABLE = 0x1A0,
    MSR_DEBUGCTL = 0x1D9,
    MSR_MTRR_PHYS0 = 0x200,
    MSR_MTRR_PHYS_LAST = 0x20F,
    MSR_MTRR_FIX64K = 0x250,
    MSR_MTRR_FIX16K_80000 = 0x258,
    MSR_MTRR_FIX16K_A0000 = 0x259,
    MSR_MTRR_FIX4K_FIRST = 0x268,
    MSR_MTRR_FIX4K_LAST = 0x26F,
    MSR_PAT = 0x277,
    MSR_MTRR_DEF_TYPE = 0x2FF,
    MSR_MC0_CTL = 0x400,
    MSR_MC_LAST = 0x47F,
    MSR_TSC_DEADLINE = 0x6E0,
};
#define MSR_EFER    0xC0000080u
#define EFER_LME    (1u << 8)
#define MSR_TSC_AUX 0xC0000103u

enum {
    MTRR_VARIABLE = 8,
    MTRRCAP = MTRR_VARIABLE | 1 << 8 | 1 << 10, /* fixed ranges, WC */
    FEATURE_CONTROL_LOCKED = 1,
    SPEC_CTRL_BITS = 7,
};

/* Registers that came with a feature; others are on every model with MSRs. */
static bool is_on_model(const struct vx_cpu_model *model, uint32_t index)
{
    static const struct {
        uint32_t first, last;
        uint8_t feature;
    } owners[] = {
        { MSR_TSC, MSR_TSC, VX_F_TSC },
        { MSR_PLATFORM_ID, MSR_PLATFORM_ID, VX_F_MTRR }, /* P6 */
        { MSR_APIC_BASE, MSR_APIC_BASE, VX_F_APIC },
        { MSR_EBL_CR_POWERON, MSR_EBL_CR_POWERON, VX_F_MTRR },
        { MSR_TSC_ADJUST, MSR_TSC_ADJUST, VX_F_TSC_ADJUST },
        { MSR_SPEC_CTRL, MSR_PRED_CMD, VX_F_SPEC_CTRL },
        { MSR_BIOS_UPDT_TRIG, MSR_BIOS_SIGN_ID, VX_F_MTRR },
        { MSR_MTRRCAP, MSR_MTRRCAP, VX_F_MTRR },
        { MSR_ARCH_CAPABILITIES, MSR_ARCH_CAPABILITIES, VX_F_ARCH_CAPABILITIES },
        { MSR_SYSENTER_CS, MSR_SYSENTER_EIP, VX_F_SEP },
        { MSR_MCG_CAP, MSR_MCG_CTL, VX_F_MCA },
        { MSR_DEBUGCTL, MSR_DEBUGCTL, VX_F_MTRR },
        { MSR_MTRR_PHYS0, MSR_MTRR_FIX4K_LAST, VX_F_MTRR },
        { MSR_PAT, MSR_PAT, VX_F_PAT },
        { MSR_MTRR_DEF_TYPE, MSR_MTRR_DEF_TYPE, VX_F_MTRR },
        { MSR_MC0_CTL, MSR_MC_LAST, VX_F_MCA },
        { MSR_TSC_DEADLINE, MSR_TSC_DEADLINE, VX_F_TSC_DEADLINE },
        { MSR_EFER, MSR_EFER, VX_F_NX },
        { MSR_TSC_AUX, MSR_TSC_AUX, VX_F_RDTSCP },
    };
    if (index == MSR_MISC_ENABLE)
        return model->misc_enable_writable != 0;
    if (index == MSR_MCG_CTL && !(model->mcg_cap & MCG_CAP_CTL))
        return false;
    for (size_t i = 0; i < VX_ARRAY_LEN(owners); i++)
        if (index >= owners[i].first && index <= owners[i].last)
            return cpu_model_has(model, (enum vx_cpu_feature)owners[i].feature);
    return true;
}

static uint64_t phys_mask(const struct vx_vcpu *cpu)
{
    return (1ull << cpu->model->phys_bits) - 1;
}

/* Memory types that a byte may hold; PAT knows UC- (7) too. */
static bool types_valid(uint64_t value, bool pat)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned type = (value >> (8 * i)) & 0xFF;
        if (type == 2 || type == 3 || type > (pat ? 7u : 6u))
            return false;
    }
    return true;
}

/* The storage of a fixed-range MTRR, or NULL. */
static uint64_t *mtrr_fixed(struct vx_vcpu *cpu, uint32_t index)
{
    uint64_t *fix = cpu->msr.mtrr_fix;
    if (index == MSR_MTRR_FIX64K)
        return fix;
    if (index == MSR_MTRR_FIX16K_80000 || index == MSR_MTRR_FIX16K_A0000)
        return fix + 1 + (index - MSR_MTRR_FIX16K_80000);
    if (index >= MSR_MTRR_FIX4K_FIRST && index <= MSR_MTRR_FIX4K_LAST)
        return fix + 3 + (index - MSR_MTRR_FIX4K_FIRST);
    return NULL;
}

static uint64_t *mtrr_variable(struct vx_vcpu *cpu, uint32_t index)
{
    if (index < MSR_MTRR_PHYS0 || index > MSR_MTRR_PHYS_LAST)
        return NULL;
    return &cpu->msr.mtrr_phys[index - MSR_MTRR_PHYS0];
}

/* A register of a machine-check bank. */
struct bank_register {
    unsigned bank;
    enum { BANK_CTL, BANK_STATUS, BANK_ADDR, BANK_MISC } which;
};

/* False when the index is none, or one that the model's bank has not got. */
static bool bank_register(const struct vx_cpu_model *model, uint32_t index, struct bank_register *reg)
{
    if (index < MSR_MC0_CTL || index > MSR_MC_LAST)
        return false;
    reg->bank = (index - MSR_MC0_CTL) / 4;
    reg->which = (index - MSR_MC0_CTL) % 4;
    if (reg->bank >= (model->mcg_cap & MCG_CAP_BANKS))
        return false;
    uint8_t has = reg->which == BANK_ADDR ? model->mc_addr : reg->which == BANK_MISC ? model->mc_misc : UINT8_MAX;
    return has >> reg->bank & 1;
}

/* No error is ever found: STATUS, ADDR and MISC hold 0, and software may write nothing else (SDM 3B "Error-Reporting
 * Register Banks"). CTL takes all zeros or all ones. */
static uint64_t read_bank(const struct vx_vcpu *cpu, const struct bank_register *reg)
{
    return reg->which == BANK_CTL && (cpu->msr.mc_ctl >> reg->bank & 1) ? UINT64_MAX : 0;
}

static bool write_bank(struct vx_vcpu *cpu, const struct bank_register *reg, uint64_t value)
{
    if (value != 0 && (reg->which != BANK_CTL || value != UINT64_MAX))
        return fault_code(cpu, VX_GP, 0);
    if (reg->which == BANK_CTL)
        cpu->msr.mc_ctl = (cpu->msr.mc_ctl & ~(1ull << reg->bank)) | (value & 1) << reg->bank;
    return true;
}

/* Registers that are read and written as plain state, after the checks of value_valid(). */
static uint64_t *plain(struct vx_vcpu *cpu, uint32_t index)
{
    struct vx_msrs *msr = &cpu->msr;
    switch (index) {
    case MSR_SPEC_CTRL: return &msr->spec_ctrl;
    case MSR_APIC_BASE: return &msr->apic_base;
    case MSR_BIOS_SIGN_ID: return &msr->bios_sign;
    case MSR_SYSENTER_CS: return &msr->sysenter_cs;
    case MSR_SYSENTER_ESP: return &msr->sysenter_esp;
    case MSR_SYSENTER_EIP: return &msr->sysenter_eip;
    case MSR_MCG_STATUS: return &msr->mcg_status;
    case MSR_MCG_CTL: return &msr->mcg_ctl;
    case MSR_TSC_AUX: return &msr->tsc_aux;
    case MSR_MISC_ENABLE: return &msr->misc_enable;
    case MSR_DEBUGCTL: return &msr->debugctl;
    case MSR_PAT: return &msr->pat;
    case MSR_MTRR_DEF_TYPE: return &msr->mtrr_def_type;
    default: break;
    }
    uint64_t *at = mtrr_fixed(cpu, index);
    return at != NULL ? at : mtrr_variable(cpu, index);
}

/* Is there something to say of this register for the first time? */
static bool first_report(struct vx_vcpu *cpu, uint32_t index)
{
    struct cpu_box *box = cpu_box(cpu);
    for (unsigned i = 0; i < box->msr_logged_count; i++)
        if (box->msr_logged[i] == index)
            return false;
    if (box->msr_logged_count == VX_MSR_LOGGED_MAX)
        return false;
    box->msr_logged[box->msr_logged_count++] = index;
    return true;
}

static bool unknown(struct vx_vcpu *cpu, uint32_t index, const char *verb)
{
    if (first_report(cpu, index))
        vx_log_debug(cpu->log, VX_LOG_CPU, "%s of unknown MSR %x answered with #GP", verb, (unsigned)index);
    return fault_code(cpu, VX_GP, 0);
}

uint64_t vx_cpu_rdtsc(struct vx_vcpu *cpu)
{
    return cpu->ops->input(cpu->ops_opaque, VX_INPUT_TSC) + cpu->msr.tsc_offset;
}

static uint64_t tsc_deadline(struct vx_vcpu *cpu)
{
    return cpu->ops->input(cpu->ops_opaque, VX_INPUT_TSC_DEADLINE);
}

static void set_tsc_deadline(struct vx_vcpu *cpu, uint64_t deadline)
{
    if (cpu->ops->set_tsc_deadline != NULL)
        cpu->ops->set_tsc_deadline(cpu->ops_opaque, deadline, cpu->msr.tsc_offset);
}

/* The deadline is one of the guest's TSC: it comes sooner or later when that is moved. */
static void move_tsc(struct vx_vcpu *cpu, uint64_t offset)
{
    uint64_t deadline = cpu_model_has(cpu->model, VX_F_TSC_DEADLINE) ? tsc_deadline(cpu) : 0;
    cpu->msr.tsc_offset = offset;
    if (deadline != 0)
        set_tsc_deadline(cpu, deadline);
}

/* Registers that can be read only, or whose value is not stored. */
static bool read_special(struct vx_vcpu *cpu, uint32_t index, uint64_t *value)
{
    switch (index) {
    case MSR_P5_MC_ADDR: /* no machine check has happened */
    case MSR_P5_MC_TYPE: *value = 0; return true;
    case MSR_TSC: *value = vx_cpu_rdtsc(cpu); return true;
    case MSR_TSC_ADJUST: *value = cpu->msr.tsc_offset; return true;
    case MSR_TSC_DEADLINE: *value = tsc_deadline(cpu); return true;
    case MSR_PLATFORM_ID: *value = cpu->msr.platform_id; return true;
    case MSR_EBL_CR_POWERON: *value = 0; return true;
    case MSR_FEATURE_CONTROL: *value = FEATURE_CONTROL_LOCKED; return true;
    case MSR_MTRRCAP: *value = MTRRCAP; return true;
    case MSR_MCG_CAP: *value = cpu->model->mcg_cap; return true;
    case MSR_EFER: *value = cpu->efer; return true;
    case MSR_ARCH_CAPABILITIES: *value = cpu->model->arch_capabilities; return true;
    default: return false;
    }
}

bool vx_cpu_read_msr(struct vx_vcpu *cpu, uint32_t index, uint64_t *value)
{
    if (cpu->cpl != 0)
        return fault_code(cpu, VX_GP, 0);
    if (!is_on_model(cpu->model, index))
        return unknown(cpu, index, "read");
    struct bank_register bank;
    if (bank_register(cpu->model, index, &bank)) {
        *value = read_bank(cpu, &bank);
        return true;
    }
    if (read_special(cpu, index, value))
        return true;
    const uint64_t *at = plain(cpu, index);
    if (at == NULL)
        return unknown(cpu, index, "read");
    *value = *at;
    return true;
}

/* NX that is in use cannot be taken away. */
static bool misc_enable_valid(const struct vx_vcpu *cpu, uint64_t value)
{
    if ((value & MISC_ENABLE_XD_DISABLE) && (cpu->efer & VX_EFER_NXE))
        return false;
    return ((value ^ cpu->msr.misc_enable) & ~cpu_model_misc_enable_writable(cpu->model)) == 0;
}

/* Whether a plain register may take this value; *value loses the bits that are ignored. */
static bool value_valid(struct vx_vcpu *cpu, uint32_t index, uint64_t *value)
{
    switch (index) {
    case MSR_APIC_BASE: return (*value & (~phys_mask(cpu) | 0x6FF)) == 0;
    case MSR_SPEC_CTRL: return (*value & ~(uint64_t)SPEC_CTRL_BITS) == 0;
    case MSR_MCG_STATUS: return (*value & ~7ull) == 0;
    case MSR_PAT: return types_valid(*value, true);
    case MSR_MTRR_DEF_TYPE: return (*value & ~0xCFFull) == 0 && types_valid(*value & 0xFF, false);
    case MSR_MCG_CTL: return *value == 0 || *value == UINT64_MAX;
    case MSR_TSC_AUX: return *value <= UINT32_MAX;
    case MSR_MISC_ENABLE: return misc_enable_valid(cpu, *value);
    case MSR_DEBUGCTL: return (*value & ~(uint64_t)VX_DEBUGCTL_BTF) == 0; /* branch records are not kept */
    case MSR_SYSENTER_CS:
    case MSR_SYSENTER_ESP:
    case MSR_SYSENTER_EIP: *value = (uint32_t)*value; return true;
    default: break;
    }
    if (mtrr_fixed(cpu, index) != NULL)
        return types_valid(*value, false);
    if (mtrr_variable(cpu, index) != NULL) {
        bool mask = index & 1;
        return (*value & (~phys_mask(cpu) | (mask ? 0x7FF : 0xF00))) == 0 &&
               (mask || types_valid(*value & 0xFF, false));
    }
    return true;
}

static bool write_efer(struct vx_vcpu *cpu, uint64_t value)
{
    struct creg_change change = creg_current(cpu);
    bool has_nx = !(cpu->msr.misc_enable & MISC_ENABLE_XD_DISABLE);
    if ((value & EFER_LME) && first_report(cpu, MSR_EFER))
        vx_log_warn(cpu->log, VX_LOG_CPU,
                    "the guest asks for 64-bit mode (EFER.LME), which its CPU has not got; take a system for i386");
    if (value & ~(uint64_t)(has_nx ? VX_EFER_NXE : 0))
        return fault_code(cpu, VX_GP, 0);
    change.efer = value;
    return creg_apply(cpu, &change);
}

/* Writes with an effect of their own; *done is false when the register is not one of them. */
static bool write_special(struct vx_vcpu *cpu, uint32_t index, uint64_t value, bool *done)
{
    *done = true;
    switch (index) {
    case MSR_TSC: move_tsc(cpu, cpu->msr.tsc_offset + value - vx_cpu_rdtsc(cpu)); return true;
    case MSR_TSC_ADJUST: move_tsc(cpu, value); return true;
    case MSR_TSC_DEADLINE: set_tsc_deadline(cpu, value); return true;
    case MSR_EBL_CR_POWERON:
    case MSR_BIOS_UPDT_TRIG: return true;
    case MSR_PRED_CMD:
        if (value & ~1ull)
            break;
        return true;
    case MSR_EFER: return write_efer(cpu, value);
    case MSR_PLATFORM_ID:
    case MSR_FEATURE_CONTROL:
    case MSR_MTRRCAP:
    case MSR_MCG_CAP:
    case MSR_ARCH_CAPABILITIES: break;
    default: *done = false; return true;
    }
    return fault_code(cpu, VX_GP, 0);
}

bool vx_cpu_write_msr(struct vx_vcpu *cpu, uint32_t index, uint64_t value)
{
    bool done;
    if (cpu->cpl != 0)
        return fault_code(cpu, VX_GP, 0);
    if (!is_on_model(cpu->model, index))
        return unknown(cpu, index, "write");
    struct bank_register bank;
    if (bank_register(cpu->model, index, &bank))
        return write_bank(cpu, &bank, value);
    bool ok = write_special(cpu, index, value, &done);
    if (done)
        return ok;
    uint64_t *at = plain(cpu, index);
    if (at == NULL)
        return unknown(cpu, index, "write");
    if (!value_valid(cpu, index, &value))
        return fault_code(cpu, VX_GP, 0);
    *at = value;
    if (index == MSR_APIC_BASE)
        cpu->ops->apic_base(cpu->ops_opaque, value);
    return true;
}

/* cpu.c - a vCPU's life: creation, RESET# and INIT# (SDM 3A "Processor State After Reset"). */
#include "vx86/cpu.h"

#include <stdlib.h>

#include "cpu_model.h"
#include "cpu_private.h"
#include "creg.h"
#include "segment.h"
#include "smm.h"

/* Offsets into the FXSAVE image. */
enum { FX_FCW = 0, FX_FTW = 4, FX_MXCSR = 24, FX_MXCSR_MASK = 28 };

enum {
    CR0_AFTER_RESET = 0x60000010, /* CD, NW, ET */
    PAT_AFTER_RESET_HALF = 0x00070406,
    APIC_BASE_AFTER_RESET = (int)0xFEE00900u, /* enabled, bootstrap processor */
    MISC_ENABLE_AFTER_RESET = 0x1801,         /* fast strings; no BTS, no PEBS */
};

vx_err vx_cpu_create(const struct vx_cpu_config *config, struct vx_vcpu **out)
{
    VX_ASSERT(config->model != NULL && config->ops != NULL && config->log != NULL && config->stats != NULL);
    struct cpu_box *box = aligned_alloc(64, (sizeof(*box) + 63) & ~(size_t)63);
    if (box == NULL) {
        vx_log_error(config->log, VX_LOG_CPU, "out of memory for the virtual CPU");
        return VX_ERR_NO_MEMORY;
    }
    memset(box, 0, sizeof(*box));
    struct vx_vcpu *cpu = &box->vcpu;
    cpu->log = config->log;
    cpu->stats = config->stats;
    cpu->ops = config->ops;
    cpu->ops_opaque = config->ops_opaque;
    box->model = *config->model;
    cpu->model = &box->model;
    if (config->undefined != NULL)
        box->undefined = *config->undefined;
    else
        undefined_probe(&box->undefined);
    cpu->retire_limit = VX_RETIRE_NONE;
    vx_err err = vx_mmu_create(config->log, config->stats, config->pmap, &cpu->mmu);
    if (err != VX_ERR_OK) {
        free(box);
        return err;
    }
    cpu->mmu->cpu = config->number;
    vx_cpu_reset(cpu, false);
    *out = cpu;
    return VX_ERR_OK;
}

void vx_cpu_destroy(struct vx_vcpu *cpu)
{
    if (cpu == NULL)
        return;
    vx_mmu_destroy(cpu->mmu);
    free(cpu_box(cpu));
}

static void reset_segments(struct vx_vcpu *cpu)
{
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        cpu->seg[i] = (struct vx_seg){ .limit = 0xFFFF, .attr = VX_ATTR_REAL };
    cpu->seg[VX_CS].sel = 0xF000;
    cpu->seg[VX_CS].base = 0xFFFF0000u;
    cpu->ldtr = (struct vx_seg){ .limit = 0xFFFF, .attr = VX_ATTR_P | VX_SYS_LDT };
    cpu->tr = (struct vx_seg){ .limit = 0xFFFF, .attr = VX_ATTR_P | VX_SYS_TSS32_BUSY };
    cpu->gdtr = (struct vx_table_reg){ .limit = 0xFFFF };
    cpu->idtr = (struct vx_table_reg){ .limit = 0xFFFF };
}

static void reset_control(struct vx_vcpu *cpu, bool init)
{
    uint64_t kept = init ? cpu->cr0 & (VX_CR0_CD | VX_CR0_NW) : CR0_AFTER_RESET;
    struct creg_change change = { .cr0 = kept | VX_CR0_ET, .cr3_written = true };
    vx_set_eflags_raw(cpu, 0);
    bool ok = creg_apply(cpu, &change);
    VX_ASSERT(ok); /* paging is off: no PDPTE can be wrong */
    cpu->cr2 = 0;
    memset(cpu->dr, 0, sizeof(cpu->dr));
    cpu->dr[6] = 0xFFFF0FF0u;
    cpu->dr[7] = 0x400;
}

static void reset_fpu(struct vx_vcpu *cpu)
{
    uint16_t fcw = 0x0040;
    uint32_t mxcsr = 0x1F80, mxcsr_mask = 0xFFFF;
    memset(cpu->fx, 0, sizeof(cpu->fx));
    memcpy(cpu->fx + FX_FCW, &fcw, sizeof(fcw));
    cpu->fx[FX_FTW] = 0xFF; /* tag word 5555h: all zero, none empty */
    memcpy(cpu->fx + FX_MXCSR, &mxcsr, sizeof(mxcsr));
    memcpy(cpu->fx + FX_MXCSR_MASK, &mxcsr_mask, sizeof(mxcsr_mask));
}

static void reset_msrs(struct vx_vcpu *cpu)
{
    cpu->msr = (struct vx_msrs){
        .apic_base = (uint32_t)APIC_BASE_AFTER_RESET,
        .pat = (uint64_t)PAT_AFTER_RESET_HALF << 32 | PAT_AFTER_RESET_HALF,
        .misc_enable = MISC_ENABLE_AFTER_RESET,
        .bios_sign = cpu->model->microcode << 32,
    };
}

void vx_cpu_reset(struct vx_vcpu *cpu, bool init)
{
    memset(cpu->gpr, 0, sizeof(cpu->gpr));
    cpu->gpr[VX_RDX] = cpu->model->signature;
    cpu->rip = 0xFFF0;
    cpu->cpl = 0;
    cpu->inhibit = VX_INHIBIT_NONE;
    cpu->halted = false;
    cpu->shutdown = false;
    cpu->nmi_blocked = false;
    cpu->nmi_pending = false;
    cpu->smi_pending = false;
    cpu->debug_hits = 0;
    smm_reset(cpu, init);
    reset_segments(cpu);
    reset_control(cpu, init);
    if (!init) {
        reset_fpu(cpu);
        reset_msrs(cpu);
    }
}

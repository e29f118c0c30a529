/* test_sys_smm.c - system management mode on the bare vCPU: what SMI leaves to the handler, what RSM takes of a changed
 * save area and what it shuts down for. tests/insn/smm.asm has the ways in and out under both engines. */
#include "smm.h"
#include "sys_world.h"

/* Offsets in the save area, SDM 3C "SMRAM State Save Map". */
enum { SMRAM = 0x30000, CR0 = 0xFFFC, EFLAGS = 0xFFF4, DR7 = 0xFFC8, DS_ATTR = 0xFF2C, CR4 = 0xFF14, SMBASE = 0xFEF8 };

/* From ring 0 of protected mode into the handler. */
static struct world *in_handler(void)
{
    struct world *w = world_create();
    w->cpu->dr[7] = 0x701;
    vx_set_eflags_raw(w->cpu, VX_FL_CF | VX_FL_IF);
    vx_vcpu_smi(w->cpu);
    smm_enter(w->cpu);
    return w;
}

Test(smm, handler)
{
    struct world *w = in_handler();
    const struct vx_vcpu *cpu = w->cpu;
    cr_assert(cpu->smm && cpu->rip == 0x8000 && cpu->seg[VX_CS].sel == SMRAM >> 4 && cpu->seg[VX_CS].base == SMRAM);
    cr_assert(!(cpu->cr0 & VX_CR0_PE) && cpu->cr4 == 0 && vx_eflags(cpu) == 2 && cpu->nmi_blocked);
    cr_assert_eq(cpu->dr[7], 0x400);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        cr_assert(cpu->seg[i].limit == UINT32_MAX && (i == VX_CS || cpu->seg[i].base == 0), "segment %u", i);
    cr_assert_eq(world_get(w, SMRAM + DR7, 4), 0x701);
    world_destroy(w);
}

/* What RSM gives for one changed field of the save area. */
static const struct {
    const char *name;
    uint32_t at, set, clear;
    bool shutdown;
    uint32_t eflags; /* else afterwards, and: */
    bool real, ds_unusable;
} rows[] = {
    { "nothing", DR7, 0, 0, false, VX_FL_CF | VX_FL_IF | 2, false, false },
    { "VM in real mode", EFLAGS, VX_FL_VM, 0, false, VX_FL_CF | VX_FL_IF | 2, true, false },
    { "VM in protected mode", EFLAGS, VX_FL_VM, 0, false, VX_FL_CF | VX_FL_IF | VX_FL_VM | 2, false, false },
    { "a reserved flag", EFLAGS, 1u << 30, 2, false, VX_FL_CF | VX_FL_IF | 2, false, false },
    { "a null segment", DS_ATTR, 1u << 16, 0, false, VX_FL_CF | VX_FL_IF | 2, false, true },
    { "PG without PE", CR0, (uint32_t)VX_CR0_PG, (uint32_t)VX_CR0_PE, true, 0, false, false },
    { "NW without CD", CR0, (uint32_t)VX_CR0_NW, (uint32_t)VX_CR0_CD, true, 0, false, false },
    { "a reserved bit of CR4", CR4, 1u << 31, 0, true, 0, false, false },
};

Test(smm, resume)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct world *w = in_handler();
        struct vx_vcpu *cpu = w->cpu;
        uint32_t value = world_get(w, SMRAM + rows[i].at, 4);
        world_put(w, SMRAM + rows[i].at, 4, (value & ~rows[i].clear) | rows[i].set);
        if (rows[i].real)
            world_put(w, SMRAM + CR0, 4, world_get(w, SMRAM + CR0, 4) & ~(uint32_t)VX_CR0_PE);
        cr_assert(smm_resume(cpu) && !cpu->smm, "%s", rows[i].name);
        cr_assert_eq(cpu->shutdown, rows[i].shutdown, "%s", rows[i].name);
        cr_assert(rows[i].shutdown ||
                      (vx_eflags(cpu) == rows[i].eflags && cpu->dr[7] == 0x701 && !cpu->nmi_blocked &&
                       vx_real_mode(cpu) == rows[i].real && cpu->seg[VX_DS].unusable == rows[i].ds_unusable),
                  "%s: eflags %x dr7 %x", rows[i].name, vx_eflags(cpu), (unsigned)cpu->dr[7]);
        world_destroy(w);
    }
}

/* SMBASE moves with RSM; RESET# puts it back, INIT# does not. RSM outside is #UD. */
Test(smm, base)
{
    struct world *w = in_handler();
    struct vx_vcpu *cpu = w->cpu;
    world_put(w, SMRAM + SMBASE, 4, 0x50000);
    cr_assert(smm_resume(cpu) && cpu->smbase == 0x50000);
    cr_assert(!smm_resume(cpu) && cpu->mmu->fault.vector == VX_UD);
    vx_cpu_reset(cpu, true);
    cr_assert_eq(cpu->smbase, 0x50000);
    vx_cpu_reset(cpu, false);
    cr_assert_eq(cpu->smbase, SMRAM);
    world_destroy(w);
}

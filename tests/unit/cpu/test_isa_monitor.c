/* test_isa_monitor.c - MONITOR and MWAIT: who may, what faults, and when the CPU waits. */
#include <criterion/criterion.h>
#include <string.h>

#include "cpu_model.h"
#include "interp_rig.h"

enum { LINE = 0x9000 };

/* One row: MONITOR, perhaps a store, MWAIT. */
Test(isa_monitor, waits_or_not)
{
    static const struct {
        const char *name;
        const char *model;
        uint32_t cpl, monitor_ecx, mwait_ecx;
        bool arm, store, interrupts;
        int vector; /* -1: none */
        bool waits;
    } rows[] = {
        { "waits", "core2", 0, 0, 0, true, false, true, -1, true },
        { "the line has changed", "core2", 0, 0, 0, true, true, true, -1, false },
        { "nothing is watched", "core2", 0, 0, 0, false, false, true, -1, false },
        { "interrupts are masked", "core2", 0, 0, 0, true, false, false, -1, false },
        { "masked, with the extension", "core2", 0, 0, 1, true, false, false, -1, false },
        { "wrong hint of MONITOR", "core2", 0, 1, 0, true, false, true, VX_GP, false },
        { "wrong extension of MWAIT", "core2", 0, 0, 2, true, false, true, VX_GP, false },
        { "level 3", "core2", 3, 0, 0, true, false, true, VX_UD, false },
        { "not on this model", "default", 0, 0, 0, true, false, true, VX_UD, false },
        { "added to this model", "default,+monitor", 0, 0, 0, true, false, true, -1, true },
    };
    static const uint8_t code[] = { 0x0F, 0x01, 0xC8, 0x0F, 0x01, 0xC9 };
    struct interp_rig rig;
    unsigned bad = 0;
    cr_assert(rig_init(&rig));
    const struct vx_cpu_model *own = rig.cpu->model;
    memcpy(rig.ram + RIG_CODE, code, sizeof code);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        char problem[160];
        struct vx_cpu_model *model;
        cr_assert_eq(vx_cpu_model_create(rows[i].model, problem, sizeof problem, &model), VX_ERR_OK);
        rig_flat(&rig, rows[i].cpl);
        rig.cpu->model = model;
        rig.cpu->msr.misc_enable = cpu_model_misc_enable(model);
        rig.cpu->iflag = rows[i].interrupts;
        rig.cpu->gpr[VX_RAX] = LINE + 5;
        rig.cpu->gpr[VX_RCX] = rows[i].monitor_ecx;
        rig.cpu->mmu->fault.vector = 0;
        if (rows[i].arm)
            vx_interp_step(rig.cpu);
        rig.ram[LINE + 63] = (uint8_t)(rig.ram[LINE + 63] + rows[i].store);
        rig.cpu->gpr[VX_RCX] = rows[i].mwait_ecx;
        if (!rows[i].arm)
            rig.cpu->rip = RIG_CODE + 3;
        bool faulted = rig.cpu->mmu->fault.vector != 0;
        if (!faulted)
            vx_interp_step(rig.cpu);
        faulted = rig.cpu->mmu->fault.vector != 0;
        if (rig.cpu->halted != rows[i].waits || faulted != (rows[i].vector >= 0) ||
            (faulted && rig.cpu->mmu->fault.vector != rows[i].vector) ||
            (!faulted && rig.cpu->rip != RIG_CODE + sizeof code)) {
            fprintf(stderr, "%s: waits %d, vector %d, eip %x\n", rows[i].name, rig.cpu->halted,
                    faulted ? rig.cpu->mmu->fault.vector : -1, (unsigned)rig.cpu->rip);
            bad++;
        }
        rig.cpu->model = own;
        vx_cpu_model_destroy(model);
    }
    rig_fini(&rig);
    cr_assert_eq(bad, 0, "%u rows", bad);
}

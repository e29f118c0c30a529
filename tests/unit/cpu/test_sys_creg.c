/* test_sys_creg.c - control and debug registers, MSRs, CPUID, reset. */
#include "sys_world.h"

#include "cpu_model.h"

Test(creg, cr0_legality)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (unsigned n = 0; n < 32; n++) {
        bool pe = n & 1, pg = n >> 1 & 1, cd = n >> 2 & 1, nw = n >> 3 & 1, junk = n >> 4;
        vx_cpu_reset(cpu, false);
        uint64_t before = cpu->cr0;
        uint32_t value = (pe ? 1u : 0) | (pg ? 0x80000000u : 0) | (cd ? 0x40000000u : 0) | (nw ? 0x20000000u : 0) |
                         (junk ? 0x1FFAFFC0u : 0);
        bool legal = (!pg || pe) && (!nw || cd);
        cr_assert_eq(world_outcome(w, vx_cpu_write_cr(cpu, 0, value)), legal ? W_OK : FAULT(VX_GP, 0), "case %x", n);
        cr_assert_eq(cpu->cr0, legal ? (value & ~0x1FFAFFC0u) | VX_CR0_ET : before, "case %x", n);
        cr_assert_eq(vx_mmu_paging(cpu->mmu)->cr0, cpu->cr0, "case %x: the mmu knows", n);
    }
    world_destroy(w);
}

Test(creg, who_and_which)
{
    struct world *w = world_create();
    uint64_t value;
    for (unsigned n = 0; n < 8; n++) {
        bool exists = n == 0 || n == 2 || n == 3 || n == 4;
        for (unsigned cpl = 0; cpl < 4; cpl += 3) {
            world_protected(w, cpl);
            uint32_t want = !exists ? FAULT(VX_UD, 0xFFFF) : cpl != 0 ? FAULT(VX_GP, 0) : W_OK;
            cr_assert_eq(world_outcome(w, vx_cpu_read_cr(w->cpu, n, &value)), want, "read CR%u at %u", n, cpl);
            cr_assert_eq(world_outcome(w, vx_cpu_write_cr(w->cpu, n, n == 0 ? 1 : 0)), want, "write CR%u at %u", n,
                         cpl);
        }
    }
    world_destroy(w);
}

/* Every bit of CR4: legal when the model offers its feature. */
Test(creg, cr4_legality)
{
    struct world *w = world_create();
    const uint32_t legal = VX_CR4_VME | VX_CR4_PVI | VX_CR4_TSD | VX_CR4_DE | VX_CR4_PSE | VX_CR4_PAE | VX_CR4_MCE |
                           VX_CR4_PGE | VX_CR4_PCE | VX_CR4_OSFXSR | VX_CR4_OSXMMEXCPT | VX_CR4_SMEP | VX_CR4_UMIP;
    for (unsigned bit = 0; bit < 32; bit++) {
        world_protected(w, 0);
        uint32_t value = 1u << bit;
        uint32_t want = value & legal ? W_OK : FAULT(VX_GP, 0);
        cr_assert_eq(world_outcome(w, vx_cpu_write_cr(w->cpu, 4, value)), want, "bit %u", bit);
        cr_assert_eq(w->cpu->cr4, want == W_OK ? value : 0);
    }
    world_destroy(w);
}

/* PAE paging loads four PDPTEs: one with a reserved bit makes the write fail and changes nothing. */
Test(creg, pdptes)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    world_put(w, 0x30000, 8, 0x31001);
    world_put(w, 0x31000, 8, 0x83); /* 2 MiB identity */
    world_put(w, 0x30040, 8, 0x31001 | 2);
    cr_assert(vx_cpu_write_cr(cpu, 4, VX_CR4_PAE));
    cr_assert(vx_cpu_write_cr(cpu, 3, 0x30000) && vx_cpu_write_cr(cpu, 0, 0x80000001u));
    cr_assert_eq(world_outcome(w, vx_cpu_write_cr(cpu, 3, 0x30040)), FAULT(VX_GP, 0));
    cr_assert_eq(cpu->cr3, 0x30000);
    uint64_t phys;
    cr_assert(vx_mmu_translate(cpu->mmu, 0x1234, VX_ACCESS_READ, VX_VIEW_SUPERVISOR, &phys) && phys == 0x1234);
    world_destroy(w);
}

Test(creg, debug_registers)
{
    static const struct {
        unsigned n;
        uint32_t cr4, value, want;
        unsigned stored_in;
        uint32_t fault;
    } rows[] = {
        { 0, 0, 0x12345678, 0x12345678, 0, W_OK },       { 3, 0, 0xFFFFFFFF, 0xFFFFFFFF, 3, W_OK },
        { 4, 0, 0xFFFFFFFF, 0xFFFFEFFF, 6, W_OK },       { 6, 0, 0, 0xFFFF0FF0, 6, W_OK },
        { 5, 0, 0xFFFFFFFF, 0xFFFF27FF, 7, W_OK },       { 7, 0, 0, 0x400, 7, W_OK },
        { 4, VX_CR4_DE, 0, 0, 0, FAULT(VX_UD, 0xFFFF) }, { 5, VX_CR4_DE, 0, 0, 0, FAULT(VX_UD, 0xFFFF) },
        { 6, VX_CR4_DE, 0xF, 0xFFFF0FFF, 6, W_OK },
    };
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    uint64_t value;
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        world_protected(w, 0);
        cr_assert(vx_cpu_write_cr(cpu, 4, rows[i].cr4));
        cr_assert_eq(world_outcome(w, vx_cpu_write_dr(cpu, rows[i].n, rows[i].value)), rows[i].fault, "row %zu", i);
        if (rows[i].fault != W_OK)
            continue;
        cr_assert_eq(cpu->dr[rows[i].stored_in], rows[i].want, "row %zu: %x", i, (unsigned)cpu->dr[rows[i].stored_in]);
    }
    world_protected(w, 0);
    cr_assert(vx_cpu_write_dr(cpu, 7, 1 << 13));
    cr_assert_eq(world_outcome(w, vx_cpu_read_dr(cpu, 0, &value)), FAULT(VX_DB, 0xFFFF), "GD");
    cr_assert(cpu->dr[6] & 1 << 13);
    world_protected(w, 3);
    cr_assert_eq(world_outcome(w, vx_cpu_read_dr(cpu, 0, &value)), FAULT(VX_GP, 0));
    world_destroy(w);
}

/* A 64-bit system that did not ask CPUID: told of once. */
Test(creg, long_mode_is_asked_for)
{
    struct world *w = world_create();
    char text[400] = "";
    world_protected(w, 0);
    for (unsigned i = 0; i < 3; i++)
        cr_assert_eq(world_outcome(w, vx_cpu_write_msr(w->cpu, 0xC0000080, 0x100)), FAULT(VX_GP, 0));
    rewind(w->sink);
    text[fread(text, 1, sizeof text - 1, w->sink)] = '\0';
    const char *line = strstr(text, "64-bit mode");
    cr_assert(line != NULL && strstr(line + 1, "64-bit mode") == NULL, "%s", text);
    world_destroy(w);
}

Test(creg, msr_values)
{
    static const struct {
        uint32_t index;
        uint64_t value;
        bool accepted;
        uint64_t reads;
    } rows[] = {
        { 0x174, 0x1234567800000060, true, 0x60 },
        { 0x175, 0xC0001000, true, 0xC0001000 },
        { 0x1B, 0xFEE00900, true, 0xFEE00900 },
        { 0x1B, 0xFEE00D00, false, 0 },     /* x2APIC is not offered */
        { 0x1B, 0x1000FEE00900, false, 0 }, /* beyond 36 bits */
        { 0x277, 0x0007040600070406, true, 0x0007040600070406 },
        { 0x277, 0x0007040600070402, false, 0 }, /* type 2 */
        { 0x277, 0x0007040600070408, false, 0 },
        { 0x2FF, 0xC06, true, 0xC06 },
        { 0x2FF, 0x1000, false, 0 },
        { 0x2FF, 0x007, false, 0 }, /* UC- is for PAT only */
        { 0x200, 0xC0000006, true, 0xC0000006 },
        { 0x200, 0xC0000106, false, 0 },
        { 0x200, 0xC0000002, false, 0 },
        { 0x201, 0xFC0000800, true, 0xFC0000800 },
        { 0x201, 0xFC0000801, false, 0 },
        { 0x20F, 0x800, true, 0x800 },
        { 0x210, 0, false, 0 },
        { 0x250, 0x0606060606060606, true, 0x0606060606060606 },
        { 0x259, 0x0001040500010405, true, 0x0001040500010405 },
        { 0x26F, 0x0606060606060603, false, 0 },
        { 0xFE, 0, false, 0 },
        { 0x3B, 12345, true, 12345 },
        { 0x48, 1, false, 0 }, /* SPEC_CTRL: not on this model */
        { 0x49, 1, false, 0 },
        { 0x10A, 0, false, 0 },
        { 0x179, 0, false, 0 },
        { 0x17A, 7, true, 7 },
        { 0x17A, 8, false, 0 },
        { 0x400, UINT64_MAX, true, UINT64_MAX },
        { 0x401, 1, false, 0 },
        { 0x401, 0, true, 0 },
        { 0x400, 1, false, 0 },
        { 0x1A0, 0x401800, true, 0x401800 },
        { 0x1A0, UINT64_MAX, false, 0 },
        { 0xC0000103, 0x89ABCDEF, true, 0x89ABCDEF },
        { 0xC0000103, 1ull << 32, false, 0 },
        { 0xC0000080, VX_EFER_NXE, true, VX_EFER_NXE },
        { 0xC0000080, 1, false, 0 },
        { 0xC0000081, 0, false, 0 },
        { 0x12345678, 0, false, 0 },
    };
    struct world *w = world_create();
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        uint64_t value = 0;
        world_protected(w, 0);
        uint32_t got = world_outcome(w, vx_cpu_write_msr(w->cpu, rows[i].index, rows[i].value));
        cr_assert_eq(got, rows[i].accepted ? W_OK : FAULT(VX_GP, 0), "row %zu: %x", i, got);
        if (!rows[i].accepted)
            continue;
        cr_assert(vx_cpu_read_msr(w->cpu, rows[i].index, &value), "row %zu", i);
        cr_assert_eq(value, rows[i].reads, "row %zu: %lx", i, (unsigned long)value);
        world_protected(w, 3);
        cr_assert_eq(world_outcome(w, vx_cpu_read_msr(w->cpu, rows[i].index, &value)), FAULT(VX_GP, 0),
                     "row %zu at CPL 3", i);
        cr_assert_eq(world_outcome(w, vx_cpu_write_msr(w->cpu, rows[i].index, rows[i].value)), FAULT(VX_GP, 0),
                     "row %zu", i);
    }
    cr_assert_eq(w->apic_base, 0xFEE00900, "the machine was told");
    world_destroy(w);
}

/* Registers of ranges do not share their storage. Bits that tell one from another: those of the index, a byte each. */
static uint64_t value_of_msr(uint32_t index)
{
    uint64_t value = 0;
    if (index >= 0x200 && index <= 0x20F)
        return (uint64_t)index << 12;
    for (unsigned bit = 0; bit < 8; bit++)
        value |= (uint64_t)(index >> bit & 1) << 8 * bit;
    return index < 0x200 ? (uint32_t)value : value;
}

Test(creg, msrs_keep_their_own_values)
{
    static const uint32_t ranges[][2] = {
        { 0x174, 0x176 }, { 0x200, 0x20F }, { 0x250, 0x250 }, { 0x258, 0x259 }, { 0x268, 0x26F },
    };
    struct world *w = world_create();
    for (unsigned pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < VX_ARRAY_LEN(ranges); i++)
            for (uint32_t index = ranges[i][0]; index <= ranges[i][1]; index++) {
                uint64_t got = 0, want = value_of_msr(index);
                if (pass == 0)
                    cr_assert(vx_cpu_write_msr(w->cpu, index, want), "%x", index);
                else
                    cr_assert(vx_cpu_read_msr(w->cpu, index, &got) && got == want, "%x: %lx, not %lx", index,
                              (unsigned long)got, (unsigned long)want);
            }
    world_destroy(w);
}

Test(creg, time_stamp_counter)
{
    struct world *w = world_create();
    uint64_t value;
    w->tsc = 1000;
    cr_assert_eq(vx_cpu_rdtsc(w->cpu), 1000);
    cr_assert(vx_cpu_write_msr(w->cpu, 0x10, 50));
    w->tsc = 1100;
    cr_assert_eq(vx_cpu_rdtsc(w->cpu), 150);
    cr_assert(vx_cpu_read_msr(w->cpu, 0x3B, &value) && value == (uint64_t)-950, "TSC_ADJUST follows");
    world_destroy(w);
}

/* The machine has the deadline; it is told again when the TSC moves, and asked when it is read. */
Test(creg, tsc_deadline)
{
    struct world *w = world_create();
    uint64_t value;
    w->tsc = 1000;
    cr_assert(vx_cpu_write_msr(w->cpu, 0x6E0, 5000));
    cr_assert(w->deadline == 5000 && w->deadline_offset == 0);
    cr_assert(vx_cpu_write_msr(w->cpu, 0x10, 300));
    cr_assert(w->deadline == 5000 && w->deadline_offset == (uint64_t)-700);
    cr_assert(vx_cpu_write_msr(w->cpu, 0x3B, 20));
    cr_assert(w->deadline == 5000 && w->deadline_offset == 20);
    w->deadline = 0; /* it has passed */
    cr_assert(vx_cpu_read_msr(w->cpu, 0x6E0, &value) && value == 0);
    cr_assert(vx_cpu_write_msr(w->cpu, 0x3B, 30));
    cr_assert(w->deadline == 0 && w->deadline_offset == 20, "none to move");
    w->cpu->model = vx_cpu_model_find("core2");
    cr_assert(!vx_cpu_write_msr(w->cpu, 0x6E0, 1) && !vx_cpu_read_msr(w->cpu, 0x6E0, &value));
    world_destroy(w);
}

/* CPUID holds together: leaves in range, features and registers agree, the two models differ where they should. */
Test(creg, cpuid)
{
    static const char *const names[] = { "default", "vulnerable" };
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (unsigned i = 0; i < 2; i++) {
        char vendor[13] = "", brand[49] = "";
        bool promises = i == 0;
        uint64_t value;
        cpu->model = vx_cpu_model_find(names[i]);
        cr_assert_not_null(cpu->model);
        vx_cpu_reset(cpu, false);
        cr_assert_eq(cpu->gpr[VX_RDX], cpu->model->signature, "EDX after reset");
        cpu->gpr[VX_RAX] = 0;
        vx_cpu_cpuid(cpu);
        memcpy(vendor, &cpu->gpr[VX_RBX], 4);
        memcpy(vendor + 4, &cpu->gpr[VX_RDX], 4);
        memcpy(vendor + 8, &cpu->gpr[VX_RCX], 4);
        cr_assert_str_eq(vendor, "GenuineIntel");
        cr_assert_eq(cpu->gpr[VX_RAX], 0x16);
        cpu->gpr[VX_RAX] = 1;
        vx_cpu_cpuid(cpu);
        cr_assert_eq(cpu->gpr[VX_RAX], cpu->model->signature);
        cr_assert_eq(cpu->gpr[VX_RCX] >> 31, 0, "no hypervisor bit");
        cr_assert_eq(cpu->gpr[VX_RDX], 0x078BFBFFu, "%x", (unsigned)cpu->gpr[VX_RDX]);
        for (unsigned leaf = 0; leaf < 3; leaf++) {
            cpu->gpr[VX_RAX] = 0x80000002u + leaf;
            vx_cpu_cpuid(cpu);
            static const unsigned order[] = { VX_RAX, VX_RBX, VX_RCX, VX_RDX };
            for (unsigned r = 0; r < 4; r++)
                memcpy(brand + leaf * 16 + r * 4, &cpu->gpr[order[r]], 4);
        }
        cr_assert_str_eq(brand, cpu->model->brand);
        cpu->gpr[VX_RAX] = 7;
        cpu->gpr[VX_RCX] = 0;
        vx_cpu_cpuid(cpu);
        cr_assert_eq(cpu->gpr[VX_RDX] >> 29 & 1, promises);
        cr_assert_eq(vx_cpu_read_msr(cpu, 0x10A, &value), promises);
        cr_assert_eq(vx_cpu_read_msr(cpu, 0x48, &value), !promises);
        cpu->gpr[VX_RAX] = 0x15;
        vx_cpu_cpuid(cpu);
        cr_assert_eq(cpu->gpr[VX_RCX] * cpu->gpr[VX_RBX] / cpu->gpr[VX_RAX], VX_CPU_TSC_HZ);
        static const uint32_t beyond[] = { 0x17, 0x40000000, 0x7FFFFFFF, 0x80000009, 0xFFFFFFFF };
        for (unsigned b = 0; b < VX_ARRAY_LEN(beyond); b++) {
            cpu->gpr[VX_RAX] = beyond[b];
            vx_cpu_cpuid(cpu);
            cr_assert_eq(cpu->gpr[VX_RAX], 1000, "leaf %x answers as the highest basic one", beyond[b]);
        }
        cr_assert(vx_cpu_write_msr(cpu, 0x1A0, 0x401801));
        cpu->gpr[VX_RAX] = 0;
        vx_cpu_cpuid(cpu);
        cr_assert_eq(cpu->gpr[VX_RAX], 3, "limited for old systems");
    }
    cr_assert_null(vx_cpu_model_find("pentium9"));
    world_destroy(w);
}

Test(creg, reset_and_init)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (unsigned init = 0; init < 2; init++) {
        world_protected(w, 3);
        cpu->cpl = 0;
        cpu->msr.sysenter_cs = 8;
        cpu->fx[32] = 0x55;
        cpu->halted = cpu->shutdown = cpu->nmi_blocked = true;
        vx_cpu_reset(cpu, init);
        cr_assert_eq(vx_cs_lin(cpu), 0xFFFFFFF0u);
        cr_assert(cpu->seg[VX_CS].sel == 0xF000 && cpu->rip == 0xFFF0 && cpu->cpl == 0 && vx_eflags(cpu) == 2);
        cr_assert_eq(cpu->cr0, init ? 0x10u : 0x60000010u, "%x", (unsigned)cpu->cr0);
        cr_assert(cpu->dr[6] == 0xFFFF0FF0u && cpu->dr[7] == 0x400 && cpu->idtr.limit == 0xFFFF &&
                  cpu->tr.limit == 0xFFFF);
        cr_assert(!cpu->halted && !cpu->shutdown && !cpu->nmi_blocked);
        cr_assert_eq(cpu->msr.sysenter_cs, init ? 8u : 0u);
        cr_assert_eq(cpu->fx[32], init ? 0x55 : 0);
        cr_assert(cpu->fx[0] == 0x40 || init);
        cr_assert_eq(vx_mmu_paging(cpu->mmu)->cr0, cpu->cr0);
    }
    world_destroy(w);
}

/* The dump names what matters and touches no device. */
Test(creg, dump)
{
    struct world *w = world_create();
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    struct vx_log *log = vx_log_create(out);
    w->cpu->log = log;
    world_put(w, W_CODE, 4, 0x90FF0FCC);
    for (unsigned i = 0; i < 40; i++) {
        w->cpu->rip = W_CODE + i;
        cpu_ring_note(w->cpu);
    }
    w->cpu->rip = W_CODE;
    vx_cpu_dump(w->cpu);
    w->cpu->seg[VX_CS].base = 0x80000000u; /* bus */
    vx_cpu_dump(w->cpu);
    fflush(out);
    static const char *const wanted[] = {
        "EAX", "EIP 00008000", "CR0", "code at EIP: cc 0f ff 90", "0008:00008027", "0008:00008008", "(not in memory)"
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(wanted); i++)
        cr_assert(strstr(text, wanted[i]) != NULL, "%s is missing in:\n%s", wanted[i], text);
    cr_assert_null(strstr(text, "0008:00008007"), "the ring holds 32");
    w->cpu->log = w->log;
    vx_log_destroy(log);
    fclose(out);
    free(text);
    world_destroy(w);
}

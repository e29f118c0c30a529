/* test_sys_control.c - far JMP, CALL and RET, call gates, IRET in all its forms, SYSENTER and SYSEXIT. */
#include "sys_world.h"

enum { TARGET = 0x9000, NEXT = 0x1234, CALL16 = 0x84, CALL32 = 0x8C };

#define TEST_GP FAULT(VX_GP, G_TEST * 8)
#define TEST_NP FAULT(VX_NP, G_TEST * 8)

/* ---- direct far transfers
 * -------------------------------------------------------------------------------------------- */

/* The rule of the manual for code segments, for every DPL, RPL and CPL. */
static uint32_t code_expected(bool conforming, unsigned dpl, unsigned rpl, unsigned cpl, bool present)
{
    bool allowed = conforming ? dpl <= cpl : rpl <= cpl && dpl == cpl;
    if (!allowed)
        return TEST_GP;
    return present ? W_OK : TEST_NP;
}

Test(control, direct_matrix)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (unsigned n = 0; n < 512; n++) {
        unsigned dpl = n & 3, rpl = n >> 2 & 3, cpl = n >> 4 & 3;
        bool conforming = n >> 6 & 1, present = n >> 7 & 1, call = n >> 8;
        unsigned attr = (conforming ? A_CONF : A_CODE) & ~(present ? 0u : VX_ATTR_P) & ~1u;
        world_desc(w, G_TEST, 0x100, UINT32_MAX, attr | DPL(dpl));
        world_protected(w, cpl);
        uint32_t esp = (uint32_t)cpu->gpr[VX_RSP];
        bool ok = call ? vx_cpu_far_call(cpu, SEL(G_TEST, rpl), TARGET, 4, NEXT)
                       : vx_cpu_far_jump(cpu, SEL(G_TEST, rpl), TARGET, NEXT);
        uint32_t got = world_outcome(w, ok), want = code_expected(conforming, dpl, rpl, cpl, present);
        cr_assert_eq(got, want, "case %x: %x, expected %x", n, got, want);
        if (!ok) {
            cr_assert(cpu->rip == W_CODE && cpu->gpr[VX_RSP] == esp && cpu->seg[VX_CS].sel == CODE_SEL(cpl), "case %x",
                      n);
            continue;
        }
        cr_assert(cpu->rip == TARGET && cpu->cpl == cpl && cpu->seg[VX_CS].sel == SEL(G_TEST, cpl) &&
                      cpu->seg[VX_CS].base == 0x100,
                  "case %x", n);
        cr_assert(world_get(w, W_GDT + G_TEST * 8 + 5, 1) & 1, "accessed");
        const uint32_t link[] = { NEXT, CODE_SEL(cpl) };
        cr_assert_eq(cpu->gpr[VX_RSP], esp - (call ? 8 : 0), "case %x", n);
        cr_assert(!call || world_differs(w, esp - 8, 4, link, 2) == -1, "case %x", n);
    }
    world_destroy(w);
}

Test(control, direct_faults)
{
    static const struct {
        const char *what;
        uint16_t sel;
        uint32_t off;
        unsigned attr;
        uint32_t esp;
        uint32_t jump, call;
    } rows[] = {
        { "null", 3, TARGET, A_CODE, W_STACK0, FAULT(VX_GP, 0), FAULT(VX_GP, 0) },
        { "table", SEL(G_ENTRIES, 0), TARGET, A_CODE, W_STACK0, FAULT(VX_GP, G_ENTRIES * 8),
          FAULT(VX_GP, G_ENTRIES * 8) },
        { "data", SEL(G_TEST, 0), TARGET, A_DATA, W_STACK0, TEST_GP, TEST_GP },
        { "LDT descriptor", SEL(G_TEST, 0), TARGET, VX_ATTR_P | VX_SYS_LDT, W_STACK0, TEST_GP, TEST_GP },
        { "interrupt gate", SEL(G_TEST, 0), TARGET, 0x8E, W_STACK0, TEST_GP, TEST_GP },
        { "offset", SEL(G_TEST, 0), 0x101, VX_ATTR_P | VX_ATTR_S | 0xB, W_STACK0, FAULT(VX_GP, 0), FAULT(VX_GP, 0) },
        { "stack", SEL(G_TEST, 0), TARGET, A_CODE, 7, W_OK, FAULT(VX_SEG_SS, 0) },
    };
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (size_t i = 0; i < VX_ARRAY_LEN(rows) * 2; i++) {
        bool call = i & 1;
        world_protected(w, 0);
        world_desc(w, G_TEST, 0, rows[i / 2].attr & VX_ATTR_G ? UINT32_MAX : 0x100, rows[i / 2].attr);
        cpu->gpr[VX_RSP] = rows[i / 2].esp;
        cpu->seg[VX_SS].limit = W_RAM;
        bool ok = call ? vx_cpu_far_call(cpu, rows[i / 2].sel, rows[i / 2].off, 4, NEXT)
                       : vx_cpu_far_jump(cpu, rows[i / 2].sel, rows[i / 2].off, NEXT);
        uint32_t got = world_outcome(w, ok);
        cr_assert_eq(got, call ? rows[i / 2].call : rows[i / 2].jump, "%s, call %d: %x", rows[i / 2].what, call, got);
    }
    world_destroy(w);
}

Test(control, real_mode)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    vx_cpu_reset(cpu, false);
    cpu->gpr[VX_RSP] = 0x1000;
    cr_assert(vx_cpu_far_jump(cpu, 0x0800, 0x10, NEXT));
    cr_assert(cpu->seg[VX_CS].base == 0x8000 && cpu->seg[VX_CS].sel == 0x0800 && cpu->rip == 0x10);
    cr_assert(vx_cpu_far_call(cpu, 0x0900, 0x20, 2, NEXT));
    const uint32_t link[] = { NEXT, 0x0800 };
    cr_assert(cpu->gpr[VX_RSP] == 0xFFC && world_differs(w, 0xFFC, 2, link, 2) == -1 && cpu->seg[VX_CS].base == 0x9000);
    cr_assert(vx_cpu_far_return(cpu, 2, 6));
    cr_assert(cpu->gpr[VX_RSP] == 0x1006 && cpu->seg[VX_CS].base == 0x8000 && cpu->rip == NEXT);
    cr_assert_eq(world_outcome(w, vx_cpu_far_jump(cpu, 0x800, 0x10000, NEXT)), FAULT(VX_GP, 0));
    cpu->gpr[VX_RSP] = 0x1000; /* IRET with garbage in the upper half keeps VM and VIF clear */
    world_put(w, 0x1000, 4, 0x44);
    world_put(w, 0x1004, 4, 0x0A00);
    world_put(w, 0x1008, 4, 0xFFFFFFFF);
    cr_assert(vx_cpu_iret(cpu, 4, NEXT));
    cr_assert(cpu->rip == 0x44 && cpu->seg[VX_CS].base == 0xA000 && cpu->gpr[VX_RSP] == 0x100C);
    cr_assert_eq(vx_eflags(cpu), 0x257FD7u, "%x", vx_eflags(cpu));
    world_destroy(w);
}

/* ---- call gates
 * --------------------------------------------------------------------------------------------------------- */

Test(control, call_gate_privilege)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (unsigned n = 0; n < 1024; n++) {
        unsigned gate_dpl = n & 3, rpl = n >> 2 & 3, cpl = n >> 4 & 3, code_dpl = n >> 6 & 3;
        bool conforming = n >> 8 & 1, call = n >> 9;
        world_desc(w, G_TEST, 0, UINT32_MAX, (conforming ? A_CONF : A_CODE) | DPL(code_dpl));
        world_gdt_gate(w, G_TEST + 1, SEL(G_TEST, 3), TARGET, CALL32 | DPL(gate_dpl), 0);
        world_protected(w, cpl);
        uint16_t sel = SEL(G_TEST + 1, rpl);
        bool ok = call ? vx_cpu_far_call(cpu, sel, 0xDEAD, 4, NEXT) : vx_cpu_far_jump(cpu, sel, 0xDEAD, NEXT);
        uint32_t got = world_outcome(w, ok), want = W_OK;
        bool inward = code_dpl < cpl && !conforming;
        if (gate_dpl < cpl || gate_dpl < rpl)
            want = FAULT(VX_GP, (G_TEST + 1) * 8);
        else if (code_dpl > cpl || (inward && !call))
            want = TEST_GP;
        cr_assert_eq(got, want, "case %x: %x, expected %x", n, got, want);
        if (ok)
            cr_assert(cpu->rip == TARGET && cpu->cpl == (inward ? code_dpl : cpl) &&
                          cpu->seg[VX_CS].sel == SEL(G_TEST, cpu->cpl),
                      "case %x", n);
    }
    world_destroy(w);
}

/* 3 -> 0 with parameters, and back with RET n: stacks, order of parameters, data segments that the outer level may not
 * keep. */
Test(control, call_gate_round_trip)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    static const unsigned gates[] = { CALL32, CALL16 };
    for (unsigned i = 0; i < 2 * 32; i++) {
        unsigned gate = gates[i & 1], params = i >> 1, size = gate == CALL32 ? 4 : 2;
        uint32_t mask = size == 2 ? 0xFFFF : UINT32_MAX, image[40], n = 0;
        world_gdt_gate(w, G_TEST + 1, CODE_SEL(0), size == 2 ? 0xFFFF9000u : TARGET, gate | DPL(3), params);
        world_protected(w, 3);
        uint32_t esp = 0x5000; /* fits 16 bits, so that a 286 gate can bring it back */
        cpu->gpr[VX_RSP] = esp;
        image[n++] = NEXT;
        image[n++] = CODE_SEL(3);
        for (unsigned p = 0; p < params; p++) {
            image[n++] = (0xA1B20000u + p) & mask;
            world_put(w, esp + p * size, size, 0xA1B20000u + p);
        }
        image[n++] = esp;
        image[n++] = DATA_SEL(3);
        cr_assert(vx_cpu_far_call(cpu, SEL(G_TEST + 1, 3), 0, 4, NEXT), "gate %x params %u", gate, params);
        cr_assert_eq((uint32_t)cpu->gpr[VX_RSP], W_STACK0 - n * size, "gate %x params %u", gate, params);
        cr_assert_eq(world_differs(w, W_STACK0 - n * size, size, image, n), -1, "gate %x params %u", gate, params);
        cr_assert(cpu->cpl == 0 && cpu->rip == TARGET && cpu->seg[VX_SS].sel == DATA_SEL(0));

        world_set_seg(w, &cpu->seg[VX_DS], DATA_SEL(0));
        world_set_seg(w, &cpu->seg[VX_ES], SEL(G_CONF, 0));
        world_set_seg(w, &cpu->seg[VX_FS], DATA_SEL(3));
        cr_assert(vx_cpu_far_return(cpu, size, (uint16_t)(params * size)), "gate %x params %u", gate, params);
        cr_assert(cpu->cpl == 3 && cpu->rip == NEXT && cpu->seg[VX_CS].sel == CODE_SEL(3) &&
                  cpu->seg[VX_SS].sel == DATA_SEL(3));
        cr_assert_eq((uint32_t)cpu->gpr[VX_RSP], esp + params * size);
        cr_assert(cpu->seg[VX_DS].unusable && cpu->seg[VX_DS].sel == 0, "DPL 0 data is gone");
        cr_assert(!cpu->seg[VX_ES].unusable && !cpu->seg[VX_FS].unusable, "conforming code and DPL 3 data stay");
    }
    world_destroy(w);
}

Test(control, call_gate_faults)
{
    static const struct {
        const char *what;
        unsigned gate;
        uint16_t code;
        unsigned attr;
        uint16_t ss;
        uint32_t esp0, esp;
        uint32_t want;
    } rows[] = {
        { "gate absent", CALL32 & 0x7F, CODE_SEL(0), A_CODE, DATA_SEL(0), W_STACK0, 0x5000,
          FAULT(VX_NP, (G_TEST + 1) * 8) },
        { "null code", CALL32, 0, A_CODE, DATA_SEL(0), W_STACK0, 0x5000, FAULT(VX_GP, 0) },
        { "data", CALL32, SEL(G_TEST, 0), A_DATA, DATA_SEL(0), W_STACK0, 0x5000, TEST_GP },
        { "code absent", CALL32, SEL(G_TEST, 0), A_CODE & ~VX_ATTR_P, DATA_SEL(0), W_STACK0, 0x5000, TEST_NP },
        { "null SS", CALL32, CODE_SEL(0), A_CODE, 0, W_STACK0, 0x5000, FAULT(VX_TS, 0) },
        { "SS DPL", CALL32, CODE_SEL(0), A_CODE, SEL(G_DATA + 3, 0), W_STACK0, 0x5000, FAULT(VX_TS, (G_DATA + 3) * 8) },
        { "SS absent", CALL32, CODE_SEL(0), A_DATA & ~VX_ATTR_P, SEL(G_TEST, 0), W_STACK0, 0x5000,
          FAULT(VX_SEG_SS, G_TEST * 8) },
        { "no room", CALL32, CODE_SEL(0), VX_ATTR_P | VX_ATTR_S | VX_ATTR_DB | 3, SEL(G_TEST, 0), 20, 0x5000,
          FAULT(VX_SEG_SS, G_TEST * 8) },
        { "just room", CALL32, CODE_SEL(0), VX_ATTR_P | VX_ATTR_S | VX_ATTR_DB | 3, SEL(G_TEST, 0), 24, 0x5000, W_OK },
        { "parameters", CALL32, CODE_SEL(0), A_CODE, DATA_SEL(0), W_STACK0, 0xFFFFFFFD, FAULT(VX_SEG_SS, 0) },
    };
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        world_protected(w, 3);
        world_desc(w, G_TEST, 0, rows[i].attr & VX_ATTR_G ? UINT32_MAX : 0x100, rows[i].attr);
        world_gdt_gate(w, G_TEST + 1, rows[i].code, TARGET, rows[i].gate | DPL(3), 2);
        world_put(w, W_TSS + 4, 4, rows[i].esp0);
        world_put(w, W_TSS + 8, 2, rows[i].ss);
        cpu->gpr[VX_RSP] = rows[i].esp;
        cpu->seg[VX_SS].limit = W_RAM;
        struct vx_vcpu before = *cpu;
        bool ok = vx_cpu_far_call(cpu, SEL(G_TEST + 1, 3), 0, 4, NEXT);
        cr_assert_eq(world_outcome(w, ok), rows[i].want, "%s: %x", rows[i].what, world_outcome(w, ok));
        cr_assert(ok || memcmp(&before, cpu, sizeof(before)) == 0, "%s", rows[i].what);
    }
    world_destroy(w);
}

/* ---- returns
 * -------------------------------------------------------------------------------------------------------------- */

/* RET and IRET share the checks of CS and SS: every CPL, RPL, DPL and kind. */
Test(control, return_matrix)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (unsigned n = 0; n < 512; n++) {
        unsigned dpl = n & 3, rpl = n >> 2 & 3, cpl = n >> 4 & 3;
        bool conforming = n >> 6 & 1, present = n >> 7 & 1, iret = n >> 8;
        world_desc(w, G_TEST, 0, UINT32_MAX, ((conforming ? A_CONF : A_CODE) & ~(present ? 0u : VX_ATTR_P)) | DPL(dpl));
        world_protected(w, cpl);
        uint32_t at = (uint32_t)cpu->gpr[VX_RSP] - 0x100, esp = at;
        cpu->gpr[VX_RSP] = esp;
        world_put(w, at, 4, NEXT);
        world_put(w, at + 4, 4, SEL(G_TEST, rpl));
        at += 8;
        if (iret) {
            world_put(w, at, 4, VX_FL_CF | VX_FL_IF);
            at += 4;
        }
        world_put(w, at, 4, 0x7777);
        world_put(w, at + 4, 4, DATA_SEL(rpl));
        uint32_t got = world_outcome(w, iret ? vx_cpu_iret(cpu, 4, 0) : vx_cpu_far_return(cpu, 4, 0)), want = W_OK;
        if (rpl < cpl || (conforming ? dpl > rpl : dpl != rpl))
            want = TEST_GP;
        else if (!present)
            want = TEST_NP;
        cr_assert_eq(got, want, "case %x: %x, expected %x", n, got, want);
        if (want != W_OK) {
            cr_assert(cpu->gpr[VX_RSP] == esp && cpu->cpl == cpl && cpu->rip == W_CODE, "case %x", n);
            continue;
        }
        cr_assert(cpu->rip == NEXT && cpu->cpl == rpl && cpu->gpr[VX_RSP] == (rpl > cpl ? 0x7777 : at), "case %x", n);
        if (iret)
            cr_assert_eq(vx_eflags(cpu), 2u | VX_FL_CF | (cpl == 0 ? VX_FL_IF : 0u), "case %x: IF needs CPL <= IOPL",
                         n);
    }
    world_destroy(w);
}

Test(control, return_faults)
{
    static const struct {
        const char *what;
        uint16_t cs;
        uint32_t eip;
        uint16_t ss;
        unsigned ss_attr;
        uint32_t want;
    } rows[] = {
        { "null CS", 0, NEXT, DATA_SEL(3), A_DATA, FAULT(VX_GP, 0) },
        { "data CS", DATA_SEL(3), NEXT, DATA_SEL(3), A_DATA, FAULT(VX_GP, (G_DATA + 3) * 8) },
        { "CS beyond table", SEL(G_ENTRIES, 3), NEXT, DATA_SEL(3), A_DATA, FAULT(VX_GP, G_ENTRIES * 8) },
        { "null SS", CODE_SEL(3), NEXT, 3, A_DATA, FAULT(VX_GP, 0) },
        { "SS RPL", CODE_SEL(3), NEXT, SEL(G_DATA + 3, 2), A_DATA, FAULT(VX_GP, (G_DATA + 3) * 8) },
        { "SS DPL", CODE_SEL(3), NEXT, SEL(G_DATA + 2, 3), A_DATA, FAULT(VX_GP, (G_DATA + 2) * 8) },
        { "SS read-only", CODE_SEL(3), NEXT, SEL(G_TEST, 3), (A_DATA & ~2) | DPL(3), TEST_GP },
        { "SS absent", CODE_SEL(3), NEXT, SEL(G_TEST, 3), (A_DATA & ~VX_ATTR_P) | DPL(3),
          FAULT(VX_SEG_SS, G_TEST * 8) },
        { "EIP", SEL(G_TEST + 1, 3), 0x101, SEL(G_TEST, 3), A_DATA | DPL(3), FAULT(VX_GP, 0) },
        { "fine", CODE_SEL(3), NEXT, SEL(G_TEST, 3), A_DATA | DPL(3), W_OK },
        { "last EIP", SEL(G_TEST + 1, 3), 0x100, SEL(G_TEST, 3), A_DATA | DPL(3), W_OK },
    };
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (size_t i = 0; i < VX_ARRAY_LEN(rows) * 2; i++) {
        bool iret = i & 1;
        uint32_t at = W_STACK0 - 0x100;
        world_protected(w, 0);
        world_desc(w, G_TEST, 0, UINT32_MAX, rows[i / 2].ss_attr);
        world_desc(w, G_TEST + 1, 0, 0x100, VX_ATTR_P | VX_ATTR_S | VX_ATTR_DB | 0xB | DPL(3));
        cpu->gpr[VX_RSP] = at;
        const uint32_t frame[] = { rows[i / 2].eip, rows[i / 2].cs, 2, 0x7777, rows[i / 2].ss };
        for (unsigned f = 0; f < 5; f++)
            if (f != 2 || iret)
                world_put(w, at + (iret || f < 2 ? f : f - 1) * 4, 4, frame[f]);
        struct vx_vcpu before = *cpu;
        uint32_t got = world_outcome(w, iret ? vx_cpu_iret(cpu, 4, 0) : vx_cpu_far_return(cpu, 4, 0));
        cr_assert_eq(got, rows[i / 2].want, "%s, iret %d: %x", rows[i / 2].what, iret, got);
        cr_assert(got == W_OK || memcmp(&before, cpu, sizeof(before)) == 0, "%s", rows[i / 2].what);
    }
    world_protected(w, 0); /* the frame itself must lie inside the stack */
    cpu->gpr[VX_RSP] = 0xFF8;
    cpu->seg[VX_SS].limit = 0x1001;
    cr_assert_eq(world_outcome(w, vx_cpu_iret(cpu, 4, 0)), FAULT(VX_SEG_SS, 0));
    world_destroy(w);
}

/* To a 16-bit stack only SP comes from the frame: the upper half of ESP stays. */
Test(control, return_to_16_bit_stack)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    world_desc(w, G_TEST, 0, 0xFFFF, VX_ATTR_P | VX_ATTR_S | 3 | DPL(3));
    cpu->gpr[VX_RSP] = W_STACK0 - 0x100;
    const uint32_t frame[] = { NEXT, CODE_SEL(3), 2, 0xAAAA5678, SEL(G_TEST, 3) };
    for (unsigned f = 0; f < 5; f++)
        world_put(w, W_STACK0 - 0x100 + f * 4, 4, frame[f]);
    cr_assert(vx_cpu_iret(cpu, 4, 0));
    cr_assert_eq(cpu->gpr[VX_RSP], 0x15678);
    world_destroy(w);
}

Test(control, iret_flags)
{
    static const struct {
        unsigned cpl, iopl, size;
        uint32_t changes;
    } rows[] = {
        { 0, 0, 4, 0x3D7FD5 }, /* all but VM, which would be a return to VM86 */
        { 0, 0, 2, 0x7FD5 },   { 1, 0, 4, 0x254DD5 }, { 3, 0, 4, 0x254DD5 },
        { 3, 3, 4, 0x254FD5 }, { 3, 3, 2, 0x4FD5 },   { 2, 1, 2, 0x4DD5 },
    };
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (size_t i = 0; i < VX_ARRAY_LEN(rows) * 2; i++) {
        bool up = i & 1;
        world_protected(w, rows[i / 2].cpl);
        uint32_t iopl = rows[i / 2].iopl << 12, esp = (uint32_t)cpu->gpr[VX_RSP] - 0x100, size = rows[i / 2].size;
        uint32_t all = 0x3F7FD7 & ~(uint32_t)(VX_FL_VM | VX_FL_IOPL | VX_FL_NT);
        vx_set_eflags_raw(cpu, (up ? 0 : all) | iopl);
        uint32_t before = vx_eflags(cpu);
        uint32_t value = up ? ~(uint32_t)(rows[i / 2].cpl == 0 ? VX_FL_VM : 0) : 0;
        cpu->gpr[VX_RSP] = esp;
        const uint32_t frame[] = { NEXT, CODE_SEL(rows[i / 2].cpl), value };
        for (unsigned f = 0; f < 3; f++)
            world_put(w, esp + f * size, size, frame[f]);
        cr_assert(vx_cpu_iret(cpu, size, 0), "row %zu", i);
        uint32_t want = ((before & ~rows[i / 2].changes) | (value & rows[i / 2].changes)) | 2;
        cr_assert_eq(vx_eflags(cpu), want, "row %zu: %x, expected %x", i, vx_eflags(cpu), want);
    }
    world_destroy(w);
}

/* POPF: RF never, IOPL at CPL 0, IF by IOPL. */
Test(control, popf_flags)
{
    static const struct {
        unsigned mode_cpl, iopl, size;
        uint32_t changes;
    } rows[] = {
        { 0, 0, 4, 0x247FD5 }, { 0, 0, 2, 0x7FD5 }, { 1, 0, 4, 0x244DD5 }, { 3, 3, 4, 0x244FD5 }, { 3, 2, 2, 0x4DD5 },
    };
    struct world *w = world_create();
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        world_protected(w, rows[i].mode_cpl);
        vx_set_eflags_raw(w->cpu, rows[i].iopl << 12);
        vx_cpu_pop_flags(w->cpu, UINT32_MAX, rows[i].size);
        uint32_t want = rows[i].changes | rows[i].iopl << 12 | 2;
        cr_assert_eq(vx_eflags(w->cpu), want, "row %zu: %x, expected %x", i, vx_eflags(w->cpu), want);
    }
    world_protected(w, 0);
    vx_vcpu_set_intr(w->cpu, true);
    atomic_store(&w->cpu->attention, 0);
    vx_cpu_pop_flags(w->cpu, VX_FL_IF, 2);
    cr_assert(atomic_load(&w->cpu->attention) & VX_ATTN_INTR, "an interrupt that waits is seen when IF rises");
    world_destroy(w);
}

Test(control, vm86_round_trip)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    const uint32_t frame[] = { 0x0123, 0xABCD0800, VX_FL_VM | VX_FL_IF | 3u << 12 | VX_FL_CF | 2,
                               0x0FFE, 0x2000,     0x1111,
                               0x3333, 0x4444,     0x5555 };
    uint32_t esp = W_STACK0 - sizeof(frame);
    for (unsigned f = 0; f < VX_ARRAY_LEN(frame); f++)
        world_put(w, esp + f * 4, 4, frame[f]);
    cpu->gpr[VX_RSP] = esp;
    cr_assert(vx_cpu_iret(cpu, 4, 0));
    static const uint16_t want[VX_SEG_COUNT] = { 0x1111, 0x0800, 0x2000, 0x3333, 0x4444, 0x5555 };
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        cr_assert(cpu->seg[i].sel == want[i] && cpu->seg[i].base == (uint32_t)want[i] << 4 &&
                      cpu->seg[i].limit == 0xFFFF && cpu->seg[i].attr == 0xF3,
                  "segment %u", i);
    cr_assert(cpu->cpl == 3 && cpu->rip == 0x123 && cpu->gpr[VX_RSP] == 0xFFE && vx_eflags(cpu) == frame[2]);

    world_put(w, 0x20FFE, 2, 0x50); /* IRET inside VM86: IOPL stays, IF may change */
    world_put(w, 0x21000, 2, 0x0900);
    world_put(w, 0x21002, 2, 0);
    cr_assert(vx_cpu_iret(cpu, 2, 0));
    cr_assert(cpu->rip == 0x50 && cpu->seg[VX_CS].base == 0x9000 && cpu->gpr[VX_RSP] == 0x1004);
    cr_assert_eq(vx_eflags(cpu), VX_FL_VM | 3u << 12 | 2u);
    world_vm86(w, 2);
    cr_assert_eq(world_outcome(w, vx_cpu_iret(cpu, 2, 0)), FAULT(VX_GP, 0));

    world_protected(w, 0); /* EIP beyond 64 KiB */
    cpu->gpr[VX_RSP] = esp;
    world_put(w, esp, 4, 0x10000);
    cr_assert_eq(world_outcome(w, vx_cpu_iret(cpu, 4, 0)), FAULT(VX_GP, 0));
    world_destroy(w);
}

Test(control, sysenter_sysexit)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    world_protected(w, 3);
    cr_assert_eq(world_outcome(w, vx_cpu_sysenter(cpu)), FAULT(VX_GP, 0), "SYSENTER_CS is null");
    cpu->msr.sysenter_cs = 0x63;
    cpu->msr.sysenter_esp = 0x12340;
    cpu->msr.sysenter_eip = 0xC0001000u;
    vx_set_eflags_raw(cpu, VX_FL_IF | VX_FL_RF | VX_FL_CF | VX_FL_TF);
    cr_assert(vx_cpu_sysenter(cpu));
    cr_assert(cpu->cpl == 0 && cpu->rip == 0xC0001000u && cpu->gpr[VX_RSP] == 0x12340);
    cr_assert(cpu->seg[VX_CS].sel == 0x60 && cpu->seg[VX_SS].sel == 0x68 && cpu->seg[VX_CS].attr == 0xCF9B &&
              cpu->seg[VX_SS].attr == 0xCF93);
    cr_assert(cpu->seg[VX_CS].base == 0 && cpu->seg[VX_CS].limit == UINT32_MAX);
    cr_assert_eq(vx_eflags(cpu), VX_FL_CF | VX_FL_TF | 2u);
    cpu->gpr[VX_RCX] = 0x5000;
    cpu->gpr[VX_RDX] = 0x6000;
    cr_assert(vx_cpu_sysexit(cpu));
    cr_assert(cpu->cpl == 3 && cpu->rip == 0x6000 && cpu->gpr[VX_RSP] == 0x5000);
    cr_assert(cpu->seg[VX_CS].sel == 0x73 && cpu->seg[VX_SS].sel == 0x7B && cpu->seg[VX_CS].attr == 0xCFFB &&
              cpu->seg[VX_SS].attr == 0xCFF3);
    cr_assert_eq(world_outcome(w, vx_cpu_sysexit(cpu)), FAULT(VX_GP, 0), "CPL 3");
    vx_cpu_reset(cpu, true);
    cr_assert_eq(world_outcome(w, vx_cpu_sysenter(cpu)), FAULT(VX_GP, 0), "real mode");
    world_destroy(w);
}

/* test_sys_event.c - interrupts and exceptions: gates, stack images, error codes, double and triple faults, NMI,
 * shadows. */
#include "sys_world.h"
#include "virtual_if.h"

enum { HANDLER = 0x9000, RETURN = 0x1234 };
enum { INT16 = 0x86, TRAP16 = 0x87, INT32 = 0x8E, TRAP32 = 0x8F, TASK = 0x85 };

static bool software_int(struct world *w, unsigned vector)
{
    return vx_cpu_software_int(w->cpu, (uint8_t)vector, VX_INT_N, RETURN);
}

/* ---- through a gate, by kind of gate and level ------------------------------------------------------------------- */

Test(event, gates_and_levels)
{
    static const unsigned gates[] = { INT16, TRAP16, INT32, TRAP32 };
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (unsigned n = 0; n < 4 * 4 * 4; n++) {
        unsigned gate = gates[n & 3], from = n >> 2 & 3, to = n >> 4 & 3;
        unsigned size = gate & 8 ? 4 : 2;
        if (to > from)
            continue;
        world_idt(w, 0x40, SEL(G_CODE + to, 3), HANDLER, gate | DPL(3));
        world_protected(w, from);
        vx_set_eflags_raw(cpu, VX_FL_IF | VX_FL_TF | VX_FL_NT | VX_FL_RF | VX_FL_AC | VX_FL_ARITH | 3u << 12);
        uint32_t flags = vx_eflags(cpu) & ~(uint32_t)VX_FL_RF;
        uint32_t mask = size == 2 ? 0xFFFF : UINT32_MAX;
        const uint32_t image[] = { RETURN, CODE_SEL(from), flags & mask, ((uint32_t)W_STACK0 + from * 0x1000) & mask,
                                   DATA_SEL(from) };
        unsigned count = from == to ? 3 : 5;
        cr_assert(software_int(w, 0x40), "gate %x %u->%u", gate, from, to);
        uint32_t top = (uint32_t)W_STACK0 + to * 0x1000;
        cr_assert_eq((uint32_t)cpu->gpr[VX_RSP], top - count * size, "gate %x %u->%u", gate, from, to);
        cr_assert_eq(world_differs(w, top - count * size, size, image, count), -1, "gate %x %u->%u", gate, from, to);
        cr_assert(cpu->cpl == to && cpu->rip == HANDLER && cpu->seg[VX_CS].sel == CODE_SEL(to));
        cr_assert_eq(cpu->seg[VX_SS].sel, DATA_SEL(to));
        uint32_t cleared = VX_FL_TF | VX_FL_NT | VX_FL_RF | (gate & 1 ? 0u : VX_FL_IF);
        cr_assert_eq(vx_eflags(cpu), (flags | VX_FL_RF) & ~cleared, "gate %x %u->%u", gate, from, to);
    }
    world_destroy(w);
}

/* A 286 gate ignores the upper half of its offset; conforming code keeps the CPL; an error code is pushed last. */
Test(event, gate_details)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    world_idt(w, 0x40, CODE_SEL(0), 0xFFFF9000u, INT16 | DPL(3));
    cr_assert(software_int(w, 0x40));
    cr_assert_eq(cpu->rip, HANDLER);

    world_idt(w, 0x41, SEL(G_CONF + 1, 0), HANDLER, INT32 | DPL(3));
    world_protected(w, 3);
    cr_assert(software_int(w, 0x41));
    cr_assert(cpu->cpl == 3 && cpu->seg[VX_CS].sel == SEL(G_CONF + 1, 3) && cpu->seg[VX_SS].sel == DATA_SEL(3));

    for (unsigned level = 0; level < 4; level += 3) { /* alignment checks the stack of CPL 3 only */
        world_idt(w, 0x42, CODE_SEL(level), HANDLER, INT32 | DPL(3));
        world_protected(w, level);
        cpu->cr0 |= VX_CR0_AM;
        cpu->eflags |= VX_FL_AC;
        cpu->gpr[VX_RSP] -= 2;
        cr_assert_eq(world_outcome(w, software_int(w, 0x42)), level == 3 ? FAULT(VX_AC, 0) : W_OK, "level %u", level);
    }

    static const unsigned gates[] = { INT32, INT16 };
    for (unsigned i = 0; i < 2; i++) {
        unsigned size = i == 0 ? 4 : 2;
        world_idt(w, VX_GP, CODE_SEL(0), HANDLER, gates[i]);
        world_protected(w, 3);
        fault_code(cpu, VX_GP, 0xABCC);
        vx_cpu_deliver_fault(cpu);
        const uint32_t image[] = {
            0xABCC, W_CODE, CODE_SEL(3), size == 4 ? 0x10002 : 2, W_STACK3 & (size == 2 ? 0xFFFF : ~0u), DATA_SEL(3)
        };
        cr_assert_eq((uint32_t)cpu->gpr[VX_RSP], W_STACK0 - 6 * size);
        cr_assert_eq(world_differs(w, W_STACK0 - 6 * size, size, image, 6), -1, "gate %x", gates[i]);
    }
    world_destroy(w);
}

/* ---- what can go wrong, and its error code ------------------------------------------------------------------------
 */

struct bad_gate {
    const char *what;
    unsigned cpl;
    unsigned gate_attr;
    uint16_t gate_sel;
    unsigned code_attr; /* of the segment G_TEST */
    uint32_t off;
    uint16_t ss;   /* stack selector for level 0 in the TSS */
    uint32_t want; /* for INT n; any other event has EXT set as well */
};

#define IDT_ERROR FAULT(VX_GP, 0x40 * 8 + 2)
#define GP_CODE   FAULT(VX_GP, G_TEST * 8)

static const struct bad_gate bad_gates[] = {
    { "gate DPL", 3, INT32 | DPL(2), CODE_SEL(0), A_CODE, HANDLER, DATA_SEL(0), IDT_ERROR },
    { "not present", 0, INT32 & 0x7F, CODE_SEL(0), A_CODE, HANDLER, DATA_SEL(0), FAULT(VX_NP, 0x40 * 8 + 2) },
    { "call gate in IDT", 0, 0x8C, CODE_SEL(0), A_CODE, HANDLER, DATA_SEL(0), IDT_ERROR },
    { "code segment in IDT", 0, 0x9B, CODE_SEL(0), A_CODE, HANDLER, DATA_SEL(0), IDT_ERROR },
    { "null code", 0, INT32, 3, A_CODE, HANDLER, DATA_SEL(0), FAULT(VX_GP, 0) },
    { "code beyond table", 0, INT32, SEL(G_ENTRIES, 1), A_CODE, HANDLER, DATA_SEL(0), FAULT(VX_GP, G_ENTRIES * 8) },
    { "data as code", 0, INT32, SEL(G_TEST, 0), A_DATA, HANDLER, DATA_SEL(0), GP_CODE },
    { "outward", 0, INT32, SEL(G_TEST, 0), A_CODE | DPL(1), HANDLER, DATA_SEL(0), GP_CODE },
    { "code not present", 0, INT32, SEL(G_TEST, 0), A_CODE & ~VX_ATTR_P, HANDLER, DATA_SEL(0),
      FAULT(VX_NP, G_TEST * 8) },
    { "EIP beyond code", 0, INT32, SEL(G_TEST, 0), VX_ATTR_P | VX_ATTR_S | 0xB, 0x10000, DATA_SEL(0), FAULT(VX_GP, 0) },
    { "null SS", 3, INT32 | DPL(3), CODE_SEL(0), A_CODE, HANDLER, 0, FAULT(VX_TS, 0) },
    { "SS beyond table", 3, INT32 | DPL(3), CODE_SEL(0), A_CODE, HANDLER, SEL(G_ENTRIES, 0),
      FAULT(VX_TS, G_ENTRIES * 8) },
    { "SS RPL", 3, INT32 | DPL(3), CODE_SEL(0), A_CODE, HANDLER, SEL(G_DATA, 1), FAULT(VX_TS, G_DATA * 8) },
    { "SS DPL", 3, INT32 | DPL(3), CODE_SEL(0), A_CODE, HANDLER, SEL(G_DATA + 1, 0), FAULT(VX_TS, (G_DATA + 1) * 8) },
    { "SS read-only", 3, INT32 | DPL(3), CODE_SEL(0), A_DATA & ~2, HANDLER, SEL(G_TEST, 0), FAULT(VX_TS, G_TEST * 8) },
    { "SS not present", 3, INT32 | DPL(3), CODE_SEL(0), A_DATA & ~VX_ATTR_P, HANDLER, SEL(G_TEST, 0),
      FAULT(VX_SEG_SS, G_TEST * 8) },
    { "SS too small", 3, INT32 | DPL(3), CODE_SEL(0), VX_ATTR_P | VX_ATTR_S | VX_ATTR_DB | 3, HANDLER, SEL(G_TEST, 0),
      FAULT(VX_SEG_SS, G_TEST * 8) },
    { "task gate, LDT", 0, TASK, 4 | 8, A_CODE, 0, DATA_SEL(0), FAULT(VX_GP, 12) },
    { "task gate, busy", 0, TASK, SEL(G_TSS, 0), A_CODE, 0, DATA_SEL(0), FAULT(VX_GP, G_TSS * 8) },
    { "task gate, code", 0, TASK, CODE_SEL(0), A_CODE, 0, DATA_SEL(0), FAULT(VX_GP, G_CODE * 8) },
    { "task gate, absent TSS", 0, TASK, SEL(G_TEST, 0), VX_SYS_TSS32, 0, DATA_SEL(0), FAULT(VX_NP, G_TEST * 8) },
    { "task gate, short TSS", 0, TASK, SEL(G_TEST, 0), VX_ATTR_P | VX_SYS_TSS32, 0, DATA_SEL(0),
      FAULT(VX_TS, G_TEST * 8) },
};

Test(event, error_codes)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (size_t n = 0; n < VX_ARRAY_LEN(bad_gates) * 2; n++) {
        const struct bad_gate *row = &bad_gates[n / 2];
        bool external = n & 1;
        world_protected(w, row->cpl);
        world_idt(w, 0x40, row->gate_sel, row->off, row->gate_attr);
        world_desc(w, G_TEST, 0, row->code_attr & VX_ATTR_G ? UINT32_MAX : 0x40, row->code_attr);
        world_put(w, W_TSS + 8, 2, row->ss);
        struct event event = { .vector = 0x40, .software = !external, .eip = RETURN };
        if (external && row->want == IDT_ERROR && (row->gate_attr & 0x1F) == (INT32 & 0x1F))
            continue; /* the gate's DPL counts for software only */
        struct vx_vcpu before = *cpu;
        uint32_t got = world_outcome(w, event_deliver(cpu, &event));
        cr_assert_eq(got, row->want | (external ? 1u : 0u), "%s, external %d: %x", row->what, external, got);
        cr_assert_eq(memcmp(&before, cpu, sizeof(before)), 0, "%s: state changed", row->what);
    }
    world_put(w, W_TSS + 8, 2, DATA_SEL(0));
    world_protected(w, 0);
    cpu->idtr.limit = 0x40 * 8 + 6;
    cr_assert_eq(world_outcome(w, software_int(w, 0x40)), IDT_ERROR);
    world_protected(w, 3);
    world_idt(w, 0x40, CODE_SEL(0), HANDLER, INT32 | DPL(3));
    cpu->tr.limit = 8;
    cr_assert_eq(world_outcome(w, software_int(w, 0x40)), FAULT(VX_TS, G_TSS * 8), "TSS without SS0");
    world_destroy(w);
}

/* ---- real and VM86 mode --------------------------------------------------------------------------------------------
 */

static void world_real(struct world *w)
{
    vx_cpu_reset(w->cpu, false);
    cr_assert(vx_cpu_load_seg(w->cpu, VX_SS, 0x2000));
    seg_set_real(&w->cpu->seg[VX_CS], 0x0800);
    w->cpu->rip = 0x100;
    w->cpu->gpr[VX_RSP] = 0xABCD1000;
    w->cpu->idtr = (struct vx_table_reg){ 0, 0x3FF };
    world_put(w, 0x21 * 4, 4, 0x70004321);
    world_put(w, VX_GP * 4, 4, 0x70000666);
}

Test(event, real_mode)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    world_real(w);
    vx_set_eflags_raw(cpu, VX_FL_IF | VX_FL_TF | VX_FL_AC | VX_FL_CF);
    cr_assert(software_int(w, 0x21));
    const uint32_t image[] = { RETURN, 0x0800, VX_FL_IF | VX_FL_TF | VX_FL_CF | 2 };
    cr_assert_eq(world_differs(w, 0x20FFA, 2, image, 3), -1);
    cr_assert(cpu->gpr[VX_RSP] == 0xABCD0FFA && cpu->seg[VX_CS].base == 0x70000 && cpu->rip == 0x4321);
    cr_assert_eq(vx_eflags(cpu), VX_FL_CF | 2u);

    world_real(w); /* SP 1: the second word of the first push would end at 10000h */
    cpu->gpr[VX_RSP] = 1;
    cr_assert_eq(world_outcome(w, software_int(w, 0x21)), FAULT(VX_SEG_SS, 0));
    world_real(w); /* SP 4 wraps between words */
    cpu->gpr[VX_RSP] = 4;
    cr_assert(software_int(w, 0x21));
    cr_assert(cpu->gpr[VX_RSP] == 0xFFFE && world_get(w, 0x2FFFE, 2) == RETURN && world_get(w, 0x20000, 2) == 0x800);

    world_real(w); /* exceptions push no error code */
    fault_code(cpu, VX_GP, 0);
    vx_cpu_deliver_fault(cpu);
    cr_assert(cpu->rip == 0x666 && cpu->gpr[VX_RSP] == 0xABCD0FFA && world_get(w, 0x20FFA, 2) == 0x100);

    world_real(w); /* a table too short for anything: triple fault */
    cpu->idtr.limit = 0x1F;
    fault_code(cpu, VX_GP, 0);
    vx_cpu_deliver_fault(cpu);
    cr_assert(cpu->shutdown);
    world_destroy(w);
}

Test(event, vm86)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    static const unsigned gates[] = { INT32, INT16 };
    for (unsigned i = 0; i < 2; i++) {
        unsigned size = i == 0 ? 4 : 2;
        world_idt(w, 0x40, CODE_SEL(0), HANDLER, gates[i] | DPL(3));
        world_vm86(w, 3);
        uint32_t flags = vx_eflags(cpu) & (size == 2 ? 0xFFFF : UINT32_MAX);
        const uint32_t image[] = { RETURN, 0x0800, flags, 0x0FFE, 0x2000, 0x1111, 0x3333, 0x4444, 0x5555 };
        cr_assert(software_int(w, 0x40));
        cr_assert_eq((uint32_t)cpu->gpr[VX_RSP], W_STACK0 - 9 * size);
        cr_assert_eq(world_differs(w, W_STACK0 - 9 * size, size, image, 9), -1);
        cr_assert(!vx_vm86(cpu) && cpu->cpl == 0 && cpu->rip == HANDLER && cpu->seg[VX_SS].sel == DATA_SEL(0));
        static const enum vx_segment data[] = { VX_ES, VX_DS, VX_FS, VX_GS };
        for (unsigned s = 0; s < 4; s++)
            cr_assert(cpu->seg[data[s]].unusable && cpu->seg[data[s]].sel == 0);
    }
    static const struct {
        const char *what;
        uint16_t sel;
        unsigned iopl, dpl;
        enum vx_int_kind kind;
        uint32_t want;
    } rows[] = {
        { "INT n needs IOPL 3", CODE_SEL(0), 2, 3, VX_INT_N, FAULT(VX_GP, 0) },
        { "INT3 does not", CODE_SEL(0), 0, 3, VX_INT3, W_OK },
        { "INT1 skips the gate's DPL", CODE_SEL(0), 0, 0, VX_INT1, W_OK },
        { "gate DPL", CODE_SEL(0), 3, 2, VX_INT_N, IDT_ERROR },
        { "level 1", CODE_SEL(1), 3, 3, VX_INT_N, FAULT(VX_GP, (G_CODE + 1) * 8) },
        { "level 3", CODE_SEL(3), 3, 3, VX_INT_N, FAULT(VX_GP, (G_CODE + 3) * 8) },
        { "conforming", SEL(G_CONF, 0), 3, 3, VX_INT_N, FAULT(VX_GP, G_CONF * 8) },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        world_vm86(w, rows[i].iopl);
        world_idt(w, 0x40, rows[i].sel, HANDLER, INT32 | DPL(rows[i].dpl));
        uint32_t got = world_outcome(w, vx_cpu_software_int(cpu, 0x40, rows[i].kind, RETURN));
        cr_assert_eq(got, rows[i].want, "%s: %x", rows[i].what, got);
    }
    world_destroy(w);
}

/* ---- double and triple faults ---------------------------------------------------------------------------------------
 */

/* Every pair of first and second exception: the second is what the first one's gate raises. */
Test(event, double_fault_table)
{
    static const uint8_t vectors[] = { VX_DE, VX_DB,     VX_BP, VX_OF, VX_BR, VX_UD, VX_NM, VX_TS,
                                       VX_NP, VX_SEG_SS, VX_GP, VX_PF, VX_MF, VX_AC, VX_XM };
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (size_t i = 0; i < VX_ARRAY_LEN(vectors); i++) {
        uint8_t first = vectors[i];
        bool contributory = first == VX_DE || (first >= VX_TS && first <= VX_GP);
        bool doubles = contributory || first == VX_PF; /* the second one here is always #NP, a contributory one */
        for (unsigned v = 0; v < 32; v++)
            world_idt(w, v, CODE_SEL(0), HANDLER + v, INT32);
        world_idt(w, first, CODE_SEL(0), HANDLER, INT32 & 0x7F);
        if (first == VX_NP)
            world_idt(w, first, CODE_SEL(0), HANDLER, 0x8C); /* #GP instead: #NP's own gate is the broken one */
        world_protected(w, 0);
        if (first == VX_PF)
            cpu->mmu->fault = (struct vx_fault){ .vector = VX_PF, .has_error = true, .error = 2, .lin = 0x87654321 };
        else
            fault_plain(cpu, first);
        vx_cpu_deliver_fault(cpu);
        cr_assert_eq(cpu->rip, (uint32_t)(HANDLER + (doubles ? VX_DF : VX_NP)), "first %u: %x", first,
                     (unsigned)cpu->rip);
        uint32_t error = world_get(w, (uint32_t)cpu->gpr[VX_RSP], 4);
        cr_assert_eq(error, doubles ? 0u : first * 8u + 3u, "first %u: error %x", first, error);
        if (first == VX_PF)
            cr_assert_eq(cpu->cr2, 0x87654321);
        cr_assert_not(cpu->shutdown);

        world_idt(w, VX_DF, CODE_SEL(0), HANDLER, 0x8C);
        world_protected(w, 0);
        fault_plain(cpu, first);
        vx_cpu_deliver_fault(cpu);
        cr_assert_eq(cpu->shutdown, doubles, "first %u, without a double-fault gate", first);
    }
    world_destroy(w);
}

/* What is told of a shutdown: each exception that led there. */
Test(event, shutdown_text)
{
    char text[VX_CPU_SHUTDOWN_TEXT_BYTES];
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    world_protected(w, 0);
    for (unsigned v = 0; v < 32; v++)
        world_idt(w, v, CODE_SEL(0), HANDLER, 0x8C); /* no gate */
    cpu->rip = 0xC0001234;
    cpu->mmu->fault = (struct vx_fault){ .vector = VX_PF, .has_error = true, .error = 2, .lin = 0x87654321 };
    vx_cpu_deliver_fault(cpu);
    cr_assert(cpu->shutdown);
    vx_cpu_shutdown_text(cpu, text);
    cr_assert_str_eq(text, "#PF 0e at 0008:c0001234, error 2, cr2 87654321; then #GP 0d, error 73; then #DF 08; then "
                           "#GP 0d, error 43; then shutdown");
    uint64_t key = vx_cpu_shutdown_key(cpu);

    world_protected(w, 0);
    fault_plain(cpu, VX_UD); /* benign: its #GP is handled serially */
    cpu->rip = 0xC0001234;
    vx_cpu_deliver_fault(cpu);
    vx_cpu_shutdown_text(cpu, text);
    cr_assert_str_eq(text, "#UD 06 at 0008:c0001234; then #GP 0d, error 33; then #GP 0d, error 6b; then #DF 08; then "
                           "#GP 0d, error 43; then shutdown");
    cr_assert_neq(vx_cpu_shutdown_key(cpu), key);

    world_protected(w, 0);
    cpu->rip = 0xC0001234;
    cpu->mmu->fault = (struct vx_fault){ .vector = VX_PF, .has_error = true, .error = 2, .lin = 0x12345678 };
    vx_cpu_deliver_fault(cpu);
    cr_assert_eq(vx_cpu_shutdown_key(cpu), key, "the same place and the same way");
    world_destroy(w);
}

/* ---- flags, DR7, interrupts
 * ------------------------------------------------------------------------------------------ */

Test(event, rf_in_pushed_flags)
{
    static const struct {
        uint8_t vector;
        bool rf;
    } rows[] = {
        { VX_DE, true }, { VX_UD, true },  { VX_NM, true },  { VX_GP, true },
        { VX_PF, true }, { VX_DB, false }, { VX_DF, false },
    };
    struct world *w = world_create();
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        world_protected(w, 0);
        world_idt(w, rows[i].vector, CODE_SEL(0), HANDLER, INT32);
        w->cpu->dr[7] |= 1 << 13;
        fault_plain(w->cpu, rows[i].vector);
        vx_cpu_deliver_fault(w->cpu);
        uint32_t flags = world_get(w, W_STACK0 - 4, 4);
        cr_assert_eq((flags & VX_FL_RF) != 0, rows[i].rf, "vector %u: %x", rows[i].vector, flags);
        cr_assert_eq((w->cpu->dr[7] & 1 << 13) == 0, rows[i].vector == VX_DB, "only #DB drops GD");
    }
    world_destroy(w);
}

Test(event, interrupts)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    world_idt(w, 0x30, CODE_SEL(0), HANDLER, INT32);
    world_idt(w, VX_NMI, CODE_SEL(0), HANDLER + 2, INT32);
    w->next_vector = 0x30;

    vx_vcpu_set_intr(cpu, true);
    cr_assert_not(vx_cpu_take_events(cpu), "IF is clear");
    cpu->iflag = 1;
    cpu->inhibit = VX_INHIBIT_STI;
    atomic_store(&cpu->attention, 0);
    cr_assert_not(vx_cpu_take_events(cpu), "shadow");
    cr_assert(atomic_load(&cpu->attention) & VX_ATTN_INTR, "and it asks to be called again");
    cr_assert_not(vx_cpu_event_ready(cpu));
    cpu->inhibit = VX_INHIBIT_NONE;
    cpu->halted = true;
    cr_assert(vx_cpu_event_ready(cpu));
    cr_assert(vx_cpu_take_events(cpu));
    cr_assert(cpu->rip == HANDLER && !cpu->iflag && !cpu->halted && w->stats.interrupts == 1);

    cpu->nmi_pending = true;
    cr_assert(vx_cpu_take_events(cpu), "NMI needs no IF");
    cr_assert(cpu->rip == HANDLER + 2 && cpu->nmi_blocked && !cpu->nmi_pending);
    cpu->nmi_pending = true;
    cr_assert_not(vx_cpu_take_events(cpu), "blocked until IRET");
    atomic_store(&cpu->attention, 0);
    cr_assert(vx_cpu_iret(cpu, 4, RETURN));
    cr_assert(!cpu->nmi_blocked && (atomic_load(&cpu->attention) & VX_ATTN_NMI));
    cr_assert(vx_cpu_take_events(cpu));

    cpu->nmi_blocked = false;
    world_protected(w, 0); /* an interrupt whose gate is bad: the fault follows serially, with EXT */
    world_idt(w, 0x30, CODE_SEL(0), HANDLER, INT32 & 0x7F);
    world_idt(w, VX_NP, CODE_SEL(0), HANDLER + 4, INT32);
    cpu->iflag = 1;
    cr_assert(vx_cpu_take_events(cpu));
    cr_assert(cpu->rip == HANDLER + 4 && world_get(w, (uint32_t)cpu->gpr[VX_RSP], 4) == 0x30 * 8 + 3);
    w->next_vector = -1;
    cpu->iflag = 1;
    cr_assert_not(vx_cpu_take_events(cpu), "the line fell");
    world_destroy(w);
}

enum { PD = 0x30000, PT = 0x31000 };

/* Identity map of the first MiB, user-writable, but for one page; paging on. */
static void page_all_but(struct world *w, uint32_t hole)
{
    unsigned cpl = w->cpu->cpl;
    world_put(w, PD, 4, PT | 7);
    for (unsigned i = 0; i < 256; i++)
        world_put(w, PT + i * 4, 4, i == hole / 4096 ? 0 : i << 12 | 7);
    w->cpu->cpl = 0;
    cr_assert(vx_cpu_write_cr(w->cpu, 3, PD) && vx_cpu_write_cr(w->cpu, 0, 0x80000001u));
    w->cpu->cpl = (uint8_t)cpl;
}

/* The IDT straddles a page that is not there from vector 13 on: #GP then #PF is serial, #PF then #PF is double. CR2
 * tells which gate was wanted last. */
Test(event, page_faults_on_the_way)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    cpu->idtr.base = 0x3000 - VX_GP * 8;
    world_put(w, (uint32_t)cpu->idtr.base + VX_DF * 8, 8, world_gate_bits(CODE_SEL(0), HANDLER, INT32, 0));
    page_all_but(w, 0x3000);
    fault_code(cpu, VX_GP, 0x10);
    vx_cpu_deliver_fault(cpu);
    cr_assert(!cpu->shutdown && cpu->rip == HANDLER);
    cr_assert_eq(cpu->cr2, 0x3008, "%x", (unsigned)cpu->cr2);
    cr_assert_eq(w->stats.exceptions_by_vector[VX_PF], 1);
    world_put(w, (uint32_t)cpu->idtr.base + VX_DF * 8, 8, world_gate_bits(CODE_SEL(0), HANDLER, 0x8C, 0));
    fault_code(cpu, VX_GP, 0x10);
    vx_cpu_deliver_fault(cpu);
    cr_assert(cpu->shutdown);
    world_destroy(w);
}

/* A page fault in the middle of the frame leaves no trace: the stack page below is not mapped. CR2 has the first word
 * pushed that does not fit. */
Test(event, fault_in_frame)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    world_protected(w, 3);
    world_idt(w, 0x40, CODE_SEL(0), HANDLER, INT32 | DPL(3));
    world_put(w, W_TSS + 4, 4, W_STACK0 + 8); /* two words fit above the hole */
    world_put(w, W_STACK0, 8, 0x1122334455667788);
    page_all_but(w, W_STACK0 - 0x1000);
    struct vx_vcpu before = *cpu;
    cr_assert_eq(world_outcome(w, software_int(w, 0x40)), FAULT(VX_PF, VX_PF_W));
    cr_assert_eq(cpu->mmu->fault.lin, W_STACK0 - 4);
    cr_assert_eq(memcmp(&before, cpu, sizeof(before)), 0);
    cr_assert(world_get(w, W_STACK0, 4) == 0x55667788 && world_get(w, W_STACK0 + 4, 4) == 0x11223344);
    world_destroy(w);
}

/* The 32 bytes below the I/O bitmap say who has INT n: 1 the monitor, 0 the program. Where they end matters, not
 * whether there is an I/O bitmap. */
Test(event, redirection_bitmap)
{
    static const struct {
        uint32_t limit, io_base;
        uint8_t vector, type;
        uint32_t want; /* W_OK: redirected as the bit says */
    } rows[] = {
        { 0x2000, 0x88, 0x10, VX_SYS_TSS32_BUSY, W_OK },
        { 0x87, 0x88, 0xFF, VX_SYS_TSS32_BUSY, W_OK },
        { 0x86, 0x88, 0xFF, VX_SYS_TSS32_BUSY, FAULT(VX_GP, 0) },
        { 0x86, 0x88, 0xF7, VX_SYS_TSS32_BUSY, W_OK },
        { 0x67, 0x88, 0x00, VX_SYS_TSS32_BUSY, FAULT(VX_GP, 0) },
        { 0x66, 0x20, 0x00, VX_SYS_TSS32_BUSY, FAULT(VX_GP, 0) },
        { 0x2000, 0x1F, 0x00, VX_SYS_TSS32_BUSY, FAULT(VX_GP, 0) },
        { 0x2000, 0x88, 0x10, VX_SYS_TSS16_BUSY, FAULT(VX_GP, 0) },
    };
    struct world *w = world_create();
    world_vm86(w, 0);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        uint32_t at = W_TSS + rows[i].io_base - 32 + rows[i].vector / 8;
        w->cpu->tr.limit = rows[i].limit;
        w->cpu->tr.attr = (uint16_t)(VX_ATTR_P | rows[i].type);
        world_put(w, W_TSS + 102, 2, rows[i].io_base);
        for (unsigned monitor = 0; monitor < 2; monitor++) {
            bool redirected = monitor;
            world_put(w, at, 1, monitor << (rows[i].vector & 7));
            uint32_t outcome = world_outcome(w, vif_int_redirected(w->cpu, rows[i].vector, &redirected));
            cr_assert(outcome == rows[i].want && (outcome != W_OK || redirected == !monitor), "row %zu: %x", i,
                      outcome);
        }
    }
    world_destroy(w);
}

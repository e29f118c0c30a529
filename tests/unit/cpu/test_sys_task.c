/* test_sys_task.c - task switches of every cause through TSS16 and TSS32: state saved and loaded, busy bits, links,
 * faults on both sides of the switch; the I/O permission bitmap. */
#include "sys_world.h"

enum { NEXT = 0x1234, ENTRY = 0x9000, STACK = 0x18000, TASK_GATE = 0x85 };

/* A runnable task image. Register i holds 0x100 * (i + 1). */
static void make_tss32(struct world *w, uint32_t at, uint16_t cs, uint16_t ss, uint16_t ds, uint32_t eflags)
{
    for (unsigned off = 0; off < 104; off += 4)
        world_put(w, at + off, 4, 0);
    world_put(w, at + 32, 4, ENTRY);
    world_put(w, at + 36, 4, eflags);
    for (unsigned i = 0; i < 8; i++)
        world_put(w, at + 40 + i * 4, 4, i == VX_RSP ? (uint32_t)STACK : 0x100 * (i + 1));
    const uint16_t segs[] = { ds, cs, ss, ds, ds, 0 };
    for (unsigned i = 0; i < 6; i++)
        world_put(w, at + 72 + i * 4, 2, segs[i]);
    world_put(w, at + 96, 2, SEL(G_LDT, 0));
}

static void make_tss16(struct world *w, uint32_t at, uint16_t cs, uint16_t ss, uint16_t ds, uint16_t flags)
{
    for (unsigned off = 0; off < 44; off += 2)
        world_put(w, at + off, 2, 0);
    world_put(w, at + 14, 2, ENTRY);
    world_put(w, at + 16, 2, flags);
    for (unsigned i = 0; i < 8; i++)
        world_put(w, at + 18 + i * 2, 2, i == VX_RSP ? 0x7000 : 0x100 * (i + 1));
    const uint16_t segs[] = { ds, cs, ss, ds };
    for (unsigned i = 0; i < 4; i++)
        world_put(w, at + 34 + i * 2, 2, segs[i]);
    world_put(w, at + 42, 2, SEL(G_LDT, 0));
}

static unsigned busy(struct world *w, unsigned index)
{
    return world_get(w, W_GDT + index * 8 + 5, 1) >> 1 & 1;
}

enum cause { JUMP, CALL, JUMP_GATE, CALL_GATE, SOFTWARE, EXCEPTION, CAUSES };

static void begin(struct world *w)
{
    world_tables(w);
    world_protected(w, 0);
    make_tss32(w, W_TSS_B, CODE_SEL(0), DATA_SEL(0), DATA_SEL(3), VX_FL_CF | 2);
    world_desc(w, G_TEST + 20, 0, 0xFFFF, VX_ATTR_P | VX_ATTR_S | 0x3); /* SP, not ESP */
    make_tss16(w, W_TSS16, CODE_SEL(0), SEL(G_TEST + 20, 0), DATA_SEL(3), VX_FL_CF | 2);
    for (unsigned i = 0; i < 8; i++)
        w->cpu->gpr[i] = i == VX_RSP ? W_STACK0 : 0xA0000000u + i;
    vx_set_eflags_raw(w->cpu, VX_FL_ZF | VX_FL_IF | VX_FL_AC);
}

static bool switch_by(struct world *w, enum cause cause, unsigned index)
{
    struct vx_vcpu *cpu = w->cpu;
    world_gdt_gate(w, G_TEST, SEL(index, 0), 0, TASK_GATE, 0);
    world_idt(w, VX_GP, SEL(index, 0), 0, TASK_GATE);
    world_idt(w, 0x40, SEL(index, 0), 0, TASK_GATE);
    switch (cause) {
    case JUMP: return vx_cpu_far_jump(cpu, SEL(index, 0), 0xDEAD, NEXT);
    case CALL: return vx_cpu_far_call(cpu, SEL(index, 0), 0xDEAD, 4, NEXT);
    case JUMP_GATE: return vx_cpu_far_jump(cpu, SEL(G_TEST, 0), 0xDEAD, NEXT);
    case CALL_GATE: return vx_cpu_far_call(cpu, SEL(G_TEST, 0), 0xDEAD, 4, NEXT);
    case SOFTWARE: return vx_cpu_software_int(cpu, 0x40, VX_INT_N, NEXT);
    default:
        cpu->rip = NEXT;
        fault_code(cpu, VX_GP, 0x5678);
        vx_cpu_deliver_fault(cpu);
        return !cpu->shutdown;
    }
}

static void check_old_task(struct world *w, enum cause cause)
{
    uint32_t flags = VX_FL_ZF | VX_FL_IF | VX_FL_AC | 2 | (cause == EXCEPTION ? VX_FL_RF : 0u);
    cr_assert_eq(world_get(w, W_TSS + 32, 4), NEXT, "cause %d", cause);
    cr_assert_eq(world_get(w, W_TSS + 36, 4), flags, "cause %d: %x", cause, world_get(w, W_TSS + 36, 4));
    for (unsigned i = 0; i < 8; i++)
        cr_assert_eq(world_get(w, W_TSS + 40 + i * 4, 4), i == VX_RSP ? W_STACK0 : 0xA0000000u + i, "register %u", i);
    const uint16_t segs[] = { DATA_SEL(0), CODE_SEL(0), DATA_SEL(0), DATA_SEL(0), DATA_SEL(0), DATA_SEL(0) };
    for (unsigned i = 0; i < 6; i++)
        cr_assert_eq(world_get(w, W_TSS + 72 + i * 4, 2), segs[i], "segment %u", i);
}

static void check_new_task(struct world *w, enum cause cause, bool wide)
{
    struct vx_vcpu *cpu = w->cpu;
    bool nested = cause != JUMP && cause != JUMP_GATE;
    uint32_t esp = wide ? STACK : 0x7000;
    if (cause == EXCEPTION) {
        esp -= wide ? 4 : 2;
        cr_assert_eq(world_get(w, esp, wide ? 4 : 2), 0x5678, "error code on the new stack");
    }
    uint32_t upper = wide ? 0 : 0xFFFF0000u; /* a 16-bit TSS has no more */
    cr_assert(cpu->rip == ENTRY && cpu->gpr[VX_RSP] == (upper | esp) && cpu->cpl == 0, "cause %d", cause);
    for (unsigned i = 0; i < 8; i++)
        cr_assert(i == VX_RSP || cpu->gpr[i] == (upper | 0x100 * (i + 1)), "register %u", i);
    cr_assert_eq(vx_eflags(cpu), VX_FL_CF | 2u | (nested ? VX_FL_NT : 0u), "cause %d: %x", cause, vx_eflags(cpu));
    cr_assert(cpu->seg[VX_DS].sel == DATA_SEL(3) && !cpu->seg[VX_DS].unusable && cpu->seg[VX_FS].unusable != wide);
    cr_assert(cpu->seg[VX_GS].unusable && cpu->ldtr.sel == SEL(G_LDT, 0) && !cpu->ldtr.unusable);
    cr_assert((cpu->cr0 & VX_CR0_TS) != 0);
    cr_assert_eq(busy(w, G_TSS), nested, "cause %d", cause);
    cr_assert_eq(world_get(w, wide ? W_TSS_B : W_TSS16, 2), nested ? SEL(G_TSS, 0) : 0);
}

Test(task, every_cause_and_back)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    for (unsigned n = 0; n < CAUSES * 2; n++) {
        enum cause cause = n >> 1;
        bool wide = n & 1;
        unsigned index = wide ? G_TSS_B : G_TSS16;
        begin(w);
        cr_assert(switch_by(w, cause, index), "cause %d", cause);
        cr_assert(cpu->tr.sel == SEL(index, 0) && busy(w, index) && (cpu->tr.attr & VX_TSS_BUSY));
        check_old_task(w, cause);
        check_new_task(w, cause, wide);
        if (cause == JUMP || cause == JUMP_GATE) {
            cr_assert(vx_cpu_far_jump(cpu, SEL(G_TSS, 0), 0, NEXT + 1));
        } else {
            cr_assert(vx_cpu_iret(cpu, 4, NEXT + 1), "cause %d", cause);
            uint32_t flags = wide ? world_get(w, W_TSS_B + 36, 4) : world_get(w, W_TSS16 + 16, 2);
            cr_assert_eq(flags, VX_FL_CF | 2u, "IRET saves flags without NT");
        }
        uint32_t eip = wide ? world_get(w, W_TSS_B + 32, 4) : world_get(w, W_TSS16 + 14, 2);
        cr_assert_eq(eip, NEXT + 1, "where the inner task goes on");
        cr_assert(cpu->tr.sel == SEL(G_TSS, 0) && busy(w, G_TSS) && !busy(w, index), "cause %d", cause);
        cr_assert(cpu->rip == NEXT && cpu->gpr[VX_RAX] == 0xA0000000u && !(vx_eflags(cpu) & VX_FL_NT));
    }
    world_destroy(w);
}

/* ---- faults before the switch leave the old task alone; after it they are the new task's
 * ------------------------------ */

struct bad_task {
    const char *what;
    uint32_t tss_off; /* 16-bit field of the new TSS to spoil */
    uint16_t value;
    uint32_t want;
    bool switched;
};

static const struct bad_task bad_tasks[] = {
    { "LDT of the LDT", 96, 0x0C, FAULT(VX_TS, 0x0C), true },
    { "LDT is not one", 96, DATA_SEL(0), FAULT(VX_TS, DATA_SEL(0)), true },
    { "null CS", 76, 0, FAULT(VX_TS, 0), true },
    { "data CS", 76, DATA_SEL(0), FAULT(VX_TS, DATA_SEL(0)), true },
    { "CS RPL is not DPL", 76, SEL(G_CODE, 3), FAULT(VX_TS, G_CODE * 8), true },
    { "CS beyond table", 76, SEL(G_ENTRIES, 0), FAULT(VX_TS, G_ENTRIES * 8), true },
    { "CS absent", 76, SEL(G_TEST + 1, 0), FAULT(VX_NP, (G_TEST + 1) * 8), true },
    { "null SS", 80, 0, FAULT(VX_TS, 0), true },
    { "SS DPL", 80, SEL(G_DATA + 3, 0), FAULT(VX_TS, (G_DATA + 3) * 8), true },
    { "SS RPL", 80, SEL(G_DATA, 3), FAULT(VX_TS, G_DATA * 8), true },
    { "SS absent", 80, SEL(G_TEST + 2, 0), FAULT(VX_SEG_SS, (G_TEST + 2) * 8), true },
    { "DS beyond table", 84, SEL(G_ENTRIES, 0), FAULT(VX_TS, G_ENTRIES * 8), true },
    { "DS system", 84, SEL(G_LDT, 0), FAULT(VX_TS, G_LDT * 8), true },
    { "ES absent", 72, SEL(G_TEST + 2, 0), FAULT(VX_NP, (G_TEST + 2) * 8), true },
    { "fine", 72, 0, W_OK, true },
};

Test(task, faults_after_the_switch)
{
    struct world *w = world_create();
    for (size_t i = 0; i < VX_ARRAY_LEN(bad_tasks); i++) {
        begin(w);
        world_desc(w, G_TEST + 1, 0, UINT32_MAX, A_CODE & ~VX_ATTR_P);
        world_desc(w, G_TEST + 2, 0, UINT32_MAX, A_DATA & ~VX_ATTR_P);
        world_put(w, W_TSS_B + bad_tasks[i].tss_off, 2, bad_tasks[i].value);
        uint32_t got = world_outcome(w, vx_cpu_far_jump(w->cpu, SEL(G_TSS_B, 0), 0, NEXT));
        cr_assert_eq(got, bad_tasks[i].want, "%s: %x", bad_tasks[i].what, got);
        cr_assert(w->cpu->tr.sel == SEL(G_TSS_B, 0) && w->cpu->rip == ENTRY, "%s", bad_tasks[i].what);
    }
    world_destroy(w);
}

Test(task, faults_before_the_switch)
{
    static const struct {
        const char *what;
        uint32_t limit;
        unsigned attr;
        uint32_t old_limit;
        unsigned cpl;
        uint32_t want;
    } rows[] = {
        { "busy", 0x67, VX_ATTR_P | VX_SYS_TSS32_BUSY, 0x2000, 0, FAULT(VX_GP, G_TSS_B * 8) },
        { "absent", 0x67, VX_SYS_TSS32, 0x2000, 0, FAULT(VX_NP, G_TSS_B * 8) },
        { "short", 0x66, VX_ATTR_P | VX_SYS_TSS32, 0x2000, 0, FAULT(VX_TS, G_TSS_B * 8) },
        { "old one short", 0x67, VX_ATTR_P | VX_SYS_TSS32, 0x66, 0, FAULT(VX_TS, G_TSS * 8) },
        { "DPL", 0x67, VX_ATTR_P | VX_SYS_TSS32, 0x2000, 3, FAULT(VX_GP, G_TSS_B * 8) },
        { "fine", 0x67, VX_ATTR_P | VX_SYS_TSS32, 0x67, 0, W_OK },
    };
    struct world *w = world_create();
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        begin(w);
        world_protected(w, rows[i].cpl);
        world_desc(w, G_TSS_B, W_TSS_B, rows[i].limit, rows[i].attr);
        w->cpu->tr.limit = rows[i].old_limit;
        struct vx_vcpu before = *w->cpu;
        uint32_t got = world_outcome(w, vx_cpu_far_jump(w->cpu, SEL(G_TSS_B, rows[i].cpl), 0, NEXT));
        cr_assert_eq(got, rows[i].want, "%s: %x", rows[i].what, got);
        cr_assert(got == W_OK || memcmp(&before, w->cpu, sizeof(before)) == 0, "%s", rows[i].what);
    }
    static const struct {
        uint16_t link;
        unsigned type;
        uint32_t want;
    } links[] = {
        { 0, 0, FAULT(VX_TS, 0) },
        { 4 | 8, 0, FAULT(VX_TS, 12) },
        { SEL(G_ENTRIES, 0), 0, FAULT(VX_TS, G_ENTRIES * 8) },
        { SEL(G_TSS_B, 0), VX_ATTR_P | VX_SYS_TSS32, FAULT(VX_TS, G_TSS_B * 8) },
        { SEL(G_TSS_B, 0), VX_SYS_TSS32_BUSY, FAULT(VX_NP, G_TSS_B * 8) },
        { SEL(G_TSS_B, 0), VX_ATTR_P | VX_SYS_TSS32_BUSY, W_OK },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(links); i++) {
        begin(w);
        vx_set_eflags_raw(w->cpu, VX_FL_NT);
        world_desc(w, G_TSS_B, W_TSS_B, 0x67, links[i].type);
        world_put(w, W_TSS, 2, links[i].link);
        uint32_t got = world_outcome(w, vx_cpu_iret(w->cpu, 4, NEXT));
        cr_assert_eq(got, links[i].want, "link %zu: %x", i, got);
    }
    world_destroy(w);
}

/* To VM86, to level 3, with the debug trap, and with a bad EIP. */
Test(task, kinds_of_new_tasks)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    begin(w);
    make_tss32(w, W_TSS_B, 0x0800, 0x2000, 0x3000, VX_FL_VM | 3u << 12 | 2);
    cr_assert(vx_cpu_far_jump(cpu, SEL(G_TSS_B, 0), 0, NEXT));
    cr_assert(vx_vm86(cpu) && cpu->cpl == 3 && cpu->seg[VX_CS].base == 0x8000 && cpu->seg[VX_SS].attr == 0xF3);
    begin(w); /* a fault before any segment has been checked is one of VM86 mode already */
    make_tss32(w, W_TSS_B, 0x0800, 0x2000, 0x3000, VX_FL_VM | 2);
    world_put(w, W_TSS_B + 96, 2, DATA_SEL(0));
    cr_assert_eq(world_outcome(w, vx_cpu_far_jump(cpu, SEL(G_TSS_B, 0), 0, NEXT)), FAULT(VX_TS, DATA_SEL(0)));
    cr_assert(vx_vm86(cpu) && cpu->cpl == 3 && cpu->seg[VX_CS].base == 0x8000);
    begin(w);
    make_tss32(w, W_TSS_B, CODE_SEL(3), DATA_SEL(3), DATA_SEL(3), 2);
    cr_assert(vx_cpu_far_jump(cpu, SEL(G_TSS_B, 0), 0, NEXT));
    cr_assert(cpu->cpl == 3 && cpu->seg[VX_SS].sel == DATA_SEL(3));
    begin(w);
    world_put(w, W_TSS_B + 100, 2, 1);
    cpu->dr[7] = 0x7FF;
    cr_assert_eq(world_outcome(w, vx_cpu_far_jump(cpu, SEL(G_TSS_B, 0), 0, NEXT)), FAULT(VX_DB, 0xFFFF));
    cr_assert(cpu->rip == ENTRY && (cpu->dr[6] & 1 << 15), "a trap before the first instruction");
    cr_assert_eq(cpu->dr[7], 0x6AA, "local breakpoints end with their task");
    begin(w);
    world_desc(w, G_TEST + 1, 0, ENTRY - 1, VX_ATTR_P | VX_ATTR_S | VX_ATTR_DB | 0xB);
    world_put(w, W_TSS_B + 76, 2, SEL(G_TEST + 1, 0));
    cr_assert_eq(world_outcome(w, vx_cpu_far_jump(cpu, SEL(G_TSS_B, 0), 0, NEXT)), FAULT(VX_GP, 0));
    world_destroy(w);
}

/* The new task's CR3 counts from its first access on; without paging the field is ignored. */
Test(task, cr3)
{
    enum { PD_A = 0x30000, PD_B = 0x31000, PT = 0x32000 };
    struct world *w = world_create();
    begin(w);
    world_put(w, W_TSS_B + 28, 4, PD_B);
    cr_assert(vx_cpu_far_jump(w->cpu, SEL(G_TSS_B, 0), 0, NEXT));
    cr_assert_eq(w->cpu->cr3, 0);
    begin(w);
    world_put(w, W_TSS_B + 28, 4, PD_B);
    world_put(w, PD_A, 4, PT | 3);
    world_put(w, PD_B, 4, PT | 3);
    for (unsigned i = 0; i < 256; i++)
        world_put(w, PT + i * 4, 4, i << 12 | 3);
    cr_assert(vx_cpu_write_cr(w->cpu, 3, PD_A) && vx_cpu_write_cr(w->cpu, 0, 0x80000001u));
    cr_assert(vx_cpu_far_jump(w->cpu, SEL(G_TSS_B, 0), 0, NEXT));
    cr_assert(w->cpu->cr3 == PD_B && vx_mmu_paging(w->cpu->mmu)->cr3 == PD_B);
    world_destroy(w);
}

/* #DB through a task gate whose task has the T bit, over descriptor tables that cannot hold a busy bit, never comes to
 * an end on silicon: here the processor shuts down instead of hanging its host. */
Test(task, endless_debug_traps)
{
    struct world *w = world_create();
    begin(w);
    uint32_t rom = vx_pmap_alloc(w->pmap, 4096);
    uint32_t page = rom == VX_PMAP_BUS ? W_GDT / 4096 : rom;
    vx_pmap_map(w->pmap, W_GDT, 4096, page, VX_PMAP_DISCARD);
    world_put(w, W_TSS_B + 100, 2, 1);
    world_idt(w, VX_DB, SEL(G_TSS_B, 0), 0, TASK_GATE);
    fault_plain(w->cpu, VX_DB);
    vx_cpu_deliver_fault(w->cpu);
    cr_assert(w->cpu->shutdown);
    world_destroy(w);
}

Test(task, io_bitmap)
{
    enum { MAP = 0x88 };
    static const struct {
        unsigned cpl, iopl;
        bool vm86;
        uint16_t port;
        unsigned size;
        uint32_t limit;
        unsigned tss;
        uint32_t want;
    } rows[] = {
        { 0, 0, false, 0x3F8, 1, 0x2000, VX_SYS_TSS32_BUSY, W_OK },
        { 3, 3, false, 0x3F8, 4, 0x2000, VX_SYS_TSS32_BUSY, W_OK },
        { 3, 0, false, 0x3F8, 1, 0x2000, VX_SYS_TSS32_BUSY, FAULT(VX_GP, 0) },
        { 3, 0, false, 0x3F0, 1, 0x2000, VX_SYS_TSS32_BUSY, W_OK },
        { 3, 0, false, 0x3F7, 2, 0x2000, VX_SYS_TSS32_BUSY, FAULT(VX_GP, 0) },
        { 3, 0, false, 0x3F4, 4, 0x2000, VX_SYS_TSS32_BUSY, W_OK },
        { 3, 0, false, 0x3F5, 4, 0x2000, VX_SYS_TSS32_BUSY, FAULT(VX_GP, 0) },
        { 3, 3, true, 0x3F8, 1, 0x2000, VX_SYS_TSS32_BUSY, FAULT(VX_GP, 0) },
        { 3, 3, true, 0x3F0, 1, 0x2000, VX_SYS_TSS32_BUSY, W_OK },
        { 3, 0, false, 0x3F0, 1, MAP + 0x7E + 1, VX_SYS_TSS32_BUSY, W_OK },
        { 3, 0, false, 0x3F0, 1, MAP + 0x7E, VX_SYS_TSS32_BUSY,
          FAULT(VX_GP, 0) }, /* the byte after is beyond the limit */
        { 3, 0, false, 0x3F0, 1, 0x2000, VX_SYS_TSS16_BUSY, FAULT(VX_GP, 0) },
        { 3, 0, false, 0xFFFF, 1, 0x2000, VX_SYS_TSS32_BUSY, FAULT(VX_GP, 0) },
    };
    struct world *w = world_create();
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        if (rows[i].vm86)
            world_vm86(w, rows[i].iopl);
        else
            world_protected(w, rows[i].cpl);
        w->cpu->eflags |= rows[i].iopl << 12;
        w->cpu->tr.limit = rows[i].limit;
        w->cpu->tr.attr = (uint16_t)(VX_ATTR_P | rows[i].tss);
        world_put(w, W_TSS + 102, 2, MAP);
        for (unsigned port = 0; port < 0x10000; port += 8)
            world_put(w, W_TSS + MAP + port / 8, 1, port == 0x3F0 ? 0 : 0xFF);
        uint32_t got = world_outcome(w, vx_cpu_io_allowed(w->cpu, rows[i].port, rows[i].size));
        cr_assert_eq(got, rows[i].want, "row %zu: %x", i, got);
    }
    world_destroy(w);
}

/* test_interp_debug.c - what happens between instructions: single-step traps, breakpoints, RF, interrupt shadows,
 * attention, and fetching across pages. */
#include <criterion/criterion.h>

#include "interp_rig.h"

enum { DR6_BS = 1 << 14, DR7_G0 = 2, RW0_WRITE = 1 << 16, RW0_PORT = 2 << 16, RW0_ACCESS = 3 << 16, LEN0_4 = 3 << 18 };

/* Code run in flat protected mode at level 0 for some steps. */
struct trap_case {
    const char *name;
    uint8_t code[12];
    uint8_t bytes;
    unsigned steps;
    uint32_t flags, dr0, dr7, cr4, ecx;
    bool trapped;
    uint32_t dr6; /* the low bits, when trapped */
    uint32_t pushed_eip, pushed_rf;
};

#define CODE(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })

/* One case a row. */
/* clang-format off */
static const struct trap_case trap_cases[] = {
    { "single step", CODE(0x90, 0x90), 1, VX_FL_TF, .trapped = true, .dr6 = DR6_BS, .pushed_eip = 0x1001 },
    { "popf that sets TF does not trap itself", CODE(0x68, 0x02, 0x01, 0, 0, 0x9D, 0x90), 2, 0, .trapped = false },
    { "but the next instruction does", CODE(0x68, 0x02, 0x01, 0, 0, 0x9D, 0x90), 3, 0, .trapped = true, .dr6 = DR6_BS, .pushed_eip = 0x1007 },
    { "popf that clears TF traps", CODE(0x9D, 0x90), 1, VX_FL_TF, .trapped = true, .dr6 = DR6_BS, .pushed_eip = 0x1001 },
    { "mov ss holds the trap off", CODE(0x8E, 0xD1, 0x90), 1, VX_FL_TF, .ecx = 16, .trapped = false },
    { "for one instruction", CODE(0x8E, 0xD1, 0x90), 2, VX_FL_TF, .ecx = 16, .trapped = true, .dr6 = DR6_BS, .pushed_eip = 0x1003 },
    { "rep traps after each iteration", CODE(0xF3, 0xAA), 1, VX_FL_TF, .ecx = 3, .trapped = true, .dr6 = DR6_BS, .pushed_eip = 0x1000, .pushed_rf = VX_FL_RF },
    { "instruction breakpoint", CODE(0x90, 0x90), 2, 0, .dr0 = 0x1001, .dr7 = DR7_G0, .trapped = true, .dr6 = 1, .pushed_eip = 0x1001 },
    { "RF skips it", CODE(0x90, 0x90), 1, VX_FL_RF, .dr0 = 0x1000, .dr7 = DR7_G0, .trapped = false },
    { "RF lasts for one instruction", CODE(0xEB, 0xFE), 2, VX_FL_RF, .dr0 = 0x1000, .dr7 = DR7_G0, .trapped = true, .dr6 = 1, .pushed_eip = 0x1000 },
    { "disabled breakpoint", CODE(0x90), 1, 0, .dr0 = 0x1000, .trapped = false },
    { "data breakpoint: write", CODE(0xA3, 0, 0x40, 0, 0), 1, 0, .dr0 = 0x4002, .dr7 = DR7_G0 | RW0_WRITE, .trapped = true, .dr6 = 1, .pushed_eip = 0x1005 },
    { "data breakpoint: a read is no write", CODE(0xA1, 0, 0x40, 0, 0), 1, 0, .dr0 = 0x4002, .dr7 = DR7_G0 | RW0_WRITE, .trapped = false },
    { "data breakpoint: read or write", CODE(0xA1, 0, 0x40, 0, 0), 1, 0, .dr0 = 0x4002, .dr7 = DR7_G0 | RW0_ACCESS, .trapped = true, .dr6 = 1, .pushed_eip = 0x1005 },
    { "data breakpoint: next to it", CODE(0xA2, 3, 0x40, 0, 0), 1, 0, .dr0 = 0x4004, .dr7 = DR7_G0 | RW0_ACCESS | LEN0_4, .trapped = false },
    { "data breakpoint: its last byte", CODE(0xA2, 7, 0x40, 0, 0), 1, 0, .dr0 = 0x4004, .dr7 = DR7_G0 | RW0_ACCESS | LEN0_4, .trapped = true, .dr6 = 1, .pushed_eip = 0x1005 },
    { "data breakpoint in the middle of rep", CODE(0xF3, 0xAA), 1, 0, .ecx = 8, .dr0 = 2, .dr7 = DR7_G0 | RW0_WRITE, .trapped = true, .dr6 = 1, .pushed_eip = 0x1000, .pushed_rf = VX_FL_RF },
    { "port breakpoint", CODE(0xE6, 0x80), 1, 0, .dr0 = 0x80, .dr7 = DR7_G0 | RW0_PORT, .cr4 = VX_CR4_DE, .trapped = true, .dr6 = 1, .pushed_eip = 0x1002 },
    { "both causes at once", CODE(0xA3, 0, 0x40, 0, 0), 1, VX_FL_TF, .dr0 = 0x4000, .dr7 = DR7_G0 | RW0_WRITE, .trapped = true, .dr6 = DR6_BS | 1, .pushed_eip = 0x1005 },
};
/* clang-format on */

static bool run_trap_case(struct interp_rig *rig, const struct trap_case *t, char *why, size_t why_bytes)
{
    struct vx_vcpu *cpu = rig->cpu;
    rig_flat(rig, 0);
    memcpy(rig->ram + RIG_CODE, t->code, t->bytes);
    memcpy(rig->ram + RIG_STACK, &(uint32_t){ 2 }, 4); /* for POPF */
    vx_set_eflags_raw(cpu, t->flags);
    cpu->gpr[VX_RCX] = t->ecx;
    cpu->dr[0] = t->dr0;
    cpu->dr[7] = t->dr7 | 0x400;
    cpu->cr4 = t->cr4;
    for (unsigned i = 0; i < t->steps; i++)
        (void)vx_interp_step(cpu);
    bool trapped = cpu->rip == RIG_HANDLERS + 16 * VX_DB;
    uint32_t frame[3] = { 0 };
    memcpy(frame, rig->ram + cpu->gpr[VX_RSP], sizeof(frame));
    snprintf(why, why_bytes, "%s: eip %x dr6 %x pushed %x %x", t->name, (unsigned)cpu->rip, (unsigned)cpu->dr[6],
             frame[0], frame[2]);
    if (trapped != t->trapped)
        return false;
    return !trapped ||
           ((cpu->dr[6] & 0xF00F) == t->dr6 && frame[0] == t->pushed_eip && (frame[2] & VX_FL_RF) == t->pushed_rf);
}

Test(interp_debug, traps)
{
    struct interp_rig rig;
    char why[160];
    unsigned bad = 0;
    cr_assert(rig_init(&rig));
    for (size_t i = 0; i < VX_ARRAY_LEN(trap_cases); i++) {
        if (!run_trap_case(&rig, &trap_cases[i], why, sizeof(why))) {
            printf("%s\n", why);
            bad++;
        }
    }
    rig_fini(&rig);
    cr_assert_eq(bad, 0, "%u rows fail", bad);
}

/* How many instructions a run executes before attention stops it. */
static unsigned run_until_attention(struct interp_rig *rig, const uint8_t *code, size_t bytes)
{
    rig_flat(rig, 0);
    memcpy(rig->ram + RIG_CODE, code, bytes);
    rig->stats.interp_insns = 0;
    rig->cpu->intr_line = true;
    enum vx_stop why = vx_interp_run(rig->cpu, 4);
    unsigned done = (unsigned)rig->stats.interp_insns;
    rig->cpu->intr_line = false;
    atomic_store(&rig->cpu->attention, 0);
    return why == VX_STOP_ATTENTION ? done : 99;
}

Test(interp_debug, shadows)
{
    static const uint8_t sti[] = { 0xFB, 0x90, 0x90, 0x90, 0x90 };
    static const uint8_t sti_cli[] = { 0xFB, 0xFA, 0x90, 0x90, 0x90 };
    static const uint8_t popf[] = { 0x68, 0x02, 0x02, 0, 0, 0x9D, 0x90, 0x90, 0x90 };
    struct interp_rig rig;
    cr_assert(rig_init(&rig));
    unsigned after_sti = run_until_attention(&rig, sti, sizeof(sti));
    unsigned after_sti_cli = run_until_attention(&rig, sti_cli, sizeof(sti_cli));
    unsigned after_popf = run_until_attention(&rig, popf, sizeof(popf));
    bool open = rig.cpu->iflag;
    rig_fini(&rig);
    cr_assert_eq(after_sti, 2, "STI and the instruction in its shadow, not %u", after_sti);
    cr_assert_eq(after_sti_cli, 2, "STI, CLI: %u", after_sti_cli);
    cr_assert_eq(after_popf, 2, "PUSH, POPF: %u", after_popf);
    cr_assert(open);
}

Test(interp_debug, stops)
{
    static const uint8_t hlt[] = { 0x90, 0xF4 };
    struct interp_rig rig;
    cr_assert(rig_init(&rig));
    rig_flat(&rig, 0);
    memcpy(rig.ram + RIG_CODE, hlt, sizeof(hlt));
    enum vx_stop budget = vx_interp_run(rig.cpu, 1), halt = vx_interp_run(rig.cpu, 9), again = vx_interp_step(rig.cpu);
    unsigned opcode = vx_interp_last_opcode(rig.cpu);
    uint64_t count = rig.stats.interp_insns;

    rig_flat(&rig, 0);
    memcpy(rig.ram + RIG_CODE, (uint8_t[]){ 0x0F, 0xA2 }, 2);
    (void)vx_interp_step(rig.cpu);
    unsigned cpuid = vx_interp_last_opcode(rig.cpu);

    rig_flat(&rig, 0);
    rig.cpu->idtr.limit = 0;
    memcpy(rig.ram + RIG_CODE, (uint8_t[]){ 0x0F, 0x0B }, 2);
    enum vx_stop shutdown = vx_interp_run(rig.cpu, 9);
    rig_fini(&rig);
    cr_assert(budget == VX_STOP_BUDGET && halt == VX_STOP_HALT && again == VX_STOP_HALT && count == 2);
    cr_assert_eq(shutdown, VX_STOP_SHUTDOWN);
    cr_assert(opcode == 0 && cpuid == 0x1A2);
}

/* Pages 0..15 mapped to themselves, but for those in `missing`; level 0. */
static void map_pages(struct interp_rig *rig, uint32_t missing)
{
    enum { DIRECTORY = 0x10000, TABLE = 0x11000 };
    uint32_t entry = TABLE | 7;
    memset(rig->ram + DIRECTORY, 0, 0x2000);
    memcpy(rig->ram + DIRECTORY, &entry, 4);
    for (uint32_t page = 0; page < 32; page++) {
        entry = page << 12 | (missing >> page & 1 ? 0 : 7);
        memcpy(rig->ram + TABLE + 4 * page, &entry, 4);
    }
    bool ok = vx_cpu_write_cr(rig->cpu, 3, DIRECTORY) && vx_cpu_write_cr(rig->cpu, 0, rig->cpu->cr0 | VX_CR0_PG);
    cr_assert(ok);
}

/* mov eax, imm32 at the end of page 5, page 6 missing: bytes that the instruction has fault, those after it do not. */
Test(interp_debug, fetch_across_pages)
{
    static const struct {
        uint32_t at;
        bool faults;
    } cases[] = {
        { 0x5FFB, false },
        { 0x5FFC, true },
        { 0x5FFF, true },
        { 0x5FF0, false },
    };
    static const uint8_t code[] = { 0xB8, 0x78, 0x56, 0x34, 0x12 };
    struct interp_rig rig;
    unsigned bad = 0;
    cr_assert(rig_init(&rig));
    for (size_t i = 0; i < VX_ARRAY_LEN(cases); i++) {
        for (unsigned pass = 0; pass < 2; pass++) { /* with a cold and a warm shadow of page 5 */
            rig_flat(&rig, 0);
            map_pages(&rig, pass == 0 ? 1u << 6 : 0);
            memcpy(rig.ram + cases[i].at, code, sizeof(code));
            rig.cpu->rip = cases[i].at;
            (void)vx_interp_step(rig.cpu);
            bool faulted = rig.cpu->rip == RIG_HANDLERS + 16 * VX_PF;
            bool expected = pass == 0 && cases[i].faults;
            bool ok = faulted == expected && (faulted ? rig.cpu->cr2 == 0x6000 && rig.cpu->gpr[VX_RAX] == 0
                                                      : rig.cpu->gpr[VX_RAX] == 0x12345678);
            bad += !ok;
        }
    }
    rig_fini(&rig);
    cr_assert_eq(bad, 0);
}

/* add [5FFEh], eax with page 6 missing or read-only: nothing is written, the error code says write. */
Test(interp_debug, store_across_pages)
{
    static const uint8_t code[] = { 0x01, 0x03, 0xF4 };
    struct interp_rig rig;
    uint32_t error;
    cr_assert(rig_init(&rig));
    rig_flat(&rig, 0);
    map_pages(&rig, 1u << 6);
    memcpy(rig.ram + RIG_CODE, code, sizeof(code));
    rig.cpu->gpr[VX_RAX] = 0x01010101;
    rig.cpu->gpr[VX_RBX] = 0x5FFE;
    (void)vx_interp_step(rig.cpu);
    memcpy(&error, rig.ram + rig.cpu->gpr[VX_RSP], 4);
    bool faulted = rig.cpu->rip == RIG_HANDLERS + 16 * VX_PF, untouched = rig.ram[0x5FFE] == 0 && rig.ram[0x5FFF] == 0;
    uint64_t cr2 = rig.cpu->cr2;
    rig_fini(&rig);
    cr_assert(faulted && untouched);
    cr_assert_eq(cr2, 0x6000);
    cr_assert_eq(error, VX_PF_W);
}

/* REP MOVSB into a missing page: the registers stand at the page, and the step can be taken again. */
Test(interp_debug, rep_restarts_after_page_fault)
{
    struct interp_rig rig;
    cr_assert(rig_init(&rig));
    rig_flat(&rig, 0);
    map_pages(&rig, 1u << 6);
    memcpy(rig.ram + RIG_CODE, (uint8_t[]){ 0xF3, 0xA4 }, 2);
    memset(rig.ram + 0x4000, 0x5A, 64);
    rig.cpu->gpr[VX_RSI] = 0x4000;
    rig.cpu->gpr[VX_RDI] = 0x5FF0;
    rig.cpu->gpr[VX_RCX] = 64;
    (void)vx_interp_step(rig.cpu);
    struct vx_vcpu *cpu = rig.cpu;
    bool faulted = cpu->rip == RIG_HANDLERS + 16 * VX_PF && cpu->cr2 == 0x6000;
    bool registers = cpu->gpr[VX_RCX] == 48 && cpu->gpr[VX_RDI] == 0x6000 && cpu->gpr[VX_RSI] == 0x4010;
    map_pages(&rig, 0);
    cpu->rip = RIG_CODE;
    (void)vx_interp_step(cpu);
    bool finished =
        cpu->gpr[VX_RCX] == 0 && cpu->rip == RIG_CODE + 2 && rig.ram[0x5FF0 + 63] == 0x5A && rig.ram[0x5FF0 + 64] == 0;
    rig_fini(&rig);
    cr_assert(faulted && registers && finished);
}

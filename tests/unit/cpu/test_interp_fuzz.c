/* test_interp_fuzz.c - random bytes as instructions in random states: the interpreter keeps the invariants of vcpu.h,
 * and a fault leaves the general registers as they were (I1 of interp.h). Run it under ASan and UBSan too. */
#include <criterion/criterion.h>

#include "interp_rig.h"

enum { ROUNDS = 300000, STEPS = 4 };

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Mostly small values, so that memory operands often hit memory. */
static uint32_t random_register(uint64_t *state)
{
    uint64_t r = next_random(state);
    switch (r & 3) {
    case 0: return (uint32_t)(r >> 32);
    case 1: return (uint32_t)(r >> 32) & 0xFF;
    default: return (uint32_t)(r >> 32) & 0x1FFFF;
    }
}

/* Bytes that begin with a likely prefix or escape now and then. */
static void random_code(uint64_t *state, uint8_t *code, unsigned bytes)
{
    static const uint8_t often[] = { 0x0F, 0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x2E, 0x36, 0x64, 0x0F, 0x0F, 0x66 };
    for (unsigned i = 0; i < bytes; i++) {
        uint64_t r = next_random(state);
        code[i] = (r & 3) == 0 && i < 3 ? often[(r >> 8) % VX_ARRAY_LEN(often)] : (uint8_t)(r >> 16);
    }
}

/* The first 128 KiB mapped to themselves, here and there read-only, supervisor's or not at all; handlers and tables
 * stay. */
static void random_pages(struct interp_rig *rig, uint64_t *state)
{
    enum { DIRECTORY = 0x20000, TABLE = 0x21000 };
    uint32_t entry = TABLE | 7;
    memset(rig->ram + DIRECTORY, 0, 0x2000);
    memcpy(rig->ram + DIRECTORY, &entry, 4);
    for (uint32_t page = 0; page < 32; page++) {
        uint32_t rights = page < 8 || next_random(state) & 3 ? 7 : (uint32_t)next_random(state) & 7;
        entry = page << 12 | rights;
        memcpy(rig->ram + TABLE + 4 * page, &entry, 4);
    }
    uint8_t cpl = rig->cpu->cpl;
    rig->cpu->cpl = 0;
    bool ok = vx_cpu_write_cr(rig->cpu, 3, DIRECTORY) &&
              vx_cpu_write_cr(rig->cpu, 0, rig->cpu->cr0 | VX_CR0_PG | (next_random(state) & VX_CR0_WP));
    rig->cpu->cpl = cpl;
    cr_assert(ok);
}

static void vm86_segments(struct interp_rig *rig)
{
    for (unsigned i = 0; i < VX_SEG_COUNT; i++) {
        rig_real_seg(rig, (enum vx_segment)i, 0);
        rig->cpu->seg[i].attr = 0xF3;
    }
}

static void random_state(struct interp_rig *rig, uint64_t *state)
{
    struct vx_vcpu *cpu = rig->cpu;
    uint64_t r = next_random(state);
    uint32_t vm86 = 0;
    switch (r & 7) {
    case 0:
    case 1: rig_real_mode(rig), rig_real_vectors(rig); break;
    case 2:
    case 3: rig_flat(rig, 3); break;
    case 4:
        rig_flat(rig, 3);
        vm86_segments(rig);
        vm86 = VX_FL_VM;
        break;
    default: rig_flat(rig, 0); break;
    }
    if ((r & 6) != 0 && !(r >> 32 & 3))
        random_pages(rig, state);
    for (unsigned i = 0; i < 8; i++)
        if (i != VX_RSP)
            cpu->gpr[i] = random_register(state);
    uint32_t flags = (uint32_t)next_random(state) & (VX_FL_ARITH | VX_FL_DF | VX_FL_AC | VX_FL_IOPL | VX_FL_ID);
    if (!(r >> 8 & 15))
        flags |= VX_FL_TF;
    vx_set_eflags_raw(cpu, flags | vm86);
    if (!(r >> 12 & 15))
        cpu->dr[7] = (uint32_t)next_random(state) & ~0xF300u;
    if (!(r >> 16 & 7))
        cpu->seg[r >> 20 & 1 ? VX_DS : VX_ES] = (struct vx_seg){
            .limit = random_register(state), .attr = (uint16_t)(0x4090 | (next_random(state) & 0xF)), .sel = 16
        };
    if (!(r >> 24 & 7) && cpu->cpl == 0)
        cpu->cr4 |= VX_CR4_OSFXSR | VX_CR4_OSXMMEXCPT;
    if (!(r >> 28 & 15))
        cpu->seg[VX_SS].attr &= (uint16_t)~VX_ATTR_DB;
}

static const char *broken_invariant(const struct vx_vcpu *cpu)
{
    for (unsigned i = 0; i < 8; i++)
        if (cpu->gpr[i] >> 32)
            return "upper half of a register";
    if (cpu->rip >> 32)
        return "upper half of rip";
    if (!(cpu->eflags & VX_FL_1) || cpu->eflags & (VX_FL_IF | VX_FL_DF) || cpu->eflags & ~0x3F7DD7u)
        return "reserved bits of eflags";
    if (cpu->iflag > 1 || cpu->dflag > 1 || cpu->cpl > 3 || cpu->inhibit > VX_INHIBIT_SS)
        return "a byte out of range";
    if (vx_real_mode(cpu) && cpu->cpl != 0)
        return "CPL in real mode";
    return NULL;
}

/* Vectors that are always faults. */
static bool is_fault_vector(unsigned vector)
{
    return vector == VX_UD || vector == VX_GP || vector == VX_SEG_SS || vector == VX_NP || vector == VX_TS ||
           vector == VX_PF || vector == VX_DE || vector == VX_BR || vector == VX_NM || vector == VX_AC;
}

static bool is_string(const struct vx_vcpu *cpu)
{
    unsigned opcode = vx_interp_last_opcode(cpu);
    return (opcode >= 0x6C && opcode <= 0x6F) || (opcode >= 0xA4 && opcode <= 0xAF);
}

/* A step from `before` that ended in a fault's handler has changed no register but ESP. */
static const char *broken_fault(const struct vx_vcpu *cpu, const uint64_t before[8], uint64_t exceptions)
{
    uint64_t at = cpu->rip - RIG_HANDLERS;
    if (cpu->stats->exceptions != exceptions + 1 || at > 31 * 16 || at % 16 != 0 ||
        !is_fault_vector((unsigned)at / 16) || is_string(cpu))
        return NULL;
    for (unsigned i = 0; i < 8; i++)
        if (i != VX_RSP && cpu->gpr[i] != before[i])
            return "a register changed by a faulting instruction";
    return NULL;
}

Test(interp, random_bytes, .timeout = 300)
{
    struct interp_rig rig;
    uint64_t state = 0xD1B54A32D192ED03ull;
    char why[200] = "";
    cr_assert(rig_init(&rig));
    size_t bad_word;
    cr_assert(vx_log_set_filter(rig.log, "cpu=error", &bad_word) == VX_ERR_OK);
    unsigned faults = 0, halts = 0;
    for (unsigned round = 0; round < ROUNDS && why[0] == 0; round++) {
        uint8_t code[16 * STEPS];
        random_state(&rig, &state);
        random_code(&state, code, sizeof(code));
        memcpy(rig.ram + RIG_CODE, code, sizeof(code));
        for (unsigned step = 0; step < STEPS && why[0] == 0; step++) {
            uint64_t before[8], eip = rig.cpu->rip, exceptions = rig.stats.exceptions;
            memcpy(before, rig.cpu->gpr, sizeof(before));
            enum vx_stop stop = vx_interp_step(rig.cpu);
            const char *broken = broken_invariant(rig.cpu);
            if (broken == NULL)
                broken = broken_fault(rig.cpu, before, exceptions);
            if (broken != NULL)
                snprintf(why, sizeof(why), "round %u step %u at %x opcode %x: %s (%02x %02x %02x %02x %02x %02x)",
                         round, step, (unsigned)eip, vx_interp_last_opcode(rig.cpu), broken, code[0], code[1], code[2],
                         code[3], code[4], code[5]);
            faults += rig.stats.exceptions != exceptions;
            halts += stop != VX_STOP_BUDGET;
            if (stop != VX_STOP_BUDGET)
                break;
        }
    }
    rig_fini(&rig);
    cr_assert_str_empty(why, "%s", why);
    cr_assert(faults > 1000 && halts > 10, "%u faults, %u halts: the states are too tame", faults, halts);
}

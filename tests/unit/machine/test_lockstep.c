/* test_lockstep.c - lockstep agrees with guests that end in every way, and tells every kind of difference. */
#include <criterion/criterion.h>

#include "ends.h"
#include "pc_lockstep_private.h"

static struct vx_machine_config lockstep_config(uint64_t every, uint64_t stress_seed)
{
    struct vx_machine_config config = { .engine = VX_ENGINE_BT, .lockstep = true, .lockstep_every = every };
    config.bt.stress = stress_seed != 0;
    config.bt.stress_seed = stress_seed;
    return config;
}

/* clang-format off */
/* 1000h doublewords to 20000h and back again, with IRQ 0 every 0.9 ms in between, then a word from a port, forwards and backwards. */
static const uint8_t strings_code[] = {
    0x31, 0xC0, 0x8E, 0xD0, 0xBC, 0x00, 0x70, 0x8E, 0xD8,                           /* SS = DS = 0, SP = 7000h */
    0xC7, 0x06, 0x20, 0x00, 0x00, 0x01, 0xC7, 0x06, 0x22, 0x00, 0x00, 0xF0,         /* INT 8: F000:0100 */
    MOV_AL_OUT(0x11, 0x20), MOV_AL_OUT(0x08, 0x21), MOV_AL_OUT(0x04, 0x21), MOV_AL_OUT(0x01, 0x21), MOV_AL_OUT(0xFE, 0x21),
    MOV_AL_OUT(0x34, 0x43), MOV_AL_OUT(0x00, 0x40), MOV_AL_OUT(0x04, 0x40),
    0xFB, 0xB8, 0x00, 0x20, 0x8E, 0xC0, 0xBB, 0x40, 0x00,                           /* ES = 2000h, BX = 64 rounds */
    0x31, 0xF6, 0x31, 0xFF, 0xFC, 0xB9, 0x00, 0x10, 0xF3, 0x66, 0xA5,               /* REP MOVSD */
    0xB9, 0x00, 0x10, 0xF3, 0xAA,                                                   /* REP STOSB */
    0xBA, 0x21, 0x00, 0xB9, 0x10, 0x00, 0xF3, 0x6C,                                 /* REP INSB from the 8259's mask */
    0xFD, 0xB9, 0x80, 0x00, 0xF3, 0xA4, 0x0F, 0x31, 0x01, 0xC5,                     /* STD, REP MOVSB, RDTSC, ADD BP,AX */
    0x4B, 0x75, 0xDB, 0xFA,                                                         /* DEC BX, JNZ, CLI */
    MOV_AL_OUT(0x55, 0xF4), SPIN,
};
static const uint8_t strings_handler[] = { 0xFF, 0x06, 0x00, 0x05, 0x50, MOV_AL_OUT(0x20, 0x20), 0x58, 0xCF };

/* Writes the immediate of the instruction behind it: code that modifies itself, 100h times, in RAM. */
static const uint8_t selfmod_code[] = {
    0x31, 0xC0, 0x8E, 0xC0, 0x0E, 0x1F, 0xBE, 0x00, 0x01, 0xBF, 0x00, 0x60, 0xB9, 0x40, 0x00, 0xF3, 0xA4, /* to 0:6000 */
    0xEA, 0x00, 0x60, 0x00, 0x00,
};
static const uint8_t selfmod_target[] = {
    0x31, 0xC0, 0x8E, 0xD8, 0x31, 0xDB,                   /* DS = 0, BX = 0 */
    0x88, 0x1E, 0x0B, 0x60, 0xB0, 0x00,                   /* 6006: MOV [600Bh],BL; MOV AL,imm */
    0x01, 0xC2, 0x43, 0x80, 0xFF, 0x01, 0x75, 0xF2,       /* ADD DX,AX; INC BX; CMP BH,1; JNE 6006h */
    MOV_AL_OUT(0x33, 0xF4), SPIN,
};
/* clang-format on */

static enum vx_machine_end run_rom(const struct rom *rom, struct vx_machine_config config, int *value)
{
    struct rom_machine rig;
    cr_assert_eq(rom_machine_create_with(&rig, rom, config), VX_ERR_OK);
    enum vx_machine_end end = vx_machine_run(rig.machine, value);
    rom_machine_destroy(&rig);
    return end;
}

static const struct {
    uint64_t every, stress_seed;
} modes[] = { { 0, 0 }, { 1, 0 }, { 100, 0 }, { 100000, 0 }, { 0, 1 }, { 10, 2 }, { 1000, 3 } };

Test(lockstep, every_end_without_a_difference, .timeout = 60)
{
    static struct rom rom;
    for (size_t m = 0; m < VX_ARRAY_LEN(modes); m++)
        for (size_t i = 0; i < VX_ARRAY_LEN(ends); i++) {
            int value = -1;
            struct vx_machine_config config = lockstep_config(modes[m].every, modes[m].stress_seed);
            config.no_reboot = ends[i].no_reboot;
            rom_make(&rom, ends[i].code, ends[i].bytes, ends[i].second, ends[i].second_bytes);
            enum vx_machine_end end = run_rom(&rom, config, &value);
            cr_assert(end == ends[i].end && value == ends[i].value, "%s, mode %zu: end %d value %d", ends[i].name, m,
                      (int)end, value);
        }
}

Test(lockstep, strings_cut_by_interrupts_and_code_that_changes, .timeout = 60)
{
    static struct rom strings, selfmod;
    rom_make(&strings, strings_code, sizeof strings_code, strings_handler, sizeof strings_handler);
    rom_make(&selfmod, selfmod_code, sizeof selfmod_code, selfmod_target, sizeof selfmod_target);
    for (size_t m = 0; m < VX_ARRAY_LEN(modes); m++) {
        int value = -1;
        struct vx_machine_config config = lockstep_config(modes[m].every, modes[m].stress_seed);
        config.no_reboot = true;
        enum vx_machine_end end = run_rom(&strings, config, &value);
        cr_assert(end == VX_END_DEBUG_EXIT && value == 0x55, "strings, mode %zu: end %d value %d", m, (int)end, value);
        end = run_rom(&selfmod, config, &value);
        cr_assert(end == VX_END_DEBUG_EXIT && value == 0x33, "selfmod, mode %zu: end %d value %d", m, (int)end, value);
    }
}

/* ---- it tells ---------------------------------------------------------------------------------------------------- */

static void spoil_register(struct vx_machine *machine)
{
    vx_machine_vcpu(machine)->gpr[VX_RBX] ^= 0x100;
}
static void spoil_flag(struct vx_machine *machine)
{
    vx_machine_vcpu(machine)->eflags ^= VX_FL_AF;
}
static void spoil_hidden_base(struct vx_machine *machine)
{
    vx_machine_vcpu(machine)->seg[VX_FS].base = 0x10;
}
static void spoil_msr(struct vx_machine *machine)
{
    vx_machine_vcpu(machine)->msr.mtrr_fix[10] = 1;
}
static void spoil_xmm(struct vx_machine *machine)
{
    vx_machine_vcpu(machine)->fx[287] ^= 0x80;
}
static void spoil_ram(struct vx_machine *machine)
{
    *vx_pmap_page_hva(vx_machine_pmap(machine), 0x123) = 1; /* by nobody's store */
}
static void spoil_video_memory(struct vx_machine *machine)
{
    *vx_pmap_page_hva(vx_machine_pmap(machine), vx_pmap_pages(vx_machine_pmap(machine)) - 1) = 1;
}
static void spoil_count(struct vx_machine *machine)
{
    vx_machine_vcpu(machine)->retired++;
}

Test(lockstep, tells_every_kind_of_difference, .timeout = 20)
{
    static const struct {
        const char *name;
        void (*spoil)(struct vx_machine *machine);
    } rows[] = {
        { "register", spoil_register },
        { "flag", spoil_flag },
        { "hidden base", spoil_hidden_base },
        { "msr", spoil_msr },
        { "xmm", spoil_xmm },
        { "ram", spoil_ram },
        { "video", spoil_video_memory },
        { "count", spoil_count },
    };
    static struct rom rom;
    static const uint8_t code[] = { 0x40, MOV_AL_OUT(0x11, 0xF4), SPIN };
    rom_make(&rom, code, sizeof code, NULL, 0);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rom_machine rig;
        cr_assert_eq(rom_machine_create_with(&rig, &rom, lockstep_config(0, 0)), VX_ERR_OK);
        rows[i].spoil(rig.machine);
        enum vx_machine_end end = vx_machine_run(rig.machine, NULL);
        cr_assert_eq(end, VX_END_DIFFERENCE, "%s: end %d", rows[i].name, (int)end);
        rom_machine_destroy(&rig);
    }
}

/* The interpreter alone meets a ROM with another port or value behind one instruction. */
Test(lockstep, tells_accesses_that_differ, .timeout = 20)
{
    static const struct {
        const char *name;
        unsigned off;
        uint8_t byte; /* in the follower's copy of the ROM */
    } rows[] = { { "port", 1, 0x61 }, { "direction", 0, 0xE6 }, { "one more", 2, 0xEC }, { "none", 0, 0xA8 } };
    static const uint8_t code[] = { 0xE4, 0x21, 0x90, MOV_AL_OUT(0x11, 0xF4), SPIN }; /* IN AL,21h */
    static struct rom rom;
    rom_make(&rom, code, sizeof code, NULL, 0);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rom_machine rig;
        cr_assert_eq(rom_machine_create_with(&rig, &rom, lockstep_config(0, 0)), VX_ERR_OK);
        uint32_t page = vx_pmap_read_page(vx_machine_pmap(rig.machine), 0xFFFF0000);
        vx_pmap_page_hva(rig.machine->lockstep->pmap, page)[rows[i].off] = rows[i].byte;
        enum vx_machine_end end = vx_machine_run(rig.machine, NULL);
        cr_assert_eq(end, VX_END_DIFFERENCE, "%s: end %d", rows[i].name, (int)end);
        rom_machine_destroy(&rig);
    }
}

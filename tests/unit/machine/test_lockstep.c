/* test_lockstep.c - lockstep agrees with guests that end in every way, and tells every kind of difference. */
#include <criterion/criterion.h>

#include "ends.h"
#include "pc.h"
#include "pc_lockstep_private.h"

static struct vx_machine_config lockstep_config(uint64_t every, uint64_t stress_seed)
{
    struct vx_machine_config config = { .engine = VX_ENGINE_BT, .lockstep = true, .lockstep_every = every };
    config.bt.stress = stress_seed != 0;
    config.bt.stress_seed = stress_seed;
    return config;
}

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

Test(lockstep, every_end_without_a_difference, .timeout = 120)
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

/* The interpreter alone meets a ROM with another port, value or direction. It is the access that tells, not what comes
 * after it. */
Test(lockstep, tells_accesses_that_differ, .timeout = 20)
{
    static const struct {
        const char *name;
        unsigned off;
        uint8_t byte;   /* in the follower's copy of the ROM */
        bool left_over; /* it is the leader that has made one more */
    } rows[] = {
        { "port", 1, 0x61, false }, { "direction", 0, 0xE6, false }, { "one more", 2, 0xEC, false },
        { "none", 9, 0xA8, true },  { "value", 4, 0x56, false },
    };
    static const uint8_t code[] = {
        0xE4, 0x21, 0x90, MOV_AL_OUT(0x55, 0x80), MOV_AL_OUT(0x11, 0xF4), SPIN /* first: IN AL,21h; NOP */
    };
    static struct rom rom;
    rom_make(&rom, code, sizeof code, NULL, 0);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rom_machine rig;
        cr_assert_eq(rom_machine_create_with(&rig, &rom, lockstep_config(0, 0)), VX_ERR_OK);
        struct pc_lockstep *lockstep = rig.machine->lockstep;
        uint32_t page = vx_pmap_read_page(vx_machine_pmap(rig.machine), 0xFFFF0000);
        vx_pmap_page_hva(lockstep->pmap, page)[rows[i].off] = rows[i].byte;
        enum vx_machine_end end = vx_machine_run(rig.machine, NULL);
        cr_assert(end == VX_END_DIFFERENCE && lockstep->access_differs == !rows[i].left_over, "%s: end %d, access %d",
                  rows[i].name, (int)end, lockstep->access_differs);
        rom_machine_destroy(&rig);
    }
}

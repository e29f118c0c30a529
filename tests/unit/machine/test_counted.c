/* test_counted.c - with a counted clock every run of a guest is the same run, whatever engine runs it. */
#include <criterion/criterion.h>

#include "ends.h"

struct outcome {
    enum vx_machine_end end;
    int value;
    uint64_t retired, now_ns, hash;
};

static struct outcome run_counted(const struct rom *rom, struct vx_machine_config config, uint64_t mips)
{
    struct rom_machine rig;
    struct outcome outcome;
    cr_assert_eq(vx_clock_create_counted(mips, &config.clock), VX_ERR_OK);
    cr_assert_eq(rom_machine_create_with(&rig, rom, config), VX_ERR_OK);
    outcome.end = vx_machine_run(rig.machine, &outcome.value);
    outcome.retired = vx_machine_vcpu(rig.machine)->retired;
    outcome.now_ns = vx_clock_now_ns(config.clock);
    outcome.hash = vx_machine_state_hash(rig.machine);
    rom_machine_destroy(&rig);
    vx_clock_destroy(config.clock);
    return outcome;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    return a->end == b->end && a->value == b->value && a->retired == b->retired && a->now_ns == b->now_ns &&
           a->hash == b->hash;
}

static const struct vx_machine_config engines[] = {
    { .engine = VX_ENGINE_INTERP },
    { .engine = VX_ENGINE_BT },
    { .engine = VX_ENGINE_BT, .bt.tu_max = 1 },
    { .engine = VX_ENGINE_BT, .bt.no_chain = true },
    { .engine = VX_ENGINE_BT, .bt = { .stress = true, .stress_seed = 7 } },
    { .engine = VX_ENGINE_BT, .lockstep = true },
    { .engine = VX_ENGINE_BT, .lockstep = true, .lockstep_every = 37 },
};

Test(counted, one_outcome_for_all_engines, .timeout = 60)
{
    static const uint64_t rates[] = { 1, 100, 3333 };
    static struct rom rom;
    for (size_t i = 0; i < VX_ARRAY_LEN(ends); i++)
        for (size_t r = 0; r < VX_ARRAY_LEN(rates); r++) {
            struct outcome first = { .end = VX_END_DIFFERENCE };
            rom_make(&rom, ends[i].code, ends[i].bytes, ends[i].second, ends[i].second_bytes);
            for (size_t e = 0; e < VX_ARRAY_LEN(engines); e++) {
                struct vx_machine_config config = engines[e];
                config.no_reboot = ends[i].no_reboot;
                struct outcome outcome = run_counted(&rom, config, rates[r]);
                cr_assert(outcome.end == ends[i].end && outcome.value == ends[i].value, "%s, engine %zu: end %d",
                          ends[i].name, e, (int)outcome.end);
                if (e == 0)
                    first = outcome;
                cr_assert(same(&first, &outcome), "%s at %llu MIPS, engine %zu: %llu instructions, %llu ns, hash %llx",
                          ends[i].name, (unsigned long long)rates[r], e, (unsigned long long)outcome.retired,
                          (unsigned long long)outcome.now_ns, (unsigned long long)outcome.hash);
            }
        }
}

/* Ten interrupts, the first at once, 1.716 ms apart, the processor halted in between: 15.4 ms of the guest, however fast the host. */
Test(counted, halt_skips_to_the_timer)
{
    static struct rom rom;
    rom_make(&rom, timer_code, sizeof timer_code, timer_handler, sizeof timer_handler);
    struct outcome outcome = run_counted(&rom, engines[0], 100);
    cr_assert(outcome.now_ns > 15400000 && outcome.now_ns < 15500000, "%llu ns", (unsigned long long)outcome.now_ns);
    cr_assert(outcome.retired < 1000);
}

/* A run that is stopped at counts and goes on is the run that was not; the hash tells states apart. */
Test(counted, stops_at_the_instruction)
{
    static const uint64_t counts[] = { 1, 2, 3, 100, 1000, 1001 };
    static struct rom rom;
    rom_make(&rom, strings_code, sizeof strings_code, strings_handler, sizeof strings_handler);
    uint64_t hashes[VX_ARRAY_LEN(counts)];
    for (size_t e = 0; e < VX_ARRAY_LEN(engines); e++)
        for (size_t i = 0; i < VX_ARRAY_LEN(counts); i++) {
            struct vx_machine_config config = engines[e];
            config.stop_at = counts[i];
            struct outcome outcome = run_counted(&rom, config, 1);
            cr_assert(outcome.end == VX_END_STOPPED && outcome.retired == counts[i], "engine %zu: %llu", e,
                      (unsigned long long)outcome.retired);
            if (e == 0)
                hashes[i] = outcome.hash;
            cr_assert_eq(outcome.hash, hashes[i], "engine %zu at %llu", e, (unsigned long long)counts[i]);
            cr_assert(i == 0 || hashes[i] != hashes[i - 1]);
        }
}

/* Timers that are always due again let the guest get on by one instruction each time, and no further from the engine. */
Test(counted, absurd_timers_do_not_stop_the_guest, .timeout = 20)
{
    static const uint8_t code[] = { MOV_AL_OUT(0x14, 0x43), MOV_AL_OUT(0x02, 0x40), SPIN };
    static struct rom rom;
    rom_make(&rom, code, sizeof code, NULL, 0);
    for (size_t e = 0; e < 2; e++) {
        struct vx_machine_config config = engines[e];
        config.stop_at = 5000;
        struct outcome outcome = run_counted(&rom, config, 1);
        cr_assert(outcome.end == VX_END_STOPPED && outcome.now_ns == 5000 * 1000, "%llu ns",
                  (unsigned long long)outcome.now_ns);
    }
}

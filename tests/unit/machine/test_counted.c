/* test_counted.c - with a counted clock every run of a guest is the same run, whatever engine runs it. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

#include "ends.h"

struct outcome {
    enum vx_machine_end end;
    int value;
    uint64_t retired, now_ns, hash;
};

static struct outcome run_rom(struct rom_machine *rig, const struct rom *rom, struct vx_machine_config config,
                              uint64_t mips)
{
    struct outcome outcome;
    cr_assert_eq(vx_clock_create_counted(mips, 946684800, &config.clock), VX_ERR_OK);
    cr_assert_eq(rom_machine_create_with(rig, rom, config), VX_ERR_OK);
    outcome.end = vx_machine_run(rig->machine, &outcome.value);
    outcome.retired = vx_machine_vcpu(rig->machine)->retired;
    outcome.now_ns = vx_clock_now_ns(config.clock);
    outcome.hash = vx_machine_state_hash(rig->machine);
    rom_machine_destroy(rig);
    vx_clock_destroy(config.clock);
    return outcome;
}

static struct outcome run_counted(const struct rom *rom, struct vx_machine_config config, uint64_t mips)
{
    struct rom_machine rig;
    return run_rom(&rig, rom, config, mips);
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

Test(counted, one_outcome_for_all_engines, .timeout = 120)
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

/* Ten interrupts, the first at once, 1.716 ms apart, the processor halted in between: 15.4 ms of the guest, however
 * fast the host. */
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

/* A page of zeros is one that nobody has touched. */
Test(counted, hash_of_memory)
{
    static const uint8_t byte = 1, nothing = 0;
    static struct rom rom;
    struct rom_machine rig;
    rom_make(&rom, timer_code, sizeof timer_code, NULL, 0);
    cr_assert_eq(rom_machine_create(&rig, &rom, VX_ENGINE_INTERP, true), VX_ERR_OK);
    uint64_t untouched = vx_machine_state_hash(rig.machine);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x50FFF, &byte, 1);
    cr_assert_neq(vx_machine_state_hash(rig.machine), untouched);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x50FFF, &nothing, 1);
    cr_assert_eq(vx_machine_state_hash(rig.machine), untouched);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x51FFF, &byte, 1);
    uint64_t there = vx_machine_state_hash(rig.machine);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x51FFF, &nothing, 1);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x50FFF, &byte, 1);
    cr_assert_neq(vx_machine_state_hash(rig.machine), there);
    rom_machine_destroy(&rig);
}

/* A timer that is always due again, more often than the clock fires in one go. */
struct nagging {
    struct vx_clock *clock;
    struct vx_timer timer;
};

static void nag(void *opaque)
{
    struct nagging *nagging = opaque;
    vx_timer_set(nagging->clock, &nagging->timer, vx_clock_now_ns(nagging->clock));
}

/* It lets the guest get on by one instruction each time, and no further from the engine; so do the PIT's shortest
 * periods. */
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
        struct nagging nagging = { 0 };
        struct rom_machine rig;
        config.stop_at = 50;
        cr_assert_eq(vx_clock_create_counted(1, 0, &config.clock), VX_ERR_OK);
        cr_assert_eq(rom_machine_create_with(&rig, &rom, config), VX_ERR_OK);
        nagging.clock = config.clock;
        vx_timer_init(nagging.clock, &nagging.timer, nag, &nagging);
        nag(&nagging);
        cr_assert_eq(vx_machine_run(rig.machine, NULL), VX_END_STOPPED);
        cr_assert_eq(vx_machine_vcpu(rig.machine)->retired, 50);
        rom_machine_destroy(&rig);
        vx_clock_destroy(config.clock);
    }
}

/* ---- disks ------------------------------------------------------------------------------------------------------- */

/* A disk whose host needs `delay_us` for each request. */
struct slow_disk {
    struct vx_block block;
    struct rom_machine *rig;
    struct vx_block_request *request;
    pthread_t thread;
    unsigned delay_us, requests;
};

static void slow_done(struct vx_work *work)
{
    struct vx_block_request *request =
        (struct vx_block_request *)((char *)work - offsetof(struct vx_block_request, work));
    request->done(request);
}

static void *slow_work(void *opaque)
{
    struct slow_disk *disk = opaque;
    usleep(disk->delay_us);
    memset(disk->request->buf, 0xA5, disk->request->bytes);
    disk->request->result = VX_ERR_OK;
    disk->request->work.fn = slow_done;
    vx_loop_post(disk->rig->loop, &disk->request->work);
    return NULL;
}

static void slow_submit(void *opaque, struct vx_block_request *request)
{
    struct slow_disk *disk = opaque;
    if (disk->requests++ != 0)
        pthread_join(disk->thread, NULL);
    disk->request = request;
    pthread_create(&disk->thread, NULL, slow_work, disk);
}

/* Reads a sector by PIO and counts in BX how often the drive is asked whether it is ready. */
/* clang-format off */
static const uint8_t read_code[] = {
    0x66, 0xB8, 0x40, 0x09, 0x00, 0x80, 0xBA, 0xF8, 0x0C, 0x66, 0xEF,                       /* 00:01.1 IDETIM: decode */
    0xBA, 0xFC, 0x0C, 0x66, 0xB8, 0x00, 0x80, 0x00, 0x80, 0x66, 0xEF,
    0x66, 0xB8, 0x04, 0x09, 0x00, 0x80, 0xBA, 0xF8, 0x0C, 0x66, 0xEF,                       /* command: I/O */
    0xBA, 0xFC, 0x0C, 0xB8, 0x05, 0x00, 0xEF,
    /* DS = ES = BX = 0; drive 0, LBA 0 */
    0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0, 0x31, 0xDB, 0xBA, 0xF6, 0x01, 0xB0, 0xE0, 0xEE,
    0xBA, 0xF2, 0x01, 0xB0, 0x01, 0xEE, 0xBA, 0xF3, 0x01, 0xB0, 0x00, 0xEE, 0xBA, 0xF4, 0x01, 0xEE, 0xBA, 0xF5, 0x01, 0xEE,
    0xBA, 0xF7, 0x01, 0xB0, 0x20, 0xEE,                                                     /* READ SECTORS */
    0xEC, 0x43, 0x24, 0x88, 0x3C, 0x08, 0x75, 0xF8,                                         /* until not BSY, DRQ */
    0xBA, 0xF0, 0x01, 0xBF, 0x00, 0x10, 0xB9, 0x00, 0x01, 0xFC, 0xF3, 0x6D,                 /* to 0:1000 */
    0xA0, 0xFF, 0x11, 0xE6, 0xF4, SPIN,
};
/* clang-format on */

Test(counted, disks_answer_in_the_guests_time, .timeout = 20)
{
    static const unsigned delays_us[] = { 0, 300, 20000 };
    static const struct vx_block_ops ops = { .submit = slow_submit };
    static struct rom rom;
    struct outcome first = { .end = VX_END_DIFFERENCE };
    rom_make(&rom, read_code, sizeof read_code, NULL, 0);
    for (size_t e = 0; e < VX_ARRAY_LEN(engines); e++)
        for (size_t d = 0; d < VX_ARRAY_LEN(delays_us); d++) {
            struct rom_machine rig;
            struct slow_disk disk = { .block = { .ops = &ops, .opaque = &disk, .bytes = 1 << 20 },
                                      .rig = &rig,
                                      .delay_us = delays_us[d] };
            struct vx_machine_config config = engines[e];
            config.disk[0] = &disk.block;
            struct outcome outcome = run_rom(&rig, &rom, config, 100);
            pthread_join(disk.thread, NULL);
            if (first.end == VX_END_DIFFERENCE)
                first = outcome;
            cr_assert(outcome.end == VX_END_DEBUG_EXIT && outcome.value == 0xA5 && disk.requests == 1);
            cr_assert(same(&first, &outcome), "engine %zu, %u us: %llu instructions", e, delays_us[d],
                      (unsigned long long)outcome.retired);
        }
    cr_assert(first.now_ns > 50000 && first.now_ns < 80000, "%llu ns", (unsigned long long)first.now_ns);
}

/* The run ends while the host still reads: taking the machine apart waits for it. */
Test(counted, ends_with_a_request_under_way, .timeout = 20)
{
    static const struct vx_block_ops ops = { .submit = slow_submit };
    static struct rom rom;
    rom_make(&rom, read_code, sizeof read_code, NULL, 0);
    struct rom_machine rig;
    struct slow_disk disk = { .block = { .ops = &ops, .opaque = &disk, .bytes = 1 << 20 },
                              .rig = &rig,
                              .delay_us = 50000 };
    struct vx_machine_config config = engines[1];
    config.disk[0] = &disk.block;
    config.stop_at = 100;
    struct outcome outcome = run_rom(&rig, &rom, config, 100);
    pthread_join(disk.thread, NULL);
    cr_assert(outcome.end == VX_END_STOPPED && outcome.retired == 100 && disk.requests == 1);
}

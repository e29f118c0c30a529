/* test_run.c - the run loop: every way a guest can end, resets that do and do not come back, sleep, stop, two machines
 * at once. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

#include "ends.h"
#include "pc.h"
#include "vx86/thread.h"

static void check_ends(enum vx_engine engine)
{
    static struct rom rom;
    for (size_t i = 0; i < VX_ARRAY_LEN(ends); i++) {
        struct rom_machine rig;
        int value = -1;
        rom_make(&rom, ends[i].code, ends[i].bytes, ends[i].second, ends[i].second_bytes);
        cr_assert_eq(rom_machine_create(&rig, &rom, engine, ends[i].no_reboot), VX_ERR_OK);
        enum vx_machine_end end = vx_machine_run(rig.machine, &value);
        cr_assert(end == ends[i].end && value == ends[i].value, "%s: end %d value %d", ends[i].name, (int)end, value);
        rom_machine_destroy(&rig);
    }
}

Test(run, ends_interp, .timeout = 20)
{
    check_ends(VX_ENGINE_INTERP);
}
Test(run, ends_bt, .timeout = 20)
{
    check_ends(VX_ENGINE_BT);
}

static void *stop_later(void *opaque)
{
    usleep(50000);
    vx_machine_stop(opaque, 42);
    return NULL;
}

static void check_stop(enum vx_engine engine, const uint8_t *code, size_t bytes, bool sleeps)
{
    static struct rom rom;
    struct rom_machine rig;
    rom_make(&rom, code, bytes, NULL, 0);
    cr_assert_eq(rom_machine_create_with(
                     &rig, &rom, (struct vx_machine_config){ .engine = engine, .no_reboot = true, .time_split = true }),
                 VX_ERR_OK);
    uint64_t ran_ns = 0;
    for (unsigned round = 0; round < 2; round++) { /* it can be run again */
        pthread_t thread;
        int value = 0;
        pthread_create(&thread, NULL, stop_later, rig.machine);
        uint64_t start_ns = vx_host_now_ns();
        enum vx_machine_end end = vx_machine_run(rig.machine, &value);
        ran_ns += vx_host_now_ns() - start_ns;
        pthread_join(thread, NULL);
        cr_assert(end == VX_END_STOPPED && value == 42);
    }
    struct vx_stats *stats = vx_machine_stats(rig.machine);
    vx_stats_take_times(stats);
    uint64_t busy = sleeps ? stats->time_idle_ns : stats->time_guest_ns + stats->time_interpreter_ns;
    cr_assert(busy > ran_ns / 4, "%llu of %llu ns", (unsigned long long)busy, (unsigned long long)ran_ns);
    rom_machine_destroy(&rig);
}

static void count_line(void *opaque)
{
    ++*(unsigned *)opaque;
}

/* A guest that faults and reboots for ever does not fill the log. */
Test(run, triple_faults_are_shown_a_few_times, .timeout = 20)
{
    static const uint8_t code[] = { 0x0F, 0x01, 0x1E, 0x00, 0x01, 0xCC }; /* LIDT of zeros; INT3 */
    static struct rom rom;
    struct rom_machine rig;
    pthread_t thread;
    unsigned lines = 0;
    rom_make(&rom, code, sizeof code, NULL, 0);
    cr_assert_eq(rom_machine_create(&rig, &rom, VX_ENGINE_INTERP, false), VX_ERR_OK);
    vx_log_set_brackets(rig.log, count_line, NULL, &lines);
    pthread_create(&thread, NULL, stop_later, rig.machine);
    enum vx_machine_end end = vx_machine_run(rig.machine, NULL);
    pthread_join(thread, NULL);
    cr_assert_eq(end, VX_END_STOPPED);
    cr_assert(lines > 3 && lines < 200, "%u lines", lines);
    rom_machine_destroy(&rig);
}

Test(run, stops_when_asked, .timeout = 20)
{
    check_stop(VX_ENGINE_INTERP, CODE(spin_code), false);
    check_stop(VX_ENGINE_BT, CODE(spin_code), false);
    check_stop(VX_ENGINE_INTERP, CODE(sleep_code), true);
    check_stop(VX_ENGINE_BT, CODE(sleep_code), true);
}

/* 2560 x 1600 x 32 is switched on and off by a REP OUTSW of FFFFh words, and each time its 16 MiB are cleared: what a
 * port may cost is looked at between two iterations. All of them take more than a minute. */
/* clang-format off */
static const uint8_t slow_port_code[] = {
    0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0, 0x31, 0xFF, 0xB9, 0x00, 0x80, 0x66, 0xB8, 0x00, 0x00, 0x01, 0x00, 0xFC,
    0xF3, 0x66, 0xAB,                                                       /* words 0, 1, 0, 1 ... from 0 on */
    VBE_OUT(1, 2560), VBE_OUT(2, 1600), VBE_OUT(3, 32), 0xBA, 0xCE, 0x01, 0xB8, 0x04, 0x00, 0xEF, 0x42,
    0x31, 0xF6, 0xB9, 0xFF, 0xFF, 0xF3, 0x6F, 0xEB, 0xF7,
};
/* clang-format on */

static uint64_t time_to_stop(enum vx_engine engine)
{
    static struct rom rom;
    struct rom_machine rig;
    pthread_t thread;
    rom_make(&rom, CODE(slow_port_code), NULL, 0);
    cr_assert_eq(rom_machine_create(&rig, &rom, engine, true), VX_ERR_OK);
    pthread_create(&thread, NULL, stop_later, rig.machine);
    uint64_t start = vx_host_now_ns();
    enum vx_machine_end end = vx_machine_run(rig.machine, NULL);
    uint64_t took = vx_host_now_ns() - start;
    pthread_join(thread, NULL);
    cr_assert(end == VX_END_STOPPED && vx_pmap_load(vx_machine_pmap(rig.machine), 0x6, 2) == 1);
    rom_machine_destroy(&rig);
    return took;
}

Test(run, stops_between_iterations_that_take_long, .timeout = 60)
{
    uint64_t interp = time_to_stop(VX_ENGINE_INTERP), bt = time_to_stop(VX_ENGINE_BT);
    cr_assert(interp < 10 * VX_NS_PER_SEC && bt < 10 * VX_NS_PER_SEC, "%llu and %llu ns", (unsigned long long)interp,
              (unsigned long long)bt);
}

/* Counter 0 rises every 1.7 us, interrupts are off: the guest must get on all the same, and stop when asked. */
static const uint8_t absurd_timer_code[] = {
    0x31, 0xC0, 0x8E, 0xD8, MOV_AL_OUT(0x14, 0x43), MOV_AL_OUT(0x02, 0x40), 0x66, 0xFF, 0x06, 0x00, 0x05, 0xEB, 0xF9,
};

/* However slow the host is: a guest that does not get on runs into the test's own limit. */
static void *stop_after_rounds(void *opaque)
{
    struct rom_machine *rig = opaque;
    while (vx_pmap_load(vx_machine_pmap(rig->machine), 0x500, 4) <= 2000)
        usleep(1000);
    vx_machine_stop(rig->machine, 42);
    return NULL;
}

static void check_absurd_timer(enum vx_engine engine)
{
    static struct rom rom;
    struct rom_machine rig;
    pthread_t thread;
    rom_make(&rom, absurd_timer_code, sizeof absurd_timer_code, NULL, 0);
    cr_assert_eq(rom_machine_create(&rig, &rom, engine, true), VX_ERR_OK);
    pthread_create(&thread, NULL, stop_after_rounds, &rig);
    enum vx_machine_end end = vx_machine_run(rig.machine, NULL);
    pthread_join(thread, NULL);
    cr_assert_eq(end, VX_END_STOPPED, "not stopped");
    rom_machine_destroy(&rig);
}

Test(run, an_absurd_timer_slows_only_its_guest, .timeout = 60)
{
#ifdef RUNNER_EMULATED
    cr_skip_test("an emulated host takes longer for an alarm than the guest has between two");
#endif
    check_absurd_timer(VX_ENGINE_INTERP);
    check_absurd_timer(VX_ENGINE_BT);
}

/* ---- two machines in one process -------------------------------------------------------------------------------- */

struct runner {
    struct rom_machine rig;
    enum vx_machine_end end;
    int value;
};

static void *run_machine(void *opaque)
{
    struct runner *runner = opaque;
    runner->end = vx_machine_run(runner->rig.machine, &runner->value);
    return NULL;
}

static void check_pair(enum vx_engine first, enum vx_engine second)
{
    static struct rom rom;
    struct runner runners[2] = { 0 };
    pthread_t threads[2];
    rom_make(&rom, timer_code, sizeof timer_code, timer_handler, sizeof timer_handler);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(rom_machine_create(&runners[i].rig, &rom, i == 0 ? first : second, true), VX_ERR_OK);
    for (unsigned i = 0; i < 2; i++)
        cr_assert_eq(vx_thread_start(runners[i].rig.log, "machine", run_machine, &runners[i], &threads[i]), VX_ERR_OK);
    for (unsigned i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        uint64_t count = vx_pmap_load(vx_machine_pmap(runners[i].rig.machine), 0x500, 2);
        cr_assert(runners[i].end == VX_END_DEBUG_EXIT && runners[i].value == 7 && count == 10,
                  "machine %u: end %d, value %d, %u ticks", i, (int)runners[i].end, runners[i].value, (unsigned)count);
    }
    for (unsigned i = 0; i < 2; i++)
        rom_machine_destroy(&runners[i].rig);
}

Test(run, two_machines_side_by_side, .timeout = 20)
{
    check_pair(VX_ENGINE_INTERP, VX_ENGINE_INTERP);
    check_pair(VX_ENGINE_BT, VX_ENGINE_INTERP);
    check_pair(VX_ENGINE_BT, VX_ENGINE_BT);
}

/* ---- who asks --------------------------------------------------------------------------------------------------- */

/* A processor's local APIC answers that processor, not a device and not the host. Everything else answers all. */
/* A20M# is an OR of what the keyboard controller and port 92h say (82371SB "Port 92 Register"); each keeps its own. */
Test(run, a20_is_open_while_either_opens_it)
{
    static struct rom rom;
    struct rom_machine rig;
    rom_make(&rom, CODE(dead_code), NULL, 0);
    cr_assert_eq(rom_machine_create(&rig, &rom, VX_ENGINE_INTERP, true), VX_ERR_OK);
    struct vx_bus *bus = vx_machine_bus(rig.machine);
    struct vx_pmap *pmap = vx_machine_pmap(rig.machine);
    cr_assert(vx_pmap_a20(pmap), "after reset");
    for (unsigned round = 0; round < 8; round++) {
        bool keyboard = round & 1, port92 = round & 2;
        for (unsigned order = 0; order < 2; order++)
            if (order == round >> 2) {
                vx_bus_write(bus, VX_SPACE_IO, 0x92, 1, port92 ? 2 : 0);
            } else {
                vx_bus_write(bus, VX_SPACE_IO, 0x64, 1, 0xD1);
                vx_bus_write(bus, VX_SPACE_IO, 0x60, 1, keyboard ? 0xDF : 0xDD);
            }
        cr_assert_eq(vx_pmap_a20(pmap), keyboard || port92, "round %u", round);
        cr_assert_eq(vx_bus_read(bus, VX_SPACE_IO, 0x92, 1), port92 ? 2 : 0);
        vx_bus_write(bus, VX_SPACE_IO, 0x64, 1, 0xD0);
        cr_assert_eq(vx_bus_read(bus, VX_SPACE_IO, 0x60, 1) & 2, keyboard ? 2 : 0, "round %u", round);
    }
    vx_bus_write(bus, VX_SPACE_IO, 0x92, 1, 2);
    vx_machine_reset(rig.machine);
    cr_assert(vx_pmap_a20(pmap));
    cr_assert_eq(vx_bus_read(bus, VX_SPACE_IO, 0x92, 1), 0);
    rom_machine_destroy(&rig);
}

Test(run, the_local_apic_answers_its_processor)
{
    static struct rom rom;
    struct rom_machine rig;
    uint32_t by_device = 0, rom_by_device = 0;
    rom_make(&rom, CODE(spin_code), NULL, 0);
    cr_assert_eq(rom_machine_create(&rig, &rom, VX_ENGINE_INTERP, true), VX_ERR_OK);
    struct vx_pmap *pmap = vx_machine_pmap(rig.machine);
    vx_pmap_dma_read(pmap, 0xFEE00030, &by_device, 4);
    vx_pmap_dma_read(pmap, 0xFFFFFFF0, &rom_by_device, 4);
    cr_expect_eq(vx_pmap_cpu_load(pmap, 0, 0xFEE00030, 4), 0x00050014); /* version */
    cr_expect_eq(vx_pmap_cpu_load(pmap, 0, 0xFEE00020, 4), 0);          /* its ID is its number */
    cr_expect_eq(by_device, 0xFFFFFFFF);
    cr_expect_eq(vx_pmap_load(pmap, 0xFEE00030, 4), 0xFFFFFFFF);
    cr_expect_eq(vx_pmap_cpu_load(pmap, 0, 0xFFFFFFF0, 4), rom_by_device);
    cr_expect_eq(vx_pmap_cpu_load(pmap, 0, 0xFEC00000, 4),
                 vx_pmap_load(pmap, 0xFEC00000, 4)); /* the I/O APIC's index */
    rom_machine_destroy(&rig);
}

/* ---- creation --------------------------------------------------------------------------------------------------- */

Test(run, wrong_configurations_are_refused)
{
    static struct rom rom;
    struct vx_loop *loop;
    struct vx_machine *machine = NULL;
    struct vx_log *log = vx_log_create(stderr);
    cr_assert_eq(vx_loop_create(log, &loop), VX_ERR_OK);
    struct vx_machine_config good = { .log = log,
                                      .loop = loop,
                                      .ram_bytes = 1 << 20,
                                      .engine = VX_ENGINE_INTERP,
                                      .bios = rom.bytes,
                                      .bios_bytes = ROM_BYTES };
    struct vx_machine_config bad = good;
    bad.bios_bytes = 1000;
    cr_assert_eq(vx_machine_create(&bad, &machine), VX_ERR_BAD_FORMAT);
    bad.bios_bytes = 0;
    cr_assert_eq(vx_machine_create(&bad, &machine), VX_ERR_BAD_FORMAT);
    bad = good;
    bad.cpu_model = "z80";
    cr_assert_eq(vx_machine_create(&bad, &machine), VX_ERR_BAD_ARGUMENT);
    cr_assert_eq(vx_machine_create(&good, &machine), VX_ERR_OK);
    vx_machine_destroy(machine);
    vx_loop_destroy(loop);
}

Test(run, boot_order_names_what_is_there)
{
    struct vx_block a = { 0 }, b = { 0 };
    struct vx_machine_config config = { .disk = { [1] = &a }, .cdrom = { [2] = &b } };
    char text[256];
    pc_setup_boot_order(&config, text, sizeof text);
    cr_assert_str_eq(text, "/pci@i0cf8/ide@1,1/drive@0/disk@1\n/pci@i0cf8/ide@1,1/drive@1/disk@0\n");
    config.boot = VX_BOOT_CDROM;
    pc_setup_boot_order(&config, text, sizeof text);
    cr_assert_str_eq(text, "/pci@i0cf8/ide@1,1/drive@1/disk@0\n/pci@i0cf8/ide@1,1/drive@0/disk@1\n");
    pc_setup_boot_order(&config, text, 40); /* only whole lines */
    cr_assert_str_eq(text, "/pci@i0cf8/ide@1,1/drive@1/disk@0\n");
    config.floppy[0].present = true;
    config.boot = VX_BOOT_FLOPPY;
    pc_setup_boot_order(&config, text, sizeof text);
    cr_assert_str_eq(text, "/pci@i0cf8/isa@1/fdc@03f0/floppy@0\n/pci@i0cf8/ide@1,1/drive@0/disk@1\n"
                           "/pci@i0cf8/ide@1,1/drive@1/disk@0\n");
}

/* test_events.c - points on what comes from elsewhere than an instruction at an address: changes of mode by kind, DMA.
 * */
#include <criterion/criterion.h>

#include "unit/machine/rom.h"
#include "vx86/debug.h"

/* At F000:0000: 50,000 turns of LOOP, then exit with AL = 0. */
static const uint8_t code[] = { 0xB9, 0x50, 0xC3, 0xE2, 0xFE, 0xE6, 0xF4, 0xEB, 0xFE };
enum { EVENT_NS = 10000000, DMA_AT = 0x5FE, DMA_BYTES = 6, MODE = -1 };

/* 10 ms after power-on a device accesses [5FEh, 604h), or (MODE) the mode changes; which points stop? */
static const struct row {
    const char *what;
    struct vx_debug_point point;
    int write;         /* 0: the device reads; MODE */
    uint32_t from, to; /* MODE */
    bool stops;
    uint64_t address;
    unsigned bytes;
    uint64_t old, new;
} rows[] = {
#define WATCH(kinds, from, to)                                                                     \
    {                                                                                              \
        .kind = VX_POINT_WATCH, .access = (kinds), .physical = true, .first = (from), .last = (to) \
    }
#define MODES(bits)                                                \
    {                                                              \
        .kind = VX_POINT_MODE, .first = (bits), .last = UINT64_MAX \
    }
    { "all of it", WATCH(VX_WATCH_WRITE, 0x5FE, 0x603), 1, .stops = true, .address = 0x5FE, .bytes = 6,
      .old = 0x161514131211, .new = 0xA6A5A4A3A2A1 },
    { "its last byte", WATCH(VX_WATCH_WRITE, 0x603, 0x700), 1, .stops = true, .address = 0x603, .bytes = 1, .old = 0x16,
      .new = 0xA6 },
    { "its first byte", WATCH(VX_WATCH_WRITE | VX_WATCH_READ, 0x500, 0x5FE), 1, .stops = true, .address = 0x5FE,
      .bytes = 1, .old = 0x11, .new = 0xA1 },
    { "a byte inside, read", WATCH(VX_WATCH_READ, 0x600, 0x600), 0, .stops = true, .address = 0x600, .bytes = 1,
      .old = 0x13, .new = 0x13 },
    { "the byte behind", WATCH(VX_WATCH_WRITE, 0x604, 0x604), 1, .stops = false },
    { "the byte in front", WATCH(VX_WATCH_WRITE, 0x5FD, 0x5FD), 1, .stops = false },
    { "read, where writes are watched", WATCH(VX_WATCH_WRITE, 0x5FE, 0x603), 0, .stops = false },
    { "written, where reads are watched", WATCH(VX_WATCH_READ, 0x5FE, 0x603), 1, .stops = false },
    { "a linear watchpoint",
      { .kind = VX_POINT_WATCH, .access = VX_WATCH_WRITE, .first = 0x5FE, .last = 0x603 },
      1,
      .stops = false },
    { "any mode", MODES(0), MODE, VX_CR0_PE, VX_CR0_PE | VX_FL_VM, .stops = true, .old = VX_CR0_PE,
      .new = VX_CR0_PE | VX_FL_VM },
    { "VM86 entered", MODES(VX_FL_VM), MODE, VX_CR0_PE, VX_CR0_PE | VX_FL_VM, .stops = true, .old = VX_CR0_PE,
      .new = VX_CR0_PE | VX_FL_VM },
    { "VM86, but paging is waited for", MODES(VX_CR0_PG), MODE, VX_CR0_PE, VX_CR0_PE | VX_FL_VM, .stops = false },
    { "PE and PG at once", MODES(VX_CR0_PG | VX_FL_VM), MODE, 0, VX_CR0_PE | VX_CR0_PG, .stops = true, .old = 0,
      .new = VX_CR0_PE | VX_CR0_PG },
};

struct probe {
    const struct row *row;
    struct vx_machine *machine;
    unsigned stops;
    struct vx_debug_stop stop;
};

/* What a device or the CPU would do, between two instructions. */
static void happen(void *opaque)
{
    const struct probe *probe = opaque;
    struct vx_vcpu *vcpu = vx_machine_vcpu(probe->machine);
    static const uint8_t bytes[DMA_BYTES] = { 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6 };
    uint8_t buffer[DMA_BYTES];
    if (probe->row->write == MODE) {
        uint64_t cr0 = vcpu->cr0;
        vcpu->cr0 = probe->row->from;
        vcpu->debug->event(vcpu->debug->opaque, VX_DEBUG_EVENT_MODE, probe->row->to, 0);
        vcpu->cr0 = cr0;
    } else if (probe->row->write) {
        vx_pmap_dma_write(vx_machine_pmap(probe->machine), DMA_AT, bytes, sizeof bytes);
    } else {
        vx_pmap_dma_read(vx_machine_pmap(probe->machine), DMA_AT, buffer, sizeof buffer);
    }
}

static void stopped(void *opaque, const struct vx_debug_stop *stop)
{
    struct probe *probe = opaque;
    struct vx_debug *debug = vx_machine_debug(probe->machine);
    if (stop->cause == VX_CAUSE_START) {
        struct vx_debug_point point = probe->row->point;
        point.enabled = true;
        cr_assert_neq(vx_debug_add_point(debug, &point), 0);
    } else {
        probe->stops++;
        probe->stop = *stop;
    }
    vx_debug_go(debug);
}

static void check(const struct row *row, enum vx_engine engine)
{
    static const struct vx_debug_front front = { .stopped = stopped };
    static const uint8_t before[DMA_BYTES] = { 0x11, 0x12, 0x13, 0x14, 0x15, 0x16 };
    struct rom_machine rig;
    struct rom rom;
    struct vx_clock *clock;
    struct vx_timer timer;
    int value = -1;
    cr_assert_eq(vx_clock_create_counted(1, 0, &clock), VX_ERR_OK);
    rom_make(&rom, code, sizeof code, NULL, 0);
    struct vx_machine_config config = { .engine = engine, .no_reboot = true, .debug = true, .clock = clock };
    cr_assert_eq(rom_machine_create_with(&rig, &rom, config), VX_ERR_OK);
    struct probe probe = { .row = row, .machine = rig.machine };
    vx_pmap_write(vx_machine_pmap(rig.machine), DMA_AT, before, sizeof before);
    vx_debug_set_front(vx_machine_debug(rig.machine), &front, &probe);
    vx_debug_stop_at_start(vx_machine_debug(rig.machine));
    vx_timer_init(clock, &timer, happen, &probe);
    vx_timer_set(clock, &timer, EVENT_NS);
    cr_assert_eq(vx_machine_run(rig.machine, &value), VX_END_DEBUG_EXIT);
    const struct vx_debug_stop *stop = &probe.stop;
    cr_expect_eq(probe.stops, row->stops, "%s, engine %d: %u stops", row->what, engine, probe.stops);
    if (row->stops)
        cr_expect(stop->cause == VX_CAUSE_POINT && stop->by_device == (row->write != MODE) &&
                      stop->address == row->address && stop->bytes == row->bytes && stop->old == row->old &&
                      stop->new == row->new,
                  "%s: cause %d, %u bytes at %llx, %llx -> %llx", row->what, stop->cause, stop->bytes,
                  (unsigned long long)stop->address, (unsigned long long)stop->old, (unsigned long long)stop->new);
    rom_machine_destroy(&rig);
    vx_clock_destroy(clock);
}

Test(events, interpreter)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        check(&rows[i], VX_ENGINE_INTERP);
}

Test(events, translator)
{
    if (vx_bt_unavailable() != NULL)
        cr_skip_test("%s", vx_bt_unavailable());
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        check(&rows[i], VX_ENGINE_BT);
}

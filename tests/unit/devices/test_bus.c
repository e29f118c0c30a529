/* test_bus.c - the buses: splitting, widening, layering, holes, overlap, regions that move while they are written. */
#include <criterion/criterion.h>
#include <string.h>

#include "device.h"
#include "vx86/stats.h"

struct seen {
    uint64_t off;
    unsigned size;
    uint64_t value;
};

struct probe {
    struct vx_region region;
    struct seen seen[16];
    unsigned count;
    struct vx_bus *bus;
};

static uint64_t probe_read(void *opaque, uint64_t off, unsigned size)
{
    struct probe *probe = opaque;
    probe->seen[probe->count++ % 16] = (struct seen){ off, size, 0 };
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (0x10 + off + i) << (8 * i);
    return value;
}

static void probe_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct probe *probe = opaque;
    probe->seen[probe->count++ % 16] = (struct seen){ off, size, value };
}

static struct probe make_probe(enum vx_space space, uint64_t base, uint64_t size, unsigned min, unsigned max,
                               int priority)
{
    return (struct probe){ .region = { .name = "probe",
                                       .space = space,
                                       .base = base,
                                       .size = size,
                                       .min_size = min,
                                       .max_size = max,
                                       .priority = priority,
                                       .read = probe_read,
                                       .write = probe_write } };
}

static struct vx_stats stats;

static struct vx_bus *make_bus(void)
{
    struct vx_bus *bus;
    cr_assert_eq(vx_bus_create(vx_log_create(stderr), &stats, &bus), VX_ERR_OK);
    return bus;
}

static void plug(struct vx_bus *bus, struct probe *probe)
{
    probe->region.opaque = probe;
    probe->bus = bus;
    cr_assert_eq(vx_bus_add(bus, &probe->region), VX_ERR_OK);
}

/* clang-format off */
static const struct {
    enum vx_space space;
    unsigned min, max;
    uint64_t at;
    unsigned size;
    uint64_t want;           /* of a read; the region is 16 long at 100h and gives 10h + offset in each byte */
    unsigned pieces;
    struct seen first, last;
} splits[] = {
    { VX_SPACE_IO, 1, 1, 0x100, 1, 0x10, 1, { 0, 1, 0 }, { 0, 1, 0 } },
    { VX_SPACE_IO, 1, 1, 0x102, 4, 0x15141312, 4, { 2, 1, 0 }, { 5, 1, 0 } },
    { VX_SPACE_IO, 1, 2, 0x101, 2, 0x1211, 1, { 1, 2, 0 }, { 1, 2, 0 } },     /* ports are not aligned */
    { VX_SPACE_IO, 1, 4, 0x10E, 4, 0xFFFF1F1E, 1, { 14, 2, 0 }, { 14, 2, 0 } }, /* end of the region */
    { VX_SPACE_IO, 1, 4, 0x0FE, 4, 0x1110FFFF, 1, { 0, 2, 0 }, { 0, 2, 0 } },
    { VX_SPACE_IO, 2, 2, 0x103, 1, 0x13, 1, { 2, 2, 0 }, { 2, 2, 0 } },       /* widened */
    { VX_SPACE_MEMORY, 4, 4, 0x106, 1, 0x16, 1, { 4, 4, 0 }, { 4, 4, 0 } },
    { VX_SPACE_MEMORY, 1, 8, 0x100, 8, 0x1716151413121110, 1, { 0, 8, 0 }, { 0, 8, 0 } },
    { VX_SPACE_MEMORY, 1, 4, 0x101, 4, 0x14131211, 3, { 1, 1, 0 }, { 4, 1, 0 } }, /* 1 + 2 + 1 */
    { VX_SPACE_MEMORY, 4, 4, 0x100, 8, 0x1716151413121110, 2, { 0, 4, 0 }, { 4, 4, 0 } },
};
/* clang-format on */

Test(bus, splits_and_widens_reads)
{
    const char *wrong = NULL;
    char text[96];
    for (size_t i = 0; i < VX_ARRAY_LEN(splits) && wrong == NULL; i++) {
        struct vx_bus *bus = make_bus();
        struct probe probe = make_probe(splits[i].space, 0x100, 16, splits[i].min, splits[i].max, 0);
        plug(bus, &probe);
        uint64_t got = vx_bus_read(bus, splits[i].space, splits[i].at, splits[i].size);
        const struct seen *last = &probe.seen[splits[i].pieces - 1];
        bool same = got == splits[i].want && probe.count == splits[i].pieces &&
                    memcmp(&probe.seen[0], &splits[i].first, sizeof(struct seen)) == 0 &&
                    memcmp(last, &splits[i].last, sizeof(struct seen)) == 0;
        if (!same)
            snprintf(text, sizeof text, "row %zu: %llx in %u pieces", i, (unsigned long long)got, probe.count),
                wrong = text;
        vx_bus_destroy(bus);
    }
    cr_assert_null(wrong, "%s", wrong);
}

static uint64_t probe_peek(const void *opaque, uint64_t off, unsigned size)
{
    struct probe silent = { .count = 0 };
    (void)opaque;
    return probe_read(&silent, off, size);
}

static bool probe_poke(void *opaque, uint64_t off, uint8_t value)
{
    struct probe *probe = opaque;
    if (off == 7)
        return false;
    probe->seen[probe->count++ % 16] = (struct seen){ off, 1, value };
    return true;
}

/* As read, but nothing is called or counted. */
Test(bus, peeks_as_it_reads)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(splits); i++) {
        struct vx_bus *bus = make_bus();
        struct probe probe = make_probe(splits[i].space, 0x100, 16, splits[i].min, splits[i].max, 0);
        uint64_t value, all = splits[i].at >= 0x100 && splits[i].at + splits[i].size <= 0x110;
        plug(bus, &probe);
        cr_expect_not(vx_bus_peek(bus, splits[i].space, splits[i].at, splits[i].size, &value), "row %u", i);
        probe.region.peek = probe_peek;
        cr_expect_eq(vx_bus_peek(bus, splits[i].space, splits[i].at, splits[i].size, &value), all, "row %u", i);
        cr_expect(!all || value == splits[i].want, "row %u: %llx", i, (unsigned long long)value);
        cr_expect(probe.count == 0 && probe.region.reads == 0, "row %u", i);
    }
}

Test(bus, pokes_memory_alone)
{
    struct vx_bus *bus = make_bus();
    struct probe probe = make_probe(VX_SPACE_MEMORY, 0x100, 16, 1, 1, 0);
    probe.region.poke = probe_poke;
    plug(bus, &probe);
    cr_expect_not(vx_bus_poke(bus, 0x103, 0x55));
    probe.region.is_memory = true;
    cr_expect(vx_bus_poke(bus, 0x103, 0x55));
    cr_expect(probe.count == 1 && probe.seen[0].off == 3 && probe.seen[0].value == 0x55);
    cr_expect_not(vx_bus_poke(bus, 0x107, 0x55));
    cr_expect_not(vx_bus_poke(bus, 0x110, 0x55));
    cr_expect_eq(vx_bus_region_at(bus, VX_SPACE_MEMORY, 0x10F), &probe.region);
    cr_expect_null(vx_bus_region_at(bus, VX_SPACE_MEMORY, 0x110));
}

Test(bus, writes_below_the_minimum_are_dropped_and_larger_ones_split)
{
    struct vx_bus *bus = make_bus();
    struct probe probe = make_probe(VX_SPACE_MEMORY, 0x1000, 16, 4, 4, 0);
    plug(bus, &probe);
    vx_bus_write(bus, VX_SPACE_MEMORY, 0x1000, 2, 0xBEEF);
    cr_assert_eq(probe.count, 0);
    vx_bus_write(bus, VX_SPACE_MEMORY, 0x1000, 8, 0x1122334455667788);
    cr_assert(probe.count == 2 && probe.seen[0].value == 0x55667788 && probe.seen[1].value == 0x11223344);
    vx_bus_destroy(bus);
}

Test(bus, holes_read_as_ones_and_are_counted)
{
    struct vx_bus *bus = make_bus();
    cr_assert_eq(vx_bus_read(bus, VX_SPACE_IO, 0xFFFF, 2), 0xFFFF);
    cr_assert_eq(vx_bus_read(bus, VX_SPACE_MEMORY, 0xFFFFFFFFFFFFFFF8, 8), UINT64_MAX);
    vx_bus_write(bus, VX_SPACE_IO, 0x80, 1, 0);
    cr_assert(stats.pio == 2 && stats.mmio == 1);
    vx_bus_destroy(bus);
}

Test(bus, overlap_is_an_error_unless_layered)
{
    struct vx_bus *bus = make_bus();
    struct probe low = make_probe(VX_SPACE_IO, 0x100, 16, 1, 4, 0), same = make_probe(VX_SPACE_IO, 0x10F, 4, 1, 4, 0);
    struct probe high = make_probe(VX_SPACE_IO, 0x104, 2, 1, 4, 1);
    plug(bus, &low);
    cr_assert_eq(vx_bus_add(bus, &same.region), VX_ERR_BAD_ARGUMENT);
    plug(bus, &high);
    vx_bus_read(bus, VX_SPACE_IO, 0x103, 4); /* 103 low, 104-105 high, 106 low */
    cr_assert(low.count == 2 && high.count == 1 && high.seen[0].size == 2 && low.seen[1].off == 6);
    vx_bus_remove(bus, &high.region);
    vx_bus_read(bus, VX_SPACE_IO, 0x104, 1);
    cr_assert(low.count == 3 && high.count == 1);
    vx_bus_destroy(bus);
}

Test(bus, regions_that_do_not_fit_are_refused)
{
    struct vx_bus *bus = make_bus();
    struct probe wide = make_probe(VX_SPACE_IO, 0xFFFF, 2, 1, 1, 0), none = make_probe(VX_SPACE_IO, 0, 0, 1, 1, 0);
    struct probe wraps = make_probe(VX_SPACE_MEMORY, UINT64_MAX - 1, 4, 1, 1, 0);
    cr_assert_eq(vx_bus_add(bus, &wide.region), VX_ERR_BAD_ARGUMENT);
    cr_assert_eq(vx_bus_add(bus, &none.region), VX_ERR_BAD_ARGUMENT);
    cr_assert_eq(vx_bus_add(bus, &wraps.region), VX_ERR_BAD_ARGUMENT);
    vx_bus_destroy(bus);
}

static void leaving_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct probe *probe = opaque;
    probe_write(opaque, off, size, value);
    vx_bus_remove(probe->bus, &probe->region);
}

Test(bus, a_region_may_leave_while_it_is_written)
{
    struct vx_bus *bus = make_bus();
    struct probe probe = make_probe(VX_SPACE_IO, 0x100, 4, 1, 1, 0);
    probe.region.write = leaving_write;
    plug(bus, &probe);
    vx_bus_write(bus, VX_SPACE_IO, 0x100, 4, 0x04030201);
    cr_assert_eq(probe.count, 1);
    vx_bus_destroy(bus);
}

/* Many random regions against a plain search. */
Test(bus, finds_what_a_plain_search_finds)
{
    enum { REGIONS = 60, STEPS = 4000 };
    struct vx_bus *bus = make_bus();
    static struct probe probes[REGIONS];
    uint32_t rng = 12345;
    unsigned plugged = 0, wrong = 0;
    bool on[REGIONS] = { false };
    for (unsigned step = 0; step < STEPS; step++) {
        rng = rng * 1664525 + 1013904223;
        unsigned i = rng >> 8 & 63;
        if (i >= REGIONS)
            continue;
        if (on[i]) {
            vx_bus_remove(bus, &probes[i].region);
        } else {
            probes[i] = make_probe(VX_SPACE_IO, rng >> 16 & 0xFF, 1 + (rng >> 4 & 31), 1, 1, (int)i);
            plug(bus, &probes[i]);
            plugged++;
        }
        on[i] = !on[i];
        unsigned at = rng >> 20 & 0xFF;
        struct probe *want = NULL;
        for (unsigned k = 0; k < REGIONS; k++)
            if (on[k] && at >= probes[k].region.base && at < probes[k].region.base + probes[k].region.size)
                want = &probes[k]; /* rising priority */
        uint64_t got = vx_bus_read(bus, VX_SPACE_IO, at, 1);
        wrong += got != (want != NULL ? (uint8_t)(0x10 + at - want->region.base) : 0xFF);
    }
    cr_assert(wrong == 0 && plugged > 1000, "%u wrong of %u", wrong, plugged);
    vx_bus_destroy(bus);
}

static void record_level(void *opaque, unsigned line, bool level)
{
    (void)line;
    *(int *)opaque += level ? 1 : 100;
}

static void note_base(void *opaque, const struct vx_region *region)
{
    char text[8];
    snprintf(text, sizeof text, "%x ", (unsigned)region->base);
    strcat(opaque, text);
}

/* Two processors see each their own page over the bus's, and everything else of it; who uses the bus itself sees
 * neither. An access that reaches into the page is cut there. */
Test(bus, views_hide_and_show)
{
    struct vx_bus *bus = make_bus(), *view[2];
    struct probe shared = make_probe(VX_SPACE_MEMORY, 0x1000, 0x3000, 1, 8, 0);
    struct probe own[2] = { make_probe(VX_SPACE_MEMORY, 0x2000, 0x1000, 4, 4, 1),
                            make_probe(VX_SPACE_MEMORY, 0x2002, 0xFFE, 1, 4, 1) };
    char text[64] = "";
    plug(bus, &shared);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(vx_bus_create_view(bus, &view[i]), VX_ERR_OK);
        plug(view[i], &own[i]);
    }
    vx_bus_write(bus, VX_SPACE_MEMORY, 0x2010, 4, 9);
    cr_expect(shared.count == 1 && shared.seen[0].off == 0x1010 && own[0].count == 0 && own[1].count == 0);
    for (unsigned i = 0; i < 2; i++)
        vx_bus_write(view[i], VX_SPACE_MEMORY, 0x2010, 4, i);
    cr_expect(own[0].count == 1 && own[0].seen[0].off == 0x10 && own[1].count == 1 && own[1].seen[0].off == 0xE);
    shared.count = 0;
    vx_bus_write(view[0], VX_SPACE_MEMORY, 0x1010, 4, 0);
    vx_bus_write(view[1], VX_SPACE_MEMORY, 0x2000, 4, 0x44332211); /* two bytes below, two of its own */
    cr_expect(shared.count == 2 && shared.seen[0].off == 0x10 && shared.seen[1].off == 0x1000 &&
              shared.seen[1].size == 2 && shared.seen[1].value == 0x2211);
    cr_expect(own[1].count == 2 && own[1].seen[1].off == 0 && own[1].seen[1].value == 0x4433);
    cr_expect_eq(vx_bus_read(view[0], VX_SPACE_MEMORY, 0x9000, 2), 0xFFFF);
    vx_bus_each(bus, note_base, text);
    cr_expect_str_eq(text, "1000 2000 2002 0 "); /* the last: what nobody claimed */
    vx_bus_remove(view[0], &own[0].region);
    shared.count = 0;
    vx_bus_write(view[0], VX_SPACE_MEMORY, 0x2010, 4, 0);
    cr_expect_eq(shared.count, 1);
    for (unsigned i = 0; i < 2; i++)
        vx_bus_destroy(view[i]);
    vx_bus_destroy(bus);
}

Test(bus, a_shared_line_is_up_while_any_input_is)
{
    int changes = 0;
    struct irq_or wire;
    irq_or_init(&wire, (struct vx_irq){ .set = record_level, .opaque = &changes });
    struct vx_irq a = irq_or_input(&wire, 0), b = irq_or_input(&wire, 31);
    vx_irq_raise(&a);
    vx_irq_raise(&b);
    vx_irq_lower(&a);
    cr_assert_eq(changes, 1);
    vx_irq_lower(&b);
    cr_assert_eq(changes, 101);
}

/* test_units.c - what a debugger is told of units: how often each is entered, and how translated code was left. */
#include <criterion/criterion.h>

#include "core.h" /* of bt/ */
#include "stubs.h"
#include "support/rig.h"

enum { CODE_AT = 0x1000, STACK_AT = 0x8000, ENOUGH = 1000000 };

/* A thousand calls of a function that branches on the parity of its argument. */
static const uint8_t calls[] = {
    0xB9, 0xE8, 0x03, /* 1000 mov cx, 1000 */
    0x40,             /* 1003 inc ax */
    0x50,             /* 1004 push ax */
    0xE8, 0x04, 0x00, /* 1005 call 100Ch */
    0x58,             /* 1008 pop ax */
    0xE2, 0xF8,       /* 1009 loop 1003h */
    0xF4,             /* 100B hlt */
    0xA8, 0x01,       /* 100C test al, 1 */
    0x75, 0x01,       /* 100E jnz 1011h */
    0x43,             /* 1010 inc bx */
    0xC3,             /* 1011 ret */
};

static void load(struct rig *rig, const uint8_t *code, size_t bytes)
{
    vx_pmap_write(rig->pmap, CODE_AT, code, bytes);
    cr_assert(vx_cpu_far_jump(rig->vcpu, 0, CODE_AT, 0));
    rig->vcpu->gpr[VX_RSP] = STACK_AT;
    rig->vcpu->halted = false;
}

struct counts {
    uint64_t at[32]; /* entries, by offset in the code */
    uint64_t insns;  /* instructions in all of them */
    unsigned units;
};

static void add_unit(void *opaque, const struct vx_bt_unit *unit)
{
    struct counts *counts = opaque;
    cr_assert_lt(unit->eip - CODE_AT, 32u);
    counts->at[unit->eip - CODE_AT] += unit->entered;
    counts->insns += unit->entered * unit->insns;
    counts->units++;
}

static struct counts count(const struct rig *rig)
{
    struct counts counts = { .units = 0 };
    vx_bt_each_unit(rig->bt, add_unit, &counts);
    return counts;
}

/* `calls` under every way in which one unit leads to the next. What is expected is counted by hand. */
static const struct {
    const char *name;
    struct vx_bt_config options;
    struct {
        uint8_t off;
        uint16_t entries;
    } expected[12];
} ways[] = {
    { "default", { .tu_max = 0 }, { { 0, 1 }, { 3, 999 }, { 8, 1000 }, { 12, 1000 }, { 16, 500 }, { 17, 500 } } },
    { "no chains",
      { .no_chain = true },
      { { 0, 1 }, { 3, 999 }, { 8, 1000 }, { 12, 1000 }, { 16, 500 }, { 17, 500 } } },
    { "no jump cache", { .no_jump_cache = true }, { { 0, 1 }, { 3, 999 }, { 16, 500 }, { 17, 500 } } },
    { "exact counts", { .exact_count = true }, { { 0, 1 }, { 3, 999 }, { 16, 500 }, { 17, 500 } } },
    { "one unit a run", { .one_unit = true }, { { 0, 1 }, { 3, 999 }, { 16, 500 }, { 17, 500 } } },
    { "interpreted three times first", /* 16 once in the run of 12 */
      { .interpret_first = 3 },
      { { 3, 996 }, { 8, 997 }, { 12, 997 }, { 16, 496 }, { 17, 497 } } },
    { "units of 1",
      { .tu_max = 1 },
      { { 0, 1 },
        { 3, 1000 },
        { 4, 1000 },
        { 5, 1000 },
        { 8, 1000 },
        { 9, 1000 },
        { 12, 1000 },
        { 14, 1000 },
        { 16, 500 },
        { 17, 1000 } } },
    { "units of 2",
      { .tu_max = 2 },
      { { 0, 1 }, { 3, 999 }, { 4, 1 }, { 5, 999 }, { 8, 1000 }, { 12, 1000 }, { 16, 500 }, { 17, 500 } } },
};

Test(units, entries_are_exact)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(ways); i++) {
        struct vx_bt_config options = ways[i].options;
        struct rig rig;
        options.count_units = options.no_probe_sharing = true; /* a shared probe that misses enters another unit */
        rig_create(&rig, &options);
        load(&rig, calls, sizeof calls);
        cr_assert_eq(rig_run(&rig, ENOUGH), RIG_HALT, "%s", ways[i].name);
        struct counts counts = count(&rig);
        for (unsigned k = 0; k < VX_ARRAY_LEN(ways[i].expected) && ways[i].expected[k].entries != 0; k++) {
            unsigned off = ways[i].expected[k].off;
            cr_expect_eq(counts.at[off], ways[i].expected[k].entries, "%s: %llu entries at +%u", ways[i].name,
                         (unsigned long long)counts.at[off], off);
        }
        /* No unit is left before its end, so what is counted adds up to what was executed: 2 + 8.5 * 1000. */
        uint64_t insns = counts.insns + rig.stats.cold_insns;
        cr_expect_eq(insns, 8502u, "%s: %llu instructions", ways[i].name, (unsigned long long)insns);
        rig_destroy(&rig);
    }
}

Test(units, counting_can_be_turned_on_and_off)
{
    struct vx_bt_config options = { .no_probe_sharing = true };
    struct rig rig;
    static const uint64_t expected[] = { 0, 8502, 8502, 0 };
    rig_create(&rig, &options);
    for (unsigned turn = 0; turn < VX_ARRAY_LEN(expected); turn++) {
        bool on = turn == 1 || turn == 2;
        vx_bt_count_units(rig.bt, !on);
        vx_bt_count_units(rig.bt, on);
        cr_expect_eq(vx_bt_counts_units(rig.bt), on);
        cr_expect_eq(count(&rig).units, 0u, "a change drops all units");
        load(&rig, calls, sizeof calls);
        cr_assert_eq(rig_run(&rig, ENOUGH), RIG_HALT);
        cr_expect_eq(count(&rig).insns, expected[turn], "turn %u", turn);
        cr_expect_gt(count(&rig).units, 5u);
    }
    rig_destroy(&rig);
}

/* ---- which host code is which instruction's */

struct parts {
    const struct vx_bt *bt;
    unsigned units, named, itself, in_line;
};

static void look_at_parts(void *opaque, const struct vx_bt_unit *unit)
{
    struct parts *parts = opaque;
    struct vx_bt_part part;
    uint32_t end = 0;
    char name[64];
    for (unsigned i = 0; i < unit->insns + 2u; i++) {
        cr_assert(vx_bt_unit_part(parts->bt, unit, i, &part));
        cr_expect(i == 0 ? part.start != 0 : part.start == end, "part %u of %x begins at %u", i, (unsigned)unit->eip,
                  part.start);
        cr_expect_eq(part.lowering != NULL, i < unit->insns);
        parts->itself += part.lowering != NULL && strcmp(part.lowering, "runs as itself") == 0;
        parts->in_line += part.lowering != NULL && strcmp(part.lowering, "in line") == 0;
        end = part.end;
    }
    cr_expect_eq(end, unit->host_bytes, "all of the code belongs to something");
    cr_expect_not(vx_bt_unit_part(parts->bt, unit, unit->insns + 2u, &part));
    cr_expect_not(vx_bt_unit_names(parts->bt, unit, 0, name, sizeof name), "its own code");
    const struct bt_tu *tu = unit->token;
    for (unsigned i = 0; i < TU_EXITS; i++)
        if (unit->exit[i].chained)
            parts->named += vx_bt_unit_names(parts->bt, unit, tu->exit[i].to->entry - tu->entry, name, sizeof name) &&
                            strncmp(name, "unit at 0000100", 14) == 0;
    cr_expect(vx_bt_unit_names(parts->bt, unit, parts->bt->host->stub.mem_slow - tu->entry, name, sizeof name) &&
              strcmp(name, "mem_slow") == 0);
    parts->units++;
}

Test(units, parts_cover_the_code)
{
    struct vx_bt_config options = { .tu_max = 0 };
    struct rig rig;
    rig_create(&rig, &options);
    vx_bt_count_units(rig.bt, true);
    load(&rig, calls, sizeof calls);
    cr_assert_eq(rig_run(&rig, ENOUGH), RIG_HALT);
    struct parts parts = { .bt = rig.bt };
    vx_bt_each_unit(rig.bt, look_at_parts, &parts);
    cr_expect(parts.units >= 6 && parts.named >= 3 && parts.itself >= 3 && parts.in_line >= 6,
              "%u units, %u chained, %u as themselves, %u in line", parts.units, parts.named, parts.itself,
              parts.in_line);
    rig_destroy(&rig);
}

/* ---- how translated code was left */

static const uint8_t leaves[] = {
    0xEB, 0x00,       /* 1000 jmp 1002h */
    0xB8, 0x07, 0x10, /* 1002 mov ax, 1007h */
    0xFF, 0xE0,       /* 1005 jmp ax */
    0x31, 0xC9,       /* 1007 xor cx, cx */
    0xF7, 0xF1,       /* 1009 div cx: #DE, whose handler is at 100Bh */
    0xCD, 0x20,       /* 100B int 20h, whose handler is at 100Dh */
    0xF4,             /* 100D hlt */
};

static const struct vx_bt_departure left[] = {
    /* newest first */
    { .why = "interpreted", .entered = 0x100D, .at_known = true, .at = 0x100D, .to = 0x100D },
    { .why = "led elsewhere", .entered = 0x100B, .at_known = true, .at = 0x100B, .to = 0x100D },
    { .why = "host fault", .entered = 0x1007, .at_known = true, .at = 0x1009, .to = 0x1009 },
    { .why = "indirect branch", .entered = 0x1002, .at_known = false, .to = 0x1007 },
    { .why = "direct branch", .entered = 0x1000, .at_known = true, .at = 0x1000, .to = 0x1002 },
};

static void no_event(void *opaque, enum vx_debug_event event, uint64_t value, uint64_t detail)
{
    (void)opaque, (void)event, (void)value, (void)detail;
}

static bool no_stop_here(void *opaque)
{
    (void)opaque;
    return false;
}

static bool no_stop_in(void *opaque, uint64_t lin, const uint8_t *hva, uint32_t bytes)
{
    (void)opaque, (void)lin, (void)hva, (void)bytes;
    return false;
}

static const struct vx_vcpu_debug debugger = { .event = no_event, .stops_here = no_stop_here, .stops_in = no_stop_in };

Test(units, departures_are_remembered)
{
    struct vx_bt_config options = { .tu_max = 0 };
    struct rig rig;
    struct vx_bt_departure got;
    rig_create(&rig, &options);
    cr_expect_not(vx_bt_departure(rig.cpu, 0, &got), "nothing has run");
    vx_pmap_write(rig.pmap, 0, "\x0B\x10\0\0", 4);
    vx_pmap_write(rig.pmap, 0x20 * 4, "\x0D\x10\0\0", 4);
    load(&rig, leaves, sizeof leaves);
    cr_assert_eq(rig_run(&rig, ENOUGH), RIG_HALT);
    cr_expect_not(vx_bt_departure(rig.cpu, 0, &got), "nobody looks");
    vx_bt_flush(rig.bt);
    rig.vcpu->debug = &debugger;
    load(&rig, leaves, sizeof leaves);
    cr_assert_eq(rig_run(&rig, ENOUGH), RIG_HALT);
    for (unsigned i = 0; i < VX_ARRAY_LEN(left); i++) {
        cr_assert(vx_bt_departure(rig.cpu, i, &got), "%u", i);
        cr_expect(strstr(got.why, left[i].why) != NULL && got.entered == left[i].entered &&
                      got.at_known == left[i].at_known && (!got.at_known || got.at == left[i].at) &&
                      got.to == left[i].to && got.to_cs == 0,
                  "%u: '%s', entered at %x, left at %x for %04x:%x", i, got.why, (unsigned)got.entered,
                  (unsigned)got.at, (unsigned)got.to_cs, (unsigned)got.to);
    }
    cr_expect_not(vx_bt_departure(rig.cpu, VX_ARRAY_LEN(left), &got));
    for (unsigned i = 0; i < VX_BT_DEPARTURES; i++) {
        load(&rig, leaves, sizeof leaves);
        cr_assert_eq(rig_run(&rig, ENOUGH), RIG_HALT);
    }
    cr_expect(vx_bt_departure(rig.cpu, VX_BT_DEPARTURES - 1, &got));
    cr_expect_not(vx_bt_departure(rig.cpu, VX_BT_DEPARTURES, &got), "no more than that");
    rig_destroy(&rig);
}

/* test_points.c - the debugger's core on a small program: every kind of point, every way to go on, under both engines;
 * and whatever was done, the guest ends as it would have. */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "unit/machine/rom.h"
#include "vx86/debug.h"

/* At F000:0000, reached with CS base FFFF0000h, hence the far jump:
 *    0  jmp F000:0005
 *    5  mov cx, 1000
 *    8  inc ax
 *    9  mov [500h], ax
 *    C  loop 8
 *    E  out 80h, al
 *   10  xchg bx, bx
 *   12  call 100h
 *   15  int 20h                  (its handler, F000:0102, is IRET)
 *   17  rep stosb                (CX = 0: nothing)
 *   19  out F4h, al              exit with AL = E8h
 *  100  inc bx; ret              102  iret */
static const uint8_t code[] = {
    0xEA, 0x05, 0x00, 0x00, 0xF0, 0xB9, 0xE8, 0x03, 0x40, 0xA3, 0x00, 0x05, 0xE2, 0xFA, 0xE6,
    0x80, 0x87, 0xDB, 0xE8, 0xEB, 0x00, 0xCD, 0x20, 0xF3, 0xAA, 0xE6, 0xF4, 0xEB, 0xFE,
};
static const uint8_t second[] = { 0x43, 0xC3, 0xCF };
enum { CODE_LIN = 0xF0000 };

/* The same way to another program, with SP = 7000h and the vector of #DE at F000:010A:
 *    5  mov bx, 3
 *    8  mov ax, 1234h
 *    B  out 7Fh, ax
 *    D  mov di, 600h
 *   10  mov cx, 4
 *   13  rep stosb
 *   15  xor ax, ax
 *   17  call 100h
 *   1A  mov cl, 0
 *   1C  div cl                   (#DE: its handler makes CL 1)
 *   1E  inc ax
 *   1F  mov al, 2Ah
 *   21  out F4h, al
 *  100  dec bx; jz 106h; call 100h
 *  106  inc ax; ret
 *  10A  mov cl, 1; iret */
static const uint8_t other_code[] = {
    0xEA, 0x05, 0x00, 0x00, 0xF0, 0xBB, 0x03, 0x00, 0xB8, 0x34, 0x12, 0xE7, 0x7F, 0xBF, 0x00, 0x06, 0xB9, 0x04, 0x00,
    0xF3, 0xAA, 0x31, 0xC0, 0xE8, 0xE6, 0x00, 0xB1, 0x00, 0xF6, 0xF1, 0x40, 0xB0, 0x2A, 0xE6, 0xF4, 0xEB, 0xFE,
};
static const uint8_t other_second[] = { 0x4B, 0x74, 0x03, 0xE8, 0xFA, 0xFF, 0x40, 0xC3, 0x90, 0x90, 0xB1, 0x01, 0xCF };

struct program {
    const uint8_t *code, *second;
    size_t bytes, second_bytes;
    uint8_t exit; /* AL at its end */
};

static const struct program main_program = { code, second, sizeof code, sizeof second, 0xE8 };
static const struct program other_program = { other_code, other_second, sizeof other_code, sizeof other_second, 0x2A };

enum way { RUN, STEP, NEXT, FINISH, UNTIL, UNIT };

/* Runs to `point`, then goes on in `way` (RUN: not at all); where the guest is then. */
struct row {
    const char *what;
    struct vx_debug_point point;
    enum way way;
    uint64_t n;
    uint16_t ip, ax, cx, bx;
    uint64_t count; /* 0: not looked at */
};

#define EXEC(off)                                                                  \
    {                                                                              \
        .kind = VX_POINT_EXEC, .first = CODE_LIN + (off), .last = CODE_LIN + (off) \
    }

static const struct row rows[] = {
    { "first pass", EXEC(8), RUN, 0, 8, 0, 1000, 0, 3 },
    { "ignored ten times", { .kind = VX_POINT_EXEC, .first = CODE_LIN + 8, .ignore = 10 }, RUN, 0, 8, 10, 990, 0, 33 },
    { "condition CX = 500",
      { .kind = VX_POINT_EXEC, .first = CODE_LIN + 9, .conditional = true },
      RUN,
      0,
      9,
      501,
      500,
      0,
      0 },
    { "physical", { .kind = VX_POINT_EXEC, .physical = true, .first = CODE_LIN + 0xC }, RUN, 0, 0xC, 1, 1000, 0, 5 },
    { "written",
      { .kind = VX_POINT_WATCH, .access = VX_WATCH_WRITE, .first = 0x501, .last = 0x501 },
      RUN,
      0,
      0xC,
      1,
      1000,
      0,
      5 },
    { "written, physical, 100 ignored",
      { .kind = VX_POINT_WATCH,
        .access = VX_WATCH_WRITE,
        .physical = true,
        .first = 0x500,
        .last = 0x503,
        .ignore = 100 },
      RUN,
      0,
      0xC,
      101,
      900,
      0,
      305 },
    { "count", { .kind = VX_POINT_COUNT, .first = 1000 }, RUN, 0, 9, 333, 668, 0, 1000 },
    { "port",
      { .kind = VX_POINT_IO, .access = VX_WATCH_WRITE, .first = 0x80, .last = 0x80 },
      RUN,
      0,
      0x10,
      1000,
      0,
      0,
      3004 },
    { "magic", { .kind = VX_POINT_MAGIC, .last = UINT64_MAX }, RUN, 0, 0x12, 1000, 0, 0, 3005 },
    { "int", { .kind = VX_POINT_INT, .first = 0x20, .last = 0x20 }, RUN, 0, 0x102, 1000, 0, 1, 3009 },
    { "step", EXEC(5), STEP, 7, 8, 2, 998, 0, 9 },
    { "step into a call", EXEC(0x12), STEP, 1, 0x100, 1000, 0, 0, 3006 },
    { "next over a call", EXEC(0x12), NEXT, 1, 0x15, 1000, 0, 1, 3008 },
    { "next over an INT", EXEC(0x15), NEXT, 1, 0x17, 1000, 0, 1, 3010 },
    { "next, many", EXEC(0xE), NEXT, 5, 0x19, 1000, 0, 1, 3011 },
    { "finish", EXEC(0x100), FINISH, 0, 0x15, 1000, 0, 1, 3008 },
    { "until, out of the loop", EXEC(0xC), UNTIL, 0, 0xE, 1000, 0, 0, 3003 },
    { "unit", EXEC(8), UNIT, 0, 8, 1, 999, 0, 6 },
};

static const struct row other_rows[] = {
    { "one of two ports",
      { .kind = VX_POINT_IO, .access = VX_WATCH_WRITE, .first = 0x80, .last = 0x80 },
      RUN,
      0,
      0xD,
      0x1234,
      0,
      3,
      0 },
    { "next over a call that calls itself", EXEC(0x103), NEXT, 1, 0x106, 2, 0, 0, 0 },
    { "next over a REP", EXEC(0x13), NEXT, 1, 0x15, 0x1234, 0, 3, 0 },
    { "unit that a fault leaves", EXEC(0x1A), UNIT, 0, 0x10A, 3, 0, 0, 0 },
};

struct probe {
    struct vx_debug *debug;
    struct vx_vcpu *vcpu;
    const struct row *row;
    unsigned stops;
    enum vx_stop_cause cause[4];
    uint16_t ip, ax, cx, bx;
    uint64_t count;
};

static void look(struct probe *probe)
{
    const uint64_t *r = probe->vcpu->gpr;
    probe->ip = (uint16_t)probe->vcpu->rip;
    probe->ax = (uint16_t)r[VX_RAX];
    probe->bx = (uint16_t)r[VX_RBX];
    probe->cx = (uint16_t)r[VX_RCX];
    probe->count = probe->vcpu->retired;
}

static void go_on(struct probe *probe)
{
    const struct row *row = probe->row;
    switch (row->way) {
    case RUN: break;
    case STEP: vx_debug_go_step(probe->debug, row->n); return;
    case NEXT: vx_debug_go_next(probe->debug, row->n); return;
    case FINISH: vx_debug_go_finish(probe->debug); return;
    case UNTIL: vx_debug_go_until(probe->debug); return;
    case UNIT: vx_debug_go_unit(probe->debug); return;
    }
    vx_debug_go(probe->debug);
}

/* Stops: 0 at the start (the point is set), 1 at the point, 2 behind the way. */
static void stopped(void *opaque, const struct vx_debug_stop *stop)
{
    struct probe *probe = opaque;
    struct vx_debug_point point = probe->row->point;
    bool last = probe->stops == (probe->row->way == RUN ? 1 : 2);
    if (probe->stops < VX_ARRAY_LEN(probe->cause))
        probe->cause[probe->stops] = stop->cause;
    point.enabled = true;
    if (probe->stops++ == 0) {
        cr_assert_neq(vx_debug_add_point(probe->debug, &point), 0);
        vx_debug_go(probe->debug);
        return;
    }
    if (last)
        look(probe);
    const struct vx_debug_point *first = vx_debug_next_point(probe->debug, 0);
    if (first != NULL)
        vx_debug_remove_point(probe->debug, first->number);
    if (last)
        vx_debug_go(probe->debug);
    else
        go_on(probe);
}

static bool condition(void *opaque, const struct vx_debug_stop *stop)
{
    const struct probe *probe = opaque;
    return stop->point.kind == VX_POINT_EXEC && (uint16_t)probe->vcpu->gpr[VX_RCX] == 500;
}

static const struct vx_debug_front front = { .stopped = stopped, .condition = condition };

/* What the programs expect: a stack, the vectors of INT 20h and #DE. */
static void prepare(struct vx_machine *machine)
{
    static const uint8_t vector[4] = { 0x02, 0x01, 0x00, 0xF0 }, divide[4] = { 0x0A, 0x01, 0x00, 0xF0 };
    struct vx_vcpu *vcpu = vx_machine_vcpu(machine);
    vx_pmap_write(vx_machine_pmap(machine), 0x20 * 4, vector, sizeof vector);
    vx_pmap_write(vx_machine_pmap(machine), 0, divide, sizeof divide);
    vcpu->gpr[VX_RSP] = 0x7000;
    vcpu->gpr[VX_RDX] = 0;
}

static void check(const struct program *program, const struct row *row, enum vx_engine engine, bool counting)
{
    struct rom_machine rig;
    struct rom rom;
    int value = -1;
    rom_make(&rom, program->code, program->bytes, program->second, program->second_bytes);
    cr_assert_eq(rom_machine_create_with(
                     &rig, &rom, (struct vx_machine_config){ .engine = engine, .no_reboot = true, .debug = true }),
                 VX_ERR_OK);
    struct probe probe = { .debug = vx_machine_debug(rig.machine), .vcpu = vx_machine_vcpu(rig.machine), .row = row };
    prepare(rig.machine);
    vx_debug_set_front(probe.debug, &front, &probe);
    vx_debug_stop_at_start(probe.debug);
    vx_debug_set_counting(probe.debug, counting);
    bool counted = row->count != 0 && (counting || row->point.kind == VX_POINT_COUNT);
    enum vx_machine_end end = vx_machine_run(rig.machine, &value);
    bool right = end == VX_END_DEBUG_EXIT && value == program->exit && probe.stops == (row->way == RUN ? 2 : 3) &&
                 probe.cause[0] == VX_CAUSE_START && probe.cause[1] == VX_CAUSE_POINT &&
                 (row->way == RUN || probe.cause[2] == VX_CAUSE_STEP) && probe.ip == row->ip && probe.ax == row->ax &&
                 probe.cx == row->cx && probe.bx == row->bx && (!counted || probe.count == row->count) &&
                 vx_machine_counted(rig.machine) == (counting || engine == VX_ENGINE_INTERP);
    cr_assert(right, "%s, engine %d: end %d value %x, %u stops, ip %x ax %u cx %u bx %u count %u", row->what, engine,
              end, (unsigned)value, probe.stops, probe.ip, probe.ax, probe.cx, probe.bx, (unsigned)probe.count);
    rom_machine_destroy(&rig);
}

static void check_all(enum vx_engine engine, bool counting)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        check(&main_program, &rows[i], engine, counting);
    for (size_t i = 0; i < VX_ARRAY_LEN(other_rows); i++)
        check(&other_program, &other_rows[i], engine, counting);
}

Test(points, interpreter)
{
    check_all(VX_ENGINE_INTERP, true);
}

Test(points, translator)
{
    if (vx_bt_unavailable() != NULL)
        cr_skip_test("%s", vx_bt_unavailable());
    check_all(VX_ENGINE_BT, true);
    check_all(VX_ENGINE_BT, false); /* but where the count is a point's */
}

/* ---- counting begins and ends in a loop that runs ---------------------------------------------------------------- */

struct moment {
    struct vx_debug *debug;
    struct vx_vcpu *vcpu;
    unsigned stops;
    uint16_t ax[4];
    uint64_t count;
};

/* Stops: 0 at the start, 1 in the loop (counting begins for a point 300 instructions on), 2 there (it ends), 3 after
 * the loop. */
static void count_now_and_then(void *opaque, const struct vx_debug_stop *stop)
{
    struct moment *moment = opaque;
    const struct vx_debug_point points[] = {
        { .kind = VX_POINT_EXEC, .first = CODE_LIN + 8, .ignore = 100 },
        { .kind = VX_POINT_COUNT, .first = moment->vcpu->retired + 300 },
        EXEC(0xE),
    };
    (void)stop;
    moment->ax[moment->stops & 3] = (uint16_t)moment->vcpu->gpr[VX_RAX];
    if (moment->stops == 1)
        moment->count = moment->vcpu->retired;
    if (moment->stops == 2)
        moment->count = moment->vcpu->retired - moment->count;
    if (moment->stops < VX_ARRAY_LEN(points)) {
        struct vx_debug_point point = points[moment->stops];
        point.enabled = point.temporary = true;
        cr_assert_neq(vx_debug_add_point(moment->debug, &point), 0);
    }
    moment->stops++;
    vx_debug_go(moment->debug);
}

Test(points, counting_in_a_loop)
{
    static const struct vx_debug_front counting_front = { .stopped = count_now_and_then };
    if (vx_bt_unavailable() != NULL)
        cr_skip_test("%s", vx_bt_unavailable());
    struct rom_machine rig;
    struct rom rom;
    int value = -1;
    rom_make(&rom, code, sizeof code, second, sizeof second);
    cr_assert_eq(
        rom_machine_create_with(
            &rig, &rom,
            (struct vx_machine_config){ .engine = VX_ENGINE_BT, .no_reboot = true, .debug = true, .bt.verify = true }),
        VX_ERR_OK);
    struct moment moment = { .debug = vx_machine_debug(rig.machine), .vcpu = vx_machine_vcpu(rig.machine) };
    prepare(rig.machine);
    vx_debug_set_front(moment.debug, &counting_front, &moment);
    vx_debug_stop_at_start(moment.debug);
    cr_assert_eq(vx_machine_run(rig.machine, &value), VX_END_DEBUG_EXIT);
    cr_assert(moment.stops == 4 && moment.ax[1] == 100 && moment.ax[2] == 200 && moment.ax[3] == 1000 &&
                  moment.count == 300 && !vx_machine_counted(rig.machine),
              "%u stops, ax %u %u %u, %u instructions", moment.stops, moment.ax[1], moment.ax[2], moment.ax[3],
              (unsigned)moment.count);
    rom_machine_destroy(&rig);
}

/* Many points, removed in any order. */
Test(points, many)
{
    enum { MANY = 1000 };
    struct rom_machine rig;
    struct rom rom;
    rom_make(&rom, code, sizeof code, second, sizeof second);
    cr_assert_eq(rom_machine_create(&rig, &rom, VX_ENGINE_INTERP, true), VX_ERR_OK);
    struct vx_debug *debug = vx_machine_debug(rig.machine);
    struct vx_debug_point point = { .kind = VX_POINT_EXEC, .enabled = true, .first = 0x12345 };
    vx_debug_set_front(debug, &front, NULL);
    for (unsigned i = 1; i <= MANY; i++)
        cr_assert_eq(vx_debug_add_point(debug, &point), i);
    cr_assert(vx_debug_remove_point(debug, 7) && !vx_debug_remove_point(debug, 7));
    cr_assert_null(vx_debug_find_point(debug, 7));
    cr_assert_eq(vx_debug_next_point(debug, 6)->number, 8);
    cr_assert_eq(vx_debug_add_point(debug, &point), MANY + 1);
    vx_debug_set_front(debug, NULL, NULL);
    cr_assert_null(vx_debug_next_point(debug, 0));
    rom_machine_destroy(&rig);
}

/* 2,000 points around the program, one of them where it runs, under both engines. */
static void stop_once(void *opaque, const struct vx_debug_stop *stop)
{
    struct moment *moment = opaque;
    moment->stops++;
    cr_expect_eq(stop->eip, 0xC, "at %x", (unsigned)stop->eip);
    vx_debug_go(moment->debug);
}

Test(points, one_of_many_is_hit)
{
    static const struct vx_debug_front counter = { .stopped = stop_once };
    for (unsigned engine = 0; engine < 2; engine++) {
        struct rom_machine rig;
        struct rom rom;
        struct moment moment = { .stops = 0 };
        int value;
        rom_make(&rom, code, sizeof code, second, sizeof second);
        cr_assert_eq(rom_machine_create(&rig, &rom, engine == 0 ? VX_ENGINE_BT : VX_ENGINE_INTERP, true), VX_ERR_OK);
        moment.debug = vx_machine_debug(rig.machine);
        prepare(rig.machine);
        vx_debug_set_front(moment.debug, &counter, &moment);
        for (unsigned i = 0; i < 2000; i++) {
            struct vx_debug_point point = { .kind = VX_POINT_EXEC, .enabled = true };
            point.first = point.last = CODE_LIN + 0x200 + (i * 7919u % 2000) * 8;
            cr_assert_neq(vx_debug_add_point(moment.debug, &point), 0);
        }
        struct vx_debug_point hit = EXEC(0xC);
        hit.enabled = true;
        hit.ignore = 990;
        cr_assert_neq(vx_debug_add_point(moment.debug, &hit), 0);
        cr_assert_eq(vx_machine_run(rig.machine, &value), VX_END_DEBUG_EXIT);
        cr_assert_eq(moment.stops, 10);
        rom_machine_destroy(&rig);
    }
}

/* ---- branches, addresses ----------------------------------------------------------------------------------------- */

static void remember_branches(void *opaque, const struct vx_debug_stop *stop)
{
    struct moment *moment = opaque;
    (void)stop;
    if (moment->stops++ == 0) {
        struct vx_debug_point end = EXEC(0x15);
        end.enabled = true;
        vx_debug_set_tracing(moment->debug, VX_DEBUG_TRACE_BRANCHES);
        cr_assert_neq(vx_debug_add_point(moment->debug, &end), 0);
    }
    vx_debug_go(moment->debug);
}

/* Jumps, calls, returns, an exception and its IRET; what a REP does is none, nor is a jump to the next instruction. */
Test(points, branches)
{
    static const struct vx_debug_front tracing_front = { .stopped = remember_branches };
    struct rom_machine rig;
    struct rom rom;
    struct vx_debug_branch branch;
    rom_make(&rom, other_code, sizeof other_code, other_second, sizeof other_second);
    cr_assert_eq(
        rom_machine_create_with(
            &rig, &rom, (struct vx_machine_config){ .engine = VX_ENGINE_INTERP, .no_reboot = true, .debug = true }),
        VX_ERR_OK);
    struct moment moment = { .debug = vx_machine_debug(rig.machine), .vcpu = vx_machine_vcpu(rig.machine) };
    prepare(rig.machine);
    vx_debug_set_front(moment.debug, &tracing_front, &moment);
    vx_debug_stop_at_start(moment.debug);
    cr_assert_eq(vx_machine_run(rig.machine, NULL), VX_END_DEBUG_EXIT);
    unsigned branches = 0, of_rep = 0;
    for (; vx_debug_branch(moment.debug, branches, &branch); branches++) {
        cr_assert_neq(branch.from, branch.to, "%x", (unsigned)branch.from);
        of_rep += branch.from == 0x13 || branch.to == 0x15;
    }
    cr_assert(moment.stops == 2 && of_rep == 0 && branches == 10, "%u stops, %u branches", moment.stops, branches);
    rom_machine_destroy(&rig);
}

/* Selectors to linear addresses: those loaded, then by real mode's rule or by descriptor, from either table and within
 * its limit. */
Test(points, linear_addresses)
{
    static const struct {
        uint16_t sel;
        bool real, known;
        uint64_t lin;
    } selectors[] = {
        { 0x1234, true, true, 0x12340 + 5 },
        { 0xF000, true, true, 0xFFFF0000 + 5 }, /* CS as reset leaves it */
        { 0x08, false, true, 0x11223344 + 5 },
        { 0x0B, false, true, 0x11223344 + 5 },
        { 0x0C, false, true, 0x55667788 + 5 },
        { 0x10, false, false, 0 },
        { 0x00, false, false, 0 },
        { 0x03, false, false, 0 },
        { 0x14, false, false, 0 },
    };
    static const uint8_t gdt[16] = { [8] = 0xFF, 0xFF, 0x44, 0x33, 0x22, 0x93, 0xCF, 0x11 };
    static const uint8_t ldt[16] = { [8] = 0xFF, 0xFF, 0x88, 0x77, 0x66, 0x93, 0xCF, 0x55 };
    struct rom_machine rig;
    struct rom rom;
    rom_make(&rom, code, sizeof code, second, sizeof second);
    cr_assert_eq(rom_machine_create(&rig, &rom, VX_ENGINE_INTERP, true), VX_ERR_OK);
    struct vx_debug *debug = vx_machine_debug(rig.machine);
    struct vx_vcpu *vcpu = vx_machine_vcpu(rig.machine);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x1000, gdt, sizeof gdt);
    vx_pmap_write(vx_machine_pmap(rig.machine), 0x2000, ldt, sizeof ldt);
    vcpu->gdtr = (struct vx_table_reg){ .base = 0x1000, .limit = 0x10 }; /* of the third descriptor a byte */
    vcpu->ldtr = (struct vx_seg){ .base = 0x2000, .limit = 0x0F, .sel = 0x40 };
    for (size_t i = 0; i < VX_ARRAY_LEN(selectors); i++) {
        uint64_t lin = 0;
        vcpu->cr0 = selectors[i].real ? vcpu->cr0 & ~(uint64_t)VX_CR0_PE : vcpu->cr0 | VX_CR0_PE;
        for (unsigned seg = 0; !selectors[i].real && seg < VX_SEG_COUNT; seg++)
            vcpu->seg[seg].unusable = true;
        bool known = vx_debug_linear(debug, selectors[i].sel, 5, &lin);
        cr_assert(known == selectors[i].known && (!known || lin == selectors[i].lin), "%x: %d, %" PRIx64,
                  selectors[i].sel, known, lin);
    }
    rom_machine_destroy(&rig);
}

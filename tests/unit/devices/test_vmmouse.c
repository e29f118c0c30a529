/* test_vmmouse.c - the absolute pointer: commands as drivers give them, packets, who has the user's pointer. */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "port_script.h"
#include "vmmouse.h"

enum { GETVERSION = 10, DATA = 39, STATUS = 40, COMMAND = 41 };
enum { ENABLE = 0x45414552, DISABLE = 0xF5, RELATIVE = 0x4C455252, ABSOLUTE = 0x53424152, IDENTITY = 0x3442554A };

struct fixture {
    struct port_rig ports;
    struct vx_input input;
    struct vmmouse *mouse;
    uint32_t gpr[8];
    unsigned nudges, below; /* events that went to who had the pointer before */
};

static uint32_t get(void *opaque, enum vx_gpr reg)
{
    return ((struct fixture *)opaque)->gpr[reg];
}
static void set(void *opaque, enum vx_gpr reg, uint32_t value)
{
    ((struct fixture *)opaque)->gpr[reg] = value;
}
static void nudge(void *opaque)
{
    ((struct fixture *)opaque)->nudges++;
}
static void below(void *device, const struct vx_pointer *event)
{
    (void)event;
    ((struct fixture *)device)->below++;
}

static void init(struct fixture *f, bool with_input)
{
    static const struct vx_input_device_ops ops = { .pointer = below };
    *f = (struct fixture){ .nudges = 0 };
    port_rig_init(&f->ports);
    vx_input_attach(&f->input, VX_INPUT_RELATIVE, &ops, f);
    struct vmmouse_config config = { .log = f->ports.log,
                                     .bus = f->ports.bus,
                                     .input = with_input ? &f->input : NULL,
                                     .cpu = { .get = get, .set = set, .nudge = nudge, .opaque = f } };
    cr_assert_eq(vmmouse_create(&config, &f->mouse), VX_ERR_OK);
    vmmouse_type.reset(f->mouse, VX_RESET_HOLD);
    vmmouse_type.reset(f->mouse, VX_RESET_RELEASE);
}

static void fini(struct fixture *f)
{
    vmmouse_type.destroy(f->mouse);
    port_rig_fini(&f->ports);
}

static uint32_t ask_with(struct fixture *f, uint32_t magic, uint32_t command, uint32_t argument)
{
    f->gpr[VX_RAX] = magic;
    f->gpr[VX_RBX] = argument;
    f->gpr[VX_RCX] = 0x12340000 | command; /* the upper half is nobody's */
    f->gpr[VX_RAX] = (uint32_t)vx_bus_read(f->ports.bus, VX_SPACE_IO, 0x5658, 4);
    return f->gpr[VX_RAX];
}

static uint32_t ask(struct fixture *f, uint32_t command, uint32_t argument)
{
    return ask_with(f, 0x564D5868, command, argument);
}

static void begin(struct fixture *f, uint32_t mode)
{
    ask(f, COMMAND, ENABLE);
    cr_assert_eq(ask(f, STATUS, 0), 1);
    cr_assert_eq(ask(f, DATA, 1), (uint32_t)IDENTITY);
    ask(f, COMMAND, mode);
    cr_assert_eq(ask(f, STATUS, 0), 0);
}

static void point(struct fixture *f, enum vx_input_kind kind, struct vx_pointer event)
{
    vx_input_pointer(&f->input, kind, &event);
}

static void expect(struct fixture *f, uint32_t flags, uint32_t x, uint32_t y, uint32_t wheel)
{
    ask(f, DATA, 4);
    cr_assert(f->gpr[VX_RAX] == flags && f->gpr[VX_RBX] == x && f->gpr[VX_RCX] == y && f->gpr[VX_RDX] == wheel,
              "%x %x %x %x, not %x %x %x %x", f->gpr[VX_RAX], f->gpr[VX_RBX], f->gpr[VX_RCX], f->gpr[VX_RDX], flags, x,
              y, wheel);
}

Test(vmmouse, who_asks_for_the_version_finds_it)
{
    struct fixture f;
    init(&f, true);
    cr_assert(ask(&f, GETVERSION, 0) == 6 && f.gpr[VX_RBX] == 0x564D5868 && f.gpr[VX_RCX] == 4);
    fini(&f);
}

/* Without the magic number, in another width, beside the port, and commands that are not modelled: all ones, and the
 * other registers stay. */
Test(vmmouse, everything_else_is_refused)
{
    struct fixture f;
    init(&f, true);
    for (uint32_t command = 0; command < 0x10000; command += command < 200 ? 1 : 997) {
        if (command == GETVERSION || (command >= DATA && command <= COMMAND))
            continue;
        cr_assert(ask(&f, command, 77) == UINT32_MAX && f.gpr[VX_RBX] == 77, "command %u", command);
    }
    cr_assert(ask_with(&f, 0x564D5869, GETVERSION, 5) == UINT32_MAX && f.gpr[VX_RBX] == 5);
    f.gpr[VX_RAX] = 0x564D5868;
    f.gpr[VX_RCX] = GETVERSION;
    cr_assert_eq(vx_bus_read(f.ports.bus, VX_SPACE_IO, 0x5658, 2), 0xFFFF);
    cr_assert_eq(vx_bus_read(f.ports.bus, VX_SPACE_IO, 0x5658, 1), 0xFF);
    cr_assert_eq(vx_bus_read(f.ports.bus, VX_SPACE_IO, 0x5659, 1), 0xFF);
    cr_assert_eq(ask(&f, COMMAND, 0x1234), UINT32_MAX);
    cr_assert_eq(ask(&f, STATUS, 0), 0xFFFF0000);
    fini(&f);
}

Test(vmmouse, absolute_packets)
{
    struct fixture f;
    init(&f, true);
    cr_assert(!vx_input_has(&f.input, VX_INPUT_ABSOLUTE));
    begin(&f, ABSOLUTE);
    cr_assert(vx_input_has(&f.input, VX_INPUT_ABSOLUTE));
    point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = 0, .y = VX_POINTER_MAX });
    cr_assert(f.nudges == 1 && ask(&f, STATUS, 0) == 4);
    expect(&f, 0, 0, 0xFFFF, 0);
    point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = -5, .y = 1 << 20, .buttons = VX_BUTTON_LEFT });
    expect(&f, 0x20, 0, 0xFFFF, 0);
    point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = 16384, .buttons = VX_BUTTON_RIGHT | VX_BUTTON_MIDDLE });
    expect(&f, 0x18, 32768, 0, 0);
    point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .wheel = -1, .buttons = VX_BUTTON_BACK });
    expect(&f, 0, 0, 0, UINT32_MAX);
    cr_assert_eq(f.below, 0);
    fini(&f);
}

/* Places that nobody has fetched become one; a click or a turn of the wheel between them stays. */
Test(vmmouse, places_are_summed_up_and_clicks_are_not)
{
    struct fixture f;
    init(&f, true);
    begin(&f, ABSOLUTE);
    for (int i = 0; i < 1000; i++)
        point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = i });
    cr_assert_eq(ask(&f, STATUS, 0), 4);
    point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = 5, .buttons = VX_BUTTON_LEFT });
    point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = 5 });
    point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = 5, .wheel = 1 });
    point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = 6 });
    cr_assert_eq(ask(&f, STATUS, 0), 16);
    expect(&f, 0, 999 * 2, 0, 0);
    expect(&f, 0x20, 10, 0, 0);
    fini(&f);
}

/* The queue has an end; who never fetched learns in it how the buttons are now. */
Test(vmmouse, a_full_queue_keeps_the_last_state)
{
    struct fixture f;
    init(&f, true);
    begin(&f, ABSOLUTE);
    for (unsigned i = 0; i < 1001; i++)
        point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = (int)i, .buttons = i & 1 });
    uint32_t items = ask(&f, STATUS, 0);
    cr_assert(items <= 256 && items % 4 == 0 && items > 4, "%u", items);
    for (; items > 4; items -= 4)
        ask(&f, DATA, 4);
    expect(&f, 0, 2000, 0, 0);
    fini(&f);
}

Test(vmmouse, relative_packets)
{
    struct fixture f;
    init(&f, true);
    begin(&f, RELATIVE);
    cr_assert(!vx_input_has(&f.input, VX_INPUT_ABSOLUTE));
    point(&f, VX_INPUT_RELATIVE, (struct vx_pointer){ .x = 3, .y = 4, .buttons = VX_BUTTON_LEFT });
    point(&f, VX_INPUT_RELATIVE, (struct vx_pointer){ .x = -1, .y = 4, .buttons = VX_BUTTON_LEFT });
    expect(&f, 0x10020, 3, (uint32_t)-4, 0);
    expect(&f, 0x10020, UINT32_MAX, (uint32_t)-4, 0);
    fini(&f);
}

/* The PS/2 mouse gets the user's pointer back when the guest disables this one, is reset, or asks for what is not
 * there. */
Test(vmmouse, the_pointer_comes_back)
{
    struct fixture f;
    struct vx_pointer step = { .x = 1 };
    init(&f, true);
    for (unsigned way = 0; way < 4; way++) {
        begin(&f, ABSOLUTE);
        point(&f, VX_INPUT_RELATIVE, step);
        cr_assert(f.below == way && ask(&f, STATUS, 0) == 4);
        if (way == 0)
            ask(&f, COMMAND, DISABLE);
        else if (way == 1)
            cr_assert_eq(ask(&f, DATA, 5), UINT32_MAX);
        else if (way == 2)
            cr_assert_eq(ask(&f, DATA, 0), UINT32_MAX);
        else
            vmmouse_type.reset(f.mouse, VX_RESET_HOLD), vmmouse_type.reset(f.mouse, VX_RESET_RELEASE);
        cr_assert_eq(ask(&f, STATUS, 0), 0xFFFF0000);
        point(&f, VX_INPUT_RELATIVE, step);
        cr_assert(f.below == way + 1 && !vx_input_has(&f.input, VX_INPUT_ABSOLUTE));
    }
    fini(&f);
    point(&f, VX_INPUT_RELATIVE, step);
    cr_assert_eq(f.below, 5);
}

/* What is loaded decides who has the pointer; nobody at the mouse is no matter. */
Test(vmmouse, loaded)
{
    struct fixture f;
    struct state_buffer saved = { 0 };
    struct state_error error;
    init(&f, true);
    begin(&f, ABSOLUTE);
    cr_assert_eq(state_save(&vmmouse_type, f.mouse, &saved), VX_ERR_OK);
    fini(&f);
    for (unsigned with = 0; with < 2; with++) {
        init(&f, with);
        cr_assert_eq(state_load(&vmmouse_type, f.mouse, saved.bytes, saved.count, false, &error), VX_ERR_OK);
        vmmouse_type.restored(f.mouse);
        cr_assert_eq(vx_input_has(&f.input, VX_INPUT_ABSOLUTE), with);
        point(&f, VX_INPUT_ABSOLUTE, (struct vx_pointer){ .x = 1 });
        cr_assert_eq(ask(&f, STATUS, 0), 4 * with);
        fini(&f);
    }
    free(saved.bytes);
}

/* test_i8042.c - the keyboard controller with its devices: command scripts, scan codes, packets, lines. */
#include <criterion/criterion.h>
#include <string.h>

#include "i8042.h"
#include "port_script.h"
#include "ps2_keyboard.h"

enum { DATA = 0x60, STATUS = 0x64, COMMAND = 0x64 };
enum { IRQ1 = 0, IRQ12 = 1, A20 = 2, CPU_RESET = 3 };
enum { DOWN = 0, UP = 1, MOUSE_X = 2, MOUSE_Y = 3, MOUSE_Z = 4, MOUSE_BUTTONS = 5, NUDGE = 6 }; /* HOST steps: `at` */
#define GAP          \
    {                \
        WAIT, 0, 301 \
    } /* between two bytes of a device */

static void move(const struct vx_input *input, struct vx_pointer event)
{
    vx_input_pointer(input, VX_INPUT_RELATIVE, &event);
}

static void host(void *opaque, unsigned at, unsigned value)
{
    struct vx_input *input = opaque;
    struct i8042 *i8042 = input->guest[VX_INPUT_KEYBOARD].device;
    int by = (int8_t)value;
    switch (at) {
    case DOWN:
    case UP: vx_input_key(input, value, at == DOWN); break;
    case MOUSE_X: move(input, (struct vx_pointer){ .x = by }); break;
    case MOUSE_Y: move(input, (struct vx_pointer){ .y = by }); break;
    case MOUSE_Z: move(input, (struct vx_pointer){ .wheel = by }); break;
    case NUDGE: i8042_nudge_mouse(i8042); break;
    default: move(input, (struct vx_pointer){ .buttons = value }); break;
    }
}

static struct i8042 *create(struct port_rig *rig, struct vx_input *input)
{
    struct i8042 *i8042;
    port_rig_init(rig);
    cr_assert_eq(i8042_create(&(struct i8042_config){ .log = rig->log,
                                                      .bus = rig->bus,
                                                      .clock = rig->clock,
                                                      .irq_keyboard = port_rig_irq(rig, IRQ1),
                                                      .irq_aux = port_rig_irq(rig, IRQ12),
                                                      .a20 = port_rig_irq(rig, A20),
                                                      .reset = port_rig_irq(rig, CPU_RESET),
                                                      .input = input },
                              &i8042),
                 VX_ERR_OK);
    i8042_type.reset(i8042, VX_RESET_HOLD);
    i8042_type.reset(i8042, VX_RESET_RELEASE);
    rig->host = host;
    rig->opaque = input;
    return i8042;
}

static void run(const char *name, const struct port_step *steps, size_t count)
{
    struct port_rig rig;
    char what[128] = "";
    struct vx_input input = { 0 };
    struct i8042 *i8042 = create(&rig, &input);
    bool held = port_script_run(&rig, steps, count, what);
    cr_assert(held, "%s: %s", name, what);
    i8042_type.destroy(i8042);
    cr_assert(!vx_input_has(&input, VX_INPUT_KEYBOARD) && !vx_input_has(&input, VX_INPUT_RELATIVE));
    cr_assert_eq(vx_clock_next_ns(rig.clock), VX_NEVER);
    port_rig_fini(&rig);
}
#define RUN(steps) run(#steps, steps, VX_ARRAY_LEN(steps))

/* clang-format off */
static const struct port_step controller[] = {
    { IN, STATUS, 0x18 }, { OUT, COMMAND, 0xAA }, { IN, STATUS, 0x1D }, { IN, DATA, 0x55 }, { IN, STATUS, 0x1C },
    { OUT, COMMAND, 0xAB }, { IN, DATA, 0x00 }, { OUT, COMMAND, 0xA9 }, { IN, DATA, 0x00 }, { OUT, COMMAND, 0x60 },
    { OUT, DATA, 0x65 }, { IN, STATUS, 0x14 }, { OUT, COMMAND, 0x20 }, { IN, DATA, 0x65 }, { OUT, COMMAND, 0xAD },
    { OUT, COMMAND, 0x20 }, { IN, DATA, 0x75 }, { OUT, COMMAND, 0xA7 }, { OUT, COMMAND, 0x20 }, { IN, DATA, 0x75 },
    { OUT, COMMAND, 0xA8 }, { OUT, COMMAND, 0xAE }, { OUT, COMMAND, 0x20 }, { IN, DATA, 0x45 }, { OUT, COMMAND, 0x72 },
    { OUT, DATA, 0xA5 }, { OUT, COMMAND, 0x32 }, { IN, DATA, 0xA5 }, { OUT, COMMAND, 0xC0 }, { IN, DATA, 0x80 },
    { OUT, COMMAND, 0xA4 }, { IN, DATA, 0xF1 }, { OUT, COMMAND, 0xE0 }, { IN, DATA, 0x00 }, { OUT, COMMAND, 0xB8 },
    { IN, STATUS, 0x1C },
};

/* Loop-back commands with their interrupts, as Linux probes the aux port; the second answer waits for the first. */
static const struct port_step loop_and_lines[] = {
    { OUT, COMMAND, 0xD3 }, { OUT, DATA, 0x5A }, { IN, STATUS, 0x31 }, { LINE, IRQ12, 1 }, { LINE, IRQ1, 0 },
    { IN, DATA, 0x5A }, { LINE, IRQ12, 0 }, { IN, DATA, 0x5A }, { OUT, COMMAND, 0xD2 }, { OUT, DATA, 0x77 },
    { LINE, IRQ1, 1 }, { IN, STATUS, 0x11 }, { OUT, COMMAND, 0xAB }, { IN, DATA, 0x77 }, { EDGES, IRQ1, 2 },
    { IN, DATA, 0x00 }, { EDGES, IRQ1, 0 }, { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x40 }, { OUT, COMMAND, 0xD2 },
    { OUT, DATA, 0x77 }, { LINE, IRQ1, 0 }, { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x41 }, { LINE, IRQ1, 1 },
    { IN, DATA, 0x77 }, { LINE, IRQ1, 0 },
};

static const struct port_step a20_and_reset[] = {
    { LINE, A20, 1 }, { OUT, COMMAND, 0xD0 }, { IN, DATA, 0xCF }, { OUT, COMMAND, 0xD1 }, { OUT, DATA, 0xDD },
    { LINE, A20, 0 }, { OUT, COMMAND, 0xD0 }, { IN, DATA, 0xCD }, { OUT, COMMAND, 0xDF }, { LINE, A20, 1 },
    { OUT, COMMAND, 0xDD }, { LINE, A20, 0 }, { EDGES, CPU_RESET, 0 }, { OUT, COMMAND, 0xFE }, { EDGES, CPU_RESET, 1 },
    { OUT, COMMAND, 0xFF }, { EDGES, CPU_RESET, 0 }, { OUT, COMMAND, 0xD1 }, { OUT, DATA, 0x02 },
    { EDGES, CPU_RESET, 1 }, { LINE, A20, 1 },
};

/* All commands, untranslated. */
static const struct port_step keyboard_commands[] = {
    { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x03 }, { OUT, DATA, 0xFF }, { IN, DATA, 0xFA }, { IN, STATUS, 0x10 }, GAP,
    { IN, STATUS, 0x11 }, { IN, DATA, 0xAA }, GAP, { OUT, DATA, 0xEE }, { IN, DATA, 0xEE }, GAP, { OUT, DATA, 0xF2 },
    { IN, DATA, 0xFA }, GAP, { IN, DATA, 0xAB }, GAP, { IN, DATA, 0x83 }, GAP, { OUT, DATA, 0xED }, { IN, DATA, 0xFA },
    GAP, { OUT, DATA, 0x07 }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 0xF3 }, { IN, DATA, 0xFA }, GAP,
    { OUT, DATA, 0x20 }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 0xF0 }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 0x00 },
    { IN, DATA, 0xFA }, GAP, { IN, DATA, 0x02 }, GAP, { OUT, DATA, 0xF0 }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 0x07 },
    { IN, DATA, 0xFE }, GAP, { OUT, DATA, 0x11 }, { IN, DATA, 0xFE }, GAP, { OUT, DATA, 0xFE }, { IN, DATA, 0xFE }, GAP,
    { OUT, DATA, 0xED }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 0xF5 }, { IN, DATA, 0xFA }, GAP, { HOST, DOWN, 0x1E },
    GAP, { IN, STATUS, 0x10 }, { OUT, DATA, 0xF4 }, { IN, DATA, 0xFA }, GAP, { HOST, DOWN, 0x1E }, { IN, DATA, 0x1C },
};

/* The three sets, and set 2 through the controller's translation. A, Right Ctrl, F7, Print Screen, Pause. */
static const struct port_step keys_set2[] = {
    { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x03 }, { HOST, DOWN, 0x1E }, { LINE, IRQ1, 1 }, { IN, DATA, 0x1C },
    { LINE, IRQ1, 0 }, { HOST, UP, 0x1E }, GAP, { IN, DATA, 0xF0 }, GAP, { IN, DATA, 0x1C }, GAP, { HOST, DOWN, 0x11D },
    { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x14 }, GAP, { HOST, UP, 0x11D }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0xF0 },
    GAP, { IN, DATA, 0x14 }, GAP, { HOST, DOWN, 0x41 }, { IN, DATA, 0x83 }, GAP, { HOST, DOWN, 0x137 },
    { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x12 }, GAP, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x7C }, GAP,
    { HOST, UP, 0x55 }, { IN, STATUS, 0x10 },
    /* what is sent again comes before what has not been sent */
    { HOST, DOWN, 0x1E }, { IN, DATA, 0x1C }, { HOST, DOWN, 0x30 }, { OUT, DATA, 0xFE }, GAP, { IN, DATA, 0x1C }, GAP,
    { IN, DATA, 0x32 }, GAP,
};
static const struct port_step keys_translated[] = {
    { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x43 }, { HOST, DOWN, 0x1E }, { IN, DATA, 0x1E }, { HOST, UP, 0x1E }, GAP,
    { IN, DATA, 0x9E }, GAP, { IN, STATUS, 0x10 }, { HOST, DOWN, 0x148 }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x48 },
    GAP, { HOST, UP, 0x148 }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0xC8 }, GAP, { HOST, DOWN, 0x41 },
    { IN, DATA, 0x41 }, GAP, { HOST, UP, 0x41 }, { IN, DATA, 0xC1 }, GAP, { HOST, DOWN, 0x145 }, { IN, DATA, 0xE1 },
    GAP, { IN, DATA, 0x1D }, GAP, { IN, DATA, 0x45 }, GAP, { IN, DATA, 0xE1 }, GAP, { IN, DATA, 0x9D }, GAP,
    { IN, DATA, 0xC5 }, GAP, { HOST, UP, 0x145 }, { IN, STATUS, 0x10 }, { HOST, DOWN, 0x137 }, { IN, DATA, 0xE0 }, GAP,
    { IN, DATA, 0x2A }, GAP, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x37 }, GAP, { HOST, UP, 0x137 }, { IN, DATA, 0xE0 },
    GAP, { IN, DATA, 0xB7 }, GAP, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0xAA }, GAP, { OUT, DATA, 0xF2 },
    { IN, DATA, 0xFA }, GAP, { IN, DATA, 0xAB }, GAP, { IN, DATA, 0x41 },
};
static const struct port_step keys_set1_and_3[] = {
    { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x03 }, { OUT, DATA, 0xF0 }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 1 },
    { IN, DATA, 0xFA }, GAP, { HOST, DOWN, 0x1E }, { IN, DATA, 0x1E }, GAP, { HOST, UP, 0x1E }, { IN, DATA, 0x9E }, GAP,
    { HOST, DOWN, 0x153 }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x53 }, GAP, { OUT, DATA, 0xF0 }, { IN, DATA, 0xFA },
    GAP, { OUT, DATA, 3 }, { IN, DATA, 0xFA }, GAP, { HOST, DOWN, 0x3B }, { IN, DATA, 0x07 }, GAP, { HOST, UP, 0x3B },
    GAP, { IN, STATUS, 0x10 }, { HOST, DOWN, 0x2A }, { IN, DATA, 0x12 }, GAP, { HOST, UP, 0x2A }, { IN, DATA, 0xF0 },
    GAP, { IN, DATA, 0x12 }, GAP, { OUT, DATA, 0xFC }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 0x07 }, { IN, DATA, 0xFA },
    GAP, { OUT, DATA, 0xF4 }, { IN, DATA, 0xFA }, GAP, { HOST, DOWN, 0x3B }, { IN, DATA, 0x07 }, GAP,
    { HOST, UP, 0x3B }, { IN, DATA, 0xF0 }, GAP, { IN, DATA, 0x07 }, GAP, { HOST, DOWN, 0x11C }, { IN, DATA, 0x79 },
};

/* Print Screen with Ctrl is the key alone, with Alt SysRq, and its release matches; Ctrl with Pause is Break. */
static const struct port_step print_and_pause[] = {
    { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x43 }, { HOST, DOWN, 0x1D }, { IN, DATA, 0x1D }, GAP, { HOST, DOWN, 0x137 },
    { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x37 }, GAP, { HOST, UP, 0x137 }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0xB7 },
    GAP, { HOST, DOWN, 0x145 }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x46 }, GAP, { IN, DATA, 0xE0 }, GAP,
    { IN, DATA, 0xC6 }, GAP, { HOST, UP, 0x145 }, { HOST, UP, 0x1D }, { IN, DATA, 0x9D }, GAP, { HOST, DOWN, 0x138 },
    { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x38 }, GAP, { HOST, DOWN, 0x137 }, { IN, DATA, 0x54 }, GAP,
    { HOST, UP, 0x138 }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0xB8 }, GAP, { HOST, UP, 0x137 }, { IN, DATA, 0xD4 }, GAP,
    { IN, STATUS, 0x10 },
};

/* A held key repeats after 500 ms, 10.9 times a second; pressing it again does nothing, another one takes its place,
 * whose release ends it. */
static const struct port_step typematic[] = {
    { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x43 }, { HOST, DOWN, 0x1E }, { IN, DATA, 0x1E }, { HOST, DOWN, 0x1E }, GAP,
    { IN, STATUS, 0x10 }, { WAIT, 0, 499698 }, { IN, STATUS, 0x10 }, { WAIT, 0, 2 }, { IN, DATA, 0x1E },
    { WAIT, 0, 91665 }, { IN, STATUS, 0x10 }, { WAIT, 0, 2 }, { IN, DATA, 0x1E }, { HOST, DOWN, 0x30 }, GAP,
    { IN, DATA, 0x30 }, { HOST, UP, 0x1E }, GAP, { IN, DATA, 0x9E }, { WAIT, 0, 500000 }, { IN, DATA, 0x30 },
    { HOST, UP, 0x30 }, GAP, { IN, DATA, 0xB0 }, { WAIT, 0, 1000000 }, { IN, STATUS, 0x10 },
    /* the fastest: 250 ms, 30 a second; the slowest: 1 s, 2 a second */
    { OUT, DATA, 0xF3 }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 0 }, { IN, DATA, 0xFA }, GAP, { HOST, DOWN, 0x148 },
    { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x48 }, { WAIT, 0, 249690 }, { IN, STATUS, 0x10 }, { WAIT, 0, 20 },
    { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x48 }, { WAIT, 0, 33000 }, { IN, STATUS, 0x10 }, { WAIT, 0, 60 },
    { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x48 }, GAP, { HOST, UP, 0x148 }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0xC8 },
    GAP, { OUT, DATA, 0xF3 }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 0x7F }, { IN, DATA, 0xFA }, GAP,
    { HOST, DOWN, 0x1E }, { IN, DATA, 0x1E }, { WAIT, 0, 999900 }, { IN, STATUS, 0x10 }, { WAIT, 0, 200 },
    { IN, DATA, 0x1E }, { WAIT, 0, 499800 }, { IN, STATUS, 0x10 }, { WAIT, 0, 200 }, { IN, DATA, 0x1E },
    /* Disable forgets it */
    { OUT, DATA, 0xF5 }, GAP, { IN, DATA, 0xFA }, { WAIT, 0, 2000000 }, { IN, STATUS, 0x10 },
};

/* Who does not read finds one repetition, not all of them; Pause does not repeat, Print Screen without its shift. */
static const struct port_step typematic_unread[] = {
    { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x43 }, { HOST, DOWN, 0x1E }, { WAIT, 0, 5000000 }, { IN, DATA, 0x1E }, GAP,
    { IN, DATA, 0x1E }, GAP, { IN, STATUS, 0x10 }, { HOST, UP, 0x1E }, { IN, DATA, 0x9E }, GAP, { HOST, DOWN, 0x145 },
    { IN, DATA, 0xE1 }, GAP, { IN, DATA, 0x1D }, GAP, { IN, DATA, 0x45 }, GAP, { IN, DATA, 0xE1 }, GAP,
    { IN, DATA, 0x9D }, GAP, { IN, DATA, 0xC5 }, { WAIT, 0, 2000000 }, { IN, STATUS, 0x10 }, { HOST, UP, 0x145 },
    { HOST, DOWN, 0x137 }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x2A }, GAP, { IN, DATA, 0xE0 }, GAP,
    { IN, DATA, 0x37 }, { WAIT, 0, 500000 }, { IN, DATA, 0xE0 }, GAP, { IN, DATA, 0x37 }, GAP, { IN, STATUS, 0x10 },
};

/* Set 3: Shift does not repeat and A does, unless the guest says otherwise. */
static const struct port_step typematic_set3[] = {
    { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x03 }, { OUT, DATA, 0xF0 }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 3 },
    { IN, DATA, 0xFA }, GAP, { HOST, DOWN, 0x2A }, { IN, DATA, 0x12 }, { WAIT, 0, 2000000 }, { IN, STATUS, 0x10 },
    { HOST, DOWN, 0x1E }, { IN, DATA, 0x1C }, { WAIT, 0, 500001 }, { IN, DATA, 0x1C }, { HOST, UP, 0x1E },
    { WAIT, 0, 2000000 }, { IN, STATUS, 0x10 }, { OUT, DATA, 0xF8 }, { IN, DATA, 0xFA }, GAP, { HOST, DOWN, 0x1E },
    { IN, DATA, 0x1C }, { WAIT, 0, 2000000 }, { IN, STATUS, 0x10 }, { HOST, UP, 0x1E }, { IN, DATA, 0xF0 }, GAP,
    { IN, DATA, 0x1C }, GAP, { OUT, DATA, 0xFB }, { IN, DATA, 0xFA }, GAP, { OUT, DATA, 0x07 }, { IN, DATA, 0xFA },
    GAP, { OUT, DATA, 0xF4 }, { IN, DATA, 0xFA }, GAP, { HOST, DOWN, 0x3B }, { IN, DATA, 0x07 }, { WAIT, 0, 500001 },
    { IN, DATA, 0x07 },
};

/* A disabled interface holds the keyboard back; the byte comes when it is enabled. */
static const struct port_step inhibit[] = {
    { OUT, COMMAND, 0x60 }, { OUT, DATA, 0x53 }, { HOST, DOWN, 0x1E }, GAP, { IN, STATUS, 0x10 },
    { OUT, COMMAND, 0xAE }, { IN, STATUS, 0x19 }, { IN, DATA, 0x1E }, { HOST, UP, 0x1E }, { HOST, DOWN, 0x30 },
    { IN, STATUS, 0x18 }, { IN, DATA, 0x1E }, { WAIT, 0, 290 }, { IN, STATUS, 0x18 }, { WAIT, 0, 11 },
    { IN, STATUS, 0x19 }, { EDGES, IRQ1, 2 }, { IN, DATA, 0x9E }, GAP, { IN, DATA, 0x30 }, GAP,
};

#define AUX(byte)                                                                                                      \
    { OUT, COMMAND, 0xD4 },                                                                                            \
    {                                                                                                                  \
        OUT, DATA, byte                                                                                                \
    }
#define ACKED(byte) AUX(byte), { IN, STATUS, 0x31 }, { IN, DATA, 0xFA }, GAP

static const struct port_step mouse_commands[] = {
    ACKED(0xFF), { IN, DATA, 0xAA }, GAP, { IN, DATA, 0x00 }, GAP, ACKED(0xF2), { IN, DATA, 0x00 }, GAP, ACKED(0xE9),
    { IN, DATA, 0x00 }, GAP, { IN, DATA, 0x02 }, GAP, { IN, DATA, 100 }, GAP, ACKED(0xE8), ACKED(3), ACKED(0xF3),
    ACKED(40), ACKED(0xE7), ACKED(0xF4), ACKED(0xE9), { IN, DATA, 0x30 }, GAP, { IN, DATA, 3 }, GAP, { IN, DATA, 40 },
    GAP, ACKED(0xF6), ACKED(0xE9), { IN, DATA, 0x00 }, GAP, { IN, DATA, 0x02 }, GAP, { IN, DATA, 100 }, GAP,
    ACKED(0xE8), AUX(9), { IN, DATA, 0xFE }, GAP, AUX(0x12), { IN, DATA, 0xFE }, GAP, ACKED(0xEE), AUX(0x55),
    { IN, DATA, 0x55 }, GAP, AUX(0xF4), { IN, DATA, 0xF4 }, GAP, ACKED(0xEC), ACKED(0xF0), { HOST, MOUSE_X, 5 }, GAP,
    { IN, STATUS, 0x10 }, ACKED(0xEB), { IN, DATA, 0x08 }, GAP, { IN, DATA, 5 }, GAP, { IN, DATA, 0 }, GAP, ACKED(0xEA),
    /* what was moved before a mode is set is forgotten */
    ACKED(0xF0), { HOST, MOUSE_X, 7 }, ACKED(0xF0), ACKED(0xEB), { IN, DATA, 0x08 }, GAP, { IN, DATA, 0 }, GAP,
    { IN, DATA, 0 }, GAP,
};

static const struct port_step mouse_packets[] = {
    { HOST, MOUSE_X, 9 }, { IN, STATUS, 0x18 }, ACKED(0xF4), { LINE, IRQ12, 0 }, { HOST, MOUSE_X, 3 },
    { LINE, IRQ12, 1 }, { IN, STATUS, 0x31 }, { IN, DATA, 0x08 }, GAP, { IN, DATA, 3 }, GAP, { IN, DATA, 0 }, GAP,
    { IN, STATUS, 0x10 }, { HOST, MOUSE_Y, 2 }, { HOST, MOUSE_X, 0xFF }, { HOST, MOUSE_X, 0xFF }, { IN, DATA, 0x28 },
    GAP, { IN, DATA, 0 }, GAP, { IN, DATA, 0xFE }, GAP, { IN, DATA, 0x18 }, GAP, { IN, DATA, 0xFE }, GAP,
    { IN, DATA, 0x00 }, GAP, { HOST, MOUSE_BUTTONS, 5 }, { IN, DATA, 0x0D }, GAP, { IN, DATA, 0 }, GAP, { IN, DATA, 0 },
    GAP, { HOST, MOUSE_BUTTONS, 0 }, { IN, DATA, 0x08 }, GAP, { IN, DATA, 0 }, GAP, { IN, DATA, 0 }, GAP, ACKED(0xE7),
    { HOST, MOUSE_X, 4 }, { IN, DATA, 0x08 }, GAP, { IN, DATA, 6 }, GAP, { IN, DATA, 0 }, GAP,
};

static const struct port_step intellimouse[] = {
    ACKED(0xF3), ACKED(200), ACKED(0xF3), ACKED(100), ACKED(0xF3), ACKED(80), ACKED(0xF2), { IN, DATA, 0x03 }, GAP,
    ACKED(0xF4), { HOST, MOUSE_Z, 0xFF }, { IN, DATA, 0x08 }, GAP, { IN, DATA, 0 }, GAP, { IN, DATA, 0 }, GAP,
    { IN, DATA, 0xFF }, GAP, ACKED(0xFF), { IN, DATA, 0xAA }, GAP, { IN, DATA, 0x00 }, GAP, ACKED(0xF2),
    { IN, DATA, 0x00 },
};
/* Buttons 4 and 5 are nothing to the mouse with three, and news to the one with five. */
static const struct port_step explorer[] = {
    ACKED(0xF4), { HOST, MOUSE_BUTTONS, 0x18 }, GAP, { IN, STATUS, 0x10 }, ACKED(0xF5),
    ACKED(0xF3), ACKED(200), ACKED(0xF3), ACKED(200), ACKED(0xF3), ACKED(80), ACKED(0xF2), { IN, DATA, 0x04 }, GAP,
    ACKED(0xE9), { IN, DATA, 0x00 }, GAP, { IN, DATA, 0x02 }, GAP, { IN, DATA, 80 }, GAP,
    ACKED(0xF4), { HOST, MOUSE_BUTTONS, 0x11 }, { IN, DATA, 0x09 }, GAP, { IN, DATA, 0 }, GAP, { IN, DATA, 0 }, GAP,
    { IN, DATA, 0x20 }, GAP, { HOST, MOUSE_BUTTONS, 0x08 }, { IN, DATA, 0x08 }, GAP, { IN, DATA, 0 }, GAP,
    { IN, DATA, 0 }, GAP, { IN, DATA, 0x10 }, GAP, { HOST, MOUSE_BUTTONS, 0 }, { IN, DATA, 0x08 }, GAP,
    { IN, DATA, 0 }, GAP, { IN, DATA, 0 }, GAP, { IN, DATA, 0 }, GAP, { HOST, MOUSE_Z, 0xFE }, { IN, DATA, 0x08 }, GAP,
    { IN, DATA, 0 }, GAP, { IN, DATA, 0 }, GAP, { IN, DATA, 0x0E }, GAP, { IN, STATUS, 0x10 },
};

/* A driver that wants the interrupt alone gets a packet without news, once. */
static const struct port_step nudged[] = {
    { HOST, NUDGE, 0 }, { IN, STATUS, 0x18 }, ACKED(0xF4), { HOST, NUDGE, 0 }, { HOST, NUDGE, 0 }, { LINE, IRQ12, 1 },
    { IN, DATA, 0x08 }, GAP, { IN, DATA, 0 }, GAP, { IN, DATA, 0 }, GAP, { IN, STATUS, 0x10 },
};
/* clang-format on */

Test(i8042, controller)
{
    RUN(controller);
    RUN(loop_and_lines);
    RUN(a20_and_reset);
    RUN(inhibit);
}

Test(i8042, keyboard)
{
    RUN(keyboard_commands);
    RUN(keys_set2);
    RUN(keys_translated);
    RUN(keys_set1_and_3);
    RUN(print_and_pause);
}

Test(i8042, typematic)
{
    RUN(typematic);
    RUN(typematic_unread);
    RUN(typematic_set3);
}

Test(i8042, mouse)
{
    RUN(mouse_commands);
    RUN(mouse_packets);
    RUN(intellimouse);
    RUN(explorer);
    RUN(nudged);
}

/* A guest that never reads: the queue stays bounded, and what it reads later has a break for every make. */
Test(i8042, unread_keys_leave_none_stuck)
{
    struct port_rig rig;
    struct vx_input input = { 0 };
    struct i8042 *i8042 = create(&rig, &input);
    bool down[128] = { false };
    unsigned bytes = 0, stuck = 0;
    for (unsigned i = 0; i < 10000; i++)
        vx_input_key(&input, 2 + i / 2 % 50, i % 2 == 0);
    while (vx_bus_read(rig.bus, VX_SPACE_IO, STATUS, 1) & 1) {
        unsigned byte = (unsigned)vx_bus_read(rig.bus, VX_SPACE_IO, DATA, 1);
        if (byte == 0xF0) { /* untranslated after reset: break */
            vx_clock_advance(rig.clock, 301000);
            down[vx_bus_read(rig.bus, VX_SPACE_IO, DATA, 1) & 127] = false;
            bytes++;
        } else {
            down[byte & 127] = true;
        }
        vx_clock_advance(rig.clock, 301000);
        bytes++;
    }
    for (unsigned i = 0; i < 128; i++)
        stuck += down[i];
    cr_assert(bytes > 50 && bytes <= 300 && stuck == 0, "%u bytes, %u keys stuck", bytes, stuck);
    i8042_type.destroy(i8042);
    port_rig_fini(&rig);
}

static void note_leds(void *opaque, unsigned leds)
{
    char text[8];
    snprintf(text, sizeof text, "%u ", leds);
    strcat(opaque, text);
}

/* The LEDs are told when they change, and after a reset; a machine without somebody at the keyboard works too. */
Test(i8042, leds)
{
    static const struct vx_input_ops ops = { .leds = note_leds };
    static const uint8_t bytes[] = { 0xED, 0x07, 0xED, 0x07, 0xED, 0x02, 0xF4, 0xFF };
    struct port_rig rig;
    char told[64] = "";
    struct vx_input input = { .ops = &ops, .opaque = told };
    struct i8042 *i8042 = create(&rig, &input);
    for (size_t i = 0; i < sizeof bytes; i++)
        vx_bus_write(rig.bus, VX_SPACE_IO, DATA, 1, bytes[i]);
    cr_assert_str_eq(told, "0 7 2 0 ");
    i8042_type.destroy(i8042);
    port_rig_fini(&rig);
    i8042 = create(&rig, NULL);
    for (size_t i = 0; i < sizeof bytes; i++)
        vx_bus_write(rig.bus, VX_SPACE_IO, DATA, 1, bytes[i]);
    i8042_type.destroy(i8042);
    port_rig_fini(&rig);
}

/* Every set 1 key code comes back from set 2 through the translation: of 102 keys, of Japanese and Brazilian ones, F13
 * to F24. */
Test(i8042, translation_round_trip)
{
    static const unsigned ranges[][2] = { { 0x01, 0x54 }, { 0x56, 0x59 }, { 0x64, 0x6E },
                                          { 0x70, 0x70 }, { 0x73, 0x73 }, { 0x76, 0x76 },
                                          { 0x79, 0x79 }, { 0x7B, 0x7B }, { 0x7D, 0x7E } };
    struct ps2_keyboard keyboard = { 0 };
    unsigned wrong = 0;
    ps2_keyboard_reset(&keyboard);
    for (size_t r = 0; r < VX_ARRAY_LEN(ranges); r++) {
        for (unsigned code = ranges[r][0]; code <= ranges[r][1]; code++) {
            uint8_t byte = 0;
            ps2_keyboard_key(&keyboard, code, true);
            if (!ps2_keyboard_read(&keyboard, &byte) || ps2_translate(byte) != code)
                wrong = code;
        }
    }
    cr_assert_eq(wrong, 0, "code %02x", wrong);
}

/* Every key has a code in each set, another one than all others, and what is pressed is released. Set 3 has single
 * bytes. */
Test(i8042, every_key_in_every_set)
{
    static const unsigned ranges[][2] = { { 0x01, 0x53 },   { 0x56, 0x58 },   { 0x70, 0x70 },   { 0x73, 0x73 },
                                          { 0x79, 0x79 },   { 0x7B, 0x7B },   { 0x7D, 0x7D },   { 0x11C, 0x11D },
                                          { 0x135, 0x135 }, { 0x137, 0x138 }, { 0x145, 0x145 }, { 0x147, 0x149 },
                                          { 0x14B, 0x14B }, { 0x14D, 0x14D }, { 0x14F, 0x153 }, { 0x15B, 0x15D } };
    for (unsigned set = 1; set <= 3; set++) {
        char seen[128][24] = { "" };
        unsigned keys = 0;
        for (size_t r = 0; r < VX_ARRAY_LEN(ranges); r++)
            for (unsigned code = ranges[r][0]; code <= ranges[r][1]; code++) {
                struct ps2_keyboard keyboard = { 0 };
                uint8_t byte;
                unsigned count = 0;
                ps2_keyboard_reset(&keyboard);
                keyboard.scan_set = (uint8_t)set;
                ps2_keyboard_key(&keyboard, code, true);
                for (; ps2_keyboard_read(&keyboard, &byte); count++)
                    snprintf(seen[keys] + 2 * count, 3, "%02x", byte);
                cr_assert(set == 3 ? count == 1 : count >= 1, "set %u, key %x: %s", set, code, seen[keys]);
                for (unsigned i = 0; i < keys; i++)
                    cr_assert_str_neq(seen[i], seen[keys], "set %u, key %x", set, code);
                ps2_keyboard_key(&keyboard, code, false);
                cr_assert(set == 3 || code == 0x145 || keyboard.queue.count != 0, "set %u, key %x", set, code);
                keys++;
            }
        cr_assert_eq(keys, 83 + 3 + 5 + 19);
    }
}

/* i8042.c - keyboard controller: one output buffer that the guest reads, fed by the controller, the keyboard and the
 * mouse.
 *
 * Data flow: device queue (ps2_keyboard, ps2_mouse) -> translation -> output buffer -> port 60h.
 *
 * Invariants
 *   I1  IRQ 1 is up while the buffer holds a byte that did not come from the aux side and CCB_INT is set; IRQ 12 the
 *       same with CCB_INT2 and aux bytes. Every change ends in update_irqs().
 *   I2  The buffer takes a device's byte only when it is empty, the device's clock is not inhibited and the gap since
 *       the guest's last read has passed; an answer of the controller goes first and replaces nothing (`reply`).
 *   I3  The gap timer is armed only while there may be something to fetch, the repeat timer while a key is held. */
#include "i8042.h"

#include <stdlib.h>
#include <string.h>

#include "ps2_keyboard.h"
#include "ps2_mouse.h"

enum { PORT_DATA = 0x60, PORT_COMMAND = 0x64 };

enum {
    STATUS_OBF = 0x01,
    STATUS_SYS = 0x04,
    STATUS_COMMAND = 0x08,
    STATUS_UNLOCKED = 0x10,
    STATUS_AUX_OBF = 0x20,
};
/* Controller command byte: byte 0 of the internal RAM. */
enum {
    CCB_INT = 0x01,
    CCB_INT2 = 0x02,
    CCB_SYS = 0x04,
    CCB_DISABLE = 0x10,
    CCB_DISABLE2 = 0x20,
    CCB_TRANSLATE = 0x40,
    CCB_MASK = 0x7F,
};
/* Output port P2. */
enum { P2_RESET = 0x01, P2_A20 = 0x02, P2_OBF = 0x10, P2_AUX_OBF = 0x20, P2_REST = 0xCC };
enum { P1_UNLOCKED = 0x80 };

enum {
    CMD_READ_RAM = 0x20,
    CMD_WRITE_RAM = 0x60,
    CMD_TEST_PASSWORD = 0xA4,
    CMD_DISABLE_AUX = 0xA7,
    CMD_ENABLE_AUX = 0xA8,
    CMD_TEST_AUX = 0xA9,
    CMD_SELF_TEST = 0xAA,
    CMD_TEST_KEYBOARD = 0xAB,
    CMD_DISABLE_KEYBOARD = 0xAD,
    CMD_ENABLE_KEYBOARD = 0xAE,
    CMD_READ_P1 = 0xC0,
    CMD_READ_P2 = 0xD0,
    CMD_WRITE_P2 = 0xD1,
    CMD_LOOP_KEYBOARD = 0xD2,
    CMD_LOOP_AUX = 0xD3,
    CMD_WRITE_AUX = 0xD4,
    CMD_DISABLE_A20 = 0xDD,
    CMD_ENABLE_A20 = 0xDF,
    CMD_READ_TEST = 0xE0,
    CMD_PULSE = 0xF0,
};

/* A byte on the wire takes 11 bits at 10 to 16.7 kHz; software only needs that there is a gap. */
enum { BYTE_GAP_NS = 300000, RAM_BYTES = 32 };

struct i8042 {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq irq_keyboard, irq_aux, a20, reset;
    struct vx_input *input;
    struct vx_region regions[2];
    struct vx_timer gap_timer, repeat_timer;

    uint8_t ram[RAM_BYTES]; /* [0] is the controller command byte */
    uint8_t p2;             /* P2_RESET and P2_A20 as last driven */
    uint8_t pending;        /* command that waits for its byte at port 60h, 0: none */
    uint8_t out;            /* output buffer; keeps its value after it was read */
    bool out_full, out_aux;
    bool reply_full; /* the controller's answer while the buffer is full */
    uint8_t reply;
    bool command_last, system_flag;
    uint8_t break_bit; /* translation: 80h after F0h */
    uint64_t ready_ns; /* when the next device byte may come (I2) */
    struct ps2_keyboard keyboard;
    struct ps2_mouse mouse;
};

static void update_irqs(struct i8042 *i8042)
{
    vx_irq_set(&i8042->irq_keyboard, i8042->out_full && !i8042->out_aux && (i8042->ram[0] & CCB_INT));
    vx_irq_set(&i8042->irq_aux, i8042->out_full && i8042->out_aux && (i8042->ram[0] & CCB_INT2));
}

static void fill_buffer(struct i8042 *i8042, uint8_t byte, bool aux)
{
    i8042->out = byte;
    i8042->out_aux = aux;
    i8042->out_full = true;
    update_irqs(i8042);
}

/* ---- from the devices -------------------------------------------------------------------------------------------- */

static bool read_keyboard(struct i8042 *i8042, uint8_t *byte)
{
    if (i8042->ram[0] & CCB_DISABLE)
        return false;
    while (ps2_keyboard_read(&i8042->keyboard, byte)) {
        if (!(i8042->ram[0] & CCB_TRANSLATE))
            return true;
        if (*byte == 0xF0) { /* set 2's break prefix becomes the top bit of the next byte */
            i8042->break_bit = 0x80;
            continue;
        }
        *byte = ps2_translate(*byte) | i8042->break_bit;
        i8042->break_bit = 0;
        return true;
    }
    return false;
}

static bool read_aux(struct i8042 *i8042, uint8_t *byte)
{
    return !(i8042->ram[0] & CCB_DISABLE2) && ps2_mouse_read(&i8042->mouse, byte);
}

static bool device_has_byte(const struct i8042 *i8042)
{
    return (!(i8042->ram[0] & CCB_DISABLE) && i8042->keyboard.queue.count > 0) ||
           (!(i8042->ram[0] & CCB_DISABLE2) && i8042->mouse.queue.count > 0);
}

/* Moves the next byte into the output buffer if that is empty (I2, I3). */
static void fetch(struct i8042 *i8042)
{
    uint8_t byte;
    if (i8042->out_full)
        return;
    if (i8042->reply_full) {
        i8042->reply_full = false;
        fill_buffer(i8042, i8042->reply, false);
        return;
    }
    if (!device_has_byte(i8042))
        return;
    if (vx_clock_now_ns(i8042->clock) < i8042->ready_ns) {
        vx_timer_set(i8042->clock, &i8042->gap_timer, i8042->ready_ns);
        return;
    }
    if (read_keyboard(i8042, &byte))
        fill_buffer(i8042, byte, false);
    else if (read_aux(i8042, &byte))
        fill_buffer(i8042, byte, true);
}

static void gap_over(void *opaque)
{
    fetch(opaque);
}

/* The key that repeats `was` another one. Keeps I3. */
static void repeat_changed(struct i8042 *i8042, unsigned was)
{
    uint64_t now = vx_clock_now_ns(i8042->clock);
    if (i8042->keyboard.repeating == 0)
        vx_timer_set(i8042->clock, &i8042->repeat_timer, VX_NEVER);
    else if (i8042->keyboard.repeating != was)
        vx_timer_set(i8042->clock, &i8042->repeat_timer, now + ps2_keyboard_delay_ns(&i8042->keyboard));
}

static void repeat(void *opaque)
{
    struct i8042 *i8042 = opaque;
    uint64_t now = vx_clock_now_ns(i8042->clock);
    ps2_keyboard_repeat(&i8042->keyboard);
    vx_timer_set(i8042->clock, &i8042->repeat_timer, now + ps2_keyboard_period_ns(&i8042->keyboard));
    fetch(i8042);
}

static void host_key(void *device, unsigned set1_code, bool down)
{
    struct i8042 *i8042 = device;
    unsigned was = i8042->keyboard.repeating;
    ps2_keyboard_key(&i8042->keyboard, set1_code, down);
    repeat_changed(i8042, was);
    fetch(i8042);
}

static void host_pointer(void *device, const struct vx_pointer *event)
{
    struct i8042 *i8042 = device;
    ps2_mouse_move(&i8042->mouse, event->x, event->y, event->wheel, event->buttons);
    fetch(i8042);
}

void i8042_nudge_mouse(struct i8042 *i8042)
{
    ps2_mouse_nudge(&i8042->mouse);
    fetch(i8042);
}

static const struct vx_input_device_ops input_ops = { .key = host_key, .pointer = host_pointer };

static void show_leds(struct i8042 *i8042)
{
    if (i8042->input != NULL)
        vx_input_leds(i8042->input, i8042->keyboard.leds);
}

static void attach(struct i8042 *i8042, const struct vx_input_device_ops *ops)
{
    if (i8042->input == NULL)
        return;
    vx_input_attach(i8042->input, VX_INPUT_KEYBOARD, ops, i8042);
    vx_input_attach(i8042->input, VX_INPUT_RELATIVE, ops, i8042);
}

static void write_keyboard(struct i8042 *i8042, uint8_t byte)
{
    unsigned leds = i8042->keyboard.leds, was = i8042->keyboard.repeating;
    ps2_keyboard_write(&i8042->keyboard, byte);
    repeat_changed(i8042, was);
    if (i8042->keyboard.leds != leds)
        show_leds(i8042);
    fetch(i8042);
}

/* ---- output port ------------------------------------------------------------------------------------------------- */

static uint8_t read_p2(const struct i8042 *i8042)
{
    uint8_t obf = i8042->out_full ? (i8042->out_aux ? P2_AUX_OBF : P2_OBF) : 0;
    return P2_REST | i8042->p2 | obf;
}

/* The reset line is driven last: behind it the machine may reset us. */
static void write_p2(struct i8042 *i8042, uint8_t value)
{
    i8042->p2 = value & (P2_RESET | P2_A20);
    vx_irq_set(&i8042->a20, (value & P2_A20) != 0);
    if (!(value & P2_RESET))
        vx_irq_pulse(&i8042->reset);
}

/* F0h-FFh: the low four bits that are 0 pulse low for 6 us. A20 is back before the CPU can tell. */
static void pulse_p2(struct i8042 *i8042, uint8_t command)
{
    if (!(command & P2_RESET))
        vx_irq_pulse(&i8042->reset);
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static void answer(struct i8042 *i8042, uint8_t byte)
{
    i8042->reply = byte;
    i8042->reply_full = true;
    fetch(i8042);
}

static void write_ram(struct i8042 *i8042, unsigned index, uint8_t value)
{
    i8042->ram[index] = value;
    if (index != 0)
        return;
    i8042->ram[0] &= CCB_MASK;
    i8042->system_flag = (value & CCB_SYS) != 0;
    update_irqs(i8042);
    fetch(i8042);
}

static void self_test(struct i8042 *i8042)
{
    i8042->system_flag = true;
    i8042->ram[0] |= CCB_SYS;
    i8042->out_full = false;
    update_irqs(i8042);
    answer(i8042, 0x55);
}

static void command(struct i8042 *i8042, uint8_t byte)
{
    vx_trace(i8042->log, kbd_command, (unsigned)PORT_COMMAND, byte);
    i8042->pending = 0;
    if ((byte & 0xE0) == CMD_READ_RAM) {
        answer(i8042, i8042->ram[byte & (RAM_BYTES - 1)]);
        return;
    }
    if ((byte & 0xE0) == CMD_WRITE_RAM) {
        i8042->pending = byte;
        return;
    }
    if (byte >= CMD_PULSE) {
        pulse_p2(i8042, byte);
        return;
    }
    switch (byte) {
    case CMD_TEST_PASSWORD: answer(i8042, 0xF1); break; /* none installed */
    case CMD_DISABLE_AUX: write_ram(i8042, 0, i8042->ram[0] | CCB_DISABLE2); break;
    case CMD_ENABLE_AUX: write_ram(i8042, 0, i8042->ram[0] & ~CCB_DISABLE2); break;
    case CMD_TEST_AUX: answer(i8042, 0x00); break;
    case CMD_SELF_TEST: self_test(i8042); break;
    case CMD_TEST_KEYBOARD: answer(i8042, 0x00); break;
    case CMD_DISABLE_KEYBOARD: write_ram(i8042, 0, i8042->ram[0] | CCB_DISABLE); break;
    case CMD_ENABLE_KEYBOARD: write_ram(i8042, 0, i8042->ram[0] & ~CCB_DISABLE); break;
    case CMD_READ_P1: answer(i8042, P1_UNLOCKED); break;
    case CMD_READ_P2: answer(i8042, read_p2(i8042)); break;
    case CMD_WRITE_P2:
    case CMD_LOOP_KEYBOARD:
    case CMD_LOOP_AUX:
    case CMD_WRITE_AUX: i8042->pending = byte; break;
    case CMD_DISABLE_A20: write_p2(i8042, i8042->p2 & ~P2_A20); break;
    case CMD_ENABLE_A20: write_p2(i8042, i8042->p2 | P2_A20); break;
    case CMD_READ_TEST: answer(i8042, 0x00); break;
    default: vx_log_guest(i8042->log, "i8042: unknown command %02x", byte); break;
    }
}

static void write_data(struct i8042 *i8042, uint8_t byte)
{
    uint8_t pending = i8042->pending;
    i8042->pending = 0;
    if (pending == 0 || pending == CMD_WRITE_AUX)
        vx_trace(i8042->log, kbd_command, (unsigned)PORT_DATA, byte);
    if ((pending & 0xE0) == CMD_WRITE_RAM) {
        write_ram(i8042, pending & (RAM_BYTES - 1), byte);
        return;
    }
    switch (pending) {
    case CMD_WRITE_P2: write_p2(i8042, byte); break;
    case CMD_LOOP_KEYBOARD: fill_buffer(i8042, byte, false); break;
    case CMD_LOOP_AUX: fill_buffer(i8042, byte, true); break;
    case CMD_WRITE_AUX:
        i8042->ram[0] &= (uint8_t)~CCB_DISABLE2; /* sending starts the clock again */
        ps2_mouse_write(&i8042->mouse, byte);
        fetch(i8042);
        break;
    default:
        i8042->ram[0] &= (uint8_t)~CCB_DISABLE;
        i8042->break_bit = 0;
        write_keyboard(i8042, byte);
        break;
    }
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

static uint64_t data_read(void *opaque, uint64_t off, unsigned size)
{
    struct i8042 *i8042 = opaque;
    uint8_t byte = i8042->out;
    (void)off, (void)size;
    if (!i8042->out_full)
        return byte;
    i8042->out_full = false;
    i8042->ready_ns = vx_clock_now_ns(i8042->clock) + BYTE_GAP_NS;
    update_irqs(i8042);
    fetch(i8042);
    return byte;
}

static void data_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct i8042 *i8042 = opaque;
    (void)off, (void)size;
    i8042->command_last = false;
    write_data(i8042, (uint8_t)value);
}

static uint64_t status_read(void *opaque, uint64_t off, unsigned size)
{
    const struct i8042 *i8042 = opaque;
    (void)off, (void)size;
    return STATUS_UNLOCKED | (i8042->system_flag ? STATUS_SYS : 0) | (i8042->command_last ? STATUS_COMMAND : 0) |
           (i8042->out_full ? STATUS_OBF | (i8042->out_aux ? STATUS_AUX_OBF : 0) : 0);
}

static void command_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct i8042 *i8042 = opaque;
    (void)off, (void)size;
    i8042->command_last = true;
    command(i8042, (uint8_t)value);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void reset_registers(struct i8042 *i8042)
{
    memset(i8042->ram, 0, sizeof i8042->ram);
    i8042->ram[0] = CCB_INT | CCB_INT2;
    i8042->p2 = P2_RESET | P2_A20;
    i8042->pending = 0;
    i8042->out = 0;
    i8042->out_full = i8042->out_aux = i8042->reply_full = false;
    i8042->command_last = true;
    i8042->system_flag = false;
    i8042->break_bit = 0;
    i8042->ready_ns = 0;
    vx_timer_set(i8042->clock, &i8042->gap_timer, VX_NEVER);
    vx_timer_set(i8042->clock, &i8042->repeat_timer, VX_NEVER);
    ps2_keyboard_reset(&i8042->keyboard);
    ps2_mouse_reset(&i8042->mouse);
}

static void reset(void *instance, enum reset phase)
{
    struct i8042 *i8042 = instance;
    if (phase == VX_RESET_HOLD) {
        reset_registers(i8042);
        return;
    }
    update_irqs(i8042);
    vx_irq_raise(&i8042->a20);
    show_leds(i8042);
}

/* The host's LEDs keep no level of their own. */
static void restored(void *instance)
{
    show_leds(instance);
}

static void destroy(void *instance)
{
    struct i8042 *i8042 = instance;
    if (i8042 == NULL)
        return;
    attach(i8042, NULL);
    vx_timer_set(i8042->clock, &i8042->gap_timer, VX_NEVER);
    vx_timer_set(i8042->clock, &i8042->repeat_timer, VX_NEVER);
    bus_remove_all(i8042->bus, i8042->regions, VX_ARRAY_LEN(i8042->regions));
    free(i8042);
}

static const struct state_field fields[] = {
    REGISTER(struct i8042, ram),
    REGISTER(struct i8042, p2),
    REGISTER(struct i8042, pending),
    REGISTER(struct i8042, out),
    REGISTER(struct i8042, out_full),
    REGISTER(struct i8042, out_aux),
    FIELD(struct i8042, reply_full),
    FIELD(struct i8042, reply),
    REGISTER(struct i8042, command_last),
    REGISTER(struct i8042, system_flag),
    REGISTER(struct i8042, break_bit),
    FIELD_MAX(struct i8042, ready_ns, STATE_NS_MAX),
    FIELD_TIMER(struct i8042, gap_timer, clock),
    FIELD_TIMER(struct i8042, repeat_timer, clock),
    FIELD_STRUCT(struct i8042, keyboard, &ps2_keyboard_state),
    FIELD_STRUCT(struct i8042, mouse, &ps2_mouse_state),
    WIRES(struct i8042, log, bus, clock, irq_keyboard, irq_aux, a20, reset, input, regions),
};
static const struct state_table state = STATE_TABLE(struct i8042, fields, NULL);

const struct device_type i8042_type = {
    .name = "i8042",
    .version = 1,
    .state = &state,
    .reset = reset,
    .restored = restored,
    .destroy = destroy,
};

vx_err i8042_create(const struct i8042_config *config, struct i8042 **out)
{
    struct i8042 *i8042 = calloc(1, sizeof *i8042);
    if (i8042 == NULL)
        return VX_ERR_NO_MEMORY;
    i8042->log = config->log;
    i8042->bus = config->bus;
    i8042->clock = config->clock;
    i8042->irq_keyboard = config->irq_keyboard;
    i8042->irq_aux = config->irq_aux;
    i8042->a20 = config->a20;
    i8042->reset = config->reset;
    i8042->input = config->input;
    struct vx_region region = { .space = VX_SPACE_IO, .size = 1, .opaque = i8042 };
    i8042->regions[0] = i8042->regions[1] = region;
    i8042->regions[0].name = "i8042 data", i8042->regions[0].base = PORT_DATA;
    i8042->regions[0].read = data_read, i8042->regions[0].write = data_write;
    i8042->regions[1].name = "i8042 command", i8042->regions[1].base = PORT_COMMAND;
    i8042->regions[1].read = status_read, i8042->regions[1].write = command_write;
    vx_timer_init(i8042->clock, &i8042->gap_timer, gap_over, i8042);
    vx_timer_init(i8042->clock, &i8042->repeat_timer, repeat, i8042);
    vx_err err = bus_add_all(config->bus, i8042->regions, VX_ARRAY_LEN(i8042->regions));
    if (err != VX_ERR_OK) {
        free(i8042);
        return err;
    }
    reset_registers(i8042);
    attach(i8042, &input_ops);
    *out = i8042;
    return VX_ERR_OK;
}

/* vmmouse.c - the queue between the user's pointer and a guest that fetches it by port 5658h. See vmmouse.h.
 *
 *   I1  Behind an identification that nobody has fetched the queue has whole packets only, so its last PACKET items are
 *       one wherever it has as many.
 *   I2  The user's pointer is attached as `enabled` and `absolute` say; attach() follows each change. */
#include "vmmouse.h"

#include <stdlib.h>
#include <string.h>

enum { PORT = 0x5658, MAGIC = 0x564D5868, IDENTITY = 0x3442554A, VERSION = 6, PRODUCT_WORKSTATION = 4 };
enum { CMD_GETVERSION = 10, CMD_ABSPOINTER_DATA = 39, CMD_ABSPOINTER_STATUS = 40, CMD_ABSPOINTER_COMMAND = 41 };
enum {
    MODE_DISABLE = 0xF5,
    MODE_ENABLE = 0x45414552,
    MODE_RELATIVE = 0x4C455252,
    MODE_ABSOLUTE = 0x53424152,
};
enum { FLAG_MIDDLE = 0x08, FLAG_RIGHT = 0x10, FLAG_LEFT = 0x20, FLAG_RELATIVE = 0x10000 };
enum { PACKET = 4, QUEUE = 64 * PACKET, ITEMS_MAX = 6, COUNT_MAX = 0x7FFF, WHEEL_MAX = 127 };

#define REFUSED        UINT32_MAX
#define STATUS_INVALID 0xFFFF0000u

struct vmmouse {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_input *input;
    struct vmmouse_cpu cpu;
    struct vx_region region;
    const struct vx_input_device_ops *below_ops; /* who has the relative pointer while we are not enabled */
    void *below_device;

    uint32_t queue[QUEUE];
    unsigned head, count;
    bool enabled, absolute;
};

/* ---- the user's side --------------------------------------------------------------------------------------------- */

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static uint32_t *item(struct vmmouse *mouse, unsigned n)
{
    return &mouse->queue[(mouse->head + n) % QUEUE];
}

static void push(struct vmmouse *mouse, const uint32_t packet[PACKET])
{
    for (unsigned i = 0; i < PACKET; i++)
        *item(mouse, mouse->count++) = packet[i];
}

/* A place takes the place of the one before it where nothing else has changed; one that finds no room takes it
 * whatever has, since the last state of the buttons must not get lost. */
static void replace_or_push(struct vmmouse *mouse, const uint32_t packet[PACKET])
{
    bool full = mouse->count > QUEUE - PACKET;
    if (mouse->count >= PACKET) { /* I1 */
        bool same = *item(mouse, mouse->count - PACKET) == packet[0] && *item(mouse, mouse->count - 1) == 0;
        if (full || (same && !(packet[0] & FLAG_RELATIVE)))
            mouse->count -= PACKET;
    }
    push(mouse, packet);
    mouse->cpu.nudge(mouse->cpu.opaque);
}

static uint32_t flags_of(unsigned buttons)
{
    return (buttons & VX_BUTTON_LEFT ? FLAG_LEFT : 0u) | (buttons & VX_BUTTON_RIGHT ? FLAG_RIGHT : 0u) |
           (buttons & VX_BUTTON_MIDDLE ? FLAG_MIDDLE : 0u);
}

static uint32_t wheel_of(const struct vx_pointer *event)
{
    return (uint32_t)clamp(event->wheel, -WHEEL_MAX, WHEEL_MAX);
}

static uint32_t place(int at)
{
    return (uint32_t)clamp(at, 0, VX_POINTER_MAX) * 0xFFFF / VX_POINTER_MAX;
}

static void relative(void *device, const struct vx_pointer *event)
{
    uint32_t x = (uint32_t)clamp(event->x, -COUNT_MAX, COUNT_MAX),
             y = (uint32_t)-clamp(event->y, -COUNT_MAX, COUNT_MAX);
    replace_or_push(device, (uint32_t[PACKET]){ flags_of(event->buttons) | FLAG_RELATIVE, x, y, wheel_of(event) });
}

static void absolute(void *device, const struct vx_pointer *event)
{
    replace_or_push(device,
                    (uint32_t[PACKET]){ flags_of(event->buttons), place(event->x), place(event->y), wheel_of(event) });
}

static void attach(struct vmmouse *mouse, bool enabled)
{
    static const struct vx_input_device_ops relative_ops = { .pointer = relative };
    static const struct vx_input_device_ops absolute_ops = { .pointer = absolute };
    if (mouse->input == NULL)
        return;
    if (enabled)
        vx_input_attach(mouse->input, VX_INPUT_RELATIVE, &relative_ops, mouse);
    else
        vx_input_attach(mouse->input, VX_INPUT_RELATIVE, mouse->below_ops, mouse->below_device);
    vx_input_attach(mouse->input, VX_INPUT_ABSOLUTE, enabled && mouse->absolute ? &absolute_ops : NULL, mouse);
}

/* ---- the guest's side -------------------------------------------------------------------------------------------- */

static void set_mode(struct vmmouse *mouse, bool enabled, bool is_absolute)
{
    mouse->enabled = enabled;
    mouse->absolute = is_absolute;
    attach(mouse, enabled);
}

static void empty(struct vmmouse *mouse)
{
    mouse->head = mouse->count = 0;
}

static uint32_t command(struct vmmouse *mouse, uint32_t mode)
{
    switch (mode) {
    case MODE_ENABLE:
        empty(mouse);
        *item(mouse, mouse->count++) = IDENTITY;
        set_mode(mouse, true, false);
        return 0;
    case MODE_DISABLE:
        empty(mouse);
        set_mode(mouse, false, false);
        return 0;
    case MODE_RELATIVE:
    case MODE_ABSOLUTE: set_mode(mouse, mouse->enabled, mode == MODE_ABSOLUTE); return 0;
    default: vx_log_guest(mouse->log, "vmmouse: unknown mode %08x", mode); return REFUSED;
    }
}

/* Who asks for more than there is has lost count: begin again. */
static uint32_t data(struct vmmouse *mouse, uint32_t items)
{
    static const enum vx_gpr regs[ITEMS_MAX] = { VX_RAX, VX_RBX, VX_RCX, VX_RDX, VX_RSI, VX_RDI };
    if (items == 0 || items > ITEMS_MAX || items > mouse->count) {
        vx_log_guest(mouse->log, "vmmouse: %u items asked for, %u are there", items, mouse->count);
        command(mouse, MODE_DISABLE);
        return REFUSED;
    }
    uint32_t first = *item(mouse, 0);
    for (uint32_t i = 1; i < items; i++)
        mouse->cpu.set(mouse->cpu.opaque, regs[i], *item(mouse, i));
    mouse->head = (mouse->head + items) % QUEUE;
    mouse->count -= items;
    return first;
}

static uint32_t version(struct vmmouse *mouse)
{
    mouse->cpu.set(mouse->cpu.opaque, VX_RBX, MAGIC);
    mouse->cpu.set(mouse->cpu.opaque, VX_RCX, PRODUCT_WORKSTATION);
    return VERSION;
}

static uint64_t port_read(void *opaque, uint64_t off, unsigned size)
{
    struct vmmouse *mouse = opaque;
    const struct vmmouse_cpu *cpu = &mouse->cpu;
    if (off != 0 || size != 4 || cpu->get(cpu->opaque, VX_RAX) != MAGIC)
        return REFUSED;
    uint32_t number = cpu->get(cpu->opaque, VX_RCX) & 0xFFFF, argument = cpu->get(cpu->opaque, VX_RBX);
    switch (number) {
    case CMD_GETVERSION: return version(mouse);
    case CMD_ABSPOINTER_DATA: return data(mouse, argument);
    case CMD_ABSPOINTER_STATUS: return (mouse->enabled ? 0 : STATUS_INVALID) | mouse->count;
    case CMD_ABSPOINTER_COMMAND: return command(mouse, argument);
    default: vx_log_guest(mouse->log, "vmmouse: backdoor command %u", number); return REFUSED;
    }
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void reset(void *instance, enum reset phase)
{
    struct vmmouse *mouse = instance;
    if (phase == VX_RESET_HOLD) {
        memset(mouse->queue, 0, sizeof mouse->queue);
        empty(mouse);
        mouse->enabled = mouse->absolute = false;
    } else {
        attach(mouse, false);
    }
}

static void restored(void *instance)
{
    struct vmmouse *mouse = instance;
    attach(mouse, mouse->enabled);
}

static void destroy(void *instance)
{
    struct vmmouse *mouse = instance;
    if (mouse == NULL)
        return;
    attach(mouse, false);
    vx_bus_remove(mouse->bus, &mouse->region);
    free(mouse);
}

vx_err vmmouse_create(const struct vmmouse_config *config, struct vmmouse **out)
{
    struct vmmouse *mouse = calloc(1, sizeof *mouse);
    if (mouse == NULL)
        return VX_ERR_NO_MEMORY;
    mouse->log = config->log;
    mouse->bus = config->bus;
    mouse->input = config->input;
    mouse->cpu = config->cpu;
    if (mouse->input != NULL) {
        mouse->below_ops = mouse->input->guest[VX_INPUT_RELATIVE].ops;
        mouse->below_device = mouse->input->guest[VX_INPUT_RELATIVE].device;
    }
    mouse->region = (struct vx_region){ .name = "vmmouse",
                                        .space = VX_SPACE_IO,
                                        .base = PORT,
                                        .size = 4,
                                        .max_size = 4,
                                        .read = port_read,
                                        .opaque = mouse };
    vx_err err = vx_bus_add(mouse->bus, &mouse->region);
    if (err != VX_ERR_OK) {
        free(mouse);
        return err;
    }
    *out = mouse;
    return VX_ERR_OK;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

static const struct state_field fields[] = {
    FIELD(struct vmmouse, queue),
    FIELD_MAX(struct vmmouse, head, QUEUE - 1),
    REGISTER_MAX(struct vmmouse, count, QUEUE),
    REGISTER(struct vmmouse, enabled),
    REGISTER(struct vmmouse, absolute),
    WIRES(struct vmmouse, log, bus, input, cpu, region, below_ops, below_device),
};
static const struct state_table state = STATE_TABLE(struct vmmouse, fields, NULL);

const struct device_type vmmouse_type = {
    .name = "vmmouse",
    .version = 1,
    .state = &state,
    .reset = reset,
    .restored = restored,
    .destroy = destroy,
};

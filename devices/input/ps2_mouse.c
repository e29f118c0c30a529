/* ps2_mouse.c - packets and commands of the PS/2 mouse.
 *
 * Movement is summed up until a packet can be made, so a guest that reads slowly loses nothing but detail. At most one
 * stream packet is in the queue (I1); a command empties the queue before its answer goes in (I2).
 *
 *          7    6    5    4    3   2   1   0
 *   byte 0 [YO] [XO] [YS] [XS] [1] [M] [R] [L]     O: overflow, S: sign; then X, Y (upwards), and with
 *   byte 3 [        Z        ...             ]     ID 3: towards the user
 *          [ 0] [ 0] [B5] [B4] [     Z       ]     ID 4 */
#include "ps2_mouse.h"

#include <string.h>

#include "vx86/backend.h"

enum {
    CMD_SCALING_1_1 = 0xE6,
    CMD_SCALING_2_1 = 0xE7,
    CMD_RESOLUTION = 0xE8,
    CMD_STATUS = 0xE9,
    CMD_STREAM = 0xEA,
    CMD_READ_DATA = 0xEB,
    CMD_RESET_WRAP = 0xEC,
    CMD_WRAP = 0xEE,
    CMD_REMOTE = 0xF0,
    CMD_IDENTIFY = 0xF2,
    CMD_SAMPLE_RATE = 0xF3,
    CMD_ENABLE = 0xF4,
    CMD_DISABLE = 0xF5,
    CMD_DEFAULTS = 0xF6,
    CMD_RESEND = 0xFE,
    CMD_RESET = 0xFF,
};
enum { REPLY_ACK = 0xFA, REPLY_RESEND = 0xFE, REPLY_BAT_OK = 0xAA };
enum { ID_PLAIN = 0, ID_WHEEL = 3, ID_EXPLORER = 4 };
enum { COUNT_MAX = 255, WHEEL_MAX = 7, SUM_MAX = 1 << 20 };
enum {
    BUTTONS_3 = VX_BUTTON_LEFT | VX_BUTTON_RIGHT | VX_BUTTON_MIDDLE,
    BUTTONS_5 = BUTTONS_3 | VX_BUTTON_BACK | VX_BUTTON_FORWARD
};

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static void reply(struct ps2_mouse *mouse, uint8_t byte)
{
    (void)ps2_queue_push(&mouse->queue, &byte, 1, VX_PS2_QUEUE_BYTES);
}

/* 2:1 scaling of stream packets: small counts are rounded, larger ones doubled. */
static int scale(int count)
{
    static const int8_t small[6] = { 0, 1, 1, 3, 6, 9 };
    int magnitude = count < 0 ? -count : count;
    int scaled = magnitude < 6 ? small[magnitude] : 2 * magnitude;
    return clamp(count < 0 ? -scaled : scaled, -COUNT_MAX - 1, COUNT_MAX);
}

/* The buttons that this kind of mouse has. */
static uint8_t its_buttons(const struct ps2_mouse *mouse)
{
    return mouse->buttons & (mouse->id == ID_EXPLORER ? BUTTONS_5 : BUTTONS_3);
}

static uint8_t wheel_byte(const struct ps2_mouse *mouse, int z)
{
    if (mouse->id != ID_EXPLORER)
        return (uint8_t)z;
    return (uint8_t)((z & 0x0F) | (mouse->buttons & VX_BUTTON_BACK ? 0x10 : 0) |
                     (mouse->buttons & VX_BUTTON_FORWARD ? 0x20 : 0));
}

static void push_packet(struct ps2_mouse *mouse, bool scaled)
{
    int x = clamp(mouse->dx, -COUNT_MAX, COUNT_MAX);
    int y = clamp(-mouse->dy, -COUNT_MAX, COUNT_MAX);
    int z = clamp(mouse->dz, -WHEEL_MAX - 1, WHEEL_MAX);
    mouse->dx -= x;
    mouse->dy += y;
    mouse->dz -= z;
    if (scaled) {
        x = scale(x);
        y = scale(y);
    }
    uint8_t signs = (uint8_t)((x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0));
    uint8_t packet[4] = { (uint8_t)(0x08 | (mouse->buttons & BUTTONS_3) | signs), (uint8_t)x, (uint8_t)y,
                          wheel_byte(mouse, z) };
    (void)ps2_queue_push(&mouse->queue, packet, mouse->id == ID_PLAIN ? 3 : 4, VX_PS2_QUEUE_BYTES);
    mouse->buttons_sent = its_buttons(mouse);
}

static bool may_stream(const struct ps2_mouse *mouse)
{
    return mouse->enabled && !mouse->remote && !mouse->wrap && mouse->pending == 0 && mouse->queue.count == 0;
}

static void stream(struct ps2_mouse *mouse)
{
    bool news = mouse->dx != 0 || mouse->dy != 0 || (mouse->dz != 0 && mouse->id != ID_PLAIN) ||
                its_buttons(mouse) != mouse->buttons_sent;
    if (news && may_stream(mouse))
        push_packet(mouse, mouse->scaling_2_1);
}

void ps2_mouse_nudge(struct ps2_mouse *mouse)
{
    if (may_stream(mouse))
        push_packet(mouse, mouse->scaling_2_1);
}

void ps2_mouse_move(struct ps2_mouse *mouse, int dx, int dy, int dz, unsigned buttons)
{
    mouse->dx = clamp(mouse->dx + clamp(dx, -SUM_MAX, SUM_MAX), -SUM_MAX, SUM_MAX);
    mouse->dy = clamp(mouse->dy + clamp(dy, -SUM_MAX, SUM_MAX), -SUM_MAX, SUM_MAX);
    mouse->dz = clamp(mouse->dz + clamp(dz, -SUM_MAX, SUM_MAX), -SUM_MAX, SUM_MAX);
    mouse->buttons = buttons & BUTTONS_5;
    if (!mouse->enabled && !mouse->remote) /* nobody watches: only the buttons' state is kept */
        mouse->dx = mouse->dy = mouse->dz = 0;
    stream(mouse);
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static void set_defaults(struct ps2_mouse *mouse)
{
    mouse->rate = 100;
    mouse->resolution = 2;
    mouse->scaling_2_1 = false;
    mouse->remote = false;
    mouse->enabled = false;
    mouse->dx = mouse->dy = mouse->dz = 0;
}

void ps2_mouse_reset(struct ps2_mouse *mouse)
{
    ps2_queue_clear(&mouse->queue);
    mouse->pending = 0;
    mouse->id = ID_PLAIN;
    mouse->wrap = false;
    mouse->last_sent = 0;
    mouse->buttons_sent = its_buttons(mouse);
    memset(mouse->rate_history, 0, sizeof mouse->rate_history);
    set_defaults(mouse);
}

static void set_rate(struct ps2_mouse *mouse, uint8_t rate)
{
    static const uint8_t wheel_knock[3] = { 200, 100, 80 }, explorer_knock[3] = { 200, 200, 80 };
    memmove(mouse->rate_history, mouse->rate_history + 1, 2);
    mouse->rate_history[2] = rate;
    mouse->rate = rate;
    if (memcmp(mouse->rate_history, wheel_knock, sizeof wheel_knock) == 0)
        mouse->id = ID_WHEEL;
    else if (memcmp(mouse->rate_history, explorer_knock, sizeof explorer_knock) == 0)
        mouse->id = ID_EXPLORER;
    /* of the buttons that it has now and had not, what is held down is no news */
    mouse->buttons_sent = (uint8_t)((mouse->buttons_sent & BUTTONS_3) | (its_buttons(mouse) & ~BUTTONS_3));
}

/* The byte that follows E8h or F3h; true when it was one. */
static bool take_parameter(struct ps2_mouse *mouse, uint8_t byte)
{
    uint8_t command = mouse->pending;
    if (command == 0)
        return false;
    mouse->pending = 0;
    if (command == CMD_RESOLUTION && byte <= 3)
        mouse->resolution = byte;
    else if (command == CMD_SAMPLE_RATE && byte >= 10 && byte <= 200)
        set_rate(mouse, byte);
    else {
        reply(mouse, REPLY_RESEND);
        return true;
    }
    reply(mouse, REPLY_ACK);
    return true;
}

static void reply_status(struct ps2_mouse *mouse)
{
    uint8_t buttons = (mouse->buttons & VX_BUTTON_LEFT ? 4 : 0) | (mouse->buttons & VX_BUTTON_MIDDLE ? 2 : 0) |
                      (mouse->buttons & VX_BUTTON_RIGHT ? 1 : 0);
    reply(mouse, buttons | (mouse->scaling_2_1 ? 0x10 : 0) | (mouse->enabled ? 0x20 : 0) | (mouse->remote ? 0x40 : 0));
    reply(mouse, mouse->resolution);
    reply(mouse, mouse->rate);
}

/* What begins another way of reporting begins with no movement. */
static bool clears_counters(uint8_t byte)
{
    return byte == CMD_STREAM || byte == CMD_RESET_WRAP || byte == CMD_WRAP || byte == CMD_REMOTE ||
           byte == CMD_ENABLE || byte == CMD_DISABLE;
}

static void command(struct ps2_mouse *mouse, uint8_t byte)
{
    reply(mouse, REPLY_ACK);
    if (clears_counters(byte))
        mouse->dx = mouse->dy = mouse->dz = 0;
    switch (byte) {
    case CMD_SCALING_1_1: mouse->scaling_2_1 = false; break;
    case CMD_SCALING_2_1: mouse->scaling_2_1 = true; break;
    case CMD_STATUS: reply_status(mouse); break;
    case CMD_STREAM: mouse->remote = false; break;
    case CMD_READ_DATA: push_packet(mouse, false); break;
    case CMD_RESET_WRAP: break;
    case CMD_WRAP: mouse->wrap = true; break;
    case CMD_REMOTE: mouse->remote = true; break;
    case CMD_IDENTIFY: reply(mouse, mouse->id); break;
    case CMD_RESOLUTION:
    case CMD_SAMPLE_RATE: mouse->pending = byte; break;
    case CMD_ENABLE: mouse->enabled = true; break;
    case CMD_DISABLE: mouse->enabled = false; break;
    case CMD_DEFAULTS: set_defaults(mouse); break;
    case CMD_RESET:
        ps2_mouse_reset(mouse);
        reply(mouse, REPLY_ACK);
        reply(mouse, REPLY_BAT_OK);
        reply(mouse, mouse->id);
        break;
    default:
        ps2_queue_clear(&mouse->queue);
        reply(mouse, REPLY_RESEND);
        break;
    }
}

void ps2_mouse_write(struct ps2_mouse *mouse, uint8_t byte)
{
    if (byte == CMD_RESEND) {
        ps2_queue_push_front(&mouse->queue, mouse->last_sent);
        return;
    }
    ps2_queue_clear(&mouse->queue); /* keeps I2 */
    if (mouse->wrap && byte != CMD_RESET && byte != CMD_RESET_WRAP) {
        reply(mouse, byte);
        return;
    }
    mouse->wrap = false;
    if (!take_parameter(mouse, byte))
        command(mouse, byte);
}

bool ps2_mouse_read(struct ps2_mouse *mouse, uint8_t *byte)
{
    if (!ps2_queue_pop(&mouse->queue, byte))
        return false;
    mouse->last_sent = *byte;
    stream(mouse); /* what moved while the packet was on its way */
    return true;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

static const struct state_field fields[] = {
    FIELD_STRUCT(struct ps2_mouse, queue, &ps2_queue_state),
    FIELD(struct ps2_mouse, pending),
    FIELD(struct ps2_mouse, id),
    FIELD(struct ps2_mouse, rate),
    FIELD(struct ps2_mouse, resolution),
    FIELD(struct ps2_mouse, rate_history),
    FIELD(struct ps2_mouse, last_sent),
    FIELD(struct ps2_mouse, enabled),
    FIELD(struct ps2_mouse, remote),
    FIELD(struct ps2_mouse, wrap),
    FIELD(struct ps2_mouse, scaling_2_1),
    FIELD(struct ps2_mouse, buttons),
    FIELD(struct ps2_mouse, buttons_sent),
    FIELD_IN(struct ps2_mouse, dx, -SUM_MAX, SUM_MAX),
    FIELD_IN(struct ps2_mouse, dy, -SUM_MAX, SUM_MAX),
    FIELD_IN(struct ps2_mouse, dz, -SUM_MAX, SUM_MAX),
};
const struct state_table ps2_mouse_state = STATE_TABLE(struct ps2_mouse, fields, NULL);

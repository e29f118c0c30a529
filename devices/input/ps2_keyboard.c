/* ps2_keyboard.c - scan codes and commands of the PS/2 keyboard.
 *
 * Keys come in as set 1 codes. The one table that relates set 1 and set 2 is the controller's translation table; the
 * keyboard uses it backwards, set 3 is set 2 with exceptions.
 *
 * Invariants
 *   I1  A break code is only sent for a key whose make code was sent, and makes leave room in the queue for breaks, so
 *       no key stays stuck when the guest does not read.
 *   I2  A command empties the queue before its answer goes in, so answers always fit. */
#include "ps2_keyboard.h"

#include <string.h>

enum {
    CMD_SET_LEDS = 0xED,
    CMD_ECHO = 0xEE,
    CMD_SCAN_SET = 0xF0,
    CMD_IDENTIFY = 0xF2,
    CMD_TYPEMATIC = 0xF3,
    CMD_ENABLE = 0xF4,
    CMD_DISABLE = 0xF5,
    CMD_DEFAULTS = 0xF6,
    CMD_ALL_TYPEMATIC = 0xF7,
    CMD_ALL_MAKE_BREAK = 0xF8,
    CMD_ALL_MAKE = 0xF9,
    CMD_ALL_TYPEMATIC_MAKE_BREAK = 0xFA,
    CMD_KEY_TYPEMATIC = 0xFB,
    CMD_KEY_MAKE_BREAK = 0xFC,
    CMD_KEY_MAKE = 0xFD,
    CMD_RESEND = 0xFE,
    CMD_RESET = 0xFF,
};
enum { REPLY_ACK = 0xFA, REPLY_RESEND = 0xFE, REPLY_BAT_OK = 0xAA };

enum {
    KEY_CTRL = 0x1D,
    KEY_LEFT_SHIFT = 0x2A,
    KEY_RIGHT_SHIFT = 0x36,
    KEY_ALT = 0x38,
    KEY_SYSRQ = 0x54,
    KEY_LAST_OF_102 = 0x58,
    KEY_PRINT_SCREEN = 0x137,
    KEY_PAUSE = 0x145,
    KEY_BREAK = 0x146,
    KEY_EXTENDED = 0x100,
};
enum print_form { PRINT_SHIFTED, PRINT_PLAIN, PRINT_SYSRQ };

enum { MAKE_LIMIT = VX_PS2_QUEUE_BYTES / 2, TYPEMATIC_DEFAULT = 0x2B };

/* 8042 translation, set 2 (row: high digit) to set 1; from 85h on every byte stands for itself. */
static const uint8_t translation[0x85] = {
    /* 0_ */ 0xFF, 0x43, 0x41, 0x3F, 0x3D, 0x3B, 0x3C, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3E, 0x0F, 0x29, 0x59,
    /* 1_ */ 0x65, 0x38, 0x2A, 0x70, 0x1D, 0x10, 0x02, 0x5A, 0x66, 0x71, 0x2C, 0x1F, 0x1E, 0x11, 0x03, 0x5B,
    /* 2_ */ 0x67, 0x2E, 0x2D, 0x20, 0x12, 0x05, 0x04, 0x5C, 0x68, 0x39, 0x2F, 0x21, 0x14, 0x13, 0x06, 0x5D,
    /* 3_ */ 0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5E, 0x6A, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5F,
    /* 4_ */ 0x6B, 0x33, 0x25, 0x17, 0x18, 0x0B, 0x0A, 0x60, 0x6C, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0C, 0x61,
    /* 5_ */ 0x6D, 0x73, 0x28, 0x74, 0x1A, 0x0D, 0x62, 0x6E, 0x3A, 0x36, 0x1C, 0x1B, 0x75, 0x2B, 0x63, 0x76,
    /* 6_ */ 0x55, 0x56, 0x77, 0x78, 0x79, 0x7A, 0x0E, 0x7B, 0x7C, 0x4F, 0x7D, 0x4B, 0x47, 0x7E, 0x7F, 0x6F,
    /* 7_ */ 0x52, 0x53, 0x50, 0x4C, 0x4D, 0x48, 0x01, 0x45, 0x57, 0x4E, 0x51, 0x4A, 0x37, 0x49, 0x46, 0x54,
    /* 8_ */ 0x80, 0x81, 0x82, 0x41, 0x54,
};

/* Where set 3 differs from set 2. */
static const struct {
    uint16_t set1;
    uint8_t set3;
} set3_codes[] = {
    { 0x01, 0x08 },  { 0x1D, 0x11 },  { 0x2B, 0x5C },  { 0x37, 0x7E },  { 0x38, 0x19 },  { 0x3A, 0x14 },
    { 0x3B, 0x07 },  { 0x3C, 0x0F },  { 0x3D, 0x17 },  { 0x3E, 0x1F },  { 0x3F, 0x27 },  { 0x40, 0x2F },
    { 0x41, 0x37 },  { 0x42, 0x3F },  { 0x43, 0x47 },  { 0x44, 0x4F },  { 0x45, 0x76 },  { 0x46, 0x5F },
    { 0x4A, 0x84 },  { 0x4E, 0x7C },  { 0x56, 0x13 },  { 0x57, 0x56 },  { 0x58, 0x5E },  { 0x11C, 0x79 },
    { 0x11D, 0x58 }, { 0x135, 0x77 }, { 0x137, 0x57 }, { 0x138, 0x39 }, { 0x145, 0x62 }, { 0x147, 0x6E },
    { 0x148, 0x63 }, { 0x149, 0x6F }, { 0x14B, 0x61 }, { 0x14D, 0x6A }, { 0x14F, 0x65 }, { 0x150, 0x60 },
    { 0x151, 0x6D }, { 0x152, 0x67 }, { 0x153, 0x64 }, { 0x15B, 0x8B }, { 0x15C, 0x8C }, { 0x15D, 0x8D },
    { 0x70, 0x87 },  { 0x73, 0x51 },  { 0x79, 0x86 },  { 0x7B, 0x85 },  { 0x7D, 0x5D },
};

static bool bit_get(const uint8_t *bits, unsigned n)
{
    return (bits[n / 8] >> (n % 8)) & 1;
}

static void bit_set(uint8_t *bits, unsigned n, bool value)
{
    if (value)
        bits[n / 8] |= (uint8_t)(1u << (n % 8));
    else
        bits[n / 8] &= (uint8_t) ~(1u << (n % 8));
}

uint8_t ps2_translate(uint8_t set2_byte)
{
    return set2_byte < sizeof translation ? translation[set2_byte] : set2_byte;
}

/* Two set 2 codes translate to 41h and 54h; the keys have the upper ones (F7 83h, SysRq 84h). 0: no such key. */
static uint8_t set2_code(uint8_t set1)
{
    for (unsigned code = sizeof translation - 1; code > 0; code--) {
        if (translation[code] == set1)
            return (uint8_t)code;
    }
    return 0;
}

static uint8_t set3_code(unsigned set1)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(set3_codes); i++) {
        if (set3_codes[i].set1 == set1)
            return set3_codes[i].set3;
    }
    return set1 > KEY_LAST_OF_102 ? 0 : set2_code((uint8_t)set1);
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

/* What a key does: the first press, a repetition, the release. */
enum act { MAKE, REPEAT, BREAK };

static bool is_held(const struct ps2_keyboard *keyboard, unsigned left, unsigned right)
{
    return bit_get(keyboard->down, left) || bit_get(keyboard->down, right);
}

/* One code of set 1 or 2, with its prefixes; returns its length, at most 3. 0: no such key. */
static unsigned encode_one(unsigned scan_set, unsigned set1, bool released, uint8_t out[3])
{
    uint8_t code = scan_set == 1 ? set1 & 0x7F : set2_code(set1 & 0x7F);
    unsigned n = 0;
    if (code == 0)
        return 0;
    if (set1 & KEY_EXTENDED)
        out[n++] = 0xE0;
    if (released && scan_set == 2)
        out[n++] = 0xF0;
    out[n++] = released && scan_set == 1 ? code | 0x80 : code;
    return n;
}

/* No break code: make and break in one. With Ctrl it is the Break key. */
static unsigned encode_pause(const struct ps2_keyboard *keyboard, uint8_t out[8])
{
    static const uint8_t pause1[] = { 0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5 };
    static const uint8_t pause2[] = { 0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77 };
    if (is_held(keyboard, KEY_CTRL, KEY_CTRL | KEY_EXTENDED)) {
        unsigned n = encode_one(keyboard->scan_set, KEY_BREAK, false, out);
        return n + encode_one(keyboard->scan_set, KEY_BREAK, true, out + n);
    }
    if (keyboard->scan_set == 1) {
        memcpy(out, pause1, sizeof pause1);
        return sizeof pause1;
    }
    memcpy(out, pause2, sizeof pause2);
    return sizeof pause2;
}

/* As if with Shift: shift make, key make; in reverse on release. By itself with Ctrl or Shift, SysRq with Alt. */
static unsigned encode_print(struct ps2_keyboard *keyboard, enum act act, uint8_t out[8])
{
    enum { FAKE_SHIFT = KEY_EXTENDED | KEY_LEFT_SHIFT };
    unsigned set = keyboard->scan_set, n = 0;
    if (act == MAKE)
        keyboard->print_form = is_held(keyboard, KEY_ALT, KEY_ALT | KEY_EXTENDED)     ? PRINT_SYSRQ
                               : is_held(keyboard, KEY_CTRL, KEY_CTRL | KEY_EXTENDED) ? PRINT_PLAIN
                               : is_held(keyboard, KEY_LEFT_SHIFT, KEY_RIGHT_SHIFT)   ? PRINT_PLAIN
                                                                                      : PRINT_SHIFTED;
    if (keyboard->print_form == PRINT_SYSRQ)
        return encode_one(set, KEY_SYSRQ, act == BREAK, out);
    if (keyboard->print_form == PRINT_SHIFTED && act == MAKE)
        n = encode_one(set, FAKE_SHIFT, false, out);
    n += encode_one(set, KEY_PRINT_SCREEN, act == BREAK, out + n);
    if (keyboard->print_form == PRINT_SHIFTED && act == BREAK)
        n += encode_one(set, FAKE_SHIFT, true, out + n);
    return n;
}

/* A sequence of set 1 or set 2 bytes; returns its length, at most 8. */
static unsigned encode(struct ps2_keyboard *keyboard, unsigned set1, enum act act, uint8_t out[8])
{
    if (set1 == KEY_PAUSE)
        return act == MAKE ? encode_pause(keyboard, out) : 0;
    if (set1 == KEY_PRINT_SCREEN)
        return encode_print(keyboard, act, out);
    return encode_one(keyboard->scan_set, set1, act == BREAK, out);
}

static unsigned encode_set3(const struct ps2_keyboard *keyboard, unsigned set1, enum act act, uint8_t out[8])
{
    uint8_t code = set3_code(set1);
    if (code == 0 || (act == BREAK && bit_get(keyboard->no_break, code)))
        return 0;
    if (act != BREAK) {
        out[0] = code;
        return 1;
    }
    out[0] = 0xF0;
    out[1] = code;
    return 2;
}

static bool send(struct ps2_keyboard *keyboard, unsigned set1, enum act act)
{
    uint8_t bytes[8];
    unsigned count =
        keyboard->scan_set == 3 ? encode_set3(keyboard, set1, act, bytes) : encode(keyboard, set1, act, bytes);
    unsigned limit = act == BREAK ? VX_PS2_QUEUE_BYTES : MAKE_LIMIT;
    return ps2_queue_push(&keyboard->queue, bytes, count, limit) && (count > 0 || act == BREAK);
}

static bool repeats(const struct ps2_keyboard *keyboard, unsigned set1)
{
    if (keyboard->scan_set == 3)
        return !bit_get(keyboard->no_repeat, set3_code(set1));
    return set1 != KEY_PAUSE;
}

/* Of several keys the last one pressed repeats; another one's release changes nothing about that. */
void ps2_keyboard_key(struct ps2_keyboard *keyboard, unsigned set1_code, bool down)
{
    if (set1_code >= 0x200 || (set1_code & 0x80) || !keyboard->scanning)
        return;
    if (down == bit_get(keyboard->down, set1_code))
        return; /* keeps I1 */
    if (!send(keyboard, set1_code, down ? MAKE : BREAK))
        return;
    bit_set(keyboard->down, set1_code, down);
    if (down)
        keyboard->repeating = repeats(keyboard, set1_code) ? (uint16_t)set1_code : 0;
    else if (keyboard->repeating == set1_code)
        keyboard->repeating = 0;
}

void ps2_keyboard_repeat(struct ps2_keyboard *keyboard)
{
    if (keyboard->repeating != 0 && keyboard->queue.count == 0)
        send(keyboard, keyboard->repeating, REPEAT);
}

/* F3h: 6..5 delay | 4..3 B | 2..0 A; 250 ms more for each step, and (8 + A) * 2^B / 240 s. */
uint64_t ps2_keyboard_delay_ns(const struct ps2_keyboard *keyboard)
{
    return ((keyboard->typematic >> 5 & 3) + 1u) * (VX_NS_PER_SEC / 4);
}

uint64_t ps2_keyboard_period_ns(const struct ps2_keyboard *keyboard)
{
    return ((8u + (keyboard->typematic & 7u)) << (keyboard->typematic >> 3 & 3)) * VX_NS_PER_SEC / 240;
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static void reply(struct ps2_keyboard *keyboard, uint8_t byte)
{
    (void)ps2_queue_push(&keyboard->queue, &byte, 1, VX_PS2_QUEUE_BYTES);
}

static void set_defaults(struct ps2_keyboard *keyboard)
{
    static const uint8_t with_break[] = { 0x11, 0x12, 0x14, 0x19, 0x59 };
    /* All of the main block, the arrows, Delete and the keypad's plus; the rest of set 3's keys do not. */
    static const uint8_t repeating[] = {
        0x0D, 0x0E, 0x13, 0x15, 0x16, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26,
        0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2E, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x3A, 0x3B, 0x3C, 0x3D,
        0x3E, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x49, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x51, 0x52, 0x53,
        0x54, 0x55, 0x5A, 0x5B, 0x5C, 0x5D, 0x60, 0x61, 0x63, 0x64, 0x66, 0x6A, 0x7C,
    };
    keyboard->scan_set = 2;
    keyboard->typematic = TYPEMATIC_DEFAULT;
    memset(keyboard->no_break, 0xFF, sizeof keyboard->no_break);
    for (size_t i = 0; i < VX_ARRAY_LEN(with_break); i++)
        bit_set(keyboard->no_break, with_break[i], false);
    memset(keyboard->no_repeat, 0xFF, sizeof keyboard->no_repeat);
    for (size_t i = 0; i < VX_ARRAY_LEN(repeating); i++)
        bit_set(keyboard->no_repeat, repeating[i], false);
    memset(keyboard->down, 0, sizeof keyboard->down);
    keyboard->repeating = 0;
}

void ps2_keyboard_reset(struct ps2_keyboard *keyboard)
{
    ps2_queue_clear(&keyboard->queue);
    keyboard->pending = 0;
    keyboard->leds = 0;
    keyboard->last_sent = 0;
    keyboard->scanning = true;
    keyboard->print_form = PRINT_SHIFTED;
    set_defaults(keyboard);
}

/* The byte that follows a command. True when it was one; commands themselves (EDh and up) break off. */
static bool take_parameter(struct ps2_keyboard *keyboard, uint8_t byte)
{
    uint8_t command = keyboard->pending;
    bool key_list = command >= CMD_KEY_TYPEMATIC && command <= CMD_KEY_MAKE;
    if (command == 0 || byte >= CMD_SET_LEDS) {
        keyboard->pending = 0;
        return false;
    }
    if (!key_list)
        keyboard->pending = 0;
    switch (command) {
    case CMD_SET_LEDS: keyboard->leds = byte & 7; break;
    case CMD_TYPEMATIC: keyboard->typematic = byte & 0x7F; break;
    case CMD_SCAN_SET:
        if (byte > 3) {
            reply(keyboard, REPLY_RESEND);
            return true;
        }
        if (byte == 0) {
            reply(keyboard, REPLY_ACK);
            reply(keyboard, keyboard->scan_set);
            return true;
        }
        keyboard->scan_set = byte;
        break;
    default:
        bit_set(keyboard->no_break, byte, command != CMD_KEY_MAKE_BREAK);
        bit_set(keyboard->no_repeat, byte, command != CMD_KEY_TYPEMATIC);
        break;
    }
    reply(keyboard, REPLY_ACK);
    return true;
}

static void set_all_types(struct ps2_keyboard *keyboard, bool breaks, bool repeat)
{
    memset(keyboard->no_break, breaks ? 0 : 0xFF, sizeof keyboard->no_break);
    memset(keyboard->no_repeat, repeat ? 0 : 0xFF, sizeof keyboard->no_repeat);
}

static void command_with_ack(struct ps2_keyboard *keyboard, uint8_t command)
{
    reply(keyboard, REPLY_ACK);
    switch (command) {
    case CMD_IDENTIFY:
        reply(keyboard, 0xAB);
        reply(keyboard, 0x83);
        break;
    case CMD_ENABLE: keyboard->scanning = true; break;
    case CMD_DISABLE:
        set_defaults(keyboard);
        keyboard->scanning = false;
        break;
    case CMD_DEFAULTS: set_defaults(keyboard); break;
    case CMD_ALL_TYPEMATIC: set_all_types(keyboard, false, true); break;
    case CMD_ALL_MAKE: set_all_types(keyboard, false, false); break;
    case CMD_ALL_MAKE_BREAK: set_all_types(keyboard, true, false); break;
    case CMD_ALL_TYPEMATIC_MAKE_BREAK: set_all_types(keyboard, true, true); break;
    case CMD_RESET:
        ps2_keyboard_reset(keyboard);
        reply(keyboard, REPLY_ACK);
        reply(keyboard, REPLY_BAT_OK);
        break;
    default: keyboard->pending = command; break;
    }
}

void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte)
{
    if (byte == CMD_RESEND) {
        ps2_queue_push_front(&keyboard->queue, keyboard->last_sent);
        return;
    }
    ps2_queue_clear(&keyboard->queue); /* keeps I2 */
    if (take_parameter(keyboard, byte))
        return;
    if (byte == CMD_ECHO)
        reply(keyboard, CMD_ECHO);
    else if (byte < CMD_SET_LEDS || byte == 0xEF || byte == 0xF1)
        reply(keyboard, REPLY_RESEND);
    else
        command_with_ack(keyboard, byte);
}

bool ps2_keyboard_read(struct ps2_keyboard *keyboard, uint8_t *byte)
{
    if (!ps2_queue_pop(&keyboard->queue, byte))
        return false;
    keyboard->last_sent = *byte;
    return true;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

static const struct state_field queue_fields[] = {
    FIELD(struct ps2_queue, bytes),
    FIELD_MAX(struct ps2_queue, head, VX_PS2_QUEUE_BYTES - 1),
    FIELD_MAX(struct ps2_queue, count, VX_PS2_QUEUE_BYTES),
};
const struct state_table ps2_queue_state = STATE_TABLE(struct ps2_queue, queue_fields, NULL);

static const struct state_field fields[] = {
    FIELD_STRUCT(struct ps2_keyboard, queue, &ps2_queue_state),
    FIELD(struct ps2_keyboard, pending),
    FIELD_IN(struct ps2_keyboard, scan_set, 1, 3),
    FIELD(struct ps2_keyboard, leds),
    FIELD(struct ps2_keyboard, typematic),
    FIELD(struct ps2_keyboard, last_sent),
    FIELD(struct ps2_keyboard, scanning),
    FIELD(struct ps2_keyboard, no_break),
    FIELD(struct ps2_keyboard, no_repeat),
    FIELD(struct ps2_keyboard, down),
    FIELD_MAX(struct ps2_keyboard, repeating, 0x17F),
    FIELD_MAX(struct ps2_keyboard, print_form, PRINT_SYSRQ),
};
const struct state_table ps2_keyboard_state = STATE_TABLE(struct ps2_keyboard, fields, NULL);

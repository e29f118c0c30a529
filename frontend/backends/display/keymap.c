/* keymap.c - terminal bytes to key strokes.
 *
 *   GROUND --ESC--> ESCAPE --[--> CSI --params--> final byte: key
 *                     |  `---O--> SS3 --> final byte: key
 *                     `--other--> Alt + that key (a second ESC: Escape key, then this one)
 *   CSI --[--> LINUX_FUNCTION: the Linux console's F1 to F5 */
#include "keymap.h"

#include <string.h>

enum state { GROUND, ESCAPE, CSI, SS3, LINUX_FUNCTION };

/* Modifier bits, numbered as in xterm's modifier parameter (value - 1). */
enum { MOD_SHIFT = 1, MOD_ALT = 2, MOD_CTRL = 4, MOD_ALTGR = 8 /* never in a parameter */ };

enum {
    KEY_ESC = 0x01,
    KEY_BACKSPACE = 0x0E,
    KEY_TAB = 0x0F,
    KEY_ENTER = 0x1C,
    KEY_LEFT_CTRL = 0x1D,
    KEY_LEFT_SHIFT = 0x2A,
    KEY_LEFT_ALT = 0x38,
    KEY_SPACE = 0x39,
    KEY_F1 = 0x3B,
    KEY_F11 = 0x57,
    KEY_F12 = 0x58,
    KEY_HOME = 0x147,
    KEY_UP = 0x148,
    KEY_PAGE_UP = 0x149,
    KEY_LEFT = 0x14B,
    KEY_RIGHT = 0x14D,
    KEY_END = 0x14F,
    KEY_DOWN = 0x150,
    KEY_PAGE_DOWN = 0x151,
    KEY_INSERT = 0x152,
    KEY_DELETE = 0x153,
    KEY_ALTGR = 0x138,
};

/* CSI number ~ ; 0: no key. */
static const uint16_t tilde_keys[] = {
    [1] = KEY_HOME,      [2] = KEY_INSERT,  [3] = KEY_DELETE,  [4] = KEY_END,     [5] = KEY_PAGE_UP,
    [6] = KEY_PAGE_DOWN, [7] = KEY_HOME,    [8] = KEY_END,     [11] = KEY_F1,     [12] = KEY_F1 + 1,
    [13] = KEY_F1 + 2,   [14] = KEY_F1 + 3, [15] = KEY_F1 + 4, [17] = KEY_F1 + 5, [18] = KEY_F1 + 6,
    [19] = KEY_F1 + 7,   [20] = KEY_F1 + 8, [21] = KEY_F1 + 9, [23] = KEY_F11,    [24] = KEY_F12,
};

static void stroke(struct keymap *keymap, unsigned code, unsigned modifiers)
{
    static const struct {
        uint8_t bit;
        uint16_t code;
    } mods[] = {
        { MOD_CTRL, KEY_LEFT_CTRL },
        { MOD_ALT, KEY_LEFT_ALT },
        { MOD_ALTGR, KEY_ALTGR },
        { MOD_SHIFT, KEY_LEFT_SHIFT },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(mods); i++)
        if (modifiers & mods[i].bit)
            keymap->emit(keymap->opaque, mods[i].code, true);
    keymap->emit(keymap->opaque, code, true);
    keymap->emit(keymap->opaque, code, false);
    for (size_t i = VX_ARRAY_LEN(mods); i-- > 0;)
        if (modifiers & mods[i].bit)
            keymap->emit(keymap->opaque, mods[i].code, false);
}

/* A dead key is pressed by itself: what else is held is for the character. */
static void printable(struct keymap *keymap, uint32_t ch, unsigned modifiers)
{
    struct layout_stroke strokes[LAYOUT_STROKES];
    unsigned count = layout_find(keymap->layout, ch, strokes);
    for (unsigned i = 0; i < count; i++) {
        unsigned its = (strokes[i].modifiers & LAYOUT_SHIFT ? MOD_SHIFT : 0u) |
                       (strokes[i].modifiers & LAYOUT_ALTGR ? MOD_ALTGR : 0u);
        stroke(keymap, strokes[i].code, its | (count == 1 ? modifiers : 0));
    }
}

/* UTF-8: the first byte of a character says how many follow; what does not fit is dropped. */
static void begin_utf8(struct keymap *keymap, uint8_t byte, unsigned modifiers)
{
    unsigned length = byte >= 0xF8 || byte < 0xC2 ? 0 : byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
    keymap->utf8_left = (uint8_t)length;
    keymap->utf8 = byte & (0x3Fu >> length);
    keymap->modifiers = (uint8_t)modifiers;
}

/* False: it belongs to no character that has begun. */
static bool continue_utf8(struct keymap *keymap, uint8_t byte)
{
    bool begun = keymap->utf8_left != 0 && (byte & 0xC0) == 0x80;
    keymap->utf8_left = begun ? keymap->utf8_left - 1 : 0;
    if (!begun)
        return false;
    keymap->utf8 = keymap->utf8 << 6 | (byte & 0x3F);
    if (keymap->utf8_left == 0)
        printable(keymap, keymap->utf8, keymap->modifiers);
    return true;
}

static void character(struct keymap *keymap, uint8_t byte, unsigned modifiers)
{
    switch (byte) {
    case 0x00: stroke(keymap, KEY_SPACE, modifiers | MOD_CTRL); return;
    case 0x08:
    case 0x7F: stroke(keymap, KEY_BACKSPACE, modifiers); return;
    case 0x09: stroke(keymap, KEY_TAB, modifiers); return;
    case 0x0A: /* from a script; a terminal in raw mode sends 0Dh */
    case 0x0D: stroke(keymap, KEY_ENTER, modifiers); return;
    case 0x1B: stroke(keymap, KEY_ESC, modifiers); return;
    case 0x1E: printable(keymap, '6', modifiers | MOD_CTRL); return;
    case 0x1F: printable(keymap, '-', modifiers | MOD_CTRL); return;
    default: break;
    }
    if (byte >= 0x80)
        begin_utf8(keymap, byte, modifiers);
    else if (byte >= 0x1C && byte < 0x20)
        printable(keymap, byte + 0x40u, modifiers | MOD_CTRL); /* \ ] */
    else if (byte < 0x20)
        printable(keymap, byte + 0x60u, modifiers | MOD_CTRL);
    else
        printable(keymap, byte, modifiers);
}

/* Keys named by the letter that ends CSI or SS3; 0: none. */
static unsigned letter_key(uint8_t final)
{
    switch (final) {
    case 'A': return KEY_UP;
    case 'B': return KEY_DOWN;
    case 'C': return KEY_RIGHT;
    case 'D': return KEY_LEFT;
    case 'F': return KEY_END;
    case 'H': return KEY_HOME;
    case 'P':
    case 'Q':
    case 'R':
    case 'S': return KEY_F1 + final - 'P';
    default: return 0;
    }
}

static void finish_csi(struct keymap *keymap, uint8_t final)
{
    unsigned modifiers = keymap->modifiers, code;
    if (keymap->params >= 1 && keymap->param[1] > 1)
        modifiers |= (keymap->param[1] - 1) & (MOD_SHIFT | MOD_ALT | MOD_CTRL);
    if (final == 'Z') {
        stroke(keymap, KEY_TAB, modifiers | MOD_SHIFT);
        return;
    }
    if (final == '~')
        code = keymap->param[0] < VX_ARRAY_LEN(tilde_keys) ? tilde_keys[keymap->param[0]] : 0;
    else
        code = letter_key(final);
    if (code != 0)
        stroke(keymap, code, modifiers);
}

static void feed_csi(struct keymap *keymap, uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        unsigned *param = &keymap->param[keymap->params];
        if (*param < 1000)
            *param = *param * 10 + (byte - '0');
        return;
    }
    if (byte == ';') {
        if (keymap->params + 1 < VX_KEYMAP_PARAMS)
            keymap->params++;
        return;
    }
    if (byte >= 0x20 && byte < 0x40) /* private markers and intermediates: not a key, wait for the end */
        return;
    keymap->state = GROUND;
    if (byte == '[' && keymap->params == 0 && keymap->param[0] == 0)
        keymap->state = LINUX_FUNCTION;
    else
        finish_csi(keymap, byte);
}

static void feed_escape(struct keymap *keymap, uint8_t byte)
{
    keymap->state = GROUND;
    if (byte == '[' || byte == 'O') {
        keymap->state = byte == '[' ? CSI : SS3;
        memset(keymap->param, 0, sizeof keymap->param);
        keymap->params = 0;
        return;
    }
    if (byte == 0x1B) { /* Alt and a sequence, or Escape twice: the pause tells */
        if (keymap->modifiers & MOD_ALT)
            stroke(keymap, KEY_ESC, 0);
        keymap->modifiers = MOD_ALT;
        keymap->state = ESCAPE;
        return;
    }
    character(keymap, byte, MOD_ALT);
}

void keymap_init(struct keymap *keymap, enum keyboard_layout layout, keymap_emit *emit, void *opaque)
{
    *keymap = (struct keymap){ .layout = layout, .emit = emit, .opaque = opaque };
}

void keymap_feed(struct keymap *keymap, uint8_t byte)
{
    switch (keymap->state) {
    case ESCAPE: feed_escape(keymap, byte); break;
    case CSI: feed_csi(keymap, byte); break;
    case SS3:
        keymap->state = GROUND;
        if (letter_key(byte) != 0)
            stroke(keymap, letter_key(byte), keymap->modifiers);
        break;
    case LINUX_FUNCTION:
        keymap->state = GROUND;
        if (byte >= 'A' && byte <= 'E')
            stroke(keymap, KEY_F1 + byte - 'A', keymap->modifiers);
        break;
    default:
        if (continue_utf8(keymap, byte))
            return;
        keymap->modifiers = 0;
        if (byte == 0x1B)
            keymap->state = ESCAPE;
        else
            character(keymap, byte, 0);
        break;
    }
}

void keymap_pause(struct keymap *keymap)
{
    enum state state = (enum state)keymap->state;
    keymap->state = GROUND;
    if (state == GROUND)
        return;
    if (state == ESCAPE && (keymap->modifiers & MOD_ALT)) /* two of them */
        stroke(keymap, KEY_ESC, 0);
    if (state == ESCAPE)
        stroke(keymap, KEY_ESC, 0);
    else if (state == CSI)
        character(keymap, '[', MOD_ALT);
    else if (state == SS3)
        character(keymap, 'O', MOD_ALT);
    keymap->modifiers = 0;
}

bool keymap_is_pending(const struct keymap *keymap)
{
    return keymap->state != GROUND;
}

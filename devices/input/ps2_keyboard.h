/* ps2_keyboard.h - an IBM enhanced keyboard at the end of a PS/2 wire, with the keys of 101 to 106 and ABNT2.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference "Keyboard (101- and 102-Key)".
 * Modelled: scan code sets 1, 2 and 3, all commands, LEDs, key types of set 3, Print Screen with Ctrl, Shift and Alt
 *   (SysRq), Ctrl with Pause (Break), typematic repeat by the guest's rate and delay: whoever owns the keyboard has the
 *   clock, and calls ps2_keyboard_repeat() when the time has come.
 * Not modelled: the shifts that sets 1 and 2 put around the grey cursor keys by Num Lock, which software drops, the
 *   time the self test takes, a code of ABNT2's keypad point in set 3. Saved state: the whole struct. Thread rule:
 *   machine thread only. */
#ifndef VX86_DEVICES_PS2_KEYBOARD_H
#define VX86_DEVICES_PS2_KEYBOARD_H

#include "ps2_queue.h"

struct ps2_keyboard {
    struct ps2_queue queue;
    uint8_t pending;  /* command that waits for its parameter, 0: none */
    uint8_t scan_set; /* 1, 2, 3 */
    uint8_t leds;     /* bit 0 Scroll, 1 Num, 2 Caps */
    uint8_t typematic;
    uint8_t last_sent; /* for Resend */
    bool scanning;
    uint8_t no_break[256 / 8];  /* set 3: keys that send no break code, by set 3 code */
    uint8_t no_repeat[256 / 8]; /* set 3: keys that do not repeat */
    uint8_t down[512 / 8];      /* keys whose make code has been sent, by set 1 code */
    uint16_t repeating;         /* set 1 code of the key that repeats while it is held, 0: none */
    uint8_t print_form;         /* how Print Screen was sent: its break is to match */
};

extern const struct state_table ps2_keyboard_state;

void ps2_keyboard_reset(struct ps2_keyboard *keyboard);

/* A byte from the controller. */
void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte);
/* The next byte for the controller; false when there is none. */
bool ps2_keyboard_read(struct ps2_keyboard *keyboard, uint8_t *byte);

/* A key of the host, named by its set 1 make code, bit 8 set for those with an E0 prefix. Print Screen is 137h, Pause
 * 145h. Codes that name no key are ignored; so are keys while scanning is off or the queue is full, and a key that is
 * down already: it repeats by itself. */
void ps2_keyboard_key(struct ps2_keyboard *keyboard, unsigned set1_code, bool down);

/* How long the repeating key is held before its second make code, and then between two. */
uint64_t ps2_keyboard_delay_ns(const struct ps2_keyboard *keyboard);
uint64_t ps2_keyboard_period_ns(const struct ps2_keyboard *keyboard);
/* One more make code of the repeating key, unless the controller has not yet fetched what is there. */
void ps2_keyboard_repeat(struct ps2_keyboard *keyboard);

/* What an 8042 with translation on makes of a set 2 byte (F0 excepted): the set 1 make code. */
uint8_t ps2_translate(uint8_t set2_byte);

#endif

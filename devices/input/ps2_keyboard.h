/* ps2_keyboard.h - an IBM enhanced (102-key) keyboard at the end of a PS/2 wire.
 *
 * Source: IBM PS/2 Hardware Interface Technical Reference "Keyboard (101- and 102-Key)".
 * Modelled: scan code sets 1, 2 and 3, all commands, LEDs, per-key break modes of set 3.
 * Not modelled: typematic repeat of its own (the host repeats: a key that is down may be pressed again), the time the
 *   self test takes. Saved state: the whole struct. Thread rule: machine thread only. */
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
    uint8_t no_break[256 / 8]; /* set 3: keys that send no break code, by set 3 code */
    uint8_t down[512 / 8];     /* keys whose make code has been sent, by set 1 code */
};

extern const struct state_table ps2_keyboard_state;

void ps2_keyboard_reset(struct ps2_keyboard *keyboard);

/* A byte from the controller. */
void ps2_keyboard_write(struct ps2_keyboard *keyboard, uint8_t byte);
/* The next byte for the controller; false when there is none. */
bool ps2_keyboard_read(struct ps2_keyboard *keyboard, uint8_t *byte);

/* A key of the host, named by its set 1 make code, bit 8 set for those with an E0 prefix. Print Screen is 137h, Pause
 * 145h. Codes that name no key are ignored; so are keys while scanning is off or the queue is full. */
void ps2_keyboard_key(struct ps2_keyboard *keyboard, unsigned set1_code, bool down);

/* What an 8042 with translation on makes of a set 2 byte (F0 excepted): the set 1 make code. */
uint8_t ps2_translate(uint8_t set2_byte);

#endif

/* ends.h - small guests, and how each ends. */
#ifndef VX86_TESTS_ENDS_H
#define VX86_TESTS_ENDS_H

#include "rom.h"

/* clang-format off */
#define MOV_AL_OUT(value, port) 0xB0, (value), 0xE6, (port)
#define OUT_CF8(reg) 0x66, 0xB8, (reg), 0x0B, 0x00, 0x80, 0xBA, 0xF8, 0x0C, 0x66, 0xEF /* 00:01.3 */
#define SPIN 0xEB, 0xFE

static const uint8_t debug_exit_code[] = { MOV_AL_OUT(0x2A, 0xF4), SPIN };
static const uint8_t power_off_code[] = {
    OUT_CF8(0x40), 0x66, 0xB8, 0x01, 0x06, 0x00, 0x00, 0xBA, 0xFC, 0x0C, 0x66, 0xEF, /* PM base 600h */
    OUT_CF8(0x80), 0xB0, 0x01, 0xBA, 0xFC, 0x0C, 0xEE,                               /* enabled */
    0xBA, 0x04, 0x06, 0xB8, 0x00, 0x20, 0xEF, SPIN,                                  /* SLP_EN, SLP_TYP 0 */
};
static const uint8_t reset_code[] = { 0xBA, 0xF9, 0x0C, 0xB0, 0x06, 0xEE, SPIN };
static const uint8_t keyboard_reset_code[] = { MOV_AL_OUT(0xFE, 0x64), SPIN };
static const uint8_t triple_fault_code[] = { 0x2E, 0x0F, 0x01, 0x1E, 0x10, 0x00, 0xCC, SPIN }; /* LIDT with limit 0, INT3 */
static const uint8_t dead_code[] = { 0xFA, 0xF4, SPIN };
static const uint8_t spin_code[] = { SPIN };
static const uint8_t sleep_code[] = { MOV_AL_OUT(0xFF, 0x21), 0xFB, 0xF4, 0xEB, 0xFD };

/* IRQ 0 every 1.7 ms; the tenth ends with 7. */
static const uint8_t timer_code[] = {
    0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xD0, 0xBC, 0x00, 0x70,                           /* DS = SS = 0, SP = 7000h */
    0xC7, 0x06, 0x20, 0x00, 0x00, 0x01, 0xC7, 0x06, 0x22, 0x00, 0x00, 0xF0,         /* INT 8: F000:0100 */
    MOV_AL_OUT(0x11, 0x20), MOV_AL_OUT(0x08, 0x21), MOV_AL_OUT(0x04, 0x21), MOV_AL_OUT(0x01, 0x21), MOV_AL_OUT(0xFE, 0x21),
    MOV_AL_OUT(0x34, 0x43), MOV_AL_OUT(0x00, 0x40), MOV_AL_OUT(0x08, 0x40),
    0xFB, 0xF4, 0xEB, 0xFD,
};
static const uint8_t timer_handler[] = {
    0xFF, 0x06, 0x00, 0x05, MOV_AL_OUT(0x20, 0x20), 0x83, 0x3E, 0x00, 0x05, 0x0A, 0x75, 0x04, MOV_AL_OUT(0x07, 0xF4), 0xCF,
};

/* First time: IMR = 5Ah, CMOS[0Fh] = 0Ah, reset by port 92h. The second time round, exit with the IMR: the chips were spared. */
static const uint8_t come_back_code[] = {
    MOV_AL_OUT(0x0F, 0x70), 0xE4, 0x71, 0x84, 0xC0, 0x75, 0x12, MOV_AL_OUT(0x0F, 0x70), MOV_AL_OUT(0x0A, 0x71), MOV_AL_OUT(0x5A, 0x21),
    MOV_AL_OUT(0x01, 0x92), SPIN, 0xE4, 0x21, 0xE6, 0xF4, SPIN,
};
/* The same with CMOS[50h] as the mark and CMOS[0Fh] = 0: the whole board is reset, IMR is 0. */
static const uint8_t reboot_code[] = {
    MOV_AL_OUT(0x50, 0x70), 0xE4, 0x71, 0x84, 0xC0, 0x75, 0x12, MOV_AL_OUT(0x50, 0x70), MOV_AL_OUT(0x0A, 0x71), MOV_AL_OUT(0x5A, 0x21),
    MOV_AL_OUT(0xFE, 0x64), SPIN, 0xE4, 0x21, 0xE6, 0xF4, SPIN,
};

#define CODE(array) array, sizeof array
static const struct {
    const char *name;
    const uint8_t *code;
    size_t bytes;
    const uint8_t *second;
    size_t second_bytes;
    bool no_reboot;
    enum vx_machine_end end;
    int value;
} ends[] = {
    { "debug exit", CODE(debug_exit_code), NULL, 0, true, VX_END_DEBUG_EXIT, 0x2A },
    { "power off", CODE(power_off_code), NULL, 0, false, VX_END_POWER_OFF, 0 },
    { "reset", CODE(reset_code), NULL, 0, true, VX_END_RESET, 0 },
    { "keyboard reset", CODE(keyboard_reset_code), NULL, 0, true, VX_END_RESET, 0 },
    { "triple fault", CODE(triple_fault_code), NULL, 0, true, VX_END_TRIPLE_FAULT, 0 },
    { "dead", CODE(dead_code), NULL, 0, true, VX_END_DEAD, 0 },
    { "timer", CODE(timer_code), CODE(timer_handler), true, VX_END_DEBUG_EXIT, 7 },
    { "come back", CODE(come_back_code), NULL, 0, true, VX_END_DEBUG_EXIT, 0x5A },
    { "reboot", CODE(reboot_code), NULL, 0, false, VX_END_DEBUG_EXIT, 0 },
};
/* clang-format on */

#endif

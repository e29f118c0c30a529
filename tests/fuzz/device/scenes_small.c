/* scenes_small.c - DMA, keyboard and mouse, serial ports, power management, the virtual PC's own. See scenes.h. */
#include "scenes.h"

/* ---- 8237 */

void scene_dma(struct scene *s)
{
    static const uint8_t pages[8] = { 0x87, 0x83, 0x81, 0x82, 0x8F, 0x8B, 0x89, 0x8A };
    unsigned channel = chance(s, 12) ? 4 : below(s, 8), word = channel >= 4;
    unsigned base = word ? 0xC0 : 0, step = word ? 2 : 1, local = channel & 3;
    uint32_t place = memory(s), address = word ? place >> 1 : place;
    if (chance(s, 3))
        out(s, base + 0x0D * step, 0); /* master clear */
    if (chance(s, 4))
        out(s, base + 0x08 * step, chance(s, 2) ? 0 : any(s));
    if (chance(s, 2)) /* the cascade, or channels 0 to 3 get nothing */
        out(s, 0xD6, 0xC0), out(s, 0xD4, 0);
    out(s, base + 0x0C * step, 0);
    out(s, base + 2 * local * step, address);
    out(s, base + 2 * local * step, address >> 8);
    uint32_t count = chance(s, 3) ? any(s) : below(s, 600);
    out(s, base + (2 * local + 1) * step, count);
    out(s, base + (2 * local + 1) * step, count >> 8);
    out(s, pages[channel], place >> 16);
    out(s, base + 0x0B * step, local | below(s, 64) << 2); /* mode */
    out(s, base + 0x0A * step, local | (chance(s, 6) ? 4 : 0));
    host(s, HOST_DREQ, channel | below(s, 2000) << 8);
    if (chance(s, 3))
        out(s, base + 0x09 * step, local | below(s, 2) << 2); /* by software */
    if (chance(s, 4))
        out(s, base + (0x0E + below(s, 2)) * step, any(s));
    for (unsigned i = below(s, 6); i > 0; i--)
        in(s, base + below(s, 16) * step);
    if (chance(s, 8))
        ins(s, 0x80, 1, below(s, 32), buffer(s));
    if (chance(s, 8))
        out(s, 0x80 + below(s, 32), any(s));
}

/* ---- keyboard controller and what hangs on it */

static void command(struct scene *s, unsigned byte)
{
    poll_port(s, 0x64, 2, 0);
    out(s, 0x64, byte);
}

void scene_i8042(struct scene *s)
{
    static const uint8_t commands[] = { 0x20, 0x60, 0x60, 0xA4, 0xA7, 0xA8, 0xA9, 0xAA, 0xAB, 0xAD, 0xAE, 0xC0, 0xD0,
                                        0xD1, 0xD2, 0xD3, 0xD4, 0xDD, 0xDF, 0xE0, 0xF0, 0xFE, 0xFF, 0x25, 0x7F };
    command(s, chance(s, 10) ? any(s) : PICK(s, commands));
    if (chance(s, 2))
        out(s, 0x60, chance(s, 3) ? any(s) : 0x47); /* a command byte with both interrupts */
    if (chance(s, 6))
        out(s, 0x92, below(s, 4) & (chance(s, 6) ? 3 : 2));
    in(s, 0x64);
    pass(s, below(s, 3000000));
    in(s, 0x60);
    if (chance(s, 3))
        in(s, 0x92);
    if (chance(s, 2))
        interrupt(s);
}

static void answers(struct scene *s, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (chance(s, 2))
            pass(s, 1000000);
        else
            poll_port(s, 0x64, 1, 1);
        in(s, 0x60);
    }
}

void scene_keyboard(struct scene *s)
{
    static const uint8_t commands[] = { 0xED, 0xEE, 0xF0, 0xF0, 0xF0, 0xF2, 0xF3, 0xF4, 0xF5, 0xF6, 0xF7,
                                        0xF8, 0xF9, 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF, 0xEF, 0xF1 };
    static const uint16_t keys[] = { 0x01,  0x1C,  0x1D,  0x2A,  0x36,  0x37,  0x38,  0x39,  0x3A,
                                     0x45,  0x46,  0x53,  0x54,  0x57,  0x58,  0x11C, 0x11D, 0x12A,
                                     0x135, 0x137, 0x138, 0x146, 0x148, 0x152, 0x15B, 0x15E, 0x1FF };
    if (chance(s, 2)) {
        out(s, 0x60, chance(s, 12) ? any(s) : PICK(s, commands));
        answers(s, 1 + below(s, 3));
        for (unsigned i = below(s, 3); i > 0; i--)
            out(s, 0x60, chance(s, 4) ? any(s) : below(s, 8));
    }
    if (chance(s, 3)) {
        command(s, 0x60);
        out(s, 0x60, below(s, 2) * 0x40 | below(s, 4));
    }
    for (unsigned i = below(s, chance(s, 6) ? 40 : 5); i > 0; i--) {
        unsigned key = chance(s, 3) ? below(s, 0x180) : PICK(s, keys);
        host(s, HOST_KEY, key);
        if (chance(s, 2))
            host(s, HOST_KEY, 0x80000000 | key);
        if (chance(s, 2))
            answers(s, 1 + below(s, 3));
    }
    interrupt(s);
}

static void to_mouse(struct scene *s, unsigned byte)
{
    command(s, 0xD4);
    out(s, 0x60, byte);
    answers(s, 1);
}

void scene_mouse(struct scene *s)
{
    static const uint8_t commands[] = { 0xE6, 0xE7, 0xE8, 0xE9, 0xEA, 0xEB, 0xEC, 0xEE, 0xF0,
                                        0xF2, 0xF3, 0xF4, 0xF4, 0xF5, 0xF6, 0xFE, 0xFF };
    static const uint8_t knocks[][3] = { { 200, 100, 80 }, { 200, 200, 80 }, { 10, 20, 40 } };
    command(s, 0xA8);
    if (chance(s, 6)) { /* the wheel wants to be knocked for */
        const uint8_t *knock = knocks[below(s, 3)];
        for (unsigned i = 0; i < 3; i++) {
            to_mouse(s, 0xF3);
            to_mouse(s, knock[i]);
        }
        to_mouse(s, 0xF2);
        answers(s, 1);
    }
    for (unsigned i = below(s, 3); i > 0; i--) {
        unsigned byte = chance(s, 10) ? any(s) : PICK(s, commands);
        to_mouse(s, byte);
        if (byte == 0xE8 || byte == 0xF3)
            to_mouse(s, chance(s, 2) ? below(s, 4) : any(s));
        answers(s, below(s, 4));
    }
    for (unsigned i = below(s, chance(s, 6) ? 20 : 4); i > 0; i--) {
        host(s, HOST_POINTER, any(s));
        pass(s, below(s, 12000000));
        answers(s, below(s, 5));
    }
    interrupt(s);
}

/* ---- the absolute pointer */

static void backdoor(struct scene *s, unsigned command, uint32_t argument)
{
    uint32_t magic = chance(s, 30) ? any(s) : 0x564D5868;
    add(s,
        (struct op){
            .kind = OP_IN, .size = 4, .count = (uint16_t)command, .at = 0x5658, .value = magic, .memory = argument });
}

void scene_vmmouse(struct scene *s)
{
    static const uint32_t modes[] = { 0x45414552, 0x45414552, 0x53424152, 0x53424152, 0x4C455252, 0xF5 };
    if (chance(s, 3)) {
        backdoor(s, 41, 0x45414552);
        backdoor(s, 39, 1);
        backdoor(s, 41, 0x53424152);
    }
    for (unsigned i = below(s, 6); i > 0; i--) {
        backdoor(s, 41, chance(s, 12) ? any(s) : PICK(s, modes));
        backdoor(s, 40, 0);
        backdoor(s, chance(s, 12) ? below(s, 100) : 39, chance(s, 3) ? below(s, 9) : 1);
        if (chance(s, 8))
            backdoor(s, 10, any(s));
    }
    for (unsigned i = below(s, chance(s, 6) ? 100 : 8); i > 0; i--) {
        host(s, chance(s, 4) ? HOST_POINTER : HOST_PLACE, any(s));
        if (chance(s, 3))
            backdoor(s, 39, chance(s, 8) ? below(s, 9) : 4);
    }
    if (chance(s, 20))
        in_sized(s, 0x5658 + below(s, 4), 1u << below(s, 3));
    answers(s, below(s, 4));
    interrupt(s);
}

/* ---- serial ports */

void scene_uart(struct scene *s)
{
    unsigned base = chance(s, 3) ? 0x2F8 : 0x3F8;
    if (chance(s, 4)) {
        out(s, base + 3, 0x80 | below(s, 64));
        out(s, base, any(s));
        out(s, base + 1, chance(s, 2) ? 0 : any(s));
        in_sized(s, base, 2);
        out(s, base + 3, below(s, 128));
    }
    if (chance(s, 2))
        out(s, base + 2, below(s, 4) << 6 | below(s, 16));
    if (chance(s, 2))
        out(s, base + 1, below(s, 16));
    if (chance(s, 2))
        out(s, base + 4, below(s, 32));
    if (chance(s, 3))
        host(s, HOST_SERIAL, below(s, 60) << 8 | any(s) << 16);
    for (unsigned i = below(s, 20); i > 0; i--)
        out(s, base, any(s));
    if (chance(s, 6))
        outs(s, base, 1, below(s, 40), buffer(s));
    pass(s, below(s, 2000000));
    for (unsigned i = below(s, 20); i > 0; i--)
        in(s, base + (chance(s, 2) ? 0 : below(s, 8)));
    if (chance(s, 8))
        out(s, base + 3, chance(s, 2) ? 0x40 : 3); /* break */
    if (chance(s, 8))
        out(s, base + 5 + below(s, 3), any(s));
    if (chance(s, 3))
        interrupt(s);
}

/* ---- power management */

static void smbus(struct scene *s, unsigned base)
{
    out(s, base, 0xFF);
    out(s, base + 4, any(s));
    out(s, base + 3, any(s));
    out(s, base + 5, any(s));
    out(s, base + 2, 0x40 | below(s, 8) << 2 | below(s, 4));
    in(s, base + 2);
    in(s, base);
    in_sized(s, base + below(s, 16), 1u << below(s, 3));
}

void scene_pm(struct scene *s)
{
    unsigned base = chance(s, 12) ? below(s, 0x400) * 64 : 0x600;
    if (chance(s, 2)) {
        config_write(s, FN_PM, 0x40, 4, base | 1);
        config_write(s, FN_PM, 0x80, 1, chance(s, 8) ? 0 : 1);
    }
    switch (below(s, 9)) {
    case 0: out_sized(s, base + 2, 2, chance(s, 3) ? any(s) : 0x521); break;
    case 1: out_sized(s, base + 4, 2, chance(s, 8) ? any(s) : below(s, 2)); break;
    case 2:
        host(s, HOST_POWER_BUTTON, 0);
        interrupt(s);
        out_sized(s, base, 2, 0xFFFF);
        break;
    case 3:
        pass(s, 1200000000); /* half of the timer's 24 bits are 2.3 s */
        in_sized(s, base + 8, 4);
        break;
    case 4:
        config_write(s, FN_PM, 0x58, 4, chance(s, 2) ? 0x02000000 : any(s));
        out_sized(s, base + 0x28, 4, chance(s, 2) ? 1 : any(s));
        out(s, 0xB2, chance(s, 2) ? 0xF0 + below(s, 3) : any(s));
        in(s, 0xB2 + below(s, 2));
        break;
    case 5:
        config_write(s, FN_PM, 0x90, 4, 0x701);
        config_write(s, FN_PM, 0xD2, 1, chance(s, 4) ? any(s) : 9);
        smbus(s, 0x700);
        break;
    case 6: out_sized(s, 0xAFE0 + below(s, 4), 1u << below(s, 2), any(s)); break;
    case 7: in_sized(s, 0xAFE0 + below(s, 4), 1u << below(s, 3)); break;
    default: in_sized(s, base + below(s, 64), 1u << below(s, 3)); break;
    }
    if (chance(s, 6))
        config_write(s, FN_PM, below(s, 64) * 4, 4, likely(s));
}

/* ---- what virtual PCs have */

void scene_fw_cfg(struct scene *s)
{
    static const uint16_t keys[] = { 0x00, 0x01, 0x05,   0x0E,   0x19,   0x20,   0x21,   0x22,
                                     0x24, 0x28, 0x3FFF, 0x4019, 0x8000, 0x8001, 0x8003, 0xFFFF };
    uint32_t at = buffer(s), length = chance(s, 3) ? likely(s) : below(s, 0x3000);
    out_sized(s, 0x510, 2, chance(s, 8) ? any(s) : PICK(s, keys));
    if (chance(s, 3)) {
        ins(s, 0x511, 1, below(s, 200), memory(s));
        in(s, 0x511);
        out(s, 0x511, any(s));
        return;
    }
    unsigned control = chance(s, 6) ? any(s) : below(s, 32);
    store(s, at, 4, __builtin_bswap32(control | (uint32_t)PICK(s, keys) << 16));
    store(s, at + 4, 4, __builtin_bswap32(length));
    store(s, at + 8, 4, chance(s, 12) ? any(s) : 0);
    store(s, at + 12, 4, __builtin_bswap32(memory(s)));
    if (chance(s, 12))
        at = memory(s);
    if (chance(s, 8))
        in_sized(s, 0x514 + 4 * below(s, 2), 4);
    if (chance(s, 12))
        out_sized(s, 0x514 + below(s, 8), 1u << below(s, 3), any(s));
    out_sized(s, 0x514, 4, chance(s, 30) ? any(s) : 0);
    out_sized(s, 0x518, 4, __builtin_bswap32(at));
    load(s, at, 4);
}

void scene_small(struct scene *s)
{
    cpu(s, CPU_FERR, below(s, 2));
    out_sized(s, 0xF0, 1, 0);
    in(s, 0xF0);
    out(s, 0x402, any(s));
    in(s, 0x402);
    if (chance(s, 4))
        outs(s, 0x402, 1, below(s, 100), memory(s));
    if (chance(s, 20))
        out_sized(s, 0xF4, 1u << below(s, 3), any(s));
    in(s, 0xF4);
}

void scene_testdev(struct scene *s)
{
    out_sized(s, 0xE0, 1u << below(s, 3), any(s));
    in_sized(s, 0xE0 + below(s, 4), 1u << below(s, 3));
    in_sized(s, 0xE8 + below(s, 4), 1u << below(s, 3));
    out_sized(s, 0xE8 + below(s, 4), 1u << below(s, 3), any(s));
    if (chance(s, 3))
        out_sized(s, 0xE4, 4, memory(s));
    store(s, 0xFF000000 + below(s, 0x10000), 1u << below(s, 3), any(s));
    load(s, 0xFF000000 + below(s, 0x10000), 1u << below(s, 4));
    out(s, 0x2000 + below(s, 24), below(s, 2));
    in(s, 0x2000 + below(s, 24));
}

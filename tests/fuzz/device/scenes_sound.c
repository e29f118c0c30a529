/* scenes_sound.c - sound cards with their DMA. See scenes.h. */
#include "scenes.h"

/* ---- Sound Blaster 16 */

enum { SB = 0x220 };

static void dsp(struct scene *s, unsigned value)
{
    out(s, SB + 0xC, value);
}

static void isa_dma(struct scene *s, bool wide, bool input)
{
    static const uint8_t pages[8] = { 0x87, 0x83, 0x81, 0x82, 0x8F, 0x8B, 0x89, 0x8A };
    unsigned channel = wide ? 5 : 1, base = wide ? 0xC0 : 0, step = wide ? 2 : 1, local = channel & 3;
    uint32_t place = chance(s, 8) ? memory(s) : buffer(s), address = wide ? place >> 1 : place;
    uint32_t count = chance(s, 4) ? any(s) : below(s, 600);
    out(s, 0xD6, 0xC0), out(s, 0xD4, 0);
    out(s, base + 0x0C * step, 0);
    out(s, base + 2 * local * step, address), out(s, base + 2 * local * step, address >> 8);
    out(s, base + (2 * local + 1) * step, count), out(s, base + (2 * local + 1) * step, count >> 8);
    out(s, pages[channel], place >> 16);
    out(s, base + 0x0B * step, local | (chance(s, 10) ? below(s, 64) << 2 : (input ? 0x54u : 0x58u)));
    if (!chance(s, 6))
        out(s, base + 0x0A * step, local);
}

static void sb_program(struct scene *s)
{
    static const uint8_t old[] = { 0x14, 0x1C, 0x24, 0x2C, 0x80, 0x90, 0x91, 0x98, 0x99 };
    bool wide = chance(s, 2), input = chance(s, 5);
    isa_dma(s, wide, input);
    if (chance(s, 2))
        dsp(s, 0x41 + below(s, 2)), dsp(s, chance(s, 6) ? any(s) : 0x56), dsp(s, any(s));
    else if (chance(s, 3))
        dsp(s, 0x40), dsp(s, any(s));
    if (chance(s, 4)) {
        dsp(s, 0x48), dsp(s, any(s)), dsp(s, below(s, 4));
        dsp(s, PICK(s, old));
        dsp(s, any(s)), dsp(s, below(s, 3));
        return;
    }
    dsp(s, (wide ? 0xB0u : 0xC0u) | (input ? 8 : 0) | below(s, 8));
    dsp(s, below(s, 4) << 4), dsp(s, any(s)), dsp(s, chance(s, 6) ? any(s) : below(s, 3));
}

void scene_sb16(struct scene *s)
{
    static const uint8_t commands[] = { 0xD0, 0xD1, 0xD3, 0xD4, 0xD5, 0xD6, 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE3,
                                        0xE4, 0xE8, 0xF2, 0xF3, 0x45, 0x47, 0x20, 0x10, 0x38, 0x74, 0x0E };
    if (chance(s, 3))
        out(s, SB + 6, 1), out(s, SB + 6, chance(s, 12) ? 1 : 0), in(s, SB + 0xA);
    if (chance(s, 4))
        out(s, SB + 4, chance(s, 2) ? 0x80 + below(s, 3) : any(s)), out(s, SB + 5, any(s)), in(s, SB + 5);
    for (unsigned i = 1 + below(s, 3); i > 0; i--) {
        if (chance(s, 2))
            sb_program(s);
        else
            dsp(s, chance(s, 10) ? any(s) : PICK(s, commands));
        pass(s, below(s, chance(s, 5) ? 200000000 : 8000000));
        if (chance(s, 2))
            in(s, SB + 0xE + below(s, 2));
    }
    for (unsigned i = below(s, 20); chance(s, 8) && i > 0; i--)
        dsp(s, 0x10), dsp(s, any(s)), pass(s, below(s, 300000));
    if (chance(s, 3))
        out(s, 0x330 + below(s, 2), chance(s, 2) ? 0xFF : any(s)), in(s, 0x330 + below(s, 2));
    if (chance(s, 6))
        in(s, SB + below(s, 16)), out(s, SB + below(s, 16), any(s));
    interrupt(s);
}

/* ---- AC '97 */

enum { NAM = 0xD000, NABM = 0xD400 };

static void ac97_set_up(struct scene *s)
{
    config_write(s, FN_AC97, 0x10, 4, NAM);
    config_write(s, FN_AC97, 0x14, 4, NABM);
    config_write(s, FN_AC97, 0x04, 2, chance(s, 10) ? below(s, 8) : 5);
    out(s, NABM + 0x2C, chance(s, 8) ? any(s) : 2);
}

static uint32_t ac97_list(struct scene *s)
{
    uint32_t list = chance(s, 12) ? memory(s) : buffer(s);
    for (unsigned i = 1 + below(s, 6); i > 0; i--) {
        unsigned n = below(s, 8);
        store(s, list + 8 * n, 4, chance(s, 6) ? memory(s) : buffer(s));
        store(s, list + 8 * n + 4, 4, (chance(s, 6) ? any(s) : below(s, 2000)) | below(s, 4) << 30);
    }
    return list;
}

void scene_ac97(struct scene *s)
{
    static const uint8_t codec[] = {
        0x00, 0x02, 0x04, 0x18, 0x1A, 0x26, 0x28, 0x2A, 0x2A, 0x2C, 0x2C, 0x32, 0x34, 0x7C
    };
    unsigned engine = NABM + 16 * (chance(s, 3) ? below(s, 3) : 1);
    if (chance(s, 2))
        ac97_set_up(s);
    if (chance(s, 3))
        out_sized(s, NAM + PICK(s, codec), 2, chance(s, 2) ? any(s) : 0x0808);
    if (chance(s, 2)) {
        out(s, engine + 0xB, 0), out(s, engine + 0xB, chance(s, 2) ? 2 : 0);
        out_sized(s, engine, 4, ac97_list(s));
        out(s, engine + 5, chance(s, 8) ? any(s) : below(s, 8));
        out(s, engine + 0xB, chance(s, 8) ? any(s) : 0x1D);
    }
    for (unsigned i = below(s, 4); i > 0; i--) {
        pass(s, below(s, chance(s, 6) ? 300000000 : 30000000));
        in_sized(s, engine + 4, 4), in_sized(s, engine + 8, 2);
        out(s, engine + 6, chance(s, 3) ? any(s) : 0x1C);
        if (chance(s, 2))
            out(s, engine + 5, below(s, 32));
        interrupt(s);
    }
    if (chance(s, 6))
        out_sized(s, NABM + below(s, 64), 1u << below(s, 3), any(s)),
            in_sized(s, NABM + below(s, 64), 1u << below(s, 3));
    if (chance(s, 6))
        in_sized(s, NAM + below(s, 256), 1u << below(s, 3));
}

/* ---- ES1370 */

enum { ES = 0xD800 };

void scene_es1370(struct scene *s)
{
    static const uint8_t regs[] = { 0x00, 0x04, 0x08, 0x0C, 0x10, 0x20, 0x24, 0x28, 0x2C, 0x30, 0x34, 0x38, 0x3C };
    if (chance(s, 2)) {
        config_write(s, FN_ES1370, 0x10, 4, ES);
        config_write(s, FN_ES1370, 0x04, 2, chance(s, 10) ? below(s, 8) : 5);
    }
    for (unsigned i = below(s, 3); i > 0; i--) {
        unsigned channel = below(s, 3);
        out_sized(s, ES + 0x0C, 4, chance(s, 10) ? any(s) : (channel == 2 ? 13u : 12u));
        out_sized(s, ES + (channel == 1 ? 0x38u : 0x30u), 4, chance(s, 6) ? memory(s) : buffer(s));
        out_sized(s, ES + (channel == 1 ? 0x3Cu : 0x34u), 4, chance(s, 6) ? any(s) : below(s, 600));
        out_sized(s, ES + 0x24 + 4 * channel, 4, chance(s, 6) ? any(s) : below(s, 600));
    }
    if (chance(s, 2))
        out_sized(s, ES + 0x20, 4, chance(s, 4) ? any(s) : below(s, 0x800));
    if (chance(s, 2))
        out_sized(s, ES, 4, chance(s, 4) ? any(s) : (below(s, 8) << 4 | below(s, 4) << 12 | below(s, 200) << 16));
    if (chance(s, 4))
        out_sized(s, ES + 0x10, 2, any(s));
    for (unsigned i = below(s, 4); i > 0; i--) {
        pass(s, below(s, chance(s, 6) ? 300000000 : 30000000));
        in_sized(s, ES + PICK(s, regs), 4);
        if (chance(s, 2))
            out_sized(s, ES + 0x20, 4, below(s, 0x800) & ~(chance(s, 2) ? 0x700u : 0u));
        interrupt(s);
    }
    if (chance(s, 6))
        out_sized(s, ES + below(s, 64), 1u << below(s, 3), any(s)), in_sized(s, ES + below(s, 64), 1u << below(s, 3));
}

/* scenes_floppy.c - the floppy controller with its DMA channel. See scenes.h. */
#include "scenes.h"

enum { DOR = 0x3F2, MSR = 0x3F4, FIFO = 0x3F5, CCR = 0x3F7 };

static void byte_for(struct scene *s, unsigned value)
{
    if (!chance(s, 20))
        poll_port(s, MSR, 0xC0, 0x80);
    out(s, FIFO, value);
}

static void results(struct scene *s, unsigned count)
{
    poll_port(s, MSR, 0xC0, 0xC0);
    for (unsigned i = 0; i < count; i++)
        in(s, FIFO);
}

/* Channel 2, which is the controller's. */
static void dma(struct scene *s, bool to_memory)
{
    uint32_t place = chance(s, 8) ? memory(s) : buffer(s), count = chance(s, 3) ? any(s) : 512 * (1 + below(s, 4)) - 1;
    out(s, 0xD6, 0xC0), out(s, 0xD4, 0);
    out(s, 0x0C, 0);
    out(s, 0x04, place), out(s, 0x04, place >> 8);
    out(s, 0x05, count), out(s, 0x05, count >> 8);
    out(s, 0x81, place >> 16);
    out(s, 0x0B, chance(s, 10) ? below(s, 64) << 2 | 2 : (to_memory ? 0x46u : 0x4Au));
    out(s, 0x0A, 2);
}

static void set_up(struct scene *s)
{
    if (chance(s, 2))
        out(s, DOR, below(s, 4));
    out(s, DOR, 0x1C | (chance(s, 8) ? below(s, 4) : 0));
    out(s, CCR, chance(s, 6) ? any(s) : 1 + below(s, 2));
    if (chance(s, 2))
        byte_for(s, 0x03), byte_for(s, 0xD1), byte_for(s, chance(s, 3) ? 3 : 2);
    if (chance(s, 3))
        byte_for(s, 0x13), byte_for(s, 0), byte_for(s, any(s)), byte_for(s, 0);
}

/* A command that looks for sectors, and its data. */
static void transfer(struct scene *s)
{
    static const uint8_t commands[] = { 0x46, 0x46, 0xC6, 0x66, 0x45, 0xC5, 0x49,
                                        0x4C, 0x6C, 0x42, 0x56, 0x51, 0x59, 0x5D };
    unsigned command = PICK(s, commands), r = chance(s, 10) ? any(s) : 1 + below(s, 8);
    bool to_memory = command != 0x45 && command != 0xC5 && command != 0x49 && (command & 0x1F) < 0x11;
    dma(s, to_memory);
    byte_for(s, command);
    byte_for(s, chance(s, 8) ? any(s) : 0);
    byte_for(s, chance(s, 6) ? any(s) : 0);
    byte_for(s, chance(s, 8) ? below(s, 2) : 0);
    byte_for(s, r);
    byte_for(s, chance(s, 12) ? any(s) : 2);
    byte_for(s, chance(s, 3) ? r : 8);
    byte_for(s, 0x1B);
    byte_for(s, chance(s, 2) ? 0xFF : below(s, 4));
    for (unsigned i = below(s, 3); i > 0; i--) {
        if (to_memory)
            ins(s, FIFO, 1, below(s, 600), buffer(s));
        else
            outs(s, FIFO, 1, below(s, 600), buffer(s));
    }
    results(s, 7);
}

static void format(struct scene *s)
{
    uint32_t ids = buffer(s);
    for (unsigned i = 0; i < 8; i++)
        store(s, ids + 4 * i, 4, chance(s, 10) ? any(s) : (i + 1) << 16 | 2u << 24);
    dma(s, false);
    out(s, 0x0C, 0);
    out(s, 0x04, ids), out(s, 0x04, ids >> 8);
    out(s, 0x81, ids >> 16);
    byte_for(s, 0x4D), byte_for(s, below(s, 2) * 4), byte_for(s, 2), byte_for(s, below(s, 10)), byte_for(s, 0x50);
    byte_for(s, any(s));
    results(s, 7);
}

static void other(struct scene *s)
{
    static const uint8_t commands[][7] = {
        { 2, 0x07, 0 },
        { 2, 0x07, 1 },
        { 2, 0x07, 3 },
        { 3, 0x0F, 0, 5 },
        { 3, 0x0F, 1, 90 },
        { 3, 0x8F, 0, 2 },
        { 3, 0xCF, 0, 2 },
        { 1, 0x08 },
        { 1, 0x0E },
        { 2, 0x04, 0 },
        { 2, 0x04, 5 },
        { 1, 0x10 },
        { 1, 0x14 },
        { 1, 0x94 },
        { 2, 0x4A, 0 },
        { 4, 0x13, 0, 0x57 },
        { 2, 0x12, 0x84 },
        { 2, 0x8E, 0x80 },
        { 6, 0x8E, 1, 2, 3, 4, 0xC0 },
    };
    const uint8_t *command = commands[below(s, VX_ARRAY_LEN(commands))];
    for (unsigned i = 1; i <= command[0]; i++)
        byte_for(s, chance(s, 12) ? any(s) : command[i]);
    pass(s, below(s, 200000));
    if (chance(s, 2))
        results(s, below(s, 11));
    if (chance(s, 2))
        byte_for(s, 0x08), results(s, 2);
}

void scene_floppy(struct scene *s)
{
    if (chance(s, 2))
        set_up(s);
    for (unsigned i = 1 + below(s, 4); i > 0; i--) {
        switch (below(s, 5)) {
        case 0: format(s); break;
        case 1: other(s); break;
        case 2: in(s, 0x3F0 + below(s, 8)); break;
        default: transfer(s); break;
        }
    }
    if (chance(s, 8))
        out(s, MSR, chance(s, 2) ? 0x80 | below(s, 4) : any(s));
    if (chance(s, 2))
        interrupt(s);
}

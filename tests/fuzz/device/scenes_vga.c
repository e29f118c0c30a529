/* scenes_vga.c - the screen. See scenes.h. */
#include "scenes.h"

struct mode {
    uint8_t misc, seq[5], gc[9], ac[20];
    uint8_t crtc[25];
};

/* 80x25 text, 320x200 in 256 colours, 640x480 in 16, 320x200 in 4. */
static const struct mode modes[] = {
    { 0x67,
      { 3, 0, 3, 0, 2 },
      { 0, 0, 0, 0, 0, 0x10, 0x0E, 0, 0xFF },
      { 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x0C, 0, 0x0F, 8 },
      { 0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0,    0x4F, 0x0D, 0x0E, 0,
        0,    0,    0,    0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF } },
    { 0x63,
      { 3, 1, 15, 0, 0x0E },
      { 0, 0, 0, 0, 0, 0x40, 0x05, 0x0F, 0xFF },
      { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 0x0F, 0 },
      { 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0,    0x41, 0,    0,   0,
        0,    0,    0,    0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF } },
    { 0xE3,
      { 3, 1, 15, 0, 6 },
      { 0, 0, 0, 0, 0, 0, 0x05, 0x0F, 0xFF },
      { 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 1, 0, 0x0F, 0 },
      { 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0,    0x40, 0,    0,   0,
        0,    0,    0,    0xEA, 0x8C, 0xDF, 0x28, 0,    0xE7, 0x04, 0xE3, 0xFF } },
    { 0x63,
      { 3, 9, 3, 0, 2 },
      { 0, 0, 0, 0, 0, 0x30, 0x0F, 0, 0xFF },
      { 0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 1, 0, 3, 0 },
      { 0x2D, 0x27, 0x28, 0x90, 0x2B, 0x80, 0xBF, 0x1F, 0,    0xC1, 0,    0,   0,
        0,    0,    0,    0x9C, 0x8E, 0x8F, 0x14, 0,    0x96, 0xB9, 0xA2, 0xFF } },
};

static void indexed(struct scene *s, uint32_t port, unsigned index, unsigned value)
{
    out_sized(s, port, 2, (value & 0xFF) << 8 | index);
}

static void attribute(struct scene *s, unsigned index, unsigned value)
{
    in(s, chance(s, 10) ? 0x3BA : 0x3DA);
    out(s, 0x3C0, index);
    out(s, 0x3C0, value);
}

void scene_vga_modes(struct scene *s)
{
    const struct mode *mode = &modes[below(s, VX_ARRAY_LEN(modes))];
    out(s, 0x3C2, mode->misc);
    for (unsigned i = 0; i < 5; i++)
        indexed(s, 0x3C4, i, mode->seq[i]);
    indexed(s, 0x3D4, 0x11, 0);
    for (unsigned i = 0; i < 25; i++)
        indexed(s, 0x3D4, i, chance(s, 60) ? any(s) : mode->crtc[i]);
    for (unsigned i = 0; i < 9; i++)
        indexed(s, 0x3CE, i, chance(s, 40) ? any(s) : mode->gc[i]);
    in(s, 0x3DA);
    for (unsigned i = 0; i < 20; i++) {
        out(s, 0x3C0, i);
        out(s, 0x3C0, chance(s, 40) ? any(s) : mode->ac[i]);
    }
    out(s, 0x3C0, 0x20);
    for (unsigned i = below(s, 8); i > 0; i--)
        store(s, 0xA0000 + below(s, 0x20000), 4, any(s));
    pass(s, 40000000);
    if (chance(s, 2))
        scene_vga(s);
    pass(s, 40000000);
}

void scene_vga(struct scene *s)
{
    switch (below(s, 10)) {
    case 0: indexed(s, 0x3C4, below(s, 8), any(s)); break;
    case 1: indexed(s, 0x3CE, below(s, 10), any(s)); break;
    case 2: indexed(s, chance(s, 10) ? 0x3B4 : 0x3D4, below(s, 0x1A), any(s)); break;
    case 3: attribute(s, below(s, 0x16) | (chance(s, 4) ? 0 : 0x20), any(s)); break;
    case 4: /* palette */
        out(s, 0x3C8 - (chance(s, 3) ? 1 : 0), any(s));
        for (unsigned i = below(s, 8); i > 0; i--)
            chance(s, 3) ? in(s, 0x3C9) : out(s, 0x3C9, any(s));
        in(s, 0x3C7 + below(s, 2));
        break;
    case 5: /* the cursor and the start address */
        for (unsigned i = 0x0A; i < 0x10; i++)
            indexed(s, 0x3D4, i, chance(s, 2) ? any(s) : below(s, 8));
        break;
    case 6: /* where a font is, and split screen */
        indexed(s, 0x3C4, 3, any(s));
        indexed(s, 0x3D4, 0x18, any(s));
        indexed(s, 0x3D4, 0x13, any(s));
        break;
    case 7:
        for (unsigned i = 0; i < 4; i++)
            in_sized(s, 0x3C0 + below(s, 32), 1u << below(s, 2));
        break;
    case 8: out(s, chance(s, 2) ? 0x3C2 : 0x3C6 + below(s, 2) * 0x14, any(s)); break;
    default: /* the same registers in BAR 2 */
        config_write(s, FN_VGA, 0x18, 4, 0xE1000000);
        config_write(s, FN_VGA, 0x04, 2, 3);
        for (unsigned i = 0; i < 4; i++) {
            uint32_t at = 0xE1000000 + (chance(s, 8) ? below(s, 0x1000) : 0x400 + below(s, 3) * 0x100 + below(s, 0x20));
            chance(s, 2) ? store(s, at, 1u << below(s, 3), likely(s)) : load(s, at, 1u << below(s, 4));
        }
        break;
    }
    if (chance(s, 3))
        pass(s, 35000000);
}

void scene_vga_memory(struct scene *s)
{
    static const uint8_t misc[] = { 0x00, 0x04, 0x05, 0x08, 0x0C, 0x0E, 0x01, 0x03 };
    if (chance(s, 2)) {
        indexed(s, 0x3C4, 4, below(s, 16));
        indexed(s, 0x3C4, 2, chance(s, 2) ? 15 : any(s));
        indexed(s, 0x3CE, 6, PICK(s, misc));
        indexed(s, 0x3CE, 5, below(s, 128));
        indexed(s, 0x3CE, 4, below(s, 4));
    }
    if (chance(s, 3)) {
        indexed(s, 0x3CE, 0, any(s));
        indexed(s, 0x3CE, 1, any(s));
        indexed(s, 0x3CE, 2, any(s));
        indexed(s, 0x3CE, 3, below(s, 32));
        indexed(s, 0x3CE, 7, any(s));
        indexed(s, 0x3CE, 8, chance(s, 2) ? 0xFF : any(s));
    }
    if (chance(s, 12)) /* often enough for the window to be mapped */
        for (unsigned i = 0; i < 6; i++)
            outs(s, 0x402, 1, 200, 0xA0000 + below(s, 0xFF00));
    uint32_t at = 0xA0000 + below(s, 0x20000);
    for (unsigned i = below(s, 10); i > 0; i--) {
        chance(s, 2) ? store(s, at, 1u << below(s, 4), any(s)) : load(s, at, 1u << below(s, 4));
        at = chance(s, 3) ? 0xA0000 + below(s, 0x20000) : at + below(s, 8);
    }
    if (chance(s, 4))
        outs(s, 0x80, 4, below(s, 300), at);
    if (chance(s, 3))
        pass(s, 35000000);
}

void scene_vbe(struct scene *s)
{
    static const uint16_t widths[] = { 320, 640, 800, 1024, 1280, 2560, 8, 0, 65535 };
    static const uint16_t heights[] = { 200, 480, 600, 768, 1024, 1600, 1, 0, 65535 };
    static const uint8_t depths[] = { 4, 8, 15, 16, 24, 32, 0, 7 };
    uint16_t values[10] = { 0xB0C5,
                            PICK(s, widths),
                            PICK(s, heights),
                            PICK(s, depths),
                            0,
                            (uint16_t)any(s),
                            (uint16_t)any(s),
                            (uint16_t)any(s),
                            0,
                            0 };
    out_sized(s, 0x1CE, 2, 4);
    if (chance(s, 2))
        out_sized(s, 0x1CF, 2, 0);
    for (unsigned i = 1; i < 4; i++) {
        out_sized(s, 0x1CE, 2, i);
        out_sized(s, 0x1CF, 2, values[i]);
    }
    out_sized(s, 0x1CE, 2, 4);
    out_sized(s, 0x1CF, 2, chance(s, 3) ? any(s) : chance(s, 2) ? 0x41 : 0xC1);
    for (unsigned i = 5; i < 10; i++)
        if (chance(s, 3)) {
            out_sized(s, 0x1CE, 2, i);
            out_sized(s, chance(s, 8) ? 0x1D0 : 0x1CF, 2, chance(s, 2) ? below(s, 64) : values[i]);
        }
    config_write(s, FN_VGA, 0x10, 4, 0xE0000000);
    config_write(s, FN_VGA, 0x04, 2, 3);
    for (unsigned i = below(s, 10); i > 0; i--)
        store(s, (chance(s, 4) ? 0xA0000 : 0xE0000000) + below(s, 0x20000), 4, any(s));
    for (unsigned i = 0; i < 3; i++) {
        out_sized(s, 0x1CE, 2, below(s, 16));
        in_sized(s, 0x1CF, 2);
        in_sized(s, 0x1CE, 1u << below(s, 2));
    }
    pass(s, 35000000);
    if (chance(s, 3))
        store(s, 0xE0000000 + below(s, 0x20000), 4, any(s));
    pass(s, 35000000);
}

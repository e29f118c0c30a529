/* test_vga.c - registers, PCI, timing, pictures. */
#include <criterion/criterion.h>

#include "vga_rig.h"

#define MS 1000000ull

static uint32_t grey(unsigned level) /* of 64 */
{
    uint32_t v = level << 2 | level >> 4;
    return v << 16 | v << 8 | v;
}

/* What reads back of FFh in every register, with the CRTC unprotected. */
Test(vga, register_masks)
{
    static const struct {
        uint16_t port;
        uint8_t index, back;
    } table[] = {
        { 0x3C4, 0, 0x03 }, { 0x3C4, 1, 0x3D },    { 0x3C4, 2, 0x0F },    { 0x3C4, 3, 0x3F },    { 0x3C4, 4, 0x0E },
        { 0x3C4, 5, 0 },    { 0x3CE, 0, 0x0F },    { 0x3CE, 1, 0x0F },    { 0x3CE, 2, 0x0F },    { 0x3CE, 3, 0x1F },
        { 0x3CE, 4, 0x03 }, { 0x3CE, 5, 0x7B },    { 0x3CE, 6, 0x0F },    { 0x3CE, 7, 0x0F },    { 0x3CE, 8, 0xFF },
        { 0x3CE, 9, 0 },    { 0x3D4, 0x00, 0xFF }, { 0x3D4, 0x07, 0xFF }, { 0x3D4, 0x18, 0xFF }, { 0x3D4, 0x19, 0 },
        { 0x3D4, 0xFF, 0 },
    };
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_out(&rig, 0x3C2, 0x01);
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        vga_out(&rig, table[i].port, table[i].index);
        cr_expect_eq(vga_in(&rig, table[i].port + 1), 0, "%x/%x after reset", table[i].port, table[i].index);
        vga_out(&rig, table[i].port + 1, 0xFF);
        cr_expect_eq(vga_in(&rig, table[i].port + 1), table[i].back, "%x/%x", table[i].port, table[i].index);
    }
    for (unsigned i = 0; i < 0x20; i++) {
        static const uint8_t back[5] = { 0xEF, 0xFF, 0x3F, 0x0F, 0x0F };
        vga_set_ac(&rig, i, 0xFF);
        cr_expect_eq(vga_in(&rig, 0x3C1), i < 16 ? 0x3F : i < 21 ? back[i - 16] : 0, "attribute %x", i);
    }
    vga_rig_fini(&rig);
}

Test(vga, ports)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    cr_expect_eq(vga_in(&rig, 0x3D4), 0xFF); /* monochrome after reset */
    vga_out(&rig, 0x3B4, 0x0E);
    cr_expect_eq(vga_in(&rig, 0x3B4), 0x0E);
    vga_out(&rig, 0x3C2, 0xFF);
    cr_expect_eq(vga_in(&rig, 0x3CC), 0xEF);
    cr_expect_eq(vga_in(&rig, 0x3B4), 0xFF);
    cr_expect_eq(vga_in(&rig, 0x3D4), 0x0E);

    vga_out(&rig, 0x3D4, 0x11); /* protection: all of 0 to 7 but bit 4 of 7 */
    vga_out(&rig, 0x3D5, 0x80);
    vga_set(&rig, 0x3D4, 0x00, 0x55);
    vga_set(&rig, 0x3D4, 0x07, 0xFF);
    vga_out(&rig, 0x3D4, 0x00);
    cr_expect_eq(vga_in(&rig, 0x3D5), 0x00);
    vga_out(&rig, 0x3D4, 0x07);
    cr_expect_eq(vga_in(&rig, 0x3D5), 0x10);

    vga_in(&rig, 0x3DA); /* the flip-flop: index, data, index */
    vga_out(&rig, 0x3C0, 0x05);
    vga_out(&rig, 0x3C0, 0x2A);
    vga_out(&rig, 0x3C0, 0x06);
    vga_in(&rig, 0x3DA);
    vga_out(&rig, 0x3C0, 0x05);
    cr_expect_eq(vga_in(&rig, 0x3C1), 0x2A);
    cr_expect_eq(vga_in(&rig, 0x3C0), 0x05);

    vga_out(&rig, 0x3C8, 255); /* the DAC wraps, keeps six bits, and changes an entry only when it is complete */
    for (unsigned i = 0; i < 6; i++)
        vga_out(&rig, 0x3C9, 0xF1 + i);
    vga_out(&rig, 0x3C9, 9);
    vga_out(&rig, 0x3C7, 255);
    cr_expect_eq(vga_in(&rig, 0x3C7), 3);
    cr_expect_eq(vga_in(&rig, 0x3C8), 0, "one address register, and the colour is fetched ahead");
    for (unsigned i = 0; i < 6; i++)
        cr_expect_eq(vga_in(&rig, 0x3C9), 0x31 + i);
    cr_expect_eq(vga_in(&rig, 0x3C9), 0);
    vga_out(&rig, 0x3C8, 1);
    cr_expect_eq(vga_in(&rig, 0x3C7), 0);
    vga_rig_fini(&rig);
}

/* Text and 480-line timing at 70 and 60 Hz, and with senseless registers: retrace comes and goes, once per frame. */
Test(vga, retrace)
{
    static const struct {
        const struct vga_mode *mode;
        unsigned low_hz, high_hz;
    } table[] = {
        { &vga_mode_text, 69, 71 },
        { &vga_mode_12h, 59, 61 },
        { &vga_mode_04h, 69, 71 },
        { NULL, 59, 61 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        struct vga_rig rig;
        unsigned frames = 0, off = 0, last = 0;
        vga_rig_init(&rig, false);
        if (table[i].mode != NULL)
            vga_set_mode(&rig, table[i].mode);
        else
            vga_out(&rig, 0x3C2, 1);
        for (unsigned us = 0; us < 1000000; us += 5) {
            unsigned status = vga_in(&rig, 0x3DA);
            frames += (status & 8) && !(last & 8);
            off += status & 1;
            cr_assert(!(status & 8) || (status & 1));
            last = status;
            vx_clock_advance(rig.clock, 5000);
        }
        cr_assert(frames >= table[i].low_hz && frames <= table[i].high_hz, "row %zu: %u frames", i, frames);
        cr_assert(off > 50000 && off < 100000, "row %zu: %u of 200000 blanked", i, off);
        vga_rig_fini(&rig);
    }
}

Test(vga, text_to_cells)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_set_mode(&rig, &vga_mode_text);
    vx_pmap_store(rig.pmap, 0xB8000, 4, 0x1F69074Fu);
    vx_pmap_store(rig.pmap, 0xB8000 + 2 * (24 * 80 + 79), 2, 0x8C2A);
    vga_set(&rig, 0x3D4, 0x0E, (10 * 80 + 5) >> 8);
    vga_set(&rig, 0x3D4, 0x0F, (10 * 80 + 5) & 255);
    vx_clock_advance(rig.clock, 50 * MS);
    const struct vx_screen *s = &rig.last;
    cr_assert(s->cells != NULL && s->columns == 80 && s->rows == 25 && s->pixels == NULL && s->width == 0);
    cr_assert(s->cells[0].ch == 'O' && s->cells[0].attr == 0x07 && s->cells[1].ch == 'i' && s->cells[1].attr == 0x1F);
    cr_assert(s->cells[1999].ch == '*' && s->cells[1999].attr == 0x8C);
    cr_assert(s->cursor_visible && s->cursor_row == 10 && s->cursor_column == 5 && s->blink);

    vga_set(&rig, 0x3D4, 0x0A, 0x20); /* cursor off; page flip by 80 characters; split screen from line 200 on */
    vga_set(&rig, 0x3D4, 0x0D, 80);
    vga_set(&rig, 0x3D4, 0x18, 207);
    vga_set(&rig, 0x3D4, 0x07, 0x0F);
    vga_set(&rig, 0x3D4, 0x09, 0x0F);
    vga_set_ac(&rig, 0x10, 0x04);
    vga_out(&rig, 0x3C0, 0x20);
    vx_clock_advance(rig.clock, 50 * MS);
    cr_assert(!s->cursor_visible && !s->blink && s->cells[0].ch == 0);
    cr_assert(s->cells[13 * 80].ch == 'O' && s->cells[12 * 80].ch == 0);

    vga_set(&rig, 0x3C4, 1, 0x20); /* screen off */
    vx_clock_advance(rig.clock, 50 * MS);
    cr_assert(s->cells == NULL && s->columns == 0 && s->width == 0);
    vga_rig_fini(&rig);
}

static uint32_t pixel(const struct vga_rig *rig, unsigned x, unsigned y)
{
    return rig->last.pixels != NULL && x < rig->last.width && y < rig->last.height
               ? rig->last.pixels[y * rig->last.width + x]
               : 0xDEAD0000;
}

Test(vga, graphics_to_pixels)
{
    struct vga_rig rig;
    vga_rig_init(&rig, true);

    vga_set_mode(&rig, &vga_mode_12h); /* one dot, colour 14 at (9, 2) */
    vga_set(&rig, 0x3CE, 8, 0x40);
    vga_set(&rig, 0x3CE, 5, 0x02);
    vx_pmap_store(rig.pmap, 0xA0000 + 2 * 80 + 1, 1, 14);
    vx_clock_advance(rig.clock, 50 * MS);
    cr_expect(rig.last.width == 640 && rig.last.height == 480 && rig.last.columns == 0);
    cr_expect_eq(pixel(&rig, 9, 2), grey(0x3E));
    cr_expect_eq(pixel(&rig, 8, 2), grey(0));
    vga_set_ac(&rig, 0x13, 1); /* panned by one dot */
    vga_out(&rig, 0x3C0, 0x20);
    vx_clock_advance(rig.clock, 50 * MS);
    cr_expect_eq(pixel(&rig, 8, 2), grey(0x3E));

    vga_set_mode(&rig, &vga_mode_13h);
    vx_pmap_store(rig.pmap, 0xA0000 + 100 * 320 + 7, 1, 33);
    vx_clock_advance(rig.clock, 50 * MS);
    cr_expect(rig.last.width == 320 && rig.last.height == 200);
    cr_expect_eq(pixel(&rig, 7, 100), grey(33));

    vga_set(&rig, 0x3C4, 4, 0x06); /* mode X shows every address; those between chain-4's are empty */
    vga_set(&rig, 0x3D4, 0x14, 0x00);
    vga_set(&rig, 0x3D4, 0x17, 0xE3);
    vga_set(&rig, 0x3C4, 2, 0x04);
    vx_pmap_store(rig.pmap, 0xA0000 + 80 * 3 + 2, 1, 21);
    vx_clock_advance(rig.clock, 50 * MS);
    cr_expect_eq(pixel(&rig, 7, 100), grey(0));
    cr_expect_eq(pixel(&rig, 10, 3), grey(21));

    vga_set_mode(&rig, &vga_mode_04h); /* CGA: odd lines at 2000h */
    vx_pmap_store(rig.pmap, 0xB8000 + 0x2000, 1, 0x1B);
    vx_clock_advance(rig.clock, 50 * MS);
    cr_expect(rig.last.width == 320 && rig.last.height == 200);
    cr_expect_eq(pixel(&rig, 1, 1), grey(0x13));
    cr_expect_eq(pixel(&rig, 2, 1), grey(0x15));
    cr_expect_eq(pixel(&rig, 3, 1), grey(0x17));
    vga_rig_fini(&rig);
}

/* A glyph in plane 2, a character that uses it, nine dots wide, with cursor. */
Test(vga, text_to_pixels)
{
    struct vga_rig rig;
    vga_rig_init(&rig, true);
    vga_set_mode(&rig, &vga_mode_text);
    vga_set(&rig, 0x3C4, 2, 0x04);
    vga_set(&rig, 0x3C4, 4, 0x06);
    vga_set(&rig, 0x3CE, 5, 0x00);
    vga_set(&rig, 0x3CE, 6, 0x04);
    vx_pmap_store(rig.pmap, 0xA0000 + 0xC4 * 32 + 3, 1, 0x81);
    vx_pmap_store(rig.pmap, 0xA0000 + 'A' * 32 + 3, 1, 0x01);
    vga_set_mode(&rig, &vga_mode_text);
    vx_pmap_store(rig.pmap, 0xB8000, 4, 0x1241u << 16 | 0x17C4u);
    vx_clock_advance(rig.clock, 50 * MS);
    cr_assert(rig.last.width == 720 && rig.last.height == 400 && rig.last.columns == 80);
    static const struct {
        unsigned x, y, level;
    } dots[] = {
        { 0, 3, 7 },  { 1, 3, 1 },  { 7, 3, 7 },  { 8, 3, 7 },                /* line graphics go into the ninth dot */
        { 16, 3, 2 }, { 17, 3, 1 }, { 0, 13, 7 }, { 4, 14, 7 }, { 4, 12, 1 }, /* cursor lines 13 and 14 */
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(dots); i++)
        cr_expect_eq(pixel(&rig, dots[i].x, dots[i].y), grey(dots[i].level), "(%u, %u): %06x", dots[i].x, dots[i].y,
                     pixel(&rig, dots[i].x, dots[i].y));
    vga_rig_fini(&rig);
}

Test(vga, pci_and_mmio)
{
    struct vga_rig rig;
    vga_rig_init(&rig, true);
    cr_expect_eq(pci_read_config(rig.pci, 2, 0, 0, 4), 0x11111234);
    cr_expect_eq(pci_read_config(rig.pci, 2, 0, 8, 4), 0x03000002);
    for (unsigned bar = 0x10; bar <= 0x30; bar += 4)
        pci_write_config(rig.pci, 2, 0, bar, 4, 0xFFFFFFFF);
    cr_expect_eq(pci_read_config(rig.pci, 2, 0, 0x10, 4), 0xFF000008);
    cr_expect_eq(pci_read_config(rig.pci, 2, 0, 0x18, 4), 0xFFFFF000);
    cr_expect_eq(pci_read_config(rig.pci, 2, 0, 0x30, 4), 0xFFFF0001);
    pci_write_config(rig.pci, 2, 0, 0x10, 4, 0xE0000000);
    pci_write_config(rig.pci, 2, 0, 0x18, 4, 0xE1000000);
    pci_write_config(rig.pci, 2, 0, 0x30, 4, 0xE2000001);
    pci_write_config(rig.pci, 2, 0, 0x04, 2, 3);
    cr_expect_eq(vx_pmap_load(rig.pmap, 0xE2000000, 4), 0x007FAA55);
    vx_pmap_store(rig.pmap, 0xE2000000, 1, 0);
    cr_expect_eq(vx_pmap_load(rig.pmap, 0xE2000000, 1), 0x55);

    cr_expect_eq(vx_pmap_load(rig.pmap, 0xE1000500, 2), 0xB0C5);
    cr_expect_eq(vx_pmap_load(rig.pmap, 0xE1000514, 2), 256);
    cr_expect_eq(vx_pmap_load(rig.pmap, 0xE1000600, 4), 8);
    cr_expect_eq(vx_pmap_load(rig.pmap, 0xE1000604, 4), 0x1E1E1E1E);
    cr_expect_eq(vx_pmap_load(rig.pmap, 0xE1000000, 8), 0);
    vx_pmap_store(rig.pmap, 0xE1000402, 1, 0x67); /* miscellaneous output */
    cr_expect_eq(vga_in(&rig, 0x3CC), 0x67);
    (void)vx_pmap_load(rig.pmap, 0xE100041A, 1);
    vx_pmap_store(rig.pmap, 0xE1000400, 1, 0x20);

    static const uint16_t mode[][2] = { { 4, 0 }, { 1, 800 }, { 2, 600 }, { 3, 32 }, { 4, 0x41 } };
    for (size_t i = 0; i < VX_ARRAY_LEN(mode); i++)
        vx_pmap_store(rig.pmap, 0xE1000500 + 2u * mode[i][0], 2, mode[i][1]);
    vx_pmap_store(rig.pmap, 0xE0000000 + 4 * (800 * 599 + 799), 4, 0x00123456);
    vx_clock_advance(rig.clock, 100 * MS);
    cr_expect(rig.last.width == 800 && rig.last.height == 600);
    cr_expect_eq(pixel(&rig, 799, 599), 0x123456);
    vga_rig_fini(&rig);
}

Test(vga, vbe_modes)
{
    static const struct {
        unsigned bpp, bytes;
        uint32_t raw, rgb;
    } table[] = {
        { 8, 1, 0x21, 0x868686 },      { 15, 2, 0x7C1F, 0xFF00FF },     { 16, 2, 0x07E1, 0x00FF08 },
        { 24, 3, 0xA1B2C3, 0xA1B2C3 }, { 32, 4, 0x00D4E5F6, 0xD4E5F6 }, { 7, 1, 0x3F, 0xFFFFFF },
    };
    struct vga_rig rig;
    vga_rig_init(&rig, true);
    vga_set_mode(&rig, &vga_mode_13h);
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        vga_vbe(&rig, 4, 0);
        vga_vbe(&rig, 1, 640);
        vga_vbe(&rig, 2, 400);
        vga_vbe(&rig, 3, table[i].bpp);
        vga_vbe(&rig, 4, 1);
        vga_vbe(&rig, 6, 704); /* a wider virtual screen, shown from (8, 100) on */
        vga_vbe(&rig, 8, 8);
        vga_vbe(&rig, 9, 100);
        uint32_t at = (704 * 101 + 10) * table[i].bytes; /* through the banked window */
        for (unsigned b = 0; b < table[i].bytes; b++) {
            vga_vbe(&rig, 5, (at + b) >> 16);
            vx_pmap_store(rig.pmap, 0xA0000 + ((at + b) & 0xFFFF), 1, table[i].raw >> (8 * b) & 0xFF);
        }
        vx_clock_advance(rig.clock, 100 * MS);
        cr_expect(rig.last.width == 640 && rig.last.height == 400);
        cr_expect_eq(pixel(&rig, 2, 1), table[i].rgb, "%u bits: %06x", table[i].bpp, pixel(&rig, 2, 1));
    }
    vga_vbe(&rig, 4, 0);
    vga_vbe(&rig, 3, 4); /* planar, and the 8-bit DAC */
    vga_vbe(&rig, 4, 0x21);
    vga_out(&rig, 0x3C8, 1);
    for (unsigned i = 0; i < 3; i++)
        vga_out(&rig, 0x3C9, 0xFB + i);
    vga_set(&rig, 0x3C4, 4, 0x06);
    vga_set(&rig, 0x3C4, 2, 0x01);
    vx_pmap_store(rig.pmap, 0xA0000 + 80 + 1, 1, 0x10);
    vx_clock_advance(rig.clock, 100 * MS);
    cr_expect_eq(pixel(&rig, 11, 1), 0xFBFCFD);
    vga_rig_fini(&rig);
}

/* Impossible requests become possible ones; the registers say which. */
Test(vga, vbe_limits)
{
    static const struct {
        uint16_t x, y, bpp, got_x, got_y;
    } table[] = {
        { 0, 0, 32, 8, 1 },
        { 1023, 768, 32, 1016, 768 },
        { 65535, 65535, 8, 2560, 1600 },
        { 65535, 65535, 32, 2560, 1600 },
    };
    struct vga_rig rig;
    vga_rig_init(&rig, true);
    vga_out(&rig, 0x3C2, 1);
    vga_out(&rig, 0x3C0, 0x20);
    cr_expect_eq(vga_vbe_get(&rig, 0), 0xB0C5);
    vga_vbe(&rig, 0, 0xB0C2);
    cr_expect_eq(vga_vbe_get(&rig, 0), 0xB0C2);
    vga_vbe(&rig, 0, 0xB0C6);
    cr_expect_eq(vga_vbe_get(&rig, 0), 0xB0C2);
    cr_expect_eq(vga_vbe_get(&rig, 0x0A), 256);
    vga_vbe(&rig, 4, 2);
    cr_expect_eq(vga_vbe_get(&rig, 1), 2560);
    cr_expect_eq(vga_vbe_get(&rig, 3), 32);
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        vga_vbe(&rig, 4, 0);
        vga_vbe(&rig, 1, table[i].x);
        vga_vbe(&rig, 2, table[i].y);
        vga_vbe(&rig, 3, table[i].bpp);
        vga_vbe(&rig, 4, 1);
        vga_vbe(&rig, 6, 65535);
        vga_vbe(&rig, 8, 65535);
        vga_vbe(&rig, 9, 65535);
        unsigned x = vga_vbe_get(&rig, 1), y = vga_vbe_get(&rig, 2), width = vga_vbe_get(&rig, 6);
        unsigned bytes = (vga_vbe_get(&rig, 9) + y) * width * table[i].bpp / 8;
        vga_vbe(&rig, 6, 0);
        cr_expect(x == table[i].got_x, "row %zu: width %u", i, x);
        cr_expect(y <= table[i].got_y && y > 0 && bytes <= VX_VGA_VRAM_BYTES, "row %zu: height %u, %u bytes", i, y,
                  bytes);
        cr_expect(vga_vbe_get(&rig, 6) >= x);
        vx_clock_advance(rig.clock, 300 * MS);
    }
    vga_rig_fini(&rig);
}

/* Reset takes the picture away and the window back, whatever was mapped. */
Test(vga, reset)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_set_mode(&rig, &vga_mode_13h);
    for (unsigned i = 0; i < 1024; i++)
        vx_pmap_store(rig.pmap, 0xA0000, 1, 0);
    cr_assert_neq(vx_pmap_write_page(rig.pmap, 0xA0000), VX_PMAP_BUS);
    cr_assert_eq(vx_pmap_write_page(rig.pmap, 0xB0000), VX_PMAP_BUS);
    vga_vbe(&rig, 1, 640);
    vga_vbe(&rig, 2, 480);
    vga_vbe(&rig, 3, 8);
    vga_vbe(&rig, 4, 0x41);
    vga_type.reset(rig.vga, VX_RESET_HOLD);
    vga_type.reset(rig.vga, VX_RESET_RELEASE);
    vx_clock_advance(rig.clock, 100 * MS);
    cr_assert_eq(vx_pmap_write_page(rig.pmap, 0xA0000), VX_PMAP_BUS);
    cr_assert_eq(vga_vbe_get(&rig, 4), 0);
    cr_assert(rig.last.width == 0 && rig.last.columns == 0);
    vga_rig_fini(&rig);
}

/* A guest that writes anything anywhere gets a picture of some kind and harms no one. */
Test(vga, hostile_registers)
{
    static const uint16_t ports[] = { 0x3C0, 0x3C2, 0x3C4, 0x3C5, 0x3C6, 0x3C8, 0x3C9,
                                      0x3CE, 0x3CF, 0x3D4, 0x3D5, 0x3DA, 0x3B4, 0x3B5 };
    struct vga_rig rig;
    uint32_t seed = 7;
    vga_rig_init(&rig, true);
    for (unsigned i = 0; i < 60000; i++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned value = seed >> 12 & 0xFFFF;
        if (i % 50 < 40)
            vga_out(&rig, ports[(seed >> 28) % VX_ARRAY_LEN(ports)], value & 0xFF);
        else if (i % 50 < 44)
            vga_vbe(&rig, value >> 12, value & 0xFFF);
        else if (i % 50 < 49)
            vx_pmap_store(rig.pmap, 0xA0000 + (seed >> 8 & 0x1FFFC), 4, seed);
        if (i % 200 == 0) {
            vga_in(&rig, 0x3DA);
            vga_out(&rig, 0x3C0, 0x20);
            vx_clock_advance(rig.clock, 40 * MS);
        }
    }
    cr_assert(rig.updates > 100, "%u updates", rig.updates);
    vga_rig_fini(&rig);
}

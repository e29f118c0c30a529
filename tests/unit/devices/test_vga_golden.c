/* test_vga_golden.c - pictures computed a second time, slowly, from the registers: line after line and dot after dot as
 * the CRT controller counts, by IBM's "Video Subsystem" chapter, without a look at how the chip does it. */
#include <criterion/criterion.h>

#include "rng.h"
#include "vga_rig.h"

enum { PLANE = 0x10000, MAX_LINES = 1024, MAX_DOTS = 256 * 9, PROGRAMS = 400 };

/* What the test has written into the chip. */
struct model {
    struct vga_mode mode;
    uint8_t color_select, dac_mask;
    uint8_t dac[256][3];
    uint8_t plane[4][PLANE];
};

static struct model model;
static uint32_t golden[MAX_LINES][MAX_DOTS];

static bool bit(unsigned value, unsigned number)
{
    return (value >> number & 1) != 0;
}

/* ---- the CRT controller ------------------------------------------------------------------------------------------ */

/* Memory address outputs 0 to 15 one by one: from the counter, the row scan in some layouts. */
static unsigned address_of(unsigned counter, unsigned row_scan)
{
    const uint8_t *cr = model.mode.crtc;
    unsigned address = 0;
    for (unsigned out = 0; out < 16; out++) {
        unsigned from = out;
        if (bit(cr[0x14], 6)) /* doublewords */
            from = out < 2 ? out + 14 : out - 2;
        else if (!bit(cr[0x17], 6)) /* words */
            from = out != 0 ? out - 1 : bit(cr[0x17], 5) ? 15 : 13;
        bool set = bit(counter, from);
        if (out == 13 && !bit(cr[0x17], 0))
            set = bit(row_scan, 0);
        if (out == 14 && !bit(cr[0x17], 1))
            set = bit(row_scan, 1);
        address |= (unsigned)set << out;
    }
    return address;
}

static unsigned vertical(unsigned low, unsigned bit8, unsigned bit9)
{
    return low | bit8 << 8 | bit9 << 9;
}

/* ---- colours ----------------------------------------------------------------------------------------------------- */

static uint32_t six_to_eight(unsigned value)
{
    return value * 4 + value / 16;
}

static uint32_t from_dac(unsigned index)
{
    const uint8_t *rgb = model.dac[index & model.dac_mask];
    return six_to_eight(rgb[0]) * 0x10000 + six_to_eight(rgb[1]) * 0x100 + six_to_eight(rgb[2]);
}

static uint32_t from_palette(unsigned dot)
{
    const uint8_t *ac = model.mode.ac;
    unsigned index = ac[dot & ac[0x12] & 15] & 0x3F;
    if (bit(ac[0x10], 7))
        index = (index & 0x0F) + (model.color_select & 3) * 16;
    return from_dac(index + (model.color_select >> 2 & 3) * 64);
}

/* ---- dots -------------------------------------------------------------------------------------------------------- */

static bool font_dot(unsigned character, unsigned attribute, unsigned row_scan, unsigned dot)
{
    static const unsigned map_at[8] = { 0x0000, 0x4000, 0x8000, 0xC000, 0x2000, 0x6000, 0xA000, 0xE000 };
    unsigned select = model.mode.seq[2]; /* map B: bits 4, 1, 0; map A, for attributes with bit 3: bits 5, 3, 2 */
    unsigned map = bit(attribute, 3) ? bit(select, 5) * 4u + (select >> 2 & 3) : bit(select, 4) * 4u + (select & 3);
    if (dot == 8 && !(bit(model.mode.ac[0x10], 2) && character >= 0xC0 && character <= 0xDF))
        return false;
    return bit(model.plane[2][map_at[map] + character * 32 + row_scan], dot == 8 ? 0 : 7 - dot);
}

static uint32_t text_dot(unsigned counter, unsigned row_scan, unsigned dot)
{
    const uint8_t *cr = model.mode.crtc, *ac = model.mode.ac;
    unsigned at = address_of(counter, row_scan);
    unsigned character = model.plane[0][at], attribute = model.plane[1][at];
    unsigned cursor = cr[0x0E] * 256u + cr[0x0F] + (cr[0x0B] >> 5 & 3);
    bool lit = font_dot(character, attribute, row_scan, dot);
    if (!bit(cr[0x0A], 5) && (counter & 0xFFFF) == (cursor & 0xFFFF) && row_scan >= (cr[0x0A] & 31u) &&
        row_scan <= (cr[0x0B] & 31u))
        lit = true;
    bool monochrome = bit(ac[0x10], 1);
    if (monochrome && (attribute & 7) == 1 && (attribute >> 4 & 7) == 0 && row_scan == (cr[0x14] & 31u))
        lit = true;
    if (lit)
        return from_palette(attribute & 15);
    return from_palette(bit(ac[0x10], 3) ? attribute >> 4 & 7 : attribute >> 4);
}

static uint32_t graphics_dot(unsigned counter, unsigned row_scan, unsigned dot)
{
    unsigned at = address_of(counter, row_scan), color = 0;
    if (bit(model.mode.gc[5], 6)) /* a byte a dot, plane after plane */
        return from_dac(model.plane[dot][at]);
    if (bit(model.mode.gc[5], 5)) { /* two bits a dot: of planes 0 and 2, then of 1 and 3 */
        unsigned odd = dot / 4, shift = 6 - dot % 4 * 2;
        return from_palette((model.plane[odd][at] >> shift & 3u) + (model.plane[odd + 2][at] >> shift & 3u) * 4);
    }
    for (unsigned plane = 0; plane < 4; plane++)
        color += (unsigned)bit(model.plane[plane][at], 7 - dot) << plane;
    return from_palette(color);
}

/* ---- the frame --------------------------------------------------------------------------------------------------- */

struct frame {
    unsigned width, lines, step; /* of `step` scan lines the chip's picture has the first */
    bool graphics, wide, blank;  /* wide: 256 colours, two dot clocks a dot */
    unsigned dots;               /* a character */
};

static struct frame frame_of(void)
{
    const uint8_t *cr = model.mode.crtc;
    unsigned doubling = bit(cr[9], 7) ? 2 : 1, rows = (cr[9] & 31u) + 1;
    struct frame f = { .graphics = bit(model.mode.gc[6], 0), .wide = bit(model.mode.gc[5], 6) };
    f.dots = f.graphics ? f.wide ? 4 : 8 : bit(model.mode.seq[0], 0) ? 8 : 9;
    f.width = (cr[1] + 1u) * f.dots;
    f.lines = vertical(cr[0x12], bit(cr[7], 1), bit(cr[7], 6)) + 1;
    f.step = f.graphics && bit(cr[0x17], 0) && bit(cr[0x17], 1) ? rows * doubling : doubling;
    f.blank = bit(model.mode.seq[0], 5) || !bit(cr[0x17], 7);
    return f;
}

/* Dots that the line is shifted to the left, from the PEL panning register. */
static unsigned panning(const struct frame *f)
{
    static const uint8_t nine[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0 };
    unsigned pan = model.mode.ac[0x13];
    if (!f->graphics && f->dots == 9)
        return nine[pan];
    return f->graphics && f->wide ? (pan & 7) / 2 : pan & 7;
}

static void draw_line(const struct frame *f, unsigned line, unsigned counter, unsigned row_scan, unsigned pan)
{
    for (unsigned x = 0; x < f->width; x++) {
        unsigned clock = x + pan, character = counter + clock / f->dots, dot = clock % f->dots;
        golden[line][x] = f->blank      ? 0
                          : f->graphics ? graphics_dot(character, row_scan, dot)
                                        : text_dot(character, row_scan, dot);
    }
}

static void draw_frame(const struct frame *f)
{
    const uint8_t *cr = model.mode.crtc;
    unsigned counter = cr[0x0C] * 256u + cr[0x0D] + (cr[8] >> 5 & 3), row_scan = cr[8] & 31, pan = panning(f);
    unsigned compare = vertical(cr[0x18], bit(cr[7], 4), bit(cr[9], 6));
    bool again = bit(cr[9], 7);
    for (unsigned line = 0; line < f->lines; line++) {
        draw_line(f, line, counter, row_scan, pan);
        if (line == compare) {
            counter = row_scan = 0;
            again = bit(cr[9], 7);
            pan = bit(model.mode.ac[0x10], 5) ? 0 : pan;
            continue;
        }
        if (again) {
            again = false;
            continue;
        }
        again = bit(cr[9], 7);
        if (row_scan == (cr[9] & 31u)) {
            row_scan = 0;
            counter += cr[0x13] * 2u;
        } else {
            row_scan = (row_scan + 1) % 32;
        }
    }
}

/* ---- programs ---------------------------------------------------------------------------------------------------- */

static void fill_planes(struct vga_rig *rig, struct rng *rng)
{
    vga_set(rig, 0x3C4, 4, 0x06);
    vga_set(rig, 0x3CE, 1, 0x00);
    vga_set(rig, 0x3CE, 3, 0x00);
    vga_set(rig, 0x3CE, 5, 0x00);
    vga_set(rig, 0x3CE, 6, 0x05);
    vga_set(rig, 0x3CE, 8, 0xFF);
    for (unsigned plane = 0; plane < 4; plane++) {
        vga_set(rig, 0x3C4, 2, 1u << plane);
        for (unsigned at = 0; at < PLANE; at++) {
            model.plane[plane][at] = (uint8_t)rng_next(rng);
            vx_bus_write(rig->bus, VX_SPACE_MEMORY, 0xA0000 + at, 1, model.plane[plane][at]);
        }
    }
}

static void program(struct vga_rig *rig)
{
    vga_set_mode(rig, &model.mode);
    vga_set_ac(rig, 0x14, model.color_select);
    vga_out(rig, 0x3C6, model.dac_mask);
    vga_out(rig, 0x3C8, 0);
    for (unsigned i = 0; i < 256 * 3; i++)
        vga_out(rig, 0x3C9, model.dac[i / 3][i % 3]);
    vga_in(rig, 0x3DA);
    vga_out(rig, 0x3C0, 0x20);
}

/* A mode of the BIOS with about one in four of what decides over the picture by chance. */
static void choose(struct rng *rng)
{
    static const struct vga_mode *const modes[] = { &vga_mode_text, &vga_mode_12h, &vga_mode_13h, &vga_mode_04h };
    static const struct {
        uint8_t index, mask;
    } crtc[] = { { 0x07, 0x52 }, { 0x08, 0x7F }, { 0x09, 0xDF }, { 0x0A, 0x3F }, { 0x0B, 0x7F },
                 { 0x0C, 0xFF }, { 0x0D, 0xFF }, { 0x0E, 0xFF }, { 0x0F, 0xFF }, { 0x12, 0xFF },
                 { 0x13, 0xFF }, { 0x14, 0x5F }, { 0x17, 0x63 }, { 0x18, 0xFF }, { 0x01, 0x3F } };
    model.mode = *modes[rng_next(rng) % VX_ARRAY_LEN(modes)];
    struct vga_mode *mode = &model.mode;
    for (unsigned i = 0; i < VX_ARRAY_LEN(crtc); i++)
        if (rng_next(rng) % 4 == 0)
            mode->crtc[crtc[i].index] ^= (uint8_t)rng_next(rng) & crtc[i].mask;
    mode->crtc[0x07] &= (uint8_t)~0x40; /* at most 512 lines: time */
    if (rng_next(rng) % 2 == 0) {       /* the cursor into the picture */
        mode->crtc[0x0E] = mode->crtc[0x0C];
        mode->crtc[0x0F] = (uint8_t)(mode->crtc[0x0D] + rng_next(rng) % 40);
        mode->crtc[0x0A] &= 0x07;
    }
    mode->ac[0x10] ^= (uint8_t)rng_next(rng) & 0xAE;
    mode->ac[0x12] = rng_next(rng) % 4 == 0 ? (uint8_t)rng_next(rng) & 15 : 15;
    mode->ac[0x13] = (uint8_t)rng_next(rng) & 15;
    mode->seq[0] ^= (uint8_t)(rng_next(rng) & 1);
    mode->seq[2] = (uint8_t)rng_next(rng) & 0x3F;
    if (rng_next(rng) % 8 == 0)
        mode->gc[5] ^= (uint8_t)rng_next(rng) & 0x60;
    if (rng_next(rng) % 16 == 0)
        mode->seq[0] |= 0x20;
    if (rng_next(rng) % 16 == 0)
        mode->crtc[0x17] &= 0x7F;
    model.color_select = (uint8_t)rng_next(rng) & 15;
    model.dac_mask = rng_next(rng) % 4 == 0 ? (uint8_t)rng_next(rng) : 0xFF;
    for (unsigned i = 0; i < 256 * 3; i++)
        model.dac[i / 3][i % 3] = (uint8_t)rng_next(rng) & 63;
}

static void compare(const struct frame *f, const struct vx_screen *shown, const struct vx_picture *picture,
                    unsigned number)
{
    cr_assert_eq(picture->width, f->width, "program %u: %u dots, not %u", number, picture->width, f->width);
    cr_assert_eq(picture->height, (f->lines + f->step - 1) / f->step, "program %u: %u lines", number, picture->height);
    for (unsigned y = 0; y < picture->height; y++)
        for (unsigned x = 0; x < picture->width; x++)
            if (picture->pixels[y * picture->width + x] != golden[y * f->step][x])
                cr_assert_fail("program %u (%s, %u lines a picture's) at %u, %u: %06x, not %06x", number,
                               f->graphics ? "graphics" : "text", f->step, x, y,
                               picture->pixels[y * picture->width + x], golden[y * f->step][x]);
    if (f->blank) {
        cr_assert(shown->pixels == NULL && shown->cells == NULL, "program %u: not blank", number);
        return;
    }
    cr_assert(shown->width == picture->width && shown->height == picture->height, "program %u: shown size", number);
    cr_assert_eq(memcmp(shown->pixels, picture->pixels, (size_t)picture->width * picture->height * 4), 0,
                 "program %u: the display shows something else", number);
}

Test(vga_golden, random_register_programs)
{
    static struct vga_rig rig;
    struct rng rng = rng_seeded(13);
    vga_rig_init(&rig, true);
    vga_out(&rig, 0x3C2, 0x67);
    fill_planes(&rig, &rng);
    for (unsigned i = 0; i < PROGRAMS; i++) {
        struct vx_picture picture;
        choose(&rng);
        program(&rig);
        struct frame frame = frame_of();
        draw_frame(&frame);
        vx_clock_advance(rig.clock, 100000000);
        cr_assert_eq(vga_take_picture(rig.vga, &picture), VX_ERR_OK);
        compare(&frame, &rig.last, &picture, i);
        free(picture.pixels);
    }
    vga_rig_fini(&rig);
}

/* vga_render.c - registers and video memory to a picture: cells in text modes, lines of 0x00RRGGBB pixels on demand.
 *
 * A picture has the size of its source: lines that the CRTC doubles and dots of half the clock appear once. A guest
 * that splits or pans inside such a group of lines has the first of each group shown. Plane
 * addresses are masked to 64 KiB, so nothing the guest programs reaches past video memory; VBE pictures lie inside it
 * (vbe.c I1). */
#include "vga_state.h"

enum { COUNTER_MASK = 0xFFFF, GLYPH_LINES = 32, SCAN_COUNTER = 32 };

/* ---- geometry ---------------------------------------------------------------------------------------------------- */

static struct vga_geometry geometry(const struct vga *vga)
{
    const uint8_t *cr = vga->crtc;
    struct vga_geometry g = {
        .chars = cr[CR_H_DISPLAY_END] + 1u,
        .lines = (cr[CR_V_DISPLAY_END] | (cr[CR_OVERFLOW] & 0x02u) << 7 | (cr[CR_OVERFLOW] & 0x40u) << 3) + 1,
        .repeat = (cr[CR_MAX_SCAN] & 0x1Fu) + 1,
        .doubling = (cr[CR_MAX_SCAN] & CR_MAX_SCAN_DOUBLE) ? 2 : 1,
        .preset = cr[CR_PRESET_ROW] & 0x1F,
        .start = ((uint32_t)cr[CR_START_HIGH] << 8 | cr[CR_START_LOW]) + ((cr[CR_PRESET_ROW] >> 5) & 3),
        .pitch = cr[CR_OFFSET] * 2u,
        .line_compare = cr[CR_LINE_COMPARE] | (cr[CR_OVERFLOW] & 0x10u) << 4 | (cr[CR_MAX_SCAN] & 0x40u) << 3,
    };
    g.repeat *= g.doubling;
    return g;
}

struct scan_line {
    uint32_t address; /* the counter at its first character */
    unsigned scan;    /* the row scan */
    bool split;       /* below the line compare */
};

/* "Preset Row Scan Register", "Line Compare Register": the row scan counts from its preset to the maximum, five bits
 * wide, and the line behind the compared one begins anew at 0. */
static struct scan_line scan_line(const struct vga_geometry *g, unsigned line)
{
    bool split = line > g->line_compare;
    unsigned scans = g->repeat / g->doubling, preset = split ? 0 : g->preset;
    unsigned counted = (split ? line - g->line_compare - 1 : line) / g->doubling;
    if (preset >= scans && counted < SCAN_COUNTER - preset)
        return (struct scan_line){ g->start, preset + counted, split };
    counted = preset >= scans ? counted - (SCAN_COUNTER - preset) : counted + preset;
    return (struct scan_line){ (split ? 0 : g->start) + counted / scans * g->pitch, counted % scans, split };
}

/* The CRTC's address counter at a row's first character, split screen included. *split: below the line compare. */
static uint32_t row_address(const struct vga_geometry *g, unsigned row, bool *split)
{
    unsigned first_below = (g->line_compare + g->repeat) / g->repeat; /* first row that begins after the compare line */
    *split = row >= first_below;
    return *split ? (row - first_below) * g->pitch : g->start + row * g->pitch;
}

/* From the counter to the plane address ("CRT Controller Mode Control Register", "Underline Location Register"): as it
 * is, or in word and doubleword mode moved up, with high bits of it in the low ones. In CGA and Hercules layouts bits
 * 13 and 14 are the row scan's. */
static uint32_t plane_address(const struct vga *vga, uint32_t counter, unsigned scan)
{
    uint8_t mode = vga->crtc[CR_MODE];
    uint32_t c = counter & COUNTER_MASK, k = c;
    if (vga->crtc[CR_UNDERLINE] & CR_UNDERLINE_DWORD)
        k = c << 2 | c >> 14;
    else if (!(mode & CR_MODE_BYTE))
        k = c << 1 | (c >> (mode & CR_MODE_WRAP ? 15 : 13) & 1);
    if (!(mode & CR_MODE_NOT_CGA))
        k = (k & ~0x2000u) | (scan & 1) << 13;
    if (!(mode & CR_MODE_NOT_HERCULES))
        k = (k & ~0x4000u) | (scan >> 1 & 1) << 14;
    return k & (VGA_PLANE_BYTES - 1);
}

/* The four planes' bytes there. */
static const uint8_t *planes_at(const struct vga *vga, uint32_t counter, unsigned scan)
{
    return vga->vram + vga_plane_off(plane_address(vga, counter, scan));
}

/* Without sync pulses (CR_MODE_RUN) the monitor sleeps: DPMS. VBE modes have timing of their own. */
bool vga_is_blank(const struct vga *vga)
{
    if (!(vga->ac_index & AC_PAS))
        return true;
    return !vbe_on(vga) && ((vga->seq[SEQ_CLOCKING] & SEQ_CLOCKING_OFF) || !(vga->crtc[CR_MODE] & CR_MODE_RUN));
}

/* ---- colours ----------------------------------------------------------------------------------------------------- */

static uint32_t dac_color(const struct vga *vga, uint8_t index)
{
    const uint8_t *entry = vga->dac[index & vga->dac_mask];
    uint32_t r = entry[0], g = entry[1], b = entry[2];
    if (!(vga->vbe[VBE_ENABLE] & VBE_8BIT_DAC)) {
        r = (r & 0x3F) << 2 | (r & 0x3F) >> 4;
        g = (g & 0x3F) << 2 | (g & 0x3F) >> 4;
        b = (b & 0x3F) << 2 | (b & 0x3F) >> 4;
    }
    return r << 16 | g << 8 | b;
}

static void palette256(const struct vga *vga, uint32_t colors[256])
{
    for (unsigned i = 0; i < 256; i++)
        colors[i] = dac_color(vga, (uint8_t)i);
}

/* The 16 attributes, through the attribute controller's palette and colour select. */
static void palette16(const struct vga *vga, uint32_t colors[16])
{
    uint8_t select = vga->ac[AC_COLOR_SELECT];
    for (unsigned i = 0; i < 16; i++) {
        uint8_t index = vga->ac[i & vga->ac[AC_PLANE_ENABLE] & 0x0F];
        if (vga->ac[AC_MODE] & AC_MODE_P54S)
            index = (uint8_t)((index & 0x0F) | (select & 0x03) << 4);
        colors[i] = dac_color(vga, (uint8_t)(index | (select & 0x0C) << 4));
    }
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static uint32_t cursor_address(const struct vga *vga)
{
    uint32_t skew = vga->crtc[CR_CURSOR_END] >> CR_CURSOR_SKEW_SHIFT & 3;
    return ((uint32_t)vga->crtc[CR_CURSOR_HIGH] << 8 | vga->crtc[CR_CURSOR_LOW]) + skew;
}

static void place_cursor(const struct vga *vga, const struct vga_geometry *g, struct vx_screen *screen)
{
    uint32_t distance = (cursor_address(vga) - g->start) & COUNTER_MASK;
    bool shaped = !(vga->crtc[CR_CURSOR_START] & CR_CURSOR_OFF) &&
                  (vga->crtc[CR_CURSOR_START] & 0x1F) <= (vga->crtc[CR_CURSOR_END] & 0x1F);
    if (g->pitch == 0 || distance / g->pitch >= screen->rows || distance % g->pitch >= screen->columns)
        return;
    screen->cursor_row = distance / g->pitch;
    screen->cursor_column = distance % g->pitch;
    screen->cursor_visible = shaped;
}

static void render_text(struct vga *vga, struct vga_picture *picture)
{
    const struct vga_geometry *g = &picture->geometry;
    struct vx_screen *screen = &picture->screen;
    unsigned rows = g->lines / g->repeat;
    screen->columns = g->chars < VGA_MAX_COLUMNS ? g->chars : VGA_MAX_COLUMNS;
    screen->rows = rows == 0 ? 1 : rows < VGA_MAX_ROWS ? rows : VGA_MAX_ROWS;
    for (unsigned row = 0; row < screen->rows; row++) {
        bool split;
        uint32_t c = row_address(g, row, &split);
        for (unsigned column = 0; column < screen->columns; column++, c++) {
            const uint8_t *at = planes_at(vga, c, 0);
            vga->cells[row * screen->columns + column] = (struct vx_text_cell){ at[0], at[1] };
        }
    }
    screen->cells = vga->cells;
    screen->blink = (vga->ac[AC_MODE] & AC_MODE_BLINK) != 0;
    place_cursor(vga, g, screen);
}

/* Line `scan` of a character's glyph, in plane 2; attribute bit 3 chooses between the two maps of the character map
 * select. */
static uint8_t glyph_line(const struct vga *vga, struct vx_text_cell cell, unsigned scan)
{
    uint8_t select = vga->seq[SEQ_CHAR_MAP];
    unsigned map = (cell.attr & 8) ? (select >> 2 & 3) | (select >> 3 & 4) : (select & 3) | (select >> 2 & 4);
    uint32_t base = (map & 3) * 0x4000 + (map >> 2) * 0x2000;
    return vga->vram[vga_plane_off(base + cell.ch * GLYPH_LINES + scan % GLYPH_LINES) + 2];
}

static unsigned dots_of_cell(const struct vga *vga)
{
    return (vga->seq[SEQ_CLOCKING] & SEQ_CLOCKING_8_DOTS) ? 8 : 9;
}

/* The nine dots of a cell's line `scan`, the leftmost in bit 8. */
static unsigned cell_dots(const struct vga *vga, struct vx_text_cell cell, unsigned scan)
{
    unsigned bits = glyph_line(vga, cell, scan) << 1;
    if ((vga->ac[AC_MODE] & AC_MODE_LINE_GRAPHICS) && cell.ch >= 0xC0 && cell.ch <= 0xDF)
        bits |= bits >> 1 & 1; /* the ninth dot repeats the eighth */
    return bits;
}

/* "Horizontal PEL Panning Register": with nine dots a character, 8 is where it stands and 0 is one dot to the left. */
static unsigned text_pan(const struct vga *vga, const struct scan_line *line)
{
    unsigned pan = vga->ac[AC_PANNING];
    if (line->split && (vga->ac[AC_MODE] & AC_MODE_PAN_SPLIT))
        return 0;
    if (dots_of_cell(vga) == 8)
        return pan & 7;
    return pan >= 8 ? 0 : pan + 1;
}

static bool in_cursor(const struct vga *vga, unsigned scan)
{
    uint8_t start = vga->crtc[CR_CURSOR_START], end = vga->crtc[CR_CURSOR_END];
    return !(start & CR_CURSOR_OFF) && scan >= (start & 0x1Fu) && scan <= (end & 0x1Fu);
}

/* "Underline Location Register": of characters that monochrome calls underlined. */
static bool is_underlined(const struct vga *vga, uint8_t attr, unsigned scan)
{
    return (vga->ac[AC_MODE] & AC_MODE_MONO) && (attr & 0x77) == 0x01 && scan == (vga->crtc[CR_UNDERLINE] & 0x1F);
}

static void draw_text_line(const struct vga *vga, const struct vga_picture *picture, unsigned y, uint32_t *out)
{
    struct scan_line line = scan_line(&picture->geometry, y * picture->step);
    unsigned width = dots_of_cell(vga), pan = text_pan(vga, &line), room = picture->screen.width;
    uint32_t cursor = cursor_address(vga);
    bool cursor_line = in_cursor(vga, line.scan);
    for (uint32_t c = line.address; room != 0; c++) {
        const uint8_t *at = planes_at(vga, c, line.scan);
        struct vx_text_cell cell = { at[0], at[1] };
        bool solid = (cursor_line && ((c ^ cursor) & COUNTER_MASK) == 0) || is_underlined(vga, cell.attr, line.scan);
        unsigned bits = solid ? 0x1FF : cell_dots(vga, cell, line.scan);
        uint32_t fore = picture->colors[cell.attr & 15];
        uint32_t back = picture->colors[cell.attr >> 4 & (picture->screen.blink ? 7 : 15)];
        for (unsigned x = pan; x < width && room != 0; x++, room--)
            *out++ = (bits >> (8 - x) & 1) ? fore : back;
        pan = 0;
    }
}

/* Glyphs and characters share their pages. */
static bool text_source(const struct vga *vga, const struct vga_picture *picture, unsigned y, struct vga_source *source)
{
    (void)vga, (void)picture, (void)y, (void)source;
    return false;
}

static unsigned picture_height(const struct vga_picture *picture)
{
    return (picture->geometry.lines + picture->step - 1) / picture->step;
}

static void draw_text(const struct vga *vga, struct vga_picture *picture)
{
    picture->screen.width = picture->screen.columns * dots_of_cell(vga);
    picture->step = picture->geometry.doubling;
    picture->screen.height = picture_height(picture);
    palette16(vga, picture->colors);
    picture->draw = draw_text_line;
    picture->source = text_source;
}

/* ---- VGA graphics ------------------------------------------------------------------------------------------------ */

/* The eight dots at the planes' bytes, 4 bits each. */
static void dots16(const struct vga *vga, const uint8_t *at, uint8_t out[8])
{
    if (vga->gc[GC_MODE] & GC_MODE_CGA) { /* two bits a dot: even byte in planes 0 and 2, odd byte in 1 and 3 */
        for (unsigned x = 0; x < 8; x++) {
            unsigned shift = 6 - 2 * (x & 3), odd = x >> 2;
            out[x] = (uint8_t)((at[odd] >> shift & 3) | (at[odd + 2] >> shift & 3) << 2);
        }
        return;
    }
    for (unsigned x = 0; x < 8; x++) {
        unsigned shift = 7 - x;
        out[x] = (uint8_t)((at[0] >> shift & 1) | (at[1] >> shift & 1) << 1 | (at[2] >> shift & 1) << 2 |
                           (at[3] >> shift & 1) << 3);
    }
}

/* The counter at line y's first dot, its row scan, and how many dots the line is moved to the left. */
static uint32_t line_address(const struct vga *vga, const struct vga_picture *picture, unsigned y, unsigned *scan,
                             unsigned *pan)
{
    struct scan_line line = scan_line(&picture->geometry, y * picture->step);
    *scan = line.scan;
    *pan = line.split && (vga->ac[AC_MODE] & AC_MODE_PAN_SPLIT) ? 0 : vga->ac[AC_PANNING] & 7;
    return line.address;
}

static void draw_line16(const struct vga *vga, const struct vga_picture *picture, unsigned y, uint32_t *out)
{
    uint8_t dots[8];
    unsigned pan, scan;
    uint32_t c = line_address(vga, picture, y, &scan, &pan);
    for (unsigned x = 0; x < picture->screen.width; x++) {
        unsigned dot = x + pan;
        if (x == 0 || dot % 8 == 0)
            dots16(vga, planes_at(vga, c + dot / 8, scan), dots);
        out[x] = picture->colors[dots[dot % 8]];
    }
}

static void draw_line256(const struct vga *vga, const struct vga_picture *picture, unsigned y, uint32_t *out)
{
    const uint8_t *at = NULL;
    unsigned pan, scan;
    uint32_t c = line_address(vga, picture, y, &scan, &pan);
    for (unsigned x = 0; x < picture->screen.width; x++) {
        unsigned dot = x + pan / 2;
        if (x == 0 || dot % 4 == 0)
            at = planes_at(vga, c + dot / 4, scan);
        out[x] = picture->colors[at[dot % 4]];
    }
}

/* One address more than the line has characters, for what panning moves in. Where the address wraps, or the layout
 * breaks the line in two, anything may be meant. */
static bool graphics_source(const struct vga *vga, const struct vga_picture *picture, unsigned y,
                            struct vga_source *source)
{
    unsigned pan, scan, chars = picture->geometry.chars;
    uint32_t c = line_address(vga, picture, y, &scan, &pan);
    uint32_t from = plane_address(vga, c, scan), to = plane_address(vga, c + chars, scan);
    source->first = from & ~3u;
    source->last = to | 3;
    source->each_part = true;
    uint32_t step = plane_address(vga, 1, scan) - plane_address(vga, 0, scan);
    return to - from == chars * step;
}

/* Scan lines that show the same memory make one line; in CGA and Hercules layouts the row scan chooses memory, so each
 * row scan counts. */
static void render_graphics(const struct vga *vga, bool with_pixels, struct vga_picture *picture)
{
    const struct vga_geometry *g = &picture->geometry;
    bool deep = (vga->gc[GC_MODE] & GC_MODE_256) != 0;
    uint8_t straight = CR_MODE_NOT_CGA | CR_MODE_NOT_HERCULES;
    picture->step = (vga->crtc[CR_MODE] & straight) == straight ? g->repeat : g->doubling;
    picture->screen.width = g->chars * (deep ? 4 : 8);
    picture->screen.height = picture_height(picture);
    if (!with_pixels)
        return;
    if (deep)
        palette256(vga, picture->colors);
    else
        palette16(vga, picture->colors);
    picture->draw = deep ? draw_line256 : draw_line16;
    picture->source = graphics_source;
}

/* ---- VBE --------------------------------------------------------------------------------------------------------- */

static uint32_t spread(uint32_t value, unsigned bits)
{
    return value << (8 - bits) | value >> (2 * bits - 8);
}

/* One line each, from the first dot shown; the depth is decided outside the loop over dots. */
static void draw_vbe_row16(const uint8_t *at, unsigned width, unsigned green_bits, uint32_t *out)
{
    for (unsigned x = 0; x < width; x++, at += 2) {
        uint32_t v = at[0] | (uint32_t)at[1] << 8;
        uint32_t red = v >> (5 + green_bits) & 31, green = v >> 5 & ((1u << green_bits) - 1);
        out[x] = spread(red, 5) << 16 | spread(green, green_bits) << 8 | spread(v & 31, 5);
    }
}

static void draw_vbe_row24(const uint8_t *at, unsigned width, unsigned bytes, uint32_t *out)
{
    for (unsigned x = 0; x < width; x++, at += bytes)
        out[x] = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}

static const uint8_t *vbe_line(const struct vga *vga, unsigned y)
{
    return vga->vram + (size_t)(vga->vbe[VBE_Y_OFFSET] + y) * vbe_pitch(vga);
}

/* Planar: eight dots an address, wherever the bytes lie. */
static void draw_vbe_line4(const struct vga *vga, const struct vga_picture *picture, unsigned y, uint32_t *out)
{
    uint32_t k = (uint32_t)(vga->vbe[VBE_Y_OFFSET] + y) * (vga->vbe[VBE_VIRT_WIDTH] / 8u);
    for (unsigned x = 0; x < picture->screen.width; x++) {
        unsigned dot = vga->vbe[VBE_X_OFFSET] + x, shift = 7 - dot % 8;
        const uint8_t *at = vga->vram + vga_plane_off(k + dot / 8);
        out[x] = picture->colors[(at[0] >> shift & 1) | (at[1] >> shift & 1) << 1 | (at[2] >> shift & 1) << 2 |
                                 (at[3] >> shift & 1) << 3];
    }
}

static void draw_vbe_line(const struct vga *vga, const struct vga_picture *picture, unsigned y, uint32_t *out)
{
    const uint8_t *line = vbe_line(vga, y);
    unsigned first = vga->vbe[VBE_X_OFFSET], width = picture->screen.width;
    switch (vga->vbe[VBE_BPP]) {
    case 8:
        for (unsigned x = 0; x < width; x++)
            out[x] = picture->colors[line[first + x]];
        break;
    case 15: draw_vbe_row16(line + 2 * (size_t)first, width, 5, out); break;
    case 16: draw_vbe_row16(line + 2 * (size_t)first, width, 6, out); break;
    case 24: draw_vbe_row24(line + 3 * (size_t)first, width, 3, out); break;
    default: draw_vbe_row24(line + 4 * (size_t)first, width, 4, out); break;
    }
}

static bool vbe_source(const struct vga *vga, const struct vga_picture *picture, unsigned y, struct vga_source *source)
{
    (void)picture;
    source->first = (uint32_t)(vbe_line(vga, y) - vga->vram);
    source->last = source->first + vbe_pitch(vga) - 1;
    source->each_part = false;
    return vga->vbe[VBE_BPP] != 4;
}

static void render_vbe(const struct vga *vga, bool with_pixels, struct vga_picture *picture)
{
    picture->screen.width = vga->vbe[VBE_XRES];
    picture->screen.height = vga->vbe[VBE_YRES];
    if (!with_pixels)
        return;
    bool planar = vga->vbe[VBE_BPP] == 4;
    if (planar)
        palette16(vga, picture->colors);
    else
        palette256(vga, picture->colors);
    picture->draw = planar ? draw_vbe_line4 : draw_vbe_line;
    picture->source = vbe_source;
}

static void begin(const struct vga *vga, struct vga_picture *picture)
{
    picture->screen = (struct vx_screen){ 0 };
    picture->draw = NULL;
    picture->geometry = geometry(vga);
}

void vga_render_unblanked(struct vga *vga, bool with_pixels, struct vga_picture *picture)
{
    begin(vga, picture);
    if (vbe_on(vga)) {
        render_vbe(vga, with_pixels, picture);
    } else if (vga->gc[GC_MISC] & GC_MISC_GRAPHICS) {
        render_graphics(vga, with_pixels, picture);
    } else {
        render_text(vga, picture);
        if (with_pixels)
            draw_text(vga, picture);
    }
}

void vga_render(struct vga *vga, bool with_pixels, struct vga_picture *picture)
{
    if (vga_is_blank(vga))
        begin(vga, picture);
    else
        vga_render_unblanked(vga, with_pixels, picture);
}

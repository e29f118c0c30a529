/* terminal_screen.c - see terminal_screen.h.
 *
 *   I1  shown[] is what the terminal displays once all bytes drawn so far were written; `valid` false: unknown.
 *   I2  pen_row/pen_column is where the terminal's cursor then is; PEN_UNKNOWN after writing in the last column, where
 *       terminals disagree.
 *   I3  The output buffer never fails to grow halfway: room is reserved before a draw. */
#include "terminal_screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 256, MAX_ROWS = 256, PEN_UNKNOWN = -1, ATTR_MESSAGE = 0x70, SHORT_GAP = 4 };
enum { BYTES_PER_CELL = 40, BYTES_EXTRA = 256 }; /* most that one cell costs: CUP, SGR, 3 bytes of UTF-8 */

struct terminal_screen {
    unsigned columns, rows; /* the terminal */
    bool valid;
    struct vx_text_cell *wanted; /* MAX_COLUMNS * MAX_ROWS, rows apart by MAX_COLUMNS; the guest's */
    unsigned guest_columns, guest_rows;
    unsigned cursor_column, cursor_row;
    bool cursor_visible, blink;
    char status[80]; /* shown instead of cells when not empty */
    const char *message;

    struct vx_text_cell *shown; /* I1, the same layout */
    bool shown_blink, shown_cursor;
    int pen_row, pen_column; /* I2 */
    int pen_attr;
    char *out;
    size_t out_count, out_bytes;
};

/* ---- code page 437 ----------------------------------------------------------------------------------------------- */

/* Unicode of the characters that are not ASCII. */
static const uint16_t cp437_controls[32] = {
    0x0020, 0x263A, 0x263B, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25D8, 0x25CB, 0x25D9,
    0x2642, 0x2640, 0x266A, 0x266B, 0x263C, 0x25BA, 0x25C4, 0x2195, 0x203C, 0x00B6, 0x00A7,
    0x25AC, 0x21A8, 0x2191, 0x2193, 0x2192, 0x2190, 0x221F, 0x2194, 0x25B2, 0x25BC,
};
static const uint16_t cp437_high[128] = {
    0x00C7, 0x00FC, 0x00E9, 0x00E2, 0x00E4, 0x00E0, 0x00E5, 0x00E7, 0x00EA, 0x00EB, 0x00E8, 0x00EF, 0x00EE,
    0x00EC, 0x00C4, 0x00C5, 0x00C9, 0x00E6, 0x00C6, 0x00F4, 0x00F6, 0x00F2, 0x00FB, 0x00F9, 0x00FF, 0x00D6,
    0x00DC, 0x00A2, 0x00A3, 0x00A5, 0x20A7, 0x0192, 0x00E1, 0x00ED, 0x00F3, 0x00FA, 0x00F1, 0x00D1, 0x00AA,
    0x00BA, 0x00BF, 0x2310, 0x00AC, 0x00BD, 0x00BC, 0x00A1, 0x00AB, 0x00BB, 0x2591, 0x2592, 0x2593, 0x2502,
    0x2524, 0x2561, 0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255D, 0x255C, 0x255B, 0x2510, 0x2514,
    0x2534, 0x252C, 0x251C, 0x2500, 0x253C, 0x255E, 0x255F, 0x255A, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550,
    0x256C, 0x2567, 0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256B, 0x256A, 0x2518, 0x250C,
    0x2588, 0x2584, 0x258C, 0x2590, 0x2580, 0x03B1, 0x00DF, 0x0393, 0x03C0, 0x03A3, 0x03C3, 0x00B5, 0x03C4,
    0x03A6, 0x0398, 0x03A9, 0x03B4, 0x221E, 0x03C6, 0x03B5, 0x2229, 0x2261, 0x00B1, 0x2265, 0x2264, 0x2320,
    0x2321, 0x00F7, 0x2248, 0x00B0, 0x2219, 0x00B7, 0x221A, 0x207F, 0x00B2, 0x25A0, 0x0020,
};

unsigned cp437_to_utf8(uint8_t ch, char out[4])
{
    unsigned code = ch < 0x20 ? cp437_controls[ch] : ch < 0x7F ? ch : ch == 0x7F ? 0x2302 : cp437_high[ch - 0x80];
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    out[0] = (char)(0xE0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code & 0x3F));
    return 3;
}

/* ---- what to show ------------------------------------------------------------------------------------------------ */

vx_err terminal_screen_create(struct terminal_screen **out)
{
    struct terminal_screen *screen = calloc(1, sizeof *screen);
    if (screen == NULL)
        return VX_ERR_NO_MEMORY;
    screen->columns = 80;
    screen->rows = 25;
    screen->wanted = calloc(MAX_COLUMNS * MAX_ROWS, sizeof *screen->wanted);
    screen->shown = calloc(MAX_COLUMNS * MAX_ROWS, sizeof *screen->shown);
    if (screen->wanted == NULL || screen->shown == NULL) {
        terminal_screen_destroy(screen);
        return VX_ERR_NO_MEMORY;
    }
    *out = screen;
    return VX_ERR_OK;
}

void terminal_screen_destroy(struct terminal_screen *screen)
{
    if (screen == NULL)
        return;
    free(screen->wanted);
    free(screen->shown);
    free(screen->out);
    free(screen);
}

void terminal_screen_resize(struct terminal_screen *screen, unsigned columns, unsigned rows)
{
    columns = columns == 0 ? 1 : columns < MAX_COLUMNS ? columns : MAX_COLUMNS;
    rows = rows == 0 ? 1 : rows < MAX_ROWS ? rows : MAX_ROWS;
    if (columns == screen->columns && rows == screen->rows)
        return;
    screen->columns = columns;
    screen->rows = rows;
    screen->valid = false;
}

void terminal_screen_invalidate(struct terminal_screen *screen)
{
    screen->valid = false;
}

void terminal_screen_set_message(struct terminal_screen *screen, const char *message)
{
    screen->message = message;
}

void terminal_screen_set(struct terminal_screen *screen, const struct vx_screen *guest)
{
    screen->status[0] = '\0';
    screen->guest_columns = screen->guest_rows = 0;
    screen->cursor_visible = false;
    if (guest->cells == NULL) {
        if (guest->width != 0)
            snprintf(screen->status, sizeof screen->status, "[vx86: the guest shows %ux%u graphics]", guest->width,
                     guest->height);
        return;
    }
    screen->guest_columns = guest->columns < MAX_COLUMNS ? guest->columns : MAX_COLUMNS;
    screen->guest_rows = guest->rows < MAX_ROWS ? guest->rows : MAX_ROWS;
    screen->blink = guest->blink;
    screen->cursor_column = guest->cursor_column;
    screen->cursor_row = guest->cursor_row;
    screen->cursor_visible = guest->cursor_visible;
    for (unsigned row = 0; row < screen->guest_rows; row++)
        memcpy(screen->wanted + row * MAX_COLUMNS, guest->cells + (size_t)row * guest->columns,
               screen->guest_columns * sizeof *guest->cells);
}

/* First guest row and column that fit the terminal with the cursor in sight. */
static unsigned first_visible(unsigned cursor, unsigned guest, unsigned terminal)
{
    if (guest <= terminal || cursor < terminal)
        return 0;
    return cursor < guest ? cursor - terminal + 1 : guest - terminal;
}

static struct vx_text_cell line_cell(const char *text, unsigned column, uint8_t attr)
{
    return (struct vx_text_cell){ column < strlen(text) ? (uint8_t)text[column] : ' ', attr };
}

/* What belongs at a place of the terminal. */
static struct vx_text_cell cell_at(const struct terminal_screen *screen, unsigned row, unsigned column, unsigned top,
                                   unsigned left)
{
    if (screen->message != NULL && row == screen->rows - 1)
        return line_cell(screen->message, column, ATTR_MESSAGE);
    if (screen->status[0] != '\0' && row == 0)
        return line_cell(screen->status, column, 0x07);
    if (row + top >= screen->guest_rows || column + left >= screen->guest_columns)
        return (struct vx_text_cell){ ' ', 0x07 };
    return screen->wanted[(row + top) * MAX_COLUMNS + column + left];
}

/* ---- output ------------------------------------------------------------------------------------------------------ */

static void put(struct terminal_screen *screen, const char *bytes, size_t count)
{
    VX_ASSERT(screen->out_count + count <= screen->out_bytes); /* keeps I3 */
    memcpy(screen->out + screen->out_count, bytes, count);
    screen->out_count += count;
}

VX_PRINTF(2, 3)
static void put_format(struct terminal_screen *screen, const char *format, ...)
{
    char text[48];
    va_list args;
    va_start(args, format);
    int count = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    put(screen, text, (size_t)count);
}

static void put_attr(struct terminal_screen *screen, uint8_t attr)
{
    static const uint8_t ansi[8] = { 0, 4, 2, 6, 1, 5, 3, 7 }; /* the PC's blue is bit 0, ANSI's bit 2 */
    bool blinks = screen->blink && (attr & 0x80);
    unsigned fore = (attr & 0x08 ? 90u : 30u) + ansi[attr & 7];
    unsigned back = ((attr & 0x80) && !screen->blink ? 100u : 40u) + ansi[attr >> 4 & 7];
    put_format(screen, "\033[0;%u;%u%sm", fore, back, blinks ? ";5" : "");
    screen->pen_attr = attr;
}

/* Moves the pen; a few characters that stand in between in the same colours cost less than addressing. */
static void move_pen(struct terminal_screen *screen, unsigned row, unsigned column)
{
    const struct vx_text_cell *shown = &screen->shown[row * MAX_COLUMNS];
    unsigned from = (unsigned)screen->pen_column;
    char utf8[4];
    bool near = screen->pen_row == (int)row && screen->pen_column >= 0 && from <= column && column - from <= SHORT_GAP;
    for (unsigned i = from; near && i < column; i++)
        near = shown[i].attr == screen->pen_attr;
    for (unsigned i = from; near && i < column; i++)
        put(screen, utf8, cp437_to_utf8(shown[i].ch, utf8));
    if (!near)
        put_format(screen, "\033[%u;%uH", row + 1, column + 1);
}

static void put_cell(struct terminal_screen *screen, unsigned row, unsigned column, struct vx_text_cell cell)
{
    char utf8[4];
    move_pen(screen, row, column);
    if (screen->pen_attr != cell.attr)
        put_attr(screen, cell.attr);
    put(screen, utf8, cp437_to_utf8(cell.ch, utf8));
    screen->pen_row = (int)row;
    screen->pen_column = column + 1 < screen->columns ? (int)column + 1 : PEN_UNKNOWN; /* keeps I2 */
}

static void start_over(struct terminal_screen *screen)
{
    static const char clear[] = "\033[0;37;40m\033[2J\033[?25l";
    put(screen, clear, sizeof clear - 1);
    for (unsigned i = 0; i < MAX_COLUMNS * MAX_ROWS; i++)
        screen->shown[i] = (struct vx_text_cell){ ' ', 0x07 };
    screen->shown_cursor = false;
    screen->pen_row = screen->pen_column = PEN_UNKNOWN;
    screen->pen_attr = 0x07;
    screen->valid = true;
}

static void draw_cursor(struct terminal_screen *screen, unsigned top, unsigned left)
{
    unsigned row = screen->cursor_row - top, column = screen->cursor_column - left;
    bool visible = screen->cursor_visible && row < screen->rows && column < screen->columns;
    if (visible && (screen->pen_row != (int)row || screen->pen_column != (int)column)) {
        put_format(screen, "\033[%u;%uH", row + 1, column + 1);
        screen->pen_row = (int)row;
        screen->pen_column = (int)column;
    }
    if (visible != screen->shown_cursor)
        put_format(screen, "\033[?25%c", visible ? 'h' : 'l');
    screen->shown_cursor = visible;
}

static bool reserve(struct terminal_screen *screen)
{
    size_t need = (size_t)screen->columns * screen->rows * BYTES_PER_CELL + BYTES_EXTRA;
    if (need <= screen->out_bytes)
        return true;
    char *out = realloc(screen->out, need);
    if (out == NULL)
        return false;
    screen->out = out;
    screen->out_bytes = need;
    return true;
}

const char *terminal_screen_draw(struct terminal_screen *screen, size_t *count)
{
    unsigned top = first_visible(screen->cursor_row, screen->guest_rows, screen->rows);
    unsigned left = first_visible(screen->cursor_column, screen->guest_columns, screen->columns);
    *count = 0;
    if (!reserve(screen))
        return "";
    screen->out_count = 0;
    if (!screen->valid || screen->blink != screen->shown_blink)
        start_over(screen);
    screen->shown_blink = screen->blink;
    for (unsigned row = 0; row < screen->rows; row++) {
        for (unsigned column = 0; column < screen->columns; column++) {
            struct vx_text_cell cell = cell_at(screen, row, column, top, left);
            struct vx_text_cell *shown = &screen->shown[row * MAX_COLUMNS + column];
            if (cell.ch == shown->ch && cell.attr == shown->attr)
                continue;
            put_cell(screen, row, column, cell);
            *shown = cell;
        }
    }
    draw_cursor(screen, top, left);
    *count = screen->out_count;
    return screen->out;
}

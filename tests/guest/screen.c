/* screen.c - a terminal's screen from the bytes sent to it. */
#include "screen.h"

#include <string.h>

static void clear(struct screen *screen, unsigned row, unsigned from, unsigned to)
{
    memset(screen->cell[row] + from, ' ', to - from);
}

void screen_init(struct screen *screen)
{
    memset(screen, 0, sizeof *screen);
    for (unsigned row = 0; row < SCREEN_ROWS; row++)
        clear(screen, row, 0, SCREEN_COLUMNS);
}

static void line_feed(struct screen *screen)
{
    if (screen->row + 1 < SCREEN_ROWS) {
        screen->row++;
        return;
    }
    memmove(screen->cell[0], screen->cell[1], sizeof screen->cell[0] * (SCREEN_ROWS - 1));
    clear(screen, SCREEN_ROWS - 1, 0, SCREEN_COLUMNS);
}

static unsigned at_most(unsigned value, unsigned limit)
{
    return value < limit ? value : limit;
}

/* Parameter n of a control sequence; `missing` where it is absent or zero. */
static unsigned parameter(const struct screen *screen, unsigned n, unsigned missing)
{
    return n < screen->parameters && screen->parameter[n] != 0 ? screen->parameter[n] : missing;
}

/* ED: 0 from the cursor on, 1 up to it, 2 and 3 everything. */
static void erase_display(struct screen *screen, unsigned what)
{
    for (unsigned row = 0; row < SCREEN_ROWS; row++) {
        bool whole = what >= 2 || (what == 0 ? row > screen->row : row < screen->row);
        if (whole)
            clear(screen, row, 0, SCREEN_COLUMNS);
        else if (row == screen->row)
            clear(screen, row, what == 0 ? screen->column : 0, what == 0 ? SCREEN_COLUMNS : screen->column);
    }
}

static void control_sequence(struct screen *screen, unsigned char final)
{
    unsigned first = parameter(screen, 0, 1), last_row = SCREEN_ROWS - 1, last_column = SCREEN_COLUMNS - 1;
    switch (final) {
    case 'A': screen->row -= at_most(first, screen->row); break;
    case 'B': screen->row = at_most(screen->row + at_most(first, last_row), last_row); break;
    case 'C': screen->column = at_most(screen->column + at_most(first, last_column), last_column); break;
    case 'D': screen->column -= at_most(first, screen->column); break;
    case 'G': screen->column = at_most(first - 1, last_column); break;
    case 'd': screen->row = at_most(first - 1, last_row); break;
    case 'H':
    case 'f':
        screen->row = at_most(first - 1, last_row);
        screen->column = at_most(parameter(screen, 1, 1) - 1, last_column);
        break;
    case 'J': erase_display(screen, parameter(screen, 0, 0)); break;
    case 'K':
        if (parameter(screen, 0, 0) == 0)
            clear(screen, screen->row, screen->column, SCREEN_COLUMNS);
        else
            clear(screen, screen->row, 0, parameter(screen, 0, 0) == 1 ? screen->column : SCREEN_COLUMNS);
        break;
    default: break; /* colours and modes */
    }
}

static void put_text(struct screen *screen, unsigned char byte)
{
    if (byte == '\r') {
        screen->column = 0;
    } else if (byte == '\n') {
        line_feed(screen);
    } else if (byte == '\b') {
        screen->column -= at_most(1, screen->column);
    } else if (byte == 0x1B) {
        screen->state = SCREEN_ESCAPE;
    } else if (byte >= 0x20 && byte != 0x7F && (byte & 0xC0) != 0x80) { /* not the rest of a UTF-8 character */
        if (screen->column == SCREEN_COLUMNS) {
            screen->column = 0;
            line_feed(screen);
        }
        screen->cell[screen->row][screen->column++] = byte < 0x80 ? (char)byte : '?';
    }
}

static void put_csi(struct screen *screen, unsigned char byte)
{
    if (byte >= '0' && byte <= '9') {
        unsigned *value = &screen->parameter[screen->parameters];
        *value = at_most(*value * 10 + (byte - '0'), 10000);
    } else if (byte == ';') {
        screen->parameters = at_most(screen->parameters + 1, SCREEN_PARAMETERS - 1);
    } else if (byte >= 0x40 && byte <= 0x7E) {
        screen->parameters++;
        if (!screen->private_mode)
            control_sequence(screen, byte);
        screen->state = SCREEN_TEXT;
    } else {
        screen->private_mode = true; /* '?' and its like: modes, not positions */
    }
}

void screen_put(struct screen *screen, unsigned char byte)
{
    switch (screen->state) {
    case SCREEN_TEXT: put_text(screen, byte); break;
    case SCREEN_CSI: put_csi(screen, byte); break;
    case SCREEN_ESCAPE:
        memset(screen->parameter, 0, sizeof screen->parameter);
        screen->parameters = 0;
        screen->private_mode = false;
        screen->state = byte == '[' ? SCREEN_CSI : byte == ']' ? SCREEN_STRING : SCREEN_TEXT;
        break;
    case SCREEN_STRING: /* a title, up to BEL or ESC \ */
        if (byte == 7 || byte == '\\')
            screen->state = SCREEN_TEXT;
        break;
    }
}

bool screen_shows(const struct screen *screen, const char *text)
{
    for (unsigned row = 0; row < SCREEN_ROWS; row++)
        if (strstr(screen->cell[row], text) != NULL)
            return true;
    return false;
}

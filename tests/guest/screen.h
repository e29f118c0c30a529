/* screen.h - what a terminal would show: the subset of ECMA-48 that full-screen text programs use, without colours.
 *
 * For the guest tests, which look for text on the terminal display. One byte a cell: characters outside ASCII become
 * '?'. */
#ifndef VX86_TEST_GUEST_SCREEN_H
#define VX86_TEST_GUEST_SCREEN_H

#include <stdbool.h>

enum { SCREEN_ROWS = 40, SCREEN_COLUMNS = 120, SCREEN_PARAMETERS = 8 };

struct screen {
    char cell[SCREEN_ROWS][SCREEN_COLUMNS + 1]; /* each row ends in NUL */
    unsigned row, column;
    enum { SCREEN_TEXT, SCREEN_ESCAPE, SCREEN_CSI, SCREEN_STRING } state;
    unsigned parameter[SCREEN_PARAMETERS], parameters;
    bool private_mode;
};

void screen_init(struct screen *screen);
void screen_put(struct screen *screen, unsigned char byte);
/* True when the text stands somewhere on one row. */
bool screen_shows(const struct screen *screen, const char *text);

#endif

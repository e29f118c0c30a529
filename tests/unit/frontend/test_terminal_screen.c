/* test_terminal_screen.c - the bytes that bring a terminal from one screen to the next. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "terminal_screen.h"

enum { COLUMNS = 10, ROWS = 4 };

struct rig {
    struct terminal_screen *screen;
    struct vx_text_cell cells[COLUMNS * ROWS];
    struct vx_screen guest;
};

static void set_up(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    cr_assert_eq(terminal_screen_create(&rig->screen), VX_ERR_OK);
    terminal_screen_resize(rig->screen, COLUMNS, ROWS);
    for (size_t i = 0; i < VX_ARRAY_LEN(rig->cells); i++)
        rig->cells[i] = (struct vx_text_cell){ ' ', 0x07 };
    rig->guest = (struct vx_screen){ .columns = COLUMNS, .rows = ROWS, .cells = rig->cells, .blink = false };
}

static void put(struct rig *rig, unsigned row, unsigned column, const char *text, uint8_t attr)
{
    for (unsigned i = 0; text[i] != '\0'; i++)
        rig->cells[row * COLUMNS + column + i] = (struct vx_text_cell){ (uint8_t)text[i], attr };
}

static void expect(struct rig *rig, const char *bytes, const char *what)
{
    size_t count;
    terminal_screen_set(rig->screen, &rig->guest);
    const char *got = terminal_screen_draw(rig->screen, &count);
    char text[512];
    snprintf(text, sizeof text, "%.*s", (int)count, got);
    cr_expect_str_eq(text, bytes, "%s", what);
}

#define CLEAR "\033[0;37;40m\033[2J\033[?25l"

Test(terminal_screen, goldens)
{
    struct rig rig;
    set_up(&rig);
    put(&rig, 0, 0, "Hi", 0x07);
    rig.guest.cursor_visible = true;
    rig.guest.cursor_column = 2;
    expect(&rig, CLEAR "\033[1;1HHi\033[?25h", "first: the cursor is where the text ended");
    expect(&rig, "", "nothing new");
    put(&rig, 2, 3, "ab", 0x1F);
    expect(&rig, "\033[3;4H\033[0;97;44mab\033[1;3H", "bright white on blue, cursor back");
    put(&rig, 2, 5, "c", 0x1F);
    rig.guest.cursor_column = 6;
    rig.guest.cursor_row = 2;
    expect(&rig, "\033[3;6Hc", "same colour goes on; cursor ends there");
    put(&rig, 2, 7, "\xC4\xDB\x01", 0xCE);
    rig.guest.cursor_visible = false;
    expect(&rig, "\033[3;8H\033[0;93;101m\xE2\x94\x80\xE2\x96\x88\xE2\x98\xBA\033[?25l",
           "code page 437, bright background");
    put(&rig, 3, 9, "x", 0x07);
    put(&rig, 0, 0, "J", 0x07);
    expect(&rig, "\033[1;1H\033[0;37;40mJ\033[4;10Hx", "last column");
    put(&rig, 3, 8, "y", 0x07);
    expect(&rig, "\033[4;9Hy", "after the last column the place is not assumed");
    terminal_screen_destroy(rig.screen);
}

Test(terminal_screen, blink_and_modes)
{
    struct rig rig;
    set_up(&rig);
    put(&rig, 0, 0, "b", 0x87);
    rig.guest.blink = true;
    expect(&rig, CLEAR "\033[1;1H\033[0;37;40;5mb", "blinking");
    rig.guest.blink = false;
    expect(&rig, CLEAR "\033[1;1H\033[0;37;100mb", "another meaning of bit 7 redraws");
    terminal_screen_invalidate(rig.screen);
    expect(&rig, CLEAR "\033[1;1H\033[0;37;100mb", "invalidated");
    terminal_screen_set_message(rig.screen, "help");
    expect(&rig, "\033[4;1H\033[0;30;47mhelp      ", "message over the last row");
    terminal_screen_set_message(rig.screen, NULL);
    expect(&rig, "\033[4;1H\033[0;37;40m          ", "message gone");
    rig.guest = (struct vx_screen){ .width = 640, .height = 480 };
    terminal_screen_resize(rig.screen, 40, 4);
    expect(&rig, CLEAR "\033[1;1H[vx86: the guest shows 640x480 graphics]", "graphics");
    rig.guest = (struct vx_screen){ 0 };
    expect(&rig, "\033[1;1H                                        ", "blank");
    terminal_screen_destroy(rig.screen);
}

/* A small terminal shows the rows with the cursor. */
Test(terminal_screen, small_terminal)
{
    struct rig rig;
    set_up(&rig);
    terminal_screen_resize(rig.screen, 4, 2);
    put(&rig, 0, 0, "0", 0x07);
    put(&rig, 3, 0, "3", 0x07);
    expect(&rig, CLEAR "\033[1;1H0", "top");
    rig.guest.cursor_row = 3;
    rig.guest.cursor_visible = true;
    expect(&rig, "\033[1;1H \033[2;1H3\033[2;1H\033[?25h", "bottom");
    rig.guest.cursor_row = 200; /* off the screen altogether */
    rig.guest.cursor_column = 300;
    expect(&rig, " \033[?25l", "cursor nowhere: the last part");
    terminal_screen_destroy(rig.screen);
}

/* All 256 characters give one valid UTF-8 sequence of a printable character. */
Test(terminal_screen, cp437)
{
    for (unsigned ch = 0; ch < 256; ch++) {
        char utf8[4];
        unsigned n = cp437_to_utf8((uint8_t)ch, utf8);
        unsigned lead = (uint8_t)utf8[0];
        bool good = n == 1   ? lead >= 0x20 && lead < 0x7F
                    : n == 2 ? lead >= 0xC2 && lead < 0xE0
                             : n == 3 && lead >= 0xE2 && lead < 0xF0;
        for (unsigned i = 1; i < n; i++)
            good = good && ((uint8_t)utf8[i] & 0xC0) == 0x80;
        cr_expect(good, "character %02x", ch);
    }
}

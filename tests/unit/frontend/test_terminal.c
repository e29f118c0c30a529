/* test_terminal.c - the terminal display on a pseudo terminal: what it shows, what keys it sends, how it leaves. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "terminal.h"

struct rig {
    struct vx_log *log;
    struct vx_loop *loop;
    struct terminal *terminal;
    struct vx_input input;
    int master, slave;
    char keys[256];
    unsigned leaves;
};

static void on_key(void *device, unsigned code, bool down)
{
    struct rig *rig = device;
    size_t at = strlen(rig->keys);
    snprintf(rig->keys + at, sizeof rig->keys - at, "%c%x ", down ? '+' : '-', code);
}

static const struct vx_input_device_ops keyboard = { .key = on_key };

static void on_leave(void *opaque)
{
    ((struct rig *)opaque)->leaves++;
}

static void set_up_with(struct rig *rig, bool escape, enum keyboard_layout layout)
{
    struct winsize size = { .ws_row = 25, .ws_col = 80 };
    memset(rig, 0, sizeof *rig);
    rig->master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(rig->master >= 0 && grantpt(rig->master) == 0 && unlockpt(rig->master) == 0);
    rig->slave = open(ptsname(rig->master), O_RDWR | O_NOCTTY);
    cr_assert(rig->slave >= 0 && ioctl(rig->slave, TIOCSWINSZ, &size) == 0);
    rig->log = vx_log_create(stderr);
    cr_assert_eq(vx_loop_create(rig->log, &rig->loop), VX_ERR_OK);
    vx_input_attach(&rig->input, VX_INPUT_KEYBOARD, &keyboard, rig);
    cr_assert_eq(terminal_create(&(struct terminal_config){ .log = rig->log,
                                                            .loop = rig->loop,
                                                            .in_fd = rig->slave,
                                                            .out_fd = rig->slave,
                                                            .input = &rig->input,
                                                            .layout = layout,
                                                            .escape = escape,
                                                            .leave = on_leave,
                                                            .opaque = rig },
                                 &rig->terminal),
                 VX_ERR_OK);
}

static void set_up(struct rig *rig)
{
    set_up_with(rig, true, LAYOUT_US);
}

static void tear_down(struct rig *rig)
{
    terminal_destroy(rig->terminal);
    vx_loop_destroy(rig->loop);
    vx_log_destroy(rig->log);
}

/* All output so far ends with, or contains, `text`. */
static bool shows(struct rig *rig, const char *text)
{
    static char seen[65536];
    size_t count = 0;
    struct pollfd fd = { .fd = rig->master, .events = POLLIN };
    while (count < sizeof seen - 1 && poll(&fd, 1, 50) == 1) {
        ssize_t got = read(rig->master, seen + count, sizeof seen - 1 - count);
        if (got <= 0)
            break;
        count += (size_t)got;
    }
    seen[count] = '\0';
    return strstr(seen, text) != NULL;
}

/* Runs posted work until the keys are `keys` and Ctrl-A x came `leaves` times; false when they never are. */
static bool run_until(struct rig *rig, const char *keys, unsigned leaves)
{
    uint64_t end = vx_host_now_ns() + 20000000000ull;
    while (vx_host_now_ns() < end && (strcmp(rig->keys, keys) != 0 || rig->leaves != leaves)) {
        vx_loop_wait(rig->loop, vx_host_now_ns() + 50000000);
        vx_loop_run_posted(rig->loop);
    }
    return strcmp(rig->keys, keys) == 0 && rig->leaves == leaves;
}

Test(terminal, shows_and_restores)
{
    struct rig rig;
    struct vx_text_cell cells[80 * 25];
    set_up(&rig);
    for (size_t i = 0; i < VX_ARRAY_LEN(cells); i++)
        cells[i] = (struct vx_text_cell){ ' ', 0x07 };
    cells[80 * 3 + 4] = (struct vx_text_cell){ 'Q', 0x4F };
    cr_assert(shows(&rig, "\033[?1049h"));
    struct vx_display *display = terminal_display(rig.terminal);
    cr_assert(!display->wants_pixels);
    const struct vx_screen text = { .columns = 80, .rows = 25, .cells = cells };
    const struct vx_screen graphics = { .width = 800, .height = 600 }, other = { .width = 1024, .height = 768 };
    display->ops->update(display->opaque, &(struct vx_update){ .screen = &text });
    cr_assert(shows(&rig, "\033[4;5H\033[0;97;41mQ"));
    display->ops->update(display->opaque, &(struct vx_update){ .screen = &graphics });
    cr_assert(shows(&rig, "the guest shows 800x600 graphics"));
    display->ops->update(display->opaque, &(struct vx_update){ .head = 1, .screen = &other });
    cr_assert(!shows(&rig, "1024")); /* a terminal shows the first head alone */
    int master = rig.master;
    tear_down(&rig);
    rig.master = master;
    cr_assert(shows(&rig, "\033[?25h"));
}

Test(terminal, keys_and_prefix)
{
    struct rig rig;
    set_up(&rig);
    cr_assert_eq(write(rig.master, "a\033[A\033", 5), 5);
    cr_assert(run_until(&rig, "+1e -1e +148 -148 +1 -1 ", 0)); /* the pause makes the last ESC a key */
    rig.keys[0] = '\0';
    (void)shows(&rig, "");
    cr_assert_eq(write(rig.master, "\001a\001h", 4), 4);
    cr_assert(run_until(&rig, "+1d +1e -1e -1d ", 0));
    cr_assert(shows(&rig, "Ctrl-A x: leave vx86"));
    cr_assert_eq(write(rig.master, "\001x", 2), 2);
    cr_assert(run_until(&rig, rig.keys, 1));
    tear_down(&rig);
}

Test(terminal, keys_without_prefix_in_another_layout)
{
    struct rig rig;
    set_up_with(&rig, false, LAYOUT_FR);
    cr_assert_eq(write(rig.master, "\001x", 2), 2);
    cr_assert(run_until(&rig, "+1d +10 -10 -1d +2d -2d ", 0));
    tear_down(&rig);
}

Test(terminal, needs_a_terminal)
{
    struct rig rig;
    struct terminal *second;
    int fds[2];
    set_up(&rig);
    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(
        terminal_create(
            &(struct terminal_config){ .log = rig.log, .loop = rig.loop, .in_fd = fds[0], .out_fd = fds[1] }, &second),
        VX_ERR_UNSUPPORTED);
    cr_assert_eq(
        terminal_create(
            &(struct terminal_config){ .log = rig.log, .loop = rig.loop, .in_fd = rig.slave, .out_fd = rig.slave },
            &second),
        VX_ERR_LOCKED);
    tear_down(&rig);
}

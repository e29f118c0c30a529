/* vga_update.c - when the display is told of a change, and what it is told has changed.
 *
 *   I1  The display timer is armed only when something changed or, with a display that wants pixels, while the picture
 *       may be written unseen (frame buffer mapped to the guest): then the pages' dirty state is polled, at 30 Hz while
 *       it changes, at 4 Hz when it stands still.
 *   I2  Updates are at least UPDATE_GAP_NS apart.
 *   I3  Between updates `shown`, `shown_cells` and `pixels` are what the display has been told. What is dirty is found
 *       by comparison with them, so the rectangles are exact in lines, and nothing is told where all is as it was.
 *       Which lines need be looked at say the pages that were written, as long as no register has changed. */
#include <stdlib.h>
#include <string.h>

#include "vga_state.h"

enum { UPDATE_GAP_NS = 33333334, FIRST_DELAY_NS = 2000000, QUIET_GAP_NS = 250000000, QUIET_AFTER = 30 };

/* ---- rectangles -------------------------------------------------------------------------------------------------- */

struct dirty {
    struct vx_rect rect[VX_MAX_DIRTY];
    unsigned count;
};

/* Line y, from x on: lines one below the other make one rectangle; when there is no room for another, the last one
 * takes in what lies between. */
static void add_line(struct dirty *dirty, unsigned y, unsigned x, unsigned width)
{
    struct vx_rect *last = dirty->count != 0 ? &dirty->rect[dirty->count - 1] : NULL;
    if (last == NULL || (last->y + last->height != y && dirty->count < VX_MAX_DIRTY)) {
        dirty->rect[dirty->count++] = (struct vx_rect){ x, y, width, 1 };
        return;
    }
    unsigned left = x < last->x ? x : last->x;
    unsigned right = x + width > last->x + last->width ? x + width : last->x + last->width;
    *last = (struct vx_rect){ left, last->y, right - left, y + 1 - last->y };
}

static void set_all(struct dirty *dirty, unsigned width, unsigned height)
{
    dirty->rect[0] = (struct vx_rect){ 0, 0, width, height };
    dirty->count = 1;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* Columns first to *last of a row are dirty; none at first. */
struct span {
    unsigned first, end;
};

static void widen(struct span *span, unsigned column)
{
    if (span->end == 0 || column < span->first)
        span->first = column;
    if (column >= span->end)
        span->end = column + 1;
}

static bool same_cursor(const struct vx_screen *a, const struct vx_screen *b)
{
    return a->cursor_visible == b->cursor_visible && a->cursor_row == b->cursor_row &&
           a->cursor_column == b->cursor_column;
}

static void compare_cells(const struct vga *vga, const struct vx_screen *screen, struct dirty *dirty)
{
    const struct vx_screen *cursors[2] = { &vga->shown, screen };
    bool moved = !same_cursor(&vga->shown, screen);
    for (unsigned row = 0; row < screen->rows; row++) {
        const struct vx_text_cell *is = vga->cells + row * screen->columns;
        const struct vx_text_cell *was = vga->shown_cells + row * screen->columns;
        struct span span = { 0, 0 };
        if (memcmp(is, was, screen->columns * sizeof *is) != 0)
            for (unsigned column = 0; column < screen->columns; column++)
                if (is[column].ch != was[column].ch || is[column].attr != was[column].attr)
                    widen(&span, column);
        for (unsigned i = 0; moved && i < 2; i++)
            if (cursors[i]->cursor_visible && cursors[i]->cursor_row == row)
                widen(&span, cursors[i]->cursor_column);
        if (span.end != 0)
            add_line(dirty, row, span.first, span.end - span.first);
    }
}

/* ---- pixels ------------------------------------------------------------------------------------------------------ */

static bool reserve_pixels(struct vga *vga, size_t count)
{
    if (count <= vga->pixels_count)
        return true;
    uint32_t *pixels = realloc(vga->pixels, count * sizeof *pixels);
    if (pixels == NULL)
        return false;
    vga->pixels = pixels;
    vga->pixels_count = count;
    return true;
}

static bool was_written(const struct vga *vga, const struct vga_picture *picture, unsigned y, const uint8_t *pages)
{
    struct vga_source source;
    if (!picture->source(vga, picture, y, &source))
        return true;
    for (uint32_t part = 0; part < (source.each_part ? 4 : 1); part++) {
        uint32_t base = part * (VGA_PLANE_BYTES / VX_PAGE_BYTES);
        for (uint32_t page = source.first / VX_PAGE_BYTES; page <= source.last / VX_PAGE_BYTES; page++)
            if (pages[(base + page) / 8] >> (base + page) % 8 & 1)
                return true;
    }
    return false;
}

static void draw_line(struct vga *vga, const struct vga_picture *picture, unsigned y, struct dirty *dirty)
{
    unsigned first = 0, end = picture->screen.width;
    uint32_t *was = vga->pixels + (size_t)y * end;
    picture->draw(vga, picture, y, vga->line);
    if (memcmp(was, vga->line, end * sizeof *was) == 0)
        return;
    while (was[first] == vga->line[first])
        first++;
    while (was[end - 1] == vga->line[end - 1])
        end--;
    memcpy(was + first, vga->line + first, (end - first) * sizeof *was);
    add_line(dirty, y, first, end - first);
}

/* Brings vga->pixels up to date. False when host memory is short. `pages`: which pages of video memory were written. */
static bool draw(struct vga *vga, struct vga_picture *picture, const uint8_t *pages, struct dirty *dirty)
{
    struct vx_screen *screen = &picture->screen;
    bool all = vga->redraw || vga->whole;
    VX_ASSERT(screen->width <= VGA_MAX_WIDTH);
    if (!reserve_pixels(vga, (size_t)screen->width * screen->height))
        return false;
    for (unsigned y = 0; y < screen->height; y++)
        if (all || was_written(vga, picture, y, pages))
            draw_line(vga, picture, y, dirty);
    screen->pixels = vga->pixels;
    return true;
}

/* ---- updates ----------------------------------------------------------------------------------------------------- */

static bool same_picture(const struct vx_screen *a, const struct vx_screen *b)
{
    return a->columns == b->columns && a->rows == b->rows && a->width == b->width && a->height == b->height &&
           a->blink == b->blink && (a->cells == NULL) == (b->cells == NULL) &&
           (a->pixels == NULL) == (b->pixels == NULL);
}

static void tell(struct vga *vga, const struct vx_screen *screen, const struct dirty *dirty)
{
    struct vx_update update = {
        .head = vga->head, .screen = screen, .dirty = dirty->rect, .dirty_count = dirty->count
    };
    if (screen->width != vga->shown.width || screen->height != vga->shown.height)
        vx_trace(vga->log, vga_mode, "picture", screen->width, screen->height);
    vga->display->ops->update(vga->display->opaque, &update);
    vga->shown = *screen; /* keeps I3 */
    struct vx_text_cell *cells = vga->shown_cells;
    vga->shown_cells = vga->cells;
    vga->cells = cells;
}

static void update(struct vga *vga, const uint8_t *pages)
{
    struct vga_picture picture;
    struct vx_screen *screen = &picture.screen;
    struct dirty dirty = { .count = 0 };
    vga->changed = false;
    vga->last_update_ns = vx_clock_now_ns(vga->clock);
    vga_render(vga, vga->display->wants_pixels, &picture);
    if (picture.draw != NULL) {
        if (screen->width != vga->shown.width || screen->height != vga->shown.height || vga->shown.pixels == NULL)
            vga->whole = true; /* the old pixels are none of this picture */
        if (!draw(vga, &picture, pages, &dirty)) {
            vga->redraw = true;
            return;
        }
    } else if (screen->cells != NULL) {
        compare_cells(vga, screen, &dirty);
    }
    vga->redraw = false;
    bool whole = vga->whole || !same_picture(screen, &vga->shown);
    if (screen->pixels != NULL && whole)
        set_all(&dirty, screen->width, screen->height);
    else if (screen->cells != NULL && whole)
        set_all(&dirty, screen->columns, screen->rows);
    vga->whole = false;
    if (whole || dirty.count != 0)
        tell(vga, screen, &dirty);
}

/* ---- when -------------------------------------------------------------------------------------------------------- */

static bool polls_memory(const struct vga *vga)
{
    return vga->display->wants_pixels && vga_is_direct(vga) && (vga->ac_index & AC_PAS);
}

void vga_changed(struct vga *vga)
{
    if (vga->changed)
        return;
    vga->changed = true;
    if (vga->display == NULL)
        return;
    uint64_t soon = vx_clock_now_ns(vga->clock) + FIRST_DELAY_NS;
    uint64_t allowed = vga->last_update_ns + UPDATE_GAP_NS; /* keeps I2 */
    vx_timer_set(vga->clock, &vga->display_timer, soon > allowed ? soon : allowed);
}

void vga_repaint(struct vga *vga)
{
    vga->redraw = true;
    vga_changed(vga);
}

static void refresh(void *device, unsigned head)
{
    struct vga *vga = device;
    (void)head;
    vga->whole = true;
    vga_changed(vga);
}

const struct vx_display_device_ops vga_display_ops = { .refresh = refresh };

void vga_display_tick(void *opaque)
{
    struct vga *vga = opaque;
    uint8_t pages[VGA_VRAM_PAGES / 8] = { 0 };
    bool polling = polls_memory(vga);
    if (vga->display->wants_pixels && vx_pmap_take_dirty(vga->pmap, vga->vram_page, VGA_VRAM_PAGES, pages))
        vga->changed = true;
    vga->quiet_polls = vga->changed ? 0 : vga->quiet_polls + 1;
    if (vga->changed)
        update(vga, pages);
    if (polling) /* keeps I1 */
        vx_timer_set(vga->clock, &vga->display_timer,
                     vx_clock_now_ns(vga->clock) + (vga->quiet_polls > QUIET_AFTER ? QUIET_GAP_NS : UPDATE_GAP_NS));
}

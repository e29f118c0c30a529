/* test_vga_update.c - when the display is told, and which rectangles. The rig checks that nothing outside of them has
 * changed. */
#include <criterion/criterion.h>

#include "vga_rig.h"

#define MS 1000000ull

/* At most 30 updates a second while the guest draws; none, and no timer, while it does not. */
Test(vga_update, updates_are_rare_and_end)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_set_mode(&rig, &vga_mode_text);
    vx_clock_advance(rig.clock, 100 * MS);
    rig.updates = 0;
    for (unsigned i = 0; i < 1000; i++) {
        vx_pmap_store(rig.pmap, 0xB8000, 1, i & 0xFF);
        vx_clock_advance(rig.clock, MS);
    }
    cr_assert(rig.updates >= 28 && rig.updates <= 31, "%u updates in a second", rig.updates);
    vx_clock_advance(rig.clock, 100 * MS);
    rig.updates = 0;
    vx_pmap_store(rig.pmap, 0xB8000, 1, 999 & 0xFF); /* what is there already */
    cr_assert_eq(vx_clock_next_ns(rig.clock), VX_NEVER);
    vx_display_refresh(&rig.display, 0);
    vx_clock_advance(rig.clock, 100 * MS);
    cr_assert_eq(rig.updates, 1);

    vga_set_mode(&rig, &vga_mode_13h); /* a display without pixels hears of a graphics mode once */
    vx_clock_advance(rig.clock, 100 * MS);
    rig.updates = 0;
    vx_pmap_store(rig.pmap, 0xA0000, 1, 5);
    vx_clock_advance(rig.clock, 1000 * MS);
    cr_assert_eq(rig.updates, 0);
    cr_assert(rig.last.width == 320 && rig.last.height == 200 && rig.last.pixels == NULL);
    cr_assert_eq(vx_clock_next_ns(rig.clock), VX_NEVER);
    vga_rig_fini(&rig);
}

static void expect_dirty(const struct vga_rig *rig, const char *what, const struct vx_rect *want, unsigned count)
{
    bool same = rig->dirty_count == count && memcmp(rig->dirty, want, count * sizeof *want) == 0;
    cr_expect(same, "%s: %u rectangles, the first %u,%u %ux%u", what, rig->dirty_count, rig->dirty[0].x,
              rig->dirty[0].y, rig->dirty[0].width, rig->dirty[0].height);
}
#define EXPECT_DIRTY(rig, what, ...)                                 \
    expect_dirty(rig, what, (const struct vx_rect[]){ __VA_ARGS__ }, \
                 sizeof((const struct vx_rect[]){ __VA_ARGS__ }) / sizeof(struct vx_rect))

Test(vga_update, dirty_cells)
{
    struct vga_rig rig;
    vga_rig_init(&rig, false);
    vga_set_mode(&rig, &vga_mode_text);
    vx_clock_advance(rig.clock, 50 * MS);
    EXPECT_DIRTY(&rig, "a new picture", { 0, 0, 80, 25 });
    vx_pmap_store(rig.pmap, 0xB8000 + 2 * (3 * 80 + 7), 1, 'a');
    vx_pmap_store(rig.pmap, 0xB8000 + 2 * (3 * 80 + 9), 1, 'b');
    vx_pmap_store(rig.pmap, 0xB8000 + 2 * (4 * 80 + 2), 1, 'c');
    vx_pmap_store(rig.pmap, 0xB8000 + 2 * (9 * 80 + 79), 1, 'd');
    vx_clock_advance(rig.clock, 50 * MS);
    EXPECT_DIRTY(&rig, "four cells", { 2, 3, 8, 2 }, { 79, 9, 1, 1 });
    vga_set(&rig, 0x3D4, 0x0F, 2 * 80 + 5); /* the cursor, from (0, 0) to (5, 2) */
    vx_clock_advance(rig.clock, 50 * MS);
    EXPECT_DIRTY(&rig, "the cursor", { 0, 0, 1, 1 }, { 5, 2, 1, 1 });
    rig.updates = 0;
    vga_set(&rig, 0x3C4, 3, 0x05); /* another font is none of the cells' business */
    vx_clock_advance(rig.clock, 50 * MS);
    cr_expect_eq(rig.updates, 0);
    vx_display_refresh(&rig.display, 0);
    vx_clock_advance(rig.clock, 50 * MS);
    EXPECT_DIRTY(&rig, "refreshed", { 0, 0, 80, 25 });
    vga_set(&rig, 0x3C4, 1, 0x20); /* screen off */
    vx_clock_advance(rig.clock, 50 * MS);
    cr_expect(rig.dirty_count == 0 && rig.last.cells == NULL);
    vga_set(&rig, 0x3C4, 1, 0x00);
    vx_clock_advance(rig.clock, 50 * MS);
    EXPECT_DIRTY(&rig, "back", { 0, 0, 80, 25 });
    vga_rig_fini(&rig);
}

/* Exact in lines, through the window, the linear frame buffer, the palette; nothing is told of writes without effect
 * or outside of the picture. */
Test(vga_update, dirty_pixels)
{
    struct vga_rig rig;
    vga_rig_init(&rig, true);
    vga_set_mode(&rig, &vga_mode_13h);
    vx_clock_advance(rig.clock, 50 * MS);
    EXPECT_DIRTY(&rig, "a new picture", { 0, 0, 320, 200 });
    vx_pmap_store(rig.pmap, 0xA0000 + 320 * 10 + 5, 1, 3);
    vx_pmap_store(rig.pmap, 0xA0000 + 320 * 11 + 50, 1, 3);
    vx_pmap_store(rig.pmap, 0xA0000 + 320 * 150 + 319, 1, 3);
    vx_clock_advance(rig.clock, 300 * MS);
    EXPECT_DIRTY(&rig, "three dots", { 5, 10, 46, 2 }, { 319, 150, 1, 1 });
    vga_out(&rig, 0x3C8, 3);
    for (unsigned i = 0; i < 3; i++)
        vga_out(&rig, 0x3C9, 0x3F);
    vx_clock_advance(rig.clock, 300 * MS);
    EXPECT_DIRTY(&rig, "their colour", { 5, 10, 46, 2 }, { 319, 150, 1, 1 });
    for (unsigned y = 0; y < 200; y += 2) /* more than there is room for: the last one takes in the rest */
        vx_pmap_store(rig.pmap, 0xA0000 + 320 * y + y, 1, 9);
    vx_clock_advance(rig.clock, 300 * MS);
    cr_expect_eq(rig.dirty_count, VX_MAX_DIRTY);
    for (unsigned i = 0; i < VX_MAX_DIRTY - 1; i++)
        cr_expect(memcmp(&rig.dirty[i], &(struct vx_rect){ 2 * i, 2 * i, 1, 1 }, sizeof rig.dirty[i]) == 0);
    cr_expect(memcmp(&rig.dirty[15], &(struct vx_rect){ 30, 30, 169, 169 }, sizeof rig.dirty[15]) == 0);
    rig.updates = 0;
    vx_pmap_store(rig.pmap, 0xA0000 + 320 * 20 + 20, 1, 9);
    vx_pmap_store(rig.pmap, 0xA0000 + 320 * 200, 1, 7);
    vx_clock_advance(rig.clock, 300 * MS);
    cr_expect_eq(rig.updates, 0);

    vga_set_mode(&rig, &vga_mode_12h); /* planes, through the handlers, panned by three dots */
    vga_set_ac(&rig, 0x13, 3);
    vga_out(&rig, 0x3C0, 0x20);
    vx_clock_advance(rig.clock, 300 * MS);
    vga_set(&rig, 0x3CE, 8, 0xFF);
    vga_set(&rig, 0x3CE, 5, 0x02);
    vx_pmap_store(rig.pmap, 0xA0000 + 470 * 80 + 80, 1, 14); /* the byte behind line 470's 80: panned in */
    vx_clock_advance(rig.clock, 300 * MS);
    EXPECT_DIRTY(&rig, "eight dots", { 0, 470, 640, 2 });
    vga_set_mode(&rig, &vga_mode_text);
    vx_clock_advance(rig.clock, 300 * MS);
    vx_pmap_store(rig.pmap, 0xB8000 + 2 * (3 * 80 + 7), 2, 0x20DB);
    vx_clock_advance(rig.clock, 300 * MS);
    EXPECT_DIRTY(&rig, "a cell's background", { 63, 48, 9, 16 });
    vga_rig_fini(&rig);
}

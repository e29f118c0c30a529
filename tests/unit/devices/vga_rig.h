/* vga_rig.h - a VGA on its buses with a display that keeps the last picture. */
#ifndef VX86_TESTS_VGA_RIG_H
#define VX86_TESTS_VGA_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vga.h"

struct vga_rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_pmap *pmap;
    struct pci *pci;
    struct vga *vga;
    struct vx_display display;
    unsigned updates;
    struct vx_screen last; /* with copies behind the pointers */
    struct vx_rect dirty[VX_MAX_DIRTY];
    unsigned dirty_count;
    bool lied; /* something outside of the rectangles has changed */
};

static inline uint64_t vga_rig_bus_read(void *opaque, uint32_t from, uint64_t phys, unsigned size)
{
    (void)from;
    return vx_bus_read(((struct vga_rig *)opaque)->bus, VX_SPACE_MEMORY, phys, size);
}

static inline void vga_rig_bus_write(void *opaque, uint32_t from, uint64_t phys, unsigned size, uint64_t value)
{
    (void)from;
    vx_bus_write(((struct vga_rig *)opaque)->bus, VX_SPACE_MEMORY, phys, size, value);
}

static inline bool vga_rig_covered(const struct vx_update *update, unsigned x, unsigned y)
{
    for (unsigned i = 0; i < update->dirty_count; i++) {
        const struct vx_rect *rect = &update->dirty[i];
        if (x - rect->x < rect->width && y - rect->y < rect->height)
            return true;
    }
    return false;
}

/* Is all that differs from the last picture in the rectangles? */
static inline bool vga_rig_true(const struct vga_rig *rig, const struct vx_update *update)
{
    const struct vx_screen *now = update->screen, *was = &rig->last;
    if (now->pixels != NULL) {
        bool same = was->pixels != NULL && was->width == now->width && was->height == now->height;
        for (unsigned i = 0; i < now->width * now->height; i++)
            if ((!same || now->pixels[i] != was->pixels[i]) && !vga_rig_covered(update, i % now->width, i / now->width))
                return false;
    } else if (now->cells != NULL) {
        bool same = was->cells != NULL && was->columns == now->columns && was->rows == now->rows;
        for (unsigned i = 0; i < now->columns * now->rows; i++)
            if ((!same || memcmp(&now->cells[i], &was->cells[i], sizeof now->cells[i]) != 0) &&
                !vga_rig_covered(update, i % now->columns, i / now->columns))
                return false;
    }
    return true;
}

static inline void vga_rig_update(void *opaque, const struct vx_update *update)
{
    struct vga_rig *rig = opaque;
    const struct vx_screen *screen = update->screen;
    rig->lied |= !vga_rig_true(rig, update);
    rig->dirty_count = update->dirty_count;
    if (update->dirty_count != 0)
        memcpy(rig->dirty, update->dirty, update->dirty_count * sizeof *update->dirty);
    size_t cells = (size_t)screen->columns * screen->rows * sizeof *screen->cells;
    size_t pixels = (size_t)screen->width * screen->height * sizeof *screen->pixels;
    free((void *)rig->last.cells);
    free((void *)rig->last.pixels);
    rig->last = *screen;
    rig->last.cells = screen->cells != NULL ? memcpy(malloc(cells), screen->cells, cells) : NULL;
    rig->last.pixels = screen->pixels != NULL ? memcpy(malloc(pixels), screen->pixels, pixels) : NULL;
    rig->updates++;
}

static inline void vga_rig_init(struct vga_rig *rig, bool wants_pixels)
{
    static const uint8_t rom[3] = { 0x55, 0xAA, 0x7F };
    static const struct vx_display_ops ops = { .update = vga_rig_update };
    memset(rig, 0, sizeof *rig);
    rig->log = vx_log_create(stderr);
    rig->display = (struct vx_display){ .ops = &ops, .opaque = rig, .wants_pixels = wants_pixels };
    VX_ASSERT(vx_bus_create(rig->log, &rig->stats, &rig->bus) == VX_ERR_OK);
    VX_ASSERT(vx_clock_create_fake(&rig->clock) == VX_ERR_OK);
    VX_ASSERT(vx_pmap_create(&(struct vx_pmap_config){ .log = rig->log,
                                                       .stats = &rig->stats,
                                                       .ram_bytes = 1 << 20,
                                                       .extra_bytes = VX_VGA_EXTRA_BYTES,
                                                       .bus = { vga_rig_bus_read, vga_rig_bus_write },
                                                       .bus_opaque = rig },
                             &rig->pmap) == VX_ERR_OK);
    VX_ASSERT(pci_create(&(struct pci_config){ .log = rig->log,
                                               .bus = rig->bus,
                                               .pmap = rig->pmap,
                                               .memory_first = 0xC0000000,
                                               .memory_end = 0xFE000000 },
                         &rig->pci) == VX_ERR_OK);
    VX_ASSERT(vga_create(&(struct vga_config){ .log = rig->log,
                                               .bus = rig->bus,
                                               .clock = rig->clock,
                                               .pmap = rig->pmap,
                                               .pci = rig->pci,
                                               .slot = 2,
                                               .rom = rom,
                                               .rom_bytes = sizeof rom,
                                               .display = &rig->display },
                         &rig->vga) == VX_ERR_OK);
}

static inline void vga_rig_fini(struct vga_rig *rig)
{
    VX_ASSERT(!rig->lied);
    vga_type.destroy(rig->vga);
    VX_ASSERT(rig->display.heads == 1 && rig->display.head[0].ops == NULL);
    pci_type.destroy(rig->pci);
    vx_pmap_destroy(rig->pmap);
    vx_clock_destroy(rig->clock);
    vx_bus_destroy(rig->bus);
    vx_log_destroy(rig->log);
    free((void *)rig->last.cells);
    free((void *)rig->last.pixels);
}

static inline void vga_out(struct vga_rig *rig, uint16_t port, unsigned value)
{
    vx_bus_write(rig->bus, VX_SPACE_IO, port, 1, value);
}

static inline unsigned vga_in(struct vga_rig *rig, uint16_t port)
{
    return (unsigned)vx_bus_read(rig->bus, VX_SPACE_IO, port, 1);
}

/* Index and data in one word, as software does it (3C4h, 3CEh, 3D4h). */
static inline void vga_set(struct vga_rig *rig, uint16_t port, unsigned index, unsigned value)
{
    vx_bus_write(rig->bus, VX_SPACE_IO, port, 2, index | value << 8);
}

static inline void vga_set_ac(struct vga_rig *rig, unsigned index, unsigned value)
{
    vga_in(rig, 0x3DA);
    vga_out(rig, 0x3C0, index);
    vga_out(rig, 0x3C0, value);
}

static inline void vga_vbe(struct vga_rig *rig, unsigned index, unsigned value)
{
    vx_bus_write(rig->bus, VX_SPACE_IO, 0x1CE, 2, index);
    vx_bus_write(rig->bus, VX_SPACE_IO, 0x1CF, 2, value);
}

static inline unsigned vga_vbe_get(struct vga_rig *rig, unsigned index)
{
    vx_bus_write(rig->bus, VX_SPACE_IO, 0x1CE, 2, index);
    return (unsigned)vx_bus_read(rig->bus, VX_SPACE_IO, 0x1CF, 2);
}

/* A mode as a BIOS sets it: the register values of the IBM VGA's mode table. */
struct vga_mode {
    uint8_t misc, seq[4], crtc[25], ac[20], gc[9]; /* seq from register 1 on */
};

static const struct vga_mode vga_mode_text = {
    0x67,
    { 0x00, 0x03, 0x00, 0x02 },
    { 0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E, 0x00,
      0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF },
    { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39,
      0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x0C, 0x00, 0x0F, 0x08 },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0E, 0x00, 0xFF },
};
static const struct vga_mode vga_mode_12h = {
    0xE3,
    { 0x01, 0x0F, 0x00, 0x06 },
    { 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0x00, 0x40, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0xEA, 0x8C, 0xDF, 0x28, 0x00, 0xE7, 0x04, 0xE3, 0xFF },
    { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39,
      0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x01, 0x00, 0x0F, 0x00 },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0F, 0xFF },
};
static const struct vga_mode vga_mode_13h = {
    0x63,
    { 0x01, 0x0F, 0x00, 0x0E },
    { 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0x00, 0x41, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF },
    { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
      0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x41, 0x00, 0x0F, 0x00 },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0F, 0xFF },
};
static const struct vga_mode vga_mode_04h = {
    0x63,
    { 0x09, 0x03, 0x00, 0x02 },
    { 0x2D, 0x27, 0x28, 0x90, 0x2B, 0x80, 0xBF, 0x1F, 0x00, 0xC1, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x14, 0x00, 0x96, 0xB9, 0xA2, 0xFF },
    { 0x00, 0x13, 0x15, 0x17, 0x02, 0x04, 0x06, 0x07, 0x10, 0x11,
      0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x01, 0x00, 0x03, 0x00 },
    { 0x00, 0x00, 0x00, 0x00, 0x00, 0x30, 0x0F, 0x00, 0xFF },
};

/* Sets the mode, and a DAC in which entry i is grey i of 64 (i of 256 entries modulo 64). */
static inline void vga_set_mode(struct vga_rig *rig, const struct vga_mode *mode)
{
    vga_out(rig, 0x3C2, mode->misc);
    vga_set(rig, 0x3C4, 0, 3);
    for (unsigned i = 0; i < 4; i++)
        vga_set(rig, 0x3C4, i + 1, mode->seq[i]);
    vga_set(rig, 0x3D4, 0x11, 0);
    for (unsigned i = 0; i < 25; i++)
        vga_set(rig, 0x3D4, i, mode->crtc[i]);
    for (unsigned i = 0; i < 9; i++)
        vga_set(rig, 0x3CE, i, mode->gc[i]);
    for (unsigned i = 0; i < 20; i++)
        vga_set_ac(rig, i, mode->ac[i]);
    vga_out(rig, 0x3C8, 0);
    for (unsigned i = 0; i < 256 * 3; i++)
        vga_out(rig, 0x3C9, i / 3 & 0x3F);
    vga_in(rig, 0x3DA);
    vga_out(rig, 0x3C0, 0x20);
}

#endif

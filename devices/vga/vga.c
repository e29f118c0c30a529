/* vga.c - the VGA as a PCI function.
 *
 * Data flow: guest -> ports (vga_ports.c, vbe.c) and memory (vga_memory.c) -> changed -> display timer (vga_update.c)
 * -> vga_render.c -> the display's update(). */
#include <stdlib.h>
#include <string.h>

#include "vga_state.h"

enum {
    MMIO_PORTS = 0x400,
    MMIO_PORTS_END = 0x420,
    MMIO_VBE = 0x500,
    MMIO_VBE_END = 0x516,
    MMIO_EXT = 0x600,
    MMIO_BYTES = 0x1000
};
enum { EXT_SIZE = 8, VBE_PORT = 0x1CE };
#define EXT_LITTLE_ENDIAN 0x1E1E1E1Eu

/* ---- ports and MMIO ---------------------------------------------------------------------------------------------- */

/* One range of VGA ports: the handlers get the port number back from where the range begins. */
struct port_range {
    const char *name;
    uint16_t first, count;
    uint64_t (*read)(void *opaque, uint64_t off, unsigned size);
    void (*write)(void *opaque, uint64_t off, unsigned size, uint64_t value);
};

static uint64_t mono_crtc_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return vga_port_read(opaque, (uint16_t)(0x3B4 + off));
}

static void mono_crtc_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    vga_port_write(opaque, (uint16_t)(0x3B4 + off), (uint8_t)value);
}

static uint64_t mono_status_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return vga_port_read(opaque, (uint16_t)(0x3BA + off));
}

static void mono_status_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    vga_port_write(opaque, (uint16_t)(0x3BA + off), (uint8_t)value);
}

static uint64_t main_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return vga_port_read(opaque, (uint16_t)(0x3C0 + off));
}

static void main_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    vga_port_write(opaque, (uint16_t)(0x3C0 + off), (uint8_t)value);
}

/* 1CEh index and 1CFh data, 16 bits each at odd distance; 1D0h is data again for software that wants alignment. */
static uint64_t vbe_port_read(void *opaque, uint64_t off, unsigned size)
{
    const struct vga *vga = opaque;
    (void)size;
    return off == 0 ? vga->vbe_index : off <= 2 ? vbe_read(vga, vga->vbe_index) : UINT64_MAX;
}

static void vbe_port_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct vga *vga = opaque;
    if (off == 0)
        vga->vbe_index = (uint16_t)value;
    else if (size == 2 && off <= 2)
        vbe_write(vga, vga->vbe_index, (uint16_t)value);
}

static const struct port_range port_ranges[] = {
    { "vga mono crtc", 0x3B4, 2, mono_crtc_read, mono_crtc_write },
    { "vga mono status", 0x3BA, 1, mono_status_read, mono_status_write },
    { "vga", 0x3C0, 0x1B, main_read, main_write }, /* to the colour status port 3DAh */
    { "vga vbe", VBE_PORT, 4, vbe_port_read, vbe_port_write },
};

/* But for the ports of the old registers, whose reads may change something. */
static uint64_t mmio_plain(const struct vga *vga, uint64_t off, unsigned size)
{
    if (off >= MMIO_VBE && off + size <= MMIO_VBE_END)
        return size == 1 ? vbe_read(vga, (unsigned)(off - MMIO_VBE) / 2) >> (8 * (off & 1)) & 0xFF
                         : vbe_read(vga, (unsigned)(off - MMIO_VBE) / 2);
    if (off == MMIO_EXT)
        return EXT_SIZE;
    return off == MMIO_EXT + 4 ? EXT_LITTLE_ENDIAN : off < MMIO_PORTS ? 0 : UINT64_MAX;
}

static bool in_mmio_ports(uint64_t off, unsigned size)
{
    return off >= MMIO_PORTS && off + size <= MMIO_PORTS_END;
}

static uint64_t mmio_read(void *opaque, uint64_t off, unsigned size)
{
    uint64_t value = 0;
    if (!in_mmio_ports(off, size))
        return mmio_plain(opaque, off, size);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)vga_port_read(opaque, (uint16_t)(0x3C0 + off - MMIO_PORTS + i)) << (8 * i);
    return value;
}

static uint64_t mmio_peek(const void *opaque, uint64_t off, unsigned size)
{
    uint64_t value = 0;
    if (!in_mmio_ports(off, size))
        return mmio_plain(opaque, off, size);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)vga_port_peek(opaque, (uint16_t)(0x3C0 + off - MMIO_PORTS + i)) << (8 * i);
    return value;
}

static void mmio_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct vga *vga = opaque;
    if (off >= MMIO_VBE && off + size <= MMIO_VBE_END && size == 2)
        vbe_write(vga, (unsigned)(off - MMIO_VBE) / 2, (uint16_t)value);
    for (unsigned i = 0; off >= MMIO_PORTS && off + size <= MMIO_PORTS_END && i < size; i++)
        vga_port_write(vga, (uint16_t)(0x3C0 + off - MMIO_PORTS + i), (uint8_t)(value >> (8 * i)));
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void reset_registers(struct vga *vga)
{
    vga->misc = vga->feature = 0;
    vga->subsystem_enable = 1;
    vga->seq_index = vga->crtc_index = vga->gc_index = vga->ac_index = 0;
    memset(vga->seq, 0, sizeof vga->seq);
    memset(vga->crtc, 0, sizeof vga->crtc);
    memset(vga->gc, 0, sizeof vga->gc);
    memset(vga->ac, 0, sizeof vga->ac);
    memset(vga->dac, 0, sizeof vga->dac);
    vga->ac_data_next = false;
    vga->dac_mask = 0xFF;
    vga->dac_index = vga->dac_part = 0;
    vga->dac_reading = false;
    memset(vga->dac_rgb, 0, sizeof vga->dac_rgb);
    vga->latches = 0;
    vbe_reset(vga);
}

static void reset(void *instance, enum reset phase)
{
    struct vga *vga = instance;
    if (phase == VX_RESET_HOLD) {
        reset_registers(vga);
        return;
    }
    vga_remap_window(vga, true);
    vga_repaint(vga);
}

/* The display is shown the whole picture: what it showed, and at whatever time, was another. */
static void restored(void *instance)
{
    struct vga *vga = instance;
    vbe_restored(vga);
    for (uint32_t i = 0; i < VGA_VRAM_PAGES; i++)
        vx_pmap_wrote_page(vga->pmap, vga->vram_page + i, 0, VX_PAGE_BYTES);
    vga_restore_window(vga);
    vga->last_update_ns = 0;
    vga->quiet_polls = 0;
    vga->whole = true;
    vga->changed = false; /* so that the timer is set anew */
    vga_repaint(vga);
}

static void destroy(void *instance)
{
    struct vga *vga = instance;
    if (vga == NULL)
        return;
    vx_timer_set(vga->clock, &vga->display_timer, VX_NEVER);
    pci_remove(&vga->pci);
    for (size_t i = 0; i < VX_ARRAY_LEN(port_ranges); i++)
        vx_bus_remove(vga->bus, &vga->ports[i]);
    vx_bus_remove(vga->bus, &vga->window);
    if (vga->head != VX_MAX_HEADS)
        vx_display_detach(vga->display, vga->head);
    free(vga->cells);
    free(vga->shown_cells);
    free(vga->pixels);
    free(vga);
}

static const struct state_field fields[] = {
    REGISTER(struct vga, misc),
    REGISTER(struct vga, feature),
    REGISTER(struct vga, subsystem_enable),
    REGISTER(struct vga, seq_index),
    REGISTER(struct vga, seq),
    REGISTER(struct vga, crtc_index),
    REGISTER(struct vga, crtc),
    REGISTER(struct vga, gc_index),
    REGISTER(struct vga, gc),
    REGISTER(struct vga, ac_index),
    REGISTER(struct vga, ac),
    REGISTER(struct vga, ac_data_next),
    REGISTER(struct vga, dac_mask),
    REGISTER(struct vga, dac_index),
    FIELD_MAX(struct vga, dac_part, 2),
    FIELD(struct vga, dac_reading),
    FIELD(struct vga, dac_rgb),
    FIELD_BYTES(struct vga, dac),
    REGISTER(struct vga, latches),
    FIELD(struct vga, vbe_index),
    FIELD(struct vga, vbe),
    FIELD_BLOB(struct vga, vram, VX_VGA_VRAM_BYTES),
    FIELD_STRUCT(struct vga, pci, &pci_function_state),
    WIRES(struct vga, log, bus, clock, pmap, display, head, ports, window, mmio, vram_page, rom_page),
    FIELD(struct vga, plain_left),
    DERIVED(struct vga, window_page, window_chain_4),
    /* what the display has been shown */
    DERIVED(struct vga, display_timer, changed, redraw, whole, quiet_polls, last_update_ns, shown, cells, shown_cells,
            pixels, pixels_count, line),
};
static const struct state_table state = STATE_TABLE(struct vga, fields, vbe_check);

const struct device_type vga_type = {
    .name = "vga",
    .version = 2,
    .state = &state,
    .reset = reset,
    .restored = restored,
    .destroy = destroy,
};

static vx_err add_regions(struct vga *vga)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(port_ranges); i++) {
        const struct port_range *range = &port_ranges[i];
        vga->ports[i] = (struct vx_region){ .name = range->name,
                                            .space = VX_SPACE_IO,
                                            .base = range->first,
                                            .size = range->count,
                                            .max_size = range->first == VBE_PORT ? 2 : 1,
                                            .read = range->read,
                                            .write = range->write,
                                            .opaque = vga };
        VX_TRY(vx_bus_add(vga->bus, &vga->ports[i]));
    }
    vga->window = (struct vx_region){ .name = "vga window",
                                      .space = VX_SPACE_MEMORY,
                                      .base = VGA_WINDOW,
                                      .size = VGA_WINDOW_BYTES,
                                      .max_size = 8,
                                      .read = vga_window_read,
                                      .write = vga_window_write,
                                      .peek = vga_window_peek,
                                      .is_memory = true,
                                      .poke = vga_window_poke,
                                      .opaque = vga };
    return vx_bus_add(vga->bus, &vga->window);
}

static vx_err add_pci(struct vga *vga, const struct vga_config *config)
{
    pci_function_init(&vga->pci, &(struct pci_ident){ .name = "vga",
                                                      .vendor = 0x1234,
                                                      .device = 0x1111,
                                                      .class_code = 0x030000,
                                                      .revision = 2,
                                                      .subsystem_vendor = 0x1AF4,
                                                      .subsystem = 0x1100 });
    vga->pci.opaque = vga;
    vga->pci.bar[0] = (struct pci_bar){ .size = VX_VGA_VRAM_BYTES,
                                        .prefetchable = true,
                                        .backed = true,
                                        .page = vga->vram_page,
                                        .mapped_at = PCI_UNMAPPED };
    vga->mmio = (struct vx_region){
        .name = "vga mmio", .max_size = 4, .read = mmio_read, .write = mmio_write, .peek = mmio_peek, .opaque = vga
    };
    vga->pci.bar[2] = (struct pci_bar){ .size = MMIO_BYTES, .region = &vga->mmio, .mapped_at = PCI_UNMAPPED };
    if (config->rom_bytes != 0)
        vga->pci.bar[PCI_BAR_ROM] = (struct pci_bar){ .size = VX_VGA_ROM_BYTES,
                                                      .backed = true,
                                                      .read_only = true,
                                                      .page = vga->rom_page,
                                                      .mapped_at = PCI_UNMAPPED };
    return pci_add(config->pci, config->slot, 0, &vga->pci);
}

static vx_err set_up(struct vga *vga, const struct vga_config *config)
{
    vga->cells = calloc(VGA_MAX_COLUMNS * VGA_MAX_ROWS, sizeof *vga->cells);
    vga->shown_cells = calloc(VGA_MAX_COLUMNS * VGA_MAX_ROWS, sizeof *vga->cells);
    vga->vram_page = vx_pmap_alloc(vga->pmap, VX_VGA_VRAM_BYTES);
    vga->rom_page = vx_pmap_alloc(vga->pmap, VX_VGA_ROM_BYTES);
    if (vga->cells == NULL || vga->shown_cells == NULL || vga->vram_page == VX_PMAP_BUS || vga->rom_page == VX_PMAP_BUS)
        return VX_ERR_NO_MEMORY;
    if (vga->display != NULL && (vga->head = vx_display_attach(vga->display, &vga_display_ops, vga)) == VX_MAX_HEADS)
        return VX_ERR_RANGE;
    vga->vram = vx_pmap_page_hva(vga->pmap, vga->vram_page);
    if (config->rom_bytes != 0)
        memcpy(vx_pmap_page_hva(vga->pmap, vga->rom_page), config->rom, config->rom_bytes);
    if (vga->display != NULL && vga->display->wants_pixels)
        vx_pmap_track_dirty(vga->pmap, vga->vram_page, VGA_VRAM_PAGES, true);
    VX_TRY(add_regions(vga));
    VX_TRY(add_pci(vga, config));
    reset_registers(vga);
    vga_remap_window(vga, true);
    return VX_ERR_OK;
}

vx_err vga_create(const struct vga_config *config, struct vga **out)
{
    if (config->rom_bytes > VX_VGA_ROM_BYTES) {
        vx_log_error(config->log, VX_LOG_FIRMWARE, "the VGA BIOS has %zu bytes, the most that fits is %u",
                     config->rom_bytes, VX_VGA_ROM_BYTES);
        return VX_ERR_RANGE;
    }
    struct vga *vga = calloc(1, sizeof *vga);
    if (vga == NULL)
        return VX_ERR_NO_MEMORY;
    vga->log = config->log;
    vga->bus = config->bus;
    vga->clock = config->clock;
    vga->pmap = config->pmap;
    vga->display = config->display;
    vga->head = VX_MAX_HEADS;
    vx_timer_init(vga->clock, &vga->display_timer, vga_display_tick, vga);
    vx_err err = set_up(vga, config);
    if (err != VX_ERR_OK) {
        destroy(vga);
        return err;
    }
    *out = vga;
    return VX_ERR_OK;
}

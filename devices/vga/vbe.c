/* vbe.c - the Bochs VBE registers (index and data ports 1CEh, 1CFh, and their mirror in BAR2).
 *
 *   I1  While VBE is enabled the visible part lies inside video memory: fix_mode() sees to it after every change, so
 *       that rendering needs no checks of its own. */
#include <string.h>

#include "vga_state.h"

enum { ID_FIRST = 0xB0C0, ID_LAST = 0xB0C5, BANK_BYTES = 0x10000 };

unsigned vbe_bits(const struct vga *vga)
{
    return vga->vbe[VBE_BPP] == 15 ? 16 : vga->vbe[VBE_BPP];
}

uint32_t vbe_pitch(const struct vga *vga)
{
    return vga->vbe[VBE_VIRT_WIDTH] * vbe_bits(vga) / 8;
}

static uint16_t clamp16(uint32_t value, uint32_t low, uint32_t high)
{
    return (uint16_t)(value < low ? low : value > high ? high : value);
}

/* Forces the registers into what can be shown (I1). Widths are multiples of 8. */
static void fix_mode(struct vga *vga)
{
    uint16_t *vbe = vga->vbe;
    if (!vbe_on(vga))
        return;
    switch (vbe[VBE_BPP]) {
    case 4:
    case 8:
    case 15:
    case 16:
    case 24:
    case 32: break;
    default: vbe[VBE_BPP] = 8; break;
    }
    vbe[VBE_XRES] = clamp16(vbe[VBE_XRES] & ~7u, 8, VBE_MAX_XRES);
    uint32_t widest = 0x7FF8;
    vbe[VBE_VIRT_WIDTH] = clamp16(vbe[VBE_VIRT_WIDTH] & ~7u, vbe[VBE_XRES], widest);
    uint32_t lines = VX_VGA_VRAM_BYTES / vbe_pitch(vga);
    vbe[VBE_YRES] = clamp16(vbe[VBE_YRES], 1, lines < VBE_MAX_YRES ? lines : VBE_MAX_YRES);
    vbe[VBE_VIRT_HEIGHT] = clamp16(lines, vbe[VBE_YRES], UINT16_MAX);
    vbe[VBE_X_OFFSET] = clamp16(vbe[VBE_X_OFFSET], 0, vbe[VBE_VIRT_WIDTH] - vbe[VBE_XRES]);
    vbe[VBE_Y_OFFSET] = clamp16(vbe[VBE_Y_OFFSET], 0, lines - vbe[VBE_YRES]);
}

/* The guest may see video memory directly: whoever shadows it is told. */
static void clear_screen(struct vga *vga)
{
    uint32_t bytes = vbe_pitch(vga) * vga->vbe[VBE_YRES];
    if (vga->vbe[VBE_BPP] == 4) /* the parts of the planes go in whole */
        bytes = (bytes + 4 * VGA_PLANE_BYTES - 1) / (4 * VGA_PLANE_BYTES) * (4 * VGA_PLANE_BYTES);
    memset(vga->vram, 0, bytes);
    for (uint32_t at = 0; at < bytes; at += VX_PAGE_BYTES) {
        uint32_t left = bytes - at;
        vx_pmap_wrote_page(vga->pmap, vga->vram_page + at / VX_PAGE_BYTES, 0,
                           left < VX_PAGE_BYTES ? left : VX_PAGE_BYTES);
    }
}

static void write_enable(struct vga *vga, uint16_t value)
{
    bool was_on = vbe_on(vga);
    vga->vbe[VBE_ENABLE] = value & (VBE_ENABLED | VBE_GETCAPS | VBE_8BIT_DAC | VBE_LFB | VBE_NO_CLEAR);
    if (!vbe_on(vga)) {
        vga->vbe[VBE_BANK] = 0;
        return;
    }
    if (was_on)
        return;
    vga->vbe[VBE_VIRT_WIDTH] = vga->vbe[VBE_XRES];
    vga->vbe[VBE_X_OFFSET] = vga->vbe[VBE_Y_OFFSET] = 0;
    fix_mode(vga);
    if (!(value & VBE_NO_CLEAR))
        clear_screen(vga);
    vx_trace(vga->log, vga_mode, "vbe", vga->vbe[VBE_XRES], vga->vbe[VBE_YRES]);
}

uint16_t vbe_read(const struct vga *vga, unsigned index)
{
    bool caps = (vga->vbe[VBE_ENABLE] & VBE_GETCAPS) != 0;
    if (caps && index == VBE_XRES)
        return VBE_MAX_XRES;
    if (caps && index == VBE_YRES)
        return VBE_MAX_YRES;
    if (caps && index == VBE_BPP)
        return VBE_MAX_BPP;
    return index < VBE_COUNT ? vga->vbe[index] : 0;
}

void vbe_write(struct vga *vga, unsigned index, uint16_t value)
{
    uint32_t banks = VX_VGA_VRAM_BYTES / BANK_BYTES;
    switch (index) {
    case VBE_ID:
        if (value >= ID_FIRST && value <= ID_LAST)
            vga->vbe[VBE_ID] = value;
        return;
    case VBE_ENABLE: write_enable(vga, value); break;
    case VBE_BANK: vga->vbe[VBE_BANK] = (uint16_t)(value & ((vga->vbe[VBE_BPP] == 4 ? banks / 4 : banks) - 1)); break;
    case VBE_XRES:
    case VBE_YRES:
    case VBE_BPP:
    case VBE_VIRT_WIDTH:
    case VBE_X_OFFSET:
    case VBE_Y_OFFSET: vga->vbe[index] = value; break;
    default: return; /* VIRT_HEIGHT and VIDEO_MEMORY_64K follow from the others */
    }
    fix_mode(vga);
    vga_remap_window(vga, false);
    if (index != VBE_BANK) /* where the guest looks, not what is shown */
        vga_repaint(vga);
}

void vbe_reset(struct vga *vga)
{
    memset(vga->vbe, 0, sizeof vga->vbe);
    vga->vbe[VBE_ID] = ID_LAST;
    vga->vbe[VBE_VIDEO_MEMORY_64K] = VX_VGA_VRAM_BYTES / BANK_BYTES;
    vga->vbe_index = 0;
}

const char *vbe_check(const void *loaded)
{
    const struct vga *vga = loaded;
    bool good = vga->vbe[VBE_BANK] < VX_VGA_VRAM_BYTES / BANK_BYTES &&
                vga->vbe[VBE_VIDEO_MEMORY_64K] == VX_VGA_VRAM_BYTES / BANK_BYTES;
    return good ? NULL : "vbe";
}

void vbe_restored(struct vga *vga)
{
    fix_mode(vga); /* keeps I1; what this program saved it leaves alone */
}

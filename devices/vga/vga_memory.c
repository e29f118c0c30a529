/* vga_memory.c - what guest accesses to A0000h-BFFFFh do: the planar logic, and the short cut past it.
 *
 * Video memory is kept plane-interleaved: byte 4k + p is plane p at plane address k. Addresses are packed: with
 * chain-4, window offset a is plane a & 3 at k = a / 4, with odd/even addressing plane a & 1 at k = a / 2, where the
 * real board leaves the skipped addresses unused (k = a with low bits cleared) and the CRTC skips them likewise. The
 * difference shows only to software that draws in one addressing mode and looks at it in another. In exchange chain-4,
 * VBE banks and the linear frame buffer are the same bytes in the same order, and where the planar logic has nothing to
 * do (no mask, no rotation, no latches) the window is mapped straight to video memory, where translated code reaches it
 * without a call-out. Text goes through the handlers: its bytes are spread.
 *
 *   I1  latches are loaded by handler reads only: with the window mapped, reads leave them alone. */
#include <string.h>

#include "vga_state.h"

enum { DIRECT_BYTES = 0x10000 };

/* Every plane's byte p from bit p of a nibble: 0101b gives 00FF00FFh. */
static uint32_t expand(uint8_t nibble)
{
    return ((nibble & 1) ? 0x000000FFu : 0) | ((nibble & 2) ? 0x0000FF00u : 0) | ((nibble & 4) ? 0x00FF0000u : 0) |
           ((nibble & 8) ? 0xFF000000u : 0);
}

static uint32_t replicate(uint8_t byte)
{
    return byte * 0x01010101u;
}

static uint32_t load_planes(const struct vga *vga, uint32_t k)
{
    const uint8_t *at = vga->vram + 4 * (size_t)k;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void store_planes(struct vga *vga, uint32_t k, uint32_t value)
{
    uint8_t *at = vga->vram + 4 * (size_t)k;
    for (unsigned p = 0; p < 4; p++)
        at[p] = (uint8_t)(value >> (8 * p));
}

/* ---- addressing -------------------------------------------------------------------------------------------------- */

struct place {
    uint32_t k;     /* plane address */
    uint8_t planes; /* which planes the address selects, before the map mask */
    uint8_t plane;  /* for read mode 0 */
};

/* Window offset to offset in the mapped range; false outside it. */
static bool decode_window(const struct vga *vga, uint32_t *off)
{
    static const struct {
        uint32_t first, bytes;
    } maps[4] = {
        { 0, 0x20000 },
        { 0, 0x10000 },
        { 0x10000, 0x8000 },
        { 0x18000, 0x8000 },
    };
    unsigned map = vbe_on(vga) ? 1 : (vga->gc[GC_MISC] >> GC_MISC_MAP_SHIFT) & 3;
    if (*off < maps[map].first || *off - maps[map].first >= maps[map].bytes)
        return false;
    *off -= maps[map].first;
    return true;
}

static bool linear_bytes(const struct vga *vga)
{
    return vbe_on(vga) && vga->vbe[VBE_BPP] != 4;
}

static struct place locate(const struct vga *vga, uint32_t off, bool write)
{
    uint32_t bank = vbe_on(vga) ? (uint32_t)vga->vbe[VBE_BANK] << 16 : 0;
    bool odd_even =
        write ? !(vga->seq[SEQ_MEMORY_MODE] & SEQ_MEMORY_SEQUENTIAL) : (vga->gc[GC_MODE] & GC_MODE_ODD_EVEN) != 0;
    struct place place;
    if (linear_bytes(vga) || (vga->seq[SEQ_MEMORY_MODE] & SEQ_MEMORY_CHAIN_4)) {
        place.plane = off & 3;
        place.planes = (uint8_t)(1u << place.plane);
        place.k = (bank + off) >> 2;
    } else if (odd_even) {
        place.plane = (vga->gc[GC_READ_MAP] & 2) | (off & 1);
        place.planes = (off & 1) ? 0x0A : 0x05;
        place.k = (bank + off) >> 1;
    } else {
        place.plane = vga->gc[GC_READ_MAP];
        place.planes = 0x0F;
        place.k = bank + off;
    }
    place.k &= VX_VGA_VRAM_BYTES / 4 - 1;
    return place;
}

/* ---- planar logic ------------------------------------------------------------------------------------------------ */

static uint8_t read_byte(struct vga *vga, uint32_t off)
{
    if (!decode_window(vga, &off))
        return 0xFF;
    struct place place = locate(vga, off, false);
    vga->latches = load_planes(vga, place.k);
    if (linear_bytes(vga) || !(vga->gc[GC_MODE] & GC_MODE_READ_COMPARE))
        return (uint8_t)(vga->latches >> (8 * place.plane));
    uint32_t differ = (vga->latches ^ expand(vga->gc[GC_COLOR_COMPARE])) & expand(vga->gc[GC_COLOR_DONT_CARE]);
    differ |= differ >> 16;
    return (uint8_t) ~(differ | differ >> 8);
}

/* What the four planes get from `byte`, before the map mask. */
static uint32_t combine(const struct vga *vga, uint8_t byte)
{
    const uint8_t *gc = vga->gc;
    unsigned rotate = gc[GC_ROTATE] & 7;
    uint8_t rotated = (uint8_t)(byte >> rotate | byte << (8 - rotate));
    uint32_t mask = replicate(gc[GC_BIT_MASK]), value;
    switch (gc[GC_MODE] & GC_MODE_WRITE) {
    case 0: {
        uint32_t forced = expand(gc[GC_ENABLE_SET_RESET]);
        value = (replicate(rotated) & ~forced) | (expand(gc[GC_SET_RESET]) & forced);
        break;
    }
    case 1: return vga->latches;
    case 2: value = expand(byte & 0x0F); break;
    default:
        value = expand(gc[GC_SET_RESET]);
        mask &= replicate(rotated);
        break;
    }
    switch (gc[GC_ROTATE] >> 3) {
    case 1: value &= vga->latches; break;
    case 2: value |= vga->latches; break;
    case 3: value ^= vga->latches; break;
    default: break;
    }
    return (value & mask) | (vga->latches & ~mask);
}

static void write_byte(struct vga *vga, uint32_t off, uint8_t byte)
{
    if (!decode_window(vga, &off))
        return;
    struct place place = locate(vga, off, true);
    uint32_t old = load_planes(vga, place.k), planes, value;
    if (linear_bytes(vga)) {
        planes = expand(place.planes);
        value = replicate(byte);
    } else {
        planes = expand(place.planes & vga->seq[SEQ_MAP_MASK]);
        value = combine(vga, byte);
    }
    value = (old & ~planes) | (value & planes);
    if (value == old)
        return;
    store_planes(vga, place.k, value);
    uint32_t at = 4 * place.k;
    vx_pmap_wrote_page(vga->pmap, vga->vram_page + at / VX_PAGE_BYTES, at % VX_PAGE_BYTES, 4);
    vga_changed(vga);
}

uint64_t vga_window_read(void *opaque, uint64_t off, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)read_byte(opaque, (uint32_t)off + i) << (8 * i);
    return value;
}

void vga_window_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        write_byte(opaque, (uint32_t)off + i, (uint8_t)(value >> (8 * i)));
}

/* ---- the short cut ----------------------------------------------------------------------------------------------- */

/* Whether every access would be a plain one to video memory in window order. */
static bool is_plain(const struct vga *vga)
{
    const uint8_t *gc = vga->gc;
    if (linear_bytes(vga))
        return true;
    if (vbe_on(vga) || !(vga->seq[SEQ_MEMORY_MODE] & SEQ_MEMORY_CHAIN_4) || vga->seq[SEQ_MAP_MASK] != 0x0F)
        return false;
    return (gc[GC_MODE] & (GC_MODE_WRITE | GC_MODE_READ_COMPARE)) == 0 && gc[GC_ROTATE] == 0 &&
           gc[GC_BIT_MASK] == 0xFF && gc[GC_ENABLE_SET_RESET] == 0 && (gc[GC_MISC] >> GC_MISC_MAP_SHIFT) <= 1;
}

void vga_remap_window(struct vga *vga, bool force)
{
    uint32_t page = VX_PMAP_BUS, bytes = VGA_WINDOW_BYTES;
    if (is_plain(vga)) {
        uint32_t bank = vbe_on(vga) ? vga->vbe[VBE_BANK] : 0;
        page = vga->vram_page + bank * (DIRECT_BYTES / VX_PAGE_BYTES);
        if (vbe_on(vga) || (vga->gc[GC_MISC] >> GC_MISC_MAP_SHIFT) == 1)
            bytes = DIRECT_BYTES;
    }
    if (!force && page == vga->window_page && bytes == vga->window_bytes)
        return;
    vga->window_page = page;
    vga->window_bytes = bytes;
    vx_pmap_map(vga->pmap, VGA_WINDOW, bytes, page, page);
    if (bytes < VGA_WINDOW_BYTES)
        vx_pmap_map(vga->pmap, VGA_WINDOW + bytes, VGA_WINDOW_BYTES - bytes, VX_PMAP_BUS, VX_PMAP_BUS);
    if (page != VX_PMAP_BUS)
        vga_changed(vga);
}

bool vga_is_direct(const struct vga *vga)
{
    return vbe_on(vga) || vga->window_page != VX_PMAP_BUS;
}

/* vga_memory.c - what guest accesses to A0000h-BFFFFh do: the planar logic, and the short cut past it.
 *
 * Four planes of 64 KiB, and with VBE's four bits a pixel as many as video memory holds. The address decides over the
 * planes, and what it decides with stays behind as zeros in the plane address k:
 *
 *     chain-4     plane a & 3,              k = a & ~3
 *     odd/even    planes a & 1 and + 2,     k = a & ~1
 *     else        all that the masks allow, k = a
 *
 * vga_plane_off() lays the planes out so that what chain-4 reaches lies side by side, as VBE's banks and its linear
 * frame buffer do anyway. Where the planar logic has nothing to do for a write (no mask, no rotation, no latches) the
 * window can then be mapped straight to video memory, where translated code reaches it without a call-out.
 *
 *   I1  With VBE's linear depths the window is mapped always: no planar logic stands before them.
 *   I2  With chain-4 it is mapped for writes when PLAIN_WRITES in a row, without a write to the sequencer or the
 *       graphics controller between them, have found nothing for the planar logic to do. Reads are never mapped: each
 *       loads the latches, which the next write mode may store. */
#include <string.h>

#include "vga_state.h"

enum { DIRECT_BYTES = 0x10000, PLAIN_WRITES = 1024 };

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
    const uint8_t *at = vga->vram + vga_plane_off(k);
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void store_planes(struct vga *vga, uint32_t k, uint32_t value)
{
    uint8_t *at = vga->vram + vga_plane_off(k);
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

static struct place locate(const struct vga *vga, uint32_t off, bool write)
{
    uint32_t bank = vbe_on(vga) ? (uint32_t)vga->vbe[VBE_BANK] << 16 : 0;
    bool odd_even =
        write ? !(vga->seq[SEQ_MEMORY_MODE] & SEQ_MEMORY_SEQUENTIAL) : (vga->gc[GC_MODE] & GC_MODE_ODD_EVEN) != 0;
    struct place place;
    if (vga->seq[SEQ_MEMORY_MODE] & SEQ_MEMORY_CHAIN_4) {
        place.plane = off & 3;
        place.planes = (uint8_t)(1u << place.plane);
        place.k = (bank + off) & ~3u;
    } else if (odd_even) {
        place.plane = (vga->gc[GC_READ_MAP] & 2) | (off & 1);
        place.planes = (off & 1) ? 0x0A : 0x05;
        place.k = (bank + off) & ~1u;
    } else {
        place.plane = vga->gc[GC_READ_MAP];
        place.planes = 0x0F;
        place.k = bank + off;
    }
    place.k &= vbe_on(vga) ? VX_VGA_VRAM_BYTES / 4 - 1 : VGA_PLANE_BYTES - 1;
    return place;
}

/* ---- planar logic ------------------------------------------------------------------------------------------------ */

/* What a read of the window gives, and what it leaves in the latches. */
static uint8_t look_at_byte(const struct vga *vga, uint32_t off, uint32_t *latches)
{
    if (!decode_window(vga, &off))
        return 0xFF;
    struct place place = locate(vga, off, false);
    *latches = load_planes(vga, place.k);
    if (!(vga->gc[GC_MODE] & GC_MODE_READ_COMPARE))
        return (uint8_t)(*latches >> (8 * place.plane));
    uint32_t differ = (*latches ^ expand(vga->gc[GC_COLOR_COMPARE])) & expand(vga->gc[GC_COLOR_DONT_CARE]);
    differ |= differ >> 16;
    return (uint8_t) ~(differ | differ >> 8);
}

static uint8_t read_byte(struct vga *vga, uint32_t off)
{
    return look_at_byte(vga, off, &vga->latches);
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

static void change_planes(struct vga *vga, uint32_t k, uint32_t value)
{
    uint32_t at = vga_plane_off(k);
    store_planes(vga, k, value);
    vx_pmap_wrote_page(vga->pmap, vga->vram_page + at / VX_PAGE_BYTES, at % VX_PAGE_BYTES, 4);
    vga_changed(vga);
}

static void write_byte(struct vga *vga, uint32_t off, uint8_t byte)
{
    if (!decode_window(vga, &off))
        return;
    struct place place = locate(vga, off, true);
    uint32_t old = load_planes(vga, place.k), planes = expand(place.planes & vga->seq[SEQ_MAP_MASK]);
    uint32_t value = (old & ~planes) | (combine(vga, byte) & planes);
    if (value != old)
        change_planes(vga, place.k, value);
}

/* ---- the short cut ----------------------------------------------------------------------------------------------- */

static bool is_linear(const struct vga *vga)
{
    return vbe_on(vga) && vga->vbe[VBE_BPP] != 4;
}

/* Whether every write would be a plain one to video memory in window order. */
static bool is_plain(const struct vga *vga)
{
    const uint8_t *gc = vga->gc;
    if (vbe_on(vga) || !(vga->seq[SEQ_MEMORY_MODE] & SEQ_MEMORY_CHAIN_4) || vga->seq[SEQ_MAP_MASK] != 0x0F)
        return false;
    return (gc[GC_MODE] & GC_MODE_WRITE) == 0 && gc[GC_ROTATE] == 0 && gc[GC_BIT_MASK] == 0xFF &&
           gc[GC_ENABLE_SET_RESET] == 0 && (gc[GC_MISC] >> GC_MISC_MAP_SHIFT) <= 1;
}

static void map_window(struct vga *vga, uint32_t page)
{
    vga->window_page = page;
    vga->window_chain_4 = false;
    vx_pmap_map(vga->pmap, VGA_WINDOW, DIRECT_BYTES, page, page);
    vx_pmap_map(vga->pmap, VGA_WINDOW + DIRECT_BYTES, DIRECT_BYTES, VX_PMAP_BUS, VX_PMAP_BUS);
    if (page != VX_PMAP_BUS)
        vga_changed(vga);
}

/* keeps I2. A 128 KiB window shows the same 64 KiB twice: a plane has no more. */
static void map_chain_4(struct vga *vga)
{
    bool twice = vga->gc[GC_MISC] >> GC_MISC_MAP_SHIFT == 0;
    vga->window_page = vga->vram_page;
    vga->window_chain_4 = true;
    vx_pmap_map(vga->pmap, VGA_WINDOW, DIRECT_BYTES, VX_PMAP_BUS, vga->vram_page);
    vx_pmap_map(vga->pmap, VGA_WINDOW + DIRECT_BYTES, DIRECT_BYTES, VX_PMAP_BUS, twice ? vga->vram_page : VX_PMAP_BUS);
    vga_changed(vga);
}

/* keeps I1 */
static uint32_t linear_page(const struct vga *vga)
{
    uint32_t bank_pages = DIRECT_BYTES / VX_PAGE_BYTES;
    return is_linear(vga) ? vga->vram_page + vga->vbe[VBE_BANK] * bank_pages : VX_PMAP_BUS;
}

void vga_remap_window(struct vga *vga, bool force)
{
    uint32_t page = linear_page(vga);
    vga->plain_left = page == VX_PMAP_BUS && is_plain(vga) ? PLAIN_WRITES : 0;
    if (force || page != vga->window_page || vga->window_chain_4)
        map_window(vga, page);
}

/* What is plain and has no writes left was mapped. */
void vga_restore_window(struct vga *vga)
{
    bool plain = linear_page(vga) == VX_PMAP_BUS && is_plain(vga);
    if (!plain)
        vga->plain_left = 0;
    if (plain && vga->plain_left == 0)
        map_chain_4(vga);
    else
        map_window(vga, linear_page(vga));
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
    struct vga *vga = opaque;
    if (vga->plain_left != 0 && --vga->plain_left == 0)
        map_chain_4(vga);
}

uint64_t vga_window_peek(const void *opaque, uint64_t off, unsigned size)
{
    uint64_t value = 0;
    uint32_t latches;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)look_at_byte(opaque, (uint32_t)off + i, &latches) << (8 * i);
    return value;
}

/* With read mode 1 a byte read tells of four planes: there is none that it could be put to. */
bool vga_window_poke(void *opaque, uint64_t off, uint8_t value)
{
    struct vga *vga = opaque;
    uint32_t at = (uint32_t)off;
    if ((vga->gc[GC_MODE] & GC_MODE_READ_COMPARE) || !decode_window(vga, &at))
        return false;
    struct place place = locate(vga, at, false);
    uint32_t old = load_planes(vga, place.k), shift = 8u * place.plane;
    uint32_t planes = (old & ~(0xFFu << shift)) | (uint32_t)value << shift;
    if (planes != old)
        change_planes(vga, place.k, planes);
    return true;
}

bool vga_is_direct(const struct vga *vga)
{
    return vbe_on(vga) || vga->window_page != VX_PMAP_BUS;
}

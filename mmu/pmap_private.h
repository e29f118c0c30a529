/* pmap_private.h - the pmap's representation, for the walk and the shadow, which look into it on every miss.
 *
 *   phys ----(A20 mask)----> frame ----read_map / write_map----> backing page ----base----> host address
 *
 * Map entries hold the complement of a page index, so that untouched (zero) entries mean "bus":
 *     0 = VX_PMAP_BUS, 1 = VX_PMAP_DISCARD, otherwise ~page. */
#ifndef VX86_MMU_PMAP_PRIVATE_H
#define VX86_MMU_PMAP_PRIVATE_H

#include <string.h>

#include "vx86/pmap.h"

#define VX_PMAP_FRAMES    (1u << 20)
#define VX_PMAP_LISTENERS 4

/* Flags of a backing page. A page with any of VX_PAGE_NOTICE must not be written through a shadow. */
enum {
    VX_PAGE_CODE = 1u << 0,    /* holds translated code */
    VX_PAGE_WATCHED = 1u << 1, /* tracked, and not written since its dirty bit was taken */
    VX_PAGE_TRACKED = 1u << 2,
    VX_PAGE_NOTICE = VX_PAGE_CODE | VX_PAGE_WATCHED,
};

struct vx_pmap {
    uint64_t a20_mask;
    uint32_t *read_map; /* VX_PMAP_FRAMES entries */
    uint32_t *write_map;
    uint8_t *base;       /* of the backing pages, with an inaccessible page on both sides */
    uint8_t *flags;      /* per backing page */
    uint32_t pages;      /* RAM and extra */
    uint32_t used_pages; /* RAM and what vx_pmap_alloc handed out */
    int memfd;
    struct {
        uint32_t first, count;                                          /* frames; count 0: none */
        uint32_t read[VX_PMAP_OVERLAY_MAX], write[VX_PMAP_OVERLAY_MAX]; /* what is below */
    } overlay;
    struct vx_pmap_config config;
    struct {
        vx_pmap_code_write_fn *fn;
        void *opaque;
    } on_code_write[VX_PMAP_LISTENERS];
    struct {
        vx_pmap_change_fn *fn;
        void *opaque;
    } on_change[VX_PMAP_LISTENERS];
    unsigned code_write_listeners, change_listeners;
    const struct vx_pmap_observer *observer; /* may be NULL */
    void *observer_opaque;
    vx_pmap_dma_fn *on_dma; /* may be NULL */
    void *on_dma_opaque;
};

static inline uint32_t pmap_lookup(const struct vx_pmap *pmap, const uint32_t *map, uint64_t phys)
{
    phys &= pmap->a20_mask;
    return VX_UNLIKELY(phys >> 32 != 0) ? VX_PMAP_BUS : ~map[phys >> VX_PAGE_SHIFT];
}

static inline bool pmap_is_backed(const struct vx_pmap *pmap, uint32_t page)
{
    return page < pmap->pages;
}

static inline uint8_t *pmap_hva(const struct vx_pmap *pmap, uint32_t page)
{
    return pmap->base + ((uint64_t)page << VX_PAGE_SHIFT);
}

/* Little-endian values of 1, 2, 4 or 8 bytes: one host instruction each. */
static inline uint64_t load_sized(const uint8_t *from, unsigned size)
{
    uint64_t value = 0;
    switch (size) {
    case 1: return *from;
    case 2: memcpy(&value, from, 2); return value;
    case 4: memcpy(&value, from, 4); return value;
    default: memcpy(&value, from, 8); return value;
    }
}

static inline void store_sized(uint8_t *to, unsigned size, uint64_t value)
{
    switch (size) {
    case 1: *to = (uint8_t)value; break;
    case 2: memcpy(to, &value, 2); break;
    case 4: memcpy(to, &value, 4); break;
    default: memcpy(to, &value, 8); break;
    }
}

/* Bytes [off, off + bytes) of a backing page have changed: clears the watch, tells of code, and the observer. */
void pmap_page_written(struct vx_pmap *pmap, uint32_t page, uint32_t off, uint32_t bytes);

static inline void pmap_notice_write(struct vx_pmap *pmap, uint32_t page, uint32_t off, uint32_t bytes)
{
    if (VX_UNLIKELY((pmap->flags[page] & VX_PAGE_NOTICE) || pmap->observer != NULL))
        pmap_page_written(pmap, page, off, bytes);
}

#endif

/* pmap_access.c - bytes in and out of guest physical memory, for the walk, the slow paths and devices.
 *
 *   I1  Whoever changes bytes of a backing page says so through pmap_notice_write() after the change.
 *   I2  What goes to the bus is split so that no access crosses a page and each is naturally sized: 1, 2, 4 or 8 bytes.
 *       */
#include <string.h>

#include "pmap_private.h"

uint8_t *vx_pmap_read_ptr(struct vx_pmap *pmap, uint64_t phys)
{
    uint32_t page = pmap_lookup(pmap, pmap->read_map, phys);
    return pmap_is_backed(pmap, page) ? pmap_hva(pmap, page) + (phys & VX_PAGE_MASK) : NULL;
}

uint8_t *vx_pmap_write_ptr(struct vx_pmap *pmap, uint64_t phys)
{
    uint32_t page = pmap_lookup(pmap, pmap->write_map, phys);
    return pmap_is_backed(pmap, page) ? pmap_hva(pmap, page) + (phys & VX_PAGE_MASK) : NULL;
}

void pmap_page_written(struct vx_pmap *pmap, uint32_t page, uint32_t off, uint32_t bytes)
{
    pmap->flags[page] &= (uint8_t)~VX_PAGE_WATCHED;
    if (pmap->observer != NULL)
        pmap->observer->written(pmap->observer_opaque, page, off, bytes);
    if (!(pmap->flags[page] & VX_PAGE_CODE))
        return;
    for (unsigned i = 0; i < pmap->code_write_listeners; i++)
        pmap->on_code_write[i].fn(pmap->on_code_write[i].opaque, page, off, bytes);
}

void vx_pmap_wrote_page(struct vx_pmap *pmap, uint32_t page, uint32_t off, uint32_t bytes)
{
    VX_ASSERT(pmap_is_backed(pmap, page) && off + bytes <= VX_PAGE_BYTES);
    pmap_notice_write(pmap, page, off, bytes);
}

/* How much of [phys, phys + bytes) lies in the page of phys. */
static uint32_t in_page(uint64_t phys, size_t bytes)
{
    uint32_t room = VX_PAGE_BYTES - (uint32_t)(phys & VX_PAGE_MASK);
    return bytes < room ? (uint32_t)bytes : room;
}

void vx_pmap_wrote(struct vx_pmap *pmap, uint64_t phys, size_t bytes)
{
    while (bytes > 0) {
        uint32_t part = in_page(phys, bytes);
        uint32_t page = pmap_lookup(pmap, pmap->write_map, phys);
        if (pmap_is_backed(pmap, page))
            pmap_notice_write(pmap, page, (uint32_t)(phys & VX_PAGE_MASK), part);
        phys += part;
        bytes -= part;
    }
}

/* The bus sees addresses as the A20 gate lets them through. */
static uint64_t bus_read(struct vx_pmap *pmap, uint32_t from, uint64_t phys, unsigned size)
{
    return pmap->config.bus.read(pmap->config.bus_opaque, from, phys & pmap->a20_mask, size);
}

static void bus_write(struct vx_pmap *pmap, uint32_t from, uint64_t phys, unsigned size, uint64_t value)
{
    pmap->config.bus.write(pmap->config.bus_opaque, from, phys & pmap->a20_mask, size, value);
}

/* Size of the next bus access for `bytes` more bytes at phys: the largest that is aligned, up to 4: keeps I2. */
static unsigned bus_step(uint64_t phys, size_t bytes)
{
    unsigned step = 4;
    while (step > bytes || (phys & (step - 1)) != 0)
        step /= 2;
    return step;
}

static void bus_read_bytes(struct vx_pmap *pmap, uint32_t from, uint64_t phys, uint8_t *to, size_t bytes)
{
    while (bytes > 0) {
        unsigned step = bus_step(phys, bytes);
        uint64_t value = bus_read(pmap, from, phys, step);
        memcpy(to, &value, step);
        phys += step;
        to += step;
        bytes -= step;
    }
}

static void bus_write_bytes(struct vx_pmap *pmap, uint32_t from, uint64_t phys, const uint8_t *buf, size_t bytes)
{
    while (bytes > 0) {
        unsigned step = bus_step(phys, bytes);
        uint64_t value = 0;
        memcpy(&value, buf, step);
        bus_write(pmap, from, phys, step, value);
        phys += step;
        buf += step;
        bytes -= step;
    }
}

void vx_pmap_cpu_read(struct vx_pmap *pmap, uint32_t cpu, uint64_t phys, void *buf, size_t bytes)
{
    uint8_t *to = buf;
    while (bytes > 0) {
        uint32_t part = in_page(phys, bytes);
        const uint8_t *hva = vx_pmap_read_ptr(pmap, phys);
        if (hva != NULL)
            memcpy(to, hva, part);
        else
            bus_read_bytes(pmap, cpu, phys, to, part);
        phys += part;
        to += part;
        bytes -= part;
    }
}

static void write_in_page(struct vx_pmap *pmap, uint32_t from, uint64_t phys, const void *buf, uint32_t bytes)
{
    uint32_t page = pmap_lookup(pmap, pmap->write_map, phys);
    if (pmap_is_backed(pmap, page)) {
        uint32_t off = (uint32_t)(phys & VX_PAGE_MASK);
        memcpy(pmap_hva(pmap, page) + off, buf, bytes);
        pmap_notice_write(pmap, page, off, bytes); /* keeps I1 */
    } else if (page == VX_PMAP_BUS) {
        bus_write_bytes(pmap, from, phys, buf, bytes);
    }
}

void vx_pmap_cpu_write(struct vx_pmap *pmap, uint32_t cpu, uint64_t phys, const void *buf, size_t bytes)
{
    const uint8_t *at = buf;
    while (bytes > 0) {
        uint32_t part = in_page(phys, bytes);
        write_in_page(pmap, cpu, phys, at, part);
        phys += part;
        at += part;
        bytes -= part;
    }
}

void vx_pmap_read(struct vx_pmap *pmap, uint64_t phys, void *buf, size_t bytes)
{
    vx_pmap_cpu_read(pmap, VX_FROM_HOST, phys, buf, bytes);
}

void vx_pmap_write(struct vx_pmap *pmap, uint64_t phys, const void *buf, size_t bytes)
{
    vx_pmap_cpu_write(pmap, VX_FROM_HOST, phys, buf, bytes);
}

static void tell_dma(struct vx_pmap *pmap, uint64_t phys, size_t bytes, const void *value)
{
    if (VX_UNLIKELY(pmap->on_dma != NULL) && bytes != 0)
        pmap->on_dma(pmap->on_dma_opaque, phys & pmap->a20_mask, bytes, value);
}

void vx_pmap_dma_read(struct vx_pmap *pmap, uint64_t phys, void *buf, size_t bytes)
{
    tell_dma(pmap, phys, bytes, NULL);
    vx_pmap_cpu_read(pmap, VX_FROM_DMA, phys, buf, bytes);
}

void vx_pmap_dma_write(struct vx_pmap *pmap, uint64_t phys, const void *buf, size_t bytes)
{
    tell_dma(pmap, phys, bytes, buf);
    vx_pmap_cpu_write(pmap, VX_FROM_DMA, phys, buf, bytes);
}

/* 1, 2, 4 or 8 bytes inside one page. */
static bool is_single(uint64_t phys, unsigned size)
{
    return (size == 1 || size == 2 || size == 4 || size == 8) && (phys & VX_PAGE_MASK) + size <= VX_PAGE_BYTES;
}

uint64_t vx_pmap_cpu_load(struct vx_pmap *pmap, uint32_t cpu, uint64_t phys, unsigned size)
{
    VX_ASSERT(is_single(phys, size));
    const uint8_t *hva = vx_pmap_read_ptr(pmap, phys);
    if (VX_UNLIKELY(hva == NULL))
        return bus_read(pmap, cpu, phys, size);
    return load_sized(hva, size);
}

void vx_pmap_cpu_store(struct vx_pmap *pmap, uint32_t cpu, uint64_t phys, unsigned size, uint64_t value)
{
    VX_ASSERT(is_single(phys, size));
    uint32_t page = pmap_lookup(pmap, pmap->write_map, phys);
    if (VX_UNLIKELY(!pmap_is_backed(pmap, page))) {
        if (page == VX_PMAP_BUS)
            bus_write(pmap, cpu, phys, size, value);
        return;
    }
    uint32_t off = (uint32_t)(phys & VX_PAGE_MASK);
    store_sized(pmap_hva(pmap, page) + off, size, value);
    pmap_notice_write(pmap, page, off, size); /* keeps I1 */
}

uint64_t vx_pmap_load(struct vx_pmap *pmap, uint64_t phys, unsigned size)
{
    return vx_pmap_cpu_load(pmap, VX_FROM_HOST, phys, size);
}

void vx_pmap_store(struct vx_pmap *pmap, uint64_t phys, unsigned size, uint64_t value)
{
    vx_pmap_cpu_store(pmap, VX_FROM_HOST, phys, size, value);
}

/* pmap.c - the map of guest physical memory: construction, mapping, A20, page marks and who is told of them.
 *
 * Reading and writing through the map is in pmap_access.c.
 *
 *   I1  A map entry names a page below pmap->pages, or bus, or (writes) discard: vx_pmap_map checks ranges, so every
 *       lookup yields a page that may be dereferenced.
 *   I2  Listeners are told after the map or the mark has changed, so that what they refill is already right. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backing.h"
#include "pmap_private.h"

#define RAM_BYTES_MIN   (1ull << 20)
#define RAM_BYTES_MAX   (3ull << 30)
#define EXTRA_BYTES_MAX (1ull << 30)
#define MAP_BYTES       (VX_PMAP_FRAMES * sizeof(uint32_t))

static vx_err check_config(const struct vx_pmap_config *config)
{
    uint64_t ram = config->ram_bytes;
    if (ram < RAM_BYTES_MIN || ram > RAM_BYTES_MAX || (ram & VX_PAGE_MASK) != 0) {
        vx_log_error(config->log, VX_LOG_MMU,
                     "guest memory of %" PRIu64 " bytes: must be whole pages from 1 MiB to 3 GiB", ram);
        return VX_ERR_RANGE;
    }
    if (config->extra_bytes > EXTRA_BYTES_MAX) {
        vx_log_error(config->log, VX_LOG_MMU, "%" PRIu64 " bytes of ROM and video memory: at most 1 GiB",
                     config->extra_bytes);
        return VX_ERR_RANGE;
    }
    return VX_ERR_OK;
}

vx_err vx_pmap_create(const struct vx_pmap_config *config, struct vx_pmap **out)
{
    VX_TRY(check_config(config));
    struct vx_pmap *pmap = calloc(1, sizeof *pmap);
    if (pmap == NULL)
        return VX_ERR_NO_MEMORY;
    pmap->config = *config;
    pmap->a20_mask = UINT64_MAX;
    pmap->memfd = -1;
    uint64_t extra_pages = (config->extra_bytes + VX_PAGE_MASK) >> VX_PAGE_SHIFT;
    pmap->used_pages = (uint32_t)(config->ram_bytes >> VX_PAGE_SHIFT);
    pmap->pages = pmap->used_pages + (uint32_t)extra_pages;
    pmap->read_map = sparse_alloc(MAP_BYTES);
    pmap->write_map = sparse_alloc(MAP_BYTES);
    pmap->flags = sparse_alloc(pmap->pages);
    uint64_t bytes = (uint64_t)pmap->pages << VX_PAGE_SHIFT;
    if (pmap->read_map == NULL || pmap->write_map == NULL || pmap->flags == NULL ||
        backing_create(bytes, &pmap->memfd, &pmap->base) != VX_ERR_OK) {
        int reason = errno;
        vx_log_error(config->log, VX_LOG_MMU, "cannot get %" PRIu64 " MiB of host memory for the guest: %s; %s",
                     bytes >> 20, strerror(reason),
                     reason == ENOMEM ? "try a smaller --memory, or raise the limit of memory (ulimit -v)"
                                      : vx_err_remedy(reason, "try a smaller --memory"));
        vx_pmap_destroy(pmap);
        return VX_ERR_NO_MEMORY;
    }
    vx_pmap_map(pmap, 0, config->ram_bytes, 0, 0);
    *out = pmap;
    return VX_ERR_OK;
}

void vx_pmap_destroy(struct vx_pmap *pmap)
{
    if (pmap == NULL)
        return;
    if (pmap->base != NULL)
        backing_destroy((uint64_t)pmap->pages << VX_PAGE_SHIFT, pmap->memfd, pmap->base);
    sparse_free(pmap->flags, pmap->pages);
    sparse_free(pmap->write_map, MAP_BYTES);
    sparse_free(pmap->read_map, MAP_BYTES);
    free(pmap);
}

uint32_t vx_pmap_alloc(struct vx_pmap *pmap, uint64_t bytes)
{
    uint64_t pages = bytes / VX_PAGE_BYTES + (bytes % VX_PAGE_BYTES != 0);
    if (pages > pmap->pages - pmap->used_pages)
        return VX_PMAP_BUS;
    uint32_t first = pmap->used_pages;
    pmap->used_pages += (uint32_t)pages;
    return first;
}

uint8_t *vx_pmap_page_hva(struct vx_pmap *pmap, uint32_t page)
{
    VX_ASSERT(pmap_is_backed(pmap, page));
    return pmap_hva(pmap, page);
}

static void tell_change(struct vx_pmap *pmap, uint32_t page, uint32_t count, bool writes_only)
{
    for (unsigned i = 0; i < pmap->change_listeners; i++)
        pmap->on_change[i].fn(pmap->on_change[i].opaque, page, count, writes_only);
}

/* Consecutive backing pages whose shadows have to go, gathered while a range of frames is remapped. */
struct run {
    uint32_t first, count;
    bool writes_only;
};

static void run_end(struct vx_pmap *pmap, struct run *run)
{
    if (run->count != 0)
        tell_change(pmap, run->first, run->count, run->writes_only);
    run->count = 0;
}

static void run_add(struct vx_pmap *pmap, struct run *run, uint32_t page)
{
    if (!pmap_is_backed(pmap, page))
        return;
    if (run->count != 0 && page != run->first + run->count)
        run_end(pmap, run);
    if (run->count == 0)
        run->first = page;
    run->count++;
}

static bool range_is_backed(const struct vx_pmap *pmap, uint32_t page, uint64_t count)
{
    return page < pmap->pages && count <= pmap->pages - page;
}

/* The page n after `page`, where that is one and not a special value. */
static uint32_t page_plus(uint32_t page, uint64_t n)
{
    return page == VX_PMAP_BUS || page == VX_PMAP_DISCARD ? page : page + (uint32_t)n;
}

static void map_frames(struct vx_pmap *pmap, uint64_t first, uint64_t count, uint32_t read_page, uint32_t write_page)
{
    struct run all = { .writes_only = false }, stores = { .writes_only = true };
    if (count == 0)
        return;
    for (uint64_t i = 0; i < count; i++) {
        uint32_t *read = &pmap->read_map[first + i], *write = &pmap->write_map[first + i];
        uint32_t old_read = ~*read, old_write = ~*write;
        uint32_t new_read = page_plus(read_page, i), new_write = page_plus(write_page, i);
        *read = ~new_read;
        *write = ~new_write;
        if (old_read != new_read)
            run_add(pmap, &all, old_read);
        if (old_write != new_write)
            run_add(pmap, &stores, old_write);
    }
    run_end(pmap, &all);
    run_end(pmap, &stores);
    if (pmap->observer != NULL)
        pmap->observer->mapped(pmap->observer_opaque, first << VX_PAGE_SHIFT, count << VX_PAGE_SHIFT, read_page,
                               write_page);
}

void vx_pmap_map(struct vx_pmap *pmap, uint64_t phys, uint64_t bytes, uint32_t read_page, uint32_t write_page)
{
    VX_ASSERT((phys & VX_PAGE_MASK) == 0 && (bytes & VX_PAGE_MASK) == 0);
    VX_ASSERT(phys <= 1ull << 32 && bytes <= (1ull << 32) - phys);
    uint64_t first = phys >> VX_PAGE_SHIFT, end = first + (bytes >> VX_PAGE_SHIFT);
    bool reads = read_page != VX_PMAP_BUS, writes = write_page != VX_PMAP_BUS && write_page != VX_PMAP_DISCARD;
    VX_ASSERT(!reads || range_is_backed(pmap, read_page, end - first)); /* keeps I1 */
    VX_ASSERT(!writes || range_is_backed(pmap, write_page, end - first));

    uint64_t covered = pmap->overlay.first, covered_end = covered + pmap->overlay.count;
    if (covered < first)
        covered = first;
    if (covered_end > end)
        covered_end = end;
    if (covered >= covered_end) {
        map_frames(pmap, first, end - first, read_page, write_page);
        return;
    }
    map_frames(pmap, first, covered - first, read_page, write_page);
    for (uint64_t frame = covered; frame < covered_end; frame++) {
        pmap->overlay.read[frame - pmap->overlay.first] = page_plus(read_page, frame - first);
        pmap->overlay.write[frame - pmap->overlay.first] = page_plus(write_page, frame - first);
    }
    map_frames(pmap, covered_end, end - covered_end, page_plus(read_page, covered_end - first),
               page_plus(write_page, covered_end - first));
}

void vx_pmap_forget(struct vx_pmap *pmap, uint64_t phys)
{
    uint64_t frame = (phys & pmap->a20_mask) >> VX_PAGE_SHIFT;
    VX_ASSERT(phys < 1ull << 32);
    uint32_t read_page = ~pmap->read_map[frame], write_page = ~pmap->write_map[frame];
    map_frames(pmap, frame, 1, VX_PMAP_BUS, VX_PMAP_BUS);
    map_frames(pmap, frame, 1, read_page, write_page);
}

void vx_pmap_cover(struct vx_pmap *pmap, uint64_t phys, uint64_t bytes, uint32_t page)
{
    uint32_t first = (uint32_t)(phys >> VX_PAGE_SHIFT), count = (uint32_t)(bytes >> VX_PAGE_SHIFT);
    VX_ASSERT(pmap->overlay.count == 0 && count <= VX_PMAP_OVERLAY_MAX && range_is_backed(pmap, page, count));
    for (uint32_t i = 0; i < count; i++) {
        pmap->overlay.read[i] = ~pmap->read_map[first + i];
        pmap->overlay.write[i] = ~pmap->write_map[first + i];
    }
    map_frames(pmap, first, count, page, page);
    pmap->overlay.first = first;
    pmap->overlay.count = count;
}

void vx_pmap_uncover(struct vx_pmap *pmap)
{
    uint32_t count = pmap->overlay.count;
    pmap->overlay.count = 0;
    for (uint32_t i = 0; i < count; i++)
        map_frames(pmap, pmap->overlay.first + i, 1, pmap->overlay.read[i], pmap->overlay.write[i]);
}

void vx_pmap_set_a20(struct vx_pmap *pmap, bool enabled)
{
    if (enabled == vx_pmap_a20(pmap))
        return;
    pmap->a20_mask = enabled ? UINT64_MAX : ~(1ull << 20);
    tell_change(pmap, 0, UINT32_MAX, false);
    if (pmap->observer != NULL)
        pmap->observer->a20(pmap->observer_opaque, enabled);
}

bool vx_pmap_a20(const struct vx_pmap *pmap)
{
    return pmap->a20_mask == UINT64_MAX;
}

void vx_pmap_mark_code(struct vx_pmap *pmap, uint32_t page, bool has_code)
{
    if (!pmap_is_backed(pmap, page) || vx_pmap_is_code(pmap, page) == has_code)
        return;
    pmap->flags[page] ^= VX_PAGE_CODE;
    if (has_code)
        tell_change(pmap, page, 1, true);
}

bool vx_pmap_is_code(const struct vx_pmap *pmap, uint32_t page)
{
    return pmap_is_backed(pmap, page) && (pmap->flags[page] & VX_PAGE_CODE) != 0;
}

uint32_t vx_pmap_read_page(const struct vx_pmap *pmap, uint64_t phys)
{
    return pmap_lookup(pmap, pmap->read_map, phys);
}

uint32_t vx_pmap_write_page(const struct vx_pmap *pmap, uint64_t phys)
{
    return pmap_lookup(pmap, pmap->write_map, phys);
}

void vx_pmap_track_dirty(struct vx_pmap *pmap, uint32_t first, uint32_t count, bool enable)
{
    VX_ASSERT(range_is_backed(pmap, first, count));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *flags = &pmap->flags[first + i];
        *flags = (uint8_t)(*flags & ~(VX_PAGE_WATCHED | VX_PAGE_TRACKED));
        if (enable)
            *flags |= VX_PAGE_WATCHED | VX_PAGE_TRACKED;
    }
    if (enable && count != 0)
        tell_change(pmap, first, count, true);
}

bool vx_pmap_take_dirty(struct vx_pmap *pmap, uint32_t first, uint32_t count, uint8_t *bitmap)
{
    VX_ASSERT(range_is_backed(pmap, first, count));
    memset(bitmap, 0, count / 8 + (count % 8 != 0));
    struct run watched_again = { .writes_only = true };
    bool any = false;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *flags = &pmap->flags[first + i];
        if ((*flags & (VX_PAGE_TRACKED | VX_PAGE_WATCHED)) != VX_PAGE_TRACKED)
            continue;
        *flags |= VX_PAGE_WATCHED;
        bitmap[i / 8] |= (uint8_t)(1u << i % 8);
        run_add(pmap, &watched_again, first + i);
        any = true;
    }
    run_end(pmap, &watched_again);
    return any;
}

void vx_pmap_on_code_write(struct vx_pmap *pmap, vx_pmap_code_write_fn *fn, void *opaque)
{
    VX_ASSERT(pmap->code_write_listeners < VX_PMAP_LISTENERS);
    pmap->on_code_write[pmap->code_write_listeners].fn = fn;
    pmap->on_code_write[pmap->code_write_listeners].opaque = opaque;
    pmap->code_write_listeners++;
}

void vx_pmap_on_change(struct vx_pmap *pmap, vx_pmap_change_fn *fn, void *opaque)
{
    VX_ASSERT(pmap->change_listeners < VX_PMAP_LISTENERS);
    pmap->on_change[pmap->change_listeners].fn = fn;
    pmap->on_change[pmap->change_listeners].opaque = opaque;
    pmap->change_listeners++;
}

void vx_pmap_remove_listeners(struct vx_pmap *pmap, const void *opaque)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < pmap->code_write_listeners; i++)
        if (pmap->on_code_write[i].opaque != opaque)
            pmap->on_code_write[kept++] = pmap->on_code_write[i];
    pmap->code_write_listeners = kept;
    kept = 0;
    for (unsigned i = 0; i < pmap->change_listeners; i++)
        if (pmap->on_change[i].opaque != opaque)
            pmap->on_change[kept++] = pmap->on_change[i];
    pmap->change_listeners = kept;
}

void vx_pmap_observe(struct vx_pmap *pmap, const struct vx_pmap_observer *observer, void *opaque)
{
    VX_ASSERT(observer == NULL || pmap->observer == NULL);
    pmap->observer = observer;
    pmap->observer_opaque = opaque;
}

void vx_pmap_on_dma(struct vx_pmap *pmap, vx_pmap_dma_fn *fn, void *opaque)
{
    pmap->on_dma = fn;
    pmap->on_dma_opaque = opaque;
}

uint32_t vx_pmap_pages(const struct vx_pmap *pmap)
{
    return pmap->pages;
}

int vx_pmap_memfd(const struct vx_pmap *pmap)
{
    return pmap->memfd;
}

uint64_t vx_pmap_ram_bytes(const struct vx_pmap *pmap)
{
    return pmap->config.ram_bytes;
}

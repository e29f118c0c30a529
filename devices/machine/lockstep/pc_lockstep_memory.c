/* pc_lockstep_memory.c - two guest memories side by side.
 *
 * RAM is write-tracked in both (vx_pmap_track_dirty), so a look costs what has been written since the last one. Video
 * memory is tracked by its own chip and compared only when all of memory is. */
#include <inttypes.h>
#include <stdlib.h>

#include "pc_lockstep_state.h"
#include "vx86/host.h"

#define FRAMES (1u << 20) /* below 4 GiB */

vx_err lockstep_memory_init(struct lockstep_memory *memory, struct vx_pmap *leader, struct vx_pmap *follower)
{
    VX_ASSERT(vx_pmap_pages(leader) == vx_pmap_pages(follower));
    *memory = (struct lockstep_memory){ .leader = leader, .follower = follower };
    memory->ram_pages = (uint32_t)(vx_pmap_ram_bytes(leader) >> VX_PAGE_SHIFT);
    for (unsigned i = 0; i < 2; i++) {
        memory->dirty[i] = malloc(memory->ram_pages / 8 + 1);
        if (memory->dirty[i] == NULL)
            return VX_ERR_NO_MEMORY;
    }
    return VX_ERR_OK;
}

void lockstep_memory_fini(struct lockstep_memory *memory)
{
    free(memory->dirty[0]);
    free(memory->dirty[1]);
}

/* The next backing page from `page` on that has ever been written or read, or UINT32_MAX. */
static uint32_t next_used(struct vx_pmap *pmap, uint32_t page)
{
    int64_t at = vx_host_next_data(vx_pmap_memfd(pmap), (int64_t)page << VX_PAGE_SHIFT);
    return at < 0 ? UINT32_MAX : (uint32_t)(at >> VX_PAGE_SHIFT);
}

static bool page_equal(struct lockstep_memory *memory, uint32_t page, uint32_t *off)
{
    const uint8_t *a = vx_pmap_page_hva(memory->leader, page), *b = vx_pmap_page_hva(memory->follower, page);
    memory->compared_pages++;
    if (memcmp(a, b, VX_PAGE_BYTES) == 0)
        return true;
    for (*off = 0; a[*off] == b[*off];)
        ++*off;
    return false;
}

static bool used_equal(struct lockstep_memory *memory, uint32_t *page, uint32_t *off)
{
    uint32_t end = vx_pmap_pages(memory->leader);
    for (*page = 0;; ++*page) {
        uint32_t a = next_used(memory->leader, *page), b = next_used(memory->follower, *page);
        *page = a < b ? a : b;
        if (*page >= end)
            return true;
        if (!page_equal(memory, *page, off))
            return false;
    }
}

static bool dirty_equal(struct lockstep_memory *memory, uint32_t *page, uint32_t *off)
{
    uint8_t *const *dirty = memory->dirty;
    bool any = vx_pmap_take_dirty(memory->leader, 0, memory->ram_pages, dirty[0]);
    any |= vx_pmap_take_dirty(memory->follower, 0, memory->ram_pages, dirty[1]);
    for (*page = 0; any && *page < memory->ram_pages; ++*page)
        if (((dirty[0][*page / 8] | dirty[1][*page / 8]) >> *page % 8 & 1) && !page_equal(memory, *page, off))
            return false;
    return true;
}

bool lockstep_memory_equal(struct lockstep_memory *memory, bool all, uint32_t *page, uint32_t *off)
{
    return all ? used_equal(memory, page, off) : dirty_equal(memory, page, off);
}

/* ---- copy ------------------------------------------------------------------------------------------------------- */

/* How the backing goes on from one frame to the next: pages one after the other, or none. */
static bool continues(uint32_t page, uint32_t next)
{
    return page == VX_PMAP_BUS || page == VX_PMAP_DISCARD ? next == page : next == page + 1;
}

static void copy_map(struct vx_pmap *from, struct vx_pmap *to)
{
    for (uint64_t first = 0, frame = 0; frame < FRAMES; first = frame) {
        uint32_t read_page = vx_pmap_read_page(from, frame << VX_PAGE_SHIFT);
        uint32_t write_page = vx_pmap_write_page(from, frame << VX_PAGE_SHIFT);
        uint32_t read = read_page, write = write_page;
        while (++frame < FRAMES) {
            uint32_t next_read = vx_pmap_read_page(from, frame << VX_PAGE_SHIFT);
            uint32_t next_write = vx_pmap_write_page(from, frame << VX_PAGE_SHIFT);
            if (!continues(read, next_read) || !continues(write, next_write))
                break;
            read = next_read;
            write = next_write;
        }
        vx_pmap_map(to, first << VX_PAGE_SHIFT, (frame - first) << VX_PAGE_SHIFT, read_page, write_page);
    }
}

void lockstep_memory_copy(struct lockstep_memory *memory)
{
    struct vx_pmap *from = memory->leader, *to = memory->follower;
    VX_ASSERT(vx_pmap_a20(from)); /* or the map would be seen through it */
    copy_map(from, to);
    for (uint32_t page = 0; (page = next_used(from, page)) != UINT32_MAX; page++)
        memcpy(vx_pmap_page_hva(to, page), vx_pmap_page_hva(from, page), VX_PAGE_BYTES);
    vx_pmap_track_dirty(from, 0, memory->ram_pages, true);
    vx_pmap_track_dirty(to, 0, memory->ram_pages, true);
}

void lockstep_memory_report(struct vx_log *log, struct lockstep_memory *memory, uint32_t page, uint32_t off)
{
    const uint8_t *a = vx_pmap_page_hva(memory->leader, page), *b = vx_pmap_page_hva(memory->follower, page);
    unsigned shown = 0;
    vx_log_error(log, VX_LOG_CPU, "  memory differs, backing page %" PRIX32 "h%s: offset, translator, interpreter",
                 page, page < memory->ram_pages ? " (RAM: times 1000h is the physical address)" : "");
    for (; off < VX_PAGE_BYTES && shown < 16; off++)
        if (a[off] != b[off]) {
            vx_log_error(log, VX_LOG_CPU, "  %03" PRIX32 " %02X %02X", off, a[off], b[off]);
            shown++;
        }
}

/* pmap.h - guest physical memory: where each guest frame lives in this process (gpa to hva).
 *
 * One per machine. All backing pages (RAM, ROM images, video memory) are pages of one memfd, mapped once,
 * readable and writable, at `base`; a page is named by its index in it. The map itself has one entry per guest
 * frame below 4 GiB, with separate backing for reads and writes, so that PAM's "read ROM, write RAM" is a plain entry.
 * A frame without backing goes to the bus (vx_pmap_bus_ops). Frames at or above 4 GiB always go to the bus.
 *
 * Code tracking: a frame that holds translated code is marked; a write to it, by whoever, is announced through
 * the code-write callback *after* the bytes have changed (design "Self-modifying code").
 *
 * Thread rule: machine thread only, but vx_pmap_memfd() may be asked from any. */
#ifndef VX86_PMAP_H
#define VX86_PMAP_H

#include "vx86/err.h"
#include "vx86/log.h"
#include "vx86/stats.h"

#define VX_PAGE_SHIFT 12
#define VX_PAGE_BYTES 4096u
#define VX_PAGE_MASK  UINT64_C(4095)

/* No backing page: the access goes to the bus. */
#define VX_PMAP_BUS     UINT32_MAX
/* As a write backing: the write is dropped (ROM). */
#define VX_PMAP_DISCARD (UINT32_MAX - 1)

struct vx_pmap;

/* Who asks for an access: a CPU, by its number in the machine, or one of these. A CPU's local APIC answers it alone. */
#define VX_FROM_DMA  (UINT32_MAX - 1) /* a device, as bus master */
#define VX_FROM_HOST UINT32_MAX       /* loaders, debuggers: nobody in the guest */

/* Accesses without backing, from whom. size is 1, 2, 4 or 8 bytes; never crosses a page. Return value zero-extended. */
struct vx_pmap_bus_ops {
    uint64_t (*read)(void *opaque, uint32_t from, uint64_t phys, unsigned size);
    void (*write)(void *opaque, uint32_t from, uint64_t phys, unsigned size, uint64_t value);
};

struct vx_pmap_config {
    struct vx_log *log;     /* borrowed */
    struct vx_stats *stats; /* borrowed */
    uint64_t ram_bytes;     /* 1 MiB to 3 GiB, page multiple; mapped at phys 0 at creation */
    uint64_t extra_bytes;   /* further backing for ROMs and video memory, handed out by vx_pmap_alloc */
    struct vx_pmap_bus_ops bus;
    void *bus_opaque;
};

VX_MUST_USE vx_err vx_pmap_create(const struct vx_pmap_config *config, struct vx_pmap **out);
void vx_pmap_destroy(struct vx_pmap *pmap);

/* Reserves `bytes` (rounded up to pages) of the extra backing; returns the first page index, or VX_PMAP_BUS when
 * it is used up. Pages start zeroed. */
uint32_t vx_pmap_alloc(struct vx_pmap *pmap, uint64_t bytes);

/* Host address of a backing page, valid for the pmap's life; consecutive pages are consecutive in host memory. */
uint8_t *vx_pmap_page_hva(struct vx_pmap *pmap, uint32_t page);

/* Maps guest frames [phys, phys + bytes) (page multiples, below 4 GiB): reads from backing pages from `read_page`
 * on (or VX_PMAP_BUS), writes to backing pages from `write_page` on (or VX_PMAP_BUS, VX_PMAP_DISCARD).
 * Tells the map-change callback, so that shadows and translations of the range are dropped. */
void vx_pmap_map(struct vx_pmap *pmap, uint64_t phys, uint64_t bytes, uint32_t read_page, uint32_t write_page);

/* Has everybody who remembers where the page of `phys` (below 4 GiB; A20 applied) lies forget it, as if its mapping
 * were dropped and made again. What is mapped, and covered, stays as it is. */
void vx_pmap_forget(struct vx_pmap *pmap, uint64_t phys);

/* Lays backing pages from `page` on over [phys, phys + bytes), for reads and writes, whatever is mapped there; what
 * vx_pmap_map() maps there meanwhile shows when the overlay goes. One overlay, of at most VX_PMAP_OVERLAY_MAX pages; it
 * goes by vx_pmap_uncover(). For system management memory over the VGA window. */
#define VX_PMAP_OVERLAY_MAX 32u
void vx_pmap_cover(struct vx_pmap *pmap, uint64_t phys, uint64_t bytes, uint32_t page);
void vx_pmap_uncover(struct vx_pmap *pmap);

/* A20 gate: when off, address bit 20 of every physical address reads as 0. Starts enabled. Drops all shadows. */
void vx_pmap_set_a20(struct vx_pmap *pmap, bool enabled);
bool vx_pmap_a20(const struct vx_pmap *pmap);

/* Hands back the host address of `phys` itself, good to the end of its page, for reading or writing, or NULL when that
 * access goes to the bus (or is discarded). A20 is applied. Code marking is ignored: a caller that writes through the
 * result must call vx_pmap_wrote(). */
uint8_t *vx_pmap_read_ptr(struct vx_pmap *pmap, uint64_t phys);
uint8_t *vx_pmap_write_ptr(struct vx_pmap *pmap, uint64_t phys);

/* ---- accesses: by the host (loaders, debuggers), by a device, by a CPU */

/* Any length, any mixture of backings; announces code writes. Bytes that no one backs read as the bus answers. */
void vx_pmap_read(struct vx_pmap *pmap, uint64_t phys, void *buf, size_t bytes);
void vx_pmap_write(struct vx_pmap *pmap, uint64_t phys, const void *buf, size_t bytes);

/* The same by a device (DMA). */
void vx_pmap_dma_read(struct vx_pmap *pmap, uint64_t phys, void *buf, size_t bytes);
void vx_pmap_dma_write(struct vx_pmap *pmap, uint64_t phys, const void *buf, size_t bytes);
/* Who wants to hear of these before they are made; one at most, NULL: nobody. `value`: what is to be written, NULL for
 * a read. */
typedef void vx_pmap_dma_fn(void *opaque, uint64_t phys, size_t bytes, const void *value);
void vx_pmap_on_dma(struct vx_pmap *pmap, vx_pmap_dma_fn *fn, void *opaque);

/* Single aligned or unaligned access of 1, 2, 4 or 8 bytes inside one page: backing or bus, code writes announced. */
uint64_t vx_pmap_load(struct vx_pmap *pmap, uint64_t phys, unsigned size);
void vx_pmap_store(struct vx_pmap *pmap, uint64_t phys, unsigned size, uint64_t value);

/* Both kinds by the CPU of that number, for the mmu and what the CPU does of itself. */
void vx_pmap_cpu_read(struct vx_pmap *pmap, uint32_t cpu, uint64_t phys, void *buf, size_t bytes);
void vx_pmap_cpu_write(struct vx_pmap *pmap, uint32_t cpu, uint64_t phys, const void *buf, size_t bytes);
uint64_t vx_pmap_cpu_load(struct vx_pmap *pmap, uint32_t cpu, uint64_t phys, unsigned size);
void vx_pmap_cpu_store(struct vx_pmap *pmap, uint32_t cpu, uint64_t phys, unsigned size, uint64_t value);

/* To be called after bytes were changed through vx_pmap_write_ptr(). */
void vx_pmap_wrote(struct vx_pmap *pmap, uint64_t phys, size_t bytes);

/* Code marking, by backing page. Marking a page tells the map-change callback (writable shadows must go). */
void vx_pmap_mark_code(struct vx_pmap *pmap, uint32_t page, bool has_code);
bool vx_pmap_is_code(const struct vx_pmap *pmap, uint32_t page);

/* Backing page behind a frame for reading/fetching, VX_PMAP_BUS when none; A20 applied. */
uint32_t vx_pmap_read_page(const struct vx_pmap *pmap, uint64_t phys);
uint32_t vx_pmap_write_page(const struct vx_pmap *pmap, uint64_t phys);

/* Display: bytes written to backing pages [first, first+count) by *shadowed* stores cannot be seen one by one, so
 * the page range is write-tracked: returns true for each page written since the last call (bitmap, LSB first) and
 * arms tracking again. A page range must be enabled once before. */
void vx_pmap_track_dirty(struct vx_pmap *pmap, uint32_t first, uint32_t count, bool enable);
bool vx_pmap_take_dirty(struct vx_pmap *pmap, uint32_t first, uint32_t count, uint8_t *bitmap);

/* Listeners, set once at construction of mmu and bt. Several may be added (at most 4 of each). */
typedef void vx_pmap_code_write_fn(void *opaque, uint32_t page, uint32_t off, uint32_t bytes);
/* Shadows of these backing pages must be dropped: all accesses (writes_only false) or writes only. count
 * UINT32_MAX with page 0: everything. */
typedef void vx_pmap_change_fn(void *opaque, uint32_t page, uint32_t count, bool writes_only);
void vx_pmap_on_code_write(struct vx_pmap *pmap, vx_pmap_code_write_fn *fn, void *opaque);
void vx_pmap_on_change(struct vx_pmap *pmap, vx_pmap_change_fn *fn, void *opaque);
/* Forgets all listeners that were added with `opaque`; for destructors, since the pmap outlives mmu and bt. */
void vx_pmap_remove_listeners(struct vx_pmap *pmap, const void *opaque);

/* For a device that has changed bytes of its own backing pages in place: marks, listeners and observer are told. */
void vx_pmap_wrote_page(struct vx_pmap *pmap, uint32_t page, uint32_t off, uint32_t bytes);

/* Whoever keeps a second copy of guest memory (lockstep): told, after the change, of every mapping, of the A20 gate and
 * of all bytes that were written by way of the pmap, by devices and by the CPU; what it writes through a shadow is not
 * told. One at most; NULL: none. Both are borrowed. */
struct vx_pmap_observer {
    void (*mapped)(void *opaque, uint64_t phys, uint64_t bytes, uint32_t read_page, uint32_t write_page);
    void (*a20)(void *opaque, bool enabled);
    void (*written)(void *opaque, uint32_t page, uint32_t off, uint32_t bytes); /* inside one page */
};
void vx_pmap_observe(struct vx_pmap *pmap, const struct vx_pmap_observer *observer, void *opaque);

/* Number of backing pages: RAM and extra. */
uint32_t vx_pmap_pages(const struct vx_pmap *pmap);

/* The memfd behind all pages, for shadow windows. */
int vx_pmap_memfd(const struct vx_pmap *pmap);
uint64_t vx_pmap_ram_bytes(const struct vx_pmap *pmap);

#endif

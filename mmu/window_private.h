/* window_private.h - inside the windows: guest address spaces mapped into this process, so that the host's MMU does the
 * shadow's work (design "Memory: two lowerings of one shadow").
 *
 *   window_policy.c   which window there is for which view; promotion, demotion, budget, news from mmu and pmap
 *      |
 *   window_tables.c   what the guest's tables allow of a page; filling by runs; resync with tables that have changed
 *      |
 *   window.c          one window: what is mapped where, how many mappings that takes, who maps a backing page
 *      |
 *   window_host.c     the host's calls, and the places where tests make them fail
 *
 * A window is 4 GiB of addresses with a guard on either side; linear address `lin` is at base + lin.
 *
 *   I1  A page is mapped only while the guest's tables, as of the last flush, allow a read without changing any of
 *       their bits (A is set on every level), and writable only if they allow a write likewise (D is set, R/W on every
 *       level), the page is the same for reads and writes, and stores to it need not be seen (code, tracking).
 *   I2  entry[vpn] says exactly what the host maps there, or allows less than that in no window that is in use.
 *   I3  owner[page] covers every vpn that leads to the backing page: none, 1 + the only one, or SEVERAL. It is a bound.
 *   I4  Invalidation cannot fail: where the host refuses it, the whole window is dropped, and one that cannot even be
 *       dropped is `broken` and used by nobody. */
#ifndef VX86_MMU_WINDOW_PRIVATE_H
#define VX86_MMU_WINDOW_PRIVATE_H

#include "mmu_private.h"

enum {
    WINDOW_PAGES = 1 << 20,
    WINDOW_REGIONS = 2048, /* at most: of 2 MiB */
    WINDOW_USERS = 8,
    WINDOW_SEEN = 32,
    /* A frame that is unmapped so often by what the guest does to its tables is not mapped again in the kernel's. */
    WINDOW_CHURN_MAX = 4,
};

/* An entry: page << 2 | ENTRY_WRITE | ENTRY_MAPPED; 0: nothing is mapped. */
enum { ENTRY_MAPPED = 1, ENTRY_WRITE = 2, ENTRY_PAGE_SHIFT = 2, ENTRY_NEXT = 1 << ENTRY_PAGE_SHIFT };

enum window_kind {
    WINDOW_UNPAGED, /* linear addresses are physical ones */
    WINDOW_KERNEL,  /* supervisor pages (U/S clear) */
    WINDOW_USER,    /* user pages of one address space */
};

/* What a region's tables were when it was last compared. */
struct window_region {
    uint64_t entry; /* of the directory */
    uint16_t mapped;
    bool local; /* not all of its pages are global */
};

struct window {
    enum window_kind kind;
    uint8_t *base;   /* NULL: not reserved */
    uint32_t *entry; /* I2 */
    uint32_t *owner; /* I3, by backing page */
    uint8_t *churn;  /* times that a page was unmapped by a resync */
    uint8_t *copy;   /* page tables as last compared, 4 KiB a region */
    struct window_region region[WINDOW_REGIONS];
    unsigned region_shift;       /* of region[] and copy */
    uint32_t maps;               /* host mappings, the inaccessible ones too */
    uint32_t pages;              /* mapped */
    bool broken;                 /* I4 */
    bool stale_local, stale_all; /* flushed and not compared since */
    uint64_t cr3;                /* of a user window; 0 and `free`: nobody's */
    bool free;
    uint64_t used;              /* for replacement */
    uint64_t cost, user_cycles; /* of fills and resyncs; spent by the guest in user mode */
};

/* An address space without a window. */
struct window_seen {
    uint64_t cr3, used;
    uint64_t cycles;  /* that its user mode has run since it was first seen */
    uint64_t next_at; /* promotion is considered from here on */
};

struct windows {
    struct vx_window_config config;
    struct window unpaged, kernel, user[WINDOW_USERS];
    struct window_seen seen[WINDOW_SEEN];
    struct window_seen *current_seen; /* of the present address space, NULL: not looked for */
    struct window *current[VX_VIEWS]; /* behind mmu->window[] */
    uint32_t maps, maps_limit;        /* over all windows */
    uint64_t tick, calls;
    uint32_t pages; /* of the pmap */
    int memfd;
    struct vx_stats *stats;
};

/* ---- window_host.c: false when the host refuses */
bool host_reserve(struct windows *ws, uint8_t **base);
void host_release(uint8_t *base);
/* populate: the host's own page tables are filled at once. */
bool host_map(struct windows *ws, uint8_t *at, uint64_t bytes, uint64_t file_off, bool write, bool populate);
bool host_protect(struct windows *ws, uint8_t *at, uint64_t bytes, bool write);
bool host_unmap(struct windows *ws, uint8_t *at, uint64_t bytes);
/* How many mappings windows may take of what the host allows a process. */
uint32_t host_maps_limit(void);
/* NULL when this host can hold windows, else why not. */
const char *host_lacks(void);

/* ---- window.c */
VX_MUST_USE vx_err window_create(struct windows *ws, struct window *w, enum window_kind kind);
void window_destroy(struct windows *ws, struct window *w);
/* Maps [vpn, vpn + n) where nothing is mapped, to consecutive pages from `entry` on. False: nothing is. */
bool window_map(struct windows *ws, struct window *w, uint32_t vpn, uint32_t n, uint32_t entry, bool populate);
/* Changes the right to write of n pages, mapped to consecutive backing pages. */
void window_protect(struct windows *ws, struct window *w, uint32_t vpn, uint32_t n, bool write);
void window_unmap(struct windows *ws, struct window *w, uint32_t vpn, uint32_t n);
/* Unmaps everything; afterwards it is empty or broken. */
void window_drop(struct windows *ws, struct window *w);
/* Unmaps or (writes_only) write-protects whatever leads to the backing pages [page, page + count). */
void window_forget_pages(struct windows *ws, struct window *w, uint32_t page, uint32_t count, bool writes_only);
static inline uint32_t window_region_of(const struct window *w, uint32_t vpn)
{
    return vpn >> (w->region_shift - VX_PAGE_SHIFT);
}

/* ---- window_tables.c */
/* What may be mapped at a page of the region (I1), 0: nothing. */
uint32_t window_want(const struct vx_mmu *mmu, const struct window *w, const struct walk_region *region, uint32_t vpn);
/* Maps the page that has just been accessed and its neighbours as far as they make one run. False: it may not be. */
bool window_fill(struct vx_mmu *mmu, struct window *w, uint32_t vpn, bool write);
/* Brings what is mapped up to the guest's tables. */
void window_resync(struct vx_mmu *mmu, struct window *w);
void window_resync_region(struct vx_mmu *mmu, struct window *w, uint32_t index);
/* What building a user window takes: runs of pages that could be mapped now. */
void window_measure(struct vx_mmu *mmu, const struct window *w, uint32_t *runs, uint32_t *pages);
/* Maps them all. False: the host refuses, or there are too many. */
bool window_build(struct vx_mmu *mmu, struct window *w);

/* ---- window_policy.c */
/* Makes room for a few more mappings, by dropping others' windows; false: there is none. */
bool windows_make_room(struct windows *ws, const struct window *keep);

#endif

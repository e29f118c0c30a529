/* mmu_private.h - what the files of the mmu share.
 *
 *   access.c   linear reads and writes that missed the inline probe
 *      |  resolve
 *   walk.c     the guest's tables: rights, A and D, #PF      (reads the pmap)
 *      |  fill
 *   tlb.c      the soft TLB: filling, dropping, flushing     (told by the pmap of changes)
 *   window*.c  the other shadow, in the host's MMU: see window_private.h
 *   watch.c    a debugger's watchpoints: which pages may not be in the soft TLB, which accesses are told
 *   mmu.c      construction, control state
 */
#ifndef VX86_MMU_PRIVATE_H
#define VX86_MMU_PRIVATE_H

#include "pmap_private.h"
#include "vx86/mmu.h"

#define VX_MMU_FLUSH_LISTENERS 4
/* A slot is one entry of one view's table: (view << 16) | index. */
#define VX_TLB_SLOTS           (VX_VIEWS * VX_TLB_ENTRIES)

/* Bits that vcpu.h and mmu.h do not share; SDM 3A "Control Registers", 4 "IA32_EFER". */
enum {
    VX_MMU_CR0_WP = 1u << 16,
    VX_MMU_CR0_NW = 1u << 29,
    VX_MMU_CR0_CD = 1u << 30,
    VX_MMU_CR0_PG = 1u << 31,
    VX_MMU_CR4_PSE = 1u << 4,
    VX_MMU_CR4_PAE = 1u << 5,
    VX_MMU_CR4_PGE = 1u << 7,
    VX_MMU_CR4_SMEP = 1u << 20,
    VX_MMU_CR4_SMAP = 1u << 21,
    VX_MMU_EFER_NXE = 1u << 11,
};

/* SDM 3A "Paging Modes and Control Bits". */
enum paging_mode { VX_PAGING_OFF, VX_PAGING_32BIT, VX_PAGING_PAE };

/* What a walk found for one 4 KiB page: the rights that all levels grant together, before CR0.WP, SMEP and SMAP. */
struct page_walk {
    uint64_t frame;     /* physical address of the page */
    uint64_t leaf_phys; /* of the entry that maps it */
    bool user, write, exec, global;
    bool accessed, dirty; /* of the leaf */
    bool upper_accessed;  /* A of what is above the leaf */
    bool large;           /* 2 or 4 MiB leaf */
};

enum walk_end { VX_WALK_OK, VX_WALK_NOT_PRESENT, VX_WALK_RESERVED };

/* Slots filled since they were last flushed, each at most once per log. */
struct fill_log {
    uint32_t *slot; /* VX_TLB_SLOTS */
    uint32_t count;
};

#define VX_AC_LOG 64

struct vx_mmu_private {
    struct vx_log *log;
    struct vx_stats *stats;

    /* Control state, and what the walk needs of it at hand. */
    struct vx_paging paging;
    enum paging_mode mode;
    bool pse, pge, nxe, wp, smep;
    bool smap;
    bool smap_in_force;    /* CR4.SMAP and EFLAGS.AC clear */
    bool report_fetch;     /* the I/D bit of #PF error codes exists */
    uint32_t reserved_pse; /* of a 4 MiB PDE */
    uint64_t reserved_pae; /* of any PAE PDE or PTE */

    /* The soft TLB's books, see tlb.c. */
    uint8_t *slot_state; /* VX_TLB_SLOTS */
    struct fill_log local, global;
    uint32_t *writer; /* per backing page */
    uint32_t ac_slot[VX_AC_LOG];
    uint32_t ac_count; /* over VX_AC_LOG: some were not noted */
    bool any_large;
    uint32_t large[32]; /* bitmap of 4 MiB regions with fills from large pages */

    struct windows *windows; /* window_private.h; NULL: none */

    const struct vx_mmu_watch *watch; /* watch.c */
    unsigned watch_count;
    vx_mmu_watch_fn *watch_fn;
    void *watch_opaque;

    struct {
        vx_mmu_flush_fn *fn;
        void *opaque;
    } on_flush[VX_MMU_FLUSH_LISTENERS];
    unsigned flush_listeners;
};

/* walk.c */

/* One entry of the page directory and what it leads to: 4 MiB of linear addresses, 2 MiB with PAE. */
struct walk_region {
    uint64_t entry; /* 0: not usable */
    uint64_t entry_phys, table_phys;
    const uint8_t *table; /* host address of the page table; NULL when there is none */
    bool large, user;     /* PS, U/S */
};
/* log2 of a region's bytes in the present paging mode. */
unsigned walk_region_shift(const struct vx_mmu *mmu);
/* Reads the directory's entry for `lin`; no side effects. False when it is not present, or a table is not in memory.
 * Without paging always true. */
bool walk_region(const struct vx_mmu *mmu, uint64_t lin, struct walk_region *region);
/* What walk_tables() would find for a page of the region, which walk_region() has read; no side effects. */
enum walk_end walk_in_region(const struct vx_mmu *mmu, const struct walk_region *region, uint64_t lin,
                             struct page_walk *walk);

/* Reads the tables for `lin`. With set_accessed, sets A in the entries above the leaf as it passes them. */
enum walk_end walk_tables(const struct vx_mmu *mmu, uint64_t lin, bool set_accessed, struct page_walk *walk);
bool walk_allows(const struct vx_mmu_private *priv, const struct page_walk *walk, enum vx_access access,
                 enum vx_view view);
/* The architectural walk: A and D set, shadow filled. False: #PF in mmu->fault. Counts the miss. */
bool walk_resolve(struct vx_mmu *mmu, uint64_t lin, enum vx_access access, enum vx_view view, struct page_walk *walk);

/* watch.c */

/* VX_WATCH_* bits of the page of `lin`, whose frame is at `frame`: the accesses that must not go through the shadow. */
unsigned watch_page(const struct vx_mmu *mmu, uint64_t lin, uint64_t frame);
/* Tells of an access about to be made to [lin, lin + bytes), which lies in one page. */
void watch_tell_slow(struct vx_mmu *mmu, unsigned kind, uint64_t lin, uint64_t phys, size_t bytes, const void *value);
static inline void watch_tell(struct vx_mmu *mmu, unsigned kind, uint64_t lin, uint64_t phys, size_t bytes,
                              const void *value)
{
    if (VX_UNLIKELY(mmu->priv->watch_count != 0))
        watch_tell_slow(mmu, kind, lin, phys, bytes, value);
}

/* tlb.c */
VX_MUST_USE vx_err shadow_create(struct vx_mmu *mmu);
void shadow_destroy(struct vx_mmu *mmu);
/* Enters what the walk allows. `access` is what happens next: a write ends the page's watch for dirty tracking. */
void shadow_fill(struct vx_mmu *mmu, uint64_t lin, enum vx_access access, enum vx_view view,
                 const struct page_walk *walk);
/* Drops without telling listeners and without counting. */
void shadow_drop_all(struct vx_mmu *mmu);
void shadow_drop_supervisor(struct vx_mmu *mmu);
void shadow_drop_ac(struct vx_mmu *mmu);

/* window_policy.c: all but the last may be told when there are no windows. */

/* The architecture has flushed, or the pmap has changed what frames are. */
void windows_flushed(struct vx_mmu *mmu, enum vx_flush kind, uint64_t lin);
/* Backing pages whose shadows, or (writes_only) whose writable shadows, have to go. As vx_pmap_change_fn. */
void windows_pages_changed(struct vx_mmu *mmu, uint32_t page, uint32_t count, bool writes_only);
/* What entries of the guest's tables mean has changed. */
void windows_restructure(struct vx_mmu *mmu);
void windows_drop_all(struct vx_mmu *mmu);
void windows_close(struct vx_mmu *mmu);

#endif

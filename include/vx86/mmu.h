/* mmu.h - one vCPU's view of memory: guest page-table walk, shadow page tables, linear accesses.
 *
 * Sources: SDM 3A "Paging" (all of it), "Protected-Mode Exceptions"/"Page-Fault Exceptions".
 *
 * The soft TLB (struct vx_tlb) is the portable shadow page table: direct-mapped by linear page number, one table
 * per privilege view (supervisor, user, system), with separate tags for read, write and fetch. A tag that matches
 * promises that the guest's own tables allow that access *now*, that A (and for write D) is already set, and that the
 * page is plain backed memory without translated code or dirty tracking (write). Everything else goes through the slow
 * functions. Windows (vx_mmu_open_windows()) are a second shadow, in the host's MMU, that makes the same promise.
 *
 * Layout is shared with translated code, which probes it inline:
 *     lin  31        12 11      0
 *         [   vpn     ][ offset ]      index = vpn & 0xFFFF
 *     hit  <=> tag[index] + vpn(last byte of the access) == 0 (mod 2^32), index taken from the first byte
 *     hva   =  lin + addend[index]
 *
 * Functions take linear addresses of 64 bits and wrap them with vx_lin_wrap() where they come in. The soft TLB's tags
 * are 32 bits wide: they hold the page numbers of a 32-bit space, and no more.
 *
 * Thread rule: machine thread only. */
#ifndef VX86_MMU_H
#define VX86_MMU_H

#include <string.h>

#include "vx86/pmap.h"

#define VX_TLB_ENTRIES 65536u
/* A tag that matches no vpn of a 32-bit space. */
#define VX_TLB_INVALID 1u

enum vx_access { VX_ACCESS_READ, VX_ACCESS_WRITE, VX_ACCESS_FETCH };

/* Privilege view of an access: what the page's U/S bit is held against. SYSTEM is for what the CPU does of itself at
 * any CPL (descriptor tables, TSS, IDT): supervisor's, and EFLAGS.AC does not lift SMAP for it (SDM 3A "Access Rights",
 * "implicit supervisor-mode accesses"). */
enum vx_view { VX_VIEW_SUPERVISOR, VX_VIEW_USER, VX_VIEW_SYSTEM, VX_VIEWS };

struct vx_tlb {
    uint32_t read_tag[VX_TLB_ENTRIES]; /* minus vpn, or VX_TLB_INVALID */
    uint32_t write_tag[VX_TLB_ENTRIES];
    uint32_t fetch_tag[VX_TLB_ENTRIES];
    uint64_t addend[VX_TLB_ENTRIES]; /* hva of the page minus its linear address */
};

/* A guest fault waiting to be delivered (vector, error code, linear address for #PF). */
struct vx_fault {
    uint8_t vector;
    bool has_error;
    uint32_t error;
    uint64_t lin; /* CR2, for #PF */
};

/* #PF error code bits (SDM 3A "Page-Fault Exceptions"). */
enum { VX_PF_P = 1, VX_PF_W = 2, VX_PF_U = 4, VX_PF_RSVD = 8, VX_PF_I = 16 };

/* Control state that decides how linear addresses are translated. The cpu sets it with vx_mmu_set_paging(). */
struct vx_paging {
    uint64_t cr0, cr3, cr4, efer;
    bool ac;           /* EFLAGS.AC, for SMAP */
    uint8_t phys_bits; /* MAXPHYADDR that CPUID reports; PAE bits above it are reserved */
    uint64_t pdpte[4]; /* the PDPTE registers: vx_mmu_set_paging() ignores those given, and loads them when it must */
};

struct vx_mmu {
    struct vx_tlb *tlb[VX_VIEWS];
    struct vx_fault fault; /* set whenever a function below returns false */
    struct vx_pmap *pmap;
    uint32_t cpu; /* whose it is: what the pmap's accesses come from; 0 at first */
    /* Where linear address 0 of each view is mapped in this process, NULL: no window, use the soft TLB. Right while the
     * view is not due, see vx_mmu_sync_window(). */
    uint8_t *window[VX_VIEWS];
    bool window_due[VX_VIEWS];
    uint64_t map_epoch; /* grows whenever any linear mapping may have changed other than by plain fills */
    struct vx_mmu_private *priv;
};

VX_MUST_USE vx_err vx_mmu_create(struct vx_log *log, struct vx_stats *stats, struct vx_pmap *pmap, struct vx_mmu **out);
void vx_mmu_destroy(struct vx_mmu *mmu);

/* Invalidation news for the translator: all (global pages too), non-global only, or one page. */
enum vx_flush { VX_FLUSH_ALL, VX_FLUSH_NON_GLOBAL, VX_FLUSH_PAGE };
typedef void vx_mmu_flush_fn(void *opaque, enum vx_flush kind, uint64_t lin);
void vx_mmu_on_flush(struct vx_mmu *mmu, vx_mmu_flush_fn *fn, void *opaque);

/* New control state; flushes what the SDM says that the change flushes ("Invalidation of TLBs and Paging-Structure
 * Caches"): a MOV to CR3 must be told with cr3_written even when the value is the same. PDPTE loading for PAE happens
 * here: returns false with #GP(0) in mmu->fault, and changes nothing, when a PDPTE has reserved bits set. */
bool vx_mmu_set_paging(struct vx_mmu *mmu, const struct vx_paging *paging, bool cr3_written);
/* Control state of a vCPU that was loaded: taken as it is, with its PDPTEs, and everything is dropped. */
void vx_mmu_restore_paging(struct vx_mmu *mmu, const struct vx_paging *paging);
/* Could a MOV to CR3 load it? */
bool vx_mmu_pdpte_valid(uint64_t pdpte, unsigned phys_bits);
const struct vx_paging *vx_mmu_paging(const struct vx_mmu *mmu);

/* INVLPG. */
void vx_mmu_invlpg(struct vx_mmu *mmu, uint64_t lin);
void vx_mmu_flush(struct vx_mmu *mmu, bool global_too);

/* Full architectural translation: sets A/D, gives the physical address, fills the shadow. False: mmu->fault holds the
 * #PF. */
bool vx_mmu_translate(struct vx_mmu *mmu, uint64_t lin, enum vx_access access, enum vx_view view, uint64_t *phys);

/* The same without side effects (debugger, statistics): no A/D, no fill, no fault record. */
bool vx_mmu_peek(struct vx_mmu *mmu, uint64_t lin, uint64_t *phys);

/* Would an instruction fetch at `lin` succeed, from backing page *page, and without setting an A bit? No side
 * effects. */
bool vx_mmu_fetches(const struct vx_mmu *mmu, uint64_t lin, enum vx_view view, uint32_t *page);

/* What the guest's tables say of `lin`, entry by entry from the top; no side effects. */
struct vx_walk_level {
    const char *name;     /* as the manual calls the entry: "PDPTE", "PDE", "PTE"; static storage */
    uint64_t phys, entry; /* where it is, and what it holds */
    bool readable;        /* false: there is no memory; the walk ends here */
};
struct vx_walk_trace {
    struct vx_walk_level level[3];
    unsigned levels;        /* 0: paging is off */
    bool mapped;            /* what follows but page_bytes is said of a mapped address only */
    bool reserved;          /* not mapped, because a reserved bit is set */
    uint64_t page_bytes;    /* of the page, or of the hole that a missing entry leaves */
    uint64_t phys;          /* of `lin` */
    bool user, write, exec; /* what all levels grant together, before CR0.WP, SMEP and SMAP */
    bool global, accessed, dirty;
};
void vx_mmu_trace(const struct vx_mmu *mmu, uint64_t lin, struct vx_walk_trace *trace);

/* True when the mapping of `lin` is global (CR4.PGE and G in the leaf) or paging is off; no side effects. */
bool vx_mmu_is_global(struct vx_mmu *mmu, uint64_t lin);

/* Slow paths of the inline accessors below: page crossing, MMIO, code pages, misses, faults. size 1, 2, 4 or 8.
 * A store that crosses pages is checked on both before either byte is written. */
bool vx_mmu_read_slow(struct vx_mmu *mmu, uint64_t lin, unsigned size, enum vx_view view, uint64_t *value);
bool vx_mmu_write_slow(struct vx_mmu *mmu, uint64_t lin, unsigned size, enum vx_view view, uint64_t value);

/* Any length up to a page, any mixture of pages; faults before anything is written. */
bool vx_mmu_read_bytes(struct vx_mmu *mmu, uint64_t lin, void *buf, size_t bytes, enum vx_view view);
bool vx_mmu_write_bytes(struct vx_mmu *mmu, uint64_t lin, const void *buf, size_t bytes, enum vx_view view);

/* Checks that [lin, lin + bytes) can be accessed (bytes <= a page), setting A (and D for write) as the access would. */
bool vx_mmu_probe(struct vx_mmu *mmu, uint64_t lin, size_t bytes, enum vx_access access, enum vx_view view);

/* Fills the shadow for the page of `lin` only if that changes nothing that the guest can see but the A bits above the
 * leaf, which any access to the page sets: the leaf must be accessed already (and dirty for the write tag). For
 * accesses that are about to be made. */
void vx_mmu_prefill(struct vx_mmu *mmu, uint64_t lin, enum vx_view view);

/* Makes [lin, lin + size) directly accessible if it lies in one page of plain memory: *hva is its host address,
 * otherwise *hva = NULL and the caller goes through read_slow/write_slow. False: fault. For VX_ACCESS_WRITE read access
 * is checked too (a writable page is readable on x86). */
bool vx_mmu_direct(struct vx_mmu *mmu, uint64_t lin, unsigned size, enum vx_access access, enum vx_view view,
                   uint8_t **hva);

/* Watched memory: every access to [first, last] by the CPU is told before it is made, whoever makes it: instructions,
 * and the CPU itself at descriptors and stacks; not its page walks and instruction fetches. (DMA: vx_pmap_on_dma().)
 * Watched accesses, and all writes, to a page with watched bytes miss the shadow; others are not touched. */
enum { VX_WATCH_READ = 1u << 0, VX_WATCH_WRITE = 1u << 1 };
struct vx_mmu_watch {
    uint64_t first, last;
    bool physical;   /* else linear */
    uint8_t kinds;   /* VX_WATCH_* */
    uint32_t number; /* the owner's */
};
struct vx_mmu_watched {
    uint8_t kind; /* one of VX_WATCH_* */
    uint64_t lin, phys;
    size_t bytes;
    const void *value; /* the bytes that a write will store, NULL for a read */
};
typedef void vx_mmu_watch_fn(void *opaque, const struct vx_mmu_watch *watch, const struct vx_mmu_watched *access);
/* Replaces the list (borrowed; it stays in place until the next call); drops the shadow. Between instructions. */
void vx_mmu_set_watches(struct vx_mmu *mmu, const struct vx_mmu_watch *list, unsigned count, vx_mmu_watch_fn *fn,
                        void *opaque);

/* Outside 64-bit mode linear addresses are 32 bits wide, and sums wrap at 4 GiB (SDM 3A "Logical and Linear
 * Addresses"). All code that wraps one does it here. */
static inline uint64_t vx_lin_wrap(uint64_t lin)
{
    return (uint32_t)lin;
}

/* ---- windows: the shadow in the host's MMU, for 32-bit linear addresses on hosts with pages of 4 KiB.
 *
 * A window is 4 GiB of host addresses with 64 KiB of guard on either side. An access at window + lin reaches guest
 * memory if the guest's tables allow it without any change of their A and D bits and nobody has to be told of it;
 * otherwise it raises SIGSEGV. Then the access is to be made by the functions above, and vx_mmu_window_fault() asked
 * whether the next one may succeed. C code does not access windows. */
#define VX_WINDOW_BYTES (4ull << 30)
enum { VX_WINDOW_GUARD_BYTES = 65536 };
struct vx_window_config {
    uint32_t maps;       /* host mappings that all windows may take; 0: as the host allows, at most 32,000 */
    bool eager;          /* every user address space gets a window at once (tests) */
    uint32_t fail_every; /* the host refuses each so many-th call (tests); 0: none */
};
/* Once, before guest code runs. VX_ERR_UNSUPPORTED, with *reason (static storage, "its pages are larger than 4 KiB"),
 * when this host cannot have windows: the soft TLB stays. */
VX_MUST_USE vx_err vx_mmu_open_windows(struct vx_mmu *mmu, const struct vx_window_config *config, const char **reason);
/* Makes mmu->window[view] right. Between runs of translated code, which any flush has made leave. */
void vx_mmu_update_window(struct vx_mmu *mmu, enum vx_view view);
static inline void vx_mmu_sync_window(struct vx_mmu *mmu, enum vx_view view)
{
    if (VX_UNLIKELY(mmu->window_due[view]))
        vx_mmu_update_window(mmu, view);
}
enum vx_window_answer {
    VX_WINDOW_FILLED,   /* the page is mapped now */
    VX_WINDOW_DECLINED, /* accesses like this one are never let through */
    VX_WINDOW_KEPT,     /* nothing can be said now */
};
/* An access through the window of `view` at `lin` has raised SIGSEGV and was then made without a guest fault. */
enum vx_window_answer vx_mmu_window_fault(struct vx_mmu *mmu, enum vx_view view, uint64_t lin, bool write);
/* The guest's user mode has run for so many cycles of the time-stamp counter in the present address space. Only with
 * windows. */
void vx_mmu_spend_user(struct vx_mmu *mmu, uint64_t cycles);
/* Takes something at random out of a window: always allowed between runs (tests). */
void vx_mmu_stress_windows(struct vx_mmu *mmu, uint64_t random);

static inline uint32_t vx_tlb_index(uint64_t lin)
{
    return (uint32_t)(lin >> VX_PAGE_SHIFT) & (VX_TLB_ENTRIES - 1);
}

/* Host address of [lin, lin + size) if the shadow has it for that access, else NULL. */
static inline uint8_t *vx_tlb_probe(const struct vx_tlb *tlb, const uint32_t *tags, uint64_t lin, unsigned size)
{
    uint32_t index = vx_tlb_index(lin);
    uint32_t last_vpn = (uint32_t)(vx_lin_wrap(lin + size - 1) >> VX_PAGE_SHIFT);
    if (VX_UNLIKELY(tags[index] + last_vpn != 0))
        return NULL;
    return (uint8_t *)(uintptr_t)(vx_lin_wrap(lin) + tlb->addend[index]);
}

static inline bool vx_mmu_read(struct vx_mmu *mmu, uint64_t lin, unsigned size, enum vx_view view, uint64_t *value)
{
    const struct vx_tlb *tlb = mmu->tlb[view];
    const uint8_t *hva = vx_tlb_probe(tlb, tlb->read_tag, lin, size);
    if (VX_UNLIKELY(hva == NULL))
        return vx_mmu_read_slow(mmu, lin, size, view, value);
    uint64_t v = 0;
    memcpy(&v, hva, size); /* little-endian host: checked in base */
    *value = v;
    return true;
}

static inline bool vx_mmu_write(struct vx_mmu *mmu, uint64_t lin, unsigned size, enum vx_view view, uint64_t value)
{
    const struct vx_tlb *tlb = mmu->tlb[view];
    uint8_t *hva = vx_tlb_probe(tlb, tlb->write_tag, lin, size);
    if (VX_UNLIKELY(hva == NULL))
        return vx_mmu_write_slow(mmu, lin, size, view, value);
    memcpy(hva, &value, size);
    return true;
}

#endif

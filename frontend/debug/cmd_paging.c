/* cmd_paging.c - the guest's page tables, read as they are: one walk, or all of them in ranges.
 * SDM 3A "32-Bit Paging", "PAE Paging". */
#include "dbg.h"

enum {
    PTE_P = 1u << 0,
    PTE_RW = 1u << 1,
    PTE_US = 1u << 2,
    PTE_PWT = 1u << 3,
    PTE_PCD = 1u << 4,
    PTE_A = 1u << 5,
    PTE_D = 1u << 6,
    PTE_PS = 1u << 7,
    PTE_G = 1u << 8,
};
#define PTE_XD      (1ull << 63)
#define PAE_ADDRESS 0x000FFFFFFFFFF000ull

/* What a walk met, from the top. */
struct level {
    const char *name;
    uint64_t where, entry; /* physical address of the entry, and what it holds */
    bool readable;
};

struct walk {
    struct level level[3];
    unsigned levels;
    bool mapped;
    uint64_t phys,
        page_bytes; /* of the address asked for; size of its page or of the hole that a missing entry leaves */
    bool user, write, exec, global, dirty, accessed;
};

static bool pae(const struct vx_vcpu *vcpu)
{
    return (vcpu->cr4 & VX_CR4_PAE) != 0;
}

static uint64_t entry_at(struct debugger *dbg, struct walk *walk, const char *name, uint64_t where, unsigned bytes)
{
    struct level *level = &walk->level[walk->levels++];
    *level = (struct level){ .name = name, .where = where };
    level->readable = vx_debug_read_phys(dbg->debug, where, &level->entry, bytes) == bytes;
    return level->readable ? level->entry : 0;
}

static void take_leaf(struct walk *walk, uint64_t leaf, uint64_t frame, uint64_t lin)
{
    walk->mapped = true;
    walk->phys = frame + (lin & (walk->page_bytes - 1));
    walk->global = (leaf & PTE_G) != 0;
    walk->dirty = (leaf & PTE_D) != 0;
    walk->accessed = (leaf & PTE_A) != 0;
}

static void add_rights(struct walk *walk, uint64_t entry)
{
    walk->user &= (entry & PTE_US) != 0;
    walk->write &= (entry & PTE_RW) != 0;
    walk->exec &= !(entry & PTE_XD);
}

static void walk_32bit(struct debugger *dbg, uint64_t lin, struct walk *walk)
{
    const struct vx_vcpu *vcpu = dbg->vcpu;
    walk->page_bytes = 4u << 20;
    uint64_t pde = entry_at(dbg, walk, "PDE", (vcpu->cr3 & 0xFFFFF000u) + (lin >> 22) * 4, 4);
    if (!(pde & PTE_P))
        return;
    add_rights(walk, pde);
    if ((pde & PTE_PS) && (vcpu->cr4 & VX_CR4_PSE)) {
        take_leaf(walk, pde, (uint64_t)(pde >> 13 & 0xFF) << 32 | (pde & 0xFFC00000u), lin);
        return;
    }
    walk->page_bytes = VX_PAGE_BYTES;
    uint64_t pte = entry_at(dbg, walk, "PTE", (pde & 0xFFFFF000u) + (lin >> 12 & 0x3FF) * 4, 4);
    if (!(pte & PTE_P))
        return;
    add_rights(walk, pte);
    take_leaf(walk, pte, pte & 0xFFFFF000u, lin);
}

static void walk_pae(struct debugger *dbg, uint64_t lin, struct walk *walk)
{
    walk->page_bytes = 1u << 30;
    uint64_t pdpte = entry_at(dbg, walk, "PDPTE", (dbg->vcpu->cr3 & 0xFFFFFFE0u) + (lin >> 30) * 8, 8);
    if (!(pdpte & PTE_P))
        return;
    walk->page_bytes = 2u << 20;
    uint64_t pde = entry_at(dbg, walk, "PDE", (pdpte & PAE_ADDRESS) + (lin >> 21 & 0x1FF) * 8, 8);
    if (!(pde & PTE_P))
        return;
    add_rights(walk, pde);
    if (pde & PTE_PS) {
        take_leaf(walk, pde, pde & PAE_ADDRESS & ~0x1FFFFFull, lin);
        return;
    }
    walk->page_bytes = VX_PAGE_BYTES;
    uint64_t pte = entry_at(dbg, walk, "PTE", (pde & PAE_ADDRESS) + (lin >> 12 & 0x1FF) * 8, 8);
    if (!(pte & PTE_P))
        return;
    add_rights(walk, pte);
    take_leaf(walk, pte, pte & PAE_ADDRESS, lin);
}

static void walk_address(struct debugger *dbg, uint64_t lin, struct walk *walk)
{
    *walk = (struct walk){ .user = true, .write = true, .exec = true };
    if (pae(dbg->vcpu))
        walk_pae(dbg, lin, walk);
    else
        walk_32bit(dbg, lin, walk);
}

static void show_entry(struct debugger *dbg, const struct level *level)
{
    static const struct {
        uint64_t bit;
        const char *set;
    } bits[] = { { PTE_P, "P" }, { PTE_RW, "RW" }, { PTE_US, "US" }, { PTE_PWT, "PWT" }, { PTE_PCD, "PCD" },
                 { PTE_A, "A" }, { PTE_D, "D" },   { PTE_PS, "PS" }, { PTE_G, "G" },     { PTE_XD, "XD" } };
    dbg_say(dbg, "%-5s at %08" PRIx64 ": ", level->name, level->where);
    if (!level->readable) {
        dbg_say(dbg, "(not memory)\n");
        return;
    }
    dbg_say(dbg, "%016" PRIx64 " ", level->entry);
    for (size_t i = 0; i < VX_ARRAY_LEN(bits); i++)
        if (level->entry & bits[i].bit)
            dbg_say(dbg, " %s", bits[i].set);
    dbg_say(dbg, "%s\n", level->entry & PTE_P ? "" : " (not present)");
}

bool dbg_cmd_page(struct debugger *dbg, const char **at)
{
    uint64_t lin;
    struct walk walk;
    if (!dbg_eval_lin(dbg, at, "the address", &lin) || !dbg_no_more(dbg, at))
        return false;
    if (!(dbg->vcpu->cr0 & VX_CR0_PG)) {
        dbg_say(dbg, "paging is off: linear %08" PRIx64 " is physical %08" PRIx64 "\n", lin, lin);
        return true;
    }
    walk_address(dbg, (uint32_t)lin, &walk);
    dbg_say(dbg, "CR3 %08x, %s paging\n", (unsigned)dbg->vcpu->cr3, pae(dbg->vcpu) ? "PAE" : "32-bit");
    for (unsigned i = 0; i < walk.levels; i++)
        show_entry(dbg, &walk.level[i]);
    if (!walk.mapped)
        dbg_say(dbg, "linear %08" PRIx64 " is not mapped\n", lin);
    else
        dbg_say(dbg, "linear %08" PRIx64 " is physical %08" PRIx64 ", a page of %" PRIu64 " KiB: %s, %s%s%s\n", lin,
                walk.phys, walk.page_bytes / 1024, walk.user ? "user" : "supervisor",
                walk.write ? "writable" : "read-only", walk.exec ? "" : ", not executable",
                walk.global ? ", global" : "");
    return true;
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

/* A run of pages that are mapped alike, one behind the other in physical memory. */
struct run {
    uint64_t first, end; /* linear; empty when equal */
    uint64_t phys;
    bool user, write, exec, global;
    uint64_t dirty_pages, accessed_pages, page_bytes;
};

static void show_run(struct debugger *dbg, const struct run *run)
{
    if (run->first == run->end)
        return;
    uint64_t kib = (run->end - run->first) / 1024;
    dbg_say(dbg,
            "%08" PRIx64 "-%08" PRIx64 "  -> %08" PRIx64 "  %8" PRIu64 " KiB  %c%c%c%c  %4" PRIu64 "K pages  %" PRIu64
            " accessed, %" PRIu64 " dirty\n",
            run->first, run->end - 1, run->phys, kib, run->user ? 'u' : 's', run->write ? 'w' : 'r',
            run->exec ? 'x' : '-', run->global ? 'g' : '-', run->page_bytes / 1024, run->accessed_pages,
            run->dirty_pages);
}

static bool continues(const struct run *run, uint64_t lin, const struct walk *walk)
{
    return run->first != run->end && run->end == lin && run->phys + (lin - run->first) == walk->phys &&
           run->user == walk->user && run->write == walk->write && run->exec == walk->exec &&
           run->global == walk->global && run->page_bytes == walk->page_bytes;
}

bool dbg_cmd_maps(struct debugger *dbg, const char **at)
{
    uint64_t first, last;
    struct run run = { 0 };
    struct walk walk;
    if (!dbg_eval_or(dbg, at, "the first address", 0, &first) ||
        !dbg_eval_or(dbg, at, "the last address", UINT32_MAX, &last) || !dbg_no_more(dbg, at))
        return false;
    if (first > last || last > UINT32_MAX)
        return dbg_fail(dbg, "the range must lie in 4 GiB and not be empty");
    if (!(dbg->vcpu->cr0 & VX_CR0_PG)) {
        dbg_say(dbg, "paging is off: linear addresses are physical ones\n");
        return true;
    }
    for (uint64_t lin = first & ~(uint64_t)VX_PAGE_MASK; lin <= last;) {
        walk_address(dbg, (uint32_t)lin, &walk);
        uint64_t next = (lin | (walk.page_bytes - 1)) + 1;
        if (walk.mapped && !continues(&run, lin, &walk)) {
            show_run(dbg, &run);
            run = (struct run){ .first = lin,
                                .end = lin,
                                .phys = walk.phys,
                                .user = walk.user,
                                .write = walk.write,
                                .exec = walk.exec,
                                .global = walk.global,
                                .page_bytes = walk.page_bytes };
        }
        if (walk.mapped) {
            run.end = next;
            run.accessed_pages += walk.accessed;
            run.dirty_pages += walk.dirty;
        }
        lin = next;
    }
    show_run(dbg, &run);
    return true;
}

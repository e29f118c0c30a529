/* cmd_paging.c - the guest's page tables, read as they are: one walk, or all of them in ranges.
 * The walk is the mmu's own (vx_mmu_trace()). */
#include "dbg.h"

/* Bits of an entry that have a name in both formats. */
enum { PTE_P = 1u << 0 };
#define PTE_XD (1ull << 63)

static void show_entry(struct debugger *dbg, const struct vx_walk_level *level)
{
    static const struct {
        uint64_t bit;
        const char *set;
    } bits[] = { { PTE_P, "P" },  { 1 << 1, "RW" }, { 1 << 2, "US" }, { 1 << 3, "PWT" }, { 1 << 4, "PCD" },
                 { 1 << 5, "A" }, { 1 << 6, "D" },  { 1 << 7, "PS" }, { 1 << 8, "G" },   { PTE_XD, "XD" } };
    dbg_say(dbg, "%-5s at %08" PRIx64 ": ", level->name, level->phys);
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
    struct vx_walk_trace walk;
    if (!dbg_eval_lin(dbg, at, "the address", &lin) || !dbg_no_more(dbg, at))
        return false;
    if (!(dbg->vcpu->cr0 & VX_CR0_PG)) {
        dbg_say(dbg, "paging is off: linear %08" PRIx64 " is physical %08" PRIx64 "\n", lin, lin);
        return true;
    }
    vx_mmu_trace(dbg->vcpu->mmu, lin, &walk);
    dbg_say(dbg, "CR3 %08x, %s paging\n", (unsigned)dbg->vcpu->cr3, dbg->vcpu->cr4 & VX_CR4_PAE ? "PAE" : "32-bit");
    for (unsigned i = 0; i < walk.levels; i++)
        show_entry(dbg, &walk.level[i]);
    if (!walk.mapped)
        dbg_say(dbg, "linear %08" PRIx64 " is not mapped%s\n", lin, walk.reserved ? ": a reserved bit is set" : "");
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

static bool continues(const struct run *run, uint64_t lin, const struct vx_walk_trace *walk)
{
    return run->first != run->end && run->end == lin && run->phys + (lin - run->first) == walk->phys &&
           run->user == walk->user && run->write == walk->write && run->exec == walk->exec &&
           run->global == walk->global && run->page_bytes == walk->page_bytes;
}

bool dbg_cmd_maps(struct debugger *dbg, const char **at)
{
    uint64_t first, last;
    struct run run = { 0 };
    struct vx_walk_trace walk;
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
        vx_mmu_trace(dbg->vcpu->mmu, lin, &walk);
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

/* priv_paging.c - the page tables of a random privileged program: two sets of 32-bit tables and two of PAE, and the
 * window through which they can be changed (priv_map.h). */
#include "priv.h"

/* Low bits of an entry; the system's pages are the supervisor's, but VM86 mode reads the real-mode vectors. */
static uint32_t page_bits(const struct pf_program *p, uint32_t page, struct rng *rng)
{
    if (page >= PF_ROOT_A >> VX_PAGE_SHIFT && page < PF_STACK_DF >> VX_PAGE_SHIFT)
        return 0;
    if (pf_global_page(page))
        return 0x167 & ~(page < PF_CODE >> VX_PAGE_SHIFT ? 4u : 0);
    return world_page_bits(page, &p->block[0].program.setup, rng) & ~0x100u;
}

/* The second tables see the other version of some code pages. */
static uint32_t frame_of(uint32_t page, bool second, struct rng *rng)
{
    if (pf_global_page(page))
        return page;
    uint32_t code = PF_CODE >> VX_PAGE_SHIFT;
    if (second && page >= code && page < code + 4 && one_in(rng, 3))
        return page + 4;
    return world_frame_of(page, rng);
}

static void make_table32(struct world *w, const struct pf_program *p, bool second, struct rng *rng)
{
    uint32_t root = second ? PF_ROOT_B : PF_ROOT_A, table = second ? PF_PT_B : PF_PT_A;
    world_put32(w, root, table | 7);
    world_put32(w, root + 4, 0x87); /* 4 MiB at 4 MiB: physical 0 */
    world_put32(w, root + 8, PF_WINDOW_TABLE | 3);
    for (uint32_t page = 0; page < 512; page++) {
        uint32_t bits = page_bits(p, page, rng);
        world_put32(w, table + 4 * page, frame_of(page, second, rng) << VX_PAGE_SHIFT | bits);
    }
}

static void make_table_pae(struct world *w, const struct pf_program *p, bool second, struct rng *rng)
{
    uint32_t root = second ? PF_ROOT_PAE_B : PF_ROOT_PAE_A, directory = second ? PF_PD_PAE_B : PF_PD_PAE_A;
    uint32_t table = second ? PF_PT_PAE_B : PF_PT_PAE_A;
    world_put64(w, root, directory | 1);
    world_put64(w, directory, table | 7);
    world_put64(w, directory + 8, 0x87); /* 2 MiB at 2 MiB: physical 0 */
    world_put64(w, directory + 32, (PF_WINDOW_TABLE + VX_PAGE_BYTES) | 3);
    for (uint32_t page = 0; page < 512; page++) {
        uint32_t bits = page_bits(p, page, rng);
        bool no_execute = page >= PF_CODE >> VX_PAGE_SHIFT && !pf_global_page(page) && one_in(rng, 8);
        uint64_t frame = frame_of(page, second, rng);
        world_put64(w, table + 8 * page, frame << VX_PAGE_SHIFT | bits | (no_execute ? 1ull << 63 : 0));
    }
}

static void make_window(struct world *w)
{
    for (uint32_t page = 0; page < 12; page++) {
        uint32_t frame = PF_ROOT_A + (page << VX_PAGE_SHIFT);
        world_put32(w, PF_WINDOW_TABLE + 4 * page, frame | 3);
        world_put64(w, PF_WINDOW_TABLE + VX_PAGE_BYTES + 8 * page, frame | 3);
    }
}

void pf_page_tables(struct world *w, const struct pf_program *p, struct rng *rng)
{
    for (unsigned second = 0; second < 2; second++) {
        make_table32(w, p, second, rng);
        make_table_pae(w, p, second, rng);
    }
    make_window(w);
}

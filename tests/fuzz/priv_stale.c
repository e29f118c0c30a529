/* priv_stale.c - did a program live on TLB entries that its page tables no longer have?
 *
 * Asked only when the engines differ. Programs change their own code, so an INVLPG is lost now and then, and a stray
 * store can reach the tables through the large page; what is seen then is whatever the TLB, or a translation, happens
 * to hold (SDM 3A "Invalidation of TLBs and Paging-Structure Caches"). The interpreter runs the program again with its
 * TLB flushed before every
 * instruction: where that changes the outcome, or where an entry changes under paging without an INVLPG of its page
 * soon after, the program says nothing about the engines. */
#include "priv.h"

enum { TABLES = PF_ROOT_A, TABLES_BYTES = 12 * VX_PAGE_BYTES, PAGES = 512, SOON = 5 };

struct watch {
    struct rig *rig;
    uint8_t tables[TABLES_BYTES]; /* as they were */
    uint8_t pending[PAGES];       /* instructions until an INVLPG of the page must have come; 0: none is due */
    bool lost;
};

/* The page whose leaf entry lies at `phys`; PAGES: none, that is no leaf. */
static uint32_t page_of(uint32_t phys)
{
    static const struct {
        uint32_t table, entry_bytes;
    } leaves[] = { { PF_PT_A, 4 }, { PF_PT_B, 4 }, { PF_PT_PAE_A, 8 }, { PF_PT_PAE_B, 8 } };
    for (unsigned i = 0; i < VX_ARRAY_LEN(leaves); i++)
        if (phys >= leaves[i].table && phys < leaves[i].table + PAGES * leaves[i].entry_bytes)
            return (phys - leaves[i].table) / leaves[i].entry_bytes;
    return PAGES;
}

static void on_change(struct watch *w, uint32_t phys)
{
    uint32_t page = page_of(phys);
    if (page == PAGES)
        w->lost = true;
    else
        w->pending[page] = SOON;
}

/* A and D are the CPU's to set. */
static void look_at_tables(struct watch *w)
{
    const uint32_t accessed_dirty = 0x60;
    const uint8_t *now = vx_pmap_page_hva(w->rig->pmap, TABLES >> VX_PAGE_SHIFT);
    if (memcmp(now, w->tables, TABLES_BYTES) == 0)
        return;
    for (uint32_t i = 0; i < TABLES_BYTES; i += 4) {
        uint32_t a, b;
        memcpy(&a, w->tables + i, 4);
        memcpy(&b, now + i, 4);
        if (((a ^ b) & ~accessed_dirty) != 0 || (a & ~b) != 0)
            on_change(w, TABLES + i);
    }
    memcpy(w->tables, now, TABLES_BYTES);
}

/* INVLPG of the forms that pieces and handlers have, and MOV to CR3. */
static void look_at_instruction(struct watch *w)
{
    const struct vx_vcpu *vcpu = w->rig->vcpu;
    uint8_t bytes[8] = { 0 };
    uint64_t phys;
    for (unsigned i = 0; i < 8 && vx_mmu_peek(vcpu->mmu, (uint32_t)(vx_cs_lin(vcpu) + i), &phys); i++)
        bytes[i] = (uint8_t)vx_pmap_load(vcpu->mmu->pmap, phys, 1);
    const uint8_t *at = bytes[0] == 0x67 ? bytes + 1 : bytes;
    uint32_t lin = (uint32_t)vcpu->gpr[VX_RBX];
    if (at[0] != 0x0F || vcpu->cpl != 0)
        return;
    if (at[1] == 0x22 && (at[2] & 0xF8) == 0xD8)
        memset(w->pending, 0, sizeof w->pending);
    if (at[1] != 0x01 || (at[2] != 0x3D && at[2] != 0x3B))
        return;
    if (at[2] == 0x3D)
        memcpy(&lin, at + 3, 4);
    if (lin >> VX_PAGE_SHIFT < PAGES)
        w->pending[lin >> VX_PAGE_SHIFT] = 0;
}

static void before_instruction(void *opaque)
{
    struct watch *w = opaque;
    vx_mmu_flush(w->rig->vcpu->mmu, true);
    if (!(w->rig->vcpu->cr0 & VX_CR0_PG)) {
        memcpy(w->tables, vx_pmap_page_hva(w->rig->pmap, TABLES >> VX_PAGE_SHIFT), TABLES_BYTES);
        memset(w->pending, 0, sizeof w->pending);
        return;
    }
    look_at_tables(w);
    look_at_instruction(w);
    for (unsigned i = 0; i < PAGES; i++)
        if (w->pending[i] != 0 && --w->pending[i] == 0)
            w->lost = true;
}

bool pf_lives_on_stale_entries(struct pf_pair *pair, const struct pf_program *program, uint64_t limit)
{
    struct difference found;
    struct watch w = { .rig = &pair->flushing };
    pair->flushing.tsc_counts = pair->interp.tsc_counts;
    pf_world_start(pair->world, &pair->flushing, program);
    rig_watchdog(&pair->flushing, PF_BT_MS);
    pf_run_watched(&pair->flushing, program, limit, before_instruction, &w);
    rig_watchdog(&pair->flushing, 0);
    difference_find(&pair->interp, &pair->flushing, &program->block[0].program.setup, &found);
    return w.lost || found.text[0] != '\0';
}

/* The soft TLB: what flushes drop and keep, and what the pmap's news drop. */
#include "rig.h"

static const enum vx_view SUP = VX_VIEW_SUPERVISOR, USER = VX_VIEW_USER;
static const enum vx_access R = VX_ACCESS_READ, W = VX_ACCESS_WRITE, F = VX_ACCESS_FETCH;

static bool hit(struct rig *rig, uint64_t lin, enum vx_access access, enum vx_view view)
{
    return probe(rig, lin, 1, access, view) != NULL;
}

static bool fill(struct rig *rig, uint64_t lin, enum vx_access access, enum vx_view view)
{
    return touch(rig, lin, access, view);
}

Test(shadow, a_fresh_table_is_empty_everywhere)
{
    struct rig *rig = rig_create();
    for (int round = 0; round < 2; round++) {
        for (uint64_t vpn = 0; vpn < 1u << 20; vpn++)
            for (enum vx_view view = SUP; view <= USER; view++)
                cr_assert(!hit(rig, vpn << 12, R, view) && !hit(rig, vpn << 12, W, view) &&
                              !hit(rig, vpn << 12, F, view),
                          "vpn %" PRIx64, vpn);
        cr_assert(probe(rig, 0xFFFFFFFE, 4, VX_ACCESS_READ, VX_VIEW_SUPERVISOR) == NULL, "wrapping access");
        for (uint32_t lin = 0; lin < RAM_BYTES; lin += VX_PAGE_BYTES)
            fill(rig, lin, W, SUP);
        vx_mmu_flush(rig->mmu, true);
    }
    rig_destroy(rig);
}

Test(shadow, a_large_flush_empties_it_too)
{
    struct rig *rig = rig_create();
    put(rig, 0x1000, 4, PS | P | RW | US | A | D);
    rig_page_32bit(rig, 0, CR4_PSE);
    for (uint32_t pde = 0; pde < 64; pde++)
        put(rig, 0x1000 + 4 * pde, 4, PS | P | RW | US | A | D);
    for (int global = 0; global < 2; global++) {
        for (uint64_t lin = 0; lin < 64ull << 22; lin += VX_PAGE_BYTES)
            cr_assert(fill(rig, lin, W, lin >> 12 & 1 ? USER : SUP));
        cr_assert(hit(rig, 0x1000, R, USER) && hit(rig, 0xFFFE000, W, SUP));
        vx_mmu_flush(rig->mmu, global);
        for (uint64_t lin = 0; lin < 64ull << 22; lin += VX_PAGE_BYTES)
            cr_assert(!hit(rig, lin, R, SUP) && !hit(rig, lin, R, USER) && !hit(rig, lin, W, SUP), "%" PRIx64, lin);
    }
    rig_destroy(rig);
}

Test(shadow, views_are_apart)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, CR0_WP, 0);
    map_page(rig, 0x5000, 0x5000, P | RW);
    map_page(rig, 0x6000, 0x6000, P | US);
    cr_assert(fill(rig, 0x5000, W, SUP) && hit(rig, 0x5000, R, SUP) && hit(rig, 0x5000, W, SUP) &&
              hit(rig, 0x5000, F, SUP));
    cr_assert(!hit(rig, 0x5000, R, USER) && !fill(rig, 0x5000, R, USER));
    cr_assert(fill(rig, 0x6000, R, USER) && hit(rig, 0x6000, R, USER) && !hit(rig, 0x6000, W, USER) &&
              !hit(rig, 0x6000, R, SUP));
    rig_destroy(rig);
}

Test(shadow, cr3_load_keeps_global_pages)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, CR4_PGE);
    map_page(rig, 0x5000, 0x5000, P | RW | G);
    map_page(rig, 0x6000, 0x6000, P | RW);
    fill(rig, 0x5000, W, SUP);
    fill(rig, 0x6000, W, SUP);
    uint64_t epoch = rig->mmu->map_epoch;
    unsigned flushes = rig->flushes[VX_FLUSH_NON_GLOBAL];
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, false));
    cr_assert(hit(rig, 0x6000, W, SUP) && rig->mmu->map_epoch == epoch, "nothing changed, nothing flushed");
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, true));
    cr_assert(hit(rig, 0x5000, W, SUP) && !hit(rig, 0x6000, R, SUP));
    cr_assert(rig->mmu->map_epoch > epoch && rig->flushes[VX_FLUSH_NON_GLOBAL] == flushes + 1);
    vx_mmu_flush(rig->mmu, true);
    cr_assert(!hit(rig, 0x5000, R, SUP));

    /* G counts only with CR4.PGE. */
    rig->paging.cr4 = 0;
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, false));
    fill(rig, 0x5000, W, SUP);
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, true));
    cr_assert(!hit(rig, 0x5000, R, SUP));
    rig_destroy(rig);
}

Test(shadow, slots_that_change_kind)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, CR4_PGE | CR4_PSE);
    map_page(rig, 0x5000, 0x5000, P | RW | A | D | G);
    put(rig, 0x1000 + 4 * 64, 4, PS | P | RW | A | D); /* linear 10000000h on: the same indices, not global */
    for (int round = 0; round < 3; round++) {
        cr_assert(fill(rig, 0x5000, W, SUP) && fill(rig, 0x10005000, W, SUP));
        cr_assert(!hit(rig, 0x5000, R, SUP) && hit(rig, 0x10005000, W, SUP));
        vx_mmu_flush(rig->mmu, false);
        cr_assert(!hit(rig, 0x10005000, R, SUP), "round %d: local after global", round);
        cr_assert(fill(rig, 0x10005000, W, SUP) && fill(rig, 0x5000, W, SUP));
        vx_mmu_flush(rig->mmu, false);
        cr_assert(hit(rig, 0x5000, W, SUP) && !hit(rig, 0x10005000, R, SUP), "round %d: global after local", round);
    }
    vx_mmu_flush(rig->mmu, true);
    cr_assert(!hit(rig, 0x5000, R, SUP));
    rig_destroy(rig);
}

Test(shadow, invlpg)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, CR4_PGE);
    for (uint32_t lin = 0x5000; lin < 0x8000; lin += 0x1000) {
        map_page(rig, lin, lin, P | RW | US | G);
        fill(rig, lin, W, SUP);
        fill(rig, lin, R, USER);
    }
    vx_mmu_invlpg(rig->mmu, 0x6123);
    cr_assert(!hit(rig, 0x6000, R, SUP) && !hit(rig, 0x6000, W, SUP) && !hit(rig, 0x6000, F, SUP) &&
              !hit(rig, 0x6000, R, USER));
    cr_assert(hit(rig, 0x5000, W, SUP) && hit(rig, 0x7000, W, SUP) && hit(rig, 0x5000, R, USER));
    cr_assert(rig->flushes[VX_FLUSH_PAGE] == 1 && rig->flushed_lin == 0x6000);
    vx_mmu_invlpg(rig->mmu, 0x10007000); /* same index as 7000h, another page */
    cr_assert(hit(rig, 0x7000, W, SUP));
    rig_destroy(rig);
}

Test(shadow, invlpg_in_a_large_page_drops_all_of_it)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, CR4_PSE | CR4_PGE);
    map_page(rig, 0x5000, 0x5000, P);
    put(rig, 0x1000 + 4, 4, 0x400000 | PS | P | RW | G);
    cr_assert(fill(rig, 0x5000, R, SUP) && fill(rig, 0x400000, W, SUP) && fill(rig, 0x7FF000, R, SUP));
    unsigned all = rig->flushes[VX_FLUSH_ALL];
    vx_mmu_invlpg(rig->mmu, 0x500000);
    cr_assert(!hit(rig, 0x400000, R, SUP) && !hit(rig, 0x7FF000, R, SUP) && hit(rig, 0x5000, R, SUP));
    cr_assert_eq(rig->flushes[VX_FLUSH_ALL], all + 1, "the translator is told that more than a page went");
    fill(rig, 0x5000, R, SUP);
    vx_mmu_invlpg(rig->mmu, 0x501000);
    cr_assert(hit(rig, 0x5000, R, SUP));
    rig_destroy(rig);
}

/* Which changes of control state drop which translations. */
Test(shadow, control_state)
{
    static const struct {
        const char *what;
        uint64_t cr0, cr4;
        bool ac;
        uint64_t cr0_xor, cr4_xor, efer_xor;
        bool ac_xor;
        bool local_stays, global_stays;
    } table[] = {
        { "PG off", 0, CR4_PGE, false, CR0_PG, 0, 0, false, false, false },
        { "PGE", 0, CR4_PGE, false, 0, CR4_PGE, 0, false, false, false },
        { "PSE", 0, CR4_PGE, false, 0, CR4_PSE, 0, false, false, false },
        { "SMEP", 0, CR4_PGE, false, 0, CR4_SMEP, 0, false, false, false },
        { "SMAP", 0, CR4_PGE, false, 0, CR4_SMAP, 0, false, false, false },
        { "NXE", 0, CR4_PGE, false, 0, 0, EFER_NXE, false, false, false },
        { "WP set", 0, CR4_PGE, false, CR0_WP, 0, 0, false, false, false },
        { "WP cleared", CR0_WP, CR4_PGE, false, CR0_WP, 0, 0, false, true, true },
        { "TS", 0, CR4_PGE, false, 8, 0, 0, false, true, true },
        { "AC set", 0, CR4_PGE | CR4_SMAP, false, 0, 0, 0, true, true, true },
        { "AC cleared", 0, CR4_PGE | CR4_SMAP, true, 0, 0, 0, true, false, true },
        { "AC cleared without SMAP", 0, CR4_PGE, true, 0, 0, 0, true, true, true },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        struct rig *rig = rig_create();
        rig->paging.ac = table[i].ac;
        bool smap_blocks = (table[i].cr4 & CR4_SMAP) && !table[i].ac;
        rig_page_32bit(rig, table[i].cr0, table[i].cr4);
        map_page(rig, 0x5000, 0x5000, P | RW | (smap_blocks ? 0 : US));
        map_page(rig, 0x6000, 0x6000, P | RW | G);
        cr_assert(fill(rig, 0x5000, R, SUP) && fill(rig, 0x6000, W, SUP));
        rig->paging.cr0 ^= table[i].cr0_xor;
        rig->paging.cr4 ^= table[i].cr4_xor;
        rig->paging.efer ^= table[i].efer_xor;
        rig->paging.ac ^= table[i].ac_xor;
        cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, false));
        cr_assert_eq(hit(rig, 0x5000, R, SUP), table[i].local_stays, "%s", table[i].what);
        cr_assert_eq(hit(rig, 0x6000, W, SUP), table[i].global_stays, "%s", table[i].what);
        rig_destroy(rig);
    }
}

Test(shadow, many_user_pages_under_ac)
{
    struct rig *rig = rig_create();
    rig->paging.ac = true;
    rig_page_32bit(rig, 0, CR4_SMAP);
    for (uint32_t lin = 0x100000; lin < 0x200000; lin += 0x1000) {
        map_page(rig, lin, lin, P | US);
        cr_assert(fill(rig, lin, R, SUP));
    }
    rig->paging.ac = false;
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, false));
    for (uint32_t lin = 0x100000; lin < 0x200000; lin += 0x1000)
        cr_assert(!hit(rig, lin, R, SUP), "%x", lin);
    rig_destroy(rig);
}

Test(shadow, marking_code_drops_every_writer)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, 0);
    for (uint32_t lin = 0x5000; lin < 0x9000; lin += 0x1000)
        map_page(rig, lin, 0x20000, P | RW | US);
    map_page(rig, 0x9000, 0x21000, P | RW);
    for (uint32_t writers = 1; writers <= 4; writers++) {
        for (uint32_t i = 0; i < writers; i++)
            cr_assert(fill(rig, 0x5000 + i * 0x1000, W, i & 1 ? USER : SUP));
        fill(rig, 0x9000, W, SUP);
        vx_pmap_mark_code(rig->pmap, 0x20, true);
        for (uint32_t i = 0; i < writers; i++) {
            cr_assert(!hit(rig, 0x5000 + i * 0x1000, W, i & 1 ? USER : SUP), "%u writers: %u", writers, i);
            cr_assert(hit(rig, 0x5000 + i * 0x1000, R, i & 1), "reads stay");
            cr_assert(fill(rig, 0x5000 + i * 0x1000, W, i & 1 ? USER : SUP) &&
                      !hit(rig, 0x5000 + i * 0x1000, W, i & 1 ? USER : SUP));
        }
        cr_assert(hit(rig, 0x9000, W, SUP));
        vx_pmap_mark_code(rig->pmap, 0x20, false);
        vx_mmu_flush(rig->mmu, writers & 1);
    }
    rig_destroy(rig);
}

Test(shadow, a_writer_that_moved_is_found)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, 0);
    map_page(rig, 0x5000, 0x20000, P | RW);
    map_page(rig, 0x6000, 0x20000, P | RW);
    fill(rig, 0x5000, W, SUP);
    map_page(rig, 0x5000, 0x30000, P | RW);
    vx_mmu_invlpg(rig->mmu, 0x5000);
    fill(rig, 0x5000, W, SUP); /* the slot noted for frame 20h now leads to 30h */
    fill(rig, 0x6000, W, SUP);
    vx_pmap_mark_code(rig->pmap, 0x20, true);
    cr_assert(!hit(rig, 0x6000, W, SUP) && hit(rig, 0x5000, W, SUP));
    vx_pmap_mark_code(rig->pmap, 0x30, true);
    cr_assert(!hit(rig, 0x5000, W, SUP));
    rig_destroy(rig);
}

Test(shadow, dirty_tracking)
{
    struct rig *rig = rig_create();
    uint8_t bitmap[2];
    for (uint32_t page = 0x100; page < 0x10C; page++)
        cr_assert(fill(rig, page << 12, W, SUP));
    vx_pmap_track_dirty(rig->pmap, 0x100, 12, true);
    cr_assert(!vx_pmap_take_dirty(rig->pmap, 0x100, 12, bitmap) && bitmap[0] == 0 && bitmap[1] == 0);
    for (int round = 0; round < 3; round++) {
        uint64_t value;
        cr_assert(!hit(rig, 0x101000, W, SUP) && !hit(rig, 0x10A000, W, SUP), "round %d", round);
        cr_assert(vx_mmu_read(rig->mmu, 0x102000, 4, SUP, &value));
        cr_assert(vx_mmu_write(rig->mmu, 0x101004, 4, SUP, 1) && hit(rig, 0x101000, W, SUP));
        cr_assert(vx_mmu_write(rig->mmu, 0x101008, 4, SUP, 1));
        cr_assert(vx_mmu_write(rig->mmu, 0x103FFF, 2, SUP, 1)); /* crosses into 104h */
        uint8_t byte = 1;
        vx_pmap_write(rig->pmap, 0x10A800, &byte, 1); /* DMA */
        cr_assert(vx_pmap_take_dirty(rig->pmap, 0x100, 12, bitmap));
        cr_assert(bitmap[0] == 0x1A && bitmap[1] == 0x04, "round %d: %02x %02x", round, bitmap[0], bitmap[1]);
        cr_assert(!vx_pmap_take_dirty(rig->pmap, 0x100, 12, bitmap) && bitmap[0] == 0 && bitmap[1] == 0);
    }
    vx_pmap_track_dirty(rig->pmap, 0x100, 12, false);
    cr_assert(vx_mmu_write(rig->mmu, 0x101004, 4, SUP, 1) && !vx_pmap_take_dirty(rig->pmap, 0x100, 12, bitmap));
    rig_destroy(rig);
}

Test(shadow, remapping_drops_what_led_to_the_old_pages)
{
    struct rig *rig = rig_create();
    uint32_t rom = vx_pmap_alloc(rig->pmap, 0x4000);
    fill(rig, 0xC1000, W, SUP);
    fill(rig, 0xD0000, W, SUP);
    unsigned all = rig->flushes[VX_FLUSH_ALL];
    uint64_t epoch = rig->mmu->map_epoch;
    vx_pmap_map(rig->pmap, 0xC0000, 0x4000, rom, 0xC0); /* PAM: read ROM, write RAM */
    cr_assert(!hit(rig, 0xC1000, R, SUP) && !hit(rig, 0xC1000, W, SUP) && hit(rig, 0xD0000, W, SUP));
    cr_assert(rig->flushes[VX_FLUSH_ALL] > all && rig->mmu->map_epoch > epoch);
    cr_assert(fill(rig, 0xC1000, W, SUP) && hit(rig, 0xC1000, R, SUP) && !hit(rig, 0xC1000, W, SUP), "split backing");
    cr_assert(vx_mmu_write(rig->mmu, 0xC1000, 4, SUP, 0x11223344));
    uint64_t value;
    cr_assert(vx_mmu_read(rig->mmu, 0xC1000, 4, SUP, &value) && value == 0);
    vx_pmap_map(rig->pmap, 0xC0000, 0x4000, 0xC0, VX_PMAP_DISCARD); /* read RAM, write nothing */
    cr_assert(!hit(rig, 0xC1000, R, SUP));
    cr_assert(vx_mmu_read(rig->mmu, 0xC1000, 4, SUP, &value) && value == 0x11223344);
    cr_assert(vx_mmu_write(rig->mmu, 0xC1000, 4, SUP, 0) && !hit(rig, 0xC1000, W, SUP));
    cr_assert(vx_mmu_read(rig->mmu, 0xC1000, 4, SUP, &value) && value == 0x11223344);
    vx_pmap_map(rig->pmap, 0xC0000, 0x4000, 0xC0, 0xC0);
    cr_assert(fill(rig, 0xC1000, W, SUP) && hit(rig, 0xC1000, W, SUP));
    vx_pmap_map(rig->pmap, 0xC0000, 0x4000, 0xC0, VX_PMAP_BUS);
    cr_assert(!hit(rig, 0xC1000, W, SUP), "the write mapping alone went");
    rig_destroy(rig);
}

Test(shadow, a20)
{
    struct rig *rig = rig_create();
    put(rig, 0x1234, 4, 0xAAAAAAAA);
    put(rig, 0x101234, 4, 0xBBBBBBBB);
    uint64_t value;
    cr_assert(vx_mmu_read(rig->mmu, 0x101234, 4, SUP, &value) && value == 0xBBBBBBBB);
    vx_pmap_set_a20(rig->pmap, false);
    cr_assert(!vx_pmap_a20(rig->pmap) && !hit(rig, 0x101000, R, SUP));
    cr_assert(vx_mmu_read(rig->mmu, 0x101234, 4, SUP, &value) && value == 0xAAAAAAAA, "wraps");
    cr_assert(vx_mmu_write(rig->mmu, 0x301238, 4, SUP, 0x55555555) && get(rig, 0x201238, 4) == 0x55555555);
    cr_assert_eq(vx_pmap_read_page(rig->pmap, 0x101234), 1);
    uint8_t crossing[8];
    vx_pmap_read(rig->pmap, 0xFFFFC, crossing, sizeof crossing);
    cr_assert(memcmp(crossing + 4, vx_pmap_page_hva(rig->pmap, 0), 4) == 0, "DMA wraps too");
    cr_assert(vx_mmu_read(rig->mmu, 0xFFF00004, 4, SUP, &value) && rig->bus_phys == 0xFFE00004, "the bus sees it");
    cr_assert(vx_mmu_write(rig->mmu, 0xFFF00008, 4, SUP, 1) && rig->bus_phys == 0xFFE00008);
    vx_pmap_set_a20(rig->pmap, true);
    cr_assert(vx_mmu_read(rig->mmu, 0x101234, 4, SUP, &value) && value == 0xBBBBBBBB);
    rig_destroy(rig);
}

static uint32_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33);
}

/* Random edits of page tables, each with the INVLPG that it needs: a hit must always lead where the tables lead now,
 * and only with the rights that they give. */
Test(shadow, random_edits_against_the_tables, .timeout = 60)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, CR0_WP, CR4_PGE | CR4_PSE);
    uint64_t seed = 12345;
    unsigned hits = 0;
    for (unsigned step = 0; step < 200000; step++) {
        uint32_t lin = (next_random(&seed) % 64) << 12 | (next_random(&seed) & 1 ? 0x10000000 : 0);
        uint32_t at = lin >= 0x10000000 ? 0x1000 + 64 * 4 : 0x2000 + (lin >> 12) * 4;
        switch (next_random(&seed) % 8) {
        case 0: {
            uint32_t bits = next_random(&seed) & (P | RW | US | G | A | D);
            put(rig, at, 4, lin >= 0x10000000 ? bits | PS : bits | (0x100 + next_random(&seed) % 32) << 12);
            vx_mmu_invlpg(rig->mmu, lin);
            break;
        }
        case 1:
            if (next_random(&seed) % 16 == 0)
                vx_mmu_flush(rig->mmu, next_random(&seed) & 1);
            break;
        case 2: vx_pmap_mark_code(rig->pmap, 0x100 + next_random(&seed) % 32, next_random(&seed) & 1); break;
        default: fill(rig, lin, (enum vx_access)(next_random(&seed) % 3), next_random(&seed) & 1 ? USER : SUP); break;
        }
        for (enum vx_view view = SUP; view <= USER; view++) {
            for (enum vx_access access = R; access <= F; access++) {
                uint8_t *hva = probe(rig, lin, 1, access, view);
                if (hva == NULL)
                    continue;
                uint64_t phys = UINT64_MAX;
                uint32_t entry = (uint32_t)get(rig, at, 4);
                bool ok = vx_mmu_peek(rig->mmu, lin, &phys) && hva == vx_pmap_read_ptr(rig->pmap, phys) &&
                          (entry & A) && (view == SUP || (entry & US));
                if (access == W)
                    ok = ok && (entry & D) && (entry & RW) && !vx_pmap_is_code(rig->pmap, (uint32_t)(phys >> 12));
                cr_assert(ok, "step %u lin %x access %d view %d entry %x", step, lin, access, view, entry);
                hits++;
            }
        }
    }
    cr_assert(hits > 50000, "%u", hits);
    rig_destroy(rig);
}

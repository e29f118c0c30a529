/* Accesses that leave the fast path: page crossings, faults in the middle, MMIO, code pages. */
#include "rig.h"

static const enum vx_view SUP = VX_VIEW_SUPERVISOR;

static struct rig *two_pages(uint32_t first_bits, uint32_t second_bits)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, CR0_WP, 0);
    map_page(rig, 0x5000, 0x20000, first_bits);
    map_page(rig, 0x6000, 0x30000, second_bits);
    for (uint32_t at = 0; at < 16; at += 8) {
        put(rig, 0x20FF0 + at, 8, 0x1111111111111111);
        put(rig, 0x30000 + at, 8, 0x2222222222222222);
    }
    return rig;
}

Test(access, crossing_reads_and_writes)
{
    static const unsigned size_of[] = { 2, 4, 8 };
    struct rig *rig = two_pages(P | RW, P | RW);
    for (size_t s = 0; s < VX_ARRAY_LEN(size_of); s++) {
        unsigned size = size_of[s];
        for (unsigned before = 1; before < size; before++) {
            uint64_t lin = 0x6000 - before, value, want = 0x8877665544332211ull + before;
            cr_assert(vx_mmu_write(rig->mmu, lin, size, SUP, want));
            uint64_t mask = size == 8 ? UINT64_MAX : (1ull << 8 * size) - 1;
            cr_assert(vx_mmu_read(rig->mmu, lin, size, SUP, &value) && value == (want & mask), "size %u before %u",
                      size, before);
            uint8_t byte[8];
            vx_pmap_read(rig->pmap, 0x21000 - before, byte, before);
            vx_pmap_read(rig->pmap, 0x30000, byte + before, size - before);
            cr_assert(memcmp(byte, &want, size) == 0, "size %u before %u", size, before);
        }
    }
    cr_assert(rig->stats.slow_cross > 0);
    rig_destroy(rig);
}

/* Which page faults decides CR2 and the error; nothing is written and D stays clear on the page that would be written.
 * */
Test(access, crossing_faults_change_nothing)
{
    static const struct {
        uint32_t first, second;
        enum vx_view view;
        bool write;
        uint64_t cr2;
        uint32_t error;
    } table[] = {
        { P | RW, 0, VX_VIEW_SUPERVISOR, true, 0x6000, 2 },     { 0, P | RW, VX_VIEW_SUPERVISOR, true, 0x5FFD, 2 },
        { 0, 0, VX_VIEW_SUPERVISOR, true, 0x5FFD, 2 },          { P | RW, P, VX_VIEW_SUPERVISOR, true, 0x6000, 3 },
        { P, P | RW, VX_VIEW_SUPERVISOR, true, 0x5FFD, 3 },     { P | US, P, VX_VIEW_USER, false, 0x6000, 5 },
        { P | US, 0, VX_VIEW_USER, false, 0x6000, 4 },          { P, P | US, VX_VIEW_USER, false, 0x5FFD, 5 },
        { P | US | RW, P | RW, VX_VIEW_USER, true, 0x6000, 7 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        for (int warm = 0; warm < 2; warm++) {
            struct rig *rig = two_pages(table[i].first, table[i].second);
            uint64_t value = 0xDEAD;
            if (warm)
                touch(rig, 0x5000, table[i].write ? VX_ACCESS_WRITE : VX_ACCESS_READ, table[i].view);
            bool ok = table[i].write ? vx_mmu_write(rig->mmu, 0x5FFD, 4, table[i].view, 0)
                                     : vx_mmu_read(rig->mmu, 0x5FFD, 4, table[i].view, &value);
            cr_assert(!ok && value == 0xDEAD, "row %zu", i);
            cr_assert(rig->mmu->fault.lin == table[i].cr2 && rig->mmu->fault.error == table[i].error,
                      "row %zu: cr2 %" PRIx64 " error %x", i, rig->mmu->fault.lin, rig->mmu->fault.error);
            cr_assert(get(rig, 0x20FF8, 8) == 0x1111111111111111 && get(rig, 0x30000, 8) == 0x2222222222222222,
                      "row %zu", i);
            rig_destroy(rig);
        }
    }
}

Test(access, the_linear_space_wraps)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, CR4_PSE);
    map_page(rig, 0, 0x30000, P | RW);
    put(rig, 0x1000 + 4 * 1023, 4, 0x400000 | PS | P | RW);
    cr_assert(vx_mmu_write(rig->mmu, 0xFFFFFFFE, 4, SUP, 0x44332211));
    cr_assert(get(rig, 0x7FFFFE, 2) == 0x2211 && get(rig, 0x30000, 2) == 0x4433);
    uint64_t value;
    cr_assert(vx_mmu_read(rig->mmu, 0x1FFFFFFFEull, 4, SUP, &value) && value == 0x44332211);
    rig_destroy(rig);
}

Test(access, mmio_goes_to_the_bus_by_size)
{
    struct rig *rig = rig_create();
    for (unsigned size = 1; size <= 8; size *= 2) {
        uint64_t value, mask = size == 8 ? UINT64_MAX : (1ull << 8 * size) - 1;
        unsigned reads = rig->bus_reads, writes = rig->bus_writes;
        cr_assert(vx_mmu_read(rig->mmu, 0xFEC00010, size, SUP, &value));
        cr_assert(rig->bus_reads == reads + 1 && rig->bus_phys == 0xFEC00010 && rig->bus_size == size);
        cr_assert_eq(value, 0xFEC00010ull * 0x0101010101010101ull & mask);
        cr_assert(vx_mmu_write(rig->mmu, 0xFEC00020, size, SUP, 0x1234));
        cr_assert(rig->bus_writes == writes + 1 && rig->bus_phys == 0xFEC00020 && rig->bus_size == size &&
                  (rig->bus_value & 0xFF) == 0x34);
    }
    cr_assert(probe(rig, 0xFEC00010, 1, VX_ACCESS_READ, SUP) == NULL && rig->stats.slow_mmio == 8);
    rig_destroy(rig);
}

Test(access, mmio_and_ram_in_one_access)
{
    struct rig *rig = rig_create();
    put(rig, RAM_BYTES - 4, 4, 0x99999999);
    uint64_t value;
    cr_assert(vx_mmu_read(rig->mmu, RAM_BYTES - 2, 4, SUP, &value));
    cr_assert((value & 0xFFFF) == 0x9999 && rig->bus_reads == 1 && rig->bus_phys == RAM_BYTES && rig->bus_size == 2);
    cr_assert(vx_mmu_write(rig->mmu, RAM_BYTES - 3, 4, SUP, 0x44332211));
    cr_assert(get(rig, RAM_BYTES - 3, 1) == 0x11 && get(rig, RAM_BYTES - 1, 1) == 0x33);
    cr_assert(rig->bus_writes == 1 && rig->bus_phys == RAM_BYTES && rig->bus_size == 1 && rig->bus_value == 0x44);
    rig_destroy(rig);
}

/* What the bytes were when the news came. */
struct witness {
    struct rig *rig;
    uint64_t seen;
};

static void look(void *opaque, uint32_t page, uint32_t off, uint32_t bytes)
{
    struct witness *witness = opaque;
    witness->seen = 0;
    memcpy(&witness->seen, vx_pmap_page_hva(witness->rig->pmap, page) + off, bytes < 8 ? bytes : 8);
}

Test(access, code_writes_are_told_after_the_fact_and_exactly)
{
    struct rig *rig = rig_create();
    struct witness witness = { rig, 0 };
    vx_pmap_on_code_write(rig->pmap, look, &witness);
    vx_pmap_mark_code(rig->pmap, 0x20, true);
    for (int round = 0; round < 3; round++) {
        unsigned writes = rig->code_writes;
        cr_assert(vx_mmu_write(rig->mmu, 0x20123, 4, SUP, 0xAABBCC00 + (uint64_t)round));
        cr_assert(rig->code_writes == writes + 1 && rig->code_page == 0x20 && rig->code_off == 0x123 &&
                  rig->code_bytes == 4);
        cr_assert_eq(witness.seen, 0xAABBCC00u + (unsigned)round);
    }
    cr_assert_eq(rig->stats.slow_code, 3);
    cr_assert(vx_mmu_write(rig->mmu, 0x1FFFE, 4, SUP, 0x44332211)); /* crosses into it */
    cr_assert(rig->code_writes == 4 && rig->code_off == 0 && rig->code_bytes == 2 && witness.seen == 0x4433);
    cr_assert(vx_mmu_write(rig->mmu, 0x20FFF, 2, SUP, 0x6655)); /* and out of it */
    cr_assert(rig->code_writes == 5 && rig->code_off == 0xFFF && rig->code_bytes == 1 && witness.seen == 0x55);
    vx_pmap_store(rig->pmap, 0x20010, 8, 1);
    cr_assert(rig->code_writes == 6 && rig->code_off == 0x10 && rig->code_bytes == 8);
    uint8_t *to = vx_pmap_write_ptr(rig->pmap, 0x20800);
    *to = 7;
    vx_pmap_wrote(rig->pmap, 0x1F800, 0x1001);
    cr_assert(rig->code_writes == 7 && rig->code_off == 0 && rig->code_bytes == 0x801);
    vx_pmap_mark_code(rig->pmap, 0x20, false);
    cr_assert(vx_mmu_write(rig->mmu, 0x20123, 4, SUP, 0) && rig->code_writes == 7);
    rig_destroy(rig);
}

Test(access, bytes_of_any_length)
{
    static const size_t length[] = { 0, 1, 3, 16, 511, 4095, 4096 };
    static uint8_t in[4096], out[4096];
    struct rig *rig = two_pages(P | RW, P | RW);
    map_page(rig, 0x7000, 0, 0);
    for (size_t l = 0; l < VX_ARRAY_LEN(length); l++) {
        for (uint32_t lin = 0x5000; lin <= 0x6000; lin += 0x555) {
            for (size_t i = 0; i < length[l]; i++)
                in[i] = (uint8_t)(i * 7 + l + lin);
            cr_assert(vx_mmu_write_bytes(rig->mmu, lin, in, length[l], SUP), "lin %x length %zu", lin, length[l]);
            memset(out, 0, sizeof out);
            cr_assert(vx_mmu_read_bytes(rig->mmu, lin, out, length[l], SUP));
            cr_assert(memcmp(in, out, length[l]) == 0, "lin %x length %zu", lin, length[l]);
        }
    }
    put(rig, 0x30FF8, 8, 0x3333333333333333);
    cr_assert(!vx_mmu_write_bytes(rig->mmu, 0x6FF8, in, 16, SUP) && rig->mmu->fault.lin == 0x7000);
    cr_assert_eq(get(rig, 0x30FF8, 8), 0x3333333333333333);
    cr_assert(!vx_mmu_read_bytes(rig->mmu, 0x6FF8, out, 16, SUP));
    cr_assert(vx_mmu_probe(rig->mmu, 0x6FF8, 8, VX_ACCESS_WRITE, SUP) &&
              !vx_mmu_probe(rig->mmu, 0x6FF8, 9, VX_ACCESS_WRITE, SUP));
    cr_assert(vx_mmu_probe(rig->mmu, 0x7000, 0, VX_ACCESS_WRITE, SUP));
    rig_destroy(rig);
}

Test(access, direct)
{
    struct rig *rig = two_pages(P | RW, P);
    map_page(rig, 0x8000, 0x40000, P | RW);
    put(rig, 0x1000 + 4 * 3, 4, 0x3000 | P | RW);
    put(rig, 0x3000, 4, 0xFEC00000 | P | RW);
    vx_pmap_mark_code(rig->pmap, 0x40, true);
    static const struct {
        uint64_t lin;
        unsigned size;
        enum vx_access access;
        bool ok;
        uint64_t phys; /* 0: not direct */
    } table[] = {
        { 0x5010, 4, VX_ACCESS_WRITE, true, 0x20010 }, { 0x5010, 4, VX_ACCESS_READ, true, 0x20010 },
        { 0x5FFC, 4, VX_ACCESS_WRITE, true, 0x20FFC }, { 0x5FFD, 4, VX_ACCESS_WRITE, true, 0 },
        { 0x6000, 4, VX_ACCESS_WRITE, false, 0 },      { 0x6000, 4, VX_ACCESS_READ, true, 0x30000 },
        { 0x6000, 4, VX_ACCESS_FETCH, true, 0x30000 }, { 0x7000, 1, VX_ACCESS_READ, false, 0 },
        { 0x8000, 8, VX_ACCESS_WRITE, true, 0 },       { 0x8000, 8, VX_ACCESS_READ, true, 0x40000 },
        { 0xC00000, 4, VX_ACCESS_READ, true, 0 },      { 0xC00000, 4, VX_ACCESS_WRITE, true, 0 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        uint8_t *hva = NULL;
        bool ok = vx_mmu_direct(rig->mmu, table[i].lin, table[i].size, table[i].access, SUP, &hva);
        cr_assert_eq(ok, table[i].ok, "row %zu", i);
        cr_assert(hva == (table[i].phys != 0 ? vx_pmap_read_ptr(rig->pmap, table[i].phys) : NULL), "row %zu", i);
    }
    rig_destroy(rig);
}

Test(access, a_write_sets_d_once_and_then_hits)
{
    struct rig *rig = two_pages(P | RW, P);
    uint64_t value;
    cr_assert(vx_mmu_read(rig->mmu, 0x5000, 4, SUP, &value) && (get(rig, 0x2014, 4) & (A | D)) == A);
    cr_assert(vx_mmu_write(rig->mmu, 0x5000, 4, SUP, 1) && (get(rig, 0x2014, 4) & (A | D)) == (A | D));
    uint64_t misses = rig->stats.tlb_misses;
    for (int i = 0; i < 10; i++)
        cr_assert(vx_mmu_write(rig->mmu, 0x5000, 4, SUP, 1) && vx_mmu_read(rig->mmu, 0x5000, 4, SUP, &value));
    cr_assert_eq(rig->stats.tlb_misses, misses);
    rig_destroy(rig);
}

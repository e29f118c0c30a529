/* The walk against a truth table written from the text of the SDM, independently of walk.c: rights, error codes, A and
 * D bits, reserved bits, PDPTEs. */
#include "rig.h"

enum mode { LEGACY_4K, LEGACY_4M, PAE_4K, PAE_2M, MODES };
enum { PD = 0x1000, PT = 0x2000, PDPT = 0x3000, FRAME = 0x400000 };

/* One row of the table: which entries say what, in which state of the CPU, and what is tried. */
struct row {
    enum mode mode;
    bool pde_p, pde_rw, pde_us, pde_xd, pte_p, pte_rw, pte_us, pte_xd;
    bool wp, nxe, smep, smap, ac;
    enum vx_view view;
    enum vx_access access;
};

struct expected {
    bool allowed;
    uint32_t error;
    bool reaches_leaf; /* of two levels: the upper entry has been used */
};

static bool is_pae(enum mode mode)
{
    return mode >= PAE_4K;
}
static bool is_large(enum mode mode)
{
    return mode == LEGACY_4M || mode == PAE_2M;
}

/* SDM 3A "Determination of Access Rights", sentence by sentence. */
static bool rights(const struct row *row, bool user_page, bool read_write, bool execute_disable)
{
    bool explicit_smap_stop = row->smap && !row->ac;
    if (row->view == VX_VIEW_SUPERVISOR) {
        switch (row->access) {
        case VX_ACCESS_READ: return user_page ? !explicit_smap_stop : true;
        case VX_ACCESS_WRITE:
            if (!user_page)
                return row->wp ? read_write : true;
            return row->wp ? read_write && !explicit_smap_stop : !explicit_smap_stop;
        default: return user_page ? !row->smep && !execute_disable : !execute_disable;
        }
    }
    switch (row->access) {
    case VX_ACCESS_READ: return user_page;
    case VX_ACCESS_WRITE: return user_page && read_write;
    default: return user_page && !execute_disable;
    }
}

static struct expected expect(const struct row *row)
{
    bool large = is_large(row->mode), pae = is_pae(row->mode);
    uint32_t who = (row->access == VX_ACCESS_WRITE ? 2u : 0) | (row->view == VX_VIEW_USER ? 4u : 0);
    if (row->access == VX_ACCESS_FETCH && ((pae && row->nxe) || row->smep))
        who |= 16;
    struct expected not_present = { false, who, false }, reserved = { false, who | 1 | 8, false };
    if (!row->pde_p)
        return not_present;
    if (pae && row->pde_xd && !row->nxe)
        return reserved;
    not_present.reaches_leaf = reserved.reaches_leaf = true;
    if (!large && !row->pte_p)
        return not_present;
    if (!large && pae && row->pte_xd && !row->nxe)
        return reserved;
    bool user_page = row->pde_us && (large || row->pte_us);
    bool read_write = row->pde_rw && (large || row->pte_rw);
    bool execute_disable = pae && (row->pde_xd || (!large && row->pte_xd));
    if (rights(row, user_page, read_write, execute_disable))
        return (struct expected){ true, 0, true };
    return (struct expected){ false, who | 1, true };
}

static uint64_t entry(bool p, bool rw, bool us, bool xd, uint64_t at)
{
    return at | (p ? P : 0) | (rw ? RW : 0) | (us ? US : 0) | (xd ? XD : 0);
}

/* Puts the row's tables and control state in place for linear address 5000h. */
static void set_up(struct rig *rig, const struct row *row)
{
    unsigned size = is_pae(row->mode) ? 8 : 4;
    uint64_t lower = is_large(row->mode) ? FRAME | PS : PT;
    put(rig, PD, size, entry(row->pde_p, row->pde_rw, row->pde_us, is_pae(row->mode) && row->pde_xd, lower));
    put(rig, PT + 5 * size, size,
        entry(row->pte_p, row->pte_rw, row->pte_us, is_pae(row->mode) && row->pte_xd, FRAME + 0x5000));
    put(rig, PDPT, 8, PD | P);
    rig->paging.cr0 = CR0_PG | 1 | (row->wp ? CR0_WP : 0);
    rig->paging.cr3 = is_pae(row->mode) ? PDPT : PD;
    rig->paging.cr4 =
        CR4_PSE | (is_pae(row->mode) ? CR4_PAE : 0) | (row->smep ? CR4_SMEP : 0) | (row->smap ? CR4_SMAP : 0);
    rig->paging.efer = row->nxe ? EFER_NXE : 0;
    rig->paging.ac = row->ac;
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, true));
}

/* What the entries must hold after the access. */
static bool a_and_d_are_right(struct rig *rig, const struct row *row, const struct expected *want)
{
    unsigned size = is_pae(row->mode) ? 8 : 4;
    uint64_t pde = get(rig, PD, size), pte = get(rig, PT + 5 * size, size);
    unsigned leaf = !want->allowed ? 0 : row->access == VX_ACCESS_WRITE ? A | D : A;
    if (is_large(row->mode))
        return (pde & (A | D)) == leaf && (pte & (A | D)) == 0;
    return (pde & (A | D)) == (want->reaches_leaf ? A : 0u) && (pte & (A | D)) == leaf;
}

/* The shadow may hold what the table allows, and nothing else; what was just allowed it must hold. */
static bool shadow_is_right(struct rig *rig, const struct row *row, const struct expected *want)
{
    for (unsigned view = 0; view < 2; view++) {
        for (unsigned access = 0; access < 3; access++) {
            struct row other = *row;
            other.view = (enum vx_view)view;
            other.access = (enum vx_access)access;
            uint8_t *hva = probe(rig, 0x5123, 4, other.access, other.view);
            if (hva != NULL && (!expect(&other).allowed || hva != vx_pmap_read_ptr(rig->pmap, FRAME + 0x5123)))
                return false;
            if (hva != NULL && other.access == VX_ACCESS_WRITE && row->access != VX_ACCESS_WRITE)
                return false; /* D is not set yet */
            if (hva == NULL && want->allowed && access == (unsigned)row->access && view == (unsigned)row->view)
                return false;
        }
    }
    return true;
}

/* What people are told: the entries as they lie in memory, and what they grant together. */
static bool trace_is_right(struct rig *rig, const struct row *row)
{
    bool large = is_large(row->mode), pae = is_pae(row->mode);
    unsigned size = pae ? 8 : 4, first = pae ? 1 : 0;
    bool xd = pae && ((row->pde_p && row->pde_xd) || (!large && row->pde_p && row->pte_p && row->pte_xd));
    bool reserved = xd && !row->nxe, present = row->pde_p && (large || row->pte_p);
    bool to_pte = row->pde_p && !large && !(pae && row->pde_xd && !row->nxe);
    struct vx_walk_trace trace;
    vx_mmu_trace(rig->mmu, 0x5123, &trace);
    const struct vx_walk_level *level = &trace.level[first];
    if (trace.levels != first + 1 + to_pte || level->phys != PD || level->entry != get(rig, PD, size))
        return false;
    if (to_pte && (level[1].phys != PT + 5 * size || level[1].entry != get(rig, PT + 5 * size, size)))
        return false;
    if (trace.mapped != (present && !reserved) || trace.reserved != reserved)
        return false;
    return !trace.mapped || (trace.phys == FRAME + 0x5123 && trace.user == (row->pde_us && (large || row->pte_us)) &&
                             trace.write == (row->pde_rw && (large || row->pte_rw)) && trace.exec == !xd &&
                             trace.page_bytes == (!large ? 4096u
                                                  : pae  ? 2u << 20
                                                         : 4u << 20) &&
                             !trace.accessed && !trace.dirty);
}

static const char *try_row(struct rig *rig, const struct row *row)
{
    struct expected want = expect(row);
    set_up(rig, row);
    if (!trace_is_right(rig, row))
        return "trace";
    memset(&rig->mmu->fault, 0, sizeof rig->mmu->fault);
    uint64_t phys = 0;
    bool allowed = vx_mmu_translate(rig->mmu, 0x5123, row->access, row->view, &phys);
    const struct vx_fault *fault = &rig->mmu->fault;
    if (allowed != want.allowed)
        return "allowed";
    if (allowed && phys != FRAME + 0x5123)
        return "physical address";
    if (!allowed && (fault->vector != 14 || !fault->has_error || fault->error != want.error || fault->lin != 0x5123))
        return "fault";
    if (!a_and_d_are_right(rig, row, &want))
        return "A and D";
    return shadow_is_right(rig, row, &want) ? NULL : "shadow";
}

static struct row row_of(enum mode mode, unsigned bits, unsigned control)
{
    return (struct row){
        .mode = mode,
        .pde_p = bits & 1,
        .pde_rw = bits & 2,
        .pde_us = bits & 4,
        .pde_xd = bits & 8,
        .pte_p = bits & 16,
        .pte_rw = bits & 32,
        .pte_us = bits & 64,
        .pte_xd = bits & 128,
        .wp = control & 1,
        .nxe = control & 2,
        .smep = control & 4,
        .smap = control & 8,
        .ac = control & 16,
    };
}

Test(walk, every_combination_of_rights, .timeout = 60)
{
    struct rig *rig = rig_create();
    const char *wrong = NULL;
    struct row row = { 0 };
    unsigned tried = 0, allowed = 0;
    for (unsigned mode = 0; mode < MODES && wrong == NULL; mode++)
        for (unsigned bits = 0; bits < 256 && wrong == NULL; bits++)
            for (unsigned control = 0; control < 32 && wrong == NULL; control++)
                for (unsigned how = 0; how < 6 && wrong == NULL; how++) {
                    row = row_of((enum mode)mode, bits, control);
                    row.view = (enum vx_view)(how & 1);
                    row.access = (enum vx_access)(how >> 1);
                    wrong = try_row(rig, &row);
                    tried++;
                    allowed += expect(&row).allowed;
                }
    cr_assert(wrong == NULL,
              "%s wrong: mode %d pde p%d rw%d us%d xd%d pte p%d rw%d us%d xd%d wp%d nxe%d smep%d smap%d ac%d view %d "
              "access %d "
              "error %x want %x",
              wrong, row.mode, row.pde_p, row.pde_rw, row.pde_us, row.pde_xd, row.pte_p, row.pte_rw, row.pte_us,
              row.pte_xd, row.wp, row.nxe, row.smep, row.smap, row.ac, row.view, row.access, rig->mmu->fault.error,
              expect(&row).error);
    cr_assert_eq(tried, 4 * 256 * 32 * 6);
    cr_assert(allowed > tried / 20 && allowed < tried / 2, "%u of %u allowed: the table does not discriminate", allowed,
              tried);
    rig_destroy(rig);
}

/* Reserved bits: mode, phys_bits, level (0 PDE, 1 PTE), bit, and whether setting it faults. */
Test(walk, reserved_bits)
{
    static const struct {
        enum mode mode;
        uint8_t phys_bits;
        int level;
        int bit;
        bool reserved;
    } table[] = {
        { LEGACY_4M, 36, 0, 13, false }, { LEGACY_4M, 36, 0, 16, false }, { LEGACY_4M, 36, 0, 17, true },
        { LEGACY_4M, 36, 0, 20, true },  { LEGACY_4M, 36, 0, 21, true },  { LEGACY_4M, 32, 0, 13, true },
        { LEGACY_4M, 40, 0, 20, false }, { LEGACY_4M, 40, 0, 21, true },  { LEGACY_4M, 46, 0, 20, false },
        { LEGACY_4M, 46, 0, 21, true },  { LEGACY_4M, 36, 0, 12, false }, { LEGACY_4M, 36, 0, 9, false },
        { LEGACY_4K, 36, 1, 7, false },  { LEGACY_4K, 36, 1, 9, false },  { PAE_4K, 36, 0, 36, true },
        { PAE_4K, 36, 1, 36, true },     { PAE_4K, 36, 1, 51, true },     { PAE_4K, 36, 1, 52, true },
        { PAE_4K, 36, 1, 62, true },     { PAE_4K, 36, 1, 35, false },    { PAE_4K, 40, 1, 39, false },
        { PAE_4K, 40, 1, 40, true },     { PAE_4K, 36, 1, 9, false },     { PAE_4K, 36, 1, 63, true },
        { PAE_4K, 36, 0, 63, true },     { PAE_2M, 36, 0, 13, true },     { PAE_2M, 36, 0, 20, true },
        { PAE_2M, 36, 0, 12, false },    { PAE_2M, 36, 0, 40, true },     { PAE_2M, 36, 0, 35, false },
        { PAE_2M, 36, 0, 62, true },
    };
    struct rig *rig = rig_create();
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        struct row row = row_of(table[i].mode, 0x77, 0); /* everything granted */
        rig->paging.phys_bits = table[i].phys_bits;
        set_up(rig, &row);
        unsigned size = is_pae(row.mode) ? 8 : 4;
        uint64_t at = table[i].level == 0 ? PD : PT + 5 * size;
        put(rig, at, size, get(rig, at, size) | 1ull << table[i].bit);
        bool ok = touch(rig, 0x5000, VX_ACCESS_READ, VX_VIEW_USER);
        cr_assert_eq(ok, !table[i].reserved, "row %zu", i);
        if (!ok)
            cr_assert_eq(rig->mmu->fault.error, 1 | 4 | 8, "row %zu: error %x", i, rig->mmu->fault.error);
        cr_assert_eq((get(rig, at, size) & A) != 0, ok, "row %zu: A of the entry with the bit", i);
    }
    rig_destroy(rig);
}

Test(walk, reserved_bits_do_not_matter_when_not_present)
{
    struct rig *rig = rig_create();
    struct row row = row_of(PAE_4K, 0x77, 0);
    set_up(rig, &row);
    put(rig, PT + 5 * 8, 8, 0x7FFull << 52);
    cr_assert(!touch(rig, 0x5000, VX_ACCESS_WRITE, VX_VIEW_SUPERVISOR));
    cr_assert_eq(rig->mmu->fault.error, 2);
    rig_destroy(rig);
}

Test(walk, pse36_and_pae_reach_above_4_gib)
{
    struct rig *rig = rig_create();
    struct row row = row_of(LEGACY_4M, 0x77, 0);
    uint64_t phys = 0;
    set_up(rig, &row);
    put(rig, PD, 4, 0x00C00000 | 5 << 13 | PS | P);
    cr_assert(vx_mmu_translate(rig->mmu, 0x123456, VX_ACCESS_READ, VX_VIEW_SUPERVISOR, &phys));
    cr_assert_eq(phys, 0x500D23456ull, "%" PRIx64, phys);
    cr_assert(probe(rig, 0x123456, 1, VX_ACCESS_READ, VX_VIEW_SUPERVISOR) == NULL);
    uint64_t value = 0;
    cr_assert(vx_mmu_read(rig->mmu, 0x123456, 2, VX_VIEW_SUPERVISOR, &value));
    cr_assert(rig->bus_phys == 0x500D23456ull && rig->bus_size == 2);

    row.mode = PAE_2M;
    set_up(rig, &row);
    put(rig, PD, 8, 0xF00200000ull | PS | P);
    cr_assert(vx_mmu_translate(rig->mmu, 0x123456, VX_ACCESS_READ, VX_VIEW_SUPERVISOR, &phys));
    cr_assert_eq(phys, 0xF00323456ull, "%" PRIx64, phys);
    rig_destroy(rig);
}

Test(walk, without_pse_bit_7_of_a_pde_means_nothing)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, 0);
    map_page(rig, 0x5000, 0x6000, P);
    put(rig, PD, 4, get(rig, PD, 4) | PS);
    uint64_t phys;
    cr_assert(vx_mmu_translate(rig->mmu, 0x5678, VX_ACCESS_READ, VX_VIEW_SUPERVISOR, &phys));
    cr_assert_eq(phys, 0x6678);
    rig_destroy(rig);
}

/* PDPTEs: checked and loaded with CR3, used from then on. */
Test(walk, pdptes_are_registers)
{
    static const struct {
        uint64_t pdpte;
        bool loads;
    } table[] = {
        { 0, true },
        { P, true },
        { P | 1 << 3 | 1 << 4, true },
        { P | 0xE00, true },
        { P | 1 << 1, false },
        { P | 1 << 2, false },
        { P | 1 << 5, false },
        { P | 1 << 8, false },
        { P | 1ull << 36, false },
        { P | XD, false },
        { 1ull << 36 | 0x1E6, true },
    };
    struct rig *rig = rig_create();
    struct row row = row_of(PAE_4K, 0x77, 0);
    set_up(rig, &row);
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        struct vx_paging paging = rig->paging;
        put(rig, PDPT + 0x20, 8, PD | P);
        put(rig, PDPT + 0x38, 8, table[i].pdpte);
        paging.cr3 = PDPT + 0x20;
        rig->mmu->fault.vector = 0;
        cr_assert_eq(vx_mmu_set_paging(rig->mmu, &paging, true), table[i].loads, "row %zu", i);
        if (!table[i].loads) {
            cr_assert(rig->mmu->fault.vector == 13 && rig->mmu->fault.has_error && rig->mmu->fault.error == 0,
                      "row %zu", i);
            cr_assert_eq(vx_mmu_paging(rig->mmu)->cr3, PDPT, "row %zu: something changed", i);
            cr_assert(touch(rig, 0x5000, VX_ACCESS_READ, VX_VIEW_SUPERVISOR), "row %zu", i);
        }
        set_up(rig, &row);
    }
    put(rig, PDPT, 8, 0); /* memory changes, the registers do not */
    vx_mmu_flush(rig->mmu, true);
    cr_assert(touch(rig, 0x5000, VX_ACCESS_READ, VX_VIEW_SUPERVISOR));
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, false));
    cr_assert(touch(rig, 0x5000, VX_ACCESS_READ, VX_VIEW_SUPERVISOR));
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, true));
    cr_assert(!touch(rig, 0x5000, VX_ACCESS_READ, VX_VIEW_SUPERVISOR));
    cr_assert_eq(rig->mmu->fault.error, 0);
    rig_destroy(rig);
}

Test(walk, each_pdpte_maps_its_gigabyte)
{
    struct rig *rig = rig_create();
    struct row row = row_of(PAE_2M, 0x77, 0);
    set_up(rig, &row);
    for (uint32_t i = 0; i < 4; i++) {
        put(rig, PDPT + 8 * i, 8, (0x10000 + i * 0x1000) | P);
        put(rig, 0x10000 + i * 0x1000 + 8 * (7 + i), 8, i << 21 | PS | P);
    }
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, true));
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t phys;
        cr_assert(
            vx_mmu_translate(rig->mmu, i << 30 | (7 + i) << 21 | 0x12345, VX_ACCESS_READ, VX_VIEW_SUPERVISOR, &phys),
            "%u", i);
        cr_assert_eq(phys, i << 21 | 0x12345, "%u", i);
    }
    rig_destroy(rig);
}

Test(walk, paging_off_is_identity)
{
    struct rig *rig = rig_create();
    uint64_t phys, value;
    cr_assert(vx_mmu_translate(rig->mmu, 0x123456, VX_ACCESS_WRITE, VX_VIEW_USER, &phys));
    cr_assert_eq(phys, 0x123456);
    cr_assert(vx_mmu_is_global(rig->mmu, 0x123456));
    cr_assert(vx_mmu_write(rig->mmu, 0x123456, 4, VX_VIEW_SUPERVISOR, 0xCAFEF00D));
    cr_assert_eq(get(rig, 0x123456, 4), 0xCAFEF00D);
    cr_assert(vx_mmu_read(rig->mmu, 0x100123456ull, 4, VX_VIEW_SUPERVISOR, &value)); /* wraps */
    cr_assert_eq(value, 0xCAFEF00D);
    rig->paging.cr3 = 0x7000;
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, true));
    cr_assert(probe(rig, 0x123456, 4, VX_ACCESS_READ, VX_VIEW_SUPERVISOR) != NULL);
    rig_destroy(rig);
}

Test(walk, peek_changes_nothing)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, CR4_PGE);
    map_page(rig, 0x5000, 0x6000, P | G);
    uint64_t phys, misses = rig->stats.tlb_misses;
    rig->mmu->fault.vector = 77;
    cr_assert(vx_mmu_peek(rig->mmu, 0x5432, &phys) && phys == 0x6432);
    cr_assert(!vx_mmu_peek(rig->mmu, 0x9000, &phys));
    cr_assert(vx_mmu_is_global(rig->mmu, 0x5000) && !vx_mmu_is_global(rig->mmu, 0x9000));
    struct vx_walk_trace trace;
    vx_mmu_trace(rig->mmu, 0x5432, &trace);
    cr_assert(trace.mapped && trace.global && trace.phys == 0x6432 && trace.levels == 2);
    cr_assert_eq(get(rig, 0x1000, 4) & A, 0);
    cr_assert_eq(get(rig, 0x2000 + 5 * 4, 4) & A, 0);
    cr_assert(rig->mmu->fault.vector == 77 && rig->stats.tlb_misses == misses);
    cr_assert(probe(rig, 0x5000, 1, VX_ACCESS_READ, VX_VIEW_SUPERVISOR) == NULL);
    rig_destroy(rig);
}

/* Tables in places that are not plain RAM. */
Test(walk, tables_in_rom_and_on_the_bus)
{
    struct rig *rig = rig_create();
    uint32_t rom = vx_pmap_alloc(rig->pmap, VX_PAGE_BYTES);
    uint32_t pte = 0x6000 | P;
    memcpy(vx_pmap_page_hva(rig->pmap, rom) + 5 * 4, &pte, 4);
    vx_pmap_map(rig->pmap, 0xC0000, VX_PAGE_BYTES, rom, VX_PMAP_DISCARD);
    rig_page_32bit(rig, 0, 0);
    put(rig, 0x1000, 4, 0xC0000 | P | RW);
    uint64_t phys;
    cr_assert(vx_mmu_translate(rig->mmu, 0x5010, VX_ACCESS_READ, VX_VIEW_SUPERVISOR, &phys) && phys == 0x6010);
    cr_assert_eq(get(rig, 0xC0000 + 5 * 4, 4), pte, "A in ROM is lost");

    /* The low byte of what the rig's bus answers is that of the address: an entry at 14h is not present. */
    put(rig, 0x1000, 4, 0xF0000000 | P | RW);
    unsigned reads = rig->bus_reads;
    vx_mmu_flush(rig->mmu, true);
    cr_assert(!touch(rig, 0x5010, VX_ACCESS_READ, VX_VIEW_SUPERVISOR));
    struct vx_walk_trace trace;
    vx_mmu_trace(rig->mmu, 0x5010, &trace);
    cr_assert(trace.levels == 2 && !trace.level[1].readable && !trace.mapped, "a trace asks no device");
    cr_assert(rig->bus_reads == reads + 1 && rig->bus_phys == 0xF0000014 && rig->bus_size == 4);
    rig_destroy(rig);
}

Test(walk, setting_a_in_a_code_page_is_announced)
{
    struct rig *rig = rig_create();
    rig_page_32bit(rig, 0, 0);
    map_page(rig, 0x5000, 0x6000, P | RW);
    vx_pmap_mark_code(rig->pmap, 2, true);
    cr_assert(touch(rig, 0x5000, VX_ACCESS_WRITE, VX_VIEW_SUPERVISOR));
    cr_assert_eq(rig->code_writes, 1, "A and D are one update");
    cr_assert(rig->code_page == 2 && rig->code_off == 5 * 4 && rig->code_bytes >= 1 && rig->code_bytes <= 4);
    cr_assert(touch(rig, 0x5000, VX_ACCESS_WRITE, VX_VIEW_SUPERVISOR));
    cr_assert_eq(rig->code_writes, 1, "nothing changed");
    rig_destroy(rig);
}

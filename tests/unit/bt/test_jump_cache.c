/* test_jump_cache.c - which entries of a jump cache outlive a change of address space. */
#include <criterion/criterion.h>

#include "support/rig.h"

#include "insn.h" /* of bt/ */
#include "jump_cache.h"

enum {
    DIRECTORY = 0x20000,
    OTHER_DIRECTORY = 0x21000,
    TABLE = 0x22000,
    OTHER_TABLE = 0x23000,
    CODE_LIN = 0x400000, /* two pages */
    CODE_PAGE = 0x30,
    ELSEWHERE_PAGE = 0x40,
    P = 1,
    RW = 2,
    US = 4,
    A = 0x20,
    OK = P | RW | US | A,
};

struct bench {
    struct rig rig;
    struct bt_jump_caches jc;
    struct bt_jc_view view;
    uint64_t cr3;
};

static void put(struct bench *bench, uint64_t phys, uint32_t entry)
{
    vx_pmap_write(bench->rig.pmap, phys, &entry, sizeof entry);
}

/* What page `i` of the code leads to in the address space of that table. */
static void map(struct bench *bench, uint64_t table, unsigned i, uint32_t page, uint32_t rights)
{
    put(bench, table + 4 * i, page << VX_PAGE_SHIFT | rights);
}

/* Loads CR3 as the translator hears of it. */
static void load_cr3(struct bench *bench, uint64_t cr3)
{
    struct vx_paging paging = { .cr0 = VX_CR0_PE | VX_CR0_PG, .cr3 = cr3, .phys_bits = 32 };
    cr_assert(vx_mmu_set_paging(bench->rig.vcpu->mmu, &paging, true));
    bench->view.space = bench->cr3 = cr3;
    bt_jc_flush(&bench->jc, false);
    bt_jc_select(&bench->jc, &bench->view, bench->rig.vcpu->mmu);
}

static void set_up(struct bench *bench)
{
    rig_create(&bench->rig, NULL);
    bench->jc = (struct bt_jump_caches){ 0 };
    cr_assert_eq(bt_jc_create(&bench->jc, false), VX_ERR_OK);
    bench->view =
        (struct bt_jc_view){ .cs_limit = UINT32_MAX, .mode = MODE_CS32 | MODE_FLAT | MODE_USER | MODE_PAGING };
    put(bench, DIRECTORY + 4, TABLE | OK);
    put(bench, OTHER_DIRECTORY + 4, OTHER_TABLE | OK);
    for (unsigned i = 0; i < 2; i++) {
        map(bench, TABLE, i, CODE_PAGE + i, OK);
        map(bench, OTHER_TABLE, i, ELSEWHERE_PAGE + i, OK);
    }
    load_cr3(bench, DIRECTORY);
}

static void tear_down(struct bench *bench)
{
    bt_jc_destroy(&bench->jc);
    rig_destroy(&bench->rig);
}

static struct bt_tu unit_at(uint32_t off, unsigned pages)
{
    return (struct bt_tu){ .eip = CODE_LIN + off,
                           .entry = 0x1000 + off,
                           .pages = (uint8_t)pages,
                           .page = { CODE_PAGE + off / VX_PAGE_BYTES, CODE_PAGE + 1 } };
}

static bool has(const struct bench *bench, const struct bt_tu *tu)
{
    return bt_jc_probe(&bench->jc, tu->eip) == tu->entry;
}

static void nothing(struct bench *bench)
{
    (void)bench;
}
static void first_page_elsewhere(struct bench *bench)
{
    map(bench, TABLE, 0, ELSEWHERE_PAGE, OK);
}
static void second_page_elsewhere(struct bench *bench)
{
    map(bench, TABLE, 1, ELSEWHERE_PAGE, OK);
}
static void first_page_not_accessed(struct bench *bench)
{
    map(bench, TABLE, 0, CODE_PAGE, OK & ~A);
}
static void first_page_away(struct bench *bench)
{
    map(bench, TABLE, 0, CODE_PAGE, OK & ~P);
}
static void first_page_supervisor(struct bench *bench)
{
    map(bench, TABLE, 0, CODE_PAGE, OK & ~US);
}
static void table_not_accessed(struct bench *bench)
{
    put(bench, DIRECTORY + 4, TABLE | (OK & ~A));
}
static void another_space_between(struct bench *bench)
{
    load_cr3(bench, OTHER_DIRECTORY);
    struct bt_tu tu = unit_at(0x10, 1);
    cr_assert(!has(bench, &tu), "an address space has what another one has");
}

static const struct {
    const char *name;
    void (*happens)(struct bench *bench);
    bool first, across,
        second; /* is what begins in the first page, reaches over both, begins in the second still there? */
} changes[] = {
    { "nothing", nothing, true, true, true },
    { "the first page leads elsewhere", first_page_elsewhere, false, false, true },
    { "the second page leads elsewhere", second_page_elsewhere, false, false, false },
    { "the first page's A bit is cleared", first_page_not_accessed, false, false, true },
    { "the first page is not present", first_page_away, false, false, true },
    { "the first page is the supervisor's", first_page_supervisor, false, false, true },
    { "the table's A bit is cleared", table_not_accessed, false, false, false },
    { "another address space was there in between", another_space_between, true, true, true },
};

/* Entries that reach into a page which leads elsewhere go with all of the page that they begin in. */
Test(jump_cache, keeps_what_the_tables_still_say)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(changes); i++) {
        struct bench bench;
        set_up(&bench);
        struct bt_tu first = unit_at(0x10, 1), across = unit_at(0xFFE, 2), second = unit_at(0x1010, 1);
        bt_jc_fill(&bench.jc, &first);
        bt_jc_fill(&bench.jc, &across);
        bt_jc_fill(&bench.jc, &second);
        cr_assert(has(&bench, &first) && has(&bench, &across) && has(&bench, &second));
        changes[i].happens(&bench);
        load_cr3(&bench, DIRECTORY);
        cr_expect_eq(has(&bench, &first), changes[i].first, "%s: the first page's", changes[i].name);
        cr_expect_eq(has(&bench, &across), changes[i].across, "%s: the one across", changes[i].name);
        cr_expect_eq(has(&bench, &second), changes[i].second, "%s: the second page's", changes[i].name);
        tear_down(&bench);
    }
}

/* A page that has come to lead elsewhere keeps nothing, however many pages there are. */
Test(jump_cache, many_pages_elsewhere)
{
    enum { MANY = 100 };
    struct bench bench;
    set_up(&bench);
    for (unsigned i = 0; i < MANY; i++) {
        struct bt_tu tu = {
            .eip = CODE_LIN + i * VX_PAGE_BYTES, .entry = 0x1000 + i, .pages = 1, .page = { 0x30 + i }
        };
        map(&bench, TABLE, i, 0x30 + i, OK);
        bt_jc_fill(&bench.jc, &tu);
    }
    for (unsigned i = 0; i < MANY; i++)
        map(&bench, TABLE, i, 0x31 + i, OK);
    load_cr3(&bench, DIRECTORY);
    for (unsigned i = 0; i < MANY; i++)
        cr_expect_eq(bt_jc_probe(&bench.jc, CODE_LIN + i * VX_PAGE_BYTES), 0, "page %u", i);
    tear_down(&bench);
}

/* In a code segment with a base all of the cache goes with a page, but not what the new entry leans on. */
Test(jump_cache, a_unit_across_pages_of_which_one_has_changed_unseen)
{
    struct bench bench;
    set_up(&bench);
    bench.view.cs_base = 16;
    bt_jc_select(&bench.jc, &bench.view, bench.rig.vcpu->mmu);
    struct bt_tu first = unit_at(0x10, 1), across = unit_at(0xFFE, 2);
    first.cs_base = across.cs_base = 16;
    first.eip -= 16;
    across.eip -= 16;
    across.page[0] = ELSEWHERE_PAGE;
    bt_jc_fill(&bench.jc, &first);
    bt_jc_fill(&bench.jc, &across);
    cr_expect(!has(&bench, &first));
    cr_expect(has(&bench, &across));
    map(&bench, TABLE, 0, ELSEWHERE_PAGE, OK);
    map(&bench, TABLE, 1, ELSEWHERE_PAGE + 1, OK);
    load_cr3(&bench, DIRECTORY);
    cr_expect(!has(&bench, &across), "its second page leads elsewhere");
    tear_down(&bench);
}

/* Global entries stay through a change of CR3 and go with everything. */
Test(jump_cache, global_entries)
{
    struct bench bench;
    set_up(&bench);
    struct bt_tu tu = unit_at(0x10, 1);
    tu.global = true;
    bt_jc_fill(&bench.jc, &tu);
    map(&bench, TABLE, 0, ELSEWHERE_PAGE, OK);
    load_cr3(&bench, DIRECTORY);
    cr_expect(has(&bench, &tu));
    bt_jc_flush(&bench.jc, true);
    cr_expect(!has(&bench, &tu));
    tear_down(&bench);
}

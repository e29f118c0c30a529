/* The map of guest physical memory by itself: backing, mixtures, bus splitting, bad sizes. */
#include "rig.h"

Test(pmap, sizes_are_checked)
{
    static const struct {
        uint64_t ram, extra;
        vx_err err;
    } table[] = {
        { 1 << 20, 0, VX_ERR_OK },
        { 3ull << 30, 1 << 20, VX_ERR_OK },
        { (1 << 20) - 4096, 0, VX_ERR_RANGE },
        { 0, 0, VX_ERR_RANGE },
        { (3ull << 30) + 4096, 0, VX_ERR_RANGE },
        { (2 << 20) + 1, 0, VX_ERR_RANGE },
        { UINT64_MAX & ~4095ull, 0, VX_ERR_RANGE },
        { 1 << 20, UINT64_MAX, VX_ERR_RANGE },
        { 1 << 20, 1, VX_ERR_OK },
    };
    FILE *sink = fopen("/dev/null", "w");
    struct vx_log *log = vx_log_create(sink);
    struct vx_stats stats;
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        struct vx_pmap_config config = {
            .log = log, .stats = &stats, .ram_bytes = table[i].ram, .extra_bytes = table[i].extra
        };
        struct vx_pmap *pmap = NULL;
        cr_assert_eq(vx_pmap_create(&config, &pmap), table[i].err, "row %zu", i);
        if (pmap != NULL)
            cr_assert_eq(vx_pmap_ram_bytes(pmap), table[i].ram);
        vx_pmap_destroy(pmap);
    }
    vx_log_destroy(log);
    fclose(sink);
}

Test(pmap, alloc_until_used_up)
{
    struct rig *rig = rig_create();
    uint32_t ram_pages = (uint32_t)(RAM_BYTES >> 12);
    cr_assert_eq(vx_pmap_alloc(rig->pmap, 1), ram_pages);
    cr_assert_eq(vx_pmap_alloc(rig->pmap, 0x2000), ram_pages + 1);
    cr_assert_eq(vx_pmap_alloc(rig->pmap, EXTRA_BYTES), VX_PMAP_BUS);
    cr_assert_eq(vx_pmap_alloc(rig->pmap, UINT64_MAX), VX_PMAP_BUS);
    cr_assert_eq(vx_pmap_alloc(rig->pmap, EXTRA_BYTES - 0x3000), ram_pages + 3);
    cr_assert_eq(vx_pmap_alloc(rig->pmap, 1), VX_PMAP_BUS);
    cr_assert(vx_pmap_page_hva(rig->pmap, ram_pages) == vx_pmap_page_hva(rig->pmap, 0) + RAM_BYTES);
    rig_destroy(rig);
}

Test(pmap, where_frames_lead)
{
    struct rig *rig = rig_create();
    uint32_t rom = vx_pmap_alloc(rig->pmap, 0x2000);
    vx_pmap_map(rig->pmap, 0xFFFFE000, 0x2000, rom, VX_PMAP_DISCARD);
    vx_pmap_map(rig->pmap, 0xA0000, 0x20000, VX_PMAP_BUS, VX_PMAP_BUS);
    static const uint64_t no = VX_PMAP_BUS;
    const struct {
        uint64_t phys, read, write;
    } table[] = {
        { 0, 0, 0 },
        { 0x9FFFF, 0x9F, 0x9F },
        { 0xA0000, no, no },
        { 0xBFFFF, no, no },
        { 0xC0000, 0xC0, 0xC0 },
        { RAM_BYTES - 1, (RAM_BYTES - 1) >> 12, (RAM_BYTES - 1) >> 12 },
        { RAM_BYTES, no, no },
        { 0xFFFFDFFF, no, no },
        { 0xFFFFE000, rom, VX_PMAP_DISCARD },
        { 0xFFFFFFFF, rom + 1, VX_PMAP_DISCARD },
        { 0x100000000, no, no },
        { UINT64_MAX, no, no },
        { 0x100000000000, no, no },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++) {
        cr_assert_eq(vx_pmap_read_page(rig->pmap, table[i].phys), table[i].read, "row %zu", i);
        cr_assert_eq(vx_pmap_write_page(rig->pmap, table[i].phys), table[i].write, "row %zu", i);
        cr_assert_eq(vx_pmap_read_ptr(rig->pmap, table[i].phys) != NULL, table[i].read != no, "row %zu", i);
        cr_assert_eq(vx_pmap_write_ptr(rig->pmap, table[i].phys) != NULL, table[i].write < VX_PMAP_DISCARD, "row %zu",
                     i);
    }
    rig_destroy(rig);
}

Test(pmap, dma_over_ram_rom_and_bus)
{
    struct rig *rig = rig_create();
    uint32_t rom = vx_pmap_alloc(rig->pmap, 0x1000);
    memset(vx_pmap_page_hva(rig->pmap, rom), 0x77, 0x1000);
    vx_pmap_map(rig->pmap, 0x11000, 0x1000, rom, VX_PMAP_DISCARD);
    vx_pmap_map(rig->pmap, 0x12000, 0x1000, VX_PMAP_BUS, VX_PMAP_BUS);
    static uint8_t buf[0x3000];
    memset(buf, 0x55, sizeof buf);
    vx_pmap_write(rig->pmap, 0x10FFF, buf, 0x1001 + 7);
    cr_assert(get(rig, 0x10FFF, 1) == 0x55 && get(rig, 0x11000, 1) == 0x77 && get(rig, 0x11FFF, 1) == 0x77);
    cr_assert(rig->bus_writes == 3 && rig->bus_phys == 0x12006 && rig->bus_size == 1, "%u writes", rig->bus_writes);
    vx_pmap_read(rig->pmap, 0x11FFE, buf, 2 + 4 + 1);
    cr_assert(buf[0] == 0x77 && buf[1] == 0x77 && buf[2] == 0 && buf[6] == 4, "%x %x", buf[2], buf[6]);
    cr_assert(rig->bus_reads == 2 && rig->bus_phys == 0x12004 && rig->bus_size == 1);
    rig->bus_reads = 0;
    vx_pmap_read(rig->pmap, 0x12001, buf, 6); /* 1, 2, 2, 1: aligned */
    cr_assert_eq(rig->bus_reads, 4, "%u", rig->bus_reads);
    rig->bus_reads = 0;
    vx_pmap_read(rig->pmap, UINT64_MAX - 1, buf, 4); /* wraps around at the end of everything */
    cr_assert(buf[2] == get(rig, 0, 1) && buf[3] == get(rig, 1, 1));
    rig_destroy(rig);
}

struct change {
    unsigned count;
    uint32_t page[8], pages[8];
    bool writes_only[8];
};

static void changed(void *opaque, uint32_t page, uint32_t count, bool writes_only)
{
    struct change *change = opaque;
    if (change->count < 8) {
        change->page[change->count] = page;
        change->pages[change->count] = count;
        change->writes_only[change->count] = writes_only;
    }
    change->count++;
}

static bool news(const struct change *change, unsigned i, uint32_t page, uint32_t count, bool writes_only)
{
    return change->page[i] == page && change->pages[i] == count && change->writes_only[i] == writes_only;
}

Test(pmap, change_news_are_runs_of_old_pages)
{
    struct rig *rig = rig_create();
    struct change change = { 0 };
    uint32_t rom = vx_pmap_alloc(rig->pmap, 0x4000);
    vx_pmap_on_change(rig->pmap, changed, &change);
    vx_pmap_map(rig->pmap, 0xC0000, 0x4000, 0xC0, 0xC0); /* as it was */
    cr_assert_eq(change.count, 0);
    vx_pmap_map(rig->pmap, 0xC0000, 0x4000, 0xC0, VX_PMAP_DISCARD);
    cr_assert(change.count == 1 && news(&change, 0, 0xC0, 4, true));
    vx_pmap_map(rig->pmap, 0xC0000, 0x4000, rom, VX_PMAP_DISCARD);
    cr_assert(change.count == 2 && news(&change, 1, 0xC0, 4, false));
    vx_pmap_map(rig->pmap, 0xC0000, 0x4000, rom, 0xC0); /* nobody could write before */
    cr_assert_eq(change.count, 2);
    vx_pmap_map(rig->pmap, 0xBE000, 0x4000, VX_PMAP_BUS, VX_PMAP_BUS);
    cr_assert_eq(change.count, 2 + 3);
    cr_assert(news(&change, 2, 0xBE, 2, false) && news(&change, 3, rom, 2, false) && news(&change, 4, 0xBE, 4, true));
    vx_pmap_mark_code(rig->pmap, 0x33, true);
    vx_pmap_mark_code(rig->pmap, 0x33, true);
    cr_assert(change.count == 6 && news(&change, 5, 0x33, 1, true) && vx_pmap_is_code(rig->pmap, 0x33));
    vx_pmap_mark_code(rig->pmap, 0x33, false);
    vx_pmap_mark_code(rig->pmap, VX_PMAP_BUS, true);
    cr_assert(change.count == 6 && !vx_pmap_is_code(rig->pmap, 0x33) && !vx_pmap_is_code(rig->pmap, VX_PMAP_BUS));
    vx_pmap_set_a20(rig->pmap, true);
    cr_assert_eq(change.count, 6);
    vx_pmap_set_a20(rig->pmap, false);
    cr_assert(change.count == 7 && news(&change, 6, 0, UINT32_MAX, false));
    vx_pmap_remove_listeners(rig->pmap, &change);
    vx_pmap_set_a20(rig->pmap, true);
    cr_assert_eq(change.count, 7);
    rig_destroy(rig);
}

/* What is mapped under an overlay shows when it goes, around it at once. */
Test(pmap, overlay)
{
    struct rig *rig = rig_create();
    struct vx_pmap *pmap = rig->pmap;
    vx_pmap_map(pmap, 0x20000, 0x4000, VX_PMAP_BUS, VX_PMAP_BUS);
    vx_pmap_cover(pmap, 0x20000, 0x4000, 0x80);
    cr_assert(vx_pmap_read_page(pmap, 0x20000) == 0x80 && vx_pmap_write_page(pmap, 0x23000) == 0x83);
    vx_pmap_map(pmap, 0x1F000, 0x3000, 0x90, VX_PMAP_DISCARD);
    vx_pmap_map(pmap, 0x23000, 0x2000, 0x98, 0x98);
    cr_assert(vx_pmap_read_page(pmap, 0x1F000) == 0x90 && vx_pmap_write_page(pmap, 0x1F000) == VX_PMAP_DISCARD);
    cr_assert(vx_pmap_read_page(pmap, 0x21000) == 0x81 && vx_pmap_read_page(pmap, 0x24000) == 0x99);
    vx_pmap_uncover(pmap);
    cr_assert(vx_pmap_read_page(pmap, 0x20000) == 0x91 && vx_pmap_write_page(pmap, 0x21000) == VX_PMAP_DISCARD);
    cr_assert(vx_pmap_read_page(pmap, 0x22000) == VX_PMAP_BUS && vx_pmap_write_page(pmap, 0x23000) == 0x98);
    rig_destroy(rig);
}

Test(pmap, two_in_one_process)
{
    struct rig *a = rig_create(), *b = rig_create();
    put(a, 0x1000, 4, 0xAAAA);
    put(b, 0x1000, 4, 0xBBBB);
    cr_assert(get(a, 0x1000, 4) == 0xAAAA && get(b, 0x1000, 4) == 0xBBBB);
    cr_assert(vx_pmap_memfd(a->pmap) >= 0 && vx_pmap_memfd(a->pmap) != vx_pmap_memfd(b->pmap));
    rig_destroy(a);
    cr_assert_eq(get(b, 0x1000, 4), 0xBBBB);
    rig_destroy(b);
}

struct observed {
    char text[256];
    size_t used;
};

static void note(struct observed *seen, const char *what, uint64_t a, uint64_t b, uint64_t c)
{
    int n = snprintf(seen->text + seen->used, sizeof seen->text - seen->used,
                     "%s %" PRIx64 " %" PRIx64 " %" PRIx64 "; ", what, a, b, c);
    seen->used += (size_t)n;
}

static void see_mapped(void *opaque, uint64_t phys, uint64_t bytes, uint32_t read_page, uint32_t write_page)
{
    note(opaque, write_page == VX_PMAP_DISCARD ? "rom" : "map", phys, bytes, read_page);
}

static void see_a20(void *opaque, bool enabled)
{
    note(opaque, "a20", enabled, 0, 0);
}

static void see_written(void *opaque, uint32_t page, uint32_t off, uint32_t bytes)
{
    note(opaque, "write", page, off, bytes);
}

/* Every way to change memory through the map, and nothing for what changes nothing. */
Test(pmap, observer_sees_all_that_goes_through)
{
    static const struct vx_pmap_observer observer = { see_mapped, see_a20, see_written };
    struct rig *rig = rig_create();
    struct observed seen = { .used = 0 };
    uint32_t extra = vx_pmap_alloc(rig->pmap, 0x2000);
    cr_assert_eq(vx_pmap_pages(rig->pmap), (RAM_BYTES + EXTRA_BYTES) >> 12);
    vx_pmap_observe(rig->pmap, &observer, &seen);
    vx_pmap_map(rig->pmap, 0xFFFFF000, 0x1000, extra, VX_PMAP_DISCARD);
    vx_pmap_write(rig->pmap, 0x1FFE, "abcd", 4);
    vx_pmap_write(rig->pmap, 0xFFFFF000, "abcd", 4); /* ROM */
    vx_pmap_store(rig->pmap, 0x3008, 2, 7);
    vx_pmap_wrote(rig->pmap, 0x4FFF, 1);
    vx_pmap_wrote_page(rig->pmap, extra + 1, 8, 4);
    vx_pmap_set_a20(rig->pmap, false);
    vx_pmap_set_a20(rig->pmap, false);
    vx_pmap_observe(rig->pmap, NULL, NULL);
    vx_pmap_store(rig->pmap, 0x3008, 2, 8);
    cr_assert_str_eq(seen.text, "rom fffff000 1000 800; write 1 ffe 2; write 2 0 2; write 3 8 2; write 4 fff 1; "
                                "write 801 8 4; a20 0 0 0; ");
    rig_destroy(rig);
}

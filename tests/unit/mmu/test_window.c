/* Windows: what may be accessed through them, and what flushes, the pmap's news and a host that refuses take away. */
#include <fcntl.h>
#include <unistd.h>

#include "rig.h"

static const enum vx_view SUP = VX_VIEW_SUPERVISOR, USER = VX_VIEW_USER;

static void open_windows(struct rig *rig, struct vx_window_config config)
{
    const char *reason;
    if (sysconf(_SC_PAGESIZE) > 4096)
        cr_skip_test("pages of this host are larger than the guest's");
    cr_assert_eq(vx_mmu_open_windows(rig->mmu, &config, &reason), VX_ERR_OK, "%s", reason);
    vx_mmu_update_window(rig->mmu, SUP);
}

/* What the host says of a byte of the window: the kernel reads or writes it on our behalf, without a signal. */
static bool readable(struct rig *rig, enum vx_view view, uint32_t lin)
{
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    bool ok = write(pipes[1], rig->mmu->window[view] + lin, 1) == 1;
    close(pipes[0]);
    close(pipes[1]);
    return ok;
}

static bool writable(struct rig *rig, enum vx_view view, uint32_t lin)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    bool ok = read(zero, rig->mmu->window[view] + lin, 1) == 1;
    close(zero);
    return ok;
}

/* An access as translated code makes it: through the window, or by the walk and then the mmu is asked. */
static enum vx_window_answer use(struct rig *rig, enum vx_view view, uint32_t lin, bool write)
{
    vx_mmu_sync_window(rig->mmu, view);
    cr_assert(touch(rig, lin, write ? VX_ACCESS_WRITE : VX_ACCESS_READ, view));
    return vx_mmu_window_fault(rig->mmu, view, lin, write);
}

static void sync_both(struct rig *rig)
{
    vx_mmu_sync_window(rig->mmu, SUP);
    vx_mmu_sync_window(rig->mmu, USER);
}

Test(window, unpaged_memory_is_one_run)
{
    struct rig *rig = rig_create();
    open_windows(rig, (struct vx_window_config){ 0 });
    cr_assert(!readable(rig, SUP, 0x5000));
    cr_assert_eq(use(rig, SUP, 0x5000, true), VX_WINDOW_FILLED);
    cr_assert(writable(rig, SUP, 0x5000) && readable(rig, SUP, 0) && writable(rig, SUP, RAM_BYTES - 1));
    cr_assert(!readable(rig, SUP, RAM_BYTES), "beyond the guest's memory");
    cr_assert_eq(rig->stats.window_maps, 2, "the trial and one run");
    put(rig, 0x5004, 4, 0x12345678);
    cr_assert_eq(*(volatile uint32_t *)(rig->mmu->window[SUP] + 0x5004), 0x12345678);
    rig_destroy(rig);
}

Test(window, what_nobody_backs_is_declined)
{
    struct rig *rig = rig_create();
    open_windows(rig, (struct vx_window_config){ 0 });
    cr_assert_eq(use(rig, SUP, 0xF0000000, false), VX_WINDOW_DECLINED);
    uint32_t rom = vx_pmap_alloc(rig->pmap, 0x1000);
    vx_pmap_map(rig->pmap, 0xE0000000, 0x1000, rom, VX_PMAP_DISCARD);
    cr_assert_eq(use(rig, SUP, 0xE0000000, false), VX_WINDOW_FILLED);
    cr_assert(readable(rig, SUP, 0xE0000000) && !writable(rig, SUP, 0xE0000000), "ROM");
    cr_assert_eq(use(rig, SUP, 0xE0000000, true), VX_WINDOW_DECLINED);
    vx_pmap_map(rig->pmap, 0xE0000000, 0x1000, VX_PMAP_BUS, VX_PMAP_BUS);
    sync_both(rig);
    cr_assert(!readable(rig, SUP, 0xE0000000), "no longer there");
    rig_destroy(rig);
}

Test(window, accessed_and_dirty_bits_come_first)
{
    struct rig *rig = rig_create();
    open_windows(rig, (struct vx_window_config){ .eager = true });
    map_page(rig, 0x10000, 0x100000, P | RW);
    map_page(rig, 0x11000, 0x101000, P | RW | A);
    map_page(rig, 0x12000, 0x102000, P | RW | A | D);
    map_page(rig, 0x13000, 0x103000, P | A | D);
    map_page(rig, 0x14000, 0x104000, P | US | RW | A | D);
    rig_page_32bit(rig, CR0_WP, 0);
    cr_assert_eq(use(rig, SUP, 0x12000, true), VX_WINDOW_FILLED);
    cr_assert(writable(rig, SUP, 0x12000));
    cr_assert(!readable(rig, SUP, 0x10000), "A is clear");
    cr_assert(!readable(rig, SUP, 0x14000), "a user page in the supervisor's window");
    cr_assert_eq(use(rig, SUP, 0x11000, false), VX_WINDOW_FILLED);
    cr_assert(readable(rig, SUP, 0x11000) && !writable(rig, SUP, 0x11000), "D is clear");
    cr_assert_eq(get(rig, 0x2000 + 0x11 * 4, 4) & D, 0);
    cr_assert_eq(use(rig, SUP, 0x11000, true), VX_WINDOW_FILLED);
    cr_assert(writable(rig, SUP, 0x11000));
    cr_assert_eq(use(rig, SUP, 0x13000, false), VX_WINDOW_FILLED);
    cr_assert(!writable(rig, SUP, 0x13000), "R/W is clear");
    cr_assert_eq(use(rig, SUP, 0x14000, false), VX_WINDOW_DECLINED);
    vx_mmu_sync_window(rig->mmu, USER);
    cr_assert(rig->mmu->window[USER] != NULL && writable(rig, USER, 0x14000) && !readable(rig, USER, 0x12000));
    rig_destroy(rig);
}

Test(window, a_user_window_is_built_of_what_has_been_accessed)
{
    struct rig *rig = rig_create();
    open_windows(rig, (struct vx_window_config){ 0 });
    map_page(rig, 0x10000, 0x100000, P | RW | US | A | D);
    map_page(rig, 0x11000, 0x101000, P | RW | US);
    rig_page_32bit(rig, 0, 0);
    cr_assert(touch(rig, 0x10000, VX_ACCESS_READ, USER)); /* A in the directory */
    sync_both(rig);
    cr_assert(rig->mmu->window[USER] == NULL, "a young address space has none");
    vx_mmu_spend_user(rig->mmu, 1000);
    cr_assert(!rig->mmu->window_due[USER]);
    vx_mmu_spend_user(rig->mmu, 1ull << 40);
    sync_both(rig);
    cr_assert(rig->mmu->window[USER] != NULL && writable(rig, USER, 0x10000) && !readable(rig, USER, 0x11000));
    cr_assert_eq(rig->stats.window_promotions, 1);
    rig_destroy(rig);
}

static const struct {
    const char *name;
    uint32_t before, after; /* entries of 11000h */
    bool reads, writes;     /* afterwards */
} edits[] = {
    { "nothing", 0x101000 | P | RW | A | D, 0x101000 | P | RW | A | D, true, true },
    { "another frame", 0x101000 | P | RW | A | D, 0x107000 | P | RW | A | D, false, false },
    { "not present", 0x101000 | P | RW | A | D, 0, false, false },
    { "read-only", 0x101000 | P | RW | A | D, 0x101000 | P | A | D, true, false },
    { "A cleared", 0x101000 | P | RW | A | D, 0x101000 | P | RW | D, false, false },
    { "D cleared", 0x101000 | P | RW | A | D, 0x101000 | P | RW | A, true, false },
    { "user", 0x101000 | P | RW | A | D, 0x101000 | P | RW | US | A | D, false, false },
    { "writable: left to the next store", 0x101000 | P | A | D, 0x101000 | P | RW | A | D, true, false },
};

enum { BY_CR3, BY_INVLPG, BY_FLUSH, WAYS };

static void flush_by(struct rig *rig, unsigned way)
{
    if (way == BY_CR3)
        cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, true));
    else if (way == BY_INVLPG)
        vx_mmu_invlpg(rig->mmu, 0x11000);
    else
        vx_mmu_flush(rig->mmu, true);
    sync_both(rig);
}

Test(window, flushes_compare_with_the_tables)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(edits) * WAYS; i++) {
        struct rig *rig = rig_create();
        unsigned way = i % WAYS, e = i / WAYS;
        open_windows(rig, (struct vx_window_config){ 0 });
        map_page(rig, 0x10000, 0x100000, P | RW | A | D);
        put(rig, 0x2000 + 0x11 * 4, 4, edits[e].before);
        map_page(rig, 0x12000, 0x102000, P | RW | A | D);
        rig_page_32bit(rig, 0, 0);
        for (uint32_t lin = 0x10000; lin <= 0x12000; lin += 0x1000)
            use(rig, SUP, lin, false);
        cr_assert(readable(rig, SUP, 0x11000));
        put(rig, 0x2000 + 0x11 * 4, 4, edits[e].after);
        flush_by(rig, way);
        cr_assert_eq(readable(rig, SUP, 0x11000), edits[e].reads, "%s, way %u", edits[e].name, way);
        cr_assert_eq(writable(rig, SUP, 0x11000), edits[e].writes, "%s, way %u: writes", edits[e].name, way);
        cr_assert(writable(rig, SUP, 0x10000) && writable(rig, SUP, 0x12000), "%s: neighbours", edits[e].name);
        rig_destroy(rig);
    }
}

Test(window, an_entry_that_comes_back_is_seen)
{
    struct rig *rig = rig_create();
    open_windows(rig, (struct vx_window_config){ 0 });
    map_page(rig, 0x10000, 0x100000, P | RW | A | D);
    map_page(rig, 0x11000, 0x101000, P | RW | A | D);
    rig_page_32bit(rig, 0, 0);
    use(rig, SUP, 0x10000, true); /* the copy of the table is of now */
    map_page(rig, 0x15000, 0x105000, P | RW | A | D);
    use(rig, SUP, 0x15000, true); /* mapped by a later entry */
    put(rig, 0x2000 + 0x15 * 4, 4, 0);
    flush_by(rig, BY_CR3);
    cr_assert(!readable(rig, SUP, 0x15000) && readable(rig, SUP, 0x11000));
    rig_destroy(rig);
}

Test(window, code_pages_and_tracked_pages_are_read_only)
{
    struct rig *rig = rig_create();
    open_windows(rig, (struct vx_window_config){ 0 });
    cr_assert_eq(use(rig, SUP, 0x5000, true), VX_WINDOW_FILLED);
    vx_pmap_mark_code(rig->pmap, 5, true);
    cr_assert(readable(rig, SUP, 0x5000) && !writable(rig, SUP, 0x5000) && writable(rig, SUP, 0x6000));
    cr_assert_eq(use(rig, SUP, 0x5000, true), VX_WINDOW_DECLINED);
    vx_pmap_mark_code(rig->pmap, 5, false);
    cr_assert_eq(use(rig, SUP, 0x5000, true), VX_WINDOW_FILLED);
    cr_assert(writable(rig, SUP, 0x5000));

    uint8_t dirty[1];
    vx_pmap_track_dirty(rig->pmap, 8, 4, true);
    cr_assert(readable(rig, SUP, 0x9000) && !writable(rig, SUP, 0x8000) && !writable(rig, SUP, 0xB000));
    cr_assert_eq(use(rig, SUP, 0x9000, true), VX_WINDOW_FILLED);
    cr_assert(writable(rig, SUP, 0x9000) && !writable(rig, SUP, 0xA000), "opened by its first write alone");
    cr_assert(vx_pmap_take_dirty(rig->pmap, 8, 4, dirty));
    cr_assert_eq(dirty[0], 2);
    cr_assert(!writable(rig, SUP, 0x9000), "watched again");
    rig_destroy(rig);
}

Test(window, every_alias_of_a_code_page_is_protected)
{
    struct rig *rig = rig_create();
    open_windows(rig, (struct vx_window_config){ .eager = true });
    for (uint32_t i = 0; i < 50; i++)
        map_page(rig, 0x10000 + i * 0x2000, 0x100000, P | RW | A | D | (i & 1 ? US : 0));
    rig_page_32bit(rig, 0, 0);
    for (uint32_t i = 0; i < 50; i++)
        cr_assert_eq(use(rig, i & 1 ? USER : SUP, 0x10000 + i * 0x2000, true), VX_WINDOW_FILLED);
    vx_pmap_mark_code(rig->pmap, 0x100, true);
    for (uint32_t i = 0; i < 50; i++)
        cr_assert(readable(rig, i & 1 ? USER : SUP, 0x10000 + i * 0x2000) &&
                      !writable(rig, i & 1 ? USER : SUP, 0x10000 + i * 0x2000),
                  "alias %u", i);
    rig_destroy(rig);
}

Test(window, watched_pages_are_not_written_by_window)
{
    struct rig *rig = rig_create();
    struct vx_mmu_watch watch = { .first = 0x5010, .last = 0x5013, .kinds = VX_WATCH_WRITE };
    open_windows(rig, (struct vx_window_config){ 0 });
    use(rig, SUP, 0x4000, true);
    cr_assert(writable(rig, SUP, 0x5000));
    vx_mmu_set_watches(rig->mmu, &watch, 1, NULL, NULL);
    sync_both(rig);
    cr_assert_eq(use(rig, SUP, 0x4000, true), VX_WINDOW_FILLED);
    cr_assert_eq(use(rig, SUP, 0x5000, false), VX_WINDOW_FILLED);
    cr_assert(writable(rig, SUP, 0x4000) && readable(rig, SUP, 0x5000) && !writable(rig, SUP, 0x5000));
    cr_assert_eq(use(rig, SUP, 0x5000, true), VX_WINDOW_DECLINED);
    watch.kinds = VX_WATCH_READ;
    vx_mmu_set_watches(rig->mmu, &watch, 1, NULL, NULL);
    sync_both(rig);
    cr_assert_eq(use(rig, SUP, 0x4000, true), VX_WINDOW_FILLED);
    cr_assert(writable(rig, SUP, 0x4000) && !readable(rig, SUP, 0x5000));
    vx_mmu_set_watches(rig->mmu, NULL, 0, NULL, NULL);
    sync_both(rig);
    cr_assert_eq(use(rig, SUP, 0x5000, true), VX_WINDOW_FILLED);
    rig_destroy(rig);
}

Test(window, a20_moves_every_second_mebibyte)
{
    struct rig *rig = rig_create();
    open_windows(rig, (struct vx_window_config){ 0 });
    use(rig, SUP, 0x100000, true);
    put(rig, 0x0, 4, 0x11111111);
    put(rig, 0x100000, 4, 0x22222222);
    vx_pmap_set_a20(rig->pmap, false);
    sync_both(rig);
    cr_assert(!readable(rig, SUP, 0x100000));
    use(rig, SUP, 0x100000, true);
    cr_assert_eq(*(volatile uint32_t *)(rig->mmu->window[SUP] + 0x100000), 0x11111111);
    rig_destroy(rig);
}

Test(window, large_pages_and_pae)
{
    struct rig *rig = rig_create();
    open_windows(rig, (struct vx_window_config){ 0 });
    put(rig, 0x1000 + 4, 4, PS | P | RW | A | D);
    rig_page_32bit(rig, 0, CR4_PSE);
    cr_assert_eq(use(rig, SUP, 0x400000, true), VX_WINDOW_FILLED);
    cr_assert(writable(rig, SUP, 0x7FFFFF) && !readable(rig, SUP, 0x800000));
    put(rig, 0x3000, 8, 0x4000 | P);
    put(rig, 0x4000 + 8, 8, 0x200000 | PS | P | RW | A | D);
    rig->paging.cr3 = 0x3000;
    rig->paging.cr4 = CR4_PAE;
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, true));
    sync_both(rig);
    cr_assert(!readable(rig, SUP, 0x400000), "entries mean something else");
    cr_assert_eq(use(rig, SUP, 0x200000, true), VX_WINDOW_FILLED);
    cr_assert(writable(rig, SUP, 0x3FFFFF) && !readable(rig, SUP, 0x400000));
    put(rig, 0x200010, 4, 0x33333333);
    cr_assert_eq(*(volatile uint32_t *)(rig->mmu->window[SUP] + 0x200010), 0x33333333);
    rig_destroy(rig);
}

/* Pages of a checkerboard take two mappings each. */
Test(window, a_budget_bounds_the_mappings)
{
    struct rig *rig = rig_create();
    unsigned filled = 0, declined = 0;
    open_windows(rig, (struct vx_window_config){ .maps = 64 });
    for (uint32_t i = 0; i < 256; i++)
        map_page(rig, 0x10000 + i * 0x2000, 0x100000 + i * 0x3000, P | RW | A | D);
    rig_page_32bit(rig, 0, 0);
    for (uint32_t i = 0; i < 256; i++)
        use(rig, SUP, 0x10000 + i * 0x2000, true) == VX_WINDOW_FILLED ? filled++ : declined++;
    cr_assert(filled > 8 && filled <= 32 && declined == 256 - filled, "%u filled", filled);
    rig_destroy(rig);
}

/* Whatever call the host refuses: what is readable or writable is allowed by the tables. */
Test(window, a_host_that_refuses_takes_the_window_and_nothing_else)
{
    for (uint32_t every = 3; every < 12; every++) {
        struct rig *rig = rig_create();
        const char *reason;
        struct vx_window_config config = { .fail_every = every };
        if (vx_mmu_open_windows(rig->mmu, &config, &reason) != VX_ERR_OK) {
            cr_assert_not_null(reason);
            rig_destroy(rig);
            continue;
        }
        for (uint32_t i = 0; i < 64; i++)
            map_page(rig, 0x10000 + i * 0x1000, 0x100000 + i * 0x2000, P | RW | A | D);
        rig_page_32bit(rig, 0, 0);
        for (uint32_t i = 0; i < 64; i++) {
            uint32_t gone = 0x10000 + (i * 7 % 64) * 0x1000;
            sync_both(rig);
            use(rig, SUP, 0x10000 + i * 0x1000, true);
            put(rig, 0x2000 + (gone >> 12) * 4, 4, 0);
            vx_mmu_invlpg(rig->mmu, gone);
            vx_pmap_mark_code(rig->pmap, 0x100 + 2 * i, true);
            sync_both(rig);
            if (rig->mmu->window[SUP] == NULL)
                continue;
            cr_assert(!readable(rig, SUP, gone), "every %u, %u: gone", every, i);
            cr_assert(!writable(rig, SUP, 0x10000 + i * 0x1000), "every %u, %u: code", every, i);
            map_page(rig, gone, 0x100000 + (gone >> 12) * 0x2000 - 0x20000, P | RW | A | D);
        }
        rig_destroy(rig);
    }
}

Test(window, refused_from_the_start)
{
    struct rig *rig = rig_create();
    const char *reason = NULL;
    struct vx_window_config config = { .fail_every = 1 };
    cr_assert_eq(vx_mmu_open_windows(rig->mmu, &config, &reason), VX_ERR_UNSUPPORTED);
    cr_assert_str_eq(reason,
                     sysconf(_SC_PAGESIZE) > 4096 ? "its pages are larger than 4 KiB" : "it refuses the address space");
    vx_mmu_update_window(rig->mmu, SUP);
    cr_assert(rig->mmu->window[SUP] == NULL);
    rig_destroy(rig);
}

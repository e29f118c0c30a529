/* test_state_board.c - whole boards saved and loaded: the loaded one goes on like the one that was saved, whatever it
 * was before; and sections that are damaged are refused or do no harm. */
#include "board_rig.h"
#include "vx86/bytes.h"

/* All of a board that is not its chips', and their sections, one after the other. */
struct saved {
    struct vx_clock_state clock;
    uint64_t retired;
    uint8_t ram[ROM_RAM_BYTES];
    uint8_t media[BOARD_MEDIA][BOARD_DISK_BYTES];
    struct state_buffer chips;
};

static struct saved *save(struct board *board)
{
    struct saved *saved = calloc(1, sizeof *saved);
    if (board->mips != 0)
        board_settle(board); /* a request that waits for its time is saved; under a fake clock one that is not home */
    saved->retired = board->pc->cpu[0].vcpu->retired;
    vx_clock_get_state(board->clock, &saved->clock);
    memcpy(saved->ram, vx_pmap_page_hva(board->pc->pmap, 0), ROM_RAM_BYTES);
    for (unsigned i = 0; i < BOARD_MEDIA; i++)
        memcpy(saved->media[i], board->media[i].bytes, BOARD_DISK_BYTES);
    for (unsigned i = 0; i < board->pc->device_count; i++) {
        vx_err err = state_save(board->pc->devices[i].type, board->pc->devices[i].instance, &saved->chips);
        cr_assert_eq(err, VX_ERR_OK);
    }
    return saved;
}

static void drop(struct saved *saved)
{
    free(saved->chips.bytes);
    free(saved);
}

static void restored(struct board *board)
{
    for (unsigned i = 0; i < board->pc->device_count; i++)
        if (board->pc->devices[i].type->restored != NULL)
            board->pc->devices[i].type->restored(board->pc->devices[i].instance);
}

static void load(struct board *board, const struct saved *saved)
{
    size_t at = 0;
    board_settle(board);
    board->pc->cpu[0].vcpu->retired = saved->retired;
    cr_assert_eq(vx_clock_set_state(board->clock, &saved->clock), VX_ERR_OK);
    memcpy(vx_pmap_page_hva(board->pc->pmap, 0), saved->ram, ROM_RAM_BYTES);
    for (unsigned i = 0; i < BOARD_MEDIA; i++)
        memcpy(board->media[i].bytes, saved->media[i], BOARD_DISK_BYTES);
    for (unsigned i = 0; i < board->pc->device_count; i++) {
        const uint8_t *section = saved->chips.bytes + at;
        size_t bytes = state_section_bytes(section, saved->chips.count - at);
        struct state_error error;
        vx_err err =
            state_load(board->pc->devices[i].type, board->pc->devices[i].instance, section, bytes, false, &error);
        cr_assert_eq(err, VX_ERR_OK, "%s", error.text);
        at += bytes;
    }
    cr_assert_eq(at, saved->chips.count);
    restored(board);
}

/* ---- rows that are no state ------------------------------------------------------------------------------------- */

/* Members that are neither made again nor constant, and why no guest can tell. */
static const char *const free_members[] = {
    /* what a display has been shown: all is shown again */
    "display_timer", "changed", "redraw", "whole", "quiet_polls", "last_update_ns", "shown", "cells", "shown_cells",
    "pixels", "pixels_count", "line",
    /* a request of this process's, made again from its row */
    "request", "host_done", "at_once", "timer", "inner", "writes",
    "bar", /* where the guest moves it: maps_differ() looks there */
};

/* Regions are a bus's while they are on it: maps_differ() looks at those. */
static bool is_free(const struct state_field *field)
{
    bool is_region = field->size % sizeof(struct vx_region) == 0 || field->size == sizeof(struct one_region);
    for (size_t i = 0; i < VX_ARRAY_LEN(free_members) && !is_region; i++)
        if (strcmp(free_members[i], field->name) == 0)
            return true;
    return is_region;
}

/* The first row that is no state and derived, or not, whose member differs in two structs. */
static const char *rows_differ(const struct state_table *table, const uint8_t *a, const uint8_t *b, bool derived)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        const char *name = NULL;
        if (field->kind == STATE_STRUCT)
            for (uint32_t at = 0; at < field->size && name == NULL; at += field->table->bytes)
                name = rows_differ(field->table, a + field->off + at, b + field->off + at, derived);
        else if (field->kind == STATE_NONE && field->derived == derived && !is_free(field) &&
                 memcmp(a + field->off, b + field->off, field->size) != 0)
            name = field->name;
        if (name != NULL)
            return name;
    }
    return NULL;
}

/* Derived members by which restored() knows how things outside of the chip stand: on the bus, mapped. */
static const char *const notes_of_outside[] = {
    "on_bus", "pm_on_bus", "smb_on_bus", "window_page", "window_chain_4", "pages_aliased", "applied", "smram_shows",
};

static bool is_note(const char *name)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(notes_of_outside); i++)
        if (strcmp(notes_of_outside[i], name) == 0)
            return true;
    return false;
}

/* Every byte of a derived member becomes another one than in `model`, so that only restored() can make them equal. */
static void spoil_rows(const struct state_table *table, const uint8_t *model, uint8_t *chip)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        if (field->kind == STATE_STRUCT)
            for (uint32_t at = 0; at < field->size; at += field->table->bytes)
                spoil_rows(field->table, model + field->off + at, chip + field->off + at);
        else if (field->kind == STATE_NONE && field->derived && !is_free(field) && !is_note(field->name))
            for (uint32_t at = field->off; at < field->off + field->size; at++)
                chip[at] = model[at] ^ 1; /* a bool stays one */
    }
}

static void spoil(const struct board *model, struct board *board)
{
    for (unsigned i = 0; i < board->pc->device_count; i++) {
        const struct device *chip = &board->pc->devices[i];
        spoil_rows(chip->type->state, model->pc->devices[i].instance, chip->instance);
    }
}

/* restored() has made what is derived, whatever the chips were before. */
static bool derived_differ(const struct board *a, const struct board *b, struct state_error *where)
{
    for (unsigned i = 0; i < a->pc->device_count; i++) {
        const struct device *one = &a->pc->devices[i], *other = &b->pc->devices[i];
        const char *name = rows_differ(one->type->state, one->instance, other->instance, true);
        if (name != NULL) {
            snprintf(where->text, sizeof where->text, "%s: %s is no derived member", one->type->name, name);
            return true;
        }
    }
    return false;
}

/* All chips as they are now. */
static uint8_t **copy_chips(const struct board *board)
{
    uint8_t **copies = calloc(PC_MAX_DEVICES, sizeof *copies);
    for (unsigned i = 0; i < board->pc->device_count; i++) {
        copies[i] = malloc(board->pc->devices[i].type->state->bytes);
        memcpy(copies[i], board->pc->devices[i].instance, board->pc->devices[i].type->state->bytes);
    }
    return copies;
}

/* Wires are what they were when the board was made. Frees the copies. */
static void check_wires(const struct board *board, uint8_t **copies)
{
    for (unsigned i = 0; i < board->pc->device_count; i++) {
        const struct device *chip = &board->pc->devices[i];
        const char *name = rows_differ(chip->type->state, chip->instance, copies[i], false);
        cr_assert(name == NULL, "%s: %s is no wire: it has changed", chip->type->name, name);
        free(copies[i]);
    }
    free(copies);
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

struct map {
    struct {
        const char *name;
        uint64_t base, size;
    } region[256];
    unsigned count;
};

static void note_region(void *opaque, const struct vx_region *region)
{
    struct map *map = opaque;
    if (region->size != 0 && map->count < VX_ARRAY_LEN(map->region)) {
        map->region[map->count].name = region->name;
        map->region[map->count].base = region->base;
        map->region[map->count++].size = region->size;
    }
}

/* Who answers where: the regions on the buses, and each page of memory but for the holes between them. */
static bool maps_differ(const struct board *a, const struct board *b, struct state_error *where)
{
    static const uint64_t ranges[][2] = { { 0, 4 << 20 }, { 0xE0000000, 0xE2000000 }, { 0xFF000000, 0x100000000 } };
    struct map maps[2] = { { .count = 0 }, { .count = 0 } };
    const struct vx_pmap *one = a->pc->pmap, *other = b->pc->pmap;
    vx_bus_each(a->pc->bus, note_region, &maps[0]);
    vx_bus_each(b->pc->bus, note_region, &maps[1]);
    if (maps[0].count != maps[1].count) {
        snprintf(where->text, sizeof where->text, "%u regions, %u", maps[0].count, maps[1].count);
        return true;
    }
    for (unsigned i = 0; i < maps[0].count; i++)
        if (strcmp(maps[0].region[i].name, maps[1].region[i].name) != 0 ||
            maps[0].region[i].base != maps[1].region[i].base || maps[0].region[i].size != maps[1].region[i].size) {
            snprintf(where->text, sizeof where->text, "%.40s is elsewhere on the bus", maps[0].region[i].name);
            return true;
        }
    if (vx_pmap_a20(one) != vx_pmap_a20(other)) {
        snprintf(where->text, sizeof where->text, "A20");
        return true;
    }
    for (unsigned r = 0; r < VX_ARRAY_LEN(ranges); r++)
        for (uint64_t at = ranges[r][0]; at < ranges[r][1]; at += VX_PAGE_BYTES)
            if (vx_pmap_read_page(one, at) != vx_pmap_read_page(other, at) ||
                vx_pmap_write_page(one, at) != vx_pmap_write_page(other, at)) {
                snprintf(where->text, sizeof where->text, "the page at %llx", (unsigned long long)at);
                return true;
            }
    return false;
}

/* The first member in which two boards differ. */
static bool differ(struct board *a, struct board *b, struct state_error *where)
{
    struct saved *one = save(a), *other = save(b);
    bool differs = one->clock.now_ns != other->clock.now_ns || one->chips.count != other->chips.count;
    size_t at = 0;
    snprintf(where->text, sizeof where->text, "the clock, or sizes");
    for (unsigned i = 0; i < a->pc->device_count && !differs; i++) {
        differs = state_differs(a->pc->devices[i].type, one->chips.bytes + at, other->chips.bytes + at, where);
        at += state_section_bytes(one->chips.bytes + at, one->chips.count - at);
    }
    if (!differs && memcmp(one->ram, other->ram, ROM_RAM_BYTES) != 0) {
        snprintf(where->text, sizeof where->text, "RAM");
        differs = true;
    }
    drop(one);
    drop(other);
    return differs || maps_differ(a, b, where) || derived_differ(a, b, where);
}

/* `before` steps on one board, as many others on another; then the first one's state goes into the second, and both do
 * the same `after` steps. */
static void go_on_alike(uint64_t seed, uint64_t mips, unsigned before, unsigned after)
{
    struct board *first = board_create(mips), *second = board_create(mips);
    uint8_t **wires[2] = { copy_chips(first), copy_chips(second) };
    uint64_t rng = seed, other = ~seed, same[2];
    struct state_error where;
    for (unsigned i = 0; i < before; i++) {
        board_step(first, &rng);
        board_step(second, &other);
    }
    board_settle(first);
    if (seed % 3 != 0) {
        board_start_read(first);
        board_pass(first, 5000);
    }
    struct saved *saved = save(first);
    board_settle(second);
    spoil(first, second);
    load(second, saved);
    drop(saved);
    same[0] = same[1] = rng;
    bool differs = differ(first, second, &where);
    cr_assert(!differs, "seed %llu, loaded: %s", (unsigned long long)seed, where.text);
    for (unsigned i = 0; i < after; i++) {
        uint64_t was = same[0], one = board_step(first, &same[0]), two = board_step(second, &same[1]);
        differs = i % 4096 == 4095 && differ(first, second, &where);
        cr_assert(one == two, "seed %llu, step %u (%016llx): %llx, after loading %llx", (unsigned long long)seed, i,
                  (unsigned long long)was, (unsigned long long)one, (unsigned long long)two);
        cr_assert(!differs, "seed %llu, step %u: %s", (unsigned long long)seed, i, where.text);
        cr_assert_eq(same[0], same[1]);
    }
    differs = differ(first, second, &where);
    cr_assert(!differs, "seed %llu, at the end: %s", (unsigned long long)seed, where.text);
    check_wires(first, wires[0]);
    check_wires(second, wires[1]);
    board_destroy(first);
    board_destroy(second);
}

Test(state_board, a_loaded_board_goes_on_like_the_saved_one, .timeout = 300)
{
    for (uint64_t seed = 1; seed <= 8; seed++)
        go_on_alike(seed * 0x9E3779B97F4A7C15, seed % 2 ? 0 : 333, 400 << (seed % 4), 1 << 14);
}

/* ---- damaged sections -------------------------------------------------------------------------------------------- */

static bool load_one(struct board *board, unsigned device, const uint8_t *section, size_t bytes)
{
    const struct device *chip = &board->pc->devices[device];
    struct state_error error;
    ide_drain(board->pc->ide);
    vx_err err = state_load(chip->type, chip->instance, section, bytes, false, &error);
    cr_assert((err == VX_ERR_OK) == (error.text[0] == 0), "%s", error.text);
    if (err == VX_ERR_OK && chip->type->restored != NULL)
        chip->type->restored(chip->instance);
    return err == VX_ERR_OK;
}

/* Cut off anywhere it is refused, and the chip stays as it was. */
static void cut(struct board *board, unsigned device, const uint8_t *section, size_t bytes, uint64_t *rng)
{
    const struct device *chip = &board->pc->devices[device];
    struct state_buffer after = { 0 };
    struct state_error where;
    for (size_t i = 0; i < 400 + bytes / 2000; i++) {
        size_t shorter = i < 400 ? i : board_random(rng) % bytes;
        uint8_t *copy = malloc(shorter + 1); /* an access behind it is one too far */
        memcpy(copy, section, shorter < bytes ? shorter : 0);
        if (shorter >= 8)
            vx_put_le64(copy, shorter); /* even if it says so itself */
        bool accepted = shorter < bytes && load_one(board, device, copy, shorter);
        cr_assert(!accepted, "%s: accepted with %zu of %zu bytes", chip->type->name, shorter, bytes);
        free(copy);
        if (i == 500)
            break; /* the longest are video memory */
    }
    cr_assert_eq(state_save(chip->type, chip->instance, &after), VX_ERR_OK);
    bool differs = state_differs(chip->type, section, after.bytes, &where);
    cr_assert(!differs, "%s", where.text);
    free(after.bytes);
}

/* With other bytes in it: refused, or the board lives on. */
static unsigned flip(struct board *board, unsigned device, const uint8_t *section, size_t bytes, uint64_t *rng)
{
    uint8_t *copy = malloc(bytes);
    unsigned accepted = 0;
    memcpy(copy, section, bytes);
    for (unsigned i = 0; i < 100; i++) {
        size_t at[3], reach = i % 2 ? bytes : bytes < 4000 ? bytes : 4000;
        unsigned flips = 1 + board_random(rng) % 3;
        for (unsigned n = 0; n < flips; n++) {
            at[n] = board_random(rng) % reach;
            copy[at[n]] = i % 3 ? (uint8_t)board_random(rng) : i % 2 ? 0xFF : 0;
        }
        if (load_one(board, device, copy, bytes)) {
            accepted++;
            for (unsigned step = 0; step < 20; step++)
                board_step(board, rng);
        }
        for (unsigned n = 0; n < flips; n++)
            copy[at[n]] = section[at[n]];
    }
    free(copy);
    return accepted;
}

Test(state_board, damaged_sections_are_refused_or_do_no_harm, .timeout = 300)
{
    struct board *board = board_create(0);
    uint64_t rng = 0xC0FFEE123456789;
    unsigned accepted = 0;
    for (unsigned i = 0; i < 3000; i++)
        board_step(board, &rng);
    ide_drain(board->pc->ide);
    struct saved *saved = save(board);
    size_t at = 0;
    for (unsigned i = 0; i < board->pc->device_count; i++) {
        size_t bytes = state_section_bytes(saved->chips.bytes + at, saved->chips.count - at);
        cut(board, i, saved->chips.bytes + at, bytes, &rng);
        at += bytes;
    }
    at = 0;
    for (unsigned i = 0; i < board->pc->device_count; i++) {
        size_t bytes = state_section_bytes(saved->chips.bytes + at, saved->chips.count - at);
        accepted += flip(board, i, saved->chips.bytes + at, bytes, &rng);
        at += bytes;
    }
    drop(saved);
    vx_machine_reset(board->pc);
    cr_assert(vx_pmap_load(board->pc->pmap, 0xFFFFFFF0, 1) == 0xE9 && vx_pmap_load(board->pc->pmap, 0xFFFF0, 1) == 0xE9,
              "the ROM is gone");
    board_destroy(board);
    cr_assert(accepted > 100 && accepted < 2400, "%u", accepted);
}

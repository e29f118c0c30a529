/* test_state.c - the tables of state of all chips of a board, row by row. That every member has a row
 * is tests/lint/rows.sh's.
 *
 * For every chip: the rows cover its struct but for gaps that alignment explains, none twice; and when every byte of
 * state is filled, saved, reset and loaded, it is what it was. Then the same with each row left out in turn, which must
 * be noticed, or a forgotten member would pass. */
#include "board_rig.h"

enum { UNCOVERED, STATE, NOT_STATE };

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static uint32_t elements(const struct state_field *field)
{
    return field->size / (field->kind == STATE_STRUCT ? field->table->bytes : field->bytes);
}

/* Marks what the rows cover; returns the name of a row that is not a whole number of elements, or covers anew. */
static const char *cover(const struct state_table *table, uint8_t *at)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        bool is_struct = field->kind == STATE_STRUCT;
        if (is_struct && field->size % field->table->bytes != 0)
            return field->name;
        for (uint32_t n = 0; is_struct && n < elements(field); n++) {
            const char *wrong = cover(field->table, at + field->off + (size_t)n * field->table->bytes);
            if (wrong != NULL)
                return wrong;
        }
        for (uint32_t b = 0; !is_struct && b < field->size; b++) {
            if (at[field->off + b] != UNCOVERED)
                return field->name;
            at[field->off + b] = field->kind == STATE_NONE ? NOT_STATE : STATE;
        }
    }
    return NULL;
}

/* A chip under test, and what covers the bytes of its struct by its own table: UNCOVERED (padding), STATE, NOT_STATE;
 * and by the table under test. */
struct subject {
    struct device_type type; /* with the table under test */
    uint8_t *instance;
    uint8_t *all, *covered;
    const char *wrong; /* with the chip's own table */
};

static void prepare(struct subject *subject, const struct device *device, const struct state_table *table)
{
    *subject = (struct subject){ .type = *device->type, .instance = device->instance };
    subject->type.state = table;
    subject->all = calloc(1, table->bytes);
    subject->covered = calloc(1, table->bytes);
    subject->wrong = cover(device->type->state, subject->all);
    cover(table, subject->covered);
}

static void finish(struct subject *subject)
{
    free(subject->all);
    free(subject->covered);
}

/* A gap in the rows ends where something aligned begins, and is smaller than that. */
static bool is_complete(const struct subject *subject, char what[128])
{
    uint32_t bytes = subject->type.state->bytes, gap = 0;
    if (subject->wrong != NULL)
        snprintf(what, 128, "%s.%s", subject->type.name, subject->wrong);
    for (uint32_t b = 0; subject->wrong == NULL && b <= bytes; b++) {
        if (b < bytes && subject->all[b] == UNCOVERED) {
            gap++;
            continue;
        }
        if (gap >= 8 || b % (gap >= 4 ? 8 : gap >= 2 ? 4 : gap >= 1 ? 2 : 1) != 0) {
            snprintf(what, 128, "%s: nothing says what byte %u of %u is", subject->type.name, b - 1, bytes);
            return false;
        }
        gap = 0;
    }
    return subject->wrong == NULL;
}

/* ---- filling ----------------------------------------------------------------------------------------------------- */

static struct vx_clock *clock_of(const struct state_field *field, const uint8_t *base)
{
    struct vx_clock *clock;
    memcpy(&clock, base + field->clock_off, sizeof clock);
    return clock;
}

static uint8_t *blob_of(const struct state_field *field, const uint8_t *base)
{
    uint8_t *blob;
    memcpy(&blob, base + field->off, sizeof blob);
    return blob;
}

static void fill_number(const struct state_field *field, uint8_t *at, uint64_t *rng)
{
    uint64_t bits = UINT64_MAX >> (64 - 8 * field->bytes), number, old = 0;
    memcpy(&old, at, field->bytes);
    do {
        number = board_random(rng);
        if (field->ranged)
            number = field->min + number % (field->max - field->min + 1);
        else if (field->kind == STATE_BOOL)
            number &= 1;
        number &= bits;
    } while (number == old);
    memcpy(at, &number, field->bytes);
}

/* Another value for everything that is state, within its range. */
static void fill(const struct state_table *table, uint8_t *base, uint64_t *rng)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        uint8_t *at = base + field->off;
        if (field->same || field->kind == STATE_NONE)
            continue;
        if (field->kind == STATE_TIMER) {
            vx_timer_set(clock_of(field, base), (struct vx_timer *)(void *)at, board_random(rng) >> 4);
        } else if (field->kind == STATE_BLOB) {
            uint8_t *blob = blob_of(field, base);
            for (uint32_t b = 0; blob != NULL && b < field->blob_bytes; b += 8)
                memcpy(blob + b, &(uint64_t){ board_random(rng) }, 8);
        } else {
            for (uint32_t n = 0; n < elements(field); n++) {
                if (field->kind == STATE_STRUCT)
                    fill(field->table, at + (size_t)n * field->table->bytes, rng);
                else
                    fill_number(field, at + (size_t)n * field->bytes, rng);
            }
        }
    }
}

/* What the chip's own table calls state and the one under test does not know: a forgotten member. */
static bool is_forgotten(const struct subject *subject, uint32_t byte)
{
    return subject->all[byte] == STATE && subject->covered[byte] == UNCOVERED;
}

static void fill_forgotten(const struct subject *subject, uint64_t *rng)
{
    for (uint32_t b = 0; b < subject->type.state->bytes; b++)
        if (is_forgotten(subject, b))
            subject->instance[b] ^= (uint8_t)(board_random(rng) | 1);
}

/* ---- before and after -------------------------------------------------------------------------------------------- */

/* The chip as it is: its struct, the deadlines and the blobs of it in order of their rows. */
struct picture {
    uint8_t *bytes;
    struct state_buffer outside;
};

static void take_outside(const struct state_table *table, const uint8_t *base, struct state_buffer *out)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        const uint8_t *from = base + field->off;
        size_t bytes = 0;
        if (field->kind == STATE_TIMER) {
            from = (const uint8_t *)&((const struct vx_timer *)(const void *)from)->deadline_ns;
            bytes = 8;
        } else if (field->kind == STATE_BLOB && (from = blob_of(field, base)) != NULL) {
            bytes = field->blob_bytes;
        }
        if (bytes != 0) {
            out->bytes = realloc(out->bytes, out->count + bytes);
            memcpy(out->bytes + out->count, from, bytes);
            out->count += bytes;
        }
        for (uint32_t n = 0; field->kind == STATE_STRUCT && n < elements(field); n++)
            take_outside(field->table, from + (size_t)n * field->table->bytes, out);
    }
}

static struct picture take_picture(const struct subject *subject)
{
    struct picture picture = { .bytes = malloc(subject->type.state->bytes) };
    memcpy(picture.bytes, subject->instance, subject->type.state->bytes);
    take_outside(subject->type.state, subject->instance, &picture.outside);
    return picture;
}

static void drop_picture(struct picture *picture)
{
    free(picture->bytes);
    free(picture->outside.bytes);
}

/* Puts deadlines and blobs back, and marks the timers in `keep`: the clock knows where they are. */
static void put_back_outside(const struct state_table *table, uint8_t *base, const uint8_t **from, uint8_t *keep)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        uint8_t *at = base + field->off;
        if (field->kind == STATE_TIMER) {
            uint64_t deadline_ns;
            memcpy(&deadline_ns, *from, 8);
            *from += 8;
            vx_timer_set(clock_of(field, base), (struct vx_timer *)(void *)at, deadline_ns);
            memset(keep + field->off, 1, field->size);
        } else if (field->kind == STATE_BLOB && blob_of(field, base) != NULL) {
            memcpy(blob_of(field, base), *from, field->blob_bytes);
            *from += field->blob_bytes;
        }
        for (uint32_t n = 0; field->kind == STATE_STRUCT && n < elements(field); n++) {
            size_t off = (size_t)n * field->table->bytes;
            put_back_outside(field->table, at + off, from, keep + field->off + off);
        }
    }
}

static void put_back(const struct subject *subject, const struct picture *picture)
{
    const uint8_t *from = picture->outside.bytes;
    uint8_t *keep = calloc(1, subject->type.state->bytes);
    put_back_outside(subject->type.state, subject->instance, &from, keep);
    for (uint32_t b = 0; b < subject->type.state->bytes; b++)
        if (!keep[b])
            subject->instance[b] = picture->bytes[b];
    free(keep);
}

/* Timers apart, whose deadlines are outside. */
static void mark_timers(const struct state_table *table, uint8_t *marks)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        if (field->kind == STATE_TIMER)
            memset(marks + field->off, 1, field->size);
        for (uint32_t n = 0; field->kind == STATE_STRUCT && n < elements(field); n++)
            mark_timers(field->table, marks + field->off + (size_t)n * field->table->bytes);
    }
}

static bool is_as_in(const struct subject *subject, const struct picture *before, char what[128])
{
    struct picture after = take_picture(subject);
    uint8_t *timers = calloc(1, subject->type.state->bytes);
    bool same =
        after.outside.count == before->outside.count &&
        (after.outside.count == 0 || memcmp(after.outside.bytes, before->outside.bytes, after.outside.count) == 0);
    if (!same)
        snprintf(what, 128, "%s: a timer or blob is another", subject->type.name);
    mark_timers(subject->type.state, timers);
    for (uint32_t b = 0; same && b < subject->type.state->bytes; b++) {
        if (subject->all[b] != STATE || timers[b] || before->bytes[b] == after.bytes[b])
            continue;
        snprintf(what, 128, "%s: byte %u is not what was saved", subject->type.name, b);
        same = false;
    }
    free(timers);
    drop_picture(&after);
    return same;
}

/* fill, save, reset and fill otherwise, load, compare. `whole`: the table is, so the chip may be reset. */
static bool round_trip(struct subject *subject, bool whole, char what[128])
{
    uint64_t rng = 0x9E3779B97F4A7C15;
    struct state_buffer saved = { 0 };
    struct state_error error;
    struct picture original = take_picture(subject);
    fill(subject->type.state, subject->instance, &rng);
    fill_forgotten(subject, &rng);
    struct picture filled = take_picture(subject);
    bool good = state_save(&subject->type, subject->instance, &saved) == VX_ERR_OK;
    cr_assert(good);
    if (whole && subject->type.reset != NULL)
        subject->type.reset(subject->instance, VX_RESET_HOLD);
    fill(subject->type.state, subject->instance, &rng);
    fill_forgotten(subject, &rng);
    if (state_load(&subject->type, subject->instance, saved.bytes, saved.count, false, &error) != VX_ERR_OK) {
        snprintf(what, 128, "%.120s", error.text);
        good = false;
    }
    good = good && is_as_in(subject, &filled, what);
    put_back(subject, &original);
    drop_picture(&original);
    drop_picture(&filled);
    free(saved.bytes);
    return good;
}

/* ---- tables with a row left out ---------------------------------------------------------------------------------- */

/* A copy of a table, without checks of its own (filled at random, members do not fit together) and without the row of
 * state number *skip, counted through all its parts; *skip ends below 0 when there was one. */
static struct state_table *copy_table(const struct state_table *table, int *skip, const char **skipped)
{
    struct state_table *copy = malloc(sizeof *copy);
    struct state_field *fields = calloc(table->count, sizeof *fields);
    *copy = *table;
    copy->check = NULL;
    copy->fields = fields;
    copy->count = 0;
    for (unsigned i = 0; i < table->count; i++) {
        struct state_field field = table->fields[i];
        if (field.kind == STATE_STRUCT) {
            field.table = copy_table(field.table, skip, skipped);
        } else if (field.kind != STATE_NONE && (*skip)-- == 0) {
            *skipped = field.name;
            continue;
        }
        fields[copy->count++] = field;
    }
    return copy;
}

static void free_table(const struct state_table *table)
{
    for (unsigned i = 0; i < table->count; i++)
        if (table->fields[i].kind == STATE_STRUCT)
            free_table(table->fields[i].table);
    free((void *)table->fields);
    free((void *)table);
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

Test(state, what_is_filled_and_saved_is_loaded, .timeout = 120)
{
    struct board *board = board_create(100);
    char what[128] = "";
    bool good = true;
    for (unsigned i = 0; i < board->pc->device_count && good; i++) {
        int none = -1;
        struct subject subject;
        struct state_table *table = copy_table(board->pc->devices[i].type->state, &none, NULL);
        prepare(&subject, &board->pc->devices[i], table);
        good = is_complete(&subject, what) && round_trip(&subject, true, what);
        finish(&subject);
        free_table(table);
    }
    vx_machine_reset(board->pc);
    board_destroy(board);
    cr_assert(good, "%s", what);
}

/* Each row of state of each chip is left out in turn. */
Test(state, a_row_left_out_is_noticed, .timeout = 300)
{
    struct board *board = board_create(100);
    char what[128] = "";
    unsigned left_out = 0, unnoticed = 0;
    for (unsigned i = 0; i < board->pc->device_count; i++) {
        const struct device *device = &board->pc->devices[i];
        const char *name;
        int row = 0;
        do {
            struct subject subject;
            char why[128] = "";
            int skip = row++;
            name = NULL;
            struct state_table *table = copy_table(device->type->state, &skip, &name);
            prepare(&subject, device, table);
            if (name != NULL && round_trip(&subject, false, why))
                snprintf(what, sizeof what, "%s.%s: %u", device->type->name, name, ++unnoticed);
            left_out += name != NULL;
            finish(&subject);
            free_table(table);
        } while (name != NULL);
    }
    board_destroy(board);
    cr_assert_eq(unnoticed, 0, "%s", what);
    cr_assert_gt(left_out, 200, "only %u rows", left_out);
}

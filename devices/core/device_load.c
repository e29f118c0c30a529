/* device_load.c - sections back to chips, and compared. See device_state.h.
 *
 * Header and table are compared with this program's; then the values go into a copy of the struct, each in its range;
 * check() looks at the copy; only then the same values go into the chip itself.
 *
 *   I1  Nothing of the chip has changed before all of its section has been found good.
 *   I2  The reader never goes past the end of the section; no size from the input is used before it was compared. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "device_state.h"
#include "device_walk.h"

static bool is_number(const struct state_field *field)
{
    return field->kind == STATE_UINT || field->kind == STATE_INT || field->kind == STATE_BOOL;
}

static void set_number(uint8_t *at, unsigned bytes, uint64_t number)
{
    const uint16_t u16 = (uint16_t)number;
    const uint32_t u32 = (uint32_t)number;
    if (bytes == 1)
        *at = (uint8_t)number;
    else
        memcpy(at, bytes == 2 ? (const void *)&u16 : bytes == 4 ? (const void *)&u32 : (const void *)&number, bytes);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

struct reader {
    const uint8_t *at;
    size_t left;
    const char *chip;
    struct state_error *error;
};

/* Says what is wrong at `place` (NULL: with the chip); returns false. */
VX_PRINTF(3, 4) static bool refuse(struct reader *in, const struct state_place *place, const char *format, ...)
{
    char name[96] = "", what[sizeof in->error->text / 2];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    state_name_place(place, name, sizeof name);
    snprintf(in->error->text, sizeof in->error->text, "%.40s: %.60s%s%.50s", in->chip, name, place != NULL ? ": " : "",
             what);
    return false;
}

/* The next bytes; NULL when there are not so many (keeps I2). */
static const uint8_t *take(struct reader *in, size_t bytes)
{
    if (bytes > in->left)
        return NULL;
    in->at += bytes;
    in->left -= bytes;
    return in->at - bytes;
}

static bool get(struct reader *in, unsigned bytes, uint64_t *number)
{
    const uint8_t *at = take(in, bytes);
    *number = 0;
    for (unsigned i = 0; at != NULL && i < bytes; i++)
        *number |= (uint64_t)at[i] << (8 * i);
    return at != NULL;
}

static bool get_name(struct reader *in, char name[UINT8_MAX + 1])
{
    uint64_t length;
    const uint8_t *at = get(in, 1, &length) ? take(in, (size_t)length) : NULL;
    if (at == NULL)
        return false;
    for (size_t i = 0; i < length; i++)
        name[i] = at[i] >= ' ' && at[i] <= '~' ? (char)at[i] : '?'; /* it may be shown */
    name[length] = 0;
    return true;
}

/* ---- the table of the input against ours ------------------------------------------------------------------------- */

static bool has_later(const struct state_table *table, unsigned row, const char *name)
{
    for (; row < table->count; row++)
        if (table->fields[row].kind != STATE_NONE && strcmp(table->fields[row].name, name) == 0)
            return true;
    return false;
}

static bool match_table(struct reader *in, const struct state_table *table, const struct state_place *up);

static bool match_field(struct reader *in, const struct state_table *table, unsigned row, const struct state_place *up)
{
    const struct state_field *field = &table->fields[row];
    struct state_place place = { up, field->name, 0, 1 };
    char name[UINT8_MAX + 1];
    uint64_t kind, bytes, count;
    if (!get(in, 1, &kind) || !get(in, 1, &bytes) || !get(in, 4, &count) || !get_name(in, name))
        return refuse(in, &place, "cut off");
    if (strcmp(name, field->name) != 0) {
        struct state_place unknown = { up, name, 0, 1 };
        return has_later(table, row + 1, name) ? refuse(in, &place, "missing")
                                               : refuse(in, &unknown, "unknown to this version");
    }
    if (kind != field->kind || bytes != field->bytes || count != state_elements(field))
        return refuse(in, &place, "of another size or kind");
    return field->kind != STATE_STRUCT || match_table(in, field->table, &place);
}

static bool match_table(struct reader *in, const struct state_table *table, const struct state_place *up)
{
    uint64_t rows;
    unsigned matched = 0;
    if (!get(in, 2, &rows))
        return refuse(in, up, "cut off");
    for (unsigned i = 0; i < table->count; i++) {
        struct state_place place = { up, table->fields[i].name, 0, 1 };
        if (table->fields[i].kind == STATE_NONE)
            continue;
        if (matched == rows)
            return refuse(in, &place, "missing");
        if (!match_field(in, table, i, up))
            return false;
        matched++;
    }
    if (matched == rows)
        return true;
    char name[UINT8_MAX + 1];
    struct state_place unknown = { up, name, 0, 1 };
    if (take(in, 6) == NULL || !get_name(in, name))
        return refuse(in, up, "cut off");
    return refuse(in, &unknown, "unknown to this version");
}

/* Header and table of a section, which then holds nothing but values. */
static bool match_section(struct reader *in, const struct device_type *type)
{
    char name[UINT8_MAX + 1];
    uint64_t bytes, version;
    size_t all = in->left;
    if (!get(in, STATE_LENGTH_BYTES, &bytes) || bytes != all || !get(in, 2, &version) || !get_name(in, name))
        return refuse(in, NULL, "cut off");
    if (strcmp(name, type->name) != 0)
        return refuse(in, NULL, "this is of %.30s", name);
    if (version != type->version)
        return refuse(in, NULL, "version %u, this program has %u", (unsigned)version, type->version);
    return match_table(in, type->state, NULL);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static bool in_range(const struct state_field *field, uint64_t number)
{
    if (field->kind == STATE_BOOL)
        return number <= 1;
    if (!field->ranged)
        return true;
    if (field->kind == STATE_UINT)
        return number >= field->min && number <= field->max;
    unsigned shift = 64 - 8u * field->bytes;
    int64_t value = (int64_t)(number << shift) >> shift;
    return value >= (int64_t)field->min && value <= (int64_t)field->max;
}

static bool load_numbers(struct reader *in, const struct state_field *field, uint8_t *at, struct state_place *place)
{
    place->count = state_elements(field);
    for (place->index = 0; place->index < place->count; place->index++, at += field->bytes) {
        uint64_t number;
        if (!get(in, field->bytes, &number))
            return refuse(in, place, "cut off");
        if (!in_range(field, number))
            return refuse(in, place, "%llu is out of range", (unsigned long long)number);
        if (field->same && number != state_get(at, field->bytes))
            return refuse(in, place, "%llu there, %llu here", (unsigned long long)number,
                          (unsigned long long)state_get(at, field->bytes));
        set_number(at, field->bytes, number);
    }
    return true;
}

/* In the copy of the struct only the deadline is noted. */
static bool load_timer(struct reader *in, const struct state_field *field, uint8_t *base, bool commit)
{
    uint64_t deadline_ns;
    struct vx_timer *timer = (struct vx_timer *)(void *)(base + field->off);
    struct vx_clock *clock;
    memcpy(&clock, base + field->clock_off, sizeof clock);
    if (!get(in, 8, &deadline_ns))
        return false;
    if (commit)
        vx_timer_set(clock, timer, deadline_ns);
    else
        timer->deadline_ns = deadline_ns;
    return true;
}

/* Blobs are the chip's own in the copy, too: they are written last. */
static bool load_blob(struct reader *in, const struct state_field *field, const uint8_t *base, bool commit)
{
    uint8_t *blob = state_blob(field, base);
    uint64_t bytes;
    if (!get(in, STATE_LENGTH_BYTES, &bytes) || bytes != (blob != NULL ? field->blob_bytes : 0))
        return false;
    const uint8_t *from = take(in, (size_t)bytes);
    if (from == NULL)
        return false;
    if (commit && blob != NULL)
        memcpy(blob, from, (size_t)bytes);
    return true;
}

static bool load_values(struct reader *in, const struct state_table *table, uint8_t *base, const struct state_place *up,
                        bool commit);

static bool load_structs(struct reader *in, const struct state_field *field, uint8_t *at, struct state_place *place,
                         bool commit)
{
    place->count = state_elements(field);
    for (place->index = 0; place->index < place->count; place->index++, at += field->table->bytes)
        if (!load_values(in, field->table, at, place, commit))
            return false;
    return true;
}

static bool load_values(struct reader *in, const struct state_table *table, uint8_t *base, const struct state_place *up,
                        bool commit)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        struct state_place place = { up, field->name, 0, 1 };
        if (is_number(field) && !load_numbers(in, field, base + field->off, &place))
            return false;
        if (field->kind == STATE_STRUCT && !load_structs(in, field, base + field->off, &place, commit))
            return false;
        if (field->kind == STATE_TIMER && !load_timer(in, field, base, commit))
            return refuse(in, &place, "cut off");
        if (field->kind == STATE_BLOB && !load_blob(in, field, base, commit))
            return refuse(in, &place, "cut off, or of another size");
    }
    return true;
}

/* The tables' own checks, parts first. */
static bool check_values(struct reader *in, const struct state_table *table, const uint8_t *base,
                         const struct state_place *up)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        if (field->kind != STATE_STRUCT)
            continue;
        struct state_place place = { up, field->name, 0, state_elements(field) };
        for (; place.index < place.count; place.index++)
            if (!check_values(in, field->table, base + field->off + (size_t)place.index * field->table->bytes, &place))
                return false;
    }
    const char *wrong = table->check != NULL ? table->check(base) : NULL;
    return wrong == NULL || refuse(in, &(struct state_place){ up, wrong, 0, 1 }, "does not fit with the rest");
}

vx_err state_load(const struct device_type *type, void *instance, const uint8_t *bytes, size_t count, bool dry,
                  struct state_error *error)
{
    const struct state_table *table = type->state;
    struct reader in = { bytes, count, type->name, error };
    error->text[0] = 0;
    if (!match_section(&in, type))
        return VX_ERR_BAD_FORMAT;
    uint8_t *copy = malloc(table->bytes);
    if (copy == NULL)
        return VX_ERR_NO_MEMORY;
    memcpy(copy, instance, table->bytes);
    struct reader again = in;
    bool good = load_values(&in, table, copy, NULL, false) && check_values(&in, table, copy, NULL);
    if (good && in.left != 0)
        good = refuse(&in, NULL, "more than its members");
    free(copy);
    if (good && !dry)
        good = load_values(&again, table, instance, NULL, true); /* keeps I1: it cannot fail any more */
    return good ? VX_ERR_OK : VX_ERR_BAD_FORMAT;
}

size_t state_section_bytes(const uint8_t *bytes, size_t count)
{
    struct reader in = { .at = bytes, .left = count };
    uint64_t section;
    return get(&in, STATE_LENGTH_BYTES, &section) && section >= STATE_LENGTH_BYTES && section <= count ? (size_t)section
                                                                                                       : 0;
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

static bool values_differ(struct reader *a, struct reader *b, const struct state_table *table,
                          const struct state_place *up);

static bool field_differs(struct reader *a, struct reader *b, const struct state_field *field,
                          const struct state_place *up)
{
    struct state_place place = { up, field->name, 0, state_elements(field) };
    uint64_t a_bytes, b_bytes;
    unsigned bytes = field->bytes;
    if (field->kind == STATE_BLOB) {
        bool both = get(a, STATE_LENGTH_BYTES, &a_bytes) && get(b, STATE_LENGTH_BYTES, &b_bytes) && a_bytes == b_bytes;
        place.count = both ? (uint32_t)a_bytes : 0;
        if (!both)
            return !refuse(a, &place, "differs");
    }
    for (; place.index < place.count; place.index++) {
        if (field->kind == STATE_STRUCT) {
            if (values_differ(a, b, field->table, &place))
                return true;
            continue;
        }
        const uint8_t *mine = take(a, bytes), *other = take(b, bytes);
        if (mine == NULL || other == NULL || memcmp(mine, other, bytes) != 0)
            return !refuse(a, &place, "differs");
    }
    return false;
}

static bool values_differ(struct reader *a, struct reader *b, const struct state_table *table,
                          const struct state_place *up)
{
    for (unsigned i = 0; i < table->count; i++)
        if (table->fields[i].kind != STATE_NONE && field_differs(a, b, &table->fields[i], up))
            return true;
    return false;
}

bool state_differs(const struct device_type *type, const uint8_t *a, const uint8_t *b, struct state_error *where)
{
    struct reader left = { a, state_section_bytes(a, SIZE_MAX), type->name, where };
    struct reader right = { b, state_section_bytes(b, SIZE_MAX), type->name, where };
    bool same = left.left == right.left && memcmp(a, b, left.left) == 0; /* 16 MiB of video memory, most of the time */
    where->text[0] = 0;
    return !match_section(&left, type) || !match_section(&right, type) ||
           (!same && values_differ(&left, &right, type->state, NULL));
}

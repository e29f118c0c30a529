/* device_state.c - chips to sections, and to what a debugger shows, by their tables. See device_state.h; the way back
 * is in device_load.c. */
#include "device_state.h"

#include <stdio.h>
#include <stdlib.h>

#include "device.h"
#include "device_walk.h"
#include "vx86/bytes.h"

enum { BASES_MAX = 64 };

void state_name_place(const struct state_place *place, char *text, size_t room)
{
    if (place == NULL)
        return;
    state_name_place(place->up, text, room);
    size_t used = strlen(text);
    const char *dot = place->up != NULL ? "." : "";
    if (place->count > 1)
        snprintf(text + used, room - used, "%s%s[%u]", dot, place->name, place->index);
    else
        snprintf(text + used, room - used, "%s%s", dot, place->name);
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

static uint8_t *extend(struct state_buffer *out, size_t bytes)
{
    if (out->failed)
        return NULL;
    if (bytes > out->capacity - out->count) {
        size_t capacity = (out->count + bytes) * 2;
        uint8_t *grown = realloc(out->bytes, capacity);
        if (grown == NULL) {
            out->failed = true;
            return NULL;
        }
        out->bytes = grown;
        out->capacity = capacity;
    }
    out->count += bytes;
    return out->bytes + out->count - bytes;
}

static void put_bytes(struct state_buffer *out, const void *bytes, size_t count)
{
    uint8_t *at = extend(out, count);
    if (at != NULL && count != 0)
        memcpy(at, bytes, count);
}

static void put(struct state_buffer *out, uint64_t number, unsigned bytes)
{
    uint8_t le[8];
    vx_put_le64(le, number);
    put_bytes(out, le, bytes);
}

static void put_name(struct state_buffer *out, const char *name)
{
    size_t length = strlen(name);
    VX_ASSERT(length <= UINT8_MAX);
    put(out, length, 1);
    put_bytes(out, name, length);
}

static uint16_t state_rows(const struct state_table *table)
{
    uint16_t rows = 0;
    for (unsigned i = 0; i < table->count; i++)
        rows += table->fields[i].kind != STATE_NONE;
    return rows;
}

static void put_table(struct state_buffer *out, const struct state_table *table)
{
    put(out, state_rows(table), 2);
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        if (field->kind == STATE_NONE)
            continue;
        put(out, field->kind, 1);
        put(out, field->bytes, 1);
        put(out, state_elements(field), 4);
        put_name(out, field->name);
        if (field->kind == STATE_STRUCT)
            put_table(out, field->table);
    }
}

static void put_values(struct state_buffer *out, const struct state_table *table, const uint8_t *base);

static void put_field(struct state_buffer *out, const struct state_field *field, const uint8_t *base)
{
    const uint8_t *at = base + field->off;
    uint32_t count = state_elements(field);
    switch (field->kind) {
    case STATE_STRUCT:
        for (uint32_t i = 0; i < count; i++)
            put_values(out, field->table, at + (size_t)i * field->table->bytes);
        break;
    case STATE_TIMER: put(out, ((const struct vx_timer *)(const void *)at)->deadline_ns, 8); break;
    case STATE_BLOB: {
        const uint8_t *blob = state_blob(field, base);
        put(out, blob != NULL ? count : 0, STATE_LENGTH_BYTES);
        put_bytes(out, blob, blob != NULL ? count : 0);
        break;
    }
    default:
        for (uint32_t i = 0; i < count; i++)
            put(out, state_get(at + (size_t)i * field->bytes, field->bytes), field->bytes);
        break;
    }
}

static void put_values(struct state_buffer *out, const struct state_table *table, const uint8_t *base)
{
    for (unsigned i = 0; i < table->count; i++)
        if (table->fields[i].kind != STATE_NONE)
            put_field(out, &table->fields[i], base);
}

vx_err state_save(const struct device_type *type, const void *instance, struct state_buffer *out)
{
    size_t before = out->count;
    put(out, 0, STATE_LENGTH_BYTES);
    put(out, type->version, 2);
    put_name(out, type->name);
    put_table(out, type->state);
    put_values(out, type->state, instance);
    if (out->failed) {
        out->failed = false;
        out->count = before;
        return VX_ERR_NO_MEMORY;
    }
    vx_put_le64(out->bytes + before, out->count - before);
    return VX_ERR_OK;
}

/* ---- what a debugger shows --------------------------------------------------------------------------------------- */

/* The structs at which a table begins: several where one of its parents is an array. */
struct bases {
    const uint8_t *at[BASES_MAX];
    unsigned count;
};

struct listing {
    const char *chip;
    vx_field_fn *fn;
    void *opaque;
};

static void show_field(const struct listing *to, const struct state_field *field, const struct bases *bases,
                       const char *name)
{
    unsigned each = field->size / field->bytes;
    for (unsigned i = 0; i < bases->count * each; i++) {
        const uint8_t *at = bases->at[i / each] + field->off + (size_t)(i % each) * field->bytes;
        struct vx_field shown = { to->chip, name, i, bases->count * each, state_get(at, field->bytes), field->bytes };
        to->fn(to->opaque, &shown);
    }
}

static bool table_is_shown(const struct state_table *table)
{
    for (unsigned i = 0; i < table->count; i++)
        if (table->fields[i].shown || (table->fields[i].kind == STATE_STRUCT && table_is_shown(table->fields[i].table)))
            return true;
    return false;
}

static void show_table(const struct listing *to, const struct state_table *table, const struct bases *bases,
                       const struct state_place *up)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct state_field *field = &table->fields[i];
        struct state_place place = { up, field->name, 0, 1 };
        char name[96] = "";
        state_name_place(&place, name, sizeof name);
        if (field->shown)
            show_field(to, field, bases, name);
        if (field->kind != STATE_STRUCT || !table_is_shown(field->table))
            continue;
        struct bases inner = { .count = 0 };
        for (unsigned b = 0; b < bases->count * state_elements(field); b++) {
            VX_ASSERT(inner.count < BASES_MAX);
            inner.at[inner.count++] = bases->at[b / state_elements(field)] + field->off +
                                      (size_t)(b % state_elements(field)) * field->table->bytes;
        }
        show_table(to, field->table, &inner, &place);
    }
}

void state_describe(const struct device_type *type, const void *instance, vx_field_fn *fn, void *opaque)
{
    struct listing to = { type->name, fn, opaque };
    struct bases bases = { .at = { instance }, .count = 1 };
    show_table(&to, type->state, &bases, NULL);
}

bool state_is_shown(const struct device_type *type)
{
    return table_is_shown(type->state);
}

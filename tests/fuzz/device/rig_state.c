/* rig_state.c - what all chips of a rig know, saved, loaded and compared (devices/core/device_state.h). */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

static void save(const struct rig *rig, struct state_buffer *out)
{
    *out = (struct state_buffer){ 0 };
    for (unsigned i = 0; i < rig->pc->device_count; i++)
        if (state_save(rig->pc->devices[i].type, rig->pc->devices[i].instance, out) != VX_ERR_OK)
            abort();
}

/* The first member that differs. */
static bool sections_differ(const struct rig *rig, const struct state_buffer *a, const struct state_buffer *b,
                            struct state_error *where)
{
    size_t at = 0;
    if (a->count != b->count) {
        snprintf(where->text, sizeof where->text, "%zu bytes of state, %zu", a->count, b->count);
        return true;
    }
    for (unsigned i = 0; i < rig->pc->device_count; i++) {
        if (state_differs(rig->pc->devices[i].type, a->bytes + at, b->bytes + at, where))
            return true;
        at += state_section_bytes(a->bytes + at, a->count - at);
    }
    return false;
}

static bool load(struct rig *rig, const struct state_buffer *saved)
{
    size_t at = 0;
    for (unsigned i = 0; i < rig->pc->device_count; i++) {
        const struct device *chip = &rig->pc->devices[i];
        size_t bytes = state_section_bytes(saved->bytes + at, saved->count - at);
        struct state_error error;
        if (state_load(chip->type, chip->instance, saved->bytes + at, bytes, false, &error) != VX_ERR_OK) {
            fprintf(stderr, "what was saved is refused: %s\n", error.text);
            return false;
        }
        at += bytes;
    }
    for (unsigned i = 0; i < rig->pc->device_count; i++)
        if (rig->pc->devices[i].type->restored != NULL)
            rig->pc->devices[i].type->restored(rig->pc->devices[i].instance);
    return true;
}

/* ---- who answers where */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

static void mix_region(void *opaque, const struct vx_region *region)
{
    uint64_t *hash = opaque;
    *hash += mix(mix(region->base, region->size), (uint64_t)region->priority << 1 | region->space); /* in any order */
}

/* Of the regions on the buses, and of the pages below 2 MiB and where BARs may be. */
static uint64_t map_hash(const struct rig *rig)
{
    uint64_t hash = vx_pmap_a20(rig->pc->pmap);
    vx_bus_each(rig->pc->bus, mix_region, &hash);
    for (uint64_t phys = 0; phys < 2u << 20; phys += VX_PAGE_BYTES)
        hash =
            mix(hash, (uint64_t)vx_pmap_read_page(rig->pc->pmap, phys) << 32 | vx_pmap_write_page(rig->pc->pmap, phys));
    for (uint64_t phys = RAM_BYTES; phys < UINT64_C(1) << 32; phys += 1 << 20)
        hash =
            mix(hash, (uint64_t)vx_pmap_read_page(rig->pc->pmap, phys) << 32 | vx_pmap_write_page(rig->pc->pmap, phys));
    return hash;
}

static void check_field(void *opaque, const struct vx_field *field)
{
    bool *sound = opaque;
    *sound &= field->name[0] != '\0' && field->index < field->count;
}

/* ---- a debugger's looks */

struct look {
    struct rig *rig;
    bool reads; /* each is compared with what a read gives */
    bool sound;
};

/* One place of a region: by peek, put back there if it is memory, and perhaps read. */
static void look_at(struct look *look, const struct vx_region *region, uint64_t at, unsigned bytes)
{
    struct vx_bus *bus = look->rig->pc->cpu[0].bus;
    uint64_t value, read;
    if (vx_bus_region_at(bus, VX_SPACE_MEMORY, at) != region || !vx_bus_peek(bus, VX_SPACE_MEMORY, at, bytes, &value))
        return;
    if (region->is_memory)
        (void)vx_bus_poke(bus, at, (uint8_t)value);
    if (!look->reads || (read = vx_bus_read(bus, VX_SPACE_MEMORY, at, bytes)) == value)
        return;
    fprintf(stderr, "%s shows %llx at %llx, where %llx is read\n", region->name, (unsigned long long)value,
            (unsigned long long)at, (unsigned long long)read);
    look->sound = false;
}

/* Registers one by one, of a window some. */
static void look_through(void *opaque, const struct vx_region *region)
{
    enum { STRIDE = 1021, MOST = 4096 };
    unsigned bytes = region->max_size < 4 ? region->max_size : 4;
    if (region->space != VX_SPACE_MEMORY || region->peek == NULL)
        return;
    for (uint64_t off = 0; off + bytes <= region->size && (region->is_memory || off < MOST);
         off += region->is_memory ? STRIDE : bytes)
        look_at(opaque, region, region->base + off, region->is_memory ? 1 : bytes);
}

/* What a debugger shows of memory behind devices; with `reads` it is what the guest would see. */
static bool looks_are_right(struct rig *rig, bool reads)
{
    struct look look = { rig, reads, true };
    vx_bus_each(rig->pc->bus, look_through, &look);
    return look.sound;
}

/* A debugger's look at every chip, which none of them notices. */
static bool looks_change_nothing(struct rig *rig, const struct state_buffer *before)
{
    struct state_buffer after;
    struct state_error where = { "" };
    bool sound = looks_are_right(rig, false);
    for (unsigned i = 0; i < rig->pc->device_count; i++) {
        const struct device *chip = &rig->pc->devices[i];
        if (state_is_shown(chip->type))
            state_describe(chip->type, chip->instance, check_field, &sound);
    }
    save(rig, &after);
    bool same = !sections_differ(rig, before, &after, &where);
    free(after.bytes);
    if (!same || !sound)
        fprintf(stderr, "a look at the chips %s%s\n", same ? "shows a field out of order" : "has changed ", where.text);
    return same && sound;
}

bool rig_round_trip(struct rig *rig)
{
    struct state_buffer before, after;
    struct state_error where = { "" };
    struct vx_clock_state clock;
    ide_drain(rig->pc->ide);
    floppy_drain(rig->pc->floppy);
    uint64_t map = map_hash(rig);
    save(rig, &before);
    bool same = looks_change_nothing(rig, &before);
    vx_clock_get_state(rig->clock, &clock);
    same &= looks_are_right(rig, true);
    vx_machine_reset(rig->pc);
    ide_drain(rig->pc->ide);
    floppy_drain(rig->pc->floppy);
    bool loaded = vx_clock_set_state(rig->clock, &clock) == VX_ERR_OK && load(rig, &before), kept = false;
    if (loaded) {
        save(rig, &after);
        kept = !sections_differ(rig, &before, &after, &where) && map_hash(rig) == map;
        free(after.bytes);
    }
    free(before.bytes);
    if (!kept)
        fprintf(stderr, "a round trip has changed %s\n", where.text[0] != 0 ? where.text : "who answers where");
    return same && kept;
}

bool rigs_differ(struct rig *a, struct rig *b, char *where, size_t bytes)
{
    struct state_buffer one, other;
    struct state_error error = { "" };
    bool differ = true;
    save(a, &one);
    save(b, &other);
    if (a->pc->cpu[0].vcpu->retired != b->pc->cpu[0].vcpu->retired)
        snprintf(where, bytes, "%llu instructions, %llu", (unsigned long long)a->pc->cpu[0].vcpu->retired,
                 (unsigned long long)b->pc->cpu[0].vcpu->retired);
    else if (sections_differ(a, &one, &other, &error))
        snprintf(where, bytes, "%s", error.text);
    else if (vx_machine_state_hash(a->pc) != vx_machine_state_hash(b->pc))
        snprintf(where, bytes, "registers or memory");
    else if (map_hash(a) != map_hash(b))
        snprintf(where, bytes, "who answers where");
    else
        differ = false;
    free(one.bytes);
    free(other.bytes);
    return differ;
}

/* bus.c - regions to handlers: the port and the memory bus of one machine.
 *
 * Each space keeps its regions in a list in address order and, derived from it, a sorted array of ranges in which
 * layering is already resolved, so that a look-up is one binary search.
 *
 *   I1  ranges do not overlap, are sorted, and each lies inside its region.
 *   I2  `capacity` is at least 2 * region count, so that rebuild() never allocates and removing never fails.
 *   I3  A handler may add and remove regions: nothing is kept across a handler call but the caller's own values.
 *   I4  A view has ranges of its own, which come first. Those of the bus below are cut where they meet one. */
#include <stdlib.h>

#include "vx86/bus.h"

#define IO_SPACE_BYTES 0x10000u
#define WIDEST         8u

struct range {
    uint64_t first, last;
    struct vx_region *region;
};

struct space {
    struct vx_region *regions; /* in order of base */
    size_t region_count;
    struct range *ranges;
    size_t range_count;
    uint64_t *points; /* scratch of rebuild() */
    size_t capacity;
    size_t last_hit;
    struct vx_region unclaimed; /* takes what nobody claims, so that it is counted */
};

struct vx_bus {
    struct vx_log *log;
    struct vx_stats *stats;
    struct space space[2];
    struct vx_bus *below;                  /* a view's bus, else NULL */
    struct vx_bus *view[VX_BUS_MAX_VIEWS]; /* of a bus */
    unsigned views;
};

vx_err vx_bus_create(struct vx_log *log, struct vx_stats *stats, struct vx_bus **out)
{
    struct vx_bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL)
        return VX_ERR_NO_MEMORY;
    bus->log = log;
    bus->stats = stats;
    bus->space[VX_SPACE_IO].unclaimed = (struct vx_region){ .name = "unclaimed ports", .max_size = WIDEST };
    bus->space[VX_SPACE_MEMORY].unclaimed =
        (struct vx_region){ .name = "unclaimed memory", .space = VX_SPACE_MEMORY, .max_size = WIDEST };
    *out = bus;
    return VX_ERR_OK;
}

vx_err vx_bus_create_view(struct vx_bus *bus, struct vx_bus **out)
{
    VX_ASSERT(bus->below == NULL && bus->views < VX_BUS_MAX_VIEWS);
    VX_TRY(vx_bus_create(bus->log, bus->stats, out));
    (*out)->below = bus;
    bus->view[bus->views++] = *out;
    return VX_ERR_OK;
}

static void forget_view(struct vx_bus *bus, const struct vx_bus *view)
{
    unsigned i = 0;
    while (bus->view[i] != view)
        i++;
    bus->view[i] = bus->view[--bus->views];
}

void vx_bus_destroy(struct vx_bus *bus)
{
    if (bus == NULL)
        return;
    VX_ASSERT(bus->views == 0);
    if (bus->below != NULL)
        forget_view(bus->below, bus);
    for (size_t i = 0; i < VX_ARRAY_LEN(bus->space); i++) {
        free(bus->space[i].ranges);
        free(bus->space[i].points);
    }
    free(bus);
}

static uint64_t region_last(const struct vx_region *region)
{
    return region->base + region->size - 1;
}

static bool overlaps(const struct vx_region *a, const struct vx_region *b)
{
    return a->base <= region_last(b) && b->base <= region_last(a);
}

static int compare_points(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The region that answers at `at`: the highest priority that covers it. */
static struct vx_region *winner(const struct space *space, uint64_t at)
{
    struct vx_region *best = NULL;
    for (struct vx_region *r = space->regions; r != NULL && r->base <= at; r = r->next)
        if (at <= region_last(r) && (best == NULL || r->priority > best->priority))
            best = r;
    return best;
}

static void rebuild(struct space *space)
{
    size_t points = 0;
    for (struct vx_region *r = space->regions; r != NULL; r = r->next) {
        space->points[points++] = r->base;
        space->points[points++] = region_last(r) + 1;
    }
    qsort(space->points, points, sizeof space->points[0], compare_points);

    space->range_count = 0;
    space->last_hit = 0;
    for (size_t i = 0; i + 1 < points; i++) {
        uint64_t first = space->points[i], last = space->points[i + 1] - 1;
        if (space->points[i] == space->points[i + 1])
            continue;
        struct vx_region *region = winner(space, first);
        if (region == NULL)
            continue;
        struct range *previous = space->range_count > 0 ? &space->ranges[space->range_count - 1] : NULL;
        if (previous != NULL && previous->region == region && previous->last + 1 == first)
            previous->last = last;
        else
            space->ranges[space->range_count++] = (struct range){ first, last, region };
    }
}

static vx_err reserve(struct space *space)
{
    size_t need = 2 * (space->region_count + 1);
    if (need <= space->capacity)
        return VX_ERR_OK;
    size_t capacity = need * 2;
    struct range *ranges = realloc(space->ranges, capacity * sizeof *ranges);
    if (ranges == NULL)
        return VX_ERR_NO_MEMORY;
    space->ranges = ranges;
    uint64_t *points = realloc(space->points, capacity * sizeof *points);
    if (points == NULL)
        return VX_ERR_NO_MEMORY;
    space->points = points;
    space->capacity = capacity;
    return VX_ERR_OK;
}

vx_err vx_bus_add(struct vx_bus *bus, struct vx_region *region)
{
    struct space *space = &bus->space[region->space];
    if (region->min_size == 0)
        region->min_size = 1;
    if (region->max_size == 0)
        region->max_size = region->min_size;
    uint64_t limit = region->space == VX_SPACE_IO ? IO_SPACE_BYTES : UINT64_MAX;
    if (region->size == 0 || region->base >= limit || region->size > limit - region->base) {
        vx_log_error(bus->log, VX_LOG_DEVICE, "%s does not fit in its address space", region->name);
        return VX_ERR_BAD_ARGUMENT;
    }
    struct vx_region **at = &space->regions;
    for (struct vx_region *r = space->regions; r != NULL; r = r->next) {
        if (r->priority == region->priority && overlaps(r, region)) {
            vx_log_error(bus->log, VX_LOG_DEVICE, "%s overlaps %s at %llx", region->name, r->name,
                         (unsigned long long)(r->base > region->base ? r->base : region->base));
            return VX_ERR_BAD_ARGUMENT;
        }
        if (r->base <= region->base)
            at = &r->next;
    }
    VX_TRY(reserve(space));
    region->next = *at;
    *at = region;
    space->region_count++;
    rebuild(space);
    return VX_ERR_OK;
}

void vx_bus_remove(struct vx_bus *bus, struct vx_region *region)
{
    struct space *space = &bus->space[region->space];
    struct vx_region **at = &space->regions;
    while (*at != NULL && *at != region)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = region->next;
    region->next = NULL;
    space->region_count--;
    rebuild(space);
}

/* The range that holds `at`; outside of all, *gap receives the hole around it with the unclaimed region. */
static const struct range *find_in(struct space *space, uint64_t at, struct range *gap)
{
    if (space->last_hit < space->range_count) {
        const struct range *hit = &space->ranges[space->last_hit];
        if (hit->first <= at && at <= hit->last)
            return hit;
    }
    size_t low = 0, high = space->range_count; /* ranges[low - 1].first <= at < ranges[high].first */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (space->ranges[middle].first <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0 && at <= space->ranges[low - 1].last) {
        space->last_hit = low - 1;
        return &space->ranges[low - 1];
    }
    gap->first = low > 0 ? space->ranges[low - 1].last + 1 : 0;
    gap->last = low < space->range_count ? space->ranges[low].first - 1 : UINT64_MAX;
    gap->region = &space->unclaimed;
    return gap;
}

/* The same through a view: keeps I4. */
static const struct range *find(struct vx_bus *bus, enum vx_space space, uint64_t at, struct range *gap)
{
    const struct range *own = find_in(&bus->space[space], at, gap);
    if (bus->below == NULL || own != gap)
        return own;
    struct range below_gap, hole = *gap;
    *gap = *find_in(&bus->below->space[space], at, &below_gap);
    if (gap->first < hole.first)
        gap->first = hole.first;
    if (gap->last > hole.last)
        gap->last = hole.last;
    return gap;
}

/* How much of an access the range takes in one go: at most the region's max_size, and for memory naturally aligned.
 * Ports are handed over as they come: 16-bit ports at odd addresses exist. */
static unsigned piece_size(const struct range *range, enum vx_space space, uint64_t at, unsigned size)
{
    unsigned piece = WIDEST;
    while (piece > size || piece > range->region->max_size || piece - 1 > range->last - at ||
           (space == VX_SPACE_MEMORY && (at & (piece - 1)) != 0))
        piece /= 2;
    return piece;
}

static uint64_t all_ones(unsigned size)
{
    return UINT64_MAX >> (64 - 8 * size);
}

static uint64_t region_read(struct vx_region *region, uint64_t at, unsigned size)
{
    region->reads++;
    if (region->read == NULL)
        return all_ones(size);
    uint64_t off = at - region->base;
    if (size >= region->min_size)
        return region->read(region->opaque, off, size) & all_ones(size);
    uint64_t wide_off = off & ~(uint64_t)(region->min_size - 1);
    uint64_t wide = region->read(region->opaque, wide_off, region->min_size);
    return wide >> (8 * (off - wide_off)) & all_ones(size);
}

static void region_write(struct vx_region *region, uint64_t at, unsigned size, uint64_t value)
{
    region->writes++;
    if (region->write != NULL && size >= region->min_size)
        region->write(region->opaque, at - region->base, size, value & all_ones(size));
}

uint64_t vx_bus_read(struct vx_bus *bus, enum vx_space space, uint64_t at, unsigned size)
{
    VX_ASSERT(size != 0 && size <= WIDEST);
    uint64_t value = 0;
    for (unsigned done = 0; done < size;) {
        struct range gap;
        const struct range *range = find(bus, space, at + done, &gap);
        unsigned piece = piece_size(range, space, at + done, size - done);
        value |= region_read(range->region, at + done, piece) << (8 * done); /* keeps I3: range is not used again */
        done += piece;
    }
    if (space == VX_SPACE_IO) {
        bus->stats->pio++;
        vx_trace(bus->log, bus_io_read, (unsigned)at, size, (unsigned)value);
    } else {
        bus->stats->mmio++;
        vx_trace(bus->log, bus_mmio_read, at, size, value);
    }
    return value;
}

void vx_bus_write(struct vx_bus *bus, enum vx_space space, uint64_t at, unsigned size, uint64_t value)
{
    VX_ASSERT(size != 0 && size <= WIDEST);
    if (space == VX_SPACE_IO) {
        bus->stats->pio++;
        vx_trace(bus->log, bus_io_write, (unsigned)at, size, (unsigned)value);
    } else {
        bus->stats->mmio++;
        vx_trace(bus->log, bus_mmio_write, at, size, value);
    }
    for (unsigned done = 0; done < size;) {
        struct range gap;
        const struct range *range = find(bus, space, at + done, &gap);
        unsigned piece = piece_size(range, space, at + done, size - done);
        region_write(range->region, at + done, piece, value >> (8 * done));
        done += piece;
    }
}

const struct vx_region *vx_bus_region_at(struct vx_bus *bus, enum vx_space space, uint64_t at)
{
    struct range gap;
    const struct vx_bus *below = bus->below != NULL ? bus->below : bus;
    const struct vx_region *region = find(bus, space, at, &gap)->region;
    return region != &below->space[space].unclaimed ? region : NULL;
}

static uint64_t region_peek(const struct vx_region *region, uint64_t at, unsigned size)
{
    uint64_t off = at - region->base;
    if (size >= region->min_size)
        return region->peek(region->opaque, off, size) & all_ones(size);
    uint64_t wide_off = off & ~(uint64_t)(region->min_size - 1);
    return region->peek(region->opaque, wide_off, region->min_size) >> (8 * (off - wide_off)) & all_ones(size);
}

bool vx_bus_peek(struct vx_bus *bus, enum vx_space space, uint64_t at, unsigned size, uint64_t *value)
{
    VX_ASSERT(size != 0 && size <= WIDEST);
    *value = 0;
    for (unsigned done = 0; done < size;) {
        struct range gap;
        const struct range *range = find(bus, space, at + done, &gap);
        if (range->region->peek == NULL)
            return false;
        unsigned piece = piece_size(range, space, at + done, size - done);
        *value |= region_peek(range->region, at + done, piece) << (8 * done);
        done += piece;
    }
    return true;
}

bool vx_bus_poke(struct vx_bus *bus, uint64_t phys, uint8_t value)
{
    struct range gap;
    const struct vx_region *region = find(bus, VX_SPACE_MEMORY, phys, &gap)->region;
    return region->is_memory && region->poke != NULL && region->poke(region->opaque, phys - region->base, value);
}

size_t vx_bus_read_block(struct vx_bus *bus, uint16_t port, unsigned size, void *buf, size_t count)
{
    struct range gap;
    struct vx_region *region = find(bus, VX_SPACE_IO, port, &gap)->region;
    if (region->read_block == NULL)
        return 0;
    size_t done = region->read_block(region->opaque, port - region->base, size, buf, count);
    region->reads += done;
    bus->stats->pio += done;
    return done;
}

size_t vx_bus_write_block(struct vx_bus *bus, uint16_t port, unsigned size, const void *buf, size_t count)
{
    struct range gap;
    struct vx_region *region = find(bus, VX_SPACE_IO, port, &gap)->region;
    if (region->write_block == NULL)
        return 0;
    size_t done = region->write_block(region->opaque, port - region->base, size, buf, count);
    region->writes += done;
    bus->stats->pio += done;
    return done;
}

/* Merges the lists of bus and views. */
static void each_region(const struct vx_bus *bus, size_t space,
                        void (*fn)(void *opaque, const struct vx_region *region), void *opaque)
{
    const struct vx_region *next[1 + VX_BUS_MAX_VIEWS] = { bus->space[space].regions };
    for (unsigned v = 0; v < bus->views; v++)
        next[1 + v] = bus->view[v]->space[space].regions;
    for (;;) {
        const struct vx_region **first = NULL;
        for (unsigned i = 0; i <= bus->views; i++)
            if (next[i] != NULL && (first == NULL || next[i]->base < (*first)->base))
                first = &next[i];
        if (first == NULL)
            return;
        const struct vx_region *region = *first;
        *first = region->next;
        fn(opaque, region);
    }
}

void vx_bus_each(struct vx_bus *bus, void (*fn)(void *opaque, const struct vx_region *region), void *opaque)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(bus->space); i++) {
        each_region(bus, i, fn, opaque);
        if (bus->space[i].unclaimed.reads + bus->space[i].unclaimed.writes != 0)
            fn(opaque, &bus->space[i].unclaimed);
    }
}

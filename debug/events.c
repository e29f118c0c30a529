/* events.c - what the vCPU, the mmu and the machine tell in the middle of instructions: it is recorded, and held
 * against the points; what one of them wants is queued for the boundary (I2 of debug_private.h). */
#include <string.h>

#include "debug_private.h"

static void record(struct vx_debug *debug, enum vx_debug_event event, uint64_t value, uint64_t detail)
{
    const struct vx_vcpu *vcpu = debug->vcpu;
    debug->record[debug->records++ % VX_DEBUG_RECORDS] =
        (struct vx_debug_record){ .event = event,
                                  .value = value,
                                  .detail = detail,
                                  .cs = vcpu->seg[VX_CS].sel,
                                  .eip = vcpu->rip,
                                  .count = vcpu->retired,
                                  .ns = vx_clock_now_ns(debug->config.clock) };
}

bool vx_debug_record(const struct vx_debug *debug, unsigned age, struct vx_debug_record *out)
{
    if (age >= VX_DEBUG_RECORDS || age >= debug->records)
        return false;
    *out = debug->record[(debug->records - 1 - age) % VX_DEBUG_RECORDS];
    return true;
}

static void queue(struct vx_debug *debug, const struct vx_debug_point *point, struct vx_debug_stop stop)
{
    if (debug->queued == QUEUE_MAX)
        return;
    stop.cause = VX_CAUSE_POINT;
    stop.cs = debug->vcpu->seg[VX_CS].sel;
    stop.eip = debug->vcpu->rip;
    stop.point = *point;
    debug->queue[debug->queued++] = stop;
    vx_vcpu_raise(debug->vcpu, VX_ATTN_DEBUG);
}

static bool covers(const struct vx_debug_point *point, uint64_t value, const struct vx_debug_stop *stop)
{
    if (point->kind == VX_POINT_MODE)
        return point->first == 0 || ((stop->old ^ stop->new) & point->first) != 0;
    return point->first <= value && value <= point->last;
}

/* Queues `stop` for every enabled point of the kind whose range has `value`. */
static void offer(struct vx_debug *debug, enum vx_point_kind kind, uint64_t value, const struct vx_debug_stop *stop)
{
    if (!(debug->kinds & 1u << kind))
        return;
    for (unsigned i = 0; i < debug->points; i++) {
        const struct vx_debug_point *point = &debug->point[i];
        if (point->kind == kind && point->enabled && covers(point, value, stop))
            queue(debug, point, *stop);
    }
}

/* What each event is to the points, and whether it is worth remembering. */
static const struct {
    enum vx_point_kind kind;
    bool recorded;
} meaning[] = {
    [VX_DEBUG_EVENT_EXCEPTION] = { VX_POINT_EXCEPTION, true },
    [VX_DEBUG_EVENT_INTERRUPT] = { VX_POINT_INTERRUPT, true },
    [VX_DEBUG_EVENT_INT] = { VX_POINT_INT, true },
    [VX_DEBUG_EVENT_MODE] = { VX_POINT_MODE, true },
    [VX_DEBUG_EVENT_CR3] = { VX_POINT_CR3, false },
    [VX_DEBUG_EVENT_MAGIC] = { VX_POINT_MAGIC, false },
};

void events_hear(void *opaque, enum vx_debug_event event, uint64_t value, uint64_t detail)
{
    struct vx_debug *debug = opaque;
    const struct vx_vcpu *vcpu = debug->vcpu;
    struct vx_debug_stop stop = { .vector = (uint32_t)value, .error = (uint32_t)detail, .new = value };
    if (event == VX_DEBUG_EVENT_MODE)
        stop.old = vx_mode_bits(vcpu->cr0, vcpu->eflags);
    else if (event == VX_DEBUG_EVENT_CR3)
        stop.old = vcpu->cr3;
    else if (event == VX_DEBUG_EVENT_EXCEPTION && value == VX_PF)
        stop.lin = stop.address = vcpu->cr2;
    if (debug->front.event != NULL)
        debug->front.event(debug->front_opaque, event, value, detail);
    if (meaning[event].recorded)
        record(debug, event, value, detail);
    offer(debug, meaning[event].kind, value, &stop);
}

static uint64_t up_to_8(const void *bytes, size_t count)
{
    uint64_t value = 0;
    memcpy(&value, bytes, count < 8 ? count : 8);
    return value;
}

void events_watch(void *opaque, const struct vx_mmu_watch *watch, const struct vx_mmu_watched *access)
{
    struct vx_debug *debug = opaque;
    struct vx_debug_point *point = point_of(debug, watch->number);
    struct vx_debug_stop stop = {
        .access = access->kind, .bytes = (unsigned)access->bytes, .lin = access->lin, .address = access->phys
    };
    if (point == NULL)
        return;
    vx_debug_read_phys(debug, access->phys, &stop.old, access->bytes < 8 ? access->bytes : 8);
    stop.new = access->value != NULL ? up_to_8(access->value, access->bytes) : stop.old;
    queue(debug, point, stop);
}

void events_dma(void *opaque, uint64_t phys, size_t bytes, const void *value)
{
    struct vx_debug *debug = opaque;
    uint8_t kind = value != NULL ? VX_WATCH_WRITE : VX_WATCH_READ;
    for (unsigned i = 0; i < debug->watches; i++) {
        const struct vx_mmu_watch *watch = &debug->watch[i];
        if (!watch->physical || !(watch->kinds & kind) || watch->first > phys + bytes - 1 || watch->last < phys)
            continue;
        uint64_t first = watch->first > phys ? watch->first : phys;
        uint64_t last = watch->last < phys + bytes - 1 ? watch->last : phys + bytes - 1;
        struct vx_debug_stop stop = {
            .access = kind, .by_device = true, .bytes = (unsigned)(last - first + 1), .address = first
        };
        vx_debug_read_phys(debug, first, &stop.old, stop.bytes < 8 ? stop.bytes : 8);
        stop.new = value != NULL ? up_to_8((const uint8_t *)value + (first - phys), stop.bytes) : stop.old;
        struct vx_debug_point *point = point_of(debug, watch->number);
        if (point != NULL)
            queue(debug, point, stop);
    }
}

void vx_debug_access(struct vx_debug *debug, enum vx_space space, uint64_t address, unsigned bytes, unsigned access,
                     uint64_t value)
{
    enum vx_point_kind kind = space == VX_SPACE_IO ? VX_POINT_IO : VX_POINT_MMIO;
    if ((debug->tracing & VX_DEBUG_TRACE_IO) && debug->front.access != NULL)
        debug->front.access(debug->front_opaque, space, address, bytes, access, value);
    for (unsigned i = 0; i < debug->points; i++) {
        const struct vx_debug_point *point = &debug->point[i];
        if (point->kind == kind && point->enabled && (point->access & access) && point->first < address + bytes &&
            address <= point->last)
            queue(
                debug, point,
                (struct vx_debug_stop){ .access = (uint8_t)access, .bytes = bytes, .address = address, .new = value });
    }
}

/* The clock has reached the first TIME point; called between instructions. */
void events_time(void *opaque)
{
    struct vx_debug *debug = opaque;
    uint64_t now = vx_clock_now_ns(debug->config.clock);
    for (unsigned i = 0; i < debug->points; i++) {
        const struct vx_debug_point *point = &debug->point[i];
        if (point->kind == VX_POINT_TIME && point->enabled && point->first <= now && point->hits == 0)
            queue(debug, point, (struct vx_debug_stop){ .new = now });
    }
}

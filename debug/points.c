/* points.c - the table of points: which there are, what the engines, the mmu and the machine must look at for them. */
#include <stdlib.h>
#include <string.h>

#include "debug_private.h"

struct vx_debug_point *point_of(struct vx_debug *debug, unsigned number)
{
    for (unsigned i = 0; i < debug->points; i++)
        if (debug->point[i].number == number)
            return &debug->point[i];
    return NULL;
}

const struct vx_debug_point *vx_debug_find_point(const struct vx_debug *debug, unsigned number)
{
    for (unsigned i = 0; i < debug->points; i++)
        if (debug->point[i].number == number)
            return &debug->point[i];
    return NULL;
}

const struct vx_debug_point *vx_debug_next_point(const struct vx_debug *debug, unsigned number)
{
    for (unsigned i = 0; i < debug->points; i++) /* ascending: numbers are never given twice */
        if (debug->point[i].number > number && debug->point[i].number < INTERNAL_FIRST)
            return &debug->point[i];
    return NULL;
}

/* ---- arming ------------------------------------------------------------------------------------------------------ */

static const uint8_t *hva_of(const struct vx_debug *debug, const struct vx_debug_point *point)
{
    return point->physical ? vx_pmap_read_ptr(debug->vcpu->mmu->pmap, point->first) : NULL;
}

static uint64_t page_bit(uint64_t address)
{
    return 1ull << (address >> VX_PAGE_SHIFT & 63);
}

static void arm_exec(struct vx_debug *debug, unsigned index)
{
    const struct vx_debug_point *point = &debug->point[index];
    const uint8_t *hva = hva_of(debug, point);
    if (point->physical && hva == NULL)
        return;
    if (hva == NULL)
        debug->exec_pages |= page_bit(point->first);
    else
        debug->exec_hva_pages |= page_bit((uintptr_t)hva);
    debug->execs_linear += hva == NULL;
    debug->exec[debug->execs++] = (struct exec){ vx_lin_wrap(point->first), hva, index };
}

/* Linear ones first, by address; what is the same as it was added. */
static int exec_order(const void *a, const void *b)
{
    const struct exec *x = a, *y = b;
    if ((x->hva == NULL) != (y->hva == NULL))
        return x->hva == NULL ? -1 : 1;
    if (x->lin != y->lin)
        return x->lin < y->lin ? -1 : 1;
    return x->index < y->index ? -1 : 1;
}

static void arm_watch(struct vx_debug *debug, const struct vx_debug_point *point)
{
    debug->watch[debug->watches++] = (struct vx_mmu_watch){ .first = point->first,
                                                            .last = point->last,
                                                            .physical = point->physical,
                                                            .kinds = point->access,
                                                            .number = point->number };
}

/* Everything that is derived from the table; translations are dropped by who knows what has changed. */
void points_rearm(struct vx_debug *debug)
{
    unsigned watched = debug->watches, physical = 0;
    uint64_t time = VX_NEVER;
    debug->execs = debug->execs_linear = debug->watches = 0;
    debug->kinds = 0;
    debug->exec_pages = debug->exec_hva_pages = 0;
    debug->wants.io = debug->wants.mmio = (debug->tracing & VX_DEBUG_TRACE_IO) != 0;
    debug->hooks.magic = false;
    for (unsigned i = 0; i < debug->points; i++) {
        const struct vx_debug_point *point = &debug->point[i];
        if (!point->enabled)
            continue;
        debug->kinds |= 1u << point->kind;
        switch (point->kind) {
        case VX_POINT_EXEC: arm_exec(debug, i); break;
        case VX_POINT_WATCH:
            arm_watch(debug, point);
            physical += point->physical;
            break;
        case VX_POINT_IO: debug->wants.io = true; break;
        case VX_POINT_MMIO: debug->wants.mmio = true; break;
        case VX_POINT_MAGIC: debug->hooks.magic = true; break;
        case VX_POINT_TIME:
            if (point->first < time && point->hits == 0)
                time = point->first;
            break;
        default: break;
        }
    }
    if (debug->execs > 1)
        qsort(debug->exec, debug->execs, sizeof *debug->exec, exec_order);
    if (watched != 0 || debug->watches != 0)
        vx_mmu_set_watches(debug->vcpu->mmu, debug->watch, debug->watches, events_watch, debug);
    vx_pmap_on_dma(debug->vcpu->mmu->pmap, physical != 0 ? events_dma : NULL, debug);
    vx_timer_set(debug->config.clock, &debug->timer, time);
}

/* The engines' prepared code must learn of a change of this point. */
static void forget_code(struct vx_debug *debug, const struct vx_debug_point *point)
{
    debug->vcpu->mmu->map_epoch++;
    if (debug->bt == NULL)
        return;
    if (point->kind == VX_POINT_EXEC) {
        const uint8_t *hva = hva_of(debug, point);
        if (!point->physical)
            vx_bt_forget(debug->bt, point->first, NULL);
        else if (hva != NULL)
            vx_bt_forget(debug->bt, point->first, hva);
    } else if (point->kind == VX_POINT_MAGIC) {
        vx_bt_flush(debug->bt);
    }
}

/* Room for one point more. What the mmu has of `watch` is replaced by points_rearm(). */
static bool grow(struct vx_debug *debug)
{
    unsigned room = debug->room != 0 ? 2 * debug->room : 16;
    if (debug->points < debug->room)
        return true;
    if (debug->room > UINT32_MAX / 4)
        return false;
    struct vx_debug_point *point = realloc(debug->point, room * sizeof *point);
    debug->point = point != NULL ? point : debug->point;
    struct exec *exec = realloc(debug->exec, room * sizeof *exec);
    debug->exec = exec != NULL ? exec : debug->exec;
    struct vx_mmu_watch *watch = malloc(room * sizeof *watch);
    if (point == NULL || exec == NULL || watch == NULL) {
        free(watch);
        return false;
    }
    if (debug->watches != 0) { /* the mmu never looks at what is gone */
        memcpy(watch, debug->watch, debug->watches * sizeof *watch);
        vx_mmu_set_watches(debug->vcpu->mmu, watch, debug->watches, events_watch, debug);
    }
    free(debug->watch);
    debug->watch = watch;
    debug->room = room;
    return true;
}

void points_fini(struct vx_debug *debug)
{
    free(debug->point);
    free(debug->exec);
    free(debug->watch);
}

static unsigned add_point(struct vx_debug *debug, const struct vx_debug_point *point, unsigned number)
{
    if (!grow(debug))
        return 0;
    struct vx_debug_point *own = &debug->point[debug->points++];
    *own = *point;
    own->number = number;
    own->hits = 0;
    points_rearm(debug);
    forget_code(debug, own);
    return own->number;
}

unsigned vx_debug_add_point(struct vx_debug *debug, const struct vx_debug_point *point)
{
    return add_point(debug, point, ++debug->last_number);
}

unsigned point_add_internal(struct vx_debug *debug, const struct vx_debug_point *point)
{
    return add_point(debug, point, INTERNAL_FIRST + ++debug->last_internal);
}

bool vx_debug_remove_point(struct vx_debug *debug, unsigned number)
{
    struct vx_debug_point *point = point_of(debug, number);
    if (point == NULL)
        return false;
    struct vx_debug_point old = *point;
    size_t behind = (size_t)(debug->point + debug->points - (point + 1));
    memmove(point, point + 1, behind * sizeof *point);
    debug->points--;
    points_rearm(debug);
    forget_code(debug, &old);
    return true;
}

void points_clear(struct vx_debug *debug)
{
    while (debug->points > 0)
        vx_debug_remove_point(debug, debug->point[0].number);
}

bool vx_debug_enable_point(struct vx_debug *debug, unsigned number, bool enabled)
{
    struct vx_debug_point *point = point_of(debug, number);
    if (point == NULL)
        return false;
    point->enabled = enabled;
    points_rearm(debug);
    forget_code(debug, point);
    return true;
}

bool vx_debug_set_ignore(struct vx_debug *debug, unsigned number, uint64_t ignore)
{
    struct vx_debug_point *point = point_of(debug, number);
    if (point != NULL)
        point->ignore = ignore;
    return point != NULL;
}

bool vx_debug_set_conditional(struct vx_debug *debug, unsigned number, bool conditional)
{
    struct vx_debug_point *point = point_of(debug, number);
    if (point != NULL)
        point->conditional = conditional;
    return point != NULL;
}

/* ---- reached ----------------------------------------------------------------------------------------------------- */

bool point_qualifies(struct vx_debug *debug, struct vx_debug_point *point, struct vx_debug_stop *stop)
{
    stop->point = *point;
    if (point->conditional && !debug->front.condition(debug->front_opaque, stop))
        return false;
    stop->point.hits = ++point->hits;
    if (point->ignore == 0)
        return true;
    point->ignore--;
    return false;
}

/* The first of the linear ones at or behind `lin`. */
static unsigned exec_from(const struct vx_debug *debug, uint64_t lin)
{
    unsigned low = 0, high = debug->execs_linear;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (debug->exec[middle].lin < lin)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_here(const struct vx_debug *debug, unsigned i, uint64_t lin)
{
    uint64_t phys;
    if (debug->exec[i].hva == NULL)
        return debug->exec[i].lin == lin;
    return ((debug->exec[i].lin ^ lin) & VX_PAGE_MASK) == 0 && vx_mmu_peek(debug->vcpu->mmu, lin, &phys) &&
           vx_pmap_read_ptr(debug->vcpu->mmu->pmap, phys) == debug->exec[i].hva;
}

/* The next armed address that is at `lin`, `i` or behind it; `execs` when there is none. */
static unsigned next_here(const struct vx_debug *debug, unsigned i, uint64_t lin)
{
    if (i < debug->execs_linear && debug->exec[i].lin != lin)
        i = debug->execs_linear;
    while (i < debug->execs && !is_here(debug, i, lin))
        i++;
    return i;
}

static bool esp_fits(const struct vx_debug *debug, const struct vx_debug_point *point)
{
    const struct vx_vcpu *vcpu = debug->vcpu;
    bool wide = (vcpu->seg[VX_SS].attr & VX_ATTR_DB) != 0;
    uint64_t above = vx_off_wrap(vcpu->gpr[VX_RSP] - point->esp_from);
    return !point->esp_checked ||
           (wide ? above < 0x10000 : (uint16_t)above < 0x8000); /* not below, nor another stack */
}

/* False: none of the armed addresses is in the page. Physical ones may be mapped anywhere. */
static bool may_be_here(const struct vx_debug *debug, uint64_t lin)
{
    return debug->exec_hva_pages != 0 || (debug->exec_pages & page_bit(lin)) != 0;
}

bool points_stop_here(void *opaque)
{
    const struct vx_debug *debug = opaque;
    uint64_t lin = vx_cs_lin(debug->vcpu);
    if (!may_be_here(debug, lin))
        return false;
    return next_here(debug, exec_from(debug, lin), lin) < debug->execs;
}

bool points_stop_in(void *opaque, uint64_t lin, const uint8_t *hva, uint32_t bytes)
{
    const struct vx_debug *debug = opaque;
    if (!(debug->exec_pages & page_bit(lin)) && !(debug->exec_hva_pages & page_bit((uintptr_t)hva)))
        return false;
    unsigned at = exec_from(debug, lin);
    if (at < debug->execs_linear && debug->exec[at].lin - lin < bytes)
        return true;
    for (unsigned i = debug->execs_linear; i < debug->execs; i++)
        if ((uintptr_t)debug->exec[i].hva - (uintptr_t)hva < bytes)
            return true;
    return false;
}

struct vx_debug_point *point_here(struct vx_debug *debug, bool *any)
{
    uint64_t lin = vx_cs_lin(debug->vcpu);
    struct vx_debug_point *first = NULL;
    if (!may_be_here(debug, lin))
        return NULL;
    for (unsigned i = next_here(debug, exec_from(debug, lin), lin); i < debug->execs;
         i = next_here(debug, i + 1, lin)) {
        *any = true;
        struct vx_debug_point *point = &debug->point[debug->exec[i].index];
        if (!esp_fits(debug, point))
            continue;
        if (point->number == debug->plan.gate) {
            debug->plan.gate_reached = true; /* not the user's: plan_advance() looks at it */
            continue;
        }
        struct vx_debug_stop stop = stop_here(debug, VX_CAUSE_POINT);
        if (point_qualifies(debug, point, &stop) && first == NULL)
            first = point;
    }
    return first;
}

struct vx_debug_point *point_count(struct vx_debug *debug)
{
    if (!(debug->kinds & 1u << VX_POINT_COUNT))
        return NULL;
    for (unsigned i = 0; i < debug->points; i++) {
        struct vx_debug_point *point = &debug->point[i];
        struct vx_debug_stop stop = stop_here(debug, VX_CAUSE_POINT);
        if (point->kind == VX_POINT_COUNT && point->enabled && point->hits == 0 &&
            point->first <= debug->vcpu->retired && point_qualifies(debug, point, &stop))
            return point;
    }
    return NULL;
}

uint64_t vx_debug_limit(const struct vx_debug *debug)
{
    uint64_t limit = VX_RETIRE_NONE;
    if (!(debug->kinds & 1u << VX_POINT_COUNT))
        return limit;
    for (unsigned i = 0; i < debug->points; i++) {
        const struct vx_debug_point *point = &debug->point[i];
        if (point->kind == VX_POINT_COUNT && point->enabled && point->hits == 0 && point->first < limit)
            limit = point->first;
    }
    return limit;
}

bool vx_debug_wants_counts(const struct vx_debug *debug)
{
    return debug->counting || vx_debug_limit(debug) != VX_RETIRE_NONE;
}

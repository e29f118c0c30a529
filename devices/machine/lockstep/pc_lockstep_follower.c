/* pc_lockstep_follower.c - the follower's machine: it answers what the leader's answered, and holds writes against the
 * leader's.
 *
 *   I1  After the first access that differs everything is all-ones and nothing is compared any more: the run ends. */
#include <stdio.h>

#include "pc_lockstep_private.h"

#define NO_ANSWER UINT64_MAX

/* ---- news ------------------------------------------------------------------------------------------------------- */

static void apply_map(struct pc_lockstep *lockstep, const struct feed_entry *news)
{
    vx_pmap_map(lockstep->pmap, news->where, (uint64_t)news->count << VX_PAGE_SHIFT, (uint32_t)news->value,
                (uint32_t)(news->value >> 32));
}

static void apply_memory(struct pc_lockstep *lockstep, const struct feed_entry *news)
{
    uint32_t page = (uint32_t)(news->where >> VX_PAGE_SHIFT), off = (uint32_t)news->where & VX_PAGE_MASK;
    memcpy(vx_pmap_page_hva(lockstep->pmap, page) + off, lockstep->feed.bytes + news->data, news->count);
    vx_pmap_wrote_page(lockstep->pmap, page, off, news->count);
}

static void apply(struct pc_lockstep *lockstep, const struct feed_entry *news)
{
    struct vx_vcpu *cpu = lockstep->follower;
    switch ((enum feed_kind)news->kind) {
    case FEED_MAP: apply_map(lockstep, news); break;
    case FEED_A20: vx_pmap_set_a20(lockstep->pmap, news->value != 0); break;
    case FEED_MEMORY: apply_memory(lockstep, news); break;
    case FEED_INTR: vx_vcpu_set_intr(cpu, news->value != 0); break;
    case FEED_NMI: cpu->nmi_pending = true; break;
    case FEED_SMI: vx_vcpu_smi(cpu); break;
    case FEED_REGISTER: cpu->gpr[news->where] = news->value; break;
    case FEED_RESET: vx_cpu_reset(cpu, news->value != 0); break;
    default: VX_ASSERT(!"no news");
    }
}

void lockstep_apply_news(struct pc_lockstep *lockstep)
{
    const struct feed_entry *news;
    while ((news = feed_news(&lockstep->feed)) != NULL) {
        feed_pass(&lockstep->feed); /* first: a reset makes accesses of its own */
        apply(lockstep, news);
    }
}

/* ---- accesses --------------------------------------------------------------------------------------------------- */

static void access_differs(struct pc_lockstep *lockstep, const struct feed_entry *mine)
{
    const struct feed *feed = &lockstep->feed;
    char made[64], led[64];
    feed_describe(mine, made, sizeof made);
    feed_describe(feed->next < feed->count ? &feed->entry[feed->next] : NULL, led, sizeof led);
    snprintf(lockstep->access_text, sizeof lockstep->access_text, "interpreter: %s; translator: %s", made, led);
    lockstep->access_differs = true;
}

/* The leader's entry of the access that the follower makes now; NULL when that made another: keeps I1. */
static const struct feed_entry *match(struct pc_lockstep *lockstep, enum feed_kind kind, uint64_t where, unsigned size)
{
    struct feed_entry mine = { .kind = (uint8_t)kind, .where = where, .size = (uint8_t)size };
    const struct feed_entry *entry = NULL;
    if (!lockstep->access_differs)
        entry = feed_match(&lockstep->feed, kind, where, size);
    if (entry == NULL && !lockstep->access_differs)
        access_differs(lockstep, &mine);
    return entry;
}

/* The answer to an access with a single value; the value is also compared when it was `written`. */
static uint64_t single(struct pc_lockstep *lockstep, enum feed_kind kind, uint64_t where, unsigned size,
                       const uint64_t *written)
{
    const struct feed_entry *entry = match(lockstep, kind, where, size);
    if (entry == NULL)
        return NO_ANSWER;
    uint64_t value = entry->value;
    if (written != NULL && value != *written) {
        snprintf(lockstep->access_text, sizeof lockstep->access_text,
                 "value written to %llXh: interpreter %llX, translator %llX", (unsigned long long)where,
                 (unsigned long long)*written, (unsigned long long)value);
        lockstep->access_differs = true;
    }
    feed_pass(&lockstep->feed);
    lockstep_apply_news(lockstep);
    return value;
}

static size_t port_read_block(void *opaque, uint16_t port, unsigned size, void *buf, size_t count)
{
    struct pc_lockstep *lockstep = opaque;
    size_t n;
    memset(buf, 0xFF, size * count);
    if (match(lockstep, FEED_PORT_READ, port, size) == NULL)
        return count;
    const uint8_t *items = feed_items(&lockstep->feed, count, &n);
    memcpy(buf, items, n * size);
    feed_took(&lockstep->feed, n);
    lockstep_apply_news(lockstep);
    return n;
}

static size_t port_write_block(void *opaque, uint16_t port, unsigned size, const void *buf, size_t count)
{
    struct pc_lockstep *lockstep = opaque;
    size_t n;
    if (match(lockstep, FEED_PORT_WRITE, port, size) == NULL)
        return count;
    const uint8_t *items = feed_items(&lockstep->feed, count, &n);
    if (memcmp(buf, items, n * size) != 0) {
        snprintf(lockstep->access_text, sizeof lockstep->access_text, "what is written to port %Xh", port);
        lockstep->access_differs = true;
    }
    feed_took(&lockstep->feed, n);
    lockstep_apply_news(lockstep);
    return n;
}

static uint32_t port_read(void *opaque, uint16_t port, unsigned size)
{
    uint32_t value = 0;
    port_read_block(opaque, port, size, &value, 1);
    return value;
}

static void port_write(void *opaque, uint16_t port, unsigned size, uint32_t value)
{
    port_write_block(opaque, port, size, &value, 1);
}

static int ack_interrupt(void *opaque)
{
    return (int)(int64_t)single(opaque, FEED_ACK, 0, 0, NULL);
}

static uint64_t input(void *opaque, enum vx_vcpu_input what)
{
    return single(opaque, FEED_INPUT, what, 0, NULL);
}

static void apic_base(void *opaque, uint64_t value)
{
    single(opaque, FEED_APIC_BASE, 0, 0, &value);
}

static void set_tsc_deadline(void *opaque, uint64_t deadline, uint64_t offset)
{
    single(opaque, FEED_SET_TSC_DEADLINE, offset, 0, &deadline);
}

static void ferr(void *opaque, bool level)
{
    uint64_t value = level;
    single(opaque, FEED_FERR, 0, 0, &value);
}

static void smiact(void *opaque, bool active)
{
    uint64_t value = active;
    single(opaque, FEED_SMIACT, 0, 0, &value);
}

const struct vx_vcpu_ops lockstep_follower_ops = {
    .port_read = port_read,
    .port_write = port_write,
    .port_read_block = port_read_block,
    .port_write_block = port_write_block,
    .ack_interrupt = ack_interrupt,
    .input = input,
    .apic_base = apic_base,
    .set_tsc_deadline = set_tsc_deadline,
    .ferr = ferr,
    .smiact = smiact,
};

static uint64_t bus_read(void *opaque, uint32_t from, uint64_t phys, unsigned size)
{
    (void)from;
    return single(opaque, FEED_MMIO_READ, phys, size, NULL);
}

static void bus_write(void *opaque, uint32_t from, uint64_t phys, unsigned size, uint64_t value)
{
    (void)from;
    single(opaque, FEED_MMIO_WRITE, phys, size, &value);
}

const struct vx_pmap_bus_ops lockstep_follower_bus = { .read = bus_read, .write = bus_write };

/* pc_lockstep_leader.c - writes down what the leader's CPU asks of its machine, and what the machine does to it and to
 * memory. */
#include "pc_lockstep.h"
#include "pc_lockstep_private.h"

/* ---- accesses --------------------------------------------------------------------------------------------------- */

static uint32_t port_read(void *opaque, uint16_t port, unsigned size)
{
    struct pc_lockstep *lockstep = opaque;
    size_t at = feed_add(&lockstep->feed, FEED_PORT_READ, port, size, 0);
    lockstep->in_device++;
    uint32_t value = lockstep->ops->port_read(lockstep->ops_opaque, port, size);
    lockstep->in_device--;
    feed_set_items(&lockstep->feed, at, &value, size, 1);
    return value;
}

static void port_write(void *opaque, uint16_t port, unsigned size, uint32_t value)
{
    struct pc_lockstep *lockstep = opaque;
    size_t at = feed_add(&lockstep->feed, FEED_PORT_WRITE, port, size, 0);
    feed_set_items(&lockstep->feed, at, &value, size, 1);
    lockstep->in_device++;
    lockstep->ops->port_write(lockstep->ops_opaque, port, size, value);
    lockstep->in_device--;
}

/* A block that the chip does not take leaves no entry. */
static size_t end_block(struct pc_lockstep *lockstep, size_t at, unsigned size, const void *buf, size_t done)
{
    lockstep->in_device--;
    if (done != 0)
        feed_set_items(&lockstep->feed, at, buf, done * size, (uint32_t)done);
    else
        feed_drop(&lockstep->feed, at);
    return done;
}

static size_t port_read_block(void *opaque, uint16_t port, unsigned size, void *buf, size_t count)
{
    struct pc_lockstep *lockstep = opaque;
    size_t at = feed_add(&lockstep->feed, FEED_PORT_READ, port, size, 0);
    lockstep->in_device++;
    return end_block(lockstep, at, size, buf,
                     lockstep->ops->port_read_block(lockstep->ops_opaque, port, size, buf, count));
}

static size_t port_write_block(void *opaque, uint16_t port, unsigned size, const void *buf, size_t count)
{
    struct pc_lockstep *lockstep = opaque;
    size_t at = feed_add(&lockstep->feed, FEED_PORT_WRITE, port, size, 0);
    lockstep->in_device++;
    return end_block(lockstep, at, size, buf,
                     lockstep->ops->port_write_block(lockstep->ops_opaque, port, size, buf, count));
}

static int ack_interrupt(void *opaque)
{
    struct pc_lockstep *lockstep = opaque;
    size_t at = feed_add(&lockstep->feed, FEED_ACK, 0, 0, 0);
    int vector = lockstep->ops->ack_interrupt(lockstep->ops_opaque);
    lockstep->feed.entry[at].value = (uint64_t)(int64_t)vector;
    return vector;
}

static uint64_t input(void *opaque, enum vx_vcpu_input what)
{
    struct pc_lockstep *lockstep = opaque;
    uint64_t value = lockstep->ops->input(lockstep->ops_opaque, what);
    feed_add(&lockstep->feed, FEED_INPUT, what, 0, value);
    return value;
}

static void apic_base(void *opaque, uint64_t value)
{
    struct pc_lockstep *lockstep = opaque;
    feed_add(&lockstep->feed, FEED_APIC_BASE, 0, 0, value);
    lockstep->ops->apic_base(lockstep->ops_opaque, value);
}

static void set_tsc_deadline(void *opaque, uint64_t deadline, uint64_t offset)
{
    struct pc_lockstep *lockstep = opaque;
    feed_add(&lockstep->feed, FEED_SET_TSC_DEADLINE, offset, 0, deadline);
    lockstep->ops->set_tsc_deadline(lockstep->ops_opaque, deadline, offset);
}

static void ferr(void *opaque, bool level)
{
    struct pc_lockstep *lockstep = opaque;
    feed_add(&lockstep->feed, FEED_FERR, 0, 0, level);
    lockstep->ops->ferr(lockstep->ops_opaque, level);
}

static void smiact(void *opaque, bool active)
{
    struct pc_lockstep *lockstep = opaque;
    feed_add(&lockstep->feed, FEED_SMIACT, 0, 0, active);
    lockstep->ops->smiact(lockstep->ops_opaque, active);
}

const struct vx_vcpu_ops lockstep_leader_ops = {
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

/* An access of the CPU itself, not of a device's DMA. */
static bool by_cpu(const struct pc_lockstep *lockstep)
{
    return lockstep->cpu_runs && lockstep->in_device == 0;
}

size_t pc_lockstep_mmio_begin(struct pc_lockstep *lockstep, bool write, uint64_t phys, unsigned size, uint64_t value)
{
    if (lockstep == NULL || !by_cpu(lockstep))
        return SIZE_MAX;
    lockstep->in_device++;
    return feed_add(&lockstep->feed, write ? FEED_MMIO_WRITE : FEED_MMIO_READ, phys, size, value);
}

void pc_lockstep_mmio_end(struct pc_lockstep *lockstep, size_t token, uint64_t value)
{
    if (token == SIZE_MAX)
        return;
    lockstep->in_device--;
    lockstep->feed.entry[token].value = value;
}

/* ---- news ------------------------------------------------------------------------------------------------------- */

static void mapped(void *opaque, uint64_t phys, uint64_t bytes, uint32_t read_page, uint32_t write_page)
{
    struct pc_lockstep *lockstep = opaque;
    size_t at = feed_add(&lockstep->feed, FEED_MAP, phys, 0, (uint64_t)write_page << 32 | read_page);
    lockstep->feed.entry[at].count = (uint32_t)(bytes >> VX_PAGE_SHIFT);
}

static void a20(void *opaque, bool enabled)
{
    feed_add(&((struct pc_lockstep *)opaque)->feed, FEED_A20, 0, 0, enabled);
}

static void written(void *opaque, uint32_t page, uint32_t off, uint32_t bytes)
{
    struct pc_lockstep *lockstep = opaque;
    if (by_cpu(lockstep))
        return;
    uint64_t where = (uint64_t)page << VX_PAGE_SHIFT | off;
    size_t at = feed_add(&lockstep->feed, FEED_MEMORY, where, 0, 0);
    feed_set_items(&lockstep->feed, at, vx_pmap_page_hva(lockstep->config.pmap, page) + off, bytes, bytes);
}

const struct vx_pmap_observer lockstep_observer = { .mapped = mapped, .a20 = a20, .written = written };

void pc_lockstep_intr(struct pc_lockstep *lockstep, bool level)
{
    if (lockstep != NULL)
        feed_add(&lockstep->feed, FEED_INTR, 0, 0, level);
}

void pc_lockstep_nmi(struct pc_lockstep *lockstep)
{
    if (lockstep != NULL)
        feed_add(&lockstep->feed, FEED_NMI, 0, 0, 0);
}

void pc_lockstep_smi(struct pc_lockstep *lockstep)
{
    if (lockstep != NULL)
        feed_add(&lockstep->feed, FEED_SMI, 0, 0, 0);
}

void pc_lockstep_register(struct pc_lockstep *lockstep, enum vx_gpr reg, uint32_t value)
{
    if (lockstep != NULL)
        feed_add(&lockstep->feed, FEED_REGISTER, reg, 0, value);
}

void pc_lockstep_reset_cpu(struct pc_lockstep *lockstep, bool init)
{
    if (lockstep != NULL)
        feed_add(&lockstep->feed, FEED_RESET, 0, 0, init);
}

/* bare.h - a vCPU with memory and nothing around it: what rigs and programs of tests build on.
 *
 * What a rig does not answer itself is answered as on an empty bus: reads are all-ones, nothing interrupts, time stands
 * still. The rig owns what is created here and destroys it. */
#ifndef VX86_TEST_BARE_H
#define VX86_TEST_BARE_H

#include "vx86/cpu.h"

static inline uint64_t bare_bus_read(void *opaque, uint32_t from, uint64_t phys, unsigned size)
{
    (void)from;
    (void)opaque, (void)phys, (void)size;
    return UINT64_MAX;
}

static inline void bare_bus_write(void *opaque, uint32_t from, uint64_t phys, unsigned size, uint64_t value)
{
    (void)from;
    (void)opaque, (void)phys, (void)size, (void)value;
}

static inline uint32_t bare_port_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque, (void)port, (void)size;
    return UINT32_MAX;
}

static inline void bare_port_write(void *opaque, uint16_t port, unsigned size, uint32_t value)
{
    (void)opaque, (void)port, (void)size, (void)value;
}

static inline int bare_ack_interrupt(void *opaque)
{
    (void)opaque;
    return -1;
}

static inline uint64_t bare_input(void *opaque, enum vx_vcpu_input what)
{
    (void)opaque, (void)what;
    return 0;
}

static inline void bare_apic_base(void *opaque, uint64_t value)
{
    (void)opaque, (void)value;
}

static inline void bare_ferr(void *opaque, bool level)
{
    (void)opaque, (void)level;
}

/* Nothing around it at all. */
static inline const struct vx_vcpu_ops *bare_ops(void)
{
    static const struct vx_vcpu_ops ops = {
        .port_read = bare_port_read,
        .port_write = bare_port_write,
        .ack_interrupt = bare_ack_interrupt,
        .input = bare_input,
        .apic_base = bare_apic_base,
        .ferr = bare_ferr,
    };
    return &ops;
}

struct bare_config {
    struct vx_log *log;
    struct vx_stats *stats;
    uint64_t ram_bytes;
    struct vx_pmap_bus_ops bus;    /* .read NULL: nothing there */
    const struct vx_vcpu_ops *ops; /* NULL: bare_ops() */
    void *ops_opaque;
    const struct vx_cpu_model *model;         /* NULL: "default" */
    const struct vx_cpu_undefined *undefined; /* NULL: as this host */
};

/* False when one of the two could not be made; *pmap may have been then. */
static inline bool bare_create(const struct bare_config *config, struct vx_pmap **pmap, struct vx_vcpu **vcpu)
{
    struct vx_pmap_config memory = {
        .log = config->log,
        .stats = config->stats,
        .ram_bytes = config->ram_bytes,
        .bus = config->bus,
    };
    if (memory.bus.read == NULL)
        memory.bus = (struct vx_pmap_bus_ops){ .read = bare_bus_read, .write = bare_bus_write };
    if (vx_pmap_create(&memory, pmap) != VX_ERR_OK)
        return false;
    struct vx_cpu_config cpu = {
        .log = config->log,
        .stats = config->stats,
        .pmap = *pmap,
        .ops = config->ops != NULL ? config->ops : bare_ops(),
        .ops_opaque = config->ops_opaque,
        .model = config->model != NULL ? config->model : vx_cpu_model_find("default"),
        .undefined = config->undefined,
    };
    return vx_cpu_create(&cpu, vcpu) == VX_ERR_OK;
}

/* Guest physical memory as this process sees it; RAM lies in one piece. */
static inline uint8_t *bare_ram(struct vx_pmap *pmap)
{
    return vx_pmap_page_hva(pmap, vx_pmap_read_page(pmap, 0));
}

#endif

/* rig.h - a bare vCPU in flat 32-bit protected mode for translator tests: no devices, an IDT whose handlers halt. */
#ifndef VX86_TESTS_BT_RIG_H
#define VX86_TESTS_BT_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vx86/bt.h"

enum {
    RIG_RAM = 4 << 20,
    RIG_GDT = 0x1000,
    RIG_IDT = 0x2000,
    RIG_HANDLERS = 0x3000, /* one HLT each, 16 bytes apart */
    RIG_STACK = 0x9000,
    RIG_CODE = 0x10000,
    RIG_DATA = 0x200000,
};

struct rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_pmap *pmap;
    struct vx_vcpu *vcpu;
    struct vx_bt *bt; /* NULL: interpreter */
};

static uint64_t rig_bus_read(void *opaque, uint64_t phys, unsigned size)
{
    (void)opaque;
    (void)size;
    return phys * 0x0101010101010101ull; /* recognisable, the same for both engines */
}
static void rig_bus_write(void *opaque, uint64_t phys, unsigned size, uint64_t value)
{
    (void)opaque;
    (void)phys;
    (void)size;
    (void)value;
}
static uint32_t rig_port_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque;
    (void)size;
    return port * 0x9E37u;
}
static void rig_port_write(void *opaque, uint16_t port, unsigned size, uint32_t value)
{
    (void)opaque;
    (void)port;
    (void)size;
    (void)value;
}
static int rig_ack(void *opaque)
{
    (void)opaque;
    return -1;
}
static uint64_t rig_tsc(void *opaque)
{
    (void)opaque;
    return 42;
}
static void rig_apic_base(void *opaque, uint64_t value)
{
    (void)opaque;
    (void)value;
}
static void rig_ferr(void *opaque, bool level)
{
    (void)opaque;
    (void)level;
}

static const struct vx_vcpu_ops rig_ops = {
    .port_read = rig_port_read,
    .port_write = rig_port_write,
    .ack_interrupt = rig_ack,
    .tsc = rig_tsc,
    .apic_base = rig_apic_base,
    .ferr = rig_ferr,
};

static void rig_put64(struct rig *rig, uint64_t phys, uint64_t value) { vx_pmap_write(rig->pmap, phys, &value, 8); }

static void rig_tables(struct rig *rig)
{
    rig_put64(rig, RIG_GDT + 8, 0x00CF9B000000FFFFull);  /* 08: flat code */
    rig_put64(rig, RIG_GDT + 16, 0x00CF93000000FFFFull); /* 10: flat data */
    for (unsigned v = 0; v < 32; v++) {
        uint32_t handler = RIG_HANDLERS + 16 * v;
        uint8_t hlt = 0xF4;
        vx_pmap_write(rig->pmap, handler, &hlt, 1);
        rig_put64(rig, RIG_IDT + 8 * v, (uint64_t)(handler & 0xFFFF) | 0x08ull << 16 | 0x8E00ull << 32 | (uint64_t)(handler >> 16) << 48);
    }
}

static void rig_segment(struct vx_seg *seg, uint16_t sel, uint16_t attr)
{
    *seg = (struct vx_seg){ .base = 0, .limit = UINT32_MAX, .sel = sel, .attr = attr };
}

/* Back to the start state with `code` at RIG_CODE; registers and data are the caller's. */
static void rig_start(struct rig *rig, const uint8_t *code, size_t bytes)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    vx_cpu_reset(vcpu, false);
    vx_pmap_write(rig->pmap, RIG_CODE, code, bytes);
    rig_tables(rig);
    vcpu->gdtr = (struct vx_table_reg){ RIG_GDT, 23 };
    vcpu->idtr = (struct vx_table_reg){ RIG_IDT, 32 * 8 - 1 };
    if (!vx_cpu_write_cr(vcpu, 0, VX_CR0_PE | VX_CR0_ET | VX_CR0_NE) || !vx_cpu_write_cr(vcpu, 4, VX_CR4_OSFXSR | VX_CR4_OSXMMEXCPT))
        abort();
    rig_segment(&vcpu->seg[VX_CS], 0x08, 0xC09B);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++) {
        if (i != VX_CS)
            rig_segment(&vcpu->seg[i], 0x10, 0xC093);
    }
    vcpu->rip = RIG_CODE;
    vcpu->gpr[VX_RSP] = RIG_STACK;
    atomic_store(&vcpu->attention, 0);
}

static void rig_create(struct rig *rig, const struct vx_bt_config *options)
{
    memset(rig, 0, sizeof *rig);
    rig->log = vx_log_create(stderr);
    struct vx_pmap_config pmap = { .log = rig->log, .stats = &rig->stats, .ram_bytes = RIG_RAM, .bus = { rig_bus_read, rig_bus_write } };
    if (vx_pmap_create(&pmap, &rig->pmap) != VX_ERR_OK)
        abort();
    struct vx_cpu_config cpu = { .log = rig->log, .stats = &rig->stats, .pmap = rig->pmap, .ops = &rig_ops, .model = vx_cpu_model_find("default") };
    if (vx_cpu_create(&cpu, &rig->vcpu) != VX_ERR_OK)
        abort();
    if (options == NULL)
        return;
    struct vx_bt_config config = *options;
    config.log = rig->log;
    config.stats = &rig->stats;
    config.vcpu = rig->vcpu;
    config.pmap = rig->pmap;
    if (vx_bt_create(&config, &rig->bt) != VX_ERR_OK)
        abort();
}

static void rig_destroy(struct rig *rig)
{
    vx_bt_destroy(rig->bt);
    vx_cpu_destroy(rig->vcpu);
    vx_pmap_destroy(rig->pmap);
    vx_log_destroy(rig->log);
}

static enum vx_stop rig_run(struct rig *rig)
{
    enum vx_stop stop;
    do {
        atomic_store(&rig->vcpu->attention, 0);
        stop = rig->bt != NULL ? vx_bt_run(rig->bt) : vx_interp_run(rig->vcpu, 1000000);
    } while (stop == VX_STOP_ATTENTION);
    return stop;
}

#endif

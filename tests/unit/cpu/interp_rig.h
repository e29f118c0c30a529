/* interp_rig.h - a vCPU with 2 MiB of memory and recorded ports, for the interpreter's tests. */
#ifndef VX86_TEST_INTERP_RIG_H
#define VX86_TEST_INTERP_RIG_H

#include <stdio.h>

#include "bare.h"

#define RIG_RAM_BYTES (2u << 20)
#define RIG_PORT_LOG  64

struct interp_rig {
    struct vx_stats stats;
    struct vx_log *log;
    struct vx_pmap *pmap;
    struct vx_vcpu *cpu;
    uint8_t *ram;
    uint32_t port_value; /* what every port reads */
    unsigned port_count;
    struct {
        uint16_t port;
        uint8_t size;
        bool write;
        uint32_t value;
    } ports[RIG_PORT_LOG];
};

static void rig_note_port(struct interp_rig *rig, uint16_t port, unsigned size, bool write, uint32_t value)
{
    unsigned i = rig->port_count++;
    if (i >= RIG_PORT_LOG)
        return;
    rig->ports[i].port = port;
    rig->ports[i].size = (uint8_t)size;
    rig->ports[i].write = write;
    rig->ports[i].value = value;
}

static uint32_t rig_port_read(void *opaque, uint16_t port, unsigned size)
{
    struct interp_rig *rig = opaque;
    rig_note_port(rig, port, size, false, rig->port_value);
    return rig->port_value;
}

static void rig_port_write(void *opaque, uint16_t port, unsigned size, uint32_t value)
{
    rig_note_port(opaque, port, size, true, value);
}

static int rig_ack(void *opaque)
{
    (void)opaque;
    return 0x20;
}

static uint64_t rig_input(void *opaque, enum vx_vcpu_input what)
{
    (void)opaque;
    return what == VX_INPUT_IGNNE ? 0 : 0x123456789ABCull;
}

/* False when something of it could not be made; all is still released by rig_fini(). `undefined` as in struct
 * vx_cpu_config. */
static inline bool rig_init_undefined(struct interp_rig *rig, const struct vx_cpu_undefined *undefined)
{
    static const struct vx_vcpu_ops ops = {
        .port_read = rig_port_read,
        .port_write = rig_port_write,
        .ack_interrupt = rig_ack,
        .input = rig_input,
        .apic_base = bare_apic_base,
        .ferr = bare_ferr,
    };
    *rig = (struct interp_rig){ .port_value = UINT32_MAX };
    rig->log = vx_log_create(stderr);
    struct bare_config config = {
        .log = rig->log,
        .stats = &rig->stats,
        .ram_bytes = RIG_RAM_BYTES,
        .ops = &ops,
        .ops_opaque = rig,
        .undefined = undefined,
    };
    if (!bare_create(&config, &rig->pmap, &rig->cpu))
        return false;
    rig->ram = bare_ram(rig->pmap);
    return true;
}

static inline bool rig_init(struct interp_rig *rig)
{
    return rig_init_undefined(rig, NULL);
}

static inline void rig_fini(struct interp_rig *rig)
{
    vx_cpu_destroy(rig->cpu);
    if (rig->pmap != NULL)
        vx_pmap_destroy(rig->pmap);
    vx_log_destroy(rig->log);
}

/* A segment as real mode has it. */
static inline void rig_real_seg(struct interp_rig *rig, enum vx_segment seg, uint16_t sel)
{
    rig->cpu->seg[seg] = (struct vx_seg){ .base = (uint64_t)sel << 4, .limit = 0xFFFF, .sel = sel, .attr = 0x93 };
}

/* Real mode with all segments at 0, a stack below 8000h, and CS:IP = 0:1000h. */
static inline void rig_real_mode(struct interp_rig *rig)
{
    vx_cpu_reset(rig->cpu, false);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        rig_real_seg(rig, (enum vx_segment)i, 0);
    rig->cpu->gpr[VX_RSP] = 0x8000;
    rig->cpu->rip = 0x1000;
}

/* Where rig_real_mode() and rig_flat() put things. */
enum {
    RIG_HANDLERS = 0x500, /* handler of vector n: RIG_HANDLERS + 16 n */
    RIG_CODE = 0x1000,
    RIG_IDT = 0x2000,
    RIG_GDT = 0x2800, /* code and data for level 0 (8, 16), for level 3 (24, 32), TSS (40) */
    RIG_TSS = 0x2900,
    RIG_STACK0 = 0x7000, /* where faults from level 3 land */
    RIG_STACK = 0x8000,
};

/* Real-mode vectors to the handlers. */
static inline void rig_real_vectors(struct interp_rig *rig)
{
    for (unsigned n = 0; n < 256; n++)
        memcpy(rig->ram + 4 * n, &(uint32_t){ RIG_HANDLERS + 16 * (n & 31) }, 4);
}

static inline void rig_descriptor(struct interp_rig *rig, unsigned sel, uint32_t base, uint32_t limit, uint16_t attr)
{
    uint32_t lo = base << 16 | (limit & 0xFFFF);
    uint32_t hi = (base & 0xFF000000u) | (base >> 16 & 0xFF) | (uint32_t)attr << 8 | (limit & 0xF0000);
    memcpy(rig->ram + RIG_GDT + sel, &lo, 4);
    memcpy(rig->ram + RIG_GDT + sel + 4, &hi, 4);
}

/* Protected mode without paging, all segments flat and 32-bit at `cpl`, with a GDT, a TSS and an IDT of 32-bit
 * interrupt gates (DPL 0) behind them. */
static inline void rig_flat(struct interp_rig *rig, unsigned cpl)
{
    rig_real_mode(rig);
    struct vx_vcpu *cpu = rig->cpu;
    bool ok = vx_cpu_write_cr(cpu, 0, (cpu->cr0 & ~(uint64_t)(VX_CR0_CD | VX_CR0_NW)) | VX_CR0_PE);
    VX_ASSERT(ok);
    rig_descriptor(rig, 8, 0, 0xFFFFF, 0xC09B);
    rig_descriptor(rig, 16, 0, 0xFFFFF, 0xC093);
    rig_descriptor(rig, 24, 0, 0xFFFFF, 0xC0FB);
    rig_descriptor(rig, 32, 0, 0xFFFFF, 0xC0F3);
    rig_descriptor(rig, 40, RIG_TSS, 0x67, 0x008B);
    memset(rig->ram + RIG_TSS, 0, 0x68);
    memcpy(rig->ram + RIG_TSS + 4, &(uint32_t){ RIG_STACK0 }, 4);
    memcpy(rig->ram + RIG_TSS + 8, &(uint32_t){ 16 }, 4);
    memcpy(rig->ram + RIG_TSS + 0x66, &(uint16_t){ 0x68 }, 2); /* no I/O bitmap */
    for (unsigned n = 0; n < 256; n++) {
        uint32_t gate[2] = { 8u << 16 | (RIG_HANDLERS + 16 * (n & 31)), 0x8E00 };
        memcpy(rig->ram + RIG_IDT + 8 * n, gate, 8);
    }
    cpu->gdtr = (struct vx_table_reg){ .base = RIG_GDT, .limit = 47 };
    cpu->idtr = (struct vx_table_reg){ .base = RIG_IDT, .limit = 0x7FF };
    cpu->tr = (struct vx_seg){ .base = RIG_TSS, .limit = 0x67, .sel = 40, .attr = 0x008B };
    for (unsigned i = 0; i < VX_SEG_COUNT; i++) {
        unsigned sel = (i == VX_CS ? 8 : 16) + (cpl == 3 ? 16 + 3 : 0),
                 attr = (i == VX_CS ? 0xCF9B : 0xCF93) | cpl << 5;
        cpu->seg[i] = (struct vx_seg){ .limit = UINT32_MAX, .sel = (uint16_t)sel, .attr = (uint16_t)attr };
    }
    cpu->cpl = (uint8_t)cpl;
}

#endif

/* sys_world.h - a vCPU over a small flat memory with GDT, LDT, IDT and task-state segments, for the test_sys_*
 * programs.
 *
 * Linear = physical (no paging) unless a test turns it on. Everything is placed by hand so that expected stack images
 * can be written down as numbers. */
#ifndef VX86_TESTS_SYS_WORLD_H
#define VX86_TESTS_SYS_WORLD_H

#include <criterion/criterion.h>
#include <stdio.h>

#include "bare.h"
#include "cpu_private.h"
#include "event.h"
#include "segment.h"
#include "task.h"

enum {
    W_GDT = 0x1000,
    W_IDT = 0x2000,
    W_LDT = 0x3000,
    W_TSS = 0x4000,
    W_TSS_B = 0x5000,
    W_TSS16 = 0x6000,
    W_CODE = 0x8000,
    W_STACK0 = 0x20000,
    W_STACK1 = 0x21000,
    W_STACK2 = 0x22000,
    W_STACK3 = 0x23000, /* tops, by level */
    W_RAM = 1 << 20,
};

/* GDT: a code, a data and a conforming-code segment for each DPL, then system segments, then room for the test. */
enum {
    G_CODE = 1,
    G_DATA = 5,
    G_CONF = 9,
    G_TSS = 13,
    G_TSS_B = 14,
    G_TSS16 = 15,
    G_LDT = 16,
    G_TEST = 20,
    G_ENTRIES = 64
};

enum {
    A_CODE = VX_ATTR_G | VX_ATTR_DB | VX_ATTR_P | VX_ATTR_S | 0xB,
    A_CONF = VX_ATTR_G | VX_ATTR_DB | VX_ATTR_P | VX_ATTR_S | 0xF,
    A_DATA = VX_ATTR_G | VX_ATTR_DB | VX_ATTR_P | VX_ATTR_S | 0x3,
};

#define SEL(index, rpl) ((uint16_t)((index) << 3 | (rpl)))
#define CODE_SEL(level) SEL(G_CODE + (level), level)
#define DATA_SEL(level) SEL(G_DATA + (level), level)
#define DPL(level)      ((level) << 5)

struct world {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_pmap *pmap;
    struct vx_vcpu *cpu;
    FILE *sink;
    int next_vector; /* what INTA answers */
    uint64_t tsc;
    uint64_t apic_base; /* as the cpu reported it */
    uint64_t deadline, deadline_offset;
};

static uint32_t world_port_read(void *opaque, uint16_t port, unsigned size)
{
    (void)opaque, (void)size;
    return port;
}
static int world_ack(void *opaque)
{
    return ((struct world *)opaque)->next_vector;
}
static uint64_t world_input(void *opaque, enum vx_vcpu_input what)
{
    const struct world *w = opaque;
    if (what == VX_INPUT_IGNNE)
        return 0;
    return what == VX_INPUT_TSC_DEADLINE ? w->deadline : w->tsc;
}
static void world_apic_base(void *opaque, uint64_t value)
{
    ((struct world *)opaque)->apic_base = value;
}

static void world_set_tsc_deadline(void *opaque, uint64_t deadline, uint64_t offset)
{
    struct world *w = opaque;
    w->deadline = deadline;
    w->deadline_offset = offset;
}

static const struct vx_vcpu_ops world_ops = {
    .port_read = world_port_read,
    .port_write = bare_port_write,
    .ack_interrupt = world_ack,
    .input = world_input,
    .apic_base = world_apic_base,
    .set_tsc_deadline = world_set_tsc_deadline,
    .ferr = bare_ferr,
};

static inline void world_put(struct world *w, uint32_t phys, unsigned size, uint64_t value)
{
    vx_pmap_write(w->pmap, phys, &value, size);
}
static inline uint32_t world_get(struct world *w, uint32_t phys, unsigned size)
{
    uint32_t value = 0;
    vx_pmap_read(w->pmap, phys, &value, size);
    return value;
}

static inline uint64_t world_desc_bits(uint32_t base, uint32_t limit, unsigned attr)
{
    uint32_t raw = attr & VX_ATTR_G ? limit >> 12 : limit;
    uint32_t lo = (raw & 0xFFFF) | base << 16;
    uint32_t hi = (base >> 16 & 0xFF) | attr << 8 | (raw & 0xF0000) | (base & 0xFF000000u);
    return (uint64_t)hi << 32 | lo;
}
static inline void world_desc(struct world *w, unsigned index, uint32_t base, uint32_t limit, unsigned attr)
{
    world_put(w, W_GDT + index * 8, 8, world_desc_bits(base, limit, attr));
}
static inline uint64_t world_gate_bits(uint16_t sel, uint32_t off, unsigned attr, unsigned params)
{
    uint32_t hi = (off & 0xFFFF0000u) | attr << 8 | params;
    return (uint64_t)hi << 32 | (uint32_t)sel << 16 | (off & 0xFFFF);
}
/* attr: P, DPL and type. */
static inline void world_idt(struct world *w, unsigned vector, uint16_t sel, uint32_t off, unsigned attr)
{
    world_put(w, W_IDT + vector * 8, 8, world_gate_bits(sel, off, attr, 0));
}
static inline void world_gdt_gate(struct world *w, unsigned index, uint16_t sel, uint32_t off, unsigned attr,
                                  unsigned params)
{
    world_put(w, W_GDT + index * 8, 8, world_gate_bits(sel, off, attr, params));
}

static inline void world_set_seg(struct world *w, struct vx_seg *seg, uint16_t sel)
{
    struct desc desc = { .lo = world_get(w, W_GDT + (sel & 0xFFF8u), 4),
                         .hi = world_get(w, W_GDT + (sel & 0xFFF8u) + 4, 4) };
    seg_from_desc(seg, sel, &desc);
}

static inline void world_tables(struct world *w)
{
    for (unsigned level = 0; level < 4; level++) {
        world_desc(w, G_CODE + level, 0, UINT32_MAX, A_CODE | DPL(level));
        world_desc(w, G_DATA + level, 0, UINT32_MAX, A_DATA | DPL(level));
        world_desc(w, G_CONF + level, 0, UINT32_MAX, A_CONF | DPL(level));
    }
    world_desc(w, G_TSS, W_TSS, 0x2000, VX_ATTR_P | VX_SYS_TSS32_BUSY);
    world_desc(w, G_TSS_B, W_TSS_B, 0x67, VX_ATTR_P | VX_SYS_TSS32);
    world_desc(w, G_TSS16, W_TSS16, 0x2B, VX_ATTR_P | VX_SYS_TSS16);
    world_desc(w, G_LDT, W_LDT, 0xFF, VX_ATTR_P | VX_SYS_LDT);
    for (unsigned level = 0; level < 3; level++) {
        world_put(w, W_TSS + 4 + level * 8, 4, (uint32_t)W_STACK0 + level * 0x1000);
        world_put(w, W_TSS + 8 + level * 8, 2, DATA_SEL(level));
    }
}

/* Protected mode, flat 32-bit segments, at privilege `level`, ESP at that level's stack top, EIP = W_CODE. */
static inline void world_protected(struct world *w, unsigned level)
{
    struct vx_vcpu *cpu = w->cpu;
    vx_cpu_reset(cpu, false);
    cpu->gdtr = (struct vx_table_reg){ W_GDT, G_ENTRIES * 8 - 1 };
    cpu->idtr = (struct vx_table_reg){ W_IDT, 256 * 8 - 1 };
    cr_assert(vx_cpu_write_cr(cpu, 0, VX_CR0_PE));
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        world_set_seg(w, &cpu->seg[i], i == VX_CS ? CODE_SEL(level) : DATA_SEL(level));
    world_set_seg(w, &cpu->tr, SEL(G_TSS, 0));
    world_set_seg(w, &cpu->ldtr, SEL(G_LDT, 0));
    cpu->cpl = (uint8_t)level;
    cpu->gpr[VX_RSP] = (uint32_t)W_STACK0 + level * 0x1000;
    cpu->rip = W_CODE;
}

/* VM86 on top of it: CS:IP 0800:0000, SS:SP 2000:0FFE, IOPL as given. */
static inline void world_vm86(struct world *w, unsigned iopl)
{
    world_protected(w, 3);
    struct vx_vcpu *cpu = w->cpu;
    vx_set_eflags_raw(cpu, VX_FL_VM | iopl << VX_FL_IOPL_SHIFT | VX_FL_IF);
    static const uint16_t sel[VX_SEG_COUNT] = { 0x1111, 0x0800, 0x2000, 0x3333, 0x4444, 0x5555 };
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        seg_set_vm86(&cpu->seg[i], sel[i]);
    cpu->gpr[VX_RSP] = 0x0FFE;
    cpu->rip = 0;
}

static inline struct world *world_create(void)
{
    struct world *w = calloc(1, sizeof(*w));
    cr_assert_not_null(w);
    w->sink = tmpfile();
    w->log = vx_log_create(w->sink);
    struct bare_config config = {
        .log = w->log, .stats = &w->stats, .ram_bytes = W_RAM, .ops = &world_ops, .ops_opaque = w
    };
    cr_assert(bare_create(&config, &w->pmap, &w->cpu));
    world_tables(w);
    world_protected(w, 0);
    return w;
}

static inline void world_destroy(struct world *w)
{
    vx_cpu_destroy(w->cpu);
    vx_pmap_destroy(w->pmap);
    vx_log_destroy(w->log);
    fclose(w->sink);
    free(w);
}

/* A fault as one number for tables: vector << 16 | error; W_OK for none. Faults without a code have FFFFh. */
#define W_OK                 0u
#define FAULT(vector, error) ((uint32_t)(vector) << 16 | (error))
static inline uint32_t world_outcome(struct world *w, bool ok)
{
    const struct vx_fault *fault = &w->cpu->mmu->fault;
    return ok ? W_OK : FAULT(fault->vector, fault->has_error ? fault->error & 0xFFFF : 0xFFFF);
}

/* Compares `count` 32-bit (or 16-bit) words upward from `phys`; -1 when equal, else the first index that differs. */
static inline int world_differs(struct world *w, uint32_t phys, unsigned size, const uint32_t *want, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (world_get(w, phys + i * size, size) != want[i])
            return (int)i;
    return -1;
}

#endif

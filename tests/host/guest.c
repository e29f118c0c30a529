/* guest.c - programs on vx86: a bare vCPU at ring 3 under PAE paging, at the addresses that the host side has.
 *
 * Every way out of a program is an exception: each vector's handler in ring 0 is one HLT, at HANDLERS + vector, and
 * what has happened is read from ring 0's stack. Physical memory, in pages:
 *
 *     1 PDPT   2..5 page directories   6 code's, 7 data's, 8 supervisor's, 9.. edge's page table
 *     10h.. supervisor   80h.. data   90h.. self   100h.. code   120h.. edge */
#include "hostfuzz.h"

#include <stdlib.h>
#include <string.h>

#include "bare.h"
#include "vx86/bt.h"

enum {
    PAGE_PDPT = 1,
    PAGE_DIRECTORIES = 2,
    PAGE_CODE_TABLE = 6,
    PAGE_DATA_TABLE = 7,
    PAGE_SUPER_TABLE = 8,
    PAGE_EDGE_TABLES = 9,
    PAGE_SELF_TABLE = 0xF,
    PAGE_SUPER = 0x10,
    PAGE_DATA = 0x80,
    PAGE_SELF = 0x90,
    PAGE_CODE = 0x100,
    PAGE_EDGE = PAGE_CODE + HF_CODE_BYTES / HF_PAGE_BYTES,
    RAM_BYTES = 4 << 20,
};

/* In the supervisor's area. */
enum {
    GDT = 0,
    LDT = 0x100,
    TSS = 0x200,
    IDT = 0x800,
    HANDLERS = 0x1000,
    STACK_END = 0x3000,
    SEL_RING0_CODE = 0x08,
    SEL_RING0_DATA = 0x18,
    SEL_TSS = 0x40,
    SEL_LDT = 0x50,
    GDT_ENTRIES = 16, /* as many as Linux has: selectors beyond are refused alike */
};

/* Page table entries; the upper half has NX. */
#define PTE_P  1ull
#define PTE_W  2ull
#define PTE_U  4ull
#define PTE_AD 0x60ull
#define PTE_NX (1ull << 63)

struct hf_guest {
    struct vx_stats stats;
    struct vx_log *log;
    struct vx_pmap *pmap;
    struct vx_vcpu *cpu;
    struct vx_bt *bt; /* NULL: interpreter */
    struct vx_bt_cpu *bt_cpu;
    uint8_t *ram;
    struct vx_seg user[GDT_ENTRIES + HF_LDT_ENTRIES]; /* what a program may have loaded at its start, by descriptor */
    _Atomic bool stop;
};

static uint8_t *page_at(struct hf_guest *guest, unsigned page)
{
    return guest->ram + page * VX_PAGE_BYTES;
}
static uint8_t *super_at(struct hf_guest *guest, unsigned off)
{
    return page_at(guest, PAGE_SUPER) + off;
}

static void map_range(struct hf_guest *guest, unsigned table, uint32_t lin, unsigned page, uint32_t bytes,
                      uint64_t bits)
{
    uint64_t *directory = (uint64_t *)page_at(guest, PAGE_DIRECTORIES + (lin >> 30));
    uint64_t *entries = (uint64_t *)page_at(guest, table);
    directory[lin >> 21 & 511] = (uint64_t)table << 12 | PTE_AD | PTE_U | PTE_W | PTE_P;
    for (uint32_t off = 0; off < bytes; off += VX_PAGE_BYTES)
        entries[((lin + off) >> 12) & 511] = (uint64_t)(page + off / VX_PAGE_BYTES) << 12 | PTE_AD | bits | PTE_P;
}

static void make_paging(struct hf_guest *guest, bool self)
{
    uint64_t *pdpt = (uint64_t *)page_at(guest, PAGE_PDPT);
    for (unsigned i = 0; i < 4; i++)
        pdpt[i] = (uint64_t)(PAGE_DIRECTORIES + i) << 12 | PTE_P;
    map_range(guest, PAGE_CODE_TABLE, HF_CODE, PAGE_CODE, HF_CODE_BYTES, PTE_U);
    if (self)
        map_range(guest, PAGE_SELF_TABLE, HF_SELF, PAGE_SELF, HF_SELF_BYTES, PTE_U | PTE_W);
    map_range(guest, PAGE_DATA_TABLE, HF_DATA, PAGE_DATA, HF_DATA_BYTES, PTE_U | PTE_W | PTE_NX);
    map_range(guest, PAGE_DATA_TABLE, HF_DATA + HF_DATA_BYTES, PAGE_DATA + HF_DATA_BYTES / VX_PAGE_BYTES,
              HF_DATA_ALL_BYTES - HF_DATA_BYTES, PTE_U | PTE_NX);
    for (uint32_t i = 0; i < HF_EDGE_PAGES; i++) {
        uint32_t lin = HF_EDGE + i * HF_EDGE_STEP;
        map_range(guest, PAGE_EDGE_TABLES + (lin - HF_EDGE) / (512 * HF_PAGE_BYTES), lin, PAGE_EDGE + i, HF_PAGE_BYTES,
                  PTE_U);
    }
    map_range(guest, PAGE_SUPER_TABLE, HF_SUPER, PAGE_SUPER, HF_SUPER_BYTES, PTE_W);
}

/* A descriptor at `off` of the supervisor's area. attr: access byte, and G, D, L above it. */
static void put_descriptor(struct hf_guest *guest, unsigned off, uint32_t base, uint32_t limit, uint16_t attr)
{
    uint32_t lo = base << 16 | (limit & 0xFFFF);
    uint32_t hi = (base & 0xFF000000u) | (base >> 16 & 0xFF) | (uint32_t)attr << 8 | (limit & 0xF0000);
    memcpy(super_at(guest, off), &lo, 4);
    memcpy(super_at(guest, off + 4), &hi, 4);
}

static void put_user(struct hf_guest *guest, uint16_t sel, const struct hf_descriptor *d)
{
    unsigned type = d->code ? 0x1B | (d->read_exec_only ? 0 : 2) : 0x11 | (d->read_exec_only ? 0 : 2);
    uint16_t attr = (uint16_t)(0x60 | (d->absent ? 0 : VX_ATTR_P) | (d->is_32bit ? VX_ATTR_DB : 0) |
                               (d->pages ? VX_ATTR_G : 0) | type);
    if (d->code && d->read_exec_only)
        attr &= (uint16_t)~2u;
    if (d->expand_down)
        attr |= VX_ATTR_EXPAND_DOWN;
    put_descriptor(guest, (sel & 4 ? LDT : GDT) + (sel & ~7u), d->base, d->limit, attr);
    guest->user[(sel & 4 ? GDT_ENTRIES : 0) + sel / 8] = (struct vx_seg){
        .base = d->base,
        .limit = d->pages ? d->limit << 12 | 0xFFF : d->limit,
        .sel = sel,
        .attr = attr | (uint16_t)(d->limit >> 16 << 8),
    };
}

void hf_guest_set_descriptor(struct hf_guest *guest, uint16_t sel, uint32_t attr, uint32_t limit)
{
    put_descriptor(guest, GDT + (sel & ~7u), 0, limit, (uint16_t)(attr >> 8 & 0xF0FF));
}

static void make_tables(struct hf_guest *guest)
{
    static const struct hf_descriptor code = { .limit = 0xFFFFF, .is_32bit = true, .code = true, .pages = true };
    static const struct hf_descriptor data = { .limit = 0xFFFFF, .is_32bit = true, .pages = true };
    put_descriptor(guest, GDT + SEL_RING0_CODE, 0, 0xFFFFF, 0xC09B);
    put_descriptor(guest, GDT + 0x10, 0, 0xFFFFF, 0xC09B);
    put_descriptor(guest, GDT + SEL_RING0_DATA, 0, 0xFFFFF, 0xC093);
    put_descriptor(guest, GDT + (HF_SEL_CODE64 & ~7u), 0, 0xFFFFF, 0xC09B); /* what ends a program: refused at ring 3 */
    put_descriptor(guest, GDT + SEL_TSS, HF_SUPER + TSS, 0x67, 0x008B);
    put_descriptor(guest, GDT + SEL_LDT, HF_SUPER + LDT, HF_LDT_ENTRIES * 8 - 1, 0x0082);
    put_user(guest, HF_SEL_CODE32, &code);
    put_user(guest, HF_SEL_DATA, &data);
    for (unsigned i = 0; i < HF_LDT_ENTRIES; i++)
        put_user(guest, HF_SEL_LDT(i), &hf_ldt[i]);
    memcpy(super_at(guest, TSS + 4), &(uint32_t){ HF_SUPER + STACK_END }, 4);
    memcpy(super_at(guest, TSS + 8), &(uint32_t){ SEL_RING0_DATA }, 4);
    memcpy(super_at(guest, TSS + 0x66), &(uint16_t){ 0x68 }, 2); /* no I/O bitmap */
    for (unsigned n = 0; n < 256; n++) {
        uint32_t handler = HF_SUPER + HANDLERS + n;
        uint16_t dpl = n == 3 || n == 4 ? 0x6000 : 0;
        uint32_t gate[2] = { (uint32_t)SEL_RING0_CODE << 16 | (handler & 0xFFFF),
                             (handler & 0xFFFF0000u) | 0x8E00u | dpl };
        memcpy(super_at(guest, IDT + 8 * n), gate, 8);
    }
    memset(super_at(guest, HANDLERS), 0xF4, 256);
}

static bool start_cpu(struct hf_guest *guest)
{
    struct vx_vcpu *cpu = guest->cpu;
    uint64_t cr4 = VX_CR4_PAE | VX_CR4_OSFXSR | VX_CR4_OSXMMEXCPT;
    uint64_t cr0 = VX_CR0_PE | VX_CR0_MP | VX_CR0_ET | VX_CR0_NE | VX_CR0_WP | VX_CR0_AM | VX_CR0_PG;
    vx_cpu_reset(cpu, false);
    cpu->seg[VX_CS].attr = 0x9B;
    cpu->gdtr = (struct vx_table_reg){ .base = HF_SUPER + GDT, .limit = GDT_ENTRIES * 8 - 1 };
    cpu->idtr = (struct vx_table_reg){ .base = HF_SUPER + IDT, .limit = 0x7FF };
    cpu->tr = (struct vx_seg){ .base = HF_SUPER + TSS, .limit = 0x67, .sel = SEL_TSS, .attr = 0x008B };
    cpu->ldtr =
        (struct vx_seg){ .base = HF_SUPER + LDT, .limit = HF_LDT_ENTRIES * 8 - 1, .sel = SEL_LDT, .attr = 0x0082 };
    return vx_cpu_write_cr(cpu, 3, PAGE_PDPT << 12) && vx_cpu_write_cr(cpu, 4, cr4) &&
           vx_cpu_write_msr(cpu, 0xC0000080, VX_EFER_NXE) && vx_cpu_write_cr(cpu, 0, cr0);
}

static bool create(struct hf_guest *guest, const struct hf_guest_config *wanted)
{
    guest->log = vx_log_create(stderr);
    struct bare_config config = {
        .log = guest->log, .stats = &guest->stats, .ram_bytes = RAM_BYTES, .model = wanted->model
    };
    if (!bare_create(&config, &guest->pmap, &guest->cpu))
        return false;
    guest->ram = bare_ram(guest->pmap);
    make_paging(guest, wanted->self);
    make_tables(guest);
    if (!start_cpu(guest))
        return false;
    struct vx_bt_config bt = { .log = guest->log,
                               .stats = &guest->stats,
                               .pmap = guest->pmap,
                               .cache_bytes = wanted->stress ? 0 : 4 << 20,
                               .verify = wanted->verify,
                               .stress = wanted->stress,
                               .stress_seed = wanted->stress_seed };
    return !wanted->translator || (vx_bt_create(&bt, &guest->bt) == VX_ERR_OK &&
                                   vx_bt_cpu_create(guest->bt, guest->cpu, &guest->bt_cpu) == VX_ERR_OK);
}

struct hf_guest *hf_guest_create(const struct hf_guest_config *config)
{
    struct hf_guest *guest = calloc(1, sizeof *guest);
    if (guest != NULL && !create(guest, config)) {
        hf_guest_destroy(guest);
        return NULL;
    }
    return guest;
}

void hf_guest_destroy(struct hf_guest *guest)
{
    if (guest == NULL)
        return;
    vx_bt_destroy(guest->bt);
    vx_cpu_destroy(guest->cpu);
    if (guest->pmap != NULL)
        vx_pmap_destroy(guest->pmap);
    vx_log_destroy(guest->log);
    free(guest);
}

uint8_t *hf_guest_code(struct hf_guest *guest)
{
    return page_at(guest, PAGE_CODE);
}

uint8_t *hf_guest_data(struct hf_guest *guest)
{
    return page_at(guest, PAGE_DATA);
}

const uint8_t *hf_guest_self(struct hf_guest *guest)
{
    return page_at(guest, PAGE_SELF);
}

void hf_guest_put_self(struct hf_guest *guest, const uint8_t self[HF_SELF_BYTES])
{
    for (uint32_t off = 0; off < HF_SELF_BYTES; off += HF_PAGE_BYTES) {
        if (memcmp(page_at(guest, PAGE_SELF) + off, self + off, HF_PAGE_BYTES) != 0)
            vx_pmap_write(guest->pmap, ((uint64_t)PAGE_SELF << 12) + off, self + off, HF_PAGE_BYTES);
    }
}

int hf_guest_code_fd(struct hf_guest *guest, uint64_t *off)
{
    *off = (uint64_t)vx_pmap_read_page(guest->pmap, (uint64_t)PAGE_CODE << 12) << 12;
    return vx_pmap_memfd(guest->pmap);
}

void hf_guest_code_changed(struct hf_guest *guest)
{
    if (guest->bt != NULL)
        vx_bt_flush(guest->bt);
}

static struct vx_seg loaded(const struct hf_guest *guest, uint16_t sel)
{
    if ((sel & ~3u) == 0)
        return (struct vx_seg){ .sel = sel, .unusable = true };
    struct vx_seg seg = guest->user[(sel & 4 ? GDT_ENTRIES : 0) + sel / 8];
    seg.sel = sel;
    return seg;
}

struct vx_vcpu *hf_guest_begin(struct hf_guest *guest, const struct hf_state *in)
{
    struct vx_vcpu *cpu = guest->cpu;
    for (unsigned i = 0; i < 8; i++)
        cpu->gpr[i] = in->gpr[i];
    cpu->rip = in->eip;
    vx_set_eflags_raw(cpu, in->eflags);
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        cpu->seg[i] = loaded(guest, in->seg[i]);
    cpu->cpl = 3;
    cpu->halted = cpu->shutdown = false;
    cpu->inhibit = VX_INHIBIT_NONE;
    cpu->cr2 = 0;
    cpu->dr[6] = 0xFFFF0FF0;
    memcpy(cpu->fx, in->fx, sizeof cpu->fx);
    atomic_store_explicit(&cpu->attention, 0, memory_order_relaxed);
    atomic_store_explicit(&guest->stop, false, memory_order_relaxed);
    return cpu;
}

void hf_guest_stop(struct hf_guest *guest)
{
    atomic_store_explicit(&guest->stop, true, memory_order_relaxed);
    vx_vcpu_raise(guest->cpu, VX_ATTN_STOP);
}

static uint32_t frame_word(struct hf_guest *guest, unsigned n)
{
    uint32_t value;
    memcpy(&value, super_at(guest, STACK_END - 4 * (n + 1)), 4);
    return value;
}

/* What the handler that has halted found. */
static void take_outcome(struct hf_guest *guest, struct hf_outcome *out)
{
    const struct vx_vcpu *cpu = guest->cpu;
    uint32_t frame_bytes = HF_SUPER + STACK_END - (uint32_t)cpu->gpr[VX_RSP];
    for (unsigned i = 0; i < 8; i++)
        out->state.gpr[i] = (uint32_t)cpu->gpr[i];
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        out->state.seg[i] = cpu->seg[i].sel;
    out->state.seg[VX_SS] = (uint16_t)frame_word(guest, 0);
    out->state.gpr[VX_RSP] = frame_word(guest, 1);
    out->state.eflags = frame_word(guest, 2);
    out->state.seg[VX_CS] = (uint16_t)frame_word(guest, 3);
    out->state.eip = frame_word(guest, 4);
    out->error = frame_bytes == 24 ? frame_word(guest, 5) : 0;
    out->trap = (uint8_t)(cpu->rip - 1 - (HF_SUPER + HANDLERS));
    out->cr2 = out->trap == VX_PF ? (uint32_t)cpu->cr2 : 0;
    out->end = HF_END_TRAP;
    memcpy(out->state.fx, cpu->fx, sizeof cpu->fx);
    if (out->trap == VX_GP && out->error == (HF_SEL_CODE64 & ~3u)) {
        out->end = HF_END_OUT;
        out->trap = 0;
        out->error = 0;
    }
}

void hf_guest_run(struct hf_guest *guest, const struct hf_state *in, struct hf_outcome *out)
{
    struct vx_vcpu *cpu = hf_guest_begin(guest, in);
    while (!cpu->halted && !cpu->shutdown && !atomic_load_explicit(&guest->stop, memory_order_relaxed)) {
        atomic_store_explicit(&cpu->attention, 0, memory_order_relaxed);
        if (guest->bt != NULL)
            vx_bt_run(guest->bt_cpu);
        else
            vx_interp_run(cpu, UINT64_MAX);
    }
    if (cpu->halted && cpu->cpl == 0) {
        take_outcome(guest, out);
        return;
    }
    *out = (struct hf_outcome){ .end = cpu->shutdown ? HF_END_STRAY : HF_END_ENDLESS };
}

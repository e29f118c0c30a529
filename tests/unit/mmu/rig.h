/* rig.h - a small physical memory with a recording bus, and an mmu on it, for the tests of mmu/. */
#ifndef VX86_TEST_MMU_RIG_H
#define VX86_TEST_MMU_RIG_H

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#include "vx86/mmu.h"

#define RAM_BYTES   (8ull << 20)
#define EXTRA_BYTES (64ull << 10)

enum {
    CR0_WP = 1u << 16,
    CR0_PG = 1u << 31,
    CR4_PSE = 1u << 4,
    CR4_PAE = 1u << 5,
    CR4_PGE = 1u << 7,
    CR4_SMEP = 1u << 20,
    CR4_SMAP = 1u << 21,
    EFER_NXE = 1u << 11,
    /* page-table entries */
    P = 1,
    RW = 2,
    US = 4,
    A = 0x20,
    D = 0x40,
    PS = 0x80,
    G = 0x100,
};
#define XD (1ull << 63)

struct rig {
    struct vx_log *log;
    struct vx_stats stats;
    struct vx_pmap *pmap;
    struct vx_mmu *mmu;
    struct vx_paging paging;
    /* bus accesses, last one */
    unsigned bus_reads, bus_writes;
    uint64_t bus_phys, bus_value;
    unsigned bus_size;
    /* news */
    unsigned code_writes;
    uint32_t code_page, code_off, code_bytes;
    unsigned flushes[3];
    uint64_t flushed_lin;
};

static inline uint64_t rig_bus_read(void *opaque, uint32_t from, uint64_t phys, unsigned size)
{
    (void)from;
    struct rig *rig = opaque;
    rig->bus_reads++;
    rig->bus_phys = phys;
    rig->bus_size = size;
    return phys * 0x0101010101010101ull & (size == 8 ? UINT64_MAX : (1ull << 8 * size) - 1);
}

static inline void rig_bus_write(void *opaque, uint32_t from, uint64_t phys, unsigned size, uint64_t value)
{
    (void)from;
    struct rig *rig = opaque;
    rig->bus_writes++;
    rig->bus_phys = phys;
    rig->bus_size = size;
    rig->bus_value = value;
}

static inline void rig_code_write(void *opaque, uint32_t page, uint32_t off, uint32_t bytes)
{
    struct rig *rig = opaque;
    rig->code_writes++;
    rig->code_page = page;
    rig->code_off = off;
    rig->code_bytes = bytes;
}

static inline void rig_flushed(void *opaque, enum vx_flush kind, uint64_t lin)
{
    struct rig *rig = opaque;
    rig->flushes[kind]++;
    rig->flushed_lin = lin;
}

static inline struct rig *rig_create(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->log = vx_log_create(stderr);
    struct vx_pmap_config config = {
        .log = rig->log,
        .stats = &rig->stats,
        .ram_bytes = RAM_BYTES,
        .extra_bytes = EXTRA_BYTES,
        .bus = { rig_bus_read, rig_bus_write },
        .bus_opaque = rig,
    };
    cr_assert_eq(vx_pmap_create(&config, &rig->pmap), VX_ERR_OK);
    cr_assert_eq(vx_mmu_create(rig->log, &rig->stats, rig->pmap, &rig->mmu), VX_ERR_OK);
    vx_pmap_on_code_write(rig->pmap, rig_code_write, rig);
    vx_mmu_on_flush(rig->mmu, rig_flushed, rig);
    rig->paging = *vx_mmu_paging(rig->mmu);
    return rig;
}

static inline void rig_destroy(struct rig *rig)
{
    vx_mmu_destroy(rig->mmu);
    vx_pmap_destroy(rig->pmap);
    vx_log_destroy(rig->log);
    free(rig);
}

static inline uint64_t get(struct rig *rig, uint64_t phys, unsigned size)
{
    return vx_pmap_load(rig->pmap, phys, size);
}
static inline void put(struct rig *rig, uint64_t phys, unsigned size, uint64_t value)
{
    vx_pmap_store(rig->pmap, phys, size, value);
}

/* Turns 32-bit paging on with the page directory at 1000h and one page table, at 2000h, for linear 0 to 4 MiB. */
static inline void rig_page_32bit(struct rig *rig, uint64_t cr0, uint64_t cr4)
{
    put(rig, 0x1000, 4, 0x2000 | P | RW | US);
    rig->paging.cr0 = CR0_PG | 1 | cr0;
    rig->paging.cr3 = 0x1000;
    rig->paging.cr4 = cr4;
    cr_assert(vx_mmu_set_paging(rig->mmu, &rig->paging, true));
}

/* Maps linear page `lin` below 4 MiB in the tables of rig_page_32bit(). */
static inline void map_page(struct rig *rig, uint32_t lin, uint32_t phys, uint32_t bits)
{
    put(rig, 0x2000 + (lin >> 12) * 4, 4, phys | bits);
}

/* Whether the inline probe would let the access through. */
static inline uint8_t *probe(struct rig *rig, uint64_t lin, unsigned size, enum vx_access access, enum vx_view view)
{
    const struct vx_tlb *tlb = rig->mmu->tlb[view];
    const uint32_t *tags = access == VX_ACCESS_READ    ? tlb->read_tag
                           : access == VX_ACCESS_WRITE ? tlb->write_tag
                                                       : tlb->fetch_tag;
    return vx_tlb_probe(tlb, tags, lin, size);
}

static inline bool touch(struct rig *rig, uint64_t lin, enum vx_access access, enum vx_view view)
{
    uint64_t phys;
    return vx_mmu_translate(rig->mmu, lin, access, view, &phys);
}

#endif

/* pc_memory.c - the physical address map.
 *
 *     0        - A0000h   RAM
 *     A0000h   - C0000h   VGA window (the VGA maps it)
 *     C0000h   - 100000h  option ROMs, BIOS, shadow RAM: PAM registers decide (i440fx.c)
 *     100000h  - RAM end  RAM
 *     RAM end  - FEC00000h  PCI memory
 *     FEC00000h, FEE00000h  I/O APIC, local APIC
 *     FFEF0000h - FFF00000h  its last 64 KiB once more, where a processor with A20 masked looks for the reset vector
 *     ...      - 4 GiB    BIOS ROM, ending at 4 GiB */
#include <string.h>

#include "pc.h"
#include "pc_lockstep.h"

#define VGA_WINDOW       0xA0000u
#define VGA_WINDOW_BYTES 0x20000u
#define BIOS_UNIT        (64u << 10)
#define BIOS_MAX         (4u << 20)
#define FOUR_GIB         (1ull << 32)
#define A20_BYTES        (1u << 20)

/* The bus as the one who asks sees it. */
static struct vx_bus *bus_of(struct vx_machine *pc, uint32_t from)
{
    return from < pc->cpu_count ? pc->cpu[from].bus : pc->bus;
}

static uint64_t bus_read(void *opaque, uint32_t from, uint64_t phys, unsigned size)
{
    struct vx_machine *pc = opaque;
    enum vx_part was = vx_split_to(&pc->stats.split, VX_PART_DEVICES);
    size_t token = pc_lockstep_mmio_begin(pc->lockstep, false, phys, size, 0);
    uint64_t value = vx_bus_read(bus_of(pc, from), VX_SPACE_MEMORY, phys, size);
    pc_lockstep_mmio_end(pc->lockstep, token, value);
    pc_debug_access(pc, VX_SPACE_MEMORY, phys, size, false, value);
    pc_timers_changed(pc);
    vx_split_to(&pc->stats.split, was);
    return value;
}

static void bus_write(void *opaque, uint32_t from, uint64_t phys, unsigned size, uint64_t value)
{
    struct vx_machine *pc = opaque;
    enum vx_part was = vx_split_to(&pc->stats.split, VX_PART_DEVICES);
    size_t token = pc_lockstep_mmio_begin(pc->lockstep, true, phys, size, value);
    pc_debug_access(pc, VX_SPACE_MEMORY, phys, size, true, value);
    vx_bus_write(bus_of(pc, from), VX_SPACE_MEMORY, phys, size, value);
    pc_lockstep_mmio_end(pc->lockstep, token, value);
    pc_timers_changed(pc);
    vx_split_to(&pc->stats.split, was);
}

uint64_t pc_memory_pci_first(const struct vx_machine *pc)
{
    return vx_pmap_ram_bytes(pc->pmap);
}

/* A BIOS of 64 KiB fills the 128 KiB window twice, as incomplete address decoding does. */
static vx_err load_bios(struct vx_machine *pc, const uint8_t *bios, size_t bytes)
{
    size_t copies = bytes < PC_BIOS_WINDOW_BYTES ? PC_BIOS_WINDOW_BYTES / bytes : 1;
    uint64_t total = bytes * copies;
    uint32_t page = vx_pmap_alloc(pc->pmap, total);
    if (page == VX_PMAP_BUS)
        return VX_ERR_NO_MEMORY;
    for (size_t i = 0; i < copies; i++)
        memcpy(vx_pmap_page_hva(pc->pmap, page) + i * bytes, bios, bytes);
    vx_pmap_map(pc->pmap, FOUR_GIB - total, total, page, VX_PMAP_DISCARD);
    if (total <= A20_BYTES)
        vx_pmap_map(pc->pmap, FOUR_GIB - A20_BYTES - BIOS_UNIT, BIOS_UNIT,
                    page + (uint32_t)((total - BIOS_UNIT) >> VX_PAGE_SHIFT), VX_PMAP_DISCARD);
    pc->bios_window_page = page + (uint32_t)((total - PC_BIOS_WINDOW_BYTES) >> VX_PAGE_SHIFT);
    return VX_ERR_OK;
}

static vx_err check_bios(struct vx_machine *pc, const uint8_t *bios, size_t bytes)
{
    if (bios != NULL && bytes != 0 && bytes % BIOS_UNIT == 0 && bytes <= BIOS_MAX)
        return VX_ERR_OK;
    vx_log_error(pc->log, VX_LOG_FIRMWARE, "the BIOS image has %zu bytes; a multiple of 64 KiB up to 4 MiB is needed",
                 bytes);
    return VX_ERR_BAD_FORMAT;
}

vx_err pc_memory_create(struct vx_machine *pc, const struct vx_machine_config *config)
{
    VX_TRY(check_bios(pc, config->bios, config->bios_bytes));
    struct vx_pmap_config pmap = {
        .log = pc->log,
        .stats = &pc->stats,
        .ram_bytes = config->ram_bytes,
        .extra_bytes = BIOS_MAX + VX_VGA_EXTRA_BYTES,
        .bus = { .read = bus_read, .write = bus_write },
        .bus_opaque = pc,
    };
    VX_TRY(vx_pmap_create(&pmap, &pc->pmap));
    vx_pmap_map(pc->pmap, VGA_WINDOW, VGA_WINDOW_BYTES, VX_PMAP_BUS, VX_PMAP_BUS);
    return load_bios(pc, config->bios, config->bios_bytes);
}

/* Below 1 MiB the BIOS runs in memory that shadows its ROM and that the guest may write: a few bytes of code tell. */
bool vx_machine_runs_bios(struct vx_machine *pc)
{
    enum { TELLING_BYTES = 16, WINDOW = 0x100000 - PC_BIOS_WINDOW_BYTES };
    const struct vx_vcpu *vcpu = pc->cpu[0].vcpu;
    uint64_t phys;
    if (!vx_mmu_peek(vcpu->mmu, (uint32_t)(vcpu->seg[VX_CS].base + vcpu->rip), &phys))
        return false;
    if (phys < WINDOW || phys > WINDOW + PC_BIOS_WINDOW_BYTES - TELLING_BYTES)
        return false;
    uint8_t bytes[TELLING_BYTES];
    vx_pmap_read(pc->pmap, phys, bytes, sizeof bytes);
    return memcmp(bytes, vx_pmap_page_hva(pc->pmap, pc->bios_window_page) + (phys - WINDOW), sizeof bytes) == 0;
}

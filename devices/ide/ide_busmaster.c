/* ide_busmaster.c - PRD tables (SFF-8038i).
 *
 *   PRD   31            1 0      63 62        48 47          33 32
 *        [ phys address |0]     [EOT| reserved ] [ byte count  |0]      count 0: 64 KiB
 *
 *   I1  Each PRD moves at least two bytes, so a table without end, or one that overlaps itself, ends with the
 *       drive's transfer.
 *   I2  BM_ACTIVE is dropped when the last PRD's bytes have gone, or by the guest; a drive that ends early leaves it
 *       set: (ACTIVE, INTERRUPT) = (0,1) exact, (1,1) drive shorter than the table, (0,0) table shorter than the
 *       drive. */
#include "ide_busmaster.h"

#include "vx86/bytes.h"

#define PRD_BYTES      8
#define PRD_EOT        0x80000000u
#define PRD_COUNT_ZERO 0x10000u

void ide_busmaster_reset(struct ide_busmaster *bm)
{
    *bm = (struct ide_busmaster){ .pmap = bm->pmap, .function = bm->function };
}

uint8_t ide_busmaster_read(const struct ide_busmaster *bm, unsigned port)
{
    switch (port) {
    case BM_COMMAND: return bm->command;
    case BM_STATUS: return bm->status;
    case BM_TABLE:
    case BM_TABLE + 1:
    case BM_TABLE + 2:
    case BM_TABLE + 3: return (uint8_t)(bm->table >> (8 * (port - BM_TABLE)));
    default: return 0;
    }
}

static bool write_command(struct ide_busmaster *bm, uint8_t value)
{
    bool was_started = (bm->command & BM_START) != 0;
    bm->command = value & (BM_START | BM_TO_MEMORY);
    if (!(value & BM_START)) {
        bm->status &= (uint8_t)~BM_ACTIVE;
        return false;
    }
    if (was_started)
        return false;
    bm->next = bm->table;
    bm->left = 0;
    bm->last = false;
    bm->status |= BM_ACTIVE;
    return true;
}

bool ide_busmaster_write(struct ide_busmaster *bm, unsigned port, uint8_t value)
{
    switch (port) {
    case BM_COMMAND: return write_command(bm, value);
    case BM_STATUS:
        bm->status &= (uint8_t) ~(value & (BM_ERROR | BM_INTERRUPT));
        bm->status = (uint8_t)((bm->status & ~BM_DRIVE_DMA) | (value & BM_DRIVE_DMA));
        return false;
    case BM_TABLE:
    case BM_TABLE + 1:
    case BM_TABLE + 2:
    case BM_TABLE + 3: {
        unsigned shift = 8 * (port - BM_TABLE);
        bm->table = (bm->table & ~(0xFFu << shift)) | (uint32_t)value << shift;
        bm->table &= ~3u;
        return false;
    }
    default: return false;
    }
}

static void fetch_prd(struct ide_busmaster *bm)
{
    uint8_t prd[PRD_BYTES];
    vx_pmap_dma_read(bm->pmap, bm->next, prd, sizeof(prd));
    bm->next += PRD_BYTES;
    bm->phys = vx_get_le32(prd) & ~1u;
    bm->left = vx_get_le32(prd + 4) & 0xFFFE;
    if (bm->left == 0)
        bm->left = PRD_COUNT_ZERO; /* keeps I1 */
    bm->last = (vx_get_le32(prd + 4) & PRD_EOT) != 0;
}

size_t ide_busmaster_move(struct ide_busmaster *bm, void *buf, size_t bytes, bool to_memory)
{
    uint8_t *at = buf;
    size_t moved = 0;
    if (!pci_is_master(bm->function))
        return 0;
    while (moved < bytes && (bm->status & BM_ACTIVE)) {
        if (bm->left == 0)
            fetch_prd(bm);
        size_t run = bytes - moved < bm->left ? bytes - moved : bm->left;
        if (to_memory)
            vx_pmap_dma_write(bm->pmap, bm->phys, at + moved, run);
        else
            vx_pmap_dma_read(bm->pmap, bm->phys, at + moved, run);
        moved += run;
        bm->phys += (uint32_t)run;
        bm->left -= (uint32_t)run;
        if (bm->left == 0 && bm->last)
            bm->status &= (uint8_t)~BM_ACTIVE; /* keeps I2 */
    }
    return moved;
}

static const struct state_field fields[] = {
    REGISTER(struct ide_busmaster, command), REGISTER(struct ide_busmaster, status),
    REGISTER(struct ide_busmaster, table),   FIELD(struct ide_busmaster, next),
    FIELD(struct ide_busmaster, phys),       FIELD_MAX(struct ide_busmaster, left, PRD_COUNT_ZERO),
    FIELD(struct ide_busmaster, last),       WIRES(struct ide_busmaster, pmap, function),
};
const struct state_table ide_busmaster_state = STATE_TABLE(struct ide_busmaster, fields, NULL);

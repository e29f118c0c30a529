/* ata_transfer.c - moving sectors between host, buffer and back end.
 *
 *   read    back end --chunk--> buf --window--> host        verify   back end --chunk--> buf
 *   write   host --window--> buf --chunk--> back end, then perhaps a FLUSH
 *
 * A chunk is what fits into the drive's buffer; by DMA it is one window, by PIO one window for each DRQ block of 1 or
 * `multiple` sectors.
 *
 * I1. ata.lba and ata.left describe what has not gone through: at an error they are the failing sector and the rest.
 * I2. The range [lba, lba + left) was checked when the command began and only shrinks.
 * I3. A chunk is a multiple of the DRQ block unless it is the last. */
#include "ata.h"

#define CHUNK_SECTORS (IDE_BUF_BYTES / IDE_SECTOR_BYTES)

_Static_assert(CHUNK_SECTORS % ATA_MAX_MULTIPLE == 0, "I3");

static void next_chunk(struct ata_state *ata)
{
    ata->chunk = ata->left < CHUNK_SECTORS ? ata->left : CHUNK_SECTORS;
}

/* keeps I1, I2 */
static void chunk_through(struct ata_state *ata)
{
    ata->lba += ata->chunk;
    ata->left -= ata->chunk;
}

/* The registers of a command that went through: the last sector, nothing left. */
static void set_final_address(struct ide_drive *drive)
{
    ata_set_address(drive, drive->ata.lba - 1, 0);
}

static void succeed(struct ide_drive *drive)
{
    set_final_address(drive);
    ide_drive_ok(drive);
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static void read_chunk(struct ide_drive *drive, ide_io_step *done)
{
    next_chunk(&drive->ata);
    ide_drive_io(drive, VX_BLOCK_READ, drive->ata.lba * IDE_SECTOR_BYTES, 0,
                 (size_t)drive->ata.chunk * IDE_SECTOR_BYTES, done);
}

/* A failed chunk is read again sector by sector, so that the host learns which one is bad. */
static void probe_done(struct ide_drive *drive, vx_err result);

static void probe(struct ide_drive *drive)
{
    struct ata_state *ata = &drive->ata;
    ide_drive_io(drive, VX_BLOCK_READ, (ata->lba + ata->probe) * IDE_SECTOR_BYTES,
                 (size_t)ata->probe * IDE_SECTOR_BYTES, IDE_SECTOR_BYTES, probe_done);
}

static void probe_done(struct ide_drive *drive, vx_err result)
{
    struct ata_state *ata = &drive->ata;
    if (result == VX_ERR_OK && ++ata->probe < ata->chunk) {
        probe(drive);
        return;
    }
    /* All of them readable now is a failure too: of the chunk as a whole, at its first sector. */
    uint32_t bad = ata->probe < ata->chunk ? ata->probe : 0;
    ata_set_address(drive, ata->lba + bad, ata->left - bad);
    ide_drive_fail(drive, ATA_UNC);
}

static bool read_failed(struct ide_drive *drive, vx_err result)
{
    if (result == VX_ERR_OK)
        return false;
    drive->ata.probe = 0;
    probe(drive);
    return true;
}

static void read_chunk_done(struct ide_drive *drive, vx_err result);

static void dma_in_done(struct ide_drive *drive)
{
    chunk_through(&drive->ata);
    if (drive->ata.left > 0)
        read_chunk(drive, read_chunk_done);
    else
        succeed(drive);
}

static void pio_in_done(struct ide_drive *drive);

/* Opens the DRQ block at `pos` of the chunk. */
static void pio_in_block(struct ide_drive *drive, size_t pos)
{
    const struct ata_state *ata = &drive->ata;
    size_t rest = (size_t)ata->chunk * IDE_SECTOR_BYTES - pos, block = (size_t)ata->block * IDE_SECTOR_BYTES;
    ide_drive_data(drive, IDE_PIO_IN, pos, block < rest ? block : rest, pio_in_done);
    ide_drive_raise(drive);
}

static void pio_in_done(struct ide_drive *drive)
{
    struct ata_state *ata = &drive->ata;
    if (drive->data_end < (size_t)ata->chunk * IDE_SECTOR_BYTES) {
        pio_in_block(drive, drive->data_end);
        return;
    }
    chunk_through(ata);
    if (ata->left > 0) {
        read_chunk(drive, read_chunk_done);
        return;
    }
    set_final_address(drive);
    ide_drive_read_end(drive);
}

static void read_chunk_done(struct ide_drive *drive, vx_err result)
{
    if (read_failed(drive, result))
        return;
    if (drive->ata.dma)
        ide_drive_data(drive, IDE_DMA_IN, 0, (size_t)drive->ata.chunk * IDE_SECTOR_BYTES, dma_in_done);
    else
        pio_in_block(drive, 0);
}

void ata_start_read(struct ide_drive *drive)
{
    read_chunk(drive, read_chunk_done);
}

static void verify_chunk_done(struct ide_drive *drive, vx_err result)
{
    if (read_failed(drive, result))
        return;
    chunk_through(&drive->ata);
    if (drive->ata.left > 0)
        read_chunk(drive, verify_chunk_done);
    else
        succeed(drive);
}

void ata_start_verify(struct ide_drive *drive)
{
    read_chunk(drive, verify_chunk_done);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static void flush_done(struct ide_drive *drive, vx_err result)
{
    if (result == VX_ERR_OK)
        ide_drive_ok(drive);
    else
        ide_drive_end(drive, ATA_DRDY | ATA_DSC | ATA_DF | ATA_ERR, ATA_ABRT);
}

void ata_start_flush(struct ide_drive *drive)
{
    ide_drive_io(drive, VX_BLOCK_FLUSH, 0, 0, 0, flush_done);
}

static void fill_chunk(struct ide_drive *drive, bool first);

static void write_chunk_done(struct ide_drive *drive, vx_err result)
{
    struct ata_state *ata = &drive->ata;
    if (result != VX_ERR_OK) {
        ata_set_address(drive, ata->lba, ata->left);
        ide_drive_end(drive, ATA_DRDY | ATA_DSC | ATA_DF | ATA_ERR, ATA_ABRT);
        return;
    }
    chunk_through(ata);
    if (ata->left > 0) {
        fill_chunk(drive, false);
        return;
    }
    set_final_address(drive);
    if (ata->flush_after)
        ata_start_flush(drive);
    else
        ide_drive_ok(drive);
}

static void write_chunk(struct ide_drive *drive)
{
    ide_drive_io(drive, VX_BLOCK_WRITE, drive->ata.lba * IDE_SECTOR_BYTES, 0,
                 (size_t)drive->ata.chunk * IDE_SECTOR_BYTES, write_chunk_done);
}

static void pio_out_done(struct ide_drive *drive);

static void pio_out_block(struct ide_drive *drive, size_t pos)
{
    const struct ata_state *ata = &drive->ata;
    size_t rest = (size_t)ata->chunk * IDE_SECTOR_BYTES - pos, block = (size_t)ata->block * IDE_SECTOR_BYTES;
    ide_drive_data(drive, IDE_PIO_OUT, pos, block < rest ? block : rest, pio_out_done);
}

static void pio_out_done(struct ide_drive *drive)
{
    if (drive->data_end == (size_t)drive->ata.chunk * IDE_SECTOR_BYTES) {
        write_chunk(drive);
        return;
    }
    pio_out_block(drive, drive->data_end);
    ide_drive_raise(drive);
}

/* Asks the host for a chunk. By PIO every DRQ block but the command's first is announced by an interrupt. */
static void fill_chunk(struct ide_drive *drive, bool first)
{
    next_chunk(&drive->ata);
    if (drive->ata.dma) {
        ide_drive_data(drive, IDE_DMA_OUT, 0, (size_t)drive->ata.chunk * IDE_SECTOR_BYTES, write_chunk);
        return;
    }
    pio_out_block(drive, 0);
    if (!first)
        ide_drive_raise(drive);
}

void ata_start_write(struct ide_drive *drive)
{
    fill_chunk(drive, true);
}

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

/* The buffer's bytes of the chunk from or to the medium. */
static void chunk_io(struct ide_drive *drive, enum vx_block_op op, uint8_t step)
{
    ide_drive_io(drive, (struct ide_request){ .op = (uint8_t)op,
                                              .step = step,
                                              .off_bytes = drive->ata.lba * IDE_SECTOR_BYTES,
                                              .bytes = (size_t)drive->ata.chunk * IDE_SECTOR_BYTES });
}

static void read_chunk(struct ide_drive *drive, uint8_t step)
{
    next_chunk(&drive->ata);
    chunk_io(drive, VX_BLOCK_READ, step);
}

/* A failed chunk is read again sector by sector, so that the host learns which one is bad. */
static void probe(struct ide_drive *drive)
{
    struct ata_state *ata = &drive->ata;
    ide_drive_io(drive, (struct ide_request){ .op = VX_BLOCK_READ,
                                              .step = ATA_IO_PROBE,
                                              .off_bytes = (ata->lba + ata->probe) * IDE_SECTOR_BYTES,
                                              .pos = (size_t)ata->probe * IDE_SECTOR_BYTES,
                                              .bytes = IDE_SECTOR_BYTES });
}

void ata_probe_done(struct ide_drive *drive, vx_err result)
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

void ata_dma_in_done(struct ide_drive *drive)
{
    chunk_through(&drive->ata);
    if (drive->ata.left > 0)
        read_chunk(drive, ATA_IO_READ);
    else
        succeed(drive);
}

/* Opens the DRQ block at `pos` of the chunk. */
static void pio_in_block(struct ide_drive *drive, size_t pos)
{
    const struct ata_state *ata = &drive->ata;
    size_t rest = (size_t)ata->chunk * IDE_SECTOR_BYTES - pos, block = (size_t)ata->block * IDE_SECTOR_BYTES;
    ide_drive_data(drive, ATA_PIO_IN, pos, block < rest ? block : rest);
    ide_drive_raise(drive);
}

void ata_pio_in_done(struct ide_drive *drive)
{
    struct ata_state *ata = &drive->ata;
    if (drive->data_end < (size_t)ata->chunk * IDE_SECTOR_BYTES) {
        pio_in_block(drive, drive->data_end);
        return;
    }
    chunk_through(ata);
    if (ata->left > 0) {
        read_chunk(drive, ATA_IO_READ);
        return;
    }
    set_final_address(drive);
    ide_drive_read_end(drive);
}

void ata_read_chunk_done(struct ide_drive *drive, vx_err result)
{
    if (read_failed(drive, result))
        return;
    if (drive->ata.dma)
        ide_drive_data(drive, ATA_DMA_IN, 0, (size_t)drive->ata.chunk * IDE_SECTOR_BYTES);
    else
        pio_in_block(drive, 0);
}

void ata_start_read(struct ide_drive *drive)
{
    read_chunk(drive, ATA_IO_READ);
}

void ata_verify_chunk_done(struct ide_drive *drive, vx_err result)
{
    if (read_failed(drive, result))
        return;
    chunk_through(&drive->ata);
    if (drive->ata.left > 0)
        read_chunk(drive, ATA_IO_VERIFY);
    else
        succeed(drive);
}

void ata_start_verify(struct ide_drive *drive)
{
    read_chunk(drive, ATA_IO_VERIFY);
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

void ata_flush_done(struct ide_drive *drive, vx_err result)
{
    if (result == VX_ERR_OK)
        ide_drive_ok(drive);
    else
        ide_drive_end(drive, ATA_DRDY | ATA_DSC | ATA_DF | ATA_ERR, ATA_ABRT);
}

void ata_start_flush(struct ide_drive *drive)
{
    ide_drive_io(drive, (struct ide_request){ .op = VX_BLOCK_FLUSH, .step = ATA_IO_FLUSH });
}

static void fill_chunk(struct ide_drive *drive, bool first);

void ata_write_chunk_done(struct ide_drive *drive, vx_err result)
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

void ata_write_chunk(struct ide_drive *drive)
{
    chunk_io(drive, VX_BLOCK_WRITE, ATA_IO_WRITE);
}

static void pio_out_block(struct ide_drive *drive, size_t pos)
{
    const struct ata_state *ata = &drive->ata;
    size_t rest = (size_t)ata->chunk * IDE_SECTOR_BYTES - pos, block = (size_t)ata->block * IDE_SECTOR_BYTES;
    ide_drive_data(drive, ATA_PIO_OUT, pos, block < rest ? block : rest);
}

void ata_pio_out_done(struct ide_drive *drive)
{
    if (drive->data_end == (size_t)drive->ata.chunk * IDE_SECTOR_BYTES) {
        ata_write_chunk(drive);
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
        ide_drive_data(drive, ATA_DMA_OUT, 0, (size_t)drive->ata.chunk * IDE_SECTOR_BYTES);
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

/* ---- loading ---------------------------------------------------------------------------------------------------- */

bool ata_transfer_is_sound(const struct ide_drive *drive)
{
    const struct ata_state *ata = &drive->ata;
    uint64_t capacity = ata_capacity(drive);
    return ata->lba < capacity && ata->left <= capacity - ata->lba && ata->chunk >= 1 && ata->chunk <= ata->left &&
           ata->chunk <= CHUNK_SECTORS && ata->block >= 1 &&
           (drive->in_flight || drive->data_end <= (size_t)ata->chunk * IDE_SECTOR_BYTES);
}

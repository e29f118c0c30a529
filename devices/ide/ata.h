/* ata.h - an ATA hard disk on an IDE channel. Inside the IDE chip.
 *
 * Source: T13 ATA/ATAPI-6 (revision 3b), chapters 6 "Command descriptions" and 9 "Protocols"; FUA commands from
 * ATA/ATAPI-7. Modelled: CHS, 28-bit and 48-bit addressing, PIO (single and multiple), multiword and Ultra DMA, verify,
 * write cache with FLUSH CACHE, power modes as far as a host can ask for them. Abort, as a drive without the feature
 * set does: SMART, security, host protected area (SET MAX), queued DMA, streaming, READ/WRITE LONG, READ/WRITE BUFFER,
 * FORMAT TRACK. Standby timers never run out.
 *
 * What the host may rely on: a write has reached the back end when its command ends; with the write cache off, or for
 * a FUA command, it is on stable storage; FLUSH CACHE, STANDBY and SLEEP put everything there. */
#ifndef VX86_DEVICES_ATA_H
#define VX86_DEVICES_ATA_H

#include "ide_drive.h"

#define ATA_MAX_MULTIPLE    16
#define ATA_LBA28_SECTORS   0x0FFFFFFFu
#define ATA_DEFAULT_HEADS   16
#define ATA_DEFAULT_SECTORS 63
#define ATA_MAX_CYLINDERS   16383

/* SET FEATURES subcommands. */
enum {
    ATA_FEATURE_WRITE_CACHE_ON = 0x02,
    ATA_FEATURE_TRANSFER_MODE = 0x03,
    ATA_FEATURE_LOOK_AHEAD_OFF = 0x55,
    ATA_FEATURE_KEEP_OVER_RESET = 0x66,
    ATA_FEATURE_WRITE_CACHE_OFF = 0x82,
    ATA_FEATURE_LOOK_AHEAD_ON = 0xAA,
    ATA_FEATURE_DEFAULTS_ON_RESET = 0xCC,
};

extern const struct ide_drive_ops ata_ops;

uint64_t ata_capacity(const struct ide_drive *drive); /* sectors */

/* Sets the CHS translation in force; cylinders follow from the capacity. */
void ata_set_geometry(struct ide_drive *drive, unsigned heads, unsigned sectors);

/* Writes the sector's address to the task file in the form (CHS, 28-bit, 48-bit) of the command under way, the count
 * too. */
void ata_set_address(struct ide_drive *drive, uint64_t lba, uint32_t count);

/* The steps of a disk's commands, in the order of the tables in ata.c; most are in ata_transfer.c. */
enum { ATA_PIO_IN = IDE_READ_END + 1, ATA_DMA_IN, ATA_PIO_OUT, ATA_DMA_OUT, ATA_WINDOW_STEPS };
enum { ATA_IO_READ, ATA_IO_VERIFY, ATA_IO_PROBE, ATA_IO_WRITE, ATA_IO_FLUSH, ATA_IO_FLUSH_AND_SLEEP, ATA_IO_STEPS };
ide_step ata_pio_in_done, ata_dma_in_done, ata_pio_out_done, ata_write_chunk;
ide_io_step ata_read_chunk_done, ata_verify_chunk_done, ata_probe_done, ata_write_chunk_done, ata_flush_done;

/* Whether the sectors of a command under way are where the transfer may take them: for can_go_on(). */
bool ata_transfer_is_sound(const struct ide_drive *drive);

/* ata_transfer.c: commands that move sectors. The address has been parsed into drive->ata and checked. */
void ata_start_read(struct ide_drive *drive);
void ata_start_write(struct ide_drive *drive);
void ata_start_verify(struct ide_drive *drive);
/* Sends a FLUSH and ends the command with its result. */
void ata_start_flush(struct ide_drive *drive);

/* ata_identify.c: 512 bytes of IDENTIFY DEVICE and IDENTIFY PACKET DEVICE. */
void ata_identify(const struct ide_drive *drive, uint8_t *out);
void atapi_identify(const struct ide_drive *drive, uint8_t *out);

#endif

/* atapi.h - an ATAPI CD-ROM drive on an IDE channel. Inside the IDE chip.
 *
 * Sources: T13 ATA/ATAPI-6, 9.8 "PACKET command protocol"; T10 MMC-3 (commands, features, mode page 2Ah), SPC-2 (sense
 * data). Modelled: a read-only medium of 2048-byte blocks with one data track, presented as a CD-ROM, or as a DVD-ROM
 * where it is too large for a CD; tray, prevent/allow, unit attention and media events; PIO and DMA. Not modelled:
 * audio, raw sectors, DVD structures and keys, mode select. */
#ifndef VX86_DEVICES_ATAPI_H
#define VX86_DEVICES_ATAPI_H

#include "ide_drive.h"
#include "vx86/bytes.h"

#define CD_BLOCK_BYTES 2048u

/* Sense keys. */
enum {
    SENSE_NONE = 0x0,
    SENSE_NOT_READY = 0x2,
    SENSE_MEDIUM_ERROR = 0x3,
    SENSE_ILLEGAL_REQUEST = 0x5,
    SENSE_UNIT_ATTENTION = 0x6,
};
/* Additional sense codes, ASC << 8 | ASCQ. */
enum {
    ASC_UNRECOVERED_READ = 0x1100,
    ASC_INVALID_OPCODE = 0x2000,
    ASC_LBA_OUT_OF_RANGE = 0x2100,
    ASC_INVALID_FIELD = 0x2400,
    ASC_MEDIUM_CHANGED = 0x2800,
    ASC_RESET = 0x2900,
    ASC_NO_SAVED_PARAMETERS = 0x3900,
    ASC_NO_MEDIUM_TRAY_CLOSED = 0x3A01,
    ASC_NO_MEDIUM_TRAY_OPEN = 0x3A02,
    ASC_REMOVAL_PREVENTED = 0x5302,
};
/* Event codes of the media class. */
enum { MEDIA_EVENT_NONE = 0, MEDIA_EVENT_NEW = 2, MEDIA_EVENT_REMOVED = 3 };

extern const struct ide_drive_ops atapi_ops;

bool atapi_has_medium(const struct ide_drive *drive);
uint64_t atapi_capacity(const struct ide_drive *drive); /* blocks of the medium, 0 without one */

/* atapi_commands.c: carries out drive->atapi.packet; every path ends in one of the functions below. */
void atapi_execute(struct ide_drive *drive);

/* atapi.c: the four ways in which a packet command goes on. */
void atapi_ok(struct ide_drive *drive);
void atapi_fail(struct ide_drive *drive, unsigned key, unsigned asc);
/* The first min(bytes, allocated) bytes of buf go to the host, then the command ends. */
void atapi_reply(struct ide_drive *drive, size_t bytes, size_t allocated);
/* Blocks from the medium go to the host; the range is checked here. */
void atapi_read(struct ide_drive *drive, uint64_t lba, uint32_t blocks);

/* atapi_info.c: replies about the medium and the drive. Each writes to `out` (room for ATAPI_INFO_BYTES) and returns
 * the full length, or 0 when the packet asks for something that is not there. */
#define ATAPI_INFO_BYTES 256u
size_t atapi_toc(const struct ide_drive *drive, uint8_t *out);
size_t atapi_configuration(const struct ide_drive *drive, uint8_t *out);
size_t atapi_mode_pages(const struct ide_drive *drive, unsigned page, bool changeable, uint8_t *out);
size_t atapi_subchannel(const struct ide_drive *drive, uint8_t *out);

#endif

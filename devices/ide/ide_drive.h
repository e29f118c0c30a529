/* ide_drive.h - what a disk and a CD-ROM drive have in common: registers, phases, INTRQ, requests to the back end.
 * Inside the IDE chip; ata.h and atapi.h give a drive its commands. */
#ifndef VX86_DEVICES_IDE_DRIVE_H
#define VX86_DEVICES_IDE_DRIVE_H

#include "device_state.h"
#include "vx86/backend.h"
#include "vx86/log.h"

#define IDE_SECTOR_BYTES 512u
#define IDE_BUF_BYTES    (256u * 1024)

/* Status register. */
enum {
    ATA_BSY = 0x80,
    ATA_DRDY = 0x40,
    ATA_DF = 0x20,
    ATA_DSC = 0x10,
    ATA_DRQ = 0x08,
    ATA_ERR = 0x01, /* CHK for packet devices */
};
/* Error register. */
enum { ATA_UNC = 0x40, ATA_IDNF = 0x10, ATA_ABRT = 0x04 };
/* Device register. */
enum { ATA_DEV_LBA = 0x40, ATA_DEV_1 = 0x10, ATA_DEV_OBSOLETE = 0xA0 };

enum ide_phase {
    IDE_IDLE,    /* BSY = 0, DRQ = 0: takes a command */
    IDE_BUSY,    /* BSY = 1: at work, usually with a request at the back end */
    IDE_PIO_IN,  /* DRQ = 1: the host reads the window through the data port */
    IDE_PIO_OUT, /* DRQ = 1: the host fills it */
    IDE_DMA_IN,  /* DRQ = 1: the window goes to memory when the bus master lets it */
    IDE_DMA_OUT, /* DRQ = 1: the window comes from memory */
    IDE_ASLEEP,  /* after SLEEP: only a reset wakes it */
};

struct ide_drive;
struct ide_channel;

/* A register that keeps its previous value for 48-bit commands: [0] most recent, [1] the one before. */
typedef uint8_t ide_pair[2];

typedef void ide_step(struct ide_drive *drive);
typedef void ide_io_step(struct ide_drive *drive, vx_err result);

/* How a command goes on when its data window is used up, or when its request has come home. A drive remembers these by
 * their numbers in the tables of its kind: those, unlike functions, can be saved. Their order stays. */
struct ide_window_step {
    enum ide_phase phase; /* the window's */
    ide_step *done;
};
enum { IDE_READ_END }; /* ide_drive_read_end(), in both kinds' tables */

struct ide_drive_ops {
    void (*power_on)(struct ide_drive *drive);  /* settings to their defaults */
    void (*reset)(struct ide_drive *drive);     /* after SRST, DEVICE RESET: what does not survive these */
    void (*signature)(struct ide_drive *drive); /* registers as after a reset or diagnostic; sets status too */
    void (*command)(struct ide_drive *drive, uint8_t command);
    const struct ide_window_step *window_steps;
    ide_io_step *const *io_steps;
    uint8_t window_step_count, io_step_count;
    /* Whether the command under way of a drive that was loaded can go on: no step of it would fail an assertion. */
    bool (*can_go_on)(const struct ide_drive *drive);
};

/* Settings and command state of a disk: ata.h. */
struct ata_state {
    uint16_t cylinders, heads, sectors; /* the CHS translation in force */
    uint8_t multiple;                   /* sectors a DRQ block of READ/WRITE MULTIPLE, 0: not set */
    bool write_cache, look_ahead, standby;
    /* Command under way. */
    uint64_t lba;   /* next sector that has not gone through */
    uint32_t left;  /* sectors from lba on */
    uint32_t chunk; /* sectors in the buffer (read) or fitting in it (write) */
    uint32_t probe; /* while looking for the bad sector of a failed chunk */
    uint32_t block; /* sectors a DRQ block */
    bool lba48, dma, flush_after;
};

/* Settings and command state of a CD-ROM drive: atapi.h. */
struct atapi_state {
    uint8_t sense_key, asc, ascq;
    bool tray_open, locked;
    uint8_t attention_asc; /* a unit attention condition waits to be reported; 0: none */
    uint8_t media_event;   /* GET EVENT STATUS NOTIFICATION: event code of the media class, 0: none */
    /* Command under way. */
    uint8_t packet[12];
    bool dma;
    uint32_t limit; /* bytes a DRQ block */
    size_t reply;   /* bytes in the buffer that have to go */
    uint64_t lba;   /* next block to read from the medium */
    uint32_t left;  /* blocks from lba on */
};

/* A request in the drive's words. */
struct ide_request {
    uint8_t op, step; /* enum vx_block_op; in io_steps */
    uint64_t off_bytes;
    size_t pos, bytes; /* of buf */
};

struct ide_drive {
    const struct ide_drive_ops *ops;
    struct ide_channel *channel;
    struct vx_log *log;
    struct vx_block *block; /* NULL: no medium */
    unsigned position;      /* 0 to 3 */
    uint64_t writes;        /* requests to write so far: for the machine's user, the guest cannot tell */

    /* Task file. */
    uint8_t status, error, device;
    ide_pair feature, count, lba_low, lba_mid, lba_high;
    bool intrq;            /* interrupt pending; on the line when selected and nIEN = 0 */
    uint8_t transfer_mode; /* as SET FEATURES 03h gave it */

    /* The data window, [data_pos, data_end) of buf, and what follows it. */
    enum ide_phase phase;
    uint8_t *buf; /* IDE_BUF_BYTES */
    size_t data_pos, data_end;
    uint8_t window_step;

    /* The one request that may be with the back end. */
    struct ide_request io;
    struct vx_block_request request; /* as the back end has it */
    bool in_flight;
    bool forgotten;  /* its command was ended by a reset */
    bool reset_ends; /* the signature is due when it has come home */

    /* One of the two, by the drive's kind. */
    struct ata_state ata;
    struct atapi_state atapi;
};

VX_MUST_USE vx_err ide_drive_init(struct ide_drive *drive, const struct ide_drive_ops *ops);
/* Nothing may be in flight. */
void ide_drive_fini(struct ide_drive *drive);

extern const struct state_table ide_drive_state;
/* After loading: a request that was under way is made again. */
void ide_drive_restored(struct ide_drive *drive);

/* ---- towards the channel ---- */

/* Drops whatever is under way and stays BSY until ide_drive_end_reset(). */
void ide_drive_begin_reset(struct ide_drive *drive, bool power_on);
/* Posts the signature, at once or when the request in flight has come home. */
void ide_drive_end_reset(struct ide_drive *drive);

uint32_t ide_drive_data_read(struct ide_drive *drive, unsigned size);
void ide_drive_data_write(struct ide_drive *drive, unsigned size, uint32_t value);
/* Whole items inside the window; fewer than `count`, or none, when the window is smaller. */
size_t ide_drive_data_read_block(struct ide_drive *drive, unsigned size, void *buf, size_t count);
size_t ide_drive_data_write_block(struct ide_drive *drive, unsigned size, const void *buf, size_t count);

/* The bus master was started or allowed: moves what can be moved. */
void ide_drive_pump(struct ide_drive *drive);

/* ---- towards the commands ---- */

static inline bool ide_drive_has_window(const struct ide_drive *drive)
{
    return drive->phase >= IDE_PIO_IN && drive->phase <= IDE_DMA_OUT;
}

/* Opens a data window of `bytes` at `pos` of buf in the phase of the window step `step`, which is done, with BSY set,
 * when all of it has gone. Does not raise INTRQ. A DMA window may be done on return. */
void ide_drive_data(struct ide_drive *drive, unsigned step, size_t pos, size_t bytes);

/* Sends a request for buf[pos, pos + bytes) to the back end and sets BSY; the step comes later. */
void ide_drive_io(struct ide_drive *drive, struct ide_request request);

void ide_drive_raise(struct ide_drive *drive);

/* Ends the command: registers to status and error, INTRQ raised. */
void ide_drive_end(struct ide_drive *drive, uint8_t status, uint8_t error);
/* ... with DRDY and DSC. */
void ide_drive_ok(struct ide_drive *drive);
/* ... with DRDY, DSC, ERR and the error. */
void ide_drive_fail(struct ide_drive *drive, uint8_t error);

/* The last data of a PIO read has gone: idle without an interrupt. An ide_step. */
void ide_drive_read_end(struct ide_drive *drive);

/* SET FEATURES 03h: takes the mode in the count register; false when the drive has no such mode. */
bool ide_drive_set_transfer_mode(struct ide_drive *drive);

#endif

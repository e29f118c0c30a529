/* floppy_state.h - inside the floppy controller: its struct, and what its files tell each other. See floppy.h.
 *
 *     command bytes --> floppy_command_run() --+--> result, or nothing              (floppy_command.c)
 *                                              +--> drives step, see floppy_drive.c
 *                                              +--> floppy_transfer_start()         (floppy_transfer.c)
 *
 *     execution:  STEP_START -> STEP_SECTOR -> request to the disk, window of data for the host -> STEP_NEXT
 *                                   ^                                                                 |
 *                                   +-----------------------------------------------------------------+-> result
 *
 *   I1  data_pos <= data_end <= FLOPPY_SECTOR_BYTES, fifo_pos <= fifo_end <= FLOPPY_FIFO_BYTES.
 *   I2  At most one request is with a disk. A reset or another disk does not take it back: it is forgotten, and a data
 *       command waits until it has come home, so buf is never written by two.
 *   I3  DREQ is up exactly while a window is open in DMA mode; an open window has data_pos < data_end.
 *   I4  `step` is what the timer does, STEP_NONE exactly while it is not armed. */
#ifndef VX86_DEVICES_FLOPPY_STATE_H
#define VX86_DEVICES_FLOPPY_STATE_H

#include "floppy.h"
#include "floppy_format.h"

#define FLOPPY_FIFO_BYTES 16
#define FLOPPY_SELECTS    4 /* drives that a command can name */

enum floppy_phase { PHASE_COMMAND, PHASE_EXECUTION, PHASE_RESULT, PHASES };
enum floppy_step { STEP_NONE, STEP_RESET_ENDS, STEP_START, STEP_SECTOR, STEP_NEXT, STEP_READ_ID, STEPS };

/* Digital output register. */
enum { DOR_DRIVE = 0x03, DOR_NOT_RESET = 0x04, DOR_DMA_GATE = 0x08, DOR_MOTOR_A = 0x10, DOR_MOTOR_B = 0x20 };
/* Main status register. */
enum { MSR_BUSY = 0x10, MSR_NON_DMA = 0x20, MSR_DIO = 0x40, MSR_RQM = 0x80 };
enum { ST0_HEAD = 0x04, ST0_EC = 0x10, ST0_SE = 0x20, ST0_ABNORMAL = 0x40, ST0_INVALID = 0x80, ST0_POLLED = 0xC0 };
enum { ST1_MA = 0x01, ST1_NW = 0x02, ST1_ND = 0x04, ST1_DE = 0x20, ST1_EN = 0x80 };
enum { ST2_BC = 0x02, ST2_SN = 0x04, ST2_SH = 0x08, ST2_WC = 0x10, ST2_DD = 0x20, ST2_CM = 0x40 };
enum { ST3_ONES = 0x28, ST3_TRACK_0 = 0x10, ST3_PROTECTED = 0x40 };
/* CONFIGURE. */
enum { CONFIG_THRESHOLD = 0x0F, CONFIG_NO_POLL = 0x10, CONFIG_NO_FIFO = 0x20, CONFIG_IMPLIED_SEEK = 0x40 };
enum { PERPENDICULAR_OW = 0x80, PERPENDICULAR_DRIVES = 0x3C, PERPENDICULAR_MODES = 0x03 };

/* fifo[0] of a command without MT, MFM and SK; of those that have none, as it is. */
enum floppy_command {
    CMD_READ_TRACK = 0x02,
    CMD_SPECIFY,
    CMD_SENSE_DRIVE,
    CMD_WRITE,
    CMD_READ,
    CMD_RECALIBRATE,
    CMD_SENSE_INTERRUPT,
    CMD_WRITE_DELETED,
    CMD_READ_ID,
    CMD_READ_DELETED = 0x0C,
    CMD_FORMAT,
    CMD_DUMPREG,
    CMD_SEEK,
    CMD_VERSION,
    CMD_SCAN_EQUAL,
    CMD_PERPENDICULAR,
    CMD_CONFIGURE,
    CMD_LOCK,
    CMD_VERIFY = 0x16,
    CMD_SCAN_LOW = 0x19,
    CMD_SCAN_HIGH = 0x1D,
    CMD_DRIVE_SPEC = 0x8E,
    CMD_RELATIVE_SEEK = 0x8F,
};
enum { CMD_MT = 0x80, CMD_MFM = 0x40, CMD_SK = 0x20, CMD_INWARDS = 0x40 };

struct floppy_drive {
    struct floppy *chip;
    struct vx_clock *clock;
    unsigned number;
    enum floppy_kind kind;
    struct vx_block *disk;               /* NULL: none */
    const struct floppy_format *format;  /* of the disk */
    uint8_t cylinder;                    /* where the head is */
    uint8_t target, target_pcn, end_st0; /* of a seek under way */
    bool changed;                        /* DSKCHG: the disk is another one than at the last step, or there is none */
    bool steps;                          /* the seek under way gives step pulses */
    struct vx_timer seek_timer;
};

struct floppy {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_loop *loop;
    struct vx_irq irq;
    struct dma_channel dma;
    struct vx_region regions[2];
    bool real_speed;
    struct floppy_drive drive[FLOPPY_DRIVES];

    uint8_t dor, tdr, rate; /* rate: of DSR and CCR */
    uint8_t configuration, pretrk, specify[2], perpendicular;
    bool locked;
    uint8_t pcn[FLOPPY_SELECTS];
    bool interrupt;              /* INT, before DOR's gate */
    uint8_t polled;              /* SENSE INTERRUPT STATUS answers this often for a reset */
    uint8_t seeking, seek_ended; /* a bit a drive */
    uint8_t seek_st0[FLOPPY_SELECTS];

    uint8_t phase; /* enum floppy_phase */
    uint8_t fifo[FLOPPY_FIFO_BYTES], fifo_pos, fifo_end;

    /* The data command under way. */
    uint8_t command, flags; /* enum floppy_command; MT, MFM, SK */
    uint8_t select, head;   /* drive and head */
    uint8_t c, h, r, n, eot, dtl;
    uint8_t done_sectors; /* of READ TRACK, VERIFY, FORMAT */
    uint8_t st1, st2;
    bool terminal_count, end_of_cylinder, scan_met;
    uint8_t step; /* I4 */
    struct vx_timer timer;
    uint8_t buf[FLOPPY_SECTOR_BYTES];
    uint16_t data_pos, data_end; /* the window, I1 */
    uint8_t portion;             /* bytes of it until the next interrupt, without DMA */
    bool to_host;
    bool in_flight, forgotten, waits; /* I2 */
    bool io_write;
    uint32_t io_sector;
    struct vx_block_request request;
};

/* ---- floppy.c */

void floppy_raise(struct floppy *chip);
void floppy_lower(struct floppy *chip);
/* The timer does `step` after that time. */
void floppy_after(struct floppy *chip, uint64_t ns, enum floppy_step step);
/* The result phase: the first bytes of the FIFO. */
void floppy_result(struct floppy *chip, unsigned bytes);
static inline bool floppy_uses_dma(const struct floppy *chip)
{
    return !(chip->specify[1] & 1);
}

/* ---- floppy_command.c */

/* A byte for the command phase. */
void floppy_command_byte(struct floppy *chip, uint8_t byte);

/* ---- floppy_drive.c */

extern const struct state_table floppy_drive_state;
void floppy_drive_init(struct floppy_drive *drive, struct floppy *chip, unsigned number);
void floppy_drive_insert(struct floppy_drive *drive, struct vx_block *disk);
void floppy_drive_reset(struct floppy_drive *drive);
/* The drive that a command names; NULL: there is none. */
struct floppy_drive *floppy_selected(struct floppy *chip, unsigned select);
/* Seeks `select` to the cylinder that the chip counts as `pcn`; an interrupt follows. */
void floppy_seek(struct floppy *chip, unsigned select, uint8_t pcn, uint8_t st0);
void floppy_recalibrate(struct floppy *chip, unsigned select);
/* An implied seek: at once, but for the time that it takes, which is returned. */
uint64_t floppy_seek_now(struct floppy *chip, unsigned select, uint8_t pcn);
uint8_t floppy_drive_st3(const struct floppy *chip, unsigned select, uint8_t head);

/* ---- floppy_transfer.c */

/* The execution phase of the command in the FIFO. */
void floppy_transfer_start(struct floppy *chip, enum floppy_command command);
void floppy_transfer_step(struct floppy *chip, enum floppy_step step);
/* Ends the command under way: nothing of it comes any more. The caller lowers DREQ. */
void floppy_transfer_abort(struct floppy *chip);
/* ... with a result: the disk is gone. */
void floppy_transfer_lost(struct floppy *chip, unsigned select);
bool floppy_window_open(const struct floppy *chip);
uint8_t floppy_window_read(struct floppy *chip);
void floppy_window_write(struct floppy *chip, uint8_t byte);
void floppy_transfer_restored(struct floppy *chip);
extern const struct dma_device floppy_dma_model; /* without its opaque */

#endif

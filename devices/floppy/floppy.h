/* floppy.h - a floppy disk controller 82077AA with up to two drives.
 *
 * Sources: Intel 82077AA data sheet (290166), "Registers", "Command Set/Descriptions", "Status Register Encoding"; IBM
 * PS/2 Hardware Interface Technical Reference (change line, data rates). Ports 3F0h-3F5h and 3F7h, IRQ 6, DMA channel
 * 2. The chip is in AT mode; SRA and SRB answer as in PS/2 mode, because software of virtual PCs looks there.
 *
 *   3F0h SRA   3F1h SRB   3F2h DOR   3F3h TDR   3F4h MSR, written: DSR   3F5h FIFO   3F7h DIR, written: CCR
 *
 *   floppy.c           registers, reset, interrupts, life
 *   floppy_drive.c     a drive: its disk, head and change line
 *   floppy_command.c   the command and result phases; commands that move no data
 *   floppy_transfer.c  the execution phase of the others, sector by sector
 *   floppy_format.c    the formats of include/vx86/floppies.def
 *
 * Modelled: all commands of the 82077AA and DRIVE SPECIFICATION of its successor, implied seek, FIFO threshold, non-DMA
 * mode, LOCK, polling after reset, data rates (a disk answers at its own only), the change line, which a step pulse
 * clears. Sectors have 512 bytes, and tracks are numbered as they lie: other IDs are not found, and cannot be
 * formatted. Not modelled: FM, deleted marks (all sectors have normal ones), gaps, precompensation, the motor (disks
 * turn always), double steps, power down. Without a disk commands end with a missing address mark, where the chip waits
 * for an index pulse for ever.
 *
 * Clock: with `real_speed` disks turn 300 or 360 times a minute and heads step at the rate of SPECIFY; else a seek and
 * a reset take FLOPPY_FAST_NS, sectors as long as the host's storage does.
 *
 * State to save: registers, phases, the sector under way, heads and change lines. A request that is with the back end
 * is saved in the chip's words and made again, as ide.h has it. Disks are no state.
 * Thread rule: machine thread only. */
#ifndef VX86_DEVICES_FLOPPY_H
#define VX86_DEVICES_FLOPPY_H

#include "device.h"
#include "dma.h"
#include "vx86/backend.h"
#include "vx86/loop.h"

#define FLOPPY_DRIVES  2
#define FLOPPY_FAST_NS 50000u

/* Kinds of drive, as the BIOS numbers them in CMOS byte 10h. */
enum floppy_kind { FLOPPY_NONE, FLOPPY_360K, FLOPPY_1200K, FLOPPY_1440K = 4, FLOPPY_2880K };

/* The drive that fits the disk best; without a disk one for 1.44M. */
enum floppy_kind floppy_kind_for(const struct vx_block *disk);
/* Whether the drive can do anything with the disk. */
bool floppy_kind_takes(enum floppy_kind kind, const struct vx_block *disk);
/* "1.44M": the drive's name. */
const char *floppy_kind_name(enum floppy_kind kind);
/* "720K": the disk's format; NULL: an image of this size is no floppy disk. */
const char *floppy_disk_name(uint64_t bytes);

struct floppy;

struct floppy_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_loop *loop; /* for floppy_drain() */
    struct vx_irq irq;
    struct dma_channel dma;
    bool real_speed;
    struct {
        enum floppy_kind kind;
        struct vx_block *disk; /* NULL: empty */
    } drive[FLOPPY_DRIVES];
};

/* VX_ERR_BAD_ARGUMENT: a disk that its drive does not take. */
VX_MUST_USE vx_err floppy_create(const struct floppy_config *config, struct floppy **out);
extern const struct device_type floppy_type; /* its destroy drains first */

enum floppy_kind floppy_drive_kind(const struct floppy *chip, unsigned drive);

/* Another disk, which the drive takes, or none (NULL). A command that is under way with the old one ends with an error.
 * The old disk's back end may be destroyed at once. */
void floppy_change(struct floppy *chip, unsigned drive, struct vx_block *disk);

/* True while a request is with a back end. */
bool floppy_is_busy(const struct floppy *chip);
/* Runs the loop's posted work until no request is with a back end. Not from inside posted work. */
void floppy_drain(struct floppy *chip);

#endif

/* ide.h - the PIIX3 IDE function: two ATA channels with bus-master DMA, hard disks and CD-ROM drives on them.
 *
 * Sources: Intel 82371FB/82371SB (PIIX, PIIX3) data sheet, "IDE configuration registers" and "Bus master IDE
 * registers"; SFF-8038i "Programming Interface for Bus Master IDE Controller"; T13 ATA/ATAPI-6; MMC-3 (drives). PCI
 * 8086:7010, class 010180h. Ports: 1F0h-1F7h and 3F6h (primary, IRQ 14), 170h-177h and 376h (secondary, IRQ 15), BAR4:
 * 16 bus-master ports. Clock: none, everything takes as long as the host's storage does.
 *
 * Modelled: channel decode (command register, IDETIM bit 15); task files with their 48-bit halves, SRST, nIEN, device
 * selection with absent devices; PRD tables of any content; PIO by 16 and 32 bits and in blocks; ATA disks (ata.h)
 * and ATAPI CD-ROM drives (atapi.h). Not modelled: transfer timing (IDETIM, SIDETIM are plain storage), the
 * direction bit of a bus-master command when it contradicts the drive's (the drive decides), DMA transfer of command
 * queues.
 *
 *   ide.c             PCI function, ports, wiring
 *   ide_channel.c     task file, device selection, reset
 *   ide_busmaster.c   PRD tables
 *   ide_drive.c       what disk and CD-ROM drive share: phases, INTRQ, back-end requests
 *   ata*.c, atapi*.c  the two kinds of drive
 *
 * State to save: PCI config, task files, bus-master registers, the command under way with its buffer. A request that is
 * with the back end is saved in the drive's words (struct ide_request) and made again when it has been loaded: reads
 * and writes may be carried out twice. With a real clock there is none, because vx_machine_run() drains before it
 * returns; with a counted clock a request waits for its time (pc_disk_time.c) although the host has done it. Media are
 * no state. While a machine is loaded no request of it may be under way.
 * Thread rule: machine thread only. */
#ifndef VX86_DEVICES_IDE_H
#define VX86_DEVICES_IDE_H

#include "device.h"
#include "pci.h"
#include "vx86/backend.h"
#include "vx86/loop.h"
#include "vx86/pmap.h"

#define IDE_CHANNELS 2
#define IDE_DRIVES   4 /* primary master, primary slave, secondary master, secondary slave */

enum ide_kind { VX_IDE_NONE, VX_IDE_DISK, VX_IDE_CDROM };

struct ide;

struct ide_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct pci *pci;
    unsigned slot, function; /* 1, 1 on a PIIX board */
    struct vx_pmap *pmap;    /* DMA */
    struct vx_loop *loop;    /* for ide_drain() */
    struct vx_irq irq[IDE_CHANNELS];
    struct {
        enum ide_kind kind;
        struct vx_block *block; /* a disk needs one; a CD-ROM drive without one is empty */
    } drive[IDE_DRIVES];
};

VX_MUST_USE vx_err ide_create(const struct ide_config *config, struct ide **out);

/* Its destroy drains first. A reset lets host I/O under way end and shows BSY until it has. */
extern const struct device_type ide_type;

/* True while a request is with a back end. */
bool ide_is_busy(const struct ide *ide);

/* How many write requests the back ends have got since the chip was made. */
uint64_t ide_writes(const struct ide *ide);

/* Runs the loop's posted work until no request is with a back end: before the machine stops for good. */
void ide_drain(struct ide *ide);

#endif

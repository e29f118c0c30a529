/* ide_channel.h - one ATA cable: the task file's ports, device selection, reset and the interrupt line. Inside the IDE
 * chip. */
#ifndef VX86_DEVICES_IDE_CHANNEL_H
#define VX86_DEVICES_IDE_CHANNEL_H

#include "ide_busmaster.h"
#include "ide_drive.h"
#include "vx86/bus.h"

/* Offsets from the command block; the control block has one port. */
enum {
    IDE_DATA = 0,
    IDE_ERROR_FEATURE = 1,
    IDE_COUNT = 2,
    IDE_LBA_LOW = 3,
    IDE_LBA_MID = 4,
    IDE_LBA_HIGH = 5,
    IDE_DEVICE = 6,
    IDE_STATUS_COMMAND = 7,
};
/* Device control register. */
enum { ATA_NIEN = 0x02, ATA_SRST = 0x04, ATA_HOB = 0x80 };

struct ide_channel {
    struct vx_log *log;
    unsigned number;
    struct ide_drive *drive[2]; /* NULL: not there */
    unsigned selected;          /* the DEV bit */
    uint8_t control;            /* device control */
    struct vx_irq irq;
    bool irq_level;
    struct ide_busmaster busmaster;
};

extern const struct state_table ide_channel_state;

/* Guest side. size 1, 2 or 4 at IDE_DATA, bytes elsewhere. */
uint32_t ide_channel_read(struct ide_channel *channel, unsigned port, unsigned size);
void ide_channel_write(struct ide_channel *channel, unsigned port, unsigned size, uint32_t value);
uint8_t ide_channel_alt_status(const struct ide_channel *channel);
void ide_channel_write_control(struct ide_channel *channel, uint8_t value);

/* The drive that the data port goes to; NULL when it is not there. */
struct ide_drive *ide_channel_selected(const struct ide_channel *channel);

/* Power-on reset, in the two phases of device.h. */
void ide_channel_reset_hold(struct ide_channel *channel);
void ide_channel_reset_release(struct ide_channel *channel);

/* Something that the interrupt line depends on has changed. */
void ide_channel_update_irq(struct ide_channel *channel);

/* The device register as a reset or diagnostic leaves it: the DEV bit as selected, the obsolete bits set. */
uint8_t ide_channel_device_bits(const struct ide_channel *channel);

/* EXECUTE DEVICE DIAGNOSTIC, which both devices carry out whichever is selected. */
void ide_channel_diagnose(struct ide_channel *channel);

#endif

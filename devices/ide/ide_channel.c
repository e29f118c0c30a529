/* ide_channel.c - the ports of one ATA cable.
 *
 * Both drives hear every write to the command block; the DEV bit decides who carries out commands, who answers reads
 * and who drives INTRQ.
 *
 *                       device 0 there            only device 1 there       none
 *   device 0 selected   device 0 answers          nobody drives the bus     nobody
 *   device 1 selected   device 1, or device 0     device 1 answers          nobody
 *                       with a status of 00h
 *
 * An undriven bus reads 7Fh: pulled up, DD7 pulled down (ATA/ATAPI-6 "Signal descriptions"), so that BSY reads 0. */
#include "ide_channel.h"

#define FLOATING                      0x7F
#define CMD_DEVICE_RESET              0x08
#define CMD_EXECUTE_DEVICE_DIAGNOSTIC 0x90

struct ide_drive *ide_channel_selected(const struct ide_channel *channel)
{
    return channel->drive[channel->selected];
}

/* Who answers reads: the selected drive, or device 0 for an absent device 1. */
static struct ide_drive *responder(const struct ide_channel *channel)
{
    struct ide_drive *selected = ide_channel_selected(channel);
    return selected != NULL ? selected : channel->drive[0];
}

void ide_channel_update_irq(struct ide_channel *channel)
{
    const struct ide_drive *selected = ide_channel_selected(channel);
    bool level = selected != NULL && selected->intrq && !(channel->control & ATA_NIEN);
    if (level == channel->irq_level)
        return;
    channel->irq_level = level;
    if (level)
        channel->busmaster.status |= BM_INTERRUPT;
    vx_irq_set(&channel->irq, level);
}

/* ---- reads ------------------------------------------------------------------------------------------------------ */

uint8_t ide_channel_alt_status(const struct ide_channel *channel)
{
    const struct ide_drive *selected = ide_channel_selected(channel);
    if (selected != NULL)
        return selected->status;
    return channel->drive[0] != NULL ? 0 : FLOATING;
}

static uint8_t read_status(struct ide_channel *channel)
{
    struct ide_drive *selected = ide_channel_selected(channel);
    uint8_t status = ide_channel_alt_status(channel);
    if (selected != NULL && selected->intrq) {
        selected->intrq = false;
        ide_channel_update_irq(channel);
    }
    return status;
}

static uint32_t read_data(struct ide_channel *channel, unsigned size)
{
    struct ide_drive *selected = ide_channel_selected(channel);
    return selected != NULL ? ide_drive_data_read(selected, size) : UINT32_MAX;
}

static uint8_t read_register(struct ide_channel *channel, unsigned port)
{
    const struct ide_drive *drive = responder(channel);
    unsigned half = channel->control & ATA_HOB ? 1 : 0;
    if (drive == NULL)
        return FLOATING;
    switch (port) {
    case IDE_ERROR_FEATURE: return drive->error;
    case IDE_COUNT: return drive->count[half];
    case IDE_LBA_LOW: return drive->lba_low[half];
    case IDE_LBA_MID: return drive->lba_mid[half];
    case IDE_LBA_HIGH: return drive->lba_high[half];
    case IDE_DEVICE: return drive->device;
    default: return read_status(channel);
    }
}

uint32_t ide_channel_read(struct ide_channel *channel, unsigned port, unsigned size)
{
    if (port == IDE_DATA)
        return read_data(channel, size);
    uint32_t value = 0;
    for (unsigned i = 0; i < size && port + i <= IDE_STATUS_COMMAND; i++)
        value |= (uint32_t)read_register(channel, port + i) << (8 * i);
    return value;
}

/* ---- writes ----------------------------------------------------------------------------------------------------- */

static void push(ide_pair pair, uint8_t value)
{
    pair[1] = pair[0];
    pair[0] = value;
}

static void write_task_file(struct ide_drive *drive, unsigned port, uint8_t value)
{
    switch (port) {
    case IDE_ERROR_FEATURE: push(drive->feature, value); break;
    case IDE_COUNT: push(drive->count, value); break;
    case IDE_LBA_LOW: push(drive->lba_low, value); break;
    case IDE_LBA_MID: push(drive->lba_mid, value); break;
    case IDE_LBA_HIGH: push(drive->lba_high, value); break;
    default: drive->device = value | ATA_DEV_OBSOLETE; break;
    }
}

static bool is_engaged(const struct ide_drive *drive)
{
    return drive != NULL && (drive->status & (ATA_BSY | ATA_DRQ)) != 0;
}

uint8_t ide_channel_device_bits(const struct ide_channel *channel)
{
    return ATA_DEV_OBSOLETE | (channel->selected != 0 ? ATA_DEV_1 : 0);
}

void ide_channel_diagnose(struct ide_channel *channel)
{
    channel->selected = 0;
    for (unsigned i = 0; i < 2; i++)
        if (channel->drive[i] != NULL && !is_engaged(channel->drive[i]))
            channel->drive[i]->ops->signature(channel->drive[i]);
    if (channel->drive[0] != NULL)
        ide_drive_raise(channel->drive[0]);
    ide_channel_update_irq(channel);
}

/* A command register write: the selected drive takes it unless it is at work; DEVICE RESET it takes always (if it knows
 * that command), and a sleeping drive takes nothing else. */
static void write_command(struct ide_channel *channel, uint8_t command)
{
    struct ide_drive *drive = ide_channel_selected(channel);
    if (channel->control & ATA_SRST)
        return;
    if (command == CMD_EXECUTE_DEVICE_DIAGNOSTIC && !is_engaged(drive)) {
        ide_channel_diagnose(channel);
        return;
    }
    if (drive == NULL)
        return;
    if (command != CMD_DEVICE_RESET && (is_engaged(drive) || drive->phase == IDE_ASLEEP)) {
        vx_log_guest(channel->log, "ide%u: command %02x while status is %02x: ignored", channel->number, command,
                     drive->status);
        return;
    }
    drive->intrq = false;
    ide_channel_update_irq(channel);
    drive->ops->command(drive, command);
}

static void write_register(struct ide_channel *channel, unsigned port, uint8_t value)
{
    channel->control &= (uint8_t)~ATA_HOB;
    if (port == IDE_STATUS_COMMAND) {
        write_command(channel, value);
        return;
    }
    if (is_engaged(ide_channel_selected(channel)))
        return;
    for (unsigned i = 0; i < 2; i++)
        if (channel->drive[i] != NULL && !is_engaged(channel->drive[i]))
            write_task_file(channel->drive[i], port, value);
    if (port == IDE_DEVICE) {
        channel->selected = value & ATA_DEV_1 ? 1 : 0;
        ide_channel_update_irq(channel);
    }
}

void ide_channel_write(struct ide_channel *channel, unsigned port, unsigned size, uint32_t value)
{
    struct ide_drive *selected = ide_channel_selected(channel);
    if (port == IDE_DATA) {
        if (selected != NULL)
            ide_drive_data_write(selected, size, value);
        return;
    }
    for (unsigned i = 0; i < size && port + i <= IDE_STATUS_COMMAND; i++)
        write_register(channel, port + i, (uint8_t)(value >> (8 * i)));
}

/* ---- reset ------------------------------------------------------------------------------------------------------ */

static void begin_reset(struct ide_channel *channel, bool power_on)
{
    channel->selected = 0;
    for (unsigned i = 0; i < 2; i++)
        if (channel->drive[i] != NULL)
            ide_drive_begin_reset(channel->drive[i], power_on);
}

static void end_reset(struct ide_channel *channel)
{
    for (unsigned i = 0; i < 2; i++)
        if (channel->drive[i] != NULL)
            ide_drive_end_reset(channel->drive[i]);
}

void ide_channel_write_control(struct ide_channel *channel, uint8_t value)
{
    uint8_t changed = channel->control ^ value;
    channel->control = value;
    if (changed & value & ATA_SRST)
        begin_reset(channel, false);
    else if (changed & ATA_SRST)
        end_reset(channel);
    ide_channel_update_irq(channel);
}

void ide_channel_reset_hold(struct ide_channel *channel)
{
    channel->control = 0;
    ide_busmaster_reset(&channel->busmaster);
    begin_reset(channel, true);
}

void ide_channel_reset_release(struct ide_channel *channel)
{
    end_reset(channel);
    channel->irq_level = false;
    vx_irq_set(&channel->irq, false);
}

/* ---- state ------------------------------------------------------------------------------------------------------ */

static const struct state_field fields[] = {
    REGISTER_MAX(struct ide_channel, selected, 1),
    REGISTER(struct ide_channel, control),
    REGISTER(struct ide_channel, irq_level),
    FIELD_STRUCT(struct ide_channel, busmaster, &ide_busmaster_state),
    WIRES(struct ide_channel, log, number, drive, irq),
};
const struct state_table ide_channel_state = STATE_TABLE(struct ide_channel, fields, NULL);

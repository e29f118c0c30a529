/* atapi.c - a packet device: its few ATA commands, the packet, and the way of data to the host.
 *
 *   PACKET --> 12 bytes in --> atapi_execute() --> ok | fail | reply | read
 *
 *   reply    buf --window(s)--> host
 *   read     back end --chunk--> reply, until all went
 *
 * By PIO a window is at most what the host's byte count limit allows, by DMA it is all of the buffer.
 *
 * The count register is the interrupt reason (I/O, C/D), lba_mid and lba_high the byte count of a PIO window.
 *
 * I1. Nothing of an old command reaches the host with a new one: reply, lba and left are set when a command starts. */
#include "atapi.h"

#include <string.h>

#include "ata.h"
#include "ide_channel.h"

#define CHUNK_BLOCKS (IDE_BUF_BYTES / CD_BLOCK_BYTES)

/* Interrupt reason. */
enum { REASON_COMMAND = 0x01, REASON_TO_HOST = 0x02, REASON_DONE = 0x03 };

enum {
    CMD_DEVICE_RESET = 0x08,
    CMD_PACKET = 0xA0,
    CMD_IDENTIFY_PACKET_DEVICE = 0xA1,
    CMD_STANDBY_IMMEDIATE = 0xE0,
    CMD_IDLE_IMMEDIATE = 0xE1,
    CMD_STANDBY = 0xE2,
    CMD_IDLE = 0xE3,
    CMD_CHECK_POWER_MODE = 0xE5,
    CMD_SLEEP = 0xE6,
    CMD_READ_SECTORS = 0x20,
    CMD_IDENTIFY_DEVICE = 0xEC,
    CMD_SET_FEATURES = 0xEF,
};

enum { WINDOW_DONE = IDE_READ_END + 1, REPLY_DONE, PACKET_RECEIVED, WINDOW_STEPS };
enum { IO_READ, IO_STEPS };

bool atapi_has_medium(const struct ide_drive *drive)
{
    return drive->block != NULL && !drive->atapi.tray_open;
}

uint64_t atapi_capacity(const struct ide_drive *drive)
{
    return atapi_has_medium(drive) ? drive->block->bytes / CD_BLOCK_BYTES : 0;
}

/* ---- ends of packet commands ------------------------------------------------------------------------------------ */

void atapi_ok(struct ide_drive *drive)
{
    drive->count[0] = REASON_DONE;
    ide_drive_ok(drive);
}

void atapi_fail(struct ide_drive *drive, unsigned key, unsigned asc)
{
    drive->atapi.sense_key = (uint8_t)key;
    drive->atapi.asc = (uint8_t)(asc >> 8);
    drive->atapi.ascq = (uint8_t)asc;
    drive->count[0] = REASON_DONE;
    ide_drive_fail(drive, (uint8_t)(key << 4 | ATA_ABRT));
}

/* ---- data to the host ------------------------------------------------------------------------------------------- */

static void read_chunk(struct ide_drive *drive);

static void reply_done(struct ide_drive *drive)
{
    if (drive->atapi.left > 0)
        read_chunk(drive);
    else
        atapi_ok(drive);
}

/* Opens the window at `pos` of the reply. */
static void open_window(struct ide_drive *drive, size_t pos)
{
    size_t rest = drive->atapi.reply - pos;
    if (drive->atapi.dma) {
        ide_drive_data(drive, REPLY_DONE, pos, rest);
        return;
    }
    size_t bytes = rest < drive->atapi.limit ? rest : drive->atapi.limit;
    drive->count[0] = REASON_TO_HOST;
    drive->lba_mid[0] = (uint8_t)bytes;
    drive->lba_high[0] = (uint8_t)(bytes >> 8);
    ide_drive_data(drive, WINDOW_DONE, pos, bytes);
    ide_drive_raise(drive);
}

static void window_done(struct ide_drive *drive)
{
    if (drive->data_end < drive->atapi.reply)
        open_window(drive, drive->data_end);
    else
        reply_done(drive);
}

/* The host's byte count limit, made fit for `bytes` to come: only the last window may be odd. False: no data can flow.
 */
static bool prepare_limit(struct ide_drive *drive, uint64_t bytes)
{
    struct atapi_state *atapi = &drive->atapi;
    if (atapi->limit == 0xFFFF || (atapi->limit < bytes && atapi->limit % 2 != 0))
        atapi->limit--;
    return atapi->dma || atapi->limit > 0;
}

void atapi_reply(struct ide_drive *drive, size_t bytes, size_t allocated)
{
    drive->atapi.reply = bytes < allocated ? bytes : allocated;
    if (drive->atapi.reply == 0)
        atapi_ok(drive);
    else if (prepare_limit(drive, drive->atapi.reply))
        open_window(drive, 0);
    else
        ide_drive_fail(drive, ATA_ABRT);
}

static void chunk_read(struct ide_drive *drive, vx_err result)
{
    struct atapi_state *atapi = &drive->atapi;
    if (result != VX_ERR_OK) {
        atapi_fail(drive, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ);
        return;
    }
    uint32_t blocks = (uint32_t)(atapi->reply / CD_BLOCK_BYTES);
    atapi->lba += blocks;
    atapi->left -= blocks;
    open_window(drive, 0);
}

static void read_chunk(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    uint32_t blocks = atapi->left < CHUNK_BLOCKS ? atapi->left : CHUNK_BLOCKS;
    atapi->reply = (size_t)blocks * CD_BLOCK_BYTES;
    ide_drive_io(drive, (struct ide_request){ .op = VX_BLOCK_READ,
                                              .step = IO_READ,
                                              .off_bytes = atapi->lba * CD_BLOCK_BYTES,
                                              .bytes = atapi->reply });
}

void atapi_read(struct ide_drive *drive, uint64_t lba, uint32_t blocks)
{
    struct atapi_state *atapi = &drive->atapi;
    uint64_t capacity = atapi_capacity(drive);
    if (lba > capacity || blocks > capacity - lba) {
        atapi_fail(drive, SENSE_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
        return;
    }
    atapi->lba = lba;
    atapi->left = blocks;
    if (blocks == 0)
        atapi_ok(drive);
    else if (prepare_limit(drive, (uint64_t)blocks * CD_BLOCK_BYTES))
        read_chunk(drive);
    else
        ide_drive_fail(drive, ATA_ABRT);
}

/* ---- ATA commands ----------------------------------------------------------------------------------------------- */

static void packet_received(struct ide_drive *drive)
{
    struct atapi_state *atapi = &drive->atapi;
    memcpy(atapi->packet, drive->buf, sizeof(atapi->packet));
    atapi->reply = 0; /* keeps I1 */
    atapi->lba = 0;
    atapi->left = 0;
    vx_trace(drive->log, ide_packet, drive->position / 2, drive->position % 2, atapi->packet[0],
             (uint64_t)vx_get_be32(atapi->packet + 2), vx_get_be16(atapi->packet + 7));
    atapi_execute(drive);
}

/* Takes the packet without an interrupt, as word 0 of the identification says. */
static void packet(struct ide_drive *drive)
{
    drive->atapi.dma = (drive->feature[0] & 1) != 0;
    drive->atapi.limit = drive->lba_mid[0] | (uint32_t)drive->lba_high[0] << 8;
    drive->count[0] = REASON_COMMAND;
    ide_drive_data(drive, PACKET_RECEIVED, 0, sizeof(drive->atapi.packet));
}

static void put_signature(struct ide_drive *drive)
{
    drive->count[0] = 0x01;
    drive->lba_low[0] = 0x01;
    drive->lba_mid[0] = 0x14;
    drive->lba_high[0] = 0xEB;
}

static void identify(struct ide_drive *drive)
{
    atapi_identify(drive, drive->buf);
    ide_drive_data(drive, IDE_READ_END, 0, IDE_SECTOR_BYTES);
    ide_drive_raise(drive);
}

static void set_features(struct ide_drive *drive)
{
    if (drive->feature[0] == ATA_FEATURE_TRANSFER_MODE && ide_drive_set_transfer_mode(drive))
        ide_drive_ok(drive);
    else
        ide_drive_fail(drive, ATA_ABRT);
}

static void atapi_command(struct ide_drive *drive, uint8_t command)
{
    switch (command) {
    case CMD_DEVICE_RESET:
        ide_drive_begin_reset(drive, false);
        ide_drive_end_reset(drive);
        break;
    case CMD_PACKET: packet(drive); break;
    case CMD_IDENTIFY_PACKET_DEVICE: identify(drive); break;
    case CMD_SET_FEATURES: set_features(drive); break;
    case CMD_CHECK_POWER_MODE:
        drive->count[0] = 0xFF; /* active or idle */
        ide_drive_ok(drive);
        break;
    case CMD_STANDBY_IMMEDIATE:
    case CMD_IDLE_IMMEDIATE:
    case CMD_STANDBY:
    case CMD_IDLE: ide_drive_ok(drive); break;
    case CMD_SLEEP:
        ide_drive_ok(drive);
        drive->phase = IDE_ASLEEP;
        break;
    case CMD_READ_SECTORS:
    case CMD_IDENTIFY_DEVICE:
        put_signature(drive);
        ide_drive_fail(drive, ATA_ABRT);
        break;
    default: ide_drive_fail(drive, ATA_ABRT); break;
    }
}

/* ---- reset ------------------------------------------------------------------------------------------------------ */

static void atapi_power_on(struct ide_drive *drive)
{
    drive->atapi = (struct atapi_state){ 0 };
    drive->transfer_mode = 0;
}

/* The tray and its lock are mechanical: they stay as they are. */
static void atapi_reset(struct ide_drive *drive)
{
    drive->atapi.sense_key = SENSE_NONE;
    drive->atapi.asc = drive->atapi.ascq = 0;
    drive->atapi.attention_asc = ASC_RESET >> 8;
}

/* A packet device is not ready for ATA commands after a reset: status 00h tells it from a disk. */
static void atapi_signature(struct ide_drive *drive)
{
    drive->error = 0x01; /* diagnostic: passed */
    put_signature(drive);
    drive->device = ide_channel_device_bits(drive->channel);
    drive->status = 0;
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static const struct ide_window_step window_steps[WINDOW_STEPS] = {
    [IDE_READ_END] = { IDE_PIO_IN, ide_drive_read_end },
    [WINDOW_DONE] = { IDE_PIO_IN, window_done },
    [REPLY_DONE] = { IDE_DMA_IN, reply_done },
    [PACKET_RECEIVED] = { IDE_PIO_OUT, packet_received },
};

static ide_io_step *const io_steps[IO_STEPS] = { [IO_READ] = chunk_read };

static bool can_go_on(const struct ide_drive *drive)
{
    const struct atapi_state *atapi = &drive->atapi;
    uint64_t capacity = drive->block != NULL ? drive->block->bytes / CD_BLOCK_BYTES : 0;
    bool replies =
        ide_drive_has_window(drive) && (drive->window_step == WINDOW_DONE || drive->window_step == REPLY_DONE);
    if (!drive->in_flight && !replies)
        return true;
    if (atapi->left != 0 && (atapi->lba > capacity || atapi->left > capacity - atapi->lba))
        return false;
    if (!atapi->dma && atapi->limit == 0) /* no window could be opened */
        return false;
    if (drive->in_flight)
        return atapi->reply % CD_BLOCK_BYTES == 0 && atapi->reply != 0 && atapi->reply / CD_BLOCK_BYTES <= atapi->left;
    return drive->data_end <= atapi->reply;
}

const struct ide_drive_ops atapi_ops = {
    .power_on = atapi_power_on,
    .reset = atapi_reset,
    .signature = atapi_signature,
    .command = atapi_command,
    .window_steps = window_steps,
    .io_steps = io_steps,
    .window_step_count = WINDOW_STEPS,
    .io_step_count = IO_STEPS,
    .can_go_on = can_go_on,
};

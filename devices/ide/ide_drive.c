/* ide_drive.c - phases of a drive, its data window and its requests to the back end.
 *
 *          command                    data window used up -> its step
 *   IDLE ----------> BUSY <---------------------------------------+
 *     ^               |  \---- ide_drive_data() ---> PIO_x, DMA_x
 *     |               |  \---- ide_drive_io() -----> back end ---> its step
 *     +--- end() -----+     (ide_drive_end())
 *
 *   I1  data_pos <= data_end <= IDE_BUF_BYTES, whatever the host does with the data port.
 *   I2  At most one request is with the back end. A reset does not take it back: it leaves the drive BSY until the
 *       request has come home, so buf is never written by two.
 *   I3  Status has BSY exactly in IDE_BUSY (and in reset), DRQ exactly in the four data phases. */
#include "ide_drive.h"

#include <stdlib.h>
#include <string.h>

#include "ide_channel.h"

vx_err ide_drive_init(struct ide_drive *drive, const struct ide_drive_ops *ops)
{
    drive->ops = ops;
    drive->buf = calloc(1, IDE_BUF_BYTES);
    return drive->buf != NULL ? VX_ERR_OK : VX_ERR_NO_MEMORY;
}

void ide_drive_fini(struct ide_drive *drive)
{
    VX_ASSERT(!drive->in_flight);
    free(drive->buf);
    drive->buf = NULL;
}

static void set_busy(struct ide_drive *drive)
{
    drive->phase = IDE_BUSY;
    drive->status = ATA_BSY;
}

/* ---- reset ------------------------------------------------------------------------------------------------------ */

void ide_drive_begin_reset(struct ide_drive *drive, bool power_on)
{
    set_busy(drive);
    drive->intrq = false;
    drive->forgotten = drive->in_flight; /* keeps I2 */
    drive->reset_ends = false;
    if (power_on)
        drive->ops->power_on(drive);
    drive->ops->reset(drive);
}

static void post_signature(struct ide_drive *drive)
{
    drive->reset_ends = false;
    drive->phase = IDE_IDLE;
    drive->ops->signature(drive);
}

void ide_drive_end_reset(struct ide_drive *drive)
{
    if (drive->in_flight)
        drive->reset_ends = true;
    else
        post_signature(drive);
}

/* ---- back end --------------------------------------------------------------------------------------------------- */

static void request_done(struct vx_block_request *request)
{
    struct ide_drive *drive = request->opaque;
    drive->in_flight = false;
    if (!drive->forgotten) {
        drive->ops->io_steps[drive->io.step](drive, request->result);
        return;
    }
    drive->forgotten = false;
    if (drive->reset_ends)
        post_signature(drive);
}

static void submit(struct ide_drive *drive)
{
    drive->request = (struct vx_block_request){
        .op = (enum vx_block_op)drive->io.op,
        .off_bytes = drive->io.off_bytes,
        .bytes = drive->io.bytes,
        .buf = drive->buf + drive->io.pos,
        .done = request_done,
        .opaque = drive,
    };
    drive->writes += drive->io.op == VX_BLOCK_WRITE;
    drive->block->ops->submit(drive->block->opaque, &drive->request);
}

void ide_drive_io(struct ide_drive *drive, struct ide_request request)
{
    VX_ASSERT(!drive->in_flight && request.pos + request.bytes <= IDE_BUF_BYTES);
    set_busy(drive);
    drive->in_flight = true;
    drive->io = request;
    submit(drive);
}

void ide_drive_restored(struct ide_drive *drive)
{
    if (drive->in_flight)
        submit(drive);
}

/* ---- data window ------------------------------------------------------------------------------------------------ */

static void window_moved(struct ide_drive *drive)
{
    if (drive->data_pos < drive->data_end)
        return;
    set_busy(drive);
    drive->ops->window_steps[drive->window_step].done(drive);
}

void ide_drive_pump(struct ide_drive *drive)
{
    if (drive->phase != IDE_DMA_IN && drive->phase != IDE_DMA_OUT)
        return;
    drive->data_pos += ide_busmaster_move(&drive->channel->busmaster, drive->buf + drive->data_pos,
                                          drive->data_end - drive->data_pos, drive->phase == IDE_DMA_IN);
    window_moved(drive);
}

void ide_drive_data(struct ide_drive *drive, unsigned step, size_t pos, size_t bytes)
{
    VX_ASSERT(bytes > 0 && pos + bytes <= IDE_BUF_BYTES); /* keeps I1 */
    drive->phase = drive->ops->window_steps[step].phase;
    drive->data_pos = pos;
    drive->data_end = pos + bytes;
    drive->window_step = (uint8_t)step;
    drive->status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    ide_drive_pump(drive);
}

/* The last word of an odd window has a byte of padding, and a 32-bit access may reach past the end. */
static size_t window_take(const struct ide_drive *drive, unsigned size)
{
    size_t left = drive->data_end - drive->data_pos;
    return size < left ? size : left;
}

uint32_t ide_drive_data_read(struct ide_drive *drive, unsigned size)
{
    uint8_t bytes[4] = { 0 };
    if (drive->phase != IDE_PIO_IN)
        return UINT32_MAX;
    /* The port is 16 bits wide: a byte access takes the word and drops its upper half. */
    size_t take = window_take(drive, size == 1 ? 2 : size);
    memcpy(bytes, drive->buf + drive->data_pos, take);
    drive->data_pos += take;
    window_moved(drive);
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

void ide_drive_data_write(struct ide_drive *drive, unsigned size, uint32_t value)
{
    uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24) };
    if (drive->phase != IDE_PIO_OUT)
        return;
    size_t take = window_take(drive, size == 1 ? 2 : size);
    memcpy(drive->buf + drive->data_pos, bytes, take);
    drive->data_pos += take;
    window_moved(drive);
}

static size_t whole_items(const struct ide_drive *drive, unsigned size, size_t count)
{
    size_t fit = size == 1 ? 0 : (drive->data_end - drive->data_pos) / size;
    return count < fit ? count : fit;
}

size_t ide_drive_data_read_block(struct ide_drive *drive, unsigned size, void *buf, size_t count)
{
    size_t items = drive->phase == IDE_PIO_IN ? whole_items(drive, size, count) : 0;
    if (items == 0)
        return 0;
    memcpy(buf, drive->buf + drive->data_pos, items * size);
    drive->data_pos += items * size;
    window_moved(drive);
    return items;
}

size_t ide_drive_data_write_block(struct ide_drive *drive, unsigned size, const void *buf, size_t count)
{
    size_t items = drive->phase == IDE_PIO_OUT ? whole_items(drive, size, count) : 0;
    if (items == 0)
        return 0;
    memcpy(drive->buf + drive->data_pos, buf, items * size);
    drive->data_pos += items * size;
    window_moved(drive);
    return items;
}

/* ---- ends of commands ------------------------------------------------------------------------------------------- */

void ide_drive_raise(struct ide_drive *drive)
{
    drive->intrq = true;
    ide_channel_update_irq(drive->channel);
}

void ide_drive_end(struct ide_drive *drive, uint8_t status, uint8_t error)
{
    drive->phase = IDE_IDLE;
    drive->status = status;
    drive->error = error;
    ide_drive_raise(drive);
}

void ide_drive_ok(struct ide_drive *drive)
{
    ide_drive_end(drive, ATA_DRDY | ATA_DSC, 0);
}

void ide_drive_fail(struct ide_drive *drive, uint8_t error)
{
    ide_drive_end(drive, ATA_DRDY | ATA_DSC | ATA_ERR, error);
}

void ide_drive_read_end(struct ide_drive *drive)
{
    drive->phase = IDE_IDLE;
    drive->status = ATA_DRDY | ATA_DSC;
    drive->error = 0;
}

/* Count register of SET FEATURES 03h: 0000000x PIO default, 00001xxx PIO 0-4, 00100xxx multiword DMA 0-2, 01000xxx
 * Ultra DMA 0-5. */
bool ide_drive_set_transfer_mode(struct ide_drive *drive)
{
    uint8_t mode = drive->count[0];
    bool known = mode <= 0x01 || (mode >= 0x08 && mode <= 0x0C) || (mode >= 0x20 && mode <= 0x22) ||
                 (mode >= 0x40 && mode <= 0x45);
    if (known && mode >= 0x20)
        drive->transfer_mode = mode;
    return known;
}

/* ---- state ------------------------------------------------------------------------------------------------------ */

static const char *check_request(const struct ide_drive *drive)
{
    const struct ide_request *io = &drive->io;
    const struct vx_block *block = drive->block;
    bool aligned = io->off_bytes % IDE_SECTOR_BYTES == 0 && io->bytes % IDE_SECTOR_BYTES == 0;
    if (drive->phase != IDE_BUSY || block == NULL || (io->op == VX_BLOCK_WRITE && block->read_only))
        return "in_flight";
    if (io->pos > IDE_BUF_BYTES || io->bytes > IDE_BUF_BYTES - io->pos || !aligned)
        return "io";
    return io->off_bytes <= block->bytes && io->bytes <= block->bytes - io->off_bytes ? NULL : "io";
}

/* Keeps I1 to I3, and what the steps rely on. */
static const char *check(const void *loaded)
{
    const struct ide_drive *drive = loaded;
    if (drive->ops == NULL) /* not there */
        return drive->phase == IDE_IDLE && !drive->in_flight ? NULL : "phase";
    if (drive->window_step >= drive->ops->window_step_count || drive->data_pos > drive->data_end)
        return "window_step";
    if (ide_drive_has_window(drive) &&
        (drive->ops->window_steps[drive->window_step].phase != drive->phase || drive->data_pos == drive->data_end))
        return "phase";
    if (drive->io.step >= drive->ops->io_step_count)
        return "io";
    const char *wrong = drive->in_flight ? check_request(drive) : NULL;
    return wrong != NULL || drive->ops->can_go_on(drive) ? wrong : "phase";
}

static const struct state_field io_fields[] = {
    FIELD_MAX(struct ide_request, op, VX_BLOCK_FLUSH),
    FIELD(struct ide_request, step),
    FIELD(struct ide_request, off_bytes),
    FIELD(struct ide_request, pos),
    FIELD(struct ide_request, bytes),
};
static const struct state_table io_state = STATE_TABLE(struct ide_request, io_fields, NULL);

static const struct state_field ata_fields[] = {
    FIELD(struct ata_state, cylinders), FIELD(struct ata_state, heads),       FIELD(struct ata_state, sectors),
    FIELD(struct ata_state, multiple),  FIELD(struct ata_state, write_cache), FIELD(struct ata_state, look_ahead),
    FIELD(struct ata_state, standby),   FIELD(struct ata_state, lba),         FIELD(struct ata_state, left),
    FIELD(struct ata_state, chunk),     FIELD(struct ata_state, probe),       FIELD(struct ata_state, block),
    FIELD(struct ata_state, lba48),     FIELD(struct ata_state, dma),         FIELD(struct ata_state, flush_after),
};
static const struct state_table ata_table = STATE_TABLE(struct ata_state, ata_fields, NULL);

static const struct state_field atapi_fields[] = {
    FIELD(struct atapi_state, sense_key),
    FIELD(struct atapi_state, asc),
    FIELD(struct atapi_state, ascq),
    FIELD(struct atapi_state, tray_open),
    FIELD(struct atapi_state, locked),
    FIELD(struct atapi_state, attention_asc),
    FIELD(struct atapi_state, media_event),
    FIELD(struct atapi_state, packet),
    FIELD(struct atapi_state, dma),
    FIELD_MAX(struct atapi_state, limit, UINT16_MAX),
    FIELD_MAX(struct atapi_state, reply, IDE_BUF_BYTES),
    FIELD(struct atapi_state, lba),
    FIELD(struct atapi_state, left),
};
static const struct state_table atapi_table = STATE_TABLE(struct atapi_state, atapi_fields, NULL);

static const struct state_field fields[] = {
    REGISTER(struct ide_drive, status),
    REGISTER(struct ide_drive, error),
    REGISTER(struct ide_drive, device),
    FIELD(struct ide_drive, feature),
    FIELD(struct ide_drive, count),
    FIELD(struct ide_drive, lba_low),
    FIELD(struct ide_drive, lba_mid),
    FIELD(struct ide_drive, lba_high),
    REGISTER(struct ide_drive, intrq),
    REGISTER(struct ide_drive, transfer_mode),
    FIELD_MAX(struct ide_drive, phase, IDE_ASLEEP),
    FIELD_BLOB(struct ide_drive, buf, IDE_BUF_BYTES),
    REGISTER_MAX(struct ide_drive, data_pos, IDE_BUF_BYTES),
    REGISTER_MAX(struct ide_drive, data_end, IDE_BUF_BYTES),
    FIELD(struct ide_drive, window_step),
    FIELD_STRUCT(struct ide_drive, io, &io_state),
    REGISTER(struct ide_drive, in_flight),
    FIELD(struct ide_drive, forgotten),
    FIELD(struct ide_drive, reset_ends),
    FIELD_STRUCT(struct ide_drive, ata, &ata_table),
    FIELD_STRUCT(struct ide_drive, atapi, &atapi_table),
    WIRES(struct ide_drive, ops, channel, log, block, position, writes),
    DERIVED(struct ide_drive, request),
};
const struct state_table ide_drive_state = STATE_TABLE(struct ide_drive, fields, check);

/* floppy_transfer.c - the execution phase of commands that look for sectors: one after the other. See floppy_state.h.
 *
 *              read, scan                        write                            verify        format
 *   disk ---------------> buf -> host    host -> buf -> disk            disk -> nobody    host: ID; filler -> disk
 *
 * A sector that was moved is looked at again in STEP_NEXT, after the DMA controller has had its chance to say TC. */
#include <string.h>

#include "floppy_state.h"

#define ID_BYTES     4 /* of FORMAT TRACK, from the host for each sector */
#define DONT_CARE    0xFF
#define IMPLIED_SEEK 0x40
#define VERIFY_COUNT 0x80 /* EC: of the command's second byte */

static bool reads_disk(const struct floppy *chip)
{
    return chip->command != CMD_WRITE && chip->command != CMD_WRITE_DELETED && chip->command != CMD_FORMAT;
}

static bool writes_disk(const struct floppy *chip)
{
    return !reads_disk(chip);
}

static bool scans(const struct floppy *chip)
{
    return chip->command == CMD_SCAN_EQUAL || chip->command == CMD_SCAN_LOW || chip->command == CMD_SCAN_HIGH;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void close_window(struct floppy *chip)
{
    chip->data_pos = chip->data_end = 0;
    chip->portion = 0;
    dma_set_dreq(&chip->dma, false);
}

void floppy_transfer_abort(struct floppy *chip)
{
    chip->data_pos = chip->data_end = 0;
    chip->portion = 0;
    chip->step = STEP_NONE;
    vx_timer_set(chip->clock, &chip->timer, VX_NEVER);
    chip->forgotten = chip->in_flight; /* keeps I2 */
    chip->waits = false;
}

static void finish(struct floppy *chip, uint8_t st0)
{
    close_window(chip);
    chip->fifo[0] = (uint8_t)(st0 | chip->head << 2 | chip->select);
    chip->fifo[1] = chip->st1;
    chip->fifo[2] = chip->st2;
    chip->fifo[3] = chip->c;
    chip->fifo[4] = chip->h;
    chip->fifo[5] = chip->r;
    chip->fifo[6] = chip->n;
    floppy_result(chip, 7);
    floppy_raise(chip);
}

static void fail(struct floppy *chip, uint8_t st1, uint8_t st2)
{
    chip->st1 |= st1;
    chip->st2 |= st2;
    finish(chip, ST0_ABNORMAL);
}

void floppy_transfer_lost(struct floppy *chip, unsigned select)
{
    if (chip->phase != PHASE_EXECUTION || chip->select != select)
        return;
    floppy_transfer_abort(chip);
    fail(chip, ST1_MA, 0);
}

/* ---- the disk ---------------------------------------------------------------------------------------------------- */

static void moved(struct floppy *chip);
static void open_window(struct floppy *chip, bool to_host, uint16_t bytes);

static void io_done(struct floppy *chip, vx_err result)
{
    if (chip->phase != PHASE_EXECUTION)
        return;
    if (result != VX_ERR_OK)
        fail(chip, ST1_DE, ST2_DD);
    else if (chip->io_write || chip->command == CMD_VERIFY)
        floppy_after(chip, 0, STEP_NEXT);
    else
        open_window(chip, !scans(chip), FLOPPY_SECTOR_BYTES);
}

static void request_done(struct vx_block_request *request)
{
    struct floppy *chip = request->opaque;
    bool forgotten = chip->forgotten, waits = chip->waits;
    chip->in_flight = chip->forgotten = chip->waits = false;
    if (waits)
        floppy_after(chip, 0, STEP_SECTOR);
    else if (!forgotten)
        io_done(chip, request->result);
}

static bool has_sector(const struct floppy_drive *drive, uint32_t sector)
{
    return drive != NULL && drive->disk != NULL && ((uint64_t)sector + 1) * FLOPPY_SECTOR_BYTES <= drive->disk->bytes;
}

static void submit(struct floppy *chip)
{
    struct floppy_drive *drive = floppy_selected(chip, chip->select);
    if (!has_sector(drive, chip->io_sector)) { /* of a machine that was loaded with other disks */
        fail(chip, ST1_ND, 0);
        return;
    }
    chip->in_flight = true;
    chip->request = (struct vx_block_request){
        .op = chip->io_write ? VX_BLOCK_WRITE : VX_BLOCK_READ,
        .off_bytes = (uint64_t)chip->io_sector * FLOPPY_SECTOR_BYTES,
        .bytes = FLOPPY_SECTOR_BYTES,
        .buf = chip->buf,
        .done = request_done,
        .opaque = chip,
    };
    drive->disk->ops->submit(drive->disk->opaque, &chip->request);
}

static void start_io(struct floppy *chip, bool write)
{
    chip->io_write = write;
    submit(chip);
}

/* A request that was with a disk is made again; what it was for before a reset matters to nobody. */
void floppy_transfer_restored(struct floppy *chip)
{
    bool again = chip->in_flight && !chip->forgotten && !chip->waits;
    if (chip->waits)
        floppy_after(chip, 0, STEP_SECTOR);
    chip->in_flight = chip->forgotten = chip->waits = false;
    if (again)
        submit(chip);
}

/* ---- finding a sector -------------------------------------------------------------------------------------------- */

/* Whether the head finds a track that it can read at all; else the command has failed. */
static struct floppy_drive *find_track(struct floppy *chip)
{
    struct floppy_drive *drive = floppy_selected(chip, chip->select);
    bool there = drive != NULL && drive->disk != NULL && (chip->flags & CMD_MFM) &&
                 drive->cylinder < drive->format->cylinders && chip->head < drive->format->heads;
    /* Formatting lays down what was not there: here too at the rate that the disk is made for. */
    if (there && (floppy_rates(drive->format->disk) >> chip->rate & 1))
        return drive;
    fail(chip, ST1_MA, 0);
    return NULL;
}

/* Number on the disk of sector r of the track under the head. */
static uint32_t sector_number(const struct floppy *chip, const struct floppy_drive *drive, unsigned r)
{
    return ((uint32_t)drive->cylinder * drive->format->heads + chip->head) * drive->format->sectors + r - 1;
}

/* What of the ID that is wanted no sector of the track has: ST1, with ST2 in *st2; 0: it is there. */
static uint8_t compare_id(const struct floppy *chip, const struct floppy_drive *drive, uint8_t *st2)
{
    *st2 = 0;
    if (chip->c != drive->cylinder) {
        *st2 = chip->c == 0xFF ? ST2_BC : ST2_WC;
        return ST1_ND;
    }
    bool there = chip->h == chip->head && chip->n == FLOPPY_SIZE_CODE && chip->r != 0 &&
                 chip->r <= drive->format->sectors && has_sector(drive, sector_number(chip, drive, chip->r));
    return there ? 0 : ST1_ND;
}

/* READ TRACK takes what comes, and only notes that an ID is another one. */
static bool find_any(struct floppy *chip, const struct floppy_drive *drive)
{
    uint8_t st2;
    unsigned r = chip->done_sectors + 1u;
    chip->st1 |= compare_id(chip, drive, &st2);
    chip->io_sector = sector_number(chip, drive, r);
    return r <= drive->format->sectors && has_sector(drive, chip->io_sector);
}

static void step_sector(struct floppy *chip)
{
    struct floppy_drive *drive = find_track(chip);
    uint8_t st2 = 0;
    if (drive == NULL)
        return;
    if (writes_disk(chip) && drive->disk->read_only) {
        fail(chip, ST1_NW, 0);
        return;
    }
    if (chip->in_flight) { /* I2 */
        chip->waits = true;
        return;
    }
    if (chip->command == CMD_FORMAT) {
        open_window(chip, false, ID_BYTES);
        return;
    }
    bool found = chip->command == CMD_READ_TRACK ? find_any(chip, drive) : compare_id(chip, drive, &st2) == 0;
    if (!found) {
        fail(chip, ST1_ND, st2);
        return;
    }
    if (chip->command != CMD_READ_TRACK)
        chip->io_sector = sector_number(chip, drive, chip->r);
    if (chip->command == CMD_READ_DELETED) { /* every sector has a normal mark */
        if (chip->flags & CMD_SK) {
            floppy_after(chip, 0, STEP_NEXT);
            return;
        }
        chip->st2 |= ST2_CM;
    }
    if (reads_disk(chip))
        start_io(chip, false);
    else
        open_window(chip, false, FLOPPY_SECTOR_BYTES);
}

/* ---- from sector to sector --------------------------------------------------------------------------------------- */

/* With real speed: until the sector's end has gone by under the head. One that has just begun is still caught: the
 * sector before it came home late from the host's disk. */
static uint64_t sector_ns(struct floppy *chip)
{
    const struct floppy_drive *drive = floppy_selected(chip, chip->select);
    if (!chip->real_speed || drive == NULL || drive->format == NULL)
        return 0;
    uint64_t turn = floppy_turn_ns(drive->format->disk), one = turn / drive->format->sectors;
    unsigned r = chip->command == CMD_FORMAT || chip->command == CMD_READ_TRACK ? chip->done_sectors + 1u : chip->r;
    uint64_t begins = (r + drive->format->sectors - 1u) % drive->format->sectors * one;
    uint64_t late = (vx_clock_now_ns(chip->clock) + turn - begins) % turn;
    return late < one / 2 ? one - late : turn - late + one;
}

/* To the next sector as the data sheet's table of result IDs has it. */
static void advance(struct floppy *chip)
{
    unsigned stride = scans(chip) && chip->dtl == 2 ? 2 : 1;
    bool last = chip->command == CMD_READ_TRACK ? chip->done_sectors >= chip->eot : chip->r + stride > chip->eot;
    if (!last) {
        chip->r = (uint8_t)(chip->r + stride);
        return;
    }
    chip->r = 1;
    if ((chip->flags & CMD_MT) && chip->command != CMD_READ_TRACK) {
        chip->h ^= 1;
        chip->head ^= 1;
        if (chip->head == 1)
            return;
        chip->head = 1; /* ST0 says where the command ended */
    }
    chip->c++;
    chip->end_of_cylinder = true;
}

static bool is_done(const struct floppy *chip)
{
    if (chip->command == CMD_FORMAT)
        return chip->terminal_count || chip->done_sectors >= chip->eot;
    if (chip->command == CMD_VERIFY)
        return chip->end_of_cylinder || (chip->dtl != 0 && chip->done_sectors >= chip->dtl);
    return chip->terminal_count || chip->scan_met || (chip->st2 & ST2_CM);
}

static void step_next(struct floppy *chip)
{
    chip->done_sectors++;
    if (chip->command != CMD_FORMAT)
        advance(chip);
    if (is_done(chip))
        finish(chip, 0);
    else if (chip->end_of_cylinder)
        fail(chip, ST1_EN, 0);
    else
        floppy_after(chip, sector_ns(chip), STEP_SECTOR);
}

/* An ID that goes by under the head. */
static void step_read_id(struct floppy *chip)
{
    const struct floppy_drive *drive = find_track(chip);
    if (drive == NULL)
        return;
    uint64_t turn = floppy_turn_ns(drive->format->disk), now = vx_clock_now_ns(chip->clock) % turn;
    chip->c = drive->cylinder;
    chip->h = chip->head;
    chip->r = (uint8_t)(1 + now * drive->format->sectors / turn);
    chip->n = FLOPPY_SIZE_CODE;
    finish(chip, 0);
}

void floppy_transfer_step(struct floppy *chip, enum floppy_step step)
{
    switch (step) {
    case STEP_START: floppy_after(chip, sector_ns(chip), STEP_SECTOR); break;
    case STEP_SECTOR: step_sector(chip); break;
    case STEP_NEXT: step_next(chip); break;
    case STEP_READ_ID: step_read_id(chip); break;
    default: break;
    }
}

void floppy_transfer_start(struct floppy *chip, enum floppy_command command)
{
    const uint8_t *in = chip->fifo;
    chip->phase = PHASE_EXECUTION;
    chip->command = (uint8_t)command;
    chip->flags = in[0] & (CMD_MT | CMD_MFM | CMD_SK);
    chip->select = in[1] & 3;
    chip->head = in[1] >> 2 & 1;
    chip->st1 = chip->st2 = chip->done_sectors = 0;
    chip->terminal_count = chip->end_of_cylinder = chip->scan_met = false;
    if (command == CMD_READ_ID) {
        floppy_after(chip, FLOPPY_FAST_NS, STEP_READ_ID);
        return;
    }
    if (command == CMD_FORMAT) { /* N, SC, gap, filler */
        chip->n = in[2];
        chip->eot = in[3];
        chip->dtl = in[5];
        floppy_after(chip, 0, STEP_START);
        return;
    }
    chip->c = in[2];
    chip->h = in[3];
    chip->r = in[4];
    chip->n = in[5];
    chip->eot = in[6];
    chip->dtl = command == CMD_VERIFY && !(in[1] & VERIFY_COUNT) ? 0 : in[8];
    if (scans(chip))
        chip->st2 = ST2_SN;
    bool implied = chip->configuration & CONFIG_IMPLIED_SEEK;
    floppy_after(chip, implied ? floppy_seek_now(chip, chip->select, chip->c) : 0, STEP_START);
}

/* ---- the window -------------------------------------------------------------------------------------------------- */

bool floppy_window_open(const struct floppy *chip)
{
    return chip->data_pos < chip->data_end;
}

/* Without DMA the host is asked for so many bytes at a time. */
static void next_portion(struct floppy *chip)
{
    unsigned threshold = chip->configuration & CONFIG_NO_FIFO ? 1 : (chip->configuration & CONFIG_THRESHOLD) + 1u;
    unsigned left = (unsigned)(chip->data_end - chip->data_pos);
    chip->portion = (uint8_t)(threshold < left ? threshold : left);
    floppy_raise(chip);
}

static void open_window(struct floppy *chip, bool to_host, uint16_t bytes)
{
    chip->to_host = to_host;
    chip->data_pos = 0;
    chip->data_end = bytes;
    if (floppy_uses_dma(chip))
        dma_set_dreq(&chip->dma, true);
    else
        next_portion(chip);
}

/* The filler into the sector that an ID names, which must be one of the format. */
static void format_sector(struct floppy *chip)
{
    struct floppy_drive *drive = find_track(chip);
    uint8_t st2;
    if (drive == NULL)
        return;
    chip->c = chip->buf[0];
    chip->h = chip->buf[1];
    chip->r = chip->buf[2];
    bool fits = chip->buf[3] == chip->n && compare_id(chip, drive, &st2) == 0;
    if (!fits) {
        vx_log_guest(chip->log, "floppy: an image cannot have sector %u of %u x %u bytes at cylinder %u", chip->r,
                     chip->eot, 128u << (chip->n & 7), chip->c);
        fail(chip, ST1_ND, 0);
        return;
    }
    chip->io_sector = sector_number(chip, drive, chip->r);
    memset(chip->buf, chip->dtl, FLOPPY_SECTOR_BYTES);
    start_io(chip, true);
}

/* All of the window's bytes have gone. */
static void moved(struct floppy *chip)
{
    close_window(chip);
    if (chip->command == CMD_FORMAT) {
        format_sector(chip);
    } else if (writes_disk(chip)) {
        start_io(chip, true);
    } else {
        chip->scan_met = scans(chip) && !(chip->st2 & ST2_SN);
        floppy_after(chip, 0, STEP_NEXT);
    }
}

/* The host's byte against the disk's: equal is SH, other success is neither. The first that differs decides. */
static void compare(struct floppy *chip, uint8_t host)
{
    uint8_t disk = chip->buf[chip->data_pos];
    if (chip->data_pos == 0)
        chip->st2 = (uint8_t)((chip->st2 & ~ST2_SN) | ST2_SH);
    if (!(chip->st2 & ST2_SH) || host == disk || host == DONT_CARE || disk == DONT_CARE)
        return;
    bool meets = (disk < host && chip->command == CMD_SCAN_LOW) || (disk > host && chip->command == CMD_SCAN_HIGH);
    chip->st2 = (uint8_t)((chip->st2 & ~ST2_SH) | (meets ? 0 : ST2_SN));
}

static void take(struct floppy *chip, uint8_t byte)
{
    if (scans(chip))
        compare(chip, byte);
    else
        chip->buf[chip->data_pos] = byte;
    chip->data_pos++;
}

/* ---- by DMA ------------------------------------------------------------------------------------------------------ */

static size_t dack(void *opaque, enum dma_direction direction, void *buf, size_t bytes)
{
    struct floppy *chip = opaque;
    size_t left = (size_t)(chip->data_end - chip->data_pos);
    size_t count = bytes < left ? bytes : left;
    if (count == 0)
        return 0;
    if (!chip->to_host) {
        for (size_t i = 0; i < count; i++)
            take(chip, ((const uint8_t *)buf)[i]);
    } else {
        if (direction != DMA_FROM_MEMORY)
            memcpy(buf, chip->buf + chip->data_pos, count);
        chip->data_pos = (uint16_t)(chip->data_pos + count);
    }
    if (!floppy_window_open(chip))
        moved(chip);
    return count;
}

/* No more bytes come or go: what is left of a sector is not read, or written as zeros. */
static void tc(void *opaque)
{
    struct floppy *chip = opaque;
    if (chip->phase != PHASE_EXECUTION)
        return;
    chip->terminal_count = true;
    if (!floppy_window_open(chip))
        return;
    if (writes_disk(chip) && chip->command != CMD_FORMAT) {
        memset(chip->buf + chip->data_pos, 0, (size_t)(FLOPPY_SECTOR_BYTES - chip->data_pos));
        moved(chip);
    } else if (chip->command == CMD_FORMAT) {
        finish(chip, 0);
    } else {
        moved(chip);
    }
}

const struct dma_device floppy_dma_model = { .dack = dack, .tc = tc };

/* ---- by the FIFO ------------------------------------------------------------------------------------------------- */

static void one_moved(struct floppy *chip)
{
    if (chip->portion > 0)
        chip->portion--;
    if (!floppy_window_open(chip)) {
        floppy_lower(chip);
        moved(chip);
    } else if (chip->portion == 0) {
        floppy_lower(chip);
        next_portion(chip);
    }
}

uint8_t floppy_window_read(struct floppy *chip)
{
    uint8_t byte = chip->buf[chip->data_pos++];
    one_moved(chip);
    return byte;
}

void floppy_window_write(struct floppy *chip, uint8_t byte)
{
    take(chip, byte);
    one_moved(chip);
}

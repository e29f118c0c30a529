/* floppy.c - registers of the floppy controller, its two resets, its interrupt line, and its life. See floppy_state.h
 * for the order of a command.
 *
 * A reset by DOR lasts until software takes it back, one by DSR is over at once. Both leave what LOCK protects; the
 * board's reset does not. After either the chip asks which drives are ready: one interrupt, four statuses. */
#include "floppy.h"

#include <stdlib.h>
#include <string.h>

#include "floppy_state.h"

enum { REG_SRA, REG_SRB, REG_DOR, REG_TDR, REG_MSR_DSR, REG_FIFO, REG_DIR_CCR = 7 };
enum { SRA_INTERRUPT = 0x80, SRA_NOT_DRIVE_2 = 0x40, SRA_NOT_TRACK_0 = 0x10, SRA_HEAD = 0x08, SRA_NOT_INDEX = 0x04 };
enum { SRA_NOT_PROTECTED = 0x02 };
enum { SRB_ONES = 0xC0, SRB_DRIVE_B = 0x20, SRB_MOTORS = 0x03 };
enum { DSR_RESET = 0x80, RATE_BITS = 0x03, DIR_CHANGED = 0x80 };
enum { RATE_AFTER_RESET = 2, TRANSFER_RESULT = 7 };

/* ---- interrupt, time, phases ------------------------------------------------------------------------------------- */

static void drive_irq(struct floppy *chip)
{
    vx_irq_set(&chip->irq, chip->interrupt && (chip->dor & DOR_DMA_GATE));
}

void floppy_raise(struct floppy *chip)
{
    chip->interrupt = true;
    drive_irq(chip);
}

void floppy_lower(struct floppy *chip)
{
    chip->interrupt = false;
    drive_irq(chip);
}

void floppy_after(struct floppy *chip, uint64_t ns, enum floppy_step step)
{
    chip->step = (uint8_t)step;
    vx_timer_set(chip->clock, &chip->timer, vx_clock_now_ns(chip->clock) + ns);
}

void floppy_result(struct floppy *chip, unsigned bytes)
{
    chip->phase = bytes != 0 ? PHASE_RESULT : PHASE_COMMAND;
    chip->fifo_pos = 0;
    chip->fifo_end = (uint8_t)bytes;
}

static bool is_reset(const struct floppy *chip)
{
    return !(chip->dor & DOR_NOT_RESET);
}

static void reset_ends(struct floppy *chip)
{
    if (chip->configuration & CONFIG_NO_POLL)
        return;
    chip->polled = FLOPPY_SELECTS;
    floppy_raise(chip);
}

static void timer_runs(void *opaque)
{
    struct floppy *chip = opaque;
    enum floppy_step step = chip->step;
    chip->step = STEP_NONE;
    if (step == STEP_RESET_ENDS)
        reset_ends(chip);
    else if (chip->phase == PHASE_EXECUTION)
        floppy_transfer_step(chip, step);
}

static void drive_lines(struct floppy *chip)
{
    dma_set_dreq(&chip->dma, floppy_window_open(chip) && floppy_uses_dma(chip));
    drive_irq(chip);
}

/* ---- reset ------------------------------------------------------------------------------------------------------- */

/* What all resets do; drive_lines() follows. */
static void reset_core(struct floppy *chip)
{
    floppy_transfer_abort(chip);
    for (unsigned i = 0; i < FLOPPY_DRIVES; i++)
        floppy_drive_reset(&chip->drive[i]);
    memset(chip->pcn, 0, sizeof chip->pcn);
    chip->interrupt = false;
    chip->polled = chip->seeking = chip->seek_ended = 0;
    chip->perpendicular &= PERPENDICULAR_DRIVES;
    if (!chip->locked) {
        chip->configuration = CONFIG_NO_FIFO;
        chip->pretrk = 0;
    }
    floppy_result(chip, 0);
}

static void write_dor(struct floppy *chip, uint8_t value)
{
    uint8_t before = chip->dor;
    chip->dor = value;
    if ((before & DOR_NOT_RESET) && is_reset(chip))
        reset_core(chip);
    else if (!(before & DOR_NOT_RESET) && !is_reset(chip))
        floppy_after(chip, FLOPPY_FAST_NS, STEP_RESET_ENDS);
    drive_lines(chip);
}

static void write_dsr(struct floppy *chip, uint8_t value)
{
    chip->rate = value & RATE_BITS;
    if (!(value & DSR_RESET) || is_reset(chip))
        return;
    reset_core(chip);
    drive_lines(chip);
    floppy_after(chip, FLOPPY_FAST_NS, STEP_RESET_ENDS);
}

/* ---- registers --------------------------------------------------------------------------------------------------- */

static uint8_t read_sra(const struct floppy *chip)
{
    uint8_t st3 = floppy_drive_st3(chip, chip->dor & DOR_DRIVE, 0);
    return (uint8_t)((chip->interrupt ? SRA_INTERRUPT : 0) |
                     (chip->drive[1].kind == FLOPPY_NONE ? SRA_NOT_DRIVE_2 : 0) |
                     (st3 & ST3_TRACK_0 ? 0 : SRA_NOT_TRACK_0) | (chip->head ? SRA_HEAD : 0) | SRA_NOT_INDEX |
                     (st3 & ST3_PROTECTED ? 0 : SRA_NOT_PROTECTED));
}

static uint8_t read_srb(const struct floppy *chip)
{
    return (uint8_t)(SRB_ONES | (chip->dor & 1 ? SRB_DRIVE_B : 0) | (chip->dor >> 4 & SRB_MOTORS));
}

static uint8_t read_msr(const struct floppy *chip)
{
    if (is_reset(chip))
        return 0;
    bool asks = floppy_window_open(chip) && !floppy_uses_dma(chip);
    switch (chip->phase) {
    case PHASE_COMMAND: return (uint8_t)(chip->seeking | MSR_RQM | (chip->fifo_pos != 0 ? MSR_BUSY : 0));
    case PHASE_RESULT: return chip->seeking | MSR_RQM | MSR_DIO | MSR_BUSY;
    default:
        return (uint8_t)(chip->seeking | MSR_BUSY | (floppy_uses_dma(chip) ? 0 : MSR_NON_DMA) |
                         (asks ? MSR_RQM | (chip->to_host ? MSR_DIO : 0) : 0));
    }
}

static uint8_t read_fifo(struct floppy *chip)
{
    if (chip->phase == PHASE_EXECUTION && floppy_window_open(chip) && !floppy_uses_dma(chip) && chip->to_host)
        return floppy_window_read(chip);
    if (is_reset(chip) || chip->phase != PHASE_RESULT) {
        vx_log_guest(chip->log, "floppy: there is no result to read");
        return 0;
    }
    if (chip->fifo_pos == 0 && chip->fifo_end == TRANSFER_RESULT && chip->seek_ended == 0)
        floppy_lower(chip);
    uint8_t byte = chip->fifo[chip->fifo_pos++];
    if (chip->fifo_pos >= chip->fifo_end)
        floppy_result(chip, 0);
    return byte;
}

static void write_fifo(struct floppy *chip, uint8_t byte)
{
    if (is_reset(chip))
        return;
    if (chip->phase == PHASE_COMMAND)
        floppy_command_byte(chip, byte);
    else if (chip->phase == PHASE_EXECUTION && floppy_window_open(chip) && !floppy_uses_dma(chip) && !chip->to_host)
        floppy_window_write(chip, byte);
    else
        vx_log_guest(chip->log, "floppy: %02x is written while the chip takes nothing", byte);
}

static uint8_t read_dir(const struct floppy *chip)
{
    unsigned select = chip->dor & DOR_DRIVE;
    bool there = select < FLOPPY_DRIVES && chip->drive[select].kind != FLOPPY_NONE;
    return there && chip->drive[select].changed ? DIR_CHANGED : 0;
}

static uint64_t reg_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    struct floppy *chip = opaque;
    switch (off) {
    case REG_SRA: return read_sra(chip);
    case REG_SRB: return read_srb(chip);
    case REG_DOR: return chip->dor;
    case REG_TDR: return chip->tdr;
    case REG_MSR_DSR: return read_msr(chip);
    default: return read_fifo(chip);
    }
}

static void reg_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    struct floppy *chip = opaque;
    switch (off) {
    case REG_DOR: write_dor(chip, (uint8_t)value); break;
    case REG_TDR: chip->tdr = value & 3; break;
    case REG_MSR_DSR: write_dsr(chip, (uint8_t)value); break;
    case REG_FIFO: write_fifo(chip, (uint8_t)value); break;
    default: break; /* SRA and SRB are only read */
    }
}

static uint64_t dir_read(void *opaque, uint64_t off, unsigned size)
{
    (void)off, (void)size;
    return read_dir(opaque);
}

static void ccr_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)off, (void)size;
    ((struct floppy *)opaque)->rate = value & RATE_BITS;
}

/* ---- disks ------------------------------------------------------------------------------------------------------- */

enum floppy_kind floppy_drive_kind(const struct floppy *chip, unsigned drive)
{
    return chip->drive[drive].kind;
}

void floppy_change(struct floppy *chip, unsigned drive, struct vx_block *disk)
{
    floppy_transfer_lost(chip, drive);
    floppy_drive_insert(&chip->drive[drive], disk);
}

bool floppy_is_busy(const struct floppy *chip)
{
    return chip->in_flight;
}

void floppy_drain(struct floppy *chip)
{
    while (chip->in_flight)
        if (!vx_loop_run_posted(chip->loop))
            vx_loop_wait(chip->loop, VX_NEVER);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void floppy_reset(void *instance, enum reset phase)
{
    struct floppy *chip = instance;
    if (phase == VX_RESET_RELEASE) {
        drive_lines(chip);
        return;
    }
    chip->locked = false;
    reset_core(chip);
    chip->dor = chip->tdr = 0;
    chip->rate = RATE_AFTER_RESET;
    chip->perpendicular = 0;
    chip->specify[0] = chip->specify[1] = 0;
    chip->head = 0;
}

static void floppy_restored(void *instance)
{
    struct floppy *chip = instance;
    floppy_transfer_restored(chip);
}

static void floppy_destroy(void *instance)
{
    struct floppy *chip = instance;
    if (chip == NULL)
        return;
    floppy_drain(chip);
    dma_attach(&chip->dma, NULL);
    for (unsigned i = 0; i < FLOPPY_DRIVES; i++)
        vx_timer_set(chip->clock, &chip->drive[i].seek_timer, VX_NEVER);
    vx_timer_set(chip->clock, &chip->timer, VX_NEVER);
    bus_remove_all(chip->bus, chip->regions, VX_ARRAY_LEN(chip->regions));
    free(chip);
}

static void init_regions(struct floppy *chip)
{
    chip->regions[0] = (struct vx_region){ .name = "floppy",
                                           .space = VX_SPACE_IO,
                                           .base = 0x3F0,
                                           .size = REG_FIFO + 1,
                                           .read = reg_read,
                                           .write = reg_write,
                                           .opaque = chip };
    chip->regions[1] = (struct vx_region){ .name = "floppy change line",
                                           .space = VX_SPACE_IO,
                                           .base = 0x3F0 + REG_DIR_CCR,
                                           .size = 1,
                                           .read = dir_read,
                                           .write = ccr_write,
                                           .opaque = chip };
}

static vx_err add_drives(struct floppy *chip, const struct floppy_config *config)
{
    for (unsigned i = 0; i < FLOPPY_DRIVES; i++) {
        struct vx_block *disk = config->drive[i].disk;
        floppy_drive_init(&chip->drive[i], chip, i);
        chip->drive[i].kind = config->drive[i].kind;
        if (disk != NULL && !floppy_kind_takes(chip->drive[i].kind, disk))
            return VX_ERR_BAD_ARGUMENT;
        floppy_drive_insert(&chip->drive[i], disk);
    }
    return VX_ERR_OK;
}

vx_err floppy_create(const struct floppy_config *config, struct floppy **out)
{
    struct floppy *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return VX_ERR_NO_MEMORY;
    chip->log = config->log;
    chip->bus = config->bus;
    chip->clock = config->clock;
    chip->loop = config->loop;
    chip->irq = config->irq;
    chip->dma = config->dma;
    chip->real_speed = config->real_speed;
    vx_timer_init(chip->clock, &chip->timer, timer_runs, chip);
    init_regions(chip);
    vx_err err = add_drives(chip, config);
    if (err == VX_ERR_OK)
        err = bus_add_all(chip->bus, chip->regions, VX_ARRAY_LEN(chip->regions));
    if (err != VX_ERR_OK) {
        free(chip);
        return err;
    }
    struct dma_device device = floppy_dma_model;
    device.opaque = chip;
    dma_attach(&chip->dma, &device);
    floppy_reset(chip, VX_RESET_HOLD);
    *out = chip;
    return VX_ERR_OK;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

/* I1 and I4, as far as rows cannot say them. */
static const char *check(const void *loaded)
{
    const struct floppy *chip = loaded;
    bool window = floppy_window_open(chip);
    if (chip->data_pos > chip->data_end || (window && (chip->phase != PHASE_EXECUTION || chip->in_flight)))
        return "data_pos";
    if (chip->fifo_pos > chip->fifo_end && chip->phase == PHASE_RESULT)
        return "fifo_pos";
    return NULL;
}

static const struct state_field fields[] = {
    FIELD_STRUCT(struct floppy, drive, &floppy_drive_state),
    REGISTER(struct floppy, dor),
    REGISTER_MAX(struct floppy, tdr, 3),
    REGISTER_MAX(struct floppy, rate, RATE_BITS),
    REGISTER_MAX(struct floppy, configuration, 0x7F),
    REGISTER(struct floppy, pretrk),
    REGISTER(struct floppy, specify),
    REGISTER_MAX(struct floppy, perpendicular, PERPENDICULAR_DRIVES | PERPENDICULAR_MODES),
    REGISTER(struct floppy, locked),
    REGISTER(struct floppy, pcn),
    REGISTER(struct floppy, interrupt),
    REGISTER_MAX(struct floppy, polled, FLOPPY_SELECTS),
    REGISTER_MAX(struct floppy, seeking, 15),
    REGISTER_MAX(struct floppy, seek_ended, 15),
    REGISTER(struct floppy, seek_st0),
    REGISTER_MAX(struct floppy, phase, PHASES - 1),
    REGISTER(struct floppy, fifo),
    REGISTER_MAX(struct floppy, fifo_pos, FLOPPY_FIFO_BYTES - 1),
    REGISTER_MAX(struct floppy, fifo_end, FLOPPY_FIFO_BYTES),
    REGISTER_MAX(struct floppy, command, 0x1F),
    REGISTER(struct floppy, flags),
    REGISTER_MAX(struct floppy, select, FLOPPY_SELECTS - 1),
    REGISTER_MAX(struct floppy, head, 1),
    REGISTER(struct floppy, c),
    REGISTER(struct floppy, h),
    REGISTER(struct floppy, r),
    REGISTER(struct floppy, n),
    REGISTER(struct floppy, eot),
    REGISTER(struct floppy, dtl),
    FIELD(struct floppy, done_sectors),
    REGISTER(struct floppy, st1),
    REGISTER(struct floppy, st2),
    FIELD(struct floppy, terminal_count),
    FIELD(struct floppy, end_of_cylinder),
    FIELD(struct floppy, scan_met),
    FIELD_MAX(struct floppy, step, STEPS - 1),
    FIELD_TIMER(struct floppy, timer, clock),
    FIELD(struct floppy, buf),
    FIELD_MAX(struct floppy, data_pos, FLOPPY_SECTOR_BYTES),
    FIELD_MAX(struct floppy, data_end, FLOPPY_SECTOR_BYTES),
    FIELD(struct floppy, portion),
    FIELD(struct floppy, to_host),
    FIELD(struct floppy, in_flight),
    FIELD(struct floppy, forgotten),
    FIELD(struct floppy, waits),
    FIELD(struct floppy, io_write),
    FIELD(struct floppy, io_sector),
    WIRES(struct floppy, log, bus, clock, loop, irq, dma, regions, real_speed),
    DERIVED(struct floppy, request),
};
static const struct state_table state = STATE_TABLE(struct floppy, fields, check);

const struct device_type floppy_type = {
    .name = "floppy",
    .version = 1,
    .state = &state,
    .reset = floppy_reset,
    .restored = floppy_restored,
    .destroy = floppy_destroy,
};

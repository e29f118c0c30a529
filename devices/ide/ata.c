/* ata.c - the commands of a disk: one table from command codes to handlers, addresses, and commands without data.
 *
 * A command code's row says how its address is formed and which transfer it is; ata_command() does what the row says
 * in this order: address, range check, transfer. */
#include "ata.h"

#include "ide_channel.h"

enum ata_kind {
    KIND_NONE, /* not a command of this drive: aborts */
    KIND_READ,
    KIND_WRITE,
    KIND_VERIFY,
    KIND_PLAIN, /* all in `handler` */
};

enum { EXT = 1, DMA = 2, MULTIPLE = 4, FUA = 8 };

struct ata_command {
    uint8_t kind;
    uint8_t flags;
    ide_step *handler;
};

uint64_t ata_capacity(const struct ide_drive *drive)
{
    return drive->block->bytes / IDE_SECTOR_BYTES;
}

/* ---- addresses -------------------------------------------------------------------------------------------------- */

void ata_set_geometry(struct ide_drive *drive, unsigned heads, unsigned sectors)
{
    uint64_t cylinders = ata_capacity(drive) / (heads * sectors);
    drive->ata.heads = (uint16_t)heads;
    drive->ata.sectors = (uint16_t)sectors;
    drive->ata.cylinders = (uint16_t)(cylinders > ATA_MAX_CYLINDERS ? ATA_MAX_CYLINDERS
                                      : cylinders == 0              ? 1
                                                                    : cylinders);
}

static uint64_t address48(const struct ide_drive *drive)
{
    uint64_t lba = 0;
    for (unsigned half = 2; half-- > 0;)
        lba = lba << 24 | (uint64_t)drive->lba_high[half] << 16 | (uint64_t)drive->lba_mid[half] << 8 |
              drive->lba_low[half];
    return lba;
}

static uint64_t address28(const struct ide_drive *drive)
{
    return (uint64_t)(drive->device & 0x0F) << 24 | (uint64_t)drive->lba_high[0] << 16 |
           (uint64_t)drive->lba_mid[0] << 8 | drive->lba_low[0];
}

/* UINT64_MAX: not an address in the translation in force. */
static uint64_t address_chs(const struct ide_drive *drive)
{
    const struct ata_state *ata = &drive->ata;
    unsigned cylinder = drive->lba_high[0] << 8 | drive->lba_mid[0];
    unsigned head = drive->device & 0x0F, sector = drive->lba_low[0];
    if (sector == 0 || sector > ata->sectors || head >= ata->heads)
        return UINT64_MAX;
    return ((uint64_t)cylinder * ata->heads + head) * ata->sectors + sector - 1;
}

/* Fills in lba and left from the task file; false when the sectors are not all on the disk. */
static bool parse_address(struct ide_drive *drive, bool ext)
{
    struct ata_state *ata = &drive->ata;
    uint32_t count = ext ? (uint32_t)(drive->count[1] << 8 | drive->count[0]) : drive->count[0];
    ata->lba48 = ext;
    ata->left = count != 0 ? count : ext ? 65536 : 256;
    if (ext)
        ata->lba = address48(drive);
    else
        ata->lba = drive->device & ATA_DEV_LBA ? address28(drive) : address_chs(drive);
    uint64_t capacity = ata_capacity(drive);
    return ata->lba < capacity && ata->left <= capacity - ata->lba;
}

void ata_set_address(struct ide_drive *drive, uint64_t lba, uint32_t count)
{
    const struct ata_state *ata = &drive->ata;
    bool chs = !ata->lba48 && !(drive->device & ATA_DEV_LBA);
    uint64_t value = lba;
    uint8_t head = (uint8_t)(lba >> 24 & 0x0F);
    if (chs) {
        uint64_t track = lba / ata->sectors;
        value = (lba % ata->sectors + 1) | track / ata->heads << 8;
        head = (uint8_t)(track % ata->heads);
    }
    drive->lba_low[0] = (uint8_t)value;
    drive->lba_mid[0] = (uint8_t)(value >> 8);
    drive->lba_high[0] = (uint8_t)(value >> 16);
    drive->count[0] = (uint8_t)count;
    if (!ata->lba48) {
        drive->device = (drive->device & 0xF0) | head;
        return;
    }
    drive->lba_low[1] = (uint8_t)(lba >> 24);
    drive->lba_mid[1] = (uint8_t)(lba >> 32);
    drive->lba_high[1] = (uint8_t)(lba >> 40);
    drive->count[1] = (uint8_t)(count >> 8);
}

/* ---- commands without sectors ----------------------------------------------------------------------------------- */

static void abort_command(struct ide_drive *drive)
{
    ide_drive_fail(drive, ATA_ABRT);
}

static void identify(struct ide_drive *drive)
{
    ata_identify(drive, drive->buf);
    ide_drive_data(drive, IDE_READ_END, 0, IDE_SECTOR_BYTES);
    ide_drive_raise(drive);
}

/* RECALIBRATE, IDLE, READ LOOK-AHEAD's and others' nothing to do. */
static void succeed(struct ide_drive *drive)
{
    ide_drive_ok(drive);
}

static void seek(struct ide_drive *drive)
{
    drive->count[0] = 1; /* one sector has to be there */
    if (parse_address(drive, false))
        ide_drive_ok(drive);
    else
        ide_drive_fail(drive, ATA_IDNF);
}

static void initialize_parameters(struct ide_drive *drive)
{
    if (drive->count[0] == 0) {
        abort_command(drive);
        return;
    }
    ata_set_geometry(drive, (drive->device & 0x0F) + 1u, drive->count[0]);
    ide_drive_ok(drive);
}

static void set_multiple(struct ide_drive *drive)
{
    unsigned sectors = drive->count[0];
    if (sectors > ATA_MAX_MULTIPLE || (sectors & (sectors - 1)) != 0) {
        abort_command(drive);
        return;
    }
    drive->ata.multiple = (uint8_t)sectors;
    ide_drive_ok(drive);
}

static void set_features(struct ide_drive *drive)
{
    struct ata_state *ata = &drive->ata;
    bool known = true;
    switch (drive->feature[0]) {
    case ATA_FEATURE_WRITE_CACHE_ON: ata->write_cache = true; break;
    case ATA_FEATURE_WRITE_CACHE_OFF:
        ata->write_cache = false;
        ata_start_flush(drive);
        return;
    case ATA_FEATURE_TRANSFER_MODE: known = ide_drive_set_transfer_mode(drive); break;
    case ATA_FEATURE_LOOK_AHEAD_ON: ata->look_ahead = true; break;
    case ATA_FEATURE_LOOK_AHEAD_OFF: ata->look_ahead = false; break;
    case ATA_FEATURE_KEEP_OVER_RESET:
    case ATA_FEATURE_DEFAULTS_ON_RESET: break; /* settings survive SRST either way */
    default: known = false; break;
    }
    if (known)
        ide_drive_ok(drive);
    else
        abort_command(drive);
}

static void read_native_max(struct ide_drive *drive)
{
    uint64_t sectors = ata_capacity(drive);
    drive->ata.lba48 = false;
    ata_set_address(drive, (sectors < ATA_LBA28_SECTORS ? sectors : ATA_LBA28_SECTORS) - 1, drive->count[0]);
    ide_drive_ok(drive);
}

static void read_native_max_ext(struct ide_drive *drive)
{
    drive->ata.lba48 = true;
    ata_set_address(drive, ata_capacity(drive) - 1, drive->count[0]);
    ide_drive_ok(drive);
}

static void go_idle(struct ide_drive *drive)
{
    drive->ata.standby = false;
    ide_drive_ok(drive);
}

static void go_standby(struct ide_drive *drive)
{
    drive->ata.standby = true;
    ata_start_flush(drive);
}

static void check_power_mode(struct ide_drive *drive)
{
    drive->count[0] = drive->ata.standby ? 0x00 : 0xFF;
    ide_drive_ok(drive);
}

static void go_to_sleep(struct ide_drive *drive)
{
    drive->ata.standby = true;
    ide_drive_ok(drive);
    drive->phase = IDE_ASLEEP;
}

static void slept_flush_done(struct ide_drive *drive, vx_err result)
{
    (void)result; /* the drive falls asleep anyway; the error was logged by the back end */
    go_to_sleep(drive);
}

static void flush_and_sleep(struct ide_drive *drive)
{
    ide_drive_io(drive, (struct ide_request){ .op = VX_BLOCK_FLUSH, .step = ATA_IO_FLUSH_AND_SLEEP });
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

/* What is not here aborts; 10h-1Fh and 70h-7Fh are folded to their first code. */
static const struct ata_command commands[256] = {
    [0x10] = { KIND_PLAIN, 0, succeed },                 /* RECALIBRATE */
    [0x20] = { KIND_READ, 0, NULL },                     /* READ SECTOR(S) */
    [0x21] = { KIND_READ, 0, NULL },                     /* ... without retries */
    [0x24] = { KIND_READ, EXT, NULL },                   /* READ SECTOR(S) EXT */
    [0x25] = { KIND_READ, EXT | DMA, NULL },             /* READ DMA EXT */
    [0x27] = { KIND_PLAIN, 0, read_native_max_ext },     /* READ NATIVE MAX ADDRESS EXT */
    [0x29] = { KIND_READ, EXT | MULTIPLE, NULL },        /* READ MULTIPLE EXT */
    [0x30] = { KIND_WRITE, 0, NULL },                    /* WRITE SECTOR(S) */
    [0x31] = { KIND_WRITE, 0, NULL },                    /* ... without retries */
    [0x34] = { KIND_WRITE, EXT, NULL },                  /* WRITE SECTOR(S) EXT */
    [0x35] = { KIND_WRITE, EXT | DMA, NULL },            /* WRITE DMA EXT */
    [0x39] = { KIND_WRITE, EXT | MULTIPLE, NULL },       /* WRITE MULTIPLE EXT */
    [0x3D] = { KIND_WRITE, EXT | DMA | FUA, NULL },      /* WRITE DMA FUA EXT */
    [0x40] = { KIND_VERIFY, 0, NULL },                   /* READ VERIFY SECTOR(S) */
    [0x41] = { KIND_VERIFY, 0, NULL },                   /* ... without retries */
    [0x42] = { KIND_VERIFY, EXT, NULL },                 /* READ VERIFY SECTOR(S) EXT */
    [0x70] = { KIND_PLAIN, 0, seek },                    /* SEEK */
    [0x91] = { KIND_PLAIN, 0, initialize_parameters },   /* INITIALIZE DEVICE PARAMETERS */
    [0x94] = { KIND_PLAIN, 0, go_standby },              /* STANDBY IMMEDIATE, old code */
    [0x95] = { KIND_PLAIN, 0, go_idle },                 /* IDLE IMMEDIATE, old code */
    [0x96] = { KIND_PLAIN, 0, go_standby },              /* STANDBY, old code */
    [0x97] = { KIND_PLAIN, 0, go_idle },                 /* IDLE, old code */
    [0x98] = { KIND_PLAIN, 0, check_power_mode },        /* CHECK POWER MODE, old code */
    [0x99] = { KIND_PLAIN, 0, flush_and_sleep },         /* SLEEP, old code */
    [0xC4] = { KIND_READ, MULTIPLE, NULL },              /* READ MULTIPLE */
    [0xC5] = { KIND_WRITE, MULTIPLE, NULL },             /* WRITE MULTIPLE */
    [0xC6] = { KIND_PLAIN, 0, set_multiple },            /* SET MULTIPLE MODE */
    [0xC8] = { KIND_READ, DMA, NULL },                   /* READ DMA */
    [0xC9] = { KIND_READ, DMA, NULL },                   /* ... without retries */
    [0xCA] = { KIND_WRITE, DMA, NULL },                  /* WRITE DMA */
    [0xCB] = { KIND_WRITE, DMA, NULL },                  /* ... without retries */
    [0xCE] = { KIND_WRITE, EXT | MULTIPLE | FUA, NULL }, /* WRITE MULTIPLE FUA EXT */
    [0xE0] = { KIND_PLAIN, 0, go_standby },              /* STANDBY IMMEDIATE */
    [0xE1] = { KIND_PLAIN, 0, go_idle },                 /* IDLE IMMEDIATE */
    [0xE2] = { KIND_PLAIN, 0, go_standby },              /* STANDBY */
    [0xE3] = { KIND_PLAIN, 0, go_idle },                 /* IDLE */
    [0xE5] = { KIND_PLAIN, 0, check_power_mode },        /* CHECK POWER MODE */
    [0xE6] = { KIND_PLAIN, 0, flush_and_sleep },         /* SLEEP */
    [0xE7] = { KIND_PLAIN, 0, ata_start_flush },         /* FLUSH CACHE */
    [0xEA] = { KIND_PLAIN, 0, ata_start_flush },         /* FLUSH CACHE EXT */
    [0xEC] = { KIND_PLAIN, 0, identify },                /* IDENTIFY DEVICE */
    [0xEF] = { KIND_PLAIN, 0, set_features },            /* SET FEATURES */
    [0xF8] = { KIND_PLAIN, 0, read_native_max },         /* READ NATIVE MAX ADDRESS */
};

static void start_transfer(struct ide_drive *drive, const struct ata_command *row)
{
    struct ata_state *ata = &drive->ata;
    ata->dma = (row->flags & DMA) != 0;
    ata->flush_after = row->kind == KIND_WRITE && ((row->flags & FUA) || !ata->write_cache);
    ata->block = row->flags & MULTIPLE ? ata->multiple : 1;
    ata->standby = false;
    if (ata->block == 0 || (row->kind == KIND_WRITE && drive->block->read_only)) {
        abort_command(drive);
        return;
    }
    if (!parse_address(drive, (row->flags & EXT) != 0)) {
        vx_log_guest(drive->log, "ide drive %u: sectors past the end of the disk", drive->position);
        ide_drive_fail(drive, ATA_IDNF);
        return;
    }
    if (row->kind == KIND_READ)
        ata_start_read(drive);
    else if (row->kind == KIND_WRITE)
        ata_start_write(drive);
    else
        ata_start_verify(drive);
}

static void ata_command(struct ide_drive *drive, uint8_t command)
{
    unsigned group = command & 0xF0;
    const struct ata_command *row = &commands[group == 0x10 || group == 0x70 ? group : command];
    vx_trace(drive->log, ide_command, drive->position / 2, drive->position % 2, command,
             row->flags & EXT ? address48(drive) : address28(drive), (unsigned)drive->count[0]);
    if (row->kind == KIND_NONE && drive->phase == IDE_IDLE)
        abort_command(drive);
    else if (row->kind == KIND_PLAIN)
        row->handler(drive);
    else if (row->kind != KIND_NONE)
        start_transfer(drive, row);
}

/* ---- reset ------------------------------------------------------------------------------------------------------ */

static void ata_power_on(struct ide_drive *drive)
{
    drive->ata = (struct ata_state){ .write_cache = true, .look_ahead = true };
    drive->transfer_mode = 0;
    ata_set_geometry(drive, ATA_DEFAULT_HEADS, ATA_DEFAULT_SECTORS);
}

/* SRST keeps the settings: reverting to the power-on defaults is allowed, not asked for, and a write cache that was
 * switched off should stay off. */
static void ata_reset(struct ide_drive *drive)
{
    drive->ata.standby = false;
}

static void ata_signature(struct ide_drive *drive)
{
    drive->error = 0x01; /* diagnostic: passed */
    drive->count[0] = 0x01;
    drive->lba_low[0] = 0x01;
    drive->lba_mid[0] = 0x00;
    drive->lba_high[0] = 0x00;
    drive->device = ide_channel_device_bits(drive->channel);
    drive->status = ATA_DRDY | ATA_DSC;
}

/* ---- steps ------------------------------------------------------------------------------------------------------ */

static const struct ide_window_step window_steps[ATA_WINDOW_STEPS] = {
    [IDE_READ_END] = { IDE_PIO_IN, ide_drive_read_end }, [ATA_PIO_IN] = { IDE_PIO_IN, ata_pio_in_done },
    [ATA_DMA_IN] = { IDE_DMA_IN, ata_dma_in_done },      [ATA_PIO_OUT] = { IDE_PIO_OUT, ata_pio_out_done },
    [ATA_DMA_OUT] = { IDE_DMA_OUT, ata_write_chunk },
};

static ide_io_step *const io_steps[ATA_IO_STEPS] = {
    [ATA_IO_READ] = ata_read_chunk_done, [ATA_IO_VERIFY] = ata_verify_chunk_done,
    [ATA_IO_PROBE] = ata_probe_done,     [ATA_IO_WRITE] = ata_write_chunk_done,
    [ATA_IO_FLUSH] = ata_flush_done,     [ATA_IO_FLUSH_AND_SLEEP] = slept_flush_done,
};

static bool can_go_on(const struct ide_drive *drive)
{
    bool flushes = drive->io.step == ATA_IO_FLUSH || drive->io.step == ATA_IO_FLUSH_AND_SLEEP;
    bool moves = drive->in_flight ? !flushes : ide_drive_has_window(drive) && drive->window_step != IDE_READ_END;
    if (drive->ata.heads == 0 || drive->ata.sectors == 0) /* ata_set_address() divides by them */
        return false;
    return !moves || ata_transfer_is_sound(drive);
}

const struct ide_drive_ops ata_ops = {
    .power_on = ata_power_on,
    .reset = ata_reset,
    .signature = ata_signature,
    .command = ata_command,
    .window_steps = window_steps,
    .io_steps = io_steps,
    .window_step_count = ATA_WINDOW_STEPS,
    .io_step_count = ATA_IO_STEPS,
    .can_go_on = can_go_on,
};

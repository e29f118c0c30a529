/* floppy_command.c - the command phase: bytes become a command, which is carried out, or sent on its way. */
#include "floppy_state.h"

struct command {
    uint8_t mask, value; /* of the first byte: fifo[0] & mask == value; masked out are MT, MFM and SK */
    uint8_t bytes;       /* of the command, the first included */
    void (*run)(struct floppy *chip);
};

static void transfer(struct floppy *chip)
{
    floppy_transfer_start(chip, chip->fifo[0] & 0x1F);
}

static void version(struct floppy *chip)
{
    chip->fifo[0] = 0x90; /* of the enhanced controllers */
    floppy_result(chip, 1);
}

static void invalid(struct floppy *chip)
{
    vx_log_guest(chip->log, "floppy: command %02x is none", chip->fifo[0]);
    chip->fifo[0] = ST0_INVALID;
    floppy_result(chip, 1);
}

static void specify(struct floppy *chip)
{
    chip->specify[0] = chip->fifo[1];
    chip->specify[1] = chip->fifo[2];
    floppy_result(chip, 0);
}

static void sense_drive(struct floppy *chip)
{
    unsigned select = chip->fifo[1] & 3;
    chip->fifo[0] = floppy_drive_st3(chip, select, chip->fifo[1] >> 2 & 1);
    floppy_result(chip, 1);
}

static void recalibrate(struct floppy *chip)
{
    unsigned select = chip->fifo[1] & 3;
    floppy_result(chip, 0);
    floppy_recalibrate(chip, select);
}

static void seek(struct floppy *chip)
{
    unsigned select = chip->fifo[1] & 3;
    uint8_t st0 = ST0_SE | (chip->fifo[1] & 7), cylinder = chip->fifo[2];
    floppy_result(chip, 0);
    floppy_seek(chip, select, cylinder, st0);
}

static void relative_seek(struct floppy *chip)
{
    unsigned select = chip->fifo[1] & 3;
    uint8_t st0 = ST0_SE | (chip->fifo[1] & 7), steps = chip->fifo[2];
    int cylinder = chip->fifo[0] & CMD_INWARDS ? chip->pcn[select] + steps : chip->pcn[select] - steps;
    floppy_result(chip, 0);
    floppy_seek(chip, select, (uint8_t)(cylinder < 0 ? 0 : cylinder > 0xFF ? 0xFF : cylinder), st0);
}

/* One status a call: four times for a reset, else of the lowest drive whose seek has ended. */
static void sense_interrupt(struct floppy *chip)
{
    unsigned select = 0;
    floppy_lower(chip);
    if (chip->polled != 0) {
        select = FLOPPY_SELECTS - chip->polled--;
        chip->fifo[0] = (uint8_t)(ST0_POLLED | select);
    } else if (chip->seek_ended != 0) {
        while (!(chip->seek_ended >> select & 1))
            select++;
        chip->seek_ended &= (uint8_t) ~(1u << select);
        chip->fifo[0] = chip->seek_st0[select];
    } else {
        invalid(chip);
        return;
    }
    chip->fifo[1] = chip->pcn[select];
    floppy_result(chip, 2);
    if (chip->polled == 0 && chip->seek_ended != 0)
        floppy_raise(chip);
}

static void dumpreg(struct floppy *chip)
{
    for (unsigned i = 0; i < FLOPPY_SELECTS; i++)
        chip->fifo[i] = chip->pcn[i];
    chip->fifo[4] = chip->specify[0];
    chip->fifo[5] = chip->specify[1];
    chip->fifo[6] = chip->eot;
    chip->fifo[7] = (uint8_t)(chip->locked << 7 | (chip->perpendicular & 0x3F));
    chip->fifo[8] = chip->configuration;
    chip->fifo[9] = chip->pretrk;
    floppy_result(chip, 10);
}

static void perpendicular(struct floppy *chip)
{
    uint8_t value = chip->fifo[1], kept = PERPENDICULAR_DRIVES;
    if (value & PERPENDICULAR_OW)
        chip->perpendicular = value & (PERPENDICULAR_DRIVES | PERPENDICULAR_MODES);
    else
        chip->perpendicular = (uint8_t)((chip->perpendicular & kept) | (value & PERPENDICULAR_MODES));
    floppy_result(chip, 0);
}

static void configure(struct floppy *chip)
{
    chip->configuration = chip->fifo[2] & 0x7F;
    chip->pretrk = chip->fifo[3];
    floppy_result(chip, 0);
}

static void lock(struct floppy *chip)
{
    chip->locked = chip->fifo[0] >> 7;
    chip->fifo[0] = (uint8_t)(chip->locked << 4);
    floppy_result(chip, 1);
}

/* Bytes for drives until one says that it is the last (bit 7); with bit 6 it wants no result. What they say is not used
 * by a chip that knows its drives. */
static void drive_spec(struct floppy *chip)
{
    bool silent = chip->fifo[chip->fifo_pos - 1] & 0x40;
    for (unsigned i = 0; i < FLOPPY_SELECTS; i++)
        chip->fifo[i] = 0;
    floppy_result(chip, silent ? 0 : FLOPPY_SELECTS);
}

static const struct command commands[] = {
    { 0x1F, CMD_READ, 9, transfer },
    { 0x1F, CMD_READ_DELETED, 9, transfer },
    { 0x3F, CMD_WRITE, 9, transfer },
    { 0x3F, CMD_WRITE_DELETED, 9, transfer },
    { 0x9F, CMD_READ_TRACK, 9, transfer },
    { 0x1F, CMD_VERIFY, 9, transfer },
    { 0x1F, CMD_SCAN_EQUAL, 9, transfer },
    { 0x1F, CMD_SCAN_LOW, 9, transfer },
    { 0x1F, CMD_SCAN_HIGH, 9, transfer },
    { 0xBF, CMD_FORMAT, 6, transfer },
    { 0xBF, CMD_READ_ID, 2, transfer },
    { 0xFF, CMD_VERSION, 1, version },
    { 0xFF, CMD_RECALIBRATE, 2, recalibrate },
    { 0xFF, CMD_SENSE_INTERRUPT, 1, sense_interrupt },
    { 0xFF, CMD_SPECIFY, 3, specify },
    { 0xFF, CMD_SENSE_DRIVE, 2, sense_drive },
    { 0xFF, CMD_SEEK, 3, seek },
    { 0xBF, CMD_RELATIVE_SEEK, 3, relative_seek },
    { 0xFF, CMD_CONFIGURE, 4, configure },
    { 0xFF, CMD_PERPENDICULAR, 2, perpendicular },
    { 0xFF, CMD_DUMPREG, 1, dumpreg },
    { 0x7F, CMD_LOCK, 1, lock },
    { 0xFF, CMD_DRIVE_SPEC, 6, drive_spec },
};

static const struct command *command_of(uint8_t byte)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(commands); i++)
        if ((byte & commands[i].mask) == commands[i].value)
            return &commands[i];
    return NULL;
}

static bool is_whole(const struct floppy *chip, const struct command *command)
{
    if (command->value == CMD_DRIVE_SPEC && chip->fifo_pos > 1 && (chip->fifo[chip->fifo_pos - 1] & 0x80))
        return true;
    return chip->fifo_pos >= command->bytes;
}

void floppy_command_byte(struct floppy *chip, uint8_t byte)
{
    chip->fifo[chip->fifo_pos++] = byte;
    const struct command *command = command_of(chip->fifo[0]);
    if (command == NULL) {
        invalid(chip);
        return;
    }
    if (!is_whole(chip, command))
        return;
    vx_trace(chip->log, floppy_command, chip->fifo[0], chip->fifo[1], chip->fifo[2], chip->fifo[3], chip->fifo[4]);
    command->run(chip);
}

/* floppy_drive.c - a drive: where its head is, which disk is in it, and whether that has changed. See floppy.h.
 *
 * The chip counts a drive's cylinders by itself (PCN); the drive knows where its head is. They part when software
 * counts otherwise, and RECALIBRATE brings them together. */
#include "floppy_state.h"

#define LAST_CYLINDER     84 /* where the head's way ends */
#define RECALIBRATE_STEPS 79

void floppy_drive_insert(struct floppy_drive *drive, struct vx_block *disk)
{
    drive->disk = disk;
    drive->format = disk != NULL ? floppy_format_of(disk->bytes) : NULL;
    drive->changed = true;
}

void floppy_drive_reset(struct floppy_drive *drive)
{
    vx_timer_set(drive->clock, &drive->seek_timer, VX_NEVER);
}

struct floppy_drive *floppy_selected(struct floppy *chip, unsigned select)
{
    return select < FLOPPY_DRIVES && chip->drive[select].kind != FLOPPY_NONE ? &chip->drive[select] : NULL;
}

uint8_t floppy_drive_st3(const struct floppy *chip, unsigned select, uint8_t head)
{
    const struct floppy_drive *drive = select < FLOPPY_DRIVES ? &chip->drive[select] : NULL;
    uint8_t st3 = (uint8_t)(ST3_ONES | head << 2 | select);
    if (drive == NULL || drive->kind == FLOPPY_NONE)
        return st3;
    if (drive->cylinder == 0)
        st3 |= ST3_TRACK_0;
    if (drive->disk != NULL && drive->disk->read_only)
        st3 |= ST3_PROTECTED;
    return st3;
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static uint64_t step_ns(const struct floppy *chip, unsigned steps)
{
    if (!chip->real_speed)
        return FLOPPY_FAST_NS;
    unsigned per_step = 16 - (chip->specify[0] >> 4); /* milliseconds at 500 kbit/s */
    return (uint64_t)steps * per_step * 500 * floppy_bit_ns(chip->rate);
}

/* The head moves; with a disk in the drive a step clears the change line. */
static void move_head(struct floppy_drive *drive, uint8_t cylinder, bool steps)
{
    drive->cylinder = cylinder;
    if (steps && drive->disk != NULL)
        drive->changed = false;
}

static uint8_t place_after(const struct floppy_drive *drive, int steps)
{
    int cylinder = drive->cylinder + steps;
    return (uint8_t)(cylinder < 0 ? 0 : cylinder > LAST_CYLINDER ? LAST_CYLINDER : cylinder);
}

static void seek_ends(struct floppy *chip, unsigned select, uint8_t pcn, uint8_t st0)
{
    uint8_t bit = (uint8_t)(1u << select);
    chip->pcn[select] = pcn;
    chip->seek_st0[select] = st0;
    chip->seeking &= (uint8_t)~bit;
    chip->seek_ended |= bit;
    floppy_raise(chip);
}

static void seek_is_over(void *opaque)
{
    struct floppy_drive *drive = opaque;
    move_head(drive, drive->target, drive->steps);
    seek_ends(drive->chip, drive->number, drive->target_pcn, drive->end_st0);
}

void floppy_drive_init(struct floppy_drive *drive, struct floppy *chip, unsigned number)
{
    drive->chip = chip;
    drive->clock = chip->clock;
    drive->number = number;
    drive->changed = true;
    vx_timer_init(drive->clock, &drive->seek_timer, seek_is_over, drive);
}

/* A seek of the drive: where its head will be, what the chip will count, and what it will say. */
static void begin(struct floppy_drive *drive, uint8_t target, uint8_t pcn, uint8_t st0, unsigned steps)
{
    struct floppy *chip = drive->chip;
    drive->target = target;
    drive->target_pcn = pcn;
    drive->end_st0 = st0;
    drive->steps = steps != 0;
    chip->seeking |= (uint8_t)(1u << drive->number);
    vx_timer_set(drive->clock, &drive->seek_timer, vx_clock_now_ns(drive->clock) + step_ns(chip, steps));
}

void floppy_seek(struct floppy *chip, unsigned select, uint8_t pcn, uint8_t st0)
{
    struct floppy_drive *drive = floppy_selected(chip, select);
    int steps = pcn - chip->pcn[select];
    if (drive == NULL)
        seek_ends(chip, select, pcn, st0);
    else
        begin(drive, place_after(drive, steps), pcn, st0, (unsigned)(steps < 0 ? -steps : steps));
}

uint64_t floppy_seek_now(struct floppy *chip, unsigned select, uint8_t pcn)
{
    struct floppy_drive *drive = floppy_selected(chip, select);
    int steps = pcn - chip->pcn[select];
    chip->pcn[select] = pcn;
    if (drive == NULL || steps == 0)
        return 0;
    move_head(drive, place_after(drive, steps), true);
    return step_ns(chip, (unsigned)(steps < 0 ? -steps : steps));
}

/* Steps outwards until the drive says track 0, which a drive that is not there never does. */
void floppy_recalibrate(struct floppy *chip, unsigned select)
{
    struct floppy_drive *drive = floppy_selected(chip, select);
    uint8_t failed = (uint8_t)(ST0_ABNORMAL | ST0_SE | ST0_EC | select);
    if (drive == NULL) {
        seek_ends(chip, select, 0, failed);
        return;
    }
    bool reaches = drive->cylinder <= RECALIBRATE_STEPS;
    begin(drive, reaches ? 0 : drive->cylinder - RECALIBRATE_STEPS, 0, reaches ? (uint8_t)(ST0_SE | select) : failed,
          reaches ? drive->cylinder : RECALIBRATE_STEPS);
}

/* ---- as state ---------------------------------------------------------------------------------------------------- */

static const struct state_field fields[] = {
    REGISTER_MAX(struct floppy_drive, cylinder, LAST_CYLINDER),
    REGISTER(struct floppy_drive, changed),
    FIELD_MAX(struct floppy_drive, target, LAST_CYLINDER),
    FIELD(struct floppy_drive, target_pcn),
    FIELD(struct floppy_drive, end_st0),
    FIELD(struct floppy_drive, steps),
    FIELD_TIMER(struct floppy_drive, seek_timer, clock),
    REGISTER_SAME(struct floppy_drive, kind),
    WIRES(struct floppy_drive, chip, clock, number, disk, format),
};
const struct state_table floppy_drive_state = STATE_TABLE(struct floppy_drive, fields, NULL);

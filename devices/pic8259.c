/* pic8259.c - interrupt lines to INTR and vectors. See pic8259.h.
 *
 *   I1  The requests of a chip (IRR) are its line levels where ELCR says level, and its latched edges where it says
 *       edge: a rise sets the latch, the acknowledge or the line's fall clears it ("Edge and Level Triggered Modes").
 *   I2  The master's IR2 is the slave's INT pin, an edge like any other. INT falls with each acknowledge of the slave,
 *       so that a request which arrives there while another is in service makes a new one.
 *   I3  After every change update() has driven the outputs. */
#include <stdlib.h>
#include <string.h>

#include "pic8259.h"

#define CASCADE 2
#define NONE    8 /* rank of "no interrupt": below the lowest priority */

enum { ICW1_IC4 = 0x01, ICW1_SNGL = 0x02, ICW1_SELECT = 0x10 };
enum { ICW4_AEOI = 0x02, ICW4_SFNM = 0x10 };
enum { OCW3_RIS = 0x01, OCW3_RR = 0x02, OCW3_POLL = 0x04, OCW3_SELECT = 0x08, OCW3_SMM = 0x20, OCW3_ESMM = 0x40 };

enum expected_word { EXPECT_OCW1, EXPECT_ICW2, EXPECT_ICW3, EXPECT_ICW4 };

struct pic_chip {
    uint8_t lines; /* input levels */
    uint8_t edges; /* rises not yet acknowledged of lines that are still up */
    uint8_t level; /* ELCR: 1 = level */
    uint8_t isr, imr;
    uint8_t base;     /* ICW2 */
    uint8_t lowest;   /* input of lowest priority */
    uint8_t expected; /* enum expected_word: what the data port takes next */
    bool has_icw4, single;
    bool auto_eoi, rotate_on_aeoi, nested_specially, special_mask;
    bool read_isr, poll;
    uint8_t level_writable;
    bool is_master;
    struct pic *pic;
};

struct pic {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_irq intr;
    bool intr_level;
    struct pic_chip master, slave;
    struct vx_region regions[4];
};

static uint8_t requests(const struct pic_chip *chip)
{
    return (chip->lines & chip->level) | (chip->edges & (uint8_t)~chip->level);
}

/* Rank of the highest-priority bit: 0 is the highest priority now; NONE when there is none. */
static unsigned top_rank(const struct pic_chip *chip, uint8_t bits)
{
    for (unsigned rank = 0; bits != 0 && rank < 8; rank++)
        if (bits >> ((chip->lowest + 1 + rank) & 7) & 1)
            return rank;
    return NONE;
}

static unsigned rank_to_input(const struct pic_chip *chip, unsigned rank)
{
    return (chip->lowest + 1 + rank) & 7;
}

/* The input to be served now, -1 when none beats what is in service. In special fully nested mode the slave whose
 * level is in service may come again; what is below it waits. */
static int wanted(const struct pic_chip *chip)
{
    unsigned rank = top_rank(chip, requests(chip) & (uint8_t)~chip->imr);
    if (rank == NONE)
        return -1;
    int input = (int)rank_to_input(chip, rank);
    unsigned serving = top_rank(chip, chip->special_mask ? chip->isr & (uint8_t)~chip->imr : chip->isr);
    bool again = chip->nested_specially && chip->is_master && input == CASCADE && rank == serving;
    return rank < serving || again ? input : -1;
}

/* keeps I1 */
static void set_line(struct pic_chip *chip, unsigned input, bool level)
{
    uint8_t bit = (uint8_t)(1u << input), rises = level && !(chip->lines & bit) ? bit : 0;
    chip->lines = level ? chip->lines | bit : chip->lines & (uint8_t)~bit;
    chip->edges = (chip->edges & chip->lines) | rises;
}

static void update(struct pic *pic)
{
    set_line(&pic->master, CASCADE, wanted(&pic->slave) >= 0);
    bool level = wanted(&pic->master) >= 0;
    if (level == pic->intr_level)
        return;
    pic->intr_level = level;
    vx_irq_set(&pic->intr, level);
}

static void pic_line(void *opaque, unsigned irq, bool level)
{
    struct pic *pic = opaque;
    struct pic_chip *chip = irq < 8 ? &pic->master : &pic->slave;
    uint8_t bit = (uint8_t)(1u << (irq & 7));
    if (((chip->lines & bit) != 0) == level)
        return;
    vx_trace(pic->log, irq_pic, irq, level);
    set_line(chip, irq & 7, level);
    update(pic);
}

struct vx_irq pic_input(struct pic *pic, unsigned irq)
{
    VX_ASSERT(irq < 16);
    if (irq == CASCADE)
        return (struct vx_irq){ 0 };
    return (struct vx_irq){ .set = pic_line, .opaque = pic, .line = irq };
}

/* ---- acknowledge and end of interrupt --------------------------------------------------------------------------- */

static void take(struct pic_chip *chip, unsigned input)
{
    uint8_t bit = (uint8_t)(1u << input);
    chip->edges &= (uint8_t)~bit;
    if (!chip->auto_eoi)
        chip->isr |= bit;
    else if (chip->rotate_on_aeoi)
        chip->lowest = (uint8_t)input;
    if (!chip->is_master)
        set_line(&chip->pic->master, CASCADE, false); /* keeps I2 */
}

uint8_t pic_ack(struct pic *pic)
{
    struct pic_chip *master = &pic->master, *slave = &pic->slave;
    int input = wanted(master);
    if (input < 0)
        return master->base | 7;
    take(master, (unsigned)input);
    uint8_t vector = (uint8_t)(master->base | input);
    if (input == CASCADE) {
        int slave_input = wanted(slave);
        VX_ASSERT(slave_input >= 0); /* I2, I3 */
        take(slave, (unsigned)slave_input);
        vector = (uint8_t)(slave->base | slave_input);
    }
    update(pic);
    return vector;
}

/* OCW2: rotate, specific, EOI in bits 7..5, the level in 2..0. */
static void write_ocw2(struct pic_chip *chip, uint8_t value)
{
    bool rotate = value & 0x80, specific = value & 0x40, eoi = value & 0x20;
    uint8_t input = value & 7;
    if (!eoi) {
        if (!specific)
            chip->rotate_on_aeoi = rotate;
        else if (rotate)
            chip->lowest = input;
        return;
    }
    if (!specific) {
        /* In special mask mode a masked input is not what a non-specific EOI ends. */
        uint8_t candidates = chip->special_mask ? chip->isr & (uint8_t)~chip->imr : chip->isr;
        unsigned rank = top_rank(chip, candidates);
        if (rank == NONE)
            return;
        input = (uint8_t)rank_to_input(chip, rank);
    }
    chip->isr &= (uint8_t) ~(1u << input);
    if (rotate)
        chip->lowest = input;
}

static void write_ocw3(struct pic_chip *chip, uint8_t value)
{
    if (value & OCW3_POLL)
        chip->poll = true;
    if (value & OCW3_RR)
        chip->read_isr = value & OCW3_RIS;
    if (value & OCW3_ESMM)
        chip->special_mask = value & OCW3_SMM;
}

static void write_icw1(struct pic_chip *chip, uint8_t value)
{
    chip->edges = 0;
    chip->isr = chip->imr = 0;
    chip->lowest = 7;
    chip->auto_eoi = chip->rotate_on_aeoi = chip->nested_specially = chip->special_mask = false;
    chip->read_isr = chip->poll = false;
    chip->has_icw4 = value & ICW1_IC4;
    chip->single = value & ICW1_SNGL;
    chip->expected = EXPECT_ICW2;
}

static void write_data(struct pic_chip *chip, uint8_t value)
{
    switch (chip->expected) {
    case EXPECT_ICW2:
        chip->base = value & 0xF8;
        chip->expected = !chip->single ? EXPECT_ICW3 : chip->has_icw4 ? EXPECT_ICW4 : EXPECT_OCW1;
        break;
    case EXPECT_ICW3: /* the cascade is wired */ chip->expected = chip->has_icw4 ? EXPECT_ICW4 : EXPECT_OCW1; break;
    case EXPECT_ICW4:
        chip->nested_specially = value & ICW4_SFNM;
        chip->auto_eoi = value & ICW4_AEOI;
        chip->expected = EXPECT_OCW1;
        break;
    default: chip->imr = value; break;
    }
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

static uint64_t chip_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    struct pic_chip *chip = opaque;
    if (chip->poll) { /* either port; the read is the acknowledge */
        chip->poll = false;
        int input = wanted(chip);
        if (input < 0)
            return 0;
        take(chip, (unsigned)input);
        update(chip->pic);
        return 0x80u | (unsigned)input;
    }
    if (off == 1)
        return chip->imr;
    return chip->read_isr ? chip->isr : requests(chip);
}

static void chip_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    struct pic_chip *chip = opaque;
    uint8_t byte = (uint8_t)value;
    if (off == 1)
        write_data(chip, byte);
    else if (byte & ICW1_SELECT)
        write_icw1(chip, byte);
    else if (byte & OCW3_SELECT)
        write_ocw3(chip, byte);
    else
        write_ocw2(chip, byte);
    update(chip->pic);
}

static uint64_t elcr_read(void *opaque, uint64_t off, unsigned size)
{
    (void)off, (void)size;
    return ((struct pic_chip *)opaque)->level;
}

static void elcr_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)off, (void)size;
    struct pic_chip *chip = opaque;
    chip->level = (uint8_t)value & chip->level_writable;
    update(chip->pic);
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void chip_reset(struct pic_chip *chip)
{
    write_icw1(chip, 0);
    chip->expected = EXPECT_OCW1;
    chip->base = 0;
    chip->level = 0;
}

static void pic_reset(void *instance, enum reset phase)
{
    struct pic *pic = instance;
    if (phase == VX_RESET_HOLD) {
        chip_reset(&pic->master);
        chip_reset(&pic->slave);
    } else {
        update(pic);
    }
}

static void pic_destroy(void *instance)
{
    struct pic *pic = instance;
    if (pic == NULL)
        return;
    bus_remove_all(pic->bus, pic->regions, VX_ARRAY_LEN(pic->regions));
    free(pic);
}

static struct vx_region chip_region(const char *name, uint16_t port, struct pic_chip *chip)
{
    return (struct vx_region){ .name = name,
                               .space = VX_SPACE_IO,
                               .base = port,
                               .size = 2,
                               .read = chip_read,
                               .write = chip_write,
                               .opaque = chip };
}

static struct vx_region elcr_region(const char *name, uint16_t port, struct pic_chip *chip)
{
    return (struct vx_region){ .name = name,
                               .space = VX_SPACE_IO,
                               .base = port,
                               .size = 1,
                               .read = elcr_read,
                               .write = elcr_write,
                               .opaque = chip };
}

vx_err pic_create(const struct pic_config *config, struct pic **out)
{
    struct pic *pic = calloc(1, sizeof *pic);
    if (pic == NULL)
        return VX_ERR_NO_MEMORY;
    pic->log = config->log;
    pic->bus = config->bus;
    pic->intr = config->intr;
    /* IRQ 0, 1, 2, 8 and 13 are always edge (PIIX3 "ELCR1", "ELCR2"). */
    pic->master = (struct pic_chip){ .pic = pic, .is_master = true, .level_writable = 0xF8 };
    pic->slave = (struct pic_chip){ .pic = pic, .level_writable = 0xDE };
    chip_reset(&pic->master);
    chip_reset(&pic->slave);
    pic->regions[0] = chip_region("pic8259 master", 0x20, &pic->master);
    pic->regions[1] = chip_region("pic8259 slave", 0xA0, &pic->slave);
    pic->regions[2] = elcr_region("pic8259 elcr1", 0x4D0, &pic->master);
    pic->regions[3] = elcr_region("pic8259 elcr2", 0x4D1, &pic->slave);
    vx_err err = bus_add_all(pic->bus, pic->regions, VX_ARRAY_LEN(pic->regions));
    if (err != VX_ERR_OK) {
        free(pic);
        return err;
    }
    *out = pic;
    return VX_ERR_OK;
}

static const struct state_field chip_fields[] = {
    REGISTER(struct pic_chip, lines),
    REGISTER(struct pic_chip, edges),
    REGISTER(struct pic_chip, level),
    REGISTER(struct pic_chip, isr),
    REGISTER(struct pic_chip, imr),
    REGISTER(struct pic_chip, base),
    REGISTER_MAX(struct pic_chip, lowest, 7),
    REGISTER_MAX(struct pic_chip, expected, EXPECT_ICW4),
    FIELD(struct pic_chip, has_icw4),
    FIELD(struct pic_chip, single),
    REGISTER(struct pic_chip, auto_eoi),
    FIELD(struct pic_chip, rotate_on_aeoi),
    FIELD(struct pic_chip, nested_specially),
    REGISTER(struct pic_chip, special_mask),
    REGISTER(struct pic_chip, read_isr),
    FIELD(struct pic_chip, poll),
    WIRES(struct pic_chip, level_writable, is_master, pic),
};
static const struct state_table chip_state = STATE_TABLE(struct pic_chip, chip_fields, NULL);

/* Keeps I1 and I2: pic_ack() relies on them. */
static const char *check(const void *loaded)
{
    const struct pic *pic = loaded;
    bool slave_int = pic->master.lines >> CASCADE & 1;
    if ((pic->master.edges & ~pic->master.lines) || (pic->slave.edges & ~pic->slave.lines))
        return "edges";
    return slave_int == (wanted(&pic->slave) >= 0) ? NULL : "lines";
}

static const struct state_field fields[] = {
    REGISTER(struct pic, intr_level),
    FIELD_STRUCT(struct pic, master, &chip_state),
    FIELD_STRUCT(struct pic, slave, &chip_state),
    WIRES(struct pic, log, bus, intr, regions),
};
static const struct state_table state = STATE_TABLE(struct pic, fields, check);

const struct device_type pic_type = {
    .name = "pic8259",
    .version = 1,
    .state = &state,
    .reset = pic_reset,
    .destroy = pic_destroy,
};

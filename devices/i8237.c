/* i8237.c - DMA channels: registers on one side, DREQ and DACK# on the other, guest memory behind. See i8237.h.
 *
 *   I1  After every change serve() has let every channel go that may: it asks, is not masked, its controller is
 *       enabled and, for controller 1, channel 4 is an open cascade.
 *   I2  serve() ends: a channel is left for this time when its device gives less than it was offered, and one without
 *       a device at TC.
 *   I3  A portion touches neither side of TC nor of the address register's wrap. */
#include <stdlib.h>
#include <string.h>

#include "i8237.h"

enum {
    PORT_STATUS_COMMAND = 8,
    PORT_REQUEST,
    PORT_MASK,
    PORT_MODE,
    PORT_CLEAR_POINTER,
    PORT_TEMPORARY_MASTER_CLEAR,
    PORT_CLEAR_MASK,
    PORT_ALL_MASK
};
enum { COMMAND_DISABLE = 0x04, COMMAND_ROTATE = 0x10, COMMAND_DREQ_LOW = 0x40 };
enum { MODE_AUTOINIT = 0x10, MODE_DECREMENT = 0x20, MODE_BLOCK = 0x80, MODE_CASCADE = 0xC0 };
#define MODE_STYLE(mode) ((mode)&0xC0)
#define MODE_TYPE(mode)  ((mode) >> 2 & 3)
enum { TYPE_VERIFY, TYPE_WRITE, TYPE_READ }; /* 3 is illegal: verify here */
enum { SET_BIT = 0x04 };                     /* request and mask registers: 2 the new value, 1..0 the channel */
enum { CHANNELS = 4, PAGES = 16, ALL = 0x0F };

struct channel {
    uint16_t base_address, base_count, address, count;
    uint8_t mode;
    struct dma_device device; /* dack NULL: nobody */
};

struct controller {
    struct i8237 *chip;
    unsigned number; /* 0: bytes, 1: words */
    struct channel channel[CHANNELS];
    /* A bit a channel each. */
    uint8_t lines;    /* DREQ levels */
    uint8_t soft;     /* request register */
    uint8_t in_block; /* block transfers under way: DREQ has been seen and need not stay */
    uint8_t mask;
    uint8_t reached_tc;
    uint8_t command;
    uint8_t lowest; /* channel of lowest priority */
    bool high_byte; /* byte pointer: the upper half of a 16-bit register is next */
};

struct i8237 {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_pmap *pmap;
    struct controller controller[2];
    uint8_t page[PAGES];
    bool pages_aliased;
    bool serving; /* inside serve(), which devices call back into */
    struct vx_region regions[3], alias;
};

/* ---- who may go ------------------------------------------------------------------------------------------------- */

static bool is_cascade(const struct channel *channel)
{
    return MODE_STYLE(channel->mode) == MODE_CASCADE;
}

static uint8_t requesting(const struct controller *ctl);

/* Channels whose DREQ pin is active; controller 1's HRQ is that of channel 4. */
static uint8_t active_lines(const struct controller *ctl)
{
    uint8_t lines = ctl->lines;
    if (ctl->number == 1 && requesting(&ctl->chip->controller[0]) != 0)
        lines |= 1;
    return ctl->command & COMMAND_DREQ_LOW ? lines ^ ALL : lines;
}

/* Channels that ask for service and that masks and command let through. Software requests cannot be masked. */
static uint8_t requesting(const struct controller *ctl)
{
    if (ctl->command & COMMAND_DISABLE)
        return 0;
    return ((active_lines(ctl) | ctl->in_block) & (uint8_t)~ctl->mask) | ctl->soft;
}

/* Whether a controller that asks for the bus gets it. */
static bool has_bus(const struct controller *ctl)
{
    if (ctl->number == 1)
        return true;
    const struct controller *second = &ctl->chip->controller[1];
    return is_cascade(&second->channel[0]) && (requesting(second) & 1);
}

/* The channel to go next among those that are not in `left_out`; -1: none. */
static int next_channel(const struct controller *ctl, uint8_t left_out)
{
    uint8_t candidates = requesting(ctl) & (uint8_t)~left_out;
    for (unsigned rank = 1; candidates != 0 && has_bus(ctl) && rank <= CHANNELS; rank++) {
        unsigned n = (ctl->lowest + rank) % CHANNELS;
        if ((candidates >> n & 1) && !is_cascade(&ctl->channel[n]))
            return (int)n;
    }
    return -1;
}

/* ---- a transfer ------------------------------------------------------------------------------------------------- */

static uint64_t phys_of(const struct controller *ctl, unsigned n)
{
    static const uint8_t page_of[2][CHANNELS] = { { 0x7, 0x3, 0x1, 0x2 }, { 0xF, 0xB, 0x9, 0xA } };
    uint32_t page = ctl->chip->page[page_of[ctl->number][n]], address = ctl->channel[n].address;
    return ctl->number == 0 ? page << 16 | address : (page & 0xFE) << 16 | address << 1;
}

/* Units (bytes or words) that can go in one portion (I3). Downwards it is one at a time. */
static uint32_t portion_units(const struct controller *ctl, const struct channel *channel)
{
    uint32_t units = DMA_PORTION_BYTES >> ctl->number;
    uint32_t to_tc = channel->count + 1u, to_wrap = 0x10000u - channel->address;
    units = units < to_tc ? units : to_tc;
    units = units < to_wrap ? units : to_wrap;
    return channel->mode & MODE_DECREMENT ? 1 : units;
}

static enum dma_direction direction(const struct channel *channel)
{
    switch (MODE_TYPE(channel->mode)) {
    case TYPE_WRITE: return DMA_TO_MEMORY;
    case TYPE_READ: return DMA_FROM_MEMORY;
    default: return DMA_VERIFY;
    }
}

/* One portion by DACK#; the units that went. */
static uint32_t move(struct controller *ctl, unsigned n, uint32_t units)
{
    const struct channel *channel = &ctl->channel[n];
    enum dma_direction way = direction(channel);
    uint8_t buf[DMA_PORTION_BYTES];
    size_t bytes = (size_t)units << ctl->number;
    uint64_t phys = phys_of(ctl, n);
    memset(buf, 0xFF, bytes);
    if (way == DMA_FROM_MEMORY)
        vx_pmap_dma_read(ctl->chip->pmap, phys, buf, bytes);
    if (channel->device.dack != NULL) {
        size_t went = channel->device.dack(channel->device.opaque, way, buf, bytes);
        VX_ASSERT(went <= bytes && went % (1u << ctl->number) == 0);
        bytes = went;
    }
    if (way == DMA_TO_MEMORY && bytes != 0)
        vx_pmap_dma_write(ctl->chip->pmap, phys, buf, bytes);
    return (uint32_t)(bytes >> ctl->number);
}

static void reach_tc(struct controller *ctl, unsigned n)
{
    struct channel *channel = &ctl->channel[n];
    uint8_t bit = (uint8_t)(1u << n);
    ctl->reached_tc |= bit;
    ctl->soft &= (uint8_t)~bit;
    ctl->in_block &= (uint8_t)~bit;
    if (channel->mode & MODE_AUTOINIT) {
        channel->address = channel->base_address;
        channel->count = channel->base_count;
    } else {
        ctl->mask |= bit;
    }
    if (channel->device.dack != NULL && channel->device.tc != NULL)
        channel->device.tc(channel->device.opaque);
}

/* A portion of channel n; false when it is to be left for now (I2). */
static bool step(struct controller *ctl, unsigned n)
{
    struct channel *channel = &ctl->channel[n];
    uint32_t units = portion_units(ctl, channel);
    if (MODE_STYLE(channel->mode) == MODE_BLOCK)
        ctl->in_block |= (uint8_t)(1u << n);
    if (ctl->command & COMMAND_ROTATE)
        ctl->lowest = (uint8_t)n;
    vx_trace(ctl->chip->log, dma_portion, ctl->number * CHANNELS + n, channel->mode, phys_of(ctl, n), units);
    bool has_device = channel->device.dack != NULL;
    uint32_t went = move(ctl, n, units);
    channel->address = (uint16_t)(channel->mode & MODE_DECREMENT ? channel->address - went : channel->address + went);
    bool all = went > channel->count;
    channel->count = (uint16_t)(channel->count - went);
    if (all)
        reach_tc(ctl, n);
    return went == units && (has_device || !all);
}

static void serve(struct i8237 *chip) /* I1 */
{
    if (chip->serving)
        return;
    chip->serving = true;
    uint8_t left_out[2] = { 0 };
    for (unsigned i = 0; i < 2;) {
        struct controller *ctl = &chip->controller[i];
        int n = next_channel(ctl, left_out[i]);
        if (n >= 0 && !step(ctl, (unsigned)n))
            left_out[i] |= (uint8_t)(1u << n);
        i = n < 0 ? i + 1 : 0;
    }
    chip->serving = false;
}

/* ---- towards devices -------------------------------------------------------------------------------------------- */

static void channel_dreq(void *opaque, unsigned number, bool level)
{
    struct i8237 *chip = opaque;
    struct controller *ctl = &chip->controller[number / CHANNELS];
    uint8_t bit = (uint8_t)(1u << number % CHANNELS);
    ctl->lines = level ? ctl->lines | bit : ctl->lines & (uint8_t)~bit;
    serve(chip);
}

static void channel_attach(void *opaque, unsigned number, const struct dma_device *device)
{
    struct i8237 *chip = opaque;
    struct controller *ctl = &chip->controller[number / CHANNELS];
    ctl->lines &= (uint8_t) ~(1u << number % CHANNELS);
    ctl->channel[number % CHANNELS].device = device != NULL ? *device : (struct dma_device){ 0 };
}

struct dma_channel i8237_channel(struct i8237 *chip, unsigned number)
{
    VX_ASSERT(number < I8237_CHANNELS && number != I8237_CASCADE);
    return (struct dma_channel){ .attach = channel_attach, .dreq = channel_dreq, .opaque = chip, .number = number };
}

/* ---- registers -------------------------------------------------------------------------------------------------- */

static uint8_t read_status(struct controller *ctl)
{
    uint8_t status = (uint8_t)((active_lines(ctl) | ctl->soft) << 4 | ctl->reached_tc);
    ctl->reached_tc = 0;
    return status;
}

static uint8_t read_half(struct controller *ctl, uint16_t value)
{
    bool high = ctl->high_byte;
    ctl->high_byte = !high;
    return (uint8_t)(high ? value >> 8 : value);
}

/* Base and current register take the same byte. */
static void write_half(struct controller *ctl, uint16_t *base, uint16_t *current, uint8_t byte)
{
    unsigned shift = ctl->high_byte ? 8 : 0;
    uint16_t kept = ctl->high_byte ? 0x00FF : 0xFF00;
    *base = (uint16_t)((*base & kept) | byte << shift);
    *current = (uint16_t)((*current & kept) | byte << shift);
    ctl->high_byte = !ctl->high_byte;
}

static void master_clear(struct controller *ctl)
{
    ctl->command = ctl->soft = ctl->in_block = ctl->reached_tc = 0;
    ctl->lowest = CHANNELS - 1;
    ctl->high_byte = false;
    ctl->mask = ALL;
}

static void write_command(struct controller *ctl, uint8_t value)
{
    ctl->command = value;
    if (!(value & COMMAND_ROTATE))
        ctl->lowest = CHANNELS - 1;
}

static void write_bit(uint8_t *bits, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << (value & 3));
    *bits = value & SET_BIT ? *bits | bit : *bits & (uint8_t)~bit;
}

static void write_mode(struct controller *ctl, uint8_t value)
{
    ctl->channel[value & 3].mode = value & 0xFC;
    ctl->in_block &= (uint8_t) ~(1u << (value & 3));
}

static uint8_t read_register(struct controller *ctl, unsigned port)
{
    if (port < PORT_STATUS_COMMAND) {
        const struct channel *channel = &ctl->channel[port / 2];
        return read_half(ctl, port % 2 ? channel->count : channel->address);
    }
    switch (port) {
    case PORT_STATUS_COMMAND: return read_status(ctl);
    case PORT_TEMPORARY_MASTER_CLEAR: return 0;
    case PORT_ALL_MASK: return ctl->mask;
    default: return 0xFF;
    }
}

static void write_register(struct controller *ctl, unsigned port, uint8_t value)
{
    struct channel *channel = &ctl->channel[port / 2 % CHANNELS];
    switch (port) {
    case PORT_STATUS_COMMAND: write_command(ctl, value); break;
    case PORT_REQUEST: write_bit(&ctl->soft, value); break;
    case PORT_MASK: write_bit(&ctl->mask, value); break;
    case PORT_MODE: write_mode(ctl, value); break;
    case PORT_CLEAR_POINTER: ctl->high_byte = false; break;
    case PORT_TEMPORARY_MASTER_CLEAR: master_clear(ctl); break;
    case PORT_CLEAR_MASK: ctl->mask = 0; break;
    case PORT_ALL_MASK: ctl->mask = value & ALL; break;
    default:
        if (port % 2 == 0)
            write_half(ctl, &channel->base_address, &channel->address, value);
        else
            write_half(ctl, &channel->base_count, &channel->count, value);
    }
    serve(ctl->chip);
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

static uint64_t byte_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return read_register(&((struct i8237 *)opaque)->controller[0], off & 15);
}

static void byte_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    write_register(&((struct i8237 *)opaque)->controller[0], off & 15, (uint8_t)value);
}

static uint64_t word_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return read_register(&((struct i8237 *)opaque)->controller[1], (unsigned)off >> 1);
}

static void word_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    write_register(&((struct i8237 *)opaque)->controller[1], (unsigned)off >> 1, (uint8_t)value);
}

static uint64_t page_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return ((struct i8237 *)opaque)->page[off];
}

static void page_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    ((struct i8237 *)opaque)->page[off] = (uint8_t)value;
}

void i8237_alias_pages(struct i8237 *chip, bool on)
{
    if (on == chip->pages_aliased)
        return;
    if (!on)
        vx_bus_remove(chip->bus, &chip->alias);
    else if (vx_bus_add(chip->bus, &chip->alias) != VX_ERR_OK) /* out of memory: logged */
        return;
    chip->pages_aliased = on;
}

/* ---- life ------------------------------------------------------------------------------------------------------- */

static void reset_registers(struct i8237 *chip)
{
    for (unsigned i = 0; i < 2; i++) {
        struct controller *ctl = &chip->controller[i];
        master_clear(ctl);
        for (unsigned n = 0; n < CHANNELS; n++) {
            struct channel *channel = &ctl->channel[n];
            channel->base_address = channel->base_count = channel->address = channel->count = 0;
            channel->mode = 0;
        }
    }
    memset(chip->page, 0, sizeof chip->page);
}

static void dma_reset(void *instance, enum reset phase)
{
    struct i8237 *chip = instance;
    if (phase == VX_RESET_HOLD)
        reset_registers(chip);
}

static void dma_restored(void *instance)
{
    ((struct i8237 *)instance)->serving = false;
}

static void dma_destroy(void *instance)
{
    struct i8237 *chip = instance;
    if (chip == NULL)
        return;
    i8237_alias_pages(chip, false);
    bus_remove_all(chip->bus, chip->regions, VX_ARRAY_LEN(chip->regions));
    free(chip);
}

static struct vx_region region(struct i8237 *chip, const char *name, uint16_t base, uint16_t size)
{
    return (struct vx_region){ .name = name, .space = VX_SPACE_IO, .base = base, .size = size, .opaque = chip };
}

static void init_regions(struct i8237 *chip)
{
    chip->regions[0] = region(chip, "i8237 controller 1", 0x00, 0x20);
    chip->regions[0].read = byte_read;
    chip->regions[0].write = byte_write;
    chip->regions[1] = region(chip, "i8237 controller 2", 0xC0, 0x20);
    chip->regions[1].read = word_read;
    chip->regions[1].write = word_write;
    chip->regions[2] = region(chip, "i8237 pages", 0x80, PAGES);
    chip->regions[2].read = page_read;
    chip->regions[2].write = page_write;
    chip->alias = chip->regions[2];
    chip->alias.name = "i8237 pages again";
    chip->alias.base = 0x90;
    chip->alias.priority = -1; /* port 92h is a register of its own */
}

vx_err i8237_create(const struct i8237_config *config, struct i8237 **out)
{
    struct i8237 *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return VX_ERR_NO_MEMORY;
    chip->log = config->log;
    chip->bus = config->bus;
    chip->pmap = config->pmap;
    for (unsigned i = 0; i < 2; i++) {
        chip->controller[i].chip = chip;
        chip->controller[i].number = i;
    }
    reset_registers(chip);
    init_regions(chip);
    vx_err err = bus_add_all(chip->bus, chip->regions, VX_ARRAY_LEN(chip->regions));
    if (err != VX_ERR_OK) {
        free(chip);
        return err;
    }
    i8237_alias_pages(chip, true);
    *out = chip;
    return VX_ERR_OK;
}

static const struct state_field channel_fields[] = {
    REGISTER(struct channel, base_address), REGISTER(struct channel, base_count), REGISTER(struct channel, address),
    REGISTER(struct channel, count),        REGISTER(struct channel, mode),       WIRES(struct channel, device),
};
static const struct state_table channel_state = STATE_TABLE(struct channel, channel_fields, NULL);

static const struct state_field controller_fields[] = {
    REGISTER_MAX(struct controller, lines, ALL),
    REGISTER_MAX(struct controller, soft, ALL),
    REGISTER_MAX(struct controller, in_block, ALL),
    REGISTER_MAX(struct controller, mask, ALL),
    REGISTER_MAX(struct controller, reached_tc, ALL),
    REGISTER(struct controller, command),
    REGISTER_MAX(struct controller, lowest, CHANNELS - 1),
    REGISTER(struct controller, high_byte),
    FIELD_STRUCT(struct controller, channel, &channel_state),
    WIRES(struct controller, chip, number),
};
static const struct state_table controller_state = STATE_TABLE(struct controller, controller_fields, NULL);

static const struct state_field fields[] = {
    FIELD_STRUCT(struct i8237, controller, &controller_state),
    REGISTER(struct i8237, page),
    WIRES(struct i8237, log, bus, pmap, regions, alias),
    DERIVED(struct i8237, pages_aliased), /* the PIIX3 says so */
    DERIVED(struct i8237, serving),       /* false between accesses */
};
static const struct state_table state = STATE_TABLE(struct i8237, fields, NULL);

const struct device_type i8237_type = {
    .name = "i8237",
    .version = 1,
    .state = &state,
    .reset = dma_reset,
    .restored = dma_restored,
    .destroy = dma_destroy,
};

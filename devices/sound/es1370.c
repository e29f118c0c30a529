/* es1370.c - registers and channels of the ES1370. See es1370.h.
 *
 *   I1  A channel's voice runs while its bit of CONTROL is set, it is not paused, and it has not stopped at its count.
 *   I2  A status bit is only set while its interrupt is enabled; clearing the enable clears it. */
#include "es1370.h"

#include <stdlib.h>
#include <string.h>

#include "sound_voice.h"

enum { DAC1, DAC2, ADC, CHANNELS, CODEC_REGS = 32, PORTS = 64 };
enum {
    REG_CONTROL = 0x00,
    REG_STATUS = 0x04,
    REG_PAGE = 0x0C,
    REG_CODEC = 0x10,
    REG_SERIAL = 0x20,
    REG_COUNT = 0x24, /* of DAC1, DAC2, ADC */
    REG_MEMORY = 0x30,
};
enum { PAGE_DAC = 12, PAGE_ADC = 13, PAGE_BITS = 15 };
enum { CONTROL_RATE_SHIFT = 12, CONTROL_DIVIDER_SHIFT = 16, CONTROL_DIVIDER = 0x1FFF };
enum { STATUS_ADC = 0x01, STATUS_DAC2 = 0x02, STATUS_DAC1 = 0x04, STATUS_FIXED = 0x60 };
#define CONTROL_RESET 0x00000001u
#define STATUS_INTR   0x80000000u
#define SERIAL_BITS   0x007FFFFFu
#define DIVIDER_CLOCK 1411200u

/* Bits of each channel in the registers that they share; 0: it has none. */
static const struct {
    uint32_t enable;                               /* CONTROL */
    uint32_t stereo, wide, interrupt, pause, stop; /* SERIAL */
    uint32_t status;
} bits[CHANNELS] = {
    { 0x40, 0x01, 0x02, 0x100, 0x0800, 0x2000, STATUS_DAC1 },
    { 0x20, 0x04, 0x08, 0x200, 0x1000, 0x4000, STATUS_DAC2 },
    { 0x10, 0x10, 0x20, 0x400, 0x0000, 0x8000, STATUS_ADC },
};

struct es1370_channel {
    struct es1370 *chip;
    unsigned number;

    uint16_t count; /* samples less one from interrupt to interrupt */
    uint32_t left;  /* samples to the next one that have not been moved; 0: the time of the last is not over */
    uint32_t address;
    uint16_t size, size_now; /* doublewords less one, and the one that is moved next */
    uint8_t bytes_moved;     /* of that one */
    bool stopped;            /* at the count */
    struct sound_voice voice;
};

struct es1370 {
    struct vx_log *log;
    struct vx_pmap *pmap;
    struct pci_function fn;
    struct vx_region region;
    struct es1370_channel channel[CHANNELS];
    uint32_t control, status, serial;
    uint8_t page;
    uint8_t codec[CODEC_REGS];
};

/* ---- interrupt --------------------------------------------------------------------------------------------------- */

static void update_irq(struct es1370 *chip)
{
    for (unsigned i = 0; i < CHANNELS; i++) /* keeps I2 */
        if (!(chip->serial & bits[i].interrupt))
            chip->status &= ~bits[i].status;
    pci_set_intx(&chip->fn, chip->status != 0);
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static uint32_t rate_of(const struct es1370_channel *channel)
{
    static const uint16_t fixed[4] = { 5512, 11025, 22050, 44100 };
    uint32_t control = channel->chip->control;
    if (channel->number == DAC1)
        return fixed[control >> CONTROL_RATE_SHIFT & 3];
    return DIVIDER_CLOCK / ((control >> CONTROL_DIVIDER_SHIFT & CONTROL_DIVIDER) + 2);
}

/* The codec's registers of a channel: 2 dB a step, from 0 dB at `top` on; bit 7 is mute. */
static unsigned steps_down(uint8_t value, unsigned top)
{
    unsigned steps = value & 0x1F;
    return value & 0x80 ? 63 : (steps > top ? steps - top : 0) * 4 / 3;
}

static uint16_t loudness(const struct es1370 *chip, unsigned number, unsigned side)
{
    unsigned own = number == DAC1 ? 4 : 2;
    return sound_attenuation(steps_down(chip->codec[side], 0) + steps_down(chip->codec[own + side], 6));
}

static void apply_volume(const struct es1370 *chip)
{
    for (unsigned i = 0; i < ADC; i++)
        sound_voice_volume(&chip->channel[i].voice, loudness(chip, i, 0), loudness(chip, i, 1));
}

/* Bytes from where the channel is, which is moved on, to the end of the buffer at most; returns how many. */
static size_t move_bytes(struct es1370_channel *channel, uint8_t *at, size_t bytes)
{
    size_t left = ((size_t)channel->size - channel->size_now + 1) * 4 - channel->bytes_moved;
    uint32_t phys = channel->address + channel->size_now * 4u + channel->bytes_moved;
    if (bytes > left)
        bytes = left;
    if (channel->voice.input)
        vx_pmap_dma_write(channel->chip->pmap, phys, at, bytes);
    else
        vx_pmap_dma_read(channel->chip->pmap, phys, at, bytes);
    size_t moved = channel->bytes_moved + bytes;
    channel->bytes_moved = moved & 3;
    uint32_t next = channel->size_now + (uint32_t)(moved / 4);
    channel->size_now = (uint16_t)(next > channel->size ? 0 : next);
    return bytes;
}

/* The last sample of a count has had its time. */
static void count_is_over(struct es1370_channel *channel)
{
    struct es1370 *chip = channel->chip;
    channel->left = channel->count + 1u;
    if (chip->serial & bits[channel->number].interrupt)
        chip->status |= bits[channel->number].status;
    if (chip->serial & bits[channel->number].stop) {
        channel->stopped = true;
        sound_voice_stop(&channel->voice);
    }
    update_irq(chip);
}

static size_t move(void *opaque, uint8_t *frames, size_t count)
{
    struct es1370_channel *channel = opaque;
    unsigned frame_bytes = sound_voice_frame_bytes(&channel->voice);
    if (!pci_is_master(&channel->chip->fn))
        return 0;
    if (channel->left == 0)
        count_is_over(channel);
    if (!channel->voice.running)
        return 0;
    if (count > channel->left)
        count = channel->left;
    if (frames == NULL)
        return count;
    for (size_t bytes = count * frame_bytes; bytes != 0;) {
        size_t moved = move_bytes(channel, frames, bytes);
        frames += moved;
        bytes -= moved;
    }
    channel->left -= (uint32_t)count;
    return count;
}

static const struct sound_voice_ops voice_ops = { .move = move };

/* Keeps I1 after a write to CONTROL or SERIAL; `anew`: rate or form may be others. */
static void follow(struct es1370_channel *channel, bool anew)
{
    struct es1370 *chip = channel->chip;
    unsigned n = channel->number;
    bool enabled = chip->control & bits[n].enable;
    if (!enabled)
        channel->stopped = false;
    bool runs = enabled && !channel->stopped && !(chip->serial & bits[n].pause);
    if (!runs) {
        sound_voice_stop(&channel->voice);
    } else if (!channel->voice.running || anew) {
        sound_voice_start(&channel->voice, rate_of(channel), chip->serial & bits[n].stereo ? 2 : 1,
                          chip->serial & bits[n].wide ? VX_SAMPLE_S16 : VX_SAMPLE_U8);
        apply_volume(chip);
    }
}

/* ---- registers --------------------------------------------------------------------------------------------------- */

static void write_control(struct es1370 *chip, uint32_t value)
{
    uint32_t old = chip->control;
    chip->control = value;
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct es1370_channel *channel = &chip->channel[i];
        if (~old & value & bits[i].enable)
            channel->left = channel->count + 1u;
        follow(channel, channel->voice.rate_hz != rate_of(channel));
    }
}

static void write_serial(struct es1370 *chip, uint32_t value)
{
    uint32_t changed = chip->serial ^ (value & SERIAL_BITS);
    chip->serial = value & SERIAL_BITS;
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct es1370_channel *channel = &chip->channel[i];
        if (changed & bits[i].stop)
            channel->stopped = false;
        follow(channel, changed & (bits[i].stereo | bits[i].wide));
    }
    update_irq(chip);
}

static void write_codec(struct es1370 *chip, uint32_t value)
{
    chip->codec[value >> 8 & (CODEC_REGS - 1)] = (uint8_t)value;
    apply_volume(chip);
}

/* The channel and which of its two registers is at a place of the memory window; NULL: none. */
static struct es1370_channel *in_memory(struct es1370 *chip, unsigned off, bool *is_size)
{
    *is_size = off & 4;
    if (chip->page == PAGE_DAC)
        return &chip->channel[off & 8 ? DAC2 : DAC1];
    return chip->page == PAGE_ADC && !(off & 8) ? &chip->channel[ADC] : NULL;
}

static uint32_t read_count(const struct es1370_channel *channel)
{
    size_t left = channel->left + sound_voice_ahead(&channel->voice);
    uint32_t now = left > channel->count ? channel->count : left != 0 ? (uint32_t)left - 1 : 0;
    return now << 16 | channel->count;
}

static uint32_t read_size(const struct es1370_channel *channel)
{
    uint32_t total = channel->size + 1u;
    size_t ahead = sound_voice_ahead(&channel->voice) * sound_voice_frame_bytes(&channel->voice) / 4;
    uint32_t now = (uint32_t)((channel->size_now + total - ahead % total) % total);
    return now << 16 | channel->size;
}

static uint32_t read_register(struct es1370 *chip, unsigned reg)
{
    bool is_size;
    switch (reg) {
    case REG_CONTROL: return chip->control;
    case REG_STATUS: return chip->status | STATUS_FIXED | (chip->status != 0 ? STATUS_INTR : 0);
    case REG_PAGE: return chip->page;
    case REG_SERIAL: return chip->serial;
    case REG_COUNT:
    case REG_COUNT + 4:
    case REG_COUNT + 8: return read_count(&chip->channel[(reg - REG_COUNT) / 4]);
    default: break;
    }
    const struct es1370_channel *channel = reg >= REG_MEMORY ? in_memory(chip, reg, &is_size) : NULL;
    if (channel == NULL)
        return reg >= REG_MEMORY ? UINT32_MAX : 0;
    return is_size ? read_size(channel) : channel->address;
}

static void write_memory(struct es1370 *chip, unsigned reg, uint32_t value)
{
    bool is_size;
    struct es1370_channel *channel = in_memory(chip, reg, &is_size);
    if (channel == NULL)
        return;
    if (!is_size) {
        channel->address = value & ~3u;
        return;
    }
    channel->size = (uint16_t)value;
    channel->size_now = (uint16_t)(value >> 16 > channel->size ? 0 : value >> 16);
    channel->bytes_moved = 0;
}

static void write_register(struct es1370 *chip, unsigned reg, uint32_t value)
{
    switch (reg) {
    case REG_CONTROL: write_control(chip, value); break;
    case REG_PAGE: chip->page = value & PAGE_BITS; break;
    case REG_CODEC: write_codec(chip, value); break;
    case REG_SERIAL: write_serial(chip, value); break;
    case REG_COUNT:
    case REG_COUNT + 4:
    case REG_COUNT + 8: {
        struct es1370_channel *channel = &chip->channel[(reg - REG_COUNT) / 4];
        channel->count = (uint16_t)value;
        channel->left = channel->count + 1u;
        break;
    }
    default:
        if (reg >= REG_MEMORY)
            write_memory(chip, reg, value);
    }
}

/* Registers are doublewords, which may be read and written in parts. */
static uint64_t port_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return (uint64_t)read_register(opaque, (unsigned)off & ~3u) >> 8 * (off & 3);
}

static void port_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    unsigned reg = (unsigned)off & ~3u, shift = 8 * (off & 3);
    uint32_t mask = (uint32_t)(UINT64_MAX >> (64 - 8 * size)) << shift;
    uint32_t old = mask == UINT32_MAX || reg == REG_CODEC ? 0 : read_register(opaque, reg);
    write_register(opaque, reg, (old & ~mask) | ((uint32_t)value << shift & mask));
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void reset_channel(struct es1370_channel *channel)
{
    channel->count = 0;
    channel->left = 1;
    channel->address = 0;
    channel->size = channel->size_now = 0;
    channel->bytes_moved = 0;
    channel->stopped = false;
    sound_voice_reset(&channel->voice);
    channel->voice.input = channel->number == ADC;
}

static void reset_registers(struct es1370 *chip)
{
    static const uint8_t codec[CODEC_REGS] = { 0x80, 0x80, 0x86, 0x86, 0x86, 0x86, 0x86, 0x86,
                                               0x86, 0x86, 0x86, 0x86, 0x86, 0x86, 0x86, 0x80 };
    chip->control = CONTROL_RESET;
    chip->status = chip->serial = 0;
    chip->page = 0;
    memcpy(chip->codec, codec, sizeof codec);
    for (unsigned i = 0; i < CHANNELS; i++)
        reset_channel(&chip->channel[i]);
}

static void reset(void *instance, enum reset phase)
{
    struct es1370 *chip = instance;
    if (phase == VX_RESET_HOLD) {
        reset_registers(chip);
        return;
    }
    update_irq(chip);
    for (unsigned i = 0; i < CHANNELS; i++)
        sound_voice_released(&chip->channel[i].voice);
    apply_volume(chip);
}

static void restored(void *instance)
{
    struct es1370 *chip = instance;
    for (unsigned i = 0; i < CHANNELS; i++)
        sound_voice_restored(&chip->channel[i].voice);
    apply_volume(chip);
}

static void destroy(void *instance)
{
    struct es1370 *chip = instance;
    if (chip == NULL)
        return;
    for (unsigned i = 0; i < CHANNELS; i++)
        sound_voice_fini(&chip->channel[i].voice);
    pci_remove(&chip->fn);
    free(chip);
}

/* Channels that were not allowed to reach memory try again. */
static void config_written(void *opaque, unsigned reg, unsigned size)
{
    struct es1370 *chip = opaque;
    (void)reg, (void)size;
    for (unsigned i = 0; i < CHANNELS && pci_is_master(&chip->fn); i++)
        sound_voice_wake(&chip->channel[i].voice);
}

static void wire_channels(struct es1370 *chip, const struct es1370_config *config)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct es1370_channel *channel = &chip->channel[i];
        channel->chip = chip;
        channel->number = i;
        channel->voice.clock = config->clock;
        channel->voice.audio = config->audio;
        channel->voice.stream = config->stream + i;
        channel->voice.ops = &voice_ops;
        channel->voice.opaque = channel;
        sound_voice_init(&channel->voice);
    }
}

static vx_err plug_in(struct es1370 *chip, const struct es1370_config *config)
{
    pci_function_init(&chip->fn, &(struct pci_ident){ .name = "es1370",
                                                      .vendor = 0x1274,
                                                      .device = 0x5000,
                                                      .class_code = 0x040100,
                                                      .interrupt_pin = 1,
                                                      .subsystem_vendor = 0x4942,
                                                      .subsystem = 0x4C4C });
    chip->fn.opaque = chip;
    chip->fn.written = config_written;
    chip->region =
        (struct vx_region){ .name = "es1370", .max_size = 4, .read = port_read, .write = port_write, .opaque = chip };
    chip->fn.bar[0] = (struct pci_bar){ .size = PORTS, .io = true, .region = &chip->region, .mapped_at = PCI_UNMAPPED };
    return pci_add(config->pci, config->slot, 0, &chip->fn);
}

vx_err es1370_create(const struct es1370_config *config, struct es1370 **out)
{
    struct es1370 *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return VX_ERR_NO_MEMORY;
    chip->log = config->log;
    chip->pmap = config->pmap;
    wire_channels(chip, config);
    reset_registers(chip);
    vx_err err = plug_in(chip, config);
    if (err != VX_ERR_OK) {
        free(chip);
        return err;
    }
    *out = chip;
    return VX_ERR_OK;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

static const char *check(const void *loaded)
{
    const struct es1370 *chip = loaded;
    for (unsigned i = 0; i < CHANNELS; i++) {
        const struct es1370_channel *channel = &chip->channel[i];
        if (channel->voice.input != (i == ADC) || channel->size_now > channel->size)
            return "channel";
    }
    return NULL;
}

static const struct state_field channel_fields[] = {
    REGISTER(struct es1370_channel, count),     REGISTER_MAX(struct es1370_channel, left, 65536),
    REGISTER(struct es1370_channel, address),   REGISTER(struct es1370_channel, size),
    REGISTER(struct es1370_channel, size_now),  FIELD_MAX(struct es1370_channel, bytes_moved, 3),
    FIELD(struct es1370_channel, stopped),      FIELD_STRUCT(struct es1370_channel, voice, &sound_voice_state),
    WIRES(struct es1370_channel, chip, number),
};
static const struct state_table channel_state = STATE_TABLE(struct es1370_channel, channel_fields, NULL);

static const struct state_field fields[] = {
    FIELD_STRUCT(struct es1370, fn, &pci_function_state),
    FIELD_STRUCT(struct es1370, channel, &channel_state),
    REGISTER(struct es1370, control),
    REGISTER_MAX(struct es1370, status, STATUS_ADC | STATUS_DAC2 | STATUS_DAC1),
    REGISTER(struct es1370, serial),
    REGISTER(struct es1370, page),
    REGISTER(struct es1370, codec),
    WIRES(struct es1370, log, pmap, region),
};
static const struct state_table state = STATE_TABLE(struct es1370, fields, check);

const struct device_type es1370_type = {
    .name = "es1370",
    .version = 1,
    .state = &state,
    .reset = reset,
    .restored = restored,
    .destroy = destroy,
};

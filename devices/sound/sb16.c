/* sb16.c - ports, interrupt and life of the Sound Blaster 16. See sb16.h and sb16_state.h.
 *
 *   I2  The line that the mixer selects is up while a reason is pending; all others are down. */
#include <stdlib.h>
#include <string.h>

#include "sb16_state.h"

enum { BASE = 0x220, MPU_BASE = 0x330 };
enum {
    PORT_MIXER_INDEX = 4,
    PORT_MIXER_DATA,
    PORT_RESET,
    PORT_READ = 0xA,
    PORT_WRITE = 0xC,
    PORT_STATUS = 0xE,
    PORT_ACK_16
};
enum { STATUS_DATA = 0x80, STATUS_REST = 0x7F };
enum { MIXER_IRQ = 0x80, MIXER_DMA = 0x81, IRQ_5 = 0x02, DMA_1_AND_5 = 0x22 };

/* ---- interrupt --------------------------------------------------------------------------------------------------- */

void sb16_update_irq(struct sb16 *chip)
{
    unsigned selected = sb16_mixer_irq(chip);
    for (unsigned i = 0; i < SB16_IRQS; i++)
        vx_irq_set(&chip->irq[i], i == selected && chip->pending != 0);
}

void sb16_raise(struct sb16 *chip, uint8_t reasons)
{
    chip->pending |= reasons;
    sb16_update_irq(chip);
}

void sb16_acknowledge(struct sb16 *chip, uint8_t reasons)
{
    chip->pending &= (uint8_t)~reasons;
    sb16_update_irq(chip);
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

/* 1, then 0: the DSP begins anew. */
static void write_reset(struct sb16 *chip, bool level)
{
    if (chip->in_reset && !level)
        sb16_dsp_reset(chip);
    else if (level)
        sb16_end(chip);
    chip->in_reset = level;
}

static uint64_t port_read(void *opaque, uint64_t off, unsigned size)
{
    struct sb16 *chip = opaque;
    (void)size;
    switch (off) {
    case PORT_MIXER_INDEX: return chip->mixer_index;
    case PORT_MIXER_DATA: return sb16_mixer_read(chip);
    case PORT_READ: return sb16_dsp_read(chip);
    case PORT_WRITE: return STATUS_REST; /* ready for a command */
    case PORT_STATUS: sb16_acknowledge(chip, SB16_IRQ_8); return STATUS_REST | (chip->out_count != 0 ? STATUS_DATA : 0);
    case PORT_ACK_16: sb16_acknowledge(chip, SB16_IRQ_16); return 0xFF;
    default: return 0xFF;
    }
}

static void port_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct sb16 *chip = opaque;
    (void)size;
    switch (off) {
    case PORT_MIXER_INDEX: chip->mixer_index = (uint8_t)value; break;
    case PORT_MIXER_DATA: sb16_mixer_write(chip, (uint8_t)value); break;
    case PORT_RESET: write_reset(chip, value & 1); break;
    case PORT_WRITE:
        if (!chip->in_reset)
            sb16_dsp_write(chip, (uint8_t)value);
        break;
    default: break;
    }
}

static uint64_t mpu_read(void *opaque, uint64_t off, unsigned size)
{
    (void)size;
    return mpu401_read(&((struct sb16 *)opaque)->mpu, (unsigned)off);
}

static void mpu_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    (void)size;
    mpu401_write(&((struct sb16 *)opaque)->mpu, (unsigned)off, (uint8_t)value);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void reset_registers(struct sb16 *chip)
{
    chip->in_reset = chip->speaker = chip->by_constant = chip->dreq = false;
    chip->test = chip->command = chip->arg_count = 0;
    memset(chip->args, 0, sizeof chip->args);
    memset(chip->out, 0, sizeof chip->out);
    chip->out_head = chip->out_count = chip->last_out = 0;
    chip->rate_hz = 11025;
    chip->high_block = 2048;
    chip->direct_ns = 0;
    chip->direct_level = 0x80;
    chip->transfer = (struct sb16_transfer){ .block = 0 };
    chip->pending = 0;
    chip->mixer_index = 0;
    memset(chip->mixer, 0, sizeof chip->mixer);
    sb16_mixer_reset(chip);
    chip->mixer[MIXER_IRQ] = IRQ_5;
    chip->mixer[MIXER_DMA] = DMA_1_AND_5;
    mpu401_reset(&chip->mpu);
    chip->voice.input = false;
    sound_voice_reset(&chip->voice);
}

static void lower_dreqs(struct sb16 *chip)
{
    for (unsigned i = 0; i < SB16_CHANNELS; i++)
        dma_set_dreq(&chip->dma[i], false);
}

static void reset(void *instance, enum reset phase)
{
    struct sb16 *chip = instance;
    if (phase == VX_RESET_HOLD) {
        reset_registers(chip);
        return;
    }
    lower_dreqs(chip);
    sb16_update_irq(chip);
    sound_voice_released(&chip->voice);
    sb16_mixer_apply(chip);
}

static void restored(void *instance)
{
    struct sb16 *chip = instance;
    chip->move = NULL;
    sound_voice_restored(&chip->voice);
    sb16_mixer_apply(chip);
}

static void attach(struct sb16 *chip, const struct dma_device *device)
{
    for (unsigned i = 0; i < SB16_CHANNELS; i++)
        dma_attach(&chip->dma[i], device);
}

static void destroy(void *instance)
{
    struct sb16 *chip = instance;
    if (chip == NULL)
        return;
    sound_voice_fini(&chip->voice);
    attach(chip, NULL);
    bus_remove_all(chip->bus, chip->regions, VX_ARRAY_LEN(chip->regions));
    free(chip);
}

static void wire(struct sb16 *chip, const struct sb16_config *config)
{
    chip->log = config->log;
    chip->bus = config->bus;
    chip->clock = config->clock;
    memcpy(chip->irq, config->irq, sizeof chip->irq);
    memcpy(chip->dma, config->dma, sizeof chip->dma);
    chip->voice.clock = config->clock;
    chip->voice.audio = config->audio;
    chip->voice.stream = config->stream;
    chip->voice.ops = &sb16_voice_ops;
    chip->voice.opaque = chip;
    sound_voice_init(&chip->voice);
    chip->regions[0] = (struct vx_region){ .name = "sb16",
                                           .space = VX_SPACE_IO,
                                           .base = BASE,
                                           .size = 16,
                                           .read = port_read,
                                           .write = port_write,
                                           .opaque = chip };
    chip->regions[1] = (struct vx_region){ .name = "sb16 mpu401",
                                           .space = VX_SPACE_IO,
                                           .base = MPU_BASE,
                                           .size = 2,
                                           .read = mpu_read,
                                           .write = mpu_write,
                                           .opaque = chip };
}

vx_err sb16_create(const struct sb16_config *config, struct sb16 **out)
{
    struct sb16 *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return VX_ERR_NO_MEMORY;
    wire(chip, config);
    reset_registers(chip);
    vx_err err = bus_add_all(chip->bus, chip->regions, VX_ARRAY_LEN(chip->regions));
    if (err != VX_ERR_OK) {
        free(chip);
        return err;
    }
    attach(chip, &(struct dma_device){ .dack = sb16_dack, .opaque = chip });
    *out = chip;
    return VX_ERR_OK;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

/* DREQ is up at a channel that there is, and a command that waits lacks bytes. */
static const char *check(const void *loaded)
{
    const struct sb16 *chip = loaded;
    if (chip->dreq && sb16_mixer_channel(chip, chip->transfer.wide) == SB16_CHANNELS)
        return "dreq";
    if (chip->transfer.active && chip->transfer.wide != (chip->voice.sample != VX_SAMPLE_U8))
        return "transfer";
    return NULL;
}

static const struct state_field fields[] = {
    REGISTER(struct sb16, in_reset),
    REGISTER(struct sb16, speaker),
    FIELD(struct sb16, test),
    REGISTER(struct sb16, command),
    FIELD(struct sb16, args),
    FIELD_MAX(struct sb16, arg_count, 2),
    FIELD(struct sb16, out),
    FIELD_MAX(struct sb16, out_head, SB16_OUT_BYTES - 1),
    FIELD_MAX(struct sb16, out_count, SB16_OUT_BYTES),
    FIELD(struct sb16, last_out),
    REGISTER_IN(struct sb16, rate_hz, VOICE_RATE_MIN, 1000000),
    FIELD(struct sb16, by_constant),
    REGISTER_IN(struct sb16, high_block, 1, 65536),
    FIELD_MAX(struct sb16, direct_ns, STATE_NS_MAX),
    FIELD(struct sb16, direct_level),
    FIELD_STRUCT(struct sb16, transfer, &sb16_transfer_state),
    REGISTER_MAX(struct sb16, pending, SB16_IRQ_8 | SB16_IRQ_16 | SB16_IRQ_MPU),
    FIELD(struct sb16, dreq),
    FIELD_STRUCT(struct sb16, voice, &sound_voice_state),
    DERIVED(struct sb16, move), /* NULL between accesses */
    REGISTER(struct sb16, mixer_index),
    FIELD(struct sb16, mixer),
    FIELD_STRUCT(struct sb16, mpu, &mpu401_state),
    WIRES(struct sb16, log, bus, clock, irq, dma, regions),
};
static const struct state_table state = STATE_TABLE(struct sb16, fields, check);

const struct device_type sb16_type = {
    .name = "sb16",
    .version = 1,
    .state = &state,
    .reset = reset,
    .restored = restored,
    .destroy = destroy,
};

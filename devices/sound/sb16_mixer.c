/* sb16_mixer.c - CT1745: registers that are kept, those that do something, and the older chips' names for them. */
#include <string.h>

#include "sb16_state.h"

enum {
    MIXER_RESET = 0x00,
    MIXER_OLD_VOICE = 0x04,
    MIXER_OLD_MIC = 0x0A,
    MIXER_OLD_MASTER = 0x22,
    MIXER_OLD_MIDI = 0x26,
    MIXER_OLD_CD = 0x28,
    MIXER_OLD_LINE = 0x2E,
    MIXER_MASTER = 0x30, /* left; right is the next, as with all of these */
    MIXER_VOICE = 0x32,
    MIXER_MIDI = 0x34,
    MIXER_CD = 0x36,
    MIXER_LINE = 0x38,
    MIXER_MIC = 0x3A,
    MIXER_LAST_VOLUME = 0x47,
    MIXER_IRQ = 0x80,
    MIXER_DMA = 0x81,
    MIXER_IRQ_STATUS = 0x82,
};
enum { IRQ_BITS = 0x0F, DMA_BITS = 0xEB };
enum { VOLUME_STEPS = 31 }; /* of 2 dB, in bits 7..3 */

/* Registers of the CT1345 that stand for a pair here: four bits for each side. */
static unsigned pair_of(uint8_t index)
{
    switch (index) {
    case MIXER_OLD_VOICE: return MIXER_VOICE;
    case MIXER_OLD_MASTER: return MIXER_MASTER;
    case MIXER_OLD_MIDI: return MIXER_MIDI;
    case MIXER_OLD_CD: return MIXER_CD;
    case MIXER_OLD_LINE: return MIXER_LINE;
    default: return 0;
    }
}

void sb16_mixer_reset(struct sb16 *chip)
{
    static const struct {
        uint8_t index, value;
    } initial[] = { { 0x30, 0xC0 }, { 0x31, 0xC0 }, { 0x32, 0xC0 }, { 0x33, 0xC0 }, { 0x34, 0xC0 },
                    { 0x35, 0xC0 }, { 0x3C, 0x1F }, { 0x3D, 0x15 }, { 0x3E, 0x0B }, { 0x44, 0x80 },
                    { 0x45, 0x80 }, { 0x46, 0x80 }, { 0x47, 0x80 } };
    memset(chip->mixer, 0, MIXER_LAST_VOLUME + 1);
    for (size_t i = 0; i < VX_ARRAY_LEN(initial); i++)
        chip->mixer[initial[i].index] = initial[i].value;
}

unsigned sb16_mixer_irq(const struct sb16 *chip)
{
    for (unsigned i = 0; i < SB16_IRQS; i++)
        if (chip->mixer[MIXER_IRQ] >> i & 1)
            return i;
    return SB16_IRQS;
}

/* Without a wide channel 16-bit samples go over the other one. */
unsigned sb16_mixer_channel(const struct sb16 *chip, bool wide)
{
    uint8_t bits = chip->mixer[MIXER_DMA];
    for (unsigned i = 5; wide && i < SB16_CHANNELS; i++)
        if (bits >> i & 1)
            return i;
    for (unsigned i = 0; i < 4; i++)
        if (bits >> i & 1)
            return i;
    return SB16_CHANNELS;
}

/* 2 dB a step is 4 / 3 of what sound_attenuation() takes. */
static uint32_t loudness(const struct sb16 *chip, unsigned side)
{
    unsigned master = chip->mixer[MIXER_MASTER + side] >> 3, voice = chip->mixer[MIXER_VOICE + side] >> 3;
    return sound_attenuation((2 * VOLUME_STEPS - master - voice) * 4 / 3);
}

void sb16_mixer_apply(const struct sb16 *chip)
{
    sound_voice_volume(&chip->voice, (uint16_t)loudness(chip, 0), (uint16_t)loudness(chip, 1));
}

uint8_t sb16_mixer_read(const struct sb16 *chip)
{
    uint8_t index = chip->mixer_index;
    unsigned pair = pair_of(index);
    if (pair != 0)
        return (chip->mixer[pair] & 0xF0) | chip->mixer[pair + 1] >> 4;
    if (index == MIXER_OLD_MIC)
        return chip->mixer[MIXER_MIC] >> 5;
    if (index == MIXER_IRQ_STATUS)
        return chip->pending;
    return chip->mixer[index];
}

/* The lines of another interrupt or channel: what is up on the old one falls, and rises on the new one. */
static void rewire(struct sb16 *chip, uint8_t index, uint8_t value)
{
    bool waits = chip->dreq;
    unsigned wide = chip->transfer.wide, old = sb16_mixer_channel(chip, wide);
    if (waits)
        dma_set_dreq(&chip->dma[old], false);
    chip->dreq = false;
    chip->mixer[index] = value;
    sound_voice_wake(&chip->voice);
    sb16_update_irq(chip);
}

void sb16_mixer_write(struct sb16 *chip, uint8_t value)
{
    uint8_t index = chip->mixer_index;
    unsigned pair = pair_of(index);
    if (index == MIXER_RESET)
        sb16_mixer_reset(chip);
    else if (index == MIXER_IRQ)
        rewire(chip, index, value & IRQ_BITS);
    else if (index == MIXER_DMA)
        rewire(chip, index, value & DMA_BITS);
    else if (pair != 0)
        chip->mixer[pair] = value & 0xF0, chip->mixer[pair + 1] = (uint8_t)(value << 4);
    else if (index == MIXER_OLD_MIC)
        chip->mixer[MIXER_MIC] = (uint8_t)(value << 5);
    else if (index >= MIXER_MASTER && index <= MIXER_LAST_VOLUME)
        chip->mixer[index] = value;
    sb16_mixer_apply(chip);
}

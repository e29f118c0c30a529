/* ac97_codec.c - the codec's registers: most are kept as far as they have bits, some say what they must. */
#include <string.h>

#include "ac97_state.h"

enum {
    CODEC_RESET = 0x00,
    REG_MASTER = 0x02,
    REG_PCM_OUT = 0x18,
    REG_POWER = 0x26,
    REG_EXTENDED_ID = 0x28,
    REG_EXTENDED = 0x2A,
    REG_DAC_RATE = 0x2C,
    REG_ADC_RATE = 0x32,
    REG_MIC_RATE = 0x34,
    REG_ID_1 = 0x7C,
    REG_ID_2 = 0x7E,
};
enum { MUTE = 0x8000, STEPS = 0x1F, PCM_0_DB = 8, POWER_READY = 0x000F, EXTENDED_VRA = 0x0001, EXTENDED_VRM = 0x0008 };
enum { RATE_FULL = 48000, RATE_MIN = 8000 };

/* After a reset, and which bits a guest can change. The identity is SigmaTel's STAC9700. */
static const struct {
    uint8_t reg;
    uint16_t initial, mask;
} registers[] = {
    { 0x02, 0x8000, 0x9F1F },
    { 0x04, 0x8000, 0x9F1F },
    { 0x06, 0x8000, 0x801F },
    { 0x0A, 0x0000, 0x801E },
    { 0x0C, 0x8008, 0x801F },
    { 0x0E, 0x8008, 0x805F },
    { 0x10, 0x8808, 0x9F1F },
    { 0x12, 0x8808, 0x9F1F },
    { 0x14, 0x8808, 0x9F1F },
    { 0x16, 0x8808, 0x9F1F },
    { 0x18, 0x8808, 0x9F1F },
    { 0x1A, 0x0000, 0x0707 },
    { 0x1C, 0x8000, 0x8F0F },
    { 0x1E, 0x8000, 0x800F },
    { 0x20, 0x0000, 0x8380 },
    { REG_POWER, POWER_READY, 0xFF00 },
    { REG_EXTENDED_ID, EXTENDED_VRA | EXTENDED_VRM, 0 },
    { REG_EXTENDED, 0, EXTENDED_VRA | EXTENDED_VRM },
    { REG_DAC_RATE, RATE_FULL, 0xFFFF },
    { REG_ADC_RATE, RATE_FULL, 0xFFFF },
    { REG_MIC_RATE, RATE_FULL, 0xFFFF },
    { REG_ID_1, 0x8384, 0 },
    { REG_ID_2, 0x7600, 0 },
};

static uint16_t mask_of(unsigned reg)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(registers); i++)
        if (registers[i].reg == reg)
            return registers[i].mask;
    return 0;
}

void ac97_codec_reset(struct ac97 *chip)
{
    memset(chip->codec, 0, sizeof chip->codec);
    for (size_t i = 0; i < VX_ARRAY_LEN(registers); i++)
        chip->codec[registers[i].reg / 2] = registers[i].initial;
}

uint32_t ac97_codec_rate(const struct ac97 *chip, unsigned engine)
{
    return engine == AC97_PCM_OUT  ? chip->codec[REG_DAC_RATE / 2]
           : engine == AC97_PCM_IN ? chip->codec[REG_ADC_RATE / 2]
                                   : chip->codec[REG_MIC_RATE / 2];
}

/* 1.5 dB a step; PCM out can also amplify, by what the back end cannot. */
static uint16_t loudness(const struct ac97 *chip, unsigned shift)
{
    uint16_t master = chip->codec[REG_MASTER / 2], pcm = chip->codec[REG_PCM_OUT / 2];
    unsigned down = (master >> shift & STEPS) + (pcm >> shift & STEPS);
    if ((master | pcm) & MUTE)
        return 0;
    return sound_attenuation(down > PCM_0_DB ? down - PCM_0_DB : 0);
}

void ac97_codec_apply(const struct ac97 *chip)
{
    sound_voice_volume(&chip->engine[AC97_PCM_OUT].voice, loudness(chip, 8), loudness(chip, 0));
}

uint16_t ac97_codec_read(const struct ac97 *chip, unsigned reg)
{
    return reg < AC97_CODEC_BYTES ? chip->codec[reg / 2] : 0;
}

/* Rates are fixed but where the guest has asked for variable ones. */
static void write_rate(struct ac97 *chip, unsigned reg, uint16_t value)
{
    uint16_t bit = reg == REG_MIC_RATE ? EXTENDED_VRM : EXTENDED_VRA;
    bool variable = chip->codec[REG_EXTENDED / 2] & bit;
    uint16_t rate = !variable || value > RATE_FULL ? RATE_FULL : value < RATE_MIN ? RATE_MIN : value;
    if (rate == chip->codec[reg / 2])
        return;
    chip->codec[reg / 2] = rate;
    for (unsigned i = 0; i < AC97_ENGINES; i++)
        if (chip->engine[i].voice.rate_hz != ac97_codec_rate(chip, i))
            ac97_engine_set_rate(&chip->engine[i]);
}

void ac97_codec_write(struct ac97 *chip, unsigned reg, uint16_t value)
{
    static const uint8_t rates[] = { REG_DAC_RATE, REG_ADC_RATE, REG_MIC_RATE };
    uint16_t mask = reg < AC97_CODEC_BYTES ? mask_of(reg) : 0;
    if (reg == CODEC_RESET) {
        ac97_codec_reset(chip);
    } else if (memchr(rates, (int)reg, sizeof rates) != NULL) {
        write_rate(chip, reg, value);
    } else if (mask != 0) {
        chip->codec[reg / 2] = (uint16_t)((chip->codec[reg / 2] & ~mask) | (value & mask));
        for (size_t i = 0; reg == REG_EXTENDED && i < sizeof rates; i++)
            write_rate(chip, rates[i], chip->codec[rates[i] / 2]);
    }
    ac97_codec_apply(chip);
}

/* ac97.c - PCI function, global registers and life. See ac97.h and ac97_state.h. */
#include <stdlib.h>
#include <string.h>

#include "ac97_state.h"

enum { NAM_BYTES = 256, NABM_BYTES = 64, ENGINE_BYTES = 16 };
enum { GLOB_CNT = 0x2C, GLOB_STA = 0x30, CAS = 0x34 };
enum { CNT_COLD = 0x02, CNT_WARM = 0x04, CNT_BITS = 0x3F };
enum { STA_PCM_IN = 0x20, STA_PCM_OUT = 0x40, STA_MIC = 0x80, STA_READY = 0x100 };

void ac97_update_irq(struct ac97 *chip)
{
    bool level = false;
    for (unsigned i = 0; i < AC97_ENGINES; i++)
        level |= ac97_engine_interrupts(&chip->engine[i]);
    pci_set_intx(&chip->fn, level);
}

static uint32_t glob_sta(const struct ac97 *chip)
{
    static const uint16_t bits[AC97_ENGINES] = { STA_PCM_IN, STA_PCM_OUT, STA_MIC };
    uint32_t value = chip->glob_cnt & CNT_COLD ? STA_READY : 0;
    for (unsigned i = 0; i < AC97_ENGINES; i++)
        if (ac97_engine_status(&chip->engine[i]) != 0)
            value |= bits[i];
    return value;
}

/* ---- ports ------------------------------------------------------------------------------------------------------- */

static uint64_t nam_read(void *opaque, uint64_t off, unsigned size)
{
    struct ac97 *chip = opaque;
    (void)size;
    chip->cas = false;
    return ac97_codec_read(chip, (unsigned)off & ~1u);
}

static void nam_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct ac97 *chip = opaque;
    (void)size;
    chip->cas = false;
    ac97_codec_write(chip, (unsigned)off & ~1u, (uint16_t)value);
}

static uint64_t nabm_read(void *opaque, uint64_t off, unsigned size)
{
    struct ac97 *chip = opaque;
    (void)size;
    if (off < AC97_ENGINES * ENGINE_BYTES - 4)
        return ac97_engine_read(&chip->engine[off / ENGINE_BYTES], off % ENGINE_BYTES);
    if (off >= GLOB_CNT && off < GLOB_CNT + 4)
        return chip->glob_cnt >> 8 * (off - GLOB_CNT) & 0xFF;
    if (off >= GLOB_STA && off < GLOB_STA + 4)
        return glob_sta(chip) >> 8 * (off - GLOB_STA) & 0xFF;
    bool was = chip->cas;
    chip->cas |= off == CAS;
    return off == CAS && was;
}

/* Cold reset is a level: while it is 0 the codec is in reset. The bit of the warm one falls by itself. */
static void write_glob_cnt(struct ac97 *chip, uint8_t value)
{
    if ((chip->glob_cnt & CNT_COLD) && !(value & CNT_COLD)) {
        ac97_codec_reset(chip);
        ac97_codec_apply(chip);
    }
    chip->glob_cnt = value & CNT_BITS & ~CNT_WARM;
}

static void nabm_write(void *opaque, uint64_t off, unsigned size, uint64_t value)
{
    struct ac97 *chip = opaque;
    (void)size;
    if (off < AC97_ENGINES * ENGINE_BYTES - 4)
        ac97_engine_write(&chip->engine[off / ENGINE_BYTES], off % ENGINE_BYTES, (uint8_t)value);
    else if (off == GLOB_CNT)
        write_glob_cnt(chip, (uint8_t)value);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void reset_registers(struct ac97 *chip)
{
    for (unsigned i = 0; i < AC97_ENGINES; i++)
        ac97_engine_reset(&chip->engine[i]);
    chip->glob_cnt = 0;
    chip->cas = false;
    ac97_codec_reset(chip);
}

static void reset(void *instance, enum reset phase)
{
    struct ac97 *chip = instance;
    if (phase == VX_RESET_HOLD) {
        reset_registers(chip);
        return;
    }
    ac97_update_irq(chip);
    for (unsigned i = 0; i < AC97_ENGINES; i++)
        sound_voice_released(&chip->engine[i].voice);
    ac97_codec_apply(chip);
}

static void restored(void *instance)
{
    struct ac97 *chip = instance;
    for (unsigned i = 0; i < AC97_ENGINES; i++)
        sound_voice_restored(&chip->engine[i].voice);
    ac97_codec_apply(chip);
}

static void destroy(void *instance)
{
    struct ac97 *chip = instance;
    if (chip == NULL)
        return;
    for (unsigned i = 0; i < AC97_ENGINES; i++)
        sound_voice_fini(&chip->engine[i].voice);
    pci_remove(&chip->fn);
    free(chip);
}

static void wire_engines(struct ac97 *chip, const struct ac97_config *config)
{
    static const uint8_t streams[AC97_ENGINES] = { 1, 0, 2 };
    for (unsigned i = 0; i < AC97_ENGINES; i++) {
        struct ac97_engine *engine = &chip->engine[i];
        engine->chip = chip;
        engine->number = i;
        engine->voice.clock = config->clock;
        engine->voice.audio = config->audio;
        engine->voice.stream = config->stream + streams[i];
        engine->voice.ops = &ac97_voice_ops;
        engine->voice.opaque = engine;
        sound_voice_init(&engine->voice);
    }
}

/* Engines that were not allowed to reach memory try again. */
static void config_written(void *opaque, unsigned reg, unsigned size)
{
    struct ac97 *chip = opaque;
    (void)reg, (void)size;
    for (unsigned i = 0; i < AC97_ENGINES && pci_is_master(&chip->fn); i++)
        sound_voice_wake(&chip->engine[i].voice);
}

static vx_err plug_in(struct ac97 *chip, const struct ac97_config *config)
{
    pci_function_init(&chip->fn, &(struct pci_ident){ .name = "ac97",
                                                      .vendor = 0x8086,
                                                      .device = 0x2415,
                                                      .class_code = 0x040100,
                                                      .revision = 1,
                                                      .interrupt_pin = 1,
                                                      .subsystem_vendor = 0x8086,
                                                      .subsystem = 0x2415 });
    chip->fn.opaque = chip;
    chip->fn.written = config_written;
    chip->nam = (struct vx_region){
        .name = "ac97 codec", .min_size = 2, .max_size = 2, .read = nam_read, .write = nam_write, .opaque = chip
    };
    chip->nabm = (struct vx_region){
        .name = "ac97 bus master", .max_size = 1, .read = nabm_read, .write = nabm_write, .opaque = chip
    };
    chip->fn.bar[0] =
        (struct pci_bar){ .size = NAM_BYTES, .io = true, .region = &chip->nam, .mapped_at = PCI_UNMAPPED };
    chip->fn.bar[1] =
        (struct pci_bar){ .size = NABM_BYTES, .io = true, .region = &chip->nabm, .mapped_at = PCI_UNMAPPED };
    return pci_add(config->pci, config->slot, 0, &chip->fn);
}

vx_err ac97_create(const struct ac97_config *config, struct ac97 **out)
{
    struct ac97 *chip = calloc(1, sizeof *chip);
    if (chip == NULL)
        return VX_ERR_NO_MEMORY;
    chip->log = config->log;
    chip->pmap = config->pmap;
    wire_engines(chip, config);
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

/* What is an input stays one, and the codec says nothing that it could not. */
static const char *check(const void *loaded)
{
    const struct ac97 *chip = loaded;
    for (unsigned i = 0; i < AC97_ENGINES; i++) {
        const struct sound_voice *voice = &chip->engine[i].voice;
        if (voice->input != (i != AC97_PCM_OUT) || (voice->running && voice->sample != VX_SAMPLE_S16))
            return "engine";
    }
    return NULL;
}

static const struct state_field fields[] = {
    FIELD_STRUCT(struct ac97, fn, &pci_function_state),
    FIELD_STRUCT(struct ac97, engine, &ac97_engine_state),
    REGISTER(struct ac97, glob_cnt),
    FIELD(struct ac97, cas),
    REGISTER(struct ac97, codec),
    WIRES(struct ac97, log, pmap, nam, nabm),
};
static const struct state_table state = STATE_TABLE(struct ac97, fields, check);

const struct device_type ac97_type = {
    .name = "ac97",
    .version = 1,
    .state = &state,
    .reset = reset,
    .restored = restored,
    .destroy = destroy,
};

/* ac97_ring.c - an engine: it walks the list of descriptors, and its voice the samples of each. See ac97_state.h.
 *
 *   I1  Where a descriptor is in force (`loaded`), CIV is its number and PIV the next one's.
 *   I2  Where none is, the next one is loaded when its first sample is due.
 *   I3  The voice runs while CR_RPBM is set and the engine has not halted at the last valid descriptor (SR_DCH). */
#include <string.h>

#include "ac97_state.h"
#include "vx86/bytes.h"

enum {
    REG_BDBAR = 0,
    REG_CIV = 4,
    REG_LVI,
    REG_SR,
    REG_PICB = 8,
    REG_PIV = 10,
    REG_CR,
};
enum { SR_DCH = 0x01, SR_CELV = 0x02, SR_LVBCI = 0x04, SR_BCIS = 0x08, SR_FIFOE = 0x10, SR_EVENTS = 0x1C };
enum { CR_RPBM = 0x01, CR_RR = 0x02, CR_LVBIE = 0x04, CR_FEIE = 0x08, CR_IOCE = 0x10, CR_BITS = 0x1D };
enum { CONTROL_IOC = 0x8000, INDEX = AC97_DESCRIPTORS - 1, DESCRIPTOR_BYTES = 8 };

void ac97_engine_reset(struct ac97_engine *engine)
{
    engine->bdbar = 0;
    engine->civ = engine->lvi = engine->piv = engine->cr = 0;
    engine->sr = SR_DCH;
    engine->loaded = false;
    engine->at = 0;
    engine->picb = engine->control = 0;
    sound_voice_reset(&engine->voice);
    engine->voice.input = engine->number != AC97_PCM_OUT;
}

uint8_t ac97_engine_status(const struct ac97_engine *engine)
{
    return engine->sr & SR_EVENTS;
}

bool ac97_engine_interrupts(const struct ac97_engine *engine)
{
    return ((engine->sr & SR_LVBCI) && (engine->cr & CR_LVBIE)) || ((engine->sr & SR_BCIS) && (engine->cr & CR_IOCE)) ||
           ((engine->sr & SR_FIFOE) && (engine->cr & CR_FEIE));
}

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

static void load(struct ac97_engine *engine)
{
    uint8_t descriptor[DESCRIPTOR_BYTES];
    engine->civ = engine->piv;
    engine->piv = (engine->piv + 1) & INDEX;
    vx_pmap_dma_read(engine->chip->pmap, engine->bdbar + (uint32_t)engine->civ * DESCRIPTOR_BYTES, descriptor,
                     sizeof descriptor);
    engine->at = vx_get_le32(descriptor) & ~1u;
    engine->picb = vx_get_le16(descriptor + 4);
    engine->control = vx_get_le16(descriptor + 6);
    engine->loaded = true;
}

/* The last sample of a descriptor has had its time. False: it was the last valid one, and the engine halts. */
static bool next_descriptor(struct ac97_engine *engine)
{
    bool last = engine->civ == engine->lvi;
    if (engine->control & CONTROL_IOC)
        engine->sr |= SR_BCIS;
    engine->loaded = false;
    if (last) {
        engine->sr |= SR_LVBCI | SR_DCH | SR_CELV;
        sound_voice_stop(&engine->voice);
    }
    ac97_update_irq(engine->chip);
    return !last;
}

/* Samples go in pairs where there are two channels; an odd one at the end is left out. */
static size_t move(void *opaque, uint8_t *frames, size_t count)
{
    struct ac97_engine *engine = opaque;
    unsigned channels = engine->voice.channels;
    if (!pci_is_master(&engine->chip->fn))
        return 0;
    for (unsigned tries = 0;; tries++) {
        if (!engine->loaded)
            load(engine);
        if (engine->picb >= channels)
            break;
        if (tries == AC97_DESCRIPTORS || !next_descriptor(engine)) /* they are all empty */
            return 0;
    }
    if (count > engine->picb / channels)
        count = engine->picb / channels;
    if (frames == NULL)
        return count;
    size_t bytes = count * channels * 2;
    if (engine->voice.input)
        vx_pmap_dma_write(engine->chip->pmap, engine->at, frames, bytes);
    else
        vx_pmap_dma_read(engine->chip->pmap, engine->at, frames, bytes);
    engine->at += (uint32_t)bytes;
    engine->picb = (uint16_t)(engine->picb - count * channels);
    return count;
}

const struct sound_voice_ops ac97_voice_ops = { .move = move };

static void run(struct ac97_engine *engine)
{
    engine->sr &= (uint8_t) ~(SR_DCH | SR_CELV);
    sound_voice_start(&engine->voice, ac97_codec_rate(engine->chip, engine->number), engine->number == AC97_MIC ? 1 : 2,
                      VX_SAMPLE_S16);
    ac97_codec_apply(engine->chip);
}

void ac97_engine_set_rate(struct ac97_engine *engine)
{
    if (engine->voice.running)
        run(engine);
}

/* ---- registers --------------------------------------------------------------------------------------------------- */

/* What has been moved counts when its time is over. */
static uint16_t samples_left(const struct ac97_engine *engine)
{
    uint32_t left = engine->picb + (uint32_t)sound_voice_ahead(&engine->voice) * engine->voice.channels;
    return (uint16_t)(left > UINT16_MAX ? UINT16_MAX : left);
}

uint8_t ac97_engine_read(const struct ac97_engine *engine, unsigned off)
{
    switch (off) {
    case REG_CIV: return engine->civ;
    case REG_LVI: return engine->lvi;
    case REG_SR: return engine->sr;
    case REG_PICB: return (uint8_t)samples_left(engine);
    case REG_PICB + 1: return (uint8_t)(samples_left(engine) >> 8);
    case REG_PIV: return engine->piv;
    case REG_CR: return engine->cr;
    default: return off < REG_CIV ? (uint8_t)(engine->bdbar >> 8 * off) : 0;
    }
}

/* Another last one: an engine that has halted goes on behind the one that it halted at. */
static void write_lvi(struct ac97_engine *engine, uint8_t value)
{
    engine->lvi = value & INDEX;
    if ((engine->cr & CR_RPBM) && (engine->sr & SR_CELV))
        run(engine);
}

/* A pause keeps the descriptor; the reset bit works on an engine that stands still. */
static void write_cr(struct ac97_engine *engine, uint8_t value)
{
    bool was = engine->cr & CR_RPBM, runs = value & CR_RPBM;
    engine->cr = value & CR_BITS;
    if ((value & CR_RR) && !runs) {
        ac97_engine_reset(engine);
        sound_voice_released(&engine->voice);
    } else if (runs && !was) {
        run(engine);
    } else if (!runs && was) {
        uint32_t ahead = (uint32_t)sound_voice_ahead(&engine->voice) * engine->voice.channels;
        engine->picb = (uint16_t)(engine->picb + ahead); /* they are to be played when it goes on */
        engine->at -= 2 * ahead;
        sound_voice_stop(&engine->voice);
        engine->sr |= SR_DCH;
    }
}

void ac97_engine_write(struct ac97_engine *engine, unsigned off, uint8_t value)
{
    uint32_t mask = 0xFFu << 8 * (off & 3);
    switch (off) {
    case REG_LVI: write_lvi(engine, value); break;
    case REG_SR: engine->sr &= (uint8_t) ~(value & SR_EVENTS); break;
    case REG_CR: write_cr(engine, value); break;
    default:
        if (off < REG_CIV)
            engine->bdbar = ((engine->bdbar & ~mask) | (uint32_t)value << 8 * off) & ~7u;
    }
    ac97_update_irq(engine->chip);
}

static const struct state_field fields[] = {
    REGISTER(struct ac97_engine, bdbar),
    REGISTER_MAX(struct ac97_engine, civ, INDEX),
    REGISTER_MAX(struct ac97_engine, lvi, INDEX),
    REGISTER_MAX(struct ac97_engine, piv, INDEX),
    REGISTER(struct ac97_engine, cr),
    REGISTER(struct ac97_engine, sr),
    FIELD(struct ac97_engine, loaded),
    FIELD(struct ac97_engine, at),
    REGISTER(struct ac97_engine, picb),
    FIELD(struct ac97_engine, control),
    FIELD_STRUCT(struct ac97_engine, voice, &sound_voice_state),
    WIRES(struct ac97_engine, chip, number),
};
const struct state_table ac97_engine_state = STATE_TABLE(struct ac97_engine, fields, NULL);

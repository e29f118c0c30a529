/* ac97_state.h - the struct behind ac97.h, for its own files.
 *
 *   ac97.c        PCI, GLOB_CNT and GLOB_STA, interrupt, life
 *   ac97_ring.c   an engine: descriptors and samples
 *   ac97_codec.c  NAM */
#ifndef VX86_DEVICES_AC97_STATE_H
#define VX86_DEVICES_AC97_STATE_H

#include "ac97.h"
#include "sound_voice.h"

/* Engines in order of their registers; of their streams in order of ac97_config. */
enum { AC97_PCM_IN, AC97_PCM_OUT, AC97_MIC, AC97_ENGINES };
enum { AC97_CODEC_BYTES = 128, AC97_DESCRIPTORS = 32 };

struct ac97_engine {
    struct ac97 *chip;
    unsigned number;

    uint32_t bdbar;
    uint8_t civ, lvi, piv, cr;
    uint8_t sr;       /* SR_* */
    bool loaded;      /* a descriptor is in force: */
    uint32_t at;      /* where its next sample is */
    uint16_t picb;    /* samples of it that have not been moved */
    uint16_t control; /* its upper half: IOC, BUP */
    struct sound_voice voice;
};

struct ac97 {
    struct vx_log *log;
    struct vx_pmap *pmap;
    struct pci_function fn;
    struct vx_region nam, nabm;
    struct ac97_engine engine[AC97_ENGINES];
    uint32_t glob_cnt;
    bool cas; /* somebody is at the codec */
    uint16_t codec[AC97_CODEC_BYTES / 2];
};

/* ac97.c: after a status or an enable bit has changed. */
void ac97_update_irq(struct ac97 *chip);

/* ac97_ring.c */
extern const struct state_table ac97_engine_state;
extern const struct sound_voice_ops ac97_voice_ops;
void ac97_engine_reset(struct ac97_engine *engine);
/* off: 0 to 15. */
uint8_t ac97_engine_read(const struct ac97_engine *engine, unsigned off);
void ac97_engine_write(struct ac97_engine *engine, unsigned off, uint8_t value);
/* The codec runs at another rate. */
void ac97_engine_set_rate(struct ac97_engine *engine);
/* SR_LVBCI, SR_BCIS and SR_FIFOE that are pending, and those of them that interrupt. */
uint8_t ac97_engine_status(const struct ac97_engine *engine);
bool ac97_engine_interrupts(const struct ac97_engine *engine);

/* ac97_codec.c */
void ac97_codec_reset(struct ac97 *chip);
uint16_t ac97_codec_read(const struct ac97 *chip, unsigned reg);
void ac97_codec_write(struct ac97 *chip, unsigned reg, uint16_t value);
uint32_t ac97_codec_rate(const struct ac97 *chip, unsigned engine);
void ac97_codec_apply(const struct ac97 *chip); /* the volume, to the back end */

#endif

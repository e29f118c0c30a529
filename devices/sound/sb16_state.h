/* sb16_state.h - the struct behind sb16.h, for its own files.
 *
 *   sb16.c        ports, interrupts, life
 *   sb16_dsp.c    commands, byte by byte, and their answers
 *   sb16_dma.c    a transfer: blocks, DREQ, samples
 *   sb16_mixer.c  CT1745
 *
 *   I1  The voice runs while a transfer is under way and not paused, see sb16_dma.c. */
#ifndef VX86_DEVICES_SB16_STATE_H
#define VX86_DEVICES_SB16_STATE_H

#include "mpu401.h"
#include "sb16.h"
#include "sound_voice.h"

enum { SB16_OUT_BYTES = 64, SB16_MIXER_REGS = 256 };

/* Reasons for the interrupt: mixer register 82h. */
enum { SB16_IRQ_8 = 1, SB16_IRQ_16 = 2, SB16_IRQ_MPU = 4 };

struct sb16_transfer {
    bool active, paused;
    bool silence;   /* command 80h: no DMA, nothing to hear */
    bool wide;      /* 16 bits: samples, channel, interrupt */
    bool invert;    /* the top bit of samples: what the back end calls the other sign */
    bool auto_init; /* another block follows this one */
    uint32_t block; /* samples of a block, 1 to 65536 */
    uint32_t left;  /* of this one, not yet moved */
};

struct sb16_move; /* sb16_dma.c */

struct sb16 {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq irq[SB16_IRQS];
    struct dma_channel dma[SB16_CHANNELS];
    struct vx_region regions[2];

    /* DSP */
    bool in_reset;                       /* port 226h is 1 */
    bool speaker;                        /* D1h, D3h */
    uint8_t test;                        /* E4h, E8h */
    uint8_t command, args[3], arg_count; /* command 0: none waits for its bytes */
    uint8_t out[SB16_OUT_BYTES], out_head, out_count, last_out;
    uint32_t rate_hz;    /* of the next transfer, frames a second where `by_constant` is not set */
    bool by_constant;    /* rate_hz is samples a second: 40h */
    uint32_t high_block; /* samples, 48h */
    uint64_t direct_ns;  /* until when the direct mode has been played; 0: it is not in use */
    uint8_t direct_level;
    struct sb16_transfer transfer;
    uint8_t pending; /* SB16_IRQ_* */
    bool dreq;       /* of the channel in use */

    struct sound_voice voice;
    struct sb16_move *move; /* NULL but inside of it */

    uint8_t mixer_index, mixer[SB16_MIXER_REGS];
    struct mpu401 mpu;
};

/* sb16.c */
void sb16_raise(struct sb16 *chip, uint8_t reasons);
void sb16_acknowledge(struct sb16 *chip, uint8_t reasons);
void sb16_update_irq(struct sb16 *chip);

/* sb16_dsp.c */
void sb16_dsp_reset(struct sb16 *chip);
void sb16_dsp_write(struct sb16 *chip, uint8_t byte);
uint8_t sb16_dsp_read(struct sb16 *chip);

/* sb16_dma.c */
extern const struct sound_voice_ops sb16_voice_ops;
extern const struct state_table sb16_transfer_state;
struct sb16_form {
    bool wide, is_signed, stereo, input, auto_init;
};
void sb16_begin(struct sb16 *chip, struct sb16_form form, uint32_t samples);
void sb16_begin_silence(struct sb16 *chip, uint32_t samples);
void sb16_end(struct sb16 *chip);
void sb16_pause(struct sb16 *chip, bool pause);
/* One sample by the program itself, command 10h. */
void sb16_direct(struct sb16 *chip, uint8_t level);
size_t sb16_dack(void *opaque, enum dma_direction direction, void *buf, size_t bytes);

/* sb16_mixer.c */
void sb16_mixer_reset(struct sb16 *chip);
uint8_t sb16_mixer_read(const struct sb16 *chip);
void sb16_mixer_write(struct sb16 *chip, uint8_t value);
void sb16_mixer_apply(const struct sb16 *chip); /* the volumes, to the back end */
/* The channel that register 81h selects; SB16_CHANNELS: none. */
unsigned sb16_mixer_channel(const struct sb16 *chip, bool wide);
/* Index into irq[], SB16_IRQS: none. */
unsigned sb16_mixer_irq(const struct sb16 *chip);

#endif

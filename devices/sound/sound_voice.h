/* sound_voice.h - samples that go between a device's DMA and the back end at their rate: what all sound cards have in
 * common.
 *
 *     timer, every VOICE_MS at most --> the device's move(): so many frames, fewer at the end of a block --> play()
 *
 * Frames are moved when their time begins: a device that has moved the last of a block is asked again when its time is
 * over, and says so to the guest then. So blocks end to the nanosecond where the rate puts them, whenever the host
 * comes round. A device that has nothing (its DMA is not set up) is not asked again until sound_voice_wake().
 * Thread rule: machine thread only. */
#ifndef VX86_DEVICES_SOUND_VOICE_H
#define VX86_DEVICES_SOUND_VOICE_H

#include "device.h"
#include "vx86/backend.h"

#define VOICE_MS        2u
#define VOICE_RATE_MIN  4000u
#define VOICE_RATE_MAX  192000u
#define VOICE_MAX_BYTES (VOICE_RATE_MAX * VOICE_MS / 1000 * 8)

struct sound_voice_ops {
    /* Of an output: fills in up to `count` frames and returns how many. Of an input: called twice, first with NULL: how
     * many it has room for, then with so many to take; returns how many it took. 0: nothing now. May stop the voice. */
    size_t (*move)(void *opaque, uint8_t *frames, size_t count);
};

struct sound_voice {
    struct vx_clock *clock; /* wires */
    struct vx_audio *audio; /* NULL: nobody listens */
    unsigned stream;
    const struct sound_voice_ops *ops;
    void *opaque;

    bool input; /* the device's: while the voice stands still it may become another one */
    struct vx_timer timer;
    bool running, waiting;    /* waiting: for sound_voice_wake() */
    uint32_t rate_hz;         /* VOICE_RATE_MIN to VOICE_RATE_MAX */
    uint8_t channels, sample; /* 1 or 2; enum vx_sample */
    uint64_t base_ns, frames; /* so many frames have been moved since */
};

extern const struct state_table sound_voice_state;

/* The wires are filled in. */
void sound_voice_init(struct sound_voice *voice);
void sound_voice_reset(struct sound_voice *voice);    /* phase HOLD: stands still; the back end is not told */
void sound_voice_released(struct sound_voice *voice); /* phase RELEASE: it is */
void sound_voice_restored(struct sound_voice *voice);
void sound_voice_fini(struct sound_voice *voice);

/* Begins, or goes on in another form, now. The rate is brought into its range. */
void sound_voice_start(struct sound_voice *voice, uint32_t rate_hz, unsigned channels, enum vx_sample sample);
void sound_voice_stop(struct sound_voice *voice);
/* There is something to move again. */
void sound_voice_wake(struct sound_voice *voice);
void sound_voice_volume(const struct sound_voice *voice, uint16_t left, uint16_t right);

/* Frames that have been moved and whose time has not come: what a position register must not count yet. */
size_t sound_voice_ahead(const struct sound_voice *voice);

static inline unsigned sound_voice_frame_bytes(const struct sound_voice *voice)
{
    return voice->channels * (voice->sample == VX_SAMPLE_U8 ? 1u : voice->sample == VX_SAMPLE_S16 ? 2u : 4u);
}

/* 0 to 65535 for so many steps of 1.5 dB below full; from 63 on silence. */
uint16_t sound_attenuation(unsigned steps);

#endif

/* audio_mix.h - all streams of the guest's devices as one: stereo, 16 bits, at AUDIO_RATE_HZ, placed by guest time.
 *
 *     play() of each stream --resampled, volume--> ring of sums, one per output frame --nobody adds any more--> sink
 *
 * A frame is final when every stream that runs has got past it, at the latest AUDIO_LATE_FRAMES behind the stream that
 * is ahead; what comes later for it is dropped. Samples between two of a stream lie on a line between them.
 * No I/O, no time. Thread rule: one thread. */
#ifndef VX86_FRONTEND_AUDIO_MIX_H
#define VX86_FRONTEND_AUDIO_MIX_H

#include "vx86/backend.h"

#define AUDIO_RATE_HZ     48000u
#define AUDIO_CHANNELS    2u
#define AUDIO_STREAMS     8u
#define AUDIO_LATE_FRAMES (AUDIO_RATE_HZ / 10)
#define AUDIO_RING_FRAMES 16384u /* a power of two, more than AUDIO_LATE_FRAMES */

struct audio_sink {
    /* `count` frames of interleaved samples, the first of them frame `at` of all; in order. What lies between two calls
     * is silence. */
    void (*write)(void *opaque, uint64_t at, const int16_t *samples, size_t count);
    void *opaque;
};

struct audio_stream {
    bool running, primed;          /* `last` is the frame before the next one */
    struct vx_audio_format format; /* of a stream that runs */
    uint16_t volume[AUDIO_CHANNELS];
    int32_t last[AUDIO_CHANNELS];
    uint64_t before;    /* where `last` is, in 65536ths of an output frame */
    uint64_t place;     /* of the next frame */
    uint64_t remainder; /* of `place`, in parts of the format's rate */
    uint64_t end;       /* output frames below it have what this stream adds */
};

struct audio_mix {
    struct audio_sink sink;
    struct audio_stream stream[AUDIO_STREAMS];
    bool begun;         /* base holds */
    int64_t shift;      /* from guest time to output frames, where the guest's clock was set back */
    uint64_t base, top; /* frames below base are final; at top and above nobody has added anything */
    int32_t ring[AUDIO_RING_FRAMES][AUDIO_CHANNELS];
};

void audio_mix_init(struct audio_mix *mix, struct audio_sink sink);

/* As struct vx_audio_ops has them. */
void audio_mix_start(struct audio_mix *mix, unsigned stream, const struct vx_audio_format *format);
void audio_mix_stop(struct audio_mix *mix, unsigned stream);
void audio_mix_play(struct audio_mix *mix, unsigned stream, const void *frames, size_t count, uint64_t guest_ns);
void audio_mix_volume(struct audio_mix *mix, unsigned stream, uint16_t left, uint16_t right);

/* Everything is final. */
void audio_mix_flush(struct audio_mix *mix);

#endif

/* sound_rig.h - a back end that keeps what devices play, and checks that they keep the interface. */
#ifndef VX86_TESTS_SOUND_RIG_H
#define VX86_TESTS_SOUND_RIG_H

#include <criterion/criterion.h>
#include <string.h>

#include "tone.h"
#include "vx86/backend.h"
#include "vx86/bytes.h"
#include "vx86/clock.h"

#define RECORD_FRAMES (192000u * 3)

/* One stream: what has been played since the last start, as 16-bit stereo. */
struct record {
    struct vx_audio_format format;
    bool running;
    unsigned starts, stops, gaps; /* gaps: frames that did not follow those before them by 1 ms */
    uint64_t first_ns, next_ns;
    uint16_t volume[2];
    size_t count;
    int16_t frame[RECORD_FRAMES][2];
};

struct sound_rig {
    struct vx_audio audio;
    struct record stream[3];
    uint8_t input; /* what is recorded counts up from here */
};

static void record_start(void *opaque, unsigned stream, const struct vx_audio_format *format)
{
    struct record *record = &((struct sound_rig *)opaque)->stream[stream];
    cr_assert(format->rate_hz >= 4000 && format->rate_hz <= 192000 && format->channels - 1 <= 1);
    record->format = *format;
    record->running = true;
    record->starts++;
    record->count = 0;
}

static void record_stop(void *opaque, unsigned stream)
{
    struct record *record = &((struct sound_rig *)opaque)->stream[stream];
    record->stops += record->running;
    record->running = false;
}

static int16_t record_sample(enum vx_sample sample, const uint8_t *at)
{
    switch (sample) {
    case VX_SAMPLE_U8: return (int16_t)((*at - 128) * 256);
    case VX_SAMPLE_S16: return (int16_t)vx_get_le16(at);
    default: return (int16_t)vx_get_le16(at + 2);
    }
}

static void record_play(void *opaque, unsigned stream, const void *frames, size_t count, uint64_t guest_ns)
{
    struct record *record = &((struct sound_rig *)opaque)->stream[stream];
    unsigned bytes = record->format.sample == VX_SAMPLE_U8 ? 1 : record->format.sample == VX_SAMPLE_S16 ? 2 : 4;
    const uint8_t *at = frames;
    cr_assert(record->running && count > 0);
    if (record->count == 0)
        record->first_ns = guest_ns;
    else if (guest_ns > record->next_ns + 1000000 || guest_ns + 1000000 < record->next_ns)
        record->gaps++;
    for (size_t i = 0; i < count && record->count < RECORD_FRAMES; i++, record->count++)
        for (unsigned c = 0; c < 2; c++) {
            unsigned its = record->format.channels == 1 ? 0 : c;
            record->frame[record->count][c] =
                record_sample(record->format.sample, at + (i * record->format.channels + its) * bytes);
        }
    record->next_ns = guest_ns + vx_muldiv(count, VX_NS_PER_SEC, record->format.rate_hz);
}

static void record_input(void *opaque, unsigned stream, void *frames, size_t count, uint64_t guest_ns)
{
    struct sound_rig *rig = opaque;
    const struct vx_audio_format *format = &rig->stream[stream].format;
    uint8_t *at = frames;
    (void)guest_ns;
    for (size_t i = 0; i < count * format->channels * (format->sample == VX_SAMPLE_U8 ? 1 : 2); i++)
        at[i] = rig->input++;
}

static void record_volume(void *opaque, unsigned stream, uint16_t left, uint16_t right)
{
    struct record *record = &((struct sound_rig *)opaque)->stream[stream];
    record->volume[0] = left;
    record->volume[1] = right;
}

static inline void sound_rig_init(struct sound_rig *rig)
{
    static const struct vx_audio_ops ops = {
        .start = record_start, .stop = record_stop, .play = record_play, .record = record_input, .volume = record_volume
    };
    memset(rig, 0, sizeof *rig);
    rig->audio = (struct vx_audio){ .ops = &ops, .opaque = rig, .streams = 3 };
}

/* The stream has a tone of `hz` in that channel, and nothing else is nearly as loud. */
static inline void expect_tone(const struct record *record, unsigned channel, double hz)
{
    double rate = record->format.rate_hz;
    size_t skip = record->count / 10, count = record->count - 2 * skip;
    double step = rate / (double)count / 2;
    double loudest = tone_loudest(&record->frame[skip][channel], count, 2, rate, rate / 2, step < 5 ? 5 : step);
    cr_assert(fabs(loudest - hz) <= (step < 5 ? 5 : step), "the loudest frequency is %.0f Hz, not %.0f", loudest, hz);
    cr_assert_gt(tone_amplitude(&record->frame[skip][channel], count, 2, rate, hz), 500);
}

#endif

/* audio_mix.c - see audio_mix.h.
 *
 *   I1  Only ring places of frames in [base, top) are not zero, and top <= base + AUDIO_RING_FRAMES. */
#include "audio_mix.h"

#include <string.h>

#include "vx86/bytes.h"
#include "vx86/clock.h"

#define ONE          65536u                      /* an output frame, in units of `place` */
#define SLACK        (AUDIO_RATE_HZ / 500 * ONE) /* what a stream may be off before it is placed anew: 2 ms */
#define BACK_FRAMES  AUDIO_RATE_HZ               /* a stream so far back has been set back on purpose */
#define WRITE_FRAMES 512u

void audio_mix_init(struct audio_mix *mix, struct audio_sink sink)
{
    memset(mix, 0, sizeof *mix);
    mix->sink = sink;
    for (unsigned i = 0; i < AUDIO_STREAMS; i++)
        mix->stream[i].volume[0] = mix->stream[i].volume[1] = UINT16_MAX;
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

static int16_t clip(int32_t sum)
{
    return (int16_t)(sum < INT16_MIN ? INT16_MIN : sum > INT16_MAX ? INT16_MAX : sum);
}

static void write_out(struct audio_mix *mix, uint64_t end)
{
    int16_t samples[WRITE_FRAMES * AUDIO_CHANNELS];
    while (mix->base < end) {
        size_t count = 0;
        uint64_t at = mix->base;
        for (; count < WRITE_FRAMES && mix->base < end; count++, mix->base++) {
            int32_t *sums = mix->ring[mix->base % AUDIO_RING_FRAMES];
            for (unsigned c = 0; c < AUDIO_CHANNELS; c++) {
                samples[count * AUDIO_CHANNELS + c] = clip(sums[c]);
                sums[c] = 0;
            }
        }
        mix->sink.write(mix->sink.opaque, at, samples, count);
    }
}

/* Frames below `end` are final. Keeps I1: behind top there is nothing but silence. */
static void finish_below(struct audio_mix *mix, uint64_t end)
{
    write_out(mix, end < mix->top ? end : mix->top);
    if (mix->base < end)
        mix->base = end;
    if (mix->top < mix->base)
        mix->top = mix->base;
}

static void finish(struct audio_mix *mix)
{
    uint64_t end = mix->top, late = mix->top > AUDIO_LATE_FRAMES ? mix->top - AUDIO_LATE_FRAMES : 0;
    for (unsigned i = 0; i < AUDIO_STREAMS; i++)
        if (mix->stream[i].running && mix->stream[i].end < end)
            end = mix->stream[i].end;
    if (end < late)
        end = late;
    if (end > mix->base)
        finish_below(mix, end);
}

void audio_mix_flush(struct audio_mix *mix)
{
    finish_below(mix, mix->top);
}

static void add(struct audio_mix *mix, uint64_t at, int32_t left, int32_t right)
{
    if (at < mix->base)
        return;
    if (at >= mix->base + AUDIO_RING_FRAMES)
        finish_below(mix, at - AUDIO_RING_FRAMES / 2);
    int32_t *sums = mix->ring[at % AUDIO_RING_FRAMES];
    sums[0] += left;
    sums[1] += right;
    if (mix->top <= at)
        mix->top = at + 1;
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static unsigned sample_bytes(enum vx_sample sample)
{
    return sample == VX_SAMPLE_U8 ? 1 : sample == VX_SAMPLE_S16 ? 2 : 4;
}

static int32_t sample_at(enum vx_sample sample, const uint8_t *at)
{
    switch (sample) {
    case VX_SAMPLE_U8: return ((int32_t)*at - 128) * 256;
    case VX_SAMPLE_S16: return (int16_t)vx_get_le16(at);
    default: return (int16_t)vx_get_le16(at + 2);
    }
}

/* One frame of the format as left and right with the volume in it. */
static void read_frame(const struct audio_stream *stream, const uint8_t *at, int32_t frame[AUDIO_CHANNELS])
{
    for (unsigned c = 0; c < AUDIO_CHANNELS; c++) {
        unsigned its = stream->format.channels == 1 ? 0 : c;
        int32_t sample = sample_at(stream->format.sample, at + its * sample_bytes(stream->format.sample));
        frame[c] = (int32_t)((int64_t)sample * stream->volume[c] / UINT16_MAX);
    }
}

/* The output frames behind the place `from` up to `to`, where the stream goes from its last frame to `frame`. */
static void add_line(struct audio_mix *mix, const struct audio_stream *stream, uint64_t from, uint64_t to,
                     const int32_t frame[AUDIO_CHANNELS])
{
    for (uint64_t at = from / ONE + 1; at <= to / ONE; at++) {
        int64_t way = (int64_t)(at * ONE - from), all = (int64_t)(to - from);
        int32_t mixed[AUDIO_CHANNELS];
        for (unsigned c = 0; c < AUDIO_CHANNELS; c++)
            mixed[c] = stream->last[c] + (int32_t)((frame[c] - stream->last[c]) * way / all);
        add(mix, at, mixed[0], mixed[1]);
    }
}

static void place_next(struct audio_stream *stream)
{
    uint64_t rate = stream->format.rate_hz, step = (uint64_t)AUDIO_RATE_HZ * ONE + stream->remainder;
    stream->place += step / rate;
    stream->remainder = step % rate;
}

/* Where frames of `guest_ns` lie; the first of all, and one far behind what is final, say where that is. */
static uint64_t place_of(struct audio_mix *mix, uint64_t guest_ns)
{
    uint64_t place = vx_muldiv(guest_ns, (uint64_t)AUDIO_RATE_HZ * ONE, VX_NS_PER_SEC);
    uint64_t at = place / ONE + (uint64_t)mix->shift;
    if (!mix->begun) {
        mix->begun = true;
        mix->base = mix->top = at;
    } else if ((int64_t)(at - mix->base) < -(int64_t)BACK_FRAMES) {
        mix->shift += (int64_t)(mix->base - at);
        at = mix->base;
    }
    return at * ONE + place % ONE;
}

static bool is_near(uint64_t a, uint64_t b)
{
    return a - b + SLACK <= 2 * SLACK;
}

void audio_mix_play(struct audio_mix *mix, unsigned number, const void *frames, size_t count, uint64_t guest_ns)
{
    struct audio_stream *stream = &mix->stream[number];
    size_t bytes = stream->format.channels * sample_bytes(stream->format.sample);
    uint64_t place = place_of(mix, guest_ns);
    if (!stream->running || count == 0)
        return;
    if (!stream->primed || !is_near(place, stream->place)) {
        stream->place = place;
        stream->remainder = 0;
        stream->primed = false;
    }
    for (size_t i = 0; i < count; i++) {
        int32_t frame[AUDIO_CHANNELS];
        read_frame(stream, (const uint8_t *)frames + i * bytes, frame);
        if (!stream->primed)
            memcpy(stream->last, frame, sizeof frame);
        add_line(mix, stream, stream->primed ? stream->before : stream->place - 1, stream->place, frame);
        memcpy(stream->last, frame, sizeof frame);
        stream->primed = true;
        stream->before = stream->place;
        stream->end = stream->place / ONE + 1;
        place_next(stream);
    }
    finish(mix);
}

void audio_mix_start(struct audio_mix *mix, unsigned number, const struct vx_audio_format *format)
{
    struct audio_stream *stream = &mix->stream[number];
    stream->running = true;
    stream->primed = false;
    stream->format = *format;
    stream->end = mix->base;
}

void audio_mix_stop(struct audio_mix *mix, unsigned number)
{
    mix->stream[number].running = false;
    if (mix->begun)
        finish(mix);
}

void audio_mix_volume(struct audio_mix *mix, unsigned number, uint16_t left, uint16_t right)
{
    mix->stream[number].volume[0] = left;
    mix->stream[number].volume[1] = right;
}

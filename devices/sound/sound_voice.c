/* sound_voice.c - see sound_voice.h.
 *
 *   I1  The timer is armed at the time of the next frame while the voice runs and does not wait. */
#include "sound_voice.h"

#include <string.h>

#define LATE_NS (VX_NS_PER_SEC / 2) /* a host that was away for longer: what was to be moved meanwhile is left out */

static uint64_t next_ns(const struct sound_voice *voice)
{
    return voice->base_ns + vx_muldiv(voice->frames, VX_NS_PER_SEC, voice->rate_hz);
}

static void arm(struct sound_voice *voice)
{
    bool waits = !voice->running || voice->waiting;
    vx_timer_set(voice->clock, &voice->timer, waits ? VX_NEVER : next_ns(voice));
}

static void begin_now(struct sound_voice *voice)
{
    voice->base_ns = vx_clock_now_ns(voice->clock);
    voice->frames = 0;
}

/* Is there somebody at the back end's side of it? */
static bool is_heard(const struct sound_voice *voice)
{
    return voice->audio != NULL && (!voice->input || voice->audio->ops->record != NULL);
}

static void tell_start(const struct sound_voice *voice)
{
    struct vx_audio_format format = { .rate_hz = voice->rate_hz,
                                      .channels = voice->channels,
                                      .sample = (enum vx_sample)voice->sample };
    if (is_heard(voice))
        voice->audio->ops->start(voice->audio->opaque, voice->stream, &format);
}

static void tell_stop(const struct sound_voice *voice)
{
    if (is_heard(voice))
        voice->audio->ops->stop(voice->audio->opaque, voice->stream);
}

/* Of an input: what the host has, or silence, as much as the device has room for. Silence comes first in any case: the
 * guest gets nothing that the back end forgot to write. */
static size_t record(const struct sound_voice *voice, uint8_t *frames, size_t count, uint64_t at_ns)
{
    count = voice->ops->move(voice->opaque, NULL, count);
    if (count == 0)
        return 0;
    memset(frames, voice->sample == VX_SAMPLE_U8 ? 0x80 : 0, count * sound_voice_frame_bytes(voice));
    if (is_heard(voice))
        voice->audio->ops->record(voice->audio->opaque, voice->stream, frames, count, at_ns);
    return voice->ops->move(voice->opaque, frames, count);
}

static void time_has_come(void *opaque)
{
    struct sound_voice *voice = opaque;
    uint8_t frames[VOICE_MAX_BYTES];
    size_t count = voice->rate_hz * VOICE_MS / 1000;
    if (vx_clock_now_ns(voice->clock) > next_ns(voice) + LATE_NS)
        begin_now(voice);
    uint64_t at_ns = next_ns(voice);
    size_t moved = voice->input ? record(voice, frames, count, at_ns) : voice->ops->move(voice->opaque, frames, count);
    VX_ASSERT(moved <= count);
    if (moved != 0 && voice->audio != NULL && !voice->input)
        voice->audio->ops->play(voice->audio->opaque, voice->stream, frames, moved, at_ns);
    voice->frames += moved;
    voice->waiting = moved == 0 && voice->running;
    arm(voice);
}

void sound_voice_init(struct sound_voice *voice)
{
    voice->rate_hz = 8000;
    voice->channels = 1;
    vx_timer_init(voice->clock, &voice->timer, time_has_come, voice);
}

void sound_voice_reset(struct sound_voice *voice)
{
    voice->running = voice->waiting = false;
    voice->rate_hz = 8000;
    voice->channels = 1;
    voice->sample = VX_SAMPLE_U8;
    voice->base_ns = voice->frames = 0;
    vx_timer_set(voice->clock, &voice->timer, VX_NEVER);
}

void sound_voice_released(struct sound_voice *voice)
{
    tell_stop(voice);
}

void sound_voice_restored(struct sound_voice *voice)
{
    if (voice->running)
        tell_start(voice);
}

void sound_voice_fini(struct sound_voice *voice)
{
    vx_timer_set(voice->clock, &voice->timer, VX_NEVER);
    tell_stop(voice);
}

void sound_voice_start(struct sound_voice *voice, uint32_t rate_hz, unsigned channels, enum vx_sample sample)
{
    voice->rate_hz = rate_hz < VOICE_RATE_MIN ? VOICE_RATE_MIN : rate_hz > VOICE_RATE_MAX ? VOICE_RATE_MAX : rate_hz;
    voice->channels = (uint8_t)channels;
    voice->sample = (uint8_t)sample;
    voice->running = true;
    voice->waiting = false;
    begin_now(voice);
    tell_start(voice);
    arm(voice);
}

void sound_voice_stop(struct sound_voice *voice)
{
    if (!voice->running)
        return;
    voice->running = voice->waiting = false;
    arm(voice);
    tell_stop(voice);
}

void sound_voice_wake(struct sound_voice *voice)
{
    if (!voice->running || !voice->waiting)
        return;
    voice->waiting = false;
    begin_now(voice);
    arm(voice);
}

size_t sound_voice_ahead(const struct sound_voice *voice)
{
    uint64_t now = vx_clock_now_ns(voice->clock);
    if (!voice->running || now < voice->base_ns)
        return 0;
    uint64_t passed = vx_muldiv(now - voice->base_ns, voice->rate_hz, VX_NS_PER_SEC);
    return passed < voice->frames ? (size_t)(voice->frames - passed) : 0;
}

void sound_voice_volume(const struct sound_voice *voice, uint16_t left, uint16_t right)
{
    if (voice->audio != NULL && !voice->input)
        voice->audio->ops->volume(voice->audio->opaque, voice->stream, left, right);
}

uint16_t sound_attenuation(unsigned steps)
{
    /* 65535 * 10^(-1.5 n / 20) for n below 4, halved for each 6.02 dB more */
    static const uint16_t first[] = { 65535, 55141, 46396, 39037 };
    return steps >= 63 ? 0 : first[steps % 4] >> steps / 4;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

static const struct state_field fields[] = {
    FIELD_TIMER(struct sound_voice, timer, clock),
    REGISTER(struct sound_voice, running),
    FIELD(struct sound_voice, waiting),
    REGISTER_IN(struct sound_voice, rate_hz, VOICE_RATE_MIN, VOICE_RATE_MAX),
    FIELD_IN(struct sound_voice, channels, 1, 2),
    FIELD_MAX(struct sound_voice, sample, VX_SAMPLE_S32),
    FIELD_MAX(struct sound_voice, base_ns, STATE_NS_MAX),
    FIELD_MAX(struct sound_voice, frames, STATE_TICKS_MAX),
    FIELD(struct sound_voice, input),
    WIRES(struct sound_voice, clock, audio, stream, ops, opaque),
};
const struct state_table sound_voice_state = STATE_TABLE(struct sound_voice, fields, NULL);

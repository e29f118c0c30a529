/* pc_speaker.c - levels to samples. See pc_speaker.h.
 *
 *   I1  Everything before `tick` is in the samples, or in `high` of the sample that is not complete. `counter` is as
 *       counter 2 has been since then: the 8254 tells after each change, when the time before it is rendered from here.
 *   I2  While it plays, the timer comes every CHUNK_NS; what does not change for QUIET_TICKS is not played on. */
#include "pc_speaker.h"

#include <stdlib.h>
#include <string.h>

#include "pit_counter.h"

enum { RATE_HZ = 48000, CHUNK_FRAMES = 480, LOUD = 12000, DC_SHIFT = 10, DC_FRACTION = 8 };
#define CHUNK_NS    (VX_NS_PER_SEC / 100)
#define QUIET_TICKS (PIT_HZ / 5)
#define LATE_TICKS  ((int64_t)PIT_HZ) /* so much is rendered after a time in which nobody could */

struct pc_speaker {
    struct vx_clock *clock;
    struct pit *pit;
    struct vx_audio *audio;
    unsigned stream;
    struct vx_timer timer;

    struct pit_counter counter; /* I1 */
    bool data;                  /* port 61h, bit 1 */
    bool playing;
    int64_t tick;      /* I1 */
    int64_t last_edge; /* tick of the last change of the level */
    bool level;        /* at `tick` */
    uint64_t frame;    /* sample that is not complete */
    uint32_t high;     /* ticks of it with a high level */
    int32_t dc;        /* what the level has been in the mean */
};

static int64_t now_tick(const struct pc_speaker *speaker)
{
    return (int64_t)vx_muldiv(vx_clock_now_ns(speaker->clock), PIT_HZ, VX_NS_PER_SEC);
}

static int64_t frame_tick(uint64_t frame)
{
    return (int64_t)vx_muldiv(frame, PIT_HZ, RATE_HZ);
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

struct chunk {
    int16_t sample[CHUNK_FRAMES];
    size_t count;
};

static void play(const struct pc_speaker *speaker, struct chunk *chunk)
{
    uint64_t first_ns = vx_muldiv(speaker->frame - chunk->count, VX_NS_PER_SEC, RATE_HZ);
    if (chunk->count != 0)
        speaker->audio->ops->play(speaker->audio->opaque, speaker->stream, chunk->sample, chunk->count, first_ns);
    chunk->count = 0;
}

static void end_frame(struct pc_speaker *speaker, struct chunk *chunk)
{
    int64_t ticks = frame_tick(speaker->frame + 1) - frame_tick(speaker->frame);
    int32_t level = (int32_t)(speaker->high * (int64_t)LOUD / ticks);
    speaker->dc += (level * (1 << DC_FRACTION) - speaker->dc) / (1 << DC_SHIFT);
    chunk->sample[chunk->count++] = (int16_t)(level - speaker->dc / (1 << DC_FRACTION));
    speaker->frame++;
    speaker->high = 0;
    if (chunk->count == CHUNK_FRAMES)
        play(speaker, chunk);
}

/* The tick before `end` up to which the level is what it is now. */
static int64_t constant_until(struct pc_speaker *speaker, int64_t end)
{
    bool out = pit_counter_out(&speaker->counter, speaker->tick), level = speaker->data && out;
    if (level != speaker->level)
        speaker->last_edge = speaker->tick;
    speaker->level = level;
    if (!speaker->data)
        return end;
    int64_t edge = out ? pit_counter_next_fall(&speaker->counter, speaker->tick)
                       : pit_counter_next_rise(&speaker->counter, speaker->tick);
    return edge > speaker->tick && edge < end ? edge : end;
}

/* Keeps I1 for `end`. */
static void render(struct pc_speaker *speaker, int64_t end)
{
    struct chunk chunk = { .count = 0 };
    if (end - speaker->tick > LATE_TICKS) {
        speaker->tick = end - LATE_TICKS;
        speaker->frame = vx_muldiv((uint64_t)speaker->tick, RATE_HZ, PIT_HZ);
        speaker->high = 0;
    }
    while (speaker->tick < end) {
        int64_t frame_end = frame_tick(speaker->frame + 1);
        int64_t until = constant_until(speaker, end < frame_end ? end : frame_end);
        if (speaker->level)
            speaker->high += (uint32_t)(until - speaker->tick);
        speaker->tick = until;
        if (until == frame_end)
            end_frame(speaker, &chunk);
    }
    play(speaker, &chunk);
}

/* ---- when there is something to hear ----------------------------------------------------------------------------- */

static void begin(struct pc_speaker *speaker)
{
    static const struct vx_audio_format format = { .rate_hz = RATE_HZ, .channels = 1, .sample = VX_SAMPLE_S16 };
    speaker->playing = true;
    speaker->tick = speaker->last_edge = now_tick(speaker);
    speaker->frame = vx_muldiv((uint64_t)speaker->tick, RATE_HZ, PIT_HZ);
    while (frame_tick(speaker->frame + 1) <= speaker->tick)
        speaker->frame++;
    speaker->high = 0;
    speaker->dc = 0;
    speaker->level = false;
    speaker->audio->ops->start(speaker->audio->opaque, speaker->stream, &format);
    vx_timer_set(speaker->clock, &speaker->timer, vx_clock_now_ns(speaker->clock) + CHUNK_NS);
}

static void end(struct pc_speaker *speaker)
{
    speaker->playing = false;
    vx_timer_set(speaker->clock, &speaker->timer, VX_NEVER);
    if (speaker->audio != NULL)
        speaker->audio->ops->stop(speaker->audio->opaque, speaker->stream);
}

static void chunk_is_over(void *opaque)
{
    struct pc_speaker *speaker = opaque;
    if (speaker->audio == NULL) { /* it was saved where somebody listened */
        end(speaker);
        return;
    }
    render(speaker, now_tick(speaker));
    if (speaker->tick - speaker->last_edge > QUIET_TICKS)
        end(speaker);
    else
        vx_timer_set(speaker->clock, &speaker->timer, vx_clock_now_ns(speaker->clock) + CHUNK_NS);
}

/* Before and after a change of counter or data bit. */
static void before_change(struct pc_speaker *speaker)
{
    if (speaker->playing && speaker->audio != NULL)
        render(speaker, now_tick(speaker));
}

static void after_change(struct pc_speaker *speaker)
{
    if (speaker->audio != NULL && speaker->data && !speaker->playing)
        begin(speaker);
}

static void counter_changed(void *opaque, const struct pit_counter *counter)
{
    struct pc_speaker *speaker = opaque;
    before_change(speaker);
    speaker->counter = *counter;
    after_change(speaker);
}

static void data_changed(void *opaque, unsigned line, bool level)
{
    struct pc_speaker *speaker = opaque;
    (void)line;
    if (level == speaker->data)
        return;
    before_change(speaker);
    speaker->data = level;
    after_change(speaker);
}

struct vx_irq pc_speaker_data(struct pc_speaker *speaker)
{
    return (struct vx_irq){ .set = data_changed, .opaque = speaker };
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* The 8254's counter is reset by itself, and does not tell. */
static void reset(void *instance, enum reset phase)
{
    struct pc_speaker *speaker = instance;
    if (phase == VX_RESET_RELEASE) {
        if (speaker->audio != NULL)
            speaker->audio->ops->stop(speaker->audio->opaque, speaker->stream);
        return;
    }
    speaker->playing = false;
    vx_timer_set(speaker->clock, &speaker->timer, VX_NEVER);
    pit_counter_reset(&speaker->counter, false);
    speaker->data = speaker->level = false;
    speaker->tick = speaker->last_edge = 0;
    speaker->frame = 0;
    speaker->high = 0;
    speaker->dc = 0;
}

static void restored(void *instance)
{
    static const struct vx_audio_format format = { .rate_hz = RATE_HZ, .channels = 1, .sample = VX_SAMPLE_S16 };
    struct pc_speaker *speaker = instance;
    if (speaker->audio != NULL && speaker->playing)
        speaker->audio->ops->start(speaker->audio->opaque, speaker->stream, &format);
}

static void destroy(void *instance)
{
    struct pc_speaker *speaker = instance;
    if (speaker == NULL)
        return;
    if (speaker->playing)
        end(speaker);
    pit_listen2(speaker->pit, NULL, NULL);
    free(speaker);
}

vx_err pc_speaker_create(const struct pc_speaker_config *config, struct pc_speaker **out)
{
    struct pc_speaker *speaker = calloc(1, sizeof *speaker);
    if (speaker == NULL)
        return VX_ERR_NO_MEMORY;
    speaker->clock = config->clock;
    speaker->pit = config->pit;
    speaker->audio = config->audio;
    speaker->stream = config->stream;
    vx_timer_init(speaker->clock, &speaker->timer, chunk_is_over, speaker);
    reset(speaker, VX_RESET_HOLD);
    pit_listen2(speaker->pit, counter_changed, speaker);
    *out = speaker;
    return VX_ERR_OK;
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

/* Times that go together, so that rendering ends. */
static const char *check(const void *loaded)
{
    const struct pc_speaker *speaker = loaded;
    if (speaker->playing &&
        (speaker->tick < frame_tick(speaker->frame) || speaker->tick > frame_tick(speaker->frame + 1)))
        return "frame";
    return speaker->high > 2 * PIT_HZ / RATE_HZ ? "high" : NULL;
}

static const struct state_field fields[] = {
    FIELD_STRUCT(struct pc_speaker, counter, &pit_counter_state),
    REGISTER(struct pc_speaker, data),
    REGISTER(struct pc_speaker, playing),
    FIELD_IN(struct pc_speaker, tick, 0, STATE_TICKS_MAX),
    FIELD_IN(struct pc_speaker, last_edge, 0, STATE_TICKS_MAX),
    FIELD(struct pc_speaker, level),
    FIELD_MAX(struct pc_speaker, frame, STATE_TICKS_MAX),
    FIELD(struct pc_speaker, high),
    FIELD_IN(struct pc_speaker, dc, -(LOUD << DC_FRACTION), LOUD << DC_FRACTION),
    FIELD_TIMER(struct pc_speaker, timer, clock),
    WIRES(struct pc_speaker, clock, pit, audio, stream),
};
static const struct state_table state = STATE_TABLE(struct pc_speaker, fields, check);

const struct device_type pc_speaker_type = {
    .name = "pc_speaker",
    .version = 1,
    .state = &state,
    .reset = reset,
    .restored = restored,
    .destroy = destroy,
};

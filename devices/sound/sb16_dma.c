/* sb16_dma.c - transfers: from commands to blocks of samples, and their way over the 8237.
 *
 *     time_has_come() of the voice -> move() -> DREQ up -> the 8237 calls sb16_dack() -> DREQ down -> back end
 *
 *   I1  DREQ is up inside move(), and after it when the controller did not give everything: sb16_dack() then comes by
 *       itself one day, and wakes the voice. */
#include <string.h>

#include "sb16_state.h"
#include "vx86/bytes.h"

enum { DIRECT_RATE_HZ = 48000, DIRECT_MAX_FRAMES = DIRECT_RATE_HZ / 10 };

/* What move() wants of the controller. */
struct sb16_move {
    uint8_t *bytes;
    size_t want, got;
};

static void set_dreq(struct sb16 *chip, bool level)
{
    unsigned channel = sb16_mixer_channel(chip, chip->transfer.wide);
    if (level == chip->dreq || channel == SB16_CHANNELS)
        return;
    chip->dreq = level;
    dma_set_dreq(&chip->dma[channel], level);
}

/* Keeps I1. What a controller programmed for the other direction gives is silence. */
size_t sb16_dack(void *opaque, enum dma_direction direction, void *buf, size_t bytes)
{
    struct sb16 *chip = opaque;
    struct sb16_move *move = chip->move;
    if (move == NULL) {
        set_dreq(chip, false);
        sound_voice_wake(&chip->voice);
        return 0;
    }
    size_t count = move->want - move->got < bytes ? move->want - move->got : bytes;
    uint8_t *at = move->bytes + move->got;
    bool wide_channel = chip->transfer.wide && sb16_mixer_channel(chip, true) > 3;
    if (wide_channel)
        count &= ~(size_t)1;
    if (chip->voice.input)
        memcpy(buf, at, direction == DMA_FROM_MEMORY ? 0 : count);
    else if (direction == DMA_FROM_MEMORY)
        memcpy(at, buf, count);
    else
        memset(buf, 0xFF, count), memset(at, chip->voice.sample == VX_SAMPLE_U8 ? 0x80 : 0, count);
    move->got += count;
    if (move->got == move->want)
        set_dreq(chip, false);
    return count;
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

/* The last sample of a block has had its time. */
static void block_is_over(struct sb16 *chip)
{
    struct sb16_transfer *transfer = &chip->transfer;
    transfer->left = transfer->auto_init ? transfer->block : 0;
    if (!transfer->auto_init) {
        transfer->active = false;
        sound_voice_stop(&chip->voice);
    }
    sb16_raise(chip, transfer->wide ? SB16_IRQ_16 : SB16_IRQ_8);
}

static void invert(const struct sb16 *chip, uint8_t *bytes, size_t count)
{
    size_t step = chip->transfer.wide ? 2 : 1;
    for (size_t i = step - 1; chip->transfer.invert && i < count; i += step)
        bytes[i] ^= 0x80;
}

/* What the controller gives of so many bytes. */
static size_t over_dma(struct sb16 *chip, uint8_t *bytes, size_t count)
{
    struct sb16_move move = { .bytes = bytes, .want = count };
    if (chip->voice.input)
        invert(chip, bytes, count);
    chip->move = &move;
    set_dreq(chip, false); /* a controller that is asked anew looks again */
    set_dreq(chip, true);
    chip->move = NULL;
    if (!chip->voice.input)
        invert(chip, bytes, move.got);
    return move.got;
}

static size_t move_frames(void *opaque, uint8_t *frames, size_t count)
{
    struct sb16 *chip = opaque;
    struct sb16_transfer *transfer = &chip->transfer;
    unsigned channels = chip->voice.channels, frame_bytes = sound_voice_frame_bytes(&chip->voice);
    if (transfer->left < channels)
        block_is_over(chip);
    if (!transfer->active)
        return 0;
    if (count > transfer->left / channels)
        count = transfer->left / channels;
    if (frames == NULL)
        return count;
    if (transfer->silence)
        memset(frames, 0x80, count * frame_bytes);
    else
        count = over_dma(chip, frames, count * frame_bytes) / frame_bytes;
    transfer->left -= (uint32_t)count * channels;
    return count;
}

const struct sound_voice_ops sb16_voice_ops = { .move = move_frames };

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

static uint32_t frame_rate(const struct sb16 *chip, unsigned channels)
{
    uint32_t rate = chip->by_constant ? chip->rate_hz / channels : chip->rate_hz;
    return rate > 48000 ? 48000 : rate;
}

static void run_voice(struct sb16 *chip, unsigned channels)
{
    sound_voice_start(&chip->voice, frame_rate(chip, channels), channels,
                      chip->transfer.wide ? VX_SAMPLE_S16 : VX_SAMPLE_U8);
    sb16_mixer_apply(chip);
}

void sb16_begin(struct sb16 *chip, struct sb16_form form, uint32_t samples)
{
    sb16_end(chip);
    chip->transfer = (struct sb16_transfer){ .active = true,
                                             .wide = form.wide,
                                             .invert = form.wide != form.is_signed,
                                             .auto_init = form.auto_init,
                                             .block = samples,
                                             .left = samples };
    chip->voice.input = form.input;
    run_voice(chip, form.stereo ? 2 : 1);
}

void sb16_begin_silence(struct sb16 *chip, uint32_t samples)
{
    sb16_end(chip);
    chip->transfer = (struct sb16_transfer){ .active = true, .silence = true, .block = samples, .left = samples };
    chip->voice.input = false;
    run_voice(chip, 1);
}

void sb16_end(struct sb16 *chip)
{
    set_dreq(chip, false);
    sound_voice_stop(&chip->voice);
    chip->transfer.active = chip->transfer.paused = false;
    chip->direct_ns = 0;
}

void sb16_pause(struct sb16 *chip, bool pause)
{
    struct sb16_transfer *transfer = &chip->transfer;
    if (!transfer->active || pause == transfer->paused)
        return;
    transfer->paused = pause;
    if (!pause) {
        run_voice(chip, chip->voice.channels);
        return;
    }
    set_dreq(chip, false);
    sound_voice_stop(&chip->voice);
}

/* The level holds until the next one comes: what lies between is played when that does. */
void sb16_direct(struct sb16 *chip, uint8_t level)
{
    static const struct vx_audio_format format = { .rate_hz = DIRECT_RATE_HZ, .channels = 1, .sample = VX_SAMPLE_U8 };
    const struct vx_audio *audio = chip->voice.audio;
    uint64_t now = vx_clock_now_ns(chip->clock);
    uint8_t frames[DIRECT_MAX_FRAMES];
    if (chip->transfer.active || audio == NULL)
        return;
    uint64_t count = now > chip->direct_ns ? vx_muldiv(now - chip->direct_ns, DIRECT_RATE_HZ, VX_NS_PER_SEC) : 0;
    if (chip->direct_ns == 0 || count > DIRECT_MAX_FRAMES) {
        audio->ops->start(audio->opaque, chip->voice.stream, &format);
        sb16_mixer_apply(chip);
        chip->direct_ns = now;
        count = 0;
    }
    memset(frames, chip->direct_level, count);
    if (count != 0)
        audio->ops->play(audio->opaque, chip->voice.stream, frames, count, chip->direct_ns);
    chip->direct_ns += vx_muldiv(count, VX_NS_PER_SEC, DIRECT_RATE_HZ);
    chip->direct_level = level;
}

static const struct state_field fields[] = {
    REGISTER(struct sb16_transfer, active),
    REGISTER(struct sb16_transfer, paused),
    FIELD(struct sb16_transfer, silence),
    REGISTER(struct sb16_transfer, wide),
    FIELD(struct sb16_transfer, invert),
    REGISTER(struct sb16_transfer, auto_init),
    REGISTER_IN(struct sb16_transfer, block, 0, 65536),
    REGISTER_IN(struct sb16_transfer, left, 0, 65536),
};
const struct state_table sb16_transfer_state = STATE_TABLE(struct sb16_transfer, fields, NULL);

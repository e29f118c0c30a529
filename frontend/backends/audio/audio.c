/* audio.c - see audio.h. */
#include "audio.h"

#include <stdlib.h>
#include <string.h>

#include "audio_mix.h"
#include "audio_wav.h"

struct audio {
    struct vx_audio streams;
    struct audio_wav *wav;
    struct audio_mix mix;
};

static void start(void *opaque, unsigned stream, const struct vx_audio_format *format)
{
    audio_mix_start(&((struct audio *)opaque)->mix, stream, format);
}

static void stop(void *opaque, unsigned stream)
{
    audio_mix_stop(&((struct audio *)opaque)->mix, stream);
}

static void play(void *opaque, unsigned stream, const void *frames, size_t count, uint64_t guest_ns)
{
    audio_mix_play(&((struct audio *)opaque)->mix, stream, frames, count, guest_ns);
}

static void volume(void *opaque, unsigned stream, uint16_t left, uint16_t right)
{
    audio_mix_volume(&((struct audio *)opaque)->mix, stream, left, right);
}

static const struct vx_audio_ops ops = { .start = start, .stop = stop, .play = play, .volume = volume };

static vx_err open_sink(const struct audio_config *config, struct audio *audio)
{
    static const char wav[] = "wav=";
    if (strncmp(config->spec, wav, sizeof wav - 1) == 0 && config->spec[sizeof wav - 1] != '\0') {
        VX_TRY(audio_wav_create(config->log, config->files, config->spec + sizeof wav - 1, &audio->wav));
        audio_mix_init(&audio->mix, audio_wav_sink(audio->wav));
        return VX_ERR_OK;
    }
    vx_log_error(config->log, VX_LOG_GENERAL, "--audio: there is no '%s': it is none or wav=FILE", config->spec);
    return VX_ERR_BAD_ARGUMENT;
}

vx_err audio_create(const struct audio_config *config, struct audio **out)
{
    *out = NULL;
    if (strcmp(config->spec, "none") == 0)
        return VX_ERR_OK;
    struct audio *audio = calloc(1, sizeof *audio);
    if (audio == NULL)
        return VX_ERR_NO_MEMORY;
    audio->streams = (struct vx_audio){ .ops = &ops, .opaque = audio, .streams = AUDIO_STREAMS };
    vx_err err = open_sink(config, audio);
    if (err != VX_ERR_OK) {
        audio_destroy(audio);
        return err;
    }
    *out = audio;
    return VX_ERR_OK;
}

struct vx_audio *audio_streams(struct audio *audio)
{
    return audio != NULL ? &audio->streams : NULL;
}

bool audio_finish(struct audio *audio)
{
    if (audio == NULL)
        return true;
    audio_mix_flush(&audio->mix);
    return audio_wav_finish(audio->wav);
}

void audio_destroy(struct audio *audio)
{
    if (audio == NULL)
        return;
    audio_wav_destroy(audio->wav);
    free(audio);
}

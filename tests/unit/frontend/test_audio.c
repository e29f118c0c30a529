/* test_audio.c - mixing by guest time, and WAV files. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audio.h"
#include "audio_mix.h"
#include "audio_wav.h"
#include "tone.h"
#include "vx86/bytes.h"
#include "vx86/clock.h"

#define SECOND 1000000000ull
#define PI     3.14159265358979323846

/* ---- a sink in memory -------------------------------------------------------------------------------------------- */

enum { HEARD_FRAMES = 48000 * 8 };

struct heard {
    struct audio_mix mix;
    uint64_t first, end; /* frames that came */
    bool begun;
    int16_t frame[HEARD_FRAMES][2]; /* from `first` on; gaps are silence */
};

static void hear(void *opaque, uint64_t at, const int16_t *samples, size_t count)
{
    struct heard *heard = opaque;
    if (!heard->begun)
        heard->first = heard->end = at;
    heard->begun = true;
    cr_assert(at >= heard->end && count > 0);
    cr_assert_leq(at + count - heard->first, HEARD_FRAMES);
    memcpy(heard->frame[at - heard->first], samples, count * sizeof heard->frame[0]);
    heard->end = at + count;
}

static struct heard *listen(void)
{
    struct heard *heard = calloc(1, sizeof *heard);
    audio_mix_init(&heard->mix, (struct audio_sink){ .write = hear, .opaque = heard });
    return heard;
}

/* A sine of `hz` for `ms` from `from_ns` on, in pieces of `piece` frames, left and right or one channel. */
static void play_sine(struct audio_mix *mix, unsigned stream, struct vx_audio_format format, double hz, unsigned ms,
                      uint64_t from_ns, unsigned piece)
{
    uint8_t bytes[4096 * 2];
    size_t total = (size_t)format.rate_hz * ms / 1000, in_piece = 0, first = 0;
    for (size_t i = 0; i < total; i++) {
        int16_t sample = (int16_t)(10000 * sin(2 * PI * hz * (double)i / format.rate_hz));
        for (unsigned c = 0; c < format.channels; c++) {
            size_t at = in_piece * format.channels + c;
            if (format.sample == VX_SAMPLE_U8)
                bytes[at] = (uint8_t)(sample / 256 + 128);
            else
                vx_put_le16(bytes + 2 * at, (uint16_t)sample);
        }
        if (++in_piece == piece || i + 1 == total) {
            audio_mix_play(mix, stream, bytes, in_piece, from_ns + vx_muldiv(first, SECOND, format.rate_hz));
            first = i + 1;
            in_piece = 0;
        }
    }
}

static double amplitude(const struct heard *heard, size_t from, size_t count, unsigned channel, double hz)
{
    return tone_amplitude(&heard->frame[from][channel], count, 2, AUDIO_RATE_HZ, hz);
}

/* Whatever rate and form a stream has: the tone, its loudness and its length are the same. */
Test(audio, rates_and_forms)
{
    static const uint32_t rates[] = { 4000, 8000, 11025, 22050, 44100, 48000, 96000, 192000 };
    static const enum vx_sample samples[] = { VX_SAMPLE_U8, VX_SAMPLE_S16 };
    for (size_t r = 0; r < VX_ARRAY_LEN(rates); r++)
        for (size_t s = 0; s < VX_ARRAY_LEN(samples); s++) {
            struct heard *heard = listen();
            struct vx_audio_format format = { rates[r], (uint8_t)(1 + r % 2), samples[s] };
            audio_mix_start(&heard->mix, 3, &format);
            play_sine(&heard->mix, 3, format, 440, 1000, 5 * SECOND, 100 + (unsigned)r);
            audio_mix_stop(&heard->mix, 3);
            audio_mix_flush(&heard->mix);
            uint64_t frames = heard->end - heard->first;
            cr_assert(heard->first == 5 * AUDIO_RATE_HZ && frames > 47980 && frames <= 48000, "%u Hz: %llu frames",
                      rates[r], (unsigned long long)frames);
            double left = amplitude(heard, 4800, 38400, 0, 440), right = amplitude(heard, 4800, 38400, 1, 440);
            cr_assert(left > 9300 && left < 10300 && fabs(left - right) < 1, "%u Hz: %f %f", rates[r], left, right);
            cr_assert_lt(amplitude(heard, 4800, 38400, 0, 1230), 150);
            free(heard);
        }
}

/* Two streams at once are both there; each has its volume. */
Test(audio, mixed)
{
    struct heard *heard = listen();
    struct vx_audio_format one = { 44100, 2, VX_SAMPLE_S16 }, two = { 48000, 1, VX_SAMPLE_S16 };
    audio_mix_start(&heard->mix, 0, &one);
    audio_mix_start(&heard->mix, 1, &two);
    audio_mix_volume(&heard->mix, 1, UINT16_MAX / 2, 0);
    for (unsigned i = 0; i < 50; i++) { /* whole periods of both */
        play_sine(&heard->mix, 0, one, 1000, 20, SECOND + i * SECOND / 50, 300);
        play_sine(&heard->mix, 1, two, 3000, 20, SECOND + i * SECOND / 50, 960);
    }
    audio_mix_flush(&heard->mix);
    cr_assert_float_eq(amplitude(heard, 4800, 38400, 0, 1000), 10000, 200);
    cr_assert_float_eq(amplitude(heard, 4800, 38400, 0, 3000), 5000, 200);
    cr_assert_float_eq(amplitude(heard, 4800, 38400, 1, 1000), 10000, 200);
    cr_assert_lt(amplitude(heard, 4800, 38400, 1, 3000), 50);
    free(heard);
}

/* Silence between two sounds is as long as guest time says; a stream that runs and gives nothing holds nobody up. */
Test(audio, gaps)
{
    struct heard *heard = listen();
    struct vx_audio_format format = { 48000, 1, VX_SAMPLE_S16 };
    audio_mix_start(&heard->mix, 0, &format);
    audio_mix_start(&heard->mix, 1, &format);
    play_sine(&heard->mix, 0, format, 500, 500, 2 * SECOND, 480);
    cr_assert_geq(heard->end - heard->first, 24000 - AUDIO_LATE_FRAMES);
    play_sine(&heard->mix, 0, format, 500, 500, 5 * SECOND, 480);
    audio_mix_flush(&heard->mix);
    cr_assert_eq(heard->first, 2 * AUDIO_RATE_HZ);
    cr_assert_eq(heard->end - heard->first, 3 * AUDIO_RATE_HZ + 24000);
    cr_assert_gt(amplitude(heard, 0, 24000, 0, 500), 9000);
    cr_assert_lt(amplitude(heard, 24001, 119900, 0, 500), 1);
    cr_assert_gt(amplitude(heard, 144000, 24000, 0, 500), 9000);
    free(heard);
}

/* What comes too late is dropped; a clock that is set back goes on from where the sound is. Loud sums are clipped. */
Test(audio, late_and_loud)
{
    struct heard *heard = listen();
    struct vx_audio_format format = { 48000, 1, VX_SAMPLE_S16 };
    int16_t loud[480];
    for (unsigned i = 0; i < 480; i++)
        loud[i] = INT16_MAX;
    audio_mix_start(&heard->mix, 0, &format);
    audio_mix_start(&heard->mix, 1, &format);
    for (unsigned i = 0; i < 100; i++) {
        audio_mix_play(&heard->mix, 0, loud, 480, SECOND + i * SECOND / 100);
        audio_mix_play(&heard->mix, 1, loud, 480, SECOND + i * SECOND / 100);
    }
    uint64_t end = heard->end;
    cr_assert_eq(heard->frame[1000][0], INT16_MAX);
    audio_mix_play(&heard->mix, 1, loud, 480, SECOND + SECOND / 2);
    cr_assert_eq(heard->end, end);
    for (unsigned i = 0; i < 10; i++)
        audio_mix_play(&heard->mix, 0, loud, 480, SECOND / 8 + i * SECOND / 100);
    audio_mix_flush(&heard->mix);
    cr_assert(heard->end >= end + 4000 && heard->end <= end + 10000, "%llu", (unsigned long long)(heard->end - end));
    free(heard);
}

/* ---- WAV --------------------------------------------------------------------------------------------------------- */

struct wav_file {
    char path[64];
    uint8_t *bytes;
    size_t size;
};

static void read_wav(struct wav_file *wav)
{
    FILE *file = fopen(wav->path, "rb");
    struct stat st;
    cr_assert(file != NULL && fstat(fileno(file), &st) == 0);
    wav->size = (size_t)st.st_size;
    wav->bytes = malloc(wav->size + 1);
    cr_assert_eq(fread(wav->bytes, 1, wav->size, file), wav->size);
    fclose(file);
}

static void temporary(struct wav_file *wav)
{
    strcpy(wav->path, "/tmp/vx86-audio-XXXXXX");
    int fd = mkstemp(wav->path);
    cr_assert(fd >= 0);
    close(fd);
}

static vx_err open_audio(struct vx_log *log, struct vx_files *files, const char *spec, struct audio **out)
{
    return audio_create(&(struct audio_config){ .log = log, .files = files, .spec = spec }, out);
}

Test(audio, wav_file)
{
    struct vx_log *log = vx_log_create(stderr);
    struct vx_files *files;
    struct audio *audio, *second;
    struct wav_file wav;
    char spec[80];
    struct vx_audio_format format = { 22050, 2, VX_SAMPLE_S16 };
    int16_t samples[2205 * 2];
    cr_assert_eq(vx_files_create(&files), VX_ERR_OK);
    temporary(&wav);
    snprintf(spec, sizeof spec, "wav=%s", wav.path);
    cr_assert_eq(open_audio(log, files, spec, &audio), VX_ERR_OK);
    cr_assert_neq(open_audio(log, files, spec, &second), VX_ERR_OK); /* it is in use */
    struct vx_audio *streams = audio_streams(audio);
    cr_assert_eq(streams->streams, AUDIO_STREAMS);
    streams->ops->start(streams->opaque, 0, &format);
    for (unsigned i = 0; i < 20; i++) { /* 2 s */
        for (unsigned k = 0; k < 2205; k++) {
            samples[2 * k] = (int16_t)(8000 * sin(2 * PI * 600 * (i * 2205 + k) / 22050));
            samples[2 * k + 1] = (int16_t)(8000 * sin(2 * PI * 1500 * (i * 2205 + k) / 22050));
        }
        streams->ops->play(streams->opaque, 0, samples, 2205, 3 * SECOND + i * SECOND / 10);
    }
    streams->ops->stop(streams->opaque, 0);
    cr_assert(audio_finish(audio));
    audio_destroy(audio);
    read_wav(&wav);
    size_t frames = (wav.size - 44) / 4;
    cr_assert(memcmp(wav.bytes, "RIFF", 4) == 0 && memcmp(wav.bytes + 8, "WAVEfmt ", 8) == 0);
    cr_assert(vx_get_le32(wav.bytes + 4) == wav.size - 8 && vx_get_le32(wav.bytes + 40) == wav.size - 44);
    cr_assert(vx_get_le16(wav.bytes + 22) == 2 && vx_get_le32(wav.bytes + 24) == 48000);
    cr_assert(frames >= 95990 && frames <= 96000, "%zu", frames);
    int16_t *heard = calloc(frames, 4);
    for (size_t i = 0; i < 2 * frames; i++)
        heard[i] = (int16_t)vx_get_le16(wav.bytes + 44 + 2 * i);
    cr_assert_float_eq(tone_loudest(heard, frames, 2, 48000, 8000, 10), 600, 0.1);
    cr_assert_float_eq(tone_loudest(heard + 1, frames, 2, 48000, 8000, 10), 1500, 0.1);
    free(heard);
    free(wav.bytes);
    unlink(wav.path);
    vx_files_destroy(files);
    vx_log_destroy(log);
}

/* Wrong words and places are refused in a line; what was never played is a file without sound. */
Test(audio, refused_and_empty)
{
    static const char *const wrong[] = {
        "wav", "wav=", "mp3=x", "", "wav=/nonexistent/x", "wav=/dev/null", "wav=/tmp"
    };
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    struct vx_log *log = vx_log_create(out);
    struct vx_files *files;
    struct audio *audio;
    struct wav_file wav;
    char spec[80];
    cr_assert_eq(vx_files_create(&files), VX_ERR_OK);
    for (size_t i = 0; i < VX_ARRAY_LEN(wrong); i++) {
        size_t before = (fflush(out), bytes);
        cr_assert_neq(open_audio(log, files, wrong[i], &audio), VX_ERR_OK, "%s", wrong[i]);
        fflush(out);
        cr_assert(bytes > before && strchr(text + before, '\n') == text + bytes - 1, "%s: %s", wrong[i], text + before);
    }
    cr_assert(open_audio(log, files, "none", &audio) == VX_ERR_OK && audio == NULL && audio_streams(audio) == NULL);
    cr_assert(audio_finish(NULL));
    temporary(&wav);
    snprintf(spec, sizeof spec, "wav=%s", wav.path);
    cr_assert_eq(open_audio(log, files, spec, &audio), VX_ERR_OK);
    cr_assert(audio_finish(audio));
    audio_destroy(audio);
    read_wav(&wav);
    cr_assert(wav.size == 44 && vx_get_le32(wav.bytes + 40) == 0);
    free(wav.bytes);
    unlink(wav.path);
    vx_files_destroy(files);
    vx_log_destroy(log);
    fclose(out);
    free(text);
}

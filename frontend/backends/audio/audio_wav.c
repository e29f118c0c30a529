/* audio_wav.c - see audio_wav.h.
 *
 *   RIFF size "WAVE" | "fmt " 16, PCM, channels, rate, bytes/s, frame bytes, bits | "data" size | frames */
#include "audio_wav.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vx86/bytes.h"

enum { HEADER_BYTES = 44, FRAME_BYTES = 2 * AUDIO_CHANNELS, BUFFER_FRAMES = 8192 };
#define DATA_MAX (UINT32_MAX - HEADER_BYTES - FRAME_BYTES)

struct audio_wav {
    struct vx_log *log;
    struct vx_files *files;
    int fd;
    char path[128];
    bool begun, failed;
    uint64_t origin; /* the frame that the file begins with */
    uint64_t first;  /* the first one in `buffer`, from the origin on */
    size_t count;    /* frames in it */
    uint8_t buffer[BUFFER_FRAMES * FRAME_BYTES];
};

static void fail(struct audio_wav *wav, const char *why)
{
    if (!wav->failed)
        vx_log_error(wav->log, VX_LOG_GENERAL, "--audio: %s: %s; what the guest plays from now on is not written",
                     wav->path, why);
    wav->failed = true;
}

static void put(struct audio_wav *wav, const uint8_t *bytes, size_t count, uint64_t at)
{
    while (count != 0 && !wav->failed) {
        ssize_t done = pwrite(wav->fd, bytes, count, (off_t)at);
        if (done <= 0 && errno != EINTR)
            fail(wav, done == 0 ? "nothing can be written" : strerror(errno));
        if (done <= 0)
            continue;
        bytes += done;
        count -= (size_t)done;
        at += (uint64_t)done;
    }
}

static void put_header(struct audio_wav *wav, uint32_t data_bytes)
{
    uint8_t header[HEADER_BYTES] = "RIFF    WAVEfmt ";
    vx_put_le32(header + 4, data_bytes + HEADER_BYTES - 8);
    vx_put_le32(header + 16, 16);
    vx_put_le16(header + 20, 1);
    vx_put_le16(header + 22, AUDIO_CHANNELS);
    vx_put_le32(header + 24, AUDIO_RATE_HZ);
    vx_put_le32(header + 28, AUDIO_RATE_HZ * FRAME_BYTES);
    vx_put_le16(header + 32, FRAME_BYTES);
    vx_put_le16(header + 34, 16);
    memcpy(header + 36, "data", 4);
    vx_put_le32(header + 40, data_bytes);
    put(wav, header, sizeof header, 0);
}

static void flush(struct audio_wav *wav)
{
    uint64_t end = (wav->first + wav->count) * FRAME_BYTES;
    if (wav->count == 0)
        return;
    if (end > DATA_MAX) {
        fail(wav, "a WAV file has 4 GiB at most");
        return;
    }
    put(wav, wav->buffer, wav->count * FRAME_BYTES, HEADER_BYTES + wav->first * FRAME_BYTES);
    put_header(wav, (uint32_t)end);
    wav->first += wav->count;
    wav->count = 0;
}

static void write_frames(void *opaque, uint64_t at, const int16_t *samples, size_t count)
{
    struct audio_wav *wav = opaque;
    if (!wav->begun) {
        wav->begun = true;
        wav->origin = at;
    }
    if (at - wav->origin != wav->first + wav->count)
        flush(wav);
    if (wav->count == 0)
        wav->first = at - wav->origin;
    for (size_t i = 0; i < count && !wav->failed; i++) {
        for (unsigned c = 0; c < AUDIO_CHANNELS; c++)
            vx_put_le16(wav->buffer + wav->count * FRAME_BYTES + 2 * c, (uint16_t)samples[i * AUDIO_CHANNELS + c]);
        if (++wav->count == BUFFER_FRAMES)
            flush(wav);
    }
}

static vx_err refuse(struct audio_wav *wav, const char *why, const char *remedy)
{
    vx_log_error(wav->log, VX_LOG_GENERAL, "--audio: %s: %s; %s", wav->path, why, remedy);
    return VX_ERR_ACCESS;
}

static vx_err open_file(struct audio_wav *wav, const char *path)
{
    struct vx_why why;
    struct stat st;
    wav->fd = vx_files_open_output(wav->files, VX_FILE_ANYWHERE, path, "--audio", &why);
    if (wav->fd < 0)
        return refuse(wav, why.text, vx_err_remedy(why.reason, "name another file"));
    if (fstat(wav->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return refuse(wav, "is no regular file", "name another file");
    put_header(wav, 0);
    return wav->failed ? VX_ERR_IO : VX_ERR_OK;
}

vx_err audio_wav_create(struct vx_log *log, struct vx_files *files, const char *path, struct audio_wav **out)
{
    struct audio_wav *wav = calloc(1, sizeof *wav);
    if (wav == NULL)
        return VX_ERR_NO_MEMORY;
    wav->fd = -1;
    wav->log = log;
    wav->files = files;
    snprintf(wav->path, sizeof wav->path, "%s", path);
    vx_err err = open_file(wav, path);
    if (err != VX_ERR_OK) {
        audio_wav_destroy(wav);
        return err;
    }
    *out = wav;
    return VX_ERR_OK;
}

struct audio_sink audio_wav_sink(struct audio_wav *wav)
{
    return (struct audio_sink){ .write = write_frames, .opaque = wav };
}

bool audio_wav_finish(struct audio_wav *wav)
{
    if (wav == NULL)
        return true;
    flush(wav);
    return !wav->failed;
}

void audio_wav_destroy(struct audio_wav *wav)
{
    if (wav == NULL)
        return;
    if (wav->fd >= 0) {
        vx_files_release(wav->files, wav->fd);
        close(wav->fd);
    }
    free(wav);
}

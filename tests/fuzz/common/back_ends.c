/* back_ends.c - the host's side of a fuzzer's devices. See back_ends.h. */
#include "back_ends.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vx86/machine.h"

/* ---- media */

static void disk_done(struct vx_work *work)
{
    struct vx_block_request *request =
        (struct vx_block_request *)((char *)work - offsetof(struct vx_block_request, work));
    request->done(request);
}

static bool is_bad(const struct fuzz_disk *disk, const struct vx_block_request *request)
{
    return request->op != VX_BLOCK_FLUSH && request->off_bytes < disk->bad_end &&
           request->off_bytes + request->bytes > disk->bad_from;
}

/* What devices ask of a medium must lie inside it: the back end would have to believe them. */
static void check_request(const struct fuzz_disk *disk, const struct vx_block_request *request)
{
    if (request->op == VX_BLOCK_FLUSH ||
        (request->off_bytes <= disk->block.bytes && request->bytes <= disk->block.bytes - request->off_bytes &&
         !(request->op == VX_BLOCK_WRITE && disk->block.read_only)))
        return;
    fprintf(stderr, "%s: a request for %zu bytes at %llu of the medium\n", disk->block.name, request->bytes,
            (unsigned long long)request->off_bytes);
    abort();
}

static void disk_submit(void *opaque, struct vx_block_request *request)
{
    struct fuzz_disk *disk = opaque;
    check_request(disk, request);
    request->result = is_bad(disk, request) ? VX_ERR_IO : VX_ERR_OK;
    if (request->result == VX_ERR_OK && request->op == VX_BLOCK_READ)
        memcpy(request->buf, disk->bytes + request->off_bytes, request->bytes);
    else if (request->result == VX_ERR_OK && request->op == VX_BLOCK_WRITE)
        memcpy(disk->bytes + request->off_bytes, request->buf, request->bytes);
    request->work.fn = disk_done;
    vx_loop_post(disk->loop, &request->work);
}

static void disk_destroy(void *opaque)
{
    (void)opaque;
}

static const struct vx_block_ops disk_ops = { .submit = disk_submit, .destroy = disk_destroy };

void fuzz_disk_init(struct fuzz_disk *disk, struct vx_loop *loop, uint64_t bytes)
{
    *disk = (struct fuzz_disk){ .loop = loop, .bytes = calloc(1, bytes) };
    if (disk->bytes == NULL)
        abort();
    disk->block = (struct vx_block){ .ops = &disk_ops, .opaque = disk, .bytes = bytes };
    snprintf(disk->block.name, sizeof disk->block.name, "hostile");
}

void fuzz_disk_fini(struct fuzz_disk *disk)
{
    free(disk->bytes);
}

/* ---- serial line, display, keyboard */

static void char_write(void *opaque, const uint8_t *bytes, size_t count)
{
    volatile uint8_t sum = 0;
    (void)opaque;
    for (size_t i = 0; i < count; i++)
        sum += bytes[i];
    (void)sum;
}

/* The rectangles lie inside the picture, from top to bottom. */
static void check_dirty(const struct vx_update *update)
{
    const struct vx_screen *screen = update->screen;
    unsigned width = screen->pixels != NULL ? screen->width : screen->columns, next = 0;
    unsigned height = screen->pixels != NULL ? screen->height : screen->rows;
    VX_ASSERT(update->head == 0 && update->dirty_count <= VX_MAX_DIRTY);
    for (unsigned i = 0; i < update->dirty_count; i++) {
        const struct vx_rect *rect = &update->dirty[i];
        VX_ASSERT(rect->width != 0 && rect->width <= width && rect->x <= width - rect->width);
        VX_ASSERT(rect->height != 0 && rect->height <= height && rect->y <= height - rect->height && rect->y >= next);
        next = rect->y + rect->height;
    }
}

/* Reads all that it is shown. */
static void display_update(void *opaque, const struct vx_update *update)
{
    const struct vx_screen *screen = update->screen;
    volatile uint32_t sum = 0;
    (void)opaque;
    check_dirty(update);
    for (size_t i = 0; screen->cells != NULL && i < (size_t)screen->columns * screen->rows; i++)
        sum += screen->cells[i].ch;
    for (size_t i = 0; screen->pixels != NULL && i < (size_t)screen->width * screen->height; i++)
        sum += screen->pixels[i];
    (void)sum;
}

static void input_leds(void *opaque, unsigned leds)
{
    (void)opaque;
    VX_ASSERT(leds <= (VX_LED_SCROLL | VX_LED_NUM | VX_LED_CAPS));
}

static const struct vx_char_ops char_ops = { .write = char_write };
static const struct vx_display_ops display_ops = { .update = display_update };
static const struct vx_input_ops input_ops = { .leds = input_leds };

/* ---- sound */

static void audio_start(void *opaque, unsigned stream, const struct vx_audio_format *format)
{
    (void)opaque;
    VX_ASSERT(stream < VX_SOUND_STREAMS && (format->channels == 1 || format->channels == 2));
    VX_ASSERT(format->rate_hz >= 4000 && format->rate_hz <= 192000);
}

static void audio_stop(void *opaque, unsigned stream)
{
    (void)opaque;
    VX_ASSERT(stream < VX_SOUND_STREAMS);
}

/* Reads as much as any format has at least. */
static void audio_play(void *opaque, unsigned stream, const void *frames, size_t count, uint64_t guest_ns)
{
    volatile uint8_t sum = 0;
    (void)opaque, (void)guest_ns;
    VX_ASSERT(stream < VX_SOUND_STREAMS && count != 0 && count <= 192000);
    for (size_t i = 0; i < count; i++)
        sum += ((const uint8_t *)frames)[i];
    (void)sum;
}

static void audio_record(void *opaque, unsigned stream, void *frames, size_t count, uint64_t guest_ns)
{
    (void)opaque, (void)guest_ns;
    VX_ASSERT(stream < VX_SOUND_STREAMS && count != 0 && count <= 192000);
    memset(frames, 0x5A, count);
}

static void audio_volume(void *opaque, unsigned stream, uint16_t left, uint16_t right)
{
    (void)opaque, (void)left, (void)right;
    VX_ASSERT(stream < VX_SOUND_STREAMS);
}

struct vx_audio fuzz_audio(void)
{
    static const struct vx_audio_ops ops = {
        .start = audio_start, .stop = audio_stop, .play = audio_play, .record = audio_record, .volume = audio_volume
    };
    return (struct vx_audio){ .ops = &ops, .streams = VX_SOUND_STREAMS };
}

struct vx_char fuzz_char(void)
{
    return (struct vx_char){ .ops = &char_ops };
}

struct vx_display fuzz_display(void)
{
    return (struct vx_display){ .ops = &display_ops, .wants_pixels = true };
}

struct vx_input fuzz_input(void)
{
    return (struct vx_input){ .ops = &input_ops };
}

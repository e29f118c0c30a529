/* read_user.c - what the user gives: a command line, a disk image's first bytes, keys of a terminal. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block.h"
#include "block_medium.h"
#include "keymap.h"
#include "options.h"
#include "readers.h"
#include "vx86/cpu.h"

static void *create(struct vx_log *log)
{
    return log;
}

static void nothing(void *state)
{
    (void)state;
}

/* ---- the command line: an argument a line */

/* Has a log of its own, since options change what a log says. */
static void *create_options(struct vx_log *log)
{
    (void)log;
    return vx_log_create(stderr);
}

static void destroy_options(void *state)
{
    vx_log_destroy(state);
}

enum { ARGUMENTS_MAX = 200 };

static const char *const option_words[] = {
#define VX_OPTION(id, name, short_name, argument, group, kind, initial, low, high, help) "--" name "=",
#include "options.def"
#undef VX_OPTION
    "\n", "-m", "256M", "1G", "0x10", "18446744073709551616", "--", "-", "=", "K", "off", "auto", NULL,
};

static bool seed_options(unsigned n, struct input *out)
{
    static const char *const lines[] = { "disk.img\n-m\n256M\n--cdrom\ncd.iso\n",
                                         "--engine=interp\n--timeout=5\n--\n-x\n",
                                         "--kernel\nbzImage\n--append\nconsole=ttyS0\n--no-reboot\n" };
    if (n < VX_ARRAY_LEN(lines))
        input_text(out, lines[n]);
    return n < VX_ARRAY_LEN(lines);
}

/* What stands behind --cpu, --log and --trace. */
static void read_words(struct vx_log *log, char *const *words)
{
    char text[160];
    size_t bad;
    for (; *words != NULL; words++) {
        struct vx_cpu_model *model = NULL;
        if (vx_cpu_model_create(*words, text, sizeof text, &model) == VX_ERR_OK)
            vx_cpu_model_destroy(model);
        vx_err filter = vx_log_set_filter(log, *words, &bad), trace = vx_log_set_trace(log, *words);
        (void)filter, (void)trace;
    }
}

static void read_options(void *state, const uint8_t *at, size_t bytes)
{
    static struct options options;
    char text[INPUT_BYTES + 1], *argv[ARGUMENTS_MAX + 2] = { "vx86" };
    int argc = 1;
    memcpy(text, at, bytes);
    text[bytes] = '\0';
    for (char *rest = text, *word; argc <= ARGUMENTS_MAX && (word = strsep(&rest, "\n")) != NULL;)
        argv[argc++] = word;
    argv[argc] = NULL;
    read_words(state, argv + 1);
    if (options_parse(argc, argv, &options) != VX_ERR_OK && options.error[0] == '\0') {
        fprintf(stderr, "options_parse() refuses without a word\n");
        abort();
    }
}

/* ---- what an image is */

struct image {
    struct vx_log *log;
    FILE *file;
};

static void *create_formats(struct vx_log *log)
{
    struct image *image = malloc(sizeof *image);
    if (image == NULL)
        abort();
    *image = (struct image){ .log = log, .file = tmpfile() };
    if (image->file == NULL)
        abort();
    return image;
}

static void destroy_formats(void *state)
{
    fclose(((struct image *)state)->file);
    free(state);
}

static bool seed_formats(unsigned n, struct input *out)
{
    static const struct {
        size_t off;
        const char *mark;
        size_t bytes;
    } marks[] = {
        { 0, "QFI\xFB", 4 },        { 0, "KDMV", 4 },         { 0x40, "\x7F\x10\xDA\xBE", 4 }, { 0, "conectix", 8 },
        { 0, "vhdxfile", 8 },       { 0, "\x1F\x8B\x08", 3 }, { 0x1FE, "\x55\xAA", 2 },        { 0, "PK\3\4", 4 },
        { 0x8000, "\1CD001\1", 7 }, { 0x200, "EFI PART", 8 },
    };
    if (n >= VX_ARRAY_LEN(marks))
        return false;
    input_zeros(out, marks[n].off >= 0x8000 ? INPUT_BYTES : 1024);
    if (marks[n].off < 0x8000)
        memcpy(out->at + marks[n].off, marks[n].mark, marks[n].bytes);
    else /* inputs end there: read_formats() puts the volume behind the first 32 KiB */
        memcpy(out->at + 0x4000, marks[n].mark, marks[n].bytes);
    if (marks[n].off == 0x1FE) /* a partition */
        memcpy(out->at + 0x1BE, "\x80\1\1\0\6\xFE\x3F\x05\x3F\0\0\0\1\0\0\0", 16);
    return true;
}

/* An input longer than 16 KiB has its second half where a CD's volume descriptors are. */
static void read_formats(void *state, const uint8_t *at, size_t bytes)
{
    const struct image *image = state;
    enum { HALF = 0x4000, VOLUME = 0x8000 };
    char path[64];
    int fd = fileno(image->file);
    struct medium *medium;
    size_t head = bytes < HALF ? bytes : HALF, tail = bytes - head;
    if (ftruncate(fd, 0) != 0 || pwrite(fd, at, head, 0) != (ssize_t)head)
        abort();
    if (tail != 0 && pwrite(fd, at + head, tail, VOLUME) != (ssize_t)tail)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (enum block_kind kind = VX_BLOCK_DISK; kind <= VX_BLOCK_CDROM; kind++) {
        struct block_config config = { .log = image->log, .path = path, .kind = kind, .read_only = true };
        if (block_medium_open(&config, &medium) == VX_ERR_OK)
            medium->ops->close(medium);
    }
    block_content(path);
}

/* ---- keys */

static const char *const key_words[] = {
    "\33[", "\33O", "\33", ";", "A", "~", "1;5A", "15~", "\x7F", "\xC3\xA4", NULL
};

static bool seed_keys(unsigned n, struct input *out)
{
    if (n == 1)
        input_text(out, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80^~\x1b\xc3\xb6");
    if (n == 0)
        input_text(out, "hello\r\33[A\33[1;5C\33[15~\33OP\33x\33[200~text\33[201~\x01\x7F");
    return n <= 1;
}

static void check_key(void *opaque, unsigned code, bool down)
{
    (void)opaque, (void)down;
    VX_ASSERT(code != 0 && code < 0x180);
}

/* 0 is a pause. */
static void read_keys(void *state, const uint8_t *at, size_t bytes)
{
    struct keymap keymap;
    (void)state;
    keymap_init(&keymap, bytes != 0 ? (enum keyboard_layout)(at[0] % KEYBOARD_LAYOUTS) : LAYOUT_US, check_key, NULL);
    for (size_t i = 0; i < bytes; i++)
        if (at[i] == 0)
            keymap_pause(&keymap);
        else
            keymap_feed(&keymap, at[i]);
}

const struct reader reader_options = { .name = "options",
                                       .words = option_words,
                                       .create = create_options,
                                       .destroy = destroy_options,
                                       .seed = seed_options,
                                       .read = read_options };
const struct reader reader_formats = {
    .name = "formats", .create = create_formats, .destroy = destroy_formats, .seed = seed_formats, .read = read_formats
};
const struct reader reader_keys = {
    .name = "keys", .words = key_words, .create = create, .destroy = nothing, .seed = seed_keys, .read = read_keys
};

/* read_disk.c - qcow2 images that somebody else has made: opened for writing, read, written and closed. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block_medium.h"
#include "readers.h"
#include "vx86/bytes.h"
#include "vx86/host.h"

enum { CLUSTER = 512, DISK_BYTES = 128 << 10, PART = 4096 };

struct disk {
    struct vx_log *log;
    int fd; /* in memory: what is flushed costs nothing */
};

static void *create_disk(struct vx_log *log)
{
    struct disk *disk = malloc(sizeof *disk);
    if (disk == NULL)
        abort();
    *disk = (struct disk){ .log = log, .fd = vx_host_unnamed_file("qcow2", 1, VX_HOST_FILE_WRITTEN) };
    if (disk->fd < 0)
        abort();
    return disk;
}

static void destroy_disk(void *state)
{
    close(((struct disk *)state)->fd);
    free(state);
}

static void put64(struct input *input, size_t off, uint64_t value)
{
    vx_put_be64(input->at + off, value);
}

/* Clusters: 0 header, 1 refcount table, 2 refcount block, 3 L1, 4 L2, 5 and 6 data, 7 packed, 8 snapshots, 9 an L1. */
static bool seed_disk(unsigned n, struct input *out)
{
    static const uint8_t packed[] = { 0x63, 0x60, 0x18, 0x05, 0xA3, 0x60, 0x14, 0x0C, 0x77, 0x00, 0x00 };
    if (n >= 4)
        return false;
    input_zeros(out, 10 * CLUSTER);
    memcpy(out->at, "QFI\xFB", 4);
    vx_put_be32(out->at + 4, n == 1 ? 2 : 3);
    vx_put_be32(out->at + 20, 9);
    put64(out, 24, DISK_BYTES);
    vx_put_be32(out->at + 36, 4);
    put64(out, 40, 3 * CLUSTER);
    put64(out, 48, 1 * CLUSTER);
    vx_put_be32(out->at + 56, 1);
    vx_put_be32(out->at + 96, n == 2 ? 6 : 4);
    vx_put_be32(out->at + 100, n == 1 ? 0 : 112);
    put64(out, CLUSTER, 2 * CLUSTER);
    for (unsigned i = 0; i < 9; i++)
        out->at[2 * CLUSTER + (n == 2 ? 8 * i + 7 : 2 * i + 1)] = 1;
    put64(out, 3 * CLUSTER, 4 * CLUSTER | 1ull << 63);
    put64(out, 4 * CLUSTER, 5 * CLUSTER | 1ull << 63);
    put64(out, 4 * CLUSTER + 8, 6 * CLUSTER | 1ull << 63);
    put64(out, 4 * CLUSTER + 16, 1);
    put64(out, 4 * CLUSTER + 24, 7 * CLUSTER | 1ull << 62);
    memcpy(out->at + 7 * CLUSTER, packed, sizeof packed);
    if (n == 3) {
        vx_put_be32(out->at + 60, 1);
        put64(out, 64, 8 * CLUSTER);
        put64(out, 8 * CLUSTER, 9 * CLUSTER);
        vx_put_be32(out->at + 8 * CLUSTER + 8, 4);
        out->at[2 * CLUSTER + 2 * 9 + 1] = 1;
        put64(out, 9 * CLUSTER, 4 * CLUSTER);
    }
    return true;
}

/* Errors are answers; what counts is that nothing else happens. */
static void use(struct medium *medium)
{
    static uint8_t part[PART];
    uint64_t end = medium->bytes < DISK_BYTES ? medium->bytes : DISK_BYTES;
    vx_err err = VX_ERR_OK;
    for (uint64_t off = 0; off + PART <= end; off += PART)
        err = medium->ops->read(medium, off, part, PART);
    if (end >= 16 * PART) {
        err = medium->ops->write(medium, 512, part, 1024);
        err = medium->ops->write(medium, 9 * PART + 512, part, PART);
        err = medium->ops->write_zeroes(medium, 1024, 2 * PART);
        err = medium->ops->discard(medium, 0, 4 * PART);
        err = medium->ops->write(medium, medium->bytes - PART, part, PART);
        err = medium->ops->flush(medium);
    }
    (void)err;
}

static void read_disk(void *state, const uint8_t *at, size_t bytes)
{
    const struct disk *disk = state;
    struct medium *medium;
    char path[64];
    int fd = disk->fd;
    if (ftruncate(fd, 0) != 0 || pwrite(fd, at, bytes, 0) != (ssize_t)bytes)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct block_config config = { .log = disk->log, .path = path };
    if (bytes < 4 || memcmp(at, "QFI\xFB", 4) != 0 || block_medium_open(&config, &medium) != VX_ERR_OK)
        return;
    use(medium);
    medium->ops->close(medium);
}

const struct reader reader_qcow2 = {
    .name = "qcow2", .create = create_disk, .destroy = destroy_disk, .seed = seed_disk, .read = read_disk
};

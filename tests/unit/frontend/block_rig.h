/* block_rig.h - temporary image files and synchronous requests, for the tests of frontend/block*. */
#ifndef VX86_TEST_BLOCK_RIG_H
#define VX86_TEST_BLOCK_RIG_H

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block.h"

struct rig {
    char directory[64], path[128];
    FILE *log_file;
    char *log_text;
    size_t log_bytes;
    struct vx_log *log;
    struct vx_loop *loop;
};

static inline struct rig *rig_create(void)
{
    struct rig *rig = calloc(1, sizeof *rig);
    strcpy(rig->directory, "/tmp/vx86-block-XXXXXX");
    cr_assert_not_null(mkdtemp(rig->directory));
    snprintf(rig->path, sizeof rig->path, "%s/disk.img", rig->directory);
    rig->log_file = open_memstream(&rig->log_text, &rig->log_bytes);
    rig->log = vx_log_create(rig->log_file);
    cr_assert_eq(vx_loop_create(rig->log, &rig->loop), VX_ERR_OK);
    return rig;
}

static inline void rig_destroy(struct rig *rig)
{
    unlink(rig->path);
    rmdir(rig->path);
    cr_expect_eq(rmdir(rig->directory), 0, "something was left in %s", rig->directory);
    vx_loop_destroy(rig->loop);
    vx_log_destroy(rig->log);
    fclose(rig->log_file);
    free(rig->log_text);
    free(rig);
}

static inline uint8_t pattern(uint64_t off_bytes)
{
    return (uint8_t)(off_bytes ^ off_bytes >> 9 ^ off_bytes >> 17);
}

static inline void make_image(const struct rig *rig, size_t bytes)
{
    uint8_t *data = malloc(bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        data[i] = pattern(i);
    int fd = open(rig->path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, data, bytes), (ssize_t)bytes);
    close(fd);
    free(data);
}

static inline void patch_image(const struct rig *rig, off_t at, const void *data, size_t bytes)
{
    int fd = open(rig->path, O_WRONLY);
    cr_assert_eq(pwrite(fd, data, bytes, at), (ssize_t)bytes);
    close(fd);
}

static inline vx_err open_image(struct rig *rig, struct block_config config, struct vx_block **out)
{
    config.log = rig->log;
    config.loop = rig->loop;
    if (config.path == NULL)
        config.path = rig->path;
    return block_open(&config, out);
}

static inline void request_done(struct vx_block_request *request)
{
    *(unsigned *)request->opaque += 1;
}

static inline vx_err transfer(struct rig *rig, struct vx_block *block, enum vx_block_op op, uint64_t off_bytes,
                              void *buf, size_t bytes)
{
    unsigned done = 0;
    struct vx_block_request request = {
        .op = op, .off_bytes = off_bytes, .bytes = bytes, .buf = buf, .done = request_done, .opaque = &done
    };
    block->ops->submit(block->opaque, &request);
    while (done == 0) {
        vx_loop_wait(rig->loop, UINT64_MAX);
        vx_loop_run_posted(rig->loop);
    }
    return request.result;
}

#endif

/* Image files as media: what opening refuses and how it says so, locks, order and durability of requests. */
#include "block_rig.h"

#define IMAGE_BYTES (256u * 1024)

Test(block_file, read_write_flush)
{
    struct rig *rig = rig_create();
    struct vx_block *block;
    uint8_t sector[1024], back[1024];
    make_image(rig, IMAGE_BYTES);
    cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &block), VX_ERR_OK);
    cr_assert_eq(block->bytes, IMAGE_BYTES);
    cr_assert_not(block->read_only);
    cr_assert_str_eq(block->name, "disk.img");
    cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, 4096, sector, 1024), VX_ERR_OK);
    for (unsigned i = 0; i < 1024; i++)
        cr_assert_eq(sector[i], pattern(4096 + i));
    memset(sector, 0xA7, sizeof sector);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE, IMAGE_BYTES - 1024, sector, 1024), VX_ERR_OK);
    int fd = open(rig->path, O_RDONLY); /* in the file at once, not at close */
    cr_assert_eq(pread(fd, back, 1024, IMAGE_BYTES - 1024), 1024);
    close(fd);
    cr_assert_arr_eq(sector, back, 1024);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_FLUSH, 0, NULL, 0), VX_ERR_OK);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, IMAGE_BYTES - 512, sector, 1024), VX_ERR_RANGE);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, UINT64_MAX - 511, sector, 512), VX_ERR_RANGE);
    block_close(block);
    struct stat st;
    stat(rig->path, &st);
    cr_assert_eq(st.st_size, IMAGE_BYTES);
    rig_destroy(rig);
}

Test(block_file, read_only_medium_takes_no_writes)
{
    struct rig *rig = rig_create();
    struct vx_block *block;
    uint8_t sector[512] = { 0 };
    make_image(rig, IMAGE_BYTES);
    chmod(rig->path, 0400);
    cr_assert_eq(open_image(rig, (struct block_config){ .read_only = true }, &block), VX_ERR_OK);
    cr_assert(block->read_only);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE, 0, sector, 512), VX_ERR_ACCESS);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_DISCARD, 0, NULL, 512), VX_ERR_ACCESS);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE_ZEROES, 0, NULL, 512), VX_ERR_ACCESS);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_FLUSH, 0, NULL, 0), VX_ERR_OK);
    block_close(block);
    rig_destroy(rig);
}

/* Both leave zeros, as holes where the host has them; writes nearby stay. */
Test(block_file, discard_and_write_zeroes)
{
    static const enum vx_block_op ops[] = { VX_BLOCK_DISCARD, VX_BLOCK_WRITE_ZEROES };
    for (size_t n = 0; n < VX_ARRAY_LEN(ops); n++)
        for (unsigned snapshot = 0; snapshot < 2; snapshot++) {
            struct rig *rig = rig_create();
            struct vx_block *block;
            struct stat before, after;
            static uint8_t data[IMAGE_BYTES];
            make_image(rig, IMAGE_BYTES);
            stat(rig->path, &before);
            cr_assert_eq(open_image(rig, (struct block_config){ .snapshot = snapshot != 0 }, &block), VX_ERR_OK);
            cr_assert_eq(transfer(rig, block, ops[n], 65536, NULL, 131072), VX_ERR_OK);
            cr_assert_eq(transfer(rig, block, ops[n], IMAGE_BYTES - 512, NULL, 1024), VX_ERR_RANGE);
            cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, 0, data, sizeof data), VX_ERR_OK);
            for (size_t i = 0; i < sizeof data; i++)
                if (data[i] != (i >= 65536 && i < 65536 + 131072 ? 0 : pattern(i)))
                    cr_assert_fail("op %d, snapshot %u: byte %zu is %02X", (int)ops[n], snapshot, i, data[i]);
            stat(rig->path, &after);
            cr_assert_eq(after.st_size, before.st_size);
            if (snapshot == 0)
                cr_assert_lt(after.st_blocks, before.st_blocks, "the range takes no room");
            else
                cr_assert_eq(after.st_blocks, before.st_blocks, "the image stays");
            block_close(block);
            rig_destroy(rig);
        }
}

/* Size, kind -> error and what the one line must say. */
Test(block_file, refused_sizes)
{
    static const struct {
        size_t bytes;
        enum block_kind kind;
        const char *says[2];
    } rows[] = {
        { 0, VX_BLOCK_DISK, { "is empty", "truncate -s 2G" } },
        { 0, VX_BLOCK_CDROM, { "is empty", "copy" } },
        { 511, VX_BLOCK_DISK, { "truncated", "511 bytes" } },
        { 51300, VX_BLOCK_DISK, { "512-byte sectors", "truncate -s %512" } },
        { 2560, VX_BLOCK_CDROM, { "2048-byte sectors", "truncate -s %2048" } },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create();
        struct vx_block *block;
        make_image(rig, rows[i].bytes);
        cr_expect_eq(open_image(rig, (struct block_config){ .kind = rows[i].kind }, &block), VX_ERR_BAD_FORMAT,
                     "row %zu", i);
        fflush(rig->log_file);
        for (unsigned n = 0; n < 2; n++)
            cr_expect_not_null(strstr(rig->log_text, rows[i].says[n]), "row %zu: %s", i, rig->log_text);
        cr_expect_eq(strchr(rig->log_text, '\n'), rig->log_text + rig->log_bytes - 1, "one line");
        rig_destroy(rig);
    }
}

static void expect_refusal(struct rig *rig, const char *path, struct block_config config, vx_err expect,
                           const char *says)
{
    struct vx_block *block;
    config.path = path;
    vx_err err = open_image(rig, config, &block);
    fflush(rig->log_file);
    cr_expect_eq(err, expect, "%s: %s", path, vx_err_text(err));
    cr_expect_not_null(strstr(rig->log_text, says), "%s", rig->log_text);
    cr_expect_not_null(strstr(rig->log_text, path), "names the file: %s", rig->log_text);
}

Test(block_file, refused_paths)
{
    struct rig *rig = rig_create();
    expect_refusal(rig, rig->path, (struct block_config){ 0 }, VX_ERR_NOT_FOUND, "no such file");
    expect_refusal(rig, rig->directory, (struct block_config){ 0 }, VX_ERR_BAD_ARGUMENT, "is a directory");
    expect_refusal(rig, rig->directory, (struct block_config){ .snapshot = true }, VX_ERR_BAD_ARGUMENT,
                   "is a directory");
    expect_refusal(rig, "/dev/null", (struct block_config){ 0 }, VX_ERR_BAD_ARGUMENT,
                   "neither a file nor a block device");
    cr_assert_eq(mkfifo(rig->path, 0600), 0);
    expect_refusal(rig, rig->path, (struct block_config){ .read_only = true }, VX_ERR_BAD_ARGUMENT, "neither a file");
    unlink(rig->path);
    if (geteuid() != 0) { /* root may open anything */
        make_image(rig, IMAGE_BYTES);
        chmod(rig->path, 0400);
        expect_refusal(rig, rig->path, (struct block_config){ 0 }, VX_ERR_ACCESS, "--snapshot");
        chmod(rig->path, 0);
        expect_refusal(rig, rig->path, (struct block_config){ .snapshot = true }, VX_ERR_ACCESS, "permissions");
    }
    rig_destroy(rig);
}

/* Partition tables and volume descriptors that promise more than the file has. */
Test(block_file, truncated)
{
    static const struct {
        const char *what;
        uint8_t entry[16];
        uint8_t signature;
        bool refused;
    } rows[] = {
        { "ends with the file", { 0x80, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0xFF, 1, 0, 0 }, 0xAA, false },
        { "one sector more", { 0x80, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0x00, 2, 0, 0 }, 0xAA, true },
        { "far more", { 0x00, 0, 0, 0, 0x07, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF }, 0xAA, true },
        { "protective", { 0x00, 0, 0, 0, 0xEE, 0, 0, 0, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF }, 0xAA, false },
        { "no boot sector", { 0x80, 0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0x00, 2, 0, 0 }, 0x00, false },
        { "boot code, not a table", { 0x33, 0xC0, 0, 0, 0x83, 0, 0, 0, 1, 0, 0, 0, 0x00, 2, 0, 0 }, 0xAA, false },
        { "a hole in the table", { 0x80, 0, 0, 0, 0x83, 0, 0, 0, 0, 0, 0, 0, 0x00, 9, 0, 0 }, 0xAA, false },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create();
        struct vx_block *block;
        uint8_t table[66] = { 0 };
        memcpy(table + 16, rows[i].entry, 16);
        table[64] = 0x55;
        table[65] = rows[i].signature;
        make_image(rig, IMAGE_BYTES);
        patch_image(rig, 446, table, sizeof table);
        vx_err err = open_image(rig, (struct block_config){ 0 }, &block);
        fflush(rig->log_file);
        cr_expect_eq(err, rows[i].refused ? VX_ERR_BAD_FORMAT : VX_ERR_OK, "%s", rows[i].what);
        if (err == VX_ERR_OK)
            block_close(block);
        else
            cr_expect_not_null(strstr(rig->log_text, "its partition 2 ends at byte"), "%s", rig->log_text);
        rig_destroy(rig);
    }
}

Test(block_file, truncated_cdrom)
{
    for (unsigned blocks = 20; blocks <= 21; blocks++) {
        struct rig *rig = rig_create();
        struct vx_block *block;
        uint8_t pvd[132] = { 1, 'C', 'D', '0', '0', '1', 1 };
        pvd[80] = (uint8_t)blocks;
        pvd[129] = 0x08; /* 2048 */
        make_image(rig, 20 * 2048);
        patch_image(rig, 16 * 2048, pvd, sizeof pvd);
        vx_err err = open_image(rig, (struct block_config){ .kind = VX_BLOCK_CDROM }, &block);
        cr_expect_eq(err, blocks == 20 ? VX_ERR_OK : VX_ERR_BAD_FORMAT);
        if (err == VX_ERR_OK) {
            cr_expect(block->read_only, "even when not asked for");
            block_close(block);
        }
        rig_destroy(rig);
    }
}

/* What another process has the image open for -> what this one may still do. */
Test(block_file, locks)
{
    static const struct {
        struct block_config held, wanted;
        vx_err expect;
    } rows[] = {
        { { 0 }, { 0 }, VX_ERR_LOCKED },
        { { 0 }, { .read_only = true }, VX_ERR_LOCKED },
        { { 0 }, { .snapshot = true }, VX_ERR_LOCKED },
        { { .read_only = true }, { 0 }, VX_ERR_LOCKED },
        { { .snapshot = true }, { 0 }, VX_ERR_LOCKED },
        { { .read_only = true }, { .snapshot = true }, VX_ERR_OK },
        { { .snapshot = true }, { .snapshot = true }, VX_ERR_OK },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create();
        struct vx_block *block;
        make_image(rig, IMAGE_BYTES);
        int opened[2], leave[2];
        char byte = 0;
        cr_assert(pipe(opened) == 0 && pipe(leave) == 0);
        pid_t child = fork();
        if (child == 0) {
            close(leave[1]);
            bool ok = open_image(rig, rows[i].held, &block) == VX_ERR_OK && write(opened[1], "", 1) == 1;
            _exit(ok && read(leave[0], &byte, 1) == 0 ? 0 : 1); /* until the parent closes: without closing the image */
        }
        close(opened[1]);
        cr_assert_eq(read(opened[0], &byte, 1), 1);
        vx_err err = open_image(rig, rows[i].wanted, &block);
        cr_expect_eq(err, rows[i].expect, "row %zu: %s", i, vx_err_text(err));
        if (err == VX_ERR_OK)
            block_close(block);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        cr_expect_eq(open_image(rig, rows[i].wanted, &block), VX_ERR_OK, "row %zu: the lock dies with its process", i);
        block_close(block);
        close(opened[0]);
        close(leave[0]);
        close(leave[1]);
        rig_destroy(rig);
    }
}

/* Two media of one process exclude each other as well. */
Test(block_file, lock_inside_a_process)
{
    struct rig *rig = rig_create();
    struct vx_block *first, *second;
    make_image(rig, IMAGE_BYTES);
    cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &first), VX_ERR_OK);
    cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &second), VX_ERR_LOCKED);
    fflush(rig->log_file);
    cr_assert_not_null(strstr(rig->log_text, "in use by another vx86"));
    block_close(first);
    cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &second), VX_ERR_OK);
    block_close(second);
    rig_destroy(rig);
}

/* Many requests to one sector, submitted at once: carried out and answered in order, all before close returns. */
Test(block_file, order)
{
    enum { REQUESTS = 200 };
    struct rig *rig = rig_create();
    struct vx_block *block;
    static struct vx_block_request requests[REQUESTS];
    static uint8_t data[REQUESTS][512];
    unsigned done = 0;
    make_image(rig, IMAGE_BYTES);
    cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &block), VX_ERR_OK);
    for (unsigned i = 0; i < REQUESTS; i++) {
        memset(data[i], (int)(i / 2), 512); /* write i, read it back, write i + 1, ... */
        requests[i] = (struct vx_block_request){ .op = i % 2 == 0 ? VX_BLOCK_WRITE : VX_BLOCK_READ,
                                                 .off_bytes = 512,
                                                 .bytes = 512,
                                                 .buf = data[i],
                                                 .done = request_done,
                                                 .opaque = &done };
        if (i % 2 != 0)
            memset(data[i], 0xFF, 512);
    }
    for (unsigned i = 0; i < REQUESTS; i++)
        block->ops->submit(block->opaque, &requests[i]);
    block_close(block);
    vx_loop_run_posted(rig->loop);
    cr_assert_eq(done, REQUESTS);
    for (unsigned i = 1; i < REQUESTS; i += 2)
        cr_assert_eq(data[i][0] | data[i][511] << 8, (int)(i / 2 * 0x0101), "request %u", i);
    rig_destroy(rig);
}

/* A process killed right after a completed write has lost nothing of it. */
Test(block_file, kill_loses_no_completed_write)
{
    struct rig *rig = rig_create();
    int ready[2];
    char byte;
    uint8_t sector[512], back[512];
    make_image(rig, IMAGE_BYTES);
    memset(sector, 0x5C, sizeof sector);
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct rig mine = *rig;
        struct vx_block *block;
        bool ok = vx_loop_create(mine.log, &mine.loop) == VX_ERR_OK &&
                  open_image(&mine, (struct block_config){ 0 }, &block) == VX_ERR_OK &&
                  transfer(&mine, block, VX_BLOCK_WRITE, 1024, sector, 512) == VX_ERR_OK;
        if (!ok || write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    close(ready[1]);
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    int fd = open(rig->path, O_RDONLY);
    cr_assert_eq(pread(fd, back, 512, 1024), 512);
    cr_assert_arr_eq(sector, back, 512);
    close(fd);
    close(ready[0]);
    rig_destroy(rig);
}

/* The file shrinks under us: an I/O error for the guest, logged, no more. */
Test(block_file, shrinking_file)
{
    struct rig *rig = rig_create();
    struct vx_block *block;
    uint8_t sector[512];
    make_image(rig, IMAGE_BYTES);
    cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &block), VX_ERR_OK);
    cr_assert_eq(truncate(rig->path, 1024), 0);
    for (unsigned i = 0; i < 30; i++)
        cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, 2048, sector, 512), VX_ERR_IO);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, 512, sector, 512), VX_ERR_OK);
    block_close(block);
    fflush(rig->log_file);
    unsigned lines = 0;
    for (const char *c = rig->log_text; *c != '\0'; c++)
        lines += *c == '\n';
    cr_assert_eq(lines, 9, "%u lines", lines);
    cr_assert_not_null(strstr(rig->log_text, ": 30 reads failed, the guest was told: No data available\n"));
    rig_destroy(rig);
}

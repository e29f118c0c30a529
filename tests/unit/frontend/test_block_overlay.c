/* --snapshot: the guest sees its own writes, the image stays as it was, nothing is left behind. */
#include "block_rig.h"

#define SECTORS 512u

static uint64_t image_hash(const struct rig *rig)
{
    uint64_t hash = 0xCBF29CE484222325u;
    FILE *file = fopen(rig->path, "rb");
    int c;
    while ((c = fgetc(file)) != EOF)
        hash = (hash ^ (uint64_t)c) * 0x100000001B3u;
    fclose(file);
    return hash;
}

/* Random reads and writes against a model in memory. */
Test(block_overlay, model)
{
    struct rig *rig = rig_create();
    struct vx_block *block;
    static uint8_t model[SECTORS * 512], buf[64 * 512];
    uint32_t seed = 86;
    make_image(rig, sizeof model);
    for (size_t i = 0; i < sizeof model; i++)
        model[i] = pattern(i);
    chmod(rig->path, 0400);
    setenv("TMPDIR", rig->directory, 1);
    uint64_t before = image_hash(rig);
    cr_assert_eq(open_image(rig, (struct block_config){ .snapshot = true }, &block), VX_ERR_OK);
    cr_assert_not(block->read_only);
    for (unsigned i = 0; i < 3000; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t sectors = 1 + (seed >> 8) % 64, first = (seed >> 14) % (SECTORS - sectors + 1);
        bool write = seed >> 30 == 0;
        if (write) {
            memset(buf, (int)(seed >> 4), sectors * 512);
            memcpy(model + first * 512, buf, sectors * 512);
        }
        cr_assert_eq(transfer(rig, block, write ? VX_BLOCK_WRITE : VX_BLOCK_READ, first * 512, buf, sectors * 512),
                     VX_ERR_OK);
        cr_assert_eq(memcmp(buf, model + first * 512, sectors * 512), 0, "step %u", i);
    }
    cr_assert_eq(transfer(rig, block, VX_BLOCK_FLUSH, 0, NULL, 0), VX_ERR_OK);
    block_close(block);
    cr_assert_eq(image_hash(rig), before);
    rig_destroy(rig); /* checks that the directory is empty */
}

/* The second snapshot of an image starts from the image again. */
Test(block_overlay, forgets)
{
    struct rig *rig = rig_create();
    struct vx_block *block;
    uint8_t sector[512];
    make_image(rig, SECTORS * 512);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(open_image(rig, (struct block_config){ .snapshot = true }, &block), VX_ERR_OK);
        cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, 512, sector, 512), VX_ERR_OK);
        cr_assert_eq(sector[0], pattern(512));
        memset(sector, 0, sizeof sector);
        cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE, 512, sector, 512), VX_ERR_OK);
        block_close(block);
    }
    rig_destroy(rig);
}

Test(block_overlay, no_temporary_directory)
{
    struct rig *rig = rig_create();
    struct vx_block *block;
    make_image(rig, SECTORS * 512);
    setenv("TMPDIR", "/nonexistent/place", 1);
    cr_assert_eq(open_image(rig, (struct block_config){ .snapshot = true }, &block), VX_ERR_IO);
    fflush(rig->log_file);
    cr_assert_not_null(strstr(rig->log_text, "set TMPDIR"), "%s", rig->log_text);
    cr_assert_eq(open_image(rig, (struct block_config){ .read_only = true, .snapshot = true }, &block), VX_ERR_OK,
                 "read-only needs no overlay");
    block_close(block);
    rig_destroy(rig);
}

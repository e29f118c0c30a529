/* qcow2 images as media: made and judged by qemu-img, compared with a copy of the disk in memory. */
#include "block_rig.h"
#include "rng.h"

enum { DISK_BYTES = 3 * 1024 * 1024 + 512 * 5 };

/* qemu-img's exit status; %s of the arguments are the directory. */
static int qemu_img(const struct rig *rig, const char *format)
{
    char args[600], command[700];
    const char *d = rig->directory;
    snprintf(args, sizeof args, format, d, d, d, d);
    snprintf(command, sizeof command, "qemu-img %s >/dev/null 2>&1", args);
    return WEXITSTATUS(system(command));
}

static void need_qemu_img(void)
{
    if (system("qemu-img --version >/dev/null 2>&1") != 0)
        cr_skip_test("no qemu-img (Debian: qemu-utils)");
}

static void remove_file(const struct rig *rig, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", rig->directory, name);
    unlink(path);
}

static void expect_disk(struct rig *rig, struct vx_block *block, const uint8_t *disk, const char *when)
{
    static uint8_t data[DISK_BYTES];
    cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, 0, data, DISK_BYTES), VX_ERR_OK, "%s", when);
    for (size_t i = 0; i < DISK_BYTES; i++)
        if (data[i] != disk[i])
            cr_assert_fail("%s: byte %zu is %02X, not %02X", when, i, data[i], disk[i]);
}

/* A raw disk of which two thirds have a pattern: raw.img. */
static void make_disk(const struct rig *rig, uint8_t *disk)
{
    char path[160];
    for (size_t i = 0; i < DISK_BYTES; i++)
        disk[i] = i / 65536 % 3 == 1 ? 0 : pattern(i);
    snprintf(path, sizeof path, "%s/raw.img", rig->directory);
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL && fwrite(disk, 1, DISK_BYTES, file) == DISK_BYTES);
    fclose(file);
}

/* Random writes, zeros and discards on image and copy alike. What was discarded is taken as it reads. */
static void change(struct rig *rig, struct vx_block *block, uint8_t *disk, struct rng *rng, unsigned count)
{
    static uint8_t data[DISK_BYTES];
    static const enum vx_block_op ops[] = { VX_BLOCK_WRITE, VX_BLOCK_WRITE, VX_BLOCK_WRITE_ZEROES, VX_BLOCK_DISCARD };
    for (unsigned i = 0; i < count; i++) {
        enum vx_block_op op = ops[rng_below(rng, VX_ARRAY_LEN(ops))];
        uint64_t first = rng_below(rng, DISK_BYTES / 512);
        uint64_t most = DISK_BYTES / 512 - first, limit = rng_below(rng, 4) == 0 ? 700 : 20;
        uint64_t off = first * 512, bytes = (1 + rng_below(rng, (uint32_t)(most < limit ? most : limit))) * 512;
        memset(data, (int)rng_below(rng, 256), bytes);
        cr_assert_eq(transfer(rig, block, op, off, op == VX_BLOCK_WRITE ? data : NULL, bytes), VX_ERR_OK);
        if (op == VX_BLOCK_WRITE)
            memcpy(disk + off, data, bytes);
        else if (op == VX_BLOCK_WRITE_ZEROES)
            memset(disk + off, 0, bytes);
        else
            cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, off, disk + off, bytes), VX_ERR_OK);
    }
}

/* How qemu-img makes disk.img out of raw.img. The kind decides what is shared, packed or behind it. */
static const struct {
    const char *what, *make, *then;
} kinds[] = {
    { "v3", "convert -O qcow2 %s/raw.img %s/disk.img", NULL },
    { "v2", "convert -O qcow2 -o compat=0.10 %s/raw.img %s/disk.img", NULL },
    { "512-byte clusters", "convert -O qcow2 -o cluster_size=512 %s/raw.img %s/disk.img", NULL },
    { "2 MiB clusters", "convert -O qcow2 -o cluster_size=2M %s/raw.img %s/disk.img", NULL },
    { "1-bit refcounts", "convert -O qcow2 -o refcount_bits=1,cluster_size=512 %s/raw.img %s/disk.img", NULL },
    { "4-bit refcounts", "convert -O qcow2 -o refcount_bits=4 %s/raw.img %s/disk.img", NULL },
    { "64-bit refcounts", "convert -O qcow2 -o refcount_bits=64,cluster_size=512 %s/raw.img %s/disk.img", NULL },
    { "lazy", "convert -O qcow2 -o lazy_refcounts=on %s/raw.img %s/disk.img", NULL },
    { "zlib", "convert -c -O qcow2 %s/raw.img %s/disk.img", NULL },
    { "zlib, 4 KiB", "convert -c -O qcow2 -o cluster_size=4k %s/raw.img %s/disk.img", NULL },
    { "zstd", "convert -c -O qcow2 -o compression_type=zstd %s/raw.img %s/disk.img", NULL },
    { "preallocated", "convert -O qcow2 -o preallocation=metadata %s/raw.img %s/disk.img", NULL },
    { "snapshot", "convert -O qcow2 %s/raw.img %s/disk.img", "snapshot -c one %s/disk.img" },
    { "snapshot of packed", "convert -c -O qcow2 -o cluster_size=4k %s/raw.img %s/disk.img",
      "snapshot -c one %s/disk.img" },
    { "backing raw", "create -f qcow2 -F raw -b raw.img %s/disk.img", NULL },
    { "backing v2", "create -f qcow2 -o compat=0.10 -F raw -b raw.img %s/disk.img", NULL },
    { "backing, small", "create -f qcow2 -o cluster_size=1k -F raw -b raw.img %s/disk.img", NULL },
};

Test(block_qcow2, reads_and_writes, .timeout = 300)
{
    static uint8_t disk[DISK_BYTES], base[DISK_BYTES];
    need_qemu_img();
    for (size_t n = 0; n < VX_ARRAY_LEN(kinds); n++) {
        struct rig *rig = rig_create();
        struct rng rng = rng_seeded(n + 1);
        struct vx_block *block;
        make_disk(rig, disk);
        memcpy(base, disk, DISK_BYTES);
        cr_assert_eq(qemu_img(rig, kinds[n].make), 0, "%s", kinds[n].what);
        cr_assert(kinds[n].then == NULL || qemu_img(rig, kinds[n].then) == 0, "%s", kinds[n].what);
        for (unsigned round = 0; round < 3; round++) {
            vx_err err = open_image(rig, (struct block_config){ 0 }, &block);
            fflush(rig->log_file);
            cr_assert_eq(err, VX_ERR_OK, "%s: %s", kinds[n].what, rig->log_text);
            cr_assert_eq(block->bytes, DISK_BYTES);
            expect_disk(rig, block, disk, kinds[n].what);
            change(rig, block, disk, &rng, 60);
            cr_assert_eq(transfer(rig, block, VX_BLOCK_FLUSH, 0, NULL, 0), VX_ERR_OK);
            expect_disk(rig, block, disk, kinds[n].what);
            block_close(block);
            cr_assert_eq(qemu_img(rig, "check %s/disk.img"), 0, "%s, round %u", kinds[n].what, round);
        }
        if (kinds[n].then != NULL) { /* the snapshot is what it was */
            cr_assert_eq(qemu_img(rig, "snapshot -a one %s/disk.img"), 0);
            cr_assert_eq(qemu_img(rig, "compare -f qcow2 -F raw %s/disk.img %s/raw.img"), 0, "%s", kinds[n].what);
        }
        remove_file(rig, "raw.img");
        rig_destroy(rig);
    }
}

/* A file that grows far: blocks and table of refcounts grow with it. */
Test(block_qcow2, refcounts_grow, .timeout = 300)
{
    need_qemu_img();
    enum { STEP = 1 << 20 };
    static uint8_t data[STEP];
    struct rig *rig = rig_create();
    struct vx_block *block;
    cr_assert_eq(qemu_img(rig, "create -f qcow2 -o cluster_size=512,refcount_bits=64 %s/disk.img 24M"), 0);
    cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &block), VX_ERR_OK);
    for (unsigned i = 0; i < 24; i++) {
        memset(data, (int)i + 1, STEP);
        cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE, (uint64_t)i * STEP, data, STEP), VX_ERR_OK);
    }
    for (unsigned i = 0; i < 24; i++) {
        cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, (uint64_t)i * STEP, data, STEP), VX_ERR_OK);
        cr_assert(data[0] == i + 1 && data[STEP - 1] == i + 1);
    }
    block_close(block);
    cr_assert_eq(qemu_img(rig, "check %s/disk.img"), 0);
    rig_destroy(rig);
}

/* A chain of three whose sizes differ; only the uppermost is written. */
Test(block_qcow2, backing_chain)
{
    need_qemu_img();
    uint8_t sector[512];
    struct rig *rig = rig_create();
    struct vx_block *block;
    make_image(rig, 128 * 1024);
    cr_assert_eq(qemu_img(rig, "convert -f raw -O qcow2 %s/disk.img %s/a.qcow2"), 0);
    cr_assert_eq(qemu_img(rig, "create -f qcow2 -F qcow2 -b a.qcow2 %s/b.qcow2 1M"), 0);
    cr_assert_eq(qemu_img(rig, "create -f qcow2 -F qcow2 -b b.qcow2 %s/disk.img 2M"), 0);
    cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &block), VX_ERR_OK);
    cr_assert_eq(block->bytes, 2u << 20);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, 1024, sector, 512), VX_ERR_OK);
    cr_assert_eq(sector[1], pattern(1025));
    cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE, 512, "x", 0), VX_ERR_OK);
    memset(sector, 0x5A, sizeof sector);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE, 128 * 1024 - 512, sector, 512), VX_ERR_OK);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_READ, 128 * 1024, sector, 512), VX_ERR_OK);
    cr_assert_eq(sector[0], 0, "behind the end of a backing disk are zeros");
    block_close(block);
    cr_assert_eq(qemu_img(rig, "check %s/disk.img"), 0);
    cr_assert_eq(qemu_img(rig, "check %s/a.qcow2"), 0);
    remove_file(rig, "a.qcow2");
    remove_file(rig, "b.qcow2");
    rig_destroy(rig);
}

static void put(const struct rig *rig, off_t at, uint64_t value, unsigned bytes)
{
    uint8_t text[8];
    for (unsigned i = 0; i < bytes; i++)
        text[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    patch_image(rig, at, text, bytes);
}

/* Each field of the header out of range, and tables in the wrong place: one line, and the file stays as it is. */
Test(block_qcow2, refuses, .timeout = 120)
{
    static const struct {
        const char *make;
        off_t at;
        uint64_t value;
        unsigned bytes;
        const char *says;
    } rows[] = {
        { NULL, 4, 1, 4, "of a version" },
        { NULL, 4, 4, 4, "of a version" },
        { NULL, 8, 65536, 8, "name is outside the header" },
        { "create -f qcow2 -F raw -b raw.img %s/disk.img", 16, 70000, 4, "name is outside the header" },
        { NULL, 20, 8, 4, "clusters have an impossible size" },
        { NULL, 20, 22, 4, "clusters have an impossible size" },
        { NULL, 20, UINT32_MAX, 4, "clusters have an impossible size" },
        { NULL, 24, 1ull << 62, 8, "L1 table does not have the size" },
        { NULL, 24, 0, 8, "is empty" },
        { NULL, 32, 1, 4, "encrypted" },
        { NULL, 36, 0, 4, "L1 table does not have the size" },
        { NULL, 36, UINT32_MAX, 4, "L1 table does not have the size" },
        { NULL, 40, 1ull << 40, 8, "L1 table is outside" },
        { NULL, 40, 1, 8, "L1 table is outside" },
        { NULL, 40, 65536, 8, "two tables lie in cluster" },
        { NULL, 48, UINT64_MAX << 16, 8, "refcount table is outside" },
        { NULL, 48, 0, 8, "two tables lie in cluster" },
        { NULL, 56, 0, 4, "refcount table is outside" },
        { NULL, 56, UINT32_MAX, 4, "refcount table is outside" },
        { NULL, 60, 65537, 4, "table of snapshots" },
        { NULL, 60, 1, 4, "two tables lie in cluster" },
        { NULL, 72, 1, 8, "was not closed" },
        { NULL, 72, 2, 8, "marked as corrupt" },
        { NULL, 72, 4, 8, "external data file" },
        { NULL, 72, 16, 8, "extended L2" },
        { NULL, 72, 1ull << 40, 8, "incompatible features 10000000000h" },
        { NULL, 96, 7, 4, "wider than 64 bits" },
        { NULL, 100, 96, 4, "impossible length" },
        { NULL, 100, 105, 4, "impossible length" },
        { NULL, 100, 1u << 31, 4, "impossible length" },
        { NULL, 104, 2, 1, "unknown compression" },
        { NULL, 116, 1u << 30, 4, "do not end" },
        { NULL, 65536, 1ull << 50, 8, "refcount block is outside" },
        { NULL, 65536, 65536, 8, "two tables lie in cluster" },
        { NULL, 3 * 65536, 1ull << 50, 8, "L2 table is outside" },
        { NULL, 3 * 65536, 3 * 65536, 8, "two tables lie in cluster" },
        { "create -f qcow2 -u -F qcow2 -b disk.img %s/disk.img 1M", 104, 0, 1, "its own backing file" },
        { "create -f qcow2 -u -F qcow2 -b gone.img %s/disk.img 1M", 104, 0, 1, "no such file" },
        { "create -f qcow2 -u -F raw -b nbd://localhost/x %s/disk.img 1M", 104, 0, 1, "not a file that vx86" },
    };
    static uint8_t disk[DISK_BYTES], before[1 << 20], after[1 << 20];
    need_qemu_img();
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct rig *rig = rig_create();
        struct vx_block *block;
        make_disk(rig, disk);
        const char *make = rows[i].make != NULL ? rows[i].make : "convert -O qcow2 %s/raw.img %s/disk.img";
        cr_assert_eq(qemu_img(rig, make), 0, "%s", make);
        put(rig, rows[i].at, rows[i].value, rows[i].bytes);
        int fd = open(rig->path, O_RDONLY);
        ssize_t had = pread(fd, before, sizeof before, 0);
        vx_err err = open_image(rig, (struct block_config){ 0 }, &block);
        fflush(rig->log_file);
        cr_expect_eq(err == VX_ERR_BAD_FORMAT || err == VX_ERR_NOT_FOUND, true, "row %zu, %s: %s", i, rows[i].says,
                     vx_err_text(err));
        cr_expect(rig->log_bytes != 0 && strstr(rig->log_text, rows[i].says) != NULL, "row %zu, %s: %s", i,
                  rows[i].says, rig->log_text);
        cr_expect(rig->log_bytes == 0 || strchr(rig->log_text, '\n') == rig->log_text + rig->log_bytes - 1,
                  "row %zu: one line: %s", i, rig->log_text);
        cr_expect(pread(fd, after, sizeof after, 0) == had && memcmp(before, after, (size_t)had) == 0, "row %zu wrote",
                  i);
        close(fd);
        remove_file(rig, "raw.img");
        rig_destroy(rig);
    }
}

/* Cut at each cluster: refused, or sectors that cannot be read, but never anything else. */
Test(block_qcow2, truncated, .timeout = 120)
{
    static uint8_t disk[DISK_BYTES], data[65536];
    need_qemu_img();
    struct rig *rig = rig_create();
    struct stat st;
    make_disk(rig, disk);
    cr_assert_eq(qemu_img(rig, "convert -O qcow2 %s/raw.img %s/disk.img"), 0);
    stat(rig->path, &st);
    for (off_t left = st.st_size & ~65535l; left >= 0; left -= 65536) {
        struct vx_block *block;
        cr_assert_eq(truncate(rig->path, left), 0);
        if (open_image(rig, (struct block_config){ 0 }, &block) != VX_ERR_OK)
            continue;
        for (unsigned at = 0; at + 65536 <= DISK_BYTES; at += 65536) {
            vx_err err = transfer(rig, block, VX_BLOCK_READ, at, data, 65536);
            cr_assert(err == VX_ERR_IO || memcmp(data, disk + at, 65536) == 0, "left %ld, at %u", (long)left, at);
        }
        block_close(block);
    }
    remove_file(rig, "raw.img");
    rig_destroy(rig);
}

/* A table as data would let a guest name the backing file of the next start. */
Test(block_qcow2, tables_are_never_data)
{
    static uint8_t disk[DISK_BYTES], data[65536];
    need_qemu_img();
    for (uint64_t cluster = 0; cluster < 5; cluster++) { /* header, refcounts, L1, L2 */
        struct rig *rig = rig_create();
        struct vx_block *block;
        make_disk(rig, disk);
        cr_assert_eq(qemu_img(rig, "convert -O qcow2 %s/raw.img %s/disk.img"), 0);
        put(rig, 4 * 65536 + 8, cluster << 16 | 1ull << 63, 8); /* the second entry of L2 */
        cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &block), VX_ERR_OK);
        if (cluster == 0) /* offset 0 is no cluster at all */
            cr_expect_eq(transfer(rig, block, VX_BLOCK_WRITE, 65536, data, 512), VX_ERR_OK);
        else
            cr_expect_eq(transfer(rig, block, VX_BLOCK_WRITE, 65536, data, 512), VX_ERR_IO, "cluster %d", (int)cluster);
        block_close(block);
        remove_file(rig, "raw.img");
        rig_destroy(rig);
    }
}

/* A raw image whose guest writes qcow2's mark would be a qcow2 image at the next start. */
Test(block_qcow2, raw_stays_raw)
{
    uint8_t sector[512] = { 'Q', 'F', 'I', 0xFB };
    struct rig *rig = rig_create();
    struct vx_block *block;
    make_image(rig, 65536);
    cr_assert_eq(open_image(rig, (struct block_config){ 0 }, &block), VX_ERR_OK);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE, 0, sector, 512), VX_ERR_IO);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE, 512, sector, 512), VX_ERR_OK);
    block_close(block);
    cr_assert_eq(open_image(rig, (struct block_config){ .raw = true }, &block), VX_ERR_OK);
    cr_assert_eq(transfer(rig, block, VX_BLOCK_WRITE, 0, sector, 512), VX_ERR_OK);
    block_close(block);
    rig_destroy(rig);
}

static void write_until_killed(struct rig *rig, uint64_t seed)
{
    struct rng rng = rng_seeded(seed);
    struct vx_block *block;
    static uint8_t data[65536];
    vx_loop_destroy(rig->loop); /* the parent's */
    if (vx_loop_create(rig->log, &rig->loop) != VX_ERR_OK || open_image(rig, (struct block_config){ 0 }, &block) != 0)
        _exit(1);
    for (;;) {
        enum vx_block_op op = rng_below(&rng, 5) == 0 ? VX_BLOCK_DISCARD : VX_BLOCK_WRITE;
        uint64_t off = rng_below(&rng, (32 << 20) / 4096 - 16) * 4096ull;
        vx_err err =
            transfer(rig, block, op, off, op == VX_BLOCK_WRITE ? data : NULL, (1 + rng_below(&rng, 16)) * 4096ull);
        if (err != VX_ERR_OK)
            _exit(2);
    }
}

/* Killed at any moment: nothing worse than clusters that nobody uses. VX86_QCOW2_KILLS for more. */
Test(block_qcow2, kills, .timeout = 1200)
{
    need_qemu_img();
    const char *wish = getenv("VX86_QCOW2_KILLS");
    unsigned kills = wish != NULL ? (unsigned)atoi(wish) : 20;
    struct rig *rig = rig_create();
    struct rng rng = rng_seeded(77);
    cr_assert_eq(qemu_img(rig, "create -f qcow2 -o cluster_size=4k %s/disk.img 32M"), 0);
    for (unsigned i = 0; i < kills; i++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            write_until_killed(rig, i + 1);
        usleep(10000 + rng_below(&rng, 60000));
        kill(child, SIGKILL);
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFSIGNALED(status), "kill %u: exit status %d", i, WEXITSTATUS(status));
        int found = qemu_img(rig, "check %s/disk.img");
        cr_assert(found == 0 || found == 3, "kill %u: qemu-img check says %d", i, found);
        if (found == 3)
            cr_assert_eq(qemu_img(rig, "check -r leaks %s/disk.img"), 0);
    }
    rig_destroy(rig);
}

/* Direct Linux boot: which kernels are taken, where things are placed, what the header says afterwards. The kernels are
 * made up here, from the boot protocol's field table. */
#include "collect.h"

enum {
    SETUP_SECTS = 7,
    SETUP_BYTES = (SETUP_SECTS + 1) * 512,
    CODE_BYTES = 10000,
    KERNEL_BYTES = SETUP_BYTES + CODE_BYTES
};
enum { MIB = 1 << 20 };

static void put16(uint8_t *at, unsigned value)
{
    vx_put_le16(at, (uint16_t)value);
}

/* A 2.15 bzImage that runs in 4 MiB from 1 MiB on. */
static void make_kernel(uint8_t kernel[KERNEL_BYTES])
{
    for (unsigned i = 0; i < KERNEL_BYTES; i++)
        kernel[i] = (uint8_t)(i * 7);
    memset(kernel + 0x1F1, 0, 0x268 - 0x1F1);
    kernel[0x1F1] = SETUP_SECTS;
    put16(kernel + 0x1FE, 0xAA55);
    memcpy(kernel + 0x202, "HdrS", 4);
    put16(kernel + 0x206, 0x20F);
    kernel[0x211] = 1;
    vx_put_le32(kernel + 0x22C, 0x7FFFFFFF);
    vx_put_le32(kernel + 0x238, 2047);
    vx_put_le32(kernel + 0x258, 0x100000);
    vx_put_le32(kernel + 0x260, 4 * MIB);
}

static vx_err build(struct collect *collect, const uint8_t *kernel, size_t kernel_bytes, size_t initrd_bytes,
                    uint64_t ram_bytes, const char *append)
{
    collect_init(collect);
    uint8_t *initrd = calloc(1, initrd_bytes + 1);
    struct vx_fw_config config = { .log = collect->log,
                                   .ram_bytes = ram_bytes,
                                   .cpus = 1,
                                   .boot_order = "next\n",
                                   .kernel = kernel,
                                   .kernel_bytes = kernel_bytes,
                                   .initrd = initrd_bytes != 0 ? initrd : NULL,
                                   .initrd_bytes = initrd_bytes,
                                   .append = append };
    vx_err err = vx_fw_build(&config, &collect->sink);
    free(initrd);
    return err;
}

Test(linux_boot, refused_kernels)
{
    static const struct {
        const char *what;
        size_t bytes; /* of the file */
        unsigned off; /* byte to change */
        uint8_t value;
    } rows[] = {
        { "empty", 0, 0, 0 },
        { "one byte short of a header", 0x263, 0, 0 },
        { "no boot flag", KERNEL_BYTES, 0x1FE, 0 },
        { "no HdrS", KERNEL_BYTES, 0x202, 'h' },
        { "protocol 0.15", KERNEL_BYTES, 0x207, 0 },
        { "a zImage", KERNEL_BYTES, 0x211, 0 },
        { "a 64-bit kernel", KERNEL_BYTES, 0x236, 1 },
        { "setup as large as the file", SETUP_BYTES, 0, 0 },
        { "255 setup sectors", KERNEL_BYTES, 0x1F1, 255 },
        { "more setup than file", KERNEL_BYTES, 0x1F1, 60 },
    };
    uint8_t kernel[KERNEL_BYTES];
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct collect collect;
        make_kernel(kernel);
        if (rows[i].off != 0)
            kernel[rows[i].off] = rows[i].value;
        cr_assert_eq(vx_fw_kernel_kind(kernel, rows[i].bytes), VX_KERNEL_NONE, "%s", rows[i].what);
        cr_assert_eq(build(&collect, kernel, rows[i].bytes, 0, 64 * MIB, ""), VX_ERR_BAD_FORMAT, "%s", rows[i].what);
        cr_assert_null(find_file(&collect, FW_LINUXBOOT_FILE));
        collect_fini(&collect);
    }
    make_kernel(kernel);
    cr_assert_eq(vx_fw_kernel_kind(kernel, sizeof kernel), VX_KERNEL_LINUX);
}

/* No byte of the header may make the builder read or write outside what it was given (run with sanitizers). */
Test(linux_boot, mutated_headers)
{
    uint8_t kernel[KERNEL_BYTES];
    unsigned taken = 0;
    for (unsigned off = 0x1F1; off < 0x268; off++) {
        static const uint8_t values[] = { 0x00, 0x01, 0x7F, 0x80, 0xFF };
        for (size_t i = 0; i < sizeof values; i++) {
            struct collect collect;
            make_kernel(kernel);
            kernel[off] = values[i];
            taken += build(&collect, kernel, sizeof kernel, 5000, 64 * MIB, "x") == VX_ERR_OK;
            collect_fini(&collect);
        }
    }
    cr_assert_gt(taken, 300, "most bytes do not matter to a boot loader");
}

Test(linux_boot, header)
{
    static const char append[] = "console=ttyS0 vga=0x317";
    struct collect collect;
    uint8_t kernel[KERNEL_BYTES];
    make_kernel(kernel);
    cr_assert_eq(build(&collect, kernel, sizeof kernel, 12345, 64 * MIB, append), VX_ERR_OK);

    const struct collected *setup = find_item(&collect, FW_KEY_SETUP_DATA),
                           *code = find_item(&collect, FW_KEY_KERNEL_DATA);
    cr_assert(setup->bytes == SETUP_BYTES && code->bytes == CODE_BYTES);
    cr_assert_arr_eq(code->data, kernel + SETUP_BYTES, CODE_BYTES);
    cr_assert_eq(item_u32(&collect, FW_KEY_SETUP_ADDR), 0x10000);
    cr_assert_eq(item_u32(&collect, FW_KEY_SETUP_SIZE), SETUP_BYTES);
    cr_assert_eq(item_u32(&collect, FW_KEY_KERNEL_ADDR), 0x100000);
    cr_assert_eq(item_u32(&collect, FW_KEY_KERNEL_SIZE), CODE_BYTES);
    uint32_t initrd = item_u32(&collect, FW_KEY_INITRD_ADDR);
    cr_assert(initrd % 4096 == 0 && initrd >= 5 * MIB && initrd + 12345 <= 64 * MIB - 512 * 1024);
    cr_assert_eq(vx_get_le32(setup->data + 0x218), initrd);
    cr_assert_eq(vx_get_le32(setup->data + 0x21C), 12345);
    cr_assert_eq(vx_get_le16(setup->data + 0x1FA), 0x317);
    cr_assert_eq(setup->data[0x210], 0xFF);
    cr_assert_eq(setup->data[0x211], 0x81);
    cr_assert_eq(vx_get_le16(setup->data + 0x224), 0xDE00);
    cr_assert_eq(vx_get_le32(setup->data + 0x228), item_u32(&collect, FW_KEY_CMDLINE_ADDR));
    cr_assert_eq(item_u32(&collect, FW_KEY_CMDLINE_SIZE), sizeof append);
    cr_assert_arr_eq(find_item(&collect, FW_KEY_CMDLINE_DATA)->data, append, sizeof append);
    cr_assert_str_eq((const char *)find_file(&collect, "bootorder")->data, "/rom@genroms/linuxboot.bin\nnext\nHALT\n");
    collect_fini(&collect);
}

Test(linux_boot, video_modes)
{
    static const struct {
        const char *append;
        unsigned mode;
    } rows[] = {
        { "", 0xFFFF },        { "vga=normal", 0xFFFF }, { "a vga=ext b", 0xFFFE },
        { "vga=ask", 0xFFFD }, { "x vga=791", 791 },     { "novga=791", 0xFFFF },
    };
    uint8_t kernel[KERNEL_BYTES];
    make_kernel(kernel);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct collect collect;
        cr_assert_eq(build(&collect, kernel, sizeof kernel, 0, 64 * MIB, rows[i].append), VX_ERR_OK);
        cr_assert_eq(vx_get_le16(find_item(&collect, FW_KEY_SETUP_DATA)->data + 0x1FA), rows[i].mode, "%s",
                     rows[i].append);
        collect_fini(&collect);
    }
}

Test(linux_boot, room)
{
    static const struct {
        const char *what;
        unsigned ram_mib, initrd_bytes, append_chars;
        uint32_t initrd_addr_max, init_size;
        vx_err expected;
    } rows[] = {
        { "fits", 16, 1 * MIB, 10, 0x7FFFFFFF, 4 * MIB, VX_ERR_OK },
        { "initrd larger than memory", 16, 17 * MIB, 10, 0x7FFFFFFF, 4 * MIB, VX_ERR_RANGE },
        { "initrd into the kernel", 16, 11 * MIB, 10, 0x7FFFFFFF, 4 * MIB, VX_ERR_RANGE },
        { "just not into the kernel", 16, 10 * MIB + 500 * 1024, 10, 0x7FFFFFFF, 4 * MIB, VX_ERR_OK },
        { "initrd above its limit", 64, 4 * MIB, 10, 8 * MIB - 1, 4 * MIB, VX_ERR_RANGE },
        { "initrd below its limit", 64, 2 * MIB, 10, 8 * MIB - 1, 4 * MIB, VX_ERR_OK },
        { "kernel larger than memory", 16, 0, 10, 0x7FFFFFFF, 16 * MIB, VX_ERR_RANGE },
        { "absurd init_size", 16, 0, 10, 0x7FFFFFFF, UINT32_MAX, VX_ERR_RANGE },
        { "longest command line", 16, 0, 2047, 0x7FFFFFFF, 4 * MIB, VX_ERR_OK },
        { "command line too long", 16, 0, 2048, 0x7FFFFFFF, 4 * MIB, VX_ERR_RANGE },
    };
    uint8_t kernel[KERNEL_BYTES];
    char append[4096];
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct collect collect;
        make_kernel(kernel);
        vx_put_le32(kernel + 0x22C, rows[i].initrd_addr_max);
        vx_put_le32(kernel + 0x260, rows[i].init_size);
        memset(append, 'a', sizeof append);
        append[rows[i].append_chars] = '\0';
        vx_err err =
            build(&collect, kernel, sizeof kernel, rows[i].initrd_bytes, (uint64_t)rows[i].ram_mib * MIB, append);
        cr_assert_eq(err, rows[i].expected, "%s: %s", rows[i].what, vx_err_text(err));
        if (err == VX_ERR_OK && rows[i].initrd_bytes != 0) {
            uint64_t end = (uint64_t)item_u32(&collect, FW_KEY_INITRD_ADDR) + rows[i].initrd_bytes;
            cr_assert_leq(end, (uint64_t)rows[i].initrd_addr_max + 1, "%s", rows[i].what);
        }
        collect_fini(&collect);
    }
}

Test(linux_boot, option_rom)
{
    struct collect collect;
    uint8_t kernel[KERNEL_BYTES], total = 0, pnp_total = 0;
    make_kernel(kernel);
    cr_assert_eq(build(&collect, kernel, sizeof kernel, 0, 64 * MIB, ""), VX_ERR_OK);
    const struct collected *rom = find_file(&collect, FW_LINUXBOOT_FILE);
    cr_assert(rom->data[0] == 0x55 && rom->data[1] == 0xAA && rom->data[2] * 512u == rom->bytes);
    for (size_t i = 0; i < rom->bytes; i++)
        total = (uint8_t)(total + rom->data[i]);
    const uint8_t *pnp = rom->data + vx_get_le16(rom->data + 0x1A);
    cr_assert_arr_eq(pnp, "$PnP", 4);
    for (unsigned i = 0; i < pnp[5] * 16u; i++)
        pnp_total = (uint8_t)(pnp_total + pnp[i]);
    cr_assert(total == 0 && pnp_total == 0, "both checksums");
    cr_assert_lt(vx_get_le16(pnp + 0x1A), rom->bytes, "bootstrap entry vector");
    collect_fini(&collect);
}

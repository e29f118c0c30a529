/* read_kernel.c - kernels for a direct boot: firmware/. */
#include <stdlib.h>
#include <string.h>

#include "readers.h"
#include "vx86/firmware.h"

enum { MIB = 1 << 20, TEXT_OFF = 0x1000, FILE_BYTES = 0x3000 };

static void *create(struct vx_log *log)
{
    return log;
}

static void destroy(void *state)
{
    (void)state;
}

/* Reads all that it is given. */
static void look(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < bytes; i++)
        sum += at[i];
    (void)sum;
}

static void add_item(void *opaque, uint16_t key, const void *data, size_t bytes)
{
    (void)opaque, (void)key;
    look(data, bytes);
}

static void add_file(void *opaque, const char *name, const void *data, size_t bytes)
{
    (void)opaque, (void)name;
    look(data, bytes);
}

/* Memory, initrd and modules follow from the kernel's last byte. The kernel's end is the end of its block. */
static void read_input(void *state, const uint8_t *at, size_t bytes)
{
    static const uint8_t initrd[8192];
    static const uint64_t memory[] = { 16 * MIB, 1 * MIB, 64 * MIB, (uint64_t)3072 * MIB };
    struct vx_boot_module modules[2] = { { 0, 100, "first" }, { 4096, 4096, "second and words" } };
    uint8_t *kernel = malloc(bytes + 1), how = bytes != 0 ? at[bytes - 1] : 0;
    if (kernel == NULL)
        abort();
    kernel = realloc(kernel, bytes != 0 ? bytes : 1);
    memcpy(kernel, at, bytes);
    struct vx_fw_config config = {
        .log = state,
        .ram_bytes = memory[how & 3],
        .cpus = 1,
        .kernel = kernel,
        .kernel_bytes = bytes,
        .kernel_name = "kernel",
        .initrd = how & 4 ? initrd : NULL,
        .initrd_bytes = how & 4 ? sizeof initrd : 0,
        .modules = modules,
        .module_count = how & 4 ? 2 : 0,
        .append = how & 8 ? "console=ttyS0 and more" : "",
    };
    struct vx_fw_sink sink = { .add_item = add_item, .add_file = add_file };
    if (vx_fw_kernel_kind(kernel, bytes) != VX_KERNEL_NONE) {
        vx_err err = vx_fw_build(&config, &sink);
        (void)err;
    }
    free(kernel);
}

/* A 2.15 bzImage that runs in 4 MiB from 1 MiB on. */
static bool seed_bzimage(unsigned n, struct input *out)
{
    if (n > 1)
        return false;
    input_zeros(out, n == 0 ? 2048 : 0x264);
    out->at[0x1F1] = n == 0 ? 2 : 0;
    input_put16(out, 0x1FE, 0xAA55);
    memcpy(out->at + 0x202, "HdrS", 4);
    input_put16(out, 0x206, n == 0 ? 0x20F : 0x202);
    out->at[0x211] = 1;
    input_put32(out, 0x22C, 0x7FFFFFFF);
    input_put32(out, 0x238, 2047);
    input_put32(out, 0x258, 0x100000);
    input_put32(out, 0x260, 4 * MIB);
    return true;
}

static void put_header(struct input *out, size_t off, uint32_t flags)
{
    input_put32(out, off, 0x1BADB002);
    input_put32(out, off + 4, flags);
    input_put32(out, off + 8, 0u - (0x1BADB002 + flags));
}

static void put32s(struct input *out, size_t off, const uint32_t *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        input_put32(out, off + 4 * i, values[i]);
}

static bool seed_multiboot(unsigned n, struct input *out)
{
    const uint32_t addresses[] = { MIB + TEXT_OFF, MIB, MIB + FILE_BYTES, MIB + FILE_BYTES + 4096,
                                   MIB + TEXT_OFF + 32 };
    const uint32_t file[] = { 3u << 16 | 2, 1, 0xC0100010, 52, 0, 0, 32u << 16 | 52, 3 };
    const uint32_t segments[] = { 1,          0x1000, 0xC0100000, 0x100000, 4096, 4096,  5, 4096,
                                  1,          0x2000, 0xC0200000, 0x200000, 4096, 12288, 6, 4096,
                                  0x6474E551, 0,      0,          0,        0,    0,     7, 16 };
    if (n > 1)
        return false;
    input_zeros(out, FILE_BYTES);
    if (n == 0) {
        put_header(out, TEXT_OFF, 0x10003);
        put32s(out, TEXT_OFF + 12, addresses, VX_ARRAY_LEN(addresses));
    } else {
        memcpy(out->at, "\177ELF\1\1\1", 7);
        put32s(out, 16, file, VX_ARRAY_LEN(file));
        put32s(out, 52, segments, VX_ARRAY_LEN(segments));
        put_header(out, TEXT_OFF, 3);
    }
    return true;
}

const struct reader reader_bzimage = {
    .name = "bzimage", .create = create, .destroy = destroy, .seed = seed_bzimage, .read = read_input
};
const struct reader reader_multiboot = {
    .name = "multiboot", .create = create, .destroy = destroy, .seed = seed_multiboot, .read = read_input
};

/* test_elf.c - vx86/elf.h on a small file of both classes and byte orders, on damaged ones, and on this program. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vx86/elf.h"

/* header | one segment | two sections: symbols, strings | the symbols (an empty one, "f") | the strings */
enum { FILE_BYTES = 512, SEGMENTS = 64, SECTIONS = 128, SYMBOLS = 320, STRINGS = 400, STRING_BYTES = 3 };

struct image {
    bool is_64, big;
    size_t bytes;
    uint8_t file[FILE_BYTES];
};

static void put(struct image *image, size_t at, unsigned bytes, uint64_t value)
{
    for (unsigned i = 0; i < bytes; i++)
        image->file[at + (image->big ? bytes - 1 - i : i)] = (uint8_t)(value >> 8 * i);
}

/* Numbers in a row: of 2 and 4 bytes, or (W) of the class's words. */
#define W 0
static void put_all(struct image *image, size_t at, const unsigned *bytes, const uint64_t *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        unsigned n = bytes[i] != W ? bytes[i] : image->is_64 ? 8 : 4;
        put(image, at, n, values[i]);
        at += n;
    }
}

static void put_section(struct image *image, unsigned index, const uint64_t values[10])
{
    static const unsigned bytes[] = { 4, 4, W, W, W, W, 4, 4, W, W };
    put_all(image, SECTIONS + index * (image->is_64 ? 64u : 40u), bytes, values, 10);
}

static void make(struct image *image, bool is_64, bool big)
{
    static const unsigned header[] = { 2, 2, 4, W, W, W, 4, 2, 2, 2, 2, 2, 2 };
    static const uint8_t magic[] = { 0x7F, 'E', 'L', 'F' };
    size_t symbol_bytes = is_64 ? 24 : 16;
    *image = (struct image){ .is_64 = is_64, .big = big, .bytes = FILE_BYTES };
    memcpy(image->file, magic, sizeof magic);
    image->file[4] = is_64 ? 2 : 1;
    image->file[5] = big ? 2 : 1;
    image->file[6] = 1;
    put_all(image, 16, header,
            (const uint64_t[]){ 2, 3, 1, 0x1234, SEGMENTS, SECTIONS, 0, is_64 ? 64 : 52, is_64 ? 56 : 32, 1,
                                is_64 ? 64 : 40, 2, 0 },
            13);
    if (is_64)
        put_all(image, SEGMENTS, (const unsigned[]){ 4, 4, 8, 8, 8, 8, 8 },
                (const uint64_t[]){ 1, 5, 0x10, 0x5000, 0x6000, 0x20, 0x30 }, 7);
    else
        put_all(image, SEGMENTS, (const unsigned[]){ 4, 4, 4, 4, 4, 4 },
                (const uint64_t[]){ 1, 0x10, 0x5000, 0x6000, 0x20, 0x30 }, 6);
    put_section(image, 0, (const uint64_t[]){ 0, 2, 0, 0, SYMBOLS, 2 * symbol_bytes, 1, 1, 4, symbol_bytes });
    put_section(image, 1, (const uint64_t[]){ 0, 3, 0, 0, STRINGS, STRING_BYTES, 0, 0, 1, 0 });
    put(image, SYMBOLS + symbol_bytes, 4, 1); /* its name */
    put(image, SYMBOLS + symbol_bytes + (is_64 ? 8 : 4), is_64 ? 8 : 4, 0x5008);
    put(image, SYMBOLS + symbol_bytes + (is_64 ? 16 : 8), is_64 ? 8 : 4, 9);
    put(image, SYMBOLS + symbol_bytes + (is_64 ? 4 : 12), 1, 0x12);
    put(image, SYMBOLS + symbol_bytes + (is_64 ? 6 : 14), 2, 7);
    memcpy(image->file + STRINGS, "\0f", STRING_BYTES);
}

static bool read_image(void *opaque, uint64_t off, void *to, size_t bytes)
{
    const struct image *image = opaque;
    cr_assert(off <= image->bytes && bytes <= image->bytes - off, "%zu bytes at %llu are read of %zu", bytes,
              (unsigned long long)off, image->bytes);
    memcpy(to, image->file + off, bytes);
    return true;
}

Test(elf, each_class_and_order)
{
    for (unsigned form = 0; form < 4; form++) {
        struct image image;
        struct vx_elf elf;
        struct vx_elf_segment segment;
        struct vx_elf_section table, strings;
        struct vx_elf_symbol symbol;
        make(&image, form & 1, form & 2);
        cr_assert(vx_elf_open(&elf, image.bytes, read_image, &image), "form %u", form);
        cr_expect(elf.type == VX_ELF_EXECUTABLE && elf.machine == VX_ELF_386 && elf.entry == 0x1234);
        cr_expect(elf.segments.count == 1 && elf.sections.count == 2);
        cr_assert(vx_elf_segment(&elf, 0, &segment) && !vx_elf_segment(&elf, 1, &segment));
        cr_expect(segment.type == VX_ELF_LOAD && segment.off == 0x10 && segment.virt == 0x5000 &&
                      segment.phys == 0x6000 && segment.file_bytes == 0x20 && segment.memory_bytes == 0x30,
                  "form %u", form);
        cr_assert(vx_elf_section(&elf, 0, &table) && vx_elf_section(&elf, table.link, &strings));
        uint8_t *symbols = vx_elf_load(&elf, &table), *names = vx_elf_load(&elf, &strings);
        cr_assert(symbols != NULL && names != NULL);
        cr_assert(vx_elf_symbol(&elf, &table, symbols, 1, &symbol) &&
                  !vx_elf_symbol(&elf, &table, symbols, 2, &symbol));
        cr_expect(symbol.value == 0x5008 && symbol.bytes == 9 && symbol.type == VX_ELF_FUNC && symbol.section == 7,
                  "form %u", form);
        cr_expect_str_eq((const char *)names + symbol.name, "f");
        free(symbols);
        free(names);
    }
}

/* All that can be asked for; read_image() fails the test if anything outside of the file is read. */
static void ask_everything(struct image *image)
{
    struct vx_elf elf;
    struct vx_elf_segment segment;
    struct vx_elf_section section;
    struct vx_elf_symbol symbol;
    if (!vx_elf_open(&elf, image->bytes, read_image, image))
        return;
    for (uint64_t i = 0; i < elf.segments.count && vx_elf_segment(&elf, i, &segment); i++)
        continue;
    for (uint64_t i = 0; i < elf.sections.count && vx_elf_section(&elf, i, &section); i++) {
        uint8_t *bytes = vx_elf_load(&elf, &section);
        uint64_t n = 0;
        while (bytes != NULL && vx_elf_symbol(&elf, &section, bytes, n, &symbol))
            n++;
        cr_assert(n * 16 <= image->bytes * 16);
        free(bytes);
    }
}

Test(elf, damaged)
{
    static const uint8_t values[] = { 0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF };
    for (unsigned form = 0; form < 4; form++) {
        struct image good;
        make(&good, form & 1, form & 2);
        for (size_t at = 0; at < SYMBOLS; at++)
            for (unsigned v = 0; v < sizeof values; v++) {
                struct image image = good;
                image.file[at] = values[v];
                ask_everything(&image);
            }
        for (good.bytes = 0; good.bytes < FILE_BYTES; good.bytes++)
            ask_everything(&good);
    }
}

/* Numbers that do not fit into the header are in section 0. */
Test(elf, many)
{
    struct image image;
    struct vx_elf elf;
    make(&image, true, false);
    put(&image, 56, 2, 0xFFFF); /* e_phnum */
    put(&image, 60, 2, 0);      /* e_shnum */
    put_section(&image, 0, (const uint64_t[]){ 0, 0, 0, 0, 0, 70000, 0, 80000, 0, 0 });
    cr_assert(vx_elf_open(&elf, image.bytes, read_image, &image));
    cr_expect_eq(elf.sections.count, 70000);
    cr_expect_eq(elf.segments.count, 80000);
}

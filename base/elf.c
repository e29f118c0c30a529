/* elf.c - see vx86/elf.h.
 *
 *   I1  Sums that come from the file are not formed before it is known that they do not overflow. */
#include "vx86/elf.h"

#include <stdlib.h>
#include <string.h>

/* Offsets in the headers of both classes: of 4 bytes in the first column, of 8 in the second. */
enum { HEADER_BYTES_32 = 52, HEADER_BYTES_64 = 64 };
enum { SEGMENT_BYTES_32 = 32, SEGMENT_BYTES_64 = 56 };
enum { SECTION_BYTES_32 = 40, SECTION_BYTES_64 = 64 };
enum { SYMBOL_BYTES_32 = 16, SYMBOL_BYTES_64 = 24 };
/* e_phnum when there are too many for it: section 0 has the number. */
enum { COUNT_ELSEWHERE = 0xFFFF };

static uint64_t number(const struct vx_elf *elf, const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | at[elf->big_endian ? i : bytes - 1 - i];
    return value;
}

/* A word of the class: at `at_32` of 4 bytes or at `at_64` of 8. */
static uint64_t word(const struct vx_elf *elf, const uint8_t *header, unsigned at_32, unsigned at_64)
{
    return elf->is_64 ? number(elf, header + at_64, 8) : number(elf, header + at_32, 4);
}

static bool lies_inside(const struct vx_elf *elf, uint64_t off, uint64_t bytes)
{
    return off <= elf->bytes && bytes <= elf->bytes - off;
}

static bool read_inside(const struct vx_elf *elf, uint64_t off, void *to, size_t bytes)
{
    return lies_inside(elf, off, bytes) && elf->read(elf->opaque, off, to, bytes);
}

/* Keeps I1. */
static bool read_entry(const struct vx_elf *elf, const struct vx_elf_table *table, uint64_t index, uint8_t *to,
                       size_t bytes)
{
    uint64_t off, end;
    if (index >= table->count || table->stride < bytes || __builtin_mul_overflow(index, table->stride, &off) ||
        __builtin_add_overflow(off, table->off, &end))
        return false;
    return read_inside(elf, end, to, bytes);
}

static struct vx_elf_table table_at(const struct vx_elf *elf, const uint8_t *header, uint64_t off, unsigned sizes_at)
{
    return (struct vx_elf_table){ .off = off,
                                  .stride = number(elf, header + sizes_at, 2),
                                  .count = off == 0 ? 0 : number(elf, header + sizes_at + 2, 2) };
}

/* Numbers that did not fit into the header. */
static void count_elsewhere(struct vx_elf *elf)
{
    struct vx_elf_section first;
    bool many_sections = elf->sections.count == 0 && elf->sections.off != 0;
    if (!many_sections && elf->segments.count != COUNT_ELSEWHERE)
        return;
    if (many_sections)
        elf->sections.count = 1;
    bool there = vx_elf_section(elf, 0, &first);
    if (many_sections)
        elf->sections.count = there ? first.bytes : 0;
    if (there && elf->segments.count == COUNT_ELSEWHERE)
        elf->segments.count = first.info;
}

bool vx_elf_open(struct vx_elf *elf, uint64_t bytes, vx_elf_read_fn *read, void *opaque)
{
    static const uint8_t magic[] = { 0x7F, 'E', 'L', 'F' };
    enum { CLASS = 4, DATA = 5, VERSION = 6 };
    uint8_t h[HEADER_BYTES_64] = { 0 };
    *elf = (struct vx_elf){ .read = read, .opaque = opaque, .bytes = bytes };
    if (!read_inside(elf, 0, h, HEADER_BYTES_32) || memcmp(h, magic, sizeof magic) != 0)
        return false;
    if (h[CLASS] < 1 || h[CLASS] > 2 || h[DATA] < 1 || h[DATA] > 2 || h[VERSION] != 1)
        return false;
    elf->is_64 = h[CLASS] == 2;
    elf->big_endian = h[DATA] == 2;
    if (elf->is_64 && !read_inside(elf, 0, h, HEADER_BYTES_64))
        return false;
    elf->type = (uint32_t)number(elf, h + 16, 2);
    elf->machine = (uint32_t)number(elf, h + 18, 2);
    elf->entry = word(elf, h, 24, 24);
    elf->segments = table_at(elf, h, word(elf, h, 28, 32), elf->is_64 ? 54 : 42);
    elf->sections = table_at(elf, h, word(elf, h, 32, 40), elf->is_64 ? 58 : 46);
    count_elsewhere(elf);
    return true;
}

bool vx_elf_segment(const struct vx_elf *elf, uint64_t index, struct vx_elf_segment *segment)
{
    uint8_t h[SEGMENT_BYTES_64];
    if (!read_entry(elf, &elf->segments, index, h, elf->is_64 ? SEGMENT_BYTES_64 : SEGMENT_BYTES_32))
        return false;
    *segment = (struct vx_elf_segment){
        .type = (uint32_t)number(elf, h, 4),
        .off = word(elf, h, 4, 8),
        .virt = word(elf, h, 8, 16),
        .phys = word(elf, h, 12, 24),
        .file_bytes = word(elf, h, 16, 32),
        .memory_bytes = word(elf, h, 20, 40),
    };
    return true;
}

bool vx_elf_section(const struct vx_elf *elf, uint64_t index, struct vx_elf_section *section)
{
    uint8_t h[SECTION_BYTES_64];
    if (!read_entry(elf, &elf->sections, index, h, elf->is_64 ? SECTION_BYTES_64 : SECTION_BYTES_32))
        return false;
    *section = (struct vx_elf_section){
        .type = (uint32_t)number(elf, h + 4, 4),
        .off = word(elf, h, 16, 24),
        .bytes = word(elf, h, 20, 32),
        .link = (uint32_t)number(elf, h + (elf->is_64 ? 40 : 24), 4),
        .info = (uint32_t)number(elf, h + (elf->is_64 ? 44 : 28), 4),
        .stride = word(elf, h, 36, 56),
    };
    return true;
}

uint8_t *vx_elf_load(const struct vx_elf *elf, const struct vx_elf_section *section)
{
    if (section->type == VX_ELF_NOBITS || section->bytes == 0 || !lies_inside(elf, section->off, section->bytes))
        return NULL;
    uint8_t *loaded = malloc(section->bytes + 1);
    if (loaded == NULL)
        return NULL;
    loaded[section->bytes] = 0;
    if (elf->read(elf->opaque, section->off, loaded, section->bytes))
        return loaded;
    free(loaded);
    return NULL;
}

bool vx_elf_symbol(const struct vx_elf *elf, const struct vx_elf_section *section, const uint8_t *table, uint64_t index,
                   struct vx_elf_symbol *symbol)
{
    uint64_t bytes = elf->is_64 ? SYMBOL_BYTES_64 : SYMBOL_BYTES_32;
    if (section->stride < bytes || index >= section->bytes / section->stride)
        return false;
    const uint8_t *at = table + index * section->stride;
    *symbol = (struct vx_elf_symbol){
        .name = (uint32_t)number(elf, at, 4),
        .value = word(elf, at, 4, 8),
        .bytes = word(elf, at, 8, 16),
        .type = at[elf->is_64 ? 4 : 12] & 0xF,
        .section = (uint32_t)number(elf, at + (elf->is_64 ? 6 : 14), 2),
    };
    return true;
}

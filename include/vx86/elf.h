/* elf.h - headers, segments and symbols of ELF files of either class and byte order, which nobody vouches for.
 *
 * Source: System V ABI "Object Files", "Program Header", "Sections", "Symbol Table". Only what a header names is read,
 * by a function of the caller's; what lies outside of the file is refused, never read. The caller checks whether a
 * segment's own bytes lie inside the file. Not modelled: relocations, notes, versions of symbols. Thread rule: none. */
#ifndef VX86_ELF_H
#define VX86_ELF_H

#include "vx86/compiler.h"

enum vx_elf_type { VX_ELF_EXECUTABLE = 2 };
enum vx_elf_machine { VX_ELF_386 = 3, VX_ELF_X86_64 = 62 };
enum vx_elf_segment_type { VX_ELF_LOAD = 1 };
enum vx_elf_section_type { VX_ELF_SYMTAB = 2, VX_ELF_STRTAB = 3, VX_ELF_NOBITS = 8, VX_ELF_DYNSYM = 11 };
enum vx_elf_symbol_type { VX_ELF_NOTYPE = 0, VX_ELF_OBJECT = 1, VX_ELF_FUNC = 2 };

/* Copies `bytes` bytes from `off` on, which lie inside the file. False: the host refuses. */
typedef bool vx_elf_read_fn(void *opaque, uint64_t off, void *to, size_t bytes);

struct vx_elf {
    vx_elf_read_fn *read;
    void *opaque;
    uint64_t bytes; /* of the file */
    bool is_64, big_endian;
    uint32_t type, machine;
    uint64_t entry;
    struct vx_elf_table {
        uint64_t off, count, stride;
    } segments, sections;
};

/* Sets everything from the header. False: no ELF file, or a header that is cut or contradicts itself. */
VX_MUST_USE bool vx_elf_open(struct vx_elf *elf, uint64_t bytes, vx_elf_read_fn *read, void *opaque);

struct vx_elf_segment {
    uint32_t type;
    uint64_t off, file_bytes, virt, phys, memory_bytes;
};
/* The index-th of elf->segments.count; false: its header lies outside of the file. */
VX_MUST_USE bool vx_elf_segment(const struct vx_elf *elf, uint64_t index, struct vx_elf_segment *segment);

struct vx_elf_section {
    uint32_t type, link, info;
    uint64_t off, bytes, stride;
};
/* The index-th of elf->sections.count, likewise. */
VX_MUST_USE bool vx_elf_section(const struct vx_elf *elf, uint64_t index, struct vx_elf_section *section);

/* A section's bytes with a NUL behind them, which the caller frees; NULL: they lie outside of the file, there are none,
 * the host refuses. */
VX_MUST_USE uint8_t *vx_elf_load(const struct vx_elf *elf, const struct vx_elf_section *section);

struct vx_elf_symbol {
    uint32_t name; /* offset in the string table that the section's link names */
    uint32_t type, section;
    uint64_t value, bytes;
};
/* The index-th symbol of a table that vx_elf_load() has loaded; false behind the last. */
VX_MUST_USE bool vx_elf_symbol(const struct vx_elf *elf, const struct vx_elf_section *section, const uint8_t *table,
                               uint64_t index, struct vx_elf_symbol *symbol);

#endif

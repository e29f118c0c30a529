/* symbols_elf.c - the symbol table of an ELF file. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dbg.h"
#include "vx86/elf.h"

static bool read_file(void *file, uint64_t off, void *to, size_t bytes)
{
    uint8_t *at = to;
    while (bytes > 0) {
        ssize_t got = pread(fileno(file), at, bytes, (off_t)off);
        if (got <= 0)
            return false;
        at += got;
        off += (uint64_t)got;
        bytes -= (size_t)got;
    }
    return true;
}

static bool is_wanted(const struct vx_elf_symbol *symbol)
{
    return symbol->section != 0 &&
           (symbol->type == VX_ELF_FUNC || symbol->type == VX_ELF_OBJECT || symbol->type == VX_ELF_NOTYPE);
}

static void add_table(struct debugger *dbg, const struct vx_elf *elf, const struct vx_elf_section *section,
                      uint32_t offset)
{
    struct vx_elf_section strings;
    struct vx_elf_symbol symbol;
    if (!vx_elf_section(elf, section->link, &strings))
        return;
    uint8_t *table = vx_elf_load(elf, section), *names = vx_elf_load(elf, &strings);
    for (uint64_t i = 0; table != NULL && names != NULL && vx_elf_symbol(elf, section, table, i, &symbol); i++) {
        const char *name = (const char *)names + symbol.name;
        if (is_wanted(&symbol) && symbol.name < strings.bytes)
            dbg_symbols_add(dbg->symbols, (uint32_t)symbol.value + offset, (uint32_t)symbol.bytes, name, strlen(name));
    }
    free(names);
    free(table);
}

/* The full table if there is one, else the dynamic one. */
static bool add_symbols(struct debugger *dbg, const struct vx_elf *elf, uint32_t offset)
{
    static const enum vx_elf_section_type kinds[] = { VX_ELF_SYMTAB, VX_ELF_DYNSYM };
    struct vx_elf_section section;
    for (size_t kind = 0; kind < VX_ARRAY_LEN(kinds); kind++) {
        bool found = false;
        for (uint64_t i = 0; i < elf->sections.count && vx_elf_section(elf, i, &section); i++) {
            if (section.type != kinds[kind])
                continue;
            add_table(dbg, elf, &section, offset);
            found = true;
        }
        if (found)
            return true;
    }
    return false;
}

bool dbg_symbols_read_elf(struct debugger *dbg, FILE *file, const char *path, uint32_t offset)
{
    struct vx_elf elf;
    struct stat stat;
    bool good = fstat(fileno(file), &stat) == 0 && vx_elf_open(&elf, (uint64_t)stat.st_size, read_file, file) &&
                add_symbols(dbg, &elf, offset);
    return good || dbg_fail(dbg, "%s: an ELF file without a symbol table; it may have been stripped", path);
}

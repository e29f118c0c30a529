/* symbols_save.c - the table of symbols as an ELF file for other debuggers: what "symbols linux" has found in a guest
 * that brings no file along, GDB's symbol-file can read.
 *
 *   header | .symtab | .strtab | .shstrtab | section headers; .text has an address and a length, but nothing in the
 *   file */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "dbg.h"

enum { S_NULL, S_TEXT, S_SYMTAB, S_STRTAB, S_SHSTRTAB, SECTIONS };
static const char section_names[] = "\0.text\0.symtab\0.strtab\0.shstrtab";
enum { N_TEXT = 1, N_SYMTAB = 7, N_STRTAB = 15, N_SHSTRTAB = 23 };

/* Lengths of what is written, and where the code lies. */
struct layout {
    uint32_t count, strings, first, last;
};

static struct layout measure(const struct dbg_symbols *symbols)
{
    struct layout layout = { .count = 1, .strings = 1 }; /* both begin with an empty one */
    uint64_t lin, bytes;
    const char *name;
    for (size_t i = 0; (name = dbg_symbols_nth(symbols, i, &lin, &bytes)) != NULL; i++) {
        layout.first = i == 0 ? (uint32_t)lin : layout.first;
        layout.last = (uint32_t)lin;
        layout.count++;
        layout.strings += (uint32_t)strlen(name) + 1;
    }
    return layout;
}

static void write_header(FILE *file, const struct layout *layout)
{
    Elf32_Ehdr header = {
        .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
        .e_type = ET_EXEC,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_ehsize = sizeof(Elf32_Ehdr),
        .e_shentsize = sizeof(Elf32_Shdr),
        .e_shnum = SECTIONS,
        .e_shstrndx = S_SHSTRTAB,
    };
    header.e_shoff =
        (uint32_t)(sizeof header + layout->count * sizeof(Elf32_Sym) + layout->strings + sizeof section_names);
    fwrite(&header, sizeof header, 1, file);
}

static void write_symbols(FILE *file, const struct dbg_symbols *symbols)
{
    Elf32_Sym sym = { 0 };
    const char *name;
    uint64_t lin, bytes;
    uint32_t string = 1;
    fwrite(&sym, sizeof sym, 1, file);
    for (size_t i = 0; (name = dbg_symbols_nth(symbols, i, &lin, &bytes)) != NULL; i++) {
        sym.st_value = (Elf32_Addr)lin;
        sym.st_size = (Elf32_Word)bytes;
        sym.st_name = string;
        sym.st_info = ELF32_ST_INFO(STB_GLOBAL, STT_NOTYPE);
        sym.st_shndx = S_TEXT;
        string += (uint32_t)strlen(name) + 1;
        fwrite(&sym, sizeof sym, 1, file);
    }
}

static void write_strings(FILE *file, const struct dbg_symbols *symbols)
{
    uint64_t lin, bytes;
    const char *name;
    fputc('\0', file);
    for (size_t i = 0; (name = dbg_symbols_nth(symbols, i, &lin, &bytes)) != NULL; i++)
        fwrite(name, 1, strlen(name) + 1, file);
    fwrite(section_names, 1, sizeof section_names, file);
}

static void write_sections(FILE *file, const struct layout *layout)
{
    uint32_t symtab = sizeof(Elf32_Ehdr), strtab = symtab + layout->count * (uint32_t)sizeof(Elf32_Sym);
    const Elf32_Shdr sections[SECTIONS] = {
        [S_TEXT] = { .sh_name = N_TEXT,
                     .sh_type = SHT_NOBITS,
                     .sh_flags = SHF_ALLOC | SHF_EXECINSTR,
                     .sh_addr = layout->first,
                     .sh_offset = symtab,
                     .sh_size = layout->last - layout->first + 1,
                     .sh_addralign = 1 },
        [S_SYMTAB] = { .sh_name = N_SYMTAB,
                       .sh_type = SHT_SYMTAB,
                       .sh_offset = symtab,
                       .sh_size = layout->count * (uint32_t)sizeof(Elf32_Sym),
                       .sh_link = S_STRTAB,
                       .sh_info = 1, /* the first global one */
                       .sh_addralign = 4,
                       .sh_entsize = sizeof(Elf32_Sym) },
        [S_STRTAB] = { .sh_name = N_STRTAB,
                       .sh_type = SHT_STRTAB,
                       .sh_offset = strtab,
                       .sh_size = layout->strings,
                       .sh_addralign = 1 },
        [S_SHSTRTAB] = { .sh_name = N_SHSTRTAB,
                         .sh_type = SHT_STRTAB,
                         .sh_offset = strtab + layout->strings,
                         .sh_size = sizeof section_names,
                         .sh_addralign = 1 },
    };
    fwrite(sections, sizeof sections, 1, file);
}

bool dbg_symbols_save_elf(struct debugger *dbg, const char *path)
{
    struct layout layout = measure(dbg->symbols);
    if (layout.count == 1)
        return dbg_fail(dbg, "there are no symbols to save");
    FILE *file = dbg_open_to_write(dbg, path);
    if (file == NULL)
        return false;
    write_header(file, &layout);
    write_symbols(file, dbg->symbols);
    write_strings(file, dbg->symbols);
    write_sections(file, &layout);
    if (!dbg_close_written(dbg, file))
        return dbg_fail(dbg, "%s: could not be written: %s", path, strerror(errno));
    dbg_say(dbg, "%u symbols\n", layout.count - 1);
    return true;
}

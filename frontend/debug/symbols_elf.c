/* symbols_elf.c - the symbol table of an ELF file, by libelf. */
#include "dbg.h"

#ifdef VX_HAVE_LIBELF
#include <gelf.h>
#include <libelf.h>

static bool is_wanted(const GElf_Sym *sym)
{
    unsigned type = GELF_ST_TYPE(sym->st_info);
    return sym->st_shndx != SHN_UNDEF && (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE);
}

static void add_table(struct debugger *dbg, Elf *elf, Elf_Scn *section, const GElf_Shdr *header, uint32_t offset)
{
    Elf_Data *data = elf_getdata(section, NULL);
    if (data == NULL || header->sh_entsize == 0)
        return;
    for (size_t i = 0; i < data->d_size / header->sh_entsize; i++) {
        GElf_Sym sym;
        if (gelf_getsym(data, (int)i, &sym) == NULL || !is_wanted(&sym))
            continue;
        const char *name = elf_strptr(elf, header->sh_link, sym.st_name);
        if (name != NULL)
            dbg_symbols_add(dbg->symbols, (uint32_t)sym.st_value + offset, (uint32_t)sym.st_size, name, strlen(name));
    }
}

/* The full table if there is one, else the dynamic one. */
static bool add_symbols(struct debugger *dbg, Elf *elf, uint32_t offset)
{
    static const GElf_Word kinds[] = { SHT_SYMTAB, SHT_DYNSYM };
    for (size_t kind = 0; kind < VX_ARRAY_LEN(kinds); kind++) {
        bool found = false;
        Elf_Scn *section = NULL;
        while ((section = elf_nextscn(elf, section)) != NULL) {
            GElf_Shdr header;
            if (gelf_getshdr(section, &header) == NULL || header.sh_type != kinds[kind])
                continue;
            add_table(dbg, elf, section, &header, offset);
            found = true;
        }
        if (found)
            return true;
    }
    return false;
}

bool dbg_symbols_read_elf(struct debugger *dbg, FILE *file, const char *path, uint32_t offset)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fileno(file), ELF_C_READ, NULL);
    bool good = elf != NULL && elf_kind(elf) == ELF_K_ELF && add_symbols(dbg, elf, offset);
    elf_end(elf);
    return good || dbg_fail(dbg, "%s: an ELF file without a symbol table; it may have been stripped", path);
}

#else

bool dbg_symbols_read_elf(struct debugger *dbg, FILE *file, const char *path, uint32_t offset)
{
    (void)file, (void)offset;
    return dbg_fail(dbg, "%s: this vx86 was built without libelf; give it nm's output instead", path);
}

#endif

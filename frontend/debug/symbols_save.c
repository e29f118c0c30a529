/* symbols_save.c - the table of symbols as an ELF file for other debuggers: what "symbols linux" has found in a guest
 * that brings no file along, GDB's symbol-file can read.
 *
 *   header | .symtab | .strtab | .shstrtab | section headers; .text has an address and a length, but nothing in the
 *   file */
#include <errno.h>
#include <stdlib.h>

#include "dbg.h"
#include "vx86/bytes.h"
#include "vx86/elf.h"

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

/* Sizes of the parts of a 32-bit file: System V ABI "Object Files". */
enum { HEADER_BYTES = 52, SECTION_BYTES = 40, SYMBOL_BYTES = 16 };

static uint32_t strings_at(const struct layout *layout)
{
    return HEADER_BYTES + layout->count * SYMBOL_BYTES;
}

static void write_words(FILE *file, const uint32_t *words, size_t count)
{
    uint8_t bytes[4];
    for (size_t i = 0; i < count; i++) {
        vx_put_le32(bytes, words[i]);
        fwrite(bytes, sizeof bytes, 1, file);
    }
}

static void write_header(FILE *file, const struct layout *layout)
{
    static const uint8_t ident[16] = { 0x7F, 'E', 'L', 'F', 1 /* 32-bit */, 1 /* little-endian */, 1 };
    const uint32_t words[] = {
        VX_ELF_386 << 16 | VX_ELF_EXECUTABLE,
        1,                                                           /* version */
        0,                                                           /* entry */
        0,                                                           /* no segments */
        strings_at(layout) + layout->strings + sizeof section_names, /* the sections */
        0,                                                           /* flags */
        HEADER_BYTES,                                                /* no size of segments */
        (uint32_t)SECTION_BYTES << 16,                               /* no segments */
        S_SHSTRTAB << 16 | SECTIONS,
    };
    _Static_assert(sizeof ident + sizeof words == HEADER_BYTES, "the words fill the header");
    fwrite(ident, sizeof ident, 1, file);
    write_words(file, words, VX_ARRAY_LEN(words));
}

static void write_symbols(FILE *file, const struct dbg_symbols *symbols)
{
    enum { GLOBAL = 1 };
    const char *name;
    uint64_t lin, bytes;
    uint32_t string = 1;
    write_words(file, (const uint32_t[SYMBOL_BYTES / 4]){ 0 }, SYMBOL_BYTES / 4);
    for (size_t i = 0; (name = dbg_symbols_nth(symbols, i, &lin, &bytes)) != NULL; i++) {
        const uint32_t words[] = { string, (uint32_t)lin, (uint32_t)bytes, S_TEXT << 16 | GLOBAL << 4 | VX_ELF_NOTYPE };
        _Static_assert(sizeof words == SYMBOL_BYTES, "the words fill a symbol");
        string += (uint32_t)strlen(name) + 1;
        write_words(file, words, VX_ARRAY_LEN(words));
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
    enum { ALLOCATED = 2, CODE = 4, FIRST_GLOBAL = 1 };
    const uint32_t strings = strings_at(layout);
    /* name, type, flags, address, offset, bytes, link, info, alignment, bytes of an entry */
    const uint32_t sections[SECTIONS][SECTION_BYTES / 4] = {
        [S_TEXT] = { N_TEXT, VX_ELF_NOBITS, ALLOCATED | CODE, layout->first, HEADER_BYTES,
                     layout->last - layout->first + 1, 0, 0, 1, 0 },
        [S_SYMTAB] = { N_SYMTAB, VX_ELF_SYMTAB, 0, 0, HEADER_BYTES, layout->count * SYMBOL_BYTES, S_STRTAB,
                       FIRST_GLOBAL, 4, SYMBOL_BYTES },
        [S_STRTAB] = { N_STRTAB, VX_ELF_STRTAB, 0, 0, strings, layout->strings, 0, 0, 1, 0 },
        [S_SHSTRTAB] = { N_SHSTRTAB, VX_ELF_STRTAB, 0, 0, strings + layout->strings, sizeof section_names, 0, 0, 1, 0 },
    };
    for (unsigned i = 0; i < SECTIONS; i++)
        write_words(file, sections[i], SECTION_BYTES / 4);
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

/* symbols_text.c - symbols as lines of text: System.map and nm ("c1000000 T _stext"), Bochs ("c1000000 _stext"). */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "dbg.h"

enum { LINE_MAX_BYTES = 16384 }; /* names of C++ are long */

/* Absolute ones are sizes and the like, not places. */
static bool names_a_place(char type)
{
    return strchr("AaUuwvN", type) == NULL;
}

/* True when the line has the form; adds what it says. */
static bool take_line(struct debugger *dbg, const char *line, uint32_t offset)
{
    char *end;
    errno = 0;
    uint64_t address = strtoull(line, &end, 16);
    if (end == line || errno != 0 || !isblank((unsigned char)*end))
        return false;
    while (isblank((unsigned char)*end))
        end++;
    char type = 'T';
    if (isalpha((unsigned char)end[0]) && isblank((unsigned char)end[1])) {
        type = end[0];
        end += 2;
    }
    size_t name = strcspn(end, " \t\r\n");
    if (name == 0)
        return false;
    if (names_a_place(type))
        dbg_symbols_add(dbg->symbols, (uint32_t)address + offset, 0, end, name);
    return true;
}

bool dbg_symbols_read_text(struct debugger *dbg, FILE *file, const char *path, uint32_t offset)
{
    struct dbg_text text;
    char line[LINE_MAX_BYTES];
    bool good = true;
    if (!dbg_text_begin(&text, file))
        return dbg_fail(dbg, "%s: %s", path, text.problem);
    while (good && dbg_text_line(&text, line, sizeof line)) {
        const char *at = line;
        good = dbg_at_end(&at) || *at == '#' || take_line(dbg, at, offset);
    }
    if (text.problem != NULL)
        return dbg_fail(dbg, "%s:%u: %s", path, text.number, text.problem);
    return good ||
           dbg_fail(
               dbg,
               "%s:%u: not a symbol; expected lines like 'c1000000 T _stext' (nm, System.map) or 'c1000000 _stext'",
               path, text.number);
}

/* cmd_memory.c - memory shown, searched, changed, saved and loaded; screenshots. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "dbg.h"
#include "vx86/screenshot.h"

enum { COUNT_MAX = 100000, PATTERN_MAX = 256 };

/* Linear addresses go on at 0 behind 4 GiB. */
static size_t read_at(struct debugger *dbg, bool phys, uint64_t address, void *buf, size_t bytes)
{
    return phys ? vx_debug_read_phys(dbg->debug, address, buf, bytes) : vx_debug_read(dbg->debug, address, buf, bytes);
}

static size_t write_at(struct debugger *dbg, bool phys, uint64_t address, const void *buf, size_t bytes)
{
    return phys ? vx_debug_write_phys(dbg->debug, address, buf, bytes)
                : vx_debug_write(dbg->debug, address, buf, bytes);
}

static uint64_t behind(bool phys, uint64_t address, uint64_t bytes)
{
    return phys ? address + bytes : vx_lin_wrap(address + bytes);
}

static bool take_address(struct debugger *dbg, const char **at, bool phys, uint64_t *address)
{
    return phys ? dbg_eval(dbg, at, "the address", address) : dbg_eval_lin(dbg, at, "the address", address);
}

/* ---- x ----------------------------------------------------------------------------------------------------------- */

struct format {
    uint64_t count;
    char form, unit;
};

static unsigned unit_bytes(char unit)
{
    return unit == 'b' ? 1 : unit == 'h' ? 2 : unit == 'g' ? 8 : 4;
}

static uint64_t unit_mask(char unit)
{
    return UINT64_MAX >> (64 - 8 * unit_bytes(unit));
}

/* "/16xb" in any order. */
static bool take_format(struct debugger *dbg, const char **at, struct format *format)
{
    dbg_skip_blanks(at);
    if (**at != '/')
        return true;
    ++*at;
    while (**at != '\0' && !isspace((unsigned char)**at)) {
        char ch = **at;
        if (isdigit((unsigned char)ch)) {
            char *end;
            format->count = strtoull(*at, &end, 10);
            *at = end;
            continue;
        }
        if (strchr("xduotcsi", ch) != NULL)
            format->form = ch;
        else if (strchr("bhwg", ch) != NULL)
            format->unit = ch;
        else
            return dbg_fail(dbg, "'%c' is neither a format (x d u o t c s i) nor a unit (b h w g)", ch);
        ++*at;
    }
    return (format->count != 0 && format->count <= COUNT_MAX) ||
           dbg_fail(dbg, "a count from 1 to %u is possible", (unsigned)COUNT_MAX);
}

static void print_binary(FILE *out, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes * 8; i-- > 0;)
        fputc(value >> i & 1 ? '1' : '0', out);
}

static void print_value(struct debugger *dbg, const struct format *format, uint64_t value)
{
    unsigned bytes = unit_bytes(format->unit);
    unsigned shift = 64 - bytes * 8;
    int ch = isprint((unsigned char)value) ? (int)(value & 0xFF) : '.';
    switch (format->form) {
    case 'd': dbg_say(dbg, "%" PRId64, (int64_t)(value << shift) >> shift); return;
    case 'u': dbg_say(dbg, "%" PRIu64, value); return;
    case 'o': dbg_say(dbg, "%" PRIo64, value); return;
    case 't': print_binary(dbg->out, value, bytes); return;
    case 'c': dbg_say(dbg, "'%c'", ch); return;
    default: dbg_say(dbg, "%0*" PRIx64, (int)bytes * 2, value); return;
    }
}

static void print_label(struct debugger *dbg, bool phys, uint64_t address)
{
    char name[128];
    dbg_say(dbg, "%s%08" PRIx64, phys ? "phys " : "", address);
    if (!phys && dbg_symbolize(dbg, address, name, sizeof name))
        dbg_say(dbg, " <%s>", name);
    dbg_say(dbg, ":");
}

/* The characters of a line of bytes. */
static void print_characters(struct debugger *dbg, const uint8_t *bytes, size_t count)
{
    dbg_say(dbg, "  ");
    for (size_t i = 0; i < count; i++)
        fputc(isprint(bytes[i]) ? bytes[i] : '.', dbg->out);
}

static bool show_items(struct debugger *dbg, const struct format *format, bool phys, uint64_t *address)
{
    unsigned bytes = unit_bytes(format->unit), per_line = 16 / bytes;
    for (uint64_t done = 0; done < format->count;) {
        uint8_t line[16];
        uint64_t left = format->count - done, wanted = left < per_line ? left : per_line;
        size_t got = read_at(dbg, phys, *address, line, (size_t)wanted * bytes) / bytes;
        if (got == 0)
            return dbg_fail(dbg, "there is no memory at %s%08" PRIx64, phys ? "physical " : "", *address);
        print_label(dbg, phys, *address);
        for (size_t i = 0; i < got; i++) {
            uint64_t value = 0;
            memcpy(&value, line + i * bytes, bytes);
            fputc(' ', dbg->out);
            print_value(dbg, format, value);
        }
        if (bytes == 1 && format->form == 'x')
            print_characters(dbg, line, got);
        dbg_say(dbg, "\n");
        done += got;
        *address = behind(phys, *address, got * bytes);
    }
    return true;
}

/* A device's registers: each item is one access. */
static bool show_registers(struct debugger *dbg, const struct format *format, uint64_t *address)
{
    unsigned bytes = unit_bytes(format->unit);
    for (uint64_t i = 0; i < format->count; i++, *address += bytes) {
        uint64_t value;
        const char *why_not = vx_debug_peek(dbg->debug, *address, bytes, &value);
        if (why_not != NULL)
            return dbg_fail(dbg, "mmio %08" PRIx64 ": %s", *address, why_not);
        dbg_say(dbg, "mmio %08" PRIx64 ": ", *address);
        print_value(dbg, format, value);
        dbg_say(dbg, "\n");
    }
    return true;
}

static bool show_strings(struct debugger *dbg, const struct format *format, bool phys, uint64_t *address)
{
    enum { LONGEST = 200 };
    for (uint64_t i = 0; i < format->count; i++) {
        uint8_t ch = 0;
        unsigned n = 0;
        print_label(dbg, phys, *address);
        dbg_say(dbg, " \"");
        while (read_at(dbg, phys, *address, &ch, 1) == 1 && n < LONGEST) {
            *address = behind(phys, *address, 1);
            if (ch == 0)
                break;
            fputc(isprint(ch) ? ch : '.', dbg->out);
            n++;
        }
        dbg_say(dbg, "\"%s\n", n == LONGEST ? "..." : "");
    }
    return true;
}

static bool show_code(struct debugger *dbg, uint64_t count, uint64_t *address)
{
    uint64_t base = dbg->vcpu->seg[VX_CS].base;
    for (uint64_t i = 0; i < count; i++) {
        unsigned length = dbg_show_insn(dbg, dbg->out, *address, vx_off_wrap(*address - base));
        if (length == 0)
            return dbg_fail(dbg, "there is no memory at %08" PRIx64, *address);
        *address = behind(false, *address, length);
    }
    return true;
}

static enum dbg_space take_space(const char **at)
{
    return dbg_take_word(at, "phys") ? DBG_PHYSICAL : dbg_take_word(at, "mmio") ? DBG_MMIO : DBG_LINEAR;
}

static bool show(struct debugger *dbg, const struct format *format, enum dbg_space space, uint64_t *address)
{
    bool phys = space == DBG_PHYSICAL;
    if (space != DBG_LINEAR && format->form == 'i')
        return dbg_fail(dbg, "instructions are shown at linear addresses");
    if (space == DBG_MMIO && format->form == 's')
        return dbg_fail(dbg, "registers are no text");
    if (space == DBG_MMIO)
        return show_registers(dbg, format, address);
    return format->form == 'i'   ? show_code(dbg, format->count, address)
           : format->form == 's' ? show_strings(dbg, format, phys, address)
                                 : show_items(dbg, format, phys, address);
}

bool dbg_cmd_examine(struct debugger *dbg, const char **at)
{
    struct format format = { 1, dbg->data_format[0] != '\0' ? dbg->data_format[0] : 'x',
                             dbg->data_format[1] != '\0' ? dbg->data_format[1] : 'w' };
    if (!take_format(dbg, at, &format))
        return false;
    enum dbg_space space = take_space(at);
    if (space != DBG_LINEAR && !take_format(dbg, at, &format)) /* "xp/4x" is "x phys/4x" */
        return false;
    uint64_t address = dbg->next_data;
    if (dbg_at_end(at))
        space = dbg->next_space;
    else if (!(format.form == 'i' && space == DBG_LINEAR ? dbg_eval_code(dbg, at, &address)
                                                         : take_address(dbg, at, space != DBG_LINEAR, &address)) ||
             !dbg_no_more(dbg, at))
        return false;
    dbg->data_format[0] = format.form;
    dbg->data_format[1] = format.unit;
    bool done = show(dbg, &format, space, &address);
    dbg->next_data = space != DBG_LINEAR ? address : vx_lin_wrap(address);
    dbg->next_space = space;
    return done;
}

bool dbg_cmd_disassemble(struct debugger *dbg, const char **at)
{
    struct format format = { .count = 10 };
    uint64_t base = dbg->vcpu->seg[VX_CS].base;
    uint64_t address = vx_lin_wrap(base + dbg->next_code);
    if (!take_format(dbg, at, &format) || (!dbg_at_end(at) && !dbg_eval_code(dbg, at, &address)) ||
        !dbg_no_more(dbg, at))
        return false;
    bool done = show_code(dbg, format.count, &address);
    dbg->next_code = vx_off_wrap(address - base);
    return done;
}

bool dbg_cmd_print(struct debugger *dbg, const char **at)
{
    struct format format = { .count = 1 };
    uint64_t value;
    char name[128];
    if (!take_format(dbg, at, &format) || !dbg_eval(dbg, at, "the expression", &value) || !dbg_no_more(dbg, at))
        return false;
    if (format.form != '\0') {
        if (format.unit == '\0') /* as many digits as it has */
            format.unit = value > UINT32_MAX ? 'g' : value > 0xFFFF ? 'w' : value > 0xFF ? 'h' : 'b';
        if (format.form == 'x')
            dbg_say(dbg, "0x%" PRIx64, unit_mask(format.unit) & value);
        else
            print_value(dbg, &format, value);
        dbg_say(dbg, "\n");
        return true;
    }
    dbg_say(dbg, "0x%" PRIx64 " = %" PRIu64, value, value);
    if (value >> 63 || (value >> 31 == 1))
        dbg_say(dbg, " = %" PRId64, value >> 63 ? (int64_t)value : (int64_t)(int32_t)value);
    if (value <= UINT32_MAX && value >= 0x1000 && dbg_symbolize(dbg, value, name, sizeof name))
        dbg_say(dbg, " <%s>", name);
    dbg_say(dbg, "\n");
    return true;
}

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

static bool take_bounds(struct debugger *dbg, const char **at, uint64_t *first, uint64_t *last)
{
    if (!dbg_eval(dbg, at, "the first address", first) || !dbg_eval(dbg, at, "the last address", last))
        return false;
    return (*first <= *last && *last <= UINT32_MAX) || dbg_fail(dbg, "the range must lie in 4 GiB and not be empty");
}

/* BYTES... (expressions, a byte each) or "TEXT". */
static bool take_pattern(struct debugger *dbg, const char **at, uint8_t pattern[PATTERN_MAX], size_t *count)
{
    dbg_skip_blanks(at);
    *count = 0;
    if (**at == '"') {
        const char *end = strchr(*at + 1, '"');
        if (end == NULL || end == *at + 1 || end - *at - 1 > PATTERN_MAX)
            return dbg_fail(dbg, "a text stands between two \" and has 1 to %u characters", (unsigned)PATTERN_MAX);
        *count = (size_t)(end - *at - 1);
        memcpy(pattern, *at + 1, *count);
        *at = end + 1;
        return dbg_no_more(dbg, at);
    }
    do {
        uint64_t value;
        if (!dbg_eval(dbg, at, "a byte", &value))
            return false;
        if (value > 0xFF || *count == PATTERN_MAX)
            return dbg_fail(dbg, "up to %u bytes, each 0 to 0xff, are possible", (unsigned)PATTERN_MAX);
        pattern[(*count)++] = (uint8_t)value;
    } while (!dbg_at_end(at));
    return true;
}

bool dbg_cmd_search(struct debugger *dbg, const char **at)
{
    enum { MOST = 100 };
    uint8_t pattern[PATTERN_MAX], window[VX_PAGE_BYTES + PATTERN_MAX];
    uint64_t first, last;
    size_t count;
    unsigned found = 0;
    bool phys = dbg_take_word(at, "phys");
    if (!take_bounds(dbg, at, &first, &last) || !take_pattern(dbg, at, pattern, &count))
        return false;
    while (first + count - 1 <= last && found < MOST) {
        uint64_t page_end = (first | VX_PAGE_MASK) + 1, end = page_end <= last ? page_end : last + 1;
        size_t span = (size_t)(end - first), wanted = span + count - 1;
        if (first + wanted > last + 1)
            wanted = (size_t)(last + 1 - first);
        size_t got = read_at(dbg, phys, first, window, wanted);
        for (size_t i = 0; i < span && i + count <= got && found < MOST; i++) {
            if (memcmp(window + i, pattern, count) != 0)
                continue;
            dbg_say(dbg, "%s%08" PRIx64 "\n", phys ? "phys " : "", first + i);
            found++;
        }
        first = end;
    }
    dbg_say(dbg, found == MOST ? "the first %u places; there may be more\n" : "%u places\n", found);
    return true;
}

bool dbg_cmd_fill(struct debugger *dbg, const char **at)
{
    uint8_t pattern[PATTERN_MAX];
    uint64_t first, last;
    size_t count;
    bool phys = dbg_take_word(at, "phys");
    if (!take_bounds(dbg, at, &first, &last) || !take_pattern(dbg, at, pattern, &count))
        return false;
    for (uint64_t address = first; address <= last; address += count) {
        size_t part = last - address + 1 < count ? (size_t)(last - address + 1) : count;
        if (write_at(dbg, phys, address, pattern, part) != part)
            return dbg_fail(dbg, "there is no memory that can be written at %08" PRIx64, address);
    }
    return true;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

bool dbg_cmd_save(struct debugger *dbg, const char **at)
{
    char path[512];
    uint8_t page[VX_PAGE_BYTES];
    uint64_t first, last;
    bool phys = dbg_take_word(at, "phys");
    if (!dbg_next_word(at, path, sizeof path))
        return dbg_fail(dbg, "the name of a file is missing");
    if (!take_bounds(dbg, at, &first, &last) || !dbg_no_more(dbg, at))
        return false;
    FILE *file = dbg_open_to_write(dbg, path);
    if (file == NULL)
        return false;
    bool all = true;
    while (first <= last && all) {
        size_t wanted = last - first + 1 < sizeof page ? (size_t)(last - first + 1) : sizeof page;
        size_t got = read_at(dbg, phys, first, page, wanted);
        all = got == wanted && fwrite(page, 1, got, file) == got;
        first += got;
    }
    if (!dbg_close_written(dbg, file))
        return dbg_fail(dbg, "%s: %s", path, strerror(errno));
    return all || dbg_fail(dbg, "saved up to %08" PRIx64 ", where there is no memory", first);
}

bool dbg_cmd_load(struct debugger *dbg, const char **at)
{
    char path[512];
    uint8_t page[VX_PAGE_BYTES];
    uint64_t address;
    size_t got;
    bool phys = dbg_take_word(at, "phys");
    if (!dbg_next_word(at, path, sizeof path))
        return dbg_fail(dbg, "the name of a file is missing");
    if (!take_address(dbg, at, phys, &address) || !dbg_no_more(dbg, at))
        return false;
    FILE *file = dbg_open_to_read(dbg, path);
    if (file == NULL)
        return false;
    bool all = true;
    uint64_t total = 0;
    while (all && (got = fread(page, 1, sizeof page, file)) > 0) {
        all = write_at(dbg, phys, address, page, got) == got;
        address += got;
        total += got;
    }
    bool cut_short = ferror(file) != 0;
    fclose(file);
    if (cut_short)
        return dbg_fail(dbg, "%s: it cannot be read any further than %" PRIu64 " bytes", path, total);
    if (!all)
        return dbg_fail(dbg, "there is no memory that can be written below %08" PRIx64, address);
    dbg_say(dbg, "%" PRIu64 " bytes\n", total);
    return true;
}

bool dbg_cmd_screenshot(struct debugger *dbg, const char **at)
{
    char path[512];
    struct vx_why why;
    if (!dbg_next_word(at, path, sizeof path))
        return dbg_fail(dbg, "the name of a file is missing");
    if (!dbg_no_more(dbg, at))
        return false;
    if (vx_screenshot_missing() != NULL)
        return dbg_fail(dbg, "%s", vx_screenshot_missing());
    FILE *file = dbg_open_to_write(dbg, path);
    if (file == NULL)
        return false;
    bool good = vx_screenshot_write(dbg->machine, file, &why);
    if (!dbg_close_written(dbg, file) && good)
        return dbg_fail(dbg, "%s: %s", path, strerror(errno));
    return good || dbg_fail(dbg, "%s: %s", path, why.text);
}

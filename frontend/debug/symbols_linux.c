/* symbols_linux.c - the symbol table that a 32-bit Linux kernel carries for its own messages ("kallsyms"), read out of
 * the guest's memory. It is there as soon as the kernel is unpacked, moved to where the kernel really runs; no file is
 * needed and address randomisation does not matter. The layout is that of kernels 4.6 to 6.3, in this order:
 *
 *     offsets   u32 each, to be added to base           names     length (one byte, two when bit 7 is set), then tokens
 *     base      u32                                      markers   u32: where in `names` every 256th name begins
 *     count     u32                                      order     (since 6.1) 3 bytes each: by name
 *                                                        tokens    256 strings, each with its end mark
 *                                                        index     u16: where in `tokens` each of them begins
 *
 *   I1  Nothing is believed that a second part does not confirm: the index the tokens, the markers the names, the order
 *       of the offsets the base. Everything is read within the buffer, which is a copy of the guest's memory.
 *   I2  However the guest has prepared its memory, the search ends: only so many token tables are looked into. */
#include <stdlib.h>

#include "dbg.h"

enum {
    CANDIDATES_MOST = 16,
    TOKENS = 256,
    NAME_MAX_BYTES = 512,
    NAMES_PER_MARKER = 256,
    COUNT_LEAST = 1000,
    COUNT_MOST = 1 << 20
};

struct image {
    const uint8_t *bytes;
    size_t count;
};

struct table {
    size_t tokens, index, markers, names, offsets; /* positions in the image */
    size_t marker_count;
    uint32_t base, count;
};

static uint32_t u32_at(const struct image *image, size_t at)
{
    uint32_t value = 0;
    if (at + 4 <= image->count)
        memcpy(&value, image->bytes + at, 4);
    return value;
}

static unsigned index_at(const struct image *image, const struct table *table, unsigned token)
{
    size_t at = table->index + 2 * token;
    return at + 2 <= image->count ? image->bytes[at] | (unsigned)image->bytes[at + 1] << 8 : UINT32_MAX;
}

/* From the token "0" back to the first: 48 strings. */
static bool find_tokens(const struct image *image, size_t zero, struct table *table)
{
    size_t at = zero;
    for (unsigned token = '0'; token > 0; token--) {
        size_t floor = at > NAME_MAX_BYTES ? at - NAME_MAX_BYTES : 0;
        if (at < 2 || image->bytes[at - 1] != 0)
            return false;
        at--;
        while (at > floor && image->bytes[at - 1] != 0)
            at--;
    }
    table->tokens = at;
    size_t end = at;
    for (unsigned token = 0; token < TOKENS; token++) {
        size_t left = image->count - end;
        const uint8_t *mark = memchr(image->bytes + end, 0, left < NAME_MAX_BYTES ? left : NAME_MAX_BYTES);
        if (mark == NULL)
            return false;
        end = (size_t)(mark - image->bytes) + 1;
    }
    table->index = (end + 3) & ~(size_t)3;
    return index_at(image, table, 0) == 0 && index_at(image, table, '0') == zero - at;
}

/* Do `n` markers end at `end`? They rise from 0, by less than the longest names allow. */
static bool markers_fit(const struct image *image, size_t end, size_t n)
{
    if (n < 2 || end < 4 * n || u32_at(image, end - 4 * n) != 0)
        return false;
    for (size_t at = end - 4 * n + 4; at < end; at += 4) {
        uint32_t step = u32_at(image, at) - u32_at(image, at - 4);
        if (step < NAMES_PER_MARKER || step > NAMES_PER_MARKER * NAME_MAX_BYTES)
            return false;
    }
    return true;
}

static size_t markers_for(size_t count)
{
    return (count + NAMES_PER_MARKER - 1) / NAMES_PER_MARKER;
}

/* The markers end where the tokens begin, or, since 6.1, where the order of the names begins: three bytes each. */
static bool find_markers(const struct image *image, struct table *table)
{
    size_t end = table->tokens;
    for (size_t n = markers_for(COUNT_LEAST); n <= markers_for(COUNT_MOST); n++) {
        if (!markers_fit(image, end, n))
            continue;
        table->markers = end - 4 * n;
        table->marker_count = n;
        return true;
    }
    for (size_t count = COUNT_LEAST; count <= COUNT_MOST && ((count * 3 + 3) & ~(size_t)3) < table->tokens; count++) {
        size_t n = markers_for(count);
        end = table->tokens - ((count * 3 + 3) & ~(size_t)3);
        if (!markers_fit(image, end, n))
            continue;
        table->markers = end - 4 * n;
        table->marker_count = n;
        return true;
    }
    return false;
}

/* Moves behind the name at *at; false when it leaves the image. */
static bool skip_name(const struct image *image, size_t *at, size_t *bytes)
{
    if (*at + 2 > image->count)
        return false;
    *bytes = image->bytes[(*at)++];
    if (*bytes & 0x80)
        *bytes = (*bytes & 0x7F) | (size_t)image->bytes[(*at)++] << 7;
    *at += *bytes;
    return *bytes != 0 && *at <= image->count;
}

static bool names_fit(const struct image *image, const struct table *table, size_t names)
{
    size_t at = names, bytes;
    for (unsigned i = 0; i < NAMES_PER_MARKER; i++)
        if (!skip_name(image, &at, &bytes))
            return false;
    return at - names == u32_at(image, table->markers + 4);
}

/* The names lie before the markers, the last 256 of them behind the last marker; their count stands before them. */
static bool find_names(const struct image *image, struct table *table)
{
    uint32_t last = u32_at(image, table->markers + 4 * (table->marker_count - 1));
    size_t most = (size_t)last + NAMES_PER_MARKER * 130;
    if (last > table->markers)
        return false;
    for (size_t names = (table->markers - last) & ~(size_t)3; names >= 8 && table->markers - names <= most;
         names -= 4) {
        uint32_t count = u32_at(image, names - 4);
        if (count <= (table->marker_count - 1) * NAMES_PER_MARKER || count > table->marker_count * NAMES_PER_MARKER)
            continue;
        if (!names_fit(image, table, names))
            continue;
        table->names = names;
        table->count = count;
        return count >= COUNT_LEAST;
    }
    return false;
}

static bool find_offsets(const struct image *image, struct table *table)
{
    size_t base = table->names - 8, bytes = (size_t)table->count * 4;
    if (table->names < 8 || base < bytes)
        return false;
    table->base = u32_at(image, base);
    for (unsigned padding = 0; padding <= 4; padding += 4) {
        table->offsets = base - bytes - padding;
        bool ascending = u32_at(image, table->offsets) == 0;
        for (uint32_t i = 1; i < table->count && ascending; i++)
            ascending = u32_at(image, table->offsets + 4 * i) >= u32_at(image, table->offsets + 4 * (i - 1));
        if (ascending)
            return true;
        if (base < bytes + 4)
            break;
    }
    return false;
}

/* One name out of its tokens; the first character is the type that nm would show. */
static size_t expand(const struct image *image, const struct table *table, size_t at, size_t bytes, char *name)
{
    size_t length = 0;
    for (size_t i = 0; i < bytes; i++) {
        size_t token = table->tokens + index_at(image, table, image->bytes[at + i]);
        for (; token < image->count && image->bytes[token] != 0 && length < NAME_MAX_BYTES; token++)
            name[length++] = (char)image->bytes[token];
    }
    return length;
}

static void add_all(struct debugger *dbg, const struct image *image, const struct table *table)
{
    char name[NAME_MAX_BYTES];
    size_t at = table->names, bytes;
    for (uint32_t i = 0; i < table->count && skip_name(image, &at, &bytes); i++) {
        size_t length = expand(image, table, at - bytes, bytes, name);
        if (length > 1)
            dbg_symbols_add(dbg->symbols, table->base + u32_at(image, table->offsets + 4 * i), 0, name + 1, length - 1);
    }
}

static bool find(const struct image *image, struct table *table)
{
    static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";
    const uint8_t *at = image->bytes, *end = at + image->count;
    unsigned candidates = 0;
    while (candidates < CANDIDATES_MOST && (at = memmem(at, (size_t)(end - at), digits, sizeof digits)) != NULL) {
        bool tokens = find_tokens(image, (size_t)(at - image->bytes), table);
        candidates += tokens;
        if (tokens && find_markers(image, table) && find_names(image, table) && find_offsets(image, table))
            return true;
        at++;
    }
    return false;
}

bool dbg_symbols_read_linux(struct debugger *dbg)
{
    size_t bytes = vx_pmap_ram_bytes(vx_machine_pmap(dbg->machine)), first = 1 << 20;
    uint8_t *copy = bytes > first ? malloc(bytes - first) : NULL;
    struct table table = { 0 };
    if (copy == NULL)
        return dbg_fail(dbg, "the host has no memory for a copy of the guest's");
    struct image image = { copy, vx_debug_read_phys(dbg->debug, first, copy, bytes - first) };
    bool found = find(&image, &table);
    if (found)
        add_all(dbg, &image, &table);
    free(copy);
    if (!found)
        return dbg_fail(dbg, "no Linux kernel with a symbol table (kallsyms, 4.6 to 6.3) is in memory; unpacked yet?");
    dbg_say(dbg, "%zu symbols, kernel at %08x\n", dbg_symbols_done(dbg->symbols), table.base);
    return true;
}

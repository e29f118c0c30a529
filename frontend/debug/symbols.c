/* symbols.c - names of linear addresses: two sorted views of one table.
 *
 *   I1  by_name and by_lin hold the indices of all symbols, sorted, whenever no additions are pending (`sorted`). */
#include <stdlib.h>

#include "dbg.h"

/* Symbols without a size name what follows them up to the next symbol, but no more than this. */
#define REACH_BYTES 0x100000u

struct symbol {
    uint64_t lin, bytes;
    uint32_t name; /* offset into the pool */
};

struct dbg_symbols {
    struct symbol *symbol; /* by address once sorted */
    uint32_t *by_name;
    size_t count, room;
    char *pool;
    size_t pool_bytes, pool_room;
};

struct dbg_symbols *dbg_symbols_create(void)
{
    return calloc(1, sizeof(struct dbg_symbols));
}

void dbg_symbols_clear(struct dbg_symbols *symbols)
{
    free(symbols->symbol);
    free(symbols->by_name);
    free(symbols->pool);
    *symbols = (struct dbg_symbols){ 0 };
}

void dbg_symbols_destroy(struct dbg_symbols *symbols)
{
    if (symbols != NULL)
        dbg_symbols_clear(symbols);
    free(symbols);
}

static void *grown(void *memory, size_t *room, size_t wanted, size_t each)
{
    if (wanted <= *room)
        return memory;
    *room = wanted * 2;
    memory = realloc(memory, *room * each);
    VX_ASSERT(memory != NULL);
    return memory;
}

void dbg_symbols_add(struct dbg_symbols *symbols, uint64_t lin, uint64_t bytes, const char *name, size_t name_bytes)
{
    if (name_bytes == 0 || name_bytes > 1000 || symbols->pool_bytes > UINT32_MAX / 2)
        return;
    symbols->symbol = grown(symbols->symbol, &symbols->room, symbols->count + 1, sizeof *symbols->symbol);
    symbols->pool = grown(symbols->pool, &symbols->pool_room, symbols->pool_bytes + name_bytes + 1, 1);
    symbols->symbol[symbols->count++] =
        (struct symbol){ .lin = lin, .bytes = bytes, .name = (uint32_t)symbols->pool_bytes };
    memcpy(symbols->pool + symbols->pool_bytes, name, name_bytes);
    symbols->pool[symbols->pool_bytes + name_bytes] = '\0';
    symbols->pool_bytes += name_bytes + 1;
}

static int compare_lin(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    if (x->lin != y->lin)
        return x->lin < y->lin ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name; /* those given first come first */
}

/* The symbols are in order of address when they are sorted by name, so that their index decides between equals. */
struct named {
    const char *name;
    uint32_t index;
};

static int compare_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order != 0 ? order : x->index < y->index ? -1 : 1;
}

static void sort_by_name(struct dbg_symbols *symbols)
{
    struct named *named = malloc(symbols->count * sizeof *named);
    VX_ASSERT(named != NULL && symbols->by_name != NULL);
    for (size_t i = 0; i < symbols->count; i++)
        named[i] = (struct named){ symbols->pool + symbols->symbol[i].name, (uint32_t)i };
    qsort(named, symbols->count, sizeof *named, compare_name);
    for (size_t i = 0; i < symbols->count; i++)
        symbols->by_name[i] = named[i].index;
    free(named);
}

size_t dbg_symbols_done(struct dbg_symbols *symbols)
{
    if (symbols->count == 0)
        return 0;
    qsort(symbols->symbol, symbols->count, sizeof *symbols->symbol, compare_lin);
    free(symbols->by_name);
    symbols->by_name = malloc(symbols->count * sizeof *symbols->by_name);
    sort_by_name(symbols);
    return symbols->count;
}

static const char *name_at(const struct dbg_symbols *symbols, size_t i)
{
    return symbols->pool + symbols->symbol[symbols->by_name[i]].name;
}

/* The first in by_name that is not before `name` in its first `n` characters. */
static size_t lower_bound(const struct dbg_symbols *symbols, const char *name, size_t n)
{
    size_t lo = 0, hi = symbols->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (strncmp(name_at(symbols, mid), name, n) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool dbg_symbols_find(const struct dbg_symbols *symbols, const char *name, uint64_t *lin)
{
    size_t i = lower_bound(symbols, name, strlen(name) + 1);
    if (i == symbols->count || strcmp(name_at(symbols, i), name) != 0)
        return false;
    *lin = symbols->symbol[symbols->by_name[i]].lin;
    return true;
}

const char *dbg_symbols_match(const struct dbg_symbols *symbols, const char *prefix, unsigned n)
{
    size_t length = strlen(prefix), i = lower_bound(symbols, prefix, length) + n;
    if (i >= symbols->count || strncmp(name_at(symbols, i), prefix, length) != 0)
        return NULL;
    return name_at(symbols, i);
}

const char *dbg_symbols_near(const struct dbg_symbols *symbols, uint64_t lin, uint64_t *off)
{
    size_t lo = 0, hi = symbols->count;
    while (lo < hi) { /* the first behind lin */
        size_t mid = lo + (hi - lo) / 2;
        if (symbols->symbol[mid].lin <= lin)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return NULL;
    size_t i = lo - 1;
    while (i > 0 && symbols->symbol[i - 1].lin == symbols->symbol[i].lin)
        i--;
    const struct symbol *symbol = &symbols->symbol[i];
    *off = lin - symbol->lin;
    if (*off >= REACH_BYTES || (symbol->bytes != 0 && *off >= symbol->bytes))
        return NULL;
    return symbols->pool + symbol->name;
}

const char *dbg_symbols_nth(const struct dbg_symbols *symbols, size_t n, uint64_t *lin, uint64_t *bytes)
{
    if (n >= symbols->count)
        return NULL;
    *lin = symbols->symbol[n].lin;
    *bytes = symbols->symbol[n].bytes;
    return symbols->pool + symbols->symbol[n].name;
}

bool dbg_symbolize(void *opaque, uint64_t lin, char *text, size_t room)
{
    const struct debugger *dbg = opaque;
    uint64_t off;
    const char *name = dbg_symbols_near(dbg->symbols, lin, &off);
    if (name == NULL)
        return false;
    if (off == 0)
        snprintf(text, room, "%s", name);
    else
        snprintf(text, room, "%s+0x%" PRIx64, name, off);
    return true;
}

/* read_debugger.c - what the debugger reads: commands, and symbols of three kinds. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dbg.h"
#include "readers.h"

struct state {
    struct machine_rig *rig;
    struct vx_log *log;
    struct debugger *dbg;
    FILE *nowhere, *empty, *scratch;
};

/* Commands that name files reach none: nobody has named a directory for them. */
static struct debugger *open_debugger(struct state *state, FILE *in, bool interactive)
{
    struct debugger_config config = { .log = state->log,
                                      .machine = machine_rig_machine(state->rig),
                                      .in = in,
                                      .out = state->nowhere,
                                      .reach = VX_FILE_BELOW,
                                      .peer_reach = VX_FILE_BELOW,
                                      .interactive = interactive };
    struct debugger *dbg;
    if (debugger_create(&config, &dbg) != VX_ERR_OK)
        abort();
    return dbg;
}

static void *create(struct vx_log *log)
{
    struct state *state = calloc(1, sizeof *state);
    if (state == NULL)
        abort();
    state->log = log;
    state->nowhere = fopen("/dev/null", "we");
    state->empty = fopen("/dev/null", "re");
    state->scratch = tmpfile();
    if (state->nowhere == NULL || state->empty == NULL || state->scratch == NULL)
        abort();
    state->rig = machine_rig_create(log);
    return state;
}

static void destroy(void *opaque)
{
    struct state *state = opaque;
    machine_rig_destroy(state->rig);
    fclose(state->nowhere);
    fclose(state->empty);
    fclose(state->scratch);
    free(state);
}

/* ---- commands */

static const char *const words[] = {
#define DBG_COMMAND(name, alias, chapter, function, repeats, usage, help, example) name " ", example "\n",
#define DBG_SPELLING(word, means)                                                  word " ",
#include "commands.def"
#undef DBG_COMMAND
#undef DBG_SPELLING
    "0x500",  "0x7c00",     "phys ",  "byte [",   "]",
    "(",      ")",          " if ",   "eax",      "cs:eip",
    "/16xb ", "/s ",        "/i ",    "\"text\"", " && ",
    " == ",   "0xffffffff", "-1",     "all",      "linux",
    "near ",  "count on",   " from ", " to ",     "10 instructions",
    "1us",    "cr0",        "st0",    "xmm0",     "event.cs",
    "\n",     " ",          NULL,
};

/* The examples of the table, each alone, and all of them one after the other. */
static bool seed_commands(unsigned n, struct input *out)
{
    static const char *const examples[] = {
#define DBG_COMMAND(name, alias, chapter, function, repeats, usage, help, example) example "\n",
#define DBG_SPELLING(word, means)
#include "commands.def"
#undef DBG_COMMAND
#undef DBG_SPELLING
        "step 3\nx/16xb 0x500\nbreak 0xffff0004 if word [0x500] == 3\ncontinue\nbt\n",
        "trace insns io branches\nafter 100 instructions\ncontinue\ninfo branches\ntrace off\n",
        "engine bt\nunits count on\nafter 1us\nc\ninfo hottest\nunits 0xffff0000\n",
        "watch 0x500 2\nc\nc\ninfo points\nset word [0x500] = 7\nfill 0x600 0x700 1 2 3\nsearch 0 0x1000 1 2\n",
        "set cr0 = 0x11\nset eflags = 2\nregisters all\nfpu\nsse\ngdt\nidt\ntss\nmaps\npage 0x1000\n",
    };
    if (n > VX_ARRAY_LEN(examples))
        return false;
    for (unsigned i = 0; i < VX_ARRAY_LEN(examples); i++)
        if (n == VX_ARRAY_LEN(examples) || n == i)
            input_text(out, examples[i]);
    return true;
}

/* The guest stops before its first instruction and takes the script from where a user would type. */
static void read_script(void *opaque, const uint8_t *at, size_t bytes)
{
    struct state *state = opaque;
    FILE *in = bytes != 0 ? fmemopen((void *)(uintptr_t)at, bytes, "r") : NULL;
    if (in == NULL)
        return;
    struct debugger *dbg = open_debugger(state, in, true);
    machine_rig_run(state->rig);
    debugger_destroy(dbg);
    fclose(in);
}

/* A line each, on behalf of a client. */
static void read_monitor(void *opaque, const uint8_t *at, size_t bytes)
{
    struct state *state = opaque;
    struct debugger *dbg = open_debugger(state, state->empty, false);
    char line[INPUT_BYTES + 1];
    for (size_t i = 0; i < bytes;) {
        const uint8_t *end = memchr(at + i, '\n', bytes - i);
        size_t length = end != NULL ? (size_t)(end - at) - i : bytes - i;
        memcpy(line, at + i, length);
        line[length] = '\0';
        debugger_command(dbg, line, state->nowhere);
        for (unsigned n = 0; n < 4 && dbg_complete(dbg, line, line, n) != NULL;)
            n++;
        i += length + 1;
    }
    debugger_destroy(dbg);
    vx_machine_reset(machine_rig_machine(state->rig));
}

const struct reader reader_script = { .name = "script",
                                      .words = words,
                                      .renew = 512,
                                      .create = create,
                                      .destroy = destroy,
                                      .seed = seed_commands,
                                      .read = read_script };
const struct reader reader_monitor = { .name = "monitor",
                                       .words = words,
                                       .renew = 512,
                                       .create = create,
                                       .destroy = destroy,
                                       .seed = seed_commands,
                                       .read = read_monitor };

/* ---- symbols */

static bool seed_elf(unsigned n, struct input *out)
{
    /* section headers: none, symbols, strings; behind a header of 52 bytes */
    const uint32_t sections[30] = {
        [10] = 0, [11] = 2, [14] = 172, [15] = 64, [16] = 2, [19] = 16, [20] = 0, [21] = 3, [24] = 236, [25] = 16
    };
    const uint32_t symbols[16] = { 0, 0, 0, 0, 1, 0xC0100000, 16, 1u << 16 | 2, 7, 0xC0100010, 0, 1u << 16 | 1 };
    const uint32_t head[] = { 3u << 16 | 2, 1, 0, 0, 52, 0, 32u << 16 | 52, 40u << 16, 2u << 16 | 3 };
    if (n > 0)
        return false;
    input_add(out, "\177ELF\1\1\1", 7);
    input_zeros(out, 9);
    input_add(out, head, sizeof head);
    input_add(out, sections, sizeof sections);
    input_add(out, symbols, sizeof symbols);
    input_add(out, "\0_stext\0jiffies\0", 16);
    return true;
}

static void use_symbols(struct debugger *dbg)
{
    char text[300];
    uint64_t lin, bytes, off;
    dbg_symbols_done(dbg->symbols);
    const char *name = dbg_symbols_nth(dbg->symbols, 0, &lin, &bytes);
    if (name != NULL && dbg_symbols_find(dbg->symbols, name, &lin))
        dbg_symbols_near(dbg->symbols, lin + 1, &off);
    dbg_symbolize(dbg, 0xC0100004, text, sizeof text);
    dbg_symbols_match(dbg->symbols, "_", 1);
}

static void read_elf(void *opaque, const uint8_t *at, size_t bytes)
{
    struct state *state = opaque;
    struct debugger *dbg = open_debugger(state, state->empty, false);
    int fd = fileno(state->scratch);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, at, bytes, 0) != (ssize_t)bytes)
        abort();
    dbg_symbols_read_elf(dbg, state->scratch, "symbols", 0);
    use_symbols(dbg);
    debugger_destroy(dbg);
}

static const char *const map_words[] = { "c1000000 T _stext\n", "\n", " ", "\t", "ffffffff", " A ", "#", NULL };

static bool seed_map(unsigned n, struct input *out)
{
    static const char *const maps[] = { "c1000000 T _stext\nc1000010 t start\nc1000010 D jiffies\n         U gone\n",
                                        "0000000000007c00 _start\n# a comment\n0000000000007c3e loop\n" };
    if (n < VX_ARRAY_LEN(maps))
        input_text(out, maps[n]);
    return n < VX_ARRAY_LEN(maps);
}

static void read_map(void *opaque, const uint8_t *at, size_t bytes)
{
    struct state *state = opaque;
    FILE *in = bytes != 0 ? fmemopen((void *)(uintptr_t)at, bytes, "r") : NULL;
    if (in == NULL)
        return;
    struct debugger *dbg = open_debugger(state, state->empty, false);
    dbg_symbols_read_text(dbg, in, "map", 0x100);
    use_symbols(dbg);
    debugger_destroy(dbg);
    fclose(in);
}

/* The layout is in symbols_linux.c: 1024 names of two tokens. */
static bool seed_kallsyms(unsigned n, struct input *out)
{
    enum { NAMES = 1024, NAME_BYTES = 3 };
    uint16_t index[256];
    size_t tokens;
    if (n > 1)
        return false;
    for (uint32_t i = 0; i < NAMES; i++)
        input_add(out, &(uint32_t){ i * 16 }, 4);
    input_add(out, (const uint32_t[]){ 0xC1000000, NAMES }, 8);
    for (uint32_t i = 0; i < NAMES; i++)
        input_add(out, (const uint8_t[]){ NAME_BYTES - 1, 'T', (uint8_t)('a' + i % 26) }, NAME_BYTES);
    for (uint32_t i = 0; i < NAMES / 256; i++)
        input_add(out, &(uint32_t){ i * 256 * NAME_BYTES }, 4);
    if (n == 1)
        input_zeros(out, NAMES * 3); /* since 6.1: the order by name */
    tokens = out->bytes;
    for (unsigned i = 0; i < 256; i++) {
        index[i] = (uint16_t)(out->bytes - tokens);
        input_add(out, (const char[]){ i > ' ' && i < 127 ? (char)i : 'x', 0 }, 2);
    }
    input_add(out, index, sizeof index);
    return true;
}

static void read_kallsyms(void *opaque, const uint8_t *at, size_t bytes)
{
    struct state *state = opaque;
    struct vx_pmap *pmap = vx_machine_pmap(machine_rig_machine(state->rig));
    static const uint8_t zeros[INPUT_BYTES];
    struct debugger *dbg = open_debugger(state, state->empty, false);
    vx_pmap_write(pmap, 1 << 20, at, bytes);
    dbg_symbols_read_linux(dbg);
    use_symbols(dbg);
    vx_pmap_write(pmap, 1 << 20, zeros, bytes);
    debugger_destroy(dbg);
}

const struct reader reader_elf = {
    .name = "elf", .renew = 4096, .create = create, .destroy = destroy, .seed = seed_elf, .read = read_elf
};
const struct reader reader_map = { .name = "map",
                                   .words = map_words,
                                   .renew = 4096,
                                   .create = create,
                                   .destroy = destroy,
                                   .seed = seed_map,
                                   .read = read_map };
const struct reader reader_kallsyms = { .name = "kallsyms",
                                        .renew = 4096,
                                        .create = create,
                                        .destroy = destroy,
                                        .seed = seed_kallsyms,
                                        .read = read_kallsyms };

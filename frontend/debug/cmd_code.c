/* cmd_code.c - stack, callers, symbols. */
#include <errno.h>

#include "dbg.h"

static unsigned stack_bytes(const struct debugger *dbg)
{
    return vx_code32(dbg->vcpu) ? 4 : 2;
}

static uint32_t stack_mask(const struct debugger *dbg)
{
    return dbg->vcpu->seg[VX_SS].attr & VX_ATTR_DB ? UINT32_MAX : 0xFFFF;
}

static bool stack_word(struct debugger *dbg, uint32_t off, uint32_t *value)
{
    unsigned bytes = stack_bytes(dbg);
    *value = 0;
    return vx_debug_read(dbg->debug, dbg->vcpu->seg[VX_SS].base + off, value, bytes) == bytes;
}

bool dbg_cmd_stack(struct debugger *dbg, const char **at)
{
    enum { MOST = 4096 };
    uint64_t count;
    char name[128];
    if (!dbg_eval_or(dbg, at, "the number of words", 16, &count) || !dbg_no_more(dbg, at))
        return false;
    if (count > MOST)
        return dbg_fail(dbg, "up to %u words are possible", (unsigned)MOST);
    uint32_t off = (uint32_t)dbg->vcpu->gpr[VX_RSP] & stack_mask(dbg), value;
    for (uint64_t i = 0; i < count; i++) {
        if (!stack_word(dbg, off, &value))
            return dbg_fail(dbg, "there is no memory at ss:%08x", off);
        dbg_say(dbg, "ss:%08x  %0*x", off, (int)stack_bytes(dbg) * 2, value);
        if (value >= 0x1000 && dbg_symbolize(dbg, value, name, sizeof name))
            dbg_say(dbg, "  <%s>", name);
        dbg_say(dbg, "\n");
        off = (off + stack_bytes(dbg)) & stack_mask(dbg);
    }
    return true;
}

static void show_frame(struct debugger *dbg, unsigned n, uint64_t off, uint64_t frame)
{
    char name[128];
    uint64_t lin = vx_lin_wrap(dbg->vcpu->seg[VX_CS].base + off);
    dbg_say(dbg, "#%-2u %08" PRIx64 "  frame %08" PRIx64, n, off, frame);
    if (dbg_symbolize(dbg, lin, name, sizeof name))
        dbg_say(dbg, "  %s", name);
    dbg_say(dbg, "\n");
}

/* The chain of EBP: each frame holds the caller's frame and behind it the return address. */
bool dbg_cmd_backtrace(struct debugger *dbg, const char **at)
{
    uint64_t most;
    if (!dbg_eval_or(dbg, at, "the number of frames", 50, &most) || !dbg_no_more(dbg, at))
        return false;
    uint32_t frame = (uint32_t)dbg->vcpu->gpr[VX_RBP] & stack_mask(dbg), caller_frame, caller;
    uint32_t bytes = stack_bytes(dbg);
    show_frame(dbg, 0, dbg->vcpu->rip, frame);
    for (unsigned n = 1; n < most; n++) {
        if (frame == 0 || !stack_word(dbg, frame, &caller_frame) || !stack_word(dbg, frame + bytes, &caller) ||
            caller == 0)
            break;
        show_frame(dbg, n, caller, caller_frame);
        if (caller_frame <= frame) /* stacks grow downwards: not a frame, or the end */
            break;
        frame = caller_frame;
    }
    return true;
}

/* ---- symbols ----------------------------------------------------------------------------------------------------- */

static bool read_symbols(struct debugger *dbg, const char *path, uint32_t offset)
{
    enum { ELF_FIRST = 0x7F }; /* of ELF's magic; no text begins with it */
    FILE *file = dbg_open_to_read(dbg, path);
    if (file == NULL)
        return false;
    int first = getc(file);
    ungetc(first, file);
    bool done = first == ELF_FIRST ? dbg_symbols_read_elf(dbg, file, path, offset)
                                   : dbg_symbols_read_text(dbg, file, path, offset);
    fclose(file);
    return done;
}

static bool name_address(struct debugger *dbg, const char **at)
{
    uint64_t lin;
    char name[128];
    if (!dbg_eval_lin(dbg, at, "the address", &lin) || !dbg_no_more(dbg, at))
        return false;
    if (!dbg_symbolize(dbg, lin, name, sizeof name))
        return dbg_fail(dbg, "no symbol is near %08" PRIx64, lin);
    dbg_say(dbg, "%08" PRIx64 " <%s>\n", lin, name);
    return true;
}

bool dbg_cmd_symbols(struct debugger *dbg, const char **at)
{
    char path[512];
    uint64_t offset;
    if (dbg_take_word(at, "near"))
        return name_address(dbg, at);
    if (dbg_take_word(at, "linux"))
        return dbg_no_more(dbg, at) && dbg_symbols_read_linux(dbg);
    if (dbg_take_word(at, "save")) {
        if (!dbg_next_word(at, path, sizeof path))
            return dbg_fail(dbg, "the name of the file to write is missing");
        return dbg_no_more(dbg, at) && dbg_symbols_save_elf(dbg, path);
    }
    if (!dbg_next_word(at, path, sizeof path))
        return dbg_fail(dbg, "the name of a symbol file is missing: ELF, System.map, nm's or Bochs's format");
    if (!dbg_eval_or(dbg, at, "the offset", 0, &offset) || !dbg_no_more(dbg, at))
        return false;
    bool done = read_symbols(dbg, path, (uint32_t)offset);
    size_t count = dbg_symbols_done(dbg->symbols);
    if (done && count == 0)
        return dbg_fail(dbg, "%s: there is no symbol in it", path);
    if (done)
        dbg_say(dbg, "%zu symbols\n", count);
    return done;
}

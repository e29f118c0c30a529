/* cmd_tables.c - descriptor tables and the task state segment, decoded. SDM 3A "Segment Descriptors", "IDT
 * Descriptors", "Task-State Segment". */
#include "dbg.h"

struct descriptor {
    uint32_t lo, hi;
};

static uint32_t base_of(struct descriptor d)
{
    return d.lo >> 16 | (d.hi & 0xFF) << 16 | (d.hi & 0xFF000000u);
}

static uint32_t limit_of(struct descriptor d)
{
    uint32_t limit = (d.lo & 0xFFFF) | (d.hi & 0xF0000);
    return d.hi >> 23 & 1 ? limit << 12 | 0xFFF : limit;
}

static uint32_t gate_offset(struct descriptor d)
{
    return (d.lo & 0xFFFF) | (d.hi & 0xFFFF0000u);
}

static const char *system_type(unsigned type)
{
    static const char *const names[16] = {
        [1] = "16-bit TSS",
        [2] = "LDT",
        [3] = "16-bit TSS, busy",
        [4] = "16-bit call gate",
        [5] = "task gate",
        [6] = "16-bit interrupt gate",
        [7] = "16-bit trap gate",
        [9] = "32-bit TSS",
        [11] = "32-bit TSS, busy",
        [12] = "32-bit call gate",
        [14] = "32-bit interrupt gate",
        [15] = "32-bit trap gate",
    };
    return names[type] != NULL ? names[type] : "reserved";
}

static bool is_gate(unsigned type)
{
    return type >= 4 && type != 9 && type != 11 && system_type(type)[0] != 'r';
}

static void show_memory_segment(struct debugger *dbg, struct descriptor d)
{
    bool code = d.hi >> 11 & 1, second = d.hi >> 10 & 1, third = d.hi >> 9 & 1;
    dbg_say(dbg, "base %08x  limit %08x  %s%s%s, %u-bit%s", base_of(d), limit_of(d), code ? "code" : "data",
            code ? (third ? ", readable" : "") : (third ? ", writable" : ", read-only"),
            second ? (code ? ", conforming" : ", expand-down") : "", d.hi >> 22 & 1 ? 32 : 16,
            d.hi >> 8 & 1 ? ", accessed" : "");
}

static void show_gate(struct debugger *dbg, struct descriptor d, unsigned type)
{
    char name[128];
    uint32_t off = type < 8 ? gate_offset(d) & 0xFFFF : gate_offset(d);
    dbg_say(dbg, "%s to %04x:%08x", system_type(type), d.lo >> 16, off);
    if (dbg_symbolize(dbg, off, name, sizeof name))
        dbg_say(dbg, " <%s>", name);
}

static void show_descriptor(struct debugger *dbg, unsigned index, const char *what, struct descriptor d)
{
    unsigned type = d.hi >> 8 & 15;
    dbg_say(dbg, "%s %04x  ", what, index);
    if (d.hi >> 12 & 1)
        show_memory_segment(dbg, d);
    else if (is_gate(type))
        show_gate(dbg, d, type);
    else
        dbg_say(dbg, "base %08x  limit %08x  %s", base_of(d), limit_of(d), system_type(type));
    dbg_say(dbg, ", DPL %u%s\n", d.hi >> 13 & 3, d.hi >> 15 & 1 ? "" : ", not present");
}

/* Eight-byte entries of a table from `first` on: all that are not empty, or one. */
static bool show_table(struct debugger *dbg, const char *what, uint64_t base, uint32_t limit, unsigned step,
                       uint64_t only)
{
    unsigned empty = 0, shown = 0;
    for (uint32_t off = 0; off + 7 <= limit; off += 8) {
        struct descriptor d;
        if (only != UINT64_MAX && off != only)
            continue;
        if (vx_debug_read(dbg->debug, base + off, &d, sizeof d) != sizeof d)
            return dbg_fail(dbg, "there is no memory at %08" PRIx64 ", where the table lies", vx_lin_wrap(base + off));
        shown++;
        if (only == UINT64_MAX && d.hi == 0 && d.lo == 0)
            empty++;
        else
            show_descriptor(dbg, off / step, what, d);
    }
    if (only != UINT64_MAX && shown == 0)
        return dbg_fail(dbg, "the table ends before that: its limit is %x", limit);
    if (empty != 0)
        dbg_say(dbg, "%u entries are empty\n", empty);
    return true;
}

static bool show_selectors(struct debugger *dbg, const char **at, const char *what, uint64_t base, uint32_t limit)
{
    uint64_t sel;
    if (!dbg_eval_or(dbg, at, "the selector", UINT64_MAX, &sel) || !dbg_no_more(dbg, at))
        return false;
    if (vx_real_mode(dbg->vcpu))
        dbg_say(dbg, "(in real mode nothing is looked up there)\n");
    return show_table(dbg, what, base, limit, 1, sel == UINT64_MAX ? sel : sel & 0xFFF8);
}

bool dbg_cmd_gdt(struct debugger *dbg, const char **at)
{
    return show_selectors(dbg, at, "GDT", dbg->vcpu->gdtr.base, dbg->vcpu->gdtr.limit);
}

bool dbg_cmd_ldt(struct debugger *dbg, const char **at)
{
    const struct vx_seg *ldtr = &dbg->vcpu->ldtr;
    if (ldtr->unusable || (ldtr->sel & 0xFFFC) == 0)
        return dbg_fail(dbg, "there is no LDT: LDTR holds selector %04x", ldtr->sel);
    return show_selectors(dbg, at, "LDT", ldtr->base, ldtr->limit);
}

static bool show_vectors(struct debugger *dbg, uint64_t only)
{
    for (unsigned vector = 0; vector < 256; vector++) {
        uint32_t entry;
        if (only != UINT64_MAX && vector != only)
            continue;
        if (vx_debug_read(dbg->debug, dbg->vcpu->idtr.base + vector * 4, &entry, 4) != 4)
            return dbg_fail(dbg, "there is no memory at %08x", (unsigned)dbg->vcpu->idtr.base + vector * 4);
        if (only != UINT64_MAX || entry != 0)
            dbg_say(dbg, "vector %02x  %04x:%04x\n", vector, entry >> 16, entry & 0xFFFF);
    }
    return true;
}

bool dbg_cmd_idt(struct debugger *dbg, const char **at)
{
    uint64_t vector;
    if (!dbg_eval_or(dbg, at, "the vector", UINT64_MAX, &vector) || !dbg_no_more(dbg, at))
        return false;
    if (vector > 255 && vector != UINT64_MAX)
        return dbg_fail(dbg, "vectors go from 0 to 255");
    if (vx_real_mode(dbg->vcpu))
        return show_vectors(dbg, vector);
    return show_table(dbg, "vector", dbg->vcpu->idtr.base, dbg->vcpu->idtr.limit, 8,
                      vector == UINT64_MAX ? vector : vector * 8);
}

/* Fields of a task state segment: offset and size. */
struct tss_field {
    const char *name;
    uint8_t off, bytes;
};

static const struct tss_field tss32[] = {
    { "link", 0, 2 }, { "esp0", 4, 4 },   { "ss0", 8, 2 },     { "esp1", 12, 4 },   { "ss1", 16, 2 }, { "esp2", 20, 4 },
    { "ss2", 24, 2 }, { "cr3", 28, 4 },   { "eip", 32, 4 },    { "eflags", 36, 4 }, { "eax", 40, 4 }, { "ecx", 44, 4 },
    { "edx", 48, 4 }, { "ebx", 52, 4 },   { "esp", 56, 4 },    { "ebp", 60, 4 },    { "esi", 64, 4 }, { "edi", 68, 4 },
    { "es", 72, 2 },  { "cs", 76, 2 },    { "ss", 80, 2 },     { "ds", 84, 2 },     { "fs", 88, 2 },  { "gs", 92, 2 },
    { "ldt", 96, 2 }, { "trap", 100, 2 }, { "iomap", 102, 2 },
};
static const struct tss_field tss16[] = {
    { "link", 0, 2 }, { "sp0", 2, 2 }, { "ss0", 4, 2 },    { "sp1", 6, 2 },  { "ss1", 8, 2 }, { "sp2", 10, 2 },
    { "ss2", 12, 2 }, { "ip", 14, 2 }, { "flags", 16, 2 }, { "ax", 18, 2 },  { "cx", 20, 2 }, { "dx", 22, 2 },
    { "bx", 24, 2 },  { "sp", 26, 2 }, { "bp", 28, 2 },    { "si", 30, 2 },  { "di", 32, 2 }, { "es", 34, 2 },
    { "cs", 36, 2 },  { "ss", 38, 2 }, { "ds", 40, 2 },    { "ldt", 42, 2 },
};

bool dbg_cmd_tss(struct debugger *dbg, const char **at)
{
    const struct vx_seg *tr = &dbg->vcpu->tr;
    if (!dbg_no_more(dbg, at))
        return false;
    if ((tr->sel & 0xFFFC) == 0)
        return dbg_fail(dbg, "no task state segment has been loaded: TR is %04x", tr->sel);
    bool wide = (tr->attr & 8) != 0;
    const struct tss_field *fields = wide ? tss32 : tss16;
    size_t count = wide ? VX_ARRAY_LEN(tss32) : VX_ARRAY_LEN(tss16);
    dbg_say(dbg, "TR %04x, %u-bit, base %08x, limit %x\n", tr->sel, wide ? 32 : 16, (unsigned)tr->base, tr->limit);
    for (size_t i = 0; i < count; i++) {
        uint32_t value = 0;
        if (vx_debug_read(dbg->debug, tr->base + fields[i].off, &value, fields[i].bytes) != fields[i].bytes)
            return dbg_fail(dbg, "there is no memory at %08x", (unsigned)tr->base + fields[i].off);
        dbg_say(dbg, "%-6s %0*x%s", fields[i].name, fields[i].bytes * 2, value, i % 4 == 3 ? "\n" : "   ");
    }
    dbg_say(dbg, "\n");
    return true;
}

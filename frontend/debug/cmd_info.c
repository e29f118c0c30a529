/* cmd_info.c - `info`: points, events, the machine's parts. */
#include "dbg.h"

static bool show_points(struct debugger *dbg, const char **at)
{
    unsigned last = 0;
    const struct vx_debug_point *point;
    if (!dbg_no_more(dbg, at))
        return false;
    if (vx_debug_next_point(dbg->debug, 0) == NULL)
        dbg_say(dbg, "there are no points\n");
    for (; (point = vx_debug_next_point(dbg->debug, last)) != NULL; last = point->number) {
        const struct dbg_note *note = dbg_note_of(dbg, point->number);
        dbg_say(dbg, "%-3u %-17s %-8s ", point->number, dbg_point_kind(point), point->enabled ? "" : "disabled");
        if (point->kind == VX_POINT_EXEC || point->kind == VX_POINT_WATCH)
            dbg_say(dbg, "%s%08" PRIx64, point->physical ? "phys " : "", point->first);
        if (point->kind == VX_POINT_WATCH)
            dbg_say(dbg, "-%08" PRIx64, point->last);
        dbg_say(dbg, "  %s", note != NULL && note->text != NULL ? note->text : "");
        if (note != NULL && note->condition != NULL)
            dbg_say(dbg, "  if %s", note->condition);
        dbg_say(dbg, "  hits %" PRIu64, point->hits);
        if (point->ignore != 0)
            dbg_say(dbg, ", the next %" PRIu64 " ignored", point->ignore);
        dbg_say(dbg, "%s\n", point->temporary ? ", once" : "");
    }
    return true;
}

static bool show_events(struct debugger *dbg, const char **at)
{
    static const char *const names[] = {
        [VX_DEBUG_EVENT_EXCEPTION] = "exception",
        [VX_DEBUG_EVENT_INTERRUPT] = "interrupt",
        [VX_DEBUG_EVENT_INT] = "int",
        [VX_DEBUG_EVENT_MODE] = "mode",
        [VX_DEBUG_EVENT_CR3] = "CR3",
        [VX_DEBUG_EVENT_MAGIC] = "magic",
    };
    uint64_t count;
    struct vx_debug_record record;
    if (!dbg_eval_or(dbg, at, "how many", 20, &count) || !dbg_no_more(dbg, at))
        return false;
    if (count > VX_DEBUG_RECORDS)
        count = VX_DEBUG_RECORDS;
    for (unsigned age = (unsigned)count; age-- > 0;) {
        if (!vx_debug_record(dbg->debug, age, &record))
            continue;
        if (vx_machine_counted(dbg->machine))
            dbg_say(dbg, "%12" PRIu64 "  ", record.count);
        dbg_say(dbg, "%10.6f s  %-10s ", (double)record.ns / 1e9, names[record.event]);
        if (record.event == VX_DEBUG_EVENT_MODE)
            dbg_say(dbg, "%s", dbg_mode_name(record.value));
        else
            dbg_say(dbg, "%02" PRIx64 " %-3s", record.value,
                    record.event == VX_DEBUG_EVENT_EXCEPTION ? dbg_vector_name(record.value) : "");
        if (record.event == VX_DEBUG_EVENT_EXCEPTION)
            dbg_say(dbg, " error %" PRIx64, record.detail);
        dbg_say(dbg, "  at %04x:%08" PRIx64 "\n", record.cs, record.eip);
    }
    return true;
}

static void print_place(struct debugger *dbg, uint16_t cs, uint64_t off, uint64_t lin)
{
    char name[128];
    dbg_say(dbg, "%04x:%08" PRIx64, cs, off);
    if (dbg_symbolize(dbg, lin, name, sizeof name))
        dbg_say(dbg, " <%s>", name);
}

static bool show_branches(struct debugger *dbg, const char **at)
{
    uint64_t count;
    struct vx_debug_branch branch;
    if (!dbg_eval_or(dbg, at, "how many", 20, &count) || !dbg_no_more(dbg, at))
        return false;
    if (!vx_debug_branch(dbg->debug, 0, &branch))
        return dbg_fail(dbg, "no branches have been remembered; trace branches begins with it");
    for (unsigned age = count < VX_DEBUG_BRANCHES ? (unsigned)count : VX_DEBUG_BRANCHES; age-- > 0;) {
        if (!vx_debug_branch(dbg->debug, age, &branch))
            continue;
        print_place(dbg, branch.from_cs, branch.from, branch.to_lin - branch.to + branch.from);
        dbg_say(dbg, "  ->  ");
        print_place(dbg, branch.to_cs, branch.to, branch.to_lin);
        dbg_say(dbg, "\n");
    }
    return true;
}

static bool show_engine(struct debugger *dbg, const char **at)
{
    const struct vx_stats *stats = vx_machine_stats(dbg->machine);
    if (!dbg_no_more(dbg, at))
        return false;
    dbg_say(dbg, "engine %s", vx_machine_engine(dbg->machine) == VX_ENGINE_BT ? "bt" : "interp");
    if (vx_machine_counted(dbg->machine))
        dbg_say(dbg, ", %" PRIu64 " instructions", dbg->vcpu->retired);
    dbg_say(dbg, ", guest time %.6f s\n", (double)vx_clock_now_ns(vx_machine_clock(dbg->machine)) / 1e9);
    dbg_say(dbg, "units %" PRIu64 ", retranslated %" PRIu64 ", interpreted steps %" PRIu64 ", evictions %" PRIu64 "\n",
            stats->tu_translated, stats->tu_retranslated, stats->interp_steps, stats->cache_evictions);
    return true;
}

/* ---- devices ----------------------------------------------------------------------------------------------------- */

struct device_listing {
    struct debugger *dbg;
    const char *device; /* whose fields came last */
};

static void show_field(void *opaque, const struct vx_field *field)
{
    struct device_listing *listing = opaque;
    FILE *out = listing->dbg->out;
    int digits = (int)field->bytes * 2;
    if (field->device != listing->device)
        vx_text_print(out, "%s%s", listing->device != NULL ? "\n" : "", field->device);
    listing->device = field->device;
    if (field->count > 1 && field->index > 0) {
        const char *before = field->index % 16 == 0 ? "\n                        " : " ";
        vx_text_print(out, "%s%0*" PRIx64, before, digits, field->value);
        return;
    }
    vx_text_print(out, "\n  %-20s  %0*" PRIx64, field->name, digits, field->value);
}

static void show_name(void *opaque, const char *name, bool described)
{
    struct device_listing *listing = opaque;
    vx_text_print(listing->dbg->out, "%-12s%s", name, described ? "" : "(nothing to show)");
    fputc('\n', listing->dbg->out);
}

static bool show_device(struct debugger *dbg, const char *name, const char **at)
{
    struct device_listing listing = { .dbg = dbg };
    if (!dbg_no_more(dbg, at))
        return false;
    if (!vx_machine_describe(dbg->machine, name, show_field, &listing))
        return dbg_fail(dbg,
                        "%s is neither a device nor points, events, branches, engine, time, hottest, exits, devices; "
                        "info devices lists "
                        "the devices",
                        name);
    dbg_say(dbg, "\n");
    return true;
}

static bool show_all_registers(struct debugger *dbg, const char **at)
{
    const char *all = "all";
    return dbg_no_more(dbg, at) && dbg_cmd_registers(dbg, &all) && dbg_cmd_fpu(dbg, at) && dbg_cmd_sse(dbg, at);
}

static bool show_symbol(struct debugger *dbg, const char **at)
{
    char near[DBG_LINE_MAX];
    const char *line = near;
    snprintf(near, sizeof near, "near %s", *at);
    *at += strlen(*at);
    return dbg_cmd_symbols(dbg, &line);
}

static bool show_devices(struct debugger *dbg, const char **at)
{
    if (!dbg_no_more(dbg, at))
        return false;
    vx_machine_each_device(dbg->machine, show_name, &(struct device_listing){ .dbg = dbg });
    return true;
}

bool dbg_cmd_info(struct debugger *dbg, const char **at)
{
    static const struct {
        const char *word;
        bool (*show)(struct debugger *dbg, const char **at);
    } table[] = {
        { "points", show_points },
        { "break", show_points },
        { "breakpoints", show_points },
        { "watchpoints", show_points },
        { "b", show_points },
        { "events", show_events },
        { "branches", show_branches },
        { "engine", show_engine },
        { "time", show_engine },
        { "hottest", dbg_info_hottest },
        { "exits", dbg_info_exits },
        { "devices", show_devices },
        /* what is a command here, and "info" elsewhere */
        { "registers", dbg_cmd_registers },
        { "r", dbg_cmd_registers },
        { "cpu", dbg_cmd_registers },
        { "all-registers", show_all_registers },
        { "float", dbg_cmd_fpu },
        { "fpu", dbg_cmd_fpu },
        { "sse", dbg_cmd_sse },
        { "gdt", dbg_cmd_gdt },
        { "ldt", dbg_cmd_ldt },
        { "idt", dbg_cmd_idt },
        { "tss", dbg_cmd_tss },
        { "tab", dbg_cmd_maps },
        { "mem", dbg_cmd_maps },
        { "symbol", show_symbol },
        { "stack", dbg_cmd_backtrace },
    };
    char name[64];
    for (size_t i = 0; i < VX_ARRAY_LEN(table); i++)
        if (dbg_take_word(at, table[i].word))
            return table[i].show(dbg, at);
    if (!dbg_next_word(at, name, sizeof name))
        return dbg_fail(
            dbg,
            "what is missing: points, events, branches, engine, time, hottest, exits, devices, or a device's name");
    return show_device(dbg, name, at);
}

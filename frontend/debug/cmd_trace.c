/* cmd_trace.c - what happens, line by line as it happens. */
#include <errno.h>

#include "dbg.h"

static FILE *trace_out(const struct debugger *dbg)
{
    return dbg->trace != NULL ? dbg->trace : dbg->out;
}

/* What a line of a trace begins with: the count of instructions where there is one, else guest time. */
static void print_moment(struct debugger *dbg, FILE *out)
{
    if (vx_machine_counts(dbg->machine))
        vx_text_print(out, "%" PRIu64 " ", dbg->vcpu->retired);
    else
        vx_text_print(out, "%.6f s ", (double)vx_clock_now_ns(vx_machine_clock(dbg->machine)) / 1e9);
}

void dbg_trace_insn(void *opaque)
{
    struct debugger *dbg = opaque;
    uint64_t lin = vx_cs_lin(dbg->vcpu);
    if (!(dbg->tracing & DBG_TRACE_INSNS) || lin < dbg->trace_first || lin > dbg->trace_last)
        return;
    FILE *out = trace_out(dbg);
    const uint64_t *r = dbg->vcpu->gpr;
    print_moment(dbg, out);
    dbg_show_here(dbg, out);
    vx_text_print(out, "    eax=%08x ebx=%08x ecx=%08x edx=%08x esi=%08x edi=%08x ebp=%08x esp=%08x eflags=%08x\n",
                  (unsigned)r[VX_RAX], (unsigned)r[VX_RBX], (unsigned)r[VX_RCX], (unsigned)r[VX_RDX],
                  (unsigned)r[VX_RSI], (unsigned)r[VX_RDI], (unsigned)r[VX_RBP], (unsigned)r[VX_RSP],
                  (unsigned)vx_eflags(dbg->vcpu));
}

void dbg_trace_event(void *opaque, enum vx_debug_event event, uint64_t value, uint64_t detail)
{
    static const struct {
        unsigned kind;
        const char *text;
    } kinds[] = {
        [VX_DEBUG_EVENT_EXCEPTION] = { DBG_TRACE_EXCEPTIONS, "exception" },
        [VX_DEBUG_EVENT_INTERRUPT] = { DBG_TRACE_INTERRUPTS, "interrupt" },
        [VX_DEBUG_EVENT_INT] = { DBG_TRACE_INTERRUPTS, "int" },
        [VX_DEBUG_EVENT_MODE] = { DBG_TRACE_MODES, "mode" },
        [VX_DEBUG_EVENT_CR3] = { DBG_TRACE_MODES, "CR3" },
        [VX_DEBUG_EVENT_MAGIC] = { 0, "" },
    };
    struct debugger *dbg = opaque;
    bool fault = event == VX_DEBUG_EVENT_EXCEPTION && value == VX_PF;
    if ((dbg->tracing & (kinds[event].kind | (fault ? DBG_TRACE_FAULTS : 0u))) == 0)
        return;
    print_moment(dbg, trace_out(dbg));
    if (event == VX_DEBUG_EVENT_MODE)
        vx_text_print(trace_out(dbg), "%s %s", kinds[event].text, dbg_mode_name(value));
    else
        vx_text_print(trace_out(dbg), "%s %02" PRIx64, kinds[event].text, value);
    if (event == VX_DEBUG_EVENT_EXCEPTION)
        vx_text_print(trace_out(dbg), " %s error %" PRIx64, dbg_vector_name(value), detail);
    if (fault)
        vx_text_print(trace_out(dbg), " address %08x", (unsigned)dbg->vcpu->cr2);
    vx_text_print(trace_out(dbg), " at %04x:%08x\n", dbg->vcpu->seg[VX_CS].sel, (unsigned)dbg->vcpu->rip);
}

void dbg_trace_access(void *opaque, enum vx_space space, uint64_t address, unsigned bytes, unsigned access,
                      uint64_t value)
{
    struct debugger *dbg = opaque;
    print_moment(dbg, trace_out(dbg));
    vx_text_print(trace_out(dbg), "%s %s %04" PRIx64 " %u bytes %0*" PRIx64 " at %04x:%08x\n",
                  space == VX_SPACE_IO ? "port" : "mmio", access == VX_WATCH_WRITE ? "write" : "read", address, bytes,
                  (int)bytes * 2, value, dbg->vcpu->seg[VX_CS].sel, (unsigned)dbg->vcpu->rip);
}

static void apply(struct debugger *dbg, unsigned kinds)
{
    dbg->tracing = kinds;
    vx_debug_set_tracing(dbg->debug, (kinds & DBG_TRACE_INSNS ? VX_DEBUG_TRACE_INSNS : 0u) |
                                         (kinds & DBG_TRACE_BRANCHES ? VX_DEBUG_TRACE_BRANCHES : 0u) |
                                         (kinds & DBG_TRACE_IO ? VX_DEBUG_TRACE_IO : 0u));
}

void dbg_trace_gate(struct debugger *dbg, bool begins)
{
    apply(dbg, begins ? dbg->trace_between : 0);
}

/* "from ADDRESS to ADDRESS": tracing begins and ends where these are reached, and waits until then. */
static bool take_gates(struct debugger *dbg, const char **at, unsigned *kinds)
{
    uint64_t from, to;
    if (!dbg_take_word(at, "from"))
        return true;
    if (!dbg_eval_lin(dbg, at, "the address to trace from", &from))
        return false;
    if (!dbg_take_word(at, "to"))
        return dbg_fail(dbg, "'to' and an address are missing");
    if (!dbg_eval_lin(dbg, at, "the address to trace to", &to) || !dbg_no_more(dbg, at))
        return false;
    dbg->trace_between = *kinds;
    *kinds = 0;
    return dbg_add_gate(dbg, from, DBG_GATE_BEGIN) && dbg_add_gate(dbg, to, DBG_GATE_END);
}

static unsigned take_kinds(const char **at)
{
    static const struct {
        const char *word;
        unsigned kind;
    } words[] = { { "insns", DBG_TRACE_INSNS },
                  { "interrupts", DBG_TRACE_INTERRUPTS },
                  { "exceptions", DBG_TRACE_EXCEPTIONS },
                  { "modes", DBG_TRACE_MODES },
                  { "io", DBG_TRACE_IO },
                  { "faults", DBG_TRACE_FAULTS },
                  { "branches", DBG_TRACE_BRANCHES } };
    unsigned kinds = 0;
    for (size_t i = 0; i < VX_ARRAY_LEN(words); i++)
        if (dbg_take_word(at, words[i].word)) {
            kinds |= words[i].kind;
            i = (size_t)-1; /* in any order */
        }
    return kinds;
}

bool dbg_cmd_trace(struct debugger *dbg, const char **at)
{
    uint64_t first = 0, last = UINT32_MAX;
    bool off = dbg_take_word(at, "off");
    unsigned kinds = off ? 0 : take_kinds(at);
    if (!off && kinds == 0)
        return dbg_fail(dbg,
                        "what to trace is missing: off, or of insns interrupts exceptions faults modes io branches");
    const char *rest = *at;
    if (!dbg_take_word(&rest, "from") && (!dbg_eval_or(dbg, at, "the first address", 0, &first) ||
                                          !dbg_eval_or(dbg, at, "the last address", UINT32_MAX, &last)))
        return false;
    if (first > last || last > UINT32_MAX)
        return dbg_fail(dbg, "the range to trace must lie in 4 GiB and not be empty");
    dbg_drop_gates(dbg);
    if (!take_gates(dbg, at, &kinds) || !dbg_no_more(dbg, at))
        return false;
    dbg->trace_first = first;
    dbg->trace_last = last;
    apply(dbg, kinds);
    return true;
}

bool dbg_cmd_trace_file(struct debugger *dbg, const char **at)
{
    char path[512];
    FILE *file = NULL;
    if (dbg_next_word(at, path, sizeof path)) {
        file = dbg_open_to_write(dbg, path);
        if (file == NULL)
            return false;
    }
    bool written = dbg->trace == NULL || dbg_close_written(dbg, dbg->trace);
    int reason = errno;
    dbg->trace = file;
    if (!written)
        return dbg_fail(dbg, "the trace so far is not complete: %s", strerror(reason));
    return dbg_no_more(dbg, at);
}

/* show.c - where the guest is and why: what stands behind every stop, and the lines of a trace. */
#include "dbg.h"

static const char *const segment_names[VX_SEG_COUNT] = { "es", "cs", "ss", "ds", "fs", "gs" };

const char *dbg_vector_name(unsigned vector)
{
    static const char *const names[32] = {
        [VX_DE] = "#DE", [VX_DB] = "#DB", [VX_NMI] = "NMI", [VX_BP] = "#BP",     [VX_OF] = "#OF", [VX_BR] = "#BR",
        [VX_UD] = "#UD", [VX_NM] = "#NM", [VX_DF] = "#DF",  [VX_TS] = "#TS",     [VX_NP] = "#NP", [VX_GP] = "#GP",
        [VX_PF] = "#PF", [VX_MF] = "#MF", [VX_AC] = "#AC",  [VX_SEG_SS] = "#SS", [VX_MC] = "#MC", [VX_XM] = "#XM",
    };
    return vector < VX_ARRAY_LEN(names) && names[vector] != NULL ? names[vector] : "";
}

struct vx_disassembler dbg_disassembler(struct debugger *dbg)
{
    bool code32 = dbg->code_bits != 0 ? dbg->code_bits == 32 : vx_code32(dbg->vcpu);
    return (
        struct vx_disassembler){ .code32 = code32, .syntax = dbg->syntax, .symbolizer = dbg_symbolize, .opaque = dbg };
}

static void print_address(struct debugger *dbg, FILE *out, uint64_t lin, uint64_t off)
{
    char name[128];
    const struct vx_seg *cs = &dbg->vcpu->seg[VX_CS];
    if (vx_lin_wrap(cs->base + off) == lin)
        vx_text_print(out, "%04x:%0*" PRIx64, cs->sel, vx_code32(dbg->vcpu) || off > 0xFFFF ? 8 : 4, off);
    else
        vx_text_print(out, "     %08" PRIx64, lin);
    if (dbg_symbolize(dbg, lin, name, sizeof name))
        vx_text_print(out, " <%s>", name);
}

static unsigned print_insn(struct debugger *dbg, FILE *out, uint64_t lin, uint64_t off, struct vx_insn *insn)
{
    struct vx_disassembler how = dbg_disassembler(dbg);
    char bytes[15 * 2 + 1];
    print_address(dbg, out, lin, off);
    if (!vx_debug_disassemble(dbg->debug, &how, lin, off, insn)) {
        vx_text_print(out, "  (no memory)");
        return 0;
    }
    for (unsigned i = 0; i < insn->length; i++)
        snprintf(bytes + 2 * i, 3, "%02x", insn->bytes[i]);
    vx_text_print(out, "  %-16s %s", bytes, insn->text);
    return insn->length;
}

unsigned dbg_show_insn(struct debugger *dbg, FILE *out, uint64_t lin, uint64_t off)
{
    struct vx_insn insn;
    unsigned length = print_insn(dbg, out, lin, off, &insn);
    fputc('\n', out);
    return length;
}

/* "; ds:00000010 = 1234" */
static void print_operand(struct debugger *dbg, FILE *out, const struct vx_insn *insn)
{
    if (!insn->has_memory || insn->memory_seg >= VX_SEG_COUNT)
        return;
    uint64_t lin = vx_lin_wrap(dbg->vcpu->seg[insn->memory_seg].base + insn->memory_off);
    uint64_t value = 0;
    unsigned bytes = insn->memory_bytes;
    vx_text_print(out, "   ; %s:%08" PRIx64, segment_names[insn->memory_seg], insn->memory_off);
    if (lin != insn->memory_off)
        vx_text_print(out, " lin %08" PRIx64, lin);
    if (bytes == 0 || bytes > 8)
        return;
    if (vx_debug_read(dbg->debug, lin, &value, bytes) == bytes)
        vx_text_print(out, " = %0*" PRIx64, (int)bytes * 2, value);
    else
        vx_text_print(out, " (not memory)");
}

void dbg_show_here(struct debugger *dbg, FILE *out)
{
    struct vx_insn insn;
    if (print_insn(dbg, out, vx_cs_lin(dbg->vcpu), dbg->vcpu->rip, &insn) != 0)
        print_operand(dbg, out, &insn);
    fputc('\n', out);
}

/* ---- stops ------------------------------------------------------------------------------------------------------- */

const char *dbg_point_kind(const struct vx_debug_point *point)
{
    static const char *const names[VX_POINT_KINDS] = {
        [VX_POINT_EXEC] = "breakpoint",
        [VX_POINT_WATCH] = "watchpoint",
        [VX_POINT_EXCEPTION] = "exception",
        [VX_POINT_INTERRUPT] = "interrupt",
        [VX_POINT_INT] = "int",
        [VX_POINT_MODE] = "mode change",
        [VX_POINT_CR3] = "CR3 load",
        [VX_POINT_IO] = "port access",
        [VX_POINT_MMIO] = "MMIO access",
        [VX_POINT_TIME] = "guest time",
        [VX_POINT_COUNT] = "instruction count",
        [VX_POINT_MAGIC] = "magic instruction",
    };
    return names[point->kind];
}

const char *dbg_mode_name(uint64_t mode_bits)
{
    if (!(mode_bits & VX_CR0_PE))
        return "real mode";
    if (mode_bits & VX_FL_VM)
        return mode_bits & VX_CR0_PG ? "virtual-8086 mode with paging" : "virtual-8086 mode";
    return mode_bits & VX_CR0_PG ? "protected mode with paging" : "protected mode";
}

static const char *verb(const struct vx_debug_stop *stop)
{
    return stop->access == VX_WATCH_WRITE ? "written" : "read";
}

static void print_what(struct debugger *dbg, const struct vx_debug_stop *stop)
{
    char name[128];
    int digits = stop->bytes >= 8 ? 16 : (int)stop->bytes * 2;
    switch (stop->point.kind) {
    case VX_POINT_WATCH:
        if (stop->by_device)
            dbg_say(dbg, ": %u bytes at physical %08" PRIx64, stop->bytes, stop->address);
        else
            dbg_say(dbg, ": %u bytes at %08" PRIx64, stop->bytes, stop->lin);
        if (!stop->by_device && dbg_symbolize(dbg, stop->lin, name, sizeof name))
            dbg_say(dbg, " <%s>", name);
        if (!stop->by_device)
            dbg_say(dbg, " (physical %08" PRIx64 ")", stop->address);
        dbg_say(dbg, " %s, %0*" PRIx64, verb(stop), digits, stop->old);
        if (stop->access == VX_WATCH_WRITE)
            dbg_say(dbg, " -> %0*" PRIx64, digits, stop->new);
        break;
    case VX_POINT_EXCEPTION:
        dbg_say(dbg, " %u %s, error code %x", stop->vector, dbg_vector_name(stop->vector), stop->error);
        if (stop->vector == VX_PF)
            dbg_say(dbg, ", address %08" PRIx64, stop->lin);
        break;
    case VX_POINT_INTERRUPT:
    case VX_POINT_INT: dbg_say(dbg, " %02xh", stop->vector); break;
    case VX_POINT_MODE: dbg_say(dbg, ": %s -> %s", dbg_mode_name(stop->old), dbg_mode_name(stop->new)); break;
    case VX_POINT_CR3: dbg_say(dbg, ": %08" PRIx64 " -> %08" PRIx64, stop->old, stop->new); break;
    case VX_POINT_IO:
    case VX_POINT_MMIO:
        dbg_say(dbg, ": %04" PRIx64 " %s, %u bytes, %0*" PRIx64, stop->address, verb(stop), stop->bytes, digits,
                stop->new);
        break;
    default: break;
    }
    if (stop->by_device)
        dbg_say(dbg, ", by a device's DMA, at %04x:%08" PRIx64, stop->cs, stop->eip);
    else if (stop->point.kind != VX_POINT_EXEC && stop->point.kind != VX_POINT_COUNT &&
             stop->point.kind != VX_POINT_TIME)
        dbg_say(dbg, ", by %04x:%08" PRIx64, stop->cs, stop->eip);
}

static void print_cause(struct debugger *dbg, const struct vx_debug_stop *stop)
{
    switch (stop->cause) {
    case VX_CAUSE_START:
        dbg_say(dbg, "power-on; help lists the commands, Ctrl-A d or SIGUSR1 stops the guest\n");
        break;
    case VX_CAUSE_REQUEST: dbg_say(dbg, "stopped\n"); break;
    case VX_CAUSE_SHUTDOWN: dbg_say(dbg, "triple fault; going on resets the machine\n"); break;
    case VX_CAUSE_STEP: break;
    case VX_CAUSE_POINT:
        dbg_say(dbg, "point %u, %s", stop->point.number, dbg_point_kind(&stop->point));
        print_what(dbg, stop);
        dbg_say(dbg, "\n");
        break;
    }
}

void dbg_show_stop(struct debugger *dbg, const struct vx_debug_stop *stop)
{
    print_cause(dbg, stop);
    dbg_snapshot_at_stop(dbg);
    if (stop->cause == VX_CAUSE_STEP)
        dbg_show_changes(dbg);
    dbg->next_code = dbg->vcpu->rip;
    dbg_show_here(dbg, dbg->out);
    if (dbg->vcpu->halted)
        dbg_say(dbg, "  (halted, waiting for an interrupt)\n");
}

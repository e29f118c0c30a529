/* cmd_registers.c - registers shown and changed. */
#include "dbg.h"

static void show_segment(struct debugger *dbg, const char *name, const struct vx_seg *seg)
{
    bool system = !(seg->attr & VX_ATTR_S);
    const char *what = system                         ? "system"
                       : seg->attr & VX_ATTR_CODE     ? (seg->attr & VX_ATTR_WRITABLE ? "code, readable" : "code")
                       : seg->attr & VX_ATTR_WRITABLE ? "data, writable"
                                                      : "data";
    dbg_say(dbg, "%-4s %04x  base %08x  limit %08x  attr %04x", name, seg->sel, (unsigned)seg->base, seg->limit,
            seg->attr);
    if (seg->unusable)
        dbg_say(dbg, "  unusable\n");
    else
        dbg_say(dbg, "  %s, DPL %u%s%s\n", what, (seg->attr & VX_ATTR_DPL) >> 5,
                seg->attr & VX_ATTR_DB && !system ? ", 32-bit" : "", seg->attr & VX_ATTR_P ? "" : ", not present");
}

static void show_bits(struct debugger *dbg, const char *name, uint64_t value, const char *const names[32])
{
    dbg_say(dbg, "%s %08x ", name, (unsigned)value);
    for (unsigned i = 0; i < 32; i++)
        if (value >> i & 1 && names[i] != NULL)
            dbg_say(dbg, " %s", names[i]);
    dbg_say(dbg, "\n");
}

static void show_system(struct debugger *dbg)
{
    static const char *const cr0[32] = {
        "PE", "MP", "EM", "TS", "ET", "NE", [16] = "WP", [18] = "AM", [29] = "NW", [30] = "CD", [31] = "PG"
    };
    static const char *const cr4[32] = { "VME", "PVI", "TSD",    "DE",         "PSE",  "PAE",         "MCE",
                                         "PGE", "PCE", "OSFXSR", "OSXMMEXCPT", "UMIP", [20] = "SMEP", [21] = "SMAP" };
    static const char *const efer[32] = { [11] = "NXE" };
    static const char *const names[VX_SEG_COUNT] = { "ES", "CS", "SS", "DS", "FS", "GS" };
    struct vx_vcpu *vcpu = dbg->vcpu;
    for (unsigned i = 0; i < VX_SEG_COUNT; i++)
        show_segment(dbg, names[i], &vcpu->seg[i]);
    show_segment(dbg, "LDTR", &vcpu->ldtr);
    show_segment(dbg, "TR", &vcpu->tr);
    dbg_say(dbg, "GDTR base %08x  limit %04x    IDTR base %08x  limit %04x\n", (unsigned)vcpu->gdtr.base,
            vcpu->gdtr.limit, (unsigned)vcpu->idtr.base, vcpu->idtr.limit);
    show_bits(dbg, "CR0", vcpu->cr0, cr0);
    dbg_say(dbg, "CR2 %08x   CR3 %08x\n", (unsigned)vcpu->cr2, (unsigned)vcpu->cr3);
    show_bits(dbg, "CR4", vcpu->cr4, cr4);
    show_bits(dbg, "EFER", vcpu->efer, efer);
    dbg_say(dbg, "DR0 %08x  DR1 %08x  DR2 %08x  DR3 %08x  DR6 %08x  DR7 %08x\n", (unsigned)vcpu->dr[0],
            (unsigned)vcpu->dr[1], (unsigned)vcpu->dr[2], (unsigned)vcpu->dr[3], (unsigned)vcpu->dr[6],
            (unsigned)vcpu->dr[7]);
    dbg_say(dbg, "SYSENTER cs %04x esp %08x eip %08x   APIC base %08x\n", (unsigned)vcpu->msr.sysenter_cs,
            (unsigned)vcpu->msr.sysenter_esp, (unsigned)vcpu->msr.sysenter_eip, (unsigned)vcpu->msr.apic_base);
}

static bool show_changed(struct debugger *dbg, const char **at)
{
    if (!dbg_no_more(dbg, at))
        return false;
    if (!dbg_show_changes(dbg))
        dbg_say(dbg, "no register has changed since the stop before this one\n");
    return true;
}

static bool show_named(struct debugger *dbg, const char **at)
{
    char name[32];
    uint64_t value;
    while (dbg_next_word(at, name, sizeof name)) {
        const char *word = name + (name[0] == '$');
        if (!dbg_register_get(dbg, word, &value))
            return dbg_fail(dbg, "'%s' is no register; registers shows all, changed, or those that are named", word);
        dbg_say(dbg, "%-10s %0*" PRIx64 "  %" PRIu64 "\n", word, (int)dbg_register_bytes(word) * 2, value, value);
    }
    return true;
}

bool dbg_cmd_registers(struct debugger *dbg, const char **at)
{
    const struct vx_vcpu *vcpu = dbg->vcpu;
    const uint64_t *r = vcpu->gpr;
    char flags[120];
    bool all = dbg_take_word(at, "all");
    if (!all && dbg_take_word(at, "changed"))
        return show_changed(dbg, at);
    if (!all && !dbg_at_end(at))
        return show_named(dbg, at);
    if (!dbg_no_more(dbg, at))
        return false;
    dbg_flags_text(vx_eflags(vcpu), flags, sizeof flags);
    dbg_say(dbg, "eax %08x  ebx %08x  ecx %08x  edx %08x\n", (unsigned)r[VX_RAX], (unsigned)r[VX_RBX],
            (unsigned)r[VX_RCX], (unsigned)r[VX_RDX]);
    dbg_say(dbg, "esi %08x  edi %08x  ebp %08x  esp %08x\n", (unsigned)r[VX_RSI], (unsigned)r[VX_RDI],
            (unsigned)r[VX_RBP], (unsigned)r[VX_RSP]);
    dbg_say(dbg, "eip %08x  eflags %08x: %s\n", (unsigned)vcpu->rip, (unsigned)vx_eflags(vcpu), flags);
    dbg_say(dbg, "cs %04x  ss %04x  ds %04x  es %04x  fs %04x  gs %04x   CPL %u, %s, %u-bit code%s\n",
            vcpu->seg[VX_CS].sel, vcpu->seg[VX_SS].sel, vcpu->seg[VX_DS].sel, vcpu->seg[VX_ES].sel,
            vcpu->seg[VX_FS].sel, vcpu->seg[VX_GS].sel, vcpu->cpl,
            vx_real_mode(vcpu) ? "real mode"
            : vx_vm86(vcpu)    ? "virtual-8086 mode"
                               : "protected mode",
            vx_code32(vcpu) ? 32 : 16, vcpu->cr0 & VX_CR0_PG ? ", paging" : "");
    if (all)
        show_system(dbg);
    return true;
}

/* ---- x87 and SSE, from the FXSAVE image (I3 of vx86/vcpu.h) ------------------------------------------------------ */

static unsigned fx16(const struct vx_vcpu *vcpu, unsigned off)
{
    return vcpu->fx[off] | (unsigned)vcpu->fx[off + 1] << 8;
}

static uint32_t fx32(const struct vx_vcpu *vcpu, unsigned off)
{
    return fx16(vcpu, off) | (uint32_t)fx16(vcpu, off + 2) << 16;
}

bool dbg_cmd_fpu(struct debugger *dbg, const char **at)
{
    const struct vx_vcpu *vcpu = dbg->vcpu;
    unsigned fsw = fx16(vcpu, 2), top = fsw >> 11 & 7;
    if (!dbg_no_more(dbg, at))
        return false;
    dbg_say(dbg, "FCW %04x  FSW %04x (TOP %u)  tags %02x  FOP %03x  FIP %04x:%08x  FDP %04x:%08x\n", fx16(vcpu, 0), fsw,
            top, vcpu->fx[4], fx16(vcpu, 6), fx16(vcpu, 12), fx32(vcpu, 8), fx16(vcpu, 20), fx32(vcpu, 16));
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *st = vcpu->fx + 32 + 16 * i;
        bool empty = !(vcpu->fx[4] >> ((top + i) & 7) & 1);
        dbg_say(dbg, "st%u %04x ", i, st[8] | (unsigned)st[9] << 8);
        for (int byte = 7; byte >= 0; byte--)
            dbg_say(dbg, "%02x", st[byte]);
#ifdef __x86_64__ /* the host's long double is this format */
        long double value;
        memset(&value, 0, sizeof value);
        memcpy(&value, st, 10);
        dbg_say(dbg, "  %.18Lg", value);
#endif
        dbg_say(dbg, "%s\n", empty ? "  (empty)" : "");
    }
    return true;
}

bool dbg_cmd_sse(struct debugger *dbg, const char **at)
{
    const struct vx_vcpu *vcpu = dbg->vcpu;
    if (!dbg_no_more(dbg, at))
        return false;
    dbg_say(dbg, "MXCSR %08x\n", fx32(vcpu, 24));
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *xmm = vcpu->fx + 160 + 16 * i;
        float f[4];
        double d[2];
        memcpy(f, xmm, sizeof f);
        memcpy(d, xmm, sizeof d);
        dbg_say(dbg, "xmm%u ", i);
        for (int byte = 15; byte >= 0; byte--)
            dbg_say(dbg, "%02x", xmm[byte]);
        dbg_say(dbg, "  %g %g %g %g | %g %g\n", (double)f[0], (double)f[1], (double)f[2], (double)f[3], d[0], d[1]);
    }
    return true;
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */

static bool set_counting(struct debugger *dbg, const char **at)
{
    bool on = dbg_take_word(at, "on");
    if ((!on && !dbg_take_word(at, "off")) || !dbg_at_end(at))
        return dbg_fail(dbg, "counting is on or off");
    vx_debug_set_counting(dbg->debug, on);
    return true;
}

static bool set_syntax(struct debugger *dbg, const char **at)
{
    bool att = dbg_take_word(at, "att");
    if (!att && !dbg_take_word(at, "intel"))
        return dbg_fail(dbg, "the syntax is intel or att");
    dbg->syntax = att ? VX_SYNTAX_ATT : VX_SYNTAX_INTEL;
    return dbg_no_more(dbg, at);
}

static bool set_code(struct debugger *dbg, const char **at)
{
    bool automatic = dbg_take_word(at, "auto"), wide = !automatic && dbg_take_word(at, "32");
    if (!automatic && !wide && !dbg_take_word(at, "16"))
        return dbg_fail(dbg, "code is shown as 16, 32, or auto: as the code segment says");
    dbg->code_bits = automatic ? 0 : wide ? 32 : 16;
    return dbg_no_more(dbg, at);
}

static bool set_step_int(struct debugger *dbg, const char **at)
{
    bool over = dbg_take_word(at, "over");
    if ((!over && !dbg_take_word(at, "into")) || !dbg_at_end(at))
        return dbg_fail(dbg, "step goes into or over INT");
    vx_debug_set_step_over_int(dbg->debug, over);
    return true;
}

bool dbg_cmd_set(struct debugger *dbg, const char **at)
{
    if (dbg_take_word(at, "syntax"))
        return set_syntax(dbg, at);
    if (dbg_take_word(at, "counting"))
        return set_counting(dbg, at);
    if (dbg_take_word(at, "code"))
        return set_code(dbg, at);
    if (dbg_take_word(at, "step-int"))
        return set_step_int(dbg, at);
    if (dbg_at_end(at))
        return dbg_fail(dbg,
                        "what to set is missing: a register, memory in brackets, syntax, code, counting or step-int");
    return dbg_assign(dbg, at) && dbg_no_more(dbg, at);
}

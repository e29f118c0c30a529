/* registers.c - the registers by name: one table from which expressions, assignments, completion and `regs` derive. */
#include "dbg.h"

enum where {
    IN_GPR, /* gpr[index] >> shift */
    IN_EIP,
    IN_EFLAGS, /* bits shift .. */
    IN_CR,     /* index 0, 2, 3, 4 */
    IN_DR,
    IN_EFER,
    IN_CPL,
    IN_SEL, /* seg[index] */
    IN_BASE,
    IN_LIMIT,
    IN_ATTR,
    IN_TABLE_BASE, /* index 0 GDTR, 1 IDTR */
    IN_TABLE_LIMIT,
    IN_COUNT,
    IN_TIME,
    IN_EVENT, /* index enum event_field, of what has stopped the guest or is looked at */
};

enum event_field {
    EVENT_CS,
    EVENT_EIP,
    EVENT_VECTOR,
    EVENT_ERROR,
    EVENT_LIN,
    EVENT_ADDRESS,
    EVENT_BYTES,
    EVENT_OLD,
    EVENT_NEW,
    EVENT_DMA
};

enum { SEG_LDTR = VX_SEG_COUNT, SEG_TR };

struct row {
    const char *name;
    enum where where;
    uint8_t index, shift, bits;
};

#define GPR(r32, r16, index)       \
    { r32, IN_GPR, index, 0, 32 }, \
    {                              \
        r16, IN_GPR, index, 0, 16  \
    }
#define GPR8(lo, hi, index)      \
    { lo, IN_GPR, index, 0, 8 }, \
    {                            \
        hi, IN_GPR, index, 8, 8  \
    }
#define FLAG(name, bit)            \
    {                              \
        name, IN_EFLAGS, 0, bit, 1 \
    }
#define SEG(name, index)                                                     \
    { name, IN_SEL, index, 0, 16 }, { name ".base", IN_BASE, index, 0, 32 }, \
        { name ".limit", IN_LIMIT, index, 0, 32 },                           \
    {                                                                        \
        name ".attr", IN_ATTR, index, 0, 16                                  \
    }

static const struct row rows[] = {
    GPR("eax", "ax", VX_RAX),
    GPR("ebx", "bx", VX_RBX),
    GPR("ecx", "cx", VX_RCX),
    GPR("edx", "dx", VX_RDX),
    GPR("esi", "si", VX_RSI),
    GPR("edi", "di", VX_RDI),
    GPR("ebp", "bp", VX_RBP),
    GPR("esp", "sp", VX_RSP),
    GPR8("al", "ah", VX_RAX),
    GPR8("bl", "bh", VX_RBX),
    GPR8("cl", "ch", VX_RCX),
    GPR8("dl", "dh", VX_RDX),
    { "eip", IN_EIP, 0, 0, 32 },
    { "ip", IN_EIP, 0, 0, 16 },
    { "eflags", IN_EFLAGS, 0, 0, 32 },
    { "flags", IN_EFLAGS, 0, 0, 16 },
    FLAG("cf", 0),
    FLAG("pf", 2),
    FLAG("af", 4),
    FLAG("zf", 6),
    FLAG("sf", 7),
    FLAG("tf", 8),
    FLAG("if", 9),
    FLAG("df", 10),
    FLAG("of", 11),
    { "iopl", IN_EFLAGS, 0, 12, 2 },
    FLAG("nt", 14),
    FLAG("rf", 16),
    FLAG("vm", 17),
    FLAG("ac", 18),
    FLAG("vif", 19),
    FLAG("vip", 20),
    FLAG("id", 21),
    SEG("cs", VX_CS),
    SEG("ss", VX_SS),
    SEG("ds", VX_DS),
    SEG("es", VX_ES),
    SEG("fs", VX_FS),
    SEG("gs", VX_GS),
    SEG("ldtr", SEG_LDTR),
    SEG("tr", SEG_TR),
    { "gdtr.base", IN_TABLE_BASE, 0, 0, 32 },
    { "gdtr.limit", IN_TABLE_LIMIT, 0, 0, 16 },
    { "idtr.base", IN_TABLE_BASE, 1, 0, 32 },
    { "idtr.limit", IN_TABLE_LIMIT, 1, 0, 16 },
    { "cr0", IN_CR, 0, 0, 32 },
    { "cr2", IN_CR, 2, 0, 32 },
    { "cr3", IN_CR, 3, 0, 32 },
    { "cr4", IN_CR, 4, 0, 32 },
    { "dr0", IN_DR, 0, 0, 32 },
    { "dr1", IN_DR, 1, 0, 32 },
    { "dr2", IN_DR, 2, 0, 32 },
    { "dr3", IN_DR, 3, 0, 32 },
    { "dr6", IN_DR, 6, 0, 32 },
    { "dr7", IN_DR, 7, 0, 32 },
    { "efer", IN_EFER, 0, 0, 32 },
    { "cpl", IN_CPL, 0, 0, 8 },
    { "count", IN_COUNT, 0, 0, 64 },
    { "time", IN_TIME, 0, 0, 64 },
    { "event.cs", IN_EVENT, EVENT_CS, 0, 16 },
    { "event.eip", IN_EVENT, EVENT_EIP, 0, 32 },
    { "event.vector", IN_EVENT, EVENT_VECTOR, 0, 8 },
    { "event.error", IN_EVENT, EVENT_ERROR, 0, 32 },
    { "event.lin", IN_EVENT, EVENT_LIN, 0, 32 },
    { "event.address", IN_EVENT, EVENT_ADDRESS, 0, 64 },
    { "event.bytes", IN_EVENT, EVENT_BYTES, 0, 32 },
    { "event.old", IN_EVENT, EVENT_OLD, 0, 64 },
    { "event.new", IN_EVENT, EVENT_NEW, 0, 64 },
    { "event.dma", IN_EVENT, EVENT_DMA, 0, 1 },
};

static const struct row *find(const char *name)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

unsigned dbg_register_bytes(const char *name)
{
    const struct row *row = find(name);
    return row != NULL ? (row->bits + 7u) / 8 : 0;
}

const char *dbg_register_name(unsigned n)
{
    return n < VX_ARRAY_LEN(rows) ? rows[n].name : NULL;
}

static struct vx_seg *segment(struct vx_vcpu *vcpu, unsigned index)
{
    return index == SEG_LDTR ? &vcpu->ldtr : index == SEG_TR ? &vcpu->tr : &vcpu->seg[index];
}

static uint64_t event_value(const struct vx_debug_stop *stop, enum event_field field)
{
    const uint64_t values[] = { [EVENT_CS] = stop->cs,        [EVENT_EIP] = stop->eip, [EVENT_VECTOR] = stop->vector,
                                [EVENT_ERROR] = stop->error,  [EVENT_LIN] = stop->lin, [EVENT_ADDRESS] = stop->address,
                                [EVENT_BYTES] = stop->bytes,  [EVENT_OLD] = stop->old, [EVENT_NEW] = stop->new,
                                [EVENT_DMA] = stop->by_device };
    return values[field];
}

static uint64_t whole(const struct debugger *dbg, const struct row *row)
{
    struct vx_vcpu *vcpu = dbg->vcpu;
    const struct vx_table_reg *tables[] = { &vcpu->gdtr, &vcpu->idtr };
    const uint64_t creg[] = { vcpu->cr0, 0, vcpu->cr2, vcpu->cr3, vcpu->cr4 };
    switch (row->where) {
    case IN_GPR: return vcpu->gpr[row->index];
    case IN_EIP: return vcpu->rip;
    case IN_EFLAGS: return vx_eflags(vcpu);
    case IN_CR: return creg[row->index];
    case IN_DR: return vcpu->dr[row->index];
    case IN_EFER: return vcpu->efer;
    case IN_CPL: return vcpu->cpl;
    case IN_SEL: return segment(vcpu, row->index)->sel;
    case IN_BASE: return segment(vcpu, row->index)->base;
    case IN_LIMIT: return segment(vcpu, row->index)->limit;
    case IN_ATTR: return segment(vcpu, row->index)->attr;
    case IN_TABLE_BASE: return tables[row->index]->base;
    case IN_TABLE_LIMIT: return tables[row->index]->limit;
    case IN_COUNT: return vcpu->retired;
    case IN_EVENT: return event_value(&dbg->stop, (enum event_field)row->index);
    case IN_TIME: return vx_clock_now_ns(vx_machine_clock(dbg->machine));
    }
    return 0;
}

static uint64_t mask_of(const struct row *row)
{
    return row->bits == 64 ? UINT64_MAX : (1ull << row->bits) - 1;
}

bool dbg_register_get(const struct debugger *dbg, const char *name, uint64_t *value)
{
    const struct row *row = find(name);
    if (row != NULL)
        *value = whole(dbg, row) >> row->shift & mask_of(row);
    return row != NULL;
}

/* By the CPU's own rules, so that hidden parts, shadows and modes follow; a fault means that it may not be. */
static bool through_cpu(struct debugger *dbg, bool done, const char *name, char *error, size_t room)
{
    if (!done)
        snprintf(error, room, "the CPU refuses this value for %s: it would raise exception %u", name,
                 (unsigned)dbg->vcpu->mmu->fault.vector);
    return done;
}

static bool set_system(struct debugger *dbg, const struct row *row, uint64_t value, char *error, size_t room)
{
    struct vx_vcpu *vcpu = dbg->vcpu;
    uint8_t cpl = vcpu->cpl;
    bool done = false;
    switch (row->where) {
    case IN_CR:
        vcpu->cpl = 0;
        done = vx_cpu_write_cr(vcpu, row->index, value);
        vcpu->cpl = cpl;
        return through_cpu(dbg, done, row->name, error, room);
    case IN_DR: vcpu->dr[row->index] = value; return true;
    case IN_SEL:
        if (row->index < VX_SEG_COUNT && row->index != VX_CS)
            return through_cpu(dbg, vx_cpu_load_seg(vcpu, row->index, (uint16_t)value), row->name, error, room);
        break;
    default: break;
    }
    snprintf(error, room, "%s cannot be set here; general registers, eip, flags, DS ES SS FS GS, CR and DR can",
             row->name);
    return false;
}

bool dbg_register_set(struct debugger *dbg, const char *name, uint64_t value, char *error, size_t room)
{
    struct vx_vcpu *vcpu = dbg->vcpu;
    const struct row *row = find(name);
    if (row == NULL) {
        snprintf(error, room, "there is no register '%s'", name);
        return false;
    }
    uint64_t mask = mask_of(row) << row->shift, merged = (whole(dbg, row) & ~mask) | (value << row->shift & mask);
    if (value > mask_of(row) && row->bits < 64 && ~value > mask_of(row)) {
        snprintf(error, room, "%s has %u bits; 0x%" PRIx64 " does not fit", name, (unsigned)row->bits, value);
        return false;
    }
    switch (row->where) {
    case IN_GPR: vcpu->gpr[row->index] = (uint32_t)merged; return true;
    case IN_EIP: vcpu->rip = (uint32_t)merged; return true;
    case IN_EFLAGS: vx_set_eflags_raw(vcpu, (uint32_t)merged); return true;
    default: return set_system(dbg, row, merged, error, room);
    }
}

void dbg_flags_text(uint32_t eflags, char *text, size_t room)
{
    static const struct {
        char off[4], on[4];
        uint32_t bit;
    } names[] = {
        { "id", "ID", VX_FL_ID }, { "vip", "VIP", VX_FL_VIP }, { "vif", "VIF", VX_FL_VIF }, { "ac", "AC", VX_FL_AC },
        { "vm", "VM", VX_FL_VM }, { "rf", "RF", VX_FL_RF },    { "nt", "NT", VX_FL_NT },    { "of", "OF", VX_FL_OF },
        { "df", "DF", VX_FL_DF }, { "if", "IF", VX_FL_IF },    { "tf", "TF", VX_FL_TF },    { "sf", "SF", VX_FL_SF },
        { "zf", "ZF", VX_FL_ZF }, { "af", "AF", VX_FL_AF },    { "pf", "PF", VX_FL_PF },    { "cf", "CF", VX_FL_CF },
    };
    size_t at = 0;
    for (size_t i = 0; i < VX_ARRAY_LEN(names) && at < room; i++) {
        if (names[i].bit == VX_FL_OF)
            at += (size_t)snprintf(text + at, room - at, "iopl=%u ", (eflags & VX_FL_IOPL) >> VX_FL_IOPL_SHIFT);
        if (at < room)
            at += (size_t)snprintf(text + at, room - at, "%s%s", eflags & names[i].bit ? names[i].on : names[i].off,
                                   i + 1 < VX_ARRAY_LEN(names) ? " " : "");
    }
}

/* gdb_registers.c - the vCPU's registers as the client numbers them (gdb_registers.def), and the target description
 * that says so.
 *
 *   I1  $eip is linear, CS.base + EIP, so that the client reads code where it is; `offset` is EIP itself. The other
 *       registers are what the manual says.
 *   I2  A value that the CPU would refuse is refused; segment and control registers are loaded by the CPU's own rules.
 *       */
#include <stdio.h>
#include <string.h>

#include "gdb_private.h"
#include "vx86/cpu.h"

enum where {
    IN_GPR,
    IN_PC,
    IN_EFLAGS,
    IN_SELECTOR,
    IN_ST,
    IN_FX16, /* index: offset in vcpu->fx */
    IN_FX32,
    IN_MXCSR,
    IN_TAGS,
    IN_XMM,
    IN_OFFSET,
    IN_CPL,
    IN_BASE,
    IN_TABLE, /* 0 GDTR, 1 IDTR */
    IN_LDTR,
    IN_TR,
    IN_CR,
    IN_EFER,
};

static const struct row {
    const char *feature; /* not NULL: begins a feature, no register */
    const char *name, *type;
    uint8_t bits;
    uint8_t where, index;
} rows[] = {
#define GDB_FEATURE(name) { .feature = name },
#define GDB_REGISTER(register_name, size, register_type, place, number) \
    { .name = register_name, .type = register_type, .bits = size, .where = IN_##place, .index = number },
#include "gdb_registers.def"
#undef GDB_FEATURE
#undef GDB_REGISTER
};

/* The FXSAVE area (SDM 1 "FXSAVE Area"). */
enum { FX_FSW = 2, FX_TAGS = 4, FX_ST = 32, FX_XMM = 160, FX_SLOT = 16 };
enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };
enum { VALUE_MAX = 16 };

/* ---- x87 tags ---------------------------------------------------------------------------------------------------- */

static const uint8_t *st_of(const struct vx_vcpu *vcpu, unsigned physical)
{
    unsigned top = vcpu->fx[FX_FSW + 1] >> 3 & 7;
    return vcpu->fx + FX_ST + (size_t)((physical - top) & 7) * FX_SLOT;
}

static unsigned tag_by_value(const uint8_t *st)
{
    uint64_t mantissa;
    memcpy(&mantissa, st, sizeof mantissa);
    unsigned exponent = (st[8] | (unsigned)st[9] << 8) & 0x7FFF;
    if (exponent == 0 && mantissa == 0)
        return TAG_ZERO;
    return exponent == 0 || exponent == 0x7FFF || !(mantissa >> 63) ? TAG_SPECIAL : TAG_VALID;
}

/* The full tag word from the abridged one, SDM 1 "x87 FPU Tag Word". */
static uint16_t full_tags(const struct vx_vcpu *vcpu)
{
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; i++)
        tags |= (vcpu->fx[FX_TAGS] >> i & 1 ? tag_by_value(st_of(vcpu, i)) : TAG_EMPTY) << 2 * i;
    return (uint16_t)tags;
}

static uint8_t abridged_tags(uint16_t full)
{
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; i++)
        tags |= (unsigned)((full >> 2 * i & 3) != TAG_EMPTY) << i;
    return (uint8_t)tags;
}

/* ---- get --------------------------------------------------------------------------------------------------------- */

static uint32_t number_of(const struct vx_vcpu *vcpu, const struct row *row)
{
    const uint64_t cr[] = { vcpu->cr0, 0, vcpu->cr2, vcpu->cr3, vcpu->cr4 };
    uint32_t value = 0;
    switch ((enum where)row->where) {
    case IN_GPR: return (uint32_t)vcpu->gpr[row->index];
    case IN_PC: return (uint32_t)vx_cs_lin(vcpu);
    case IN_EFLAGS: return vx_eflags(vcpu);
    case IN_SELECTOR: return vcpu->seg[row->index].sel;
    case IN_FX16: return vcpu->fx[row->index] | (uint32_t)vcpu->fx[row->index + 1] << 8;
    case IN_FX32:
    case IN_MXCSR: memcpy(&value, vcpu->fx + row->index, sizeof value); return value;
    case IN_TAGS: return full_tags(vcpu);
    case IN_OFFSET: return (uint32_t)vcpu->rip;
    case IN_CPL: return vcpu->cpl;
    case IN_BASE: return (uint32_t)vcpu->seg[row->index].base;
    case IN_TABLE: return (uint32_t)(row->index == 0 ? vcpu->gdtr.base : vcpu->idtr.base);
    case IN_LDTR: return vcpu->ldtr.sel;
    case IN_TR: return vcpu->tr.sel;
    case IN_CR: return (uint32_t)cr[row->index];
    case IN_EFER: return (uint32_t)vcpu->efer;
    case IN_ST:
    case IN_XMM: break;
    }
    VX_ASSERT(!"a register without a value");
    return 0;
}

/* ST(i) and XMMi: where they are; NULL for the others. */
static uint8_t *wide(struct vx_vcpu *vcpu, const struct row *row)
{
    if (row->where != IN_ST && row->where != IN_XMM)
        return NULL;
    return vcpu->fx + (row->where == IN_ST ? FX_ST : FX_XMM) + (size_t)row->index * FX_SLOT;
}

static size_t get(struct gdb *gdb, const struct row *row, uint8_t value[VALUE_MAX])
{
    const uint8_t *from = wide(gdb->vcpu, row);
    uint32_t number;
    if (from == NULL) {
        number = number_of(gdb->vcpu, row);
        from = (const uint8_t *)&number;
    }
    memcpy(value, from, row->bits / 8u);
    return row->bits / 8u;
}

/* ---- set --------------------------------------------------------------------------------------------------------- */

/* VM stays: it would need other segments. */
static bool set_eflags(struct vx_vcpu *vcpu, uint32_t value)
{
    if ((value ^ vcpu->eflags) & VX_FL_VM)
        return false;
    vx_set_eflags_raw(vcpu, value);
    vx_vcpu_raise(vcpu, VX_ATTN_INTR); /* IF may be set now */
    return true;
}

static bool set_fx(struct vx_vcpu *vcpu, const struct row *row, uint32_t value)
{
    enum { MXCSR_BITS = 0xFFFF };
    if (row->where == IN_MXCSR && value > MXCSR_BITS)
        return false;
    if (row->where == IN_TAGS)
        vcpu->fx[FX_TAGS] = abridged_tags((uint16_t)value);
    else
        memcpy(vcpu->fx + row->index, &value, row->where == IN_FX16 ? 2 : 4);
    return true;
}

static bool set_cr(struct vx_vcpu *vcpu, unsigned n, uint32_t value)
{
    uint8_t cpl = vcpu->cpl;
    vcpu->cpl = 0;
    bool done = vx_cpu_write_cr(vcpu, n, value);
    vcpu->cpl = cpl;
    return done;
}

static bool set_number(struct vx_vcpu *vcpu, const struct row *row, uint32_t value)
{
    switch ((enum where)row->where) {
    case IN_GPR: vcpu->gpr[row->index] = value; return true;
    case IN_PC: vcpu->rip = (uint32_t)(value - vcpu->seg[VX_CS].base); return true;
    case IN_OFFSET: vcpu->rip = value; return true;
    case IN_EFLAGS: return set_eflags(vcpu, value);
    case IN_SELECTOR:
        return row->index != VX_CS && value <= UINT16_MAX && vx_cpu_load_seg(vcpu, row->index, (uint16_t)value);
    case IN_FX16:
    case IN_FX32:
    case IN_MXCSR:
    case IN_TAGS: return set_fx(vcpu, row, value);
    case IN_CR: return set_cr(vcpu, row->index, value);
    default: return false;
    }
}

/* What is the same already is always accepted: clients write all registers to change one. */
static bool set(struct gdb *gdb, const struct row *row, const uint8_t *value)
{
    uint8_t old[VALUE_MAX], *to = wide(gdb->vcpu, row);
    uint32_t number;
    size_t bytes = get(gdb, row, old);
    if (memcmp(old, value, bytes) == 0)
        return true;
    if (to != NULL) {
        memcpy(to, value, bytes);
        return true;
    }
    memcpy(&number, value, sizeof number);
    return set_number(gdb->vcpu, row, number);
}

/* ---- packets ----------------------------------------------------------------------------------------------------- */

static const struct row *find(uint64_t number)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        if (rows[i].feature == NULL && number-- == 0)
            return &rows[i];
    return NULL;
}

void gdb_registers_read(struct gdb *gdb, const char *at)
{
    uint8_t value[VALUE_MAX];
    (void)at;
    gdb_reply_begin(&gdb->reply);
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        if (rows[i].feature == NULL)
            gdb_reply_hex(&gdb->reply, value, get(gdb, &rows[i], value));
    gdb_send(gdb);
}

/* All must be there before the first is set; those that cannot be set leave the others. */
void gdb_registers_write(struct gdb *gdb, const char *at)
{
    uint8_t value[VX_ARRAY_LEN(rows)][VALUE_MAX];
    bool fine = true;
    for (size_t i = 0; i < VX_ARRAY_LEN(rows) && fine; i++)
        fine = rows[i].feature != NULL || gdb_take_bytes(&at, value[i], rows[i].bits / 8u);
    if (!fine || *at != '\0') {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++)
        fine = (rows[i].feature != NULL || set(gdb, &rows[i], value[i])) && fine;
    if (fine)
        gdb_ok(gdb);
    else
        gdb_error(gdb, GDB_E_REFUSED);
}

void gdb_register_read(struct gdb *gdb, const char *at)
{
    uint8_t value[VALUE_MAX];
    uint64_t number;
    const struct row *row;
    if (!gdb_take_hex(&at, &number) || *at != '\0' || (row = find(number)) == NULL) {
        gdb_error(gdb, GDB_E_SYNTAX);
        return;
    }
    gdb_reply_begin(&gdb->reply);
    gdb_reply_hex(&gdb->reply, value, get(gdb, row, value));
    gdb_send(gdb);
}

void gdb_register_write(struct gdb *gdb, const char *at)
{
    uint8_t value[VALUE_MAX];
    uint64_t number;
    const struct row *row;
    if (!gdb_take_hex(&at, &number) || !gdb_take_char(&at, '=') || (row = find(number)) == NULL ||
        !gdb_take_bytes(&at, value, row->bits / 8u) || *at != '\0')
        gdb_error(gdb, GDB_E_SYNTAX);
    else if (set(gdb, row, value))
        gdb_ok(gdb);
    else
        gdb_error(gdb, GDB_E_REFUSED);
}

/* ---- description ------------------------------------------------------------------------------------------------- */

#define FLAG_FIELD(name, bit) "<field name=\"" name "\" start=\"" #bit "\" end=\"" #bit "\"/>"

static const char core_types[] =
    "<flags id=\"eflags\" size=\"4\">" FLAG_FIELD("CF", 0) FLAG_FIELD("", 1) FLAG_FIELD("PF", 2) FLAG_FIELD("AF", 4)
        FLAG_FIELD("ZF", 6) FLAG_FIELD("SF", 7) FLAG_FIELD("TF", 8) FLAG_FIELD("IF", 9) FLAG_FIELD("DF", 10)
            FLAG_FIELD("OF", 11) FLAG_FIELD("NT", 14) FLAG_FIELD("RF", 16) FLAG_FIELD("VM", 17) FLAG_FIELD("AC", 18)
                FLAG_FIELD("VIF", 19) FLAG_FIELD("VIP", 20) FLAG_FIELD("ID", 21) "</flags>\n";

static const char sse_types[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/><vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>\n"
    "<flags id=\"i386_mxcsr\" size=\"4\">" FLAG_FIELD("IE", 0) FLAG_FIELD("DE", 1) FLAG_FIELD("ZE", 2)
        FLAG_FIELD("OE", 3) FLAG_FIELD("UE", 4) FLAG_FIELD("PE", 5) FLAG_FIELD("DAZ", 6) FLAG_FIELD("IM", 7)
            FLAG_FIELD("DM", 8) FLAG_FIELD("ZM", 9) FLAG_FIELD("OM", 10) FLAG_FIELD("UM", 11) FLAG_FIELD("PM", 12)
                FLAG_FIELD("FZ", 15) "</flags>\n";

static const char *types_of(const char *feature)
{
    return strstr(feature, ".core") != NULL ? core_types : strstr(feature, ".sse") != NULL ? sse_types : "";
}

char *gdb_description(const struct gdb *gdb, size_t *bytes)
{
    char *text = NULL;
    bool open = false;
    FILE *out = open_memstream(&text, bytes);
    if (out == NULL)
        return NULL;
    fprintf(out,
            "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n"
            "<architecture>%s</architecture>\n",
            vx_code32(gdb->vcpu) ? "i386" : "i8086");
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        if (row->feature != NULL)
            fprintf(out, "%s<feature name=\"%s\">\n%s", open ? "</feature>\n" : "", row->feature,
                    types_of(row->feature));
        else
            fprintf(out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"/>\n", row->name, row->bits, row->type);
        open = true;
    }
    fprintf(out, "</feature>\n</target>\n");
    fclose(out);
    return text;
}

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
#include "vx86/vcpu_state.h"

/* Registers that are no row of vcpu_state.def. */
#define GDB_LINEAR_EIP "(linear eip)"
#define GDB_EFLAGS     "(eflags)"
#define GDB_TAGS       "(x87 tag word)"

static const struct row {
    const char *feature; /* not NULL: begins a feature, no register */
    const char *name, *type;
    uint8_t bits;
    const char *state; /* row of vcpu_state.def, or one of the above */
} rows[] = {
#define GDB_FEATURE(name) { .feature = name },
#define GDB_REGISTER(register_name, size, register_type, its_state) \
    { .name = register_name, .type = register_type, .bits = size, .state = its_state },
#include "gdb_registers.def"
#undef GDB_FEATURE
#undef GDB_REGISTER
};

enum { VALUE_MAX = 16 };

static bool is(const struct row *row, const char *state)
{
    return strcmp(row->state, state) == 0;
}

/* ---- get --------------------------------------------------------------------------------------------------------- */

/* A register of up to 64 bits. */
static uint64_t number_of(const struct vx_vcpu *vcpu, const struct row *row)
{
    if (is(row, GDB_LINEAR_EIP))
        return vx_cs_lin(vcpu);
    if (is(row, GDB_EFLAGS))
        return vx_eflags(vcpu);
    if (is(row, GDB_TAGS))
        return vx_x87_tags(vcpu);
    const struct vx_state_row *state = vx_state_find(row->state);
    VX_ASSERT(state != NULL);
    return vx_state_get(vcpu, state);
}

/* ST(i) and XMMi: where they are; NULL for the others. */
static uint8_t *wide(struct vx_vcpu *vcpu, const struct row *row)
{
    return row->bits > 64 ? vx_state_at(vcpu, vx_state_find(row->state)) : NULL;
}

static size_t get(struct gdb *gdb, const struct row *row, uint8_t value[VALUE_MAX])
{
    const uint8_t *from = wide(gdb->vcpu, row);
    uint64_t number;
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

static bool set_number(struct vx_vcpu *vcpu, const struct row *row, uint32_t value)
{
    if (is(row, GDB_EFLAGS))
        return set_eflags(vcpu, value);
    if (is(row, GDB_TAGS))
        vx_x87_set_tags(vcpu, (uint16_t)value);
    else if (is(row, GDB_LINEAR_EIP))
        vcpu->rip = vx_off_wrap(value - vcpu->seg[VX_CS].base);
    else
        return vx_state_set(vcpu, vx_state_find(row->state), value);
    return true;
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

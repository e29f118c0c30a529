/* registers.c - the registers by name, for expressions, assignments, completion and `regs`: the rows of vcpu_state.def
 * that are registers, and what is not a row by itself: parts of them, flags, counts, the event that stopped the guest.
 */
#include "dbg.h"
#include "vx86/vcpu_state.h"

enum where {
    IN_ROW,    /* of vcpu_state.def, a part of it */
    IN_EFLAGS, /* whole */
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

/* A register that is no row by itself. */
struct view {
    const char *name;
    enum where where;
    const char *row; /* IN_ROW */
    uint8_t index, shift, bits;
};

#define PART(name, row, shift, bits)      \
    {                                     \
        name, IN_ROW, row, 0, shift, bits \
    }
#define FLAG(name, bit)                  \
    {                                    \
        name, IN_EFLAGS, NULL, 0, bit, 1 \
    }
#define EVENT(name, field, bits)             \
    {                                        \
        name, IN_EVENT, NULL, field, 0, bits \
    }

static const struct view views[] = {
    PART("ax", "eax", 0, 16),
    PART("bx", "ebx", 0, 16),
    PART("cx", "ecx", 0, 16),
    PART("dx", "edx", 0, 16),
    PART("si", "esi", 0, 16),
    PART("di", "edi", 0, 16),
    PART("bp", "ebp", 0, 16),
    PART("sp", "esp", 0, 16),
    PART("al", "eax", 0, 8),
    PART("ah", "eax", 8, 8),
    PART("bl", "ebx", 0, 8),
    PART("bh", "ebx", 8, 8),
    PART("cl", "ecx", 0, 8),
    PART("ch", "ecx", 8, 8),
    PART("dl", "edx", 0, 8),
    PART("dh", "edx", 8, 8),
    PART("ip", "eip", 0, 16),
    { "eflags", IN_EFLAGS, NULL, 0, 0, 32 },
    { "flags", IN_EFLAGS, NULL, 0, 0, 16 },
    FLAG("cf", 0),
    FLAG("pf", 2),
    FLAG("af", 4),
    FLAG("zf", 6),
    FLAG("sf", 7),
    FLAG("tf", 8),
    FLAG("if", 9),
    FLAG("df", 10),
    FLAG("of", 11),
    { "iopl", IN_EFLAGS, NULL, 0, 12, 2 },
    FLAG("nt", 14),
    FLAG("rf", 16),
    FLAG("vm", 17),
    FLAG("ac", 18),
    FLAG("vif", 19),
    FLAG("vip", 20),
    FLAG("id", 21),
    { "count", IN_COUNT, NULL, 0, 0, 64 },
    { "time", IN_TIME, NULL, 0, 0, 64 },
    EVENT("event.cs", EVENT_CS, 16),
    EVENT("event.eip", EVENT_EIP, 32),
    EVENT("event.vector", EVENT_VECTOR, 8),
    EVENT("event.error", EVENT_ERROR, 32),
    EVENT("event.lin", EVENT_LIN, 32),
    EVENT("event.address", EVENT_ADDRESS, 64),
    EVENT("event.bytes", EVENT_BYTES, 32),
    EVENT("event.old", EVENT_OLD, 64),
    EVENT("event.new", EVENT_NEW, 64),
    EVENT("event.dma", EVENT_DMA, 1),
};

/* A view or, with where IN_ROW, a whole row. */
static bool find(const char *name, struct view *view)
{
    for (size_t i = 0; i < VX_ARRAY_LEN(views); i++) {
        if (strcmp(views[i].name, name) == 0) {
            *view = views[i];
            return true;
        }
    }
    const struct vx_state_row *row = vx_state_find(name);
    if (row == NULL || row->bits == 0)
        return false;
    *view = (struct view){ row->name, IN_ROW, row->name, 0, 0, row->bits };
    return true;
}

unsigned dbg_register_bytes(const char *name)
{
    struct view view;
    return find(name, &view) ? (view.bits + 7u) / 8 : 0;
}

const char *dbg_register_name(unsigned n)
{
    const struct vx_state_row *row;
    for (unsigned i = 0; (row = vx_state_row(i)) != NULL; i++)
        if (row->bits != 0 && n-- == 0)
            return row->name;
    return n < VX_ARRAY_LEN(views) ? views[n].name : NULL;
}

static uint64_t event_value(const struct vx_debug_stop *stop, enum event_field field)
{
    const uint64_t values[] = { [EVENT_CS] = stop->cs,        [EVENT_EIP] = stop->eip, [EVENT_VECTOR] = stop->vector,
                                [EVENT_ERROR] = stop->error,  [EVENT_LIN] = stop->lin, [EVENT_ADDRESS] = stop->address,
                                [EVENT_BYTES] = stop->bytes,  [EVENT_OLD] = stop->old, [EVENT_NEW] = stop->new,
                                [EVENT_DMA] = stop->by_device };
    return values[field];
}

static uint64_t whole(const struct debugger *dbg, const struct view *view)
{
    switch (view->where) {
    case IN_ROW: return vx_state_get(dbg->vcpu, vx_state_find(view->row));
    case IN_EFLAGS: return vx_eflags(dbg->vcpu);
    case IN_COUNT: return dbg->vcpu->retired;
    case IN_EVENT: return event_value(&dbg->stop, (enum event_field)view->index);
    case IN_TIME: return vx_clock_now_ns(vx_machine_clock(dbg->machine));
    }
    return 0;
}

static uint64_t mask_of(const struct view *view)
{
    return view->bits == 64 ? UINT64_MAX : (1ull << view->bits) - 1;
}

bool dbg_register_get(const struct debugger *dbg, const char *name, uint64_t *value)
{
    struct view view;
    if (!find(name, &view))
        return false;
    *value = whole(dbg, &view) >> view.shift & mask_of(&view);
    return true;
}

static bool set_row(struct debugger *dbg, const struct view *view, uint64_t value, char *error, size_t room)
{
    const struct vx_state_row *row = view->where == IN_ROW ? vx_state_find(view->row) : NULL;
    if (row == NULL || !(row->uses & VX_STATE_SETTABLE)) {
        snprintf(error, room, "%s cannot be set here; general registers, eip, flags, DS ES SS FS GS, CR and DR can",
                 view->name);
        return false;
    }
    if (vx_state_set(dbg->vcpu, row, value))
        return true;
    snprintf(error, room, "the CPU refuses this value for %s: it would raise exception %u", view->name,
             (unsigned)dbg->vcpu->mmu->fault.vector);
    return false;
}

bool dbg_register_set(struct debugger *dbg, const char *name, uint64_t value, char *error, size_t room)
{
    struct view view;
    if (!find(name, &view)) {
        snprintf(error, room, "there is no register '%s'", name);
        return false;
    }
    uint64_t mask = mask_of(&view) << view.shift;
    uint64_t merged = (whole(dbg, &view) & ~mask) | (value << view.shift & mask);
    if (value > mask_of(&view) && view.bits < 64 && ~value > mask_of(&view)) {
        snprintf(error, room, "%s has %u bits; 0x%" PRIx64 " does not fit", name, (unsigned)view.bits, value);
        return false;
    }
    if (view.where == IN_EFLAGS) {
        vx_set_eflags_raw(dbg->vcpu, (uint32_t)merged);
        return true;
    }
    return set_row(dbg, &view, merged, error, room);
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

/* device_state.h - all that a chip knows, as a table with one row for each member of its struct.
 *
 *     static const struct state_field fields[] = {
 *         REGISTER(struct uart16550, ier),              state, and a debugger shows it
 *         FIELD_MAX(struct uart16550, fifo_head, 15),   state; a greater value is refused when it is loaded
 *         FIELD_STRUCT(struct uart16550, fifo, &rx),    an array of structs that have a table of their own
 *         FIELD_TIMER(struct uart16550, timeout_timer, clock),
 *         WIRES(struct uart16550, bus, clock, irq, chr, region),
 *     };
 *     static const struct state_table state = STATE_TABLE(struct uart16550, fields, check);
 *
 * State is what a guest can tell and no other member says. It is not: what the chip is connected to and how it was
 * configured (WIRES), and what restored() of struct device_type makes again from the rest (DERIVED). Those have rows
 * too, so that a lint (tests/lint/rows.sh) can tell that no member was forgotten.
 *
 * A line's level is kept and saved by who listens to it (struct irq_or, the interrupt controllers, the vCPU); a chip
 * saves a level only where it remembers what it drove. So nothing is driven again when a machine is loaded.
 * Times are absolute times of the machine's clock, which is set before its chips are loaded (vx_clock_set_state()).
 *
 * Saved, a chip is one section. All numbers are little-endian and as wide as in the struct, bool is a byte, size_t 8:
 *
 *     u64 bytes of the section, these included | u16 version | name | table | values
 *     name   u8 length, then its bytes
 *     table  u16 rows, then for each: u8 kind, u8 bytes of an element, u32 elements, name, and for structs their table
 *     values in order of the rows; of a blob u64 bytes before them
 *
 * Input is hostile: a table other than this program's, a value out of its range, or one that check() does not like is
 * refused by name, and the chip stays as it was. While a chip is saved or loaded the machine stands still and no
 * request is with a host's disk (ide_is_busy()), but for what a counted clock holds back: that is saved as a request
 * and made again. */
#ifndef VX86_DEVICES_CORE_DEVICE_STATE_H
#define VX86_DEVICES_CORE_DEVICE_STATE_H

#include "vx86/clock.h"
#include "vx86/field.h"

enum state_kind {
    STATE_UINT,   /* elements of `bytes` bytes: integers, bools; kinds in files: the order stays */
    STATE_INT,    /* two's complement */
    STATE_BOOL,   /* 0 or 1 */
    STATE_STRUCT, /* structs of table->bytes */
    STATE_TIMER,  /* a struct vx_timer: its deadline, VX_NEVER when it is not armed */
    STATE_BLOB,   /* a pointer to `count` bytes, or NULL */
    STATE_NONE,   /* not state */
};

struct state_table;

/* A row. Made by the macros below. */
struct state_field {
    const char *name;
    uint8_t kind;                    /* enum state_kind */
    uint8_t bytes;                   /* of an element */
    bool shown;                      /* by a debugger */
    bool same;                       /* not to be loaded: it must be what it is */
    bool derived;                    /* STATE_NONE: restored() makes it again */
    bool ranged;                     /* min and max hold */
    uint32_t off, size;              /* of the member in its struct */
    uint32_t blob_bytes;             /* STATE_BLOB */
    uint32_t clock_off;              /* STATE_TIMER: the struct vx_clock * in the same struct */
    uint64_t min, max;               /* STATE_INT: as int64_t */
    const struct state_table *table; /* STATE_STRUCT */
};

struct state_table {
    uint32_t bytes; /* of the struct */
    unsigned count;
    const struct state_field *fields;
    /* NULL, or what rows cannot say: looks at a copy of the struct with what is to be loaded in it (pointers to be
     * followed are the chip's own, blobs are not loaded yet). Returns NULL, or the name of a member that is wrong. */
    const char *(*check)(const void *loaded);
};

/* clang-format off */
/* Members: integers and bools, also arrays of them (of one dimension). */
#define FIELD(type, member)                    { STATE_VALUE(type, member) }
#define FIELD_MAX(type, member, most)          { STATE_VALUE(type, member), STATE_RANGE(0, most) }
#define FIELD_IN(type, member, least, most)    { STATE_VALUE(type, member), STATE_RANGE(least, most) }
/* ... part of the configuration that other rows depend on: what is loaded must be the same. */
#define FIELD_SAME(type, member)               { STATE_VALUE(type, member), .same = true }
/* ... which a debugger shows. */
#define REGISTER(type, member)                 { STATE_VALUE(type, member), .shown = true }
#define REGISTER_MAX(type, member, most)       { STATE_VALUE(type, member), .shown = true, STATE_RANGE(0, most) }
#define REGISTER_IN(type, member, least, most) { STATE_VALUE(type, member), .shown = true, STATE_RANGE(least, most) }
#define REGISTER_SAME(type, member)            { STATE_VALUE(type, member), .shown = true, .same = true }
/* An array of bytes of any shape. */
#define FIELD_BYTES(type, member)              { STATE_AT(type, member), .kind = STATE_UINT, .bytes = 1 }
/* A struct, or an array of structs, with a table of its own. */
#define FIELD_STRUCT(type, member, its_table)  { STATE_AT(type, member), .kind = STATE_STRUCT, .table = (its_table) }
/* A struct vx_timer of the clock that the member `its_clock` points to. */
#define FIELD_TIMER(type, member, its_clock) \
    { STATE_AT(type, member), .kind = STATE_TIMER, .bytes = 8, .clock_off = offsetof(type, its_clock) }
/* A pointer to so many bytes, or NULL. */
#define FIELD_BLOB(type, member, size_bytes) \
    { STATE_AT(type, member), .kind = STATE_BLOB, .bytes = 1, .blob_bytes = (size_bytes) }
/* Not state; up to 12 members a row. Wires stay what they are for the chip's life. */
#define WIRES(type, ...)                       STATE_EACH(STATE_WIRE, type, __VA_ARGS__)
#define DERIVED(type, ...)                     STATE_EACH(STATE_DERIVED, type, __VA_ARGS__)
/* Derived, and a debugger shows it. */
#define SHOWN(type, member) \
    { STATE_AT(type, member), .kind = STATE_NONE, .bytes = STATE_ELEMENT(type, member) & 15, .shown = true, .derived = true }

/* The table of a chip, or of a part that chips have inside. */
#define STATE_TABLE(type, rows, its_check) \
    { .bytes = sizeof(type), .count = VX_ARRAY_LEN(rows), .fields = (rows), .check = (its_check) }
/* clang-format on */

/* Bounds for times and counts in tables: far from where arithmetic on them overflows, longer than a machine runs. */
#define STATE_NS_MAX    (INT64_C(1) << 61) /* 73 years */
#define STATE_TICKS_MAX (INT64_C(1) << 48) /* of at most 14.3 MHz: 229 days at least */

/* ---- how the macros are made ------------------------------------------------------------------------------------- */

/* clang-format off */
#define STATE_AT(type, member)   .name = #member, .off = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define STATE_RANGE(least, most) .ranged = true, .min = (uint64_t)(least), .max = (uint64_t)(most)
#define STATE_VALUE(type, member) \
    STATE_AT(type, member), .kind = STATE_ELEMENT(type, member) >> 4, .bytes = STATE_ELEMENT(type, member) & 15
/* Kind and bytes of an element. A pointer, a struct, and an array of more dimensions match nothing. */
#define STATE_ELEMENT(type, member)                                                               \
    _Generic(&((type *)0)->member,                                                                \
        STATE_IF(bool, STATE_BOOL), STATE_IF(unsigned char, STATE_UINT),                          \
        STATE_IF(unsigned short, STATE_UINT), STATE_IF(unsigned, STATE_UINT),                     \
        STATE_IF(unsigned long, STATE_UINT), STATE_IF(unsigned long long, STATE_UINT),            \
        STATE_IF(signed char, STATE_INT), STATE_IF(short, STATE_INT), STATE_IF(int, STATE_INT),   \
        STATE_IF(long, STATE_INT), STATE_IF(long long, STATE_INT))
#define STATE_IF(type, kind) type *: (kind) << 4 | sizeof(type), type (*)[]: (kind) << 4 | sizeof(type)

#define STATE_WIRE(type, member)    { STATE_AT(type, member), .kind = STATE_NONE }
#define STATE_DERIVED(type, member) { STATE_AT(type, member), .kind = STATE_NONE, .derived = true }
#define STATE_EACH(row, type, ...)                                                                                  \
    STATE_PICK(__VA_ARGS__, STATE_12, STATE_11, STATE_10, STATE_9, STATE_8, STATE_7, STATE_6, STATE_5, STATE_4, \
               STATE_3, STATE_2, STATE_1, 0)(row, type, __VA_ARGS__)
#define STATE_PICK(a, b, c, d, e, f, g, h, i, j, k, l, picked, ...) picked
#define STATE_1(row, type, a)       row(type, a)
#define STATE_2(row, type, a, ...)  row(type, a), STATE_1(row, type, __VA_ARGS__)
#define STATE_3(row, type, a, ...)  row(type, a), STATE_2(row, type, __VA_ARGS__)
#define STATE_4(row, type, a, ...)  row(type, a), STATE_3(row, type, __VA_ARGS__)
#define STATE_5(row, type, a, ...)  row(type, a), STATE_4(row, type, __VA_ARGS__)
#define STATE_6(row, type, a, ...)  row(type, a), STATE_5(row, type, __VA_ARGS__)
#define STATE_7(row, type, a, ...)  row(type, a), STATE_6(row, type, __VA_ARGS__)
#define STATE_8(row, type, a, ...)  row(type, a), STATE_7(row, type, __VA_ARGS__)
#define STATE_9(row, type, a, ...)  row(type, a), STATE_8(row, type, __VA_ARGS__)
#define STATE_10(row, type, a, ...) row(type, a), STATE_9(row, type, __VA_ARGS__)
#define STATE_11(row, type, a, ...) row(type, a), STATE_10(row, type, __VA_ARGS__)
#define STATE_12(row, type, a, ...) row(type, a), STATE_11(row, type, __VA_ARGS__)
/* clang-format on */

/* ---- saving and loading ------------------------------------------------------------------------------------------ */

struct device_type;

/* Where sections are gathered. Begins as {0}; free(bytes) ends it. */
struct state_buffer {
    uint8_t *bytes;
    size_t count, capacity;
    bool failed; /* out of memory: what is in it is not whole */
};

/* What was wrong with a section, for a log: "pit8254: counter[2].mode: 9 is out of range". */
struct state_error {
    char text[160];
};

/* Appends the chip's section. VX_ERR_NO_MEMORY: the buffer is as it was. */
VX_MUST_USE vx_err state_save(const struct device_type *type, const void *instance, struct state_buffer *out);

/* Loads one section of `count` bytes. VX_ERR_BAD_FORMAT, with *error filled in, or VX_ERR_NO_MEMORY: the chip is as it
 * was. `dry`: only says whether it could. When all chips of a machine are loaded, each one's type->restored() follows,
 * in order of creation. */
VX_MUST_USE vx_err state_load(const struct device_type *type, void *instance, const uint8_t *bytes, size_t count,
                              bool dry, struct state_error *error);

/* Bytes of the section that begins at `bytes`, 0 when there is no room for it in `count`. */
size_t state_section_bytes(const uint8_t *bytes, size_t count);

/* The first member in which two sections of one chip differ, "counter[2].mode"; false: they are equal. Both have been
 * made by state_save() of this program. */
bool state_differs(const struct device_type *type, const uint8_t *a, const uint8_t *b, struct state_error *where);

/* Each element of each row that a debugger shows, as vx_machine_describe() has it. No side effects. */
void state_describe(const struct device_type *type, const void *instance, vx_field_fn *fn, void *opaque);
bool state_is_shown(const struct device_type *type);

#endif

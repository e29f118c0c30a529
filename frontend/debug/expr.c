/* expr.c - the expression language: C's operators over 64-bit unsigned numbers, registers, memory and symbols.
 *
 *     or    :=  and { "||" and }            and so on with C's precedence: && | ^ & == != < <= > >= << >> + - * / %
 *     unary :=  ("-" | "~" | "!") unary | primary
 *     primary := number | "(" or ")" | register | symbol | memory | segment ":" or
 *     memory  := [ "byte" | "word" | "dword" | "qword" ] [ "phys" ] "[" address "]"
 *     address := or [ ":" or ]              a segment register, or a selector, and an offset
 *
 * A register may have GDB's $. Numbers: 0x7c00, 7c00h, 31744, 'A'. Memory without a size is a dword. The right sides of
 * && and || are evaluated only where they count (`skip`), so that they may read what is not always there. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "dbg.h"

enum { NESTING_MAX = 64 };

struct expr {
    struct debugger *dbg;
    const char *at;
    char *error;
    size_t room;
    unsigned skip, nesting;
};

/* Where memory is. */
struct place {
    unsigned bytes;
    bool physical;
    uint64_t address;
};

static bool parse_binary(struct expr *e, unsigned level, uint64_t *value);

static bool complain(struct expr *e, const char *format, ...) VX_PRINTF(2, 3);
static bool complain(struct expr *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(e->error, e->room, format, args);
    va_end(args);
    return false;
}

static bool parse_or(struct expr *e, uint64_t *value)
{
    if (++e->nesting > NESTING_MAX)
        return complain(e, "the expression is nested too deep");
    bool done = parse_binary(e, 0, value);
    e->nesting--;
    return done;
}

static bool take(struct expr *e, const char *token)
{
    dbg_skip_blanks(&e->at);
    size_t n = strlen(token);
    if (strncmp(e->at, token, n) != 0)
        return false;
    e->at += n;
    return true;
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static bool segment_register(const char *word)
{
    static const char names[][3] = { "es", "cs", "ss", "ds", "fs", "gs" };
    for (size_t i = 0; i < VX_ARRAY_LEN(names); i++)
        if (strcmp(names[i], word) == 0)
            return true;
    return false;
}

static bool add_segment(struct expr *e, const char *name, uint64_t *value)
{
    char base_name[16];
    uint64_t off, base = 0;
    if (!parse_binary(e, 1, &off))
        return false;
    snprintf(base_name, sizeof base_name, "%.2s.base", name);
    dbg_register_get(e->dbg, base_name, &base);
    *value = vx_lin_wrap(base + off);
    return true;
}

/* Behind a first part that may be a selector: ":" and the offset. */
static bool maybe_selector(struct expr *e, uint64_t *value)
{
    uint64_t off;
    uint64_t lin = 0;
    if (!take(e, ":"))
        return true;
    if (!parse_binary(e, 1, &off))
        return false;
    if (e->skip == 0 && !vx_debug_linear(e->dbg->debug, (uint16_t)*value, off, &lin))
        return complain(e, "selector %04x names no segment", (unsigned)*value & 0xFFFF);
    *value = lin;
    return true;
}

/* Behind "[". */
static bool parse_place(struct expr *e, struct place *place)
{
    if (!parse_or(e, &place->address) || !maybe_selector(e, &place->address))
        return false;
    return take(e, "]") || complain(e, "']' is missing at '%s'", e->at);
}

static bool load(struct expr *e, const struct place *place, uint64_t *value)
{
    *value = 0;
    if (e->skip != 0)
        return true;
    uint64_t lin = place->address;
    size_t got = place->physical    ? vx_debug_read_phys(e->dbg->debug, place->address, value, place->bytes)
                 : dbg_to_lin(&lin) ? vx_debug_read(e->dbg->debug, lin, value, place->bytes)
                                    : 0;
    return got == place->bytes ||
           complain(e, "there is no memory at %s0x%08" PRIx64, place->physical ? "physical " : "", place->address);
}

/* "dword phys [" or "[": true when a memory operand begins here. */
static bool memory_begins(struct expr *e, struct place *place)
{
    static const struct {
        char name[6];
        unsigned bytes;
    } sizes[] = { { "byte", 1 }, { "word", 2 }, { "dword", 4 }, { "qword", 8 } };
    const char *start = e->at;
    *place = (struct place){ .bytes = 4 };
    for (size_t i = 0; i < VX_ARRAY_LEN(sizes); i++)
        if (dbg_take_word(&e->at, sizes[i].name))
            place->bytes = sizes[i].bytes;
    place->physical = dbg_take_word(&e->at, "phys");
    if (take(e, "["))
        return true;
    e->at = start;
    return false;
}

/* ---- primaries --------------------------------------------------------------------------------------------------- */

static bool parse_number(struct expr *e, uint64_t *value)
{
    const char *start = e->at;
    size_t hex = strspn(start, "0123456789abcdefABCDEF");
    char *end;
    if ((start[hex] == 'h' || start[hex] == 'H') && !isalnum((unsigned char)start[hex + 1])) {
        *value = strtoull(start, &end, 16);
        e->at = start + hex + 1;
        return true;
    }
    errno = 0;
    bool prefixed = start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
    *value = strtoull(start, &end, prefixed ? 16 : 10);
    if (isalnum((unsigned char)*end) || *end == '_')
        return complain(e, "'%.*s' is not a number; hexadecimal ones are written 0x7c00 or 7c00h",
                        (int)strcspn(start, " \t)]:+-*/"), start);
    if (errno == ERANGE)
        return complain(e, "numbers have at most 64 bits");
    e->at = end;
    return true;
}

static bool parse_character(struct expr *e, uint64_t *value)
{
    if (e->at[1] == '\0' || e->at[2] != '\'')
        return complain(e, "a character is written 'A'");
    *value = (uint8_t)e->at[1];
    e->at += 3;
    return true;
}

static size_t name_length(const char *at)
{
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || (at[n] != '\0' && strchr("_.$@", at[n]) != NULL))
        n++;
    return n;
}

/* "$eax", "$pc": as GDB writes registers; $pc is linear, as in our stub. */
static bool dollar_register(struct debugger *dbg, const char *name, uint64_t *value)
{
    if (name[0] != '$')
        return false;
    if (strcmp(name, "$pc") == 0) {
        *value = vx_cs_lin(dbg->vcpu);
        return true;
    }
    return dbg_register_get(dbg, strcmp(name, "$sp") == 0 ? "esp" : strcmp(name, "$fp") == 0 ? "ebp" : name + 1, value);
}

static bool parse_name(struct expr *e, uint64_t *value)
{
    char name[128];
    uint64_t lin;
    size_t n = name_length(e->at);
    if (n == 0)
        return complain(e, *e->at == '\0' ? "an expression is missing%s" : "an expression cannot begin with '%s'",
                        e->at);
    if (n >= sizeof name)
        return complain(e, "a name this long does not exist: '%.40s...'", e->at);
    memcpy(name, e->at, n);
    name[n] = '\0';
    e->at += n;
    if (segment_register(name) && take(e, ":"))
        return add_segment(e, name, value);
    if (strcmp(name, "count") == 0 && !vx_machine_counts(e->dbg->machine))
        return complain(e, "instructions are not counted; 'set counting on' does from here on");
    if (dbg_register_get(e->dbg, name, value) || dollar_register(e->dbg, name, value))
        return true;
    if (!dbg_symbols_find(e->dbg->symbols, name, &lin)) {
        bool hex = strspn(name, "0123456789abcdefABCDEF") == n;
        return complain(e,
                        hex ? "there is no register or symbol '%s'; a number is written 0x%s"
                            : "there is no register or symbol '%s'%.0s",
                        name, name);
    }
    *value = lin;
    return true;
}

static bool parse_primary(struct expr *e, uint64_t *value)
{
    struct place place;
    dbg_skip_blanks(&e->at);
    if (memory_begins(e, &place))
        return parse_place(e, &place) && load(e, &place, value);
    if (take(e, "(")) {
        if (!parse_or(e, value) || !maybe_selector(e, value))
            return false;
        return take(e, ")") || complain(e, "')' is missing at '%s'", e->at);
    }
    if (isdigit((unsigned char)*e->at))
        return parse_number(e, value);
    return *e->at == '\'' ? parse_character(e, value) : parse_name(e, value);
}

static bool parse_unary(struct expr *e, uint64_t *value)
{
    dbg_skip_blanks(&e->at);
    char op = *e->at;
    if (op != '-' && op != '~' && op != '!')
        return parse_primary(e, value);
    e->at++;
    if (++e->nesting > NESTING_MAX)
        return complain(e, "the expression is nested too deep");
    bool done = parse_unary(e, value);
    e->nesting--;
    *value = op == '-' ? -*value : op == '~' ? ~*value : (uint64_t)(*value == 0);
    return done;
}

/* ---- binary operators -------------------------------------------------------------------------------------------- */

enum operation {
    OP_OR,
    OP_AND,
    OP_BOR,
    OP_XOR,
    OP_BAND,
    OP_EQ,
    OP_NE,
    OP_LE,
    OP_GE,
    OP_SHL,
    OP_SHR,
    OP_LT,
    OP_GT,
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_MOD,
    OP_NONE
};

/* Longer tokens before those that they begin with. */
static const struct {
    char token[3];
    uint8_t level, op;
} operators[] = {
    { "||", 0, OP_OR }, { "&&", 1, OP_AND }, { "|", 2, OP_BOR },  { "^", 3, OP_XOR },  { "&", 4, OP_BAND },
    { "==", 5, OP_EQ }, { "!=", 5, OP_NE },  { "<<", 7, OP_SHL }, { ">>", 7, OP_SHR }, { "<=", 6, OP_LE },
    { ">=", 6, OP_GE }, { "<", 6, OP_LT },   { ">", 6, OP_GT },   { "+", 8, OP_ADD },  { "-", 8, OP_SUB },
    { "*", 9, OP_MUL }, { "/", 9, OP_DIV },  { "%", 9, OP_MOD },
};
enum { LEVELS = 10 };

static enum operation take_operator(struct expr *e, unsigned level)
{
    dbg_skip_blanks(&e->at);
    for (size_t i = 0; i < VX_ARRAY_LEN(operators); i++) {
        size_t n = strlen(operators[i].token);
        if (strncmp(e->at, operators[i].token, n) != 0)
            continue;
        if (operators[i].level != level)
            return OP_NONE;
        e->at += n;
        return operators[i].op;
    }
    return OP_NONE;
}

static bool apply(struct expr *e, enum operation op, uint64_t a, uint64_t b, uint64_t *value)
{
    if ((op == OP_DIV || op == OP_MOD) && b == 0) {
        *value = 0;
        return e->skip != 0 || complain(e, "division by zero");
    }
    switch (op) {
    case OP_OR: *value = a != 0 || b != 0; break;
    case OP_AND: *value = a != 0 && b != 0; break;
    case OP_BOR: *value = a | b; break;
    case OP_XOR: *value = a ^ b; break;
    case OP_BAND: *value = a & b; break;
    case OP_EQ: *value = a == b; break;
    case OP_NE: *value = a != b; break;
    case OP_LT: *value = a < b; break;
    case OP_LE: *value = a <= b; break;
    case OP_GT: *value = a > b; break;
    case OP_GE: *value = a >= b; break;
    case OP_SHL: *value = b < 64 ? a << b : 0; break;
    case OP_SHR: *value = b < 64 ? a >> b : 0; break;
    case OP_ADD: *value = a + b; break;
    case OP_SUB: *value = a - b; break;
    case OP_MUL: *value = a * b; break;
    case OP_DIV: *value = a / b; break;
    case OP_MOD: *value = a % b; break;
    case OP_NONE: break;
    }
    return true;
}

static bool parse_binary(struct expr *e, unsigned level, uint64_t *value)
{
    enum operation op;
    if (level == LEVELS)
        return parse_unary(e, value);
    if (!parse_binary(e, level + 1, value))
        return false;
    while ((op = take_operator(e, level)) != OP_NONE) {
        uint64_t left = *value, right;
        bool decided = (op == OP_OR && left != 0) || (op == OP_AND && left == 0);
        e->skip += decided;
        bool done = parse_binary(e, level + 1, &right);
        e->skip -= decided;
        if (!done || !apply(e, op, left, right, value))
            return false;
    }
    return true;
}

/* ---- from outside ------------------------------------------------------------------------------------------------ */

bool dbg_eval_text(struct debugger *dbg, const char **at, uint64_t *value, char *error, size_t room)
{
    struct expr e = { .dbg = dbg, .at = *at, .error = error, .room = room };
    if (!parse_or(&e, value) || !maybe_selector(&e, value))
        return false;
    *at = e.at;
    return true;
}

bool dbg_eval(struct debugger *dbg, const char **at, const char *what, uint64_t *value)
{
    char error[256];
    if (dbg_at_end(at))
        return dbg_fail(dbg, "%s is missing", what);
    return dbg_eval_text(dbg, at, value, error, sizeof error) || dbg_fail(dbg, "%s: %s", what, error);
}

bool dbg_to_lin(uint64_t *address)
{
    bool fits = *address <= UINT32_MAX || (*address >> 31) == UINT64_MAX >> 31;
    *address = vx_lin_wrap(*address);
    return fits;
}

bool dbg_eval_lin(struct debugger *dbg, const char **at, const char *what, uint64_t *lin)
{
    return dbg_eval(dbg, at, what, lin) && (dbg_to_lin(lin) || dbg_fail(dbg, "%s has more than 32 bits", what));
}

/* Does the expression begin with the instruction pointer by its own name, an offset in CS? */
static bool begins_with_eip(const char *at)
{
    dbg_skip_blanks(&at);
    at += *at == '$';
    size_t n = name_length(at);
    return (n == 3 && memcmp(at, "eip", n) == 0) || (n == 2 && memcmp(at, "ip", n) == 0);
}

bool dbg_eval_code(struct debugger *dbg, const char **at, uint64_t *lin)
{
    bool offset = begins_with_eip(*at);
    if (!dbg_eval_lin(dbg, at, "the address", lin))
        return false;
    if (offset)
        *lin = vx_lin_wrap(dbg->vcpu->seg[VX_CS].base + *lin);
    return true;
}

bool dbg_eval_or(struct debugger *dbg, const char **at, const char *what, uint64_t otherwise, uint64_t *value)
{
    *value = otherwise;
    return dbg_at_end(at) || dbg_eval(dbg, at, what, value);
}

static bool assigned_value(struct expr *e, uint64_t *value)
{
    return take(e, "=") ? parse_or(e, value) : complain(e, "'=' and a value are missing at '%s'", e->at);
}

static bool assign_memory(struct expr *e, const struct place *place)
{
    uint64_t value = 0;
    if (!assigned_value(e, &value))
        return false;
    uint64_t lin = place->address;
    size_t done = place->physical    ? vx_debug_write_phys(e->dbg->debug, place->address, &value, place->bytes)
                  : dbg_to_lin(&lin) ? vx_debug_write(e->dbg->debug, lin, &value, place->bytes)
                                     : 0;
    return done == place->bytes ||
           complain(e, "there is no memory that can be written at 0x%08" PRIx64, place->address);
}

static bool assign_register(struct expr *e)
{
    char name[32];
    uint64_t value = 0;
    dbg_skip_blanks(&e->at);
    e->at += *e->at == '$';
    size_t n = name_length(e->at);
    snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), e->at);
    if (!dbg_register_get(e->dbg, name, &value))
        return complain(e, "'%s' is neither a register nor memory in brackets", name);
    e->at += n;
    return assigned_value(e, &value) && dbg_register_set(e->dbg, name, value, e->error, e->room);
}

bool dbg_assign(struct debugger *dbg, const char **at)
{
    char error[256];
    struct place place;
    struct expr e = { .dbg = dbg, .at = *at, .error = error, .room = sizeof error };
    bool done = memory_begins(&e, &place) ? parse_place(&e, &place) && assign_memory(&e, &place) : assign_register(&e);
    *at = e.at;
    return done || dbg_fail(dbg, "%s", error);
}

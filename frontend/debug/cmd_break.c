/* cmd_break.c - points: where and why the guest stops. What the user wrote about them is kept here, in notes. */
#include <ctype.h>
#include <stdlib.h>

#include "dbg.h"

/* ---- notes ------------------------------------------------------------------------------------------------------- */

/* The first note with this number or a higher one. */
static unsigned note_place(const struct debugger *dbg, unsigned number)
{
    unsigned low = 0, high = dbg->notes;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (dbg->note[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct dbg_note *dbg_note_of(struct debugger *dbg, unsigned number)
{
    unsigned place = note_place(dbg, number);
    return place < dbg->notes && dbg->note[place].number == number ? &dbg->note[place] : NULL;
}

static void clear_note(struct dbg_note *note)
{
    free(note->text);
    free(note->condition);
}

void dbg_notes_clear(struct debugger *dbg)
{
    for (unsigned i = 0; i < dbg->notes; i++)
        clear_note(&dbg->note[i]);
    free(dbg->note);
    dbg->note = NULL;
    dbg->notes = dbg->notes_room = 0;
}

/* Keeps the notes that `keeps` wants. */
static void sift(struct debugger *dbg, bool (*keeps)(struct debugger *dbg, const struct dbg_note *note))
{
    unsigned kept = 0;
    for (unsigned i = 0; i < dbg->notes; i++) {
        if (keeps(dbg, &dbg->note[i]))
            dbg->note[kept++] = dbg->note[i];
        else
            clear_note(&dbg->note[i]);
    }
    dbg->notes = kept;
}

static bool has_point(struct debugger *dbg, const struct dbg_note *note)
{
    return vx_debug_find_point(dbg->debug, note->number) != NULL;
}

/* Notes whose points are gone (temporary ones) are given up before room is made. NULL: no memory. */
static struct dbg_note *new_note(struct debugger *dbg, unsigned number)
{
    if (dbg->notes == dbg->notes_room)
        sift(dbg, has_point);
    if (dbg->notes == dbg->notes_room) {
        unsigned room = dbg->notes_room != 0 ? 2 * dbg->notes_room : 16;
        struct dbg_note *note = realloc(dbg->note, room * sizeof *note);
        if (note == NULL)
            return NULL;
        dbg->note = note;
        dbg->notes_room = room;
    }
    unsigned place = note_place(dbg, number);
    memmove(&dbg->note[place + 1], &dbg->note[place], (dbg->notes - place) * sizeof *dbg->note);
    dbg->notes++;
    dbg->note[place] = (struct dbg_note){ .number = number };
    return &dbg->note[place];
}

/* Adds the point and its note; NULL: said why not. */
static struct dbg_note *add_point(struct debugger *dbg, const struct vx_debug_point *point)
{
    unsigned number = vx_debug_add_point(dbg->debug, point);
    struct dbg_note *note = number != 0 ? new_note(dbg, number) : NULL;
    if (note == NULL) {
        vx_debug_remove_point(dbg->debug, number);
        dbg_fail(dbg, "there is no memory for another point");
    }
    return note;
}

/* A condition that cannot be evaluated stops, and says so: silence would hide the mistake. */
bool dbg_condition(void *opaque, const struct vx_debug_stop *stop)
{
    struct debugger *dbg = opaque;
    const struct dbg_note *note = dbg_note_of(dbg, stop->point.number);
    dbg->stop = *stop;
    char error[256];
    uint64_t value;
    if (note != NULL && note->gate != DBG_GATE_NONE) {
        dbg_trace_gate(dbg, note->gate == DBG_GATE_BEGIN);
        return false;
    }
    if (note == NULL || note->condition == NULL)
        return true;
    const char *at = note->condition;
    if (dbg_eval_text(dbg, &at, &value, error, sizeof error))
        return value != 0;
    dbg_say(dbg, "the condition of point %u: %s\n", stop->point.number, error);
    return true;
}

bool dbg_add_gate(struct debugger *dbg, uint64_t lin, enum dbg_gate gate)
{
    struct vx_debug_point point = {
        .kind = VX_POINT_EXEC, .enabled = true, .conditional = true, .first = lin, .last = lin
    };
    struct dbg_note *note = add_point(dbg, &point);
    if (note == NULL)
        return false;
    note->gate = gate;
    note->text = strdup(gate == DBG_GATE_BEGIN ? "trace begins" : "trace ends");
    return true;
}

/* Drops the points of gates with their notes. */
static bool is_no_gate(struct debugger *dbg, const struct dbg_note *note)
{
    if (note->gate != DBG_GATE_NONE)
        vx_debug_remove_point(dbg->debug, note->number);
    return note->gate == DBG_GATE_NONE;
}

void dbg_drop_gates(struct debugger *dbg)
{
    sift(dbg, is_no_gate);
}

/* ---- making them ------------------------------------------------------------------------------------------------- */

/* " if CONDITION" at the end of a line: checked by evaluating it now, but memory may come later. */
static bool take_condition(struct debugger *dbg, const char **at, const char **condition)
{
    *condition = NULL;
    if (!dbg_take_word(at, "if"))
        return dbg_no_more(dbg, at);
    char error[256];
    uint64_t value;
    dbg_skip_blanks(at);
    *condition = *at;
    bool good = dbg_eval_text(dbg, at, &value, error, sizeof error);
    if (!good && strncmp(error, "there is no memory", 18) != 0)
        return dbg_fail(dbg, "the condition: %s", error);
    return !good || dbg_no_more(dbg, at);
}

/* The point with its note; `text` is what the user wrote for it. */
static bool add(struct debugger *dbg, struct vx_debug_point *point, const char *text, const char **at)
{
    const char *condition, *end = *at;
    if (!take_condition(dbg, at, &condition))
        return false;
    point->enabled = true;
    point->conditional = condition != NULL;
    struct dbg_note *note = add_point(dbg, point);
    if (note == NULL)
        return false;
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    note->text = strndup(text, (size_t)(end - text));
    note->condition = condition != NULL ? strdup(condition) : NULL;
    dbg_say(dbg, "point %u, %s", note->number, dbg_point_kind(point));
    if (point->kind == VX_POINT_EXEC || point->kind == VX_POINT_WATCH)
        dbg_say(dbg, " at %s%08" PRIx64, point->physical ? "physical " : "", point->first);
    dbg_say(dbg, "\n");
    return true;
}

static bool add_exec(struct debugger *dbg, const char **at, bool temporary)
{
    struct vx_debug_point point = { .kind = VX_POINT_EXEC, .temporary = temporary };
    dbg_skip_blanks(at);
    const char *text = *at;
    point.physical = dbg_take_word(at, "phys");
    dbg_skip_blanks(at);
    *at += **at == '*'; /* as GDB writes addresses */
    const char *rest = *at;
    point.first = vx_cs_lin(dbg->vcpu);
    if (dbg_at_end(at) || dbg_take_word(&rest, "if"))
        point.physical = false; /* here */
    else if (point.physical ? !dbg_eval(dbg, at, "the address", &point.first) : !dbg_eval_code(dbg, at, &point.first))
        return false;
    if (point.first > UINT32_MAX)
        return dbg_fail(dbg, "the address has more than 32 bits");
    point.last = point.first;
    return add(dbg, &point, text, at);
}

bool dbg_cmd_break(struct debugger *dbg, const char **at)
{
    return add_exec(dbg, at, false);
}

bool dbg_cmd_tbreak(struct debugger *dbg, const char **at)
{
    return add_exec(dbg, at, true);
}

static bool add_watch(struct debugger *dbg, const char **at, uint8_t access)
{
    struct vx_debug_point point = { .kind = VX_POINT_WATCH, .access = access };
    uint64_t bytes = 4;
    dbg_skip_blanks(at);
    const char *text = *at;
    point.physical = dbg_take_word(at, "phys");
    if (!dbg_eval(dbg, at, "the address", &point.first))
        return false;
    const char *rest = *at;
    if (!dbg_at_end(at) && !dbg_take_word(&rest, "if") && !dbg_eval(dbg, at, "the length", &bytes))
        return false;
    if (bytes == 0 || point.first > UINT32_MAX || bytes > 0x100000000ull - point.first)
        return dbg_fail(dbg, "the range must lie in 4 GiB and have at least one byte");
    point.last = point.first + bytes - 1;
    return add(dbg, &point, text, at);
}

/* r and w before the address are Bochs's way to say which. */
bool dbg_cmd_watch(struct debugger *dbg, const char **at)
{
    bool reads = dbg_take_word(at, "r") || dbg_take_word(at, "read");
    if (!reads && !dbg_take_word(at, "w"))
        (void)dbg_take_word(at, "write");
    return add_watch(dbg, at, reads ? VX_WATCH_READ : VX_WATCH_WRITE);
}

bool dbg_cmd_rwatch(struct debugger *dbg, const char **at)
{
    return add_watch(dbg, at, VX_WATCH_READ);
}

bool dbg_cmd_awatch(struct debugger *dbg, const char **at)
{
    return add_watch(dbg, at, VX_WATCH_READ | VX_WATCH_WRITE);
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

/* How an event is narrowed. */
enum narrowing { ALL, VECTOR, VALUE, RANGE, MODES };

static const struct {
    const char *word;
    enum vx_point_kind kind;
    enum narrowing narrowing;
    uint64_t most;
} catchable[] = {
    { "exception", VX_POINT_EXCEPTION, VECTOR, 31 },
    { "interrupt", VX_POINT_INTERRUPT, VECTOR, 255 },
    { "int", VX_POINT_INT, VECTOR, 255 },
    { "mode", VX_POINT_MODE, MODES, 0 },
    { "cr3", VX_POINT_CR3, VALUE, UINT32_MAX },
    { "io", VX_POINT_IO, RANGE, 0xFFFF },
    { "mmio", VX_POINT_MMIO, RANGE, UINT64_MAX >> 12 },
    { "magic", VX_POINT_MAGIC, ALL, 0 },
};

/* PORT or FIRST-LAST: the minus of a range would be one of the expression, so FIRST is a number here. */
static bool take_range(struct debugger *dbg, const char **at, struct vx_debug_point *point)
{
    char first[64];
    dbg_skip_blanks(at);
    size_t n = strcspn(*at, "- \t");
    if ((*at)[n] != '-' || n >= sizeof first) {
        if (!dbg_eval(dbg, at, "the address", &point->first))
            return false;
        point->last = point->first;
        return true;
    }
    memcpy(first, *at, n);
    first[n] = '\0';
    const char *cursor = first;
    *at += n + 1;
    return dbg_eval(dbg, &cursor, "the first address", &point->first) &&
           dbg_eval(dbg, at, "the last address", &point->last);
}

/* Which changes of mode: none named means any. */
static void take_modes(const char **at, struct vx_debug_point *point)
{
    static const struct {
        const char *word;
        uint32_t bit;
    } modes[] = { { "protected", VX_CR0_PE }, { "paging", VX_CR0_PG }, { "vm86", VX_FL_VM } };
    for (size_t i = 0; i < VX_ARRAY_LEN(modes); i++)
        if (dbg_take_word(at, modes[i].word))
            point->first |= modes[i].bit;
}

static bool take_narrowing(struct debugger *dbg, const char **at, size_t which, struct vx_debug_point *point)
{
    const char *rest = *at;
    enum narrowing narrowing = catchable[which].narrowing;
    point->first = 0;
    point->last = UINT64_MAX;
    if (narrowing == MODES) {
        take_modes(at, point);
        return true;
    }
    if (narrowing == RANGE) {
        if (!take_range(dbg, at, point))
            return false;
        bool r = dbg_take_word(at, "r"), w = !r && dbg_take_word(at, "w");
        point->access = r ? VX_WATCH_READ : w ? VX_WATCH_WRITE : VX_WATCH_READ | VX_WATCH_WRITE;
    } else if (narrowing != ALL && !dbg_at_end(at) && !dbg_take_word(&rest, "if")) {
        if (!dbg_eval(dbg, at, narrowing == VECTOR ? "the vector" : "the value", &point->first))
            return false;
        point->last = point->first;
    } else {
        return true;
    }
    if (point->last > catchable[which].most || point->first > point->last)
        return dbg_fail(dbg, "%s goes from 0 to 0x%" PRIx64, catchable[which].word, catchable[which].most);
    return true;
}

bool dbg_cmd_catch(struct debugger *dbg, const char **at)
{
    dbg_skip_blanks(at);
    const char *text = *at;
    for (size_t i = 0; i < VX_ARRAY_LEN(catchable); i++) {
        struct vx_debug_point point = { .kind = catchable[i].kind };
        if (dbg_take_word(at, catchable[i].word))
            return take_narrowing(dbg, at, i, &point) && add(dbg, &point, text, at);
    }
    return dbg_fail(dbg, "'%s' is nothing to catch; there are exception interrupt int mode cr3 io mmio magic", text);
}

/* "10ms", "2s", "1000 instructions"; counted from `from` nanoseconds or instructions. */
static bool add_moment(struct debugger *dbg, const char **at, bool from_now)
{
    static const struct {
        const char *word;
        uint64_t ns;
    } units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", VX_NS_PER_SEC } };
    struct vx_debug_point point = { .kind = VX_POINT_COUNT, .temporary = true };
    char *end;
    dbg_skip_blanks(at);
    const char *text = *at;
    uint64_t amount = strtoull(text, &end, 0), scale = 1;
    if (end == text)
        return dbg_fail(dbg, "a time like 10ms, or a number of instructions, is missing");
    *at = end;
    for (size_t i = 0; i < VX_ARRAY_LEN(units); i++) {
        if (!dbg_take_word(at, units[i].word))
            continue;
        point.kind = VX_POINT_TIME;
        scale = units[i].ns;
    }
    if (point.kind == VX_POINT_COUNT && !dbg_take_word(at, "instructions"))
        return dbg_fail(dbg, "after the number stands ns, us, ms, s or the word instructions");
    if (point.kind == VX_POINT_COUNT && !from_now && !vx_machine_counted(dbg->machine))
        return dbg_fail(dbg,
                        "not all instructions since power-on were counted; --clock=instructions does, 'after' counts "
                        "from now");
    if (amount > (uint64_t)INT64_MAX / 2 / scale)
        return dbg_fail(dbg, "that is more than any guest lives");
    uint64_t now = point.kind == VX_POINT_TIME ? vx_clock_now_ns(vx_machine_clock(dbg->machine)) : dbg->vcpu->retired;
    point.first = point.last = amount * scale + (from_now ? now : 0);
    if (point.first <= now)
        return dbg_fail(dbg, "that has passed already");
    return add(dbg, &point, text, at);
}

bool dbg_cmd_after(struct debugger *dbg, const char **at)
{
    return add_moment(dbg, at, true);
}

bool dbg_cmd_at(struct debugger *dbg, const char **at)
{
    return add_moment(dbg, at, false);
}

/* ---- changing them ----------------------------------------------------------------------------------------------- */

static bool take_number(struct debugger *dbg, const char **at, unsigned *number)
{
    uint64_t value;
    if (!dbg_eval(dbg, at, "the number of a point", &value))
        return false;
    *number = (unsigned)value;
    return (value <= UINT32_MAX && vx_debug_find_point(dbg->debug, *number) != NULL) ||
           dbg_fail(dbg, "there is no point %" PRIu64 "; info points lists them", value);
}

bool dbg_cmd_condition(struct debugger *dbg, const char **at)
{
    unsigned number;
    if (!take_number(dbg, at, &number))
        return false;
    struct dbg_note *note = dbg_note_of(dbg, number);
    if (note == NULL && (note = new_note(dbg, number)) == NULL)
        return dbg_fail(dbg, "there is no memory for a condition");
    dbg_skip_blanks(at);
    char error[256];
    uint64_t value;
    const char *text = *at;
    if (*text != '\0' && !dbg_eval_text(dbg, at, &value, error, sizeof error) &&
        strncmp(error, "there is no memory", 18) != 0)
        return dbg_fail(dbg, "the condition: %s", error);
    free(note->condition);
    note->condition = *text != '\0' ? strdup(text) : NULL;
    vx_debug_set_conditional(dbg->debug, number, note->condition != NULL);
    return true;
}

bool dbg_cmd_ignore(struct debugger *dbg, const char **at)
{
    unsigned number;
    uint64_t times;
    if (!take_number(dbg, at, &number) || !dbg_eval(dbg, at, "how many times", &times) || !dbg_no_more(dbg, at))
        return false;
    return vx_debug_set_ignore(dbg->debug, number, times);
}

static bool each_number(struct debugger *dbg, const char **at, void (*change)(struct debugger *, unsigned))
{
    unsigned number;
    do {
        if (!take_number(dbg, at, &number))
            return false;
        change(dbg, number);
    } while (!dbg_at_end(at));
    return true;
}

static void enable(struct debugger *dbg, unsigned number)
{
    vx_debug_enable_point(dbg->debug, number, true);
}

static void disable(struct debugger *dbg, unsigned number)
{
    vx_debug_enable_point(dbg->debug, number, false);
}

static void delete (struct debugger *dbg, unsigned number)
{
    vx_debug_remove_point(dbg->debug, number);
    sift(dbg, has_point);
}

bool dbg_cmd_enable(struct debugger *dbg, const char **at)
{
    return each_number(dbg, at, enable);
}

bool dbg_cmd_disable(struct debugger *dbg, const char **at)
{
    return each_number(dbg, at, disable);
}

bool dbg_cmd_delete(struct debugger *dbg, const char **at)
{
    const struct vx_debug_point *point;
    if (!dbg_at_end(at))
        return each_number(dbg, at, delete);
    while ((point = vx_debug_next_point(dbg->debug, 0)) != NULL)
        vx_debug_remove_point(dbg->debug, point->number);
    sift(dbg, has_point);
    return true;
}

/* dbg.h - what the files of the command line share.
 *
 *   debugger.c     stops, the prompt's loop: start reading here
 *   command.c      one line: words, table (commands.def), help, completion
 *   input.c        where lines come from: script, editor, plain
 *   editor.c       lines of a terminal (libedit)
 *   host_file.c    files that commands name: who may reach which, lines and limits
 *   expr.c         expressions over registers, memory, symbols
 *   registers.c    the registers by name
 *   symbols.c      addresses and names; symbols_elf.c, symbols_text.c read them,
 *                  symbols_save.c writes them
 *   show.c         where the guest is: the line behind every stop
 *   changes.c      which registers changed since the stop before
 *   cmd_*.c        the commands, one file a chapter of commands.def
 *
 *   I1  A command gets a cursor behind its name and prints one line with dbg_fail() when it cannot do what it was
 *       asked.
 *   I2  Nothing here changes the guest but the commands that say so.
 *   I3  What is printed goes through vx86/text.h, since names and strings are the guest's or a file's. */
#ifndef VX86_FRONTEND_DBG_H
#define VX86_FRONTEND_DBG_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "debugger.h"
#include "vx86/text.h"

#define DBG_LINE_MAX 1024

struct dbg_symbols;
struct dbg_input;

/* Points that do not stop: a trace begins or ends there. */
enum dbg_gate { DBG_GATE_NONE, DBG_GATE_BEGIN, DBG_GATE_END };

/* What the user has said about a point: kept here, by number. */
struct dbg_note {
    unsigned number;
    enum dbg_gate gate;
    char *text;      /* the address as it was written */
    char *condition; /* expression, NULL for none */
};

#define DBG_FOLLOWED 24

/* What an address that `x` shows is of. */
enum dbg_space { DBG_LINEAR, DBG_PHYSICAL, DBG_MMIO };

/* What a stop is compared with: changes.c. */
struct dbg_snapshot {
    uint64_t value[DBG_FOLLOWED];
    uint32_t eflags;
    uint8_t fx[512];
};

struct debugger {
    struct debugger_config config;
    struct vx_machine *machine;
    struct vx_debug *debug;
    struct vx_vcpu *vcpu;
    FILE *out;
    struct dbg_input *input;
    struct dbg_symbols *symbols;
    struct dbg_note *note; /* by number, ascending */
    unsigned notes, notes_room;

    struct vx_debug_stop stop; /* the last one, or the one whose condition is looked at: event.* in expressions */
    bool called;               /* not asked for at the start: by Ctrl-A d or a signal */
    bool going;                /* the present command makes the guest go on */
    bool failed;               /* the present command has said what is wrong */
    bool foreign;              /* a command on behalf of somebody else */
    bool quiet;                /* the next stop is not shown */
    char last[DBG_LINE_MAX];
    char completion[32]; /* what dbg_complete() has returned */

    enum vx_syntax syntax;
    unsigned code_bits;              /* 16, 32; 0: as the code segment says */
    struct dbg_snapshot before, now; /* registers at the stop before this one, and at this one */
    uint64_t next_code;              /* where `u` without an address goes on */
    uint64_t next_data;              /* ... and `x` */
    enum dbg_space next_space;
    char data_format[3]; /* unit and format of the last `x` */

    FILE *trace;            /* where traces go; NULL: out */
    unsigned tracing;       /* DBG_TRACE_* */
    unsigned trace_between; /* the same, while the gates of `trace ... from ... to` say so */
    uint64_t trace_first, trace_last;
};

enum {
    DBG_TRACE_INSNS = 1u << 0,
    DBG_TRACE_INTERRUPTS = 1u << 1,
    DBG_TRACE_EXCEPTIONS = 1u << 2,
    DBG_TRACE_MODES = 1u << 3,
    DBG_TRACE_IO = 1u << 4,
    DBG_TRACE_BRANCHES = 1u << 5,
    DBG_TRACE_FAULTS = 1u << 6, /* of the exceptions, #PF */
};

/* Says what is wrong, one line; returns false, to be used as `return dbg_fail(...)`. */
bool dbg_fail(struct debugger *dbg, const char *format, ...) VX_PRINTF(2, 3);
#define dbg_say(dbg, ...) vx_text_print((dbg)->out, __VA_ARGS__)

/* ---- command.c: words of a line ---------------------------------------------------------------------------------- */

void dbg_skip_blanks(const char **at);
bool dbg_at_end(const char **at);
/* Takes a word (letters, digits, _ . -) if it is `word`. */
bool dbg_take_word(const char **at, const char *word);
/* Copies the next word; false at the end of the line. */
bool dbg_next_word(const char **at, char *word, size_t room);
/* After all arguments: complains about what is left. */
bool dbg_no_more(struct debugger *dbg, const char **at);
void dbg_execute(struct debugger *dbg, const char *line);
/* The n-th word that a line could be completed with at its end, NULL behind the last; for the editor. Good until the
 * next
 * call: a command, what its usage has, a register or a symbol. */
const char *dbg_complete(struct debugger *dbg, const char *line, const char *word, unsigned n);

/* ---- input.c ----------------------------------------------------------------------------------------------------- */

vx_err dbg_input_create(struct debugger *dbg, struct dbg_input **out);
void dbg_input_destroy(struct dbg_input *input);
/* The next line, without its end; NULL at the end of all input. Owned by the input, good until the next call. */
const char *dbg_input_line(struct dbg_input *input);
/* "FILE:12" while a script runs, else NULL. */
const char *dbg_input_place(struct dbg_input *input);
bool dbg_input_in_script(const struct dbg_input *input);
/* Runs FILE's lines before what else comes: `source`. Says what is wrong. */
bool dbg_input_push(struct dbg_input *input, const char *path);

/* ---- editor.c ---------------------------------------------------------------------------------------------------- */

/* The next line from config.editor; false at the end. */
bool dbg_editor_line(struct debugger *dbg, char *text, size_t room);

/* ---- host_file.c ------------------------------------------------------------------------------------------------- */

#define DBG_TEXT_MAX (64u << 20) /* bytes of a text file, be it a symbol table or a script */

/* A file that a command names; NULL: said why. Whoever asks on behalf of somebody else reaches less. */
FILE *dbg_open_to_read(struct debugger *dbg, const char *path);
FILE *dbg_open_to_write(struct debugger *dbg, const char *path);
/* What dbg_open_to_write() gave; false with errno: it has not arrived. */
bool dbg_close_written(struct debugger *dbg, FILE *file);

/* A text file, line by line. */
struct dbg_text {
    FILE *file;
    unsigned number;     /* of the line that was read last */
    size_t bytes;        /* read so far */
    const char *problem; /* why it ended before its end, or NULL */
};
/* Before the first line. False, with a `problem`: a file that is too long, which is known before anything of it has
 * been done. Of what has no length, that is known only in the end. */
bool dbg_text_begin(struct dbg_text *text, FILE *file);
/* The next line without its end in line[]; false at the end, or with a `problem`. */
bool dbg_text_line(struct dbg_text *text, char *line, size_t room);

/* ---- expr.c ------------------------------------------------------------------------------------------------------ */

/* Evaluates the expression at *at and moves behind it; false with a line in error[]. */
bool dbg_eval_text(struct debugger *dbg, const char **at, uint64_t *value, char *error, size_t room);
/* The same for a command: says what is wrong. `what` names the argument. */
bool dbg_eval(struct debugger *dbg, const char **at, const char *what, uint64_t *value);
/* A linear address: brings what was computed below 0 or written with its sign extended to 32 bits; false when it has
 * more. */
bool dbg_to_lin(uint64_t *address);
/* The same for an argument. */
bool dbg_eval_lin(struct debugger *dbg, const char **at, const char *what, uint64_t *lin);
/* Where code is: as an address, but eip and ip ("eip + 3") are offsets in CS. */
bool dbg_eval_code(struct debugger *dbg, const char **at, uint64_t *lin);
/* An argument that may be missing. */
bool dbg_eval_or(struct debugger *dbg, const char **at, const char *what, uint64_t otherwise, uint64_t *value);
/* Assigns to the register or memory at *at ("byte [ebx+4]"), up to and with the `=` and the expression behind it. */
bool dbg_assign(struct debugger *dbg, const char **at);

/* ---- registers.c ------------------------------------------------------------------------------------------------- */

struct dbg_register {
    char name[12];
    unsigned bytes;
};
/* By name, in lower case ("ax", "cs.base", "zf", "cr0"). */
bool dbg_register_get(const struct debugger *dbg, const char *name, uint64_t *value);
/* False with a reason in error[]. */
bool dbg_register_set(struct debugger *dbg, const char *name, uint64_t value, char *error, size_t room);
unsigned dbg_register_bytes(const char *name); /* 0: there is none */
/* The n-th name, NULL behind the last. */
const char *dbg_register_name(unsigned n);
/* "CF zf ..." : set ones in capitals. */
void dbg_flags_text(uint32_t eflags, char *text, size_t room);

/* ---- symbols.c --------------------------------------------------------------------------------------------------- */

struct dbg_symbols *dbg_symbols_create(void);
void dbg_symbols_destroy(struct dbg_symbols *symbols);
void dbg_symbols_add(struct dbg_symbols *symbols, uint64_t lin, uint64_t bytes, const char *name, size_t name_bytes);
/* After additions: sorts. Returns how many there are now. */
size_t dbg_symbols_done(struct dbg_symbols *symbols);
void dbg_symbols_clear(struct dbg_symbols *symbols);
bool dbg_symbols_find(const struct dbg_symbols *symbols, const char *name, uint64_t *lin);
/* Name of the symbol that covers `lin`, and how far into it that is. NULL: none near. */
const char *dbg_symbols_near(const struct dbg_symbols *symbols, uint64_t lin, uint64_t *off);
/* The n-th name beginning with `prefix` in order of names, NULL behind the last. */
const char *dbg_symbols_match(const struct dbg_symbols *symbols, const char *prefix, unsigned n);
/* The n-th by address; NULL behind the last. */
const char *dbg_symbols_nth(const struct dbg_symbols *symbols, size_t n, uint64_t *lin, uint64_t *bytes);
/* A vx_symbolizer: opaque is the debugger. */
bool dbg_symbolize(void *opaque, uint64_t lin, char *text, size_t room);
/* Read files; what is wrong is said. `offset` is added to every address. */
bool dbg_symbols_read_elf(struct debugger *dbg, FILE *file, const char *path, uint32_t offset);
/* What a Linux kernel in the guest's memory says of itself. */
bool dbg_symbols_read_linux(struct debugger *dbg);
bool dbg_symbols_save_elf(struct debugger *dbg, const char *path);
bool dbg_symbols_read_text(struct debugger *dbg, FILE *file, const char *path, uint32_t offset);

/* ---- show.c ------------------------------------------------------------------------------------------------------ */

struct vx_disassembler dbg_disassembler(struct debugger *dbg);
/* The instruction at CS:EIP with its effective address and what lies there. */
void dbg_show_here(struct debugger *dbg, FILE *out);
void dbg_show_stop(struct debugger *dbg, const struct vx_debug_stop *stop);
/* The registers that changed since the last stop; remembers them. */
/* ---- changes.c ---- */
void dbg_snapshot_at_stop(struct debugger *dbg);
/* One line with what differs from the stop before; false, nothing said: nothing does. */
bool dbg_show_changes(struct debugger *dbg);
/* One line of disassembly at CS-offset `off`; returns the instruction's length, 0 when nothing can be read. */
unsigned dbg_show_insn(struct debugger *dbg, FILE *out, uint64_t lin, uint64_t off);
const char *dbg_vector_name(unsigned vector);
/* Of vx_mode_bits(). */
const char *dbg_mode_name(uint64_t mode_bits);
const char *dbg_point_kind(const struct vx_debug_point *point);
void dbg_trace_insn(void *opaque);
void dbg_trace_access(void *opaque, enum vx_space space, uint64_t address, unsigned bytes, unsigned access,
                      uint64_t value);
void dbg_trace_event(void *opaque, enum vx_debug_event event, uint64_t value, uint64_t detail);

/* ---- notes about points, cmd_break.c ----------------------------------------------------------------------------- */

/* NULL: there is none. Good until a point is added or deleted. */
struct dbg_note *dbg_note_of(struct debugger *dbg, unsigned number);
bool dbg_condition(void *opaque, const struct vx_debug_stop *stop);
void dbg_notes_clear(struct debugger *dbg);
bool dbg_add_gate(struct debugger *dbg, uint64_t lin, enum dbg_gate gate);
void dbg_drop_gates(struct debugger *dbg);
/* cmd_trace.c: one was reached. */
void dbg_trace_gate(struct debugger *dbg, bool begins);

/* ---- cmd_units.c: of `info` -------------------------------------------------------------------------------------- */

bool dbg_info_hottest(struct debugger *dbg, const char **at);
bool dbg_info_exits(struct debugger *dbg, const char **at);

/* ---- the commands (commands.def) --------------------------------------------------------------------------------- */

#define DBG_COMMAND(name, alias, chapter, function, repeats, usage, help, example) \
    bool dbg_cmd_##function(struct debugger *dbg, const char **at);
#define DBG_SPELLING(word, means)
#include "commands.def"
#undef DBG_COMMAND
#undef DBG_SPELLING

#endif

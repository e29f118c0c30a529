/* debug.h - the core of the debugger: where a guest is stopped, how it goes on, what is remembered of what it did.
 *
 * One struct vx_debug a machine, which the machine's loop asks at every boundary between instructions
 * (vx_debug_boundary()). Who talks to the user (the command line of the debugger, a GDB stub) is a `front`: its
 * stopped() is called on the machine thread, inside the loop, and returns when the guest shall go on, having said how
 * with one of the vx_debug_go_*() functions. While it runs, guest time of the real clock stands still.
 *
 * Cost: nothing is attached to the vCPU until there is a front. Then events are noted as they come; a point costs where
 * it lies: an armed address ends the translation unit before it and is looked at by C, a watched page misses the
 * shadow, everything else runs as before.
 *
 * Instructions are counted exactly only while somebody wants to know (vx_debug_wants_counts()): that costs all code.
 *
 * Not modelled: watchpoints do not see the page walker, linear ones no DMA. Several vCPUs.
 * Thread rule: machine thread, except vx_debug_request_stop(). */
#ifndef VX86_DEBUG_H
#define VX86_DEBUG_H

#include "vx86/bt.h"
#include "vx86/bus.h"
#include "vx86/clock.h"
#include "vx86/cpu.h"

struct vx_debug;

struct vx_debug_config {
    struct vx_vcpu *vcpu; /* borrowed, as all */
    struct vx_clock *clock;
    struct vx_bus *bus;         /* as the vCPU sees it */
    void (*wake)(void *opaque); /* any thread: ends the sleep of a halted CPU */
    void *wake_opaque;
};

VX_MUST_USE vx_err vx_debug_create(const struct vx_debug_config *config, struct vx_debug **out);
void vx_debug_destroy(struct vx_debug *debug);
/* The translator that the machine runs now, NULL for none: it is told of changed points. */
void vx_debug_set_bt(struct vx_debug *debug, struct vx_bt *bt);

/* ---- points ------------------------------------------------------------------------------------------------------ */

enum vx_point_kind {
    VX_POINT_EXEC,      /* before the instruction at an address */
    VX_POINT_WATCH,     /* after the instruction that accessed memory */
    VX_POINT_EXCEPTION, /* the rest: at the next boundary. A vector, by an instruction that faulted or trapped */
    VX_POINT_INTERRUPT, /* a vector, by INTR or NMI */
    VX_POINT_INT,       /* a vector, by INT n, INT3, INTO, INT1 */
    VX_POINT_MODE,      /* CR0.PE, CR0.PG or EFLAGS.VM changed */
    VX_POINT_CR3,       /* CR3 loaded */
    VX_POINT_IO,        /* port access */
    VX_POINT_MMIO,      /* access to a physical address that no memory backs */
    VX_POINT_TIME,      /* guest time, ns since power-on */
    VX_POINT_COUNT,     /* instructions passed since power-on: exact where vcpu->retired is */
    VX_POINT_MAGIC,     /* XCHG BX, BX */
    VX_POINT_KINDS
};

struct vx_debug_point {
    unsigned number; /* from 1 on, never given twice; 0: none */
    enum vx_point_kind kind;
    bool enabled, temporary;
    bool physical;  /* EXEC, WATCH: first and last are physical addresses, else linear */
    uint8_t access; /* VX_WATCH_*: WATCH, IO, MMIO */
    /* Both inclusive: addresses (EXEC: first alone), ports, vectors, CR3 values; TIME, COUNT: first alone; MODE: first,
     * which of VX_MODE_BITS, 0: any. */
    uint64_t first, last;
    uint64_t hits;    /* times that it was reached and its condition held */
    uint64_t ignore;  /* so many of these still do not stop */
    bool conditional; /* the front's condition() is asked */
    uint64_t
        esp_from; /* EXEC with esp_checked: only while ESP is in the 64 KiB from here on (16-bit stack: SP, 32 KiB) */
    bool esp_checked;
};

/* Adds a copy with a number of its own (`number`, `hits` of the argument do not matter): the number, 0 when there is no
 * memory. */
unsigned vx_debug_add_point(struct vx_debug *debug, const struct vx_debug_point *point);
bool vx_debug_remove_point(struct vx_debug *debug, unsigned number);
/* NULL when there is none. To be changed by the functions below. Valid until points are added or removed. */
const struct vx_debug_point *vx_debug_find_point(const struct vx_debug *debug, unsigned number);
/* The points in the order of their numbers: the first after `number`, NULL at the end. */
const struct vx_debug_point *vx_debug_next_point(const struct vx_debug *debug, unsigned number);
bool vx_debug_enable_point(struct vx_debug *debug, unsigned number, bool enabled);
bool vx_debug_set_ignore(struct vx_debug *debug, unsigned number, uint64_t ignore);
bool vx_debug_set_conditional(struct vx_debug *debug, unsigned number, bool conditional);

/* ---- stops ------------------------------------------------------------------------------------------------------- */

enum vx_stop_cause {
    VX_CAUSE_START,    /* before the first instruction after vx_debug_stop_at_start() */
    VX_CAUSE_POINT,    /* `point` */
    VX_CAUSE_STEP,     /* what was asked for by vx_debug_go_*() is done */
    VX_CAUSE_REQUEST,  /* vx_debug_request_stop() */
    VX_CAUSE_SHUTDOWN, /* triple fault: the state that it left; going on resets the machine */
};

struct vx_debug_stop {
    enum vx_stop_cause cause;
    struct vx_debug_point point; /* as it was; a temporary one is gone by now */
    /* What has happened, by kind of point: */
    uint16_t cs;
    uint64_t eip;     /* the instruction that did it: with CS */
    uint8_t access;   /* VX_WATCH_*: WATCH, IO, MMIO */
    unsigned bytes;   /* of the access */
    uint64_t lin;     /* WATCH; EXCEPTION, of a page fault: what was accessed */
    uint64_t address; /* WATCH, MMIO: physical; IO: port; EXCEPTION: as lin */
    uint64_t old,
        new; /* WATCH: up to 8 bytes before and (writes) after; IO, MMIO writes, CR3, MODE (vx_mode_bits()): new */
    bool by_device; /* WATCH: DMA; `lin` says nothing */
    uint32_t vector, error;
};

struct vx_debug_front {
    void (*stopped)(void *opaque, const struct vx_debug_stop *stop);
    /* Does the condition of a reached point hold? `stop` is what stopped() would get. */
    bool (*condition)(void *opaque, const struct vx_debug_stop *stop);
    /* See vx_debug_set_tracing(). May be NULL. */
    void (*trace)(void *opaque);
    void (*access)(void *opaque, enum vx_space space, uint64_t address, unsigned bytes, unsigned access,
                   uint64_t value);
    /* Every event as it is noted, in the middle of an instruction. May be NULL. */
    void (*event)(void *opaque, enum vx_debug_event event, uint64_t value, uint64_t detail);
};

/* Attaches the debugger to the vCPU. A second front replaces the first; NULL takes it away, and with it all points. */
void vx_debug_set_front(struct vx_debug *debug, const struct vx_debug_front *front, void *opaque);
bool vx_debug_has_front(const struct vx_debug *debug);
void vx_debug_stop_at_start(struct vx_debug *debug);

/* Any thread: stops at the next boundary. Nothing happens while there is no front. */
void vx_debug_request_stop(struct vx_debug *debug);

/* ---- going on; from inside stopped() ----------------------------------------------------------------------------- */

void vx_debug_go(struct vx_debug *debug);
/* n instructions, into everything. */
void vx_debug_go_step(struct vx_debug *debug, uint64_t n);
/* n instructions; a CALL, INT, HLT, REP string instruction or LOOP to itself counts with all that it starts. */
void vx_debug_go_next(struct vx_debug *debug, uint64_t n);
/* Instructions, as step, until one leads out of the linear addresses [first, last]; at least one. */
void vx_debug_go_range(struct vx_debug *debug, uint64_t first, uint64_t last);
/* To the caller of the present function: up to and including its RET or IRET. */
void vx_debug_go_finish(struct vx_debug *debug);
/* As next, but a branch backwards is run until the address behind it is reached: leaves a loop. */
void vx_debug_go_until(struct vx_debug *debug);
/* One translation unit, as far as control does not leave it early. */
void vx_debug_go_unit(struct vx_debug *debug);

/* While single instructions are stepped no interrupt is delivered (false at first). One that is run with all that it
 * starts (by next, or a CALL within finish) runs with interrupts, and HLT, which ends by one, is stepped over. */
void vx_debug_set_hold_interrupts(struct vx_debug *debug, bool hold);
bool vx_debug_hold_interrupts(const struct vx_debug *debug);
/* vx_debug_go_step() runs INT n, INT3, INTO and INT1 with all that they start (false at first). */
void vx_debug_set_step_over_int(struct vx_debug *debug, bool over);
bool vx_debug_step_over_int(const struct vx_debug *debug);
/* Instructions are counted exactly from here on, not only while a COUNT point is enabled (false at first). */
void vx_debug_set_counting(struct vx_debug *debug, bool counting);
/* What costs while it is on: each makes every instruction a step of its own, but for IO. */
enum {
    VX_DEBUG_TRACE_INSNS = 1u << 0,    /* every instruction is shown to the front's trace() */
    VX_DEBUG_TRACE_BRANCHES = 1u << 1, /* taken branches are remembered, see vx_debug_branch() */
    VX_DEBUG_TRACE_IO = 1u << 2,       /* port and MMIO accesses are shown to the front's access() */
};
void vx_debug_set_tracing(struct vx_debug *debug, unsigned what);

/* ---- for the machine --------------------------------------------------------------------------------------------- */

enum vx_debug_go {
    VX_GO_RUN,   /* the engine, with vcpu->retire_limit at most vx_debug_limit() */
    VX_GO_STEP,  /* one instruction by the interpreter, then vx_debug_stepped() */
    VX_GO_LEAVE, /* look at the loop's own requests first */
};
/* At a boundary, after events were taken: may call the front. */
enum vx_debug_go vx_debug_boundary(struct vx_debug *debug);
void vx_debug_stepped(struct vx_debug *debug);
uint64_t vx_debug_limit(const struct vx_debug *debug);
/* Must vcpu->retired be exact while the guest runs? */
bool vx_debug_wants_counts(const struct vx_debug *debug);
bool vx_debug_events_held(const struct vx_debug *debug);

/* Accesses that the machine reports, where these are set. */
struct vx_debug_wants {
    bool io, mmio;
};
const struct vx_debug_wants *vx_debug_wants(const struct vx_debug *debug);
void vx_debug_access(struct vx_debug *debug, enum vx_space space, uint64_t address, unsigned bytes, unsigned access,
                     uint64_t value);

/* ---- what is remembered ------------------------------------------------------------------------------------------ */

struct vx_debug_record {
    enum vx_debug_event event;
    uint64_t value, detail;
    uint16_t cs;
    uint64_t eip;
    uint64_t count; /* vcpu->retired */
    uint64_t ns;    /* guest time */
};
#define VX_DEBUG_RECORDS 256
/* The newest record is 0; false when there is none of that age. */
bool vx_debug_record(const struct vx_debug *debug, unsigned age, struct vx_debug_record *record);

/* A transfer to something else than the next instruction: jumps, calls, returns, events. */
struct vx_debug_branch {
    uint16_t from_cs, to_cs;
    uint64_t from, to; /* offsets in them */
    uint64_t to_lin;
};
#define VX_DEBUG_BRANCHES 256
/* The newest is 0; false when there is none of that age. */
bool vx_debug_branch(const struct vx_debug *debug, unsigned age, struct vx_debug_branch *branch);

/* ---- memory without side effects --------------------------------------------------------------------------------- */

/* Reads and writes by the page tables as they are; no A or D bits, no device register is touched. Return how many bytes
 * were done before something not mapped, or not memory. A window to video memory is memory: read as the guest would
 * read it, but without loading the latches, and written where it is read, whatever the write mode. Writes go to
 * read-only pages too, but not to ROM. */
size_t vx_debug_read(const struct vx_debug *debug, uint64_t lin, void *buf, size_t bytes);
size_t vx_debug_write(const struct vx_debug *debug, uint64_t lin, const void *buf, size_t bytes);
size_t vx_debug_read_phys(const struct vx_debug *debug, uint64_t phys, void *buf, size_t bytes);
size_t vx_debug_write_phys(const struct vx_debug *debug, uint64_t phys, const void *buf, size_t bytes);
/* A device's register at physical `phys`, 1, 2, 4 or 8 bytes as one access, by the device's peek: no side effect. NULL,
 * or why not: nobody answers there, or it cannot be looked at. */
const char *vx_debug_peek(const struct vx_debug *debug, uint64_t phys, unsigned bytes, uint64_t *value);
/* Linear address of sel:off: by the descriptor cache where the selector is loaded, else real mode's rule or the
 * descriptor table. False when there is no such descriptor. */
bool vx_debug_linear(const struct vx_debug *debug, uint16_t sel, uint64_t off, uint64_t *lin);

/* ---- instructions ------------------------------------------------------------------------------------------------ */

enum vx_insn_kind {
    VX_INSN_PLAIN,
    VX_INSN_CALL,
    VX_INSN_INT,
    VX_INSN_HALT,
    VX_INSN_REPEAT,
    VX_INSN_RETURN,
    VX_INSN_BRANCH
};

struct vx_insn {
    unsigned length; /* 1 to 15; 1 with kind PLAIN and text "(bad)" for what is no instruction */
    uint8_t bytes[15];
    enum vx_insn_kind kind;
    bool has_target; /* relative branches and calls: offset in CS */
    uint64_t target;
    bool has_memory; /* a memory operand: segment register and offset by the registers as they are */
    enum vx_segment memory_seg;
    uint64_t memory_off;
    unsigned memory_bytes; /* 0: an address that is not accessed */
    char text[128];
};

enum vx_syntax { VX_SYNTAX_INTEL, VX_SYNTAX_ATT };

/* Names an address for operands: writes "name+off" to text (room bytes, terminated), or returns false. */
typedef bool vx_symbolizer(void *opaque, uint64_t lin, char *text, size_t room);

struct vx_disassembler {
    bool code32; /* else 16-bit */
    bool code64; /* instead: the host's, for translated code */
    enum vx_syntax syntax;
    vx_symbolizer *symbolizer; /* NULL: numbers */
    void *opaque;
};

/* The instruction at CS-offset `off` whose bytes are at linear `lin`. False when not one byte can be read. */
bool vx_debug_disassemble(const struct vx_debug *debug, const struct vx_disassembler *how, uint64_t lin, uint64_t off,
                          struct vx_insn *insn);
/* Bytes that are at hand: the text alone. Returns the length, 0 when they are no instruction. */
unsigned vx_disassemble(const struct vx_disassembler *how, const uint8_t *bytes, size_t count, uint64_t off, char *text,
                        size_t room);

/* What an instruction does to the arithmetic flags (VX_FL_ARITH). */
struct vx_flag_use {
    uint32_t read, written; /* written: or left undefined */
    bool perhaps;           /* written only if a count is not 0 */
    bool can_fault;         /* a handler may see the flags as they were before it */
    uint32_t dead;          /* those written that are written again before anything reads them, if nothing faults */
    uint32_t dead_exact;    /* ... or might see them in a handler: what could be left out and nobody would ever know */
};
/* All but dead and dead_exact. Returns the length, 0 when the bytes are no instruction (which faults). */
unsigned vx_flag_use(const struct vx_disassembler *how, const uint8_t *bytes, size_t count, struct vx_flag_use *use);
/* Fills in what is dead in a straight sequence, behind whose end all flags are needed. */
void vx_flag_liveness(struct vx_flag_use *use, unsigned count);

/* The code segment's default size: 16- or 32-bit code. */
static inline bool vx_code32(const struct vx_vcpu *vcpu)
{
    return (vcpu->seg[VX_CS].attr & VX_ATTR_DB) != 0;
}

#endif

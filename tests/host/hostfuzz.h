/* hostfuzz.h - random user-mode programs on the host's own CPU and on vx86's engines: what they share.
 *
 *     gen.c, state.c  -> native.c, native.S (the CPU below us)   \
 *                     -> guest.c (a vCPU at ring 3)               > compare.c -> known.c -> shrink.c, report.c
 *
 * The process is 64-bit and lives above 4 GiB; programs are 16-bit or 32-bit code and reach only what both sides have
 * below:
 *
 *     HF_CODE          first bytes: the way out, then 32-bit programs; read and execute
 *     HF_CODE16        16-bit programs: base of the LDT's 16-bit code segment
 *     HF_EDGE          pages with nothing behind them, for strings of bytes that end where their page does
 *     HF_SELF          code that may be written, too: programs that change themselves; only there in that mode
 *     HF_DATA          two pages read and write, one read only; nothing around them
 *     HF_SUPER         the guest's tables and handlers, for its ring 0 only; the host has nothing there
 *
 * A program ends with a far jump to the 64-bit code segment, which natively leads to the way out and which the guest's
 * GDT refuses: the same bytes, the same state, two ways of coming back. */
#ifndef VX86_TESTS_HOST_HOSTFUZZ_H
#define VX86_TESTS_HOST_HOSTFUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HF_CODE       0x10000000u
#define HF_CODE_BYTES 0x20000u
#define HF_CODE16     (HF_CODE + 0x10000u)
#define HF_EDGE       0x11000000u
#define HF_SELF       0x12000000u
#define HF_SELF_BYTES 0x8000u
#define HF_DATA       0x20000000u
#define HF_SUPER      0xE3A70000u

enum {
    HF_DATA_BYTES = 0x2000,     /* writable */
    HF_DATA_ALL_BYTES = 0x3000, /* with the read-only page */
    HF_FIRST_PROGRAM = 0x40,    /* offset in the code */
    HF_SUPER_BYTES = 0x4000,
    HF_PAGE_BYTES = 0x1000,
    HF_EDGE_PAGES = 512,
    HF_EDGE_STEP = 2 * HF_PAGE_BYTES, /* from one such page to the next */
    HF_EDGE_ALL_BYTES = HF_EDGE_PAGES * HF_EDGE_STEP,
    HF_EDGE_BYTES = 16, /* the end of each that is used */
};

/* Selectors: those of a Linux host's GDT, and our LDT. */
enum {
    HF_SEL_CODE32 = 0x23,
    HF_SEL_DATA = 0x2B,
    HF_SEL_CODE64 = 0x33,
    HF_SEL_CPU_NUMBER = 0x7B,
    HF_LDT_ENTRIES = 10,
};
#define HF_SEL_LDT(n) ((uint16_t)((n)*8 + 7))
enum { HF_LDT_CODE16, HF_LDT_DATA16, HF_LDT_CODE16_FLAT = 5, HF_LDT_SELF_CODE16 = 8, HF_LDT_SELF_DATA16 };

/* One row of the LDT, as modify_ldt(2) and the guest's descriptors have it. */
struct hf_descriptor {
    uint32_t base, limit;
    bool is_32bit, code, expand_down, read_exec_only, pages, absent;
};
extern const struct hf_descriptor hf_ldt[HF_LDT_ENTRIES];

/* native.S knows the layout. Registers and segments in the manual's encoding order; fx: FXSAVE, 32-bit form. */
struct hf_state {
    uint32_t gpr[8];
    uint32_t eip, eflags;
    uint16_t seg[6];
    _Alignas(64) uint8_t fx[512];
};

enum hf_end {
    HF_END_OUT,     /* came to its far jump */
    HF_END_TRAP,    /* trap, error and (page faults) cr2 say which; eip, eflags as the handler finds them */
    HF_END_ENDLESS, /* was stopped */
    HF_END_SYSCALL, /* asked for the host's services */
    HF_END_STRAY,   /* left 16-bit and 32-bit code */
};

struct hf_outcome {
    struct hf_state state; /* eip: not after HF_END_OUT */
    enum hf_end end;
    uint8_t trap;
    uint32_t error, cr2;
};

/* splitmix64 */
struct hf_rng {
    uint64_t state;
};
static inline uint64_t hf_random(struct hf_rng *rng)
{
    uint64_t z = rng->state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}
static inline uint32_t hf_below(struct hf_rng *rng, uint32_t below)
{
    return (uint32_t)((hf_random(rng) >> 32) * below >> 32);
}
static inline bool hf_one_in(struct hf_rng *rng, uint32_t n)
{
    return hf_below(rng, n) == 0;
}
static inline struct hf_rng hf_seeded(uint64_t seed, uint64_t a, uint64_t b)
{
    struct hf_rng rng = { seed };
    rng.state = hf_random(&rng) ^ a * 0xD1342543DE82EF95ull;
    rng.state = hf_random(&rng) ^ b * 0xA0761D6478BD642Full;
    return rng;
}

/* ---- gen.c */

enum hf_mode {
    HF_MODE_ALL,
    HF_MODE_INT,
    HF_MODE_X87,
    HF_MODE_SSE,
    HF_MODE_BYTES,
    HF_MODE_LENGTH,
    HF_MODE_SELF,
    HF_MODES
};
extern const char *const hf_mode_names[HF_MODES];

enum { HF_INSNS_MAX = 8, HF_PROGRAM_BYTES_MAX = 15 * HF_INSNS_MAX, HF_OUT_BYTES = 8 };

struct hf_program {
    uint32_t lin; /* of the first byte */
    uint8_t bytes, count, len[HF_INSNS_MAX];
    bool code16;
    enum hf_place {
        HF_PLACE_CODE,
        HF_PLACE_EDGE, /* ends where its page does; even ones are whole, odd ones the same without the last byte */
        HF_PLACE_SELF,
    } place;
};

enum { HF_PROGRAMS = 512, HF_STATES = 4, HF_BATCH_CASES = HF_PROGRAMS * HF_STATES };

/* Some programs, their code and their data. A case is a program with one of its states. */
struct hf_batch {
    uint64_t seed, number;
    struct hf_program program[HF_PROGRAMS];
    unsigned states; /* of each program */
    uint8_t code[HF_CODE_BYTES];
    uint8_t edge[HF_EDGE_PAGES][HF_EDGE_BYTES];
    uint8_t self[HF_SELF_BYTES];
    uint8_t data[HF_DATA_ALL_BYTES];
};
void hf_batch_make(struct hf_batch *batch, uint64_t seed, uint64_t number, enum hf_mode mode);
/* The byte at a linear address, and how many there are from there on; NULL: none. */
uint8_t *hf_batch_code(struct hf_batch *batch, uint32_t lin, unsigned *bytes);
/* Writes the far jump that ends a program. */
void hf_put_out(uint8_t *at, bool code16);

/* ---- state.c */
void hf_state_make(struct hf_state *state, const struct hf_batch *batch, unsigned program, unsigned n);
void hf_data_make(uint8_t *data, struct hf_rng *rng);
/* Any value, those at the ends of ranges more often. */
uint32_t hf_value(struct hf_rng *rng);

/* ---- native.c */

/* Prepares the process (LDT, signals, memory below 4 GiB) for native runs. The code is mapped from a file at an offset,
 * the edge pages follow it. Returns NULL, or what this host lacks. Handlers that others installed are called for
 * signals that are not ours. */
const char *hf_native_init(int code_fd, uint64_t code_off, bool self);
/* From here on no system calls but what running programs needs. */
const char *hf_native_confine(void);
/* Lets nothing be written to the read-only page any more; data: what all pages hold. */
void hf_native_data(const uint8_t data[HF_DATA_ALL_BYTES]);
/* What LAR and LSL say; false: nothing. */
bool hf_native_descriptor(uint16_t sel, uint32_t *attr, uint32_t *limit);
void hf_native_run(const struct hf_state *in, struct hf_outcome *out);

/* ---- guest.c */
struct hf_guest;
struct vx_vcpu;
struct vx_cpu_model;
struct hf_guest_config {
    bool translator; /* else: the interpreter */
    bool verify;     /* translations are proven before they run */
    bool stress;     /* the translator does rare things often, from stress_seed */
    uint64_t stress_seed;
    const struct vx_cpu_model *model;
    bool self; /* HF_SELF is there */
};
struct hf_guest *hf_guest_create(const struct hf_guest_config *config);
/* Puts a descriptor with base 0 into the GDT, attr as LAR has it. */
void hf_guest_set_descriptor(struct hf_guest *guest, uint16_t sel, uint32_t attr, uint32_t limit);
void hf_guest_destroy(struct hf_guest *guest);
/* Where the guest's memory is in this process. */
uint8_t *hf_guest_code(struct hf_guest *guest); /* the edge pages follow it */
uint8_t *hf_guest_data(struct hf_guest *guest);
const uint8_t *hf_guest_self(struct hf_guest *guest);
/* Writes there as a device would, so that the translator is told. */
void hf_guest_put_self(struct hf_guest *guest, const uint8_t self[HF_SELF_BYTES]);
int hf_guest_code_fd(struct hf_guest *guest, uint64_t *off);
/* To be called after its code was written from here. */
void hf_guest_code_changed(struct hf_guest *guest);
void hf_guest_run(struct hf_guest *guest, const struct hf_state *in, struct hf_outcome *out);
/* For who wants to watch it step by step: sets the state, returns the CPU. */
struct vx_vcpu *hf_guest_begin(struct hf_guest *guest, const struct hf_state *in);
/* From a signal handler: the program takes too long. */
void hf_guest_stop(struct hf_guest *guest);

/* ---- compare.c */
struct hf_difference {
    char text[160]; /* empty: none */
};
void hf_compare(const struct hf_outcome *host, const struct hf_outcome *guest, struct hf_difference *found);

#endif

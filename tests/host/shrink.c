/* shrink.c - the smallest program and the simplest state that still show a difference, in print.
 *
 * Whatever is taken away is put back when the difference goes with it. What is left of a program moves to its end, so
 * that its way out stays where it is; bytes in front of it become NOPs that the program does not start with. */
#include "lab.h"

#include <stdlib.h>

#include "vx86/compiler.h"

struct shrink {
    struct hf_lab *lab;
    struct hf_guest *guest;
    struct hf_program *program;
    struct hf_state state;
    struct hf_outcome host, out;
    struct hf_difference found;
};

static bool still_differs(struct shrink *s)
{
    struct hf_outcome host, out;
    struct hf_difference found;
    if (!hf_lab_differs(s->lab, s->guest, &s->state, &host, &out, &found) ||
        hf_known(s->lab, s->guest, &s->state, &host, &out) != NULL)
        return false;
    s->host = host;
    s->out = out;
    s->found = found;
    return true;
}

/* Takes bytes [from, from + count) out of the program, moving what is before them up. */
static bool try_cut(struct shrink *s, unsigned from, unsigned count)
{
    struct hf_program *p = s->program, before = *p;
    unsigned room;
    uint8_t *code = hf_batch_code(&s->lab->batch, p->lin, &room), saved[HF_PROGRAM_BYTES_MAX];
    uint32_t eip = s->state.eip;
    memcpy(saved, code, p->bytes);
    memmove(code + count, code, from);
    memset(code, 0x90, count);
    p->lin += count;
    p->bytes = (uint8_t)(p->bytes - count);
    s->state.eip += count;
    hf_lab_code_changed(s->lab);
    if (still_differs(s))
        return true;
    *p = before;
    memcpy(code, saved, p->bytes);
    s->state.eip = eip;
    hf_lab_code_changed(s->lab);
    return false;
}

static void cut_insns(struct shrink *s)
{
    struct hf_program *p = s->program;
    for (unsigned i = p->count; i-- > 0;) {
        unsigned from = 0, len = p->len[i];
        for (unsigned k = 0; k < i; k++)
            from += p->len[k];
        if (!try_cut(s, from, len))
            continue;
        p->count--;
        memmove(p->len + i, p->len + i + 1, p->count - i);
    }
    for (unsigned i = p->bytes; i-- > 0;) { /* prefixes, and bytes that were never run */
        unsigned from = 0, k = 0;
        if (i >= p->bytes || p->bytes == 1 || !try_cut(s, i, 1))
            continue;
        while (k + 1 < p->count && from + p->len[k] <= i)
            from += p->len[k++];
        p->len[k]--;
    }
}

static void simplify_word(struct shrink *s, uint32_t *word, uint32_t simple)
{
    uint32_t before = *word;
    if (before == simple)
        return;
    *word = simple;
    if (!still_differs(s))
        *word = before;
}

static void simplify_state(struct shrink *s)
{
    for (unsigned i = 0; i < 8; i++)
        simplify_word(s, &s->state.gpr[i], 0);
    simplify_word(s, &s->state.eflags, 0x202);
    for (unsigned bit = 0; bit < 22; bit++)
        simplify_word(s, &s->state.eflags, (s->state.eflags & ~(1u << bit)) | 0x202);
    for (unsigned i = 160; i < 288; i += 16) {
        uint8_t before[16];
        memcpy(before, s->state.fx + i, 16);
        memset(s->state.fx + i, 0, 16);
        if (!still_differs(s))
            memcpy(s->state.fx + i, before, 16);
    }
    uint8_t before[32];
    memcpy(before, s->state.fx, 32);
    memcpy(s->state.fx, (const uint8_t[]){ 0x7F, 3, 0, 0, 0 }, 5);
    memcpy(s->state.fx + 24, (const uint8_t[]){ 0x80, 0x1F, 0, 0 }, 4);
    if (!still_differs(s))
        memcpy(s->state.fx, before, 32);
}

static void print_code(const struct shrink *s)
{
    static const uint32_t code16_base[] = { [HF_PLACE_CODE] = HF_CODE16, [HF_PLACE_SELF] = HF_SELF };
    const struct hf_program *p = s->program;
    unsigned room;
    const uint8_t *code = hf_batch_code(&s->lab->batch, p->lin, &room);
    ZydisMachineMode mode = p->code16 ? ZYDIS_MACHINE_MODE_LEGACY_16 : ZYDIS_MACHINE_MODE_LEGACY_32;
    for (unsigned at = 0; at < p->bytes;) {
        ZydisDisassembledInstruction z;
        unsigned len = 1;
        const char *text = "(bad)";
        if (ZYAN_SUCCESS(ZydisDisassembleIntel(mode, p->lin + at - (p->code16 ? code16_base[p->place] : 0), code + at,
                                               p->bytes + (p->place == HF_PLACE_EDGE ? 0u : 15u) - at, &z))) {
            len = z.info.length;
            text = z.text;
        }
        printf("   %08x ", p->lin + at);
        for (unsigned i = 0; i < 15 && (i < len || i < 8); i++)
            printf(i < len ? " %02x" : "   ", code[at + i]);
        printf("  %s\n", text);
        at += len;
    }
}

static void print_fx(const uint8_t *fx)
{
    uint16_t control, status;
    uint32_t mxcsr;
    memcpy(&control, fx, 2);
    memcpy(&status, fx + 2, 2);
    memcpy(&mxcsr, fx + 24, 4);
    printf("          fcw %04x fsw %04x tags %02x mxcsr %05x\n", control, status, fx[4], mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        uint16_t exponent;
        uint64_t mantissa, xmm[2];
        memcpy(&mantissa, fx + 32 + 16 * i, 8);
        memcpy(&exponent, fx + 40 + 16 * i, 2);
        memcpy(xmm, fx + 160 + 16 * i, 16);
        printf("          st%u %04x.%016llx   xmm%u %016llx.%016llx\n", i, exponent, (unsigned long long)mantissa, i,
               (unsigned long long)xmm[1], (unsigned long long)xmm[0]);
    }
}

static void print_state(const char *name, const struct hf_state *state)
{
    printf("   %-6s eax %08x ecx %08x edx %08x ebx %08x esp %08x ebp %08x esi %08x edi %08x\n", name, state->gpr[0],
           state->gpr[1], state->gpr[2], state->gpr[3], state->gpr[4], state->gpr[5], state->gpr[6], state->gpr[7]);
    printf("          eip %08x eflags %06x es %02x cs %02x ss %02x ds %02x fs %02x gs %02x\n", state->eip,
           state->eflags, state->seg[0], state->seg[1], state->seg[2], state->seg[3], state->seg[4], state->seg[5]);
    print_fx(state->fx);
}

void hf_shrink_and_print(struct hf_lab *lab, struct hf_guest *guest, uint64_t number, const struct hf_state *state)
{
    unsigned index = (unsigned)(number % (HF_PROGRAMS * lab->batch.states)) / lab->batch.states;
    struct shrink s = { .lab = lab, .guest = guest, .program = &lab->batch.program[index], .state = *state };
    struct hf_batch *whole = malloc(sizeof *whole);
    if (whole != NULL)
        *whole = lab->batch;
    if (still_differs(&s)) {
        cut_insns(&s);
        simplify_state(&s);
        still_differs(&s);
    }
    printf("case %llu (seed %llu), %s: %s\n", (unsigned long long)number, (unsigned long long)lab->options.seed,
           guest == lab->bt ? "bt" : "interp", s.found.text);
    print_code(&s);
    if (lab->options.verbose) {
        print_state("start", &s.state);
        print_state("host", &s.host.state);
        print_state("guest", &s.out.state);
    }
    fflush(stdout);
    if (whole != NULL)
        lab->batch = *whole;
    free(whole);
    hf_lab_code_changed(lab);
}

/* test_fp_control.c - x87 control instructions and state images against the host and by table; availability (#NM, #UD),
 * pending exceptions (#MF, FERR#), FXSAVE, FXRSTOR and MXCSR. */
#include "fp_harness.h"
#include "golden.h"
#include "interp_table.h"

#include <stdlib.h>

struct fsave {
    uint32_t fcw, fsw, ftw, fip, fcs_fop, fdp, fds;
    uint8_t st[8][10];
};

static void load_guest(struct vx_vcpu *cpu, const struct fsave *s)
{
    fx_set16(cpu, FX_FCW, (uint16_t)s->fcw);
    fx_set16(cpu, FX_FSW, (uint16_t)s->fsw);
    fx_set32(cpu, FX_FIP, s->fip);
    fx_set32(cpu, FX_FDP, s->fdp);
    fx_set16(cpu, FX_FCS, (uint16_t)s->fcs_fop);
    fx_set16(cpu, FX_FDS, (uint16_t)s->fds);
    fx_set16(cpu, FX_FOP, (uint16_t)(s->fcs_fop >> 16 & 0x7FF));
    cpu->fx[FX_FTW] = 0;
    for (unsigned i = 0; i < 8; i++) {
        memcpy(cpu->fx + FX_ST + 16 * i, s->st[i], 10);
        cpu->fx[FX_FTW] |= (uint8_t)(((s->ftw >> (2 * i) & 3) != 3) << i);
    }
}

static void random_image(uint64_t *rng, struct fsave *s, bool may_be_pending)
{
    uint64_t r = test_random(rng);
    *s = (struct fsave){ .fcw = 0x40 | (r & 0xF3F),
                         .fsw = (r >> 16) & 0x7F7F,
                         .ftw = (uint32_t)(test_random(rng) & 0xFFFF) };
    if (!may_be_pending)
        s->fsw &= ~(uint32_t)FP_ALL | s->fcw;
    if (s->fsw & ~s->fcw & FP_ALL)
        s->fsw |= FSW_ES | FSW_B;
    for (unsigned i = 0; i < 8; i++) {
        struct fp_f80 v = random_f80(rng);
        memcpy(s->st[i], &v.sig, 8);
        memcpy(s->st[i] + 8, &v.se, 2);
    }
}

typedef void host_fn(const struct fsave *in, uint8_t *memory, struct fsave *out);

/* frstor [rdi]; <66> <insn, memory operand at [rsi]>; fnsave [rdx]; fninit; ret */
static host_fn *make_host(bool short_form, uint8_t opcode, uint8_t modrm)
{
    const uint8_t code[] = { 0xDD, 0x27, short_form ? 0x66 : 0x90, opcode, modrm, 0xDD, 0x32, 0xDB, 0xE3, 0xC3 };
    return (host_fn *)host_code(code, sizeof code);
}

/* The registers and words of both; the pointers are the host maker's matter. */
static bool same_state(const struct vx_vcpu *cpu, const struct fsave *host)
{
    for (unsigned i = 0; i < 8; i++)
        if (memcmp(cpu->fx + FX_ST + 16 * i, host->st[i], 10) != 0)
            return false;
    return fx_get16(cpu, FX_FCW) == (uint16_t)host->fcw && fx_get16(cpu, FX_FSW) == (uint16_t)host->fsw &&
           vx_x87_tags(cpu) == (host->ftw & 0xFFFF);
}

static void add_state(struct golden *golden, const struct vx_vcpu *cpu, bool ok)
{
    golden_add32(golden, ok);
    golden_add32(golden, (uint32_t)fx_get16(cpu, FX_FCW) << 16 | fx_get16(cpu, FX_FSW));
    golden_add32(golden, vx_x87_tags(cpu));
    for (unsigned i = 0; i < 8; i++)
        golden_add(golden, cpu->fx + FX_ST + 16 * i, 10);
}

/* Blanks the pointer fields (3 to 6) of an environment image. */
static void blank_pointers(uint8_t *image, bool short_form)
{
    unsigned width = short_form ? 2 : 4;
    memset(image + 3 * width, 0, 4 * width);
}

Test(fp_control, against_host)
{
    static const struct {
        uint8_t opcode, modrm;
        bool waits, image;
    } rows[] = {
        { 0xD9, 0x26, true, false },  /* FLDENV */
        { 0xD9, 0x2E, true, false },  /* FLDCW */
        { 0xD9, 0x36, false, true },  /* FNSTENV */
        { 0xD9, 0x3E, false, false }, /* FNSTCW */
        { 0xDD, 0x26, true, false },  /* FRSTOR */
        { 0xDD, 0x36, false, true },  /* FNSAVE */
        { 0xDD, 0x3E, false, false }, /* FNSTSW */
        { 0xDB, 0xE2, false, false }, /* FNCLEX */
        { 0xDB, 0xE3, false, false }, /* FNINIT */
    };
    char text[200] = "";
    struct golden golden = { 0 };
    uint64_t rng = 99;
    for (unsigned row = 0; row < 2 * VX_ARRAY_LEN(rows); row++) {
        bool short_form = row & 1;
        uint8_t opcode = rows[row / 2].opcode, modrm = rows[row / 2].modrm;
        host_fn *host = HAS_X86_HOST ? make_host(short_form, opcode, modrm) : NULL;
        struct vx_vcpu *cpu = harness_cpu();
        for (unsigned n = 0; n < 3000 && text[0] == '\0'; n++) {
            struct fsave start, operand, after;
            uint8_t host_memory[128];
            random_image(&rng, &start, !rows[row / 2].waits);
            random_image(&rng, &operand, true);
            operand.fcw = (uint32_t)test_random(&rng) & 0xFFFF; /* reserved bits too */
            operand.fsw ^= (uint32_t)test_random(&rng) & (FSW_ES | FSW_B);
            memset(test_memory, 0, 128);
            memcpy(test_memory, &operand, sizeof operand);
            if (host != NULL)
                host(&start, test_memory, &after);
            memcpy(host_memory, test_memory, sizeof host_memory);
            memset(test_memory, 0, 128);
            memcpy(test_memory, &operand, sizeof operand);
            load_guest(cpu, &start);
            struct insn in = harness_insn(cpu, 0, opcode, modrm, 0);
            in.op_size = short_form ? 2 : 4;
            bool ok = interp_x87(&in);
            if (rows[row / 2].image) {
                blank_pointers(host_memory, short_form);
                blank_pointers(test_memory, short_form);
            }
            add_state(&golden, cpu, ok);
            golden_add(&golden, test_memory, sizeof host_memory);
            if (host == NULL)
                continue;
            if (!ok || !same_state(cpu, &after) || memcmp(host_memory, test_memory, sizeof host_memory) != 0)
                snprintf(text, sizeof text,
                         "%s%02X %02X: start fcw %04x fsw %04x, host %04x %04x %04x, guest %04x %04x %04x%s",
                         short_form ? "66 " : "", opcode, modrm, start.fcw, start.fsw, after.fcw & 0xFFFF,
                         after.fsw & 0xFFFF, after.ftw & 0xFFFF, fx_get16(cpu, FX_FCW), fx_get16(cpu, FX_FSW),
                         vx_x87_tags(cpu), ok ? "" : " (fault)");
        }
        if (host != NULL)
            munmap((void *)host, 4096);
    }
    cr_assert(text[0] == '\0', "%s", text);
    golden_check(&golden, "fp_control against_host");
}

/* fxrstor [rdi]; fxsave [rdx]; fninit; ret: what FXRSTOR makes of each FCW, FSW and tag byte. */
Test(fp_control, fxrstor_against_host)
{
    static const uint8_t code[] = { 0x0F, 0xAE, 0x0F, 0x0F, 0xAE, 0x02, 0xDB, 0xE3, 0xC3 };
    typedef void fxrstor_fn(const uint8_t *in, uint8_t *memory, uint8_t *out);
    fxrstor_fn *host = HAS_X86_HOST ? (fxrstor_fn *)host_code(code, sizeof code) : NULL;
    struct golden golden = { 0 };
    struct vx_vcpu *cpu = harness_cpu();
    uint64_t rng = 7;
    char text[160] = "";
    for (unsigned n = 0; n < 5000 && text[0] == '\0'; n++) {
        _Alignas(16) uint8_t out[512];
        for (unsigned i = 0; i < FX_BYTES; i += 8) {
            uint64_t v = test_random(&rng);
            memcpy(test_memory + i, &v, 8);
        }
        uint32_t mxcsr = 0x1F80;
        memcpy(test_memory + FX_MXCSR, &mxcsr, 4);
        if (host != NULL)
            host(test_memory, NULL, out);
        struct insn in = harness_insn(cpu, 1, 0xAE, 0x0E, 0);
        bool ok = interp_fxrstor(&in);
        add_state(&golden, cpu, ok);
        golden_add(&golden, cpu->fx + FX_XMM, 128);
        if (host == NULL)
            continue;
        bool same = ok && memcmp(out, cpu->fx, 5) == 0 && memcmp(out + FX_XMM, cpu->fx + FX_XMM, 128) == 0;
        for (unsigned i = 0; i < 8; i++)
            same = same && memcmp(out + FX_ST + 16 * i, cpu->fx + FX_ST + 16 * i, 16) == 0;
        if (!same)
            snprintf(text, sizeof text,
                     "image fcw %02x%02x fsw %02x%02x: host %02x%02x %02x%02x %02x, guest %02x%02x %02x%02x %02x",
                     test_memory[1], test_memory[0], test_memory[3], test_memory[2], out[1], out[0], out[3], out[2],
                     out[4], cpu->fx[1], cpu->fx[0], cpu->fx[3], cpu->fx[2], cpu->fx[4]);
    }
    cr_assert(text[0] == '\0', "%s", text);
    golden_check(&golden, "fp_control fxrstor");
}

/* The four layouts of FNSTENV, and back through FLDENV. */
Test(fp_control, layouts)
{
    static const struct {
        bool protected_mode;
        uint8_t op_size;
        uint32_t expected[7];
    } rows[] = {
        { true, 4, { 0xFFFF037F, 0xFFFF3800, 0xFFFF3FFF, 0x12345678, 0x01D80023, 0x9ABCDEF0, 0xFFFF002B } },
        { true, 2, { 0x037F, 0x3800, 0x3FFF, 0x5678, 0x0023, 0xDEF0, 0x002B } },
        /* Linear 12345678h + 230h = 123458A8h, 9ABCDEF0h + 2B0h = 9ABCE1A0h. */
        { false, 4, { 0xFFFF037F, 0xFFFF3800, 0xFFFF3FFF, 0x58A8, 0x012341D8, 0xE1A0, 0x09ABC000 } },
        { false, 2, { 0x037F, 0x3800, 0x3FFF, 0x58A8, 0x41D8, 0xE1A0, 0xC000 } },
    };
    char text[160] = "";
    for (unsigned row = 0; row < VX_ARRAY_LEN(rows); row++) {
        struct vx_vcpu *cpu = harness_cpu();
        unsigned width = rows[row].op_size;
        cpu->cr0 = rows[row].protected_mode ? cpu->cr0 : cpu->cr0 & ~(uint64_t)VX_CR0_PE;
        struct fsave state = { .fcw = 0x037F,
                               .fsw = 0x3800,
                               .ftw = 0x3FFF,
                               .fip = 0x12345678,
                               .fcs_fop = 0x01D80023,
                               .fdp = 0x9ABCDEF0,
                               .fds = 0x2B };
        state.st[0][7] = 0x80;
        state.st[0][9] = 0x3F;
        load_guest(cpu, &state);
        struct insn in = harness_insn(cpu, 0, 0xD9, 0x36, 0);
        in.op_size = (uint8_t)width;
        bool ok = interp_x87(&in);
        for (unsigned i = 0; i < 7; i++) {
            uint32_t got = 0;
            memcpy(&got, test_memory + width * i, width);
            if (!ok || got != rows[row].expected[i])
                snprintf(text, sizeof text, "layout %u field %u: %08x, expected %08x", row, i, got,
                         rows[row].expected[i]);
        }
        uint8_t first[28];
        memcpy(first, test_memory, sizeof first);
        in = harness_insn(cpu, 0, 0xD9, 0x26, 0);
        in.op_size = (uint8_t)width;
        ok = interp_x87(&in);
        in = harness_insn(cpu, 0, 0xD9, 0x36, 0);
        in.op_size = (uint8_t)width;
        ok = ok && interp_x87(&in);
        /* A short protected-mode image has no opcode; nothing else may be lost. */
        if (!ok || memcmp(first, test_memory, 7 * width) != 0)
            snprintf(text, sizeof text, "layout %u does not survive FLDENV", row);
    }
    cr_assert(text[0] == '\0', "%s", text);
}

/* As interp.c does it: by opcode; group 15 (0F AE) by the encoding's row. */
static bool run(struct insn *in)
{
    static interp_handler *const group15[4] = { interp_fxsave, interp_fxrstor, interp_ldmxcsr, interp_stmxcsr };
    if (in->map == 0)
        return interp_x87(in);
    if (in->opcode != 0xAE)
        return interp_sse(in);
    const struct vx_isa_insn encoding = { in->map, in->opcode, in->modrm, in->rep, in->prefix_66, false };
    if (!vx_isa_legal(in->cpu->model, &encoding))
        return insn_ud(in);
    return in->mod == 3 || group15[in->reg](in);
}

/* Which control bits make which instruction unavailable. */
Test(fp_control, availability)
{
    enum { EM = VX_CR0_EM, TS = VX_CR0_TS, MP = VX_CR0_MP };
    static const struct {
        uint8_t map, opcode, modrm;
        bool p66;
        uint32_t cr0;
        bool osfxsr;
        int vector;
    } rows[] = {
        { 0, 0xD9, 0xE8, 0, 0, 1, -1 },
        { 0, 0xD9, 0xE8, 0, EM, 1, VX_NM },
        { 0, 0xD9, 0xE8, 0, TS, 1, VX_NM },
        { 0, 0xDB, 0xE3, 0, TS, 1, VX_NM },
        { 0, 0x9B, 0x00, 0, TS, 1, -1 },
        { 0, 0x9B, 0x00, 0, TS | MP, 1, VX_NM },
        { 0, 0x9B, 0x00, 0, EM, 1, -1 },
        { 0, 0x9B, 0x00, 0, EM | MP, 1, -1 },
        { 1, 0x77, 0x00, 0, 0, 0, -1 },
        { 1, 0x77, 0x00, 0, EM, 0, VX_UD },
        { 1, 0x77, 0x00, 0, TS, 0, VX_NM },
        { 1, 0x77, 0x00, 0, EM | TS, 0, VX_UD },
        { 1, 0x58, 0xC1, 0, 0, 1, -1 },
        { 1, 0x58, 0xC1, 0, 0, 0, VX_UD },
        { 1, 0x58, 0xC1, 0, EM, 1, VX_UD },
        { 1, 0x58, 0xC1, 0, TS, 1, VX_NM },
        { 1, 0x58, 0xC1, 0, TS, 0, VX_UD },
        { 1, 0xEF, 0xC1, 0, 0, 0, -1 },
        { 1, 0xEF, 0xC1, 1, 0, 0, VX_UD },
        { 1, 0xC3, 0x06, 0, EM | TS, 0, -1 },
        { 1, 0xAE, 0x06, 0, 0, 0, -1 },
        { 1, 0xAE, 0x06, 0, TS, 1, VX_NM },
        { 1, 0xAE, 0x0E, 0, EM, 1, VX_NM },
        { 1, 0xAE, 0x16, 0, 0, 1, -1 },
        { 1, 0xAE, 0x16, 0, 0, 0, VX_UD },
        { 1, 0xAE, 0x1E, 0, TS, 1, VX_NM },
        { 1, 0xAE, 0x1E, 0, EM, 1, VX_UD },
        { 1, 0xAE, 0xE8, 0, EM | TS, 0, -1 },
        { 1, 0xAE, 0xF0, 0, EM | TS, 0, -1 },
        { 1, 0xAE, 0xF8, 0, EM | TS, 0, -1 },
        { 1, 0xAE, 0xC0, 0, 0, 1, VX_UD },
        { 1, 0xAE, 0x26, 0, 0, 1, VX_UD },
        { 1, 0xAE, 0xE8, 1, 0, 1, VX_UD },
        /* Encodings that do not exist on this CPU: illegal prefixes and forms. */
        { 0, 0xD9, 0xD1, 0, 0, 1, VX_UD },
        { 0, 0xD9, 0x0E, 0, 0, 1, VX_UD },
        { 0, 0xDA, 0xE8, 0, 0, 1, VX_UD },
        { 1, 0x2B, 0xC1, 0, 0, 1, VX_UD },
        { 1, 0x13, 0xC1, 0, 0, 1, VX_UD },
        { 1, 0x12, 0xC1, 1, 0, 1, VX_UD },
        { 1, 0x50, 0x06, 0, 0, 1, VX_UD },
        { 1, 0xD6, 0xC1, 0, 0, 1, VX_UD },
        { 1, 0x6C, 0xC1, 0, 0, 1, VX_UD },
        { 1, 0xC3, 0xC1, 0, 0, 1, VX_UD },
        { 1, 0xC3, 0x06, 1, 0, 1, VX_UD },
        { 1, 0x73, 0xD9, 0, 0, 1, VX_UD },
        { 1, 0x71, 0xC1, 0, 0, 1, VX_UD },
        { 1, 0xF7, 0x06, 0, 0, 1, VX_UD },
        { 1, 0x52, 0xC1, 1, 0, 1, VX_UD },
    };
    char text[160] = "";
    for (unsigned row = 0; row < VX_ARRAY_LEN(rows); row++) {
        struct vx_vcpu *cpu = harness_cpu();
        cpu->cr0 = (cpu->cr0 & ~(uint64_t)(EM | TS | MP)) | rows[row].cr0;
        cpu->cr4 = rows[row].osfxsr ? VX_CR4_OSFXSR : 0;
        memset(test_memory, 0, sizeof test_memory);
        struct insn in = harness_insn(cpu, rows[row].map, rows[row].opcode, rows[row].modrm, 0);
        in.prefix_66 = rows[row].p66;
        bool ok = run(&in);
        int vector = ok ? -1 : cpu->mmu->fault.vector;
        if (vector != rows[row].vector)
            snprintf(text, sizeof text, "row %u, %02X %02X: %d instead of %d", row, rows[row].opcode, rows[row].modrm,
                     vector, rows[row].vector);
    }
    cr_assert(text[0] == '\0', "%s", text);
}

/* FERR# as the machine sees it; raising it may bring INTR up. */
struct ferr {
    unsigned raised, dropped;
    bool interrupts, ignne;
    struct vx_vcpu *cpu;
};

static void on_ferr(void *opaque, bool level)
{
    struct ferr *f = opaque;
    f->raised += level;
    f->dropped += !level;
    if (f->interrupts)
        f->cpu->intr_line = level;
}

static uint64_t on_input(void *opaque, enum vx_vcpu_input what)
{
    const struct ferr *f = opaque;
    return what == VX_INPUT_IGNNE && f->ignne;
}

/* Divide by zero, unmasked, and then an instruction that does or does not wait. */
Test(fp_control, pending)
{
    static const struct {
        uint8_t map, opcode, modrm;
        bool ne, intr, iflag;
        int vector;
        bool again;
        unsigned raised, dropped;
        bool ignne;
    } rows[] = {
        { 0, 0xD9, 0xE8, true, false, true, VX_MF, false, 0, 0, false },
        { 0, 0x9B, 0x00, true, false, true, VX_MF, false, 0, 0, false },
        { 1, 0x77, 0x00, true, false, true, VX_MF, false, 0, 0, false },
        { 1, 0xEF, 0xC1, true, false, true, VX_MF, false, 0, 0, false },
        { 1, 0x58, 0xC1, true, false, true, -1, false, 0, 0, false },
        { 1, 0x2A, 0xC1, true, false, true, VX_MF, false, 0, 0, false },
        { 0, 0xDB, 0xE2, true, false, true, -1, false, 0, 0, false },
        { 0, 0xDF, 0xE0, true, false, true, -1, false, 0, 0, false },
        { 0, 0xD9, 0x2E, true, false, true, VX_MF, false, 0, 0, false },
        { 0, 0xD9, 0x36, true, false, true, -1, false, 0, 0, false },
        { 1, 0xAE, 0x06, true, false, true, -1, false, 0, 0, false },
        { 0, 0xD9, 0xE8, false, true, true, -1, true, 1, 0, false },
        { 0, 0xD9, 0xE8, false, true, false, -1, false, 1, 0, false },
        { 0, 0xD9, 0xE8, false, false, true, -1, false, 1, 0, false },
        { 0, 0x9B, 0x00, false, true, true, -1, true, 1, 0, false },
        { 0, 0xDB, 0xE2, false, true, true, -1, false, 0, 1, false },
        { 0, 0xDB, 0xE3, false, true, true, -1, false, 0, 1, false },
        { 0, 0xDD, 0x36, false, true, true, -1, false, 0, 1, false },
        { 0, 0xD9, 0x36, false, true, true, -1, false, 0, 1, false },
        { 1, 0xEF, 0xC1, false, true, true, -1, true, 1, 0, false },
        { 0, 0xD9, 0xE8, false, true, true, -1, false, 1, 0, true },
        { 0, 0xD9, 0xE8, true, true, true, VX_MF, false, 0, 0, true },
    };
    static const struct vx_vcpu_ops ops = { .ferr = on_ferr, .input = on_input };
    char text[160] = "";
    for (unsigned row = 0; row < VX_ARRAY_LEN(rows); row++) {
        struct vx_vcpu *cpu = harness_cpu();
        struct ferr ferr = { .interrupts = rows[row].intr, .ignne = rows[row].ignne, .cpu = cpu };
        cpu->ops = &ops;
        cpu->ops_opaque = &ferr;
        cpu->iflag = rows[row].iflag;
        cpu->cr0 = rows[row].ne ? cpu->cr0 : cpu->cr0 & ~(uint64_t)VX_CR0_NE;
        memset(test_memory, 0, sizeof test_memory);
        x87_init(cpu);
        fx_set16(cpu, FX_FCW, 0x037B); /* ZM clear */
        x87_push(cpu, fp_pack_f80(fp_from_int(0)));
        x87_push(cpu, fp_pack_f80(fp_from_int(1)));
        struct insn in = harness_insn(cpu, 0, 0xD8, 0xF1, 0); /* FDIV ST, ST(1) */
        bool ok = interp_x87(&in) && (fx_get16(cpu, FX_FSW) & (FSW_ES | FSW_B | FP_ALL)) == (FSW_ES | FSW_B | FP_ZE);
        in = harness_insn(cpu, rows[row].map, rows[row].opcode, rows[row].modrm, 0);
        int vector = -1;
        if (!run(&in))
            vector = cpu->mmu->fault.vector;
        bool again = in.next_eip == in.start_eip;
        if (!ok || vector != rows[row].vector || again != rows[row].again || ferr.raised != rows[row].raised ||
            ferr.dropped != rows[row].dropped)
            snprintf(text, sizeof text, "row %u: vector %d, again %d, FERR# raised %u dropped %u", row, vector, again,
                     ferr.raised, ferr.dropped);
    }
    cr_assert(text[0] == '\0', "%s", text);
}

/* FIP, FCS, FDP, FDS, FOP: written by non-control instructions only. */
Test(fp_control, pointers)
{
    static const struct {
        uint8_t opcode, modrm;
        uint32_t fip;
        uint16_t fcs, fop;
        uint32_t fdp;
        uint16_t fds;
    } rows[] = {
        { 0xD9, 0x06, 0x1000, 0x08, 0x106, 0x40, 0x10 }, /* FLD m32 */
        { 0xD9, 0xE8, 0x1000, 0x08, 0x1E8, 0x77, 0x33 }, /* FLD1: no operand, FDP stays */
        { 0xD9, 0xD0, 0x1000, 0x08, 0x1D0, 0x77, 0x33 }, /* FNOP */
        { 0xD9, 0x2E, 0x66, 0x22, 0x123, 0x77, 0x33 },   /* FLDCW */
        { 0xDD, 0x3E, 0x66, 0x22, 0x123, 0x77, 0x33 },   /* FNSTSW */
        { 0xDB, 0xE2, 0x66, 0x22, 0x123, 0x77, 0x33 },   /* FNCLEX */
        { 0xDF, 0xE0, 0x66, 0x22, 0x123, 0x77, 0x33 },   /* FNSTSW AX */
        { 0xDB, 0xE3, 0, 0, 0, 0, 0 },                   /* FNINIT */
        { 0xDD, 0x36, 0, 0, 0, 0, 0 },                   /* FNSAVE */
    };
    unsigned bad = 0;
    for (unsigned row = 0; row < VX_ARRAY_LEN(rows); row++) {
        struct vx_vcpu *cpu = harness_cpu();
        cpu->seg[VX_CS].sel = 0x08;
        cpu->seg[VX_DS].sel = 0x10;
        memset(test_memory, 0x3F, sizeof test_memory);
        struct fsave state = {
            .fcw = 0x37F, .ftw = 0xFFFF, .fip = 0x66, .fcs_fop = 0x01230022, .fdp = 0x77, .fds = 0x33
        };
        load_guest(cpu, &state);
        struct insn in = harness_insn(cpu, 0, rows[row].opcode, rows[row].modrm, 0x40);
        bool ok = interp_x87(&in) && fx_get32(cpu, FX_FIP) == rows[row].fip && fx_get16(cpu, FX_FCS) == rows[row].fcs &&
                  fx_get16(cpu, FX_FOP) == rows[row].fop && fx_get32(cpu, FX_FDP) == rows[row].fdp &&
                  fx_get16(cpu, FX_FDS) == rows[row].fds;
        if (!ok && bad == 0)
            bad = row + 1;
    }
    cr_assert(bad == 0, "row %u", bad - 1);
}

/* Illegal MXCSR values and misaligned images: #GP(0), nothing loaded. And what CR4.OSXMMEXCPT decides. */
Test(fp_control, mxcsr_and_alignment)
{
    struct vx_vcpu *cpu = harness_cpu();
    const uint32_t bad_mxcsr = 0x00011F80;
    memset(test_memory, 0, sizeof test_memory);
    memcpy(test_memory, &bad_mxcsr, 4);
    struct insn in = harness_insn(cpu, 1, 0xAE, 0x16, 0);
    cr_assert(!run(&in) && cpu->mmu->fault.vector == VX_GP && fx_get32(cpu, FX_MXCSR) == 0x1F80);
    memset(test_memory, 0xFF, 512);
    in = harness_insn(cpu, 1, 0xAE, 0x0E, 0);
    cr_assert(!run(&in) && cpu->mmu->fault.vector == VX_GP && cpu->fx[FX_XMM] == 0);
    in = harness_insn(cpu, 1, 0xAE, 0x06, 8);
    cr_assert(!run(&in) && cpu->mmu->fault.vector == VX_GP);
    in = harness_insn(cpu, 1, 0xAE, 0x06, 1024 - 496);
    cr_assert(!run(&in) && cpu->mmu->fault.vector == VX_PF);

    for (unsigned enabled = 0; enabled < 2; enabled++) {
        cpu = harness_cpu();
        cpu->cr4 = VX_CR4_OSFXSR | (enabled ? VX_CR4_OSXMMEXCPT : 0);
        fx_set32(cpu, FX_MXCSR, 0x1D80);          /* ZM clear */
        in = harness_insn(cpu, 1, 0x5E, 0xC1, 0); /* DIVPS of 0 by 0 and 1 by 0 */
        uint32_t one = 0x3F800000;
        memcpy(cpu->fx + FX_XMM, &one, 4);
        cr_assert(!run(&in) && cpu->mmu->fault.vector == (enabled ? VX_XM : VX_UD));
        cr_assert_eq(fx_get32(cpu, FX_MXCSR), 0x1D80 | FP_IE | FP_ZE);
        cr_assert_eq(fx_get32(cpu, FX_XMM), one);
    }
}

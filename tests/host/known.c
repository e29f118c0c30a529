/* known.c - differences that are meant to be: three tables, one reason a line.
 *
 * A program that differs is stepped through the interpreter: when it executes an instruction of these tables, in the
 * circumstances that they name, it is accepted for that reason and not counted as a difference. */
#include "lab.h"

#include <Zydis/Zydis.h>

#include "vx86/cpu.h"
#include "vx86/isa.h"

static const struct {
    ZydisMnemonic mnemonic;
    const char *reason;
} known_instructions[] = {
    { ZYDIS_MNEMONIC_CPUID, "CPUID tells what each is" },
    { ZYDIS_MNEMONIC_RDTSC, "RDTSC reads a clock" },
    { ZYDIS_MNEMONIC_RDRAND, "RDRAND draws a number" },
    { ZYDIS_MNEMONIC_RDSEED, "RDSEED draws a number" },
    { ZYDIS_MNEMONIC_SGDT, "the host's kernel answers SGDT in place of UMIP's #GP" },
    { ZYDIS_MNEMONIC_SIDT, "the host's kernel answers SIDT in place of UMIP's #GP" },
    { ZYDIS_MNEMONIC_SLDT, "the host's kernel answers SLDT in place of UMIP's #GP" },
    { ZYDIS_MNEMONIC_STR, "the host's kernel answers STR in place of UMIP's #GP" },
    { ZYDIS_MNEMONIC_SMSW, "the host's kernel answers SMSW in place of UMIP's #GP" },
    { ZYDIS_MNEMONIC_INT1, "KVM on an AMD delivers ICEBP with the instruction's own EIP" },
    { ZYDIS_MNEMONIC_SYSENTER, "SYSENTER is an invalid opcode in an AMD's compatibility mode" },
    { ZYDIS_MNEMONIC_SYSCALL, "SYSCALL is the host's, no Intel CPU has it outside 64-bit code" },
    { ZYDIS_MNEMONIC_UD0, "UD0 and UD1 have no ModRM on an AMD" },
    { ZYDIS_MNEMONIC_UD1, "UD0 and UD1 have no ModRM on an AMD" },
    { ZYDIS_MNEMONIC_SYSRET, "SYSRET goes with SYSCALL" },
    { ZYDIS_MNEMONIC_TZCNT, "TZCNT: the model has no BMI, F3 is ignored before BSF" },
    { ZYDIS_MNEMONIC_LZCNT, "LZCNT: the model has no BMI, F3 is ignored before BSR" },
};

/* Instruction sets that the host may have and the model has not, unless it has the feature. */
static const struct {
    ZydisISASet set;
    enum vx_cpu_feature feature;
    const char *reason;
} known_sets[] = {
    { ZYDIS_ISA_SET_SSE3, VX_F_SSE3, "the model is without SSE3" },
    { ZYDIS_ISA_SET_SSE3X87, VX_F_SSE3, "the model is without SSE3" },
    { ZYDIS_ISA_SET_SSSE3, VX_F_SSSE3, "the model is without SSSE3" },
    { ZYDIS_ISA_SET_SSSE3MMX, VX_F_SSSE3, "the model is without SSSE3" },
    { ZYDIS_ISA_SET_SSE4, VX_F_SSE4_1, "the model is without SSE4.1" },
    { ZYDIS_ISA_SET_SSE42, VX_F_SSE4_2, "the model is without SSE4.2" },
    { ZYDIS_ISA_SET_POPCNT, VX_F_POPCNT, "the model is without POPCNT" },
    { ZYDIS_ISA_SET_MOVBE, VX_F_MOVBE, "the model is without MOVBE" },
    { ZYDIS_ISA_SET_AES, VX_F_AES, "the model is without AES" },
    { ZYDIS_ISA_SET_PCLMULQDQ, VX_F_PCLMULQDQ, "the model is without PCLMULQDQ" },
    { ZYDIS_ISA_SET_PREFETCH_NOP, VX_F_PREFETCHW, "the model is without PREFETCHW" },
    { ZYDIS_ISA_SET_MONITOR, VX_F_NEVER, "MONITOR and MWAIT are for ring 0, their #UD is the models'" },
    { ZYDIS_ISA_SET_RDTSCP, VX_F_NEVER, "RDTSCP reads a clock" },
    { ZYDIS_ISA_SET_SSE4A, VX_F_NEVER, "SSE4A is AMD's own" },
    { ZYDIS_ISA_SET_CLZERO, VX_F_NEVER, "CLZERO is AMD's own" },
    { ZYDIS_ISA_SET_MONITORX, VX_F_NEVER, "MONITORX is AMD's own" },
    { ZYDIS_ISA_SET_RDPRU, VX_F_NEVER, "RDPRU is AMD's own" },
    { ZYDIS_ISA_SET_MCOMMIT, VX_F_NEVER, "MCOMMIT is AMD's own" },
    { ZYDIS_ISA_SET_SVM, VX_F_NEVER, "SVM is AMD's own" },
    { ZYDIS_ISA_SET_SNP, VX_F_NEVER, "SNP is AMD's own" },
    { ZYDIS_ISA_SET_AMD_INVLPGB, VX_F_NEVER, "INVLPGB is AMD's own" },
    { ZYDIS_ISA_SET_VTX, VX_F_NEVER, "VMX: no model has it, and it reaches the host's hypervisor" },
    { ZYDIS_ISA_SET_RDPID, VX_F_NEVER, "RDPID is beyond the models" },
    { ZYDIS_ISA_SET_XSAVE, VX_F_NEVER, "XSAVE is beyond the models" },
    { ZYDIS_ISA_SET_XSAVEC, VX_F_NEVER, "XSAVE is beyond the models" },
    { ZYDIS_ISA_SET_XSAVEOPT, VX_F_NEVER, "XSAVE is beyond the models" },
    { ZYDIS_ISA_SET_XSAVES, VX_F_NEVER, "XSAVE is beyond the models" },
    { ZYDIS_ISA_SET_ADOX_ADCX, VX_F_NEVER, "ADX is beyond the models" },
    { ZYDIS_ISA_SET_SHA, VX_F_NEVER, "SHA is beyond the models" },
    { ZYDIS_ISA_SET_GFNI, VX_F_NEVER, "GFNI is beyond the models" },
    { ZYDIS_ISA_SET_CLFLUSHOPT, VX_F_NEVER, "CLFLUSHOPT is beyond the models" },
    { ZYDIS_ISA_SET_CLWB, VX_F_NEVER, "CLWB is beyond the models" },
    { ZYDIS_ISA_SET_INVPCID, VX_F_NEVER, "INVPCID is beyond the models" },
    { ZYDIS_ISA_SET_CET, VX_F_NEVER, "CET is beyond the models" },
};

/* An instruction of the program that differs, before it is executed, and how the program ended on either side. */
struct meeting {
    const struct vx_vcpu *cpu;
    const ZydisDecodedInstruction *z;
    const uint8_t *code; /* 15 bytes from its first opcode byte on */
    const struct hf_outcome *host, *guest;
    bool one_byte, two_byte; /* opcode map */
    bool faults;             /* this is where the host ended, by a trap */
    bool fxsave_differs;     /* in memory nothing differs but MXCSR mask and pointers of an FXSAVE image */
};
typedef bool meets_fn(const struct meeting *m);

static bool has_rep(const struct meeting *m)
{
    for (unsigned i = 0; i < m->z->raw.prefix_count; i++) {
        if ((m->z->raw.prefixes[i].value & 0xFE) == 0xF2)
            return true;
    }
    return false;
}

static bool has_lock(const struct meeting *m)
{
    return m->z->attributes & ZYDIS_ATTRIB_HAS_LOCK;
}

static bool long_operand(const struct meeting *m)
{
    switch (m->z->mnemonic) {
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FNSAVE:
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FBLD:
    case ZYDIS_MNEMONIC_FBSTP: break;
    case ZYDIS_MNEMONIC_FLD:
    case ZYDIS_MNEMONIC_FSTP:
        if (m->z->opcode == 0xDB)
            break;
        return false;
    default: return false;
    }
    return m->faults || m->z->address_width == 16;
}

static bool lock_mov_cr(const struct meeting *m)
{
    return has_lock(m) && m->two_byte && (m->z->opcode & 0xFC) == 0x20;
}

static bool lock_verr(const struct meeting *m)
{
    return has_lock(m) && m->two_byte && m->z->opcode == 0;
}

static bool call_faults(const struct meeting *m)
{
    bool far_call = m->z->opcode == 0x9A || (m->z->opcode == 0xFF && m->z->raw.modrm.reg == 3);
    return m->z->mnemonic == ZYDIS_MNEMONIC_CALL && m->faults && (m->guest->trap == VX_GP || far_call);
}

static bool popa_faults(const struct meeting *m)
{
    return m->one_byte && m->z->opcode == 0x61 && m->faults;
}

/* A register could name a descriptor that the host's kernel has and the guest has not; of memory nothing is known. */
static bool looks_at_descriptor(const struct meeting *m)
{
    ZydisMnemonic mnemonic = m->z->mnemonic;
    if (mnemonic != ZYDIS_MNEMONIC_VERR && mnemonic != ZYDIS_MNEMONIC_VERW && mnemonic != ZYDIS_MNEMONIC_LAR &&
        mnemonic != ZYDIS_MNEMONIC_LSL)
        return false;
    if (m->z->raw.modrm.mod != 3)
        return true;
    unsigned sel = m->cpu->gpr[m->z->raw.modrm.rm] & 0xFFFC;
    return sel >= 8 && sel < 0x80 && !(sel & 4);
}

/* LDMXCSR, or FXRSTOR that has loaded the bit. */
static bool mxcsr_refused(const struct meeting *m)
{
    enum { FX_MXCSR_HIGH = 26, AMD_MM = 1 << 1 };
    bool restored = m->z->mnemonic == ZYDIS_MNEMONIC_FXRSTOR && (m->host->state.fx[FX_MXCSR_HIGH] & AMD_MM);
    return (m->z->mnemonic == ZYDIS_MNEMONIC_LDMXCSR || restored) && m->guest->trap == VX_GP && !m->faults;
}

static bool fxsave_fields(const struct meeting *m)
{
    return m->z->mnemonic == ZYDIS_MNEMONIC_FXSAVE && m->fxsave_differs;
}

static bool maskmovq_faults(const struct meeting *m)
{
    return m->z->mnemonic == ZYDIS_MNEMONIC_MASKMOVQ && m->faults;
}

static bool prefetch_register(const struct meeting *m)
{
    return m->two_byte && m->z->opcode == 0x0D && m->z->raw.modrm.mod == 3;
}

static bool iret_nt(const struct meeting *m)
{
    return m->one_byte && m->z->opcode == 0xCF && (m->cpu->eflags & VX_FL_NT);
}

/* MOVS or STOS that comes to its own bytes before its count is up. */
static bool rep_overwrites_itself(const struct meeting *m)
{
    const struct vx_vcpu *cpu = m->cpu;
    const ZydisDecodedInstruction *z = m->z;
    if (!m->one_byte || ((z->opcode & 0xFE) != 0xA4 && (z->opcode & 0xFE) != 0xAA) || !has_rep(m))
        return false;
    uint32_t mask = z->address_width == 16 ? 0xFFFF : UINT32_MAX, size = z->opcode & 1 ? z->operand_width / 8 : 1;
    int64_t reach = (int64_t)(cpu->gpr[VX_RCX] & mask) * size;
    int64_t code = (uint32_t)vx_cs_lin(cpu), dst = (uint32_t)(cpu->seg[VX_ES].base + (cpu->gpr[VX_RDI] & mask));
    int64_t first = cpu->dflag ? dst + size - reach : dst, end = cpu->dflag ? dst + size : dst + reach;
    return first < code + z->length && end > code;
}

static bool rep_single_step(const struct meeting *m)
{
    return m->z->meta.category == ZYDIS_CATEGORY_STRINGOP && has_rep(m) && m->faults && m->host->trap == VX_DB;
}

static bool repe_cmpsb_faults(const struct meeting *m)
{
    return m->one_byte && m->z->opcode == 0xA6 && m->faults && (m->z->attributes & ZYDIS_ATTRIB_HAS_REPE);
}

static bool far_return_faults(const struct meeting *m)
{
    bool far_return = m->one_byte && (m->z->opcode == 0xCA || m->z->opcode == 0xCB || m->z->opcode == 0xCF);
    return far_return && m->faults && (m->host->trap == VX_PF || m->host->trap == VX_SEG_SS || m->host->trap == VX_AC);
}

static bool loop_condition(const struct meeting *m)
{
    return m->one_byte && (m->z->opcode & 0xFE) == 0xE0 && has_rep(m);
}

static const char gdt_selector[] = "a selector of the host's GDT";

/* What depends on the state that an instruction meets, or on how it ends. */
static const struct {
    meets_fn *meets;
    const char *reason;
} known_meetings[] = {
    { long_operand, "an AMD touches the last byte of a long operand first, and wraps its offset at 64 KiB" },
    { lock_mov_cr, "LOCK MOV CR0 is an AMD's name for MOV CR8" },
    { lock_verr, "an AMD reads the operand of VERR and VERW before it refuses LOCK" },
    { call_faults, "an AMD pushes what it can before it faults in a call" },
    { popa_faults, "an AMD has loaded some registers already when POPA faults" },
    { looks_at_descriptor, gdt_selector },
    { mxcsr_refused, "an AMD's MXCSR has a bit more" },
    { fxsave_fields,
      "FXSAVE: an AMD has a bit more in the MXCSR mask, and stores no x87 pointers without a pending exception" },
    { maskmovq_faults, "an AMD is in MMX state already when MASKMOVQ faults" },
    { prefetch_register, "0F 0D with a register is a NOP on Intel's CPUs, #UD on an AMD" },
    { iret_nt, "IRET with NT: no task switches on a 64-bit host" },
    { rep_overwrites_itself,
      "REP MOVS and STOS over their own bytes: when that is noticed is the implementation's choice" },
    { rep_single_step,
      "RF in the image of a single-step trap in the middle of REP: set, says SDM 3B; an AMD has it clear" },
    { repe_cmpsb_faults, "an AMD reads DS:ESI first in REPE CMPSB alone" },
    { far_return_faults, "an AMD reads the frame of a far return in an order of its own" },
    { loop_condition, "LOOPE and LOOPNE: an AMD lets F2 and F3 choose the condition" },
};

/* Encodings whose very length is another on the host: the byte, and what of the one behind it is not 0. */
static const struct {
    uint8_t first, mask, second;
    const char *reason;
} known_spaces[] = {
    { 0x62, 0xC0, 0xC0, "AVX and its kin are beyond the models" },
    { 0xC4, 0xC0, 0xC0, "AVX and its kin are beyond the models" },
    { 0xC5, 0xC0, 0xC0, "AVX and its kin are beyond the models" },
    { 0x8F, 0x08, 0x08, "an AMD has XOP where POP has no other members" },
    { 0x8F, 0x10, 0x10, "an AMD has XOP where POP has no other members" },
    { 0x8F, 0x20, 0x20, "an AMD has XOP where POP has no other members" },
    { 0x0F, 0xFF, 0x0F, "an AMD has 3DNow! at 0F 0F" },
};

static const char wraps[] = "accesses beyond 4 GiB: wrapping or #GP is the implementation's choice";

static const char *meeting_reason(const struct meeting *m)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(known_spaces); i++) {
        if (m->code[0] == known_spaces[i].first && (m->code[1] & known_spaces[i].mask) == known_spaces[i].second)
            return known_spaces[i].reason;
    }
    if (m->z == NULL)
        return NULL;
    for (unsigned i = 0; i < VX_ARRAY_LEN(known_instructions); i++) {
        if (m->z->mnemonic == known_instructions[i].mnemonic)
            return known_instructions[i].reason;
    }
    for (unsigned i = 0; i < VX_ARRAY_LEN(known_sets); i++) {
        if (m->z->meta.isa_set == known_sets[i].set && !vx_cpu_has(m->cpu->model, known_sets[i].feature))
            return known_sets[i].reason;
    }
    for (unsigned i = 0; i < VX_ARRAY_LEN(known_meetings); i++) {
        if (known_meetings[i].meets(m))
            return known_meetings[i].reason;
    }
    return NULL;
}

static bool refused(const struct hf_outcome *host)
{
    return host->trap == VX_GP || host->trap == VX_SEG_SS;
}

/* The bytes at `lin` as the guest has them now, zeros behind the last; false: there are none. */
static bool copy_code(struct hf_lab *lab, struct hf_guest *guest, uint32_t lin, uint8_t code[15])
{
    unsigned bytes;
    const uint8_t *at = hf_batch_code(&lab->batch, lin, &bytes);
    if (at != NULL && lin - HF_SELF < HF_SELF_BYTES)
        at = hf_guest_self(guest) + (lin - HF_SELF);
    memset(code, 0, 15);
    if (at != NULL)
        memcpy(code, at, bytes < 15 ? bytes : 15);
    return at != NULL;
}

/* Where the guest has ended there is the far jump that ends programs, and no other use of its selector. */
static bool at_way_out(struct hf_lab *lab, struct hf_guest *guest, const struct hf_state *state)
{
    uint16_t cs = state->seg[1];
    bool code16 = cs & 4; /* of the LDT */
    uint32_t base = cs == HF_SEL_LDT(HF_LDT_CODE16) ? HF_CODE16 : cs == HF_SEL_LDT(HF_LDT_SELF_CODE16) ? HF_SELF : 0;
    uint8_t out[HF_OUT_BYTES], code[15];
    hf_put_out(out, code16);
    return copy_code(lab, guest, state->eip + base, code) && memcmp(code, out, code16 ? 8 : 7) == 0;
}

/* All that differs is, in an FXSAVE image at `at`, FOP, FIP, FDP or the third byte of the MXCSR mask. */
static bool only_pointers_differ(const uint8_t *host, const uint8_t *guest, unsigned bytes, unsigned at)
{
    for (unsigned i = 0; i < bytes; i++) {
        unsigned off = i - at;
        if (host[i] != guest[i] && !(off >= 6 && off < 24) && off != 30)
            return false;
    }
    return true;
}

/* The same for an image anywhere, or none. Images are aligned; the first difference is in the first or second 16 bytes.
 * */
static bool only_fxsave_differs(const uint8_t *host, const uint8_t *guest, unsigned bytes)
{
    unsigned i = 0;
    while (i < bytes && host[i] == guest[i])
        i++;
    i &= ~15u;
    return i >= bytes || only_pointers_differ(host, guest, bytes, i) ||
           (i >= 16 && only_pointers_differ(host, guest, bytes, i - 16));
}

static bool fxsave_image_differs(struct hf_lab *lab, struct hf_guest *guest)
{
    return only_fxsave_differs(hf_lab_native_data(lab), hf_guest_data(guest), HF_DATA_BYTES) &&
           (lab->options.mode != HF_MODE_SELF ||
            only_fxsave_differs((const uint8_t *)(uintptr_t)HF_SELF, hf_guest_self(guest), HF_SELF_BYTES));
}

/* By the ends alone. */
static const char *outcome_reason(struct hf_lab *lab, struct hf_guest *engine, const struct hf_outcome *host,
                                  const struct hf_outcome *guest)
{
    if (refused(host) && guest->trap == VX_PF && guest->cr2 >= 0xFFFFFFF0u)
        return wraps;
    if (guest->trap == VX_PF && guest->cr2 - (HF_SUPER - 64) < HF_SUPER_BYTES + 64)
        return "the guest's own tables are in the way";
    if (guest->end == HF_END_OUT && !at_way_out(lab, engine, &guest->state))
        return gdt_selector;
    return NULL;
}

static bool is_prefix(uint8_t byte)
{
    static const uint8_t prefixes[] = { 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3 };
    return memchr(prefixes, byte, sizeof prefixes) != NULL;
}

/* Zydis refuses prefixes where they are illegal; an AMD does not always: the instruction without its first prefixes. */
static bool decode(const ZydisDecoder *decoder, const uint8_t *code, ZydisDecodedInstruction *z)
{
    bool lock = false;
    for (unsigned i = 0; i < 14; i++) {
        if (ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, code + i, 15 - i, z))) {
            z->attributes |= lock ? ZYDIS_ATTRIB_HAS_LOCK : 0;
            return true;
        }
        if (!is_prefix(code[i]))
            return false;
        lock |= code[i] == 0xF0;
    }
    return false;
}

/* The reason, if any, that the instruction before the CPU gives. */
static const char *instruction_reason(struct hf_lab *lab, const struct vx_vcpu *cpu, struct meeting *m)
{
    ZydisDecodedInstruction z;
    uint8_t code[15];
    bool code32 = cpu->seg[VX_CS].attr & VX_ATTR_DB;
    unsigned prefixes = 0;
    if (!copy_code(lab, lab->interp, (uint32_t)vx_cs_lin(cpu), code))
        return NULL;
    while (prefixes < 13 && is_prefix(code[prefixes]))
        prefixes++;
    m->cpu = cpu;
    m->code = code + prefixes;
    m->z = decode(&lab->decoder[code32], code, &z) ? &z : NULL;
    m->one_byte = m->z != NULL && z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT;
    m->two_byte = m->z != NULL && z.opcode_map == ZYDIS_OPCODE_MAP_0F;
    m->faults = m->host->end == HF_END_TRAP && m->host->state.eip == (uint32_t)cpu->rip;
    return meeting_reason(m);
}

const char *hf_known(struct hf_lab *lab, struct hf_guest *engine, const struct hf_state *in,
                     const struct hf_outcome *host, const struct hf_outcome *guest)
{
    enum { STEPS_MAX = 1 << 24, LOOKED_AT = 1 << 16 }; /* after so many it is a loop, and its end is left to look at */
    struct meeting m = { .host = host, .guest = guest, .fxsave_differs = fxsave_image_differs(lab, engine) };
    const char *reason = outcome_reason(lab, engine, host, guest);
    struct vx_vcpu *cpu = hf_guest_begin(lab->interp, in);
    memcpy(hf_guest_data(lab->interp), lab->batch.data, HF_DATA_BYTES);
    if (lab->options.mode == HF_MODE_SELF)
        hf_guest_put_self(lab->interp, lab->batch.self);
    for (unsigned i = 0; i < STEPS_MAX && reason == NULL && cpu->cpl == 3; i++) {
        bool here = host->end == HF_END_TRAP && host->state.eip == (uint32_t)cpu->rip;
        if (i < LOOKED_AT || here)
            reason = instruction_reason(lab, cpu, &m);
        bool last = here && refused(host) && guest->trap == VX_AC;
        if (last) /* what it would be without the alignment check */
            cpu->eflags &= ~(uint32_t)VX_FL_AC;
        vx_interp_step(cpu);
        if (last && reason == NULL && cpu->cpl == 0 && (uint32_t)cpu->cr2 >= 0xFFFFFFF0u)
            reason = wraps;
    }
    return reason;
}

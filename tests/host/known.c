/* known.c - differences that are meant to be, one reason a line.
 *
 * A program that differs is stepped through the interpreter: when it executes an instruction of this table, or comes to where host
 * and guest are not alike, it is not counted as a difference. */
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
    { ZYDIS_ISA_SET_RDRAND, VX_F_NEVER, "RDRAND is beyond the models" },
    { ZYDIS_ISA_SET_RDSEED, VX_F_NEVER, "RDSEED is beyond the models" },
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

static const char *instruction_reason(const struct vx_cpu_model *model, const ZydisDecodedInstruction *z)
{
    for (unsigned i = 0; i < VX_ARRAY_LEN(known_instructions); i++) {
        if (z->mnemonic == known_instructions[i].mnemonic)
            return known_instructions[i].reason;
    }
    for (unsigned i = 0; i < VX_ARRAY_LEN(known_sets); i++) {
        if (z->meta.isa_set == known_sets[i].set && !vx_cpu_has(model, known_sets[i].feature))
            return known_sets[i].reason;
    }
    return NULL;
}

/* In memory only the third byte of an MXCSR mask differs. */
static bool mxcsr_mask_differs(struct hf_lab *lab, struct hf_guest *guest)
{
    const uint8_t *host_data = hf_lab_native_data(lab), *guest_data = hf_guest_data(guest);
    unsigned differ = 0;
    for (unsigned i = 0; i < HF_DATA_BYTES; i++) {
        if (host_data[i] != guest_data[i] && (++differ > 1 || host_data[i] != 2 || guest_data[i] != 0))
            return false;
    }
    return differ != 0;
}

static bool far_call(const ZydisDecodedInstruction *z)
{
    return z->opcode == 0x9A || (z->opcode == 0xFF && z->raw.modrm.reg == 3);
}

static bool far_return(const ZydisDecodedInstruction *z)
{
    return z->opcode == 0xCA || z->opcode == 0xCB || z->opcode == 0xCF;
}

static bool long_operand(const ZydisDecodedInstruction *z)
{
    switch (z->mnemonic) {
    case ZYDIS_MNEMONIC_FLDENV:
    case ZYDIS_MNEMONIC_FNSTENV:
    case ZYDIS_MNEMONIC_FRSTOR:
    case ZYDIS_MNEMONIC_FNSAVE:
    case ZYDIS_MNEMONIC_FXSAVE:
    case ZYDIS_MNEMONIC_FXRSTOR:
    case ZYDIS_MNEMONIC_FBLD:
    case ZYDIS_MNEMONIC_FBSTP: return true;
    case ZYDIS_MNEMONIC_FLD:
    case ZYDIS_MNEMONIC_FSTP: return z->opcode == 0xDB;
    default: return false;
    }
}

static bool has_rep(const ZydisDecodedInstruction *z)
{
    for (unsigned i = 0; i < z->raw.prefix_count; i++) {
        if ((z->raw.prefixes[i].value & 0xFE) == 0xF2)
            return true;
    }
    return false;
}

static bool looks_at_descriptors(const ZydisDecodedInstruction *z)
{
    return z->mnemonic == ZYDIS_MNEMONIC_VERR || z->mnemonic == ZYDIS_MNEMONIC_VERW ||
           z->mnemonic == ZYDIS_MNEMONIC_LAR || z->mnemonic == ZYDIS_MNEMONIC_LSL;
}

/* A register could name a descriptor that the host's kernel has and the guest has not. */
static bool gdt_selector_near(const struct vx_vcpu *cpu)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned sel = cpu->gpr[i] & 0xFFFC;
        if (sel >= 8 && sel < 0x80 && !(sel & 4))
            return true;
    }
    return false;
}

/* MOVS or STOS that comes to its own bytes before its count is up. */
static bool rep_overwrites_itself(const struct vx_vcpu *cpu, const ZydisDecodedInstruction *z)
{
    bool writes = (z->opcode & 0xFE) == 0xA4 || (z->opcode & 0xFE) == 0xAA;
    if (z->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT || !writes || !has_rep(z))
        return false;
    uint32_t mask = z->address_width == 16 ? 0xFFFF : UINT32_MAX, size = z->opcode & 1 ? z->operand_width / 8 : 1;
    int64_t reach = (int64_t)(cpu->gpr[VX_RCX] & mask) * size;
    int64_t code = (uint32_t)vx_cs_lin(cpu), dst = (uint32_t)(cpu->seg[VX_ES].base + (cpu->gpr[VX_RDI] & mask));
    int64_t first = cpu->dflag ? dst + size - reach : dst, end = cpu->dflag ? dst + size : dst + reach;
    return first < code + z->length && end > code;
}

/* What depends on the state that the instruction meets, or on how it ends. */
static const char *state_reason(const struct vx_vcpu *cpu, const ZydisDecodedInstruction *z,
                                const struct hf_outcome *host, const struct hf_outcome *guest)
{
    bool faults = host->end == HF_END_TRAP && host->state.eip == (uint32_t)cpu->rip;
    if (long_operand(z) && (faults || z->address_width == 16))
        return "an AMD touches the last byte of a long operand first, and wraps its offset at 64 KiB";
    if (z->attributes & ZYDIS_ATTRIB_HAS_LOCK) {
        if (z->opcode_map == ZYDIS_OPCODE_MAP_0F && (z->opcode & 0xFC) == 0x20)
            return "LOCK MOV CR0 is an AMD's name for MOV CR8";
        if (z->opcode_map == ZYDIS_OPCODE_MAP_0F && z->opcode == 0)
            return "an AMD reads the operand of VERR and VERW before it refuses LOCK";
    }
    if (z->mnemonic == ZYDIS_MNEMONIC_CALL && faults && (guest->trap == VX_GP || far_call(z)))
        return "an AMD pushes what it can before it faults in a call";
    if (looks_at_descriptors(z) && (z->raw.modrm.mod != 3 || gdt_selector_near(cpu)))
        return "a selector of the host's GDT";
    if (z->mnemonic == ZYDIS_MNEMONIC_MASKMOVQ && faults)
        return "an AMD is in MMX state already when MASKMOVQ faults";
    if (z->opcode_map == ZYDIS_OPCODE_MAP_0F && z->opcode == 0x0D && z->raw.modrm.mod == 3)
        return "0F 0D with a register is a NOP on Intel's CPUs, #UD on an AMD";
    if (z->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT)
        return NULL;
    if (z->opcode == 0xCF && (cpu->eflags & VX_FL_NT))
        return "IRET with NT: no task switches on a 64-bit host";
    if (rep_overwrites_itself(cpu, z))
        return "REP MOVS and STOS over their own bytes: when that is noticed is the implementation's choice";
    if (z->meta.category == ZYDIS_CATEGORY_STRINGOP && has_rep(z) && faults && host->trap == VX_DB)
        return "RF in the image of a single-step trap in the middle of REP: set, says SDM 3B; an AMD has it clear";
    if (z->opcode == 0xA6 && faults && z->attributes & (ZYDIS_ATTRIB_HAS_REPE))
        return "an AMD reads DS:ESI first in REPE CMPSB alone";
    if (far_return(z) && host->state.eip == (uint32_t)cpu->rip &&
        (host->trap == VX_PF || host->trap == VX_SEG_SS || host->trap == VX_AC))
        return "an AMD reads the frame of a far return in an order of its own";
    if ((z->opcode & 0xFE) == 0xE0 && has_rep(z))
        return "LOOPE and LOOPNE: an AMD lets F2 and F3 choose the condition";
    return NULL;
}

static const char wraps[] = "accesses beyond 4 GiB: wrapping or #GP is the implementation's choice";

static bool refused(const struct hf_outcome *host)
{
    return host->trap == VX_GP || host->trap == VX_SEG_SS;
}

static const char *outcome_reason(const struct hf_outcome *host, const struct hf_outcome *guest)
{
    if (refused(host) && guest->trap == VX_PF && guest->cr2 >= 0xFFFFFFF0u)
        return wraps;
    if (guest->trap == VX_PF && guest->cr2 - (HF_SUPER - 64) < HF_SUPER_BYTES + 64)
        return "the guest's own tables are in the way";
    return NULL;
}

/* The far jump that ends a program, and no other use of its selector. */
static bool at_way_out(const struct hf_lab *lab, const struct hf_state *state)
{
    bool code16 = state->seg[1] == HF_SEL_LDT(HF_LDT_CODE16);
    uint32_t off = state->eip + (code16 ? HF_CODE16 : 0) - HF_CODE;
    uint8_t out[HF_OUT_BYTES];
    hf_put_out(out, code16);
    return off < HF_CODE_BYTES - HF_OUT_BYTES && memcmp(lab->batch.code + off, out, code16 ? 8 : 7) == 0;
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

/* Encodings whose very length is another on the host. */
static const char *space_reason(const uint8_t *code)
{
    unsigned i = 0;
    while (i < 13 && is_prefix(code[i]))
        i++;
    if ((code[i] == 0x62 || code[i] == 0xC4 || code[i] == 0xC5) && code[i + 1] >= 0xC0)
        return "AVX and its kin are beyond the models";
    if (code[i] == 0x8F && code[i + 1] & 0x38)
        return "an AMD has XOP where POP has no other members";
    if (code[i] == 0x0F && code[i + 1] == 0x0F)
        return "an AMD has 3DNow! at 0F 0F";
    return NULL;
}

/* The bytes at `lin`, zeros behind the last. */
static bool copy_code(struct hf_lab *lab, uint32_t lin, uint8_t code[15])
{
    unsigned bytes;
    const uint8_t *at = hf_batch_code(&lab->batch, lin, &bytes);
    if (lin - HF_SELF < HF_SELF_BYTES)
        at = hf_guest_self(lab->interp) + (lin - HF_SELF);
    memset(code, 0, 15);
    if (at != NULL)
        memcpy(code, at, bytes < 15 ? bytes : 15);
    return at != NULL;
}

const char *hf_known(struct hf_lab *lab, struct hf_guest *engine, const struct hf_state *in,
                     const struct hf_outcome *host, const struct hf_outcome *guest)
{
    enum { STEPS = 1 << 20 };
    const char *reason = outcome_reason(host, guest);
    bool mask_differs = mxcsr_mask_differs(lab, engine);
    if (reason == NULL && guest->end == HF_END_OUT && !at_way_out(lab, &guest->state))
        reason = "a selector of the host's GDT";
    struct vx_vcpu *cpu = hf_guest_begin(lab->interp, in);
    memcpy(hf_guest_data(lab->interp), lab->batch.data, HF_DATA_BYTES);
    if (lab->options.mode == HF_MODE_SELF)
        hf_guest_put_self(lab->interp, lab->batch.self);
    for (unsigned i = 0; i < STEPS && reason == NULL && cpu->cpl == 3; i++) {
        ZydisDecodedInstruction z;
        uint8_t code[15];
        bool code32 = cpu->seg[VX_CS].attr & VX_ATTR_DB;
        if (!copy_code(lab, (uint32_t)vx_cs_lin(cpu), code))
            break;
        reason = space_reason(code);
        if (reason == NULL && decode(&lab->decoder[code32], code, &z)) {
            reason = instruction_reason(cpu->model, &z);
            if (reason == NULL)
                reason = state_reason(cpu, &z, host, guest);
            if (z.mnemonic == ZYDIS_MNEMONIC_FXSAVE && mask_differs)
                reason = "FXSAVE stores the MXCSR mask, in which an AMD has a bit more";
        }
        bool last = (uint32_t)cpu->rip == host->state.eip && refused(host) && guest->trap == VX_AC;
        if (last) /* what it would be without the alignment check */
            cpu->eflags &= ~(uint32_t)VX_FL_AC;
        vx_interp_step(cpu);
        if (last && reason == NULL && cpu->cpl == 0 && (uint32_t)cpu->cr2 >= 0xFFFFFFF0u)
            reason = wraps;
    }
    return reason;
}

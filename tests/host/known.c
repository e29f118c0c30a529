/* known.c - differences that are meant to be, one reason a line.
 *
 * A program that differs is stepped through the interpreter: when it executes an instruction of this table, or comes to where host
 * and guest are not alike, it is not counted as a difference. */
#include "lab.h"

#include <Zydis/Zydis.h>

#include "vx86/cpu.h"

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
    { ZYDIS_MNEMONIC_FNSTENV, "FNSTENV stores pointers that only the host keeps" },
    { ZYDIS_MNEMONIC_FNSAVE, "FNSAVE stores pointers that only the host keeps" },
    { ZYDIS_MNEMONIC_FXSAVE, "FXSAVE stores the host's MXCSR mask" },
    { ZYDIS_MNEMONIC_SYSRET, "SYSRET goes with SYSCALL" },
    { ZYDIS_MNEMONIC_TZCNT, "TZCNT: the model has no BMI, F3 is ignored before BSF" },
    { ZYDIS_MNEMONIC_LZCNT, "LZCNT: the model has no BMI, F3 is ignored before BSR" },
};

/* Instruction sets that the host has and no CPU model does. */
static const struct {
    ZydisISASet set;
    const char *reason;
} known_sets[] = {
    { ZYDIS_ISA_SET_RDTSCP, "RDTSCP reads a clock" },
    { ZYDIS_ISA_SET_SSE4A, "SSE4A is AMD's own" },
    { ZYDIS_ISA_SET_CLZERO, "CLZERO is AMD's own" },
    { ZYDIS_ISA_SET_MONITORX, "MONITORX is AMD's own" },
    { ZYDIS_ISA_SET_RDPRU, "RDPRU is AMD's own" },
    { ZYDIS_ISA_SET_MCOMMIT, "MCOMMIT is AMD's own" },
    { ZYDIS_ISA_SET_SVM, "SVM is AMD's own" },
    { ZYDIS_ISA_SET_SNP, "SNP is AMD's own" },
    { ZYDIS_ISA_SET_VTX, "VMX: no model has it, and it reaches the host's hypervisor" },
    { ZYDIS_ISA_SET_MONITOR, "MONITOR is beyond the models" },
    { ZYDIS_ISA_SET_RDRAND, "RDRAND is beyond the models" },
    { ZYDIS_ISA_SET_RDSEED, "RDSEED is beyond the models" },
    { ZYDIS_ISA_SET_RDPID, "RDPID is beyond the models" },
    { ZYDIS_ISA_SET_XSAVE, "XSAVE is beyond the models" },
    { ZYDIS_ISA_SET_XSAVEC, "XSAVEC is beyond the models" },
    { ZYDIS_ISA_SET_XSAVEOPT, "XSAVEOPT is beyond the models" },
    { ZYDIS_ISA_SET_XSAVES, "XSAVES is beyond the models" },
    { ZYDIS_ISA_SET_ADOX_ADCX, "ADX is beyond the models" },
    { ZYDIS_ISA_SET_SHA, "SHA is beyond the models" },
    { ZYDIS_ISA_SET_GFNI, "GFNI is beyond the models" },
    { ZYDIS_ISA_SET_CLFLUSHOPT, "CLFLUSHOPT is beyond the models" },
    { ZYDIS_ISA_SET_CLWB, "CLWB is beyond the models" },
    { ZYDIS_ISA_SET_SMAP, "STAC and CLAC need ring 0; their #UD is the models'" },
    { ZYDIS_ISA_SET_SERIALIZE, "SERIALIZE is beyond the models" },
    { ZYDIS_ISA_SET_PREFETCH_NOP, "PREFETCH and PREFETCHW are beyond the models" },
    { ZYDIS_ISA_SET_INVPCID, "INVPCID is beyond the models" },
    { ZYDIS_ISA_SET_RDWRFSGS, "FSGSBASE is for 64-bit code" },
};

static const char *instruction_reason(const ZydisDecodedInstruction *z)
{
    if (z->encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY && z->encoding != ZYDIS_INSTRUCTION_ENCODING_3DNOW)
        return "AVX and its kin are beyond the models";
    for (unsigned i = 0; i < VX_ARRAY_LEN(known_instructions); i++) {
        if (z->mnemonic == known_instructions[i].mnemonic)
            return known_instructions[i].reason;
    }
    for (unsigned i = 0; i < VX_ARRAY_LEN(known_sets); i++) {
        if (z->meta.isa_set == known_sets[i].set)
            return known_sets[i].reason;
    }
    return NULL;
}

static bool far_return(const ZydisDecodedInstruction *z)
{
    return z->opcode == 0xCA || z->opcode == 0xCB || z->opcode == 0xCF;
}

static bool has_rep(const ZydisDecodedInstruction *z)
{
    for (unsigned i = 0; i < z->raw.prefix_count; i++) {
        if ((z->raw.prefixes[i].value & 0xFE) == 0xF2)
            return true;
    }
    return false;
}

/* What depends on the state that the instruction meets, or on how it ends. */
static const char *state_reason(const struct vx_vcpu *cpu, const ZydisDecodedInstruction *z,
                                const struct hf_outcome *host)
{
    if (z->opcode_map != ZYDIS_OPCODE_MAP_DEFAULT)
        return NULL;
    if (z->opcode == 0xCF && (cpu->eflags & VX_FL_NT))
        return "IRET with NT: no task switches on a 64-bit host";
    if (far_return(z) && host->state.eip == (uint32_t)cpu->rip &&
        (host->trap == VX_PF || host->trap == VX_SEG_SS || host->trap == VX_AC))
        return "an AMD reads the frame of a far return in an order of its own";
    if ((z->opcode & 0xFE) == 0xE0 && has_rep(z))
        return "LOOPE and LOOPNE: an AMD lets F2 and F3 choose the condition";
    return NULL;
}

static const char *outcome_reason(const struct hf_outcome *host, const struct hf_outcome *guest)
{
    if (host->trap == VX_AC && guest->trap == VX_PF)
        return "an AMD checks alignment before the page, SDM 3A \"Priority Among Concurrent Events\" has it the other "
               "way";
    if (host->trap == VX_GP && guest->trap != VX_GP && host->state.eflags & VX_FL_AC)
        return "an AMD checks SSE's alignment before page and stack limit when AC is set, and has #GP for all of it";
    if ((host->trap == VX_GP || host->trap == VX_SEG_SS) && guest->trap == VX_PF && guest->cr2 >= 0xFFFFFFF0u)
        return "accesses beyond 4 GiB: wrapping or #GP is the implementation's choice";
    if (guest->trap == VX_PF && guest->cr2 - (HF_SUPER - 64) < HF_SUPER_BYTES + 64)
        return "the guest's own tables are in the way";
    if (host->end == HF_END_OUT && host->trap == 0 && guest->trap == VX_GP && guest->error == 0x78)
        return "a selector of the host's GDT";
    return NULL;
}

const char *hf_known(struct hf_lab *lab, const struct hf_state *in, const struct hf_outcome *host,
                     const struct hf_outcome *guest)
{
    enum { STEPS = 200 };
    const char *reason = outcome_reason(host, guest);
    struct vx_vcpu *cpu = hf_guest_begin(lab->interp, in);
    memcpy(hf_guest_data(lab->interp), lab->batch.data, HF_DATA_BYTES);
    for (unsigned i = 0; i < STEPS && reason == NULL && cpu->cpl == 3; i++) {
        ZydisDecodedInstruction z;
        uint32_t off = (uint32_t)vx_cs_lin(cpu) - HF_CODE;
        bool code32 = cpu->seg[VX_CS].attr & VX_ATTR_DB;
        if (off < HF_CODE_BYTES - 16 &&
            ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&lab->decoder[code32], NULL, lab->batch.code + off, 15, &z))) {
            reason = instruction_reason(&z);
            if (reason == NULL)
                reason = state_reason(cpu, &z, host);
        }
        vx_interp_step(cpu);
    }
    return reason;
}

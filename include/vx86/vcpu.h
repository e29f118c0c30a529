/* vcpu.h - the architectural state of one virtual CPU.
 *
 * Shared by the interpreter (cpu/) and the translator (bt/), which names fields of this struct in the code that it
 * emits. Registers are 64 bits wide and parametrised by mode from the start; in 32-bit guests the upper halves of
 * gpr[] and rip are always zero (I1).
 *
 *   I2  EFLAGS is split: `eflags` holds all bits except IF and DF, which live in `iflag` and `dflag` (one byte each, 0
 *       or 1); bit 1 of `eflags` is always set, and IF/DF there always clear. Use vx_eflags() / vx_set_eflags_raw().
 *   I3  `fx` holds x87, MMX and SSE state in the FXSAVE layout (SDM 1 "FXSAVE Area", 32-bit form), ST(0) first,
 *       the abridged tag word. While translated code runs the state may live in the host's registers instead
 *       (bt brings it home before any C code of another folder runs).
 *   I4  seg[].base/limit/attr are the hidden descriptor parts; in real and VM86 mode they are kept as the CPU keeps
 *       them.
 *
 * Thread rule: the machine thread, except for the attention word. */
#ifndef VX86_VCPU_H
#define VX86_VCPU_H

#include <stdatomic.h>

#include "vx86/log.h"
#include "vx86/mmu.h"
#include "vx86/stats.h"

enum vx_gpr { VX_RAX, VX_RCX, VX_RDX, VX_RBX, VX_RSP, VX_RBP, VX_RSI, VX_RDI };

/* In the manual's encoding order. */
enum vx_segment { VX_ES, VX_CS, VX_SS, VX_DS, VX_FS, VX_GS, VX_SEG_COUNT };

enum {
    VX_FL_CF = 1u << 0,
    VX_FL_1 = 1u << 1,
    VX_FL_PF = 1u << 2,
    VX_FL_AF = 1u << 4,
    VX_FL_ZF = 1u << 6,
    VX_FL_SF = 1u << 7,
    VX_FL_TF = 1u << 8,
    VX_FL_IF = 1u << 9,
    VX_FL_DF = 1u << 10,
    VX_FL_OF = 1u << 11,
    VX_FL_IOPL = 3u << 12,
    VX_FL_NT = 1u << 14,
    VX_FL_RF = 1u << 16,
    VX_FL_VM = 1u << 17,
    VX_FL_AC = 1u << 18,
    VX_FL_VIF = 1u << 19,
    VX_FL_VIP = 1u << 20,
    VX_FL_ID = 1u << 21,
    VX_FL_ARITH = VX_FL_CF | VX_FL_PF | VX_FL_AF | VX_FL_ZF | VX_FL_SF | VX_FL_OF,
};
#define VX_FL_IOPL_SHIFT 12
#define VX_FL_MASK       0x003F7DD5u /* all that are not reserved */

enum {
    VX_CR0_PE = 1u << 0,
    VX_CR0_MP = 1u << 1,
    VX_CR0_EM = 1u << 2,
    VX_CR0_TS = 1u << 3,
    VX_CR0_ET = 1u << 4,
    VX_CR0_NE = 1u << 5,
    VX_CR0_WP = 1u << 16,
    VX_CR0_AM = 1u << 18,
    VX_CR0_NW = 1u << 29,
    VX_CR0_CD = 1u << 30,
    VX_CR0_PG = 1u << 31,
};

enum {
    VX_CR4_VME = 1u << 0,
    VX_CR4_PVI = 1u << 1,
    VX_CR4_TSD = 1u << 2,
    VX_CR4_DE = 1u << 3,
    VX_CR4_PSE = 1u << 4,
    VX_CR4_PAE = 1u << 5,
    VX_CR4_MCE = 1u << 6,
    VX_CR4_PGE = 1u << 7,
    VX_CR4_PCE = 1u << 8,
    VX_CR4_OSFXSR = 1u << 9,
    VX_CR4_OSXMMEXCPT = 1u << 10,
    VX_CR4_UMIP = 1u << 11,
    VX_CR4_SMEP = 1u << 20,
    VX_CR4_SMAP = 1u << 21,
};

enum { VX_EFER_NXE = 1u << 11 };
enum { VX_DEBUGCTL_BTF = 1u << 1 }; /* single-step on branches */

/* Exception vectors (SDM 3A "Exception and Interrupt Reference"). */
enum vx_vector {
    VX_DE = 0,
    VX_DB = 1,
    VX_NMI = 2,
    VX_BP = 3,
    VX_OF = 4,
    VX_BR = 5,
    VX_UD = 6,
    VX_NM = 7,
    VX_DF = 8,
    VX_TS = 10,
    VX_NP = 11,
    VX_SEG_SS = 12,
    VX_GP = 13,
    VX_PF = 14,
    VX_MF = 16,
    VX_AC = 17,
    VX_MC = 18,
    VX_XM = 19,
};

/* Hidden part of a segment register. attr is the descriptor's second word, bits 8..23 shifted down by 8:
 *   15 14 13 12  11..8        7   6 5   4   3..0
 *   [G][DB][L][AVL][limit hi ] [P][ DPL ][S][type]     (limit hi kept as read; `limit` is the expanded byte limit) */
struct vx_seg {
    uint64_t base;
    uint32_t limit; /* last valid offset, G applied (expand-down: last invalid one) */
    uint16_t sel;
    uint16_t attr;
    bool unusable; /* null selector or never loaded: any access faults */
};

enum {
    VX_ATTR_TYPE = 0x000F,
    VX_ATTR_ACCESSED = 0x0001,
    VX_ATTR_WRITABLE = 0x0002,    /* data; for code: readable */
    VX_ATTR_EXPAND_DOWN = 0x0004, /* data; for code: conforming */
    VX_ATTR_CODE = 0x0008,
    VX_ATTR_S = 0x0010,
    VX_ATTR_DPL = 0x0060,
    VX_ATTR_P = 0x0080,
    VX_ATTR_AVL = 0x1000,
    VX_ATTR_L = 0x2000,
    VX_ATTR_DB = 0x4000,
    VX_ATTR_G = 0x8000,
};

struct vx_table_reg {
    uint64_t base;
    uint16_t limit;
}; /* GDTR, IDTR */

/* Interrupt shadow: what inhibits events before the next instruction only. */
enum vx_inhibit { VX_INHIBIT_NONE, VX_INHIBIT_STI, VX_INHIBIT_SS };

/* Reasons for attention: bits of vx_vcpu.attention. Set from any thread, looked at between instructions. */
enum {
    VX_ATTN_INTR = 1u << 0, /* the interrupt line may be up (or IF has become 1 while it is) */
    VX_ATTN_NMI = 1u << 1,
    VX_ATTN_SMI = 1u << 2,
    VX_ATTN_INIT = 1u << 3,
    VX_ATTN_WORK = 1u << 4,  /* timers or posted work wait for the machine's loop */
    VX_ATTN_STOP = 1u << 5,  /* leave the machine's loop (power-off, reset, timeout, ...) */
    VX_ATTN_DEBUG = 1u << 6, /* a debugger wants the next boundary */
};

/* What a debugger hears of, see struct vx_vcpu_debug: the event and its two values. */
enum vx_debug_event {
    VX_DEBUG_EVENT_EXCEPTION, /* vector, error code; CS:EIP is the instruction that raised it */
    VX_DEBUG_EVENT_INTERRUPT, /* vector: NMI or by INTR; CS:EIP is where the handler will return to */
    VX_DEBUG_EVENT_INT,       /* vector: INT n, INT3, INTO, INT1 */
    VX_DEBUG_EVENT_MODE,      /* new mode, see vx_mode_bits(): the old one is still in the vCPU */
    VX_DEBUG_EVENT_CR3,       /* the value loaded; the old one is still in the vCPU */
    VX_DEBUG_EVENT_MAGIC,     /* XCHG BX, BX with a 16-bit operand, where `magic` is set */
};

/* A debugger's hooks; vcpu->debug is NULL while it wants nothing. They are called on the machine thread, event() in the
 * middle of instructions: it notes, and asks for the next boundary by VX_ATTN_DEBUG, but changes nothing of the guest.
 * */
struct vx_vcpu_debug {
    void *opaque;
    bool magic;
    void (*event)(void *opaque, enum vx_debug_event event, uint64_t value, uint64_t detail);
    /* Is there a stop at CS:EIP? Engines ask where stops_in() has said that there may be one, and return VX_STOP_DEBUG.
     * */
    bool (*stops_here)(void *opaque);
    /* Is there a stop in [lin, lin + bytes), whose code is at `hva`? The range lies in one page. Engines ask when they
     * prepare code to be run without looking. Whoever changes the answer drops what was prepared (vx_bt_forget()). */
    bool (*stops_in)(void *opaque, uint64_t lin, const uint8_t *hva, uint32_t bytes);
};

/* What a CPU reads that is not in its state or in memory: recorded and repeated as answers of devices are. */
enum vx_vcpu_input {
    VX_INPUT_RANDOM,       /* 64 bits that a guest may take for entropy */
    VX_INPUT_TSC,          /* guest time-stamp counter before IA32_TSC_ADJUST-like offset */
    VX_INPUT_IGNNE,        /* IGNNE#: 1, x87 errors are ignored (CR0.NE = 0) */
    VX_INPUT_TSC_DEADLINE, /* IA32_TSC_DEADLINE, which the local APIC has; 0: not armed, or it has none */
};

/* What the machine does for one of its CPUs: `opaque` says which asks. All calls on the machine thread. */
struct vx_vcpu_ops {
    uint32_t (*port_read)(void *opaque, uint16_t port, unsigned size); /* size 1, 2, 4 */
    void (*port_write)(void *opaque, uint16_t port, unsigned size, uint32_t value);
    /* REP INS/OUTS: moves up to `count` items of `size` bytes; returns how many, 0: item by item instead. May be NULL.
     * */
    size_t (*port_read_block)(void *opaque, uint16_t port, unsigned size, void *buf, size_t count);
    size_t (*port_write_block)(void *opaque, uint16_t port, unsigned size, const void *buf, size_t count);
    int (*ack_interrupt)(void *opaque); /* INTA: the vector; -1 when the line fell meanwhile */
    uint64_t (*input)(void *opaque, enum vx_vcpu_input what);
    void (*apic_base)(void *opaque, uint64_t value); /* IA32_APIC_BASE written */
    /* IA32_TSC_DEADLINE written. `offset` is what the CPU adds to VX_INPUT_TSC; called again, with the deadline as it
     * is, when that changes. May be NULL. */
    void (*set_tsc_deadline)(void *opaque, uint64_t deadline, uint64_t offset);
    void (*ferr)(void *opaque, bool level);    /* FERR# to IRQ 13 (CR0.NE = 0) */
    void (*smiact)(void *opaque, bool active); /* SMIACT#: system management memory shows. May be NULL. */
};

#define VX_ENGINE_AREA_BYTES 2048

/* vx_vcpu.retire_limit when there is none. */
#define VX_RETIRE_NONE ((uint64_t)INT64_MAX)

/* All of it is in vcpu_state.def. */
struct vx_vcpu {
    uint64_t gpr[16];
    uint64_t rip;
    uint32_t eflags; /* I2 */
    uint8_t iflag;
    uint8_t dflag;
    uint8_t cpl;
    uint8_t inhibit; /* enum vx_inhibit, applies to the boundary before the instruction at rip */

    struct vx_seg seg[VX_SEG_COUNT];
    struct vx_seg ldtr, tr;
    struct vx_table_reg gdtr, idtr;

    uint64_t cr0, cr2, cr3, cr4;
    uint64_t dr[8];
    uint64_t efer;
    uint64_t pdpte[4]; /* what PAE paging has loaded, see vx_mmu_set_paging() */

    bool halted; /* HLT until the next event */
    bool nmi_blocked;
    bool nmi_pending;
    bool intr_line;       /* level of the INTR input, see vx_vcpu_set_intr() */
    bool smi_pending;     /* see vx_vcpu_smi() */
    bool smm;             /* in system management mode */
    bool smm_nmi_blocked; /* what nmi_blocked comes back to with RSM */
    bool shutdown;        /* triple fault */
    uint16_t last_opcode; /* see vx_interp_last_opcode() */
    bool last_raised;     /* see vx_interp_last_raised() */

    uint32_t smbase; /* of system management memory */

    /* Data breakpoints (bits as in DR6) tripped by frames that the instruction has pushed or popped, or by a MOV SS
     * just executed, whose trap comes behind the next instruction (SDM 3A "Masking Exceptions and Interrupts When
     * Switching Stacks"). */
    uint8_t debug_hits;

    _Atomic uint32_t attention;

    /* Instructions passed: completed, or faulted and delivered. A REP string instruction counts with its last part.
     * Exact in the interpreter, and in the translator with vx_bt_config.exact_count (else it says nothing). */
    uint64_t retired;
    uint64_t retire_limit; /* an engine returns VX_STOP_BUDGET at the boundary where `retired` has got there */
    uint32_t
        rep_max; /* most iterations of a REP in one vx_interp_step(); 0: it decides. Translated code does not look */

    _Alignas(64) uint8_t fx[512]; /* I3 */

    struct vx_mmu *mmu;
    struct vx_log *log;
    struct vx_stats *stats;
    const struct vx_vcpu_ops *ops;
    void *ops_opaque;
    const struct vx_cpu_model *model; /* what CPUID says and which instructions are legal */
    struct vx_msrs {
        uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
        uint64_t apic_base, pat, misc_enable, tsc_offset, spec_ctrl, mcg_status;
        uint64_t mtrr_def_type, mtrr_phys[16], mtrr_fix[11];
        uint64_t platform_id, bios_sign;
        uint64_t tsc_aux;
        uint64_t mcg_ctl;  /* 0 or all ones, like the next */
        uint64_t mc_ctl;   /* bit n: IA32_MCn_CTL is all ones */
        uint64_t debugctl; /* BTF alone */
    } msr;
    /* The line that MONITOR watches, and what was in it. */
    struct vx_monitor {
        bool armed;
        uint64_t phys;
        uint8_t line[64];
    } monitor;

    const struct vx_vcpu_debug *debug; /* NULL: nobody looks */

    /* Called, if set, after a bit was added to `attention` from any thread: lets translated code notice. */
    void (*kick)(struct vx_vcpu *vcpu);

    /* Private to the engine that runs this vCPU; translated code addresses it relative to the struct. */
    _Alignas(64) uint8_t engine_area[VX_ENGINE_AREA_BYTES];
};

static inline uint32_t vx_eflags(const struct vx_vcpu *vcpu)
{
    return vcpu->eflags | (uint32_t)vcpu->iflag << 9 | (uint32_t)vcpu->dflag << 10;
}

/* Replaces all of EFLAGS (reserved bits forced), without any privilege rule. */
static inline void vx_set_eflags_raw(struct vx_vcpu *vcpu, uint32_t value)
{
    vcpu->iflag = (value >> 9) & 1;
    vcpu->dflag = (value >> 10) & 1;
    vcpu->eflags = (value & VX_FL_MASK & ~(uint32_t)(VX_FL_IF | VX_FL_DF)) | VX_FL_1;
}

/* From any thread: the vCPU leaves translated code (or HLT) soon and looks at `bits`. */
static inline void vx_vcpu_raise(struct vx_vcpu *vcpu, uint32_t bits)
{
    atomic_fetch_or_explicit(&vcpu->attention, bits, memory_order_seq_cst);
    if (vcpu->kick != NULL)
        vcpu->kick(vcpu);
}

static inline void vx_vcpu_tell(const struct vx_vcpu *vcpu, enum vx_debug_event event, uint64_t value, uint64_t detail)
{
    if (VX_UNLIKELY(vcpu->debug != NULL))
        vcpu->debug->event(vcpu->debug->opaque, event, value, detail);
}

/* INTR input (machine thread): level from the interrupt controller. */
static inline void vx_vcpu_set_intr(struct vx_vcpu *vcpu, bool level)
{
    vcpu->intr_line = level;
    if (level)
        vx_vcpu_raise(vcpu, VX_ATTN_INTR);
}

/* SMI# (machine thread): an edge, remembered while in system management mode. */
static inline void vx_vcpu_smi(struct vx_vcpu *vcpu)
{
    vcpu->smi_pending = true;
    vx_vcpu_raise(vcpu, VX_ATTN_SMI);
}

/* PE and PG of CR0 with VM of EFLAGS: what decides about the mode, each at its own place. */
#define VX_MODE_BITS (VX_CR0_PE | VX_CR0_PG | VX_FL_VM)
static inline uint32_t vx_mode_bits(uint64_t cr0, uint32_t eflags)
{
    return ((uint32_t)cr0 & (VX_CR0_PE | VX_CR0_PG)) | (eflags & VX_FL_VM);
}

static inline bool vx_real_mode(const struct vx_vcpu *vcpu)
{
    return !(vcpu->cr0 & VX_CR0_PE);
}
static inline bool vx_vm86(const struct vx_vcpu *vcpu)
{
    return (vcpu->eflags & VX_FL_VM) != 0;
}
static inline unsigned vx_iopl(const struct vx_vcpu *vcpu)
{
    return (vcpu->eflags & VX_FL_IOPL) >> VX_FL_IOPL_SHIFT;
}
static inline enum vx_view vx_view_of(const struct vx_vcpu *vcpu)
{
    return vcpu->cpl == 3 ? VX_VIEW_USER : VX_VIEW_SUPERVISOR;
}
/* Offsets in segments, EIP among them, wrap as linear addresses do, see vx_lin_wrap(). */
static inline uint64_t vx_off_wrap(uint64_t off)
{
    return (uint32_t)off;
}
static inline uint64_t vx_cs_lin(const struct vx_vcpu *vcpu)
{
    return vx_lin_wrap(vcpu->seg[VX_CS].base + vcpu->rip);
}

#endif

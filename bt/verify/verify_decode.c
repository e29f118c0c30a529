/* verify_decode.c - bytes to struct vf_insn by Capstone, for host and guest code.
 *
 * Capstone 4 is asked for mnemonic and explicit operands only. Which operands are written, which registers besides, and
 * whether flags change stands in verify_insns.def: Capstone's own lists have gaps (CMPXCHG, XADD, stores). */
#include "verify_decode.h"

#include <stdlib.h>

#include "verify_memo.h"

enum { W0 = 1, W1 = 2 };
enum {
    AX = 1 << VX_RAX,
    CX = 1 << VX_RCX,
    DX = 1 << VX_RDX,
    SP = 1 << VX_RSP,
    BP = 1 << VX_RBP,
    SI = 1 << VX_RSI,
    DI = 1 << VX_RDI
};
enum { FLAGS = VF_FLAGS, FAULTS = VF_FAULTS, GUEST = VF_GUEST, PUSHES = VF_PUSH, POPS = VF_POP, LEAVES = VF_LEAVE };

static const struct line {
    const char *name;
    struct vf_def def;
} lines[] = {
#define VX_INSN(name, kind, written, implicit, attributes) { name, { kind, written, attributes, implicit } },
#include "verify_insns.def"
#undef VX_INSN
};

static bool fits(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);
    if (pattern[n - 1] == '*')
        return strncmp(pattern, name, n - 1) == 0;
    return strcmp(pattern, name) == 0;
}

static void fill_defs(struct bt_verifier *v)
{
    for (unsigned id = 1; id < X86_INS_ENDING; id++) {
        const char *name = cs_insn_name(v->host, id);
        for (unsigned i = 0; name != NULL && i < VX_ARRAY_LEN(lines); i++) {
            if (!fits(lines[i].name, name))
                continue;
            v->defs[id] = lines[i].def;
            v->defined[id] = true;
            break;
        }
    }
}

static bool open_mode(cs_mode mode, csh *handle)
{
    return cs_open(CS_ARCH_X86, mode, handle) == CS_ERR_OK && cs_option(*handle, CS_OPT_DETAIL, CS_OPT_ON) == CS_ERR_OK;
}

bool vf_decoder_open(struct bt_verifier *v)
{
    if (!open_mode(CS_MODE_64, &v->host) || !open_mode(CS_MODE_32, &v->guest32))
        return false;
    v->scratch = cs_malloc(v->host);
    v->defs = calloc(X86_INS_ENDING, sizeof *v->defs);
    v->defined = calloc(X86_INS_ENDING, sizeof *v->defined);
    for (unsigned i = 0; i < VX_ARRAY_LEN(v->memo); i++)
        v->memo[i] = calloc(1, vf_memo_bytes());
    if (v->memo[0] == NULL || v->memo[1] == NULL || v->scratch == NULL || v->defs == NULL || v->defined == NULL)
        return false;
    fill_defs(v);
    return true;
}

void vf_decoder_close(struct bt_verifier *v)
{
    if (v->scratch != NULL)
        cs_free(v->scratch, 1);
    csh *handles[] = { &v->host, &v->guest32 };
    for (unsigned i = 0; i < VX_ARRAY_LEN(handles); i++) {
        if (*handles[i] != 0)
            cs_close(handles[i]);
    }
    free(v->memo[0]);
    free(v->memo[1]);
    free(v->defs);
    free(v->defined);
}

/* ---- registers */

static const uint16_t gpr64[16] = { X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP, X86_REG_RBP,
                                    X86_REG_RSI, X86_REG_RDI, X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
                                    X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15 };
static const uint16_t gpr32[16] = { X86_REG_EAX,  X86_REG_ECX,  X86_REG_EDX,  X86_REG_EBX, X86_REG_ESP,  X86_REG_EBP,
                                    X86_REG_ESI,  X86_REG_EDI,  X86_REG_R8D,  X86_REG_R9D, X86_REG_R10D, X86_REG_R11D,
                                    X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D };
static const uint16_t gpr16[16] = { X86_REG_AX,   X86_REG_CX,   X86_REG_DX,   X86_REG_BX,  X86_REG_SP,   X86_REG_BP,
                                    X86_REG_SI,   X86_REG_DI,   X86_REG_R8W,  X86_REG_R9W, X86_REG_R10W, X86_REG_R11W,
                                    X86_REG_R12W, X86_REG_R13W, X86_REG_R14W, X86_REG_R15W };
static const uint16_t gpr8[16] = { X86_REG_AL,   X86_REG_CL,   X86_REG_DL,   X86_REG_BL,  X86_REG_SPL,  X86_REG_BPL,
                                   X86_REG_SIL,  X86_REG_DIL,  X86_REG_R8B,  X86_REG_R9B, X86_REG_R10B, X86_REG_R11B,
                                   X86_REG_R12B, X86_REG_R13B, X86_REG_R14B, X86_REG_R15B };
static const uint16_t high8[4] = { X86_REG_AH, X86_REG_CH, X86_REG_DH, X86_REG_BH };

static uint8_t find(const uint16_t *set, unsigned n, unsigned reg)
{
    for (unsigned i = 0; i < n; i++) {
        if (set[i] == reg)
            return (uint8_t)i;
    }
    return VF_NO_REG;
}

/* The general register `reg`: number and size. */
static uint8_t gpr_of(unsigned reg, unsigned *size, bool *high)
{
    static const struct {
        const uint16_t *set;
        unsigned n, size;
    } sets[] = { { gpr32, 16, 4 }, { gpr64, 16, 8 }, { gpr16, 16, 2 }, { gpr8, 16, 1 }, { high8, 4, 1 } };
    for (unsigned i = 0; i < VX_ARRAY_LEN(sets); i++) {
        uint8_t found = find(sets[i].set, sets[i].n, reg);
        if (found == VF_NO_REG)
            continue;
        *size = sets[i].size;
        *high = sets[i].set == high8;
        return found;
    }
    return VF_NO_REG;
}

static uint8_t segment_of(unsigned reg)
{
    switch (reg) {
    case X86_REG_ES: return VX_ES;
    case X86_REG_CS: return VX_CS;
    case X86_REG_SS: return VX_SS;
    case X86_REG_DS: return VX_DS;
    case X86_REG_FS: return VX_FS;
    case X86_REG_GS: return VX_GS;
    default: return VF_NO_REG;
    }
}

/* ---- operands */

static uint8_t address_register(unsigned reg, bool host, bool *odd)
{
    unsigned size = 0;
    bool high;
    if (reg == X86_REG_INVALID || reg == X86_REG_RIZ || reg == X86_REG_EIZ)
        return VF_NO_REG;
    if (host && reg == X86_REG_RIP)
        return VF_RIP;
    uint8_t number = gpr_of(reg, &size, &high);
    *odd |= number == VF_NO_REG || (size == 8) != host;
    return number;
}

static void take_memory(struct vf_op *op, const x86_op_mem *mem, bool host, uint8_t address_bytes)
{
    bool window = host && mem->segment == X86_REG_GS && address_bytes == 4;
    op->kind = OP_MEM;
    op->seg = segment_of(mem->segment);
    op->odd = host && mem->segment != X86_REG_INVALID && !window;
    op->base = address_register(mem->base, host && !window, &op->odd);
    op->index = address_register(mem->index, host && !window, &op->odd);
    op->window = window && !op->odd;
    op->scale = mem->scale == 8 ? 3 : mem->scale == 4 ? 2 : mem->scale == 2 ? 1 : 0;
    op->value = mem->disp;
}

static void take_operand(struct vf_op *op, const cs_x86_op *from, bool host, uint8_t address_bytes)
{
    unsigned size = from->size;
    *op = (struct vf_op){ .reg = VF_NO_REG, .base = VF_NO_REG, .index = VF_NO_REG, .seg = VF_NO_REG };
    if (from->type == X86_OP_REG) {
        op->kind = OP_REG;
        op->reg = gpr_of(from->reg, &size, &op->high);
        op->other = (uint32_t)from->reg;
    } else if (from->type == X86_OP_IMM) {
        op->kind = OP_IMM;
        op->value = from->imm;
    } else if (from->type == X86_OP_MEM) {
        take_memory(op, &from->mem, host, address_bytes);
        op->address_bytes = address_bytes;
    }
    op->size = (uint8_t)size;
}

/* ---- what Capstone gets wrong */

/* Memory operands whose size Capstone 4 does not tell truly (SDM 2, the instructions' operand columns). */
static void correct_sizes(struct vf_insn *in, const char *name)
{
    static const struct {
        const char *name;
        uint8_t told, bytes;
    } sizes[] = { { "fnstsw", 4, 2 },  { "frstor", 4, 108 },  { "fnsave", 4, 108 },  { "comiss", 16, 4 },
                  { "comisd", 16, 8 }, { "punpcklbw", 8, 4 }, { "punpcklwd", 8, 4 }, { "punpckldq", 8, 4 } };
    for (unsigned i = 0; i < in->ops; i++) {
        for (unsigned k = 0; in->op[i].kind == OP_MEM && k < VX_ARRAY_LEN(sizes); k++) {
            if (in->op[i].size == sizes[k].told && strcmp(name, sizes[k].name) == 0) {
                in->op[i].size = sizes[k].bytes;
                break;
            }
        }
    }
}

/* ---- x87, MMX and SSE: by group */

static bool fp_group(const cs_insn *raw)
{
    for (unsigned i = 0; i < raw->detail->groups_count; i++) {
        switch (raw->detail->groups[i]) {
        case X86_GRP_FPU:
        case X86_GRP_MMX:
        case X86_GRP_SSE1:
        case X86_GRP_SSE2:
        case X86_GRP_SSE3:
        case X86_GRP_SSSE3:
        case X86_GRP_SSE41:
        case X86_GRP_SSE42:
        case X86_GRP_AES:
        case X86_GRP_PCLMUL: return true;
        default: break;
        }
    }
    return false;
}

static bool starts(const char *name, const char *const *with, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strncmp(name, with[i], strlen(with[i])) == 0)
            return true;
    }
    return false;
}

/* These read a memory operand that stands first; everything else of theirs that has memory first stores. */
static bool fp_reads_first(const char *name)
{
    static const char *const stores[] = { "fst", "fist", "fnst", "fbst", "fnsave", "fsave", "fxsave" };
    return (name[0] == 'f' && !starts(name, stores, VX_ARRAY_LEN(stores))) || strcmp(name, "ldmxcsr") == 0;
}

/* Capstone leaves some of them out of its groups: FCMOVcc, FNSTSW, LDMXCSR. */
static bool fp_name(const char *name)
{
    static const char *const names[] = { "wait", "ldmxcsr", "stmxcsr", "fxch" };
    static const char *const others[] = { "fx", "femms" };
    return starts(name, names, VX_ARRAY_LEN(names)) || (name[0] == 'f' && !starts(name, others, VX_ARRAY_LEN(others)));
}

static struct vf_def fp_def(const char *name)
{
    static const char *const compares[] = { "comis",   "ucomis", "fcomi",    "fucomi",  "fcompi",
                                            "fucompi", "ptest",  "pcmpestr", "pcmpistr" };
    struct vf_def def = { .kind = K_NATIVE, .attributes = VF_FP | VF_FAULTS };
    def.written = fp_reads_first(name) ? 0 : W0;
    if (starts(name, compares, VX_ARRAY_LEN(compares)))
        def.attributes |= VF_FLAGS;
    if (strcmp(name, "pcmpestri") == 0 || strcmp(name, "pcmpistri") == 0)
        def.implicit = CX;
    return def;
}

/* One event more, in SSE registers that the guest does not have. */
static bool counts(const struct vf_insn *in)
{
    return in->id == X86_INS_PSUBQ && in->op[1].other == VF_XMM_ONES &&
           (in->op[0].other == VF_XMM_ENTRIES || in->op[0].other == VF_XMM_JC_HITS);
}

static void take_def(const struct bt_verifier *v, const cs_insn *raw, struct vf_insn *in)
{
    static const char *const integer[] = { "crc32", "popcnt", "prefetch", "lfence", "mfence", "sfence", "pause" };
    if (!starts(raw->mnemonic, integer, VX_ARRAY_LEN(integer)) && (fp_group(raw) || fp_name(raw->mnemonic))) {
        in->def = fp_def(raw->mnemonic);
        in->known = true;
    } else if (v->defined[raw->id]) {
        in->def = v->defs[raw->id];
        in->known = true;
    }
    if (in->def.kind == K_IMUL && in->ops == 1) {
        in->def.written = 0;
        in->def.implicit = AX | DX;
    }
    if (in->def.implicit == (AX | DX) && in->ops == 1 && in->op[0].size == 1) /* MUL, DIV of bytes: AX is all */
        in->def.implicit = AX;
    if (in->def.kind == K_CMPS && in->op[0].kind != OP_MEM)
        in->known = false;
    if (counts(in))
        in->def = (struct vf_def){ .kind = K_COUNT };
}

/* ---- both */

static bool decode(struct bt_verifier *v, csh handle, const uint8_t *code, size_t bytes, struct vf_insn *in)
{
    uint64_t address = 0;
    const uint8_t *start = code;
    bool host = handle == v->host;
    struct vf_memo *memo = v->memo[host ? 0 : 1];
    if (vf_memo_find(memo, code, bytes, in))
        return true;
    if (!cs_disasm_iter(handle, &code, &bytes, &address, v->scratch))
        return false;
    const cs_insn *raw = v->scratch;
    const cs_x86 *x86 = &raw->detail->x86;
    *in = (struct vf_insn){ .id = (uint16_t)raw->id, .len = (uint8_t)raw->size };
    in->ops = x86->op_count < VF_OPERANDS ? x86->op_count : VF_OPERANDS;
    for (unsigned i = 0; i < in->ops; i++)
        take_operand(&in->op[i], &x86->operands[i], host, x86->addr_size);
    take_def(v, raw, in);
    in->prefixed = x86->prefix[0] != 0 && !(in->def.attributes & VF_FP);
    correct_sizes(in, raw->mnemonic);
    vf_memo_keep(memo, start, in);
    return true;
}

static bool is_branch(const struct vf_insn *in)
{
    uint8_t kind = in->def.kind;
    bool counted = kind == K_NATIVE && (in->def.attributes & VF_GUEST); /* LOOP, JCXZ */
    return in->known && in->ops == 1 && in->op[0].kind == OP_IMM &&
           (kind == K_JMP || kind == K_JCC || kind == K_CALL || kind == K_JRCXZ || counted);
}

/* The distance that a branch's last bytes give. Capstone's own value is wrong for some (it extends the sign of 16
 * bits). */
static int32_t distance(const uint8_t *end, unsigned bytes)
{
    uint32_t value = 0;
    memcpy(&value, end - bytes, bytes);
    return bytes == 4 ? (int32_t)value : bytes == 2 ? (int16_t)value : (int8_t)value;
}

bool vf_decode_host(struct bt_verifier *v, const uint8_t *code, uint32_t bytes, uint32_t off, struct vf_insn *in)
{
    if (!decode(v, v->host, code + off, bytes - off, in))
        return false;
    in->off = off;
    if (!is_branch(in))
        return true;
    uint8_t first = code[off];
    bool far = first == 0xE8 || first == 0xE9 || first == 0x0F;
    if (in->len != (first == 0x0F ? 6 : far ? 5 : 2))
        in->known = false; /* prefixes have no place there */
    else
        in->op[0].value = (int64_t)off + in->len + distance(code + off + in->len, far ? 4 : 1);
    return true;
}

static bool is_prefix(uint8_t byte)
{
    static const uint8_t prefixes[] = { 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65, 0x66, 0x67, 0xF0, 0xF2, 0xF3 };
    return memchr(prefixes, byte, sizeof prefixes) != NULL;
}

/* 0F opcodes that the 66 prefix makes another instruction of, rather than one of another operand size. */
static bool sse_opcode(const uint8_t *code)
{
    if (code[0] == 0x0F && code[1] == 0x38 && (code[2] & 0xFE) == 0xF0) /* MOVBE, CRC32 */
        return false;
    return code[0] == 0x0F &&
           ((code[1] >= 0x10 && code[1] <= 0x17) || (code[1] >= 0x28 && code[1] <= 0x2F) ||
            (code[1] >= 0x50 && code[1] <= 0x7F) || code[1] == 0xAE || (code[1] >= 0xC2 && code[1] <= 0xC6) ||
            code[1] >= 0xD0 || code[1] == 0x38 || code[1] == 0x3A);
}

/* Opcodes on which F2 and F3 act for the guest's CPU, which has no TZCNT and LZCNT: strings, PAUSE, POPCNT, CRC32. */
static bool takes_rep(const uint8_t *code, unsigned len, uint8_t rep)
{
    uint8_t opcode = code[0];
    if (opcode == 0x0F)
        return len >= 2 && (code[1] == 0x38 || (rep == 0xF3 && code[1] == 0xB8));
    return (opcode >= 0x6C && opcode <= 0x6F) || (opcode >= 0xA4 && opcode <= 0xA7) ||
           (opcode >= 0xAA && opcode <= 0xAF) || opcode == 0x90;
}

/* Capstone 4 takes wrong operand sizes and mandatory prefixes in 16-bit code, and stumbles over repeated prefixes: each
 * prefix once, sizes exchanged, in 32-bit code is the same instruction. */
unsigned vf_normalise(bool wide, const uint8_t *bytes, unsigned len, uint8_t *out)
{
    uint8_t seg = 0, rep = 0, lock = 0;
    bool operand = false, address = false;
    unsigned i = 0, n = 0;
    for (; i + 1 < len; i++) {
        uint8_t byte = bytes[i];
        if (byte == 0x26 || byte == 0x2E || byte == 0x36 || byte == 0x3E || byte == 0x64 || byte == 0x65)
            seg = byte;
        else if (byte == 0xF2 || byte == 0xF3)
            rep = byte;
        else if (byte == 0xF0)
            lock = byte;
        else if (byte == 0x66)
            operand = true;
        else if (byte == 0x67)
            address = true;
        else
            break;
    }
    bool sse = len - i >= 3 && sse_opcode(bytes + i);
    if (!wide && !sse)
        operand = !operand;
    operand &= !(sse && rep != 0); /* F2 and F3 win */
    rep = sse || takes_rep(bytes + i, len - i, rep) ? rep : 0;
    address ^= !wide;
    const uint8_t prefixes[] = { seg, lock, address ? 0x67 : 0, operand ? 0x66 : 0, rep };
    for (unsigned k = 0; k < sizeof prefixes; k++) {
        if (prefixes[k] != 0)
            out[n++] = prefixes[k];
    }
    memcpy(out + n, bytes + i, len - i);
    return n + len - i;
}

bool vf_decode_guest(struct bt_verifier *v, bool wide, const uint8_t *bytes, unsigned len, struct vf_insn *in)
{
    uint8_t code[VF_NORMALISED_BYTES];
    unsigned n = vf_normalise(wide, bytes, len, code);
    if (!decode(v, v->guest32, code, n, in) || in->len != n)
        return false;
    in->len = (uint8_t)len;
    if (is_branch(in)) {
        unsigned at = 0; /* of the opcode: E8, E9 and 0F 8x have a distance of the operand's size */
        while (at < n && is_prefix(code[at]))
            at++;
        bool far = code[at] == 0xE8 || code[at] == 0xE9 || code[at] == 0x0F;
        in->op[0].relative = distance(code + n, !far ? 1 : memchr(code, 0x66, at) != NULL ? 2 : 4);
    }
    return true;
}

bool vf_writes(const struct vf_insn *in, unsigned op)
{
    return (in->def.written >> op & 1) != 0;
}

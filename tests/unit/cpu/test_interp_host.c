/* test_interp_host.c - integer instructions on registers, through the interpreter and on the host's own CPU with random
 * operands and flags: registers and every defined flag must agree; on an AMD, whose undefined flags are ours, all of
 * them. On hosts other than x86-64 the defined ones are compared with golden.def. */
#include <criterion/criterion.h>
#include <sys/mman.h>

#include "flag_letters.h"
#include "golden.h"
#include "interp_rig.h"

enum {
    ALL = VX_FL_ARITH,
    LOGIC = C | P | Z | S | O,
    SHIFT = C | P | Z | S,
    ROTATE = A | P | Z | S | C,
    MUL = C | O,
    NONE = 0,
    CODE_AT = 0x1000,
    ROUNDS = 3000,
};

/* An instruction without ModRM, or one whose ModRM byte (register form) is tried with every reg and rm of EAX ECX EDX
 * EBX or AL..BH. `flags` are those it defines. */
struct form {
    const char *name;
    uint8_t bytes[4], count;
    bool modrm, fixed_reg; /* fixed_reg: reg is part of the opcode, in `reg` */
    uint8_t reg;
    uint8_t imm; /* bytes of immediate */
    uint32_t flags;
    bool byte_registers;
};

/* One case a row. */
/* clang-format off */
#define RM(op, name_, flags_) { .name = name_, .bytes = { op }, .count = 1, .modrm = true, .flags = flags_, .byte_registers = !((op) & 1) }
#define GROUP(op, reg_, imm_, name_, flags_)                                                                             \
    { .name = name_, .bytes = { op }, .count = 1, .modrm = true, .fixed_reg = true, .reg = reg_, .imm = imm_, .flags = flags_, \
      .byte_registers = !((op) & 1) }
#define RM0F(op, name_, flags_) { .name = name_, .bytes = { 0x0F, op }, .count = 2, .modrm = true, .flags = flags_ }
#define RM0FB(op, name_, flags_) { .name = name_, .bytes = { 0x0F, op }, .count = 2, .modrm = true, .flags = flags_, .byte_registers = true }
#define ONE(op, name_, imm_, flags_) { .name = name_, .bytes = { op }, .count = 1, .imm = imm_, .flags = flags_ }

static const struct form forms[] = {
    RM(0x00, "add b", ALL), RM(0x01, "add", ALL), RM(0x02, "add b", ALL), RM(0x03, "add", ALL),
    RM(0x08, "or b", LOGIC), RM(0x0B, "or", LOGIC), RM(0x10, "adc b", ALL), RM(0x13, "adc", ALL),
    RM(0x18, "sbb b", ALL), RM(0x1B, "sbb", ALL), RM(0x20, "and b", LOGIC), RM(0x23, "and", LOGIC),
    RM(0x28, "sub b", ALL), RM(0x2B, "sub", ALL), RM(0x30, "xor b", LOGIC), RM(0x33, "xor", LOGIC),
    RM(0x38, "cmp b", ALL), RM(0x3B, "cmp", ALL), RM(0x84, "test b", LOGIC), RM(0x85, "test", LOGIC),
    RM(0x86, "xchg b", ALL), RM(0x87, "xchg", ALL), RM(0x88, "mov b", ALL), RM(0x8B, "mov", ALL),
    ONE(0x04, "add al", 1, ALL), ONE(0x15, "adc eax", 4, ALL), ONE(0x1D, "sbb eax", 4, ALL), ONE(0x3D, "cmp eax", 4, ALL),
    ONE(0x98, "cwde", 0, ALL), ONE(0x99, "cdq", 0, ALL), ONE(0x9E, "sahf", 0, ALL), ONE(0x9F, "lahf", 0, ALL),
    ONE(0x91, "xchg eax", 0, ALL), ONE(0xF5, "cmc", 0, ALL), ONE(0xF8, "clc", 0, ALL), ONE(0xF9, "stc", 0, ALL),
    ONE(0xB4, "mov ah", 1, ALL), ONE(0xBB, "mov ebx", 4, ALL), ONE(0xA9, "test eax", 4, LOGIC),
    GROUP(0x80, 0, 1, "add b,i", ALL), GROUP(0x81, 2, 4, "adc,i", ALL), GROUP(0x83, 3, 1, "sbb,i8", ALL),
    GROUP(0x83, 4, 1, "and,i8", LOGIC), GROUP(0x81, 5, 4, "sub,i", ALL), GROUP(0x83, 7, 1, "cmp,i8", ALL),
    GROUP(0xFE, 0, 0, "inc b", ALL), GROUP(0xFF, 0, 0, "inc", ALL), GROUP(0xFE, 1, 0, "dec b", ALL), GROUP(0xFF, 1, 0, "dec", ALL),
    GROUP(0xF6, 2, 0, "not b", ALL), GROUP(0xF7, 2, 0, "not", ALL), GROUP(0xF6, 3, 0, "neg b", ALL), GROUP(0xF7, 3, 0, "neg", ALL),
    GROUP(0xF6, 1, 1, "test b alias", LOGIC), GROUP(0xF7, 1, 4, "test alias", LOGIC),
    GROUP(0xF6, 4, 0, "mul b", MUL), GROUP(0xF7, 4, 0, "mul", MUL), GROUP(0xF6, 5, 0, "imul b", MUL), GROUP(0xF7, 5, 0, "imul", MUL),
    { .name = "imul,i", .bytes = { 0x69 }, .count = 1, .modrm = true, .imm = 4, .flags = MUL },
    { .name = "imul,i8", .bytes = { 0x6B }, .count = 1, .modrm = true, .imm = 1, .flags = MUL },
    GROUP(0xC0, 0, 1, "rol b,i", ROTATE), GROUP(0xC1, 0, 1, "rol,i", ROTATE), GROUP(0xD1, 0, 0, "rol,1", ALL),
    GROUP(0xC0, 1, 1, "ror b,i", ROTATE), GROUP(0xC1, 1, 1, "ror,i", ROTATE), GROUP(0xD0, 1, 0, "ror b,1", ALL),
    GROUP(0xC0, 2, 1, "rcl b,i", ROTATE), GROUP(0xC1, 2, 1, "rcl,i", ROTATE), GROUP(0xD1, 2, 0, "rcl,1", ALL),
    GROUP(0xC0, 3, 1, "rcr b,i", ROTATE), GROUP(0xC1, 3, 1, "rcr,i", ROTATE), GROUP(0xD1, 3, 0, "rcr,1", ALL),
    GROUP(0xC0, 4, 1, "shl b,i", SHIFT), GROUP(0xC1, 6, 1, "shl,i alias", SHIFT), GROUP(0xD1, 4, 0, "shl,1", LOGIC),
    GROUP(0xC0, 5, 1, "shr b,i", SHIFT), GROUP(0xC1, 5, 1, "shr,i", SHIFT), GROUP(0xD1, 5, 0, "shr,1", LOGIC),
    GROUP(0xC0, 7, 1, "sar b,i", SHIFT), GROUP(0xC1, 7, 1, "sar,i", SHIFT), GROUP(0xD0, 7, 0, "sar b,1", LOGIC),
    GROUP(0xD2, 2, 0, "rcl b,cl", ROTATE), GROUP(0xD3, 3, 0, "rcr,cl", ROTATE), GROUP(0xD3, 4, 0, "shl,cl", SHIFT),
    GROUP(0xD3, 5, 0, "shr,cl", SHIFT), GROUP(0xD2, 7, 0, "sar b,cl", SHIFT), GROUP(0xD3, 0, 0, "rol,cl", ROTATE),
    { .name = "shld,i", .bytes = { 0x0F, 0xA4 }, .count = 2, .modrm = true, .imm = 1, .flags = SHIFT },
    { .name = "shrd,i", .bytes = { 0x0F, 0xAC }, .count = 2, .modrm = true, .imm = 1, .flags = SHIFT },
    RM0F(0xA5, "shld,cl", SHIFT), RM0F(0xAD, "shrd,cl", SHIFT),
    RM0F(0xA3, "bt", C | Z), RM0F(0xAB, "bts", C | Z), RM0F(0xB3, "btr", C | Z), RM0F(0xBB, "btc", C | Z),
    { .name = "bts,i", .bytes = { 0x0F, 0xBA }, .count = 2, .modrm = true, .fixed_reg = true, .reg = 5, .imm = 1, .flags = C | Z },
    { .name = "bt,i", .bytes = { 0x0F, 0xBA }, .count = 2, .modrm = true, .fixed_reg = true, .reg = 4, .imm = 1, .flags = C | Z },
    { .name = "popcnt", .bytes = { 0xF3, 0x0F, 0xB8 }, .count = 3, .modrm = true, .flags = ALL },
    { .name = "crc32", .bytes = { 0xF2, 0x0F, 0x38, 0xF1 }, .count = 4, .modrm = true, .flags = ALL },
    { .name = "crc32 b", .bytes = { 0xF2, 0x0F, 0x38, 0xF0 }, .count = 4, .modrm = true, .flags = ALL },
    RM0F(0xBC, "bsf", Z), RM0F(0xBD, "bsr", Z), RM0F(0xAF, "imul", MUL),
    RM0FB(0xB0, "cmpxchg b", ALL), RM0F(0xB1, "cmpxchg", ALL), RM0FB(0xC0, "xadd b", ALL), RM0F(0xC1, "xadd", ALL),
    RM0F(0xB6, "movzx b", ALL), RM0F(0xB7, "movzx w", ALL), RM0F(0xBE, "movsx b", ALL), RM0F(0xBF, "movsx w", ALL),
    { .name = "bswap ecx", .bytes = { 0x0F, 0xC9 }, .count = 2, .flags = ALL },
    RM0FB(0x90, "seto", ALL), RM0FB(0x91, "setno", ALL), RM0FB(0x92, "setb", ALL), RM0FB(0x93, "setae", ALL),
    RM0FB(0x94, "sete", ALL), RM0FB(0x95, "setne", ALL), RM0FB(0x96, "setbe", ALL), RM0FB(0x97, "seta", ALL),
    RM0FB(0x98, "sets", ALL), RM0FB(0x99, "setns", ALL), RM0FB(0x9A, "setp", ALL), RM0FB(0x9B, "setnp", ALL),
    RM0FB(0x9C, "setl", ALL), RM0FB(0x9D, "setge", ALL), RM0FB(0x9E, "setle", ALL), RM0FB(0x9F, "setg", ALL),
    RM0F(0x42, "cmovb", ALL), RM0F(0x4F, "cmovg", ALL), RM0F(0x44, "cmove", ALL), RM0F(0x4C, "cmovl", ALL),
};
/* clang-format on */

struct regs {
    uint32_t gpr[4]; /* EAX ECX EDX EBX */
    uint32_t flags;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Plain random, or a value near one of the ends of its range. */
static uint32_t random_operand(uint64_t *state)
{
    static const uint32_t special[] = { 0,      1,      2,      0x7F,       0x80,       0xFF,
                                        0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF };
    uint64_t r = next_random(state);
    return r & 1 ? (uint32_t)(r >> 32) : special[(r >> 8) % VX_ARRAY_LEN(special)];
}

#if HAS_X86_HOST

static bool host_is_amd(void)
{
    return __builtin_cpu_is("amd");
}

static void run_native(void *code, struct regs *r)
{
    uint64_t flags = r->flags | 0x202;
    __asm__ volatile("sub $128, %%rsp\n\t" /* the red zone */
                     "pushq %[flags]\n\t"
                     "popfq\n\t"
                     "call *%[code]\n\t"
                     "pushfq\n\t"
                     "popq %[flags]\n\t"
                     "add $128, %%rsp\n\t"
                     : "+a"(r->gpr[0]), "+c"(r->gpr[1]), "+d"(r->gpr[2]), "+b"(r->gpr[3]), [flags] "+S"(flags)
                     : [code] "D"(code)
                     : "cc", "memory");
    r->flags = (uint32_t)flags & ALL;
}

#else

static bool host_is_amd(void)
{
    return false;
}

static void run_native(void *code, struct regs *r)
{
    (void)code, (void)r;
}

#endif

static void run_interpreted(struct interp_rig *rig, unsigned bytes, struct regs *r)
{
    struct vx_vcpu *cpu = rig->cpu;
    for (unsigned i = 0; i < 4; i++)
        cpu->gpr[i] = r->gpr[i];
    vx_set_eflags_raw(cpu, r->flags);
    cpu->rip = CODE_AT;
    (void)vx_interp_step(cpu);
    for (unsigned i = 0; i < 4; i++)
        r->gpr[i] = (uint32_t)cpu->gpr[i];
    r->flags = cpu->rip == CODE_AT + bytes ? vx_eflags(cpu) & ALL : UINT32_MAX;
}

/* One encoding of the form; returns its length. */
static unsigned encode(const struct form *f, uint64_t *state, uint8_t *out)
{
    unsigned n = 0;
    uint64_t r = next_random(state);
    bool word = !f->byte_registers && r & 1 && f->bytes[1] != 0xC9;
    if (word)
        out[n++] = 0x66;
    memcpy(out + n, f->bytes, f->count);
    n += f->count;
    if (f->modrm) {
        unsigned mask = f->byte_registers ? 7 : 3;
        if (f->bytes[0] == 0x0F && (f->bytes[1] & 0xF7) == 0xB6) /* MOVZX, MOVSX from a byte register */
            out[n++] = (uint8_t)(0xC0 | (r >> 8 & 3) << 3 | (r >> 16 & 7));
        else
            out[n++] = (uint8_t)(0xC0 | (f->fixed_reg ? f->reg : r >> 8 & mask) << 3 | (r >> 16 & mask));
    }
    unsigned imm = f->imm == 4 && word ? 2 : f->imm;
    uint32_t value = random_operand(state);
    memcpy(out + n, &value, 4);
    return n + imm;
}

/* Flags that stay comparable: a shift count of zero defines all of them, 16-bit double shifts over 16 define none. */
static bool comparable(const struct form *f, const uint8_t *code, const struct regs *in)
{
    bool word = code[0] == 0x66;
    const uint8_t *op = code + word;
    if (!word || op[0] != 0x0F || (op[1] != 0xA4 && op[1] != 0xA5 && op[1] != 0xAC && op[1] != 0xAD))
        return true;
    unsigned count = (f->imm != 0 ? op[3] : in->gpr[1]) & 31;
    return count <= 16;
}

static void add_result(struct golden *golden, const struct form *f, const struct regs *r)
{
    for (unsigned i = 0; i < 4; i++)
        golden_add32(golden, r->gpr[i]);
    golden_add32(golden, r->flags & f->flags);
}

Test(interp, agrees_with_host, .timeout = 120)
{
    struct interp_rig rig;
    uint64_t state = 0x9E3779B97F4A7C15ull;
    char first[200] = "";
    unsigned bad = 0;
    cr_assert(rig_init(&rig));
    rig_flat(&rig, 0);
    bool all_flags = host_is_amd();
    struct golden golden = { 0 };
    uint8_t *page = mmap(NULL, 4096 * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(page != MAP_FAILED);

    for (size_t i = 0; i < VX_ARRAY_LEN(forms); i++) {
        const struct form *f = &forms[i];
        unsigned lengths[128];
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
        for (unsigned k = 0; k < 128; k++) { /* 128 encodings, each at a slot of 32 bytes */
            lengths[k] = encode(f, &state, page + 32 * k);
            page[32 * k + lengths[k]] = 0xC3;
        }
        mprotect(page, 4096, HAS_X86_HOST ? PROT_READ | PROT_EXEC : PROT_READ);
        for (unsigned round = 0; round < ROUNDS; round++) {
            const uint8_t *code = page + 32 * (round % 128);
            struct regs in = { .flags = (uint32_t)next_random(&state) & ALL };
            for (unsigned r = 0; r < 4; r++)
                in.gpr[r] = random_operand(&state);
            struct regs host = in, own = in;
            bool portable = comparable(f, code, &in);
            if (!portable && !all_flags)
                continue;
            memcpy(rig.ram + CODE_AT, code, lengths[round % 128]);
            run_interpreted(&rig, lengths[round % 128], &own);
            if (portable)
                add_result(&golden, f, &own);
            if (!HAS_X86_HOST)
                continue;
            run_native((void *)(uintptr_t)code, &host);
            bool ok = memcmp(host.gpr, own.gpr, sizeof(host.gpr)) == 0 && own.flags != UINT32_MAX &&
                      ((host.flags ^ own.flags) & (all_flags ? ALL : f->flags)) == 0;
            if (!ok && bad++ == 0)
                snprintf(first, sizeof(first),
                         "%s (%02x %02x %02x %02x) of %08x %08x %08x %08x %03x: %08x %08x %08x %08x %03x, host %08x "
                         "%08x %08x %08x %03x",
                         f->name, code[0], code[1], code[2], code[3], in.gpr[0], in.gpr[1], in.gpr[2], in.gpr[3],
                         in.flags, own.gpr[0], own.gpr[1], own.gpr[2], own.gpr[3], own.flags, host.gpr[0], host.gpr[1],
                         host.gpr[2], host.gpr[3], host.flags);
        }
    }
    munmap(page, 4096 * 2);
    rig_fini(&rig);
    cr_assert_eq(bad, 0, "%u differ, first: %s", bad, first);
    golden_check(&golden, "interp agrees_with_host");
}

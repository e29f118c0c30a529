/* fp_harness.h - what the test_fp_*.c programs share: a vCPU without machine, guest memory as a plain buffer, a small
 * generator of random and special operands, and host code made from bytes.
 *
 * It stands in for interp.c: the insn_*() functions below serve memory operands from `test_memory`, so that the tests
 * need nothing of the interpreter but the files under test. */
#ifndef VX86_TESTS_FP_HARNESS_H
#define VX86_TESTS_FP_HARNESS_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <criterion/criterion.h>

#include "interp.h"
#include "interp_x87.h"

#define TEST_MEMORY_BYTES 1024u

/* The operand memory of the running test, and the immediate byte of the next instruction. */
static _Alignas(64) uint8_t test_memory[TEST_MEMORY_BYTES];
static uint8_t test_immediate;
static struct vx_mmu test_mmu;

bool insn_fault(struct insn *in, uint8_t vector)
{
    in->cpu->mmu->fault = (struct vx_fault){ .vector = vector };
    return false;
}
bool insn_fault_code(struct insn *in, uint8_t vector, uint32_t error)
{
    in->cpu->mmu->fault = (struct vx_fault){ .vector = vector, .has_error = true, .error = error };
    return false;
}
bool insn_ud(struct insn *in)
{
    return insn_fault(in, VX_UD);
}
bool insn_gp0(struct insn *in)
{
    return insn_fault_code(in, VX_GP, 0);
}
/* No instruction bytes are at hand, so that every immediate is asked for here. */
bool insn_fetch_whole(struct insn *in)
{
    (void)in;
    return true;
}

bool insn_fetch_slow(struct insn *in, void *buf, unsigned bytes)
{
    (void)in;
    memset(buf, 0, bytes);
    memcpy(buf, &test_immediate, 1);
    return true;
}

static bool test_access(struct insn *in, uint32_t off, unsigned bytes, unsigned align)
{
    if (off % align != 0)
        return insn_gp0(in);
    if (off > TEST_MEMORY_BYTES || bytes > TEST_MEMORY_BYTES - off) {
        in->cpu->mmu->fault = (struct vx_fault){ .vector = VX_PF, .has_error = true };
        return false;
    }
    return true;
}

bool insn_read_bytes(struct insn *in, unsigned seg, uint64_t off, void *buf, unsigned bytes, unsigned align)
{
    (void)seg;
    if (!test_access(in, off, bytes, align))
        return false;
    memcpy(buf, test_memory + off, bytes);
    return true;
}
bool insn_write_bytes(struct insn *in, unsigned seg, uint64_t off, const void *buf, unsigned bytes, unsigned align)
{
    (void)seg;
    if (!test_access(in, off, bytes, align))
        return false;
    memcpy(test_memory + off, buf, bytes);
    return true;
}
bool insn_read(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint64_t *value)
{
    *value = 0;
    return insn_read_bytes(in, seg, off, value, size, 1);
}
bool insn_write(struct insn *in, unsigned seg, uint64_t off, unsigned size, uint64_t value)
{
    return insn_write_bytes(in, seg, off, &value, size, 1);
}

bool insn_probe_write(struct insn *in, unsigned seg, uint64_t off, unsigned bytes)
{
    (void)seg;
    return test_access(in, off, bytes, 1);
}
bool insn_seg_check(struct insn *in, unsigned seg, uint64_t off, unsigned bytes, enum vx_access access, uint64_t *lin)
{
    (void)seg;
    (void)access;
    *lin = off;
    return test_access(in, off, bytes, 1);
}

static inline struct vx_vcpu *harness_cpu(void)
{
    static struct vx_vcpu cpu;
    memset(&cpu, 0, sizeof cpu);
    cpu.model = vx_cpu_model_find("vulnerable"); /* its x87 pointers behave as the hosts' */
    cpu.mmu = &test_mmu;
    cpu.cr0 = VX_CR0_PE | VX_CR0_NE | VX_CR0_MP;
    cpu.cr4 = VX_CR4_OSFXSR | VX_CR4_OSXMMEXCPT;
    cpu.eflags = VX_FL_1;
    fx_set16(&cpu, FX_FCW, 0x037F);
    fx_set32(&cpu, FX_MXCSR, 0x1F80);
    return &cpu;
}

/* An instruction as interp.c would have decoded it. A memory operand is at offset `off`. */
static inline struct insn harness_insn(struct vx_vcpu *cpu, unsigned map, uint8_t opcode, uint8_t modrm, uint32_t off)
{
    return (struct insn){
        .cpu = cpu,
        .op_size = 4,
        .addr_size = 4,
        .map = (uint8_t)map,
        .opcode = opcode,
        .modrm = modrm,
        .mod = modrm >> 6,
        .reg = modrm >> 3 & 7,
        .rm = modrm & 7,
        .seg = VX_DS,
        .off = off,
        .start_eip = 0x1000,
        .next_eip = 0x1008,
    };
}

/* xorshift64*: the same sequence in every run. */
static inline uint64_t test_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545F4914F6CDD1D);
}

static inline uint64_t random_pattern(uint64_t *rng)
{
    uint64_t r = test_random(rng), v = test_random(rng);
    switch (r % 8) {
    case 0: return 0;
    case 1: return ~UINT64_C(0);
    case 2: return UINT64_C(1) << (r >> 8) % 64;
    case 3: return ~UINT64_C(0) << (r >> 8) % 64;
    case 4: return ~UINT64_C(0) >> (r >> 8) % 64;
    case 5: return v << (r >> 8) % 64;
    default: return v;
    }
}

/* Sign, exponent and fraction of a format with special values often; exponents near each other often enough to cancel.
 */
static inline uint64_t random_fields(uint64_t *rng, unsigned exp_bits, unsigned frac_bits)
{
    uint64_t r = test_random(rng), max = (UINT64_C(1) << exp_bits) - 1, exp;
    switch (r % 16) {
    case 0: exp = 0; break;
    case 1: exp = max; break;
    case 2: exp = 1 + (r >> 8) % 4; break;
    case 3: exp = max - 1 - (r >> 8) % 4; break;
    case 4:
    case 5: exp = (r >> 8) & max; break;
    case 6: exp = max / 2 + (r >> 8) % 70; break;
    case 7: exp = max / 2 + frac_bits - (r >> 8) % 3; break;
    case 8: exp = max / 4 + (r >> 8) % 64; break;
    case 9: exp = max / 4 * 3 + (r >> 8) % 64; break;
    default: exp = max / 2 - 3 + (r >> 8) % 8; break;
    }
    uint64_t frac = random_pattern(rng) >> (r >> 40 & 1 ? 64 - frac_bits : 0);
    return (r >> 63) << (exp_bits + frac_bits) | (exp & max) << frac_bits | (frac & ((UINT64_C(1) << frac_bits) - 1));
}

static inline uint32_t random_f32(uint64_t *rng)
{
    return (uint32_t)random_fields(rng, 8, 23);
}
static inline uint64_t random_f64(uint64_t *rng)
{
    return random_fields(rng, 11, 52);
}

/* Mostly real numbers, with unnormals, pseudo-denormals and the boundaries of the shorter formats and of integers. */
static inline struct fp_f80 random_f80(uint64_t *rng)
{
    uint64_t r = test_random(rng);
    struct fp_f80 v;
    v.se = (uint16_t)(random_fields(rng, 15, 1) >> 1);
    v.sig = random_pattern(rng);
    if (r % 16 != 0) {
        if ((v.se & 0x7FFF) != 0)
            v.sig |= UINT64_C(1) << 63;
        else
            v.sig &= ~(UINT64_C(1) << 63);
    }
    static const uint16_t borders[] = { 16383 - 127, 16383 - 150, 16383 - 1023, 16383 - 1075, 16383 + 127, 16383 + 1023,
                                        16383 + 62,  16383 + 15,  16383 + 30,   16383 + 59,   16383 - 64 };
    if (r >> 8 & 1 && (r >> 9 & 3) == 0)
        v.se = (uint16_t)((v.se & 0x8000) | (borders[(r >> 16) % VX_ARRAY_LEN(borders)] + (r >> 32) % 3));
    return v;
}

/* Executable host code from bytes; never writable and executable at once. */
static inline void *host_code(const uint8_t *code, size_t bytes)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(page != MAP_FAILED);
    memcpy(page, code, bytes);
    cr_assert(mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0);
    return page;
}

#endif

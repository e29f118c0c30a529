/* pc_lockstep_state.c - two vCPUs side by side: equal or not, and the report when not. */
#include "pc_lockstep_state.h"

#include <inttypes.h>
#include <stdio.h>

#include "vx86/debug.h"

/* All of the FXSAVE image that has rows lies below it. */
#define FX_BYTES 288

/* Mostly the whole images are equal; else the parts that count are looked at. */
static bool bytes_equal(const struct vx_vcpu *a, const struct vx_vcpu *b)
{
    if (memcmp(a->fx, b->fx, FX_BYTES) == 0 && memcmp(&a->monitor, &b->monitor, sizeof a->monitor) == 0)
        return true;
    bool differ = false;
#define VCPU_BYTES(name, member, bytes, max, uses, bits) \
    if ((uses)&VX_STATE_COMPARED)                        \
        differ |= memcmp(&a->member, &b->member, bytes) != 0;
#include "vx86/vcpu_state.def"
    return !differ;
}

bool lockstep_state_equal(const struct vx_vcpu *a, const struct vx_vcpu *b)
{
    uint64_t differ = 0;
#define VCPU_NUMBER(name, member, max, digits, uses, bits) \
    if ((uses)&VX_STATE_COMPARED)                          \
        differ |= (uint64_t)a->member ^ (uint64_t)b->member;
#define VCPU_BYTES(name, member, bytes, max, uses, bits)                                                    \
    _Static_assert(offsetof(struct vx_vcpu, member) + (bytes) <= offsetof(struct vx_vcpu, fx) + FX_BYTES || \
                       offsetof(struct vx_vcpu, member) >= offsetof(struct vx_vcpu, monitor),               \
                   "bytes_equal() would not see it");
#include "vx86/vcpu_state.def"
    return differ == 0 && bytes_equal(a, b);
}

struct row {
    const char *name;
    char text[3][132]; /* before, leader, follower */
};

static void number_row(struct row *row, const char *name, uint64_t before, uint64_t leader, uint64_t follower,
                       int digits)
{
    const uint64_t values[3] = { before, leader, follower };
    row->name = name;
    for (unsigned i = 0; i < 3; i++) {
        if (digits == 1)
            snprintf(row->text[i], sizeof row->text[i], "%" PRIu64, values[i]);
        else
            snprintf(row->text[i], sizeof row->text[i], "%0*" PRIX64, digits, values[i]);
    }
}

/* Highest byte first, as numbers are written. */
static void bytes_row(struct row *row, const char *name, const uint8_t *const value[3], unsigned bytes)
{
    row->name = name;
    for (unsigned i = 0; i < 3; i++)
        for (unsigned b = 0; b < bytes; b++)
            snprintf(row->text[i] + 2 * b, 3, "%02X", value[i][bytes - 1 - b]);
}

/* The main rows are shown always, inputs never, others where they differ. */
static void print_row(struct vx_log *log, const struct row *row, unsigned uses)
{
    bool differs = (uses & VX_STATE_COMPARED) && strcmp(row->text[1], row->text[2]) != 0;
    if ((uses & VX_STATE_MAIN) || differs)
        vx_log_error(log, VX_LOG_CPU, "  %-14s %-32s %-32s %-32s%s", row->name, row->text[0], row->text[1],
                     row->text[2], differs ? " <-- differs" : "");
}

void lockstep_state_report(struct vx_log *log, const struct vx_vcpu *before, const struct vx_vcpu *leader,
                           const struct vx_vcpu *follower)
{
    struct row row;
    vx_log_error(log, VX_LOG_CPU, "  %-14s %-32s %-32s %-32s", "", "before", "translator", "interpreter");
#define VCPU_NUMBER(name, member, max, digits, uses, bits)                            \
    number_row(&row, name, before->member, leader->member, follower->member, digits); \
    print_row(log, &row, uses);
#define VCPU_BYTES(name, member, bytes, max, uses, bits)                                                           \
    bytes_row(&row, name, (const uint8_t *const[]){ &before->member, &leader->member, &follower->member }, bytes); \
    print_row(log, &row, uses);
#include "vx86/vcpu_state.def"
}

/* ---- code -------------------------------------------------------------------------------------------------------- */

enum { INSN_BYTES_MAX = 15 };

/* Instruction bytes without side effects; fewer than 15 where a page is missing. */
static unsigned peek_code(struct vx_vcpu *cpu, uint64_t lin, uint8_t code[INSN_BYTES_MAX])
{
    unsigned n = 0;
    uint64_t phys;
    for (; n < INSN_BYTES_MAX && vx_mmu_peek(cpu->mmu, lin + n, &phys); n++) {
        const uint8_t *byte = vx_pmap_read_ptr(cpu->mmu->pmap, phys);
        if (byte == NULL)
            break;
        code[n] = *byte;
    }
    return n;
}

static void print_insn(struct vx_log *log, uint64_t eip, const uint8_t *code, unsigned bytes, const char *text)
{
    char hex[2 * INSN_BYTES_MAX + 1] = "";
    for (unsigned i = 0; i < bytes; i++)
        snprintf(hex + 2 * i, 3, "%02x", code[i]);
    vx_log_error(log, VX_LOG_CPU, "  %08" PRIX64 "  %-22s %s", eip, hex, text);
}

void lockstep_code_report(struct vx_log *log, struct vx_vcpu *cpu, const struct vx_vcpu *at, unsigned count)
{
    const struct vx_disassembler how = { .code32 = vx_code32(at) };
    uint64_t eip = at->rip;
    while (count-- != 0) {
        uint8_t code[INSN_BYTES_MAX];
        char text[96];
        unsigned bytes = peek_code(cpu, at->seg[VX_CS].base + eip, code);
        unsigned length = vx_disassemble(&how, code, bytes, eip, text, sizeof text);
        print_insn(log, eip, code, length != 0 ? length : bytes, text);
        if (length == 0)
            return;
        eip = vx_off_wrap(eip + length);
    }
}

/* flags.c - which arithmetic flags an instruction reads and writes (by Zydis' tables), and which of those written die.
 *
 * For listings alone: the translator keeps the guest's flags in the host's and needs no such analysis. */
#include <Zydis/Zydis.h>
#include <string.h>

#include "debug_private.h"

static bool has_memory(const struct decoded *d)
{
    for (unsigned i = 0; i < d->z.operand_count; i++)
        if (d->operand[i].type == ZYDIS_OPERAND_TYPE_MEMORY && d->operand[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
            return true;
    return false;
}

static bool has_system_register(const struct decoded *d)
{
    for (unsigned i = 0; i < d->z.operand_count; i++) {
        if (d->operand[i].type != ZYDIS_OPERAND_TYPE_REGISTER)
            continue;
        switch (ZydisRegisterGetClass(d->operand[i].reg.value)) {
        case ZYDIS_REGCLASS_GPR8:
        case ZYDIS_REGCLASS_GPR16:
        case ZYDIS_REGCLASS_GPR32:
        case ZYDIS_REGCLASS_FLAGS:
        case ZYDIS_REGCLASS_IP: break;
        default: return true;
        }
    }
    return false;
}

/* Can it raise an exception, whose handler sees the flags as they were? Everything but plain work on registers. */
static bool can_fault(const struct decoded *d)
{
    if (has_memory(d) || has_system_register(d))
        return true;
    switch (d->z.mnemonic) {
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
    case ZYDIS_MNEMONIC_AAM:
    case ZYDIS_MNEMONIC_CLI:
    case ZYDIS_MNEMONIC_STI: return true;
    default: break;
    }
    switch (d->z.meta.category) {
    case ZYDIS_CATEGORY_BINARY:
    case ZYDIS_CATEGORY_LOGICAL:
    case ZYDIS_CATEGORY_SHIFT:
    case ZYDIS_CATEGORY_ROTATE:
    case ZYDIS_CATEGORY_BITBYTE:
    case ZYDIS_CATEGORY_DATAXFER:
    case ZYDIS_CATEGORY_CMOV:
    case ZYDIS_CATEGORY_SETCC:
    case ZYDIS_CATEGORY_CONVERT:
    case ZYDIS_CATEGORY_DECIMAL:
    case ZYDIS_CATEGORY_FLAGOP:
    case ZYDIS_CATEGORY_MISC:
    case ZYDIS_CATEGORY_NOP:
    case ZYDIS_CATEGORY_WIDENOP:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR: return false;
    default: return true;
    }
}

static bool repeats(const struct decoded *d)
{
    return (d->z.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)) != 0;
}

/* Shifts and rotates by 0 and repeated comparisons of nothing leave the flags alone. */
static bool writes_perhaps(const struct decoded *d)
{
    if (repeats(d))
        return true;
    if (d->z.meta.category != ZYDIS_CATEGORY_SHIFT && d->z.meta.category != ZYDIS_CATEGORY_ROTATE)
        return false;
    const ZydisDecodedOperand *by = &d->operand[d->z.operand_count_visible - 1];
    return by->type != ZYDIS_OPERAND_TYPE_IMMEDIATE || (by->imm.value.u & 31) == 0;
}

unsigned vx_flag_use(const struct vx_disassembler *how, const uint8_t *bytes, size_t count, struct vx_flag_use *use)
{
    struct decoded d;
    *use = (struct vx_flag_use){ .can_fault = true };
    if (!insn_decode(how, bytes, count, &d))
        return 0;
    use->can_fault = can_fault(&d);
    if (d.z.cpu_flags == NULL)
        return d.z.length;
    const ZydisAccessedFlags *flags = d.z.cpu_flags;
    use->read = repeats(&d) ? 0 : flags->tested & VX_FL_ARITH; /* ZF of a repeated comparison is its own */
    use->written = (flags->modified | flags->set_0 | flags->set_1 | flags->undefined) & VX_FL_ARITH;
    use->perhaps = use->written != 0 && writes_perhaps(&d);
    return d.z.length;
}

/* Backwards from the end, where all are live. */
static void find_dead(struct vx_flag_use *use, unsigned count, bool exact)
{
    uint32_t live = VX_FL_ARITH;
    while (count-- > 0) {
        struct vx_flag_use *at = &use[count];
        *(exact ? &at->dead_exact : &at->dead) = at->written & ~live;
        if (!at->perhaps)
            live &= ~at->written;
        live |= at->read;
        if (exact && at->can_fault)
            live = VX_FL_ARITH;
    }
}

void vx_flag_liveness(struct vx_flag_use *use, unsigned count)
{
    find_dead(use, count, false);
    find_dead(use, count, true);
}

/* undefined.c - what this host's processor does where the manual leaves flags undefined and processors differ.
 *
 * The translator executes BSF and BSR as they are, so the guest gets the host's flags from it; the interpreter follows
 * the rules that are found here. Measured: AMD's Zen 3 leaves all but ZF as they were; Zen 4 sets PF by the index and
 * clears the rest. A rule is said flag by flag, so that mixtures of these have one too.
 *
 *   I1  A rule is believed only if it explains all that was seen; else the host gets the fixed rules, as hosts of
 *       another architecture do. */
#include "cpu_private.h"

/* ZF alone is defined (SDM 2 "BSF", "BSR"). */
#define UNDEFINED_BY_SCAN ((uint32_t)VX_FL_ARITH & ~(uint32_t)VX_FL_ZF)

static const struct vx_cpu_undefined zen4 = {
    .bit_scan = {
        [VX_BSF] = { .zero = { .set = VX_FL_PF }, .found = { .parity = VX_FL_PF } },
        [VX_BSR] = { .zero = { .set = VX_FL_PF }, .found = { .parity = VX_FL_PF } },
    },
};

const struct vx_cpu_undefined *vx_cpu_undefined_fixed(void)
{
    return &zen4;
}

#if defined(__x86_64__)

static uint32_t scan_on_host(enum vx_bit_scan scan, uint32_t source, uint32_t flags)
{
    uint64_t both = flags | VX_FL_1 | VX_FL_IF;
    uint32_t index = 0;
#define RUN(mnemonic)                                                \
    __asm__ volatile("sub $128, %%rsp\n\t" /* red zone */            \
                     "push %[both]\n\t"                              \
                     "popfq\n\t" mnemonic " %[source], %[index]\n\t" \
                     "pushfq\n\t"                                    \
                     "pop %[both]\n\t"                               \
                     "add $128, %%rsp"                               \
                     : [both] "+r"(both), [index] "+r"(index)        \
                     : [source] "r"(source)                          \
                     : "cc", "memory")
    if (scan == VX_BSF)
        RUN("bsf");
    else
        RUN("bsr");
#undef RUN
    return (uint32_t)both & UNDEFINED_BY_SCAN;
}

static bool has_even_index(enum vx_bit_scan scan, uint32_t source)
{
    if (source == 0)
        return true;
    return !__builtin_parity((unsigned)(scan == VX_BSF ? __builtin_ctz(source) : 31 - __builtin_clz(source)));
}

/* The rule that explains what `scan` does with `count` sources, which are all zero or all not. False: there is none. */
static bool find_rule(enum vx_bit_scan scan, const uint32_t *source, unsigned count, struct vx_scan_flags *rule)
{
    *rule = (struct vx_scan_flags){ UNDEFINED_BY_SCAN, UNDEFINED_BY_SCAN, UNDEFINED_BY_SCAN };
    uint32_t cleared = UNDEFINED_BY_SCAN;
    for (unsigned i = 0; i < count; i++) {
        uint32_t from_0 = scan_on_host(scan, source[i], 0);
        uint32_t from_1 = scan_on_host(scan, source[i], VX_FL_ARITH);
        uint32_t even = has_even_index(scan, source[i]) ? UNDEFINED_BY_SCAN : 0;
        rule->kept &= from_1 & ~from_0;
        rule->set &= from_1 & from_0;
        rule->parity &= ~(from_0 ^ even) & ~(from_1 ^ even);
        cleared &= ~(from_0 | from_1);
    }
    rule->parity &= ~rule->set; /* where there was no index to tell them apart */
    return (rule->kept | rule->set | rule->parity | cleared) == UNDEFINED_BY_SCAN;
}

void undefined_probe(struct vx_cpu_undefined *undefined)
{
    static const uint32_t zero[] = { 0 };
    static const uint32_t others[] = { 1, 2, 6, 8, 0x10, 0x80, 0xFF00, 0x8001, 0x40000000, 0x80000000, 0xFFFFFFFF };
    *undefined = zen4;
    for (unsigned scan = VX_BSF; scan <= VX_BSR; scan++) {
        struct vx_scan_rule seen;
        if (find_rule(scan, zero, VX_ARRAY_LEN(zero), &seen.zero) &&
            find_rule(scan, others, VX_ARRAY_LEN(others), &seen.found)) /* keeps I1 */
            undefined->bit_scan[scan] = seen;
    }
}

#else

void undefined_probe(struct vx_cpu_undefined *undefined)
{
    *undefined = zen4;
}

#endif

/* golden.h - what x86 processors do, as one number for each group of cases, for hosts that have none to ask.
 *
 * A test adds every result of the interpreter's that any x86 processor would give; on x86-64 the same result has been
 * compared with the host's own. The sum of the group is then what golden.def says, on every host. After a change of
 * cases VX86_GOLDEN=1 prints the rows, on x86-64. */
#ifndef VX86_TESTS_GOLDEN_H
#define VX86_TESTS_GOLDEN_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "vx86/compiler.h"

#if defined(__x86_64__)
#define HAS_X86_HOST 1
#else
#define HAS_X86_HOST 0
#endif

struct golden {
    uint64_t sum, count; /* of bytes */
};

/* FNV-1a, 64 bits. */
static inline void golden_add(struct golden *golden, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    if (golden->count == 0)
        golden->sum = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < count; i++)
        golden->sum = (golden->sum ^ at[i]) * UINT64_C(0x100000001B3);
    golden->count += count;
}

static inline void golden_add32(struct golden *golden, uint32_t value)
{
    const uint8_t bytes[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24) };
    golden_add(golden, bytes, sizeof bytes);
}

static inline void golden_check(const struct golden *golden, const char *group)
{
    static const struct {
        const char *group;
        uint64_t sum;
    } rows[] = {
#define GOLDEN(group, sum) { group, UINT64_C(sum) },
#include "golden.def"
#undef GOLDEN
    };
    cr_assert(golden->count > 0, "%s: nothing was added", group);
    if (HAS_X86_HOST && getenv("VX86_GOLDEN") != NULL) {
        fprintf(stderr, "GOLDEN(\"%s\", 0x%016llX)\n", group, (unsigned long long)golden->sum);
        return;
    }
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].group, group) != 0)
            continue;
        cr_assert_eq(golden->sum, rows[i].sum, "%s: %016llx, golden.def has %016llx", group,
                     (unsigned long long)golden->sum, (unsigned long long)rows[i].sum);
        return;
    }
    cr_assert_fail("golden.def has no row for %s", group);
}

#endif

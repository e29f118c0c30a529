/* account.h - the lines with which a suite's program ends its standard output, for tools/conformance to add up.
 *
 *     #account<TAB>run=N<TAB>exact=N
 *     #skipped<TAB>N<TAB>reason       not run, and why
 *     #accepted<TAB>N<TAB>reason      run and different, as it must be; counted in neither number above
 *
 * run: cases that were compared; exact: those of them without any difference. A reason is one line of plain text. */
#ifndef VX86_TEST_ACCOUNT_H
#define VX86_TEST_ACCOUNT_H

#include <stdint.h>
#include <stdio.h>

static inline void account_print(uint64_t run, uint64_t exact)
{
    printf("#account\trun=%llu\texact=%llu\n", (unsigned long long)run, (unsigned long long)exact);
}

/* After account_print(); what did not happen is not told. */
static inline void account_skipped(uint64_t count, const char *reason)
{
    if (count != 0)
        printf("#skipped\t%llu\t%s\n", (unsigned long long)count, reason);
}

static inline void account_accepted(uint64_t count, const char *reason)
{
    if (count != 0)
        printf("#accepted\t%llu\t%s\n", (unsigned long long)count, reason);
}

#endif

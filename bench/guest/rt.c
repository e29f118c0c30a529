/* rt.c - start of the guest program, its few system calls.
 *
 *     bench run NAME [UNITS]   "@begin NAME", the work, "@end NAME units checksum microseconds" (guest's clock)
 *     bench list               the rows
 *     bench nothing            ends at once (what the exec row runs)
 *
 * I1  A marker starts with @ at the beginning of a line, which the echo of a typed command never does.
 * I2  Markers are drained before work begins, so that host times of their arrival bound the work. */
#include "rt.h"

enum { MAP_PRIVATE_ANONYMOUS = 0x22, PROT_RW = 3, PROT_EXEC = 4, PAGE = 4096, TCSBRK = 0x5409, AT_SYSINFO = 32 };

struct row {
    const char *name;
    uint32_t units;
    uint32_t (*run)(struct bench *bench);
};

static const struct row rows[] = {
#define ROW(id, name, group, native, units, text) { name, units, row_##id },
#include "rows.def"
#undef ROW
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static uint32_t length(const char *s)
{
    uint32_t n = 0;
    while (s[n] != 0)
        n++;
    return n;
}

static int same(const char *a, const char *b)
{
    uint32_t n = length(a);
    for (uint32_t i = 0; i <= n; i++) {
        if (a[i] != b[i])
            return 0;
    }
    return 1;
}

_Noreturn void rt_exit(uint32_t status)
{
    for (;;)
        rt_syscall(SYS_exit, status, 0, 0);
}

void rt_write(const char *text, uint32_t bytes)
{
    rt_syscall(SYS_write, 1, RT_PTR(text), bytes);
}

void *rt_map(uint32_t bytes, int executable)
{
    int32_t result;
    uint32_t protection = executable ? PROT_RW | PROT_EXEC : PROT_RW;
    /* The sixth argument goes in EBP: offset 0. */
    __asm__ volatile("push %%ebp\n\txor %%ebp, %%ebp\n\tint $0x80\n\tpop %%ebp"
                     : "=a"(result)
                     : "a"(SYS_mmap2), "b"(0), "c"(bytes), "d"(protection), "S"(MAP_PRIVATE_ANONYMOUS), "D"(-1)
                     : "memory");
    if ((uint32_t)result > -(uint32_t)PAGE)
        rt_fail("no memory");
    return (void *)result;
}

void rt_unmap(void *memory, uint32_t bytes)
{
    rt_syscall(SYS_munmap, RT_PTR(memory), bytes, 0);
}

static uint64_t clock_ns(void)
{
    int32_t ts[2] = { 0, 0 };
    rt_syscall(SYS_clock_gettime, 1, RT_PTR(ts), 0);
    return (uint64_t)ts[0] * 1000000000u + (uint32_t)ts[1];
}

void bench_begin(struct bench *bench)
{
    rt_print("@begin ", bench->name, 0, 0);
    rt_syscall(SYS_ioctl, 1, TCSBRK, 1);
    bench->begin_ns = clock_ns();
}

/* Without the 64-bit division of a compiler's library; the quotient fits as no row runs longer than an hour. */
static uint32_t microseconds(uint64_t ns)
{
    uint32_t quotient, rest;
    __asm__("divl %4" : "=a"(quotient), "=d"(rest) : "a"((uint32_t)ns), "d"((uint32_t)(ns >> 32)), "rm"(1000u));
    return quotient;
}

static int run(struct bench *bench)
{
    for (unsigned i = 0; i < ROWS; i++) {
        if (!same(rows[i].name, bench->name))
            continue;
        if (bench->units == 0)
            bench->units = rows[i].units;
        uint32_t sum = rows[i].run(bench);
        uint32_t numbers[3] = { bench->units, sum, microseconds(clock_ns() - bench->begin_ns) };
        rt_print("@end ", bench->name, numbers, 3);
        return 0;
    }
    rt_fail("no such row");
}

/* The auxiliary vector lies behind the arguments and the environment. */
static uint32_t auxiliary(uint32_t *argument_end, uint32_t type)
{
    uint32_t *at = argument_end + 1;
    while (*at != 0)
        at++;
    for (at++; at[0] != 0; at += 2) {
        if (at[0] == type)
            return at[1];
    }
    return 0;
}

__attribute__((used)) _Noreturn void start(uint32_t *stack);
_Noreturn void start(uint32_t *stack)
{
    uint32_t count = stack[0];
    char **arguments = (char **)(stack + 1);
    struct bench bench = { .self = arguments[0], .sysinfo = auxiliary(stack + 1 + count, AT_SYSINFO) };
    if (count == 2 && same(arguments[1], "nothing"))
        rt_exit(0);
    if (count == 2 && same(arguments[1], "list")) {
        for (unsigned i = 0; i < ROWS; i++)
            rt_print("", rows[i].name, &rows[i].units, 1);
        rt_exit(0);
    }
    if (count < 3 || !same(arguments[1], "run"))
        rt_fail("use: bench run NAME [UNITS] | list");
    bench.name = arguments[2];
    bench.units = count > 3 ? rt_number(arguments[3]) : 0;
    rt_exit((uint32_t)run(&bench));
}

__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tand $-16, %esp\n\tsub $12, %esp\n\tpush %eax\n\tcall start\n");

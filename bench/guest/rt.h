/* rt.h - what the rows stand on: start, system calls, output. The program has no C library. */
#ifndef BENCH_RT_H
#define BENCH_RT_H

#include <stdint.h>

struct bench {
    const char *name;
    const char *self; /* path of this program, for exec */
    uint32_t units;
    uint32_t sysinfo; /* the kernel's system call entry, 0 if it has none */
    uint64_t begin_ns;
};

/* Every row: prepares, says bench_begin, works, returns a checksum that is the same on every correct machine. */
#define ROW(id, name, group, native, units, text) uint32_t row_##id(struct bench *bench);
#include "rows.def"
#undef ROW

/* Writes the begin marker and waits until it has left the serial line. */
void bench_begin(struct bench *bench);

enum {
    SYS_exit = 1,
    SYS_fork = 2,
    SYS_read = 3,
    SYS_write = 4,
    SYS_close = 6,
    SYS_waitpid = 7,
    SYS_execve = 11,
    SYS_getpid = 20,
    SYS_pipe = 42,
    SYS_ioctl = 54,
    SYS_munmap = 91,
    SYS_mmap2 = 192,
    SYS_getppid = 64,
    SYS_clock_gettime = 265,
};

static inline int32_t rt_syscall(uint32_t number, uint32_t a, uint32_t b, uint32_t c)
{
    int32_t result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

#define RT_PTR(p) ((uint32_t)(uintptr_t)(p))

/* Of each ground. */
_Noreturn void rt_exit(uint32_t status);
void rt_write(const char *text, uint32_t bytes);
/* Fresh zeroed memory, readable and writable; executable if asked for. Ends the program when there is none. */
void *rt_map(uint32_t bytes, int executable);
void rt_unmap(void *memory, uint32_t bytes);

/* rt_common.c; the compiler may call the first two. */
void *memcpy(void *restrict to, const void *restrict from, uint32_t n);
void *memset(void *to, int byte, uint32_t n);
/* As rt_map, with every page touched. */
void *rt_pages(uint32_t bytes);
/* One line: the text, then numbers[count] with a space before each. */
void rt_print(const char *text, const char *name, const uint32_t *numbers, unsigned count);
_Noreturn void rt_fail(const char *text);
/* Decimal digits to the first other character. */
uint32_t rt_number(const char *digits);

static inline uint32_t rt_random(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

#endif

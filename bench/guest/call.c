/* call.c - calls: direct and deep, indirect, recursive. */
#include "rt.h"

/* The barriers keep both recursions as written. */
static __attribute__((noinline)) uint32_t fib(uint32_t n)
{
    if (n < 2)
        return n;
    uint32_t a = fib(n - 1);
    __asm__ volatile("" : "+r"(a));
    uint32_t b = fib(n - 2);
    __asm__ volatile("" : "+r"(b));
    return a + b;
}

uint32_t row_fib(struct bench *bench)
{
    uint32_t sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++)
        sum = sum * 3 + fib(20 + (i & 1));
    return sum;
}

#define LEAF(n, expression)                                        \
    static __attribute__((noinline)) uint32_t leaf_##n(uint32_t x) \
    {                                                              \
        return expression;                                         \
    }
LEAF(0, x + 1)
LEAF(1, x * 3)
LEAF(2, x ^ 0x55aa)
LEAF(3, x - 77)
LEAF(4, x << 1 | x >> 31)
LEAF(5, ~x)
LEAF(6, x + (x >> 3))
LEAF(7, x ^ x << 7)
LEAF(8, x * 5 + 1)
LEAF(9, x - (x << 4))
LEAF(10, x ^ 0x12345)
LEAF(11, x + 0x777)
LEAF(12, x >> 5 ^ x)
LEAF(13, -x)
LEAF(14, x | 1)
LEAF(15, x * 9)

static uint32_t (*const leaves[16])(uint32_t) = {
    leaf_0, leaf_1, leaf_2,  leaf_3,  leaf_4,  leaf_5,  leaf_6,  leaf_7,
    leaf_8, leaf_9, leaf_10, leaf_11, leaf_12, leaf_13, leaf_14, leaf_15
};

uint32_t row_indirect(struct bench *bench)
{
    uint32_t x = 1, seed = 3;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        uint32_t order = rt_random(&seed);
        for (unsigned k = 0; k < 100; k++) {
            x = leaves[(order + k * 7) & 15](x);
            order = order >> 1 | order << 31;
        }
    }
    return x;
}

static __attribute__((noinline)) uint32_t descend(uint32_t depth, uint32_t x)
{
    if (depth == 0)
        return x;
    uint32_t below = descend(depth - 1, x + depth);
    __asm__ volatile("" : "+r"(below));
    return below ^ depth;
}

uint32_t row_deep(struct bench *bench)
{
    uint32_t x = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++)
        x = descend(1000, x);
    return x;
}

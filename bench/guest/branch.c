/* branch.c - branches that depend on data. */
#include "rt.h"

uint32_t row_collatz(struct bench *bench)
{
    uint32_t sum = 0;
    bench_begin(bench);
    for (uint32_t n = 1; n <= bench->units; n++) {
        uint32_t x = n;
        while (x > 1) {
            /* A barrier on each side, so that the compiler keeps the branch. */
            if (x & 1) {
                x = 3 * x + 1;
                __asm__ volatile("" : "+r"(x));
            } else {
                x >>= 1;
                __asm__ volatile("" : "+r"(x));
            }
            sum++;
        }
    }
    return sum;
}

static void insertion_sort(uint32_t *v, int32_t low, int32_t high)
{
    for (int32_t i = low + 1; i <= high; i++) {
        uint32_t x = v[i];
        int32_t k = i - 1;
        for (; k >= low && v[k] > x; k--)
            v[k + 1] = v[k];
        v[k + 1] = x;
    }
}

static void quick_sort(uint32_t *v, int32_t low, int32_t high)
{
    while (high - low > 12) {
        uint32_t pivot = v[low + (high - low) / 2];
        int32_t i = low, k = high;
        while (i <= k) {
            while (v[i] < pivot)
                i++;
            while (v[k] > pivot)
                k--;
            if (i <= k) {
                uint32_t t = v[i];
                v[i++] = v[k];
                v[k--] = t;
            }
        }
        quick_sort(v, low, k);
        low = i;
    }
    insertion_sort(v, low, high);
}

uint32_t row_sort(struct bench *bench)
{
    enum { COUNT = 32768 };
    uint32_t *v = rt_pages(COUNT * sizeof(*v)), seed = 99, sum = 0;
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        for (uint32_t i = 0; i < COUNT; i++)
            v[i] = rt_random(&seed);
        quick_sort(v, 0, COUNT - 1);
        for (uint32_t i = 1; i < COUNT; i++) {
            if (v[i - 1] > v[i])
                rt_fail("sort: out of order");
        }
        sum += v[round % COUNT];
    }
    return sum;
}

enum op {
    OP_PUSH,
    OP_LOAD,
    OP_STORE,
    OP_ADD,
    OP_XOR,
    OP_MUL,
    OP_SHIFT,
    OP_DECREMENT,
    OP_JUMP_NONZERO,
    OP_SWAP,
    OP_END
};

/* Ten times: x = (x * 5 + 123) ^ x >> 3 and y = y + x. */
// clang-format off
static const uint8_t program[] = {
    OP_PUSH, 10,
    OP_STORE, 2,
    OP_LOAD, 0,
    OP_PUSH, 5,
    OP_MUL,
    OP_PUSH, 123,
    OP_ADD,
    OP_LOAD, 0,
    OP_SHIFT, 3,
    OP_XOR,
    OP_STORE, 0,
    OP_LOAD, 0,
    OP_LOAD, 1,
    OP_SWAP,
    OP_ADD,
    OP_STORE, 1,
    OP_DECREMENT, 2,
    OP_JUMP_NONZERO, 4,
    OP_END,
};
// clang-format on

static __attribute__((noinline)) void interpret(const uint8_t *code, uint32_t *variables)
{
    uint32_t stack[16], *sp = stack, flag = 0, t;
    const uint8_t *pc = code;
    for (;;) {
        switch ((enum op) * pc++) {
        case OP_PUSH: *sp++ = *pc++; break;
        case OP_LOAD: *sp++ = variables[*pc++]; break;
        case OP_STORE: variables[*pc++] = *--sp; break;
        case OP_ADD:
            sp--;
            sp[-1] += sp[0];
            break;
        case OP_XOR:
            sp--;
            sp[-1] ^= sp[0];
            break;
        case OP_MUL:
            sp--;
            sp[-1] *= sp[0];
            break;
        case OP_SHIFT: sp[-1] >>= *pc++; break;
        case OP_DECREMENT: flag = --variables[*pc++]; break;
        case OP_JUMP_NONZERO: pc = flag != 0 ? code + *pc : pc + 1; break;
        case OP_SWAP:
            t = sp[-1];
            sp[-1] = sp[-2];
            sp[-2] = t;
            break;
        case OP_END: return;
        }
    }
}

uint32_t row_bytecode(struct bench *bench)
{
    uint32_t variables[3] = { 1, 0, 0 };
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++)
        interpret(program, variables);
    return variables[0] ^ variables[1];
}

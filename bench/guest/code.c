/* code.c - programs that write code, as just-in-time compilers do. */
#include "rt.h"

typedef uint32_t (*function)(uint32_t);

static uint8_t *put32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        *to++ = (uint8_t)(value >> 8 * i);
    return to;
}

/* mov eax,[esp+4]; then steps of add/xor/sub eax,imm32, imul eax,eax,imm32, rol eax,imm8; ret. */
static uint8_t *emit_function(uint8_t *to, unsigned steps, uint32_t *seed)
{
    *to++ = 0x8b;
    *to++ = 0x44;
    *to++ = 0x24;
    *to++ = 0x04;
    for (unsigned i = 0; i < steps; i++) {
        uint32_t random = rt_random(seed);
        switch (random >> 28 & 3) {
        case 0: *to++ = 0x05; break;
        case 1: *to++ = 0x35; break;
        case 2: *to++ = 0x2d; break;
        default:
            *to++ = 0xc1;
            *to++ = 0xc0;
            *to++ = (uint8_t)(1 + random % 31);
            *to++ = 0x69;
            *to++ = 0xc0;
            break;
        }
        to = put32(to, random | 1);
    }
    *to++ = 0xc3;
    return to;
}

/* A compiler's life: a ring of code memory is filled with ever new functions, each of which runs for a while. */
uint32_t row_jit_fresh(struct bench *bench)
{
    enum { RING = 64 << 10, FUNCTIONS = 16, RUNS = 50, STEPS = 12, LARGEST = 256 };
    uint8_t *ring = rt_map(RING, 1), *to = ring;
    uint32_t seed = 31, x = 1;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        uint8_t *made[FUNCTIONS];
        if (to + FUNCTIONS * LARGEST > ring + RING)
            to = ring;
        for (unsigned k = 0; k < FUNCTIONS; k++) {
            made[k] = to;
            to = emit_function(to, STEPS, &seed);
        }
        for (unsigned run = 0; run < RUNS; run++) {
            for (unsigned k = 0; k < FUNCTIONS; k++)
                x = ((function)(uintptr_t)made[k])(x);
        }
    }
    return x;
}

/* Inline caches and patch points: one immediate changes before every run of a loop. */
uint32_t row_jit_patch(struct bench *bench)
{
    /* mov eax,[esp+4]; mov ecx,20; l: add eax,imm32; rol eax,5; dec ecx; jnz l; ret */
    static const uint8_t body[] = { 0x8b, 0x44, 0x24, 0x04, 0xb9, 20,   0,    0,    0,    0x05, 0,
                                    0,    0,    0,    0xc1, 0xc0, 0x05, 0x49, 0x75, 0xf5, 0xc3 };
    enum { IMMEDIATE = 10 };
    uint8_t *code = rt_map(4096, 1);
    uint32_t x = 1;
    for (unsigned i = 0; i < sizeof(body); i++)
        code[i] = body[i];
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        put32(code + IMMEDIATE, i * 2654435761u);
        x = ((function)(uintptr_t)code)(x);
    }
    return x;
}

/* Code beside data in one page: the data change all the time, the code once in a hundred rounds. */
uint32_t row_jit_warm(struct bench *bench)
{
    enum { DATA = 2048, ROUNDS = 100 };
    uint8_t *page = rt_map(4096, 1);
    volatile uint32_t *data = (volatile uint32_t *)(page + DATA);
    uint32_t seed = 77, x = 1;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        emit_function(page, 12, &seed);
        for (unsigned round = 0; round < ROUNDS; round++) {
            x = ((function)(uintptr_t)page)(x);
            data[x & 255] += x;
        }
    }
    for (unsigned k = 0; k < 256; k++)
        x = x * 3 + data[k];
    return x;
}

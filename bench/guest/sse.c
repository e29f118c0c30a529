/* sse.c - packed and scalar floating point, packed integers; this file is compiled with SSE2. */
#include "nbody.h"

typedef float f32x4 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));

uint32_t row_sse2_nbody(struct bench *bench)
{
    return nbody_run(bench);
}

enum { SIDE = 96, LANES = SIDE / 4 };

static void multiply(f32x4 (*product)[LANES], const float (*a)[SIDE], const f32x4 (*b)[LANES])
{
    for (unsigned row = 0; row < SIDE; row++) {
        for (unsigned column = 0; column < LANES; column++) {
            f32x4 sum = { 0, 0, 0, 0 };
            for (unsigned k = 0; k < SIDE; k++) {
                float f = a[row][k];
                sum += (f32x4){ f, f, f, f } * b[k][column];
            }
            product[row][column] = sum;
        }
    }
}

uint32_t row_sse_matrix(struct bench *bench)
{
    float(*a)[SIDE] = rt_pages(SIDE * SIDE * 4);
    f32x4(*b)[LANES] = rt_pages(SIDE * SIDE * 4), (*product)[LANES] = rt_pages(SIDE * SIDE * 4);
    uint32_t seed = 17, sum = 0;
    for (unsigned i = 0; i < SIDE * SIDE; i++) {
        ((float *)a)[i] = (float)(rt_random(&seed) % 1000) * 0.001f;
        ((float *)b)[i] = (float)(rt_random(&seed) % 1000) * 0.001f;
    }
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        a[round % SIDE][0] += 0.5f;
        multiply(product, (const float(*)[SIDE])a, (const f32x4(*)[LANES])b);
        sum += ((uint32_t *)product)[round % (SIDE * SIDE)];
    }
    return sum;
}

uint32_t row_sse2_blend(struct bench *bench)
{
    enum { BYTES = 64 << 10, VECTORS = BYTES / 16 };
    u16x8 *front = rt_pages(BYTES), *back = rt_pages(BYTES);
    uint32_t seed = 23, sum = 0;
    for (unsigned i = 0; i < BYTES / 2; i++) {
        ((uint16_t *)front)[i] = (uint16_t)(rt_random(&seed) & 0xff);
        ((uint16_t *)back)[i] = (uint16_t)(rt_random(&seed) & 0xff);
    }
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        uint16_t weight = (uint16_t)(round & 0xff), rest = (uint16_t)(256 - weight);
        u8x16 brightest = { 0 };
        for (unsigned i = 0; i < VECTORS; i++) {
            u16x8 mixed = (front[i] * weight + back[i] * rest) >> 8;
            u8x16 bytes = (u8x16)mixed, brighter = (u8x16)(bytes > brightest);
            brightest = (bytes & brighter) | (brightest & ~brighter);
            back[i] = mixed ^ (front[i] >> 3);
        }
        sum += brightest[round & 15] + ((uint32_t *)back)[round % (BYTES / 4)];
    }
    return sum;
}

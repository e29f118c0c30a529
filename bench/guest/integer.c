/* integer.c - arithmetic in registers and small tables. */
#include "rt.h"

static inline uint32_t rotl(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

uint32_t row_alu(struct bench *bench)
{
    uint32_t a = 0x12345678, b = 0x9abcdef0, c = 0x0f1e2d3c;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        for (unsigned k = 0; k < 1000; k++) {
            a ^= a << 13;
            a ^= a >> 17;
            a ^= a << 5;
            b = rotl(b, 7) + a;
            c = (c ^ b) - rotl(a, 11);
        }
    }
    return a ^ b ^ c;
}

uint32_t row_wide(struct bench *bench)
{
    uint64_t x = 0x0123456789abcdef, y = 0xfedcba9876543210, z = 1;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        for (unsigned k = 0; k < 1000; k++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            y = (y << 13 | y >> 51) ^ x;
            z += y - (x >> 7);
        }
    }
    z ^= x;
    return (uint32_t)z ^ (uint32_t)(z >> 32);
}

uint32_t row_divide(struct bench *bench)
{
    uint32_t seed = 1, sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        uint32_t a = rt_random(&seed), b = rt_random(&seed) >> 4;
        while (b != 0) {
            uint32_t rest = a % b;
            a = b;
            b = rest;
        }
        sum += a;
    }
    return sum;
}

static void crc_table(uint32_t table[256])
{
    for (uint32_t n = 0; n < 256; n++) {
        uint32_t c = n;
        for (unsigned k = 0; k < 8; k++)
            c = c >> 1 ^ (0xedb88320 & -(c & 1));
        table[n] = c;
    }
}

uint32_t row_crc(struct bench *bench)
{
    enum { BYTES = 256 << 10 };
    uint32_t table[256], seed = 7, crc = ~0u;
    uint8_t *data = rt_pages(BYTES);
    crc_table(table);
    for (uint32_t i = 0; i < BYTES; i++)
        data[i] = (uint8_t)rt_random(&seed);
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        for (uint32_t i = 0; i < BYTES; i++)
            crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
    }
    return ~crc;
}

/* memory.c - memory by plain loads and stores and by string instructions. */
#include "rt.h"

uint32_t row_stream(struct bench *bench)
{
    enum { WORDS = (8 << 20) / 4 };
    uint32_t *v = rt_pages(WORDS * 4), sum = 0;
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        for (uint32_t i = 0; i < WORDS; i++)
            v[i] += i ^ round;
        for (uint32_t i = 0; i < WORDS; i++)
            sum += v[i];
    }
    return sum;
}

/* One cycle through all the cells, at random (Sattolo). */
static void make_cycle(uint32_t *next, uint32_t count)
{
    uint32_t seed = 42;
    for (uint32_t i = 0; i < count; i++)
        next[i] = i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t k = rt_random(&seed) % i, t = next[i];
        next[i] = next[k];
        next[k] = t;
    }
}

uint32_t row_chase(struct bench *bench)
{
    enum { WORDS = (4 << 20) / 4 };
    uint32_t *next = rt_pages(WORDS * 4), at = 0, sum = 0;
    make_cycle(next, WORDS);
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        at = next[at];
        sum += at;
    }
    return sum;
}

uint32_t row_scatter(struct bench *bench)
{
    enum { WORDS = (4 << 20) / 4 };
    uint32_t *v = rt_pages(WORDS * 4), seed = 5, sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++)
        v[rt_random(&seed) % WORDS] += i;
    for (uint32_t i = 0; i < WORDS; i++)
        sum = sum * 3 + v[i];
    return sum;
}

uint32_t row_sieve(struct bench *bench)
{
    enum { LIMIT = 1 << 20 };
    uint8_t *composite = rt_pages(LIMIT);
    uint32_t primes = 0;
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        for (uint32_t i = 0; i < LIMIT; i++)
            composite[i] = 0;
        for (uint32_t p = 2; p < LIMIT; p++) {
            if (composite[p])
                continue;
            primes++;
            for (uint32_t k = p + p; k < LIMIT; k += p)
                composite[k] = 1;
        }
    }
    return primes;
}

enum { BLOCK = 64 << 10 };

static void fill_random(void *memory, uint32_t bytes)
{
    uint32_t seed = 11;
    for (uint32_t i = 0; i < bytes / 4; i++)
        ((uint32_t *)memory)[i] = rt_random(&seed);
}

static void rep_movsd(void *to, const void *from, uint32_t words)
{
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

static void rep_stosd(void *to, uint32_t value, uint32_t words)
{
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(value) : "memory");
}

static void rep_movsb(void *to, const void *from, uint32_t bytes)
{
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
}

uint32_t row_copy(struct bench *bench)
{
    uint32_t *from = rt_pages(BLOCK), *to = rt_pages(BLOCK), sum = 0;
    fill_random(from, BLOCK);
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        from[round % (BLOCK / 4)] = round;
        for (uint32_t i = 0; i < BLOCK / 4; i++)
            to[i] = from[i];
        sum += to[(round * 77) % (BLOCK / 4)];
    }
    return sum;
}

uint32_t row_rep_copy(struct bench *bench)
{
    uint32_t *from = rt_pages(BLOCK), *to = rt_pages(BLOCK), sum = 0;
    fill_random(from, BLOCK);
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        from[round % (BLOCK / 4)] = round;
        rep_movsd(to, from, BLOCK / 4);
        sum += to[(round * 77) % (BLOCK / 4)];
        rep_stosd(to, round, BLOCK / 4);
        sum ^= to[(round * 55) % (BLOCK / 4)];
    }
    return sum;
}

uint32_t row_rep_small(struct bench *bench)
{
    uint8_t *from = rt_pages(BLOCK), *to = rt_pages(BLOCK);
    uint32_t seed = 21, sum = 0;
    fill_random(from, BLOCK);
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        uint32_t random = rt_random(&seed), bytes = 8 + (random & 63), at = random >> 6 & 0x7fff;
        rep_movsb(to + at, from + (random >> 17), bytes);
        sum += to[at + bytes - 1];
    }
    return sum;
}

uint32_t row_rep_scan(struct bench *bench)
{
    enum { BYTES = 4096 };
    uint8_t *a = rt_pages(2 * BYTES), *b = rt_pages(2 * BYTES);
    uint32_t sum = 0;
    for (uint32_t i = 0; i < BYTES; i++)
        a[i] = b[i] = (uint8_t)(1 + i % 250);
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        uint32_t end = BYTES - round % 128, left = 2 * BYTES;
        const uint8_t *p = a, *q = b;
        a[end] = 0;
        b[end] = 255;
        __asm__ volatile("repne scasb" : "+D"(p), "+c"(left) : "a"(0) : "memory", "cc");
        sum += (uint32_t)(p - a);
        p = a;
        left = 2 * BYTES;
        __asm__ volatile("repe cmpsb" : "+S"(p), "+D"(q), "+c"(left) : : "memory", "cc");
        sum += left;
        a[end] = b[end] = (uint8_t)(1 + end % 250);
    }
    return sum;
}

/* x87.c - floating point in the x87's registers; this file is compiled without SSE. */
#include "nbody.h"

uint32_t row_x87_nbody(struct bench *bench)
{
    return nbody_run(bench);
}

uint32_t row_x87_mandel(struct bench *bench)
{
    enum { SIDE = 96, DEPTH = 200 };
    uint32_t sum = 0;
    bench_begin(bench);
    for (uint32_t round = 0; round < bench->units; round++) {
        for (int row = 0; row < SIDE; row++) {
            for (int column = 0; column < SIDE; column++) {
                long double cx = column * (3.0L / SIDE) - 2.0L, cy = row * (2.5L / SIDE) - 1.25L, x = 0, y = 0;
                unsigned depth = 0;
                while (depth < DEPTH && x * x + y * y < 4.0L) {
                    long double t = x * x - y * y + cx;
                    y = 2 * x * y + cy;
                    x = t;
                    depth++;
                }
                sum += depth;
            }
        }
    }
    return sum;
}

/* Transcendental results may differ in the last bits from one kind of processor to the next: the sum is rounded. */
uint32_t row_x87_trig(struct bench *bench)
{
    long double sum = 0;
    bench_begin(bench);
    for (uint32_t i = 0; i < bench->units; i++) {
        long double x = 0.001L * (i % 1000) + 0.0005L, s, c, t, one, a, e, l;
        __asm__("fsin" : "=t"(s) : "0"(x));
        __asm__("fcos" : "=t"(c) : "0"(x));
        __asm__("fptan" : "=t"(one), "=u"(t) : "0"(x));
        __asm__("fpatan" : "=t"(a) : "0"(c), "u"(s) : "st(1)");
        __asm__("f2xm1" : "=t"(e) : "0"(x));
        __asm__("fyl2x" : "=t"(l) : "0"(x), "u"(one) : "st(1)");
        sum += s + c + t + a + e + l;
    }
    return (uint32_t)(int32_t)(sum / bench->units * 1000000);
}

/* tone.h - what is to be heard in samples: how loud a frequency is (Goertzel), and which one is the loudest. */
#ifndef VX86_TESTS_TONE_H
#define VX86_TESTS_TONE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* Amplitude of the sine of `hz` in every `stride`-th of the samples, `count` of them. */
static inline double tone_amplitude(const int16_t *samples, size_t count, size_t stride, double rate_hz, double hz)
{
    double k = 2 * cos(2 * 3.14159265358979323846 * hz / rate_hz), one = 0, two = 0;
    for (size_t i = 0; i < count; i++) {
        double next = samples[i * stride] + k * one - two;
        two = one;
        one = next;
    }
    double power = one * one + two * two - k * one * two;
    return 2 * sqrt(power < 0 ? 0 : power) / (double)count;
}

/* The loudest frequency from 40 Hz up to the limit, to `step_hz`. */
static inline double tone_loudest(const int16_t *samples, size_t count, size_t stride, double rate_hz, double limit_hz,
                                  double step_hz)
{
    double best = 0, loudest = -1;
    for (double hz = 40; hz < limit_hz; hz += step_hz) {
        double amplitude = tone_amplitude(samples, count, stride, rate_hz, hz);
        if (amplitude > loudest) {
            loudest = amplitude;
            best = hz;
        }
    }
    return best;
}

#endif

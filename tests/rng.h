/* rng.h - random numbers that come again: what random programs and fuzzers of the tests are made from. */
#ifndef VX86_TESTS_RNG_H
#define VX86_TESTS_RNG_H

#include <stdbool.h>
#include <stdint.h>

/* xorshift64: the state is the seed, never zero. */
struct rng {
    uint64_t state;
};
static inline uint64_t rng_next(struct rng *rng)
{
    rng->state ^= rng->state << 13;
    rng->state ^= rng->state >> 7;
    rng->state ^= rng->state << 17;
    return rng->state;
}
static inline uint32_t rng_below(struct rng *rng, uint32_t below)
{
    return (uint32_t)(rng_next(rng) >> 16) % below;
}
static inline bool one_in(struct rng *rng, uint32_t n)
{
    return rng_below(rng, n) == 0;
}
static inline struct rng rng_seeded(uint64_t seed)
{
    struct rng rng = { seed * 0x9E3779B97F4A7C15ull + 0xD1B54A32D192ED03ull };
    rng.state += rng.state == 0;
    for (unsigned i = 0; i < 4; i++)
        rng_next(&rng);
    return rng;
}

#endif

/* cover.c - see cover.h. A place is a pair of blocks, one after the other; how often counts by powers of two. */
#include "cover.h"

#include <string.h>

#include "vx86/compiler.h"

enum { MAP_BITS = 16, MAP_BYTES = 1 << MAP_BITS, STEP_BLOCKS = 1 << 16 };

void __sanitizer_cov_trace_pc(void);

static struct {
    uint8_t count[MAP_BYTES];
    uint8_t seen[MAP_BYTES]; /* a bit for each class of counts */
    uint32_t previous, left; /* blocks that are still noted */
    unsigned places;
} cover;

__attribute__((no_sanitize("address", "undefined"))) void __sanitizer_cov_trace_pc(void)
{
    if (cover.left == 0)
        return;
    cover.left--;
    /* relative to something of the same program, so that a place has the same number in every run */
    uint64_t pc = (uint64_t)__builtin_return_address(0) - (uint64_t)__sanitizer_cov_trace_pc;
    uint32_t here = (uint32_t)(pc * 0x9E3779B97F4A7C15u >> (64 - MAP_BITS));
    uint8_t *count = &cover.count[here ^ cover.previous];
    *count = (uint8_t)(*count + (*count != UINT8_MAX));
    cover.previous = here >> 1;
}

void cover_begin(void)
{
    memset(cover.count, 0, sizeof cover.count);
    cover.previous = 0;
    cover_step();
}

void cover_step(void)
{
    cover.left = STEP_BLOCKS;
}

/* 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more. */
static uint8_t class_of(uint8_t count)
{
    static const uint8_t most[] = { 1, 2, 3, 7, 15, 31, 127 };
    unsigned n = 0;
    while (n < VX_ARRAY_LEN(most) && count > most[n])
        n++;
    return (uint8_t)(1u << n);
}

unsigned cover_end(void)
{
    unsigned news = 0;
    for (unsigned at = 0; at < MAP_BYTES; at += 8) {
        uint64_t word;
        memcpy(&word, cover.count + at, sizeof word);
        for (unsigned i = at; word != 0 && i < at + 8; i++) {
            uint8_t bit = cover.count[i] != 0 ? class_of(cover.count[i]) : 0;
            cover.places += bit != 0 && cover.seen[i] == 0;
            news += (bit & ~cover.seen[i]) != 0;
            cover.seen[i] |= bit;
        }
    }
    return news;
}

unsigned cover_places(void)
{
    return cover.places;
}

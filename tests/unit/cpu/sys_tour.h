/* sys_tour.h - the tour of the privileged architecture (sys_tour.h.s, sys_tour.h.tables.s) as bytes in the program that
 * includes this, and what it must find.
 *
 * Load [tour, tour_end) at TOUR_ORIGIN, enter it in real mode at TOUR_ORIGIN >> 4:0000, run it to its HLT. The words
 * from TOUR_LOG on are the results. The same bytes were run on QEMU 7.2 (TCG), whose results are those of sys_tour.inc
 * but for the lines marked there: those hold what the SDM says. */
#ifndef VX86_TESTS_SYS_TOUR_H
#define VX86_TESTS_SYS_TOUR_H

#include <stdio.h>

#include "vx86/pmap.h"

#if defined(__x86_64__)
#define TOUR_AVAILABLE 1

__asm__(".pushsection .rodata\n"
        ".include \"" __FILE__ ".s\"\n"
        ".include \"" __FILE__ ".tables.s\"\n"
        ".code64\n"
        ".popsection\n");

extern const uint8_t tour[] __attribute__((visibility("hidden")));
extern const uint8_t tour_end[] __attribute__((visibility("hidden")));
extern const uint8_t log_at[] __attribute__((visibility("hidden")));

enum { TOUR_ORIGIN = 0x8000, TOUR_LOG = 0x70000 };

static const uint32_t tour_expected[] = {
#include "sys_tour.inc"
};

static inline void tour_load(struct vx_pmap *pmap)
{
    vx_pmap_write(pmap, TOUR_ORIGIN, tour, (size_t)(tour_end - tour));
}

/* Prints the first differences; returns how many there are. */
static inline unsigned tour_differences(struct vx_pmap *pmap)
{
    uint32_t end, got, bad = 0;
    vx_pmap_read(pmap, TOUR_ORIGIN + (uint64_t)(log_at - tour), &end, 4);
    uint32_t count = (end - TOUR_LOG) / 4;
    if (count != VX_ARRAY_LEN(tour_expected)) {
        printf("%u results, expected %zu\n", count, VX_ARRAY_LEN(tour_expected));
        bad++;
    }
    for (uint32_t i = 0; i < VX_ARRAY_LEN(tour_expected) && i < count; i++) {
        vx_pmap_read(pmap, TOUR_LOG + i * 4, &got, 4);
        if (got != tour_expected[i] && bad++ < 20)
            printf("result %u: %08x, expected %08x\n", i, got, tour_expected[i]);
    }
    return bad;
}

#endif
#endif

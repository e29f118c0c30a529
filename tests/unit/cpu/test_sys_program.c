/* test_sys_program.c - the tour of the privileged architecture (test_sys_program.c.s, .c.tables.s), run by the
 * interpreter.
 *
 * The same bytes were run on QEMU 7.2 (TCG), whose results are those of test_sys_program.inc but for the lines marked
 * there: those hold what the SDM says. */
#include "sys_world.h"

#if defined(__x86_64__)

__asm__(".pushsection .rodata\n"
        ".include \"" __FILE__ ".s\"\n"
        ".include \"" __FILE__ ".tables.s\"\n"
        ".code64\n"
        ".popsection\n");

extern const uint8_t tour[] __attribute__((visibility("hidden")));
extern const uint8_t tour_end[] __attribute__((visibility("hidden")));
extern const uint8_t log_at[] __attribute__((visibility("hidden")));

enum { ORIGIN = 0x8000, LOG = 0x70000, LOG_MAX = 4096 };

static const uint32_t expected[] = {
#include "test_sys_program.inc"
};

Test(program, tour)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    vx_cpu_reset(cpu, false);
    vx_pmap_write(w->pmap, ORIGIN, tour, (size_t)(tour_end - tour));
    cr_assert(vx_cpu_load_seg(cpu, VX_DS, 0));
    cr_assert(vx_cpu_far_jump(cpu, ORIGIN >> 4, 0, 0));
    enum vx_stop stop = vx_interp_run(cpu, 1000000);
    unsigned count = (world_get(w, ORIGIN + (uint32_t)(log_at - tour), 4) - LOG) / 4, bad = 0;
    if (count > LOG_MAX)
        count = LOG_MAX;
    for (unsigned i = 0; i < count; i++) {
        uint32_t got = world_get(w, LOG + i * 4, 4);
        bool same = i < VX_ARRAY_LEN(expected) && got == expected[i];
        if (!same && bad++ < 20)
            printf("result %u: %08x, expected %08x\n", i, got, i < VX_ARRAY_LEN(expected) ? expected[i] : 0);
    }
    cr_assert_eq(bad, 0, "%u results differ", bad);
    cr_assert_eq(count, VX_ARRAY_LEN(expected));
    cr_assert_eq(stop, VX_STOP_HALT, "stopped by %d at %x", stop, (unsigned)cpu->rip);
    world_destroy(w);
}

#endif

/* test_sys_tour.c - the interpreter on the tour of the privileged architecture. */
#include "sys_tour.h"
#include "sys_world.h"

#ifdef TOUR_AVAILABLE

Test(tour, interpreter)
{
    struct world *w = world_create();
    struct vx_vcpu *cpu = w->cpu;
    vx_cpu_reset(cpu, false);
    tour_load(w->pmap);
    cr_assert(vx_cpu_far_jump(cpu, TOUR_ORIGIN >> 4, 0, 0));
    enum vx_stop stop = vx_interp_run(cpu, 1000000);
    cr_expect_eq(tour_differences(w->pmap), 0);
    cr_assert_eq(stop, VX_STOP_HALT, "stopped by %d at %x", stop, (unsigned)cpu->rip);
    world_destroy(w);
}

#endif

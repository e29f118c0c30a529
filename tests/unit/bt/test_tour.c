/* test_tour.c - the translator on the tour of the privileged architecture, plain and in every reduced or stressed form.
 */
#include <criterion/criterion.h>

#include "../cpu/sys_tour.h"
#include "support/rig.h"

#ifdef TOUR_AVAILABLE

static void run_tour(struct vx_bt_config options, const char *name)
{
    struct rig rig;
    rig_create(&rig, &options);
    tour_load(rig.pmap);
    cr_assert(vx_cpu_far_jump(rig.vcpu, TOUR_ORIGIN >> 4, 0, 0));
    enum rig_end end = rig_run(&rig, 0);
    unsigned bad = tour_differences(rig.pmap);
    cr_expect_eq(bad, 0, "%s: %u differences", name, bad);
    cr_expect_eq(end, RIG_HALT, "%s: ended by %d at %x", name, (int)end, (unsigned)rig.vcpu->rip);
    cr_expect_neq(rig.stats.tu_translated, 0);
    rig_destroy(&rig);
}

Test(tour, translator)
{
    run_tour((struct vx_bt_config){ 0 }, "plain");
    run_tour((struct vx_bt_config){ .tu_max = 1 }, "one instruction a unit");
    run_tour((struct vx_bt_config){ .no_chain = true }, "no chaining");
    run_tour((struct vx_bt_config){ .no_jump_cache = true }, "no jump cache");
    run_tour((struct vx_bt_config){ .cache_bytes = 64 << 10 }, "smallest cache");
    run_tour((struct vx_bt_config){ .lowering = VX_LOWERING_AUTO }, "windows");
    run_tour((struct vx_bt_config){ .lowering = VX_LOWERING_AUTO, .stress = true, .stress_seed = 5 },
             "windows, stress");
    for (uint64_t seed = 1; seed <= 20; seed++)
        run_tour((struct vx_bt_config){ .stress = true, .stress_seed = seed }, "stress");
}

#endif

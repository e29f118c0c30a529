/* tour.c - the tour of the privileged architecture by either engine, for the scoreboard: each of its results against
 * the list that QEMU's run and, where that errs, the SDM have given. See tests/unit/cpu/sys_tour.h. */
#include "account.h"
#include "machine.h"
#include "sys_tour.h"

int main(int argc, char **argv)
{
#ifdef TOUR_AVAILABLE
    static struct cf_machine machine;
    int status = cf_create(&machine, argc, argv);
    if (status != CF_EXACT)
        return status;
    cf_real_mode(&machine);
    tour_load(machine.pmap);
    cf_real_segment(&machine, VX_CS, TOUR_ORIGIN >> 4);
    machine.cpu->rip = 0;
    bool halted = cf_run(&machine);
    if (!halted)
        printf("does not end at %04x:%08x\n", machine.cpu->seg[VX_CS].sel, (unsigned)machine.cpu->rip);
    unsigned bad = tour_differences(machine.pmap), all = (unsigned)VX_ARRAY_LEN(tour_expected);
    cf_destroy(&machine);
    account_print(all, bad > all ? 0 : all - bad);
    return halted && bad == 0 ? CF_EXACT : CF_DIFFERENT;
#else
    (void)argc, (void)argv;
    printf("skipped: the tour is assembled on x86-64 hosts only\n");
    return CF_SKIPPED;
#endif
}

/* signal.c - how a signal handler sends the interrupted thread back to C. */
#include "core.h"
#include "fp_state.h"
#include "stubs.h"
#include "vx86/host.h"

void bt_host_signal_leave(struct vx_bt_cpu *cpu, void *context, const struct bt_site *site, enum bt_exit_kind kind)
{
    if (site->fip_back != 0)
        bt_tell_fip(cpu->area, site->eip - site->fip_back);
    if (site->kind != SITE_POLL_INDIRECT) /* there it is in r8 already */
        vx_host_set_reg(context, VX_HOST_R8, site->eip);
    vx_host_set_reg(context, VX_HOST_R9, kind);
    vx_host_set_reg(context, VX_HOST_RIP, bt_code_address(&cpu->bt->code, cpu->bt->host->stub.leave));
}

/* invalidate.c - takes units out of use. */
#include "invalidate.h"

void bt_invalidate(struct vx_bt *bt, struct bt_tu *tu, enum bt_end end)
{
    bt_note_end(&bt->lookup, tu, end);
    tu->dead = true;
    bt_unchain_unit(&bt->chains, tu);
    bt_lookup_remove(&bt->lookup, tu);
    bt_page_remove(&bt->pages, tu);
    for (struct vx_bt_cpu *cpu = bt->cpus; cpu != NULL; cpu = cpu->next) {
        bt_jc_remove(&cpu->jc, tu);
        cpu->must_exit = true;
    }
}

/* control.c - what is changed of a translator between runs: units dropped, counting switched. */
#include "control.h"

#include "cache.h"
#include "invalidate.h"
#include "verify.h"

void bt_make_stubs(struct vx_bt *bt)
{
    struct bt_verdict verdict;
    bt_host_make_stubs(bt);
    if (bt->verifier != NULL && !bt_verify_stubs(bt->verifier, &verdict))
        bt_verify_failed(bt->log, &verdict);
}

static bool covers(const struct bt_tu *tu, uint64_t lin, uint64_t hva)
{
    return vx_lin_wrap(lin - bt_tu_lin(tu)) < tu->guest_bytes || hva - tu->hva < tu->guest_bytes;
}

void vx_bt_forget(struct vx_bt *bt, uint64_t lin, const uint8_t *hva)
{
    for (unsigned s = 0; s < BT_SEGMENTS; s++) {
        const struct bt_segment *segment = &bt->code.segment[s];
        for (uint32_t i = 0; i < segment->units; i++)
            if (!segment->sorted[i]->dead && covers(segment->sorted[i], lin, (uint64_t)(uintptr_t)hva))
                bt_invalidate(bt, segment->sorted[i], END_DEBUGGER);
    }
}

void vx_bt_flush(struct vx_bt *bt)
{
    bt_cache_evict_all(bt);
    for (struct vx_bt_cpu *cpu = bt->cpus; cpu != NULL; cpu = cpu->next)
        bt_jc_flush(&cpu->jc, true);
}

void vx_bt_count_exactly(struct vx_bt *bt, bool exact)
{
    if (bt->config.exact_count == exact)
        return;
    bt->config.exact_count = exact;
    vx_bt_flush(bt);
    bt_make_stubs(bt); /* call-outs go through another wrapper */
}

void vx_bt_count_units(struct vx_bt *bt, bool on)
{
    if (bt->config.count_units == on)
        return;
    vx_bt_flush(bt);
    bt->config.count_units = on;
}

bool vx_bt_counts_units(const struct vx_bt *bt)
{
    return bt->config.count_units;
}

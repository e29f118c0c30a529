/* enter.c - from C into translated code. */
#include "enter.h"

#include "fp_state.h"
#include "host_flags.h"

/* Whoever raises attention sets the word first and the pointers then (kick() in run.c). So pointers that are at peace
 * need no more than a look at the word, which follows; others are set before it is looked at. */
static void make_peace(struct bt_area *area)
{
    const uint64_t cell = (uint64_t)(uintptr_t)&area->poll_cell;
    if (__atomic_load_n(&area->poll_ptr, __ATOMIC_ACQUIRE) == cell &&
        __atomic_load_n(&area->jc_base, __ATOMIC_ACQUIRE) == area->jc_base_real)
        return;
    __atomic_store_n(&area->jc_base, area->jc_base_real, __ATOMIC_RELAXED);
    __atomic_store_n(&area->poll_ptr, cell, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool bt_execute(struct vx_bt *bt, uint32_t entry)
{
    struct bt_area *area = bt->area;
    bt->must_exit = false;
    area->exit_r9 = EXIT_STATE;
    make_peace(area);
    if (atomic_load(&bt->vcpu->attention) != 0)
        return false;
    void (*enter)(struct vx_vcpu *, const uint8_t *);
    const uint8_t *stub = bt->rx + bt->stub.enter;
    __builtin_memcpy(&enter, &stub, sizeof enter);
    enter(bt->vcpu, bt->rx + entry);
    bt_fp_home(bt->vcpu);
    bt_flags_to_vcpu(bt->vcpu);
    return true;
}

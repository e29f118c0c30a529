/* enter.c - from C into translated code. */
#include "core.h"
#include "fp_state.h"
#include "stubs.h"

/* Whoever raises attention sets the word first and the pointers then (kick() in news.c). So pointers that are at peace
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

bool bt_host_enter(struct vx_bt_cpu *cpu, uint32_t entry)
{
    struct vx_vcpu *vcpu = cpu->vcpu;
    const struct bt_code *code = &cpu->bt->code;
    cpu->must_exit = false;
    cpu->area->exit_kind = EXIT_STATE;
    make_peace(cpu->area);
    if (atomic_load(&vcpu->attention) != 0)
        return false;
    void (*enter)(struct vx_vcpu *, const uint8_t *);
    const uint8_t *stub = code->rx + cpu->bt->host->stub.enter;
    __builtin_memcpy(&enter, &stub, sizeof enter);
    vx_split_to(&cpu->stats->split, VX_PART_GUEST);
    enter(vcpu, code->rx + entry);
    vx_split_to(&cpu->stats->split, VX_PART_DISPATCHER);
    bt_fp_home(vcpu);
    bt_host_flags_to_vcpu(vcpu);
    return true;
}

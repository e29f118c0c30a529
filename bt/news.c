/* news.c - mappings that change, stores into code, attention. */
#include "news.h"

#include "smc.h"

static void on_flush(void *opaque, enum vx_flush kind, uint64_t lin)
{
    struct vx_bt_cpu *cpu = opaque;
    cpu->must_exit = true;
    if (kind == VX_FLUSH_PAGE)
        bt_jc_flush_page(&cpu->jc, lin);
    else
        bt_jc_flush(&cpu->jc, kind == VX_FLUSH_ALL);
    if (kind != VX_FLUSH_NON_GLOBAL)
        bt_unchain_crossing(&cpu->bt->chains, kind == VX_FLUSH_ALL, lin);
}

/* Physical frames were remapped (PAM, ROM, A20): the shadows and with them all fetch translations are gone; units are
 * keyed by backing page and stay good, but what was chained across pages may lead elsewhere. */
static void on_change(void *opaque, uint32_t page, uint32_t count, bool writes_only)
{
    struct vx_bt *bt = opaque;
    (void)page;
    (void)count;
    for (struct vx_bt_cpu *cpu = bt->cpus; cpu != NULL; cpu = cpu->next) {
        cpu->must_exit = true;
        if (!writes_only)
            bt_jc_flush(&cpu->jc, true);
    }
    if (!writes_only)
        bt_unchain_crossing(&bt->chains, true, 0);
}

static void kick(struct vx_vcpu *vcpu)
{
    struct bt_area *area = bt_area(vcpu);
    __atomic_store_n(&area->poll_ptr, BT_POISON, __ATOMIC_SEQ_CST);
    __atomic_store_n(&area->jc_base, BT_POISON, __ATOMIC_SEQ_CST);
}

void bt_news_attach(struct vx_bt *bt)
{
    vx_pmap_on_code_write(bt->config.pmap, bt_smc_on_write, bt);
    vx_pmap_on_change(bt->config.pmap, on_change, bt);
}

void bt_news_detach(struct vx_bt *bt)
{
    vx_pmap_remove_listeners(bt->config.pmap, bt);
}

void bt_news_attach_cpu(struct vx_bt_cpu *cpu)
{
    cpu->vcpu->kick = kick;
    vx_mmu_on_flush(cpu->vcpu->mmu, on_flush, cpu);
}

void bt_news_detach_cpu(struct vx_bt_cpu *cpu)
{
    if (cpu->vcpu->kick == kick)
        cpu->vcpu->kick = NULL;
}

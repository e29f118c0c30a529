/* news.h - what a translator hears from mmu, pmap and other threads. */
#ifndef VX86_BT_NEWS_H
#define VX86_BT_NEWS_H

#include "core.h"

/* Of the machine's memory. */
void bt_news_attach(struct vx_bt *bt);
void bt_news_detach(struct vx_bt *bt);
/* Of the processor's mappings, and kicks; the area is there. */
void bt_news_attach_cpu(struct vx_bt_cpu *cpu);
void bt_news_detach_cpu(struct vx_bt_cpu *cpu);

#endif

/* dma.h - an ISA DMA channel as a device sees it: DREQ towards the controller, DACK# and TC towards the device.
 *
 * A device holds DREQ up while it wants to move data. Whenever the channel may run, at once or later, the controller
 * calls dack(): the device moves what it has and lowers DREQ when it wants no more. Transfers take no time; a device
 * that has a pace lowers DREQ between two portions.
 *
 * A struct dma_channel is a value, like a struct vx_irq; the controller behind it is i8237.h, or a fake one in tests.
 * A zeroed one is not connected: its DREQ leads nowhere. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_CORE_DMA_H
#define VX86_DEVICES_CORE_DMA_H

#include "vx86/compiler.h"

enum dma_direction {
    DMA_VERIFY, /* DACK# and TC without data: what a device puts into the buffer is dropped */
    DMA_TO_MEMORY,
    DMA_FROM_MEMORY,
};

struct dma_device {
    /* Fills the buffer (DMA_TO_MEMORY, DMA_VERIFY) or takes from it. `bytes` is at most DMA_PORTION_BYTES, a multiple
     * of the channel's width, 1 for channels 0 to 3, 2 for 5 to 7. Returns how many bytes went, a multiple of the width
     * too; fewer than `bytes`: no more now, whatever DREQ says. */
    size_t (*dack)(void *opaque, enum dma_direction direction, void *buf, size_t bytes);
    /* The bytes that dack() just moved were the last of the count. NULL: the device does not look at TC. */
    void (*tc)(void *opaque);
    void *opaque;
};

#define DMA_PORTION_BYTES 4096u

struct dma_channel {
    void (*attach)(void *opaque, unsigned number, const struct dma_device *device);
    void (*dreq)(void *opaque, unsigned number, bool level);
    void *opaque;
    unsigned number;
};

/* Puts the device at the channel, in place of the one that was there; NULL: nobody. DREQ is low then. */
static inline void dma_attach(const struct dma_channel *channel, const struct dma_device *device)
{
    if (channel->attach != NULL)
        channel->attach(channel->opaque, channel->number, device);
}

static inline void dma_set_dreq(const struct dma_channel *channel, bool level)
{
    if (channel->dreq != NULL)
        channel->dreq(channel->opaque, channel->number, level);
}

#endif

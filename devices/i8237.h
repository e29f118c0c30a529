/* i8237.h - the two 8237 DMA controllers of an AT with their page registers.
 *
 * Source: Intel 8237A data sheet (231466); 82371SB (PIIX3) data sheet "DMA Controller", "DMA Register Description".
 * Ports: 00h-0Fh controller 1, channels 0 to 3, bytes; again at 10h-1Fh. C0h-DEh controller 2, channels 4 to 7, words,
 * at even ports; again at the odd ones. 80h-8Fh page registers, the eight that belong to no channel too; again at
 * 90h-9Fh but for 92h while the PIIX3 lets them (IORT bit 7). Lines: DREQ and DACK# of each channel, see dma.h. Clock:
 * none, transfers take no time.
 *
 *     page 87h 83h 81h 82h 8Fh 8Bh 89h 8Ah           channel 0-3   [ page | address ]         wraps inside 64 KiB
 *     of     0   1   2   3   4   5   6   7           channel 5-7   [ page 7..1 | address | 0] wraps inside 128 KiB
 *
 * Modelled: base and current registers, byte pointer, command (disable, rotating priority, DREQ sense), request, mode
 * (verify, write, read; demand, single, block, cascade; autoinitialise; decrement), masks with their read-back, status,
 * master clear, channel 4 as the cascade: controller 1 has the bus only through it.
 * Not modelled, as the PIIX3 has neither: memory to memory, address hold, temporary register (reads 0); DACK sense,
 * compressed timing and extended write, which nobody can see; type F and MBDMA. Single and demand mode are the same:
 * both go on while DREQ is up. In block mode a request stays until TC. A channel that nobody is attached to moves what
 * a floating bus gives: FFh. State to save: all registers, DREQ levels. */
#ifndef VX86_DEVICES_I8237_H
#define VX86_DEVICES_I8237_H

#include "device.h"
#include "dma.h"
#include "vx86/pmap.h"

#define I8237_CHANNELS 8
#define I8237_CASCADE  4

struct i8237;

struct i8237_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_pmap *pmap;
};

VX_MUST_USE vx_err i8237_create(const struct i8237_config *config, struct i8237 **out);
extern const struct device_type i8237_type;

/* Channel 0 to 7 without 4, to hand to a device. */
struct dma_channel i8237_channel(struct i8237 *chip, unsigned number);

/* Whether ports 90h-9Fh are the page registers once more; true after reset. */
void i8237_alias_pages(struct i8237 *chip, bool on);

#endif

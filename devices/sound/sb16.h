/* sb16.h - Creative Sound Blaster 16: DSP 4.05, mixer CT1745, MPU-401.
 *
 * Source: Creative "Sound Blaster Series Hardware Programming Guide": "DSP Commands", "CT1745 Mixer Register Map",
 *   "Digitized Sound I/O Programming".
 * Ports: 220h-22Fh (224h, 225h mixer; 226h reset; 22Ah data; 22Ch command and status; 22Eh, 22Fh status and
 *   acknowledge), 330h, 331h MPU-401. Lines: IRQ 5 or 2 (9), 7, 10; DMA 1 or 0, 3, and 5 or 6, 7, as the mixer's
 *   registers 80h and 81h say.
 * Modelled: 8- and 16-bit, mono and stereo, signed and unsigned, single and auto-initialised transfers of both
 *   directions at 4 to 48 kHz, pause and continue, silence blocks, the direct mode, high-speed commands, interrupts and
 *   their register 82h, master and voice volume.
 * Not modelled: the OPL3: ports 388h-38Bh and 220h-223h are all ones, and what plays FM music finds no chip; ADPCM, the
 *   CSP, the DMA identification (E2h), tone controls and other inputs of the mixer, which keep what is written; a
 *   synthesizer behind the MPU-401.
 * Saved state: all but the wiring. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_SB16_H
#define VX86_DEVICES_SB16_H

#include "device.h"
#include "dma.h"
#include "vx86/backend.h"

#define SB16_IRQS     4 /* 2 (9), 5, 7, 10: bits 0 to 3 of register 80h */
#define SB16_CHANNELS 8

struct sb16;

struct sb16_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_irq irq[SB16_IRQS];
    struct dma_channel dma[SB16_CHANNELS]; /* 0, 1, 3 and 5, 6, 7; its own until destroy */
    struct vx_audio *audio;                /* NULL: nobody listens */
    unsigned stream;
};

VX_MUST_USE vx_err sb16_create(const struct sb16_config *config, struct sb16 **out);
extern const struct device_type sb16_type;

#endif

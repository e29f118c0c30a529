/* es1370.h - Ensoniq AudioPCI ES1370, with the AK4531 codec.
 *
 * Source: Ensoniq "AudioPCI ES1370 Specification": "Host Interface Registers", "Memory Page Definitions"; Asahi Kasei
 *   AK4531 data sheet "Register Map".
 * PCI: 1274:5000, one slot's INTA#. BAR 0: 64 ports.
 *
 *     00h control | 04h status | 0Ch memory page | 10h codec | 20h serial control | 24h 28h 2Ch sample counts
 *     30h-3Fh of page 12: DAC1 address, size, DAC2 address, size; of page 13: ADC address, size
 *     sample count, size: 31..16 where it is | 15..0 less one, samples and doublewords
 *
 * Modelled: both DACs and the ADC with their circular buffers, sample counts, interrupts, pause, stop at the count;
 *   8 bits without sign and 16 bits, mono and stereo; positions to the sample; the fixed rates of DAC1, the divider of
 *   DAC2 and ADC; volumes of master, FM (DAC1) and voice (DAC2).
 * Not modelled: UART, joystick, the other inputs of the codec, which keep what is written; that DAC2 skips or repeats
 *   samples at its end (P2_END_INC, P2_ST_INC). Without a host that records, the ADC is silent.
 * Saved state: all but the wiring. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_ES1370_H
#define VX86_DEVICES_ES1370_H

#include "pci.h"
#include "vx86/backend.h"

#define ES1370_STREAMS 3

struct es1370;

struct es1370_config {
    struct vx_log *log;
    struct vx_clock *clock;
    struct vx_pmap *pmap;
    struct pci *pci;
    unsigned slot;
    struct vx_audio *audio; /* NULL: nobody listens */
    unsigned stream;        /* the first of ES1370_STREAMS: DAC1, DAC2, ADC */
};

VX_MUST_USE vx_err es1370_create(const struct es1370_config *config, struct es1370 **out);
extern const struct device_type es1370_type;

#endif

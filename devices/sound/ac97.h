/* ac97.h - the audio controller of the 82801AA (ICH) with an AC '97 codec.
 *
 * Source: Intel 82801AA data sheet "AC '97 Audio Controller Registers"; Intel "Audio Codec '97 Revision 2.1".
 * PCI: 8086:2415, one slot's INTA#. BAR 0: the codec's mixer (NAM), 256 ports, words. BAR 1: bus master (NABM), 64.
 *
 *     NABM  00h PCM in | 10h PCM out | 20h microphone, each: +0 BDBAR, +4 CIV, +5 LVI, +6 SR, +8 PICB, +Ah PIV, +Bh CR
 *           2Ch GLOB_CNT | 30h GLOB_STA | 34h CAS
 *     a descriptor  31..1 address || 31 IOC | 30 BUP | 15..0 samples           32 of them from BDBAR on
 *
 * Modelled: the three engines with their rings, interrupts, halts, PICB to the sample; 16 bits, stereo (microphone: one
 *   channel); variable rate (8 to 48 kHz), volumes of master and PCM out, cold and warm reset, the semaphore.
 * Not modelled: modem, secondary codecs, GPIO, more than two channels, other inputs of the mixer, which keep what is
 *   written; FIFO errors. Without a host that records, inputs are silent.
 * Saved state: all but the wiring. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_AC97_H
#define VX86_DEVICES_AC97_H

#include "pci.h"
#include "vx86/backend.h"

#define AC97_STREAMS 3

struct ac97;

struct ac97_config {
    struct vx_log *log;
    struct vx_clock *clock;
    struct vx_pmap *pmap;
    struct pci *pci;
    unsigned slot;
    struct vx_audio *audio; /* NULL: nobody listens */
    unsigned stream;        /* the first of AC97_STREAMS: PCM out, PCM in, microphone */
};

VX_MUST_USE vx_err ac97_create(const struct ac97_config *config, struct ac97 **out);
extern const struct device_type ac97_type;

#endif

/* pc_speaker.h - the PC's speaker: counter 2 of the 8254 and port 61h's speaker data bit, as sound.
 *
 * Source: 82371SB (PIIX3) data sheet "NMISC - NMI Status and Control Register"; IBM AT Technical Reference "Speaker".
 *
 *     8254 OUT2 --+
 *                 AND --> the speaker
 *     61h bit 1 --+
 *
 * Modelled: the level of both to the tick of the 8254's clock, averaged over each sample, so that tones too high for
 * samples are quiet and pulses whose width a guest varies are what they are meant to be; a speaker does not show a
 * constant level. Not modelled: how a speaker of paper sounds. Ports and lines: none of its own. Timer: every 10 ms
 * while there is something to hear; none without a back end. Saved state: all. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_PC_SPEAKER_H
#define VX86_DEVICES_PC_SPEAKER_H

#include "device.h"
#include "pit8254.h"
#include "vx86/backend.h"

struct pc_speaker;

struct pc_speaker_config {
    struct vx_clock *clock;
    struct pit *pit;        /* whose counter 2 it follows, see pit_listen2() */
    struct vx_audio *audio; /* NULL: nobody listens */
    unsigned stream;
};

VX_MUST_USE vx_err pc_speaker_create(const struct pc_speaker_config *config, struct pc_speaker **out);
extern const struct device_type pc_speaker_type;

/* Its end of port 61h's bit 1. */
struct vx_irq pc_speaker_data(struct pc_speaker *speaker);

#endif

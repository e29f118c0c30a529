/* pc_sound.c - what makes sound in the machine: the speaker and sound cards, each with streams of its own. */
#include "pc.h"

/* Streams of the back end. */
enum { STREAM_SPEAKER };

vx_err pc_sound_create_speaker(struct vx_machine *pc, const struct vx_machine_config *config)
{
    VX_ASSERT(config->audio == NULL || config->audio->streams >= VX_SOUND_STREAMS);
    VX_TRY(pc_speaker_create(
        &(struct pc_speaker_config){
            .clock = pc->clock, .pit = pc->pit, .audio = config->audio, .stream = STREAM_SPEAKER },
        &pc->speaker));
    pc_own(pc, &pc_speaker_type, pc->speaker);
    return VX_ERR_OK;
}

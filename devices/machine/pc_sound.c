/* pc_sound.c - what makes sound in the machine: the speaker and sound cards, each with streams of its own. */
#include "pc.h"

/* Streams of the back end. */
enum { STREAM_SPEAKER, STREAM_SB16, STREAM_AC97, STREAM_ES1370 = STREAM_AC97 + AC97_STREAMS };
enum { SLOT_AC97 = 6, SLOT_ES1370 = 7 };

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

static vx_err create_sb16(struct vx_machine *pc, const struct vx_machine_config *config)
{
    static const uint8_t irqs[SB16_IRQS] = { 9, 5, 7, 10 }, channels[] = { 0, 1, 3, 5, 6, 7 };
    struct sb16_config sb16 = {
        .log = pc->log, .bus = pc->bus, .clock = pc->clock, .audio = config->audio, .stream = STREAM_SB16
    };
    struct sb16 *chip;
    for (unsigned i = 0; i < SB16_IRQS; i++)
        sb16.irq[i] = irq_or_input(&pc->wires.isa[irqs[i]], PC_IRQ_SOUND);
    for (size_t i = 0; i < VX_ARRAY_LEN(channels); i++)
        sb16.dma[channels[i]] = i8237_channel(pc->dma, channels[i]);
    VX_TRY(sb16_create(&sb16, &chip));
    pc_own(pc, &sb16_type, chip);
    return VX_ERR_OK;
}

static vx_err create_ac97(struct vx_machine *pc, const struct vx_machine_config *config)
{
    struct ac97 *chip;
    VX_TRY(ac97_create(&(struct ac97_config){ .log = pc->log,
                                              .clock = pc->clock,
                                              .pmap = pc->pmap,
                                              .pci = pc->pci,
                                              .slot = SLOT_AC97,
                                              .audio = config->audio,
                                              .stream = STREAM_AC97 },
                       &chip));
    pc_own(pc, &ac97_type, chip);
    return VX_ERR_OK;
}

static vx_err create_es1370(struct vx_machine *pc, const struct vx_machine_config *config)
{
    struct es1370 *chip;
    VX_TRY(es1370_create(&(struct es1370_config){ .log = pc->log,
                                                  .clock = pc->clock,
                                                  .pmap = pc->pmap,
                                                  .pci = pc->pci,
                                                  .slot = SLOT_ES1370,
                                                  .audio = config->audio,
                                                  .stream = STREAM_ES1370 },
                         &chip));
    pc_own(pc, &es1370_type, chip);
    return VX_ERR_OK;
}

vx_err pc_sound_create_cards(struct vx_machine *pc, const struct vx_machine_config *config)
{
    if (config->sound & VX_SOUND_SB16)
        VX_TRY(create_sb16(pc, config));
    if (config->sound & VX_SOUND_AC97)
        VX_TRY(create_ac97(pc, config));
    if (config->sound & VX_SOUND_ES1370)
        VX_TRY(create_es1370(pc, config));
    return VX_ERR_OK;
}

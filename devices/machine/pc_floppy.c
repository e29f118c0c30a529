/* pc_floppy.c - the floppy controller in the machine: its drives, their kinds, and disks that are changed. */
#include "pc.h"
#include "pc_time.h"

#define IRQ_FLOPPY 6
#define DMA_FLOPPY 2

/* The disk as the drive sees it. */
static vx_err timed(struct vx_machine *pc, unsigned drive, struct vx_block *medium, struct vx_block **disk)
{
    unsigned number = VX_MAX_IDE + drive;
    struct vx_block *seen = pc_disk_timed(pc, number, medium);
    if (seen == NULL && vx_clock_is_counted(pc->clock))
        return VX_ERR_NO_MEMORY;
    if (pc->timed_disk[number] != NULL)
        pc_own(pc, &pc_timed_disk_type, pc->timed_disk[number]);
    *disk = medium != NULL ? seen : NULL;
    return VX_ERR_OK;
}

vx_err pc_floppy_create(struct vx_machine *pc, const struct vx_machine_config *config)
{
    struct floppy_config floppy = { .log = pc->log,
                                    .bus = pc->bus,
                                    .clock = pc->clock,
                                    .loop = pc->loop,
                                    .irq = irq_or_input(&pc->wires.isa[IRQ_FLOPPY], PC_IRQ_DEVICE),
                                    .dma = i8237_channel(pc->dma, DMA_FLOPPY),
                                    .real_speed = config->floppy_real_speed };
    bool any = false;
    for (unsigned i = 0; i < VX_MAX_FLOPPIES; i++) {
        struct vx_block *medium = config->floppy[i].disk;
        if (!config->floppy[i].present)
            continue;
        any = true;
        floppy.drive[i].kind = floppy_kind_for(medium);
        VX_TRY(timed(pc, i, medium, &floppy.drive[i].disk));
    }
    if (!any)
        return VX_ERR_OK;
    VX_TRY(floppy_create(&floppy, &pc->floppy));
    pc_own(pc, &floppy_type, pc->floppy);
    return VX_ERR_OK;
}

vx_err vx_machine_change_floppy(struct vx_machine *pc, unsigned drive, struct vx_block *disk)
{
    enum floppy_kind kind = pc->floppy == NULL ? FLOPPY_NONE : floppy_drive_kind(pc->floppy, drive);
    if (kind == FLOPPY_NONE) {
        vx_log_error(pc->log, VX_LOG_GENERAL, "the machine was started without a floppy drive %c:", 'A' + (int)drive);
        return VX_ERR_NOT_FOUND;
    }
    if (disk != NULL && !floppy_kind_takes(kind, disk)) {
        const char *format = floppy_disk_name(disk->bytes);
        vx_log_error(pc->log, VX_LOG_GENERAL, "%s: is %s%s; %c: is a drive for %s", disk->name,
                     format != NULL ? "a floppy disk of " : "no floppy disk", format != NULL ? format : "",
                     'A' + (int)drive, floppy_kind_name(kind));
        return VX_ERR_UNSUPPORTED;
    }
    floppy_change(pc->floppy, drive, disk != NULL ? pc_disk_change(pc, VX_MAX_IDE + drive, disk) : NULL);
    return VX_ERR_OK;
}

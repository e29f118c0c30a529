/* pc_disk_time.c - disks that answer at a time of the guest's, not of the host's: between the IDE drives and their
 * media when the clock is counted.
 *
 *     drive -- submit --> medium (host thread) ... done --> noted
 *              + timer, a fixed time later ---------------> waits for the note if need be, then done() to the drive
 *
 *   I1  A drive has one request under way at most, so one place for it is enough.
 *   I2  The request's result and data are the drive's only after the timer; the host writes the data while the guest
 *       cannot see it.
 *   I3  While a drive has a request under way, due_ns is when it is answered, else VX_NEVER. That is a disk's state:
 *       the drive, which is loaded after it, makes its request again, and is answered when it would have been. */
#include <stdlib.h>

#include "pc.h"
#include "pc_time.h"

#define SEEK_NS     50000u /* about what a fast disk needs, so that guests find nothing odd */
#define NS_PER_BYTE 4u     /* 250 MB/s */

struct pc_timed_disk {
    struct vx_block block;
    struct vx_machine *pc;
    struct vx_block *medium;
    struct vx_block_request *request; /* the drive's; NULL: none, I1 */
    struct vx_block_request inner;    /* ours to the medium */
    bool host_done;
    bool at_once; /* since pc_disk_release() */
    uint64_t due_ns;
    struct vx_timer timer;
};

static void answer(struct pc_timed_disk *disk)
{
    struct vx_block_request *request = disk->request;
    request->result = disk->inner.result;
    disk->request = NULL;
    disk->due_ns = VX_NEVER;
    vx_timer_set(disk->pc->clock, &disk->timer, VX_NEVER);
    request->done(request); /* may submit the next */
}

static void medium_done(struct vx_block_request *inner)
{
    struct pc_timed_disk *disk = inner->opaque;
    disk->host_done = true;
    if (disk->at_once)
        answer(disk);
}

static void wait_for_host(struct pc_timed_disk *disk)
{
    while (disk->request != NULL && !disk->host_done)
        if (!vx_loop_run_posted(disk->pc->loop))
            vx_loop_wait(disk->pc->loop, VX_NEVER);
}

static void time_has_come(void *opaque)
{
    wait_for_host(opaque);
    answer(opaque);
}

static void submit(void *opaque, struct vx_block_request *request)
{
    struct pc_timed_disk *disk = opaque;
    VX_ASSERT(disk->request == NULL); /* I1 */
    disk->request = request;
    disk->host_done = false;
    disk->inner = (struct vx_block_request){
        .op = request->op,
        .off_bytes = request->off_bytes,
        .bytes = request->bytes,
        .buf = request->buf,
        .done = medium_done,
        .opaque = disk,
    };
    disk->medium->ops->submit(disk->medium->opaque, &disk->inner);
    if (disk->at_once)
        return;
    if (disk->due_ns == VX_NEVER)
        disk->due_ns = vx_clock_now_ns(disk->pc->clock) + SEEK_NS + NS_PER_BYTE * (uint64_t)request->bytes;
    vx_timer_set(disk->pc->clock, &disk->timer, disk->due_ns); /* keeps I3 */
}

static const struct vx_block_ops timed_ops = { .submit = submit }; /* the medium is its owner's to destroy */

static void put_medium(struct pc_timed_disk *disk, struct vx_block *medium)
{
    disk->medium = medium;
    disk->block = medium != NULL ? *medium : (struct vx_block){ 0 };
    disk->block.ops = &timed_ops;
    disk->block.opaque = disk;
}

struct vx_block *pc_disk_timed(struct vx_machine *pc, unsigned drive, struct vx_block *medium)
{
    if (!vx_clock_is_counted(pc->clock))
        return medium;
    struct pc_timed_disk *disk = calloc(1, sizeof *disk);
    if (disk == NULL)
        return NULL;
    disk->pc = pc;
    disk->due_ns = VX_NEVER;
    vx_timer_init(pc->clock, &disk->timer, time_has_come, disk);
    put_medium(disk, medium);
    pc->timed_disk[drive] = disk;
    return &disk->block;
}

struct vx_block *pc_disk_change(struct vx_machine *pc, unsigned drive, struct vx_block *medium)
{
    if (pc->timed_disk[drive] == NULL)
        return medium;
    put_medium(pc->timed_disk[drive], medium);
    return &pc->timed_disk[drive]->block;
}

void pc_disk_settle(struct vx_machine *pc)
{
    for (unsigned i = 0; i < PC_DISKS; i++)
        if (pc->timed_disk[i] != NULL)
            wait_for_host(pc->timed_disk[i]);
}

void pc_disk_release(struct vx_machine *pc)
{
    for (unsigned i = 0; i < PC_DISKS; i++) {
        struct pc_timed_disk *disk = pc->timed_disk[i];
        if (disk == NULL)
            continue;
        disk->at_once = true;
        if (disk->request != NULL && disk->host_done)
            answer(disk);
    }
}

/* ---- as a device ------------------------------------------------------------------------------------------------- */

/* What was under way belonged to the machine as it was before. */
static void timed_disk_restored(void *instance)
{
    struct pc_timed_disk *disk = instance;
    disk->request = NULL;
    vx_timer_set(disk->pc->clock, &disk->timer, VX_NEVER);
}

static void timed_disk_destroy(void *instance)
{
    free(instance);
}

static const struct state_field fields[] = {
    FIELD(struct pc_timed_disk, due_ns),
    WIRES(struct pc_timed_disk, block, pc, medium, inner),
    DERIVED(struct pc_timed_disk, request, host_done, at_once, timer),
};
static const struct state_table state = STATE_TABLE(struct pc_timed_disk, fields, NULL);

const struct device_type pc_timed_disk_type = {
    .name = "timed disk",
    .version = 1,
    .state = &state,
    .restored = timed_disk_restored,
    .destroy = timed_disk_destroy,
};

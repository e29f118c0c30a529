/* qcow2_io.c - reads: runs of one kind, each from where it is. */
#include <errno.h>
#include <string.h>

#include "qcow2_private.h"

/* The backing disk may be shorter: zeros follow. */
static vx_err read_backing(struct qcow2 *q, uint64_t off_bytes, uint8_t *buf, size_t bytes)
{
    uint64_t end = q->backing != NULL ? q->backing->bytes : 0;
    size_t there = off_bytes >= end ? 0 : end - off_bytes < bytes ? (size_t)(end - off_bytes) : bytes;
    memset(buf + there, 0, bytes - there);
    if (there == 0)
        return VX_ERR_OK;
    vx_err err = q->backing->ops->read(q->backing, off_bytes, buf, there);
    q->medium.reason = q->backing->reason;
    return err;
}

static vx_err read_run(struct qcow2 *q, const struct qcow2_run *run, uint64_t off_bytes, uint8_t *buf)
{
    switch (run->kind) {
    case QCOW2_UNALLOCATED: return read_backing(q, off_bytes, buf, (size_t)run->bytes);
    case QCOW2_NORMAL: return qcow2_pread(q, run->host_off, buf, (size_t)run->bytes);
    case QCOW2_PACKED:
        VX_TRY(qcow2_unpack(q, run->entry));
        memcpy(buf, q->plain + (off_bytes & (q->cluster_bytes - 1)), (size_t)run->bytes);
        return VX_ERR_OK;
    default: memset(buf, 0, (size_t)run->bytes); return VX_ERR_OK;
    }
}

vx_err qcow2_read(struct medium *medium, uint64_t off_bytes, void *buf, size_t bytes)
{
    struct qcow2 *q = (struct qcow2 *)medium;
    uint8_t *at = buf;
    vx_err err = VX_ERR_OK;
    while (bytes > 0 && err == VX_ERR_OK) {
        struct qcow2_run run;
        err = qcow2_map(q, off_bytes, bytes, &run);
        if (err == VX_ERR_OK)
            err = read_run(q, &run, off_bytes, at);
        if (err != VX_ERR_OK)
            break;
        at += run.bytes;
        off_bytes += run.bytes;
        bytes -= (size_t)run.bytes;
    }
    return err == VX_ERR_BAD_FORMAT ? VX_ERR_IO : err; /* the guest's disk has a bad sector */
}

vx_err qcow2_flush(struct medium *medium)
{
    struct qcow2 *q = (struct qcow2 *)medium;
    return medium->read_only ? VX_ERR_OK : qcow2_barrier(q);
}

/* qcow2_compressed.c - clusters in fewer sectors: raw deflate with a window of 4 KiB, or a zstd frame. The last one
 * that was unpacked is kept, since guests read them piece by piece. */
#include <errno.h>
#include <string.h>

#include "qcow2_private.h"

#ifdef VX_HAVE_ZLIB
#include <zlib.h>
#endif
#ifdef VX_HAVE_ZSTD
#include <zstd.h>
#endif

bool qcow2_can_unpack(unsigned compression)
{
    (void)compression; /* where there is neither */
#ifdef VX_HAVE_ZSTD
    if (compression == QCOW2_ZSTD)
        return true;
#endif
#ifdef VX_HAVE_ZLIB
    if (compression == QCOW2_ZLIB)
        return true;
#endif
    return false;
}

static bool unpack_zlib(struct qcow2 *q, size_t packed_bytes)
{
#ifdef VX_HAVE_ZLIB
    z_stream stream = { .next_in = q->packed, .avail_in = (uInt)packed_bytes };
    if (inflateInit2(&stream, -12) != Z_OK)
        return false;
    stream.next_out = q->plain;
    stream.avail_out = (uInt)q->cluster_bytes;
    int result = inflate(&stream, Z_FINISH);
    bool good = stream.avail_out == 0 && (result == Z_STREAM_END || result == Z_BUF_ERROR);
    inflateEnd(&stream);
    return good;
#else
    (void)q, (void)packed_bytes;
    return false;
#endif
}

static bool unpack_zstd(struct qcow2 *q, size_t packed_bytes)
{
#ifdef VX_HAVE_ZSTD
    ZSTD_DCtx *context = ZSTD_createDCtx();
    ZSTD_inBuffer in = { .src = q->packed, .size = packed_bytes };
    ZSTD_outBuffer out = { .dst = q->plain, .size = (size_t)q->cluster_bytes };
    bool good = context != NULL;
    while (good && out.pos < out.size) { /* the sectors behind the frame may be another cluster's */
        size_t before = out.pos + in.pos, result = ZSTD_decompressStream(context, &out, &in);
        good = !ZSTD_isError(result) && (out.pos == out.size || out.pos + in.pos != before);
    }
    ZSTD_freeDCtx(context);
    return good;
#else
    (void)q, (void)packed_bytes;
    return false;
#endif
}

vx_err qcow2_unpack(struct qcow2 *q, uint64_t entry)
{
    uint64_t off, bytes;
    unsigned skip = (unsigned)(entry & 511);
    if (entry == q->plain_entry)
        return VX_ERR_OK;
    if (!qcow2_can_unpack(q->compression))
        return qcow2_corrupt(q, "this vx86 was built without zlib, which packed the cluster at byte",
                             entry & 0xFFFFFFFFu);
    qcow2_packed_range(q, entry, &off, &bytes);
    if (off >= q->file->bytes)
        return qcow2_corrupt(q, "a compressed cluster is outside the file, at byte", off);
    q->plain_entry = 0;
    VX_TRY(qcow2_pread(q, off, q->packed, (size_t)bytes));
    memmove(q->packed, q->packed + skip, (size_t)bytes - skip);
    size_t packed = (size_t)bytes - skip;
    if (!(q->compression == QCOW2_ZSTD ? unpack_zstd(q, packed) : unpack_zlib(q, packed)))
        return qcow2_corrupt(q, "a compressed cluster cannot be unpacked, at byte", off);
    q->plain_entry = entry;
    return VX_ERR_OK;
}

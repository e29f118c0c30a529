/* qcow2.h - QEMU's copy-on-write images, versions 2 and 3, as media that are read and written.
 *
 * Source: QEMU, docs/interop/qcow2.txt "General", "Header", "Host cluster management", "Cluster mapping", "Snapshots".
 * Done: backing files, clusters compressed by zlib and zstd, zero clusters, discard, refcounts of 1 to 64 bits, tables
 * that grow, internal snapshots (kept, never made or applied). Refused by name: encryption, external data files,
 * extended L2 entries, incompatible features that have no name here, and for writing images that are marked as dirty or
 * corrupt. Persistent bitmaps are left as they are and marked as out of date by the first opening for writing, as the
 * specification wants of programs that do not know them.
 *
 * What is promised: a completed write survives the end of the process, a completed flush that of the host. Neither
 * leaves worse behind than clusters that nobody uses.
 *
 * Thread rule: as for every medium; opening and closing on one thread, all between on one. */
#ifndef VX86_BLOCK_QCOW2_H
#define VX86_BLOCK_QCOW2_H

#include "block_medium.h"

/* Compression types, and whether this vx86 was built with what unpacks them. */
enum { QCOW2_ZLIB = 0, QCOW2_ZSTD = 1 };
bool qcow2_can_unpack(unsigned compression);

/* Opens the image in `file`, which it owns from then on (on failure too), with its backing media. */
VX_MUST_USE vx_err qcow2_open(const struct block_chain *chain, struct medium *file, struct medium **out);

#endif

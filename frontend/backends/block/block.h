/* block.h - disk, CD-ROM and floppy media out of host files, as the block back ends that backend.h describes.
 *
 * A medium is a raw image (a regular file or a block device, for a CD-ROM an ISO image) or a qcow2 image, with its
 * backing files, which are only read. Each medium has a worker thread
 * that does the host's I/O (pread, pwrite, fdatasync) in the order in which requests were submitted, so overlapping
 * requests are ordered and a FLUSH covers every write before it. Completions come home through vx_loop_post().
 *
 * What is promised about data: a completed write is in the host's page cache (nothing is held back in this process),
 * so killing vx86 loses no completed write; a completed FLUSH is on stable storage. With `snapshot` the image is only
 * read, and what the guest writes lives in an unlinked file in $TMPDIR (or /tmp, or else in memory) that is gone with
 * the process.
 *
 * An image opened for writing is locked exclusively, one that is only read is locked shared, against other vx86. A
 * block device is opened exclusively, which one that the host has mounted refuses.
 *
 * Thread rule: all calls on the machine thread, or before it runs and after it ended. */
#ifndef VX86_FRONTEND_BLOCK_H
#define VX86_FRONTEND_BLOCK_H

#include "vx86/backend.h"
#include "vx86/files.h"
#include "vx86/log.h"

enum block_kind { VX_BLOCK_DISK, VX_BLOCK_CDROM, VX_BLOCK_FLOPPY };

struct block_config {
    struct vx_log *log;     /* borrowed */
    struct vx_loop *loop;   /* borrowed */
    const char *path;       /* borrowed for the call */
    enum block_kind kind;   /* a CD-ROM is read-only, a floppy where its file may not be written */
    struct vx_files *files; /* borrowed; NULL: other uses of the file are not known */
    bool raw;               /* whatever it looks like, it is a raw image */
    bool backing;           /* it is what another image stands on; set by the back end itself */
    bool read_only;
    bool snapshot;
};

/* Opens the medium. Everything that can be wrong with the file (missing, a directory, empty, no permission, size not in
 * whole sectors, a format that cannot be read, shorter than its own partition table or volume descriptor says, locked,
 * in use by the host or for something else) is logged as one line that
 * names the cause and the remedy, and gives NOT_FOUND, ACCESS, BAD_FORMAT, BAD_ARGUMENT, LOCKED, IO or NO_MEMORY. */
VX_MUST_USE vx_err block_open(const struct block_config *config, struct vx_block **out);

/* What a file that is named without saying how it is meant could be: an ISO 9660 image, one that has a partition table
 * too, a floppy disk (of a size that floppies.def has, without a partition table), something else, or nothing that can
 * be read. */
enum block_content { VX_BLOCK_OTHER, VX_BLOCK_ISO, VX_BLOCK_HYBRID, VX_BLOCK_FLOPPY_SIZED };
enum block_content block_content(const char *path);

/* Whether this vx86 was built with what unpacks such clusters of qcow2 images. */
enum block_compression { VX_BLOCK_ZLIB, VX_BLOCK_ZSTD };
bool block_can_unpack(enum block_compression compression);

/* Waits for everything submitted, then closes. The loop may still hold completions, which the devices that submitted
 * must live to see (vx_machine_run() and vx_machine_destroy() see to that). NULL is allowed. */
void block_close(struct vx_block *block);

#endif

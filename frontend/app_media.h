/* app_media.h - the drives, kernel and BIOS that the options name, opened and given their places.
 *
 * Hard disks take the IDE positions from the primary master on, in the order in which they are named; CD-ROMs take the
 * secondary master first, as PCs do. An image that is named without an option is a hard disk, unless its content is a
 * CD's alone, or a floppy's. Errors are logged, one line each. Thread rule: before and after the machine, but for
 * app_media_change_floppy(). */
#ifndef VX86_FRONTEND_APP_MEDIA_H
#define VX86_FRONTEND_APP_MEDIA_H

#include "app_modules.h"
#include "firmware_file.h"
#include "options.h"
#include "vx86/machine.h"

struct app_media {
    struct vx_block *disk[VX_MAX_IDE], *cdrom[VX_MAX_IDE];
    struct {
        bool present;
        struct vx_block *disk; /* NULL: empty */
    } floppy[VX_MAX_FLOPPIES];
    struct vx_log *log; /* borrowed, as the loop: for disks that are changed */
    struct vx_loop *loop;
    bool snapshot, raw;
    struct file_image kernel, initrd;
    struct app_modules modules; /* of a multiboot kernel, in place of an initrd */
    struct vx_files *files;     /* borrowed */
    struct firmware_set firmware;
    char default_disk[4096]; /* path, when the default system is what runs */
};

/* Where each drive goes: indices into the two lists of paths, -1 for none. False when there are more than VX_MAX_IDE.
 */
struct app_places {
    int disk[VX_MAX_IDE], cdrom[VX_MAX_IDE];
};
VX_MUST_USE bool app_place_drives(unsigned disks, unsigned cdroms, struct app_places *places);

/* Path of the default system: $VX86_DEFAULT_DISK, or what tools/run puts beside the program. */
VX_MUST_USE vx_err app_default_disk(struct vx_log *log, char *path, size_t room);

/* `files` learns what is opened, which must be nothing that is an output. */
VX_MUST_USE vx_err app_media_open(const struct options *options, struct vx_log *log, struct vx_loop *loop,
                                  struct vx_files *files, struct app_media *media);
/* Kernel and initrd are needed only until the machine has been created. */
void app_media_drop_kernel(struct app_media *media);
void app_media_close(struct app_media *media);

/* Fills in what the machine needs to know of the media. */
void app_media_configure(const struct app_media *media, const struct options *options,
                         struct vx_machine_config *config);

/* Puts the image at `path` into the machine's drive 0 (A:) or 1 (B:), NULL: takes the disk out. Write protection and
 * --snapshot are as at the start. Errors are logged, and the disk stays. Machine thread, or while nothing runs; in the
 * sandbox only where files can be opened at all (SANDBOX_FILES). */
VX_MUST_USE vx_err app_media_change_floppy(struct app_media *media, struct vx_machine *machine, unsigned drive,
                                           const char *path);

/* "disk root.img (1G), cdrom x.iso (40M), kernel vmlinuz, firmware SeaBIOS ..." for the start line. */
void app_media_describe(const struct app_media *media, const struct options *options, char *text, size_t room);

#endif

/* app_modules.h - the modules of a multiboot kernel, as --initrd lists them.
 *
 * "FILE[ arguments][,FILE[ arguments]]...", as QEMU has it: what stands before the first space of an entry is the
 * file's name, the whole entry is the module's command line, two commas are one that separates nothing. Errors are
 * logged, one line each. Thread rule: none. */
#ifndef VX86_FRONTEND_APP_MODULES_H
#define VX86_FRONTEND_APP_MODULES_H

#include "image.h"
#include "vx86/firmware.h"

struct app_modules {
    struct file_image data; /* all files, one behind the other */
    struct vx_boot_module *list;
    unsigned count;
    char *text; /* what the command lines point into */
};

/* Reads the files that `spec` lists; at most `limit_bytes` together. On error there is nothing to free. */
VX_MUST_USE vx_err app_modules_read(const struct image_reader *reader, const char *spec, uint64_t limit_bytes,
                                    struct app_modules *out);
void app_modules_free(struct app_modules *modules);

#endif

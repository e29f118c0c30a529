/* firmware.h - the images embedded in the binary and the tables handed to the BIOS through fw_cfg.
 *
 * Sources: SeaBIOS (as packaged by the system), QEMU "fw_cfg" and "table-loader" interface documents, ACPI specification,
 * SMBIOS reference specification, Linux "The Linux/x86 Boot Protocol". */
#ifndef VX86_FIRMWARE_H
#define VX86_FIRMWARE_H

#include "vx86/err.h"
#include "vx86/log.h"

/* Embedded at build time; *bytes 0 if the build found none. Static storage. */
const uint8_t *vx_firmware_bios(size_t *bytes);
const uint8_t *vx_firmware_vga_bios(size_t *bytes);
/* Where the embedded images came from: "SeaBIOS 1.16.2-1 (/usr/share/seabios/bios-256k.bin)". */
const char *vx_firmware_origin(void);

/* Where the tables go: the fw_cfg device implements it. Data is copied. */
struct vx_fw_sink {
    void (*add_item)(void *opaque, uint16_t key, const void *data, size_t bytes);
    void (*add_file)(void *opaque, const char *name, const void *data, size_t bytes);
    void *opaque;
};

struct vx_fw_config {
    struct vx_log *log;
    uint64_t ram_bytes;
    unsigned cpus;
    const char *boot_order; /* lines of "bootorder", or NULL; nothing else is tried */
    const uint8_t *kernel;
    size_t kernel_bytes; /* NULL: none */
    const uint8_t *initrd;
    size_t initrd_bytes;
    const char *append; /* never NULL when kernel is given */
};

/* Adds the signature, id, RAM size, E820, ACPI (with table-loader script), SMBIOS, boot order and, for a direct boot, kernel, initrd,
 * command line and our option ROM. Errors: a kernel that is no bzImage, an initrd that does not fit. */
VX_MUST_USE vx_err vx_fw_build(const struct vx_fw_config *config, const struct vx_fw_sink *sink);

/* Checks a kernel image without building: VX_ERR_BAD_FORMAT when it is not a bzImage this loader can boot. */
VX_MUST_USE vx_err vx_fw_check_kernel(const uint8_t *kernel, size_t bytes);

#endif

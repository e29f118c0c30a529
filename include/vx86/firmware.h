/* firmware.h - the images embedded in the binary and the tables handed to the BIOS through fw_cfg.
 *
 * Sources: SeaBIOS (as packaged by the system), QEMU "fw_cfg" and "table-loader" interface documents, ACPI
 * specification, SMBIOS reference specification, Linux "The Linux/x86 Boot Protocol", Multiboot Specification 0.6.96.
 * */
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

/* A module of a multiboot kernel: a stretch of vx_fw_config.initrd. */
struct vx_boot_module {
    size_t off, bytes;
    const char *command_line; /* its name, and what the user put behind it */
};

struct vx_fw_config {
    struct vx_log *log;
    uint64_t ram_bytes;
    unsigned cpus;
    const char *boot_order; /* lines of "bootorder", or NULL; nothing else is tried */
    const uint8_t *kernel;
    size_t kernel_bytes;     /* NULL: none */
    const char *kernel_name; /* begins a multiboot kernel's command line; may be NULL */
    const uint8_t *initrd;
    size_t initrd_bytes;
    const struct vx_boot_module *modules; /* multiboot: what initrd consists of */
    unsigned module_count;
    const char *append; /* never NULL when kernel is given */
};

/* Adds the signature, id, RAM size, E820, ACPI (with table-loader script), SMBIOS, boot order and, for a direct boot,
 * the kernel, what goes with it, and one of our option ROMs. Errors, logged: a kernel that cannot be booted, or does
 * not fit with initrd or modules. */
VX_MUST_USE vx_err vx_fw_build(const struct vx_fw_config *config, const struct vx_fw_sink *sink);

/* What a direct boot can be given: Linux as a bzImage (which counts first), or an image with a Multiboot 1 header. */
enum vx_kernel_kind { VX_KERNEL_NONE, VX_KERNEL_LINUX, VX_KERNEL_MULTIBOOT };
enum vx_kernel_kind vx_fw_kernel_kind(const uint8_t *kernel, size_t bytes);

#endif

/* fw_cfg.h - the firmware configuration device: named and numbered blobs that the BIOS reads at power-on.
 *
 * Source: QEMU "QEMU Firmware Configuration (fw_cfg) Device" specification.
 * Interface: selector port 510h (16 bits, write), data port 511h (8 bits, read; a block handler serves INSB), DMA
 *   address register 514h..51Bh (big-endian, the write of its low half starts the transfer).
 * Modelled: signature, id (traditional and DMA interface), file directory sorted by name, DMA select, skip and read.
 * Not modelled: writable items. A DMA write answers with the error bit, as the specification has it for read-only
 *   items; data port writes are ignored, as since QEMU 2.4.
 * A DMA transfer of more than 2 MiB takes guest time: the control field keeps its value until all is done, as the
 * specification allows, and a second transfer in the meantime is answered with the error bit. It stops with the
 * error bit at the first page that is not writable memory, so its length is bounded by the guest's RAM. Items are
 * added before the guest runs and survive reset.
 * Saved state: selected key, offset, DMA address, the transfer under way. Thread rule: machine thread only. */
#ifndef VX86_DEVICES_FW_CFG_H
#define VX86_DEVICES_FW_CFG_H

#include "device.h"
#include "vx86/firmware.h"
#include "vx86/pmap.h"

/* Item numbers of the specification that more than one file names. */
enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00,
    FW_CFG_ID = 0x01,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
};

#define VX_FW_CFG_FILES      64 /* directory entries at most */
#define VX_FW_CFG_NAME_BYTES 56 /* of a file name with its NUL */

struct fw_cfg;

struct fw_cfg_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_pmap *pmap; /* where DMA goes */
};

/* A new device holds the signature, the id and an empty directory. */
VX_MUST_USE vx_err fw_cfg_create(const struct fw_cfg_config *config, struct fw_cfg **out);
extern const struct device_type fw_cfg_type;

/* The way in for vx_fw_build(). An item or file that exists already is replaced. Valid for the device's life. */
struct vx_fw_sink fw_cfg_sink(struct fw_cfg *fw_cfg);

/* The first failure among all adds so far (out of memory, too many files, a name that is too long). */
VX_MUST_USE vx_err fw_cfg_status(const struct fw_cfg *fw_cfg);

#endif

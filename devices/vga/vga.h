/* vga.h - the standard VGA of virtual PCs: an IBM VGA with 16 MiB, a linear frame buffer and the Bochs VBE registers.
 *
 * Source: IBM VGA Technical Reference (PS/2 Hardware Interface, "Video Subsystem"); Bochs VBE display interface
 *   ("vbe_dispi"); QEMU documentation "Standard VGA" for PCI IDs, BARs and the MMIO layout.
 * PCI 1234:1111. BAR0: video memory, prefetchable. BAR2, 4 KiB: 400h VGA ports 3C0h-3DFh, 500h VBE registers, 600h
 *   extension (size, byte order). Expansion ROM: the VGA BIOS. Ports: 3B4h 3B5h 3BAh 3C0h-3CFh 3D4h 3D5h 3DAh; 1CEh
 *   1CFh 1D0h.
 *   Memory: A0000h-BFFFFh. Clock: retrace and display enable follow the CRTC's timing. IRQ: none.
 * Modelled: all registers, planar logic (write modes 0 to 3, read modes 0 and 1, latches, odd/even, chain-4), text with
 *   two fonts, cursor and underline, 2-, 4- and 8-bit graphics, split screen, row-scan preset, byte and pixel panning,
 *   DAC with 6 and 8 bits, DPMS by the sync pulses, all VBE depths, banks, virtual screen.
 * Not modelled: the vertical retrace interrupt, EDID, light pen, graphics with nine dots; blinking is left to the
 *   display (a picture that stands still must not wake the host). The legacy ranges ignore the PCI command register.
 * Deviation: a guest that accesses chain-4 memory a lot reads it without loading the latches, see vga_memory.c. Saved
 * state: registers, latches, palette, VBE registers, video memory.
 * Thread rule: machine thread only. */
#ifndef VX86_DEVICES_VGA_H
#define VX86_DEVICES_VGA_H

#include "pci.h"
#include "vx86/backend.h"

#define VX_VGA_VRAM_BYTES  (16u << 20)
#define VX_VGA_ROM_BYTES   (64u << 10)
/* What vga_create() takes of the pmap's extra backing. */
#define VX_VGA_EXTRA_BYTES (VX_VGA_VRAM_BYTES + VX_VGA_ROM_BYTES)

struct vga;

struct vga_config {
    struct vx_log *log;
    struct vx_bus *bus;
    struct vx_clock *clock;
    struct vx_pmap *pmap;
    struct pci *pci;
    unsigned slot;              /* on PCI bus 0; 2 by custom */
    const uint8_t *rom;         /* VGA BIOS, copied; NULL: no ROM BAR */
    size_t rom_bytes;           /* at most VX_VGA_ROM_BYTES, else VX_ERR_RANGE */
    struct vx_display *display; /* NULL: nobody looks. The VGA is its next head */
};

VX_MUST_USE vx_err vga_create(const struct vga_config *config, struct vga **out);
/* What is on the screen now, black where it is blanked; changes nothing. The caller frees out->pixels. Errors:
 * NO_MEMORY. */
VX_MUST_USE vx_err vga_take_picture(struct vga *vga, struct vx_picture *out);
extern const struct device_type vga_type;

#endif

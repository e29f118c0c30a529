/* rig.h - the PC of a device program, for rig.c, rig_state.c and guest.c. */
#ifndef VX86_TESTS_FUZZ_DEVICE_RIG_H
#define VX86_TESTS_FUZZ_DEVICE_RIG_H

#include "back_ends.h"
#include "device.h"
#include "pc.h"

enum { ROM_BYTES = 0x10000 };

/* A device at an ISA DMA channel: moves so many bytes. */
struct peer {
    struct dma_channel channel;
    struct dma_device device;
    unsigned width, left;
};

struct rig {
    struct watch *watch;
    struct vx_log *log;
    struct vx_loop *loop;
    struct vx_clock *clock;
    struct vx_machine *pc;
    struct fuzz_disk disk[DISKS]; /* a disk, a small one that is read-only, a CD-ROM, a floppy disk */
    struct vx_char serial[2];
    struct vx_display display;
    struct vx_input input;
    struct vx_audio audio;
    struct peer peer[PEERS];
    struct vx_region host_port; /* of a guest */
    struct vx_timer end;        /* of a guest's run */
    uint64_t longest_ns;        /* that an access has taken */
    uint8_t rom[ROM_BYTES];
    uint8_t block[UINT16_MAX * 4]; /* of OUTS and INS */
};

/* rig_state.c: false, with a line on stderr: something is not as it was before. */
bool rig_round_trip(struct rig *rig);

/* card.c: a PCI card in that slot. */
void card_add(struct vx_machine *pc, unsigned slot);

/* guest.c: where a machine begins. */
void guest_make_rom(uint8_t rom[ROM_BYTES]);

#endif

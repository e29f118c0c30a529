/* guest_map.h - where a guest that carries out a device program keeps its things, for guest.S and guest.c. */
#ifndef VX86_TESTS_FUZZ_DEVICE_GUEST_MAP_H
#define VX86_TESTS_FUZZ_DEVICE_GUEST_MAP_H

#define G_STACK   0x7F00
#define G_INDEX   0x7F80 /* of the next operation; survives resets */
#define G_COUNT   0x7F84
#define G_CODE    0x8000 /* the ROM's first 4 KiB, copied */
#define G_IDT     0x9000
#define G_SMI     0x38000  /* SMBASE + 8000h */
#define G_OPS     0x200000 /* bit 20 clear: the A20 gate may close */
#define G_ROM     0xFFFF0000
#define G_HOST    0xFE00 /* ports: 4 for each enum host_event */
#define G_END     7      /* HOST_END */
#define G_OPS_MAX 11     /* OP_KINDS */
#define G_MIPS    20

#endif

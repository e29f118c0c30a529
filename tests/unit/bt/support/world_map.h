/* world_map.h - where things lie in the guest memory of the random tests; also read by the assembler. */
#ifndef VX86_TESTS_BT_WORLD_MAP_H
#define VX86_TESTS_BT_WORLD_MAP_H

/* Physical addresses; with paging on, linear ones of the identity part too. */
#define WORLD_GDT        0x1000
#define WORLD_LDT        0x1800
#define WORLD_IDT        0x2000
#define WORLD_TSS        0x3000 /* with I/O permission bitmap */
#define WORLD_HANDLERS   0x4000 /* protected mode */
#define WORLD_ROUTINES   0x4C00
#define WORLD_HANDLERS16 0x5000
#define WORLD_LOG        0x6000
#define NEXT             0x8000  /* uint16_t by offset in the code: where the next piece begins */
#define WORLD_STACK0     0xF000  /* top of the ring-0 stack */
#define WORLD_TABLES     0x10000 /* page directory (PAE: pointers), then the tables */
#define WORLD_CODE       0x20000
#define WORLD_STACK      0x30000 /* 64 KiB */
#define WORLD_DATA       0x40000 /* 64 KiB */

#define CODE_BYTES 0x3000

/* Variables of the handlers. */
#define LOG_COUNT   0x6000
#define CODE_EIP0   0x6004 /* EIP of the code's first byte */
#define PTE_BASE    0x6008
#define PTE_SHIFT   0x600C
#define INTR_COUNT  0x6010
#define LOG_ENTRIES 0x6040
#define LOG_MAX     64

#define FLAT_CODE 0x08
#define FLAT_DATA 0x10

#endif

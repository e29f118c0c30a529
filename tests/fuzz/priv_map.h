/* priv_map.h - where things lie in the guest memory of random privileged programs; also read by the assembler.
 *
 *     00000  interrupt vectors of real mode        10000  page directories and tables, four roots
 *     01000  one GDT for each block, the LDT       1c000  stacks of rings 0, 1, 2 and of the double-fault task
 *     02000  two IDTs                              20000  code: the blocks; then a second version of the same pages
 *     03000  task-state segments                   30000  stacks of the blocks
 *     04000  handlers                              40000  data
 *     06000  variables, block table, log
 *     08000  NEXT: for each byte of code, where the next piece begins
 *
 * The names that the generators of tests/unit/bt/support use keep their meaning (world_map.h). */
#ifndef VX86_TESTS_FUZZ_PRIV_MAP_H
#define VX86_TESTS_FUZZ_PRIV_MAP_H

#define PF_GDT        0x1000 /* + PF_GDT_BYTES * block */
#define PF_GDT_BYTES  0x200
#define PF_LDT        0x1C00
#define PF_IDT        0x2000
#define PF_IDT_ALT    0x2200
#define PF_TSS        0x3000
#define PF_TASKS      0x3200 /* + 0x100 * task */
#define PF_TASK_STEP  0x100
#define PF_TSS_DF     0x3900 /* the eighth */
#define PF_HANDLERS   0x4000
#define PF_ROUTINES   0x4C00
#define PF_HANDLERS16 0x5000
#define PF_VARS       0x6000
#define PF_BLOCKS     0x6100 /* + 128 * block */
#define PF_BLOCK_STEP 0x80
#define PF_LOG        0x6800
#define PF_LOG_ROWS   64  /* the last so many events */
#define PF_LOG_MAX    160 /* after so many it is over */
#define PF_NEXT       0x8000
#define PF_CODE_BYTES 0x4000

#define PF_ROOT_A     0x10000 /* 32-bit paging: directory, table */
#define PF_ROOT_B     0x12000
#define PF_ROOT_PAE_A 0x14000 /* pointers; directory and table behind it */
#define PF_ROOT_PAE_B 0x14020
#define PF_PT_A       0x11000
#define PF_PT_B       0x13000
#define PF_PT_PAE_A   0x16000
#define PF_PT_PAE_B   0x18000
#define PF_PD_PAE_A   0x15000
#define PF_PD_PAE_B   0x17000

/* With paging on, the tables are seen here only, by the supervisor: a stray store would leave them and the TLB at odds.
 * */
#define PF_WINDOW       0x800000
#define PF_WINDOW_TABLE 0x1A000 /* and, for PAE, in the next page */
#define PF_SEEN(table)  ((table)-PF_ROOT_A + PF_WINDOW)

#define PF_STACK0   0x1FF00
#define PF_STACK1   0x1EF00
#define PF_STACK2   0x1E700
#define PF_STACK_DF 0x1DF00
#define PF_CODE     0x20000
#define PF_CODE_ALT 0x24000
#define PF_STACK    0x30000
#define PF_DATA     0x40000
#define PF_PAD      0xF80 /* in each page of data, see priv_pads.c */

/* Variables of the handlers. */
#define V_LOG_COUNT 0x6000
#define V_TURN      0x6004 /* how many blocks have begun */
#define V_TURNS     0x6008 /* how many are to */
#define V_INTR      0x600C
#define V_IVT       0x6010 /* operands of LIDT and LGDT */
#define V_GDT0      0x6018
#define V_IDT_ALT   0x6020
#define V_ORDER     0x6028 /* a byte a turn: which block */
#define PF_TURNS    24

/* A row of the block table. */
#define B_CR0  0x00
#define B_CR3  0x04
#define B_CR4  0x08
#define B_EFER 0x0C
#define B_KIND \
    0x10 /* 0: ring 0, 1: an outer ring, 2: VM86, 3: real mode, 4: real mode with the limits that were there */
#define B_EIP    0x14
#define B_CS     0x18
#define B_EFLAGS 0x1C
#define B_ESP    0x20
#define B_SS     0x24
#define B_ES     0x28
#define B_DS     0x2A
#define B_FS     0x2C
#define B_GS     0x2E
#define B_GDTR   0x30
#define B_IDTR   0x38
#define B_REGS   0x40 /* eax ecx edx ebx - ebp esi edi */

#define SEL_CODE0  0x08
#define SEL_DATA0  0x10
#define SEL_TSS    0x18
#define SEL_LDT    0xC0
#define SEL_CODE16 0x100 /* base 0, 64 KiB */
#define SEL_DATA16 0x108
#define SEL_TASKS  0x1A0 /* seven, and the one for double faults */

#endif

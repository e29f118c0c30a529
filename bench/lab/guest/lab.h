/* lab.h - the ground that the laboratory's workloads stand on: a PC of their own, without an operating system.
 *
 * Linear addresses are physical ones. One page table for 64 MiB, every page open to user code, and the local APIC's
 * page; interrupts are off except where a workload wants them. DS and ES are the user's data segment in both rings. */
#ifndef BENCH_LAB_H
#define BENCH_LAB_H

#include "../../guest/rt.h"

#define WORKLOAD(id, name, group, units, clocked, text) uint32_t row_##id(struct bench *bench);
#include "workloads.def"
#undef WORKLOAD

enum { LAB_PAGE = 4096, LAB_MEMORY = 64 << 20, PTE_P = 1, PTE_OPEN = 7, LAPIC = 0xFEE00000 };

extern uint32_t lab_page_table[LAB_MEMORY / LAB_PAGE];
extern uint32_t lab_directory[2][1024]; /* the same contents twice */
extern volatile uint32_t lab_ticks;     /* timer interrupts */

static inline void lab_out(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t lab_in(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void lab_invlpg(volatile void *at)
{
    __asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
}

static inline void lab_load_cr3(const uint32_t *directory)
{
    __asm__ volatile("mov %0, %%cr3" : : "r"(directory) : "memory");
}

/* ---- start.S */
void lab_timer_entry(void);
void lab_page_fault_entry(void);
void lab_trap_entry(void);     /* INT 80h: comes straight back */
void lab_user_end_entry(void); /* INT 81h: ends lab_user() */
void lab_sysenter_entry(void);
void lab_wrong_entry(void); /* every other vector */
/* Runs `code` in ring 3 with `units` in ESI until it says INT 81h. */
void lab_user(void (*code)(void), uint32_t units);
extern uint32_t lab_user_stack[], lab_event_stack_top[];

/* ---- streams.S: known to the instruction */
void lab_loop(uint32_t units);
void lab_jump(uint32_t units);
void lab_call(uint32_t units);
void lab_user_trap(void);
void lab_user_sysenter(void);
void lab_settle(void);
/* Real mode, `trips` times: `rounds` of its loop. Returns what the loop has summed up. */
uint32_t lab_real(uint32_t trips, uint32_t rounds);

/* ---- main.c */
_Noreturn void lab_main(uint32_t magic, const uint32_t *info);
_Noreturn void lab_wrong(void);

#endif

/* handlers.S - guest code of the random tests: exception handlers that note what happened and go on, for protected and
 * for real mode, and a far routine. Copied into guest memory by world.c, whose memory map the constants repeat.
 *
 * Faults: noted, then execution goes on behind the piece of the program that the faulting EIP lies in (table NEXT).
 * #PF: every other one of the program's pages is repaired in the page table instead, and the instruction runs again.
 * #NM and #MF are acknowledged, traps and interrupts return. After LOG_MAX events, at vector 47 or when EIP is not in
 * the program: HLT. */
#include "world_map.h"

#define H_DATA FLAT_DATA
#define H_LOG LOG_ENTRIES
#define H_LOG_ROWS LOG_MAX
#define H_LOG_COUNT LOG_COUNT
#define H_LOG_MAX LOG_MAX
#include "handlers.inc"

#if defined(__x86_64__)
        .intel_syntax noprefix
        .section .rodata

/* ---- protected mode: 32-bit interrupt gates, flat segments */

        .globl world_handlers32, world_handlers32_end
        .balign 16
        .code32
world_handlers32:
        entries32

common32:
        note32 stop32
skip32:
        mov eax, dword ptr [esp + F_EIP]
        sub eax, dword ptr ds:[CODE_EIP0]
        cmp eax, CODE_BYTES
        jae stop32
        movzx eax, word ptr [eax * 2 + NEXT]
        add eax, dword ptr ds:[CODE_EIP0]
        mov dword ptr [esp + F_EIP], eax
return32:
        leave32
stop32:
        hlt

page_fault32:
        faulting_page32 WORLD_CODE>>12 /* what lies below stays ring 0's */
        mov ecx, dword ptr ds:[PTE_SHIFT]
        shl eax, cl
        mov edx, dword ptr ds:[PTE_BASE]
        cmp ecx, 3
        or dword ptr [edx + eax], 7
        cmp ecx, 3
        jne 1f
        and dword ptr [edx + eax + 4], 0x7FFFFFFF
1:      invlpg [ebx]
        jmp return32

        fpu_events 32

debug32:
        xor eax, eax
        mov dr6, eax
        mov eax, dword ptr ds:[LOG_COUNT]
        not eax
        test al, 7
        jnz return32
        and dword ptr [esp + F_EFLAGS], 0xFFFFFEFF
        jmp return32
world_handlers32_end:

/* ---- what call gates, SYSENTER and interrupts of the fake PIC lead to */

        .globl world_routine32, world_routine32_end
        .balign 16
world_routine32:
        retf
        .balign 16
        retf 8
        .balign 16
        .byte 0x66
        retf
        .balign 16
/* An interrupt that the program cannot see: counts where no program reads. */
        push eax
        push ds
        mov eax, FLAT_DATA
        mov ds, eax
        inc dword ptr ds:[INTR_COUNT]
        pop ds
        pop eax
        iretd
world_routine32_end:

/* ---- real mode: CS = DS = 0 */

        .globl world_handlers16, world_handlers16_end
        .balign 16
        .code16
world_handlers16:
        entries16

common16:
        note16 stop16
skip16:
        mov bx, word ptr [bp + R_IP]
        cmp bx, CODE_BYTES
        jae stop16
        add bx, bx
        mov ax, word ptr ds:[bx + NEXT]
        mov word ptr [bp + R_IP], ax
return16:
        leave16
stop16:
        hlt

        fpu_events 16

debug16:
        xor eax, eax
        mov dr6, eax
        mov ax, word ptr ds:[LOG_COUNT]
        not ax
        test al, 7
        jnz return16
        and word ptr [bp + R_FLAGS], 0xFEFF
        jmp return16
world_handlers16_end:
#endif

        .section .note.GNU-stack, "", @progbits

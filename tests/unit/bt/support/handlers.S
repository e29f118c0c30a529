/* handlers.S - guest code of the random tests: exception handlers that note what happened and go on, for protected and for
 * real mode, and a far routine. Copied into guest memory by world.c, whose memory map the constants repeat.
 *
 * Faults: noted, then execution goes on behind the piece of the program that the faulting EIP lies in (table NEXT).
 * #PF: every other one of the program's pages is repaired in the page table instead, and the instruction runs again. #NM and #MF are
 * acknowledged, traps and interrupts return. After LOG_MAX events, at vector 47 or when EIP is not in the program: HLT. */
#include "world_map.h"

#if defined(__x86_64__)
        .intel_syntax noprefix
        .section .rodata

/* ---- protected mode: 32-bit interrupt gates, flat segments */

        .globl world_handlers32, world_handlers32_end
        .balign 16
        .code32
world_handlers32:
        .set vector, 0
        .rept 64
        .balign 16
        .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17)
        .else
        push 0
        .endif
        push vector
        jmp common32
        .set vector, vector + 1
        .endr
        .balign 16

/* Frame: gs fs es ds, edi esi ebp esp ebx edx ecx eax, vector, error, eip, cs, eflags */
#define F_VECTOR 48
#define F_ERROR 52
#define F_EIP 56
#define F_CS 60
#define F_EFLAGS 64

common32:
        pushad
        .byte 0x1E /* PUSH DS; by its name clang pushes 16 bits */
        .byte 0x06 /* PUSH ES */
        push fs
        push gs
        mov eax, FLAT_DATA
        mov ds, eax
        mov es, eax
        mov eax, dword ptr ds:[LOG_COUNT]
        cmp eax, LOG_MAX
        jae stop32
        inc dword ptr ds:[LOG_COUNT]
        lea eax, [eax * 8]
        lea edi, [eax * 4 + LOG_ENTRIES]
        mov eax, dword ptr [esp + F_VECTOR]
        mov dword ptr [edi], eax
        mov eax, dword ptr [esp + F_ERROR]
        mov dword ptr [edi + 4], eax
        mov eax, dword ptr [esp + F_EIP]
        mov dword ptr [edi + 8], eax
        mov eax, dword ptr [esp + F_CS]
        mov dword ptr [edi + 12], eax
        mov eax, dword ptr [esp + F_EFLAGS]
        mov dword ptr [edi + 16], eax
        mov eax, cr2
        mov dword ptr [edi + 20], eax
        mov dword ptr [edi + 24], esp
        mov eax, dr6
        mov dword ptr [edi + 28], eax
        mov eax, dword ptr [esp + F_VECTOR]
        cmp eax, 14
        je page_fault32
        cmp eax, 7
        je no_fpu32
        cmp eax, 16
        je fpu_error32
        cmp eax, 1
        je debug32
        cmp eax, 2
        je return32
        cmp eax, 3
        je return32
        cmp eax, 4
        je return32
        cmp eax, 8
        je stop32
        cmp eax, 47
        je stop32
        cmp eax, 32
        jae return32
skip32:
        mov eax, dword ptr [esp + F_EIP]
        sub eax, dword ptr ds:[CODE_EIP0]
        cmp eax, CODE_BYTES
        jae stop32
        movzx eax, word ptr [eax * 2 + NEXT]
        add eax, dword ptr ds:[CODE_EIP0]
        mov dword ptr [esp + F_EIP], eax
return32:
        pop gs
        pop fs
        .byte 0x07 /* POP ES */
        .byte 0x1F /* POP DS */
        popad
        lea esp, [esp + 8]
        iretd
stop32:
        hlt

page_fault32:
        test byte ptr ds:[LOG_COUNT], 1
        jz skip32
        mov ebx, cr2
        mov eax, ebx
        shr eax, 12
        cmp eax, WORLD_CODE >> 12 /* what lies below stays ring 0's */
        jb skip32
        cmp eax, 512
        jae skip32
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

no_fpu32:
        clts
        mov eax, cr0
        test al, 4
        jnz skip32
        jmp return32

fpu_error32:
        fnclex
        jmp return32

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
        .set vector, 0
        .rept 64
        .balign 16
        push vector
        jmp common16
        .set vector, vector + 1
        .endr
        .balign 16

/* Frame: es ds, edi .. eax, vector, ip, cs, flags */
#define R_VECTOR 36
#define R_IP 38
#define R_CS 40
#define R_FLAGS 42

common16:
        pushad
        push ds
        push es
        xor ax, ax
        mov ds, ax
        mov bp, sp
        mov ax, word ptr ds:[LOG_COUNT]
        cmp ax, LOG_MAX
        jae stop16
        inc word ptr ds:[LOG_COUNT]
        shl ax, 5
        mov di, ax
        add di, LOG_ENTRIES
        mov ax, word ptr [bp + R_VECTOR]
        mov word ptr ds:[di], ax
        mov ax, word ptr [bp + R_IP]
        mov word ptr ds:[di + 8], ax
        mov ax, word ptr [bp + R_CS]
        mov word ptr ds:[di + 12], ax
        mov ax, word ptr [bp + R_FLAGS]
        mov word ptr ds:[di + 16], ax
        mov dword ptr ds:[di + 24], esp
        mov eax, dr6
        mov dword ptr ds:[di + 28], eax
        mov ax, word ptr [bp + R_VECTOR]
        cmp ax, 7
        je no_fpu16
        cmp ax, 16
        je fpu_error16
        cmp ax, 1
        je debug16
        cmp ax, 2
        je return16
        cmp ax, 3
        je return16
        cmp ax, 4
        je return16
        cmp ax, 8
        je stop16
        cmp ax, 47
        je stop16
        cmp ax, 32
        jae return16
skip16:
        mov bx, word ptr [bp + R_IP]
        cmp bx, CODE_BYTES
        jae stop16
        add bx, bx
        mov ax, word ptr ds:[bx + NEXT]
        mov word ptr [bp + R_IP], ax
return16:
        pop es
        pop ds
        popad
        lea sp, [esp + 2]
        .byte 0xCF /* IRET */
stop16:
        hlt

no_fpu16:
        clts
        mov eax, cr0
        test al, 4
        jnz skip16
        jmp return16

fpu_error16:
        fnclex
        jmp return16

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

/* priv_handlers.S - guest code around random privileged programs: the dispatcher that begins a block, exception
 * handlers for protected and real mode, far routines. Copied into guest memory by priv_world.c.
 *
 * A fault is noted; then execution goes on behind the piece of the program that EIP lies in (NEXT), in whatever ring
 * and mode that was. #PF: every other one mends the page table instead, and the instruction runs again. Where nothing
 * can go on, or at vector 47, the dispatcher begins the next block from a known state. After the last block or
 * PF_LOG_MAX events: HLT. Nothing here depends on what the program has done to registers, tables' registers and stacks:
 * a double fault comes as a task. */
#include "priv_map.h"

#define H_DATA SEL_DATA0
#define H_LOG PF_LOG
#define H_LOG_ROWS PF_LOG_ROWS
#define H_LOG_COUNT V_LOG_COUNT
#define H_LOG_MAX PF_LOG_MAX
#include "handlers.inc"

#if defined(__x86_64__)
        .intel_syntax noprefix
        .section .rodata

/* All but EBX, ESP and ESI, which is where the block is. */
        .macro block_registers
        mov eax, dword ptr [esi + B_REGS]
        mov ecx, dword ptr [esi + B_REGS + 4]
        mov edx, dword ptr [esi + B_REGS + 8]
        mov ebp, dword ptr [esi + B_REGS + 20]
        mov edi, dword ptr [esi + B_REGS + 28]
        .endm

/* ---- protected mode: 32-bit gates, flat segments */

        .globl pf_handlers32, pf_handlers32_end
        .balign 16
        .code32
pf_handlers32:
        entries32

/* Entered by a far jump and as the task of double faults. */
        .globl pf_dispatch32
pf_dispatch32:
        cli
        mov eax, SEL_DATA0
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esp, PF_STACK0
        mov esi, dword ptr ds:[V_TURN]
        cmp esi, dword ptr ds:[V_TURNS]
        jae stop32
        inc dword ptr ds:[V_TURN]
        movzx esi, byte ptr [esi + V_ORDER]
        lea esi, [esi * 8]
        lea esi, [esi * 8]
        lea esi, [esi * 2 + PF_BLOCKS]
        mov eax, cr0
        and eax, 0x7FFFFFFF
        mov cr0, eax
        mov eax, dword ptr [esi + B_CR4]
        mov cr4, eax
        mov ecx, 0xC0000080
        xor edx, edx
        mov eax, dword ptr [esi + B_EFER]
        wrmsr
        mov eax, dword ptr [esi + B_CR3]
        mov cr3, eax
        .set task, 0
        .rept 8
        mov dword ptr ds:[PF_TASKS + PF_TASK_STEP * task + 0x1C], eax
        .set task, task + 1
        .endr
        lgdt [esi + B_GDTR]
        lidt [esi + B_IDTR]
        mov edi, dword ptr [esi + B_GDTR + 2]
        and byte ptr [edi + SEL_TSS + 5], 0xFD
        .set task, 0
        .rept 8
        and byte ptr [edi + SEL_TASKS + 8 * task + 5], 0xFD
        .set task, task + 1
        .endr
        pushfd
        and dword ptr [esp], 0xFFFFBFFF
        popfd
        xor eax, eax
        mov dr7, eax
        mov dr6, eax
        clts
        mov eax, SEL_TSS
        ltr ax
        mov eax, SEL_LDT
        lldt ax
        mov ebx, dword ptr [esi + B_KIND]
        cmp ebx, 3
        jae to_real
        mov eax, dword ptr [esi + B_CR0]
        mov cr0, eax
        jmp 1f
1:      cmp ebx, 2
        je to_vm86
        cmp ebx, 1
        je to_outer
        lss esp, [esi + B_ESP]
        jmp load_registers
to_vm86:
        movzx eax, word ptr [esi + B_GS]
        push eax
        movzx eax, word ptr [esi + B_FS]
        push eax
        movzx eax, word ptr [esi + B_DS]
        push eax
        movzx eax, word ptr [esi + B_ES]
        push eax
to_outer:
        push dword ptr [esi + B_SS]
        push dword ptr [esi + B_ESP]
load_registers:
        push dword ptr [esi + B_EFLAGS]
        push dword ptr [esi + B_CS]
        push dword ptr [esi + B_EIP]
        cmp ebx, 2
        je 1f
        mov es, word ptr [esi + B_ES]
        mov fs, word ptr [esi + B_FS]
        mov gs, word ptr [esi + B_GS]
1:      block_registers
        cmp ebx, 2
        mov ebx, dword ptr [esi + B_REGS + 12]
        je 1f
        mov ds, word ptr cs:[esi + B_DS]
1:      mov esi, dword ptr cs:[esi + B_REGS + 24]
        iretd

to_real:
        .byte 0xEA
        .long PF_HANDLERS16 + to_real16 - pf_handlers16
        .word SEL_CODE16

common32:
        note32 pf_dispatch32
/* The low half of EIP is the offset in the code, in flat segments, through the other mapping of the code and in
 * segments based at it. */
skip32:
        mov eax, dword ptr [esp + F_EIP]
        movzx ebx, ax
        cmp ebx, PF_CODE_BYTES
        jae pf_dispatch32
        mov ecx, dword ptr [esp + F_CS]
        and ecx, 0xFFFC
        cmp ecx, SEL_CODE0 /* a handler itself, below the code */
        jne 1f
        cmp eax, PF_CODE
        jb pf_dispatch32
1:      movzx ebx, word ptr [ebx * 2 + PF_NEXT]
        cmp ebx, 0xFFFF
        je pf_dispatch32
        mov word ptr [esp + F_EIP], bx
return32:
        leave32
stop32:
        cli
        hlt
        jmp stop32

page_fault32:
        faulting_page32 PF_CODE>>12 /* what lies below stays ring 0's */
        mov edx, cr4
        mov ecx, cr3
        test dl, 0x20
        jnz 2f
        mov edx, PF_SEEN(PF_PT_A)
        cmp ecx, PF_ROOT_A
        je 1f
        mov edx, PF_SEEN(PF_PT_B)
1:      or dword ptr [edx + eax * 4], 7
        jmp 4f
2:      mov edx, PF_SEEN(PF_PT_PAE_A)
        cmp ecx, PF_ROOT_PAE_A
        je 3f
        mov edx, PF_SEEN(PF_PT_PAE_B)
3:      or dword ptr [edx + eax * 8], 7
        and dword ptr [edx + eax * 8 + 4], 0
4:      invlpg [ebx]
        jmp return32

        fpu_events 32

/* Now and then single-stepping ends and the breakpoints go. */
debug32:
        xor eax, eax
        mov dr6, eax
        or dword ptr [esp + F_EFLAGS], 0x10000 /* RF: an instruction breakpoint is passed */
        mov ecx, dword ptr ds:[V_LOG_COUNT]
        not ecx
        test cl, 7
        jnz return32
        mov dr7, eax
        and dword ptr [esp + F_EFLAGS], 0xFFFFFEFF
        jmp return32
pf_handlers32_end:

/* ---- what call gates, task gates, SYSENTER and interrupts of the fake PIC lead to: 16 bytes each */

        .globl pf_routines, pf_routines_end
        .balign 16
pf_routines:
        retf
        .balign 16
        retf 8
        .balign 16
        .byte 0x66
        retf
        .balign 16
        iretd
        .balign 16
        .byte 0x66
        iretd
        .balign 16
/* A task: of a gate, called again and again; with an error code on the stack or without, that stays there. */
1:      inc dword ptr cs:[V_INTR]
        iretd
        jmp 1b
        .balign 16
        add esp, 4
        .byte 0xE9 /* JMP to the dispatcher, from where each of them will lie */
        .long (PF_HANDLERS + pf_dispatch32 - pf_handlers32) - (PF_ROUTINES + pf_routines_end - pf_routines)
pf_routines_end:

/* ---- real mode: CS = DS = 0 */

        .globl pf_handlers16, pf_handlers16_end
        .balign 16
        .code16
pf_handlers16:
        entries16

/* From the dispatcher, still with paging off in protected mode; ESI: the block. */
to_real16:
        cmp bx, 4
        je 1f
        mov ax, SEL_DATA16
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov fs, ax
        mov gs, ax
1:      mov eax, dword ptr [esi + B_CR0]
        mov cr0, eax
        .byte 0xEA
        .word PF_HANDLERS16 + 2f - pf_handlers16
        .word 0
2:      xor ax, ax
        mov ds, ax
        lidt ds:[V_IVT]
        lss sp, [esi + B_ESP]
        mov ss, word ptr [esi + B_SS]
        push word ptr [esi + B_EFLAGS]
        push word ptr [esi + B_CS]
        push word ptr [esi + B_EIP]
        mov es, word ptr [esi + B_ES]
        mov fs, word ptr [esi + B_FS]
        mov gs, word ptr [esi + B_GS]
        block_registers
        mov ebx, dword ptr [esi + B_REGS + 12]
        mov ds, word ptr cs:[esi + B_DS]
        mov esi, dword ptr cs:[esi + B_REGS + 24]
        .byte 0xCF /* IRET */

common16:
        note16 dispatch16
skip16:
        cmp word ptr [bp + R_CS], PF_CODE >> 4
        jne dispatch16
        mov bx, word ptr [bp + R_IP]
        cmp bx, PF_CODE_BYTES
        jae dispatch16
        add bx, bx
        mov ax, word ptr ds:[bx + PF_NEXT]
        cmp ax, 0xFFFF
        je dispatch16
        mov word ptr [bp + R_IP], ax
return16:
        leave16
stop16:
        cli
        hlt
        jmp stop16

dispatch16:
        cli
        lgdt ds:[V_GDT0]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        .byte 0x66, 0xEA
        .long PF_HANDLERS + pf_dispatch32 - pf_handlers32
        .word SEL_CODE0

        fpu_events 16

debug16:
        xor eax, eax
        mov dr6, eax
        mov cx, word ptr ds:[V_LOG_COUNT]
        not cx
        test cl, 7
        jnz return16
        mov dr7, eax
        and word ptr [bp + R_FLAGS], 0xFEFF
        jmp return16
pf_handlers16_end:
#endif

        .section .note.GNU-stack, "", @progbits

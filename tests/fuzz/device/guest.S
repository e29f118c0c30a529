/* guest.S - a guest that carries out a list of struct op: see device.h and guest_map.h.
 *
 * It lies in ROM, copies itself to RAM after each reset, and goes on with the operation after the last one. Interrupts
 * are acknowledged everywhere; an exception goes on with the next operation. Where a place is the difference of two
 * labels the line is in AT&T syntax: not every assembler takes that in Intel's. */
#include "guest_map.h"

#if defined(__x86_64__)
        .intel_syntax noprefix
        .section .rodata
#define ATT(...) .att_syntax prefix; __VA_ARGS__; .intel_syntax noprefix
#define AT(label) (label - guest_rom + G_CODE)
#define IN_ROM(label) (label - guest_rom + G_ROM)

        .globl guest_rom, guest_rom_end
        .balign 16
        .code16
guest_rom:
        cli
        ATT(lgdtl %cs:(gdtr_rom - guest_rom))
        mov eax, cr0
        and eax, 0x9FFFFFFF
        or al, 1
        mov cr0, eax
        .byte 0x66, 0xEA
        .long IN_ROM(start32)
        .word 8

        .code32
start32:
        mov eax, 0x10
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov fs, eax
        mov gs, eax
        cld
        mov esi, G_ROM
        mov edi, G_CODE
        mov ecx, 0x400
        rep movsd
        mov esp, G_STACK
        ATT(lgdt AT(gdtr_ram))
        mov word ptr [G_SMI], 0xAA0F /* RSM */
        mov edi, G_IDT
        xor ecx, ecx
1:      ATT(movl $AT(on_exception), %eax)
        cmp ecx, 32
        jb 2f
        ATT(movl $AT(on_interrupt), %eax)
2:      mov edx, eax
        and eax, 0xFFFF
        or eax, 0x80000
        mov dword ptr [edi + 8 * ecx], eax
        mov dx, 0x8E00
        mov dword ptr [edi + 8 * ecx + 4], edx
        inc ecx
        cmp ecx, 256
        jb 1b
        ATT(lidt AT(idtr))
        ATT(movl $AT(next), %eax)
        jmp eax

        .balign 8
gdt:    .quad 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
gdtr_rom:
        .word 23
        .long IN_ROM(gdt)
gdtr_ram:
        .word 23
        .long AT(gdt)
idtr:   .word 0x7FF
        .long G_IDT

on_interrupt:
        push eax
        mov al, 0x20
        out 0xA0, al
        out 0x20, al
        mov dword ptr [0xFEE000B0], 0
        pop eax
        iretd

on_exception:
next:
        mov esp, G_STACK
        cld
        mov eax, dword ptr [G_INDEX]
        cmp eax, dword ptr [G_COUNT]
        jae finish
        inc dword ptr [G_INDEX]
        shl eax, 4
        lea esi, [eax + G_OPS]
        movzx ebx, byte ptr [esi]
        cmp ebx, G_OPS_MAX
        jae next
        movzx ecx, word ptr [esi + 2]
        mov edx, dword ptr [esi + 4]
        mov eax, dword ptr [esi + 8]
        movzx ebp, byte ptr [esi + 1]
        ATT(jmp *AT(table)(,%ebx,4))

        .balign 4
table:  .long AT(do_out), AT(do_in), AT(do_outs), AT(do_ins), AT(do_store), AT(do_load)
        .long AT(do_poll), AT(do_pass), AT(do_host), AT(do_cpu), AT(next)

do_out: cmp ebp, 2
        je 2f
        ja 4f
        out dx, al
        jmp next
2:      out dx, ax
        jmp next
4:      out dx, eax
        jmp next

do_in:  mov ebx, dword ptr [esi + 12]
        cmp ebp, 2
        je 2f
        ja 4f
        in al, dx
        jmp next
2:      in ax, dx
        jmp next
4:      in eax, dx
        jmp next

do_outs:
        mov esi, dword ptr [esi + 12]
        cmp ebp, 2
        je 2f
        ja 4f
        rep outsb
        jmp next
2:      rep outsw
        jmp next
4:      rep outsd
        jmp next

do_ins: mov edi, dword ptr [esi + 12]
        cmp ebp, 2
        je 2f
        ja 4f
        rep insb
        jmp next
2:      rep insw
        jmp next
4:      rep insd
        jmp next

do_store:
        cmp ebp, 2
        je 2f
        ja 4f
        mov byte ptr [edx], al
        jmp next
2:      mov word ptr [edx], ax
        jmp next
4:      mov dword ptr [edx], eax
        cmp ebp, 8
        jne next
        mov eax, dword ptr [esi + 12]
        mov dword ptr [edx + 4], eax
        jmp next

do_load:
        cmp ebp, 2
        je 2f
        ja 4f
        mov al, byte ptr [edx]
        jmp next
2:      mov ax, word ptr [edx]
        jmp next
4:      mov eax, dword ptr [edx]
        jmp next

/* 2 us between two tries. */
do_poll:
        mov edi, ecx
1:      test edi, edi
        jz next
        dec edi
        in al, dx
        and al, byte ptr [esi + 9]
        cmp al, byte ptr [esi + 8]
        je next
        mov ecx, 2 * G_MIPS
2:      loop 2b
        jmp 1b

/* A millisecond at most: who wants more, halts. */
do_pass:
        mov ecx, eax
        shr ecx, 6
        inc ecx
        cmp ecx, 1000 * G_MIPS
        jbe 1f
        mov ecx, 1000 * G_MIPS
1:      loop 1b
        jmp next

do_host:
        shl edx, 2
        add edx, G_HOST
        out dx, eax
        jmp next

do_cpu: cmp edx, 1
        jb 0f
        je 1f
        cmp edx, 3
        jb 2f
        ja next
        mov ecx, 0x1B
        xor edx, edx
        wrmsr
        jmp next
0:      cli
        jmp next
1:      sti
        jmp next
2:      sti
        test eax, eax
        jz 3f
        hlt
3:      mov ecx, 10 * G_MIPS
4:      loop 4b
        cli
        jmp next

finish: cli
        mov edx, G_HOST + 4 * G_END
        out dx, eax
1:      hlt
        jmp 1b
guest_rom_end:
#endif

        .section .note.GNU-stack, "", @progbits

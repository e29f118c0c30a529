/* streams.S - instruction streams that are known one by one, and the trip to real mode. A page each, so that what may
 * be chained inside a page is. */
        .text
        .balign 4096
/* Two backward branches taken: the engine looks up, and what the marker before has asked for is done. */
        .globl lab_settle
lab_settle:
        mov $16, %ecx
1:      dec %ecx
        jnz 1b
        ret

        .globl lab_loop
lab_loop:
        mov 4(%esp), %ecx
1:      dec %ecx
        jnz 1b
        ret

/* A unit: one jump to each of the two targets in turn. */
        .balign 64
        .globl lab_jump
lab_jump:
        push %ebx
        mov 8(%esp), %ecx
        mov $2f, %eax
        mov $3f, %ebx
1:      jmp *%eax
2:      xchg %eax, %ebx
        dec %ecx
        jnz 1b
        pop %ebx
        ret
3:      xchg %eax, %ebx
        dec %ecx
        jnz 1b
        pop %ebx
        ret

        .balign 64
        .globl lab_call
lab_call:
        mov 4(%esp), %ecx
1:      call 2f
        dec %ecx
        jnz 1b
        ret
2:      ret

        .balign 64
        .globl lab_user_trap, lab_user_sysenter
lab_user_trap:
1:      int $0x80
        dec %esi
        jnz 1b
        int $0x81

lab_user_sysenter:
        mov %esp, %ecx
        mov $2f, %edx
1:      sysenter
2:      dec %esi
        jnz 1b
        int $0x81

/* lab_real(trips, rounds): the piece between real_begin and real_end has been copied to 8000h by main.c. */
        .set BASE, 0x8000
        .globl lab_real, lab_real_begin, lab_real_end
lab_real:
        push %ebp
        push %ebx
        push %esi
        push %edi
        mov 20(%esp), %ebx              /* trips */
        mov 24(%esp), %edx              /* rounds */
        xor %ebp, %ebp                  /* the sum */
        mov %cr3, %eax
        mov %eax, saved_cr3
        mov %esp, saved_esp
        sidt saved_idt
1:      ljmp $0x30, $BASE
lab_real_back:
        mov saved_cr3, %eax
        mov %eax, %cr3
        mov %cr0, %eax
        or $0x80000000, %eax
        mov %eax, %cr0
        mov saved_esp, %esp
        dec %ebx
        jnz 1b
        lidt saved_idt
        mov %ebp, %eax
        pop %edi
        pop %esi
        pop %ebx
        pop %ebp
        ret

        .balign 16
        .code16
lab_real_begin:
        mov $0x38, %ax
        mov %ax, %ds
        mov %ax, %es
        mov %ax, %ss
        mov %cr0, %eax
        and $0x7FFFFFFE, %eax
        mov %eax, %cr0
        ljmp $0, $(BASE + 2f - lab_real_begin)
2:      xor %ax, %ax
        mov %ax, %ss
        mov $0x7000, %sp
        mov %edx, %ecx
3:      mov $0x900, %ax                 /* a copy of two words from 0900:0000 to 0910:0000 */
        mov %ax, %ds
        push %ds
        mov $0x910, %ax
        mov %ax, %es
        xor %si, %si
        xor %di, %di
        movsw
        movsw
        pop %ds
        add %cx, (%si)
        mov (%si), %ax
        add %ax, %bp
        dec %ecx
        jnz 3b
        xor %ax, %ax
        mov %ax, %ds
        mov %cr0, %eax
        or $1, %eax
        mov %eax, %cr0
        ljmpl $0x08, $(BASE + 4f - lab_real_begin)
        .code32
4:      mov $0x10, %eax
        mov %eax, %ss
        mov $0x23, %eax
        mov %eax, %ds
        mov %eax, %es
        mov $lab_real_back, %eax
        jmp *%eax
lab_real_end:

        .data
        .balign 4
saved_cr3: .long 0
saved_esp: .long 0
saved_idt: .skip 8

        .section .note.GNU-stack, "", @progbits

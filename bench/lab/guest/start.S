/* start.S - multiboot header, first instructions, segments, and where events come in. */
        .set MAGIC, 0x1BADB002
        .set FLAGS, 0x10003             /* pages aligned, memory wanted, addresses are here */

        .section .lab_header, "a"
        .balign 4
header: .long MAGIC, FLAGS, -(MAGIC + FLAGS)
        .long header, lab_begin, lab_data_end, lab_end, lab_start

        .text
        .globl lab_start
lab_start:
        cli
        cld
        mov $lab_boot_stack, %esp
        lgdt gdt_pointer
        ljmp $0x08, $1f
1:      mov $0x10, %ecx
        mov %ecx, %ss
        mov $0x23, %ecx                 /* open to both rings */
        mov %ecx, %ds
        mov %ecx, %es
        mov %ecx, %fs
        mov %ecx, %gs
        sub $8, %esp                    /* a multiple of 16 at the call */
        push %ebx                       /* multiboot information */
        push %eax                       /* magic */
        call lab_main
        ud2

        .globl lab_wrong_entry, lab_trap_entry, lab_user_end_entry, lab_sysenter_entry, lab_timer_entry, lab_page_fault_entry
lab_wrong_entry:
        mov $lab_boot_stack, %esp
        call lab_wrong
        ud2

lab_trap_entry:
        iret

lab_sysenter_entry:
        sysexit

lab_timer_entry:
        push %eax
        incl lab_ticks
        mov $0x20, %al
        outb %al, $0x20
        pop %eax
        iret

lab_page_fault_entry:                   /* brings the page back */
        push %eax
        mov %cr2, %eax
        shr $12, %eax
        orl $1, lab_page_table(,%eax,4)
        pop %eax
        add $4, %esp                    /* error code */
        iret

/* lab_user(code, units) */
        .globl lab_user
lab_user:
        mov 4(%esp), %eax
        mov 8(%esp), %edx
        push %ebp
        push %ebx
        push %esi
        push %edi
        mov %esp, supervisor_esp
        mov %edx, %esi
        push $0x23                      /* SS, ESP, EFLAGS, CS, EIP of the user */
        push $lab_user_stack
        push $2
        push $0x1B
        push %eax
        iret

lab_user_end_entry:
        mov supervisor_esp, %esp
        pop %edi
        pop %esi
        pop %ebx
        pop %ebp
        ret

        .data
        .balign 8
gdt:    .quad 0
        .quad 0x00CF9B000000FFFF        /* 08: code, ring 0 */
        .quad 0x00CF93000000FFFF        /* 10: data, ring 0 */
        .quad 0x00CFFB000000FFFF        /* 18: code, ring 3 */
        .quad 0x00CFF3000000FFFF        /* 20: data, ring 3 */
        .globl lab_tss_descriptor
lab_tss_descriptor:
        .quad 0                         /* 28: TSS */
        .quad 0x00009B000000FFFF        /* 30: 16-bit code */
        .quad 0x000093000000FFFF        /* 38: 16-bit data */
gdt_end:
        .globl lab_gdt_pointer
lab_gdt_pointer:
gdt_pointer:
        .word gdt_end - gdt - 1
        .long gdt
supervisor_esp:
        .long 0

        .bss
        .balign 16
        .skip 16384
lab_boot_stack:
        .skip 4096
        .globl lab_event_stack_top, lab_user_stack
lab_event_stack_top:
        .skip 4096
lab_user_stack:
        .skip 16

        .section .note.GNU-stack, "", @progbits

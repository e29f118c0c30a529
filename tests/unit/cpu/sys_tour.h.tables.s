/* The tour's handler, descriptor tables and variables; see sys_tour.h.s. */
    /* Exceptions and interrupts: pushed are vector, error code (0 where there is none), EIP, CS, EFLAGS, ... */
handler:
    pushal
    cmpl $0x3F, 32(%esp)
    je leave_inner
    movl 32(%esp), %eax
    orl $0xE0000000, %eax
    log_eax
    log_value 36(%esp)
    log_value 40(%esp)
    movzwl 44(%esp), %eax
    log_eax
    movl 48(%esp), %eax
    andl $FLAGS_SHOWN, %eax
    log_eax
    testl $0x20000, 48(%esp)
    jnz 1f
    testl $3, 44(%esp)
    jz 2f
1:  log_value 52(%esp)
    movzwl 56(%esp), %eax
    log_eax
    testl $0x20000, 48(%esp)
    jz 2f
    movzwl 60(%esp), %eax
    log_eax
    movzwl 64(%esp), %eax
    log_eax
    movzwl 68(%esp), %eax
    log_eax
    movzwl 72(%esp), %eax
    log_eax
2:  cmpl $14, 32(%esp)
    jne 1f
    movl %cr2, %eax
    log_eax
1:  cmpl $1, 32(%esp)
    jne 1f
    movl %dr6, %eax
    andl $0xE00F, %eax
    log_eax
    movl $0xFFFF0FF0, %eax
    movl %eax, %dr6
    orl $0x10000, 48(%esp)      /* so that an instruction breakpoint is hit once */
1:  movl %ss:(resume - tour + ORG), %eax
    cmpl $-1, %eax
    je leave_inner
    testl %eax, %eax
    jz 1f
    movl %eax, 40(%esp)
    movl $0, %ss:(resume - tour + ORG)
1:  popal
    addl $8, %esp
    iretl
leave_inner: /* back to the main line at EBX, with its stack */
    popal
    movl $0, %ss:(resume - tour + ORG)
    movl %ss:(main_esp - tour + ORG), %esp
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    pushl $2
    popfl
    jmp *%ebx

    .balign 16
stubs: /* 16 bytes each, vectors 0 to 3Fh */
    .set i, 0
    .rept 64
    .balign 16
    .if (i != 8) & (i != 10) & (i != 11) & (i != 12) & (i != 13) & (i != 14) & (i != 17)
    pushl $0
    .endif
    pushl $i
    jmp handler
    .set i, i + 1
    .endr
    .balign 16

/* Interrupt gates of DPL 0 up to 1Fh and 31h; DPL 3 from 30h on and for INT3 and INTO. */
build_idt:
    xorl %ecx, %ecx
    movl $(stubs - tour + ORG), %eax
1:  movl %eax, %edx
    andl $0xFFFF, %edx
    orl $0x80000, %edx
    movl %edx, IDT(,%ecx,8)
    movl %eax, %edx
    andl $0xFFFF0000, %edx
    orl $0x8E00, %edx
    cmpl $0x31, %ecx
    je 3f
    cmpl $0x30, %ecx
    jae 2f
    cmpl $3, %ecx
    je 2f
    cmpl $4, %ecx
    jne 3f
2:  orl $0x6000, %edx
3:  movl %edx, IDT + 4(,%ecx,8)
    addl $16, %eax
    incl %ecx
    cmpl $64, %ecx
    jb 1b
    andb $0x7F, (IDT + 0x3E * 8 + 5)
    movb $0xEC, (IDT + 0x3D * 8 + 5)
    movl $0x400000, (IDT + 0x32 * 8)
    movl $0xE500, (IDT + 0x32 * 8 + 4)
    movl $0x00680000, (TSS1 + 0x64)  /* I/O map at 68h */
    movl $0xFF, (LDT + 8)
    movl $0x9200, (LDT + 12)
    movl $STACK_INNER, (TSS1 + 4)
    movl $0x10, (TSS1 + 8)
    movl $~0, (TSS1 + 0x68 + 4)      /* ports 20h to 3Fh forbidden */
    movl $PD, (TSS1 + 0x1C)
    movl $PD, (TSS2 + 0x1C)
    movl $(task2 - tour + ORG), (TSS2 + 0x20)
    movl $2, (TSS2 + 0x24)
    movl $STACK_TASK, (TSS2 + 0x38)
    movl $0x10, (TSS2 + 0x48)
    movl $0x08, (TSS2 + 0x4C)
    movl $0x10, (TSS2 + 0x50)
    movl $0x10, (TSS2 + 0x54)
    movl $0x50, (TSS2 + 0x60)
    movw $(task16 - tour), (TSS16 + 14)
    movw $2, (TSS16 + 16)
    movw $0x2000, (TSS16 + 26)
    movw $0x10, (TSS16 + 34)
    movw $0x28, (TSS16 + 36)
    movw $0x30, (TSS16 + 38)
    movw $0x10, (TSS16 + 40)
    ret

finish:
    log_value %ecx
    log_value %edx
    log_value %esi
    log_value %edi
    log_value %esp
    movl (log_at - tour + ORG), %ecx
    movl $LOG, %esi
    subl %esi, %ecx
    movw $0x402, %dx
    rep outsb
    cli
    movw $0xF4, %dx
    movl $0, %eax
    outl %eax, %dx
    hlt

    .set TSS1, 0x64000
    .set TSS2, 0x65000
    .set TSS16, 0x66000
    .set LDT, 0x67000
    .balign 8
gdt:
    .quad 0
    .quad 0x00CF9A000000FFFF    /* 08 code 0 */
    .quad 0x00CF92000000FFFF    /* 10 data 0 */
    .quad 0x00CFFA000000FFFF    /* 18 code 3 */
    .quad 0x00CFF2000000FFFF    /* 20 data 3 */
    .quad 0x00009A008000FFFF    /* 28 16-bit code, base 8000h */
    .quad 0x000092010000FFFF    /* 30 16-bit data, base 10000h */
    .quad 0x0000890640000087    /* 38 TSS1 */
    .quad 0x0000890650000067    /* 40 TSS2 */
    .quad 0x000081066000002B    /* 48 TSS16 */
    .quad 0x000082067000000F    /* 50 LDT, two entries */
    .quad 0x0000EC0200080000 + ((gate_target - tour + ORG) & 0xFFFF) /* 58 call gate */
    .quad 0x00CF12000000FFFF    /* 60 data, absent */
    .quad 0x00CF9E000000FFFF    /* 68 conforming code 0 */
    .quad 0x0000E50000400000    /* 70 task gate to TSS2 */
    .quad 0x00C096000000005F    /* 78 expand-down, limit 5FFFFh */
    .quad 0x00CF98000000FFFF    /* 80 execute-only */
    .quad 0x00CF90000000FFFF    /* 88 read-only */
    .quad 0x00CFBA000000FFFF    /* 90 code 1 */
gdt_end:
gdtr:
    .word gdt_end - gdt - 1
    .long gdt - tour + ORG
idtr:
    .word 64 * 8 - 1
    .long IDT
    .balign 8
bounds: .long 6, 9
log_at: .long 0
resume: .long 0
main_esp: .long 0
vm86_flags: .long 0
tour_end:

/* A tour of the privileged architecture by its own instructions: real mode, protected mode, faults, paging, level 3, call
 * gates, SYSENTER, VM86, tasks, debug traps, 16-bit segments. Included by sys_tour.h, loaded at linear 8000h and
 * entered at 0800:0000 in real mode. Writes 32-bit results from 70000h on and ends with HLT, interrupts off; before that it
 * sends them to port 402h, so that the same bytes can be run on any PC with a debug console.
 *
 *   every exception:  E0000000h | vector, error, EIP, CS, system flags, [ESP, SS], [ES, DS, FS, GS], [CR2 | DR6]
 *   other results:    C0000000h | number of the station, then its values */
    .set ORG, 0x8000
    .set LOG, 0x70000
    .set IDT, 0x60000
    .set PD, 0x61000
    .set PT, 0x62000
    .set STACK0, 0x7000      /* main line, level 0 */
    .set STACK_INNER, 0x6000 /* TSS: where level 0 starts after a change */
    .set STACK3, 0x5000
    .set STACK_VM86, 0x4000
    .set STACK_TASK, 0x3000
    .set FLAGS_SHOWN, 0x67700 /* TF IF DF IOPL NT VM AC; RF and the arithmetic flags are not for every vector defined */

    /* Stores EAX as the next result; keeps everything. */
    .macro log_eax
    pushl %edx
    movl %ss:(log_at - tour + ORG), %edx
    movl %eax, %ss:(%edx)
    addl $4, %ss:(log_at - tour + ORG)
    popl %edx
    .endm
    .macro log_value value
    movl \value, %eax
    log_eax
    .endm
    .macro station number
    log_value $(0xC0000000 + \number)
    .endm
    /* The next instruction may fault: go on at label 9 then. */
    .macro try
    movl $(9f - tour + ORG), %ss:(resume - tour + ORG)
    .endm

    .balign 16
tour:
    .code16
    /* ---- real mode: an interrupt through the vector table --------------------------------------------------------- */
    cli
    cld
    movb $0xFF, %al             /* interrupt controllers of a real PC: all masked */
    outb %al, $0x21
    outb %al, $0xA1
    xorw %ax, %ax
    movw %ax, %ss
    movl $STACK0, %esp
    movw %ax, %ds
    movw %ax, %es
    movl $LOG, %ss:(log_at - tour + ORG)
    movw $(real_handler - tour), (0x21 * 4)
    movw %cs, (0x21 * 4 + 2)
    pushl $0x202 | 0x400
    popfl
    cli
    int $0x21
real_return:
    cld
    /* ---- protected mode and back: a segment limit survives in real mode --------------------------------------------- */
    lgdtl %cs:(gdtr - tour)
    movl %cr0, %eax
    orb $1, %al
    movl %eax, %cr0
    movw $0x10, %bx
    movw %bx, %fs
    andb $0xFE, %al
    movl %eax, %cr0
    movl $0x63000, %esi
    movl $0xCAFE0001, %fs:(%esi)
    movl %fs:(%esi), %edi
    /* ---- protected mode for good -------------------------------------------------------------------------------------- */
    orb $1, %al
    movl %eax, %cr0
    ljmpl $0x08, $(protected - tour + ORG)

real_handler:
    pushw %bp
    movw %sp, %bp
    pushl %eax
    pushl %edx
    movl $0xC0000001, %eax
    call real_log
    movzwl 2(%bp), %eax
    call real_log
    movzwl 4(%bp), %eax
    call real_log
    movzwl 6(%bp), %eax
    andl $0x7700, %eax
    call real_log
    pushfl
    popl %eax
    andl $0x7700, %eax
    call real_log
    popl %edx
    popl %eax
    popw %bp
    iretw
real_log: /* 70000h is beyond a real-mode limit: through ES */
    pushw %es
    movl (log_at - tour + ORG), %edx
    pushl %edx
    shrl $4, %edx
    movw %dx, %es
    popl %edx
    andl $0xF, %edx
    movl %eax, %es:(%edx)
    addl $4, (log_at - tour + ORG)
    popw %es
    ret

    .code32
protected:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $STACK0, %esp
    movl %edi, %ebx
    station 2
    log_value %ebx
    smsw %ax
    movzwl %ax, %eax
    andl $0xE00F, %eax
    log_eax
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    call build_idt
    lidtl (idtr - tour + ORG)
    movl $0x38, %eax
    ltr %ax
    str %eax
    log_eax
    movl $0x50, %eax
    lldt %ax
    sldt %eax
    log_eax
    movl (gdt + 0x38 + 4 - tour + ORG), %eax /* busy now */
    log_eax

    /* ---- faults at level 0 ---------------------------------------------------------------------------------------------- */
    station 3
    xorl %ecx, %ecx
    try
    divl %ecx
9:  try
    ud2
9:  int3
    movl $0x7FFFFFFF, %ecx
    addl $1, %ecx
    into
    movl $5, %ecx
    try
    .byte 0x62, 0x0D            /* BOUND ECX, [bounds] */
    .long bounds - tour + ORG
9:  movl $0x1000, %ecx
    try
    movl %ecx, %ds              /* beyond the GDT */
9:  movl $0x60, %ecx
    try
    movl %ecx, %es              /* not present */
9:  movl $0x60, %ecx
    try
    movl %ecx, %ss              /* not present, as a stack */
9:  xorl %ecx, %ecx
    try
    movl %ecx, %ss
9:  movl $0x80, %ecx
    try
    movl %ecx, %ds              /* execute-only */
9:  movl $0x88, %ecx
    try
    movl %ecx, %ss              /* read-only */
9:  movl $0x88, %ecx
    movl %ecx, %gs
    try
    movl %ecx, %gs:0x63000      /* read-only */
9:  xorl %ecx, %ecx
    movl %ecx, %gs
    try
    movl %gs:0x63000, %ecx      /* null */
9:  movl $0x0C, %ecx
    movl %ecx, %gs              /* LDT: byte limit 0FFh */
    movl %gs:0xFC, %ecx
    try
    movl %gs:0xFD, %ecx
9:  movl $0x78, %ecx
    movl %ecx, %gs              /* expand-down from 60000h on */
    movl %gs:0x63000, %eax
    log_eax
    try
    movl %gs:0x5FFFE, %eax
9:  try
    ljmpl $0, $0
9:  try
    ljmpl $0x10, $0             /* data */
9:  try
    ljmpl $0x1B, $0             /* level 3 */
9:  try
    lcall $0x1004, $0           /* beyond the LDT */
9:  movl $0x38, %ecx
    try
    ltr %cx                     /* busy */
9:  movl $0x10, %ecx
    try
    lldt %cx
9:  movl $0x12345678, %ecx
    try
    rdmsr
9:  try
    int $0x3E                   /* gate not present */
9:  try
    int $0x3D                   /* not a gate */
9:  try
    int $0x50                   /* beyond the IDT */
9:
    /* ---- a double fault: the gate of #NP is not present ------------------------------------------------------------------ */
    station 4
    andb $0x7F, (IDT + 11 * 8 + 5)
    movl $0x60, %ecx
    try
    movl %ecx, %es
9:  orb $0x80, (IDT + 11 * 8 + 5)
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es

    /* ---- LAR, LSL, VERR, VERW, ARPL for every selector of the GDT ---------------------------------------------------------- */
    station 5
    xorl %esi, %esi
5:  xorl %ebx, %ebx
    movl $0xAAAA, %eax
    lar %esi, %eax
    jnz 1f
    log_eax
    orl $1, %ebx
1:  movl $0xBBBB, %eax
    lsl %esi, %eax
    jnz 1f
    log_eax
    orl $2, %ebx
1:  verr %si
    jnz 1f
    orl $4, %ebx
1:  verw %si
    jnz 1f
    orl $8, %ebx
1:  log_value %ebx
    addl $8, %esi
    cmpl $0x98, %esi
    jb 5b
    movl $0x10, %eax
    movl $3, %ecx
    arpl %cx, %ax
    log_eax

    /* ---- paging --------------------------------------------------------------------------------------------------------------- */
    station 6
    movl $(PT | 7), (PD)
    movl $7, %eax
    xorl %ecx, %ecx
6:  movl %eax, PT(,%ecx,4)
    addl $0x1000, %eax
    incl %ecx
    cmpl $256, %ecx
    jb 6b
    movl $0, (PT + 0x50 * 4)
    andl $~4, (PT + 0x51 * 4)
    andl $~2, (PT + 0x52 * 4)
    movl $PD, %eax
    movl %eax, %cr3
    movl %cr0, %eax
    orl $0x80000000, %eax
    movl %eax, %cr0
    jmp 1f
1:  try
    movl (0x50010), %ecx
9:  try
    movl %ecx, (0x50FFE)        /* straddles out of the hole */
9:  try
    movl %ecx, (0x4FFFE)        /* straddles into the hole */
9:  movl %ecx, (0x52000)        /* read-only, but WP is clear */
    movl %cr0, %eax
    orl $0x10000, %eax
    movl %eax, %cr0
    try
    movl %ecx, (0x52000)
9:  log_value (PT + 0x52 * 4)
    log_value (PT + 0x50 * 4)
    log_value (PT + 0x51 * 4)

    /* ---- level 3 ---------------------------------------------------------------------------------------------------------------- */
    station 7
    movl $0x174, %ecx
    movl $0x08, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x175, %ecx
    movl $STACK_INNER, %eax
    wrmsr
    movl $0x176, %ecx
    movl $(sysenter_entry - tour + ORG), %eax
    wrmsr
    movl %esp, (main_esp - tour + ORG)
    pushl $0x23
    pushl $STACK3
    pushl $0x4202               /* NT and IF, IOPL 0 */
    pushl $0x1B
    pushl $(user - tour + ORG)
    iretl
user:
    movl $0x23, %eax
    movl %eax, %ds
    movl %eax, %es
    pushfl
    popl %eax
    andl $FLAGS_SHOWN, %eax
    log_eax
    try
    cli
9:  try
    hlt
9:  try
    movl %cr0, %eax
9:  try
    movl $0x10, %eax
    movl %eax, %ds
9:  try
    movl (0x51000), %eax        /* supervisor page */
9:  try
    movl %eax, (0x52004)        /* read-only page */
9:  try
    movl (0x50000), %eax
9:  try
    int $0x31                   /* DPL 0 gate */
9:  try
    inb $0x21, %al              /* forbidden by the bitmap */
9:  inb $0x61, %al              /* allowed */
    pushfl
    orl $0x3000, (%esp)
    popfl                       /* IOPL stays, IF stays */
    pushfl
    popl %eax
    andl $FLAGS_SHOWN, %eax
    log_eax
    pushl $0x43246
    popfl                       /* drops NT */
    int $0x30
    pushl $0x1111
    pushl $0x2222
    lcall $0x5B, $0xDEAD        /* call gate, two parameters */
    movl %esp, %eax
    log_eax
    movl %ds, %eax
    log_eax
    try
    lcall $0x58 + 8, $0         /* a data segment */
9:  try
    ljmpl $0x5B, $0             /* a jump may not go inward */
9:  lcall $0x6B, $(conforming - tour + ORG)
    movl $STACK3, %ecx
    movl $(after_sysenter - tour + ORG), %edx
    sysenter
after_sysenter:
    movl %cs, %eax
    log_eax
    movl %ss, %eax
    log_eax
    movl $(kernel_again - tour + ORG), %ebx
    int $0x3F

conforming:
    movl %cs, %eax              /* keeps CPL 3 */
    log_eax
    lret

gate_target:
    pushl %ebp
    movl %esp, %ebp
    pushl %eax
    movl 4(%ebp), %eax
    log_eax
    movl 8(%ebp), %eax
    log_eax
    movl 12(%ebp), %eax
    log_eax
    movl 16(%ebp), %eax
    log_eax
    movl 20(%ebp), %eax
    log_eax
    movl 24(%ebp), %eax
    log_eax
    movl $0x10, %eax
    movl %eax, %ds              /* not for level 3: becomes null on the way back */
    popl %eax
    popl %ebp
    lret $8

sysenter_entry:
    movl %cs, %eax
    log_eax
    movl %esp, %eax
    log_eax
    pushfl
    popl %eax
    andl $FLAGS_SHOWN, %eax
    log_eax
    sysexit

kernel_again:
    /* ---- VM86, IOPL 3 then 0 -------------------------------------------------------------------------------------------------------- */
    station 8
    pushl $0x8888               /* GS FS DS ES */
    pushl $0x7777
    pushl $(ORG >> 4)
    pushl $0x6666
    pushl $0
    pushl $STACK_VM86
    pushl $0x23202
    pushl $(ORG >> 4)
    pushl $(vm86 - tour)
    iretl
    .code16
vm86:
    pushfw
    popw %ax
    movw %ax, (vm86_flags - tour)
    cli
    pushfw
    popw (vm86_flags + 2 - tour)
    sti
    int $0x30
    movl $(9f - tour), (resume - tour)
    hlt
9:  movl $(9f - tour), (resume - tour)
    movl %cr0, %eax
9:  movl $(9f - tour), (resume - tour)
    movw $0xFFFF, %bx
    movw (%bx), %ax
9:  movl $(9f - tour), (resume - tour)
    lar %ax, %ax
9:  movl $(vm86_done - tour + ORG), %ebx
    int $0x3F
vm86_iopl0:
    movl $(9f - tour), (resume - tour)
    cli
9:  movl $(9f - tour), (resume - tour)
    pushfw
9:  movl $(9f - tour), (resume - tour)
    int $0x30
9:  movl $(9f - tour), (resume - tour)
    iretw
9:  int3
    movl $(9f - tour), (resume - tour)
    inb $0x21, %al
9:  inb $0x61, %al
    movl $(vm86_done2 - tour + ORG), %ebx
    movl $-1, (resume - tour)   /* #GP, and then on to EBX */
    hlt
    .code32
vm86_done:
    log_value (vm86_flags - tour + ORG)
    station 9
    pushl $0
    pushl $0
    pushl $(ORG >> 4)
    pushl $0
    pushl $0
    pushl $STACK_VM86
    pushl $0x20202
    pushl $(ORG >> 4)
    pushl $(vm86_iopl0 - tour)
    iretl
vm86_done2:

    /* ---- tasks --------------------------------------------------------------------------------------------------------------------------- */
    station 10
    lcall $0x40, $0             /* nested, by TSS */
    call log_task_state
    lcall $0x70, $0             /* by gate: goes on after its IRET */
    call log_task_state
    int $0x32                   /* task gate in the IDT */
    call log_task_state
    ljmpl $0x40, $0             /* jump: comes back by a jump */
    call log_task_state
    try
    lcall $0x38, $0             /* itself: busy */
9:  lcall $0x48, $0             /* a 286 task */
    call log_task_state
    clts

    /* ---- debugging --------------------------------------------------------------------------------------------------------------------------- */
    station 11
    pushl $0x102
    popfl
    nop
    movl %ss, %ecx
    movl %ecx, %ss              /* the trap waits for one more instruction */
    nop
    pushl $2
    popfl
    movl $(breakpoint - tour + ORG), %eax
    movl %eax, %dr0
    movl $0x402, %eax           /* G0, execution */
    movl %eax, %dr7
breakpoint:
    nop
    movl $0x63010, %eax
    movl %eax, %dr1
    movl $0xD00408, %eax        /* G1, four bytes, writes */
    movl %eax, %dr7
    movl (0x63010), %ecx
    movl %ecx, (0x6300C)
    movl %ecx, (0x63012)
    movl $0x2400, %eax          /* GD */
    movl %eax, %dr7
    try
    movl %dr0, %eax
9:  movl %dr7, %eax
    log_eax
    movl $0x400, %eax
    movl %eax, %dr7
    try
    .byte 0xF1                  /* INT1 */
9:

    /* ---- 16-bit code and stack --------------------------------------------------------------------------------------------------------------------- */
    station 12
    movl %esp, %ebp
    lcall $0x28, $(code16 - tour)
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    jmp finish
    .code16
code16:
    movw $0x30, %ax
    movl $0x9ABC0004, %esp
    movw %ax, %ss
    movw %ax, %ds
    pushw $0x1234
    pushw $0x5678
    pushw $0x9ABC               /* wraps in SP */
    movl %esp, %ecx
    movzwl (0xFFFE), %edx
    xorl %esi, %esi
    popw %si
    popl %edi
    movl $0x10, %eax
    movl %eax, %ss
    movl %ebp, %esp
    subl $8, %esp
    movl %eax, %ds
    lretl
    .code32

/* NT, TR and the TS bit. */
log_task_state:
    str %eax
    log_eax
    movl %cr0, %eax
    andl $8, %eax
    log_eax
    pushfl
    popl %eax
    andl $FLAGS_SHOWN, %eax
    log_eax
    ret

/* The second task: logs where it is, returns, and goes on from there the next time. */
task2:
    movl (TSS2), %eax           /* back link */
    log_eax
    call log_task_state
    movl %esp, %eax
    log_eax
    iretl
    call log_task_state
    iretl
    call log_task_state
    iretl
    ljmpl $0x38, $0
task16:
    .code16
    movzwl %sp, %eax
    movl (log_at - tour + ORG), %edx
    movl %eax, (%edx)
    addl $4, (log_at - tour + ORG)
    iretw
    .code32

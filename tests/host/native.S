/* native.S - into 16-bit and 32-bit code and out of it: see native.c.
 *
 * Offsets in struct hf_state: gpr 0, eip 32, eflags 36, seg 40, fx 64. In hf_native_area: host_rsp 0, fs_base 8, far 16
 * (offset, selector), running 22, out 64. Nothing may be lost of the program's state, so the area is addressed through
 * rip. */
    .set AREA_HOST_RSP, 0
    .set AREA_FS_BASE, 8
    .set AREA_FAR, 16
    .set AREA_RUNNING, 22
    .set AREA_OUT, 64
    .set CONTEXT_EFLAGS, 176    /* in struct ucontext */
    .set FLAGS_ID_NT, 0x204000
    .set FLAG_TF, 0x100
    .set STATE_EIP, 32
    .set STATE_EFLAGS, 36
    .set STATE_SEG, 40
    .set STATE_FX, 64

    .section .note.GNU-stack, "", @progbits
    .section .rodata
    .p2align 2
mxcsr_default:
    .long 0x1F80

    .text

/* A segment register from and to its place, `off` bytes into the state's: by EAX. */
    .macro load_segment off, segment
    movzwl STATE_SEG + \off(%rdi), %eax
    mov %eax, %\segment
    .endm

    .macro save_segment off, segment
    mov %\segment, %eax
    mov %ax, hf_native_area + AREA_OUT + STATE_SEG + \off(%rip)
    .endm

/* All but ESP and EDI, which is where the state is. */
    .macro program_registers
    mov 0(%rdi), %eax
    mov 4(%rdi), %ecx
    mov 8(%rdi), %edx
    mov 12(%rdi), %ebx
    mov 20(%rdi), %ebp
    mov 24(%rdi), %esi
    .endm

/* A function that C knows. */
    .macro function name
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    .endm

/* void hf_native_enter(const struct hf_state *in): comes back through hf_native_exit or hf_native_finish. */
    function hf_native_enter
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, hf_native_area + AREA_HOST_RSP(%rip)
    movb $1, hf_native_area + AREA_RUNNING(%rip)
    fninit                      /* clears the last instruction's pointers, which FXRSTOR may leave alone */
    fxrstor STATE_FX(%rdi)
    mov STATE_EIP(%rdi), %eax
    mov %eax, hf_native_area + AREA_FAR(%rip)
    movzwl STATE_SEG + 2(%rdi), %eax
    mov %ax, hf_native_area + AREA_FAR + 4(%rip)
    load_segment 0, es
    load_segment 6, ds
    load_segment 8, fs
    load_segment 10, gs
    mov STATE_EFLAGS(%rdi), %eax
    test $FLAG_TF, %eax
    jnz 2f
    push %rax
    load_segment 4, ss
    popfq
    program_registers
    mov 16(%rdi), %esp
    mov 28(%rdi), %edi
    ljmp *hf_native_area + AREA_FAR(%rip)

/* With TF only IRET will do: the program's first instruction is to be the first that traps. It would not load all of
 * ESP for a 16-bit stack: state.c has none then. */
2:  movzwl STATE_SEG + 4(%rdi), %ecx
    push %rcx
    mov 16(%rdi), %ecx
    push %rcx
    push %rax
    movzwl STATE_SEG + 2(%rdi), %ecx
    push %rcx
    mov STATE_EIP(%rdi), %ecx
    push %rcx
    program_registers
    mov 28(%rdi), %edi
    iretq

/* Where the way out in the code's first bytes leads. */
    function hf_native_exit
    mov %eax, hf_native_area + AREA_OUT + 0(%rip)
    mov %ecx, hf_native_area + AREA_OUT + 4(%rip)
    mov %edx, hf_native_area + AREA_OUT + 8(%rip)
    mov %ebx, hf_native_area + AREA_OUT + 12(%rip)
    mov %esp, hf_native_area + AREA_OUT + 16(%rip)
    mov %ebp, hf_native_area + AREA_OUT + 20(%rip)
    mov %esi, hf_native_area + AREA_OUT + 24(%rip)
    mov %edi, hf_native_area + AREA_OUT + 28(%rip)
    mov hf_native_area + AREA_HOST_RSP(%rip), %rsp
    pushfq
    pop %rax
    mov %eax, hf_native_area + AREA_OUT + STATE_EFLAGS(%rip)
    pushq $2
    popfq
    save_segment 0, es
    save_segment 4, ss
    save_segment 6, ds
    save_segment 8, fs
    save_segment 10, gs
    fxsave hf_native_area + AREA_OUT + STATE_FX(%rip)

/* Back to who called hf_native_enter, from anywhere. */
    function hf_native_finish
    mov hf_native_area + AREA_HOST_RSP(%rip), %rsp
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %fs
    mov %eax, %gs
    mov $0x2B, %eax
    mov %eax, %ss
    mov hf_native_area + AREA_FS_BASE(%rip), %rax
    wrfsbase %rax
    movb $0, hf_native_area + AREA_RUNNING(%rip)
    fninit
    ldmxcsr mxcsr_default(%rip)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

/* The handler of all signals. While a program runs FS is the program's, and flags may be: C wants its own. */
    function hf_native_on_signal
    cmpb $0, hf_native_area + AREA_RUNNING(%rip)
    je 1f
    push %rbx
    push %rbp
    push %r12
    pushq $2
    popfq
    mov %fs, %ebx
    rdfsbase %rbp
    mov hf_native_area + AREA_FS_BASE(%rip), %rax
    wrfsbase %rax
    mov %ebx, %ecx
    mov CONTEXT_EFLAGS(%rdx), %r12d
    call hf_native_signal
    test %al, %al
    jnz hf_native_finish
    mov %ebx, %fs
    wrfsbase %rbp
    and $FLAGS_ID_NT, %r12      /* sigreturn leaves these as they are */
    push %r12
    popfq
    pop %r12
    pop %rbp
    pop %rbx
    ret
1:  jmp hf_native_host_signal

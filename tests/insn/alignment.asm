; Alignment checks: #AC(0) at CPL 3 with CR0.AM and EFLAGS.AC only, by the type of the operand, ahead of #PF and behind the segment's
; limit; SSE operands with a rule of their own keep it. The CPU's own accesses at CPL 3 are not checked. (QEMU checks no alignment.)
%include "test.inc"
%include "check.inc"
%include "paging.inc"
        cpu     default
        bits    16
        protected_mode
        catch_faults
        idt_entry 0x30, SEL_CODE, LINEAR(kernel), 0xEE
        identity_paging
        mov     edi, PT_AT              ; all to the user, but 50000h is missing
.user:  or      dword [edi], 4
        add     edi, 4
        cmp     edi, PT_AT + 0x140
        jne     .user
        mov     dword [PTE(0x50000)], 0
        mov     eax, cr3
        mov     cr3, eax
        mov     eax, cr4
        or      eax, 0x200              ; OSFXSR
        mov     cr4, eax
        gdt_entry SEL_TEST, 0x7000, 0xFF, 0x40F2
        gdt_entry SEL_TEST + 8, 0x1000, 0xFFFF, 0x00F2
        fninit
        push    dword 1 << 18
        popfd
        mov     eax, cr0
        or      eax, 1 << 18            ; AM
        mov     cr0, eax
        mov     eax, [0x7001]           ; CPL 0: no check
        to_user user, 0x9000, 0         ; AC is set
user:   mov     ebx, 0x7000
        mov     al, [ebx + 1]
        faults  17, 0, mov ax, [ebx + 1]
        mov     ax, [ebx + 2]
        faults  17, 0, mov eax, [ebx + 2]
        mov     eax, [ebx + 4]
        faults  17, 0, mov [ebx + 3], eax
        faults  17, 0, inc dword [ebx + 1]
        faults  17, 0, lock xadd [ebx + 1], eax
        faults  17, 0, bt dword [ebx + 1], 3
        faults  17, 0, mov eax, [0x50001]       ; ahead of #PF
        faults  17, 0, mov eax, [0x4FFFE]
        faults  14, 4, mov eax, [0x50000]
        mov     eax, SEL_TEST + 3
        mov     fs, eax
        faults  13, 0, mov eax, [fs:0xFD]       ; behind the limit
        faults  17, 0, mov eax, [fs:0xF9]
        fld     dword [ebx + 4]
        faults  17, 0, fld dword [ebx + 2]
        faults  17, 0, fld qword [ebx + 4]
        faults  17, 0, fld tword [ebx + 4]
        fld     tword [ebx + 8]
        faults  17, 0, fbstp [ebx + 4]
        fnstenv [ebx + 4]
        faults  17, 0, fnstenv [ebx + 2]
        o16 fnstenv [ebx + 2]
        faults  17, 0, o16 fnstenv [ebx + 1]
        faults  17, 0, fnsave [ebx + 2]
        faults  17, 0, fxsave [ebx + 2]
        faults  13, 0, fxsave [ebx + 4]
        faults  17, 0, cmpxchg8b [ebx + 4]
        faults  17, 0, movups xmm0, [ebx + 8]
        faults  13, 0, movaps xmm0, [ebx + 8]
        faults  17, 0, movsd xmm0, [ebx + 4]
        faults  17, 0, bound eax, [ebx + 2]
        faults  17, 0, les eax, [ebx + 2]
        sgdt    [ebx + 2]               ; word, dword
        faults  17, 0, sgdt [ebx]
        mov     esi, 0x7001
        mov     edi, 0x7100
        mov     ecx, 2
        cld
        faults  17, 0, rep movsd
        equal   ecx, 2
        movsb
        sub     esp, 2
        faults  17, 0, push eax
        push    ax
        sub     esp, 2
        faults  17, 0, pop dword [ebx + 1]
        faults  17, 0, pushfd
        faults  17, 0, pusha
        faults  17, 0, enter 4, 0
        faults  17, 0, call dword SEL_CODE3:LINEAR(user)
        faults  17, 0, retf
        equal   esp, 0x9000 - 6
        add     esp, 6
        mov     eax, SEL_TEST + 8 + 3
        mov     es, eax                 ; a descriptor; the IDT and the TSS are looked at unchecked
        int     0x30                    ; makes the TSS's stack odd: pushes at CPL 0 are not checked
        int     0x30                    ; clears AM
        mov     eax, [ebx + 1]
        finish
kernel: cmp     dword [RESULT(0)], 1
        je      .am
        inc     dword [RESULT(0)]
        mov     dword [TSS_AT + 4], STACK0_AT - 1
        iretd
.am:    mov     eax, cr0
        and     eax, ~(1 << 18)
        mov     cr0, eax
        iretd
        checks
;= dword 5f0 0
;= dword 5f4 25

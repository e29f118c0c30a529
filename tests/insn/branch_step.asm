; DEBUGCTL.BTF: with TF, a trap after taken branches only, of every kind; #DB clears BTF. BTF without TF is nothing.
; QEMU's translator has no BTF.
%include "test.inc"
        bits    16
AGAIN   equ 0x5C0                       ; the handler sets BTF again
SEEN    equ 0x5C4                       ; what the handler has seen of DEBUGCTL
        protected_mode
        idt_entry 1, SEL_CODE, LINEAR(db), 0x8E
        idt_entry 0x30, SEL_CODE, LINEAR(int30), 0x8E
        mov     esi, 0x600              ; where the handler notes EIPs
        mov     byte [AGAIN], 1
        call    btf
        nop                             ; TF is clear
        jmp     short $ + 2
        mov     eax, esi
        result  0, eax                  ; 600: nothing yet

        pushfd
        or      dword [esp], 0x100
        popfd
        nop
        xor     eax, eax
        jnz     near at0                ; not taken
        mov     ecx, 2
        cmp     eax, 1
        jz      short $ + 2             ; not taken, and nowhere else to go
at0:    jmp     short at1               ; to the next instruction: a branch all the same
at1:    mov     edi, 0x900
        stosd                           ; no branch
        loop    at2
at2:    loop    never                   ; not taken
        call    at3
at3:    pop     eax
        push    dword LINEAR(at4)
        ret
never:  hlt
at4:    mov     eax, LINEAR(at5)
        jmp     eax
at5:    jmp     SEL_CODE:LINEAR(at6)
at6:    int     0x30                    ; no trap behind INT, nor behind the IRET of a handler without TF
        pushfd
        and     dword [esp], ~0x100
        popfd                           ; TF was on, but this is no branch
        nop
        sub     esi, 0x600
        result  1, esi                  ; 6 traps of 4 bytes
        mov     esi, 0x600
%assign n 2
%macro noted 1
        lodsd
        sub     eax, LINEAR(%1)
        result  n, eax
%assign n n + 1
%endmacro
        noted   at1
        noted   at2
        noted   at3
        noted   at4
        noted   at5
        noted   at6

        ; once only, when the handler does not set it again: every instruction after that
        mov     byte [AGAIN], 0
        call    btf
        mov     esi, 0x600
        pushfd
        or      dword [esp], 0x100
        popfd
        nop
        jmp     short at8               ; trap
at8:    nop                             ; trap
        nop                             ; trap
        pushfd                          ; trap
        and     dword [esp], ~0x100     ; trap
        popfd                           ; trap
        nop
        mov     ecx, 0x1D9
        rdmsr
        result  10, eax                 ; 0
        sub     esi, 0x600
        result  11, esi                 ; 6 of 4 bytes
        hlt

btf:    mov     ecx, 0x1D9
        xor     edx, edx
        mov     eax, 2
        wrmsr
        ret
db:     push    eax
        mov     eax, [esp + 4]
        mov     [esi], eax
        add     esi, 4
        pushad
        mov     ecx, 0x1D9
        rdmsr
        or      [SEEN], eax
        cmp     byte [AGAIN], 0
        je      .out
        mov     eax, 2
        wrmsr
.out:   popad
        pop     eax
        iretd
int30:  iretd
;= dword 500 600
;= dword 504 18
;= dword 508 0
;= dword 50c 0
;= dword 510 0
;= dword 514 0
;= dword 518 0
;= dword 51c 0
;= dword 528 0
;= dword 52c 18
;= dword 5c4 0

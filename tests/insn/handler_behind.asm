; A handler that stands right behind the instruction that has faulted, in the same segment: it sees the state of a fault. FIP is the
; one of the x87 instruction that was completed, not of the one that #MF kept from running.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 16, SEL_CODE, LINEAR(mf), 0x8E
        mov     eax, cr0
        or      eax, 0x20               ; NE
        mov     cr0, eax
        fninit
        mov     word [0x700], 0x037B    ; ZM clear
        fldcw   [0x700]
        fld1
        fldz
at_div: fdivp                           ; ZE pending
        cli
        fdivr   dword [0x9000]          ; #MF; nobody has been on this page, so it is C that finds out
mf:     fnstenv [0x800 + 0x100]
        mov     eax, [0x800 + 0x100 + 0x0C]
        sub     eax, LINEAR(at_div)
        result  0, eax                  ; 0
        mov     eax, [esp]
        sub     eax, LINEAR(mf)
        result  1, eax                  ; the frame: behind by the length of FDIVR
        hlt
;= dword 500 0
;= dword 504 fffffffa

; A #GP whose delivery faults is a double fault, with error code 0 and CS:EIP of the first one; a page fault during a
; benign exception is not.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 8, SEL_CODE, LINEAR(df), 0x8E
        idt_entry 13, 0x7F8, LINEAR(df), 0x8E   ; selector beyond the GDT: #GP while #GP is delivered
        idt_entry 11, SEL_CODE, LINEAR(np), 0x8E
        idt_entry 3, SEL_CODE, LINEAR(np), 0x0E ; not present
        int3                                    ; #NP(3 * 8 + 2), no double fault
after_np:
bad:    mov     eax, 0x7F8
        mov     ds, eax
        hlt
np:     pop     dword [RESULT(0)]
        mov     dword [esp], LINEAR(after_np)
        iretd
df:     pop     eax
        result  1, eax
        mov     eax, [esp]
        sub     eax, LINEAR(bad)
        result  2, eax
        mov     dword [RESULT(3)], 1
        hlt
;= dword 500 1a
;= dword 504 0
;= dword 508 5
;= dword 50c 1

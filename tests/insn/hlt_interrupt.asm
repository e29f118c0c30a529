; STI, HLT with an interrupt pending: taken after HLT, which then is over; the frame points behind it.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 0x30, SEL_CODE, LINEAR(intr), 0x8E
        mov     al, 0x30
        out     0x70, al
        sti
        hlt
here:   mov     dword [RESULT(1)], 7
        cli
        hlt
intr:   mov     eax, [esp]
        sub     eax, LINEAR(here)
        result  0, eax
        iretd
;= dword 500 0
;= dword 504 7

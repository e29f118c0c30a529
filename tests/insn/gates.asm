; Interrupt and trap gates, their DPL, call gates with parameters from CPL 3, and the stacks they switch to.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 0x30, SEL_CODE, LINEAR(interrupt), 0xEE
        idt_entry 0x31, SEL_CODE, LINEAR(trap), 0xEF
        idt_entry 0x32, SEL_CODE, LINEAR(trap), 0x8F     ; DPL 0
        idt_entry 13, SEL_CODE, LINEAR(gp), 0x8E
        idt_entry 0x3F, SEL_CODE, LINEAR(finish), 0xEE
        ; call gate with two dword parameters
        mov     dword [GDT_AT + SEL_TEST], (SEL_CODE << 16) | (LINEAR(gate) & 0xFFFF)
        mov     dword [GDT_AT + SEL_TEST + 4], (LINEAR(gate) & 0xFFFF0000) | 0xEC02
        sti
        int     0x30
        int     0x31
        to_user user, 0x9000, 0
user:   mov     eax, cs
        result  2, eax
        int     0x32                    ; #GP(32h * 8 + 2)
after_gp:
        push    dword 0x1111
        push    dword 0x2222
        call    SEL_TEST + 3:0x12345678
        mov     [RESULT(8)], esp        ; 9000h: the gate's RETF released both stacks
        int     0x3F

interrupt:                              ; IF is off, in the frame it is on
        pushfd
        pop     eax
        and     eax, 0x200
        result  0, eax
        iretd
trap:   pushfd
        pop     eax
        and     eax, 0x200
        result  1, eax
        iretd
gp:     pop     dword [RESULT(3)]       ; error code
        mov     dword [esp], LINEAR(after_gp)
        mov     [RESULT(4)], esp        ; STACK0_AT - 20
        iretd
gate:   mov     [RESULT(5)], esp        ; STACK0_AT - 6 dwords: ESP, SS, two parameters, CS, EIP
        mov     eax, [esp + 8]
        result  6, eax
        mov     eax, [esp + 12]
        result  7, eax
        retf    8
finish: cli
        hlt
;= dword 500 0
;= dword 504 200
;= dword 508 1b
;= dword 50c 192
;= dword 510 6bec
;= dword 514 6be8
;= dword 518 2222
;= dword 51c 1111
;= dword 520 9000
;= cs 8
;= ss 10
;= cpl 0

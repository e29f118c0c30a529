; Hardware tasks: CALL to a TSS nests and links, IRET with NT comes back, JMP does not nest; busy bits and TS follow.
%include "test.inc"
TSS_B   equ     0x4000
        bits    16
        protected_mode
        gdt_entry SEL_TEST, TSS_B, 0x67, 0x0089
        mov     dword [TSS_B + 0x20], LINEAR(task_b)
        mov     dword [TSS_B + 0x24], 2
        mov     dword [TSS_B + 0x28], 0xAAAA    ; EAX
        mov     dword [TSS_B + 0x38], 0x8000    ; ESP
        mov     dword [TSS_B + 0x48], SEL_DATA  ; ES
        mov     dword [TSS_B + 0x4C], SEL_CODE
        mov     dword [TSS_B + 0x50], SEL_DATA
        mov     dword [TSS_B + 0x54], SEL_DATA
        mov     dword [TSS_B + 0x58], SEL_DATA
        mov     dword [TSS_B + 0x5C], SEL_DATA
        mov     eax, 0x1234
        mov     ebx, 0x5678
        call    SEL_TEST:0
        result  0, eax                          ; 1234h again
        mov     eax, cr0
        and     eax, 8
        result  1, eax                          ; TS
        clts
        movzx   eax, byte [GDT_AT + SEL_TEST + 5]
        result  2, eax                          ; 89h: not busy any more
        call    SEL_TEST:0                      ; goes on behind the IRET
        str     eax
        result  3, eax
        jmp     SEL_TEST:0                      ; without nesting
        hlt
task_b: result  4, eax
        mov     eax, [TSS_B]
        result  5, eax                          ; back link
        pushfd
        pop     eax
        and     eax, 0x4000
        result  6, eax                          ; NT
        mov     al, [GDT_AT + SEL_TSS + 5]
        mov     ah, [GDT_AT + SEL_TEST + 5]
        movzx   eax, ax
        result  7, eax                          ; both busy
        iretd
        mov     dword [RESULT(8)], 0x77         ; second call
        iretd
        pushfd                                  ; the jump
        pop     eax
        and     eax, 0x4000
        result  9, eax
        str     eax
        result  10, eax
        mov     al, [GDT_AT + SEL_TSS + 5]
        mov     ah, [GDT_AT + SEL_TEST + 5]
        movzx   eax, ax
        result  11, eax
        hlt
;= dword 500 1234
;= dword 504 8
;= dword 508 89
;= dword 50c 28
;= dword 510 aaaa
;= dword 514 28
;= dword 518 4000
;= dword 51c 8b8b
;= dword 520 77
;= dword 524 0
;= dword 528 30
;= dword 52c 8b89
;= ebx 0

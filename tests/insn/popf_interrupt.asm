; POPF that sets IF lets a waiting interrupt in before the next instruction, whatever other flags it changes.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 0x30, SEL_CODE, LINEAR(intr), 0x8E
        xor     ebx, ebx
        mov     al, 0x30
        out     0x70, al
        push    dword 0x202
        popfd
        inc     ebx
        cli
        mov     eax, [RESULT(10)]
        result  0, eax                  ; 0
        mov     al, 0x30
        out     0x70, al
        push    dword 0x602             ; DF too
        popfd
        inc     ebx
        cli
        cld
        mov     eax, [RESULT(10)]
        result  1, eax                  ; 1
        mov     al, 0x30
        out     0x70, al
        pushfd
        push    cs
        push    dword LINEAR(next)
        or      dword [esp + 8], 0x200
        iretd
next:   inc     ebx
        cli
        mov     eax, [RESULT(10)]
        result  2, eax                  ; 2
        mov     eax, [RESULT(11)]
        result  3, eax                  ; 3
        hlt
intr:   mov     [RESULT(10)], ebx
        inc     dword [RESULT(11)]
        iretd
;= dword 500 0
;= dword 504 1
;= dword 508 2
;= dword 50c 3

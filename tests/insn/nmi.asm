; An NMI blocks further ones until IRET; one more is remembered. IF does not matter to it, and it wakes from HLT.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 2, SEL_CODE, LINEAR(nmi), 0x8E
        xor     ebx, ebx
        xor     esi, esi
        mov     al, 0
        out     0x71, al
        nop
        result  0, ebx                  ; 3: the handler ran three times
        result  1, esi                  ; 1: never nested
        mov     dword [RESULT(5)], 99
        hlt
; Raises two more from inside: they become one, taken after the IRET; the next raises one more.
nmi:    inc     ebx
        inc     dword [RESULT(4)]
        mov     edx, [RESULT(4)]
        cmp     edx, esi
        jbe     .seen
        mov     esi, edx
.seen:  cmp     ebx, 3
        jae     .out
        out     0x71, al
        out     0x71, al
.out:   dec     dword [RESULT(4)]
        iretd
;= dword 500 3
;= dword 504 1
;= dword 514 63
;= dword 510 0

; A REP STOS that overwrites itself: the iteration that changes its bytes is the last of the old ones.
%include "test.inc"
        bits    16
        mov     ax, cs
        mov     es, ax
        cld
        mov     si, 3                   ; often enough to be translated, and for the page to be known as one that changes
again:  mov     word [cs:first], 0xAAF3 ; REP STOSB
        mov     di, first - 2
        mov     cx, 100
        mov     al, 0x90
        jmp     first
        db      0, 0
first:  rep stosb                       ; becomes NOP; STOSB, and that NOP
        nop
        add     [RESULT(0)], cx         ; 97: two before, one into itself
        add     [RESULT(1)], di         ; the STOSB after that
        dec     si
        jnz     again
        mov     ax, first + 2
        mov     [RESULT(2)], ax
        std                             ; downwards: the last byte is met first
        mov     word [cs:second], 0xAAF3
        mov     di, second + 4
        mov     cx, 100
        mov     al, 0x90
second: rep stosb                       ; stores over the code behind it, then REP NOP: PAUSE
        nop
        nop
        nop
        nop
        mov     [RESULT(3)], cx         ; 96
        hlt
;= word 500 123
;= word 50c 60

; A handler at the same offset as the instruction behind the faulting one, in another segment of the same kind.
%include "test.inc"
        bits    16
        mov     word [4 * 5], after
        mov     word [4 * 5 + 2], 0x1010
        mov     word [0x600], 10
        mov     word [0x602], 20
        mov     ax, 5
        bound   ax, [0x600]             ; #BR: to 1010:after
after:  mov     bx, 1
        mov     word [RESULT(0)], bx
        hlt
        times   (after - $$) + 0x100 - ($ - $$) nop
        mov     bx, 2
        mov     word [RESULT(0)], bx
        hlt
;= word 500 2
;= cs 1010

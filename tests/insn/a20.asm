; Port 92h: with A20 off, FFFF:0010 is 0000:0000; code sees the change at once, and fetches obey it too.
%include "test.inc"
        bits    16
        mov     ax, 0xFFFF
        mov     es, ax
        mov     word [0x600], 0x1111
        mov     al, 2
        out     0x92, al
        mov     word [es:0x610], 0x2222 ; 100600h
        mov     ax, [0x600]
        mov     [RESULT(0)], ax
        mov     al, 0
        out     0x92, al
        mov     ax, [es:0x610]
        mov     [RESULT(1)], ax         ; 1111h
        mov     word [es:0x610], 0x3333
        mov     ax, [0x600]
        mov     [RESULT(2)], ax
        ; code at 0620h and another at 100620h, called at FFFF:0630
        mov     dword [0x620], 0xCB01B0 ; MOV AL, 1; RETF
        mov     al, 2
        out     0x92, al
        mov     dword [es:0x630], 0xCB02B0
        mov     cx, 3
again:  call    0xFFFF:0x630
        mov     [RESULT(3)], al         ; 2
        mov     al, 0
        out     0x92, al
        call    0xFFFF:0x630
        mov     [RESULT(4)], al         ; 1
        mov     al, 2
        out     0x92, al
        loop    again
        hlt
;= word 500 1111
;= word 504 1111
;= word 508 3333
;= byte 50c 2
;= byte 510 1

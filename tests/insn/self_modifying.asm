; Stores into code: right ahead in the same unit, into a loop that runs, across a page, by REP STOS, through an alias, and often
; enough that a translator changes its mind about the page.
%include "test.inc"
        bits    16
        protected_mode
        mov     byte [LINEAR(p1) + 1], 5
p1:     mov     al, 1
        movzx   eax, al
        result  0, eax                  ; 5

        xor     edx, edx
        mov     ecx, 1000
again:  add     dword [LINEAR(p2) + 2], 1
p2:     add     edx, strict dword 0
        dec     ecx
        jnz     again
        result  1, edx                  ; 1 + 2 + .. + 1000

        mov     edi, 0x40FFE            ; MOV EAX, imm32; RET over a page boundary
        mov     dword [edi], 0x000000B8
        mov     word [edi + 4], 0xC300
        call    edi
        result  2, eax
        mov     word [edi + 1], 0x3412  ; in both pages
        call    edi
        result  3, eax                  ; 3412h
        mov     byte [edi + 3], 0x56
        call    edi
        result  4, eax                  ; 563412h

        mov     edi, 0x42000
        mov     al, 0x40                ; INC EAX
        mov     ecx, 16
        cld
        rep stosb
        mov     byte [edi], 0xC3
        xor     eax, eax
        call    0x42000 - 0x10000
        result  5, eax                  ; 10h
        mov     edi, 0x42000
        mov     al, 0x48                ; DEC EAX
        mov     ecx, 8
        rep stosb
        mov     eax, 0x100
        call    0x42000 - 0x10000
        result  6, eax                  ; 100h - 8 + 8

        mov     esi, 0x43000            ; data beside code, written 3000 times
        mov     dword [esi], 0xC3904040 ; INC, INC, NOP, RET
        mov     ecx, 3000
        xor     eax, eax
.beside:call    esi
        mov     [esi + 0x800], ecx
        dec     ecx
        jnz     .beside
        result  7, eax                  ; 6000
        mov     byte [esi], 0x48
        call    esi
        result  8, eax                  ; 6000
        hlt
;= dword 500 5
;= dword 504 7a314
;= dword 508 0
;= dword 50c 3412
;= dword 510 563412
;= dword 514 10
;= dword 518 100
;= dword 51c 1770
;= dword 520 1770

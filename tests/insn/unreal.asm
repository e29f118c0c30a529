; Limits loaded in protected mode stay in real mode ("unreal"), and a segment load there sets the base alone.
%include "test.inc"
        bits    16
        mov     ebx, 0x100010
        mov     dword [GDT_AT + 8], 0x0000FFFF
        mov     dword [GDT_AT + 12], 0x00CF9200
        mov     word [0x7F0], 15
        mov     dword [0x7F2], GDT_AT
        mov     word [0x14*4], 0
        mov     word [4 * 13], gp
        mov     word [4 * 13 + 2], 0x1000
        mov     [ebx], bx               ; #GP: beyond 64 KiB
after1: lgdt    [0x7F0]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        mov     ax, 8
        mov     ds, ax
        mov     eax, cr0
        and     al, 0xFE
        mov     cr0, eax
        xor     ax, ax
        mov     ds, ax
        mov     dword [ebx], 0x12345678
        mov     ax, 0x50
        mov     ds, ax
        mov     ecx, 0x100000 - 0x500
        mov     eax, [ecx + 0x10]       ; the base moved
        mov     [0], eax                ; result 0
        mov     ax, [0xFFFF]            ; no fault: the limit is 4 GiB
        mov     word [8], 1
        hlt
gp:     inc     word [RESULT(1)]
        mov     bp, sp
        mov     word [bp], after1
        iret
;= dword 500 12345678
;= word 504 1
;= word 508 1
;= ds.limit ffffffff
;= ds.base 500

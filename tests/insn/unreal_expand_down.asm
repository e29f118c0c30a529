; An expand-down segment loaded in protected mode stays one in real mode, until the register is loaded there.
%include "test.inc"
        bits    16
        mov     dword [GDT_AT + 8], 0x00001FFF
        mov     dword [GDT_AT + 12], 0x00009600
        mov     word [0x7F0], 15
        mov     dword [0x7F2], GDT_AT
        mov     word [4 * 13], gp
        mov     word [4 * 13 + 2], 0x1000
        lgdt    [0x7F0]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        mov     bx, 8
        mov     es, bx
        mov     eax, cr0
        and     al, 0xFE
        mov     cr0, eax
        mov     cx, 3                   ; often enough to be translated
again:  mov     word [es:0x2000], 1     ; above the limit: allowed
        mov     word [es:0x1FFF], 1     ; the last byte below: #GP
after1: mov     ax, [es:0x500]          ; #GP
after2: loop    again
        xor     ax, ax
        mov     es, ax
        mov     word [es:RESULT(1)], 7  ; an ordinary segment again
        hlt
gp:     inc     word [RESULT(0)]
        mov     bp, sp
        mov     ax, after1
        cmp     word [bp], after1
        jb      .to
        mov     ax, after2
.to:    mov     [bp], ax
        iret
;= word 500 6
;= word 504 7
;= word 2000 1
;= es.limit 1fff

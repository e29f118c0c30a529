; A DS prefix before an indirect near branch is a segment override as anywhere else, though processors with CET also take it
; for NOTRACK.
%include "test.inc"
        bits    16
        mov     ax, 0x2000
        mov     ds, ax
        mov     ax, 0x3000
        mov     ss, ax
        mov     sp, 0x8000
        mov     bp, 0x100
        mov     si, 0x10
        mov     word [0x100], right     ; in DS
        mov     word [0x110], right
        mov     word [ss:0x100], wrong
        mov     word [ss:0x110], wrong
        xor     cx, cx
        db      0x3E                    ; call near [ds:bp]
        call    [bp + 0]
        db      0x3E
        call    [bp + si]
        db      0x36, 0x3E, 0x3E        ; the last override counts
        call    [bp + 0]
        mov     word [ss:0x100], right
        mov     word [0x100], wrong
        db      0x3E, 0x36
        call    [bp + 0]
        mov     word [0x100], last
        db      0x3E
        jmp     [bp + 0]
right:  inc     cx
        ret
last:   inc     cx
        hlt
wrong:  mov     cx, 0xFF
        hlt
;= ecx 5

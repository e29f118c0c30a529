; Real mode: a word at FFFFh is #GP (#SS through SS), for data, stack, code and strings; SP wraps where a whole element fits; an IDT limit
; that is too small, and vectors 8, 12 and 13 in IVT frames without error codes. (QEMU checks no limits in real mode.)
%include "test.inc"
        bits    16
        mov     word [4 * 13], gp
        mov     word [4 * 13 + 2], 0x1000
        mov     word [4 * 12], sf
        mov     word [4 * 12 + 2], 0x1000
        mov     word [4 * 6], ud
        mov     word [4 * 6 + 2], 0x1000
        mov     ax, 0x2000
        mov     es, ax
        mov     bx, 0xFFFF
%macro faults 2+
        mov     bp, %%after
        mov     word [0x5F8], %%at
        mov     word [0x5FA], %1
%%at:   %2
        jmp     bad
%%after:
%endmacro
        mov     al, [es:bx]             ; allowed
        faults  13, mov ax, [es:bx]
        faults  13, mov [es:0xFFFD], eax
        mov     [es:0xFFFC], eax
        faults  13, inc word [es:bx]
        faults  13, lgdt [es:0xFFFB]
        faults  13, fld tword [es:0xFFF7]
        faults  13, les di, [es:0xFFFD]
        faults  13, a32 mov al, [es:0x10000]
        mov     ecx, 0x12345
        faults  13, a32 mov al, [es:ecx]
        faults  12, a32 mov al, [ebp + 0x20000]
        mov     si, 0xFFFF
        faults  13, lodsw
        mov     di, 0xFFFE
        mov     cx, 3
        cld
        faults  13, rep stosd           ; not even the first
        cmp     cx, 3
        jne     bad
        mov     cx, 3
        mov     di, 0xFFFE
        rep stosw                       ; FFFEh, then 0: whole words wrap
        cmp     di, 4
        jne     bad
        ; the stack
        mov     [RESULT(10)], sp
        mov     sp, 2
        push    ax                      ; to 0
        push    ax                      ; to FFFEh
        cmp     sp, 0xFFFE
        jne     bad
        mov     sp, 0xFFFF
        faults  12, pop ax              ; its frame goes to FFFDh and below
        cmp     sp, 0xFFFF
        jne     bad
        mov     sp, 3
        push    ax                      ; to 1
        mov     sp, [RESULT(10)]
        faults  12, mov ax, [ss:bx]
        ; code: a jump beyond the limit, and an instruction that runs over it
        faults  13, jmp dword 0x10000
        faults  13, o32 call far [cs:beyond]
        faults  6, db 0xF0, 0x90
        mov     byte [es:0xFFFF], 0xB0  ; MOV AL, imm8 whose second byte is at 10000h
        mov     bp, over
        mov     word [0x5F8], 0xFFFF
        mov     word [0x5FA], 13
        jmp     0x2000:0xFFFF
over:   cmp     word [RESULT(1)], 0x2000
        jne     bad
        ; INT with an IDT that ends before the vector
        mov     word [0x700], 4 * 14 + 2
        mov     dword [0x702], 0
        lidt    [0x700]
        faults  13, int 14
        mov     word [0x700], 0x3FF
        lidt    [0x700]
        ; the frame has no error code: SP tells
        mov     ax, [RESULT(2)]
        sub     ax, [RESULT(10)]
        neg     ax
        mov     [RESULT(3)], ax         ; 6
        hlt
bad:    mov     word [RESULT(4)], 0xBAD
        hlt
beyond: dd      0x10000
        dw      0x1000
ud:     push    word 6
        jmp     seen
sf:     mov     [cs:saved], sp
        mov     sp, [RESULT(10)]        ; SP may be odd: go on with a good one
        push    word 12
        jmp     other
gp:     push    word 13
        jmp     seen
other:  push    bp
        mov     bp, [cs:saved]
        mov     ax, [bp]
        cmp     ax, [0x5F8]
        jne     bad
        pop     bp
        pop     ax
        cmp     ax, [0x5FA]
        jne     bad
        inc     word [RESULT(0)]
        mov     sp, [cs:saved]
        add     sp, 6
        jmp     bp
seen:   push    bp
        mov     bp, sp
        mov     ax, [bp + 4]
        cmp     ax, [0x5F8]
        jne     bad
        mov     ax, [bp + 2]
        cmp     ax, [0x5FA]
        jne     bad
        mov     ax, [bp + 6]
        mov     [RESULT(1)], ax         ; CS
        mov     [RESULT(2)], sp
        add     word [RESULT(2)], 4
        pop     bp
        add     sp, 2
        inc     word [RESULT(0)]
        add     sp, 6
        jmp     0x1000:.on
.on:    jmp     bp
saved:  dw      0
;= word 510 0
;= word 50c 6
;= word 500 12

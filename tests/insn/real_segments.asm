; Segment loads without protection: MOV and POP with 16 and 32-bit operands, from registers and from memory, through the register that
; is loaded itself; of loads that fault nothing is done; null, code and expand-down segments left over from protected mode become
; plain again with the first load; the same in VM86 mode.
%include "test.inc"
%macro same 2                   ; value, expected
        inc     word [cs:number]
        cmp     %1, %2
        jne     bad
%endmacro
%macro faults 2+                ; vector, instruction
        mov     word [cs:wanted], %1
        mov     word [cs:resume], %%after
        %2
        jmp     bad
%%after:
%endmacro
        bits    16
        mov     word [4 * 13], gp
        mov     word [4 * 13 + 2], 0x1000
        mov     word [4 * 12], gp
        mov     word [4 * 12 + 2], 0x1000
        mov     dword [0x600], 0x00610062
        mov     word [0x610], 0x1234    ; 61h:0
        mov     word [0x620], 0x5678    ; 62h:0
        mov     word [0x630], 0x0061    ; 63h:0
        mov     cx, 3
again:  call    loads
        loop    again

        ; what protected mode leaves behind: DS null, ES code
        mov     dword [GDT_AT + 8], 0x0000FFFF
        mov     dword [GDT_AT + 12], 0x00009A00
        mov     dword [GDT_AT + 16], 0x00000FFF
        mov     dword [GDT_AT + 20], 0x00009600 ; expand-down
        mov     word [0x7F0], 23
        mov     dword [0x7F2], GDT_AT
        mov     word [0x7F8], 0x3FF
        mov     dword [0x7FA], 0
        lgdt    [0x7F0]
        mov     bx, 8                   ; ES
        call    leave_behind
        call    loads
        mov     bx, 16
        call    leave_behind
        mov     word [cs:twice], 2
        ; the first load ends expand-down; the limit stays
        mov     ax, 0x61
        mov     es, ax
        same    word [es:0], 0x1234
        faults  13, mov al, [es:0x1000]
        ; through the register with that limit, in line by now
        mov     ax, 0x62
        mov     es, ax
        same    word [es:0], 0x5678
        faults  13, mov al, [es:0x1000]
        mov     al, [es:0xFFF]

        ; VM86 mode
        protected_mode
        idt_entry 13, SEL_CODE, LINEAR(vm_gp), 0x8E
        push    dword 0x4444            ; GS
        push    dword 0x3333            ; FS
        push    dword 0                 ; DS
        push    dword 0x2222            ; ES
        push    dword 0x0700            ; SS
        push    dword 0x1000            ; SP
        push    dword 0x23002           ; VM, IOPL 3
        push    dword 0x1000            ; CS
        push    dword vm
        iretd
        bits    16
vm:     mov     cx, 3
.again: call    loads
        loop    .again
        mov     word [RESULT(0)], 0x600D
        cli
        push    cs
        pop     ds
        mov     ax, [number]
        xor     bx, bx
        mov     ds, bx
        mov     [RESULT(1)], ax
        hlt                             ; #GP: the end
bad:    xor     ax, ax
        mov     ds, ax
        mov     ax, [cs:number]
        mov     [RESULT(3)], ax
        cli
        hlt

        bits    32
vm_gp:  mov     ax, SEL_DATA
        mov     ds, ax
        cli
        hlt

        bits    16
; DS null, ES as BX says, in real mode with CS as it was.
leave_behind:
        cli
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        xor     ax, ax
        mov     ds, ax
        mov     es, bx
        mov     eax, cr0
        and     al, 0xFE
        mov     cr0, eax
        mov     ds, ax                  ; AX is CR0's low half: anything
        xor     ax, ax
        mov     ds, ax
        ret

loads:  mov     eax, 0xABCD0061         ; only the low half counts
        mov     es, eax
        same    word [es:0], 0x1234
        mov     dx, es
        same    dx, 0x61
        mov     es, [0x600]             ; 62h
        same    word [es:0], 0x5678
        push    es
        mov     ax, 0x61
        mov     es, ax
        same    word [es:0x10], 0x5678  ; 61h:10h is 62h:0
        pop     es
        same    word [es:0], 0x5678
        push    dword 0xFFFF0061
        o32 pop es
        same    word [es:0], 0x1234
        mov     ax, 0x63
        mov     ds, ax
        mov     ds, [0]                 ; 61h, by way of 63h
        same    word [0], 0x1234
        push    ds
        mov     ax, 0xFFFF
        mov     ds, ax                  ; FFFF0h
        pop     ds
        same    word [0], 0x1234
        mov     dx, ds
        same    dx, 0x61
        mov     bx, 0xFFFF
        mov     ax, [cs:twice]
        cmp     ax, 0
        jne     .no_faults
        mov     eax, cr0
        test    al, 1
        jnz     .no_faults
        faults  13, mov es, [bx]
        mov     dx, es
        same    dx, 0x61
        faults  13, mov ds, [bx]
        same    word [0], 0x1234
.no_faults:
        xor     ax, ax
        mov     ds, ax
        ret

gp:     push    bp
        mov     bp, sp
        push    word [cs:resume]
        pop     word [bp + 2]
        pop     bp
        iret
number: dw      0
wanted: dw      0
resume: dw      0
twice:  dw      0
;= word 500 600d
;= word 504 49
;= word 50c 0

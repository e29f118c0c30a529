; VM86 mode: entered by IRET, sensitive instructions trap to the monitor at IOPL 0, not at IOPL 3, INT leads through the IDT, and the
; frame has the segment registers.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 13, SEL_CODE, LINEAR(gp), 0x8E
        idt_entry 0x30, SEL_CODE, LINEAR(int30), 0xEE
        idt_entry 0x31, SEL_CODE, LINEAR(finish), 0xEE
        push    dword 0x4444            ; GS
        push    dword 0x3333            ; FS
        push    dword 0x0050            ; DS: 500h
        push    dword 0x2222            ; ES
        push    dword 0x0700            ; SS
        push    dword 0x1000            ; SP
        push    dword 0x20002           ; VM, IOPL 0
        push    dword 0x1000            ; CS: 10000h
        push    dword vm
        iretd

        bits    16
vm:     cli                             ; #GP
        pushf                           ; #GP
        sti                             ; #GP
        mov     ax, cs
        mov     [0], ax                 ; DS is 50h: result 0
        mov     ax, es
        mov     [2], ax
        int     0x30                    ; #GP at IOPL 0, so the monitor raises IOPL to 3
        cli                             ; allowed now
        pushf
        pop     ax
        and     ax, 0x3200
        mov     [4], ax                 ; IOPL 3, IF 0
        sti
        pushf
        pop     ax
        and     ax, 0x3200
        mov     [6], ax
        int     0x30                    ; through the IDT
        int     0x31

        bits    32
gp:     mov     ax, SEL_DATA
        mov     ds, ax
        inc     dword [RESULT(4)]
        movzx   eax, word [esp + 4]     ; IP
        mov     ecx, [RESULT(4)]
        mov     [RESULT(8) + 4 * ecx], eax
        cmp     ecx, 4
        je      .raise
        inc     dword [esp + 4]
        add     esp, 4
        iretd
.raise: or      dword [esp + 12], 0x3000
        add     dword [esp + 4], 2
        add     esp, 4
        iretd
int30:  mov     ax, SEL_DATA
        mov     ds, ax
        mov     [RESULT(5)], esp
        mov     eax, [esp + 4 * 8]      ; GS
        mov     [RESULT(6)], eax
        mov     eax, [esp + 4 * 6]      ; DS
        mov     [RESULT(7)], eax
        mov     eax, gs
        mov     [RESULT(8)], eax        ; null now
        iretd
finish: mov     ax, SEL_DATA
        mov     ds, ax
        cli
        hlt
;= word 500 1000
;= word 502 2222
;= word 504 3000
;= word 506 3200
;= dword 510 4
;= dword 514 6bdc
;= dword 518 4444
;= dword 51c 50
;= dword 520 0
;= cpl 0
;= es 0
;= es.unusable 1

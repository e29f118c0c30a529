; VM86 mode with CR4.VME at IOPL 0: CLI, STI, PUSHF, POPF and IRET move VIF, INT n leads through the redirection bitmap to the
; program's own handler or to #GP; VIP makes STI, POPF and IRET fault. At IOPL 3 the flag is IF itself.
; QEMU's translator has no VME.
%include "test.inc"
        bits    16
        protected_mode
        gdt_entry SEL_TEST, TSS_AT, 0x88 + 0x2000, 0x0089       ; a TSS with both bitmaps
        mov     word [TSS_AT + 0x66], 0x88                      ; redirection bitmap at 68h
        mov     byte [TSS_AT + 0x68 + 0x3F / 8], 1 << (0x3F & 7) ; INT 3Fh is the monitor's
        mov     eax, SEL_TEST
        ltr     ax
        idt_entry 13, SEL_CODE, LINEAR(gp), 0x8E
        idt_entry 0x3F, SEL_CODE, LINEAR(finish), 0xEE
        idt_entry 0x30, SEL_CODE, LINEAR(finish), 0x8E
        mov     eax, cr4
        or      al, 1
        mov     cr4, eax
        mov     word [4 * 0x30], handler
        mov     word [4 * 0x30 + 2], 0x1000
        push    dword 0
        push    dword 0
        push    dword 0
        push    dword 0
        push    dword 0x0700            ; SS
        push    dword 0x1000            ; SP
        push    dword 0x20202           ; VM, IF, IOPL 0
        push    dword 0x1000            ; CS
        push    dword vm
        iretd

        bits    16
%macro flags 1
        pushf
        pop     word [RESULT(%1)]
%endmacro
vm:     flags   0                       ; IOPL 3 shown, IF: VIF is clear
        sti                             ; VIF
        flags   1
        cli
        flags   2
        sti
        int     0x30                    ; own handler: RESULT(3) its image, RESULT(4) flags inside
        flags   5                       ; VIF is back by IRET
        push    word 0x0CD7             ; POPF: IF clear, DF, OF, arithmetic flags
        popf
        flags   6
        cld
        push    word 0x7202             ; NT, IOPL, IF
        popf
        flags   7                       ; NT and VIF; IOPL did not change, but shows 3
        push    word 0x2
        popf
        mov     bp, .after1
        push    word 0x102              ; TF: #GP
        popf
.after1:
        mov     bp, .after2
        pushfd                          ; 32 bits: #GP
.after2:
        mov     bp, .after3
        popfd                           ; #GP
.after3:
        mov     bp, .after4
        iretd                           ; #GP
.after4:
        mov     bp, .after5
        int     0x3F                    ; the bitmap says monitor: #GP at IOPL 0, which then sets VIP
.after5:
        mov     bp, .after6
        sti                             ; #GP: VIP
.after6:
        mov     bp, .after7
        push    word 0x202
        popf                            ; #GP: VIP
.after7:
        add     sp, 2
        mov     bp, .after8
        push    word 0x202
        push    cs
        push    word .after8
        iret                            ; #GP: VIP
.after8:
        add     sp, 6
        push    word 2
        popf                            ; allowed
        cli                             ; allowed
        mov     bp, .after9
        hlt                             ; #GP: the monitor sets VIF while VIP is set: #GP at .after9, then IOPL 3
.after9:
        sti                             ; IF
        flags   8
        int     0x30                    ; RESULT(3), (4) again
        flags   9
        int     0x3F                    ; the end

handler:
        push    bp
        mov     bp, sp
        mov     ax, [bp + 6]
        mov     [RESULT(3)], ax
        flags   4
        pop     bp
        cmp     word [RESULT(10)], 0
        jne     .out
        mov     [RESULT(11)], ax        ; those of the first time
        mov     ax, [RESULT(4)]
        mov     [RESULT(12)], ax
        inc     word [RESULT(10)]
.out:   iret

        bits    32
gp:     mov     ax, SEL_DATA
        mov     ds, ax
        mov     eax, [esp + 12]         ; EFLAGS
        mov     ebx, [RESULT(13)]       ; how many faults so far
        mov     [0x600 + 4 * ebx], eax
        mov     ecx, [esp]
        mov     [0x640 + 4 * ebx], ecx
        inc     dword [RESULT(13)]
        movzx   ebp, bp
        mov     [esp + 4], ebp
        cmp     ebx, 4
        je      .vip
        cmp     ebx, 8
        je      .vif
        cmp     ebx, 9
        je      .iopl
        add     esp, 4
        iretd
.vip:   or      dword [esp + 12], 1 << 20
        add     esp, 4
        iretd
.vif:   or      dword [esp + 12], 1 << 19
        add     esp, 4
        iretd
.iopl:  and     dword [esp + 12], ~(3 << 19)
        or      dword [esp + 12], 0x3000
        add     esp, 4
        iretd
finish: mov     ax, SEL_DATA
        mov     ds, ax
        mov     eax, [esp + 8]
        mov     [RESULT(14)], eax
        cli
        hlt
;= word 500 3002
;= word 504 3202
;= word 508 3002
;= word 52c 3202
;= word 530 3002
;= word 514 3202
;= word 518 3cd7
;= word 51c 7202
;= dword 534 a
;= dword 600 30202
;= dword 604 30202
;= dword 608 30202
;= dword 60c 30202
;= dword 610 30202
;= dword 614 130202
;= dword 618 130202
;= dword 61c 130202
;= dword 620 130202
;= dword 624 1b0202
;= dword 660 0
;= dword 664 0
;= word 520 3202
;= word 50c 3202
;= word 510 3002
;= word 524 3202
;= bits dword 538 3b7f02 23202

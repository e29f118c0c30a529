; System management mode: SMI saves the state at SMBASE + FE00h and enters SMBASE:8000h in real mode with 4 GiB limits; the handler
; changes registers in the save area and moves SMBASE; RSM brings all back. SMI and NMI wait while in it; SMI wakes from HLT, and RSM
; goes back into HLT or behind it as the handler likes. RSM elsewhere is #UD.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 6, SEL_CODE, LINEAR(ud), 0x8E
        idt_entry 2, SEL_CODE, LINEAR(nmi), 0x8E
        idt_entry 0x30, SEL_CODE, LINEAR(intr), 0x8E
        mov     esi, LINEAR(first)      ; the handlers to 3000:8000 and 5000:8000
        mov     edi, 0x38000
        mov     ecx, later - first
        cld
        rep movsb
        mov     esi, LINEAR(later)
        mov     edi, 0x58000
        mov     ecx, end - later
        rep movsb
        rsm                             ; #UD
        mov     eax, 0x11111111
        mov     ebx, 0x22222222
        stc
        out     0xB2, al                ; the first one, at SMBASE 30000h
        jnc     wrong
        result  0, ebx                  ; 33333333, from the save area
        result  1, esp
        mov     eax, ds
        result  2, eax
        mov     dword [RESULT(3)], 0
        out     0xB2, al                ; the second one, at 50000h; raises SMI and NMI inside
after:  mov     eax, [RESULT(3)]
        result  4, eax                  ; 2: the pending SMI followed at once
        mov     eax, [RESULT(10)]
        result  5, eax                  ; 1: then the NMI
        mov     al, 0x30
        out     0x70, al                ; an interrupt waits: SMI goes first, with IF off in its handler
        mov     dword [RESULT(3)], 10
        sti
        out     0xB2, al
        cli
        mov     eax, [RESULT(11)]
        result  6, eax                  ; 1
        mov     dword [RESULT(3)], 20
        out     0xB2, al                ; that one sends us into HLT, with another one waiting that finds us there
        mov     eax, [RESULT(3)]
        result  7, eax                  ; 22
        hlt
wrong:  mov     dword [RESULT(0)], 0xBAD
        hlt
ud:     inc     dword [RESULT(13)]
        add     dword [esp], 2
        iretd
nmi:    inc     dword [RESULT(10)]
        iretd
intr:   inc     dword [RESULT(11)]
        iretd

        bits    16
first:  mov     ax, cs
        mov     [0x600], ax             ; 3000h; DS has base 0
        mov     eax, cr0
        mov     [0x604], eax
        pushfd
        pop     dword [0x608]
        mov     dword [cs:0xFFDC], 0x33333333   ; EBX
        mov     eax, [cs:0xFEFC]
        mov     [0x60C], eax            ; revision
        mov     eax, [cs:0xFFF0]
        mov     [0x610], eax            ; EIP
        mov     eax, [cs:0xFFFC]
        mov     [0x614], eax            ; CR0
        mov     eax, [cs:0xFFAC]
        mov     [0x618], eax            ; CS
        mov     eax, [cs:0xFFC4]
        mov     [0x61C], eax            ; TR
        mov     dword [cs:0xFEF8], 0x50000
        mov     ebx, 0x40000
        mov     eax, [ebx]              ; 4 GiB limits
        rsm

later:  inc     dword [0x50C]           ; RESULT(3)
        mov     eax, [0x52C]            ; RESULT(11)
        cmp     dword [0x50C], 11
        je      .early
        cmp     dword [0x50C], 21
        je      .halt
        cmp     dword [0x50C], 22
        je      .halted
        cmp     dword [0x50C], 1
        jne     .out
        out     0xB2, al
        out     0x71, al
        nop
        mov     eax, [0x528]            ; RESULT(10): no NMI yet
        mov     [0x620], eax
.out:   rsm
.early: mov     [0x624], eax            ; 0: no interrupt yet
        rsm
.halt:  or      byte [cs:0xFF02], 1
        out     0xB2, al
        rsm
.halted:
        mov     al, [cs:0xFF02]
        mov     [0x628], al
        mov     byte [cs:0xFF02], 0
        rsm
end:
;= dword 500 33333333
;= dword 504 7c00
;= dword 508 10
;= dword 510 2
;= dword 514 1
;= dword 518 1
;= dword 534 1
;= word 600 3000
;= bits dword 604 80000001 0
;= dword 608 2
;= dword 60c 20000
;= bits dword 614 1 1
;= dword 618 8
;= dword 61c 28
;= dword 620 0
;= dword 624 0
;= byte 628 1
;= dword 51c 16

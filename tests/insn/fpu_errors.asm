; #NM by TS and EM, #MF at the next waiting instruction after an unmasked error, MMX and WAIT among them; #XM, and #UD without
; OSXMMEXCPT; #GP of a misaligned operand.
%include "test.inc"
        cpu     p4
        bits    16
        protected_mode
        idt_entry 6, SEL_CODE, LINEAR(ud), 0x8E
        idt_entry 7, SEL_CODE, LINEAR(nm), 0x8E
        idt_entry 13, SEL_CODE, LINEAR(gp), 0x8E
        idt_entry 16, SEL_CODE, LINEAR(mf), 0x8E
        idt_entry 19, SEL_CODE, LINEAR(xm), 0x8E
        mov     eax, cr4
        or      eax, 0x200              ; OSFXSR
        mov     cr4, eax
        mov     eax, cr0
        and     eax, ~4
        or      eax, 0x2A               ; NE, TS, MP
        mov     cr0, eax
        fninit                          ; #NM, CLTS there
        mov     eax, [RESULT(10)]
        result  0, eax                  ; 1
        mov     word [0x700], 0x037B    ; ZM clear
        fldcw   [0x700]
        fld1
        fldz
        fdivp                           ; ZE pending
        nop
        fnstsw  ax
        movzx   eax, ax
        and     eax, 0x80FF
        result  1, eax                  ; B, ES, ZE
first:  paddb   mm0, mm1                ; #MF here
        mov     eax, [RESULT(12)]
        sub     eax, LINEAR(first)
        result  2, eax
        mov     eax, [RESULT(11)]
        result  3, eax                  ; 1
        emms

        mov     dword [0x704], 0x1F80 & ~0x200  ; ZM clear
        ldmxcsr [0x704]
        xorps   xmm0, xmm0
        mov     dword [0x710], 0x3F800000
        movss   xmm1, [0x710]
        mov     ebp, LINEAR(after_ud)
        divss   xmm1, xmm0              ; #UD: OSXMMEXCPT is clear
after_ud:
        mov     eax, cr4
        or      eax, 0x400
        mov     cr4, eax
        mov     ebp, LINEAR(after_xm)
        divss   xmm1, xmm0              ; #XM
after_xm:
        stmxcsr [0x708]
        mov     eax, [0x708]
        and     eax, 0x3F
        result  6, eax                  ; ZE
        mov     ebp, LINEAR(after_gp)
        movaps  xmm0, [0x714]           ; #GP
after_gp:
        movups  xmm0, [0x714]
        mov     dword [0x704], 0x11F80
        mov     ebp, LINEAR(after_gp2)
        ldmxcsr [0x704]                 ; #GP: reserved bit
after_gp2:
        hlt
nm:     clts
        inc     dword [RESULT(10)]
        iretd
mf:     fnclex
        inc     dword [RESULT(11)]
        mov     eax, [esp]
        result  12, eax
        iretd
ud:     inc     dword [RESULT(4)]
        mov     [esp], ebp
        iretd
xm:     inc     dword [RESULT(5)]
        mov     [esp], ebp
        iretd
gp:     pop     eax
        inc     dword [RESULT(7)]
        mov     [esp], ebp
        iretd
;= dword 500 1
;= dword 504 8084
;= dword 508 0
;= dword 50c 1
;= dword 510 1
;= dword 514 1
;= dword 518 4
;= dword 51c 2

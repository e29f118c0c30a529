; Interrupts are taken after the instruction that follows STI, not after STI; after the instruction that follows MOV SS and POP SS;
; and not at all while CLI follows STI.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 0x30, SEL_CODE, LINEAR(intr), 0x8E
        idt_entry 2, SEL_CODE, LINEAR(nmi), 0x8E
        xor     ebx, ebx
        mov     al, 0x30
        out     0x70, al                ; waits: IF is off
        inc     ebx
        sti
        inc     ebx                     ; in the shadow
        inc     ebx                     ; the interrupt comes before this one
        cli
        mov     eax, [RESULT(10)]
        result  0, eax                  ; EBX then: 2

        xor     ebx, ebx
        mov     al, 0x30
        out     0x70, al
        sti
        cli                             ; the shadow of STI covers CLI: no interrupt
        inc     ebx
        inc     ebx
        mov     eax, [RESULT(11)]
        result  1, eax                  ; still one interrupt in all
        sti
        nop
        cli
        mov     eax, [RESULT(11)]
        result  2, eax                  ; two

        xor     ebx, ebx
        mov     ax, ss
        sti
        nop
        mov     dx, 0x70
        mov     ecx, 0x30
        xchg    eax, ecx
        cli
        out     dx, al
        xchg    eax, ecx
        sti
        mov     ss, ax                  ; in STI's shadow, casts its own
        inc     ebx
        inc     ebx
        cli
        mov     eax, [RESULT(10)]
        result  3, eax                  ; 1

        xor     ebx, ebx
        push    ss
        mov     al, 0
        out     0x71, al                ; NMI
        inc     ebx
        pop     ss
        mov     eax, [RESULT(12)]
        result  4, eax                  ; 0: taken right after OUT
        hlt
intr:   mov     [RESULT(10)], ebx
        inc     dword [RESULT(11)]
        iretd
nmi:    mov     [RESULT(12)], ebx
        iretd
;= dword 500 2
;= dword 504 1
;= dword 508 2
;= dword 50c 1
;= dword 510 0

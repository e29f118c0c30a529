; A REP that overwrites its own bytes is fetched once: it runs to the end of its count, up and down, by all sizes, from one page, across
; two, and often enough to be translated; a fault on the way, or TF, ends it, and then the new bytes are what is fetched. The routine
; is written anew at CODE for each case, in NOPs that lead to a RET.
%include "test.inc"
%include "check.inc"
CODE    equ     0xA000                  ; where the REP is, unless a case says otherwise
SOURCE  equ     0xC000                  ; NOPs to move
%macro prepare 2                        ; address, its two bytes
        mov     edi, 0x9000
        mov     ecx, 0x1FFF
        mov     al, 0x90
        cld
        rep stosb
        mov     byte [0xAFFF], 0xC3
        mov     word [%1], %2
%endmacro
%macro runs 6                           ; address, bytes, ECX, ESI, EDI, EDI at the end
        prepare %1, %2
        mov     ecx, %3
        mov     esi, %4
        mov     edi, %5
        mov     eax, 0x90909090
        mov     edx, %1
        call    edx
        equal   ecx, 0
        equal   edi, %6
        equal   word [%1], 0x9090
%endmacro
%macro down 6
        prepare %1, %2
        mov     ecx, %3
        mov     esi, %4
        mov     edi, %5
        mov     eax, 0x90909090
        mov     edx, %1
        std
        call    edx
        cld
        equal   ecx, 0
        equal   edi, %6
        equal   word [%1], 0x9090
%endmacro
        bits    16
        protected_mode
        catch_faults
        mov     edi, SOURCE
        mov     ecx, 0x2000
        mov     al, 0x90
        cld
        rep stosb
        mov     ebx, 4
again:  runs    CODE, 0xAAF3, 0x400, 0, 0x9F00, 0xA300
        runs    CODE, 0xABF3, 0x100, 0, 0x9F00, 0xA300
        runs    CODE, 0xA4F3, 0x400, SOURCE, 0x9F00, 0xA300
        runs    CODE, 0xA5F3, 0x100, SOURCE, 0x9F00, 0xA300
        runs    CODE, 0xAAF3, 4, 0, CODE - 2, CODE + 2
        down    CODE, 0xAAF3, 0x200, 0, CODE + 0x80, CODE - 0x180
        down    CODE, 0xA4F3, 0x200, SOURCE + 0x1000, CODE + 0x80, CODE - 0x180
        runs    CODE - 1, 0xAAF3, 0x1200, 0, 0x9C00, 0xAE00     ; across a page's end, more than a step has
        runs    CODE - 1, 0xA4F3, 0x200, SOURCE, 0x9F00, 0xA100
        dec     ebx
        jnz     again
        ; 16 bits: CX, DI; the operand size override belongs to the instruction
        prepare CODE, 0x6766
        mov     word [CODE + 2], 0xABF3         ; REP STOSW
        mov     ecx, 0xABCD0080
        mov     edi, 0xABCD9FF0
        mov     eax, 0x90909090
        mov     edx, CODE
        call    edx
        equal   ecx, 0xABCD0000
        equal   edi, 0xABCDA0F0
        ; single step: the trap comes after the iteration, and what is then fetched is the new code
        idt_entry 1, SEL_CODE, LINEAR(trap), 0x8E
        prepare CODE, 0xAAF3
        mov     ecx, 0x10
        mov     edi, CODE - 1
        mov     dword [RESULT(0)], 0
        mov     edx, CODE
        pushfd
        or      dword [esp], 0x100
        popfd
        call    edx
        pushfd
        and     dword [esp], ~0x100
        popfd
        equal   ecx, 0xE                        ; one before it, one onto F3h: NOP; STOSB
        equal   edi, CODE + 2
        finish
trap:   inc     dword [RESULT(0)]
        iretd
        checks
;= dword 5f0 0
;= dword 5f4 70

; Accessed and busy bits: set by what loads a descriptor, once all checks have passed, and only when clear: an accessed descriptor may lie in
; a page that cannot be written. LAR, LSL, VERR, VERW set none. (QEMU: see descriptor_queries.)
%include "test.inc"
%include "check.inc"
%include "paging.inc"
TABLE   equ     0x50000                 ; the LDT, in a page of its own
DATA    equ     4                       ; its selectors
CODE    equ     12
STACK   equ     20
ABSENT  equ     28
GATE    equ     36
%define ACCESS(sel) byte [TABLE + ((sel) & ~7) + 5]
%macro entry 3                          ; selector, low, high
        mov     dword [TABLE + ((%1) & ~7)], %2
        mov     dword [TABLE + ((%1) & ~7) + 4], %3
%endmacro
        bits    16
        protected_mode
        catch_faults
        identity_paging
        gdt_entry SEL_TEST, TABLE, 0x3F, 0x0082
        gdt_entry SEL_TEST + 8, 0x4000, 0x67, 0x0089
        mov     eax, SEL_TEST
        lldt    ax
        equal   byte [GDT_AT + SEL_TEST + 5], 0x82      ; an LDT has no such bit
        entry   DATA, 0x0000FFFF, 0x00CF9200
        entry   CODE, 0x0000FFFF, 0x00CF9A00
        entry   STACK, 0x0000FFFF, 0x00CF9200
        entry   ABSENT, 0x0000FFFF, 0x00CF1200
        entry   GATE, (CODE << 16) | (LINEAR(gate) & 0xFFFF), (LINEAR(gate) & 0xFFFF0000) | 0x8C00
        mov     eax, DATA
        lar     ebx, eax
        equal   ebx, 0x00CF9200 & 0x00FFFF00
        lsl     ebx, eax
        equal   ebx, 0xFFFFFFFF
        verr    ax
        verw    ax
        equal   ACCESS(DATA), 0x92
        mov     es, eax
        equal   ACCESS(DATA), 0x93
        mov     eax, ABSENT
        faults  11, ABSENT, mov es, eax
        equal   ACCESS(ABSENT), 0x12
        faults  13, CODE, mov ss, [LINEAR(code)]
        equal   ACCESS(CODE), 0x9A
        mov     ss, [LINEAR(stack)]
        equal   ACCESS(STACK), 0x93
        call    GATE:0
        equal   ACCESS(CODE), 0x9B
        mov     ACCESS(CODE), 0x9A
        jmp     CODE:LINEAR(.here)
.here:  equal   ACCESS(CODE), 0x9B
        jmp     SEL_CODE:LINEAR(.back)
.back:  mov     eax, SEL_TEST + 8
        ltr     ax
        equal   byte [GDT_AT + SEL_TEST + 8 + 5], 0x8B
        faults  13, SEL_TEST + 8, ltr ax        ; busy
        ; the table's page is read-only: a descriptor that is accessed already can be loaded, another cannot
        mov     ACCESS(STACK), 0x92
        mov     eax, cr0
        or      eax, 0x10000            ; WP
        mov     cr0, eax
        and     dword [PTE(TABLE)], ~0x42
        invlpg  [TABLE]
        mov     eax, DATA
        mov     es, eax
        mov     eax, STACK
        faults  14, 3, mov fs, eax
        mov     eax, cr2
        equal   eax, TABLE + (STACK & ~7) + 5
        test    dword [PTE(TABLE)], 0x40        ; D
        setnz   al
        equal   al, 0
        finish
gate:   retf
code:   dw      CODE
stack:  dw      STACK
        checks
;= dword 5f0 0
;= dword 5f4 11

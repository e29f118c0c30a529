; Paging: A at any access, D at the first write only, error codes, CR2, WP, a fault in the middle of REP MOVS.
%include "test.inc"
%include "paging.inc"
        bits    16
        protected_mode
        idt_entry 14, SEL_CODE, LINEAR(pf), 0x8E
        identity_paging
        mov     eax, [0x50000]          ; A
        mov     [0x51000], eax          ; A and D
        mov     eax, [0x52000]          ; first a read ..
        mov     ecx, [PTE(0x52000)]
        result  0, ecx
        mov     [0x52004], eax          ; .. then a write: D comes then
        mov     ecx, [PTE(0x50000)]
        result  1, ecx
        mov     ecx, [PTE(0x51000)]
        result  2, ecx
        mov     ecx, [PTE(0x52000)]
        result  3, ecx
        mov     ecx, [PTE(0x53000)]     ; not touched
        result  4, ecx

        and     dword [PTE(0x54000)], ~1
        invlpg  [0x54000]
        mov     eax, [0x54ABC]          ; repaired by the handler
        mov     ecx, [RESULT(20)]       ; error code: supervisor read, not present
        result  5, ecx
        mov     ecx, [RESULT(21)]
        result  6, ecx                  ; CR2

        and     dword [PTE(0x55000)], ~2
        invlpg  [0x55000]
        mov     dword [0x55008], 0x1234 ; WP is off: supervisor writes
        mov     eax, cr0
        or      eax, 0x10000
        mov     cr0, eax
        mov     dword [0x55010], 0x1234 ; faults now
        mov     ecx, [RESULT(20)]
        result  7, ecx                  ; 3: present, write

        and     dword [PTE(0x57000)], ~1
        invlpg  [0x57000]
        mov     esi, 0x10000
        mov     edi, 0x56FF8
        mov     ecx, 8
        cld
        mov     dword [RESULT(22)], 0
        rep movsd                       ; the third dword is in the missing page
        mov     eax, [RESULT(23)]
        result  8, eax                  ; ECX at the fault
        mov     eax, [RESULT(24)]
        result  9, eax                  ; EDI at the fault
        mov     eax, [0x57014]
        sub     eax, [0x1001C]
        result  10, eax                 ; 0: all was copied
        result  11, ecx
        result  12, edi
        hlt
; Notes error code, CR2, ECX, EDI; makes the page present and writable.
pf:     push    ebx
        mov     ebx, [esp + 4]
        mov     [RESULT(20)], ebx
        mov     ebx, cr2
        mov     [RESULT(21)], ebx
        mov     [RESULT(23)], ecx
        mov     [RESULT(24)], edi
        inc     dword [RESULT(22)]
        shr     ebx, 12
        or      dword [PT_AT + 4 * ebx], 3
        mov     ebx, cr2
        invlpg  [ebx]
        pop     ebx
        add     esp, 4
        iretd
;= dword 500 52023
;= dword 504 50023
;= dword 508 51063
;= dword 50c 52063
;= dword 510 53003
;= dword 514 0
;= dword 518 54abc
;= dword 51c 3
;= dword 520 6
;= dword 524 57000
;= dword 528 0
;= dword 52c 0
;= dword 530 57018
;= dword 558 1
;= dword 55010 1234
;= dword 55008 1234

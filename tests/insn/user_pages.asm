; CPL 3 and the U/S bit: reads, writes and fetches of supervisor pages fault with U set, R/W counts for users whatever WP is.
%include "test.inc"
%include "paging.inc"
        bits    16
        protected_mode
        idt_entry 14, SEL_CODE, LINEAR(pf), 0x8E
        idt_entry 0x3F, SEL_CODE, LINEAR(finish), 0xEE
        identity_paging
        or      dword [PTE(0x10000)], 4         ; code
        mov     dword [PTE(0x50000)], 0x50005   ; user, read-only
        mov     dword [PTE(0x51000)], 0x51007   ; user
        mov     eax, cr3
        mov     cr3, eax
        to_user user, 0x51800, 0
user:   mov     eax, [0x50000]                  ; allowed
        mov     [0x51000], eax
        mov     ebp, LINEAR(u1)
        mov     [0x50000], eax                  ; 7
u1:     mov     ebp, LINEAR(u2)
        mov     eax, [0x52000]                  ; 5
u2:     mov     ebp, LINEAR(u3)
        inc     dword [0x52000]                 ; 7
u3:     mov     ebp, LINEAR(u4)
        jmp     0x53000 - 0x10000               ; 5: no NX, so no I bit
u4:     mov     ebp, LINEAR(u5)
        mov     eax, [0x51FFE]                  ; crosses into 52000h: 5, CR2 52000h
u5:     int     0x3F
pf:     pop     eax
        mov     edi, [0x600]
        mov     [0x604 + 8 * edi], eax
        mov     eax, cr2
        mov     [0x608 + 8 * edi], eax
        inc     dword [0x600]
        mov     [esp], ebp
        iretd
finish: hlt
;= dword 600 5
;= dword 604 7
;= dword 608 50000
;= dword 60c 5
;= dword 610 52000
;= dword 614 7
;= dword 618 52000
;= dword 61c 5
;= dword 620 53000
;= dword 624 5
;= dword 628 52000
;= bits dword 21148 20 0
;= bits dword 21144 60 60
;= bits dword 21140 60 20

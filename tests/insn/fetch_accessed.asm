; A of code pages: an instruction across two pages sets it in both; one that is refused with its last byte in front of the border sets
; it in the first alone, also where another processor's instruction would be longer (62h with mod 3, C4h: EVEX and VEX; #UD here).
%include "test.inc"
%include "paging.inc"
BORDER  equ     0x31000
; fetched BYTES, n: runs the last two of four bytes in front of the border; result n: A of the page in front | A of the one behind << 8
%macro fetched 2                ; the four bytes, n
        mov     dword [BORDER - 4], %1
        and     dword [PTE(BORDER - 4)], ~0x20
        and     dword [PTE(BORDER)], ~0x20
        invlpg  [BORDER - 4]
        invlpg  [BORDER]
        mov     ebp, LINEAR(%%back)
        mov     eax, BORDER - 2
        jmp     eax
%%back: mov     eax, [PTE(BORDER - 4)]
        mov     edx, [PTE(BORDER)]
        and     eax, 0x20
        and     edx, 0x20
        shl     edx, 8
        or      eax, edx
        result  %2, eax
%endmacro
        bits    16
        protected_mode
        idt_entry 6, SEL_CODE, LINEAR(ud), 0x8E
        identity_paging
        mov     esi, 3
again:  fetched 0xC0629090, 0           ; 62 C0
        fetched 0xC0C49090, 1           ; C4 C0
        fetched 0x0B0F9090, 2           ; UD2
        mov     word [BORDER], 0
        mov     dword [BORDER + 2], 0x90E5FF00
        fetched 0x00B89090, 3           ; MOV EAX, 0: into the second page
        dec     esi
        jnz     near again
        hlt
ud:     mov     [esp], ebp
        iretd
;= dword 500 20
;= dword 504 20
;= dword 508 20
;= dword 50c 2020

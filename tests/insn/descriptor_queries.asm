; LAR, LSL, VERR, VERW and ARPL: what each type of descriptor gives, what CPL and RPL hide, null and beyond the table; destinations that
; stay. (QEMU: LAR without the bits of the limit.)
%include "test.inc"
%include "check.inc"
        bits    16
        protected_mode
        catch_faults
        ; one descriptor after the other at SEL_TEST, of each type: 16 of the system, 16 of code and data; DPL 0, present
        xor     esi, esi
next:   mov     dword [GDT_AT + SEL_TEST], 0x12345678
        mov     eax, esi
        shl     eax, 8
        or      eax, 0x00C78000         ; G, D, limit 7....h
        mov     [GDT_AT + SEL_TEST + 4], eax
        mov     eax, SEL_TEST
        mov     ebx, 0xDEADBEEF
        lar     ebx, eax
        setz    dl
        bt      dword [LINEAR(lar_types)], esi
        setc    dh
        cmp     dl, dh
        jne     wrong
        mov     ecx, [GDT_AT + SEL_TEST + 4]
        and     ecx, 0x00FFFF00
        test    dl, dl
        jnz     .lar
        mov     ecx, 0xDEADBEEF
.lar:   cmp     ebx, ecx
        jne     wrong
        mov     ebx, 0xDEADBEEF
        lsl     ebx, eax
        setz    dl
        bt      dword [LINEAR(lsl_types)], esi
        setc    dh
        cmp     dl, dh
        jne     wrong
        mov     ecx, 0x75678FFF
        test    dl, dl
        jnz     .lsl
        mov     ecx, 0xDEADBEEF
.lsl:   cmp     ebx, ecx
        jne     wrong
        verr    ax
        setz    dl
        bt      dword [LINEAR(verr_types)], esi
        setc    dh
        cmp     dl, dh
        jne     wrong
        verw    ax
        setz    dl
        bt      dword [LINEAR(verw_types)], esi
        setc    dh
        cmp     dl, dh
        jne     wrong
        inc     dword [RESULT(0)]
        inc     esi
        cmp     esi, 32
        jne     next
        ; RPL counts, but not for conforming code
        mov     eax, SEL_DATA + 3
        verr    ax
        setz    dl
        equal   dl, 0
        mov     dword [GDT_AT + SEL_TEST + 4], 0x00CF9E00
        mov     eax, SEL_TEST + 3
        verr    ax
        setz    dl
        equal   dl, 1
        lar     bx, ax                  ; 16 bits of it
        equal   bx, 0x9E00
        xor     eax, eax
        lar     ebx, eax
        setz    dl
        equal   dl, 0
        mov     eax, 0x7F8
        lsl     ebx, eax
        setz    dl
        equal   dl, 0
        ; ARPL
        mov     eax, 0x12340010
        mov     ecx, 0x3
        arpl    ax, cx
        setz    dl
        equal   dl, 1
        equal   eax, 0x12340013
        arpl    ax, cx
        setz    dl
        equal   dl, 0
        to_user user, 0x9000, 0
user:   mov     eax, SEL_DATA           ; CPL counts too
        verr    ax
        setz    dl
        equal   dl, 0
        mov     eax, SEL_TEST
        verr    ax
        setz    dl
        equal   dl, 1
        mov     eax, SEL_TSS
        lsl     ebx, eax
        setz    dl
        equal   dl, 0
        finish
wrong:  mov     [RESULT(1)], esi
        failed
        finish
; bit n: type n of the system, n + 16: of code and data
lar_types:  dd  0xFFFF1A3E
lsl_types:  dd  0xFFFF0A0E
verr_types: dd  0xCCFF0000              ; data, and code that is readable
verw_types: dd  0x00CC0000              ; data that is writable
        checks
;= dword 500 20
;= dword 5f0 0
;= dword 5f4 b

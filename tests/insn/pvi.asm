; CR4.PVI: at CPL 3 with IOPL below 3, CLI and STI move VIF; STI with VIP faults; PUSHF and POPF know nothing of it. VIF and VIP
; together fault at the first instruction at CPL 3. QEMU's translator has no PVI.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 13, SEL_CODE, LINEAR(gp), 0x8E
        idt_entry 0x30, SEL_CODE, LINEAR(look), 0xEE
        mov     eax, cr4
        or      al, 2
        mov     cr4, eax
        to_user user, 0x9000, 0
user:   sti
        int     0x30                    ; RESULT(0): VIF
        cli
        int     0x30                    ; RESULT(1)
        sti
        pushfd
        pop     eax
        and     eax, 0x3200             ; IF is not VIF here
        mov     edx, eax
        push    dword 0x3202
        popfd                           ; IF and IOPL are kept
        mov     ebx, LINEAR(.after1)
        int     0x30                    ; RESULT(2): VIF still; sets VIP, clears VIF
        sti                             ; #GP
.after1:
        cli                             ; allowed with VIP
        mov     ebx, LINEAR(.after2)
        int     0x30                    ; RESULT(3): VIP; sets VIF too: #GP at the next instruction
        nop
.after2:
        in      al, 0x80                ; #GP: IOPL and no bitmap; the handler ends it
look:   mov     ecx, [RESULT(10)]
        inc     dword [RESULT(10)]
        mov     eax, [esp + 8]
        and     eax, 0x180200
        mov     [RESULT(0) + 4 * ecx], eax
        cmp     ecx, 2
        jne     .next
        xor     dword [esp + 8], 3 << 19 ; VIP for VIF
.next:  cmp     ecx, 3
        jne     .out
        or      dword [esp + 8], 3 << 19
.out:   iretd
gp:     mov     eax, [esp + 12]
        and     eax, 0x180000
        mov     ecx, [RESULT(11)]
        inc     dword [RESULT(11)]
        mov     [RESULT(4) + 4 * ecx], eax
        mov     eax, [esp + 4]
        mov     [RESULT(12) + 4 * ecx], eax
        cmp     ecx, 2
        je      .end
        and     dword [esp + 12], ~(1 << 19)
        mov     [esp + 4], ebx
        add     esp, 4
        iretd
.end:   sub     dword [RESULT(13)], LINEAR(user.after2) - 1
        sub     dword [RESULT(14)], LINEAR(user.after2)
        hlt
;= dword 500 80000
;= dword 504 0
;= dword 508 80000
;= dword 50c 100000
;= dword 510 100000
;= dword 514 180000
;= dword 518 100000
;= dword 534 0
;= dword 538 0
;= edx 0

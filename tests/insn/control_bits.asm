; What MOV to CR0, CR4 and CR3 refuses, what it ignores; LMSW cannot clear PE; EFER; CLTS; registers that do not exist; CPL 3.
%include "test.inc"
%include "check.inc"
        bits    16
        protected_mode
        catch_faults
        mov     ebx, cr0
        mov     eax, ebx
        and     eax, ~1
        or      eax, 0x80000000
        faults  13, 0, mov cr0, eax     ; PG without PE
        mov     eax, ebx
        and     eax, ~0x40000000
        or      eax, 0x20000000
        faults  13, 0, mov cr0, eax     ; NW without CD
        mov     eax, cr0
        equal   eax, ebx
        mov     eax, ebx
        or      eax, 0x1FFAFFC0         ; reserved bits: ignored
        mov     cr0, eax
        mov     eax, cr0
        equal   eax, ebx
        and     eax, ~0x10              ; ET is always 1
        mov     cr0, eax
        mov     eax, cr0
        equal   eax, ebx
        mov     eax, 0x0E
        lmsw    ax                      ; PE stays, MP EM TS are set
        smsw    ax
        and     eax, 0x1F
        equal   eax, 0x1F
        clts
        smsw    ax
        and     eax, 0x1F
        equal   eax, 0x17
        mov     cr0, ebx
        ; CR4: PSE off and on is legal, reserved bits are not
        mov     ebx, cr4
        mov     ecx, 1 << 31
.bits:  mov     eax, ebx
        or      eax, ecx
        faults  13, 0, mov cr4, eax
        shr     ecx, 1
        cmp     ecx, 1 << 21
        ja      .bits
        mov     eax, cr4
        equal   eax, ebx
        ; PAE paging with a reserved bit in a PDPTE: MOV to CR0 and to CR3 fault, nothing changes
        mov     dword [0x20000], 0x21001
        mov     dword [0x20008], 0x21001 | 0x20 ; bit 5 is reserved
        mov     dword [0x21000], 0xE3   ; 2 MiB, identity
        mov     dword [0x20040], 0x21001
        mov     eax, 0x20
        mov     cr4, eax
        mov     eax, 0x20000
        mov     cr3, eax                ; not looked at yet
        mov     ebx, cr0
        mov     eax, ebx
        or      eax, 0x80000000
        faults  13, 0, mov cr0, eax
        mov     ecx, cr0
        equal   ecx, ebx
        mov     ecx, 0x20040
        mov     cr3, ecx
        mov     cr0, eax                ; paging is on
        mov     edx, 0x20000
        faults  13, 0, mov cr3, edx
        mov     eax, cr3
        equal   eax, ecx
        mov     cr0, ebx
        ; EFER: only NXE here
        mov     ecx, 0xC0000080
        xor     edx, edx
        mov     eax, 0x800
        wrmsr
        rdmsr
        equal   eax, 0x800
        mov     eax, 0x802
        faults  13, 0, wrmsr
        xor     eax, eax
        wrmsr
        faults  6, NONE, db 0x0F, 0x20, 0xC8    ; MOV EAX, CR1
        faults  6, NONE, db 0x0F, 0x22, 0xE8    ; MOV CR5, EAX
        faults  6, NONE, db 0x0F, 0x22, 0xF8    ; MOV CR7, EAX
        to_user user, 0x9000, 0
user:   faults  13, 0, mov eax, cr0
        faults  13, 0, mov cr3, eax
        faults  6, NONE, db 0x0F, 0x20, 0xC8    ; #UD goes first
        faults  13, 0, clts
        faults  13, 0, lmsw ax
        faults  13, 0, mov eax, dr7
        faults  13, 0, invlpg [0]
        faults  6, NONE, db 0x0F, 0x01, 0xF8    ; INVLPG of a register
        faults  13, 0, wbinvd
        faults  13, 0, rdmsr
        faults  13, 0, lgdt [0x600]
        faults  13, 0, ltr ax
        faults  13, 0, lldt ax
        faults  13, 0, hlt
        finish
        checks
;= dword 5f0 0
;= dword 5f4 29

; RDTSCP and RDPID give IA32_TSC_AUX, 32 bits of it; RDTSCP obeys CR4.TSD, RDPID at any CPL does not; LOCK and memory forms are #UD.
%include "test.inc"
%include "check.inc"
        cpu     default
%macro rdpid_ecx 0
        db      0xF3, 0x0F, 0xC7, 0xF9
%endmacro
%macro rdpid_esi 0
        db      0xF3, 0x0F, 0xC7, 0xFE
%endmacro
        bits    16
        mov     ecx, 0xC0000103
        mov     eax, 0x12345678
        xor     edx, edx
        wrmsr
        mov     ecx, -1
        rdtscp                          ; real mode
        mov     [RESULT(0)], ecx
        protected_mode
        catch_faults
        idt_entry 0x30, SEL_CODE, LINEAR(kernel), 0xEE
        equal   dword [RESULT(0)], 0x12345678
        mov     ecx, 0xC0000103
        rdmsr
        equal   eax, 0x12345678
        equal   edx, 0
        inc     edx
        faults  13, 0, wrmsr            ; bits 63:32 are reserved
        rdpid_esi
        equal   esi, 0x12345678
        faults  6, NONE, {db 0xF0, 0x0F, 0x01, 0xF9}
        faults  6, NONE, {db 0xF0, 0xF3, 0x0F, 0xC7, 0xF9}
        faults  6, NONE, {db 0xF3, 0x0F, 0xC7, 0x39}
        mov     eax, cr4
        or      eax, 4                  ; TSD
        mov     cr4, eax
        xor     ecx, ecx
        rdtscp
        equal   ecx, 0x12345678
        to_user user, 0x9000, 0
user:   mov     ecx, 5
        faults  13, 0, rdtscp
        equal   ecx, 5
        rdpid_ecx
        equal   ecx, 0x12345678
        int     0x30
        xor     ecx, ecx
        rdtscp
        equal   ecx, 0x12345678
        finish
kernel: mov     eax, cr4
        and     eax, ~4
        mov     cr4, eax
        iretd
        checks
;= dword 5f0 0
;= dword 5f4 d

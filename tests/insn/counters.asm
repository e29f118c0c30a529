; RDTSC under CR4.TSD, RDPMC under CR4.PCE: at CPL 0 always, at CPL 3 as the bits say; a counter that does not exist is #GP(0) anyway.
%include "test.inc"
%include "check.inc"
        cpu     default
        bits    16
        rdtsc                           ; real mode: allowed
        protected_mode
        catch_faults
        idt_entry 0x30, SEL_CODE, LINEAR(kernel), 0xEE
        rdtsc
        mov     eax, cr4
        or      eax, 4                  ; TSD
        mov     cr4, eax
        rdtsc
        mov     ecx, 0x7FFFFFFF
        faults  13, 0, rdpmc
        to_user user, 0x9000, 0
user:   faults  13, 0, rdtsc
        xor     ecx, ecx
        faults  13, 0, rdpmc
        int     0x30
        rdtsc
        mov     ecx, 0x7FFFFFFF
        faults  13, 0, rdpmc
        finish
kernel: mov     eax, cr4
        and     eax, ~4
        or      eax, 0x100              ; PCE
        mov     cr4, eax
        iretd
        checks
;= dword 5f0 0
;= dword 5f4 4

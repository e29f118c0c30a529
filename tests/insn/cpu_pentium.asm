; A Pentium: TSC, MSRs, CMPXCHG8B, debug extensions and 4 MiB pages; nothing of the P6.
;= cpu pentium
%include "test.inc"
%include "check.inc"
        cpu     default
        bits    16
        protected_mode
        catch_faults
        mov     eax, 0x5F               ; VME PVI TSD DE PSE MCE
        mov     cr4, eax
        mov     eax, cr4
        equal   eax, 0x5F
        mov     eax, 0x20               ; PAE
        faults  13, 0, {mov cr4, eax}
        mov     eax, 0x80               ; PGE
        faults  13, 0, {mov cr4, eax}
        mov     eax, 0x200              ; OSFXSR
        faults  13, 0, {mov cr4, eax}
        rdtsc
        mov     ecx, 0x10
        rdmsr
        mov     ecx, 0x2FF              ; MTRRs are of the P6
        faults  13, 0, rdmsr
        mov     ecx, 0x174              ; and so is SYSENTER
        faults  13, 0, rdmsr
        mov     dword [0x700], 5
        mov     dword [0x704], 6
        mov     eax, 5
        mov     edx, 6
        mov     ebx, 7
        mov     ecx, 8
        cmpxchg8b [0x700]
        equal   dword [0x704], 8
        faults  6, NONE, rdpmc
        faults  6, NONE, cmovz eax, ecx
        faults  6, NONE, {db 0x0F, 0x1F, 0xC0}
        faults  6, NONE, fcmovb st1
        faults  6, NONE, fcomi st1
        faults  6, NONE, fcomip st1
        faults  6, NONE, emms
        faults  6, NONE, {movd mm0, eax}
        faults  6, NONE, fxsave [0x700]
        faults  6, NONE, sysenter
        faults  6, NONE, sysexit
        finish
        checks
;= dword 5f0 0
;= dword 5f4 12

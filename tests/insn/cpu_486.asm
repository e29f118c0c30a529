; An Intel486 DX4: AC and ID can be set, CPUID has one leaf of features, CR4 has VME and PVI alone.
;= cpu 486
%include "test.inc"
%include "check.inc"
        cpu     default
        bits    16
        protected_mode
        catch_faults
        pushfd
        or      dword [esp], 0x240000
        popfd
        pushfd
        pop     eax
        and     eax, 0x240000
        equal   eax, 0x240000
        push    byte 2
        popfd
        mov     eax, cr0
        or      eax, 0x00010020
        mov     cr0, eax
        mov     eax, cr0
        and     eax, 0x00010020
        equal   eax, 0x00010020
        xor     eax, eax
        cpuid
        equal   eax, 1
        equal   ebx, 'Genu'
        equal   edx, 'ineI'
        equal   ecx, 'ntel'
        mov     eax, 1
        cpuid
        equal   eax, 0x480
        equal   ebx, 0
        equal   ecx, 0
        equal   edx, 3                  ; FPU, VME
        mov     eax, 0x80000000         ; beyond its leaves: the highest
        cpuid
        equal   eax, 0x480
        mov     eax, 3
        mov     cr4, eax
        mov     eax, cr4
        equal   eax, 3
        mov     eax, 4
        faults  13, 0, {mov cr4, eax}
        mov     eax, 0x12345678
        bswap   eax
        equal   eax, 0x78563412
        invlpg  [0x700]
        wbinvd
        faults  6, NONE, rdtsc
        faults  6, NONE, rdmsr
        faults  6, NONE, cmpxchg8b [0x700]
        faults  6, NONE, cmovz eax, ecx
        faults  6, NONE, {db 0x0F, 0x1F, 0xC0}  ; NOP r/m32
        faults  6, NONE, {db 0x0F, 0x18, 0x00}  ; PREFETCHNTA [eax]
        faults  6, NONE, emms
        faults  6, NONE, rsm            ; outside SMM
        finish
        checks
;= dword 5f0 0
;= dword 5f4 16

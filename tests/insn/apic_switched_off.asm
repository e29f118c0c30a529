; CPUID tells of a local APIC while IA32_APIC_BASE has it enabled, and of none when software has switched it off; nothing else of the leaf
; changes. INIT and the other registers are not concerned.
%include "test.inc"
%include "check.inc"
        cpu     default
        bits    16
        protected_mode
        catch_faults
        mov     eax, 1
        cpuid
        mov     esi, edx
        mov     edi, ecx
        bt      edx, 9
        setc    al
        equal   al, 1
        mov     ecx, 0x1B
        rdmsr
        mov     ebx, eax
        btr     eax, 11
        wrmsr
        push    ebx
        mov     eax, 1
        cpuid
        btr     esi, 9
        equal   edx, esi
        equal   ecx, edi
        pop     eax
        xor     edx, edx
        mov     ecx, 0x1B
        wrmsr
        mov     eax, 1
        cpuid
        bts     esi, 9
        equal   edx, esi
        finish
        checks
;= dword 5f0 0
;= dword 5f4 4

; MSRs as a P6 has them: five banks with MCG_CTL, ADDR but in the fourth, no MISC; no MISC_ENABLE; no IA32_TSC_AUX, no TSC deadline.
;= cpu pentium3
%include "test.inc"
%include "check.inc"
%macro refused 3
        mov     ecx, %1
        mov     edx, %2
        mov     eax, %3
        faults  13, 0, wrmsr
        faults  13, 0, rdmsr
%endmacro
%macro reads 3
        mov     ecx, %1
        rdmsr
        equal   edx, %2
        equal   eax, %3
%endmacro
        bits    16
        protected_mode
        catch_faults
        reads   0x179, 0, 0x105
        reads   0x17B, 0, 0
        mov     edx, -1
        mov     eax, -1
        wrmsr
        reads   0x17B, -1, -1
        mov     edx, 0
        faults  13, 0, wrmsr
        reads   0x402, 0, 0
        reads   0x406, 0, 0
        reads   0x40A, 0, 0
        reads   0x412, 0, 0
        refused 0x40E, 0, 0
        refused 0x403, 0, 0
        refused 0x413, 0, 0
        refused 0x414, 0, 0
        refused 0x1A0, 0, 0
        refused 0x6E0, 0, 0
        refused 0xC0000103, 0, 0
        refused 0xC0000080, 0, 0
        finish
        checks
;= dword 5f0 0
;= dword 5f4 1f

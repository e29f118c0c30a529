; MSRs as a Core 2 has them: six banks, MISC in the last two; MISC_ENABLE switches MONITOR and NX off and on, in CPUID, for the instructions
; and for EFER; an NX that is in use stays.
;= cpu core2
%include "test.inc"
%include "check.inc"
        cpu     default
%macro write 3
        mov     ecx, %1
        mov     edx, %2
        mov     eax, %3
        wrmsr
%endmacro
%macro refused 3
        mov     ecx, %1
        mov     edx, %2
        mov     eax, %3
        faults  13, 0, wrmsr
%endmacro
%macro reads 3
        mov     ecx, %1
        rdmsr
        equal   edx, %2
        equal   eax, %3
%endmacro
%macro cpuid_bit 4              ; leaf, register, bit, value
        mov     eax, %1
        cpuid
        bt      %2, %3
        setc    al
        equal   al, %4
%endmacro
        bits    16
        protected_mode
        catch_faults
        reads   0x179, 0, 0x806
        reads   0x413, 0, 0
        reads   0x417, 0, 0
        mov     ecx, 0x40F
        faults  13, 0, rdmsr
        mov     ecx, 0x418
        faults  13, 0, rdmsr
        reads   0x1A0, 0, 0x00041801
        ; MONITOR
        cpuid_bit 1, ecx, 3, 1
        xor     ecx, ecx
        xor     edx, edx
        mov     eax, 0x500
        monitor
        write   0x1A0, 0, 0x00001801
        cpuid_bit 1, ecx, 3, 0
        xor     ecx, ecx
        faults  6, NONE, monitor
        faults  6, NONE, mwait
        write   0x1A0, 0, 0x00041801
        cpuid_bit 1, ecx, 3, 1
        ; NX
        cpuid_bit 0x80000001, edx, 20, 1
        write   0x1A0, 4, 0x00041801
        reads   0x1A0, 4, 0x00041801
        cpuid_bit 0x80000001, edx, 20, 0
        refused 0xC0000080, 0, 0x800
        write   0x1A0, 0, 0x00041801
        write   0xC0000080, 0, 0x800
        refused 0x1A0, 4, 0x00041801
        ; the highest basic leaf
        write   0x1A0, 0, 0x00441801
        xor     eax, eax
        cpuid
        equal   eax, 3
        finish
        checks
;= dword 5f0 0
;= dword 5f4 16

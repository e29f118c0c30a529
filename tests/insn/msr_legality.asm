; MSRs: machine-check banks read as idle and software may only clear them; PAT and MTRR take legal memory types only; DEBUGCTL,
; SYSENTER, APIC base; what does not exist is #GP(0).
%include "test.inc"
%include "check.inc"
%macro write 3                  ; index, high, low
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
        bits    16
        protected_mode
        catch_faults
        ; machine check: MCG_CAP counts five banks, each is idle; bank 1 has no ADDR, none has MISC
        reads   0x179, 0, 0x805
        refused 0x179, 0, 0             ; read-only
        reads   0x17A, 0, 0
        refused 0x17A, 0, 8
        mov     ecx, 0x17B              ; no MCG_CTL
        faults  13, 0, rdmsr
        mov     ecx, 0x400
bank:   reads   ecx, 0, 0               ; CTL: all zeros or all ones
        write   ecx, -1, -1
        reads   ecx, -1, -1
        refused ecx, 0, 0xFF
        reads   ecx, -1, -1
        write   ecx, 0, 0
        inc     ecx                     ; STATUS: only 0 may be written
        reads   ecx, 0, 0
        write   ecx, 0, 0
        refused ecx, 0, 1
        refused ecx, 0x80000000, 0
        inc     ecx
        cmp     ecx, 0x406
        je      none
        reads   ecx, 0, 0               ; ADDR: the same
        write   ecx, 0, 0
        refused ecx, -1, -1
        jmp     misc
none:   faults  13, 0, rdmsr
        refused ecx, 0, 0
misc:   inc     ecx
        faults  13, 0, rdmsr
        refused ecx, 0, 0
        inc     ecx
        cmp     ecx, 0x414
        jb      bank
        faults  13, 0, rdmsr            ; no sixth bank
        ; MISC_ENABLE: what is read-only may be written as it reads
        reads   0x1A0, 0, 0x1801
        write   0x1A0, 0, 0x00411800
        reads   0x1A0, 0, 0x00411800
        refused 0x1A0, 0, 0x00411000    ; PEBS unavailable, read-only
        refused 0x1A0, 0, 0x00411880    ; performance monitoring available, read-only
        refused 0x1A0, 0, 0x00411804
        refused 0x1A0, 0, 0x00451800    ; there is no MONITOR
        refused 0x1A0, 0x80, 0x00411800
        write   0x1A0, 0, 0x1801
        ; PAT
        reads   0x277, 0x00070406, 0x00070406
        write   0x277, 0x01040506, 0x00070406
        reads   0x277, 0x01040506, 0x00070406
        refused 0x277, 0x01040506, 0x00070402
        refused 0x277, 0x03040506, 0x00070406
        refused 0x277, 0x08040506, 0x00070406
        reads   0x277, 0x01040506, 0x00070406
        ; MTRRs
        reads   0xFE, 0, 0x508
        refused 0xFE, 0, 0x508
        write   0x2FF, 0, 0xC06
        reads   0x2FF, 0, 0xC06
        refused 0x2FF, 0, 0xC02
        refused 0x2FF, 0, 0x1006
        write   0x200, 0, 0x80000006
        refused 0x200, 0, 0x80000002
        refused 0x200, 0, 0x80000106
        refused 0x200, 0x10, 0x80000006 ; above MAXPHYADDR
        write   0x201, 0xF, 0xF0000800
        refused 0x201, 0xF, 0xF0000801
        write   0x250, 0x06060606, 0x06060606
        refused 0x250, 0x06060606, 0x07060606
        refused 0x26F, 0x02000000, 0
        refused 0x210, 0, 0             ; beyond the eighth
        refused 0x251, 0, 0
        ; others
        refused 0x10000, 0, 0
        mov     ecx, 0x10000
        faults  13, 0, rdmsr
        write   0x174, 0, 0x1234
        reads   0x174, 0, 0x1234
        refused 0x1B, 0x10, 0xFEE00900
        refused 0x1B, 0, 0xFEE00901
        write   0x1D9, 0, 0
        reads   0x1D9, 0, 0
        refused 0x1D9, 0, 0xFFFFFFFF
        refused 0x1D9, 0, 1             ; no branch records
        write   0x1D9, 0, 2
        reads   0x1D9, 0, 2
        finish
        checks
;= dword 5f0 0
;= dword 5f4 84

; A Pentium III: SSE without SSE2, and no DAZ in MXCSR.
;= cpu pentium3
%include "test.inc"
%include "check.inc"
        cpu     default
        bits    16
        protected_mode
        catch_faults
        mov     eax, 0x600              ; OSFXSR, OSXMMEXCPT
        mov     cr4, eax
        mov     eax, cr0
        and     eax, ~4                 ; EM
        mov     cr0, eax
        mov     dword [0x700], 0x3F800000
        movss   xmm0, [0x700]
        addss   xmm0, xmm0
        movss   [0x700], xmm0
        equal   dword [0x700], 0x40000000
        mov     eax, 0x00FF0001
        movd    mm0, eax
        pshufw  mm0, mm0, 0xB1
        pmaxsw  mm0, mm0
        movd    eax, mm0
        emms
        equal   eax, 0x000100FF
        mov     dword [0x700], 0x9FBF
        ldmxcsr [0x700]
        mov     dword [0x700], 0x1FC0   ; DAZ
        faults  13, 0, ldmxcsr [0x700]
        mov     dword [0x700], 0x1F80
        ldmxcsr [0x700]
        fxsave  [0x1000]
        equal   dword [0x1018], 0x1F80
        equal   dword [0x101C], 0        ; MXCSR_MASK: from before there was one
        or      dword [0x1018], 0x40
        faults  13, 0, fxrstor [0x1000]
        sfence
        faults  6, NONE, lfence
        faults  6, NONE, mfence
        faults  6, NONE, clflush [0x700]
        faults  6, NONE, {movdqa xmm0, xmm1}
        faults  6, NONE, {addsd xmm0, xmm1}
        faults  6, NONE, {paddd xmm0, xmm1}
        faults  6, NONE, {paddq mm0, mm1}
        faults  6, NONE, {pmuludq mm0, mm1}
        faults  6, NONE, {movnti [0x700], eax}
        faults  6, NONE, {haddps xmm0, xmm1}
        faults  6, NONE, fisttp dword [0x700]
        faults  6, NONE, {pshufb mm0, mm1}
        faults  6, NONE, {popcnt eax, ecx}
        mov     ecx, 0xC0000080         ; EFER
        faults  13, 0, rdmsr
        finish
        checks
;= dword 5f0 0
;= dword 5f4 14

; A Core 2: SSSE3 and MONITOR, nothing of SSE4; then what the default model has beyond it is #UD.
;= cpu core2
%include "test.inc"
%include "check.inc"
        cpu     default
        bits    16
        protected_mode
        catch_faults
        mov     eax, 0x600
        mov     cr4, eax
        mov     eax, cr0
        and     eax, ~4
        mov     cr0, eax
        mov     eax, 0x04030201
        movd    xmm0, eax
        mov     eax, 0x00010203
        movd    xmm1, eax
        pshufb  xmm0, xmm1
        movd    eax, xmm0
        equal   eax, 0x01020304
        fninit
        fld1
        fldpi
        fisttp  dword [0x700]
        equal   dword [0x700], 3
        mov     eax, 0x700
        xor     ecx, ecx
        xor     edx, edx
        monitor
        mwait                           ; interrupts are masked: over at once
        mov     ecx, 0xC0000080
        rdmsr
        equal   eax, 0
        faults  6, NONE, {ptest xmm0, xmm1}
        faults  6, NONE, {pcmpgtq xmm0, xmm1}
        faults  6, NONE, {pcmpistri xmm0, xmm1, 0}
        faults  6, NONE, {crc32 eax, cl}
        faults  6, NONE, {popcnt eax, ecx}
        faults  6, NONE, {movbe eax, [0x700]}
        faults  6, NONE, {aesenc xmm0, xmm1}
        faults  6, NONE, {pclmulqdq xmm0, xmm1, 0}
        faults  6, NONE, {db 0x0F, 0xC7, 0xF0}          ; RDRAND EAX
        faults  6, NONE, {db 0xC5, 0xF8, 0x77}          ; VZEROUPPER: LDS with a register
        mov     eax, 8
        db      0xF3, 0x0F, 0xBD, 0xC0                  ; LZCNT to newer ones: BSR
        equal   eax, 3
        finish
        checks
;= dword 5f0 0
;= dword 5f4 e

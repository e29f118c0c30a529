; What an Intel386 has not: AC and ID in EFLAGS, WP, AM and NE in CR0, CR4, CPUID, and the instructions of later CPUs.
;= cpu 386
%include "test.inc"
%include "check.inc"
        cpu     default
        bits    16
        protected_mode
        catch_faults
        pushfd                          ; AC, ID, VIF and VIP stay clear
        or      dword [esp], 0x3C0000
        popfd
        pushfd
        pop     eax
        and     eax, 0x3C0000
        equal   eax, 0
        mov     eax, cr0                ; WP, AM, NE, NW, CD are not there
        mov     ebx, eax
        or      eax, 0x60050020
        mov     cr0, eax
        mov     eax, cr0
        equal   eax, ebx
        xor     eax, eax
        faults  6, NONE, bswap eax
        faults  6, NONE, cmpxchg [0x700], ecx
        faults  6, NONE, xadd [0x700], ecx
        faults  6, NONE, invlpg [0x700]
        faults  6, NONE, wbinvd
        faults  6, NONE, invd
        faults  6, NONE, cpuid
        faults  6, NONE, {mov eax, cr4}
        faults  6, NONE, {mov cr4, eax}
        faults  6, NONE, rdtsc
        faults  6, NONE, rdmsr
        faults  6, NONE, wrmsr
        faults  6, NONE, cmpxchg8b [0x700]
        faults  6, NONE, cmovz eax, ecx
        faults  6, NONE, fcmovb st1
        faults  6, NONE, emms
        faults  6, NONE, movaps xmm0, xmm1
        faults  6, NONE, fxsave [0x700]
        faults  6, NONE, sysenter
        bts     eax, 5                  ; what it has
        equal   eax, 0x20
        fninit
        fldpi
        fcos                            ; the 387's
        fchs
        fistp   dword [0x700]
        equal   dword [0x700], 1
        finish
        checks
;= dword 5f0 0
;= dword 5f4 17

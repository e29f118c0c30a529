; RDRAND and RDSEED: the number, CF set and the other flags clear, 16 and 32 bits, at any CPL; #UD with memory, LOCK, F2h, F3h. The
; rig's random number is 2Ah.
%include "test.inc"
%include "check.inc"
%define ARITHMETIC 0x8D5
%macro all_flags 0                      ; OF SF ZF AF PF set, CF clear
        mov     al, 0x7F
        add     al, 1
        mov     ah, 0xD4
        sahf
%endmacro
%macro flags_are 1
        pushfd
        pop     ebx
        and     ebx, ARITHMETIC
        equal   ebx, %1
%endmacro
        cpu     default
        bits    16
        mov     ecx, -1
        all_flags
        rdrand  cx
        flags_are 1
        equal   ecx, 0xFFFF002A
        rdrand  ecx
        equal   ecx, 0x2A
        protected_mode
        catch_faults
        to_user user, 0x9000, 0
user:   all_flags
        rdrand  eax
        flags_are 1
        equal   eax, 0x2A
        mov     esi, -1
        all_flags
        rdseed  si
        flags_are 1
        equal   esi, 0xFFFF002A
        rdseed  edi
        equal   edi, 0x2A
        faults  6, NONE, db 0x0F, 0xC7, 0x35, 0, 7, 0, 0        ; rdrand [0x700]
        faults  6, NONE, db 0x0F, 0xC7, 0x3D, 0, 7, 0, 0        ; rdseed [0x700]
        faults  6, NONE, db 0xF0, 0x0F, 0xC7, 0xF0              ; lock rdrand eax
        faults  6, NONE, db 0xF2, 0x0F, 0xC7, 0xF0
        faults  6, NONE, db 0xF3, 0x0F, 0xC7, 0xF0
        faults  6, NONE, db 0xF2, 0x0F, 0xC7, 0xF8              ; F3h makes it RDPID
        finish
        checks
;= dword 5f0 0
;= dword 5f4 e

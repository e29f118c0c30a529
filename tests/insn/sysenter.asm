; SYSENTER and SYSEXIT: flat segments from IA32_SYSENTER_CS, IF off, stacks and entry from MSRs, EDX and ECX back; #GP without CS.
%include "test.inc"
SEL_BASE equ    0x40            ; code, data, user code, user data in a row
        bits    16
        protected_mode
        gdt_entry SEL_BASE, 0, 0xFFFFF, 0xC09A
        gdt_entry SEL_BASE + 8, 0, 0xFFFFF, 0xC092
        gdt_entry SEL_BASE + 16, 0, 0xFFFFF, 0xC0FA
        gdt_entry SEL_BASE + 24, 0, 0xFFFFF, 0xC0F2
        idt_entry 13, SEL_CODE, LINEAR(gp), 0x8E
        idt_entry 0x3F, SEL_CODE, LINEAR(finish), 0xEE
        sti
        to_user user, 0x9000, 3
user:   sysenter                ; #GP(0): CS is still 0
user2:  mov     ecx, 0x8800
        sysenter
back:   mov     eax, cs
        result  4, eax
        mov     eax, ss
        result  5, eax
        result  6, esp
        int     0x3F
gp:     pop     dword [RESULT(0)]
        mov     dword [esp], LINEAR(user2)
        mov     ecx, 0x174
        mov     eax, SEL_BASE
        xor     edx, edx
        wrmsr
        mov     ecx, 0x175
        mov     eax, 0x6800
        wrmsr
        mov     ecx, 0x176
        mov     eax, LINEAR(entry)
        wrmsr
        iretd
entry:  result  1, esp
        mov     eax, cs
        shl     eax, 16
        mov     ax, ss
        result  2, eax
        pushfd
        pop     eax
        and     eax, 0x20200
        result  3, eax
        mov     edx, LINEAR(back)
        mov     ecx, 0x8800
        sysexit
finish: hlt
;= dword 500 0
;= dword 504 6800
;= dword 508 400048
;= dword 50c 0
;= dword 510 53
;= dword 514 5b
;= dword 518 8800

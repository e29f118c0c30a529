; Which bits of EFLAGS POPF and IRET change, by operand size, CPL and IOPL; PUSHF hides VM and RF; CLI and STI; SAHF and LAHF; the reserved
; bits. Real mode and CPL 0, 3. (QEMU has no VIF and VIP by IRET.)
%include "test.inc"
%include "check.inc"
ALL     equ     0x003F7FD7              ; every bit that there is
        bits    16
        cli
        push    dword ALL & ~0x30100    ; without VM, RF, TF
        popfd                           ; real mode: AC and ID too, not VIF and VIP
        pushfd
        pop     ebx
        push    dword 2
        popfd
        protected_mode
        catch_faults
        idt_entry 0x30, SEL_CODE, LINEAR(look), 0xEE
        idt_entry 0x31, SEL_CODE, LINEAR(iopl3), 0xEE
        and     ebx, ~0x1A0000          ; (VIF and VIP: not looked at)
        equal   ebx, 0x00247ED7
%macro flags 2                          ; image, size: pops it, EAX has what it made of EFLAGS
%if %2 == 4
        push    dword %1
        popfd
%else
        push    word %1
        popfw
%endif
        pushfd
        pop     eax
        push    dword 2
        popfd
%endmacro
        flags   0x00247ED7, 4           ; CPL 0: all
        equal   eax, 0x00247ED7
        flags   2, 4
        equal   eax, 2
        flags   0xFE28, 2               ; the reserved bits 3, 5, 15 read as 0, 1 as 1
        equal   eax, 0x7E02
        flags   0x30002, 4              ; VM and RF are ignored
        equal   eax, 2
        push    dword 0x00240002
        popfd
        push    word 2
        popfw                           ; 16 bits: the upper half stays
        pushfd
        pop     eax
        equal   eax, 0x00240002
        ; IRET at CPL 0 takes VIF and VIP
        push    dword 0x00180002
        push    cs
        push    dword LINEAR(.iret)
        iretd
.iret:  pushfd
        pop     eax
        equal   eax, 0x00180002
        push    dword 2
        push    cs
        push    dword LINEAR(.iret2)
        iretd
.iret2: pushfd
        pop     eax
        equal   eax, 2
        to_user user, 0x9000, 0
user:   flags   0x00247ED7, 4           ; CPL 3, IOPL 0: neither IF nor IOPL
        equal   eax, 0x00244CD7
        faults  13, 0, cli
        faults  13, 0, sti
        push    dword 0x001A7202        ; IRET at CPL 3: nor VM, VIF, VIP
        push    cs
        push    dword LINEAR(.iret3)
        iretd
.iret3: pushfd
        pop     eax
        equal   eax, 0x4002
        push    dword 2
        popfd
        int     0x30                    ; what the handler finds
        equal   dword [RESULT(0)], 2
        int     0x31
        flags   0x7202, 2               ; CPL 3, IOPL 3: IF, not IOPL
        equal   eax, 0x7202
        push    dword 0x3202
        popfd
        sti
        cli
        pushfd
        pop     eax
        equal   eax, 0x3002
        mov     ah, 0xFF
        sahf
        lahf
        equal   ah, 0xD7
        finish
look:   pushfd
        pop     dword [RESULT(0)]
        iretd
iopl3:  or      dword [esp + 8], 0x3000
        iretd
        checks
;= dword 5f0 0
;= dword 5f4 10

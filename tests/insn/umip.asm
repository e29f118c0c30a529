; CR4.UMIP: SGDT, SIDT, SLDT, STR and SMSW are #GP(0) outside CPL 0, in VM86 mode too, before their operand is looked at; #UD where
; there is no such instruction goes first.
%include "test.inc"
%include "check.inc"
        bits    16
        smsw    ax                      ; real mode: allowed, before and with UMIP
        protected_mode
        catch_faults
        idt_entry 0x30, SEL_CODE, LINEAR(kernel), 0xEE
        to_user user, 0x9000, 0
user:   sgdt    [0x700]                 ; allowed without UMIP
        sidt    [0x708]
        equal   word [0x700], 0x7F
        equal   dword [0x70A], IDT_AT
        str     ax
        equal   ax, SEL_TSS
        sldt    eax
        equal   eax, 0
        smsw    ax
        and     al, 1
        equal   al, 1
        int     0x30
.umip:  faults  13, 0, sgdt [0x700]
        faults  13, 0, sidt [0xFFFFFFFF]        ; an address that does not matter
        faults  13, 0, sldt ax
        faults  13, 0, str [0x700]
        faults  13, 0, smsw eax
        faults  13, 0, smsw [0x700]
        int     0x30

kernel: cmp     dword [RESULT(0)], 1
        je      .vm86
        mov     eax, cr4
        or      eax, 1 << 11
        mov     cr4, eax
        inc     dword [RESULT(0)]
        str     ax                      ; CPL 0: allowed
        smsw    ax
        sgdt    [0x700]
        iretd
.vm86:  to_vm86 vm
        bits    16
vm:     faults  13, 0, smsw ax
        faults  13, 0, sgdt [0x700]
        faults  6, NONE, str ax
        cli
        faults  13, 0, hlt
        finish
        checks
;= dword 5f0 0
;= dword 5f4 f

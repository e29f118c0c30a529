; The I/O permission bitmap: at CPL 3 above IOPL and in VM86 mode whatever IOPL is. Each byte of the port counts; two bytes of the map are
; read always, so the last one needs a byte of ones behind it within the limit; a 16-bit TSS has no map.
%include "test.inc"
%include "check.inc"
MAP     equ     0x3080          ; TSS + 80h
        bits    16
        protected_mode
        catch_faults
        idt_entry 0x30, SEL_CODE, LINEAR(kernel), 0xEE
        ; the map covers ports 0 to 7Fh, then a byte that is just within the limit: ports 80h..87h are beyond
        gdt_entry SEL_TEST, TSS_AT, 0x80 + 16, 0x0089
        mov     word [TSS_AT + 0x66], 0x80
        mov     dword [MAP], 0xFFFFFF00         ; ports 0 to 7 allowed
        mov     dword [MAP + 4], 0xFFFFFFFF
        mov     dword [MAP + 8], 0xFFFF7EFF     ; 48h and 4Fh
        mov     dword [MAP + 12], 0x00FFFFFF    ; 78h to 7Fh
        mov     byte [MAP + 16], 0xFF
        mov     eax, SEL_TEST
        ltr     ax
        to_user user, 0x9000, 0
user:   in      al, 0
        in      al, 7
        faults  13, 0, in al, 8
        in      ax, 6
        faults  13, 0, in ax, 7                 ; port 8 too
        in      eax, 4
        faults  13, 0, in eax, 5
        in      al, 0x48
        faults  13, 0, in al, 0x49
        faults  13, 0, in ax, 0x47
        faults  13, 0, in ax, 0x48
        in      al, 0x4F
        faults  13, 0, in ax, 0x4F              ; over the byte
        in      al, 0x7F
        faults  13, 0, in ax, 0x7F              ; the byte behind says no
        faults  13, 0, in al, 0x80              ; its second byte is beyond the limit
        mov     dx, 0xFFFF
        faults  13, 0, in al, dx
        mov     dx, 7
        mov     edi, 0x700
        insb
        outsb
        mov     ecx, 2
        cld
        rep outsb
        faults  13, 0, insw
        equal   edi, 0x701
        int     0x30                            ; 1: IOPL 3: no map is looked at
        in      al, 0x80
        int     0x30                            ; 2: the 16-bit TSS, IOPL 0
        faults  13, 0, in al, 0
        int     0x30                            ; 3: VM86, IOPL 3, 32-bit TSS

kernel: inc     dword [RESULT(0)]
        cmp     dword [RESULT(0)], 2
        je      .tss16
        ja      .vm86
        or      dword [esp + 8], 0x3000
        iretd
.tss16: and     dword [esp + 8], ~0x3000
        gdt_entry SEL_TEST + 8, 0x3400, 0x200, 0x0081
        mov     word [0x3402], STACK0_AT
        mov     word [0x3404], SEL_DATA
        mov     word [0x3466], 0x80
        mov     eax, SEL_TEST + 8
        ltr     ax
        iretd
.vm86:  mov     byte [GDT_AT + SEL_TEST + 5], 0x89
        mov     eax, SEL_TEST
        ltr     ax
        mov     esp, STACK0_AT
        to_vm86 vm
        bits    16
vm:     in      al, 7
        faults  13, 0, in al, 8
        faults  13, 0, in al, 0x80
        finish
        checks
;= dword 5f0 0
;= dword 5f4 f

; Two code segments with the same base and different limits: what was translated under the larger must not run beyond the end of the
; smaller.
%include "test.inc"
        bits    16
        protected_mode
        gdt_entry SEL_TEST, 0x40000, 0xFFFF, 0x409A
        gdt_entry SEL_TEST + 8, 0x40000, 0x1003, 0x409A
        idt_entry 13, SEL_CODE, LINEAR(gp), 0x8E
        ; at 1000h: INC EAX, INC EAX, INC EAX, JMP to 1010h, where a far return is
        mov     dword [0x41000], 0xEB404040
        mov     dword [0x41004], 0x0000000B
        mov     dword [0x41010], 0x909090CB
        ; at 800h: MOV EBX, 1000h; JMP EBX (16-bit operand, so that any target is inside either limit)
        mov     dword [0x40800], 0x001000BB
        mov     dword [0x40804], 0xE3FF6600
        mov     ecx, 3
        xor     eax, eax
.loop:  call    SEL_TEST:0x800
        dec     ecx
        jnz     .loop
        result  0, eax                  ; 9
        mov     [RESULT(9)], esp
        call    SEL_TEST + 8:0x800      ; JMP at 1003h is beyond the limit by a byte
back:   mov     esp, [RESULT(9)]
        result  1, eax                  ; 0Ch
        hlt
gp:     pop     dword [RESULT(2)]
        mov     edx, [esp]
        result  3, edx
        mov     edx, [esp + 4]
        result  4, edx
        mov     dword [esp], LINEAR(back)
        mov     dword [esp + 4], SEL_CODE
        iretd
;= dword 500 9
;= dword 504 c
;= dword 508 0
;= dword 50c 1003
;= dword 510 38

; Limits, expand-down segments, read-only data, null selectors, not-present segments: vectors and error codes.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 11, SEL_CODE, LINEAR(np), 0x8E
        idt_entry 12, SEL_CODE, LINEAR(sf), 0x8E
        idt_entry 13, SEL_CODE, LINEAR(gp), 0x8E
        gdt_entry SEL_TEST, 0x50000, 0xFFF, 0x4092              ; 4 KiB of data
        gdt_entry SEL_TEST + 8, 0x50000, 0xFFF, 0x4096          ; expand-down above that
        gdt_entry SEL_TEST + 16, 0x50000, 0xFFF, 0x4090         ; read-only
        gdt_entry SEL_TEST + 24, 0x50000, 0xFFF, 0x4012         ; not present
        gdt_entry SEL_TEST + 32, 0x50000, 0xFFF, 0x0096         ; expand-down, 64 KiB
        mov     esi, 0x600
%macro expect_fault 1+
        mov     ebp, LINEAR(%%after)
        %1
        mov     dword [cs:esi], 0       ; not reached
%%after:
%endmacro
        mov     eax, SEL_TEST
        mov     es, eax
        mov     eax, [es:0xFFC]                         ; allowed
        expect_fault mov eax, [es:0xFFD]                ; 13, 0
        expect_fault mov [es:0x1000], al                ; 13, 0
        mov     eax, SEL_TEST + 8
        mov     es, eax
        mov     eax, [es:0x1000]                        ; allowed
        mov     eax, [es:0x8000]
        expect_fault mov eax, [es:0xFFF]                ; 13, 0
        mov     eax, SEL_TEST + 32
        mov     es, eax
        mov     eax, [es:0xFFFC]                        ; allowed
        expect_fault mov eax, [es:0xFFFD]               ; 13, 0
        mov     eax, SEL_TEST + 16
        mov     es, eax
        mov     eax, [es:0]
        expect_fault mov [es:0], eax                    ; 13, 0
        expect_fault inc byte [es:0]                    ; 13, 0
        xor     eax, eax
        mov     es, eax
        expect_fault mov eax, [es:0]                    ; 13, 0
        mov     eax, SEL_TEST + 24
        expect_fault mov es, eax                        ; 11, selector
        mov     eax, 0x7F8 + 1
        expect_fault mov es, eax                        ; 13, selector without RPL
        mov     eax, SEL_TEST
        mov     ebx, esp
        mov     ss, eax
        mov     esp, 0x1000
        push    eax
        pop     eax
        expect_fault pop eax                            ; 12, 0
        mov     [ss:0x10], esi
        expect_fault mov eax, [ebp]                     ; 12, 0: EBP is a stack address
        mov     eax, SEL_DATA
        mov     ss, eax
        mov     esp, ebx
        sub     esi, 0x600
        result  0, esi
        hlt
np:     mov     byte [0x7F4], 11
        jmp     note
sf:     mov     byte [0x7F4], 12
        jmp     note
gp:     mov     byte [0x7F4], 13
note:   pop     edx                     ; error code
        mov     dh, [0x7F4]
        mov     [esi], dx
        add     esi, 2
        mov     [esp], ebp
        iretd
;= dword 500 16
;= dword 600 0d000d00
;= dword 604 0d000d00
;= dword 608 0d000d00
;= dword 60c 0b480d00
;= dword 610 0c000df8
;= word 614 0c00

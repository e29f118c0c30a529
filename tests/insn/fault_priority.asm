; One instruction with several reasons to fault: the order in which they are seen. Fetching (15 bytes, CS limit, page) and decoding (#UD)
; come before privilege, that before operands; segment before page; #NM and #MF before operands; the pending trap of the last
; instruction before all. (QEMU: no limits, some orders.)
%include "test.inc"
%include "check.inc"
%include "paging.inc"
        cpu     default
        bits    16
        protected_mode
        catch_faults
        identity_paging
        and     dword [PTE(0x50000)], ~1
        and     dword [PTE(0x60000)], ~1
        gdt_entry SEL_TEST, 0x50000, 0xFFF, 0x4092
        gdt_entry SEL_TEST + 8, 0x40000, 0xFFFF, 0x409A ; code that ends where a page ends
        mov     eax, cr3
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x10000
        mov     cr0, eax
        ; decoding before operands and privilege
        faults  6, NONE, db 0xF0, 0x8B, 0x05, 0, 0, 5, 0        ; LOCK MOV EAX, [50000h]
        faults  6, NONE, db 0x0F, 0x0B
        faults  6, NONE, db 0x8E, 0x0D, 0, 0, 5, 0              ; MOV CS, [50000h]
        faults  6, NONE, db 0xFF, 0x3D, 0, 0, 5, 0              ; group 5 /7
        faults  6, NONE, db 0x0F, 0xC7, 0x15, 0, 0, 5, 0        ; group 9 /2
        ; 15 bytes: #GP, though the sixteenth is in a missing page, and though the opcode were bad
        mov     edi, 0x5FFF1            ; 15 bytes up to the page's end
        mov     ecx, 15
        mov     al, 0x66
        cld
        rep stosb
        expect  13, 0, $$ + 0x4FFF1, .a15
        jmp     SEL_CODE:0x5FFF1
.a15:   mov     byte [0x5FFFE], 0x0F    ; 14 prefixes are not too many: the next byte is wanted
        mov     byte [0x5FFFF], 0x0F
        expect  14, 0, $$ + 0x4FFF2, .fetch
        jmp     SEL_CODE:0x5FFF2
.fetch: mov     eax, cr2
        equal   eax, 0x60000
        ; CS's limit before the page
        mov     dword [EXPECTED], 13 << 16
        mov     dword [EXPECTED + 4], 0xFFFF
        mov     dword [EXPECTED + 8], 0x10      ; in that segment, where a jump back is
        mov     byte [0x40010], 0xEA
        mov     dword [0x40011], LINEAR(.limit)
        mov     word [0x40015], SEL_CODE
        mov     dword [EXPECTED + 12], __LINE__
        mov     byte [0x4FFFF], 0xB0    ; MOV AL, imm8
        jmp     SEL_TEST + 8:0xFFFF
.limit:
        mov     eax, SEL_TEST
        mov     es, eax
        ; the segment before the page, the type before the page
        faults  13, 0, mov eax, [es:0xFFE]
        faults  14, 0, mov eax, [es:0xFF8]
        faults  13, 0, mov [cs:0x50000], eax
        ; a fault of the first operand before one of the second
        mov     esi, 0x50000
        mov     edi, 0xFFE
        faults  14, 0, movsd                    ; the source is read first
        ; #NM before the operand, #UD by EM before #NM
        mov     eax, cr0
        or      eax, 8
        mov     cr0, eax
        faults  7, NONE, fld dword [0x50000]
        faults  6, NONE, movups xmm0, [0x50000] ; OSFXSR is clear
        mov     eax, cr4
        or      eax, 0x200
        mov     cr4, eax
        faults  7, NONE, movups xmm0, [0x50000]
        mov     eax, cr0
        or      eax, 4
        mov     cr0, eax
        faults  6, NONE, movups xmm0, [0x50000]
        faults  7, NONE, fld dword [0x50000]
        mov     eax, cr0
        and     eax, ~0xC
        or      eax, 0x20               ; NE
        mov     cr0, eax
        ; #MF of the one before, ahead of this one's page
        fninit
        mov     word [0x700], 0x037B
        fldcw   [0x700]
        fld1
        fldz
        fdivp
        faults  16, NONE, fld dword [0x50000]
        fnclex
        faults  14, 0, fld dword [0x50000]
        faults  13, 0, movaps xmm0, [0x50004]   ; its alignment before the page
        ; privilege before operands
        mov     edi, PT_AT
.user:  or      dword [edi], 4
        add     edi, 4
        cmp     edi, PT_AT + 0x80
        jne     .user
        mov     eax, cr3
        mov     cr3, eax
        to_user user, 0x9000, 0
user:   faults  13, 0, lgdt [0x50000]
        faults  13, 0, lmsw [0x50000]
        faults  13, 0, lldt [0x50000]
        faults  13, 0, invlpg [0x50000]
        mov     edi, 0x50000
        mov     dx, 0x80
        faults  13, 0, insb                     ; the port before memory
        mov     esi, edi
        faults  13, 0, outsb
        faults  13, 0, mov cr0, eax
        faults  6, NONE, db 0xF0, 0xF4          ; LOCK HLT
        faults  13, 0x7F8, jmp 0x7F8:0
        finish
        checks
;= dword 5f0 0
;= dword 5f4 1e

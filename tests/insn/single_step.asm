; TF: a trap after each instruction, none after the one that follows MOV SS, one after each iteration of REP; breakpoints of
; instructions (with RF) and data; none behind a task switch.
%include "test.inc"
TSS_B   equ 0x4000
        bits    16
        protected_mode
        idt_entry 1, SEL_CODE, LINEAR(db), 0x8E
        pushfd
        or      dword [esp], 0x100
        popfd                           ; no trap yet
        nop                             ; 1
        mov     ax, ss                  ; 2
        mov     ss, ax                  ; swallowed
        nop                             ; 3
        mov     ecx, 3                  ; 4
        mov     edi, 0x8000             ; 5
        rep stosb                       ; 6, 7, 8
        pushfd                          ; 9
        and     dword [esp], ~0x100     ; 10
        popfd                           ; 11: TF was on before it
        nop
        mov     eax, [RESULT(10)]
        result  0, eax                  ; 11
        mov     dword [RESULT(10)], 0
        xor     eax, eax
        mov     dr6, eax
        mov     eax, LINEAR(brk)
        mov     dr0, eax
        mov     eax, 0x8100
        mov     dr1, eax
        mov     eax, 0x00D00405         ; L0 execute, L1 write of 4 bytes (also G bits off)
        mov     dr7, eax
        xor     ebx, ebx
brk:    inc     ebx                     ; fault before, once; RF lets it run
        mov     eax, dr6
        result  1, eax
        xor     eax, eax
        mov     dr6, eax
        mov     eax, [0x8100]           ; a read does not count
        mov     [0x8102], eax           ; trap after it
        inc     ebx
        mov     eax, dr6
        result  2, eax
        xor     eax, eax
        mov     dr7, eax
        mov     eax, [RESULT(10)]
        result  3, eax                  ; 2
        result  4, ebx                  ; 2
        ; a task switch is no step, whatever TF was before: tasks have a T bit
        gdt_entry SEL_TEST, TSS_B, 0x67, 0x0089
        mov     dword [TSS_B + 0x20], LINEAR(task_b)
        mov     dword [TSS_B + 0x24], 2
        mov     dword [TSS_B + 0x38], 0x7000
%assign offset 0x48
%rep 6
        mov     dword [TSS_B + offset], SEL_DATA
%assign offset offset + 4
%endrep
        mov     dword [TSS_B + 0x4C], SEL_CODE
        mov     dword [RESULT(10)], 0
        pushfd
        or      dword [esp], 0x100
        popfd
        call    SEL_TEST:0              ; there and back
        nop                             ; 1
        pushfd                          ; 2
        and     dword [esp], ~0x100     ; 3
        popfd                           ; 4
        mov     eax, [RESULT(10)]
        result  5, eax
        hlt
task_b: iretd
db:     inc     dword [RESULT(10)]
        test    dword [esp + 8], 0x100
        jnz     .out
        or      dword [esp + 8], 0x10000 ; RF
.out:   iretd
;= dword 500 b
;= dword 504 ffff0ff1
;= dword 508 ffff0ff2
;= dword 50c 2
;= dword 510 2
;= dword 514 4

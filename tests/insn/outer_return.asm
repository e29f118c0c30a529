; Returns to an outer level by IRET and RETF: data segments that the new level may not see become null, conforming code and segments of
; its own stay; the stack of the outer level, RETF's release on both; what is checked of CS and SS. (QEMU: #NP for SS not present.)
%include "test.inc"
%include "check.inc"
CONF    equ     SEL_TEST                ; conforming, readable, DPL 0
DATA1   equ     SEL_TEST + 8 + 1        ; DPL 1
STACK16 equ     SEL_TEST + 16 + 3       ; 16-bit stack, DPL 3
ABSENT  equ     SEL_TEST + 24 + 3
CODE1   equ     SEL_TEST + 32 + 1       ; DPL 1
        bits    16
        protected_mode
        catch_faults
        idt_entry 0x30, SEL_CODE, LINEAR(next), 0xEE
        gdt_entry CONF, 0, 0xFFFFF, 0xC09E
        gdt_entry DATA1, 0, 0xFFFFF, 0xC0B2
        gdt_entry STACK16, 0x30000, 0xFFFF, 0x00F2
        gdt_entry ABSENT, 0, 0xFFFFF, 0xC072
        gdt_entry CODE1, 0, 0xFFFFF, 0xC0BA
        ; refused, at CPL 0
%define refused check_refused __LINE__,
%macro check_refused 5                  ; line, vector, error, CS, SS
        push    dword %5
        push    dword 0x9000
        push    dword %4
        push    dword LINEAR(user)
        mov     esi, esp
        check_faults %1, %2, (%3) & 0xFFFC, retf
        check_equal %1, esp, esi
        add     esp, 16
%endmacro
        refused 13, 0, 3, SEL_DATA3             ; CS null
        refused 13, 0, SEL_CODE3, 0             ; SS null
        refused 13, SEL_DATA, SEL_CODE3, SEL_DATA       ; RPL of SS
        refused 13, SEL_CODE3, SEL_CODE3, SEL_CODE3     ; code as a stack
        refused 12, ABSENT, SEL_CODE3, ABSENT
        refused 13, SEL_CODE, SEL_CODE + 3, SEL_DATA3   ; DPL 0, RPL 3
        refused 13, SEL_DATA3, SEL_DATA3, SEL_DATA3     ; data as code
        refused 13, 0x7F8, 0x7F8 + 3, SEL_DATA3
        ; IRET to CPL 3: DS (DPL 0), ES (DPL 1) go, FS (conforming) and GS (DPL 3) stay
        mov     eax, SEL_DATA
        mov     ds, eax
        mov     eax, DATA1
        mov     es, eax
        mov     eax, CONF
        mov     fs, eax
        mov     eax, SEL_DATA3
        mov     gs, eax
        push    dword SEL_DATA3
        push    dword 0x9000
        push    dword 2
        push    dword SEL_CODE3
        push    dword LINEAR(user)
        iretd
user:   mov     ax, ds
        mov     [gs:RESULT(0)], ax
        mov     ax, es
        mov     [gs:RESULT(1)], ax
        mov     ax, fs
        mov     [gs:RESULT(2)], ax
        mov     eax, [fs:RESULT(2)]     ; readable
        mov     ax, SEL_DATA3
        mov     ds, ax
        mov     es, ax
        equal   word [RESULT(0)], 0
        equal   word [RESULT(1)], 0
        equal   word [RESULT(2)], CONF
        equal   esp, 0x9000
        faults  13, SEL_DATA, mov ds, [LINEAR(data0)]
        faults  13, 0, mov ss, [LINEAR(null)]
        int     0x30
user2:  mov     ax, ds                  ; after RETF 8 to a 16-bit stack
        equal   ax, SEL_DATA3
        mov     eax, esp
        equal   eax, 0x1008             ; released on this one; only SP was loaded, the upper half is that of CPL 0
        push    ax
        mov     eax, esp
        equal   eax, 0x1006
        finish
next:   push    dword STACK16
        push    dword 0x12341000
        push    dword 0x7777
        push    dword 0x8888
        push    dword SEL_CODE3
        push    dword LINEAR(user2)
        retf    8
data0:  dw      SEL_DATA
null:   dw      0
        checks
;= dword 5f0 0
;= dword 5f4 19

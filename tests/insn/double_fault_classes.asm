; The table of double faults: what becomes of a second exception while the first is delivered, by the classes of both; EXT in its error
; code; CR2 of the second page fault. #DF has the frame of the first instruction.
%include "test.inc"
%include "check.inc"
%include "paging.inc"
TASK    equ     SEL_TEST
LIMITED equ     SEL_TEST + 8
ABSENT  equ     SEL_TEST + 16
BADTSS  equ     SEL_TEST + 24
TASK2   equ     SEL_TEST + 32
; A task at CPL 0 that begins at a label: TSS selector, its address, label
%macro task 3
        gdt_entry %1, %2, 0x67, 0x0089
        mov     dword [%2 + 28], PD_AT
        mov     dword [%2 + 32], LINEAR(%3)
        mov     dword [%2 + 36], 2
        mov     dword [%2 + 56], 0x5000
        mov     dword [%2 + 72], SEL_DATA
        mov     dword [%2 + 76], SEL_CODE
        mov     dword [%2 + 80], SEL_DATA
        mov     dword [%2 + 84], SEL_DATA
%endmacro
        bits    16
        protected_mode
        catch_faults
        identity_paging
        and     dword [PTE(0x50000)], ~1
        gdt_entry LIMITED, 0x7000, 0xFF, 0x4092
        gdt_entry ABSENT, 0, 0xFFFFF, 0xC012
        gdt_entry BADTSS, 0x4000, 0x20, 0x0089
        mov     eax, LIMITED
        mov     es, eax
        mov     eax, cr0
        or      eax, 0x20               ; NE
        mov     cr0, eax
        fninit
%define spoiled check_spoiled __LINE__,
; spoiled VECTOR, second, its error, insn: the gate of VECTOR names a selector beyond the GDT while insn runs
%macro check_spoiled 5+
        mov     word [IDT_AT + 8 * (%2) + 2], 0x7F8
        check_faults %1, %3, %4, %5
        mov     word [IDT_AT + 8 * (%2) + 2], SEL_CODE
%endmacro
%define absent check_absent __LINE__,
%macro check_absent 5+
        and     byte [IDT_AT + 8 * (%2) + 5], 0x7F
        check_faults %1, %3, %4, %5
        or      byte [IDT_AT + 8 * (%2) + 5], 0x80
%endmacro
        xor     ecx, ecx
        ; a benign one first: the second is delivered by itself
        spoiled 6, 13, 0x7F8 + 1, ud2
        absent  6, 11, 6 * 8 + 2 + 1, ud2
        spoiled 3, 13, 0x7F8, int3                      ; software: EXT is clear
        absent  3, 11, 3 * 8 + 2, int3
        spoiled 1, 13, 0x7F8 + 1, db 0xF1               ; ICEBP is not
        spoiled 5, 13, 0x7F8 + 1, bound ecx, [LINEAR(bounds)]
        spoiled 14, 13, 0x7F8, int 14                   ; INT 14 is no page fault
        ; contributory and contributory
        spoiled 0, 8, 0, div ecx
        spoiled 13, 8, 0, mov eax, [es:0x100]
        absent  13, 8, 0, mov eax, [es:0x100]
        spoiled 11, 8, 0, mov fs, [LINEAR(np)]
        spoiled 12, 8, 0, mov ss, [LINEAR(np)]
        spoiled 10, 8, 0, call BADTSS:0
        ; a page fault and a contributory one
        spoiled 14, 8, 0, mov eax, [0x50000]
        absent  14, 8, 0, mov eax, [0x50000]
        mov     eax, cr2
        equal   eax, 0x50000
        ; a page fault second: the stack of CPL 0 is missing, so tasks take over
        mov     edi, PT_AT
.user:  or      dword [edi], 4
        add     edi, 4
        cmp     edi, PT_AT + 0x80
        jne     .user
        mov     eax, cr3
        mov     cr3, eax
        mov     dword [TSS_AT + 4], 0x51000     ; pushes go to the page below
        mov     byte [IDT_AT + 8 * 14 + 5], 0x85
        mov     word [IDT_AT + 8 * 14 + 2], TASK
        ; contributory and page fault: #PF
        task    TASK, 0x4000, handled
        to_user user, 0x9000, 0
user:   hlt                                     ; #GP, then #PF on its stack
        failed
handled:
        equal   dword [esp], 2                  ; error code: a write, the supervisor's
        mov     eax, cr2
        equal   eax, 0x50FFC
        equal   dword [TSS_AT + 32], LINEAR(user)
        equal   dword [TSS_AT + 76], SEL_CODE3
        ; a page fault and a page fault: #DF; the task is free again by hand
        mov     byte [GDT_AT + SEL_TSS + 5], 0x89
        mov     byte [IDT_AT + 8 * 14 + 5], 0x8E
        mov     word [IDT_AT + 8 * 14 + 2], SEL_CODE
        mov     word [IDT_AT + 8 * 8 + 2], TASK2
        mov     byte [IDT_AT + 8 * 8 + 5], 0x85
        pushfd
        and     dword [esp], ~0x4000
        popfd
        task    TASK2, 0x4100, doubled
        mov     eax, SEL_TSS
        ltr     ax
        to_user user2, 0x9000, 0
user2:  mov     eax, [0x50800]
        failed
doubled:
        equal   dword [esp], 0
        mov     eax, cr2
        equal   eax, 0x50FFC                    ; of the second
        equal   dword [TSS_AT + 32], LINEAR(user2)
        finish
np:     dw      ABSENT
bounds: dd      1, 2
        checks
;= dword 5f0 0
;= dword 5f4 17

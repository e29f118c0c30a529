; A page fault in the middle of an instruction with several accesses leaves it as if it had not begun (but for what it has stored below
; the stack pointer): PUSHA, POPA, ENTER, far CALL and RET, call gates, INT, IRET, CMPXCHG8B, XCHG, FSAVE, LES, BOUND, RMW over two pages, MOVS,
; POP to memory, a task switch.
%include "test.inc"
%include "check.inc"
%include "paging.inc"
GONE    equ     0x50000                 ; the missing page; the one below it and the one above are there
        bits    16
        protected_mode
        catch_faults
        identity_paging
        idt_entry 0x30, SEL_CODE, LINEAR(int30), 0x8E
        mov     dword [GDT_AT + SEL_TEST], (SEL_CODE << 16) | (LINEAR(gate) & 0xFFFF)
        mov     dword [GDT_AT + SEL_TEST + 4], (LINEAR(gate) & 0xFFFF0000) | 0x8C00
        gdt_entry SEL_TEST + 8, GONE - 0x40, 0x67, 0x0089
        fninit
        mov     edi, 0x4F000            ; a pattern around
        mov     eax, 0x01010101
        mov     ecx, 0x400
        cld
        rep stosd
%macro take 0
        and     dword [PTE(GONE)], ~1
        invlpg  [GONE]
%endmacro
%macro give 0
        or      dword [PTE(GONE)], 1
        invlpg  [GONE]
%endmacro
; restarts ERROR, insn: faults with the page gone, without a register changed
%define restarts check_restarts __LINE__,
%macro check_restarts 3+
        take
        mov     [RESULT(20)], esp
        mov     [RESULT(21)], ecx
        mov     [RESULT(22)], edi
        mov     [RESULT(23)], eax
        check_faults %1, 14, %2, %3
        check_equal %1, esp, [RESULT(20)]
        check_equal %1, ecx, [RESULT(21)]
        check_equal %1, edi, [RESULT(22)]
        check_equal %1, eax, [RESULT(23)]
        give
%endmacro
        mov     ebp, esp
        mov     ebx, GONE
        lea     edi, [ebx - 4]
        mov     edx, 0x55555555
        mov     eax, 0x01010101
        restarts 2, mov [ebx - 2], eax          ; over both pages: nothing is stored in the first
        equal   word [ebx - 2], 0x0101
        mov     ecx, 0x44444444
        restarts 2, add [ebx - 1], ecx
        equal   byte [ebx - 1], 1
        restarts 2, cmpxchg8b [ebx - 4]
        equal   dword [ebx - 4], 0x01010101
        restarts 2, xchg eax, [ebx - 3]
        restarts 2, fnsave [ebx - 60]
        equal   dword [ebx - 60], 0x01010101
        restarts 2, fnstenv [ebx - 27]
        equal   dword [ebx - 27], 0x01010101
        restarts 0, les ecx, [ebx - 4]
        restarts 0, bound eax, [ebx - 4]
        restarts 2, sgdt [ebx - 2]
        equal   word [ebx - 2], 0x0101
        restarts 0, lgdt [ebx - 5]
        restarts 2, bts dword [ebx - 4], edx    ; far away, in bit strings
        restarts 2, shld [ebx - 2], eax, 7
        mov     esi, 0x8000
        lea     edi, [ebx - 2]
        restarts 2, movsd
        restarts 2, pop dword [ebx]
        mov     esi, ebx
        mov     edi, 0x8000
        restarts 0, cmpsd
        restarts 0, lodsd
        restarts 0, call far [ebx - 2]
        restarts 0, jmp [ebx - 2]
        restarts 0, jmp SEL_TEST + 8:0          ; a TSS over the pages
        equal   byte [GDT_AT + SEL_TEST + 8 + 5], 0x89
        str     ax
        equal   ax, SEL_TSS
        ; stacks: at CPL 3, where the handler has its own
        mov     edi, PT_AT
.user:  or      dword [edi], 4
        add     edi, 4
        cmp     edi, PT_AT + 0x180
        jne     .user
        mov     eax, cr3
        mov     cr3, eax
        mov     byte [GDT_AT + SEL_TEST + 5], 0xEC
        idt_entry 0x31, SEL_CODE, LINEAR(take_it), 0xEE
        idt_entry 0x32, SEL_CODE, LINEAR(give_it), 0xEE
        to_user user, 0x8000, 0
; stacked ERROR, esp, insn: with ESP so that the access runs into the page
%define stacked check_stacked __LINE__,
%macro check_stacked 4+
        mov     esp, %3
        int     0x31
        check_faults %1, 14, %2, %4
        check_equal %1, esp, %3
        mov     [RESULT(24)], ebp
        check_equal %1, ebp, 0xB0B0
        int     0x32
%endmacro
user:   mov     ebp, 0xB0B0
        stacked 6, GONE + 0x1008, pusha         ; downwards into the page
        stacked 6, GONE + 0x1004, pushad
        stacked 4, GONE - 8, popad
        stacked 4, GONE - 8, popa
        stacked 6, GONE + 0x1004, enter 8, 0
        stacked 6, GONE + 0x1004, enter 0x10, 3
        stacked 4, GONE - 4, retf
        stacked 4, GONE - 4, iretd
        stacked 4, GONE - 2, pop eax
        stacked 6, GONE + 0x1002, push eax
        stacked 6, GONE + 0x1004, call SEL_CODE3:LINEAR(user)
        stacked 4, GONE - 2, popfd
        finish
take_it:
        take
        iretd
give_it:
        give
        iretd
int30:  iretd
gate:   retf
        checks
;= dword 5f0 0
;= dword 5f4 8b

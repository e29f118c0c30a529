; Task switches of every kind between 32-bit and 16-bit TSSs: JMP, CALL, IRET by NT, task gates in GDT and IDT, with an error code; busy
; bits, NT, back links, TS, the T bit, CR3-independent state; what is checked in the old task and faults there, and what
; faults in the new. (QEMU loses the old task's arithmetic flags, and the limit of its TSS.)
%include "test.inc"
%include "check.inc"
T32     equ     SEL_TEST                ; TSS at 4000h
T16     equ     SEL_TEST + 8            ; 16-bit TSS at 4100h
TGATE   equ     SEL_TEST + 16           ; task gate to T32
TSHORT  equ     SEL_TEST + 24           ; limit too small
TNP     equ     SEL_TEST + 32           ; not present
CODE16  equ     SEL_TEST + 40
LDTS    equ     SEL_TEST + 48
STACK16 equ     SEL_TEST + 64
TERR    equ     SEL_TEST + 56           ; TSS at 4200h, for faults
%macro tss32 4                          ; address, eip label, esp, eflags
        mov     edi, %1
        mov     ecx, 26
        xor     eax, eax
        cld
        rep stosd
        mov     dword [%1 + 32], LINEAR(%2)
        mov     dword [%1 + 36], %4
        mov     dword [%1 + 56], %3
        mov     dword [%1 + 72], SEL_DATA
        mov     dword [%1 + 76], SEL_CODE
        mov     dword [%1 + 80], SEL_DATA
        mov     dword [%1 + 84], SEL_DATA
%endmacro
%define BUSY(sel) byte [GDT_AT + (sel) + 5]
        bits    16
        protected_mode
        catch_faults
        gdt_entry T32, 0x4000, 0x67, 0x0089
        gdt_entry T16, 0x4100, 0x2B, 0x0081
        gdt_entry TSHORT, 0x4000, 0x66, 0x0089
        gdt_entry TNP, 0x4000, 0x67, 0x0009
        gdt_entry CODE16, 0x10000, 0xFFFF, 0x009A
        gdt_entry LDTS, 0x4300, 0x3F, 0x0082
        gdt_entry STACK16, 0, 0xFFFF, 0x0092
        gdt_entry TERR, 0x4200, 0x67, 0x0089
        mov     dword [GDT_AT + TGATE], T32 << 16
        mov     dword [GDT_AT + TGATE + 4], 0x8500
        mov     dword [IDT_AT + 8 * 0x30], T32 << 16
        mov     dword [IDT_AT + 8 * 0x30 + 4], 0x8500
        ; CALL to a TSS: nested, back link, busy both, TS; IRET comes back
        tss32   0x4000, task1, 0x5000, 0x802
        mov     ebx, 0x12345678
        stc
        call    T32:0x9999              ; the offset does not matter
back1:  setc    al
        equal   al, 1
        equal   ebx, 0x12345678
        equal   dword [RESULT(0)], 0x4802       ; its EFLAGS: NT
        equal   dword [RESULT(1)], SEL_TSS      ; the back link
        equal   dword [RESULT(2)], 0x8B8B       ; busy while it ran, both
        equal   dword [RESULT(3)], 8            ; TS
        equal   BUSY(T32), 0x89
        equal   BUSY(SEL_TSS), 0x8B
        equal   dword [TSS_AT + 32], LINEAR(back1)
        test    dword [0x4024], 0x4000  ; NT is gone from its saved flags
        setnz   al
        equal   al, 0
        clts
        ; the task goes on behind its IRET when it is called again, through a gate
        call    TGATE:0
        equal   dword [RESULT(4)], 1
        clts
        ; an interrupt through a task gate
        int     0x30
        equal   dword [RESULT(4)], 2
        clts
        ; JMP to a 16-bit task and back: no nesting, busy moves; what a 16-bit TSS has not got is all ones
        mov     word [0x4100 + 18], 0x1234      ; AX
        mov     word [0x4100 + 30], 0x8765      ; SI
        mov     word [0x4100 + 14], task16 - $$
        mov     word [0x4100 + 16], 2
        mov     word [0x4100 + 26], 0x5800      ; SP
        mov     word [0x4100 + 34], SEL_DATA    ; ES
        mov     word [0x4100 + 36], CODE16
        mov     word [0x4100 + 38], STACK16
        mov     word [0x4100 + 40], SEL_DATA
        mov     eax, SEL_DATA
        mov     fs, eax
        mov     edx, 0xAAAA5555
        jmp     T16:0
back2:  equal   dword [RESULT(5)], 0x8389       ; T16 busy, ours not
        equal   dword [RESULT(6)], 0            ; FS is null in a 16-bit task
        equal   dword [RESULT(7)], 2            ; no NT
        equal   dword [RESULT(10)], 0xFFFF1234
        equal   dword [RESULT(11)], 0xFFFF5800
        equal   dword [RESULT(12)], 0xFFFF8765
        equal   dword [RESULT(13)], 0xFFFF0000
        equal   BUSY(T16), 0x81
        equal   edx, 0xAAAA5555
        mov     eax, fs
        equal   eax, SEL_DATA
        equal   word [0x4100 + 14], task16.back - $$
        equal   word [0x4100 + 24], 0xD00D      ; BX as it saved it
        clts
        ; the T bit: #DB in the new task before its first instruction, BT
        idt_entry 1, SEL_CODE, LINEAR(trap), 0x8E
        mov     dword [0x4000 + 32], LINEAR(task1)
        mov     word [0x4000 + 100], 1
        call    T32:0
        equal   dword [RESULT(8)], LINEAR(task1)
        equal   dword [RESULT(9)], 0xFFFF8FF0
        mov     word [0x4000 + 100], 0
        clts
        ; checked in the old task
        faults  13, SEL_TSS, jmp SEL_TSS:0      ; busy
        faults  10, TSHORT, jmp TSHORT:0
        faults  11, TNP, call TNP:0
        faults  13, T32, call T32 + 3:0         ; RPL above DPL
        mov     word [GDT_AT + TGATE + 2], 0x7F8
        faults  13, 0x7F8, call TGATE:0
        mov     word [GDT_AT + TGATE + 2], 0
        faults  13, 0, call TGATE:0
        mov     byte [GDT_AT + TGATE + 5], 5
        faults  11, TGATE, call TGATE:0
        pushfd
        or      dword [esp], 0x4000
        popfd                           ; NT without a nesting: the back link is 0
        faults  10, 0, iretd
        mov     word [TSS_AT], T32
        faults  10, T32, iretd          ; not busy
        pushfd
        and     dword [esp], ~0x4000
        popfd
        ; found in the new task: its handler runs there, and its IRET comes back here
        idt_entry 10, SEL_CODE, LINEAR(wrong10), 0x8F
        idt_entry 11, SEL_CODE, LINEAR(wrong11), 0x8F
        idt_entry 13, SEL_CODE, LINEAR(wrong13), 0x8F
%define broken check_broken __LINE__,
%macro check_broken 4                   ; line, offset in the TSS, value, vector << 16 | error
        tss32   0x4200, never, 0x5400, 2
        mov     dword [0x4200 + (%2)], %3
        mov     dword [RESULT(10)], 0
        call    TERR:0
        check_equal %1, dword [RESULT(10)], %4
        check_equal %1, BUSY(TERR), 0x89
%endmacro
        broken  84, 0x7F8, (10 << 16) | 0x7F8   ; DS beyond the GDT
        broken  84, SEL_TSS, (10 << 16) | SEL_TSS       ; not a segment for data
        broken  72, SEL_DATA + 3, (10 << 16) | SEL_DATA ; ES: RPL above DPL
        gdt_entry SEL_TEST + 72, 0, 0xFFFF, 0x0012
        broken  92, SEL_TEST + 72, (11 << 16) | (SEL_TEST + 72) ; GS not present
        ; the LDT goes before CS and SS, so that only a task can handle it: a task gate for #TS, the error code on its stack
        mov     dword [IDT_AT + 8 * 10], T32 << 16
        mov     dword [IDT_AT + 8 * 10 + 4], 0x8500
        tss32   0x4000, last, 0x5000, 2
        gdt_entry LDTS, 0x4300, 0x3F, 0x0002    ; not present: #TS all the same
        tss32   0x4200, never, 0x5400, 2
        mov     dword [0x4200 + 96], LDTS
        call    TERR:0

last:   equal   dword [esp], LDTS       ; EXT is clear: CALL was no event
        equal   word [0x4000], TERR
        equal   BUSY(TERR), 0x8B
        equal   dword [0x4200 + 32], LINEAR(never)
        finish

task1:  pushfd
        pop     dword [RESULT(0)]
        movzx   eax, word [0x4000]
        mov     [RESULT(1)], eax
        mov     al, BUSY(T32)
        mov     ah, BUSY(SEL_TSS)
        mov     [RESULT(2)], ax
        mov     eax, cr0
        and     eax, 8
        mov     [RESULT(3)], eax
.again: iretd
        inc     dword [RESULT(4)]
        jmp     .again
trap:   push    eax
        mov     eax, [esp + 4]
        mov     [RESULT(8)], eax
        mov     eax, dr6
        mov     [RESULT(9)], eax
        pop     eax
        iretd
never:  iretd                           ; NT: back to the task that called
wrong10:
        push    dword 10
        jmp     wrong
wrong11:
        push    dword 11
        jmp     wrong
wrong13:
        push    dword 13
wrong:  mov     ecx, SEL_DATA           ; DS may be what was wrong
        mov     ds, ecx
        pop     eax
        shl     eax, 16
        pop     ecx
        or      eax, ecx
        mov     [RESULT(10)], eax
        mov     eax, [esp]
        mov     [RESULT(11)], eax       ; EIP: the new task's first instruction
        iretd

        bits    16
task16: mov     [RESULT(10)], eax
        mov     [RESULT(11)], esp
        mov     [RESULT(12)], esi
        mov     [RESULT(13)], ebp
        mov     al, BUSY(SEL_TSS)
        mov     ah, BUSY(T16)
        mov     [RESULT(5)], ax
        mov     ax, fs
        mov     [RESULT(6)], ax
        pushf
        pop     word [RESULT(7)]
        mov     bx, 0xD00D
        jmp     SEL_TSS:0
.back:  hlt
        checks
;= dword 5f0 0
;= dword 5f4 2f

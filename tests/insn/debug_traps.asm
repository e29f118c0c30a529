; Debug exceptions, in the order and with the bits that the manual gives: data breakpoints of each kind and length, unaligned
; accesses, port breakpoints under CR4.DE, general detect, ICEBP, single steps together with others; a MOV SS whose data breakpoint
; waits for the next instruction; frames of far transfers; what breakpoints do not see. (QEMU's translator fails about half of this.)
%include "test.inc"
%include "check.inc"
        cpu     default
LOG     equ     0x700                   ; of the handler: DR6, EIP, EFLAGS; count at 6FCh
        bits    16
        protected_mode
        catch_faults
        idt_entry 1, SEL_CODE, LINEAR(db), 0x8E
        idt_entry 0x30, SEL_CODE, LINEAR(int30), 0x8E
%macro arm 3                            ; DR0 address, RW, LEN (1, 2, 4 bytes as 0, 1, 3)
        mov     eax, %1
        mov     dr0, eax
        mov     eax, 0x402 | ((%2) << 16) | ((%3) << 18)
        mov     dr7, eax
%endmacro
%define traps   check_traps __LINE__,
%define quiet   check_quiet __LINE__,
%macro check_traps 3+                   ; line, DR6 bits, insn
        mov     dword [0x6FC], 0
        %3
%%after:
        check_equal %1, dword [0x6FC], 1
        check_equal %1, dword [LOG], 0xFFFF0FF0 | (%2)
        check_equal %1, dword [LOG + 4], LINEAR(%%after)
%endmacro
%macro check_quiet 2+
        mov     dword [0x6FC], 0
        %2
        check_equal %1, dword [0x6FC], 0
%endmacro
        mov     ebx, 0x8000
        arm     0x8004, 1, 3            ; 4 bytes, writes
        quiet   mov eax, [ebx + 4]
        traps   1, mov [ebx + 4], eax
        traps   1, mov [ebx + 7], al
        traps   1, mov [ebx + 1], eax
        quiet   mov [ebx], eax
        quiet   mov [ebx + 8], eax
        traps   1, inc byte [ebx + 6]
        traps   1, mov [ebx + 3], ax
        arm     0x8006, 3, 3            ; an address that is not aligned to its length: rounded down
        traps   1, mov al, [ebx + 4]
        quiet   mov al, [ebx + 8]
        arm     0x8005, 3, 0            ; one byte, reads and writes
        traps   1, mov eax, [ebx + 4]
        quiet   mov al, [ebx + 4]
        traps   1, test [ebx + 2], eax
        arm     0x8006, 3, 1            ; two bytes
        traps   1, cmp byte [ebx + 7], 1
        quiet   prefetcht0 [ebx + 6]
        ; strings: after the iteration that touches it, ECX tells
        mov     edi, 0x8000
        mov     ecx, 4
        cld
        mov     dword [0x6FC], 0
rep_at: rep stosd                       ; bytes 6 and 7: the second
        equal   dword [0x6FC], 1
        equal   dword [LOG + 12], 2     ; ECX then
        equal   dword [LOG + 4], LINEAR(rep_at)
        bt      dword [LOG + 8], 16     ; RF in the frame of a REP that goes on
        jnc     bad
        equal   ecx, 0
        ; two at once
        mov     eax, 0x8005
        mov     dr1, eax
        mov     eax, 0x00370408 | 2     ; DR0 access, 2 bytes; DR1 access, 1 byte
        mov     dr7, eax
        traps   3, mov eax, [ebx + 4]
        ; single step with a data breakpoint: one exception
        mov     dword [0x6FC], 0
        pushfd
        or      dword [esp], 0x100
        popfd
        mov     al, [ebx + 5]           ; B1, BS
        pushfd
        and     dword [esp], ~0x100
        popfd
        equal   dword [LOG + 16], 0xFFFF4FF2
        ; disabled: nothing
        mov     eax, 0x00370400
        mov     dr7, eax
        quiet   mov eax, [ebx + 4]
        ; MOV SS from a watched operand, POP SS from a watched stack: the trap comes behind the next instruction
        mov     eax, SEL_DATA
        mov     [ebx + 4], eax
        arm     0x8004, 3, 1
        mov     dword [0x6FC], 0
        mov     ss, [ebx + 4]
        mov     eax, [0x6FC]            ; not yet
ss1:    equal   eax, 0
        equal   dword [0x6FC], 1
        equal   dword [LOG], 0xFFFF0FF1
        equal   dword [LOG + 4], LINEAR(ss1)
        mov     dword [0x6FC], 0
        mov     ss, [ebx + 4]
        int     0x30                    ; at the first instruction of the handler
        equal   dword [0x6FC], 1
        equal   dword [LOG + 4], LINEAR(int30)
        mov     ecx, 0x7F8
        expect  13, 0x7F8, ss2, ss3
        mov     dword [0x6FC], 0
        mov     ss, [ebx + 4]
ss2:    mov     es, ecx                 ; a fault there: lost
ss3:    equal   dword [0x6FC], 0
        ; the frame of a far CALL, pushed and popped
        mov     esi, esp
        lea     eax, [esp - 8]
        mov     dr0, eax
        mov     eax, 0x000F0402
        mov     dr7, eax
        mov     dword [0x6FC], 0
        call    SEL_CODE:LINEAR(farproc)
back:   mov     esp, esi
        equal   dword [0x6FC], 2        ; behind CALL and behind RETF
        equal   dword [LOG + 4], LINEAR(back)
        ; an instruction breakpoint with a trap pending before it: the trap alone first, then the fault
        mov     eax, LINEAR(brk)
        mov     dr1, eax
        arm     0x8004, 3, 1
        mov     eax, dr7
        or      al, 8
        mov     dr7, eax
        mov     dword [0x6FC], 0
        mov     al, [ebx + 4]
brk:    nop
        equal   dword [0x6FC], 2
        equal   dword [LOG], 0xFFFF0FF2
        equal   dword [LOG + 4], LINEAR(brk)
        xor     eax, eax
        mov     dr7, eax
        ; ports, under CR4.DE only
        arm     0x44, 2, 1              ; ports 44h and 45h
        quiet   out 0x44, al
        mov     eax, cr4
        or      eax, 8
        mov     cr4, eax
        traps   1, out 0x44, al
        traps   1, in ax, 0x43
        traps   1, in eax, 0x42
        quiet   in al, 0x46
        quiet   mov al, [0x44]          ; memory is something else
        xor     eax, eax
        mov     dr7, eax
        faults  6, NONE, mov eax, dr4   ; DE: no aliases
        mov     eax, cr4
        and     eax, ~8
        mov     cr4, eax
        mov     eax, dr5
        equal   eax, 0x400              ; DR7
        ; general detect
        mov     eax, 0x2400
        mov     dr7, eax
        mov     dword [0x6FC], 0
gd:     mov     eax, dr0                ; fault: BD; GD is clear in the handler
        equal   dword [0x6FC], 1
        equal   dword [LOG], 0xFFFF2FF0
        equal   dword [LOG + 4], LINEAR(gd)
        bt      dword [LOG + 8], 16
        jnc     bad
        mov     eax, dr7
        equal   eax, 0x400
        ; ICEBP: a trap without any bit, through a gate that INT 1 may not use
        mov     dword [0x6FC], 0
        db      0xF1
ice:    equal   dword [0x6FC], 1
        equal   dword [LOG], 0xFFFF0FF0
        equal   dword [LOG + 4], LINEAR(ice)
        finish
bad:    failed
        finish
farproc:
        retf    64                      ; so that the handler's frame lies elsewhere
int30:  iretd
db:     push    eax
        push    ebx
        mov     eax, dr6
        mov     [LOG], eax
        test    eax, 15
        jz      .no
        test    eax, 0x4000
        jz      .no
        mov     [LOG + 16], eax         ; a breakpoint and a step
.no:    mov     ebx, eax
        mov     eax, [esp + 8]
        mov     [LOG + 4], eax
        push    dword [esp + 16]
        pop     dword [LOG + 8]
        mov     [LOG + 12], ecx
        mov     eax, 0xFFFF0FF0
        mov     dr6, eax
        inc     dword [0x6FC]
        test    bl, 2
        jz      .out
        cmp     dword [esp + 8], LINEAR(brk)
        jne     .out
        or      dword [esp + 16], 0x10000 ; RF
.out:   pop     ebx
        pop     eax
        iretd
        checks
;= dword 5f0 0
;= dword 5f4 4c

; Gates of the 286 and the 386 beside each other: a 286 gate takes 16 bits of offset and pushes words, whatever stands in its upper offset
; word (QEMU takes that too); call gates with word parameters from CPL 3; conforming code through gates and without; the checks of selectors on the way.
%include "test.inc"
%define CHECK_EIP(label) ((label) - $$) ; the code runs at base 10000h, so that EIP fits a word
%include "check.inc"
CODE16  equ     SEL_TEST                ; CPL 0, base 10000h, 16 bit
CONF    equ     SEL_TEST + 8            ; conforming, DPL 0, flat, 32 bit
GATE16  equ     SEL_TEST + 16           ; 286 call gate, 2 words
GATE32  equ     SEL_TEST + 24           ; 386 call gate, to conforming code
GATE0   equ     SEL_TEST + 32           ; DPL 0
GATENP  equ     SEL_TEST + 40           ; not present
GATEBAD equ     SEL_TEST + 48           ; to data
CODE    equ     SEL_TEST + 56           ; CPL 0, base 10000h, 32 bit
CODE3   equ     SEL_TEST + 64 + 3       ; the same for CPL 3
%macro call_gate 5                      ; selector, code, offset, attributes, parameters
        mov     dword [GDT_AT + (%1)], ((%2) << 16) | ((%3) & 0xFFFF)
        mov     dword [GDT_AT + (%1) + 4], ((%3) & 0xFFFF0000) | ((%4) << 8) | (%5)
%endmacro
        bits    16
        protected_mode
        catch_faults
        gdt_entry CODE16, 0x10000, 0xFFFF, 0x009A
        gdt_entry CONF, 0, 0xFFFFF, 0xC09E
        call_gate GATE16, CODE16, ((through16 - $$) | 0xDEAD0000), 0xE4, 2
        call_gate GATE32, CONF, LINEAR(conforming), 0xEC, 3
        call_gate GATE0, CODE16, (through16 - $$), 0x84, 0
        call_gate GATENP, CODE16, (through16 - $$), 0x64, 0
        call_gate GATEBAD, SEL_DATA, 0, 0xEC, 0
        gdt_entry CODE, 0x10000, 0xFFFF, 0x409A
        gdt_entry CODE3, 0x10000, 0xFFFF, 0x40FA
        jmp     CODE:(low - $$)
low:    ; a 286 interrupt gate and a 286 trap gate, with rubbish above
        mov     dword [IDT_AT + 8 * 0x30], (CODE16 << 16) | (int16 - $$)
        mov     dword [IDT_AT + 8 * 0x30 + 4], 0xBEEFE600
        mov     dword [IDT_AT + 8 * 0x31], (CODE16 << 16) | (trap16 - $$)
        mov     dword [IDT_AT + 8 * 0x31 + 4], 0xBEEFE700
        idt_entry 0x32, CONF, LINEAR(conf_int), 0xEE
        mov     esi, esp
        call    GATE16:0x12345678       ; same level: two words of return address, no parameters
        equal   dword [RESULT(1)], 4
        equal   esp, esi
        sti
        int     0x30
        equal   word [RESULT(2)], 6     ; three words
        equal   word [RESULT(3)], 0     ; IF off
        int     0x31
        equal   word [RESULT(3)], 0x200 ; left on
        cli
        call    CONF:LINEAR(conforming)
        equal   dword [RESULT(4)], CONF
        faults  13, 0, call 0:0                         ; null: selector 0
        faults  13, SEL_DATA, call SEL_DATA:0
        faults  13, 0x7F8, call 0x7F8:0
        faults  11, GATENP, call GATENP:0
        faults  13, SEL_DATA, call GATEBAD:0
        faults  13, SEL_CODE3 - 3, jmp SEL_CODE3 - 3:0  ; to an outer level
        push    dword SEL_DATA3
        push    dword 0x9000
        push    dword CODE3
        push    dword (user - $$)
        mov     eax, SEL_DATA3
        mov     ds, eax
        mov     es, eax
        retf
user:   mov     esi, esp
        push    word 0x2222
        push    word 0x1111
        call    GATE16 + 3:0
        equal   esp, esi                ; RETF 4 released both stacks
        equal   dword [RESULT(1)], 12   ; IP CS, parameters, SP SS: six words
        equal   dword [RESULT(5)], 0x22221111
        call    GATE32 + 3:0            ; conforming: no change of level, no parameters copied
        equal   dword [RESULT(4)], CONF + 3
        equal   dword [RESULT(6)], 8    ; EIP, CS
        call    CONF:LINEAR(conforming) ; RPL does not matter
        equal   dword [RESULT(4)], CONF + 3
        jmp     CONF:LINEAR(.here)
.here:  jmp     CODE3:(.back - $$)
.back:  int     0x32                    ; conforming handler: at CPL 3, on this stack
        equal   dword [RESULT(4)], CONF + 3
        faults  13, GATE0, call GATE0:0
        faults  13, CODE16, jmp GATE16 + 3:0            ; JMP does not go inwards
        faults  13, SEL_CODE, call SEL_CODE:0
        faults  13, SEL_CODE, call SEL_CODE + 3:0
        faults  13, 0x33 * 8 + 2, int 0x33
        finish

        bits    16
through16:                              ; how much was pushed, and the parameters
        push    ebp
        movzx   ebp, sp
        mov     eax, [ss:ebp + 8]
        mov     [RESULT(5)], eax
        mov     eax, esi
        sub     eax, ebp
        sub     eax, 4
        test    word [ss:ebp + 6], 3
        jz      .same
        mov     eax, STACK0_AT - 4
        sub     eax, ebp
.same:  and     eax, 0xFFFF
        mov     [RESULT(1)], eax
        test    word [ss:ebp + 6], 3
        pop     ebp
        jnz     .inner
        retf
.inner: retf    4
int16:  mov     eax, esi
        sub     eax, esp
        mov     [RESULT(2)], ax
        pushf
        pop     ax
        and     ax, 0x200
        mov     [RESULT(3)], ax
        iret
trap16: pushf
        pop     ax
        and     ax, 0x200
        mov     [RESULT(3)], ax
        iret
        bits    32
conforming:
        mov     eax, cs
        mov     [RESULT(4)], eax
        mov     eax, esi
        sub     eax, esp
        mov     [RESULT(6)], eax
        retf
conf_int:
        mov     eax, cs
        mov     [RESULT(4)], eax
        iretd
        checks
;= dword 5f0 0
;= dword 5f4 18

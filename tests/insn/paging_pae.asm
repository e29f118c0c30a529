; PAE: the four PDPTEs are registers, read by MOV to CR3 only; reserved bits; 2 MiB pages; NX with and without EFER.NXE; the I bit; A and D
; in entries of 8 bytes; 36 physical bits. (QEMU takes wrong PDPTEs and does not keep them in registers.)
%include "test.inc"
%include "check.inc"
PDPT    equ     0x20000
PD      equ     0x21000
PT      equ     0x22000
PD2     equ     0x23000
%define PTE8(lin) (PT + (((lin) >> 12) << 3))
        bits    16
        protected_mode
        catch_faults
        mov     dword [PDPT], PD | 1
        mov     dword [PDPT + 8], PD2 | 1
        mov     dword [PD], PT | 7
        mov     dword [PD + 8], 0x000083        ; 200000h: 2 MiB at 0
        mov     dword [PD + 16], 0x002083       ; 400000h: a reserved bit of a large page
        mov     dword [PD2], 0x000083           ; 40000000h: 2 MiB at 0
        mov     edi, PT
        mov     eax, 3
        mov     ecx, 512
.fill:  mov     [edi], eax
        add     eax, 0x1000
        add     edi, 8
        loop    .fill
        mov     dword [PTE8(0x51000) + 4], 0x10 ; above the 36 bits that CPUID tells
        mov     dword [PTE8(0x52000) + 4], 0x80000000   ; NX
        mov     dword [PTE8(0x53000) + 4], 0x00000008   ; the top of what is legal
        mov     eax, cr4
        or      al, 0x20
        mov     cr4, eax
        mov     eax, PDPT
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80010000
        mov     cr0, eax
        mov     eax, [0x50000]
        equal   dword [PTE8(0x50000)], 0x50023
        mov     [0x50000], eax
        equal   dword [PTE8(0x50000)], 0x50063
        mov     eax, [0x200500]                 ; through the large page
        equal   dword [PD + 8], 0x0000A3
        mov     [0x200F00], eax
        equal   dword [PD + 8], 0x0000E3
        faults  14, 9, mov eax, [0x51000]       ; reserved
        faults  14, 9, mov eax, [0x52000]       ; NX is reserved without NXE
        faults  14, 9, mov eax, [0x400000]
        faults  14, 0xB, mov [0x400000], eax
        equal   dword [PD + 16], 0x002083       ; no A bit in what is wrong
        equal   dword [PTE8(0x51000)], 0x51003
        faults  14, 0, mov eax, [0x80000000]    ; no PDPTE
        ; PDPTEs are registers
        mov     eax, [0x40000500]
        mov     dword [PDPT + 8], 0
        mov     dword [PDPT + 16], PD2 | 1
        invlpg  [0x40000000]
        mov     eax, [0x40000500]               ; still there
        faults  14, 0, mov eax, [0x80000500]    ; not yet
        equal   dword [PDPT + 8], 0             ; and no A bit in one
        mov     eax, cr3
        mov     cr3, eax
        faults  14, 0, mov eax, [0x40000500]
        mov     eax, [0x80000500]
        ; a PDPTE with a reserved bit: MOV to CR3 is refused, and nothing changes
        mov     dword [PDPT + 24], 3
        mov     eax, cr3
        faults  13, 0, mov cr3, eax
        mov     eax, [0x80000500]
        mov     dword [PDPT + 24], 2            ; not present: its other bits are ignored
        mov     eax, cr3
        mov     cr3, eax
        ; NX
        mov     ecx, 0xC0000080
        xor     edx, edx
        mov     eax, 0x800
        wrmsr
        mov     byte [0x52000], 0xC3
        mov     byte [0x54000], 0xC3
        equal   byte [0x52000], 0xC3            ; reading is allowed
        mov     eax, 0x54000
        call    eax
        mov     edx, 0x52000
        push    edx
        expect  14, 0x11, $$ + 0x42000, .nx
        jmp     edx
.nx:    add     esp, 4
        mov     eax, cr2
        equal   eax, 0x52000
        ; at a higher level for all below it: the same pages at 600000h
        mov     dword [PD + 24], PT | 7
        mov     dword [PD + 28], 0x80000000
        mov     edx, 0x654000
        push    edx
        expect  14, 0x11, $$ + 0x644000, .next
        jmp     edx
.next:  add     esp, 4
        mov     eax, [0x654000]
        finish
        checks
;= dword 5f0 0
;= dword 5f4 13

; 4 MiB pages under CR4.PSE: D and A in the directory, PSE-36 and its reserved bits, INVLPG of any address in one; without PSE the bit says
; nothing. Global pages outlive a MOV to CR3, not INVLPG nor a change of CR4.PGE. WP and U/S of both levels together.
%include "test.inc"
%include "check.inc"
%include "paging.inc"
        bits    16
        protected_mode
        catch_faults
        identity_paging
        mov     dword [PD_AT + 4], PT_AT | 0x83 ; 400000h: without PSE a table like any other
        mov     eax, [0x450000]
        equal   dword [PD_AT + 4], PT_AT | 0xA3
        mov     dword [PD_AT + 8], 0x000083     ; 800000h: 4 MiB at 0
        mov     dword [PD_AT + 12], 0x200083    ; bit 21 is reserved
        mov     dword [PD_AT + 16], 0x020083    ; address bit 36, above what CPUID tells: reserved
        mov     dword [PD_AT + 20], 0x01E083    ; address bits 32 to 35: nothing there
        mov     eax, cr4
        or      eax, 0x10               ; PSE
        mov     cr4, eax
        mov     eax, [0x800600]
        equal   dword [PD_AT + 8], 0x0000A3
        mov     [0x850000], eax
        equal   dword [PD_AT + 8], 0x0000E3
        equal   eax, [0x600]
        faults  14, 9, mov eax, [0xC00000]
        faults  14, 9, mov eax, [0x1000000]
        mov     eax, [0x1400000]        ; allowed
        ; INVLPG takes the whole page
        mov     eax, [0x800000]
        mov     eax, [0x810000]
        mov     dword [PD_AT + 8], 0
        invlpg  [0x8FF123]
        faults  14, 0, mov eax, [0x800000]
        faults  14, 2, mov [0x810000], eax
        ; global pages
        mov     eax, cr4
        or      eax, 0x80               ; PGE
        mov     cr4, eax
        or      dword [PTE(0x50000)], 0x100
        mov     dword [0x50000], 0x11111111
        mov     dword [0x51000], 0x22222222
        mov     eax, [0x52000]
        mov     eax, [0x50000]
        mov     dword [PTE(0x50000)], 0x51103
        mov     dword [PTE(0x52000)], 0x51003
        mov     eax, cr3
        mov     cr3, eax
        equal   dword [0x50000], 0x11111111     ; global: still the old one
        equal   dword [0x52000], 0x22222222
        invlpg  [0x50000]
        equal   dword [0x50000], 0x22222222
        mov     dword [PTE(0x50000)], 0x50103
        mov     eax, cr4
        and     eax, ~0x80
        mov     cr4, eax
        equal   dword [0x50000], 0x11111111
        ; rights of both levels
        mov     dword [PD_AT + 4], PT_AT | 5    ; 400000h: users may read
        mov     dword [PTE(0x53000)], 0x53007
        mov     eax, cr3
        mov     cr3, eax
        mov     [0x453000], eax         ; WP is clear: the supervisor may write
        mov     eax, cr0
        or      eax, 0x10000
        mov     cr0, eax
        faults  14, 3, mov [0x453000], eax
        mov     dword [PTE(0)], 7
        mov     dword [PTE(0x10000)], 0x10007
        mov     dword [PTE(0x9000 - 1)], 0x8007
        mov     eax, cr3
        mov     cr3, eax
        or      dword [PD_AT], 4
        to_user user, 0x9000, 0
user:   mov     eax, [0x453000]
        faults  14, 7, mov [0x453000], eax
        faults  14, 5, mov eax, [0x454000]      ; the table's entry is the supervisor's
        faults  14, 4, mov eax, [0x1800000]
        faults  14, 5, mov eax, [0x452FFE]      ; the first page, before the second
        finish
        checks
;= dword 5f0 0
;= dword 5f4 11

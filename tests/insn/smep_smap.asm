; SMEP: the supervisor does not fetch from user pages. SMAP: nor read or write them, but with AC set, by STAC or POPF; the CPU's own
; accesses (descriptors, TSS) not even then, from CPL 3 neither. Error codes and the A bit.
%include "test.inc"
%include "check.inc"
%include "paging.inc"
        cpu     default
        bits    16
        protected_mode
        catch_faults
        identity_paging
        mov     eax, cr0
        or      eax, 0x10000            ; WP
        mov     cr0, eax
        mov     dword [PTE(0x50000)], 0x50007
        mov     dword [PTE(0x51000)], 0x51007
        mov     byte [0x51000], 0xC3    ; RET
        mov     ebx, 0x50000
        mov     edx, 0x51000
        call    edx                     ; allowed
        mov     eax, cr4
        or      eax, 1 << 20
        mov     cr4, eax
        push    edx                     ; keeps the stack as CALL would
        expect  14, 0x11, $$ + 0x41000, after_smep ; present, fetch
        jmp     edx
after_smep:
        add     esp, 4
        mov     eax, cr2
        equal   eax, 0x51000
        mov     eax, [ebx]              ; SMEP does not forbid reading
        clac
        mov     eax, cr4
        or      eax, 1 << 21
        mov     cr4, eax
        mov     dword [PTE(0x50000)], 0x50007
        invlpg  [ebx]
        faults  14, 1, mov eax, [ebx]
        equal   dword [PTE(0x50000)], 0x50007   ; not even A
        faults  14, 3, mov [ebx], eax
        faults  14, 3, inc dword [ebx]
        stac
        mov     [ebx], eax
        equal   dword [PTE(0x50000)], 0x50067
        clac
        faults  14, 1, mov eax, [ebx]   ; though it was in the TLB
        pushfd
        or      dword [esp], 1 << 18
        popfd
        mov     eax, [ebx]
        mov     dword [0x50000], 0x1FF  ; a descriptor in a user page, by LDT: 0 to 1FFh
        mov     dword [0x50004], 0x0040F200
        gdt_entry SEL_TEST, 0x50000, 0xFF, 0x0082
        mov     eax, SEL_TEST
        lldt    ax
        mov     eax, 4 + 3
        faults  14, 1, mov es, eax      ; AC is set, but this access is the CPU's own
        equal   dword [0x50004], 0x0040F200
        clac
        mov     eax, cr4
        and     eax, ~(1 << 20)         ; the handlers' page becomes the user's
        mov     cr4, eax
        or      dword [PTE(0x10000)], 4
        mov     eax, cr3
        mov     cr3, eax
        expect  14, 1, user, after      ; U clear: the supervisor's access
        to_user user, 0x51800, 0
user:   mov     es, [LINEAR(selector)]
after:  finish
        checks
selector: dw    7
;= dword 5f0 0
;= dword 5f4 b
;= bits dword 50004 ff00 f200

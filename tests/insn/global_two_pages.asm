; An instruction over two pages, the first global and the second not, called through a register in two address spaces.
%include "test.inc"
%include "paging.inc"
PD2     equ     0x22000
PT2     equ     0x23000
        bits    16
        protected_mode
        identity_paging
        mov     eax, cr4
        or      eax, 0x80               ; PGE
        mov     cr4, eax
        mov     edi, 0x40FFE            ; MOV EAX, imm32; RET
        mov     dword [edi], 0x1111B8 | 0x11000000
        mov     word [edi + 4], 0xC311
        mov     dword [0x42000], 0x00C32222     ; what the second space has as 41000h
        mov     dword [0x42002], 0x0000C322
        or      dword [PTE(0x40000)], 0x100
        mov     esi, PT_AT              ; a second space, alike but for 41000h
        mov     edi, PT2
        mov     ecx, 1024
        cld
        rep movsd
        mov     dword [PD2], PT2 | 7
        mov     dword [PT2 + 4 * 0x41], 0x42003
        mov     ebx, PD2
        mov     ebp, PD_AT
        mov     edi, 0x40FFE
        mov     ecx, 4
.loop:  mov     cr3, ebp
        call    edi
        result  0, eax
        mov     cr3, ebx
        call    edi
        result  1, eax
        dec     ecx
        jnz     .loop
        hlt
;= dword 500 11111111
;= dword 504 22222211

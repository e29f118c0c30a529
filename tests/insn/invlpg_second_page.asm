; An instruction over two pages whose second page is mapped elsewhere, with INVLPG, between calls: through a register, and direct.
%include "test.inc"
%include "paging.inc"
        bits    16
        protected_mode
        identity_paging
        mov     edi, 0x40FFE            ; MOV EAX, imm32; RET
        mov     dword [edi], 0x1111B8 | 0x11000000
        mov     word [edi + 4], 0xC311
        mov     dword [0x42000], 0x00C32222     ; what lies at 41000h every other time
        mov     dword [0x42002], 0x0000C322
        xor     ebx, ebx
        xor     ebp, ebp
        mov     ecx, 8
.loop:  xor     dword [PTE(0x41000)], 0x41000 ^ 0x42000
        invlpg  [0x41000]
        call    edi
        add     ebx, eax
        call    0x40FFE - 0x10000
        add     ebp, eax
        dec     ecx
        jnz     .loop
        result  0, ebx
        result  1, ebp
        hlt
;= dword 500 cccccc88
;= dword 504 cccccc88

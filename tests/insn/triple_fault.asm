; No handler for #GP, none for #DF: shutdown.
%include "test.inc"
        bits    16
        protected_mode
        mov     dword [RESULT(0)], 1
        mov     eax, 0x7F8
        mov     ds, eax
        mov     dword [RESULT(0)], 2
        hlt
;= end shutdown
;= dword 500 1

; STI with an interrupt waiting, then a segment load that changes what the segments are: the interrupt comes right behind the load.
%include "test.inc"
        bits    16
        protected_mode
        idt_entry 0x30, SEL_CODE, LINEAR(irq), 0x8E
        gdt_entry SEL_TEST, 0x1000, 0x1FFF, 0x4092
        xor     ebx, ebx
        mov     ecx, 6
.loop:  cli
        mov     al, 0x30
        out     0x70, al                ; INTR with vector 30h
        mov     edx, SEL_DATA
        test    cl, 1
        jz      .load
        mov     edx, SEL_TEST
.load:  sti
        mov     es, dx
        inc     ebx                     ; must not have run when the interrupt comes
        dec     ecx
        jnz     .loop
        result  0, ebx
        hlt
irq:    add     [RESULT(1)], ebx        ; 0 + 1 + ... + 5
        iretd
;= dword 500 6
;= dword 504 f

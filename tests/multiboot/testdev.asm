; testdev.asm - a test kernel as kvm-unit-tests has them: it works pc-testdev's ports and ends by isa-debug-exit, 0 (exit
; status 1) when everything was right, the number of the first wrong step otherwise. Wants --device pc-testdev.
;
; Steps 4 and 8 go beyond QEMU, which executes nothing from a device's memory and has no line 20.
%include "kernel.inc"

        KERNEL start

DATA    equ 0E0h                        ; pc-testdev
FLUSH   equ 0E4h
BYTES   equ 0E8h
LINES   equ 2000h
MEMORY  equ 0FF000000h
PIC1    equ 20h
PIC2    equ 0A0h
VECTORS equ 20h                         ; of IRQ 0
EOI     equ 20h
ELCR    equ 4D0h
IOAPIC  equ 0FEC00000h
LAPIC   equ 0FEE00000h
PAGE_AT equ 400000h                     ; memory of nobody
PIN     equ 20
PIN_VECTOR equ 40h

; STEP n: the step that fails from here on.
%macro STEP 1
        mov dword [step], %1
%endmacro

; WANT eq|ne|...: the last comparison held.
%macro WANT 1
        j%1 %%right
        jmp wrong
%%right:
%endmacro

start:
        mov esp, stack_end
        cld
        fninit                          ; reset leaves all exceptions unmasked
        call tables

        STEP 1                          ; 32 bits of storage in all sizes
        mov eax, 12345678h
        out DATA, eax
        mov al, 0ABh
        out DATA + 1, al
        in eax, DATA
        cmp eax, 1234AB78h
        WANT e
        in ax, BYTES + 2
        cmp ax, 1234h
        WANT e
        mov ax, 0CDEFh
        out BYTES + 2, ax
        in eax, DATA
        cmp eax, 0CDEFAB78h
        WANT e

        STEP 2                          ; a string of it
        mov esi, words
        mov ecx, 3
        mov dx, DATA
        rep outsd
        mov edi, got
        mov ecx, 2
        rep insd
        cmp dword [got], 33333333h
        WANT e
        cmp dword [got + 4], 33333333h
        WANT e

        STEP 3                          ; memory that is a device's, under instructions of every kind
        mov edi, MEMORY + 0FF0h
        mov dword [edi], 7
        add dword [edi], 5
        lock inc dword [edi]
        cmp dword [edi], 13
        WANT e
        mov ax, 0FFFFh
        xchg [edi + 1], ax
        cmp dword [edi], 00FFFF0Dh
        WANT e
        fild dword [edi]
        fistp qword [edi + 8]
        mov eax, [edi + 8]
        cmp eax, [edi]
        WANT e
        mov esi, edi
        add edi, 100h
        mov ecx, 4
        rep movsd
        cmp dword [MEMORY + 10F0h], 00FFFF0Dh
        WANT e

        STEP 4                          ; code there
        mov dword [MEMORY], 0C3424240h  ; inc eax; inc edx; inc edx; ret
        mov eax, 1
        mov edx, 1
        mov ecx, MEMORY
        call ecx
        add eax, edx
        cmp eax, 5
        WANT e

        STEP 5                          ; code in a page that is flushed
        mov dword [PAGE_AT], 0C340h     ; inc eax; ret
        mov ebx, 100
        xor eax, eax
        mov ecx, PAGE_AT
.again: call ecx
        mov edx, eax
        mov eax, PAGE_AT
        out FLUSH, eax
        mov eax, edx
        dec ebx
        jnz .again
        cmp eax, 100
        WANT e

        STEP 6                          ; lines 3 to 15 by the 8259s (0 to 2: timer, keyboard, cascade)
        mov ebx, 3
.line:  cmp ebx, 8
        je .next
        mov edx, LINES
        add edx, ebx
        mov al, 1
        out dx, al
        call some_time
        mov al, 0
        out dx, al
        cmp [count + ebx * 4], dword 1
        WANT e
.next:  inc ebx
        cmp ebx, 16
        jb .line

        STEP 7                          ; a masked one waits
        mov al, 0FFh
        out PIC1 + 1, al
        mov al, 1
        mov dx, LINES + 5
        out dx, al
        call some_time
        cmp dword [count + 5 * 4], 1
        WANT e
        mov al, 11011111b
        out PIC1 + 1, al
        call some_time
        cmp dword [count + 5 * 4], 2
        WANT e
        mov al, 0
        out dx, al

        STEP 8                          ; line 20, which only the I/O APIC has, level-triggered
        mov al, 0FFh
        out PIC1 + 1, al
        out PIC2 + 1, al
        mov dword [LAPIC + 0F0h], 1FFh  ; enabled
        mov eax, 10h + 2 * PIN + 1
        xor ecx, ecx
        call ioapic_write
        mov eax, 10h + 2 * PIN
        mov ecx, PIN_VECTOR | 1 << 15
        call ioapic_write
        mov al, 1
        mov dx, LINES + PIN
        out dx, al
        call some_time
        cmp dword [pin_count], 3        ; until its handler has lowered it
        WANT e

        xor eax, eax
        jmp leave_with

wrong:
        mov eax, [step]
        SHOW "wrong at step ", eax
        SAY 10
        jmp leave_with

; Interrupts on for a few instructions.
some_time:
        sti
        nop
        nop
        nop
        cli
        ret

; ECX to register EAX.
ioapic_write:
        mov [IOAPIC], eax
        mov [IOAPIC + 10h], ecx
        ret

; IDT with the handlers of IRQ 0 to 15 and of the pin; both 8259s, all lines open but timer and keyboard.
tables:
        mov edi, idt + VECTORS * 8
        mov eax, handlers
        mov ecx, 16
.gate:  call gate
        add eax, HANDLER_BYTES
        add edi, 8
        loop .gate
        mov edi, idt + PIN_VECTOR * 8
        mov eax, pin_handler
        call gate
        lidt [idt_register]
        mov esi, pic_commands
        mov ecx, 10
.pic:   lodsb
        movzx edx, al
        lodsb
        out dx, al
        loop .pic
        mov dx, ELCR                    ; the BIOS has made the PCI's lines level-triggered
        mov al, 0
        out dx, al
        inc edx
        out dx, al
        ret

; An interrupt gate at EDI to EAX.
gate:
        mov [edi], ax
        mov [edi + 2], cs
        mov word [edi + 4], 8E00h
        push eax
        shr eax, 16
        mov [edi + 6], ax
        pop eax
        ret

HANDLER_BYTES equ 16
        align 16
handlers:
%assign n 0
%rep 16
at_%[n]:
        push byte n
        jmp irq
        times HANDLER_BYTES - ($ - at_%[n]) nop
  %assign n n + 1
%endrep

irq:
        push eax
        push ebx
        mov ebx, [esp + 8]
        inc dword [count + ebx * 4]
        mov al, EOI
        cmp ebx, 8
        jb .first
        out PIC2, al
.first: out PIC1, al
        pop ebx
        pop eax
        add esp, 4
        iretd

pin_handler:
        push eax
        push edx
        inc dword [pin_count]
        cmp dword [pin_count], 3
        jb .still
        mov al, 0
        mov dx, LINES + PIN
        out dx, al
.still: mov dword [LAPIC + 0B0h], 0
        pop edx
        pop eax
        iretd

pic_commands:
        db PIC1, 11h, PIC1 + 1, VECTORS, PIC1 + 1, 4, PIC1 + 1, 1
        db PIC2, 11h, PIC2 + 1, VECTORS + 8, PIC2 + 1, 2, PIC2 + 1, 1
        db PIC1 + 1, 3, PIC2 + 1, 1

        align 4
words:  dd 11111111h, 22222222h, 33333333h
got:    dd 0, 0
step:   dd 0
count:  times 16 dd 0
pin_count: dd 0
idt_register:
        dw 256 * 8 - 1
        dd idt
        times 512 db 0
stack_end:
        align 8
idt:    times 256 * 8 db 0

        KERNEL_END

; report.asm - prints all that a multiboot kernel is handed: state of the machine, information structure, modules.
%include "kernel.inc"

        KERNEL start

; The information structure
FLAGS_AT equ 0
LOWER   equ 4
UPPER   equ 8
DEVICE  equ 12
CMDLINE equ 16
MODULES equ 20
MODULE_LIST equ 24
MAP_LENGTH equ 44
MAP_AT  equ 48
LOADER  equ 64
SCREEN  equ 88

start:
        mov [magic], eax
        mov esp, stack_end
        pushfd
        pop dword [eflags]
        cld
        SHOW "magic ", [magic]
        mov eax, cr0
        and eax, 80000001h
        SHOW " cr0 ", eax
        mov eax, [eflags]
        and eax, 20200h                 ; IF, VM
        SHOW " eflags ", eax
        call show_a20
        call show_limits
        SAY 10

        SHOW "flags ", [ebx + FLAGS_AT]
        SHOW " lower ", [ebx + LOWER]
        SHOW " upper ", [ebx + UPPER]
        SHOW " device ", [ebx + DEVICE]
        SAY 10, "command line ["
        mov esi, [ebx + CMDLINE]
        call put_text
        SAY "]", 10, "loader ["
        mov esi, [ebx + LOADER]
        call put_text
        SAY "]", 10
        call show_modules
        call show_map
        test dword [ebx + FLAGS_AT], 1000h
        jz .no_screen
        SHOW "screen ", [ebx + SCREEN]
        SHOW " ", [ebx + SCREEN + 12]
        SHOW " ", [ebx + SCREEN + 16]
        SHOW " ", [ebx + SCREEN + 20]
        SAY 10
.no_screen:
        SAY "end", 10
        mov eax, 15h
        jmp leave_with

; A20 is on: a megabyte further there is another byte. Found out where nothing of ours is.
show_a20:
        mov dword [200F00h], 12345678h
        mov dword [300F00h], 0
        SHOW " a20 ", [200F00h]
        ret

show_limits:
        SAY " limits"
        mov ecx, 6
        push ss
        push gs
        push fs
        push es
        push ds
        push cs
.next:  pop eax
        lsl edx, eax
        SHOW " ", edx
        loop .next
        ret

show_modules:
        mov ecx, [ebx + MODULES]
        mov edi, [ebx + MODULE_LIST]
        test ecx, ecx
        jz .done
.next:  SAY "module ["
        mov esi, [edi + 8]
        call put_text
        mov esi, [edi]
        SHOW "] at ", esi
        mov edx, [edi + 4]
        sub edx, esi
        SHOW " bytes ", edx
        call sum
        SHOW " sum ", eax
        SAY 10
        add edi, 16
        dec ecx
        jnz .next
.done:  ret

; EAX: the sum of EDX bytes at ESI.
sum:
        push ecx
        mov ecx, edx
        xor eax, eax
        xor edx, edx
.next:  lodsb
        add edx, eax
        loop .next
        mov eax, edx
        pop ecx
        ret

; The map's entries, RAM in all, and whether the information structure itself lies in RAM.
show_map:
        mov esi, [ebx + MAP_AT]
        mov ecx, [ebx + MAP_LENGTH]
        add ecx, esi
        xor edx, edx
.next:  cmp esi, ecx
        jae .done
        cmp dword [esi + 20], 1
        jne .other
        add edx, [esi + 12]
        mov eax, ebx
        sub eax, [esi + 4]
        jb .other
        cmp eax, [esi + 12]
        jae .other
        SAY "map: we are in RAM", 10
.other: add esi, [esi]
        add esi, 4
        jmp .next
.done:  SHOW "map: RAM ", edx
        SAY 10
        ret

        align 4
magic:  dd 0
eflags: dd 0
        times 512 db 0
stack_end:

        KERNEL_END

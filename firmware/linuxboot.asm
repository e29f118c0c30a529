; linuxboot.asm - option ROM that boots the Linux kernel handed over in fw_cfg (vx86 --kernel).
;
; The BIOS finds it as "genroms/linuxboot.bin" and offers it as a boot device (bootstrap entry vector). When chosen it has
; the fw_cfg device copy real-mode setup code, kernel, initrd and command line by DMA to the addresses that linux.c put
; into fw_cfg, and enters the setup code as "The Linux/x86 Boot Protocol" section "Running the Kernel" asks.
;
;   I1  Nothing is written below 10000h: the BIOS data area and the interrupt vectors stay whole for the setup code.
;   I2  The stack lies in the setup segment, above everything that linux.c lets the setup code occupy.

%include "optionrom.inc"

SETUP_SEGMENT   equ 1000h
STACK_TOP       equ 0E000h              ; linux.c: LINUX_STACK_TOP

        OPTION_ROM "Linux kernel"

boot:
        cli
        cld
        mov ax, SETUP_SEGMENT
        mov ss, ax
        mov esp, STACK_TOP
        mov ds, ax
        mov es, ax

        mov ebx, KEY_SETUP_ADDR | KEY_SETUP_SIZE << 8 | KEY_SETUP_DATA << 16
        call load
        mov ebx, KEY_CMDLINE_ADDR | KEY_CMDLINE_SIZE << 8 | KEY_CMDLINE_DATA << 16
        call load
        mov ebx, KEY_KERNEL_ADDR | KEY_KERNEL_SIZE << 8 | KEY_KERNEL_DATA << 16
        call load
        mov ebx, KEY_INITRD_ADDR | KEY_INITRD_SIZE << 8 | KEY_INITRD_DATA << 16
        call load

        mov ax, SETUP_SEGMENT
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov esp, STACK_TOP
        xor ebx, ebx
        jmp (SETUP_SEGMENT + 20h):0

; Loads one item. EBX: keys of its address (bits 7..0), size (15..8) and data (23..16). Clobbers EAX EBX ECX EDX ESI EDI BP.
load:
        movzx eax, bl
        call read_u32
        mov esi, eax                    ; destination
        movzx eax, bh
        call read_u32
        mov ecx, eax                    ; bytes
        test ecx, ecx
        jz .done
        mov edi, esi
        shr ebx, 16
        movzx eax, bl
        call read_item
.done:
        ret

; EAX: key of a 32-bit item; its value comes back in EAX. Clobbers ECX EDX EDI BP.
read_u32:
        push dword 0
        mov edi, SETUP_SEGMENT * 16
        movzx ecx, sp
        add edi, ecx
        mov ecx, 4
        call read_item
        pop eax
        ret

; The first ECX bytes of item EAX go to physical address EDI. Clobbers EAX ECX EDX EDI BP.
read_item:
        shl eax, 16
        or eax, DMA_SELECT | DMA_READ
        jmp dma

        OPTION_ROM_END

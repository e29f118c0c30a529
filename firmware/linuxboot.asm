; linuxboot.asm - option ROM that boots the Linux kernel handed over in fw_cfg (vx86 --kernel).
;
; The BIOS finds it as "genroms/linuxboot.bin" and offers it as a boot device (bootstrap entry vector). When chosen it has
; the fw_cfg device copy real-mode setup code, kernel, initrd and command line by DMA to the addresses that linux.c put
; into fw_cfg, and enters the setup code as "The Linux/x86 Boot Protocol" section "Running the Kernel" asks.
; linux.c patches both checksums.
;
;   I1  Nothing is written below 10000h: the BIOS data area and the interrupt vectors stay whole for the setup code.
;   I2  The stack lies in the setup segment, above everything that linux.c lets the setup code occupy.

        bits 16
        cpu 486
        org 0

ROM_BYTES       equ 1024

FW_CFG_DMA      equ 514h                ; address register: high half, low half at +4, both big-endian
DMA_ERROR       equ 1
DMA_READ        equ 2
DMA_SELECT      equ 8

KEY_KERNEL_ADDR equ 07h                 ; items of fw_cfg; linux.c has the same list
KEY_KERNEL_SIZE equ 08h
KEY_INITRD_ADDR equ 0Ah
KEY_INITRD_SIZE equ 0Bh
KEY_KERNEL_DATA equ 11h
KEY_INITRD_DATA equ 12h
KEY_CMDLINE_ADDR equ 13h
KEY_CMDLINE_SIZE equ 14h
KEY_CMDLINE_DATA equ 15h
KEY_SETUP_ADDR  equ 16h
KEY_SETUP_SIZE  equ 17h
KEY_SETUP_DATA  equ 18h

SETUP_SEGMENT   equ 1000h
STACK_TOP       equ 0E000h              ; linux.c: LINUX_STACK_TOP

; ---- headers: PCI Firmware Specification "ROM header", Plug and Play BIOS Specification 3.2 --------------------------

        db 55h, 0AAh
        db ROM_BYTES / 512
        jmp short init
        times 1Ah - ($ - $$) db 0
        dw pnp_header

pnp_header:
        db "$PnP"
        db 1                            ; structure revision
        db 2                            ; length in 16-byte units
        dw 0                            ; no further header
        db 0
        db 0                            ; checksum, patched
        dd 0                            ; device identifier
        dw vendor
        dw product
        db 1, 0, 0                      ; class: mass storage
        db 0                            ; device indicators
        dw 0                            ; boot connection vector
        dw 0                            ; disconnect vector
        dw boot                         ; bootstrap entry vector
        dw 0
        dw 0

vendor:  db "vx86", 0
product: db "Linux kernel", 0
failed:  db "vx86: fw_cfg did not deliver the kernel", 13, 10, 0

init:
        xor ax, ax                      ; no interrupt hooked, no display, no input device
        retf

; ---- boot ------------------------------------------------------------------------------------------------------------

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
        call dma
.done:
        ret

; EAX: key of a 32-bit item; its value comes back in EAX. Clobbers ECX EDX EDI BP.
read_u32:
        push dword 0
        mov edi, SETUP_SEGMENT * 16
        movzx ecx, sp
        add edi, ecx
        mov ecx, 4
        call dma
        pop eax
        ret

; Has the device write ECX bytes of item EAX to physical address EDI, through a descriptor on the stack:
; control, length, address high, address low, all big-endian. Clobbers EAX ECX EDX EDI BP.
dma:
        bswap edi
        push edi
        push dword 0
        bswap ecx
        push ecx
        shl eax, 16
        or eax, DMA_SELECT | DMA_READ
        bswap eax
        push eax
        mov bp, sp

        xor eax, eax
        mov dx, FW_CFG_DMA
        out dx, eax
        movzx eax, sp
        add eax, SETUP_SEGMENT * 16
        bswap eax
        add dx, 4
        out dx, eax                     ; starts the transfer
.wait:
        mov eax, [bp]
        bswap eax
        test eax, DMA_ERROR
        jnz fail
        test eax, eax
        jnz .wait
        add sp, 16
        ret

fail:
        push cs
        pop ds
        mov si, failed
.next:
        lodsb
        test al, al
        jz .stop
        mov ah, 0Eh
        mov bx, 7
        int 10h
        jmp .next
.stop:
        sti
        int 18h                         ; the next boot device
        jmp .stop

        times ROM_BYTES - 1 - ($ - $$) db 0
        db 0                            ; checksum, patched

; multiboot.asm - option ROM that boots the multiboot kernel handed over in fw_cfg (vx86 --kernel).
;
; The BIOS offers it as a boot device like linuxboot.asm. When chosen it has the fw_cfg device copy a block into low
; memory that multiboot.c has prepared and placed where the kernel is not, asks the BIOS for the memory map, loads what
; the block's script says, and enters the kernel as the Multiboot Specification 0.6.96 "Machine state" asks.
;
; The block, at BLOCK_SEGMENT:0:
;
;       0000h  stack, until the kernel has its own
;       1000h  information structure
;       1080h  memory map
;       1C80h  script: { item, offset in it, bytes, physical address }, 32 bits each; no bytes: its end
;       ....   modules, strings (only the kernel reads them)
;
;   I1  After the first piece of the kernel has been loaded the BIOS is not called any more: the kernel may lie where its
;       variables are.

%include "optionrom.inc"

INFO            equ 1000h               ; multiboot.c has the same numbers
MAP             equ 1080h
MAP_ENTRIES     equ 128
MAP_ENTRY_BYTES equ 24                  ; a 32-bit size, and 20 bytes as the BIOS gives them
SCRIPT          equ 1C80h
SCRIPT_BYTES    equ 16

INFO_MEM_LOWER  equ INFO + 4            ; "Boot information format"
INFO_MEM_UPPER  equ INFO + 8
INFO_MMAP_LENGTH equ INFO + 44

SMAP            equ 534D4150h
TYPE_RAM        equ 1
PORT_92         equ 92h
PORT_92_RESET   equ 1
PORT_92_A20     equ 2
CODE_SELECTOR   equ 8
DATA_SELECTOR   equ 10h
LOADED          equ 2BADB002h           ; tells the kernel who has loaded it

        OPTION_ROM "multiboot kernel"

boot:
        cli
        cld
        mov ax, [cs:block_segment]
        mov ss, ax
        mov esp, INFO
        mov ds, ax
        mov es, ax

        movzx edi, ax
        shl edi, 4
        add edi, INFO
        mov ecx, [cs:block_bytes]
        mov eax, KEY_SETUP_DATA << 16 | DMA_SELECT | DMA_READ
        call dma

        int 12h
        movzx eax, ax
        mov [INFO_MEM_LOWER], eax
        call memory_map
        call run_script

        in al, PORT_92
        or al, PORT_92_A20
        and al, ~PORT_92_RESET
        out PORT_92, al

        xor ebp, ebp
        mov bp, cs
        shl ebp, 4                      ; where the ROM is
        mov ecx, [cs:entry]
        xor ebx, ebx
        mov bx, ss
        shl ebx, 4
        lea esi, [ebp + gdt]
        push esi
        push word gdt_end - gdt - 1
        mov di, sp
        o32 lgdt [ss:di]
        add sp, 6
        push dword CODE_SELECTOR
        lea esi, [ebp + protected]
        push esi
        mov eax, cr0
        or al, 1
        mov cr0, eax
        o32 retf

; The BIOS's memory map, and the first stretch of RAM from 1 MiB on in KiB.
memory_map:
        xor ebx, ebx
        mov edi, MAP + 4
.next:
        mov eax, 0E820h
        mov edx, SMAP
        mov ecx, MAP_ENTRY_BYTES - 4
        int 15h
        jc .done
        cmp eax, SMAP
        jne .done
        mov dword [di - 4], MAP_ENTRY_BYTES - 4
        call upper_memory
        add di, MAP_ENTRY_BYTES
        cmp di, MAP + 4 + MAP_ENTRIES * MAP_ENTRY_BYTES
        jae .done
        test ebx, ebx
        jnz .next
.done:
        lea eax, [edi - 4 - MAP]
        mov [INFO_MMAP_LENGTH], eax
        ret

; DI: base, length (64 bits each), type. Clobbers EAX.
upper_memory:
        cmp dword [di + 16], TYPE_RAM
        jne .other
        cmp dword [di + 4], 0
        jne .other
        mov eax, 100000h
        sub eax, [di]
        jb .other                       ; begins above 1 MiB
        cmp dword [di + 12], 0
        jne .huge
        sub eax, [di + 8]
        jae .other                      ; ends below it
        neg eax
        shr eax, 10
        jmp .set
.huge:
        mov eax, -1
.set:
        mov [INFO_MEM_UPPER], eax
.other:
        ret

run_script:
        mov si, SCRIPT
.piece:
        mov ecx, [si + 8]
        test ecx, ecx
        jz .done
        mov eax, [si]                   ; to the offset in the item
        shl eax, 16
        or eax, DMA_SELECT | DMA_SKIP
        mov ecx, [si + 4]
        xor edi, edi
        call dma
        mov eax, DMA_READ
        mov ecx, [si + 8]
        mov edi, [si + 12]
        call dma
        add si, SCRIPT_BYTES
        jmp .piece
.done:
        ret

        bits 32
protected:
        mov eax, DATA_SELECTOR
        mov ds, eax
        mov es, eax
        mov fs, eax
        mov gs, eax
        mov ss, eax
        lea esp, [ebx + INFO]
        add ebx, INFO
        mov eax, LOADED
        jmp ecx

; Flat, and marked accessed: the ROM cannot be written.
        align 8
gdt:
        dq 0
        dw 0FFFFh, 0, 9B00h, 0CFh
        dw 0FFFFh, 0, 9300h, 0CFh
gdt_end:

; Patched by multiboot.c.
        times ROM_BYTES - 16 - ($ - $$) db 0
block_segment: dd 0
block_bytes: dd 0                       ; from INFO on
entry:  dd 0
        OPTION_ROM_END

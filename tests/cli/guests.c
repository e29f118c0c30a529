/* guests.c - see guests.h. */
#include "guests.h"

#include <unistd.h>

static const struct {
    const char *name, *code;
    size_t bytes;
} guests[] = {
/* What a guest may ask of a terminal, and leave it with; the last has no end. */
#define RUDE \
    "\033[?1049h\033[?25l\033[?1000h\033[?1002h\033[?1003h\033[?1006h\033[?2004h\033[31m\033]0;mine\a\033]0;half"
#define GUEST(name, code)           \
    {                               \
        name, code, sizeof code - 1 \
    }
    GUEST("off.img", "\xBA\x04\x06\xB8\0\x20\xEF\xF4"),   /* mov dx, 604h; mov ax, 2000h; out dx, ax */
    GUEST("reset.img", "\xBA\xF9\x0C\xB0\x06\xEE\xF4"),   /* mov dx, CF9h; mov al, 6; out dx, al */
    GUEST("keyboard-reset.img", "\xB0\xFE\xE6\x64\xF4"),  /* mov al, FEh; out 64h, al */
    GUEST("dead.img", "\xFA\xF4"),                        /* cli; hlt */
    GUEST("triple.img", "\xFA\x0F\x01\x1E\x10\x7C\xCC"),  /* cli; lidt [7C10h]; int3 */
    GUEST("exit.img", "\xB0\x15\xE6\xF4\xFA\xF4"),        /* mov al, 15h; out F4h, al */
    GUEST("exit-word.img", "\xB8\x7F\0\xE7\xF4\xFA\xF4"), /* mov ax, 7Fh; out F4h, ax */
    GUEST("idle.img", "\xFB\xF4\xEB\xFC"),                /* sti; hlt; jmp $-2 */
    GUEST("busy.img", "\xFA\xEB\xFE"),                    /* cli; jmp $ */
    GUEST("talk.img", "\xBA\xF8\x03\xEE\xEB\xFD"),        /* mov dx, 3F8h; out dx, al; jmp $-1 */
    GUEST("int18.img", "\xCD\x18\xFA\xF4"),               /* int 18h; cli; hlt */
    /* mov si, 7C20h; xor ax, ax; mov ds, ax; mov dx, 402h; lodsb; test al, al; jz $+5; out dx, al; jmp $-6;
     * then as off.img */
    GUEST("nothing.img", "\xBE\x20\x7C\x31\xC0\x8E\xD8\xBA\x02\x04\xAC\x84\xC0\x74\x03\xEE\xEB\xF8\xBA\x04\x06\xB8\0"
                         "\x20\xEF\xF4\0\0\0\0\0\0\nNo bootable device.\n"),
    /* mov dx, 3F8h; mov al, 'o'; out dx, al; mov al, 'k'; out dx, al; then as off.img */
    GUEST("hello.img", "\xBA\xF8\x03\xB0o\xEE\xB0k\xEE\xBA\x04\x06\xB8\0\x20\xEF\xF4"),
    /* mov dx, 3FDh; in al, dx; test al, 1; jz $-3; mov dl, F8h; in al, dx; out dx, al; cmp al, 4; jnz $-14;
     * then as off.img */
    GUEST("echo.img", "\xBA\xFD\x03\xEC\xA8\x01\x74\xFB\xB2\xF8\xEC\xEE\x3C\x04\x75\xF0\xBA\x04\x06\xB8\0\x20\xEF\xF4"),
    /* cld; xor ax, ax; mov ds, ax; mov si, 7C13h; mov dx, 3F8h; lodsb; test al, al; jz $-9; out dx, al; jmp $-6 */
    GUEST("rude-talk.img", "\xFC\x31\xC0\x8E\xD8\xBE\x13\x7C\xBA\xF8\x03\xAC\x84\xC0\x74\xF5\xEE\xEB\xF8" RUDE),
    /* cld; xor ax, ax; mov ds, ax; mov si, 7C17h; mov dx, 3F8h; lodsb; test al, al; jz $+5; out dx, al; jmp $-6;
     * then as idle.img */
    GUEST("rude.img",
          "\xFC\x31\xC0\x8E\xD8\xBE\x17\x7C\xBA\xF8\x03\xAC\x84\xC0\x74\x03\xEE\xEB\xF8\xFB\xF4\xEB\xFC" RUDE),
};

void guests_make(struct run *run)
{
    for (size_t i = 0; i < RUN_ARRAY_LEN(guests); i++)
        run_boot_disk(run, guests[i].name, guests[i].code, guests[i].bytes, 65536);
    run_file(run, "blank.img", "", 0);
    if (truncate("blank.img", 65536) != 0)
        run->failures++;
}

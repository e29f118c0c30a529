/* guests.h - guests of one boot sector. */
#ifndef VX86_TEST_CLI_GUESTS_H
#define VX86_TEST_CLI_GUESTS_H

#include "run.h"

/* Disk images of 64 KiB in the run's directory:
 *   off.img             powers off
 *   reset.img           resets by port CF9h, keyboard-reset.img by the keyboard controller
 *   dead.img            halts with interrupts off
 *   triple.img          triple fault
 *   exit.img            writes 15h to port F4h, exit-word.img 7Fh
 *   idle.img            halts for ever, busy.img loops for ever
 *   talk.img            writes to COM1 for ever
 *   hello.img           writes "ok" to COM1 and powers off
 *   echo.img            writes what it reads from COM1, and powers off behind a 04h
 *   int18.img           gives up by INT 18h
 *   nothing.img         says on port 402h what the BIOS says when it has nothing to boot, and powers off
 *   rude.img            asks COM1's terminal for its other screen, mouse reports, a title, ..., and halts for ever
 *   rude-talk.img       asks again and again
 *   blank.img           cannot be booted */
void guests_make(struct run *run);

#endif

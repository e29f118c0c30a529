/* arguments.h - what the fuzzers' command lines have in common: numbers, and the note from which a case that ended the
 * process can be had again. */
#ifndef VX86_TESTS_FUZZ_ARGUMENTS_H
#define VX86_TESTS_FUZZ_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* False, with a complaint of `program`, when the option's text is no number (decimal, or 0x and hexadecimal). */
bool arguments_number(const char *program, const char *option, const char *text, uint64_t *value);

/* Maps the file `path`, made if there is none, as `bytes` bytes of memory that outlive the process, and opens
 * `path`.log for messages (*messages, unbuffered, the caller's). NULL, with a complaint of `program`, on failure. */
void *arguments_note(const char *program, const char *path, size_t bytes, FILE **messages);

#endif

/* compiler.h - the few attributes and macros that every folder uses. */
#ifndef VX86_COMPILER_H
#define VX86_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VX_MUST_USE                     __attribute__((warn_unused_result))
#define VX_PRINTF(fmt_index, first_arg) __attribute__((format(printf, fmt_index, first_arg)))
#define VX_NORETURN                     __attribute__((noreturn))
#define VX_LIKELY(x)                    __builtin_expect(!!(x), 1)
#define VX_UNLIKELY(x)                  __builtin_expect(!!(x), 0)
#define VX_ARRAY_LEN(a)                 (sizeof(a) / sizeof((a)[0]))

/* Stops the process with file, line and condition: for our own bugs, never for input or guest behaviour. */
#define VX_ASSERT(cond) (VX_LIKELY(cond) ? (void)0 : vx_assert_failed(#cond, __FILE__, __LINE__))

VX_NORETURN void vx_assert_failed(const char *cond, const char *file, int line);

#endif

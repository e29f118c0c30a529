/* terminal_prefix.h - Ctrl-A, by which the user of a raw terminal speaks to vx86 instead of the guest. */
#ifndef VX86_FRONTEND_TERMINAL_PREFIX_H
#define VX86_FRONTEND_TERMINAL_PREFIX_H

#include "vx86/compiler.h"

#define VX_PREFIX_KEY 0x01

enum prefix_action {
    VX_PREFIX_PASS, /* the byte is the guest's */
    VX_PREFIX_SEND, /* VX_PREFIX_KEY is the guest's */
    VX_PREFIX_NONE, /* swallowed */
    VX_PREFIX_LEAVE,
    VX_PREFIX_HELP,
    VX_PREFIX_DEBUG,
};

#define VX_PREFIX_HELP_TEXT "Ctrl-A x: leave vx86   Ctrl-A d: debugger   Ctrl-A a: send Ctrl-A   Ctrl-A h: this help"

/* `*seen` is the state: whether Ctrl-A came last. c is reserved; other keys after Ctrl-A do nothing. */
static inline enum prefix_action prefix_feed(bool *seen, uint8_t byte)
{
    if (!*seen) {
        *seen = byte == VX_PREFIX_KEY;
        return *seen ? VX_PREFIX_NONE : VX_PREFIX_PASS;
    }
    *seen = false;
    switch (byte) {
    case 'x':
    case 'X': return VX_PREFIX_LEAVE;
    case 'd':
    case 'D': return VX_PREFIX_DEBUG;
    case 'h':
    case 'H':
    case '?': return VX_PREFIX_HELP;
    case 'a':
    case 'A':
    case VX_PREFIX_KEY: return VX_PREFIX_SEND;
    default: return VX_PREFIX_NONE;
    }
}

#endif

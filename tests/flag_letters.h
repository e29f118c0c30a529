/* flag_letters.h - the arithmetic flags by their letters in the manual, for tables. */
#ifndef VX86_TEST_FLAG_LETTERS_H
#define VX86_TEST_FLAG_LETTERS_H

#include "vx86/vcpu.h"

enum {
    C = VX_FL_CF,
    P = VX_FL_PF,
    A = VX_FL_AF,
    Z = VX_FL_ZF,
    S = VX_FL_SF,
    O = VX_FL_OF,
};

#endif

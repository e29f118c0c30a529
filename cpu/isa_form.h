/* isa_form.h - what the columns of isa.def stand for, for those who make tables of it.
 *
 * The operands keep the manual's names (SDM 2D "Key to Abbreviations"): E a ModRM register or memory operand, M memory
 * alone, R a register alone, G a register by reg; I an immediate, J a displacement, A a far pointer, O an offset; S, C
 * and D segment, control and debug registers by reg; V W U and P Q N the same with XMM and MMX registers as G E R. The
 * size behind: b w d q dq t bytes, word, ... ten bytes; v word or doubleword, z the same as an immediate; p a far
 * pointer, a a pair for BOUND, s a table register; ps pd ss sd floating point. Z is a register by the opcode's low
 * bits; "RvMw" is a register of one size or memory of the other; X, Y and registers by name are implied.
 *
 * Included last, by files without other use for these names. */
#ifndef VX86_CPU_ISA_FORM_H
#define VX86_CPU_ISA_FORM_H

#include "isa.h"

/* clang-format off */
enum isa_operand {
    AL = 0, AX = 0, eAX = 0, CL = 0, DX = 0, ES = 0, CS = 0, SS = 0, DS = 0, FS = 0, GS = 0, ST = 0,
    Xb = 0, Xv = 0, Xz = 0, Yb = 0, Yv = 0, Yz = 0, Zb = 0, Zv = 0,
    Eb = ISA_MODRM, Ew = ISA_MODRM, Ed = ISA_MODRM, Ev = ISA_MODRM,
    Gb = ISA_MODRM, Gw = ISA_MODRM, Gd = ISA_MODRM, Gv = ISA_MODRM, Gz = ISA_MODRM, Sw = ISA_MODRM,
    RdMb = ISA_MODRM, RdMw = ISA_MODRM, RvMw = ISA_MODRM,
    Rv = ISA_MODRM | ISA_REG, Rd = ISA_MODRM | ISA_NAMES, Cd = ISA_MODRM | ISA_NAMES, Dd = ISA_MODRM | ISA_NAMES,
    M = ISA_MODRM | ISA_MEM, Ma = M, Mb = M, Mw = M, Md = M, Mq = M, Mdq = M, Mt = M, Mv = M, Mp = M, Ms = M,
    Mps = M, Mpd = M,
    STi = ISA_MODRM | ISA_REG,
    Ib = ISA_IMM1, Iw = ISA_IMM2, Iz = ISA_IMMZ, Iv = ISA_IMMZ, Jb = ISA_IMM1, Jz = ISA_IMMZ,
    Ap = ISA_IMMZ | ISA_IMM2, Ob = ISA_OFFSET, Ov = ISA_OFFSET,
    Vd = ISA_MODRM | ISA_XMM, Vq = Vd, Vdq = Vd, Vps = Vd, Vpd = Vd, Vss = Vd, Vsd = Vd,
    Ww = Vd, Wd = Vd, Wq = Vd, Wdq = Vd, Wps = Vd, Wpd = Vd, Wss = Vd, Wsd = Vd,
    Uq = Vd | ISA_REG, Udq = Uq, Ups = Uq, Upd = Uq,
    Pd = ISA_MODRM | ISA_MMX, Pq = Pd, Qq = Pd, Qd = Pd | ISA_LOW, Nq = Pd | ISA_REG,
    MM = ISA_MMX, /* all MMX registers: EMMS */
};
/* clang-format on */

/* The shape of "(Eb,Gb)": ISA_* together. The constant 1 is the bit that says nothing. */
#define ISA_SHAPE(form)          (ISA_SHAPE_OF form)
#define ISA_SHAPE_OF(...)        ISA_ANY_OF(__VA_ARGS__ + 0, 0, 0, 0)
#define ISA_ANY_OF(a, b, c, ...) ((unsigned)(a) | (unsigned)(b) | (unsigned)(c))

#endif

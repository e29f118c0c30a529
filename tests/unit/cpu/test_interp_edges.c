/* test_interp_edges.c - what single-instruction recordings do not reach: 32-bit stacks and addressing, segment checks,
 * LOCK, length, strings at boundaries, illegal encodings. One row a case: state before, code, state after one step. */
#include <criterion/criterion.h>

#include "interp_rig.h"

enum mode { REAL, KERNEL, USER };

enum kind {
    END,
    REG,
    FLAGS,
    EIP,
    MEM1,
    MEM2,
    MEM4,
    LIMIT,
    ATTR,
    BASE,
    UNUSABLE,
    IFLAG,
    DFLAG,
    CR,
    FAULT,
    ERROR,
    HALTED,
    SHADOW,
    PORT,
    FX /* 16 bits of the FXSAVE image */
};

struct item {
    enum kind kind;
    uint32_t at, value;
};

struct edge {
    const char *name;
    enum mode mode;
    uint8_t code[20];
    uint8_t bytes;
    struct item before[8], after[10];
};

#define CODE(...) { __VA_ARGS__ }, sizeof((uint8_t[]){ __VA_ARGS__ })
#define R(r, v)        \
    {                  \
        REG, VX_##r, v \
    }
#define M1(a, v)   \
    {              \
        MEM1, a, v \
    }
#define M2(a, v)   \
    {              \
        MEM2, a, v \
    }
#define M4(a, v)   \
    {              \
        MEM4, a, v \
    }
#define NOTHING   \
    {             \
        END, 0, 0 \
    }
#define FAULTS(vector)        \
    {                         \
        FAULT, 0, VX_##vector \
    }
#define ERR(code)      \
    {                  \
        ERROR, 0, code \
    }

/* One case a row. */
/* clang-format off */
static const struct edge stack_edges[] = {
    { "push esp", KERNEL, CODE(0x54), { R(RSP, 0x8000) }, { R(RSP, 0x7FFC), M4(0x7FFC, 0x8000) } },
    { "push sp", KERNEL, CODE(0x66, 0x54), { R(RSP, 0x8000) }, { R(RSP, 0x7FFE), M2(0x7FFE, 0x8000) } },
    { "pop esp", KERNEL, CODE(0x5C), { M4(0x8000, 0x1234) }, { R(RSP, 0x1234) } },
    { "pop [esp+4] addresses after the pop", KERNEL, CODE(0x8F, 0x44, 0x24, 0x04), { M4(0x8000, 0x11223344) },
      { R(RSP, 0x8004), M4(0x8008, 0x11223344) } },
    { "pop [eax]", KERNEL, CODE(0x8F, 0x00), { R(RAX, 0x4000), M4(0x8000, 5) }, { R(RSP, 0x8004), M4(0x4000, 5) } },
    { "pop to memory that faults leaves esp", KERNEL, CODE(0x3E, 0x8F, 0x00), { { LIMIT, VX_DS, 0x3FFF }, R(RAX, 0x4000) },
      { FAULTS(GP), ERR(0), R(RSP, 0x8000 - 16) } },
    { "push imm8 is sign-extended", KERNEL, CODE(0x6A, 0x80), { NOTHING }, { R(RSP, 0x7FFC), M4(0x7FFC, 0xFFFFFF80) } },
    { "push word [eax]", KERNEL, CODE(0x66, 0xFF, 0x30), { R(RAX, 0x4000), M4(0x4000, 0xABCD1234) }, { R(RSP, 0x7FFE), M2(0x7FFE, 0x1234) } },
    { "16-bit stack wraps and keeps the upper half", KERNEL, CODE(0x50), { { ATTR, VX_SS, 0x0093 }, { LIMIT, VX_SS, 0xFFFF }, R(RSP, 0x12340000), R(RAX, 7) },
      { R(RSP, 0x1234FFFC), M4(0xFFFC, 7) } },
    { "16-bit stack: a push over the top is #SS", REAL, CODE(0x66, 0x50), { R(RSP, 2) }, { FAULTS(SEG_SS) } },
    { "expand-down stack: push down to the limit", USER, CODE(0x50), { { ATTR, VX_SS, 0x40F7 }, { LIMIT, VX_SS, 0x7FFB }, R(RAX, 3) },
      { M4(0x7FFC, 3) } },
    { "expand-down stack: push at the limit", USER, CODE(0x50), { { ATTR, VX_SS, 0x40F7 }, { LIMIT, VX_SS, 0x7FFC } },
      { FAULTS(SEG_SS), ERR(0) } },
    { "pusha", KERNEL, CODE(0x60), { R(RAX, 1), R(RCX, 2), R(RBP, 6), R(RDI, 8) },
      { R(RSP, 0x7FE0), M4(0x7FFC, 1), M4(0x7FF8, 2), M4(0x7FEC, 0x8000), M4(0x7FE8, 6), M4(0x7FE0, 8) } },
    { "popa leaves out esp", KERNEL, CODE(0x61), { M4(0x8000, 8), M4(0x800C, 0xBAD), M4(0x801C, 1) },
      { R(RSP, 0x8020), R(RDI, 8), R(RAX, 1) } },
    { "enter 16, 0", KERNEL, CODE(0xC8, 0x10, 0, 0), { R(RBP, 0x99) }, { R(RSP, 0x7FEC), R(RBP, 0x7FFC), M4(0x7FFC, 0x99) } },
    { "enter 8, 3", KERNEL, CODE(0xC8, 8, 0, 3), { R(RBP, 0x9000), M4(0x8FFC, 0xA1), M4(0x8FF8, 0xA2) },
      { R(RSP, 0x7FE8), R(RBP, 0x7FFC), M4(0x7FFC, 0x9000), M4(0x7FF8, 0xA1), M4(0x7FF4, 0xA2), M4(0x7FF0, 0x7FFC) } },
    { "leave", KERNEL, CODE(0xC9), { R(RBP, 0x7000), M4(0x7000, 0x55) }, { R(RSP, 0x7004), R(RBP, 0x55) } },
    { "leave with a 16-bit operand", KERNEL, CODE(0x66, 0xC9), { R(RBP, 0xABCD7000), { ATTR, VX_SS, 0x0093 }, M4(0x7000, 0x55) }, { R(RSP, 0x7002), R(RBP, 0xABCD0055) } },
    { "ret 8", KERNEL, CODE(0xC2, 8, 0), { M4(0x8000, 0x1234) }, { R(RSP, 0x800C), { EIP, 0, 0x1234 } } },
    { "call eax beyond the limit", KERNEL, CODE(0xFF, 0xD0), { { LIMIT, VX_CS, 0xFFFF }, R(RAX, 0x10000) }, { FAULTS(GP), ERR(0), R(RSP, 0x7FF0) } },
    { "near call pushes the next address", KERNEL, CODE(0xE8, 0x10, 0, 0, 0), { NOTHING }, { { EIP, 0, 0x1015 }, M4(0x7FFC, 0x1005) } },
    { "jmp rel16 cuts eip", KERNEL, CODE(0x66, 0xE9, 0xFF, 0xFF), { NOTHING }, { { EIP, 0, 0x1003 } } },
    { "pushf hides VM and RF", KERNEL, CODE(0x9C), { { FLAGS, 0, VX_FL_RF | VX_FL_ID | VX_FL_CF } }, { M4(0x7FFC, VX_FL_ID | VX_FL_CF | 2) } },
    { "push fs zero-extends", KERNEL, CODE(0x0F, 0xA0), { M4(0x7FFC, 0xFFFFFFFF) }, { M4(0x7FFC, 16), R(RSP, 0x7FFC) } },
};

static const struct edge memory_edges[] = {
    { "sib: base, index, scale", KERNEL, CODE(0x8D, 0x84, 0x8B, 0x00, 0x01, 0, 0), { R(RBX, 0x1000), R(RCX, 3) }, { R(RAX, 0x110C) } },
    { "sib: no base, no index", KERNEL, CODE(0x8B, 0x04, 0x25, 0, 0x40, 0, 0), { M4(0x4000, 77) }, { R(RAX, 77) } },
    { "ebp addresses through SS", KERNEL, CODE(0x8B, 0x45, 0x00), { R(RBP, 0x4000), { BASE, VX_SS, 0x100 }, M4(0x4100, 9) }, { R(RAX, 9) } },
    { "16-bit address wraps", KERNEL, CODE(0x67, 0x8B, 0x00), { R(RBX, 0xFFFF), R(RSI, 0x4001), M4(0x4000, 5) }, { R(RAX, 5) } },
    { "moffs with 16-bit address", KERNEL, CODE(0x67, 0xA1, 0, 0x40), { M4(0x4000, 6) }, { R(RAX, 6) } },
    { "fs override", KERNEL, CODE(0x64, 0xA1, 0, 0x40, 0, 0), { { BASE, VX_FS, 0x10 }, M4(0x4010, 6) }, { R(RAX, 6) } },
    { "the last of two overrides counts", KERNEL, CODE(0x64, 0x65, 0xA1, 0, 0x40, 0, 0), { { BASE, VX_GS, 0x10 }, M4(0x4010, 6) }, { R(RAX, 6) } },
    { "real mode: word over FFFFh", REAL, CODE(0x8B, 0x07), { R(RBX, 0xFFFF) }, { FAULTS(GP) } },
    { "real mode: word over FFFFh in SS", REAL, CODE(0x8B, 0x46, 0x00), { R(RBP, 0xFFFF) }, { FAULTS(SEG_SS) } },
    { "real mode: 32-bit offset over the limit", REAL, CODE(0x67, 0x8B, 0x00), { R(RAX, 0x10000) }, { FAULTS(GP) } },
    { "unreal mode", REAL, CODE(0x67, 0x8B, 0x00), { R(RAX, 0x10000), { LIMIT, VX_DS, 0xFFFFFFFF }, M2(0x10000, 9) }, { R(RAX, 0x10009) } },
    { "write to read-only data", KERNEL, CODE(0x89, 0x00), { R(RAX, 0x4000), { ATTR, VX_DS, 0xC091 } }, { FAULTS(GP), ERR(0) } },
    { "read from read-only data", KERNEL, CODE(0x8B, 0x00), { R(RAX, 0x4000), { ATTR, VX_DS, 0xC091 }, M4(0x4000, 3) }, { R(RAX, 3) } },
    { "read from execute-only code", KERNEL, CODE(0x2E, 0x8B, 0x00), { R(RAX, 0x4000), { ATTR, VX_CS, 0xC099 } }, { FAULTS(GP), ERR(0) } },
    { "clflush of execute-only code", KERNEL, CODE(0x2E, 0x0F, 0xAE, 0x38), { R(RAX, 0x4000), { ATTR, VX_CS, 0xC099 } }, { { EIP, 0, RIG_CODE + 4 } } },
    { "read from readable code", KERNEL, CODE(0x2E, 0x8B, 0x00), { R(RAX, 0x4000), M4(0x4000, 3) }, { R(RAX, 3) } },
    { "write to code", KERNEL, CODE(0x2E, 0x89, 0x00), { R(RAX, 0x4000) }, { FAULTS(GP), ERR(0) } },
    { "null segment", KERNEL, CODE(0x65, 0x8B, 0x00), { { UNUSABLE, VX_GS, 1 }, R(RAX, 0x4000) }, { FAULTS(GP), ERR(0) } },
    { "expand-down: inside", KERNEL, CODE(0x8B, 0x00), { { ATTR, VX_DS, 0x4097 }, { LIMIT, VX_DS, 0x3FFF }, R(RAX, 0x4000), M4(0x4000, 4) }, { R(RAX, 4) } },
    { "expand-down: at the limit", KERNEL, CODE(0x8B, 0x00), { { ATTR, VX_DS, 0x4097 }, { LIMIT, VX_DS, 0x4000 }, R(RAX, 0x4000) }, { FAULTS(GP) } },
    { "expand-down: 16-bit upper bound", KERNEL, CODE(0x8B, 0x00), { { ATTR, VX_DS, 0x0097 }, { LIMIT, VX_DS, 0x10 }, R(RAX, 0xFFFE) }, { FAULTS(GP) } },
    { "limit is the last byte", KERNEL, CODE(0x8B, 0x00), { { LIMIT, VX_DS, 0x4003 }, R(RAX, 0x4000), M4(0x4000, 8) }, { R(RAX, 8) } },
    { "one over the limit", KERNEL, CODE(0x8B, 0x00), { { LIMIT, VX_DS, 0x4002 }, R(RAX, 0x4000) }, { FAULTS(GP) } },
    { "rmw over the limit changes nothing", KERNEL, CODE(0x01, 0x00), { { LIMIT, VX_DS, 0x4002 }, R(RAX, 0x4000), M4(0x4000, 8) }, { FAULTS(GP), M4(0x4000, 8) } },
    { "flat segments wrap at 4 GiB", KERNEL, CODE(0x8B, 0x04, 0x1E), { R(RBX, 0xFFFFF000), R(RSI, 0x5000), M4(0x4000, 8) }, { R(RAX, 8) } },
    { "bt beyond the operand", KERNEL, CODE(0x0F, 0xA3, 0x08), { R(RAX, 0x4000), R(RCX, 33), M4(0x4004, 2) }, { { FLAGS, 0, VX_FL_CF | 2 } } },
    { "bts before the operand", KERNEL, CODE(0x0F, 0xAB, 0x08), { R(RAX, 0x4000), R(RCX, 0xFFFFFFFF) }, { M4(0x3FFC, 0x80000000) } },
    { "btr, 16-bit index", KERNEL, CODE(0x66, 0x0F, 0xB3, 0x08), { R(RAX, 0x4000), R(RCX, 0x1FFF0), M2(0x3FFE, 3) }, { M2(0x3FFE, 2), { FLAGS, 0, VX_FL_CF | 2 } } },
    { "bt with imm8 stays in the operand", KERNEL, CODE(0x0F, 0xBA, 0x20, 0x21), { R(RAX, 0x4000), M4(0x4000, 2) }, { { FLAGS, 0, VX_FL_CF | 2 } } },
    { "cmpxchg8b equal", KERNEL, CODE(0x0F, 0xC7, 0x0E), { R(RSI, 0x4000), R(RDX, 1), R(RAX, 2), R(RCX, 3), R(RBX, 4), M4(0x4000, 2), M4(0x4004, 1) },
      { M4(0x4000, 4), M4(0x4004, 3), { FLAGS, 0, VX_FL_ZF | 2 } } },
    { "cmpxchg8b unequal", KERNEL, CODE(0xF0, 0x0F, 0xC7, 0x0E), { R(RSI, 0x4000), R(RDX, 1), R(RAX, 2), M4(0x4000, 9), M4(0x4004, 8) },
      { M4(0x4000, 9), M4(0x4004, 8), R(RAX, 9), R(RDX, 8), { FLAGS, 0, 2 } } },
    { "cmpxchg memory", KERNEL, CODE(0xF0, 0x0F, 0xB1, 0x0E), { R(RSI, 0x4000), R(RAX, 2), R(RCX, 7), M4(0x4000, 2) }, { M4(0x4000, 7), R(RAX, 2) } },
    { "xadd memory", KERNEL, CODE(0x0F, 0xC1, 0x0E), { R(RSI, 0x4000), R(RCX, 7), M4(0x4000, 2) }, { M4(0x4000, 9), R(RCX, 2) } },
    { "xchg memory", KERNEL, CODE(0x87, 0x0E), { R(RSI, 0x4000), R(RCX, 7), M4(0x4000, 2) }, { M4(0x4000, 7), R(RCX, 2) } },
    { "sgdt stores 32 bits of base", KERNEL, CODE(0x66, 0x0F, 0x01, 0x06), { R(RSI, 0x4000) }, { M2(0x4000, 47), M4(0x4002, RIG_GDT) } },
    { "bound inside", KERNEL, CODE(0x62, 0x06), { R(RSI, 0x4000), R(RAX, 5), M4(0x4000, 0xFFFFFFFF), M4(0x4004, 5) }, { { EIP, 0, 0x1002 } } },
    { "bound outside", KERNEL, CODE(0x62, 0x06), { R(RSI, 0x4000), R(RAX, 6), M4(0x4000, 0xFFFFFFFF), M4(0x4004, 5) }, { FAULTS(BR) } },
};

static const struct edge string_edges[] = {
    { "rep movsb", KERNEL, CODE(0xF3, 0xA4), { R(RSI, 0x4000), R(RDI, 0x5000), R(RCX, 4), M4(0x4000, 0x44332211) },
      { M4(0x5000, 0x44332211), R(RSI, 0x4004), R(RDI, 0x5004), R(RCX, 0) } },
    { "rep movsb over itself repeats a pattern", KERNEL, CODE(0xF3, 0xA4), { R(RSI, 0x4000), R(RDI, 0x4002), R(RCX, 6), M2(0x4000, 0x2211) },
      { M4(0x4002, 0x22112211), M2(0x4006, 0x2211) } },
    { "rep movsd down over itself", KERNEL, CODE(0xF3, 0xA5), { { DFLAG, 0, 1 }, R(RSI, 0x4010), R(RDI, 0x400C), R(RCX, 3), M4(0x4010, 7) },
      { M4(0x400C, 7), M4(0x4008, 7), M4(0x4004, 7), R(RSI, 0x4004), R(RDI, 0x4000) } },
    { "rep movsd across a page end", KERNEL, CODE(0xF3, 0xA5), { R(RSI, 0x4FFE), R(RDI, 0x9000), R(RCX, 2), M4(0x4FFE, 0x12345678), M4(0x5002, 0x9ABCDEF0) },
      { M4(0x9000, 0x12345678), M4(0x9004, 0x9ABCDEF0), R(RCX, 0), R(RSI, 0x5006) } },
    { "rep stosd", KERNEL, CODE(0xF3, 0xAB), { R(RAX, 0xA5A5A5A5), R(RDI, 0x5000), R(RCX, 3), M4(0x500C, 1) },
      { M4(0x5000, 0xA5A5A5A5), M4(0x5008, 0xA5A5A5A5), M4(0x500C, 1), R(RDI, 0x500C) } },
    { "rep stosb down", KERNEL, CODE(0xF3, 0xAA), { { DFLAG, 0, 1 }, R(RAX, 0x5A), R(RDI, 0x5003), R(RCX, 4) }, { M4(0x5000, 0x5A5A5A5A), R(RDI, 0x4FFF) } },
    { "rep with no count", KERNEL, CODE(0xF3, 0xA4), { { UNUSABLE, VX_ES, 1 }, R(RCX, 0) }, { { EIP, 0, 0x1002 } } },
    { "rep counts in cx", KERNEL, CODE(0x67, 0xF3, 0xAA), { R(RCX, 0x70002), R(RDI, 0x15000), R(RAX, 9) }, { M2(0x5000, 0x0909), R(RCX, 0x70000), R(RDI, 0x15002) } },
    { "a step does at most 4096", KERNEL, CODE(0xF3, 0xAA), { R(RCX, 5000), R(RDI, 0x10000) }, { R(RCX, 904), R(RDI, 0x11000), { EIP, 0, 0x1000 } } },
    { "repe cmpsb stops after the difference", KERNEL, CODE(0xF3, 0xA6), { R(RSI, 0x4000), R(RDI, 0x5000), R(RCX, 8), M4(0x4000, 0x04030201), M4(0x5000, 0x04FF0201) },
      { R(RCX, 5), R(RSI, 0x4003), R(RDI, 0x5003), { FLAGS, 0, VX_FL_CF | VX_FL_AF | 2 } } },
    { "repne scasb finds", KERNEL, CODE(0xF2, 0xAE), { R(RAX, 3), R(RDI, 0x4000), R(RCX, 8), M4(0x4000, 0x04030201) },
      { R(RCX, 5), R(RDI, 0x4003), { FLAGS, 0, VX_FL_ZF | VX_FL_PF | 2 } } },
    { "rep movsb stops at the limit", KERNEL, CODE(0xF3, 0xA4), { { LIMIT, VX_ES, 0x5001 }, R(RSI, 0x4000), R(RDI, 0x5000), R(RCX, 4), M4(0x4000, 0x44332211), M4(0x5000, 0) },
      { FAULTS(GP), ERR(0), R(RCX, 2), R(RSI, 0x4002), R(RDI, 0x5002), M4(0x5000, 0x2211) } },
    { "lodsw fs", KERNEL, CODE(0x64, 0x66, 0xAD), { { BASE, VX_FS, 8 }, R(RSI, 0x4000), M2(0x4008, 0x1234) }, { R(RAX, 0x1234), R(RSI, 0x4002) } },
    { "rep insd reads the port each time", KERNEL, CODE(0xF3, 0x6D), { { PORT, 0, 0x0BADF00D }, R(RDX, 0x1F0), R(RDI, 0x5000), R(RCX, 2) },
      { M4(0x5000, 0x0BADF00D), M4(0x5004, 0x0BADF00D), R(RDI, 0x5008), { PORT, 0x1F0, 2 } } },
    { "ins checks memory before the port", KERNEL, CODE(0x6C), { { LIMIT, VX_ES, 0x4FFF }, R(RDI, 0x5000) }, { FAULTS(GP), { PORT, 0, 0 } } },
    { "outsb", KERNEL, CODE(0x6E), { R(RDX, 0x3F8), R(RSI, 0x4000), M1(0x4000, 0x41) }, { R(RSI, 0x4001), { PORT, 0x3F8, 1 } } },
    { "in at level 3 without rights", USER, CODE(0xEC), { R(RDX, 0x3F8) }, { FAULTS(GP), ERR(0), { PORT, 0, 0 } } },
    { "in ax, imm8", KERNEL, CODE(0x66, 0xE5, 0x80), { { PORT, 0, 0xABCD1234 }, R(RAX, 0x55550000) }, { R(RAX, 0x55551234), { PORT, 0x80, 1 } } },
};

static const struct edge encoding_edges[] = {
    { "lock add [eax], eax", KERNEL, CODE(0xF0, 0x01, 0x00), { R(RAX, 0x4000) }, { M4(0x4000, 0x4000) } },
    { "lock add eax, eax", KERNEL, CODE(0xF0, 0x01, 0xC0), { NOTHING }, { FAULTS(UD) } },
    { "lock add eax, [eax]", KERNEL, CODE(0xF0, 0x03, 0x00), { NOTHING }, { FAULTS(UD) } },
    { "lock cmp [eax], imm8", KERNEL, CODE(0xF0, 0x83, 0x38, 0), { NOTHING }, { FAULTS(UD) } },
    { "lock cmp [eax], eax", KERNEL, CODE(0xF0, 0x39, 0x00), { NOTHING }, { FAULTS(UD) } },
    { "lock nop", KERNEL, CODE(0xF0, 0x90), { NOTHING }, { FAULTS(UD) } },
    { "lock bt [eax], 1", KERNEL, CODE(0xF0, 0x0F, 0xBA, 0x20, 1), { NOTHING }, { FAULTS(UD) } },
    { "lock bts [eax], 1", KERNEL, CODE(0xF0, 0x0F, 0xBA, 0x28, 1), { R(RAX, 0x4000) }, { M4(0x4000, 2) } },
    { "lock mov", KERNEL, CODE(0xF0, 0x89, 0x00), { NOTHING }, { FAULTS(UD) } },
    { "lock dec byte [eax]", KERNEL, CODE(0xF0, 0xFE, 0x08), { R(RAX, 0x4000), M1(0x4000, 3) }, { M1(0x4000, 2) } },
    { "lock call", KERNEL, CODE(0xF0, 0xFF, 0x10), { NOTHING }, { FAULTS(UD) } },
    { "15 bytes", KERNEL, CODE(0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x90), { NOTHING }, { { EIP, 0, 0x100F } } },
    { "16 bytes", KERNEL, CODE(0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x90), { NOTHING }, { FAULTS(GP), ERR(0) } },
    { "code over the limit", KERNEL, CODE(0xB8, 1, 0, 0, 0), { { LIMIT, VX_CS, 0x1003 } }, { FAULTS(GP), ERR(0) } },
    { "code up to the limit", KERNEL, CODE(0xB8, 1, 0, 0, 0), { { LIMIT, VX_CS, 0x1004 } }, { R(RAX, 1) } },
    { "repeated 66h counts once", KERNEL, CODE(0x66, 0x66, 0xB8, 1, 0), { R(RAX, 0xFFFF0000) }, { R(RAX, 0xFFFF0001), { EIP, 0, 0x1005 } } },
    { "ud2", KERNEL, CODE(0x0F, 0x0B), { NOTHING }, { FAULTS(UD) } },
    { "ud1", KERNEL, CODE(0x0F, 0xB9, 0xC0), { NOTHING }, { FAULTS(UD) } },
    { "ud0", KERNEL, CODE(0x0F, 0xFF, 0xC0), { NOTHING }, { FAULTS(UD) } },
    { "rsm outside SMM", KERNEL, CODE(0x0F, 0xAA), { NOTHING }, { FAULTS(UD) } },
    { "syscall", KERNEL, CODE(0x0F, 0x05), { NOTHING }, { FAULTS(UD) } },
    { "popcnt", KERNEL, CODE(0xF3, 0x0F, 0xB8, 0xC1), { R(RCX, 0x8001) }, { R(RAX, 2) } },
    { "jmpe is not there", KERNEL, CODE(0x0F, 0xB8, 0xC0), { NOTHING }, { FAULTS(UD) } },
    { "0F 38 without meaning", KERNEL, CODE(0x0F, 0x38, 0x0C, 0xC0), { NOTHING }, { FAULTS(UD) } },
    { "movbe load", KERNEL, CODE(0x0F, 0x38, 0xF0, 0x0E), { R(RSI, 0x5000), R(RCX, 9), M4(0x5000, 0x12345678) }, { R(RCX, 0x78563412) } },
    { "movbe load, 16 bits", KERNEL, CODE(0x66, 0x0F, 0x38, 0xF0, 0x0E), { R(RSI, 0x5000), R(RCX, 0xABCD0000), M4(0x5000, 0x12345678) }, { R(RCX, 0xABCD7856) } },
    { "movbe store", KERNEL, CODE(0x0F, 0x38, 0xF1, 0x0E), { R(RSI, 0x5000), R(RCX, 0x12345678), M4(0x5000, 0) }, { M4(0x5000, 0x78563412) } },
    { "movbe store, 16 bits", KERNEL, CODE(0x66, 0x0F, 0x38, 0xF1, 0x0E), { R(RSI, 0x5000), R(RCX, 0x12345678), M4(0x5000, 0) }, { M4(0x5000, 0x7856) } },
    { "crc32 of a word in memory", KERNEL, CODE(0x66, 0xF2, 0x0F, 0x38, 0xF1, 0x0E), { R(RSI, 0x5000), R(RCX, 0), M4(0x5000, 0xFFFF0001) }, { R(RCX, 0x13A29877) } },
    { "crc32 beats movbe with F3 too", KERNEL, CODE(0xF3, 0x0F, 0x38, 0xF0, 0x0E), { R(RSI, 0x5000) }, { FAULTS(UD) } },
    { "movbe of a register", KERNEL, CODE(0x0F, 0x38, 0xF0, 0xC1), { NOTHING }, { FAULTS(UD) } },
    { "F3 0F BC is bsf", KERNEL, CODE(0xF3, 0x0F, 0xBC, 0xC1), { R(RCX, 8) }, { R(RAX, 3) } },
    { "lea of a register", KERNEL, CODE(0x8D, 0xC0), { NOTHING }, { FAULTS(UD) } },
    { "les of a register", KERNEL, CODE(0xC4, 0xC0), { NOTHING }, { FAULTS(UD) } },
    { "mov cs", KERNEL, CODE(0x8E, 0xC8), { NOTHING }, { FAULTS(UD) } },
    { "mov to segment 6", KERNEL, CODE(0x8E, 0xF0), { NOTHING }, { FAULTS(UD) } },
    { "group 4 /2", KERNEL, CODE(0xFE, 0xD0), { NOTHING }, { FAULTS(UD) } },
    { "group 5 /7", KERNEL, CODE(0xFF, 0xF8), { NOTHING }, { FAULTS(UD) } },
    { "group 8 /0", KERNEL, CODE(0x0F, 0xBA, 0xC0, 0), { NOTHING }, { FAULTS(UD) } },
    { "group 11 /1", KERNEL, CODE(0xC6, 0xC8, 0), { NOTHING }, { FAULTS(UD) } },
    { "far call through a register", KERNEL, CODE(0xFF, 0xD8), { NOTHING }, { FAULTS(UD) } },
    { "cmpxchg8b of a register", KERNEL, CODE(0x0F, 0xC7, 0xC8), { NOTHING }, { FAULTS(UD) } },
    { "invlpg of a register", KERNEL, CODE(0x0F, 0x01, 0xF8), { NOTHING }, { FAULTS(UD) } },
    { "mov cr0 ignores mod", KERNEL, CODE(0x0F, 0x20, 0x00), { NOTHING }, { { EIP, 0, 0x1003 }, R(RAX, 0x11) } },
    { "arpl in real mode", REAL, CODE(0x63, 0xC0), { NOTHING }, { FAULTS(UD) } },
    { "sldt in real mode", REAL, CODE(0x0F, 0x00, 0xC0), { NOTHING }, { FAULTS(UD) } },
    { "hint opcodes are nops", KERNEL, CODE(0x0F, 0x18, 0x0D, 0, 0, 0, 0xF0), { NOTHING }, { { EIP, 0, 0x1007 } } },
    { "salc", KERNEL, CODE(0xD6), { { FLAGS, 0, VX_FL_CF } }, { R(RAX, 0xFF) } },
    { "82h is 80h", KERNEL, CODE(0x82, 0xC0, 5), { R(RAX, 1) }, { R(RAX, 6) } },
    { "bswap of 16 bits", KERNEL, CODE(0x66, 0x0F, 0xC8), { R(RAX, 0x12345678) }, { R(RAX, 0x12340000) } },
    { "loop counts in cx with 67h", KERNEL, CODE(0x67, 0xE2, 0x10), { R(RCX, 0x10001) }, { R(RCX, 0x10000), { EIP, 0, 0x1003 } } },
    { "loope", KERNEL, CODE(0xE1, 0x10), { R(RCX, 2), { FLAGS, 0, VX_FL_ZF } }, { { EIP, 0, 0x1012 } } },
    { "loopne", KERNEL, CODE(0xE0, 0x10), { R(RCX, 2), { FLAGS, 0, VX_FL_ZF } }, { { EIP, 0, 0x1002 } } },
    { "jecxz", KERNEL, CODE(0xE3, 0x10), { R(RCX, 0) }, { { EIP, 0, 0x1012 } } },
    { "jcc beyond the limit", KERNEL, CODE(0x0F, 0x84, 0, 0, 1, 0), { { LIMIT, VX_CS, 0xFFFF }, { FLAGS, 0, VX_FL_ZF } }, { FAULTS(GP), ERR(0) } },
    { "aam 0", KERNEL, CODE(0xD4, 0), { NOTHING }, { FAULTS(DE) } },
    { "div by zero", KERNEL, CODE(0xF7, 0xF1), { R(RCX, 0) }, { FAULTS(DE) } },
    { "idiv overflow", KERNEL, CODE(0xF7, 0xF9), { R(RAX, 0x80000000), R(RDX, 0xFFFFFFFF), R(RCX, 0xFFFFFFFF) }, { FAULTS(DE) } },
    { "idiv of the smallest", KERNEL, CODE(0xF7, 0xF9), { R(RAX, 0), R(RDX, 0x80000000), R(RCX, 0xFFFFFFFF) }, { FAULTS(DE) } },
    { "into", KERNEL, CODE(0xCE), { { FLAGS, 0, VX_FL_OF } }, { FAULTS(OF) } },
    { "int3 is a trap", KERNEL, CODE(0xCC), { NOTHING }, { FAULTS(BP), M4(0x7FF4, 0x1001) } },
    { "icebp", KERNEL, CODE(0xF1), { NOTHING }, { FAULTS(DB), M4(0x7FF4, 0x1001) } },
    { "int at level 3 into a kernel gate", USER, CODE(0xCD, 0x40), { NOTHING }, { FAULTS(GP), ERR(0x202) } },
    { "hlt", KERNEL, CODE(0xF4), { NOTHING }, { { HALTED, 0, 1 }, { EIP, 0, 0x1001 } } },
    { "hlt at level 3", USER, CODE(0xF4), { NOTHING }, { FAULTS(GP), ERR(0) } },
    { "cli at level 3", USER, CODE(0xFA), { NOTHING }, { FAULTS(GP), ERR(0) } },
    { "cli at level 3 with IOPL 3", USER, CODE(0xFA), { { FLAGS, 0, VX_FL_IOPL }, { IFLAG, 0, 1 } }, { { IFLAG, 0, 0 } } },
    { "sti casts a shadow", KERNEL, CODE(0xFB), { NOTHING }, { { IFLAG, 0, 1 }, { SHADOW, 0, VX_INHIBIT_STI } } },
    { "sti with IF set casts none", KERNEL, CODE(0xFB), { { IFLAG, 0, 1 } }, { { SHADOW, 0, VX_INHIBIT_NONE } } },
    { "mov ss casts a shadow", KERNEL, CODE(0x8E, 0xD0), { R(RAX, 16) }, { { SHADOW, 0, VX_INHIBIT_SS } } },
    { "mov ss in a shadow casts none", KERNEL, CODE(0x8E, 0xD0), { { SHADOW, 0, VX_INHIBIT_SS }, R(RAX, 16) }, { { SHADOW, 0, VX_INHIBIT_NONE } } },
    { "smsw to a register", KERNEL, CODE(0x0F, 0x01, 0xE1), { NOTHING }, { R(RCX, 0x11) } },
    { "lmsw cannot clear PE", KERNEL, CODE(0x0F, 0x01, 0xF0), { R(RAX, 8) }, { { CR, 0, 0x19 } } },
    { "clts", KERNEL, CODE(0x0F, 0x06), { { CR, 0, 0x19 } }, { { CR, 0, 0x11 } } },
    { "clts at level 3", USER, CODE(0x0F, 0x06), { NOTHING }, { FAULTS(GP), ERR(0) } },
    { "lar of a data segment", KERNEL, CODE(0x0F, 0x02, 0xC1), { R(RCX, 16) }, { R(RAX, 0x00CF9300), { FLAGS, 0, VX_FL_ZF | 2 } } },
    { "lsl of a page-granular segment", KERNEL, CODE(0x0F, 0x03, 0xC1), { R(RCX, 16) }, { R(RAX, 0xFFFFFFFF), { FLAGS, 0, VX_FL_ZF | 2 } } },
    { "lar of the null selector", KERNEL, CODE(0x0F, 0x02, 0xC1), { R(RCX, 0), R(RAX, 5), { FLAGS, 0, VX_FL_ZF } }, { R(RAX, 5), { FLAGS, 0, 2 } } },
    { "lsl beyond the table", KERNEL, CODE(0x0F, 0x03, 0xC1), { R(RCX, 0x100) }, { { FLAGS, 0, 2 } } },
    { "lar of an inner segment at level 3", USER, CODE(0x0F, 0x02, 0xC1), { R(RCX, 16) }, { { FLAGS, 0, 2 } } },
    { "verw of code", KERNEL, CODE(0x0F, 0x00, 0xE9), { R(RCX, 8), { FLAGS, 0, VX_FL_ZF } }, { { FLAGS, 0, 2 } } },
    { "verr of code", KERNEL, CODE(0x0F, 0x00, 0xE1), { R(RCX, 8) }, { { FLAGS, 0, VX_FL_ZF | 2 } } },
    { "arpl raises RPL", KERNEL, CODE(0x63, 0xC8), { R(RAX, 0x10), R(RCX, 3) }, { R(RAX, 0x13), { FLAGS, 0, VX_FL_ZF | 2 } } },
    { "rdpmc", KERNEL, CODE(0x0F, 0x33), { NOTHING }, { FAULTS(GP), ERR(0) } },
    { "alignment check", USER, CODE(0x8B, 0x00), { { CR, 0, 0x40011 }, { FLAGS, 0, VX_FL_AC }, R(RAX, 0x4001) }, { FAULTS(AC), ERR(0) } },
    { "no alignment check at level 0", KERNEL, CODE(0x8B, 0x00), { { CR, 0, 0x40011 }, { FLAGS, 0, VX_FL_AC }, R(RAX, 0x4001), M4(0x4001, 2) }, { R(RAX, 2) } },
};
/* Which of two faults, and what is fetched or checked though nothing comes of it: found against a real CPU. */
static const struct edge order_edges[] = {
    { "#UD comes after the fetch: immediate of C7 /1", KERNEL, CODE(0xC7, 0x08), { { LIMIT, VX_CS, RIG_CODE + 1 } }, { FAULTS(GP) } },
    { "#UD comes after the fetch: immediate behind LOCK", KERNEL, CODE(0xF0, 0x68), { { LIMIT, VX_CS, RIG_CODE + 2 } }, { FAULTS(GP) } },
    { "#UD comes after the fetch: 0F 71 /0", KERNEL, CODE(0x0F, 0x71, 0xC0), { { LIMIT, VX_CS, RIG_CODE + 2 } }, { FAULTS(GP) } },
    { "#UD with all bytes there", KERNEL, CODE(0xC7, 0x08, 1, 2, 3, 4), { { LIMIT, VX_CS, RIG_CODE + 5 } }, { FAULTS(UD) } },
    { "0F 7A has no ModRM", KERNEL, CODE(0x0F, 0x7A), { { LIMIT, VX_CS, RIG_CODE + 1 } }, { FAULTS(UD) } },
    { "x87: #UD before a pending #MF", KERNEL, CODE(0xD9, 0xD1), { { CR, 0, 0x31 }, { FX, 0, 0x37E }, { FX, 2, 0x8081 } }, { FAULTS(UD) } },
    { "x87: a pending #MF", KERNEL, CODE(0xD9, 0xD0), { { CR, 0, 0x31 }, { FX, 0, 0x37E }, { FX, 2, 0x8081 } }, { FAULTS(MF) } },
    { "MMX: #UD before a pending #MF", KERNEL, CODE(0x0F, 0x71, 0xC0, 1), { { CR, 0, 0x31 }, { FX, 0, 0x37E }, { FX, 2, 0x8081 } }, { FAULTS(UD) } },
    { "x87: a store that unmasked stack underflow forbids is checked", KERNEL, CODE(0xD9, 0x10),
      { { FX, 0, 0x37E }, { FX, 4, 0 }, R(RAX, 0x4000), { LIMIT, VX_DS, 0x3FFF } }, { FAULTS(GP) } },
    { "CMPS reads ES:EDI first", USER, CODE(0x36, 0xA7), { { LIMIT, VX_SS, 0xFFF }, { LIMIT, VX_ES, 0xFFF }, R(RSI, 0x4000), R(RDI, 0x4000) }, { FAULTS(GP) } },
    { "ARPL writes only what it changes", KERNEL, CODE(0x63, 0x08), { { ATTR, VX_DS, 0xC091 }, R(RAX, 0x4000), M2(0x4000, 3) }, { { EIP, 0, RIG_CODE + 2 } } },
    { "ARPL that has to write", KERNEL, CODE(0x63, 0x08), { { ATTR, VX_DS, 0xC091 }, R(RAX, 0x4000), R(RCX, 3) }, { FAULTS(GP) } },
};
/* clang-format on */

static void apply(struct interp_rig *rig, const struct item *i)
{
    struct vx_vcpu *cpu = rig->cpu;
    switch (i->kind) {
    case REG: cpu->gpr[i->at] = i->value; break;
    case FLAGS: vx_set_eflags_raw(cpu, i->value); break;
    case MEM1: memcpy(rig->ram + i->at, &i->value, 1); break;
    case MEM2: memcpy(rig->ram + i->at, &i->value, 2); break;
    case MEM4: memcpy(rig->ram + i->at, &i->value, 4); break;
    case LIMIT: cpu->seg[i->at].limit = i->value; break;
    case ATTR: cpu->seg[i->at].attr = (uint16_t)i->value; break;
    case BASE: cpu->seg[i->at].base = i->value; break;
    case UNUSABLE: cpu->seg[i->at].unusable = i->value; break;
    case IFLAG: cpu->iflag = (uint8_t)i->value; break;
    case DFLAG: cpu->dflag = (uint8_t)i->value; break;
    case CR: cpu->cr0 = i->value; break;
    case SHADOW: cpu->inhibit = (uint8_t)i->value; break;
    case PORT: rig->port_value = i->value; break;
    case FX: memcpy(cpu->fx + i->at, &i->value, 2); break;
    default: VX_ASSERT(!"an item that is only for afterwards");
    }
}

/* The value that `i` expects to find. */
static uint32_t observe(const struct interp_rig *rig, const struct item *i)
{
    const struct vx_vcpu *cpu = rig->cpu;
    uint32_t value = 0;
    switch (i->kind) {
    case REG: return (uint32_t)cpu->gpr[i->at];
    case FLAGS: return vx_eflags(cpu);
    case EIP: return (uint32_t)cpu->rip;
    case MEM1: memcpy(&value, rig->ram + i->at, 1); return value;
    case MEM2: memcpy(&value, rig->ram + i->at, 2); return value;
    case MEM4: memcpy(&value, rig->ram + i->at, 4); return value;
    case IFLAG: return cpu->iflag;
    case CR: return (uint32_t)cpu->cr0;
    case FAULT: return ((uint32_t)cpu->rip - RIG_HANDLERS) / 16;
    case ERROR: memcpy(&value, rig->ram + cpu->gpr[VX_RSP], 4); return value;
    case HALTED: return cpu->halted;
    case SHADOW: return cpu->inhibit;
    case PORT: return rig->port_count != 0 && rig->ports[0].port != i->at ? UINT32_MAX : rig->port_count;
    default: return UINT32_MAX;
    }
}

static bool run_edge(struct interp_rig *rig, const struct edge *e, char *why, size_t why_bytes)
{
    memset(rig->ram, 0, 0x20000);
    if (e->mode == REAL) {
        rig_real_mode(rig);
        rig_real_vectors(rig);
    } else {
        rig_flat(rig, e->mode == USER ? 3 : 0);
    }
    rig->port_count = 0;
    memcpy(rig->ram + RIG_CODE, e->code, e->bytes);
    for (unsigned i = 0; i < VX_ARRAY_LEN(e->before) && e->before[i].kind != END; i++)
        apply(rig, &e->before[i]);
    (void)vx_interp_step(rig->cpu);
    for (unsigned i = 0; i < VX_ARRAY_LEN(e->after) && e->after[i].kind != END; i++) {
        uint32_t got = observe(rig, &e->after[i]);
        if (got != e->after[i].value) {
            snprintf(why, why_bytes, "%s: item %u is %x, not %x (eip %x)", e->name, i, got, e->after[i].value,
                     (unsigned)rig->cpu->rip);
            return false;
        }
    }
    return true;
}

static void run_table(const struct edge *edges, size_t count)
{
    struct interp_rig rig;
    char why[160];
    unsigned bad = 0;
    cr_assert(rig_init(&rig));
    for (size_t i = 0; i < count; i++) {
        if (!run_edge(&rig, &edges[i], why, sizeof(why))) {
            printf("%s\n", why);
            bad++;
        }
    }
    rig_fini(&rig);
    cr_assert_eq(bad, 0, "%u of %zu rows fail", bad, count);
}

Test(interp_edges, stack)
{
    run_table(stack_edges, VX_ARRAY_LEN(stack_edges));
}
Test(interp_edges, memory)
{
    run_table(memory_edges, VX_ARRAY_LEN(memory_edges));
}
Test(interp_edges, strings)
{
    run_table(string_edges, VX_ARRAY_LEN(string_edges));
}
Test(interp_edges, order)
{
    run_table(order_edges, VX_ARRAY_LEN(order_edges));
}
Test(interp_edges, encodings)
{
    run_table(encoding_edges, VX_ARRAY_LEN(encoding_edges));
}

/* Code that ends at, or runs over, the top of a 4 GiB segment goes on at 0. CS's base puts the code into memory. */
Test(interp_edges, eip_wraps)
{
    static const struct {
        const char *name;
        uint8_t code[6];
        uint32_t eip, insns, after, eax, pushed;
    } rows[] = {
        { "mov al, imm8 over the top", { 0xB0, 0x55 }, 0xFFFFFFFF, 1, 1, 0x55, 0 },
        { "mov eax, imm32 over the top", { 0xB8, 4, 3, 2, 1 }, 0xFFFFFFFD, 1, 2, 0x01020304, 0 },
        { "nop at the top", { 0x90, 0x90 }, 0xFFFFFFFF, 1, 0, 0, 0 },
        { "nops over the top", { 0x90, 0x90, 0x90, 0x90 }, 0xFFFFFFFE, 3, 1, 0, 0 },
        { "call to before the top", { 0xE8, 0xF0, 0xFF, 0xFF, 0xFF }, 0xFFFFFFFC, 1, 0xFFFFFFF1, 0, 1 },
        { "call that ends at the top", { 0xE8, 0x10, 0, 0, 0 }, 0xFFFFFFFB, 1, 0x10, 0, 0 },
        { "int 20h that ends at the top", { 0xCD, 0x20 }, 0xFFFFFFFE, 1, RIG_HANDLERS, 0, 0 },
    };
    struct interp_rig rig;
    cr_assert(rig_init(&rig));
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        rig_flat(&rig, 0);
        struct vx_vcpu *cpu = rig.cpu;
        uint32_t pushed;
        cpu->gpr[VX_RAX] = 0;
        cpu->seg[VX_CS].base = (uint32_t)(RIG_CODE - rows[i].eip);
        cpu->rip = rows[i].eip;
        memcpy(rig.ram + RIG_CODE, rows[i].code, sizeof rows[i].code);
        memset(rig.ram + RIG_STACK - 4, 0, 4);
        (void)vx_interp_run(cpu, rows[i].insns);
        memcpy(&pushed, rig.ram + (uint32_t)cpu->gpr[VX_RSP], 4);
        cr_assert(cpu->rip == rows[i].after && cpu->gpr[VX_RAX] == rows[i].eax, "%s: eip %llx, eax %llx", rows[i].name,
                  (unsigned long long)cpu->rip, (unsigned long long)cpu->gpr[VX_RAX]);
        cr_assert(cpu->gpr[VX_RSP] == RIG_STACK || pushed == rows[i].pushed, "%s: pushed %x", rows[i].name, pushed);
    }
    rig_fini(&rig);
}

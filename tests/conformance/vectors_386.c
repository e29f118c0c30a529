/* vectors_386.c - some 44,900 arithmetic, shift, BCD, multiply and divide cases with a 386's answers (the EE reference
 * of barotto/test386.asm), run by either engine.
 *
 * The answers are not part of the project: VX86_CONFORMANCE_DATA names the folder with test386-EE-reference.txt.xz. A
 * line:
 *
 *     81 ADD W EAX=00000000 EDX=00000000 PS=0044 [#DE] EAX=00000000 EDX=00008002 PS=0080
 *
 * opcode, operation, size, registers and flags before and after; undefined flags print as 0. The immediates are not
 * in it; they are those that the answers imply. Shifts run with CF set whatever PS says before; the rest with PS. */
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "machine.h"

enum { CODE_AT = 0x1000, STACK_AT = 0x8000, DE_HANDLER = 0x500, FLAGS_ALL = VX_FL_ARITH, HLT = 0xF4 };
enum { WHY_CHARS = 96, LINES_MIN = 40000, LINE_CHARS = 160 };

struct line {
    char opcode[8], name[8], size;
    bool divide_error, bcd;
    uint32_t eax, edx, ps, eax_after, edx_after, ps_after;
};

static bool parse_line(const char *text, struct line *l)
{
    *l = (struct line){ .size = ' ' };
    if (sscanf(text, "%7s EAX=%x PS=%x EAX=%x PS=%x", l->name, &l->eax, &l->ps, &l->eax_after, &l->ps_after) == 5) {
        l->bcd = true;
        return true;
    }
    int at = 0;
    if (sscanf(text, "%7s %7s %c EAX=%x EDX=%x PS=%x %n", l->opcode, l->name, &l->size, &l->eax, &l->edx, &l->ps,
               &at) != 6 ||
        at == 0)
        return false;
    l->divide_error = strncmp(text + at, "#DE ", 4) == 0;
    at += l->divide_error ? 4 : 0;
    return sscanf(text + at, "EAX=%x EDX=%x PS=%x", &l->eax_after, &l->edx_after, &l->ps_after) == 3;
}

static int index_of(const char *name, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return i;
    return -1;
}

struct code {
    uint8_t bytes[16];
    unsigned count;
};

static void put(struct code *c, uint32_t value, unsigned bytes)
{
    memcpy(c->bytes + c->count, &value, bytes);
    c->count += bytes;
}

static unsigned operand_bytes(const struct line *l)
{
    return l->size == 'B' ? 1 : l->size == 'W' ? 2 : 4;
}

/* The immediate of ADD..CMP and TEST: all ones and the sign for arithmetic, a pattern for logic. */
static uint32_t alu_immediate(const struct line *l, unsigned bytes)
{
    bool adds = strcmp(l->name, "ADD") == 0 || strcmp(l->name, "ADC") == 0;
    bool arithmetic = adds || strcmp(l->name, "SBB") == 0 || strcmp(l->name, "SUB") == 0;
    if (!arithmetic)
        return 0xAAAAAAAA;
    if (bytes == 1)
        return 0xFF;
    return (bytes == 2 ? 0x8000 : 0x80000000) + (adds ? 2 : 0);
}

enum { RM_EAX = 0xC0, RM_EDX = 0xC2, RM_EAX_REG_EDX = 0xD0 };

/* Opcodes F6 and F7: all divisions by EDX come first, then all by EAX. */
static bool encode_group3(const struct line *l, struct code *c, uint8_t opcode, bool second)
{
    static const char *const names[8] = { "TEST", NULL, "NOT", "NEG", "MUL", "IMUL", "DIV", "IDIV" };
    int n = index_of(l->name, names, 8);
    if (n < 0)
        return false;
    bool eax = n == 2 || n == 3 || (n >= 6 && second);
    put(c, opcode, 1);
    put(c, (eax ? RM_EAX : RM_EDX) | (unsigned)n << 3, 1);
    if (n == 0)
        put(c, 0xAAAAAAAA, operand_bytes(l));
    return true;
}

static bool encode_shift(const struct line *l, struct code *c, uint8_t opcode)
{
    static const char *const names[8] = { "ROL", "ROR", "RCL", "RCR", "SAL", "SHR", NULL, "SAR" };
    int n = index_of(l->name, names, 8);
    if (n < 0)
        return false;
    put(c, opcode, 1);
    put(c, RM_EAX | (unsigned)n << 3, 1);
    if (opcode < 0xD0)
        put(c, 7, 1);
    return true;
}

static bool encode_alu(const struct line *l, struct code *c, uint8_t opcode)
{
    static const char *const names[8] = { "ADD", "OR", "ADC", "SBB", "AND", "SUB", "XOR", "CMP" };
    int n = index_of(l->name, names, 8);
    unsigned bytes = operand_bytes(l);
    put(c, opcode, 1);
    if (opcode < 0x40 && (opcode & 7) < 4)
        put(c, opcode & 2 ? RM_EDX : RM_EAX_REG_EDX, 1);
    else if (opcode < 0x40 || opcode == 0xA8 || opcode == 0xA9)
        put(c, alu_immediate(l, bytes), bytes);
    else if (opcode == 0x84 || opcode == 0x85)
        put(c, RM_EAX_REG_EDX, 1);
    else if (n >= 0) {
        put(c, (opcode == 0x83 ? RM_EAX : RM_EDX) | (unsigned)n << 3, 1);
        put(c, alu_immediate(l, opcode == 0x83 ? 1 : bytes), opcode == 0x83 ? 1 : bytes);
    }
    return opcode < 0x40 || n >= 0 || strcmp(l->name, "TEST") == 0;
}

static bool encode_two_byte(const struct line *l, struct code *c, uint8_t opcode)
{
    put(c, 0x0F, 1);
    put(c, opcode, 1);
    put(c, opcode == 0xAF ? RM_EDX : RM_EAX_REG_EDX, 1);
    if (opcode == 0xA4 || opcode == 0xAC)
        put(c, l->size == 'W' ? 8 : 16, 1);
    return true;
}

/* `second` is for what looks alike: IMUL by imm8 and then its negative, DIV by EDX and then EAX. */
static bool encode(const struct line *l, bool second, struct code *c)
{
    static const char *const bcd[6] = { "daa", "das", "aaa", "aas", "aam", "aad" };
    static const uint16_t bcd_bytes[6] = { 0x27, 0x2F, 0x37, 0x3F, 0x0AD4, 0x0AD5 };
    *c = (struct code){ 0 };
    if (l->bcd) {
        int i = index_of(l->name, bcd, 6);
        put(c, i < 0 ? 0 : bcd_bytes[i], i < 4 ? 1 : 2);
        return i >= 0;
    }
    unsigned opcode = (unsigned)strtoul(l->opcode, NULL, 16);
    if (l->size == 'D' || strcmp(l->name, "CWDE") == 0)
        put(c, 0x66, 1);
    if (opcode > 0xFF)
        return encode_two_byte(l, c, (uint8_t)opcode);
    switch (opcode) {
    case 0xC0:
    case 0xC1:
    case 0xD0:
    case 0xD1:
    case 0xD2:
    case 0xD3: return encode_shift(l, c, (uint8_t)opcode);
    case 0xF6:
    case 0xF7: return encode_group3(l, c, (uint8_t)opcode, second);
    case 0xFE:
    case 0xFF: put(c, opcode, 1), put(c, strcmp(l->name, "DEC") == 0 ? 0xC8 : 0xC0, 1); return true;
    case 0x69: put(c, 0xC069, 2), put(c, 0x777777, 4), c->count -= l->size == 'W' ? 2 : 0; break;
    case 0x6B: put(c, 0xC26B, 2), put(c, second ? 0x89 : 0x77, 1); return true;
    default:
        if (opcode >= 0x40 && opcode < 0x50) {
            put(c, opcode, 1);
            return true;
        }
        if (opcode == 0x98 || opcode == 0x99) {
            put(c, opcode, 1);
            return true;
        }
        return encode_alu(l, c, (uint8_t)opcode);
    }
    if (l->size == 'W')
        memcpy(c->bytes + c->count - 2, &(uint16_t){ 0x777 }, 2);
    return true;
}

/* Flags that are defined after the operation and printed. */
static uint32_t defined_flags(const struct line *l)
{
    static const char *const logic[] = { "OR", "AND", "XOR", "TEST", "CMP" };
    unsigned opcode = (unsigned)strtoul(l->opcode, NULL, 16);
    if (l->bcd)
        return strncmp(l->name, "da", 2) == 0           ? FLAGS_ALL & ~VX_FL_OF
               : l->name[2] == 'a' || l->name[2] == 's' ? VX_FL_AF | VX_FL_CF
                                                        : VX_FL_SF | VX_FL_ZF | VX_FL_PF;
    if (strstr(l->name, "MUL") != NULL)
        return VX_FL_CF | VX_FL_OF;
    if (strstr(l->name, "DIV") != NULL)
        return 0;
    if (strcmp(l->name, "INC") == 0 || strcmp(l->name, "DEC") == 0)
        return FLAGS_ALL & ~VX_FL_CF;
    bool many = opcode == 0xC0 || opcode == 0xC1 || opcode == 0xD2 || opcode == 0xD3 || opcode > 0xFF;
    if (many)
        return FLAGS_ALL & ~(VX_FL_AF | VX_FL_OF);
    bool shift = opcode == 0xD0 || opcode == 0xD1;
    return shift || index_of(l->name, logic, 5) >= 0 ? FLAGS_ALL & ~VX_FL_AF : FLAGS_ALL;
}

/* Which register holds the EAX column: INC and DEC r32 go through all of them. */
static unsigned eax_register(const struct line *l)
{
    unsigned opcode = l->bcd ? 0 : (unsigned)strtoul(l->opcode, NULL, 16);
    return opcode >= 0x40 && opcode < 0x50 ? opcode & 7 : VX_RAX;
}

/* The instruction and a HLT behind it. */
static bool run_code(struct cf_machine *machine, const struct line *l, const struct code *c)
{
    struct vx_vcpu *cpu = machine->cpu;
    unsigned opcode = l->bcd ? 0 : (unsigned)strtoul(l->opcode, NULL, 16);
    bool shift = opcode > 0xFF || (opcode >= 0xC0 && opcode <= 0xD3);
    cf_write(machine, CODE_AT, c->bytes, c->count);
    cf_write(machine, CODE_AT + c->count, &(uint8_t){ HLT }, 1);
    cf_real_mode(machine);
    cpu->rip = CODE_AT;
    cpu->gpr[VX_RSP] = STACK_AT;
    cpu->gpr[VX_RCX] = l->edx;
    cpu->gpr[VX_RDX] = l->edx;
    cpu->gpr[eax_register(l)] = l->eax;
    vx_set_eflags_raw(cpu, l->ps | (shift && opcode != 0x0FAF ? VX_FL_CF : 0));
    return cf_run(machine);
}

static bool agrees(const struct cf_machine *machine, const struct line *l, const struct code *c, char why[WHY_CHARS])
{
    const struct vx_vcpu *cpu = machine->cpu;
    uint32_t eax = (uint32_t)cpu->gpr[eax_register(l)], edx = (uint32_t)cpu->gpr[VX_RDX];
    uint32_t edx_after = l->bcd ? l->edx : l->edx_after;
    uint32_t rip = (l->divide_error ? DE_HANDLER : CODE_AT + c->count) + 1; /* behind the HLT */
    uint32_t flags = (vx_eflags(cpu) ^ l->ps_after) & defined_flags(l);
    snprintf(why, WHY_CHARS, "EAX=%08x EDX=%08x EIP=%04x flags %04x", eax, edx, (unsigned)cpu->rip, vx_eflags(cpu));
    bool edx_ok = edx == edx_after || eax_register(l) == VX_RDX;
    return eax == l->eax_after && edx_ok && cpu->rip == rip && (l->divide_error || flags == 0);
}

/* Lines of the group (opcode, name, size) that starts at `text`. */
static unsigned group_lines(const char *text, char key[32])
{
    const char *eax = strstr(text, "EAX=");
    size_t length = eax == NULL ? 0 : (size_t)(eax - text);
    unsigned lines = 0;
    snprintf(key, 32, "%.*s", (int)length, text);
    for (const char *at = text; length != 0 && strncmp(at, text, length) == 0; at = strchr(at, '\n') + 1) {
        lines++;
        if (strchr(at, '\n') == NULL)
            break;
    }
    return lines;
}

struct tally {
    unsigned run, failed;
    unsigned divisions; /* groups of DIV, IDIV seen: three sizes twice each */
};

/* Runs the group at *at and moves behind it; false where a line is none of ours. */
static bool run_group(struct cf_machine *machine, const char **at, struct tally *sum)
{
    char key[32], why[WHY_CHARS], first[LINE_CHARS + WHY_CHARS + 8] = "";
    unsigned lines = group_lines(*at, key), bad = 0;
    bool divides = strstr(key, "DIV ") != NULL;
    for (unsigned i = 0; i < lines && **at != '\0'; i++) {
        struct line l;
        struct code c;
        char text[LINE_CHARS]; /* sscanf() measures all of its string first */
        const char *end = strchr(*at, '\n');
        if (end == NULL || end - *at >= LINE_CHARS)
            return false;
        snprintf(text, sizeof(text), "%.*s", (int)(end - *at), *at);
        if (!parse_line(text, &l) || !encode(&l, divides ? sum->divisions % 6 >= 3 : i >= lines / 2, &c))
            return false;
        bool halted = run_code(machine, &l, &c);
        sum->run++;
        if (!(agrees(machine, &l, &c, why) && halted) && bad++ == 0)
            snprintf(first, sizeof(first), "%s but %s", text, why);
        *at = end + 1;
    }
    sum->failed += bad;
    sum->divisions += divides;
    if (bad != 0)
        printf("%-12s %4u of %4u differ: %s\n", key, bad, lines, first);
    return lines != 0;
}

static int run_data(struct cf_machine *machine)
{
    size_t bytes = 0;
    struct tally sum = { 0 };
    char *text = cf_data("test386-EE-reference.txt.xz", &bytes);
    if (text == NULL)
        return CF_SKIPPED;
    cf_write(machine, 0, &(uint32_t){ DE_HANDLER }, 4); /* vector 0 */
    cf_write(machine, DE_HANDLER, &(uint8_t){ HLT }, 1);
    const char *at = text;
    while (*at != '\0' && run_group(machine, &at, &sum))
        ;
    bool whole = *at == '\0' && sum.run > LINES_MIN;
    if (!whole)
        printf("not a line of the reference, or too few of them: %.60s\n", at);
    free(text);
    printf("80386 reference, engine %s: %u run, %u failed\n", machine->engine, sum.run, sum.failed);
    account_print(sum.run, sum.run - sum.failed);
    return whole && sum.failed == 0 ? CF_EXACT : CF_DIFFERENT;
}

int main(int argc, char **argv)
{
    static struct cf_machine machine;
    int status = cf_create(&machine, argc, argv);
    if (status != CF_EXACT)
        return status;
    status = run_data(&machine);
    cf_destroy(&machine);
    return status;
}

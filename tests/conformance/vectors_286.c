/* vectors_286.c - single instructions recorded from a real 80C286 in real mode (SingleStepTests/80286), run by either
 * engine: registers, flags, memory and exceptions.
 *
 * The recordings are not part of the project: VX86_CONFORMANCE_DATA names the folder with sst286-500.moos.xz and
 * sst286-metadata.json. The processor is the default model.
 *
 * Where an 80386 and later differ on purpose; the account counts each:
 *   - a word that runs over the end of SS raises #SS (12), not 13: both vectors lead to the same handler here;
 *   - faults are restartable: after exception 13 in a string instruction SI, DI and CX stand at the iteration that
 *     faulted (a 286 is one or two ahead in CX and one in SI or DI), and POP to memory leaves SP;
 *   - LOCK is #UD but for read-modify-writes of memory, FS and GS exist, 15 bytes are allowed, there is an x87. */
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "machine.h"
#include "moo.h"

static const char *const reg_names[REGS] = { "ax", "bx", "cx", "dx", "cs", "ss", "ds",
                                             "es", "sp", "bp", "si", "di", "ip", "flags" };

/* Flags that a 286 has in real mode. */
#define FLAGS_286 0x0FD5u

enum { WHY_CHARS = 80, VECTORS_MIN = 100000 };

/* What a vector executes, past its prefixes. */
struct form {
    bool lock;
    unsigned map, opcode, mod, reg, length;
};

static struct form form_of(const struct moo_vector *v)
{
    struct form form = { .length = v->byte_count - 1 }; /* without the HLT */
    const uint8_t *b = v->bytes, *end = v->bytes + v->byte_count;
    while (b < end && (*b == 0x26 || *b == 0x2E || *b == 0x36 || *b == 0x3E || *b == 0xF0 || *b == 0xF2 || *b == 0xF3))
        form.lock |= *b++ == 0xF0;
    if (b < end && *b == 0x0F)
        form.map = 1, b++;
    form.opcode = b < end ? *b++ : 0;
    form.mod = b < end ? *b >> 6 : 0;
    form.reg = b < end ? *b >> 3 & 7 : 0;
    return form;
}

enum skip { SKIP_NONE, SKIP_LOCK, SKIP_ESCAPE, SKIP_FS_GS, SKIP_LONG, SKIP_POP, SKIPS };
static const char *const skip_names[SKIPS] = {
    [SKIP_LOCK] = "LOCK where it is #UD since the 386",
    [SKIP_ESCAPE] = "x87 instructions: the 286 recorded had none",
    [SKIP_FS_GS] = "MOV to and from FS and GS, #UD on a 286",
    [SKIP_LONG] = "instructions over 10 bytes, #GP on a 286",
    [SKIP_POP] = "POP to memory that faults: a 286 has moved SP",
};

enum accepted { ACCEPT_NONE, ACCEPT_SS, ACCEPT_STRING, ACCEPTS };
static const char *const accepted_names[ACCEPTS] = {
    [ACCEPT_SS] = "operand over the end of SS: #SS since the 386, #GP on a 286",
    [ACCEPT_STRING] = "string instruction that faults: a 286 is ahead in CX, SI, DI",
};

/* Read-modify-writes of memory, which a 386 lets LOCK. */
static bool may_lock(const struct form *form)
{
    unsigned op = form->opcode;
    if (form->map != 0 || form->mod == 3)
        return false;
    if (op < 0x38)
        return (op & 7) < 2;
    return op == 0x86 || op == 0x87 || (op >= 0x80 && op <= 0x83 && form->reg != 7) ||
           (op >= 0xF6 && op <= 0xF7 && (form->reg == 2 || form->reg == 3)) || (op >= 0xFE && form->reg < 2);
}

/* Why a vector is not for a 386 and later. */
static enum skip skip_reason(const struct moo_vector *v, const struct form *form)
{
    if (form->lock && !may_lock(form))
        return SKIP_LOCK;
    if (form->map == 0 && (form->opcode & 0xF8) == 0xD8)
        return SKIP_ESCAPE;
    if (form->map == 0 && (form->opcode & 0xFD) == 0x8C && (form->reg == 4 || form->reg == 5))
        return SKIP_FS_GS;
    if (form->length > 10)
        return SKIP_LONG;
    if (form->map == 0 && form->opcode == 0x8F && v->has_exception && v->exception == VX_GP)
        return SKIP_POP;
    return SKIP_NONE;
}

static void load_state(struct cf_machine *machine, const struct moo_state *s)
{
    static const uint8_t seg_of[4] = { VX_CS, VX_SS, VX_DS, VX_ES };
    static const uint8_t gpr_of[REGS] = {
        [REG_AX] = VX_RAX, [REG_BX] = VX_RBX, [REG_CX] = VX_RCX, [REG_DX] = VX_RDX,
        [REG_SP] = VX_RSP, [REG_BP] = VX_RBP, [REG_SI] = VX_RSI, [REG_DI] = VX_RDI,
    };
    cf_real_mode(machine);
    for (unsigned i = 0; i < 4; i++)
        cf_real_segment(machine, (enum vx_segment)seg_of[i], s->reg[REG_CS + i]);
    for (unsigned i = REG_AX; i < REG_IP; i++)
        if (i < REG_CS || i > REG_ES)
            machine->cpu->gpr[gpr_of[i]] = s->reg[i];
    machine->cpu->rip = s->reg[REG_IP];
    vx_set_eflags_raw(machine->cpu, s->reg[REG_FLAGS] & FLAGS_286);
    for (uint32_t i = 0; i < s->ram_count; i++)
        cf_write(machine, s->ram[i].address, &s->ram[i].value, 1);
}

static void read_back(const struct vx_vcpu *cpu, uint16_t reg[REGS])
{
    static const uint8_t order[REGS] = { VX_RAX, VX_RBX, VX_RCX, VX_RDX, 0, 0, 0, 0, VX_RSP, VX_RBP, VX_RSI, VX_RDI };
    for (unsigned i = 0; i < REG_IP; i++)
        reg[i] = (uint16_t)cpu->gpr[order[i]];
    reg[REG_CS] = cpu->seg[VX_CS].sel;
    reg[REG_SS] = cpu->seg[VX_SS].sel;
    reg[REG_DS] = cpu->seg[VX_DS].sel;
    reg[REG_ES] = cpu->seg[VX_ES].sel;
    reg[REG_IP] = (uint16_t)cpu->rip;
    reg[REG_FLAGS] = (uint16_t)vx_eflags(cpu);
}

static const uint8_t *final_byte(const struct moo_vector *v, uint32_t address)
{
    for (uint32_t i = 0; i < v->fina.ram_count; i++)
        if (v->fina.ram[i].address == address)
            return &v->fina.ram[i].value;
    return NULL;
}

/* Bits of the byte at `address` that are compared: undefined flags also show in a flags image on the stack. */
static uint8_t byte_mask(const struct moo_vector *v, uint32_t address, uint16_t flags)
{
    uint32_t at = ((uint32_t)v->fina.reg[REG_SS] << 4) + (uint16_t)(v->fina.reg[REG_SP] + 4);
    if (!v->has_exception || (address != at && address != at + 1))
        return 0xFF;
    return (uint8_t)(address == at ? flags : flags >> 8);
}

static bool is_word_string(const struct form *form)
{
    return form->map == 0 && ((form->opcode | 2) == 0x6F || (form->opcode >= 0xA5 && form->opcode <= 0xAF));
}

/* SI, DI and CX of a string instruction that faulted: as many elements moved as counted, and the 286's count is one or
 * two lower. Puts what FINA says in their place when that holds; false where there was nothing to settle. */
static bool settle_restart(const struct moo_vector *v, const struct form *form, uint16_t reg[REGS])
{
    if (!v->has_exception || v->exception != VX_GP || !is_word_string(form))
        return false;
    uint16_t done = (uint16_t)(v->init.reg[REG_CX] - reg[REG_CX]),
             ahead = (uint16_t)(reg[REG_CX] - v->fina.reg[REG_CX]);
    uint16_t moved = v->init.reg[REG_FLAGS] & VX_FL_DF ? (uint16_t) - (2 * done) : (uint16_t)(2 * done);
    bool uses_si = form->opcode == 0x6F || form->opcode == 0xA5 || form->opcode == 0xA7 || form->opcode == 0xAD;
    bool uses_di = form->opcode != 0x6F && form->opcode != 0xAD;
    bool si_ok = reg[REG_SI] == (uint16_t)(v->init.reg[REG_SI] + (uses_si ? moved : 0));
    bool di_ok = reg[REG_DI] == (uint16_t)(v->init.reg[REG_DI] + (uses_di ? moved : 0));
    if (!si_ok || !di_ok || ahead > 2)
        return false;
    bool ahead_at_all = ahead != 0 || reg[REG_SI] != v->fina.reg[REG_SI] || reg[REG_DI] != v->fina.reg[REG_DI];
    reg[REG_SI] = v->fina.reg[REG_SI];
    reg[REG_DI] = v->fina.reg[REG_DI];
    reg[REG_CX] = v->fina.reg[REG_CX];
    return ahead_at_all;
}

/* Compares the machine, whose registers are `reg`, with FINA; the first difference goes to `why`. */
static bool compare(const struct cf_machine *machine, const struct moo_vector *v, const uint16_t reg[REGS],
                    uint16_t flags, char why[WHY_CHARS])
{
    for (unsigned i = 0; i < REGS; i++) {
        uint16_t mask = i == REG_FLAGS ? (uint16_t)(flags & FLAGS_286) : 0xFFFF;
        if ((reg[i] ^ v->fina.reg[i]) & mask) {
            snprintf(why, WHY_CHARS, "%s is %04x, not %04x", reg_names[i], reg[i], v->fina.reg[i]);
            return false;
        }
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        const struct moo_state *s = pass == 0 ? &v->fina : &v->init;
        for (uint32_t i = 0; i < s->ram_count; i++) {
            uint32_t address = s->ram[i].address;
            const uint8_t *changed = final_byte(v, address);
            uint8_t want = changed != NULL ? *changed : s->ram[i].value;
            if ((machine->ram[address] ^ want) & byte_mask(v, address, flags)) {
                snprintf(why, WHY_CHARS, "[%05x] is %02x, not %02x", address, machine->ram[address], want);
                return false;
            }
        }
    }
    return true;
}

static bool addresses_fit(const struct moo_state *s)
{
    for (uint32_t i = 0; i < s->ram_count; i++)
        if (s->ram[i].address >= CF_RAM_BYTES)
            return false;
    return true;
}

static void forget(struct cf_machine *machine, const struct moo_state *s)
{
    for (uint32_t i = 0; i < s->ram_count; i++)
        cf_write(machine, s->ram[i].address, &(uint8_t){ 0 }, 1);
}

struct tally {
    unsigned run, failed, skipped[SKIPS], accepted[ACCEPTS];
    char first[200];
};

/* Runs the vector from INIT; #SS counts as #GP, and leaves its mark in the statistics. */
static bool run_to_end(struct cf_machine *machine, const struct moo_vector *v)
{
    load_state(machine, &v->init);
    if (v->has_exception && v->exception == VX_GP)
        cf_write(machine, 4 * VX_SEG_SS, machine->ram + 4 * VX_GP, 4);
    return cf_run(machine);
}

static void run_vector(struct cf_machine *machine, const struct moo_masks *masks, const struct moo_vector *v,
                       struct tally *tally)
{
    struct form form = form_of(v);
    enum skip skip = skip_reason(v, &form);
    if (skip != SKIP_NONE) {
        tally->skipped[skip]++;
        return;
    }
    char why[WHY_CHARS] = "does not halt";
    uint16_t reg[REGS];
    uint64_t stack_faults = machine->stats.exceptions_by_vector[VX_SEG_SS];
    bool ok = run_to_end(machine, v);
    read_back(machine->cpu, reg);
    enum accepted accepted = settle_restart(v, &form, reg) ? ACCEPT_STRING : ACCEPT_NONE;
    if (machine->stats.exceptions_by_vector[VX_SEG_SS] != stack_faults)
        accepted = ACCEPT_SS;
    ok = ok && compare(machine, v, reg, masks->flags[form.map][form.opcode][form.reg], why);
    if (ok && accepted != ACCEPT_NONE)
        tally->accepted[accepted]++;
    else
        tally->run++;
    if (!ok && tally->failed++ == 0)
        snprintf(tally->first, sizeof(tally->first), "%s (excp %d): %s", v->name, v->has_exception ? v->exception : -1,
                 why);
    forget(machine, &v->init);
    forget(machine, &v->fina);
    cf_write(machine, 4 * VX_SEG_SS, &(uint32_t){ 0 }, 4);
}

static void close_file(const char *name, struct tally *file, struct tally *sum)
{
    if (file->failed != 0)
        printf("%-12s %4u run %4u failed  %s\n", name, file->run, file->failed, file->first);
    sum->run += file->run;
    sum->failed += file->failed;
    for (unsigned i = 0; i < SKIPS; i++)
        sum->skipped[i] += file->skipped[i];
    for (unsigned i = 0; i < ACCEPTS; i++)
        sum->accepted[i] += file->accepted[i];
    *file = (struct tally){ 0 };
}

/* All opcode files, one after the other in `r`; false when they are damaged. */
static bool run_all(struct cf_machine *machine, const struct moo_masks *masks, struct moo_reader r, struct tally *sum)
{
    static struct moo_vector v;
    struct tally file = { 0 };
    char tag[5], name[16] = "";
    struct moo_reader body;
    while (r.at < r.end) {
        if (!moo_take_chunk(&r, tag, &body))
            return false;
        if (strcmp(tag, "MOO ") == 0) {
            close_file(name, &file, sum);
        } else if (strcmp(tag, "META") == 0) {
            moo_parse_name(body, name);
        } else if (strcmp(tag, "TEST") == 0) {
            if (!moo_parse_vector(body, &v) || !addresses_fit(&v.init) || !addresses_fit(&v.fina))
                return false;
            run_vector(machine, masks, &v, &file);
        }
    }
    close_file(name, &file, sum);
    return true;
}

static int run_data(struct cf_machine *machine)
{
    static struct moo_masks masks;
    struct tally sum = { 0 };
    size_t bytes = 0, text_bytes = 0;
    char *text = cf_data("sst286-metadata.json", &text_bytes);
    char *data = text != NULL ? cf_data("sst286-500.moos.xz", &bytes) : NULL;
    if (data == NULL) {
        free(text);
        return CF_SKIPPED;
    }
    struct moo_reader all = { (uint8_t *)data, (uint8_t *)data + bytes };
    bool whole = moo_parse_masks(text, &masks) && run_all(machine, &masks, all, &sum) && sum.run > VECTORS_MIN;
    free(text);
    free(data);
    if (!whole)
        printf("the recordings are damaged\n");
    printf("80286 recordings, engine %s: %u run, %u failed\n", machine->engine, sum.run, sum.failed);
    account_print(sum.run, sum.run - sum.failed);
    for (unsigned i = SKIP_NONE + 1; i < SKIPS; i++)
        account_skipped(sum.skipped[i], skip_names[i]);
    for (unsigned i = ACCEPT_NONE + 1; i < ACCEPTS; i++)
        account_accepted(sum.accepted[i], accepted_names[i]);
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

/* test_vectors_286.c - single instructions recorded from a real 80C286 in real mode (SingleStepTests/80286), run
 * through the interpreter: registers, flags, memory and exceptions.
 *
 * The recordings are not part of the project: VX86_CONFORMANCE_DATA names the folder with sst286-500.moos.xz and
 * sst286-metadata.json; without it the test counts as skipped.
 *
 * Where an 80386 and later differ on purpose:
 *   - a word that runs over the end of SS raises #SS (12), not 13: both vectors lead to the same handler here;
 *   - faults are restartable: after exception 13 in a string instruction SI, DI and CX stand at the iteration that
 *     faulted (a 286 is one or two ahead in CX and one in SI or DI), and POP to memory leaves SP;
 *   - LOCK is #UD but for read-modify-writes, FS and GS exist, 15 bytes are allowed, there is an x87; the bench's ports
 *     read FFh.
 *
 * MOO: chunks of 4-byte tag, u32 length, payload; "MOO " opens a file of one opcode, "TEST" holds one vector. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "interp_rig.h"

enum {
    REG_AX,
    REG_BX,
    REG_CX,
    REG_DX,
    REG_CS,
    REG_SS,
    REG_DS,
    REG_ES,
    REG_SP,
    REG_BP,
    REG_SI,
    REG_DI,
    REG_IP,
    REG_FLAGS,
    REGS
};

static const char *const reg_names[REGS] = { "ax", "bx", "cx", "dx", "cs", "ss", "ds",
                                             "es", "sp", "bp", "si", "di", "ip", "flags" };

/* Flags that a 286 has in real mode. */
#define FLAGS_286 0x0FD5u
#define RAM_MAX   4096

struct state {
    uint16_t reg[REGS];
    uint32_t ram_count;
    struct {
        uint32_t address;
        uint8_t value;
    } ram[RAM_MAX];
};

struct vector {
    char name[80];
    uint8_t bytes[32];
    uint32_t byte_count;
    bool has_exception;
    uint8_t exception;
    struct state init, fina;
};

struct reader {
    const uint8_t *at, *end;
};

static bool take(struct reader *r, void *buf, size_t bytes)
{
    if ((size_t)(r->end - r->at) < bytes)
        return false;
    memcpy(buf, r->at, bytes);
    r->at += bytes;
    return true;
}

static bool take_chunk(struct reader *r, char tag[5], struct reader *body)
{
    uint32_t length;
    memset(tag, 0, 5);
    if (!take(r, tag, 4) || !take(r, &length, 4) || (size_t)(r->end - r->at) < length)
        return false;
    *body = (struct reader){ r->at, r->at + length };
    r->at += length;
    return true;
}

static bool parse_state(struct reader r, struct state *state)
{
    char tag[5];
    struct reader body;
    while (r.at < r.end) {
        if (!take_chunk(&r, tag, &body))
            return false;
        uint16_t mask;
        if (strcmp(tag, "REGS") == 0 && take(&body, &mask, 2)) {
            for (unsigned i = 0; i < REGS; i++)
                if (mask >> i & 1 && !take(&body, &state->reg[i], 2))
                    return false;
        } else if (strcmp(tag, "RAM ") == 0 && take(&body, &state->ram_count, 4)) {
            if (state->ram_count > RAM_MAX)
                return false;
            for (uint32_t i = 0; i < state->ram_count; i++)
                if (!take(&body, &state->ram[i].address, 4) || !take(&body, &state->ram[i].value, 1))
                    return false;
        }
    }
    return true;
}

static bool parse_vector(struct reader r, struct vector *v)
{
    char tag[5];
    struct reader body;
    uint32_t length;
    if (!take(&r, &length, 4)) /* the index */
        return false;
    v->has_exception = false;
    v->init.ram_count = v->fina.ram_count = 0;
    while (r.at < r.end) {
        if (!take_chunk(&r, tag, &body))
            return false;
        if (strcmp(tag, "NAME") == 0 && take(&body, &length, 4)) {
            snprintf(v->name, sizeof(v->name), "%.*s", (int)length, (const char *)body.at);
        } else if (strcmp(tag, "BYTS") == 0 && take(&body, &v->byte_count, 4)) {
            if (v->byte_count > sizeof(v->bytes) || !take(&body, v->bytes, v->byte_count))
                return false;
        } else if (strcmp(tag, "INIT") == 0) {
            if (!parse_state(body, &v->init))
                return false;
            memcpy(v->fina.reg, v->init.reg, sizeof(v->fina.reg));
        } else if (strcmp(tag, "FINA") == 0) {
            if (!parse_state(body, &v->fina))
                return false;
        } else if (strcmp(tag, "EXCP") == 0) {
            v->has_exception = take(&body, &v->exception, 1); /* the address that follows is cut to even */
        }
    }
    return true;
}

/* Defined flags by opcode ([0] one byte, [1] 0F) and reg. */
struct masks {
    uint16_t flags[2][256][8];
};

/* The metadata is printed one key a line; a key's depth tells opcode (2) from reg (4). */
static bool load_masks(const char *path, struct masks *masks)
{
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return false;
    char line[256];
    unsigned depth = 0, opcode = 0, reg = 0, value, lines = 0;
    memset(masks, 0xFF, sizeof(*masks));
    while (fgets(line, sizeof(line), f) != NULL) {
        bool key = strchr(line, '{') != NULL;
        if (key && depth == 2 && sscanf(line, " \"%x\"", &opcode) == 1)
            reg = 8;
        if (key && depth == 4)
            (void)sscanf(line, " \"%u\"", &reg);
        if (sscanf(line, " \"flags-mask\": %u", &value) == 1) {
            unsigned map = opcode > 0xFF;
            for (unsigned i = 0; i < 8; i++)
                if (reg == 8 || reg == i)
                    masks->flags[map][opcode & 0xFF][i] = (uint16_t)value;
            lines++;
        }
        depth += key;
        depth -= strchr(line, '}') != NULL;
    }
    fclose(f);
    return lines > 0;
}

/* What a vector executes, past its prefixes. */
struct form {
    bool lock;
    unsigned map, opcode, reg, length;
};

static struct form form_of(const struct vector *v)
{
    struct form form = { .length = v->byte_count - 1 }; /* without the HLT */
    const uint8_t *b = v->bytes, *end = v->bytes + v->byte_count;
    while (b < end && (*b == 0x26 || *b == 0x2E || *b == 0x36 || *b == 0x3E || *b == 0xF0 || *b == 0xF2 || *b == 0xF3))
        form.lock |= *b++ == 0xF0;
    if (b < end && *b == 0x0F)
        form.map = 1, b++;
    form.opcode = b < end ? *b++ : 0;
    form.reg = b < end ? *b >> 3 & 7 : 0;
    return form;
}

enum skip { SKIP_NONE, SKIP_LOCK, SKIP_INPUT, SKIP_ESCAPE, SKIP_FS_GS, SKIP_LONG, SKIP_POP, SKIPS };
static const char *const skip_names[SKIPS] = { "none",      "LOCK",          "IN and INS",     "x87",
                                               "FS and GS", "over 10 bytes", "POP that faults" };

/* Why a vector is not for a 386 and later. */
static enum skip skip_reason(const struct vector *v, const struct form *form)
{
    static const uint8_t input[] = { 0x6C, 0x6D, 0xE4, 0xE5, 0xEC, 0xED };
    if (form->lock)
        return SKIP_LOCK;
    if (form->map == 0 && memchr(input, (int)form->opcode, sizeof(input)) != NULL)
        return SKIP_INPUT;
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

static void load_state(struct interp_rig *rig, const struct state *s)
{
    static const uint8_t seg_of[4] = { VX_CS, VX_SS, VX_DS, VX_ES };
    static const uint8_t gpr_of[REGS] = {
        [REG_AX] = VX_RAX, [REG_BX] = VX_RBX, [REG_CX] = VX_RCX, [REG_DX] = VX_RDX,
        [REG_SP] = VX_RSP, [REG_BP] = VX_RBP, [REG_SI] = VX_RSI, [REG_DI] = VX_RDI,
    };
    rig_real_mode(rig);
    for (unsigned i = 0; i < 4; i++)
        rig_real_seg(rig, (enum vx_segment)seg_of[i], s->reg[REG_CS + i]);
    for (unsigned i = REG_AX; i < REG_IP; i++)
        if (i < REG_CS || i > REG_ES)
            rig->cpu->gpr[gpr_of[i]] = s->reg[i];
    rig->cpu->rip = s->reg[REG_IP];
    vx_set_eflags_raw(rig->cpu, s->reg[REG_FLAGS] & FLAGS_286);
    for (uint32_t i = 0; i < s->ram_count; i++)
        rig->ram[s->ram[i].address] = s->ram[i].value;
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

static const uint8_t *final_byte(const struct vector *v, uint32_t address)
{
    for (uint32_t i = 0; i < v->fina.ram_count; i++)
        if (v->fina.ram[i].address == address)
            return &v->fina.ram[i].value;
    return NULL;
}

/* Bits of the byte at `address` that are compared: undefined flags also show in a flags image on the stack. */
static uint8_t byte_mask(const struct vector *v, uint32_t address, uint16_t flags)
{
    uint32_t at = ((uint32_t)v->fina.reg[REG_SS] << 4) + (uint16_t)(v->fina.reg[REG_SP] + 4);
    if (!v->has_exception || (address != at && address != at + 1))
        return 0xFF;
    return (uint8_t)(address == at ? flags : flags >> 8);
}

static bool is_word_string(const struct form *form)
{
    return form->map == 0 && (form->opcode == 0x6F || (form->opcode >= 0xA5 && form->opcode <= 0xAF));
}

/* SI, DI and CX of a string instruction that faulted: as many elements moved as counted, and the 286's count is one or
 * two lower. Puts what FINA says in their place when that holds. */
static void settle_restart(const struct vector *v, const struct form *form, uint16_t reg[REGS])
{
    if (!v->has_exception || v->exception != VX_GP || !is_word_string(form))
        return;
    uint16_t done = (uint16_t)(v->init.reg[REG_CX] - reg[REG_CX]),
             ahead = (uint16_t)(reg[REG_CX] - v->fina.reg[REG_CX]);
    uint16_t moved = v->init.reg[REG_FLAGS] & VX_FL_DF ? (uint16_t) - (2 * done) : (uint16_t)(2 * done);
    bool uses_si = form->opcode == 0x6F || form->opcode == 0xA5 || form->opcode == 0xA7 || form->opcode == 0xAD;
    bool uses_di = form->opcode != 0x6F && form->opcode != 0xAD;
    bool si_ok = reg[REG_SI] == (uint16_t)(v->init.reg[REG_SI] + (uses_si ? moved : 0));
    bool di_ok = reg[REG_DI] == (uint16_t)(v->init.reg[REG_DI] + (uses_di ? moved : 0));
    if (!si_ok || !di_ok || ahead > 2)
        return;
    reg[REG_SI] = v->fina.reg[REG_SI];
    reg[REG_DI] = v->fina.reg[REG_DI];
    reg[REG_CX] = v->fina.reg[REG_CX];
}

/* Compares the machine with FINA; the first difference goes to `why`. */
static bool compare(struct interp_rig *rig, const struct vector *v, const struct form *form, uint16_t flags, char *why,
                    size_t why_bytes)
{
    uint16_t reg[REGS];
    read_back(rig->cpu, reg);
    settle_restart(v, form, reg);
    for (unsigned i = 0; i < REGS; i++) {
        uint16_t mask = i == REG_FLAGS ? (uint16_t)(flags & FLAGS_286) : 0xFFFF;
        if ((reg[i] ^ v->fina.reg[i]) & mask) {
            snprintf(why, why_bytes, "%s is %04x, not %04x", reg_names[i], reg[i], v->fina.reg[i]);
            return false;
        }
    }
    for (unsigned pass = 0; pass < 2; pass++) {
        const struct state *s = pass == 0 ? &v->fina : &v->init;
        for (uint32_t i = 0; i < s->ram_count; i++) {
            uint32_t address = s->ram[i].address;
            const uint8_t *changed = final_byte(v, address);
            uint8_t want = changed != NULL ? *changed : s->ram[i].value;
            if ((rig->ram[address] ^ want) & byte_mask(v, address, flags)) {
                snprintf(why, why_bytes, "[%05x] is %02x, not %02x", address, rig->ram[address], want);
                return false;
            }
        }
    }
    return true;
}

static bool addresses_fit(const struct state *s)
{
    for (uint32_t i = 0; i < s->ram_count; i++)
        if (s->ram[i].address >= RIG_RAM_BYTES)
            return false;
    return true;
}

static void forget(struct interp_rig *rig, const struct state *s)
{
    for (uint32_t i = 0; i < s->ram_count; i++)
        rig->ram[s->ram[i].address] = 0;
}

struct tally {
    unsigned run, failed, skipped[SKIPS];
    char first[200];
};

static void run_vector(struct interp_rig *rig, const struct masks *masks, const struct vector *v, struct tally *tally)
{
    struct form form = form_of(v);
    enum skip skip = skip_reason(v, &form);
    if (skip != SKIP_NONE) {
        tally->skipped[skip]++;
        return;
    }
    char why[80] = "does not halt";
    uint16_t flags = masks->flags[form.map][form.opcode][form.reg];
    tally->run++;
    load_state(rig, &v->init);
    if (v->has_exception && v->exception == VX_GP)
        memcpy(rig->ram + 4 * VX_SEG_SS, rig->ram + 4 * VX_GP, 4);
    bool ok = vx_interp_run(rig->cpu, 200) == VX_STOP_HALT && compare(rig, v, &form, flags, why, sizeof(why));
    if (!ok && tally->failed++ == 0)
        snprintf(tally->first, sizeof(tally->first), "%s (excp %d): %s", v->name, v->has_exception ? v->exception : -1,
                 why);
    forget(rig, &v->init);
    forget(rig, &v->fina);
    memset(rig->ram + 4 * VX_SEG_SS, 0, 4);
}

static void report(const char *name, const struct tally *t)
{
    if (t->failed != 0)
        printf("%-12s %4u run %4u failed  %s\n", name, t->run, t->failed, t->first);
}

static void add_tally(struct tally *sum, const struct tally *t)
{
    sum->run += t->run;
    sum->failed += t->failed;
    for (unsigned i = 0; i < SKIPS; i++)
        sum->skipped[i] += t->skipped[i];
}

/* All opcode files, one after the other in `data`. */
static void run_all(struct interp_rig *rig, const struct masks *masks, struct reader r, struct tally *sum)
{
    struct vector *v = malloc(sizeof(*v));
    struct tally tally = { 0 };
    char tag[5], name[16] = "";
    struct reader body;
    while (r.at < r.end) {
        cr_assert(take_chunk(&r, tag, &body), "damaged chunk");
        if (strcmp(tag, "MOO ") == 0) {
            report(name, &tally);
            add_tally(sum, &tally);
            tally = (struct tally){ 0 };
        } else if (strcmp(tag, "META") == 0 && body.end - body.at > 16) {
            uint32_t opcode;
            memcpy(&opcode, body.at + 3, 4);
            snprintf(name, sizeof(name), "%X %.8s", opcode, (const char *)body.at + 7);
        } else if (strcmp(tag, "TEST") == 0) {
            cr_assert(parse_vector(body, v), "damaged vector in %s", name);
            cr_assert(addresses_fit(&v->init) && addresses_fit(&v->fina));
            run_vector(rig, masks, v, &tally);
        }
    }
    report(name, &tally);
    add_tally(sum, &tally);
    free(v);
}

static uint8_t *unpack(const char *path, size_t *bytes)
{
    char command[512];
    size_t room = 40u << 20;
    uint8_t *data = malloc(room);
    if (strchr(path, '\'') != NULL || snprintf(command, sizeof(command), "xz -dc '%s'", path) >= (int)sizeof(command))
        return NULL;
    FILE *f = popen(command, "r");
    if (f == NULL)
        return NULL;
    *bytes = fread(data, 1, room, f);
    return pclose(f) == 0 ? data : NULL;
}

Test(vectors_286, real_mode, .timeout = 600)
{
    const char *folder = getenv("VX86_CONFORMANCE_DATA");
    if (folder == NULL) {
        printf("80286 recordings: skipped, VX86_CONFORMANCE_DATA is not set\n");
        cr_skip_test("VX86_CONFORMANCE_DATA is not set");
    }
    char path[400];
    static struct masks masks;
    snprintf(path, sizeof(path), "%s/sst286-metadata.json", folder);
    cr_assert(load_masks(path, &masks), "cannot read %s", path);
    size_t bytes = 0;
    snprintf(path, sizeof(path), "%s/sst286-500.moos.xz", folder);
    uint8_t *data = unpack(path, &bytes);
    cr_assert(data != NULL, "cannot unpack %s", path);

    struct interp_rig rig;
    struct tally sum = { 0 };
    cr_assert(rig_init(&rig));
    run_all(&rig, &masks, (struct reader){ data, data + bytes }, &sum);
    rig_fini(&rig);
    free(data);
    printf("80286 recordings: %u run, %u failed; skipped:", sum.run, sum.failed);
    for (unsigned i = SKIP_LOCK; i < SKIPS; i++)
        printf(" %u %s%s", sum.skipped[i], skip_names[i], i + 1 < SKIPS ? "," : "\n");
    cr_assert(sum.run > 100000, "only %u vectors found", sum.run);
    cr_assert_eq(sum.failed, 0, "%u vectors differ", sum.failed);
}

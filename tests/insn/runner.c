/* runner.c - runs one assembly test under the interpreter and under the translator in all its modes, and compares the
 * final state with what the test's source says.
 *
 *     runner test.asm test.bin
 *
 * The binary is loaded at 10000h and starts in real mode at 1000:0000 with DS = ES = SS = 0 and SP = 7C00h, in 1 MiB
 * and 64 KiB of zeroed memory, interrupts off; it ends when it halts with nothing to wake it. Ports: see rig.h. What is
 * expected stands in the source, a line each:
 *
 *     ;= eax 12345678              a register, all 32 bits; eip, eflags, cr0, cr2, cr3, cr4, dr6, dr7 too
 *     ;= cs 0008                   a selector (cs.base, cs.limit, cs.attr: its hidden parts)
 *     ;= byte|word|dword 5000 12   memory at a physical address
 *     ;= bits dword 5000 60 20     memory, under a mask
 *     ;= end shutdown              it ends in a shutdown, not in HLT
 *     ;= cpu 486,+tsc              not an expectation: the CPU model, where the test is about one
 *
 * All numbers are hexadecimal. A test without expectations is an error. */
#include "account.h"
#include "rig.h"

enum { LOAD_AT = 0x10000, EXPECT_MAX = 64, BUDGET = 2000000 };

enum what { WHAT_REGISTER, WHAT_MEMORY, WHAT_END };

struct expectation {
    enum what what;
    char name[24];
    unsigned size; /* of memory, in bytes */
    uint64_t at, mask, value;
};

struct test {
    const char *source;
    char cpu[64]; /* model; "": the rig's */
    uint8_t code[RIG_RAM - LOAD_AT];
    size_t bytes;
    struct expectation expect[EXPECT_MAX];
    unsigned count;
    enum rig_end end;
};

/* ---- the test's source */

static unsigned memory_size(const char *word)
{
    return strcmp(word, "byte") == 0 ? 1 : strcmp(word, "word") == 0 ? 2 : strcmp(word, "dword") == 0 ? 4 : 0;
}

static bool parse_line(const char *line, struct test *test)
{
    struct expectation *e = &test->expect[test->count];
    char word[24], size[24];
    unsigned long long at, mask, value;
    *e = (struct expectation){ .mask = UINT64_MAX };
    if (sscanf(line, "cpu %63s", test->cpu) == 1)
        return true;
    if (sscanf(line, "end %23s", word) == 1) {
        test->end = strcmp(word, "shutdown") == 0 ? RIG_SHUTDOWN : RIG_HALT;
        return true;
    }
    if (sscanf(line, "bits %23s %llx %llx %llx", size, &at, &mask, &value) == 4) {
        e->mask = mask;
    } else if (sscanf(line, "%23s %llx %llx", size, &at, &value) != 3) {
        if (sscanf(line, "%23s %llx", e->name, &value) != 2)
            return false;
        e->value = value;
        test->count++;
        return true;
    }
    e->what = WHAT_MEMORY;
    e->size = memory_size(size);
    e->at = at;
    e->value = value;
    test->count++;
    return e->size != 0 && at + e->size <= RIG_RAM;
}

static bool read_source(const char *path, struct test *test)
{
    char line[200];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return false;
    bool ok = true;
    while (ok && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, ";=", 2) == 0)
            ok = test->count < EXPECT_MAX - 1 && parse_line(line + 2 + strspn(line + 2, " "), test);
    fclose(file);
    if (!ok)
        fprintf(stderr, "%s: cannot understand: %s", path, line);
    return ok && (test->count > 0 || test->end == RIG_SHUTDOWN);
}

static bool read_code(const char *path, struct test *test)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    test->bytes = fread(test->code, 1, sizeof test->code, file);
    fclose(file);
    return test->bytes > 0 && test->bytes < sizeof test->code;
}

/* ---- state */

struct named_value {
    const char *name;
    uint64_t value;
};

static bool find(const struct named_value *values, unsigned count, const char *name, uint64_t *value)
{
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(values[i].name, name) == 0) {
            *value = values[i].value;
            return true;
        }
    }
    return false;
}

static bool segment_value(const struct vx_vcpu *vcpu, const char *name, uint64_t *value)
{
    static const char *const names[] = { "es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr" };
    for (unsigned i = 0; i < VX_ARRAY_LEN(names); i++) {
        const struct vx_seg *seg = i < VX_SEG_COUNT ? &vcpu->seg[i] : i == VX_SEG_COUNT ? &vcpu->ldtr : &vcpu->tr;
        size_t n = strlen(names[i]);
        if (strncmp(name, names[i], n) != 0)
            continue;
        const struct named_value values[] = { { "", seg->sel },
                                              { ".base", seg->base },
                                              { ".limit", seg->limit },
                                              { ".attr", seg->attr },
                                              { ".unusable", seg->unusable } };
        return find(values, VX_ARRAY_LEN(values), name + n, value);
    }
    return false;
}

static bool register_value(const struct vx_vcpu *vcpu, const char *name, uint64_t *value)
{
    const struct named_value values[] = {
        { "eax", vcpu->gpr[VX_RAX] },  { "ecx", vcpu->gpr[VX_RCX] }, { "edx", vcpu->gpr[VX_RDX] },
        { "ebx", vcpu->gpr[VX_RBX] },  { "esp", vcpu->gpr[VX_RSP] }, { "ebp", vcpu->gpr[VX_RBP] },
        { "esi", vcpu->gpr[VX_RSI] },  { "edi", vcpu->gpr[VX_RDI] }, { "eip", vcpu->rip },
        { "eflags", vx_eflags(vcpu) }, { "cr0", vcpu->cr0 },         { "cr2", vcpu->cr2 },
        { "cr3", vcpu->cr3 },          { "cr4", vcpu->cr4 },         { "dr6", vcpu->dr[6] },
        { "dr7", vcpu->dr[7] },        { "cpl", vcpu->cpl },
    };
    return find(values, VX_ARRAY_LEN(values), name, value) || segment_value(vcpu, name, value);
}

/* The first expectation that does not hold, in `text`; false when all do. */
static bool first_failure(const struct test *test, struct rig *rig, char *text, size_t bytes)
{
    for (unsigned i = 0; i < test->count; i++) {
        const struct expectation *e = &test->expect[i];
        uint64_t value = 0;
        if (e->what == WHAT_MEMORY) {
            vx_pmap_read(rig->pmap, e->at, &value, e->size);
            snprintf(text, bytes, "memory at %llx is %llx, not %llx", (unsigned long long)e->at,
                     (unsigned long long)(value & e->mask), (unsigned long long)e->value);
        } else {
            if (!register_value(rig->vcpu, e->name, &value)) {
                snprintf(text, bytes, "no register \"%s\"", e->name);
                return true;
            }
            snprintf(text, bytes, "%s is %llx, not %llx", e->name, (unsigned long long)value,
                     (unsigned long long)e->value);
        }
        if ((value & e->mask) != e->value)
            return true;
    }
    return false;
}

/* ---- running */

static void start(const struct test *test, struct rig *rig)
{
    struct vx_vcpu *vcpu = rig->vcpu;
    vx_cpu_reset(vcpu, false);
    vx_pmap_write(rig->pmap, LOAD_AT, test->code, test->bytes);
    static const enum vx_segment data[] = { VX_DS, VX_ES, VX_SS, VX_FS, VX_GS };
    bool ok = vx_cpu_far_jump(vcpu, LOAD_AT >> 4, 0, 0);
    for (unsigned i = 0; i < VX_ARRAY_LEN(data); i++)
        ok = ok && vx_cpu_load_seg(vcpu, data[i], 0);
    VX_ASSERT(ok);
    vcpu->inhibit = VX_INHIBIT_NONE;
    vcpu->gpr[VX_RSP] = 0x7C00;
    vcpu->gpr[VX_RDX] = 0;
    atomic_store(&vcpu->attention, 0);
}

/* The model that the test asks for; it lives until the rig is gone. */
static struct vx_cpu_model *set_model(const struct test *test, struct rig *rig)
{
    struct vx_cpu_model *model = NULL;
    char problem[160];
    if (test->cpu[0] == 0)
        return NULL;
    if (vx_cpu_model_create(test->cpu, problem, sizeof problem, &model) != VX_ERR_OK) {
        fprintf(stderr, "%s: %s\n", test->source, problem);
        exit(2);
    }
    rig->vcpu->model = model;
    return model;
}

static bool run(const struct test *test, const char *engine, const struct vx_bt_config *options)
{
    static const char *const ends[] = { "HLT", "a shutdown", "no end" };
    struct rig rig;
    char text[160] = "";
    rig_create(&rig, options);
    struct vx_cpu_model *model = set_model(test, &rig);
    start(test, &rig);
    enum rig_end end = rig_run(&rig, BUDGET);
    bool failed = first_failure(test, &rig, text, sizeof text);
    if (end != test->end) {
        snprintf(text, sizeof text, "ends with %s at %04x:%08x, not with %s", ends[end], rig.vcpu->seg[VX_CS].sel,
                 (unsigned)rig.vcpu->rip, ends[test->end]);
        failed = true;
    }
    rig_destroy(&rig);
    vx_cpu_model_destroy(model);
    if (failed)
        fprintf(stderr, "%s: %s: %s\n", test->source, engine, text);
    return !failed;
}

int main(int argc, char **argv)
{
    static struct test test;
    static const struct {
        const char *name;
        struct vx_bt_config options;
    } engines[] = {
        { "default", { .tu_max = 0 } },
        { "units of 1", { .tu_max = 1 } },
        { "units of 2", { .tu_max = 2 } },
        { "units of 128", { .tu_max = 128 } },
        { "no chain", { .no_chain = true } },
        { "no jump cache", { .no_jump_cache = true } },
        { "smallest cache", { .cache_bytes = 64 << 10 } },
        { "counting", { .count = true } },
        { "stress 1", { .stress = true, .stress_seed = 1 } },
        { "stress 2", { .stress = true, .stress_seed = 2, .tu_max = 4 } },
        { "stress 3", { .stress = true, .stress_seed = 3, .tu_max = 32 } },
        { "windows", { .lowering = VX_LOWERING_AUTO, .window.eager = true } },
        { "windows, few mappings", { .lowering = VX_LOWERING_AUTO, .window = { .eager = true, .maps = 12 } } },
        { "windows, a host that refuses",
          { .lowering = VX_LOWERING_AUTO, .window = { .eager = true, .fail_every = 5 } } },
        { "windows, stress 4", { .lowering = VX_LOWERING_AUTO, .stress = true, .stress_seed = 4, .tu_max = 8 } },
    };
    if (argc != 3) {
        fprintf(stderr, "usage: runner test.asm test.bin\n");
        return 2;
    }
    test.source = argv[1];
    if (!read_source(argv[1], &test) || !read_code(argv[2], &test)) {
        fprintf(stderr, "%s: not a test, or without expectations\n", argv[1]);
        return 2;
    }
    unsigned right = run(&test, "interpreter", NULL), runs = 1 + (unsigned)VX_ARRAY_LEN(engines);
    for (unsigned i = 0; i < VX_ARRAY_LEN(engines); i++)
        right += run(&test, engines[i].name, &engines[i].options);
    account_print(runs, right);
    return right == runs ? 0 : 1;
}

/* test_isa_model.c - CPU models: names, features added and taken away, what CPUID, CR0, CR4 and EFLAGS make of them. */
#include "sys_world.h"

#include "cpu_model.h"

static struct vx_cpu_model *model_of(const char *spec)
{
    char problem[160];
    struct vx_cpu_model *model = NULL;
    cr_assert_eq(vx_cpu_model_create(spec, problem, sizeof problem, &model), VX_ERR_OK, "%s: %s", spec, problem);
    return model;
}

Test(isa_model, specifications)
{
    static const struct {
        const char *spec;
        enum vx_cpu_feature feature;
        bool has;
    } rows[] = {
        { "default", VX_F_SSE2, true },          { "default,-sse2", VX_F_SSE2, false },
        { "default,-sse", VX_F_SSE2, false },                                         /* needs it */
        { "default,-mmx,+mmx", VX_F_MMX, true }, { "486,+sse4.2", VX_F_SSSE3, true }, /* is needed */
        { "486,+sse4_2", VX_F_FXSR, true },      { "486,+pni", VX_F_SSE3, true },
        { "486,+sse3", VX_F_SSE2, true },        { "486,+sse3", VX_F_MMX, false },
        { "386,+cpuid", VX_F_I486, true },       { "pentium3,-fxsr", VX_F_SSE, false },
        { "pentium3,-fxsr", VX_F_FPU, true },    { "core2,-cpuid", VX_F_TSC, false },
        { "core2,-nx", VX_F_PAE, true },         { "core2,-pae", VX_F_NX, false },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct vx_cpu_model *model = model_of(rows[i].spec);
        cr_assert_eq(vx_cpu_has(model, rows[i].feature), rows[i].has, "%s", rows[i].spec);
        vx_cpu_model_destroy(model);
    }
}

Test(isa_model, wrong_specifications)
{
    static const char *const rows[] = { "",
                                        "Default",
                                        "default,",
                                        "default,sse",
                                        "default,+",
                                        "default,+x",
                                        "386,-fpu",
                                        "default,-i386,",
                                        "z80,+sse",
                                        "default,+sse|pni",
                                        "default,+averyveryverylongnameoffeaturethatthereisnot" };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        char problem[160];
        struct vx_cpu_model *model = NULL;
        cr_assert_eq(vx_cpu_model_create(rows[i], problem, sizeof problem, &model), VX_ERR_BAD_ARGUMENT, "%s", rows[i]);
        cr_assert(problem[0] != 0 && strchr(problem, '\n') == NULL && model == NULL, "%s", rows[i]);
    }
}

/* Every model is closed under `needs`, starts, and keeps CR0, CR4 and EFLAGS to its own bits. */
Test(isa_model, every_model)
{
    static const struct {
        const char *name;
        uint32_t signature, cr0, cr4, eflags; /* legal bits */
    } rows[] = {
        { "386", 0x308, 0x8000000F, 0, 0x37FD5 },           { "486", 0x480, 0xE005002F, 0, 0x3F7FD5 },
        { "pentium", 0x52C, 0xE005002F, 0x5C, 0x3F7FD5 },   { "pentiumpro", 0x619, 0xE005002F, 0x1FC, 0x3F7FD5 },
        { "pentium2", 0x652, 0xE005002F, 0x3FC, 0x3F7FD5 }, { "pentium3", 0x68A, 0xE005002F, 0x7FC, 0x3F7FD5 },
        { "core2", 0x6FB, 0xE005002F, 0x7FC, 0x3F7FD5 },    { "default", 0x106CA, 0xE005002F, 0x7FC, 0x3F7FD5 },
    };
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        const struct vx_cpu_model *model = vx_cpu_model_find(rows[i].name);
        const uint32_t pending = VX_CR4_VME | VX_CR4_PVI | VX_CR4_SMEP | VX_CR4_UMIP; /* may be offered */
        cr_assert_not_null(model);
        cr_assert_eq(model->signature, rows[i].signature);
        cr_assert_eq(cpu_cr0_mask(model), rows[i].cr0, "%s: %x", rows[i].name, cpu_cr0_mask(model));
        cr_assert_eq(cpu_cr4_mask(model) & ~pending, rows[i].cr4, "%s: %x", rows[i].name, cpu_cr4_mask(model));
        cr_assert_eq(cpu_eflags_mask(model), rows[i].eflags, "%s", rows[i].name);
    }
    const struct vx_cpu_model *model;
    for (size_t n = 0; (model = cpu_model_at(n)) != NULL; n++)
        for (unsigned f = 0; f < VX_F_COUNT; f++)
            if (cpu_model_has(model, (enum vx_cpu_feature)f))
                cr_assert(cpu_model_has(model, (enum vx_cpu_feature)cpu_feature_rows[f].needs), "%s: %s without %s",
                          model->name, cpu_feature_rows[f].name, cpu_feature_rows[cpu_feature_rows[f].needs].name);
}

/* CPUID's words have each feature at its place, and no two features share one. */
Test(isa_model, cpuid_words)
{
    for (unsigned f = 0; f < VX_F_COUNT; f++) {
        struct vx_cpu_model one = { .features = 1ull << f };
        const struct cpu_feature_row *row = &cpu_feature_rows[f];
        for (unsigned word = CPUID_D1; word < CPUID_WORDS; word++)
            cr_assert_eq(cpu_model_cpuid_word(&one, (enum cpuid_word)word), word == row->word ? 1u << row->bit : 0);
        for (unsigned g = 0; g < f; g++)
            cr_assert(row->word == CPUID_NO || row->word != cpu_feature_rows[g].word ||
                      row->bit != cpu_feature_rows[g].bit);
    }
}

/* What the host has not got is dropped with what needs it, the rest stays. */
Test(isa_model, host)
{
    char dropped[160];
    struct vx_cpu_model *model = model_of("default,+smap");
    uint64_t before = model->features;
    vx_cpu_model_fit_host(model, dropped, sizeof dropped);
    cr_assert_eq(model->features == before, dropped[0] == 0);
    cr_assert_eq(model->features & ~before, 0);
    cr_assert(vx_cpu_has(model, VX_F_SMAP) && vx_cpu_has(model, VX_F_SSE2));
    vx_cpu_model_destroy(model);
}

/* A vCPU keeps a copy of its model, and its registers obey it. */
Test(isa_model, registers)
{
    struct world *w = world_create();
    world_protected(w, 0);
    struct vx_cpu_model *model = model_of("386");
    w->cpu->model = model;
    cr_assert(vx_cpu_write_cr(w->cpu, 0, 0x00050021)); /* WP, AM, NE are not there */
    cr_assert_eq(w->cpu->cr0, 0x11);
    vx_set_eflags_raw(w->cpu, 0);
    vx_cpu_pop_flags(w->cpu, 0xFFFFFFFF, 4);
    cr_assert_eq(vx_eflags(w->cpu) & (VX_FL_AC | VX_FL_ID), 0);
    vx_cpu_model_destroy(model);
    model = model_of("486");
    w->cpu->model = model;
    vx_cpu_pop_flags(w->cpu, 0xFFFFFFFF, 4);
    cr_assert_eq(vx_eflags(w->cpu) & (VX_FL_AC | VX_FL_ID), VX_FL_AC | VX_FL_ID);
    vx_cpu_model_destroy(model);
    world_destroy(w);
}

/* MSRs come with their features. */
Test(isa_model, msrs)
{
    static const struct {
        const char *model;
        uint32_t index;
        bool there;
    } rows[] = {
        { "pentium", 0x10, true },         { "pentium", 0x0, true },      { "pentium", 0x1B, true },
        { "pentium", 0x174, false },       { "pentium", 0x2FF, false },   { "pentium", 0x277, false },
        { "pentium", 0x400, false },       { "pentiumpro", 0x2FF, true }, { "pentiumpro", 0x174, false },
        { "pentiumpro", 0x277, false },    { "pentiumpro", 0x179, true }, { "pentium2", 0x176, true },
        { "pentium2", 0x277, true },       { "pentium3", 0x1A0, false },  { "pentium4", 0x1A0, true },
        { "pentium4", 0xC0000080, false }, { "core2", 0xC0000080, true }, { "core2", 0x3B, false },
        { "core2", 0x10A, false },         { "default", 0x10A, true },    { "default,-mtrr", 0xFE, false },
        { "default,-sep", 0x175, false },
    };
    struct world *w = world_create();
    const struct vx_cpu_model *own = w->cpu->model;
    for (size_t i = 0; i < VX_ARRAY_LEN(rows); i++) {
        struct vx_cpu_model *model = model_of(rows[i].model);
        uint64_t value;
        world_protected(w, 0);
        w->cpu->model = model;
        cr_assert_eq(vx_cpu_read_msr(w->cpu, rows[i].index, &value), rows[i].there, "%s: MSR %x", rows[i].model,
                     rows[i].index);
        w->cpu->model = own;
        vx_cpu_model_destroy(model);
    }
    world_destroy(w);
}

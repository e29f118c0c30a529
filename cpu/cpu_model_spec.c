/* cpu_model_spec.c - a model as the user names it: NAME[,+FEATURE|,-FEATURE]..., cut to what the host can run; and the
 * list of names.
 *
 *   I1  The features of a model are closed: whoever has one has what it needs (column `needs` of cpu_features.def). */
#include <stdio.h>
#include <stdlib.h>

#include "cpu_model.h"
#include "vx86/host.h"

enum { FEATURE_NAME_MAX = 31 };

#define BASE_FEATURES (VX_FEATURE_BIT(I386) | VX_FEATURE_BIT(FPU))

/* Whether `name` is one of the spellings "a|b|c". */
static bool spelled(const char *spellings, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = spellings; at != NULL; at = strchr(at, '|'), at += at != NULL)
        if (strncmp(at, name, length) == 0 && (at[length] == 0 || at[length] == '|'))
            return true;
    return false;
}

static enum vx_cpu_feature find_feature(const char *name)
{
    for (unsigned i = 0; i < VX_F_COUNT; i++)
        if (spelled(cpu_feature_rows[i].name, name))
            return (enum vx_cpu_feature)i;
    return VX_F_NEVER;
}

static void add_feature(struct vx_cpu_model *model, unsigned feature)
{
    for (; !cpu_model_has(model, (enum vx_cpu_feature)feature); feature = cpu_feature_rows[feature].needs)
        model->features |= 1ull << feature;
}

static void remove_feature(struct vx_cpu_model *model, unsigned feature)
{
    model->features &= ~(1ull << feature);
    for (unsigned i = 0; i < VX_F_COUNT; i++)
        if (cpu_feature_rows[i].needs == feature && cpu_model_has(model, (enum vx_cpu_feature)i))
            remove_feature(model, i); /* as deep as the longest chain of needs */
}

/* One "+name" or "-name". */
static bool apply(struct vx_cpu_model *model, const char *item, char *problem, size_t room)
{
    enum vx_cpu_feature feature = find_feature(item + 1);
    if (item[0] != '+' && item[0] != '-')
        snprintf(problem, room, "'%s' must begin with + or -", item);
    else if (feature == VX_F_NEVER)
        snprintf(problem, room, "there is no CPU feature '%s'; --cpu help lists them", item + 1);
    else if (item[0] == '-' && (BASE_FEATURES >> feature & 1))
        snprintf(problem, room, "every CPU model has '%s'; it cannot be taken away", item + 1);
    else if (item[0] == '+')
        add_feature(model, feature);
    else
        remove_feature(model, feature);
    return problem[0] == 0;
}

/* The next item of a comma list into `item`; false at its end or when it is longer than any name. */
static bool next_item(const char **spec, char item[FEATURE_NAME_MAX + 1])
{
    size_t length = strcspn(*spec, ",");
    if (length > FEATURE_NAME_MAX)
        length = FEATURE_NAME_MAX;
    memcpy(item, *spec, length);
    item[length] = 0;
    *spec += length;
    if (**spec != ',')
        return false;
    (*spec)++;
    return true;
}

vx_err vx_cpu_model_create(const char *spec, char *problem, size_t room, struct vx_cpu_model **out)
{
    char item[FEATURE_NAME_MAX + 1];
    VX_ASSERT(room > 0);
    problem[0] = 0;
    bool more = next_item(&spec, item);
    const struct vx_cpu_model *base = vx_cpu_model_find(item);
    if (base == NULL) {
        snprintf(problem, room, "there is no CPU model '%s'; --cpu help lists them", item);
        return VX_ERR_BAD_ARGUMENT;
    }
    struct vx_cpu_model *model = malloc(sizeof *model);
    if (model == NULL) {
        snprintf(problem, room, "out of memory for the CPU model");
        return VX_ERR_NO_MEMORY;
    }
    *model = *base;
    while (more) {
        more = next_item(&spec, item);
        if (!apply(model, item, problem, room)) {
            free(model);
            return VX_ERR_BAD_ARGUMENT;
        }
    }
    *out = model;
    return VX_ERR_OK;
}

void vx_cpu_model_destroy(struct vx_cpu_model *model)
{
    free(model);
}

/* ---- the host ---------------------------------------------------------------------------------------------------- */

/* All features with `runs` HOST are in leaf 1 ECX. A host that is no x86 interprets, and lacks nothing. */
static uint32_t host_leaf1_ecx(void)
{
    uint32_t regs[4];
    return vx_host_cpuid(1, 0, regs) ? regs[2] : UINT32_MAX;
}

void vx_cpu_model_fit_host(struct vx_cpu_model *model, char *dropped, size_t room)
{
    uint32_t host = host_leaf1_ecx();
    size_t used = 0;
    VX_ASSERT(room > 0);
    dropped[0] = 0;
    for (unsigned i = 0; i < VX_F_COUNT; i++) {
        const struct cpu_feature_row *row = &cpu_feature_rows[i];
        if (!row->host || (host >> row->bit & 1) || !cpu_model_has(model, (enum vx_cpu_feature)i))
            continue;
        int n = snprintf(dropped + used, room - used, "%s%.*s", used != 0 ? ", " : "", (int)strcspn(row->name, "|"),
                         row->name);
        used += (size_t)n < room - used ? (size_t)n : 0;
        remove_feature(model, i);
    }
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

void vx_cpu_model_print_list(FILE *out)
{
    const struct vx_cpu_model *model;
    unsigned column = 0;
    fprintf(out, "CPU models:\n");
    for (size_t i = 0; (model = cpu_model_at(i)) != NULL; i++)
        fprintf(out, "  %-12s %s\n", model->name, model->about);
    fprintf(out, "\nFeatures, for --cpu MODEL,+FEATURE,-FEATURE (with what they need, and what needs them):\n");
    for (unsigned i = 0; i < VX_F_COUNT; i++) {
        if (BASE_FEATURES >> i & 1)
            continue;
        int length = (int)strcspn(cpu_feature_rows[i].name, "|");
        if (column + (unsigned)length + 2 > 78) {
            fputc('\n', out);
            column = 0;
        }
        column += (unsigned)fprintf(out, "%s%.*s", column == 0 ? "  " : " ", length, cpu_feature_rows[i].name);
    }
    fputc('\n', out);
}

/* test_random.c - random programs in every state that a system uses, by the translator and by the interpreter:
 * registers, segments with their hidden parts, control registers, x87/SSE state and memory (page tables with A and D
 * bits among it) must be equal at the end.
 *
 * Environment: VX86_DIFF_CASES programs of each mix instead of the short run's, VX86_DIFF_SEED another sequence,
 * VX86_DIFF_MIX and VX86_DIFF_ONLY one mix or one program by its number. */
#include <criterion/criterion.h>

#include "support/diff.h"

enum mix { MIX_INTEGER, MIX_STRINGS, MIX_CONTROL, MIX_SYSTEM, MIX_FLOAT, MIX_SELF_MODIFY, MIX_COUNT };

/* clang-format off */
static const struct menu menus[MIX_COUNT] = {
    [MIX_INTEGER] = { .weight = { [MENU_INTEGER] = 60, [MENU_POINTER] = 12, [MENU_STACK] = 10, [MENU_STRING] = 4, [MENU_JUMP] = 6, [MENU_LOOP] = 1, [MENU_CALL] = 2, [MENU_FLAGS] = 3 } },
    [MIX_STRINGS] = { .weight = { [MENU_INTEGER] = 20, [MENU_POINTER] = 15, [MENU_STACK] = 5, [MENU_STRING] = 40, [MENU_JUMP] = 4, [MENU_LOOP] = 2, [MENU_FLAGS] = 4, [MENU_SEGMENT] = 4 } },
    [MIX_CONTROL] = { .weight = { [MENU_INTEGER] = 30, [MENU_POINTER] = 10, [MENU_STACK] = 15, [MENU_JUMP] = 20, [MENU_LOOP] = 6, [MENU_CALL] = 15, [MENU_FAR] = 6, [MENU_FLAGS] = 4 } },
    [MIX_SYSTEM] = { .weight = { [MENU_INTEGER] = 15, [MENU_POINTER] = 12, [MENU_STACK] = 12, [MENU_STRING] = 4, [MENU_JUMP] = 4, [MENU_LOOP] = 2, [MENU_SEGMENT] = 14, [MENU_FLAGS] = 12, [MENU_SYSTEM] = 14, [MENU_FAR] = 8, [MENU_IO] = 8 } },
    [MIX_FLOAT] = { .weight = { [MENU_INTEGER] = 8, [MENU_POINTER] = 14, [MENU_STACK] = 2, [MENU_JUMP] = 3, [MENU_LOOP] = 2, [MENU_X87] = 40, [MENU_SSE] = 45, [MENU_SYSTEM] = 1 } },
    [MIX_SELF_MODIFY] = { .weight = { [MENU_INTEGER] = 20, [MENU_POINTER] = 8, [MENU_STACK] = 4, [MENU_STRING] = 2, [MENU_JUMP] = 4, [MENU_LOOP] = 8, [MENU_CALL] = 4, [MENU_SELF_MODIFY] = 25 } },
};
/* clang-format on */

static uint64_t environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static void choose_paging(struct setup *setup, struct rng *rng)
{
    setup->paging = one_in(rng, 3) ? PAGING_OFF : one_in(rng, 3) ? PAGING_PAE : PAGING_32BIT;
}

static void choose_protected(struct setup *setup, struct rng *rng)
{
    setup->kind = SETUP_PROTECTED;
    setup->flat = one_in(rng, 2);
    setup->code32 = setup->flat || one_in(rng, 2);
    setup->stack32 = setup->flat || (one_in(rng, 6) ? !setup->code32 : setup->code32);
    setup->cpl = one_in(rng, 2) ? 3 : 0;
    choose_paging(setup, rng);
}

static struct setup choose_setup(struct rng *rng)
{
    struct setup setup = { 0 };
    setup.iopl = one_in(rng, 2) ? 3 : 0;
    switch (rng_below(rng, 6)) {
    case 0: setup.kind = SETUP_REAL, setup.iopl = 0; break;
    case 1:
        setup.kind = SETUP_VM86;
        setup.cpl = 3;
        choose_paging(&setup, rng);
        break;
    default: choose_protected(&setup, rng); break;
    }
    setup.single_step = one_in(rng, 24);
    setup.fp_exceptions = one_in(rng, 3);
    setup.align_check = one_in(rng, 4);
    setup.seed = rng_next(rng);
    return setup;
}

static void report(struct engines *engines, struct program *program, enum mix mix, uint64_t number,
                   struct difference *found)
{
    fprintf(stderr, "mix %u, program %llu: %s\n", (unsigned)mix, (unsigned long long)number, found->text);
    if (!program_shrink(engines, program, found))
        fprintf(stderr, "  not by itself: only after the programs before it\n");
    else
        fprintf(stderr, "  smallest: %s\n", found->text);
    engines_agree(engines, program, found);
    program_print(stderr, engines->world, program);
    events_print(stderr, engines);
}

/* Makes program `number` of the mix; every test has a sequence of its own. */
static void make(struct program *program, const char *test, enum mix mix, uint64_t number)
{
    uint64_t sequence = environment("VX86_DIFF_SEED", 0);
    for (const char *c = test; *c != '\0'; c++)
        sequence = sequence * 31 + (unsigned char)*c;
    struct rng rng = rng_seeded((sequence << 32) + number * MIX_COUNT + (uint64_t)mix);
    struct setup setup = choose_setup(&rng);
    program_make(program, &setup, &menus[mix], rng_next(&rng));
}

/* Programs follow each other on one translator, so that leftovers of one are in the way of the next, but not for ever.
 * */
enum { RENEW_EVERY = 64 };

struct run {
    const char *test;
    const struct vx_bt_config *options;
    uint64_t cases;
};

static void compare_mix(struct engines *engines, const struct run *run, enum mix mix, unsigned *failures)
{
    static struct program program;
    struct difference found;
    uint64_t only = environment("VX86_DIFF_ONLY", UINT64_MAX);
    for (uint64_t i = 0; i < run->cases && *failures < 3; i++) {
        if (i % RENEW_EVERY == 0)
            engines_renew(engines, run->options);
        make(&program, run->test, mix, only == UINT64_MAX ? i : only);
        if (!engines_agree(engines, &program, &found)) {
            report(engines, &program, mix, i, &found);
            ++*failures;
        }
        if (only != UINT64_MAX)
            break;
    }
}

/* The translator with these options: `cases` programs of every mix. */
static void compare(const char *test, const struct vx_bt_config *options, uint64_t cases)
{
    static struct engines engines;
    unsigned failures = 0;
    uint64_t only = environment("VX86_DIFF_MIX", MIX_COUNT);
    struct run run = { test, options, environment("VX86_DIFF_CASES", cases) };
    engines_create(&engines, options);
    for (unsigned mix = 0; mix < MIX_COUNT; mix++)
        if (only == MIX_COUNT || only == mix)
            compare_mix(&engines, &run, (enum mix)mix, &failures);
    unsigned lost = engines.endless + engines.undefined, compared = engines.compared;
    engines_destroy(&engines);
    cr_assert_eq(failures, 0, "the engines differ, see above");
    cr_assert_lt(lost, compared / 4 + 2, "%u of %u programs are not comparable: the test is worth little", lost,
                 compared);
}

/* One row a test: how many programs of each mix, and the translator's options. */
#define DIFF(name, cases, ...)                                        \
    Test(random, name, .timeout = 3600)                               \
    {                                                                 \
        compare(#name, &(struct vx_bt_config){ __VA_ARGS__ }, cases); \
    }

DIFF(default_options, 500, .tu_max = 0)
DIFF(units_of_1, 80, .tu_max = 1)
DIFF(units_of_2, 80, .tu_max = 2)
DIFF(units_of_4, 80, .tu_max = 4)
DIFF(longest_units, 80, .tu_max = 128)
DIFF(interpreted_first, 80, .interpret_first = 2)
DIFF(interpreted_first_exact, 40, .interpret_first = 3, .exact_count = true, .stress_seed = 7)
DIFF(no_chain, 80, .no_chain = true)
DIFF(no_jump_cache, 80, .no_jump_cache = true)
DIFF(neither, 80, .no_chain = true, .no_jump_cache = true, .tu_max = 1)
DIFF(tiny_cache, 100, .cache_bytes = 64 << 10)
DIFF(counting, 40, .count = true)
DIFF(counting_units, 40, .count_units = true, .tu_max = 3)
DIFF(counting_units_exact, 40, .count_units = true, .exact_count = true, .stress_seed = 7)
/* stress_seed without stress: the slice, see rig.c */
DIFF(exact_count, 80, .exact_count = true)
DIFF(exact_slices_of_1, 20, .exact_count = true, .stress_seed = 1)
DIFF(exact_slices_of_7, 40, .exact_count = true, .stress_seed = 7, .count = true)
DIFF(exact_slices_of_50, 80, .exact_count = true, .stress_seed = 50)
DIFF(exact_stress, 40, .exact_count = true, .stress = true, .stress_seed = 45, .tu_max = 8)
DIFF(one_unit, 40, .exact_count = true, .one_unit = true)
DIFF(stress_1, 80, .stress = true, .stress_seed = 1)
DIFF(stress_2, 80, .stress = true, .stress_seed = 2)
DIFF(stress_3, 80, .stress = true, .stress_seed = 3, .tu_max = 2)
DIFF(stress_4, 80, .stress = true, .stress_seed = 4, .tu_max = 16)
DIFF(windows, 200, .lowering = VX_LOWERING_AUTO, .window.eager = true)
DIFF(windows_few_maps, 60, .lowering = VX_LOWERING_AUTO, .window = { .eager = true, .maps = 10 })
DIFF(windows_refused, 60, .lowering = VX_LOWERING_AUTO, .window = { .eager = true, .fail_every = 7 })
DIFF(windows_exact, 60, .lowering = VX_LOWERING_AUTO, .window.eager = true, .exact_count = true, .stress_seed = 7)
DIFF(windows_one_unit, 40, .lowering = VX_LOWERING_AUTO, .window.eager = true, .exact_count = true, .one_unit = true)
DIFF(windows_stress, 80, .lowering = VX_LOWERING_AUTO, .stress = true, .stress_seed = 6, .tu_max = 16)
DIFF(stress_5, 80, .stress = true, .stress_seed = 5, .cache_bytes = 64 << 10)

/* test_random.c - random programs in every state that a system uses, by the translator and by the interpreter: registers,
 * segments with their hidden parts, control registers, x87/SSE state and memory (page tables with A and D bits among it) must
 * be equal at the end.
 *
 * Environment: VX86_DIFF_CASES programs per test instead of the short run's, VX86_DIFF_SEED another sequence,
 * VX86_DIFF_ONLY one program by its number. */
#include <criterion/criterion.h>

#include "support/diff.h"

enum mix { MIX_INTEGER, MIX_STRINGS, MIX_CONTROL, MIX_SYSTEM, MIX_FLOAT, MIX_SELF_MODIFY, MIX_COUNT };

/* clang-format off */
static const struct menu menus[MIX_COUNT] = {
    [MIX_INTEGER] = { { [MENU_INTEGER] = 60, [MENU_POINTER] = 12, [MENU_STACK] = 10, [MENU_STRING] = 4, [MENU_JUMP] = 6, [MENU_LOOP] = 1, [MENU_CALL] = 2, [MENU_FLAGS] = 3 } },
    [MIX_STRINGS] = { { [MENU_INTEGER] = 20, [MENU_POINTER] = 15, [MENU_STACK] = 5, [MENU_STRING] = 40, [MENU_JUMP] = 4, [MENU_LOOP] = 2, [MENU_FLAGS] = 4, [MENU_SEGMENT] = 4 } },
    [MIX_CONTROL] = { { [MENU_INTEGER] = 30, [MENU_POINTER] = 10, [MENU_STACK] = 15, [MENU_JUMP] = 20, [MENU_LOOP] = 6, [MENU_CALL] = 15, [MENU_FAR] = 6, [MENU_FLAGS] = 4 } },
    [MIX_SYSTEM] = { { [MENU_INTEGER] = 15, [MENU_POINTER] = 12, [MENU_STACK] = 12, [MENU_STRING] = 4, [MENU_JUMP] = 4, [MENU_LOOP] = 2, [MENU_SEGMENT] = 14, [MENU_FLAGS] = 12, [MENU_SYSTEM] = 14, [MENU_FAR] = 8, [MENU_IO] = 8 } },
    [MIX_FLOAT] = { { [MENU_INTEGER] = 8, [MENU_POINTER] = 14, [MENU_STACK] = 2, [MENU_JUMP] = 3, [MENU_LOOP] = 2, [MENU_X87] = 40, [MENU_SSE] = 45, [MENU_SYSTEM] = 1 } },
    [MIX_SELF_MODIFY] = { { [MENU_INTEGER] = 20, [MENU_POINTER] = 8, [MENU_STACK] = 4, [MENU_STRING] = 2, [MENU_JUMP] = 4, [MENU_LOOP] = 8, [MENU_CALL] = 4, [MENU_SELF_MODIFY] = 25 } },
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

static void report(struct engines *engines, struct program *program, uint64_t number, struct difference *found)
{
    fprintf(stderr, "program %llu: %s\n", (unsigned long long)number, found->text);
    if (!program_shrink(engines, program, found))
        fprintf(stderr, "  not by itself: only after the programs before it\n");
    else
        fprintf(stderr, "  smallest: %s\n", found->text);
    engines_agree(engines, program, found);
    program_print(stderr, engines->world, program);
    events_print(stderr, engines);
}

/* Makes program `number` of the mix. */
static void make(struct program *program, enum mix mix, uint64_t number)
{
    struct rng rng = rng_seeded(number * MIX_COUNT + (uint64_t)mix + (environment("VX86_DIFF_SEED", 0) << 40));
    struct setup setup = choose_setup(&rng);
    program_make(program, &setup, &menus[mix], rng_next(&rng));
}

static void compare(const struct vx_bt_config *options, enum mix mix, uint64_t cases)
{
    static struct engines engines;
    static struct program program;
    struct difference found;
    uint64_t only = environment("VX86_DIFF_ONLY", UINT64_MAX), failures = 0;
    cases = environment("VX86_DIFF_CASES", cases);
    engines_create(&engines, options);
    for (uint64_t i = only == UINT64_MAX ? 0 : only; i < cases && failures < 3; i++) {
        make(&program, mix, i);
        if (!engines_agree(&engines, &program, &found)) {
            report(&engines, &program, i, &found);
            failures++;
        }
        if (only != UINT64_MAX)
            break;
    }
    unsigned endless = engines.endless + engines.undefined, compared = engines.compared;
    if (getenv("VX86_DIFF_CASES") != NULL)
        fprintf(stderr, "%u compared, %u endless, %u undefined\n", compared, engines.endless, engines.undefined);
    engines_destroy(&engines);
    cr_assert_eq(failures, 0, "the engines differ, see above");
    cr_assert_lt(endless, compared / 4 + 2, "%u of %u programs are not comparable: the test is worth little", endless, endless + compared);
}

/* One row a test: options of the translator and what to run under them. */
#define DIFF(name, mix, cases, ...) \
    Test(random, name, .timeout = 3600) { compare(&(struct vx_bt_config){ __VA_ARGS__ }, mix, cases); }

DIFF(integer, MIX_INTEGER, 1000, .tu_max = 0)
DIFF(strings, MIX_STRINGS, 700, .tu_max = 0)
DIFF(control, MIX_CONTROL, 1000, .tu_max = 0)
DIFF(system, MIX_SYSTEM, 1000, .tu_max = 0)
DIFF(float, MIX_FLOAT, 1000, .tu_max = 0)
DIFF(self_modify, MIX_SELF_MODIFY, 1000, .tu_max = 0)
